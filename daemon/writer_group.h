/* SPDX-License-Identifier: Apache-2.0 */
/**
 * One group commit: the commits of one class that share a transaction and a sync. Apart from the
 * writer's thread and queue, so that its rules can be read and tested by themselves.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "proto/commit.h"

struct writer_group {
	struct store *store;
	enum commit_class class;
	/** The next commit of the class, NULL: the group ends here. */
	struct commit *(*next)(void *ctx, enum commit_class class);
	void *ctx;
	int64_t (*now_us)(void);
	int (*guard)(void *ctx, const struct commit *commits);
	/**
	 * Makes one alert's commit durable by itself, before the store has it. `before`: the store's
	 * newest arrival without it. ERROR_STATE, ERROR_FULL: it did nothing. NULL: there is none.
	 */
	int (*note)(void *ctx, const struct commit *commit, const struct store_arrival *before);
	void *guard_ctx;
	/**
	 * After a note: answers the commit, which is not the group's any more, and may let some time
	 * pass before the store's own syncs; `wanted` (any thread): somebody waits for these.
	 */
	void (*answer)(void *ctx, struct commit *commit);
	void (*wanted)(void *ctx);
	/* results */
	struct commit *first; /* all that were taken, in order, each with its code; not one noted */
	bool was_full;        /* ERROR_FULL was met, the reserve is released */
	bool wrote;
	const char *fatal; /* the process must end: what failed */
};

/**
 * Takes, applies, syncs, guards. An alert that is alone is noted and answered before the sync
 * (docs/decisions/024-an-alert-is-noted-first.md). One commit that cannot be applied does not spoil
 * the others: then each is written alone. ERROR_FULL: the reserve is released and urgent ones are
 * tried once more.
 */
int writer_group_write(struct writer_group *group);
