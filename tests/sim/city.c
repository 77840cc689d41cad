/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "record/header.h"
#include "tests/sim/scale.h"
#include "tests/sim/world.h"

/* A node's life, and what surrounds it: its writer, its reader, its guard, its drafts. */

#define WRITE_GROUP_BYTES (1u << 20)
#define TIMER_US 1000 /* the daemon's timers have no less */

static void io_random(void *ctx, void *out, size_t len)
{
	struct city *city = ctx;
	for (size_t i = 0; i < len; i++)
		((uint8_t *)out)[i] = (uint8_t)(world_random(&city->random) >> 24);
}

static void io_wake(void *ctx, void *transport)
{
	struct city *city = ctx;
	struct wire_end *end = transport;
	if (!list_linked(&end->wake_node))
		list_push_back(&city->wakes, &end->wake_node);
}

static void io_close(void *ctx, void *transport)
{
	((struct wire_end *)transport)->closing = true;
	io_wake(ctx, transport);
}

static void io_event(void *ctx, const struct node_event *event)
{
	struct city *city = ctx;
	world_trace(city->world, (uint64_t)event->type << 32 | city->index);
	world_trace(city->world, event->last);
}

static void io_write(void *ctx, struct node_write *write)
{
	struct city *city = ctx;
	(void)write;
	world_fail(city->world, "%s writes an attachment, and nobody published any", city->slug);
}

/* ---- the disk ---- */

static void begin_writing(struct city *city)
{
	size_t bytes = 0;
	enum commit_class class = COMMIT_BULK;
	list_for_each(&city->commits,
		n) if (list_entry(n, struct city_commit, node)->commit->class == COMMIT_URGENT) class
		= COMMIT_URGENT;
	list_for_each_safe(&city->commits, n)
	{
		struct city_commit *waiting = list_entry(n, struct city_commit, node);
		if (waiting->commit->class != class || bytes >= WRITE_GROUP_BYTES)
			continue;
		bytes += waiting->commit->bytes;
		list_remove(n);
		list_push_back(&city->written, n);
	}
	city->writing = true;
	int64_t in_us = city->commit_us / 2 +
		(int64_t)((world_random(&city->world->net_chance) >> 20) % (uint64_t)city->commit_us);
	world_push(city->world, in_us, EVENT_WRITTEN, city->index, 0, NULL);
}

static void io_commit(void *ctx, struct commit *commit)
{
	struct city *city = ctx;
	struct city_commit *waiting = calloc(1, sizeof *waiting);
	require(waiting);
	waiting->commit = commit;
	if (city->world->scale)
		scale_accepted(city, commit);
	city->commit_bytes += commit->bytes;
	list_push_back(&city->commits, &waiting->node);
	if (!city->writing && !city->dying)
		begin_writing(city);
}

/* As daemon/guard.c: own runs, and the cuts of a newer own record. */
static void guard_take(struct city *city, const struct commit *commit)
{
	struct city_guard *guard = &city->guard;
	struct control_object object;
	struct epoch_record record;
	for (uint32_t i = 0; i < commit->count; i++) {
		const struct commit_op *op = &commit->ops[i];
		unsigned lane = op->lane - 1u;
		uint64_t last = op->seq + op->count - 1;
		if (op->type == COMMIT_RUN && op->own && op->count && last > guard->seq[lane]) {
			guard->known = true;
			guard->epoch = op->epoch > guard->epoch ? op->epoch : guard->epoch;
			guard->seq[lane] = last;
			guard->entry_hash[lane] = op->last_hash;
		}
		if (op->type != COMMIT_OBJECT || op->object_type != OBJECT_EPOCH_RECORD ||
			object_decode(blob_bytes(op->blob), &object) ||
			epoch_record_decode(object.body, &record) ||
			!hash_equal(&record.city_id, &city->city_id) || record.epoch <= guard->epoch)
			continue;
		guard->known = true;
		guard->epoch = record.epoch;
		for (unsigned k = 0; k < FEED_LANE_COUNT; k++) {
			guard->seq[k] = record.cuts[k].seq;
			guard->entry_hash[k] = record.cuts[k].hash;
		}
	}
}

