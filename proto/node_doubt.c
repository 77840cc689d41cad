/* SPDX-License-Identifier: Apache-2.0 */
#include "feed/entry.h"
#include "proto/node_private.h"
#include "record/header.h"

/*
 * What a relay could do to a run that its chain and its head's signature alone do not show: name an
 * epoch that nobody knows, begin behind what was asked for, give another prev, leave bodies out as
 * if they had been purged.
 */

#define DAY_MS INT64_C(86400000)
/* Within it an amendment reaches a peer over a live link. */
#define CONFIRM_LAG_MS 30000
/* Expired alerts and calls may be purged from then on (DESIGN.md, section 4). */
#define PURGE_AFTER_EXPIRY_MS (90 * DAY_MS)

/* What cannot be judged for want of an epoch or a cut was at least signed by the key that it names:
 * else it was altered on its way. */
int doubt_head(const struct head *head, uint32_t flags, int code)
{
	if ((code != ERROR_EPOCH_UNKNOWN && code != ERROR_CUT) || flags & RUN_FLAG_CUT)
		return code;
	int verdict = head_verify(head);
	return verdict ? verdict : code;
}

/* A server that takes this city for unconfirmed leaves out what is older than its admission, and
 * brings the hash before what it gives. That this city was confirmed meanwhile may have to reach it
 * first. */
static bool may_begin_later(
	const struct link *link, const struct feed *feed, const struct hash *prev)
{
	const struct network *network = feed->network;
	const struct link_network *ln = link_network_find(link, &network->id);
	const struct roster_member *own = roster_member_by_city(
		network->roster, &network->node->city_id);
	if (!prev || !ln || !own)
		return false;
	if (!own->confirmed || own->confirmed_number == own->admitted_number)
		return !own->confirmed;
	struct monotime since = network->confirmed_at;
	if (monotime_before(since, link->opened))
		since = link->opened;
	return ln->hello_number < own->confirmed_number &&
		!monotime_reached(network->node->now.mono, monotime_add_ms(since, CONFIRM_LAG_MS));
}

/* The runs of one pull follow on each other, from the seq that was asked for. After a pull was
 * given up two may be under way at once, until both are over: then nothing can be said. */
bool doubt_order(const struct link *link, struct feed *feed, uint64_t first_seq,
	const struct hash *prev, uint64_t head_seq)
{
	if (feed->pull_link != link || link->gave_up)
		return false;
	uint64_t expected = feed->pull_expected;
	bool first = expected == feed->pull_progress_seq + 1;
	feed->pull_expected = head_seq + 1;
	return first_seq != expected &&
		!(first && first_seq > expected && may_begin_later(link, feed, prev));
}

int doubt_prev(struct node *node, struct link *link, struct feed *feed,
	const struct run_rules *rules, const struct head *head, const struct hash *prev,
	const struct blob *blob)
{
	struct run_entry entry;
	if (feed->lane != FEED_LANE_ALERT || !prev || head->seq != feed->tip.seq + 1 ||
		hash_equal(prev, &feed->tip.entry_hash))
		return 0;
	int code = run_verify_alert(
		&node->hasher, rules, &feed->feed_id, head->seq, prev, head, blob_bytes(blob), &entry);
	if (code)
		return code;
	/* The origin has signed it: no fault of who passes it on. */
	struct message_feed other = {feed->feed_id, feed->tip.seq, *prev};
	node_feed_contradicted(node, link, feed, &other);
	freeze_give_way(feed);
	return ERROR_STATE;
}

int doubt_chain(struct link *link, struct feed *feed, const struct feed_tip *tip,
	const struct run_rules *rules, uint64_t first_seq, const struct head *head,
	const struct hash *said_prev, const struct blob *blob, int code)
{
	struct node *node = feed->network->node;
	struct feed_tip at, after;
	if ((code != ERROR_CHAIN && code != ERROR_CHECKPOINT) || !said_prev || tip->seq == 0 ||
		first_seq != tip->seq + 1 || hash_equal(said_prev, &tip->entry_hash) || rules->by_cut ||
		feed->lane == FEED_LANE_ALERT)
		return code;
	feed_tip_init(&at, &feed->feed_id);
	feed_tip_begin(&at, rules->epoch, tip->seq, said_prev);
	int verdict = run_verify(
		&node->hasher, rules, &at, first_seq, head, blob_bytes(blob), &node->index, &after);
	if (verdict)
		return code;
	struct message_feed other = {feed->feed_id, tip->seq, *said_prev};
	node_feed_contradicted(node, link, feed, &other);
	if (tip == &feed->tip)
		freeze_give_way(feed);
	return ERROR_STATE;
}

void doubt_held(struct link *link, struct feed *feed, const struct run_rules *rules,
	const struct head *head, const struct hash *said_prev, const struct blob *blob)
{
	struct node *node = feed->network->node;
	struct run_entry entry;
	if (feed->lane != FEED_LANE_ALERT || !said_prev || head->seq != feed->tip.seq ||
		hash_equal(&head->entry_hash, &feed->tip.entry_hash) ||
		run_verify_alert(&node->hasher, rules, &feed->feed_id, head->seq, said_prev, head,
			blob_bytes(blob), &entry))
		return;
	struct message_feed other = {feed->feed_id, head->seq, head->entry_hash};
	node_feed_contradicted(node, link, feed, &other);
}

void doubt_gap(struct node *node, struct feed *feed, const struct gap *gap)
{
	uint64_t tip = feed->tip.seq;
	const struct hash *hash = gap->seq == tip ? &gap->entry_hash : &gap->prev;
	if (tip == 0 || (gap->seq != tip && gap->seq != tip + 1) ||
		hash_equal(hash, &feed->tip.entry_hash))
		return;
	struct message_feed other = {feed->feed_id, tip, *hash};
	list_for_each(&node->links, n)
	{
		struct link *link = list_entry(n, struct link, node_link);
		if (link->state != LINK_LIVE || !hash_equal(&link->city_id, &gap->source_city))
			continue;
		node_feed_contradicted(node, link, feed, &other);
		return;
	}
}

static bool purge_is_due(const struct feed *feed, struct bytes header)
{
	struct header h;
	if ((feed->lane != FEED_LANE_ALERT && feed->lane != FEED_LANE_CALL) ||
		header_decode(header, &h) || h.expiry_ms == 0)
		return false;
	int64_t now = feed->network->node->now.wall.ms;
	return now > PURGE_AFTER_EXPIRY_MS && h.expiry_ms < (uint64_t)(now - PURGE_AFTER_EXPIRY_MS);
}

bool doubt_purged(const struct feed *feed, struct bytes entries)
{
	/* The prefixes alone: what is not well formed is run_verify's. */
	for (size_t at = 0; at + ENTRY_PREFIX_BYTES <= entries.len;) {
		const uint8_t *p = entries.data + at;
		size_t header = (size_t)p[1] << 8 | p[2];
		size_t body = (size_t)p[3] << 16 | (size_t)p[4] << 8 | p[5];
		if (p[0] != ENTRY_FORM_PURGED) {
			at += ENTRY_PREFIX_BYTES + ENTRY_SALT_BYTES + header + body;
			continue;
		}
		at += ENTRY_PREFIX_BYTES + HASH_SIZE;
		if (!purge_is_due(feed, bytes_slice(entries, at, header)))
			return true;
		at += header;
	}
	return false;
}
