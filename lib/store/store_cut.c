/* SPDX-License-Identifier: Apache-2.0 */
/* Cuts and purges: what takes entries out of a feed's valid part, or bytes out of an entry. */
#include <stdlib.h>

#include "base/check.h"
#include "store/store_internal.h"

/* A pack copied out of the transaction, so that it survives the changes that follow. */
struct pack_copy {
	uint8_t *bytes;
	struct pack pack;
};

static int pack_copy_take(struct engine_txn *t, uint32_t feed, uint64_t seq, struct pack_copy *out)
{
	uint8_t key[KEY_SEQ_SIZE];
	struct bytes value;
	key_seq(key, feed, seq);
	int r = engine_seek_prefix(t, TABLE_PACKS, key, sizeof key, 4, ENGINE_AT_MOST, &value);
	if (r)
		return r;
	out->bytes = malloc(value.len);
	if (!out->bytes)
		return ERROR_MEMORY;
	memcpy(out->bytes, value.data, value.len);
	r = pack_parse(bytes_of(out->bytes, value.len), get_u64(key + 4), &out->pack);
	if (!r && pack_last_seq(&out->pack) < seq)
		r = ERROR_NOT_FOUND;
	if (r) {
		free(out->bytes);
		out->bytes = NULL;
	}
	return r;
}

/* Writes the first `count` entries of the pack again, entry `changed` with other bytes. */
static int pack_rewrite(struct store_txn *txn, uint32_t feed, const struct pack *p, uint32_t count,
	uint32_t changed, struct bytes wire)
{
	uint8_t key[KEY_SEQ_SIZE];
	struct pack_writer w;
	uint8_t *to;
	uint32_t segments = 0, segment = 0;
	size_t len = pack_wires(p, 0, count).len;
	if (changed < count)
		len += wire.len - pack_wire(p, changed).len;
	while (segments < p->segments && pack_segment_first(p, segments) < count)
		segments++;
	int r = engine_put(txn->t, TABLE_PACKS, key_seq(key, feed, p->first_seq),
		pack_size(len, count, segments, p->flags), &to);
	if (r)
		return r;
	pack_writer_begin(&w, to, len, count, segments, p->flags, p->epoch, &p->prev);
	for (uint32_t i = 0; i < count; i++) {
		struct hash entry_hash;
		if (segment < segments && pack_segment_first(p, segment) == i)
			pack_writer_segment(&w, pack_segment_arrival(p, segment++));
		pack_hash(p, i, &entry_hash);
		pack_writer_entry(&w, i == changed ? wire : pack_wire(p, i), &entry_hash);
		if (p->heads)
			pack_writer_head(&w, pack_head(p, i));
	}
	pack_writer_end(&w);
	return 0;
}

/* Entry `i` of the pack into the table of disowned ones, with what is known of it. */
static int disown(
	struct store_txn *txn, const struct feed_row *row, const struct pack *p, uint32_t i)
{
	struct aside_row aside = {
		.seq = p->first_seq + i,
		.epoch = p->epoch,
		.arrival = pack_arrival(p, i),
		.wire = pack_wire(p, i),
	};
	struct arrival_row arrival;
	pack_hash(p, i, &aside.entry_hash);
	pack_prev(p, i, &aside.prev);
	int r = arrival_row_get(txn->t, aside.arrival, &arrival);
	if (r)
		return r;
	aside.arrived = arrival.arrived;
	aside.source_city = arrival.source_city;
	r = store_find_head(txn->t, row, p, i, &aside.head_seq, &aside.has_head, aside.head);
	return r ? r : aside_row_put(txn->t, TABLE_DISOWNED, row->feed, &aside);
}

/* Moves the entries after `seq` aside, pack by pack. */
static int disown_after(struct store_txn *txn, const struct feed_row *row, uint64_t seq)
{
	uint8_t key[KEY_SEQ_SIZE];
	uint64_t at = seq + 1 > row->feed_state.first_seq ? seq + 1 : row->feed_state.first_seq;
	while (at <= row->feed_state.seq) {
		struct pack_copy copy;
		int r = pack_copy_take(txn->t, row->feed, at, &copy);
		if (r)
			return r;
		struct pack *p = &copy.pack;
		uint32_t keep = (uint32_t)(at - p->first_seq);
		at = pack_last_seq(p) + 1;
		for (uint32_t i = keep; i < p->count && !r; i++)
			r = disown(txn, row, p, i);
		if (!r && keep)
			r = pack_rewrite(txn, row->feed, p, keep, UINT32_MAX, bytes_of(NULL, 0));
		else if (!r)
			r = engine_drop(txn->t, TABLE_PACKS, key_seq(key, row->feed, p->first_seq));
		free(copy.bytes);
		if (r)
			return r;
	}
	return 0;
}

