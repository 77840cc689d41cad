/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "proto/node_private.h"
#include "record/header.h"

/*
 * Own entries. Drafts wait in their lane's queue; whatever has gathered while a commit was under
 * way goes into the next one, under one signature. So group commit needs no timer, and a lone draft
 * never waits.
 */

#define PUBLISH_QUEUE_BYTES (64u << 20)
#define PUBLISH_COMMIT_BYTES (1u << 20)
/* Commits under way of a lane. What gathers while one is synced goes together into the next: more
 * of them, each smaller, would only be more syncs. The second is for what fills a commit anyway. */
#define PUBLISH_IN_FLIGHT 2u
#define PUBLISH_SECOND_BYTES (PUBLISH_COMMIT_BYTES / 2)
/* Clients that were answered together mostly come again together. Where a sync is slow, the next
 * commit waits for them, a quarter of the last one's time at most: else they fall into two halves
 * that wait for each other's syncs. */
#define PUBLISH_HOLD_PART 4
#define PUBLISH_HOLD_US_MIN 1000 /* the loop's timers have no less */
#define PUBLISH_HOLD_US_MAX 5000

struct draft {
	struct list_node node;
	node_published_fn *done;
	void *ctx;
	uint64_t seq;
	struct hash entry_hash;
	struct bytes header, body;
	const struct entry_seal *seal; /* NULL: the salt is made and all is hashed here */
	uint8_t copy[];                /* of header and body, where they are not the caller's */
};

struct publisher {
	struct feed *feed;
	struct list drafts;
	size_t draft_bytes, draft_count; /* of those that wait */
	size_t expected;                 /* of them, until hold_until */
	struct monotime hold_until;
	struct feed_builder builder;
	uint32_t in_flight;
};

/* The drafts of one commit, in order. */
struct publish_batch {
	struct publisher *publisher;
	struct node *node;
	struct list drafts;
	size_t count;
	struct monotime started;
};

static void draft_answer(
	struct node *node, struct draft *draft, const struct node_published *result)
{
	node->publish_bytes -= draft->header.len + draft->body.len;
	draft->done(draft->ctx, result);
	free(draft);
}

static void drafts_fail(struct node *node, struct list *drafts, int code)
{
	struct node_published result = {.code = code};
	struct list_node *n;
	while ((n = list_pop_front(drafts)))
		draft_answer(node, list_entry(n, struct draft, node), &result);
}

static void waiting_fail(struct node *node, struct publisher *p, int code)
{
	p->draft_bytes = p->draft_count = 0;
	drafts_fail(node, &p->drafts, code);
}

static struct publisher *publisher_of(struct node *node, struct network *network, uint8_t lane)
{
	struct publisher **slot = &network->publishers[lane - 1];
	if (*slot)
		return *slot;
	struct feed *feed = node_feed_make(node, network, &node->city_id, lane);
	struct publisher *p = feed ? calloc(1, sizeof *p) : NULL;
	if (!p)
		return NULL;
	p->feed = feed;
	list_init(&p->drafts);
	feed_builder_init(&p->builder, &feed->tip, lane == FEED_LANE_ALERT);
	*slot = p;
	return p;
}

void node_publishers_free(struct network *network)
{
	for (int i = 0; i < FEED_LANE_COUNT; i++) {
		if (!network->publishers[i])
			continue;
		feed_builder_deinit(&network->publishers[i]->builder);
		free(network->publishers[i]);
	}
}

