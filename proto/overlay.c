/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/overlay.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "charter/address_list.h"
#include "proto/node_private.h"

/* Draws before members are looked at one after another: with one in four fit, one call in a hundred
 * comes to that. */
#define DRAWS 16u
/* So many are looked at in one call, 0.1 ms of work; all of a network that is no larger. */
#define WALK_MAX 1024u
#define AGAIN_MS 100
#define ROTATE_AGAIN_MS (5 * 60 * 1000)

/* How bad a choice is; the least bad is taken where none is good. */
#define BAD_COUNTRY 1u
#define BAD_PREFIX 1u
#define BAD_SHUNNED 4u
#define BAD_MOST 100u

/* What a dialled city holds of the shares that are kept apart. */
struct held {
	uint8_t country[2];
	struct overlay_prefix prefixes[ADDRESS_LIST_MAX];
	size_t prefix_count;
	int64_t rtt_us; /* -1 unknown */
};

/* One call of node_dials. */
struct choosing {
	struct node *node;
	struct overlay *overlay;
	node_dial_fn *may;
	void *ctx;
	struct held held[2 * OVERLAY_PENDING_MAX];
	size_t held_count;
	uint32_t in_network[LIMIT_NETWORKS]; /* dials that share it */
	size_t network_count;
	/* the best so far, for one place */
	const struct roster_member *best;
	unsigned badness;
	size_t looked_at;
	bool cut_short; /* there are more than were looked at */
};

/* ---- what is held ---- */

static size_t prefixes_of(const struct roster_member *m, struct overlay_prefix *out)
{
	size_t count = 0;
	for (size_t i = 0; m->addresses && i < m->addresses->count; i++) {
		struct overlay_prefix *p = &out[count];
		bool known = !overlay_prefix_parse(m->addresses->addresses[i], p);
		for (size_t k = 0; k < count && !known; k++)
			known = memcmp(&out[k], p, sizeof *p) == 0;
		count += !known;
	}
	return count;
}

static int64_t near_rtt(const struct overlay *overlay, const struct hash *city_id)
{
	for (uint32_t i = 0; i < overlay->near_count; i++)
		if (hash_equal(&overlay->near[i].city_id, city_id))
			return overlay->near[i].rtt_us;
	return -1;
}

static void hold(struct choosing *c, const struct hash *city_id, int64_t rtt_us)
{
	const struct roster_member *found = NULL;
	for (size_t i = 0; i < c->network_count; i++) {
		const struct roster_member *m = roster_member_by_city(
			c->node->networks[i]->roster, city_id);
		if (!m || m->status != MEMBER_ACTIVE)
			continue;
		c->in_network[i]++;
		found = found ? found : m;
	}
	if (!found || c->held_count == sizeof c->held / sizeof c->held[0])
		return;
	struct held *held = &c->held[c->held_count++];
	memset(held, 0, sizeof *held);
	memcpy(held->country, found->country.data, found->country.len < 2 ? found->country.len : 2);
	held->prefix_count = prefixes_of(found, held->prefixes);
	held->rtt_us = rtt_us >= 0 ? rtt_us : near_rtt(c->overlay, city_id);
}

static void hold_all(struct choosing *c)
{
	c->network_count = c->node->network_count < LIMIT_NETWORKS ? c->node->network_count
															   : LIMIT_NETWORKS;
	if (c->overlay->dialled > 0)
		list_for_each(&c->node->links, n)
		{
			const struct link *link = list_entry(n, struct link, node_link);
			if (link->dialled && link->state != LINK_CLOSING && link->has_city)
				hold(c, &link->city_id, link->rtt_least_us);
		}
	for (uint32_t i = 0; i < c->overlay->pending_count; i++)
		hold(c, &c->overlay->pending[i].city_id, -1);
}

/* ---- one candidate ---- */

static bool is_pending(const struct overlay *overlay, const struct hash *city_id)
{
	for (uint32_t i = 0; i < overlay->pending_count; i++)
		if (hash_equal(&overlay->pending[i].city_id, city_id))
			return true;
	return false;
}

