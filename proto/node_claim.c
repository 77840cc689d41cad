/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "proto/node_private.h"

/*
 * What members say they hold of this city's own feeds (HOLD). A word alone proves nothing: what is
 * said to be there comes back like any other feed, and that is its proof. One that brings nothing
 * for a long time is put aside, so that no member can silence another: docs/decisions/006.
 */

/* While a member of the network is linked, and nothing of the feed comes. A relay may have to catch
 * up itself first. */
#define CLAIM_PATIENCE_MS 600000

struct claim {
	struct monotime since; /* when its maker was heard first: later words of it win no time */
	uint32_t epoch;        /* this city's, then */
	uint64_t seq[FEED_LANE_COUNT];
	bool unserved[FEED_LANE_COUNT];
};

bool claim_take(struct network *network, const struct hold *hold)
{
	struct node *node = network->node;
	const struct roster_member *own = roster_member_by_city(network->roster, &node->city_id);
	struct claim *claim = map_get(&network->holders, &hold->holder);
	if (!claim) {
		claim = calloc(1, sizeof *claim);
		if (!claim || map_put(&network->holders, &hold->holder, claim)) {
			free(claim);
			return false;
		}
		claim->since = node->now.mono;
		claim->epoch = own ? own->epoch : 0;
	}
	for (unsigned lane = 0; lane < FEED_LANE_COUNT; lane++)
		if (hold->lanes[lane].seq > claim->seq[lane])
			claim->seq[lane] = hold->lanes[lane].seq;
	return true;
}

uint64_t claim_beyond(
	const struct network *network, unsigned lane, uint64_t tip, uint32_t *epoch, struct hash *city)
{
	uint64_t most = 0;
	size_t position = 0;
	const void *key;
	void *value;
	while (map_next(&network->holders, &position, &key, &value)) {
		const struct claim *claim = value;
		if (claim->unserved[lane] || claim->seq[lane] <= tip || claim->seq[lane] <= most)
			continue;
		most = claim->seq[lane];
		*epoch = claim->epoch;
		*city = *(const struct hash *)key;
	}
	return most;
}

static void put_aside(struct network *network, unsigned lane, uint64_t tip)
{
	struct node *node = network->node;
	size_t position = 0;
	const void *key;
	void *value;
	while (map_next(&network->holders, &position, &key, &value)) {
		struct claim *claim = value;
		if (claim->unserved[lane] || claim->seq[lane] <= tip ||
			!monotime_reached(node->now.mono, monotime_add_ms(claim->since, CLAIM_PATIENCE_MS)))
			continue;
		claim->unserved[lane] = true;
		node->publish_due = true;
		const struct roster_member *m = roster_member_by_city(network->roster, key);
		struct log_line l;
		log_begin(&l, LOG_LEVEL_WARN, "hold_not_served");
		log_text(&l, "network", network->slug);
		if (m)
			log_text_bytes(&l, "city", m->slug);
		log_uint(&l, "lane", lane + 1);
		log_uint(&l, "seq", claim->seq[lane]);
		log_uint(&l, "held", tip);
		log_text(
			&l, "reason", "it says that it holds so much of this city's feed, and nobody gives it");
		log_end(&l);
	}
}

static bool linked(const struct network *network)
{
	list_for_each(&network->node->links, n)
	{
		const struct link *link = list_entry(n, struct link, node_link);
		if (link->state == LINK_LIVE && link_network_find(link, &network->id))
			return true;
	}
	return false;
}

void claim_on_deadline(struct network *network)
{
	struct node *node = network->node;
	bool asked = network->holders.count > 0 && linked(network) && !node->paused;
	for (unsigned lane = 0; lane < FEED_LANE_COUNT; lane++) {
		const struct feed *feed = network->own_feeds[lane];
		uint64_t tip = feed ? feed->tip.seq : 0;
		if (!asked || tip != network->claim_tip[lane]) {
			network->claim_tip[lane] = tip;
			network->claim_moved[lane] = node->now.mono;
		} else if (monotime_reached(node->now.mono,
					   monotime_add_ms(network->claim_moved[lane], CLAIM_PATIENCE_MS))) {
			put_aside(network, lane, tip);
		}
	}
}
