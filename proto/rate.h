/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/timestamp.h"

/** A bucket that empties by one each `every_ms`; zeroed it is empty. node_rate.c */
struct rate {
	uint32_t used;
	struct monotime at; /* when it was emptied last */
};

/** One more, at most `burst` at once and one each `every_ms` in the long run; false: too many. */
bool rate_take(struct rate *rate, struct monotime now, uint32_t burst, int64_t every_ms);
