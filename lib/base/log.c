/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/error.h"
#include "base/text.h"

/* One value never pushes the keys after it out of the line: a value's bytes as written, escapes
 * included. Reasons of complaints (255 bytes) fit. */
#define LOG_VALUE_MAX 320
#define LOG_BYTES_MAX 16

#define ELLIPSIS "\xe2\x80\xa6"
/* Kept free for the marks of a value that was cut, and of the line. */
#define LOG_RESERVE (sizeof(ELLIPSIS "\"" ELLIPSIS) - 1)

static pthread_mutex_t sink_lock = PTHREAD_MUTEX_INITIALIZER;
static log_sink_fn *sink_fn;
static void *sink_ctx;
static atomic_int level_max = LOG_LEVEL_INFO;

static const char *const level_names[LOG_LEVEL_COUNT] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARN] = "warn",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

void log_set_sink(log_sink_fn *sink, void *ctx)
{
	pthread_mutex_lock(&sink_lock);
	sink_fn = sink;
	sink_ctx = ctx;
	pthread_mutex_unlock(&sink_lock);
}

void log_set_level(enum log_level level)
{
	atomic_store(&level_max, (int)level);
}

bool log_wanted(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&level_max, memory_order_relaxed);
}

const char *log_level_name(enum log_level level)
{
	return (unsigned)level < LOG_LEVEL_COUNT ? level_names[level] : "unknown";
}

int log_level_from_name(const char *name)
{
	for (int level = 0; level < LOG_LEVEL_COUNT; level++)
		if (strcmp(level_names[level], name) == 0)
			return level;
	return -1;
}

/* Writes all of the bytes or, where the line is full, none and nothing any more. */
static void line_put(struct log_line *l, const void *data, size_t len)
{
	if (l->cut)
		return;
	if (l->len + len > LOG_LINE_MAX - LOG_RESERVE) {
		l->cut = true;
		return;
	}
	memcpy(l->text + l->len, data, len);
	l->len += len;
}

static void line_put_text(struct log_line *l, const char *text)
{
	line_put(l, text, strlen(text));
}

/* Past the reserve: only for the marks that end a value or the line. */
static void line_end_mark(struct log_line *l, const char *mark)
{
	size_t len = strlen(mark);
	if (len <= LOG_LINE_MAX - l->len) {
		memcpy(l->text + l->len, mark, len);
		l->len += len;
	}
}

void log_begin(struct log_line *l, enum log_level level, const char *event)
{
	l->level = level;
	l->wanted = log_wanted(level);
	l->cut = false;
	l->len = 0;
	if (!l->wanted)
		return;
	line_put_text(l, log_level_name(level));
	line_put_text(l, " ");
	line_put_text(l, event);
}

/* False once the line is not wanted or full: then the value is not written either. */
static bool line_key(struct log_line *l, const char *key)
{
	size_t len = strlen(key) + 2;

	if (!l->wanted || l->cut)
		return false;
	if (l->len + len > LOG_LINE_MAX - LOG_RESERVE) {
		l->cut = true;
		line_end_mark(l, ELLIPSIS);
		return false;
	}
	line_put_text(l, " ");
	line_put_text(l, key);
	line_put_text(l, "=");
	return true;
}

/* The character's length if it may stand as it is within quotes, else 0. */
static size_t plain_length(struct bytes value)
{
	uint32_t c;
	size_t n = text_utf8_next(value, &c);
	return n && text_printable(c) && c != '"' && c != '\\' ? n : 0;
}

static bool needs_quotes(struct bytes value)
{
	if (value.len == 0)
		return true;
	for (size_t at = 0; at < value.len;) {
		size_t n = plain_length(bytes_slice(value, at, value.len));
		if (n == 0 || value.data[at] == ' ' || value.data[at] == '=')
			return true;
		at += n;
	}
	return false;
}

/* One byte as \n, \t, \r, \", \\ or \xHH; returns the length. */
static size_t escape_byte(char to[5], uint8_t byte)
{
	static const char from[] = "\n\t\r\"\\", as[] = "ntr\"\\";
	const char *at = byte ? strchr(from, byte) : NULL;
	if (at)
		return (size_t)snprintf(to, 5, "\\%c", as[at - from]);
	return (size_t)snprintf(to, 5, "\\x%02x", byte);
}

void log_text_bytes(struct log_line *l, const char *key, struct bytes value)
{
	if (!line_key(l, key))
		return;
	bool quoted = needs_quotes(value);
	size_t from = l->len;
	if (quoted)
		line_put(l, "\"", 1);
	bool whole = true;
	for (size_t at = 0; at < value.len && whole;) {
		char escaped[5];
		struct bytes rest = bytes_slice(value, at, value.len);
		size_t n = plain_length(rest);
		size_t len = n ? n : escape_byte(escaped, rest.data[0]);
		if (l->len + len - from > LOG_VALUE_MAX) {
			whole = false;
		} else {
			line_put(l, n ? (const char *)rest.data : escaped, len);
			whole = !l->cut;
			at += n ? n : 1;
		}
	}
	if (!whole)
		line_end_mark(l, ELLIPSIS);
	if (quoted)
		line_end_mark(l, "\"");
}

void log_text(struct log_line *l, const char *key, const char *value)
{
	log_text_bytes(l, key, bytes_from_text(value));
}

void log_format(struct log_line *l, const char *key, const char *format, ...)
{
	char text[LOG_VALUE_MAX + 8];
	va_list args;

	if (!l->wanted)
		return;
	va_start(args, format);
	int n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_text(l, key, n < 0 ? "" : text);
}

void log_bytes(struct log_line *l, const char *key, struct bytes value)
{
	char hex[TEXT_HEX_SIZE(LOG_BYTES_MAX)];

	if (l->wanted)
		log_text(l, key, text_hex_encode(hex, bytes_slice(value, 0, LOG_BYTES_MAX)));
}

void log_uint(struct log_line *l, const char *key, uint64_t value)
{
	log_format(l, key, "%" PRIu64, value);
}

void log_int(struct log_line *l, const char *key, int64_t value)
{
	log_format(l, key, "%" PRId64, value);
}

void log_error(struct log_line *l, int code)
{
	log_text(l, "error", error_name(code));
}

void log_end(struct log_line *l)
{
	if (!l->wanted)
		return;
	l->wanted = false;
	l->text[l->len] = '\0';
	pthread_mutex_lock(&sink_lock);
	if (sink_fn)
		sink_fn(sink_ctx, l->level, l->text, l->len);
	pthread_mutex_unlock(&sink_lock);
}

void log_event(enum log_level level, const char *event, const char *key, const char *value)
{
	struct log_line l;

	log_begin(&l, level, event);
	log_text(&l, key, value);
	log_end(&l);
}
