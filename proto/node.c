/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "proto/import_private.h"

/* A node's life: read from the store, networks, what commits answer, deadlines. */

struct network *node_network_find(const struct node *node, const struct hash *id)
{
	for (size_t i = 0; i < node->network_count; i++)
		if (hash_equal(&node->networks[i]->id, id))
			return node->networks[i];
	return NULL;
}

struct network *node_network_add(struct node *node, const struct hash *id, struct charter *charter)
{
	struct network *network = node->network_count < LIMIT_NETWORKS ? calloc(1, sizeof *network)
																   : NULL;
	struct network **grown = network
		? realloc(node->networks, (node->network_count + 1) * sizeof *grown)
		: NULL;
	if (!grown) {
		free(network);
		charter_release(charter);
		return NULL;
	}
	node->networks = grown;
	node->networks[node->network_count++] = network;
	network->node = node;
	network->id = *id;
	network->charter = charter;
	network->roster = charter->roster;
	list_init(&network->feeds_by_arrival);
	list_init(&network->pending);
	map_init(&network->holders, HASH_SIZE, node->map_seed);
	map_init(&network->lists, HASH_SIZE, node->map_seed);
	beacons_init(network);
	return network;
}

void node_network_name(struct network *network)
{
	struct node *node = network->node;
	struct bytes slug = roster_slug(network->roster);
	for (unsigned k = 1;; k++) {
		if (k == 1)
			snprintf(network->slug, sizeof network->slug, "%.*s", (int)slug.len,
				(const char *)slug.data);
		else
			snprintf(network->slug, sizeof network->slug, "%.*s-%u", (int)slug.len,
				(const char *)slug.data, k);
		bool taken = false;
		for (size_t i = 0; i < node->network_count; i++)
			taken |= node->networks[i] != network &&
				strcmp(node->networks[i]->slug, network->slug) == 0;
		if (!taken)
			return;
	}
}

void node_network_op(struct network *network, struct commit *commit)
{
	struct commit_op *op = commit_add(commit, COMMIT_NETWORK);
	require(op);
	op->network_id = network->id;
	snprintf(op->text, sizeof op->text, "%s", network->slug);
	op->arrived = network->node->now.wall;
}

void node_commit(struct node *node, struct commit *commit)
{
	node->commits++;
	node->io.commit(node->io.ctx, commit);
}

void node_emit(struct node *node, const struct node_event *event)
{
	node->io.event(node->io.ctx, event);
}

void node_random(struct node *node, void *out, size_t len)
{
	node->io.random(node->io.ctx, out, len);
}

bool node_is_relay(const struct node *node)
{
	return node->config.relay;
}

/* ---- from the store ---- */

struct load {
	struct node *node;
	struct network *network;
	int code;
};

static int load_object(void *ctx, const struct store_object *object)
{
	struct load *load = ctx;
	return node_object_load(load->node, load->network, object);
}

static int load_network(void *ctx, const struct store_network *stored)
{
	struct load *load = ctx;
	struct node *node = load->node;
	struct charter *charter;
	const struct node *with = node->config.charters_of;
	const struct network *same = with ? node_network_find(with, &stored->network_id) : NULL;
	if (same) {
		charter = same->charter;
		charter->holders++;
	} else {
		int code = charter_new(&stored->network_id, node->map_seed, &charter);
		if (code)
			return code;
	}
	struct network *network = node_network_add(node, &stored->network_id, charter);
	if (!network)
		return ERROR_MEMORY;
	snprintf(network->slug, sizeof network->slug, "%s", stored->slug);
	return 0;
}

static int load_feed(void *ctx, const struct store_feed *stored)
{
	struct load *load = ctx;
	struct network *network = node_network_find(load->node, &stored->network_id);
	struct feed *feed = network
		? node_feed_make(load->node, network, &stored->city_id, stored->lane)
		: NULL;
	if (!feed)
		return network ? ERROR_MEMORY : 0;
	feed->tip.seq = stored->seq;
	feed->tip.entry_hash = stored->entry_hash;
	feed->tip.epoch = stored->epoch;
	feed->tip.since_checkpoint_entries = stored->since_checkpoint_entries;
	feed->tip.since_checkpoint_bytes = stored->since_checkpoint_bytes;
	node_fill_load(feed, stored);
	feed->durable = feed->tip;
	feed->durable_seq = stored->seq;
	feed->durable_hash = stored->entry_hash;
	feed->arrival = stored->arrival;
	digest_feed_changed(feed);
	/* The store gives feeds in its own order: sorted by arrival once all are known. */
	return 0;
}

