/* SPDX-License-Identifier: Apache-2.0 */
#include "store/engine.h"

#include "base/check.h"

static int stick(struct engine_txn *t, int r)
{
	if (r && r != ERROR_NOT_FOUND && !t->error)
		t->error = r;
	return r;
}

int engine_get(struct engine_txn *t, enum table table, struct bytes key, struct bytes *value)
{
	require(key.len > 0 && key.len <= ENGINE_KEY_MAX);
	return t->engine->ops->get(t, table, key, value);
}

int engine_put(struct engine_txn *t, enum table table, struct bytes key, size_t len, uint8_t **to)
{
	require(key.len > 0 && key.len <= ENGINE_KEY_MAX);
	if (t->error)
		return t->error;
	t->put_bytes += key.len + len;
	t->puts++;
	return stick(t, t->engine->ops->put(t, table, key, len, to));
}

int engine_put_bytes(struct engine_txn *t, enum table table, struct bytes key, struct bytes value)
{
	uint8_t *to;
	int r = engine_put(t, table, key, value.len, &to);
	if (r)
		return r;
	if (value.len)
		memcpy(to, value.data, value.len);
	return 0;
}

int engine_drop(struct engine_txn *t, enum table table, struct bytes key)
{
	require(key.len > 0 && key.len <= ENGINE_KEY_MAX);
	if (t->error)
		return t->error;
	t->puts++;
	return stick(t, t->engine->ops->drop(t, table, key));
}

int engine_seek(struct engine_txn *t, enum table table, struct bytes key, enum engine_seek how,
	struct bytes *found_key, struct bytes *value)
{
	require(key.len > 0 && key.len <= ENGINE_KEY_MAX);
	return t->engine->ops->seek(t, table, key, how, found_key, value);
}

int engine_seek_prefix(struct engine_txn *t, enum table table, uint8_t *key, size_t key_len,
	size_t prefix_len, enum engine_seek how, struct bytes *value)
{
	struct bytes found;
	int r = engine_seek(t, table, bytes_of(key, key_len), how, &found, value);
	if (r)
		return r;
	if (found.len != key_len || memcmp(found.data, key, prefix_len) != 0)
		return ERROR_NOT_FOUND;
	memcpy(key, found.data, key_len);
	return 0;
}

/* The next key of the same length; false at the end of all keys. */
static bool key_after(uint8_t *key, size_t len)
{
	while (len > 0)
		if (++key[--len] != 0)
			return true;
	return false;
}

int engine_walk(struct engine_txn *t, enum table table, uint8_t *key, size_t key_len,
	size_t prefix_len, engine_row_fn *fn, void *ctx)
{
	uint8_t prefix[ENGINE_KEY_MAX];
	struct bytes value;
	require(key_len > 0 && key_len <= ENGINE_KEY_MAX && prefix_len <= key_len);
	memcpy(prefix, key, prefix_len);
	for (;;) {
		int r = engine_seek_prefix(t, table, key, key_len, prefix_len, ENGINE_AT_LEAST, &value);
		if (r)
			return r == ERROR_NOT_FOUND ? 0 : r;
		r = fn(ctx, bytes_of(key, key_len), value);
		if (r)
			return r;
		if (!key_after(key, key_len) || memcmp(key, prefix, prefix_len) != 0)
			return 0;
	}
}
