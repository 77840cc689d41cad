/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include "base/error.h"

#define GROUP_DATA 4
#define GROUP_SIZE (GROUP_DATA + 1)
#define FINGERPRINT_BYTES 20

_Static_assert(FINGERPRINT_BYTES * 8 == TEXT_FINGERPRINT_GROUPS * GROUP_DATA * 5, "whole groups");

/* Multiplication by x in GF(32), the polynomials over GF(2) modulo x^5 + x^2 + 1. */
static unsigned times_x(unsigned a)
{
	return (a << 1 ^ (a & 16 ? 0x25 : 0)) & 31;
}

/*
 * The check value: number + sum of x^i times character i, i = 4 for the first to 1 for the last.
 * The weights, with 1 for the check character itself, all differ: any one wrong character and any
 * two swapped ones give another check. Groups swapped differ in their number.
 */
static unsigned check_value(const unsigned values[GROUP_DATA], unsigned number)
{
	unsigned sum = 0;
	for (int i = 0; i < GROUP_DATA; i++)
		sum = times_x(sum ^ values[i]);
	return sum ^ number;
}

/* One of the 32 values as text and back, by the base32 functions: the upper five bits of a byte. */
static char value_letter(unsigned value)
{
	char text[TEXT_BASE32_SIZE(1)];
	uint8_t byte = (uint8_t)(value << 3);
	text_base32_encode(text, bytes_of(&byte, 1));
	return text[0];
}

static int letter_value(uint8_t letter)
{
	uint8_t pair[2] = {letter, '0'};
	uint8_t byte;
	size_t len;
	return text_base32_decode(&byte, 1, bytes_of(pair, 2), &len) ? -1 : byte >> 3;
}

const char *text_fingerprint(char to[static TEXT_FINGERPRINT_SIZE],
	const uint8_t public_key[static 32])
{
	char plain[TEXT_BASE32_SIZE(FINGERPRINT_BYTES)];
	char *at = to;

	text_base32_encode(plain, bytes_of(public_key, FINGERPRINT_BYTES));
	for (unsigned group = 0; group < TEXT_FINGERPRINT_GROUPS; group++) {
		unsigned values[GROUP_DATA];
		for (unsigned i = 0; i < GROUP_DATA; i++) {
			char letter = plain[group * GROUP_DATA + i];
			values[i] = (unsigned)letter_value((uint8_t)letter);
			*at++ = letter;
		}
		*at++ = value_letter(check_value(values, group));
		*at++ = group + 1 < TEXT_FINGERPRINT_GROUPS ? '-' : '\0';
	}
	return to;
}

int text_fingerprint_parse(uint8_t out[static 20], struct bytes text, int *wrong_group)
{
	unsigned values[TEXT_FINGERPRINT_GROUPS * GROUP_SIZE];
	char plain[TEXT_FINGERPRINT_GROUPS * GROUP_DATA];
	size_t count = 0, len;
	int ignored;

	wrong_group = wrong_group ? wrong_group : &ignored;
	*wrong_group = 0;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];
		if (c == '-' || c == ' ' || c == '\t' || c == '\n' || c == '\r')
			continue;
		if (count == TEXT_FINGERPRINT_GROUPS * GROUP_SIZE)
			return ERROR_SIZE;
		int value = letter_value(c);
		if (value < 0) {
			*wrong_group = (int)(count / GROUP_SIZE) + 1;
			return ERROR_SYNTAX;
		}
		values[count++] = (unsigned)value;
	}
	if (count != TEXT_FINGERPRINT_GROUPS * GROUP_SIZE)
		return ERROR_SIZE;
	for (unsigned group = 0; group < TEXT_FINGERPRINT_GROUPS; group++) {
		const unsigned *at = values + group * GROUP_SIZE;
		if (check_value(at, group) != at[GROUP_DATA]) {
			*wrong_group = (int)group + 1;
			return ERROR_CORRUPT;
		}
		for (unsigned i = 0; i < GROUP_DATA; i++)
			plain[group * GROUP_DATA + i] = value_letter(at[i]);
	}
	return text_base32_decode(out, FINGERPRINT_BYTES, bytes_of(plain, sizeof(plain)), &len);
}
