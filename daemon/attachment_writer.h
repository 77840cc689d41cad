/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The two threads of attachment files that are being received: one verifies and writes chunks in
 * order, the other syncs, so that waiting for the disk holds up neither the loop, nor the store's
 * writer, nor the next chunks. Nothing wakes them while there is nothing to write.
 */
#pragma once

#include <uv.h>

#include "proto/node.h"

struct attachment_writer;

/** `done` is called on the loop and owns the write again. ERROR_MEMORY,
 * ERROR_CRYPTO. */
int attachment_writer_new(uv_loop_t *loop, struct store *store, struct attachment_files *files,
	void (*done)(void *ctx, struct node_write *write), void *ctx, struct attachment_writer **out);
/** Loop only. */
void attachment_writer_push(struct attachment_writer *writer, struct node_write *write);
/** Writes what is queued, answers it, joins; freed in the close callback. */
void attachment_writer_close(struct attachment_writer *writer);
