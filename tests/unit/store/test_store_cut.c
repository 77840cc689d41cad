/* SPDX-License-Identifier: Apache-2.0 */
/* What changes entries that are stored: merges, cuts, purges. */
#include "tests/unit/store/fixture.h"

#define NOW ((struct timestamp){1800000000000})

static void merge_all(struct store *store)
{
	struct store_txn *txn;
	bool left = true;
	while (left) {
		ok(store_begin(store, &txn));
		ok(store_merge(txn, 100000, &left));
		ok(store_commit(txn));
	}
}

static void cut(struct store *store, const struct origin *o, uint64_t seq, const struct hash *hash,
	uint64_t expected)
{
	struct hash id = origin_feed_id(o);
	struct store_txn *txn;
	uint64_t disowned;
	struct store_arrival arrival;
	ok(store_begin(store, &txn));
	ok(store_cut(txn, &id, seq, hash, NOW, &disowned, &arrival));
	assert_int_equal(disowned, expected);
	assert_true((arrival.arrival != 0) == (expected != 0));
	ok(store_commit(txn));
}

static int on_entry_arrival(void *ctx, const struct store_entry *e)
{
	*(uint64_t *)ctx = e->arrival;
	return 0;
}

static void test_merge_keeps_everything(void **state)
{
	struct fixture *f = *state;
	struct origin a = {.number = 1, .lane = 1, .epoch = 1, .size = 400};
	struct origin b = {.number = 2, .lane = 1, .epoch = 1, .size = 3000};
	struct hash id = origin_feed_id(&a);
	struct store_info before, after;
	uint64_t arrivals[500];
	for (int i = 0; i < 499; i++) {
		arrivals[i] = origin_commit(&a, f->store, 1, true).arrival;
		if (i == 200)
			origin_commit(&b, f->store, 20, true); /* a bulk run's packs are left alone */
		if (i % 7 == 0)
			origin_commit(&b, f->store, 2, true);
		if (i == 333)
			a.epoch++;
		if (i == 250)
			merge_all(f->store);
	}
	ok(store_info(f->store, &before));
	merge_all(f->store);
	fixture_restart(f);
	ok(store_info(f->store, &after));
	assert_int_equal(before.records, after.records);
	assert_int_equal(before.newest.arrival, after.newest.arrival);
	assert_int_equal(check_feed(f->store, &a), 499);
	assert_int_equal(check_feed(f->store, &b), b.seq);
	for (uint64_t seq = 1; seq <= 499; seq++) {
		uint64_t arrival = 0;
		ok(store_read_entry(f->store, &id, seq, on_entry_arrival, &arrival));
		assert_int_equal(arrival, arrivals[seq - 1]);
	}
	origin_commit(&a, f->store, 1, true);
	assert_int_equal(check_feed(f->store, &a), 500);
	if (f->memory) /* fewer rows; LMDB's file does not shrink */
		assert_true(after.disk_bytes < before.disk_bytes);
}

static void test_merge_in_small_steps(void **state)
{
	struct fixture *f = *state;
	struct origin a = {.number = 1, .lane = 1, .epoch = 1, .size = 4000};
	struct store_txn *txn;
	bool left = true;
	int steps = 0;
	for (int i = 0; i < 150; i++)
		origin_commit(&a, f->store, 1, true);
	while (left) {
		ok(store_begin(f->store, &txn));
		ok(store_merge(txn, 1, &left));
		ok(store_commit(txn));
		assert_true(++steps < 50);
		assert_int_equal(check_feed(f->store, &a), 150);
	}
	assert_true(steps > 5);
}

struct disowned {
	const struct origin *origin;
	uint64_t first, count;
	uint32_t epoch;
};

static int on_disowned(void *ctx, const struct store_entry *e)
{
	struct disowned *d = ctx;
	struct hash source = hash_named('s', d->origin->number);
	struct hash hash = entry_hash_of(e->wire, &e->prev);
	assert_int_equal(e->seq, d->first + d->count);
	assert_int_equal(e->epoch, d->epoch);
	check_wires(d->origin, e->epoch, e->seq, e->seq, e->wire);
	assert_true(hash_equal(&hash, &e->entry_hash));
	assert_true(hash_equal(&e->source_city, &source));
	assert_true(e->has_head && e->head_seq >= e->seq);
	d->count++;
	return 0;
}

