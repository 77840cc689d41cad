/* SPDX-License-Identifier: Apache-2.0 */
/* The joiner's side: dials the token's addresses in turn until one lets this city in or refuses. */
#include "daemon/join_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "daemon/dialer.h"
#include "daemon/proxy.h"
#include "daemon/socket_address.h"
#include "feed/feed.h"

static void joiner_free_maybe(struct joiner *joiner)
{
	struct joins *joins = joiner->joins;
	if (joiner->done || joiner->transport || joiner->resolving || joiner->adopting)
		return;
	list_remove(&joiner->node);
	uv_freeaddrinfo(joiner->found);
	join_client_free(joiner->client);
	secret_wipe(joiner->storage, sizeof(joiner->storage));
	secret_wipe(&joiner->token, sizeof(joiner->token));
	free(joiner);
	joins_arm(joins);
	joins_free_maybe(joins);
}

/** The answer, once. */
static void answer(struct joiner *joiner, int code, const char *reason)
{
	app_join_fn *done = joiner->done;
	struct log_line l;
	if (!done)
		return;
	joiner->done = NULL;
	log_begin(&l, code ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, code ? "join_failed" : "joined");
	log_text_bytes(&l, "network", joiner->token.network_name);
	log_text_bytes(&l, "city", joiner->token.slug);
	log_text(&l, "address", joiner->address);
	if (code)
		log_text(&l, "reason", reason);
	log_end(&l);
	done(joiner->ctx, code, reason, &joiner->token.network_id);
}

static void reason_set(struct joiner *joiner, int code, const char *reason)
{
	joiner->code = code;
	snprintf(joiner->reason, sizeof(joiner->reason), "%s", reason);
}

/* ---- transport_user ---- */

static void on_adopted(void *ctx, int code, const struct hash *object_hash, uint64_t arrival)
{
	(void)object_hash, (void)arrival;
	struct joiner *joiner = ctx;
	struct app *app = joiner->joins->app;
	joiner->adopting = false;
	answer(joiner, code, code ? error_text(code) : NULL);
	if (app->dialer)
		dialer_poke(app->dialer);
	if (joiner->transport)
		transport_close(joiner->transport, "the charter is taken over");
	joiner_free_maybe(joiner);
}

static void adopt(struct joiner *joiner, struct node_time now)
{
	size_t count;
	struct complaint complaint = {0};
	struct app *app = joiner->joins->app;
	const struct bytes *objects = join_client_objects(joiner->client, &count);
	joiner->final = true;
	if (!joiner->done)
		return; /* cancelled meanwhile */
	joiner->adopting = true;
	int code = node_network_adopt(app->node, objects, count, on_adopted, joiner, &complaint, now);
	if (!code)
		return;
	joiner->adopting = false;
	reason_set(joiner, code, complaint.reason[0] ? complaint.reason : error_text(code));
	transport_close(joiner->transport, "the charter is not taken over");
}

static int on_receive(struct transport *t, struct bytes bytes, struct node_time now)
{
	struct joiner *joiner = t->user;
	int code = join_client_receive(joiner->client, bytes, now);
	if (code) {
		joiner->final = join_client_refused(joiner->client);
		reason_set(joiner, code, join_client_complaint(joiner->client)->reason);
		transport_close(t, joiner->reason);
		return 0;
	}
	if (join_client_state(joiner->client) == JOIN_CLIENT_COMPLETE && !joiner->final)
		adopt(joiner, now);
	joins_arm(joiner->joins);
	return 0;
}

static size_t on_produce(struct transport *t, uint8_t *out, size_t cap, struct node_time now)
{
	(void)now;
	struct joiner *joiner = t->user;
	return join_client_produce(joiner->client, out, cap);
}

static bool on_wants_read(const struct transport *t)
{
	(void)t;
	return true;
}

static void on_rate(struct transport *t, uint64_t bytes_per_second)
{
	(void)t, (void)bytes_per_second;
}

static void on_closed(struct transport *t, const char *reason, struct node_time now)
{
	(void)t, (void)reason, (void)now; /* on_ended follows */
}

static const struct transport_user joiner_user = {
	.receive = on_receive,
	.produce = on_produce,
	.wants_read = on_wants_read,
	.set_rate = on_rate,
	.closed = on_closed,
};

/* ---- transport_owner ---- */

