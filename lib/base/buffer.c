/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/error.h"

#define BUFFER_SIZE_MIN 64

void buffer_init(struct buffer *b, size_t max)
{
	*b = (struct buffer){.max = max};
}

void buffer_deinit(struct buffer *b)
{
	free(b->base);
	buffer_init(b, b->max);
}

void buffer_reset(struct buffer *b)
{
	b->capacity += (size_t)(b->data - b->base);
	b->data = b->base;
	b->len = 0;
	b->error = 0;
}

void buffer_shrink(struct buffer *b, size_t keep)
{
	buffer_reset(b);
	if (b->capacity > keep) {
		free(b->base);
		buffer_init(b, b->max);
	}
}

/* Moves the live bytes to the front of a big enough allocation; growth doubles, so pushes are
 * linear in sum. */
static int buffer_grow(struct buffer *b, size_t len)
{
	size_t wanted = b->len + len;
	size_t whole = b->capacity + (size_t)(b->data - b->base);
	size_t consumed = (size_t)(b->data - b->base);

	/* Moving down pays only where what is moved is no more than what was consumed. */
	if (whole >= wanted && consumed >= b->len) {
		if (b->len)
			memmove(b->base, b->data, b->len);
		b->data = b->base;
		b->capacity = whole;
		return 0;
	}
	size_t size = BUFFER_SIZE_MIN;
	while (size < wanted)
		size = size > SIZE_MAX / 2 ? wanted : size * 2;
	if (size > b->max && wanted <= b->max)
		size = b->max;
	if (size <= whole) {
		memmove(b->base, b->data, b->len);
		b->data = b->base;
		b->capacity = whole;
		return 0;
	}
	uint8_t *base = consumed ? malloc(size) : realloc(b->base, size);
	if (!base)
		return ERROR_MEMORY;
	if (consumed) {
		if (b->len)
			memcpy(base, b->data, b->len);
		free(b->base);
	}
	b->base = b->data = base;
	b->capacity = size;
	return 0;
}

uint8_t *buffer_reserve(struct buffer *b, size_t len)
{
	ensure_or(!b->error, NULL);
	if (len > b->max - b->len) {
		b->error = ERROR_SIZE;
		return NULL;
	}
	if (len > b->capacity - b->len || !b->data) {
		b->error = buffer_grow(b, len);
		ensure_or(!b->error, NULL);
	}
	return b->data + b->len;
}

void buffer_commit(struct buffer *b, size_t len)
{
	require(len <= b->capacity - b->len);
	b->len += len;
}

int buffer_push(struct buffer *b, const void *data, size_t len)
{
	if (len == 0)
		return b->error;
	uint8_t *to = buffer_reserve(b, len);
	ensure_or(to, b->error);
	memcpy(to, data, len);
	b->len += len;
	return 0;
}

int buffer_push_bytes(struct buffer *b, struct bytes bytes)
{
	return buffer_push(b, bytes.data, bytes.len);
}

static int buffer_push_big_endian(struct buffer *b, uint64_t value, unsigned width)
{
	uint8_t bytes[8];
	for (unsigned i = 0; i < width; i++)
		bytes[i] = (uint8_t)(value >> (8 * (width - 1 - i)));
	return buffer_push(b, bytes, width);
}

int buffer_push_u8(struct buffer *b, uint8_t value)
{
	return buffer_push(b, &value, 1);
}

int buffer_push_u16(struct buffer *b, uint16_t value)
{
	return buffer_push_big_endian(b, value, 2);
}

int buffer_push_u24(struct buffer *b, uint32_t value)
{
	if (value >> 24 && !b->error)
		b->error = ERROR_RANGE;
	return buffer_push_big_endian(b, value, 3);
}

int buffer_push_u32(struct buffer *b, uint32_t value)
{
	return buffer_push_big_endian(b, value, 4);
}

int buffer_push_u64(struct buffer *b, uint64_t value)
{
	return buffer_push_big_endian(b, value, 8);
}

int buffer_push_text(struct buffer *b, const char *text)
{
	return buffer_push(b, text, strlen(text));
}

int buffer_push_format(struct buffer *b, const char *format, ...)
{
	char small[256];
	va_list args, again;

	va_start(args, format);
	va_copy(again, args);
	int n = vsnprintf(small, sizeof(small), format, args);
	va_end(args);
	if (n < 0) {
		b->error = b->error ? b->error : ERROR_SIZE;
	} else if ((size_t)n < sizeof(small)) {
		buffer_push(b, small, (size_t)n);
	} else {
		/* One more for vsnprintf's NUL; kept out of the limit by a heap copy. */
		char *large = malloc((size_t)n + 1);
		if (large) {
			vsnprintf(large, (size_t)n + 1, format, again);
			buffer_push(b, large, (size_t)n);
			free(large);
		} else if (!b->error) {
			b->error = ERROR_MEMORY;
		}
	}
	va_end(again);
	return b->error;
}

void buffer_consume(struct buffer *b, size_t len)
{
	if (len >= b->len) {
		int error = b->error;
		buffer_reset(b);
		b->error = error;
		return;
	}
	b->data += len;
	b->len -= len;
	b->capacity -= len;
}

void buffer_truncate(struct buffer *b, size_t len)
{
	if (len < b->len)
		b->len = len;
}

struct bytes buffer_bytes(const struct buffer *b)
{
	return bytes_of(b->data, b->len);
}

const char *buffer_text(struct buffer *b)
{
	ensure_or(!b->error, NULL);
	if (b->capacity == b->len) {
		b->error = buffer_grow(b, 1);
		ensure_or(!b->error, NULL);
	}
	b->data[b->len] = '\0';
	return (const char *)b->data;
}
