/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "charter/amendment.h"
#include "tests/unit/proto/cluster.h"

static void each(void *ctx, const struct node_peer *p)
{
	*(struct node_peer *)ctx = *p;
}

static void alert_reaches_all(void **state)
{
	(void)state;
	struct cluster c;
	cluster_init(&c, 3, 1);
	cluster_found(&c);
	cluster_connect(&c, &c.cities[0], &c.cities[1]);
	cluster_connect(&c, &c.cities[1], &c.cities[2]);
	cluster_pass(&c, 100);
	struct node_published published;
	assert_int_equal(cluster_publish(&c.cities[0], FEED_LANE_ALERT, "an alert", &published), 0);
	assert_int_equal(published.seq, 1);
	assert_true(cluster_run(&c, cluster_converged, NULL, 1000));
	struct node_feed feed;
	assert_true(cluster_feed(&c.cities[2], &c.cities[0], FEED_LANE_ALERT, &feed));
	assert_int_equal(feed.seq, 1);
	assert_memory_equal(&feed.entry_hash, &published.entry_hash, sizeof feed.entry_hash);
	assert_int_equal(c.cities[2].entries_seen, 1);
	cluster_deinit(&c);
}

static void backlog_is_caught_up(void **state)
{
	(void)state;
	struct cluster c;
	cluster_init(&c, 3, 2);
	cluster_found(&c);
	static char body[1025];
	memset(body, 'x', 1024);
	static struct node_published results[3000];
	for (int i = 0; i < 3000; i++)
		assert_int_equal(cluster_publish_later(&c.cities[0],
							 i % 3 == 0 ? FEED_LANE_CALL : FEED_LANE_DOC, body, &results[i]),
			0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(cluster_publish(&c.cities[0], FEED_LANE_ALERT, "alert", NULL), 0);
	cluster_pass(&c, 10);
	for (int i = 0; i < 3000; i++)
		assert_int_equal(results[i].code, 0);
	cluster_connect(&c, &c.cities[0], &c.cities[1]);
	cluster_connect(&c, &c.cities[1], &c.cities[2]);
	assert_true(cluster_run(&c, cluster_converged, NULL, 60000));
	struct node_feed feed;
	assert_true(cluster_feed(&c.cities[2], &c.cities[0], FEED_LANE_DOC, &feed));
	assert_int_equal(feed.seq, 2000);
	cluster_deinit(&c);
}

static void reconnect_with_nothing_new_is_small(void **state)
{
	(void)state;
	struct cluster c;
	cluster_init(&c, 2, 3);
	cluster_found(&c);
	cluster_connect(&c, &c.cities[0], &c.cities[1]);
	assert_int_equal(cluster_publish(&c.cities[0], FEED_LANE_DOC, "a document", NULL), 0);
	assert_true(cluster_run(&c, cluster_converged, NULL, 5000));
	cluster_pass(&c, 2000);
	cluster_disconnect(&c, &c.cities[0], &c.cities[1]);
	cluster_connect(&c, &c.cities[0], &c.cities[1]);
	cluster_pass(&c, 1000);
	struct node_peer peer = {0};
	node_each_peer(c.cities[0].node, each, &peer);
	assert_int_equal(peer.state, LINK_LIVE);
	assert_true(peer.sent_bytes + peer.received_bytes <= 512);
	cluster_deinit(&c);
}

static void restart_goes_on(void **state)
{
	(void)state;
	struct cluster c;
	cluster_init(&c, 2, 4);
	cluster_found(&c);
	cluster_connect(&c, &c.cities[0], &c.cities[1]);
	assert_int_equal(cluster_publish(&c.cities[0], FEED_LANE_DOC, "one", NULL), 0);
	assert_true(cluster_run(&c, cluster_converged, NULL, 5000));
	cluster_node_stop(&c.cities[0]);
	cluster_pass(&c, 100);
	cluster_node_start(&c.cities[0]);
	struct node_published published;
	assert_int_equal(cluster_publish(&c.cities[0], FEED_LANE_DOC, "two", &published), 0);
	assert_int_equal(published.seq, 2);
	cluster_connect(&c, &c.cities[0], &c.cities[1]);
	assert_true(cluster_run(&c, cluster_converged, NULL, 5000));
	cluster_deinit(&c);
}

static void own_feed_is_taken_back_first(void **state)
{
	(void)state;
	struct cluster c;
	cluster_init(&c, 2, 5);
	cluster_found(&c);
	struct city *a = &c.cities[0];
	struct store_snapshot *old = store_memory_copy(a->store);
	cluster_connect(&c, a, &c.cities[1]);
	for (int i = 0; i < 10; i++)
		assert_int_equal(cluster_publish(a, FEED_LANE_DOC, "text", NULL), 0);
	assert_true(cluster_run(&c, cluster_converged, NULL, 5000));
	/* The store is put back behind the node's back. */
	cluster_node_stop(a);
	store_memory_restore(a->store, old);
	cluster_node_start(a);
	struct node_guard_head guard = {.network_id = c.network_id, .epoch = 1};
	guard.lanes[FEED_LANE_DOC - 1].seq = 10;
	node_set_guard(a->node, &guard, c.now);
	const char *why;
	assert_int_equal(node_publishing(a->node, &why), NODE_PUBLISHING_RECOVERING);
	struct node_published published;
	assert_int_equal(cluster_publish_later(a, FEED_LANE_DOC, "eleven", &published), 0);
	cluster_pass(&c, 100);
	assert_int_equal(published.code, 1);
	cluster_connect(&c, a, &c.cities[1]);
	assert_true(cluster_run(&c, cluster_converged, NULL, 10000));
	cluster_pass(&c, 3000);
	assert_int_equal(published.code, 0);
	assert_int_equal(published.seq, 11);
	assert_true(cluster_run(&c, cluster_converged, NULL, 10000));
	store_snapshot_free(old);
	cluster_deinit(&c);
}

static void suspended_city_is_cut(void **state)
{
	(void)state;
	struct cluster c;
	cluster_init(&c, 3, 6);
	cluster_found(&c);
	cluster_connect(&c, &c.cities[0], &c.cities[1]);
	cluster_connect(&c, &c.cities[1], &c.cities[2]);
	cluster_pass(&c, 100);
	struct amendment_item item = {.kind = AMENDMENT_SUSPEND};
	item.city_id = c.cities[2].city_id;
	item.end.reason = bytes_from_text("seized");
	assert_int_equal(cluster_amend(&c.cities[0], &item, 1), 0);
	cluster_pass(&c, 1000);
	struct node_peer peer = {0};
	node_each_peer(c.cities[2].node, each, &peer);
	assert_true(peer.state != LINK_LIVE);
	assert_non_null(strstr(c.cities[1].last_close, "suspended"));
	/* It learns of it: the amendment goes out before the link is cut. */
	const struct roster_member *itself =
		roster_member_by_city(node_network_roster(c.cities[2].node, 0), &c.cities[2].city_id);
	assert_int_equal(itself->status, MEMBER_SUSPENDED);
	assert_int_equal(cluster_publish(&c.cities[2], FEED_LANE_DOC, "text", NULL), ERROR_NOT_MEMBER);
	cluster_deinit(&c);
}

/* Flips a bit in a frame that carries an entry of city a through city b. */
static void flip(void *ctx, struct city *from, struct city *to, struct buffer *bytes)
{
	struct cluster *c = ctx;
	if (from != &c->cities[1] || to != &c->cities[2])
		return;
	for (size_t i = 0; i + 9 <= bytes->len; i++)
		if (memcmp(bytes->data + i, "the truth", 9) == 0)
			bytes->data[i + 4] ^= 1;
}

static void altering_relay_is_named(void **state)
{
	(void)state;
	struct cluster c;
	cluster_init(&c, 3, 7);
	cluster_found(&c);
	c.tamper = flip;
	c.tamper_ctx = &c;
	cluster_connect(&c, &c.cities[0], &c.cities[1]);
	cluster_connect(&c, &c.cities[1], &c.cities[2]);
	cluster_pass(&c, 100);
	assert_int_equal(cluster_publish(&c.cities[0], FEED_LANE_DOC, "this is the truth", NULL), 0);
	cluster_pass(&c, 3000);
	struct node_feed feed;
	assert_true(cluster_feed(&c.cities[2], &c.cities[0], FEED_LANE_DOC, &feed));
	assert_int_equal(feed.seq, 0);
	assert_non_null(strstr(c.cities[2].last_close, "chain"));
	/* Intact through another peer. */
	cluster_connect(&c, &c.cities[0], &c.cities[2]);
	assert_true(cluster_run(&c, cluster_converged, NULL, 10000));
	cluster_deinit(&c);
}

static void sink(void *ctx, enum log_level level, const char *line, size_t len)
{
	(void)ctx;
	(void)level;
	fprintf(stderr, "%.*s\n", (int)len, line);
}

/* A draft alone, nothing else going on: the node asks to be called at once, not at the next
 * ping. */
static void draft_does_not_wait_for_other_work(void **state)
{
	(void)state;
	struct cluster c;
	cluster_init(&c, 2, 8);
	cluster_found(&c);
	cluster_connect(&c, &c.cities[0], &c.cities[1]);
	cluster_pass(&c, 100);
	struct node_published result;
	assert_int_equal(cluster_publish_later(&c.cities[0], FEED_LANE_DOC, "text", &result), 0);
	assert_true(node_deadline(c.cities[0].node).us <= c.now.mono.us);
	cluster_pass(&c, 10);
	assert_int_equal(result.code, 0);
	assert_true(node_deadline(c.cities[0].node).us > c.now.mono.us);
	cluster_deinit(&c);
}

int main(void)
{
	if (getenv("HANSA_TEST_LOG"))
		log_set_sink(sink, NULL);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alert_reaches_all),
		cmocka_unit_test(backlog_is_caught_up),
		cmocka_unit_test(reconnect_with_nothing_new_is_small),
		cmocka_unit_test(restart_goes_on),
		cmocka_unit_test(own_feed_is_taken_back_first),
		cmocka_unit_test(suspended_city_is_cut),
		cmocka_unit_test(altering_relay_is_named),
		cmocka_unit_test(draft_does_not_wait_for_other_work),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
