/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "tests/sim/scale.h"
#include "tests/sim/world.h"

/*
 * Connections as TCP gives them: what is sent arrives in order, later, at the rate of the slower
 * side, or the connection ends. A blocked direction keeps what was sent; it goes on when the block
 * ends, unless one of the nodes has given the link up by then.
 */

#define WINDOW_BYTES 262144u /* sent and not yet read by the other side */
#define AHEAD_US (50 * WORLD_MS)
#define DIAL_TICK_US (1 * WORLD_S)
#define DIAL_TIMEOUT_US (5 * WORLD_S)
#define BACKOFF_FIRST_US (1 * WORLD_S)
#define BACKOFF_DOUBLINGS 5u
#define FLAP_US (3 * WORLD_S)
#define LAST_BYTES 65536u
#define RECORD_BYTES 16384u
#define IDLE_BYTES 512u /* kept of a buffer that is empty */

struct chunk {
	struct list_node node;
	struct wire_end *to;
	uint64_t number; /* in its direction */
	size_t len;
	enum {
		CHUNK_BYTES,
		CHUNK_END,
		CHUNK_RESET
	} kind;
	uint8_t bytes[];
};

bool wire_blocked(const struct city *from, const struct city *to)
{
	const struct world *world = from->world;
	if (from->mute || to->mute)
		return true;
	return world->partitioned && from->side != to->side &&
		(!world->one_way || from->side < to->side);
}

void wire_free(struct wire *wire)
{
	for (int i = 0; i < 2; i++) {
		struct wire_end *end = &wire->ends[i];
		struct list_node *n;
		require(!end->link);
		while ((n = list_pop_front(&end->held)))
			free(list_entry(n, struct chunk, node));
		if (list_linked(&end->by_city))
			list_remove(&end->by_city);
		if (list_linked(&end->wake_node))
			list_remove(&end->wake_node);
		if (end->liar)
			liar_deinit(end->liar);
		free(end->liar);
		free(end->stream);
		buffer_deinit(&end->in);
	}
	list_remove(&wire->node);
	free(wire);
}

void wire_free_if_over(struct wire *wire)
{
	if (!wire->ends[0].link && !wire->ends[1].link && wire->chunks == 0 &&
		list_empty(&wire->ends[0].held) && list_empty(&wire->ends[1].held))
		wire_free(wire);
}

/* Puts it on its way from the other end. */
static void chunk_go(struct chunk *chunk)
{
	struct wire_end *from = chunk->to->peer;
	struct world *world = from->world;
	int64_t at = world->now_us > from->busy_us ? world->now_us : from->busy_us;
	from->busy_us = at + (int64_t)(chunk->len * 1000000 / from->wire->rate);
	at = from->busy_us + from->wire->latency_us;
	if (at < from->arrival_us)
		at = from->arrival_us;
	from->arrival_us = at;
	from->wire->chunks++;
	world_push(world, at - world->now_us, EVENT_BYTES, chunk->to->city->index, 0, chunk);
}

static void send(struct wire_end *from, const uint8_t *bytes, size_t len, int kind)
{
	struct chunk *chunk = malloc(sizeof *chunk + len);
	require(chunk);
	chunk->node = (struct list_node){0};
	chunk->to = from->peer;
	chunk->number = from->sent++;
	chunk->len = len;
	chunk->kind = kind;
	if (len)
		memcpy(chunk->bytes, bytes, len);
	from->in_flight += len;
	chunk_go(chunk);
}

static void close_end(struct wire_end *end, const char *reason)
{
	struct city *city = end->city;
	if (!end->link)
		return;
	struct link *link = end->link;
	end->link = NULL;
	list_remove(&end->by_city);
	if (list_linked(&end->wake_node))
		list_remove(&end->wake_node);
	buffer_reset(&end->in);
	node_link_closed(city->node, link, reason, world_time(city));
}

