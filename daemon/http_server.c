/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/http_server.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/list.h"
#include "base/log.h"
#include "daemon/http_accept.h"
#include "daemon/http_request.h"
#include "daemon/http_stream.h"

struct http_server {
	struct http_server_config config;
	struct MHD_Daemon *daemon; /* NULL once stopped */
	uv_poll_t poll;
	uv_timer_t timer;       /* when the library wants to be run again */
	uv_timer_t close_timer;
	unsigned handles;       /* open ones */
	struct list requests;
	size_t request_count;
	int listen_fd;
	bool closing, running, woken;
	void (*closed)(void *ctx);
};

uv_loop_t *http_server_loop(const struct http_server *server)
{
	return server->config.loop;
}

static void free_when_done(struct http_server *server)
{
	if (server->handles > 0 || server->request_count > 0 || !server->closing)
		return;
	void (*closed)(void *) = server->closed;
	void *ctx = server->config.ctx;
	free(server);
	closed(ctx);
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct http_server *server = handle->data;
	server->handles--;
	free_when_done(server);
}

/** All connections end here: what is suspended must be resumed first, or the library aborts. */
static void server_stop(struct http_server *server)
{
	if (!server->daemon)
		return;
	uv_poll_stop(&server->poll);
	server->running = true; /* no stop within the run below */
	list_for_each(&server->requests, node) {
		struct http_request *request = list_entry(node, struct http_request, node);
		request->cut = true;
		if (request->stream)
			http_stream_abort(request->stream);
		http_request_resume(request);
	}
	MHD_run(server->daemon);
	MHD_stop_daemon(server->daemon);
	server->daemon = NULL;
	if (server->listen_fd >= 0)
		close(server->listen_fd);
	uv_close((uv_handle_t *)&server->poll, on_handle_closed);
	uv_close((uv_handle_t *)&server->timer, on_handle_closed);
	uv_close((uv_handle_t *)&server->close_timer, on_handle_closed);
}

static bool requests_under_way(const struct http_server *server)
{
	list_for_each(&server->requests, node) {
		if (list_entry(node, struct http_request, node)->connection)
			return true;
	}
	return false;
}

static void server_run(struct http_server *server);

static void on_timer(uv_timer_t *timer)
{
	server_run(timer->data);
}

static void server_run(struct http_server *server)
{
	MHD_UNSIGNED_LONG_LONG wait_ms;
	if (!server->daemon)
		return;
	server->running = true;
	server->woken = false;
	MHD_run(server->daemon);
	server->running = false;
	if (server->closing && !requests_under_way(server)) {
		server_stop(server);
		return;
	}
	if (server->woken)
		uv_timer_start(&server->timer, on_timer, 0, 0);
	else if (MHD_get_timeout(server->daemon, &wait_ms) == MHD_YES)
		uv_timer_start(&server->timer, on_timer, wait_ms, 0);
	else
		uv_timer_stop(&server->timer);
}

void http_server_wake(struct http_server *server)
{
	server->woken = true;
	if (server->daemon && !server->running)
		uv_timer_start(&server->timer, on_timer, 0, 0);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	server_run(poll->data);
}

static void on_close_timer(uv_timer_t *timer)
{
	server_stop(timer->data);
}

void http_server_request_gone(struct http_server *server)
{
	server->request_count--;
	free_when_done(server);
}

static enum MHD_Result on_access(void *cls, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *data, size_t *size, void **state)
{
	struct http_server *server = cls;
	struct http_request *request = *state;
	(void)version;
	if (request)
		return http_accept_continue(request, data, size);
	request = calloc(1, sizeof(*request));
	if (!request)
		return MHD_NO;
	request->server = server;
	request->ctx = server->config.ctx;
	request->connection = connection;
	request->refs = 1;
	list_push_back(&server->requests, &request->node);
	server->request_count++;
	*state = request;
	return http_accept_begin(request, server->config.routes, server->config.route_count, method,
		url, server->closing);
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **state,
	enum MHD_RequestTerminationCode why)
{
	struct http_request *request = *state;
	(void)cls;
	(void)connection;
	(void)why;
	if (!request)
		return;
	*state = NULL;
	request->connection = NULL;
	if (request->response) { /* its stream holds a reference */
		MHD_destroy_response(request->response);
		request->response = NULL;
	}
	http_request_unref(request);
}

/** The socket's context is the role, plus one so that it is never NULL. */
static void on_connection(void *cls, struct MHD_Connection *connection, void **context,
	enum MHD_ConnectionNotificationCode what)
{
	struct http_server *server = cls;
	if (what != MHD_CONNECTION_NOTIFY_STARTED)
		return;
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection,
		MHD_CONNECTION_INFO_CONNECTION_FD);
	enum http_role role = HTTP_ROLE_NONE;
	if (info)
		role = server->config.role(server->config.ctx, info->connect_fd);
	*context = (void *)(uintptr_t)(role + 1);
}

static struct MHD_Daemon *library_start(struct http_server *server, int listen_fd)
{
	return MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_access,
		server, MHD_OPTION_LISTEN_SOCKET, (MHD_socket)listen_fd,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_COMPLETED, on_completed, server,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
		MHD_OPTION_CONNECTION_LIMIT, HTTP_CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_CONNECTION_BYTES,
		MHD_OPTION_CONNECTION_TIMEOUT, HTTP_IDLE_S, MHD_OPTION_END);
}

static int handles_open(struct http_server *server)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->daemon,
		MHD_DAEMON_INFO_EPOLL_FD);
	if (!info || uv_poll_init(server->config.loop, &server->poll, info->epoll_fd) != 0)
		return ERROR_IO;
	require(uv_timer_init(server->config.loop, &server->timer) == 0);
	require(uv_timer_init(server->config.loop, &server->close_timer) == 0);
	server->poll.data = server->timer.data = server->close_timer.data = server;
	server->handles = 3;
	require(uv_poll_start(&server->poll, UV_READABLE, on_poll) == 0);
	return 0;
}

int http_server_start(const struct http_server_config *config, int listen_fd,
	struct http_server **out)
{
	struct http_server *server = calloc(1, sizeof(*server));
	*out = NULL;
	if (!server) {
		close(listen_fd);
		return ERROR_MEMORY;
	}
	server->config = *config;
	server->listen_fd = listen_fd;
	list_init(&server->requests);
	server->daemon = library_start(server, listen_fd);
	if (!server->daemon) {
		close(listen_fd);
		free(server);
		return ERROR_IO;
	}
	int code = handles_open(server);
	if (code) {
		MHD_stop_daemon(server->daemon);
		free(server);
		return code;
	}
	*out = server;
	return 0;
}

void http_server_close(struct http_server *server, void (*closed)(void *ctx))
{
	require(!server->closing && !server->running);
	server->closing = true;
	server->closed = closed;
	MHD_socket fd = MHD_quiesce_daemon(server->daemon);
	server->listen_fd = fd == MHD_INVALID_SOCKET ? -1 : fd;
	list_for_each(&server->requests, node) {
		struct http_request *request = list_entry(node, struct http_request, node);
		if (request->stream)
			http_stream_stop(request->stream);
	}
	uv_timer_start(&server->close_timer, on_close_timer, HTTP_CLOSE_MS, 0);
	uv_timer_start(&server->timer, on_timer, 0, 0); /* answers go out, then it stops */
}
