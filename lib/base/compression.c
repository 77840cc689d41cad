/* SPDX-License-Identifier: Apache-2.0 */
#include "base/compression.h"

#include <string.h>
#include <zstd.h>

#include "base/error.h"

/* docs/decisions/023 has what each level costs and gains. */
#define LEVEL 3

static const uint8_t magic[] = {0x28, 0xb5, 0x2f, 0xfd};

/* Of the frame header's descriptor (RFC 8878, section 3.1.1.1.1): single segment, reserved,
 * checksum and dictionary bits. */
#define DESCRIPTOR_MASK 0x2fu
#define DESCRIPTOR_SINGLE_SEGMENT 0x20u

int compression_pack(struct bytes plain, size_t max, struct buffer *out)
{
	if (plain.len == 0 || plain.len > COMPRESSION_BYTES_MAX || max > COMPRESSION_BYTES_MAX)
		return ERROR_SIZE;
	uint8_t *to = buffer_reserve(out, max);
	ZSTD_CCtx *context = to ? ZSTD_createCCtx() : NULL;
	if (!context)
		return ERROR_MEMORY;
	/* With the whole input at hand the library makes the narrow form by itself. */
	size_t len = ZSTD_compressCCtx(context, to, max, plain.data, plain.len, LEVEL);
	ZSTD_freeCCtx(context);
	if (ZSTD_isError(len))
		return ERROR_SIZE; /* it has no room, or no memory of its own: plain then, either way */
	buffer_commit(out, len);
	return 0;
}

int compression_unpack(struct bytes packed, void *plain, size_t plain_len)
{
	if (plain_len == 0 || plain_len > COMPRESSION_BYTES_MAX)
		return ERROR_SIZE;
	if (packed.len <= sizeof(magic) || memcmp(packed.data, magic, sizeof(magic)) != 0 ||
		(packed.data[sizeof(magic)] & DESCRIPTOR_MASK) != DESCRIPTOR_SINGLE_SEGMENT)
		return ERROR_SYNTAX;
	unsigned long long claimed = ZSTD_getFrameContentSize(packed.data, packed.len);
	size_t frame = ZSTD_findFrameCompressedSize(packed.data, packed.len);
	if (claimed == ZSTD_CONTENTSIZE_ERROR || ZSTD_isError(frame))
		return ERROR_SYNTAX;
	if (claimed != plain_len)
		return ERROR_SIZE;
	if (frame != packed.len)
		return ERROR_TRAILING;
	/* In one go: the content is the window, so that nothing is allocated for what is claimed. */
	ZSTD_DCtx *context = ZSTD_createDCtx();
	if (!context)
		return ERROR_MEMORY;
	size_t len = ZSTD_decompressDCtx(context, plain, plain_len, packed.data, packed.len);
	ZSTD_freeDCtx(context);
	return len == plain_len ? 0 : ERROR_SYNTAX;
}
