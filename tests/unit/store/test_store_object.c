/* SPDX-License-Identifier: Apache-2.0 */
/* Control objects, gaps, networks, cursors, settings, and memory's own powers. */
#include "tests/unit/store/fixture.h"

static struct store_object object_of(uint8_t type, uint32_t n, const char *text)
{
	return (struct store_object){
		.network_id = hash_named('n', 1),
		.object_hash = hash_named('o', n),
		.type = type,
		.object = bytes_from_text(text),
		.city_id = type == STORE_OBJECT_AMENDMENT ? (struct hash){{0}} : hash_named('c', 1),
		.epoch = 3,
		.number = n,
		.source_city = hash_named('s', n),
		.arrived = {1000 + n},
	};
}

static struct store_arrival put_object(struct store *store, const struct store_object *o)
{
	struct store_txn *txn;
	struct store_arrival arrival;
	ok(store_begin(store, &txn));
	ok(store_put_object(txn, o, &arrival));
	assert_int_equal(store_put_object(txn, o, NULL), ERROR_EXISTS);
	ok(store_commit(txn));
	return arrival;
}

struct seen {
	uint64_t numbers[16];
	char texts[16][32];
	int count;
};

static int on_object(void *ctx, const struct store_object *o)
{
	struct seen *s = ctx;
	struct store_object expected = object_of(o->type, (uint32_t)o->number, "");
	assert_true(hash_equal(&o->object_hash, &expected.object_hash));
	assert_true(hash_equal(&o->city_id, &expected.city_id));
	assert_true(hash_equal(&o->source_city, &expected.source_city));
	assert_true(hash_equal(&o->network_id, &expected.network_id));
	assert_int_equal(o->arrived.ms, expected.arrived.ms);
	assert_int_equal(o->epoch, 3);
	s->numbers[s->count] = o->number;
	memcpy(s->texts[s->count++], o->object.data, o->object.len);
	return 0;
}

static int on_arrival(void *ctx, const struct store_arrival_row *row)
{
	struct seen *s = ctx;
	assert_int_equal(row->kind, STORE_ARRIVAL_OBJECT);
	s->numbers[s->count++] = row->arrival.arrival;
	return 0;
}

static void test_objects_in_order(void **state)
{
	struct fixture *f = *state;
	struct store_object a = object_of(STORE_OBJECT_GENESIS, 0, "genesis");
	struct store_object b = object_of(STORE_OBJECT_AMENDMENT, 9, "nine");
	struct store_object c = object_of(STORE_OBJECT_EPOCH_RECORD, 4, "four");
	struct hash network = a.network_id, other = hash_named('n', 2);
	struct seen seen = {.count = 0};
	put_object(f->store, &a);
	put_object(f->store, &b);
	assert_int_equal(put_object(f->store, &c).arrival, 3);
	fixture_restart(f);
	ok(store_each_object(f->store, &network, on_object, &seen));
	assert_int_equal(seen.count, 3);
	assert_int_equal(seen.numbers[1], 9);
	assert_string_equal(seen.texts[2], "four");
	ok(store_each_object(f->store, &other, on_object, &seen));
	assert_int_equal(seen.count, 3);
	ok(store_read_object(f->store, &b.object_hash, on_object, &seen));
	assert_string_equal(seen.texts[3], "nine");
	assert_int_equal(store_read_object(f->store, &other, on_object, &seen), ERROR_NOT_FOUND);
}

