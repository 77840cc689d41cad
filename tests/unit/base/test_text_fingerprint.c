/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/error.h"
#include "base/text.h"

/* The key of RFC 8032's first test; the text was computed by a separate program. */
static const uint8_t key[32] = {0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe,
	0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02,
	0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a};
static const char fingerprint[] = "TXD9C-G0C2X-P45B7-FNABA-ZV9WR-JS07N-787EK-2WQKC";

static void known_answer(void **state)
{
	char text[TEXT_FINGERPRINT_SIZE];
	uint8_t counting[32];
	(void)state;

	assert_string_equal(text_fingerprint(text, key), fingerprint);
	for (uint8_t i = 0; i < 32; i++)
		counting[i] = i;
	assert_string_equal(text_fingerprint(text, counting),
		"000G5-40R4C-0M30Z-E209T-185GF-R38EX-1W81A-24GKE");
}

static void parses_as_typed(void **state)
{
	static const char *const forms[] = {
		"TXD9C-G0C2X-P45B7-FNABA-ZV9WR-JS07N-787EK-2WQKC",
		"txd9cg0c2xp45b7fnabazv9wrjs07n787ek2wqkc",
		" txd9c gOc2x p45b7 fnaba\tzv9wr js o7n 787ek 2wqkc\n",
	};
	uint8_t out[20];
	int wrong = 9;
	(void)state;

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		assert_int_equal(text_fingerprint_parse(out, bytes_from_text(forms[i]), &wrong), 0);
		assert_int_equal(wrong, 0);
		assert_memory_equal(out, key, 20);
	}
	assert_int_equal(text_fingerprint_parse(out, bytes_from_text(forms[0]), NULL), 0);
}

static void names_the_wrong_group(void **state)
{
	static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	char text[TEXT_FINGERPRINT_SIZE];
	uint8_t out[20];
	int wrong;
	(void)state;

	for (size_t i = 0; i < strlen(fingerprint); i++) {
		if (fingerprint[i] == '-')
			continue;
		/* Any one wrong character. */
		for (const char *c = alphabet; *c; c++) {
			memcpy(text, fingerprint, sizeof(text));
			text[i] = *c;
			int expected = *c == fingerprint[i] ? 0 : ERROR_CORRUPT;
			assert_int_equal(text_fingerprint_parse(out, bytes_from_text(text), &wrong),
				expected);
			assert_int_equal(wrong, expected ? (int)(i / 6) + 1 : 0);
		}
		/* Any two swapped in a group. */
		for (size_t j = i + 1; j < strlen(fingerprint) && fingerprint[j] != '-'; j++) {
			memcpy(text, fingerprint, sizeof(text));
			text[i] = fingerprint[j];
			text[j] = fingerprint[i];
			assert_int_equal(text_fingerprint_parse(out, bytes_from_text(text), &wrong),
				text[i] == text[j] ? 0 : ERROR_CORRUPT);
		}
	}
	/* Any two groups swapped: the first of them is named. */
	for (int a = 0; a < 8; a++) {
		for (int b = a + 1; b < 8; b++) {
			memcpy(text, fingerprint, sizeof(text));
			memcpy(text + 6 * a, fingerprint + 6 * b, 5);
			memcpy(text + 6 * b, fingerprint + 6 * a, 5);
			assert_int_equal(text_fingerprint_parse(out, bytes_from_text(text), &wrong),
				ERROR_CORRUPT);
			assert_int_equal(wrong, a + 1);
		}
	}
}

static void refuses(void **state)
{
	char text[TEXT_FINGERPRINT_SIZE];
	uint8_t out[20];
	int wrong;
	(void)state;

	assert_int_equal(text_fingerprint_parse(out, bytes_from_text(""), &wrong), ERROR_SIZE);
	assert_int_equal(
		text_fingerprint_parse(out, bytes_of(fingerprint, strlen(fingerprint) - 1), &wrong),
		ERROR_SIZE);
	memcpy(text, fingerprint, sizeof(text));
	text[8] = 'U';
	assert_int_equal(text_fingerprint_parse(out, bytes_from_text(text), &wrong), ERROR_SYNTAX);
	assert_int_equal(wrong, 2);
	text[8] = '\0';
	assert_int_equal(text_fingerprint_parse(out, bytes_of(text, strlen(fingerprint)), &wrong),
		ERROR_SYNTAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_answer),
		cmocka_unit_test(parses_as_typed),
		cmocka_unit_test(names_the_wrong_group),
		cmocka_unit_test(refuses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
