/* SPDX-License-Identifier: Apache-2.0 */
/** The files below a folder, in sorted order. Names that begin with a dot are passed over. */
#pragma once

#include <stddef.h>

/** What lies in the folder and is left out. */
struct folder_skipped {
	char *path;
	const char *reason; /* a sentence */
};

struct folder {
	char **paths; /* the folder's path and what lies below it, sorted bytewise */
	size_t count, capacity;
	struct folder_skipped *skipped; /* subfolders that cannot be read, and links */
	size_t skipped_count;
};

/**
 * A link to a file in the folder counts as that file. One that leads out of it is skipped: whoever
 * may put a link there must not have another file of this user published. So is one to a folder: it
 * might lead round in circles. ERROR_NOT_FOUND, ERROR_STATE if it is no folder, ERROR_PERMISSION,
 * ERROR_IO of the folder itself; ERROR_MEMORY, ERROR_DEPTH.
 */
int folder_walk(const char *path, struct folder *out);
void folder_deinit(struct folder *folder);
