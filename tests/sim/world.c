/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"

/* After the faults: by then everybody must have the same. */
#define REST_S_MAX 600
#define HUSH_US (45 * WORLD_S)
#define CHECK_US (1 * WORLD_S)
#define WALL_MS INT64_C(1790000000000)

/* xorshift64*: a seed that replays is wanted here, not secrecy. */
uint64_t world_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(2685821657736338717);
}

uint64_t world_below(struct world *world, uint64_t below)
{
	return (world_random(&world->chance) >> 11) % below;
}

uint64_t world_digest(uint64_t from, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	uint64_t word, h = from ^ len * UINT64_C(0x9e3779b97f4a7c15);
	for (; len >= 8; p += 8, len -= 8) {
		memcpy(&word, p, 8);
		h = (h ^ word) * UINT64_C(0x9fb21c651e98df25);
		h ^= h >> 28;
	}
	for (; len > 0; p++, len--)
		h = (h ^ *p) * UINT64_C(0x100000001b3);
	return h ^ h >> 31;
}

void world_trace(struct world *world, uint64_t value)
{
	world->trace = world_digest(world->trace, &value, sizeof value);
}

void world_fail(struct world *world, const char *format, ...)
{
	va_list arguments;
	if (world->failure[0])
		return;
	int n = snprintf(world->failure, sizeof world->failure,
		"at %lld.%03lld s: ", (long long)(world->now_us / WORLD_S),
		(long long)(world->now_us / WORLD_MS % 1000));
	va_start(arguments, format);
	vsnprintf(world->failure + n, sizeof world->failure - (size_t)n, format, arguments);
	va_end(arguments);
}

void world_push(struct world *world, int64_t in_us, enum event_type type, uint32_t city,
	int64_t number, void *what)
{
	uint32_t life = city < world->count + world->options.scale ? world->cities[city].life : 0;
	event_queue_push(&world->queue,
		(struct event){.at_us = world->now_us + in_us,
			.type = type,
			.city = city,
			.life = life,
			.number = number,
			.what = what});
}

struct city *world_city(struct world *world, const struct hash *city_id)
{
	return map_get(&world->cities_by_id, city_id);
}

struct node_time world_time(const struct city *city)
{
	int64_t now_us = city->world->now_us;
	return (struct node_time){.mono = monotime_from_us(now_us),
		.wall = timestamp_from_ms(WALL_MS + now_us / WORLD_MS + city->clock_offset_ms)};
}

static uint64_t stream_of(uint64_t seed, uint64_t number)
{
	uint64_t state = world_digest(seed + 1, &number, sizeof number);
	return state ? state : 1;
}

uint64_t world_chance_of(struct world *world, uint64_t thing)
{
	uint64_t former = world->chance;
	world->chance = stream_of(world->options.seed, thing);
	return former;
}

void world_init(struct world *world, const struct world_options *options)
{
	static const uint8_t map_seed[MAP_SEED_SIZE] = {7};
	uint8_t officer[SECRET_SEED_SIZE];
	memset(world, 0, sizeof *world);
	world->options = *options;
	world->count = options->nodes;
	world->now_us = WORLD_S;
	world->chance = stream_of(options->seed, 1);
	world->net_chance = stream_of(options->seed, 2);
	list_init(&world->wires);
	map_init(&world->cities_by_id, HASH_SIZE, map_seed);
	map_init(&world->feeds_by_id, HASH_SIZE, map_seed);
	world->cities = calloc(world->count + 1, sizeof *world->cities);
	world->feeds = calloc((size_t)world->count * FEED_LANE_COUNT, sizeof *world->feeds);
	require(world->cities && world->feeds);
	for (size_t i = 0; i < sizeof officer; i++)
		officer[i] = (uint8_t)(world_random(&world->chance) >> 16);
	require(secret_key_from_seed(officer, &world->officer) == 0);
	/* Some are admitted later; alone nobody can be. */
	world->founders = world->count < 4 ? world->count : world->count - world->count / 4;
	world->sparse = !options->scale && world->count > 4 && world_below(world, 2);
	for (uint32_t i = 0; i < world->count + options->scale; i++) {
		world->cities[i].random = stream_of(options->seed, 100 + i);
		city_init(world, i);
	}
}

