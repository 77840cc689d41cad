/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/node_private.h"

/* The digests of docs/protocol.md, section 8, kept by range: a commit makes one of 256 ranges
 * dirty, a HELLO computes those again. */

void digest_feed_changed(struct feed *feed)
{
	feed->network->ranges[feed->feed_id.bytes[0]].dirty = true;
}

const struct hash *digest_feed_range(struct node *node, struct network *network, uint32_t i)
{
	struct range *range = &network->ranges[i];
	if (!range->dirty)
		return &range->hash;
	struct hasher *h = &node->hasher;
	bool any = false;
	for (uint32_t k = 0; k < range->count; k++) {
		const struct feed *feed = range->feeds[k];
		struct hash hash;
		uint64_t seq;
		if (!freeze_told(feed, &seq, &hash))
			continue;
		if (!any)
			hasher_begin(h, "hansa range 1");
		any = true;
		hasher_add_hash(h, &feed->feed_id);
		hasher_add_u64(h, seq);
		hasher_add_hash(h, &hash);
	}
	if (any)
		hasher_end(h, &range->hash);
	else
		range->hash = (struct hash){{0}};
	range->dirty = false;
	return &range->hash;
}

void digest_network(struct node *node, struct network *network, struct hash *out)
{
	/* The ranges are brought up to date first: they use the same hasher. */
	for (uint32_t i = 0; i < RANGE_COUNT; i++)
		digest_feed_range(node, network, i);
	struct hash objects[RANGE_COUNT];
	for (uint32_t i = 0; i < RANGE_COUNT; i++)
		roster_object_range(network->roster, i, &objects[i]);
	struct hasher *h = &node->hasher;
	hasher_begin(h, "hansa digest 1");
	hasher_add_hash(h, &network->id);
	hasher_add_u64(h, roster_number(network->roster));
	hasher_add_hash(h, roster_hash(network->roster));
	for (uint32_t i = 0; i < RANGE_COUNT; i++)
		hasher_add_hash(h, &objects[i]);
	for (uint32_t i = 0; i < RANGE_COUNT; i++)
		hasher_add_hash(h, &network->ranges[i].hash);
	hasher_end(h, out);
}
