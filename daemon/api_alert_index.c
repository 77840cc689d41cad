/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api_alert_index.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/map.h"
#include "base/timestamp.h"
#include "crypto/key.h"
#include "feed/entry.h"
#include "record/body.h"
#include "store/store.h"

/** What is read of the feed in one transaction. */
#define SCAN_ENTRIES 256u
/** Of one alert; CAP sets no limit, and a body of 256 KiB has room for no more than twice as many.
 */
#define REFERENCES_MAX 4096u
/** How many copies of one alert an Update acts on: a slip of the hand makes two or three. */
#define TWINS_MAX 64u

struct feed_index {
	struct hash feed_id;
	uint64_t next_seq;
	struct hash last_hash; /* of the entry before next_seq */
	/* of the feed: older entries may come later, below its first or up to it */
	uint64_t first_seq, fill_seq;
	struct map seqs;      /* hash of what a reference says -> seq + 1 of the newest that is it */
	struct map twins;     /* seq -> seq + 1 of the one before it that says the same */
	struct map followers; /* seq -> 2 * seq of the newest that acts on it, + 1 if it cancels */
	struct map ahead;     /* the same by those ahead of a gap; made anew at each refresh */
};

struct alert_index {
	uv_mutex_t mutex;
	struct map feeds; /* feed id -> feed_index */
	uint8_t seed[MAP_SEED_SIZE];
	struct hasher hasher;
	struct cap_reference references[REFERENCES_MAX];
};

int alert_index_new(struct alert_index **out)
{
	struct alert_index *index = calloc(1, sizeof(*index));
	*out = NULL;
	if (!index)
		return ERROR_MEMORY;
	int code = random_bytes(index->seed, sizeof(index->seed));
	if (!code)
		code = hasher_init(&index->hasher);
	if (code) {
		free(index);
		return code;
	}
	require(uv_mutex_init(&index->mutex) == 0);
	map_init(&index->feeds, HASH_SIZE, index->seed);
	*out = index;
	return 0;
}

void alert_index_free(struct alert_index *index)
{
	size_t position = 0;
	const void *key;
	void *value;
	if (!index)
		return;
	while (map_next(&index->feeds, &position, &key, &value)) {
		struct feed_index *feed = value;
		map_deinit(&feed->seqs);
		map_deinit(&feed->twins);
		map_deinit(&feed->followers);
		map_deinit(&feed->ahead);
		free(feed);
	}
	map_deinit(&index->feeds);
	hasher_deinit(&index->hasher);
	uv_mutex_destroy(&index->mutex);
	free(index);
}

static struct feed_index *feed_of(struct alert_index *index, const struct hash *feed_id)
{
	struct feed_index *feed = map_get(&index->feeds, feed_id->bytes);
	if (feed)
		return feed;
	feed = calloc(1, sizeof(*feed));
	if (!feed || map_put(&index->feeds, feed_id->bytes, feed) != 0) {
		free(feed);
		return NULL;
	}
	feed->feed_id = *feed_id;
	feed->next_seq = 1;
	map_init(&feed->seqs, HASH_SIZE, index->seed);
	map_init(&feed->twins, sizeof(uint64_t), index->seed);
	map_init(&feed->followers, sizeof(uint64_t), index->seed);
	map_init(&feed->ahead, sizeof(uint64_t), index->seed);
	return feed;
}

static json_t *body_of(struct bytes wire)
{
	struct cursor cursor = cursor_init(wire);
	struct entry_view view;
	if (entry_parse(&cursor, &view) != 0 || view.form != ENTRY_FORM_WHOLE)
		return NULL;
	return body_decode(view.body, NULL);
}

/** Times are compared as points in time. ERROR_SYNTAX: such a reference names nothing. */
static int key_of(
	struct alert_index *index, const struct cap_reference *reference, struct hash *out)
{
	struct timestamp sent;
	if (!reference->identifier[0] ||
		timestamp_parse_rfc3339(bytes_from_text(reference->sent), &sent) != 0)
		return ERROR_SYNTAX;
	hasher_begin(&index->hasher, "hansa alert index");
	/* the NUL parts them, and neither has one */
	hasher_add(&index->hasher, bytes_of(reference->sender, strlen(reference->sender) + 1));
	hasher_add(&index->hasher, bytes_of(reference->identifier, strlen(reference->identifier) + 1));
	hasher_add_u64(&index->hasher, (uint64_t)sent.ms);
	return hasher_end(&index->hasher, out);
}

/* Numbers as a map's values, where 0 is none. */
static void *value_of(uint64_t number)
{
	return (void *)(uintptr_t)number;
}

static uint64_t number_of(const void *value)
{
	return (uint64_t)(uintptr_t)value;
}

static const char *text_of(const json_t *body, const char *name)
{
	const char *text = json_string_value(json_object_get(body, name));
	return text ? text : "";
}

/** Marks all that says the same. */
static int follower_put(struct feed_index *feed, struct map *followers, const struct hash *key,
	uint64_t by_seq, bool cancels)
{
	uint64_t seq = number_of(map_get(&feed->seqs, key->bytes));
	for (unsigned i = 0; seq && i < TWINS_MAX; i++) {
		seq--;
		int code = map_put(followers, &seq, value_of(2 * by_seq + (cancels ? 1 : 0)));
		if (code)
			return code;
		seq = number_of(map_get(&feed->twins, &seq));
	}
	return 0;
}

