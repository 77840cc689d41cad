/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "proto/node.h"
#include "store/attachment_file.h"

/**
 * Where attachments are verified and written: the part files that are open now. Writing and syncing
 * are two steps, for two threads: while one sync waits for the disk the next chunks are written.
 *
 *     attachment_sink_write → (attachment_sink_sync, if due) → the answer
 *
 * One thread writes, in the order in which the node asked; one, it or another, syncs in that order.
 */
struct attachment_sink;

/** So many writes at once: two chunks are hashed side by side. */
#define ATTACHMENT_SINK_WRITES_MAX 2u

/** Both are borrowed. ERROR_MEMORY, ERROR_CRYPTO. */
int attachment_sink_new(
	struct store *store, struct attachment_files *files, struct attachment_sink **out);
/** Closes what is open; unfinished parts stay to be resumed. No sync may be due. Takes NULL. */
void attachment_sink_free(struct attachment_sink *sink);
/** Sets the code of each: 0, ERROR_CHAIN (not the chunk that it should be: nothing of it was
 * written), ERROR_FULL (resumed later), ERROR_CANCELLED, ERROR_IO. */
void attachment_sink_write(
	struct attachment_sink *sink, struct node_write *const *writes, size_t count);
/** Written, and not durable yet: attachment_sink_sync must follow. */
bool attachment_sink_sync_due(const struct node_write *write);
/** Makes durable what was written up to this one; sets its code: ERROR_IO is fatal. */
void attachment_sink_sync(struct node_write *write);
