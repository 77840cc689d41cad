/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/csv.h"
#include "format/loose.h"
#include "format/mapping.h"
#include "format/mapping_path.h"

static void check_csv(const char *text, const char *expected, int end)
{
	struct csv_reader r;
	struct buffer out;
	buffer_init(&out, 4096);
	csv_reader_init(&r, bytes_from_text(text), 0);
	int code;
	while ((code = csv_reader_next(&r)) == 1) {
		buffer_push_format(&out, "%zu:", r.line);
		for (size_t i = 0; i < r.field_count; i++)
			buffer_push_format(&out, "[%.*s]", (int)r.fields[i].len,
				r.fields[i].len ? (const char *)r.fields[i].data : "");
	}
	assert_int_equal(code, end);
	assert_string_equal(out.len ? buffer_text(&out) : "", expected);
	buffer_deinit(&out);
	csv_reader_deinit(&r);
}

static void test_csv(void **state)
{
	(void)state;
	check_csv("a,b\r\n1,\"x, \"\"y\"\"\nz\"\r\n\r\n,\r\n", "1:[a][b]2:[1][x, \"y\"\nz]5:[][]", 0);
	check_csv("\xef\xbb\xbf" "a;b\r1;2,5\r", "1:[a][b]2:[1][2,5]", 0);
	check_csv("a\tb\n1\t\"2\"  \n", "1:[a][b]2:[1][2]", 0);
	check_csv("a,b\n1,2\" inch", "1:[a][b]2:[1][2\" inch]", 0);
	check_csv("a,\"open\n", "", ERROR_SYNTAX);
	check_csv("a,\"b\"c\n", "", ERROR_SYNTAX);
	check_csv("", "", 0);
	check_csv("a,", "1:[a][]", 0);
}

static void test_dates(void **state)
{
	(void)state;
	static const struct {
		const char *text, *format, *date;
	} cases[] = {
		{"05/06/2014", "%d/%m/%Y", "2014-06-05"},
		{"07/05/16", "%d/%m/%y", "2016-05-07"},
		{"31/12/71", "%d/%m/%y", "1971-12-31"},
		{"20230112", "%Y%m%d", "2023-01-12"},
		{"15 avril 2022", "%d %B %Y", "2022-04-15"},
		{"15  août  2022 ", "%d %B %Y", "2022-08-15"},
		{"June 11, 2025", "%B %d, %Y", "2025-06-11"},
		{"2025-06-11 07:00:00", "%Y-%m-%d %H:%M:%S", "2025-06-11T07:00:00"},
		{"2025-06-11 x", "%Y-%m-%d", NULL},
		{"soon", "%d %B %Y", NULL},
		{"2025-06-11", "%Q", NULL},
	};
	char date[LOOSE_DATE_SIZE];
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int code = loose_date(bytes_from_text(cases[i].text), cases[i].format, date);
		assert_int_equal(code == 0, cases[i].date != NULL);
		if (cases[i].date)
			assert_string_equal(date, cases[i].date);
	}
	assert_int_equal(loose_date_iso(bytes_from_text("2022-07-28T11: 40: 47+02: 00"), date), 0);
	assert_string_equal(date, "2022-07-28T11:40:47+02:00");
	assert_int_not_equal(loose_date_iso(bytes_from_text("Ongoing"), date), 0);
}

static void test_amounts(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		char decimal;
		enum loose_pick pick;
		double amount; /* negative: none */
	} cases[] = {
		{"$25,000,000", '.', LOOSE_PICK_FIRST, 25e6},
		{"3 530 000 euros", ',', LOOSE_PICK_FIRST, 3530000},
		{"2.200.000 € à répartir", ',', LOOSE_PICK_FIRST, 2.2e6},
		{"6 millions d'euros", ',', LOOSE_PICK_FIRST, 6e6},
		{"1,5 million", ',', LOOSE_PICK_FIRST, 1.5e6},
		{"Between $10,000 and $100,000", '.', LOOSE_PICK_FIRST, 10000},
		{"Between $10,000 and $100,000", '.', LOOSE_PICK_LAST, 100000},
		{"12.50", '.', LOOSE_PICK_FIRST, 12.5},
		{"50 % of 200", '.', LOOSE_PICK_FIRST, 200},
		{"depends", '.', LOOSE_PICK_FIRST, -1},
		{"", '.', LOOSE_PICK_FIRST, -1},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		double amount = -1;
		loose_amount(bytes_from_text(cases[i].text), cases[i].decimal, cases[i].pick, &amount);
		if (fabs(amount - cases[i].amount) > 1e-6)
			fail_msg("%s: %f", cases[i].text, amount);
	}
}

