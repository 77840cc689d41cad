/* SPDX-License-Identifier: Apache-2.0 */
/* Putting runs: packs, heads, the feed's row, its arrival. */
#include "base/check.h"
#include "store/store_internal.h"

int store_add_arrival(struct store_txn *txn, struct arrival_row *row, const struct hash *feed_id,
	uint64_t seq, const struct hash *hash, struct store_arrival *out)
{
	struct hasher *h = &txn->store->hasher;
	struct store_arrival *newest = &txn->state.newest;
	struct hash rolling;
	hasher_begin(h, "hansa arrival 1");
	hasher_add(h, bytes_of(newest->rolling, STORE_ROLLING_SIZE));
	if (feed_id) {
		hasher_add_hash(h, feed_id);
		hasher_add_u64(h, seq);
	}
	hasher_add_hash(h, hash);
	int r = hasher_end(h, &rolling);
	if (r)
		return store_txn_fail(txn, r);
	newest->arrival++;
	memcpy(newest->rolling, rolling.bytes, STORE_ROLLING_SIZE);
	memcpy(row->rolling, newest->rolling, STORE_ROLLING_SIZE);
	row->records = txn->state.records;
	row->feeds = txn->state.feeds;
	if (out)
		*out = *newest;
	return arrival_row_put(txn->t, newest->arrival, row);
}

int store_feed_or_new(struct store_txn *txn, const struct hash *network_id,
	const struct hash *city_id, const struct hash *feed_id, uint8_t lane, struct feed_row *out,
	bool *is_new)
{
	int r = feed_row_find(txn->t, feed_id, out);
	*is_new = r == ERROR_NOT_FOUND;
	if (!*is_new)
		return r;
	if (txn->state.feeds == UINT32_MAX)
		return ERROR_LIMIT;
	*out = (struct feed_row){
		.feed = txn->state.feeds + 1,
		.feed_state = {.network_id = *network_id,
			.city_id = *city_id,
			.feed_id = *feed_id,
			.lane = lane},
	};
	return 0;
}

int store_feed_save(struct store_txn *txn, struct feed_row *row, bool is_new)
{
	if (is_new) {
		uint8_t number[4];
		put_u32(number, row->feed);
		int r = engine_put_bytes(txn->t, TABLE_FEED_IDS, hash_bytes(&row->feed_state.feed_id),
			bytes_of(number, sizeof number));
		if (r)
			return store_txn_fail(txn, r);
	}
	return store_txn_fail(txn, feed_row_put(txn->t, row));
}

int store_run_check_index(const struct store_run *run)
{
	size_t at = 0;
	if (run->count == 0 || run->first_seq == 0 || run->first_seq > UINT64_MAX - run->count ||
		(run->by_cut && run->checkpoint))
		return ERROR_USAGE;
	for (uint32_t i = 0; i < run->count; i++) {
		if (run->index[i].offset != at || run->index[i].length == 0)
			return ERROR_USAGE;
		at += run->index[i].length;
	}
	return at == run->entries.len ? 0 : ERROR_USAGE;
}

static int check_continues(const struct store_run *run, const struct store_feed *feed)
{
	if (feed->seq == 0)
		return run->first_seq > 1 && hash_is_zero(&run->prev) ? ERROR_CHAIN : 0;
	if (run->first_seq + run->count - 1 <= feed->seq)
		return ERROR_EXISTS;
	if (run->first_seq > feed->seq + 1)
		return ERROR_GAP;
	if (run->first_seq <= feed->seq)
		return ERROR_CHAIN;
	if (!hash_is_zero(&run->prev) && !hash_equal(&run->prev, &feed->entry_hash))
		return ERROR_CHAIN;
	return 0;
}

/* One pack of the entries from..from+n-1. */
static int put_pack(struct store_txn *txn, const struct store_run *run, uint32_t feed,
	uint32_t from, uint32_t n, const struct hash *prev, uint64_t arrival, uint8_t flags)
{
	uint8_t key[KEY_SEQ_SIZE];
	struct pack_writer w;
	uint8_t *to;
	const struct run_entry *first = &run->index[from], *last = &run->index[from + n - 1];
	size_t len = last->offset + last->length - first->offset;
	int r = engine_put(txn->t, TABLE_PACKS, key_seq(key, feed, run->first_seq + from),
		pack_size(len, n, 1, flags), &to);
	if (r)
		return r;
	pack_writer_begin(&w, to, len, n, 1, flags, run->epoch, prev);
	pack_writer_segment(&w, arrival);
	for (uint32_t i = from; i < from + n; i++)
		pack_writer_entry(&w,
			bytes_of(run->entries.data + run->index[i].offset, run->index[i].length),
			&run->index[i].entry_hash);
	if (flags & PACK_HEADS)
		pack_writer_head(&w, run->head);
	pack_writer_end(&w);
	return 0;
}

/*
 * Small runs make live packs. Alerts bring their heads along, since each entry has one; in another
 * lane a checkpoint of one entry ends what came before it, whose reader looks into the heads'
 * table.
 */
static uint8_t flags_of(const struct store_run *run)
{
	if (pack_size(run->entries.len, run->count, 1, PACK_HEADS) >= LIVE_PACK_MAX)
		return 0;
	return PACK_LIVE |
		(run->lane == FEED_LANE_ALERT && run->count == 1 && run->checkpoint ? PACK_HEADS : 0);
}

