/* SPDX-License-Identifier: Apache-2.0 */
/* A feed that begins above seq 1, and what is filled in below it. */
#include "tests/unit/store/fixture.h"

#define NOW ((struct timestamp){1800000000000})

/* 1..300 in runs of 100 that end in checkpoints, 301..350; the store begins after 340. */
struct filled {
	struct made_run old[4];
	struct origin origin;
};

static void filled_make(struct filled *w, struct store *store, uint8_t lane)
{
	*w = (struct filled){.origin = {.number = 1, .lane = lane, .epoch = 1, .size = 300}};
	struct origin *o = &w->origin;
	for (int i = 0; i < 3; i++)
		origin_make(o, 100, true, &w->old[i]);
	origin_make(o, 40, false, &w->old[3]);
	memset(w->old[3].run.head, 0, STORE_HEAD_SIZE); /* its head stands at 350 */
	origin_commit(o, store, 10, false);
	assert_int_equal(o->seq, 350);
}

static void filled_free(struct filled *w)
{
	for (int i = 0; i < 4; i++)
		made_run_free(&w->old[i]);
}

static int put(struct store *store, const struct store_run *run, struct store_arrival *arrival)
{
	struct store_txn *txn;
	ok(store_begin(store, &txn));
	int r = store_put_fill(txn, run, arrival);
	ok(store_commit(txn));
	return r;
}

static uint64_t records(struct store *store)
{
	struct store_info info;
	ok(store_info(store, &info));
	return info.records;
}

struct seen {
	uint64_t seqs[400];
	uint32_t count;
};

static int on_seen(void *ctx, const struct store_entry *entry)
{
	struct seen *seen = ctx;
	assert_true(seen->count < 400);
	seen->seqs[seen->count++] = entry->seq;
	return 0;
}

static struct seen scan(struct store *store, const struct hash *id, uint64_t from, bool down)
{
	struct seen seen = {.count = 0};
	uint64_t next = from;
	do {
		ok(store_scan(store, id, next, down, 7, STORE_READ_BYTES_MAX, on_seen, &seen, &next));
	} while (next);
	return seen;
}

static void test_filled_from_below(void **state)
{
	struct fixture *f = *state;
	struct filled w;
	struct store_feed feed;
	struct store_arrival arrival;
	filled_make(&w, f->store, 3);
	struct hash id = origin_feed_id(&w.origin);
	ok(store_read_feed(f->store, &id, &feed));
	assert_int_equal(feed.first_seq, 341);
	assert_int_equal(feed.fill_seq, 0);
	assert_true(hash_equal(&feed.first_prev, &w.old[3].index[39].entry_hash));
	assert_int_equal(scan(f->store, &id, 1, false).count, 10);

	assert_int_equal(put(f->store, &w.old[1].run, NULL), ERROR_STATE);
	ok(put(f->store, &w.old[0].run, &arrival));
	ok(put(f->store, &w.old[1].run, &arrival));
	assert_int_equal(put(f->store, &w.old[1].run, NULL), ERROR_STATE);
	assert_int_equal(arrival.arrival, 3);
	fixture_restart(f);
	ok(store_read_feed(f->store, &id, &feed));
	assert_int_equal(feed.first_seq, 341);
	assert_int_equal(feed.fill_seq, 200);
	assert_int_equal(feed.fill_epoch, 1);
	assert_true(hash_equal(&feed.fill_hash, &w.old[1].index[99].entry_hash));
	assert_int_equal(records(f->store), 210);

	/* Readers step over what lies between. */
	struct seen up = scan(f->store, &id, 1, false), down = scan(f->store, &id, 0, true);
	assert_int_equal(up.count, 210);
	assert_int_equal(down.count, 210);
	assert_int_equal(up.seqs[199], 200);
	assert_int_equal(up.seqs[200], 341);
	assert_int_equal(down.seqs[9], 341);
	assert_int_equal(down.seqs[10], 200);
	assert_int_equal(scan(f->store, &id, 250, false).seqs[0], 341);
	assert_int_equal(scan(f->store, &id, 250, true).seqs[0], 200);

	ok(put(f->store, &w.old[2].run, NULL));
	ok(put(f->store, &w.old[3].run, &arrival));
	ok(store_read_feed(f->store, &id, &feed));
	assert_int_equal(feed.first_seq, 1);
	assert_int_equal(feed.fill_seq, 0);
	assert_int_equal(feed.arrival, arrival.arrival);
	assert_int_equal(feed.seq, 350);
	assert_int_equal(check_feed(f->store, &w.origin), 350);
	assert_int_equal(records(f->store), 350);
	assert_int_equal(put(f->store, &w.old[3].run, NULL), ERROR_STATE);
	filled_free(&w);
}

/* What was filled in is served in the runs that its origin made. */
static void test_served_in_the_same_runs(void **state)
{
	struct fixture *f = *state;
	struct filled w;
	static const uint64_t ends[] = {100, 200, 300, 350};
	filled_make(&w, f->store, 3);
	struct hash id = origin_feed_id(&w.origin);
	for (int i = 0; i < 4; i++)
		ok(put(f->store, &w.old[i].run, NULL));
	uint64_t seq = 1;
	for (int i = 0; i < 4; i++) {
		struct buffer out;
		struct store_slice slice;
		uint8_t head[STORE_HEAD_SIZE];
		buffer_init(&out, SIZE_MAX);
		ok(store_read_run(f->store, &id, seq, STORE_READ_BYTES_MAX, &out, &slice));
		assert_int_equal(slice.head_seq, ends[i]);
		assert_int_equal(slice.next_seq, ends[i] + 1);
		origin_head(&w.origin, 1, ends[i], head);
		assert_true(slice.has_head);
		assert_memory_equal(slice.head, head, sizeof head);
		check_wires(&w.origin, 1, seq, ends[i], buffer_bytes(&out));
		buffer_deinit(&out);
		seq = ends[i] + 1;
	}
	filled_free(&w);
}