void world_deinit(struct world *world)
{
	struct event event;
	for (uint32_t i = 0; i < world->count + world->options.scale; i++)
		if (world->cities[i].node)
			city_crash(&world->cities[i], true);
	while (event_queue_pop(&world->queue, &event))
		if (event.type == EVENT_BYTES)
			free(event.what);
	struct list_node *n;
	while ((n = list_first(&world->wires)))
		wire_free(list_entry(n, struct wire, node));
	for (uint32_t i = 0; i < world->count + world->options.scale; i++)
		city_deinit(&world->cities[i]);
	ledger_deinit(world);
	event_queue_deinit(&world->queue);
	map_deinit(&world->cities_by_id);
	map_deinit(&world->feeds_by_id);
	secret_key_free(world->officer);
	free(world->amendments);
	free(world->feeds);
	free(world->cities);
}

static void city_event(struct world *world, const struct event *event, struct city *city)
{
	switch (event->type) {
	case EVENT_DEADLINE:
		city_deadline(city);
		break;
	case EVENT_WRITTEN:
		city_written(city);
		break;
	case EVENT_READ:
		city_answer_read(city);
		break;
	case EVENT_DIAL:
		wire_dial(city);
		break;
	case EVENT_MEET:
		wire_meet(city, (uint32_t)event->number);
		break;
	case EVENT_RESTART:
		city_start(city);
		break;
	default:
		world_fail(world, "an event of type %d for a city", (int)event->type);
	}
}

static void step(struct world *world, const struct event *event)
{
	world_trace(world, (uint64_t)event->at_us ^ (uint64_t)event->type << 56);
	world_trace(world, event->city);
	switch (event->type) {
	case EVENT_BYTES:
		wire_arrive(world, event->what);
		return;
	case EVENT_PUMP: {
		struct wire_end *end = event->what;
		end->pump_due = false;
		if (end->link) {
			wire_pump(end);
			city_settle(end->city);
		}
		end->wire->chunks--;
		wire_free_if_over(end->wire);
		return;
	}
	case EVENT_BREAK: {
		struct wire *wire = event->what;
		wire->chunks--;
		wire_reset(wire);
		return;
	}
	case EVENT_PUBLISH:
		faults_publish(world);
		return;
	case EVENT_FAULT:
		faults_happen(world);
		return;
	case EVENT_MEND:
		faults_mend(world, event->number, event->city);
		return;
	case EVENT_CHECK:
		judge_step(world);
		world_push(world, CHECK_US, EVENT_CHECK, 0, 0, NULL);
		return;
	default:
		break;
	}
	struct city *city = &world->cities[event->city];
	if (event->life != city->life || (!city->node && event->type != EVENT_RESTART))
		return;
	world->steps++;
	city_event(world, event, city);
	if (city->node)
		city_settle(city);
}

void world_pass(struct world *world, int64_t until_us)
{
	struct event event;
	while (!world->failure[0] && event_queue_pop(&world->queue, &event)) {
		if (event.at_us > until_us) {
			event_queue_push(&world->queue, event);
			world->now_us = until_us;
			return;
		}
		world->now_us = event.at_us;
		step(world, &event);
	}
}

static void log_to_stderr(void *ctx, enum log_level level, const char *line, size_t len)
{
	const struct world *world = ctx;
	(void)level;
	fprintf(stderr, "%9.3f %.*s\n", (double)world->now_us / 1e6, (int)len, line);
}

bool world_run(struct world *world)
{
	char why[400] = "";
	if (world->options.log)
		log_set_sink(log_to_stderr, world);
	if (world->options.faults)
		faults_init(world);
	membership_found(world);
	world_push(world, CHECK_US, EVENT_CHECK, 0, 0, NULL);
	world_push(world, WORLD_S, EVENT_PUBLISH, 0, 0, NULL);
	if (world->options.faults)
		world_push(world, 3 * WORLD_S, EVENT_FAULT, 0, 0, NULL);
	int64_t end_us = world->now_us + world->options.minutes * 60 * WORLD_S;
	world->hushed_us = end_us - HUSH_US;
	world_pass(world, end_us);
	world->quiet = true;
	if (!world->failure[0])
		faults_end(world);
	bool at_rest = false;
	for (int s = 0; s < REST_S_MAX && !world->failure[0] && !at_rest; s += 5) {
		world_pass(world, world->now_us + 5 * WORLD_S);
		at_rest = judge_at_rest(world, why, sizeof why);
	}
	if (!at_rest)
		world_fail(world, "%d s after the last fault: %s", REST_S_MAX, why);
	for (uint32_t i = 0; i < world->count * FEED_LANE_COUNT; i++)
		world_trace(world, world->feeds[i].count);
	log_set_sink(NULL, NULL);
	return !world->failure[0];
}
