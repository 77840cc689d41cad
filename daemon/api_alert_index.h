/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Finds this city's earlier alerts by what CAP says of them (sender, identifier, sent), so that an
 * Update or Cancel names them by hash. Made by reading the own alert feed once, up to where it has
 * grown since; about 32 bytes an alert. Threads of the pool may use it at once.
 */
#pragma once

#include <stdint.h>

#include "crypto/hash.h"
#include "format/cap.h"
#include "record/header.h"

struct alert_index;
struct store;

int alert_index_new(struct alert_index **out);
/** Takes NULL. */
void alert_index_free(struct alert_index *index);

/**
 * The newest entry of the feed that is the alert `reference` names. ERROR_NOT_FOUND, ERROR_MEMORY,
 * the store's errors.
 */
int alert_index_find(struct alert_index *index, struct store *store, const struct hash *feed_id,
	const struct cap_reference *reference, struct entry_reference *out);
