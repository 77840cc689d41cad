/* SPDX-License-Identifier: Apache-2.0 */
#include "record/quick_body.h"

#include <string.h>

#include "base/wire_writer.h"
#include "record/doc.h"
#include "record/field.h"

/* ---- the checks of field.c ---- */

static bool fields_good(const struct json_scan *scan, uint32_t object, const struct field *table);

static bool choice_good(const struct field *f, struct bytes text)
{
	for (size_t i = 0; f->choices[i]; i++)
		if (bytes_equal_text(text, f->choices[i]))
			return true;
	return false;
}

static bool text_good(const struct field *f, const struct json_scan_value *value)
{
	if (value->type != JSON_SCAN_TEXT)
		return false;
	if (f->type == FIELD_CHOICE)
		return choice_good(f, value->text);
	if (value->controls || (value->breaks && f->type == FIELD_LINE))
		return false;
	if ((value->text.len == 0 && f->min > 0) || (double)value->text.len > f->max)
		return false;
	return !f->check || !f->check(value->text);
}

/* The few checks that look at several members are written for jansson's trees. */
static bool object_good(const struct json_scan *scan, uint32_t at, const struct field *f)
{
	if (scan->values[at].type != JSON_SCAN_OBJECT ||
		(f->fields && !fields_good(scan, at, f->fields)))
		return false;
	if (!f->object_check)
		return true;
	json_t *json = json_scan_value_json(scan, at);
	bool good = json && f->object_check(json, f->name, NULL) == 0;
	json_decref(json);
	return good;
}

static bool value_good(const struct json_scan *scan, uint32_t at, const struct field *f)
{
	const struct json_scan_value *value = &scan->values[at];
	switch (f->type) {
	case FIELD_TEXT:
	case FIELD_LINE:
	case FIELD_CHOICE:
		return text_good(f, value);
	case FIELD_INTEGER:
	case FIELD_NUMBER:
		return value->type == JSON_SCAN_INTEGER && (double)value->integer >= f->min &&
			(double)value->integer <= f->max;
	case FIELD_BOOL:
		return value->type == JSON_SCAN_TRUE || value->type == JSON_SCAN_FALSE;
	case FIELD_OBJECT:
		return object_good(scan, at, f);
	case FIELD_ANY:
		break;
	}
	return true;
}

static bool list_good(const struct json_scan *scan, uint32_t at, const struct field *f)
{
	const struct json_scan_value *value = &scan->values[at];
	if (value->type != JSON_SCAN_ARRAY || value->count > f->list_max ||
		(f->list_filled && value->count == 0))
		return false;
	uint32_t element = at + 1;
	for (uint32_t i = 0; i < value->count; i++, element = scan->values[element].next)
		if (!value_good(scan, element, f))
			return false;
	return true;
}

static bool field_good(const struct json_scan *scan, uint32_t at, const struct field *f)
{
	if (scan->values[at].type == JSON_SCAN_NULL)
		return f->nullable;
	return f->list_max ? list_good(scan, at, f) : value_good(scan, at, f);
}

static const struct field *field_named(const struct field *table, struct bytes name)
{
	for (const struct field *f = table; f->name; f++)
		if (name.len > 0 && (uint8_t)f->name[0] == name.data[0] && bytes_equal_text(name, f->name))
			return f;
	return NULL;
}

static bool fields_good(const struct json_scan *scan, uint32_t object, const struct field *table)
{
	unsigned required = 0;
	for (const struct field *f = table; f->name; f++)
		required += f->required;
	uint32_t member = object + 1;
	for (uint32_t i = 0; i < scan->values[object].count; i++, member = scan->values[member].next) {
		const struct field *f = field_named(table, scan->values[member].key);
		if (f && !field_good(scan, member, f))
			return false;
		required -= f && f->required; /* a name that comes twice is found when they are sorted */
	}
	return required == 0;
}

static bool has(const struct json_scan *scan, uint32_t object, const char *name)
{
	uint32_t member = object + 1;
	for (uint32_t i = 0; i < scan->values[object].count; i++, member = scan->values[member].next)
		if (bytes_equal_text(scan->values[member].key, name))
			return true;
	return false;
}

/* ---- the encoding of body.c ---- */

static bool encode_value(
	const struct json_scan *scan, uint32_t at, unsigned depth, struct buffer *out);

static bool encode_object(
	const struct json_scan *scan, uint32_t at, unsigned depth, struct buffer *out)
{
	uint32_t members[JSON_SCAN_MEMBERS_MAX], count = scan->values[at].count;
	if (!json_scan_sort(scan, at, members))
		return false;
	wire_writer_map(out, count);
	for (uint32_t i = 0; i < count; i++) {
		wire_writer_str(out, scan->values[members[i]].key);
		if (!encode_value(scan, members[i], depth + 1, out))
			return false;
	}
	return true;
}

static bool encode_array(
	const struct json_scan *scan, uint32_t at, unsigned depth, struct buffer *out)
{
	uint32_t count = scan->values[at].count, element = at + 1;
	wire_writer_array(out, count);
	for (uint32_t i = 0; i < count; i++, element = scan->values[element].next)
		if (!encode_value(scan, element, depth + 1, out))
			return false;
	return true;
}

static bool encode_value(
	const struct json_scan *scan, uint32_t at, unsigned depth, struct buffer *out)
{
	const struct json_scan_value *value = &scan->values[at];
	switch (value->type) {
	case JSON_SCAN_OBJECT:
		return depth <= BODY_DEPTH_MAX && encode_object(scan, at, depth, out);
	case JSON_SCAN_ARRAY:
		return depth <= BODY_DEPTH_MAX && encode_array(scan, at, depth, out);
	case JSON_SCAN_TEXT:
		wire_writer_str(out, value->text);
		break;
	case JSON_SCAN_INTEGER:
		wire_writer_int(out, value->integer);
		break;
	case JSON_SCAN_TRUE:
	case JSON_SCAN_FALSE:
		wire_writer_bool(out, value->type == JSON_SCAN_TRUE);
		break;
	case JSON_SCAN_NULL:
		wire_writer_nil(out);
		break;
	}
	return true;
}

bool quick_body_encode(
	enum record_kind kind, const struct json_scan *scan, uint32_t body, struct buffer *out)
{
	if (kind != KIND_DOC || scan->values[body].type != JSON_SCAN_OBJECT || out->error ||
		!fields_good(scan, body, doc_fields) ||
		(has(scan, body, "text") && !has(scan, body, "media_type")))
		return false;
	size_t start = out->len;
	if (encode_value(scan, body, 1, out) && !out->error && out->len - start <= BODY_SIZE_MAX)
		return true;
	buffer_truncate(out, start);
	return false;
}