static int client_open(struct joiner *joiner, struct transport *t, struct complaint *complaint)
{
	struct app *app = joiner->joins->app;
	const char *addresses[LIMIT_ADDRESSES];
	struct join_client_config config = {.token = &joiner->token,
		.city_key = app->identity.city_key,
		.node_key = app->identity.node_key,
		.name = app->config.city.name,
		.country = app->config.city.country,
		.addresses = addresses,
		.server_key = *tls_session_peer(t->tls)};
	while (config.address_count < LIMIT_ADDRESSES &&
		(addresses[config.address_count] = app_advertise_address(app, config.address_count)))
		config.address_count++;
	memcpy(config.sealing_key, app->identity.sealing_public, sizeof(config.sealing_key));
	int code = tls_session_export(t->tls, config.exporter);
	if (!code)
		code = random_bytes(config.map_seed, sizeof(config.map_seed));
	if (code)
		return complain(complaint, code, "", "%s", error_text(code));
	join_client_free(joiner->client);
	return join_client_new(&config, app_now(app), &joiner->client, complaint);
}

static int on_ready(struct transport *t)
{
	struct joiner *joiner = t->owner;
	struct complaint complaint = {0};
	if (joiner->joins->stopping)
		return ERROR_CANCELLED;
	int code = client_open(joiner, t, &complaint);
	if (code) {
		reason_set(joiner, code, complaint.reason);
		return code;
	}
	t->user = joiner;
	t->user_calls = &joiner_user;
	transport_wake(t);
	joins_arm(joiner->joins);
	return 0;
}

static int joiner_next(struct joiner *joiner);

/** One attempt is over without success. */
static void attempt_ended(struct joiner *joiner)
{
	if (!joiner->done || joiner->adopting) {
		joiner_free_maybe(joiner);
		return;
	}
	if (joiner->final || joiner_next(joiner)) {
		answer(joiner, joiner->code, joiner->reason);
		joiner_free_maybe(joiner);
	}
}

static void on_ended(struct transport *t, const char *reason)
{
	struct joiner *joiner = t->owner;
	char text[200];
	joiner->transport = NULL;
	/* the server has hansa-join/1 only while it has an invitation open (tls_session_reason) */
	bool closed_door = strstr(reason, "ALPN") != NULL;
	if (!joiner->code && closed_door) {
		snprintf(text, sizeof(text),
			"No invitation is open at %.60s: it was used, withdrawn or "
			"ended by wrong secrets.",
			t->address);
		reason_set(joiner, ERROR_TOKEN, text);
	} else if (!joiner->code) {
		snprintf(text, sizeof(text), "%.60s cannot be joined: %.100s.", t->address, reason);
		reason_set(joiner, ERROR_IO, text);
	}
	attempt_ended(joiner);
}

static const struct transport_owner joiner_owner = {.ready = on_ready, .ended = on_ended};

/* ---- addresses ---- */

/** NULL: through the proxy. */
static int connect_to(struct joiner *joiner, const struct sockaddr *to)
{
	struct log_line l;
	struct app *app = joiner->joins->app;
	joiner->code = 0;
	joiner->transport = to
		? transport_dial(app, to, joiner->address, TLS_PROTOCOL_JOIN, &joiner_owner, joiner)
		: transport_dial_proxy(app, joiner->address, TLS_PROTOCOL_JOIN, &joiner_owner, joiner);
	if (!joiner->transport) {
		reason_set(joiner, ERROR_MEMORY, error_text(ERROR_MEMORY));
		return ERROR_MEMORY;
	}
	log_begin(&l, LOG_LEVEL_INFO, "join_dial");
	log_text_bytes(&l, "network", joiner->token.network_name);
	log_text(&l, "address", joiner->address);
	log_end(&l);
	return 0;
}

static void on_resolved(uv_getaddrinfo_t *resolve, int status, struct addrinfo *found)
{
	struct joiner *joiner = resolve->data;
	char text[200];
	joiner->resolving = false;
	joiner->found = joiner->next_found = found;
	if (status || !found) {
		snprintf(text, sizeof(text), "The name of %.100s is not found: %.60s.", joiner->address,
			status ? uv_strerror(status) : "no address");
		reason_set(joiner, ERROR_IO, text);
	}
	attempt_ended(joiner);
}

static int resolve_start(struct joiner *joiner)
{
	char host[APP_ADDRESS_MAX], port[6];
	struct addrinfo hints = {.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV};
	joiner->resolve.data = joiner;
	if (socket_address_split(joiner->address, host, port) ||
		uv_getaddrinfo(
			&joiner->joins->app->loop, &joiner->resolve, on_resolved, host, port, &hints)) {
		reason_set(joiner, ERROR_IO, "An address of the invitation cannot be looked up.");
		return ERROR_IO;
	}
	joiner->resolving = true;
	return 0;
}

