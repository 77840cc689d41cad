/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Arguments of the command line: options may stand before or after operands, as getopt_long reads
 * them. An option means the same kind of thing in all commands (with or without a value), so all
 * arguments are read in one pass and judged by the command afterwards.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum option_id {
	OPTION_SOCKET,
	OPTION_JSON,
	OPTION_HELP,
	OPTION_VERSION,
	OPTION_COMPLETION,
	OPTION_MANUAL,
	OPTION_ADVERTISE,
	OPTION_ALLOW,
	OPTION_AS,
	OPTION_ATTACH,
	OPTION_CITY,
	OPTION_COUNTRY,
	OPTION_CUT,
	OPTION_DATA,
	OPTION_DENY,
	OPTION_EXPIRES,
	OPTION_FINGERPRINT,
	OPTION_FOR,
	OPTION_FORCE,
	OPTION_FROM,
	OPTION_KEY,
	OPTION_LIMIT,
	OPTION_LINES,
	OPTION_LISTEN,
	OPTION_MAPPINGS,
	OPTION_NAME,
	OPTION_NETWORK,
	OPTION_OFFICER_KEY,
	OPTION_OFFICER_NAME,
	OPTION_OPEN,
	OPTION_OUTPUT,
	OPTION_RAW,
	OPTION_REASON,
	OPTION_SEAL,
	OPTION_SINCE,
	OPTION_SLUG,
	OPTION_SPLIT,
	OPTION_TOPIC,
	OPTION_WITHDRAW,
	OPTION_YES,
	OPTION_COUNT,
};

/** What stands for the global options in the help; `argument` NULL: a switch. */
struct option_spec {
	const char *name;
	const char *argument;
	const char *help;
};
extern const struct option_spec option_specs[OPTION_COUNT];
/** The first so many are allowed with every command. */
#define OPTION_GLOBAL_COUNT 4

#define ARGUMENTS_OPTIONS_MAX 256

struct arguments {
	struct {
		enum option_id id;
		const char *value; /* NULL of a switch */
	} options[ARGUMENTS_OPTIONS_MAX];
	size_t option_count;
	const struct command *command; /* NULL: none was named */
	char **operands;               /* what follows the command's name; borrowed from argv */
	size_t operand_count;
};

/**
 * Reads argv, whose order it changes. 0, or CLI_USAGE after one sentence on `err`: an option that
 * is not known or not the command's, a missing value, too few or too many operands, no such
 * command. With --help, --version, --manual and --completion only the options' form is judged.
 */
int arguments_parse(int argc, char **argv, struct arguments *out, FILE *err);

bool arguments_have(const struct arguments *arguments, enum option_id id);
/** The last value given, NULL if none. */
const char *arguments_value(const struct arguments *arguments, enum option_id id);
/** All values in order: start with *at = 0; NULL at the end. */
const char *arguments_next(const struct arguments *arguments, enum option_id id, size_t *at);
