/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/blob.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

struct blob *blob_new(size_t capacity)
{
	struct blob *blob = malloc(sizeof *blob + capacity);
	if (!blob)
		return NULL;
	atomic_init(&blob->refs, 1);
	blob->len = 0;
	blob->capacity = capacity;
	blob->data = (uint8_t *)(blob + 1);
	blob->taken = NULL;
	return blob;
}

struct blob *blob_copy(struct bytes bytes)
{
	struct blob *blob = blob_new(bytes.len);
	if (!blob)
		return NULL;
	if (bytes.len)
		memcpy(blob->data, bytes.data, bytes.len);
	blob->len = bytes.len;
	return blob;
}

struct blob *blob_take(struct buffer *buffer)
{
	struct blob *blob = buffer->error ? NULL : blob_new(0);
	if (!blob)
		return NULL;
	blob->data = buffer->data;
	blob->len = blob->capacity = buffer->len;
	blob->taken = buffer->base;
	buffer_init(buffer, buffer->max);
	return blob;
}

struct blob *blob_grow(struct blob *blob, size_t capacity)
{
	require(atomic_load(&blob->refs) == 1 && !blob->taken);
	if (capacity <= blob->capacity)
		return blob;
	struct blob *grown = realloc(blob, sizeof *blob + capacity);
	if (!grown)
		return NULL;
	grown->capacity = capacity;
	grown->data = (uint8_t *)(grown + 1);
	return grown;
}

struct blob *blob_ref(struct blob *blob)
{
	atomic_fetch_add_explicit(&blob->refs, 1, memory_order_relaxed);
	return blob;
}

void blob_free(struct blob *blob)
{
	if (!blob || atomic_fetch_sub_explicit(&blob->refs, 1, memory_order_acq_rel) != 1)
		return;
	free(blob->taken);
	free(blob);
}
