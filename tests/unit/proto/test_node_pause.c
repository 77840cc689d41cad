/* SPDX-License-Identifier: Apache-2.0 */
/* No room: what is taken all the same, what waits, and that nothing of it is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "charter/roster.h"
#include "tests/unit/proto/script.h"

static uint64_t seq_of(struct city *at, struct city *of, uint8_t lane)
{
	struct node_feed feed;
	assert_true(cluster_feed(at, of, lane, &feed));
	return feed.seq;
}

static void publish_each_lane(struct city *city)
{
	for (uint8_t lane = 1; lane <= FEED_LANE_COUNT; lane++)
		assert_int_equal(cluster_publish(city, lane, "text", NULL), 0);
}

static void found_two(struct cluster *c, uint64_t seed)
{
	cluster_init(c, 2, seed);
	cluster_found(c);
	cluster_connect(c, &c->cities[0], &c->cities[1]);
	cluster_pass(c, 100);
}

static void a_paused_node_takes_alerts_and_objects(void **state)
{
	(void)state;
	struct cluster c;
	struct amendment_item item = {.kind = AMENDMENT_SUSPEND};
	cluster_init(&c, 3, 1);
	cluster_found(&c);
	cluster_connect(&c, &c.cities[0], &c.cities[1]);
	cluster_pass(&c, 100);
	node_pause(c.cities[1].node, "the disk is full", c.now);
	publish_each_lane(&c.cities[0]);
	item.city_id = c.cities[2].city_id;
	item.end.reason = bytes_from_text("seized");
	assert_int_equal(cluster_amend(&c.cities[0], &item, 1), 0);
	/* Long enough for whatever gives up. */
	cluster_pass(&c, 120000);
	assert_string_equal(c.cities[1].last_close, "");
	assert_int_equal(roster_number(node_network_roster(c.cities[1].node, 0)), 1);
	for (uint8_t lane = 1; lane <= FEED_LANE_COUNT; lane++)
		assert_int_equal(seq_of(&c.cities[1], &c.cities[0], lane), lane == FEED_LANE_ALERT ? 1 : 0);
	node_resume(c.cities[1].node, c.now);
	cluster_pass(&c, 2000);
	for (uint8_t lane = 1; lane <= FEED_LANE_COUNT; lane++)
		assert_int_equal(seq_of(&c.cities[1], &c.cities[0], lane), 1);
	cluster_deinit(&c);
}

/* It goes on serving: its own disk is full, not the others'. */
static void a_paused_node_serves(void **state)
{
	(void)state;
	struct cluster c;
	cluster_init(&c, 2, 2);
	cluster_found(&c);
	publish_each_lane(&c.cities[0]);
	node_pause(c.cities[0].node, "the disk is full", c.now);
	cluster_connect(&c, &c.cities[0], &c.cities[1]);
	assert_true(cluster_run(&c, cluster_converged, NULL, 5000));
	cluster_deinit(&c);
}

static void a_paused_node_publishes_alerts_only(void **state)
{
	(void)state;
	struct cluster c;
	found_two(&c, 3);
	node_pause(c.cities[0].node, "the disk is full", c.now);
	assert_int_equal(cluster_publish(&c.cities[0], FEED_LANE_DOC, "text", NULL), ERROR_FULL);
	assert_int_equal(cluster_publish(&c.cities[0], FEED_LANE_ALERT, "text", NULL), 0);
	node_resume(c.cities[0].node, c.now);
	assert_int_equal(cluster_publish(&c.cities[0], FEED_LANE_DOC, "text", NULL), 0);
	assert_true(cluster_run(&c, cluster_converged, NULL, 5000));
	cluster_deinit(&c);
}

/* ---- the peer is paused ---- */

/* What the node sends of what it is asked for, and pushes. */
static void while_paused(enum pause_code code, bool alerts)
{
	struct cluster c;
	struct script s;
	struct message_pull pulls[2] = {{.first_seq = 1}, {.first_seq = 1}};
	struct amendment_item item = {.kind = AMENDMENT_SUSPEND};
	cluster_init(&c, 3, 10 + code);
	cluster_found(&c);
	struct city *node = &c.cities[0];
	publish_each_lane(node);
	script_live(&s, node, &c.cities[1]);
	for (int i = 0; i < 2; i++)
		assert_int_equal(feed_id_of(&c.network_id, &node->city_id,
							 i == 0 ? FEED_LANE_DOC : FEED_LANE_ALERT, &pulls[i].feed_id),
			0);
	message_write_paused(&s.out, code, "no room");
	message_write_pull(&s.out, LIMIT_BULK_WINDOW_BYTES, pulls, 2);
	script_send(&s);
	assert_int_equal(cluster_publish(node, FEED_LANE_ALERT, "pushed", NULL), 0);
	item.city_id = c.cities[2].city_id;
	item.end.reason = bytes_from_text("seized");
	assert_int_equal(cluster_amend(node, &item, 1), 0);
	message_write_ping(&s.out, 1);
	script_send(&s);
	unsigned pushes = 0, served = 0, objects = 0, pongs = 0;
	while (script_next(&s)) {
		objects += s.message.type == MESSAGE_OBJECT;
		pongs += s.message.type == MESSAGE_PONG;
		if (s.message.type != MESSAGE_RUN)
			continue;
		assert_memory_equal(&s.message.run.feed_id, &pulls[1].feed_id, HASH_SIZE);
		if (s.message.run.flags & RUN_FLAG_PUSHED)
			pushes++;
		else
			served++;
	}
	assert_int_equal(pushes, alerts);
	assert_true(alerts ? served > 0 : served == 0);
	assert_int_equal(objects, 1);
	assert_int_equal(pongs, 1);
	message_write_resumed(&s.out);
	script_send(&s);
	bool doc = false, alert = false;
	while (script_seek(&s, MESSAGE_RUN)) {
		doc |= hash_equal(&s.message.run.feed_id, &pulls[0].feed_id);
		alert |= hash_equal(&s.message.run.feed_id, &pulls[1].feed_id);
	}
	assert_true(doc);
	assert_int_equal(alert, !alerts);
	script_close(&s);
	cluster_deinit(&c);
}