void wire_reset(struct wire *wire)
{
	wire->chunks++; /* it lives until both sides know */
	for (int i = 0; i < 2; i++) {
		struct wire_end *end = &wire->ends[i];
		if (!end->link)
			continue;
		close_end(end, "the line was cut");
		city_settle(end->city);
	}
	wire->chunks--;
	wire_free_if_over(wire);
}

/* What a liar's link sends is what its honest node wanted to send, changed. */
static void send_bytes(struct wire_end *end, const uint8_t *bytes, size_t len)
{
	if (!end->liar) {
		send(end, bytes, len, CHUNK_BYTES);
		return;
	}
	liar_take(end->liar, bytes_of(bytes, len));
	struct bytes out = buffer_bytes(&end->liar->out);
	for (size_t at = 0; at < out.len; at += RECORD_BYTES) {
		struct bytes part = bytes_slice(out, at, RECORD_BYTES);
		send(end, part.data, part.len, CHUNK_BYTES);
	}
	buffer_reset(&end->liar->out);
}

static void pump_out(struct wire_end *end)
{
	struct world *world = end->world;
	uint8_t out[RECORD_BYTES];
	size_t len;
	while (end->link && !end->closing && end->in_flight < WINDOW_BYTES) {
		if (end->busy_us > world->now_us + AHEAD_US) {
			if (!end->pump_due) {
				end->pump_due = true;
				end->wire->chunks++;
				world_push(world, end->busy_us - world->now_us - AHEAD_US / 2, EVENT_PUMP,
					end->city->index, 0, end);
			}
			return;
		}
		len = link_produce(end->link, out, sizeof out, world_time(end->city));
		if (len == 0)
			return;
		send_bytes(end, out, len);
	}
}

static void pump_in(struct wire_end *end)
{
	struct world *world = end->world;
	while (end->link && end->in.len && !end->closing && link_wants_read(end->link)) {
		/* Cut at odd places: a stream has no frames. */
		size_t take = 1 + (world_random(&world->net_chance) >> 40) % 70000;
		struct bytes bytes = bytes_slice(buffer_bytes(&end->in), 0, take);
		world->steps++;
		if (end->stream)
			scale_received(end, bytes);
		end->city->receiving = end;
		if (link_receive(end->link, bytes, world_time(end->city)))
			end->closing = true;
		end->city->receiving = NULL;
		/* The other side's window opens. */
		end->peer->in_flight -= bytes.len;
		buffer_consume(&end->in, bytes.len);
		if (end->peer->link && !end->peer->pump_due) {
			end->peer->pump_due = true;
			end->wire->chunks++;
			world_push(
				world, end->wire->latency_us, EVENT_PUMP, end->peer->city->index, 0, end->peer);
		}
	}
	if (end->in.len == 0)
		buffer_shrink(&end->in, IDLE_BYTES);
}

void wire_pump(struct wire_end *end)
{
	uint8_t out[RECORD_BYTES];
	size_t len, sent = 0;
	pump_in(end);
	pump_out(end);
	if (!end->link)
		return;
	if (end->closing) {
		while (sent < LAST_BYTES &&
			(len = link_produce(end->link, out, sizeof out, world_time(end->city))) > 0) {
			send_bytes(end, out, len);
			sent += len;
		}
		send(end, NULL, 0, CHUNK_END);
		close_end(end, "closed here");
	} else if (end->ended_in && end->in.len == 0) {
		close_end(end, "closed by the peer");
	}
}

/* In the order of sending: what was on its way when a block ended overtakes nothing. */
static void hold(struct list *held, struct chunk *chunk)
{
	struct list_node *before = held->head.next;
	while (before != &held->head && list_entry(before, struct chunk, node)->number < chunk->number)
		before = before->next;
	list_insert_before(before, &chunk->node);
}

