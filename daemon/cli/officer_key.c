/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/cli/officer_key.h"

#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "crypto/key_file.h"

void officer_keys_free(struct officer_keys *keys)
{
	for (size_t i = 0; i < keys->count; i++)
		secret_key_free(keys->keys[i]);
	keys->count = 0;
}

void officer_key_free(struct officer_key *key)
{
	secret_key_free(key->key);
	key->key = NULL;
}

static const char *key_hex(const struct secret_key *key, char to[static TEXT_HEX_SIZE(32)])
{
	return text_hex_encode(to, public_key_bytes(secret_key_public(key)));
}

int officer_key_folder(struct cli *cli, char to[static CLI_PATH_MAX])
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	int len;
	if (config && config[0] == '/')
		len = snprintf(to, CLI_PATH_MAX, "%s/hansa/officers", config);
	else if (home && home[0] == '/')
		len = snprintf(to, CLI_PATH_MAX, "%s/.config/hansa/officers", home);
	else
		return cli_refuse(cli,
			"There is no home folder for officer keys: name a file with "
			"--officer-key.");
	if (len >= CLI_PATH_MAX - 64)
		return cli_refuse(cli,
			"The path of the home folder is too long: name a file with "
			"--officer-key.");
	return CLI_DONE;
}

/** Says what key_file found, which may have named the file itself. */
static int refuse_file(struct cli *cli, const char *path, const struct complaint *c, int code)
{
	const char *reason = c->reason[0] ? c->reason : error_text(code);
	if (strncmp(reason, path, strlen(path)) == 0)
		return cli_refuse(cli, "%s", reason);
	return cli_refuse(cli, "%s: %s", path, reason);
}

static int key_read(struct cli *cli, const char *path, struct secret_key **out)
{
	struct complaint c = {0};
	int code = key_file_read(path, out, &c);
	if (!code)
		return CLI_DONE;
	return refuse_file(cli, path, &c, code);
}

/**
 * A daemon's data folder is known by the keys in it. An officer's key there would be seized with
 * the server.
 */
static bool in_data_folder(const char *path)
{
	char folder[CLI_PATH_MAX], copy[CLI_PATH_MAX], mark[CLI_PATH_MAX + 32];
	snprintf(copy, sizeof(copy), "%s", path);
	char *real = realpath(dirname(copy), NULL);
	if (!real)
		return false;
	snprintf(folder, sizeof(folder), "%s", real);
	free(real);
	while (folder[0]) {
		static const char *const marks[] = {"hansad.yaml", "keys/node.key", "node.key"};
		for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
			snprintf(mark, sizeof(mark), "%s/%s", folder, marks[i]);
			if (access(mark, F_OK) == 0)
				return true;
		}
		*strrchr(folder, '/') = '\0';
	}
	return false;
}

static int path_new(struct cli *cli, const char *slug, struct officer_key *key)
{
	char folder[CLI_PATH_MAX], hex[TEXT_HEX_SIZE(32)];
	int code = officer_key_folder(cli, folder);
	if (code)
		return code;
	int len = snprintf(
		key->path, sizeof(key->path), "%s/%s-%.8s.key", folder, slug, key_hex(key->key, hex));
	if (len >= (int)sizeof(key->path))
		return cli_refuse(cli, "The path of the officer key is too long.");
	return CLI_DONE;
}

int officer_key_for_network(
	struct cli *cli, const char *path, const char *slug, struct officer_key *out)
{
	memset(out, 0, sizeof(*out));
	if (path && access(path, F_OK) == 0) {
		snprintf(out->path, sizeof(out->path), "%s", path);
		return key_read(cli, path, &out->key);
	}
	if (path && strlen(path) >= sizeof(out->path))
		return cli_refuse(cli, "The path of the officer key is too long.");
	int error = secret_key_new(&out->key);
	if (error)
		return cli_refuse(cli, "No key could be made: %s", error_text(error));
	out->is_new = true;
	if (!path)
		return path_new(cli, slug, out);
	snprintf(out->path, sizeof(out->path), "%s", path);
	return CLI_DONE;
}