int store_put_packs(struct store_txn *txn, const struct store_run *run, struct feed_row *row,
	const struct hash *before, uint64_t arrival, bool live)
{
	uint8_t flags = flags_of(run) & (live ? 0xff : (uint8_t)~PACK_LIVE);
	struct hash prev = *before;
	uint32_t from = 0;
	while (from < run->count) {
		size_t len = run->index[from].length;
		uint32_t n = 1;
		while (from + n < run->count &&
			pack_size(len + run->index[from + n].length, n + 1, 1, flags) <= PACK_BYTES_MAX)
			len += run->index[from + n++].length;
		int r = put_pack(txn, run, row->feed, from, n, &prev, arrival, flags);
		if (r)
			return r;
		prev = run->index[from + n - 1].entry_hash;
		from += n;
	}
	if (!(flags & PACK_LIVE))
		return 0;
	if (!row->live_first)
		row->live_first = run->first_seq;
	row->live_bytes += (uint32_t)pack_size(run->entries.len, run->count, 1, flags);
	if (row->live_bytes < MERGE_BYTES)
		return 0;
	uint8_t key[KEY_FEED_SIZE];
	return engine_put_bytes(txn->t, TABLE_MERGE_DUE, key_feed(key, row->feed), bytes_of(NULL, 0));
}

/* The end of an epoch without a head, as store_cut leaves it. */
static int put_end(struct store_txn *txn, uint32_t feed, uint64_t seq)
{
	uint8_t key[KEY_SEQ_SIZE];
	return engine_put_bytes(txn->t, TABLE_HEADS, key_seq(key, feed, seq), bytes_of(NULL, 0));
}

static int put_head(struct store_txn *txn, uint32_t feed, uint64_t seq, const uint8_t *head)
{
	uint8_t key[KEY_SEQ_SIZE];
	return engine_put_bytes(
		txn->t, TABLE_HEADS, key_seq(key, feed, seq), bytes_of(head, STORE_HEAD_SIZE));
}

int store_put_run_end(
	struct store_txn *txn, uint32_t feed, const struct store_run *run, bool any_head)
{
	static const uint8_t none[STORE_HEAD_SIZE];
	uint64_t last_seq = run->first_seq + run->count - 1;
	if (run->by_cut)
		return put_end(txn, feed, last_seq);
	bool keep = run->checkpoint || (any_head && memcmp(run->head, none, sizeof none) != 0);
	return keep && !(flags_of(run) & PACK_HEADS) ? put_head(txn, feed, last_seq, run->head) : 0;
}

static void feed_advance(struct store_feed *feed, const struct store_run *run, uint64_t arrival)
{
	if (feed->seq == 0)
		feed->first_seq = run->first_seq;
	feed->epoch = run->epoch;
	feed->seq = run->first_seq + run->count - 1;
	feed->entry_hash = run->index[run->count - 1].entry_hash;
	feed->since_checkpoint_entries = run->since_checkpoint_entries;
	feed->since_checkpoint_bytes = run->since_checkpoint_bytes;
	feed->has_head = !run->by_cut;
	memset(feed->head, 0, STORE_HEAD_SIZE);
	if (feed->has_head)
		memcpy(feed->head, run->head, STORE_HEAD_SIZE);
	feed->arrival = arrival;
}

int store_add_run_arrival(
	struct store_txn *txn, const struct store_run *run, uint32_t feed, struct store_arrival *out)
{
	const struct hash *last_hash = &run->index[run->count - 1].entry_hash;
	uint64_t last_seq = run->first_seq + run->count - 1;
	struct arrival_row row = {
		.kind = STORE_ARRIVAL_RUN,
		.arrived = run->arrived,
		.source_city = run->source_city,
		.item_hash = *last_hash,
		.feed = feed,
		.first_seq = run->first_seq,
		.last_seq = last_seq,
	};
	txn->state.records += run->count;
	return store_add_arrival(txn, &row, &run->feed_id, last_seq, last_hash, out);
}

int store_put_run(struct store_txn *txn, const struct store_run *run, struct store_arrival *out)
{
	struct feed_row row;
	struct store_arrival arrival;
	bool is_new;
	ensure_or(store_run_check_index(run) == 0, ERROR_USAGE);
	int r = store_feed_or_new(
		txn, &run->network_id, &run->city_id, &run->feed_id, run->lane, &row, &is_new);
	if (!r)
		r = check_continues(run, &row.feed_state);
	if (r)
		return r;

	if (is_new)
		txn->state.feeds = row.feed;
	r = store_add_run_arrival(txn, run, row.feed, &arrival);
	/* The last head of an epoch is kept for ever, as a checkpoint is. */
	const struct store_feed *before = &row.feed_state;
	if (!r && before->seq && before->has_head && before->epoch != run->epoch)
		r = put_head(txn, row.feed, before->seq, before->head);
	if (!r)
		r = store_put_run_end(txn, row.feed, run, false);
	if (!r)
		r = store_put_packs(
			txn, run, &row, before->seq ? &before->entry_hash : &run->prev, arrival.arrival, true);
	if (!r) {
		feed_advance(&row.feed_state, run, arrival.arrival);
		r = store_feed_save(txn, &row, is_new);
	}
	if (r)
		return store_txn_fail(txn, r);
	if (out)
		*out = arrival;
	return 0;
}
