/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "proto/node_private.h"
#include "record/kind.h"

/*
 * Never fork yourself: while this city's own feeds may be longer elsewhere than here, nothing is
 * published. What the guard names, and what peers announce beyond the own tip, is pulled like any
 * other feed; a remade store without its guard asks the members how far they hold it.
 */

#define HOLD_ASK_AGAIN_MS 3000
/* Each question costs every member a signature, and a frame on each of its links. A city asks for
 * its own feeds once in HOLD_ASK_AGAIN_MS; that is never crowded out by what it passes on. */
#define ASKS_OWN_BURST 8u
#define ASKS_OWN_EVERY_MS 1000
#define ASKS_BURST 64u
#define ASKS_EVERY_MS 100
/* Answers: of 256 members, as often as is asked. */
#define HOLDS_BURST 1024u
#define HOLDS_EVERY_MS 10

struct hold_nonce {
	struct list_node node;
	uint8_t nonce[HOLD_NONCE_BYTES];
	uint64_t link_id; /* where the answers go */
};

/* What a peer says that it can give now. */
static uint64_t announced(const struct node *node, const struct feed *feed)
{
	uint64_t most = 0;
	list_for_each(&feed->announcers, n)
	{
		const struct announced *a = list_entry(n, struct announced, by_feed);
		/* A claim that its maker could not serve holds nobody up. */
		if (a->seq > feed->tip.seq && a->seq > most &&
			monotime_reached(node->now.mono, a->retry_at))
			most = a->seq;
	}
	return most;
}

/*
 * Own entries beyond the end of their epoch are disowned wherever they are: nobody will give them
 * back, and nothing may wait for them. Officers may have ended it after the guard was written.
 */
static uint64_t valid_up_to(
	const struct node *node, const struct network *network, uint32_t epoch, int lane, uint64_t seq)
{
	struct roster_epoch e;
	if (roster_epoch(network->roster, &node->city_id, epoch, &e) || !e.has_end)
		return seq;
	return seq < e.end[lane].seq ? seq : e.end[lane].seq;
}

/* Own alerts that came back ahead of a gap, unless a cut has disowned them. */
static uint64_t aside_beyond(const struct node *node, const struct feed *feed)
{
	uint64_t most = 0;
	list_for_each(&feed->gaps, n)
	{
		const struct gap *gap = list_entry(n, struct gap, node);
		struct head head;
		if (gap->seq > feed->tip.seq && head_decode(bytes_of(gap->head, HEAD_BYTES), &head) == 0 &&
			valid_up_to(node, feed->network, head.epoch, feed->lane - 1, gap->seq) == gap->seq)
			most = gap->seq;
	}
	return most;
}

static uint64_t announced_beyond(const struct node *node, const struct feed *feed)
{
	uint64_t offered = announced(node, feed), aside = aside_beyond(node, feed);
	return offered > aside ? offered : aside;
}

/* What a member says that it holds, which is not here yet; `by`: its slug. */
static uint64_t claimed_beyond(
	const struct node *node, const struct network *network, int lane, struct bytes *by)
{
	const struct feed *feed = network->own_feeds[lane - 1];
	uint32_t epoch;
	struct hash city;
	uint64_t seq = claim_beyond(
		network, (unsigned)lane - 1, feed ? feed->tip.seq : 0, &epoch, &city);
	const struct roster_member *m = seq ? roster_member_by_city(network->roster, &city) : NULL;
	*by = m ? m->slug : bytes_of(NULL, 0);
	return seq ? valid_up_to(node, network, epoch, lane - 1, seq) : 0;
}

static uint32_t holds_needed(const struct node *node, const struct network *network)
{
	const struct roster_member *own = roster_member_by_city(network->roster, &node->city_id);
	size_t others = roster_active_count(network->roster) - (own && own->status == MEMBER_ACTIVE);
	return others == 0 ? 0 : (uint32_t)(others / 2 + 1);
}

/* What is waited for of one own feed. */
struct lane_wait {
	uint64_t held, want, offered;
	bool by_word;
	struct bytes by; /* whose word */
};

