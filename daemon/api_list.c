/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/api_alert_index.h"
#include "daemon/api_entry.h"

/** Entries of one look into a feed for one that passes the filter. */
#define LOOK_ENTRIES 64u

struct api_list_feed {
	struct api_feed feed;
	uint64_t next_seq;  /* where to look on, downwards; 0: done */
	bool found;         /* the newest that passes and was not given out yet */
	struct api_list_place place;
	uint64_t low_ms;    /* time of the last entry looked at */
	/* Alerts that stand aside, beyond the feed's end: listed before all of it. */
	struct api_list_gap {
		uint64_t seq, time_ms;
	} *gaps;            /* STORE_GAPS_MAX; NULL: there are none */
	unsigned gap_count; /* not given out yet, ascending */
};

int api_list_add(struct api_list *list, const struct api_feed *feed)
{
	if (list->count == list->capacity) {
		size_t capacity = list->capacity ? 2 * list->capacity : 16;
		struct api_list_feed *feeds = realloc(list->feeds, capacity * sizeof(*feeds));
		if (!feeds)
			return ERROR_MEMORY;
		list->feeds = feeds;
		list->capacity = capacity;
	}
	struct api_list_feed *one = &list->feeds[list->count++];
	memset(one, 0, sizeof(*one));
	one->feed = *feed;
	memcpy(one->place.feed, feed->feed_id.bytes, sizeof(one->place.feed));
	return 0;
}

void api_list_deinit(struct api_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->feeds[i].gaps);
	free(list->feeds);
	json_decref(list->records);
}

/** Positive: `a` is listed before `b`. */
static int place_compare(const struct api_list_place *a, const struct api_list_place *b)
{
	if (a->time_ms != b->time_ms)
		return a->time_ms > b->time_ms ? 1 : -1;
	int order = memcmp(a->feed, b->feed, sizeof(a->feed));
	if (order)
		return order;
	return a->seq > b->seq ? 1 : a->seq < b->seq ? -1 : 0;
}

static bool header_of(const struct store_entry *entry, struct header *header)
{
	struct cursor cursor = cursor_init(entry->wire);
	struct entry_view view;
	return entry_parse(&cursor, &view) == 0 && header_decode(view.header, header) == 0;
}

static bool passes(const struct api_list_filter *f, const struct header *h)
{
	if ((f->kind && h->kind != f->kind) || h->time_ms < f->since_ms ||
		h->time_ms >= f->until_ms ||
		(f->open_at_ms && h->expiry_ms && h->expiry_ms <= f->open_at_ms))
		return false;
	if (!f->topic[0])
		return true;
	for (size_t i = 0; i < h->topic_count; i++) {
		if (bytes_equal_text(h->topics[i], f->topic))
			return true;
	}
	return false;
}

static bool is_followed(
	const struct api_list *list, const struct api_list_feed *one, uint64_t seq)
{
	struct alert_follower follower;
	return one->feed.lane == LANE_ALERT &&
		alert_index_follower(list->alerts, &one->feed.feed_id, seq, &follower);
}

struct look {
	struct api_list *list;
	struct api_list_feed *one;
};

#define FOUND 1

static int on_look(void *ctx, const struct store_entry *entry)
{
	struct look *look = ctx;
	struct api_list_feed *one = look->one;
	struct header header;
	look->list->examined++;
	one->next_seq = entry->seq - 1;
	if (!header_of(entry, &header))
		return ERROR_CORRUPT;
	one->low_ms = header.time_ms;
	if (!passes(&look->list->filter, &header) ||
		(look->list->filter.open_at_ms && is_followed(look->list, one, entry->seq)))
		return 0;
	one->found = true;
	one->place.time_ms = header.time_ms;
	one->place.seq = entry->seq;
	return FOUND;
}

/** They are few, and their chain shows nothing yet: those that pass are noted at once. */
static int on_gap(void *ctx, const struct store_gap *gap)
{
	struct look *look = ctx;
	struct api_list_feed *one = look->one;
	struct api_list_place place = one->place;
	struct header header;
	struct cursor cursor = cursor_init(gap->wire);
	struct entry_view view;
	look->list->examined++;
	if (!one->gaps)
		one->gaps = calloc(STORE_GAPS_MAX, sizeof(*one->gaps));
	if (!one->gaps)
		return ERROR_MEMORY;
	if (entry_parse(&cursor, &view) != 0 || header_decode(view.header, &header) != 0)
		return ERROR_CORRUPT;
	place.time_ms = header.time_ms;
	place.seq = gap->seq;
	if (one->gap_count < STORE_GAPS_MAX && passes(&look->list->filter, &header) &&
		(!look->list->has_before || place_compare(&place, &look->list->before) < 0))
		one->gaps[one->gap_count++] = (struct api_list_gap){gap->seq, header.time_ms};
	return 0;
}

/** Finds the feed's next entry that passes, as far as one page may look. */
static int feed_advance(struct api_list *list, struct api_list_feed *one)
{
	struct look look = {list, one};
	one->found = one->gap_count > 0;
	if (one->found) {
		one->gap_count--;
		one->place.seq = one->gaps[one->gap_count].seq;
		one->place.time_ms = one->gaps[one->gap_count].time_ms;
	}
	while (one->next_seq && !one->found && list->examined < API_LIST_EXAMINED_MAX) {
		uint64_t next = 0;
		int code = store_scan(list->store, &one->feed.feed_id, one->next_seq, true,
			LOOK_ENTRIES, STORE_READ_BYTES_MAX, on_look, &look, &next);
		if (code < 0)
			return code;
		if (code != FOUND)
			one->next_seq = next;
		/* In a feed that is older than what is asked for nothing is left. */
		if (!one->found && one->low_ms < list->filter.since_ms)
			one->next_seq = 0;
	}
	return 0;
}

