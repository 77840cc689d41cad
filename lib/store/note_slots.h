/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The newest of a row of notes, durable at the price of one sync: two slots inside a file that are
 * overwritten in turn, in place, so that a torn write leaves the other one. Their blocks are
 * written once before, so that a sync writes data alone. Private to lib/store.
 *
 *     "HANSANOT" | version u32 = 1 | counter u64 | length u32 | note
 *     | SHA-256 of all before it
 *
 * One thread at a time.
 */
#pragma once

#include <stdint.h>

#include "base/buffer.h"
#include "base/bytes.h"

#define NOTE_SLOT_SIZE 24576u
#define NOTE_SLOTS_SIZE (2 * NOTE_SLOT_SIZE)
/** An alert of 16 KiB, the largest that is pushed, and what belongs to it. */
#define NOTE_BYTES_MAX 20480u

struct note_slots {
	int fd;
	uint64_t offset;    /* of the first slot */
	bool ready;         /* both slots have their blocks */
	bool failed;        /* what the disk holds is not known */
	bool damaged;       /* something is there that no torn write leaves */
	uint64_t counter;   /* of the newest note; its slot is counter % 2 */
	struct buffer slot; /* as on the disk; of no use to others */
	struct buffer note; /* the newest */
};

/**
 * Reads what is there; a file that ends before the slots has no note. `fd` is borrowed.
 * ERROR_VERSION: made by a newer hansad. ERROR_IO, ERROR_MEMORY.
 */
int note_slots_open(struct note_slots *slots, int fd, uint64_t offset);
void note_slots_close(struct note_slots *slots);
/**
 * Durable when it returns 0. ERROR_FULL: no room for the slots, nothing was written. ERROR_SIZE.
 * ERROR_IO: from then on every write fails.
 */
int note_slots_write(struct note_slots *slots, struct bytes note);
