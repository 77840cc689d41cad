/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "proto/node_private.h"

/*
 * Peers that broke the protocol are kept waiting when they dial again, longer each time. When we
 * dial them, the dialler's own back-off does that.
 */

#define BLAME_FIRST_MS 1000
#define BLAME_MOST_MS 60000
/* Without a breach for so long, the next one is a first one again. */
#define BLAME_FORGET_MS 600000

struct blame {
	uint32_t times;
	struct monotime until;
};

void blame_add(struct node *node, const struct hash *city_id)
{
	struct blame *blame = map_get(&node->blames, city_id);
	if (!blame) {
		blame = calloc(1, sizeof *blame);
		if (!blame || map_put(&node->blames, city_id, blame)) {
			free(blame);
			return;
		}
	}
	if (blame->times &&
		monotime_reached(node->now.mono, monotime_add_ms(blame->until, BLAME_FORGET_MS)))
		blame->times = 0;
	int64_t wait = (int64_t)BLAME_FIRST_MS << (blame->times < 6 ? blame->times : 6);
	blame->times++;
	blame->until = monotime_add_ms(node->now.mono, wait < BLAME_MOST_MS ? wait : BLAME_MOST_MS);
}

bool blame_holds(const struct node *node, const struct hash *city_id)
{
	const struct blame *blame = map_get(&node->blames, city_id);
	return blame && !monotime_reached(node->now.mono, blame->until);
}

void blame_forget(struct node *node, const struct hash *city_id)
{
	free(map_remove(&node->blames, city_id));
}

void blames_free(struct node *node)
{
	size_t position = 0;
	void *value;
	while (map_next(&node->blames, &position, NULL, &value))
		free(value);
	map_deinit(&node->blames);
}
