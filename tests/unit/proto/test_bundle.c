/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles as bytes: written from a store, read, verified; cut, altered, out of order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/bundle_check.h"
#include "proto/bundle_write.h"
#include "tests/unit/proto/upload.h"

#define CHUNK ATTACHMENT_CHUNK_BYTES
#include "feed/attachment_id.h"

struct world {
	struct cluster c;
	struct city *a, *b;
	struct buffer all; /* the parts, back to back */
	size_t ends[64];   /* of each part */
	uint32_t parts;
	struct bundle_written said;
};

static void publish(struct world *w, struct city *city, uint8_t lane, unsigned count)
{
	struct node_published p;
	for (unsigned i = 0; i < count; i++) {
		char body[64];
		snprintf(body, sizeof body, "lane %u number %u", lane, i);
		assert_int_equal(cluster_publish(city, lane, body, &p), 0);
	}
	(void)w;
}

static void world_init(struct world *w, uint64_t seed)
{
	memset(w, 0, sizeof *w);
	cluster_init(&w->c, 2, seed);
	cluster_found(&w->c);
	w->a = &w->c.cities[0];
	w->b = &w->c.cities[1];
	buffer_init(&w->all, SIZE_MAX);
}

static void world_deinit(struct world *w)
{
	buffer_deinit(&w->all);
	cluster_deinit(&w->c);
}

static struct bundle_options options_of(struct world *w)
{
	struct bundle_options o = {.store = w->a->store,
		.files = w->a->files,
		.network_id = w->c.network_id,
		.set = {7, 7, 7},
		.seed = {1},
		.now = w->c.now.wall};
	return o;
}

static void export(struct world *w, const struct bundle_options *o)
{
	struct bundle_writer *writer;
	struct bundle_cut cut = {0};
	bool done = false;
	buffer_reset(&w->all);
	w->parts = 0;
	assert_int_equal(bundle_writer_new(o, &writer), 0);
	while (!done) {
		size_t from = w->all.len;
		assert_int_equal(bundle_writer_next(writer, &w->all, &done), 0);
		assert_true(w->all.len - from <= BUNDLE_PIECE_BYTES_MAX);
		struct bytes added = bytes_slice(buffer_bytes(&w->all), from, SIZE_MAX);
		while (added.len) {
			size_t n = bundle_cut_take(&cut, added);
			added = bytes_slice(added, n, SIZE_MAX);
			if (!cut.ended)
				continue;
			w->ends[w->parts++] = w->all.len - added.len;
			cut = (struct bundle_cut){0};
		}
	}
	bundle_writer_said(writer, &w->said);
	bundle_writer_free(writer);
	assert_int_equal(w->parts, w->said.parts);
	assert_int_equal(w->said.bytes, w->all.len);
}

/* One part through reader and check, in pieces of `piece` bytes. */
static int verify(struct bundle_check *check, struct bytes part, size_t piece, uint64_t *offset)
{
	struct bundle_reader r;
	const struct bundle_item *item;
	assert_int_equal(bundle_reader_init(&r), 0);
	int code = 0;
	for (size_t at = 0; at < part.len && code == 0; at += piece) {
		struct bytes in = bytes_slice(part, at, piece);
		while (in.len && code == 0) {
			code = bundle_reader_next(&r, &in, &item);
			if (code == 0)
				code = bundle_check_item(check, item, &r.begin);
			*offset = item->offset;
		}
	}
	if (code == 0)
		code = bundle_reader_end(&r);
	bundle_reader_deinit(&r);
	return code;
}

static int verify_once(struct bytes part, size_t piece, struct bundle_summary *said)
{
	static const uint8_t seed[MAP_SEED_SIZE] = {1};
	struct bundle_check *check;
	uint64_t offset;
	assert_int_equal(bundle_check_new(seed, &check), 0);
	int code = verify(check, part, piece, &offset);
	if (said)
		bundle_check_summary(check, said);
	bundle_check_free(check);
	return code;
}

