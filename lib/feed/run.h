/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Verification of runs: the entries first_seq..head.seq and one signed head that vouches for all of
 * them. It refuses only what every node judges alike for ever: framing, canonical headers, limits,
 * chain, signature, epoch, cut and checkpoint. docs/protocol.md, section 4.
 *
 * Cost (tests/bench/bench_run_verify, one core with SHA-NI, OpenSSL 3.0): 1,260 ns for a record of
 * 1 KiB in a full run: 990 in three SHA-256, 40 to read it, 230 its share of the one signature. See
 * docs/decisions/021-cost-of-a-run.md.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "crypto/key.h"
#include "feed/feed.h"
#include "feed/head.h"

/** What the charter says about the epoch that a run was signed in. */
struct run_rules {
	uint32_t epoch;
	struct public_key node_key;
	uint64_t start_seq;     /* the epoch's start cut: its first entry is start_seq + 1 */
	struct hash start_hash; /* zeros at 0 */
	bool has_end;           /* a later record or the officers ended it */
	uint64_t end_seq;       /* its last valid entry; may be start_seq: none */
	struct hash end_hash;
	bool alert_lane;
	bool by_cut; /* the run says that it ends at the end cut: the charter vouches, not a head */
};

/**
 * What stands in a head's place where an epoch's end cut falls between two heads: feed, epoch and
 * node key of the rules, their end, and zeros for time, flags and signature. ERROR_CUT: the epoch
 * has no end, or no entry.
 */
int run_cut_head(const struct run_rules *rules, const struct hash *feed_id, struct head *out);

/** Where an entry lies within the run's bytes. */
struct run_entry {
	uint32_t offset;
	uint32_t length;
	struct hash entry_hash;
};

/** Zeroed it is empty; used again it keeps its memory. */
struct run_index {
	struct run_entry *entries;
	uint32_t count;
	uint32_t capacity;
};

void run_index_deinit(struct run_index *index);
void run_index_reset(struct run_index *index);
/** Appends. ERROR_MEMORY; ERROR_LIMIT past RUN_ENTRIES_MAX. */
int run_index_push(struct run_index *index, struct run_entry entry);

/**
 * Verifies the run that continues `tip`. On 0 `index` holds each entry and `after` (which may be
 * `tip`) the new tip. On an error `after` is untouched and `index` void.
 *
 * With rules->by_cut the head must be run_cut_head's: no signature is verified, since the charter's
 * cut vouches for the chain that ends in its hash. It need not be a checkpoint, and serves as one.
 *
 * Checks in order of their cost; the signature (some 75 us) comes before the hashes only where
 * these cost more.
 *
 * ERROR_STATE: first_seq lies at or before the tip (the caller trims), or the tip is not of this
 *   feed's epochs: it lies in a later epoch, or before the start cut with the same epoch number.
 * ERROR_GAP: first_seq lies beyond tip.seq + 1, or the start cut does beyond the tip.
 * ERROR_EPOCH_UNKNOWN: the head is of another epoch, or of a rival record's node key.
 * ERROR_CUT: an entry at or before the start cut, beyond the end cut, or other than the end cut's;
 *   by_cut, and the charter has no such cut.
 * ERROR_HEAD: the head is of another feed, or does not stand at the last entry; by_cut, and it has
 *   a time, flags or a signature, or is of the alert lane, where each entry has its own head.
 * ERROR_CHECKPOINT: a checkpoint is due within the run, or its head is none, or it is one where
 * none is due; more than one entry in the alert lane. ERROR_CHAIN: the hashes do not lead from the
 * tip to the head. ERROR_SIGNATURE, ERROR_KEY: as head_verify. ERROR_LIMIT: more than
 * RUN_BYTES_MAX. ERROR_TRUNCATED, ERROR_TYPE, ERROR_SIZE, …: as entry_parse. ERROR_MEMORY,
 * ERROR_CRYPTO.
 */
int run_verify(struct hasher *hasher, const struct run_rules *rules, const struct feed_tip *tip,
	uint64_t first_seq, const struct head *head, struct bytes entries, struct run_index *index,
	struct feed_tip *after);

/**
 * Verifies one alert whose predecessor is missing, by the prev hash that came with it. What it
 * does not show is that `prev` is the feed's: the caller compares when the gap closes. Errors as
 * run_verify, without ERROR_STATE and ERROR_GAP.
 */
int run_verify_alert(struct hasher *hasher, const struct run_rules *rules,
	const struct hash *feed_id, uint64_t seq, const struct hash *prev, const struct head *head,
	struct bytes entry, struct run_entry *out);
