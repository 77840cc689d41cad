/* SPDX-License-Identifier: Apache-2.0 */
#include "record/json_scan.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define EACH_BYTE(n) (UINT64_C(0x0101010101010101) * (n))
/* Digits that never pass the bounds of int64_t. */
#define DIGITS_MAX 18

struct reader {
	struct json_scan *scan;
	const uint8_t *at, *end;
};

void json_scan_deinit(struct json_scan *scan)
{
	free(scan->values);
	free(scan->scratch);
	*scan = (struct json_scan){0};
}

static void skip_blanks(struct reader *r)
{
	while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
		r->at++;
}

static bool take(struct reader *r, uint8_t byte)
{
	if (r->at >= r->end || *r->at != byte)
		return false;
	r->at++;
	return true;
}

/* Whether one of the eight bytes is below a space, DEL, a quote or a backslash (the test for zero
 * bytes of "Bit Twiddling Hacks": exact for "any", not for "which"). */
static bool word_special(uint64_t word)
{
	uint64_t quote = word ^ EACH_BYTE('"'), slash = word ^ EACH_BYTE('\\');
	uint64_t del = word ^ EACH_BYTE(0x7f);
	uint64_t found = ((word - EACH_BYTE(0x20)) & ~word) | ((quote - EACH_BYTE(1)) & ~quote) |
		((slash - EACH_BYTE(1)) & ~slash) | ((del - EACH_BYTE(1)) & ~del);
	return found & EACH_BYTE(0x80);
}

static bool byte_special(uint8_t byte)
{
	return byte < 0x20 || byte == '"' || byte == '\\' || byte == 0x7f;
}

/* Characters that stand for themselves. */
static const uint8_t *plain_end(const uint8_t *at, const uint8_t *end)
{
	uint64_t word;
	while ((size_t)(end - at) >= sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		if (word_special(word))
			break;
		at += sizeof(word);
	}
	while (at < end && !byte_special(*at))
		at++;
	return at;
}

static int hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Four hexadecimal digits; 0, which no text may hold, if they are not. */
static uint32_t take_hex(struct reader *r)
{
	uint32_t unit = 0;
	if (r->end - r->at < 4)
		return 0;
	for (int i = 0; i < 4; i++) {
		int digit = hex_value(*r->at++);
		if (digit < 0)
			return 0;
		unit = unit << 4 | (uint32_t)digit;
	}
	return unit;
}

/* A pair of surrogates is one character; a lone one is passed over. */
static size_t take_unicode(struct reader *r, char *to)
{
	uint32_t c = take_hex(r);
	if (c >= 0xd800 && c <= 0xdfff) {
		uint32_t low = c <= 0xdbff && take(r, '\\') && take(r, 'u') ? take_hex(r) : 0;
		if (low < 0xdc00 || low > 0xdfff)
			return 0;
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	}
	if (c == 0)
		return 0;
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	size_t len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const uint8_t firsts[] = {0, 0, 0xc0, 0xe0, 0xf0};
	for (size_t i = len - 1; i > 0; i--) {
		to[i] = (char)(0x80 | (c & 0x3f));
		c >>= 6;
	}
	to[0] = (char)(firsts[len] | c);
	return len;
}

/* Behind a backslash; how many bytes it became, 0: passed over. No escape is shorter. */
static size_t take_escape(struct reader *r, char *to)
{
	static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	if (r->at >= r->end)
		return 0;
	uint8_t c = *r->at++;
	if (c == 'u')
		return take_unicode(r, to);
	const char *name = memchr(names, c, sizeof(names) - 1);
	if (!name)
		return 0;
	*to = values[name - names];
	return 1;
}

