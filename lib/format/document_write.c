/* SPDX-License-Identifier: Apache-2.0 */
/* Markdown out: the front matter is written as JSON values, which YAML reads as they are. */
#include <stdlib.h>
#include <string.h>

#include "format/document.h"

static int write_pair(struct buffer *out, const char *key, const json_t *value)
{
	/* Keys that YAML would read as something else are quoted. */
	bool plain = *key != 0;
	for (const char *p = key; *p; p++)
		plain = plain && ((*p >= 'a' && *p <= 'z') || *p == '_' || *p == '-');
	json_t *quoted = plain ? NULL : json_string(key);
	char *name = quoted ? json_dumps(quoted, JSON_ENCODE_ANY) : NULL;
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
	int code = text && (plain || name) ?
		buffer_push_format(out, "%s: %s\n", name ? name : key, text) : ERROR_MEMORY;
	json_decref(quoted);
	free(name);
	free(text);
	return code;
}

static int write_front_matter(struct buffer *out, const json_t *doc)
{
	int code = buffer_push_text(out, "---\n");
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)doc, key, value) {
		if (code || !strcmp(key, "text") || !strcmp(key, "extra") || !strcmp(key, "media_type"))
			continue;
		code = write_pair(out, key, value);
	}
	json_object_foreach(json_object_get(doc, "extra"), key, value)
		if (!code && !json_object_get(doc, key))
			code = write_pair(out, key, value);
	return code ? code : buffer_push_text(out, "---\n");
}

/* Longer than any run of backquotes in the text. */
static size_t fence_length(const char *text)
{
	size_t longest = 2;
	while (*text) {
		size_t run = strspn(text, "`");
		longest = run > longest ? run : longest;
		text += run ? run : 1;
	}
	return longest + 1;
}

int document_write_markdown(const json_t *doc, struct buffer *out)
{
	int code = write_front_matter(out, doc);
	const char *text = json_string_value(json_object_get(doc, "text"));
	const char *media_type = json_string_value(json_object_get(doc, "media_type"));
	if (code || !text)
		return code;
	if (media_type && !strcmp(media_type, "text/markdown"))
		return buffer_push_text(out, text);
	size_t fence = fence_length(text);
	const char *language = media_type && !strncmp(media_type, "text/", 5) ? media_type + 5 : "";
	buffer_push_text(out, "\n");
	for (size_t i = 0; i < fence; i++)
		buffer_push_u8(out, '`');
	buffer_push_format(out, "%s\n%s", language, text);
	buffer_push_text(out, *text && text[strlen(text) - 1] == '\n' ? "" : "\n");
	for (size_t i = 0; i < fence; i++)
		buffer_push_u8(out, '`');
	return buffer_push_text(out, "\n");
}
