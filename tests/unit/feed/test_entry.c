/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/error.h"
#include "feed/entry.h"
#include "feed/entry_header.h"
#include "record/header.h"
#include "tests/unit/vectors.h"

static struct buffer header, body, wire, purged, made;
static struct hasher hasher;

static int setup(void **state)
{
	(void)state;
	buffer_init(&header, SIZE_MAX);
	buffer_init(&body, SIZE_MAX);
	buffer_init(&wire, SIZE_MAX);
	buffer_init(&purged, SIZE_MAX);
	buffer_init(&made, SIZE_MAX);
	return hasher_init(&hasher);
}

static int teardown(void **state)
{
	(void)state;
	buffer_deinit(&header);
	buffer_deinit(&body);
	buffer_deinit(&wire);
	buffer_deinit(&purged);
	buffer_deinit(&made);
	hasher_deinit(&hasher);
	return 0;
}

static int parse(struct bytes bytes, struct entry_view *entry)
{
	struct cursor c = cursor_init(bytes);
	int error = entry_parse(&c, entry);
	return error ? error : cursor_end(&c);
}

/* The hashes of a parsed entry, whole or purged, are the vector's. */
static void hashes_check(const json_t *vector, struct entry_view *entry)
{
	struct hash feed_id = vectors_hash(vector, "feed_id"), prev = vectors_hash(vector, "prev");
	struct hash wanted = vectors_hash(vector, "entry_hash"), hash;

	assert_int_equal(
		entry_hash_of(&hasher, &feed_id, vectors_uint(vector, "seq"), &prev, entry, &hash), 0);
	assert_true(hash_equal(&hash, &wanted));
	wanted = vectors_hash(vector, "header_hash");
	assert_true(hash_equal(&entry->header_hash, &wanted));
	wanted = vectors_hash(vector, "body_hash");
	assert_true(hash_equal(&entry->body_hash, &wanted));
	assert_int_equal(entry_cost(entry), vectors_uint(vector, "cost"));
}

static void entries_are_those_of_the_vectors(void **state)
{
	(void)state;
	json_t *root = vectors_load("entries"), *vector;
	uint8_t salt[ENTRY_SALT_BYTES];
	size_t i;

	assert_true(json_array_size(vectors_field(root, "entries")) >= 4);
	json_array_foreach(vectors_field(root, "entries"), i, vector)
	{
		struct entry_view entry;
		vectors_exact(vector, "salt", salt, sizeof(salt));
		vectors_hex(vector, "header", &header);
		vectors_hex(vector, "body", &body);
		vectors_hex(vector, "wire", &wire);
		vectors_hex(vector, "purged_wire", &purged);

		buffer_reset(&made);
		assert_int_equal(entry_encode(&made, salt, buffer_bytes(&header), buffer_bytes(&body)), 0);
		assert_true(bytes_equal(buffer_bytes(&made), buffer_bytes(&wire)));
		assert_int_equal(parse(buffer_bytes(&wire), &entry), 0);
		assert_int_equal(entry.form, ENTRY_FORM_WHOLE);
		assert_memory_equal(entry.salt, salt, sizeof(salt));
		assert_true(bytes_equal(entry.header, buffer_bytes(&header)));
		assert_true(bytes_equal(entry.body, buffer_bytes(&body)));
		assert_true(bytes_equal(entry.wire, buffer_bytes(&wire)));
		hashes_check(vector, &entry);

		buffer_reset(&made);
		assert_int_equal(entry_purge(&made, &hasher, &entry), 0);
		assert_true(bytes_equal(buffer_bytes(&made), buffer_bytes(&purged)));
		assert_int_equal(parse(buffer_bytes(&purged), &entry), 0);
		assert_int_equal(entry.form, ENTRY_FORM_PURGED);
		assert_int_equal(entry.body.len, 0);
		assert_int_equal(entry.body_size, body.len);
		hashes_check(vector, &entry);

		/* Purging again changes nothing. */
		buffer_reset(&made);
		assert_int_equal(entry_purge(&made, &hasher, &entry), 0);
		assert_true(bytes_equal(buffer_bytes(&made), buffer_bytes(&purged)));
	}
	json_decref(root);
}

