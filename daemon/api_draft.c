/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api_draft.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "charter/roster.h"
#include "daemon/api_json.h"
#include "feed/feed.h"
#include "format/cap.h"
#include "record/body.h"
#include "record/json_text.h"

int api_draft_scope_init(struct api_draft_scope *scope, struct app *app, struct alert_index *alerts,
	size_t network_index, struct api_draft_scope *last, struct complaint *c)
{
	const struct hash *network_id = roster_network_id(
		node_network_roster(app->node, network_index));
	scope->app = app;
	scope->alerts = alerts;
	if (!api_feed_of(app, network_id, &app->identity.city_id, LANE_MIN, &scope->lanes[0]))
		return complain(
			c, ERROR_NOT_MEMBER, "network", "This city is not a member of the network.");
	/* Of all requests but the first the ids are known: four hashes less. */
	bool known = hash_equal(&last->lanes[0].feed_id, &scope->lanes[0].feed_id);
	for (uint8_t lane = LANE_MIN + 1; lane <= LANE_MAX; lane++) {
		struct api_feed *feed = &scope->lanes[lane - 1];
		*feed = scope->lanes[0];
		feed->lane = lane;
		int code = 0;
		if (known)
			feed->feed_id = last->lanes[lane - 1].feed_id;
		else
			code = feed_id_of(&feed->network_id, &feed->city_id, lane, &feed->feed_id);
		if (code)
			return code;
	}
	*last = *scope;
	return 0;
}

void api_draft_init(struct api_draft *draft, const struct api_draft_scope *scope, uint64_t time_ms,
	struct buffer *out)
{
	memset(draft, 0, sizeof(*draft));
	draft->scope = scope;
	draft->time_ms = time_ms;
	draft->out = out;
}

void api_draft_release(struct api_draft *draft)
{
	json_decref(draft->json);
	json_decref(draft->body);
	free(draft->header);
	free(draft->topics);
	draft->json = draft->body = NULL;
	draft->header = NULL;
	draft->topics = NULL;
}

void api_draft_deinit(struct api_draft *draft)
{
	api_draft_release(draft);
	if (draft->save) {
		api_attachment_save_deinit(draft->save);
		free(draft->save);
		draft->save = NULL;
	}
}

struct bytes api_draft_header(const struct api_draft *draft)
{
	return bytes_slice(buffer_bytes(draft->out), draft->header_at, draft->header_len);
}

struct bytes api_draft_body(const struct api_draft *draft)
{
	return bytes_slice(buffer_bytes(draft->out), draft->body_at, draft->body_len);
}

static int topic_add(struct api_draft *draft, struct bytes topic, size_t i)
{
	struct header *h = draft->header;
	char field[48];
	snprintf(field, sizeof(field), "topics[%zu]", i);
	if (i >= HEADER_TOPICS_MAX)
		return complain(
			&draft->complaint, ERROR_FIELD, "topics", "At most %d are taken.", HEADER_TOPICS_MAX);
	if (topic.len < 1 || topic.len > HEADER_TOPIC_SIZE_MAX)
		return complain(&draft->complaint, ERROR_FIELD, field, "A topic has 1 to 64 bytes.");
	h->topics[h->topic_count++] = topic;
	return 0;
}

static int topics_read(struct api_draft *draft)
{
	const json_t *array = json_object_get(draft->json, "topics"), *one;
	size_t i;
	if (array && !json_is_null(array) && !json_is_array(array))
		return complain(&draft->complaint, ERROR_FIELD, "topics", "It must be a list.");
	json_array_foreach(array, i, one)
	{
		struct bytes topic = bytes_of(json_string_value(one), json_string_length(one));
		int code = topic_add(draft, topic, i);
		if (code)
			return code;
	}
	return 0;
}

static int expiry_read(struct api_draft *draft, unsigned kind)
{
	const char *text;
	struct timestamp time;
	int code = api_json_get_text_maybe(draft->json, "expires", 1, 64, &text, &draft->complaint);
	if (code)
		return code;
	int64_t ms = body_expiry_ms((enum record_kind)kind, draft->body);
	if (text) {
		if (timestamp_parse_rfc3339(bytes_from_text(text), &time) != 0 || time.ms <= 0)
			return complain(&draft->complaint, ERROR_FIELD, "expires",
				"It must be a time such as 2027-01-31T12:00:00Z.");
		ms = time.ms;
	}
	draft->header->expiry_ms = ms > 0 ? (uint64_t)ms : 0;
	return 0;
}

