/* SPDX-License-Identifier: Apache-2.0 */
/* Files of attachments with the store's map of durable chunks: resumed, finished, cleaned. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>

#include "tests/unit/store/fixture.h"
#include "store/attachment_file.h"

#define CHUNK ATTACHMENT_CHUNK_BYTES

struct attachments {
	struct fixture f;
	struct attachment_files *files;
};

static int setup(void **state)
{
	struct attachments *a = calloc(1, sizeof *a);
	assert_non_null(a);
	fixture_init(&a->f, false);
	ok(attachment_files_open(a->f.folder, &a->files));
	*state = a;
	return 0;
}

static int teardown(void **state)
{
	struct attachments *a = *state;
	attachment_files_close(a->files);
	fixture_deinit(&a->f);
	free(a);
	return 0;
}

static uint8_t byte_at(uint64_t offset)
{
	return (uint8_t)(offset * 31 + offset / CHUNK * 7 + 1);
}

static void write_chunk(struct attachment_file *file, uint64_t chunk, size_t len)
{
	uint8_t *bytes = malloc(CHUNK);
	assert_non_null(bytes);
	for (size_t i = 0; i < len; i++)
		bytes[i] = byte_at(chunk * CHUNK + i);
	ok(attachment_file_write(file, chunk * CHUNK, bytes_of(bytes, len)));
	free(bytes);
}

static void check_file(struct attachments *a, const struct hash *id, uint64_t size)
{
	int fd;
	uint8_t *bytes = malloc(size + 1);
	assert_non_null(bytes);
	ok(attachment_files_open_read(a->files, id, &fd));
	ok(attachment_file_read(fd, 0, bytes, size));
	assert_int_equal(attachment_file_read(fd, 0, bytes, size + 1), ERROR_TRUNCATED);
	for (uint64_t i = 0; i < size; i++)
		if (bytes[i] != byte_at(i))
			fail_msg("byte %llu differs", (unsigned long long)i);
	close(fd);
	free(bytes);
}

static void begin(struct attachments *a, const struct hash *id, uint64_t size)
{
	struct store_txn *txn;
	uint64_t chunks = attachment_chunk_count(size);
	uint8_t *hashes = malloc(chunks * HASH_SIZE + 1);
	assert_non_null(hashes);
	for (uint64_t i = 0; i < chunks; i++) {
		struct hash h = hash_named('k', (uint32_t)i);
		memcpy(hashes + i * HASH_SIZE, h.bytes, HASH_SIZE);
	}
	ok(store_begin(a->f.store, &txn));
	ok(store_attachment_begin(txn, id, size, bytes_of(hashes, chunks * HASH_SIZE)));
	assert_int_equal(
		store_attachment_begin(txn, id, size, bytes_of(hashes, chunks * HASH_SIZE)), ERROR_EXISTS);
	ok(store_commit(txn));
	free(hashes);
}

static void progress(struct attachments *a, const struct hash *id, uint64_t chunks)
{
	struct store_txn *txn;
	ok(store_begin(a->f.store, &txn));
	ok(store_attachment_progress(txn, id, chunks));
	ok(store_commit(txn));
}

static void test_resumed_where_it_was_durable(void **state)
{
	struct attachments *a = *state;
	struct hash id = hash_named('a', 1), network = hash_named('n', 1);
	const uint64_t size = 5 * CHUNK + 1000;
	struct attachment_file *file;
	struct store_attachment info;
	struct store_txn *txn;
	struct store_arrival arrival;
	uint64_t chunks;
	begin(a, &id, size);
	ok(attachment_file_resume(a->files, &id, size, 0, &file));
	write_chunk(file, 0, CHUNK);
	write_chunk(file, 1, CHUNK);
	ok(attachment_file_sync(file, &chunks));
	assert_int_equal(chunks, 2);
	progress(a, &id, chunks);
	write_chunk(file, 2, CHUNK); /* written, never said to be durable */
	assert_int_equal(attachment_file_write(file, 0, bytes_of("x", 1)), ERROR_RANGE);
	attachment_file_close(file);

	fixture_restart(&a->f);
	ok(store_attachment_info(a->f.store, &id, &info));
	assert_int_equal(info.chunks_durable, 2);
	assert_int_equal(info.chunks, 6);
	assert_false(info.complete);
	ok(attachment_file_resume(a->files, &id, size, info.chunks_durable, &file));
	assert_int_equal(attachment_file_end(file), 2 * CHUNK);
	assert_int_equal(attachment_file_finish(file), ERROR_STATE);
	for (uint64_t i = 2; i < 5; i++)
		write_chunk(file, i, CHUNK);
	write_chunk(file, 5, 1000);
	assert_int_equal(attachment_file_write(file, size, bytes_of("x", 1)), ERROR_RANGE);
	ok(attachment_file_finish(file));
	attachment_file_close(file);
	assert_int_equal(attachment_file_resume(a->files, &id, size, 2, &file), ERROR_EXISTS);

	ok(store_begin(a->f.store, &txn));
	ok(store_attachment_complete(txn, &id, &network, (struct timestamp){5}, &arrival));
	assert_int_equal(arrival.arrival, 1);
	assert_int_equal(
		store_attachment_complete(txn, &id, &network, (struct timestamp){5}, NULL), ERROR_EXISTS);
	ok(store_commit(txn));
	ok(store_attachment_info(a->f.store, &id, &info));
	assert_true(info.complete && info.chunks_durable == 6);
	check_file(a, &id, size);
}

