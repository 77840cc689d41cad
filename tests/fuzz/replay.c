/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The main function of a fuzz target that is built without libFuzzer: feeds it every file named,
 * or found in a folder named, once. A crash or a sanitizer's finding fails the test. So does an
 * empty corpus: a target that replays nothing shows nothing.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fail(const char *path, const char *why)
{
	fprintf(stderr, "replay: %s: %s\n", path, why);
	exit(1);
}

static void replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	if (file == NULL)
		fail(path, strerror(errno));
	struct stat status;
	if (fstat(fileno(file), &status) != 0)
		fail(path, strerror(errno));
	size_t size = (size_t)status.st_size;
	/* Exactly as large as the input, so that one byte too far is seen. */
	uint8_t *data = malloc(size > 0 ? size : 1);
	if (data == NULL)
		fail(path, "out of memory");
	if (fread(data, 1, size, file) != size)
		fail(path, "short read");
	fclose(file);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
}

static size_t replay_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	if (dir == NULL)
		fail(folder, strerror(errno));
	size_t count = 0;
	for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
		if (entry->d_name[0] == '.')
			continue;
		char path[4096];
		int length = snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (length < 0 || (size_t)length >= sizeof(path))
			fail(folder, "path too long");
		replay_file(path);
		count++;
	}
	closedir(dir);
	return count;
}

int main(int argc, char **argv)
{
	size_t count = 0;
	for (int i = 1; i < argc; i++) {
		struct stat status;
		if (stat(argv[i], &status) != 0)
			fail(argv[i], strerror(errno));
		if (S_ISDIR(status.st_mode)) {
			count += replay_folder(argv[i]);
		} else {
			replay_file(argv[i]);
			count++;
		}
	}
	if (count == 0)
		fail(argc > 1 ? argv[1] : "no argument", "no input to replay");
	printf("replayed %zu inputs\n", count);
	return 0;
}
