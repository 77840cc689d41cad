/* SPDX-License-Identifier: Apache-2.0 */
#include "base/check.h"
#include "tests/sim/world.h"

/* What goes wrong, and when it ends. To add one: a function and a row in `faults`. */

#define FAULT_EVERY_US (4 * WORLD_S)
#define PUBLISH_EVERY_US (1 * WORLD_S)
#define FAULT_STREAM (UINT64_C(1) << 32)
#define PUBLICATION_STREAM (UINT64_C(2) << 32)
#define COMMIT_US (2 * WORLD_MS)
#define READ_US 200

enum fault_kind {
	FAULT_CRASH,
	FAULT_POWER,
	FAULT_DROP,
	FAULT_PARTITION,
	FAULT_MUTE,
	FAULT_FLAP,
	FAULT_SLOW,
	FAULT_CLOCK,
	FAULT_SNAPSHOT,
	FAULT_ROLLBACK,
	FAULT_JOIN,
	FAULT_SUSPEND,
	FAULT_RESUME,
	FAULT_RENEW,
	FAULT_BURST,
	FAULT_CUT,
	FAULT_ROLLBACK_MACHINE,
	FAULT_COUNT
};

/* Between 1 and most seconds. */
static int64_t some_time(struct world *world, uint64_t most_s)
{
	return WORLD_S + (int64_t)world_below(world, most_s * 1000) * WORLD_MS;
}

static struct city *some_city(struct world *world)
{
	struct city *city = &world->cities[world_below(world, world->count)];
	return city->node && city->admitted ? city : NULL;
}

static void down(struct city *city, bool silent)
{
	city->restarting = true;
	city_crash(city, silent);
	world_push(city->world, some_time(city->world, 60), EVENT_RESTART, city->index, 0, NULL);
}

static void crash(struct world *world)
{
	struct city *city = some_city(world);
	if (city)
		down(city, false);
}

static void power(struct world *world)
{
	struct city *city = some_city(world);
	if (city)
		down(city, true);
}

static void drop(struct world *world)
{
	size_t count = list_count(&world->wires);
	size_t at = count ? world_below(world, count) : 0;
	list_for_each(&world->wires, n)
	{
		if (at-- > 0)
			continue;
		wire_reset(list_entry(n, struct wire, node));
		return;
	}
}

static void partition(struct world *world)
{
	if (world->partitioned)
		return;
	unsigned sides = 2 + (unsigned)world_below(world, 2);
	bool one_city = world_below(world, 3) == 0;
	for (uint32_t i = 0; i < world->count; i++)
		world->cities[i].side = one_city ? 0 : (unsigned)world_below(world, sides);
	if (one_city)
		world->cities[world_below(world, world->count)].side = 1;
	world->partitioned = true;
	world->one_way = world_below(world, 3) == 0;
	world_push(world, some_time(world, 90), EVENT_MEND, 0, FAULT_PARTITION, NULL);
}

static void mute(struct world *world)
{
	struct city *city = some_city(world);
	if (!city || city->mute)
		return;
	city->mute = true;
	world_push(world, some_time(world, 60), EVENT_MEND, city->index, FAULT_MUTE, NULL);
}

static void flap(struct world *world)
{
	struct city *city = some_city(world);
	if (!city || city->flapping)
		return;
	city->flapping = true;
	wire_city_break(city);
	world_push(world, some_time(world, 40), EVENT_MEND, city->index, FAULT_FLAP, NULL);
}

static void slow(struct world *world)
{
	struct city *city = some_city(world);
	if (!city || city->commit_us != COMMIT_US)
		return;
	city->commit_us = (int64_t)(50 + world_below(world, 2000)) * WORLD_MS;
	city->read_latency_us = (int64_t)(1 + world_below(world, 300)) * WORLD_MS;
	world_push(world, some_time(world, 60), EVENT_MEND, city->index, FAULT_SLOW, NULL);
}

static void set_clock(struct world *world)
{
	struct city *city = some_city(world);
	if (city)
		city->clock_offset_ms = (int64_t)world_below(world, 4 * 86400000) - 2 * 86400000;
}

