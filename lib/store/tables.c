/* SPDX-License-Identifier: Apache-2.0 */
#include "store/tables.h"

#include "base/check.h"

#define META_SIZE 40 /* some of it is room for later */
#define FEED_ROW_SIZE 379
#define ASIDE_FIXED_SIZE 302
#define ARRIVAL_HAS_SOURCE 0x80
#define ARRIVAL_ROW_MAX 172

/* Writing fields one after another into a place of known size. */
struct row_writer {
	uint8_t *to;
	size_t at;
};

static void row_u8(struct row_writer *w, uint8_t v)
{
	w->to[w->at++] = v;
}

static void row_u32(struct row_writer *w, uint32_t v)
{
	put_u32(w->to + w->at, v);
	w->at += 4;
}

static void row_u64(struct row_writer *w, uint64_t v)
{
	put_u64(w->to + w->at, v);
	w->at += 8;
}

static void row_copy(struct row_writer *w, const void *from, size_t len)
{
	if (len)
		memcpy(w->to + w->at, from, len);
	w->at += len;
}

static void row_hash(struct row_writer *w, const struct hash *h)
{
	row_copy(w, h->bytes, HASH_SIZE);
}

static void read_hash(struct cursor *c, struct hash *out)
{
	cursor_copy(c, out->bytes, HASH_SIZE);
}

static int read_end(struct cursor *c)
{
	return cursor_end(c) ? ERROR_CORRUPT : 0;
}

static const uint8_t meta_key[1] = {'m'};

int meta_row_get(struct engine_txn *t, struct meta_row *out)
{
	struct bytes value;
	*out = (struct meta_row){0};
	int r = engine_get(t, TABLE_META, bytes_of(meta_key, 1), &value);
	if (r)
		return r;
	struct cursor c = cursor_init(value);
	out->schema = cursor_u32(&c);
	if (c.error)
		return ERROR_CORRUPT;
	if (out->schema != STORE_SCHEMA)
		return ERROR_VERSION;
	cursor_copy(&c, out->store_epoch, STORE_EPOCH_SIZE);
	cursor_bytes(&c, 28);
	return read_end(&c);
}

int meta_row_put(struct engine_txn *t, const struct meta_row *row)
{
	struct row_writer w = {0};
	int r = engine_put(t, TABLE_META, bytes_of(meta_key, 1), META_SIZE, &w.to);
	if (r)
		return r;
	row_u32(&w, row->schema);
	row_copy(&w, row->store_epoch, STORE_EPOCH_SIZE);
	row_copy(&w, (uint8_t[28]){0}, 28);
	require(w.at == META_SIZE);
	return 0;
}

int state_get(struct engine_txn *t, struct state *out)
{
	uint8_t key[KEY_ARRIVAL_SIZE];
	struct bytes value;
	struct arrival_row row;
	*out = (struct state){0};
	key_arrival(key, UINT64_MAX);
	int r = engine_seek_prefix(t, TABLE_ARRIVALS, key, sizeof key, 0, ENGINE_AT_MOST, &value);
	if (r)
		return r == ERROR_NOT_FOUND ? 0 : r;
	r = arrival_row_parse(value, &row);
	if (r)
		return r;
	out->newest.arrival = get_u64(key);
	memcpy(out->newest.rolling, row.rolling, STORE_ROLLING_SIZE);
	out->records = row.records;
	out->feeds = row.feeds;
	return 0;
}

