/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/check.h"
#include "proto/node_private.h"

/*
 * Which feed is pulled over which link: one link at a time for a feed, chosen at random among those
 * that announced more than is held here, lanes in their order. A link that makes no progress loses
 * its pulls to another; so does one feed that is passed over while others are served, or whose run
 * begins and does not end, if another link has it. The bulk credit of all links comes from one
 * pool.
 */

#define SPREAD_TICK_MS 500
#define SPREAD_STALL_MS 5000
#define SPREAD_RETRY_MS 200
/* Of one feed; doubled at each move, so that links that are all slow still end what they began, and
 * what is sent twice stays little. */
#define SPREAD_PATIENCE_MS 15000
#define SPREAD_MOVES_MAX 6u
/* Pulls are served in turn, a few read ahead (link_serve.c): more later ones were answered before
 * this one than an honest peer's reading could explain. */
#define SPREAD_OVERTAKEN 8u
#define SPREAD_PULLS_A_LINK 512u
#define SPREAD_CANDIDATES 64u

static bool can_serve(const struct node *node, const struct announced *a, const struct feed *feed)
{
	return a->seq > feed->tip.seq && a->link->state == LINK_LIVE && link_takes_alerts(a->link) &&
		monotime_reached(node->now.mono, a->retry_at);
}

static bool any_more(const struct feed *feed)
{
	list_for_each(&feed->announcers,
		n) if (list_entry(n, struct announced, by_feed)->seq > feed->tip.seq) return true;
	return false;
}

void spread_want(struct node *node, struct feed *feed)
{
	if (feed->pull_link || list_linked(&feed->wanting) || freeze_halts(feed) ||
		(!any_more(feed) && !node_fill_due(feed)))
		return;
	list_push_back(&node->wanting[node_feed_rank(feed) - 1], &feed->wanting);
	node->want_due = true;
}

/* The limit up to which the peer may send now: a window beyond what was digested. */
void spread_grant(struct link *link)
{
	uint64_t limit = link->bulk_received - link->bulk_undigested + LIMIT_BULK_WINDOW_BYTES;
	if (limit > link->bulk_limit)
		link->bulk_limit = limit;
}

bool spread_share(struct link *link)
{
	struct node *node = link->node;
	if (link->pool_share)
		return true;
	if (node->bulk_pool_used + LIMIT_BULK_WINDOW_BYTES > LIMIT_BULK_POOL_BYTES)
		return false;
	node->bulk_pool_used += LIMIT_BULK_WINDOW_BYTES;
	link->pool_share = true;
	link->progress = node->now.mono;
	return true;
}

void spread_unshare(struct link *link)
{
	if (link->pulls_open + link->transfers_open > 0)
		return;
	if (link->pool_share) {
		link->pool_share = false;
		link->node->bulk_pool_used -= LIMIT_BULK_WINDOW_BYTES;
		link->node->want_due = true; /* another link may have its share now */
	}
	/* What is left of the limit lapses (docs/protocol.md, section 8), but not before the peer has
	 * ended all that was asked of it: what we gave up waiting for may still come. */
	if (link->asks_open == 0) {
		link->bulk_limit = link->bulk_received;
		link->gave_up = false;
	}
}

/* From a chosen one on, the first that has a share of the pool or can get one. */
static struct link *pick(
	struct node *node, struct link *const *candidates, uint32_t count, bool *later)
{
	uint32_t at = 0;
	if (count > 1)
		node_random(node, &at, sizeof at);
	for (uint32_t i = 0; i < count; i++) {
		struct link *link = candidates[(at + i) % count];
		if (spread_share(link))
			return link;
	}
	*later |= count > 0;
	return NULL;
}

/* What a feed lacks below its beginning nobody announces: any member may have it. */
static struct link *choose_fill(struct node *node, const struct feed *feed, bool *later)
{
	struct link *candidates[SPREAD_CANDIDATES];
	uint32_t count = 0;
	list_for_each(&node->links, n)
	{
		struct link *link = list_entry(n, struct link, node_link);
		if (count == SPREAD_CANDIDATES || link->state != LINK_LIVE || !link_takes_alerts(link) ||
			!link_network_find(link, &feed->network->id))
			continue;
		if (link->pulls_open >= SPREAD_PULLS_A_LINK)
			*later = true;
		else
			candidates[count++] = link;
	}
	return pick(node, candidates, count, later);
}

static struct link *choose(struct node *node, const struct feed *feed, bool *later)
{
	struct link *candidates[SPREAD_CANDIDATES];
	uint32_t count = 0;
	list_for_each(&feed->announcers, n)
	{
		const struct announced *a = list_entry(n, struct announced, by_feed);
		if (a->seq <= feed->tip.seq)
			continue;
		if (!can_serve(node, a, feed) || a->link->pulls_open >= SPREAD_PULLS_A_LINK)
			*later = true;
		else if (count < SPREAD_CANDIDATES)
			candidates[count++] = a->link;
	}
	return pick(node, candidates, count, later);
}

