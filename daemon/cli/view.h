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
/** Any JSON object, `indent` columns in. */
void view_object(FILE *to, const json_t *object, int indent);
