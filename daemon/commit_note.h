/* SPDX-License-Identifier: Apache-2.0 */
/**
 * One alert's commit as bytes, for the note in the guard file: all that it takes to make the same
 * commit again on the store as it was before it.
 *
 *     store_epoch 8 | arrival u64 | rolling 8 (the store's newest before it)
 *     | lane u8 | flags u8 (1: own, 2: checkpoint) | epoch u32 | network_id 32 | city_id 32
 *     | feed_id 32 | seq u64 | prev 32 | entry_hash 32 | head 181 | since_checkpoint_entries u32
 *     | since_checkpoint_bytes u64 | source_city 32 | arrived u64 | entry length u32 | entry
 */
#pragma once

#include "base/buffer.h"
#include "proto/commit.h"

/** Whether it is the run of one alert, at most this large, and nothing else. */
#define COMMIT_NOTE_ENTRY_MAX 16384u
bool commit_note_fits(const struct commit *commit);

/** What the store was before it. */
struct commit_note_before {
	uint8_t store_epoch[STORE_EPOCH_SIZE];
	struct store_arrival newest;
};

/** The commit must fit. The buffer's error. */
int commit_note_encode(
	struct buffer *to, const struct commit_note_before *before, const struct commit *commit);
/** A commit that the caller frees. ERROR_CORRUPT, ERROR_MEMORY. */
int commit_note_decode(struct bytes note, struct commit_note_before *before, struct commit **out);