/* One transaction; what is durable is held against the ledger. */
static void write_group(struct city *city, bool guard)
{
	struct store_txn *txn;
	require(store_begin(city->store, &txn) == 0);
	list_for_each(&city->written, n)
	{
		struct commit *commit = list_entry(n, struct city_commit, node)->commit;
		int code = commit_apply(commit, txn);
		if (code)
			world_fail(city->world, "%s: its store refuses a commit (op %d of %u): %s", city->slug,
				(int)commit->ops[0].type, commit->count, error_text(code));
	}
	int code = store_commit(txn);
	if (code)
		world_fail(city->world, "%s: a transaction fails: %s", city->slug, error_text(code));
	list_for_each(&city->written, n)
	{
		const struct commit *commit = list_entry(n, struct city_commit, node)->commit;
		ledger_commit(city, commit);
		if (guard)
			guard_take(city, commit);
	}
}

static void answer_commits(struct city *city, struct list *commits, int code)
{
	struct list_node *n;
	while ((n = list_pop_front(commits))) {
		struct city_commit *waiting = list_entry(n, struct city_commit, node);
		struct commit *commit = waiting->commit;
		city->commit_bytes -= commit->bytes;
		free(waiting);
		commit->code = code;
		node_on_committed(city->node, commit, world_time(city));
	}
}

void city_written(struct city *city)
{
	if (list_empty(&city->written))
		return; /* city_write_all was earlier */
	write_group(city, true);
	answer_commits(city, &city->written, 0);
	city->writing = false;
	if (!list_empty(&city->commits))
		begin_writing(city);
}

void city_write_all(struct city *city)
{
	while (!list_empty(&city->commits) || !list_empty(&city->written)) {
		if (list_empty(&city->written))
			begin_writing(city);
		city_written(city);
	}
}

static void io_read(void *ctx, struct node_read *read)
{
	struct city *city = ctx;
	struct world *world = city->world;
	if (city->read_count == city->read_capacity) {
		city->read_capacity = city->read_capacity ? 2 * city->read_capacity : 16;
		city->reads = realloc(city->reads, city->read_capacity * sizeof(struct node_read *));
		require(city->reads);
	}
	city->reads[city->read_count++] = read;
	int64_t from_us = city->read_us > world->now_us ? city->read_us : world->now_us;
	city->read_us = from_us + city->read_latency_us;
	world_push(world, city->read_us - world->now_us, EVENT_READ, city->index, 0, NULL);
}

static struct node_read *next_read(struct city *city)
{
	struct node_read *read = city->reads[0];
	memmove(city->reads, city->reads + 1, --city->read_count * sizeof(struct node_read *));
	return read;
}

void city_answer_read(struct city *city)
{
	struct node_read *read = next_read(city);
	node_read_run(read, city->store, NULL);
	node_on_read(city->node, read, world_time(city));
}

/* ---- life ---- */

static void key_from(struct world *world, struct secret_key **out)
{
	uint8_t seed[SECRET_SEED_SIZE];
	for (size_t i = 0; i < sizeof seed; i++)
		seed[i] = (uint8_t)(world_random(&world->chance) >> 16);
	require(secret_key_from_seed(seed, out) == 0);
}

