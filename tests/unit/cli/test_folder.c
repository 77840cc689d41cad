/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdbool.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "daemon/cli/folder.h"
#include "tests/unit/cli/run_cli.h"

static void sorted_and_whole(void **state)
{
	char *root = folder_new(), path[128];
	struct folder folder;
	(void)state;
	snprintf(path, sizeof(path), "%s/b", root);
	assert_int_equal(mkdir(path, 0700), 0);
	file_write(root, "b/2.md", "");
	file_write(root, "b/10.md", "");
	file_write(root, "c.md", "");
	file_write(root, "a.md", "");
	file_write(root, ".hidden", "");
	snprintf(path, sizeof(path), "%s/b/round", root);
	assert_int_equal(symlink(root, path), 0); /* a circle */
	snprintf(path, sizeof(path), "%s/gone", root);
	assert_int_equal(symlink("/nonexistent/file", path), 0);
	assert_int_equal(folder_walk(root, &folder), 0);
	static const char *const wanted[] = {"/a.md", "/b/10.md", "/b/2.md", "/c.md", "/gone"};
	assert_int_equal(folder.count, 5);
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(folder.paths[i] + strlen(root), wanted[i]);
	folder_deinit(&folder);
	folder_remove(root);
}

/** Only what lies in the folder is published, whatever a link says. */
static void links_that_lead_out(void **state)
{
	char *root = folder_new(), path[128];
	struct folder folder;
	(void)state;
	snprintf(path, sizeof(path), "%s/b", root);
	assert_int_equal(mkdir(path, 0700), 0);
	file_write(root, "a.md", "");
	file_write(root, "bb.md", "");
	file_write(root, "b/c.md", "");
	snprintf(path, sizeof(path), "%s/b/1", root);
	assert_int_equal(symlink("../a.md", path), 0);
	snprintf(path, sizeof(path), "%s/b/2", root);
	assert_int_equal(symlink("../bb.md", path), 0); /* its path begins as the folder's */
	snprintf(path, sizeof(path), "%s/b/3", root);
	assert_int_equal(symlink("c.md", path), 0);
	snprintf(path, sizeof(path), "%s/b/4", root);
	assert_int_equal(symlink(".", path), 0);
	snprintf(path, sizeof(path), "%s/b", root);
	assert_int_equal(folder_walk(path, &folder), 0);
	assert_int_equal(folder.count, 2);
	assert_string_equal(folder.paths[0] + strlen(path), "/3");
	assert_string_equal(folder.paths[1] + strlen(path), "/c.md");
	assert_int_equal(folder.skipped_count, 3);
	for (size_t i = 0; i < 3; i++) {
		const struct folder_skipped *one = &folder.skipped[i];
		bool to_folder = strcmp(one->path + strlen(path), "/4") == 0;
		assert_non_null(strstr(one->reason, to_folder ? "to a folder" : "leads out"));
	}
	folder_deinit(&folder);
	snprintf(path, sizeof(path), "%s/a.md", root);
	assert_int_equal(folder_walk(path, &folder), ERROR_STATE);
	folder_remove(root);
}

static void missing_folder(void **state)
{
	struct folder folder;
	(void)state;
	assert_int_equal(folder_walk("/nonexistent/folder", &folder), ERROR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sorted_and_whole),
		cmocka_unit_test(links_that_lead_out),
		cmocka_unit_test(missing_folder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
