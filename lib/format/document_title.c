/* SPDX-License-Identifier: Apache-2.0 */
#include "format/document_title.h"

#include <ctype.h>
#include <string.h>

#include "base/text.h"
#include "format/html.h"

#define HEADING_SEARCH_LINES 2000

struct bytes document_line(struct bytes *text)
{
	const uint8_t *end = text->len ? memchr(text->data, '\n', text->len) : NULL;
	size_t len = end ? (size_t)(end - text->data) : text->len;
	struct bytes line = bytes_slice(*text, 0, len);
	*text = bytes_slice(*text, end ? len + 1 : len, text->len);
	if (line.len && line.data[line.len - 1] == '\r')
		line.len--;
	return line;
}

static struct bytes trim(struct bytes text)
{
	while (text.len && isspace(text.data[0]))
		text = bytes_slice(text, 1, text.len);
	while (text.len && isspace(text.data[text.len - 1]))
		text.len--;
	return text;
}

/* Collapses white space and cuts at the longest title, from `start` of the buffer on. */
static int finish(struct buffer *out, size_t start)
{
	if (out->error)
		return out->error;
	size_t len = start;
	for (size_t i = start; i < out->len; i++) {
		uint8_t c = out->data[i];
		if (c > ' ' && c != 0x7f)
			out->data[len++] = c;
		else if (len > start && out->data[len - 1] != ' ')
			out->data[len++] = ' ';
	}
	while (len > start && out->data[len - 1] == ' ')
		len--;
	struct bytes title = bytes_slice(buffer_bytes(out), start, len - start);
	buffer_truncate(out, start + text_utf8_cut(title, DOCUMENT_TITLE_MAX));
	return 0;
}

/* The end of a link's or image's target "(…)" that begins at `at`, or `at` if there is none. */
static size_t skip_target(struct bytes text, size_t at)
{
	if (at >= text.len || text.data[at] != '(')
		return at;
	const uint8_t *end = memchr(text.data + at, ')', text.len - at);
	return end ? (size_t)(end - text.data) + 1 : at;
}

/* Inline mark-up of Markdown, and the {#id} that follows a heading, are left out. */
static void push_inline(struct bytes text, struct buffer *out)
{
	if (text.len && text.data[text.len - 1] == '}') {
		const uint8_t *open = memrchr(text.data, '{', text.len);
		if (open && open + 1 < text.data + text.len && strchr("#.:", open[1]))
			text.len = (size_t)(open - text.data);
	}
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];
		if (c == '\\' && i + 1 < text.len && ispunct(text.data[i + 1]))
			buffer_push_u8(out, text.data[++i]);
		else if (c == ']')
			i = skip_target(text, i + 1) - 1;
		else if (c != '*' && c != '`' && c != '[' &&
			!(c == '!' && i + 1 < text.len && text.data[i + 1] == '['))
			buffer_push_u8(out, c);
	}
}

static bool is_underline(struct bytes line, const char *marks)
{
	if (line.len < 2 || !strchr(marks, line.data[0]))
		return false;
	for (size_t i = 1; i < line.len; i++)
		if (line.data[i] != line.data[0])
			return false;
	return true;
}

static int title_of_markdown(struct bytes text, struct buffer *out)
{
	size_t start = out->len;
	bool code = false;
	struct bytes before = bytes_of(NULL, 0);
	for (size_t n = 0; text.len && n < HEADING_SEARCH_LINES; n++) {
		struct bytes line = trim(document_line(&text));
		if (bytes_starts_with(line, bytes_from_text("```")) ||
			bytes_starts_with(line, bytes_from_text("~~~")))
			code = !code;
		size_t level = 0;
		while (level < line.len && line.data[level] == '#')
			level++;
		struct bytes heading = bytes_slice(line, level, line.len);
		bool hashes = !code && level >= 1 && level <= 6 && heading.len && heading.data[0] == ' ';
		bool underlined = !code && before.len && is_underline(line, "=-") &&
			!strchr("-*>|#", before.data[0]);
		if (hashes) {
			while (heading.len && strchr("# ", heading.data[heading.len - 1]))
				heading.len--;
			push_inline(trim(heading), out);
		} else if (underlined) {
			push_inline(before, out);
		}
		if (out->len > start)
			break;
		before = line;
	}
	return finish(out, start);
}

static int title_of_asciidoc(struct bytes text, struct buffer *out)
{
	size_t start = out->len;
	for (size_t n = 0; text.len && n < HEADING_SEARCH_LINES && out->len == start; n++) {
		struct bytes line = trim(document_line(&text));
		size_t level = 0;
		while (level < line.len && line.data[level] == '=')
			level++;
		struct bytes heading = trim(bytes_slice(line, level, line.len));
		if (level >= 1 && level <= 6 && level < line.len && line.data[level] == ' ')
			push_inline(heading, out);
	}
	return finish(out, start);
}

static int title_of_rst(struct bytes text, struct buffer *out)
{
	size_t start = out->len;
	struct bytes before = bytes_of(NULL, 0);
	for (size_t n = 0; text.len && n < HEADING_SEARCH_LINES; n++) {
		struct bytes line = trim(document_line(&text));
		if (before.len && is_underline(line, "=-~^\"'`#*+:.<>_") && (isalnum(before.data[0]) ||
			before.data[0] >= 0x80)) {
			push_inline(before, out);
			break;
		}
		before = line;
	}
	return finish(out, start);
}

static int title_of_plain(struct bytes text, struct buffer *out)
{
	size_t start = out->len;
	while (text.len) {
		struct bytes line = trim(document_line(&text));
		if (line.len == 0)
			continue;
		if (line.len <= 200)
			buffer_push_bytes(out, line);
		break;
	}
	return finish(out, start);
}

int document_title(const char *media_type, struct bytes text, struct buffer *out)
{
	size_t start = out->len;
	if (!strcmp(media_type, "text/markdown"))
		return title_of_markdown(text, out);
	if (!strcmp(media_type, "text/asciidoc"))
		return title_of_asciidoc(text, out);
	if (!strcmp(media_type, "text/x-rst"))
		return title_of_rst(text, out);
	if (strcmp(media_type, "text/html") != 0)
		return title_of_plain(text, out);
	html_text(html_element(text, "title"), out);
	if (out->len == start)
		html_text(html_element(text, "h1"), out);
	return finish(out, start);
}

int document_title_of_file(const char *filename, struct buffer *out)
{
	const char *slash = strrchr(filename, '/');
	const char *name = slash ? slash + 1 : filename;
	const char *dot = strrchr(name, '.');
	size_t start = out->len;
	size_t len = dot && dot != name ? (size_t)(dot - name) : strlen(name);
	for (size_t i = 0; i < len; i++)
		buffer_push_u8(out, name[i] == '_' || name[i] == '-' ? ' ' : (uint8_t)name[i]);
	return finish(out, start);
}