static void test_what_does_not_lead_there(void **state)
{
	struct fixture *f = *state;
	struct filled w;
	filled_make(&w, f->store, 3);
	for (int i = 0; i < 3; i++)
		ok(put(f->store, &w.old[i].run, NULL));
	struct store_run run = w.old[3].run;
	run.prev = hash_named('x', 1);
	assert_int_equal(put(f->store, &run, NULL), ERROR_CHAIN);
	struct hash right = w.old[3].index[39].entry_hash;
	w.old[3].index[39].entry_hash = hash_named('x', 2);
	assert_int_equal(put(f->store, &w.old[3].run, NULL), ERROR_CHAIN);
	w.old[3].index[39].entry_hash = right;
	ok(put(f->store, &w.old[3].run, NULL));
	/* One that goes beyond; of a feed that is whole; of one that is not known. */
	assert_int_equal(put(f->store, &w.old[0].run, NULL), ERROR_STATE);
	w.old[0].run.feed_id = hash_named('f', 99);
	assert_int_equal(put(f->store, &w.old[0].run, NULL), ERROR_STATE);
	assert_int_equal(records(f->store), 350);
	filled_free(&w);
}

/* At every place: above the beginning, at it, in what is missing, in what was filled in. */
static void test_cut_anywhere(void **state)
{
	struct fixture *f = *state;
	static const struct {
		uint64_t seq, left, tip;
	} cuts[] = {
		{345, 205, 345},
		{341, 201, 341},
		{340, 200, 200},
		{201, 200, 200},
		{200, 200, 200},
		{150, 150, 150},
		{1, 1, 1},
		{0, 0, 0},
	};
	for (uint32_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
		struct filled w;
		struct store_txn *txn;
		struct store_feed feed;
		struct hash at = {{0}};
		uint64_t disowned;
		filled_make(&w, f->store, 3);
		struct hash id = origin_feed_id(&w.origin);
		ok(put(f->store, &w.old[0].run, NULL));
		ok(put(f->store, &w.old[1].run, NULL));
		struct origin again = {.number = 1, .lane = 3, .epoch = 1, .size = 300};
		if (cuts[i].seq) {
			struct made_run m;
			origin_make(&again, (uint32_t)cuts[i].seq, false, &m);
			at = again.tip;
			made_run_free(&m);
		}
		ok(store_begin(f->store, &txn));
		ok(store_cut(txn, &id, cuts[i].seq, &at, NOW, &disowned, NULL));
		ok(store_commit(txn));
		assert_int_equal(disowned, 210 - cuts[i].left);
		assert_int_equal(records(f->store), cuts[i].left);
		assert_int_equal(scan(f->store, &id, 1, false).count, cuts[i].left);
		ok(store_read_feed(f->store, &id, &feed));
		assert_int_equal(feed.seq, cuts[i].tip);
		if (cuts[i].tip && cuts[i].tip <= 200) {
			assert_int_equal(feed.first_seq, 1);
			assert_true(hash_equal(&feed.entry_hash,
				&w.old[(cuts[i].tip - 1) / 100].index[(cuts[i].tip - 1) % 100].entry_hash));
		}
		uint32_t aside = 0;
		struct seen seen = {.count = 0};
		ok(store_each_disowned(f->store, &id, 1, on_seen, &seen));
		aside = seen.count;
		assert_int_equal(aside, disowned);
		filled_free(&w);
		fixture_deinit(f);
		fixture_init(f, f->memory);
	}
}

/* Alerts have their heads in their packs, and each is a run. */
static void test_alerts(void **state)
{
	struct fixture *f = *state;
	struct origin o = {.number = 2, .lane = 1, .epoch = 1, .size = 200};
	struct made_run old[20];
	for (int i = 0; i < 20; i++)
		origin_make(&o, 1, true, &old[i]);
	struct hash id = origin_feed_id(&o);
	for (int i = 0; i < 5; i++)
		origin_commit(&o, f->store, 1, true);
	for (int i = 0; i < 20; i++) {
		ok(put(f->store, &old[i].run, NULL));
		made_run_free(&old[i]);
	}
	struct store_txn *txn;
	bool left = true;
	while (left) {
		ok(store_begin(f->store, &txn));
		ok(store_merge(txn, 100000, &left));
		ok(store_commit(txn));
	}
	assert_int_equal(check_feed(f->store, &o), 25);
	for (uint64_t seq = 1; seq <= 25; seq++) {
		struct buffer out;
		struct store_slice slice;
		buffer_init(&out, SIZE_MAX);
		ok(store_read_run(f->store, &id, seq, STORE_READ_BYTES_MAX, &out, &slice));
		assert_true(slice.has_head && slice.head_seq == seq);
		buffer_deinit(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_filled_from_below),
		BOTH(test_served_in_the_same_runs),
		BOTH(test_what_does_not_lead_there),
		BOTH(test_cut_anywhere),
		BOTH(test_alerts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
