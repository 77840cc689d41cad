/* SPDX-License-Identifier: Apache-2.0 */
/** A progress bar on standard error; it draws only on a terminal and leaves the line clean. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct progress {
	FILE *to;
	bool shown;
	const char *unit; /* "files", "MiB" */
	uint64_t total;
	int drawn; /* the percentage on the screen, -1: none */
};

void progress_init(struct progress *p, FILE *to, bool terminal, const char *unit, uint64_t total);
/** Draws again where the percentage has changed. */
void progress_set(struct progress *p, uint64_t done);
/** Wipes the bar: call before anything else is printed, and at the end. */
void progress_clear(struct progress *p);
