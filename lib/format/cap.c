/* SPDX-License-Identifier: Apache-2.0 */
#include "format/cap.h"

#include <string.h>

#include "base/text.h"
#include "base/timestamp.h"
#include "record/body.h"
#include "record/value.h"

int cap_reference_parse(struct bytes text, json_t **reference)
{
	const uint8_t *first = text.len ? memchr(text.data, ',', text.len) : NULL;
	const uint8_t *last = text.len ? memrchr(text.data, ',', text.len) : NULL;
	if (!first || first == last)
		return ERROR_SYNTAX;
	size_t sender = (size_t)(first - text.data), sent = (size_t)(last - text.data) + 1;
	struct bytes identifier = bytes_slice(text, sender + 1, sent - sender - 2);
	struct bytes time = bytes_slice(text, sent, text.len);
	if (sender == 0 || identifier.len == 0 || memchr(identifier.data, ',', identifier.len) ||
		value_instant(time))
		return ERROR_SYNTAX;
	*reference = json_pack("{s:s%, s:s%, s:s%}", "sender", text.data, sender, "identifier",
		identifier.data, identifier.len, "sent", time.data, time.len);
	return *reference ? 0 : ERROR_SYNTAX;
}

size_t cap_references(const json_t *alert, struct cap_reference *out, size_t max)
{
	const json_t *list = json_object_get(alert, "references");
	size_t i;
	json_t *each;
	json_array_foreach(list, i, each) {
		if (i == max)
			break;
		const char *sender = json_string_value(json_object_get(each, "sender"));
		const char *identifier = json_string_value(json_object_get(each, "identifier"));
		const char *sent = json_string_value(json_object_get(each, "sent"));
		out[i] = (struct cap_reference){
			.sender = sender ? sender : "",
			.identifier = identifier ? identifier : "",
			.sent = sent ? sent : "",
		};
	}
	return json_array_size(list);
}

/* The encoding as the document states it: by its byte-order mark or its declaration. */
static void find_encoding(struct bytes xml, char to[static 41])
{
	memcpy(to, "utf-8", 6);
	if (xml.len >= 2 && (!memcmp(xml.data, "\xff\xfe", 2) || !memcmp(xml.data, "\xfe\xff", 2))) {
		memcpy(to, "utf-16", 7);
		return;
	}
	struct bytes head = bytes_slice(xml, 0, 200);
	const uint8_t *end = memmem(head.data, head.len, "?>", 2);
	const uint8_t *at = memmem(head.data, head.len, "encoding", 8);
	if (!end || !at || at > end)
		return;
	at += 8;
	while (at < end && *at != '"' && *at != '\'')
		at++;
	const uint8_t *close = at < end ? memchr(at + 1, *at, (size_t)(end - at - 1)) : NULL;
	size_t len = close ? (size_t)(close - at - 1) : 0;
	if (len == 0 || len > 40)
		return;
	for (size_t i = 0; i < len; i++) {
		uint8_t c = at[1 + i];
		to[i] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
	}
	to[len] = 0;
}

int cap_keep_original(json_t *alert, struct bytes xml, bool *is_inline)
{
	char encoding[41];
	find_encoding(xml, encoding);
	*is_inline = xml.len <= CAP_INLINE_MAX && text_utf8_valid(xml) &&
		!(xml.len && memchr(xml.data, 0, xml.len));
	json_t *original = json_pack("{s:s, s:s, s:I}", "media_type", CAP_MEDIA_TYPE, "encoding",
		text_utf8_valid(bytes_from_text(encoding)) ? encoding : "unknown", "size",
		(json_int_t)xml.len);
	if (!original || json_object_set_new(alert, "original", original))
		return ERROR_MEMORY;
	if (*is_inline && json_object_set_new(original, "text",
			json_stringn_nocheck((const char *)xml.data, xml.len)))
		return ERROR_MEMORY;
	return 0;
}

struct largest {
	json_t *owner;    /* the area or resource */
	const char *name; /* of the member to be dropped */
	size_t size;
	size_t info, index;
};

static size_t member_size(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);
	if (json_is_string(value))
		return json_string_length(value);
	size_t sum = 0, i;
	json_t *each;
	json_array_foreach(value, i, each)
		sum += json_string_length(each) + 3;
	return sum;
}

static void find_largest(const json_t *infos, const char *list, const char *name,
	struct largest *best)
{
	size_t i, k;
	json_t *info, *each;
	json_array_foreach(infos, i, info) {
		json_array_foreach(json_object_get(info, list), k, each) {
			size_t size = member_size(each, name);
			if (size > best->size)
				*best = (struct largest){.owner = each, .name = name, .size = size, .info = i,
					.index = k};
		}
	}
}

int cap_abridge(json_t *alert, size_t limit)
{
	json_t *infos = json_object_get(alert, "info");
	size_t size = body_size(alert);
	while (size > limit) {
		struct largest best = {0};
		find_largest(infos, "area", "polygon", &best);
		find_largest(infos, "area", "geocode", &best);
		find_largest(infos, "resource", "derefUri", &best);
		if (!best.owner)
			return ERROR_SIZE;
		json_t *abridged = json_object_get(alert, "abridged");
		if (!abridged) {
			abridged = json_array();
			if (!abridged || json_object_set_new(alert, "abridged", abridged))
				return ERROR_MEMORY;
		}
		bool resource = !strcmp(best.name, "derefUri");
		if (json_array_append_new(abridged, json_sprintf("info[%zu].%s[%zu].%s", best.info,
				resource ? "resource" : "area", best.index, best.name)))
			return ERROR_MEMORY;
		json_object_del(best.owner, best.name);
		/* Measured again only when it may be enough: an alert can have thousands of shapes. */
		size -= best.size < size ? best.size : size;
		if (size <= limit)
			size = body_size(alert);
	}
	return 0;
}
