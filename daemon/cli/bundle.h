/* SPDX-License-Identifier: Apache-2.0 */
/** `hansa bundle export`, `hansa bundle import`, and `hansa verify` of a bundle. */
#pragma once

#include <stdbool.h>

#include "daemon/cli/cli.h"

int bundle_export(struct cli *cli);
int bundle_import(struct cli *cli);
/** The file begins as a bundle does. */
bool bundle_is(const char *path);
/** It begins as a sealed one, which only its city can open. */
bool bundle_is_sealed(const char *path);
/** Offline: all parts that are named, in the order of their numbers. */
int bundle_verify(struct cli *cli);
