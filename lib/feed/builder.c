/* SPDX-License-Identifier: Apache-2.0 */
#include "feed/builder.h"

#include <string.h>

#include "base/error.h"

void feed_builder_init(struct feed_builder *b, const struct feed_tip *tip, bool alert_lane)
{
	*b = (struct feed_builder){.tip = *tip, .before = *tip, .alert_lane = alert_lane};
	buffer_init(&b->entries, RUN_BYTES_MAX);
}

void feed_builder_deinit(struct feed_builder *b)
{
	buffer_deinit(&b->entries);
	run_index_deinit(&b->index);
}

/* The next run begins behind the last head. */
static void run_start(struct feed_builder *b)
{
	buffer_reset(&b->entries);
	run_index_reset(&b->index);
	b->closed = false;
	b->must_close = false;
	b->tip = b->before;
	b->first_seq = b->before.seq + 1;
	b->prev = b->before.entry_hash;
}

void feed_builder_rollback(struct feed_builder *b)
{
	run_start(b);
}

/* Encodes and reads back: nothing is signed here that run_verify would refuse. */
static int entry_append(struct feed_builder *b, struct hasher *hasher,
	const struct entry_seal *seal, struct bytes header, struct bytes body)
{
	struct entry_view entry;
	struct run_entry place = {.offset = (uint32_t)b->entries.len};
	int error = entry_encode(&b->entries, seal->salt, header, body);

	if (error)
		return error;
	struct cursor c = cursor_init(bytes_slice(buffer_bytes(&b->entries), place.offset, SIZE_MAX));
	error = entry_parse(&c, &entry);
	if (!error)
		error = entry_hash_from(hasher, &b->tip.feed_id, b->tip.seq + 1, &b->tip.entry_hash,
			&seal->header_hash, &seal->body_hash, &place.entry_hash);
	place.length = (uint32_t)entry.wire.len;
	if (!error)
		error = run_index_push(&b->index, place);
	if (!error)
		feed_tip_advance(&b->tip, &place.entry_hash, entry_cost(&entry));
	return error;
}

int feed_builder_add(struct feed_builder *b, struct hasher *hasher,
	const uint8_t salt[static ENTRY_SALT_BYTES], struct bytes header, struct bytes body,
	uint64_t *seq, struct hash *entry_hash, bool *must_close)
{
	struct entry_seal seal;
	memcpy(seal.salt, salt, sizeof(seal.salt));
	int error = entry_seal_hash(hasher, &seal, header, body);
	return error
		? error
		: feed_builder_add_sealed(b, hasher, &seal, header, body, seq, entry_hash, must_close);
}

int feed_builder_add_sealed(struct feed_builder *b, struct hasher *hasher,
	const struct entry_seal *seal, struct bytes header, struct bytes body, uint64_t *seq,
	struct hash *entry_hash, bool *must_close)
{
	if (b->closed || b->index.count == 0)
		run_start(b);
	if (b->must_close)
		return ERROR_CHECKPOINT;
	size_t len = b->entries.len;
	int error = entry_append(b, hasher, seal, header, body);
	if (error) {
		buffer_truncate(&b->entries, len);
		b->entries.error = 0;
		return error;
	}
	b->must_close = b->alert_lane || feed_tip_checkpoint_due(&b->tip);
	*seq = b->tip.seq;
	*entry_hash = b->tip.entry_hash;
	*must_close = b->must_close;
	return 0;
}

int feed_builder_close(struct feed_builder *b, uint32_t epoch, const struct public_key *node_key,
	const struct secret_key *key, struct timestamp time, struct head *out)
{
	if (b->closed || b->index.count == 0 || !public_key_equal(node_key, secret_key_public(key)))
		return ERROR_STATE;
	/* The rule counts from the start of an epoch: one that began unseen must not shift it. */
	if (epoch < b->tip.epoch || (epoch > b->tip.epoch && b->before.since_checkpoint_entries))
		return ERROR_STATE;
	*out = (struct head){
		.feed_id = b->tip.feed_id,
		.epoch = epoch,
		.seq = b->tip.seq,
		.entry_hash = b->tip.entry_hash,
		.time = time,
		.flags = b->must_close ? HEAD_FLAG_CHECKPOINT : 0,
	};
	int error = head_sign(out, key);
	if (error)
		return error;
	b->tip.epoch = epoch;
	if (b->must_close)
		feed_tip_checkpoint(&b->tip);
	b->before = b->tip;
	b->closed = true;
	b->must_close = false;
	return 0;
}
