/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <jansson.h>

#include "daemon/cli/cli.h"
#include "tests/unit/cli/fake_server.h"
#include "tests/unit/cli/run_cli.h"

#define NDJSON "application/x-ndjson"
#define POST_RECORDS "POST /v1/networks/pact/records"
#define ACCEPTED(line, id) \
	"{\"line\": " line ", \"id\": \"" id "\", \"hash\": \"aa\", \"seq\": 1}\n"
#define REFUSED(line, field, reason)                                            \
	"{\"line\": " line ", \"error\": {\"code\": \"field\", \"field\": \"" field \
	"\", \"reason\": \"" reason "\"}}\n"
#define ID_OF_5_BYTES                             \
	"{\"id\": \"00000000000000000000000000000000" \
	"00000000000000000000000000000005\", \"size\": 5}"

static char *folder;

static int setup(void **state)
{
	(void)state;
	folder = folder_new();
	file_write(folder, "one.md", "---\ntopics: [floods]\n---\n# One\n\nText.\n");
	file_write(folder, "two.md", "# Two\n\nText.\n");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	folder_remove(folder);
	return 0;
}

static struct run run_in_folder(const char *format, int parts)
{
	char line[1024];
	snprintf(line, sizeof(line), parts == 2 ? "%s %s/one.md %s/two.md" : "%s %s/one.md", format,
		folder, folder);
	return run_cli(line);
}

static void one_file_one_object(void **state)
{
	const struct fake_exchange exchanges[] = {
		{POST_RECORDS, 201, NULL, ACCEPTED("1", "pact/budapest/doc/1")}};
	struct fake_server server;
	(void)state;
	fake_server_start(&server, exchanges, 1);
	struct run run = run_in_folder("publish --network pact --json doc", 1);
	assert_int_equal(run.code, CLI_DONE);
	assert_string_equal(run.out, "{\"id\": \"pact/budapest/doc/1\", \"hash\": \"aa\"}\n");
	fake_server_stop(&server);
	json_t *sent = json_loads(server.bodies[0], 0, NULL);
	assert_string_equal(cli_text(sent, "kind"), "doc");
	assert_string_equal(cli_text(json_object_get(sent, "body"), "title"), "One");
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(sent, "topics"), 0)), "floods");
	json_decref(sent);
	run_free(&run);
	fake_server_free(&server);
}

/** One that the daemon refuses by itself: one sentence, said once. */
static void one_file_is_refused(void **state)
{
	const struct fake_exchange exchanges[] = {{POST_RECORDS, 400, NULL,
		"{\"error\": {\"code\": \"field\", \"field\": \"title\", \"reason\": \"It is dull.\"}}"}};
	struct fake_server server;
	(void)state;
	fake_server_start(&server, exchanges, 1);
	struct run run = run_in_folder("publish --network pact doc", 1);
	assert_int_equal(run.code, CLI_REFUSED);
	assert_non_null(strstr(run.err, "/one.md: title: It is dull.\n"));
	assert_null(strstr(strstr(run.err, "dull") + 1, "dull"));
	fake_server_stop(&server);
	run_free(&run);
	fake_server_free(&server);
}

static void two_files_two_lines(void **state)
{
	const struct fake_exchange exchanges[] = {{POST_RECORDS, 200, NDJSON,
		ACCEPTED("1", "pact/budapest/doc/1") REFUSED("2", "title", "It is dull.")}};
	struct fake_server server;
	(void)state;
	fake_server_start(&server, exchanges, 1);
	struct run run = run_in_folder("publish --network pact --topic heat doc", 2);
	assert_int_equal(run.code, CLI_REFUSED);
	assert_string_equal(run.out, "pact/budapest/doc/1  One\n");
	assert_non_null(strstr(run.err, "two.md: title: It is dull.\n"));
	fake_server_stop(&server);
	assert_non_null(strstr(server.bodies[0], "\"topics\":[\"heat\"]"));
	assert_null(strstr(server.bodies[0], "\"topics\":[\"floods\"],\"attach"));
	run_free(&run);
	fake_server_free(&server);
}

