/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "proto/node_private.h"

/* The links that there are: counted, one of them rotated, and those that are too many closed. */

#define LETTERS 26u

void overlay_init(struct overlay *overlay, const uint8_t map_seed[static MAP_SEED_SIZE])
{
	overlay->dial_max = OVERLAY_DIALS_DEFAULT;
	overlay->accept_max = OVERLAY_ACCEPTS_DEFAULT;
	overlay->again_at = MONOTIME_NEVER;
	map_init(&overlay->keys, PUBLIC_KEY_SIZE, map_seed);
}

void overlay_deinit(struct overlay *overlay)
{
	map_deinit(&overlay->keys);
}

void node_set_links(struct node *node, uint32_t dial_max, uint32_t accept_max)
{
	node->overlay.dial_max = dial_max < OVERLAY_DIALS_MAX ? dial_max : OVERLAY_DIALS_MAX;
	node->overlay.accept_max = accept_max;
}

/* ---- counted ---- */

bool overlay_linked(const struct node *node, const struct public_key *key)
{
	return map_get(&node->overlay.keys, key) != NULL;
}

static void forget_pending(struct overlay *overlay, uint32_t i)
{
	overlay->pending[i] = overlay->pending[--overlay->pending_count];
}

void node_dial_ended(struct node *node, const struct hash *city_id)
{
	struct overlay *overlay = &node->overlay;
	for (uint32_t i = overlay->pending_count; i > 0; i--)
		if (hash_equal(&overlay->pending[i - 1].city_id, city_id))
			forget_pending(overlay, i - 1);
}

void overlay_link_opened(struct link *link)
{
	struct overlay *overlay = &link->node->overlay;
	uintptr_t count = (uintptr_t)map_get(&overlay->keys, &link->peer_key);
	link->counted = map_put(&overlay->keys, &link->peer_key, (void *)(count + 1)) == 0;
	overlay->dialled += link->dialled;
	for (uint32_t i = overlay->pending_count; i > 0 && link->dialled; i--)
		if (public_key_equal(&overlay->pending[i - 1].key, &link->peer_key))
			forget_pending(overlay, i - 1);
}

/* The shortest are kept, each city once. */
static void near_note(struct overlay *overlay, const struct hash *city_id, int64_t rtt_us)
{
	uint32_t at = 0;
	while (at < overlay->near_count && !hash_equal(&overlay->near[at].city_id, city_id))
		at++;
	if (at == overlay->near_count && at == OVERLAY_NEAR_MAX && overlay->near[--at].rtt_us <= rtt_us)
		return;
	if (at == overlay->near_count)
		overlay->near_count++;
	overlay->near[at] = (struct overlay_near){*city_id, rtt_us};
	for (; at > 0 && overlay->near[at - 1].rtt_us > rtt_us; at--) {
		overlay->near[at] = overlay->near[at - 1];
		overlay->near[at - 1] = (struct overlay_near){*city_id, rtt_us};
	}
	for (; at + 1 < overlay->near_count && overlay->near[at + 1].rtt_us < rtt_us; at++) {
		overlay->near[at] = overlay->near[at + 1];
		overlay->near[at + 1] = (struct overlay_near){*city_id, rtt_us};
	}
}

void overlay_link_closing(struct link *link)
{
	struct overlay *overlay = &link->node->overlay;
	uintptr_t count = link->counted ? (uintptr_t)map_get(&overlay->keys, &link->peer_key) : 0;
	if (count > 1)
		map_put(&overlay->keys, &link->peer_key, (void *)(count - 1));
	else if (count == 1)
		map_remove(&overlay->keys, &link->peer_key);
	link->counted = false;
	overlay->dialled -= link->dialled;
	overlay->accepted -= link->accepted;
	link->accepted = false;
	if (link->has_city && link->rtt_least_us >= 0)
		near_note(overlay, &link->city_id, link->rtt_least_us);
}

static void shun(struct node *node, const struct hash *city_id, int64_t never_ms)
{
	struct overlay *overlay = &node->overlay;
	uint32_t at = 0, chance, oldest = 0;
	while (at < overlay->shunned_count && !hash_equal(&overlay->shunned[at].city_id, city_id)) {
		if (overlay->shunned[at].not_gladly_before.us <
			overlay->shunned[oldest].not_gladly_before.us)
			oldest = at;
		at++;
	}
	if (at == OVERLAY_SHUNNED_MAX)
		at = oldest;
	else if (at == overlay->shunned_count)
		overlay->shunned_count++;
	node_random(node, &chance, sizeof chance);
	struct monotime now = node->now.mono;
	overlay->shunned[at] = (struct overlay_shunned){.city_id = *city_id,
		.never_before = monotime_add_ms(now, never_ms + (never_ms ? chance % never_ms : 0)),
		.not_gladly_before = monotime_add_ms(now, OVERLAY_SHUN_MS)};
}

void overlay_link_full(struct link *link)
{
	if (link->has_city)
		shun(link->node, &link->city_id, OVERLAY_FULL_MS);
}

void overlay_news(struct link *link, struct network *network)
{
	network->news_link = link->id;
}

/* ---- rotated ---- */

void overlay_rotate_later(struct node *node)
{
	uint32_t chance;
	node_random(node, &chance, sizeof chance);
	node->overlay.rotating = false;
	node->overlay.rotate_at = monotime_add_ms(
		node->now.mono, OVERLAY_ROTATE_MS * 3 / 4 + chance % (OVERLAY_ROTATE_MS / 2));
}

