/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api_quick.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "crypto/key.h"
#include "record/quick_body.h"

enum member {
	MEMBER_KIND,
	MEMBER_BODY,
	MEMBER_TOPICS,
	MEMBER_CONTENT_ID,
	MEMBER_RECEIPTS,
	MEMBER_COUNT,
};

static const char *const member_names[MEMBER_COUNT] = {
	[MEMBER_KIND] = "kind",
	[MEMBER_BODY] = "body",
	[MEMBER_TOPICS] = "topics",
	[MEMBER_CONTENT_ID] = "content_id",
	[MEMBER_RECEIPTS] = "receipts",
};

void api_quick_deinit(struct api_quick *quick)
{
	json_scan_deinit(&quick->scan);
}

struct api_quick *api_quick_new(void)
{
	return calloc(1, sizeof(struct api_quick));
}

void api_quick_free(struct api_quick *quick)
{
	if (quick)
		api_quick_deinit(quick);
	free(quick);
}

/* The number of each member's value, 0: it is not there. */
static bool members_find(const struct json_scan *scan, uint32_t found[static MEMBER_COUNT])
{
	memset(found, 0, MEMBER_COUNT * sizeof(*found));
	if (scan->values[0].type != JSON_SCAN_OBJECT)
		return false;
	uint32_t at = 1;
	for (uint32_t i = 0; i < scan->values[0].count; i++, at = scan->values[at].next) {
		unsigned name = 0;
		while (name < MEMBER_COUNT && !bytes_equal_text(scan->values[at].key, member_names[name]))
			name++;
		if (name == MEMBER_COUNT || found[name])
			return false;
		found[name] = at;
	}
	return true;
}

static bool topics_read(const struct json_scan *scan, uint32_t at, struct header *header)
{
	header->topic_count = 0;
	if (!at)
		return true;
	const struct json_scan_value *array = &scan->values[at];
	if (array->type != JSON_SCAN_ARRAY || array->count > HEADER_TOPICS_MAX)
		return false;
	for (uint32_t i = 0; i < array->count; i++) {
		const struct json_scan_value *topic = &array[1 + i]; /* texts lie side by side */
		if (topic->type != JSON_SCAN_TEXT || topic->text.len < 1 ||
			topic->text.len > HEADER_TOPIC_SIZE_MAX)
			return false;
		header->topics[header->topic_count++] = topic->text;
	}
	return true;
}

static bool content_id_read(struct api_quick *quick, uint32_t at)
{
	uint8_t *id = quick->header.content_id;
	if (at)
		return quick->scan.values[at].type == JSON_SCAN_TEXT &&
			text_hex_decode(id, CONTENT_ID_SIZE, quick->scan.values[at].text) == 0;
	if (quick->random_left < CONTENT_ID_SIZE) {
		if (random_bytes(quick->random, sizeof(quick->random)) != 0)
			return false;
		quick->random_left = sizeof(quick->random);
	}
	quick->random_left -= CONTENT_ID_SIZE;
	memcpy(id, quick->random + quick->random_left, CONTENT_ID_SIZE);
	return true;
}

static bool receipts_read(const struct json_scan *scan, uint32_t at, struct header *header)
{
	enum json_scan_type type = at ? scan->values[at].type : JSON_SCAN_FALSE;
	header->flags = type == JSON_SCAN_TRUE ? HEADER_FLAG_RECEIPTS : 0;
	return type == JSON_SCAN_TRUE || type == JSON_SCAN_FALSE;
}

static bool members_read(struct api_quick *quick, uint32_t *body)
{
	const struct json_scan *scan = &quick->scan;
	uint32_t found[MEMBER_COUNT];
	if (!members_find(scan, found))
		return false;
	uint32_t kind = found[MEMBER_KIND];
	*body = found[MEMBER_BODY];
	return kind && *body && scan->values[kind].type == JSON_SCAN_TEXT &&
		kind_parse(scan->values[kind].text) == KIND_DOC &&
		topics_read(scan, found[MEMBER_TOPICS], &quick->header) &&
		content_id_read(quick, found[MEMBER_CONTENT_ID]) &&
		receipts_read(scan, found[MEMBER_RECEIPTS], &quick->header);
}

/* Whether the header has them too is for api_draft_parse to judge. */
static bool body_has_attachments(const struct json_scan *scan, uint32_t body)
{
	uint32_t at = body + 1;
	if (scan->values[body].type != JSON_SCAN_OBJECT)
		return false;
	for (uint32_t i = 0; i < scan->values[body].count; i++, at = scan->values[at].next)
		if (bytes_equal_text(scan->values[at].key, "attachments"))
			return true;
	return false;
}

bool api_quick_parse(struct api_quick *quick, struct api_draft *draft, struct bytes text)
{
	struct header *header = &quick->header;
	struct buffer *out = draft->out;
	size_t start = out->len;
	uint32_t body;
	if (!json_scan_read(&quick->scan, text) || !members_read(quick, &body) ||
		body_has_attachments(&quick->scan, body) ||
		!quick_body_encode(KIND_DOC, &quick->scan, body, out))
		return false;
	size_t header_at = out->len;
	header->kind = KIND_DOC;
	header->time_ms = draft->time_ms;
	header->body_size = (uint32_t)(header_at - start);
	if (header_encode(header, out) != 0) {
		buffer_truncate(out, start);
		return false;
	}
	draft->lane = (uint8_t)lane_of_kind(KIND_DOC);
	draft->body_at = start;
	draft->body_len = header_at - start;
	draft->header_at = header_at;
	draft->header_len = out->len - header_at;
	return true;
}
