/* SPDX-License-Identifier: Apache-2.0 */
/** `hansa get ID ATTACHMENT --output FILE`, and files that appear whole or not at all. */
#pragma once

#include "daemon/cli/cli.h"

int fetch_run(struct cli *cli);

/**
 * A file under a passing name beside its real one. What is there and no file (a device, a pipe) is
 * written to as it is: it must not be replaced.
 */
struct fetch_file {
	FILE *file;
	char path[CLI_PATH_MAX];           /* where the file lies, behind links */
	char temporary[CLI_PATH_MAX + 16]; /* empty: written as it is */
};

int fetch_file_open(struct cli *cli, const char *path, struct fetch_file *out);
/** Gives the file its name (keep), or removes it; CLI_REFUSED if it could not be written whole. */
int fetch_file_close(struct cli *cli, struct fetch_file *file, bool keep);
