/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "store/store_internal.h"

int store_txn_fail(struct store_txn *txn, int r)
{
	if (r == ERROR_NOT_FOUND)
		r = ERROR_CORRUPT; /* a row that others point to */
	if (r && !txn->t->error)
		txn->t->error = r;
	return r;
}

int store_begin(struct store *store, struct store_txn **out)
{
	require(!store->writer);
	struct store_txn *txn = calloc(1, sizeof *txn);
	if (!txn)
		return ERROR_MEMORY;
	txn->store = store;
	int r = store->engine->ops->begin(store->engine, true, &txn->t);
	if (r) {
		free(txn);
		return r;
	}
	r = state_get(txn->t, &txn->state);
	if (r) {
		store->engine->ops->abort(txn->t);
		free(txn);
		return r;
	}
	store->writer = txn;
	*out = txn;
	return 0;
}

static void set_ahead(struct store *store, bool ahead, void (*wanted)(void *ctx), void *ctx)
{
	pthread_mutex_lock(&store->ahead_lock);
	store->ahead_wanted = wanted;
	store->ahead_ctx = ctx;
	atomic_store(&store->ahead, ahead);
	pthread_cond_broadcast(&store->ahead_ended);
	pthread_mutex_unlock(&store->ahead_lock);
}

void store_wait_ahead(struct store *store)
{
	pthread_mutex_lock(&store->ahead_lock);
	if (atomic_load(&store->ahead))
		store->ahead_wanted(store->ahead_ctx);
	while (atomic_load(&store->ahead))
		pthread_cond_wait(&store->ahead_ended, &store->ahead_lock);
	pthread_mutex_unlock(&store->ahead_lock);
}

struct store_arrival store_txn_newest(const struct store_txn *txn)
{
	return txn->state.newest;
}

int store_commit_begin(struct store_txn *txn, void (*wanted)(void *ctx), void *ctx)
{
	struct store *store = txn->store;
	require(store->writer == txn);
	int r = store->engine->ops->take_room(txn->t, atomic_load(&store->allowance_bytes));
	if (!r)
		set_ahead(store, true, wanted, ctx);
	return r;
}

static void txn_end(struct store_txn *txn)
{
	struct store *store = txn->store;
	store->writer = NULL;
	if (atomic_load(&store->ahead))
		set_ahead(store, false, NULL, NULL);
	free(txn);
}

int store_commit(struct store_txn *txn)
{
	struct store *store = txn->store;
	require(store->writer == txn);
	int r = store->engine->ops->commit(txn->t, atomic_load(&store->allowance_bytes));
	txn_end(txn);
	return r;
}

void store_abort(struct store_txn *txn)
{
	if (!txn)
		return;
	struct store *store = txn->store;
	require(store->writer == txn);
	store->engine->ops->abort(txn->t);
	txn_end(txn);
}

size_t store_txn_bytes(const struct store_txn *txn)
{
	return txn->t->put_bytes;
}

/* A new store gets its epoch; another schema is refused. */
static int store_prepare(struct store *store, const struct store_options *options,
	const char *where, struct complaint *complaint)
{
	struct engine_txn *t;
	struct meta_row meta;
	int r = store->engine->ops->begin(store->engine, false, &t);
	if (r)
		return r;
	r = meta_row_get(t, &meta);
	store->engine->ops->abort(t);
	if (r == ERROR_VERSION)
		return complain(complaint, r, "store",
			"The store in %s was made by %s hansad: its schema is %u, this one "
			"reads %u.",
			where, meta.schema > STORE_SCHEMA ? "a newer" : "an older", (unsigned)meta.schema,
			STORE_SCHEMA);
	if (r == ERROR_CORRUPT)
		return complain(complaint, r, "store", "The store in %s is damaged.", where);
	if (r != ERROR_NOT_FOUND)
		return r;
	meta = (struct meta_row){.schema = STORE_SCHEMA};
	memcpy(meta.store_epoch, options->epoch_seed, STORE_EPOCH_SIZE);
	r = store->engine->ops->begin(store->engine, true, &t);
	if (r)
		return r;
	meta_row_put(t, &meta);
	r = store->engine->ops->commit(t, 0);
	if (r)
		return complain(
			complaint, r, "store", "The store in %s cannot be made: %s", where, error_text(r));
	return 0;
}

static int store_new(struct store **out)
{
	struct store *store = calloc(1, sizeof *store);
	if (!store)
		return ERROR_MEMORY;
	int r = hasher_init(&store->hasher);
	if (r) {
		free(store);
		return r;
	}
	pthread_mutex_init(&store->ahead_lock, NULL);
	pthread_cond_init(&store->ahead_ended, NULL);
	*out = store;
	return 0;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	require(!store->writer);
	if (store->engine)
		store->engine->ops->close(store->engine);
	hasher_deinit(&store->hasher);
	pthread_cond_destroy(&store->ahead_ended);
	pthread_mutex_destroy(&store->ahead_lock);
	free(store->reserve_path);
	free(store);
}

