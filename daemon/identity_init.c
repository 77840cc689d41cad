/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/key_file.h"
#include "daemon/config.h"
#include "daemon/config_schema.h"
#include "daemon/identity.h"

static int addresses_check(const struct identity_request *r, struct complaint *complaint)
{
	if (r->listen_count > LIMIT_ADDRESSES || r->advertise_count > LIMIT_ADDRESSES)
		return complain(complaint, ERROR_FIELD,
			r->listen_count > LIMIT_ADDRESSES ? "listen" : "advertise", "At most %u addresses.",
			LIMIT_ADDRESSES);
	for (size_t i = 0; i < r->listen_count; i++) {
		if (config_address_check(r->listen[i], true))
			return complain(complaint, ERROR_FIELD, "listen",
				"\"%s\" is not ADDR:PORT, such as "
				"0.0.0.0:4400 or [::]:4400; port 0 lets one be chosen.",
				r->listen[i]);
		if (config_address_is_name(r->listen[i]))
			return complain(complaint, ERROR_FIELD, "listen",
				"\"%s\" is a name: give an address of this machine here, such as 0.0.0.0:4400, and "
				"the name with --advertise.",
				r->listen[i]);
	}
	for (size_t i = 0; i < r->advertise_count; i++)
		if (config_address_check(r->advertise[i], false) || config_address_is_any(r->advertise[i]))
			return complain(complaint, ERROR_FIELD, "advertise",
				"\"%s\" is not what others can dial, such as hansa.example.org:4400 or "
				"192.0.2.7:4400.",
				r->advertise[i]);
	return 0;
}

static int request_check(const struct identity_request *r, struct complaint *complaint)
{
	struct bytes name = bytes_from_text(r->name);
	if (name.len == 0 || name.len > 128 || !text_utf8_valid(name))
		return complain(complaint, ERROR_FIELD, "city", "A name is 1 to 128 bytes of UTF-8.");
	if (!r->slug || !text_slug_valid(bytes_from_text(r->slug)))
		return complain(complaint, ERROR_FIELD, "slug",
			"A slug is 1 to 32 of a-z, 0-9 and '-', "
			"begins with a letter, and has no '--' and no '-' at its end.");
	if (!r->country || strlen(r->country) != 2 ||
		strspn(r->country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 2)
		return complain(complaint, ERROR_FIELD, "country",
			"A country is two capital letters, as in ISO 3166: HU, SK, PL.");
	int code = addresses_check(r, complaint);
	if (code)
		return code;
	char path[IDENTITY_PATH_MAX];
	if (!r->dir || !r->dir[0] || identity_path(path, r->dir, IDENTITY_NODE_KEY_NEW))
		return complain(complaint, ERROR_FIELD, "data", "The folder's path is empty or too long.");
	return 0;
}

static int folder_make(const char *path, bool may_exist, struct complaint *complaint)
{
	if (mkdir(path, 0700) == 0 || (errno == EEXIST && may_exist))
		return 0;
	return complain(complaint, error_from_errno(errno), "data", "%s cannot be made: %s.", path,
		strerror(errno));
}

static int file_write(const char *path, const char *text, size_t len, struct complaint *complaint)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool good = fd >= 0 && write(fd, text, len) == (ssize_t)len && fsync(fd) == 0;
	int code = good ? 0 : error_from_errno(errno);
	if (fd >= 0)
		close(fd);
	return code ? complain(complaint, code, "data", "%s cannot be written.", path) : 0;
}

static int folder_sync(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int code = fd >= 0 && fsync(fd) == 0 ? 0 : ERROR_IO;
	if (fd >= 0)
		close(fd);
	return code;
}