static bool lane_waits(const struct node *node, const struct network *network, uint32_t epoch,
	uint8_t lane, struct lane_wait *out)
{
	const struct feed *feed = network->own_feeds[lane - 1];
	uint64_t guard = valid_up_to(
		node, network, network->guard_epoch[lane - 1], lane - 1, network->guard_seq[lane - 1]);
	uint64_t beyond = valid_up_to(
		node, network, epoch, lane - 1, feed ? announced_beyond(node, feed) : 0);
	uint64_t claimed = claimed_beyond(node, network, lane, &out->by);
	if (network->word_forgone)
		claimed = 0;
	out->held = feed ? feed->durable_seq : 0;
	out->offered = valid_up_to(node, network, epoch, lane - 1, feed ? announced(node, feed) : 0);
	out->want = guard > beyond ? guard : beyond;
	out->by_word = claimed > out->want;
	if (out->by_word)
		out->want = claimed;
	return out->want > (feed ? feed->tip.seq : 0);
}

static bool lane_recovering(
	struct node *node, const struct network *network, uint32_t epoch, uint8_t lane)
{
	struct lane_wait wait;
	if (!lane_waits(node, network, epoch, lane, &wait))
		return false;
	snprintf(node->state_text, sizeof node->state_text,
		"%s: this city's own feed %s is taken back from its peers: %llu of %llu entries are here%s"
		"%.*s",
		network->slug, lane_name(lane), (unsigned long long)wait.held,
		(unsigned long long)wait.want, wait.by_word ? ", by the word of " : "",
		wait.by_word ? (int)wait.by.len : 0, wait.by_word ? (const char *)wait.by.data : "");
	return true;
}

static bool word_missing(const struct node *node, const struct network *network)
{
	return network->holds_required && !network->word_forgone &&
		(!roster_has_genesis(network->roster) ||
			network->holders.count < holds_needed(node, network));
}

static bool network_recovering(struct node *node, struct network *network)
{
	const struct roster_member *own = roster_member_by_city(network->roster, &node->city_id);
	if (own && own->status != MEMBER_ACTIVE)
		return false; /* nothing can be published there; other networks do not wait for it */
	if (word_missing(node, network)) {
		snprintf(node->state_text, sizeof node->state_text,
			"%s: the store was remade; %zu of %u needed members have said how far they hold "
			"this city's feeds",
			network->slug, network->holders.count, holds_needed(node, network));
		return true;
	}
	for (uint8_t lane = 1; lane <= FEED_LANE_COUNT; lane++)
		if (lane_recovering(node, network, own ? own->epoch : 0, lane))
			return true;
	return false;
}

enum node_publishing node_publishing(const struct node *constant, const char **text)
{
	struct node *node = (struct node *)constant; /* the sentence is kept in it */
	enum node_publishing state = NODE_PUBLISHING_OPEN;
	snprintf(node->state_text, sizeof node->state_text, "open");
	if (node->twin) {
		state = NODE_PUBLISHING_TWIN;
		snprintf(node->state_text, sizeof node->state_text,
			"another instance runs with this city's node key: stop one of them, then restart "
			"this one");
	} else if (node->stopped) {
		state = NODE_PUBLISHING_STOPPED;
		snprintf(node->state_text, sizeof node->state_text, "the daemon is stopping");
	}
	for (size_t i = 0; i < node->network_count && state == NODE_PUBLISHING_OPEN; i++)
		if (network_recovering(node, node->networks[i]))
			state = NODE_PUBLISHING_RECOVERING;
	if (state == NODE_PUBLISHING_OPEN && node->guards_without_network) {
		state = NODE_PUBLISHING_RECOVERING;
		snprintf(
			node->state_text, sizeof node->state_text, "the charter is taken back from the peers");
	}
	if (text)
		*text = node->state_text;
	return state;
}

struct kept_guard {
	struct list_node node;
	struct node_guard_head guard;
};

static void guard_raise(struct network *network, unsigned lane, uint64_t seq, uint32_t epoch)
{
	if (seq <= network->guard_seq[lane])
		return;
	network->guard_seq[lane] = seq;
	network->guard_epoch[lane] = epoch;
}

static void guard_apply(struct network *network, const struct node_guard_head *guard)
{
	for (unsigned lane = 0; lane < FEED_LANE_COUNT; lane++)
		guard_raise(network, lane, guard->lanes[lane].seq, guard->epoch);
	network->guard_set = true;
}

