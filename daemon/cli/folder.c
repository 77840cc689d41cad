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

static int add_unread(struct folder *out, const char *path)
{
	size_t exact = out->unread_count; /* these are few: grown one by one */
	char *copy = strdup(path);
	char **longer = copy ? reallocarray(out->unread, exact + 1, sizeof(*longer)) : NULL;
	if (!longer) {
		free(copy);
		return ERROR_MEMORY;
	}
	out->unread = longer;
	out->unread[out->unread_count++] = copy;
	return 0;
}

static int walk(const char *path, unsigned depth, struct folder *out);

static int visit(char *path, unsigned depth, struct folder *out)
{
	struct stat info;
	bool known = lstat(path, &info) == 0;
	bool is_folder = known && S_ISDIR(info.st_mode);
	if (known && S_ISLNK(info.st_mode) && stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
		free(path);
		return 0;
	}
	if (!is_folder)
		return add(&out->paths, &out->count, &out->capacity, path);
	int code = walk(path, depth + 1, out);
	if (code && code != ERROR_MEMORY)
		code = add_unread(out, path);
	free(path);
	return code;
}

static int walk(const char *path, unsigned depth, struct folder *out)
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
			code = visit(below, depth, out);
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
	memset(out, 0, sizeof(*out));
	int code = walk(path, 0, out);
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
	for (size_t i = 0; i < folder->unread_count; i++)
		free(folder->unread[i]);
	free(folder->paths);
	free(folder->unread);
	memset(folder, 0, sizeof(*folder));
}