static int by_arrival(const void *a, const void *b)
{
	const struct feed *x = *(struct feed *const *)a, *y = *(struct feed *const *)b;
	return (x->arrival > y->arrival) - (x->arrival < y->arrival);
}

static int sort_feeds(struct node *node)
{
	struct feed **all = calloc(node->feeds.count + 1, sizeof(struct feed *));
	if (!all)
		return ERROR_MEMORY;
	size_t count = 0, position = 0;
	void *value;
	while (map_next(&node->feeds, &position, NULL, &value)) {
		struct feed *feed = value;
		if (feed->arrival)
			all[count++] = feed;
	}
	qsort(all, count, sizeof(struct feed *), by_arrival);
	for (size_t i = 0; i < count; i++)
		list_push_back(&all[i]->network->feeds_by_arrival, &all[i]->by_arrival);
	free(all);
	return 0;
}

static int load_gap(void *ctx, const struct store_gap *stored)
{
	struct load *load = ctx;
	struct feed *feed = node_feed(load->node, &stored->feed_id);
	struct gap *gap = feed ? calloc(1, sizeof *gap) : NULL;
	if (!gap)
		return feed ? ERROR_MEMORY : 0;
	gap->seq = stored->seq;
	gap->entry_hash = stored->entry_hash;
	gap->prev = stored->prev;
	gap->wire = blob_copy(stored->wire);
	memcpy(gap->head, stored->head, HEAD_BYTES);
	gap->source_city = stored->source_city;
	gap->durable = true;
	list_push_back(&feed->gaps, &gap->node);
	feed->gap_count++;
	return gap->wire ? 0 : ERROR_MEMORY;
}

static int load_cursor(void *ctx, const struct hash *network_id, const struct hash *city_id,
	const struct store_cursor *cursor)
{
	struct load *load = ctx;
	return sync_cursor_set(load->node, network_id, city_id, cursor);
}

static int load_denied(struct node *node)
{
	struct buffer value;
	buffer_init(&value, STORE_SETTING_VALUE_MAX);
	int code = store_get_setting(node->config.store, "denied", &value);
	for (size_t at = 0; code == 0 && at + HASH_SIZE <= value.len; at += HASH_SIZE)
		code = map_put(&node->denied, value.data + at, node);
	buffer_deinit(&value);
	return code == ERROR_NOT_FOUND ? 0 : code;
}

/* The control objects of load->network, unless another node has read the same. */
static int load_charter(struct load *load)
{
	struct node *node = load->node;
	struct network *network = load->network;
	int code = 0;
	if (network->charter->holders == 1) {
		code = store_each_object(node->config.store, &network->id, load_object, load);
		if (code == 0)
			code = charter_name_all(network->charter, &network->id);
	}
	if (code == 0 && roster_member_by_city(network->roster, &node->city_id))
		node_feeds_make_member(node, network, &node->city_id);
	return code;
}

static int load_all(struct node *node)
{
	struct store *store = node->config.store;
	struct load load = {.node = node};
	struct store_info info;
	int code = store_info(store, &info);
	if (code)
		return code;
	memcpy(node->store_epoch, info.store_epoch, STORE_EPOCH_BYTES);
	node->newest = info.newest;
	code = store_each_network(store, load_network, &load);
	for (size_t i = 0; i < node->network_count && code == 0; i++) {
		load.network = node->networks[i];
		code = load_charter(&load);
	}
	if (code == 0)
		code = store_each_feed(store, load_feed, &load);
	if (code == 0)
		code = sort_feeds(node);
	if (code == 0)
		code = store_each_gap(store, NULL, load_gap, &load);
	if (code == 0)
		code = store_each_cursor(store, load_cursor, &load);
	if (code == 0)
		code = load_denied(node);
	if (code == 0)
		code = beacons_load(node);
	return code ? code : attachments_load(node);
}

