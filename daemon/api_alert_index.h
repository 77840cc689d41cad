/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Which alerts act on which, within a city's alert feed: an Update or Cancel acts on the alerts
 * that it references by CAP's own names (sender, identifier, sent), wherever both stand in one
 * feed. At the publisher it finds what a new alert acts on, to name it by hash as well; at every
 * reader, what has acted on an alert, so that a cancelled one is not shown as if it held.
 *
 * Derived, in memory: a feed is read once, up to where it has grown since, and again from the
 * beginning after a cut; about 48 bytes an alert. Threads of the pool may use it at once.
 */
#pragma once

#include <stdbool.h>
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

/** The newest alert that acts on another. */
struct alert_follower {
	uint64_t seq;
	bool cancels; /* else it updates */
};

/** Reads what the feed has got since. ERROR_MEMORY, the store's errors. */
int alert_index_refresh(struct alert_index *index, struct store *store, const struct hash *feed_id);
/** As of the last refresh: whether an alert acts on entry `seq` of the feed. */
bool alert_index_follower(struct alert_index *index, const struct hash *feed_id, uint64_t seq,
	struct alert_follower *out);
