/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api_alert_index.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/check.h"
#include "base/list.h"
#include "base/map.h"
#include "crypto/key.h"
#include "feed/entry.h"
#include "record/body.h"
#include "store/store.h"

/** What is read of the feed in one transaction. */
#define SCAN_ENTRIES 256u

struct feed_index {
	struct list_node node;
	struct hash feed_id;
	uint64_t next_seq;
	struct map seqs; /* hash of the identifier -> seq + 1 of the newest that has it */
};

struct alert_index {
	uv_mutex_t mutex;
	struct list feeds;
	uint8_t seed[MAP_SEED_SIZE];
};

int alert_index_new(struct alert_index **out)
{
	struct alert_index *index = calloc(1, sizeof(*index));
	*out = NULL;
	if (!index)
		return ERROR_MEMORY;
	if (random_bytes(index->seed, sizeof(index->seed)) != 0) {
		free(index);
		return ERROR_RANDOM;
	}
	require(uv_mutex_init(&index->mutex) == 0);
	list_init(&index->feeds);
	*out = index;
	return 0;
}

void alert_index_free(struct alert_index *index)
{
	struct list_node *node;
	if (!index)
		return;
	while ((node = list_pop_front(&index->feeds))) {
		struct feed_index *feed = list_entry(node, struct feed_index, node);
		map_deinit(&feed->seqs);
		free(feed);
	}
	uv_mutex_destroy(&index->mutex);
	free(index);
}

static struct feed_index *feed_of(struct alert_index *index, const struct hash *feed_id)
{
	list_for_each(&index->feeds, node) {
		struct feed_index *feed = list_entry(node, struct feed_index, node);
		if (hash_equal(&feed->feed_id, feed_id))
			return feed;
	}
	struct feed_index *feed = calloc(1, sizeof(*feed));
	if (!feed)
		return NULL;
	feed->feed_id = *feed_id;
	feed->next_seq = 1;
	map_init(&feed->seqs, HASH_SIZE, index->seed);
	list_push_back(&index->feeds, &feed->node);
	return feed;
}

static json_t *body_of(const struct store_entry *entry)
{
	struct cursor cursor = cursor_init(entry->wire);
	struct entry_view view;
	if (entry_parse(&cursor, &view) != 0 || view.form != ENTRY_FORM_WHOLE)
		return NULL;
	return body_decode(view.body, NULL);
}

static int on_entry(void *ctx, const struct store_entry *entry)
{
	struct feed_index *feed = ctx;
	json_t *body = body_of(entry);
	const char *identifier = json_string_value(json_object_get(body, "identifier"));
	struct hash key;
	int code = 0;
	if (identifier && hash_of("hansa alert index", bytes_from_text(identifier), &key) == 0)
		code = map_put(&feed->seqs, key.bytes, (void *)(uintptr_t)(entry->seq + 1));
	json_decref(body);
	feed->next_seq = entry->seq + 1;
	return code;
}

struct match {
	const struct cap_reference *reference;
	bool matches;
	struct hash entry_hash;
};

static int on_candidate(void *ctx, const struct store_entry *entry)
{
	struct match *match = ctx;
	json_t *body = body_of(entry);
	match->matches = body && cap_reference_matches(match->reference, body);
	match->entry_hash = entry->entry_hash;
	json_decref(body);
	return 0;
}

static int find(struct feed_index *feed, struct store *store,
	const struct cap_reference *reference, struct entry_reference *out)
{
	struct match match = {.reference = reference};
	struct hash key;
	uint64_t next = 0;
	do {
		int code = store_scan(store, &feed->feed_id, feed->next_seq, false, SCAN_ENTRIES,
			STORE_READ_BYTES_MAX, on_entry, feed, &next);
		if (code)
			return code;
	} while (next);
	int code = hash_of("hansa alert index", bytes_from_text(reference->identifier), &key);
	uint64_t seq = (uint64_t)(uintptr_t)map_get(&feed->seqs, key.bytes);
	if (code || !seq)
		return code ? code : ERROR_NOT_FOUND;
	code = store_read_entry(store, &feed->feed_id, seq - 1, on_candidate, &match);
	if (!code && !match.matches)
		code = ERROR_NOT_FOUND;
	if (code)
		return code;
	out->feed_id = feed->feed_id;
	out->seq = seq - 1;
	out->entry_hash = match.entry_hash;
	return 0;
}

int alert_index_find(struct alert_index *index, struct store *store, const struct hash *feed_id,
	const struct cap_reference *reference, struct entry_reference *out)
{
	uv_mutex_lock(&index->mutex);
	struct feed_index *feed = feed_of(index, feed_id);
	int code = feed ? find(feed, store, reference, out) : ERROR_MEMORY;
	uv_mutex_unlock(&index->mutex);
	return code;
}