static const struct overlay_shunned *shunned(
	const struct overlay *overlay, const struct hash *city_id)
{
	for (uint32_t i = 0; i < overlay->shunned_count; i++)
		if (hash_equal(&overlay->shunned[i].city_id, city_id))
			return &overlay->shunned[i];
	return NULL;
}

static bool can_be_dialled(const struct node *node, const struct roster_member *m)
{
	return m->status == MEMBER_ACTIVE && m->addresses && m->addresses->count > 0 &&
		!hash_equal(&m->city_id, &node->city_id) && !node_denied(node, &m->city_id) &&
		!overlay_linked(node, &m->node_key) && !is_pending(&node->overlay, &m->city_id);
}

static unsigned badness_of(const struct choosing *c, const struct roster_member *m)
{
	struct overlay_prefix prefixes[ADDRESS_LIST_MAX];
	size_t count = prefixes_of(m, prefixes), same_country = 1, same_prefix[ADDRESS_LIST_MAX] = {0};
	unsigned bad = 0;
	for (size_t i = 0; i < c->held_count; i++) {
		const struct held *held = &c->held[i];
		same_country += m->country.len == 2 && memcmp(m->country.data, held->country, 2) == 0;
		for (size_t a = 0; a < count; a++)
			for (size_t b = 0; b < held->prefix_count; b++)
				same_prefix[a] += memcmp(&prefixes[a], &held->prefixes[b], sizeof *prefixes) == 0;
	}
	size_t half = c->overlay->dial_max > 1 ? c->overlay->dial_max / 2 : 1;
	if (same_country > half)
		bad += BAD_COUNTRY;
	bool crowded = false;
	for (size_t a = 0; a < count; a++)
		crowded |= same_prefix[a] + 1 > half;
	if (crowded)
		bad += BAD_PREFIX;
	if (shunned(c->overlay, &m->city_id) &&
		!monotime_reached(c->node->now.mono, shunned(c->overlay, &m->city_id)->not_gladly_before))
		bad += BAD_SHUNNED;
	return bad;
}

/* True: it is as good as can be. */
static bool consider(struct choosing *c, const struct roster_member *m)
{
	if (!can_be_dialled(c->node, m))
		return false;
	const struct overlay_shunned *s = shunned(c->overlay, &m->city_id);
	if (s && !monotime_reached(c->node->now.mono, s->never_before))
		return false;
	if (!c->may(c->ctx, &m->city_id))
		return false;
	unsigned bad = badness_of(c, m);
	if (bad < c->badness) {
		c->badness = bad;
		c->best = m;
	}
	return bad == 0;
}

/* ---- many ---- */

/* Suspended it goes on asking, so that it learns when it is active again. */
static size_t members_in(const struct choosing *c, size_t i)
{
	const struct roster *roster = c->node->networks[i]->roster;
	const struct roster_member *own = roster_member_by_city(roster, &c->node->city_id);
	return own && own->status != MEMBER_REMOVED ? roster_member_count(roster) : 0;
}

/* The members of the networks first..last in one row. */
struct row {
	size_t first, last, total;
};

static struct row row_of(const struct choosing *c, size_t first, size_t last)
{
	struct row row = {first, last, 0};
	for (size_t i = first; i <= last && i < c->network_count; i++)
		row.total += members_in(c, i);
	return row;
}

static const struct roster_member *row_at(const struct choosing *c, struct row row, size_t at)
{
	for (size_t i = row.first; i <= row.last; i++) {
		size_t count = members_in(c, i);
		if (at < count)
			return roster_member_at(c->node->networks[i]->roster, at);
		at -= count;
	}
	return NULL;
}

