/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/error.h"
#include "feed/attachment_id.h"
#include "tests/unit/vectors.h"

#define DATA_BYTES 524288

static uint8_t data[DATA_BYTES];

/* Feeds `size` bytes in pieces and compares with the vector. */
static void builder_check(const json_t *vector, size_t size, size_t piece)
{
	struct attachment_id_builder b;
	struct hash wanted = vectors_hash(vector, "attachment_id"), id;
	const json_t *chunks = vectors_field(vector, "chunk_hashes");

	assert_int_equal(attachment_id_builder_init(&b), 0);
	for (size_t at = 0; at < size; at += piece)
		assert_int_equal(
			attachment_id_builder_add(&b, bytes_slice(bytes_of(data, size), at, piece)), 0);
	assert_int_equal(attachment_id_builder_end(&b, &id), 0);
	assert_true(hash_equal(&id, &wanted));
	assert_int_equal(b.size, size);
	assert_int_equal(b.chunk_hashes.len, json_array_size(chunks) * HASH_SIZE);
	for (size_t i = 0; i < json_array_size(chunks); i++) {
		uint8_t chunk[HASH_SIZE];
		struct hash hash;
		assert_int_equal(text_hex_decode(chunk, HASH_SIZE,
							 bytes_from_text(json_string_value(json_array_get(chunks, i)))),
			0);
		assert_memory_equal(b.chunk_hashes.data + i * HASH_SIZE, chunk, HASH_SIZE);
		assert_int_equal(attachment_chunk_hash(bytes_of(data + i * ATTACHMENT_CHUNK_BYTES,
												   attachment_chunk_bytes(size, i)),
							 &hash),
			0);
		assert_memory_equal(hash.bytes, chunk, HASH_SIZE);
	}
	assert_int_equal(attachment_id_of(size, buffer_bytes(&b.chunk_hashes), &id), 0);
	assert_true(hash_equal(&id, &wanted));
	assert_int_equal(attachment_id_builder_add(&b, bytes_of(data, 1)), ERROR_STATE);
	assert_int_equal(attachment_id_builder_end(&b, &id), ERROR_STATE);
	attachment_id_builder_deinit(&b);
}

static void ids_are_those_of_the_vectors(void **state)
{
	(void)state;
	json_t *root = vectors_load("attachments"), *vector;
	size_t i;

	for (size_t at = 0; at < DATA_BYTES; at++)
		data[at] = (uint8_t)(7 * at);
	assert_int_equal(json_array_size(vectors_field(root, "attachments")), 5);
	json_array_foreach(vectors_field(root, "attachments"), i, vector)
	{
		size_t size = vectors_uint(vector, "size");
		assert_true(size <= DATA_BYTES);
		builder_check(vector, size, DATA_BYTES);
		builder_check(vector, size, ATTACHMENT_CHUNK_BYTES);
		builder_check(vector, size, 4093);
	}
	json_decref(root);
}

static void chunks_are_counted(void **state)
{
	(void)state;
	assert_int_equal(attachment_chunk_count(0), 0);
	assert_int_equal(attachment_chunk_count(1), 1);
	assert_int_equal(attachment_chunk_count(ATTACHMENT_CHUNK_BYTES), 1);
	assert_int_equal(attachment_chunk_count(ATTACHMENT_CHUNK_BYTES + 1), 2);
	assert_int_equal(attachment_chunk_count(ATTACHMENT_BYTES_MAX), 1 << 22);
	assert_int_equal(attachment_chunk_bytes(0, 0), 0);
	assert_int_equal(attachment_chunk_bytes(ATTACHMENT_CHUNK_BYTES + 1, 0), ATTACHMENT_CHUNK_BYTES);
	assert_int_equal(attachment_chunk_bytes(ATTACHMENT_CHUNK_BYTES + 1, 1), 1);
	assert_int_equal(attachment_chunk_bytes(ATTACHMENT_CHUNK_BYTES + 1, 2), 0);
	assert_int_equal(attachment_chunk_bytes(ATTACHMENT_CHUNK_BYTES, 1), 0);
}

static void wrong_lists_are_refused(void **state)
{
	(void)state;
	struct hash id;

	assert_int_equal(attachment_id_of(1, bytes_of(data, 0), &id), ERROR_SIZE);
	assert_int_equal(attachment_id_of(0, bytes_of(data, HASH_SIZE), &id), ERROR_SIZE);
	assert_int_equal(attachment_id_of(1, bytes_of(data, 2 * HASH_SIZE), &id), ERROR_SIZE);
	assert_int_equal(attachment_id_of(1, bytes_of(data, HASH_SIZE - 1), &id), ERROR_SIZE);
	assert_int_equal(
		attachment_id_of(ATTACHMENT_BYTES_MAX + 1, bytes_of(data, 0), &id), ERROR_LIMIT);
}

static void a_stream_without_end_is_refused(void **state)
{
	(void)state;
	struct attachment_id_builder b;
	struct hash id;

	assert_int_equal(attachment_id_builder_init(&b), 0);
	b.size = ATTACHMENT_BYTES_MAX;
	assert_int_equal(attachment_id_builder_add(&b, bytes_of(data, 1)), ERROR_LIMIT);
	assert_int_equal(attachment_id_builder_add(&b, bytes_of(data, 0)), ERROR_LIMIT);
	assert_int_equal(attachment_id_builder_end(&b, &id), ERROR_LIMIT);
	attachment_id_builder_deinit(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_are_those_of_the_vectors),
		cmocka_unit_test(chunks_are_counted),
		cmocka_unit_test(wrong_lists_are_refused),
		cmocka_unit_test(a_stream_without_end_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
