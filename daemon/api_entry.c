/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api_entry.h"

#include <string.h>

#include "daemon/api_alert_index.h"
#include "daemon/api_internal.h"
#include "format/cap.h"
#include "record/body.h"

#define WIRE_BYTES_MAX (ENTRY_BYTES_MAX + 64u)

void api_entry_init(struct api_entry *entry, struct store *store)
{
	memset(entry, 0, sizeof(*entry));
	entry->store = store;
	buffer_init(&entry->wire, WIRE_BYTES_MAX);
}

void api_entry_deinit(struct api_entry *entry)
{
	buffer_deinit(&entry->wire);
}

int api_entry_take(
	struct api_entry *entry, const struct store_entry *from, enum api_entry_state state)
{
	buffer_reset(&entry->wire);
	entry->state = state;
	entry->seq = from->seq;
	entry->epoch = from->epoch;
	entry->hash = from->entry_hash;
	entry->prev = from->prev;
	entry->arrival = from->arrival;
	entry->arrived = from->arrived;
	entry->source_city = from->source_city;
	entry->has_head = from->has_head;
	memcpy(entry->head, from->head, sizeof(entry->head));
	entry->head_seq = from->head_seq;
	return buffer_push_bytes(&entry->wire, from->wire);
}

static int on_valid(void *ctx, const struct store_entry *from)
{
	return api_entry_take(ctx, from, API_ENTRY_VALID);
}

/** Stops the walk: found. */
#define FOUND 1

static int on_disowned(void *ctx, const struct store_entry *from)
{
	struct api_entry *entry = ctx;
	if (from->seq > entry->seq)
		return ERROR_NOT_FOUND;
	if (from->seq != entry->seq || from->epoch != entry->epoch_wanted)
		return 0;
	int code = api_entry_take(entry, from, API_ENTRY_DISOWNED);
	return code ? code : FOUND;
}

static int on_gap(void *ctx, const struct store_gap *gap)
{
	struct api_entry *entry = ctx;
	if (gap->seq != entry->seq)
		return 0;
	struct store_entry from = {.feed_id = gap->feed_id,
		.seq = gap->seq,
		.epoch = gap->epoch,
		.entry_hash = gap->entry_hash,
		.prev = gap->prev,
		.wire = gap->wire,
		.arrival = gap->arrival.arrival,
		.arrived = gap->arrived,
		.source_city = gap->source_city,
		.has_head = true,
		.head_seq = gap->seq};
	memcpy(from.head, gap->head, sizeof(from.head));
	int code = api_entry_take(entry, &from, API_ENTRY_GAP);
	return code ? code : FOUND;
}

int api_entry_read(struct api_entry *entry)
{
	const struct hash *feed_id = &entry->feed.feed_id;
	int code;
	if (entry->epoch_wanted) {
		code = store_each_disowned(entry->store, feed_id, entry->seq, on_disowned, entry);
	} else {
		code = store_read_entry(entry->store, feed_id, entry->seq, on_valid, entry);
		if (code == ERROR_NOT_FOUND && entry->feed.lane == LANE_ALERT)
			code = store_each_gap(entry->store, feed_id, on_gap, entry);
		else
			code = code ? code : FOUND;
	}
	code = code == FOUND ? api_entry_parse(entry) : code ? code : ERROR_NOT_FOUND;
	entry->code = code;
	return code;
}

int api_entry_parse(struct api_entry *entry)
{
	struct cursor cursor = cursor_init(buffer_bytes(&entry->wire));
	if (entry_parse(&cursor, &entry->view) != 0 ||
		header_decode(entry->view.header, &entry->header) != 0)
		return ERROR_CORRUPT;
	return 0;
}

json_t *api_entry_body(const struct api_entry *entry)
{
	if (entry->view.form != ENTRY_FORM_WHOLE || (entry->header.flags & HEADER_FLAG_SEALED))
		return NULL;
	return body_decode(entry->view.body, NULL);
}

const char *api_entry_state_name(const struct api_entry *entry)
{
	if (entry->state == API_ENTRY_DISOWNED)
		return "disowned";
	if (entry->view.form == ENTRY_FORM_PURGED)
		return "purged";
	if (entry->state == API_ENTRY_GAP)
		return "gap";
	return entry->feed.forked_from && entry->seq >= entry->feed.forked_from ? "disputed" : "valid";
}

