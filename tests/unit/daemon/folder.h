/* SPDX-License-Identifier: Apache-2.0 */
/** A temporary folder for each test, whose path is *state. */
#pragma once

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static inline int folder_setup(void **state)
{
	const char *base = getenv("TMPDIR");
	char path[512];
	snprintf(path, sizeof(path), "%s/hansa-test-XXXXXX", base ? base : "/tmp");
	if (!mkdtemp(path))
		return -1;
	*state = strdup(path);
	return *state ? 0 : -1;
}

static inline int folder_remove(
	const char *path, const struct stat *info, int type, struct FTW *position)
{
	(void)info, (void)type, (void)position;
	return remove(path);
}

static inline int folder_teardown(void **state)
{
	int failed = nftw(*state, folder_remove, 8, FTW_DEPTH | FTW_PHYS);
	free(*state);
	return failed;
}
