/* SPDX-License-Identifier: Apache-2.0 */
#include "format/document.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "format/document_title.h"
#include "format/html.h"
#include "format/yaml.h"
#include "record/body.h"
#include "record/doc.h"
#include "record/value.h"

static const struct {
	const char *ending, *media_type;
} endings[] = {
	{".md", "text/markdown"}, {".markdown", "text/markdown"}, {".adoc", "text/asciidoc"},
	{".asciidoc", "text/asciidoc"}, {".html", "text/html"}, {".htm", "text/html"},
	{".rst", "text/x-rst"}, {".txt", "text/plain"}, {".text", "text/plain"},
};

/*
 * Keys of a front matter. Those of our own must be right; those that other systems use too (Jekyll,
 * Hugo, Eleventy …) are taken if they fit, else kept as they are under `extra`.
 */
static const struct {
	const char *key, *field;
	bool foreign;
} keys[] = {
	{"title", "title", false}, {"language", "language", false}, {"lang", "language", true},
	{"summary", "summary", true}, {"description", "summary", true},
	{"topics", "topics", false}, {"tags", "topics", true}, {"categories", "topics", true},
	{"keywords", "topics", true}, {"evidence", "evidence", false}, {"cost", "cost", false},
	{"contact", "contact", false}, {"licence", "licence", false}, {"license", "licence", true},
	{"source", "source", true}, {"published", "published", false}, {"date", "published", true},
	{"translation_of", "translation_of", false}, {"supersedes", "supersedes", false},
	{"visibility", "visibility", false},
};

const char *document_media_type(const char *filename)
{
	size_t len = strlen(filename);
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		size_t ending = strlen(endings[i].ending);
		if (len > ending && !strcasecmp(filename + len - ending, endings[i].ending))
			return endings[i].media_type;
	}
	return NULL;
}

/* A value written by a person, as the field wants it: new reference, NULL without memory. */
static json_t *adapt_text(const json_t *value)
{
	if (!json_is_number(value))
		return json_deep_copy(value);
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
	json_t *string = text ? json_string(text) : NULL;
	free(text);
	return string;
}

static json_t *adapt_line(const json_t *value)
{
	json_t *text = adapt_text(value);
	const char *from = json_string_value(text);
	if (!from || !strpbrk(from, "\r\n\t"))
		return text;
	char *line = strdup(from);
	size_t len = 0;
	for (const char *p = from; line && *p; p++) {
		bool space = *p == ' ' || *p == '\n' || *p == '\r' || *p == '\t';
		if (!space || (len && line[len - 1] != ' '))
			line[len++] = space ? ' ' : *p;
	}
	while (line && len && line[len - 1] == ' ')
		len--;
	json_t *result = line ? json_stringn(line, len) : NULL;
	free(line);
	json_decref(text);
	return result;
}

/* "air, heat" and [air, heat] alike. */
static json_t *adapt_topics(const json_t *value)
{
	if (!json_is_string(value))
		return json_deep_copy(value);
	json_t *list = json_array();
	const char *at = json_string_value(value);
	while (list && *at) {
		size_t len = strcspn(at, ",");
		size_t end = len, start = 0;
		while (start < end && at[start] == ' ')
			start++;
		while (end > start && at[end - 1] == ' ')
			end--;
		if (end > start)
			json_array_append_new(list, json_stringn(at + start, end - start));
		at += len + (at[len] == ',');
	}
	return list;
}

static json_t *adapt_evidence(const json_t *value)
{
	if (json_is_string(value))
		return json_pack("[{s:O}]", "what", value);
	if (json_is_object(value))
		return json_pack("[O]", value);
	json_t *list = json_deep_copy(value);
	for (size_t i = 0; i < json_array_size(list); i++)
		if (json_is_string(json_array_get(list, i)))
			json_array_set_new(list, i, json_pack("{s:O}", "what", json_array_get(list, i)));
	return list;
}

static json_t *adapt(const char *field, const json_t *value)
{
	if (!strcmp(field, "topics"))
		return adapt_topics(value);
	if (!strcmp(field, "evidence"))
		return adapt_evidence(value);
	if (!strcmp(field, "contact") && json_is_string(value))
		return json_pack("{s:O}", "text", value);
	if (!strcmp(field, "cost") && json_is_string(value))
		return json_pack("{s:O}", "note", value);
	return strcmp(field, "summary") != 0 ? adapt_line(value) : adapt_text(value);
}

static int keep_extra(json_t *doc, const char *key, json_t *value)
{
	json_t *extra = json_object_get(doc, "extra");
	if (!extra) {
		extra = json_object();
		if (!extra || json_object_set_new(doc, "extra", extra))
			return ERROR_MEMORY;
	}
	return json_object_set(extra, key, value) ? ERROR_MEMORY : 0;
}

/* True if a document with that one field would be valid. */
static bool fits(const char *field, json_t *value)
{
	json_t *probe = json_pack("{s:s, s:s, s:O}", "title", "t", "language", "und", field, value);
	bool ok = probe && doc_validate(probe, NULL) == 0;
	json_decref(probe);
	return ok;
}

static int take_key(json_t *doc, const char *key, json_t *value)
{
	const char *field = NULL;
	bool foreign = false;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (!strcmp(key, keys[i].key)) {
			field = keys[i].field;
			foreign = keys[i].foreign;
		}
	}
	if (!field)
		return keep_extra(doc, key, value);
	if (json_is_null(value) || (json_is_string(value) && json_string_length(value) == 0))
		return 0;
	json_t *adapted = adapt(field, value);
	if (!adapted)
		return ERROR_MEMORY;
	int code = 0;
	if (foreign && (json_object_get(doc, field) || !fits(field, adapted)))
		code = keep_extra(doc, key, value);
	else if (json_object_set(doc, field, adapted))
		code = ERROR_MEMORY;
	json_decref(adapted);
	return code;
}

