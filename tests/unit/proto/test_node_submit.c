/* SPDX-License-Identifier: Apache-2.0 */
/* What a city's own officers submit: an amendment that comes second is told so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "charter/draft.h"
#include "proto/limits.h"
#include "tests/unit/proto/cluster.h"

static void on_done(void *ctx, int code, const struct hash *object_hash, uint64_t arrival)
{
	(void)object_hash;
	(void)arrival;
	*(int *)ctx = code;
}

/* The next amendment of this city's charter, signed. */
static void make(struct city *at, const char *value, struct buffer *wire)
{
	struct cluster *c = at->cluster;
	struct amendment_item item = {.kind = AMENDMENT_POLICY};
	struct buffer body;
	item.policy.key = bytes_from_text("language");
	item.policy.value = bytes_from_text(value);
	buffer_init(&body, LIMIT_OBJECT_BYTES);
	buffer_init(wire, LIMIT_OBJECT_BYTES);
	assert_int_equal(draft_amendment(node_network_roster(at->node, 0), &item, 1,
						 (uint64_t)c->now.wall.ms, &body),
		0);
	assert_int_equal(draft_seal_by(OBJECT_AMENDMENT, buffer_bytes(&body), c->officer, wire), 0);
	buffer_deinit(&body);
}

static int submit(struct city *at, const struct buffer *wire)
{
	struct cluster *c = at->cluster;
	int code = 1;
	int refused = node_object_submit(
		at->node, &c->network_id, buffer_bytes(wire), on_done, &code, c->now);
	cluster_pass(c, 100);
	return refused ? refused : code;
}

static const struct roster *roster(const struct city *city)
{
	return node_network_roster(city->node, 0);
}

static void the_second_of_two_is_told(void **state)
{
	(void)state;
	struct cluster c;
	struct buffer one, other;
	cluster_init(&c, 2, 21);
	cluster_found(&c);
	struct city *a = &c.cities[0], *b = &c.cities[1];
	cluster_connect(&c, a, b);
	cluster_pass(&c, 100);
	make(a, "en", &one);
	make(a, "hu", &other);
	assert_int_equal(submit(a, &one), 0);
	assert_int_equal(submit(a, &other), ERROR_CHARTER_RIVAL);
	assert_int_equal(submit(a, &one), ERROR_EXISTS);
	assert_int_equal(submit(b, &other), ERROR_CHARTER_RIVAL);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(roster_number(roster(&c.cities[i])), 1);
		assert_null(roster_rival_at(roster(&c.cities[i]), 0));
	}
	buffer_deinit(&one);
	buffer_deinit(&other);
	cluster_deinit(&c);
}

static void on_peer(void *ctx, const struct node_peer *peer)
{
	*(uint64_t *)ctx = peer->acked_arrival;
}

/* An upload has an arrival number, and no entry yet: the peers' acknowledgements pass it too. */
static void what_the_daemon_commits_itself(void **state)
{
	(void)state;
	struct cluster c;
	struct store_info info;
	struct store_txn *txn;
	uint64_t acked = 0;
	cluster_init(&c, 2, 25);
	cluster_found(&c);
	struct city *a = &c.cities[0];
	cluster_connect(&c, a, &c.cities[1]);
	cluster_pass(&c, 1000);
	struct commit *commit = commit_new(COMMIT_URGENT);
	assert_non_null(commit);
	struct commit_op *op = commit_add(commit, COMMIT_ATTACHMENT_BEGIN);
	assert_non_null(op);
	op->hash.bytes[0] = 7;
	op = commit_add(commit, COMMIT_ATTACHMENT_COMPLETE);
	assert_non_null(op);
	op->hash.bytes[0] = 7;
	assert_int_equal(store_begin(a->store, &txn), 0);
	assert_int_equal(commit_apply(commit, txn), 0);
	assert_int_equal(store_commit(txn), 0);
	node_arrived(a->node, commit, c.now);
	commit_free(commit);
	cluster_pass(&c, 200);
	assert_int_equal(store_info(a->store, &info), 0);
	node_each_peer(a->node, on_peer, &acked);
	assert_int_equal(acked, info.newest.arrival);
	cluster_deinit(&c);
}