static void init(struct node *node, const struct node_config *config, struct node_time now)
{
	node->config = *config;
	node->io = config->io;
	node->now = now;
	node->publish_at = node->links_at = node->beacons_at = MONOTIME_NEVER;
	node->city_id = config->city_id;
	node->public_key = config->node_public;
	node->key = config->node_key;
	snprintf(node->slug, sizeof node->slug, "%s", config->slug);
	snprintf(node->name, sizeof node->name, "%s", config->name);
	snprintf(node->country, sizeof node->country, "%s", config->country);
	snprintf(node->agent, sizeof node->agent, "%s", config->agent);
	node_random(node, node->map_seed, sizeof node->map_seed);
	map_init(&node->feeds, HASH_SIZE, node->map_seed);
	map_init(&node->links_by_id, sizeof(uint64_t), node->map_seed);
	map_init(&node->transfers_by_id, HASH_SIZE, node->map_seed);
	map_init(&node->cursors, 2 * HASH_SIZE, node->map_seed);
	map_init(&node->denied, HASH_SIZE, node->map_seed);
	map_init(&node->blames, HASH_SIZE, node->map_seed);
	map_init(&node->hold_nonces, HOLD_NONCE_BYTES, node->map_seed);
	overlay_init(&node->overlay, node->map_seed);
	list_init(&node->links);
	list_init(&node->transfers);
	list_init(&node->bootstraps);
	list_init(&node->hold_nonce_list);
	list_init(&node->guards);
	list_init(&node->disputes);
	for (int lane = 0; lane < FEED_LANE_COUNT; lane++)
		list_init(&node->wanting[lane]);
}

int node_new(const struct node_config *config, struct node_time now, struct node **out,
	struct complaint *complaint)
{
	struct node *node = calloc(1, sizeof *node);
	if (!node)
		return complain(complaint, ERROR_MEMORY, "node", "there is not enough memory");
	init(node, config, now);
	int code = hasher_init(&node->hasher);
	if (code == 0)
		hasher_widen(&node->hasher);
	if (code == 0)
		code = load_all(node);
	node->config.charters_of = NULL; /* it may end before this one */
	if (code) {
		node_free(node);
		return complain(complaint, code, "store", "the store cannot be read: %s", error_text(code));
	}
	/* A crash between a record's arrival and its cut: what is beyond is moved aside now. */
	for (size_t i = 0; i < node->network_count; i++)
		node_feeds_apply_cuts(node, node->networks[i]);
	*out = node;
	return 0;
}

static void network_free(struct network *network)
{
	node_publishers_free(network);
	node_charter_free(network);
	charter_release(network->charter);
	for (uint32_t i = 0; i < RANGE_COUNT; i++)
		free(network->ranges[i].feeds);
	size_t position = 0;
	void *value;
	while (map_next(&network->holders, &position, NULL, &value))
		free(value);
	map_deinit(&network->holders);
	rate_free(network);
	beacons_free(network);
	free(network);
}

static void values_free(struct map *map)
{
	size_t position = 0;
	void *value;
	while (map_next(map, &position, NULL, &value))
		free(value);
	map_deinit(map);
}

void node_free(struct node *node)
{
	if (!node)
		return;
	require(list_empty(&node->links) && !node->import);
	require(node->commits == 0);
	node_publish_cancel(node);
	attachments_free(node);
	hold_free(node);
	fork_free(node);
	link_bootstraps_free(node);
	size_t position = 0;
	void *value;
	while (map_next(&node->feeds, &position, NULL, &value))
		node_feed_free(value);
	map_deinit(&node->feeds);
	for (size_t i = 0; i < node->network_count; i++)
		network_free(node->networks[i]);
	free(node->networks);
	overlay_deinit(&node->overlay);
	map_deinit(&node->links_by_id);
	values_free(&node->cursors);
	map_deinit(&node->denied);
	blames_free(node);
	for (size_t i = 0; i < node->address_count; i++)
		free(node->addresses[i]);
	free(node->addresses);
	run_index_deinit(&node->index);
	hasher_deinit(&node->hasher);
	free(node);
}

/* ---- completions ---- */

void node_flush(struct node *node)
{
	if (node->flushing)
		return;
	node->flushing = true;
	node_publish_flush(node);
	spread_schedule(node);
	attachment_schedule(node);
	hold_check(node);
	node->flushing = false;
}

static void newest_moved(struct node *node, const struct commit *commit)
{
	for (uint32_t i = 0; i < commit->count; i++)
		if (commit->ops[i].arrival.arrival > node->newest.arrival)
			node->newest = commit->ops[i].arrival;
}