static void note_control(struct json_scan_value *value, uint8_t c)
{
	value->breaks |= c == '\n' || c == '\r';
	value->controls |= (c < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7f;
}

/* Behind the first quote. `value` learns of control characters. */
static bool take_text(struct reader *r, struct json_scan_value *value, struct bytes *out)
{
	const uint8_t *start = r->at;
	struct json_scan *scan = r->scan;
	char *to = NULL, *first = scan->scratch + scan->scratch_len;
	for (;;) {
		const uint8_t *end = plain_end(r->at, r->end);
		size_t plain = (size_t)(end - r->at);
		if (end == r->end || *end < 0x20)
			return false;
		if (to && plain > 0) {
			memcpy(to, r->at, plain);
			to += plain;
		}
		r->at = end + 1;
		if (*end == '"') {
			*out = to ? bytes_of(first, (size_t)(to - first))
					  : bytes_of(start, (size_t)(end - start));
			scan->scratch_len += to ? out->len : 0;
			return true;
		}
		if (*end == 0x7f) {
			value->controls = true;
			if (to)
				*to++ = 0x7f;
			continue;
		}
		if (!to) {
			to = first;
			memcpy(to, start, (size_t)(end - start));
			to += end - start;
		}
		size_t len = take_escape(r, to);
		if (len == 0)
			return false;
		note_control(value, (uint8_t)*to);
		to += len;
	}
}

static bool take_integer(struct reader *r, struct json_scan_value *value)
{
	bool negative = take(r, '-');
	const uint8_t *start = r->at;
	int64_t n = 0;
	while (r->at < r->end && *r->at >= '0' && *r->at <= '9' && r->at - start < DIGITS_MAX)
		n = n * 10 + (*r->at++ - '0');
	size_t digits = (size_t)(r->at - start);
	if (digits == 0 || (*start == '0' && (digits > 1 || negative)))
		return false;
	/* a real, or more digits */
	if (r->at < r->end && *r->at && strchr(".eE0123456789", *r->at))
		return false;
	value->type = JSON_SCAN_INTEGER;
	value->integer = negative ? -n : n;
	return true;
}

static bool take_word(struct reader *r, const char *word)
{
	size_t len = strlen(word);
	if ((size_t)(r->end - r->at) < len || memcmp(r->at, word, len) != 0)
		return false;
	r->at += len;
	return true;
}

static struct json_scan_value *value_add(struct json_scan *scan)
{
	if (scan->count == JSON_SCAN_VALUES_MAX)
		return NULL;
	if (scan->count == scan->capacity) {
		uint32_t capacity = scan->capacity ? 2 * scan->capacity : 64;
		struct json_scan_value *values = realloc(scan->values, capacity * sizeof(*values));
		if (!values)
			return NULL;
		scan->values = values;
		scan->capacity = capacity;
	}
	struct json_scan_value *value = &scan->values[scan->count++];
	memset(value, 0, sizeof(*value));
	return value;
}

static bool take_value(struct reader *r, struct bytes key, unsigned depth);

/* Behind the bracket of the container `at`. */
static bool take_container(struct reader *r, uint32_t at, unsigned depth)
{
	bool object = r->scan->values[at].type == JSON_SCAN_OBJECT;
	uint8_t close = object ? '}' : ']';
	uint32_t count = 0;
	if (depth >= JSON_SCAN_DEPTH_MAX)
		return false;
	skip_blanks(r);
	while (!take(r, close)) {
		struct bytes key = {0};
		struct json_scan_value unused = {0};
		if (count > 0) {
			if (!take(r, ','))
				return false;
			skip_blanks(r);
		}
		if (object) {
			if (count == JSON_SCAN_MEMBERS_MAX || !take(r, '"') || !take_text(r, &unused, &key))
				return false;
			skip_blanks(r);
			if (!take(r, ':'))
				return false;
			skip_blanks(r);
		}
		if (!take_value(r, key, depth + 1))
			return false;
		count++;
		skip_blanks(r);
	}
	r->scan->values[at].count = count;
	return true;
}

static bool take_value(struct reader *r, struct bytes key, unsigned depth)
{
	uint32_t at = r->scan->count;
	struct json_scan_value *value = value_add(r->scan);
	if (!value || r->at >= r->end)
		return false;
	value->key = key;
	bool good = false;
	switch (*r->at) {
	case '{':
	case '[':
		value->type = *r->at++ == '{' ? JSON_SCAN_OBJECT : JSON_SCAN_ARRAY;
		good = take_container(r, at, depth); /* `value` may have moved */
		break;
	case '"':
		r->at++;
		value->type = JSON_SCAN_TEXT;
		good = take_text(r, value, &value->text);
		break;
	case 't':
		value->type = JSON_SCAN_TRUE;
		good = take_word(r, "true");
		break;
	case 'f':
		value->type = JSON_SCAN_FALSE;
		good = take_word(r, "false");
		break;
	case 'n':
		value->type = JSON_SCAN_NULL;
		good = take_word(r, "null");
		break;
	default:
		good = take_integer(r, value);
	}
	r->scan->values[at].next = r->scan->count;
	return good;
}

bool json_scan_read(struct json_scan *scan, struct bytes text)
{
	scan->count = 0;
	scan->scratch_len = 0;
	if (scan->scratch_capacity < text.len) {
		char *scratch = realloc(scan->scratch, text.len);
		if (!scratch)
			return false;
		scan->scratch = scratch;
		scan->scratch_capacity = text.len;
	}
	if (text.len == 0 || !text_utf8_valid(text))
		return false;
	struct reader r = {.scan = scan, .at = text.data, .end = text.data + text.len};
	skip_blanks(&r);
	if (!take_value(&r, bytes_of(NULL, 0), 0))
		return false;
	skip_blanks(&r);
	return r.at == r.end;
}

bool json_scan_sort(
	const struct json_scan *scan, uint32_t object, uint32_t to[static JSON_SCAN_MEMBERS_MAX])
{
	const struct json_scan_value *values = scan->values;
	uint32_t member = object + 1;
	for (uint32_t n = 0; n < values[object].count; n++, member = values[member].next) {
		uint32_t place = n;
		int order = 1;
		while (place > 0) {
			order = bytes_compare(values[member].key, values[to[place - 1]].key);
			if (order >= 0)
				break;
			to[place] = to[place - 1];
			place--;
		}
		if (place > 0 && order == 0)
			return false;
		to[place] = member;
	}
	return true;
}

static json_t *container_json(const struct json_scan *scan, uint32_t at)
{
	const struct json_scan_value *value = &scan->values[at];
	bool object = value->type == JSON_SCAN_OBJECT;
	json_t *json = object ? json_object() : json_array();
	uint32_t child = at + 1;
	for (uint32_t i = 0; json && i < value->count; i++, child = scan->values[child].next) {
		json_t *inner = json_scan_value_json(scan, child);
		char *key = object ? bytes_to_text(scan->values[child].key) : NULL;
		int failed = object ? !key || json_object_set_new(json, key, inner)
							: json_array_append_new(json, inner);
		free(key);
		if (failed) {
			json_decref(json);
			return NULL;
		}
	}
	return json;
}

json_t *json_scan_value_json(const struct json_scan *scan, uint32_t at)
{
	const struct json_scan_value *value = &scan->values[at];
	switch (value->type) {
	case JSON_SCAN_OBJECT:
	case JSON_SCAN_ARRAY:
		return container_json(scan, at);
	case JSON_SCAN_TEXT:
		return json_stringn(value->text.len ? (const char *)value->text.data : "", value->text.len);
	case JSON_SCAN_INTEGER:
		return json_integer(value->integer);
	case JSON_SCAN_TRUE:
		return json_true();
	case JSON_SCAN_FALSE:
		return json_false();
	case JSON_SCAN_NULL:
		break;
	}
	return json_null();
}