/* Where each was first at another city, both are shown at both, and nobody is dropped. */
static void two_that_meet_are_shown(void **state)
{
	(void)state;
	struct cluster c;
	struct buffer one, other;
	cluster_init(&c, 2, 22);
	cluster_found(&c);
	struct city *a = &c.cities[0], *b = &c.cities[1];
	make(a, "en", &one);
	make(b, "hu", &other);
	assert_int_equal(submit(a, &one), 0);
	assert_int_equal(submit(b, &other), 0);
	cluster_connect(&c, a, b);
	cluster_pass(&c, 2000);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(roster_number(roster(&c.cities[i])), 1);
		assert_non_null(roster_rival_at(roster(&c.cities[i]), 0));
	}
	assert_int_equal(cluster_publish(a, 3, "they still exchange", NULL), 0);
	struct node_feed feed;
	cluster_pass(&c, 2000);
	assert_true(cluster_feed(b, a, 3, &feed) && feed.seq == 1);
	buffer_deinit(&one);
	buffer_deinit(&other);
	cluster_deinit(&c);
}

/* Each has gone on from its own: they find where they parted, whoever was ahead. */
static void longer_charters_that_parted(void **state)
{
	(void)state;
	for (uint32_t ahead = 0; ahead < 2; ahead++) {
		struct cluster c;
		struct buffer wire;
		cluster_init(&c, 3, 23 + ahead);
		cluster_found(&c);
		struct city *a = &c.cities[0], *b = &c.cities[1], *third = &c.cities[2];
		make(a, "common", &wire);
		assert_int_equal(submit(a, &wire), 0);
		assert_int_equal(submit(b, &wire), 0);
		assert_int_equal(submit(third, &wire), 0);
		buffer_deinit(&wire);
		for (uint32_t i = 0; i < 3; i++) {
			make(a, i ? "en" : "first at a", &wire);
			assert_int_equal(submit(a, &wire), 0);
			buffer_deinit(&wire);
		}
		for (uint32_t i = 0; i < (ahead ? 5 : 2); i++) {
			make(b, i ? "hu" : "first at b", &wire);
			assert_int_equal(submit(b, &wire), 0);
			buffer_deinit(&wire);
		}
		cluster_connect(&c, a, third); /* it follows a, and learns of b's by a */
		cluster_pass(&c, 1000);
		assert_int_equal(roster_number(roster(third)), 4);
		assert_null(roster_rival_at(roster(third), 0));
		cluster_connect(&c, a, b);
		cluster_pass(&c, 3000);
		for (size_t i = 0; i < 3; i++) {
			const struct roster_rival *rival = roster_rival_at(roster(&c.cities[i]), 0);
			assert_non_null(rival);
			assert_int_equal(rival->number, 2);
			assert_null(roster_rival_at(roster(&c.cities[i]), 1));
		}
		assert_int_equal(roster_number(roster(a)), 4);
		assert_int_equal(roster_number(roster(b)), ahead ? 6 : 3);
		assert_int_equal(cluster_publish(a, 3, "they still exchange", NULL), 0);
		cluster_pass(&c, 2000);
		struct node_feed feed;
		assert_true(cluster_feed(b, a, 3, &feed) && feed.seq == 1);
		cluster_deinit(&c);
	}
}

/* Who was away when the rival came is told of it, though nothing else is new. */
static void a_rival_is_told_later(void **state)
{
	(void)state;
	struct cluster c;
	struct buffer one, other;
	cluster_init(&c, 3, 26);
	cluster_found(&c);
	struct city *a = &c.cities[0], *b = &c.cities[1], *third = &c.cities[2];
	make(a, "en", &one);
	make(b, "hu", &other);
	assert_int_equal(submit(a, &one), 0);
	assert_int_equal(submit(b, &other), 0);
	cluster_connect(&c, a, third);
	cluster_pass(&c, 1000);
	cluster_disconnect(&c, a, third);
	cluster_connect(&c, a, b);
	cluster_pass(&c, 1000);
	cluster_disconnect(&c, a, b);
	assert_null(roster_rival_at(roster(third), 0));
	cluster_connect(&c, a, third);
	cluster_pass(&c, 2000);
	assert_non_null(roster_rival_at(roster(third), 0));
	buffer_deinit(&one);
	buffer_deinit(&other);
	cluster_deinit(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_second_of_two_is_told),
		cmocka_unit_test(what_the_daemon_commits_itself),
		cmocka_unit_test(two_that_meet_are_shown),
		cmocka_unit_test(a_rival_is_told_later),
		cmocka_unit_test(longer_charters_that_parted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