/* Whether this city may publish it now; the draft has room for `copy` bytes of its own. */
static int draft_new(struct node *node, const struct hash *network_id, uint8_t lane,
	const struct node_draft *from, size_t copy, struct draft **out)
{
	struct network *network = node_network_find(node, network_id);
	if (!network || lane < 1 || lane > FEED_LANE_COUNT)
		return ERROR_NOT_FOUND;
	const struct roster_member *own = roster_member_by_city(network->roster, &node->city_id);
	if (!own || own->status != MEMBER_ACTIVE)
		return ERROR_NOT_MEMBER;
	if (node->twin || node->stopped)
		return ERROR_STATE;
	if (roster_fork(network->roster, &node->city_id, lane, NULL, NULL))
		return ERROR_FORK;
	if (node->paused && lane != FEED_LANE_ALERT)
		return ERROR_FULL;
	if (node->publish_bytes + from->header.len + from->body.len > PUBLISH_QUEUE_BYTES)
		return ERROR_BUSY;
	if (from->header.len > ENTRY_HEADER_BYTES_MAX || from->body.len > ENTRY_BODY_BYTES_MAX)
		return ERROR_SIZE;
	struct publisher *p = publisher_of(node, network, lane);
	int code = p ? quota_publish(p->feed, from->header.len, from->body.len) : ERROR_MEMORY;
	if (code)
		return code;
	struct draft *draft = malloc(sizeof *draft + copy);
	if (!draft)
		return ERROR_MEMORY;
	*draft = (struct draft){.header = from->header, .body = from->body, .seal = from->seal};
	node->publish_bytes += from->header.len + from->body.len;
	p->draft_bytes += from->header.len + from->body.len;
	p->draft_count++;
	list_push_back(&p->drafts, &draft->node);
	node->publish_due = true;
	*out = draft;
	return 0;
}

int node_publish(struct node *node, const struct hash *network_id, uint8_t lane,
	struct bytes header, struct bytes body, node_published_fn *done, void *ctx,
	struct node_time now)
{
	struct node_draft from = {.header = header, .body = body};
	struct header decoded;
	struct draft *draft;
	node->now = now;
	if (header.len <= ENTRY_HEADER_BYTES_MAX && body.len <= ENTRY_BODY_BYTES_MAX &&
		(header_decode(header, &decoded) || decoded.body_size != body.len))
		return ERROR_FIELD;
	int code = draft_new(node, network_id, lane, &from, header.len + body.len, &draft);
	if (code)
		return code;
	draft->done = done;
	draft->ctx = ctx;
	memcpy(draft->copy, header.data, header.len);
	if (body.len)
		memcpy(draft->copy + header.len, body.data, body.len);
	draft->header.data = draft->copy;
	draft->body.data = draft->copy + header.len;
	return 0;
}

int node_publish_sealed(struct node *node, const struct hash *network_id, uint8_t lane,
	const struct node_draft *from, node_published_fn *done, void *ctx, struct node_time now)
{
	struct draft *draft;
	node->now = now;
	int code = draft_new(node, network_id, lane, from, 0, &draft);
	if (code)
		return code;
	draft->done = done;
	draft->ctx = ctx;
	return 0;
}

/* The run in the builder gets its head and goes into the commit. */
static int close_run(struct node *node, struct publisher *p, uint32_t epoch, struct commit *commit)
{
	struct head head;
	struct feed_builder *b = &p->builder;
	int code = feed_builder_close(b, epoch, &node->public_key, node->key, node->now.wall, &head);
	if (code)
		return code;
	struct blob *blob = blob_take(&b->entries);
	if (!blob)
		return ERROR_MEMORY;
	p->feed->tip = b->tip;
	p->feed->tip.epoch = epoch;
	if (!node_feed_op(p->feed, commit, b->first_seq, &head, &b->index, blob, &b->prev)) {
		blob_free(blob);
		return ERROR_MEMORY;
	}
	return 0;
}

static void hold_set(struct publisher *p, const struct publish_batch *batch)
{
	struct monotime now = batch->node->now.mono;
	int64_t hold_us = monotime_diff_us(now, batch->started) / PUBLISH_HOLD_PART;
	p->expected = batch->count + p->draft_count;
	if (hold_us > PUBLISH_HOLD_US_MAX)
		hold_us = PUBLISH_HOLD_US_MAX;
	p->hold_until = hold_us < PUBLISH_HOLD_US_MIN ? now : monotime_add_us(now, hold_us);
}

