/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "base/error.h"

static const uint8_t input[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19};

static void reads_in_order(void **state)
{
	uint8_t copy[1];
	(void)state;

	struct cursor c = cursor_init(bytes_of(input, sizeof(input)));
	assert_int_equal(cursor_u8(&c), 1);
	assert_int_equal(cursor_u16(&c), 0x0203);
	assert_int_equal(cursor_u24(&c), 0x040506);
	assert_int_equal(cursor_u32(&c), 0x0708090a);
	assert_int_equal(cursor_left(&c), 9);
	assert_int_equal(cursor_end(&c), ERROR_TRAILING);
	assert_true(cursor_u64(&c) == 0x0b0c0d0e0f101112);
	cursor_copy(&c, copy, 1);
	assert_int_equal(copy[0], 19);
	assert_int_equal(cursor_end(&c), 0);
	assert_int_equal(cursor_bytes(&c, 0).len, 0);
	assert_int_equal(cursor_end(&c), 0);
}

static void error_sticks(void **state)
{
	uint8_t copy[4] = {9, 9, 9, 9};
	(void)state;

	struct cursor c = cursor_init(bytes_of(input, 3));
	assert_int_equal(cursor_u32(&c), 0);
	assert_int_equal(cursor_u8(&c), 0);
	assert_int_equal(cursor_left(&c), 0);
	assert_int_equal(cursor_end(&c), ERROR_TRUNCATED);

	c = cursor_init(bytes_of(input, 3));
	cursor_copy(&c, copy, 4);
	assert_int_equal(copy[0] | copy[3], 0);
	c = cursor_init(bytes_of(input, 3));
	cursor_u8(&c);
	assert_null(cursor_bytes(&c, SIZE_MAX).data);
	assert_int_equal(cursor_end(&c), ERROR_TRUNCATED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_in_order),
		cmocka_unit_test(error_sticks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
