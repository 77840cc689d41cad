/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "proto/node_private.h"
#include "proto/run_rules.h"
#include "record/kind.h"

/* Feeds: what is accepted (verified) and what is durable of each, and the way of a run from a link
 * into the store. */

/* A peer that left bodies out is asked again after so long: an honest one gives them first, and
 * what says that they were erased may come meanwhile. */
#define PURGED_RETRY_MS 60000

struct feed *node_feed(struct node *node, const struct hash *feed_id)
{
	struct feed *feed = map_get(&node->feeds, feed_id);
	for (size_t i = 0; !feed && i < node->network_count; i++) {
		struct network *network = node->networks[i];
		const struct feed_name *name = charter_feed_name(network->charter, feed_id);
		if (name)
			feed = node_feed_make(node, network, &name->city_id, name->lane);
	}
	return feed;
}

static void insert_range(struct network *network, struct feed *feed)
{
	struct range *range = &network->ranges[feed->feed_id.bytes[0]];
	if (range->count == range->capacity) {
		uint32_t capacity = range->capacity ? range->capacity * 2 : 2;
		struct feed **grown = realloc(range->feeds, capacity * sizeof *grown);
		require(grown);
		range->feeds = grown;
		range->capacity = capacity;
	}
	uint32_t at = range->count++;
	while (at > 0 && hash_compare(&range->feeds[at - 1]->feed_id, &feed->feed_id) > 0) {
		range->feeds[at] = range->feeds[at - 1];
		at--;
	}
	range->feeds[at] = feed;
}

struct feed *node_feed_make(
	struct node *node, struct network *network, const struct hash *city_id, uint8_t lane)
{
	struct hash feed_id;
	if (feed_id_of(&network->id, city_id, lane, &feed_id))
		return NULL;
	struct feed *feed = map_get(&node->feeds, &feed_id);
	if (feed)
		return feed;
	feed = calloc(1, sizeof *feed);
	if (!feed || map_put(&node->feeds, &feed_id, feed)) {
		free(feed);
		return NULL;
	}
	feed->network = network;
	feed->feed_id = feed_id;
	feed->city_id = *city_id;
	feed->lane = lane;
	feed->own = hash_equal(city_id, &node->city_id);
	feed_tip_init(&feed->tip, &feed_id);
	feed_tip_init(&feed->durable, &feed_id);
	list_init(&feed->announcers);
	list_init(&feed->gaps);
	insert_range(network, feed);
	freeze_judge(feed);
	if (feed->own)
		network->own_feeds[lane - 1] = feed;
	return feed;
}

void node_feeds_make_member(struct node *node, struct network *network, const struct hash *city_id)
{
	require(charter_name_city(network->charter, &network->id, city_id) == 0);
	for (uint8_t lane = 1; lane <= FEED_LANE_COUNT && hash_equal(city_id, &node->city_id); lane++)
		node_feed_make(node, network, city_id, lane);
}

bool node_city_confirmed(const struct network *network, const struct hash *city_id)
{
	const struct roster_member *m = roster_member_by_city(network->roster, city_id);
	return m && m->confirmed;
}

uint8_t node_feed_rank(const struct feed *feed)
{
	return feed->lane == FEED_LANE_ALERT && !feed->own &&
			!node_city_confirmed(feed->network, &feed->city_id)
		? FEED_LANE_DOC
		: feed->lane;
}

int node_feed_rules(const struct feed *feed, uint32_t epoch, struct run_rules *rules)
{
	return run_rules_of(feed->network->roster, &feed->city_id, feed->lane, epoch, rules);
}

enum commit_class node_feed_class(struct feed *feed)
{
	if (feed->in_flight == 0)
		feed->class = feed->lane == FEED_LANE_ALERT &&
				(feed->own || node_city_confirmed(feed->network, &feed->city_id))
			? COMMIT_URGENT
			: COMMIT_BULK;
	return feed->class;
}

