/* SPDX-License-Identifier: Apache-2.0 */
/** Checks that a mapping file says what a mapping can say. Private to lib/format. */
#pragma once

#include <jansson.h>

#include "base/error.h"

struct mapping;

/** What the mapping's file says; owned by the mapping. */
const json_t *mapping_spec(const struct mapping *m);

/** ERROR_FIELD with a complaint that names the key: unknown, missing, or of the wrong type. */
int mapping_spec_check(const json_t *spec, struct complaint *c);
