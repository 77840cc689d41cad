/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "feed/beacon.h"
#include "proto/reach.h"
#include "record/kind.h"
#include "tests/unit/proto/relay_world.h"
#include "tests/unit/proto/script.h"

/* Beacons between nodes, and what they show: withheld entries, cities that are heard no more. */

#define MINUTE INT64_C(60000)

static struct cluster *cluster_of(size_t count, uint64_t seed)
{
	struct cluster *c = malloc(sizeof *c);
	assert_non_null(c);
	cluster_init(c, count, seed);
	cluster_found(c);
	return c;
}

static void cluster_over(struct cluster *c)
{
	cluster_deinit(c);
	free(c);
}

struct look {
	const struct hash *city_id;
	struct reach_city found;
	unsigned count;
};

static void on_city(void *ctx, const struct reach_city *city)
{
	struct look *look = ctx;
	if (!hash_equal(&city->city_id, look->city_id))
		return;
	look->found = *city;
	look->count++;
}

static struct reach_city look_at(const struct city *at, const struct city *of)
{
	struct look look = {.city_id = &of->city_id};
	reach_each_city(at->node, on_city, &look);
	assert_int_equal(look.count, 1);
	return look.found;
}

static struct city *city(struct cluster *c, size_t i)
{
	return &c->cities[i];
}

static void all_hear_of_all(void **state)
{
	(void)state;
	struct cluster *c = cluster_of(4, 11);
	struct node_published published;
	for (size_t i = 0; i + 1 < c->count; i++)
		cluster_connect(c, city(c, i), city(c, i + 1));
	assert_int_equal(cluster_publish(city(c, 0), LANE_DOC, "{}", &published), 0);
	cluster_pass(c, 3 * MINUTE);
	for (size_t i = 0; i < c->count; i++)
		for (size_t k = 0; k < c->count; k++) {
			struct reach_city seen = look_at(city(c, i), city(c, k));
			assert_true(seen.heard);
			assert_false(seen.overdue);
			assert_int_equal(seen.own, i == k);
			if (i == k)
				continue;
			/* In a row of cities it came from the neighbour on that side. */
			const struct city *via = city(c, k < i ? i - 1 : i + 1);
			assert_true(hash_equal(&seen.via, &via->city_id));
			assert_int_equal(seen.linked, k + 1 == i || i + 1 == k);
			assert_int_equal(seen.lanes[LANE_DOC - 1].named, k == 0);
			assert_int_equal(seen.lanes[LANE_DOC - 1].held, k == 0);
		}
	cluster_over(c);
}

static void changes_are_told_once_a_minute(void **state)
{
	(void)state;
	struct cluster *c = cluster_of(2, 12);
	struct node_published published;
	int64_t last = 0;
	unsigned told = 0;
	cluster_connect(c, city(c, 0), city(c, 1));
	cluster_pass(c, 2 * MINUTE);
	for (int i = 0; i < 60; i++) {
		assert_int_equal(cluster_publish(city(c, 0), LANE_DOC, "{}", &published), 0);
		cluster_pass(c, 5000);
		int64_t time = look_at(city(c, 1), city(c, 0)).time.ms;
		if (last && time != last) {
			assert_true(time - last >= LIMIT_BEACON_CHANGED_MS);
			told++;
		}
		last = time;
	}
	assert_in_range(told, 3, 5);
	cluster_pass(c, MINUTE + 10000);
	assert_int_equal(look_at(city(c, 1), city(c, 0)).lanes[LANE_DOC - 1].named, 60);
	/* Nothing changes any more: one an hour, and none is ever overdue. */
	last = look_at(city(c, 1), city(c, 0)).time.ms;
	told = 0;
	for (int i = 0; i < 240; i++) {
		cluster_pass(c, MINUTE);
		struct reach_city seen = look_at(city(c, 1), city(c, 0));
		told += seen.time.ms != last;
		last = seen.time.ms;
		assert_false(seen.overdue);
	}
	assert_in_range(told, 3, 5);
	cluster_over(c);
}

