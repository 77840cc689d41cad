/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/check.h"
#include "feed/entry.h"
#include "proto/node_private.h"
#include "record/header.h"

/*
 * A city that is admitted and not confirmed yet is served what was published after its admission
 * (docs/decisions/005-unconfirmed-cities.md). Its copy of a feed then begins above seq 1, at its
 * base; once it is confirmed it pulls what is missing, from 1 up to the base, beside the newest.
 */

bool node_city_waits(const struct network *network, const struct hash *city_id)
{
	const struct roster_member *m = roster_member_by_city(network->roster, city_id);
	return m && !m->confirmed;
}

uint64_t node_city_since_ms(
	const struct network *network, const struct hash *city_id, const struct feed *feed)
{
	const struct roster_member *m = roster_member_by_city(network->roster, city_id);
	if (!m || m->confirmed || hash_equal(&feed->city_id, city_id))
		return 0;
	return m->admitted_time ? m->admitted_time : 1;
}

bool node_entry_since(struct bytes entries, uint64_t since_ms)
{
	struct cursor c = cursor_init(entries);
	struct entry_view view;
	struct header header;
	return since_ms == 0 ||
		(entry_parse(&c, &view) == 0 && header_decode(view.header, &header) == 0 &&
			header.time_ms >= since_ms);
}

/* ---- a copy that begins later ---- */

bool node_feed_begins_later(
	const struct feed *feed, uint64_t first_seq, const struct hash *prev, const struct head *head)
{
	const struct network *network = feed->network;
	return prev && first_seq > 1 && head->seq >= first_seq && feed->tip.seq == 0 && !feed->own &&
		feed->in_flight == 0 && node_city_waits(network, &network->node->city_id);
}

void node_feed_begin(
	struct feed *feed, uint64_t first_seq, const struct hash *prev, const struct head *head)
{
	feed_tip_begin(&feed->tip, head->epoch, first_seq - 1, prev);
	feed->base = first_seq - 1;
	feed->base_hash = *prev;
	feed_tip_init(&feed->fill, &feed->feed_id);
	feed->fill_durable = feed->fill;
}

void node_feed_begin_undo(struct feed *feed)
{
	feed_tip_init(&feed->tip, &feed->feed_id);
	feed->base = 0;
}

void node_fill_load(struct feed *feed, const struct store_feed *stored)
{
	feed_tip_init(&feed->fill, &feed->feed_id);
	if (stored->first_seq > 1) {
		feed->base = stored->first_seq - 1;
		feed->base_hash = stored->first_prev;
		/* No checkpoint has come since it began. */
		feed->tip.partial = feed->lane != FEED_LANE_ALERT &&
			stored->since_checkpoint_entries == stored->seq - feed->base;
		if (stored->fill_seq)
			feed_tip_start_epoch(
				&feed->fill, stored->fill_epoch, stored->fill_seq, &stored->fill_hash);
	}
	feed->fill_durable = feed->fill;
}

/* ---- what is missing ---- */

bool node_fill_due(const struct feed *feed)
{
	const struct network *network = feed->network;
	struct epoch_cut floor;
	if (!feed->base || feed->frozen)
		return false;
	const struct roster_member *own = roster_member_by_city(
		network->roster, &network->node->city_id);
	if (!own || !own->confirmed || own->status != MEMBER_ACTIVE)
		return false;
	/* Below a floor nobody keeps anything. */
	return roster_floor(network->roster, &feed->city_id, feed->lane, &floor) ||
		floor.seq < feed->base;
}

bool node_fill_next(const struct feed *feed, uint64_t first_seq)
{
	return first_seq == feed->fill.seq + 1 && first_seq <= feed->base && node_fill_due(feed);
}

void node_fill_want(struct network *network)
{
	for (uint32_t i = 0; i < RANGE_COUNT; i++)
		for (uint32_t k = 0; k < network->ranges[i].count; k++)
			if (network->ranges[i].feeds[k]->base) {
				network->ranges[i].feeds[k]->fill_retry_at = monotime_from_us(0);
				spread_want(network->node, network->ranges[i].feeds[k]);
			}
}

