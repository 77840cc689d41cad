/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/cli/shown.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/timestamp.h"
#include "daemon/cli/cli.h"
#include "daemon/cli/record_id.h"
#include "record/body.h"
#include "record/kind.h"

static json_t *hex_of(struct bytes bytes)
{
	char hex[TEXT_HEX_SIZE(HASH_SIZE)];
	return json_string(text_hex_encode(hex, bytes));
}

static json_t *time_of(uint64_t ms)
{
	char text[TIMESTAMP_TEXT_MAX];
	if (!ms)
		return json_null();
	int64_t clamped = ms > INT64_MAX ? INT64_MAX : (int64_t)ms;
	return json_string(timestamp_format(timestamp_from_ms(clamped), text));
}

static json_t *reference_of(const struct entry_reference *r)
{
	return json_pack("{s:o, s:I, s:o}", "feed_id", hex_of(hash_bytes(&r->feed_id)), "seq",
		(json_int_t)r->seq, "hash", hex_of(hash_bytes(&r->entry_hash)));
}

static json_t *topics_of(const struct header *h)
{
	json_t *array = json_array();
	for (size_t i = 0; i < h->topic_count; i++)
		json_array_append_new(
			array, json_stringn((const char *)h->topics[i].data, h->topics[i].len));
	return array;
}

static json_t *references_of(const struct header *h)
{
	json_t *array = json_array();
	for (size_t i = 0; i < h->reference_count; i++)
		json_array_append_new(array, reference_of(&h->references[i]));
	return array;
}

/** Names and media types stand in the body, which is compared as a whole. */
static json_t *attachments_of(const struct header *h)
{
	json_t *array = json_array();
	for (size_t i = 0; i < h->attachment_count; i++)
		json_array_append_new(array,
			json_pack("{s:o, s:I}", "id", hex_of(hash_bytes(&h->attachments[i].id)), "size",
				(json_int_t)h->attachments[i].size));
	return array;
}

/** The record as the proof shows it, in the API's form. */
static json_t *signed_record(const struct proof *p)
{
	const struct header *h = &p->header;
	bool known = kind_known(h->kind);
	return json_pack(
		"{s:s, s:s, s:I, s:i, s:o, s:s, s:i, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b}", "city",
		p->city_slug, "lane", lane_name(p->lane), "seq", (json_int_t)p->seq, "epoch", (int)p->epoch,
		"hash", hex_of(hash_bytes(&p->hash)), "kind", known ? kind_name(h->kind) : "unknown",
		"kind_number", (int)h->kind, "title", known && p->body ? body_title(h->kind, p->body) : "",
		"time", time_of(h->time_ms), "expires", time_of(h->expiry_ms), "topics", topics_of(h),
		"content_id", hex_of(bytes_of(h->content_id, CONTENT_ID_SIZE)), "supersedes",
		h->has_supersedes ? reference_of(&h->supersedes) : json_null(), "references",
		references_of(h), "attachments", attachments_of(h), "confirmed", (int)p->confirmed);
}

/** Whether `shown` says what `is` says; members that only it has are the exporting city's. */
static bool agrees(const json_t *shown, const json_t *is)
{
	const char *key;
	json_t *value;
	size_t i;
	if (json_is_object(is)) {
		json_object_foreach((json_t *)(uintptr_t)is, key, value)
		{
			const json_t *other = json_object_get(shown, key);
			if (other && !agrees(other, value))
				return false;
		}
		return json_is_object(shown);
	}
	if (!json_is_array(is))
		return json_equal(shown, is);
	if (!json_is_array(shown) || json_array_size(shown) != json_array_size(is))
		return false;
	json_array_foreach((json_t *)(uintptr_t)is, i, value)
	{
		if (!agrees(json_array_get(shown, i), value))
			return false;
	}
	return true;
}

/** A city that knows two networks of one short name gives one of them a number. */
static bool network_agrees(const char *shown, const struct proof *p)
{
	size_t len = strlen(p->network_slug);
	if (strncmp(shown, p->network_slug, len) != 0)
		return false;
	return !shown[len] ||
		(shown[len] == '-' && strspn(shown + len + 1, "0123456789") == strlen(shown + len + 1));
}

/** The id's city, lane and number stand in fields of their own too. */
static bool id_agrees(const char *shown, const struct proof *p)
{
	struct record_id id;
	char seq[24];
	snprintf(seq, sizeof(seq), "%" PRIu64, p->seq);
	return record_id_parse(shown, &id) && network_agrees(id.network, p) &&
		strcmp(id.city, p->city_slug) == 0 && strcmp(id.lane, lane_name(p->lane)) == 0 &&
		strcmp(id.seq, seq) == 0;
}

static bool body_agrees(const json_t *body, const struct proof *proof)
{
	if (!json_is_object(body) || !proof->body)
		return !json_is_object(body) || !proof->purged;
	struct buffer shown, signed_body;
	buffer_init(&shown, BODY_SIZE_MAX);
	buffer_init(&signed_body, BODY_SIZE_MAX);
	bool equal = body_encode(body, &shown, NULL) == 0 &&
		body_encode(proof->body, &signed_body, NULL) == 0 &&
		bytes_equal(buffer_bytes(&shown), buffer_bytes(&signed_body));
	buffer_deinit(&shown);
	buffer_deinit(&signed_body);
	return equal;
}

const char *shown_fault(const json_t *file, const struct proof *proof)
{
	const json_t *id = json_object_get(file, "id"), *network = json_object_get(file, "network");
	const char *fault = NULL;
	json_t *record = signed_record(proof);
	if (!record)
		return "record";
	if (id && !id_agrees(cli_text(file, "id"), proof))
		fault = "id";
	else if (network && !network_agrees(cli_text(file, "network"), proof))
		fault = "network";
	/* by the file's own keys, which live on */
	for (void *at = json_object_iter((json_t *)(uintptr_t)file); at && !fault;
		 at = json_object_iter_next((json_t *)(uintptr_t)file, at)) {
		const json_t *is = json_object_get(record, json_object_iter_key(at));
		if (is && !agrees(json_object_iter_value(at), is))
			fault = json_object_iter_key(at);
	}
	if (!fault && !body_agrees(json_object_get(file, "body"), proof))
		fault = "body";
	json_decref(record);
	return fault;
}
