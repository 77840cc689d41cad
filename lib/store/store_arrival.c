/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the arrival index; entries set aside ahead of a gap. */
#include "base/check.h"
#include "store/store_internal.h"

struct arrival_walk {
	struct engine_txn *t;
	store_arrival_fn *fn;
	void *ctx;
	uint32_t left;
	struct feed_row feed; /* of the row before: runs of one feed often come together */
};

/* Ends a walk whose limit is met; not an error code. */
#define WALK_ENOUGH 1

static int on_arrival_row(void *ctx, struct bytes key, struct bytes value)
{
	struct arrival_walk *w = ctx;
	struct arrival_row row;
	int r = arrival_row_parse(value, &row);
	if (r || row.kind == 0)
		return r;
	if (w->left-- == 0)
		return WALK_ENOUGH;
	struct store_arrival_row out = {
		.arrival = {.arrival = get_u64(key.data)},
		.kind = (enum store_arrival_kind)row.kind,
		.network_id = row.network_id,
		.city_id = row.city_id,
		.object_type = row.object_type,
		.first_seq = row.first_seq,
		.last_seq = row.last_seq,
		.item_hash = row.item_hash,
		.source_city = row.source_city,
		.arrived = row.arrived,
	};
	memcpy(out.arrival.rolling, row.rolling, STORE_ROLLING_SIZE);
	if (row.feed) {
		if (w->feed.feed != row.feed)
			r = feed_row_get(w->t, row.feed, &w->feed);
		if (r)
			return ERROR_CORRUPT;
		out.network_id = w->feed.feed_state.network_id;
		out.city_id = w->feed.feed_state.city_id;
		out.feed_id = w->feed.feed_state.feed_id;
		out.lane = w->feed.feed_state.lane;
	}
	return w->fn(w->ctx, &out);
}

int store_each_arrival(
	struct store *store, uint64_t from_arrival, uint32_t limit, store_arrival_fn *fn, void *ctx)
{
	uint8_t key[KEY_ARRIVAL_SIZE];
	struct arrival_walk walk = {.fn = fn, .ctx = ctx, .left = limit};
	if (limit == 0)
		return 0;
	int r = store_read_begin(store, &walk.t);
	if (r)
		return r;
	key_arrival(key, from_arrival);
	r = engine_walk(walk.t, TABLE_ARRIVALS, key, sizeof key, 0, on_arrival_row, &walk);
	store_read_end(walk.t);
	return r == WALK_ENOUGH && walk.left == UINT32_MAX ? 0 : r;
}

int store_rolling_at(struct store *store, uint64_t arrival, uint8_t out[static STORE_ROLLING_SIZE])
{
	struct engine_txn *t;
	struct arrival_row row;
	memset(out, 0, STORE_ROLLING_SIZE);
	if (arrival == 0)
		return 0;
	int r = store_read_begin(store, &t);
	if (r)
		return r;
	r = arrival_row_get(t, arrival, &row);
	if (!r)
		memcpy(out, row.rolling, STORE_ROLLING_SIZE);
	store_read_end(t);
	return r;
}

