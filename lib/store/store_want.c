/* SPDX-License-Identifier: Apache-2.0 */
/* Attachments that committed entries name and that are not all here yet. */
#include "base/check.h"
#include "store/store_internal.h"

#define WANT_ROW_SIZE (2 * HASH_SIZE + 17)

int store_put_want(struct store_txn *txn, const struct store_want *want)
{
	struct bytes value;
	uint8_t row[WANT_ROW_SIZE];
	int r = engine_get(txn->t, TABLE_WANTS, hash_bytes(&want->attachment_id), &value);
	if (r != ERROR_NOT_FOUND)
		return r ? r : ERROR_EXISTS;
	memcpy(row, want->network_id.bytes, HASH_SIZE);
	memcpy(row + HASH_SIZE, want->feed_id.bytes, HASH_SIZE);
	put_u64(row + 2 * HASH_SIZE, want->seq);
	put_u64(row + 2 * HASH_SIZE + 8, want->size);
	row[2 * HASH_SIZE + 16] = want->flags;
	return engine_put_bytes(
		txn->t, TABLE_WANTS, hash_bytes(&want->attachment_id), bytes_of(row, sizeof row));
}

int store_drop_want(struct store_txn *txn, const struct hash *attachment_id)
{
	return engine_drop(txn->t, TABLE_WANTS, hash_bytes(attachment_id));
}

struct want_walk {
	store_want_fn *fn;
	void *ctx;
};

static int on_want_row(void *ctx, struct bytes key, struct bytes value)
{
	struct want_walk *w = ctx;
	struct store_want want;
	if (key.len != HASH_SIZE || value.len != WANT_ROW_SIZE)
		return ERROR_CORRUPT;
	memcpy(want.attachment_id.bytes, key.data, HASH_SIZE);
	memcpy(want.network_id.bytes, value.data, HASH_SIZE);
	memcpy(want.feed_id.bytes, value.data + HASH_SIZE, HASH_SIZE);
	want.seq = get_u64(value.data + 2 * HASH_SIZE);
	want.size = get_u64(value.data + 2 * HASH_SIZE + 8);
	want.flags = value.data[2 * HASH_SIZE + 16];
	return w->fn(w->ctx, &want);
}

int store_each_want(struct store *store, store_want_fn *fn, void *ctx)
{
	struct engine_txn *t;
	struct want_walk walk = {.fn = fn, .ctx = ctx};
	uint8_t key[HASH_SIZE] = {0};
	int r = store_read_begin(store, &t);
	if (r)
		return r;
	r = engine_walk(t, TABLE_WANTS, key, sizeof key, 0, on_want_row, &walk);
	store_read_end(t);
	return r;
}
