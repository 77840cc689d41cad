/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast the store takes runs, beside what bare LMDB does with one record a put on the same disk
 * in the same process: records of 1 KiB, MDB_APPEND, synced transactions of 1,024; against runs of
 * 512 entries in synced transactions of 1 MiB. Rounds alternate, so that a slow minute of the disk
 * meets both. No hashing here: the receiver's loop does that before.
 *
 * usage: bench_store [--records N] [--feeds N] [--rounds N] [--transaction BYTES] [--folder DIR]
 * prints lines `name value goal ratio`, as `./run bench` wants them.
 */
#include <ftw.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "store/big_endian.h"
#include "store/store.h"

#define RECORD_BYTES 1024u
#define RUN_ENTRIES 512u
#define BARE_BATCH 1024u

static uint64_t records = 200000, feeds = 10, rounds = 3, transaction = 1u << 20;
static const char *folder_root = "/tmp";

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* User and system time of this process. */
static double cpu_seconds(void)
{
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
		(double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void done(int r, const char *what)
{
	if (r) {
		fprintf(stderr, "bench_store: %s: %d %s\n", what, r, error_text(r));
		exit(1);
	}
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *w)
{
	(void)st, (void)kind, (void)w;
	return remove(path);
}

static void make_folder(char to[256])
{
	snprintf(to, 256, "%s/hansa-bench-XXXXXX", folder_root);
	require(mkdtemp(to));
}

static double file_ratio(const char *folder)
{
	char path[300];
	struct stat st;
	snprintf(path, sizeof path, "%s/data.mdb", folder);
	require(stat(path, &st) == 0);
	return (double)st.st_blocks * 512 / ((double)records * RECORD_BYTES);
}

/* One record a put, keyed (feed, seq) ascending, MDB_APPEND. */
static double bare_round(double *ratio, double *cpu_us)
{
	char folder[256];
	static uint8_t record[RECORD_BYTES];
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	make_folder(folder);
	done(mdb_env_create(&env), "env");
	done(mdb_env_set_mapsize(env, (size_t)1 << 40), "mapsize");
	done(mdb_env_open(env, folder, MDB_NOTLS, 0600), "open");
	done(mdb_txn_begin(env, NULL, 0, &txn), "begin");
	done(mdb_dbi_open(txn, NULL, 0, &dbi), "dbi");
	done(mdb_txn_commit(txn), "commit");
	double start = seconds(), cpu = cpu_seconds();
	for (uint64_t i = 0; i < records;) {
		done(mdb_txn_begin(env, NULL, 0, &txn), "begin");
		for (uint32_t j = 0; j < BARE_BATCH && i < records; j++, i++) {
			uint8_t bytes[12];
			put_u32(bytes, 1);
			put_u64(bytes + 4, i);
			memcpy(record, bytes, sizeof bytes);
			MDB_val key = {sizeof bytes, bytes}, value = {sizeof record, record};
			done(mdb_put(txn, dbi, &key, &value, MDB_APPEND), "put");
		}
		done(mdb_txn_commit(txn), "commit");
	}
	double took = seconds() - start;
	*cpu_us = (cpu_seconds() - cpu) * 1e6 / (double)records;
	mdb_env_close(env);
	*ratio = file_ratio(folder);
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return (double)records / took;
}

static struct hash named(uint8_t kind, uint64_t n)
{
	struct hash h = {{kind}};
	put_u64(h.bytes + 1, n * UINT64_C(0x9e3779b97f4a7c15));
	put_u64(h.bytes + 9, n);
	return h;
}

static int count_feed(void *ctx, const struct store_feed *feed)
{
	(void)feed;
	++*(uint64_t *)ctx;
	return 0;
}

static double store_round(double *ratio, double *cpu_us, double *start_ms)
{
	char folder[256];
	static uint8_t entries[RUN_ENTRIES * RECORD_BYTES];
	static struct run_entry index[RUN_ENTRIES];
	struct store *store;
	struct store_txn *txn = NULL;
	struct store_options options = {.reserve_bytes = 0};
	struct complaint complaint = {0};
	uint64_t *seqs = calloc(feeds, sizeof *seqs);
	require(seqs);
	make_folder(folder);
	done(store_lmdb_open(folder, &options, &store, &complaint), complaint.reason);
	for (uint32_t i = 0; i < RUN_ENTRIES; i++)
		index[i] = (struct run_entry){.offset = i * RECORD_BYTES, .length = RECORD_BYTES};
	double start = seconds(), cpu = cpu_seconds();
	for (uint64_t i = 0; i < records;) {
		uint64_t feed = i / RUN_ENTRIES % feeds;
		uint32_t count = records - i < RUN_ENTRIES ? (uint32_t)(records - i) : RUN_ENTRIES;
		struct store_run run = {
			.network_id = named('n', 1),
			.city_id = named('c', feed),
			.feed_id = named('f', feed),
			.lane = 3,
			.epoch = 1,
			.first_seq = seqs[feed] + 1,
			.count = count,
			.entries = bytes_of(entries, (size_t)count * RECORD_BYTES),
			.index = index,
			.checkpoint = true,
		};
		memcpy(entries, &i, sizeof i);
		if (!txn)
			done(store_begin(store, &txn), "begin");
		done(store_put_run(txn, &run, NULL), "put");
		seqs[feed] += count;
		i += count;
		if (store_txn_bytes(txn) >= transaction || i == records) {
			done(store_commit(txn), "commit");
			txn = NULL;
		}
	}
	double took = seconds() - start;
	*cpu_us = (cpu_seconds() - cpu) * 1e6 / (double)records;
	store_close(store);
	*ratio = file_ratio(folder);
	start = seconds();
	uint64_t seen = 0;
	done(store_lmdb_open(folder, &options, &store, &complaint), complaint.reason);
	done(store_each_feed(store, count_feed, &seen), "feeds");
	*start_ms = (seconds() - start) * 1000;
	require(seen == feeds || records < feeds * RUN_ENTRIES);
	store_close(store);
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(seqs);
	return (double)records / took;
}

/* One alert of 1 KiB a transaction, against one bare record a transaction. */
static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

#define COMMITS 400

static void alert_round(double p[2])
{
	char folder[256];
	static double took[COMMITS];
	uint8_t entry[RECORD_BYTES] = {1};
	struct store *store;
	struct store_options options = {.reserve_bytes = 0};
	make_folder(folder);
	done(store_lmdb_open(folder, &options, &store, NULL), "open");
	for (uint32_t i = 0; i < COMMITS; i++) {
		struct store_txn *txn;
		struct run_entry index = {.length = RECORD_BYTES};
		struct store_run run = {
			.feed_id = named('f', 1),
			.lane = 1,
			.epoch = 1,
			.first_seq = i + 1,
			.count = 1,
			.entries = bytes_of(entry, sizeof entry),
			.index = &index,
			.checkpoint = true,
		};
		double start = seconds();
		done(store_begin(store, &txn), "begin");
		done(store_put_run(txn, &run, NULL), "put");
		done(store_commit(txn), "commit");
		took[i] = seconds() - start;
	}
	store_close(store);
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	qsort(took, COMMITS, sizeof *took, by_value);
	p[0] = took[COMMITS / 2] * 1000;
	p[1] = took[COMMITS * 99 / 100] * 1000;
}

static void bare_alert_round(double p[2])
{
	char folder[256];
	static double took[COMMITS];
	uint8_t record[RECORD_BYTES] = {1};
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	make_folder(folder);
	done(mdb_env_create(&env), "env");
	done(mdb_env_set_mapsize(env, (size_t)1 << 40), "mapsize");
	done(mdb_env_open(env, folder, MDB_NOTLS, 0600), "open");
	for (uint32_t i = 0; i < COMMITS; i++) {
		uint8_t bytes[12];
		put_u32(bytes, 1);
		put_u64(bytes + 4, i);
		MDB_val key = {sizeof bytes, bytes}, value = {sizeof record, record};
		double start = seconds();
		done(mdb_txn_begin(env, NULL, 0, &txn), "begin");
		done(mdb_dbi_open(txn, NULL, 0, &dbi), "dbi");
		done(mdb_put(txn, dbi, &key, &value, MDB_APPEND), "put");
		done(mdb_txn_commit(txn), "commit");
		took[i] = seconds() - start;
	}
	mdb_env_close(env);
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	qsort(took, COMMITS, sizeof *took, by_value);
	p[0] = took[COMMITS / 2] * 1000;
	p[1] = took[COMMITS * 99 / 100] * 1000;
}

static double median(double *values, uint64_t n)
{
	qsort(values, n, sizeof *values, by_value);
	return values[n / 2];
}

int main(int argc, char **argv)
{
	for (int i = 1; i + 1 < argc; i += 2) {
		uint64_t n = strtoull(argv[i + 1], NULL, 10);
		if (strcmp(argv[i], "--records") == 0 && n)
			records = n;
		else if (strcmp(argv[i], "--feeds") == 0 && n)
			feeds = n;
		else if (strcmp(argv[i], "--rounds") == 0 && n && n <= 100)
			rounds = n;
		else if (strcmp(argv[i], "--transaction") == 0 && n)
			transaction = n;
		else if (strcmp(argv[i], "--folder") == 0)
			folder_root = argv[i + 1];
		else
			argc = 0;
	}
	if (argc == 0 || argc % 2 == 0) {
		fprintf(stderr,
			"usage: bench_store [--records N] [--feeds N] [--rounds N] "
			"[--transaction BYTES] [--folder DIR]\n");
		return 2;
	}
	double bare[100], packed[100], bare_disk = 0, packed_disk = 0, alert[2], bare_alert[2];
	double bare_cpu = 0, packed_cpu = 0, start_ms = 0;
	for (uint64_t i = 0; i < rounds; i++) {
		bare[i] = bare_round(&bare_disk, &bare_cpu);
		packed[i] = store_round(&packed_disk, &packed_cpu, &start_ms);
	}
	bare_alert_round(bare_alert);
	alert_round(alert);
	double b = median(bare, rounds), p = median(packed, rounds);
	printf("store_bare_lmdb_records_per_s %.0f - -\n", b);
	printf("store_put_run_records_per_s %.0f %.0f %.2f\n", p, b, p / b);
	printf("store_bare_lmdb_cpu_us_per_record %.3f - -\n", bare_cpu);
	printf("store_put_run_cpu_us_per_record %.3f %.3f %.2f\n", packed_cpu, bare_cpu,
		packed_cpu / bare_cpu);
	printf("store_start_ms %.2f 50 %.3f\n", start_ms, start_ms / 50);
	printf("store_bare_lmdb_disk_bytes_per_byte %.2f - -\n", bare_disk);
	printf("store_put_run_disk_bytes_per_byte %.2f %.2f %.2f\n", packed_disk, bare_disk,
		packed_disk / bare_disk);
	printf("store_bare_commit_p50_ms %.3f - -\n", bare_alert[0]);
	printf("store_alert_commit_p50_ms %.3f %.3f %.2f\n", alert[0], bare_alert[0],
		alert[0] / bare_alert[0]);
	printf("store_bare_commit_p99_ms %.3f - -\n", bare_alert[1]);
	printf("store_alert_commit_p99_ms %.3f %.3f %.2f\n", alert[1], bare_alert[1],
		alert[1] / bare_alert[1]);
	return 0;
}
