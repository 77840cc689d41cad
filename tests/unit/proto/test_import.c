/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles brought to a city that no link reaches: it ends where a link would have brought it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "feed/attachment_id.h"
#include "proto/bundle_write.h"
#include "proto/import.h"
#include "tests/unit/proto/upload.h"

#define CHUNK ATTACHMENT_CHUNK_BYTES
#define DAY_MS INT64_C(86400000)

struct world {
	struct cluster c;
	struct city *a, *b, *d;
	struct buffer all;
	size_t ends[64];
	uint32_t parts;
	struct import_report report;
	struct complaint complaint;
	unsigned wakes;
};

static void world_init(struct world *w, uint64_t seed)
{
	memset(w, 0, sizeof *w);
	cluster_init(&w->c, 3, seed);
	cluster_found(&w->c);
	w->a = &w->c.cities[0];
	w->b = &w->c.cities[1];
	w->d = &w->c.cities[2];
	buffer_init(&w->all, SIZE_MAX);
}

static void world_deinit(struct world *w)
{
	buffer_deinit(&w->all);
	cluster_deinit(&w->c);
}

static void publish(struct city *city, uint8_t lane, unsigned count)
{
	struct node_published p;
	for (unsigned i = 0; i < count; i++) {
		char body[64];
		snprintf(body, sizeof body, "%s %u %u", city->slug, lane, i);
		assert_int_equal(cluster_publish(city, lane, body, &p), 0);
	}
}

static void export_from(struct world *w, struct city *city, uint64_t since_ms, uint64_t part_bytes)
{
	struct bundle_options o = {.store = city->store,
		.files = city->files,
		.network_id = w->c.network_id,
		.seed = {1},
		.since_ms = since_ms,
		.part_bytes = part_bytes};
	struct bundle_writer *writer;
	struct bundle_cut cut = {0};
	bool done = false;
	buffer_reset(&w->all);
	w->parts = 0;
	assert_int_equal(bundle_writer_new(&o, &writer), 0);
	while (!done) {
		size_t from = w->all.len;
		assert_int_equal(bundle_writer_next(writer, &w->all, &done), 0);
		struct bytes added = bytes_slice(buffer_bytes(&w->all), from, SIZE_MAX);
		while (added.len) {
			added = bytes_slice(added, bundle_cut_take(&cut, added), SIZE_MAX);
			if (cut.ended) {
				w->ends[w->parts++] = w->all.len - added.len;
				cut = (struct bundle_cut){0};
			}
		}
	}
	bundle_writer_free(writer);
}

static struct bytes part_of(const struct world *w, uint32_t i)
{
	size_t from = i ? w->ends[i - 1] : 0;
	return bytes_slice(buffer_bytes(&w->all), from, w->ends[i] - from);
}

static void on_wake(void *ctx)
{
	((struct world *)ctx)->wakes++;
}

/* Brings the bytes to the city; `whole` false: it is given up after them. */
static int import(struct world *w, struct city *city, struct bytes bytes, bool whole)
{
	struct node_import *im, *second;
	int code = 0, late = 0;
	memset(&w->complaint, 0, sizeof w->complaint);
	assert_int_equal(node_import_open(city->node, on_wake, w, w->c.now, &im), 0);
	assert_int_equal(node_import_open(city->node, on_wake, w, w->c.now, &second), ERROR_BUSY);
	for (unsigned turns = 0; bytes.len && code == 0; turns++) {
		struct bytes piece = bytes_slice(bytes, 0, 50000), left = piece;
		code = node_import_receive(im, &left, w->c.now, &w->complaint);
		bytes = bytes_slice(bytes, piece.len - left.len, SIZE_MAX);
		if (left.len && code == 0) {
			unsigned wakes = w->wakes;
			cluster_pass(&w->c, 1);
			assert_true(w->wakes > wakes); /* who waits is woken */
		}
		assert_true(turns < 100000);
	}
	if (code == 0 && whole)
		code = node_import_end(im, &w->complaint);
	for (unsigned turns = 0; whole && !node_import_settled(im, &late, &w->complaint); turns++) {
		cluster_pass(&w->c, 1);
		assert_true(turns < 1000);
	}
	w->report = *node_import_report(im);
	node_import_close(im, w->c.now);
	return code ? code : late;
}