void node_set_guard(struct node *node, const struct node_guard_head *guard, struct node_time now)
{
	node->now = now;
	struct network *network = node_network_find(node, &guard->network_id);
	if (network) {
		guard_apply(network, guard);
		return;
	}
	struct kept_guard *kept = calloc(1, sizeof *kept);
	require(kept);
	kept->guard = *guard;
	list_push_back(&node->guards, &kept->node);
	node->guards_without_network++;
}

/* A network that came back: its guard applies. */
static void guards_settle(struct node *node)
{
	list_for_each_safe(&node->guards, n)
	{
		struct kept_guard *kept = list_entry(n, struct kept_guard, node);
		struct network *network = node_network_find(node, &kept->guard.network_id);
		if (!network)
			continue;
		guard_apply(network, &kept->guard);
		list_remove(&kept->node);
		node->guards_without_network--;
		free(kept);
	}
}

void node_require_holds(struct node *node, struct node_time now)
{
	node->now = now;
	node->holds_required = true;
	for (size_t i = 0; i < node->network_count; i++)
		node->networks[i]->holds_required = true;
}

/* Whether the guard was written under a record of this city that is not back yet. */
static bool record_missing(const struct network *network, const struct roster_member *own)
{
	for (int lane = 0; lane < FEED_LANE_COUNT; lane++)
		if (!own || network->guard_epoch[lane] > own->epoch)
			return true;
	return false;
}

static size_t links_live(const struct network *network)
{
	size_t count = 0;
	list_for_each(&network->node->links, n)
	{
		const struct link *link = list_entry(n, struct link, node_link);
		count += link->state == LINK_LIVE && link_network_find(link, &network->id);
	}
	return count;
}

static void missing_in(struct node *node, const struct network *network,
	void (*each)(void *ctx, const struct node_missing *missing), void *ctx)
{
	const struct roster_member *own = roster_member_by_city(network->roster, &node->city_id);
	struct node_missing missing = {
		.network_id = network->id, .network = network->slug, .linked = links_live(network)};
	if (own && own->status != MEMBER_ACTIVE)
		return;
	bool word = word_missing(node, network);
	if (record_missing(network, own) && (network->guard_set || word)) {
		missing.what = NODE_MISSING_CHARTER;
		missing.network = own ? network->slug : NULL;
		each(ctx, &missing);
		return;
	}
	if (word) {
		missing.what = NODE_MISSING_WORD;
		missing.held = network->holders.count;
		missing.known = holds_needed(node, network);
		each(ctx, &missing);
	}
	for (uint8_t lane = 1; lane <= FEED_LANE_COUNT; lane++) {
		struct lane_wait wait;
		if (!lane_waits(node, network, own ? own->epoch : 0, lane, &wait))
			continue;
		missing.what = NODE_MISSING_ENTRIES;
		missing.lane = lane;
		missing.held = wait.held;
		missing.known = wait.want;
		missing.offered = wait.offered;
		each(ctx, &missing);
	}
}

void node_each_missing(
	struct node *node, void (*each)(void *ctx, const struct node_missing *missing), void *ctx)
{
	for (size_t i = 0; i < node->network_count; i++)
		missing_in(node, node->networks[i], each, ctx);
	list_for_each(&node->guards, n)
	{
		const struct kept_guard *kept = list_entry(n, struct kept_guard, node);
		struct node_missing missing = {
			.what = NODE_MISSING_CHARTER, .network_id = kept->guard.network_id};
		each(ctx, &missing);
	}
}

void node_forgo_word(struct node *node, const struct hash *network_id, struct node_time now)
{
	node->now = now;
	struct network *network = node_network_find(node, network_id);
	if (!network)
		return;
	network->word_forgone = node->publish_due = true;
	struct log_line l;
	log_begin(&l, LOG_LEVEL_WARN, "publishing_forced");
	log_text(&l, "network", network->slug);
	log_text(&l, "reason", "the admin goes on under a new epoch, without what is not here");
	log_end(&l);
	node_flush(node);
}

