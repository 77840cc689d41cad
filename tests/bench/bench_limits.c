/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the machine can do without Hansa: the yardsticks of tests/bench/bench, each in a mode of its
 * own. Prints `name value` lines.
 *
 *   bench_limits sync FOLDER COUNT           fdatasync of 4 KiB, appended and overwritten
 *   bench_limits lmdb FOLDER RECORDS BATCH   bare LMDB, records of 1 KiB a second
 *   bench_limits commits FOLDER COUNT PAUSE_MS [BYTES MB_PER_S]
 *                                            one-record commits, alone and by two in a row (two
 *                                            databases), beside a file written at that rate
 *   bench_limits file FOLDER BYTES           a plain file written and synced
 *   bench_limits tls BYTES                   TLS 1.3 over loopback, records of 16 KiB
 *   bench_limits cpu                         Ed25519 verifications, SHA-256 of 1 KiB, a second
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "crypto/hash.h"
#include "crypto/key.h"
#include "tests/bench/bare_lmdb.h"
#include "tests/bench/measure.h"
#include "tests/bench/tls_loop.h"

#define WRITE_BYTES (256u * 1024) /* an attachment's chunk */
#define SYNC_EACH (8u << 20)      /* as the daemon does */
#define CPU_SECONDS 0.3

static int file_open(const char *folder, char path[static MEASURE_PATH_MAX + 16])
{
	snprintf(path, MEASURE_PATH_MAX + 16, "%s/file", folder);
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0)
		measure_die("%s: %s", path, strerror(errno));
	return fd;
}

static void write_all(int fd, const void *data, size_t len, uint64_t at)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = pwrite(fd, (const char *)data + done, len - done, (off_t)(at + done));
		if (n < 0)
			measure_die("write: %s", strerror(errno));
		done += (size_t)n;
	}
}

static void sync_now(int fd)
{
	if (fdatasync(fd) != 0)
		measure_die("fdatasync: %s", strerror(errno));
}

static void sync_mode(const char *root, size_t count)
{
	char folder[MEASURE_PATH_MAX], path[MEASURE_PATH_MAX + 16];
	uint8_t page[4096];
	double *took = calloc(count, sizeof(*took));
	require(took);
	measure_fill(page, sizeof(page), 1);
	measure_folder_make(root, folder);
	int fd = file_open(folder, path);
	for (int overwrite = 0; overwrite < 2; overwrite++) {
		const char *how = overwrite ? "overwrite" : "append";
		for (size_t i = 0; i < count; i++) {
			double start = measure_seconds();
			write_all(fd, page, sizeof(page), i * sizeof(page));
			sync_now(fd);
			took[i] = (measure_seconds() - start) * 1000;
		}
		printf("sync_4k_%s_p50_ms %.3f\n", how, measure_percentile(took, count, 0.5));
		printf("sync_4k_%s_p99_ms %.3f\n", how, measure_percentile(took, count, 0.99));
	}
	close(fd);
	measure_folder_remove(folder);
	free(took);
}

/* ---- a file written ---- */

struct file_write {
	const char *root;
	uint64_t bytes;
	double rate;        /* bytes a second; 0: as fast as it goes */
	uint32_t sync_each; /* 0: once at the end */
	atomic_bool stop;
	double took;
};

static void *file_write_run(void *ctx)
{
	struct file_write *f = ctx;
	char folder[MEASURE_PATH_MAX], path[MEASURE_PATH_MAX + 16];
	uint8_t *block = malloc(WRITE_BYTES);
	require(block);
	measure_fill(block, WRITE_BYTES, 2);
	measure_folder_make(f->root, folder);
	int fd = file_open(folder, path);
	double start = measure_seconds();
	uint64_t at = 0;
	while (at < f->bytes && !atomic_load(&f->stop)) {
		write_all(fd, block, WRITE_BYTES, at);
		at += WRITE_BYTES;
		if (f->sync_each && at % f->sync_each == 0)
			sync_now(fd);
		double ahead = f->rate > 0 ? (double)at / f->rate - (measure_seconds() - start) : 0;
		if (ahead > 0)
			measure_sleep_ms(ahead * 1000);
	}
	sync_now(fd);
	f->took = measure_seconds() - start;
	close(fd);
	measure_folder_remove(folder);
	free(block);
	return NULL;
}

static void file_mode(const char *root, uint64_t bytes)
{
	struct file_write f = {.root = root, .bytes = bytes};
	file_write_run(&f);
	printf("file_mb_per_s %.1f\n", (double)bytes / 1e6 / f.took);
}