static int dial_one(struct joiner *joiner, struct bytes address)
{
	struct sockaddr_storage to;
	snprintf(joiner->address, sizeof(joiner->address), "%.*s", (int)address.len,
		(const char *)address.data);
	const char *reason = NULL;
	switch (proxy_way(&joiner->joins->app->config.link, joiner->address, &to, &reason)) {
	case PROXY_WAY_DIRECT:
		return connect_to(joiner, (struct sockaddr *)&to);
	case PROXY_WAY_PROXY:
		return connect_to(joiner, NULL);
	case PROXY_WAY_RESOLVE:
		return resolve_start(joiner);
	default:
		break;
	}
	char text[200];
	snprintf(text, sizeof(text), "%.60s cannot be joined: %.100s.", joiner->address, reason);
	reason_set(joiner, ERROR_IO, text);
	return ERROR_IO;
}

/** The next address is being dialled or looked up: 0. None is left: the last attempt's code. */
static int joiner_next(struct joiner *joiner)
{
	while (joiner->next_found) {
		const struct addrinfo *one = joiner->next_found;
		joiner->next_found = one->ai_next;
		if (!connect_to(joiner, one->ai_addr))
			return 0;
	}
	uv_freeaddrinfo(joiner->found);
	joiner->found = NULL;
	while (joiner->next_address < joiner->token.address_count) {
		if (!dial_one(joiner, joiner->token.addresses[joiner->next_address++]))
			return 0;
	}
	return joiner->code ? joiner->code : ERROR_IO;
}

/* ---- from outside ---- */

static int app_judge(const struct app *app, struct complaint *complaint)
{
	struct hash city_id;
	if (app->state != APP_RUNNING || !app->joins)
		return complain(complaint, ERROR_STATE, "", "This daemon is stopping.");
	if (!app->identity.city_key)
		return complain(complaint, ERROR_STATE, "",
			"The city key is not in the data folder: put "
			"it there while the network is joined.");
	if (city_id_of(&app->identity.city_public, &city_id) ||
		!hash_equal(&city_id, &app->identity.city_id))
		return complain(complaint, ERROR_STATE, "",
			"This city has changed its city key: it can "
			"join another network with its first one only.");
	return 0;
}

static int token_judge(struct app *app, const struct token *token, struct complaint *complaint)
{
	if (token->expiry <= (uint64_t)app_now(app).wall.ms)
		return complain(complaint, ERROR_TOKEN_EXPIRED, "token",
			"The invitation has expired: ask for a new one.");
	if (token->address_count == 0)
		return complain(complaint, ERROR_TOKEN, "token", "The invitation names no address.");
	if (node_roster(app->node, &token->network_id))
		return complain(complaint, ERROR_EXISTS, "token",
			"This city is in the network '%.*s' already.", (int)token->network_name.len,
			(const char *)token->network_name.data);
	list_for_each(&app->joins->joiners, node)
	{
		const struct joiner *other = list_entry(node, struct joiner, node);
		if (hash_equal(&other->token.network_id, &token->network_id))
			return complain(complaint, ERROR_BUSY, "token", "A join of this network is under way.");
	}
	return 0;
}

int app_join(
	struct app *app, const char *token, app_join_fn *done, void *ctx, struct complaint *complaint)
{
	int code = app_judge(app, complaint);
	if (code)
		return code;
	struct joiner *joiner = calloc(1, sizeof(*joiner));
	if (!joiner)
		return ERROR_MEMORY;
	joiner->joins = app->joins;
	code = token_decode(bytes_from_text(token), joiner->storage, &joiner->token, complaint);
	if (!code)
		code = token_judge(app, &joiner->token, complaint);
	list_push_back(&app->joins->joiners, &joiner->node);
	if (!code) {
		code = joiner_next(joiner);
		if (code)
			complain(complaint, code, "token", "%s", joiner->reason);
	}
	if (code) {
		joiner_free_maybe(joiner);
		return code;
	}
	joiner->done = done;
	joiner->ctx = ctx;
	return 0;
}

void joiner_on_deadline(struct joiner *joiner, struct node_time now)
{
	if (!joiner->client || !joiner->transport || joiner->final)
		return;
	int code = join_client_on_deadline(joiner->client, now);
	if (!code)
		return;
	reason_set(joiner, code, join_client_complaint(joiner->client)->reason);
	transport_close(joiner->transport, joiner->reason);
}

void joiner_cancel(struct joiner *joiner)
{
	joiner->final = true;
	answer(joiner, ERROR_CANCELLED, "The daemon stops.");
	if (joiner->resolving)
		uv_cancel((uv_req_t *)&joiner->resolve);
	joiner_free_maybe(joiner);
}
