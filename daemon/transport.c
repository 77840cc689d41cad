/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/transport.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"
#include "daemon/app_loop.h"

/* DESIGN.md, section 6: frames start at 4 KiB, which is 50 ms of this. */
#define RATE_START (TRANSPORT_BATCH_MIN * 20u)

static void step_reset(struct transport *t)
{
	buffer_deinit(&t->step.in);
	buffer_deinit(&t->step.out);
	buffer_deinit(&t->step.plain);
}

/* The last handle, or the last step of its handshake, takes it along. */
static void release(struct transport *t)
{
	if (--t->handles > 0)
		return;
	step_reset(t);
	tls_session_free(t->tls);
	buffer_deinit(&t->out);
	buffer_deinit(&t->waiting);
	free(t->proxy);
	free(t);
}

static void on_handle_closed(uv_handle_t *handle)
{
	release(handle->data);
}

static struct transport *transport_new(
	struct app *app, const struct transport_owner *owner_calls, void *owner)
{
	struct transport *t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->app = app;
	t->owner_calls = owner_calls;
	t->owner = owner;
	t->rate = RATE_START;
	buffer_init(&t->out, TRANSPORT_OUT_BYTES_MAX);
	buffer_init(&t->waiting, TRANSPORT_OUT_BYTES_MAX);
	buffer_init(&t->step.in, TRANSPORT_HANDSHAKE_BYTES);
	buffer_init(&t->step.out, TRANSPORT_OUT_BYTES_MAX);
	buffer_init(&t->step.plain, TLS_PLAIN_MAX(TRANSPORT_HANDSHAKE_BYTES));
	uv_tcp_init(&app->loop, &t->tcp);
	uv_timer_init(&app->loop, &t->timer);
	t->tcp.data = t->timer.data = t;
	t->connect.data = t->write.data = t->shutdown.data = t;
	t->handles = 2;
	list_push_back(&app->transports, &t->all);
	app->transport_count++;
	return t;
}

/* The end, from a uv callback or from the work after it. */
static void finish(struct transport *t)
{
	if (t->state == TRANSPORT_CLOSED)
		return;
	t->state = TRANSPORT_CLOSED;
	list_remove(&t->dirty);
	list_remove(&t->all);
	t->app->transport_count--;
	if (t->user_calls)
		t->user_calls->closed(t, t->reason, app_now(t->app));
	else if (!t->logged) {
		struct log_line l;
		log_begin(&l, LOG_LEVEL_INFO, t->dialled ? "dial_failed" : "connection_refused");
		log_text(&l, "address", t->address);
		log_text(&l, "reason", t->reason);
		log_end(&l);
	}
	t->user_calls = NULL;
	t->owner_calls->ended(t, t->reason);
	uv_close((uv_handle_t *)&t->tcp, on_handle_closed);
	uv_close((uv_handle_t *)&t->timer, on_handle_closed);
}

static void reason_set(struct transport *t, const char *reason)
{
	if (!t->reason[0])
		snprintf(t->reason, sizeof(t->reason), "%s", reason);
}

static void on_timer(uv_timer_t *timer)
{
	struct transport *t = timer->data;
	bool connecting = t->state == TRANSPORT_CONNECTING;
	reason_set(t,
		t->proxy         ? connecting ? "no connection through the proxy within 30 s"
									  : "handshake timeout: not done within 20 s, through the proxy"
			: connecting ? "no connection within 5 s"
						 : "handshake timeout: not done within 5 s");
	finish(t);
}

static void timer_set(struct transport *t, unsigned ms)
{
	uv_timer_start(&t->timer, on_timer, ms, 0);
}

void transport_close(struct transport *t, const char *reason)
{
	if (t->state >= TRANSPORT_CLOSING)
		return;
	reason_set(t, reason);
	if (t->state != TRANSPORT_CONNECTING)
		t->state = TRANSPORT_CLOSING;
	/* a connection that was not made has nothing to send: its timer ends it at once */
	timer_set(t, t->state == TRANSPORT_CONNECTING ? 0 : TRANSPORT_CLOSING_MS);
	transport_wake(t);
}