void hold_check(struct node *node)
{
	if (node->guards_without_network)
		guards_settle(node);
	for (size_t i = 0; i < node->network_count; i++)
		if (node->holds_required)
			node->networks[i]->holds_required = true;
	enum node_publishing state = node_publishing(node, NULL);
	if (state == node->publishing_said)
		return;
	node->publishing_said = state;
	struct log_line l;
	log_begin(&l, state == NODE_PUBLISHING_OPEN ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, "publishing");
	log_text(&l, "state", node->state_text);
	log_end(&l);
	struct node_event event = {
		.type = NODE_EVENT_STATE, .text = node->state_text, .time = node->now.wall};
	node_emit(node, &event);
	node->publish_due = true;
	node_publish_flush(node);
}

/* ---- questions ---- */

static void nonce_remember(struct node *node, const uint8_t *nonce, uint64_t link_id)
{
	if (node->hold_nonces.count >= LIMIT_HOLD_NONCES) {
		struct hold_nonce *oldest = list_entry(
			list_pop_front(&node->hold_nonce_list), struct hold_nonce, node);
		map_remove(&node->hold_nonces, oldest->nonce);
		free(oldest);
	}
	struct hold_nonce *n = calloc(1, sizeof *n);
	if (!n)
		return;
	memcpy(n->nonce, nonce, HOLD_NONCE_BYTES);
	n->link_id = link_id;
	if (map_put(&node->hold_nonces, nonce, n)) {
		free(n);
		return;
	}
	list_push_back(&node->hold_nonce_list, &n->node);
}

static void forward_ask(struct node *node, const struct network *network,
	const struct hash *city_id, const uint8_t *nonce, uint32_t hops, const struct link *from)
{
	list_for_each(&node->links, n)
	{
		struct link *link = list_entry(n, struct link, node_link);
		if (link == from || link->state != LINK_LIVE || !link_network_find(link, &network->id))
			continue;
		message_write_hold_ask(&link->control, &network->id, city_id, nonce, hops);
		link_wake(link);
	}
}

static void ask(struct node *node, struct network *network)
{
	node_random(node, network->hold_nonce, sizeof network->hold_nonce);
	nonce_remember(node, network->hold_nonce, 0);
	forward_ask(node, network, &node->city_id, network->hold_nonce, LIMIT_HOLD_HOPS, NULL);
	network->hold_next = monotime_add_ms(node->now.mono, HOLD_ASK_AGAIN_MS);
}

static bool asking(const struct node *node, const struct network *network)
{
	return network->holds_required && !network->word_forgone &&
		network->holders.count < holds_needed(node, network);
}

void hold_link_live(struct link *link)
{
	for (uint32_t i = 0; i < link->network_count; i++)
		if (asking(link->node, link->networks[i].network))
			ask(link->node, link->networks[i].network);
}

void hold_on_deadline(struct node *node)
{
	for (size_t i = 0; i < node->network_count; i++) {
		if (asking(node, node->networks[i]) &&
			monotime_reached(node->now.mono, node->networks[i]->hold_next))
			ask(node, node->networks[i]);
		claim_on_deadline(node->networks[i]);
	}
}

struct monotime hold_deadline(const struct node *node)
{
	struct monotime due = MONOTIME_NEVER;
	for (size_t i = 0; i < node->network_count && !list_empty(&node->links); i++)
		if (asking(node, node->networks[i]))
			due = monotime_earlier(due, node->networks[i]->hold_next);
	/* Claims about the own feeds that could not be served are judged again when their time is over.
	 */
	if (node->publishing_said == NODE_PUBLISHING_RECOVERING && !list_empty(&node->links))
		due = monotime_earlier(due, monotime_add_ms(node->now.mono, 1000));
	return due;
}