/* How far the pull that is open has come. */
static uint64_t reached(const struct feed *feed)
{
	return feed->filling ? feed->fill.seq : feed->tip.seq;
}

static void send_pull(struct link *link, struct feed *feed, bool fill)
{
	feed->filling = fill;
	struct message_pull pull = {feed->feed_id, reached(feed) + 1};
	spread_grant(link);
	message_write_pull(&link->control, link->bulk_limit, &pull, 1);
	feed->pull_link = link;
	feed->pull_progress_seq = reached(feed);
	feed->pull_expected = pull.first_seq;
	feed->pull_number = ++link->pulls_asked;
	feed->pull_at = link->node->now.mono;
	feed->pull_begun = false;
	if (link->pulls_open == 0)
		link->progress = feed->pull_at;
	feed->epoch_missing = false;
	link->pulls_open++;
	link->node->pulls_open++;
	link->asks_open++;
	link_wake(link);
}

void spread_schedule(struct node *node)
{
	if (!node->want_due)
		return;
	node->want_due = false;
	for (int lane = 0; lane < FEED_LANE_COUNT; lane++) {
		if (node->paused && lane + 1 != FEED_LANE_ALERT)
			continue;
		list_for_each_safe(&node->wanting[lane], n)
		{
			struct feed *feed = list_entry(n, struct feed, wanting);
			bool later = false;
			if (!monotime_reached(node->now.mono, feed->retry_at) || feed->failed ||
				quota_waits(feed))
				continue;
			struct link *link = choose(node, feed, &later);
			bool fill = !link && node_fill_due(feed);
			if (fill && monotime_reached(node->now.mono, feed->fill_retry_at))
				link = choose_fill(node, feed, &later);
			else
				later |= fill;
			if (link) {
				list_remove(&feed->wanting);
				send_pull(link, feed, fill);
			} else if (!later) {
				list_remove(&feed->wanting);
			}
		}
	}
}

static void put_off(struct announced *a, int64_t ms)
{
	struct monotime due = monotime_add_ms(a->link->node->now.mono, ms);
	if (monotime_before(a->retry_at, due))
		a->retry_at = due;
}

void spread_put_off(struct link *link, struct feed *feed, int64_t ms)
{
	struct announced *a = sync_announced(feed, link);
	if (a)
		put_off(a, ms);
}

static void pull_over(struct link *link, struct feed *feed, int64_t retry_ms)
{
	struct node *node = link->node;
	feed->pull_link = NULL;
	link->pulls_open--;
	node->pulls_open--;
	if (reached(feed) == feed->pull_progress_seq) {
		struct announced *a = sync_announced(feed, link);
		if (feed->filling) {
			/* Whom it asks it does not know: it goes round all, and not for ever at speed. */
			feed->fill_retry_at = monotime_add_ms(
				node->now.mono, feed->epoch_missing ? SPREAD_PATIENCE_MS : retry_ms);
		} else {
			if (a)
				put_off(a, retry_ms);
			/* Nothing came of it: not at once again, the missing epoch record is on its way
			 * perhaps. */
			feed->retry_at = monotime_add_ms(node->now.mono, SPREAD_RETRY_MS);
		}
	} else {
		feed->pull_moves -= feed->pull_moves > 0;
	}
	spread_unshare(link);
	spread_want(node, feed);
}

bool spread_digesting(const struct link *link)
{
	uint64_t unfinished = 0; /* of runs and chunks whose end the peer owes */
	for (uint32_t i = 0; i < ASSEMBLIES_MAX; i++)
		if (link->assemblies[i].open && !link->assemblies[i].attachment)
			unfinished += link_compression_credit(&link->assemblies[i]);
	list_for_each(&link->node->transfers, n)
	{
		const struct transfer *t = list_entry(n, struct transfer, node);
		if (t->link == link && t->chunk)
			unfinished += t->chunk->len;
	}
	return link->bulk_undigested > unfinished;
}

void spread_pull_seen(struct link *link, struct feed *feed, bool begun)
{
	uint64_t *served = &link->pulls_served[node_feed_rank(feed) - 1];
	if (feed->pull_link != link)
		return;
	feed->pull_at = link->node->now.mono;
	feed->pull_begun = begun;
	if (*served < feed->pull_number)
		*served = feed->pull_number;
}

void spread_pull_end(struct link *link, struct feed *feed, uint32_t code)
{
	if (feed->pull_link != link)
		return;
	spread_pull_seen(link, feed, false);
	static const int64_t retry_ms[] = {
		[END_DONE] = 1000, [END_NOT_HELD] = 10000, [END_REFUSED] = 60000, [END_LATER] = 500};
	/* Nothing of what it announced could be had, and not because a record is missing here: its word
	 * is forgotten, so that neither a pull nor a cursor waits for it for ever. */
	bool empty = !feed->filling && feed->tip.seq == feed->pull_progress_seq &&
		feed->in_flight == 0 && !feed->failed && !feed->epoch_missing && !freeze_halts(feed) &&
		!link->node->paused;
	struct announced *a = sync_announced(feed, link);
	bool is_void = empty && a && (code == END_DONE || code == END_NOT_HELD);
	pull_over(link, feed, code <= END_LATER ? retry_ms[code] : 60000);
	if (is_void)
		sync_announced_void(a);
	link->node->want_due = true;
}

