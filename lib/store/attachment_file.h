/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The files of attachments: FOLDER/attachments/ab/<64 hex digits>, with ".part" behind it until all
 * is there, and FOLDER/attachments/upload-N for one whose id is not known yet. The store's row says
 * how many chunks are durable; what a file has beyond is not believed after a crash.
 *
 * The order is: write chunks, attachment_file_sync, store_attachment_progress, …,
 * attachment_file_finish, store_attachment_complete, the entry, the answer. Chunks are verified by
 * the caller, before writing and when read for a peer.
 *
 * A sync that fails returns ERROR_IO and must end the process, as in the store: it is not tried
 * again. A write to a full disk is ERROR_FULL and harmless. One thread for each file; but a second
 * one may make durable (attachment_file_flush, and attachment_file_finish after the last write)
 * what the first has written, while that goes on.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "crypto/hash.h"
#include "feed/attachment_id.h"

/** After so many bytes a sync is due: at most three times so much is fetched again after a crash,
 * since two syncs may be due or under way while more is written. */
#define ATTACHMENT_SYNC_BYTES (8u << 20)

struct attachment_files;
struct attachment_file;

/** Makes FOLDER/attachments. ERROR_PERMISSION, ERROR_FULL, ERROR_IO, ERROR_MEMORY. */
int attachment_files_open(const char *folder, struct attachment_files **out);
/** Files opened from it must be closed before. Takes NULL. */
void attachment_files_close(struct attachment_files *files);

/** Whether the store has a row for it, and whether that says complete. */
typedef bool attachment_known_fn(void *ctx, const struct hash *attachment_id, bool *complete);
/** From now until attachment_files_clean is done, whoever opens a file for writing waits for it. */
void attachment_files_clean_begin(struct attachment_files *files);
/**
 * At start, before anything is opened for writing; takes a second for 10^5 files, so a daemon has
 * another thread do it. Removes uploads that were never named, parts that the store
 * does not know, finished files likewise, and parts beside a finished file. `removed` may be NULL.
 */
int attachment_files_clean(
	struct attachment_files *files, attachment_known_fn *known, void *ctx, uint64_t *removed);

/**
 * Opens the part for writing, or makes it. What lies beyond `chunks_durable` is cut off.
 * ERROR_EXISTS: it is finished (only store_attachment_complete was missing). ERROR_CORRUPT: the
 * part is shorter than what should be durable: start again from 0. ERROR_FULL, ERROR_IO, …
 */
int attachment_file_resume(struct attachment_files *files, const struct hash *attachment_id,
	uint64_t size, uint64_t chunks_durable, struct attachment_file **out);
/** For bytes that come from here: size and id are told to attachment_file_name. */
int attachment_file_upload(struct attachment_files *files, struct attachment_file **out);
/** Gives an upload its id; from now on it is as a resumed one. ERROR_EXISTS: it is here already. */
int attachment_file_name(
	struct attachment_file *file, const struct hash *attachment_id, uint64_t size);

/** In order: `offset` is where the last write ended, else ERROR_RANGE. ERROR_FULL, ERROR_IO. */
int attachment_file_write(struct attachment_file *file, uint64_t offset, struct bytes bytes);
/** Bytes written so far, those before a resume included. */
uint64_t attachment_file_end(const struct attachment_file *file);
/** ATTACHMENT_SYNC_BYTES or more wait for a sync. */
bool attachment_file_sync_due(const struct attachment_file *file);
/** What is written is durable, the file's name too. `chunks`: whole ones (may be NULL). */
int attachment_file_sync(struct attachment_file *file, uint64_t *chunks);
/** The same of what had been written when it was called, perhaps on a second thread. */
int attachment_file_flush(struct attachment_file *file);
/** Syncs, gives it its final name, syncs that. ERROR_STATE: bytes are missing, or it has no id. */
int attachment_file_finish(struct attachment_file *file);
/** Takes NULL. An upload without a name is removed. */
void attachment_file_close(struct attachment_file *file);

/** Opens it to be read, finished or not; ERROR_NOT_FOUND. The descriptor is the caller's. */
int attachment_files_open_read(
	struct attachment_files *files, const struct hash *attachment_id, int *fd);
/** Fills `to`; ERROR_TRUNCATED if the file ends before. */
int attachment_file_read(int fd, uint64_t offset, uint8_t *to, size_t len);
/** Harmless if there is none. */
int attachment_files_remove(struct attachment_files *files, const struct hash *attachment_id);
