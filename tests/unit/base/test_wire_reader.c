/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "base/wire_reader.h"

static uint8_t scratch[512];

static struct bytes hex(const char *text)
{
	size_t len = strlen(text) / 2;
	assert_true(len <= sizeof(scratch));
	assert_int_equal(text_hex_decode(scratch, len, bytes_from_text(text)), 0);
	return bytes_of(scratch, len);
}

/* What wire_reader_skip makes of a value that fills its input. The input is a heap block of just
 * its size, so that a sanitizer sees a read beyond its end. */
static int skip_result(const char *text, bool allow_float)
{
	struct wire_reader r;
	struct bytes in = hex(text);
	uint8_t *copy = malloc(in.len ? in.len : 1);

	assert_non_null(copy);
	if (in.len)
		memcpy(copy, in.data, in.len);
	wire_reader_init(&r, bytes_of(copy, in.len));
	r.allow_float = allow_float;
	wire_reader_skip(&r);
	int error = wire_reader_end(&r);
	free(copy);
	return error;
}

struct skip_case {
	const char *text;
	int result;
};

static void accepts_and_refuses(void **state)
{
	static const struct skip_case cases[] = {
		{"c0", 0}, {"c2", 0}, {"c3", 0}, {"00", 0}, {"7f", 0}, {"e0", 0}, {"ff", 0},
		{"80", 0}, {"90", 0}, {"a0", 0}, {"c400", 0},
		/* Integers: shortest form, non-negative ones unsigned. */
		{"cc80", 0}, {"cc7f", ERROR_NOT_CANONICAL}, {"cd0100", 0},
		{"cd00ff", ERROR_NOT_CANONICAL}, {"ce00010000", 0}, {"ce0000ffff", ERROR_NOT_CANONICAL},
		{"cf0000000100000000", 0}, {"cf00000000ffffffff", ERROR_NOT_CANONICAL},
		{"d0df", 0}, {"d0e0", ERROR_NOT_CANONICAL}, {"d001", ERROR_NOT_CANONICAL},
		{"d1ff7f", 0}, {"d1ff80", ERROR_NOT_CANONICAL}, {"d10100", ERROR_NOT_CANONICAL},
		{"d2ffff7fff", 0}, {"d2ffff8000", ERROR_NOT_CANONICAL},
		{"d3ffffffff7fffffff", 0}, {"d3ffffffff80000000", ERROR_NOT_CANONICAL},
		{"d37fffffffffffffff", ERROR_NOT_CANONICAL}, {"d38000000000000000", 0},
		/* Lengths. */
		{"d90161", ERROR_NOT_CANONICAL}, {"da000161", ERROR_NOT_CANONICAL},
		{"db0000000161", ERROR_NOT_CANONICAL}, {"c50001ff", ERROR_NOT_CANONICAL},
		{"c600000001ff", ERROR_NOT_CANONICAL}, {"dc0001c0", ERROR_NOT_CANONICAL},
		{"dd00000001c0", ERROR_NOT_CANONICAL}, {"de000161c0", ERROR_NOT_CANONICAL},
		{"df0000000161c0", ERROR_NOT_CANONICAL},
		/* Claims beyond the bytes that are there. */
		{"", ERROR_TRUNCATED}, {"a2", ERROR_TRUNCATED}, {"c4", ERROR_TRUNCATED},
		{"c402ff", ERROR_TRUNCATED}, {"c6ffffffff", ERROR_TRUNCATED}, {"91", ERROR_TRUNCATED},
		{"dd1fffffff", ERROR_TRUNCATED}, {"ddffffffff00", ERROR_TRUNCATED},
		{"dfffffffff00", ERROR_TRUNCATED}, {"81a161", ERROR_TRUNCATED},
		{"cf00000001", ERROR_TRUNCATED}, {"9291c0", ERROR_TRUNCATED},
		/* Types that are not spoken. */
		{"c1", ERROR_TYPE}, {"d400ff", ERROR_TYPE}, {"d6ff00000000", ERROR_TYPE},
		{"c70100ff", ERROR_TYPE}, {"c8000100ff", ERROR_TYPE}, {"ca3f800000", ERROR_TYPE},
		{"cb3ff0000000000000", ERROR_TYPE},
		/* Map keys. */
		{"82a161c0a162c0", 0}, {"82a162c0a161c0", ERROR_NOT_CANONICAL},
		{"82a161c0a161c0", ERROR_NOT_CANONICAL}, {"8101c0", ERROR_TYPE}, {"81c0c0", ERROR_TYPE},
		{"8190c0", ERROR_TYPE}, {"8180c0", ERROR_TYPE}, {"82a161c0a26161c0", 0},
		{"82a26161c0a161c0", ERROR_NOT_CANONICAL}, {"82a17ac0a26161c0", ERROR_NOT_CANONICAL},
		{"82a0c0a161c0", 0}, {"82a16182a163c0a164c0a162c0", 0},
		{"82a16182a164c0a163c0a162c0", ERROR_NOT_CANONICAL}, {"82a16191a17aa162c0", 0},
		/* Text. */
		{"a100", ERROR_UTF8}, {"a1ff", ERROR_UTF8}, {"a2c0af", ERROR_UTF8}, {"a2c3a9", 0},
		{"a3eda080", ERROR_UTF8}, {"81a1ffc0", ERROR_UTF8},
		/* More than one value. */
		{"c0c0", ERROR_TRAILING}, {"91c0c0", ERROR_TRAILING},
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int result = skip_result(cases[i].text, false);
		if (result != cases[i].result)
			fail_msg("%s: %s, not %s", cases[i].text, error_name(result),
				error_name(cases[i].result));
	}
}