static void answer(
	struct link *link, struct network *network, const struct hash *city_id, const uint8_t *nonce)
{
	struct node *node = link->node;
	const struct roster_member *own = roster_member_by_city(network->roster, &node->city_id);
	if (!own || own->status != MEMBER_ACTIVE || hash_equal(city_id, &node->city_id))
		return;
	struct hold hold = {.network_id = network->id,
		.holder = node->city_id,
		.epoch = own->epoch,
		.subject = *city_id,
		.time = node->now.wall};
	memcpy(hold.nonce, nonce, HOLD_NONCE_BYTES);
	for (uint8_t lane = 1; lane <= FEED_LANE_COUNT; lane++) {
		struct hash feed_id;
		struct feed *feed = feed_id_of(&network->id, city_id, lane, &feed_id)
			? NULL
			: node_feed(node, &feed_id);
		if (feed) {
			freeze_told(feed, &hold.lanes[lane - 1].seq, &hold.lanes[lane - 1].entry_hash);
		}
	}
	uint8_t statement[HOLD_BYTES];
	struct signature signature;
	if (hold_sign(&hold, node->key, statement, &signature) == 0)
		message_write_signed(
			&link->control, MESSAGE_HOLD, bytes_of(statement, sizeof statement), &signature);
	link_wake(link);
}

int hold_on_ask(struct link *link, const struct message *m)
{
	struct node *node = link->node;
	struct link_network *ln = link_network_find(link, &m->hold_ask.network_id);
	if (!ln || map_get(&node->hold_nonces, m->hold_ask.nonce))
		return 0;
	if (!roster_member_by_city(ln->network->roster, &m->hold_ask.city_id))
		return 0;
	/* Too many are passed over: who needs an answer asks again. */
	bool own = hash_equal(&m->hold_ask.city_id, &link->city_id);
	if (own ? !rate_take(&ln->asks_own, node->now.mono, ASKS_OWN_BURST, ASKS_OWN_EVERY_MS)
			: !rate_take(&ln->asks, node->now.mono, ASKS_BURST, ASKS_EVERY_MS))
		return 0;
	nonce_remember(node, m->hold_ask.nonce, link->id);
	answer(link, ln->network, &m->hold_ask.city_id, m->hold_ask.nonce);
	if (m->hold_ask.hops > 0)
		forward_ask(
			node, ln->network, &m->hold_ask.city_id, m->hold_ask.nonce, m->hold_ask.hops - 1, link);
	return 0;
}

static void take_answer(struct node *node, struct network *network, const struct hold *hold)
{
	const struct roster_member *m = roster_member_by_city(network->roster, &hold->holder);
	if (!m || m->status != MEMBER_ACTIVE || !public_key_equal(&m->node_key, &hold->node_key))
		return;
	if (!claim_take(network, hold))
		return;
	struct log_line l;
	log_begin(&l, LOG_LEVEL_INFO, "hold_heard");
	log_text_bytes(&l, "city", m->slug);
	log_uint(&l, "heard", network->holders.count);
	log_uint(&l, "needed", holds_needed(node, network));
	log_end(&l);
	node->publish_due = true;
}

int hold_on_answer(struct link *link, const struct message *m)
{
	struct node *node = link->node;
	struct hold hold;
	if (!rate_take(&link->holds, node->now.mono, HOLDS_BURST, HOLDS_EVERY_MS))
		return 0;
	int code = hold_verify(m->signed_bytes.body, &m->signed_bytes.signature, &hold);
	if (code)
		return link_breach(link, code, code == ERROR_SIGNATURE ? "signature" : "message");
	const struct hold_nonce *nonce = map_get(&node->hold_nonces, hold.nonce);
	struct network *network = node_network_find(node, &hold.network_id);
	if (!nonce || !network)
		return 0;
	if (nonce->link_id == 0) {
		if (hash_equal(&hold.subject, &node->city_id) &&
			memcmp(network->hold_nonce, hold.nonce, HOLD_NONCE_BYTES) == 0)
			take_answer(node, network, &hold);
		return 0;
	}
	struct link *back = node_link_by_id(node, nonce->link_id);
	if (back && back->state == LINK_LIVE && link_network_find(back, &hold.network_id)) {
		message_write_signed(
			&back->control, MESSAGE_HOLD, m->signed_bytes.body, &m->signed_bytes.signature);
		link_wake(back);
	}
	return 0;
}

void hold_link_closed(struct link *link)
{
	(void)link; /* answers for a link that is gone are dropped when they come: links are found by
				   number */
}

void hold_free(struct node *node)
{
	struct list_node *n;
	while ((n = list_pop_front(&node->hold_nonce_list)))
		free(list_entry(n, struct hold_nonce, node));
	map_deinit(&node->hold_nonces);
	while ((n = list_pop_front(&node->guards)))
		free(list_entry(n, struct kept_guard, node));
}
