/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/beacons.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "feed/beacon.h"
#include "proto/node_private.h"
#include "record/kind.h"

/* The beacons that are kept, and this city's own. */

/* A city signs one a minute at most; a burst for its restarts. */
#define TAKE_BURST 4u
#define TAKE_EVERY_MS 30000
/* The hour is never passed by the jitter. */
#define EVERY_JITTER_MS 300000
/* What all see at once (an amendment, an alert that asks for receipts) is said over a minute for
 * each thousand members, so that their beacons do not all travel together. */
#define SPREAD_MS_A_MEMBER 60
#define SPREAD_MIN_MS 5000
/* Beacons go to the store together: what a crash loses of them is told again by the peers. */
#define SAVE_EVERY_MS 300000
#define SAVE_MAX 256u

void beacons_init(struct network *network)
{
	struct beacons *b = &network->beacons;
	map_init(&b->by_city, BEACON_CITY_BYTES, network->node->map_seed);
	map_init(&b->cursors, HASH_SIZE, network->node->map_seed);
	list_init(&b->by_order);
	b->begun = network->node->now.wall;
	b->own_at = monotime_add_ms(network->node->now.mono, 1000);
	beacons_soon(network->node, b->own_at);
}

void beacons_free(struct network *network)
{
	struct beacons *b = &network->beacons;
	struct list_node *n;
	while ((n = list_pop_front(&b->by_order))) {
		struct kept_beacon *kept = list_entry(n, struct kept_beacon, by_order);
		blob_free(kept->frame);
		free(kept);
	}
	map_deinit(&b->by_city);
	size_t position = 0;
	void *value;
	while (map_next(&b->cursors, &position, NULL, &value))
		free(value);
	map_deinit(&b->cursors);
}

struct kept_beacon *beacons_find(const struct network *network, const uint8_t *city)
{
	return map_get(&network->beacons.by_city, city);
}

void beacons_soon(struct node *node, struct monotime at)
{
	if (!node->config.no_beacons)
		node->beacons_at = monotime_earlier(node->beacons_at, at);
}

static int64_t jitter(struct node *node, int64_t below_ms)
{
	uint32_t random;
	node_random(node, &random, sizeof random);
	return below_ms > 0 ? (int64_t)(random % (uint64_t)below_ms) : 0;
}

/* Nothing of a later time is taken: by the own clock, or by the peers' where that is ahead. */
static struct timestamp horizon(const struct node *node)
{
	int64_t offset;
	struct timestamp now = node->now.wall;
	if (node_clock_offset(node, &offset) && offset < 0)
		now = timestamp_add_ms(now, -offset);
	return timestamp_add_ms(now, LIMIT_BEACON_AHEAD_MS);
}

bool beacons_newer(
	const struct network *network, const uint8_t *city, uint32_t epoch, struct timestamp time)
{
	const struct kept_beacon *kept = beacons_find(network, city);
	struct timestamp latest = horizon(network->node);
	if (timestamp_before(latest, time))
		return false;
	if (!kept || epoch != kept->epoch)
		return !kept || epoch > kept->epoch;
	/* One that a wrong clock let in blocks none of those that the city signs now. */
	return timestamp_before(kept->time, time) || timestamp_before(latest, kept->time);
}

/* ---- kept ---- */

static struct kept_beacon *kept_of(struct network *network, const struct hash *city_id)
{
	struct beacons *b = &network->beacons;
	struct kept_beacon *kept = map_get(&b->by_city, city_id->bytes);
	if (kept)
		return hash_equal(&kept->city_id, city_id) ? kept : NULL;
	kept = calloc(1, sizeof *kept);
	if (!kept || map_put(&b->by_city, city_id->bytes, kept)) {
		free(kept);
		return NULL;
	}
	kept->network = network;
	kept->city_id = *city_id;
	list_push_back(&b->by_order, &kept->by_order);
	return kept;
}

static bool lane_says(const struct beacon_lane *lane, const struct beacon_head *head)
{
	return lane->seq == head->seq && hash_equal(&lane->entry_hash, &head->entry_hash);
}

