/* SPDX-License-Identifier: Apache-2.0 */
#include "feed/attachment_id.h"

#include "base/error.h"

/** 2^40 bytes are 2^22 chunks: 128 MiB of hashes. */
#define CHUNK_HASHES_BYTES_MAX ((size_t)(ATTACHMENT_BYTES_MAX / ATTACHMENT_CHUNK_BYTES) * HASH_SIZE)

uint64_t attachment_chunk_count(uint64_t size)
{
	return size / ATTACHMENT_CHUNK_BYTES + (size % ATTACHMENT_CHUNK_BYTES ? 1 : 0);
}

uint32_t attachment_chunk_bytes(uint64_t size, uint64_t index)
{
	uint64_t whole = size / ATTACHMENT_CHUNK_BYTES;

	if (index < whole)
		return ATTACHMENT_CHUNK_BYTES;
	return index == whole ? (uint32_t)(size % ATTACHMENT_CHUNK_BYTES) : 0;
}

int attachment_chunk_hash(struct bytes chunk, struct hash *out)
{
	return hash_of(NULL, chunk, out);
}

int attachment_id_of(uint64_t size, struct bytes chunk_hashes, struct hash *out)
{
	struct hasher h;

	if (size > ATTACHMENT_BYTES_MAX)
		return ERROR_LIMIT;
	if (chunk_hashes.len != attachment_chunk_count(size) * HASH_SIZE)
		return ERROR_SIZE;
	int error = hasher_init(&h);
	if (error)
		return error;
	hasher_begin(&h, "hansa attachment 1");
	hasher_add_u64(&h, size);
	hasher_add(&h, chunk_hashes);
	error = hasher_end(&h, out);
	hasher_deinit(&h);
	return error;
}

int attachment_id_builder_init(struct attachment_id_builder *b)
{
	*b = (struct attachment_id_builder){0};
	buffer_init(&b->chunk_hashes, CHUNK_HASHES_BYTES_MAX);
	b->error = hasher_init(&b->chunk);
	if (!b->error)
		hasher_begin(&b->chunk, NULL);
	return b->error;
}

void attachment_id_builder_deinit(struct attachment_id_builder *b)
{
	hasher_deinit(&b->chunk);
	buffer_deinit(&b->chunk_hashes);
}

static void chunk_close(struct attachment_id_builder *b)
{
	struct hash hash;

	b->error = hasher_end(&b->chunk, &hash);
	if (!b->error)
		b->error = buffer_push_bytes(&b->chunk_hashes, hash_bytes(&hash));
	hasher_begin(&b->chunk, NULL);
}

int attachment_id_builder_add(struct attachment_id_builder *b, struct bytes data)
{
	if (!b->error && data.len > ATTACHMENT_BYTES_MAX - b->size)
		b->error = ERROR_LIMIT;
	while (!b->error && data.len) {
		size_t room = ATTACHMENT_CHUNK_BYTES - b->size % ATTACHMENT_CHUNK_BYTES;
		struct bytes part = bytes_slice(data, 0, room);
		hasher_add(&b->chunk, part);
		b->size += part.len;
		data = bytes_slice(data, part.len, SIZE_MAX);
		if (b->size % ATTACHMENT_CHUNK_BYTES == 0)
			chunk_close(b);
	}
	return b->error;
}

int attachment_id_builder_end(struct attachment_id_builder *b, struct hash *out)
{
	if (!b->error && b->size % ATTACHMENT_CHUNK_BYTES)
		chunk_close(b);
	if (b->error)
		return b->error;
	b->error = ERROR_STATE; /* for what comes after the end */
	return attachment_id_of(b->size, buffer_bytes(&b->chunk_hashes), out);
}
