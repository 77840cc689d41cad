/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/check.h"
#include "feed/entry.h"
#include "feed/fork_proof.h"
#include "proto/node_private.h"

/*
 * What a fork proof means for a feed (docs/decisions/031). It stands still at the last common
 * entry: up to there it is pulled, behind it nothing is taken any more, and peers are told of
 * nothing behind it, so that digests agree whichever history each holds. What a node holds of
 * either history stays where it is, readable and marked: the key that signed both must not be able
 * to take a city's records away. The next epoch record's cut says which history is meant, or none;
 * who holds the other goes back to the last common entry then, and pulls.
 */

struct freeze {
	uint64_t seq; /* the last common entry */
	struct hash hash;
	bool other; /* what is held here differs there already: a third history */
};

static bool common_of(const struct feed *feed, uint32_t epoch, struct epoch_cut *common)
{
	struct control_object object;
	struct fork_proof proof;
	struct bytes wire;
	if (!roster_fork_of(feed->network->roster, &feed->city_id, feed->lane, epoch, NULL, &wire) ||
		object_decode(wire, &object) || fork_proof_decode(object.body, &proof))
		return false;
	*common = (struct epoch_cut){proof.seq, proof.entry_hash};
	return true;
}

/* The entry held at `seq`, if that can be said: 1 it is this one, 0 another, -1 unknown. */
static int held_is(const struct feed *feed, uint64_t seq, const struct hash *hash)
{
	struct store *store = feed->network->node->config.store;
	struct hash held;
	if (seq == 0)
		return 1;
	if (seq == feed->tip.seq)
		held = feed->tip.entry_hash;
	else if (seq == feed->durable_seq)
		held = feed->durable_hash;
	else if (seq > feed->tip.seq || seq <= feed->base || !store ||
		store_entry_hash(store, &feed->feed_id, seq, &held))
		return -1;
	return hash_equal(&held, hash);
}

/* ---- frozen ---- */

/* Peers were told of nothing behind the common entry: what is valid there they are told now. */
static void tell_again(struct feed *feed)
{
	struct commit *commit;
	struct commit_op *op;
	if (!feed->freeze || feed->freeze->other || feed->in_flight > 0 ||
		feed->durable_seq <= feed->freeze->seq)
		return; /* a cut tells too */
	commit = commit_new(node_feed_class(feed));
	op = commit ? commit_add(commit, COMMIT_TELL) : NULL;
	require(op);
	op->feed_id = feed->feed_id;
	op->seq = feed->freeze->seq + 1;
	op->arrived = feed->network->node->now.wall;
	feed->in_flight++;
	node_commit(feed->network->node, commit);
}

void freeze_judge(struct feed *feed)
{
	const struct roster_member *m = roster_member_by_city(feed->network->roster, &feed->city_id);
	struct epoch_cut common;
	bool proven = m && common_of(feed, m->epoch, &common);
	feed->frozen = proven || (m && m->frozen);
	if (proven && !feed->freeze)
		feed->freeze = calloc(1, sizeof *feed->freeze);
	if (proven && feed->freeze) {
		*feed->freeze = (struct freeze){common.seq, common.hash, false};
		feed->freeze->other = held_is(feed, common.seq, &common.hash) == 0;
	} else {
		tell_again(feed);
		freeze_free(feed);
	}
	digest_feed_changed(feed);
}

void freeze_free(struct feed *feed)
{
	free(feed->freeze);
	feed->freeze = NULL;
}

bool freeze_halts(const struct feed *feed)
{
	if (!feed->frozen)
		return false;
	const struct roster_member *m = roster_member_by_city(feed->network->roster, &feed->city_id);
	return !feed->freeze || feed->tip.seq >= feed->freeze->seq || (m && m->frozen);
}

uint64_t freeze_forked_from(const struct feed *feed)
{
	return feed->freeze ? feed->freeze->seq + 1 : 0;
}

bool freeze_told(const struct feed *feed, uint64_t *seq, struct hash *hash)
{
	const struct freeze *freeze = feed->freeze;
	bool common = freeze && !freeze->other && feed->durable_seq > freeze->seq;
	*seq = common ? freeze->seq : feed->durable_seq;
	*hash = common ? freeze->hash : feed->durable_hash;
	return *seq > 0;
}

/* ---- the end of an epoch, and which history leads there ---- */