static void lanes_set(struct kept_beacon *kept, const struct beacon *beacon)
{
	struct beacon_lane lanes[FEED_LANE_COUNT] = {0};
	for (size_t i = 0; i < beacon->head_count; i++) {
		const struct beacon_head *head = &beacon->heads[i];
		if (head->lane > FEED_LANE_COUNT)
			continue;
		const struct beacon_lane *former = &kept->lanes[head->lane - 1];
		struct beacon_lane *lane = &lanes[head->lane - 1];
		/* Ahead of what is held here, under one beacon and the next: since the first. */
		lane->ahead_since = former->ahead_since;
		lane->moved = former->moved;
		lane->said = former->said;
		if (lane_says(former, head))
			*lane = *former;
		lane->seq = head->seq;
		lane->entry_hash = head->entry_hash;
	}
	memcpy(kept->lanes, lanes, sizeof lanes);
}

/* ---- held against what is here ---- */

/* The entry that the city's beacon names, against the one that it is here. */
static void lane_contradicted(struct kept_beacon *kept, struct beacon_lane *lane, struct feed *feed)
{
	struct node *node = kept->network->node;
	struct hash here = feed->durable_hash;
	lane->judged = true;
	if (lane->seq != feed->durable_seq &&
		store_entry_hash(node->config.store, &feed->feed_id, lane->seq, &here))
		return;
	if (hash_equal(&here, &lane->entry_hash) || fork_explained(feed, lane->seq))
		return;
	const struct roster_member *m = roster_member_by_city(kept->network->roster, &kept->city_id);
	struct log_line l;
	log_begin(&l, LOG_LEVEL_WARN, "beacon_contradicts");
	log_text_bytes(&l, "city", m ? m->slug : bytes_of(NULL, 0));
	log_text(&l, "feed", lane_name(feed->lane));
	log_uint(&l, "seq", lane->seq);
	log_text(&l, "reason", "the city's beacon names another entry than the one held here");
	log_end(&l);
	struct link *link = node_link_by_id(node, kept->link_id);
	if (link && link->state == LINK_LIVE)
		fork_suspect(link, feed, lane->seq);
}

static void lane_judge(struct kept_beacon *kept, uint8_t number, bool moved)
{
	struct hash feed_id;
	struct node *node = kept->network->node;
	struct beacon_lane *lane = &kept->lanes[number - 1];
	struct feed *feed = feed_id_of(&kept->network->id, &kept->city_id, number, &feed_id)
		? NULL
		: map_get(&node->feeds, &feed_id);
	uint64_t held = feed ? feed->durable_seq : 0;
	if (lane->seq == 0 || held >= lane->seq) {
		lane->ahead_since = (struct timestamp){0};
		lane->said = false;
		if (lane->seq && !lane->judged)
			lane_contradicted(kept, lane, feed);
		return;
	}
	if (!lane->ahead_since.ms || moved)
		lane->moved = node->now.wall;
	if (!lane->ahead_since.ms)
		lane->ahead_since = node->now.wall;
}

static void judge(struct kept_beacon *kept)
{
	struct network *network = kept->network;
	struct beacons *b = &network->beacons;
	for (uint8_t lane = 1; lane <= FEED_LANE_COUNT; lane++)
		lane_judge(kept, lane, false);
	if (kept->amendment_number <= roster_number(network->roster))
		return;
	if (b->charter_ahead <= roster_number(network->roster))
		b->charter_ahead_since = network->node->now.wall;
	if (kept->amendment_number > b->charter_ahead)
		b->charter_ahead = kept->amendment_number;
}

/* Once for each time. */
static void withheld_say(struct node *node, struct kept_beacon *kept)
{
	const struct roster_member *m = roster_member_by_city(kept->network->roster, &kept->city_id);
	for (uint8_t lane = 1; m && lane <= FEED_LANE_COUNT; lane++) {
		struct beacon_lane *named = &kept->lanes[lane - 1];
		if (named->said || !reach_lane_withheld(node, named))
			continue;
		named->said = true;
		struct log_line l;
		log_begin(&l, LOG_LEVEL_WARN, "withheld");
		log_text(&l, "network", kept->network->slug);
		log_text_bytes(&l, "city", m->slug);
		log_text(&l, "feed", lane_name(lane));
		log_uint(&l, "seq", named->seq);
		log_text(&l, "reason", "the city's beacon names entries that nobody gives us");
		log_end(&l);
	}
}

static int keep(struct network *network, const struct beacon *beacon, struct blob *frame,
	const struct hash *via, uint64_t link_id)
{
	struct beacons *b = &network->beacons;
	struct kept_beacon *kept = kept_of(network, &beacon->city_id);
	if (!kept)
		return ERROR_MEMORY;
	blob_free(kept->frame);
	kept->frame = blob_ref(frame);
	kept->epoch = beacon->epoch;
	kept->time = beacon->time;
	kept->amendment_number = beacon->amendment_number;
	kept->via = *via;
	kept->link_id = link_id;
	kept->dirty = true;
	lanes_set(kept, beacon);
	list_remove(&kept->by_order);
	list_push_back(&b->by_order, &kept->by_order);
	kept->order = ++b->newest;
	judge(kept);
	return 0;
}

