/* SPDX-License-Identifier: Apache-2.0 */
/* Writing CAP 1.2, by the same table that reading follows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/timestamp.h"
#include "format/cap.h"
#include "format/cap_element.h"

/* 2026-03-31T17:00:00+02:00 */
#define CAP_TIME_SIZE 25

static void write_escaped(struct buffer *out, struct bytes text)
{
	size_t start = 0;
	for (size_t i = 0; i < text.len; i++) {
		const char *escape = NULL;
		switch (text.data[i]) {
		case '&':
			escape = "&amp;";
			break;
		case '<':
			escape = "&lt;";
			break;
		case '>':
			escape = "&gt;";
			break;
		case '\r':
			escape = "&#13;";
			break;
		default:
			continue;
		}
		buffer_push_bytes(out, bytes_slice(text, start, i - start));
		buffer_push_text(out, escape);
		start = i + 1;
	}
	buffer_push_bytes(out, bytes_slice(text, start, text.len));
}

/* CAP's form: whole seconds, never Z, and UTC as -00:00. The local offset is kept. */
static void write_time(struct buffer *out, struct bytes text)
{
	struct timestamp t;
	int offset = 0;
	bool in_form = text.len == CAP_TIME_SIZE && text.data[10] == 'T' && text.data[19] != '.';
	if (in_form || timestamp_parse_rfc3339_offset(text, &t, &offset)) {
		write_escaped(out, text);
		return;
	}
	char local[TIMESTAMP_TEXT_MAX];
	int64_t ms = t.ms - (t.ms % 1000 + 1000) % 1000;
	timestamp_format(timestamp_add_ms(timestamp_from_ms(ms), offset * INT64_C(60000)), local);
	local[19] = 0;
	int minutes = abs(offset);
	buffer_push_format(out, "%s%c%02d:%02d", local, offset > 0 ? '+' : '-', minutes / 60,
		minutes % 60);
}

/* The shortest decimal that reads back as the same number. */
static void write_number(struct buffer *out, const json_t *value)
{
	if (json_is_integer(value)) {
		buffer_push_format(out, "%lld", (long long)json_integer_value(value));
		return;
	}
	char text[32];
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, json_real_value(value));
		if (strtod(text, NULL) == json_real_value(value))
			break;
	}
	buffer_push_text(out, text);
}

static struct bytes string_bytes(const json_t *value)
{
	return bytes_of(json_string_value(value), json_string_length(value));
}

static void write_words(struct buffer *out, const json_t *list)
{
	size_t i;
	json_t *each;
	json_array_foreach(list, i, each) {
		struct bytes word = string_bytes(each);
		const char *quote = word.len && memchr(word.data, ' ', word.len) ? "\"" : "";
		buffer_push_text(out, i ? " " : "");
		buffer_push_text(out, quote);
		write_escaped(out, word);
		buffer_push_text(out, quote);
	}
}

static void write_references(struct buffer *out, const json_t *list)
{
	size_t i;
	json_t *each;
	json_array_foreach(list, i, each) {
		buffer_push_text(out, i ? " " : "");
		write_escaped(out, string_bytes(json_object_get(each, "sender")));
		buffer_push_text(out, ",");
		write_escaped(out, string_bytes(json_object_get(each, "identifier")));
		buffer_push_text(out, ",");
		write_time(out, string_bytes(json_object_get(each, "sent")));
	}
}

static void write_members(struct buffer *out, const json_t *object,
	const struct cap_element *table, unsigned depth);

static void write_element(struct buffer *out, const struct cap_element *e, const json_t *value,
	unsigned depth)
{
	buffer_push_format(out, "%*s<%s>", (int)depth * 2, "", e->name);
	if (e->children) {
		buffer_push_text(out, "\n");
		write_members(out, value, e->children, depth + 1);
		buffer_push_format(out, "%*s", (int)depth * 2, "");
	} else if (e->type == CAP_WORDS) {
		write_words(out, value);
	} else if (e->type == CAP_REFERENCES) {
		write_references(out, value);
	} else if (e->type == CAP_TIME) {
		write_time(out, string_bytes(value));
	} else if (json_is_number(value)) {
		write_number(out, value);
	} else {
		write_escaped(out, string_bytes(value));
	}
	buffer_push_format(out, "</%s>\n", e->name);
}

static void write_members(struct buffer *out, const json_t *object,
	const struct cap_element *table, unsigned depth)
{
	for (const struct cap_element *e = table; e->name; e++) {
		const json_t *value = json_object_get(object, e->name);
		if (!value)
			continue;
		if (!e->list) {
			write_element(out, e, value, depth);
			continue;
		}
		size_t i;
		json_t *each;
		json_array_foreach(value, i, each)
			write_element(out, e, each, depth);
	}
}

int cap_write(const json_t *alert, struct buffer *out)
{
	buffer_push_text(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<alert xmlns=\"" CAP_NAMESPACE_12 "\">\n");
	write_members(out, alert, cap_alert_elements, 1);
	return buffer_push_text(out, "</alert>\n");
}