static void batch_done(void *ctx, struct commit *commit)
{
	struct publish_batch *batch = ctx;
	struct node *node = batch->node;
	batch->publisher->in_flight--;
	node->publish_due = true;
	hold_set(batch->publisher, batch);
	if (commit->code) {
		drafts_fail(node, &batch->drafts, commit->code);
		free(batch);
		return;
	}
	uint32_t k = 0;
	struct list_node *n;
	while ((n = list_pop_front(&batch->drafts))) {
		struct draft *draft = list_entry(n, struct draft, node);
		while (k + 1 < commit->count &&
			(commit->ops[k].type != COMMIT_RUN ||
				commit->ops[k].seq + commit->ops[k].count <= draft->seq))
			k++;
		struct node_published result = {.seq = draft->seq,
			.entry_hash = draft->entry_hash,
			.arrival = commit->ops[k].arrival.arrival,
			.time = commit->ops[k].arrived};
		draft_answer(node, draft, &result);
	}
	if (batch->publisher->feed->lane == FEED_LANE_ALERT)
		for (uint32_t i = 0; i < commit->count; i++)
			if (commit->ops[i].type == COMMIT_RUN)
				node_feed_push(batch->publisher->feed, commit->ops[i].seq, commit->ops[i].head,
					&commit->ops[i].prev, commit->ops[i].blob);
	free(batch);
}

/* The epoch under which this city signs now, its tip brought to its beginning where it is new. */
static int own_epoch(struct node *node, struct feed *feed, uint32_t *epoch)
{
	const struct roster_member *own = roster_member_by_city(feed->network->roster, &node->city_id);
	if (!own || own->status != MEMBER_ACTIVE)
		return ERROR_NOT_MEMBER;
	if (!public_key_equal(&own->node_key, &node->public_key))
		return ERROR_EPOCH_UNKNOWN;
	if (roster_fork(feed->network->roster, &node->city_id, feed->lane, NULL, NULL))
		return ERROR_FORK;
	struct run_rules rules;
	int code = node_feed_rules(feed, own->epoch, &rules);
	if (code)
		return code;
	if (rules.has_end)
		return ERROR_CUT;
	if (feed->tip.epoch != own->epoch) {
		if (feed->tip.seq != rules.start_seq || feed->in_flight > 0)
			return ERROR_STATE;
		feed_tip_start_epoch(&feed->tip, own->epoch, rules.start_seq, &rules.start_hash);
	}
	*epoch = own->epoch;
	return 0;
}

/* Salts, drawn for many at once. */
struct salts {
	uint8_t bytes[64][ENTRY_SALT_BYTES];
	unsigned left;
};

static int draft_add(struct node *node, struct feed_builder *b, struct draft *draft,
	struct salts *salts, bool *must_close)
{
	if (draft->seal)
		return feed_builder_add_sealed(b, &node->hasher, draft->seal, draft->header, draft->body,
			&draft->seq, &draft->entry_hash, must_close);
	if (salts->left == 0) {
		node_random(node, salts->bytes, sizeof salts->bytes);
		salts->left = 64;
	}
	return feed_builder_add(b, &node->hasher, salts->bytes[--salts->left], draft->header,
		draft->body, &draft->seq, &draft->entry_hash, must_close);
}

/* Room for what the next run may take of those that wait: it becomes the commit's, as it is. */
static void entries_reserve(struct publisher *p)
{
	size_t bytes = p->draft_bytes + p->draft_count * ENTRY_OVERHEAD_BYTES;
	size_t most = CHECKPOINT_BYTES + CHECKPOINT_BYTES / 8;
	if (p->draft_count > 0)
		buffer_reserve(&p->builder.entries, bytes < most ? bytes : most);
}