/* Where the tip's epoch ends, and, where that epoch is void as a whole, the one before it. */
static bool end_of_tip(const struct feed *feed, struct roster_epoch *e)
{
	const struct roster *roster = feed->network->roster;
	uint32_t epoch = feed->tip.epoch;
	bool known = roster_epoch(roster, &feed->city_id, epoch, e) == 0;
	while (known && e->is_void && epoch > 1)
		known = roster_epoch(roster, &feed->city_id, --epoch, e) == 0;
	return known && e->has_end;
}

struct last_checkpoint {
	struct feed_tip tip;
	uint64_t seq;
	bool found;
};

static int count_entry(void *ctx, const struct store_entry *stored)
{
	struct last_checkpoint *last = ctx;
	struct cursor c = cursor_init(stored->wire);
	struct entry_view view;
	struct head head;
	last->found = stored->has_head && stored->head_seq == last->seq &&
		head_decode(bytes_of(stored->head, HEAD_BYTES), &head) == 0 &&
		head.flags & HEAD_FLAG_CHECKPOINT;
	if (last->found || entry_parse(&c, &view))
		return 0;
	last->tip.since_checkpoint_entries++;
	last->tip.since_checkpoint_bytes += entry_cost(&view);
	return 0;
}

/* The place as a tip, with what the checkpoint rule has counted there. */
static struct feed_tip tip_at(
	const struct feed *feed, uint32_t epoch, uint64_t start, const struct epoch_cut *at)
{
	struct store *store = feed->network->node->config.store;
	struct last_checkpoint last = {.seq = at->seq};
	feed_tip_init(&last.tip, &feed->feed_id);
	if (at->seq == 0)
		return last.tip;
	feed_tip_start_epoch(&last.tip, epoch, at->seq, &at->hash);
	while (store && feed->lane != FEED_LANE_ALERT && !last.found && last.seq > start &&
		last.tip.since_checkpoint_entries < CHECKPOINT_ENTRIES &&
		store_read_entry(store, &feed->feed_id, last.seq, count_entry, &last) == 0)
		last.seq--;
	return last.tip;
}

/* Back to the last common entry of the epoch's fork; false: none is proven. */
static bool go_back(struct feed *feed)
{
	struct epoch_cut common;
	struct run_rules rules;
	uint32_t epoch = feed->tip.epoch;
	if (!common_of(feed, epoch, &common) || common.seq >= feed->tip.seq ||
		node_feed_rules(feed, epoch, &rules) || common.seq < rules.start_seq ||
		held_is(feed, common.seq, &common.hash) != 1)
		return false;
	struct feed_tip within = tip_at(feed, epoch, rules.start_seq, &common);
	node_feed_cut(feed, epoch, &common, &within);
	feed->epoch_missing = true; /* what was announced is pulled again */
	feed->retry_at = monotime_from_us(0);
	return true;
}

static struct link *anyone(const struct network *network)
{
	list_for_each(&network->node->links, n)
	{
		struct link *link = list_entry(n, struct link, node_link);
		if (link->state == LINK_LIVE && link_network_find(link, &network->id))
			return link;
	}
	return NULL;
}

static void settle_end(struct feed *feed, struct link *link)
{
	struct roster_epoch e;
	unsigned i = feed->lane - 1u;
	if (feed->tip.seq == 0 || !end_of_tip(feed, &e) || e.end[i].seq > feed->tip.seq)
		return;
	if (held_is(feed, e.end[i].seq, &e.end[i].hash) == 0) {
		/* The cut names another history than the one held here. */
		if (!go_back(feed) && (link = link ? link : anyone(feed->network)))
			fork_suspect(link, feed, e.end[i].seq);
		return;
	}
	if (e.end[i].seq < feed->tip.seq)
		node_feed_cut(feed, e.epoch, &e.end[i], NULL);
}

void freeze_settle(struct feed *feed, struct link *link)
{
	settle_end(feed, link);
	freeze_judge(feed);
	fork_feed_changed(feed);
	if (feed->freeze && feed->freeze->other && (link = link ? link : anyone(feed->network)))
		fork_suspect(link, feed, feed->freeze->seq);
}

void freeze_give_way(struct feed *feed)
{
	struct roster_epoch e;
	if (feed->tip.seq && end_of_tip(feed, &e) && e.epoch == feed->tip.epoch &&
		feed->tip.seq < e.end[feed->lane - 1].seq)
		go_back(feed);
}