struct commit_op *node_feed_op(struct feed *feed, struct commit *commit, uint64_t first_seq,
	const struct head *head, const struct run_index *index, struct blob *blob,
	const struct hash *prev)
{
	struct run_entry *copy = malloc(index->count * sizeof *copy);
	struct commit_op *op = copy ? commit_add(commit, COMMIT_RUN) : NULL;
	if (!op) {
		free(copy);
		return NULL;
	}
	memcpy(copy, index->entries, index->count * sizeof *copy);
	op->network_id = feed->network->id;
	op->city_id = feed->city_id;
	op->feed_id = feed->feed_id;
	op->lane = feed->lane;
	op->epoch = head->epoch;
	op->seq = first_seq;
	op->prev = *prev;
	op->blob = blob;
	op->index = copy;
	op->count = index->count;
	op->own = feed->own;
	head_encode(head, op->head);
	op->checkpoint = head->flags & HEAD_FLAG_CHECKPOINT;
	op->since_checkpoint_entries = op->checkpoint ? 0 : feed->tip.since_checkpoint_entries;
	op->since_checkpoint_bytes = op->checkpoint ? 0 : feed->tip.since_checkpoint_bytes;
	op->last_hash = head->entry_hash;
	op->arrived = feed->network->node->now.wall;
	commit->bytes += blob->len;
	feed->in_flight++;
	return op;
}

/* What a peer may send in good faith although this node cannot take it now. */
static bool blameless(int code)
{
	return code == ERROR_GAP || code == ERROR_STATE || code == ERROR_EPOCH_UNKNOWN ||
		code == ERROR_CUT || code == ERROR_NOT_FOUND;
}

static const char *rule_of(int code)
{
	switch (code) {
	case ERROR_CHAIN:
	case ERROR_HEAD:
	case ERROR_GAP:
	case ERROR_TRUNCATED: /* fewer entries than lead to the head, or more */
	case ERROR_TRAILING:
		return "chain";
	case ERROR_SIGNATURE:
	case ERROR_KEY:
		return "signature";
	case ERROR_CHECKPOINT:
		return "checkpoint";
	case ERROR_LIMIT:
	case ERROR_SIZE:
		return "limit";
	default:
		return "canonical";
	}
}

/* `skipped`: entries before it were asked for and left out. */
static int run_refused(
	struct link *link, const struct feed *feed, uint64_t first_seq, int code, bool skipped)
{
	bool blames = skipped || !blameless(code), purged = code == ERROR_NOT_FOUND;
	link->refused = code;
	const struct roster_member *of = roster_member_by_city(feed->network->roster, &feed->city_id);
	struct bytes origin = of ? of->slug : bytes_from_text("unknown");
	struct log_line l;
	log_begin(&l, blames || purged ? LOG_LEVEL_WARN : LOG_LEVEL_DEBUG, "run_refused");
	log_text(&l, "city", link->peer_slug);
	log_format(&l, "record", "%s/%.*s/%s/%" PRIu64, feed->network->slug, (int)origin.len,
		(const char *)origin.data, lane_name(feed->lane), first_seq);
	log_error(&l, code);
	if (skipped)
		log_text(&l, "reason", "entries before it were left out");
	else if (purged)
		log_text(&l, "reason", "a body is left out as purged, which nothing here says that it was");
	log_end(&l);
	if (!blames)
		return 0;
	if (code == ERROR_MEMORY || code == ERROR_CRYPTO)
		return code;
	return link_breach(link, code, rule_of(code));
}

/* To the other links, once, as soon as it is verified: the author commits first, a relay need not.
 */
static void relay_push(struct feed *feed, const struct link *source, uint64_t seq,
	const uint8_t *head, const struct hash *prev, const struct blob *blob)
{
	struct node *node = feed->network->node;
	if (!node_is_relay(node) && !feed->own)
		return;
	if (blob->len > LIMIT_PUSH_BYTES || !node_city_confirmed(feed->network, &feed->city_id))
		return;
	struct buffer frame;
	buffer_init(&frame, LIMIT_FRAME_BYTES + 4);
	struct bytes inline_bytes = blob_bytes(blob);
	message_write_run(&frame, 0, &feed->feed_id, seq, head, prev, RUN_FLAG_PUSHED, &inline_bytes);
	struct blob *shared = frame.error ? NULL : blob_copy(buffer_bytes(&frame));
	buffer_deinit(&frame);
	if (!shared)
		return;
	list_for_each(&node->links, n)
	{
		struct link *link = list_entry(n, struct link, node_link);
		if (link == source || !link_takes_alerts(link) ||
			!link_network_find(link, &feed->network->id) ||
			!node_entry_since(
				inline_bytes, node_city_since_ms(feed->network, &link->city_id, feed)))
			continue;
		const struct announced *a = sync_announced(feed, link);
		if (a && a->seq >= seq)
			continue;
		link_push(
			link, shared, inline_bytes.len); /* without credit it is announced after the commit */
	}
	blob_free(shared);
}

