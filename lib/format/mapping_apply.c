/* SPDX-License-Identifier: Apache-2.0 */
/* Which mapping fits a file, and the records of the file into calls. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "format/csv.h"
#include "format/mapping.h"
#include "format/mapping_path.h"
#include "format/mapping_spec.h"
#include "format/mapping_value.h"
#include "record/call.h"

static const char *match_text(const json_t *spec, const char *name)
{
	return json_string_value(json_object_get(json_object_get(spec, "match"), name));
}

static bool is_csv(const json_t *spec)
{
	return !strcmp(match_text(spec, "format"), "csv");
}

/* The rows of a table "columns + rows" as objects, as CKAN gives them. */
static json_t *table_records(const json_t *table, json_t *root, json_t *rows)
{
	const char *columns = json_string_value(json_object_get(table, "columns"));
	const char *name = json_string_value(json_object_get(table, "column_name"));
	json_t *names = mapping_path_get(root, columns, false);
	json_t *records = json_array();
	size_t i, k;
	json_t *row, *cell;
	json_array_foreach(rows, i, row) {
		json_t *record = json_object();
		json_array_foreach(row, k, cell) {
			const char *key = json_string_value(json_object_get(json_array_get(names, k), name));
			if (key)
				json_object_set(record, key, cell);
		}
		json_array_append_new(records, record);
	}
	json_decref(names);
	return records;
}

/* A new reference to the array of records, NULL if the file is not of that shape. */
static json_t *json_records(const json_t *spec, json_t *root)
{
	const char *path = match_text(spec, "records");
	json_t *found = mapping_path_get(root, path ? path : "", false);
	const json_t *table = json_object_get(json_object_get(spec, "match"), "table");
	json_t *records = NULL;
	if (table && json_is_array(found))
		records = table_records(table, root, found);
	else if (!table && json_is_array(found))
		records = json_incref(found);
	else if (!table && json_is_object(found) && found == root)
		records = json_pack("[O]", found);
	json_decref(found);
	return records;
}

static bool has_keys(const json_t *keys, const json_t *record)
{
	size_t i;
	json_t *key;
	json_array_foreach(keys, i, key)
		if (!json_object_get(record, json_string_value(key)))
			return false;
	return true;
}

static bool has_columns(const json_t *keys, const json_t *header)
{
	size_t i, k;
	json_t *key, *column;
	json_array_foreach(keys, i, key) {
		bool found = false;
		json_array_foreach(header, k, column)
			found = found || json_equal(key, column);
		if (!found)
			return false;
	}
	return true;
}

static bool fits(const json_t *spec, const struct mapping_input *in)
{
	const json_t *keys = json_object_get(json_object_get(spec, "match"), "keys");
	if (is_csv(spec))
		return in->csv_header && has_columns(keys, in->csv_header);
	json_t *records = in->json ? json_records(spec, in->json) : NULL;
	bool ok = json_array_size(records) > 0 && has_keys(keys, json_array_get(records, 0));
	json_decref(records);
	return ok;
}

const struct mapping *mapping_detect(const struct mapping_set *set, const struct mapping_input *in)
{
	for (size_t i = 0; i < set->count; i++)
		if (fits(mapping_spec(set->mappings[i]), in))
			return set->mappings[i];
	return NULL;
}

static bool holds_one(const json_t *value, const json_t *allowed)
{
	size_t i, k;
	json_t *each, *one;
	json_array_foreach(allowed, i, each) {
		if (json_equal(value, each))
			return true;
		json_array_foreach(value, k, one)
			if (json_equal(one, each))
				return true;
	}
	return false;
}

/* "tender, award" of a list of texts, else as JSON; NULL for no value or no memory. */
static char *text_of(const json_t *value)
{
	struct buffer text;
	size_t i;
	json_t *each;
	if (json_is_string(value))
		return strdup(json_string_value(value));
	if (!json_is_array(value) || json_array_size(value) == 0)
		return json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	buffer_init(&text, SIZE_MAX);
	json_array_foreach(value, i, each) {
		char *part = json_is_string(each) ? strdup(json_string_value(each)) :
			json_dumps(each, JSON_ENCODE_ANY | JSON_COMPACT);
		buffer_push_text(&text, i ? ", " : "");
		buffer_push_text(&text, part ? part : "");
		free(part);
	}
	struct bytes whole = buffer_bytes(&text);
	char *copy = text.error ? NULL : strndup((const char *)whole.data, whole.len);
	buffer_deinit(&text);
	return copy;
}

static int check_requirements(const json_t *spec, json_t *record, struct complaint *c)
{
	size_t i;
	json_t *each;
	json_array_foreach(json_object_get(spec, "require"), i, each) {
		const char *from = json_string_value(json_object_get(each, "from"));
		json_t *value = mapping_path_get(record, from, is_csv(spec));
		bool ok = value && holds_one(value, json_object_get(each, "one_of"));
		char *text = text_of(value);
		int code = ok ? 0 : complain(c, ERROR_FIELD, from, "is %.60s; %s", text ? text : "missing",
			json_string_value(json_object_get(each, "reason")));
		free(text);
		json_decref(value);
		if (code)
			return code;
	}
	return 0;
}

