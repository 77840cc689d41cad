/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/check.h"
#include "proto/node_private.h"

/*
 * Telling: walks over the network's objects and feeds in order of arrival, one for each link, made
 * frame by frame when the socket can take one. First from the peer's cursor to the end, then live:
 * what is committed is appended, and the walk goes on.
 */

void sync_tell_from(struct link *link, struct link_network *ln, uint64_t arrival)
{
	ln->telling = true;
	ln->object_next = NULL;
	ln->feed_next = NULL;
	/* Both lists ascend by arrival: back from the end to the first that is newer. */
	for (struct list_node *n = list_last(&ln->network->charter->objects_by_arrival);
		 n && n != &ln->network->charter->objects_by_arrival.head; n = n->prev) {
		struct object_ref *ref = list_entry(n, struct object_ref, by_arrival);
		if (ref->arrival <= arrival)
			break;
		ln->object_next = ref;
	}
	for (struct list_node *n = list_last(&ln->network->feeds_by_arrival);
		 n && n != &ln->network->feeds_by_arrival.head; n = n->prev) {
		struct feed *feed = list_entry(n, struct feed, by_arrival);
		if (feed->arrival <= arrival)
			break;
		ln->feed_next = feed;
	}
	ln->told_arrival = arrival;
	link_wake(link);
}

int sync_on_range_want(struct link *link, const struct message *m)
{
	struct link_network *ln = link_network_find(link, &m->range_want.network_id);
	if (!ln)
		return 0;
	/* A walk that is not at its end would lose what the filter hides: then all is told. */
	bool joined = ln->telling && ln->filtered;
	bool under_way = ln->telling && !ln->filtered &&
		(!ln->live || ln->object_next || ln->feed_next);
	/* The filter hides nothing that came since the ranges were sent, or since all was told: the
	 * peer knows nothing of it. */
	if (!joined)
		ln->filter_until = ln->telling ? ln->told_arrival : ln->ranges_arrival;
	sync_tell_from(link, ln, 0);
	ln->live = true; /* objects by hash: the peer may have most of them */
	ln->filtered = !under_way;
	for (uint32_t i = 0; i < 32; i++) {
		ln->filter_objects[i] = m->range_want.objects[i] | (joined ? ln->filter_objects[i] : 0);
		ln->filter_feeds[i] = m->range_want.feeds[i] | (joined ? ln->filter_feeds[i] : 0);
	}
	return 0;
}

int sync_on_object_want(struct link *link, const struct message *m)
{
	struct link_network *ln = link_network_find(link, &m->object_want.network_id);
	for (uint32_t i = 0; ln && i < m->object_want.count; i++)
		if (buffer_push(&ln->object_wants, m->object_want.hashes[i].bytes, HASH_SIZE))
			return link_breach(link, ERROR_LIMIT, "limit");
	link_wake(link);
	return 0;
}

static struct object_ref *object_after(const struct network *network, const struct object_ref *ref)
{
	struct list_node *n = list_next(&network->charter->objects_by_arrival, &ref->by_arrival);
	return n ? list_entry(n, struct object_ref, by_arrival) : NULL;
}

static struct feed *feed_after(const struct network *network, const struct feed *feed)
{
	struct list_node *n = list_next(&network->feeds_by_arrival, &feed->by_arrival);
	return n ? list_entry(n, struct feed, by_arrival) : NULL;
}

/* The genesis and the amendments upon it go by number; their rivals like other objects. */
static bool in_chain(const struct network *network, const struct object_ref *ref)
{
	return (ref->type == OBJECT_GENESIS || ref->type == OBJECT_AMENDMENT) &&
		ref->number < network->charter->amendment_count &&
		network->charter->amendments[ref->number] == ref;
}

static bool filter_passes(
	const struct link_network *ln, uint64_t arrival, uint8_t first_byte, const uint8_t bits[32])
{
	return !ln->filtered || arrival > ln->filter_until ||
		bits[first_byte / 8] & 0x80 >> first_byte % 8;
}

/* Not to who announced the same or more; its record has then done its work. */
static bool feed_known(struct link *link, struct feed *feed, uint64_t seq)
{
	struct announced *a = sync_announced(feed, link);
	if (!a || a->seq < seq)
		return false;
	if (a->seq == seq && a->mark == 0)
		sync_announced_free(a);
	return true;
}

static bool produce_announce(
	struct link *link, struct link_network *ln, struct buffer *out, size_t room)
{
	struct message_feed feeds[LIMIT_ANNOUNCE_ITEMS];
	struct hash objects[LIMIT_ANNOUNCE_ITEMS];
	uint32_t feed_count = 0, object_count = 0;
	size_t left = room > 128 ? room - 128 : 0;
	while (ln->live && ln->object_next && object_count < LIMIT_ANNOUNCE_ITEMS && left >= 34) {
		struct object_ref *ref = ln->object_next;
		ln->object_next = object_after(ln->network, ref);
		if (in_chain(ln->network, ref) ||
			!filter_passes(ln, ref->arrival, ref->object_hash.bytes[0], ln->filter_objects))
			continue;
		objects[object_count++] = ref->object_hash;
		left -= 34;
	}
	while (!ln->object_next && ln->feed_next && feed_count < LIMIT_ANNOUNCE_ITEMS && left >= 78) {
		struct feed *feed = ln->feed_next;
		ln->feed_next = feed_after(ln->network, feed);
		struct message_feed *to = &feeds[feed_count];
		if (!filter_passes(ln, feed->arrival, feed->feed_id.bytes[0], ln->filter_feeds) ||
			!freeze_told(feed, &to->seq, &to->entry_hash) || feed_known(link, feed, to->seq))
			continue;
		to->feed_id = feed->feed_id;
		feed_count++;
		left -= 78;
	}
	bool end = !ln->object_next && !ln->feed_next;
	const struct store_arrival *newest = &link->node->newest;
	if (end && feed_count == 0 && object_count == 0 && ln->told_arrival == newest->arrival &&
		ln->live)
		return false;
	message_write_announce(out, &ln->network->id, feeds, feed_count, objects, object_count,
		end ? &newest->arrival : NULL, newest->rolling);
	if (end) {
		ln->told_arrival = newest->arrival;
		ln->filtered = false;
		ln->live = true;
	}
	return true;
}