static void test_sync_is_due_each_8_mib(void **state)
{
	struct attachments *a = *state;
	struct hash id = hash_named('a', 2);
	struct attachment_file *file;
	uint64_t chunks;
	ok(attachment_file_resume(a->files, &id, 64 * CHUNK, 0, &file));
	for (uint64_t i = 0; i < 31; i++)
		write_chunk(file, i, CHUNK);
	assert_false(attachment_file_sync_due(file));
	write_chunk(file, 31, CHUNK);
	assert_true(attachment_file_sync_due(file));
	ok(attachment_file_sync(file, &chunks));
	assert_int_equal(chunks, 32);
	assert_false(attachment_file_sync_due(file));
	attachment_file_close(file);
}

static void test_lost_bytes_are_noticed(void **state)
{
	struct attachments *a = *state;
	struct hash id = hash_named('a', 3);
	struct attachment_file *file;
	ok(attachment_file_resume(a->files, &id, 3 * CHUNK, 0, &file));
	write_chunk(file, 0, CHUNK);
	attachment_file_close(file);
	assert_int_equal(attachment_file_resume(a->files, &id, 3 * CHUNK, 2, &file), ERROR_CORRUPT);
	ok(attachment_file_resume(a->files, &id, 3 * CHUNK, 1, &file));
	attachment_file_close(file);
}

static void test_upload_gets_its_name_at_the_end(void **state)
{
	struct attachments *a = *state;
	struct hash id = hash_named('a', 4);
	struct attachment_file *file, *again;
	int fd;
	ok(attachment_file_upload(a->files, &file));
	ok(attachment_file_upload(a->files, &again));
	write_chunk(file, 0, CHUNK);
	write_chunk(file, 1, 10);
	assert_int_equal(attachment_file_finish(file), ERROR_STATE);
	assert_int_equal(attachment_file_name(file, &id, CHUNK), ERROR_STATE);
	ok(attachment_file_name(file, &id, CHUNK + 10));
	ok(attachment_file_finish(file));
	attachment_file_close(file);
	check_file(a, &id, CHUNK + 10);
	write_chunk(again, 0, 10);
	assert_int_equal(attachment_file_name(again, &id, 10), ERROR_EXISTS);
	attachment_file_close(again);
	ok(attachment_files_remove(a->files, &id));
	ok(attachment_files_remove(a->files, &id));
	assert_int_equal(attachment_files_open_read(a->files, &id, &fd), ERROR_NOT_FOUND);
}

static void test_empty_attachment(void **state)
{
	struct attachments *a = *state;
	struct hash id = hash_named('a', 5);
	struct attachment_file *file;
	begin(a, &id, 0);
	ok(attachment_file_resume(a->files, &id, 0, 0, &file));
	ok(attachment_file_finish(file));
	attachment_file_close(file);
	check_file(a, &id, 0);
}

static bool on_known(void *ctx, const struct hash *id, bool *complete)
{
	struct store_attachment info;
	int r = store_attachment_info(ctx, id, &info);
	*complete = r == 0 && info.complete;
	return r == 0;
}

static void test_orphans_are_removed(void **state)
{
	struct attachments *a = *state;
	struct hash known = hash_named('a', 6), unknown = hash_named('a', 7);
	struct attachment_file *file;
	uint64_t removed;
	char path[128];
	int fd;
	begin(a, &known, 2 * CHUNK);
	ok(attachment_file_resume(a->files, &known, 2 * CHUNK, 0, &file));
	write_chunk(file, 0, CHUNK);
	attachment_file_close(file);
	ok(attachment_file_resume(a->files, &unknown, 0, 0, &file));
	ok(attachment_file_finish(file));
	attachment_file_close(file);
	snprintf(path, sizeof path, "%s/attachments/upload-77", a->f.folder);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	close(fd);
	snprintf(path, sizeof path, "%s/attachments/notes.txt", a->f.folder);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	close(fd);
	ok(attachment_files_clean(a->files, on_known, a->f.store, &removed));
	assert_int_equal(removed, 2);
	assert_int_equal(attachment_files_open_read(a->files, &unknown, &fd), ERROR_NOT_FOUND);
	ok(attachment_files_open_read(a->files, &known, &fd));
	close(fd);
	ok(access(path, F_OK)); /* what is not ours stays */
}