void wire_arrive(struct world *world, void *what)
{
	struct chunk *chunk = what;
	struct wire_end *end = chunk->to;
	struct wire *wire = end->wire;
	struct city *city = end->city;
	if (wire_blocked(end->peer->city, city) || chunk->number != end->expected) {
		wire->chunks--;
		hold(&end->peer->held, chunk);
		return;
	}
	end->expected++;
	if (!list_empty(&end->peer->held)) {
		struct chunk *next = list_entry(list_first(&end->peer->held), struct chunk, node);
		if (next->number == end->expected) {
			list_remove(&next->node);
			chunk_go(next);
		}
	}
	world_trace(world, world_digest(city->index, chunk->bytes, chunk->len));
	if (!end->link) {
		/* A host that runs says that nobody is there. */
		if (city->node && end->peer->link && chunk->kind == CHUNK_BYTES)
			send(end, NULL, 0, CHUNK_RESET);
	} else {
		world->steps++;
		if (chunk->kind == CHUNK_RESET)
			close_end(end, "reset by the peer");
		else if (chunk->kind == CHUNK_END)
			end->ended_in = true;
		else
			buffer_push(&end->in, chunk->bytes, chunk->len);
		require(end->in.error == 0);
		wire_pump(end);
		city_settle(city);
	}
	free(chunk);
	wire->chunks--;
	wire_free_if_over(wire);
}

void wire_release(struct world *world)
{
	list_for_each_safe(&world->wires, n)
	{
		struct wire *wire = list_entry(n, struct wire, node);
		for (int i = 0; i < 2; i++) {
			struct wire_end *from = &wire->ends[i];
			struct list_node *held;
			if (wire_blocked(from->city, from->peer->city))
				continue;
			while ((held = list_pop_front(&from->held)))
				chunk_go(list_entry(held, struct chunk, node));
		}
		wire_free_if_over(wire);
	}
}

void wire_city_gone(struct city *city, bool silent)
{
	struct list_node *n;
	while ((n = list_first(&city->ends))) {
		struct wire_end *end = list_entry(n, struct wire_end, by_city);
		struct wire *wire = end->wire;
		if (!silent && end->peer->link)
			send(end, NULL, 0, CHUNK_RESET);
		close_end(end, "this process ends");
		wire_free_if_over(wire);
	}
}

void wire_city_break(struct city *city)
{
	struct list_node *n;
	while ((n = list_first(&city->ends)))
		wire_reset(list_entry(n, struct wire_end, by_city)->wire);
}

/* ---- dialling ---- */

static struct city_target *target_of(struct city *city, const struct city *to)
{
	for (unsigned i = 0; to && i < city->target_count; i++)
		if (city->targets[i].city == to->index)
			return &city->targets[i];
	return NULL;
}

/* In a sparse world none but the two; else whoever the node names, in the place of one whose
 * back-off is over for longest. */
static struct city_target *target_make(struct city *city, const struct city *to)
{
	struct city_target *target = target_of(city, to);
	if (target || city->world->sparse)
		return target;
	bool free = city->target_count < CITY_TARGETS_MAX;
	if (free)
		target = &city->targets[city->target_count++];
	for (unsigned i = 0; i < city->target_count && !free; i++) {
		struct city_target *other = &city->targets[i];
		if (!other->busy && (!target || other->due_us < target->due_us))
			target = other;
	}
	if (target)
		*target = (struct city_target){.city = to->index};
	return target;
}

static bool may_dial(void *ctx, const struct hash *city_id)
{
	struct city *city = ctx;
	const struct city_target *target = target_of(city, world_city(city->world, city_id));
	if (!target)
		return !city->world->sparse;
	return !target->busy && target->due_us <= city->world->now_us;
}

static void attempt(struct city *city, struct city_target *target)
{
	struct world *world = city->world;
	const struct city *to = &world->cities[target->city];
	target->busy = true;
	bool silent = wire_blocked(city, to) || wire_blocked(to, city);
	int64_t in_us = silent
		? DIAL_TIMEOUT_US
		: (int64_t)(20 + (world_random(&world->net_chance) >> 40) % 300) * WORLD_MS;
	world_push(world, in_us, EVENT_MEET, city->index, target->city, NULL);
}

static bool is_linked(const struct city *city, uint32_t to)
{
	list_for_each(&city->ends, n)
	{
		const struct wire_end *end = list_entry(n, struct wire_end, by_city);
		if (end->peer->city->index == to)
			return true;
	}
	return false;
}