/* Own keys before foreign ones: `title` wins over what another system calls so. */
static int take_front_matter(json_t *doc, json_t *matter)
{
	int code = 0;
	for (int foreign = 0; foreign < 2 && !code; foreign++) {
		for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]) && !code; i++) {
			json_t *value = json_object_get(matter, keys[i].key);
			if (value && keys[i].foreign == (bool)foreign) {
				code = take_key(doc, keys[i].key, value);
				json_object_del(matter, keys[i].key);
			}
		}
	}
	const char *key;
	json_t *value;
	json_object_foreach(matter, key, value)
		if (!code)
			code = take_key(doc, key, value);
	return code;
}

/* Splits "---\n…\n---\n" off the text; false if it does not begin with a front matter. */
static bool split_front_matter(struct bytes *text, struct bytes *matter)
{
	struct bytes rest = *text;
	if (!bytes_equal_text(document_line(&rest), "---"))
		return false;
	const uint8_t *start = rest.data;
	while (rest.len) {
		struct bytes line = document_line(&rest);
		if (!bytes_equal_text(line, "---") && !bytes_equal_text(line, "..."))
			continue;
		*matter = bytes_of(start, (size_t)(line.data - start));
		*text = rest;
		return true;
	}
	return false;
}

static int read_front_matter(json_t *doc, struct bytes *text, struct complaint *c)
{
	struct bytes yaml;
	json_t *matter = NULL;
	if (!split_front_matter(text, &yaml))
		return 0;
	int code = yaml_read(yaml, 2, &matter, c);
	if (code == ERROR_SYNTAX && c) {
		char reason[sizeof(c->reason)];
		memcpy(reason, c->reason, sizeof(reason));
		complain(c, code, "front matter", "%s", reason);
	}
	if (!code)
		code = take_front_matter(doc, matter);
	json_decref(matter);
	return code;
}

static int set_text(json_t *doc, const char *name, struct bytes text)
{
	json_t *value = json_stringn(text.len ? (const char *)text.data : "", text.len);
	return !value || json_object_set_new(doc, name, value) ? ERROR_MEMORY : 0;
}

static int set_title(json_t *doc, const char *filename, const char *media_type, struct bytes text)
{
	if (json_object_get(doc, "title"))
		return 0;
	struct buffer title;
	buffer_init(&title, BODY_SIZE_MAX);
	if (media_type)
		document_title(media_type, text, &title);
	if (title.len == 0 && !title.error)
		document_title_of_file(filename, &title);
	if (title.len == 0 && !title.error)
		buffer_push_text(&title, "Untitled");
	int code = title.error ? title.error : set_text(doc, "title", buffer_bytes(&title));
	buffer_deinit(&title);
	return code;
}

static int set_language(json_t *doc, const char *media_type, struct bytes text)
{
	if (json_object_get(doc, "language"))
		return 0;
	struct bytes language = bytes_from_text("und");
	if (!strcmp(media_type, "text/html")) {
		struct bytes stated = html_attribute(text, "html", "lang");
		if (stated.len && !value_language(stated))
			language = stated;
	}
	return set_text(doc, "language", language);
}

static int check_text(struct bytes content, struct complaint *c)
{
	if (content.len > BODY_SIZE_MAX)
		return complain(c, ERROR_SIZE, "text",
			"is %zu bytes long; a body holds at most %d: attach the file instead", content.len,
			BODY_SIZE_MAX);
	if (content.len && memchr(content.data, 0, content.len))
		return complain(c, ERROR_UTF8, "text", "contains a NUL byte, so it is no text file");
	size_t number = 1;
	for (struct bytes rest = content; rest.len; number++)
		if (!text_utf8_valid(document_line(&rest)))
			return complain(c, ERROR_UTF8, "text", "is not valid UTF-8 (line %zu)", number);
	for (struct bytes rest = content; rest.len;)
		if (document_line(&rest).len)
			return 0;
	return complain(c, ERROR_SIZE, "text", "is empty");
}

int document_parse(const char *filename, struct bytes content, json_t **out, struct complaint *c)
{
	*out = NULL;
	const char *media_type = document_media_type(filename);
	if (!media_type)
		return complain(c, ERROR_TYPE, "", "the file is no text document: it must end in .md, "
			".adoc, .rst, .html or .txt");
	if (bytes_starts_with(content, bytes_from_text("\xef\xbb\xbf")))
		content = bytes_slice(content, 3, content.len);
	int code = check_text(content, c);
	if (code)
		return code;
	json_t *doc = json_object();
	struct bytes text = content;
	if (!doc)
		return ERROR_MEMORY;
	if (!strcmp(media_type, "text/markdown"))
		code = read_front_matter(doc, &text, c);
	if (!code)
		code = set_title(doc, filename, media_type, text);
	if (!code)
		code = set_language(doc, media_type, text);
	if (!code && json_object_set_new(doc, "media_type", json_string(media_type)))
		code = ERROR_MEMORY;
	if (!code)
		code = set_text(doc, "text", text);
	if (!code)
		code = doc_validate(doc, c);
	if (code)
		json_decref(doc);
	else
		*out = doc;
	return code;
}

int document_of_attachment(const char *filename, json_t **out)
{
	json_t *doc = json_object();
	int code = doc ? set_title(doc, filename, NULL, bytes_of(NULL, 0)) : ERROR_MEMORY;
	if (!code)
		code = set_text(doc, "language", bytes_from_text("und"));
	if (code) {
		json_decref(doc);
		doc = NULL;
	}
	*out = doc;
	return code;
}