const char *api_entry_id(const struct api_entry *entry, char to[static API_RECORD_ID_MAX])
{
	return api_record_id(
		to, &entry->feed, entry->seq, entry->state == API_ENTRY_DISOWNED ? entry->epoch : 0);
}

static json_t *common_json(const struct api_entry *entry, const json_t *body)
{
	char id[API_RECORD_ID_MAX];
	const struct header *h = &entry->header;
	bool known = kind_known(h->kind);
	json_t *topics = json_array();
	for (size_t i = 0; i < h->topic_count; i++)
		json_array_append_new(topics, api_json_text(h->topics[i]));
	json_t *json = json_object();
	json_object_set_new(json, "id", json_string(api_entry_id(entry, id)));
	json_object_set_new(json, "network", json_string(entry->feed.network));
	json_object_set_new(json, "city", json_string(entry->feed.city));
	json_object_set_new(json, "lane", json_string(lane_name(entry->feed.lane)));
	json_object_set_new(json, "seq", api_json_uint(entry->seq));
	json_object_set_new(json, "epoch", api_json_uint(entry->epoch));
	json_object_set_new(json, "hash", api_json_hash(&entry->hash));
	json_object_set_new(json, "kind", json_string(known ? kind_name(h->kind) : "unknown"));
	json_object_set_new(json, "kind_number", json_integer(h->kind));
	json_object_set_new(json, "title",
		json_string(known && body ? body_title((enum record_kind)h->kind, body) : ""));
	json_object_set_new(json, "time", api_json_ms(h->time_ms));
	json_object_set_new(json, "expires", api_json_ms(h->expiry_ms));
	json_object_set_new(json, "topics", topics);
	json_object_set_new(json, "state", json_string(api_entry_state_name(entry)));
	json_object_set_new(json, "confirmed", json_boolean(entry->feed.confirmed));
	return json;
}

json_t *api_entry_summary(const struct api_entry *entry)
{
	json_t *body = api_entry_body(entry);
	json_t *json = common_json(entry, body);
	json_object_set_new(json, "attachments", api_json_uint(entry->header.attachment_count));
	json_object_set_new(
		json, "content_id", api_json_hex(bytes_of(entry->header.content_id, CONTENT_ID_SIZE)));
	for (size_t i = 0; entry->header.kind == KIND_ALERT && i < 2; i++) {
		/* a Cancel, and what is only a test, must not look like an alert in a list */
		static const char *const shown[] = {"status", "msgType"};
		const char *value = json_string_value(json_object_get(body, shown[i]));
		if (value)
			json_object_set_new(json, shown[i], json_string(value));
	}
	json_decref(body);
	return json;
}

void api_entry_set_follower(const struct api_entry *entry, struct alert_index *alerts, json_t *json)
{
	struct alert_follower follower;
	char id[API_RECORD_ID_MAX];
	if (entry->feed.lane != LANE_ALERT || entry->state != API_ENTRY_VALID ||
		!alert_index_follower(alerts, &entry->feed.feed_id, entry->seq, &follower))
		return;
	json_object_set_new(json, "followed_by",
		json_pack("{s:s, s:s}", "id", api_record_id(id, &entry->feed, follower.seq, 0), "msgType",
			follower.cancels ? "Cancel" : "Update"));
}

/** Name and media type stand in the body, beside the id that the header has. */
static const json_t *body_attachment(const json_t *body, const char *id)
{
	const json_t *list = json_object_get(body, "attachments"), *one;
	size_t i;
	json_array_foreach(list, i, one)
	{
		const char *text = json_string_value(json_object_get(one, "id"));
		if (text && strcmp(text, id) == 0)
			return one;
	}
	return NULL;
}

