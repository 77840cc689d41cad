/* SPDX-License-Identifier: Apache-2.0 */
#include "format/yaml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct reading {
	yaml_parser_t parser;
	size_t first_line;
	size_t nodes;
	struct complaint *complaint;
};

static int refuse(struct reading *r, size_t line, const char *reason)
{
	return complain(r->complaint, ERROR_SYNTAX, "", "the YAML is broken at line %zu: %s",
		line + r->first_line, reason);
}

static int next_event(struct reading *r, yaml_event_t *event)
{
	if (yaml_parser_parse(&r->parser, event))
		return 0;
	return refuse(r, r->parser.problem_mark.line,
		r->parser.problem ? r->parser.problem : "it cannot be read");
}

static bool is_one_of(const char *text, const char *const *names)
{
	for (; *names; names++)
		if (!strcmp(text, *names))
			return true;
	return false;
}

/* A number only if it would be written in the same way: 007, 1.10 and 1_000 are texts. */
static json_t *number_of(const char *text)
{
	size_t len = strlen(text);
	const char *digits = text + (*text == '-' || *text == '+');
	if (strspn(digits, "0123456789") == strlen(digits)) {
		if (!*digits || (digits[0] == '0' && digits[1]))
			return NULL;
		errno = 0;
		long long value = strtoll(text, NULL, 10);
		return errno ? NULL : json_integer(value);
	}
	size_t whole = strspn(digits, "0123456789");
	size_t fraction = digits[whole] == '.' ? strspn(digits + whole + 1, "0123456789") : 0;
	if (!whole || !fraction || digits[whole + 1 + fraction] || text[len - 1] == '0' ||
		(digits[0] == '0' && whole > 1))
		return NULL;
	return json_real(strtod(text, NULL));
}

static json_t *scalar_value(const yaml_event_t *event)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
	static const char *const trues[] = {"true", "True", "TRUE", NULL};
	static const char *const falses[] = {"false", "False", "FALSE", NULL};
	const char *text = (const char *)event->data.scalar.value;
	size_t len = event->data.scalar.length;
	if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE || event->data.scalar.tag ||
		strlen(text) != len)
		return json_stringn(text, len);
	if (is_one_of(text, nulls))
		return json_null();
	if (is_one_of(text, trues))
		return json_true();
	if (is_one_of(text, falses))
		return json_false();
	json_t *number = number_of(text);
	return number ? number : json_stringn(text, len);
}

static int read_value(struct reading *r, yaml_event_t *event, unsigned depth, json_t **out);

static int read_sequence(struct reading *r, unsigned depth, json_t **out)
{
	json_t *list = json_array();
	int code = list ? 0 : ERROR_MEMORY;
	while (!code) {
		yaml_event_t event;
		code = next_event(r, &event);
		if (code)
			break;
		bool end = event.type == YAML_SEQUENCE_END_EVENT;
		json_t *value = NULL;
		if (!end)
			code = read_value(r, &event, depth, &value);
		yaml_event_delete(&event);
		if (end)
			break;
		if (!code && json_array_append_new(list, value))
			code = ERROR_MEMORY;
	}
	if (code) {
		json_decref(list);
		list = NULL;
	}
	*out = list;
	return code;
}

static int read_pair(struct reading *r, const yaml_event_t *key_event, unsigned depth, json_t *map)
{
	size_t line = key_event->start_mark.line;
	if (key_event->type != YAML_SCALAR_EVENT)
		return refuse(r, line, "a key must be a plain word");
	const char *key = (const char *)key_event->data.scalar.value;
	if (strlen(key) != key_event->data.scalar.length)
		return refuse(r, line, "a key contains a NUL");
	if (json_object_get(map, key))
		return refuse(r, line, "a key stands there twice");
	yaml_event_t event;
	json_t *value = NULL;
	int code = next_event(r, &event);
	if (code)
		return code;
	code = read_value(r, &event, depth, &value);
	yaml_event_delete(&event);
	if (!code && json_object_set_new(map, key, value))
		code = ERROR_MEMORY;
	return code;
}

static int read_mapping(struct reading *r, unsigned depth, json_t **out)
{
	json_t *map = json_object();
	int code = map ? 0 : ERROR_MEMORY;
	while (!code) {
		yaml_event_t event;
		code = next_event(r, &event);
		if (code)
			break;
		bool end = event.type == YAML_MAPPING_END_EVENT;
		if (!end)
			code = read_pair(r, &event, depth, map);
		yaml_event_delete(&event);
		if (end)
			break;
	}
	if (code) {
		json_decref(map);
		map = NULL;
	}
	*out = map;
	return code;
}

static int read_value(struct reading *r, yaml_event_t *event, unsigned depth, json_t **out)
{
	size_t line = event->start_mark.line;
	*out = NULL;
	if (++r->nodes > YAML_NODES_MAX)
		return refuse(r, line, "it has too many values");
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		*out = scalar_value(event);
		return *out ? 0 : refuse(r, line, "a value is not valid UTF-8");
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		if (depth >= YAML_DEPTH_MAX)
			return refuse(r, line, "it is nested too deeply");
		return event->type == YAML_SEQUENCE_START_EVENT ? read_sequence(r, depth + 1, out) :
			read_mapping(r, depth + 1, out);
	case YAML_ALIAS_EVENT:
		return refuse(r, line, "aliases (*name) are not taken");
	default:
		return refuse(r, line, "a value is missing");
	}
}

/* Stream start, document start, the value, document end, stream end. */
static int read_document(struct reading *r, json_t **out)
{
	bool seen = false;
	for (;;) {
		yaml_event_t event;
		int code = next_event(r, &event);
		if (code)
			return code;
		yaml_event_type_t type = event.type;
		size_t line = event.start_mark.line;
		bool wrapper = type == YAML_STREAM_START_EVENT || type == YAML_DOCUMENT_START_EVENT ||
			type == YAML_DOCUMENT_END_EVENT || type == YAML_STREAM_END_EVENT;
		if (!wrapper && seen)
			code = refuse(r, line, "there is more than one document");
		else if (!wrapper)
			code = read_value(r, &event, 0, out);
		seen = seen || !wrapper;
		yaml_event_delete(&event);
		if (code || type == YAML_STREAM_END_EVENT)
			return code;
	}
}

int yaml_read(struct bytes text, size_t first_line, json_t **out, struct complaint *c)
{
	*out = NULL;
	struct reading r = {.first_line = first_line, .complaint = c};
	if (!yaml_parser_initialize(&r.parser))
		return ERROR_MEMORY;
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, text.data ? text.data : (const uint8_t *)"", text.len);
	int code = read_document(&r, out);
	yaml_parser_delete(&r.parser);
	if (!code && (!*out || json_is_null(*out))) {
		json_decref(*out);
		*out = json_object();
		return *out ? 0 : ERROR_MEMORY;
	}
	if (!code && !json_is_object(*out))
		code = complain(c, ERROR_SYNTAX, "", "the YAML at line %zu is no map of keys and values",
			first_line);
	if (code) {
		json_decref(*out);
		*out = NULL;
	}
	return code;
}
