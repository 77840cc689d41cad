/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/bytes.h"

/**
 * Immutable bytes shared by links, commits and threads, counted by reference. A run is received
 * into one blob, verified in it, written from it and pushed from it: no further copy.
 */
struct blob {
	atomic_uint refs;
	size_t len, capacity;
	uint8_t *data;  /* behind the struct, or in `taken` */
	uint8_t *taken; /* a buffer's memory, freed with the blob; NULL */
};

/** A blob of `capacity` bytes, len 0, one reference; NULL without memory. */
struct blob *blob_new(size_t capacity);
struct blob *blob_copy(struct bytes bytes);
/** What the buffer holds, without a copy; the buffer is then as after init. It may not grow. */
struct blob *blob_take(struct buffer *buffer);
/** More room for a blob with one reference; it may move. NULL without memory, the old one stays. */
struct blob *blob_grow(struct blob *blob, size_t capacity);
struct blob *blob_ref(struct blob *blob);
/** Drops one reference; takes NULL. Any thread. */
void blob_free(struct blob *blob);

static inline struct bytes blob_bytes(const struct blob *blob)
{
	return (struct bytes){blob->data, blob->len};
}