void transport_abort(struct transport *t, const char *reason)
{
	reason_set(t, reason);
	finish(t);
}

void transport_wake(struct transport *t)
{
	if (t->state != TRANSPORT_CLOSED && !list_linked(&t->dirty))
		list_push_back(&t->app->inner->dirty, &t->dirty);
}

static void on_ready(struct transport *t)
{
	uv_timer_stop(&t->timer);
	t->state = TRANSPORT_OPEN;
	t->opened = app_now(t->app).mono;
	int code = t->owner_calls->ready(t);
	if (code)
		transport_close(t, t->reason[0] ? t->reason : error_text(code));
}

static void read_stop(struct transport *t)
{
	uv_read_stop((uv_stream_t *)&t->tcp);
	t->reading = false;
}

/* What came through TLS, and how. */
static void taken(struct transport *t, struct bytes plain, int code)
{
	if (t->state == TRANSPORT_HANDSHAKE && !code && tls_session_ready(t->tls))
		on_ready(t);
	if (plain.len > 0 && t->state == TRANSPORT_OPEN) {
		int breach = t->user_calls->receive(t, plain, app_now(t->app));
		if (breach)
			transport_close(t, error_text(breach));
		else if (t->state == TRANSPORT_OPEN && !t->user_calls->wants_read(t))
			read_stop(t);
	}
	if (code) {
		const char *reason = tls_session_reason(t->tls);
		transport_close(t, reason[0] ? reason : error_text(code));
	} else if (tls_session_ended(t->tls)) {
		transport_close(t, "the peer closed");
	}
	transport_wake(t);
}

/* One read of the socket: through TLS, to the user. */
static void take(struct transport *t, size_t len)
{
	struct app_loop *inner = t->app->inner;
	size_t plain_len = 0;
	int code = tls_session_receive(
		t->tls, bytes_of(inner->read, len), inner->plain, &plain_len, &t->waiting);
	taken(t, bytes_of(inner->plain, plain_len), code);
}

/* A server's session is made here, so that who only connects costs no more than a socket. Those
 * whom this city dials go before those who dial it. */
static void step_begin(struct transport *t, size_t len)
{
	int code = t->tls ? 0 : tls_session_new(t->app->tls, true, t->wanted, &t->tls);
	if (!code)
		code = buffer_push(&t->step.in, t->app->inner->read, len);
	if (code) {
		transport_close(t, error_text(code));
		return;
	}
	read_stop(t);
	t->step.tls = t->tls;
	t->handles++;
	handshaker_push(t->app->handshaker, &t->step, t->dialled);
}

void transport_stepped(struct transport *t)
{
	if (t->state != TRANSPORT_CLOSED)
		buffer_push_bytes(&t->waiting, buffer_bytes(&t->step.out));
	if (t->state == TRANSPORT_HANDSHAKE)
		taken(t, buffer_bytes(&t->step.plain), t->step.code);
	step_reset(t);
	if (t->state == TRANSPORT_HANDSHAKE)
		transport_read_start(t); /* an open one: by its pump */
	transport_wake(t);
	release(t);
}

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *buf)
{
	(void)wanted;
	struct transport *t = handle->data;
	unsigned len = t->state == TRANSPORT_HANDSHAKE ? TRANSPORT_HANDSHAKE_BYTES
												   : TRANSPORT_READ_BYTES;
	*buf = uv_buf_init((char *)t->app->inner->read, len);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	(void)buf;
	struct transport *t = stream->data;
	if (n == 0 || t->state == TRANSPORT_CLOSED)
		return;
	if (n > 0) {
		if (t->state == TRANSPORT_HANDSHAKE)
			step_begin(t, (size_t)n);
		else if (t->state < TRANSPORT_CLOSING)
			take(t, (size_t)n);
		return; /* while closing, what comes is dropped, so that our FIN is not overtaken by RST */
	}
	if (t->state == TRANSPORT_HANDSHAKE)
		reason_set(t, n == UV_EOF ? "the peer closed during the handshake" : uv_strerror((int)n));
	reason_set(t, n == UV_EOF ? "the peer closed" : uv_strerror((int)n));
	finish(t);
}

