/* SPDX-License-Identifier: Apache-2.0 */
/* Reading feeds, runs and entries. */
#include "base/check.h"
#include "store/store_internal.h"

/* Packs that are asked of the disk at once: this read's, and those of one more. */
#define PACKS_AHEAD (2 * STORE_READ_BYTES_MAX / PACK_BYTES_MAX)
/* Smaller ones lie in one page, or beside others: asking ahead would cost more than it brings. */
#define PACK_AHEAD_BYTES_MIN 4096

int store_find_pack(struct engine_txn *t, uint32_t feed, uint64_t seq, struct pack *out)
{
	uint8_t key[KEY_SEQ_SIZE];
	struct bytes value;
	key_seq(key, feed, seq);
	int r = engine_seek_prefix(t, TABLE_PACKS, key, sizeof key, 4, ENGINE_AT_MOST, &value);
	if (!r)
		r = pack_parse(value, get_u64(key + 4), out);
	if (!r && pack_last_seq(out) < seq)
		r = ERROR_NOT_FOUND;
	return r;
}

int store_find_head(struct engine_txn *t, const struct feed_row *row, const struct pack *p,
	uint32_t i, uint64_t *head_seq, bool *has_head, uint8_t head[static STORE_HEAD_SIZE])
{
	const struct store_feed *feed = &row->feed_state;
	uint8_t key[KEY_SEQ_SIZE];
	struct bytes value;
	uint64_t seq = p->first_seq + i;
	const uint8_t *own = pack_head(p, i);
	if (own) {
		*head_seq = seq;
		*has_head = true;
		memcpy(head, own, STORE_HEAD_SIZE);
		return 0;
	}
	key_seq(key, row->feed, seq);
	int r = engine_seek_prefix(t, TABLE_HEADS, key, sizeof key, 4, ENGINE_AT_LEAST, &value);
	if (r == ERROR_NOT_FOUND) {
		*head_seq = feed->seq;
		*has_head = feed->has_head;
		memcpy(head, feed->head, STORE_HEAD_SIZE);
		return 0;
	}
	if (r)
		return r;
	*head_seq = get_u64(key + 4);
	*has_head = value.len == STORE_HEAD_SIZE;
	memset(head, 0, STORE_HEAD_SIZE);
	if (*has_head)
		memcpy(head, value.data, STORE_HEAD_SIZE);
	else if (value.len)
		return ERROR_CORRUPT;
	return 0;
}

struct feed_walk {
	struct engine_txn *t;
	store_feed_fn *fn;
	void *ctx;
};

static int on_feed_row(void *ctx, struct bytes key, struct bytes value)
{
	struct feed_walk *w = ctx;
	struct feed_row row;
	int r = feed_row_parse(key, value, &row);
	if (!r)
		r = store_fill_state(w->t, &row);
	return r ? r : w->fn(w->ctx, &row.feed_state);
}

int store_each_feed(struct store *store, store_feed_fn *fn, void *ctx)
{
	struct engine_txn *t;
	struct feed_walk walk = {.fn = fn, .ctx = ctx};
	uint8_t key[KEY_FEED_SIZE] = {0};
	int r = store_read_begin(store, &t);
	if (r)
		return r;
	walk.t = t;
	r = engine_walk(t, TABLE_FEEDS, key, sizeof key, 0, on_feed_row, &walk);
	store_read_end(t);
	return r;
}

int store_read_feed(struct store *store, const struct hash *feed_id, struct store_feed *out)
{
	struct engine_txn *t;
	struct feed_row row;
	int r = store_read_begin(store, &t);
	if (r)
		return r;
	r = feed_row_find(t, feed_id, &row);
	if (!r)
		r = store_fill_state(t, &row);
	if (!r)
		*out = row.feed_state;
	store_read_end(t);
	return r;
}

/* How many entries from `i` on fit into `room`; at least one if `first`. */
static uint32_t fitting(const struct pack *p, uint32_t i, uint32_t most, size_t room, bool first)
{
	uint32_t n = 0;
	while (n < most && pack_wires(p, i, n + 1).len <= room)
		n++;
	return n == 0 && first ? 1 : n;
}

static int read_run(struct engine_txn *t, const struct feed_row *row, size_t room,
	struct buffer *out, struct store_slice *slice)
{
	while (slice->next_seq <= slice->head_seq) {
		struct pack p;
		int r = store_find_pack(t, row->feed, slice->next_seq, &p);
		if (r)
			return r == ERROR_NOT_FOUND ? ERROR_CORRUPT : r;
		uint32_t i = (uint32_t)(slice->next_seq - p.first_seq);
		bool first = slice->next_seq == slice->first_seq;
		if (first) {
			pack_prev(&p, i, &slice->prev);
			slice->epoch = p.epoch;
		}
		uint64_t wanted = slice->head_seq - slice->next_seq + 1;
		uint32_t most = p.count - i;
		if (wanted < most)
			most = (uint32_t)wanted;
		uint32_t n = fitting(&p, i, most, room, first);
		if (n == 0)
			return 0;
		struct bytes wires = pack_wires(&p, i, n);
		if (buffer_push_bytes(out, wires))
			return out->error;
		slice->next_seq += n;
		if (n < most || wires.len >= room)
			return 0;
		room -= wires.len;
	}
	return 0;
}

