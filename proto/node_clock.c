/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "proto/node_private.h"

/* How far this node's clock is from its peers', by what they say in HELLO and PONG. It warns and
 * gates nothing: a peer may lie, and time stamps decide nothing. */

#define CLOCK_TOLERANCE_MS (5 * 60 * INT64_C(1000))

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

bool node_clock_offset(const struct node *node, int64_t *offset_ms)
{
	int64_t heard[64];
	size_t count = 0;
	list_for_each(&node->links, n)
	{
		const struct link *link = list_entry(n, struct link, node_link);
		if (link->state == LINK_LIVE && count < sizeof heard / sizeof heard[0])
			heard[count++] = link->clock_offset_ms;
	}
	*offset_ms = 0;
	if (count == 0)
		return false;
	qsort(heard, count, sizeof heard[0], by_size);
	*offset_ms = heard[(count - 1) / 2] / 2 + heard[count / 2] / 2;
	return true;
}

bool node_clock_wrong(const struct node *node)
{
	int64_t offset;
	return node_clock_offset(node, &offset) &&
		(offset > CLOCK_TOLERANCE_MS || offset < -CLOCK_TOLERANCE_MS);
}

void clock_heard(struct link *link, struct timestamp time)
{
	struct node *node = link->node;
	int64_t offset;
	link->clock_offset_ms = timestamp_diff_ms(node->now.wall, time);
	bool wrong = node_clock_wrong(node);
	if (wrong == node->clock_wrong_said)
		return;
	node->clock_wrong_said = wrong;
	node_clock_offset(node, &offset);
	struct log_line l;
	log_begin(&l, wrong ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, wrong ? "clock_wrong" : "clock_right");
	log_int(&l, "ahead_of_peers_s", offset / 1000);
	log_end(&l);
}