int feed_row_parse(struct bytes key, struct bytes value, struct feed_row *out)
{
	struct store_feed *f = &out->feed_state;
	if (key.len != KEY_FEED_SIZE)
		return ERROR_CORRUPT;
	out->feed = get_u32(key.data);
	struct cursor c = cursor_init(value);
	read_hash(&c, &f->network_id);
	read_hash(&c, &f->city_id);
	read_hash(&c, &f->feed_id);
	f->lane = cursor_u8(&c);
	f->epoch = cursor_u32(&c);
	f->first_seq = cursor_u64(&c);
	f->seq = cursor_u64(&c);
	read_hash(&c, &f->entry_hash);
	f->since_checkpoint_entries = cursor_u32(&c);
	f->since_checkpoint_bytes = cursor_u64(&c);
	f->has_head = cursor_u8(&c) != 0;
	cursor_copy(&c, f->head, STORE_HEAD_SIZE);
	f->arrival = cursor_u64(&c);
	f->gaps = cursor_u32(&c);
	out->live_first = cursor_u64(&c);
	out->live_bytes = cursor_u32(&c);
	cursor_bytes(&c, 12);
	return read_end(&c);
}

int feed_row_get(struct engine_txn *t, uint32_t feed, struct feed_row *out)
{
	uint8_t key[KEY_FEED_SIZE];
	struct bytes value;
	int r = engine_get(t, TABLE_FEEDS, key_feed(key, feed), &value);
	return r ? r : feed_row_parse(bytes_of(key, sizeof key), value, out);
}

int feed_row_find(struct engine_txn *t, const struct hash *feed_id, struct feed_row *out)
{
	struct bytes number;
	int r = engine_get(t, TABLE_FEED_IDS, hash_bytes(feed_id), &number);
	if (r)
		return r;
	if (number.len != 4)
		return ERROR_CORRUPT;
	r = feed_row_get(t, get_u32(number.data), out);
	return r == ERROR_NOT_FOUND ? ERROR_CORRUPT : r;
}

int feed_row_put(struct engine_txn *t, const struct feed_row *row)
{
	const struct store_feed *f = &row->feed_state;
	uint8_t key[KEY_FEED_SIZE];
	struct row_writer w = {0};
	int r = engine_put(t, TABLE_FEEDS, key_feed(key, row->feed), FEED_ROW_SIZE, &w.to);
	if (r)
		return r;
	row_hash(&w, &f->network_id);
	row_hash(&w, &f->city_id);
	row_hash(&w, &f->feed_id);
	row_u8(&w, f->lane);
	row_u32(&w, f->epoch);
	row_u64(&w, f->first_seq);
	row_u64(&w, f->seq);
	row_hash(&w, &f->entry_hash);
	row_u32(&w, f->since_checkpoint_entries);
	row_u64(&w, f->since_checkpoint_bytes);
	row_u8(&w, f->has_head);
	row_copy(&w, f->head, STORE_HEAD_SIZE);
	row_u64(&w, f->arrival);
	row_u32(&w, f->gaps);
	row_u64(&w, row->live_first);
	row_u32(&w, row->live_bytes);
	row_copy(&w, (uint8_t[12]){0}, 12); /* room for what a later hansad keeps of a feed */
	require(w.at == FEED_ROW_SIZE);
	return 0;
}

int aside_row_parse(struct bytes key, struct bytes value, struct aside_row *out)
{
	if (key.len != KEY_ASIDE_SIZE)
		return ERROR_CORRUPT;
	out->seq = get_u64(key.data + 4);
	memcpy(out->entry_hash.bytes, key.data + KEY_SEQ_SIZE, HASH_SIZE);
	struct cursor c = cursor_init(value);
	out->epoch = cursor_u32(&c);
	out->arrival = cursor_u64(&c);
	out->arrived.ms = (int64_t)cursor_u64(&c);
	read_hash(&c, &out->source_city);
	read_hash(&c, &out->prev);
	out->has_head = cursor_u8(&c) != 0;
	out->head_seq = cursor_u64(&c);
	cursor_copy(&c, out->head, STORE_HEAD_SIZE);
	cursor_bytes(&c, 28);
	out->wire = cursor_bytes(&c, cursor_left(&c));
	return read_end(&c);
}

