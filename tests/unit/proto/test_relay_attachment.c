/* SPDX-License-Identifier: Apache-2.0 */
/* The same of attachments: chunks altered, or kept back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "feed/attachment_id.h"
#include "store/attachment_file.h"
#include "tests/unit/proto/relay_world.h"
#include "tests/unit/proto/upload.h"

#define FILE_BYTES (3 * ATTACHMENT_CHUNK_BYTES + 1234)

static uint8_t content[FILE_BYTES];

/* A document of A with a file. */
static struct hash publish_with_file(struct world *w, uint8_t fill)
{
	struct node_published published;
	for (size_t i = 0; i < FILE_BYTES; i++)
		content[i] = (uint8_t)(fill + i * 7 + i / 255);
	struct header_attachment a = upload_make(&w->c.cities[A], bytes_of(content, FILE_BYTES), 0);
	upload_publish(&w->c.cities[A], FEED_LANE_DOC, &a, 1, &published);
	return a.id;
}

static bool complete_at(struct world *w, enum place at, const struct hash *id)
{
	return upload_held(&w->c.cities[at], id);
}

struct waits {
	struct world *w;
	enum place at;
	struct hash id;
};

static bool is_complete(struct cluster *c, void *ctx)
{
	struct waits *waits = ctx;
	(void)c;
	return complete_at(waits->w, waits->at, &waits->id);
}

static void assert_same_bytes(struct world *w, const struct hash *id)
{
	static uint8_t got[FILE_BYTES];
	int fd;
	assert_int_equal(attachment_files_open_read(w->c.cities[C].files, id, &fd), 0);
	assert_int_equal(attachment_file_read(fd, 0, got, FILE_BYTES), 0);
	assert_memory_equal(got, content, FILE_BYTES);
	close(fd);
}

static void comes_within(struct world *w, enum place at, const struct hash *id, int64_t ms)
{
	struct waits waits = {w, at, *id};
	assert_true(cluster_run(&w->c, is_complete, &waits, ms));
}

static void altered_attachment_is_caught_and_named(void **state)
{
	static const enum lie lies[] = {LIE_CHUNK, LIE_CHUNK_LIST};
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct world *w = relay_world_new(lies[i], 600 + i);
		struct hash id = publish_with_file(w, (uint8_t)i);
		comes_within(w, R, &id, 5000);
		cluster_pass(&w->c, 2000);
		assert_true(w->liar.told > 0);
		assert_true(relay_logged("peer_breach", "city=city-b", "rule=attachment"));
		assert_false(complete_at(w, C, &id));
		relay_link(w, R, C);
		relay_link(w, B, C);
		comes_within(w, C, &id, 10000);
		assert_same_bytes(w, &id);
		assert_false(relay_blames_another());
		relay_world_free(w);
	}
}

/* Who withholds an attachment, with an answer or without one, is left for another. */
static void withheld_attachment_comes_through_the_other(void **state)
{
	static const enum lie lies[] = {LIE_CHUNK_LATER, LIE_CHUNK_SILENT};
	(void)state;
	for (uint64_t seed = 700; seed < 716; seed++) {
		struct world *w = relay_world_new(lies[seed % 2], seed);
		relay_link(w, B, C);
		cluster_pass(&w->c, 100);
		struct hash id = publish_with_file(w, (uint8_t)seed);
		int64_t begin = w->c.now.mono.us;
		comes_within(w, B, &id, 5000);
		comes_within(w, C, &id, 12000);
		print_message("%s: after %d ms\n", lie_name(lies[seed % 2]),
			(int)((w->c.now.mono.us - begin) / 1000));
		assert_same_bytes(w, &id);
		assert_false(relay_blames_another());
		relay_world_free(w);
	}
}

/* What is larger than the configuration says comes only when it is asked for. */
static void too_large_to_be_fetched_by_itself(void **state)
{
	(void)state;
	for (uint64_t less = 0; less < 2; less++) {
		struct world *w = relay_world_new(LIE_CHUNK, 800 + less);
		struct city *b = &w->c.cities[B];
		struct node_published answer;
		cluster_disconnect(&w->c, &w->c.cities[A], b);
		cluster_node_stop(b);
		b->fetch_bytes = FILE_BYTES - less;
		cluster_node_start(b);
		relay_link(w, A, B);
		cluster_pass(&w->c, 100);
		struct hash id = publish_with_file(w, (uint8_t)less);
		assert_int_equal(cluster_publish(&w->c.cities[A], FEED_LANE_DOC, "next", &answer), 0);
		cluster_pass(&w->c, 5000);
		assert_int_equal(relay_seq(w, B, FEED_LANE_DOC), answer.seq);
		assert_int_equal(complete_at(w, B, &id), less == 0);
		struct hash feed_id;
		assert_int_equal(
			feed_id_of(&w->c.network_id, &w->c.cities[A].city_id, FEED_LANE_DOC, &feed_id), 0);
		if (less)
			assert_int_equal(
				node_attachment_want(b->node, &feed_id, answer.seq - 1, &id, FILE_BYTES, w->c.now),
				0);
		comes_within(w, B, &id, 5000);
		relay_world_free(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(altered_attachment_is_caught_and_named),
		cmocka_unit_test(withheld_attachment_comes_through_the_other),
		cmocka_unit_test(too_large_to_be_fetched_by_itself),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
