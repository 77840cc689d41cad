/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>
#include <uv.h>

#include "daemon/http_request.h"
#include "daemon/http_server.h"
#include "daemon/http_stream.h"

/* The server runs on the main thread's loop, a blocking client on another; each exchange is one
 * connection: what is sent, the writing side closed if asked, and all that comes back. */
struct exchange {
	const char *request;
	size_t len;
	char answer[200000];
	size_t answer_len;
};

struct world {
	uv_loop_t loop;
	struct http_server *server;
	uv_async_t wake;
	uv_thread_t thread;
	int socket_fd;
	struct sockaddr_un address;
	struct exchange *exchange;
	enum http_role role;
	bool closed, stop_while_open;
	struct http_stream *held;
	unsigned gone;
};
static struct world world;

static void on_echo(struct http_request *request)
{
	json_t *json = http_request_json(request);
	if (json)
		http_respond_json(request, 200, json);
}

static void on_hello(struct http_request *request)
{
	uint64_t n;
	if (http_request_query_uint(request, "n", 1, 9, 5, &n))
		return;
	http_respond_json(request, 200, json_pack("{s:s, s:I}", "name",
		http_request_parameter(request, "name"), "n", (json_int_t)n));
}

static void work_run(void *state)
{
	*(int *)state += 1;
}

static void work_done(struct http_request *request, void *state)
{
	if (*(int *)state < 3) {
		http_request_work(request, work_run, work_done);
		return;
	}
	http_respond_json(request, 200, json_pack("{s:i}", "count", *(int *)state));
}

static void on_later(struct http_request *request)
{
	http_request_set_state(request, calloc(1, sizeof(int)), free);
	http_request_work(request, work_run, work_done);
}

static void count_want(struct http_stream *stream)
{
	char block[1000];
	unsigned *left = stream->owner;
	if (*left == 0) {
		http_stream_end(stream);
		return;
	}
	memset(block, 'a' + (int)(*left % 26), sizeof(block));
	(*left)--;
	assert_int_equal(http_stream_push(stream, bytes_of(block, sizeof(block))), 0);
}

static void count_gone(struct http_stream *stream)
{
	free(stream->owner);
	world.gone++;
}

static void on_stream(struct http_request *request)
{
	unsigned *left = malloc(sizeof(*left));
	*left = 100;
	assert_non_null(http_stream_new(request, 200, "text/plain", HTTP_STREAM_SIZE_UNKNOWN, left,
		count_want, count_gone));
}

static void hold_want(struct http_stream *stream)
{
	world.held = stream;
	uv_async_send(&world.wake); /* the test closes the server now */
}

static void hold_gone(struct http_stream *stream)
{
	(void)stream;
	world.gone++;
}

static void on_hold(struct http_request *request)
{
	assert_non_null(http_stream_new(request, 200, "text/plain", HTTP_STREAM_SIZE_UNKNOWN, NULL,
		hold_want, hold_gone));
}

/* Takes three bytes at a time and pauses after each. */
struct sip {
	uint64_t total;
	bool ready;
	struct http_request *request;
	uv_timer_t timer;
};

static void sip_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void sip_free(void *state)
{
	struct sip *sip = state;
	uv_close((uv_handle_t *)&sip->timer, sip_closed);
}

static void sip_begin(struct http_request *request)
{
	struct sip *sip = calloc(1, sizeof(*sip));
	sip->request = request;
	sip->ready = true;
	sip->timer.data = sip;
	uv_timer_init(&world.loop, &sip->timer);
	http_request_set_state(request, sip, sip_free);
}

static void sip_timer(uv_timer_t *timer)
{
	struct sip *sip = timer->data;
	sip->ready = true;
	http_request_resume(sip->request);
}

static size_t sip_data(struct http_request *request, struct bytes bytes)
{
	struct sip *sip = request->state;
	if (!sip->ready) {
		uv_timer_start(&sip->timer, sip_timer, 0, 0);
		return 0;
	}
	sip->ready = false;
	size_t taken = bytes.len < 3 ? bytes.len : 3;
	sip->total += taken;
	return taken;
}

static void sip_end(struct http_request *request)
{
	struct sip *sip = request->state;
	http_respond_json(request, 201, json_pack("{s:I}", "total", (json_int_t)sip->total));
}

static const struct http_upload sip_upload = {sip_begin, sip_data, sip_end};
static const struct http_route routes[] = {
	{"POST", "/echo", HTTP_ROLE_READER, on_echo, NULL, 4096, "echo"},
	{"GET", "/hello/{name}", HTTP_ROLE_READER, on_hello, NULL, 0, "hello"},
	{"GET", "/later", HTTP_ROLE_READER, on_later, NULL, 0, "work"},
	{"GET", "/stream", HTTP_ROLE_READER, on_stream, NULL, 0, "stream"},
	{"GET", "/hold", HTTP_ROLE_READER, on_hold, NULL, 0, "a stream that waits"},
	{"POST", "/sip", HTTP_ROLE_READER, NULL, &sip_upload, 0, "upload"},
	{"GET", "/admin", HTTP_ROLE_ADMIN, on_hello, NULL, 0, "not for everyone"},
};

