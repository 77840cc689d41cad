/* SPDX-License-Identifier: Apache-2.0 */
/** What is wrong with a JSON text, for the person who wrote it. */
#pragma once

#include <jansson.h>

/**
 * The end of a sentence such as "the JSON is broken at line 1, column 43: …", after json_loadb
 * failed. jansson's own words stand only where they speak of the text and not of its flags; then
 * the string is inside `error`. Never NULL.
 */
const char *json_text_fault(const json_error_t *error);