void city_init(struct world *world, uint32_t index)
{
	struct city *city = &world->cities[index];
	struct store_options options = {.epoch_seed = {1}};
	city->world = world;
	city->index = city->origin = index;
	snprintf(city->slug, sizeof city->slug, "city-%u", index);
	key_from(world, &city->city_key);
	key_from(world, &city->node_key);
	require(city_id_of(secret_key_public(city->city_key), &city->city_id) == 0);
	require(map_put(&world->cities_by_id, &city->city_id, city) == 0);
	memcpy(options.epoch_seed + 1, &index, sizeof index);
	require(store_memory_open(&options, &city->store) == 0);
	list_init(&city->commits);
	list_init(&city->written);
	list_init(&city->ends);
	list_init(&city->wakes);
	city->commit_us = 2 * WORLD_MS;
	city->read_latency_us = 200;
	city->rate = 100000 << world_below(world, 10); /* 0.8 Mbit/s to 400 Mbit/s */
	city->deadline_us = INT64_MAX;
	if (!world->options.scale) {
		city->durable = calloc((size_t)world->count * FEED_LANE_COUNT, sizeof *city->durable);
		require(city->durable);
	}
	/* All in a small world, or the next two; else a ring and seven by chance. In a world of scale.h
	 * the charter has all addresses, and nobody is told of any. */
	bool all = world->count <= CITY_TARGETS_MAX;
	unsigned targets = world->options.scale ? 0 : world->sparse ? 2 : all ? world->count - 1 : 8;
	while (city->target_count < targets) {
		uint32_t to = all || world->sparse || city->target_count == 0
			? (index + 1 + city->target_count) % world->count
			: (uint32_t)world_below(world, world->count);
		bool taken = to == index;
		for (unsigned k = 0; k < city->target_count; k++)
			taken |= city->targets[k].city == to;
		if (!taken)
			city->targets[city->target_count++].city = to;
	}
}

void city_deinit(struct city *city)
{
	store_snapshot_free(city->snapshot);
	store_close(city->store);
	secret_key_free(city->city_key);
	secret_key_free(city->node_key);
	secret_key_free(city->next_key);
	free(city->durable);
	free(city->reads);
}

static void tell_guard(struct city *city)
{
	struct node_guard_head head = {
		.network_id = city->world->network_id, .epoch = city->guard.epoch};
	bool own = false;
	for (unsigned k = 0; k < FEED_LANE_COUNT; k++) {
		head.lanes[k].seq = city->guard.seq[k];
		head.lanes[k].entry_hash = city->guard.entry_hash[k];
		own |= city->durable && city->durable[city->index * FEED_LANE_COUNT + k] > 0;
	}
	if (city->guard.known)
		node_set_guard(city->node, &head, world_time(city));
	else if (own)
		node_require_holds(city->node, world_time(city));
}

/* Each keeps one of each: half a KiB of every pair of cities. */
#define BEACONS_CITIES_MAX 400

void city_start(struct city *city)
{
	struct node_config config = {
		.io = {city, io_commit, io_read, io_write, io_wake, io_close, io_event, io_random},
		.node_key = city->node_key,
		.node_public = *secret_key_public(city->node_key),
		.city_id = city->city_id,
		.city_key = *secret_key_public(city->city_key),
		.slug = city->slug,
		.name = city->slug,
		.country = "HU",
		.store = city->store,
		.agent = "sim",
		.relay = true,
		.no_beacons = city->world->count > BEACONS_CITIES_MAX,
		.compression = city->index % 3 != 0, /* so that both kinds meet */
	};
	if (city->world->scale)
		config.charters_of = city->world->scale->registrar->node;
	struct complaint complaint;
	char text[32];
	const char *address = text;
	if (city->node)
		return;
	snprintf(text, sizeof text, "sim-%u:1", city->index);
	io_random(city, config.instance, sizeof config.instance);
	city->dying = city->writing = city->restarting = false;
	for (unsigned i = 0; i < city->target_count; i++)
		city->targets[i].busy = false;
	require(node_new(&config, world_time(city), &city->node, &complaint) == 0);
	ledger_started(city);
	if (node_network_count(city->node) > 0)
		tell_guard(city);
	node_set_addresses(city->node, &address, 1, world_time(city));
	membership_renew_resume(city);
	for (uint8_t lane = 1; city->blind && lane <= FEED_LANE_COUNT; lane++)
		city_publish(city, lane, 200);
	city->blind = false;
	world_push(city->world, (int64_t)world_below(city->world, 1000) * WORLD_MS, EVENT_DIAL,
		city->index, 0, NULL);
	city_settle(city);
}

