/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "tests/sim/world.h"

/* The invariants: those of every second, and those at rest. */

/* What a node may have waiting for its disk: the pool of bulk credit, the urgent windows of its
 * links, its own drafts. */
#define COMMIT_BYTES_MAX (LIMIT_BULK_POOL_BYTES + (8u << 20))
#define READS_MAX 4096u
/* Calls a second for deadlines: more is a loop that burns the processor. */
#define CALLS_MAX 900u

static void city_step(struct city *city)
{
	struct world *world = city->world;
	if (city->called > CALLS_MAX)
		world_fail(world, "%s asked to be called %u times in a second", city->slug, city->called);
	city->called = 0;
	cut_step(city);
	if (city->commit_bytes > COMMIT_BYTES_MAX)
		world_fail(world, "%s has %zu bytes waiting for its disk", city->slug, city->commit_bytes);
	if (city->read_count > READS_MAX)
		world_fail(world, "%s has %zu reads waiting", city->slug, city->read_count);
	if (!city->rolled_back || !city->node)
		return;
	for (unsigned k = 0; k < FEED_LANE_COUNT; k++)
		if (city->durable[city->index * FEED_LANE_COUNT + k] < city->guard.seq[k])
			return;
	if (node_publishing(city->node, NULL) == NODE_PUBLISHING_OPEN &&
		roster_number(node_network_roster(city->node, 0)) == world->amendment_count)
		city->rolled_back = false;
}

/* Nobody is served whom the charter has ended here, a second after its amendment came. */
static void peer(void *ctx, const struct node_peer *peer)
{
	struct city *city = ctx;
	const struct roster_member *m = roster_member_by_city(
		node_network_roster(city->node, 0), &peer->city_id);
	if (peer->state == LINK_LIVE && (!m || m->status != MEMBER_ACTIVE))
		world_fail(
			city->world, "%s has a live link with %s, which is not active", city->slug, peer->slug);
}

void judge_step(struct world *world)
{
	for (uint32_t i = 0; i < world->count; i++)
		if (world->cities[i].node)
			city_step(&world->cities[i]);
	/* One a second is looked at closely. */
	struct city *city = &world->cities[world->now_us / WORLD_S % world->count];
	if (!city->node || !city->admitted)
		return;
	ledger_shown(city);
	if (list_empty(&city->commits) && list_empty(&city->written) &&
		world->now_us > city->amended_us + WORLD_S)
		node_each_peer(city->node, peer, city);
}

/* ---- at rest ---- */

static bool is_judged(const struct city *city, const struct roster *roster)
{
	if (!city->node || !city->admitted || city->lie != LIE_NONE)
		return false;
	const struct roster_member *m = roster_member_by_city(roster, &city->city_id);
	return m && m->status == MEMBER_ACTIVE;
}

/* The honest member that has the longest charter. */
static struct city *reference(struct world *world)
{
	struct city *best = NULL;
	for (uint32_t i = 0; i < world->count; i++) {
		struct city *city = &world->cities[i];
		const struct roster_member *own = membership_own(city);
		if (!own || city->lie != LIE_NONE || own->status != MEMBER_ACTIVE)
			continue;
		if (!best ||
			roster_number(node_network_roster(city->node, 0)) >
				roster_number(node_network_roster(best->node, 0)))
			best = city;
	}
	return best;
}

static void reach(struct city *from, const struct roster *roster, bool *reached)
{
	reached[from->index] = true;
	list_for_each(&from->ends, n)
	{
		struct wire_end *end = list_entry(n, struct wire_end, by_city);
		struct city *to = end->peer->city;
		if (end->peer->link && !reached[to->index] && is_judged(to, roster))
			reach(to, roster, reached);
	}
}

