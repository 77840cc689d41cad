/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/check.h"
#include "feed/entry.h"
#include "feed/fork_proof.h"
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
	for (uint32_t i = 0; i < world->count * FEED_LANE_COUNT; i++) {
		free(world->feeds[i].entries);
		free(world->feeds[i].others);
		free(world->feeds[i].cuts);
	}
}

static uint64_t *durable(struct city *city, const struct ledger_feed *feed)
{
	static uint64_t none; /* a hundred million of them: not kept */
	none = 0;
	return city->durable ? &city->durable[feed - city->world->feeds] : &none;
}

static struct ledger_entry *find(
	const struct ledger_feed *feed, uint64_t seq, const struct hash *entry_hash)
{
	if (seq == 0 || seq > feed->count)
		return NULL;
	if (hash_equal(&feed->entries[seq - 1].entry_hash, entry_hash))
		return &feed->entries[seq - 1];
	for (size_t i = 0; i < feed->other_count; i++)
		if (feed->others[i].seq == seq && hash_equal(&feed->others[i].entry.entry_hash, entry_hash))
			return &feed->others[i].entry;
	return NULL;
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

/* Another one at a seq: what a cut left free is signed anew under a later epoch, without that it is
 * a fork. */
static void append_other(
	struct city *city, struct ledger_feed *feed, uint64_t seq, const struct ledger_entry *entry)
{
	bool fork = feed->entries[seq - 1].epoch == entry->epoch;
	for (size_t i = 0; i < feed->other_count; i++)
		fork |= feed->others[i].seq == seq && feed->others[i].entry.epoch == entry->epoch;
	if (fork && (feed->forked == 0 || seq < feed->forked))
		feed->forked = seq;
	if (fork && !city->may_fork)
		world_fail(city->world, "%s signs lane %u seq %llu twice in epoch %u", city->slug,
			feed->lane, (unsigned long long)seq, entry->epoch);
	feed->others = realloc(feed->others, (feed->other_count + 1) * sizeof *feed->others);
	require(feed->others);
	feed->others[feed->other_count++] = (struct ledger_other){seq, *entry};
}

static void take_entry(struct city *city, struct ledger_feed *feed, uint64_t seq,
	const struct ledger_entry *entry, bool signs)
{
	struct world *world = city->world;
	const char *slug = world->cities[feed->city].slug;
	const struct ledger_entry *known = find(feed, seq, &entry->entry_hash);
	if (known && known->content != entry->content)
		world_fail(world, "%s holds altered bytes of %s/%u/%llu", city->slug, slug, feed->lane,
			(unsigned long long)seq);
	if (known)
		return;
	if (signs && seq == feed->count + 1)
		append(feed, entry);
	else if (signs && seq > 0 && seq <= feed->count)
		append_other(city, feed, seq, entry);
	else
		world_fail(world, "%s holds %s/%u/%llu, which was durable nowhere", city->slug, slug,
			feed->lane, (unsigned long long)seq);
}

/* The origin signs an entry once. */
static void take_head(struct city *city, struct ledger_feed *feed, uint64_t seq,
	const struct hash *entry_hash, const uint8_t head[static HEAD_BYTES])
{
	struct ledger_entry *entry = find(feed, seq, entry_hash);
	uint64_t digest = world_digest(2, head, HEAD_BYTES);
	if (entry && !entry->head && feed->city == city->origin)
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
	bool signs = op->own && hash_is_zero(&op->source_city);
	for (uint32_t i = 0; i < op->count; i++) {
		struct bytes wire = bytes_slice(
			blob_bytes(op->blob), op->index[i].offset, op->index[i].length);
		struct ledger_entry entry = {.entry_hash = op->index[i].entry_hash,
			.content = world_digest(1, wire.data, wire.len),
			.epoch = op->epoch};
		take_entry(city, feed, op->seq + i, &entry, signs);
	}
	uint64_t last = op->seq + op->count - 1;
	if (op->count && op->type == COMMIT_RUN && !op->by_cut)
		take_head(city, feed, last, &op->last_hash, op->head);
	if (op->count && op->type == COMMIT_RUN && last > *durable(city, feed))
		*durable(city, feed) = last;
	if (op->count && signs) {
		feed->tip_seq = last;
		feed->tip_epoch = op->epoch;
	}
}

static void take_gap(struct city *city, const struct commit_op *op)
{
	struct ledger_feed *feed = map_get(&city->world->feeds_by_id, &op->feed_id);
	if (!feed) {
		world_fail(city->world, "%s holds an alert of nobody", city->slug);
		return;
	}
	struct bytes wire = blob_bytes(op->blob);
	struct ledger_entry entry = {
		.entry_hash = op->hash, .content = world_digest(1, wire.data, wire.len)};
	take_entry(city, feed, op->seq, &entry, false);
	take_head(city, feed, op->seq, &op->hash, op->head);
}

/* One officer, who signs the next amendment only where the last one is known: there is one chain.
 */
static void take_amendment(struct city *city, const struct commit_op *op)
{
	struct world *world = city->world;
	uint64_t number = op->seq;
	city->amended_us = world->now_us;
	if (number > city->charter_durable)
		city->charter_durable = number;
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

void ledger_cut(struct ledger_feed *feed, const struct epoch_cut *cut)
{
	feed->cuts = realloc(feed->cuts, (feed->cut_count + 1) * sizeof *feed->cuts);
	require(feed->cuts);
	feed->cuts[feed->cut_count++] = *cut;
}

/* Entries are disowned by a cut that somebody signed, and by nothing else. */
static void take_cut(struct city *city, const struct commit_op *op)
{
	struct world *world = city->world;
	struct ledger_feed *feed = map_get(&world->feeds_by_id, &op->feed_id);
	bool known = false;
	if (op->seq >= *durable(city, feed))
		return;
	for (size_t i = 0; i < feed->cut_count; i++)
		known |= feed->cuts[i].seq == op->seq && hash_equal(&feed->cuts[i].hash, &op->hash);
	/* A fork proof takes a feed back to where its histories part. */
	known |= feed->forked && op->seq + 1 >= feed->forked;
	if (!known)
		world_fail(world, "%s disowns what no cut disowned", city->slug);
	*durable(city, feed) = op->seq;
	world->disowned++;
}

/* Of a feed in which two histories were signed, and from where they part. */
static void take_proof(struct city *city, const struct commit_op *op)
{
	struct world *world = city->world;
	struct control_object object;
	struct fork_proof proof;
	struct ledger_feed *feed = NULL;
	struct hash feed_id;
	if (object_decode(blob_bytes(op->blob), &object) == 0 &&
		fork_proof_decode(object.body, &proof) == 0 &&
		feed_id_of(&proof.network_id, &proof.city_id, proof.lane, &feed_id) == 0)
		feed = map_get(&world->feeds_by_id, &feed_id);
	if (!feed || feed->forked == 0 || proof.seq + 1 < feed->forked)
		world_fail(world, "%s holds a fork proof of %s, which has signed one history", city->slug,
			feed ? world->cities[feed->city].slug : "nobody");
	world->proofs++;
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
			take_proof(city, op);
		else if (op->type == COMMIT_CUT)
			take_cut(city, op);
	}
}

void ledger_acknowledged(struct city *city, uint8_t lane, const struct node_published *published)
{
	struct ledger_feed *feed = &city->world->feeds[city->origin * FEED_LANE_COUNT + lane - 1u];
	struct ledger_entry *entry = find(feed, published->seq, &published->entry_hash);
	city->world->acknowledged++;
	if (!entry)
		world_fail(city->world, "%s acknowledges lane %u seq %llu, which is not durable",
			city->slug, lane, (unsigned long long)published->seq);
	else if (entry->acknowledged)
		world_fail(city->world, "%s acknowledges lane %u seq %llu twice", city->slug, lane,
			(unsigned long long)published->seq);
	else
		entry->acknowledged = true;
}

void ledger_started(struct city *city)
{
	struct world *world = city->world;
	if (node_network_count(city->node) == 0 || !city->durable)
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
	if (!city->rolled_back && number < city->charter_durable)
		world_fail(world, "%s: its charter has gone back by a restart", city->slug);
	city->charter_number = city->charter_durable = number;
}

static void shown(void *ctx, const struct node_feed *shown)
{
	struct city *city = ctx;
	struct world *world = city->world;
	const struct ledger_feed *feed = map_get(&world->feeds_by_id, &shown->feed_id);
	if (!feed || !find(feed, shown->seq, &shown->entry_hash))
		world_fail(world, "%s shows what was not signed: lane %u, seq %llu", city->slug,
			shown->lane, (unsigned long long)shown->seq);
	else if (shown->seq != *durable(city, feed))
		world_fail(world, "%s shows seq %llu of %s/%u, durable is %llu", city->slug,
			(unsigned long long)shown->seq, world->cities[feed->city].slug, feed->lane,
			(unsigned long long)*durable(city, feed));
	if (shown->frozen && feed && !feed->forked)
		world_fail(world, "%s: a feed is frozen, and its city signed one history", city->slug);
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
