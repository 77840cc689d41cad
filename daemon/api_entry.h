/* SPDX-License-Identifier: Apache-2.0 */
/**
 * One stored entry, read by a thread of the pool, and its JSON. Made on the loop (its feed is
 * looked up there), read on a thread, finished on the loop.
 */
#pragma once

#include <jansson.h>

#include "base/buffer.h"
#include "daemon/api_names.h"
#include "feed/entry.h"
#include "record/header.h"
#include "store/store.h"

enum api_entry_state {
	API_ENTRY_VALID,
	API_ENTRY_DISOWNED, /* beyond a cut */
	API_ENTRY_GAP,      /* an alert whose predecessor is missing */
};

struct api_entry {
	struct store *store;
	struct api_feed feed;
	uint64_t seq;
	uint32_t epoch_wanted; /* 0: the valid entry, else the disowned one of that epoch */

	/* after api_entry_read */
	int code; /* 0, ERROR_NOT_FOUND, the store's errors */
	enum api_entry_state state;
	uint32_t epoch;
	struct hash hash, prev;
	struct buffer wire;
	uint64_t arrival;
	struct timestamp arrived;
	struct hash source_city; /* zeros: made here */
	bool has_head;
	uint8_t head[STORE_HEAD_SIZE];
	uint64_t head_seq;

	/* after api_entry_parse: views into `wire` */
	struct entry_view view;
	struct header header;
};

struct alert_index;

void api_entry_init(struct api_entry *entry, struct store *store);
void api_entry_deinit(struct api_entry *entry);

/** Thread: reads it; the code is also in entry->code. */
int api_entry_read(struct api_entry *entry);
/** Takes over what a store callback shows, before it dies. */
int api_entry_take(struct api_entry *entry, const struct store_entry *from,
	enum api_entry_state state);
/** Any thread. ERROR_CORRUPT. */
int api_entry_parse(struct api_entry *entry);

/** As the API has it: valid, purged, disowned, gap, disputed. */
const char *api_entry_state_name(const struct api_entry *entry);

/** The body, NULL where it is purged, sealed or cannot be read. A new reference. */
json_t *api_entry_body(const struct api_entry *entry);
/** What a list shows (RecordSummary). Any thread; new references, NULL without memory. */
json_t *api_entry_summary(const struct api_entry *entry);
/** The whole Record; reads the store for what attachments are held. Thread. */
json_t *api_entry_record(const struct api_entry *entry);
/**
 * Names the Update or Cancel that acts on this alert, if there is one, in its summary or Record
 * (`followed_by`). Any thread, after alert_index_refresh.
 */
void api_entry_set_follower(
	const struct api_entry *entry, struct alert_index *alerts, json_t *json);
/** Loop: puts record ids beside the references of a Record. */
void api_entry_name_references(const struct app *app, json_t *record);

/**
 * Loop: prepares the entry that the request's path names. On an error the request is answered. The
 * entry is a part of `state`, whose owner deinits it.
 */
int api_entry_of_request(struct http_request *request, struct api_entry *entry);
/** The id of the entry, as people write it. */
const char *api_entry_id(const struct api_entry *entry, char to[static API_RECORD_ID_MAX]);