/* Draws; then, where that gives nobody who is good, looks at them in a row. */
static void search(struct choosing *c, struct row row)
{
	uint32_t chance[DRAWS + 1];
	if (row.total == 0)
		return;
	node_random(c->node, chance, sizeof chance);
	for (unsigned i = 0; i < DRAWS; i++)
		if (consider(c, row_at(c, row, chance[i] % row.total)))
			return;
	size_t count = row.total < WALK_MAX ? row.total : WALK_MAX;
	c->cut_short |= count < row.total;
	if (count < row.total && !monotime_reached(c->node->now.mono, c->overlay->again_at))
		return;
	for (size_t i = 0; i < count; i++)
		if (consider(c, row_at(c, row, (chance[DRAWS] % row.total + i) % row.total)))
			return;
}

/* One that would be among the nearest quarter of the dials. */
static bool search_near(struct choosing *c)
{
	uint32_t quota = c->overlay->dial_max / 4;
	for (uint32_t i = 0; i < c->overlay->near_count; i++) {
		const struct overlay_near *near = &c->overlay->near[i];
		uint32_t nearer = 0;
		for (size_t k = 0; k < c->held_count; k++)
			nearer += c->held[k].rtt_us >= 0 && c->held[k].rtt_us <= near->rtt_us;
		if (nearer >= quota)
			return false;
		for (size_t k = 0; k < c->network_count; k++) {
			const struct roster_member *m = members_in(c, k) > 0
				? roster_member_by_city(c->node->networks[k]->roster, &near->city_id)
				: NULL;
			if (m && consider(c, m))
				return true;
		}
	}
	return false;
}

/* Those that have least, and of these none for ever first. */
static void search_poor_networks(struct choosing *c)
{
	uint32_t chance;
	if (c->network_count < 2)
		return;
	node_random(c->node, &chance, sizeof chance);
	for (uint32_t has = 0; has < OVERLAY_NETWORK_DIALS && !c->best; has++)
		for (size_t step = 0; step < c->network_count && !c->best; step++) {
			size_t i = (chance % c->network_count + step) % c->network_count;
			if (c->in_network[i] == has)
				search(c, row_of(c, i, i));
		}
}

static const struct roster_member *choose(struct choosing *c)
{
	c->best = NULL;
	c->badness = BAD_MOST;
	if (c->network_count == 0)
		return NULL;
	search_poor_networks(c);
	if (c->best || search_near(c))
		return c->best;
	search(c, row_of(c, 0, c->network_count - 1));
	return c->best;
}

/* ---- named ---- */

/* The views of an address list are not terminated: kept as text in the node until the next call. */
static const char *address_text(struct node *node, struct bytes address)
{
	if (node->dial_text_count == sizeof node->dial_texts / sizeof node->dial_texts[0])
		return NULL;
	char *text = node->dial_texts[node->dial_text_count++];
	snprintf(text, LIMIT_ADDRESS_BYTES + 1, "%.*s", (int)address.len, (const char *)address.data);
	return text;
}

static bool text_room(const struct node *node, const struct roster_member *m)
{
	return node->dial_text_count + m->addresses->count <=
		sizeof node->dial_texts / sizeof node->dial_texts[0];
}

static void add_dial(struct node *node, const struct roster_member *m, struct node_dial *dial)
{
	memset(dial, 0, sizeof *dial);
	dial->city_id = m->city_id;
	dial->node_key = m->node_key;
	snprintf(dial->slug, sizeof dial->slug, "%.*s", (int)m->slug.len, (const char *)m->slug.data);
	for (size_t i = 0; i < m->addresses->count && i < LIMIT_ADDRESSES; i++) {
		const char *text = address_text(node, m->addresses->addresses[i]);
		if (text)
			dial->addresses[dial->address_count++] = text;
	}
}

static bool add_pending(
	struct overlay *overlay, const struct hash *city_id, const struct public_key *key)
{
	if (overlay->pending_count == OVERLAY_PENDING_MAX)
		return false;
	overlay->pending[overlay->pending_count++] = (struct overlay_pending){
		.city_id = *city_id, .key = *key};
	return true;
}