void node_feed_push(struct feed *feed, uint64_t seq, const uint8_t *head, const struct hash *prev,
	const struct blob *blob)
{
	relay_push(feed, NULL, seq, head, prev, blob);
}

void node_feed_credit(struct commit *commit, const struct link *link, size_t credit, bool urgent)
{
	commit->link_id = link->id;
	commit->credit = credit;
	commit->credit_urgent = urgent;
}

/* ---- alerts ahead of a gap ---- */

static int gap_run(struct node *node, struct link *link, struct feed *feed, uint64_t seq,
	const struct head *head, const struct run_rules *rules, const struct hash *prev, uint32_t flags,
	struct blob *blob, size_t credit)
{
	list_for_each(&feed->gaps, n)
	{
		const struct gap *have = list_entry(n, struct gap, node);
		if (have->seq == seq)
			return ERROR_EXISTS;
	}
	if (feed->gap_count >= LIMIT_GAP_ENTRIES || seq - feed->tip.seq > LIMIT_GAP_AHEAD)
		return ERROR_GAP;
	struct run_entry entry;
	int code = run_verify_alert(
		&node->hasher, rules, &feed->feed_id, seq, prev, head, blob_bytes(blob), &entry);
	if (code)
		return code;
	quota_taken(feed, blob_bytes(blob));
	struct gap *gap = calloc(1, sizeof *gap);
	struct commit *commit = gap ? commit_new(node_feed_class(feed)) : NULL;
	struct commit_op *op = commit ? commit_add(commit, COMMIT_GAP) : NULL;
	if (!op) {
		commit_free(commit);
		free(gap);
		return ERROR_MEMORY;
	}
	gap->seq = op->seq = seq;
	gap->entry_hash = op->hash = entry.entry_hash;
	gap->prev = op->prev = *prev;
	gap->wire = blob_ref(blob);
	gap->source_city = op->source_city = link->city_id;
	overlay_news(link, feed->network);
	head_encode(head, gap->head);
	memcpy(op->head, gap->head, HEAD_BYTES);
	op->network_id = feed->network->id;
	op->city_id = feed->city_id;
	op->feed_id = feed->feed_id;
	op->lane = feed->lane;
	op->epoch = head->epoch;
	op->blob = blob;
	op->arrived = node->now.wall;
	struct list_node *at = list_first(&feed->gaps);
	while (at && list_entry(at, struct gap, node)->seq < seq)
		at = list_next(&feed->gaps, at);
	if (at)
		list_insert_before(at, &gap->node);
	else
		list_push_back(&feed->gaps, &gap->node);
	feed->gap_count++;
	relay_push(feed, link, seq, gap->head, prev, blob);
	node_feed_credit(commit, link, credit, flags & RUN_FLAG_PUSHED);
	node_commit(node, commit);
	spread_want(node, feed);
	return 0;
}

static void gap_free(struct feed *feed, struct gap *gap)
{
	list_remove(&gap->node);
	feed->gap_count--;
	blob_free(gap->wire);
	free(gap);
}

void node_feed_free(struct feed *feed)
{
	struct list_node *n;
	while ((n = list_first(&feed->gaps)))
		gap_free(feed, list_entry(n, struct gap, node));
	freeze_free(feed);
	quota_free(feed);
	free(feed);
}

