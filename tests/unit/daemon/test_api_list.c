/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of a feed that is not whole: alerts ahead of a gap, older entries filled in later. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/api_alert_index.h"
#include "daemon/api_list.h"
#include "feed/entry.h"
#include "record/body.h"
#include "record/header.h"
#include "store/store.h"

#define ALERTS 6u
#define BASE_MS UINT64_C(1790000000000)

struct world {
	struct store *store;
	struct alert_index *index;
	struct api_feed feed;
	struct buffer wires[ALERTS + 1]; /* by seq; a row of its own for 0 */
	struct hash hashes[ALERTS + 1];
};

/* Alert `seq`, which updates another if `of` is not 0. */
static void make(struct world *w, struct hasher *hasher, uint64_t seq, uint64_t of)
{
	static const char *const sent = "2026-03-01T10:00:00+01:00";
	static const uint8_t salt[ENTRY_SALT_BYTES] = {1};
	char name[24], other[24];
	struct buffer body, header;
	struct entry_view view;
	snprintf(name, sizeof(name), "alert-%d", (int)seq);
	snprintf(other, sizeof(other), "alert-%d", (int)of);
	json_t *json = json_pack("{s:s, s:s, s:s, s:s}", "identifier", name, "sender", "a@b", "sent",
		sent, "msgType", of ? "Update" : "Alert");
	if (of)
		json_object_set_new(json, "references",
			json_pack("[{s:s, s:s, s:s}]", "identifier", other, "sender", "a@b", "sent", sent));
	buffer_init(&body, BODY_SIZE_MAX);
	buffer_init(&header, HEADER_SIZE_MAX);
	buffer_init(&w->wires[seq], 65536);
	assert_int_equal(body_encode(json, &body, NULL), 0);
	json_decref(json);
	struct header fields = {
		.kind = KIND_ALERT, .time_ms = BASE_MS + seq, .body_size = (uint32_t)body.len};
	assert_int_equal(header_encode(&fields, &header), 0);
	assert_int_equal(
		entry_encode(&w->wires[seq], salt, buffer_bytes(&header), buffer_bytes(&body)), 0);
	struct cursor c = cursor_init(buffer_bytes(&w->wires[seq]));
	assert_int_equal(entry_parse(&c, &view), 0);
	assert_int_equal(
		entry_hash_of(hasher, &w->feed.feed_id, seq, &w->hashes[seq - 1], &view, &w->hashes[seq]),
		0);
	buffer_deinit(&body);
	buffer_deinit(&header);
}

static int setup(void **state)
{
	static struct world w;
	struct store_options options = {.epoch_seed = {1}};
	struct hasher hasher;
	memset(&w, 0, sizeof(w));
	assert_int_equal(store_memory_open(&options, &w.store), 0);
	assert_int_equal(alert_index_new(&w.index), 0);
	w.feed = (struct api_feed){.lane = 1, .network = "pact", .city = "wien", .visible = true};
	w.feed.feed_id.bytes[0] = 5;
	assert_int_equal(hasher_init(&hasher), 0);
	for (uint64_t seq = 1; seq <= ALERTS; seq++)
		make(&w, &hasher, seq, seq == 2 ? 1 : seq == ALERTS ? 3 : 0);
	hasher_deinit(&hasher);
	*state = &w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	for (uint64_t seq = 1; seq <= ALERTS; seq++)
		buffer_deinit(&w->wires[seq]);
	alert_index_free(w->index);
	store_close(w->store);
	return 0;
}

static void put(struct world *w, uint64_t seq, bool fill)
{
	struct run_entry entry = {.length = (uint32_t)w->wires[seq].len, .entry_hash = w->hashes[seq]};
	struct store_run run = {.feed_id = w->feed.feed_id,
		.lane = 1,
		.epoch = 1,
		.first_seq = seq,
		.count = 1,
		.prev = w->hashes[seq - 1],
		.entries = buffer_bytes(&w->wires[seq]),
		.index = &entry,
		.checkpoint = true};
	struct store_txn *txn;
	run.head[0] = 1;
	assert_int_equal(store_begin(w->store, &txn), 0);
	assert_int_equal(fill ? store_put_fill(txn, &run, NULL) : store_put_run(txn, &run, NULL), 0);
	assert_int_equal(store_commit(txn), 0);
}