static void on_closed(void *ctx)
{
	(void)ctx;
	world.closed = true;
}

static void close_now(void)
{
	if (world.server)
		http_server_close(world.server, on_closed);
	world.server = NULL;
	if (!uv_is_closing((uv_handle_t *)&world.wake))
		uv_close((uv_handle_t *)&world.wake, NULL);
}

static void on_wake(uv_async_t *async)
{
	(void)async;
	close_now();
}

static enum http_role role_of(void *ctx, int fd)
{
	(void)ctx;
	(void)fd;
	return world.role;
}

static void client(void *arg)
{
	struct exchange *x = arg;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (connect(fd, (const struct sockaddr *)&world.address, sizeof(world.address)) == 0) {
		size_t sent = 0;
		while (sent < x->len) {
			ssize_t n = send(fd, x->request + sent, x->len - sent, MSG_NOSIGNAL);
			if (n <= 0)
				break;
			sent += (size_t)n;
		}
		ssize_t n;
		while ((n = read(fd, x->answer + x->answer_len,
			sizeof(x->answer) - 1 - x->answer_len)) > 0)
			x->answer_len += (size_t)n;
	}
	close(fd);
	uv_async_send(&world.wake);
}

static const char *talk_bytes(const char *request, size_t len)
{
	static struct exchange exchange;
	struct http_server_config config = {.loop = &world.loop, .routes = routes,
		.route_count = sizeof(routes) / sizeof(routes[0]), .role = role_of};
	memset(&exchange, 0, sizeof(exchange));
	exchange.request = request;
	exchange.len = len;
	world.closed = false;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	world.address.sun_family = AF_UNIX;
	memcpy(world.address.sun_path, "\0", 1);
	snprintf(world.address.sun_path + 1, sizeof(world.address.sun_path) - 1,
		"hansa-test-%d-%p", (int)getpid(), (void *)&exchange);
	assert_int_equal(bind(fd, (const struct sockaddr *)&world.address, sizeof(world.address)),
		0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(uv_loop_init(&world.loop), 0);
	assert_int_equal(uv_async_init(&world.loop, &world.wake, on_wake), 0);
	assert_int_equal(http_server_start(&config, fd, &world.server), 0);
	assert_int_equal(uv_thread_create(&world.thread, client, &exchange), 0);
	uv_run(&world.loop, UV_RUN_DEFAULT);
	uv_thread_join(&world.thread);
	uv_run(&world.loop, UV_RUN_DEFAULT);
	assert_true(world.closed);
	assert_int_equal(uv_loop_close(&world.loop), 0);
	return exchange.answer;
}

static const char *talk(const char *request)
{
	return talk_bytes(request, strlen(request));
}

#define HEAD "Host: hansa\r\nConnection: close\r\n"
#define assert_status(answer, status) \
	assert_memory_equal(answer, "HTTP/1.1 " status, strlen("HTTP/1.1 " status))

static int setup(void **state)
{
	(void)state;
	memset(&world, 0, sizeof(world));
	world.role = HTTP_ROLE_READER;
	return 0;
}

static void test_get(void **state)
{
	(void)state;
	const char *answer = talk("GET /hello/budapest?n=7 HTTP/1.1\r\n" HEAD "\r\n");
	assert_status(answer, "200");
	assert_non_null(strstr(answer, "\r\n\r\n{\"name\":\"budapest\",\"n\":7}\n"));
	answer = talk("GET /hello/budapest?n=10 HTTP/1.1\r\n" HEAD "\r\n");
	assert_status(answer, "400");
	assert_non_null(strstr(answer, "\"field\":\"n\""));
	answer = talk("GET /hello/b HTTP/1.1\r\nHost: hansa\r\n\r\n"
		"GET /hello/c HTTP/1.1\r\n" HEAD "\r\n");
	assert_non_null(strstr(answer, "{\"name\":\"b\",\"n\":5}"));
	assert_non_null(strstr(answer, "{\"name\":\"c\",\"n\":5}"));
}

static void test_refused(void **state)
{
	(void)state;
	assert_status(talk("GET /nothing HTTP/1.1\r\n" HEAD "\r\n"), "404");
	const char *answer = talk("PUT /echo HTTP/1.1\r\n" HEAD "Content-Length: 2\r\n\r\n{}");
	assert_status(answer, "405");
	assert_non_null(strstr(answer, "Allow: POST\r\n"));
	answer = talk("GET /admin HTTP/1.1\r\n" HEAD "\r\n");
	assert_status(answer, "403");
	assert_non_null(strstr(answer, "{\"error\":{\"code\":\"role\",\"field\":\"\",\"reason\":"
		"\"This takes the role 'admin'; yours is 'reader'.\"}}"));
	world.role = HTTP_ROLE_NONE;
	assert_status(talk("GET /hello/x HTTP/1.1\r\n" HEAD "\r\n"), "403");
	world.role = HTTP_ROLE_READER;
	assert_status(talk("GET /hello/%ff HTTP/1.1\r\n" HEAD "\r\n"), "400");
	assert_status(talk("GET /hello/x?n=%c3%28 HTTP/1.1\r\n" HEAD "\r\n"), "400");
}

static void test_body(void **state)
{
	(void)state;
	const char *answer = talk("POST /echo HTTP/1.1\r\n" HEAD
		"Content-Type: application/json\r\nContent-Length: 7\r\n\r\n{\"a\":1}");
	assert_status(answer, "200");
	assert_non_null(strstr(answer, "{\"a\":1}\n"));
	answer = talk("POST /echo HTTP/1.1\r\n" HEAD "Content-Length: 15\r\n\r\n{\"a\":1,\"a\": 2}\n");
	assert_status(answer, "400");
	assert_non_null(strstr(answer, "duplicate object key"));
	assert_status(talk("POST /echo HTTP/1.1\r\n" HEAD "Content-Type: text/plain\r\n"
		"Content-Length: 2\r\n\r\n{}"), "415");
	assert_status(talk("POST /echo HTTP/1.1\r\n" HEAD "Content-Length: 9\r\n\r\n"
		"{\"a\":\"\xff\"}"), "400");
	assert_status(talk("POST /echo HTTP/1.1\r\n" HEAD "Content-Length: 2\r\n\r\n[]"), "400");
	answer = talk("POST /echo HTTP/1.1\r\n" HEAD "Transfer-Encoding: chunked\r\n\r\n"
		"3\r\n{\"b\r\n5\r\n\":22}\r\n0\r\n\r\n");
	assert_status(answer, "200");
	assert_non_null(strstr(answer, "{\"b\":22}"));
}

static void test_body_limits(void **state)
{
	(void)state;
	static char big[HTTP_PASS_OVER_BYTES + (2 << 20)];
	assert_status(talk("POST /echo HTTP/1.1\r\n" HEAD "Content-Length: 999999999\r\n\r\n"),
		"413");
	int head = snprintf(big, sizeof(big), "POST /echo HTTP/1.1\r\n" HEAD
		"Transfer-Encoding: chunked\r\n\r\n2000\r\n");
	memset(big + head, ' ', 0x2000);
	size_t len = (size_t)head + 0x2000;
	len += (size_t)snprintf(big + len, sizeof(big) - len, "\r\n0\r\n\r\n");
	assert_status(talk_bytes(big, len), "413");
	/* Without an end: cut, not read for ever. */
	const size_t much = HTTP_PASS_OVER_BYTES + (1 << 20);
	head = snprintf(big, sizeof(big), "POST /echo HTTP/1.1\r\n" HEAD
		"Transfer-Encoding: chunked\r\n\r\n%zx\r\n", much);
	memset(big + head, ' ', much);
	talk_bytes(big, (size_t)head + much);
}

static void test_smuggling(void **state)
{
	(void)state;
	const char *answer = talk("POST /echo HTTP/1.1\r\n" HEAD
		"Content-Length: 2\r\nContent-Length: 7\r\n\r\n{\"a\":1}");
	assert_status(answer, "400");
	assert_null(strstr(answer, "{\"a\":1}"));
	answer = talk("POST /echo HTTP/1.1\r\n" HEAD
		"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n");
	assert_status(answer, "400");
}

static void test_work(void **state)
{
	(void)state;
	const char *answer = talk("GET /later HTTP/1.1\r\n" HEAD "\r\n");
	assert_status(answer, "200");
	assert_non_null(strstr(answer, "{\"count\":3}"));
}

static void test_stream(void **state)
{
	(void)state;
	const char *answer = talk("GET /stream HTTP/1.1\r\n" HEAD "\r\n");
	size_t letters = 0;
	assert_status(answer, "200");
	for (const char *at = strstr(answer, "\r\n\r\n"); *at; at++)
		letters += *at >= 'g' && *at <= 'z'; /* not the hex of chunk sizes */
	assert_int_equal(letters, 77000); /* 23 of the letters 100 % 26 … 1 % 26 lie below g */
	assert_int_equal(world.gone, 1);
}

static void test_upload(void **state)
{
	(void)state;
	const char *answer = talk("POST /sip HTTP/1.1\r\n" HEAD
		"Content-Length: 10\r\n\r\n0123456789");
	assert_status(answer, "201");
	assert_non_null(strstr(answer, "{\"total\":10}"));
}

/* The server closes while a stream is suspended: it must neither hang nor abort. */
static void test_close(void **state)
{
	(void)state;
	const char *answer = talk("GET /hold HTTP/1.1\r\nHost: hansa\r\n\r\n");
	assert_status(answer, "200");
	assert_int_equal(world.gone, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_get, setup),
		cmocka_unit_test_setup(test_refused, setup),
		cmocka_unit_test_setup(test_body, setup),
		cmocka_unit_test_setup(test_body_limits, setup),
		cmocka_unit_test_setup(test_smuggling, setup),
		cmocka_unit_test_setup(test_work, setup),
		cmocka_unit_test_setup(test_stream, setup),
		cmocka_unit_test_setup(test_upload, setup),
		cmocka_unit_test_setup(test_close, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
