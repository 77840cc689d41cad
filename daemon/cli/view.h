/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Records as a person reads them: every field of a body by its name, those that this version does
 * not know included, long texts last.
 */
#pragma once

#include <jansson.h>
#include <stdio.h>

/** The whole of a Record of the API. */
void view_record(FILE *to, const json_t *record);
/** Room for view_title: the longest title there is, and what stands before it. */
#define VIEW_TITLE_MAX 1280
/**
 * The title of a summary as a list shows it: of an alert that is no call to act it begins with why,
 * such as "[Exercise, Cancel] ". Returns `to`.
 */
const char *view_title(const json_t *summary, char to[static VIEW_TITLE_MAX]);

/** Any JSON object, `indent` columns in. */
void view_object(FILE *to, const json_t *object, int indent);