static int on_place(void *ctx, const struct store_entry *entry)
{
	struct api_list_place *place = ctx;
	struct header header;
	if (!header_of(entry, &header))
		return ERROR_CORRUPT;
	place->time_ms = header.time_ms;
	place->seq = entry->seq;
	return FOUND;
}

static int place_at(const struct api_list *list, const struct api_list_feed *one, uint64_t seq,
	struct api_list_place *out)
{
	memcpy(out->feed, one->place.feed, sizeof(out->feed));
	int code = store_scan(list->store, &one->feed.feed_id, seq, true, 1, STORE_READ_BYTES_MAX,
		on_place, out, NULL);
	return code == FOUND ? 0 : code ? code : ERROR_NOT_FOUND;
}

/** The highest seq that comes after `before`; 0: none. */
static int feed_bisect(const struct api_list *list, struct api_list_feed *one, uint64_t low,
	uint64_t high)
{
	struct api_list_place place;
	one->next_seq = 0;
	while (low <= high) {
		uint64_t middle = low + (high - low) / 2;
		int code = place_at(list, one, middle, &place);
		if (code)
			return code;
		if (place_compare(&place, &list->before) < 0) {
			one->next_seq = middle;
			low = middle + 1;
		} else {
			high = middle - 1;
		}
	}
	return 0;
}

static int feed_start(struct api_list *list, struct api_list_feed *one)
{
	struct store_feed feed;
	int code = store_read_feed(list->store, &one->feed.feed_id, &feed);
	if (code)
		return code == ERROR_NOT_FOUND ? 0 : code;
	if (one->feed.lane == LANE_ALERT) {
		struct look look = {list, one};
		code = alert_index_refresh(list->alerts, list->store, &one->feed.feed_id);
		if (!code && feed.gaps)
			code = store_each_gap(list->store, &one->feed.feed_id, on_gap, &look);
	}
	if (code)
		return code;
	one->next_seq = feed.seq;
	if (feed.seq && list->has_before)
		code = feed_bisect(list, one,
			feed.fill_seq || !feed.first_seq ? 1 : feed.first_seq, feed.seq);
	return code ? code : feed_advance(list, one);
}

static int give(struct api_list *list, struct api_list_feed *one, struct api_entry *entry)
{
	entry->feed = one->feed;
	entry->seq = one->place.seq;
	int code = api_entry_read(entry);
	if (code == ERROR_NOT_FOUND)
		return 0; /* cut away meanwhile */
	json_t *json = code ? NULL : api_entry_summary(entry);
	if (json)
		api_entry_set_follower(entry, list->alerts, json);
	if (!code && json_array_append_new(list->records, json) != 0)
		code = ERROR_MEMORY;
	return code;
}

/** The page ends before its limit: it goes on at the newest place that was not looked at. */
static void page_cut(struct api_list *list)
{
	struct api_list_place next = {0};
	for (size_t i = 0; i < list->count; i++) {
		const struct api_list_feed *one = &list->feeds[i];
		struct api_list_place place = one->place;
		if (!one->found) {
			if (!one->next_seq)
				continue;
			place.time_ms = one->low_ms;
			place.seq = one->next_seq;
		}
		place.seq++; /* before this: the place itself is the next page's */
		if (place_compare(&place, &next) > 0)
			next = place;
		list->more = true;
	}
	list->next = next;
}

static int merge(struct api_list *list, struct api_entry *entry)
{
	while (json_array_size(list->records) < list->filter.limit) {
		struct api_list_feed *best = NULL;
		for (size_t i = 0; i < list->count; i++) {
			struct api_list_feed *one = &list->feeds[i];
			if (one->found && (!best || place_compare(&one->place, &best->place) > 0))
				best = one;
		}
		if (list->examined >= API_LIST_EXAMINED_MAX)
			break;
		if (!best)
			return 0;
		int code = give(list, best, entry);
		if (!code)
			code = feed_advance(list, best);
		if (code)
			return code;
	}
	page_cut(list);
	return 0;
}

int api_list_run(struct api_list *list)
{
	struct api_entry entry;
	api_entry_init(&entry, list->store);
	list->records = json_array();
	int code = list->records ? 0 : ERROR_MEMORY;
	for (size_t i = 0; i < list->count && !code; i++)
		code = feed_start(list, &list->feeds[i]);
	if (!code)
		code = merge(list, &entry);
	api_entry_deinit(&entry);
	list->code = code;
	return code;
}

const char *api_list_place_format(char to[static API_LIST_CURSOR_MAX],
	const struct api_list_place *place)
{
	char hex[TEXT_HEX_SIZE(8)];
	snprintf(to, API_LIST_CURSOR_MAX, "%llu-%s-%llu", (unsigned long long)place->time_ms,
		text_hex_encode(hex, bytes_of(place->feed, sizeof(place->feed))),
		(unsigned long long)place->seq);
	return to;
}

int api_list_place_parse(const char *text, struct api_list_place *out)
{
	size_t len = strspn(text, "0123456789");
	if (len == 0 || len > 18 || text[len] != '-' || strlen(text) < len + 19)
		return ERROR_SYNTAX;
	const char *hex = text + len + 1, *seq = hex + 17;
	size_t seq_len = strspn(seq, "0123456789");
	if (hex[16] != '-' || seq_len == 0 || seq_len > 18 || seq[seq_len] ||
		text_hex_decode(out->feed, sizeof(out->feed), bytes_of(hex, 16)) != 0)
		return ERROR_SYNTAX;
	out->time_ms = strtoull(text, NULL, 10);
	out->seq = strtoull(seq, NULL, 10);
	return 0;
}