static int attachment_read(struct api_draft *draft, const json_t *json, size_t i)
{
	struct header_attachment *a = &draft->header->attachments[i];
	struct complaint inner = {.field = "", .reason = ""};
	const char *name, *type;
	uint64_t size;
	bool original;
	int code = api_json_get_hex(json, "id", a->id.bytes, HASH_SIZE, &inner);
	if (!code)
		code = api_json_get_text_maybe(json, "name", 1, 255, &name, &inner);
	if (!code)
		code = api_json_get_text_maybe(json, "media_type", 1, 127, &type, &inner);
	if (!code)
		code = api_json_get_uint(
			json, "size", 0, HEADER_ATTACHMENT_SIZE_MAX, UINT64_MAX, &size, &inner);
	if (!code)
		code = api_json_get_bool(json, "original", false, &original, &inner);
	if (code) {
		char field[sizeof(inner.field)];
		snprintf(field, sizeof(field), "attachments[%zu].%.40s", i, inner.field);
		return complain(&draft->complaint, code, field, "%s", inner.reason);
	}
	a->size = size; /* UINT64_MAX: not said; the store knows */
	a->flags = original ? HEADER_ATTACHMENT_CAP_ORIGINAL : 0;
	draft->header->attachment_count = i + 1;
	draft->needs_store = true;
	return 0;
}

static int attachments_read(struct api_draft *draft)
{
	const json_t *array = json_object_get(draft->json, "attachments"), *one;
	size_t i;
	if (array && !json_is_null(array) && !json_is_array(array))
		return complain(&draft->complaint, ERROR_FIELD, "attachments", "It must be a list.");
	if (json_array_size(array) > HEADER_ATTACHMENTS_MAX)
		return complain(&draft->complaint, ERROR_FIELD, "attachments", "At most %d are taken.",
			HEADER_ATTACHMENTS_MAX);
	json_array_foreach(array, i, one)
	{
		int code = attachment_read(draft, one, i);
		if (code)
			return code;
	}
	return 0;
}

static int content_id_read(struct api_draft *draft)
{
	uint8_t *id = draft->header->content_id;
	if (json_object_get(draft->json, "content_id"))
		return api_json_get_hex(draft->json, "content_id", id, CONTENT_ID_SIZE, &draft->complaint);
	return random_bytes(id, CONTENT_ID_SIZE);
}

/** Also says whether names have to be looked up. */
static int references_read(struct api_draft *draft)
{
	const json_t *array = json_object_get(draft->json, "references"), *one;
	const char *supersedes;
	size_t i;
	int code = api_json_get_text_maybe(
		draft->json, "supersedes", 1, API_RECORD_ID_MAX, &supersedes, &draft->complaint);
	if (code)
		return code;
	if (array && !json_is_null(array) && !json_is_array(array))
		return complain(
			&draft->complaint, ERROR_FIELD, "references", "It must be a list of record ids.");
	if (json_array_size(array) > HEADER_REFERENCES_MAX)
		return complain(&draft->complaint, ERROR_FIELD, "references", "At most %d are taken.",
			HEADER_REFERENCES_MAX);
	json_array_foreach(array, i, one)
	{
		if (!json_is_string(one))
			return complain(
				&draft->complaint, ERROR_FIELD, "references", "It must be a list of record ids.");
	}
	draft->needs_names = supersedes || json_array_size(array) > 0;
	draft->needs_store |= draft->needs_names;
	return 0;
}

static bool alert_acts(const json_t *body)
{
	struct cap_reference reference;
	return cap_references(body, &reference, 1) > 0;
}

int api_draft_encode(struct api_draft *draft)
{
	struct header *h = draft->header;
	draft->body_at = draft->out->len;
	int code = body_encode(draft->body, draft->out, &draft->complaint);
	if (code)
		return code;
	draft->body_len = draft->out->len - draft->body_at;
	h->body_size = (uint32_t)draft->body_len;
	draft->header_at = draft->out->len;
	code = header_encode(h, draft->out);
	draft->header_len = draft->out->len - draft->header_at;
	if (code == ERROR_SIZE)
		complain(&draft->complaint, ERROR_SIZE, "",
			"Topics, attachments and references "
			"together are too large.");
	return code;
}

static bool header_names(const struct header *h, const char *text)
{
	struct hash id;
	if (!text || text_hex_decode(id.bytes, HASH_SIZE, bytes_from_text(text)) != 0)
		return false;
	for (size_t i = 0; i < h->attachment_count; i++)
		if (hash_equal(&h->attachments[i].id, &id))
			return true;
	return false;
}

/** What only the body names, no other city would fetch. */
static int body_attachments_check(struct api_draft *draft)
{
	const json_t *list = json_object_get(draft->body, "attachments"), *one;
	size_t i;
	json_array_foreach(list, i, one) {
		char field[48];
		if (header_names(draft->header, json_string_value(json_object_get(one, "id"))))
			continue;
		snprintf(field, sizeof(field), "body.attachments[%zu].id", i);
		return complain(&draft->complaint, ERROR_FIELD, field,
			"The record's own attachments do not name it: no other city would fetch it.");
	}
	return 0;
}

