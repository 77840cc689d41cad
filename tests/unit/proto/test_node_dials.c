/* SPDX-License-Identifier: Apache-2.0 */
/** Whom a node names for dialling in a small network; test_overlay.c has large ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "tests/unit/proto/cluster.h"

#define CITIES CLUSTER_CITIES_MAX

/* Which cities may be dialled, and how often each was named. */
struct turns {
	struct cluster *cluster;
	bool waits[CITIES];
	unsigned named[CITIES];
};

static size_t number_of(const struct cluster *c, const struct hash *city_id)
{
	for (size_t i = 0; i < c->count; i++)
		if (hash_equal(&c->cities[i].city_id, city_id))
			return i;
	fail_msg("a city that nobody knows");
	return 0;
}

static bool may(void *ctx, const struct hash *city_id)
{
	const struct turns *turns = ctx;
	return !turns->waits[number_of(turns->cluster, city_id)];
}

static size_t take(struct turns *turns, size_t max)
{
	struct node_dial dials[CITIES];
	size_t count = node_dials(
		turns->cluster->cities[0].node, may, turns, dials, max, turns->cluster->now);
	assert_true(count <= max);
	for (size_t i = 0; i < count; i++) {
		size_t number = number_of(turns->cluster, &dials[i].city_id);
		char address[32];
		snprintf(address, sizeof address, "192.0.2.%zu:4400", number);
		assert_int_equal(dials[i].address_count, 1);
		assert_string_equal(dials[i].addresses[0], address);
		turns->named[number]++;
	}
	return count;
}

/* All know all addresses, and nobody is linked. */
static void begin(struct cluster *c, struct turns *turns, size_t count, size_t addresses)
{
	cluster_init(c, count, 11);
	cluster_found(c);
	for (size_t i = 1; i < count; i++) {
		char text[32];
		const char *list[LIMIT_ADDRESSES];
		snprintf(text, sizeof text, "192.0.2.%zu:4400", i);
		for (size_t k = 0; k < addresses; k++)
			list[k] = text;
		node_set_addresses(c->cities[i].node, list, addresses, c->now);
		cluster_connect(c, &c->cities[0], &c->cities[i]);
	}
	cluster_pass(c, 2000);
	for (size_t i = 1; i < count; i++)
		cluster_disconnect(c, &c->cities[0], &c->cities[i]);
	memset(turns, 0, sizeof *turns);
	turns->cluster = c;
}

/* The attempts are over, in vain. */
static void end_all(struct turns *turns)
{
	for (size_t i = 0; i < turns->cluster->count; i++)
		node_dial_ended(turns->cluster->cities[0].node, &turns->cluster->cities[i].city_id);
}

static void a_small_network_is_dialled_whole(void **state)
{
	(void)state;
	struct cluster c;
	struct turns turns;
	begin(&c, &turns, CITIES, 1);
	assert_int_equal(take(&turns, 2), 2);
	assert_int_equal(take(&turns, CITIES), CITIES - 3);
	assert_int_equal(take(&turns, CITIES), 0); /* each is under way */
	assert_int_equal(turns.named[0], 0);
	for (size_t i = 1; i < CITIES; i++)
		assert_int_equal(turns.named[i], 1);
	end_all(&turns);
	assert_int_equal(take(&turns, CITIES), CITIES - 1);
	cluster_deinit(&c);
}

static void no_more_than_are_missing(void **state)
{
	(void)state;
	struct cluster c;
	struct turns turns;
	struct node_dial dial;
	begin(&c, &turns, CITIES, 1);
	node_set_links(c.cities[0].node, 3, 8);
	assert_int_equal(take(&turns, CITIES), 3);
	assert_int_equal(take(&turns, CITIES), 0);
	size_t busy = 1;
	while (!turns.named[busy])
		busy++;
	node_dial_ended(c.cities[0].node, &c.cities[busy].city_id);
	turns.waits[busy] = true;
	assert_int_equal(take(&turns, CITIES), 1); /* another in its place, at once */
	assert_int_equal(turns.named[busy], 1);
	turns.waits[busy] = false;
	/* Who is asked for is dialled all the same, once. */
	assert_true(node_dial_city(c.cities[0].node, &c.cities[busy].city_id, &dial));
	assert_false(node_dial_city(c.cities[0].node, &c.cities[busy].city_id, &dial));
	assert_false(node_dial_city(c.cities[0].node, &c.cities[0].city_id, &dial));
	end_all(&turns);
	node_set_links(c.cities[0].node, 0, 8);
	assert_int_equal(take(&turns, CITIES), 0);
	cluster_deinit(&c);
}