/** Only what stands before it in the feed: nobody can act on what he has not said yet. */
static int followers_add(struct alert_index *index, struct feed_index *feed, struct map *followers,
	const json_t *body, uint64_t by_seq)
{
	const char *type = text_of(body, "msgType");
	bool cancels = strcmp(type, "Cancel") == 0;
	if (!cancels && strcmp(type, "Update") != 0)
		return 0;
	size_t count = cap_references(body, index->references, REFERENCES_MAX);
	int code = 0;
	for (size_t i = 0; i < count && i < REFERENCES_MAX && !code; i++) {
		struct hash key;
		if (key_of(index, &index->references[i], &key) == 0)
			code = follower_put(feed, followers, &key, by_seq, cancels);
	}
	return code;
}

static int seq_put(struct feed_index *feed, const struct hash *key, uint64_t seq)
{
	void *twin = map_get(&feed->seqs, key->bytes);
	int code = twin ? map_put(&feed->twins, &seq, twin) : 0;
	return code ? code : map_put(&feed->seqs, key->bytes, value_of(seq + 1));
}

struct scan {
	struct alert_index *index;
	struct feed_index *feed;
};

static int on_entry(void *ctx, const struct store_entry *entry)
{
	struct scan *scan = ctx;
	struct feed_index *feed = scan->feed;
	json_t *body = body_of(entry->wire);
	struct cap_reference own = {.sender = text_of(body, "sender"),
		.identifier = text_of(body, "identifier"),
		.sent = text_of(body, "sent")};
	struct hash key;
	int code = followers_add(scan->index, feed, &feed->followers, body, entry->seq);
	if (!code && key_of(scan->index, &own, &key) == 0)
		code = seq_put(feed, &key, entry->seq);
	json_decref(body);
	feed->next_seq = entry->seq + 1;
	feed->last_hash = entry->entry_hash;
	return code;
}

/* A Cancel whose predecessor is missing counts at once, as the alert itself would. */
static int on_gap(void *ctx, const struct store_gap *gap)
{
	struct scan *scan = ctx;
	json_t *body = body_of(gap->wire);
	int code = followers_add(scan->index, scan->feed, &scan->feed->ahead, body, gap->seq);
	json_decref(body);
	return code;
}

/** After a cut the feed's end is another, and after a fill it has a beginning. */
static int reset_if_changed(
	struct feed_index *feed, struct store *store, const struct store_feed *now)
{
	struct hash hash;
	bool same = feed->first_seq == now->first_seq && feed->fill_seq == now->fill_seq;
	if (same && feed->next_seq > 1) {
		int code = store_entry_hash(store, &feed->feed_id, feed->next_seq - 1, &hash);
		if (code && code != ERROR_NOT_FOUND)
			return code;
		same = !code && hash_equal(&hash, &feed->last_hash);
	}
	if (!same) {
		map_clear(&feed->seqs);
		map_clear(&feed->twins);
		map_clear(&feed->followers);
		feed->next_seq = 1;
		feed->first_seq = now->first_seq;
		feed->fill_seq = now->fill_seq;
	}
	return 0;
}

static int refresh(struct alert_index *index, struct store *store, struct feed_index *feed)
{
	struct scan scan = {index, feed};
	struct store_feed now;
	uint64_t next = 0;
	int code = store_read_feed(store, &feed->feed_id, &now);
	if (code)
		return code == ERROR_NOT_FOUND ? 0 : code;
	code = reset_if_changed(feed, store, &now);
	while (!code && feed->next_seq <= now.seq) {
		code = store_scan(store, &feed->feed_id, feed->next_seq, false, SCAN_ENTRIES,
			STORE_READ_BYTES_MAX, on_entry, &scan, &next);
		if (!next)
			break;
	}
	map_clear(&feed->ahead);
	if (!code && now.gaps)
		code = store_each_gap(store, &feed->feed_id, on_gap, &scan);
	return code;
}

static int find(struct alert_index *index, struct store *store, struct feed_index *feed,
	const struct cap_reference *reference, struct entry_reference *out)
{
	struct hash key;
	int code = refresh(index, store, feed);
	if (code)
		return code;
	if (key_of(index, reference, &key) != 0)
		return ERROR_NOT_FOUND;
	uint64_t seq = number_of(map_get(&feed->seqs, key.bytes));
	if (!seq)
		return ERROR_NOT_FOUND;
	out->feed_id = feed->feed_id;
	out->seq = seq - 1;
	return store_entry_hash(store, &feed->feed_id, seq - 1, &out->entry_hash);
}

int alert_index_find(struct alert_index *index, struct store *store, const struct hash *feed_id,
	const struct cap_reference *reference, struct entry_reference *out)
{
	uv_mutex_lock(&index->mutex);
	struct feed_index *feed = feed_of(index, feed_id);
	int code = feed ? find(index, store, feed, reference, out) : ERROR_MEMORY;
	uv_mutex_unlock(&index->mutex);
	return code;
}

int alert_index_refresh(struct alert_index *index, struct store *store, const struct hash *feed_id)
{
	uv_mutex_lock(&index->mutex);
	struct feed_index *feed = feed_of(index, feed_id);
	int code = feed ? refresh(index, store, feed) : ERROR_MEMORY;
	uv_mutex_unlock(&index->mutex);
	return code;
}

bool alert_index_follower(
	struct alert_index *index, const struct hash *feed_id, uint64_t seq, struct alert_follower *out)
{
	uint64_t value = 0;
	uv_mutex_lock(&index->mutex);
	const struct feed_index *feed = map_get(&index->feeds, feed_id->bytes);
	if (feed)
		value = number_of(map_get(&feed->ahead, &seq));
	if (feed && !value)
		value = number_of(map_get(&feed->followers, &seq));
	uv_mutex_unlock(&index->mutex);
	*out = (struct alert_follower){.seq = value / 2, .cancels = value % 2};
	return value != 0;
}
