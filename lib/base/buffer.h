/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A byte buffer that grows at its end up to `max` and is consumed from its front. The first error
 * sticks (ERROR_MEMORY, or ERROR_SIZE when `max` would be passed): later pushes do nothing, so a
 * writer checks once, at the end.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

struct buffer {
	uint8_t *data;   /* the first unconsumed byte; NULL while nothing was ever pushed */
	size_t len;      /* unconsumed bytes */
	size_t capacity; /* bytes from `data` to the end of the allocation */
	size_t max;      /* `len` never passes this */
	int error;       /* 0 or the first error */
	uint8_t *base;   /* the allocation; `data` runs ahead of it as bytes are consumed */
};

/** Allocates nothing yet. `max` is a named limit, SIZE_MAX only for local trusted input. */
void buffer_init(struct buffer *b, size_t max);

/**
 * Frees the memory; the buffer may be used again as after init. Zeroed structs and second calls
 * are harmless.
 */
void buffer_deinit(struct buffer *b);

/** Empties it and clears the error; keeps the memory. */
void buffer_reset(struct buffer *b);

/** Empties it and gives back memory beyond `keep` bytes: for buffers that idle for long. */
void buffer_shrink(struct buffer *b, size_t keep);

/**
 * Makes room for `len` more bytes and returns where they go, or NULL (error set); follow with
 * buffer_commit.
 */
uint8_t *buffer_reserve(struct buffer *b, size_t len);

/** `len` bytes were written where buffer_reserve said. */
void buffer_commit(struct buffer *b, size_t len);

/** All pushes return 0 or the sticky error. */
int buffer_push(struct buffer *b, const void *data, size_t len);
int buffer_push_bytes(struct buffer *b, struct bytes bytes);
int buffer_push_u8(struct buffer *b, uint8_t value);
int buffer_push_u16(struct buffer *b, uint16_t value);
int buffer_push_u24(struct buffer *b, uint32_t value); /* ERROR_RANGE from 2^24 */
int buffer_push_u32(struct buffer *b, uint32_t value);
int buffer_push_u64(struct buffer *b, uint64_t value);

/** Without the terminating NUL. */
int buffer_push_text(struct buffer *b, const char *text);
__attribute__((format(printf, 2, 3)))
int buffer_push_format(struct buffer *b, const char *format, ...);

/** Drops `len` bytes from the front (at most what is there) without moving the rest. */
void buffer_consume(struct buffer *b, size_t len);

/** Drops everything after the first `len` bytes. */
void buffer_truncate(struct buffer *b, size_t len);

/** The unconsumed bytes; valid until the next push. */
struct bytes buffer_bytes(const struct buffer *b);

/**
 * The unconsumed bytes as a C string: a NUL is put after them (not counted). NULL on error. Valid
 * until the next push.
 */
const char *buffer_text(struct buffer *b);
