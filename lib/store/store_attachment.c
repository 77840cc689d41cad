/* SPDX-License-Identifier: Apache-2.0 */
/* The map of an attachment's durable chunks. Chunks become durable in order, so a number will do.
 */
#include "base/check.h"
#include "feed/attachment_id.h"
#include "store/store_internal.h"

#define ATTACHMENT_ROW_SIZE 25

static int attachment_parse(struct bytes key, struct bytes value, struct store_attachment *out)
{
	struct cursor c = cursor_init(value);
	if (key.len != HASH_SIZE)
		return ERROR_CORRUPT;
	memcpy(out->attachment_id.bytes, key.data, HASH_SIZE);
	out->size = cursor_u64(&c);
	out->chunks = cursor_u64(&c);
	out->chunks_durable = cursor_u64(&c);
	out->complete = cursor_u8(&c) != 0;
	return cursor_end(&c) ? ERROR_CORRUPT : 0;
}

static int attachment_get(struct engine_txn *t, const struct hash *id, struct store_attachment *out)
{
	struct bytes value;
	int r = engine_get(t, TABLE_ATTACHMENTS, hash_bytes(id), &value);
	return r ? r : attachment_parse(hash_bytes(id), value, out);
}

static int attachment_put(struct store_txn *txn, const struct store_attachment *a)
{
	uint8_t row[ATTACHMENT_ROW_SIZE];
	put_u64(row, a->size);
	put_u64(row + 8, a->chunks);
	put_u64(row + 16, a->chunks_durable);
	row[24] = a->complete;
	return engine_put_bytes(
		txn->t, TABLE_ATTACHMENTS, hash_bytes(&a->attachment_id), bytes_of(row, sizeof row));
}

int store_attachment_begin(
	struct store_txn *txn, const struct hash *attachment_id, uint64_t size, struct bytes hashes)
{
	struct store_attachment a;
	uint64_t chunks = attachment_chunk_count(size);
	ensure_or(size <= ATTACHMENT_BYTES_MAX && hashes.len == chunks * HASH_SIZE, ERROR_SIZE);
	int r = attachment_get(txn->t, attachment_id, &a);
	if (r != ERROR_NOT_FOUND)
		return r ? r : ERROR_EXISTS;
	a = (struct store_attachment){.attachment_id = *attachment_id, .size = size, .chunks = chunks};
	r = attachment_put(txn, &a);
	for (uint32_t block = 0; !r && (size_t)block * CHUNKS_A_ROW * HASH_SIZE < hashes.len; block++) {
		uint8_t key[KEY_CHUNKS_SIZE];
		size_t from = (size_t)block * CHUNKS_A_ROW * HASH_SIZE;
		r = engine_put_bytes(txn->t, TABLE_CHUNK_HASHES, key_chunks(key, attachment_id, block),
			bytes_slice(hashes, from, (size_t)CHUNKS_A_ROW * HASH_SIZE));
	}
	return store_txn_fail(txn, r);
}

int store_attachment_progress(
	struct store_txn *txn, const struct hash *attachment_id, uint64_t chunks)
{
	struct store_attachment a;
	int r = attachment_get(txn->t, attachment_id, &a);
	if (r)
		return r;
	ensure_or(chunks <= a.chunks, ERROR_RANGE);
	if (chunks <= a.chunks_durable)
		return 0;
	a.chunks_durable = chunks;
	return attachment_put(txn, &a);
}

int store_attachment_complete(struct store_txn *txn, const struct hash *attachment_id,
	const struct hash *network_id, struct timestamp now, struct store_arrival *out)
{
	struct store_attachment a;
	int r = attachment_get(txn->t, attachment_id, &a);
	if (r)
		return r;
	ensure_or(!a.complete, ERROR_EXISTS);
	r = store_drop_want(txn, attachment_id);
	if (r && r != ERROR_NOT_FOUND)
		return r;
	a.complete = true;
	a.chunks_durable = a.chunks;
	struct arrival_row row = {
		.kind = STORE_ARRIVAL_ATTACHMENT,
		.arrived = now,
		.item_hash = *attachment_id,
		.network_id = *network_id,
	};
	r = store_add_arrival(txn, &row, NULL, 0, attachment_id, out);
	return store_txn_fail(txn, r ? r : attachment_put(txn, &a));
}

int store_attachment_info(
	struct store *store, const struct hash *attachment_id, struct store_attachment *out)
{
	struct engine_txn *t;
	int r = store_read_begin(store, &t);
	if (r)
		return r;
	r = attachment_get(t, attachment_id, out);
	store_read_end(t);
	return r;
}

int store_attachment_hashes(struct store *store, const struct hash *attachment_id, uint64_t first,
	uint64_t count, struct buffer *out)
{
	struct engine_txn *t;
	struct store_attachment a;
	int r = store_read_begin(store, &t);
	if (r)
		return r;
	r = attachment_get(t, attachment_id, &a);
	while (!r && count && first < a.chunks) {
		uint8_t key[KEY_CHUNKS_SIZE];
		struct bytes value;
		key_chunks(key, attachment_id, (uint32_t)(first / CHUNKS_A_ROW));
		r = engine_get(t, TABLE_CHUNK_HASHES, bytes_of(key, sizeof key), &value);
		if (r)
			break;
		uint64_t within = first % CHUNKS_A_ROW, n = CHUNKS_A_ROW - within;
		n = n < count ? n : count;
		n = n < a.chunks - first ? n : a.chunks - first;
		struct bytes part = bytes_slice(value, (size_t)within * HASH_SIZE, (size_t)n * HASH_SIZE);
		if (part.len != n * HASH_SIZE)
			r = ERROR_CORRUPT;
		else if (buffer_push_bytes(out, part))
			r = out->error;
		first += n;
		count -= n;
	}
	store_read_end(t);
	return r;
}
