/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/cli/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"

#define DEPTH_MAX 64

static int add(char ***list, size_t *count, size_t *capacity, char *path)
{
	if (*count == *capacity) {
		size_t more = *capacity ? 2 * *capacity : 64;
		char **longer = reallocarray(*list, more, sizeof(*longer));
		if (!longer) {
			free(path);
			return ERROR_MEMORY;
		}
		*list = longer;
		*capacity = more;
	}
	(*list)[(*count)++] = path;
	return 0;
}

static int skip(struct folder *out, const char *path, const char *reason)
{
	size_t exact = out->skipped_count; /* these are few: grown one by one */
	char *copy = strdup(path);
	struct folder_skipped *longer = copy ? reallocarray(out->skipped, exact + 1, sizeof(*longer))
										 : NULL;
	if (!longer) {
		free(copy);
		return ERROR_MEMORY;
	}
	out->skipped = longer;
	out->skipped[out->skipped_count++] = (struct folder_skipped){copy, reason};
	return 0;
}

/** NULL: it leads to a file in the folder, or nowhere, which is told when it is read. */
static const char *link_fault(const char *path, const char *root)
{
	struct stat info;
	char *target = realpath(path, NULL);
	const char *fault = NULL;
	size_t len = strlen(root);
	if (!target)
		return NULL;
	if (stat(target, &info) == 0 && S_ISDIR(info.st_mode))
		fault = "It is a link to a folder, which is not followed.";
	else if (strncmp(target, root, len) != 0 || (target[len] != '/' && root[len - 1] != '/'))
		fault = "It is a link that leads out of the folder: copy the file here.";
	free(target);
	return fault;
}

struct walk {
	struct folder *out;
	const char *root; /* without links */
};

static int walk(const struct walk *w, const char *path, unsigned depth);

static int visit(const struct walk *w, char *path, unsigned depth)
{
	struct stat info;
	struct folder *out = w->out;
	bool known = lstat(path, &info) == 0;
	const char *fault = known && S_ISLNK(info.st_mode) ? link_fault(path, w->root) : NULL;
	int code = 0;
	if (fault) {
		code = skip(out, path, fault);
	} else if (known && S_ISDIR(info.st_mode)) {
		code = walk(w, path, depth + 1);
		if (code && code != ERROR_MEMORY)
			code = skip(out, path, "The folder cannot be read.");
	} else {
		return add(&out->paths, &out->count, &out->capacity, path);
	}
	free(path);
	return code;
}

static int walk(const struct walk *w, const char *path, unsigned depth)
{
	if (depth > DEPTH_MAX)
		return ERROR_DEPTH;
	DIR *dir = opendir(path);
	if (!dir)
		return error_from_errno(errno);
	int code = 0;
	size_t len = strlen(path);
	const char *gap = len && path[len - 1] == '/' ? "" : "/";
	for (struct dirent *entry = readdir(dir); entry && !code; entry = readdir(dir)) {
		char *below = NULL;
		if (entry->d_name[0] == '.')
			continue;
		if (asprintf(&below, "%s%s%s", path, gap, entry->d_name) < 0)
			code = ERROR_MEMORY;
		else
			code = visit(w, below, depth);
	}
	closedir(dir);
	return code;
}

static int compare(const void *a, const void *b)
{
	char *const *left = a, *const *right = b;
	return strcmp(*left, *right);
}

int folder_walk(const char *path, struct folder *out)
{
	struct stat info;
	memset(out, 0, sizeof(*out));
	char *root = realpath(path, NULL);
	if (!root)
		return error_from_errno(errno);
	struct walk w = {out, root};
	int code = stat(root, &info) == 0 && !S_ISDIR(info.st_mode) ? ERROR_STATE : walk(&w, path, 0);
	free(root);
	if (code)
		folder_deinit(out);
	else if (out->count > 1)
		qsort(out->paths, out->count, sizeof(*out->paths), compare);
	return code;
}

void folder_deinit(struct folder *folder)
{
	for (size_t i = 0; i < folder->count; i++)
		free(folder->paths[i]);
	for (size_t i = 0; i < folder->skipped_count; i++)
		free(folder->skipped[i].path);
	free(folder->paths);
	free(folder->skipped);
	memset(folder, 0, sizeof(*folder));
}
