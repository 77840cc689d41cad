/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "charter/address_list.h"
#include "proto/node_private.h"

/* What the control socket looks at and does: networks, feeds, peers, whom to dial, addresses,
 * denied cities, pause, stop. */

size_t node_network_count(const struct node *node)
{
	return node->network_count;
}

const struct roster *node_network_roster(const struct node *node, size_t i)
{
	return node->networks[i]->roster;
}

const char *node_network_slug(const struct node *node, size_t i)
{
	return node->networks[i]->slug;
}

const struct roster *node_roster(const struct node *node, const struct hash *network_id)
{
	const struct network *network = node_network_find(node, network_id);
	return network ? network->roster : NULL;
}

static struct node_feed feed_of(const struct feed *feed)
{
	return (struct node_feed){.network_id = feed->network->id,
		.city_id = feed->city_id,
		.feed_id = feed->feed_id,
		.entry_hash = feed->durable_hash,
		.lane = feed->lane,
		.seq = feed->durable_seq,
		.epoch = feed->durable.epoch,
		.frozen = feed->frozen,
		.forked_from = freeze_forked_from(feed)};
}

void node_each_feed(
	const struct node *node, void (*each)(void *ctx, const struct node_feed *feed), void *ctx)
{
	for (size_t i = 0; i < node->network_count; i++)
		list_for_each(&node->networks[i]->feeds_by_arrival, n)
		{
			const struct feed *feed = list_entry(n, struct feed, by_arrival);
			struct node_feed out = feed_of(feed);
			if (out.seq)
				each(ctx, &out);
		}
}

bool node_feed_find(const struct node *node, const struct hash *feed_id, struct node_feed *out)
{
	const struct feed *feed = map_get(&node->feeds, feed_id);
	const struct feed_name *name = NULL;
	if (feed) {
		*out = feed_of(feed);
		return true;
	}
	for (size_t i = 0; i < node->network_count && !name; i++) {
		name = charter_feed_name(node->networks[i]->charter, feed_id);
		if (name)
			*out = (struct node_feed){.network_id = node->networks[i]->id,
				.city_id = name->city_id,
				.feed_id = *feed_id,
				.lane = name->lane};
	}
	return name;
}

void node_each_peer(
	const struct node *node, void (*each)(void *ctx, const struct node_peer *peer), void *ctx)
{
	list_for_each(&node->links, n)
	{
		const struct link *link = list_entry(n, struct link, node_link);
		struct node_peer peer = {.city_id = link->city_id,
			.slug = link->has_city ? link->peer_slug : "unknown",
			.address = link->address,
			.state = link->state,
			.dialled = link->dialled,
			.paused = node->paused,
			.peer_paused = link->peer_paused,
			.peer_pause_reason = link->peer_pause_reason,
			.rtt_us = link->rtt_us,
			.sent_bytes = link->sent_bytes,
			.received_bytes = link->received_bytes,
			.last_heard = link->last_heard_wall,
			.since = link->since_wall};
		for (uint32_t i = 0; i < link->network_count; i++)
			if (link->networks[i].acked_arrival > peer.acked_arrival)
				peer.acked_arrival = link->networks[i].acked_arrival;
		each(ctx, &peer);
	}
}

static bool host_matches(struct bytes address, const char *host)
{
	size_t len = strlen(host);
	if (address.len > len + 2 && address.data[0] == '[')
		address = bytes_slice(address, 1, SIZE_MAX);
	return address.len > len && memcmp(address.data, host, len) == 0 &&
		(address.data[len] == ':' || address.data[len] == ']');
}

bool node_address_known(const struct node *node, const char *host)
{
	for (size_t i = 0; i < node->network_count; i++) {
		const struct roster_member *m;
		for (size_t k = 0; (m = roster_member_at(node->networks[i]->roster, k)); k++)
			for (size_t a = 0; m->addresses && a < m->addresses->count; a++)
				if (host_matches(m->addresses->addresses[a], host))
					return true;
	}
	return false;
}

/* ---- addresses ---- */

static bool same_addresses(const struct node *node, const struct address_list *list)
{
	if (!list || list->count != node->address_count)
		return false;
	for (size_t i = 0; i < list->count; i++)
		if (!bytes_equal_text(list->addresses[i], node->addresses[i]))
			return false;
	return true;
}

static void publish_addresses_in(struct node *node, struct network *network)
{
	const struct roster_member *own = roster_member_by_city(network->roster, &node->city_id);
	if (!own || own->status != MEMBER_ACTIVE ||
		!public_key_equal(&own->node_key, &node->public_key))
		return;
	bool current = own->addresses && own->addresses->epoch == own->epoch;
	if ((current && same_addresses(node, own->addresses)) ||
		(!own->addresses && node->address_count == 0))
		return;
	if (!rate_own_list(network))
		return;
	struct address_list list = {.network_id = network->id,
		.city_id = node->city_id,
		.epoch = own->epoch,
		.number = current ? own->addresses->number + 1 : 1,
		.time = (uint64_t)node->now.wall.ms};
	for (size_t i = 0; i < node->address_count && i < ADDRESS_LIST_MAX; i++)
		list.addresses[list.count++] = bytes_from_text(node->addresses[i]);
	struct buffer wire;
	buffer_init(&wire, LIMIT_OBJECT_BYTES);
	int code = address_list_seal(&wire, &list, node->key);
	if (code == 0)
		code = node_object_submit(node, &network->id, buffer_bytes(&wire), NULL, NULL, node->now);
	buffer_deinit(&wire);
	if (code)
		log_event(LOG_LEVEL_WARN, "addresses_not_published", "reason", error_text(code));
}