static void a_restart_knows_them(void **state)
{
	(void)state;
	struct cluster *c = cluster_of(3, 13);
	cluster_connect(c, city(c, 0), city(c, 1));
	cluster_connect(c, city(c, 1), city(c, 2));
	cluster_pass(c, 7 * MINUTE);
	struct reach_city before = look_at(city(c, 2), city(c, 0));
	assert_true(before.heard);
	cluster_node_stop(city(c, 2));
	cluster_node_start(city(c, 2));
	struct reach_city after = look_at(city(c, 2), city(c, 0));
	assert_true(after.heard);
	assert_int_equal(after.time.ms, before.time.ms);
	assert_true(hash_equal(&after.via, &city(c, 1)->city_id));
	cluster_over(c);
}

/* ---- offers of a played peer ---- */

struct made {
	struct buffer body;
	struct signature signature;
	int64_t time_ms;
};

static void make(struct cluster *c, struct city *of, int64_t ahead_ms, struct made *out)
{
	struct beacon beacon = {.network_id = c->network_id,
		.city_id = of->city_id,
		.epoch = 1,
		.time = timestamp_add_ms(c->now.wall, ahead_ms)};
	buffer_init(&out->body, LIMIT_BEACON_BODY_BYTES);
	assert_int_equal(beacon_encode(&out->body, &beacon), 0);
	assert_int_equal(beacon_sign(of->node_key, buffer_bytes(&out->body), &out->signature), 0);
	out->time_ms = beacon.time.ms;
}

static bool offered_is_wanted(struct script *s, struct city *of, int64_t time_ms, uint64_t number)
{
	struct message_beacon item = {.epoch = 1, .time = {time_ms}};
	memcpy(item.city, of->city_id.bytes, sizeof item.city);
	message_write_beacon_offer(&s->out, &s->c->network_id, number, &item, 1);
	script_send(s);
	assert_true(script_seek(s, MESSAGE_BEACON_WANT));
	assert_int_equal(s->message.beacon_want.number, number);
	return s->message.beacon_want.count == 1 &&
		memcmp(s->message.beacon_want.cities[0], of->city_id.bytes, BEACON_CITY_BYTES) == 0;
}

static void give(struct script *s, struct made *made)
{
	message_write_signed(&s->out, MESSAGE_BEACON, buffer_bytes(&made->body), &made->signature);
	script_send(s);
}

static void only_what_is_asked_for_is_taken(void **state)
{
	(void)state;
	struct script s;
	struct made now, later, far;
	struct cluster *c = cluster_of(3, 14);
	cluster_pass(c, 10 * MINUTE);
	make(c, city(c, 2), 0, &now);
	make(c, city(c, 2), 9 * MINUTE, &later);
	make(c, city(c, 2), 13 * MINUTE, &far);
	script_live(&s, city(c, 0), city(c, 1));
	cluster_pass(c, 2000);
	assert_true(script_seek(&s, MESSAGE_BEACON_WANT));
	assert_int_equal(s.message.beacon_want.number, 0);
	give(&s, &now);
	assert_false(look_at(city(c, 0), city(c, 2)).heard);
	assert_true(offered_is_wanted(&s, city(c, 2), now.time_ms, 1));
	give(&s, &now);
	assert_int_equal(look_at(city(c, 0), city(c, 2)).time.ms, now.time_ms);
	assert_false(offered_is_wanted(&s, city(c, 2), now.time_ms, 2));
	/* Of a time too far ahead none is asked for, nor taken when it comes for another. */
	assert_false(offered_is_wanted(&s, city(c, 2), far.time_ms, 3));
	assert_true(offered_is_wanted(&s, city(c, 2), later.time_ms, 4));
	give(&s, &far);
	assert_int_equal(look_at(city(c, 0), city(c, 2)).time.ms, now.time_ms);
	assert_true(offered_is_wanted(&s, city(c, 2), later.time_ms, 5));
	give(&s, &later);
	assert_int_equal(look_at(city(c, 0), city(c, 2)).time.ms, later.time_ms);
	assert_false(script_closed(&s));
	buffer_deinit(&now.body);
	buffer_deinit(&later.body);
	buffer_deinit(&far.body);
	script_close(&s);
	cluster_over(c);
}