static void small_bundle(struct world *w, uint64_t seed)
{
	static uint8_t content[90];
	struct node_published p;
	world_init(w, seed);
	for (size_t i = 0; i < sizeof content; i++)
		content[i] = (uint8_t)(i * 31 + i / 255);
	publish(w, w->a, FEED_LANE_DOC, 3);
	publish(w, w->a, FEED_LANE_ALERT, 2);
	publish(w, w->a, FEED_LANE_CALL, 1);
	struct header_attachment files[2] = {
		upload_make(w->a, bytes_of(content, 90), HEADER_ATTACHMENT_CAP_ORIGINAL),
		upload_make(w->a, bytes_of(content, 17), 0)};
	upload_publish(w->a, FEED_LANE_ALERT, &files[0], 1, &p);
	upload_publish(w->a, FEED_LANE_DOC, &files[1], 1, &p);
	struct bundle_options o = options_of(w);
	export(w, &o);
}

static void test_round(void **state)
{
	(void)state;
	struct world w;
	struct bundle_summary s;
	small_bundle(&w, 1);
	assert_int_equal(w.parts, 1);
	assert_int_equal(w.said.attachments, 2);
	for (size_t piece = 1; piece < 5000; piece = piece * 3 + 1) {
		assert_int_equal(verify_once(buffer_bytes(&w.all), piece, &s), 0);
		assert_int_equal(s.records[FEED_LANE_ALERT - 1], 3);
		assert_int_equal(s.records[FEED_LANE_CALL - 1], 1);
		assert_int_equal(s.records[FEED_LANE_DOC - 1], 4);
		assert_int_equal(s.attachments, 2);
		assert_int_equal(s.attachment_bytes, 107);
		assert_int_equal(s.feeds, 3);
		assert_int_equal(s.cities, 1);
		assert_int_equal(s.begin_later, 0);
		assert_true(hash_equal(&s.network_id, &w.c.network_id));
	}
	world_deinit(&w);
}

/* Alerts, then their originals, calls, documents, other files. */
static void test_order(void **state)
{
	(void)state;
	struct world w;
	small_bundle(&w, 2);
	struct bundle_reader r;
	const struct bundle_item *item;
	char order[64] = "";
	struct bytes in = buffer_bytes(&w.all);
	struct hash feeds[FEED_LANE_COUNT];
	for (uint8_t lane = 1; lane <= FEED_LANE_COUNT; lane++)
		assert_int_equal(feed_id_of(&w.c.network_id, &w.a->city_id, lane, &feeds[lane - 1]), 0);
	assert_int_equal(bundle_reader_init(&r), 0);
	while (in.len) {
		assert_int_equal(bundle_reader_next(&r, &in, &item), 0);
		char what = item->type == BUNDLE_ATTACHMENT ? 'f' : item->type == BUNDLE_OBJECT ? 'o' : 0;
		for (uint8_t lane = 0; item->type == BUNDLE_RUN && lane < FEED_LANE_COUNT; lane++)
			if (hash_equal(&item->run.feed_id, &feeds[lane]))
				what = "acdm"[lane];
		size_t n = strlen(order);
		if (what && (n == 0 || order[n - 1] != what)) {
			order[n] = what;
			order[n + 1] = 0;
		}
	}
	assert_int_equal(bundle_reader_end(&r), 0);
	bundle_reader_deinit(&r);
	assert_string_equal(order, "oafcdf");
	world_deinit(&w);
}

static void test_truncated(void **state)
{
	(void)state;
	struct world w;
	small_bundle(&w, 3);
	for (size_t len = 0; len < w.all.len; len++) {
		struct bytes part = bytes_slice(buffer_bytes(&w.all), 0, len);
		/* Up to here all is well, and that it is not all is said. */
		assert_int_equal(verify_once(part, 4096, NULL), ERROR_TRUNCATED);
	}
	buffer_push_u8(&w.all, 0);
	assert_int_equal(verify_once(buffer_bytes(&w.all), 4096, NULL), ERROR_TRAILING);
	world_deinit(&w);
}

/* Each byte, one bit of it. */
static void test_flipped(void **state)
{
	(void)state;
	struct world w;
	small_bundle(&w, 4);
	for (size_t i = 0; i < w.all.len; i++) {
		w.all.data[i] ^= (uint8_t)(1u << (i % 8));
		assert_int_not_equal(verify_once(buffer_bytes(&w.all), 4096, NULL), 0);
		w.all.data[i] ^= (uint8_t)(1u << (i % 8));
	}
	world_deinit(&w);
}

