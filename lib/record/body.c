/* SPDX-License-Identifier: Apache-2.0 */
#include "record/body.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/wire_reader.h"
#include "base/wire_writer.h"
#include "record/alert.h"
#include "record/call.h"
#include "record/doc.h"
#include "record/field.h"
#include "record/json_text.h"
#include "record/meta.h"

/* JSON writes a character in up to six ("\u00e9"), so the text may be that much longer. */
#define BODY_JSON_SIZE_MAX (6u * BODY_SIZE_MAX)

struct encoder {
	struct buffer *out;
	struct complaint *complaint;
	char field[sizeof(((struct complaint *)0)->field)]; /* the member of the body at work */
};

static int encode_value(struct encoder *e, const json_t *value, unsigned depth);

static int encode_text(struct encoder *e, const char *text, size_t len)
{
	struct bytes bytes = bytes_of(text, len);
	if (memchr(text, 0, len))
		return complain(e->complaint, ERROR_FIELD, e->field, "contains a NUL character");
	if (!text_utf8_valid(bytes))
		return complain(e->complaint, ERROR_FIELD, e->field, "is not valid UTF-8");
	wire_writer_str(e->out, bytes);
	return 0;
}

/* Integral reals are written as integers: one number, one encoding. */
static int encode_real(struct encoder *e, double value)
{
	if (!isfinite(value))
		return complain(e->complaint, ERROR_FIELD, e->field, "is not a finite number");
	if (value == trunc(value) && value >= -0x1p63 && value < 0x1p63)
		wire_writer_int(e->out, (int64_t)value);
	else
		wire_writer_double(e->out, value);
	return 0;
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int encode_object(struct encoder *e, const json_t *object, unsigned depth)
{
	size_t count = json_object_size(object);
	const char **keys = calloc(count ? count : 1, sizeof(*keys));
	if (!keys)
		return ERROR_MEMORY;
	size_t n = 0;
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)object, key, value)
		keys[n++] = key;
	qsort(keys, n, sizeof(*keys), compare_keys);
	wire_writer_map(e->out, n);
	int code = 0;
	for (size_t i = 0; i < n && !code; i++) {
		if (depth == 1)
			field_path(e->field, "", keys[i]);
		code = encode_text(e, keys[i], strlen(keys[i]));
		if (!code)
			code = encode_value(e, json_object_get(object, keys[i]), depth + 1);
	}
	free(keys);
	return code;
}

static int encode_array(struct encoder *e, const json_t *array, unsigned depth)
{
	size_t count = json_array_size(array);
	wire_writer_array(e->out, count);
	for (size_t i = 0; i < count; i++) {
		int code = encode_value(e, json_array_get(array, i), depth + 1);
		if (code)
			return code;
	}
	return 0;
}

/* `depth` counts the containers around the value, itself included if it is one. */
static int encode_value(struct encoder *e, const json_t *value, unsigned depth)
{
	if (e->out->error)
		return e->out->error;
	if ((json_is_object(value) || json_is_array(value)) && depth > BODY_DEPTH_MAX)
		return complain(e->complaint, ERROR_DEPTH, e->field,
			"is nested more than %d levels deep", BODY_DEPTH_MAX);
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return encode_object(e, value, depth);
	case JSON_ARRAY:
		return encode_array(e, value, depth);
	case JSON_STRING:
		return encode_text(e, json_string_value(value), json_string_length(value));
	case JSON_INTEGER:
		wire_writer_int(e->out, json_integer_value(value));
		return 0;
	case JSON_REAL:
		return encode_real(e, json_real_value(value));
	case JSON_TRUE:
	case JSON_FALSE:
		wire_writer_bool(e->out, json_is_true(value));
		return 0;
	case JSON_NULL:
		break;
	}
	wire_writer_nil(e->out);
	return 0;
}