static void a_forged_one_is_dropped(void **state)
{
	(void)state;
	struct script s;
	struct made made;
	struct cluster *c = cluster_of(3, 15);
	cluster_pass(c, MINUTE);
	make(c, city(c, 2), 0, &made);
	made.signature.bytes[7] ^= 1;
	script_live(&s, city(c, 0), city(c, 1));
	cluster_pass(c, 2000);
	assert_true(script_seek(&s, MESSAGE_BEACON_WANT));
	assert_true(offered_is_wanted(&s, city(c, 2), made.time_ms, 1));
	give(&s, &made);
	assert_false(look_at(city(c, 0), city(c, 2)).heard);
	/* The peer is asked again, later. */
	script_drain(&s);
	cluster_pass(c, MINUTE / 2);
	assert_false(script_seek(&s, MESSAGE_BEACON_WANT));
	buffer_deinit(&made.body);
	script_close(&s);
	cluster_over(c);
}

static void a_city_that_floods_is_slowed(void **state)
{
	(void)state;
	struct script s;
	struct cluster *c = cluster_of(3, 16);
	unsigned taken = 0;
	int64_t last = 0;
	cluster_pass(c, MINUTE);
	script_live(&s, city(c, 0), city(c, 1));
	cluster_pass(c, 2000);
	assert_true(script_seek(&s, MESSAGE_BEACON_WANT));
	for (unsigned i = 0; i < 50; i++) {
		struct made made;
		make(c, city(c, 2), (int64_t)i, &made);
		assert_true(offered_is_wanted(&s, city(c, 2), made.time_ms, i + 1));
		give(&s, &made);
		int64_t time = look_at(city(c, 0), city(c, 2)).time.ms;
		taken += time != last;
		last = time;
		buffer_deinit(&made.body);
	}
	assert_in_range(taken, 1, 6);
	script_close(&s);
	cluster_over(c);
}

/* ---- what they show ---- */

/* A publishes; R passes its beacons on, and of its documents what it likes. */
static void withheld_entries_are_noticed(void **state)
{
	(void)state;
	struct world *w = relay_world_new(LIE_NONE, 17);
	struct node_published published;
	relay_link(w, A, R);
	relay_link(w, R, C);
	cluster_pass(&w->c, MINUTE);
	struct city *a = &w->c.cities[A], *cc = &w->c.cities[C];
	assert_int_equal(cluster_publish(a, LANE_DOC, "{}", &published), 0);
	cluster_pass(&w->c, 2 * MINUTE);
	assert_int_equal(look_at(cc, a).lanes[LANE_DOC - 1].held, 1);
	/* From now on the end of A's feed stays at R. */
	struct node_feed feed;
	assert_true(cluster_feed(cc, a, LANE_DOC, &feed));
	w->liar.lie = LIE_CENSOR;
	w->liar.victim = feed.feed_id;
	assert_int_equal(cluster_publish(a, LANE_DOC, "{}", &published), 0);
	cluster_pass(&w->c, 5 * MINUTE);
	struct reach_city seen = look_at(cc, a);
	assert_int_equal(seen.lanes[LANE_DOC - 1].named, 2);
	assert_int_equal(seen.lanes[LANE_DOC - 1].held, 1);
	assert_false(seen.lanes[LANE_DOC - 1].withheld);
	cluster_pass(&w->c, 10 * MINUTE);
	seen = look_at(cc, a);
	assert_true(seen.lanes[LANE_DOC - 1].withheld);
	assert_true(seen.lanes[LANE_DOC - 1].since.ms > 0);
	/* An honest member brings it: nothing is withheld any more. */
	relay_link(w, A, B);
	relay_link(w, B, C);
	cluster_pass(&w->c, MINUTE);
	seen = look_at(cc, a);
	assert_int_equal(seen.lanes[LANE_DOC - 1].held, 2);
	assert_false(seen.lanes[LANE_DOC - 1].withheld);
	relay_world_free(w);
}