static void snapshot(struct world *world)
{
	struct city *city = some_city(world);
	if (!city || city->rolled_back)
		return;
	store_snapshot_free(city->snapshot);
	city->snapshot = store_memory_copy(city->store);
	city->snapshot_guard = city->guard;
	city->snapshot_epoch = city->epoch_newest;
	require(city->snapshot);
}

/* Somebody honest has all that it would lose and could get from nobody else. */
static bool is_held_elsewhere(const struct city *city)
{
	struct world *world = city->world;
	const struct roster_member *own = membership_own(city);
	for (uint32_t i = 0; own && i < world->count; i++) {
		const struct city *other = &world->cities[i];
		if (other == city || !other->node || !other->admitted || other->lie != LIE_NONE)
			continue;
		const struct roster *roster = node_network_roster(other->node, 0);
		const struct roster_member *m = roster_member_by_city(roster, &city->city_id);
		bool all = m && m->epoch >= own->epoch &&
			roster_number(roster) >= roster_number(node_network_roster(city->node, 0));
		for (unsigned k = 0; k < FEED_LANE_COUNT && all; k++) {
			uint32_t feed = city->index * FEED_LANE_COUNT + k;
			all = other->durable[feed] >= world->feeds[feed].tip_seq;
		}
		if (all)
			return true;
	}
	return false;
}

/* Its disk is as it was, the guard beside the keys is not. One at a time, so that what one lacks
 * is with the others. */
static struct city *to_put_back(struct world *world)
{
	struct city *city = some_city(world);
	for (uint32_t i = 0; i < world->count; i++)
		if (world->cities[i].rolled_back)
			return NULL;
	if (!city || !city->snapshot || city->next_key || !list_empty(&city->commits) ||
		!list_empty(&city->written) || !is_held_elsewhere(city))
		return NULL;
	return city;
}

static void put_back(struct city *city)
{
	struct world *world = city->world;
	down(city, world_below(world, 2));
	store_memory_restore(city->store, city->snapshot);
	store_snapshot_free(city->snapshot);
	city->snapshot = NULL;
	city->rolled_back = true;
	world->rollbacks++;
}

static void rollback(struct world *world)
{
	struct city *city = to_put_back(world);
	if (!city)
		return;
	put_back(city);
	city->force_due = world_below(world, 3) == 0;
}

/* The whole machine is as it was, guard and all, and publishes before it has a link: nothing can
 * keep it from signing a seq again. */
static void rollback_machine(struct world *world)
{
	struct city *city = to_put_back(world);
	if (!city || city->lie != LIE_NONE || city->epoch_newest != city->snapshot_epoch)
		return;
	put_back(city);
	city->guard = city->snapshot_guard;
	city->blind = city->may_fork = true;
}

static void renew(struct world *world)
{
	struct city *city = some_city(world);
	if (city && !city->rolled_back)
		membership_renew(city, false);
}

static void burst(struct world *world)
{
	/* Beyond a checkpoint, beyond the gaps that are kept, beyond a link's credit. */
	static const struct {
		uint8_t lane;
		unsigned count, bytes;
	} bursts[] = {
		{FEED_LANE_DOC, 700, 300}, {FEED_LANE_ALERT, 90, 300}, {FEED_LANE_DOC, 40, 200000}};
	struct city *city = some_city(world);
	uint64_t kind = world_below(world, sizeof bursts / sizeof bursts[0]);
	if (world->now_us >= world->hushed_us)
		return;
	for (unsigned i = 0; city && i < bursts[kind].count; i++)
		city_publish(city, bursts[kind].lane, 30 + world_below(world, bursts[kind].bytes));
}

struct fault {
	unsigned weight;
	void (*happen)(struct world *world);
};

static const struct fault faults[FAULT_COUNT] = {
	[FAULT_CRASH] = {12, crash},
	[FAULT_POWER] = {8, power},
	[FAULT_DROP] = {20, drop},
	[FAULT_PARTITION] = {8, partition},
	[FAULT_MUTE] = {8, mute},
	[FAULT_FLAP] = {10, flap},
	[FAULT_SLOW] = {8, slow},
	[FAULT_CLOCK] = {3, set_clock},
	[FAULT_SNAPSHOT] = {12, snapshot},
	[FAULT_ROLLBACK] = {20, rollback},
	[FAULT_JOIN] = {10, membership_join},
	[FAULT_SUSPEND] = {4, membership_suspend},
	[FAULT_RESUME] = {8, membership_resume},
	[FAULT_RENEW] = {8, renew},
	[FAULT_BURST] = {3, burst},
	[FAULT_CUT] = {5, cut_suspend},
	[FAULT_ROLLBACK_MACHINE] = {20, rollback_machine},
};

