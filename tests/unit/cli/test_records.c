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

#include "base/text.h"
#include "daemon/cli/cli.h"
#include "feed/attachment_id.h"
#include "tests/unit/cli/fake_server.h"
#include "tests/unit/cli/run_cli.h"

#define SUMMARY(seq, title)                                                                    \
	"{\"id\": \"pact/budapest/doc/" seq "\", \"title\": \"" title "\", \"state\": \"valid\", " \
	"\"time\": \"2026-03-01T12:30:00Z\", \"expires\": null}"
/* clang-format off */
#define RECORD(attachments) \
	"{\"id\": \"pact/budapest/doc/2\", \"hash\": \"aa\", \"state\": \"valid\", " \
	"\"confirmed\": false, \"time\": \"2026-03-01T12:30:00Z\", \"topics\": [\"floods\"], " \
	"\"attachments\": [" attachments "], \"body\": {\"title\": \"Two\", " \
	"\"text\": \"line one\\nline two \\u001b[2J\", \"contact\": {\"name\": \"Anna\"}, " \
	"\"cost\": 1.5, \"x\": [1, 2]}}"
/* clang-format on */

static void listed_page_by_page(void **state)
{
	const struct fake_exchange exchanges[] = {
		{"GET /v1/records?kind=doc&city=budapest&open=true&limit=3", 200, NULL,
			"{\"records\": [" SUMMARY("3", "Three") "," SUMMARY("2", "Two") "], \"next\": \"c\"}"},
		{"GET /v1/records?kind=doc&city=budapest&open=true&limit=1&before=c", 200, NULL,
			"{\"records\": [" SUMMARY("1", "One") "], \"next\": null}"},
	};
	struct fake_server server;
	(void)state;
	fake_server_start(&server, exchanges, 2);
	struct run run = run_cli("list doc --city budapest --open --limit 3");
	assert_int_equal(run.code, CLI_DONE);
	assert_string_equal(run.out,
		"ID                   PUBLISHED         UNTIL  TITLE\n"
		"pact/budapest/doc/3  2026-03-01 12:30  -      Three\n"
		"pact/budapest/doc/2  2026-03-01 12:30  -      Two\n"
		"pact/budapest/doc/1  2026-03-01 12:30  -      One\n");
	assert_string_equal(run.err, "");
	fake_server_stop(&server);
	run_free(&run);
	fake_server_free(&server);
}

/** A list must not show a deadline a day too late. */
static void deadlines_of_calls(void **state)
{
	const struct fake_exchange exchanges[] = {{"GET /v1/records?kind=call&limit=100", 200, NULL,
		"{\"records\": [{\"id\": \"a\", \"lane\": \"call\", \"expires\": "
		"\"2026-04-01T12:00:00Z\", \"time\": \"2026-03-01T12:30:00Z\", \"state\": \"valid\"}, "
		"{\"id\": \"b\", \"lane\": \"call\", \"expires\": \"2026-04-01T05:00:00Z\", "
		"\"time\": \"2026-03-01T12:30:00Z\", \"state\": \"disowned\"}], \"next\": null}"}};
	struct fake_server server;
	(void)state;
	fake_server_start(&server, exchanges, 1);
	struct run run = run_cli("list call");
	assert_string_equal(run.out,
		"ID  PUBLISHED         UNTIL       TITLE  STATE\n"
		"a   2026-03-01 12:30  2026-03-31         \n"
		"b   2026-03-01 12:30  2026-03-31         disowned\n");
	fake_server_stop(&server);
	run_free(&run);
	fake_server_free(&server);
}

static void list_usage(void **state)
{
	(void)state;
	struct run run = run_cli("list frob");
	assert_int_equal(run.code, CLI_USAGE);
	run_free(&run);
	run = run_cli("list doc --limit 0");
	assert_int_equal(run.code, CLI_USAGE);
	assert_non_null(strstr(run.err, "--limit is '0'; it must be a number from 1"));
	run_free(&run);
	run = run_cli("show pact/budapest/42");
	assert_int_equal(run.code, CLI_USAGE);
	assert_non_null(strstr(run.err, "looks like pact/budapest/alert/42"));
	run_free(&run);
	run = run_cli("export pact/budapest/alert/1 --as pdf");
	assert_int_equal(run.code, CLI_USAGE);
	run_free(&run);
}

static void shown_whole(void **state)
{
	const struct fake_exchange exchanges[] = {
		{"GET /v1/records/pact/budapest/doc/2", 200, NULL, RECORD("")}};
	struct fake_server server;
	(void)state;
	fake_server_start(&server, exchanges, 1);
	struct run run = run_cli("show pact/budapest/doc/2");
	assert_int_equal(run.code, CLI_DONE);
	assert_non_null(strstr(run.out, "NOT CONFIRMED"));
	assert_non_null(strstr(run.out, "topics       floods\n"));
	/* Long texts come last, without what would move the terminal's cursor. */
	assert_non_null(strstr(run.out,
		"title: Two\ncost: 1.5\nx: 1, 2\ncontact:\n  name: Anna\n"
		"text:\n  line one\n  line two ?[2J\n"));
	fake_server_stop(&server);
	run_free(&run);
	fake_server_free(&server);
}

