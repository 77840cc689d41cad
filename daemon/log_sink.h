/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Where log lines go: standard error or a file with RFC 3339 time (the journal adds its own), and a
 * ring of the last lines for `hansa log`.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "daemon/config.h"

#define LOG_SINK_RING_LINES 1000u

/** Becomes the sink of base/log.h. Called again at a reload: opens the file anew. */
int log_sink_open(const struct config_log *config, struct complaint *complaint);
void log_sink_close(void);

/**
 * Calls back for the kept lines numbered above `after` (0: all), oldest first; returns the newest
 * number. `line` is valid during the call, which must not log. Any thread.
 */
uint64_t log_sink_each(uint64_t after,
	void (*each)(void *ctx, uint64_t number, const char *line, size_t len), void *ctx);
