/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Secret keys on disk: PEM, PKCS#8, unencrypted, mode 0600, as the openssl command reads and
 * writes them.
 */
#pragma once

#include "base/error.h"
#include "crypto/key.h"

/**
 * Creates `path` (never replaces: ERROR_EXISTS) with mode 0600, syncs the file and its folder. On
 * an error nothing is left behind. ERROR_EXISTS, ERROR_PERMISSION, ERROR_FULL, ERROR_IO,
 * ERROR_NOT_FOUND (no such folder). `complaint` may be NULL.
 */
int key_file_write(const char *path, const struct secret_key *key, struct complaint *complaint);

/**
 * Reads a key. Refused: a symbolic link or anything but a regular file (ERROR_KEY), an owner
 * other than the effective user (ERROR_PERMISSION), any permission for group or others
 * (ERROR_KEY_EXPOSED, with the chmod that mends it), a file over 8 KiB, one that is encrypted or
 * is not Ed25519 (ERROR_KEY). The checks are made on the opened file, not on its name. Never
 * prints content.
 */
int key_file_read(const char *path, struct secret_key **out, struct complaint *complaint);
