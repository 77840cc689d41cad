/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cursor, as the node acknowledges it: it passes a mark only once all that was announced up to
 * it is durable here, whatever else was announced since.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "charter/roster.h"
#include "tests/unit/proto/script.h"

struct world {
	struct cluster c;
	struct city *node, *peer;
	struct script s;
	struct hash feed_id;
};

static void world_init(struct world *w, uint64_t seed, size_t cities, size_t founders)
{
	memset(w, 0, sizeof *w);
	cluster_init(&w->c, cities, seed);
	w->c.founders = founders;
	cluster_found(&w->c);
	w->node = &w->c.cities[0];
	w->peer = &w->c.cities[1];
	assert_int_equal(
		feed_id_of(&w->c.network_id, &w->peer->city_id, FEED_LANE_DOC, &w->feed_id), 0);
	script_live(&w->s, w->node, w->peer);
}

static void world_deinit(struct world *w)
{
	assert_false(script_closed(&w->s));
	script_close(&w->s);
	cluster_deinit(&w->c);
}

/* The highest arrival that the node has acknowledged since it was asked last; 0: none. */
static uint64_t acked(struct world *w)
{
	uint64_t highest = 0;
	while (script_seek(&w->s, MESSAGE_ACK)) {
		assert_memory_equal(&w->s.message.ack.network_id, &w->c.network_id, HASH_SIZE);
		if (w->s.message.ack.arrival > highest)
			highest = w->s.message.ack.arrival;
	}
	return highest;
}

static void mark(struct world *w, uint64_t arrival)
{
	static const uint8_t rolling[8] = {1};
	message_write_announce(&w->s.out, &w->c.network_id, NULL, 0, NULL, 0, &arrival, rolling);
}

static struct hash nth(uint32_t n)
{
	struct hash hash = {{0xee, (uint8_t)(n >> 8), (uint8_t)n}};
	return hash;
}

/* An object that nobody has, and a mark behind it. */
static void announce_object(struct world *w, uint32_t n)
{
	static const uint8_t rolling[8] = {1};
	struct hash hash = nth(n);
	uint64_t arrival = n;
	message_write_announce(&w->s.out, &w->c.network_id, NULL, 0, &hash, 1, &arrival, rolling);
}

static void gone(struct world *w, uint32_t n)
{
	struct hash hash = nth(n);
	message_write_object_gone(&w->s.out, &w->c.network_id, &hash, 1);
	script_send(&w->s);
}

static void nothing_awaited_is_acknowledged_at_once(void **state)
{
	(void)state;
	struct world w;
	world_init(&w, 1, 2, 0);
	mark(&w, 5);
	script_send(&w.s);
	assert_int_equal(acked(&w), 5);
	world_deinit(&w);
}

/* An object that came over the link without having been announced, as they do before the first
 * mark. */
static void an_object_is_waited_for_until_it_is_durable(void **state)
{
	(void)state;
	struct world w;
	struct bytes wire;
	struct hash hash;
	struct amendment_item item = {.kind = AMENDMENT_SUSPEND};
	world_init(&w, 2, 3, 0);
	item.city_id = w.c.cities[2].city_id;
	item.end.reason = bytes_from_text("seized");
	assert_int_equal(cluster_amend(w.peer, &item, 1), 0);
	assert_int_equal(roster_amendment(node_network_roster(w.peer->node, 0), 1, &wire, &hash), 0);
	w.node->hold_commits = true;
	message_write_object(&w.s.out, &w.c.network_id, wire);
	mark(&w, 5);
	script_send(&w.s);
	assert_int_equal(roster_number(node_network_roster(w.node->node, 0)), 1);
	assert_int_equal(acked(&w), 0);
	w.node->hold_commits = false;
	cluster_pass(&w.c, 0);
	assert_int_equal(acked(&w), 5);
	world_deinit(&w);
}

