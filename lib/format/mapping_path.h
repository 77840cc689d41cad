/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Paths into other people's records and into the body that is built. Private to lib/format.
 *
 *   buyer.name                    members
 *   tender.lots[0].title          an element
 *   parties[roles=buyer].name     the first element whose member is, or contains, that text
 *   tags[*].title                 of every element: gives an array
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

/**
 * A new reference to what is there, NULL if nothing is. With `literal` the path is one key as it
 * stands (columns of CSV).
 */
json_t *mapping_path_get(json_t *record, const char *path, bool literal);

/**
 * Sets a member of the body, making objects and arrays on the way ("deadlines[0].at"); takes over
 * `value`. ERROR_SYNTAX for a path that cannot be, ERROR_MEMORY.
 */
int mapping_path_set(json_t *body, const char *path, json_t *value);
