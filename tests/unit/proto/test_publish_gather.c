/* SPDX-License-Identifier: Apache-2.0 */
/* What gathers into one commit, and how long the next one waits for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "feed/feed.h"
#include "tests/unit/proto/cluster.h"

static struct cluster cluster;
static struct city *city;
static struct node_published results[64];
static size_t published;

static void publish(size_t count, uint8_t lane)
{
	for (size_t i = 0; i < count; i++)
		assert_int_equal(cluster_publish_later(city, lane, "body", &results[published++]), 0);
	node_on_deadline(city->node, cluster.now);
}

/* The oldest commit is durable after `ms`; the next one, if there is any, is not. */
static void commit_after(int64_t ms)
{
	struct store_txn *txn;
	cluster_pass(&cluster, ms);
	assert_true(city->commit_count > 0);
	struct commit *commit = city->commits[0];
	memmove(city->commits, city->commits + 1, --city->commit_count * sizeof(city->commits[0]));
	assert_int_equal(store_begin(city->store, &txn), 0);
	assert_int_equal(commit_apply(commit, txn), 0);
	assert_int_equal(store_commit(txn), 0);
	node_on_committed(city->node, commit, cluster.now);
	node_on_deadline(city->node, cluster.now);
}

static int setup(void **state)
{
	(void)state;
	cluster_init(&cluster, 1, 7);
	/* Commits are counted here. */
	cluster_node_stop(&cluster.cities[0]);
	cluster.cities[0].no_beacons = true;
	cluster_node_start(&cluster.cities[0]);
	cluster_found(&cluster);
	cluster_pass(&cluster, 100);
	city = &cluster.cities[0];
	city->hold_commits = true;
	published = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	city->hold_commits = false;
	cluster_pass(&cluster, 100);
	for (size_t i = 0; i < published; i++)
		assert_int_equal(results[i].code, 0);
	cluster_deinit(&cluster);
	return 0;
}

static void test_gathers_behind_a_commit(void **state)
{
	(void)state;
	publish(1, FEED_LANE_DOC);
	assert_int_equal(city->commit_count, 1);
	publish(5, FEED_LANE_DOC);
	publish(5, FEED_LANE_DOC);
	assert_int_equal(city->commit_count, 1);
	commit_after(0);
	assert_int_equal(city->commit_count, 1);
	assert_int_equal(city->commits[0]->ops[0].count, 10);
}

static void test_waits_for_those_answered(void **state)
{
	(void)state;
	publish(4, FEED_LANE_DOC);
	publish(3, FEED_LANE_DOC);
	commit_after(20);
	/* Four were answered, three wait: for the four, 5 ms at most. */
	assert_int_equal(city->commit_count, 0);
	publish(3, FEED_LANE_DOC);
	assert_int_equal(city->commit_count, 0);
	publish(1, FEED_LANE_DOC);
	assert_int_equal(city->commit_count, 1);
	assert_int_equal(city->commits[0]->ops[0].count, 7);
	/* They do not come again. */
	commit_after(20);
	publish(1, FEED_LANE_DOC);
	assert_int_equal(city->commit_count, 0);
	cluster_pass(&cluster, 4);
	assert_int_equal(city->commit_count, 0);
	cluster_pass(&cluster, 1);
	assert_int_equal(city->commit_count, 1);
}

static void test_does_not_wait(void **state)
{
	(void)state;
	/* A lone client, however slow the disk. */
	publish(1, FEED_LANE_DOC);
	commit_after(50);
	publish(1, FEED_LANE_DOC);
	assert_int_equal(city->commit_count, 1);
	commit_after(50);
	/* A quick disk. */
	publish(4, FEED_LANE_DOC);
	publish(1, FEED_LANE_DOC);
	commit_after(3);
	assert_int_equal(city->commit_count, 1);
	commit_after(50);
	/* Alerts. */
	publish(4, FEED_LANE_ALERT);
	publish(1, FEED_LANE_ALERT);
	commit_after(50);
	assert_int_equal(city->commit_count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_gathers_behind_a_commit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_waits_for_those_answered, setup, teardown),
		cmocka_unit_test_setup_teardown(test_does_not_wait, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
