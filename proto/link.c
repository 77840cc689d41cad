/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "proto/import_private.h"

/* A link's life: opened after the handshake, charter-only until its key is pinned, live after both
 * HELLOs, closed with a reason. */

static const char *const state_names[LINK_STATE_COUNT] = {
	[LINK_CHARTER_ONLY] = "charter_only",
	[LINK_HELLO] = "hello",
	[LINK_LIVE] = "live",
	[LINK_CLOSING] = "closing",
};

const char *link_state_name(enum link_state state)
{
	return state < LINK_STATE_COUNT ? state_names[state] : "unknown";
}

static void log_link(
	struct log_line *l, enum log_level level, const char *event, const struct link *link)
{
	log_begin(l, level, event);
	log_text(l, "city", link->has_city ? link->peer_slug : "unknown");
	log_bytes(l, "key", bytes_of(link->peer_key.bytes, 8));
	log_text(l, "address", link->address);
}

void link_set_state(struct link *link, enum link_state state, const char *reason)
{
	if (link->state == state)
		return;
	struct log_line l;
	log_link(&l, LOG_LEVEL_INFO, "link_state", link);
	log_text(&l, "old", link_state_name(link->state));
	log_text(&l, "new", link_state_name(state));
	log_text(&l, "reason", reason);
	log_end(&l);
	link->state = state;
	if (state == LINK_CLOSING)
		overlay_link_closing(link);
}

void link_wake(struct link *link)
{
	if (link->import)
		import_wake(link->import);
	else
		link->node->io.wake(link->node->io.ctx, link->transport);
}

struct link *node_link_by_id(const struct node *node, uint64_t id)
{
	return map_get(&node->links_by_id, &id);
}

struct link_network *link_network_find(const struct link *link, const struct hash *network_id)
{
	for (uint32_t i = 0; i < link->network_count; i++)
		if (hash_equal(&link->networks[i].network->id, network_id))
			return &link->networks[i];
	return NULL;
}

static bool pinned_in(
	const struct link *link, const struct network *network, const struct roster_member **member)
{
	const struct roster_member *own = roster_member_by_city(network->roster, &link->node->city_id);
	if (!own || own->status != MEMBER_ACTIVE ||
		!roster_is_current_pin(network->roster, &link->peer_key))
		return false;
	*member = roster_member_by_node_key(network->roster, &link->peer_key);
	return *member && !hash_equal(&(*member)->city_id, &link->node->city_id);
}

/* A peer of a network whose charter was lost here, from the bootstrap file. */
struct bootstrap {
	struct list_node node;
	struct hash network_id, city_id;
	struct public_key key;
	char *addresses[LIMIT_ADDRESSES];
	uint32_t address_count;
};

/* Whether the charter, as far as it is here, has ended the peer; or it takes too long to come. */
static bool bootstrap_over(const struct link *link, const struct bootstrap *b)
{
	const struct network *network = node_network_find(link->node, &b->network_id);
	if (!network)
		return false;
	const struct roster_member *m = roster_member_by_city(network->roster, &b->city_id);
	return (m && m->status != MEMBER_ACTIVE) ||
		monotime_reached(link->node->now.mono, monotime_add_ms(link->opened, LIMIT_BOOTSTRAP_MS));
}

static bool bootstrap_pinned(const struct link *link, struct hash *city_id)
{
	list_for_each(&link->node->bootstraps, n)
	{
		const struct bootstrap *b = list_entry(n, struct bootstrap, node);
		if (public_key_equal(&b->key, &link->peer_key) && !bootstrap_over(link, b)) {
			*city_id = b->city_id;
			return true;
		}
	}
	return false;
}

static void link_network_deinit(struct link_network *ln)
{
	map_deinit(&ln->wanted_objects);
	buffer_deinit(&ln->object_wants);
	free(ln->marks);
}

/* The peer has no more part in the network: nothing of it is sent, awaited or asked of it. */
static void leave_network(struct link *link, struct link_network *ln)
{
	struct network *network = ln->network;
	list_for_each_safe(&link->announced, n)
	{
		struct announced *a = list_entry(n, struct announced, by_link);
		if (a->feed->network == network)
			sync_announced_free(a);
	}
	spread_leave(link, network);
	attachment_leave(link, network);
	link_serves_leave(link, network);
	link_network_deinit(ln);
}