/* What the roster says of who signed it. */
static int rules_of(
	const struct network *network, const struct beacon *beacon, const struct roster_member **member)
{
	const struct roster_member *m = roster_member_by_city(network->roster, &beacon->city_id);
	*member = m;
	if (!m || m->status != MEMBER_ACTIVE)
		return ERROR_NOT_MEMBER;
	if (beacon->epoch > m->epoch || m->awaits_record || m->is_void)
		return ERROR_EPOCH_UNKNOWN;
	return beacon->epoch < m->epoch ? ERROR_EXISTS : 0;
}

static bool rate_allows(struct network *network, const struct hash *city_id)
{
	struct kept_beacon *kept = beacons_find(network, city_id->bytes);
	if (!kept)
		return true;
	return rate_take(&kept->rate, network->node->now.mono, TAKE_BURST, TAKE_EVERY_MS);
}

static struct blob *frame_of(struct bytes body, const struct signature *signature)
{
	struct buffer b;
	buffer_init(&b, LIMIT_FRAME_BYTES);
	message_write_signed(&b, MESSAGE_BEACON, body, signature);
	struct blob *frame = b.error ? NULL : blob_copy(buffer_bytes(&b));
	buffer_deinit(&b);
	return frame;
}

static int decode(struct bytes body, struct beacon_held *held, struct beacon *out)
{
	return body.len > LIMIT_BEACON_BODY_BYTES ? ERROR_SIZE
											  : beacon_decode(body, held, BEACON_HELD_MAX, out);
}

static int take(struct node *node, const struct beacon *beacon, struct bytes body,
	const struct signature *signature, struct link *link)
{
	const struct roster_member *m;
	struct network *network = node_network_find(node, &beacon->network_id);
	if (!network || (link && !link_network_find(link, &network->id)))
		return ERROR_NOT_MEMBER;
	if (hash_equal(&beacon->city_id, &node->city_id) && link)
		return ERROR_EXISTS; /* this node's own, from an earlier life at most */
	int code = rules_of(network, beacon, &m);
	if (code)
		return code;
	if (timestamp_before(horizon(node), beacon->time))
		return ERROR_RANGE;
	if (!beacons_newer(network, beacon->city_id.bytes, beacon->epoch, beacon->time))
		return ERROR_EXISTS;
	code = beacon_verify(&m->node_key, body, signature);
	if (code)
		return code;
	if (link && !rate_allows(network, &beacon->city_id))
		return ERROR_LIMIT;
	struct blob *frame = frame_of(body, signature);
	code = frame
		? keep(network, beacon, frame, link ? &link->city_id : &node->city_id, link ? link->id : 0)
		: ERROR_MEMORY;
	blob_free(frame);
	if (code == 0)
		beacons_find(network, beacon->city_id.bytes)->came = node->now.wall;
	return code;
}

int beacons_take(struct link *link, struct bytes body, const struct signature *signature)
{
	static _Thread_local struct beacon_held held[BEACON_HELD_MAX];
	struct beacon beacon;
	struct node *node = link->node;
	int code = decode(body, held, &beacon);
	if (code == 0)
		code = take(node, &beacon, body, signature, link);
	if (code == 0)
		beacons_soon(node, monotime_add_ms(node->now.mono, LIMIT_BEACON_BATCH_MS));
	return code;
}

/* ---- the own one ---- */

static int64_t spread_ms(const struct network *network)
{
	int64_t ms = (int64_t)roster_active_count(network->roster) * SPREAD_MS_A_MEMBER;
	return ms > SPREAD_MIN_MS ? ms : SPREAD_MIN_MS;
}

void beacons_changed(struct network *network, bool own)
{
	struct node *node = network->node;
	struct beacons *b = &network->beacons;
	if (node->config.no_beacons)
		return;
	struct monotime at = node->now.mono;
	if (!own)
		at = monotime_add_ms(at, jitter(node, spread_ms(network)));
	struct monotime allowed = monotime_add_ms(b->own_signed, LIMIT_BEACON_CHANGED_MS);
	if (b->own_begun && monotime_before(at, allowed))
		at = allowed;
	if (!monotime_before(at, b->own_at))
		return;
	b->own_at = at;
	beacons_soon(node, at);
}