static void test_paths(void **state)
{
	(void)state;
	json_t *record = json_loads("{\"a\": {\"b\": [{\"c\": 1, \"r\": [\"x\", \"y\"]}, {\"c\": 2, "
		"\"r\": \"z\"}]}, \"d.e\": 5}", 0, NULL);
	static const struct {
		const char *path, *value;
		bool literal;
	} cases[] = {
		{"a.b[1].c", "2", false}, {"a.b[r=y].c", "1", false}, {"a.b[r=z].c", "2", false},
		{"a.b[*].c", "[1,2]", false}, {"d.e", "5", true}, {"d.e", NULL, false},
		{"a.b[7].c", NULL, false}, {"a.b[x].c", NULL, false}, {"a.b[", NULL, false},
		{"a[0]", NULL, false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *value = mapping_path_get(record, cases[i].path, cases[i].literal);
		char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
		assert_int_equal(text != NULL, cases[i].value != NULL);
		if (text)
			assert_string_equal(text, cases[i].value);
		free(text);
		json_decref(value);
	}
	json_decref(record);
	json_t *body = json_object();
	assert_int_equal(mapping_path_set(body, "title", json_string("t")), 0);
	assert_int_equal(mapping_path_set(body, "deadlines[1].at", json_string("d")), 0);
	assert_int_equal(mapping_path_set(body, "budget.amount", json_integer(5)), 0);
	assert_int_equal(mapping_path_set(body, "title.x", json_integer(5)), ERROR_SYNTAX);
	assert_int_equal(mapping_path_set(body, "deadlines[1000].at", json_null()), ERROR_SYNTAX);
	assert_int_equal(mapping_path_set(body, "deadlines[1]", json_null()), ERROR_SYNTAX);
	char *text = json_dumps(body, JSON_COMPACT);
	assert_string_equal(text,
		"{\"title\":\"t\",\"deadlines\":[{},{\"at\":\"d\"}],\"budget\":{\"amount\":5}}");
	free(text);
	json_decref(body);
}

static void test_bad_mappings(void **state)
{
	(void)state;
	static const struct {
		const char *yaml, *reason;
	} cases[] = {
		{"name: x\nmatch: {format: json, keys: [a]}\n", "fields is missing"},
		{"name: x\nmatch: {format: xml, keys: [a]}\nfields: {}\n", "match.format is 'xml'"},
		{"name: x\nmatch: {format: csv, keys: [a]}\nfields: {title: {form: [a]}}\n",
			"fields.title.form is a key that mappings do not have"},
		{"name: x\nmatch: {format: csv, keys: [a]}\nfields: {title: {kind: line}}\n",
			"either from or constant"},
		{"name: x\nmatch: {format: csv, keys: [a]}\nfields: {title: {from: [a], kind: word}}\n",
			"fields.title.kind is 'word'"},
		{"name: [\n", "broken at line"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mapping *m;
		struct complaint c = {0};
		assert_int_not_equal(mapping_parse("x.yaml", bytes_from_text(cases[i].yaml), &m, &c), 0);
		assert_string_equal(c.field, "x.yaml");
		if (!strstr(c.reason, cases[i].reason))
			fail_msg("'%s' lacks '%s'", c.reason, cases[i].reason);
	}
}

struct found {
	unsigned calls, refused;
	json_t *first;
	char name[32], field[96], reason[256];
};

static int on_call(void *user, const char *name, json_t *call, const struct complaint *c)
{
	struct found *f = user;
	if (call && !f->first)
		f->first = json_incref(call);
	f->calls += call != NULL;
	if (!call) {
		f->refused++;
		snprintf(f->name, sizeof(f->name), "%s", name);
		snprintf(f->field, sizeof(f->field), "%s", c->field);
		snprintf(f->reason, sizeof(f->reason), "%s", c->reason);
	}
	return 0;
}

static void test_apply(void **state)
{
	(void)state;
	static const char yaml[] =
		"name: test\nmatch: {format: csv, keys: [Title, Ends]}\n"
		"fields:\n"
		"  title: {from: [Title]}\n"
		"  funder: {from: [Who], default: The city}\n"
		"  language: {constant: en}\n"
		"  deadlines[0].at: {from: [Ends], kind: date, formats: ['%d.%m.%Y'], ignore: [none]}\n"
		"  deadlines[0].time_zone: {constant: Europe/Prague}\n"
		"  budget.amount: {from: [Money], kind: amount, optional: true}\n"
		"  budget.currency: {constant: CZK}\n"
		"  city_direct: {from: [City], kind: bool}\n"
		"  who_may_apply: {from: [For], kind: list, separator: ';'}\n";
	static const char csv[] = "Title,Who,Ends,Money,City,For\n"
		"Trees,MMR,31.03.2026,5 million,yes,cities; towns; cities\n"
		"Bikes,,none,later,,\n"
		"Roofs,MMR,soon,1,no,\n";
	struct mapping *m;
	struct complaint c = {0};
	struct mapping_input in;
	if (mapping_parse("t.yaml", bytes_from_text(yaml), &m, &c))
		fail_msg("%s", c.reason);
	assert_int_equal(mapping_input_read("x.csv", bytes_from_text(csv), &in, &c), 0);
	struct mapping_set set = {.mappings = &m, .count = 1};
	assert_ptr_equal(mapping_detect(&set, &in), m);
	struct found f = {0};
	assert_int_equal(mapping_apply(m, &in, on_call, &f, &c), 0);
	assert_int_equal(f.calls, 2);
	assert_int_equal(f.refused, 1);
	assert_string_equal(f.name, "line 4");
	assert_string_equal(f.field, "deadlines[0].at");
	assert_string_equal(f.reason,
		"is 'soon' in the source, which is no date that its mapping knows");
	char *text = json_dumps(f.first, JSON_COMPACT);
	assert_string_equal(text, "{\"title\":\"Trees\",\"funder\":\"MMR\",\"language\":\"en\","
		"\"deadlines\":[{\"at\":\"2026-03-31\",\"time_zone\":\"Europe/Prague\"}],"
		"\"budget\":{\"amount\":5000000,\"currency\":\"CZK\"},\"city_direct\":true,"
		"\"who_may_apply\":[\"cities\",\"towns\"]}");
	free(text);
	json_decref(f.first);
	mapping_input_deinit(&in);
	assert_int_equal(mapping_input_read("x.csv", bytes_from_text("A,B\n1,2\n"), &in, &c), 0);
	assert_null(mapping_detect(&set, &in));
	mapping_input_deinit(&in);
	mapping_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_csv),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_amounts),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_bad_mappings),
		cmocka_unit_test(test_apply),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
