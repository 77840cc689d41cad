/* SPDX-License-Identifier: Apache-2.0 */
#include "record/field.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/text.h"
#include "record/value.h"

static_assert(FIELD_PATH_SIZE == sizeof(((struct complaint *)0)->field), "paths fit complaints");

/* So much of a refused value is quoted back. */
#define FIELD_QUOTE_MAX 60

const char *const field_visibility[] = {"members", "public", NULL};

const struct field field_contact[] = {
	{.name = "office", .type = FIELD_LINE, .min = 1, .max = 256},
	{.name = "name", .type = FIELD_LINE, .min = 1, .max = 128},
	{.name = "email", .type = FIELD_LINE, .max = 254, .check = value_email},
	{.name = "phone", .type = FIELD_LINE, .min = 1, .max = 64},
	{.name = "url", .type = FIELD_LINE, .max = VALUE_URL_SIZE_MAX, .check = value_url},
	{.name = "text", .type = FIELD_TEXT, .min = 1, .max = 2048},
	{.name = NULL},
};

const struct field field_attachment[] = {
	{.name = "id", .type = FIELD_LINE, .max = 64, .required = true, .check = value_hash_hex},
	{.name = "name", .type = FIELD_LINE, .min = 1, .max = 255, .required = true,
		.check = value_file_name},
	{.name = "media_type", .type = FIELD_LINE, .max = 127, .required = true,
		.check = value_media_type},
	{.name = "size", .type = FIELD_INTEGER, .max = 0x1p40, .required = true},
	{.name = NULL},
};

int field_contact_check(const json_t *contact, const char *path, struct complaint *c)
{
	for (const struct field *f = field_contact; f->name; f++)
		if (json_object_get(contact, f->name))
			return 0;
	return complain(c, ERROR_FIELD, path,
		"names nobody: give an office, email, phone, url or text");
}

void field_path(char to[static FIELD_PATH_SIZE], const char *prefix, const char *name)
{
	struct bytes whole = bytes_from_text(name);
	char copy[FIELD_PATH_SIZE];
	size_t len = text_utf8_cut(whole, FIELD_PATH_SIZE - 1);
	memcpy(copy, name, len);
	copy[len] = 0;
	char joined[2 * FIELD_PATH_SIZE];
	snprintf(joined, sizeof(joined), "%s%s%s", prefix, *prefix ? "." : "", copy);
	len = text_utf8_cut(bytes_from_text(joined), FIELD_PATH_SIZE - 1);
	memcpy(to, joined, len);
	to[len] = 0;
}

void field_path_index(char to[static FIELD_PATH_SIZE], const char *prefix, size_t index)
{
	char joined[FIELD_PATH_SIZE + 24];
	snprintf(joined, sizeof(joined), "%s[%zu]", prefix, index);
	size_t len = text_utf8_cut(bytes_from_text(joined), FIELD_PATH_SIZE - 1);
	memcpy(to, joined, len);
	to[len] = 0;
}

/* The value as it is quoted in a complaint. */
static const char *quote(char to[static FIELD_QUOTE_MAX + 4], struct bytes text)
{
	size_t len = text_utf8_cut(text, FIELD_QUOTE_MAX);
	memcpy(to, text.data, len);
	snprintf(to + len, 4, "%s", len < text.len ? "…" : "");
	return to;
}

static int check_choice(const struct field *f, struct bytes text, const char *path,
	struct complaint *c)
{
	struct buffer names;
	buffer_init(&names, 1024);
	for (size_t i = 0; f->choices[i]; i++) {
		if (bytes_equal_text(text, f->choices[i])) {
			buffer_deinit(&names);
			return 0;
		}
		const char *before = i == 0 ? "" : f->choices[i + 1] ? ", " : " or ";
		buffer_push_format(&names, "%s%s", before, f->choices[i]);
	}
	char quoted[FIELD_QUOTE_MAX + 4];
	const char *list = buffer_text(&names);
	int code = complain(c, ERROR_FIELD, path, "is '%s'; it must be %s", quote(quoted, text),
		list ? list : "another value");
	buffer_deinit(&names);
	return code;
}