void transport_read_start(struct transport *t)
{
	int error = uv_read_start((uv_stream_t *)&t->tcp, on_alloc, on_read);
	t->reading = error == 0;
	if (error)
		transport_close(t, uv_strerror(error));
}

void transport_handshake(struct transport *t)
{
	t->state = TRANSPORT_HANDSHAKE;
	timer_set(t, t->proxy ? TRANSPORT_PROXY_HANDSHAKE_MS : TRANSPORT_HANDSHAKE_MS);
	uv_tcp_nodelay(&t->tcp, 1);
	int code = 0;
	if (t->dialled)
		code = tls_session_new(t->app->tls, false, t->wanted, &t->tls);
	if (t->dialled && !code)
		code = tls_session_begin(t->tls, &t->waiting);
	if (code) {
		transport_close(t, error_text(code));
		return;
	}
	transport_read_start(t);
	transport_wake(t);
}

/* "192.0.2.7:4400", "[2001:db8::7]:4400" */
static void peer_address(struct transport *t)
{
	struct sockaddr_storage from = {0};
	int len = sizeof(from);
	char host[64] = "?";
	if (uv_tcp_getpeername(&t->tcp, (struct sockaddr *)&from, &len))
		return;
	uv_ip_name((struct sockaddr *)&from, host, sizeof(host));
	unsigned port = from.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&from)->sin6_port)
											   : ntohs(((struct sockaddr_in *)&from)->sin_port);
	snprintf(t->address, sizeof(t->address), from.ss_family == AF_INET6 ? "[%s]:%u" : "%s:%u", host,
		port);
}

struct transport *transport_accept(
	struct app *app, uv_stream_t *server, const struct transport_owner *owner_calls, void *owner)
{
	struct transport *t = transport_new(app, owner_calls, owner);
	if (!t)
		return NULL;
	t->state = TRANSPORT_HANDSHAKE;
	if (uv_accept(server, (uv_stream_t *)&t->tcp)) {
		transport_abort(t, "gone before it was accepted");
		return NULL;
	}
	peer_address(t);
	return t;
}

void transport_start_server(struct transport *t)
{
	transport_handshake(t);
}

static void on_connect(uv_connect_t *connect, int status)
{
	struct transport *t = connect->data;
	if (t->state != TRANSPORT_CONNECTING)
		return;
	if (status) {
		char text[100];
		snprintf(text, sizeof(text), "the proxy: %s", uv_strerror(status));
		reason_set(t, t->proxy ? text : uv_strerror(status));
		finish(t);
		return;
	}
	if (t->proxy)
		transport_proxy_start(t);
	else
		transport_handshake(t);
}

struct transport *transport_dial(struct app *app, const struct sockaddr *to, const char *address,
	enum tls_protocol wanted, const struct transport_owner *owner_calls, void *owner)
{
	struct transport *t = transport_new(app, owner_calls, owner);
	if (!t)
		return NULL;
	t->dialled = true;
	t->wanted = wanted;
	snprintf(t->address, sizeof(t->address), "%s", address);
	timer_set(t, TRANSPORT_CONNECT_MS);
	int error = uv_tcp_connect(&t->connect, &t->tcp, to, on_connect);
	if (error) {
		reason_set(t, uv_strerror(error));
		timer_set(t, 0);
	}
	return t;
}

void transport_proxied(struct transport *t)
{
	if (!t->reason[0])
		timer_set(t, TRANSPORT_PROXY_MS);
}

int64_t transport_open_ms(const struct transport *t)
{
	return t->opened.us ? monotime_diff_us(app_now(t->app).mono, t->opened) / 1000 : 0;
}