static void attachment_goes_first(void **state)
{
	const struct fake_exchange exchanges[] = {{"POST /v1/attachments", 201, NULL, ID_OF_5_BYTES},
		{POST_RECORDS, 201, NULL, ACCEPTED("1", "pact/budapest/doc/1")}};
	struct fake_server server;
	char line[512];
	(void)state;
	file_write(folder, "plan.pdf", "12345");
	fake_server_start(&server, exchanges, 2);
	snprintf(line, sizeof(line), "publish doc %s/two.md --attach %s/plan.pdf --network pact",
		folder, folder);
	struct run run = run_cli(line);
	assert_int_equal(run.code, CLI_DONE);
	fake_server_stop(&server);
	assert_string_equal(server.bodies[0], "12345");
	json_t *sent = json_loads(server.bodies[1], 0, NULL);
	const json_t *listed = json_array_get(json_object_get(sent, "attachments"), 0);
	assert_string_equal(cli_text(listed, "name"), "plan.pdf");
	assert_string_equal(cli_text(listed, "media_type"), "application/pdf");
	const json_t *body = json_object_get(sent, "body");
	assert_int_equal(json_array_size(json_object_get(body, "attachments")), 1);
	json_decref(sent);
	run_free(&run);
	fake_server_free(&server);
}

static void attachment_that_is_refused(void **state)
{
	const struct fake_exchange exchanges[] = {{"POST /v1/attachments", 413, NULL,
		"{\"error\": {\"code\": \"size\", \"field\": \"\", \"reason\": \"It is too large.\"}}"}};
	struct fake_server server;
	char line[512];
	(void)state;
	file_write(folder, "plan.pdf", "12345");
	fake_server_start(&server, exchanges, 1);
	snprintf(line, sizeof(line), "publish doc %s/two.md --attach %s/plan.pdf --network pact",
		folder, folder);
	struct run run = run_cli(line);
	assert_int_equal(run.code, CLI_REFUSED);
	assert_non_null(strstr(run.err, "two.md: It is too large.\n"));
	fake_server_stop(&server);
	run_free(&run);
	fake_server_free(&server);
}

static void usage(void **state)
{
	char line[512];
	(void)state;
	struct run run = run_in_folder("publish --network pact frob", 1);
	assert_int_equal(run.code, CLI_USAGE);
	assert_non_null(strstr(run.err, "'frob' is no kind of record: it must be doc, call or alert."));
	run_free(&run);
	snprintf(line, sizeof(line), "publish --network pact --attach %s/two.md doc", folder);
	run = run_in_folder(line, 2);
	assert_int_equal(run.code, CLI_USAGE);
	run_free(&run);
}

static void a_whole_batch_is_refused(void **state)
{
	const struct fake_exchange exchanges[] = {{POST_RECORDS, 403, NULL,
		"{\"error\": {\"code\": \"role\", \"field\": \"\", \"reason\": \"You may not.\"}}"}};
	struct fake_server server;
	(void)state;
	fake_server_start(&server, exchanges, 1);
	struct run run = run_in_folder("publish --network pact doc", 2);
	assert_int_equal(run.code, CLI_REFUSED);
	assert_non_null(strstr(run.err, "hansa: You may not."));
	fake_server_stop(&server);
	run_free(&run);
	fake_server_free(&server);
}

/* What an import asks first: the records that this city has published already. */
#define OWN_SLUG                                                             \
	{                                                                        \
		"GET /v1/networks/pact", 200, NULL, "{\"my_slug\": \"budapest-xi\"}" \
	}
#define OWN_RECORDS "GET /v1/records?network=pact&city=budapest-xi&limit=1000"
#define OWN_NONE                                                    \
	OWN_SLUG,                                                       \
	{                                                               \
		OWN_RECORDS, 200, NULL, "{\"records\": [], \"next\": null}" \
	}

