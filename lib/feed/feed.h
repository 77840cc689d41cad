/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Feeds: what a city signs, one chain of entries for each (network, city, lane).
 *
 * Words: an *entry* is a header and a body under a salt; its entry_hash covers its predecessor's. A
 * *head* is the origin's signature over (feed, seq, entry_hash), see feed/head.h. A *run* is the
 * entries between two heads, and one signature verifies all of it, see feed/run.h. A *checkpoint*
 * is a head that falls due after 512 entries or 512 KiB and is kept for ever. An *epoch* is the
 * reign of one node key; a *cut* ends it. The *tip* is where one's own copy of a feed ends.
 *
 * Who receives starts at run_verify, who publishes at feed/builder.h. Nothing here reads a clock,
 * draws random numbers or allocates for each entry. Bytes: docs/protocol.md, sections 2 to 6.
 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "crypto/key.h"

enum feed_lane {
	FEED_LANE_ALERT = 1,
	FEED_LANE_CALL = 2,
	FEED_LANE_DOC = 3,
	FEED_LANE_META = 4,
};

/** Lanes in use are 1 to FEED_LANE_COUNT; up to FEED_LANE_MAX are reserved. */
#define FEED_LANE_COUNT 4
#define FEED_LANE_MAX 15

/* Limits, docs/protocol.md section 10. A change of any of them is another protocol. */
#define ENTRY_SALT_BYTES 16
#define ENTRY_HEADER_BYTES_MAX 8192
#define ENTRY_BODY_BYTES_MAX 262144
/** form u8, header length u16, body length u24. */
#define ENTRY_PREFIX_BYTES 6
/**
 * What an entry counts for the checkpoint rule beside its header and its body_size, in either form:
 * the larger of the two forms' overheads, so that a purge moves no checkpoint.
 */
#define ENTRY_OVERHEAD_BYTES (ENTRY_PREFIX_BYTES + HASH_SIZE)
#define ENTRY_BYTES_MAX \
	(ENTRY_PREFIX_BYTES + ENTRY_SALT_BYTES + ENTRY_HEADER_BYTES_MAX + ENTRY_BODY_BYTES_MAX)

/** A checkpoint is due once so many entries or bytes lie behind the last one. */
#define CHECKPOINT_ENTRIES 512
#define CHECKPOINT_BYTES 524288

#define RUN_ENTRIES_MAX CHECKPOINT_ENTRIES
/** One byte short of a checkpoint, then the largest entry. */
#define RUN_BYTES_MAX \
	(CHECKPOINT_BYTES - 1 + ENTRY_OVERHEAD_BYTES + ENTRY_HEADER_BYTES_MAX + ENTRY_BODY_BYTES_MAX)

static_assert(ENTRY_BODY_BYTES_MAX < 1 << 24, "body length is a u24");
static_assert(ENTRY_HEADER_BYTES_MAX < 1 << 16, "header length is a u16");
static_assert(ENTRY_OVERHEAD_BYTES >= ENTRY_PREFIX_BYTES + ENTRY_SALT_BYTES,
	"a run's wire bytes never pass what it counts");
static_assert(ENTRY_BYTES_MAX == 270358 && RUN_BYTES_MAX == 794661, "docs/protocol.md, section 4");
static_assert(RUN_BYTES_MAX < 1 << 20, "a run stays under 1 MiB");

/** H("hansa city 1" | first city key): a city's name for life. 0 or ERROR_CRYPTO. */
int city_id_of(const struct public_key *first_city_key, struct hash *out);

/** H("hansa feed 1" | network_id | city_id | lane u8). 0 or ERROR_CRYPTO. */
int feed_id_of(
	const struct hash *network_id, const struct hash *city_id, uint8_t lane, struct hash *out);

/**
 * Where a copy of a feed ends, and how far its next checkpoint is. Zeroed with a feed_id it is the
 * empty feed, before any epoch.
 */
struct feed_tip {
	struct hash feed_id;
	uint64_t seq;           /* 0: nothing yet */
	struct hash entry_hash; /* of seq; zeros at seq 0 */
	uint32_t epoch;         /* of the head that vouches for seq; 0 at seq 0 */
	uint32_t since_checkpoint_entries;
	uint64_t since_checkpoint_bytes; /* as entry_cost counts */
	/** The copy began after the last checkpoint: the counts are of what is held, at most the
	 * rule's. */
	bool partial;
};

void feed_tip_init(struct feed_tip *tip, const struct hash *feed_id);

/** A copy that begins after entry `seq`, with this hash: docs/protocol.md section 4. */
void feed_tip_begin(
	struct feed_tip *tip, uint32_t epoch, uint64_t seq, const struct hash *entry_hash);

/** A new epoch begins after its cut: the cut is its first checkpoint. */
void feed_tip_start_epoch(
	struct feed_tip *tip, uint32_t epoch, uint64_t cut_seq, const struct hash *cut_hash);

/** Moves on by one entry, without judging it. `cost` is entry_cost's. */
void feed_tip_advance(struct feed_tip *tip, const struct hash *entry_hash, uint32_t cost);

/** A checkpoint lies at the tip: the counts start again. */
void feed_tip_checkpoint(struct feed_tip *tip);

/** The head at this tip has to be a checkpoint. */
bool feed_tip_checkpoint_due(const struct feed_tip *tip);
