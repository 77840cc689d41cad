/* SPDX-License-Identifier: Apache-2.0 */
/* A city that signs two histories: whoever meets both proves it, and nobody else is blamed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "charter/object.h"
#include "feed/fork_proof.h"
#include "proto/message.h"
#include "tests/unit/proto/cluster.h"

/* The equivocating city, two that hear one of its histories, two that hear the other. */
enum {
	E,
	X1,
	X2,
	Y1,
	Y2,
	CITIES
};

struct shape {
	uint8_t lane;
	unsigned common, x, y; /* entries */
};

static void publish(struct cluster *c, const struct shape *shape, unsigned count, const char *what)
{
	struct node_published results[2048];
	char text[64];
	assert_true(count <= 2048);
	for (unsigned i = 0; i < count; i++) {
		snprintf(text, sizeof text, "%s %u", what, i);
		assert_int_equal(cluster_publish_later(&c->cities[E], shape->lane, text, &results[i]), 0);
	}
	cluster_pass(c, 300);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(results[i].code, 0);
}

/* E tells X1 and X2 one history, and after its disk was put back Y1 and Y2 another. All links of E
 * are down at the end, the halves have not met. */
static void equivocate(struct cluster *c, const struct shape *shape)
{
	struct city *e = &c->cities[E];
	cluster_init(c, CITIES, 3);
	cluster_found(c);
	cluster_connect(c, &c->cities[X1], &c->cities[X2]);
	cluster_connect(c, &c->cities[Y1], &c->cities[Y2]);
	cluster_connect(c, e, &c->cities[X1]);
	cluster_connect(c, e, &c->cities[Y1]);
	publish(c, shape, shape->common, "common");
	cluster_pass(c, 1000);
	assert_true(cluster_converged(c, NULL));
	cluster_disconnect(c, e, &c->cities[X1]);
	cluster_disconnect(c, e, &c->cities[Y1]);
	cluster_pass(c, 100);
	struct store_snapshot *disk = store_memory_copy(e->store);
	assert_non_null(disk);
	cluster_connect(c, e, &c->cities[X1]);
	publish(c, shape, shape->x, "x");
	cluster_pass(c, 1000);
	cluster_node_stop(e);
	store_memory_restore(e->store, disk);
	store_snapshot_free(disk);
	cluster_node_start(e);
	cluster_connect(c, e, &c->cities[Y1]);
	publish(c, shape, shape->y, "y");
	cluster_pass(c, 1000);
	cluster_disconnect(c, e, &c->cities[Y1]);
	cluster_pass(c, 100);
}

static uint64_t seq_at(struct city *at, uint8_t lane)
{
	struct node_feed feed;
	return cluster_feed(at, &at->cluster->cities[E], lane, &feed) ? feed.seq : 0;
}

static bool frozen_at(struct city *at, uint8_t lane)
{
	struct node_feed feed;
	return cluster_feed(at, &at->cluster->cities[E], lane, &feed) && feed.frozen;
}

/* Every city has one and the same proof, of this common entry, and verifies it. */
static void all_have_the_proof(struct cluster *c, const struct shape *shape, size_t from)
{
	struct bytes first = {NULL, 0};
	for (size_t i = from; i < c->count; i++) {
		const struct roster *roster = node_network_roster(c->cities[i].node, 0);
		uint64_t common = UINT64_MAX;
		struct bytes wire;
		struct control_object object;
		struct fork_proof proof;
		struct hasher hasher;
		assert_true(roster_fork(roster, &c->cities[E].city_id, shape->lane, &common, &wire));
		assert_int_equal(common, shape->common);
		assert_true(frozen_at(&c->cities[i], shape->lane));
		if (first.len)
			assert_true(bytes_equal(first, wire));
		first = wire;
		assert_int_equal(hasher_init(&hasher), 0);
		assert_int_equal(object_decode(wire, &object), 0);
		assert_int_equal(fork_proof_decode(object.body, &proof), 0);
		assert_int_equal(fork_proof_verify(&hasher, &proof), 0);
		hasher_deinit(&hasher);
	}
}

static void nobody_was_blamed(struct cluster *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (strstr(c->cities[i].last_close, "rule") || strstr(c->cities[i].last_close, "chain"))
			fail_msg("%s: %s", c->cities[i].slug, c->cities[i].last_close);
}

static void meet(const struct shape *shape)
{
	struct cluster c;
	equivocate(&c, shape);
	for (size_t i = X1; i < CITIES; i++)
		assert_false(frozen_at(&c.cities[i], shape->lane));
	assert_int_equal(seq_at(&c.cities[X2], shape->lane), shape->common + shape->x);
	assert_int_equal(seq_at(&c.cities[Y2], shape->lane), shape->common + shape->y);
	cluster_connect(&c, &c.cities[X2], &c.cities[Y2]);
	cluster_pass(&c, 20000);
	all_have_the_proof(&c, shape, X1);
	nobody_was_blamed(&c);
	/* A restart keeps it, and the city itself learns of it. */
	cluster_node_stop(&c.cities[Y1]);
	cluster_node_start(&c.cities[Y1]);
	all_have_the_proof(&c, shape, X1);
	cluster_connect(&c, &c.cities[E], &c.cities[X1]);
	cluster_pass(&c, 5000);
	all_have_the_proof(&c, shape, E);
	cluster_deinit(&c);
}

static void documents(void **state)
{
	(void)state;
	meet(&(struct shape){FEED_LANE_DOC, 3, 2, 1});
}

static void documents_of_one_length(void **state)
{
	(void)state;
	meet(&(struct shape){FEED_LANE_DOC, 3, 2, 2});
}

static void documents_from_the_first_on(void **state)
{
	(void)state;
	meet(&(struct shape){FEED_LANE_DOC, 0, 2, 3});
}

static void alerts(void **state)
{
	(void)state;
	meet(&(struct shape){FEED_LANE_ALERT, 3, 1, 2});
}

static void alerts_of_one_length(void **state)
{
	(void)state;
	meet(&(struct shape){FEED_LANE_ALERT, 42, 1, 1});
}

static void alerts_far_back(void **state)
{
	(void)state;
	meet(&(struct shape){FEED_LANE_ALERT, 7, 150, 130});
}

/* Behind the common entry both histories have checkpoints of their own. */
static void documents_far_back(void **state)
{
	(void)state;
	meet(&(struct shape){FEED_LANE_DOC, 700, 1400, 1900});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documents),
		cmocka_unit_test(documents_of_one_length),
		cmocka_unit_test(documents_from_the_first_on),
		cmocka_unit_test(alerts),
		cmocka_unit_test(alerts_of_one_length),
		cmocka_unit_test(alerts_far_back),
		cmocka_unit_test(documents_far_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
