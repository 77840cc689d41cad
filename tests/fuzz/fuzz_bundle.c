/* SPDX-License-Identifier: Apache-2.0 */
/* A part of a bundle: read and verified, whole and in pieces, with the same end. */
#include "base/check.h"
#include "proto/bundle_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int read_in(struct bytes bytes, size_t piece, uint64_t *frames)
{
	static const uint8_t seed[MAP_SEED_SIZE] = {1};
	struct bundle_reader r;
	struct bundle_check *check;
	const struct bundle_item *item;
	struct bundle_summary said;
	require(bundle_reader_init(&r) == 0 && bundle_check_new(seed, &check) == 0);
	int code = 0;
	for (size_t at = 0; at < bytes.len && code == 0; at += piece) {
		struct bytes in = bytes_slice(bytes, at, piece);
		while (in.len && code == 0) {
			code = bundle_reader_next(&r, &in, &item);
			require(code || item->type != BUNDLE_RUN || item->run.entries.len <= RUN_BYTES_MAX);
			if (code == 0)
				code = bundle_check_item(check, item, &r.begin);
		}
	}
	if (code == 0)
		code = bundle_reader_end(&r);
	*frames = r.frames;
	bundle_check_summary(check, &said);
	require(code || said.objects <= r.frames);
	bundle_check_free(check);
	bundle_reader_deinit(&r);
	return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes bytes = bytes_of(data, size);
	struct bundle_cut cut = {0};
	uint64_t whole_frames, frames;
	int whole = read_in(bytes, size ? size : 1, &whole_frames);
	int pieces = read_in(bytes, 61, &frames);
	require(whole == pieces && whole_frames == frames);
	size_t taken = bundle_cut_take(&cut, bytes);
	require(taken <= size);
	if (whole == 0)
		require(cut.ended && taken == size);
	return 0;
}