void node_feed_join_gaps(struct node *node, struct feed *feed)
{
	struct list_node *n;
	while ((n = list_first(&feed->gaps))) {
		struct gap *gap = list_entry(n, struct gap, node);
		if (gap->seq > feed->tip.seq + 1)
			return;
		struct head head;
		struct run_rules rules;
		struct commit *commit = commit_new(node_feed_class(feed));
		if (!commit)
			return;
		struct hash prev = feed->tip.entry_hash;
		doubt_gap(node, feed, gap);
		if (gap->seq == feed->tip.seq + 1 &&
			head_decode(bytes_of(gap->head, HEAD_BYTES), &head) == 0 &&
			node_feed_rules(feed, head.epoch, &rules) == 0 &&
			run_verify(&node->hasher, &rules, &feed->tip, gap->seq, &head, blob_bytes(gap->wire),
				&node->index, &feed->tip) == 0) {
			struct commit_op *op = node_feed_op(
				feed, commit, gap->seq, &head, &node->index, blob_ref(gap->wire), &prev);
			if (op) {
				op->source_city = gap->source_city;
				attachment_scan_run(
					feed, &gap->source_city, gap->seq, blob_bytes(gap->wire), commit);
			}
		}
		struct commit_op *drop = commit_add(commit, COMMIT_GAP_DROP);
		if (drop) {
			drop->feed_id = feed->feed_id;
			drop->seq = gap->seq;
			drop->hash = gap->entry_hash;
		}
		gap_free(feed, gap);
		node_commit(node, commit);
	}
}

/* ---- a run ---- */

static int accept_run(struct node *node, struct link *link, struct feed *feed, uint64_t first_seq,
	const struct head *head, const struct run_rules *rules, const struct hash *said_prev,
	uint32_t flags, struct blob *blob, size_t credit)
{
	struct hash prev = feed->tip.entry_hash;
	int code = doubt_prev(node, link, feed, rules, head, said_prev, blob);
	if (code == 0)
		code = run_verify(&node->hasher, rules, &feed->tip, first_seq, head, blob_bytes(blob),
			&node->index, &feed->tip);
	if (code == ERROR_STATE && feed->tip.epoch < rules->epoch)
		freeze_settle(feed, link); /* what is held here may be the history that is not meant */
	if (code)
		return doubt_chain(link, feed, &feed->tip, rules, first_seq, head, said_prev, blob, code);
	quota_taken(feed, blob_bytes(blob));
	struct commit *commit = commit_new(node_feed_class(feed));
	struct commit_op *op = commit
		? node_feed_op(feed, commit, first_seq, head, &node->index, blob, &prev)
		: NULL;
	require(op); /* the tip has moved: without memory there is no way back */
	op->source_city = link->city_id;
	overlay_news(link, feed->network);
	op->by_cut = rules->by_cut;
	node_feed_credit(commit, link, credit, flags & RUN_FLAG_PUSHED);
	if (feed->lane == FEED_LANE_ALERT && flags & RUN_FLAG_PUSHED)
		relay_push(feed, link, first_seq, op->head, &prev, blob);
	attachment_scan_run(feed, &link->city_id, first_seq, blob_bytes(blob), commit);
	node_commit(node, commit);
	node_feed_join_gaps(node, feed);
	return 0;
}