/* Takes the networks up in which the key is pinned now, drops those in which it no longer is.
 * Returns how many are left. */
static uint32_t judge_networks(struct link *link)
{
	struct node *node = link->node;
	for (uint32_t i = 0; i < link->network_count;) {
		const struct roster_member *member;
		if (pinned_in(link, link->networks[i].network, &member)) {
			i++;
			continue;
		}
		leave_network(link, &link->networks[i]);
		link->networks[i] = link->networks[--link->network_count];
	}
	for (size_t i = 0; i < node->network_count; i++) {
		const struct roster_member *member;
		struct network *network = node->networks[i];
		if (link_network_find(link, &network->id) || !pinned_in(link, network, &member))
			continue;
		struct link_network *grown = realloc(
			link->networks, (link->network_count + 1) * sizeof *grown);
		if (!grown)
			break;
		link->networks = grown;
		struct link_network *ln = &grown[link->network_count++];
		memset(ln, 0, sizeof *ln);
		ln->network = network;
		ln->mark_next = 1;
		map_init(&ln->wanted_objects, HASH_SIZE, node->map_seed);
		buffer_init(&ln->object_wants, (size_t)LIMIT_OBJECT_WANTS * HASH_SIZE);
		link->has_city = true;
		link->city_id = member->city_id;
		snprintf(link->peer_slug, sizeof link->peer_slug, "%.*s", (int)member->slug.len,
			(const char *)member->slug.data);
	}
	return link->network_count;
}

static void send_who(struct link *link)
{
	struct node *node = link->node;
	uint8_t blinds[LIMIT_NETWORKS][16];
	uint64_t numbers[LIMIT_NETWORKS];
	uint32_t count = 0;
	for (size_t i = 0; i < node->network_count && count < LIMIT_NETWORKS; i++) {
		struct hash blind;
		hasher_begin(&node->hasher, "hansa blind 1");
		hasher_add_hash(&node->hasher, &node->networks[i]->id);
		hasher_add(&node->hasher, public_key_bytes(&link->peer_key));
		hasher_add(&node->hasher, public_key_bytes(&node->public_key));
		hasher_end(&node->hasher, &blind);
		memcpy(blinds[count], blind.bytes, 16);
		numbers[count++] = roster_number(node->networks[i]->roster);
	}
	message_write_who(&link->control, blinds, numbers, count);
}

static bool key_is_former(const struct roster *roster, const struct public_key *key)
{
	const struct roster_member *m;
	for (size_t i = 0; (m = roster_member_at(roster, i)); i++) {
		struct roster_epoch epoch;
		for (uint32_t e = 1; e < m->epoch; e++)
			if (roster_epoch(roster, &m->city_id, e, &epoch) == 0 &&
				public_key_equal(&epoch.node_key, key))
				return true;
	}
	return false;
}

static const char *refusal(const struct link *link)
{
	const struct node *node = link->node;
	for (size_t i = 0; i < node->network_count; i++) {
		const struct roster *roster = node->networks[i]->roster;
		const struct roster_member *m = roster_member_by_city(roster, &node->city_id);
		if (m && m->status != MEMBER_ACTIVE)
			return m->status == MEMBER_REMOVED ? "this city itself was removed"
											   : "this city itself is suspended";
		m = roster_member_by_node_key(roster, &link->peer_key);
		if (m && m->status == MEMBER_SUSPENDED)
			return "the city is suspended";
		if (m && m->status == MEMBER_REMOVED)
			return "the city was removed";
		if (key_is_former(roster, &link->peer_key))
			return "the node key belongs to a former epoch";
	}
	return "the key stands in no roster";
}

void link_judge(struct link *link)
{
	if (link->state == LINK_CLOSING)
		return;
	bool bootstrap = false;
	uint32_t count = judge_networks(link);
	if (count == 0)
		bootstrap = bootstrap_pinned(link, &link->city_id);
	if (link->has_city && node_denied(link->node, &link->city_id)) {
		link_close(link, BYE_DENIED, "the admin denied this city");
		return;
	}
	if (link->has_city && !link->dialled && link->state == LINK_CHARTER_ONLY &&
		blame_holds(link->node, &link->city_id)) {
		link_close(link, BYE_LIMIT, "it broke a rule a short time ago and is to wait");
		return;
	}
	if (count > 0 || bootstrap) {
		link->has_city = true;
		if (link->state == LINK_CHARTER_ONLY) {
			link_set_state(
				link, LINK_HELLO, bootstrap ? "pinned by the bootstrap file" : "the key is pinned");
			sync_hello(link);
			sync_others(link);
			if (link->hello_received)
				link_hello_accepted(link);
			link_wake(link);
		} else if (link->state == LINK_LIVE) {
			sync_hello_more(link);
			sync_others(link);
		}
		return;
	}
	if (link->state != LINK_CHARTER_ONLY)
		link_close(link, BYE_SUSPENDED, refusal(link));
}

