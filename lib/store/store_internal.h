/* SPDX-License-Identifier: Apache-2.0 */
/** What the parts of the store share; private to lib/store. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "store/pack.h"
#include "store/store.h"
#include "store/tables.h"

/** A pack below this is live: it waits to be merged. */
#define LIVE_PACK_MAX 16384u
/** Live packs of so many bytes are merged. */
#define MERGE_BYTES 65536u

struct store {
	struct engine *engine;
	bool memory;
	struct hasher hasher; /* the writer's */
	struct store_txn *writer;
	char *reserve_path; /* NULL: none wanted */
	uint64_t reserve_bytes;
	_Atomic bool reserve_held;
	_Atomic uint64_t allowance_bytes; /* by which the limit may be passed now */
	_Atomic bool ahead;               /* a transaction was told of that readers do not see yet */
	pthread_mutex_t ahead_lock;
	pthread_cond_t ahead_ended;
	void (*ahead_wanted)(void *ctx); /* under the lock, as its ctx */
	void *ahead_ctx;
};

struct store_txn {
	struct store *store;
	struct engine_txn *t;
	struct state state;
};

/** Until what was told of can be read. */
void store_wait_ahead(struct store *store);

static inline int store_read_begin(struct store *store, struct engine_txn **t)
{
	if (atomic_load(&store->ahead))
		store_wait_ahead(store);
	return store->engine->ops->begin(store->engine, false, t);
}

static inline void store_read_end(struct engine_txn *t)
{
	t->engine->ops->abort(t);
}

/** An error in the middle of a change: the transaction cannot commit any more. Returns `r`. */
int store_txn_fail(struct store_txn *txn, int r);

/**
 * Gives `row` the next arrival number (its rolling hash is filled in) and writes it. The item that
 * is hashed: feed_id, seq and entry_hash, or only a hash (feed_id NULL).
 */
int store_add_arrival(struct store_txn *txn, struct arrival_row *row, const struct hash *feed_id,
	uint64_t seq, const struct hash *hash, struct store_arrival *out);

/** The same for a run of `feed`, whose records are counted. */
int store_add_run_arrival(
	struct store_txn *txn, const struct store_run *run, uint32_t feed, struct store_arrival *out);

/** Finds the feed or makes an empty row with a new number, not yet written. */
int store_feed_or_new(struct store_txn *txn, const struct hash *network_id,
	const struct hash *city_id, const struct hash *feed_id, uint8_t lane, struct feed_row *out,
	bool *is_new);
/** Writes the row, and the index by feed_id if it is new. */
int store_feed_save(struct store_txn *txn, struct feed_row *row, bool is_new);

/** Fills in first_prev and the fill of a feed that begins above seq 1. */
int store_fill_state(struct engine_txn *t, struct feed_row *row);
int store_run_check_index(const struct store_run *run);
/**
 * The run's packs. `live`: small ones wait to be merged, and the row counts them. `prev` is the
 * hash before the run.
 */
int store_put_packs(struct store_txn *txn, const struct store_run *run, struct feed_row *row,
	const struct hash *prev, uint64_t arrival, bool live);
/**
 * What is kept for ever at the run's last entry: its head if it is a checkpoint (or `any_head`: and
 * not zeros), with by_cut an end without one.
 */
int store_put_run_end(
	struct store_txn *txn, uint32_t feed, const struct store_run *run, bool any_head);
/** The pack that holds `seq`; ERROR_NOT_FOUND. Views into the transaction. */
int store_find_pack(struct engine_txn *t, uint32_t feed, uint64_t seq, struct pack *out);
/**
 * The first head at or after entry `i` of a pack that is kept, or the tip's. `*has_head` false: the
 * feed's valid part, or an epoch, ends at *head_seq without one.
 */
int store_find_head(struct engine_txn *t, const struct feed_row *row, const struct pack *p,
	uint32_t i, uint64_t *head_seq, bool *has_head, uint8_t head[static STORE_HEAD_SIZE]);
