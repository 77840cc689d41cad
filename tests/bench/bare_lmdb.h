/* SPDX-License-Identifier: Apache-2.0 */
/**
 * LMDB without anything around it, as the yardstick: no hash, no signature, no index, one table.
 * Records of 1 KiB keyed (feed, seq) ascending, put with MDB_APPEND, synced transactions.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define BARE_LMDB_RECORD_BYTES 1024u

struct bare_lmdb;

/** In a new folder within `root`. All functions end the program on an error. */
struct bare_lmdb *bare_lmdb_new(const char *root);
/** Closes it and removes the folder; NULL is allowed. */
void bare_lmdb_free(struct bare_lmdb *db);
/** Puts `count` further records in one synced transaction. */
void bare_lmdb_commit(struct bare_lmdb *db, uint32_t count);
/** Bytes that the file takes on the disk. */
uint64_t bare_lmdb_disk_bytes(const struct bare_lmdb *db);

/** Records a second of `records` in transactions of `batch`, into a database of its own. */
double bare_lmdb_rate(const char *root, uint64_t records, uint32_t batch);