void node_publish_addresses(struct node *node)
{
	for (size_t i = 0; i < node->network_count && node->addresses_set; i++)
		publish_addresses_in(node, node->networks[i]);
}

void node_set_addresses(
	struct node *node, const char *const *addresses, size_t count, struct node_time now)
{
	node->now = now;
	char **copy = calloc(count + 1, sizeof *copy);
	require(copy);
	for (size_t i = 0; i < count; i++) {
		copy[i] = strdup(addresses[i]);
		require(copy[i]);
	}
	for (size_t i = 0; i < node->address_count; i++)
		free(node->addresses[i]);
	free(node->addresses);
	node->addresses = copy;
	node->address_count = count;
	node->addresses_set = true;
	node_publish_addresses(node);
}

void node_set_node_key(struct node *node, const struct secret_key *key,
	const struct public_key *public_key, struct node_time now)
{
	node->now = now;
	node->key = key;
	node->public_key = *public_key;
	node->publish_due = true;
	node_publish_addresses(node);
	/* The links were made under the former key: peers have cut them or will; all are dialled anew.
	 */
	list_for_each_safe(&node->links, n) link_close(
		list_entry(n, struct link, node_link), BYE_REPLACED, "this city renewed its node key");
	node_flush(node);
}

void node_hold_drafts(struct node *node, bool hold, struct node_time now)
{
	node->now = now;
	node->drafts_held = hold;
	node->publish_due |= !hold;
	node_flush(node);
}

bool node_own_at_rest(const struct node *node)
{
	for (size_t i = 0; i < node->network_count; i++)
		for (int lane = 0; lane < FEED_LANE_COUNT; lane++) {
			const struct feed *feed = node->networks[i]->own_feeds[lane];
			if (feed && feed->in_flight > 0)
				return false;
		}
	return true;
}

/* ---- the admin's hand ---- */

bool node_denied(const struct node *node, const struct hash *city_id)
{
	return map_get(&node->denied, city_id) != NULL;
}

int node_deny(struct node *node, const struct hash *city_id, bool deny, struct node_time now)
{
	node->now = now;
	if (deny) {
		int code = map_put(&node->denied, city_id, node);
		if (code)
			return code;
	} else {
		map_remove(&node->denied, city_id);
		blame_forget(node, city_id);
	}
	struct blob *value = blob_new(node->denied.count * HASH_SIZE);
	struct commit *commit = value ? commit_new(COMMIT_URGENT) : NULL;
	struct commit_op *op = commit ? commit_add(commit, COMMIT_SETTING) : NULL;
	if (!op) {
		blob_free(value);
		commit_free(commit);
		return ERROR_MEMORY;
	}
	size_t position = 0;
	const void *key;
	while (map_next(&node->denied, &position, &key, NULL)) {
		memcpy(value->data + value->len, key, HASH_SIZE);
		value->len += HASH_SIZE;
	}
	snprintf(op->text, sizeof op->text, "denied");
	op->blob = value;
	node_commit(node, commit);
	list_for_each_safe(&node->links, n) link_judge(list_entry(n, struct link, node_link));
	return 0;
}

void node_pause(struct node *node, const char *reason, struct node_time now)
{
	node->now = now;
	if (node->paused)
		return;
	node->paused = true;
	snprintf(node->pause_reason, sizeof node->pause_reason, "%s", reason);
	log_event(LOG_LEVEL_WARN, "paused", "reason", reason);
	list_for_each(&node->links, n)
	{
		struct link *link = list_entry(n, struct link, node_link);
		if (link->state == LINK_LIVE) {
			message_write_paused(&link->control, PAUSE_FULL, reason);
			link_wake(link);
		}
	}
	struct node_event event = {.type = NODE_EVENT_STATE, .text = reason, .time = now.wall};
	node_emit(node, &event);
}

void node_resume(struct node *node, struct node_time now)
{
	node->now = now;
	if (!node->paused)
		return;
	node->paused = false;
	log_event(LOG_LEVEL_INFO, "resumed", "reason", "there is room again");
	list_for_each(&node->links, n)
	{
		struct link *link = list_entry(n, struct link, node_link);
		if (link->state == LINK_LIVE) {
			message_write_resumed(&link->control);
			link_wake(link);
		}
	}
	struct node_event event = {.type = NODE_EVENT_STATE, .text = "resumed", .time = now.wall};
	node_emit(node, &event);
	node->want_due = node->publish_due = true;
	/* Cuts that found no room. */
	for (size_t i = 0; i < node->network_count; i++)
		node_feeds_apply_cuts(node, node->networks[i]);
	node_flush(node);
}

void node_stop(struct node *node, struct node_time now)
{
	node->now = now;
	node->stopped = true;
	node_publish_cancel(node);
	list_for_each_safe(&node->links, n)
		link_close(list_entry(n, struct link, node_link), BYE_SHUTDOWN, "this daemon is stopping");
}
