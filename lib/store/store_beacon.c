/* SPDX-License-Identifier: Apache-2.0 */
/* The newest beacon of each city (docs/protocol.md, section 8): no arrival, replaced in place. */
#include "store/store_internal.h"

int store_put_beacon(struct store_txn *txn, const struct store_beacon *beacon)
{
	uint8_t key[KEY_PAIR_SIZE], row[8 + HASH_SIZE + STORE_BEACON_SIZE_MAX];
	size_t len = beacon->frame.len;
	if (len == 0 || len > STORE_BEACON_SIZE_MAX)
		return ERROR_SIZE;
	put_u64(row, (uint64_t)beacon->came.ms);
	memcpy(row + 8, beacon->source_city.bytes, HASH_SIZE);
	memcpy(row + 8 + HASH_SIZE, beacon->frame.data, len);
	return engine_put_bytes(txn->t, TABLE_BEACONS,
		key_pair(key, &beacon->network_id, &beacon->city_id), bytes_of(row, 8 + HASH_SIZE + len));
}

struct beacon_walk {
	store_beacon_fn *fn;
	void *ctx;
};

static int on_beacon_row(void *ctx, struct bytes key, struct bytes value)
{
	struct beacon_walk *w = ctx;
	struct store_beacon out;
	if (value.len <= 8 + HASH_SIZE)
		return ERROR_CORRUPT;
	memcpy(out.network_id.bytes, key.data, HASH_SIZE);
	memcpy(out.city_id.bytes, key.data + HASH_SIZE, HASH_SIZE);
	out.came = timestamp_from_ms((int64_t)get_u64(value.data));
	memcpy(out.source_city.bytes, value.data + 8, HASH_SIZE);
	out.frame = bytes_slice(value, 8 + HASH_SIZE, SIZE_MAX);
	return w->fn(w->ctx, &out);
}

int store_each_beacon(struct store *store, store_beacon_fn *fn, void *ctx)
{
	struct engine_txn *t;
	struct beacon_walk walk = {.fn = fn, .ctx = ctx};
	uint8_t key[KEY_PAIR_SIZE] = {0};
	int r = store_read_begin(store, &t);
	if (r)
		return r;
	r = engine_walk(t, TABLE_BEACONS, key, sizeof key, 0, on_beacon_row, &walk);
	store_read_end(t);
	return r;
}
