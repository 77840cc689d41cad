/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Reads of stored runs and attachments for links, on threads of their own, so that a cold archive
 * stops neither the loop nor libuv's workers. Each read copies out at most 256 KiB in one short
 * transaction. Urgent ones go first, and a thread is always left for them.
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
/** Loop only, once nothing is pending; frees itself when the loop has closed it. Takes NULL. */
void reader_close(struct reader *reader);