/* A run that came without a head, by the cut alone, is kept and given on as such. */
static void test_a_run_that_ends_at_a_cut(void **state)
{
	struct fixture *f = *state;
	for (uint32_t count = 1; count <= 91; count += 90) {
		struct origin a = {.number = count, .lane = 3, .epoch = 1, .size = 1200};
		struct hash id = origin_feed_id(&a);
		struct store_feed feed;
		struct store_slice slice;
		struct store_txn *txn;
		struct made_run m;
		struct buffer out;
		origin_commit(&a, f->store, 100, true);
		origin_commit(&a, f->store, 7, false); /* its head gives way to the end */
		origin_make(&a, count, false, &m);
		m.run.by_cut = true;
		m.run.since_checkpoint_entries = 0;
		m.run.since_checkpoint_bytes = 0;
		ok(store_begin(f->store, &txn));
		ok(store_put_run(txn, &m.run, NULL));
		ok(store_commit(txn));
		made_run_free(&m);
		uint64_t tip = a.seq;
		for (int round = 0; round < 3; round++) {
			if (round == 1)
				fixture_restart(f);
			if (round == 2) { /* the next epoch begins behind it */
				a.epoch = 2;
				merge_all(f->store);
				origin_commit(&a, f->store, 5, false);
				origin_commit(&a, f->store, 5, false);
			}
			assert_int_equal(check_feed(f->store, &a), a.seq);
			ok(store_read_feed(f->store, &id, &feed));
			assert_int_equal(feed.seq, a.seq);
			assert_true(feed.has_head == (round == 2));
			assert_int_equal(feed.since_checkpoint_entries, round == 2 ? a.since_entries : 0);
			buffer_init(&out, SIZE_MAX);
			ok(store_read_run(f->store, &id, 101, SIZE_MAX, &out, &slice));
			assert_int_equal(slice.head_seq, tip);
			assert_int_equal(slice.epoch, 1);
			assert_true(slice.head_reached && !slice.has_head);
			check_wires(&a, 1, 101, tip, buffer_bytes(&out));
			buffer_reset(&out);
			ok(store_read_run(f->store, &id, 1, SIZE_MAX, &out, &slice));
			assert_true(slice.has_head && slice.head_seq == 100);
			buffer_deinit(&out);
			a.since_entries = a.since_bytes = 0;
		}
		/* A lower cut takes it back. */
		struct origin whole = {.number = count, .lane = 3, .epoch = 1, .size = 1200};
		origin_make(&whole, 104, false, &m);
		made_run_free(&m);
		cut(f->store, &a, 104, &whole.tip, a.seq - 104);
		ok(store_read_feed(f->store, &id, &feed));
		assert_int_equal(feed.seq, 104);
		assert_false(feed.has_head);
	}
}

/* The feed of 300 entries is cut at every place; heads at 100 (checkpoint), 180, 300. */
static void test_cut_anywhere(void **state)
{
	struct fixture *f = *state;
	uint32_t number = 0;
	for (uint64_t at = 0; at <= 301; at += at < 3 || at > 297 ? 1 : 13) {
		struct origin a = {.number = ++number, .lane = 3, .epoch = 1, .size = 1200};
		struct hash id = origin_feed_id(&a), hash = {{0}};
		struct store_feed feed;
		struct store_slice slice;
		struct buffer out;
		origin_commit(&a, f->store, 100, true);
		origin_commit(&a, f->store, 80, false);
		origin_commit(&a, f->store, 120, false);
		struct origin whole = {.number = number, .lane = 3, .epoch = 1, .size = 1200};
		if (at > 0 && at <= 300) {
			struct made_run m;
			origin_make(&whole, (uint32_t)at, false, &m);
			hash = whole.tip;
			made_run_free(&m);
		}
		cut(f->store, &a, at, &hash, at > 300 ? 0 : 300 - at);
		uint64_t tip = at > 300 ? 300 : at;
		assert_int_equal(check_feed(f->store, &a), tip);
		ok(store_read_feed(f->store, &id, &feed));
		assert_true(feed.has_head == (at == 100 || at >= 300));
		struct disowned d = {.origin = &a, .first = at + 1, .epoch = 1};
		ok(store_each_disowned(f->store, &id, 0, on_disowned, &d));
		assert_int_equal(d.count, 300 - tip);
		/* What is left is read to its end, and the next epoch goes on. */
		buffer_init(&out, SIZE_MAX);
		if (tip > 100) {
			ok(store_read_run(f->store, &id, 101, 100, &out, &slice));
			assert_int_equal(slice.head_seq, tip);
			assert_true(slice.has_head == (at >= 300));
		}
		struct origin next = {.number = number,
			.lane = 3,
			.epoch = 2,
			.size = 1200,
			.seq = tip,
			.tip = at > 300 ? a.tip : hash};
		origin_commit(&next, f->store, 50, false);
		if (tip > 100) {
			buffer_reset(&out);
			ok(store_read_run(f->store, &id, tip, 100000, &out, &slice));
			assert_int_equal(slice.next_seq, tip + 1); /* no run spans the cut */
			assert_true(slice.head_reached);
		}
		assert_int_equal(check_feed(f->store, &next), tip + 50);
		buffer_deinit(&out);
	}
}

static void test_cut_across_merged_packs(void **state)
{
	struct fixture *f = *state;
	struct origin a = {.number = 1, .lane = 1, .epoch = 1, .size = 700};
	struct hash id = origin_feed_id(&a), hash = {{0}};
	struct store_info info;
	uint64_t arrival = 0;
	for (int i = 0; i < 400; i++) {
		origin_commit(&a, f->store, 1, true);
		if (a.seq == 123)
			hash = a.tip;
	}
	merge_all(f->store);
	cut(f->store, &a, 123, &hash, 277);
	fixture_restart(f);
	assert_int_equal(check_feed(f->store, &a), 123);
	ok(store_info(f->store, &info));
	assert_int_equal(info.records, 123);
	ok(store_read_entry(f->store, &id, 123, on_entry_arrival, &arrival));
	assert_int_equal(arrival, 123);
	struct disowned d = {.origin = &a, .first = 124, .epoch = 1};
	ok(store_each_disowned(f->store, &id, 0, on_disowned, &d));
	assert_int_equal(d.count, 277);
	a.epoch = 2;
	a.seq = 123;
	a.tip = hash;
	for (int i = 0; i < 300; i++)
		origin_commit(&a, f->store, 1, true);
	merge_all(f->store);
	assert_int_equal(check_feed(f->store, &a), 423);
}