void faults_init(struct world *world)
{
	static const enum lie lies[] = {LIE_BODY, LIE_HEADER, LIE_ORDER, LIE_SIGNATURE, LIE_DROP_ENTRY,
		LIE_DROP_FIRST, LIE_DROP_RUN, LIE_PREV, LIE_EPOCH, LIE_NODE_KEY, LIE_PURGE, LIE_LATER,
		LIE_SILENT, LIE_CENSOR, LIE_TRICKLE, LIE_DIGEST, LIE_PROMISE};
	uint32_t liars = world->sparse ? 1 : world->count / 6;
	for (uint32_t i = 0; i < liars; i++) {
		struct city *city = &world->cities[world_below(world, world->count)];
		city->lie = lies[world_below(world, sizeof lies / sizeof lies[0])];
	}
}

static int64_t about(struct world *world, int64_t us)
{
	return us / 4 + (int64_t)world_below(world, (uint64_t)(us * 3 / 2));
}

static unsigned weight(const struct world *world, int kind)
{
	return kind == FAULT_ROLLBACK_MACHINE && !world->options.forks ? 0 : faults[kind].weight;
}

void faults_happen(struct world *world)
{
	unsigned sum = 0;
	if (world->quiet)
		return;
	for (int kind = 0; kind < FAULT_COUNT; kind++)
		sum += weight(world, kind);
	/* Each draws for itself, so that one can be left out and the others stay (shrink.h). */
	uint64_t former = world_chance_of(world, FAULT_STREAM + ++world->faults);
	unsigned at = (unsigned)world_below(world, sum);
	int kind = 0;
	for (; at >= weight(world, kind); kind++)
		at -= weight(world, kind);
	int64_t next_us = about(world, FAULT_EVERY_US);
	if (!world->options.only || fault_set_has(world->options.only, world->faults)) {
		world_trace(world, (uint64_t)kind);
		faults[kind].happen(world);
	}
	world_push(world, next_us, EVENT_FAULT, 0, 0, NULL);
	world->chance = former;
}

void faults_mend(struct world *world, int64_t kind, uint32_t index)
{
	struct city *city = &world->cities[index];
	if (kind == FAULT_PARTITION) {
		world->partitioned = false;
		wire_release(world);
	} else if (kind == FAULT_MUTE) {
		city->mute = false;
		wire_release(world);
	} else if (kind == FAULT_FLAP) {
		city->flapping = false;
	} else if (kind == FAULT_SLOW) {
		city->commit_us = COMMIT_US;
		city->read_latency_us = READ_US;
	}
}

void faults_end(struct world *world)
{
	world->partitioned = false;
	for (uint32_t i = 0; i < world->count; i++) {
		struct city *city = &world->cities[i];
		city->mute = city->flapping = false;
		city->commit_us = COMMIT_US;
		city->read_latency_us = READ_US;
		if (city->restarting)
			city_start(city);
	}
	wire_release(world);
}

void faults_publish(struct world *world)
{
	static const uint8_t lanes[] = {FEED_LANE_ALERT, FEED_LANE_ALERT, FEED_LANE_CALL, FEED_LANE_DOC,
		FEED_LANE_DOC, FEED_LANE_DOC, FEED_LANE_META};
	static const uint64_t sizes[] = {200, 200, 1500, 1500, 1500, 1500, 20000, 20000, 100000};
	if (world->now_us >= world->hushed_us)
		return;
	uint64_t former = world_chance_of(world, PUBLICATION_STREAM + ++world->publications);
	struct city *city = some_city(world);
	uint8_t lane = lanes[world_below(world, sizeof lanes)];
	uint64_t size = sizes[world_below(world, sizeof sizes / sizeof sizes[0])];
	if (city)
		city_publish(city, lane, 20 + world_below(world, size));
	world_push(world, about(world, PUBLISH_EVERY_US), EVENT_PUBLISH, 0, 0, NULL);
	world->chance = former;
}
