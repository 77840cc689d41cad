/* SPDX-License-Identifier: Apache-2.0 */
/** One daemon, without its API, and clients that do no more than the test tells them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <dirent.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/check.h"
#include "charter/draft.h"
#include "daemon/api.h"
#include "daemon/app.h"
#include "daemon/listener.h"
#include "daemon/socket_address.h"
#include "daemon/tls.h"
#include "tests/unit/daemon/folder.h"

#define WITHIN_MS 20000
#define CLIENTS 40u /* fewer than handshakes at once */

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

static struct app app;
static bool created;
static struct tls_context *clients_tls;

struct client {
	int fd;
	bool answered;
	struct tls_session *tls;
	struct buffer out;
};

static void until(bool (*done)(void), const char *what)
{
	int64_t end = app_now(&app).mono.us + WITHIN_MS * 1000;
	while (!done()) {
		uv_run(&app.loop, UV_RUN_NOWAIT);
		if (app_now(&app).mono.us > end)
			fail_msg("not within %d ms: %s", WITHIN_MS, what);
	}
}

static void on_created(void *ctx, int code, const struct hash *object_hash, uint64_t arrival)
{
	(void)ctx, (void)object_hash, (void)arrival;
	assert_int_equal(code, 0);
	created = true;
}

/* The city's own address list makes this machine's a member's address. */
static bool address_known(void)
{
	return created && node_address_known(app.node, "127.0.0.1");
}

static void network_make(void)
{
	struct secret_key *officer;
	assert_int_equal(secret_key_new(&officer), 0);
	struct draft_founder founder = {
		.slug = bytes_from_text("budapest"),
		.name = bytes_from_text("Budapest"),
		.country = bytes_from_text("HU"),
		.city_secret = app.identity.city_key,
		.node_secret = app.identity.node_key,
	};
	memcpy(founder.sealing_key, app.identity.sealing_public, 32);
	struct draft_network draft = {
		.name = bytes_from_text("Pact"),
		.slug = bytes_from_text("pact"),
		.officers = {.count = 1, .k = 1, .list = {{.key = *secret_key_public(officer)}}},
		.time_ms = 1700000000000,
		.founders = &founder,
		.founder_count = 1,
	};
	struct buffer body, wire;
	buffer_init(&body, OBJECT_BYTES_MAX);
	buffer_init(&wire, OBJECT_BYTES_MAX);
	assert_int_equal(draft_genesis(&draft, &body), 0);
	assert_int_equal(draft_seal_by(OBJECT_GENESIS, buffer_bytes(&body), officer, &wire), 0);
	created = false;
	assert_int_equal(
		node_network_create(app.node, buffer_bytes(&wire), on_created, NULL, app_now(&app)), 0);
	until(address_known, "the network, and the city's address in it");
	buffer_deinit(&body);
	buffer_deinit(&wire);
	secret_key_free(officer);
}

static void city_start(const char *folder)
{
	static const char *const listen_addresses[] = {"127.0.0.1:0"};
	char dir[600], path[IDENTITY_PATH_MAX], fingerprint[TEXT_FINGERPRINT_SIZE];
	struct complaint complaint = {0};
	struct secret_key *key;
	snprintf(dir, sizeof(dir), "%s/budapest", folder);
	struct identity_request request = {
		dir, "Budapest", "budapest", "HU", listen_addresses, 1, NULL, 0};
	assert_int_equal(identity_init(&request, fingerprint, &complaint), 0);
	identity_path(path, dir, IDENTITY_CONFIG);
	if (app_start(&app, path, &complaint))
		fail_msg("%s: %s", complaint.field, complaint.reason);
	network_make();
	assert_int_equal(secret_key_new(&key), 0);
	assert_int_equal(tls_context_new(key, &clients_tls), 0);
	secret_key_free(key);
}

static void city_stop(void)
{
	app_stop(&app);
	assert_int_equal(app_run(&app), 0);
	tls_context_free(clients_tls);
}

/* Connects; the kernel takes it in whether or not the daemon does. */
static void client_open(struct client *c)
{
	struct sockaddr_storage to;
	memset(c, 0, sizeof(*c));
	assert_int_equal(socket_address_parse(app_listen_address(&app, 0), &to), 0);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(c->fd >= 0);
	assert_int_equal(connect(c->fd, (struct sockaddr *)&to, sizeof(struct sockaddr_in)), 0);
	buffer_init(&c->out, 65536);
}

