/* SPDX-License-Identifier: Apache-2.0 */
#include "store/guard_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cursor.h"
#include "store/big_endian.h"
#include "store/file_sync.h"
#include "store/note_slots.h"

#define GUARD_MAGIC "HANSAGRD"
#define GUARD_VERSION 1
#define SLOT_SIZE 4096u
#define SLOT_SUMMED (SLOT_SIZE - HASH_SIZE)
#define SLOT_FIXED_SIZE                                                                 \
	(8 + 4 + 8 + HASH_SIZE + STORE_EPOCH_SIZE + 4 + GUARD_LANES * (8 + HASH_SIZE) + 2 + \
		GUARD_RECORD_MAX)

_Static_assert(GUARD_NOTE_OFFSET == UINT64_C(2) * SLOT_SIZE * GUARD_NETWORKS_MAX, "behind all");
_Static_assert(GUARD_NOTE_MAX == NOTE_BYTES_MAX, "two names of one limit");
_Static_assert(SLOT_FIXED_SIZE <= SLOT_SUMMED, "a slot holds all fields and the checksum");

/* The two slots of one network. */
struct guard_pair {
	bool used;
	bool blank;       /* room was made, nothing was ever written */
	uint64_t counter; /* of the newest update; its slot is counter % 2 */
	struct guard_entry entry;
};

struct guard_file {
	int fd;
	bool failed;
	uint32_t damaged;
	uint32_t count, capacity;
	struct guard_pair *pairs; /* in the order of the file */
	struct note_slots note;
};

static void slot_encode(const struct guard_entry *e, uint64_t counter, uint8_t to[SLOT_SIZE])
{
	uint8_t *at = to;
	memset(to, 0, SLOT_SIZE);
	memcpy(at, GUARD_MAGIC, 8);
	put_u32(at + 8, GUARD_VERSION);
	put_u64(at + 12, counter);
	memcpy(at + 20, e->network_id.bytes, HASH_SIZE);
	memcpy(at + 52, e->store_epoch, STORE_EPOCH_SIZE);
	put_u32(at + 60, e->epoch);
	at += 64;
	for (int i = 0; i < GUARD_LANES; i++) {
		put_u64(at, e->lanes[i].seq);
		memcpy(at + 8, e->lanes[i].entry_hash.bytes, HASH_SIZE);
		at += 8 + HASH_SIZE;
	}
	put_u16(at, e->record_len);
	memcpy(at + 2, e->record, e->record_len);
}

static int slot_sum(uint8_t slot[SLOT_SIZE], struct hash *out)
{
	return hash_of(NULL, bytes_of(slot, SLOT_SUMMED), out);
}

/* 0, ERROR_CORRUPT, ERROR_VERSION. */
static int slot_decode(uint8_t slot[SLOT_SIZE], struct guard_entry *e, uint64_t *counter)
{
	struct hash sum;
	struct cursor c = cursor_init(bytes_of(slot, SLOT_SUMMED));
	int r = slot_sum(slot, &sum);
	if (r)
		return r;
	if (memcmp(cursor_bytes(&c, 8).data, GUARD_MAGIC, 8) != 0 ||
		memcmp(slot + SLOT_SUMMED, sum.bytes, HASH_SIZE) != 0)
		return ERROR_CORRUPT;
	if (cursor_u32(&c) != GUARD_VERSION)
		return ERROR_VERSION;
	*e = (struct guard_entry){0};
	*counter = cursor_u64(&c);
	cursor_copy(&c, e->network_id.bytes, HASH_SIZE);
	cursor_copy(&c, e->store_epoch, STORE_EPOCH_SIZE);
	e->epoch = cursor_u32(&c);
	for (int i = 0; i < GUARD_LANES; i++) {
		e->lanes[i].seq = cursor_u64(&c);
		cursor_copy(&c, e->lanes[i].entry_hash.bytes, HASH_SIZE);
	}
	e->record_len = cursor_u16(&c);
	if (e->record_len > GUARD_RECORD_MAX)
		return ERROR_CORRUPT;
	cursor_copy(&c, e->record, e->record_len);
	return c.error ? ERROR_CORRUPT : 0;
}

