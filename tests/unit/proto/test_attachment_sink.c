/* SPDX-License-Identifier: Apache-2.0 */
/* Where chunks are verified and written: in order, nothing that is not what its hash says, and what
 * is being synced while the next ones come. */
#include <fcntl.h>
#include <sys/stat.h>

#include "feed/attachment_id.h"
#include "proto/attachment_sink.h"
#include "tests/unit/store/fixture.h"

#define CHUNK ATTACHMENT_CHUNK_BYTES
#define CHUNKS 6u
#define SIZE ((uint64_t)(CHUNKS - 1) * CHUNK + 1000)

struct world {
	struct fixture f;
	struct attachment_files *files;
	struct attachment_sink *sink;
	struct hash id;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	assert_non_null(w);
	fixture_init(&w->f, true);
	ok(attachment_files_open(w->f.folder, &w->files));
	ok(attachment_sink_new(w->f.store, w->files, &w->sink));
	memset(w->id.bytes, 0xa7, HASH_SIZE);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	attachment_sink_free(w->sink);
	attachment_files_close(w->files);
	fixture_deinit(&w->f);
	free(w);
	return 0;
}

static uint8_t byte_at(uint64_t offset)
{
	return (uint8_t)(offset * 13 + offset / CHUNK * 5 + 3);
}

static struct node_write chunk(const struct world *w, uint64_t attempt, uint64_t index)
{
	struct node_write write = {.attachment_id = w->id,
		.size = SIZE,
		.offset = index * CHUNK,
		.blob = blob_new(CHUNK),
		.attempt = attempt,
		.code = 1,
		.finish = index == CHUNKS - 1,
		.sync = index == CHUNKS - 1};
	assert_non_null(write.blob);
	write.blob->len = attachment_chunk_bytes(SIZE, index);
	for (size_t i = 0; i < write.blob->len; i++)
		write.blob->data[i] = byte_at(write.offset + i);
	ok(attachment_chunk_hash(blob_bytes(write.blob), &write.chunk_hash));
	return write;
}

/* Written, and synced where that is due. */
static int put(struct world *w, struct node_write write)
{
	struct node_write *one = &write;
	attachment_sink_write(w->sink, &one, 1);
	if (attachment_sink_sync_due(&write))
		attachment_sink_sync(&write);
	blob_free(write.blob);
	return write.code;
}

static uint64_t part_bytes(const struct world *w)
{
	struct stat st;
	int fd;
	ok(attachment_files_open_read(w->files, &w->id, &fd));
	ok(fstat(fd, &st));
	close(fd);
	return (uint64_t)st.st_size;
}

static void check_whole(const struct world *w)
{
	int fd;
	uint8_t *bytes = malloc(SIZE);
	assert_non_null(bytes);
	assert_int_equal(part_bytes(w), SIZE);
	ok(attachment_files_open_read(w->files, &w->id, &fd));
	ok(attachment_file_read(fd, 0, bytes, SIZE));
	close(fd);
	for (uint64_t i = 0; i < SIZE; i++)
		if (bytes[i] != byte_at(i))
			fail_msg("byte %llu differs", (unsigned long long)i);
	free(bytes);
}

static void test_written_in_order(void **state)
{
	struct world *w = *state;
	struct node_write first = chunk(w, 1, 0), second = chunk(w, 1, 1);
	struct node_write *both[] = {&first, &second};
	attachment_sink_write(w->sink, both, 2);
	ok(first.code);
	ok(second.code);
	assert_false(attachment_sink_sync_due(&first));
	blob_free(first.blob);
	blob_free(second.blob);
	for (uint64_t i = 2; i < CHUNKS; i++)
		ok(put(w, chunk(w, 1, i)));
	check_whole(w);
	/* Finished: who asks again, after a crash, is told that it is there. */
	ok(put(w, chunk(w, 2, 3)));
}

static void test_false_chunk_is_not_written(void **state)
{
	struct world *w = *state;
	struct node_write good = chunk(w, 1, 0), bad = chunk(w, 1, 1), next = chunk(w, 1, 2);
	bad.blob->data[CHUNK / 2] ^= 1;
	ok(put(w, good));
	assert_int_equal(put(w, bad), ERROR_CHAIN);
	assert_int_equal(part_bytes(w), CHUNK);
	/* What was on its way behind it neither. */
	next.sync = true;
	assert_int_equal(put(w, next), ERROR_CANCELLED);
	assert_int_equal(put(w, chunk(w, 1, 1)), ERROR_CANCELLED);
	assert_int_equal(part_bytes(w), CHUNK);
	/* Another peer goes on where it was good. */
	for (uint64_t i = 1; i < CHUNKS; i++)
		ok(put(w, chunk(w, 2, i)));
	check_whole(w);
	bad = chunk(w, 3, 0); /* beside a finished file it is still a lie */
	bad.blob->data[0] ^= 1;
	assert_int_equal(put(w, bad), ERROR_CHAIN);
}

static void test_hole_is_refused(void **state)
{
	struct world *w = *state;
	ok(put(w, chunk(w, 1, 0)));
	assert_int_equal(put(w, chunk(w, 1, 2)), ERROR_RANGE);
	assert_int_equal(put(w, chunk(w, 2, 3)), ERROR_CORRUPT); /* so much is not there */
	assert_int_equal(put(w, chunk(w, 2, 4)), ERROR_CANCELLED);
	for (uint64_t i = 0; i < CHUNKS; i++)
		ok(put(w, chunk(w, 3, i)));
	check_whole(w);
}

/* The sync is done late, on its own thread in the daemon: more is written before it, the transfer
 * begins anew, others come; its file stays open for it. */
static void test_written_on_while_a_sync_waits(void **state)
{
	struct world *w = *state;
	struct node_write waits = chunk(w, 1, 0), *one = &waits;
	waits.sync = true;
	attachment_sink_write(w->sink, &one, 1);
	assert_true(attachment_sink_sync_due(&waits));
	ok(put(w, chunk(w, 1, 1)));
	ok(put(w, chunk(w, 2, 1)));
	attachment_sink_sync(&waits);
	ok(waits.code);
	assert_false(attachment_sink_sync_due(&waits));
	blob_free(waits.blob);
	struct node_write last = chunk(w, 2, CHUNKS - 1);
	for (uint64_t i = 2; i < CHUNKS - 1; i++)
		ok(put(w, chunk(w, 2, i)));
	one = &last;
	attachment_sink_write(w->sink, &one, 1);
	assert_true(attachment_sink_sync_due(&last));
	struct hash id = w->id;
	for (uint32_t other = 0; other < 100; other++) {
		memcpy(w->id.bytes, &other, sizeof other);
		ok(put(w, chunk(w, 100 + other, 0)));
	}
	w->id = id;
	attachment_sink_sync(&last);
	ok(last.code);
	blob_free(last.blob);
	check_whole(w);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_written_in_order),
		TEST(test_false_chunk_is_not_written),
		TEST(test_hole_is_refused),
		TEST(test_written_on_while_a_sync_waits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