static json_t *attachments_json(const struct api_entry *entry, const json_t *body)
{
	json_t *array = json_array();
	for (size_t i = 0; i < entry->header.attachment_count; i++) {
		const struct header_attachment *a = &entry->header.attachments[i];
		char id[TEXT_HEX_SIZE(HASH_SIZE)];
		struct store_attachment held;
		const json_t *shown = body_attachment(body, text_hex_encode(id, hash_bytes(&a->id)));
		const char *name = json_string_value(json_object_get(shown, "name"));
		const char *type = json_string_value(json_object_get(shown, "media_type"));
		bool original = a->flags & HEADER_ATTACHMENT_CAP_ORIGINAL;
		bool complete = store_attachment_info(entry->store, &a->id, &held) == 0 && held.complete;
		json_array_append_new(array,
			json_pack("{s:s, s:s, s:s, s:o, s:b, s:b}", "id", id, "name",
				name           ? name
					: original ? CAP_ORIGINAL_NAME
							   : "",
				"media_type",
				type           ? type
					: original ? CAP_MEDIA_TYPE
							   : "",
				"size", api_json_uint(a->size), "original", (int)original, "held", (int)complete));
	}
	return array;
}

static json_t *reference_json(const struct entry_reference *r)
{
	return json_pack("{s:n, s:o, s:o, s:o}", "id", "feed_id", api_json_hash(&r->feed_id), "seq",
		api_json_uint(r->seq), "hash", api_json_hash(&r->entry_hash));
}

static json_t *flags_json(uint16_t flags)
{
	json_t *array = json_array();
	if (flags & HEADER_FLAG_SEALED)
		json_array_append_new(array, json_string("sealed"));
	if (flags & HEADER_FLAG_RECEIPTS)
		json_array_append_new(array, json_string("receipts"));
	if (flags & HEADER_FLAG_DRAFT)
		json_array_append_new(array, json_string("draft"));
	return array;
}

json_t *api_entry_record(const struct api_entry *entry)
{
	const struct header *h = &entry->header;
	json_t *body = api_entry_body(entry);
	json_t *json = common_json(entry, body);
	json_t *references = json_array();
	for (size_t i = 0; i < h->reference_count; i++)
		json_array_append_new(references, reference_json(&h->references[i]));
	json_object_set_new(json, "received", api_json_time(entry->arrived));
	json_object_set_new(json, "arrival", api_json_uint(entry->arrival));
	json_object_set_new(json, "content_id", api_json_hex(bytes_of(h->content_id, CONTENT_ID_SIZE)));
	json_object_set_new(json, "flags", flags_json(h->flags));
	json_object_set_new(
		json, "supersedes", h->has_supersedes ? reference_json(&h->supersedes) : json_null());
	json_object_set_new(json, "references", references);
	json_object_set_new(json, "attachments", attachments_json(entry, body));
	json_object_set_new(json, "body", body ? body : json_null());
	return json;
}

static void reference_name(const struct app *app, json_t *reference)
{
	const char *hex = json_string_value(json_object_get(reference, "feed_id"));
	char id[API_RECORD_ID_MAX];
	struct hash feed_id;
	struct api_feed feed;
	if (!hex || text_hex_decode(feed_id.bytes, HASH_SIZE, bytes_from_text(hex)) != 0 ||
		!api_feed_by_id(app, &feed_id, &feed))
		return;
	uint64_t seq = (uint64_t)json_integer_value(json_object_get(reference, "seq"));
	json_object_set_new(reference, "id", json_string(api_record_id(id, &feed, seq, 0)));
}

void api_entry_name_references(const struct app *app, json_t *record)
{
	json_t *one;
	size_t i;
	reference_name(app, json_object_get(record, "supersedes"));
	json_array_foreach(json_object_get(record, "references"), i, one) reference_name(app, one);
}

int api_entry_of_request(struct http_request *request, struct api_entry *entry)
{
	struct app *app = api_app(request);
	struct complaint complaint = {.field = "", .reason = ""};
	api_entry_init(entry, app->store);
	int code = api_feed_find(app, http_request_parameter(request, "network"),
		http_request_parameter(request, "city"), http_request_parameter(request, "lane"),
		&entry->feed, &complaint);
	if (!code &&
		api_seq_parse(http_request_parameter(request, "seq"), &entry->seq, &entry->epoch_wanted) !=
			0)
		code = complain(
			&complaint, ERROR_FIELD, "seq", "It must be a number from 1, or number@EPOCH.");
	/* To everybody else such an alert is as if it were not there. */
	if (!code && !entry->feed.visible)
		code = complain(&complaint, ERROR_NOT_FOUND, "seq", "There is no such record here.");
	if (code)
		http_respond_error(request, code, &complaint);
	return code;
}
