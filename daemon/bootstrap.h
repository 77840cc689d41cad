/* SPDX-License-Identifier: Apache-2.0 */
/** The members of all networks, copied out of the node and written as the bootstrap file. */
#pragma once

#include "daemon/app.h"

/** Copies now, writes on a worker thread, then calls `done` on the loop. */
void bootstrap_write_later(
	struct app *app, const char *path, void (*done)(void *ctx, int code), void *ctx);
/** Writes at once. bootstrap_file_write's errors. */
int bootstrap_write_now(struct app *app, const char *path);