static uint64_t new_records(const struct world *w)
{
	uint64_t sum = 0;
	for (unsigned i = 0; i < FEED_LANE_COUNT; i++)
		sum += w->report.records_new[i];
	return sum;
}

/* The city's store has each entry of the other's, byte for byte. */
struct same {
	struct store *other;
	uint64_t entries;
};

static int wire_of(void *ctx, const struct store_entry *entry)
{
	struct buffer *b = ctx;
	buffer_push_bytes(b, entry->wire);
	return 0;
}

static int same_entry(void *ctx, const struct store_entry *entry)
{
	struct same *same = ctx;
	struct buffer b;
	buffer_init(&b, SIZE_MAX);
	assert_int_equal(store_read_entry(same->other, &entry->feed_id, entry->seq, wire_of, &b), 0);
	assert_true(bytes_equal(buffer_bytes(&b), entry->wire));
	buffer_deinit(&b);
	same->entries++;
	return 0;
}

struct each {
	struct store *of, *at;
	uint64_t entries;
};

static int same_feed(void *ctx, const struct store_feed *feed)
{
	struct each *each = ctx;
	struct same same = {each->at, 0};
	uint64_t next = feed->seq ? 1 : 0;
	while (next)
		assert_int_equal(store_scan(each->of, &feed->feed_id, next, false, 1000, 200000, same_entry,
							 &same, &next),
			0);
	each->entries += same.entries;
	return 0;
}

static uint64_t assert_same(const struct city *of, const struct city *at)
{
	struct each each = {of->store, at->store, 0};
	assert_int_equal(store_each_feed(of->store, same_feed, &each), 0);
	return each.entries;
}

static void fill(struct world *w, struct header_attachment files[2])
{
	static uint8_t content[3 * CHUNK + 900];
	struct node_published p;
	for (size_t i = 0; i < sizeof content; i++)
		content[i] = (uint8_t)(i * 31 + i / 255);
	publish(w->a, FEED_LANE_DOC, 3);
	publish(w->a, FEED_LANE_ALERT, 2);
	publish(w->a, FEED_LANE_CALL, 1);
	publish(w->a, FEED_LANE_META, 2);
	files[0] = upload_make(w->a, bytes_of(content, 900), HEADER_ATTACHMENT_CAP_ORIGINAL);
	files[1] = upload_make(w->a, bytes_of(content, sizeof content), 0);
	upload_publish(w->a, FEED_LANE_ALERT, &files[0], 1, &p);
	upload_publish(w->a, FEED_LANE_DOC, &files[1], 1, &p);
}

static void test_whole(void **state)
{
	(void)state;
	struct world w;
	struct header_attachment files[2];
	world_init(&w, 1);
	fill(&w, files);
	export_from(&w, w.a, 0, 0);
	assert_int_equal(import(&w, w.b, buffer_bytes(&w.all), true), 0);
	assert_int_equal(new_records(&w), 10);
	assert_int_equal(w.report.records_new[FEED_LANE_ALERT - 1], 3);
	assert_int_equal(w.report.attachments_new, 2);
	assert_int_equal(w.report.records_held + w.report.records_waiting, 0);
	assert_true(upload_held(w.b, &files[0].id) && upload_held(w.b, &files[1].id));
	assert_int_equal(assert_same(w.a, w.b), 10);
	assert_int_equal(w.b->entries_seen, 10);
	/* Again: nothing is new. */
	assert_int_equal(import(&w, w.b, buffer_bytes(&w.all), true), 0);
	assert_int_equal(new_records(&w) + w.report.objects_new + w.report.attachments_new, 0);
	assert_int_equal(w.report.records_held, 10);
	assert_int_equal(w.report.attachments_held, 2);
	assert_int_equal(w.b->entries_seen, 10);
	/* Linked afterwards: nobody has anything for the other. */
	cluster_connect(&w.c, w.a, w.b);
	cluster_pass(&w.c, 5000);
	assert_true(cluster_converged(&w.c, NULL) || w.d->entries_seen == 0);
	assert_int_equal(w.b->entries_seen, 10);
	world_deinit(&w);
}

