/* SPDX-License-Identifier: Apache-2.0 */
/* What a member can say without end: it costs the others little, and keeps nobody else from
 * saying it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "charter/address_list.h"
#include "charter/roster.h"
#include "tests/unit/proto/script.h"

#define FLOOD 1000

static unsigned said(struct script *s, enum message_type type)
{
	unsigned count = 0;
	while (script_seek(s, type))
		count++;
	return count;
}

/* Distinct questions about one city. */
static void ask(struct script *s, const struct city *about, unsigned count)
{
	static uint32_t next;
	for (unsigned i = 0; i < count; i++) {
		uint8_t nonce[16] = {0};
		next++;
		memcpy(nonce, &next, sizeof next);
		message_write_hold_ask(&s->out, &s->c->network_id, &about->city_id, nonce, 8);
	}
	script_send(s);
}

static void questions_have_a_bucket(void **state)
{
	(void)state;
	struct cluster c;
	struct script asker, other;
	cluster_init(&c, 4, 1);
	cluster_found(&c);
	script_live(&asker, &c.cities[0], &c.cities[1]);
	script_live(&other, &c.cities[0], &c.cities[2]);
	ask(&asker, &c.cities[3], FLOOD);
	assert_int_equal(said(&asker, MESSAGE_HOLD), 64);
	assert_int_equal(said(&other, MESSAGE_HOLD_ASK), 64);
	/* A city's question about its own feeds is not crowded out by that. */
	ask(&asker, &c.cities[1], 1);
	assert_int_equal(said(&asker, MESSAGE_HOLD), 1);
	assert_int_equal(said(&other, MESSAGE_HOLD_ASK), 1);
	ask(&asker, &c.cities[1], FLOOD);
	assert_in_range(said(&asker, MESSAGE_HOLD), 1, 8);
	script_drain(&other);
	/* Nor is another member's. */
	ask(&other, &c.cities[3], 1);
	assert_int_equal(said(&other, MESSAGE_HOLD), 1);
	script_drain(&asker);
	/* It fills again. */
	cluster_pass(&c, 1000);
	ask(&asker, &c.cities[3], FLOOD);
	assert_in_range(said(&asker, MESSAGE_HOLD), 9, 11);
	assert_false(script_closed(&asker));
	script_close(&asker);
	script_close(&other);
	cluster_deinit(&c);
}

/* ---- address lists ---- */

static void list_of(struct script *s, const struct city *city, uint64_t number)
{
	struct address_list list = {.network_id = s->c->network_id,
		.city_id = city->city_id,
		.epoch = 1,
		.number = number,
		.time = (uint64_t)s->c->now.wall.ms,
		.count = 1,
		.addresses = {bytes_from_text("192.0.2.1:7000")}};
	struct buffer wire;
	buffer_init(&wire, LIMIT_OBJECT_BYTES);
	assert_int_equal(address_list_seal(&wire, &list, city->node_key), 0);
	message_write_object(&s->out, &s->c->network_id, buffer_bytes(&wire));
	buffer_deinit(&wire);
}

static uint64_t number_at(const struct city *at, const struct city *of)
{
	const struct roster_member *m = roster_member_by_city(
		node_network_roster(at->node, 0), &of->city_id);
	return m->addresses ? m->addresses->number : 0;
}

static void lists_have_a_bucket_and_the_newest_wins(void **state)
{
	(void)state;
	static const uint8_t rolling[8] = {1};
	struct cluster c;
	struct script flooder, other;
	uint64_t arrival = 77, acked = 0;
	cluster_init(&c, 3, 2);
	cluster_found(&c);
	struct city *node = &c.cities[0];
	script_live(&flooder, node, &c.cities[1]);
	script_live(&other, node, &c.cities[2]);
	for (uint64_t number = 1; number <= FLOOD; number++)
		list_of(&flooder, &c.cities[1], number);
	list_of(&flooder, &c.cities[1], FLOOD / 2); /* late: an older one */
	message_write_announce(&flooder.out, &c.network_id, NULL, 0, NULL, 0, &arrival, rolling);
	script_send(&flooder);
	assert_int_equal(number_at(node, &c.cities[1]), 8);
	assert_int_equal(said(&other, MESSAGE_OBJECT), 8);
	while (script_seek(&flooder, MESSAGE_ACK))
		acked = flooder.message.ack.arrival;
	assert_true(acked < arrival); /* the newest is not durable */
	/* Another member's list is taken at once. */
	list_of(&other, &c.cities[2], 1);
	script_send(&other);
	assert_int_equal(number_at(node, &c.cities[2]), 1);
	cluster_pass(&c, 10001);
	assert_int_equal(number_at(node, &c.cities[1]), FLOOD);
	assert_int_equal(said(&other, MESSAGE_OBJECT), 1);
	while (script_seek(&flooder, MESSAGE_ACK))
		acked = flooder.message.ack.arrival;
	assert_int_equal(acked, arrival);
	assert_false(script_closed(&flooder));
	script_close(&flooder);
	script_close(&other);
	cluster_deinit(&c);
}

