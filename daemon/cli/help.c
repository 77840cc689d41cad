/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/cli/help.h"

#include <ctype.h>
#include <string.h>

#include "base/bytes.h"
#include "daemon/cli/table.h"

#define WIDTH 80

/** Words of a text, wrapped at WIDTH, every line `indent` columns in; the cursor stands at `at`. */
static void wrap(FILE *to, const char *text, size_t indent, size_t at)
{
	while (*text) {
		size_t len = strcspn(text, " \n");
		char word[256];
		snprintf(word, sizeof(word), "%.*s", (int)len, text);
		size_t width = table_text_width(word);
		if (at > indent && at + 1 + width > WIDTH) {
			fprintf(to, "\n%*s", (int)indent, "");
			at = indent;
		} else if (at > indent) {
			fputc(' ', to);
			at++;
		}
		fputs(word, to);
		at += width;
		text += len;
		text += *text ? 1 : 0;
	}
	fputc('\n', to);
}

static void option_line(FILE *to, const char *name, const char *argument, const char *help)
{
	int len = fprintf(to, "  --%s%s%s", name, argument ? " " : "", argument ? argument : "");
	const int column = 26;
	if (len + 2 > column) {
		fprintf(to, "\n%*s", column, "");
		len = column;
	}
	fprintf(to, "%*s", column - len, "");
	wrap(to, help, (size_t)column, (size_t)column);
}

/** One option as usage shows it, on the next line where it does not fit. */
static size_t usage_option(FILE *to, const struct command_option *option, size_t at, size_t indent)
{
	char text[128];
	const char *argument = command_option_argument(option);
	int len = snprintf(text, sizeof(text), "%s--%s%s%s%s%s", option->required ? "" : "[",
		option_specs[option->id].name, argument ? " " : "", argument ? argument : "",
		option->required ? "" : "]", option->repeated ? "..." : "");
	if (at + 1 + (size_t)len > WIDTH) {
		fprintf(to, "\n%*s", (int)indent, "");
		at = indent;
	}
	fprintf(to, " %s", text);
	return at + 1 + (size_t)len;
}

static void usage_line(FILE *to, const struct command *command)
{
	int indent = fprintf(to, "usage: hansa %s", command->verb), at = indent;
	if (command->operands[0])
		at += fprintf(to, " %s", command->operands);
	size_t column = (size_t)at;
	for (size_t i = 0; i < command->option_count; i++)
		column = usage_option(to, &command->options[i], column, (size_t)indent);
	fputc('\n', to);
}

void help_command(const struct command *command, FILE *to)
{
	usage_line(to, command);
	fputc('\n', to);
	fprintf(to, "%c%s.\n", toupper((unsigned char)command->summary[0]), command->summary + 1);
	if (command->description[0]) {
		fputc('\n', to);
		wrap(to, command->description, 0, 0);
	}
	fputs("\noptions:\n", to);
	for (size_t i = 0; i < command->option_count; i++)
		option_line(to, option_specs[command->options[i].id].name,
			command_option_argument(&command->options[i]),
			command_option_help(&command->options[i]));
	for (int i = 0; i < OPTION_GLOBAL_COUNT; i++)
		option_line(to, option_specs[i].name, option_specs[i].argument, option_specs[i].help);
}

void help_overview(FILE *to)
{
	fputs("usage: hansa COMMAND [OPTION]... [OPERAND]...\n\n"
		  "Exchange documents, funding calls and alerts with other cities.\n\ncommands:\n",
		to);
	for (const struct command *c = commands; c->verb; c++)
		fprintf(to, "  %-16s%s\n", c->verb, c->summary);
	fputs("\noptions of every command:\n", to);
	for (int i = 0; i < OPTION_GLOBAL_COUNT; i++)
		option_line(to, option_specs[i].name, option_specs[i].argument, option_specs[i].help);
	fputs("\n`hansa COMMAND --help` says more. Exit codes: 0 done, 1 refused, 2 wrong usage, 3 no "
		  "daemon.\n",
		to);
}
