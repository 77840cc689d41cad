/* SPDX-License-Identifier: Apache-2.0 */
/** Whole reads and writes at a place of a file, and syncing names; private to lib/store. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/** All of it. ERROR_FULL, ERROR_IO. */
int file_write_at(int fd, uint64_t offset, struct bytes bytes);
/** All of it; ERROR_TRUNCATED at the file's end. */
int file_read_at(int fd, uint64_t offset, uint8_t *to, size_t len);
/** Makes the names in the folder that holds `path` durable. ERROR_IO. */
int file_sync_folder_of(const char *path);
