/* SPDX-License-Identifier: Apache-2.0 */
/* A clock that is far from the peers' is noticed, and nothing depends on it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "tests/unit/proto/cluster.h"

struct skew {
	struct city *from;
	int64_t now_ms, ms;
};

static void number(uint8_t to[9], int64_t ms)
{
	to[0] = 0xcf; /* msgpack: uint 64 */
	for (int i = 0; i < 8; i++)
		to[1 + i] = (uint8_t)(ms >> 8 * (7 - i));
}

/* What this city says in HELLO is another time. */
static void says(void *ctx, struct city *from, struct city *to, struct buffer *bytes)
{
	const struct skew *skew = ctx;
	uint8_t right[9], wrong[9];
	(void)to;
	if (skew->from && from != skew->from)
		return;
	number(right, skew->now_ms);
	number(wrong, skew->now_ms + skew->ms);
	for (size_t i = 0; i + 9 <= bytes->len; i++)
		if (memcmp(bytes->data + i, right, 9) == 0)
			memcpy(bytes->data + i, wrong, 9);
}

static void link_with(struct cluster *c, size_t i, struct skew *skew, int64_t ms)
{
	skew->from = &c->cities[i];
	skew->now_ms = c->now.wall.ms;
	skew->ms = ms;
	cluster_connect(c, &c->cities[0], &c->cities[i]);
	cluster_pass(c, 10);
}

static void the_median_of_the_peers(void **state)
{
	(void)state;
	struct cluster c;
	struct skew skew = {0};
	int64_t offset;
	cluster_init(&c, 4, 41);
	c.tamper = says;
	c.tamper_ctx = &skew;
	cluster_found(&c);
	const struct node *node = c.cities[0].node;
	assert_false(node_clock_offset(node, &offset));
	assert_false(node_clock_wrong(node));
	link_with(&c, 1, &skew, 240000);
	assert_true(node_clock_offset(node, &offset));
	assert_in_range(offset + 240000, 0, 10);
	assert_false(node_clock_wrong(node)); /* four minutes behind */
	cluster_disconnect(&c, &c.cities[0], &c.cities[1]);
	link_with(&c, 1, &skew, 600000);
	assert_true(node_clock_wrong(node)); /* the only one there is */
	link_with(&c, 2, &skew, 0);
	assert_false(node_clock_wrong(node)); /* one against one: half of it each */
	link_with(&c, 3, &skew, 0);
	assert_false(node_clock_wrong(node)); /* one of three */
	assert_true(node_clock_offset(node, &offset));
	assert_in_range(offset + 10, 0, 20);
	cluster_disconnect(&c, &c.cities[0], &c.cities[2]);
	link_with(&c, 2, &skew, INT64_MAX - c.now.wall.ms);
	assert_true(node_clock_wrong(node)); /* two of three, one beyond all measure */
	skew.now_ms = -1;                    /* nothing is changed any more */
	assert_int_equal(cluster_publish(&c.cities[0], 3, "all the same", NULL), 0);
	cluster_pass(&c, 2000);
	struct node_feed feed;
	for (size_t i = 1; i < 4; i++)
		assert_true(cluster_feed(&c.cities[i], &c.cities[0], 3, &feed) && feed.seq == 1);
	/* The next answers to a ping say better. */
	cluster_pass(&c, 40000);
	assert_false(node_clock_wrong(node));
	cluster_deinit(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_median_of_the_peers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
