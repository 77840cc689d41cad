/* SPDX-License-Identifier: Apache-2.0 */
#include "format/mapping.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "base/text.h"
#include "format/csv.h"
#include "format/mapping_spec.h"
#include "format/yaml.h"
#include "record/json_text.h"

struct mapping {
	json_t *spec;
};

int mapping_parse(const char *filename, struct bytes yaml, struct mapping **out,
	struct complaint *c)
{
	*out = NULL;
	json_t *spec = NULL;
	struct complaint inner = {0};
	int code = yaml.len > MAPPING_FILE_SIZE_MAX ?
		complain(&inner, ERROR_SIZE, "", "is larger than %u bytes", MAPPING_FILE_SIZE_MAX) :
		yaml_read(yaml, 1, &spec, &inner);
	if (!code)
		code = mapping_spec_check(spec, &inner);
	struct mapping *m = code ? NULL : calloc(1, sizeof(*m));
	if (!m) {
		json_decref(spec);
		return complain(c, code ? code : ERROR_MEMORY, filename, "%s%s%s", inner.field,
			inner.field[0] ? " " : "", inner.reason);
	}
	m->spec = spec;
	*out = m;
	return 0;
}

void mapping_free(struct mapping *m)
{
	if (!m)
		return;
	json_decref(m->spec);
	free(m);
}

const json_t *mapping_spec(const struct mapping *m)
{
	return m->spec;
}

static int read_file(const char *path, struct buffer *out, struct complaint *c)
{
	FILE *file = fopen(path, "rb");
	if (!file)
		return complain(c, error_from_errno(errno), path, "cannot be read: %s", strerror(errno));
	int code = 0;
	while (!code && !feof(file)) {
		uint8_t *room = buffer_reserve(out, 4096);
		if (room)
			buffer_commit(out, fread(room, 1, 4096, file));
		code = ferror(file) ? complain(c, ERROR_IO, path, "cannot be read") : out->error;
	}
	fclose(file);
	return code;
}

static int load_one(const char *folder, const char *name, struct mapping_set *set,
	struct complaint *c)
{
	char path[PATH_MAX];
	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
		return complain(c, ERROR_SIZE, folder, "is too long a path");
	struct buffer text;
	buffer_init(&text, MAPPING_FILE_SIZE_MAX + 8192);
	struct mapping *m = NULL;
	int code = read_file(path, &text, c);
	if (!code)
		code = mapping_parse(name, buffer_bytes(&text), &m, c);
	buffer_deinit(&text);
	if (!code)
		set->mappings[set->count++] = m;
	return code;
}

static int is_mapping_file(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);
	return entry->d_name[0] != '.' && len > 5 && !strcmp(entry->d_name + len - 5, ".yaml");
}

int mapping_load(const char *folder, struct mapping_set *out, struct complaint *c)
{
	struct dirent **names = NULL;
	*out = (struct mapping_set){0};
	int count = scandir(folder, &names, is_mapping_file, alphasort);
	if (count < 0)
		return complain(c, error_from_errno(errno), folder, "cannot be read: %s", strerror(errno));
	int code = count > MAPPING_SET_MAX ?
		complain(c, ERROR_SIZE, folder, "has more than %d mappings", MAPPING_SET_MAX) : 0;
	out->mappings = calloc((size_t)count + 1, sizeof(*out->mappings));
	if (!out->mappings)
		code = ERROR_MEMORY;
	for (int i = 0; i < count; i++) {
		if (!code)
			code = load_one(folder, names[i]->d_name, out, c);
		free(names[i]);
	}
	free(names);
	if (code)
		mapping_set_deinit(out);
	return code;
}

void mapping_set_deinit(struct mapping_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		mapping_free(set->mappings[i]);
	free(set->mappings);
	*set = (struct mapping_set){0};
}

static int read_csv_header(struct mapping_input *in, struct complaint *c)
{
	struct csv_reader reader;
	csv_reader_init(&reader, in->csv, 0);
	int code = csv_reader_next(&reader);
	if (code == 1) {
		in->csv_header = json_array();
		for (size_t i = 0; i < reader.field_count; i++)
			json_array_append_new(in->csv_header, json_stringn(
				(const char *)reader.fields[i].data, reader.fields[i].len));
		code = json_array_size(in->csv_header) == reader.field_count ? 0 : ERROR_MEMORY;
	} else {
		code = complain(c, ERROR_SYNTAX, "", code ? "the CSV's first line cannot be read: a "
			"quotation mark is not closed, or it has too many columns" :
			"the CSV has no lines");
	}
	csv_reader_deinit(&reader);
	return code;
}

int mapping_input_read(const char *filename, struct bytes content, struct mapping_input *out,
	struct complaint *c)
{
	*out = (struct mapping_input){0};
	if (content.len > MAPPING_INPUT_SIZE_MAX)
		return complain(c, ERROR_SIZE, "", "the file is larger than %u bytes",
			MAPPING_INPUT_SIZE_MAX);
	if (!text_utf8_valid(content))
		return complain(c, ERROR_UTF8, "", "the file is not valid UTF-8");
	size_t len = strlen(filename);
	if (len > 4 && !strcasecmp(filename + len - 4, ".csv")) {
		if (content.len && memchr(content.data, 0, content.len))
			return complain(c, ERROR_SYNTAX, "", "the CSV contains a NUL byte");
		out->csv = content;
		return read_csv_header(out, c);
	}
	if (bytes_starts_with(content, bytes_from_text("\xef\xbb\xbf")))
		content = bytes_slice(content, 3, content.len);
	json_error_t error;
	out->json = json_loadb((const char *)content.data, content.len, JSON_REJECT_DUPLICATES, &error);
	if (!out->json)
		return complain(c, ERROR_SYNTAX, "", "the JSON is broken at line %d, column %d: %s",
			error.line, error.column, json_text_fault(&error));
	return 0;
}

void mapping_input_deinit(struct mapping_input *in)
{
	json_decref(in->json);
	json_decref(in->csv_header);
	*in = (struct mapping_input){0};
}