/* Whoever reads the refusal has the file before him, not the call: says where to look in it. */
static void complain_source(const json_t *spec, int code, struct complaint *c)
{
	const json_t *field = json_object_get(json_object_get(spec, "fields"), c->field);
	const json_t *from = json_object_get(field, "from");
	struct complaint said = *c;
	char *places = json_array_size(from) ? text_of(from) : NULL;
	if (places)
		complain(c, code, said.field, "%s (in the file: %s)", said.reason, places);
	free(places);
}

static int set_field(const json_t *spec, const char *target, const json_t *field, json_t *record,
	json_t *call, struct complaint *c)
{
	json_t *constant = json_object_get(field, "constant");
	if (constant)
		return mapping_path_set(call, target, json_deep_copy(constant));
	size_t i;
	json_t *from;
	json_array_foreach(json_object_get(field, "from"), i, from) {
		json_t *value = mapping_path_get(record, json_string_value(from), is_csv(spec));
		if (!value)
			continue;
		json_t *result;
		int code = mapping_value(field, target, value, &result, c);
		json_decref(value);
		if (code)
			return code;
		if (result)
			return mapping_path_set(call, target, result);
	}
	json_t *otherwise = json_object_get(field, "default");
	return otherwise ? mapping_path_set(call, target, json_deep_copy(otherwise)) : 0;
}

/* What has only its constants (a currency without amount, a zone without date) says nothing. */
static void prune(json_t *call)
{
	json_t *deadlines = json_object_get(call, "deadlines");
	for (size_t i = json_array_size(deadlines); i-- > 0;)
		if (!json_object_get(json_array_get(deadlines, i), "at"))
			json_array_remove(deadlines, i);
	if (deadlines && json_array_size(deadlines) == 0)
		json_object_del(call, "deadlines");
	json_t *grant = json_object_get(call, "grant");
	if (grant && !json_object_get(grant, "min") && !json_object_get(grant, "max"))
		json_object_del(call, "grant");
	if (!json_object_get(json_object_get(call, "budget"), "amount"))
		json_object_del(call, "budget");
}

static int map_record(const json_t *spec, json_t *record, json_t **out, struct complaint *c)
{
	*out = NULL;
	if (!json_is_object(record))
		return complain(c, ERROR_FIELD, "", "the record is no object");
	int code = check_requirements(spec, record, c);
	json_t *call = code ? NULL : json_object();
	const char *target;
	json_t *field;
	json_object_foreach(json_object_get(spec, "fields"), target, field)
		if (!code)
			code = set_field(spec, target, field, record, call, c);
	if (!code) {
		prune(call);
		code = call_validate(call, c);
		if (code)
			complain_source(spec, code, c);
	}
	if (code)
		json_decref(call);
	else
		*out = call;
	return code;
}

static int give(const json_t *spec, json_t *record, const char *name, mapping_callback *callback,
	void *user)
{
	struct complaint complaint = {0};
	json_t *call = NULL;
	int code = map_record(spec, record, &call, &complaint);
	if (code == ERROR_MEMORY)
		return code;
	code = callback(user, name, call, &complaint);
	json_decref(call);
	return code;
}

static int apply_json(const json_t *spec, json_t *root, mapping_callback *callback, void *user)
{
	json_t *records = json_records(spec, root);
	int code = 0;
	size_t i;
	json_t *record;
	json_array_foreach(records, i, record) {
		char name[32];
		snprintf(name, sizeof(name), "record %zu", i + 1);
		if (!code)
			code = give(spec, record, name, callback, user);
	}
	json_decref(records);
	return code;
}

static json_t *csv_record(const json_t *header, const struct csv_reader *reader)
{
	json_t *record = json_object();
	size_t i;
	json_t *name;
	json_array_foreach(header, i, name) {
		if (i >= reader->field_count)
			break;
		struct bytes field = reader->fields[i];
		json_object_set_new(record, json_string_value(name),
			json_stringn(field.len ? (const char *)field.data : "", field.len));
	}
	return record;
}

static int apply_csv(const json_t *spec, const struct mapping_input *in,
	mapping_callback *callback, void *user, struct complaint *c)
{
	const char *delimiter = match_text(spec, "delimiter");
	struct csv_reader reader;
	csv_reader_init(&reader, in->csv, delimiter ? *delimiter : 0);
	int code = csv_reader_next(&reader); /* the header */
	while (code == 1) {
		code = csv_reader_next(&reader);
		if (code != 1)
			break;
		json_t *record = csv_record(in->csv_header, &reader);
		char name[32];
		snprintf(name, sizeof(name), "line %zu", reader.line);
		int given = record ? give(spec, record, name, callback, user) : ERROR_MEMORY;
		json_decref(record);
		code = given ? given : 1;
	}
	if (code == ERROR_SYNTAX || code == ERROR_SIZE)
		complain(c, code, "", "the CSV breaks off at line %zu: %s", reader.line,
			code == ERROR_SIZE ? "it has too many or too long fields" :
			"a quoted field is not closed, or text follows its closing quote");
	csv_reader_deinit(&reader);
	return code;
}

int mapping_apply(const struct mapping *m, const struct mapping_input *in,
	mapping_callback *callback, void *user, struct complaint *c)
{
	const json_t *spec = mapping_spec(m);
	if (is_csv(spec))
		return apply_csv(spec, in, callback, user, c);
	return apply_json(spec, in->json, callback, user);
}