/*
 * Seeking a pack asks the disk for it (engine.h). Those after it are sought before the first is
 * touched, so that a cold archive is read side by side, and while what came before is sent.
 */
static void ask_ahead(struct engine_txn *t, uint32_t feed, uint64_t seq)
{
	uint8_t key[KEY_SEQ_SIZE];
	struct bytes value;
	for (unsigned i = 0; i < PACKS_AHEAD; i++) {
		key_seq(key, feed, seq + 1);
		if (engine_seek_prefix(t, TABLE_PACKS, key, sizeof key, 4, ENGINE_AT_LEAST, &value) ||
			value.len < PACK_AHEAD_BYTES_MIN)
			return;
		seq = get_u64(key + 4);
	}
}

int store_read_run(struct store *store, const struct hash *feed_id, uint64_t first_seq,
	size_t max_bytes, struct buffer *out, struct store_slice *slice)
{
	struct engine_txn *t;
	struct feed_row row;
	struct pack p;
	size_t before = out->len;
	int r = store_read_begin(store, &t);
	if (r)
		return r;
	*slice = (struct store_slice){.first_seq = first_seq, .next_seq = first_seq};
	r = feed_row_find(t, feed_id, &row);
	if (!r &&
		(row.feed_state.seq == 0 || first_seq < row.feed_state.first_seq ||
			first_seq > row.feed_state.seq))
		r = ERROR_NOT_FOUND;
	if (!r)
		ask_ahead(t, row.feed, first_seq);
	if (!r)
		r = store_find_pack(t, row.feed, first_seq, &p);
	if (!r)
		r = store_find_head(t, &row, &p, (uint32_t)(first_seq - p.first_seq), &slice->head_seq,
			&slice->has_head, slice->head);
	if (!r)
		r = read_run(t, &row, max_bytes < STORE_READ_BYTES_MAX ? max_bytes : STORE_READ_BYTES_MAX,
			out, slice);
	store_read_end(t);
	if (r) {
		if (out->len > before)
			buffer_truncate(out, before);
		return r;
	}
	slice->head_reached = slice->next_seq == slice->head_seq + 1;
	return 0;
}

static void entry_of_pack(
	const struct pack *p, uint32_t i, const struct hash *feed_id, struct store_entry *out)
{
	*out = (struct store_entry){
		.feed_id = *feed_id,
		.seq = p->first_seq + i,
		.epoch = p->epoch,
		.wire = pack_wire(p, i),
		.arrival = pack_arrival(p, i),
	};
	pack_hash(p, i, &out->entry_hash);
	pack_prev(p, i, &out->prev);
}

int store_read_entry(
	struct store *store, const struct hash *feed_id, uint64_t seq, store_entry_fn *fn, void *ctx)
{
	struct engine_txn *t;
	struct feed_row row;
	struct pack p;
	struct arrival_row arrival;
	struct store_entry entry;
	int r = store_read_begin(store, &t);
	if (r)
		return r;
	r = feed_row_find(t, feed_id, &row);
	if (!r)
		r = seq > row.feed_state.seq ? ERROR_NOT_FOUND : store_find_pack(t, row.feed, seq, &p);
	if (!r) {
		entry_of_pack(&p, (uint32_t)(seq - p.first_seq), feed_id, &entry);
		r = arrival_row_get(t, entry.arrival, &arrival);
		if (r == ERROR_NOT_FOUND)
			r = ERROR_CORRUPT;
	}
	if (!r) {
		entry.arrived = arrival.arrived;
		entry.source_city = arrival.source_city;
		r = store_find_head(t, &row, &p, (uint32_t)(seq - p.first_seq), &entry.head_seq,
			&entry.has_head, entry.head);
	}
	if (!r)
		r = fn(ctx, &entry);
	store_read_end(t);
	return r;
}

static int take_hash(void *ctx, const struct store_entry *entry)
{
	*(struct hash *)ctx = entry->entry_hash;
	return 0;
}

int store_entry_hash(
	struct store *store, const struct hash *feed_id, uint64_t seq, struct hash *out)
{
	return store_read_entry(store, feed_id, seq, take_hash, out);
}

struct scan {
	const struct hash *feed_id;
	uint32_t feed;
	uint64_t seq, low, high;     /* the next entry; the feed's bounds; seq 0: done */
	uint64_t hole_from, hole_to; /* entries that are not held yet, docs/store.md; 0: none */
	bool descending;
	uint32_t left;
	size_t room;
	bool any;
	store_entry_fn *fn;
	void *ctx;
};

