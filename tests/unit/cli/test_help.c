/* SPDX-License-Identifier: Apache-2.0 */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/cli/help.h"

static char *page(void (*write)(FILE *to))
{
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);
	write(to);
	fclose(to);
	return text;
}

/** The file in the source tree is what the table gives. */
static void compare(const char *name, void (*write)(FILE *to))
{
	char path[512], *made = page(write), *kept = NULL;
	const char *source = getenv("HANSA_SOURCE");
	assert_non_null(source);
	snprintf(path, sizeof(path), "%s/%s", source, name);
	FILE *file = fopen(path, "re");
	assert_non_null(file);
	size_t size = 0;
	assert_true(getdelim(&kept, &size, '\0', file) > 0);
	fclose(file);
	assert_string_equal(kept, made);
	free(kept);
	free(made);
}

/** To mend it: hansa --manual >docs/man/hansa.1 */
static void manual_is_of_the_table(void **state)
{
	(void)state;
	compare("docs/man/hansa.1", help_manual);
}

/** To mend it: hansa --completion bash >config/completions/hansa.bash */
static void completion_is_of_the_table(void **state)
{
	(void)state;
	compare("config/completions/hansa.bash", help_completion_bash);
}

static void every_command_is_in_the_overview(void **state)
{
	char *text = page(help_overview), line[64];
	(void)state;
	for (const struct command *c = commands; c->verb; c++) {
		snprintf(line, sizeof(line), "\n  %-16s", c->verb);
		assert_non_null(strstr(text, line));
	}
	free(text);
}

static void help_fits_a_terminal(void **state)
{
	(void)state;
	for (const struct command *c = commands; c->verb; c++) {
		char *text = NULL;
		size_t len;
		FILE *to = open_memstream(&text, &len);
		help_command(c, to);
		fclose(to);
		for (const char *at = text; *at; at += strcspn(at, "\n") + 1)
			assert_true(strcspn(at, "\n") <= 80);
		for (size_t i = 0; i < c->option_count; i++)
			assert_non_null(strstr(text, option_specs[c->options[i].id].name));
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(manual_is_of_the_table),
		cmocka_unit_test(completion_is_of_the_table),
		cmocka_unit_test(every_command_is_in_the_overview),
		cmocka_unit_test(help_fits_a_terminal),
	};
	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