/** Makes the folder of `path` and those above it. */
static int folder_make(struct cli *cli, const char *path)
{
	char part[CLI_PATH_MAX];
	for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		if (mkdir(part, 0700) != 0 && errno != EEXIST)
			return cli_refuse(cli, "%s cannot be made: %s.", part, strerror(errno));
	}
	return CLI_DONE;
}

int officer_key_write(struct cli *cli, struct officer_key *key)
{
	struct complaint c = {0};
	if (!key->is_new)
		return CLI_DONE;
	int code = cli_option(cli, OPTION_OFFICER_KEY) ? CLI_DONE : folder_make(cli, key->path);
	if (code)
		return code;
	if (in_data_folder(key->path))
		return cli_refuse(cli,
			"%s lies in a daemon's data folder, where it would be lost or seized "
			"with the server: choose another place with --officer-key.",
			key->path);
	int error = key_file_write(key->path, key->key, &c);
	if (error)
		return refuse_file(cli, key->path, &c, error);
	key->is_new = false;
	return CLI_DONE;
}

static bool is_officer(const json_t *officers, const struct secret_key *key)
{
	char hex[TEXT_HEX_SIZE(32)];
	size_t i;
	json_t *officer;
	key_hex(key, hex);
	json_array_foreach((json_t *)(uintptr_t)officers, i,
		officer) if (strcmp(cli_text(officer, "key"), hex) == 0) return true;
	return false;
}

/** Takes the key over; one that is there already is dropped. */
static void keys_add(struct officer_keys *keys, struct secret_key *key)
{
	for (size_t i = 0; i < keys->count; i++) {
		if (public_key_equal(secret_key_public(keys->keys[i]), secret_key_public(key))) {
			secret_key_free(key);
			return;
		}
	}
	if (keys->count < OFFICER_KEYS_MAX)
		keys->keys[keys->count++] = key;
	else
		secret_key_free(key);
}

static int keys_given(
	struct cli *cli, const json_t *officers, const char *network, struct officer_keys *out)
{
	size_t at = 0;
	const char *path;
	while ((path = arguments_next(&cli->arguments, OPTION_OFFICER_KEY, &at))) {
		struct secret_key *key;
		int code = key_read(cli, path, &key);
		if (code)
			return code;
		if (!is_officer(officers, key)) {
			secret_key_free(key);
			return cli_refuse(cli,
				"%s is not the key of an officer of %s; `hansa members --json` "
				"shows who they are.",
				path, network);
		}
		keys_add(out, key);
	}
	return CLI_DONE;
}

/**
 * Reads every key of the folder. One that cannot be read is spoken of only where no other was
 * found: it may belong to another network.
 */
static int keys_in_folder(
	struct cli *cli, const json_t *officers, const char *network, struct officer_keys *out)
{
	char folder[CLI_PATH_MAX], path[CLI_PATH_MAX + 300];
	struct complaint bad = {0};
	char bad_path[sizeof(path)] = "";
	int code = officer_key_folder(cli, folder);
	if (code)
		return code;
	DIR *dir = opendir(folder);
	for (struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir)) {
		size_t len = strlen(entry->d_name);
		struct secret_key *key;
		struct complaint c = {0};
		if (len < 5 || strcmp(entry->d_name + len - 4, ".key") != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		int error = key_file_read(path, &key, &c);
		if (!error && is_officer(officers, key)) {
			keys_add(out, key);
		} else if (!error) {
			secret_key_free(key);
		} else if (!bad.reason[0] || strncmp(entry->d_name, network, strlen(network)) == 0) {
			bad = c;
			snprintf(bad_path, sizeof(bad_path), "%s", path);
		}
	}
	if (dir)
		closedir(dir);
	if (out->count > 0)
		return CLI_DONE;
	if (bad.reason[0])
		return refuse_file(cli, bad_path, &bad, ERROR_KEY);
	return cli_refuse(cli,
		"There is no officer key of %s in %s. Only an officer can do this: run it "
		"where the key is, or name its file with --officer-key.",
		network, folder);
}

int officer_keys_find(
	struct cli *cli, const json_t *officers, const char *network, struct officer_keys *out)
{
	out->count = 0;
	int code = cli_option(cli, OPTION_OFFICER_KEY) ? keys_given(cli, officers, network, out)
												   : keys_in_folder(cli, officers, network, out);
	if (code)
		officer_keys_free(out);
	return code;
}