static void over_hole(struct scan *s)
{
	if (s->hole_to && s->seq >= s->hole_from && s->seq <= s->hole_to)
		s->seq = s->descending ? s->hole_from - 1 : s->hole_to + 1;
}

/* Entries of one pack; *full: a limit was met. */
static int scan_pack(struct scan *s, const struct pack *p, bool *full)
{
	while (s->seq >= p->first_seq && s->seq <= pack_last_seq(p)) {
		struct store_entry entry;
		entry_of_pack(p, (uint32_t)(s->seq - p->first_seq), s->feed_id, &entry);
		*full = s->left == 0 || (s->any && entry.wire.len > s->room);
		if (*full)
			return 0;
		int r = s->fn(s->ctx, &entry);
		if (r)
			return r;
		s->any = true;
		s->left--;
		s->room -= entry.wire.len < s->room ? entry.wire.len : s->room;
		bool last = s->seq == (s->descending ? s->low : s->high);
		s->seq = last ? 0 : s->descending ? s->seq - 1 : s->seq + 1;
		over_hole(s);
		if (last)
			return 0;
	}
	return 0;
}

int store_scan(struct store *store, const struct hash *feed_id, uint64_t from_seq, bool descending,
	uint32_t max_entries, size_t max_bytes, store_entry_fn *fn, void *ctx, uint64_t *next_seq)
{
	struct engine_txn *t;
	struct feed_row row;
	struct scan s = {.feed_id = feed_id,
		.descending = descending,
		.left = max_entries,
		.room = max_bytes < STORE_READ_BYTES_MAX ? max_bytes : STORE_READ_BYTES_MAX,
		.fn = fn,
		.ctx = ctx};
	bool full = false;
	int r = store_read_begin(store, &t);
	if (r)
		return r;
	r = feed_row_find(t, feed_id, &row);
	if (r == ERROR_NOT_FOUND) {
		r = 0;
	} else if (!r && !(r = store_fill_state(t, &row)) && row.feed_state.seq) {
		s.feed = row.feed;
		s.low = row.feed_state.first_seq;
		s.high = row.feed_state.seq;
		if (row.feed_state.fill_seq) {
			s.hole_from = row.feed_state.fill_seq + 1;
			s.hole_to = s.low - 1;
			s.low = 1;
		}
		s.seq = from_seq;
		if (descending && (s.seq == 0 || s.seq > s.high))
			s.seq = s.high;
		if (!descending && s.seq < s.low)
			s.seq = s.low;
		if (s.seq < s.low || s.seq > s.high)
			s.seq = 0;
		over_hole(&s);
	}
	while (!r && s.seq && !full) {
		struct pack p;
		r = store_find_pack(t, s.feed, s.seq, &p);
		if (r == ERROR_NOT_FOUND)
			r = ERROR_CORRUPT;
		if (!r)
			r = scan_pack(&s, &p, &full);
	}
	store_read_end(t);
	if (next_seq)
		*next_seq = s.seq;
	return r;
}

struct disowned_walk {
	const struct hash *feed_id;
	store_entry_fn *fn;
	void *ctx;
};

static int on_disowned_row(void *ctx, struct bytes key, struct bytes value)
{
	struct disowned_walk *w = ctx;
	struct aside_row aside;
	int r = aside_row_parse(key, value, &aside);
	if (r)
		return r;
	struct store_entry entry = {
		.feed_id = *w->feed_id,
		.seq = aside.seq,
		.epoch = aside.epoch,
		.entry_hash = aside.entry_hash,
		.prev = aside.prev,
		.wire = aside.wire,
		.arrival = aside.arrival,
		.arrived = aside.arrived,
		.source_city = aside.source_city,
		.has_head = aside.has_head,
		.head_seq = aside.head_seq,
	};
	memcpy(entry.head, aside.head, STORE_HEAD_SIZE);
	return w->fn(w->ctx, &entry);
}

int store_each_disowned(struct store *store, const struct hash *feed_id, uint64_t from_seq,
	store_entry_fn *fn, void *ctx)
{
	struct engine_txn *t;
	struct feed_row row;
	struct disowned_walk walk = {.feed_id = feed_id, .fn = fn, .ctx = ctx};
	uint8_t key[KEY_ASIDE_SIZE];
	int r = store_read_begin(store, &t);
	if (r)
		return r;
	r = feed_row_find(t, feed_id, &row);
	if (!r) {
		key_aside(key, row.feed, from_seq, &(struct hash){{0}});
		r = engine_walk(t, TABLE_DISOWNED, key, sizeof key, 4, on_disowned_row, &walk);
	} else if (r == ERROR_NOT_FOUND) {
		r = 0;
	}
	store_read_end(t);
	return r;
}