static void import_reports(void **state)
{
	const struct fake_exchange exchanges[] = {
		{"GET /v1/networks", 200, NULL, "{\"networks\": [{\"slug\": \"pact\"}]}"}, OWN_NONE,
		{POST_RECORDS, 200, NDJSON, ACCEPTED("1", "pact/budapest/doc/1") REFUSED("2", "", "No.")}};
	struct fake_server server;
	char line[512], path[256];
	(void)state;
	snprintf(path, sizeof(path), "%s/sub", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	file_write(folder, "sub/bad.md", "# \xff\xfe not UTF-8\n");
	fake_server_start(&server, exchanges, 4);
	snprintf(line, sizeof(line), "import %s/ --json", folder);
	struct run run = run_cli(line);
	assert_int_equal(run.code, CLI_REFUSED);
	fake_server_stop(&server);
	json_t *report = json_loads(run.out, 0, NULL);
	assert_int_equal(json_integer_value(json_object_get(report, "files")), 3);
	assert_int_equal(json_integer_value(json_object_get(report, "accepted")), 1);
	const json_t *refused = json_object_get(report, "refused");
	assert_int_equal(json_array_size(refused), 2);
	assert_string_equal(cli_text(json_array_get(refused, 0), "file"), "sub/bad.md");
	assert_string_not_equal(cli_text(json_array_get(refused, 0), "reason"), "");
	assert_string_equal(cli_text(json_array_get(refused, 1), "file"), "two.md");
	assert_string_equal(cli_text(json_array_get(refused, 1), "reason"), "No.");
	json_decref(report);
	run_free(&run);
	fake_server_free(&server);
}

static void import_is_cut_off(void **state)
{
	const struct fake_exchange exchanges[] = {OWN_NONE, {POST_RECORDS, 0, NULL, NULL}};
	struct fake_server server;
	char line[512];
	(void)state;
	fake_server_start(&server, exchanges, 3);
	snprintf(line, sizeof(line), "import %s --network pact", folder);
	struct run run = run_cli(line);
	assert_int_equal(run.code, CLI_NO_DAEMON);
	assert_string_equal(run.out, "2 files, 0 records published, 0 published before, 2 refused.\n");
	assert_non_null(strstr(run.err, "one.md: The daemon ended before it answered: it may have"));
	fake_server_stop(&server);
	run_free(&run);
	fake_server_free(&server);
}

static void import_again_publishes_nothing_twice(void **state)
{
	const struct fake_exchange first[] = {OWN_NONE,
		{POST_RECORDS, 200, NDJSON,
			ACCEPTED("1", "pact/budapest/doc/1") ACCEPTED("2", "pact/budapest/doc/2")}};
	struct fake_server server;
	char line[512], page[512];
	(void)state;
	fake_server_start(&server, first, 3);
	snprintf(line, sizeof(line), "import %s --network pact", folder);
	struct run run = run_cli(line);
	assert_int_equal(run.code, CLI_DONE);
	fake_server_stop(&server);
	/* The daemon names the content id of the first record, so only the second is sent again. */
	json_t *sent = json_loads(server.bodies[2], JSON_DISABLE_EOF_CHECK, NULL);
	assert_int_equal(strlen(cli_text(sent, "content_id")), 32);
	snprintf(page, sizeof(page),
		"{\"records\": [{\"state\": \"valid\", \"content_id\": \"%s\"}], \"next\": null}",
		cli_text(sent, "content_id"));
	json_decref(sent);
	run_free(&run);
	fake_server_free(&server);
	const struct fake_exchange second[] = {OWN_SLUG, {OWN_RECORDS, 200, NULL, page},
		{POST_RECORDS, 200, NULL, "{\"id\": \"pact/budapest/doc/2\"}"}};
	fake_server_start(&server, second, 3);
	run = run_cli(line);
	assert_string_equal(run.out, "2 files, 1 records published, 1 published before, 0 refused.\n");
	assert_int_equal(run.code, CLI_DONE);
	fake_server_stop(&server);
	run_free(&run);
	fake_server_free(&server);
}

static void import_without_refusals(void **state)
{
	const struct fake_exchange exchanges[] = {OWN_NONE,
		{POST_RECORDS, 200, NDJSON,
			ACCEPTED("1", "pact/budapest/doc/1") ACCEPTED("2", "pact/budapest/doc/2")}};
	struct fake_server server;
	char line[512];
	(void)state;
	fake_server_start(&server, exchanges, 3);
	snprintf(line, sizeof(line), "import %s --network pact", folder);
	struct run run = run_cli(line);
	assert_int_equal(run.code, CLI_DONE);
	assert_string_equal(run.out, "2 files, 2 records published, 0 published before, 0 refused.\n");
	assert_string_equal(run.err, "");
	fake_server_stop(&server);
	run_free(&run);
	fake_server_free(&server);
	run = run_cli("import /nonexistent/folder --network pact");
	assert_int_equal(run.code, CLI_REFUSED);
	assert_non_null(strstr(run.err, "The folder /nonexistent/folder cannot be read"));
	run_free(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_file_one_object, setup, teardown),
		cmocka_unit_test_setup_teardown(one_file_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(two_files_two_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(attachment_goes_first, setup, teardown),
		cmocka_unit_test_setup_teardown(attachment_that_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(usage, setup, teardown),
		cmocka_unit_test_setup_teardown(a_whole_batch_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(import_reports, setup, teardown),
		cmocka_unit_test_setup_teardown(import_is_cut_off, setup, teardown),
		cmocka_unit_test_setup_teardown(import_without_refusals, setup, teardown),
		cmocka_unit_test_setup_teardown(import_again_publishes_nothing_twice, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
