/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "crypto/key_file.h"
#include "daemon/cli/cli.h"
#include "tests/unit/cli/charter_fixture.h"
#include "tests/unit/cli/fake_server.h"
#include "tests/unit/cli/run_cli.h"

#define NETWORKS "{\"networks\": [{\"slug\": \"pact\"}]}"
#define TOKEN_ANSWER \
	"{\"token\": \"hansa1-abc\", \"expires\": \"2026-12-01T08:30:00Z\", \"id\": \"00\"}"

static struct charter_fixture charter;
static char *home, key_path[256];

static int setup(void **state)
{
	(void)state;
	charter_fixture_init(&charter);
	home = folder_new();
	setenv("XDG_CONFIG_HOME", home, 1);
	setenv("HOME", home, 1);
	snprintf(key_path, sizeof(key_path), "%s/officer.key", home);
	return key_file_write(key_path, charter.officer, NULL);
}

static int teardown(void **state)
{
	(void)state;
	charter_fixture_deinit(&charter);
	folder_remove(home);
	return 0;
}

static void create_signs_and_submits(void **state)
{
	char *prepared = charter_fixture_genesis(&charter), line[512];
	const struct fake_exchange exchanges[] = {
		{"POST /v1/networks/prepare", 200, NULL, prepared},
		{"POST /v1/networks", 201, NULL, "{\"slug\": \"pact\", \"network_id\": \"00ff\"}"},
	};
	struct fake_server server;
	(void)state;
	fake_server_start(&server, exchanges, 2);
	snprintf(line, sizeof(line),
		"network create --name Pact --slug pact --officer-key %s "
		"--officer-name Anna",
		key_path);
	struct run run = run_cli(line);
	assert_int_equal(run.code, CLI_DONE);
	assert_non_null(strstr(run.out, "00ff"));
	assert_non_null(strstr(run.err, "k = 1"));
	fake_server_stop(&server);
	assert_non_null(strstr(server.bodies[0], "\"name\":\"Anna\""));
	assert_true(charter_fixture_is_signed(&charter, prepared, server.bodies[1]));
	run_free(&run);
	fake_server_free(&server);
	free(prepared);
}

/** The daemon's genesis names another officer than the key that was just made. */
static void create_signs_no_other_genesis(void **state)
{
	char *prepared = charter_fixture_genesis(&charter), path[300];
	const struct fake_exchange exchanges[] = {{"POST /v1/networks/prepare", 200, NULL, prepared}};
	struct fake_server server;
	(void)state;
	fake_server_start(&server, exchanges, 1);
	struct run run = run_cli("network create --name Pact --slug pact");
	assert_int_equal(run.code, CLI_REFUSED);
	assert_non_null(strstr(run.err, "is not what was asked for: nothing was signed"));
	fake_server_stop(&server);
	snprintf(path, sizeof(path), "%s/hansa", home);
	assert_int_equal(access(path, F_OK), -1); /* no key was left behind */
	run_free(&run);
	fake_server_free(&server);
	free(prepared);
}

static void invite_prints_the_token_alone(void **state)
{
	char *prepared = charter_fixture_delegation(&charter, "bratislava"), line[512];
	const struct fake_exchange exchanges[] = {
		{"GET /v1/networks", 200, NULL, NETWORKS},
		{"POST /v1/networks/pact/invitations/prepare", 200, NULL, prepared},
		{"POST /v1/networks/pact/invitations", 201, NULL, TOKEN_ANSWER},
	};
	struct fake_server server;
	(void)state;
	fake_server_start(&server, exchanges, 3);
	snprintf(
		line, sizeof(line), "invite --city bratislava --expires 12h --officer-key %s", key_path);
	struct run run = run_cli(line);
	assert_int_equal(run.code, CLI_DONE);
	assert_string_equal(run.out, "hansa1-abc\n");
	assert_non_null(strstr(run.err, "until 2026-12-01 08:30 UTC"));
	assert_non_null(strstr(run.err, "hansa confirm bratislava"));
	fake_server_stop(&server);
	assert_non_null(strstr(server.bodies[1], "\"expires_s\":43200"));
	assert_true(charter_fixture_is_signed(&charter, prepared, server.bodies[2]));
	run_free(&run);
	fake_server_free(&server);
	free(prepared);
}

static void invite_signs_for_no_other_city(void **state)
{
	char *prepared = charter_fixture_delegation(&charter, "moscow"), line[512];
	const struct fake_exchange exchanges[] = {
		{"POST /v1/networks/pact/invitations/prepare", 200, NULL, prepared}};
	struct fake_server server;
	(void)state;
	fake_server_start(&server, exchanges, 1);
	snprintf(
		line, sizeof(line), "invite --network pact --city bratislava --officer-key %s", key_path);
	struct run run = run_cli(line);
	assert_int_equal(run.code, CLI_REFUSED);
	assert_string_equal(run.out, "");
	fake_server_stop(&server);
	run_free(&run);
	fake_server_free(&server);
	free(prepared);
}