struct opener {
	struct attachments *a;
	struct hash id;
	_Atomic bool opened;
};

static void *open_both(void *ctx)
{
	struct opener *o = ctx;
	struct attachment_file *part, *upload;
	ok(attachment_file_resume(o->a->files, &o->id, 2 * CHUNK, 0, &part));
	ok(attachment_file_upload(o->a->files, &upload));
	o->opened = true;
	attachment_file_close(part);
	attachment_file_close(upload);
	return NULL;
}

/* Left-over files are looked at while the thread already wants to write: it must not have begun. */
static bool known_once(void *ctx, const struct hash *id, bool *complete)
{
	struct opener *o = ctx;
	(void)id, (void)complete;
	assert_false(o->opened);
	return false;
}

static void test_who_writes_waits_until_left_over_files_are_gone(void **state)
{
	struct opener o = {.a = *state, .id = hash_named('a', 20)};
	struct attachment_file *file;
	pthread_t thread;
	uint64_t removed;
	ok(attachment_file_resume(o.a->files, &(struct hash){{0x77}}, 2 * CHUNK, 0, &file));
	attachment_file_close(file);
	begin(o.a, &o.id, 2 * CHUNK);
	attachment_files_clean_begin(o.a->files);
	ok(pthread_create(&thread, NULL, open_both, &o));
	for (int i = 0; i < 1000; i++) {
		sched_yield();
		assert_false(o.opened);
	}
	ok(attachment_files_clean(o.a->files, known_once, &o, &removed));
	assert_int_equal(removed, 1);
	ok(pthread_join(thread, NULL));
	assert_true(o.opened);
}

static void test_chunk_hashes_come_back(void **state)
{
	struct attachments *a = *state;
	struct hash id = hash_named('a', 8), unknown = hash_named('a', 9);
	const uint64_t chunks = 4500; /* three rows of hashes */
	struct buffer out;
	struct store_txn *txn;
	begin(a, &id, chunks * CHUNK - 5);
	buffer_init(&out, SIZE_MAX);
	ok(store_attachment_hashes(a->f.store, &id, 0, chunks + 10, &out));
	assert_int_equal(out.len, chunks * HASH_SIZE);
	for (uint32_t i = 0; i < chunks; i++) {
		struct hash h = hash_named('k', i);
		assert_memory_equal(out.data + (size_t)i * HASH_SIZE, h.bytes, HASH_SIZE);
	}
	buffer_reset(&out);
	ok(store_attachment_hashes(a->f.store, &id, 1999, 2, &out));
	assert_int_equal(out.len, 2 * HASH_SIZE);
	struct hash h = hash_named('k', 2000);
	assert_memory_equal(out.data + HASH_SIZE, h.bytes, HASH_SIZE);
	assert_int_equal(store_attachment_hashes(a->f.store, &unknown, 0, 1, &out), ERROR_NOT_FOUND);
	ok(store_begin(a->f.store, &txn));
	assert_int_equal(store_attachment_begin(txn, &unknown, CHUNK, bytes_of("x", 1)), ERROR_SIZE);
	assert_int_equal(store_attachment_progress(txn, &id, chunks + 1), ERROR_RANGE);
	assert_int_equal(store_attachment_progress(txn, &unknown, 1), ERROR_NOT_FOUND);
	ok(store_attachment_progress(txn, &id, 5));
	ok(store_attachment_progress(txn, &id, 3)); /* never goes back */
	ok(store_commit(txn));
	struct store_attachment info;
	ok(store_attachment_info(a->f.store, &id, &info));
	assert_int_equal(info.chunks_durable, 5);
	buffer_deinit(&out);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_resumed_where_it_was_durable),
		TEST(test_sync_is_due_each_8_mib),
		TEST(test_lost_bytes_are_noticed),
		TEST(test_upload_gets_its_name_at_the_end),
		TEST(test_empty_attachment),
		TEST(test_orphans_are_removed),
		TEST(test_who_writes_waits_until_left_over_files_are_gone),
		TEST(test_chunk_hashes_come_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