/* The city in the middle passes no beacons on. */
static void withheld_beacons_are_overdue(void **state)
{
	(void)state;
	struct cluster *c = cluster_of(3, 18);
	cluster_node_stop(city(c, 1));
	city(c, 1)->no_beacons = true;
	cluster_node_start(city(c, 1));
	cluster_connect(c, city(c, 0), city(c, 1));
	cluster_connect(c, city(c, 1), city(c, 2));
	cluster_pass(c, 60 * MINUTE);
	assert_false(look_at(city(c, 2), city(c, 0)).overdue);
	cluster_pass(c, 15 * MINUTE);
	assert_false(look_at(city(c, 2), city(c, 0)).heard);
	assert_true(look_at(city(c, 2), city(c, 0)).overdue);
	assert_false(look_at(city(c, 2), city(c, 2)).overdue);
	/* It is heard by another way, then no more. */
	cluster_connect(c, city(c, 0), city(c, 2));
	cluster_pass(c, MINUTE);
	assert_false(look_at(city(c, 2), city(c, 0)).overdue);
	cluster_disconnect(c, city(c, 0), city(c, 2));
	cluster_pass(c, 131 * MINUTE);
	assert_true(look_at(city(c, 2), city(c, 0)).overdue);
	cluster_over(c);
}

static void a_withheld_charter_is_noticed(void **state)
{
	(void)state;
	struct script s;
	uint64_t number = 0;
	struct timestamp since;
	struct cluster *c = cluster_of(3, 19);
	struct beacon beacon = {.network_id = c->network_id,
		.city_id = city(c, 2)->city_id,
		.epoch = 1,
		.amendment_number = 9};
	struct made made;
	cluster_pass(c, MINUTE);
	beacon.time = c->now.wall;
	made.time_ms = beacon.time.ms;
	buffer_init(&made.body, LIMIT_BEACON_BODY_BYTES);
	assert_int_equal(beacon_encode(&made.body, &beacon), 0);
	assert_int_equal(
		beacon_sign(city(c, 2)->node_key, buffer_bytes(&made.body), &made.signature), 0);
	script_live(&s, city(c, 0), city(c, 1));
	cluster_pass(c, 2000);
	assert_true(script_seek(&s, MESSAGE_BEACON_WANT));
	assert_true(offered_is_wanted(&s, city(c, 2), made.time_ms, 1));
	give(&s, &made);
	assert_false(reach_charter_withheld(city(c, 0)->node, &c->network_id, &number, &since));
	cluster_pass(c, 11 * MINUTE);
	assert_true(reach_charter_withheld(city(c, 0)->node, &c->network_id, &number, &since));
	assert_int_equal(number, 9);
	buffer_deinit(&made.body);
	script_close(&s);
	cluster_over(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_hear_of_all),
		cmocka_unit_test(changes_are_told_once_a_minute),
		cmocka_unit_test(a_restart_knows_them),
		cmocka_unit_test(only_what_is_asked_for_is_taken),
		cmocka_unit_test(a_forged_one_is_dropped),
		cmocka_unit_test(a_city_that_floods_is_slowed),
		cmocka_unit_test(withheld_entries_are_noticed),
		cmocka_unit_test(withheld_beacons_are_overdue),
		cmocka_unit_test(a_withheld_charter_is_noticed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
