/* SPDX-License-Identifier: Apache-2.0 */
/* Runs, heads, reading, arrivals, on both back ends. */
#include "tests/unit/store/fixture.h"

static void test_new_store_is_empty(void **state)
{
	struct fixture *f = *state;
	struct store_info info;
	struct store_feed feed;
	struct hash id = hash_named('f', 1);
	uint8_t rolling[STORE_ROLLING_SIZE];
	ok(store_info(f->store, &info));
	assert_memory_equal(info.store_epoch, "seedseed", 8);
	assert_int_equal(info.newest.arrival, 0);
	assert_int_equal(info.records, 0);
	assert_true(info.free_bytes > 0);
	assert_int_equal(store_read_feed(f->store, &id, &feed), ERROR_NOT_FOUND);
	ok(store_rolling_at(f->store, 0, rolling));
	assert_int_equal(store_rolling_at(f->store, 1, rolling), ERROR_NOT_FOUND);
}

static void test_runs_come_back(void **state)
{
	struct fixture *f = *state;
	struct origin a = {.number = 1, .lane = 3, .epoch = 1, .size = 700};
	struct origin b = {.number = 2, .lane = 2, .epoch = 1, .size = 30000};
	struct store_txn *txn;
	struct store_info info;
	ok(store_begin(f->store, &txn));
	origin_put(&a, txn, 512, true);
	origin_put(&b, txn, 7, false);
	origin_put(&a, txn, 1, false);
	ok(store_commit(txn));
	origin_commit(&a, f->store, 40, false);
	origin_commit(&b, f->store, 1, true);
	fixture_restart(f);
	assert_int_equal(check_feed(f->store, &a), 553);
	assert_int_equal(check_feed(f->store, &b), 8);
	ok(store_info(f->store, &info));
	assert_int_equal(info.records, 561);
	assert_int_equal(info.feeds, 2);
	assert_int_equal(info.newest.arrival, 5);
}

/* A group commit may end just before a checkpoint is due: its run has one entry then. */
static void test_checkpoint_of_one_entry_ends_what_came_before(void **state)
{
	struct fixture *f = *state;
	struct origin a = {.number = 1, .lane = 3, .epoch = 1, .size = 700};
	struct store_slice slice;
	struct buffer bytes;
	struct hash id = origin_feed_id(&a);
	origin_commit(&a, f->store, 400, false);
	origin_commit(&a, f->store, 1, true);
	origin_commit(&a, f->store, 300, true);
	for (int merged = 0; merged < 2; merged++) {
		buffer_init(&bytes, STORE_READ_BYTES_MAX);
		ok(store_read_run(f->store, &id, 1, 1000, &bytes, &slice));
		assert_true(slice.has_head);
		assert_int_equal(slice.head_seq, 401);
		buffer_reset(&bytes);
		ok(store_read_run(f->store, &id, 402, 1000, &bytes, &slice));
		assert_int_equal(slice.head_seq, 701);
		buffer_deinit(&bytes);
		bool left = true;
		while (left) {
			struct store_txn *txn;
			ok(store_begin(f->store, &txn));
			ok(store_merge(txn, 1 << 20, &left));
			ok(store_commit(txn));
		}
	}
	assert_int_equal(check_feed(f->store, &a), 701);
}

static void test_abort_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct origin a = {.number = 1, .lane = 3, .epoch = 1, .size = 700};
	struct store_txn *txn;
	struct store_info info;
	ok(store_begin(f->store, &txn));
	origin_put(&a, txn, 100, true);
	assert_true(store_txn_bytes(txn) > 70000);
	store_abort(txn);
	ok(store_info(f->store, &info));
	assert_int_equal(info.records, 0);
	assert_int_equal(info.newest.arrival, 0);
	assert_int_equal(info.feeds, 0);
	a = (struct origin){.number = 1, .lane = 3, .epoch = 1, .size = 700};
	origin_commit(&a, f->store, 3, true);
	assert_int_equal(check_feed(f->store, &a), 3);
}

