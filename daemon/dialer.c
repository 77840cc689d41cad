/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/dialer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"
#include "base/map.h"
#include "daemon/backoff.h"
#include "daemon/proxy.h"
#include "daemon/socket_address.h"
#include "daemon/transport.h"

/* Cities that the node names at one time; it is asked again while there are free turns. */
#define CANDIDATES_MAX 8

/* Without a way out every attempt fails at once, and ten thousand cities would be tried in a
 * second: then a few each fifth of one. */
#define PACED_AFTER 32u
#define PACE_MS 200

/* One city that is or was dialled. Kept for its back-off. */
struct target {
	struct dialer *dialer;
	struct hash city_id;
	struct backoff backoff;
	bool busy;  /* being resolved, connected or linked */
	bool asked; /* by the admin: one attempt, whatever dial_max is */
	unsigned turn;
	bool up; /* of the attempt under way: both sides took the link */
	struct timestamp reached, failed, failing_since;
	unsigned failures;
	char failed_address[APP_ADDRESS_MAX];
	char failed_reason[160];
	char address[APP_ADDRESS_MAX];
	uv_getaddrinfo_t resolve;
};

struct dialer {
	struct app *app;
	struct map targets; /* by city_id */
	unsigned busy;
	bool poked, closing;
	bool asked; /* some target is */
	unsigned failed_in_row;
	struct monotime pace_at; /* when so many failed */
	uv_timer_t timer;
	bool timer_open;
};

static void dialer_free(struct dialer *dialer)
{
	size_t position = 0;
	void *target;
	if (dialer->busy > 0 || dialer->timer_open)
		return;
	while (map_next(&dialer->targets, &position, NULL, &target))
		free(target);
	map_deinit(&dialer->targets);
	free(dialer);
}

/* Why this city was not reached, for people. */
static void note_failure(struct target *target, const char *reason)
{
	target->failed = app_now(target->dialer->app).wall;
	if (target->failures++ == 0)
		target->failing_since = target->failed;
	snprintf(target->failed_address, sizeof(target->failed_address), "%s", target->address);
	snprintf(target->failed_reason, sizeof(target->failed_reason), "%s", reason);
}

static void attempt_ended(struct target *target, int64_t open_ms, const char *reason)
{
	struct dialer *dialer = target->dialer;
	if (!target->up && !dialer->closing) {
		note_failure(target, reason);
		dialer->failed_in_row++;
		dialer->pace_at = monotime_add_ms(app_now(dialer->app).mono, PACE_MS);
	}
	target->up = false;
	node_dial_ended(dialer->app->node, &target->city_id);
	uint32_t random = 0;
	if (random_bytes(&random, sizeof(random)))
		random = 0;
	backoff_ended(&target->backoff, open_ms, random, app_now(dialer->app).mono);
	target->busy = false;
	dialer->busy--;
	if (dialer->closing)
		dialer_free(dialer);
	else
		dialer_poke(dialer);
}

static int on_ready(struct transport *t)
{
	return transport_open_link(t);
}

static void on_ended(struct transport *t, const char *reason)
{
	attempt_ended(t->owner, transport_open_ms(t), reason);
}

static const struct transport_owner owner = {.ready = on_ready, .ended = on_ended};

static void connect_to(struct target *target, const struct sockaddr *to)
{
	if (!transport_dial(
			target->dialer->app, to, target->address, TLS_PROTOCOL_LINK, &owner, target))
		attempt_ended(target, 0, error_text(ERROR_MEMORY));
}

static void failed(struct target *target, const char *reason)
{
	struct log_line l;
	log_begin(&l, LOG_LEVEL_INFO, "dial_failed");
	log_text(&l, "address", target->address);
	log_text(&l, "reason", reason);
	log_end(&l);
	attempt_ended(target, 0, reason);
}

