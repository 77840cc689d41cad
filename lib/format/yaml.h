/* SPDX-License-Identifier: Apache-2.0 */
/**
 * YAML from people (front matter, mappings) as JSON, by libyaml's events. Plain scalars follow the
 * core schema of YAML 1.2: null, true, false, numbers; all else is a string ("yes", dates, 007).
 * Refused: aliases (they make bombs), keys twice, keys that are no scalars, more than one document,
 * more than YAML_DEPTH_MAX levels or YAML_NODES_MAX values.
 */
#pragma once

#include <jansson.h>

#include "base/bytes.h"
#include "base/error.h"

#define YAML_DEPTH_MAX 12
#define YAML_NODES_MAX 20000

/**
 * A new reference to an object; empty for an empty text. ERROR_SYNTAX with the line, counted from
 * `first_line`.
 */
int yaml_read(struct bytes text, size_t first_line, json_t **out, struct complaint *c);