static void put_gap(struct world *w, uint64_t seq)
{
	struct store_gap gap = {.feed_id = w->feed.feed_id,
		.lane = 1,
		.epoch = 1,
		.seq = seq,
		.entry_hash = w->hashes[seq],
		.prev = w->hashes[seq - 1],
		.wire = buffer_bytes(&w->wires[seq])};
	struct store_txn *txn;
	assert_int_equal(store_begin(w->store, &txn), 0);
	assert_int_equal(store_put_gap(txn, &gap, NULL), 0);
	assert_int_equal(store_commit(txn), 0);
}

/* One page as text: "6gap 2 1"; *before moves on. */
static const char *page(
	struct world *w, unsigned limit, bool open, struct api_list_place *before, bool *more)
{
	static char text[256];
	struct api_list list = {.store = w->store,
		.alerts = w->index,
		.filter = {.until_ms = UINT64_MAX, .limit = limit, .open_at_ms = open},
		.has_before = before && before->time_ms};
	if (list.has_before)
		list.before = *before;
	text[0] = '\0';
	assert_int_equal(api_list_add(&list, &w->feed), 0);
	assert_int_equal(api_list_run(&list), 0);
	for (size_t i = 0; i < json_array_size(list.records); i++) {
		const json_t *one = json_array_get(list.records, i);
		const char *is = json_string_value(json_object_get(one, "state"));
		size_t at = strlen(text);
		snprintf(text + at, sizeof(text) - at, "%s%d%s", at ? " " : "",
			(int)json_integer_value(json_object_get(one, "seq")),
			strcmp(is, "valid") == 0 ? "" : is);
	}
	if (before)
		*before = list.next;
	if (more)
		*more = list.more;
	api_list_deinit(&list);
	return text;
}

static void test_alerts_ahead_of_a_gap(void **state)
{
	struct world *w = *state;
	struct api_list_place before = {0};
	bool more;
	put(w, 1, false);
	put(w, 2, false);
	put_gap(w, 4);
	put_gap(w, 5);
	assert_string_equal(page(w, 10, false, NULL, &more), "5gap 4gap 2 1");
	assert_false(more);
	assert_string_equal(page(w, 1, false, &before, &more), "5gap");
	assert_true(more);
	assert_string_equal(page(w, 2, false, &before, &more), "4gap 2");
	assert_true(more);
	assert_string_equal(page(w, 2, false, &before, &more), "1");
	assert_false(more);
	assert_string_equal(page(w, 10, true, NULL, NULL), "5gap 4gap 2"); /* 1 was updated */
	put(w, 3, false);
	put(w, 4, false); /* the store's caller drops the gap after it */
	assert_string_equal(page(w, 1, false, NULL, NULL), "5gap");
	struct store_txn *txn;
	assert_int_equal(store_begin(w->store, &txn), 0);
	assert_int_equal(store_drop_gap(txn, &w->feed.feed_id, 4, &w->hashes[4]), 0);
	assert_int_equal(store_commit(txn), 0);
	put_gap(w, 6); /* updates 3 */
	assert_string_equal(page(w, 10, true, NULL, NULL), "6gap 5gap 4 2");
	struct alert_follower follower;
	assert_true(alert_index_follower(w->index, &w->feed.feed_id, 3, &follower));
	assert_int_equal(follower.seq, 6);
	assert_false(follower.cancels);
}

/* The older ones come all at once, between two looks, or one by one. */
static void test_filled_in_later(void **state)
{
	struct world *w = *state;
	for (uint64_t seq = 4; seq <= ALERTS; seq++)
		put(w, seq, false);
	assert_string_equal(page(w, 10, true, NULL, NULL), "6 5 4");
	put(w, 1, true);
	assert_string_equal(page(w, 10, true, NULL, NULL), "6 5 4 1");
	put(w, 2, true);
	put(w, 3, true);
	/* 2 updates 1, and 6 updates 3. */
	assert_string_equal(page(w, 10, true, NULL, NULL), "6 5 4 2");
	assert_string_equal(page(w, 10, false, NULL, NULL), "6 5 4 3 2 1");
}

static void test_filled_in_at_once(void **state)
{
	struct world *w = *state;
	for (uint64_t seq = 4; seq <= ALERTS; seq++)
		put(w, seq, false);
	assert_string_equal(page(w, 10, true, NULL, NULL), "6 5 4");
	for (uint64_t seq = 1; seq < 4; seq++)
		put(w, seq, true);
	assert_string_equal(page(w, 10, true, NULL, NULL), "6 5 4 2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_alerts_ahead_of_a_gap, setup, teardown),
		cmocka_unit_test_setup_teardown(test_filled_in_later, setup, teardown),
		cmocka_unit_test_setup_teardown(test_filled_in_at_once, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
