/* SPDX-License-Identifier: Apache-2.0 */
/** A whole daemon without its API: start, events, strangers at the door, stop, start again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/api.h"
#include "daemon/app.h"
#include "daemon/dialer.h"
#include "daemon/log_sink.h"
#include "daemon/socket_address.h"
#include "tests/unit/daemon/folder.h"

/* In the place of the API. */
int api_start(struct app *app, struct api **out, struct complaint *complaint)
{
	(void)app, (void)complaint;
	*out = NULL;
	return 0;
}

void api_close(struct api *api)
{
	(void)api;
}

/* In the place of the dialer: what it was told. */
static struct {
	unsigned all, asked, one;
	struct hash city_id;
} told;

int dialer_new(struct app *app, struct dialer **out)
{
	(void)app;
	*out = (struct dialer *)&told;
	return 0;
}

void dialer_poke(struct dialer *dialer)
{
	(void)dialer;
}

void dialer_run(struct dialer *dialer)
{
	(void)dialer;
}

void dialer_close(struct dialer *dialer)
{
	(void)dialer;
}

void dialer_reset(struct dialer *dialer, const struct hash *city_id)
{
	(void)dialer;
	told.all += city_id == NULL;
	told.one += city_id != NULL;
	if (city_id)
		told.city_id = *city_id;
}

void dialer_linked(struct dialer *dialer, const struct hash *city_id)
{
	(void)dialer, (void)city_id;
}

void dialer_ask(struct dialer *dialer, const struct hash *city_id)
{
	(void)dialer;
	told.asked++;
	told.city_id = *city_id;
}

static void make(const char *dir)
{
	static const char *const listen_addresses[] = {"127.0.0.1:0"};
	struct identity_request request = {
		dir, "Budapest", "budapest", "HU", listen_addresses, 1, NULL, 0};
	char fingerprint[TEXT_FINGERPRINT_SIZE];
	struct complaint complaint = {0};
	assert_int_equal(identity_init(&request, fingerprint, &complaint), 0);
}

static void start(struct app *app, const char *dir)
{
	char path[IDENTITY_PATH_MAX];
	struct complaint complaint = {0};
	identity_path(path, dir, IDENTITY_CONFIG);
	if (app_start(app, path, &complaint))
		fail_msg("%s: %s", complaint.field, complaint.reason);
}

struct later {
	uv_timer_t timer;
	struct app *app;
};

static void on_later_closed(uv_handle_t *handle)
{
	(void)handle;
}

static void on_later(uv_timer_t *timer)
{
	struct later *later = timer->data;
	app_stop(later->app);
	uv_close((uv_handle_t *)timer, on_later_closed);
}

static void stop_soon(struct later *later, struct app *app, unsigned ms)
{
	later->app = app;
	uv_timer_init(&app->loop, &later->timer);
	later->timer.data = later;
	uv_timer_start(&later->timer, on_later, ms, 0);
}

static void starts_and_stops_and_keeps_its_port(void **state)
{
	char *dir = *state, first[APP_ADDRESS_MAX];
	struct app app;
	struct later later;
	make(dir);
	for (int i = 0; i < 2; i++) {
		start(&app, dir);
		assert_int_equal(app.state, APP_RUNNING);
		assert_non_null(app_listen_address(&app, 0));
		assert_null(app_listen_address(&app, 1));
		assert_string_equal(app_advertise_address(&app, 0), app_listen_address(&app, 0));
		if (i == 0)
			snprintf(first, sizeof(first), "%s", app_listen_address(&app, 0));
		else
			assert_string_equal(app_listen_address(&app, 0), first);
		stop_soon(&later, &app, 0);
		assert_int_equal(app_run(&app), 0);
		assert_int_equal(app.state, APP_STOPPED);
	}
}

static void a_second_daemon_on_one_store_is_refused(void **state)
{
	char *dir = *state, path[IDENTITY_PATH_MAX];
	struct app app, second;
	struct later later;
	struct complaint complaint = {0};
	const char *note;
	make(dir);
	start(&app, dir);
	identity_path(path, dir, IDENTITY_CONFIG);
	assert_int_equal(app_start(&second, path, &complaint), ERROR_BUSY);
	assert_true(complaint.reason[0]);
	memset(&complaint, 0, sizeof(complaint));
	assert_int_equal(app_check(path, &note, &complaint), 0);
	stop_soon(&later, &app, 0);
	assert_int_equal(app_run(&app), 0);
}