/* Whoever makes links to a node, as many as he likes, has made none of its choices for it. */
static void links_of_others_take_no_place(void **state)
{
	(void)state;
	struct cluster c;
	struct turns turns;
	begin(&c, &turns, CITIES, 1);
	node_set_links(c.cities[0].node, 3, 64);
	for (size_t i = 1; i < 5; i++)
		cluster_connect(&c, &c.cities[i], &c.cities[0]);
	cluster_pass(&c, 1000);
	assert_int_equal(take(&turns, CITIES), 3);
	for (size_t i = 1; i < 5; i++)
		assert_int_equal(turns.named[i], 0); /* they are linked already */
	cluster_deinit(&c);
}

static void who_may_not_be_dialled_takes_no_turn(void **state)
{
	(void)state;
	struct cluster c;
	struct turns turns;
	begin(&c, &turns, CITIES, 1);
	for (size_t i = 1; i < CITIES - 1; i++)
		turns.waits[i] = true;
	for (unsigned call = 1; call < 8; call++) {
		assert_int_equal(take(&turns, 1), 1);
		assert_int_equal(turns.named[CITIES - 1], call);
		end_all(&turns);
	}
	turns.waits[CITIES - 1] = true;
	assert_int_equal(take(&turns, 4), 0);
	turns.waits[2] = false;
	assert_int_equal(node_deny(c.cities[0].node, &c.cities[2].city_id, true, c.now), 0);
	assert_int_equal(take(&turns, 4), 0);
	assert_int_equal(node_deny(c.cities[0].node, &c.cities[2].city_id, false, c.now), 0);
	assert_int_equal(take(&turns, 4), 1);
	cluster_connect(&c, &c.cities[0], &c.cities[2]);
	assert_int_equal(take(&turns, 4), 0);
	cluster_deinit(&c);
}

static void a_city_without_addresses_is_left_out(void **state)
{
	(void)state;
	struct cluster c;
	struct turns turns;
	begin(&c, &turns, 3, 0);
	assert_int_equal(take(&turns, 4), 0);
	cluster_deinit(&c);
}

static bool may_always(void *ctx, const struct hash *city_id)
{
	(void)ctx, (void)city_id;
	return true;
}

/* Peers of a network whose charter was lost, and members of another: neither starves the other. */
static void bootstrap_peers_and_members_take_turns(void **state)
{
	(void)state;
	struct cluster c;
	struct turns turns;
	static const char *const address[] = {"198.51.100.1:4400"};
	struct hash network_id = {{1}};
	unsigned named[3] = {0}, members = 0;
	begin(&c, &turns, 4, 1);
	for (uint8_t i = 0; i < 3; i++) {
		struct hash city_id = {{i}};
		struct public_key key = {{i}};
		node_add_bootstrap(c.cities[0].node, &network_id, &city_id, &key, address, 1);
	}
	for (unsigned call = 0; call < 12; call++) {
		struct node_dial dial;
		assert_int_equal(node_dials(c.cities[0].node, may_always, NULL, &dial, 1, c.now), 1);
		node_dial_ended(c.cities[0].node, &dial.city_id);
		if (strcmp(dial.addresses[0], address[0]) == 0)
			named[dial.city_id.bytes[0]]++;
		else
			members++;
	}
	assert_int_equal(members, 6);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(named[i], 2);
	cluster_deinit(&c);
}

int main(void)
{
	log_set_level(LOG_LEVEL_ERROR);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_small_network_is_dialled_whole),
		cmocka_unit_test(no_more_than_are_missing),
		cmocka_unit_test(links_of_others_take_no_place),
		cmocka_unit_test(who_may_not_be_dialled_takes_no_turn),
		cmocka_unit_test(a_city_without_addresses_is_left_out),
		cmocka_unit_test(bootstrap_peers_and_members_take_turns),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