static bool same_charter(struct city *a, struct city *b, char *why, size_t len)
{
	struct roster *x = (struct roster *)node_network_roster(a->node, 0);
	struct roster *y = (struct roster *)node_network_roster(b->node, 0);
	struct hash of_x, of_y;
	if (roster_number(x) != roster_number(y) || !hash_equal(roster_hash(x), roster_hash(y))) {
		snprintf(why, len, "%s has amendment %llu, %s has %llu", a->slug,
			(unsigned long long)roster_number(x), b->slug, (unsigned long long)roster_number(y));
		return false;
	}
	for (unsigned range = 0; range < ROSTER_RANGES; range++) {
		require(roster_object_range(x, (uint8_t)range, &of_x) == 0);
		require(roster_object_range(y, (uint8_t)range, &of_y) == 0);
		if (hash_equal(&of_x, &of_y))
			continue;
		snprintf(
			why, len, "%s and %s hold other control objects (range %u)", a->slug, b->slug, range);
		return false;
	}
	return true;
}

static bool same_feeds(struct city *a, struct city *b, char *why, size_t len)
{
	const struct world *world = a->world;
	for (uint32_t i = 0; i < world->count * FEED_LANE_COUNT; i++) {
		const struct ledger_feed *feed = &world->feeds[i];
		struct node_feed x = {0}, y = {0};
		node_feed_find(a->node, &feed->feed_id, &x);
		node_feed_find(b->node, &feed->feed_id, &y);
		if (x.seq == y.seq && hash_equal(&x.entry_hash, &y.entry_hash))
			continue;
		snprintf(why, len, "%s holds %s/%u to %llu, %s to %llu", a->slug,
			world->cities[feed->city].slug, feed->lane, (unsigned long long)x.seq, b->slug,
			(unsigned long long)y.seq);
		return false;
	}
	return true;
}

/* What is valid of what the city signed. */
static uint64_t valid_tip(const struct city *city, const struct ledger_feed *feed)
{
	struct roster_epoch e;
	if (feed->tip_seq &&
		roster_epoch(node_network_roster(city->node, 0), &city->city_id, feed->tip_epoch, &e) ==
			0 &&
		e.has_end && e.end[feed->lane - 1].seq < feed->tip_seq)
		return e.end[feed->lane - 1].seq;
	return feed->tip_seq;
}

static bool own_is_whole(struct city *city, char *why, size_t len)
{
	struct world *world = city->world;
	const char *state;
	if (node_publishing(city->node, &state) != NODE_PUBLISHING_OPEN || city->renewing) {
		snprintf(why, len, "%s does not publish: %s", city->slug,
			city->renewing ? "its renewal does not end" : state);
		return false;
	}
	for (unsigned k = 0; k < FEED_LANE_COUNT; k++) {
		uint32_t i = city->index * FEED_LANE_COUNT + k;
		struct node_feed feed = {0};
		node_feed_find(city->node, &world->feeds[i].feed_id, &feed);
		if (feed.seq == valid_tip(city, &world->feeds[i]) || feed.frozen)
			continue;
		snprintf(why, len, "%s holds its own lane %u to %llu of %llu", city->slug, k + 1,
			(unsigned long long)feed.seq, (unsigned long long)valid_tip(city, &world->feeds[i]));
		return false;
	}
	return true;
}

bool judge_at_rest(struct world *world, char *why, size_t len)
{
	struct city *first = reference(world);
	bool *reached = calloc(world->count, sizeof *reached);
	bool all = first;
	require(reached);
	snprintf(why, len, "no honest member runs");
	if (first)
		reach(first, node_network_roster(first->node, 0), reached);
	for (uint32_t i = 0; i < world->count && all; i++) {
		struct city *city = &world->cities[i];
		if (!is_judged(city, node_network_roster(first->node, 0)))
			continue;
		/* The few ways of a sparse world may all lead through cities that are out. */
		if (!reached[i] && world->sparse)
			continue;
		if (!reached[i])
			snprintf(why, len, "no links lead from %s to %s", first->slug, city->slug);
		all = reached[i] && own_is_whole(city, why, len) &&
			(city == first ||
				(same_charter(first, city, why, len) && same_feeds(first, city, why, len)));
		ledger_shown(city);
	}
	free(reached);
	return all;
}
