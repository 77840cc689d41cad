/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Logging: one line an event, `level event key=value …`. Never a secret, never a body. Threads
 * may log at once: a line is built on the stack and handed to the sink whole. The sink adds the
 * time, as no clock is read here.
 *
 *     struct log_line l;
 *     log_begin(&l, LOG_LEVEL_WARN, "peer_cut");
 *     log_text(&l, "city", slug);
 *     log_text(&l, "reason", error_text(code));
 *     log_end(&l);
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_COUNT
};

/** Bytes of a line without its NUL; what does not fit is cut, and the line then ends in "…". */
#define LOG_LINE_MAX 1024

struct log_line {
	enum log_level level;
	bool wanted;
	bool cut;
	size_t len;
	char text[LOG_LINE_MAX + 1];
};

/**
 * `line` ends in NUL, has no newline and no control character, `len` without the NUL. May be
 * called from any thread, one call at a time (a lock is held): it must not log.
 */
typedef void log_sink_fn(void *ctx, enum log_level level, const char *line, size_t len);

/** NULL (as at the start) drops all lines. */
void log_set_sink(log_sink_fn *sink, void *ctx);
/** Lines above `level` are dropped; at the start LOG_LEVEL_INFO. */
void log_set_level(enum log_level level);
bool log_wanted(enum log_level level);
/** "error", "warn", "info", "debug"; and back (-1 if it is none of them). */
const char *log_level_name(enum log_level level);
int log_level_from_name(const char *name);

/** `event` and keys are constants of the code: lower case, digits, '_'. */
void log_begin(struct log_line *l, enum log_level level, const char *event);
/**
 * Quoted and escaped where there are spaces, quotes, '=', control characters or bytes that are
 * not UTF-8; NULL is written as "".
 */
void log_text(struct log_line *l, const char *key, const char *value);
void log_text_bytes(struct log_line *l, const char *key, struct bytes value);
__attribute__((format(printf, 3, 4)))
void log_format(struct log_line *l, const char *key, const char *format, ...);
/** Hexadecimal, the first 16 bytes at most. */
void log_bytes(struct log_line *l, const char *key, struct bytes value);
void log_uint(struct log_line *l, const char *key, uint64_t value);
void log_int(struct log_line *l, const char *key, int64_t value);
/** error=ERROR_NAME */
void log_error(struct log_line *l, int code);
void log_end(struct log_line *l);

/** The usual short one: an event with one reason. */
void log_event(enum log_level level, const char *event, const char *key, const char *value);
