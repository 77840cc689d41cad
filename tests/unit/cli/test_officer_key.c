/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/text.h"
#include "daemon/cli/cli.h"
#include "daemon/cli/command.h"
#include "daemon/cli/officer_key.h"
#include "tests/unit/cli/run_cli.h"

struct fixture {
	char *home;
	struct cli cli;
	char *said;
	size_t said_len;
	char *argv[8];
};

/** A person's home, and a command line with or without --officer-key. */
static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	f->home = folder_new();
	unsetenv("XDG_CONFIG_HOME");
	setenv("HOME", f->home, 1);
	f->cli.err = open_memstream(&f->said, &f->said_len);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	fclose(f->cli.err);
	free(f->said);
	folder_remove(f->home);
	free(f);
	return 0;
}

static bool said(struct fixture *f, const char *text)
{
	fflush(f->cli.err);
	return strstr(f->said, text) != NULL;
}

static void option_set(struct fixture *f, const char *path)
{
	f->cli.arguments.option_count = 1;
	f->cli.arguments.options[0].id = OPTION_OFFICER_KEY;
	f->cli.arguments.options[0].value = path;
}

static json_t *officers_of(const struct secret_key *key)
{
	char hex[TEXT_HEX_SIZE(32)];
	text_hex_encode(hex, public_key_bytes(secret_key_public(key)));
	return json_pack("[{s:s, s:s}]", "key", hex, "name", "Anna");
}

/** Makes a key in the default folder. */
static struct officer_key key_made(struct fixture *f, const char *slug)
{
	struct officer_key key;
	assert_int_equal(officer_key_for_network(&f->cli, NULL, slug, &key), CLI_DONE);
	assert_true(key.is_new);
	assert_int_equal(officer_key_write(&f->cli, &key), CLI_DONE);
	return key;
}

static void made_for_the_person_alone(void **state)
{
	struct fixture *f = *state;
	struct stat info;
	char hex[TEXT_HEX_SIZE(32)], wanted[256];
	struct officer_key key = key_made(f, "pact");
	text_hex_encode(hex, public_key_bytes(secret_key_public(key.key)));
	snprintf(wanted, sizeof(wanted), "%s/.config/hansa/officers/pact-%.8s.key", f->home, hex);
	assert_string_equal(key.path, wanted);
	assert_int_equal(stat(wanted, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0600);
	*strrchr(wanted, '/') = '\0';
	assert_int_equal(stat(wanted, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0700);
	officer_key_free(&key);
}

static void config_home_is_obeyed(void **state)
{
	struct fixture *f = *state;
	char path[CLI_PATH_MAX];
	setenv("XDG_CONFIG_HOME", "/elsewhere", 1);
	assert_int_equal(officer_key_folder(&f->cli, path), CLI_DONE);
	assert_string_equal(path, "/elsewhere/hansa/officers");
	setenv("XDG_CONFIG_HOME", "relative", 1); /* to be ignored, says the XDG specification */
	assert_int_equal(officer_key_folder(&f->cli, path), CLI_DONE);
	assert_non_null(strstr(path, "/.config/hansa/officers"));
	unsetenv("HOME");
	assert_int_equal(officer_key_folder(&f->cli, path), CLI_REFUSED);
}

static void found_by_what_it_is(void **state)
{
	struct fixture *f = *state;
	struct officer_keys keys;
	struct officer_key mine = key_made(f, "pact"), other = key_made(f, "c40");
	json_t *officers = officers_of(other.key);
	/* The names of the files do not matter. */
	assert_int_equal(officer_keys_find(&f->cli, officers, "pact", &keys), CLI_DONE);
	assert_int_equal(keys.count, 1);
	assert_true(public_key_equal(secret_key_public(keys.keys[0]), secret_key_public(other.key)));
	officer_keys_free(&keys);
	option_set(f, mine.path);
	assert_int_equal(officer_keys_find(&f->cli, officers, "pact", &keys), CLI_REFUSED);
	assert_true(said(f, "is not the key of an officer of pact"));
	json_decref(officers);
	officer_key_free(&mine);
	officer_key_free(&other);
}

static void none_found(void **state)
{
	struct fixture *f = *state;
	struct officer_keys keys;
	json_t *officers = json_array();
	assert_int_equal(officer_keys_find(&f->cli, officers, "pact", &keys), CLI_REFUSED);
	assert_true(said(f, "There is no officer key of pact in "));
	assert_true(said(f, "--officer-key"));
	json_decref(officers);
}

static void readable_by_others_is_refused(void **state)
{
	struct fixture *f = *state;
	struct officer_keys keys;
	struct officer_key key = key_made(f, "pact"), again;
	json_t *officers = officers_of(key.key);
	assert_int_equal(chmod(key.path, 0640), 0);
	assert_int_equal(officer_keys_find(&f->cli, officers, "pact", &keys), CLI_REFUSED);
	assert_true(said(f, key.path));
	assert_true(said(f, "chmod"));
	assert_int_equal(officer_key_for_network(&f->cli, key.path, "pact", &again), CLI_REFUSED);
	json_decref(officers);
	officer_key_free(&key);
}

static void existing_one_is_used(void **state)
{
	struct fixture *f = *state;
	struct officer_key key = key_made(f, "pact"), again;
	option_set(f, key.path);
	assert_int_equal(officer_key_for_network(&f->cli, key.path, "c40", &again), CLI_DONE);
	assert_false(again.is_new);
	assert_true(public_key_equal(secret_key_public(again.key), secret_key_public(key.key)));
	officer_key_free(&again);
	officer_key_free(&key);
}

static void not_in_a_data_folder(void **state)
{
	struct fixture *f = *state;
	struct officer_key key;
	char path[256];
	file_write(f->home, "hansad.yaml", "");
	snprintf(path, sizeof(path), "%s/sub", f->home);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/sub/officer.key", f->home);
	option_set(f, path);
	assert_int_equal(officer_key_for_network(&f->cli, path, "pact", &key), CLI_DONE);
	assert_int_equal(officer_key_write(&f->cli, &key), CLI_REFUSED);
	assert_true(said(f, "lies in a daemon's data folder"));
	struct stat info;
	assert_int_equal(stat(path, &info), -1);
	officer_key_free(&key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(made_for_the_person_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(config_home_is_obeyed, setup, teardown),
		cmocka_unit_test_setup_teardown(found_by_what_it_is, setup, teardown),
		cmocka_unit_test_setup_teardown(none_found, setup, teardown),
		cmocka_unit_test_setup_teardown(readable_by_others_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(existing_one_is_used, setup, teardown),
		cmocka_unit_test_setup_teardown(not_in_a_data_folder, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
