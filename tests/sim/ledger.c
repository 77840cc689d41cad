/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/check.h"
#include "feed/entry.h"
#include "tests/sim/world.h"

/*
 * What was ever durable at its origin, entry by entry. Every commit of every city is held against
 * it: no node's word is taken for what it verified.
 */

void ledger_init(struct world *world)
{
	for (uint32_t i = 0; i < world->count * FEED_LANE_COUNT; i++) {
		struct ledger_feed *feed = &world->feeds[i];
		feed->city = i / FEED_LANE_COUNT;
		feed->lane = (uint8_t)(i % FEED_LANE_COUNT + 1);
		require(feed_id_of(&world->network_id, &world->cities[feed->city].city_id, feed->lane,
					&feed->feed_id) == 0);
		require(map_put(&world->feeds_by_id, &feed->feed_id, feed) == 0);
	}
}

void ledger_deinit(struct world *world)
{
	for (uint32_t i = 0; i < world->count * FEED_LANE_COUNT; i++)
		free(world->feeds[i].entries);
}

static uint64_t *durable(struct city *city, const struct ledger_feed *feed)
{
	return &city->durable[feed - city->world->feeds];
}

static void append(struct ledger_feed *feed, const struct ledger_entry *entry)
{
	if (feed->count == feed->capacity) {
		feed->capacity = feed->capacity ? 2 * feed->capacity : 16;
		feed->entries = realloc(feed->entries, feed->capacity * sizeof *feed->entries);
		require(feed->entries);
	}
	feed->entries[feed->count++] = *entry;
}

static void take_entry(struct city *city, struct ledger_feed *feed, uint64_t seq,
	const struct hash *entry_hash, struct bytes wire)
{
	struct world *world = city->world;
	struct ledger_entry entry = {
		.entry_hash = *entry_hash, .content = world_digest(1, wire.data, wire.len)};
	bool own = feed->city == city->index;
	const char *slug = world->cities[feed->city].slug;
	unsigned long long number = (unsigned long long)seq;
	if (own && seq == feed->count + 1) {
		append(feed, &entry);
		return;
	}
	if (seq == 0 || seq > feed->count) {
		world_fail(world, "%s holds %s/%u/%llu, which was durable nowhere", city->slug, slug,
			feed->lane, number);
		return;
	}
	const struct ledger_entry *known = &feed->entries[seq - 1];
	if (!hash_equal(&known->entry_hash, entry_hash))
		world_fail(world, "%s holds another %s/%u/%llu than was signed first", city->slug, slug,
			feed->lane, number);
	else if (known->content != entry.content)
		world_fail(
			world, "%s holds altered bytes of %s/%u/%llu", city->slug, slug, feed->lane, number);
}

/* The origin signs at a seq once. */
static void take_head(struct city *city, struct ledger_feed *feed, uint64_t seq,
	const uint8_t head[static HEAD_BYTES])
{
	struct ledger_entry *entry = seq && seq <= feed->count ? &feed->entries[seq - 1] : NULL;
	uint64_t digest = world_digest(2, head, HEAD_BYTES);
	if (entry && !entry->head && feed->city == city->index)
		entry->head = digest;
	else if (entry && entry->head != digest)
		world_fail(city->world, "%s holds a head of %s/%u/%llu that was not signed", city->slug,
			city->world->cities[feed->city].slug, feed->lane, (unsigned long long)seq);
}

static void take_run(struct city *city, const struct commit_op *op)
{
	struct ledger_feed *feed = map_get(&city->world->feeds_by_id, &op->feed_id);
	if (!feed) {
		world_fail(city->world, "%s holds a feed of nobody", city->slug);
		return;
	}
	for (uint32_t i = 0; i < op->count; i++)
		take_entry(city, feed, op->seq + i, &op->index[i].entry_hash,
			bytes_slice(blob_bytes(op->blob), op->index[i].offset, op->index[i].length));
	uint64_t last = op->seq + op->count - 1;
	if (op->count && op->type == COMMIT_RUN && !op->by_cut)
		take_head(city, feed, last, op->head);
	if (op->count && op->type == COMMIT_RUN && last > *durable(city, feed))
		*durable(city, feed) = last;
}

static void take_gap(struct city *city, const struct commit_op *op)
{
	struct ledger_feed *feed = map_get(&city->world->feeds_by_id, &op->feed_id);
	if (!feed) {
		world_fail(city->world, "%s holds an alert of nobody", city->slug);
		return;
	}
	take_entry(city, feed, op->seq, &op->hash, blob_bytes(op->blob));
	take_head(city, feed, op->seq, op->head);
}

/* One officer, who signs the next amendment only where the last one is known: there is one chain.
 */
