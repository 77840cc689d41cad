/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Attachments are named by their size and the hashes of their chunks, so that each chunk verifies
 * by itself. docs/protocol.md, section 6.
 */
#pragma once

#include <stdint.h>

#include "base/buffer.h"
#include "base/bytes.h"
#include "crypto/hash.h"

#define ATTACHMENT_CHUNK_BYTES 262144
#define ATTACHMENT_BYTES_MAX (UINT64_C(1) << 40)

/** How many chunks an attachment of `size` bytes has; 0 for none. */
uint64_t attachment_chunk_count(uint64_t size);
/** Bytes of chunk `index`; 0 beyond the end. */
uint32_t attachment_chunk_bytes(uint64_t size, uint64_t index);

/** SHA-256 of a chunk, without a tag. */
int attachment_chunk_hash(struct bytes chunk, struct hash *out);

/**
 * The id of `size` bytes with these chunk hashes, 32 bytes each, back to back. ERROR_SIZE if their
 * number is not the size's, ERROR_LIMIT above ATTACHMENT_BYTES_MAX.
 */
int attachment_id_of(uint64_t size, struct bytes chunk_hashes, struct hash *out);

/** Takes the bytes in pieces of any size, of a stream whose length need not be known. */
struct attachment_id_builder {
	uint64_t size;
	struct hasher chunk;        /* over the chunk that is open */
	struct buffer chunk_hashes; /* of the finished ones */
	int error;
};

/** ERROR_MEMORY, ERROR_CRYPTO. */
int attachment_id_builder_init(struct attachment_id_builder *b);
void attachment_id_builder_deinit(struct attachment_id_builder *b);
/** ERROR_LIMIT above ATTACHMENT_BYTES_MAX, ERROR_MEMORY, ERROR_CRYPTO; the first one sticks. */
int attachment_id_builder_add(struct attachment_id_builder *b, struct bytes data);
/**
 * Closes the last chunk; then b->size and b->chunk_hashes are whole. Once: a further call gives
 * ERROR_STATE.
 */
int attachment_id_builder_end(struct attachment_id_builder *b, struct hash *out);
