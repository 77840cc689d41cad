/* SPDX-License-Identifier: Apache-2.0 */
/* A member that asks without end and does not read: it is cut, and the node lives on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "charter/object.h"
#include "tests/unit/proto/cluster.h"
#include "proto/message.h"

/* Two cities with a live link; the first end of it is the one that is flooded. */
static struct pipe_end *live_link(struct cluster *c, uint64_t seed)
{
	cluster_init(c, 2, seed);
	cluster_found(c);
	cluster_connect(c, &c->cities[0], &c->cities[1]);
	cluster_pass(c, 100);
	assert_false(c->pipes[0]->closed);
	return c->pipes[0];
}

/* What the node has to say until it is silent; the transport would then close. */
static size_t drain(struct pipe_end *end)
{
	uint8_t out[16384];
	size_t total = 0, len;
	while ((len = link_produce(end->link, out, sizeof out, end->cluster->now)) > 0)
		total += len;
	return total;
}

static void lives_on(struct cluster *c)
{
	assert_int_equal(cluster_publish(&c->cities[0], FEED_LANE_DOC, "goes on", NULL), 0);
	cluster_deinit(c);
}

/* Answers of more than the queue takes, then a breach in the same bytes: the queue ends in a torn
 * frame. */
static void wants_then_a_breach(void **state)
{
	struct cluster c;
	struct bytes wire;
	struct hash amendment_hash;
	struct control_object genesis;
	struct hash wanted[LIMIT_ANNOUNCE_ITEMS];
	struct buffer bytes;
	(void)state;
	struct pipe_end *end = live_link(&c, 21);
	const struct roster *roster = node_network_roster(c.cities[0].node, 0);
	assert_int_equal(roster_amendment(roster, 0, &wire, &amendment_hash), 0);
	assert_int_equal(object_decode(wire, &genesis), 0);
	for (size_t i = 0; i < LIMIT_ANNOUNCE_ITEMS; i++)
		wanted[i] = genesis.object_hash;
	buffer_init(&bytes, SIZE_MAX);
	for (int i = 0; i < 8; i++)
		message_write_object_want(&bytes, &c.network_id, wanted, LIMIT_ANNOUNCE_ITEMS);
	buffer_push_u32(&bytes, 0); /* a frame of no bytes */
	assert_int_not_equal(link_receive(end->link, buffer_bytes(&bytes), c.now), 0);
	drain(end);
	assert_true(end->closing);
	buffer_deinit(&bytes);
	cluster_pass(&c, 100);
	lives_on(&c);
}

/* The same with answers that are small: none of them is read. */
static void pings_then_a_breach(void **state)
{
	struct cluster c;
	struct buffer bytes;
	(void)state;
	struct pipe_end *end = live_link(&c, 22);
	buffer_init(&bytes, SIZE_MAX);
	for (uint64_t i = 0; i < 120000; i++)
		message_write_ping(&bytes, UINT64_MAX - i);
	buffer_push_u32(&bytes, 0);
	link_receive(end->link, buffer_bytes(&bytes), c.now);
	drain(end);
	assert_true(end->closing);
	buffer_deinit(&bytes);
	cluster_pass(&c, 100);
	lives_on(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wants_then_a_breach),
		cmocka_unit_test(pings_then_a_breach),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