int body_encode(const json_t *body, struct buffer *out, struct complaint *c)
{
	if (!json_is_object(body))
		return complain(c, ERROR_FIELD, "", "the record is not an object");
	if (out->error)
		return out->error;
	struct buffer scratch; /* so that the limit is the body's, not that of `out` */
	buffer_init(&scratch, BODY_SIZE_MAX);
	struct encoder e = {.out = &scratch, .complaint = c};
	int code = encode_value(&e, body, 1);
	if (!code)
		code = scratch.error;
	if (code == ERROR_SIZE)
		complain(c, ERROR_SIZE, "", "the record is larger than %d bytes; "
			"publish its long parts as attachments", BODY_SIZE_MAX);
	if (!code)
		code = buffer_push_bytes(out, buffer_bytes(&scratch));
	buffer_deinit(&scratch);
	return code;
}

size_t body_size(const json_t *body)
{
	struct buffer scratch;
	buffer_init(&scratch, SIZE_MAX);
	struct encoder e = {.out = &scratch};
	size_t size = json_is_object(body) && !encode_value(&e, body, 1) && !scratch.error ?
		scratch.len : 0;
	buffer_deinit(&scratch);
	return size;
}

static json_t *decode_value(struct wire_reader *r);

static json_t *decode_map(struct wire_reader *r)
{
	size_t count = wire_reader_map(r, 0, BODY_SIZE_MAX);
	json_t *object = json_object();
	for (size_t i = 0; i < count && object && !r->error; i++) {
		char *key = bytes_to_text(wire_reader_str(r, 0, BODY_SIZE_MAX));
		json_t *value = r->error ? NULL : decode_value(r);
		if (!r->error && (!key || !value || json_object_set_new_nocheck(object, key, value)))
			wire_reader_fail(r, ERROR_MEMORY);
		else if (r->error)
			json_decref(value);
		free(key);
	}
	return object;
}

static json_t *decode_array(struct wire_reader *r)
{
	size_t count = wire_reader_array(r, 0, BODY_SIZE_MAX);
	json_t *array = json_array();
	for (size_t i = 0; i < count && array && !r->error; i++) {
		json_t *value = decode_value(r);
		if (r->error)
			json_decref(value);
		else if (!value || json_array_append_new(array, value))
			wire_reader_fail(r, ERROR_MEMORY);
	}
	return array;
}

static json_t *decode_double(struct wire_reader *r)
{
	double value = wire_reader_double(r);
	if (!r->error && value == trunc(value) && value >= -0x1p63 && value < 0x1p63)
		wire_reader_fail(r, ERROR_NOT_CANONICAL);
	return json_real(r->error ? 0 : value);
}

static json_t *decode_value(struct wire_reader *r)
{
	struct bytes text;
	switch (wire_reader_peek(r)) {
	case WIRE_TYPE_MAP:
		return decode_map(r);
	case WIRE_TYPE_ARRAY:
		return decode_array(r);
	case WIRE_TYPE_STR:
		text = wire_reader_str(r, 0, BODY_SIZE_MAX);
		return json_stringn_nocheck(text.len ? (const char *)text.data : "", text.len);
	case WIRE_TYPE_UINT:
	case WIRE_TYPE_INT:
		return json_integer(wire_reader_int(r));
	case WIRE_TYPE_FLOAT:
		return decode_double(r);
	case WIRE_TYPE_BOOL:
		return json_boolean(wire_reader_bool(r));
	case WIRE_TYPE_NIL:
		wire_reader_nil(r);
		return json_null();
	default: /* bin has no form in JSON */
		wire_reader_fail(r, ERROR_TYPE);
		return NULL;
	}
}

json_t *body_decode(struct bytes input, struct complaint *c)
{
	if (input.len > BODY_SIZE_MAX) {
		complain(c, ERROR_SIZE, "", "the body is larger than %d bytes", BODY_SIZE_MAX);
		return NULL;
	}
	struct wire_reader r;
	wire_reader_init(&r, input);
	r.allow_float = true;
	if (wire_reader_peek(&r) != WIRE_TYPE_MAP)
		wire_reader_fail(&r, ERROR_TYPE);
	json_t *body = r.error ? NULL : decode_map(&r);
	int code = wire_reader_end(&r);
	if (!code && body)
		return body;
	json_decref(body);
	complain(c, code ? code : ERROR_MEMORY, "", "the body cannot be read: %s",
		error_text(code ? code : ERROR_MEMORY));
	return NULL;
}