static void check_names_what_is_wrong(void **state)
{
	char *dir = *state, path[IDENTITY_PATH_MAX], key[IDENTITY_PATH_MAX];
	struct complaint complaint = {0};
	const char *note;
	struct app app;
	make(dir);
	identity_path(path, dir, IDENTITY_CONFIG);
	identity_path(key, dir, IDENTITY_NODE_KEY);
	assert_int_equal(app_check(path, &note, &complaint), 0);
	assert_null(note);
	assert_int_equal(chmod(key, 0644), 0);
	assert_int_equal(app_check(path, &note, &complaint), ERROR_KEY_EXPOSED);
	assert_int_equal(app_start(&app, path, &complaint), ERROR_KEY_EXPOSED);
	assert_int_equal(app_check("/nonexistent/hansad.yaml", &note, &complaint), ERROR_NOT_FOUND);
	assert_int_equal(unlink(key), 0);
	memset(&complaint, 0, sizeof(complaint));
	assert_int_equal(app_check(path, &note, &complaint), ERROR_NOT_FOUND);
	assert_non_null(strstr(complaint.reason, "put it back"));
}

static void rewrite(const char *dir, const char *more)
{
	char path[IDENTITY_PATH_MAX];
	identity_path(path, dir, IDENTITY_CONFIG);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file,
		"city:\n  name: Budapest\n  slug: budapest\n  country: HU\nlisten: ['127.0.0.1:0']\n"
		"%s",
		more);
	assert_int_equal(fclose(file), 0);
}

/** What a start would refuse, the check refuses. */
static void check_knows_who_may_use_the_socket(void **state)
{
	static const struct {
		const char *more, *field;
	} cases[] = {
		{"control: {group: no-such-group}\n", "control.group"},
		{"control: {roles: {editors: [no-such-user]}}\n", "control.roles.editors"},
		{"control: {roles: {admins: [root]}}\n", NULL},
	};
	char *dir = *state, path[IDENTITY_PATH_MAX];
	const char *note;
	make(dir);
	identity_path(path, dir, IDENTITY_CONFIG);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct complaint complaint = {0};
		rewrite(dir, cases[i].more);
		int code = app_check(path, &note, &complaint);
		assert_int_equal(code, cases[i].field ? ERROR_FIELD : 0);
		assert_string_equal(complaint.field, cases[i].field ? cases[i].field : "");
	}
}

static void check_notes_that_nobody_can_dial(void **state)
{
	static const struct {
		const char *addresses;
		bool noted;
	} cases[] = {
		{"listen: ['0.0.0.0:0', '[::]:0']\n", true},
		{"listen: ['0.0.0.0:0', '127.0.0.1:0']\n", false},
		{"listen: ['0.0.0.0:0']\nadvertise: ['hansa.example:4400']\n", false},
		{"", false}, /* it only dials, as its admin wants */
	};
	char *dir = *state, path[IDENTITY_PATH_MAX];
	make(dir);
	identity_path(path, dir, IDENTITY_CONFIG);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct complaint complaint = {0};
		const char *note;
		FILE *file = fopen(path, "w");
		assert_non_null(file);
		fprintf(file, "city:\n  name: B\n  slug: b\n  country: HU\n%s", cases[i].addresses);
		assert_int_equal(fclose(file), 0);
		assert_int_equal(app_check(path, &note, &complaint), 0);
		if ((note != NULL) != cases[i].noted)
			fail_msg("case %zu: %s", i, note ? note : "no note");
	}
}

/* Whoever has only a copy of the keys puts them into a new folder. */
static void a_store_that_is_gone_is_made(void **state)
{
	char *dir = *state, path[IDENTITY_PATH_MAX];
	struct app app;
	struct later later;
	struct complaint complaint = {0};
	const char *note;
	struct stat info;
	make(dir);
	identity_path(path, dir, IDENTITY_STORE);
	assert_int_equal(rmdir(path), 0);
	identity_path(path, dir, IDENTITY_CONFIG);
	assert_int_equal(app_check(path, &note, &complaint), 0);
	start(&app, dir);
	identity_path(path, dir, IDENTITY_STORE);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0700);
	stop_soon(&later, &app, 0);
	assert_int_equal(app_run(&app), 0);
}

