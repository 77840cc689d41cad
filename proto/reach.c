/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/reach.h"

#include <string.h>

#include "feed/beacon.h"
#include "proto/node_private.h"

/* What the beacons show, held against what is here. */

#define STALLED_MS 600000
#define AHEAD_MS 3600000

static int64_t age_ms(const struct node *node, struct timestamp since)
{
	return timestamp_diff_ms(node->now.wall, since);
}

bool reach_lane_withheld(const struct node *node, const struct beacon_lane *lane)
{
	return lane->ahead_since.ms &&
		(age_ms(node, lane->moved) >= STALLED_MS || age_ms(node, lane->ahead_since) >= AHEAD_MS);
}

bool reach_charter_withheld(const struct node *node, const struct hash *network_id,
	uint64_t *number, struct timestamp *since)
{
	const struct network *network = node_network_find(node, network_id);
	if (!network || network->beacons.charter_ahead <= roster_number(network->roster) ||
		age_ms(node, network->beacons.charter_ahead_since) < STALLED_MS)
		return false;
	*number = network->beacons.charter_ahead;
	*since = network->beacons.charter_ahead_since;
	return true;
}

static uint64_t held_of(const struct network *network, const struct hash *city_id, uint8_t lane)
{
	struct hash feed_id;
	const struct feed *feed = feed_id_of(&network->id, city_id, lane, &feed_id)
		? NULL
		: map_get(&network->node->feeds, &feed_id);
	return feed ? feed->durable_seq : 0;
}

static void lanes_fill(
	const struct network *network, const struct kept_beacon *kept, struct reach_city *out)
{
	for (uint8_t lane = 1; lane <= FEED_LANE_COUNT; lane++) {
		struct reach_lane *to = &out->lanes[lane - 1];
		to->held = held_of(network, &out->city_id, lane);
		if (!kept || kept->epoch != out->epoch || out->own)
			continue;
		to->named = kept->lanes[lane - 1].seq;
		to->since = kept->lanes[lane - 1].ahead_since;
		to->withheld = to->named > to->held &&
			reach_lane_withheld(network->node, &kept->lanes[lane - 1]);
	}
}

static void member_fill(
	const struct network *network, const struct roster_member *m, struct reach_city *out)
{
	const struct node *node = network->node;
	const struct kept_beacon *kept = beacons_find(network, m->city_id.bytes);
	*out = (struct reach_city){.network_id = network->id,
		.city_id = m->city_id,
		.network = network->slug,
		.slug = m->slug,
		.epoch = m->epoch,
		.own = hash_equal(&m->city_id, &node->city_id)};
	list_for_each(&node->links, n)
	{
		const struct link *link = list_entry(n, struct link, node_link);
		out->linked |= link->state == LINK_LIVE && link->has_city &&
			hash_equal(&link->city_id, &m->city_id) && link_network_find(link, &network->id);
	}
	struct timestamp last = network->beacons.begun;
	if (last.ms < (int64_t)m->admitted_time)
		last.ms = (int64_t)m->admitted_time;
	if (kept && kept->epoch == m->epoch) {
		out->heard = true;
		out->time = last = kept->time;
		out->came = kept->came;
		out->via = kept->via;
		out->amendment_number = kept->amendment_number;
	}
	out->overdue = age_ms(node, last) > LIMIT_BEACON_OVERDUE_MS;
	lanes_fill(network, kept, out);
}

void reach_each_city(
	const struct node *node, void (*each)(void *ctx, const struct reach_city *city), void *ctx)
{
	for (size_t i = 0; i < node->network_count; i++) {
		const struct roster_member *m;
		for (size_t k = 0; (m = roster_member_at(node->networks[i]->roster, k)); k++) {
			struct reach_city city;
			if (m->status != MEMBER_ACTIVE)
				continue;
			member_fill(node->networks[i], m, &city);
			each(ctx, &city);
		}
	}
}

static bool holds(const struct kept_beacon *kept, const struct hash *feed_id, uint64_t *seq,
	struct beacon_held *scratch, struct message *m)
{
	struct beacon beacon;
	if (message_decode(bytes_slice(blob_bytes(kept->frame), 4, SIZE_MAX), m) ||
		beacon_decode(m->signed_bytes.body, scratch, BEACON_HELD_MAX, &beacon))
		return false;
	for (size_t i = 0; i < beacon.held_count; i++)
		if (hash_equal(&beacon.held[i].feed_id, feed_id)) {
			*seq = beacon.held[i].seq;
			return true;
		}
	return false;
}

void reach_each_holder(const struct node *constant, const struct hash *feed_id,
	void (*each)(void *ctx, const struct reach_holder *holder), void *ctx)
{
	static _Thread_local struct beacon_held scratch[BEACON_HELD_MAX];
	struct node *node = (struct node *)constant; /* its one decoded frame */
	const struct feed *feed = map_get(&node->feeds, feed_id);
	if (!feed)
		return;
	list_for_each(&feed->network->beacons.by_order, n)
	{
		const struct kept_beacon *kept = list_entry(n, struct kept_beacon, by_order);
		const struct roster_member *m = roster_member_by_city(
			feed->network->roster, &kept->city_id);
		struct reach_holder holder = {.city_id = kept->city_id, .time = kept->time};
		if (!m || m->status != MEMBER_ACTIVE || m->epoch != kept->epoch ||
			!holds(kept, feed_id, &holder.seq, scratch, &node->message))
			continue;
		holder.slug = m->slug;
		each(ctx, &holder);
	}
}
