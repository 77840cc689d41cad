/* SPDX-License-Identifier: Apache-2.0 */
/** The reader threads, with attachments on a disk that does not answer: named pipes. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <uv.h>

#include "base/error.h"
#include "daemon/reader.h"
#include "store/attachment_file.h"
#include "store/store.h"
#include "tests/unit/daemon/folder.h"

#define BULK 12

struct bench {
	uv_loop_t loop;
	struct store *store;
	struct attachment_files *files;
	struct reader *reader;
	char pipe[512];
	unsigned urgent, bulk, worked;
};

static const struct hash attachment_id = {{0xab}};

static void on_read(void *ctx, struct node_read *read)
{
	struct bench *bench = ctx;
	*(read->urgent ? &bench->urgent : &bench->bulk) += 1;
	assert_int_not_equal(read->code, 0); /* a pipe cannot be read at an offset; no such feed */
	free(read);
}

static void store_attachment(struct bench *bench)
{
	struct store_txn *txn;
	uint8_t hashes[HASH_SIZE] = {0};
	assert_int_equal(store_begin(bench->store, &txn), 0);
	assert_int_equal(
		store_attachment_begin(txn, &attachment_id, 1000, bytes_of(hashes, sizeof(hashes))), 0);
	assert_int_equal(store_attachment_progress(txn, &attachment_id, 1), 0);
	assert_int_equal(store_attachment_complete(
						 txn, &attachment_id, &(struct hash){{0}}, (struct timestamp){0}, NULL),
		0);
	assert_int_equal(store_commit(txn), 0);
}

static void open_bench(struct bench *bench, const char *folder)
{
	struct store_options options = {.epoch_seed = "12345678"};
	char name[HASH_SIZE * 2 + 1] = "ab";
	memset(bench, 0, sizeof(*bench));
	memset(name + 2, '0', HASH_SIZE * 2 - 2);
	assert_int_equal(uv_loop_init(&bench->loop), 0);
	assert_int_equal(store_memory_open(&options, &bench->store), 0);
	assert_int_equal(attachment_files_open(folder, &bench->files), 0);
	store_attachment(bench);
	snprintf(bench->pipe, sizeof(bench->pipe), "%s/attachments/ab", folder);
	mkdir(bench->pipe, 0700);
	snprintf(bench->pipe, sizeof(bench->pipe), "%s/attachments/ab/%s", folder, name);
	assert_int_equal(mkfifo(bench->pipe, 0600), 0);
	assert_int_equal(
		reader_new(&bench->loop, bench->store, bench->files, on_read, bench, &bench->reader), 0);
}

static void close_bench(struct bench *bench)
{
	reader_close(bench->reader);
	uv_run(&bench->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&bench->loop), 0);
	attachment_files_close(bench->files);
	store_close(bench->store);
}

static void push(struct bench *bench, bool urgent)
{
	struct node_read *read = calloc(1, sizeof(*read));
	assert_non_null(read);
	read->type = urgent ? NODE_READ_RUN : NODE_READ_ATTACHMENT;
	read->attachment_id = attachment_id;
	read->offset = 1; /* from the second byte on: no entry is asked for */
	read->bytes_max = 100;
	read->first_seq = 1;
	read->urgent = urgent;
	reader_push(bench->reader, read);
}

static void on_work(uv_work_t *work)
{
	(void)work;
}

static void on_worked(uv_work_t *work, int status)
{
	struct bench *bench = work->data;
	assert_int_equal(status, 0);
	bench->worked++;
}

static void an_alert_waits_neither_for_a_reader_nor_for_a_worker(void **state)
{
	static struct bench bench;
	uv_work_t work = {.data = &bench};
	open_bench(&bench, *state);
	for (int i = 0; i < BULK; i++)
		push(&bench, false);
	push(&bench, true);
	assert_int_equal(uv_queue_work(&bench.loop, &work, on_work, on_worked), 0);
	while (bench.urgent == 0 || bench.worked == 0)
		uv_run(&bench.loop, UV_RUN_ONCE);
	assert_int_equal(bench.bulk, 0);

	int opened = open(bench.pipe, O_RDWR); /* now the disk answers */
	assert_true(opened >= 0);
	uv_run(&bench.loop, UV_RUN_DEFAULT); /* which ends once all are answered */
	assert_int_equal(bench.bulk, BULK);
	close(opened);
	close_bench(&bench);
}

static void what_is_queued_is_answered_before_the_end(void **state)
{
	static struct bench bench;
	open_bench(&bench, *state);
	int opened = open(bench.pipe, O_RDWR);
	for (int i = 0; i < BULK; i++)
		push(&bench, i % 3 == 0);
	close_bench(&bench);
	assert_int_equal(bench.urgent + bench.bulk, BULK);
	close(opened);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			an_alert_waits_neither_for_a_reader_nor_for_a_worker, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(
			what_is_queued_is_answered_before_the_end, folder_setup, folder_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