static void a_reload_takes_what_it_can(void **state)
{
	static const char id[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
	char *dir = *state, more[256], address[APP_ADDRESS_MAX];
	struct app app;
	struct later later;
	struct hash city_id;
	make(dir);
	start(&app, dir);
	snprintf(address, sizeof(address), "%s", app_listen_address(&app, 0));
	assert_int_equal(text_hex_decode(city_id.bytes, HASH_SIZE, bytes_from_text(id)), 0);
	snprintf(more, sizeof(more),
		"deny: ['%s']\nlog:\n  level: debug\nrelay: no\n"
		"advertise: ['hansa.example:4400']\n",
		id);
	rewrite(dir, more);
	memset(&told, 0, sizeof(told));
	app_reload(&app);
	assert_int_equal(told.all, 1); /* no back-off outlives a reload */
	assert_int_equal(told.asked, 0);
	assert_true(log_wanted(LOG_LEVEL_DEBUG));
	assert_true(node_denied(app.node, &city_id));
	assert_true(app.config.relay); /* not while running */
	assert_string_equal(app_advertise_address(&app, 0), "hansa.example:4400");
	assert_string_equal(app_listen_address(&app, 0), address);
	rewrite(dir, "colour: red\n"); /* refused: all stays */
	app_reload(&app);
	assert_true(node_denied(app.node, &city_id));
	rewrite(dir, "");
	app_reload(&app);
	assert_int_equal(told.all, 2);
	assert_int_equal(told.asked, 1); /* allowed again */
	assert_true(hash_equal(&told.city_id, &city_id));
	assert_false(node_denied(app.node, &city_id));
	assert_false(log_wanted(LOG_LEVEL_DEBUG));
	stop_soon(&later, &app, 0);
	assert_int_equal(app_run(&app), 0);
}

static void event_give(struct app *app, uint8_t object_type)
{
	struct node_event event = {
		.type = NODE_EVENT_OBJECT, .city_id = {{7}}, .object_type = object_type};
	list_for_each(&app->subscribers, node)
	{
		struct app_subscriber *subscriber = list_entry(node, struct app_subscriber, node);
		subscriber->fn(subscriber->ctx, &event);
	}
}

/* For whom it was dialled in vain until now. */
static void new_addresses_and_members_are_dialled_at_once(void **state)
{
	char *dir = *state;
	struct app app;
	struct later later;
	make(dir);
	start(&app, dir);
	memset(&told, 0, sizeof(told));
	event_give(&app, OBJECT_ADDRESS_LIST);
	assert_int_equal(told.one, 1);
	assert_int_equal(told.city_id.bytes[0], 7);
	assert_int_equal(told.all, 0);
	event_give(&app, OBJECT_AMENDMENT);
	assert_int_equal(told.all, 1);
	event_give(&app, OBJECT_EPOCH_RECORD);
	assert_int_equal(told.one + told.all, 2);
	stop_soon(&later, &app, 0);
	assert_int_equal(app_run(&app), 0);
}

/* ---- a stranger ---- */

struct stranger {
	uv_tcp_t tcp;
	uv_connect_t connect;
	uv_write_t write;
	const char *text;
	struct app *app;
	bool closed;
	char buf[4096];
};

static void on_stranger_closed(uv_handle_t *handle)
{
	struct stranger *stranger = handle->data;
	stranger->closed = true;
	app_stop(stranger->app);
}

static void on_stranger_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *buf)
{
	(void)wanted;
	struct stranger *stranger = handle->data;
	*buf = uv_buf_init(stranger->buf, sizeof(stranger->buf));
}

static void on_stranger_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	(void)buf;
	if (n < 0)
		uv_close((uv_handle_t *)stream, on_stranger_closed);
}

static void on_stranger_connect(uv_connect_t *connect, int status)
{
	struct stranger *stranger = connect->data;
	assert_int_equal(status, 0);
	uv_buf_t buf = uv_buf_init((char *)(uintptr_t)stranger->text, (unsigned)strlen(stranger->text));
	uv_read_start((uv_stream_t *)&stranger->tcp, on_stranger_alloc, on_stranger_read);
	uv_write(&stranger->write, (uv_stream_t *)&stranger->tcp, &buf, 1, NULL);
}

static void on_line(void *ctx, uint64_t number, const char *line, size_t len)
{
	(void)number;
	unsigned *count = ctx;
	char text[512];
	snprintf(text, sizeof(text), "%.*s", (int)len, line);
	*count += strstr(text, "connection_refused") && strstr(text, "not TLS") &&
		strstr(text, "address=127.0.0.1");
}

