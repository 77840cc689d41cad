/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Joining live packs. A feed whose live packs have reached MERGE_BYTES stands in table merge_due;
 * its packs from live_first on are joined as far as one value holds, never across an epoch or a
 * pack that is not live. What is left at the end waits for more.
 */
#include <stdlib.h>

#include "base/check.h"
#include "store/store_internal.h"

#define GROUP_MAX 512u

struct group {
	uint64_t seqs[GROUP_MAX]; /* the first seq of each pack */
	uint32_t packs;
	uint8_t flags;
	uint32_t epoch;
	uint32_t count, segments;
	size_t entries_len;
};

static bool group_takes(const struct group *g, const struct pack *p)
{
	if (g->packs == 0)
		return true;
	return g->packs < GROUP_MAX && g->epoch == p->epoch && g->flags == p->flags &&
		pack_size(g->entries_len + p->entries.len, g->count + p->count, g->segments + p->segments,
			g->flags) <= PACK_BYTES_MAX;
}

static void group_add(struct group *g, const struct pack *p)
{
	if (g->packs == 0)
		*g = (struct group){.epoch = p->epoch, .flags = p->flags};
	g->seqs[g->packs++] = p->first_seq;
	g->count += p->count;
	g->segments += p->segments;
	g->entries_len += p->entries.len;
}

static void copy_pack(struct pack_writer *w, const struct pack *p)
{
	uint32_t segment = 0;
	for (uint32_t i = 0; i < p->count; i++) {
		struct hash entry_hash;
		if (segment < p->segments && pack_segment_first(p, segment) == i)
			pack_writer_segment(w, pack_segment_arrival(p, segment++));
		pack_hash(p, i, &entry_hash);
		pack_writer_entry(w, pack_wire(p, i), &entry_hash);
		if (p->heads)
			pack_writer_head(w, pack_head(p, i));
	}
}

/* The group as one value, built beside the transaction: putting it would end the views. */
static int group_build(struct store_txn *txn, uint32_t feed, const struct group *g, uint8_t *to)
{
	struct pack_writer w;
	for (uint32_t i = 0; i < g->packs; i++) {
		struct pack p;
		int r = store_find_pack(txn->t, feed, g->seqs[i], &p);
		if (r)
			return r;
		if (i == 0)
			pack_writer_begin(&w, to, g->entries_len, g->count, g->segments,
				g->flags & (uint8_t)~PACK_LIVE, g->epoch, &p.prev);
		copy_pack(&w, &p);
	}
	pack_writer_end(&w);
	return 0;
}

static int group_write(struct store_txn *txn, uint32_t feed, struct group *g)
{
	uint8_t key[KEY_SEQ_SIZE];
	if (g->packs < 2) {
		g->packs = 0;
		return 0;
	}
	size_t len = pack_size(g->entries_len, g->count, g->segments, g->flags);
	uint8_t *bytes = malloc(len);
	if (!bytes)
		return ERROR_MEMORY;
	int r = group_build(txn, feed, g, bytes);
	for (uint32_t i = 1; i < g->packs && !r; i++)
		r = engine_drop(txn->t, TABLE_PACKS, key_seq(key, feed, g->seqs[i]));
	if (!r)
		r = engine_put_bytes(
			txn->t, TABLE_PACKS, key_seq(key, feed, g->seqs[0]), bytes_of(bytes, len));
	free(bytes);
	g->packs = 0;
	return r;
}

/* Merges what the budget allows; *done: nothing is left but a last, incomplete group. */
static int merge_feed(struct store_txn *txn, struct feed_row *row, size_t *budget, bool *done)
{
	struct group g = {0};
	uint64_t seq = row->live_first;
	*done = true;
	while (seq && seq <= row->feed_state.seq) {
		struct pack p;
		int r = store_find_pack(txn->t, row->feed, seq, &p);
		if (r)
			return r;
		uint64_t next = pack_last_seq(&p) + 1;
		bool live = p.flags & PACK_LIVE;
		if (!live || !group_takes(&g, &p)) {
			size_t len = pack_size(g.entries_len, g.count, g.segments, g.flags);
			bool written = g.packs > 1;
			*budget -= !written ? 0 : len < *budget ? len : *budget;
			r = group_write(txn, row->feed, &g);
			if (r)
				return r;
			if (written && !*budget) {
				*done = false;
				break;
			}
			/* The view may have ended. */
			r = store_find_pack(txn->t, row->feed, seq, &p);
			if (r)
				return r;
		}
		if (live)
			group_add(&g, &p);
		seq = next;
	}
	row->live_first = !*done ? seq : g.packs ? g.seqs[0] : 0;
	if (*done)
		row->live_bytes = g.packs ? (uint32_t)pack_size(g.entries_len, g.count, g.segments, g.flags)
								  : 0;
	return 0;
}

int store_merge(struct store_txn *txn, size_t budget, bool *left)
{
	*left = false;
	while (budget) {
		uint8_t key[KEY_FEED_SIZE];
		struct bytes value;
		struct feed_row row;
		bool done;
		key_feed(key, 0);
		int r = engine_seek_prefix(
			txn->t, TABLE_MERGE_DUE, key, sizeof key, 0, ENGINE_AT_LEAST, &value);
		if (r == ERROR_NOT_FOUND)
			return 0;
		if (!r)
			r = feed_row_get(txn->t, get_u32(key), &row);
		if (!r)
			r = merge_feed(txn, &row, &budget, &done);
		if (!r)
			r = feed_row_put(txn->t, &row);
		if (!r && done)
			r = engine_drop(txn->t, TABLE_MERGE_DUE, key_feed(key, row.feed));
		if (r)
			return store_txn_fail(txn, r);
		if (!done)
			break;
	}
	*left = true; /* the budget is spent; the next call finds out whether there was more */
	return 0;
}
