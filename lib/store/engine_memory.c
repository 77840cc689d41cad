/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulator's disk: a version of the trees for what is synced, one for what is committed, one
 * for the open write transaction. A crash is the first of them again.
 */
#include <pthread.h>
#include <stdlib.h>

#include "base/check.h"
#include "store/engine.h"
#include "store/store.h"
#include "store/tree.h"

struct engine_image {
	struct tree *tables[TABLE_COUNT];
	uint64_t bytes; /* keys, values and a guess at what a row costs beside */
};

#define ROW_COST_BYTES 32

struct memory_txn {
	struct engine_txn base;
	bool write;
	struct engine_image image;
};

struct memory_engine {
	struct engine base;
	pthread_mutex_t lock; /* guards the images as wholes */
	struct engine_image synced, committed;
	struct memory_txn *writer;
	uint64_t limit_bytes;
	bool lazy;
};

static void image_hold(struct engine_image *to, const struct engine_image *from)
{
	to->bytes = from->bytes;
	for (int i = 0; i < TABLE_COUNT; i++)
		to->tables[i] = tree_hold(from->tables[i]);
}

static void image_release(struct engine_image *image)
{
	for (int i = 0; i < TABLE_COUNT; i++) {
		tree_release(image->tables[i]);
		image->tables[i] = NULL;
	}
	image->bytes = 0;
}

static void image_replace(struct engine_image *to, const struct engine_image *from)
{
	struct engine_image old = *to;
	image_hold(to, from);
	image_release(&old);
}

static int memory_begin(struct engine *e, bool write, struct engine_txn **out)
{
	struct memory_engine *m = (struct memory_engine *)e;
	struct memory_txn *t = calloc(1, sizeof *t);
	if (!t)
		return ERROR_MEMORY;
	t->base.engine = e;
	t->write = write;
	pthread_mutex_lock(&m->lock);
	require(!write || !m->writer);
	if (write)
		m->writer = t;
	image_hold(&t->image, &m->committed);
	pthread_mutex_unlock(&m->lock);
	*out = &t->base;
	return 0;
}

static void memory_abort(struct engine_txn *base)
{
	struct memory_txn *t = (struct memory_txn *)base;
	struct memory_engine *m = (struct memory_engine *)base->engine;
	pthread_mutex_lock(&m->lock);
	if (m->writer == t)
		m->writer = NULL;
	pthread_mutex_unlock(&m->lock);
	image_release(&t->image);
	free(t);
}

static int memory_take_room(struct engine_txn *base, uint64_t allowance_bytes)
{
	struct memory_txn *t = (struct memory_txn *)base;
	struct memory_engine *m = (struct memory_engine *)base->engine;
	require(t->write && m->writer == t);
	if (base->error)
		return base->error;
	return m->limit_bytes && t->image.bytes > m->limit_bytes + allowance_bytes &&
			t->image.bytes > m->committed.bytes
		? ERROR_FULL
		: 0;
}

static int memory_commit(struct engine_txn *base, uint64_t allowance_bytes)
{
	struct memory_txn *t = (struct memory_txn *)base;
	struct memory_engine *m = (struct memory_engine *)base->engine;
	int r = memory_take_room(base, allowance_bytes);
	if (!r) {
		pthread_mutex_lock(&m->lock);
		image_replace(&m->committed, &t->image);
		if (!m->lazy)
			image_replace(&m->synced, &t->image);
		pthread_mutex_unlock(&m->lock);
	}
	memory_abort(base);
	return r;
}

static int memory_get(
	struct engine_txn *base, enum table table, struct bytes key, struct bytes *value)
{
	struct memory_txn *t = (struct memory_txn *)base;
	*value = tree_get(t->image.tables[table], key);
	return value->data ? 0 : ERROR_NOT_FOUND;
}

static int memory_put(
	struct engine_txn *base, enum table table, struct bytes key, size_t len, uint8_t **to)
{
	struct memory_txn *t = (struct memory_txn *)base;
	require(t->write);
	struct bytes old = tree_get(t->image.tables[table], key);
	uint64_t old_bytes = old.data ? key.len + old.len + ROW_COST_BYTES : 0;
	*to = tree_put(&t->image.tables[table], key, len);
	if (!*to)
		return ERROR_MEMORY;
	t->image.bytes += key.len + len + ROW_COST_BYTES - old_bytes;
	return 0;
}