static void test_address_list_replaces_the_older(void **state)
{
	struct fixture *f = *state;
	struct store_object a = object_of(STORE_OBJECT_ADDRESS_LIST, 1, "first");
	struct store_object b = object_of(STORE_OBJECT_ADDRESS_LIST, 2, "second");
	struct store_object amendment = object_of(STORE_OBJECT_AMENDMENT, 3, "x");
	struct seen seen = {.count = 0};
	uint8_t rolling[STORE_ROLLING_SIZE];
	struct store_arrival first = put_object(f->store, &a);
	put_object(f->store, &amendment);
	put_object(f->store, &b);
	ok(store_each_object(f->store, &a.network_id, on_object, &seen));
	assert_int_equal(seen.count, 2);
	assert_string_equal(seen.texts[1], "second");
	assert_int_equal(
		store_read_object(f->store, &a.object_hash, on_object, &seen), ERROR_NOT_FOUND);
	seen.count = 0;
	ok(store_each_arrival(f->store, 0, 100, on_arrival, &seen));
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.numbers[0], 2);
	assert_int_equal(seen.numbers[1], 3);
	ok(store_rolling_at(f->store, 1, rolling)); /* a cursor that stands there stays good */
	assert_memory_equal(rolling, first.rolling, sizeof rolling);
	struct store_txn *txn;
	ok(store_begin(f->store, &txn));
	ok(store_drop_object(txn, &b.object_hash));
	assert_int_equal(store_drop_object(txn, &b.object_hash), ERROR_NOT_FOUND);
	ok(store_put_object(txn, &a, NULL)); /* even after its successor was dropped by hand */
	ok(store_commit(txn));
	struct store_info info;
	ok(store_info(f->store, &info));
	assert_int_equal(info.newest.arrival, 4);
}

static struct store_gap gap_of(
	const struct origin *o, uint64_t seq, const struct hash *prev, uint8_t *wire)
{
	struct store_gap gap = {
		.network_id = hash_named('n', 1),
		.city_id = hash_named('c', o->number),
		.feed_id = origin_feed_id(o),
		.lane = 1,
		.epoch = 1,
		.seq = seq,
		.prev = *prev,
		.source_city = hash_named('s', 9),
		.arrived = {77},
	};
	origin_wire(o, 1, seq, wire);
	gap.wire = bytes_of(wire, origin_wire_len(o, seq));
	gap.entry_hash = entry_hash_of(gap.wire, prev);
	origin_head(o, 1, seq, gap.head);
	return gap;
}

static int on_gap(void *ctx, const struct store_gap *gap)
{
	struct seen *s = ctx;
	uint8_t head[STORE_HEAD_SIZE];
	struct origin o = {.number = 5, .epoch = 1, .size = 200};
	struct hash source = hash_named('s', 9), id = origin_feed_id(&o);
	struct hash hash = entry_hash_of(gap->wire, &gap->prev);
	check_wires(&o, 1, gap->seq, gap->seq, gap->wire);
	origin_head(&o, 1, gap->seq, head);
	assert_memory_equal(gap->head, head, sizeof head);
	assert_true(hash_equal(&gap->entry_hash, &hash) && hash_equal(&gap->source_city, &source));
	assert_true(hash_equal(&gap->feed_id, &id));
	assert_true(gap->arrival.arrival > 0 && gap->arrived.ms == 77 && gap->lane == 1);
	if (s->count < 16)
		s->numbers[s->count] = gap->seq;
	s->count++;
	return 0;
}