void wire_dial(struct city *city)
{
	struct node_dial dials[4];
	struct world *world = city->world;
	size_t count = node_dials(city->node, may_dial, city, dials, 4, world_time(city));
	for (size_t i = 0; i < count; i++) {
		struct city_target *target = target_make(city, world_city(world, &dials[i].city_id));
		if (target)
			attempt(city, target);
		else
			node_dial_ended(city->node, &dials[i].city_id);
	}
	/* The address that came with the invitation, or that the admin was told: of the first target,
	 * and with few links, of which one may lead to a liar who tells of nobody, of the others too.
	 */
	size_t few = world->sparse ? 1 : CITY_LINKS_FEW;
	if (count == 0 && city->admitted && city->target_count) {
		unsigned i = list_count(&city->ends) < few
			? (unsigned)((world_random(&world->net_chance) >> 40) % city->target_count)
			: 0;
		struct city_target *target = &city->targets[i];
		if (!target->busy && target->due_us <= world->now_us && !is_linked(city, target->city))
			attempt(city, target);
	}
	world_push(world, DIAL_TICK_US, EVENT_DIAL, city->index, 0, NULL);
}

static void target_failed(struct city *city, struct city_target *target)
{
	unsigned doublings = target->failures < BACKOFF_DOUBLINGS ? target->failures
															  : BACKOFF_DOUBLINGS;
	int64_t most = BACKOFF_FIRST_US << doublings;
	target->failures++;
	target->due_us = city->world->now_us + most / 2 +
		(int64_t)((world_random(&city->world->net_chance) >> 20) % (uint64_t)(most / 2));
}

static void end_open(struct wire_end *end, struct city *city, struct city *peer, bool dialled)
{
	end->city = city;
	end->link = node_link_open(
		city->node, secret_key_public(peer->node_key), dialled, peer->slug, end, world_time(city));
	require(end->link);
	list_push_back(&city->ends, &end->by_city);
	link_set_rate(end->link, end->wire->rate);
	if (end->world->scale) {
		end->stream = calloc(1, sizeof *end->stream);
		require(end->stream);
	}
	if (city->lie == LIE_NONE)
		return;
	end->liar = malloc(sizeof *end->liar);
	require(end->liar);
	liar_init(end->liar, city->lie);
}

void wire_meet(struct city *from, uint32_t number)
{
	struct world *world = from->world;
	struct city *to = &world->cities[number];
	struct city_target *target = target_of(from, to);
	if (target)
		target->busy = false;
	node_dial_ended(from->node, &to->city_id);
	/* It counts as failed until the link has lived; a link that lives is not dialled again. */
	if (target)
		target_failed(from, target);
	if (!to->node || wire_blocked(from, to) || wire_blocked(to, from))
		return;
	struct wire *wire = calloc(1, sizeof *wire);
	require(wire);
	list_push_back(&world->wires, &wire->node);
	wire->latency_us = (int64_t)(1 + (world_random(&world->net_chance) >> 40) % 150) * WORLD_MS;
	wire->rate = from->rate < to->rate ? from->rate : to->rate;
	for (int i = 0; i < 2; i++) {
		struct wire_end *end = &wire->ends[i];
		end->world = world;
		end->wire = wire;
		end->peer = &wire->ends[1 - i];
		buffer_init(&end->in, SIZE_MAX);
		list_init(&end->held);
	}
	wire->ends[0].city = from;
	wire->ends[1].city = to;
	world->connections++;
	end_open(&wire->ends[0], from, to, true);
	end_open(&wire->ends[1], to, from, false);
	wire->chunks++; /* it lives until both were pumped */
	wire_pump(&wire->ends[0]);
	wire_pump(&wire->ends[1]);
	city_settle(to);
	if (from->flapping || to->flapping)
		world_push(world, (int64_t)(world_random(&world->net_chance) >> 20) % FLAP_US, EVENT_BREAK,
			from->index, 0, wire);
	else
		wire->chunks--;
	wire_free_if_over(wire);
}