/* Given up anywhere, then brought again, over a restart: all of it, each entry once. */
static void test_interrupted(void **state)
{
	(void)state;
	struct world w;
	struct header_attachment files[2];
	world_init(&w, 2);
	fill(&w, files);
	export_from(&w, w.a, 0, 0);
	for (size_t at = 100; at < w.all.len; at += w.all.len / 23) {
		assert_int_equal(import(&w, w.b, bytes_slice(buffer_bytes(&w.all), 0, at), false), 0);
		cluster_pass(&w.c, 10);
		cluster_node_stop(w.b);
		cluster_node_start(w.b);
	}
	assert_int_equal(import(&w, w.b, buffer_bytes(&w.all), true), 0);
	assert_int_equal(assert_same(w.a, w.b), 10);
	assert_int_equal(w.b->entries_seen, 10);
	assert_true(upload_held(w.b, &files[0].id) && upload_held(w.b, &files[1].id));
	world_deinit(&w);
}

/* What it holds ends within a run of the bundle, at another head. */
static void test_overlap(void **state)
{
	(void)state;
	struct world w;
	world_init(&w, 3);
	publish(w.a, FEED_LANE_DOC, 5);
	export_from(&w, w.a, 0, 0);
	assert_int_equal(import(&w, w.b, buffer_bytes(&w.all), true), 0);
	publish(w.a, FEED_LANE_DOC, 600);
	export_from(&w, w.a, 0, 0);
	assert_int_equal(import(&w, w.b, buffer_bytes(&w.all), true), 0);
	assert_int_equal(w.report.records_held, 5);
	assert_int_equal(new_records(&w), 600);
	assert_int_equal(assert_same(w.a, w.b), 605);
	world_deinit(&w);
}

/* From a time on, to who lacks what is before: it is said which feed, and alerts stand aside. */
static void test_gap(void **state)
{
	(void)state;
	struct world w;
	world_init(&w, 4);
	publish(w.a, FEED_LANE_DOC, 4);
	publish(w.a, FEED_LANE_ALERT, 4);
	cluster_pass(&w.c, 1000);
	uint64_t since = (uint64_t)w.c.now.wall.ms;
	publish(w.a, FEED_LANE_DOC, 3);
	publish(w.a, FEED_LANE_ALERT, 2);
	publish(w.a, FEED_LANE_CALL, 1);
	export_from(&w, w.a, since, 0);
	assert_int_equal(import(&w, w.b, buffer_bytes(&w.all), true), 0);
	assert_int_equal(w.report.records_waiting, 3);
	assert_int_equal(w.report.records_new[FEED_LANE_CALL - 1], 1);
	assert_int_equal(w.report.records_new[FEED_LANE_ALERT - 1], 2);
	assert_int_equal(w.b->gap_alerts_seen, 2);
	assert_int_equal(w.report.gap_count, 1);
	assert_int_equal(w.report.gaps[0].lane, FEED_LANE_DOC);
	assert_int_equal(w.report.gaps[0].held, 0);
	assert_int_equal(w.report.gaps[0].first, 5);
	export_from(&w, w.a, 0, 0);
	assert_int_equal(import(&w, w.b, buffer_bytes(&w.all), true), 0);
	assert_int_equal(assert_same(w.a, w.b), 14);
	world_deinit(&w);
}

