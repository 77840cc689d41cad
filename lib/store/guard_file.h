/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The guard beside the keys: what this city last signed in each network, kept outside the store so
 * that a store that was deleted, rolled back or copied is noticed before anything is signed again
 * (DESIGN.md section 4, "Never fork yourself"). Updated after the store's commit and before the
 * answer, so it never says less than what others may have seen.
 *
 * Behind the networks' slots, at 8 MiB after a hole that takes no room, lies a note (note_slots.h):
 * the newest alert that was answered on the word of this file alone, before the store had it
 * (docs/decisions/024-an-alert-is-noted-first.md). Both parts together never say less.
 *
 * One file; each network has two slots of 4 KiB that are overwritten in turn, in place (0.23 ms
 * with fdatasync against 0.40 ms appended), so that a torn write leaves the other slot:
 *
 *     "HANSAGRD" | version u32 = 1 | counter u64 | network_id 32 | store_epoch 8 | epoch u32
 *     | 4 x (seq u64 | entry_hash 32) | record length u16 | record 2048 | zeros
 *     | SHA-256 of the 4,064 bytes before it
 *
 * One thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "crypto/hash.h"
#include "store/store.h"

#define GUARD_LANES 4
#define GUARD_RECORD_MAX 2048
#define GUARD_NETWORKS_MAX 1024
#define GUARD_NOTE_MAX 20480u
/** Where the note lies, behind the slots of so many networks. */
#define GUARD_NOTE_OFFSET (UINT64_C(8192) * GUARD_NETWORKS_MAX)

struct guard_lane {
	uint64_t seq; /* 0: nothing published */
	struct hash entry_hash;
};

struct guard_entry {
	struct hash network_id;
	uint8_t store_epoch[STORE_EPOCH_SIZE]; /* of the store that signed */
	uint32_t epoch;                        /* of the newest own epoch record */
	uint16_t record_len;
	uint8_t record[GUARD_RECORD_MAX];     /* its envelope */
	struct guard_lane lanes[GUARD_LANES]; /* lane 1 (alert) first */
};

struct guard_file;

/**
 * Opens or makes the file, 0600. A network whose slots are both unreadable is counted by
 * guard_file_damaged: then the guard as a whole is not to be trusted. ERROR_VERSION: made by a
 * newer hansad. ERROR_PERMISSION, ERROR_IO, ERROR_MEMORY, ERROR_FULL; `complaint` may be NULL.
 */
int guard_file_open(const char *path, struct guard_file **out, struct complaint *complaint);
/** Takes NULL. */
void guard_file_close(struct guard_file *guard);

/** Networks of which nothing can be read. */
uint32_t guard_file_damaged(const struct guard_file *guard);

/** What is known of a network; NULL if nothing. Valid until the next update of it. */
const struct guard_entry *guard_file_find(
	const struct guard_file *guard, const struct hash *network_id);

typedef int guard_file_fn(void *ctx, const struct guard_entry *entry);
/** What `fn` returns, if not 0, ends the walk and is returned. */
int guard_file_each(const struct guard_file *guard, guard_file_fn *fn, void *ctx);

/**
 * Durable when it returns 0. An update that equals what is known writes nothing. ERROR_SIZE: the
 * record is too long. ERROR_LIMIT: GUARD_NETWORKS_MAX. ERROR_FULL: a new network found no room.
 * ERROR_IO: writing or syncing failed; from then on every update fails, and nothing may be
 * published.
 */
int guard_file_update(struct guard_file *guard, const struct guard_entry *entry);

/** The newest note when the file was opened, empty if there was none. Lives until it is closed. */
struct bytes guard_file_note(const struct guard_file *guard);
/**
 * Durable when it returns 0. ERROR_FULL: the file found no room for it, nothing was written.
 * ERROR_SIZE: above GUARD_NOTE_MAX. ERROR_IO: from then on every update fails.
 */
int guard_file_write_note(struct guard_file *guard, struct bytes note);
