/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The body of a meta record: read receipts, countersignatures, evidence of blocking. What it is
 * about stands in the header's references; docs/records.md describes the fields.
 */
#pragma once

#include <jansson.h>

#include "base/error.h"

int meta_validate(const json_t *body, struct complaint *c);