static void test_damaged(void **state)
{
	(void)state;
	struct world w;
	struct header_attachment files[2];
	world_init(&w, 5);
	fill(&w, files);
	export_from(&w, w.a, 0, 0);
	/* In the bytes of a document, behind all alerts: found by its text. */
	uint8_t *at = memmem(w.all.data, w.all.len, "city-a 3 1", 10);
	assert_non_null(at);
	*at ^= 1;
	int code = import(&w, w.b, buffer_bytes(&w.all), true);
	assert_int_equal(code, ERROR_CHAIN);
	assert_non_null(strstr(w.complaint.reason, "at frame "));
	assert_true(w.report.offset < (size_t)(at - w.all.data));
	assert_int_equal(w.report.records_new[FEED_LANE_ALERT - 1], 3);
	assert_int_equal(w.report.records_new[FEED_LANE_DOC - 1], 0);
	assert_true(upload_held(w.b, &files[0].id));
	*at ^= 1;
	/* In a chunk of the large file, which the thread that writes it finds. */
	w.all.data[w.all.len - 5000] ^= 1;
	assert_int_equal(import(&w, w.b, buffer_bytes(&w.all), true), ERROR_CHAIN);
	assert_non_null(strstr(w.complaint.reason, "frame "));
	assert_false(upload_held(w.b, &files[1].id));
	w.all.data[w.all.len - 5000] ^= 1;
	assert_int_equal(import(&w, w.b, buffer_bytes(&w.all), true), 0);
	assert_true(upload_held(w.b, &files[1].id));
	assert_int_equal(assert_same(w.a, w.b), 10);
	/* Not whole. */
	struct bytes less = bytes_slice(buffer_bytes(&w.all), 0, w.all.len - 3);
	assert_int_equal(import(&w, w.d, less, true), ERROR_TRUNCATED);
	assert_int_equal(assert_same(w.a, w.d), 10);
	world_deinit(&w);
}

/* Wherever it is damaged the import comes to an end, and the whole one makes it good. */
static void test_damaged_anywhere(void **state)
{
	(void)state;
	struct world w;
	struct header_attachment files[2];
	world_init(&w, 12);
	fill(&w, files);
	export_from(&w, w.a, 0, 0);
	for (size_t at = 1; at < w.all.len; at += at < 8000 ? 211 : 40009) {
		w.all.data[at] ^= 16;
		assert_int_not_equal(import(&w, w.b, buffer_bytes(&w.all), true), 0);
		w.all.data[at] ^= 16;
	}
	cluster_pass(&w.c, 60000);
	assert_int_equal(import(&w, w.b, buffer_bytes(&w.all), true), 0);
	assert_int_equal(assert_same(w.a, w.b), 10);
	assert_true(upload_held(w.b, &files[0].id) && upload_held(w.b, &files[1].id));
	world_deinit(&w);
}

static void test_parts(void **state)
{
	(void)state;
	static uint8_t content[9 * CHUNK + 5];
	struct world w;
	struct node_published p;
	world_init(&w, 6);
	for (size_t i = 0; i < sizeof content; i++)
		content[i] = (uint8_t)(i * 31 + i / 255);
	publish(w.a, FEED_LANE_DOC, 700);
	struct header_attachment file = upload_make(w.a, bytes_of(content, sizeof content), 0);
	upload_publish(w.a, FEED_LANE_DOC, &file, 1, &p);
	export_from(&w, w.a, 0, BUNDLE_PART_BYTES_MIN);
	assert_true(w.parts > 2);
	/* The last one first: nothing of it can be taken yet, and nothing is spoilt. */
	assert_int_equal(import(&w, w.b, part_of(&w, w.parts - 1), true), 0);
	assert_int_equal(w.report.attachments_waiting, 1);
	assert_false(w.report.more);
	for (uint32_t i = 0; i < w.parts; i++) {
		assert_int_equal(import(&w, w.b, part_of(&w, i), true), 0);
		assert_int_equal(w.report.begin.part, i + 1);
		assert_int_equal(w.report.more, i + 1 < w.parts);
		assert_int_equal(w.report.attachments_new, i + 1 == w.parts);
	}
	assert_true(upload_held(w.b, &file.id));
	assert_int_equal(assert_same(w.a, w.b), 701);
	world_deinit(&w);
}

/* An attachment that no link would bring unasked. */
static void test_large(void **state)
{
	(void)state;
	struct world w;
	struct header_attachment files[2];
	world_init(&w, 7);
	fill(&w, files);
	w.b->fetch_bytes = 1000;
	cluster_node_stop(w.b);
	cluster_node_start(w.b);
	export_from(&w, w.a, 0, 0);
	assert_int_equal(import(&w, w.b, buffer_bytes(&w.all), true), 0);
	assert_int_equal(w.report.attachments_new, 2);
	assert_true(upload_held(w.b, &files[1].id));
	world_deinit(&w);
}

