/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/cli/help.h"

#include <ctype.h>

/** Text of a line that troff leaves alone: no escapes, no request at its beginning. */
static void roff(FILE *to, const char *text)
{
	if (*text == '.' || *text == '\'')
		fputs("\\&", to);
	for (; *text; text++) {
		if (*text == '\\')
			fputs("\\e", to);
		else if (*text == '-')
			fputs("\\-", to);
		else if (*text == '\n')
			fputs("\n.PP\n", to);
		else if (*text == '~')
			fputs("\\(ti", to);
		else if (*text == '`')
			fputs(text[1] == 'h' ? "\\fB" : "\\fR", to);
		else
			fputc(*text, to);
	}
}

static void capital(FILE *to, const char *text)
{
	fputc(toupper((unsigned char)text[0]), to);
	roff(to, text + 1);
}

static void option_paragraph(FILE *to, const char *name, const char *argument, const char *help)
{
	fputs(".TP\n\\fB\\-\\-", to);
	roff(to, name);
	fputs("\\fR", to);
	if (argument) {
		fputs(" \\fI", to);
		roff(to, argument);
		fputs("\\fR", to);
	}
	fputc('\n', to);
	capital(to, help);
	fputs(".\n", to);
}

static void command_section(FILE *to, const struct command *c)
{
	fprintf(to, ".SS hansa %s", c->verb);
	if (c->operands[0]) {
		fputc(' ', to);
		roff(to, c->operands);
	}
	fputc('\n', to);
	capital(to, c->summary);
	fputs(".\n", to);
	if (c->description[0]) {
		roff(to, c->description);
		fputc('\n', to);
	}
	for (size_t i = 0; i < c->option_count; i++) {
		option_paragraph(to, option_specs[c->options[i].id].name,
			command_option_argument(&c->options[i]), command_option_help(&c->options[i]));
		if (c->options[i].required)
			fputs("Needed.\n", to);
		if (c->options[i].repeated)
			fputs("May be given more than once.\n", to);
	}
}

static void ending(FILE *to)
{
	fputs(
		".SH EXIT STATUS\n.TP\n0\nDone.\n.TP\n1\nRefused; the reason stands on standard error.\n"
		".TP\n2\nThe command line is wrong.\n.TP\n3\nNo daemon answers at the socket.\n"
		".SH ENVIRONMENT\n.TP\n\\fBHANSA_SOCKET\\fR\nThe daemon's control socket, where "
		"\\fB\\-\\-socket\\fR is not given.\n.TP\n\\fBHANSA_DATA_DIR\\fR\nThe data folder; its "
		"control.sock is used where neither of these is given.\n.TP\n\\fBHANSA_MAPPINGS\\fR\nThe "
		"folder of mappings, where \\fB\\-\\-mappings\\fR is not given.\n.SH FILES\n.TP\n"
		"\\fI$XDG_CONFIG_HOME/hansa/officers/*.key\\fR, "
		"\\fI\\(ti/.config/hansa/officers/*.key\\fR\n"
		"Officers' keys. They must be readable by their owner only and never lie in a daemon's "
		"data folder.\n.TP\n\\fI/run/hansa/control.sock\\fR\nThe usual control socket.\n"
		".SH EXAMPLES\n.nf\nhansa init \\-\\-city Budapest \\-\\-slug budapest \\-\\-country HU "
		"\\-\\-data /var/lib/hansa \\-\\-listen 0.0.0.0:4400 "
		"\\-\\-advertise hansa.budapest.example:4400\n"
		"hansa network create \\-\\-name \"Pact of Free Cities\" \\-\\-slug pact\n"
		"hansa invite \\-\\-network pact \\-\\-city bratislava\n"
		"hansa publish alert flood.xml \\-\\-network pact\n"
		"hansa list call \\-\\-open\n.fi\n.SH SEE ALSO\n.BR hansad (8)\n",
		to);
}

void help_manual(FILE *to)
{
	fputs(
		".\\\" SPDX-License-Identifier: Apache-2.0\n"
		".\\\" Made by `hansa --manual` from the table of commands in daemon/cli/command.c.\n"
		".TH HANSA 1 \"\" \"hansa " HANSA_VERSION "\" \"Hansa\"\n.SH NAME\n"
		"hansa \\- exchange documents, funding calls and alerts with other cities\n.SH SYNOPSIS\n"
		".B hansa\n.I command\n.RI [ option ]...\n.RI [ operand ]...\n.SH DESCRIPTION\n"
		"Cities that belong to a network share documents of good practice, calls for funding and "
		"alerts. Each city runs \\fBhansad\\fR(8); \\fBhansa\\fR speaks to it through its control "
		"socket. Options may stand before or after operands.\n.SH OPTIONS\n",
		to);
	for (int i = 0; i <= OPTION_MANUAL; i++)
		option_paragraph(to, option_specs[i].name, option_specs[i].argument, option_specs[i].help);
	fputs(".SH COMMANDS\n", to);
	for (const struct command *c = commands; c->verb; c++)
		command_section(to, c);
	ending(to);
}
