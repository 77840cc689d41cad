/* SPDX-License-Identifier: Apache-2.0 */
#include "feed/run.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/cursor.h"
#include "base/error.h"
#include "feed/entry.h"

/*
 * A signature takes as long as the hashes of some 75 KiB of entries. Of a larger run the signature
 * is looked at first, of a smaller one the hashes: whoever sends rubbish gets the lesser work.
 */
#define RUN_SIGNATURE_FIRST_BYTES 65536

#define RUN_INDEX_CAPACITY_MIN 16

void run_index_deinit(struct run_index *index)
{
	free(index->entries);
	*index = (struct run_index){0};
}

void run_index_reset(struct run_index *index)
{
	index->count = 0;
}

static int index_reserve(struct run_index *index, uint32_t count)
{
	if (count <= index->capacity)
		return 0;
	uint32_t capacity = index->capacity ? index->capacity : RUN_INDEX_CAPACITY_MIN;
	while (capacity < count)
		capacity *= 2;
	struct run_entry *entries = realloc(index->entries, capacity * sizeof(*entries));
	if (!entries)
		return ERROR_MEMORY;
	index->entries = entries;
	index->capacity = capacity;
	return 0;
}

int run_index_push(struct run_index *index, struct run_entry entry)
{
	if (index->count >= RUN_ENTRIES_MAX)
		return ERROR_LIMIT;
	int error = index_reserve(index, index->count + 1);
	if (!error)
		index->entries[index->count++] = entry;
	return error;
}

int run_cut_head(const struct run_rules *rules, const struct hash *feed_id, struct head *out)
{
	*out = (struct head){
		.feed_id = *feed_id,
		.epoch = rules->epoch,
		.node_key = rules->node_key,
		.seq = rules->end_seq,
		.entry_hash = rules->end_hash,
	};
	return rules->has_end && rules->end_seq > rules->start_seq ? 0 : ERROR_CUT;
}

/* A head in form, which stands exactly at the end that the charter names. */
static int cut_head_check(const struct run_rules *rules, const struct head *head)
{
	static const struct signature none;
	if (rules->alert_lane || head->time.ms || head->flags ||
		memcmp(&head->signature, &none, sizeof(none)) != 0)
		return ERROR_HEAD;
	return rules->has_end && head->seq == rules->end_seq ? 0 : ERROR_CUT;
}

/* What can be said without reading an entry. */
static int outline_check(const struct run_rules *rules, const struct hash *feed_id,
	uint64_t first_seq, const struct head *head, struct bytes entries)
{
	if (head->epoch != rules->epoch || !public_key_equal(&head->node_key, &rules->node_key))
		return ERROR_EPOCH_UNKNOWN;
	if (!hash_equal(&head->feed_id, feed_id) || head->seq < first_seq)
		return ERROR_HEAD;
	if (first_seq <= rules->start_seq)
		return ERROR_CUT;
	if (rules->has_end && head->seq >= rules->end_seq &&
		(head->seq > rules->end_seq || !hash_equal(&head->entry_hash, &rules->end_hash)))
		return ERROR_CUT;
	int error = rules->by_cut ? cut_head_check(rules, head) : 0;
	if (error)
		return error;
	if (head->seq - first_seq >= (rules->alert_lane ? 1 : RUN_ENTRIES_MAX))
		return ERROR_CHECKPOINT;
	if (rules->alert_lane && !(head->flags & HEAD_FLAG_CHECKPOINT))
		return ERROR_CHECKPOINT;
	return entries.len > RUN_BYTES_MAX ? ERROR_LIMIT : 0;
}

/* Where the run begins: the tip, which enters the run's epoch if it stands at its cut. */
static int start_at(const struct run_rules *rules, const struct feed_tip *tip, uint64_t first_seq,
	struct feed_tip *at)
{
	if (first_seq <= tip->seq)
		return ERROR_STATE;
	if (first_seq - 1 > tip->seq)
		return ERROR_GAP;
	*at = *tip;
	if (tip->epoch == rules->epoch && tip->seq != rules->start_seq)
		return 0;
	/* The copy holds entries that the cut disowns, or others than it names: no fault of the run. */
	if (tip->epoch > rules->epoch || tip->seq != rules->start_seq ||
		!hash_equal(&tip->entry_hash, &rules->start_hash))
		return ERROR_STATE;
	feed_tip_start_epoch(at, rules->epoch, rules->start_seq, &rules->start_hash);
	return 0;
}

/* The next entries, with the hashes of their parts. `error` is what ended them early, to be said
 * after what is wrong with those before. */
