/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/bundle_check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "feed/attachment_id.h"
#include "feed/entry.h"
#include "proto/run_rules.h"
#include "record/header.h"
#include "record/kind.h"

struct check_feed {
	struct hash city_id;
	uint8_t lane;
	bool begun, counted;
	struct feed_tip tip;
};

struct bundle_check {
	struct roster *roster;
	uint8_t seed[MAP_SEED_SIZE];
	struct map feeds; /* feed_id → struct check_feed */
	size_t members;   /* of the roster whose feeds are in it */
	struct hasher hasher;
	struct run_index index;
	struct roster_change change;
	/* the attachment in hand */
	struct buffer list;
	struct hasher chunk;
	uint64_t chunk_number;
	uint32_t chunk_have;
	struct bundle_summary said;
};

int bundle_check_new(const uint8_t seed[static MAP_SEED_SIZE], struct bundle_check **out)
{
	struct bundle_check *check = calloc(1, sizeof *check);
	if (!check)
		return ERROR_MEMORY;
	memcpy(check->seed, seed, MAP_SEED_SIZE);
	map_init(&check->feeds, HASH_SIZE, seed);
	buffer_init(&check->list, SIZE_MAX);
	int code = hasher_init(&check->hasher);
	if (code == 0)
		code = hasher_init(&check->chunk);
	if (code) {
		bundle_check_free(check);
		return code;
	}
	hasher_widen(&check->hasher);
	*out = check;
	return 0;
}

void bundle_check_free(struct bundle_check *check)
{
	if (!check)
		return;
	size_t position = 0;
	void *value;
	while (map_next(&check->feeds, &position, NULL, &value))
		free(value);
	map_deinit(&check->feeds);
	roster_free(check->roster);
	run_index_deinit(&check->index);
	buffer_deinit(&check->list);
	hasher_deinit(&check->hasher);
	hasher_deinit(&check->chunk);
	free(check);
}

static int on_begin(struct bundle_check *check, const struct bundle_begin *begin)
{
	if (check->roster)
		return hash_equal(roster_network_id(check->roster), &begin->network_id)
			? 0
			: ERROR_CHARTER_UNKNOWN;
	check->said.network_id = begin->network_id;
	return roster_new(&begin->network_id, check->seed, &check->roster);
}

static int on_object(struct bundle_check *check, const struct bundle_item *item)
{
	if (!hash_equal(&item->network_id, roster_network_id(check->roster)))
		return ERROR_CHARTER_UNKNOWN;
	int code = roster_apply(check->roster, item->object, &check->change);
	/* Each part may bring the charter; rivals are there to be shown. */
	if (code == ERROR_EXISTS)
		return 0;
	if (code == 0 || code == ERROR_CHARTER_RIVAL)
		check->said.objects++;
	return code == ERROR_CHARTER_RIVAL ? 0 : code;
}

static int add_members(struct bundle_check *check)
{
	const struct roster_member *m;
	while ((m = roster_member_at(check->roster, check->members))) {
		for (uint8_t lane = 1; lane <= FEED_LANE_COUNT; lane++) {
			struct hash id;
			int code = feed_id_of(roster_network_id(check->roster), &m->city_id, lane, &id);
			struct check_feed *feed = code ? NULL : calloc(1, sizeof *feed);
			if (!feed)
				return code ? code : ERROR_MEMORY;
			feed->city_id = m->city_id;
			feed->lane = lane;
			feed_tip_init(&feed->tip, &id);
			if (map_put(&check->feeds, &id, feed)) {
				free(feed);
				return ERROR_MEMORY;
			}
		}
		check->members++;
	}
	return 0;
}

static int count_entries(
	struct bundle_check *check, const struct check_feed *feed, struct bytes entries)
{
	struct cursor c = cursor_init(entries);
	while (cursor_left(&c) > 0) {
		struct entry_view view;
		struct header header;
		int code = entry_parse(&c, &view);
		if (code == 0)
			code = header_decode(view.header, &header);
		if (code)
			return code;
		struct bundle_summary *s = &check->said;
		s->records[feed->lane - 1]++;
		if (!s->first_ms || header.time_ms < s->first_ms)
			s->first_ms = header.time_ms;
		if (header.time_ms > s->last_ms)
			s->last_ms = header.time_ms;
	}
	return 0;
}

static int on_run(struct bundle_check *check, const struct bundle_run *run)
{
	struct run_rules rules;
	struct head head;
	if (!roster_has_genesis(check->roster))
		return ERROR_CHARTER_PREDECESSOR;
	int code = add_members(check);
	struct check_feed *feed = code ? NULL : map_get(&check->feeds, &run->feed_id);
	if (!feed)
		return code ? code : ERROR_NOT_MEMBER;
	code = head_decode(bytes_of(run->head, HEAD_BYTES), &head);
	if (code == 0)
		code = run_rules_of(check->roster, &feed->city_id, feed->lane, head.epoch, &rules);
	if (code)
		return code;
	rules.by_cut = run->flags & RUN_FLAG_CUT;
	if (!feed->begun && run->first_seq > 1) {
		if (!run->has_prev)
			return ERROR_GAP;
		feed_tip_begin(&feed->tip, head.epoch, run->first_seq - 1, &run->prev);
		check->said.begin_later += !feed->counted;
	}
	/* Parts come in their order, so that what lies at or before the tip is a second telling. */
	code = run_verify(&check->hasher, &rules, &feed->tip, run->first_seq, &head, run->entries,
		&check->index, &feed->tip);
	if (code)
		return code;
	check->said.feeds += !feed->counted;
	feed->begun = feed->counted = true;
	return count_entries(check, feed, run->entries);
}