static void test_only_the_next_run_is_taken(void **state)
{
	struct fixture *f = *state;
	struct origin a = {.number = 1, .lane = 3, .epoch = 1, .size = 100};
	struct origin again = a, ahead;
	struct made_run m;
	struct store_txn *txn;
	origin_commit(&a, f->store, 10, false);
	ahead = a;
	ok(store_begin(f->store, &txn));

	origin_make(&again, 10, false, &m);
	assert_int_equal(store_put_run(txn, &m.run, NULL), ERROR_EXISTS);
	made_run_free(&m);
	again.seq = 5;
	origin_make(&again, 10, false, &m);
	assert_int_equal(store_put_run(txn, &m.run, NULL), ERROR_CHAIN);
	made_run_free(&m);
	ahead.seq = 11;
	origin_make(&ahead, 1, false, &m);
	assert_int_equal(store_put_run(txn, &m.run, NULL), ERROR_GAP);
	made_run_free(&m);
	ahead.seq = 10;
	ahead.tip = hash_named('x', 1);
	origin_make(&ahead, 1, false, &m);
	assert_int_equal(store_put_run(txn, &m.run, NULL), ERROR_CHAIN);
	m.run.prev = a.tip;
	m.run.entries.len--;
	assert_int_equal(store_put_run(txn, &m.run, NULL), ERROR_USAGE);
	made_run_free(&m);
	ok(store_commit(txn));
	assert_int_equal(check_feed(f->store, &a), 10);
}

static void test_feed_begins_at_a_floor(void **state)
{
	struct fixture *f = *state;
	struct origin a = {.number = 1, .lane = 3, .epoch = 4, .size = 100, .seq = 1000};
	struct hash id = origin_feed_id(&a);
	struct store_feed feed;
	struct buffer out;
	struct store_slice slice;
	a.tip = hash_named('x', 7);
	origin_commit(&a, f->store, 5, false);
	assert_int_equal(check_feed(f->store, &a), 1005);
	ok(store_read_feed(f->store, &id, &feed));
	assert_int_equal(feed.first_seq, 1001);
	buffer_init(&out, SIZE_MAX);
	assert_int_equal(store_read_run(f->store, &id, 1000, 1000, &out, &slice), ERROR_NOT_FOUND);
	ok(store_read_run(f->store, &id, 1001, 1000, &out, &slice));
	struct hash floor = hash_named('x', 7);
	assert_true(hash_equal(&slice.prev, &floor));
	buffer_deinit(&out);
}

static void test_feed_row_at_boot(void **state)
{
	struct fixture *f = *state;
	struct origin a = {.number = 1, .lane = 1, .epoch = 1, .size = 100};
	struct hash id = origin_feed_id(&a);
	struct store_feed feed;
	uint8_t head[STORE_HEAD_SIZE];
	origin_commit(&a, f->store, 3, true);
	struct store_arrival arrival = origin_commit(&a, f->store, 4, false);
	fixture_restart(f);
	ok(store_read_feed(f->store, &id, &feed));
	assert_int_equal(feed.seq, 7);
	assert_int_equal(feed.first_seq, 1);
	assert_int_equal(feed.lane, 1);
	assert_int_equal(feed.since_checkpoint_entries, 4);
	assert_int_equal(feed.since_checkpoint_bytes, a.since_bytes);
	assert_int_equal(feed.arrival, arrival.arrival);
	assert_true(feed.has_head && hash_equal(&feed.entry_hash, &a.tip));
	origin_head(&a, 1, 7, head);
	assert_memory_equal(feed.head, head, sizeof head);
}