static size_t member_dials(
	struct node *node, node_dial_fn *may, void *ctx, struct node_dial *out, size_t max)
{
	struct choosing c = {.node = node, .overlay = &node->overlay, .may = may, .ctx = ctx};
	const struct roster_member *m = NULL;
	size_t count = 0;
	if (max == 0)
		return 0;
	hold_all(&c);
	while (count < max && (m = choose(&c))) {
		if (!text_room(node, m) || !add_pending(c.overlay, &m->city_id, &m->node_key))
			break;
		hold(&c, &m->city_id, -1);
		add_dial(node, m, &out[count++]);
	}
	if (monotime_reached(node->now.mono, c.overlay->again_at))
		c.overlay->again_at = c.cut_short && !m ? monotime_add_ms(node->now.mono, AGAIN_MS)
												: MONOTIME_NEVER;
	return count;
}

static size_t bootstrap_dials(
	struct node *node, node_dial_fn *may, void *ctx, struct node_dial *out, size_t max)
{
	size_t count = link_bootstrap_dials(node, may, ctx, out, max);
	for (size_t i = 0; i < count; i++)
		if (!add_pending(&node->overlay, &out[i].city_id, &out[i].node_key))
			return i;
	return count;
}

/* How many are missing now. */
static size_t missing(struct node *node)
{
	struct overlay *overlay = &node->overlay;
	uint32_t have = overlay->dialled + overlay->pending_count;
	if (have < overlay->dial_max)
		return overlay->dial_max - have;
	if (overlay->dial_max == 0 || !monotime_reached(node->now.mono, overlay->rotate_at))
		return 0;
	if (overlay->dialled > overlay->dial_max) {
		overlay_rotate(node, NULL); /* the admin asked for one more, or for fewer in all */
		return 0;
	}
	/* Made before it is broken: one more, and when that one lives another gives way. */
	overlay->rotating = true;
	overlay->rotate_at = monotime_add_ms(node->now.mono, ROTATE_AGAIN_MS);
	return have == overlay->dial_max ? 1 : 0;
}

size_t node_dials(struct node *node, node_dial_fn *may, void *ctx, struct node_dial *out,
	size_t max, struct node_time now)
{
	node->now = now;
	node->dial_text_count = 0;
	if (node->overlay.rotate_at.us == 0)
		overlay_rotate_later(node);
	size_t wanted = node->stopped ? 0 : missing(node);
	if (wanted < max)
		max = wanted;
	if (max == 0)
		return 0;
	bool last = node->dial_bootstraps_last;
	node->dial_bootstraps_last = !last;
	size_t count = last ? 0 : bootstrap_dials(node, may, ctx, out, max);
	count += member_dials(node, may, ctx, out + count, max - count);
	if (last)
		count += bootstrap_dials(node, may, ctx, out + count, max - count);
	return count;
}

bool node_dial_city(struct node *node, const struct hash *city_id, struct node_dial *out)
{
	node->dial_text_count = 0;
	for (size_t i = 0; i < node->network_count && !node->stopped; i++) {
		const struct roster_member *m = roster_member_by_city(node->networks[i]->roster, city_id);
		if (!m || !can_be_dialled(node, m))
			continue;
		if (!add_pending(&node->overlay, city_id, &m->node_key))
			return false;
		add_dial(node, m, out);
		return true;
	}
	return false;
}

struct monotime node_dials_due(const struct node *node)
{
	const struct overlay *overlay = &node->overlay;
	struct monotime due = MONOTIME_NEVER;
	uint32_t have = overlay->dialled + overlay->pending_count;
	if (overlay->dial_max == 0 || node->stopped)
		return due;
	if (have >= overlay->dial_max)
		return overlay->rotate_at;
	for (uint32_t i = 0; i < overlay->shunned_count; i++)
		if (!monotime_reached(node->now.mono, overlay->shunned[i].never_before))
			due = monotime_earlier(due, overlay->shunned[i].never_before);
	return monotime_earlier(due, overlay->again_at);
}