/* An entry around a header, with a body of zeros as long as `body_size`. */
static int header_judge(struct bytes h, size_t body_size)
{
	static uint8_t zeros[ENTRY_BODY_BYTES_MAX];
	struct entry_view entry;

	buffer_reset(&made);
	int error = entry_encode(&made, zeros, h, bytes_of(zeros, body_size));
	return error ? error : parse(buffer_bytes(&made), &entry);
}

static void headers_are_judged_as_the_vectors_say(void **state)
{
	(void)state;
	json_t *root = vectors_load("headers"), *vector;
	size_t i;

	assert_true(json_array_size(vectors_field(root, "good")) >= 6);
	json_array_foreach(vectors_field(root, "good"), i, vector)
	{
		struct bytes h = vectors_hex(vector, "header", &header);
		struct hash zero = {{0}};
		struct entry_view entry;
		buffer_reset(&made);
		/* The purged form needs no body of the right size. */
		assert_int_equal(entry_encode_purged(&made, &zero, h), 0);
		assert_int_equal(parse(buffer_bytes(&made), &entry), 0);
		assert_int_equal(entry_hash_of(&hasher, &zero, 1, &zero, &entry, &zero), 0);
		struct hash wanted = vectors_hash(vector, "header_hash");
		assert_true(hash_equal(&entry.header_hash, &wanted));
	}
	assert_true(json_array_size(vectors_field(root, "bad")) >= 24);
	json_array_foreach(vectors_field(root, "bad"), i, vector)
	{
		struct bytes h = vectors_hex(vector, "header", &header);
		if (header_judge(h, 0) == 0)
			fail_msg("taken: %s", vectors_text(vector, "name"));
	}
	json_decref(root);
}

/* The quick walk takes nothing that header_decode refuses, and reads the same body_size. */
static void quick_check(struct bytes h)
{
	struct header decoded;
	uint32_t quick = 0, body_size = 0;
	int error = header_decode(h, &decoded);

	if (entry_header_is_usual(h, &quick)) {
		assert_int_equal(error, 0);
		assert_int_equal(quick, decoded.body_size);
	}
	assert_int_equal(entry_header_check(h, &body_size), error);
	assert_int_equal(body_size, decoded.body_size);
}

static void the_quick_walk_agrees_with_header_decode(void **state)
{
	(void)state;
	json_t *root = vectors_load("headers"), *vector;
	static const char *const lists[] = {"good", "bad"};
	unsigned usual = 0;
	uint32_t body_size;
	size_t i;

	for (size_t list = 0; list < 2; list++) {
		json_array_foreach(vectors_field(root, lists[list]), i, vector)
		{
			struct bytes h = vectors_hex(vector, "header", &header);
			quick_check(h);
			usual += entry_header_is_usual(h, &body_size);
			if (h.len > 1000)
				continue;
			/* Each byte in each of its values. */
			for (size_t at = 0; at < h.len; at++) {
				for (int turn = 0; turn < 256; turn++) {
					quick_check(h);
					header.data[at]++;
				}
			}
			for (size_t len = 0; len < h.len; len++)
				quick_check(bytes_of(h.data, len));
		}
	}
	assert_true(usual >= 5); /* or nothing was compared */
	json_decref(root);
}

static void load_first(void)
{
	json_t *root = vectors_load("entries");
	const json_t *vector = json_array_get(vectors_field(root, "entries"), 0);

	vectors_hex(vector, "wire", &wire);
	vectors_hex(vector, "purged_wire", &purged);
	vectors_hex(vector, "header", &header);
	json_decref(root);
}