int store_put_gap(struct store_txn *txn, const struct store_gap *gap, struct store_arrival *out)
{
	struct feed_row feed;
	struct bytes value;
	struct store_arrival arrival;
	uint8_t key[KEY_ASIDE_SIZE];
	bool is_new;
	ensure_or(gap->wire.len > 0 && gap->seq > 0, ERROR_USAGE);
	int r = store_feed_or_new(
		txn, &gap->network_id, &gap->city_id, &gap->feed_id, gap->lane, &feed, &is_new);
	if (r)
		return r;
	key_aside(key, feed.feed, gap->seq, &gap->entry_hash);
	r = engine_get(txn->t, TABLE_GAPS, bytes_of(key, sizeof key), &value);
	if (r != ERROR_NOT_FOUND)
		return r ? r : ERROR_EXISTS;
	ensure_or(feed.feed_state.gaps < STORE_GAPS_MAX, ERROR_LIMIT);

	struct arrival_row row = {
		.kind = STORE_ARRIVAL_GAP,
		.arrived = gap->arrived,
		.source_city = gap->source_city,
		.item_hash = gap->entry_hash,
		.feed = feed.feed,
		.first_seq = gap->seq,
		.last_seq = gap->seq,
	};
	if (is_new)
		txn->state.feeds = feed.feed;
	r = store_add_arrival(txn, &row, &gap->feed_id, gap->seq, &gap->entry_hash, &arrival);
	if (r)
		return r;
	struct aside_row aside = {
		.seq = gap->seq,
		.entry_hash = gap->entry_hash,
		.epoch = gap->epoch,
		.arrival = arrival.arrival,
		.arrived = gap->arrived,
		.source_city = gap->source_city,
		.prev = gap->prev,
		.has_head = true,
		.head_seq = gap->seq,
		.wire = gap->wire,
	};
	memcpy(aside.head, gap->head, STORE_HEAD_SIZE);
	r = aside_row_put(txn->t, TABLE_GAPS, feed.feed, &aside);
	feed.feed_state.gaps++;
	if (!r)
		r = store_feed_save(txn, &feed, is_new);
	if (!r && out)
		*out = arrival;
	return store_txn_fail(txn, r);
}

int store_drop_gap(
	struct store_txn *txn, const struct hash *feed_id, uint64_t seq, const struct hash *entry_hash)
{
	struct feed_row feed;
	uint8_t key[KEY_ASIDE_SIZE];
	int r = feed_row_find(txn->t, feed_id, &feed);
	if (!r)
		r = engine_drop(txn->t, TABLE_GAPS, key_aside(key, feed.feed, seq, entry_hash));
	if (r)
		return r;
	if (feed.feed_state.gaps == 0)
		return store_txn_fail(txn, ERROR_CORRUPT);
	feed.feed_state.gaps--;
	return store_feed_save(txn, &feed, false);
}

struct gap_walk {
	struct engine_txn *t;
	store_gap_fn *fn;
	void *ctx;
	struct feed_row feed;
};

static int on_gap_row(void *ctx, struct bytes key, struct bytes value)
{
	struct gap_walk *w = ctx;
	struct aside_row aside;
	struct arrival_row arrival;
	uint32_t feed = get_u32(key.data);
	int r = aside_row_parse(key, value, &aside);
	if (!r && w->feed.feed != feed)
		r = feed_row_get(w->t, feed, &w->feed);
	if (!r)
		r = arrival_row_get(w->t, aside.arrival, &arrival);
	if (r)
		return ERROR_CORRUPT;
	struct store_gap gap = {
		.network_id = w->feed.feed_state.network_id,
		.city_id = w->feed.feed_state.city_id,
		.feed_id = w->feed.feed_state.feed_id,
		.lane = w->feed.feed_state.lane,
		.epoch = aside.epoch,
		.seq = aside.seq,
		.entry_hash = aside.entry_hash,
		.prev = aside.prev,
		.wire = aside.wire,
		.source_city = aside.source_city,
		.arrived = aside.arrived,
		.arrival = {.arrival = aside.arrival},
	};
	memcpy(gap.head, aside.head, STORE_HEAD_SIZE);
	memcpy(gap.arrival.rolling, arrival.rolling, STORE_ROLLING_SIZE);
	return w->fn(w->ctx, &gap);
}

int store_each_gap(struct store *store, const struct hash *feed_id, store_gap_fn *fn, void *ctx)
{
	uint8_t key[KEY_ASIDE_SIZE] = {0};
	struct gap_walk walk = {.fn = fn, .ctx = ctx};
	int r = store_read_begin(store, &walk.t);
	if (r)
		return r;
	size_t prefix = 0;
	if (feed_id) {
		r = feed_row_find(walk.t, feed_id, &walk.feed);
		put_u32(key, walk.feed.feed);
		prefix = 4;
	}
	if (!r)
		r = engine_walk(walk.t, TABLE_GAPS, key, sizeof key, prefix, on_gap_row, &walk);
	else if (r == ERROR_NOT_FOUND)
		r = 0;
	store_read_end(walk.t);
	return r;
}
