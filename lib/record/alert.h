/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The body of an alert: the model of CAP 1.2 with its own names
 * (http://docs.oasis-open.org/emergency/cap/v1.2/CAP-v1.2.html), or an incident of disinformation.
 * docs/records.md describes the fields.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

int alert_validate(const json_t *body, struct complaint *c);

/** The first info's headline, else event, else the narrative, else the identifier; or NULL. */
const char *alert_title(const json_t *body);

/** The latest `expires` of the infos in ms since 1970, 0 without one. */
int64_t alert_expiry_ms(const json_t *body);

/** CAP's shapes: "lat,lon lat,lon …", closed; "lat,lon radius". NULL if fine, else why not. */
const char *alert_polygon(struct bytes text);
const char *alert_circle(struct bytes text);
