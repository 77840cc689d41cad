/* SPDX-License-Identifier: Apache-2.0 */
#include "format/mapping_value.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/text.h"
#include "format/html.h"
#include "format/loose.h"

#define MAPPING_TEXT_MAX (1u * 1024 * 1024)
#define MAPPING_LIST_MAX 64
#define MAPPING_TOPICS_MAX 16
#define MAPPING_TOPIC_SIZE_MAX 64
#define MAPPING_ITEM_SIZE_MAX 512

static bool flag(const json_t *spec, const char *name)
{
	return json_is_true(json_object_get(spec, name));
}

static const char *option(const json_t *spec, const char *name, const char *otherwise)
{
	const char *text = json_string_value(json_object_get(spec, name));
	return text ? text : otherwise;
}

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* White space at both ends goes; in a line every run of it becomes one space; from `start` on. */
static void clean(struct buffer *text, size_t start, bool line)
{
	size_t len = start;
	for (size_t i = start; i < text->len; i++) {
		uint8_t c = text->data[i];
		bool space = is_space(c);
		if (space && (len == start || (line && text->data[len - 1] == ' ')))
			continue;
		if (!space && (c < ' ' || c == 0x7f))
			continue; /* other control characters are leftovers of conversions */
		text->data[len++] = space && line ? ' ' : c;
	}
	while (len > start && is_space(text->data[len - 1]))
		len--;
	buffer_truncate(text, len);
}

/* The text of a scalar, cleaned; empty for null and for what is no scalar. */
static int scalar_text(const json_t *spec, const json_t *value, bool line, struct buffer *out)
{
	struct bytes text = bytes_of(json_string_value(value), json_string_length(value));
	if (json_is_string(value) && flag(spec, "html"))
		html_text(text, out);
	else if (json_is_string(value))
		buffer_push_bytes(out, text);
	else if (json_is_integer(value))
		buffer_push_format(out, "%lld", (long long)json_integer_value(value));
	else if (json_is_real(value))
		buffer_push_format(out, "%.15g", json_real_value(value));
	else if (json_is_boolean(value))
		buffer_push_text(out, json_is_true(value) ? "true" : "false");
	if (!out->error)
		clean(out, 0, line);
	return out->error;
}

/* Values that say "nothing": an empty text, and those that the mapping names. */
static bool is_absent(const json_t *spec, struct bytes text)
{
	if (text.len == 0)
		return true;
	size_t i;
	json_t *each;
	json_array_foreach(json_object_get(spec, "ignore"), i, each)
		if (bytes_equal_text(text, json_string_value(each)))
			return true;
	return false;
}

/* What cannot be read is left out if the mapping allows that, else the record is refused. */
static int unreadable(const json_t *spec, const char *target, struct bytes text, const char *what,
	struct complaint *c)
{
	if (flag(spec, "optional"))
		return 0;
	size_t len = text_utf8_cut(text, 60);
	return complain(c, ERROR_FIELD, target, "is '%.*s%s' in the source, which is no %s that its "
		"mapping knows", (int)len, (const char *)text.data, len < text.len ? "…" : "", what);
}

static json_t *text_value(struct bytes text)
{
	return json_stringn(text.len ? (const char *)text.data : "", text.len);
}

static int lookup_value(const json_t *spec, const char *target, struct bytes text, json_t **out,
	struct complaint *c)
{
	char *key = bytes_to_text(text);
	json_t *found = key ? json_object_get(json_object_get(spec, "lookup"), key) : NULL;
	free(key);
	if (!found)
		found = json_object_get(spec, "default");
	*out = json_incref(found);
	return found ? 0 : unreadable(spec, target, text, "value", c);
}

static int date_value(const json_t *spec, const char *target, struct bytes text, json_t **out,
	struct complaint *c)
{
	char date[LOOSE_DATE_SIZE];
	int code = ERROR_SYNTAX;
	size_t i;
	json_t *format;
	json_array_foreach(json_object_get(spec, "formats"), i, format)
		if (code)
			code = loose_date(text, json_string_value(format), date);
	if (code)
		code = loose_date_iso(text, date);
	if (code)
		return unreadable(spec, target, text, "date", c);
	if (flag(spec, "date_only"))
		date[10] = 0;
	*out = json_string(date);
	return *out ? 0 : ERROR_MEMORY;
}

static json_t *number_value(const json_t *spec, double number)
{
	json_t *factor = json_object_get(spec, "multiply");
	number *= factor ? json_number_value(factor) : 1;
	bool integral = number > -0x1p53 && number < 0x1p53 && number == (double)(json_int_t)number;
	return integral ? json_integer((json_int_t)number) : json_real(number);
}

static int amount_value(const json_t *spec, const char *target, struct bytes text, json_t **out,
	struct complaint *c)
{
	const char *decimal = option(spec, "decimal", "point");
	const char *pick = option(spec, "pick", "first");
	double amount;
	if (loose_amount(text, !strcmp(decimal, "comma") ? ',' : '.',
			!strcmp(pick, "last") ? LOOSE_PICK_LAST : LOOSE_PICK_FIRST, &amount))
		return unreadable(spec, target, text, "amount", c);
	*out = number_value(spec, amount);
	return *out ? 0 : ERROR_MEMORY;
}