static void floats_only_in_bodies(void **state)
{
	struct wire_reader r;
	(void)state;

	assert_int_equal(skip_result("cb3ff8000000000000", true), 0);
	assert_int_equal(skip_result("ca3f800000", true), ERROR_NOT_CANONICAL);
	assert_int_equal(skip_result("cb7ff0000000000000", true), ERROR_RANGE);
	assert_int_equal(skip_result("cb7ff8000000000000", true), ERROR_RANGE);
	wire_reader_init(&r, hex("cb3ff8000000000000"));
	r.allow_float = true;
	assert_int_equal(wire_reader_peek(&r), WIRE_TYPE_FLOAT);
	assert_true(wire_reader_double(&r) == 1.5);
	assert_int_equal(wire_reader_end(&r), 0);
}

static void depth(void **state)
{
	(void)state;
	assert_int_equal(skip_result("91919191919191919191919191919191", false), ERROR_TRUNCATED);
	assert_int_equal(skip_result("91919191919191919191919191919190", false), 0);
	assert_int_equal(skip_result("9191919191919191919191919191919190", false), ERROR_DEPTH);
	assert_int_equal(skip_result("9191919191919191919191919191919191c0", false), ERROR_DEPTH);
}

static void reads_a_message(void **state)
{
	struct wire_reader r;
	uint8_t id[3];
	(void)state;

	/* [7, -3, "hé", bin 010203, nil, [true, []], {"a": 1, "b": [2]}, 9] */
	wire_reader_init(&r, hex("9807fda368c3a9c403010203c092c39082a16101a1629102" "09"));
	assert_int_equal(wire_reader_array(&r, 8, 16), 8);
	assert_int_equal(wire_reader_peek(&r), WIRE_TYPE_UINT);
	assert_int_equal(wire_reader_uint(&r, 7), 7);
	assert_int_equal(wire_reader_int(&r), -3);
	assert_true(bytes_equal_text(wire_reader_str(&r, 1, 3), "h\xc3\xa9"));
	wire_reader_bin_exact(&r, id, 3);
	assert_memory_equal(id, "\x01\x02\x03", 3);
	assert_true(wire_reader_nil(&r));
	assert_false(wire_reader_nil(&r));
	assert_int_equal(wire_reader_array(&r, 0, 2), 2);
	assert_true(wire_reader_bool(&r));
	assert_int_equal(wire_reader_array(&r, 0, 2), 0);
	assert_int_equal(wire_reader_map(&r, 2, 2), 2);
	assert_true(bytes_equal_text(wire_reader_str(&r, 0, 9), "a"));
	assert_int_equal(wire_reader_uint(&r, 9), 1);
	assert_true(bytes_equal_text(wire_reader_str(&r, 0, 9), "b"));
	struct bytes raw = wire_reader_raw(&r);
	assert_int_equal(raw.len, 2);
	assert_int_equal(raw.data[0], 0x91);
	assert_int_equal(wire_reader_end(&r), ERROR_TRUNCATED);
	assert_int_equal(wire_reader_left(&r), 1);
	assert_int_equal(wire_reader_int(&r), 9);
	assert_int_equal(wire_reader_peek(&r), WIRE_TYPE_END);
	assert_int_equal(wire_reader_end(&r), 0);
}

