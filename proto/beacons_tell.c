/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/beacons.h"

#include <stdlib.h>
#include <string.h>

#include "proto/node_private.h"

/*
 * Beacons between two nodes. A side says up to which of the other's it has judged, and which of
 * those it lacks (BEACON_WANT); it is sent them, then what came behind (BEACON_OFFER), one offer at
 * a time: who is offered too much answers later.
 */

/* A link-up is over first. */
#define FIRST_MS 1000
/* Each beacon asked for costs a verification. */
#define WANT_BURST 1024u
#define WANT_EVERY_MS 10
#define PUT_OFF_MS 5000
/* After a beacon whose signature is not right. */
#define PUT_OFF_BAD_MS 60000
/* Of the beacons that answer one want; what has grown meanwhile is offered again. */
#define ANSWER_BYTES_MAX 131072u
/* Of those that are offered together: at 2 Mbit/s a tenth of a second. */
#define OFFER_BYTES_MAX 24576u

static bool is_live(const struct link *link)
{
	return link->state == LINK_LIVE;
}

static bool behind(const struct link_network *ln)
{
	return ln->beacons.may_offer && ln->network->beacons.newest > ln->beacons.told;
}

static void want(struct link *link, struct link_network *ln, uint8_t (*cities)[BEACON_CITY_BYTES],
	uint32_t count)
{
	struct beacon_link *b = &ln->beacons;
	b->asked = true;
	b->again = false;
	b->awaited = count;
	message_write_beacon_want(&link->control, &ln->network->id, b->number, cities, count);
	link_wake(link);
}

void beacons_link_live(struct link *link)
{
	struct node *node = link->node;
	if (node->config.no_beacons)
		return;
	for (uint32_t i = 0; i < link->network_count; i++) {
		struct link_network *ln = &link->networks[i];
		if (!ln->named || ln->beacons.asked || ln->beacons.again)
			continue;
		const struct beacon_cursor *cursor = map_get(&ln->network->beacons.cursors, &link->city_id);
		if (cursor && memcmp(cursor->instance, link->instance, INSTANCE_BYTES) == 0)
			ln->beacons.number = cursor->number;
		ln->beacons.again = true;
		ln->beacons.ask_at = monotime_add_ms(node->now.mono, FIRST_MS);
		beacons_soon(node, ln->beacons.ask_at);
	}
}

void beacons_link_closed(struct link *link)
{
	for (uint32_t i = 0; i < link->network_count && link->has_city; i++) {
		struct link_network *ln = &link->networks[i];
		struct beacons *b = &ln->network->beacons;
		struct beacon_cursor *cursor = map_get(&b->cursors, &link->city_id);
		if (!ln->beacons.asked)
			continue;
		if (!cursor) {
			cursor = calloc(1, sizeof *cursor);
			if (!cursor || map_put(&b->cursors, &link->city_id, cursor)) {
				free(cursor);
				continue;
			}
		}
		memcpy(cursor->instance, link->instance, INSTANCE_BYTES);
		/* Beacons that were asked for and have not come are offered again. */
		cursor->number = ln->beacons.awaited ? 0 : ln->beacons.number;
	}
}

/* Still what this network's members would take. */
static bool tellable(const struct kept_beacon *kept, const struct link *link)
{
	const struct roster_member *m = roster_member_by_city(kept->network->roster, &kept->city_id);
	return m && m->status == MEMBER_ACTIVE && m->epoch == kept->epoch &&
		!hash_equal(&kept->city_id, &link->city_id) && kept->link_id != link->id;
}

static void offer(struct link *link, struct link_network *ln)
{
	struct message_beacon items[LIMIT_BEACON_ITEMS];
	const struct list *order = &ln->network->beacons.by_order;
	struct list_node *from = NULL;
	uint32_t count = 0;
	size_t bytes = 0;
	for (struct list_node *n = list_last(order); n && n != &order->head; n = n->prev) {
		if (list_entry(n, struct kept_beacon, by_order)->order <= ln->beacons.told)
			break;
		from = n;
	}
	for (; from && count < LIMIT_BEACON_ITEMS && bytes < OFFER_BYTES_MAX;
		 from = list_next(order, from)) {
		const struct kept_beacon *kept = list_entry(from, struct kept_beacon, by_order);
		ln->beacons.told = kept->order;
		if (!tellable(kept, link))
			continue;
		struct message_beacon *item = &items[count++];
		memcpy(item->city, kept->city_id.bytes, BEACON_CITY_BYTES);
		item->epoch = kept->epoch;
		item->time = kept->time;
		bytes += kept->frame->len;
	}
	if (count > 0) {
		message_write_beacon_offer(
			&link->control, &ln->network->id, ln->beacons.told, items, count);
		ln->beacons.may_offer = false;
		link_wake(link);
	}
}

