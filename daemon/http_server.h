/* SPDX-License-Identifier: Apache-2.0 */
/**
 * An HTTP/1.1 server on the libuv loop: libmicrohttpd without threads, its epoll watched by
 * uv_poll.
 *
 * Words: a *request* may be *suspended*, its socket not looked at, until it has an answer or its
 * stream has bytes (http_request.h, http_stream.h).
 *
 * Refused here: methods and paths that no route has, too small a role, two Content-Length headers,
 * Content-Length beside Transfer-Encoding, paths and queries that are not UTF-8, bodies over the
 * route's limit.
 */
#pragma once

#include <stddef.h>
#include <uv.h>

#include "base/error.h"
#include "daemon/http_route.h"

/** Buffers of 32 KiB each, so 8 MiB at most; more clients wait in the socket's backlog. The library
 * clears them for each request: with 64 KiB that was a tenth of what a short one costs. */
#define HTTP_CONNECTIONS_MAX 256u
#define HTTP_CONNECTION_BYTES 32768u
/** A connection that neither sends nor takes anything for so long is closed. */
#define HTTP_IDLE_S 60u
/** What of a refused body is read so that the client sees the answer; then it is cut. Most clients
 * look for one only when they have sent all: 16 MiB is beyond what people take for a record. */
#define HTTP_PASS_OVER_BYTES (16u << 20)
#define HTTP_CLOSE_MS 1000u

struct http_server;

struct http_server_config {
	uv_loop_t *loop;
	const struct http_route *routes;
	size_t route_count;
	/** The role of a new connection, by its socket. */
	enum http_role (*role)(void *ctx, int fd);
	void *ctx; /* also each request's */
};

/** Takes over `listen_fd`, also on an error. ERROR_MEMORY, ERROR_IO. */
int http_server_start(const struct http_server_config *config, int listen_fd,
	struct http_server **out);

/**
 * New requests are refused and streams end; after the last answer, or HTTP_CLOSE_MS, all is closed
 * and freed, and `closed` called.
 */
void http_server_close(struct http_server *server, void (*closed)(void *ctx));

uv_loop_t *http_server_loop(const struct http_server *server);

/**
 * Of http_request.c: a connection was resumed. Without threads of its own the library does not wake
 * its epoll for that.
 */
void http_server_wake(struct http_server *server);
/** Of http_request.c: a request was freed. */
void http_server_request_gone(struct http_server *server);
