/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/check.h"
#include "feed/entry.h"
#include "proto/node_private.h"
#include "record/header.h"
#include "record/kind.h"

/*
 * Quotas of the charter (docs/decisions/032). A bucket for each feed that has one: a day's entries
 * and bytes fit in, and it empties at their rate. It runs in the feed's own time, the header times
 * as far as they ascend and are not ahead of this clock: so a backlog of years is no flood, and an
 * entry dated back behind the tip counts with the tip. At the origin what does not fit is refused;
 * elsewhere a run is taken while the bucket is not full, and then none until it is not any more. A
 * run is never split, and nothing is skipped.
 */

#define DAY_MS 86400000.0
/* Read back of the store when a bucket is made: what was counted before a restart. */
#define QUOTA_READ_ENTRIES 512u

struct quota {
	uint64_t entries_a_day, bytes_a_day; /* 0: no limit of that kind */
	double entries, bytes;               /* in the bucket at `at_ms` */
	double at_ms, wait_ms;
	struct monotime looked; /* what has passed since then flows out in any case */
	bool full;              /* nothing is taken before `until` */
	struct monotime until;
};

static void flow_out(struct quota *q, double at_ms)
{
	if (at_ms <= q->at_ms)
		return;
	double days = (at_ms - q->at_ms) / DAY_MS;
	q->entries -= (double)q->entries_a_day * days;
	q->bytes -= (double)q->bytes_a_day * days;
	q->entries = q->entries > 0 ? q->entries : 0;
	q->bytes = q->bytes > 0 ? q->bytes : 0;
	q->at_ms = at_ms;
}

static void fill_in(struct quota *q, double at_ms, uint32_t cost)
{
	flow_out(q, at_ms);
	q->entries += 1;
	q->bytes += cost;
}

/* How long it takes until so much more fits in; 0: it does. */
static double wait_of(double level, double more, uint64_t a_day)
{
	double over = level + more - (double)a_day;
	return a_day && level > 0 && over > 0 ? over / (double)a_day * DAY_MS : 0;
}

static double wait_for(const struct quota *q, double entries, double bytes)
{
	double a = wait_of(q->entries, entries, q->entries_a_day);
	double b = wait_of(q->bytes, bytes, q->bytes_a_day);
	return a > b ? a : b;
}

static double time_of(const struct feed *feed, struct bytes header_bytes)
{
	int64_t now = feed->network->node->now.wall.ms;
	struct header header;
	if (header_decode(header_bytes, &header) || header.time_ms > (uint64_t)now)
		return (double)now;
	return (double)header.time_ms;
}

struct read_back {
	const struct feed *feed;
	struct {
		double at_ms;
		uint32_t cost;
	} entries[QUOTA_READ_ENTRIES];
	size_t count;
};

static int read_entry(void *ctx, const struct store_entry *stored)
{
	struct read_back *back = ctx;
	struct cursor c = cursor_init(stored->wire);
	struct entry_view view;
	if (entry_parse(&c, &view) || back->count == QUOTA_READ_ENTRIES)
		return 0;
	back->entries[back->count].at_ms = time_of(back->feed, view.header);
	back->entries[back->count++].cost = entry_cost(&view);
	return 0;
}

static void refill(const struct feed *feed, struct quota *q)
{
	struct store *store = feed->network->node->config.store;
	struct read_back *back = calloc(1, sizeof *back);
	if (!back)
		return;
	back->feed = feed;
	if (store && feed->durable_seq)
		store_scan(store, &feed->feed_id, 0, true, QUOTA_READ_ENTRIES, STORE_READ_BYTES_MAX,
			read_entry, back, NULL);
	for (size_t i = back->count; i-- > 0;)
		fill_in(q, back->entries[i].at_ms, back->entries[i].cost);
	free(back);
}