/* From every entry, with every size of a read: whole entries, never past the next kept head. */
static void test_read_run_at_every_boundary(void **state)
{
	struct fixture *f = *state;
	struct origin a = {.number = 1, .lane = 3, .epoch = 1, .size = 900};
	struct hash id = origin_feed_id(&a);
	struct buffer out;
	const uint64_t heads[] = {200, 201, 260, 300}; /* the last is no checkpoint */
	origin_commit(&a, f->store, 90, false);
	origin_commit(&a, f->store, 110, true);
	origin_commit(&a, f->store, 1, true);
	origin_commit(&a, f->store, 59, true);
	for (int i = 0; i < 40; i++)
		origin_commit(&a, f->store, 1, false);
	buffer_init(&out, SIZE_MAX);
	for (uint64_t first = 1; first <= 300; first++) {
		for (size_t room = 1; room < 600000; room = room * 5 + 1777) {
			struct store_slice slice;
			uint8_t head[STORE_HEAD_SIZE];
			buffer_reset(&out);
			ok(store_read_run(f->store, &id, first, room, &out, &slice));
			uint64_t end = 0;
			for (int i = 3; i >= 0; i--)
				end = first <= heads[i] ? heads[i] : end;
			assert_int_equal(slice.head_seq, end);
			assert_true(slice.has_head);
			origin_head(&a, 1, end, head);
			assert_memory_equal(slice.head, head, sizeof head);
			assert_true(slice.next_seq > first && slice.next_seq <= end + 1);
			assert_true(slice.head_reached == (slice.next_seq == end + 1));
			assert_int_equal(slice.epoch, 1);
			check_wires(&a, 1, first, slice.next_seq - 1, buffer_bytes(&out));
			size_t limit = room < STORE_READ_BYTES_MAX ? room : STORE_READ_BYTES_MAX;
			assert_true(out.len <= limit || slice.next_seq == first + 1);
			if (!slice.head_reached) /* as many as fit */
				assert_true(out.len + origin_wire_len(&a, slice.next_seq) > limit);
		}
	}
	struct store_slice slice;
	assert_int_equal(store_read_run(f->store, &id, 301, 1, &out, &slice), ERROR_NOT_FOUND);
	assert_int_equal(store_read_run(f->store, &id, 0, 1, &out, &slice), ERROR_NOT_FOUND);
	buffer_deinit(&out);
}

static void test_epochs_part_runs(void **state)
{
	struct fixture *f = *state;
	struct origin a = {.number = 1, .lane = 3, .epoch = 1, .size = 100};
	struct hash id = origin_feed_id(&a);
	struct store_slice slice;
	struct buffer out;
	uint8_t head[STORE_HEAD_SIZE];
	origin_commit(&a, f->store, 10, false);
	a.epoch = 2;
	origin_commit(&a, f->store, 10, false);
	buffer_init(&out, SIZE_MAX);
	ok(store_read_run(f->store, &id, 3, 100000, &out, &slice));
	assert_int_equal(slice.next_seq, 11);
	assert_true(slice.head_reached);
	origin_head(&a, 1, 10, head);
	assert_memory_equal(slice.head, head, sizeof head);
	ok(store_read_run(f->store, &id, 11, 100000, &out, &slice));
	assert_int_equal(slice.next_seq, 21);
	assert_int_equal(slice.epoch, 2);
	buffer_deinit(&out);
}

static int check_entry(void *ctx, const struct store_entry *e)
{
	const struct origin *o = ctx;
	struct hash source = hash_named('s', o->number);
	uint8_t head[STORE_HEAD_SIZE];
	check_wires(o, 1, e->seq, e->seq, e->wire);
	assert_true(hash_equal(&e->source_city, &source));
	assert_int_equal(e->arrival, e->seq <= 10 ? 1 : 2);
	assert_int_equal(e->arrived.ms, 1700000000000 + (e->seq <= 10 ? 0 : 10));
	assert_int_equal(e->head_seq, e->seq <= 10 ? 10 : 25);
	origin_head(o, 1, e->head_seq, head);
	assert_true(e->has_head);
	assert_memory_equal(e->head, head, sizeof head);
	return 77;
}

static void test_read_entry(void **state)
{
	struct fixture *f = *state;
	struct origin a = {.number = 1, .lane = 3, .epoch = 1, .size = 100};
	struct hash id = origin_feed_id(&a);
	origin_commit(&a, f->store, 10, true);
	origin_commit(&a, f->store, 15, false);
	for (uint64_t seq = 1; seq <= 25; seq++)
		assert_int_equal(store_read_entry(f->store, &id, seq, check_entry, &a), 77);
	assert_int_equal(store_read_entry(f->store, &id, 26, check_entry, &a), ERROR_NOT_FOUND);
	assert_int_equal(store_read_entry(f->store, &id, 0, check_entry, &a), ERROR_NOT_FOUND);
}

static int on_descending(void *ctx, const struct store_entry *e)
{
	uint64_t *expected = ctx;
	assert_int_equal(e->seq, *expected);
	--*expected;
	return 0;
}

