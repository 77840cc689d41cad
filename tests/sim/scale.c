/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/scale.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"

/*
 * One world, four phases: as many cities die at once as the phase says, without a word to anybody;
 * then some of the others publish; then the dead come back, and nobody else is restarted.
 */

#define START_US (20 * WORLD_S)  /* all start within it */
#define SETTLE_US (70 * WORLD_S) /* and are linked by then */
#define PUBLISH_US (5 * WORLD_S) /* the phase's items are published within it */
#define BODY_ALERT 400u
#define BODY_DOC 20000u
#define SPREAD_US_MAX (240 * WORLD_S)
#define HEAL_US_MAX (600 * WORLD_S)
#define RESTART_US (5 * WORLD_S)

static const unsigned deaths[] = {0, 10, 50, 80};

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double resident_mib(void)
{
	unsigned long pages = 0, resident = 0;
	malloc_trim(0);
	FILE *file = fopen("/proc/self/statm", "r");
	if (file && fscanf(file, "%lu %lu", &pages, &resident) != 2)
		resident = 0;
	if (file)
		fclose(file);
	return (double)resident * (double)sysconf(_SC_PAGESIZE) / 1048576;
}

/* Prints where it is, since the largest runs for minutes. */
static void say(const struct scale *scale, const char *what)
{
	const struct world *world = scale->world;
	fprintf(stderr, "%u cities, %lld s: %s (%llu node-steps)\n", world->count,
		(long long)(world->now_us / WORLD_S), what, (unsigned long long)world->steps);
}

/* ---- the overlay ---- */

/* All that links lead to from there; returns how many links the farthest is away. */
static uint32_t part_of(
	struct world *world, uint32_t from, uint32_t part, uint32_t *parts, uint32_t *queue)
{
	uint32_t first = 0, last = 0, level_end = 1, distance = 0;
	queue[last++] = from;
	parts[from] = part;
	while (first < last) {
		if (first == level_end) {
			level_end = last;
			distance++;
		}
		struct city *city = &world->cities[queue[first++]];
		list_for_each(&city->ends, n)
		{
			const struct wire_end *end = list_entry(n, struct wire_end, by_city);
			const struct city *to = end->peer->city;
			if (!end->peer->link || !to->node || parts[to->index])
				continue;
			parts[to->index] = part;
			queue[last++] = to->index;
		}
	}
	return distance;
}

static uint32_t farthest(struct world *world, uint32_t from)
{
	uint32_t *queue = calloc(world->count, sizeof *queue);
	uint32_t *parts = calloc(world->count, sizeof *parts);
	require(queue && parts);
	uint32_t distance = part_of(world, from, 1, parts, queue);
	free(queue);
	free(parts);
	return distance;
}

/* Numbers the parts of the overlay of those that run from 1; their count. */
static uint32_t overlay_parts(struct world *world, uint32_t *parts)
{
	uint32_t *queue = calloc(world->count, sizeof *queue), count = 0;
	require(queue);
	memset(parts, 0, world->count * sizeof *parts);
	for (uint32_t i = 0; i < world->count; i++)
		if (world->cities[i].node && !parts[i])
			part_of(world, i, ++count, parts, queue);
	free(queue);
	return count;
}

static uint32_t overlay_links(struct world *world)
{
	uint32_t count = 0;
	list_for_each(&world->wires, n)
	{
		const struct wire *wire = list_entry(n, struct wire, node);
		count += wire->ends[0].link && wire->ends[1].link;
	}
	return count;
}

/* ---- phases ---- */

static uint32_t alive(const struct world *world)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < world->count; i++)
		count += world->cities[i].node != NULL;
	return count;
}

static void kill_some(struct scale *scale, unsigned percent)
{
	struct world *world = scale->world;
	uint32_t left = (uint32_t)((uint64_t)world->count * percent / 100);
	while (left > 0) {
		struct city *city = &world->cities[world_below(world, world->count)];
		if (!city->node)
			continue;
		city_crash(city, true);
		scale_recount(scale, city);
		left--;
	}
}

/* So many seconds in steps, until `done`. */
static bool pass_until(
	struct scale *scale, int64_t most_us, bool (*done)(const struct scale *scale))
{
	struct world *world = scale->world;
	int64_t end_us = world->now_us + most_us;
	while (world->now_us < end_us && !world->failure[0]) {
		world_pass(world, world->now_us + WORLD_S / 4);
		if (done(scale))
			return true;
	}
	return false;
}

/* Every item of the phase is at all that run. */
static bool is_spread(const struct scale *scale)
{
	uint32_t count = alive(scale->world);
	for (uint32_t k = scale->first_item; k < scale->item_count; k++)
		if (scale->items[k].arrived < count)
			return false;
	return true;
}

static bool holds_all(const struct scale *scale, const struct city *city)
{
	for (uint32_t k = 0; k < scale->item_count; k++) {
		const struct scale_item *item = &scale->items[k];
		struct node_feed feed = {0};
		if (!city->node)
			return false;
		node_feed_find(city->node, &item->feed->feed_id, &feed);
		if (feed.seq < item->seq)
			return false;
	}
	return true;
}

/* Every item that was ever published is durable at every city. */
static bool is_whole(const struct scale *scale)
{
	for (uint32_t i = 0; i < scale->world->count; i++)
		if (!holds_all(scale, &scale->world->cities[i]))
			return false;
	return true;
}

static bool never(const struct scale *scale)
{
	(void)scale;
	return false;
}