int node_feed_run(struct node *node, struct link *link, struct feed *feed, uint64_t first_seq,
	const uint8_t head_bytes[HEAD_BYTES], const struct hash *prev, uint32_t flags,
	struct blob *blob, size_t credit)
{
	struct head head;
	struct run_rules rules;
	bool pushed = flags & RUN_FLAG_PUSHED;
	int code = head_decode(bytes_of(head_bytes, HEAD_BYTES), &head);
	if (code == 0 &&
		(!hash_equal(&head.feed_id, &feed->feed_id) || (pushed && feed->lane != FEED_LANE_ALERT)))
		code = ERROR_HEAD;
	if (!pushed)
		spread_pull_seen(link, feed, false);
	bool skipped = code == 0 && !pushed && doubt_order(link, feed, first_seq, prev, head.seq);
	if (skipped)
		code = ERROR_GAP;
	if (code == 0 &&
		(freeze_halts(feed) || feed->failed || (node->paused && feed->lane != FEED_LANE_ALERT))) {
		code = ERROR_STATE;
		feed->epoch_missing = true;
	}
	if (code == 0) {
		code = node_feed_rules(feed, head.epoch, &rules);
		feed->epoch_missing |= code == ERROR_EPOCH_UNKNOWN;
	}
	if (code == 0) {
		rules.by_cut = flags & RUN_FLAG_CUT;
		/* A cut that is not here yet may come: what was announced must not be forgotten. */
		feed->epoch_missing |= rules.by_cut && (!rules.has_end || head.seq < rules.end_seq);
	}
	bool fill = code == 0 && !pushed && node_fill_next(feed, first_seq);
	bool begin = code == 0 && !pushed && node_feed_begins_later(feed, first_seq, prev, &head);
	if (begin)
		node_feed_begin(feed, first_seq, prev, &head);
	if (code == 0 && !fill && head.seq <= feed->tip.seq) {
		doubt_held(link, feed, &rules, &head, prev, blob);
		code = ERROR_STATE; /* held already */
	}
	if (code == 0 && doubt_purged(feed, blob_bytes(blob))) {
		code = ERROR_NOT_FOUND;
		feed->epoch_missing = true;
		spread_put_off(link, feed, PURGED_RETRY_MS);
	}
	if (code == 0 && !fill && quota_full(feed, blob_bytes(blob))) {
		code = ERROR_STATE;
		feed->epoch_missing = true; /* what was announced is pulled later */
	}
	if (code == 0 && fill)
		code = node_fill_run(node, link, feed, first_seq, &head, &rules, blob, credit);
	else if (code == 0 && first_seq > feed->tip.seq + 1 && prev && feed->lane == FEED_LANE_ALERT)
		code = gap_run(node, link, feed, first_seq, &head, &rules, prev, flags, blob, credit);
	else if (code == 0)
		code = accept_run(node, link, feed, first_seq, &head, &rules, prev, flags, blob, credit);
	if (code == 0)
		return 0;
	if (begin)
		node_feed_begin_undo(feed);
	code = doubt_head(&head, flags, code);
	if (pushed && head.seq <= feed->durable_seq &&
		(head.seq < feed->durable_seq || hash_equal(&head.entry_hash, &feed->durable_hash))) {
		struct message_feed held = {feed->feed_id, head.seq, head.entry_hash};
		message_write_held(&link->control, &held);
	}
	blob_free(blob);
	if (pushed)
		link_release_urgent(link, credit);
	else
		link_release_bulk(link, credit);
	return code == ERROR_EXISTS ? 0 : run_refused(link, feed, first_seq, code, skipped);
}

void node_feed_contradicted(
	struct node *node, struct link *link, struct feed *feed, const struct message_feed *f)
{
	(void)node;
	if (feed->dispute || fork_explained(feed, f->seq)) /* said before */
		return;
	struct log_line l;
	log_begin(&l, LOG_LEVEL_WARN, feed->own ? "own_feed_contradicted" : "feed_contradicted");
	log_text(&l, "city", link->peer_slug);
	log_bytes(&l, "feed", bytes_of(feed->feed_id.bytes, 8));
	log_uint(&l, "seq", f->seq);
	log_text(&l, "reason",
		"the peer names another entry at this seq: one of the two is a second history");
	log_end(&l);
	fork_suspect(link, feed, f->seq);
}

/* ---- durable ---- */

void node_feed_settle(struct feed *feed)
{
	if (feed->in_flight > 0 || !feed->failed)
		return;
	feed->tip = feed->durable;
	feed->fill = feed->fill_durable;
	if (feed->durable.seq == 0)
		feed->base = 0;
	feed->failed = false;
	/* What was lost with the commit is still to be had from whom announced it, also if its pull
	 * ends only now. */
	feed->epoch_missing = true;
	feed->retry_at = monotime_add_ms(feed->network->node->now.mono, 500);
	spread_want(feed->network->node, feed);
}

