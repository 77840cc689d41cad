/* SPDX-License-Identifier: Apache-2.0 */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "daemon/cli/table.h"

static const struct table_column columns[] = {
	{"CITY", 0}, {"N", TABLE_RIGHT}, {"TITLE", TABLE_CUT}};

static char *print(const struct table *table, unsigned width)
{
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);
	assert_int_equal(table_print(table, to, width), 0);
	fclose(to);
	return text;
}

static void fill(struct table *table)
{
	table_init(table, columns, 3);
	table_add(table, "wien");
	table_add_format(table, "%d", 7);
	table_add(table, "Hochwasser an der Donau");
	table_add(table, "kosice");
	table_add_format(table, "%d", 123);
	table_add(table, "Košice: škody");
}

static void aligned_and_sorted(void **state)
{
	struct table table;
	(void)state;
	fill(&table);
	table_sort(&table, 0);
	char *text = print(&table, 0);
	assert_string_equal(text,
		"CITY      N  TITLE\n"
		"kosice  123  Košice: škody\n"
		"wien      7  Hochwasser an der Donau\n");
	free(text);
	table_deinit(&table);
}

static void cut_to_the_terminal(void **state)
{
	struct table table;
	(void)state;
	fill(&table);
	char *text = print(&table, 25);
	assert_string_equal(text,
		"CITY      N  TITLE\n"
		"wien      7  Hochwasser …\n"
		"kosice  123  Košice: ško…\n");
	free(text);
	/* However narrow, something stays readable. */
	text = print(&table, 3);
	assert_string_equal(text,
		"CITY      N  TITLE\n"
		"wien      7  Hochwas…\n"
		"kosice  123  Košice:…\n");
	free(text);
	table_deinit(&table);
}

static void wide_and_combining(void **state)
{
	(void)state;
	assert_int_equal(table_text_width("abc"), 3);
	assert_int_equal(table_text_width("Łódź"), 4);
	assert_int_equal(table_text_width("東京"), 4);
	assert_int_equal(table_text_width("e\u0301"), 1);
	struct table table;
	table_init(&table, columns, 3);
	table_add(&table, "東京");
	table_add(&table, "1");
	table_add(&table, "東京東京東京東京東京");
	char *text = print(&table, 20);
	/* A wide character that would be cut in half is left out. */
	assert_string_equal(text, "CITY  N  TITLE\n東京  1  東京東京東…\n");
	free(text);
	table_deinit(&table);
}

/** Titles are of strangers: none may write to the terminal. */
static void made_safe(void **state)
{
	struct table table;
	(void)state;
	table_init(&table, columns, 3);
	table_add(&table, "a\033[2Jb");
	table_add(&table, NULL);
	table_add(&table, "one\ntwo\xff \u202egnp");
	char *text = print(&table, 0);
	assert_string_equal(text, "CITY    N  TITLE\na?[2Jb  -  one two? ?gnp\n");
	free(text);
	table_deinit(&table);
}

static void empty_prints_nothing(void **state)
{
	struct table table;
	(void)state;
	table_init(&table, columns, 3);
	table_sort(&table, 0);
	char *text = print(&table, 0);
	assert_string_equal(text, "");
	free(text);
	table_deinit(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(aligned_and_sorted),
		cmocka_unit_test(cut_to_the_terminal),
		cmocka_unit_test(wide_and_combining),
		cmocka_unit_test(made_safe),
		cmocka_unit_test(empty_prints_nothing),
	};
	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