/* One that cannot be judged yet: it waits for its predecessor. */
static void an_object_that_waits_for_another_holds_the_cursor(void **state)
{
	(void)state;
	struct world w;
	struct bytes wire;
	struct hash hash;
	struct amendment_item item = {.kind = AMENDMENT_SUSPEND};
	world_init(&w, 3, 4, 0);
	item.end.reason = bytes_from_text("seized");
	for (int i = 2; i < 4; i++) {
		item.city_id = w.c.cities[i].city_id;
		assert_int_equal(cluster_amend(w.peer, &item, 1), 0);
	}
	const struct roster *roster = node_network_roster(w.peer->node, 0);
	assert_int_equal(roster_amendment(roster, 2, &wire, &hash), 0);
	message_write_object(&w.s.out, &w.c.network_id, wire);
	mark(&w, 5);
	script_send(&w.s);
	assert_int_equal(acked(&w), 0);
	assert_int_equal(roster_amendment(roster, 1, &wire, &hash), 0);
	message_write_object(&w.s.out, &w.c.network_id, wire);
	script_send(&w.s);
	assert_int_equal(roster_number(node_network_roster(w.node->node, 0)), 2);
	assert_int_equal(acked(&w), 5);
	world_deinit(&w);
}

/* What was announced first is still awaited when more of the same feed is announced. */
static void a_feed_announced_again_keeps_its_mark(void **state)
{
	(void)state;
	struct world w;
	struct node_published published[2];
	struct script_run runs[2];
	world_init(&w, 4, 2, 0);
	for (uint64_t i = 0; i < 2; i++) {
		assert_int_equal(cluster_publish(w.peer, FEED_LANE_DOC, "text", &published[i]), 0);
		script_run_of(w.peer, FEED_LANE_DOC, i + 1, &runs[i]);
	}
	script_announce(&w.s, &w.feed_id, 1, &published[0].entry_hash, 5);
	script_send(&w.s);
	script_announce(&w.s, &w.feed_id, 2, &published[1].entry_hash, 6);
	script_send(&w.s);
	assert_int_equal(acked(&w), 0);
	w.node->hold_commits = true;
	for (int i = 0; i < 2; i++) {
		script_write_run(&w.s, &runs[i], 0);
		script_run_free(&runs[i]);
	}
	message_write_pull_end(&w.s.out, &w.feed_id, 3, END_DONE);
	script_send(&w.s);
	assert_int_equal(acked(&w), 0);
	w.node->hold_commits = false;
	cluster_pass(&w.c, 0);
	assert_int_equal(acked(&w), 6);
	world_deinit(&w);
}

/* A peer that has nothing of what it announced must not hold its own cursor for ever. */
static void what_the_peer_does_not_give_is_forgotten(void **state)
{
	(void)state;
	struct world w;
	struct hash hash = nth(1);
	world_init(&w, 5, 2, 0);
	script_announce(&w.s, &w.feed_id, 7, &hash, 5);
	script_send(&w.s);
	assert_true(script_seek(&w.s, MESSAGE_PULL));
	assert_int_equal(acked(&w), 0);
	message_write_pull_end(&w.s.out, &w.feed_id, 1, END_NOT_HELD);
	script_send(&w.s);
	assert_int_equal(acked(&w), 5);
	world_deinit(&w);
}

/* More marks than are kept: the last one takes the next one over, and knows its items although
 * others have come behind it meanwhile. */
static void a_mark_that_took_another_over_knows_its_items(void **state)
{
	(void)state;
	struct world w;
	world_init(&w, 6, 2, 0);
	for (uint32_t n = 1; n <= LIMIT_MARKS + 1; n++)
		announce_object(&w, n);
	script_send(&w.s);
	assert_int_equal(acked(&w), 0);
	gone(&w, 1); /* one mark less: the next one has its own place */
	assert_int_equal(acked(&w), 1);
	announce_object(&w, LIMIT_MARKS + 2);
	script_send(&w.s);
	gone(&w, LIMIT_MARKS);
	for (uint32_t n = 2; n < LIMIT_MARKS; n++)
		gone(&w, n);
	assert_int_equal(acked(&w), LIMIT_MARKS - 1);
	gone(&w, LIMIT_MARKS + 1);
	assert_int_equal(acked(&w), LIMIT_MARKS + 1);
	gone(&w, LIMIT_MARKS + 2);
	assert_int_equal(acked(&w), LIMIT_MARKS + 2);
	world_deinit(&w);
}