static void invite_is_withdrawn(void **state)
{
	const struct fake_exchange exchanges[] = {
		{"GET /v1/networks/pact/invitations", 200, NULL,
			"{\"invitations\": [{\"id\": \"01\", \"city\": \"wien\"}, {\"id\": \"02\", "
			"\"city\": \"graz\"}]}"},
		{"DELETE /v1/networks/pact/invitations/02", 204, NULL, NULL},
		{"GET /v1/networks/pact/invitations", 200, NULL, "{\"invitations\": []}"},
	};
	struct fake_server server;
	(void)state;
	fake_server_start(&server, exchanges, 3);
	struct run run = run_cli("invite --network pact --city graz --withdraw");
	assert_int_equal(run.code, CLI_DONE);
	assert_string_equal(run.out, "The invitation of graz to pact is withdrawn.\n");
	run_free(&run);
	run = run_cli("invite --network pact --city graz --withdraw");
	assert_int_equal(run.code, CLI_REFUSED);
	assert_non_null(strstr(run.err, "No invitation of graz is open in pact."));
	run_free(&run);
	fake_server_stop(&server);
	fake_server_free(&server);
}

static void usage(void **state)
{
	static const struct {
		const char *line;
		int code;
		const char *said;
	} cases[] = {
		{"invite --network pact --city x --expires 5", CLI_USAGE, "such as 12h or 7d"},
		{"invite --network pact --city x --expires 1s", CLI_USAGE, "from a minute to 30 days"},
		{"invite --network pact --city x --expires 31d", CLI_USAGE, "from a minute to 30 days"},
		{"invite --network pact --city x --expires 1dd", CLI_USAGE, "such as 12h or 7d"},
		{"invite --network pact --city x --expires 99999999999999999999d", CLI_USAGE, "12h or 7d"},
		{"invite --network pact --city x --key ABC", CLI_REFUSED, "8 groups of 5 characters"},
		{"invite --network pact --city x --key GCBTT-2KABK-HMZTC-QSGFK-T89JJ-Q0SX3-PBCAQ-J8NMQ",
			CLI_REFUSED, "group 8 is mistyped"},
		{"network create --name N --slug Pact", CLI_REFUSED, "--slug: A short name"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct run run = run_cli(cases[i].line);
		assert_int_equal(run.code, cases[i].code);
		assert_non_null(strstr(run.err, cases[i].said));
		run_free(&run);
	}
}

static void which_network(void **state)
{
	const struct fake_exchange none[] = {{"GET /v1/networks", 200, NULL, "{\"networks\": []}"}};
	const struct fake_exchange two[] = {{"GET /v1/networks", 200, NULL,
		"{\"networks\": [{\"slug\": \"pact\"}, {\"slug\": \"c40\"}]}"}};
	struct fake_server server;
	(void)state;
	fake_server_start(&server, none, 1);
	struct run run = run_cli("members");
	assert_int_equal(run.code, CLI_REFUSED);
	assert_non_null(strstr(run.err, "in no network yet: `hansa join TOKEN`"));
	fake_server_stop(&server);
	run_free(&run);
	fake_server_free(&server);
	fake_server_start(&server, two, 1);
	run = run_cli("members");
	assert_int_equal(run.code, CLI_USAGE);
	assert_non_null(strstr(run.err, "--network (pact, c40)"));
	fake_server_stop(&server);
	run_free(&run);
	fake_server_free(&server);
}

static void join_reads_the_token_from_standard_input(void **state)
{
	const struct fake_exchange exchanges[] = {{"POST /v1/join", 200, NULL,
		"{\"network\": \"Pact\", \"slug\": \"pact\", \"network_id\": \"00ff\", "
		"\"confirmed\": false}"}};
	struct fake_server server;
	(void)state;
	fake_server_start(&server, exchanges, 1);
	struct run run = run_cli_input("join -", "hansa1-xyz\n");
	assert_int_equal(run.code, CLI_DONE);
	assert_non_null(strstr(run.out, "Joined Pact (pact)"));
	assert_non_null(strstr(run.err, "call an officer"));
	fake_server_stop(&server);
	assert_string_equal(server.bodies[0], "{\"token\":\"hansa1-xyz\"}");
	run_free(&run);
	fake_server_free(&server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(create_signs_and_submits, setup, teardown),
		cmocka_unit_test_setup_teardown(create_signs_no_other_genesis, setup, teardown),
		cmocka_unit_test_setup_teardown(invite_prints_the_token_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(invite_signs_for_no_other_city, setup, teardown),
		cmocka_unit_test(invite_is_withdrawn),
		cmocka_unit_test_setup_teardown(usage, setup, teardown),
		cmocka_unit_test(which_network),
		cmocka_unit_test(join_reads_the_token_from_standard_input),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
