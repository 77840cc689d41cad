/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The older entries of a feed that begins above seq 1: filled in from 1 upward, docs/store.md. How
 * far they have come stands nowhere: the last pack below the feed's beginning says it.
 */
#include "base/check.h"
#include "store/store_internal.h"

int store_fill_state(struct engine_txn *t, struct feed_row *row)
{
	struct store_feed *feed = &row->feed_state;
	uint8_t key[KEY_SEQ_SIZE];
	struct bytes value;
	struct pack p;
	feed->fill_seq = 0;
	feed->fill_epoch = 0;
	feed->fill_hash = feed->first_prev = (struct hash){{0}};
	if (feed->first_seq <= 1)
		return 0;
	int r = store_find_pack(t, row->feed, feed->first_seq, &p);
	if (r)
		return r == ERROR_NOT_FOUND ? ERROR_CORRUPT : r;
	pack_prev(&p, 0, &feed->first_prev);
	key_seq(key, row->feed, feed->first_seq - 1);
	r = engine_seek_prefix(t, TABLE_PACKS, key, sizeof key, 4, ENGINE_AT_MOST, &value);
	if (r)
		return r == ERROR_NOT_FOUND ? 0 : r;
	r = pack_parse(value, get_u64(key + 4), &p);
	if (r)
		return r;
	feed->fill_seq = pack_last_seq(&p);
	feed->fill_epoch = p.epoch;
	pack_hash(&p, p.count - 1, &feed->fill_hash);
	return 0;
}

static int check_fills(const struct store_run *run, const struct store_feed *feed)
{
	uint64_t last = run->first_seq + run->count - 1;
	if (feed->first_seq <= 1 || run->first_seq != feed->fill_seq + 1 || last >= feed->first_seq)
		return ERROR_STATE;
	if (!hash_is_zero(&run->prev) && !hash_equal(&run->prev, &feed->fill_hash))
		return ERROR_CHAIN;
	return last + 1 == feed->first_seq &&
			!hash_equal(&run->index[run->count - 1].entry_hash, &feed->first_prev)
		? ERROR_CHAIN
		: 0;
}

/* The feed is whole: it begins at 1, and is told to the others anew. */
static void feed_is_whole(struct store_feed *feed, uint64_t arrival)
{
	feed->first_seq = 1;
	feed->arrival = arrival;
}

int store_put_fill(struct store_txn *txn, const struct store_run *run, struct store_arrival *out)
{
	struct feed_row row;
	struct store_arrival arrival;
	ensure_or(store_run_check_index(run) == 0, ERROR_USAGE);
	int r = feed_row_find(txn->t, &run->feed_id, &row);
	if (!r)
		r = store_fill_state(txn->t, &row);
	if (!r)
		r = check_fills(run, &row.feed_state);
	if (r)
		return r == ERROR_NOT_FOUND ? ERROR_STATE : r;

	r = store_add_run_arrival(txn, run, row.feed, &arrival);
	if (!r)
		r = store_put_run_end(txn, row.feed, run, true);
	if (!r)
		r = store_put_packs(txn, run, &row, &row.feed_state.fill_hash, arrival.arrival, false);
	if (!r && run->first_seq + run->count == row.feed_state.first_seq) {
		feed_is_whole(&row.feed_state, arrival.arrival);
		r = store_feed_save(txn, &row, false);
	}
	if (r)
		return store_txn_fail(txn, r);
	if (out)
		*out = arrival;
	return 0;
}

int store_tell_again(struct store_txn *txn, const struct hash *feed_id, uint64_t first_seq,
	struct timestamp now, struct store_arrival *out)
{
	struct feed_row row;
	struct store_arrival arrival;
	int r = feed_row_find(txn->t, feed_id, &row);
	if (!r)
		r = store_fill_state(txn->t, &row);
	if (r)
		return r;
	struct store_feed *feed = &row.feed_state;
	if (first_seq == 0 || first_seq > feed->seq)
		return ERROR_NOT_FOUND;
	struct arrival_row again = {
		.kind = STORE_ARRIVAL_RUN,
		.arrived = now,
		.item_hash = feed->entry_hash,
		.feed = row.feed,
		.first_seq = first_seq,
		.last_seq = feed->seq,
	};
	r = store_add_arrival(txn, &again, feed_id, feed->seq, &feed->entry_hash, &arrival);
	feed->arrival = arrival.arrival;
	if (!r)
		r = store_feed_save(txn, &row, false);
	if (!r && out)
		*out = arrival;
	return store_txn_fail(txn, r);
}