static int config_write(
	const struct identity_request *r, const char *path, struct complaint *complaint)
{
	struct config config = {
		.city = {(char *)(uintptr_t)r->name, (char *)(uintptr_t)r->slug,
			(char *)(uintptr_t)r->country},
		.listen = {(char **)(uintptr_t)r->listen, (unsigned)r->listen_count},
		.advertise = {(char **)(uintptr_t)r->advertise, (unsigned)r->advertise_count},
		.dial_max = 8,
		.relay = true,
		.log = {.level = LOG_LEVEL_INFO},
		.attachments = {.fetch_max = UINT64_C(32) << 20},
		.link = {.accept_max = 1024, .compression = true},
	};
	char *text = NULL;
	size_t len = 0;
	FILE *file = open_memstream(&text, &len);
	if (!file)
		return ERROR_MEMORY;
	fputs("# hansad(8) describes every key; `hansad --config FILE --check` says what is wrong.\n",
		file);
	int code = config_print(&config, file);
	if (fclose(file))
		code = ERROR_MEMORY;
	if (!code)
		code = file_write(path, text, len, complaint);
	free(text);
	return code;
}

static int keys_write(
	const char *dir, char fingerprint[static TEXT_FINGERPRINT_SIZE], struct complaint *complaint)
{
	struct secret_key *city = NULL, *node = NULL;
	char path[IDENTITY_PATH_MAX], hex[TEXT_HEX_SIZE(PUBLIC_KEY_SIZE) + 1];
	int code = secret_key_new(&city);
	if (!code)
		code = secret_key_new(&node);
	if (!code && !identity_path(path, dir, IDENTITY_CITY_KEY))
		code = key_file_write(path, city, complaint);
	if (!code && !identity_path(path, dir, IDENTITY_NODE_KEY))
		code = key_file_write(path, node, complaint);
	if (!code && !identity_path(path, dir, IDENTITY_CITY_PUBLIC)) {
		const struct public_key *public = secret_key_public(city);
		text_fingerprint(fingerprint, public->bytes);
		text_hex_encode(hex, public_key_bytes(public));
		hex[2 * PUBLIC_KEY_SIZE] = '\n';
		code = file_write(path, hex, 2 * PUBLIC_KEY_SIZE + 1, complaint);
	}
	secret_key_free(city);
	secret_key_free(node);
	return code;
}

/* Only what this call made: it is called after the check that nothing of it was there. */
static void take_back(const char *dir)
{
	static const enum identity_file files[] = {
		IDENTITY_CONFIG, IDENTITY_CITY_KEY, IDENTITY_NODE_KEY, IDENTITY_CITY_PUBLIC};
	char path[IDENTITY_PATH_MAX];
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (!identity_path(path, dir, files[i]))
			unlink(path);
	if (!identity_path(path, dir, IDENTITY_KEYS))
		rmdir(path);
	if (!identity_path(path, dir, IDENTITY_STORE))
		rmdir(path);
	rmdir(dir);
}

static int make_all(
	const struct identity_request *r, char *fingerprint, struct complaint *complaint)
{
	char keys[IDENTITY_PATH_MAX], store[IDENTITY_PATH_MAX], config[IDENTITY_PATH_MAX];
	identity_path(keys, r->dir, IDENTITY_KEYS);
	identity_path(store, r->dir, IDENTITY_STORE);
	identity_path(config, r->dir, IDENTITY_CONFIG);
	int code = folder_make(keys, false, complaint);
	if (!code)
		code = folder_make(store, false, complaint);
	if (!code)
		code = keys_write(r->dir, fingerprint, complaint);
	if (!code)
		code = config_write(r, config, complaint);
	if (!code)
		code = folder_sync(keys);
	if (!code)
		code = folder_sync(r->dir);
	return code;
}

int identity_init(const struct identity_request *request,
	char fingerprint[static TEXT_FINGERPRINT_SIZE], struct complaint *complaint)
{
	static const enum identity_file taken[] = {IDENTITY_KEYS, IDENTITY_CONFIG, IDENTITY_STORE};
	int code = request_check(request, complaint);
	if (code)
		return code;
	char path[IDENTITY_PATH_MAX];
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		identity_path(path, request->dir, taken[i]);
		struct stat info;
		if (lstat(path, &info) == 0)
			return complain(complaint, ERROR_EXISTS, "data",
				"%s is there already: choose another folder.", path);
	}
	code = folder_make(request->dir, true, complaint);
	if (code)
		return code;
	struct complaint first = {0};
	code = make_all(request, fingerprint, &first);
	if (!code)
		return 0;
	take_back(request->dir);
	return complain(complaint, code, first.field[0] ? first.field : "data", "%s",
		first.reason[0] ? first.reason : error_text(code));
}