static int memory_drop(struct engine_txn *base, enum table table, struct bytes key)
{
	struct memory_txn *t = (struct memory_txn *)base;
	require(t->write);
	struct bytes old = tree_get(t->image.tables[table], key);
	if (!old.data)
		return ERROR_NOT_FOUND;
	t->image.bytes -= key.len + old.len + ROW_COST_BYTES;
	return tree_drop(&t->image.tables[table], key);
}

static int memory_seek(struct engine_txn *base, enum table table, struct bytes key,
	enum engine_seek how, struct bytes *found_key, struct bytes *value)
{
	struct memory_txn *t = (struct memory_txn *)base;
	const struct tree *row = tree_seek(t->image.tables[table], key, how == ENGINE_AT_MOST);
	if (!row)
		return ERROR_NOT_FOUND;
	*found_key = tree_key(row);
	*value = tree_value(row);
	return 0;
}

static int memory_has_room(struct engine *e)
{
	struct memory_engine *m = (struct memory_engine *)e;
	pthread_mutex_lock(&m->lock);
	bool room = !m->limit_bytes || m->committed.bytes + ENGINE_ROOM_BYTES <= m->limit_bytes;
	pthread_mutex_unlock(&m->lock);
	return room ? 0 : ERROR_FULL;
}

static int memory_usage(struct engine *e, struct engine_usage *out)
{
	struct memory_engine *m = (struct memory_engine *)e;
	pthread_mutex_lock(&m->lock);
	out->disk_bytes = m->committed.bytes;
	out->free_bytes = !m->limit_bytes         ? UINT64_MAX
		: m->limit_bytes > m->committed.bytes ? m->limit_bytes - m->committed.bytes
											  : 0;
	pthread_mutex_unlock(&m->lock);
	return 0;
}

static void memory_close(struct engine *e)
{
	struct memory_engine *m = (struct memory_engine *)e;
	require(!m->writer);
	image_release(&m->committed);
	image_release(&m->synced);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

static const struct engine_ops memory_ops = {
	.begin = memory_begin,
	.commit = memory_commit,
	.take_room = memory_take_room,
	.abort = memory_abort,
	.get = memory_get,
	.put = memory_put,
	.drop = memory_drop,
	.seek = memory_seek,
	.has_room = memory_has_room,
	.usage = memory_usage,
	.close = memory_close,
};

int engine_memory_open(const struct store_options *options, struct engine **out)
{
	struct memory_engine *m = calloc(1, sizeof *m);
	if (!m)
		return ERROR_MEMORY;
	m->base.ops = &memory_ops;
	m->limit_bytes = options->limit_bytes;
	if (pthread_mutex_init(&m->lock, NULL)) {
		free(m);
		return ERROR_MEMORY;
	}
	*out = &m->base;
	return 0;
}

static struct memory_engine *memory_of(struct engine *e)
{
	require(e->ops == &memory_ops);
	return (struct memory_engine *)e;
}

void engine_memory_set_lazy(struct engine *e, bool lazy)
{
	struct memory_engine *m = memory_of(e);
	m->lazy = lazy;
	if (!lazy)
		engine_memory_sync(e);
}

void engine_memory_sync(struct engine *e)
{
	struct memory_engine *m = memory_of(e);
	pthread_mutex_lock(&m->lock);
	image_replace(&m->synced, &m->committed);
	pthread_mutex_unlock(&m->lock);
}

void engine_memory_crash(struct engine *e)
{
	struct memory_engine *m = memory_of(e);
	if (m->writer)
		memory_abort(&m->writer->base);
	pthread_mutex_lock(&m->lock);
	image_replace(&m->committed, &m->synced);
	pthread_mutex_unlock(&m->lock);
}

struct engine_image *engine_memory_copy(struct engine *e)
{
	struct memory_engine *m = memory_of(e);
	struct engine_image *image = calloc(1, sizeof *image);
	if (!image)
		return NULL;
	pthread_mutex_lock(&m->lock);
	image_hold(image, &m->synced);
	pthread_mutex_unlock(&m->lock);
	return image;
}

void engine_memory_restore(struct engine *e, const struct engine_image *image)
{
	struct memory_engine *m = memory_of(e);
	engine_memory_crash(e);
	pthread_mutex_lock(&m->lock);
	image_replace(&m->synced, image);
	image_replace(&m->committed, image);
	pthread_mutex_unlock(&m->lock);
}

void engine_image_free(struct engine_image *image)
{
	if (!image)
		return;
	image_release(image);
	free(image);
}
