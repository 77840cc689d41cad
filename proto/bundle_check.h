/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "charter/roster.h"
#include "proto/bundle_read.h"

/**
 * Verifies a bundle without a node: the charter from its genesis, each run's chain and signature,
 * each attachment's hashes. What it keeps is the charter, a tip for each feed, and the chunk
 * hashes of one attachment.
 *
 * A feed that does not begin at seq 1 is verified from the entry_hash that the bundle gives for the
 * entry before; that this is the feed's own is shown only where that entry is held.
 */

struct bundle_check;

struct bundle_summary {
	struct hash network_id;
	char slug[33], name[129];
	uint64_t amendment; /* number of the newest */
	uint32_t members, cities, feeds;
	uint32_t begin_later; /* feeds that begin above seq 1 */
	uint64_t objects, attachments, attachment_bytes;
	uint64_t attachments_partial; /* pieces: begun or ended in another part */
	uint64_t records[FEED_LANE_COUNT];
	uint64_t first_ms, last_ms; /* of the entries' own time stamps; 0: none */
};

/** `seed` for maps. ERROR_MEMORY, ERROR_CRYPTO. */
int bundle_check_new(const uint8_t seed[static MAP_SEED_SIZE], struct bundle_check **out);
void bundle_check_free(struct bundle_check *check);
/**
 * One item, as bundle_reader gives them; of several parts, in their order. `begin` is the part's.
 * 0, or what is wrong: run_verify's and
 * roster_apply's errors, ERROR_GAP (entries left out), ERROR_CHARTER_UNKNOWN (another network's),
 * ERROR_CHARTER_PREDECESSOR (no charter came before), ERROR_NOT_MEMBER (a feed of a city that is in
 * no roster), ERROR_CHAIN (a chunk or a list of them).
 */
int bundle_check_item(
	struct bundle_check *check, const struct bundle_item *item, const struct bundle_begin *begin);
/** Before a part whose predecessor is missing. */
void bundle_check_apart(struct bundle_check *check);
void bundle_check_summary(const struct bundle_check *check, struct bundle_summary *out);
/** "pact/budapest/alert/42" of a run, for a complaint; "?" where the feed is not known. */
void bundle_check_place(
	const struct bundle_check *check, const struct bundle_item *item, char *to, size_t room);