static void client_hello(struct client *c)
{
	assert_int_equal(tls_session_new(clients_tls, false, TLS_PROTOCOL_LINK, &c->tls), 0);
	assert_int_equal(tls_session_begin(c->tls, &c->out), 0);
	assert_int_equal(send(c->fd, c->out.data, c->out.len, MSG_NOSIGNAL), (ssize_t)c->out.len);
}

static void client_close(struct client *c)
{
	close(c->fd);
	tls_session_free(c->tls);
	buffer_deinit(&c->out);
}

/* Whether bytes have come, and not the end. */
static bool client_answered(const struct client *c)
{
	uint8_t byte;
	return recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

static bool client_refused(const struct client *c)
{
	uint8_t byte;
	ssize_t n = recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	return n == 0 || (n < 0 && errno != EAGAIN);
}

static unsigned answered(const struct client *clients, unsigned count)
{
	unsigned n = 0;
	for (unsigned i = 0; i < count; i++)
		n += client_answered(&clients[i]);
	return n;
}

static bool all_accepted(void)
{
	return app.transport_count == CLIENTS;
}

/* The id of this process's thread of that name. */
static id_t thread_named(const char *name)
{
	DIR *folder = opendir("/proc/self/task");
	struct dirent *task;
	id_t found = 0;
	assert_non_null(folder);
	while ((task = readdir(folder))) {
		char path[300], text[32] = "";
		snprintf(path, sizeof(path), "/proc/self/task/%.20s/comm", task->d_name);
		FILE *file = fopen(path, "r");
		if (!file)
			continue;
		if (fgets(text, sizeof(text), file) && strncmp(text, name, strlen(name)) == 0)
			found = (id_t)strtoul(task->d_name, NULL, 10);
		fclose(file);
	}
	closedir(folder);
	assert_int_not_equal(found, 0);
	return found;
}

/* Where cores are few the loop and the writer go first. */
static void assert_handshakes_stand_back(void)
{
	int own = getpriority(PRIO_PROCESS, 0);
	int theirs = getpriority(PRIO_PROCESS, thread_named("handshakes"));
	if (own < 19) /* the tests run under nice 19: nothing stands behind that */
		assert_true(theirs > own);
}

static void one_handshake_a_turn(void **state)
{
	static struct client clients[CLIENTS];
	city_start(*state);
	for (unsigned i = 0; i < CLIENTS; i++)
		client_open(&clients[i]);
	until(all_accepted, "all connections taken in");
	for (unsigned i = 0; i < CLIENTS; i++)
		client_hello(&clients[i]);
	unsigned before = 0;
	int64_t end = app_now(&app).mono.us + WITHIN_MS * 1000;
	while (before < CLIENTS) {
		uv_run(&app.loop, UV_RUN_NOWAIT);
		unsigned now = answered(clients, CLIENTS);
		assert_in_range(now, before, before + 1);
		before = now;
		if (app_now(&app).mono.us > end)
			fail_msg("%u of %u were answered within %d ms", now, CLIENTS, WITHIN_MS);
	}
	assert_handshakes_stand_back();
	/* stopped with all of them half done: the last one takes the listener along */
	city_stop();
	for (unsigned i = 0; i < CLIENTS; i++)
		client_close(&clients[i]);
}

static struct client *last;

static bool last_answered(void)
{
	return client_answered(last);
}

static bool full(void)
{
	return app.transport_count == LISTENER_HANDSHAKES_MAX;
}

static void who_finds_all_handshakes_taken_waits(void **state)
{
	static struct client silent[LISTENER_HANDSHAKES_MAX], waiting;
	city_start(*state);
	for (unsigned i = 0; i < LISTENER_HANDSHAKES_MAX; i++)
		client_open(&silent[i]);
	until(full, "all handshakes taken");
	client_open(&waiting);
	client_hello(&waiting);
	last = &waiting;
	for (int i = 0; i < 50; i++)
		uv_run(&app.loop, UV_RUN_NOWAIT);
	assert_false(client_refused(&waiting));
	assert_false(client_answered(&waiting));
	assert_int_equal(app.transport_count, LISTENER_HANDSHAKES_MAX);
	client_close(&silent[0]);
	until(last_answered, "an answer once a handshake is free");
	city_stop();
	for (unsigned i = 1; i < LISTENER_HANDSHAKES_MAX; i++)
		client_close(&silent[i]);
	client_close(&waiting);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_handshake_a_turn, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(
			who_finds_all_handshakes_taken_waits, folder_setup, folder_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
