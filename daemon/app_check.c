/* SPDX-License-Identifier: Apache-2.0 */
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/app_loop.h"
#include "daemon/http_peer.h"
#include "daemon/config_schema.h"
#include "store/guard_file.h"

int app_socket_path(const struct config *config, char to[static IDENTITY_PATH_MAX])
{
	if (!config->control.socket)
		return identity_path(to, config->data, IDENTITY_SOCKET);
	snprintf(to, IDENTITY_PATH_MAX, "%s", config->control.socket);
	return 0;
}

static int check_control(const struct config *config, struct complaint *complaint)
{
	char path[IDENTITY_PATH_MAX];
	if (app_socket_path(config, path) || strlen(path) > 107) /* unix(7) */
		return complain(complaint, ERROR_SIZE, "control.socket",
			"The socket's path has more than 107 bytes: set control.socket to a shorter one.");
	if (config->control.group && !getgrnam(config->control.group))
		return complain(complaint, ERROR_FIELD, "control.group", "The system has no group '%s'.",
			config->control.group);
	struct http_roles roles;
	int code = http_roles_load(&config->control.roles, geteuid(), &roles, complaint);
	http_roles_deinit(&roles);
	return code;
}

/* A store that a running daemon has open is a good one. */
static int check_store(const struct config *config, struct complaint *complaint)
{
	char path[IDENTITY_PATH_MAX], data[IDENTITY_PATH_MAX + 16];
	struct stat info;
	int code = identity_path(path, config->data, IDENTITY_STORE);
	if (code)
		return complain(complaint, code, "data", "The folder's path is too long.");
	if (stat(path, &info))
		return 0; /* made by the next start */
	if (!S_ISDIR(info.st_mode))
		return complain(complaint, ERROR_STATE, "data", "%s is not a folder.", path);
	snprintf(data, sizeof(data), "%s/data.mdb", path);
	if (stat(data, &info))
		return 0; /* made by the first start */
	struct store *store;
	struct store_options options = {.limit_bytes = config->store.limit};
	code = store_lmdb_open(path, &options, &store, complaint);
	if (code == ERROR_BUSY) {
		*complaint = (struct complaint){0};
		return 0;
	}
	if (!code)
		store_close(store);
	return code;
}

static int check_guard(const struct config *config, struct complaint *complaint)
{
	char path[IDENTITY_PATH_MAX];
	struct stat info;
	struct guard_file *guard;
	int code = identity_path(path, config->data, IDENTITY_GUARD);
	if (code || stat(path, &info))
		return 0;
	code = guard_file_open(path, &guard, complaint);
	if (!code)
		guard_file_close(guard);
	return code;
}

static bool dialable(const struct config *config)
{
	for (unsigned i = 0; i < config->listen.count; i++)
		if (!config_address_is_any(config->listen.items[i]))
			return true;
	return config->advertise.count > 0 || config->listen.count == 0;
}

int app_check(const char *config_path, const char **note, struct complaint *complaint)
{
	struct config config;
	struct identity identity;
	int code = config_load(config_path, &config, complaint);
	*note = NULL;
	if (code)
		return code;
	code = identity_load(config.data, &identity, complaint);
	if (!code) {
		identity_deinit(&identity);
		code = check_control(&config, complaint);
	}
	if (!code)
		code = check_store(&config, complaint);
	if (!code)
		code = check_guard(&config, complaint);
	*note = dialable(&config) ? NULL : APP_NOT_DIALABLE;
	config_deinit(&config);
	return code;
}
