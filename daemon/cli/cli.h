/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The `hansa` command: a client of the daemon's API. Only init, officer keys and `verify FILE` work
 * without a daemon.
 *
 * Start here: main.c reads the arguments by the table of command.c and calls the command's
 * function with a `struct cli`. To add a command, write its function and add its line to that
 * table; help, manual page and completions follow from it.
 *
 * Every function that may fail returns an exit code and has then said on standard error, in one
 * sentence, what is wrong and what to do.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/buffer.h"
#include "daemon/cli/arguments.h"

/** Exit codes; scripts rely on them. */
enum cli_exit {
	CLI_DONE = 0,
	CLI_REFUSED = 1,
	CLI_USAGE = 2,
	CLI_NO_DAEMON = 3,
};

#define CLI_PATH_MAX 1024
/** Of an answer that is kept in memory: the daemon is trusted, but not with all of it. */
#define CLI_ANSWER_MAX (64u << 20)

struct client;

struct cli {
	FILE *in, *out, *err;
	bool in_is_terminal, out_is_terminal, err_is_terminal;
	unsigned columns; /* of the terminal that `out` is; 0: lines are never cut */
	struct arguments arguments;
	const struct command *command;
	bool json;
	struct client *client; /* made when first asked for */
	char socket[CLI_PATH_MAX];
};

/** Sets streams, terminal and --json; `arguments` are parsed. */
void cli_init(struct cli *cli, FILE *in, FILE *out, FILE *err);
void cli_deinit(struct cli *cli);

/** "hansa: " and the sentence on standard error; returns CLI_REFUSED. */
__attribute__((format(printf, 2, 3))) int cli_refuse(struct cli *cli, const char *format, ...);
/** The same with a pointer to the command's help; returns CLI_USAGE. */
__attribute__((format(printf, 2, 3))) int cli_usage(struct cli *cli, const char *format, ...);
/** A remark on standard error that is no error. */
__attribute__((format(printf, 2, 3))) void cli_note(struct cli *cli, const char *format, ...);
/** "hansa: There is not enough memory."; returns CLI_REFUSED. */
int cli_no_memory(struct cli *cli);

/**
 * The value of an option, else NULL; the last one where it was given more than once.
 */
const char *cli_option(const struct cli *cli, enum option_id id);

/** A number from min to max, or `missing` where the option was not given. CLI_USAGE. */
int cli_option_number(
	struct cli *cli, enum option_id id, long min, long max, long missing, long *out);

/** Writes JSON and a newline; what would disturb a terminal is escaped. Takes the reference. */
int cli_print_json(struct cli *cli, json_t *json, size_t flags);

/** Writes text of a stranger: unprintable characters become '?'; line breaks only if `lines`. */
void cli_print_text(FILE *to, const char *text, bool lines);

/** A string member, "" if it is missing or of another type. Never NULL. */
const char *cli_text(const json_t *object, const char *key);
/** "2026-03-01 12:30" of an RFC 3339 time in UTC, "-" of none. */
const char *cli_time(const json_t *object, const char *key, char to[static 20]);

/** The client for --socket and its defaults. CLI_USAGE for a path that is too long. */
int cli_client(struct cli *cli, struct client **out);

/**
 * The network of --network, else the only one that there is: its slug, for free(). CLI_USAGE where
 * there are several, CLI_REFUSED where there is none.
 */
int cli_network(struct cli *cli, char **slug);
