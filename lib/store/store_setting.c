/* SPDX-License-Identifier: Apache-2.0 */
/* The small tables: networks, cursors, settings. */
#include <stdio.h>

#include "base/check.h"
#include "store/store_internal.h"

#define SLUG_BYTES_MAX 64

int store_put_network(struct store_txn *txn, const struct store_network *network)
{
	uint8_t row[8 + SLUG_BYTES_MAX];
	size_t len = strlen(network->slug);
	ensure_or(len > 0 && len <= SLUG_BYTES_MAX, ERROR_SIZE);
	put_u64(row, (uint64_t)network->joined.ms);
	memcpy(row + 8, network->slug, len);
	return engine_put_bytes(
		txn->t, TABLE_NETWORKS, hash_bytes(&network->network_id), bytes_of(row, 8 + len));
}

struct network_walk {
	store_network_fn *fn;
	void *ctx;
};

static int on_network_row(void *ctx, struct bytes key, struct bytes value)
{
	struct network_walk *w = ctx;
	struct store_network network;
	char slug[SLUG_BYTES_MAX + 1] = {0};
	if (value.len <= 8 || value.len > 8 + SLUG_BYTES_MAX)
		return ERROR_CORRUPT;
	memcpy(network.network_id.bytes, key.data, HASH_SIZE);
	network.joined.ms = (int64_t)get_u64(value.data);
	memcpy(slug, value.data + 8, value.len - 8);
	network.slug = slug;
	return w->fn(w->ctx, &network);
}

int store_each_network(struct store *store, store_network_fn *fn, void *ctx)
{
	struct engine_txn *t;
	struct network_walk walk = {.fn = fn, .ctx = ctx};
	uint8_t key[HASH_SIZE] = {0};
	int r = store_read_begin(store, &t);
	if (r)
		return r;
	r = engine_walk(t, TABLE_NETWORKS, key, sizeof key, 0, on_network_row, &walk);
	store_read_end(t);
	return r;
}

int store_put_cursor(struct store_txn *txn, const struct hash *network_id,
	const struct hash *peer_city_id, const struct store_cursor *cursor)
{
	uint8_t key[KEY_PAIR_SIZE], row[STORE_EPOCH_SIZE + 8 + STORE_ROLLING_SIZE];
	memcpy(row, cursor->peer_store_epoch, STORE_EPOCH_SIZE);
	put_u64(row + STORE_EPOCH_SIZE, cursor->arrival);
	memcpy(row + STORE_EPOCH_SIZE + 8, cursor->rolling, STORE_ROLLING_SIZE);
	return engine_put_bytes(
		txn->t, TABLE_CURSORS, key_pair(key, network_id, peer_city_id), bytes_of(row, sizeof row));
}

struct cursor_walk {
	store_cursor_fn *fn;
	void *ctx;
};

static int on_cursor_row(void *ctx, struct bytes key, struct bytes value)
{
	struct cursor_walk *w = ctx;
	struct store_cursor out;
	struct hash network_id, city_id;
	struct cursor c = cursor_init(value);
	memcpy(network_id.bytes, key.data, HASH_SIZE);
	memcpy(city_id.bytes, key.data + HASH_SIZE, HASH_SIZE);
	cursor_copy(&c, out.peer_store_epoch, STORE_EPOCH_SIZE);
	out.arrival = cursor_u64(&c);
	cursor_copy(&c, out.rolling, STORE_ROLLING_SIZE);
	return cursor_end(&c) ? ERROR_CORRUPT : w->fn(w->ctx, &network_id, &city_id, &out);
}

int store_each_cursor(struct store *store, store_cursor_fn *fn, void *ctx)
{
	struct engine_txn *t;
	struct cursor_walk walk = {.fn = fn, .ctx = ctx};
	uint8_t key[KEY_PAIR_SIZE] = {0};
	int r = store_read_begin(store, &t);
	if (r)
		return r;
	r = engine_walk(t, TABLE_CURSORS, key, sizeof key, 0, on_cursor_row, &walk);
	store_read_end(t);
	return r;
}

static int setting_key(const char *key, struct bytes *out)
{
	*out = bytes_from_text(key);
	return out->len > 0 && out->len <= STORE_SETTING_KEY_MAX ? 0 : ERROR_SIZE;
}

int store_put_setting(struct store_txn *txn, const char *key, struct bytes value)
{
	struct bytes k;
	int r = setting_key(key, &k);
	if (r || value.len > STORE_SETTING_VALUE_MAX)
		return ERROR_SIZE;
	if (value.len)
		return engine_put_bytes(txn->t, TABLE_SETTINGS, k, value);
	r = engine_drop(txn->t, TABLE_SETTINGS, k);
	return r == ERROR_NOT_FOUND ? 0 : r;
}

int store_get_setting(struct store *store, const char *key, struct buffer *out)
{
	struct engine_txn *t;
	struct bytes k, value;
	int r = setting_key(key, &k);
	if (r)
		return r;
	r = store_read_begin(store, &t);
	if (r)
		return r;
	r = engine_get(t, TABLE_SETTINGS, k, &value);
	if (!r && buffer_push_bytes(out, value))
		r = out->error;
	store_read_end(t);
	return r;
}
