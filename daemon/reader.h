/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Reads of stored runs and attachments on libuv's worker threads, so that a cold archive never
 * stops the loop. Each read copies out at most 256 KiB in one short transaction.
 */
#pragma once

#include <uv.h>

#include "proto/node.h"

struct reader;

/** `store` and `files` are borrowed. `done` is called on the loop and owns the read again.
 * ERROR_MEMORY. */
int reader_new(uv_loop_t *loop, struct store *store, struct attachment_files *files,
	void (*done)(void *ctx, struct node_read *read), void *ctx, struct reader **out);
/** Loop only. */
void reader_push(struct reader *reader, struct node_read *read);
/** Nothing may be pending. Takes NULL. */
void reader_free(struct reader *reader);