static int check_characters(const struct field *f, struct bytes text, const char *path,
	struct complaint *c)
{
	if (!text_utf8_valid(text))
		return complain(c, ERROR_FIELD, path, "is not valid UTF-8");
	for (size_t i = 0; i < text.len; i++) {
		uint8_t byte = text.data[i];
		bool line_break = byte == '\n' || byte == '\r';
		if (line_break && f->type == FIELD_LINE)
			return complain(c, ERROR_FIELD, path, "contains a line break; it is a single line");
		if ((byte < ' ' && !line_break && byte != '\t') || byte == 0x7f)
			return complain(c, ERROR_FIELD, path, "contains a control character (%02x)", byte);
	}
	return 0;
}

static int check_text(const struct field *f, const json_t *value, const char *path,
	struct complaint *c)
{
	if (!json_is_string(value))
		return complain(c, ERROR_FIELD, path, "must be a text");
	struct bytes text = bytes_of(json_string_value(value), json_string_length(value));
	if (f->type == FIELD_CHOICE)
		return check_choice(f, text, path, c);
	if (text.len == 0 && f->min > 0)
		return complain(c, ERROR_FIELD, path, "is empty");
	int code = check_characters(f, text, path, c);
	const char *reason = !code && f->check ? f->check(text) : NULL;
	if (reason) {
		char quoted[FIELD_QUOTE_MAX + 4];
		code = complain(c, ERROR_FIELD, path, "is '%s'; %s", quote(quoted, text), reason);
	}
	if (!code && (double)text.len > f->max)
		code = complain(c, ERROR_FIELD, path, "is %zu bytes long; at most %.0f are allowed",
			text.len, f->max);
	return code;
}

static int check_number(const struct field *f, const json_t *value, const char *path,
	struct complaint *c)
{
	bool integral = f->type == FIELD_INTEGER;
	if (integral ? !json_is_integer(value) : !json_is_number(value))
		return complain(c, ERROR_FIELD, path, "must be a%s number", integral ? " whole" : "");
	double number = json_number_value(value);
	if (!(number >= f->min))
		return complain(c, ERROR_FIELD, path, "is %.15g; it must be at least %.15g", number,
			f->min);
	if (!(number <= f->max))
		return complain(c, ERROR_FIELD, path, "is %.15g; it must be at most %.15g", number,
			f->max);
	return 0;
}

static int check_value(const struct field *f, const json_t *value, const char *path,
	struct complaint *c)
{
	int code = 0;
	switch (f->type) {
	case FIELD_TEXT:
	case FIELD_LINE:
	case FIELD_CHOICE:
		return check_text(f, value, path, c);
	case FIELD_INTEGER:
	case FIELD_NUMBER:
		return check_number(f, value, path, c);
	case FIELD_BOOL:
		return json_is_boolean(value) ? 0 :
			complain(c, ERROR_FIELD, path, "must be true or false");
	case FIELD_OBJECT:
		if (!json_is_object(value))
			return complain(c, ERROR_FIELD, path, "must be an object");
		if (f->fields)
			code = field_validate(value, f->fields, path, c);
		if (!code && f->object_check)
			code = f->object_check(value, path, c);
		return code;
	case FIELD_ANY:
		break;
	}
	return 0;
}

static int check_list(const struct field *f, const json_t *value, const char *path,
	struct complaint *c)
{
	if (!json_is_array(value))
		return complain(c, ERROR_FIELD, path, "must be a list");
	if (json_array_size(value) > f->list_max)
		return complain(c, ERROR_FIELD, path, "has %zu elements; at most %zu are allowed",
			json_array_size(value), f->list_max);
	if (f->list_filled && json_array_size(value) == 0)
		return complain(c, ERROR_FIELD, path, "is empty; at least one is needed");
	size_t i;
	json_t *element;
	json_array_foreach(value, i, element) {
		char inner[FIELD_PATH_SIZE];
		field_path_index(inner, path, i);
		int code = check_value(f, element, inner, c);
		if (code)
			return code;
	}
	return 0;
}

int field_validate(const json_t *object, const struct field *table, const char *path,
	struct complaint *c)
{
	for (const struct field *f = table; f->name; f++) {
		const json_t *value = json_object_get(object, f->name);
		char inner[FIELD_PATH_SIZE];
		field_path(inner, path, f->name);
		int code = 0;
		if (!value)
			code = f->required ? complain(c, ERROR_FIELD, inner, "is missing") : 0;
		else if (json_is_null(value))
			code = f->nullable ? 0 : complain(c, ERROR_FIELD, inner, "is null; leave it out");
		else
			code = f->list_max ? check_list(f, value, inner, c) :
				check_value(f, value, inner, c);
		if (code)
			return code;
	}
	return 0;
}
