/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/shrink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "tests/sim/world.h"

bool fault_set_add(struct fault_set *set, uint64_t number)
{
	if (number == 0 || number > FAULTS_MAX)
		return false;
	if (!set->bits)
		set->bits = calloc(FAULTS_MAX / 8 + 1, 1);
	if (!set->bits)
		return false;
	if (!fault_set_has(set, number))
		set->count++;
	set->bits[number / 8] |= (uint8_t)(1u << number % 8);
	return true;
}

bool fault_set_has(const struct fault_set *set, uint64_t number)
{
	return set->bits && number <= FAULTS_MAX && set->bits[number / 8] >> number % 8 & 1;
}

bool fault_set_parse(struct fault_set *set, const char *text)
{
	if (strcmp(text, "0") == 0)
		return true;
	for (const char *at = text;; at++) {
		char *end;
		errno = 0;
		unsigned long long number = strtoull(at, &end, 10);
		if (end == at || *at == '-' || errno || !fault_set_add(set, number))
			return false;
		at = end;
		if (*at == '\0')
			return true;
		if (*at != ',')
			return false;
	}
}

void fault_set_deinit(struct fault_set *set)
{
	free(set->bits);
	*set = (struct fault_set){0};
}

struct search {
	struct world_options *best;
	shrink_fails_fn *fails;
	void *ctx;
	unsigned tries, tries_max;
	uint32_t *numbers; /* of the faults that are left */
	uint32_t count;
};

static bool fails_with(struct search *s, struct world_options *options)
{
	if (s->tries >= s->tries_max)
		return false;
	s->tries++;
	if (!s->fails(s->ctx, options))
		return false;
	*s->best = *options;
	return true;
}

/* Without the faults at [from, to): kept so if it still fails. */
static bool fails_without(struct search *s, uint32_t from, uint32_t to)
{
	struct fault_set *set = (struct fault_set *)s->best->only, less = {0};
	struct world_options options = *s->best;
	for (uint32_t i = 0; i < s->count; i++)
		if (i < from || i >= to)
			require(fault_set_add(&less, s->numbers[i]));
	options.only = &less;
	if (!fails_with(s, &options)) {
		fault_set_deinit(&less);
		return false;
	}
	fault_set_deinit(set);
	*set = less;
	s->best->only = set;
	memmove(s->numbers + from, s->numbers + to, (s->count - to) * sizeof *s->numbers);
	s->count -= to - from;
	return true;
}

/* Halves, quarters, and so on down to single ones; from the last on, which mostly came after the
 * failure. */
static void fewer_faults(struct search *s)
{
	for (uint32_t size = s->count; size > 0;) {
		bool any = false;
		for (uint32_t to = s->count; to > 0 && s->tries < s->tries_max;) {
			uint32_t from = to > size ? to - size : 0;
			any |= fails_without(s, from, to);
			to = from;
		}
		if (s->tries >= s->tries_max)
			return;
		/* Single ones are tried until none can go. */
		if (size == 1 && !any)
			return;
		size = size > 1 ? (size + 1) / 2 : s->count > 0 ? 1 : 0;
	}
}

static void less_time(struct search *s)
{
	int64_t fine = 0;
	while (s->best->minutes > fine + 1) {
		struct world_options options = *s->best;
		options.minutes = fine + (s->best->minutes - fine) / 2;
		if (!fails_with(s, &options))
			fine = options.minutes;
	}
}

/* Another number of cities is another world, so that this is no more than a try. */
static void fewer_cities(struct search *s)
{
	uint32_t fine = 1;
	while (s->best->nodes > fine + 1) {
		struct world_options options = *s->best;
		options.nodes = fine + (s->best->nodes - fine) / 2;
		if (!fails_with(s, &options))
			fine = options.nodes;
	}
}

unsigned shrink(struct world_options *options, uint64_t faults, struct fault_set *out,
	unsigned tries, shrink_fails_fn *fails, void *ctx)
{
	struct search s = {.best = options, .fails = fails, .ctx = ctx, .tries_max = tries};
	*out = (struct fault_set){0};
	if (faults > FAULTS_MAX)
		faults = FAULTS_MAX;
	fewer_cities(&s);
	less_time(&s);
	s.numbers = calloc((size_t)faults + 1, sizeof *s.numbers);
	require(s.numbers);
	for (uint32_t number = 1; number <= faults; number++)
		if (!options->only || fault_set_has(options->only, number)) {
			require(fault_set_add(out, number));
			s.numbers[s.count++] = number;
		}
	options->only = out;
	fewer_faults(&s);
	less_time(&s);
	free(s.numbers);
	return s.tries;
}
