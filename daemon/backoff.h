/* SPDX-License-Identifier: Apache-2.0 */
/**
 * When to dial a city again. The first cut of a link is answered at once; then 0.5 s, doubling to
 * 60 s, until a link has lived 30 s. Half of each delay is drawn at random, so that a thousand
 * cities do not come back in one moment.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/timestamp.h"

#define BACKOFF_FIRST_MS 500
#define BACKOFF_MOST_MS 60000
#define BACKOFF_LIVED_MS 30000

/** Zeroed: dial at once. */
struct backoff {
	unsigned failures; /* since the last link that lived */
	struct monotime next;
};

/**
 * An attempt failed (open_ms 0) or its link was cut after open_ms. `random` is any 32 random bits.
 */
void backoff_ended(struct backoff *backoff, int64_t open_ms, uint32_t random, struct monotime now);
/** What stood in the way may be gone: dial at once, and count failures anew. */
void backoff_reset(struct backoff *backoff);
bool backoff_due(const struct backoff *backoff, struct monotime now);
