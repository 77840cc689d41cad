/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/cli/arguments.h"

#include <getopt.h>
#include <string.h>

#include "daemon/cli/cli.h"
#include "daemon/cli/command.h"

const struct option_spec option_specs[OPTION_COUNT] = {
	[OPTION_SOCKET] = {"socket", "PATH",
		"the daemon's control socket (default: $HANSA_SOCKET, "
		"else control.sock in $HANSA_DATA_DIR, else /run/hansa/control.sock)"},
	[OPTION_JSON] = {"json", NULL, "print the result as JSON"},
	[OPTION_HELP] = {"help", NULL, "print help, of the command where one is named"},
	[OPTION_VERSION] = {"version", NULL, "print the version"},
	[OPTION_COMPLETION] = {"completion", "SHELL", "print completions for a shell: bash"},
	[OPTION_MANUAL] = {"manual", NULL, "print the manual page"},
	[OPTION_ADVERTISE] = {"advertise", "HOST:PORT", "what other cities dial"},
	[OPTION_ALLOW] = {"allow", "CITY", "allow links to a city again, and dial it"},
	[OPTION_AS] = {"as", "FORMAT", "cap, md or json"},
	[OPTION_ATTACH] = {"attach", "FILE", "attach a file to the record"},
	[OPTION_CITY] = {"city", "SLUG", "of this city only"},
	[OPTION_COUNTRY] = {"country", "CC", "its country, two letters as in ISO 3166"},
	[OPTION_CUT] = {"cut", NULL, "end the city's epoch at what this node holds of it"},
	[OPTION_DATA] = {"data", "DIR", "the data folder"},
	[OPTION_DENY] = {"deny", "CITY", "end the link to a city and take none until allowed again"},
	[OPTION_EXPIRES] = {"expires", "DURATION", "how long, such as 12h or 7d"},
	[OPTION_FINGERPRINT] = {"fingerprint", "FINGERPRINT", "compare with this one, ask nobody"},
	[OPTION_FOR] = {"for", "CITY", "what this city may lack"},
	[OPTION_FORCE] = {"force", NULL, "go on without what cannot be taken back"},
	[OPTION_FROM] = {"from", "CURSOR", "go on after this event; 0 is the beginning"},
	[OPTION_KEY] = {"key", "FINGERPRINT", "the fingerprint of the city's key"},
	[OPTION_LIMIT] = {"limit", "N", "at most so many"},
	[OPTION_LINES] = {"lines", "N", "so many lines"},
	[OPTION_LISTEN] = {"listen", "ADDR:PORT", "where to listen for other cities"},
	[OPTION_MAPPINGS] = {"mappings", "DIR", "the folder of mappings for calls in JSON and CSV"},
	[OPTION_NAME] = {"name", "NAME", "the name"},
	[OPTION_NETWORK] = {"network", "NETWORK", "the network; not needed where there is only one"},
	[OPTION_OFFICER_KEY] = {"officer-key", "FILE",
		"sign with this officer key (default: the "
		"network's officers' keys found in ~/.config/hansa/officers)"},
	[OPTION_OFFICER_NAME] = {"officer-name", "NAME", "the officer's name, shown to all members"},
	[OPTION_OPEN] = {"open", NULL, "only what has not expired, nor was cancelled or updated"},
	[OPTION_OUTPUT] = {"output", "FILE", "write to this file"},
	[OPTION_RAW] = {"raw", NULL, "the stored bytes that were hashed and signed"},
	[OPTION_REASON] = {"reason", "TEXT", "why; every member sees it"},
	[OPTION_SEAL] = {"seal", "CITY", "encrypt it so that only this city can open it"},
	[OPTION_SINCE] = {"since", "DATE", "a date or time, such as 2026-03-01"},
	[OPTION_SLUG] = {"slug", "SLUG", "the short name: a-z, 0-9 and dashes"},
	[OPTION_SPLIT] = {"split", "SIZE", "files of at most this size, such as 25M"},
	[OPTION_TOPIC] = {"topic", "TOPIC", "about this topic"},
	[OPTION_WITHDRAW] = {"withdraw", NULL, "take back the open invitation of this city"},
	[OPTION_YES] = {"yes", NULL, "ask nobody"},
};

bool arguments_have(const struct arguments *arguments, enum option_id id)
{
	for (size_t i = 0; i < arguments->option_count; i++)
		if (arguments->options[i].id == id)
			return true;
	return false;
}

const char *arguments_value(const struct arguments *arguments, enum option_id id)
{
	for (size_t i = arguments->option_count; i-- > 0;)
		if (arguments->options[i].id == id)
			return arguments->options[i].value;
	return NULL;
}

const char *arguments_next(const struct arguments *arguments, enum option_id id, size_t *at)
{
	while (*at < arguments->option_count) {
		size_t i = (*at)++;
		if (arguments->options[i].id == id)
			return arguments->options[i].value;
	}
	return NULL;
}