/* Each typed read refuses each other type, once and for all. */
static void errors_stick(void **state)
{
	struct wire_reader r;
	uint8_t id[4] = {1, 1, 1, 1};
	(void)state;

	wire_reader_init(&r, hex("9401020304"));
	assert_int_equal(wire_reader_array(&r, 0, 3), 0);
	assert_int_equal(wire_reader_end(&r), ERROR_SIZE);
	assert_int_equal(wire_reader_uint(&r, 10), 0);
	assert_int_equal(wire_reader_end(&r), ERROR_SIZE);
	wire_reader_init(&r, hex("9401020304"));
	wire_reader_array(&r, 5, 9);
	assert_int_equal(wire_reader_end(&r), ERROR_SIZE);
	wire_reader_init(&r, hex("05"));
	assert_int_equal(wire_reader_uint(&r, 4), 0);
	assert_int_equal(wire_reader_end(&r), ERROR_RANGE);
	wire_reader_init(&r, hex("ff"));
	wire_reader_uint(&r, UINT64_MAX);
	assert_int_equal(wire_reader_end(&r), ERROR_TYPE);
	wire_reader_init(&r, hex("cf8000000000000000"));
	assert_int_equal(wire_reader_int(&r), 0);
	assert_int_equal(wire_reader_end(&r), ERROR_RANGE);
	wire_reader_init(&r, hex("c403010203"));
	wire_reader_bin_exact(&r, id, 4);
	assert_int_equal(id[0] | id[3], 0);
	assert_int_equal(wire_reader_end(&r), ERROR_SIZE);
	wire_reader_init(&r, hex("a161"));
	assert_int_equal(wire_reader_bin(&r, 0, 9).len, 0);
	assert_int_equal(wire_reader_end(&r), ERROR_TYPE);
	wire_reader_init(&r, hex("c40161"));
	assert_int_equal(wire_reader_str(&r, 0, 9).len, 0);
	assert_int_equal(wire_reader_end(&r), ERROR_TYPE);
	wire_reader_init(&r, hex("00"));
	assert_false(wire_reader_bool(&r));
	assert_int_equal(wire_reader_end(&r), ERROR_TYPE);
	wire_reader_init(&r, hex("00"));
	wire_reader_fail(&r, ERROR_VERSION);
	wire_reader_fail(&r, ERROR_SIZE);
	assert_int_equal(wire_reader_end(&r), ERROR_VERSION);
	/* Keys are checked in typed reads too. */
	wire_reader_init(&r, hex("82a162c0a161c0"));
	wire_reader_map(&r, 0, 9);
	wire_reader_str(&r, 0, 9);
	wire_reader_nil(&r);
	assert_int_equal(wire_reader_str(&r, 0, 9).len, 0);
	assert_int_equal(wire_reader_end(&r), ERROR_NOT_CANONICAL);
}

/* Every string of up to three bytes ends in a verdict, and what is cut short is never accepted. */
static void all_short_inputs(void **state)
{
	uint8_t in[3];
	(void)state;

	for (unsigned n = 0; n < 1U << 24; n += n < 1U << 16 ? 1 : 251) {
		struct wire_reader whole, cut;
		in[0] = (uint8_t)n;
		in[1] = (uint8_t)(n >> 8);
		in[2] = (uint8_t)(n >> 16);
		wire_reader_init(&whole, bytes_of(in, 3));
		wire_reader_skip(&whole);
		if (wire_reader_end(&whole) == 0) {
			wire_reader_init(&cut, bytes_of(in, 2));
			wire_reader_skip(&cut);
			assert_int_equal(wire_reader_end(&cut), ERROR_TRUNCATED);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts_and_refuses),
		cmocka_unit_test(floats_only_in_bodies),
		cmocka_unit_test(depth),
		cmocka_unit_test(reads_a_message),
		cmocka_unit_test(errors_stick),
		cmocka_unit_test(all_short_inputs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
