/* SPDX-License-Identifier: Apache-2.0 */
#include "format/html.h"

#include <ctype.h>
#include <libxml/HTMLparser.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ENTITY_SIZE_MAX 32

static const char *const block_tags[] = {
	"p", "br", "div", "li", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "tr", "table",
	"section", "article", "blockquote", NULL,
};

static bool name_is(struct bytes name, const char *text)
{
	return name.len == strlen(text) && !strncasecmp((const char *)name.data, text, name.len);
}

/* The name of the tag that `at` points to ('<'), without a leading '/'. */
static struct bytes tag_name(struct bytes html, size_t at)
{
	size_t start = at + 1;
	if (start < html.len && html.data[start] == '/')
		start++;
	size_t end = start;
	while (end < html.len && isalnum(html.data[end]))
		end++;
	return bytes_slice(html, start, end - start);
}

/* Where the tag at `at` ends: behind its '>', or at the end of the text. */
static size_t tag_end(struct bytes html, size_t at)
{
	if (html.len - at >= 4 && !memcmp(html.data + at, "<!--", 4)) {
		const uint8_t *end = memmem(html.data + at, html.len - at, "-->", 3);
		return end ? (size_t)(end - html.data) + 3 : html.len;
	}
	uint8_t quote = 0;
	for (size_t i = at + 1; i < html.len; i++) {
		uint8_t c = html.data[i];
		if (quote)
			quote = c == quote ? 0 : quote;
		else if (c == '"' || c == '\'')
			quote = c;
		else if (c == '>')
			return i + 1;
	}
	return html.len;
}

/* Behind the closing tag of a script or style. */
static size_t skip_content(struct bytes html, size_t at, struct bytes name)
{
	for (size_t i = at; i + 2 < html.len; i++) {
		if (html.data[i] != '<' || html.data[i + 1] != '/')
			continue;
		struct bytes closing = tag_name(html, i);
		if (closing.len == name.len &&
			!strncasecmp((const char *)closing.data, (const char *)name.data, name.len))
			return tag_end(html, i);
	}
	return html.len;
}