/* Frames moved about, with the trailer made again as nobody signs it: the chain shows it. */
static void test_frames_moved(void **state)
{
	(void)state;
	struct world w;
	small_bundle(&w, 5);
	size_t at[256], count = 0;
	struct bytes all = buffer_bytes(&w.all);
	for (size_t o = BUNDLE_MAGIC_BYTES; o < all.len; count++) {
		at[count] = o;
		o += 4 + ((size_t)all.data[o + 2] << 8 | all.data[o + 3]);
		at[count + 1] = o;
	}
	/* Without the frame `gone`; the last is the trailer, which is left out: then only its absence
	 * is to be blamed, where nothing else is. */
	unsigned chain = 0;
	for (size_t gone = 0; gone + 1 < count; gone++) {
		struct buffer less;
		buffer_init(&less, SIZE_MAX);
		buffer_push_bytes(&less, bytes_slice(all, 0, at[gone]));
		buffer_push_bytes(&less, bytes_slice(all, at[gone + 1], at[count - 1] - at[gone + 1]));
		int code = verify_once(buffer_bytes(&less), 4096, NULL);
		assert_int_not_equal(code, 0);
		chain += code == ERROR_GAP || code == ERROR_CHAIN;
		buffer_deinit(&less);
	}
	assert_true(chain >= 1); /* an alert or a document in the middle */
	world_deinit(&w);
}

/* Parts: each by itself in its framing, together all of it, an attachment across several. */
static void test_split(void **state)
{
	(void)state;
	static uint8_t content[9 * CHUNK + 5];
	static const uint8_t seed[MAP_SEED_SIZE] = {1};
	struct world w;
	struct node_published p;
	struct bundle_summary s;
	world_init(&w, 6);
	for (size_t i = 0; i < sizeof content; i++)
		content[i] = (uint8_t)(i * 31 + i / 255);
	publish(&w, w.a, FEED_LANE_DOC, 700);
	struct header_attachment file = upload_make(w.a, bytes_of(content, sizeof content), 0);
	upload_publish(w.a, FEED_LANE_DOC, &file, 1, &p);
	struct bundle_options o = options_of(&w);
	o.part_bytes = BUNDLE_PART_BYTES_MIN;
	export(&w, &o);
	assert_int_equal(w.parts, 4);
	struct bundle_check *check;
	uint64_t offset;
	assert_int_equal(bundle_check_new(seed, &check), 0);
	for (uint32_t i = 0; i < w.parts; i++) {
		size_t from = i ? w.ends[i - 1] : 0;
		struct bytes part = bytes_slice(buffer_bytes(&w.all), from, w.ends[i] - from);
		assert_true(part.len <= BUNDLE_PART_BYTES_MIN);
		assert_int_equal(verify(check, part, 4096, &offset), 0);
		assert_int_equal(verify_once(part, 4096, &s), 0); /* alone too: the charter is small */
	}
	bundle_check_summary(check, &s);
	assert_int_equal(s.records[FEED_LANE_DOC - 1], 701);
	assert_int_equal(s.attachment_bytes, sizeof content);
	assert_int_equal(s.attachments_partial, 4);
	bundle_check_free(check);
	world_deinit(&w);
}

/* From a time on: begins later, and says so. */
static void test_since(void **state)
{
	(void)state;
	struct world w;
	struct bundle_summary s;
	world_init(&w, 7);
	publish(&w, w.a, FEED_LANE_DOC, 20);
	publish(&w, w.a, FEED_LANE_ALERT, 3);
	cluster_pass(&w.c, 3600000);
	struct bundle_options o = options_of(&w);
	o.since_ms = (uint64_t)w.c.now.wall.ms;
	publish(&w, w.a, FEED_LANE_DOC, 5);
	publish(&w, w.a, FEED_LANE_CALL, 1);
	export(&w, &o);
	assert_int_equal(verify_once(buffer_bytes(&w.all), 4096, &s), 0);
	assert_int_equal(s.records[FEED_LANE_DOC - 1], 5);
	assert_int_equal(s.records[FEED_LANE_ALERT - 1], 0);
	assert_int_equal(s.records[FEED_LANE_CALL - 1], 1);
	assert_int_equal(s.begin_later, 1);
	world_deinit(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_flipped),
		cmocka_unit_test(test_frames_moved),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_since),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