/* *hops: the fewest links that lead from an alert's origin to whom is farthest. */
static void publish(struct scale *scale, const struct scale_options *options, uint32_t *hops)
{
	struct world *world = scale->world;
	uint32_t alerts = options->alerts, docs = options->docs, all = alerts + docs;
	for (uint32_t i = 0; i < all && !world->failure[0]; i++) {
		struct city *city;
		do
			city = &world->cities[world_below(world, world->count)];
		while (!city->node || node_publishing(city->node, NULL) != NODE_PUBLISHING_OPEN);
		/* One by one in turn: of what is left as many of a kind as there are. */
		bool alert = world_below(world, alerts + docs) < alerts;
		*(alert ? &alerts : &docs) -= 1;
		uint8_t lane = alert ? FEED_LANE_ALERT : FEED_LANE_DOC;
		uint32_t distance = alert ? farthest(world, city->index) : 0;
		*hops = distance > *hops ? distance : *hops;
		scale_publishes(scale, city, lane);
		city_publish(city, lane, alert ? BODY_ALERT : BODY_DOC);
		world_pass(world, world->now_us + PUBLISH_US / (int64_t)all);
	}
}

static double heal(struct scale *scale)
{
	struct world *world = scale->world;
	int64_t begun_us = world->now_us;
	for (uint32_t i = 0; i < world->count; i++)
		if (!world->cities[i].node)
			world_push(world, (int64_t)world_below(world, (uint64_t)RESTART_US), EVENT_RESTART, i,
				0, NULL);
	bool whole = pass_until(scale, HEAL_US_MAX, is_whole);
	return whole ? (double)(world->now_us - begun_us) / 1e6 : -1;
}

static struct scale_figures phase(
	struct scale *scale, const struct scale_options *options, unsigned percent)
{
	struct world *world = scale->world;
	struct scale_figures f = {.dead_percent = percent};
	uint32_t *parts = calloc(world->count, sizeof *parts);
	require(parts);
	kill_some(scale, percent);
	f.parts_at_death = overlay_parts(world, parts);
	scale_meter_begin(scale);
	int64_t begun_us = world->now_us;
	publish(scale, options, &f.hops);
	pass_until(scale, SPREAD_US_MAX, is_spread);
	/* What is on its way still counts: copies that come too late. */
	pass_until(scale, 2 * WORLD_S, never);
	f.window_s = (double)(world->now_us - begun_us) / 1e6;
	f.parts = overlay_parts(world, parts);
	f.links = overlay_links(world);
	scale_meter_figures(scale, parts, &f);
	f.memory_mib = resident_mib();
	say(scale, "spread");
	f.heal_s = heal(scale);
	say(scale, "healed");
	free(parts);
	return f;
}

/* ---- a run ---- */

static void print(const struct world *world, const struct scale_figures *f, double took_s)
{
	printf("{\"nodes\": %u, \"dead_percent\": %u, \"alive\": %u, \"links\": %u, ", world->count,
		f->dead_percent, f->alive, f->links);
	printf("\"parts_at_death\": %u, \"parts\": %u, \"coverage\": %.6f, \"hops\": %u, \"way\": %u, ",
		f->parts_at_death, f->parts, f->coverage, f->hops, f->way);
	printf("\"alert_p50_ms\": %.0f, \"alert_p99_ms\": %.0f, \"alert_last_ms\": %.0f, ",
		f->alert_ms[0], f->alert_ms[1], f->alert_ms[2]);
	printf("\"doc_p50_ms\": %.0f, \"doc_p99_ms\": %.0f, \"doc_last_ms\": %.0f, ", f->doc_ms[0],
		f->doc_ms[1], f->doc_ms[2]);
	printf("\"alert_bodies\": %.3f, \"doc_bodies\": %.3f, \"control_bytes\": %.0f, ",
		f->alert_bodies, f->doc_bodies, f->control_bytes);
	printf("\"window_s\": %.1f, \"heal_s\": %.1f, \"memory_mib\": %.3f, \"steps\": %llu, ",
		f->window_s, f->heal_s, f->memory_mib, (unsigned long long)world->steps);
	printf("\"real_s\": %.1f}\n", took_s);
	fflush(stdout);
}

static void begin(struct scale *scale)
{
	struct world *world = scale->world;
	scale_found(scale);
	say(scale, "founded");
	for (uint32_t i = 0; i < world->count; i++)
		world_push(
			world, (int64_t)world_below(world, (uint64_t)START_US), EVENT_RESTART, i, 0, NULL);
	world_pass(world, world->now_us + SETTLE_US);
	say(scale, "linked");
}

bool scale_run(const struct scale_options *options)
{
	struct world_options of_world = {
		.seed = options->seed, .nodes = options->nodes, .log = options->log, .scale = true};
	struct world world;
	struct scale scale = {.world = &world};
	double begun = seconds(), empty = resident_mib();
	bool good = true;
	world_init(&world, &of_world);
	world.scale = &scale;
	scale.registrar = &world.cities[world.count];
	scale_meter_init(&scale);
	begin(&scale);
	for (size_t i = 0; i < sizeof deaths / sizeof deaths[0] && !world.failure[0]; i++) {
		struct scale_figures f = phase(&scale, options, deaths[i]);
		f.memory_mib = (f.memory_mib - empty) / world.count;
		good = good && f.coverage >= 1 && f.heal_s >= 0;
		print(&world, &f, seconds() - begun);
	}
	if (world.failure[0])
		fprintf(stderr, "%s\n", world.failure);
	good = good && !world.failure[0];
	world_deinit(&world);
	scale_meter_deinit(&scale);
	return good;
}
