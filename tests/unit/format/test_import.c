/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Imports all of tests/data, and the folder that HANSA_DATA names if it is set: every file goes in,
 * or is refused with a reason. The refusals of HANSA_DATA are printed, to be judged by a person.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "format/cap.h"
#include "format/import.h"
#include "record/body.h"
#include "record/header.h"

struct tally {
	const char *path;
	bool print;
	unsigned accepted[5], refused[5]; /* by kind */
	unsigned with_pdf, with_original, abridged, faulty;
	unsigned answers; /* of the file at work */
};

static char **paths;
static size_t path_count;

static int on_file(const char *path, const struct stat *status, int type, struct FTW *where)
{
	(void)status, (void)where;
	if (type == FTW_F) {
		paths = realloc(paths, (path_count + 1) * sizeof(*paths));
		paths[path_count++] = strdup(path);
	}
	return 0;
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list_files(const char *folder)
{
	path_count = 0;
	assert_int_equal(nftw(folder, on_file, 16, FTW_PHYS), 0);
	qsort(paths, path_count, sizeof(*paths), compare_paths);
}

static void forget_files(void)
{
	for (size_t i = 0; i < path_count; i++)
		free(paths[i]);
	free(paths);
	paths = NULL;
	path_count = 0;
}

static struct buffer read_file(const char *path)
{
	struct buffer b;
	buffer_init(&b, SIZE_MAX);
	FILE *file = fopen(path, "rb");
	if (!file)
		fail_msg("%s cannot be read", path);
	size_t got = 1;
	while (got) {
		uint8_t *room = buffer_reserve(&b, 65536);
		got = fread(room, 1, 65536, file);
		buffer_commit(&b, got);
	}
	fclose(file);
	return b;
}

/* What goes in is valid, and comes out of its feed form as it was. */
static void check_body(const char *path, unsigned kind, const json_t *body)
{
	struct complaint c = {0};
	struct buffer b;
	buffer_init(&b, BODY_SIZE_MAX);
	if (body_validate(kind, body, &c) || body_encode(body, &b, &c))
		fail_msg("%s: %s %s", path, c.field, c.reason);
	json_t *back = body_decode(buffer_bytes(&b), &c);
	struct buffer again;
	buffer_init(&again, BODY_SIZE_MAX);
	assert_non_null(back);
	assert_int_equal(body_encode(back, &again, NULL), 0);
	assert_true(bytes_equal(buffer_bytes(&b), buffer_bytes(&again)));
	assert_true(strlen(body_title(kind, body)) > 0);
	json_decref(back);
	buffer_deinit(&b);
	buffer_deinit(&again);
}

static int on_item(void *user, const struct import_item *item)
{
	struct tally *t = user;
	t->answers++;
	assert_true(item->kind <= KIND_META);
	if (!item->body) {
		t->refused[item->kind]++;
		assert_true(strlen(item->complaint.reason) > 0);
		if (t->print)
			print_message("refused: %s%s%s: %s%s%s\n", t->path, *item->record ? ", " : "",
				item->record, item->complaint.field, *item->complaint.field ? ": " : "",
				item->complaint.reason);
		return 0;
	}
	check_body(t->path, item->kind, item->body);
	t->accepted[item->kind]++;
	for (size_t i = 0; i < item->attachment_count; i++) {
		const struct import_attachment *a = &item->attachments[i];
		if (a->flags & HEADER_ATTACHMENT_CAP_ORIGINAL)
			t->with_original++;
		else if (!strcmp(a->media_type, "application/pdf"))
			t->with_pdf++;
	}
	t->abridged += json_object_get(item->body, "abridged") != NULL;
	t->faulty += json_object_get(item->body, "faults") != NULL;
	return 0;
}

static void import_folder(const char *folder, struct tally *t)
{
	char mappings[512];
	snprintf(mappings, sizeof(mappings), "%s/config/mappings", getenv("HANSA_SOURCE"));
	struct mapping_set set;
	struct complaint c = {0};
	if (mapping_load(mappings, &set, &c))
		fail_msg("%s: %s", c.field, c.reason);
	list_files(folder);
	struct import_plan plan;
	assert_int_equal(import_plan((const char *const *)paths, path_count, &plan), 0);
	for (size_t i = 0; i < plan.count; i++) {
		struct buffer content = read_file(plan.entries[i].path);
		t->path = plan.entries[i].path;
		t->answers = 0;
		assert_int_equal(import_file(&set, &plan.entries[i], buffer_bytes(&content), 0, on_item, t),
			0);
		if (t->answers == 0)
			fail_msg("%s: no answer", t->path);
		buffer_deinit(&content);
	}
	import_plan_deinit(&plan);
	mapping_set_deinit(&set);
	forget_files();
}

static void print_tally(const char *folder, const struct tally *t)
{
	print_message("%s: ", folder);
	for (unsigned kind = 0; kind <= KIND_META; kind++)
		print_message("%u %s in, %u refused; ", t->accepted[kind], kind ? kind_name(kind) : "other",
			t->refused[kind]);
	print_message("%u with PDF; alerts: %u originals attached, %u abridged, %u with faults\n",
		t->with_pdf, t->with_original, t->abridged, t->faulty);
}

static const char *test_folder(char to[static 512], const char *name)
{
	snprintf(to, 512, "%s/%s", getenv("HANSA_TEST_DATA"), name);
	return to;
}

static void test_alerts(void **state)
{
	(void)state;
	char folder[512];
	struct tally t = {.print = true};
	import_folder(test_folder(folder, "alerts"), &t);
	print_tally("alerts", &t);
	assert_true(t.accepted[KIND_ALERT] >= 60);
	assert_int_equal(t.refused[KIND_ALERT] + t.refused[0], 0);
	assert_true(t.with_original >= 5);
	assert_true(t.abridged >= 1);
	assert_true(t.faulty >= 5);
}

static void test_documents(void **state)
{
	(void)state;
	char folder[512];
	struct tally t = {.print = true};
	import_folder(test_folder(folder, "documents"), &t);
	print_tally("documents", &t);
	assert_true(t.accepted[KIND_DOC] >= 110);
	assert_int_equal(t.refused[KIND_DOC] + t.refused[0], 0);
	assert_true(t.with_pdf >= 8);
}

static void test_calls(void **state)
{
	(void)state;
	char folder[512];
	struct tally t = {.print = true};
	import_folder(test_folder(folder, "calls"), &t);
	print_tally("calls", &t);
	assert_true(t.accepted[KIND_CALL] >= 250);
	/* Awards and contracts are no calls. */
	assert_true(t.refused[KIND_CALL] <= 15);
}

static void test_folder_of_environment(void **state)
{
	(void)state;
	const char *folder = getenv("HANSA_DATA");
	if (!folder || !*folder)
		skip();
	struct tally t = {.print = true};
	import_folder(folder, &t);
	print_tally(folder, &t);
}

static int on_bad(void *user, const struct import_item *item)
{
	if (item->body)
		return 1;
	*(struct complaint *)user = item->complaint;
	return 0;
}

/* One bad input a rule, and the sentence that its author reads. */
static void test_bad_inputs(void **state)
{
	(void)state;
	char folder[512], path[1600], line[1024];
	test_folder(folder, "bad");
	snprintf(path, sizeof(path), "%s/EXPECTED.tsv", folder);
	FILE *expected = fopen(path, "r");
	assert_non_null(expected);
	struct mapping_set none = {0};
	unsigned count = 0;
	while (fgets(line, sizeof(line), expected)) {
		char *field = strchr(line, '\t'), *reason = field ? strchr(field + 1, '\t') : NULL;
		if (line[0] == '#' || !reason)
			continue;
		*field++ = 0;
		*reason++ = 0;
		reason[strcspn(reason, "\n")] = 0;
		snprintf(path, sizeof(path), "%s/%s", folder, line);
		struct buffer content = read_file(path);
		struct import_entry entry = {.path = path};
		struct complaint c = {0};
		if (import_file(&none, &entry, buffer_bytes(&content), 0, on_bad, &c))
			fail_msg("%s was taken", line);
		if (strcmp(c.field, field) != 0 || strcmp(c.reason, reason) != 0)
			fail_msg("%s:\n '%s' '%s' is not\n '%s' '%s'", line, c.field, c.reason, field, reason);
		buffer_deinit(&content);
		count++;
	}
	fclose(expected);
	assert_true(count >= 20);
}

static void test_plan(void **state)
{
	(void)state;
	static const char *const names[] = {"a/plan.md", "a/plan.pdf", "b/plan.pdf", "a/plan.PNG",
		"SOURCES.md", "x.tar"};
	struct import_plan plan;
	assert_int_equal(import_plan(names, 6, &plan), 0);
	assert_int_equal(plan.count, 4);
	assert_string_equal(plan.entries[0].path, "a/plan.md");
	assert_int_equal(plan.entries[0].attached_count, 2);
	assert_string_equal(plan.entries[0].attached[1], "a/plan.PNG");
	assert_string_equal(plan.entries[1].path, "b/plan.pdf");
	assert_int_equal(plan.entries[1].attached_count, 0);
	import_plan_deinit(&plan);
	assert_string_equal(import_media_type("x.PDF"), "application/pdf");
	assert_string_equal(import_media_type("x.md"), "text/markdown");
	assert_string_equal(import_media_type("x"), "application/octet-stream");
}

static int on_kind(void *user, const struct import_item *item)
{
	*(struct complaint *)user = item->complaint;
	return item->body ? (int)item->kind : 0;
}

static void test_kinds(void **state)
{
	(void)state;
	struct mapping_set none = {0};
	struct complaint c = {0};
	struct import_entry call = {.path = "call.json"}, alert = {.path = "incident.json"};
	struct bytes json =
		bytes_from_text("{\"title\": \"T\", \"funder\": \"F\", \"language\": \"en\"}");
	assert_int_equal(import_file(&none, &call, json, 0, on_kind, &c), KIND_CALL);
	assert_int_equal(import_file(&none, &call, json, KIND_DOC, on_kind, &c), KIND_DOC);
	assert_int_equal(import_file(&none, &call, json, KIND_ALERT, on_kind, &c), 0);
	assert_string_equal(c.field, "identifier");
	json = bytes_from_text("{\"identifier\": \"i-1\", \"sender\": \"press@praha.example\", "
		"\"sent\": "
		"\"2026-05-01T10:00:00+02:00\", \"status\": \"Exercise\", \"msgType\": \"Alert\", "
		"\"scope\": "
		"\"Restricted\", \"incident\": {\"narrative\": \"The water is poisoned\"}}");
	assert_int_equal(import_file(&none, &alert, json, 0, on_kind, &c), KIND_ALERT);
	assert_int_equal(import_file(&none, &alert, json, KIND_CALL, on_kind, &c), 0);
	assert_string_equal(c.field, "title");
	struct import_entry markdown = {.path = "x.md"};
	json = bytes_from_text("# X\n");
	assert_int_equal(import_file(&none, &markdown, json, KIND_CALL, on_kind, &c), 0);
	assert_string_equal(c.reason, "is a document, and a call was asked for");
}

/* A body has 256 KiB: a longer text is refused with advice, an alert loses shapes, never itself. */
static void test_oversize(void **state)
{
	(void)state;
	struct mapping_set none = {0};
	struct complaint c = {0};
	struct buffer text;
	buffer_init(&text, SIZE_MAX);
	for (int i = 0; i < 30000; i++)
		buffer_push_text(&text, "ten bytes\n");
	struct import_entry entry = {.path = "long.txt"};
	assert_int_equal(import_file(&none, &entry, buffer_bytes(&text), 0, on_kind, &c), 0);
	assert_string_equal(c.field, "text");
	assert_string_equal(c.reason,
		"is 300000 bytes long; a body holds at most 262144: attach the file instead");
	buffer_reset(&text);
	buffer_push_text(&text, "{\"title\": \"T\", \"funder\": \"F\", \"language\": \"en\", "
		"\"x\": [\"\"");
	for (int i = 0; i < 30000; i++)
		buffer_push_text(&text, ",\"nine byte\"");
	buffer_push_text(&text, "]}");
	entry.path = "long.json";
	assert_int_equal(import_file(&none, &entry, buffer_bytes(&text), 0, on_kind, &c), 0);
	assert_string_equal(c.reason, "the record is larger than 262144 bytes; "
		"publish its long parts as attachments");
	buffer_deinit(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alerts),
		cmocka_unit_test(test_documents),
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_folder_of_environment),
		cmocka_unit_test(test_bad_inputs),
		cmocka_unit_test(test_plan),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_oversize),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
