/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "crypto/key.h"

static struct public_key from_hex(const char *text)
{
	struct public_key key;
	assert_int_equal(text_hex_decode(&key, sizeof(key), bytes_from_text(text)), 0);
	return key;
}

/*
 * The eight points of small order, computed by a separate program as multiples of one of order 8.
 */
static void small_order_is_refused(void **state)
{
	static const char *const points[] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0000000000000000000000000000000000000000000000000000000000000080",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		/* Their other encodings: x = 0 with a sign; y = p and p + 1. */
		"0100000000000000000000000000000000000000000000000000000000000080",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	};
	(void)state;

	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		struct public_key key = from_hex(points[i]);
		assert_int_equal(public_key_admit(&key), ERROR_KEY);
	}
}

/* y = p .. p + 18, with either sign: the numbers below 2^255 that are not reduced. */
static void not_canonical_is_refused(void **state)
{
	(void)state;
	for (int y = 0; y <= 18; y++) {
		for (int sign = 0; sign < 2; sign++) {
			struct public_key key;
			memset(&key, 0xff, sizeof(key));
			key.bytes[0] = (uint8_t)(0xed + y);
			key.bytes[31] = sign ? 0xff : 0x7f;
			assert_int_equal(public_key_admit(&key), ERROR_KEY);
		}
	}
}

/*
 * The smallest y, and those just below p: which of them lie on the curve a separate program said.
 */
static void off_the_curve_is_refused(void **state)
{
	(void)state;
	for (uint8_t y = 2; y < 20; y++) {
		struct public_key key = {{y}}, negative;
		bool on_curve = !memchr("\x02\x07\x08\x0b\x0c\x0d\x11", y, 7);
		assert_int_equal(public_key_admit(&key), on_curve ? 0 : ERROR_KEY);
		key.bytes[31] = 0x80;
		assert_int_equal(public_key_admit(&key), on_curve ? 0 : ERROR_KEY);
		/* p - y is on the curve if y is. */
		memset(&negative, 0xff, sizeof(negative));
		negative.bytes[0] = (uint8_t)(0xed - y);
		negative.bytes[31] = 0x7f;
		assert_int_equal(public_key_admit(&negative), on_curve ? 0 : ERROR_KEY);
	}
}

static void own_keys_are_admitted(void **state)
{
	(void)state;
	for (uint8_t i = 0; i < 50; i++) {
		uint8_t seed[SECRET_SEED_SIZE] = {i, 1};
		struct secret_key *key;
		assert_int_equal(secret_key_from_seed(seed, &key), 0);
		assert_int_equal(public_key_admit(secret_key_public(key)), 0);
		secret_key_free(key);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_order_is_refused),
		cmocka_unit_test(not_canonical_is_refused),
		cmocka_unit_test(off_the_curve_is_refused),
		cmocka_unit_test(own_keys_are_admitted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