static int fill_batch(struct node *node, struct publisher *p, uint32_t epoch,
	struct publish_batch *batch, struct commit *commit)
{
	struct feed_builder *b = &p->builder;
	feed_builder_deinit(b);
	feed_builder_init(b, &p->feed->tip, p->feed->lane == FEED_LANE_ALERT);
	size_t bytes = 0;
	struct salts salts = {.left = 0};
	bool open = false;
	entries_reserve(p);
	while (!list_empty(&p->drafts) && bytes < PUBLISH_COMMIT_BYTES) {
		struct draft *draft = list_entry(list_first(&p->drafts), struct draft, node);
		bool must_close = false;
		int code = draft_add(node, b, draft, &salts, &must_close);
		list_remove(&draft->node);
		p->draft_bytes -= draft->header.len + draft->body.len;
		p->draft_count--;
		if (code) {
			struct node_published result = {.code = code};
			draft_answer(node, draft, &result);
			continue;
		}
		bytes += draft->header.len + draft->body.len;
		list_push_back(&batch->drafts, &draft->node);
		batch->count++;
		open = true;
		if (must_close) {
			code = close_run(node, p, epoch, commit);
			if (code)
				return code;
			open = false;
			entries_reserve(p);
		}
	}
	return open ? close_run(node, p, epoch, commit) : 0;
}

/* Alerts: one at a time, so that none waits behind two. */
static bool may_commit(const struct publisher *p)
{
	if (p->in_flight == 0)
		return true;
	return p->feed->lane != FEED_LANE_ALERT && p->in_flight < PUBLISH_IN_FLIGHT &&
		p->draft_bytes >= PUBLISH_SECOND_BYTES;
}

static bool held(struct node *node, const struct publisher *p)
{
	if (p->feed->lane == FEED_LANE_ALERT || p->in_flight || p->draft_count >= p->expected ||
		p->draft_bytes >= PUBLISH_SECOND_BYTES || monotime_reached(node->now.mono, p->hold_until))
		return false;
	node->publish_at = monotime_earlier(node->publish_at, p->hold_until);
	return true;
}

static void publish_lane(struct node *node, struct publisher *p)
{
	if (!list_empty(&p->drafts) && held(node, p))
		return;
	while (may_commit(p) && !list_empty(&p->drafts) && !p->feed->failed) {
		uint32_t epoch;
		int code = own_epoch(node, p->feed, &epoch);
		if (code == ERROR_STATE)
			return; /* the new epoch's beginning is not reached yet: the drafts wait */
		struct publish_batch *batch = code ? NULL : calloc(1, sizeof *batch);
		struct commit *commit = batch ? commit_new(COMMIT_URGENT) : NULL;
		if (!commit) {
			free(batch);
			waiting_fail(node, p, code ? code : ERROR_MEMORY);
			return;
		}
		/* One lane's own commits keep their order: bulk lanes yield to what is urgent. */
		commit->class = p->feed->lane == FEED_LANE_ALERT ? COMMIT_URGENT : COMMIT_BULK;
		batch->publisher = p;
		batch->node = node;
		batch->started = node->now.mono;
		list_init(&batch->drafts);
		code = fill_batch(node, p, epoch, batch, commit);
		require(code == 0); /* without memory or the key there is no way back: seqs were used */
		if (commit->count == 0) {
			commit_free(commit);
			free(batch);
			return;
		}
		commit->done = batch_done;
		commit->ctx = batch;
		p->in_flight++;
		node_commit(node, commit);
	}
}

void node_publish_flush(struct node *node)
{
	if (!node->publish_due || node_publishing(node, NULL) != NODE_PUBLISHING_OPEN)
		return;
	node->publish_due = false;
	node->publish_at = MONOTIME_NEVER;
	if (node->drafts_held)
		return;
	for (size_t i = 0; i < node->network_count; i++)
		for (int lane = 0; lane < FEED_LANE_COUNT; lane++)
			if (node->networks[i]->publishers[lane])
				publish_lane(node, node->networks[i]->publishers[lane]);
}

void node_publish_cancel(struct node *node)
{
	for (size_t i = 0; i < node->network_count; i++)
		for (int lane = 0; lane < FEED_LANE_COUNT; lane++)
			if (node->networks[i]->publishers[lane])
				waiting_fail(node, node->networks[i]->publishers[lane], ERROR_CANCELLED);
}
