/* SPDX-License-Identifier: Apache-2.0 */
/** The files below a folder, in sorted order. Names that begin with a dot are passed over. */
#pragma once

#include <stddef.h>

struct folder {
	char **paths; /* the folder's path and what lies below it, sorted bytewise */
	size_t count, capacity;
	char **unread; /* subfolders that could not be read */
	size_t unread_count;
};

/**
 * A link to a file counts as that file, one to a folder is passed over (it might lead round in
 * circles). ERROR_NOT_FOUND, ERROR_PERMISSION, ERROR_IO of the folder itself; ERROR_MEMORY,
 * ERROR_DEPTH.
 */
int folder_walk(const char *path, struct folder *out);
void folder_deinit(struct folder *folder);