int store_lmdb_open(const char *folder, const struct store_options *options, struct store **out,
	struct complaint *complaint)
{
	struct store *store;
	int r = store_new(&store);
	if (r)
		return r;
	r = engine_lmdb_open(folder, options, &store->engine, complaint);
	if (!r)
		r = store_prepare(store, options, folder, complaint);
	if (!r && options->reserve_bytes) {
		store->reserve_bytes = options->reserve_bytes;
		if (asprintf(&store->reserve_path, "%s/reserve", folder) < 0) {
			store->reserve_path = NULL;
			r = ERROR_MEMORY;
		}
	}
	if (r) {
		store_close(store);
		return r;
	}
	/* A disk too full for the reserve still opens: the caller sees it in store_info. */
	if (store->reserve_path)
		store_restore_reserve(store);
	*out = store;
	return 0;
}

int store_memory_open(const struct store_options *options, struct store **out)
{
	struct store *store;
	int r = store_new(&store);
	if (r)
		return r;
	store->memory = true;
	store->reserve_bytes = options->reserve_bytes;
	store->reserve_held = options->reserve_bytes > 0;
	r = engine_memory_open(options, &store->engine);
	if (!r)
		r = store_prepare(store, options, "memory", NULL);
	if (r) {
		store_close(store);
		return r;
	}
	*out = store;
	return 0;
}

int store_info(struct store *store, struct store_info *out)
{
	struct engine_txn *t;
	struct engine_usage usage;
	struct meta_row meta;
	struct state state;
	int r = store_read_begin(store, &t);
	if (r)
		return r;
	r = meta_row_get(t, &meta);
	if (!r)
		r = state_get(t, &state);
	store->engine->ops->abort(t);
	if (!r)
		r = store->engine->ops->usage(store->engine, &usage);
	if (r)
		return r;
	*out = (struct store_info){
		.newest = state.newest,
		.records = state.records,
		.feeds = state.feeds,
		.disk_bytes = usage.disk_bytes,
		.free_bytes = usage.free_bytes,
		.reserve_held = atomic_load(&store->reserve_held),
	};
	out->reserve_missing = store->reserve_bytes && !out->reserve_held;
	memcpy(out->store_epoch, meta.store_epoch, STORE_EPOCH_SIZE);
	return 0;
}

int store_release_reserve(struct store *store)
{
	if (!store->reserve_bytes)
		return 0;
	if (store->reserve_path && unlink(store->reserve_path) && errno != ENOENT)
		return error_from_errno(errno);
	atomic_store(&store->reserve_held, false);
	atomic_store(&store->allowance_bytes, store->reserve_bytes);
	return 0;
}

bool store_limit_reached(struct store *store)
{
	return store->engine->ops->has_room(store->engine) == ERROR_FULL;
}

int store_restore_reserve(struct store *store)
{
	int full = store->engine->ops->has_room(store->engine);
	if (full)
		return full;
	if (!store->reserve_bytes)
		return 0;
	if (store->reserve_path) {
		int fd = open(store->reserve_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		if (fd < 0)
			return error_from_errno(errno);
		int r;
		do {
			r = fallocate(fd, 0, 0, (off_t)store->reserve_bytes) ? errno : 0;
		} while (r == EINTR);
		close(fd);
		if (r)
			unlink(store->reserve_path); /* half a reserve only takes room */
		if (r == EFBIG)
			r = ENOSPC;
		if (r && r != EOPNOTSUPP)
			return error_from_errno(r);
	}
	atomic_store(&store->reserve_held, true);
	atomic_store(&store->allowance_bytes, 0);
	return 0;
}

struct store_snapshot {
	struct engine_image *image;
};

void store_memory_set_lazy(struct store *store, bool lazy)
{
	engine_memory_set_lazy(store->engine, lazy);
}

void store_memory_sync(struct store *store)
{
	engine_memory_sync(store->engine);
}

void store_memory_crash(struct store *store)
{
	engine_memory_crash(store->engine);
	free(store->writer);
	store->writer = NULL;
}

struct store_snapshot *store_memory_copy(struct store *store)
{
	struct store_snapshot *snapshot = calloc(1, sizeof *snapshot);
	if (!snapshot)
		return NULL;
	snapshot->image = engine_memory_copy(store->engine);
	if (!snapshot->image) {
		free(snapshot);
		return NULL;
	}
	return snapshot;
}

void store_memory_restore(struct store *store, const struct store_snapshot *snapshot)
{
	store_memory_crash(store);
	engine_memory_restore(store->engine, snapshot->image);
}

void store_snapshot_free(struct store_snapshot *snapshot)
{
	if (!snapshot)
		return;
	engine_image_free(snapshot->image);
	free(snapshot);
}