static void a_stranger_is_refused_with_a_log_line(void **state)
{
	char *dir = *state;
	struct app app;
	struct sockaddr_storage to;
	make(dir);
	uint64_t before = log_sink_each(UINT64_MAX, on_line, NULL);
	start(&app, dir);
	struct stranger stranger = {.text = "GET / HTTP/1.1\r\n\r\n", .app = &app};
	assert_int_equal(socket_address_parse(app_listen_address(&app, 0), &to), 0);
	uv_tcp_init(&app.loop, &stranger.tcp);
	stranger.tcp.data = stranger.connect.data = &stranger;
	uv_tcp_connect(&stranger.connect, &stranger.tcp, (struct sockaddr *)&to, on_stranger_connect);
	assert_int_equal(app_run(&app), 0);
	assert_true(stranger.closed);
	unsigned count = 0;
	log_sink_each(before, on_line, &count);
	assert_int_equal(count, 1);
}

/* ---- a flood ---- */

#define FLOOD 100

struct flood {
	struct app *app;
	unsigned open;
	struct stranger strangers[FLOOD];
};

static struct flood flood;

static void on_flood_closed(uv_handle_t *handle)
{
	(void)handle;
	if (--flood.open == 0)
		app_stop(flood.app);
}

static void on_flood_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	(void)buf;
	if (n < 0 && !uv_is_closing((uv_handle_t *)stream))
		uv_close((uv_handle_t *)stream, on_flood_closed);
}

static void on_flood_connect(uv_connect_t *connect, int status)
{
	struct stranger *stranger = connect->data;
	assert_int_equal(status, 0);
	uv_read_start((uv_stream_t *)&stranger->tcp, on_stranger_alloc, on_flood_read);
	uv_buf_t buf = uv_buf_init((char *)(uintptr_t) "GET / HTTP/1.1\r\n\r\n", 18);
	uv_write(&stranger->write, (uv_stream_t *)&stranger->tcp, &buf, 1, NULL);
}

static void on_flood_line(void *ctx, uint64_t number, const char *line, size_t len)
{
	(void)number;
	unsigned *counts = ctx;
	char text[512];
	snprintf(text, sizeof(text), "%.*s", (int)len, line);
	counts[0] += strstr(text, "rate limited") != NULL ||
		strstr(text, "too many handshakes") != NULL;
	counts[1] += strstr(text, "connection_refused") != NULL;
}

/* A hundred connections from one address: at most 32 are let in, and the log stays short. */
static void a_flood_is_refused_and_said_once(void **state)
{
	char *dir = *state;
	static struct app app;
	struct sockaddr_storage to;
	make(dir);
	uint64_t before = log_sink_each(UINT64_MAX, on_line, NULL);
	start(&app, dir);
	memset(&flood, 0, sizeof(flood));
	flood.app = &app;
	flood.open = FLOOD;
	assert_int_equal(socket_address_parse(app_listen_address(&app, 0), &to), 0);
	for (unsigned i = 0; i < FLOOD; i++) {
		struct stranger *stranger = &flood.strangers[i];
		stranger->app = &app;
		uv_tcp_init(&app.loop, &stranger->tcp);
		stranger->tcp.data = stranger->connect.data = stranger;
		uv_tcp_connect(
			&stranger->connect, &stranger->tcp, (struct sockaddr *)&to, on_flood_connect);
	}
	assert_int_equal(app_run(&app), 0);
	assert_int_equal(flood.open, 0);
	unsigned counts[2] = {0, 0};
	log_sink_each(before, on_flood_line, counts);
	assert_true(counts[0] >= 1 && counts[0] <= 6); /* one a second, for the seconds it takes */
	assert_true(counts[1] <= 32 + 6 + 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			starts_and_stops_and_keeps_its_port, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(
			a_second_daemon_on_one_store_is_refused, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(check_names_what_is_wrong, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(
			check_knows_who_may_use_the_socket, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(
			check_notes_that_nobody_can_dial, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(
			a_store_that_is_gone_is_made, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(
			new_addresses_and_members_are_dialled_at_once, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(a_reload_takes_what_it_can, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(
			a_stranger_is_refused_with_a_log_line, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(
			a_flood_is_refused_and_said_once, folder_setup, folder_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
