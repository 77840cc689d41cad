/* SPDX-License-Identifier: Apache-2.0 */
/** Turns a value of another system into ours, as a mapping says. Private to lib/format. */
#pragma once

#include <jansson.h>

#include "base/error.h"

/**
 * `spec` is a field of a mapping, `target` its name, `value` what the record has there. *out is a
 * new reference, or NULL if the value counts as absent. ERROR_FIELD with a complaint that names the
 * target and quotes the value; ERROR_MEMORY.
 */
int mapping_value(const json_t *spec, const char *target, const json_t *value, json_t **out,
	struct complaint *c);