/* Short of the base a run counts only if the next one can begin with nothing but its seq and hash:
 * after a checkpoint, or where an epoch ends. */
static bool ends_well(const struct head *head, const struct run_rules *rules)
{
	return head->flags & HEAD_FLAG_CHECKPOINT || rules->by_cut ||
		(rules->has_end && head->seq == rules->end_seq);
}

int node_fill_run(struct node *node, struct link *link, struct feed *feed, uint64_t first_seq,
	const struct head *head, const struct run_rules *rules, struct blob *blob, size_t credit)
{
	struct feed_tip after;
	struct hash prev = feed->fill.entry_hash;
	int code = run_verify(
		&node->hasher, rules, &feed->fill, first_seq, head, blob_bytes(blob), &node->index, &after);
	if (code)
		return code;
	bool last = after.seq >= feed->base;
	bool beyond = after.seq > feed->base;
	if (!last && !ends_well(head, rules))
		return ERROR_STATE;
	if (beyond)
		node->index.count = (uint32_t)(feed->base - first_seq + 1);
	const struct run_entry *end = &node->index.entries[node->index.count - 1];
	if (last && !hash_equal(&end->entry_hash, &feed->base_hash)) {
		struct message_feed other = {feed->feed_id, feed->base, end->entry_hash};
		node_feed_contradicted(node, link, feed, &other);
		return ERROR_STATE;
	}
	struct commit *commit = commit_new(node_feed_class(feed));
	struct commit_op *op = commit
		? node_feed_op(feed, commit, first_seq, head, &node->index, blob, &prev)
		: NULL;
	if (!op) {
		commit_free(commit);
		return ERROR_MEMORY;
	}
	op->type = COMMIT_FILL;
	op->last_hash = end->entry_hash;
	op->source_city = link->city_id;
	op->by_cut = rules->by_cut && !beyond;
	op->checkpoint = op->checkpoint && !beyond;
	if (beyond) /* its head stands among what is held already */
		memset(op->head, 0, sizeof op->head);
	feed_tip_start_epoch(&feed->fill, head->epoch, first_seq + op->count - 1, &op->last_hash);
	node_feed_credit(commit, link, credit, false);
	attachment_scan_run(
		feed, &link->city_id, first_seq, bytes_of(blob->data, end->offset + end->length), commit);
	node_commit(node, commit);
	return 0;
}

/* From now on it can be served from its beginning: the others are told so. */
static void feed_is_whole(struct feed *feed, uint64_t arrival)
{
	feed->base = 0;
	sync_skip_feed(feed);
	list_remove(&feed->by_arrival);
	feed->arrival = arrival;
	list_push_back(&feed->network->feeds_by_arrival, &feed->by_arrival);
	sync_feed_appended(feed);
	sync_feed_durable(feed);
}

void node_fill_committed(struct node *node, struct commit *commit, const struct commit_op *op)
{
	struct feed *feed = node_feed(node, &op->feed_id);
	if (!feed)
		return;
	feed->in_flight--;
	if (commit->code || !op->arrival.arrival) {
		feed->failed = true;
		node_feed_settle(feed);
		return;
	}
	uint64_t last = op->seq + op->count - 1;
	if (feed->base) {
		feed_tip_start_epoch(&feed->fill_durable, op->epoch, last, &op->last_hash);
		if (last >= feed->base)
			feed_is_whole(feed, op->arrival.arrival);
	}
	node_feed_settle(feed);
	node_feed_emit_entries(feed, op);
}

void node_fill_cut(struct feed *feed, uint64_t seq, const struct hash *hash, uint32_t epoch)
{
	struct feed_tip fill = feed->fill;
	feed_tip_init(&feed->tip, &feed->feed_id);
	if (fill.seq >= seq && seq > 0)
		feed_tip_start_epoch(&feed->tip, epoch, seq, hash);
	else if (fill.seq < seq && fill.seq > 0)
		feed->tip = fill;
	feed->base = 0;
	feed_tip_init(&feed->fill, &feed->feed_id);
	feed->fill_durable = feed->fill;
}