static unsigned depth_of(const json_t *value, unsigned limit)
{
	unsigned deepest = 0;
	if (!limit || !(json_is_object(value) || json_is_array(value)))
		return 0;
	const char *key;
	size_t i;
	json_t *child;
	json_object_foreach((json_t *)value, key, child) {
		unsigned depth = depth_of(child, limit - 1);
		deepest = depth > deepest ? depth : deepest;
	}
	json_array_foreach(value, i, child) {
		unsigned depth = depth_of(child, limit - 1);
		deepest = depth > deepest ? depth : deepest;
	}
	return deepest + 1;
}

json_t *body_from_json(struct bytes text, struct complaint *c)
{
	if (text.len > BODY_JSON_SIZE_MAX) {
		complain(c, ERROR_SIZE, "", "the JSON is larger than %u bytes", BODY_JSON_SIZE_MAX);
		return NULL;
	}
	if (!text_utf8_valid(text)) {
		complain(c, ERROR_UTF8, "", "the JSON is not valid UTF-8");
		return NULL;
	}
	json_error_t error;
	json_t *body = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &error);
	if (!body) {
		complain(c, ERROR_SYNTAX, "", "the JSON is broken at line %d, column %d: %s",
			error.line, error.column, json_text_fault(&error));
	} else if (!json_is_object(body)) {
		complain(c, ERROR_TYPE, "", "the JSON is not an object");
	} else if (depth_of(body, BODY_DEPTH_MAX + 1) > BODY_DEPTH_MAX) {
		complain(c, ERROR_DEPTH, "", "the JSON is nested more than %d levels deep",
			BODY_DEPTH_MAX);
	} else {
		return body;
	}
	json_decref(body);
	return NULL;
}

int body_validate(enum record_kind kind, const json_t *body, struct complaint *c)
{
	if (!json_is_object(body))
		return complain(c, ERROR_FIELD, "", "the record is not an object");
	switch (kind) {
	case KIND_ALERT:
		return alert_validate(body, c);
	case KIND_CALL:
		return call_validate(body, c);
	case KIND_DOC:
		return doc_validate(body, c);
	case KIND_META:
		return meta_validate(body, c);
	default:
		return complain(c, ERROR_FIELD, "kind", "%u is a kind that this version does not publish",
			(unsigned)kind);
	}
}

const char *body_title(enum record_kind kind, const json_t *body)
{
	const char *title = NULL;
	if (kind == KIND_ALERT)
		title = alert_title(body);
	else if (kind == KIND_META)
		title = json_string_value(json_object_get(body, "type"));
	else
		title = json_string_value(json_object_get(body, "title"));
	return title ? title : "";
}

int64_t body_expiry_ms(enum record_kind kind, const json_t *body)
{
	if (kind == KIND_ALERT)
		return alert_expiry_ms(body);
	if (kind == KIND_CALL)
		return call_expiry_ms(body);
	return 0;
}

int body_add_attachment(json_t *body, const char *id_hex, const char *name, const char *media_type,
	uint64_t size)
{
	json_t *list = json_object_get(body, "attachments");
	if (!list) {
		list = json_array();
		if (!list || json_object_set_new(body, "attachments", list))
			return ERROR_MEMORY;
	}
	if (!json_is_array(list) || size > INT64_MAX)
		return ERROR_FIELD;
	json_t *item = json_pack("{s:s, s:s, s:s, s:I}", "id", id_hex, "name", name, "media_type",
		media_type, "size", (json_int_t)size);
	return !item || json_array_append_new(list, item) ? ERROR_MEMORY : 0;
}
