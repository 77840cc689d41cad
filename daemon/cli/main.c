/* SPDX-License-Identifier: Apache-2.0 */
#include <curl/curl.h>
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "daemon/cli/cli.h"
#include "daemon/cli/command.h"
#include "daemon/cli/help.h"

/** The pages that need no command; -1: none was asked for. */
static int page(const struct arguments *arguments)
{
	const char *shell = arguments_value(arguments, OPTION_COMPLETION);
	if (arguments_have(arguments, OPTION_VERSION)) {
		puts("hansa " HANSA_VERSION);
	} else if (arguments_have(arguments, OPTION_HELP)) {
		if (arguments->command)
			help_command(arguments->command, stdout);
		else
			help_overview(stdout);
	} else if (arguments_have(arguments, OPTION_MANUAL)) {
		help_manual(stdout);
	} else if (shell && strcmp(shell, "bash") == 0) {
		help_completion_bash(stdout);
	} else if (shell) {
		fprintf(stderr, "hansa: There are completions for bash only, not for '%s'.\n", shell);
		return CLI_USAGE;
	} else {
		return -1;
	}
	return CLI_DONE;
}

int main(int argc, char **argv)
{
	struct cli cli = {0};
	/* The data is UTF-8 whatever the user's locale: widths of characters have to fit it. */
	setlocale(LC_CTYPE, "C.UTF-8");
	int code = arguments_parse(argc, argv, &cli.arguments, stderr);
	if (code)
		return code;
	code = page(&cli.arguments);
	if (code < 0) {
		if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
			fputs("hansa: There is not enough memory.\n", stderr);
			return CLI_REFUSED;
		}
		cli_init(&cli, stdin, stdout, stderr);
		code = cli.command->run(&cli);
		cli_deinit(&cli);
		curl_global_cleanup();
	}
	if (fflush(stdout) != 0 && !code) {
		fprintf(stderr, "hansa: Standard output cannot be written: %s.\n", strerror(errno));
		code = CLI_REFUSED;
	}
	return code;
}
