/* SPDX-License-Identifier: Apache-2.0 */
/** The body of a funding call; docs/records.md describes its fields. */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "base/error.h"

int call_validate(const json_t *body, struct complaint *c);

/**
 * The end of the last deadline in ms since 1970, 0 without one. A day without a time ends, and a
 * local time is read, as in the westernmost zone (UTC-12): a call is never called over too early.
 */
int64_t call_expiry_ms(const json_t *body);