int beacons_on_want(struct link *link, const struct message *m)
{
	struct link_network *ln = link_network_find(link, &m->beacon_want.network_id);
	if (!ln || link->node->config.no_beacons)
		return 0;
	size_t bytes = 0;
	for (uint32_t i = 0; i < m->beacon_want.count && bytes < ANSWER_BYTES_MAX; i++) {
		const struct kept_beacon *kept = beacons_find(ln->network, m->beacon_want.cities[i]);
		if (!kept || !tellable(kept, link))
			continue;
		buffer_push_bytes(&link->control, blob_bytes(kept->frame));
		bytes += kept->frame->len;
	}
	if (bytes)
		link_wake(link);
	/* A number that was never given is of another life of this node. */
	uint64_t number = m->beacon_want.number;
	ln->beacons.told = number <= ln->network->beacons.newest ? number : 0;
	ln->beacons.may_offer = true;
	/* What is behind a full offer follows at once; what came since waits for its like. */
	if (ln->network->beacons.newest >= ln->beacons.told + LIMIT_BEACON_ITEMS)
		offer(link, ln);
	else if (behind(ln))
		beacons_soon(link->node, monotime_add_ms(link->node->now.mono, LIMIT_BEACON_BATCH_MS));
	return 0;
}

static void put_off(struct link *link, struct link_network *ln, int64_t ms)
{
	ln->beacons.again = true;
	ln->beacons.ask_at = monotime_add_ms(link->node->now.mono, ms);
	beacons_soon(link->node, ln->beacons.ask_at);
}

int beacons_on_offer(struct link *link, const struct message *m)
{
	struct node *node = link->node;
	struct link_network *ln = link_network_find(link, &m->beacon_offer.network_id);
	if (!ln || node->config.no_beacons)
		return 0;
	if (!ln->beacons.asked)
		return link_breach(link, ERROR_MESSAGE, "state");
	if (ln->beacons.again)
		return 0; /* it was put off, and is offered anew when it is asked for */
	uint8_t cities[LIMIT_BEACON_ITEMS][BEACON_CITY_BYTES];
	uint32_t count = 0;
	for (uint32_t i = 0; i < m->beacon_offer.count; i++) {
		const struct message_beacon *item = &m->beacon_offer.beacons[i];
		if (memcmp(item->city, node->city_id.bytes, BEACON_CITY_BYTES) == 0 ||
			!beacons_newer(ln->network, item->city, item->epoch, item->time))
			continue;
		if (!rate_take(&link->beacon_rate, node->now.mono, WANT_BURST, WANT_EVERY_MS)) {
			put_off(link, ln, PUT_OFF_MS);
			return 0;
		}
		memcpy(cities[count++], item->city, BEACON_CITY_BYTES);
	}
	ln->beacons.number = m->beacon_offer.number;
	want(link, ln, cities, count);
	return 0;
}

static void refused(struct link *link, int code)
{
	struct log_line l;
	log_begin(&l, LOG_LEVEL_WARN, "beacon_refused");
	log_text(&l, "city", link->peer_slug);
	log_error(&l, code);
	log_end(&l);
	for (uint32_t i = 0; i < link->network_count; i++)
		put_off(link, &link->networks[i], PUT_OFF_BAD_MS);
}

int beacons_on_beacon(struct link *link, const struct message *m)
{
	bool awaited = false;
	for (uint32_t i = 0; i < link->network_count && !awaited; i++)
		if (link->networks[i].beacons.awaited > 0) {
			link->networks[i].beacons.awaited--;
			awaited = true;
		}
	if (!awaited || link->node->config.no_beacons)
		return 0; /* nobody asked for it */
	int code = beacons_take(link, m->signed_bytes.body, &m->signed_bytes.signature);
	switch (code) {
	case 0:
	case ERROR_EXISTS:
	case ERROR_NOT_MEMBER:
	case ERROR_EPOCH_UNKNOWN:
	case ERROR_LIMIT:
	case ERROR_RANGE:
	case ERROR_MEMORY:
		return 0;
	case ERROR_SIGNATURE: /* by another record of that epoch, perhaps: no breach */
		refused(link, code);
		return 0;
	default:
		return link_breach(link, code, code == ERROR_NOT_CANONICAL ? "canonical" : "message");
	}
}

void beacons_tell(struct node *node)
{
	list_for_each(&node->links, n)
	{
		struct link *link = list_entry(n, struct link, node_link);
		for (uint32_t i = 0; is_live(link) && i < link->network_count; i++) {
			struct link_network *ln = &link->networks[i];
			if (ln->beacons.again && monotime_reached(node->now.mono, ln->beacons.ask_at))
				want(link, ln, NULL, 0);
			if (ln->beacons.again)
				beacons_soon(node, ln->beacons.ask_at);
			if (behind(ln))
				offer(link, ln);
		}
	}
}