static void heads_fill(const struct network *network, struct beacon *beacon)
{
	for (uint8_t lane = 1; lane <= FEED_LANE_COUNT; lane++) {
		const struct feed *feed = network->own_feeds[lane - 1];
		if (!feed || feed->durable_seq == 0)
			continue;
		beacon->heads[beacon->head_count++] = (struct beacon_head){
			.lane = lane, .seq = feed->durable_seq, .entry_hash = feed->durable_hash};
	}
}

static void held_fill(const struct network *network, struct beacon *beacon)
{
	const struct beacons *b = &network->beacons;
	for (uint32_t i = 0; i < b->receipt_count; i++) {
		const struct feed *feed = map_get(&network->node->feeds, &b->receipts[i]);
		if (feed && feed->durable_seq > 0)
			beacon->held[beacon->held_count++] = (struct beacon_held){
				.feed_id = feed->feed_id, .seq = feed->durable_seq};
	}
}

/* Never before the last own one, unless a wrong clock signed that in the far future. */
static struct timestamp time_of(const struct network *network, uint32_t epoch)
{
	struct timestamp now = network->node->now.wall;
	const struct kept_beacon *last = beacons_find(network, network->node->city_id.bytes);
	if (!last || last->epoch != epoch || timestamp_before(last->time, now) ||
		timestamp_before(timestamp_add_ms(now, LIMIT_BEACON_AHEAD_MS), last->time))
		return now;
	return timestamp_add_ms(last->time, 1);
}

static void save(struct network *network, struct commit **commit, struct kept_beacon *kept)
{
	if (!*commit)
		*commit = commit_new(COMMIT_BULK);
	struct commit_op *op = *commit ? commit_add(*commit, COMMIT_BEACON) : NULL;
	if (!op)
		return;
	op->network_id = network->id;
	op->city_id = kept->city_id;
	op->source_city = kept->via;
	op->arrived = kept->came;
	op->blob = blob_ref(kept->frame);
	(*commit)->bytes += kept->frame->len;
	kept->dirty = false;
}

static bool may_sign(const struct network *network, const struct roster_member *own)
{
	struct node *node = network->node;
	return own && own->status == MEMBER_ACTIVE && !own->awaits_record && !own->is_void &&
		public_key_equal(&own->node_key, &node->public_key) && !node->paused &&
		node_publishing(node, NULL) == NODE_PUBLISHING_OPEN;
}

static int sign(struct network *network, const struct roster_member *own)
{
	struct beacon_held held[LIMIT_BEACON_HELD];
	struct node *node = network->node;
	struct beacon beacon = {.network_id = network->id,
		.city_id = node->city_id,
		.epoch = own->epoch,
		.time = time_of(network, own->epoch),
		.amendment_number = roster_number(network->roster),
		.held = held};
	struct hash none = {0};
	heads_fill(network, &beacon);
	held_fill(network, &beacon);
	struct buffer body;
	struct signature signature;
	buffer_init(&body, LIMIT_BEACON_BODY_BYTES);
	int code = beacon_encode(&body, &beacon);
	if (code == 0)
		code = beacon_sign(node->key, buffer_bytes(&body), &signature);
	struct blob *frame = code ? NULL : frame_of(buffer_bytes(&body), &signature);
	if (code == 0)
		code = frame ? keep(network, &beacon, frame, &none, 0) : ERROR_MEMORY;
	blob_free(frame);
	buffer_deinit(&body);
	return code;
}

static void own_on_deadline(struct network *network)
{
	struct node *node = network->node;
	struct beacons *b = &network->beacons;
	if (!monotime_reached(node->now.mono, b->own_at))
		return;
	const struct roster_member *own = roster_member_by_city(network->roster, &node->city_id);
	/* While it may not be signed it is looked at again: the peers see that it is overdue. */
	b->own_at = monotime_add_ms(node->now.mono, LIMIT_BEACON_CHANGED_MS);
	if (!may_sign(network, own) || sign(network, own))
		return;
	b->own_at = monotime_add_ms(
		node->now.mono, LIMIT_BEACON_EVERY_MS - jitter(node, EVERY_JITTER_MS));
	b->own_signed = node->now.mono;
	b->own_begun = true;
	struct kept_beacon *kept = beacons_find(network, node->city_id.bytes);
	struct commit *commit = NULL;
	kept->came = node->now.wall;
	save(network, &commit, kept);
	if (commit)
		node_commit(node, commit);
}

