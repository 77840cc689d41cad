/* SPDX-License-Identifier: Apache-2.0 */
/** The second half of a draft: what needs the node's names, or the store. */
#include "daemon/api_draft.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/api_alert_index.h"
#include "daemon/api_json.h"
#include "format/cap.h"
#include "record/body.h"

static int name_find(struct api_draft *draft, const char *id, const char *field,
	struct entry_reference *out, struct api_feed *feed)
{
	int code = api_record_find(draft->scope->app, id, field, feed, &out->seq,
		&draft->complaint);
	if (!code)
		out->feed_id = feed->feed_id;
	return code;
}

void api_draft_names(struct api_draft *draft)
{
	struct header *h = draft->header;
	const json_t *array = json_object_get(draft->json, "references"), *one;
	const char *supersedes = json_string_value(json_object_get(draft->json, "supersedes"));
	const struct api_feed *own = &draft->scope->lanes[draft->lane - 1];
	struct api_feed feed;
	size_t i;
	if (supersedes) {
		draft->code = name_find(draft, supersedes, "supersedes", &h->supersedes, &feed);
		if (!draft->code && !hash_equal(&feed.feed_id, &own->feed_id))
			draft->code = complain(&draft->complaint, ERROR_FIELD, "supersedes",
				"A record can only take the place of one by this city, of this "
				"network and kind.");
		h->has_supersedes = true;
	}
	json_array_foreach(array, i, one) {
		char field[48];
		if (draft->code)
			return;
		snprintf(field, sizeof(field), "references[%zu]", i);
		draft->code = name_find(draft, json_string_value(one), field, &h->references[i],
			&feed);
		h->reference_count = i + 1;
		h->has_references = true;
	}
}

static int hash_find(struct api_draft *draft, struct entry_reference *reference,
	const char *field)
{
	int code = store_entry_hash(draft->scope->app->store, &reference->feed_id,
		reference->seq, &reference->entry_hash);
	if (code == ERROR_NOT_FOUND)
		return complain(&draft->complaint, ERROR_FIELD, field,
			"The record that it names is not held here.");
	return code;
}

/** Update, Cancel, Ack and Error name the alerts they act on: those of this city that are here. */
static int alert_references(struct api_draft *draft)
{
	struct cap_reference list[HEADER_REFERENCES_MAX];
	const struct api_draft_scope *scope = draft->scope;
	struct header *h = draft->header;
	size_t count = cap_references(draft->body, list, HEADER_REFERENCES_MAX);
	if (count > HEADER_REFERENCES_MAX)
		count = HEADER_REFERENCES_MAX;
	for (size_t i = 0; i < count && h->reference_count < HEADER_REFERENCES_MAX; i++) {
		int code = alert_index_find(scope->alerts, scope->app->store,
			&scope->lanes[LANE_ALERT - 1].feed_id, &list[i],
			&h->references[h->reference_count]);
		if (code == ERROR_NOT_FOUND)
			continue; /* of another system: the reference stands in the body */
		if (code)
			return code;
		h->reference_count++;
		h->has_references = true;
	}
	return 0;
}

static int attachment_check(struct api_draft *draft, size_t i)
{
	struct header_attachment *a = &draft->header->attachments[i];
	struct store_attachment held;
	char field[48];
	snprintf(field, sizeof(field), "attachments[%zu].id", i);
	int code = store_attachment_info(draft->scope->app->store, &a->id, &held);
	if (code == ERROR_NOT_FOUND || (!code && !held.complete))
		return complain(&draft->complaint, ERROR_FIELD, field,
			"This attachment is not here: store it first.");
	if (code)
		return code;
	if (a->size != UINT64_MAX && a->size != held.size) {
		snprintf(field, sizeof(field), "attachments[%zu].size", i);
		return complain(&draft->complaint, ERROR_FIELD, field,
			"It is %llu, but the attachment has %llu bytes.", (unsigned long long)a->size,
			(unsigned long long)held.size);
	}
	a->size = held.size;
	return 0;
}

static bool body_names(const json_t *body, const char *id)
{
	const json_t *list = json_object_get(body, "attachments"), *one;
	size_t i;
	json_array_foreach(list, i, one) {
		const char *text = json_string_value(json_object_get(one, "id"));
		if (text && strcmp(text, id) == 0)
			return true;
	}
	return false;
}

/** The body tells readers name and media type of what the header has by its id. */
static int body_complete(struct api_draft *draft)
{
	const struct header *h = draft->header;
	const json_t *array = json_object_get(draft->json, "attachments");
	bool added = false;
	for (size_t i = 0; i < h->attachment_count; i++) {
		const json_t *one = json_array_get(array, i);
		const char *name = json_string_value(json_object_get(one, "name"));
		const char *type = json_string_value(json_object_get(one, "media_type"));
		char id[TEXT_HEX_SIZE(HASH_SIZE)];
		text_hex_encode(id, hash_bytes(&h->attachments[i].id));
		if ((h->attachments[i].flags & HEADER_ATTACHMENT_CAP_ORIGINAL) ||
			body_names(draft->body, id))
			continue;
		int code = body_add_attachment(draft->body, id, name ? name : id,
			type ? type : "application/octet-stream", h->attachments[i].size);
		if (code)
			return code;
		added = true;
	}
	if (!added)
		return 0;
	return body_validate((enum record_kind)h->kind, draft->body, &draft->complaint);
}

static int original_save(struct api_draft *draft)
{
	struct header *h = draft->header;
	struct header_attachment *a = &h->attachments[h->attachment_count];
	draft->save = calloc(1, sizeof(*draft->save));
	if (!draft->save)
		return ERROR_MEMORY;
	api_attachment_save_init(draft->save, draft->scope->app);
	int code = api_attachment_save_write(draft->save, draft->original);
	if (!code)
		code = api_attachment_save_finish(draft->save);
	if (code)
		return code;
	a->id = draft->save->id;
	a->size = draft->save->size;
	a->flags = HEADER_ATTACHMENT_CAP_ORIGINAL;
	h->attachment_count++;
	return 0;
}

void api_draft_finish(struct api_draft *draft)
{
	struct header *h = draft->header;
	int code = 0;
	if (h->has_supersedes)
		code = hash_find(draft, &h->supersedes, "supersedes");
	for (size_t i = 0; i < h->reference_count && !code; i++) {
		char field[48];
		snprintf(field, sizeof(field), "references[%zu]", i);
		code = hash_find(draft, &h->references[i], field);
	}
	for (size_t i = 0; i < h->attachment_count && !code; i++)
		code = attachment_check(draft, i);
	if (!code && h->kind == KIND_ALERT && !h->has_references)
		code = alert_references(draft);
	if (!code)
		code = body_complete(draft);
	if (!code && draft->original.len > 0)
		code = original_save(draft);
	if (!code)
		code = api_draft_encode(draft);
	draft->code = code;
	api_draft_release(draft);
}
