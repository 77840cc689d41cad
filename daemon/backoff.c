/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/backoff.h"

void backoff_ended(struct backoff *backoff, int64_t open_ms, uint32_t random, struct monotime now)
{
	if (open_ms >= BACKOFF_LIVED_MS)
		backoff->failures = 0;
	if (backoff->failures == 0 && open_ms > 0) {
		backoff->failures = 1;
		backoff->next = now;
		return;
	}
	unsigned doublings = backoff->failures > 8 ? 8 : backoff->failures;
	int64_t most = BACKOFF_FIRST_MS;
	for (unsigned i = 1; i < doublings; i++)
		most *= 2;
	if (most > BACKOFF_MOST_MS)
		most = BACKOFF_MOST_MS;
	backoff->failures++;
	backoff->next = monotime_add_us(now, most * 500 + (int64_t)random % (most * 500 + 1));
}

void backoff_reset(struct backoff *backoff)
{
	*backoff = (struct backoff){0};
}

bool backoff_due(const struct backoff *backoff, struct monotime now)
{
	return monotime_reached(now, backoff->next);
}
