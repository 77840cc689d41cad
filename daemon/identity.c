/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "crypto/key_file.h"

static const char *const file_names[IDENTITY_FILE_COUNT] = {
	[IDENTITY_CONFIG] = "hansad.yaml",
	[IDENTITY_SOCKET] = "control.sock",
	[IDENTITY_KEYS] = "keys",
	[IDENTITY_CITY_KEY] = "keys/city.key",
	[IDENTITY_CITY_PUBLIC] = "keys/city.pub",
	[IDENTITY_CITY_ID] = "keys/city.id",
	[IDENTITY_NODE_KEY] = "keys/node.key",
	[IDENTITY_NODE_KEY_NEW] = "keys/node.key.new",
	[IDENTITY_GUARD] = "keys/guard",
	[IDENTITY_BOOTSTRAP] = "keys/bootstrap",
	[IDENTITY_STORE] = "store",
	[IDENTITY_PORT] = "port",
};

int identity_path(char to[static IDENTITY_PATH_MAX], const char *dir, enum identity_file file)
{
	int len = snprintf(to, IDENTITY_PATH_MAX, "%s/%s", dir, file_names[file]);
	return len < 0 || len >= IDENTITY_PATH_MAX ? ERROR_SIZE : 0;
}

static int folder_check(const char *path, struct complaint *complaint)
{
	struct stat info;
	if (stat(path, &info) && errno == ENOENT)
		return complain(complaint, ERROR_NOT_FOUND, "data",
			"There is no folder %s: `hansa init` makes a city's folder, and `data` in the "
			"configuration names it.",
			path);
	if (stat(path, &info))
		return complain(complaint, error_from_errno(errno), "data", "%s cannot be read: %s.", path,
			strerror(errno));
	if (!S_ISDIR(info.st_mode))
		return complain(complaint, ERROR_STATE, "data", "%s is not a folder.", path);
	if (info.st_uid != geteuid())
		return complain(complaint, ERROR_PERMISSION, "data",
			"%s belongs to another user: run as that user, or chown it.", path);
	if (info.st_mode & (S_IWGRP | S_IWOTH))
		return complain(complaint, ERROR_KEY_EXPOSED, "data",
			"%s can be changed by others: chmod go-w it.", path);
	return 0;
}

/* A file of n bytes in hexadecimal; ERROR_NOT_FOUND without a complaint. */
static int hex_read(const char *path, void *to, size_t n, struct complaint *complaint)
{
	char text[2 * 32 + 2];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT)
		return ERROR_NOT_FOUND;
	ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof(text));
	if (fd >= 0)
		close(fd);
	if (got < 0)
		return complain(complaint, ERROR_IO, "keys", "%s cannot be read.", path);
	size_t len = (size_t)got;
	if (len > 0 && text[len - 1] == '\n')
		len--;
	if (text_hex_decode(to, n, bytes_of(text, len)))
		return complain(
			complaint, ERROR_SYNTAX, "keys", "%s is not %zu hexadecimal digits.", path, 2 * n);
	return 0;
}

static int city_load(const char *dir, struct identity *out, struct complaint *complaint)
{
	char key[IDENTITY_PATH_MAX], public[IDENTITY_PATH_MAX], id[IDENTITY_PATH_MAX];
	identity_path(key, dir, IDENTITY_CITY_KEY);
	identity_path(public, dir, IDENTITY_CITY_PUBLIC);
	identity_path(id, dir, IDENTITY_CITY_ID);
	int code = hex_read(public, out->city_public.bytes, PUBLIC_KEY_SIZE, complaint);
	bool known = !code;
	if (code && code != ERROR_NOT_FOUND)
		return code;
	if (access(key, F_OK) == 0) {
		code = key_file_read(key, &out->city_key, complaint);
		/* The key of another city would speak for that one, and sign on its feeds. */
		if (!code && known &&
			!public_key_equal(&out->city_public, secret_key_public(out->city_key)))
			code = complain(complaint, ERROR_KEY, "keys",
				"%s is the key of another city than %s: put this city's own back.", key, public);
		if (!code)
			out->city_public = *secret_key_public(out->city_key);
	} else if (!known) {
		code = complain(complaint, code, "keys", "There is neither %s nor %s.", key, public);
	} else if (public_key_admit(&out->city_public)) {
		code = complain(complaint, ERROR_KEY, "keys", "%s holds no Ed25519 key.", public);
	}
	if (code)
		return code;
	code = hex_read(id, out->city_id.bytes, HASH_SIZE, complaint);
	if (code == ERROR_NOT_FOUND)
		code = hash_of("hansa city 1", public_key_bytes(&out->city_public), &out->city_id);
	return code;
}

