/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "charter/address_list.h"
#include "proto/node_private.h"

/*
 * What a member can say as often as it likes, and costs every other member a signature, a commit or
 * a frame on each link: it has a bucket.
 */

bool rate_take(struct rate *rate, struct monotime now, uint32_t burst, int64_t every_ms)
{
	if (rate->used == 0)
		rate->at = now;
	while (rate->used > 0 && monotime_reached(now, monotime_add_ms(rate->at, every_ms))) {
		rate->at = monotime_add_ms(rate->at, every_ms);
		rate->used--;
	}
	if (rate->used >= burst)
		return false;
	rate->used++;
	return true;
}

/* ---- address lists ---- */

#define LISTS_BURST 8u
#define LISTS_EVERY_MS 10000
/* Of our own: less than others take, so that none of them waits there. */
#define LISTS_OWN_BURST 6u
#define LISTS_OWN_EVERY_MS 11000

/* The lists of one city. The newest that came too early waits, and takes the place of the one
 * before. */
struct list_rate {
	struct rate rate;
	struct blob *wire;
	struct hash object_hash;
	uint32_t epoch;
	uint64_t number;
	struct monotime due;
};

static bool is_newer(const struct list_rate *r, const struct address_list *list)
{
	return list->epoch > r->epoch || (list->epoch == r->epoch && list->number > r->number);
}

static void wait_over(struct network *network, struct list_rate *r)
{
	blob_free(r->wire);
	r->wire = NULL;
	network->lists_waiting--;
}

static struct list_rate *rate_of(struct network *network, const struct hash *city_id)
{
	struct list_rate *r = map_get(&network->lists, city_id);
	if (r || !roster_member_by_city(network->roster, city_id))
		return r;
	r = calloc(1, sizeof *r);
	if (r && map_put(&network->lists, city_id, r)) {
		free(r);
		r = NULL;
	}
	return r;
}

bool rate_puts_off(struct link *link, struct network *network, struct bytes wire)
{
	struct control_object object;
	struct address_list list;
	if (object_decode(wire, &object) || object.type != OBJECT_ADDRESS_LIST ||
		address_list_decode(object.body, &list) || node_object_find(network, &object.object_hash))
		return false;
	struct monotime now = network->node->now.mono;
	struct list_rate *r = rate_of(network, &list.city_id);
	struct link_network *ln = link_network_find(link, &network->id);
	if (!r || !ln)
		return false;
	/* Not verified yet: a list that is none empties a bucket too, and ends the link that it came
	 * over. */
	if (!r->wire && rate_take(&r->rate, now, LISTS_BURST, LISTS_EVERY_MS))
		return false;
	if (r->wire && !is_newer(r, &list))
		return true;
	struct blob *copy = blob_copy(wire);
	if (!copy)
		return true;
	if (r->wire) {
		sync_object_over(network, &r->object_hash);
		wait_over(network, r);
	}
	r->wire = copy;
	r->object_hash = object.object_hash;
	r->epoch = list.epoch;
	r->number = list.number;
	r->due = monotime_add_ms(r->rate.at, LISTS_EVERY_MS);
	network->lists_waiting++;
	sync_object_awaited(ln, &r->object_hash);
	return true;
}

bool rate_own_list(struct network *network)
{
	struct monotime now = network->node->now.mono;
	network->own_list_waits = !rate_take(
		&network->own_lists, now, LISTS_OWN_BURST, LISTS_OWN_EVERY_MS);
	return !network->own_list_waits;
}

static struct monotime own_list_due(const struct network *network)
{
	return network->own_list_waits ? monotime_add_ms(network->own_lists.at, LISTS_OWN_EVERY_MS)
								   : MONOTIME_NEVER;
}

void rate_on_deadline(struct node *node)
{
	for (size_t i = 0; i < node->network_count; i++) {
		struct network *network = node->networks[i];
		if (monotime_reached(node->now.mono, own_list_due(network)))
			node_publish_addresses(node); /* the newest of those that came since */
		size_t position = 0;
		void *value;
		while (network->lists_waiting && map_next(&network->lists, &position, NULL, &value)) {
			struct list_rate *r = value;
			if (!r->wire || !rate_take(&r->rate, node->now.mono, LISTS_BURST, LISTS_EVERY_MS))
				continue;
			struct blob *wire = blob_ref(r->wire);
			wait_over(network, r);
			node_object_receive(node, NULL, network, blob_bytes(wire));
			blob_free(wire);
		}
	}
}

struct monotime rate_deadline(const struct node *node)
{
	struct monotime due = MONOTIME_NEVER;
	for (size_t i = 0; i < node->network_count; i++) {
		const struct network *network = node->networks[i];
		due = monotime_earlier(due, own_list_due(network));
		size_t position = 0;
		void *value;
		while (network->lists_waiting && map_next(&network->lists, &position, NULL, &value)) {
			const struct list_rate *r = value;
			if (r->wire)
				due = monotime_earlier(due, r->due);
		}
	}
	return due;
}

void rate_free(struct network *network)
{
	size_t position = 0;
	void *value;
	while (map_next(&network->lists, &position, NULL, &value)) {
		struct list_rate *r = value;
		blob_free(r->wire);
		free(r);
	}
	map_deinit(&network->lists);
}
