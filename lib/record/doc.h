/* SPDX-License-Identifier: Apache-2.0 */
/** The body of a document of practice; docs/records.md describes its fields. */
#pragma once

#include <jansson.h>

#include "base/error.h"

int doc_validate(const json_t *body, struct complaint *c);
