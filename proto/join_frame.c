/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/join_frame.h"

#include "base/error.h"
#include "proto/limits.h"

#define PREFIX_BYTES 4u

void join_frame_init(struct join_frame *f, size_t len_max)
{
	buffer_init(&f->in, PREFIX_BYTES + LIMIT_FRAME_BYTES);
	f->len_max = len_max;
	f->whole = false;
}

void join_frame_deinit(struct join_frame *f)
{
	buffer_deinit(&f->in);
}

/* Moves bytes over until `in` has `want`. */
static bool fill(struct join_frame *f, struct bytes *input, size_t want)
{
	struct bytes part = bytes_slice(*input, 0, want - f->in.len);
	if (buffer_push_bytes(&f->in, part))
		return false;
	*input = bytes_slice(*input, part.len, SIZE_MAX);
	return f->in.len == want;
}

static size_t length(const struct join_frame *f)
{
	const uint8_t *at = f->in.data;
	return (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
}

bool join_frame_next(struct join_frame *f, struct bytes *input, struct bytes *frame, int *error)
{
	*error = 0;
	if (f->whole)
		buffer_reset(&f->in);
	f->whole = false;
	if (f->in.len < PREFIX_BYTES && !fill(f, input, PREFIX_BYTES)) {
		*error = f->in.error;
		return false;
	}
	size_t len = length(f);
	if (len == 0 || len > f->len_max) {
		*error = ERROR_FRAME;
		return false;
	}
	if (!fill(f, input, PREFIX_BYTES + len)) {
		*error = f->in.error;
		return false;
	}
	f->whole = true;
	*frame = bytes_slice(buffer_bytes(&f->in), PREFIX_BYTES, len);
	return true;
}
