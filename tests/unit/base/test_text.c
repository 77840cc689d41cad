/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/error.h"
#include "base/text.h"

static void hexadecimal(void **state)
{
	char text[TEXT_HEX_SIZE(4)];
	uint8_t back[4];
	(void)state;

	assert_string_equal(text_hex_encode(text, bytes_of("\x00\x1f\xab\xff", 4)), "001fabff");
	assert_int_equal(text_hex_decode(back, 4, bytes_from_text("001FabfF")), 0);
	assert_memory_equal(back, "\x00\x1f\xab\xff", 4);
	assert_int_equal(text_hex_decode(back, 4, bytes_from_text("001fabf")), ERROR_SIZE);
	assert_int_equal(text_hex_decode(back, 3, bytes_from_text("001fabff")), ERROR_SIZE);
	assert_int_equal(text_hex_decode(back, 4, bytes_from_text("001fabfg")), ERROR_SYNTAX);
	assert_int_equal(text_hex_decode(back, 1, bytes_from_text("\0")), ERROR_SIZE);
}

/* RFC 4648, section 10; the last is https://www.crockford.com/base32.html's alphabet. */
static void encoding_vectors(void **state)
{
	static const struct {
		const char *plain, *base64, *base64url, *base32;
	} vectors[] = {
		{"", "", "", ""},
		{"f", "Zg==", "Zg", "CR"},
		{"fo", "Zm8=", "Zm8", "CSQG"},
		{"foo", "Zm9v", "Zm9v", "CSQPY"},
		{"foob", "Zm9vYg==", "Zm9vYg", "CSQPYRG"},
		{"fooba", "Zm9vYmE=", "Zm9vYmE", "CSQPYRK1"},
		{"foobar", "Zm9vYmFy", "Zm9vYmFy", "CSQPYRK1E8"},
		{"\xfb\xff\xfe", "+//+", "-__-", "ZFZZW"},
	};
	char text[64];
	uint8_t back[16];
	size_t len;
	(void)state;

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct bytes plain = bytes_from_text(vectors[i].plain);
		assert_string_equal(text_base64_encode(text, plain), vectors[i].base64);
		assert_true(strlen(text) < TEXT_BASE64_SIZE(plain.len));
		assert_int_equal(text_base64_decode(back, plain.len, bytes_from_text(text), &len), 0);
		assert_true(bytes_equal(bytes_of(back, len), plain));
		assert_string_equal(text_base64url_encode(text, plain), vectors[i].base64url);
		assert_int_equal(strlen(text) + 1, TEXT_BASE64URL_SIZE(plain.len));
		assert_int_equal(text_base64url_decode(back, plain.len, bytes_from_text(text), &len), 0);
		assert_true(bytes_equal(bytes_of(back, len), plain));
		assert_string_equal(text_base32_encode(text, plain), vectors[i].base32);
		assert_int_equal(strlen(text) + 1, TEXT_BASE32_SIZE(plain.len));
		assert_int_equal(text_base32_decode(back, plain.len, bytes_from_text(text), &len), 0);
		assert_true(bytes_equal(bytes_of(back, len), plain));
	}
}

static void encodings_refuse(void **state)
{
	uint8_t back[16];
	size_t len;
	(void)state;

	assert_int_equal(text_base64_decode(back, 16, bytes_from_text("Zg="), &len), ERROR_SIZE);
	assert_int_equal(text_base64_decode(back, 16, bytes_from_text("Zh=="), &len),
		ERROR_NOT_CANONICAL);
	assert_int_equal(text_base64_decode(back, 16, bytes_from_text("===="), &len), ERROR_SYNTAX);
	assert_int_equal(text_base64_decode(back, 16, bytes_from_text("Z==="), &len), ERROR_SYNTAX);
	assert_int_equal(text_base64_decode(back, 16, bytes_from_text("Zg==Zg=="), &len),
		ERROR_SYNTAX);
	assert_int_equal(text_base64_decode(back, 16, bytes_from_text("Zm9v\nZm8"), &len),
		ERROR_SYNTAX);
	assert_int_equal(text_base64_decode(back, 2, bytes_from_text("Zm9v"), &len), ERROR_SIZE);
	assert_int_equal(text_base64url_decode(back, 16, bytes_from_text("Z"), &len), ERROR_SIZE);
	assert_int_equal(text_base64url_decode(back, 16, bytes_from_text("Zg=="), &len),
		ERROR_SYNTAX);
	assert_int_equal(text_base64url_decode(back, 16, bytes_from_text("+//+"), &len),
		ERROR_SYNTAX);
	assert_int_equal(text_base32_decode(back, 16, bytes_from_text("CSQ"), &len), ERROR_SIZE);
	assert_int_equal(text_base32_decode(back, 16, bytes_from_text("CU"), &len), ERROR_SYNTAX);
	assert_int_equal(text_base32_decode(back, 16, bytes_from_text("CS"), &len),
		ERROR_NOT_CANONICAL);
	/* As people write them: small letters, I and L for 1, O for 0. */
	assert_int_equal(text_base32_decode(back, 16, bytes_from_text("csqpyrkI"), &len), 0);
	assert_memory_equal(back, "fooba", 5);
	assert_int_equal(text_base32_decode(back, 16, bytes_from_text("oO"), &len), 0);
	assert_int_equal(back[0], 0);
}