static void test_other_network(void **state)
{
	(void)state;
	struct world w, other;
	world_init(&w, 8);
	world_init(&other, 9);
	publish(w.a, FEED_LANE_DOC, 2);
	export_from(&w, w.a, 0, 0);
	assert_int_equal(import(&other, other.b, buffer_bytes(&w.all), true), ERROR_CHARTER_UNKNOWN);
	assert_non_null(strstr(other.complaint.reason, "which this city is not in"));
	assert_int_equal(new_records(&other), 0);
	assert_int_equal(import(&other, other.b, bytes_from_text("no bundle"), true), ERROR_FRAME);
	world_deinit(&w);
	world_deinit(&other);
}

static void test_disk_full(void **state)
{
	(void)state;
	struct world w;
	world_init(&w, 10);
	publish(w.a, FEED_LANE_DOC, 2);
	export_from(&w, w.a, 0, 0);
	w.b->fail_commits = 1;
	assert_int_equal(import(&w, w.b, buffer_bytes(&w.all), true), ERROR_FULL);
	cluster_pass(&w.c, 1000);
	assert_int_equal(import(&w, w.b, buffer_bytes(&w.all), true), 0);
	assert_int_equal(assert_same(w.a, w.b), 2);
	world_deinit(&w);
}

/*
 * A month without any link: one city comes back through a link, another by a bundle alone. Both
 * hold all, with nothing that forks; a link then has nothing left to bring.
 */
static void test_month(void **state)
{
	(void)state;
	struct world w;
	struct header_attachment files[2];
	struct node_feed feed;
	memset(&w, 0, sizeof w);
	cluster_init(&w.c, 4, 11);
	cluster_found(&w.c);
	w.a = &w.c.cities[0];
	w.b = &w.c.cities[1];
	struct city *linked = w.d = &w.c.cities[2], *carried = &w.c.cities[3];
	buffer_init(&w.all, SIZE_MAX);
	fill(&w, files);
	publish(carried, FEED_LANE_DOC, 2);
	for (unsigned i = 1; i < 4; i++)
		cluster_connect(&w.c, w.a, &w.c.cities[i]);
	cluster_pass(&w.c, 5000);
	assert_true(cluster_converged(&w.c, NULL));
	cluster_disconnect(&w.c, w.a, linked);
	cluster_disconnect(&w.c, w.a, carried);
	for (unsigned day = 0; day < 30; day++) {
		publish(w.a, FEED_LANE_DOC, 25);
		publish(w.b, FEED_LANE_ALERT, 1);
		publish(w.b, FEED_LANE_CALL, 2);
		publish(carried, FEED_LANE_META, 1); /* its own go on, and nobody hears of them */
		if (day == 14) {                     /* under another key it is dialled anew */
			cluster_renew(w.b);
			cluster_connect(&w.c, w.a, w.b);
		}
		cluster_pass(&w.c, DAY_MS);
	}
	cluster_connect(&w.c, w.a, linked);
	cluster_pass(&w.c, 5000);
	export_from(&w, w.a, 0, 0);
	uint64_t seen = carried->entries_seen;
	assert_int_equal(import(&w, carried, buffer_bytes(&w.all), true), 0);
	assert_int_equal(new_records(&w), 30 * 28);
	assert_int_equal(w.report.records_held, 12);
	assert_int_equal(w.report.records_waiting + w.report.records_other, 0);
	assert_int_equal(carried->entries_seen - seen, 30 * 28);
	assert_same(w.a, carried);
	assert_same(w.a, linked);
	for (unsigned i = 0; i < 4; i++)
		for (unsigned of = 0; of < 4; of++)
			for (uint8_t lane = 1; lane <= FEED_LANE_COUNT; lane++)
				if (cluster_feed(&w.c.cities[i], &w.c.cities[of], lane, &feed))
					assert_false(feed.frozen);
	cluster_connect(&w.c, w.a, carried);
	cluster_pass(&w.c, 5000);
	assert_true(cluster_converged(&w.c, NULL));
	assert_int_equal(carried->entries_seen - seen, 30 * 28); /* nothing came a second time */
	world_deinit(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_interrupted),
		cmocka_unit_test(test_overlap),
		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_damaged_anywhere),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_other_network),
		cmocka_unit_test(test_disk_full),
		cmocka_unit_test(test_month),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