void link_close(struct link *link, enum bye_code code, const char *reason)
{
	if (link->state == LINK_CLOSING)
		return;
	snprintf(link->close_reason, sizeof link->close_reason, "%s", reason);
	/* What waits to be pushed goes first: a city that is suspended learns by whose amendment. */
	link_pushes_flush(link);
	if (link->control.error)
		buffer_shrink(&link->control, 0); /* the last frame in it is a torn one */
	message_write_reason(&link->control, MESSAGE_BYE, code, reason);
	link_set_state(link, LINK_CLOSING, reason);
	link->closing_since = link->node->now.mono;
	link->node->io.close(link->node->io.ctx, link->transport);
}

int link_breach(struct link *link, int code, const char *rule)
{
	if (link->state == LINK_CLOSING)
		return code;
	if (link->import)
		return import_breach(link, code);
	struct log_line l;
	log_link(&l, LOG_LEVEL_WARN, "peer_breach", link);
	log_text(&l, "rule", rule);
	log_error(&l, code);
	log_end(&l);
	if (link->has_city)
		blame_add(link->node, &link->city_id);
	char text[96];
	snprintf(text, sizeof text, "it broke the rule %s: %s", rule, error_name(code));
	link_close(link, BYE_PROTOCOL, text);
	return code ? code : ERROR_MESSAGE;
}

struct link *node_link_open(struct node *node, const struct public_key *peer_key, bool dialled,
	const char *address, void *transport, struct node_time now)
{
	struct link *link = calloc(1, sizeof *link);
	if (!link)
		return NULL;
	node->now = now;
	link->node = node;
	link->id = ++node->next_link_id;
	if (map_put(&node->links_by_id, &link->id, link)) {
		free(link);
		return NULL;
	}
	link->transport = transport;
	link->state = LINK_CHARTER_ONLY;
	link->peer_key = *peer_key;
	link->dialled = dialled;
	snprintf(link->address, sizeof link->address, "%s", address ? address : "");
	link->opened = link->last_received = link->progress = now.mono;
	link->since_wall = link->last_heard_wall = now.wall;
	link->rtt_us = link->rtt_least_us = -1;
	buffer_init(&link->in, LIMIT_FRAME_BYTES + 4);
	buffer_init(&link->object, LIMIT_OBJECT_PARTS_BYTES);
	buffer_init(&link->control, LIMIT_CONTROL_QUEUE_BYTES);
	list_init(&link->pushes);
	list_init(&link->announced);
	for (int i = 0; i < SERVE_CLASS_COUNT; i++)
		list_init(&link->serves[i]);
	link->urgent_limit = link->peer_urgent_limit = LIMIT_URGENT_START_BYTES;
	link->next_stream = 1;
	list_push_back(&node->links, &link->node_link);
	overlay_link_opened(link);
	link_judge(link);
	if (link->state == LINK_CHARTER_ONLY) {
		send_who(link);
		link_wake(link);
	}
	link_deadline_sooner(link);
	return link;
}

/* Two links of one node key: another instance is a twin; of one instance the newer replaces the
 * older unless that one answers a ping. */
