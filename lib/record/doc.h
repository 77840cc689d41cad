/* SPDX-License-Identifier: Apache-2.0 */
/** The body of a document of practice; docs/records.md describes its fields. */
#pragma once

#include <jansson.h>

#include "base/error.h"
#include "record/field.h"

/** Its fields; beside them, a text needs a media_type. */
extern const struct field doc_fields[];

int doc_validate(const json_t *body, struct complaint *c);