/* An index for a country of two capital letters; others share the last. */
static size_t country_of(const struct link *link)
{
	const struct roster_member *m = link->network_count > 0
		? roster_member_by_city(link->networks[0].network->roster, &link->city_id)
		: NULL;
	if (!m || m->country.len != 2)
		return LETTERS * LETTERS;
	unsigned a = m->country.data[0] - 'A', b = m->country.data[1] - 'A';
	return a < LETTERS && b < LETTERS ? a * LETTERS + b : LETTERS * LETTERS;
}

static uint32_t network_dials(const struct node *node, const struct network *network)
{
	uint32_t count = 0;
	list_for_each(&node->links, n)
	{
		const struct link *link = list_entry(n, struct link, node_link);
		count += link->state == LINK_LIVE && link->dialled &&
			link_network_find(link, &network->id) != NULL;
	}
	return count;
}

/* It brought the last news of a network, or a network would have fewer dials than it should. */
static bool needed(const struct link *link)
{
	uint32_t least = link->node->overlay.dial_max < OVERLAY_NETWORK_DIALS
		? link->node->overlay.dial_max
		: OVERLAY_NETWORK_DIALS;
	for (uint32_t i = 0; i < link->network_count; i++) {
		const struct network *network = link->networks[i].network;
		if (network->news_link == link->id || network_dials(link->node, network) <= least)
			return true;
	}
	return false;
}

struct rotation {
	struct link *links[OVERLAY_PENDING_MAX];
	uint32_t count;
	uint32_t countries[LETTERS * LETTERS + 1];
};

static bool among_nearest(const struct rotation *r, const struct link *link, uint32_t quota)
{
	uint32_t nearer = 0;
	for (uint32_t i = 0; i < r->count; i++)
		nearer += r->links[i] != link && r->links[i]->rtt_least_us >= 0 &&
			r->links[i]->rtt_least_us <= link->rtt_least_us;
	return link->rtt_least_us >= 0 && nearer < quota;
}

/* One of those drawn at random, of a country that has more than its share if there is one. */
static struct link *gives_way(struct node *node, const struct link *newest)
{
	struct rotation r = {0};
	struct link *fit[OVERLAY_PENDING_MAX];
	uint32_t fit_count = 0, chance;
	list_for_each(&node->links, n)
	{
		struct link *link = list_entry(n, struct link, node_link);
		if (!link->dialled || link->state != LINK_LIVE || r.count == OVERLAY_PENDING_MAX)
			continue;
		r.links[r.count++] = link;
		r.countries[country_of(link)]++;
	}
	bool crowded = false;
	for (uint32_t i = 0; i < r.count; i++) {
		struct link *link = r.links[i];
		bool more = r.countries[country_of(link)] * 2 > node->overlay.dial_max;
		if (link == newest || among_nearest(&r, link, node->overlay.dial_max / 4) || needed(link) ||
			(crowded && !more))
			continue;
		if (more && !crowded)
			fit_count = 0;
		crowded |= more;
		fit[fit_count++] = link;
	}
	node_random(node, &chance, sizeof chance);
	return fit_count ? fit[chance % fit_count] : NULL;
}

void overlay_rotate(struct node *node, const struct link *newest)
{
	struct link *link = gives_way(node, newest);
	overlay_rotate_later(node);
	if (!link)
		return;
	shun(node, &link->city_id, 0);
	link_close(link, BYE_ROTATED, "another link takes its turn");
}

/* ---- too many ---- */

/* Of the country that has most of those accepted, the youngest; none that is a network's only one.
 */
static struct link *one_too_many(struct node *node)
{
	static const size_t countries_max = LETTERS * LETTERS + 1;
	uint32_t *countries = calloc(countries_max, sizeof *countries), most = 0;
	struct link *found = NULL;
	if (!countries)
		return NULL;
	for (size_t i = 0; i < node->network_count; i++)
		node->networks[i]->live_links = 0;
	list_for_each(&node->links, n)
	{
		const struct link *link = list_entry(n, struct link, node_link);
		if (link->state != LINK_LIVE)
			continue;
		countries[country_of(link)] += !link->dialled;
		for (uint32_t i = 0; i < link->network_count; i++)
			link->networks[i].network->live_links++;
	}
	list_for_each(&node->links, n)
	{
		struct link *link = list_entry(n, struct link, node_link);
		bool only = false;
		for (uint32_t i = 0; i < link->network_count; i++)
			only |= link->networks[i].network->live_links < 2;
		if (link->dialled || link->state != LINK_LIVE || only || countries[country_of(link)] < most)
			continue;
		most = countries[country_of(link)];
		found = link;
	}
	free(countries);
	return found;
}

void overlay_link_live(struct link *link)
{
	struct overlay *overlay = &link->node->overlay;
	if (link->dialled) {
		if (overlay->rotating && overlay->dialled > overlay->dial_max)
			overlay_rotate(link->node, link);
		return;
	}
	overlay->accepted++;
	link->accepted = true;
	if (overlay->accepted <= overlay->accept_max)
		return;
	struct link *last = one_too_many(link->node);
	if (last)
		link_close(last, BYE_FULL, "it has as many links as it takes: try another city");
}
