/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/app_loop.h"
#include "daemon/proxy.h"
#include "daemon/socks5.h"
#include "daemon/transport.h"

/* A connection through a SOCKS5 proxy, from its being made until the other city is at its end. */

#define MESSAGES_MAX 3 /* methods, login, request */

struct transport_proxy {
	struct socks5 socks;
	uv_write_t writes[MESSAGES_MAX];
	uint8_t sent[MESSAGES_MAX][SOCKS5_OUT_MAX]; /* borrowed by the writes */
	unsigned count;
};

static void on_written(uv_write_t *write, int status)
{
	(void)write, (void)status; /* what went wrong is seen by reading, or by the timer */
}

static bool send_out(struct transport *t)
{
	struct transport_proxy *p = t->proxy;
	if (p->socks.out_len == 0)
		return true;
	if (p->count == MESSAGES_MAX)
		return false;
	memcpy(p->sent[p->count], p->socks.out, p->socks.out_len);
	uv_buf_t buf = uv_buf_init((char *)p->sent[p->count], (unsigned)p->socks.out_len);
	p->socks.out_len = 0;
	return uv_write(&p->writes[p->count++], (uv_stream_t *)&t->tcp, &buf, 1, on_written) == 0;
}

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *buf)
{
	(void)wanted;
	struct transport *t = handle->data;
	*buf = uv_buf_init((char *)t->app->inner->read, SOCKS5_IN_MAX);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct transport *t = stream->data;
	if (n == 0 || t->state != TRANSPORT_CONNECTING)
		return;
	if (n < 0) {
		transport_abort(t, n == UV_EOF ? "the proxy closed the connection" : uv_strerror((int)n));
		return;
	}
	struct socks5 *socks = &t->proxy->socks;
	if (socks5_receive(socks, bytes_of((const uint8_t *)buf->base, (size_t)n)))
		transport_abort(t, socks->reason);
	else if (!send_out(t))
		transport_abort(t, "the proxy cannot be written to");
	else if (socks->state == SOCKS5_DONE) {
		uv_read_stop(stream);
		transport_handshake(t);
	}
}

void transport_proxy_start(struct transport *t)
{
	uv_tcp_nodelay(&t->tcp, 1);
	int error = uv_read_start((uv_stream_t *)&t->tcp, on_alloc, on_read);
	if (error || !send_out(t))
		transport_abort(t, error ? uv_strerror(error) : "the proxy cannot be written to");
}

static int begin(struct transport_proxy *p, const char *address, const struct proxy *proxy)
{
	char host[PROXY_TEXT_MAX + 1];
	uint16_t port;
	int code = proxy_split(address, host, &port);
	return code ? code
				: socks5_begin(&p->socks, host, port, proxy->has_login ? proxy->user : NULL,
					  proxy->password);
}

struct transport *transport_dial_proxy(struct app *app, const char *address,
	enum tls_protocol wanted, const struct transport_owner *owner_calls, void *owner)
{
	struct proxy proxy;
	struct transport_proxy *p = calloc(1, sizeof(*p));
	if (!p || !app->config.link.proxy || proxy_parse(app->config.link.proxy, &proxy) ||
		begin(p, address, &proxy)) {
		free(p);
		return NULL;
	}
	struct transport *t = transport_dial(
		app, (const struct sockaddr *)&proxy.to, address, wanted, owner_calls, owner);
	if (!t) {
		free(p);
		return NULL;
	}
	t->proxy = p;
	transport_proxied(t);
	return t;
}