static void test_gaps_wait_and_join(void **state)
{
	struct fixture *f = *state;
	struct origin o = {.number = 5, .lane = 1, .epoch = 1, .size = 200};
	struct hash id = origin_feed_id(&o), prev = hash_named('p', 1), unknown = hash_named('f', 8);
	struct store_feed feed;
	struct store_txn *txn;
	struct seen seen = {.count = 0};
	uint8_t wire[400];
	ok(store_begin(f->store, &txn));
	for (uint64_t seq = 70; seq > 6; seq--) {
		struct store_gap gap = gap_of(&o, seq, &prev, wire);
		ok(store_put_gap(txn, &gap, NULL));
		assert_int_equal(store_put_gap(txn, &gap, NULL), ERROR_EXISTS);
	}
	struct store_gap more = gap_of(&o, 200, &prev, wire);
	assert_int_equal(store_put_gap(txn, &more, NULL), ERROR_LIMIT);
	ok(store_commit(txn));
	fixture_restart(f);
	ok(store_read_feed(f->store, &id, &feed));
	assert_int_equal(feed.seq, 0);
	assert_int_equal(feed.gaps, 64);
	ok(store_each_gap(f->store, &id, on_gap, &seen));
	assert_int_equal(seen.count, 64);
	assert_int_equal(seen.numbers[0], 7);
	ok(store_each_gap(f->store, NULL, on_gap, &seen));
	assert_int_equal(seen.count, 128);
	ok(store_each_gap(f->store, &unknown, on_gap, &seen));
	assert_int_equal(seen.count, 128);

	struct store_gap seven = gap_of(&o, 7, &prev, wire);
	ok(store_begin(f->store, &txn));
	for (int i = 0; i < 7; i++)
		origin_put(&o, txn, 1, true);
	ok(store_drop_gap(txn, &id, 7, &seven.entry_hash));
	assert_int_equal(store_drop_gap(txn, &id, 7, &seven.entry_hash), ERROR_NOT_FOUND);
	ok(store_commit(txn));
	assert_int_equal(check_feed(f->store, &o), 7);
	ok(store_read_feed(f->store, &id, &feed));
	assert_int_equal(feed.gaps, 63);
	struct store_info info;
	ok(store_info(f->store, &info));
	assert_int_equal(info.feeds, 1);
	assert_int_equal(info.records, 7);
}

static int on_network(void *ctx, const struct store_network *n)
{
	struct seen *s = ctx;
	s->numbers[s->count] = (uint64_t)n->joined.ms;
	snprintf(s->texts[s->count++], 32, "%s", n->slug);
	return 0;
}

static int on_cursor(void *ctx, const struct hash *network_id, const struct hash *peer,
	const struct store_cursor *cursor)
{
	struct seen *s = ctx;
	struct hash network = hash_named('n', 1), city = hash_named('c', (uint32_t)cursor->arrival);
	assert_true(hash_equal(network_id, &network) && hash_equal(peer, &city));
	assert_memory_equal(cursor->peer_store_epoch, "peerpeer", 8);
	assert_memory_equal(cursor->rolling, "rollroll", 8);
	s->count++;
	return 0;
}

static void test_small_tables(void **state)
{
	struct fixture *f = *state;
	struct store_txn *txn;
	struct seen seen = {.count = 0};
	struct buffer out;
	struct store_network network = {hash_named('n', 1), "pact", {5}};
	struct store_network nameless = {hash_named('n', 2), "", {5}};
	struct hash id = hash_named('n', 1);
	ok(store_begin(f->store, &txn));
	ok(store_put_network(txn, &network));
	network.slug = "pact-2";
	ok(store_put_network(txn, &network));
	assert_int_equal(store_put_network(txn, &nameless), ERROR_SIZE);
	for (uint32_t n = 1; n <= 3; n++) {
		struct hash city = hash_named('c', n);
		struct store_cursor cursor = {.arrival = 99};
		memcpy(cursor.peer_store_epoch, "peerpeer", 8);
		memcpy(cursor.rolling, "rollroll", 8);
		ok(store_put_cursor(txn, &id, &city, &cursor));
		cursor.arrival = n;
		ok(store_put_cursor(txn, &id, &city, &cursor));
	}
	ok(store_put_setting(txn, "denied", bytes_from_text("a b")));
	ok(store_put_setting(txn, "gone", bytes_from_text("x")));
	ok(store_put_setting(txn, "gone", bytes_from_text("")));
	ok(store_put_setting(txn, "never", bytes_from_text("")));
	assert_int_equal(store_put_setting(txn, "", bytes_from_text("x")), ERROR_SIZE);
	ok(store_commit(txn));
	fixture_restart(f);
	ok(store_each_network(f->store, on_network, &seen));
	assert_int_equal(seen.count, 1);
	assert_string_equal(seen.texts[0], "pact-2");
	assert_int_equal(seen.numbers[0], 5);
	ok(store_each_cursor(f->store, on_cursor, &seen));
	assert_int_equal(seen.count, 4);
	buffer_init(&out, 100);
	ok(store_get_setting(f->store, "denied", &out));
	assert_string_equal(buffer_text(&out), "a b");
	assert_int_equal(store_get_setting(f->store, "gone", &out), ERROR_NOT_FOUND);
	buffer_deinit(&out);
}