static int drop_heads_after(struct store_txn *txn, uint32_t feed, uint64_t seq)
{
	for (;;) {
		uint8_t key[KEY_SEQ_SIZE];
		struct bytes value;
		key_seq(key, feed, seq + 1);
		int r = engine_seek_prefix(
			txn->t, TABLE_HEADS, key, sizeof key, 4, ENGINE_AT_LEAST, &value);
		if (r)
			return r == ERROR_NOT_FOUND ? 0 : r;
		r = engine_drop(txn->t, TABLE_HEADS, bytes_of(key, sizeof key));
		if (r)
			return r;
	}
}

/* The head at the cut is kept for ever; where there is none, an empty row marks the end, unless the
 * epoch goes on behind it. */
static int keep_head_at(struct store_txn *txn, struct feed_row *row, bool goes_on)
{
	struct store_feed *feed = &row->feed_state;
	uint8_t key[KEY_SEQ_SIZE];
	struct bytes value;
	struct pack p;
	if (feed->seq == 0)
		return 0;
	int r = store_find_pack(txn->t, row->feed, feed->seq, &p);
	if (r)
		return r;
	const uint8_t *own = pack_head(&p, (uint32_t)(feed->seq - p.first_seq));
	if (own) {
		feed->has_head = true;
		memcpy(feed->head, own, STORE_HEAD_SIZE);
		return 0;
	}
	key_seq(key, row->feed, feed->seq);
	r = engine_get(txn->t, TABLE_HEADS, bytes_of(key, sizeof key), &value);
	if (r == 0 && value.len == STORE_HEAD_SIZE) {
		feed->has_head = true;
		memcpy(feed->head, value.data, STORE_HEAD_SIZE);
		return 0;
	}
	if ((r && r != ERROR_NOT_FOUND) || goes_on)
		return r == ERROR_NOT_FOUND ? 0 : r;
	return engine_put_bytes(txn->t, TABLE_HEADS, bytes_of(key, sizeof key),
		bytes_of(feed->head, feed->has_head ? STORE_HEAD_SIZE : 0));
}

static int fill_arrival(struct store_txn *txn, struct feed_row *row)
{
	struct pack p;
	int r = store_find_pack(txn->t, row->feed, row->feed_state.seq, &p);
	if (!r)
		row->feed_state.arrival = pack_arrival(&p, p.count - 1);
	return r;
}

/* The feed's row as it is once the tip is `seq`. */
static int feed_go_back(
	struct store_txn *txn, struct feed_row *row, uint64_t seq, const struct hash *hash)
{
	struct store_feed *feed = &row->feed_state;
	feed->has_head = false;
	memset(feed->head, 0, sizeof feed->head);
	if (row->live_first > seq) {
		row->live_first = 0;
		row->live_bytes = 0;
	}
	if (seq < feed->first_seq && feed->fill_seq) {
		/* All that began later is gone: what was filled in below is the feed now. */
		feed->first_seq = 1;
		feed->seq = feed->fill_seq;
		feed->entry_hash = feed->fill_hash;
		feed->epoch = feed->fill_epoch;
		feed->fill_seq = 0;
		return fill_arrival(txn, row);
	}
	if (seq < feed->first_seq || seq == 0) {
		feed->seq = feed->first_seq = 0;
		feed->entry_hash = (struct hash){{0}};
		feed->arrival = 0;
		return 0;
	}
	struct pack p;
	int r = store_find_pack(txn->t, row->feed, seq, &p);
	if (r)
		return r;
	feed->seq = seq;
	feed->entry_hash = *hash;
	feed->epoch = p.epoch;
	feed->arrival = pack_arrival(&p, (uint32_t)(seq - p.first_seq));
	return 0;
}

static int check_cut(
	struct store_txn *txn, const struct feed_row *row, uint64_t seq, const struct hash *hash)
{
	const struct store_feed *feed = &row->feed_state;
	struct hash held;
	struct pack p;
	if (seq == 0)
		return hash_is_zero(hash) ? 0 : ERROR_CHAIN;
	if (seq < feed->first_seq)
		return 0; /* below the floor: nothing to compare with */
	int r = store_find_pack(txn->t, row->feed, seq, &p);
	if (r)
		return store_txn_fail(txn, r);
	pack_hash(&p, (uint32_t)(seq - p.first_seq), &held);
	return hash_equal(&held, hash) ? 0 : ERROR_CHAIN;
}

static int cut(struct store_txn *txn, struct feed_row *row, uint64_t seq, const struct hash *hash,
	struct timestamp now, struct store_arrival *out)
{
	struct arrival_row arrival = {
		.kind = STORE_ARRIVAL_CUT,
		.arrived = now,
		.item_hash = *hash,
		.feed = row->feed,
		.first_seq = seq + 1,
		.last_seq = row->feed_state.seq,
	};
	uint64_t begin = row->feed_state.first_seq;
	int r = store_add_arrival(txn, &arrival, &row->feed_state.feed_id, seq, hash, out);
	if (!r)
		r = disown_after(txn, row, seq);
	if (!r)
		r = drop_heads_after(txn, row->feed, seq < begin ? begin - 1 : seq);
	if (!r)
		r = feed_go_back(txn, row, seq, hash);
	return r;
}