static void test_cut_with_another_hash(void **state)
{
	struct fixture *f = *state;
	struct origin a = {.number = 1, .lane = 1, .epoch = 1, .size = 700};
	struct hash id = origin_feed_id(&a), wrong = hash_named('x', 1), unknown = hash_named('f', 9);
	struct store_txn *txn;
	uint64_t disowned = 7;
	origin_commit(&a, f->store, 10, true);
	ok(store_begin(f->store, &txn));
	assert_int_equal(store_cut(txn, &id, 5, &wrong, NOW, NULL, NULL), ERROR_CHAIN);
	assert_int_equal(store_cut(txn, &id, 0, &wrong, NOW, NULL, NULL), ERROR_CHAIN);
	ok(store_cut(txn, &unknown, 5, &wrong, NOW, &disowned, NULL));
	assert_int_equal(disowned, 0);
	ok(store_commit(txn));
	assert_int_equal(check_feed(f->store, &a), 10);
}

/* A head that is no checkpoint, but the last of its epoch, survives later ones. */
static void test_cut_keeps_the_head_there(void **state)
{
	struct fixture *f = *state;
	struct origin a = {.number = 1, .lane = 3, .epoch = 1, .size = 100};
	struct hash id = origin_feed_id(&a);
	struct buffer out;
	struct store_slice slice;
	uint8_t head[STORE_HEAD_SIZE];
	origin_commit(&a, f->store, 10, false);
	cut(f->store, &a, 10, &a.tip, 0);
	for (int i = 0; i < 3; i++)
		origin_commit(&a, f->store, 5, false); /* even in the same epoch */
	buffer_init(&out, SIZE_MAX);
	ok(store_read_run(f->store, &id, 4, 100000, &out, &slice));
	assert_int_equal(slice.next_seq, 11);
	origin_head(&a, 1, 10, head);
	assert_memory_equal(slice.head, head, sizeof head);
	buffer_deinit(&out);
}

static int on_purged(void *ctx, const struct store_entry *e)
{
	struct bytes *expected = ctx;
	assert_true(bytes_equal(e->wire, *expected));
	return 0;
}

static void test_purge(void **state)
{
	struct fixture *f = *state;
	struct origin a = {.number = 1, .lane = 3, .epoch = 1, .size = 900};
	struct hash id = origin_feed_id(&a), at100 = {{0}}, at200 = {{0}};
	struct store_txn *txn;
	struct store_arrival arrival;
	struct bytes stub = bytes_from_text("the purged form");
	origin_commit(&a, f->store, 100, true);
	at100 = a.tip;
	origin_commit(&a, f->store, 50, true);
	struct hash at150 = a.tip;
	origin_commit(&a, f->store, 50, true);
	at200 = a.tip;
	cut(f->store, &a, 150, &at150, 50);
	ok(store_begin(f->store, &txn));
	ok(store_purge(txn, &id, 100, &at100, stub, NOW, &arrival));
	assert_int_equal(arrival.arrival, 5);
	ok(store_purge(txn, &id, 200, &at200, stub, NOW, &arrival));
	assert_int_equal(store_purge(txn, &id, 99, &at200, stub, NOW, NULL), ERROR_CHAIN);
	assert_int_equal(store_purge(txn, &id, 201, &at200, stub, NOW, NULL), ERROR_NOT_FOUND);
	ok(store_commit(txn));
	fixture_restart(f);
	ok(store_read_entry(f->store, &id, 100, on_purged, &stub));
	ok(store_each_disowned(f->store, &id, 200, on_purged, &stub));
	struct store_info info;
	ok(store_info(f->store, &info));
	assert_int_equal(info.records, 150);
	/* The neighbours are as they were. */
	struct scan_check s = {.origin = &a};
	ok(store_scan(f->store, &id, 1, false, 99, SIZE_MAX, on_scanned, &s, NULL));
	assert_int_equal(s.seq, 99);
	s = (struct scan_check){.origin = &a};
	ok(store_scan(f->store, &id, 101, false, 50, SIZE_MAX, on_scanned, &s, NULL));
	assert_int_equal(s.seq, 150);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_merge_keeps_everything),
		BOTH(test_merge_in_small_steps),
		BOTH(test_a_run_that_ends_at_a_cut),
		BOTH(test_cut_anywhere),
		BOTH(test_cut_across_merged_packs),
		BOTH(test_cut_with_another_hash),
		BOTH(test_cut_keeps_the_head_there),
		BOTH(test_purge),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