/* The charter first: without it the peer can judge nothing else. */
static bool produce_amendment(struct link_network *ln, struct buffer *out)
{
	const struct network *network = ln->network;
	if (!ln->named || ln->amendment_next >= network->charter->amendment_count)
		return false;
	const struct object_ref *ref = network->charter->amendments[ln->amendment_next];
	if (!ref || !ref->arrival)
		return false;
	message_write_object(out, &network->id, blob_bytes(ref->wire));
	ln->amendment_next++;
	return true;
}

static bool produce_wanted(struct link_network *ln, struct buffer *out)
{
	struct hash hash;
	if (ln->object_wants.len == 0)
		return false;
	memcpy(hash.bytes, ln->object_wants.data, HASH_SIZE);
	buffer_consume(&ln->object_wants, HASH_SIZE);
	if (ln->object_wants.len == 0)
		buffer_shrink(&ln->object_wants, 0);
	const struct object_ref *ref = node_object_find(ln->network, &hash);
	if (ref && ref->arrival)
		message_write_object(out, &ln->network->id, blob_bytes(ref->wire));
	else
		message_write_object_gone(out, &ln->network->id, &hash, 1);
	return true;
}

void sync_pushed(struct link_network *ln, const struct object_ref *ref)
{
	if (in_chain(ln->network, ref) && ref->number == ln->amendment_next)
		ln->amendment_next++;
}

bool sync_produce(struct link *link, struct buffer *out, size_t room)
{
	for (uint32_t i = 0; i < link->network_count; i++) {
		struct link_network *ln = &link->networks[i];
		if (produce_amendment(ln, out) || produce_wanted(ln, out))
			return true;
		if (!ln->telling)
			continue;
		while (!ln->live && ln->object_next) {
			struct object_ref *ref = ln->object_next;
			ln->object_next = object_after(ln->network, ref);
			if (in_chain(ln->network, ref))
				continue;
			message_write_object(out, &ln->network->id, blob_bytes(ref->wire));
			return true;
		}
		bool waiting = ln->live && !ln->filtered && link->node->announce_due;
		if (!waiting && ln->told_arrival != link->node->newest.arrival && room >= 256 &&
			produce_announce(link, ln, out, room))
			return true;
	}
	return false;
}

void sync_announce_all(struct node *node)
{
	node->announce_due = false;
	list_for_each(&node->links, n)
	{
		struct link *link = list_entry(n, struct link, node_link);
		struct commit *commit = NULL;
		for (uint32_t i = 0; i < link->network_count; i++)
			if (link->networks[i].cursor_dirty &&
				monotime_reached(node->now.mono, node->cursor_save_at))
				commit = sync_save_cursor(link, &link->networks[i], commit);
		if (commit)
			node_commit(node, commit);
		if (link->state == LINK_LIVE)
			link_wake(link);
	}
	if (monotime_reached(node->now.mono, node->cursor_save_at))
		node->cursor_save_at = monotime_add_ms(node->now.mono, 1000);
}

void sync_announce_soon(struct node *node)
{
	if (node->announce_due)
		return;
	node->announce_due = true;
	node->announce_at = monotime_add_ms(node->now.mono, LIMIT_ANNOUNCE_BATCH_MS);
}

void sync_skip_feed(struct feed *feed)
{
	list_for_each(&feed->network->node->links, n)
	{
		struct link *link = list_entry(n, struct link, node_link);
		struct link_network *ln = link_network_find(link, &feed->network->id);
		if (ln && ln->feed_next == feed)
			ln->feed_next = feed_after(feed->network, feed);
	}
}

void sync_skip_object(struct network *network, struct object_ref *ref)
{
	list_for_each(&network->node->links, n)
	{
		struct link *link = list_entry(n, struct link, node_link);
		struct link_network *ln = link_network_find(link, &network->id);
		if (ln && ln->object_next == ref)
			ln->object_next = object_after(network, ref);
	}
}

void sync_feed_appended(struct feed *feed)
{
	list_for_each(&feed->network->node->links, n)
	{
		struct link *link = list_entry(n, struct link, node_link);
		struct link_network *ln = link_network_find(link, &feed->network->id);
		if (ln && ln->telling && !ln->feed_next)
			ln->feed_next = feed;
	}
	sync_announce_soon(feed->network->node);
}

void sync_object_appended(struct network *network, struct object_ref *ref)
{
	list_for_each(&network->node->links, n)
	{
		struct link *link = list_entry(n, struct link, node_link);
		struct link_network *ln = link_network_find(link, &network->id);
		if (ln && ln->telling && !ln->object_next)
			ln->object_next = ref;
	}
	sync_announce_soon(network->node);
}
