/* SPDX-License-Identifier: Apache-2.0 */
/** Help, the manual page and the completions, all made from the table of commands. */
#pragma once

#include <stdio.h>

#include "daemon/cli/command.h"

/** `hansa --help`; `hansa VERB --help`. */
void help_overview(FILE *to);
void help_command(const struct command *command, FILE *to);

/** hansa.1 in the macros of man(7). */
void help_manual(FILE *to);

/** Completions for bash. */
void help_completion_bash(FILE *to);
