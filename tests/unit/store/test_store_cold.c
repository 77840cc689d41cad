/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An archive that is not in memory: what a read takes from the disk. Counted by the kernel when it
 * is asked for (proc(5), read_bytes), so that nothing here depends on time.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "tests/unit/store/fixture.h"

#define RUNS 24u
#define RUN_ENTRIES 512u
#define KIB 1024u

static void data_path(const struct fixture *f, char path[static 128])
{
	snprintf(path, 128, "%s/data.mdb", f->folder);
}

static bool in_memory(int fd)
{
	struct stat st;
	ok(fstat(fd, &st));
	size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = ((size_t)st.st_size + page - 1) / page;
	unsigned char *resident = malloc(pages);
	assert_non_null(resident);
	void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(map, MAP_FAILED);
	ok(mincore(map, (size_t)st.st_size, resident));
	bool found = false;
	for (size_t i = 0; i < pages; i++)
		found |= resident[i] & 1;
	munmap(map, (size_t)st.st_size);
	free(resident);
	return found;
}

/* Closes the store, makes the kernel forget it, opens it. Skips where that cannot be. */
static void make_cold(struct fixture *f)
{
	char path[128];
	store_close(f->store);
	f->store = NULL;
	data_path(f, path);
	int fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	ok(fsync(fd));
	ok(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
	bool stayed = in_memory(fd);
	close(fd);
	fixture_open(f);
	if (stayed || access("/proc/self/io", R_OK))
		skip(); /* a file system in memory, or a kernel that does not count */
}

static uint64_t disk_bytes(void)
{
	char line[80];
	uint64_t bytes = 0;
	FILE *file = fopen("/proc/self/io", "re");
	assert_non_null(file);
	while (fgets(line, sizeof line, file))
		sscanf(line, "read_bytes: %" SCNu64, &bytes);
	fclose(file);
	return bytes;
}

static void fill(struct fixture *f, struct origin *o)
{
	for (uint32_t i = 0; i < RUNS; i++)
		origin_commit(o, f->store, RUN_ENTRIES, true);
}

static int on_entry(void *ctx, const struct store_entry *entry)
{
	struct origin *o = ctx;
	check_wires(o, entry->epoch, entry->seq, entry->seq, entry->wire);
	return 0;
}

static void an_entry_costs_its_pack_and_the_way_to_it(void **state)
{
	struct fixture *f = *state;
	struct origin o = {.number = 1, .lane = 3, .epoch = 1, .size = 1000};
	struct hash id = origin_feed_id(&o);
	fill(f, &o);
	make_cold(f);
	uint64_t before = disk_bytes();
	ok(store_read_entry(f->store, &id, o.seq / 2, on_entry, &o));
	uint64_t taken = disk_bytes() - before;
	/* 64 KiB of pack, some pages of five tables; not the neighbours of each of those. */
	assert_in_range(taken, 1, 192 * KIB);
}

static void a_run_is_asked_for_with_what_follows(void **state)
{
	struct fixture *f = *state;
	struct origin o = {.number = 1, .lane = 3, .epoch = 1, .size = 1000};
	struct hash id = origin_feed_id(&o);
	struct store_slice slice;
	struct buffer out;
	buffer_init(&out, 2 * STORE_READ_BYTES_MAX);
	fill(f, &o);
	make_cold(f);
	uint64_t before = disk_bytes();
	ok(store_read_run(f->store, &id, o.seq / 2 + 1, STORE_READ_BYTES_MAX, &out, &slice));
	uint64_t taken = disk_bytes() - before;
	check_wires(&o, 1, slice.first_seq, slice.next_seq - 1, buffer_bytes(&out));
	assert_in_range(taken, 448 * KIB, 768 * KIB);
	before = disk_bytes();
	buffer_truncate(&out, 0);
	ok(store_read_run(f->store, &id, slice.next_seq, STORE_READ_BYTES_MAX, &out, &slice));
	assert_in_range(disk_bytes() - before, 128 * KIB, 384 * KIB);
	buffer_deinit(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			an_entry_costs_its_pack_and_the_way_to_it, setup_lmdb, teardown_store),
		cmocka_unit_test_setup_teardown(
			a_run_is_asked_for_with_what_follows, setup_lmdb, teardown_store),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