void city_crash(struct city *city, bool silent)
{
	city->dying = true;
	if (!list_empty(&city->written) && world_below(city->world, 2))
		write_group(city, world_below(city->world, 2));
	node_stop(city->node, world_time(city));
	wire_city_gone(city, silent);
	while (!list_empty(&city->written) || !list_empty(&city->commits) || city->read_count) {
		answer_commits(city, &city->written, ERROR_FULL);
		answer_commits(city, &city->commits, ERROR_FULL);
		while (city->read_count) {
			struct node_read *read = next_read(city);
			read->code = ERROR_CANCELLED;
			node_on_read(city->node, read, world_time(city));
		}
	}
	node_free(city->node);
	city->node = NULL;
	city->life++;
	city->deadline_us = INT64_MAX;
	city->read_us = 0;
	city->renewing = false;
	if (city->world->amending && city->world->amender == city->index)
		city->world->amending = false;
	store_memory_crash(city->store);
}

void city_deadline(struct city *city)
{
	int64_t now_us = city->world->now_us;
	if (now_us != city->deadline_us)
		return; /* an earlier one was pushed meanwhile */
	city->deadline_us = INT64_MAX;
	city->called_us = now_us;
	city->called++;
	node_on_deadline(city->node, world_time(city));
}

void city_settle(struct city *city)
{
	struct world *world = city->world;
	struct list_node *n;
	unsigned pumped = 0;
	while (city->node && (n = list_pop_front(&city->wakes))) {
		struct wire_end *end = list_entry(n, struct wire_end, wake_node);
		struct wire *wire = end->wire;
		wire_pump(end);
		wire_free_if_over(wire);
		if (++pumped > 100000) {
			world_fail(world, "%s: its links wake each other for ever", city->slug);
			return;
		}
	}
	if (!city->node)
		return;
	membership_step(city);
	int64_t at_us = node_deadline(city->node).us;
	int64_t soonest_us = city->called_us == world->now_us ? world->now_us + TIMER_US
														  : world->now_us;
	at_us = at_us < soonest_us ? soonest_us : at_us;
	if (at_us >= city->deadline_us)
		return;
	city->deadline_us = at_us;
	world_push(world, at_us - world->now_us, EVENT_DEADLINE, city->index, 0, NULL);
}

/* ---- publishing ---- */

struct publication {
	struct city *city;
	uint8_t lane;
};

static void on_published(void *ctx, const struct node_published *published)
{
	struct publication *publication = ctx;
	struct city *city = publication->city;
	if (published->code == 0)
		ledger_acknowledged(city, publication->lane, published);
	else
		city->world->refused++;
	free(publication);
}

void city_publish(struct city *city, uint8_t lane, size_t body_bytes)
{
	struct world *world = city->world;
	struct header header = {.kind = lane,
		.time_ms = (uint64_t)world_time(city).wall.ms,
		.body_size = (uint32_t)body_bytes};
	struct publication *publication = calloc(1, sizeof *publication);
	char *body = malloc(body_bytes + 1);
	struct buffer bytes;
	require(publication && body);
	*publication = (struct publication){city, lane};
	memset(body, 'a' + (int)(world->published % 26), body_bytes);
	snprintf(body, body_bytes + 1, "%llu", (unsigned long long)world->published++);
	buffer_init(&bytes, HEADER_SIZE_MAX);
	io_random(city, header.content_id, sizeof header.content_id);
	require(header_encode(&header, &bytes) == 0);
	int code = node_publish(city->node, &world->network_id, lane, buffer_bytes(&bytes),
		bytes_of(body, body_bytes), on_published, publication, world_time(city));
	if (code) {
		world->refused++;
		free(publication);
	}
	buffer_deinit(&bytes);
	free(body);
	city_settle(city);
}