void node_arrived(struct node *node, const struct commit *commit, struct node_time now)
{
	uint64_t before = node->newest.arrival;
	node->now = now;
	if (commit->code == 0)
		newest_moved(node, commit);
	if (node->newest.arrival != before)
		sync_announce_soon(node);
}

static void op_committed(struct node *node, struct commit *commit, const struct commit_op *op)
{
	switch (op->type) {
	case COMMIT_RUN:
		node_feed_committed(node, commit, op);
		break;
	case COMMIT_FILL:
		node_fill_committed(node, commit, op);
		break;
	case COMMIT_CUT:
		node_feed_cut_committed(node, commit, op);
		break;
	case COMMIT_TELL:
		node_feed_tell_committed(node, commit, op);
		break;
	case COMMIT_OBJECT:
		node_object_committed(node, commit, op);
		break;
	case COMMIT_GAP:
		node_feed_gap_committed(node, commit, op);
		break;
	case COMMIT_ATTACHMENT_WANT:
	case COMMIT_ATTACHMENT_BEGIN:
	case COMMIT_ATTACHMENT_PROGRESS:
	case COMMIT_ATTACHMENT_COMPLETE:
		attachment_committed(node, commit, op);
		break;
	default:
		break;
	}
}

void node_on_committed(struct node *node, struct commit *commit, struct node_time now)
{
	node->now = now;
	node->commits--;
	if (commit->code == 0)
		newest_moved(node, commit);
	for (uint32_t i = 0; i < commit->count; i++)
		op_committed(node, commit, &commit->ops[i]);
	struct link *link = commit->link_id ? node_link_by_id(node, commit->link_id) : NULL;
	import_committed(link, commit->code);
	if (link && commit->credit) {
		if (commit->credit_urgent)
			link_release_urgent(link, commit->credit);
		else
			link_release_bulk(link, commit->credit);
	}
	if (commit->done)
		commit->done(commit->ctx, commit);
	commit_free(commit);
	node->want_due = true;
	node_flush(node);
	import_poke(node);
}

void node_on_read(struct node *node, struct node_read *read, struct node_time now)
{
	node->now = now;
	if (read->type == NODE_READ_BRANCH)
		fork_on_read(node, read);
	else
		link_serve_read(node_link_by_id(node, read->link_id), read);
	node_flush(node);
}

void node_on_written(struct node *node, struct node_write *write, struct node_time now)
{
	node->now = now;
	attachment_on_written(node, write);
	node_flush(node);
	import_poke(node);
}

/* ---- time ---- */

struct monotime node_deadline(const struct node *node)
{
	/* Drafts that can go go at once: together, at the end of what the loop does now. */
	if (node->publish_due && node->publishing_said == NODE_PUBLISHING_OPEN)
		return node->now.mono;
	struct monotime due = node->publish_at;
	due = monotime_earlier(due, node->links_at);
	if (node->announce_due)
		due = monotime_earlier(due, node->announce_at);
	due = monotime_earlier(due, spread_deadline(node));
	due = monotime_earlier(due, attachment_deadline(node));
	due = monotime_earlier(due, rate_deadline(node));
	due = monotime_earlier(due, node->beacons_at);
	due = monotime_earlier(due, fork_deadline(node));
	return monotime_earlier(due, hold_deadline(node));
}

/* What is received moves a link's deadline on, and nothing is done about it until the old one has
 * come: asked at each turn of the loop, a thousand links would cost more than the turn. */
static void links_on_deadline(struct node *node)
{
	list_for_each_safe(&node->links, n) link_on_deadline(list_entry(n, struct link, node_link));
	node->links_at = MONOTIME_NEVER;
	list_for_each(&node->links, n) link_deadline_sooner(list_entry(n, struct link, node_link));
}

void node_on_deadline(struct node *node, struct node_time now)
{
	node->now = now;
	if (monotime_reached(now.mono, node->links_at))
		links_on_deadline(node);
	if (node->announce_due && monotime_reached(now.mono, node->announce_at))
		sync_announce_all(node);
	spread_on_deadline(node);
	attachment_on_deadline(node);
	hold_on_deadline(node);
	rate_on_deadline(node);
	beacons_on_deadline(node);
	fork_on_deadline(node);
	node->publish_due |= monotime_reached(now.mono, node->publish_at);
	node_flush(node);
}
