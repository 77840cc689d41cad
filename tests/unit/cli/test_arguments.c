/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/cli/cli.h"
#include "daemon/cli/command.h"

static char words[512];
static char *argv[32];

/** Parses; the complaint, if any, is copied to `said`. */
static int parse(const char *line, struct arguments *out, char said[static 256])
{
	char *rest = words, *text = NULL;
	size_t len;
	int argc = 1;
	argv[0] = words + sizeof(words) - 1;
	snprintf(words, sizeof(words), "%s", line);
	for (char *word; (word = strsep(&rest, " "));)
		argv[argc++] = word;
	argv[argc] = NULL;
	FILE *err = open_memstream(&text, &len);
	int code = arguments_parse(argc, argv, out, err);
	fclose(err);
	snprintf(said, 256, "%s", text);
	free(text);
	return code;
}

static void options_stand_anywhere(void **state)
{
	static const char *const lines[] = {
		"list doc --city berlin --limit 5 --json",
		"--json list --limit 5 doc --city berlin",
		"--city berlin --limit=5 list --json doc",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct arguments a;
		char said[256];
		assert_int_equal(parse(lines[i], &a, said), 0);
		assert_string_equal(a.command->verb, "list");
		assert_int_equal(a.operand_count, 1);
		assert_string_equal(a.operands[0], "doc");
		assert_string_equal(arguments_value(&a, OPTION_CITY), "berlin");
		assert_string_equal(arguments_value(&a, OPTION_LIMIT), "5");
		assert_true(arguments_have(&a, OPTION_JSON));
	}
}

static void two_words_and_repeats(void **state)
{
	struct arguments a;
	char said[256];
	size_t at = 0;
	(void)state;
	assert_int_equal(parse("network create --name N --slug s", &a, said), 0);
	assert_string_equal(a.command->verb, "network create");
	assert_int_equal(a.operand_count, 0);
	assert_int_equal(parse("publish doc a b --topic x --topic y", &a, said), 0);
	assert_int_equal(a.operand_count, 3);
	assert_string_equal(arguments_next(&a, OPTION_TOPIC, &at), "x");
	assert_string_equal(arguments_next(&a, OPTION_TOPIC, &at), "y");
	assert_null(arguments_next(&a, OPTION_TOPIC, &at));
	assert_string_equal(arguments_value(&a, OPTION_TOPIC), "y");
}

static void operands_after_two_dashes(void **state)
{
	struct arguments a;
	char said[256];
	(void)state;
	assert_int_equal(parse("show -- --raw", &a, said), 0);
	assert_string_equal(a.operands[0], "--raw");
	assert_false(arguments_have(&a, OPTION_RAW));
}

static void usage_errors(void **state)
{
	static const struct {
		const char *line, *said;
	} cases[] = {
		{"list --frob", "There is no option --frob."},
		{"list -x", "There is no option -x."},
		{"list -x --city berlin doc", "There is no option -x."},
		{"list --limit", "The option --limit needs a value."},
		{"list --json=3", "--json=3: no such option, or it takes no value."},
		{"frob", "There is no command `frob`."},
		{"network", "`hansa network` needs a second word: create."},
		{"network frob", "`hansa network` needs a second word: create."},
		{"show", "`hansa show` takes ID; too little was given."},
		{"show a b", "`hansa show` takes ID; too much was given."},
		{"status now", "`hansa status` takes nothing beside its options; too much"},
		{"invite", "`hansa invite` needs --city SLUG."},
		{"status --city x", "`hansa status` has no option --city."},
		{"--json", "Name a command."},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arguments a;
		char said[256];
		assert_int_equal(parse(cases[i].line, &a, said), CLI_USAGE);
		assert_non_null(strstr(said, cases[i].said));
		assert_non_null(strstr(said, "hansa: "));
		assert_int_equal(said[strlen(said) - 1], '\n');
	}
}

static void help_needs_nothing_else(void **state)
{
	struct arguments a;
	char said[256];
	(void)state;
	assert_int_equal(parse("invite --help", &a, said), 0);
	assert_string_equal(a.command->verb, "invite");
	assert_int_equal(parse("help network create", &a, said), 0);
	assert_true(arguments_have(&a, OPTION_HELP));
	assert_string_equal(a.command->verb, "network create");
	assert_int_equal(parse("--help", &a, said), 0);
	assert_null(a.command);
}

/** Many options are refused, not written past the end. */
static void too_many_options(void **state)
{
	static char *many[ARGUMENTS_OPTIONS_MAX + 8];
	struct arguments a;
	char *text = NULL;
	size_t len;
	(void)state;
	for (size_t i = 0; i < ARGUMENTS_OPTIONS_MAX + 7; i++)
		many[i] = (char *)(uintptr_t) "--json";
	FILE *err = open_memstream(&text, &len);
	assert_int_equal(arguments_parse(ARGUMENTS_OPTIONS_MAX + 7, many, &a, err), CLI_USAGE);
	fclose(err);
	free(text);
}

static void table_is_whole(void **state)
{
	(void)state;
	for (const struct command *c = commands; c->verb; c++) {
		char last = c->summary[strlen(c->summary) - 1];
		assert_non_null(c->run);
		assert_true(last != '.' && c->operands_min <= c->operands_max);
		assert_true((c->operands[0] == '\0') == (c->operands_max == 0));
		for (size_t i = 0; i < c->option_count; i++) {
			assert_true(c->options[i].id >= OPTION_GLOBAL_COUNT);
			assert_ptr_equal(command_option_find(c, c->options[i].id), &c->options[i]);
			assert_non_null(command_option_help(&c->options[i]));
			/* Read in one pass: a switch here cannot take a value there. */
			assert_true(!c->options[i].argument || option_specs[c->options[i].id].argument);
		}
	}
	for (int i = 0; i < OPTION_COUNT; i++)
		assert_true(option_specs[i].name && option_specs[i].help);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_stand_anywhere),
		cmocka_unit_test(two_words_and_repeats),
		cmocka_unit_test(operands_after_two_dashes),
		cmocka_unit_test(usage_errors),
		cmocka_unit_test(help_needs_nothing_else),
		cmocka_unit_test(too_many_options),
		cmocka_unit_test(table_is_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
