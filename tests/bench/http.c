/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/check.h"
#include "tests/bench/measure.h"

struct http *http_new(const char *socket_path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct http *http = calloc(1, sizeof(*http));
	require(http);
	if (strlen(socket_path) >= sizeof(address.sun_path))
		measure_die("%s: too long for a socket", socket_path);
	memcpy(address.sun_path, socket_path, strlen(socket_path) + 1);
	http->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (http->fd < 0 || connect(http->fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		measure_die("%s: %s", socket_path, strerror(errno));
	return http;
}

void http_free(struct http *http)
{
	if (!http)
		return;
	close(http->fd);
	free(http);
}

void http_send(struct http *http, const void *data, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = send(http->fd, (const char *)data + done, len - done, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			measure_die("the daemon closed the connection: %s", strerror(errno));
		done += (size_t)n;
	}
}

#define HEAD_BYTES_MAX 1024

static size_t head_write(char head[static HEAD_BYTES_MAX], struct http *http, const char *method,
	const char *path, const char *type, uint64_t length)
{
	int len = snprintf(head, HEAD_BYTES_MAX, "%s %s HTTP/1.1\r\nHost: hansa\r\n", method, path);
	if (length != UINT64_MAX)
		len += snprintf(head + len, HEAD_BYTES_MAX - (size_t)len,
			"Content-Type: %s\r\nContent-Length: %llu\r\n", type, (unsigned long long)length);
	len += snprintf(head + len, HEAD_BYTES_MAX - (size_t)len, "\r\n");
	require((size_t)len < HEAD_BYTES_MAX);
	http->status = 0;
	http->in_body = http->ended = http->chunked = false;
	http->left = 0;
	return (size_t)len;
}

void http_request(
	struct http *http, const char *method, const char *path, const char *type, uint64_t length)
{
	char head[HEAD_BYTES_MAX];
	http_send(http, head, head_write(head, http, method, path, type, length));
}

void http_post(struct http *http, const char *path, const char *type, const char *body, size_t len)
{
	char whole[HEAD_BYTES_MAX + HTTP_POST_BYTES_MAX];
	require(len <= HTTP_POST_BYTES_MAX);
	size_t head = head_write(whole, http, "POST", path, type, len);
	memcpy(whole + head, body, len);
	http_send(http, whole, head + len);
}

static void head_line(struct http *http, const char *line)
{
	if (strncasecmp(line, "Content-Length:", 15) == 0)
		http->left = strtoull(line + 15, NULL, 10);
	else if (strncasecmp(line, "Transfer-Encoding: chunked", 26) == 0)
		http->chunked = true;
}

/** Takes the head off what has come; false if it is not whole yet. */
static bool head_take(struct http *http)
{
	char *start = http->in + http->begin;
	char *end = memmem(start, http->end - http->begin, "\r\n\r\n", 4);
	if (!end)
		return false;
	*end = '\0';
	if (sscanf(start, "HTTP/1.1 %d", &http->status) != 1)
		measure_die("no HTTP answer: %.60s", start);
	http->left = UINT64_MAX;
	for (char *line = strstr(start, "\r\n"); line; line = strstr(line, "\r\n")) {
		line += 2;
		head_line(http, line);
	}
	http->in_body = true;
	http->chunk_closed = true;
	if (http->chunked)
		http->left = 0;
	http->begin = (size_t)(end - http->in) + 4;
	return true;
}

/** Takes "\r\nSIZE\r\n" off what has come; false if it is not whole yet. */
static bool chunk_take(struct http *http)
{
	char *start = http->in + http->begin;
	size_t len = http->end - http->begin, skip = http->chunk_closed ? 0 : 2;
	char *end = len > skip ? memmem(start + skip, len - skip, "\r\n", 2) : NULL;
	if (!end)
		return false;
	http->left = strtoull(start + skip, NULL, 16);
	http->begin += (size_t)(end - start) + 2;
	http->chunk_closed = false;
	if (http->left == 0) { /* no trailers are sent: an empty line follows */
		http->ended = true;
		if (http->end - http->begin >= 2)
			http->begin += 2;
	}
	return true;
}

size_t http_take(struct http *http, const char **data)
{
	if (!http->in_body && !head_take(http))
		return 0;
	if (http->chunked && http->left == 0 && !chunk_take(http))
		return 0;
	size_t len = http->end - http->begin;
	if (len > http->left)
		len = (size_t)http->left;
	*data = http->in + http->begin;
	http->begin += len;
	if (http->left != UINT64_MAX)
		http->left -= len;
	if (!http->chunked && http->left == 0)
		http->ended = true;
	return len;
}

size_t http_receive(struct http *http, const char **data)
{
	size_t len = http->ended ? 0 : http_take(http, data);
	if (len > 0 || http->ended)
		return len;
	if (http->begin > 0) {
		memmove(http->in, http->in + http->begin, http->end - http->begin);
		http->end -= http->begin;
		http->begin = 0;
	}
	ssize_t n = recv(http->fd, http->in + http->end, sizeof(http->in) - http->end, 0);
	if (n < 0 && errno == EINTR)
		return 0;
	if (n < 0 || (n == 0 && http->left != UINT64_MAX))
		measure_die("the daemon closed the connection within an answer");
	if (n == 0)
		http->ended = true;
	http->end += (size_t)n;
	return http_take(http, data);
}

int http_answer(struct http *http, char *to, size_t size)
{
	size_t len = 0;
	while (!http->ended) {
		const char *data = NULL;
		size_t n = http_receive(http, &data);
		if (n > size - 1 - len)
			n = size - 1 - len;
		if (n > 0)
			memcpy(to + len, data, n);
		len += n;
	}
	to[len] = '\0';
	return http->status;
}
