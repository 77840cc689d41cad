/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cursor.h"

#include "base/error.h"

struct cursor cursor_init(struct bytes input)
{
	return (struct cursor){.input = input};
}

struct bytes cursor_bytes(struct cursor *c, size_t len)
{
	if (c->error || len > c->input.len - c->at) {
		if (!c->error)
			c->error = ERROR_TRUNCATED;
		return bytes_of(NULL, 0);
	}
	struct bytes view = bytes_slice(c->input, c->at, len);
	c->at += len;
	return view;
}

static uint64_t cursor_big_endian(struct cursor *c, size_t width)
{
	struct bytes view = cursor_bytes(c, width);
	uint64_t value = 0;
	for (size_t i = 0; i < view.len; i++)
		value = value << 8 | view.data[i];
	return value;
}

uint8_t cursor_u8(struct cursor *c)
{
	return (uint8_t)cursor_big_endian(c, 1);
}

uint16_t cursor_u16(struct cursor *c)
{
	return (uint16_t)cursor_big_endian(c, 2);
}

uint32_t cursor_u24(struct cursor *c)
{
	return (uint32_t)cursor_big_endian(c, 3);
}

uint32_t cursor_u32(struct cursor *c)
{
	return (uint32_t)cursor_big_endian(c, 4);
}

uint64_t cursor_u64(struct cursor *c)
{
	return cursor_big_endian(c, 8);
}

void cursor_copy(struct cursor *c, void *to, size_t len)
{
	struct bytes view = cursor_bytes(c, len);
	if (view.len)
		memcpy(to, view.data, view.len);
	else if (len)
		memset(to, 0, len);
}

size_t cursor_left(const struct cursor *c)
{
	return c->error ? 0 : c->input.len - c->at;
}

int cursor_end(const struct cursor *c)
{
	if (c->error)
		return c->error;
	return c->at < c->input.len ? ERROR_TRAILING : 0;
}
