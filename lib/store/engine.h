/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the store needs of an ordered key-value store with transactions: the seam between the tables
 * (tables.h) and the two back ends, engine_lmdb.c and engine_memory.c. Keys are at most 120 bytes
 * and sort bytewise. One write transaction at a time, by one thread; any number of readers, each
 * seeing the commit that was newest when it began.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

#define ENGINE_KEY_MAX 120
/**
 * A store that was full takes more when so much is free, which is more than any transaction writes:
 * it does not pause and resume at once.
 */
#define ENGINE_ROOM_BYTES (UINT64_C(2) << 20)

/* X(name, LMDB's name). To add one: a line here, its key and row in tables.h, docs/store.md. */
#define ENGINE_TABLES(X)                    \
	X(TABLE_META, "meta")                   \
	X(TABLE_FEEDS, "feeds")                 \
	X(TABLE_FEED_IDS, "feed_ids")           \
	X(TABLE_PACKS, "packs")                 \
	X(TABLE_HEADS, "heads")                 \
	X(TABLE_MERGE_DUE, "merge_due")         \
	X(TABLE_DISOWNED, "disowned")           \
	X(TABLE_GAPS, "gaps")                   \
	X(TABLE_ARRIVALS, "arrivals")           \
	X(TABLE_OBJECTS, "objects")             \
	X(TABLE_OBJECT_HASHES, "object_hashes") \
	X(TABLE_ADDRESSES, "addresses")         \
	X(TABLE_NETWORKS, "networks")           \
	X(TABLE_CURSORS, "cursors")             \
	X(TABLE_SETTINGS, "settings")           \
	X(TABLE_ATTACHMENTS, "attachments")     \
	X(TABLE_CHUNK_HASHES, "chunk_hashes")   \
	X(TABLE_WANTS, "wants")                 \
	X(TABLE_BEACONS, "beacons")

enum table {
#define ENGINE_TABLE_ENUM(name, text) name,
	ENGINE_TABLES(ENGINE_TABLE_ENUM)
#undef ENGINE_TABLE_ENUM
	TABLE_COUNT
};

enum engine_seek {
	ENGINE_AT_LEAST,
	ENGINE_AT_MOST
};

struct engine_usage {
	uint64_t disk_bytes; /* of the database */
	uint64_t free_bytes; /* of the file system */
};

struct engine;
struct engine_txn;

struct engine_ops {
	/** ERROR_MEMORY, ERROR_IO, ERROR_BUSY (readers). */
	int (*begin)(struct engine *e, bool write, struct engine_txn **out);
	/**
	 * Frees the transaction. `allowance_bytes`: by how much the limit may be passed. ERROR_FULL:
	 * nothing changed. A failed sync calls the fatal function of the options.
	 */
	int (*commit)(struct engine_txn *t, uint64_t allowance_bytes);
	/** What commit would find out about room, before it: a commit after it is not ERROR_FULL. */
	int (*take_room)(struct engine_txn *t, uint64_t allowance_bytes);
	void (*abort)(struct engine_txn *t);
	/** The view dies with the transaction, or with its next put or drop. ERROR_NOT_FOUND. */
	int (*get)(struct engine_txn *t, enum table table, struct bytes key, struct bytes *value);
	/** Adds or replaces: the caller fills `*to` (len bytes) before any other call. */
	int (*put)(struct engine_txn *t, enum table table, struct bytes key, size_t len, uint8_t **to);
	/** ERROR_NOT_FOUND. */
	int (*drop)(struct engine_txn *t, enum table table, struct bytes key);
	/**
	 * The first row at or above, or the last at or below `key`. ERROR_NOT_FOUND. As with get, a
	 * reader's large value is asked of the disk at once, and waited for only where it is touched.
	 */
	int (*seek)(struct engine_txn *t, enum table table, struct bytes key, enum engine_seek how,
		struct bytes *found_key, struct bytes *value);
	/** ERROR_FULL while the database is above its limit, or within ENGINE_ROOM_BYTES of it. */
	int (*has_room)(struct engine *e);
	int (*usage)(struct engine *e, struct engine_usage *out);
	void (*close)(struct engine *e);
};

/** Each back end's struct begins with this. */
struct engine {
	const struct engine_ops *ops;
};
/** Likewise; kept up by the calls below. */
struct engine_txn {
	struct engine *engine;
	int error;        /* the first error that a put or drop cannot recover from */
	size_t put_bytes; /* keys and values put so far */
	size_t puts;      /* puts and drops */
};

struct store_options;

int engine_lmdb_open(const char *folder, const struct store_options *options, struct engine **out,
	struct complaint *complaint);
int engine_memory_open(const struct store_options *options, struct engine **out);

/* The simulator's powers over a memory engine. */
struct engine_image;
void engine_memory_set_lazy(struct engine *e, bool lazy);
void engine_memory_sync(struct engine *e);
/** Back to the last sync; an open write transaction's struct dies. */
void engine_memory_crash(struct engine *e);
struct engine_image *engine_memory_copy(struct engine *e);
void engine_memory_restore(struct engine *e, const struct engine_image *image);
void engine_image_free(struct engine_image *image);

/* The calls as the tables use them: the error of a failed write sticks in the transaction. */

int engine_get(struct engine_txn *t, enum table table, struct bytes key, struct bytes *value);
int engine_put(struct engine_txn *t, enum table table, struct bytes key, size_t len, uint8_t **to);
int engine_put_bytes(struct engine_txn *t, enum table table, struct bytes key, struct bytes value);
/** ERROR_NOT_FOUND does not stick. */
int engine_drop(struct engine_txn *t, enum table table, struct bytes key);
int engine_seek(struct engine_txn *t, enum table table, struct bytes key, enum engine_seek how,
	struct bytes *found_key, struct bytes *value);
/**
 * A row at or after (or at or before) `key` that begins with the first `prefix_len` bytes of `key`;
 * copies its key over `key`. ERROR_NOT_FOUND beyond the prefix's rows.
 */
int engine_seek_prefix(struct engine_txn *t, enum table table, uint8_t *key, size_t key_len,
	size_t prefix_len, enum engine_seek how, struct bytes *value);

/**
 * Calls `fn` with each row from `key` on whose key has its length and begins with its first
 * `prefix_len` bytes; `key` is a scratch area. What `fn` returns, if not 0, ends the walk and is
 * returned.
 */
typedef int engine_row_fn(void *ctx, struct bytes key, struct bytes value);
int engine_walk(struct engine_txn *t, enum table table, uint8_t *key, size_t key_len,
	size_t prefix_len, engine_row_fn *fn, void *ctx);
