/* SPDX-License-Identifier: Apache-2.0 */
/** Runs a command of the table within the test, with what it prints kept. */
#pragma once

#include <stddef.h>

struct run {
	int code;
	char *out, *err;
};

/** `line`: the arguments without "hansa", separated by single spaces. Free with run_free. */
struct run run_cli(const char *line);
/** The same with `input` as standard input. */
struct run run_cli_input(const char *line, const char *input);
void run_free(struct run *run);

/** A fresh folder, for free(); removed with folder_remove. */
char *folder_new(void);
void folder_remove(char *folder);
void file_write(const char *folder, const char *name, const char *text);