/* The feed's bucket, under the quota that the charter names now; NULL: it has none. */
static struct quota *quota_of(struct feed *feed)
{
	uint64_t entries, bytes;
	if (roster_quota(feed->network->roster, &feed->city_id, feed->lane, &entries, &bytes) ||
		(entries == 0 && bytes == 0)) {
		quota_free(feed);
		return NULL;
	}
	if (!feed->quota) {
		feed->quota = calloc(1, sizeof *feed->quota);
		if (!feed->quota)
			return NULL;
		feed->quota->entries_a_day = entries;
		feed->quota->bytes_a_day = bytes;
		feed->quota->looked = feed->network->node->now.mono;
		refill(feed, feed->quota);
	}
	struct quota *q = feed->quota;
	if (q->entries_a_day != entries || q->bytes_a_day != bytes) {
		q->entries_a_day = entries;
		q->bytes_a_day = bytes;
		q->full = false;
	}
	return q;
}

void quota_free(struct feed *feed)
{
	free(feed->quota);
	feed->quota = NULL;
}

static void log_full(const struct feed *feed, const struct quota *q)
{
	const struct roster_member *of = roster_member_by_city(feed->network->roster, &feed->city_id);
	struct log_line l;
	log_begin(&l, LOG_LEVEL_WARN, "quota_full");
	log_text(&l, "network", feed->network->slug);
	if (of)
		log_text_bytes(&l, "city", of->slug);
	log_text(&l, "lane", lane_name(feed->lane));
	log_uint(&l, "entries_a_day", q->entries_a_day);
	log_uint(&l, "bytes_a_day", q->bytes_a_day);
	log_uint(&l, "seconds", (uint64_t)(q->wait_ms / 1000));
	log_text(&l, "reason", "no more of the feed is taken for so long");
	log_end(&l);
}

bool quota_waits(struct feed *feed)
{
	struct quota *q = feed->quota ? quota_of(feed) : NULL;
	return q && q->full && !monotime_reached(feed->network->node->now.mono, q->until);
}

bool quota_full(struct feed *feed, struct bytes entries)
{
	struct node *node = feed->network->node;
	struct quota *q = feed->own ? NULL : quota_of(feed);
	struct cursor c = cursor_init(entries);
	struct entry_view view;
	if (!q || entry_parse(&c, &view))
		return false;
	if (quota_waits(feed))
		return true;
	q->full = false;
	flow_out(q, q->at_ms + (double)monotime_diff_us(node->now.mono, q->looked) / 1000);
	flow_out(q, time_of(feed, view.header));
	q->looked = node->now.mono;
	q->wait_ms = wait_for(q, 1, 1);
	if (q->wait_ms <= 0)
		return false;
	q->wait_ms += 1000; /* not a hair too early */
	q->full = true;
	q->until = monotime_add_ms(node->now.mono, (int64_t)q->wait_ms);
	log_full(feed, q);
	return true;
}

void quota_taken(struct feed *feed, struct bytes entries)
{
	struct quota *q = feed->own ? NULL : quota_of(feed);
	struct cursor c = cursor_init(entries);
	struct entry_view view;
	while (q && cursor_left(&c) && entry_parse(&c, &view) == 0)
		fill_in(q, time_of(feed, view.header), entry_cost(&view));
}

int quota_publish(struct feed *feed, size_t header_len, size_t body_len)
{
	struct quota *q = quota_of(feed);
	double cost = (double)(ENTRY_OVERHEAD_BYTES + header_len + body_len);
	double now = (double)feed->network->node->now.wall.ms;
	if (!q)
		return 0;
	flow_out(q, now);
	q->wait_ms = wait_for(q, 1, cost);
	if (q->wait_ms > 0)
		return ERROR_QUOTA;
	fill_in(q, now, (uint32_t)cost);
	return 0;
}

bool node_quota(
	const struct node *node, const struct hash *network_id, uint8_t lane, struct node_quota *out)
{
	const struct network *network = node_network_find(node, network_id);
	const struct feed *feed = network && lane >= 1 && lane <= FEED_LANE_COUNT
		? network->own_feeds[lane - 1]
		: NULL;
	if (!feed || !feed->quota)
		return false;
	const struct quota *q = feed->quota;
	*out = (struct node_quota){.entries_a_day = q->entries_a_day,
		.bytes_a_day = q->bytes_a_day,
		.free_at = timestamp_from_ms((int64_t)(q->at_ms + q->wait_ms))};
	return true;
}
