/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/listener.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "daemon/join.h"
#include "daemon/port_file.h"
#include "daemon/socket_address.h"
#include "daemon/token_bucket.h"
#include "daemon/transport.h"

/* Who finds all handshakes taken waits here: a thousand cities after a restart. */
#define BACKLOG 1024

/*
 * A handshake costs 1 ms of CPU. Strangers: an office behind one address, or 20 cities that are
 * tried out there. Members' addresses: a thousand cities that come back together through one proxy.
 */
static const struct token_bucket_rate stranger_rate = {.burst = 32, .per_second = 4};
static const struct token_bucket_rate known_rate = {.burst = 1024, .per_second = 64};

struct listening {
	uv_tcp_t tcp;
	struct listener *listener;
	bool open;
	bool waits; /* somebody is there, and all handshakes are taken */
	char address[APP_ADDRESS_MAX];
};

struct listener {
	struct app *app;
	struct token_bucket *strangers, *known;
	unsigned handles;
	unsigned handshakes;
	struct monotime refusal_logged;
	uint64_t refusals_unlogged;
	unsigned count;
	struct listening sockets[2 * LIMIT_ADDRESSES]; /* each may have to be bound twice */
};

/* Under a flood one line a second, with the number of those that were left out. */
static void refuse(struct listener *listener, struct transport *t, const char *reason)
{
	struct monotime now = app_now(listener->app).mono;
	if (monotime_diff_us(now, listener->refusal_logged) < 1000000) {
		listener->refusals_unlogged++;
	} else {
		struct log_line l;
		log_begin(&l, LOG_LEVEL_WARN, "connection_refused");
		log_text(&l, "address", t->address);
		log_text(&l, "reason", reason);
		if (listener->refusals_unlogged)
			log_uint(&l, "unlogged_before", listener->refusals_unlogged);
		log_end(&l);
		listener->refusal_logged = now;
		listener->refusals_unlogged = 0;
	}
	t->owner = NULL; /* not counted as a handshake */
	t->logged = true;
	transport_abort(t, reason);
}

static void accept_waiting(struct listener *listener);

static void listener_free(struct listener *listener)
{
	token_bucket_free(listener->strangers);
	token_bucket_free(listener->known);
	free(listener);
}

/* Once it is closed, its last socket or the last handshake that began with it takes it along. */
static void release(struct listener *listener)
{
	if (listener->handles == 0 && listener->handshakes == 0)
		listener_free(listener);
}

/* One handshake is over, well or not. */
static void handshake_ended(struct transport *t)
{
	struct listener *listener = t->owner;
	t->owner = NULL;
	if (!listener)
		return;
	listener->handshakes--;
	accept_waiting(listener);
	release(listener);
}

static int on_ready(struct transport *t)
{
	handshake_ended(t);
	if (tls_session_protocol(t->tls) == TLS_PROTOCOL_JOIN)
		return t->app->on_join ? t->app->on_join(t->app, t) : ERROR_STATE;
	return transport_open_link(t);
}

static void on_ended(struct transport *t, const char *reason)
{
	(void)reason;
	handshake_ended(t);
}

static const struct transport_owner owner = {.ready = on_ready, .ended = on_ended};

static void host_of(const char *address, char host[static APP_ADDRESS_MAX])
{
	snprintf(host, APP_ADDRESS_MAX, "%s", address[0] == '[' ? address + 1 : address);
	char *end = address[0] == '[' ? strchr(host, ']') : strrchr(host, ':');
	if (end)
		*end = '\0';
}

static void accept_one(struct listening *listening)
{
	struct listener *listener = listening->listener;
	struct app *app = listener->app;
	struct transport *t = transport_accept(app, (uv_stream_t *)&listening->tcp, &owner, NULL);
	if (!t)
		return;
	char host[APP_ADDRESS_MAX];
	struct sockaddr_storage from;
	host_of(t->address, host);
	bool known = node_address_known(app->node, host);
	if (app->state != APP_RUNNING)
		refuse(listener, t, "stopping");
	else if (!known && listener->handshakes >= LISTENER_HANDSHAKES_STRANGERS)
		refuse(listener, t, "too many handshakes");
	else if (socket_address_parse(t->address, &from) ||
		!token_bucket_take(known ? listener->known : listener->strangers, (struct sockaddr *)&from,
			app_now(app).mono))
		refuse(listener, t, "rate limited");
	else {
		t->owner = listener;
		listener->handshakes++;
		join_offer(app);
		transport_start_server(t);
	}
}

/* libuv asks nobody in after this one until uv_accept has been called for him. */
static void on_connection(uv_stream_t *server, int status)
{
	struct listening *listening = server->data;
	if (status)
		log_event(LOG_LEVEL_WARN, "accept_failed", "reason", uv_strerror(status));
	else if (listening->listener->handshakes >= LISTENER_HANDSHAKES_MAX)
		listening->waits = true;
	else
		accept_one(listening);
}

