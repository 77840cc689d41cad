/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above first. */
#include <cmocka.h>

#include "feed/feed.h"
#include "tests/unit/proto/cluster.h"

/* Nodes of one process that hold the same charter once, and no longer once it differs. */

#define NODES 3

static const struct roster *roster_of(const struct city *city)
{
	return node_network_roster(city->node, 0);
}

/* Cities b and c start again with copies of a's store, and its charter. */
static void begin(struct cluster *c, bool share)
{
	cluster_init(c, NODES, 5);
	cluster_found(c);
	struct store_snapshot *copy = store_memory_copy(c->cities[0].store);
	assert_non_null(copy);
	for (size_t i = 1; i < NODES; i++) {
		struct city *city = &c->cities[i];
		cluster_node_stop(city);
		store_memory_restore(city->store, copy);
		city->charters_of = share ? c->cities[0].node : NULL;
		cluster_node_start(city);
	}
	store_snapshot_free(copy);
}

static void test_shared_until_it_changes(void **state)
{
	static struct cluster c;
	(void)state;
	begin(&c, true);
	assert_ptr_equal(roster_of(&c.cities[1]), roster_of(&c.cities[0]));
	assert_ptr_equal(roster_of(&c.cities[2]), roster_of(&c.cities[0]));
	struct amendment_item item = {.kind = AMENDMENT_SUSPEND, .city_id = c.cities[2].city_id};
	item.end.reason = bytes_from_text("seized");
	assert_int_equal(cluster_amend(&c.cities[1], &item, 1), 0);
	/* Who learnt of it has its own; the others still share what was before. */
	assert_ptr_not_equal(roster_of(&c.cities[1]), roster_of(&c.cities[0]));
	assert_ptr_equal(roster_of(&c.cities[2]), roster_of(&c.cities[0]));
	assert_int_equal(roster_number(roster_of(&c.cities[1])), 1);
	assert_int_equal(roster_number(roster_of(&c.cities[0])), 0);
	assert_int_equal(roster_active_count(roster_of(&c.cities[1])), NODES - 1);
	assert_int_equal(roster_active_count(roster_of(&c.cities[0])), NODES);
	/* And tells it: who is linked has it then, and one's own, too. */
	cluster_connect(&c, &c.cities[0], &c.cities[1]);
	cluster_pass(&c, 2000);
	assert_int_equal(roster_number(roster_of(&c.cities[0])), 1);
	assert_ptr_not_equal(roster_of(&c.cities[2]), roster_of(&c.cities[0]));
	assert_int_equal(roster_number(roster_of(&c.cities[2])), 0);
	cluster_deinit(&c);
}

/* What another has said of the charter already makes nobody copy it. */
static void test_known_objects_change_nothing(void **state)
{
	static struct cluster c;
	(void)state;
	begin(&c, true);
	struct bytes wire;
	struct hash hash;
	assert_int_equal(roster_amendment(roster_of(&c.cities[0]), 0, &wire, &hash), 0);
	assert_int_equal(
		node_object_submit(c.cities[1].node, &c.network_id, wire, NULL, NULL, c.now), ERROR_EXISTS);
	assert_ptr_equal(roster_of(&c.cities[1]), roster_of(&c.cities[0]));
	/* The first that ends leaves it to the others. */
	cluster_node_stop(&c.cities[0]);
	assert_int_equal(roster_active_count(roster_of(&c.cities[1])), NODES);
	c.cities[0].charters_of = c.cities[1].node;
	cluster_node_start(&c.cities[0]);
	assert_ptr_equal(roster_of(&c.cities[1]), roster_of(&c.cities[0]));
	cluster_deinit(&c);
}

static bool all_hold(struct cluster *c, void *ctx)
{
	const uint64_t *seq = ctx;
	for (size_t i = 0; i < c->count; i++) {
		struct node_feed feed = {0};
		if (!cluster_feed(&c->cities[i], &c->cities[1], FEED_LANE_DOC, &feed) || feed.seq != *seq)
			return false;
	}
	return true;
}

/* A member's feed is there before anything of it is held; nobody's is not. */
static void test_feeds_are_made_when_asked_for(void **state)
{
	static struct cluster c;
	struct node_feed feed;
	struct node_published published;
	struct hash feed_id, nobody = {{7}};
	uint64_t seq = 1;
	(void)state;
	begin(&c, true);
	assert_true(cluster_feed(&c.cities[0], &c.cities[1], FEED_LANE_DOC, &feed));
	assert_int_equal(feed.seq, 0);
	assert_int_equal(feed.lane, FEED_LANE_DOC);
	assert_memory_equal(&feed.city_id, &c.cities[1].city_id, sizeof feed.city_id);
	assert_int_equal(feed_id_of(&c.network_id, &nobody, FEED_LANE_DOC, &feed_id), 0);
	assert_false(node_feed_find(c.cities[0].node, &feed_id, &feed));
	cluster_connect(&c, &c.cities[0], &c.cities[1]);
	cluster_connect(&c, &c.cities[0], &c.cities[2]);
	assert_int_equal(cluster_publish(&c.cities[1], FEED_LANE_DOC, "hello", &published), 0);
	assert_true(cluster_run(&c, all_hold, &seq, 20000));
	cluster_deinit(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shared_until_it_changes),
		cmocka_unit_test(test_known_objects_change_nothing),
		cmocka_unit_test(test_feeds_are_made_when_asked_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