int identity_load(const char *dir, struct identity *out, struct complaint *complaint)
{
	memset(out, 0, sizeof(*out));
	char keys[IDENTITY_PATH_MAX], node[IDENTITY_PATH_MAX];
	/* node.key.new is the longest name */
	if (identity_path(keys, dir, IDENTITY_NODE_KEY_NEW))
		return complain(complaint, ERROR_SIZE, "data", "The folder's path is too long.");
	identity_path(keys, dir, IDENTITY_KEYS);
	identity_path(node, dir, IDENTITY_NODE_KEY);
	int code = folder_check(dir, complaint);
	if (!code)
		code = folder_check(keys, complaint);
	if (!code)
		code = city_load(dir, out, complaint);
	if (!code && access(node, F_OK) && errno == ENOENT)
		code = complain(complaint, ERROR_NOT_FOUND, "keys",
			"There is no %s: put it back from your copy of the folder keys.", node);
	if (!code)
		code = key_file_read(node, &out->node_key, complaint);
	if (code) {
		identity_deinit(out);
		return code;
	}
	out->node_public = *secret_key_public(out->node_key);
	code = identity_sealing(out->node_key, out->sealing_public);
	if (code)
		identity_deinit(out);
	return code;
}

int identity_sealing_secret(
	const struct secret_key *node_key, uint8_t out[static IDENTITY_SEALING_SIZE])
{
	uint8_t seed[SECRET_SEED_SIZE];
	size_t seed_len = sizeof(seed);
	struct hash secret;
	if (EVP_PKEY_get_raw_private_key(secret_key_evp(node_key), seed, &seed_len) != 1)
		return ERROR_CRYPTO;
	int code = hash_of("hansa sealing 1", bytes_of(seed, seed_len), &secret);
	secret_wipe(seed, sizeof(seed));
	memcpy(out, secret.bytes, IDENTITY_SEALING_SIZE);
	secret_wipe(&secret, sizeof(secret));
	return code;
}

int identity_sealing(const struct secret_key *node_key, uint8_t out[static IDENTITY_SEALING_SIZE])
{
	size_t len = IDENTITY_SEALING_SIZE;
	struct hash secret;
	int code = identity_sealing_secret(node_key, secret.bytes);
	EVP_PKEY *key = code
		? NULL
		: EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, secret.bytes, HASH_SIZE);
	secret_wipe(&secret, sizeof(secret));
	bool good = key && EVP_PKEY_get_raw_public_key(key, out, &len) == 1;
	EVP_PKEY_free(key);
	return good ? 0 : ERROR_CRYPTO;
}

void identity_deinit(struct identity *identity)
{
	secret_key_free(identity->city_key);
	secret_key_free(identity->node_key);
	memset(identity, 0, sizeof(*identity));
}

int identity_renew_prepare(const char *dir, struct secret_key **out, struct complaint *complaint)
{
	char path[IDENTITY_PATH_MAX];
	if (identity_path(path, dir, IDENTITY_NODE_KEY_NEW))
		return complain(complaint, ERROR_SIZE, "data", "The folder's path is too long.");
	if (access(path, F_OK) == 0)
		return key_file_read(path, out, complaint);
	int code = secret_key_new(out);
	if (code)
		return complain(complaint, code, "keys", "%s", error_text(code));
	code = key_file_write(path, *out, complaint);
	if (code) {
		secret_key_free(*out);
		*out = NULL;
	}
	return code;
}

int identity_renew_finish(const char *dir, struct complaint *complaint)
{
	char from[IDENTITY_PATH_MAX], to[IDENTITY_PATH_MAX], keys[IDENTITY_PATH_MAX];
	identity_path(from, dir, IDENTITY_NODE_KEY_NEW);
	identity_path(to, dir, IDENTITY_NODE_KEY);
	identity_path(keys, dir, IDENTITY_KEYS);
	int fd = open(keys, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool done = fd >= 0 && rename(from, to) == 0 && fsync(fd) == 0;
	int code = done ? 0 : error_from_errno(errno);
	if (fd >= 0)
		close(fd);
	return code ? complain(complaint, code, "keys", "%s cannot take the place of %s.", from, to)
				: 0;
}