/* ---- commits ---- */

static void commits_mode(
	const char *root, size_t count, double pause_ms, uint64_t beside, double rate)
{
	struct bare_lmdb *one = bare_lmdb_new(root), *other = bare_lmdb_new(root);
	struct file_write f = {.root = root, .bytes = beside, .rate = rate, .sync_each = SYNC_EACH};
	double *single = calloc(count, sizeof(*single)), *both = calloc(count, sizeof(*both));
	const char *where = beside ? "_bulk" : "";
	pthread_t writer;
	require(single && both);
	if (beside) {
		require(pthread_create(&writer, NULL, file_write_run, &f) == 0);
		measure_sleep_ms(100);
	}
	for (size_t i = 0; i < count; i++) {
		double start = measure_seconds();
		bare_lmdb_commit(one, 1);
		double middle = measure_seconds();
		bare_lmdb_commit(other, 1);
		single[i] = (middle - start) * 1000;
		both[i] = (measure_seconds() - start) * 1000;
		measure_sleep_ms(pause_ms);
	}
	if (beside) {
		atomic_store(&f.stop, true);
		pthread_join(writer, NULL);
	}
	printf("commit_p50%s_ms %.3f\n", where, measure_percentile(single, count, 0.5));
	printf("commit_p99%s_ms %.3f\n", where, measure_percentile(single, count, 0.99));
	printf("two_commits_p50%s_ms %.3f\n", where, measure_percentile(both, count, 0.5));
	printf("two_commits_p99%s_ms %.3f\n", where, measure_percentile(both, count, 0.99));
	bare_lmdb_free(one);
	bare_lmdb_free(other);
	free(single);
	free(both);
}

/* ---- the processor ---- */

static void cpu_mode(void)
{
	static const uint8_t seed[SECRET_SEED_SIZE] = {1};
	static uint8_t record[1024];
	struct secret_key *key;
	struct verifier *verifier;
	struct signature signature;
	struct hasher hasher;
	struct hash hash;
	struct bytes message = bytes_of(record, 256);
	uint64_t count = 0;

	require(secret_key_from_seed(seed, &key) == 0 && verifier_new(&verifier) == 0);
	require(hasher_init(&hasher) == 0 && secret_key_sign(key, message, &signature) == 0);
	double start = measure_seconds(), now = start;
	for (; now - start < CPU_SECONDS; now = measure_seconds(), count++)
		require(verifier_verify(verifier, secret_key_public(key), message, &signature) == 0);
	printf("ed25519_verify_per_s %.0f\n", (double)count / (now - start));
	count = 0;
	for (start = now; now - start < CPU_SECONDS; now = measure_seconds()) {
		for (int i = 0; i < 64; i++, count++) {
			hasher_begin(&hasher, NULL);
			hasher_add(&hasher, bytes_of(record, sizeof(record)));
			require(hasher_end(&hasher, &hash) == 0);
		}
	}
	printf("sha256_1k_per_s %.0f\n", (double)count / (now - start));
	hasher_deinit(&hasher);
	verifier_free(verifier);
	secret_key_free(key);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	if (strcmp(mode, "sync") == 0 && argc == 4)
		sync_mode(argv[2], measure_number(argv[3]));
	else if (strcmp(mode, "lmdb") == 0 && argc == 5)
		printf("lmdb_records_per_s %.0f\n",
			bare_lmdb_rate(argv[2], measure_number(argv[3]), (uint32_t)measure_number(argv[4])));
	else if (strcmp(mode, "commits") == 0 && (argc == 5 || argc == 7))
		commits_mode(argv[2], measure_number(argv[3]), (double)measure_number(argv[4]),
			argc == 7 ? measure_number(argv[5]) : 0,
			argc == 7 ? (double)measure_number(argv[6]) * 1e6 : 0);
	else if (strcmp(mode, "file") == 0 && argc == 4)
		file_mode(argv[2], measure_number(argv[3]));
	else if (strcmp(mode, "tls") == 0 && argc == 3)
		printf("tls_mb_per_s %.1f\n", tls_loop_rate(measure_number(argv[2])) / 1e6);
	else if (strcmp(mode, "cpu") == 0 && argc == 2)
		cpu_mode();
	else {
		fputs("usage: bench_limits sync|lmdb|commits|file|tls|cpu ARGUMENT...\n", stderr);
		return 2;
	}
	return 0;
}
