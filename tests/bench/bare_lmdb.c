/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/bare_lmdb.h"

#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "store/big_endian.h"
#include "tests/bench/measure.h"

struct bare_lmdb {
	char folder[MEASURE_PATH_MAX];
	MDB_env *env;
	MDB_dbi dbi;
	uint64_t seq;
	uint8_t record[BARE_LMDB_RECORD_BYTES];
};

static void done(int r, const char *what)
{
	if (r)
		measure_die("%s: %s", what, mdb_strerror(r));
}

struct bare_lmdb *bare_lmdb_new(const char *root)
{
	struct bare_lmdb *db = calloc(1, sizeof(*db));
	MDB_txn *txn;
	if (!db)
		measure_die("no memory");
	measure_folder_make(root, db->folder);
	measure_fill(db->record, sizeof(db->record), 1);
	done(mdb_env_create(&db->env), "mdb_env_create");
	done(mdb_env_set_mapsize(db->env, (size_t)1 << 40), "mdb_env_set_mapsize");
	done(mdb_env_open(db->env, db->folder, MDB_NOTLS, 0600), "mdb_env_open");
	done(mdb_txn_begin(db->env, NULL, 0, &txn), "mdb_txn_begin");
	done(mdb_dbi_open(txn, NULL, 0, &db->dbi), "mdb_dbi_open");
	done(mdb_txn_commit(txn), "mdb_txn_commit");
	return db;
}

void bare_lmdb_free(struct bare_lmdb *db)
{
	if (!db)
		return;
	mdb_env_close(db->env);
	measure_folder_remove(db->folder);
	free(db);
}

void bare_lmdb_commit(struct bare_lmdb *db, uint32_t count)
{
	MDB_txn *txn;
	done(mdb_txn_begin(db->env, NULL, 0, &txn), "mdb_txn_begin");
	for (uint32_t i = 0; i < count; i++) {
		uint8_t bytes[12];
		put_u32(bytes, 1);
		put_u64(bytes + 4, db->seq++);
		memcpy(db->record, bytes, sizeof(bytes));
		MDB_val key = {sizeof(bytes), bytes}, value = {sizeof(db->record), db->record};
		done(mdb_put(txn, db->dbi, &key, &value, MDB_APPEND), "mdb_put");
	}
	done(mdb_txn_commit(txn), "mdb_txn_commit");
}

uint64_t bare_lmdb_disk_bytes(const struct bare_lmdb *db)
{
	char path[MEASURE_PATH_MAX + 16];
	struct stat st;
	snprintf(path, sizeof(path), "%s/data.mdb", db->folder);
	return stat(path, &st) == 0 ? (uint64_t)st.st_blocks * 512 : 0;
}

double bare_lmdb_rate(const char *root, uint64_t records, uint32_t batch)
{
	struct bare_lmdb *db = bare_lmdb_new(root);
	double start = measure_seconds();
	for (uint64_t left = records; left > 0;) {
		uint32_t count = left < batch ? (uint32_t)left : batch;
		bare_lmdb_commit(db, count);
		left -= count;
	}
	double took = measure_seconds() - start;
	bare_lmdb_free(db);
	return (double)records / took;
}
