/* SPDX-License-Identifier: Apache-2.0 */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "daemon/cli/cli.h"
#include "daemon/cli/command.h"
#include "tests/unit/cli/run_cli.h"

#define WORDS_MAX 32

struct run run_cli_input(const char *line, const char *input)
{
	struct cli cli = {0};
	struct run run = {0};
	char words[4096], *argv[WORDS_MAX + 1] = {(char *)(uintptr_t) "hansa"}, *rest = words;
	size_t out_len, err_len;
	int argc = 1;
	FILE *out = open_memstream(&run.out, &out_len), *err = open_memstream(&run.err, &err_len);
	FILE *in = fmemopen((void *)(uintptr_t)input, strlen(input) + 1, "r");
	require(out && err && in);
	snprintf(words, sizeof(words), "%s", line);
	for (char *word; (word = strsep(&rest, " "));) {
		require(argc < WORDS_MAX);
		argv[argc++] = word;
	}
	run.code = arguments_parse(argc, argv, &cli.arguments, err);
	if (!run.code) {
		cli_init(&cli, in, out, err);
		run.code = cli.command->run(&cli);
		cli_deinit(&cli);
	}
	fclose(out);
	fclose(err);
	fclose(in);
	return run;
}

struct run run_cli(const char *line)
{
	return run_cli_input(line, "\n");
}

void run_free(struct run *run)
{
	free(run->out);
	free(run->err);
	memset(run, 0, sizeof(*run));
}

char *folder_new(void)
{
	char *folder = strdup("/tmp/hansa-cli-XXXXXX");
	require(folder && mkdtemp(folder));
	return folder;
}

static int on_path(const char *path, const struct stat *info, int type, struct FTW *walk)
{
	(void)info;
	(void)type;
	(void)walk;
	return remove(path);
}

void folder_remove(char *folder)
{
	nftw(folder, on_path, 16, FTW_DEPTH | FTW_PHYS);
	free(folder);
}

void file_write(const char *folder, const char *name, const char *text)
{
	char path[512];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "we");
	require(file && fputs(text, file) >= 0 && fclose(file) == 0);
}
