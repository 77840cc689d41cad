/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/cli/progress.h"

#include <inttypes.h>

#define BAR 30

void progress_init(struct progress *p, FILE *to, bool terminal, const char *unit, uint64_t total)
{
	*p = (struct progress){.to = to, .shown = terminal, .unit = unit, .total = total, .drawn = -1};
}

void progress_set(struct progress *p, uint64_t done)
{
	if (!p->shown || p->total == 0)
		return;
	if (done > p->total)
		done = p->total;
	int percent = (int)(100.0 * (double)done / (double)p->total);
	if (percent == p->drawn)
		return;
	p->drawn = percent;
	char bar[BAR + 1];
	for (int i = 0; i < BAR; i++)
		bar[i] = i < percent * BAR / 100 ? '#' : '.';
	bar[BAR] = '\0';
	fprintf(p->to, "\r[%s] %3d %%  %" PRIu64 " of %" PRIu64 " %s", bar, percent, done, p->total,
		p->unit);
	fflush(p->to);
}

void progress_clear(struct progress *p)
{
	if (p->drawn < 0)
		return;
	fputs("\r\033[K", p->to);
	fflush(p->to);
	p->drawn = -1;
}