static void test_scan_down(void **state)
{
	struct fixture *f = *state;
	struct origin a = {.number = 1, .lane = 3, .epoch = 1, .size = 1500};
	struct hash id = origin_feed_id(&a), unknown = hash_named('f', 99);
	uint64_t expected = 200, next = 0;
	for (int i = 0; i < 5; i++)
		origin_commit(&a, f->store, 40, false);
	int rounds = 0;
	do {
		ok(store_scan(f->store, &id, next, true, 7, SIZE_MAX, on_descending, &expected, &next));
		assert_int_equal(next, expected);
		rounds++;
	} while (next);
	assert_int_equal(rounds, 29);
	assert_int_equal(expected, 0);
	expected = 200;
	ok(store_scan(f->store, &id, 0, true, 100, 10, on_descending, &expected, &next));
	assert_int_equal(next, 199); /* at least one, however small the room */
	ok(store_scan(f->store, &id, 201, false, 100, 10, on_descending, &expected, &next));
	assert_int_equal(next, 0);
	ok(store_scan(f->store, &unknown, 1, false, 100, 10, on_descending, &expected, &next));
	assert_int_equal(next, 0);
}

struct arrivals {
	struct store_arrival_row rows[16];
	uint32_t count;
};

static int on_arrival(void *ctx, const struct store_arrival_row *row)
{
	struct arrivals *a = ctx;
	a->rows[a->count++] = *row;
	return 0;
}

static void test_arrivals_roll(void **state)
{
	struct fixture *f = *state;
	struct origin a = {.number = 1, .lane = 3, .epoch = 1, .size = 100};
	struct origin b = {.number = 2, .lane = 1, .epoch = 1, .size = 100};
	struct hash id = origin_feed_id(&a), other = origin_feed_id(&b);
	struct arrivals seen = {.count = 0};
	struct hasher h;
	struct hash expected = {{0}};
	uint8_t rolling[STORE_ROLLING_SIZE];
	origin_commit(&a, f->store, 10, true);
	origin_commit(&b, f->store, 1, true);
	origin_commit(&a, f->store, 2, false);
	fixture_restart(f);
	ok(store_each_arrival(f->store, 1, 100, on_arrival, &seen));
	assert_int_equal(seen.count, 3);
	ok(hasher_init(&h));
	for (uint32_t i = 0; i < 3; i++) {
		const struct store_arrival_row *row = &seen.rows[i];
		hasher_begin(&h, "hansa arrival 1");
		hasher_add(&h, bytes_of(expected.bytes, STORE_ROLLING_SIZE));
		hasher_add_hash(&h, i == 1 ? &other : &id);
		hasher_add_u64(&h, row->last_seq);
		hasher_add_hash(&h, &row->item_hash);
		ok(hasher_end(&h, &expected));
		assert_memory_equal(row->arrival.rolling, expected.bytes, STORE_ROLLING_SIZE);
		ok(store_rolling_at(f->store, i + 1, rolling));
		assert_memory_equal(rolling, expected.bytes, STORE_ROLLING_SIZE);
		assert_int_equal(row->arrival.arrival, i + 1);
		assert_true(hash_equal(&row->feed_id, i == 1 ? &other : &id));
		assert_int_equal(row->lane, i == 1 ? 1 : 3);
	}
	hasher_deinit(&h);
	assert_int_equal(seen.rows[2].first_seq, 11);
	assert_int_equal(seen.rows[2].last_seq, 12);
	assert_true(hash_equal(&seen.rows[2].item_hash, &a.tip));
	seen.count = 0;
	ok(store_each_arrival(f->store, 2, 1, on_arrival, &seen));
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.rows[0].arrival.arrival, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_new_store_is_empty),
		BOTH(test_runs_come_back),
		BOTH(test_checkpoint_of_one_entry_ends_what_came_before),
		BOTH(test_abort_leaves_nothing),
		BOTH(test_only_the_next_run_is_taken),
		BOTH(test_feed_begins_at_a_floor),
		BOTH(test_feed_row_at_boot),
		BOTH(test_read_run_at_every_boundary),
		BOTH(test_epochs_part_runs),
		BOTH(test_read_entry),
		BOTH(test_scan_down),
		BOTH(test_arrivals_roll),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