static struct guard_pair *guard_add(struct guard_file *g)
{
	if (g->count == g->capacity) {
		uint32_t capacity = g->capacity ? g->capacity * 2 : 8;
		struct guard_pair *pairs = realloc(g->pairs, capacity * sizeof *pairs);
		if (!pairs)
			return NULL;
		g->pairs = pairs;
		g->capacity = capacity;
	}
	struct guard_pair *pair = &g->pairs[g->count++];
	memset(pair, 0, sizeof *pair);
	return pair;
}

static bool is_zero(const uint8_t slot[SLOT_SIZE])
{
	for (size_t i = 0; i < SLOT_SIZE; i++)
		if (slot[i])
			return false;
	return true;
}

/* Both slots of the pair at `index`: the newer of those that are whole. */
static int read_pair(struct guard_file *g, uint32_t index)
{
	uint8_t slot[SLOT_SIZE];
	struct guard_entry entry;
	uint64_t counter;
	struct guard_pair *pair = guard_add(g);
	if (!pair)
		return ERROR_MEMORY;
	pair->blank = true;
	for (uint32_t i = 0; i < 2; i++) {
		memset(slot, 0, sizeof slot);
		int r = file_read_at(g->fd, ((uint64_t)index * 2 + i) * SLOT_SIZE, slot, SLOT_SIZE);
		pair->blank = pair->blank && is_zero(slot);
		if (r && r != ERROR_TRUNCATED)
			return r;
		if (!r)
			r = slot_decode(slot, &entry, &counter);
		if (r == ERROR_CORRUPT || r == ERROR_TRUNCATED)
			continue;
		if (r)
			return r;
		if (pair->used && pair->counter >= counter)
			continue;
		pair->used = true;
		pair->counter = counter;
		pair->entry = entry;
	}
	if (!pair->used && !pair->blank)
		g->damaged++;
	return 0;
}

/*
 * All pairs that were ever written. What follows the last of them may be the hole before the note,
 * which a copy may have filled with zeros.
 */
static int read_pairs(struct guard_file *g, uint64_t file_bytes)
{
	const uint64_t size = 2 * SLOT_SIZE;
	uint64_t end = file_bytes < GUARD_NOTE_OFFSET ? file_bytes : GUARD_NOTE_OFFSET;
	int r = 0;
	if (file_bytes > GUARD_NOTE_OFFSET + NOTE_SLOTS_SIZE)
		return ERROR_CORRUPT;
	for (uint64_t at = 0; at < end && !r; at += size) {
		off_t data = lseek(g->fd, (off_t)at, SEEK_DATA);
		if (data < 0 ? errno == ENXIO : (uint64_t)data >= end)
			break;
		r = read_pair(g, (uint32_t)(at / size));
	}
	while (g->count > 0 && g->pairs[g->count - 1].blank && file_bytes > GUARD_NOTE_OFFSET)
		g->count--;
	return r;
}

static int guard_load(struct guard_file *g, const char *path)
{
	struct stat st;
	g->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (g->fd < 0 || fstat(g->fd, &st))
		return error_from_errno(errno);
	int r = 0;
	if (st.st_size == 0)
		r = fsync(g->fd) ? ERROR_IO : file_sync_folder_of(path);
	if (!r)
		r = read_pairs(g, (uint64_t)st.st_size);
	if (!r)
		r = note_slots_open(&g->note, g->fd, GUARD_NOTE_OFFSET);
	g->damaged += g->note.damaged;
	return r;
}

int guard_file_open(const char *path, struct guard_file **out, struct complaint *complaint)
{
	struct guard_file *g = calloc(1, sizeof *g);
	if (!g)
		return ERROR_MEMORY;
	int r = guard_load(g, path);
	if (r) {
		guard_file_close(g);
		return complain(
			complaint, r, "guard", "The guard file %s cannot be used: %s", path, error_text(r));
	}
	*out = g;
	return 0;
}

void guard_file_close(struct guard_file *guard)
{
	if (!guard)
		return;
	if (guard->fd >= 0)
		close(guard->fd);
	note_slots_close(&guard->note);
	free(guard->pairs);
	free(guard);
}

uint32_t guard_file_damaged(const struct guard_file *guard)
{
	return guard->damaged;
}

