/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crypto/hash_many.h"

#define MESSAGES_MAX 120
#define DATA_BYTES 20000

static uint8_t data[DATA_BYTES];
static struct hash_message messages[MESSAGES_MAX];
static struct hash got[MESSAGES_MAX];

static void expect_each(size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint8_t *whole = malloc(3 * DATA_BYTES);
		size_t len = 0;
		struct hash expected;
		assert_non_null(whole);
		for (size_t part = 0; part < HASH_MANY_PARTS; part++) {
			struct bytes b = messages[i].parts[part];
			if (b.len)
				memcpy(whole + len, b.data, b.len);
			len += b.len;
		}
		assert_int_equal(hash_of(NULL, bytes_of(whole, len), &expected), 0);
		assert_true(hash_equal(&got[i], &expected));
		free(whole);
	}
}

/* Lengths of all kinds beside each other: none, block ends, and more than is gathered. */
static void messages_make(size_t count, unsigned salt)
{
	static const size_t lengths[] = {
		0, 1, 55, 56, 63, 64, 65, 119, 120, 1024, 4096, 8191, 8192, 8193, 16384, 300};
	for (size_t i = 0; i < count; i++) {
		size_t len = lengths[(i * 7 + salt) % (sizeof(lengths) / sizeof(*lengths))];
		size_t start = (i * 13 + salt) % 900;
		messages[i] = (struct hash_message){
			{bytes_of(data + start, i % 3 ? 13 : 0), bytes_of(data + i, len),
				bytes_of(data, i % 2 ? 0 : i)},
			&got[i]};
	}
}

static void each_is_what_one_alone_would_be(void **state)
{
	(void)state;
	struct hasher hasher;
	for (size_t i = 0; i < DATA_BYTES; i++)
		data[i] = (uint8_t)(i * 131 + i / 251);
	for (int widened = 0; widened < 2; widened++) {
		assert_int_equal(hasher_init(&hasher), 0);
		if (widened)
			hasher_widen(&hasher);
		for (size_t count = 0; count <= MESSAGES_MAX; count += count < 20 ? 1 : 25) {
			memset(got, 0, sizeof(got));
			messages_make(count, (unsigned)count);
			assert_int_equal(hash_many(&hasher, messages, count), 0);
			expect_each(count);
		}
		hasher_deinit(&hasher);
	}
}

static void a_dead_hasher_hashes_nothing(void **state)
{
	(void)state;
	struct hasher hasher;
	assert_int_equal(hasher_init(&hasher), 0);
	hasher_widen(&hasher);
	hasher_deinit(&hasher);
	assert_null(hasher.many);
	messages_make(8, 0);
	assert_int_not_equal(hash_many(&hasher, messages, 8), 0);
}

/* What the benchmark promises is not silently off where the library was built in. */
static void the_library_is_used_where_it_is_there(void **state)
{
	(void)state;
#ifdef HANSA_MULTI_BUFFER
	struct hash_many *many = hash_many_new();
	if (!many && (__builtin_cpu_supports("avx2")))
		fail_msg("built in, and found useless on this processor");
	hash_many_free(many);
#else
	skip();
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_what_one_alone_would_be),
		cmocka_unit_test(a_dead_hasher_hashes_nothing),
		cmocka_unit_test(the_library_is_used_where_it_is_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