static void push_character(struct buffer *out, unsigned long c)
{
	if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		c = 0xfffd;
	if (c < 0x20 && c != '\n' && c != '\t')
		c = ' ';
	if (c < 0x80) {
		buffer_push_u8(out, (uint8_t)c);
	} else if (c < 0x800) {
		buffer_push_u8(out, (uint8_t)(0xc0 | c >> 6));
		buffer_push_u8(out, (uint8_t)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		buffer_push_u8(out, (uint8_t)(0xe0 | c >> 12));
		buffer_push_u8(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
		buffer_push_u8(out, (uint8_t)(0x80 | (c & 0x3f)));
	} else {
		buffer_push_u8(out, (uint8_t)(0xf0 | c >> 18));
		buffer_push_u8(out, (uint8_t)(0x80 | (c >> 12 & 0x3f)));
		buffer_push_u8(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
		buffer_push_u8(out, (uint8_t)(0x80 | (c & 0x3f)));
	}
}

/* Reads "&name;" or "&#123;" at `at`; an unknown one stays as it is. Returns where it ends. */
static size_t push_entity(struct bytes html, size_t at, struct buffer *out)
{
	struct bytes rest = bytes_slice(html, at, ENTITY_SIZE_MAX);
	const uint8_t *end = memchr(rest.data, ';', rest.len);
	size_t len = end ? (size_t)(end - rest.data) : 0;
	char name[ENTITY_SIZE_MAX];
	unsigned long c = 0;
	if (len > 1) {
		memcpy(name, rest.data + 1, len - 1);
		name[len - 1] = 0;
		char *stop = NULL;
		if (name[0] == '#' && (name[1] == 'x' || name[1] == 'X') && isxdigit((uint8_t)name[2]))
			c = strtoul(name + 2, &stop, 16);
		else if (name[0] == '#' && isdigit((uint8_t)name[1]))
			c = strtoul(name + 1, &stop, 10);
		if (stop && *stop)
			c = 0;
		const htmlEntityDesc *entity = name[0] == '#' ? NULL : htmlEntityLookup(BAD_CAST name);
		if (entity)
			c = entity->value;
	}
	if (!c) {
		buffer_push_u8(out, '&');
		return at + 1;
	}
	push_character(out, c == 0xa0 ? ' ' : c);
	return at + len + 1;
}

static size_t push_tag(struct bytes html, size_t at, struct buffer *out)
{
	struct bytes name = tag_name(html, at);
	bool closing = at + 1 < html.len && html.data[at + 1] == '/';
	size_t end = tag_end(html, at);
	if (!closing && (name_is(name, "script") || name_is(name, "style")))
		return skip_content(html, end, name);
	for (const char *const *block = block_tags; *block; block++)
		if (name_is(name, *block))
			buffer_push_u8(out, '\n');
	if (!closing && name_is(name, "li"))
		buffer_push_text(out, "- ");
	return end;
}

/* Single spaces, no spaces at the ends of lines, at most one empty line. In place. */
static void tidy(struct buffer *out, size_t start)
{
	size_t len = start;
	unsigned breaks = 2;
	bool space = false;
	for (size_t i = start; i < out->len; i++) {
		uint8_t c = out->data[i];
		if (c == '\n' || c == '\r') {
			if (c == '\n' && breaks < 2) {
				out->data[len++] = '\n';
				breaks++;
			}
			space = false;
		} else if (c == ' ' || c == '\t') {
			space = breaks == 0;
		} else {
			if (space)
				out->data[len++] = ' ';
			out->data[len++] = c;
			space = false;
			breaks = 0;
		}
	}
	while (len > start && out->data[len - 1] == '\n')
		len--;
	buffer_truncate(out, len);
}

int html_text(struct bytes html, struct buffer *out)
{
	size_t start = out->len, at = 0;
	while (at < html.len && !out->error) {
		uint8_t c = html.data[at];
		bool tag = c == '<' && at + 1 < html.len &&
			(isalpha(html.data[at + 1]) || html.data[at + 1] == '/' || html.data[at + 1] == '!');
		if (tag) {
			at = push_tag(html, at, out);
		} else if (c == '&') {
			at = push_entity(html, at, out);
		} else {
			buffer_push_u8(out, c);
			at++;
		}
	}
	if (!out->error)
		tidy(out, start);
	return out->error;
}

static bool find_tag(struct bytes html, const char *name, size_t *at)
{
	for (size_t i = 0; i + 1 < html.len;) {
		if (html.data[i] != '<') {
			i++;
			continue;
		}
		if (name_is(tag_name(html, i), name) && html.data[i + 1] != '/') {
			*at = i;
			return true;
		}
		i = html.data[i + 1] == '!' ? tag_end(html, i) : i + 1;
	}
	return false;
}

struct bytes html_element(struct bytes html, const char *name)
{
	size_t at;
	if (!find_tag(html, name, &at))
		return bytes_of(NULL, 0);
	size_t start = tag_end(html, at);
	size_t after = skip_content(html, start, bytes_from_text(name));
	struct bytes content = bytes_slice(html, start, after - start);
	const uint8_t *close = content.len ? memrchr(content.data, '<', content.len) : NULL;
	if (close)
		content.len = (size_t)(close - content.data);
	return content;
}

struct bytes html_attribute(struct bytes html, const char *tag, const char *attribute)
{
	size_t at;
	if (!find_tag(html, tag, &at))
		return bytes_of(NULL, 0);
	struct bytes text = bytes_slice(html, at, tag_end(html, at) - at);
	size_t len = strlen(attribute);
	for (size_t i = 1; i + len + 2 < text.len; i++) {
		if (!isspace(text.data[i - 1]) || text.data[i + len] != '=' ||
			strncasecmp((const char *)text.data + i, attribute, len) != 0)
			continue;
		uint8_t quote = text.data[i + len + 1];
		size_t start = i + len + 2;
		if (quote != '"' && quote != '\'')
			return bytes_of(NULL, 0);
		const uint8_t *end = memchr(text.data + start, quote, text.len - start);
		return end ? bytes_slice(text, start, (size_t)(end - text.data) - start) :
			bytes_of(NULL, 0);
	}
	return bytes_of(NULL, 0);
}