int aside_row_put(
	struct engine_txn *t, enum table table, uint32_t feed, const struct aside_row *row)
{
	uint8_t key[KEY_ASIDE_SIZE];
	struct row_writer w = {0};
	int r = engine_put(t, table, key_aside(key, feed, row->seq, &row->entry_hash),
		ASIDE_FIXED_SIZE + row->wire.len, &w.to);
	if (r)
		return r;
	row_u32(&w, row->epoch);
	row_u64(&w, row->arrival);
	row_u64(&w, (uint64_t)row->arrived.ms);
	row_hash(&w, &row->source_city);
	row_hash(&w, &row->prev);
	row_u8(&w, row->has_head);
	row_u64(&w, row->head_seq);
	row_copy(&w, row->head, STORE_HEAD_SIZE);
	row_copy(&w, (uint8_t[28]){0}, 28);
	require(w.at == ASIDE_FIXED_SIZE);
	row_copy(&w, row->wire.data, row->wire.len);
	return 0;
}

static bool of_feed(uint8_t kind)
{
	return kind == STORE_ARRIVAL_RUN || kind == STORE_ARRIVAL_GAP || kind == STORE_ARRIVAL_CUT ||
		kind == STORE_ARRIVAL_PURGE;
}

int arrival_row_parse(struct bytes value, struct arrival_row *out)
{
	*out = (struct arrival_row){0};
	struct cursor c = cursor_init(value);
	uint8_t kind = cursor_u8(&c);
	out->kind = kind & (uint8_t)~ARRIVAL_HAS_SOURCE;
	cursor_copy(&c, out->rolling, STORE_ROLLING_SIZE);
	out->records = cursor_u64(&c);
	out->feeds = cursor_u32(&c);
	if (out->kind == 0)
		return read_end(&c);
	out->arrived.ms = (int64_t)cursor_u64(&c);
	read_hash(&c, &out->item_hash);
	if (of_feed(out->kind)) {
		out->feed = cursor_u32(&c);
		out->first_seq = cursor_u64(&c);
		out->last_seq = cursor_u64(&c);
	} else {
		read_hash(&c, &out->network_id);
	}
	if (out->kind == STORE_ARRIVAL_OBJECT) {
		out->object_type = cursor_u8(&c);
		read_hash(&c, &out->city_id);
	}
	if (kind & ARRIVAL_HAS_SOURCE)
		read_hash(&c, &out->source_city);
	return read_end(&c);
}

int arrival_row_get(struct engine_txn *t, uint64_t arrival, struct arrival_row *out)
{
	uint8_t key[KEY_ARRIVAL_SIZE];
	struct bytes value;
	int r = engine_get(t, TABLE_ARRIVALS, key_arrival(key, arrival), &value);
	return r ? r : arrival_row_parse(value, out);
}

int arrival_row_put(struct engine_txn *t, uint64_t arrival, const struct arrival_row *row)
{
	uint8_t key[KEY_ARRIVAL_SIZE], bytes[ARRIVAL_ROW_MAX];
	struct row_writer w = {.to = bytes};
	bool source = row->kind && !hash_is_zero(&row->source_city);
	row_u8(&w, (uint8_t)(row->kind | (source ? ARRIVAL_HAS_SOURCE : 0)));
	row_copy(&w, row->rolling, STORE_ROLLING_SIZE);
	row_u64(&w, row->records);
	row_u32(&w, row->feeds);
	if (row->kind) {
		row_u64(&w, (uint64_t)row->arrived.ms);
		row_hash(&w, &row->item_hash);
		if (of_feed(row->kind)) {
			row_u32(&w, row->feed);
			row_u64(&w, row->first_seq);
			row_u64(&w, row->last_seq);
		} else {
			row_hash(&w, &row->network_id);
		}
		if (row->kind == STORE_ARRIVAL_OBJECT) {
			row_u8(&w, row->object_type);
			row_hash(&w, &row->city_id);
		}
		if (source)
			row_hash(&w, &row->source_city);
	}
	require(w.at <= ARRIVAL_ROW_MAX);
	return engine_put_bytes(t, TABLE_ARRIVALS, key_arrival(key, arrival), bytes_of(bytes, w.at));
}