static void accept_waiting(struct listener *listener)
{
	for (unsigned i = 0; i < listener->count; i++) {
		struct listening *listening = &listener->sockets[i];
		if (!listening->waits || !listening->open ||
			listener->handshakes >= LISTENER_HANDSHAKES_MAX)
			continue;
		listening->waits = false;
		accept_one(listening);
	}
}

static int bind_one(struct listening *s, const struct sockaddr *to)
{
	/* libuv tells of an address in use only when it listens */
	int error = uv_tcp_bind(&s->tcp, to, to->sa_family == AF_INET6 ? UV_TCP_IPV6ONLY : 0);
	if (!error)
		error = uv_listen((uv_stream_t *)&s->tcp, BACKLOG, on_connection);
	struct sockaddr_storage bound = {0};
	int len = sizeof(bound);
	if (!error)
		error = uv_tcp_getsockname(&s->tcp, (struct sockaddr *)&bound, &len);
	if (!error)
		socket_address_format((struct sockaddr *)&bound, s->address);
	return error;
}

static void on_closed(uv_handle_t *handle)
{
	struct listening *s = handle->data;
	struct listener *listener = s->listener;
	listener->handles--;
	release(listener);
}

/* A handle whose bind failed cannot be bound again, so each attempt has its own slot. */
static struct listening *slot_open(struct listener *listener)
{
	struct listening *s = &listener->sockets[listener->count];
	s->listener = listener;
	uv_tcp_init(&listener->app->loop, &s->tcp);
	s->tcp.data = s;
	s->open = true;
	listener->handles++;
	return s;
}

static int open_one(
	struct listener *listener, const char *wanted, unsigned kept_port, struct complaint *complaint)
{
	struct sockaddr_storage to;
	if (socket_address_parse(wanted, &to))
		return complain(complaint, ERROR_FIELD, "listen",
			"\"%s\" is a name: here an address of this machine is wanted.", wanted);
	bool any_port = socket_address_port(&to) == 0;
	if (any_port && kept_port)
		socket_address_set_port(&to, kept_port);
	struct listening *s = slot_open(listener);
	int error = bind_one(s, (struct sockaddr *)&to);
	if (error == UV_EADDRINUSE && any_port && kept_port) {
		log_event(LOG_LEVEL_WARN, "kept_port_in_use", "address", wanted);
		listener->count++; /* the slot is spent; it closes with the others */
		socket_address_set_port(&to, 0);
		s = slot_open(listener);
		error = bind_one(s, (struct sockaddr *)&to);
	}
	listener->count++;
	if (error)
		return complain(complaint, error == UV_EADDRINUSE ? ERROR_BUSY : ERROR_IO, "listen",
			"%s cannot be listened on: %s.", wanted, uv_strerror(error));
	log_event(LOG_LEVEL_INFO, "listening", "address", s->address);
	return 0;
}

int listener_new(struct app *app, struct listener **out, struct complaint *complaint)
{
	uint8_t seed[MAP_SEED_SIZE];
	struct listener *listener = calloc(1, sizeof(*listener));
	if (!listener)
		return ERROR_MEMORY;
	if (!random_bytes(seed, sizeof(seed))) {
		listener->strangers = token_bucket_new(seed, stranger_rate);
		listener->known = token_bucket_new(seed, known_rate);
	}
	if (!listener->strangers || !listener->known) {
		listener_free(listener);
		return ERROR_MEMORY;
	}
	listener->app = app;
	struct port_file ports;
	char path[IDENTITY_PATH_MAX];
	int code = identity_path(path, app->config.data, IDENTITY_PORT);
	if (!code)
		port_file_read(path, &ports);
	bool changed = false;
	for (unsigned i = 0; !code && i < app->config.listen.count; i++) {
		const char *wanted = app->config.listen.items[i];
		unsigned kept = port_file_get(&ports, wanted);
		code = open_one(listener, wanted, kept, complaint);
		const char *bound = code ? NULL : listener->sockets[listener->count - 1].address;
		struct sockaddr_storage to;
		if (bound && !socket_address_parse(wanted, &to) && socket_address_port(&to) == 0) {
			socket_address_parse(bound, &to);
			changed |= port_file_set(&ports, wanted, socket_address_port(&to));
		}
	}
	if (!code && changed && port_file_write(path, &ports))
		code = complain(complaint, ERROR_IO, "listen", "%s cannot be written.", path);
	if (code)
		listener_close(listener);
	else
		*out = listener;
	return code;
}

void listener_close(struct listener *listener)
{
	if (listener->handles == 0) {
		listener_free(listener);
		return;
	}
	for (unsigned i = 0; i < listener->count; i++)
		if (listener->sockets[i].open) {
			listener->sockets[i].open = false;
			uv_close((uv_handle_t *)&listener->sockets[i].tcp, on_closed);
		}
}

const char *listener_address(const struct listener *listener, size_t i)
{
	for (unsigned at = 0; at < listener->count; at++)
		if (listener->sockets[at].address[0] && i-- == 0)
			return listener->sockets[at].address;
	return NULL;
}
