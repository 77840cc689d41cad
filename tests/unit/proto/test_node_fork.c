/* SPDX-License-Identifier: Apache-2.0 */
/* A city that signs two histories: whoever meets both proves it, and nobody else is blamed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "charter/draft.h"
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
static void equivocate_with(struct cluster *c, const struct shape *shape, size_t later)
{
	struct city *e = &c->cities[E];
	cluster_init(c, CITIES + later, 3);
	c->count = CITIES; /* those that come later are not there yet */
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

static void equivocate(struct cluster *c, const struct shape *shape)
{
	equivocate_with(c, shape, 0);
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

static void count_bytes(void *ctx, struct city *from, struct city *to, struct buffer *bytes)
{
	(void)from;
	(void)to;
	*(size_t *)ctx += bytes->len;
}

/* Whichever history they hold, their digests agree: a new link has nothing to tell. */
static void digests_agree_while_it_is_frozen(void **state)
{
	(void)state;
	struct cluster c;
	struct shape shape = {FEED_LANE_DOC, 3, 20, 30};
	size_t bytes = 0;
	equivocate(&c, &shape);
	cluster_connect(&c, &c.cities[X2], &c.cities[Y2]);
	cluster_pass(&c, 20000);
	all_have_the_proof(&c, &shape, X1);
	cluster_disconnect(&c, &c.cities[X2], &c.cities[Y2]);
	cluster_pass(&c, 100);
	c.tamper = count_bytes;
	c.tamper_ctx = &bytes;
	cluster_connect(&c, &c.cities[X2], &c.cities[Y2]);
	cluster_pass(&c, 1000);
	assert_in_range(bytes, 200, 512);
	/* Both still have what they had: the key that signed both takes nothing away. */
	assert_int_equal(seq_at(&c.cities[X2], shape.lane), 23);
	assert_int_equal(seq_at(&c.cities[Y2], shape.lane), 33);
	cluster_deinit(&c);
}

/* Who comes later takes what both histories have in common, and no more alerts than that. */
static void a_newcomer_takes_the_common_part(void **state)
{
	(void)state;
	struct cluster c;
	struct shape shape = {FEED_LANE_ALERT, 5, 2, 3};
	struct node_feed feed;
	equivocate_with(&c, &shape, 1);
	cluster_connect(&c, &c.cities[X2], &c.cities[Y2]);
	cluster_pass(&c, 20000);
	all_have_the_proof(&c, &shape, X1);
	c.count = CITIES + 1;
	struct city *late = &c.cities[CITIES];
	cluster_admit(&c.cities[X1], late, true);
	cluster_connect(&c, late, &c.cities[X1]);
	cluster_connect(&c, late, &c.cities[Y1]);
	cluster_pass(&c, 10000);
	all_have_the_proof(&c, &shape, X1);
	assert_int_equal(seq_at(late, shape.lane), shape.common);
	assert_true(cluster_feed(late, &c.cities[E], shape.lane, &feed));
	assert_int_equal(feed.forked_from, shape.common + 1);
	nobody_was_blamed(&c);
	cluster_deinit(&c);
}

/* ---- the next epoch ---- */

/* E's next record, whose cut in the lane is given. */
static void renew_at(struct cluster *c, uint8_t lane, const struct epoch_cut *cut)
{
	struct epoch_cut cuts[EPOCH_LANES] = {{0}};
	cuts[lane - 1] = *cut;
	cluster_renew_at(&c->cities[E], 78, cuts, EPOCH_REASON_THAW);
}

static void cut_of(struct city *at, uint8_t lane, uint64_t seq, struct epoch_cut *cut)
{
	struct hash feed_id;
	cut->seq = seq;
	cut->hash = (struct hash){{0}};
	assert_int_equal(
		feed_id_of(&at->cluster->network_id, &at->cluster->cities[E].city_id, lane, &feed_id), 0);
	if (seq)
		assert_int_equal(store_entry_hash(at->store, &feed_id, seq, &cut->hash), 0);
}

/* The cut is drawn where `chosen` stands, after `seq` entries: all take that history. */
static void thaw(const struct shape *shape, size_t chosen, uint64_t seq, bool restart)
{
	struct cluster c;
	struct epoch_cut cut;
	equivocate(&c, shape);
	cluster_connect(&c, &c.cities[X2], &c.cities[Y2]);
	cluster_pass(&c, 20000);
	cut_of(&c.cities[chosen], shape->lane, seq, &cut);
	cluster_connect(&c, &c.cities[E], &c.cities[X1]);
	cluster_connect(&c, &c.cities[E], &c.cities[Y1]);
	cluster_pass(&c, 2000);
	all_have_the_proof(&c, shape, E);
	assert_int_equal(cluster_publish(&c.cities[E], shape->lane, "still frozen", NULL), ERROR_FORK);
	renew_at(&c, shape->lane, &cut);
	cluster_pass(&c, 10);
	if (restart) {
		cluster_node_stop(&c.cities[X2]);
		cluster_node_start(&c.cities[X2]);
		cluster_connect(&c, &c.cities[X1], &c.cities[X2]);
		cluster_connect(&c, &c.cities[X2], &c.cities[Y2]);
	}
	cluster_connect(&c, &c.cities[E], &c.cities[X1]);
	cluster_connect(&c, &c.cities[E], &c.cities[Y1]);
	assert_true(cluster_run(&c, cluster_converged, NULL, 60000));
	for (size_t i = 0; i < c.count; i++) {
		struct epoch_cut held;
		assert_false(frozen_at(&c.cities[i], shape->lane));
		assert_int_equal(seq_at(&c.cities[i], shape->lane), seq);
		cut_of(&c.cities[i], shape->lane, seq, &held);
		assert_true(hash_equal(&held.hash, &cut.hash));
	}
	assert_int_equal(cluster_publish(&c.cities[E], shape->lane, "goes on", NULL), 0);
	assert_true(cluster_run(&c, cluster_converged, NULL, 10000));
	for (size_t i = 0; i < c.count; i++)
		assert_int_equal(seq_at(&c.cities[i], shape->lane), seq + 1);
	nobody_was_blamed(&c);
	cluster_deinit(&c);
}

static void thawed_with_the_citys_own_history(void **state)
{
	(void)state;
	thaw(&(struct shape){FEED_LANE_DOC, 3, 2, 4}, Y1, 7, false);
	thaw(&(struct shape){FEED_LANE_DOC, 3, 4, 2}, Y1, 5, false);
	thaw(&(struct shape){FEED_LANE_DOC, 3, 4, 4}, Y1, 7, true);
	thaw(&(struct shape){FEED_LANE_ALERT, 3, 2, 4}, Y1, 6, true);
}

static void thawed_with_the_other_history(void **state)
{
	(void)state;
	thaw(&(struct shape){FEED_LANE_DOC, 3, 4, 2}, X1, 7, true);
	thaw(&(struct shape){FEED_LANE_DOC, 3, 2, 4}, X1, 5, false);
	thaw(&(struct shape){FEED_LANE_ALERT, 3, 4, 4}, X1, 7, false);
	thaw(&(struct shape){FEED_LANE_DOC, 0, 3, 3}, X1, 3, false);
}

static void thawed_at_the_common_entry(void **state)
{
	(void)state;
	thaw(&(struct shape){FEED_LANE_DOC, 3, 4, 2}, X1, 3, false);
	thaw(&(struct shape){FEED_LANE_ALERT, 3, 4, 2}, X1, 3, false);
	thaw(&(struct shape){FEED_LANE_DOC, 0, 4, 2}, X1, 0, true);
}

/* The checkpoint rule goes on counting across the place that the feed went back to. */
static void thawed_far_back(void **state)
{
	(void)state;
	thaw(&(struct shape){FEED_LANE_DOC, 700, 1400, 1200}, X1, 2100, true);
	thaw(&(struct shape){FEED_LANE_DOC, 300, 500, 700}, Y1, 1000, true);
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
		cmocka_unit_test(digests_agree_while_it_is_frozen),
		cmocka_unit_test(a_newcomer_takes_the_common_part),
		cmocka_unit_test(thawed_with_the_citys_own_history),
		cmocka_unit_test(thawed_with_the_other_history),
		cmocka_unit_test(thawed_at_the_common_entry),
		cmocka_unit_test(thawed_far_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
