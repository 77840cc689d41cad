/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts whose predecessor is missing: shown at once, passed on, joined when it comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/proto/script.h"
#include "tests/unit/proto/upload.h"

#define ALERTS (LIMIT_GAP_ENTRIES + 4)

struct world {
	struct cluster c;
	struct city *node, *origin;
	struct script s;
	struct script_run runs[ALERTS]; /* the alert of seq i + 1 */
	unsigned run_count;
};

static struct world *world_new(uint64_t seed)
{
	struct world *w = calloc(1, sizeof *w);
	assert_non_null(w);
	cluster_init(&w->c, 3, seed);
	cluster_found(&w->c);
	w->node = &w->c.cities[0];
	w->origin = &w->c.cities[1];
	script_live(&w->s, w->node, w->origin);
	return w;
}

static void world_free(struct world *w)
{
	assert_false(script_closed(&w->s));
	for (unsigned i = 0; i < w->run_count; i++)
		script_run_free(&w->runs[i]);
	script_close(&w->s);
	cluster_deinit(&w->c);
	free(w);
}

static void publish(struct world *w, unsigned count)
{
	while (count-- > 0) {
		assert_int_equal(cluster_publish(w->origin, FEED_LANE_ALERT, "alert", NULL), 0);
		script_run_of(w->origin, FEED_LANE_ALERT, w->run_count + 1, &w->runs[w->run_count]);
		w->run_count++;
	}
}

static void push(struct world *w, unsigned seq)
{
	script_write_run(&w->s, &w->runs[seq - 1], RUN_FLAG_PUSHED);
	script_send(&w->s);
}

static uint64_t seq_at(const struct world *w, struct city *at)
{
	struct node_feed feed;
	assert_true(cluster_feed(at, w->origin, FEED_LANE_ALERT, &feed));
	return feed.seq;
}

static void it_is_shown_and_joins(void **state)
{
	(void)state;
	struct world *w = world_new(1);
	struct city *third = &w->c.cities[2];
	cluster_connect(&w->c, w->node, third);
	cluster_pass(&w->c, 100);
	publish(w, 4);
	push(w, 3);
	push(w, 4);
	assert_int_equal(w->node->gap_alerts_seen, 2);
	assert_int_equal(third->gap_alerts_seen, 2); /* passed on */
	assert_int_equal(seq_at(w, w->node), 0);
	push(w, 1);
	assert_int_equal(seq_at(w, w->node), 1);
	push(w, 2);
	assert_int_equal(seq_at(w, w->node), 4);
	assert_int_equal(w->node->entries_seen, 4);
	cluster_pass(&w->c, 1000);
	assert_int_equal(seq_at(w, third), 4);
	world_free(w);
}

static void it_stays_over_a_restart(void **state)
{
	(void)state;
	struct world *w = world_new(2);
	publish(w, 2);
	push(w, 2);
	script_close(&w->s);
	cluster_node_stop(w->node);
	cluster_node_start(w->node);
	script_live(&w->s, w->node, w->origin);
	push(w, 1);
	assert_int_equal(seq_at(w, w->node), 2);
	world_free(w);
}

/* Its file is fetched like any other's, once it has joined. */
static void its_attachment_is_fetched(void **state)
{
	(void)state;
	static const uint8_t content[1000] = {1, 2, 3};
	struct world *w = world_new(3);
	struct node_published published;
	struct buffer hashes;
	publish(w, 1);
	struct header_attachment a = upload_name(
		bytes_of(content, sizeof content), HEADER_ATTACHMENT_CAP_ORIGINAL, &hashes);
	upload_publish(w->origin, FEED_LANE_ALERT, &a, 1, &published);
	script_run_of(w->origin, FEED_LANE_ALERT, 2, &w->runs[w->run_count++]);
	push(w, 2);
	push(w, 1);
	assert_int_equal(seq_at(w, w->node), 2);
	assert_true(script_seek(&w->s, MESSAGE_ATTACHMENT_PULL));
	assert_memory_equal(&w->s.message.attachment_pull.attachment_id, &a.id, HASH_SIZE);
	assert_int_equal(w->s.message.attachment_pull.seq, 2);
	buffer_deinit(&hashes);
	world_free(w);
}

/* The disk had no room for it: it is taken when it comes again. */
static void one_that_found_no_room_is_taken_anew(void **state)
{
	(void)state;
	struct world *w = world_new(4);
	publish(w, 2);
	w->node->fail_commits = 1;
	push(w, 2);
	assert_int_equal(w->node->fail_commits, 0);
	assert_int_equal(w->node->gap_alerts_seen, 0);
	push(w, 2);
	assert_int_equal(w->node->gap_alerts_seen, 1);
	push(w, 1);
	assert_int_equal(seq_at(w, w->node), 2);
	world_free(w);
}

/* So many, and so far ahead; nobody is blamed for more. */
static void they_are_bounded(void **state)
{
	(void)state;
	struct world *w = world_new(5);
	publish(w, ALERTS);
	for (unsigned seq = 2; seq <= ALERTS; seq++)
		push(w, seq);
	assert_int_equal(w->node->gap_alerts_seen, LIMIT_GAP_ENTRIES);
	push(w, 1);
	assert_int_equal(seq_at(w, w->node), LIMIT_GAP_ENTRIES + 1);
	for (unsigned seq = LIMIT_GAP_ENTRIES + 2; seq <= ALERTS; seq++)
		push(w, seq);
	assert_int_equal(seq_at(w, w->node), ALERTS);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_shown_and_joins),
		cmocka_unit_test(it_stays_over_a_restart),
		cmocka_unit_test(its_attachment_is_fetched),
		cmocka_unit_test(one_that_found_no_room_is_taken_anew),
		cmocka_unit_test(they_are_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