static int bool_value(const json_t *spec, const char *target, struct bytes text, json_t **out,
	struct complaint *c)
{
	static const char *const words[][2] = {
		{"yes", "no"}, {"Yes", "No"}, {"YES", "NO"}, {"true", "false"}, {"1", "0"}, {"oui", "non"},
	};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		bool yes = bytes_equal_text(text, words[i][0]);
		if (yes || bytes_equal_text(text, words[i][1])) {
			*out = json_boolean(yes);
			return 0;
		}
	}
	return unreadable(spec, target, text, "yes or no", c);
}

/* Blanks inside a link are leftovers of a conversion ("https: //…"). */
static int url_value(const json_t *spec, struct bytes text, json_t **out)
{
	struct buffer url;
	buffer_init(&url, MAPPING_TEXT_MAX);
	buffer_push_text(&url, option(spec, "prefix", ""));
	for (size_t i = 0; i < text.len; i++)
		if (!is_space(text.data[i]))
			buffer_push_u8(&url, text.data[i]);
	*out = url.error ? NULL : text_value(buffer_bytes(&url));
	buffer_deinit(&url);
	return *out ? 0 : ERROR_MEMORY;
}

struct list {
	json_t *items;
	size_t count_max, size_max;
};

static int list_add(struct list *list, struct bytes text)
{
	if (text.len == 0 || json_array_size(list->items) >= list->count_max)
		return 0;
	text.len = text_utf8_cut(text, list->size_max);
	json_t *item = text_value(text);
	size_t i;
	json_t *each;
	json_array_foreach(list->items, i, each) {
		if (json_equal(each, item)) {
			json_decref(item);
			return 0;
		}
	}
	return json_array_append_new(list->items, item) ? ERROR_MEMORY : 0;
}

/* One text, split at the separator if the mapping names one. */
static int list_add_text(const json_t *spec, const json_t *value, struct list *list)
{
	const char *separator = option(spec, "separator", "");
	struct buffer text;
	buffer_init(&text, MAPPING_TEXT_MAX);
	int code = scalar_text(spec, value, true, &text);
	struct bytes rest = buffer_bytes(&text);
	while (!code && rest.len) {
		const uint8_t *end = *separator ?
			memmem(rest.data, rest.len, separator, strlen(separator)) : NULL;
		size_t len = end ? (size_t)(end - rest.data) : rest.len;
		struct bytes item = bytes_slice(rest, 0, len);
		while (item.len && item.data[item.len - 1] == ' ')
			item.len--;
		while (item.len && item.data[0] == ' ')
			item = bytes_slice(item, 1, item.len);
		if (!is_absent(spec, item))
			code = list_add(list, item);
		rest = bytes_slice(rest, end ? len + strlen(separator) : rest.len, rest.len);
	}
	buffer_deinit(&text);
	return code;
}

static int list_value(const json_t *spec, const json_t *value, bool topics, json_t **out)
{
	struct list list = {
		.items = json_array(),
		.count_max = topics ? MAPPING_TOPICS_MAX : MAPPING_LIST_MAX,
		.size_max = topics ? MAPPING_TOPIC_SIZE_MAX : MAPPING_ITEM_SIZE_MAX,
	};
	int code = list.items ? 0 : ERROR_MEMORY;
	if (!code && json_is_array(value)) {
		size_t i;
		json_t *each;
		json_array_foreach(value, i, each)
			if (!code)
				code = list_add_text(spec, each, &list);
	} else if (!code) {
		code = list_add_text(spec, value, &list);
	}
	if (code || json_array_size(list.items) == 0) {
		json_decref(list.items);
		list.items = NULL;
	}
	*out = list.items;
	return code;
}

static int scalar_value(const json_t *spec, const char *kind, const char *target, struct bytes text,
	json_t **out, struct complaint *c)
{
	if (json_object_get(spec, "lookup"))
		return lookup_value(spec, target, text, out, c);
	if (!strcmp(kind, "date"))
		return date_value(spec, target, text, out, c);
	if (!strcmp(kind, "amount"))
		return amount_value(spec, target, text, out, c);
	if (!strcmp(kind, "bool"))
		return bool_value(spec, target, text, out, c);
	if (!strcmp(kind, "url"))
		return url_value(spec, text, out);
	*out = text_value(text);
	return *out ? 0 : ERROR_MEMORY;
}

int mapping_value(const json_t *spec, const char *target, const json_t *value, json_t **out,
	struct complaint *c)
{
	*out = NULL;
	const char *kind = option(spec, "kind", "line");
	if (!strcmp(kind, "list") || !strcmp(kind, "topics"))
		return list_value(spec, value, !strcmp(kind, "topics"), out);
	if (!strcmp(kind, "amount") && json_is_number(value)) {
		*out = number_value(spec, json_number_value(value));
		return *out ? 0 : ERROR_MEMORY;
	}
	struct buffer text;
	buffer_init(&text, MAPPING_TEXT_MAX);
	int code = scalar_text(spec, value, strcmp(kind, "text") != 0, &text);
	if (!code && !is_absent(spec, buffer_bytes(&text)))
		code = scalar_value(spec, kind, target, buffer_bytes(&text), out, c);
	buffer_deinit(&text);
	return code;
}
