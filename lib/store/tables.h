/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Keys and rows of the store's tables (docs/store.md has them as a table). Private to lib/store.
 * Numbers are big-endian, so that keys sort by number.
 *
 * To add a table: a line in ENGINE_TABLES (engine.h), its key and row here. A change of a row that
 * exists raises STORE_SCHEMA.
 */
#pragma once

#include "base/cursor.h"
#include "store/big_endian.h"
#include "store/engine.h"
#include "store/store.h"

#define STORE_SCHEMA 1

#define KEY_FEED_SIZE 4    /* feeds, merge_due: feed number */
#define KEY_SEQ_SIZE 12    /* packs, heads: feed number, seq */
#define KEY_ASIDE_SIZE 44  /* disowned, gaps: feed number, seq, entry_hash */
#define KEY_ARRIVAL_SIZE 8 /* arrivals */
#define KEY_OBJECT_SIZE 40 /* objects: network_id, arrival */
#define KEY_PAIR_SIZE 64   /* addresses, cursors: network_id, city_id */
#define KEY_CHUNKS_SIZE 36 /* chunk_hashes: attachment_id, block u32 */

/** Chunk hashes in a row of chunk_hashes: 64,000 bytes, under 16 pages. */
#define CHUNKS_A_ROW 2000u

static inline struct bytes key_feed(uint8_t to[static KEY_FEED_SIZE], uint32_t feed)
{
	put_u32(to, feed);
	return bytes_of(to, KEY_FEED_SIZE);
}

static inline struct bytes key_seq(uint8_t to[static KEY_SEQ_SIZE], uint32_t feed, uint64_t seq)
{
	put_u32(to, feed);
	put_u64(to + 4, seq);
	return bytes_of(to, KEY_SEQ_SIZE);
}

static inline struct bytes key_aside(
	uint8_t to[static KEY_ASIDE_SIZE], uint32_t feed, uint64_t seq, const struct hash *entry_hash)
{
	key_seq(to, feed, seq);
	memcpy(to + KEY_SEQ_SIZE, entry_hash->bytes, HASH_SIZE);
	return bytes_of(to, KEY_ASIDE_SIZE);
}

static inline struct bytes key_arrival(uint8_t to[static KEY_ARRIVAL_SIZE], uint64_t arrival)
{
	put_u64(to, arrival);
	return bytes_of(to, KEY_ARRIVAL_SIZE);
}

static inline struct bytes key_object(
	uint8_t to[static KEY_OBJECT_SIZE], const struct hash *network_id, uint64_t arrival)
{
	memcpy(to, network_id->bytes, HASH_SIZE);
	put_u64(to + HASH_SIZE, arrival);
	return bytes_of(to, KEY_OBJECT_SIZE);
}

static inline struct bytes key_pair(
	uint8_t to[static KEY_PAIR_SIZE], const struct hash *network_id, const struct hash *city_id)
{
	memcpy(to, network_id->bytes, HASH_SIZE);
	memcpy(to + HASH_SIZE, city_id->bytes, HASH_SIZE);
	return bytes_of(to, KEY_PAIR_SIZE);
}

static inline struct bytes key_chunks(
	uint8_t to[static KEY_CHUNKS_SIZE], const struct hash *id, uint32_t block)
{
	memcpy(to, id->bytes, HASH_SIZE);
	put_u32(to + HASH_SIZE, block);
	return bytes_of(to, KEY_CHUNKS_SIZE);
}

/** The one row of table meta, under its one-byte key. */
struct meta_row {
	uint32_t schema;
	uint8_t store_epoch[STORE_EPOCH_SIZE];
};
/** ERROR_NOT_FOUND: a new store. ERROR_VERSION: another schema (then only `schema` is filled). */
int meta_row_get(struct engine_txn *t, struct meta_row *out);
int meta_row_put(struct engine_txn *t, const struct meta_row *row);

/**
 * What the store counts. It stands in the newest row of table arrivals, so that a commit touches no
 * page for it: each change of it comes with an arrival.
 */
struct state {
	struct store_arrival newest;
	uint64_t records;
	uint32_t feeds; /* the highest feed number given */
};
int state_get(struct engine_txn *t, struct state *out);

/** A row of table feeds. */
struct feed_row {
	uint32_t feed; /* the key */
	struct store_feed feed_state;
	uint64_t live_first; /* seq of the first live pack that was not merged; 0: none */
	uint32_t live_bytes; /* live packs from there on */
};
/** ERROR_NOT_FOUND, ERROR_CORRUPT. */
int feed_row_get(struct engine_txn *t, uint32_t feed, struct feed_row *out);
int feed_row_find(struct engine_txn *t, const struct hash *feed_id, struct feed_row *out);
int feed_row_parse(struct bytes key, struct bytes value, struct feed_row *out);
int feed_row_put(struct engine_txn *t, const struct feed_row *row);

/** Common parts of rows in the tables disowned and gaps. */
struct aside_row {
	uint64_t seq;
	struct hash entry_hash;
	uint32_t epoch;
	uint64_t arrival;
	struct timestamp arrived;
	struct hash source_city;
	struct hash prev;
	bool has_head;
	uint64_t head_seq;
	uint8_t head[STORE_HEAD_SIZE];
	struct bytes wire;
};
int aside_row_parse(struct bytes key, struct bytes value, struct aside_row *out);
int aside_row_put(
	struct engine_txn *t, enum table table, uint32_t feed, const struct aside_row *row);

/** A row of table arrivals. */
struct arrival_row {
	uint8_t kind; /* enum store_arrival_kind; 0: dropped, the next three are left */
	uint8_t rolling[STORE_ROLLING_SIZE];
	uint64_t records; /* struct state */
	uint32_t feeds;
	struct timestamp arrived;
	struct hash source_city;
	struct hash item_hash;
	uint32_t feed; /* run, gap, cut, purge */
	uint64_t first_seq, last_seq;
	struct hash network_id; /* object, attachment */
	uint8_t object_type;    /* object */
	struct hash city_id;    /* object */
};
int arrival_row_get(struct engine_txn *t, uint64_t arrival, struct arrival_row *out);
int arrival_row_parse(struct bytes value, struct arrival_row *out);
int arrival_row_put(struct engine_txn *t, uint64_t arrival, const struct arrival_row *row);