static void take_amendment(struct city *city, const struct commit_op *op)
{
	struct world *world = city->world;
	uint64_t number = op->seq;
	city->amended_us = world->now_us;
	if (number == world->amendment_count + 1) {
		world->amendments = realloc(world->amendments, number * sizeof *world->amendments);
		require(world->amendments);
		world->amendments[world->amendment_count++] = op->hash;
		return;
	}
	if (number == 0 || number > world->amendment_count)
		world_fail(world, "%s holds amendment %llu, which nobody made", city->slug,
			(unsigned long long)number);
	else if (!hash_equal(&world->amendments[number - 1], &op->hash))
		world_fail(
			world, "%s holds another amendment %llu", city->slug, (unsigned long long)number);
}

void ledger_commit(struct city *city, const struct commit *commit)
{
	for (uint32_t i = 0; i < commit->count; i++) {
		const struct commit_op *op = &commit->ops[i];
		if (op->type == COMMIT_RUN || op->type == COMMIT_FILL)
			take_run(city, op);
		else if (op->type == COMMIT_GAP)
			take_gap(city, op);
		else if (op->type == COMMIT_OBJECT && op->object_type == OBJECT_AMENDMENT)
			take_amendment(city, op);
		else if (op->type == COMMIT_OBJECT && op->object_type == OBJECT_FORK_PROOF)
			world_fail(city->world, "%s holds a fork proof, and all are honest", city->slug);
		else if (op->type == COMMIT_CUT &&
			op->seq < *durable(city, map_get(&city->world->feeds_by_id, &op->feed_id)))
			world_fail(city->world, "%s disowns what no cut disowned", city->slug);
	}
}

void ledger_acknowledged(struct city *city, uint8_t lane, const struct node_published *published)
{
	struct ledger_feed *feed = &city->world->feeds[city->index * FEED_LANE_COUNT + lane - 1u];
	uint64_t seq = published->seq;
	city->world->acknowledged++;
	if (seq == 0 || seq > feed->count ||
		!hash_equal(&feed->entries[seq - 1].entry_hash, &published->entry_hash)) {
		world_fail(city->world, "%s acknowledges lane %u seq %llu, which is not durable",
			city->slug, lane, (unsigned long long)seq);
		return;
	}
	if (feed->entries[seq - 1].acknowledged)
		world_fail(city->world, "%s acknowledges lane %u seq %llu twice", city->slug, lane,
			(unsigned long long)seq);
	feed->entries[seq - 1].acknowledged = true;
}

void ledger_started(struct city *city)
{
	struct world *world = city->world;
	if (node_network_count(city->node) == 0)
		return;
	for (uint32_t i = 0; i < world->count * FEED_LANE_COUNT; i++) {
		struct node_feed feed = {0};
		node_feed_find(city->node, &world->feeds[i].feed_id, &feed);
		if (!city->rolled_back && feed.seq < city->durable[i])
			world_fail(world, "%s has lost %s/%u/%llu, which was durable there", city->slug,
				world->cities[world->feeds[i].city].slug, world->feeds[i].lane,
				(unsigned long long)city->durable[i]);
		city->durable[i] = feed.seq;
	}
	uint64_t number = roster_number(node_network_roster(city->node, 0));
	if (!city->rolled_back && number < city->charter_number)
		world_fail(world, "%s: its charter has gone back", city->slug);
	city->charter_number = number;
}

static void shown(void *ctx, const struct node_feed *shown)
{
	struct city *city = ctx;
	struct world *world = city->world;
	const struct ledger_feed *feed = map_get(&world->feeds_by_id, &shown->feed_id);
	if (!feed || shown->seq > feed->count ||
		!hash_equal(&feed->entries[shown->seq - 1].entry_hash, &shown->entry_hash))
		world_fail(world, "%s shows what was not signed: lane %u, seq %llu", city->slug,
			shown->lane, (unsigned long long)shown->seq);
	else if (shown->seq != *durable(city, feed))
		world_fail(world, "%s shows seq %llu of %s/%u, durable is %llu", city->slug,
			(unsigned long long)shown->seq, world->cities[feed->city].slug, feed->lane,
			(unsigned long long)*durable(city, feed));
	if (shown->frozen)
		world_fail(world, "%s: a feed is frozen, and all are honest", city->slug);
}

void ledger_shown(struct city *city)
{
	uint64_t number = roster_number(node_network_roster(city->node, 0));
	if (number < city->charter_number)
		world_fail(city->world, "%s: its charter has gone back", city->slug);
	if (number > city->world->amendment_count + city->world->amending)
		world_fail(city->world, "%s: its charter is ahead of the officer", city->slug);
	city->charter_number = number;
	node_each_feed(city->node, shown, city);
}