/* The link is gone when its turn comes, or the city is: nothing is left behind. */
static void a_list_that_waits_outlives_its_link(void **state)
{
	(void)state;
	struct cluster c;
	struct script s;
	cluster_init(&c, 3, 3);
	cluster_found(&c);
	struct city *node = &c.cities[0];
	script_live(&s, node, &c.cities[1]);
	for (uint64_t number = 1; number <= 20; number++)
		list_of(&s, &c.cities[1], number);
	script_send(&s);
	script_close(&s);
	assert_int_equal(number_at(node, &c.cities[1]), 8);
	cluster_pass(&c, 10001);
	assert_int_equal(number_at(node, &c.cities[1]), 20);
	script_live(&s, node, &c.cities[1]);
	for (uint64_t number = 21; number <= 40; number++)
		list_of(&s, &c.cities[1], number);
	script_send(&s);
	script_close(&s);
	cluster_deinit(&c); /* with one that waits */
}

/* ---- pings and twins ---- */

static void pings_and_challenges_have_buckets(void **state)
{
	(void)state;
	struct cluster c;
	struct script s;
	uint8_t nonce[32] = {0};
	cluster_init(&c, 2, 4);
	cluster_found(&c);
	script_live(&s, &c.cities[0], &c.cities[1]);
	for (uint32_t i = 0; i < FLOOD; i++)
		message_write_ping(&s.out, i);
	script_send(&s);
	assert_int_equal(said(&s, MESSAGE_PONG), 32);
	for (uint32_t i = 0; i < FLOOD; i++) {
		memcpy(nonce, &i, sizeof i);
		message_write_twin_challenge(&s.out, nonce);
	}
	script_send(&s);
	assert_int_equal(said(&s, MESSAGE_TWIN_PROOF), 8);
	cluster_pass(&c, 1000);
	message_write_ping(&s.out, 1);
	message_write_twin_challenge(&s.out, nonce);
	script_send(&s);
	assert_true(script_seek(&s, MESSAGE_PONG));
	assert_true(script_seek(&s, MESSAGE_TWIN_PROOF));
	assert_false(script_closed(&s));
	script_close(&s);
	cluster_deinit(&c);
}

/* A host whose addresses change all the time tells of them now and then, and of the last ones. */
static void own_lists_have_a_bucket(void **state)
{
	(void)state;
	struct cluster c;
	char text[32];
	const char *addresses[] = {text};
	cluster_init(&c, 2, 5);
	cluster_found(&c);
	cluster_connect(&c, &c.cities[0], &c.cities[1]);
	for (unsigned i = 0; i < 250; i++) {
		snprintf(text, sizeof text, "192.0.2.%u:7000", i);
		node_set_addresses(c.cities[0].node, addresses, 1, c.now);
		cluster_pass(&c, 1);
	}
	assert_int_equal(number_at(&c.cities[1], &c.cities[0]), 6);
	cluster_pass(&c, 12000);
	const struct roster_member *m = roster_member_by_city(
		node_network_roster(c.cities[1].node, 0), &c.cities[0].city_id);
	assert_int_equal(m->addresses->number, 7);
	assert_true(bytes_equal_text(m->addresses->addresses[0], "192.0.2.249:7000"));
	cluster_deinit(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(questions_have_a_bucket),
		cmocka_unit_test(lists_have_a_bucket_and_the_newest_wins),
		cmocka_unit_test(a_list_that_waits_outlives_its_link),
		cmocka_unit_test(pings_and_challenges_have_buckets),
		cmocka_unit_test(own_lists_have_a_bucket),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