static void a_peer_with_a_full_disk_gets_alerts(void **state)
{
	(void)state;
	while_paused(PAUSE_FULL, true);
}

static void a_busy_peer_gets_objects_only(void **state)
{
	(void)state;
	while_paused(PAUSE_BUSY, false);
	while_paused(PAUSE_RECOVERING, false);
}

static void a_newcomer_is_told(void **state)
{
	(void)state;
	struct cluster c;
	struct script s;
	cluster_init(&c, 2, 5);
	cluster_found(&c);
	node_pause(c.cities[0].node, "the disk is full", c.now);
	script_open(&s, &c.cities[0], &c.cities[1]);
	script_hello(&s, 0);
	script_send(&s);
	assert_true(script_seek(&s, MESSAGE_PAUSED));
	assert_int_equal(s.message.reason.code, PAUSE_FULL);
	assert_true(bytes_equal_text(s.message.reason.text, "the disk is full"));
	node_resume(c.cities[0].node, c.now);
	cluster_pass(&c, 0);
	assert_true(script_seek(&s, MESSAGE_RESUMED));
	script_close(&s);
	cluster_deinit(&c);
}

/* ---- commits that find no room ---- */

/* Nobody announces it anew: it is the node's to ask again. The commit is answered before its pull
 * has ended, or after. */
static void a_feed_whose_commit_failed_is_pulled_again(void **state)
{
	(void)state;
	for (int i = 0; i < 2 * FEED_LANE_COUNT; i++) {
		struct cluster c;
		uint8_t lane = (uint8_t)(1 + i / 2);
		found_two(&c, 20 + (uint64_t)i);
		c.cities[1].fail_commits = 1;
		c.cities[1].hold_commits = i % 2;
		assert_int_equal(cluster_publish(&c.cities[0], lane, "text", NULL), 0);
		cluster_pass(&c, 200);
		assert_int_equal(c.cities[1].fail_commits, i % 2);
		c.cities[1].hold_commits = false;
		if (!cluster_run(&c, cluster_converged, NULL, 10000))
			fail_msg("lane %u is not pulled again", lane);
		assert_int_equal(c.cities[1].fail_commits, 0);
		assert_int_equal(c.cities[1].entries_seen, 1);
		assert_string_equal(c.cities[1].last_close, "");
		cluster_deinit(&c);
	}
}

static void an_own_entry_without_room_was_never_published(void **state)
{
	(void)state;
	struct cluster c;
	struct node_published published;
	found_two(&c, 30);
	c.cities[0].fail_commits = 1;
	assert_int_equal(cluster_publish(&c.cities[0], FEED_LANE_DOC, "lost", &published), ERROR_FULL);
	assert_int_equal(cluster_publish(&c.cities[0], FEED_LANE_DOC, "kept", &published), 0);
	assert_int_equal(published.seq, 1);
	assert_true(cluster_run(&c, cluster_converged, NULL, 10000));
	assert_int_equal(seq_of(&c.cities[1], &c.cities[0], FEED_LANE_DOC), 1);
	assert_string_equal(c.cities[1].last_close, "");
	cluster_deinit(&c);
}

/* A cut that was not written is made once there is room. */
static void a_cut_without_room_is_made_up_for(void **state)
{
	(void)state;
	struct cluster c;
	struct node_published published[2];
	struct amendment_item item = {.kind = AMENDMENT_SUSPEND};
	found_two(&c, 31);
	for (int i = 0; i < 2; i++)
		assert_int_equal(cluster_publish(&c.cities[0], FEED_LANE_DOC, "text", &published[i]), 0);
	assert_true(cluster_run(&c, cluster_converged, NULL, 10000));
	item.city_id = c.cities[0].city_id;
	item.end.reason = bytes_from_text("seized");
	item.end.has_cuts = true;
	item.end.epoch = 1;
	item.end.cuts[FEED_LANE_DOC - 1] = (struct epoch_cut){1, published[0].entry_hash};
	c.cities[1].fail_commits = 1; /* the cut's, which goes before the amendment's own */
	assert_int_equal(cluster_amend(&c.cities[1], &item, 1), 0);
	cluster_pass(&c, 1000);
	assert_int_equal(seq_of(&c.cities[1], &c.cities[0], FEED_LANE_DOC), 2);
	node_pause(c.cities[1].node, "the disk is full", c.now);
	node_resume(c.cities[1].node, c.now);
	cluster_pass(&c, 10);
	assert_int_equal(seq_of(&c.cities[1], &c.cities[0], FEED_LANE_DOC), 1);
	cluster_deinit(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_paused_node_takes_alerts_and_objects),
		cmocka_unit_test(a_paused_node_serves),
		cmocka_unit_test(a_paused_node_publishes_alerts_only),
		cmocka_unit_test(a_peer_with_a_full_disk_gets_alerts),
		cmocka_unit_test(a_busy_peer_gets_objects_only),
		cmocka_unit_test(a_newcomer_is_told),
		cmocka_unit_test(a_feed_whose_commit_failed_is_pulled_again),
		cmocka_unit_test(an_own_entry_without_room_was_never_published),
		cmocka_unit_test(a_cut_without_room_is_made_up_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
