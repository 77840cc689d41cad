/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/check.h"
#include "tests/unit/cli/fake_server.h"

#define REQUEST_MAX (4u << 20)

static void send_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t part = send(fd, data, len, MSG_NOSIGNAL);
		if (part <= 0)
			return;
		data += part;
		len -= (size_t)part;
	}
}

static void answer(int fd, const struct fake_exchange *exchange)
{
	char head[256];
	size_t len = exchange->body ? strlen(exchange->body) : 0;
	int head_len = snprintf(head, sizeof(head),
		"HTTP/1.1 %d Status\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
		"Connection: close\r\n\r\n",
		exchange->status, exchange->type ? exchange->type : "application/json", len);
	if (exchange->status == 204)
		head_len = snprintf(
			head, sizeof(head), "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
	send_all(fd, head, (size_t)head_len);
	send_all(fd, exchange->body, exchange->status == 204 ? 0 : len);
}

/** Reads one request into `buffer`; where its body begins, NULL at the end of the connection. */
static char *request_read(int fd, char *buffer)
{
	size_t len = 0;
	char *body = NULL;
	for (;;) {
		ssize_t part = recv(fd, buffer + len, REQUEST_MAX - len - 1, 0);
		if (part <= 0)
			return NULL;
		len += (size_t)part;
		buffer[len] = '\0';
		body = strstr(buffer, "\r\n\r\n");
		if (!body)
			continue;
		const char *length = strcasestr(buffer, "content-length:");
		size_t wanted = length && length < body ? strtoul(length + 15, NULL, 10) : 0;
		if (len >= (size_t)(body + 4 - buffer) + wanted)
			return body + 4;
	}
}

static void connection_serve(struct fake_server *server, int fd)
{
	static const struct fake_exchange none = {NULL, 404, NULL,
		"{\"error\": {\"code\": \"not_found\", \"field\": \"\", \"reason\": \"not expected\"}}"};
	char *buffer = malloc(REQUEST_MAX);
	require(buffer);
	for (char *body; (body = request_read(fd, buffer));) {
		buffer[strcspn(buffer, "\r")] = '\0';
		char *version = strrchr(buffer, ' ');
		*version = '\0';
		size_t i = server->served;
		if (i >= server->count || strcmp(buffer, server->exchanges[i].request) != 0) {
			snprintf(server->unexpected, sizeof(server->unexpected), "%s", buffer);
			answer(fd, &none);
			break;
		}
		server->bodies[i] = strdup(body);
		server->served++;
		if (server->exchanges[i].status == 0)
			break;
		/* One at a time: the command opens a new connection for whatever is no GET. */
		answer(fd, &server->exchanges[i]);
		break;
	}
	free(buffer);
}

static void *serve(void *ctx)
{
	struct fake_server *server = ctx;
	for (;;) {
		int fd = accept(server->fd, NULL, NULL);
		if (fd < 0)
			return NULL;
		connection_serve(server, fd);
		close(fd);
	}
}

void fake_server_start(
	struct fake_server *server, const struct fake_exchange *exchanges, size_t count)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	memset(server, 0, sizeof(*server));
	require(count <= FAKE_EXCHANGES_MAX);
	server->exchanges = exchanges;
	server->count = count;
	snprintf(server->folder, sizeof(server->folder), "/tmp/hansa-cli-XXXXXX");
	require(mkdtemp(server->folder));
	snprintf(server->socket, sizeof(server->socket), "%s/control.sock", server->folder);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", server->socket);
	server->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	require(server->fd >= 0);
	require(bind(server->fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	require(listen(server->fd, 8) == 0);
	require(pthread_create(&server->thread, NULL, serve, server) == 0);
	setenv("HANSA_SOCKET", server->socket, 1);
}

void fake_server_stop(struct fake_server *server)
{
	shutdown(server->fd, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->fd);
	unlink(server->socket);
	rmdir(server->folder);
	assert_string_equal(server->unexpected, "");
	assert_int_equal(server->served, server->count);
}

void fake_server_free(struct fake_server *server)
{
	for (size_t i = 0; i < FAKE_EXCHANGES_MAX; i++)
		free(server->bodies[i]);
	memset(server, 0, sizeof(*server));
}