static void save_all(struct node *node)
{
	struct commit *commit = NULL;
	uint32_t count = 0;
	for (size_t i = 0; i < node->network_count; i++)
		list_for_each(&node->networks[i]->beacons.by_order, n)
		{
			struct kept_beacon *kept = list_entry(n, struct kept_beacon, by_order);
			withheld_say(node, kept);
			if (!kept->dirty || count == SAVE_MAX)
				continue;
			save(node->networks[i], &commit, kept);
			count++;
		}
	if (commit)
		node_commit(node, commit);
	node->beacons_save_at = monotime_add_ms(
		node->now.mono, count == SAVE_MAX ? LIMIT_BEACON_BATCH_MS : SAVE_EVERY_MS);
}

void beacons_on_deadline(struct node *node)
{
	if (!monotime_reached(node->now.mono, node->beacons_at))
		return;
	node->beacons_at = MONOTIME_NEVER;
	if (node->stopped)
		return;
	for (size_t i = 0; i < node->network_count; i++) {
		own_on_deadline(node->networks[i]);
		beacons_soon(node, node->networks[i]->beacons.own_at);
	}
	if (monotime_reached(node->now.mono, node->beacons_save_at))
		save_all(node);
	if (node->network_count > 0)
		beacons_soon(node, node->beacons_save_at);
	beacons_tell(node);
}

/* ---- what was asked to be held ---- */

static int receipt_position(const struct beacons *b, const struct hash *feed_id, bool *found)
{
	uint32_t at = 0;
	while (at < b->receipt_count && hash_compare(&b->receipts[at], feed_id) < 0)
		at++;
	*found = at < b->receipt_count && hash_equal(&b->receipts[at], feed_id);
	return (int)at;
}

static void receipts_add(struct network *network, const struct hash *feed_id)
{
	struct beacons *b = &network->beacons;
	bool found;
	int at = receipt_position(b, feed_id, &found);
	if (found || b->receipt_count == LIMIT_BEACON_HELD)
		return;
	memmove(&b->receipts[at + 1], &b->receipts[at],
		(b->receipt_count - (uint32_t)at) * sizeof b->receipts[0]);
	b->receipts[at] = *feed_id;
	b->receipt_count++;
}

void beacons_receipts(struct feed *feed)
{
	if (feed->lane == FEED_LANE_ALERT && !feed->own)
		receipts_add(feed->network, &feed->feed_id);
}

void beacons_committed(struct feed *feed)
{
	bool found;
	struct kept_beacon *kept = beacons_find(feed->network, feed->city_id.bytes);
	if (kept && !feed->own && hash_equal(&kept->city_id, &feed->city_id))
		lane_judge(kept, feed->lane, true);
	receipt_position(&feed->network->beacons, &feed->feed_id, &found);
	if (feed->own || found)
		beacons_changed(feed->network, feed->own);
}

/* ---- from the store ---- */

static int load_one(void *ctx, const struct store_beacon *stored)
{
	static _Thread_local struct beacon_held held[BEACON_HELD_MAX];
	struct node *node = ctx;
	struct message *m = &node->message;
	struct beacon beacon;
	struct network *network = node_network_find(node, &stored->network_id);
	if (!network || stored->frame.len <= 4 ||
		message_decode(bytes_slice(stored->frame, 4, SIZE_MAX), m) || m->type != MESSAGE_BEACON ||
		decode(m->signed_bytes.body, held, &beacon))
		return 0; /* what cannot be read is told again */
	struct blob *frame = blob_copy(stored->frame);
	int code = frame ? keep(network, &beacon, frame, &stored->source_city, 0) : ERROR_MEMORY;
	blob_free(frame);
	if (code)
		return code == ERROR_MEMORY ? code : 0;
	struct kept_beacon *kept = beacons_find(network, beacon.city_id.bytes);
	kept->came = stored->came;
	kept->dirty = false;
	if (hash_equal(&beacon.city_id, &node->city_id))
		for (size_t i = 0; i < beacon.held_count; i++)
			receipts_add(network, &beacon.held[i].feed_id);
	return 0;
}

int beacons_load(struct node *node)
{
	node->beacons_save_at = monotime_add_ms(node->now.mono, SAVE_EVERY_MS);
	return node->config.no_beacons ? 0 : store_each_beacon(node->config.store, load_one, node);
}