/** All fields are read: encodes the record, unless something is still needed. */
static void parsed(struct api_draft *draft, unsigned kind)
{
	draft->header->kind = (uint16_t)kind;
	draft->header->time_ms = draft->time_ms;
	draft->lane = (uint8_t)lane_of_kind(kind);
	if (kind == KIND_ALERT && alert_acts(draft->body))
		draft->needs_store = true;
	if (draft->needs_store)
		return;
	draft->code = api_draft_encode(draft);
	api_draft_release(draft);
}

static int fields_read(struct api_draft *draft, unsigned *kind)
{
	static const char *const known[] = {"kind", "body", "topics", "expires", "content_id",
		"supersedes", "references", "receipts", "attachments"};
	struct complaint *c = &draft->complaint;
	const char *name;
	bool receipts;
	int code = api_json_only(draft->json, known, sizeof(known) / sizeof(known[0]), c);
	if (!code)
		code = api_json_get_text(draft->json, "kind", 1, 32, &name, c);
	if (code)
		return code;
	*kind = kind_parse(bytes_from_text(name));
	if (!kind_known(*kind))
		return complain(c, ERROR_FIELD, "kind", "It must be alert, call, doc or meta.");
	json_t *body = json_object_get(draft->json, "body");
	if (!json_is_object(body))
		return complain(c, ERROR_FIELD, "body", "It must be an object.");
	draft->body = json_incref(body);
	code = body_validate((enum record_kind) * kind, body, c);
	if (!code)
		code = topics_read(draft);
	if (!code)
		code = expiry_read(draft, *kind);
	if (!code)
		code = content_id_read(draft);
	if (!code)
		code = attachments_read(draft);
	if (!code)
		code = body_attachments_check(draft);
	if (!code)
		code = references_read(draft);
	if (!code)
		code = api_json_get_bool(draft->json, "receipts", false, &receipts, c);
	if (!code)
		draft->header->flags = receipts ? HEADER_FLAG_RECEIPTS : 0;
	return code;
}

void api_draft_parse(struct api_draft *draft, struct bytes text)
{
	json_error_t error;
	unsigned kind = 0;
	draft->header = calloc(1, sizeof(*draft->header));
	if (!draft->header) {
		draft->code = ERROR_MEMORY;
		return;
	}
	if (!text_utf8_valid(text)) {
		draft->code = complain(&draft->complaint, ERROR_UTF8, "", "The record is not valid UTF-8.");
		return;
	}
	if (text.len == 0) {
		draft->code = complain(&draft->complaint, ERROR_SYNTAX, "", "The record is empty.");
		return;
	}
	draft->json = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &error);
	if (!draft->json) {
		draft->code = complain(&draft->complaint, ERROR_SYNTAX, "",
			"The record is not good JSON: line %d, column %d: %s.", error.line, error.column,
			json_text_fault(&error));
		return;
	}
	if (!json_is_object(draft->json)) {
		draft->code = complain(
			&draft->complaint, ERROR_SYNTAX, "", "The record must be a JSON object.");
		return;
	}
	draft->code = fields_read(draft, &kind);
	if (!draft->code)
		parsed(draft, kind);
}

static int cap_topics(struct api_draft *draft, const char *topics)
{
	size_t count = 0;
	draft->topics = strdup(topics);
	if (!draft->topics)
		return ERROR_MEMORY;
	char *save = NULL;
	for (char *one = strtok_r(draft->topics, ",", &save); one; one = strtok_r(NULL, ",", &save)) {
		int code = topic_add(draft, bytes_from_text(one), count++);
		if (code)
			return code;
	}
	return 0;
}

void api_draft_parse_cap(struct api_draft *draft, struct bytes xml, const char *topics)
{
	bool is_inline = true;
	draft->header = calloc(1, sizeof(*draft->header));
	int code = draft->header ? cap_parse(xml, &draft->body, &draft->complaint) : ERROR_MEMORY;
	if (!code)
		code = cap_keep_original(draft->body, xml, &is_inline);
	if (!code)
		code = cap_abridge(draft->body, BODY_SIZE_MAX);
	if (!code && topics)
		code = cap_topics(draft, topics);
	if (!code)
		code = random_bytes(draft->header->content_id, CONTENT_ID_SIZE);
	if (!code)
		code = expiry_read(draft, KIND_ALERT);
	draft->code = code;
	if (code)
		return;
	if (!is_inline) {
		draft->original = xml;
		draft->needs_store = true;
	}
	parsed(draft, KIND_ALERT);
}
