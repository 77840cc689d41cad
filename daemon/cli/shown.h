/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What an exported file shows beside its proof must be what the proof shows: a reader sees the
 * title and the date first, and who doctors a file alters those.
 */
#pragma once

#include <jansson.h>

#include "daemon/cli/proof.h"

/**
 * The field of a Record that says something else than what was signed, or NULL. Fields that are
 * missing, and those that are the exporting city's own (received, arrival, what is held), are not
 * judged.
 */
const char *shown_fault(const json_t *file, const struct proof *proof);
