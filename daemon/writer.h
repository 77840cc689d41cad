/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The one writer thread of the store. Commits are taken while they are of one class, up to 1 MiB or
 * 3 ms, applied in one transaction, synced, and answered on the loop. For own entries the guard
 * file is synced before the answer. An alert that is alone is answered once it is noted in the
 * guard file, and committed after it. Nothing wakes it while there is nothing to write.
 *
 * A failed sync ends the process at once with one log line: nothing is retried. ERROR_FULL releases
 * the store's reserve: urgent commits are tried again, bulk ones are answered ERROR_FULL. So it is
 * from the start where the store found no room for its reserve.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "proto/commit.h"

#define WRITER_TXN_BYTES_MAX (1u << 20)
#define WRITER_TXN_US_MAX 3000

struct writer;

struct writer_calls {
	void *ctx;
	/** On the loop, in the order of the commits of a class. The commit is the callee's again. */
	void (*committed)(void *ctx, struct commit *commit);
	/** On the loop: the disk is full (true), or has room again (false). */
	void (*full)(void *ctx, bool full);
	/**
	 * Writer's thread, after the sync and before the answers, with the commits of the transaction:
	 * makes the guard durable. Not 0: the process ends.
	 */
	int (*guard)(void *ctx, const struct commit *commits);
	/** Writer's thread: see struct writer_group. May be NULL. */
	int (*note)(void *ctx, const struct commit *commit, const struct store_arrival *before);
};

/** Starts the thread. `store` is borrowed. ERROR_MEMORY, ERROR_IO. */
int writer_new(
	uv_loop_t *loop, struct store *store, const struct writer_calls *calls, struct writer **out);

/** Loop only. Takes the commit over until it is answered. */
void writer_push(struct writer *writer, struct commit *commit);

/** Commits pushed and not answered yet. */
size_t writer_pending(const struct writer *writer);

/**
 * Stops and joins the thread after all that is queued is written; answers all; the memory goes in
 * the close callback of its handle, so the loop must run once more.
 */
void writer_close(struct writer *writer);