static int cut_feed(struct store_txn *txn, const struct hash *feed_id, uint64_t seq,
	const struct hash *hash, const struct store_cut_counts *counts, struct timestamp now,
	uint64_t *disowned, struct store_arrival *out)
{
	struct feed_row row;
	struct store_arrival arrival = {0};
	uint64_t moved = 0;
	int r = feed_row_find(txn->t, feed_id, &row);
	if (!r)
		r = store_fill_state(txn->t, &row);
	if (r && r != ERROR_NOT_FOUND)
		return r;
	uint64_t tip = r ? 0 : row.feed_state.seq;
	while (tip && seq <= tip) {
		r = check_cut(txn, &row, seq, hash);
		if (r)
			return r;
		uint64_t first = row.feed_state.first_seq;
		uint64_t beyond = seq < first ? tip - first + 1 : tip - seq;
		moved += beyond;
		txn->state.records -= beyond;
		if (beyond)
			r = cut(txn, &row, seq, hash, now, &arrival);
		row.feed_state.since_checkpoint_entries = counts ? counts->entries : 0;
		row.feed_state.since_checkpoint_bytes = counts ? counts->bytes : 0;
		if (!r)
			r = keep_head_at(txn, &row, counts);
		if (!r)
			r = store_feed_save(txn, &row, false);
		if (r)
			return store_txn_fail(txn, r);
		tip = seq < first ? row.feed_state.seq : 0; /* then the entries filled in below it */
	}
	if (disowned)
		*disowned = moved;
	if (out)
		*out = arrival;
	return 0;
}

int store_cut(struct store_txn *txn, const struct hash *feed_id, uint64_t seq,
	const struct hash *hash, struct timestamp now, uint64_t *disowned, struct store_arrival *out)
{
	return cut_feed(txn, feed_id, seq, hash, NULL, now, disowned, out);
}

int store_cut_back(struct store_txn *txn, const struct hash *feed_id, uint64_t seq,
	const struct hash *hash, struct store_cut_counts counts, struct timestamp now,
	struct store_arrival *out)
{
	return cut_feed(txn, feed_id, seq, hash, &counts, now, NULL, out);
}

/* Among the disowned; ERROR_NOT_FOUND. */
static int purge_disowned(struct store_txn *txn, uint32_t feed, uint64_t seq,
	const struct hash *entry_hash, struct bytes purged_wire)
{
	uint8_t key[KEY_ASIDE_SIZE];
	struct bytes value;
	struct aside_row aside;
	key_aside(key, feed, seq, entry_hash);
	int r = engine_get(txn->t, TABLE_DISOWNED, bytes_of(key, sizeof key), &value);
	if (!r)
		r = aside_row_parse(bytes_of(key, sizeof key), value, &aside);
	if (r)
		return r;
	aside.wire = purged_wire;
	return aside_row_put(txn->t, TABLE_DISOWNED, feed, &aside);
}

static int purge_valid(struct store_txn *txn, const struct feed_row *row, uint64_t seq,
	const struct hash *entry_hash, struct bytes purged_wire)
{
	struct pack_copy copy;
	struct hash held;
	if (seq > row->feed_state.seq)
		return ERROR_NOT_FOUND;
	int r = pack_copy_take(txn->t, row->feed, seq, &copy);
	if (r)
		return r;
	uint32_t i = (uint32_t)(seq - copy.pack.first_seq);
	pack_hash(&copy.pack, i, &held);
	r = !hash_equal(&held, entry_hash)
		? ERROR_CHAIN
		: pack_rewrite(txn, row->feed, &copy.pack, copy.pack.count, i, purged_wire);
	free(copy.bytes);
	return r;
}

int store_purge(struct store_txn *txn, const struct hash *feed_id, uint64_t seq,
	const struct hash *entry_hash, struct bytes purged_wire, struct timestamp now,
	struct store_arrival *out)
{
	struct feed_row row;
	ensure_or(purged_wire.len > 0 && seq > 0, ERROR_USAGE);
	int r = feed_row_find(txn->t, feed_id, &row);
	if (r)
		return r;
	int disowned = purge_disowned(txn, row.feed, seq, entry_hash, purged_wire);
	if (disowned && disowned != ERROR_NOT_FOUND)
		return store_txn_fail(txn, disowned);
	r = purge_valid(txn, &row, seq, entry_hash, purged_wire);
	if (r && disowned)
		return r; /* neither here nor there; a failed put has stuck already */
	struct arrival_row arrival = {
		.kind = STORE_ARRIVAL_PURGE,
		.arrived = now,
		.item_hash = *entry_hash,
		.feed = row.feed,
		.first_seq = seq,
		.last_seq = seq,
	};
	return store_txn_fail(txn, store_add_arrival(txn, &arrival, feed_id, seq, entry_hash, out));
}
