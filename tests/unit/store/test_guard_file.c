/* SPDX-License-Identifier: Apache-2.0 */
/* The guard file's torn writes, and the bootstrap file. */
#include <fcntl.h>

#include "tests/unit/store/fixture.h"
#include "store/bootstrap_file.h"
#include "store/guard_file.h"

struct files {
	char folder[64], path[96];
};

static int setup(void **state)
{
	struct files *f = calloc(1, sizeof *f);
	assert_non_null(f);
	snprintf(f->folder, sizeof f->folder, "/tmp/hansa-guard-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->path, sizeof f->path, "%s/guard", f->folder);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct files *f = *state;
	nftw(f->folder, fixture_unlink, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

static struct guard_entry entry_of(uint32_t network, uint64_t seq)
{
	struct guard_entry e = {.network_id = hash_named('n', network), .epoch = 3};
	memcpy(e.store_epoch, "12345678", 8);
	e.record_len = GUARD_RECORD_MAX;
	memset(e.record, (int)network, sizeof e.record);
	e.lanes[0] = (struct guard_lane){.seq = seq, .entry_hash = hash_named('e', (uint32_t)seq)};
	e.lanes[3] = (struct guard_lane){.seq = seq + 5, .entry_hash = hash_named('x', 1)};
	return e;
}

static void check_entry(const struct guard_file *g, uint32_t network, uint64_t seq)
{
	struct guard_entry expected = entry_of(network, seq);
	const struct guard_entry *e = guard_file_find(g, &expected.network_id);
	assert_non_null(e);
	assert_int_equal(e->epoch, 3);
	assert_int_equal(e->lanes[0].seq, seq);
	assert_int_equal(e->lanes[3].seq, seq + 5);
	assert_true(hash_equal(&e->lanes[0].entry_hash, &expected.lanes[0].entry_hash));
	assert_int_equal(e->record_len, GUARD_RECORD_MAX);
	assert_memory_equal(e->record, expected.record, GUARD_RECORD_MAX);
	assert_memory_equal(e->store_epoch, "12345678", 8);
}

static void overwrite(const char *path, off_t at, size_t len, int with)
{
	uint8_t bytes[8192];
	int fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	memset(bytes, with, sizeof bytes);
	assert_int_equal(pwrite(fd, bytes, len, at), (ssize_t)len);
	close(fd);
}

static int count_entry(void *ctx, const struct guard_entry *e)
{
	(void)e;
	++*(int *)ctx;
	return 0;
}

static void test_updates_come_back(void **state)
{
	struct files *f = *state;
	struct guard_file *g;
	int count = 0;
	ok(guard_file_open(f->path, &g, NULL));
	for (uint64_t seq = 1; seq <= 9; seq++)
		for (uint32_t n = 1; n <= 20; n++) {
			struct guard_entry e = entry_of(n, seq * n);
			ok(guard_file_update(g, &e));
		}
	guard_file_close(g);
	ok(guard_file_open(f->path, &g, NULL));
	for (uint32_t n = 1; n <= 20; n++)
		check_entry(g, n, 9 * n);
	ok(guard_file_each(g, count_entry, &count));
	assert_int_equal(count, 20);
	assert_int_equal(guard_file_damaged(g), 0);
	guard_file_close(g);
}

static void test_torn_write_leaves_the_other_slot(void **state)
{
	struct files *f = *state;
	struct guard_file *g;
	/* Tear the slot of the newest update, at each sector boundary. */
	for (off_t torn = 0; torn < 4096; torn += 512) {
		unlink(f->path);
		ok(guard_file_open(f->path, &g, NULL));
		for (uint64_t seq = 1; seq <= 4; seq++) {
			struct guard_entry e = entry_of(1, seq);
			ok(guard_file_update(g, &e));
		}
		guard_file_close(g);
		overwrite(f->path, torn, 512, 0xee); /* update 4 lies in slot 0 */
		ok(guard_file_open(f->path, &g, NULL));
		check_entry(g, 1, 3);
		assert_int_equal(guard_file_damaged(g), 0);
		struct guard_entry e = entry_of(1, 8);
		ok(guard_file_update(g, &e));
		guard_file_close(g);
		ok(guard_file_open(f->path, &g, NULL));
		check_entry(g, 1, 8);
		guard_file_close(g);
	}
}

static void test_damage_is_told(void **state)
{
	struct files *f = *state;
	struct guard_file *g;
	ok(guard_file_open(f->path, &g, NULL));
	for (uint32_t n = 1; n <= 2; n++) {
		struct guard_entry e = entry_of(n, 1);
		ok(guard_file_update(g, &e));
	}
	guard_file_close(g);
	overwrite(f->path, 100, 8000, 0x55);
	ok(guard_file_open(f->path, &g, NULL));
	assert_int_equal(guard_file_damaged(g), 1);
	check_entry(g, 2, 1);
	struct hash lost = hash_named('n', 1);
	assert_null(guard_file_find(g, &lost));
	struct guard_entry e = entry_of(1, 7); /* does not touch the damaged place */
	ok(guard_file_update(g, &e));
	check_entry(g, 1, 7);
	guard_file_close(g);
}

/* A crash between making room and the first write. */
static void test_blank_room_is_used_again(void **state)
{
	struct files *f = *state;
	struct guard_file *g;
	struct stat st;
	ok(guard_file_open(f->path, &g, NULL));
	guard_file_close(g);
	ok(truncate(f->path, 8192 + 1000));
	ok(guard_file_open(f->path, &g, NULL));
	assert_int_equal(guard_file_damaged(g), 0);
	for (uint32_t n = 1; n <= 2; n++) {
		struct guard_entry e = entry_of(n, 1);
		ok(guard_file_update(g, &e));
	}
	guard_file_close(g);
	ok(stat(f->path, &st));
	assert_int_equal(st.st_size, 4 * 4096);
	ok(guard_file_open(f->path, &g, NULL));
	check_entry(g, 1, 1);
	check_entry(g, 2, 1);
	guard_file_close(g);
}

static void test_equal_update_writes_nothing(void **state)
{
	struct files *f = *state;
	struct guard_file *g;
	uint8_t before[8192], after[8192];
	ok(guard_file_open(f->path, &g, NULL));
	struct guard_entry e = entry_of(1, 1);
	ok(guard_file_update(g, &e));
	int fd = open(f->path, O_RDONLY);
	assert_int_equal(pread(fd, before, sizeof before, 0), sizeof before);
	ok(guard_file_update(g, &e));
	assert_int_equal(pread(fd, after, sizeof after, 0), sizeof after);
	assert_memory_equal(before, after, sizeof before);
	e.record_len = GUARD_RECORD_MAX + 1;
	assert_int_equal(guard_file_update(g, &e), ERROR_SIZE);
	close(fd);
	guard_file_close(g);
}

static struct bytes note_of(uint8_t *to, int n)
{
	size_t len = 10 + (size_t)n * 3001 % GUARD_NOTE_MAX;
	memset(to, n, len);
	return bytes_of(to, len);
}

static void check_note(const char *path, int n)
{
	static uint8_t expected[GUARD_NOTE_MAX];
	struct guard_file *g;
	ok(guard_file_open(path, &g, NULL));
	assert_true(bytes_equal(guard_file_note(g), n ? note_of(expected, n) : bytes_of(NULL, 0)));
	assert_int_equal(guard_file_damaged(g), 0);
	guard_file_close(g);
}

static void write_notes(const char *path, int from, int to)
{
	static uint8_t note[GUARD_NOTE_MAX];
	struct guard_file *g;
	ok(guard_file_open(path, &g, NULL));
	for (int n = from; n <= to; n++)
		ok(guard_file_write_note(g, note_of(note, n)));
	guard_file_close(g);
}

static void test_the_newest_note_comes_back(void **state)
{
	struct files *f = *state;
	struct guard_file *g;
	check_note(f->path, 0);
	write_notes(f->path, 1, 1);
	check_note(f->path, 1);
	write_notes(f->path, 2, 8);
	check_note(f->path, 8);
	ok(guard_file_open(f->path, &g, NULL)); /* networks and the note keep out of each other's way */
	for (uint32_t n = 1; n <= 3; n++) {
		struct guard_entry e = entry_of(n, n);
		ok(guard_file_update(g, &e));
	}
	assert_int_equal(guard_file_write_note(g, bytes_of(f, GUARD_NOTE_MAX + 1)), ERROR_SIZE);
	guard_file_close(g);
	write_notes(f->path, 9, 9);
	check_note(f->path, 9);
	ok(guard_file_open(f->path, &g, NULL));
	for (uint32_t n = 1; n <= 3; n++)
		check_entry(g, n, n);
	guard_file_close(g);
}

static void test_a_torn_note_leaves_the_one_before(void **state)
{
	struct files *f = *state;
	write_notes(f->path, 1, 1);
	overwrite(f->path, GUARD_NOTE_OFFSET + 24576, 512, 0xee); /* note 1 lies in slot 1 */
	check_note(f->path, 0); /* the very first, torn: nothing was answered on its word */
	write_notes(f->path, 2, 3);
	overwrite(f->path, GUARD_NOTE_OFFSET + 512, 512, 0xee); /* note 3 has number 2 */
	check_note(f->path, 2);
}

static void test_a_lost_note_is_damage(void **state)
{
	struct files *f = *state;
	struct guard_file *g;
	write_notes(f->path, 1, 2);
	overwrite(f->path, GUARD_NOTE_OFFSET, 8, 0x55);
	overwrite(f->path, GUARD_NOTE_OFFSET + 24576, 8, 0x55);
	ok(guard_file_open(f->path, &g, NULL));
	assert_int_equal(guard_file_damaged(g), 1);
	assert_int_equal(guard_file_note(g).len, 0);
	guard_file_close(g);
}

/* A copy of the file may have zeros where the hole was. */
static void test_a_copy_without_the_hole(void **state)
{
	struct files *f = *state;
	struct guard_file *g;
	static uint8_t all[GUARD_NOTE_OFFSET + 2 * 24576];
	ok(guard_file_open(f->path, &g, NULL));
	struct guard_entry e = entry_of(1, 5);
	ok(guard_file_update(g, &e));
	guard_file_close(g);
	write_notes(f->path, 1, 4);
	int fd = open(f->path, O_RDWR);
	assert_int_equal(pread(fd, all, sizeof all, 0), sizeof all);
	assert_int_equal(pwrite(fd, all, sizeof all, 0), sizeof all);
	close(fd);
	check_note(f->path, 4);
	ok(guard_file_open(f->path, &g, NULL));
	check_entry(g, 1, 5);
	e = entry_of(2, 6);
	ok(guard_file_update(g, &e));
	guard_file_close(g);
	ok(guard_file_open(f->path, &g, NULL));
	check_entry(g, 2, 6);
	guard_file_close(g);
	check_note(f->path, 4);
}

static void test_bootstrap_round_trip(void **state)
{
	struct files *f = *state;
	struct bootstrap_member members[3] = {
		{.city_id = hash_named('c', 1), .address_count = 2, .addresses = {"a:1", "[::1]:2"}},
		{.city_id = hash_named('c', 2)},
		{.city_id = hash_named('c', 3), .address_count = 1, .addresses = {""}},
	};
	memset(members[1].node_key.bytes, 9, PUBLIC_KEY_SIZE);
	struct bootstrap_network networks[2] = {
		{.network_id = hash_named('n', 1),
			.amendment_number = 12,
			.amendment_hash = hash_named('a', 12),
			.members = members,
			.member_count = 3},
		{.network_id = hash_named('n', 2)},
	};
	struct bootstrap_file back;
	assert_int_equal(bootstrap_file_read(f->path, &back), ERROR_NOT_FOUND);
	ok(bootstrap_file_write(f->path, networks, 1));
	ok(bootstrap_file_write(f->path, networks, 2));
	ok(bootstrap_file_read(f->path, &back));
	assert_int_equal(back.network_count, 2);
	assert_int_equal(back.networks[0].amendment_number, 12);
	assert_true(hash_equal(&back.networks[0].amendment_hash, &networks[0].amendment_hash));
	assert_int_equal(back.networks[0].member_count, 3);
	assert_int_equal(back.networks[1].member_count, 0);
	const struct bootstrap_member *m = back.networks[0].members;
	assert_string_equal(m[0].addresses[0], "a:1");
	assert_string_equal(m[0].addresses[1], "[::1]:2");
	assert_memory_equal(m[1].node_key.bytes, members[1].node_key.bytes, PUBLIC_KEY_SIZE);
	assert_string_equal(m[2].addresses[0], "");
	bootstrap_file_deinit(&back);

	struct stat st;
	ok(stat(f->path, &st));
	for (off_t at = 0; at < st.st_size; at += 7) { /* any changed byte is noticed */
		uint8_t byte;
		int fd = open(f->path, O_RDWR);
		assert_int_equal(pread(fd, &byte, 1, at), 1);
		byte ^= 1;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		assert_int_equal(bootstrap_file_read(f->path, &back), ERROR_CORRUPT);
		byte ^= 1;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		close(fd);
	}
	ok(truncate(f->path, 30));
	assert_int_equal(bootstrap_file_read(f->path, &back), ERROR_CORRUPT);
	ok(truncate(f->path, 0));
	assert_int_equal(bootstrap_file_read(f->path, &back), ERROR_CORRUPT);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_updates_come_back),
		TEST(test_torn_write_leaves_the_other_slot),
		TEST(test_damage_is_told),
		TEST(test_blank_room_is_used_again),
		TEST(test_equal_update_writes_nothing),
		TEST(test_the_newest_note_comes_back),
		TEST(test_a_torn_note_leaves_the_one_before),
		TEST(test_a_lost_note_is_damage),
		TEST(test_a_copy_without_the_hole),
		TEST(test_bootstrap_round_trip),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
