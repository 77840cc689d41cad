/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compressed runs as a peer sends them: three bytes say how long the content is said to be, the
 * rest is the frame. What unpacks, packs and unpacks to the same again. And the other way: the
 * input as content.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/compression.h"
#include "base/cursor.h"
#include "base/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void there_and_back(struct bytes plain)
{
	struct buffer packed;
	buffer_init(&packed, COMPRESSION_BYTES_MAX);
	if (compression_pack(plain, COMPRESSION_BYTES_MAX, &packed) == 0) {
		uint8_t *again = malloc(plain.len);
		require(again && compression_unpack(buffer_bytes(&packed), again, plain.len) == 0);
		require(memcmp(again, plain.data, plain.len) == 0);
		require(compression_unpack(
					bytes_slice(buffer_bytes(&packed), 0, packed.len - 1), again, plain.len) != 0);
		free(again);
	}
	buffer_deinit(&packed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_init(bytes_of(data, size));
	size_t len = (size_t)cursor_u8(&c) << 16 | cursor_u16(&c);
	if (c.error || len == 0)
		return 0;
	struct bytes packed = bytes_slice(c.input, c.at, SIZE_MAX);
	uint8_t *plain = malloc(len); /* of just this size, so that a byte more is seen */
	require(plain);
	if (compression_unpack(packed, plain, len) == 0)
		there_and_back(bytes_of(plain, len));
	free(plain);
	there_and_back(packed);
	return 0;
}
