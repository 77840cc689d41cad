/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs: a head of 181 bytes, 8 bytes of the receiver's state (epoch's start and end, counts since
 * the checkpoint, lane), then entries. The signature is made here where the hashes are right, so
 * that the search gets behind it; then the run must verify, and not once a byte is changed.
 */
#include <stdlib.h>

#include "base/check.h"
#include "base/cursor.h"
#include "feed/entry.h"
#include "feed/run.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t seed[SECRET_SEED_SIZE] = {7};

/* The last entry_hash of up to 512 entries from the tip on, and how many there were. */
static uint64_t chain_end(
	struct hasher *hasher, const struct feed_tip *tip, struct bytes entries, struct hash *out)
{
	struct cursor c = cursor_init(entries);
	struct entry_view entry;
	uint64_t count = 0;

	*out = tip->entry_hash;
	while (cursor_left(&c) && count < RUN_ENTRIES_MAX && entry_parse(&c, &entry) == 0) {
		count++;
		require(entry_hash_of(hasher, &tip->feed_id, tip->seq + count, out, &entry, out) == 0);
	}
	return count;
}

static void index_check(const struct run_index *index, size_t len)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < index->count; i++) {
		require(index->entries[i].offset == at);
		at += index->entries[i].length;
	}
	require(at == len);
}

static void judge(struct hasher *hasher, struct run_rules *rules, const struct feed_tip *tip,
	struct head *head, struct bytes entries, const struct secret_key *key)
{
	struct run_index index = {0};
	struct feed_tip after;
	struct hash end;
	struct run_entry alert;

	run_verify(hasher, rules, tip, tip->seq + 1, head, entries, &index, &after);
	uint64_t count = chain_end(hasher, tip, entries, &end);
	head->seq = tip->seq + count;
	head->entry_hash = end;
	head->epoch = rules->epoch;
	head->feed_id = tip->feed_id;
	require(head_sign(head, key) == 0);
	rules->node_key = head->node_key;
	if (run_verify(hasher, rules, tip, tip->seq + 1, head, entries, &index, &after) == 0) {
		index_check(&index, entries.len);
		require(after.seq == head->seq && hash_equal(&after.entry_hash, &head->entry_hash));
		require(entries.len <= RUN_BYTES_MAX && count >= 1);
		require(after.since_checkpoint_entries < CHECKPOINT_ENTRIES);
		head->signature.bytes[0] ^= 1;
		require(run_verify(hasher, rules, tip, tip->seq + 1, head, entries, &index, &after) != 0);
		head->signature.bytes[0] ^= 1;
	}
	if (rules->alert_lane)
		run_verify_alert(
			hasher, rules, &tip->feed_id, tip->seq + 1, &tip->entry_hash, head, entries, &alert);
	run_index_deinit(&index);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_init(bytes_of(data, size));
	struct head head;
	static struct hasher hasher;
	struct secret_key *key;

	if (head_decode(cursor_bytes(&c, HEAD_BYTES), &head))
		return 0;
	struct run_rules rules = {.epoch = head.epoch, .node_key = head.node_key};
	struct feed_tip tip = {.feed_id = head.feed_id, .epoch = head.epoch, .seq = cursor_u8(&c)};
	rules.start_seq = cursor_u8(&c);
	rules.has_end = cursor_u8(&c) & 1;
	rules.end_seq = cursor_u8(&c);
	rules.alert_lane = cursor_u8(&c) & 1;
	tip.since_checkpoint_entries = cursor_u16(&c) % (CHECKPOINT_ENTRIES + 1);
	tip.since_checkpoint_bytes = (uint64_t)cursor_u8(&c) << 12;
	if (c.error)
		return 0;
	if (!hasher.context) { /* once: it costs more than what it is used for */
		require(hasher_init(&hasher) == 0);
		hasher_widen(&hasher);
	}
	require(secret_key_from_seed(seed, &key) == 0);
	judge(&hasher, &rules, &tip, &head, bytes_slice(c.input, c.at, SIZE_MAX), key);
	secret_key_free(key);
	return 0;
}
