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

#include "daemon/cli/cli.h"
#include "tests/unit/cli/fake_server.h"
#include "tests/unit/cli/run_cli.h"

#define ERROR_JSON(code, field, reason) \
	"{\"error\": {\"code\": \"" code "\", \"field\": \"" field "\", \"reason\": \"" reason "\"}}"

static void check_said(const char *line, int code, const char *said)
{
	struct run run = run_cli(line);
	assert_int_equal(run.code, code);
	assert_non_null(strstr(run.err, said));
	assert_string_equal(run.out, "");
	run_free(&run);
}

static void no_daemon(void **state)
{
	char *folder = folder_new(), path[100];
	(void)state;
	snprintf(path, sizeof(path), "%s/control.sock", folder);
	setenv("HANSA_SOCKET", path, 1);
	check_said("status", CLI_NO_DAEMON, "does not exist. Start it with `hansad --config");
	check_said("list doc", CLI_NO_DAEMON, "does not exist");
	check_said("status --socket /dev/null", CLI_NO_DAEMON, "/dev/null is no socket");
	/* A socket that a dead daemon left. */
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	check_said("status", CLI_NO_DAEMON, "is not running. Start it with");
	folder_remove(folder);
}

static void socket_by_environment(void **state)
{
	(void)state;
	unsetenv("HANSA_SOCKET");
	unsetenv("HANSA_DATA_DIR");
	check_said("status", CLI_NO_DAEMON, "/run/hansa/control.sock");
	setenv("HANSA_DATA_DIR", "/nonexistent/data", 1);
	check_said("status", CLI_NO_DAEMON, "/nonexistent/data/control.sock");
	setenv("HANSA_SOCKET", "/nonexistent/other.sock", 1);
	check_said("status", CLI_NO_DAEMON, "/nonexistent/other.sock");
	check_said("status --socket /nonexistent/third", CLI_NO_DAEMON, "/nonexistent/third");
	char line[256];
	snprintf(line, sizeof(line), "status --socket /%0120d", 1);
	check_said(line, CLI_USAGE, "The socket's path has 121 bytes");
}

static void one_refusal(const char *body, int status, const char *said)
{
	const struct fake_exchange exchanges[] = {{"GET /v1/status", status, NULL, body}};
	struct fake_server server;
	fake_server_start(&server, exchanges, 1);
	check_said("status", CLI_REFUSED, said);
	fake_server_stop(&server);
	fake_server_free(&server);
}

static void refusals_are_sentences(void **state)
{
	(void)state;
	one_refusal(
		ERROR_JSON("field", "limit", "It is too large."), 400, "hansa: limit: It is too large.\n");
	one_refusal(ERROR_JSON("role", "", "You may not."), 403,
		"hansa: You may not. Your administrator gives roles");
	one_refusal(ERROR_JSON("state", "items[0].city", "No such."), 409, "hansa: city: No such.\n");
	one_refusal(ERROR_JSON("x", "", "a\\u001b[2J"), 500, "hansa: a?[2J\n");
	one_refusal("<html>", 500, "The daemon answered 500 without a reason");
	one_refusal("{\"city\": 1", 200, "The daemon's answer cannot be read.");
}

static void lost_connection(void **state)
{
	const struct fake_exchange exchanges[] = {{"GET /v1/status", 0, NULL, NULL}};
	struct fake_server server;
	(void)state;
	fake_server_start(&server, exchanges, 1);
	check_said("status", CLI_NO_DAEMON, "ended the connection before it had answered");
	fake_server_stop(&server);
	fake_server_free(&server);
}

static void no_content(void **state)
{
	const struct fake_exchange exchanges[] = {{"PUT /v1/peers/berlin/deny", 204, NULL, NULL},
		{"DELETE /v1/peers/berlin/deny", 204, NULL, NULL}};
	struct fake_server server;
	(void)state;
	fake_server_start(&server, exchanges, 2);
	struct run run = run_cli("peers --deny berlin");
	assert_int_equal(run.code, CLI_DONE);
	assert_string_equal(run.out, "No link to berlin until `hansa peers --allow berlin`.\n");
	run_free(&run);
	run = run_cli("peers --allow berlin --json");
	assert_string_equal(run.out, "{\"city\": \"berlin\", \"denied\": false}\n");
	run_free(&run);
	fake_server_stop(&server);
	fake_server_free(&server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_daemon),
		cmocka_unit_test(socket_by_environment),
		cmocka_unit_test(refusals_are_sentences),
		cmocka_unit_test(lost_connection),
		cmocka_unit_test(no_content),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