static int option_unknown(char **argv, FILE *err)
{
	/* Of a group of letters, -xyz, getopt tells only which letter it did not know. */
	if (optopt > ' ' && optopt < 127)
		fprintf(err, "hansa: There is no option -%c. Try `hansa --help`.\n", optopt);
	else if (strchr(argv[optind - 1], '='))
		fprintf(err, "hansa: %s: no such option, or it takes no value. Try `hansa --help`.\n",
			argv[optind - 1]);
	else
		fprintf(err, "hansa: There is no option %s. Try `hansa --help`.\n", argv[optind - 1]);
	return CLI_USAGE;
}

/** getopt's permutation puts the operands behind all options. */
static int options_read(int argc, char **argv, struct arguments *out, FILE *err)
{
	struct option options[OPTION_COUNT + 1] = {0};
	for (int i = 0; i < OPTION_COUNT; i++)
		options[i] = (struct option){option_specs[i].name,
			option_specs[i].argument ? required_argument : no_argument, NULL, i};
	optind = 0; /* glibc: start over, tests parse more than once */
	opterr = 0;
	for (;;) {
		int id = getopt_long(argc, argv, ":", options, NULL);
		if (id == -1)
			return 0;
		if (id == ':') {
			fprintf(
				err, "hansa: The option %s needs a value. Try `hansa --help`.\n", argv[optind - 1]);
			return CLI_USAGE;
		}
		if (id < 0 || id >= OPTION_COUNT)
			return option_unknown(argv, err);
		if (out->option_count == ARGUMENTS_OPTIONS_MAX) {
			fprintf(err, "hansa: There are more than %d options.\n", ARGUMENTS_OPTIONS_MAX);
			return CLI_USAGE;
		}
		out->options[out->option_count].id = (enum option_id)id;
		out->options[out->option_count++].value = optarg;
	}
}

static int command_read(int argc, char **argv, struct arguments *out, FILE *err)
{
	char **words = argv + optind;
	size_t count = (size_t)(argc - optind), used = 0;
	bool help = count > 0 && strcmp(words[0], "help") == 0; /* `hansa help list` */
	if (help) {
		words++;
		count--;
		if (out->option_count == ARGUMENTS_OPTIONS_MAX)
			out->option_count--;
		out->options[out->option_count++].id = OPTION_HELP;
	}
	if (count == 0)
		return 0;
	out->command = command_find(words, count, &used);
	if (!out->command && command_is_group(words[0])) {
		fprintf(err, "hansa: `hansa %s` needs a second word:", words[0]);
		for (const struct command *c = commands; c->verb; c++)
			if (strncmp(c->verb, words[0], strlen(words[0])) == 0 &&
				c->verb[strlen(words[0])] == ' ')
				fprintf(err, " %s", c->verb + strlen(words[0]) + 1);
		fputs(".\n", err);
		return CLI_USAGE;
	}
	if (!out->command) {
		fprintf(err, "hansa: There is no command `%s`. `hansa --help` lists them.\n", words[0]);
		return CLI_USAGE;
	}
	out->operands = words + used;
	out->operand_count = count - used;
	return 0;
}

static int command_check(const struct arguments *a, FILE *err)
{
	const struct command *c = a->command;
	for (size_t i = 0; i < a->option_count; i++) {
		enum option_id id = a->options[i].id;
		if (id >= OPTION_GLOBAL_COUNT && !command_option_find(c, id)) {
			fprintf(err, "hansa: `hansa %s` has no option --%s. Try `hansa %s --help`.\n", c->verb,
				option_specs[id].name, c->verb);
			return CLI_USAGE;
		}
	}
	for (size_t i = 0; i < c->option_count; i++) {
		if (c->options[i].required && !arguments_have(a, c->options[i].id)) {
			fprintf(err, "hansa: `hansa %s` needs --%s %s. Try `hansa %s --help`.\n", c->verb,
				option_specs[c->options[i].id].name, command_option_argument(&c->options[i]),
				c->verb);
			return CLI_USAGE;
		}
	}
	if (a->operand_count >= c->operands_min && a->operand_count <= c->operands_max)
		return 0;
	const char *wanted = c->operands[0] ? c->operands : "nothing";
	fprintf(err, "hansa: `hansa %s` takes %s%s; %s given. Try `hansa %s --help`.\n", c->verb,
		wanted, c->operands[0] ? "" : " beside its options",
		a->operand_count < c->operands_min ? "too little was" : "too much was", c->verb);
	return CLI_USAGE;
}

int arguments_parse(int argc, char **argv, struct arguments *out, FILE *err)
{
	memset(out, 0, sizeof(*out));
	int code = options_read(argc, argv, out, err);
	if (!code)
		code = command_read(argc, argv, out, err);
	if (code)
		return code;
	static const enum option_id pages[] = {
		OPTION_HELP, OPTION_VERSION, OPTION_COMPLETION, OPTION_MANUAL};
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		if (arguments_have(out, pages[i]))
			return 0;
	if (!out->command) {
		fputs("hansa: Name a command. `hansa --help` lists them.\n", err);
		return CLI_USAGE;
	}
	return command_check(out, err);
}
