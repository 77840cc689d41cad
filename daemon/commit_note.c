/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/commit_note.h"

#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/error.h"
#include "feed/feed.h"
#include "store/guard_file.h"

#define FLAG_OWN 1u
#define FLAG_CHECKPOINT 2u
#define NOTE_FIXED_BYTES                                                                     \
	(STORE_EPOCH_SIZE + 8 + STORE_ROLLING_SIZE + 2 + 4 + 3 * HASH_SIZE + 8 + 2 * HASH_SIZE + \
		HEAD_BYTES + 4 + 8 + HASH_SIZE + 8 + 4)

_Static_assert(NOTE_FIXED_BYTES + COMMIT_NOTE_ENTRY_MAX <= GUARD_NOTE_MAX, "a note holds an alert");

bool commit_note_fits(const struct commit *commit)
{
	const struct commit_op *op = commit->ops;
	return !commit->next && commit->class == COMMIT_URGENT && commit->count == 1 &&
		op->type == COMMIT_RUN && op->lane == FEED_LANE_ALERT && op->count == 1 && !op->by_cut &&
		op->index[0].offset == 0 && op->index[0].length <= COMMIT_NOTE_ENTRY_MAX;
}

int commit_note_encode(
	struct buffer *to, const struct commit_note_before *before, const struct commit *commit)
{
	const struct commit_op *op = commit->ops;
	buffer_push(to, before->store_epoch, STORE_EPOCH_SIZE);
	buffer_push_u64(to, before->newest.arrival);
	buffer_push(to, before->newest.rolling, STORE_ROLLING_SIZE);
	buffer_push_u8(to, op->lane);
	buffer_push_u8(
		to, (uint8_t)((op->own ? FLAG_OWN : 0) | (op->checkpoint ? FLAG_CHECKPOINT : 0)));
	buffer_push_u32(to, op->epoch);
	buffer_push_bytes(to, hash_bytes(&op->network_id));
	buffer_push_bytes(to, hash_bytes(&op->city_id));
	buffer_push_bytes(to, hash_bytes(&op->feed_id));
	buffer_push_u64(to, op->seq);
	buffer_push_bytes(to, hash_bytes(&op->prev));
	buffer_push_bytes(to, hash_bytes(&op->index[0].entry_hash));
	buffer_push(to, op->head, HEAD_BYTES);
	buffer_push_u32(to, op->since_checkpoint_entries);
	buffer_push_u64(to, op->since_checkpoint_bytes);
	buffer_push_bytes(to, hash_bytes(&op->source_city));
	buffer_push_u64(to, (uint64_t)op->arrived.ms);
	buffer_push_u32(to, op->index[0].length);
	return buffer_push(to, op->blob->data, op->index[0].length);
}

static void read_op(struct cursor *c, struct commit_op *op, struct hash *entry_hash)
{
	op->lane = cursor_u8(c);
	uint8_t flags = cursor_u8(c);
	op->own = flags & FLAG_OWN;
	op->checkpoint = flags & FLAG_CHECKPOINT;
	op->epoch = cursor_u32(c);
	cursor_copy(c, op->network_id.bytes, HASH_SIZE);
	cursor_copy(c, op->city_id.bytes, HASH_SIZE);
	cursor_copy(c, op->feed_id.bytes, HASH_SIZE);
	op->seq = cursor_u64(c);
	cursor_copy(c, op->prev.bytes, HASH_SIZE);
	cursor_copy(c, entry_hash->bytes, HASH_SIZE);
	cursor_copy(c, op->head, HEAD_BYTES);
	op->since_checkpoint_entries = cursor_u32(c);
	op->since_checkpoint_bytes = cursor_u64(c);
	cursor_copy(c, op->source_city.bytes, HASH_SIZE);
	op->arrived.ms = (int64_t)cursor_u64(c);
	op->last_hash = *entry_hash;
	op->count = 1;
}

int commit_note_decode(struct bytes note, struct commit_note_before *before, struct commit **out)
{
	struct cursor c = cursor_init(note);
	struct hash entry_hash;
	struct commit *commit = commit_new(COMMIT_URGENT);
	struct commit_op *op = commit ? commit_add(commit, COMMIT_RUN) : NULL;
	if (!op) {
		commit_free(commit);
		return ERROR_MEMORY;
	}
	cursor_copy(&c, before->store_epoch, STORE_EPOCH_SIZE);
	before->newest.arrival = cursor_u64(&c);
	cursor_copy(&c, before->newest.rolling, STORE_ROLLING_SIZE);
	read_op(&c, op, &entry_hash);
	struct bytes entry = cursor_bytes(&c, cursor_u32(&c));
	bool whole = cursor_end(&c) == 0 && entry.len > 0 && entry.len <= COMMIT_NOTE_ENTRY_MAX &&
		op->lane == FEED_LANE_ALERT;
	if (whole) {
		op->blob = blob_copy(entry);
		op->index = malloc(sizeof(*op->index));
	}
	if (!op->blob || !op->index) {
		commit_free(commit);
		return whole ? ERROR_MEMORY : ERROR_CORRUPT;
	}
	op->index[0] = (struct run_entry){.length = (uint32_t)entry.len, .entry_hash = entry_hash};
	commit->bytes = entry.len;
	*out = commit;
	return 0;
}
