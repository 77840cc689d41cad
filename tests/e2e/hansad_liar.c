/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hansad with a liar between its node and its transports: what link_produce gives is changed on its
 * way out, as HANSA_TEST_LIE says (tests/unit/proto/liar.h). Only the linker knows: it is given
 * --wrap for the two calls below. For test_relay.py; never installed.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/list.h"
#include "base/log.h"
#include "tests/unit/proto/liar.h"

#define PRODUCE_MIN 16384u /* as node.h asks for */

size_t __real_link_produce(struct link *link, uint8_t *out, size_t cap, struct node_time now);
size_t __wrap_link_produce(struct link *link, uint8_t *out, size_t cap, struct node_time now);
void __real_node_link_closed(
	struct node *node, struct link *link, const char *reason, struct node_time now);
void __wrap_node_link_closed(
	struct node *node, struct link *link, const char *reason, struct node_time now);

struct lying_link {
	struct list_node node;
	const struct link *link;
	struct liar liar;
};

static struct list links; /* the loop's thread only */

static struct lying_link *lying_find(const struct link *link)
{
	if (!links.head.next)
		list_init(&links);
	list_for_each(&links, n)
	{
		struct lying_link *lying = list_entry(n, struct lying_link, node);
		if (lying->link == link)
			return lying;
	}
	return NULL;
}

static struct lying_link *lying_make(const struct link *link)
{
	const char *name = getenv("HANSA_TEST_LIE");
	enum lie lie = lie_from_name(name ? name : "none");
	struct lying_link *lying = calloc(1, sizeof *lying);
	require(lying && lie < LIE_COUNT);
	lying->link = link;
	liar_init(&lying->liar, lie);
	list_push_back(&links, &lying->node);
	return lying;
}

size_t __wrap_link_produce(struct link *link, uint8_t *out, size_t cap, struct node_time now)
{
	static uint8_t honest[PRODUCE_MIN];
	struct lying_link *lying = lying_find(link);
	if (!lying)
		lying = lying_make(link);
	struct liar *liar = &lying->liar;
	size_t len;
	while (
		liar->out.len == 0 && (len = __real_link_produce(link, honest, sizeof honest, now)) > 0) {
		unsigned told = liar->told;
		liar_take(liar, bytes_of(honest, len));
		if (liar->told > told)
			log_event(LOG_LEVEL_INFO, "lie_told", "lie", lie_name(liar->lie));
	}
	len = liar->out.len < cap ? liar->out.len : cap;
	if (len)
		memcpy(out, liar->out.data, len);
	buffer_consume(&liar->out, len);
	return len;
}

void __wrap_node_link_closed(
	struct node *node, struct link *link, const char *reason, struct node_time now)
{
	struct lying_link *lying = lying_find(link);
	if (lying) {
		list_remove(&lying->node);
		liar_deinit(&lying->liar);
		free(lying);
	}
	__real_node_link_closed(node, link, reason, now);
}
