/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "base/wire_reader.h"
#include "base/wire_writer.h"

/* The buffer as hexadecimal, and empties it. */
static const char *taken(struct buffer *b)
{
	static char text[200];
	assert_int_equal(b->error, 0);
	assert_true(b->len < 90);
	text_hex_encode(text, buffer_bytes(b));
	buffer_reset(b);
	return text;
}

static void shortest_forms(void **state)
{
	static const struct {
		uint64_t value;
		const char *text;
	} uints[] = {
		{0, "00"}, {127, "7f"}, {128, "cc80"}, {255, "ccff"}, {256, "cd0100"},
		{65535, "cdffff"}, {65536, "ce00010000"}, {UINT32_MAX, "ceffffffff"},
		{UINT64_C(1) << 32, "cf0000000100000000"}, {UINT64_MAX, "cfffffffffffffffff"},
	};
	static const struct {
		int64_t value;
		const char *text;
	} ints[] = {
		{5, "05"}, {200, "ccc8"}, {-1, "ff"}, {-32, "e0"}, {-33, "d0df"}, {-128, "d080"},
		{-129, "d1ff7f"}, {-32768, "d18000"}, {-32769, "d2ffff7fff"},
		{INT32_MIN, "d280000000"}, {INT64_C(-2147483649), "d3ffffffff7fffffff"},
		{INT64_MIN, "d38000000000000000"}, {INT64_MAX, "cf7fffffffffffffff"},
	};
	struct buffer b;
	(void)state;

	buffer_init(&b, SIZE_MAX);
	for (size_t i = 0; i < sizeof(uints) / sizeof(uints[0]); i++) {
		wire_writer_uint(&b, uints[i].value);
		assert_string_equal(taken(&b), uints[i].text);
	}
	for (size_t i = 0; i < sizeof(ints) / sizeof(ints[0]); i++) {
		wire_writer_int(&b, ints[i].value);
		assert_string_equal(taken(&b), ints[i].text);
	}
	wire_writer_bool(&b, true);
	wire_writer_bool(&b, false);
	wire_writer_nil(&b);
	wire_writer_text(&b, "hi");
	wire_writer_bin(&b, bytes_of("\x01", 1));
	wire_writer_bin(&b, bytes_of(NULL, 0));
	wire_writer_str(&b, bytes_of(NULL, 0));
	wire_writer_double(&b, 1.5);
	wire_writer_raw(&b, bytes_of("\xc0", 1));
	assert_string_equal(taken(&b), "c3c2c0a26869c40101c400a0cb3ff8000000000000c0");
	buffer_deinit(&b);
}

/* The reader takes every length that the writer writes, at the edges of the forms. */
static void lengths_round_trip(void **state)
{
	static const size_t lengths[] = {0, 1, 15, 16, 31, 32, 255, 256, 65535, 65536, 70000};
	uint8_t *data = malloc(70000);
	struct buffer b;
	struct wire_reader r;
	(void)state;

	assert_non_null(data);
	memset(data, 'a', 70000);
	buffer_init(&b, SIZE_MAX);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		size_t n = lengths[i];
		buffer_reset(&b);
		wire_writer_array(&b, 2);
		wire_writer_str(&b, bytes_of(data, n));
		wire_writer_bin(&b, bytes_of(data, n));
		wire_writer_array(&b, n);
		for (size_t j = 0; j < n; j++)
			wire_writer_nil(&b);
		wire_writer_map(&b, n);
		for (size_t j = 0; j < n; j++) {
			char key[24];
			snprintf(key, sizeof(key), "%08zu", j);
			wire_writer_text(&b, key);
			wire_writer_uint(&b, j);
		}
		wire_reader_init(&r, buffer_bytes(&b));
		assert_int_equal(wire_reader_array(&r, 2, 2), 2);
		assert_int_equal(wire_reader_str(&r, n, n).len, n);
		assert_int_equal(wire_reader_bin(&r, n, n).len, n);
		assert_int_equal(wire_reader_array(&r, n, n), n);
		for (size_t j = 0; j < n; j++)
			assert_true(wire_reader_nil(&r));
		wire_reader_skip(&r);
		assert_int_equal(wire_reader_end(&r), 0);
	}
	buffer_deinit(&b);
	free(data);
}

static void errors_stay_in_the_buffer(void **state)
{
	struct buffer b;
	(void)state;

	buffer_init(&b, 3);
	wire_writer_text(&b, "abc");
	assert_int_equal(b.error, ERROR_SIZE);
	wire_writer_nil(&b);
	assert_true(b.len <= 3);
	buffer_reset(&b);
	wire_writer_array(&b, (size_t)UINT32_MAX + 1);
	assert_int_equal(b.error, ERROR_SIZE);
	buffer_deinit(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shortest_forms),
		cmocka_unit_test(lengths_round_trip),
		cmocka_unit_test(errors_stay_in_the_buffer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
