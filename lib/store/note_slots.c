/* SPDX-License-Identifier: Apache-2.0 */
#include "store/note_slots.h"

#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cursor.h"
#include "base/error.h"
#include "crypto/hash.h"
#include "store/file_sync.h"

#define NOTE_MAGIC "HANSANOT"
#define NOTE_VERSION 1
#define NOTE_HEADER_SIZE (8u + 4u + 8u + 4u)

_Static_assert(NOTE_HEADER_SIZE + NOTE_BYTES_MAX + HASH_SIZE <= NOTE_SLOT_SIZE, "a slot holds it");

/* 0; ERROR_CORRUPT: torn, or nothing; ERROR_VERSION. */
static int slot_decode(struct bytes slot, struct bytes *note, uint64_t *counter)
{
	struct cursor c = cursor_init(slot);
	struct hash sum;
	if (memcmp(cursor_bytes(&c, 8).data, NOTE_MAGIC, 8) != 0)
		return ERROR_CORRUPT;
	uint32_t version = cursor_u32(&c);
	*counter = cursor_u64(&c);
	uint32_t len = cursor_u32(&c);
	if (len > NOTE_BYTES_MAX)
		return ERROR_CORRUPT;
	*note = cursor_bytes(&c, len);
	struct bytes told = cursor_bytes(&c, HASH_SIZE);
	if (c.error)
		return ERROR_CORRUPT;
	int r = hash_of(NULL, bytes_of(slot.data, NOTE_HEADER_SIZE + len), &sum);
	if (r)
		return r;
	if (memcmp(told.data, sum.bytes, HASH_SIZE) != 0)
		return ERROR_CORRUPT;
	return version == NOTE_VERSION ? 0 : ERROR_VERSION;
}

static bool is_zero(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i])
			return false;
	return true;
}

static int slot_read(struct note_slots *s, uint32_t index, bool *whole, bool *blank)
{
	uint64_t counter = 0;
	struct bytes note;
	buffer_reset(&s->slot);
	uint8_t *at = buffer_reserve(&s->slot, NOTE_SLOT_SIZE);
	*whole = *blank = false;
	if (!at)
		return ERROR_MEMORY;
	memset(at, 0, NOTE_SLOT_SIZE);
	int r = file_read_at(s->fd, s->offset + index * (uint64_t)NOTE_SLOT_SIZE, at, NOTE_SLOT_SIZE);
	if (r == ERROR_TRUNCATED)
		s->ready = false; /* what there is of it is judged all the same */
	else if (r)
		return r;
	*blank = is_zero(at, NOTE_SLOT_SIZE);
	r = slot_decode(bytes_of(at, NOTE_SLOT_SIZE), &note, &counter);
	if (r)
		return r == ERROR_CORRUPT ? 0 : r;
	*whole = true;
	if (s->note.len > 0 && counter <= s->counter)
		return 0;
	s->counter = counter;
	buffer_reset(&s->note);
	return buffer_push_bytes(&s->note, note);
}

int note_slots_open(struct note_slots *slots, int fd, uint64_t offset)
{
	bool whole[2] = {false, false}, blank[2] = {false, false};
	*slots = (struct note_slots){.fd = fd, .offset = offset, .ready = true};
	buffer_init(&slots->slot, NOTE_SLOT_SIZE);
	buffer_init(&slots->note, NOTE_BYTES_MAX);
	int r = 0;
	for (uint32_t i = 0; i < 2 && !r; i++)
		r = slot_read(slots, i, &whole[i], &blank[i]);
	/* the very first note, torn, leaves an empty slot beside it; every other one a whole slot */
	slots->damaged = !whole[0] && !whole[1] && !blank[0] && !blank[1];
	return r;
}

void note_slots_close(struct note_slots *slots)
{
	buffer_deinit(&slots->slot);
	buffer_deinit(&slots->note);
}

/* Blocks and size are on the disk before anything relies on them. */
static int make_ready(struct note_slots *s)
{
	static const uint8_t zeros[NOTE_SLOTS_SIZE];
	int r = file_write_at(s->fd, s->offset, bytes_of(zeros, sizeof zeros));
	if (!r && fsync(s->fd))
		r = ERROR_IO;
	s->failed = r && r != ERROR_FULL;
	s->ready = !r;
	return r;
}

int note_slots_write(struct note_slots *slots, struct bytes note)
{
	struct hash sum;
	ensure_or(!slots->failed, ERROR_IO);
	ensure_or(note.len <= NOTE_BYTES_MAX, ERROR_SIZE);
	if (!slots->ready) {
		int r = make_ready(slots);
		if (r)
			return r;
	}
	uint64_t counter = slots->counter + 1;
	buffer_reset(&slots->slot);
	buffer_push(&slots->slot, NOTE_MAGIC, 8);
	buffer_push_u32(&slots->slot, NOTE_VERSION);
	buffer_push_u64(&slots->slot, counter);
	buffer_push_u32(&slots->slot, (uint32_t)note.len);
	buffer_push_bytes(&slots->slot, note);
	int r = slots->slot.error;
	if (!r)
		r = hash_of(NULL, buffer_bytes(&slots->slot), &sum);
	if (!r)
		r = buffer_push(&slots->slot, sum.bytes, HASH_SIZE);
	if (r)
		return r;
	r = file_write_at(
		slots->fd, slots->offset + counter % 2 * NOTE_SLOT_SIZE, buffer_bytes(&slots->slot));
	if (r || fdatasync(slots->fd)) {
		slots->failed = true; /* the slot's state on the disk is not known any more */
		return ERROR_IO;
	}
	slots->counter = counter;
	return 0;
}
