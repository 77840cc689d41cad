/* SPDX-License-Identifier: Apache-2.0 */
/**
 * One piece of bytes as one Zstandard frame (RFC 8878), and back. The form is the narrowest that
 * the format has: a single segment, so that its window is its content; the content's size in it; no
 * dictionary and no checksum (what is unpacked is verified by its hashes and its signature).
 *
 * Nothing is kept between calls: what one piece held cannot show in the size of another.
 */
#pragma once

#include "base/buffer.h"

/** What both ways are bounded by; far above the largest run. */
#define COMPRESSION_BYTES_MAX (1u << 20)

/**
 * Appends the frame of `plain`, 1 to COMPRESSION_BYTES_MAX bytes, if it has at most `max` bytes.
 * ERROR_SIZE: it would have more, nothing was appended, or `plain` is out of bounds; ERROR_MEMORY.
 */
int compression_pack(struct bytes plain, size_t max, struct buffer *out);

/**
 * Unpacks into exactly `plain_len` bytes at `plain`; nothing is allocated by what the frame claims.
 * ERROR_SYNTAX: no frame of that form, a damaged one, or one cut short; ERROR_SIZE: its content has
 * another size, or one out of bounds; ERROR_TRAILING: bytes behind the frame; ERROR_MEMORY.
 */
int compression_unpack(struct bytes packed, void *plain, size_t plain_len);