static void utf8(void **state)
{
	static const char *const good[] = {"", "plain, longer than eight", "\xc2\x80", "\xdf\xbf",
		"\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf",
		("12345678\xc3\xa9" "12345678")};
	static const char *const bad[] = {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2\x41",
		"\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xe2\x82", "\xf0\x8f\xbf\xbf",
		"\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "12345678\xff", "1234567\xc3",
		"\xf0\x90\x80\x41"};
	uint32_t c;
	(void)state;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(text_utf8_valid(bytes_from_text(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(text_utf8_valid(bytes_from_text(bad[i])));
	assert_int_equal(text_utf8_next(bytes_from_text("\xf0\x9f\x8f\x99x"), &c), 4);
	assert_int_equal(c, 0x1f3d9);
	struct bytes text = bytes_from_text("a\xe2\x82\xac" "b");
	assert_int_equal(text_utf8_cut(text, 0), 0);
	assert_int_equal(text_utf8_cut(text, 1), 1);
	assert_int_equal(text_utf8_cut(text, 2), 1);
	assert_int_equal(text_utf8_cut(text, 3), 1);
	assert_int_equal(text_utf8_cut(text, 4), 4);
	assert_int_equal(text_utf8_cut(text, 9), 5);
	assert_true(text_printable('a') && text_printable(0xe9) && text_printable(0x1f3d9));
	assert_false(text_printable('\n') || text_printable(0x9b) || text_printable(0x202e) ||
		text_printable(0x2066) || text_printable(0xfeff) || text_printable(0xffff));
}

static void slugs(void **state)
{
	static const char *const good[] = {"a", "budapest", "a-b", "c40",
		"abcdefghijklmnopqrstuvwxyzabcdef"};
	static const char *const bad[] = {"", "-a", "a-", "a--b", "4c", "A", "a_b", "a b",
		"\xc3\xa9", "abcdefghijklmnopqrstuvwxyzabcdefg"};
	static const char *const names[][2] = {
		{"Budapest", "budapest"}, {"Ko\xc5\xa1ice Regi\xc3\xb3n", "kosice-region"},
		{"  S\xc3\xa3o  Paulo! ", "sao-paulo"}, {"\xc5\x81\xc3\xb3" "d\xc5\xba", "lodz"},
		{"6. Bezirk", "c-6-bezirk"}, {"", "city"}, {"\xe4\xba\xac", "city"},
		{"Stra\xc3\x9f" "e", "strasse"}, {"Bucure\xc8\x99ti", "bucuresti"},
		{"\xc3\x86r\xc3\xb8sk\xc3\xb8" "bing", "aeroskobing"}, {"\xff\xfe" "a", "a"},
		{"e\xcc\x81t\xc3\xa9", "ete"}, {"\xc5\xbduri", "zuri"}, {"a\xc3\x97" "b", "a-b"},
		{"abcdefghijklmnopqrstuvwxyzabcde fgh", "abcdefghijklmnopqrstuvwxyzabcde"},
		{"\xc4\xb0stanbul", "istanbul"}, {"\xc3\xbeing", "thing"},
	};
	char slug[TEXT_SLUG_MAX + 1];
	(void)state;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(text_slug_valid(bytes_from_text(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(text_slug_valid(bytes_from_text(bad[i])));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		text_slug_from(slug, bytes_from_text(names[i][0]));
		assert_string_equal(slug, names[i][1]);
		assert_true(text_slug_valid(bytes_from_text(slug)));
	}
	/* Whatever the name: a slug. */
	uint32_t random = 7;
	for (int i = 0; i < 20000; i++) {
		uint8_t name[48];
		for (size_t j = 0; j < sizeof(name); j++) {
			random = random * 1103515245 + 12345;
			name[j] = (uint8_t)(random >> (random >> 31 ? 16 : 18));
		}
		text_slug_from(slug, bytes_of(name, sizeof(name)));
		assert_true(text_slug_valid(bytes_from_text(slug)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hexadecimal),
		cmocka_unit_test(encoding_vectors),
		cmocka_unit_test(encodings_refuse),
		cmocka_unit_test(utf8),
		cmocka_unit_test(slugs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
