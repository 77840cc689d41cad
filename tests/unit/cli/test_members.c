/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "crypto/key_file.h"
#include "daemon/cli/cli.h"
#include "tests/unit/cli/charter_fixture.h"
#include "tests/unit/cli/fake_server.h"
#include "tests/unit/cli/run_cli.h"

#define FINGERPRINT "GCBTT-2KABK-HMZTC-QSGFK-T89JJ-Q0SX3-PBCAQ-J8NMP"
#define MEMBERS                                                                                   \
	"{\"members\": [{\"city\": \"wien\", \"name\": \"Wien\", \"country\": \"AT\", \"standing\": " \
	"\"active\", \"confirmed\": false, \"fingerprint\": \"" FINGERPRINT "\", \"epoch\": 1, "      \
	"\"addresses\": [], \"feeds\": [{\"lane\": \"doc\", \"seq\": 12}], \"last_heard\": null}, "   \
	"{\"city\": \"budapest\", \"name\": \"Budapest\", \"country\": \"HU\", \"standing\": "        \
	"\"active\", \"confirmed\": true, \"fingerprint\": \"X\", \"epoch\": 3, \"me\": true, "       \
	"\"addresses\": [], \"feeds\": []}]}"
#define GET_MEMBERS                                         \
	{                                                       \
		"GET /v1/networks/pact/members", 200, NULL, MEMBERS \
	}

static struct charter_fixture charter;
static char *home;

static int setup(void **state)
{
	char path[256];
	(void)state;
	charter_fixture_init(&charter);
	home = folder_new();
	setenv("HOME", home, 1);
	snprintf(path, sizeof(path), "%s/officer.key", home);
	return key_file_write(path, charter.officer, NULL);
}

static int teardown(void **state)
{
	(void)state;
	charter_fixture_deinit(&charter);
	folder_remove(home);
	return 0;
}

static void shown_as_a_table(void **state)
{
	const struct fake_exchange exchanges[] = {GET_MEMBERS};
	struct fake_server server;
	(void)state;
	fake_server_start(&server, exchanges, 1);
	struct run run = run_cli("members --network pact");
	assert_int_equal(run.code, CLI_DONE);
	assert_string_equal(run.out,
		"CITY      NAME      CC  STANDING     EPOCH  ALERTS  CALLS  DOCS  LAST HEARD\n"
		"budapest  Budapest  HU  active           3       0      0     0  this city\n"
		"wien      Wien      AT  unconfirmed      1       0      0    12  -\n");
	assert_non_null(strstr(run.err, "hansa confirm wien --network pact"));
	fake_server_stop(&server);
	run_free(&run);
	fake_server_free(&server);
}

/** With the fingerprint that was read out, or without a terminal, it goes on. */
static void confirm_signs(void **state)
{
	static const char *const options[] = {"", (" --fingerprint " FINGERPRINT),
		" --fingerprint gcbtt2kabkhmztcqsgfkt89jjq0sx3pbcaqj8nmp"};
	char *prepared = charter_fixture_amendment(&charter, AMENDMENT_CONFIRM), line[512];
	const struct fake_exchange exchanges[] = {GET_MEMBERS,
		{"POST /v1/networks/pact/amendments/prepare", 200, NULL, prepared},
		{"POST /v1/networks/pact/amendments", 201, NULL, "{\"number\": 5, \"hash\": \"00\"}"}};
	(void)state;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		struct fake_server server;
		fake_server_start(&server, exchanges, 3);
		snprintf(line, sizeof(line), "confirm wien --network pact --officer-key %s/officer.key%s",
			home, options[i]);
		struct run run = run_cli(line);
		assert_int_equal(run.code, CLI_DONE);
		assert_string_equal(run.out, "wien is confirmed in pact, by amendment 5.\n");
		assert_true((strstr(run.err, "Nobody is asked") != NULL) == (i == 0));
		fake_server_stop(&server);
		assert_string_equal(
			server.bodies[1], "{\"items\":[{\"item\":\"confirm\",\"city\":\"wien\"}]}");
		assert_true(charter_fixture_is_signed(&charter, prepared, server.bodies[2]));
		run_free(&run);
		fake_server_free(&server);
	}
	free(prepared);
}

static void confirm_refuses_another_key(void **state)
{
	const struct fake_exchange exchanges[] = {GET_MEMBERS};
	struct fake_server server;
	char other[TEXT_FINGERPRINT_SIZE], line[512];
	uint8_t key[32] = {5};
	(void)state;
	fake_server_start(&server, exchanges, 1);
	snprintf(line, sizeof(line), "confirm wien --network pact --fingerprint %s",
		text_fingerprint(other, key));
	struct run run = run_cli(line);
	assert_int_equal(run.code, CLI_REFUSED);
	assert_non_null(strstr(run.err, "Do not confirm it"));
	fake_server_stop(&server);
	run_free(&run);
	fake_server_free(&server);
}

static void confirm_of_who_is_not_there(void **state)
{
	const struct fake_exchange exchanges[] = {GET_MEMBERS, GET_MEMBERS};
	struct fake_server server;
	(void)state;
	fake_server_start(&server, exchanges, 2);
	struct run run = run_cli("confirm graz --network pact");
	assert_int_equal(run.code, CLI_REFUSED);
	assert_non_null(strstr(run.err, "No city has joined pact as graz."));
	run_free(&run);
	run = run_cli("confirm budapest --network pact");
	assert_int_equal(run.code, CLI_DONE);
	assert_non_null(strstr(run.err, "confirmed already"));
	run_free(&run);
	fake_server_stop(&server);
	fake_server_free(&server);
}

/** A daemon in wrong hands prepares a removal where a confirmation was asked for. */
static void nothing_else_is_signed(void **state)
{
	char *prepared = charter_fixture_amendment(&charter, AMENDMENT_REMOVE), line[512];
	const struct fake_exchange exchanges[] = {
		{"POST /v1/networks/pact/amendments/prepare", 200, NULL, prepared}};
	struct fake_server server;
	(void)state;
	fake_server_start(&server, exchanges, 1);
	snprintf(line, sizeof(line), "suspend wien --network pact --officer-key %s/officer.key", home);
	struct run run = run_cli(line);
	assert_int_equal(run.code, CLI_REFUSED);
	assert_non_null(strstr(run.err, "nothing was signed"));
	fake_server_stop(&server);
	run_free(&run);
	fake_server_free(&server);
	free(prepared);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shown_as_a_table),
		cmocka_unit_test_setup_teardown(confirm_signs, setup, teardown),
		cmocka_unit_test_setup_teardown(confirm_refuses_another_key, setup, teardown),
		cmocka_unit_test_setup_teardown(confirm_of_who_is_not_there, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_else_is_signed, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