static void find_double(struct link *link)
{
	list_for_each_safe(&link->node->links, n)
	{
		struct link *other = list_entry(n, struct link, node_link);
		if (other == link || other->state != LINK_LIVE ||
			!public_key_equal(&other->peer_key, &link->peer_key))
			continue;
		if (memcmp(other->instance, link->instance, INSTANCE_BYTES) != 0)
			link->twin = other;
		/* Made at once from both sides, one is too many, and both must keep the same: the one that
		 * the lower key dialled. An older one may be dead without our knowing: it is asked. */
		bool at_once = monotime_diff_us(link->opened, other->opened) < LIMIT_AT_ONCE_MS * 1000;
		bool keep_dialled = memcmp(link->node->public_key.bytes, link->peer_key.bytes,
								PUBLIC_KEY_SIZE) < 0;
		if (link->twin == NULL && at_once && other->dialled != link->dialled) {
			struct link *loser = other->dialled == keep_dialled ? link : other;
			link_close(loser, BYE_REPLACED, "a second link to the same city");
			return;
		}
		other->replace_at = monotime_add_ms(link->node->now.mono, 2000);
		node_random(link->node, &other->ping_token, sizeof other->ping_token);
		other->ping_token &= INT64_MAX;
		other->ping_open = true;
		other->ping_sent = link->node->now.mono;
		message_write_ping(&other->control, other->ping_token);
		link_deadline_sooner(other);
		link_wake(other);
	}
}

void link_hello_accepted(struct link *link)
{
	link_set_state(link, LINK_LIVE, "HELLO accepted");
	find_double(link);
	if (link->state == LINK_LIVE)
		overlay_link_live(link);
	if (link->state != LINK_LIVE)
		return;
	struct node_event event = {.type = NODE_EVENT_LINK,
		.city_id = link->city_id,
		.text = "up",
		.time = link->node->now.wall};
	node_emit(link->node, &event);
	if (link->node->paused)
		message_write_paused(&link->control, PAUSE_FULL, link->node->pause_reason);
	sync_hello_more(link);
	hold_link_live(link);
}

struct monotime link_deadline(const struct link *link)
{
	if (link->state == LINK_CLOSING)
		return MONOTIME_NEVER; /* the transport ends it */
	if (link->state != LINK_LIVE)
		return monotime_add_ms(link->opened, LIMIT_CHARTER_ONLY_MS);
	struct monotime due = link->ping_open
		? monotime_add_ms(link->ping_sent, LIMIT_PONG_WITHIN_MS)
		: monotime_add_ms(link->last_received, LIMIT_PING_AFTER_MS);
	if (link->replace_at.us)
		due = monotime_earlier(due, link->replace_at);
	return due;
}

void link_deadline_sooner(struct link *link)
{
	link->node->links_at = monotime_earlier(link->node->links_at, link_deadline(link));
}

static void judge_replacement(struct link *link)
{
	link->replace_at = monotime_from_us(0);
	if (link->ping_open) {
		link_close(link, BYE_REPLACED, "a newer link took its place and it did not answer");
		return;
	}
	/* The older one lives: the newer is a twin, or one too many. */
	list_for_each_safe(&link->node->links, n)
	{
		struct link *other = list_entry(n, struct link, node_link);
		if (other == link || other->state != LINK_LIVE ||
			!public_key_equal(&other->peer_key, &link->peer_key))
			continue;
		if (other->twin == link)
			twin_found(link, other);
		else
			link_close(other, BYE_REPLACED, "the older link of this city still answers");
	}
}

void link_on_deadline(struct link *link)
{
	struct monotime now = link->node->now.mono;
	if (link->state == LINK_CLOSING)
		return;
	if (link->state != LINK_LIVE) {
		if (monotime_reached(now, link_deadline(link)))
			link_close(link, BYE_NOT_PINNED,
				link->state == LINK_HELLO ? "no HELLO came in time" : refusal(link));
		return;
	}
	if (link->replace_at.us && monotime_reached(now, link->replace_at)) {
		judge_replacement(link);
		return;
	}
	if (link->ping_open &&
		monotime_reached(now, monotime_add_ms(link->ping_sent, LIMIT_PONG_WITHIN_MS))) {
		link_close(link, BYE_TIMEOUT, "silence: no answer to a ping");
	} else if (!link->ping_open &&
		monotime_reached(now, monotime_add_ms(link->last_received, LIMIT_PING_AFTER_MS))) {
		node_random(link->node, &link->ping_token, sizeof link->ping_token);
		link->ping_token &= INT64_MAX;
		link->ping_open = true;
		link->ping_sent = now;
		message_write_ping(&link->control, link->ping_token);
		link_wake(link);
	}
}

void link_set_rate(struct link *link, uint64_t bytes_per_second)
{
	link->rate = bytes_per_second;
}

