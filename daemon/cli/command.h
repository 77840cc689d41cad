/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The table of commands: usage, help, the manual page and the completions are made from it.
 */
#pragma once

#include "daemon/cli/arguments.h"

struct cli;

#define COMMAND_OPTIONS_MAX 10

/** An option as one command uses it; NULL: as in option_specs. */
struct command_option {
	enum option_id id;
	bool required;
	bool repeated;
	const char *argument;
	const char *help;
};

struct command {
	const char *verb;     /* one or two words; NULL ends the table */
	const char *operands; /* as usage shows them, "" for none */
	size_t operands_min, operands_max;
	const char *summary;     /* one line, no full stop */
	const char *description; /* sentences; a newline begins a paragraph */
	int (*run)(struct cli *cli);
	size_t option_count;
	struct command_option options[COMMAND_OPTIONS_MAX];
};

extern const struct command commands[];

/** The command of these words; *used is 1 or 2. NULL if there is none. */
const struct command *command_find(char *const *words, size_t count, size_t *used);
/** True if some command begins with this word, so that only its second one is missing. */
bool command_is_group(const char *word);

const struct command_option *command_option_find(const struct command *command, enum option_id id);
const char *command_option_argument(const struct command_option *option);
const char *command_option_help(const struct command_option *option);