static void on_resolved(uv_getaddrinfo_t *resolve, int status, struct addrinfo *found)
{
	struct target *target = resolve->data;
	if (status || !found || target->dialer->closing) {
		uv_freeaddrinfo(found);
		failed(target, status ? uv_strerror(status) : "no address found");
		return;
	}
	/* the addresses of a name take turns, as those of a city do */
	unsigned count = 0;
	for (struct addrinfo *a = found; a; a = a->ai_next)
		count++;
	struct addrinfo *chosen = found;
	for (unsigned skip = target->backoff.failures % count; skip > 0; skip--)
		chosen = chosen->ai_next;
	connect_to(target, chosen->ai_addr);
	uv_freeaddrinfo(found);
}

static void dial(struct target *target, const struct node_dial *city)
{
	struct dialer *dialer = target->dialer;
	struct sockaddr_storage to;
	snprintf(target->address, sizeof(target->address), "%s",
		city->addresses[target->turn++ % city->address_count]);
	target->busy = true;
	dialer->busy++;
	const char *reason = NULL;
	switch (proxy_way(&dialer->app->config.link, target->address, &to, &reason)) {
	case PROXY_WAY_DIRECT:
		connect_to(target, (struct sockaddr *)&to);
		return;
	case PROXY_WAY_PROXY:
		if (!transport_dial_proxy(dialer->app, target->address, TLS_PROTOCOL_LINK, &owner, target))
			attempt_ended(target, 0, "not an address");
		return;
	case PROXY_WAY_NONE:
		failed(target, reason);
		return;
	case PROXY_WAY_RESOLVE:
		break;
	}
	char host[APP_ADDRESS_MAX], port[6];
	struct addrinfo hints = {.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV};
	target->resolve.data = target;
	if (socket_address_split(target->address, host, port))
		failed(target, "not an address");
	else if (uv_getaddrinfo(&dialer->app->loop, &target->resolve, on_resolved, host, port, &hints))
		failed(target, "the name cannot be looked up");
}

static struct target *target_of(struct dialer *dialer, const struct hash *city_id)
{
	struct target *target = map_get(&dialer->targets, city_id->bytes);
	if (target)
		return target;
	target = calloc(1, sizeof(*target));
	if (!target || map_put(&dialer->targets, city_id->bytes, target)) {
		free(target);
		return NULL;
	}
	target->dialer = dialer;
	target->city_id = *city_id;
	return target;
}

static void on_timer(uv_timer_t *timer)
{
	dialer_poke(timer->data);
}

/* The cities that may be dialled now, and when the first of the others may. */
struct due {
	struct dialer *dialer;
	struct monotime now, next;
};

static bool may_due(void *ctx, const struct hash *city_id)
{
	struct due *due = ctx;
	const struct target *target = map_get(&due->dialer->targets, city_id->bytes);
	if (!target || (!target->busy && backoff_due(&target->backoff, due->now)))
		return true;
	if (!target->busy)
		due->next = monotime_earlier(due->next, target->backoff.next);
	return false;
}

/* False: nobody is wanted who may be dialled now. */
static bool dial_some(struct due *due)
{
	static struct node_dial cities[CANDIDATES_MAX]; /* the loop's thread only */
	struct dialer *dialer = due->dialer;
	struct node *node = dialer->app->node;
	size_t count = node_dials(node, may_due, due, cities, CANDIDATES_MAX, app_now(dialer->app));
	for (size_t i = 0; i < count; i++) {
		struct target *target = target_of(dialer, &cities[i].city_id);
		if (target)
			dial(target, &cities[i]);
		else
			node_dial_ended(node, &cities[i].city_id);
	}
	return count > 0;
}

