/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Never fork yourself (DESIGN.md, section 4): what this city signed last, kept beside the keys and
 * synced before an own entry is answered, and whom to dial when the store is gone.
 *
 * At a start: a store that has less than the guard makes the node take its own feeds back; a guard
 * that is missing or damaged beside a store with own entries makes it ask the members how far they
 * hold them; where the charter itself is gone, the bootstrap file gives peers.
 */
#pragma once

#include "daemon/app.h"

struct guard;

/** Opens DIR/keys/guard (made if there is none). Before the node and the writer. */
int guard_open(struct app *app, struct guard **out, struct complaint *complaint);
/**
 * Before the writer and the node: what was noted and answered, and is not in the store and in the
 * networks' slots yet, comes there. ERROR_FULL, ERROR_IO, with the reason.
 */
int guard_replay(struct guard *guard, struct complaint *complaint);
/** Tells the node, right after node_new. */
void guard_tell(struct guard *guard);
/** Members or addresses changed: the bootstrap file follows within five seconds. Loop only. */
void guard_changed(struct guard *guard);
/** Writer's thread: own heads and epoch records of these commits are durable when it returns 0. */
int guard_commits(struct guard *guard, const struct commit *commits);
/** Writer's thread: as struct writer_calls says. */
int guard_note(
	struct guard *guard, const struct commit *commit, const struct store_arrival *before);
/** Writes the bootstrap file if it is due, while the node is still there. Freed on the loop. */
void guard_close(struct guard *guard);