/* A feed of a city that this node has not seen admitted yet. */
static void a_feed_of_nobody_holds_the_cursor_and_is_asked_for_again(void **state)
{
	(void)state;
	struct world w;
	struct hash feed_id, hash = nth(1);
	world_init(&w, 7, 3, 2);
	struct city *third = &w.c.cities[2];
	assert_int_equal(feed_id_of(&w.c.network_id, &third->city_id, FEED_LANE_DOC, &feed_id), 0);
	script_announce(&w.s, &feed_id, 1, &hash, 5);
	script_send(&w.s);
	assert_int_equal(acked(&w), 0);
	cluster_admit(w.node, third, true);
	cluster_pass(&w.c, 0);
	assert_true(script_seek(&w.s, MESSAGE_RANGE_WANT));
	assert_true(w.s.message.range_want.feeds[feed_id.bytes[0] / 8] & 0x80 >> feed_id.bytes[0] % 8);
	world_deinit(&w);
}

/* The peer's cursor is void, and it compares the ranges while something is published here: what its
 * RANGE_WANT does not name, since it was not in the ranges, is told nevertheless, before the mark.
 */
static void what_came_after_the_ranges_is_told(void **state)
{
	static const uint8_t instance[INSTANCE_BYTES] = {0x5c}, store_epoch[STORE_EPOCH_BYTES] = {1};
	static const uint8_t none[32] = {0};
	(void)state;
	struct world w;
	struct node_published published;
	bool told = false, marked = false;
	memset(&w, 0, sizeof w);
	cluster_init(&w.c, 2, 8);
	cluster_found(&w.c);
	w.node = &w.c.cities[0];
	w.peer = &w.c.cities[1];
	struct message_network network = {.network_id = w.c.network_id, .has_cursor = true};
	memset(network.digest.bytes, 0x5a, HASH_SIZE);
	network.cursor.arrival = 1000;
	script_open(&w.s, w.node, w.peer);
	message_write_hello(
		&w.s.out, instance, w.c.now.wall, store_epoch, "script", &network, 1, w.s.features);
	script_send(&w.s);
	assert_true(script_seek(&w.s, MESSAGE_RANGES));
	assert_int_equal(cluster_publish(w.node, FEED_LANE_DOC, "news", &published), 0);
	cluster_pass(&w.c, 1000);
	message_write_range_want(&w.s.out, &w.c.network_id, none, none);
	script_send(&w.s);
	cluster_pass(&w.c, 1000);
	while (!marked && script_seek(&w.s, MESSAGE_ANNOUNCE)) {
		for (uint32_t i = 0; i < w.s.message.announce.feed_count; i++)
			told |= hash_equal(&w.s.message.announce.feeds[i].entry_hash, &published.entry_hash);
		marked = w.s.message.announce.has_mark;
	}
	assert_true(marked);
	assert_true(told);
	world_deinit(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_awaited_is_acknowledged_at_once),
		cmocka_unit_test(an_object_is_waited_for_until_it_is_durable),
		cmocka_unit_test(an_object_that_waits_for_another_holds_the_cursor),
		cmocka_unit_test(a_feed_announced_again_keeps_its_mark),
		cmocka_unit_test(what_the_peer_does_not_give_is_forgotten),
		cmocka_unit_test(a_mark_that_took_another_over_knows_its_items),
		cmocka_unit_test(a_feed_of_nobody_holds_the_cursor_and_is_asked_for_again),
		cmocka_unit_test(what_came_after_the_ranges_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