struct stretch {
	struct entry_view entries[ENTRIES_HASH_MAX];
	size_t count;
	int error;
};

static int stretch_read(
	struct stretch *s, struct hasher *hasher, struct cursor *c, uint64_t entries_left)
{
	s->count = 0;
	s->error = 0;
	while (s->count < ENTRIES_HASH_MAX && s->count < entries_left) {
		s->error = entry_parse(c, &s->entries[s->count]);
		if (s->error)
			break;
		s->count++;
	}
	return entries_hash(hasher, s->entries, s->count);
}

/* Hashes the entries from *at on, which moves along. */
static int entries_walk(struct hasher *hasher, uint64_t last_seq, struct bytes entries,
	struct run_index *index, struct feed_tip *at)
{
	struct cursor c = cursor_init(entries);
	struct stretch s;

	while (at->seq < last_seq) {
		int error = stretch_read(&s, hasher, &c, last_seq - at->seq);
		for (size_t i = 0; i < s.count && !error; i++) {
			const struct entry_view *entry = &s.entries[i];
			struct run_entry *to = &index->entries[index->count];
			if (feed_tip_checkpoint_due(at))
				return ERROR_CHECKPOINT;
			to->offset = (uint32_t)(entry->wire.data - entries.data);
			to->length = (uint32_t)entry->wire.len;
			error = entry_hash_from(hasher, &at->feed_id, at->seq + 1, &at->entry_hash,
				&entry->header_hash, &entry->body_hash, &to->entry_hash);
			if (error)
				return error;
			feed_tip_advance(at, &to->entry_hash, entry_cost(entry));
			index->count++;
		}
		if (!error && feed_tip_checkpoint_due(at) && at->seq < last_seq)
			return ERROR_CHECKPOINT;
		if (error || s.error)
			return error ? error : s.error;
	}
	return cursor_end(&c);
}

/* The checkpoint rule at the run's end, where a cut may come too early for it. Whose copy began in
 * the middle has counted too little: then a checkpoint may stand where none seems due. */
static bool end_is_right(const struct run_rules *rules, bool checkpoint, const struct feed_tip *at)
{
	return rules->by_cut || rules->alert_lane || checkpoint == feed_tip_checkpoint_due(at) ||
		(checkpoint && at->partial);
}

static int run_check(struct hasher *hasher, const struct run_rules *rules, const struct head *head,
	struct bytes entries, struct run_index *index, struct feed_tip *at)
{
	bool signature_first = !rules->by_cut && entries.len > RUN_SIGNATURE_FIRST_BYTES;
	bool checkpoint = head->flags & HEAD_FLAG_CHECKPOINT;

	run_index_reset(index);
	int error = index_reserve(index, (uint32_t)(head->seq - at->seq));
	if (!error && signature_first)
		error = head_verify(head);
	if (!error)
		error = entries_walk(hasher, head->seq, entries, index, at);
	if (error)
		return error;
	if (!end_is_right(rules, checkpoint, at))
		return ERROR_CHECKPOINT;
	if (!hash_equal(&at->entry_hash, &head->entry_hash))
		return ERROR_CHAIN;
	if (checkpoint || rules->by_cut)
		feed_tip_checkpoint(at);
	return signature_first || rules->by_cut ? 0 : head_verify(head);
}

int run_verify(struct hasher *hasher, const struct run_rules *rules, const struct feed_tip *tip,
	uint64_t first_seq, const struct head *head, struct bytes entries, struct run_index *index,
	struct feed_tip *after)
{
	struct feed_tip at;
	int error = outline_check(rules, &tip->feed_id, first_seq, head, entries);

	if (!error)
		error = start_at(rules, tip, first_seq, &at);
	if (!error)
		error = run_check(hasher, rules, head, entries, index, &at);
	if (!error)
		*after = at;
	return error;
}

int run_verify_alert(struct hasher *hasher, const struct run_rules *rules,
	const struct hash *feed_id, uint64_t seq, const struct hash *prev, const struct head *head,
	struct bytes entry, struct run_entry *out)
{
	require(rules->alert_lane);
	int error = outline_check(rules, feed_id, seq, head, entry);
	if (error)
		return error;
	if (seq - 1 == rules->start_seq && !hash_equal(prev, &rules->start_hash))
		return ERROR_CHAIN;
	struct feed_tip at = {.feed_id = *feed_id, .seq = seq - 1, .entry_hash = *prev};
	struct run_index index = {.entries = out, .capacity = 1};
	return run_check(hasher, rules, head, entry, &index, &at);
}