void node_link_closed(
	struct node *node, struct link *link, const char *reason, struct node_time now)
{
	node->now = now;
	if (link->state != LINK_CLOSING)
		link_set_state(link, LINK_CLOSING, reason ? reason : "closed");
	list_remove(&link->node_link);
	map_remove(&node->links_by_id, &link->id);
	list_for_each(&node->links, n)
	{
		struct link *other = list_entry(n, struct link, node_link);
		if (other->twin == link)
			other->twin = NULL;
	}
	hold_link_closed(link);
	beacons_link_closed(link);
	fork_link_closed(link);
	sync_link_closed(link);
	attachment_link_closed(link);
	spread_link_closed(link);
	link_serves_free(link);
	link_pushes_free(link);
	blob_free(link->partial);
	for (uint32_t i = 0; i < ASSEMBLIES_MAX; i++)
		blob_free(link->assemblies[i].blob);
	for (uint32_t i = 0; i < link->network_count; i++)
		link_network_deinit(&link->networks[i]);
	struct node_event event = {.type = NODE_EVENT_LINK,
		.city_id = link->city_id,
		.time = now.wall,
		.text = link->close_reason[0] ? link->close_reason
			: reason                  ? reason
									  : "closed"};
	if (link->has_city)
		node_emit(node, &event);
	free(link->networks);
	free(link->others);
	buffer_deinit(&link->object);
	buffer_deinit(&link->in);
	buffer_deinit(&link->control);
	free(link);
}

/* ---- bootstrap ---- */

void node_add_bootstrap(struct node *node, const struct hash *network_id,
	const struct hash *city_id, const struct public_key *node_key, const char *const *addresses,
	size_t count)
{
	struct bootstrap *b = calloc(1, sizeof *b);
	if (!b)
		return;
	b->network_id = *network_id;
	b->city_id = *city_id;
	b->key = *node_key;
	for (size_t i = 0; i < count && i < LIMIT_ADDRESSES; i++) {
		b->addresses[b->address_count] = strdup(addresses[i]);
		if (b->addresses[b->address_count])
			b->address_count++;
	}
	list_push_back(&node->bootstraps, &b->node);
}

size_t link_bootstrap_dials(
	struct node *node, node_dial_fn *may, void *ctx, struct node_dial *out, size_t max)
{
	size_t count = 0;
	for (size_t left = list_count(&node->bootstraps); left > 0 && count < max; left--) {
		struct list_node *n = list_pop_front(&node->bootstraps);
		list_push_back(&node->bootstraps, n);
		struct bootstrap *b = list_entry(n, struct bootstrap, node);
		if (node_network_find(node, &b->network_id) || b->address_count == 0 ||
			overlay_linked(node, &b->key) || !may(ctx, &b->city_id))
			continue;
		struct node_dial *dial = &out[count++];
		memset(dial, 0, sizeof *dial);
		dial->city_id = b->city_id;
		dial->node_key = b->key;
		for (uint32_t i = 0; i < b->address_count; i++)
			dial->addresses[i] = b->addresses[i];
		dial->address_count = b->address_count;
	}
	return count;
}

bool link_bootstrap_network(const struct link *link, const struct hash *network_id)
{
	list_for_each(&link->node->bootstraps, n)
	{
		const struct bootstrap *b = list_entry(n, struct bootstrap, node);
		if (public_key_equal(&b->key, &link->peer_key) && hash_equal(&b->network_id, network_id))
			return !bootstrap_over(link, b);
	}
	return false;
}

uint32_t link_bootstrap_hello(
	const struct link *link, struct message_network *networks, uint32_t max)
{
	uint32_t count = 0;
	list_for_each(&link->node->bootstraps, n)
	{
		const struct bootstrap *b = list_entry(n, struct bootstrap, node);
		if (count == max || !public_key_equal(&b->key, &link->peer_key) ||
			node_network_find(link->node, &b->network_id))
			continue;
		memset(&networks[count], 0, sizeof networks[count]);
		networks[count++].network_id = b->network_id;
	}
	return count;
}

void link_bootstraps_free(struct node *node)
{
	struct list_node *n;
	while ((n = list_pop_front(&node->bootstraps))) {
		struct bootstrap *b = list_entry(n, struct bootstrap, node);
		for (uint32_t i = 0; i < b->address_count; i++)
			free(b->addresses[i]);
		free(b);
	}
}