static void export_brings_the_proof(void **state)
{
	const struct fake_exchange exchanges[] = {
		{"GET /v1/records/pact/budapest/doc/2", 200, NULL, RECORD("")},
		{"GET /v1/records/pact/budapest/doc/2/proof", 200, NULL, "{\"hansa_proof\": 1}"}};
	struct fake_server server;
	char *folder = folder_new(), line[256], path[128];
	(void)state;
	fake_server_start(&server, exchanges, 2);
	snprintf(path, sizeof(path), "%s/out.json", folder);
	snprintf(line, sizeof(line), "export pact/budapest/doc/2 --as json --output %s", path);
	struct run run = run_cli(line);
	assert_int_equal(run.code, CLI_DONE);
	fake_server_stop(&server);
	json_t *file = json_load_file(path, 0, NULL);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(file, "proof"), "hansa_proof")), 1);
	json_decref(file);
	run_free(&run);
	fake_server_free(&server);
	folder_remove(folder);
}

static void attachment_entry(char to[static 512], const char *content)
{
	struct attachment_id_builder builder;
	struct hash id;
	char hex[TEXT_HEX_SIZE(HASH_SIZE)];
	assert_int_equal(attachment_id_builder_init(&builder), 0);
	assert_int_equal(attachment_id_builder_add(&builder, bytes_from_text(content)), 0);
	assert_int_equal(attachment_id_builder_end(&builder, &id), 0);
	attachment_id_builder_deinit(&builder);
	snprintf(to, 512, "{\"id\": \"%s\", \"name\": \"plan.pdf\", \"size\": %zu, \"held\": true}",
		text_hex_encode(hex, hash_bytes(&id)), strlen(content));
}

/** The file appears only if its bytes are those of the id. */
static void get_is_checked(void **state)
{
	static const char *const served[] = {"the plan", "the pwned"};
	(void)state;
	for (int i = 0; i < 2; i++) {
		char *folder = folder_new(), line[256], path[128], entry[512], record[2048], target[256];
		attachment_entry(entry, "the plan");
		snprintf(record, sizeof(record), RECORD("%s"), entry);
		snprintf(target, sizeof(target), "GET /v1/records/pact/budapest/doc/2/attachments/%.64s",
			entry + 8);
		const struct fake_exchange exchanges[] = {
			{"GET /v1/records/pact/budapest/doc/2", 200, NULL, record},
			{target, 200, "application/octet-stream", served[i]}};
		struct fake_server server;
		fake_server_start(&server, exchanges, 2);
		snprintf(path, sizeof(path), "%s/out.pdf", folder);
		snprintf(line, sizeof(line), "get pact/budapest/doc/2 plan.pdf --output %s", path);
		struct run run = run_cli(line);
		assert_int_equal(run.code, i == 0 ? CLI_DONE : CLI_REFUSED);
		assert_int_equal(access(path, F_OK), i == 0 ? 0 : -1);
		assert_true(i == 0 || strstr(run.err, "is not the attachment that was signed"));
		fake_server_stop(&server);
		run_free(&run);
		fake_server_free(&server);
		/* Nothing else is left in the folder either. */
		unlink(path);
		assert_int_equal(rmdir(folder), 0);
		free(folder);
	}
}

static void get_of_what_is_not_there(void **state)
{
	const struct fake_exchange exchanges[] = {
		{"GET /v1/records/pact/budapest/doc/2", 200, NULL, RECORD("")}};
	struct fake_server server;
	(void)state;
	fake_server_start(&server, exchanges, 1);
	struct run run = run_cli("get pact/budapest/doc/2 plan.pdf --output /nonexistent/x");
	assert_int_equal(run.code, CLI_REFUSED);
	assert_non_null(strstr(run.err, "has no attachment 'plan.pdf'"));
	fake_server_stop(&server);
	run_free(&run);
	fake_server_free(&server);
}

static void tail_goes_on_after_a_cut(void **state)
{
	const struct fake_exchange exchanges[] = {
		{"GET /v1/status", 200, NULL, "{\"cursor\": \"e-5\"}"},
		{"GET /v1/events?from=e-5&detail=1", 200, "text/event-stream",
			"id: e-6\nevent: entry\ndata: {\"records\": [" SUMMARY("3", "Three") "]}\n\n"},
		{"GET /v1/events?from=e-6&detail=1", 200, "text/event-stream",
			"id: e-7\nevent: object\ndata: {\"network\": \"pact\", \"city\": \"\", "
			"\"type\": \"amendment\"}\n\n"},
		{"GET /v1/events?from=e-7&detail=1", 0, NULL, NULL},
	};
	struct fake_server server;
	(void)state;
	fake_server_start(&server, exchanges, 4);
	struct run run = run_cli("tail");
	assert_int_equal(run.code, CLI_NO_DAEMON);
	assert_string_equal(run.out,
		"2026-03-01 12:30  pact/budapest/doc/3  Three\n"
		"object  network pact  type amendment\n");
	assert_non_null(strstr(run.err, "hansa tail --from e-7"));
	fake_server_stop(&server);
	run_free(&run);
	fake_server_free(&server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(listed_page_by_page),
		cmocka_unit_test(deadlines_of_calls),
		cmocka_unit_test(list_usage),
		cmocka_unit_test(shown_whole),
		cmocka_unit_test(export_brings_the_proof),
		cmocka_unit_test(get_is_checked),
		cmocka_unit_test(get_of_what_is_not_there),
		cmocka_unit_test(tail_goes_on_after_a_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