static struct guard_pair *find_pair(const struct guard_file *guard, const struct hash *network_id)
{
	for (uint32_t i = 0; i < guard->count; i++)
		if (guard->pairs[i].used && hash_equal(&guard->pairs[i].entry.network_id, network_id))
			return &guard->pairs[i];
	return NULL;
}

const struct guard_entry *guard_file_find(
	const struct guard_file *guard, const struct hash *network_id)
{
	const struct guard_pair *pair = find_pair(guard, network_id);
	return pair ? &pair->entry : NULL;
}

int guard_file_each(const struct guard_file *guard, guard_file_fn *fn, void *ctx)
{
	for (uint32_t i = 0; i < guard->count; i++) {
		int r = guard->pairs[i].used ? fn(ctx, &guard->pairs[i].entry) : 0;
		if (r)
			return r;
	}
	return 0;
}

static bool entry_equal(const struct guard_entry *a, const struct guard_entry *b)
{
	bool equal = hash_equal(&a->network_id, &b->network_id) && a->epoch == b->epoch &&
		memcmp(a->store_epoch, b->store_epoch, STORE_EPOCH_SIZE) == 0 &&
		a->record_len == b->record_len && memcmp(a->record, b->record, a->record_len) == 0;
	for (int i = 0; equal && i < GUARD_LANES; i++)
		equal = a->lanes[i].seq == b->lanes[i].seq &&
			hash_equal(&a->lanes[i].entry_hash, &b->lanes[i].entry_hash);
	return equal;
}

/* Slots for a new network: blocks and size are on the disk before anything relies on them. */
static int make_pair(struct guard_file *g, struct guard_pair **out)
{
	static const uint8_t zeros[2 * SLOT_SIZE];
	uint32_t index = 0;
	while (index < g->count && !g->pairs[index].blank)
		index++;
	ensure_or(index < GUARD_NETWORKS_MAX, ERROR_LIMIT);
	*out = index < g->count ? &g->pairs[index] : guard_add(g);
	ensure_or(*out, ERROR_MEMORY);
	(*out)->blank = true; /* until something is written */
	int r = file_write_at(g->fd, (uint64_t)index * sizeof zeros, bytes_of(zeros, sizeof zeros));
	if (!r && fsync(g->fd))
		r = ERROR_IO;
	g->failed = r && r != ERROR_FULL;
	return r;
}

static int write_slot(
	struct guard_file *g, uint32_t index, const struct guard_entry *entry, uint64_t counter)
{
	uint8_t slot[SLOT_SIZE];
	struct hash sum;
	slot_encode(entry, counter, slot);
	int r = slot_sum(slot, &sum);
	if (r)
		return r;
	memcpy(slot + SLOT_SUMMED, sum.bytes, HASH_SIZE);
	r = file_write_at(
		g->fd, ((uint64_t)index * 2 + counter % 2) * SLOT_SIZE, bytes_of(slot, sizeof slot));
	return r ? r : fdatasync(g->fd) ? ERROR_IO : 0;
}

int guard_file_update(struct guard_file *guard, const struct guard_entry *entry)
{
	ensure_or(!guard->failed, ERROR_IO);
	ensure_or(entry->record_len <= GUARD_RECORD_MAX, ERROR_SIZE);
	struct guard_pair *pair = find_pair(guard, &entry->network_id);
	if (!pair) {
		int r = make_pair(guard, &pair);
		if (r)
			return r;
	} else if (entry_equal(&pair->entry, entry)) {
		return 0;
	}
	int r = write_slot(guard, (uint32_t)(pair - guard->pairs), entry, pair->counter + 1);
	if (r) {
		guard->failed = true; /* the slot's state on the disk is not known any more */
		return ERROR_IO;
	}
	pair->used = true;
	pair->blank = false;
	pair->counter++;
	pair->entry = *entry;
	return 0;
}

struct bytes guard_file_note(const struct guard_file *guard)
{
	return buffer_bytes(&guard->note.note);
}

int guard_file_write_note(struct guard_file *guard, struct bytes note)
{
	ensure_or(!guard->failed, ERROR_IO);
	int r = note_slots_write(&guard->note, note);
	guard->failed = guard->failed || guard->note.failed;
	return r;
}