/* Who cannot be dialled now (it is linked, say) need not be asked for again. */
static void dial_asked(struct dialer *dialer)
{
	static struct node_dial city; /* the loop's thread only */
	size_t position = 0;
	void *value;
	bool left = false;
	while (map_next(&dialer->targets, &position, NULL, &value)) {
		struct target *target = value;
		if (!target->asked)
			continue;
		if (target->busy) {
			left = true;
			continue;
		}
		target->asked = false;
		if (dialer->app->config.dial_max > 0 &&
			node_dial_city(dialer->app->node, &target->city_id, &city))
			dial(target, &city);
	}
	dialer->asked = left;
}

void dialer_run(struct dialer *dialer)
{
	struct app *app = dialer->app;
	if (!dialer->poked || dialer->closing || app->state != APP_RUNNING)
		return;
	dialer->poked = false;
	struct due due = {.dialer = dialer, .now = app_now(app).mono, .next = MONOTIME_NEVER};
	if (dialer->asked)
		dial_asked(dialer);
	if (dialer->failed_in_row >= PACED_AFTER && !monotime_reached(due.now, dialer->pace_at))
		due.next = dialer->pace_at;
	else
		while (dial_some(&due))
			;
	struct monotime next = monotime_earlier(due.next, node_dials_due(app->node));
	if (next.us == MONOTIME_NEVER.us)
		uv_timer_stop(&dialer->timer);
	else
		uv_timer_start(&dialer->timer, on_timer,
			monotime_reached(due.now, next)
				? 1
				: (uint64_t)(monotime_diff_us(next, due.now) / 1000 + 1),
			0);
}

void dialer_reset(struct dialer *dialer, const struct hash *city_id)
{
	size_t position = 0;
	void *value;
	while (map_next(&dialer->targets, &position, NULL, &value)) {
		struct target *target = value;
		if (!city_id || hash_equal(&target->city_id, city_id))
			backoff_reset(&target->backoff);
	}
	dialer->failed_in_row = 0;
	dialer_poke(dialer);
}

void dialer_ask(struct dialer *dialer, const struct hash *city_id)
{
	struct target *target = target_of(dialer, city_id);
	if (target) {
		backoff_reset(&target->backoff);
		target->asked = dialer->asked = true;
	}
	dialer_poke(dialer);
}

void dialer_linked(struct dialer *dialer, const struct hash *city_id)
{
	struct target *target = map_get(&dialer->targets, city_id->bytes);
	if (!target)
		return;
	target->up = target->busy;
	target->reached = app_now(dialer->app).wall;
	dialer->failed_in_row = 0;
	target->failures = 0;
}

void dialer_each_city(
	const struct dialer *dialer, void (*each)(void *ctx, const struct dialer_city *city), void *ctx)
{
	size_t position = 0;
	void *value;
	while (map_next(&dialer->targets, &position, NULL, &value)) {
		const struct target *target = value;
		struct dialer_city city = {.city_id = target->city_id,
			.busy = target->busy,
			.reached = target->reached,
			.failed = target->failed,
			.failing_since = target->failing_since,
			.failures = target->failures,
			.address = target->failed_address,
			.reason = target->failed_reason};
		each(ctx, &city);
	}
}

void dialer_poke(struct dialer *dialer)
{
	dialer->poked = true;
}

int dialer_new(struct app *app, struct dialer **out)
{
	uint8_t seed[MAP_SEED_SIZE];
	struct dialer *dialer = calloc(1, sizeof(*dialer));
	if (!dialer || random_bytes(seed, sizeof(seed))) {
		free(dialer);
		return ERROR_MEMORY;
	}
	dialer->app = app;
	map_init(&dialer->targets, HASH_SIZE, seed);
	uv_timer_init(&app->loop, &dialer->timer);
	dialer->timer.data = dialer;
	dialer->timer_open = true;
	dialer->poked = true;
	*out = dialer;
	return 0;
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct dialer *dialer = handle->data;
	dialer->timer_open = false;
	dialer_free(dialer);
}

void dialer_close(struct dialer *dialer)
{
	dialer->closing = true;
	uv_close((uv_handle_t *)&dialer->timer, on_timer_closed);
}
