/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"

static void pushes_big_endian(void **state)
{
	struct buffer b;
	(void)state;

	buffer_init(&b, 1000);
	buffer_push_u8(&b, 1);
	buffer_push_u16(&b, 0x0203);
	buffer_push_u24(&b, 0x040506);
	buffer_push_u32(&b, 0x0708090a);
	buffer_push_u64(&b, 0x0b0c0d0e0f101112);
	assert_int_equal(b.len, 18);
	for (int i = 0; i < 18; i++)
		assert_int_equal(b.data[i], i + 1);
	buffer_truncate(&b, 3);
	buffer_push_text(&b, "ab");
	assert_int_equal(buffer_push_format(&b, "-%d", 42), 0);
	assert_string_equal(buffer_text(&b), "\x01\x02\x03" "ab-42");
	assert_int_equal(buffer_push_u24(&b, 0x1000000), ERROR_RANGE);
	buffer_deinit(&b);
	buffer_deinit(&b);
}

static void limit_sticks(void **state)
{
	struct buffer b;
	(void)state;

	buffer_init(&b, 10);
	assert_int_equal(buffer_push(&b, "0123456789", 10), 0);
	assert_int_equal(buffer_push(&b, "a", 1), ERROR_SIZE);
	buffer_consume(&b, 10);
	assert_int_equal(buffer_push(&b, "a", 1), ERROR_SIZE);
	assert_null(buffer_text(&b));
	assert_null(buffer_reserve(&b, 1));
	buffer_reset(&b);
	assert_int_equal(buffer_push(&b, "0123456789", 10), 0);
	/* The NUL of a text is not counted. */
	assert_string_equal(buffer_text(&b), "0123456789");
	buffer_reset(&b);
	assert_int_equal(buffer_push_format(&b, "%300d", 1), ERROR_SIZE);
	buffer_deinit(&b);
}

static void long_format(void **state)
{
	struct buffer b;
	(void)state;

	buffer_init(&b, 1000);
	assert_int_equal(buffer_push_format(&b, "%500d", 7), 0);
	assert_int_equal(b.len, 500);
	assert_int_equal(b.data[499], '7');
	buffer_deinit(&b);
}

/* A stream through the buffer: what comes out is what went in, and the allocation stays small. */
static void consumes_from_the_front(void **state)
{
	struct buffer b;
	uint8_t in = 0, out = 0, piece[97];
	uint32_t random = 1;
	(void)state;

	buffer_init(&b, 4096);
	for (int round = 0; round < 20000; round++) {
		random = random * 1103515245 + 12345;
		size_t n = (random >> 16) % sizeof(piece);
		for (size_t i = 0; i < n; i++)
			piece[i] = in++;
		if (n <= b.max - b.len) {
			assert_int_equal(buffer_push(&b, piece, n), 0);
		} else {
			in = (uint8_t)(in - n);
		}
		random = random * 1103515245 + 12345;
		size_t take = (random >> 16) % 100;
		take = take < b.len ? take : b.len;
		for (size_t i = 0; i < take; i++)
			assert_int_equal(b.data[i], out++);
		buffer_consume(&b, take);
		assert_true(b.capacity + (size_t)(b.data - b.base) <= 4096);
	}
	buffer_shrink(&b, 10);
	assert_null(b.base);
	buffer_deinit(&b);
}

static void reserve_and_commit(void **state)
{
	struct buffer b;
	(void)state;

	buffer_init(&b, 100);
	uint8_t *to = buffer_reserve(&b, 50);
	assert_non_null(to);
	memset(to, 'x', 50);
	buffer_commit(&b, 3);
	assert_string_equal(buffer_text(&b), "xxx");
	buffer_deinit(&b);
}

static void bytes_helpers(void **state)
{
	(void)state;
	struct bytes a = bytes_from_text("abc"), ab = bytes_slice(a, 0, 2);
	assert_true(bytes_compare(ab, a) < 0);
	assert_true(bytes_compare(bytes_from_text("b"), a) > 0);
	assert_true(bytes_equal(bytes_slice(a, 5, 9), bytes_of(NULL, 0)));
	assert_true(bytes_starts_with(a, ab));
	assert_false(bytes_starts_with(ab, a));
	char *copy = bytes_to_text(ab);
	assert_string_equal(copy, "ab");
	free(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pushes_big_endian),
		cmocka_unit_test(limit_sticks),
		cmocka_unit_test(long_format),
		cmocka_unit_test(consumes_from_the_front),
		cmocka_unit_test(reserve_and_commit),
		cmocka_unit_test(bytes_helpers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