/* The peer may still answer it; the feed is to be had from others. */
static void give_up_pull(struct feed *feed)
{
	struct link *link = feed->pull_link;
	feed->pull_link = NULL;
	link->pulls_open--;
	link->node->pulls_open--;
	link->gave_up = true;
	spread_want(link->node, feed);
}

/* The pulls of a link, of one network or of all, are taken from it: to be given to others. */
static void take_pulls(struct link *link, const struct network *network, int64_t retry_ms)
{
	struct node *node = link->node;
	size_t position = 0;
	void *value;
	while (link->pulls_open && map_next(&node->feeds, &position, NULL, &value)) {
		struct feed *feed = value;
		if (feed->pull_link != link || (network && feed->network != network))
			continue;
		struct announced *a = sync_announced(feed, link);
		if (a)
			a->retry_at = monotime_add_ms(node->now.mono, retry_ms);
		give_up_pull(feed);
	}
	spread_unshare(link);
	node->want_due = true;
}

void spread_leave(struct link *link, const struct network *network)
{
	take_pulls(link, network, 0);
}

void spread_link_closed(struct link *link)
{
	/* sync_link_closed has freed its announcements. */
	take_pulls(link, NULL, 0);
	link->transfers_open = 0;
	spread_unshare(link);
}

/* Later pulls of its lane, or of those that go behind it, were answered before it. */
static bool overtaken(const struct link *link, const struct feed *feed)
{
	for (unsigned lane = node_feed_rank(feed); lane <= FEED_LANE_COUNT; lane++)
		if (link->pulls_served[lane - 1] > feed->pull_number + SPREAD_OVERTAKEN)
			return true;
	return false;
}

static bool overdue(const struct node *node, const struct feed *feed)
{
	int64_t patience = (int64_t)SPREAD_PATIENCE_MS << feed->pull_moves;
	if (!monotime_reached(node->now.mono, monotime_add_ms(feed->pull_at, patience)) ||
		(!feed->pull_begun && !overtaken(feed->pull_link, feed)))
		return false;
	list_for_each(&feed->announcers, n)
	{
		const struct announced *a = list_entry(n, struct announced, by_feed);
		if (a->link != feed->pull_link && can_serve(node, a, feed))
			return true;
	}
	return false;
}

/* Single feeds that a link does not give, while it gives others. */
static void take_overdue(struct node *node)
{
	size_t position = 0;
	void *value;
	while (map_next(&node->feeds, &position, NULL, &value)) {
		struct feed *feed = value;
		struct link *link = feed->pull_link;
		if (!link || !overdue(node, feed))
			continue;
		struct log_line l;
		log_begin(&l, LOG_LEVEL_WARN, "pull_moved");
		log_text(&l, "city", link->peer_slug);
		log_bytes(&l, "feed", bytes_of(feed->feed_id.bytes, 8));
		log_text(&l, "reason",
			feed->pull_begun ? "a run begins and does not end" : "others are served before it");
		log_end(&l);
		spread_put_off(link, feed, (int64_t)2 * SPREAD_PATIENCE_MS << feed->pull_moves);
		if (feed->pull_moves < SPREAD_MOVES_MAX)
			feed->pull_moves++;
		give_up_pull(feed);
		spread_unshare(link);
	}
}

void spread_on_deadline(struct node *node)
{
	if (!monotime_reached(node->now.mono, node->spread_at))
		return;
	node->spread_at = monotime_add_ms(node->now.mono, SPREAD_TICK_MS);
	node->want_due = true;
	uint64_t pulls = 0;
	list_for_each(&node->links, n)
	{
		struct link *link = list_entry(n, struct link, node_link);
		pulls += link->pulls_open;
		if (link->pulls_open == 0 || spread_digesting(link) || node->paused ||
			!monotime_reached(node->now.mono, monotime_add_ms(link->progress, SPREAD_STALL_MS)))
			continue;
		struct log_line l;
		log_begin(&l, LOG_LEVEL_INFO, "pulls_moved");
		log_text(&l, "city", link->peer_slug);
		log_text(&l, "reason", "no progress");
		log_uint(&l, "pulls", link->pulls_open);
		log_end(&l);
		take_pulls(link, NULL, SPREAD_STALL_MS);
	}
	if (pulls > 0 && !node->paused)
		take_overdue(node);
}

struct monotime spread_deadline(const struct node *node)
{
	bool busy = node->pulls_open > 0;
	for (int lane = 0; lane < FEED_LANE_COUNT && !busy; lane++)
		busy = !list_empty(&node->wanting[lane]);
	return busy ? node->spread_at : MONOTIME_NEVER;
}