void node_feed_emit_entries(const struct feed *feed, const struct commit_op *op)
{
	struct node_event event = {.type = NODE_EVENT_ENTRIES,
		.network_id = op->network_id,
		.city_id = op->city_id,
		.feed_id = op->feed_id,
		.lane = op->lane,
		.first = op->seq,
		.last = op->seq + op->count - 1,
		.hash = op->last_hash,
		.arrival = op->arrival.arrival,
		.time = op->arrived,
		.confirmed = node_city_confirmed(feed->network, &op->city_id)};
	node_emit(feed->network->node, &event);
}

void node_feed_committed(struct node *node, struct commit *commit, const struct commit_op *op)
{
	struct feed *feed = node_feed(node, &op->feed_id);
	if (!feed)
		return;
	feed->in_flight--;
	if (commit->code) {
		feed->failed = true;
		node_feed_settle(feed);
		return;
	}
	feed->durable.seq = op->seq + op->count - 1;
	feed->durable.entry_hash = op->last_hash;
	feed->durable.epoch = op->epoch;
	feed->durable.since_checkpoint_entries = op->since_checkpoint_entries;
	feed->durable.since_checkpoint_bytes = op->since_checkpoint_bytes;
	feed->durable_seq = feed->durable.seq;
	feed->durable_hash = feed->durable.entry_hash;
	node_feed_settle(feed);
	sync_skip_feed(feed);
	list_remove(&feed->by_arrival);
	feed->arrival = op->arrival.arrival;
	list_push_back(&feed->network->feeds_by_arrival, &feed->by_arrival);
	digest_feed_changed(feed);
	sync_feed_appended(feed);
	sync_feed_durable(feed);
	beacons_committed(feed);
	node->publish_due |= feed->own; /* drafts may have waited for the feed to come back */
	struct link *source = commit->link_id ? node_link_by_id(node, commit->link_id) : NULL;
	if (source && commit->credit_urgent && source->state == LINK_LIVE) {
		struct message_feed held = {feed->feed_id, feed->durable_seq, feed->durable_hash};
		message_write_held(&source->control, &held);
	}
	node_feed_emit_entries(feed, op);
}

void node_feed_gap_committed(struct node *node, struct commit *commit, const struct commit_op *op)
{
	struct link *source = commit->link_id ? node_link_by_id(node, commit->link_id) : NULL;
	struct feed *feed = node_feed(node, &op->feed_id);
	if (!feed)
		return;
	list_for_each_safe(&feed->gaps, n)
	{
		struct gap *gap = list_entry(n, struct gap, node);
		if (gap->seq != op->seq || !hash_equal(&gap->entry_hash, &op->hash))
			continue;
		gap->durable = true;
		if (commit->code) /* taken anew when it is sent again, or pulled */
			gap_free(feed, gap);
	}
	if (commit->code)
		return;
	if (source && commit->credit_urgent && source->state == LINK_LIVE) {
		struct message_feed held = {op->feed_id, op->seq, op->hash};
		message_write_held(&source->control, &held);
	}
	struct node_event event = {.type = NODE_EVENT_GAP_ALERT,
		.network_id = op->network_id,
		.city_id = op->city_id,
		.feed_id = op->feed_id,
		.lane = op->lane,
		.first = op->seq,
		.last = op->seq,
		.hash = op->hash,
		.arrival = op->arrival.arrival,
		.time = op->arrived,
		.confirmed = node_city_confirmed(feed->network, &op->city_id)};
	node_emit(node, &event);
}

/* ---- cuts ---- */