static int stop_at_once(void *ctx, const struct store_feed *feed)
{
	(void)feed;
	++*(int *)ctx;
	return ERROR_NOT_FOUND;
}

static int count_feed(void *ctx, const struct store_feed *feed)
{
	(void)feed;
	++*(int *)ctx;
	return 0;
}

static void test_callbacks_end_a_walk(void **state)
{
	struct fixture *f = *state;
	int count = 0;
	for (uint32_t n = 1; n <= 3; n++) {
		struct origin o = {.number = n, .lane = 1, .epoch = 1, .size = 50};
		origin_commit(&o, f->store, 1, true);
	}
	assert_int_equal(store_each_feed(f->store, stop_at_once, &count), ERROR_NOT_FOUND);
	assert_int_equal(count, 1);
	ok(store_each_feed(f->store, count_feed, &count));
	assert_int_equal(count, 4);
}

static void test_memory_loses_what_was_not_synced(void **state)
{
	struct fixture *f = *state;
	struct origin o = {.number = 1, .lane = 3, .epoch = 1, .size = 50}, at5;
	struct store_txn *txn;
	struct store_snapshot *snapshot;
	struct store *twin;
	origin_commit(&o, f->store, 5, false);
	at5 = o;
	store_memory_set_lazy(f->store, true);
	origin_commit(&o, f->store, 5, false);
	assert_int_equal(check_feed(f->store, &o), 10);
	store_memory_crash(f->store);
	assert_int_equal(check_feed(f->store, &o), 5);
	o = at5;
	origin_commit(&o, f->store, 5, false);
	store_memory_sync(f->store);
	ok(store_begin(f->store, &txn));
	origin_put(&o, txn, 5, false);
	store_memory_crash(f->store); /* in the middle of a transaction */
	assert_int_equal(check_feed(f->store, &o), 10);

	snapshot = store_memory_copy(f->store);
	assert_non_null(snapshot);
	o = at5;
	o.seq = 10;
	struct made_run lost;
	struct hash id = origin_feed_id(&o);
	struct store_feed feed;
	ok(store_read_feed(f->store, &id, &feed));
	o.tip = feed.entry_hash;
	struct origin at10 = o;
	origin_make(&o, 3, false, &lost);
	made_run_free(&lost);
	o = at10;
	origin_commit(&o, f->store, 20, true);
	store_memory_sync(f->store);
	assert_int_equal(check_feed(f->store, &o), 30);
	ok(store_memory_open(&f->options, &twin));
	store_memory_restore(twin, snapshot); /* a copied disk */
	assert_int_equal(check_feed(twin, &o), 10);
	origin_commit(&at10, twin, 1, true);
	assert_int_equal(check_feed(twin, &at10), 11);
	store_memory_restore(f->store, snapshot); /* rolled back */
	assert_int_equal(check_feed(f->store, &o), 10);
	assert_int_equal(check_feed(twin, &at10), 11);
	store_snapshot_free(snapshot);
	store_close(twin);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_objects_in_order),
		BOTH(test_address_list_replaces_the_older),
		BOTH(test_gaps_wait_and_join),
		BOTH(test_small_tables),
		BOTH(test_callbacks_end_a_walk),
		cmocka_unit_test_setup_teardown(
			test_memory_loses_what_was_not_synced, setup_memory, teardown_store),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