static int on_attachment(struct bundle_check *check, const struct bundle_attachment *a)
{
	buffer_reset(&check->list);
	check->chunk_number = a->first_chunk;
	check->chunk_have = 0;
	hasher_begin(&check->chunk, NULL);
	return 0;
}

static int chunk_over(struct bundle_check *check)
{
	struct hash hash, said;
	memcpy(said.bytes, check->list.data + check->chunk_number * HASH_SIZE, HASH_SIZE);
	int code = hasher_end(&check->chunk, &hash);
	if (code || !hash_equal(&hash, &said))
		return code ? code : ERROR_CHAIN;
	hasher_begin(&check->chunk, NULL);
	check->chunk_have = 0;
	check->chunk_number++;
	return 0;
}

static int on_data(struct bundle_check *check, const struct bundle_item *item)
{
	const struct bundle_attachment *a = &item->attachment;
	struct bytes at = item->data;
	size_t list = (size_t)attachment_chunk_count(a->size) * HASH_SIZE;
	if (check->list.len < list) {
		struct bytes part = bytes_slice(at, 0, list - check->list.len);
		at = bytes_slice(at, part.len, SIZE_MAX);
		if (buffer_push_bytes(&check->list, part))
			return ERROR_MEMORY;
		struct hash id;
		if (check->list.len == list &&
			(attachment_id_of(a->size, buffer_bytes(&check->list), &id) ||
				!hash_equal(&id, &a->id)))
			return ERROR_CHAIN;
	}
	check->said.attachment_bytes += at.len;
	while (at.len) {
		uint32_t want = attachment_chunk_bytes(a->size, check->chunk_number);
		if (want == 0)
			return ERROR_TRAILING;
		struct bytes part = bytes_slice(at, 0, want - check->chunk_have);
		hasher_add(&check->chunk, part);
		check->chunk_have += (uint32_t)part.len;
		at = bytes_slice(at, part.len, SIZE_MAX);
		int code = check->chunk_have == want ? chunk_over(check) : 0;
		if (code)
			return code;
	}
	if (!item->last)
		return 0;
	if (check->chunk_have || check->list.len < list)
		return ERROR_TRUNCATED;
	bool whole = check->chunk_number == attachment_chunk_count(a->size);
	check->said.attachments += whole && a->first_chunk == 0;
	check->said.attachments_partial += !whole || a->first_chunk > 0;
	return 0;
}

int bundle_check_item(
	struct bundle_check *check, const struct bundle_item *item, const struct bundle_begin *begin)
{
	switch (item->type) {
	case BUNDLE_BEGIN:
		return on_begin(check, begin);
	case BUNDLE_OBJECT:
		return on_object(check, item);
	case BUNDLE_RUN:
		return on_run(check, &item->run);
	case BUNDLE_ATTACHMENT:
		return on_attachment(check, &item->attachment);
	case BUNDLE_DATA:
		return on_data(check, item);
	default:
		return 0;
	}
}

void bundle_check_apart(struct bundle_check *check)
{
	size_t position = 0;
	void *value;
	while (map_next(&check->feeds, &position, NULL, &value)) {
		struct check_feed *feed = value;
		feed->begun = false;
	}
}

static uint32_t count_cities(const struct bundle_check *check)
{
	uint32_t count = 0;
	const struct roster_member *m;
	for (size_t i = 0; (m = roster_member_at(check->roster, i)); i++) {
		bool any = false;
		for (uint8_t lane = 1; lane <= FEED_LANE_COUNT; lane++) {
			struct hash id;
			const struct check_feed *feed = feed_id_of(roster_network_id(check->roster),
												&m->city_id, lane, &id) == 0
				? map_get(&check->feeds, &id)
				: NULL;
			any |= feed && feed->counted;
		}
		count += any;
	}
	return count;
}

static void copy_text(char *to, size_t room, struct bytes text)
{
	size_t n = text.len < room - 1 ? text.len : room - 1;
	if (n)
		memcpy(to, text.data, n);
	to[n] = 0;
}

void bundle_check_summary(const struct bundle_check *check, struct bundle_summary *out)
{
	*out = check->said;
	if (!check->roster || !roster_has_genesis(check->roster))
		return;
	copy_text(out->slug, sizeof out->slug, roster_slug(check->roster));
	copy_text(out->name, sizeof out->name, roster_name(check->roster));
	out->amendment = roster_number(check->roster);
	out->members = (uint32_t)roster_active_count(check->roster);
	out->cities = count_cities(check);
}

void bundle_check_place(
	const struct bundle_check *check, const struct bundle_item *item, char *to, size_t room)
{
	const struct check_feed *feed = map_get(&check->feeds, &item->run.feed_id);
	const struct roster_member *m = feed ? roster_member_by_city(check->roster, &feed->city_id)
										 : NULL;
	if (!m) {
		snprintf(to, room, "a feed that the charter does not name");
		return;
	}
	struct bytes network = roster_slug(check->roster);
	snprintf(to, room, "%.*s/%.*s/%s/%" PRIu64, (int)network.len, (const char *)network.data,
		(int)m->slug.len, (const char *)m->slug.data, lane_name(feed->lane), item->run.first_seq);
}
