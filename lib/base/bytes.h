/* SPDX-License-Identifier: Apache-2.0 */
/** A view of bytes that somebody else owns. `data` may be NULL only if `len` is 0. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
	const uint8_t *data;
	size_t len;
};

static inline struct bytes bytes_of(const void *data, size_t len)
{
	return (struct bytes){.data = data, .len = len};
}

/** The characters of a text without its NUL; NULL gives the empty view. */
static inline struct bytes bytes_from_text(const char *text)
{
	return (struct bytes){.data = (const uint8_t *)text, .len = text ? strlen(text) : 0};
}

/** Not in constant time: for secrets use secret_equal of crypto/key.h. */
static inline bool bytes_equal(struct bytes a, struct bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/** Bytewise order, a prefix before what it begins; negative, 0 or positive. */
static inline int bytes_compare(struct bytes a, struct bytes b)
{
	size_t common = a.len < b.len ? a.len : b.len;
	int order = common ? memcmp(a.data, b.data, common) : 0;
	if (order)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

static inline bool bytes_equal_text(struct bytes a, const char *text)
{
	return bytes_equal(a, bytes_from_text(text));
}

static inline bool bytes_starts_with(struct bytes a, struct bytes prefix)
{
	return a.len >= prefix.len && bytes_equal(bytes_of(a.data, prefix.len), prefix);
}

/** The part from `from` of at most `len` bytes; what lies outside is cut off. */
static inline struct bytes bytes_slice(struct bytes a, size_t from, size_t len)
{
	if (from > a.len)
		from = a.len;
	if (len > a.len - from)
		len = a.len - from;
	return (struct bytes){.data = a.data ? a.data + from : NULL, .len = len};
}

/** A NUL-terminated copy for free(); NULL without memory. */
char *bytes_to_text(struct bytes b);