static void what_is_cut_short_is_refused_at_each_length(void **state)
{
	(void)state;
	struct entry_view entry;

	load_first();
	for (size_t len = 0; len < wire.len; len++)
		assert_int_equal(parse(bytes_of(wire.data, len), &entry), ERROR_TRUNCATED);
	for (size_t len = 0; len < purged.len; len++)
		assert_int_equal(parse(bytes_of(purged.data, len), &entry), ERROR_TRUNCATED);
}

static void other_forms_and_sizes_are_refused(void **state)
{
	(void)state;
	struct entry_view entry;

	load_first();
	for (int form = 2; form < 256; form++) {
		wire.data[0] = (uint8_t)form;
		assert_int_equal(parse(buffer_bytes(&wire), &entry), ERROR_TYPE);
	}
	wire.data[0] = 0;
	wire.data[1] = 0x20; /* a header of 8,192 bytes and more */
	wire.data[2] = 0x01;
	assert_int_equal(parse(buffer_bytes(&wire), &entry), ERROR_SIZE);

	load_first();
	wire.data[3] = 0x04; /* a body of 262,144 bytes and more */
	wire.data[5] = 0x01;
	assert_int_equal(parse(buffer_bytes(&wire), &entry), ERROR_SIZE);

	load_first();
	purged.data[5] = 1; /* a purged entry has no body */
	assert_int_equal(parse(buffer_bytes(&purged), &entry), ERROR_SIZE);

	assert_int_equal(header_judge(buffer_bytes(&header), 0), ERROR_SIZE); /* body_size is 1 */
	assert_int_equal(header_judge(buffer_bytes(&header), 2), ERROR_SIZE);
	assert_int_equal(header_judge(buffer_bytes(&header), 1), 0);
}

static void nothing_too_large_is_encoded(void **state)
{
	(void)state;
	static uint8_t zeros[ENTRY_BODY_BYTES_MAX + 1];
	struct hash hash = {{0}};

	buffer_reset(&made);
	assert_int_equal(
		entry_encode(&made, zeros, bytes_of(zeros, ENTRY_HEADER_BYTES_MAX + 1), bytes_of(NULL, 0)),
		ERROR_SIZE);
	assert_int_equal(
		entry_encode(&made, zeros, bytes_of(zeros, 1), bytes_of(zeros, ENTRY_BODY_BYTES_MAX + 1)),
		ERROR_SIZE);
	assert_int_equal(
		entry_encode_purged(&made, &hash, bytes_of(zeros, ENTRY_HEADER_BYTES_MAX + 1)), ERROR_SIZE);
	assert_int_equal(made.len, 0);
}

static void each_part_changes_the_hash(void **state)
{
	(void)state;
	struct hash a = {{1}}, b = {{2}}, c = {{3}}, d = {{4}}, first, other;

	assert_int_equal(entry_hash_from(&hasher, &a, 1, &b, &c, &d, &first), 0);
	assert_int_equal(entry_hash_from(&hasher, &b, 1, &b, &c, &d, &other), 0);
	assert_false(hash_equal(&first, &other));
	assert_int_equal(entry_hash_from(&hasher, &a, 2, &b, &c, &d, &other), 0);
	assert_false(hash_equal(&first, &other));
	assert_int_equal(entry_hash_from(&hasher, &a, 1, &a, &c, &d, &other), 0);
	assert_false(hash_equal(&first, &other));
	assert_int_equal(entry_hash_from(&hasher, &a, 1, &b, &a, &d, &other), 0);
	assert_false(hash_equal(&first, &other));
	assert_int_equal(entry_hash_from(&hasher, &a, 1, &b, &c, &a, &other), 0);
	assert_false(hash_equal(&first, &other));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_are_those_of_the_vectors),
		cmocka_unit_test(headers_are_judged_as_the_vectors_say),
		cmocka_unit_test(the_quick_walk_agrees_with_header_decode),
		cmocka_unit_test(what_is_cut_short_is_refused_at_each_length),
		cmocka_unit_test(other_forms_and_sizes_are_refused),
		cmocka_unit_test(nothing_too_large_is_encoded),
		cmocka_unit_test(each_part_changes_the_hash),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