void node_feed_cut(
	struct feed *feed, uint32_t epoch, const struct epoch_cut *at, const struct feed_tip *within)
{
	struct node *node = feed->network->node;
	/* The class of the feed's runs, so that none of them is written after it. */
	struct commit *commit = commit_new(node_feed_class(feed));
	struct commit_op *op = commit ? commit_add(commit, COMMIT_CUT) : NULL;
	require(op);
	op->network_id = feed->network->id;
	op->city_id = feed->city_id;
	op->feed_id = feed->feed_id;
	op->lane = feed->lane;
	op->epoch = epoch;
	op->seq = at->seq;
	op->hash = at->hash;
	op->arrived = node->now.wall;
	feed->in_flight++;
	if (feed->base && op->seq <= feed->base) {
		node_fill_cut(feed, op->seq, &op->hash, op->epoch);
	} else if (within) {
		feed->tip = *within;
		op->goes_on = true;
		op->since_checkpoint_entries = within->since_checkpoint_entries;
		op->since_checkpoint_bytes = within->since_checkpoint_bytes;
	} else {
		feed->tip.seq = op->seq;
		feed->tip.entry_hash = op->hash;
		feed->tip.epoch = op->seq ? op->epoch : 0;
		feed_tip_checkpoint(&feed->tip);
	}
	/* Where the feed ends then: lower, if what lies between was never filled in. */
	op->size = feed->tip.seq;
	op->prev = feed->tip.entry_hash;
	op->count = feed->tip.epoch;
	struct log_line l;
	log_begin(&l, LOG_LEVEL_WARN, "feed_cut");
	log_bytes(&l, "feed", bytes_of(feed->feed_id.bytes, 8));
	log_uint(&l, "epoch", op->epoch);
	log_uint(&l, "seq", op->seq);
	log_end(&l);
	node_commit(node, commit);
}

static void apply_charter(struct node *node, struct feed *feed)
{
	freeze_settle(feed, NULL);
	feed->retry_at = monotime_from_us(0);
	spread_want(node, feed);
}

void node_feed_apply_cuts(struct node *node, struct network *network, const struct hash *city_id)
{
	for (uint8_t lane = 1; lane <= FEED_LANE_COUNT; lane++) {
		struct hash feed_id;
		struct feed *feed = feed_id_of(&network->id, city_id, lane, &feed_id)
			? NULL
			: map_get(&node->feeds, &feed_id);
		if (feed)
			apply_charter(node, feed);
	}
}

void node_feeds_apply_cuts(struct node *node, struct network *network)
{
	for (uint32_t i = 0; i < RANGE_COUNT; i++)
		for (uint32_t k = 0; k < network->ranges[i].count; k++)
			apply_charter(node, network->ranges[i].feeds[k]);
}

static void arrived_anew(struct feed *feed, uint64_t arrival)
{
	sync_skip_feed(feed);
	list_remove(&feed->by_arrival);
	feed->arrival = arrival;
	list_push_back(&feed->network->feeds_by_arrival, &feed->by_arrival);
	sync_feed_appended(feed);
}

void node_feed_tell_committed(struct node *node, struct commit *commit, const struct commit_op *op)
{
	struct feed *feed = node_feed(node, &op->feed_id);
	if (!feed)
		return;
	feed->in_flight--;
	if (commit->code == 0 && op->arrival.arrival)
		arrived_anew(feed, op->arrival.arrival);
	node_feed_settle(feed);
}

void node_feed_cut_committed(struct node *node, struct commit *commit, const struct commit_op *op)
{
	struct feed *feed = node_feed(node, &op->feed_id);
	if (!feed)
		return;
	feed->in_flight--;
	if (commit->code) {
		feed->failed = true;
		node_feed_settle(feed);
		return;
	}
	uint64_t last = feed->durable_seq;
	feed->durable.seq = feed->durable_seq = op->size;
	feed->durable.entry_hash = feed->durable_hash = op->prev;
	feed->durable.epoch = op->count;
	feed_tip_checkpoint(&feed->durable);
	feed->durable.since_checkpoint_entries = op->since_checkpoint_entries;
	feed->durable.since_checkpoint_bytes = op->since_checkpoint_bytes;
	node_feed_settle(feed);
	if (op->arrival.arrival)
		arrived_anew(feed, op->arrival.arrival); /* who was told more is told less */
	digest_feed_changed(feed);
	sync_feed_durable(feed);
	node->publish_due |= feed->own; /* the new epoch's beginning is reached */
	spread_want(node, feed);
	struct node_event event = {.type = NODE_EVENT_DISOWNED,
		.network_id = op->network_id,
		.city_id = op->city_id,
		.feed_id = op->feed_id,
		.lane = op->lane,
		.first = op->seq + 1,
		.last = last,
		.arrival = op->arrival.arrival,
		.time = op->arrived,
		.confirmed = true};
	node_emit(node, &event);
}
