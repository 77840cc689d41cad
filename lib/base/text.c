/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include "base/error.h"

static const char base64_letters[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64url_letters[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char base32_letters[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

const char *text_hex_encode(char *to, struct bytes from)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < from.len; i++) {
		to[2 * i] = digits[from.data[i] >> 4];
		to[2 * i + 1] = digits[from.data[i] & 15];
	}
	to[2 * from.len] = '\0';
	return to;
}

static int hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int text_hex_decode(void *to, size_t len, struct bytes text)
{
	uint8_t *out = to;

	if (text.len % 2 || text.len / 2 != len)
		return ERROR_SIZE;
	for (size_t i = 0; i < text.len; i++) {
		int value = hex_value(text.data[i]);
		if (value < 0)
			return ERROR_SYNTAX;
		out[i / 2] = (uint8_t)(i % 2 ? out[i / 2] | value : value << 4);
	}
	return 0;
}

/*
 * Writes `from` in groups of `width` bits, the last filled up with zeros; returns the characters.
 */
static size_t encode_bits(char *to, struct bytes from, unsigned width, const char *letters)
{
	uint32_t bits = 0;
	unsigned have = 0;
	size_t len = 0;

	for (size_t i = 0; i < from.len; i++) {
		bits = bits << 8 | from.data[i];
		have += 8;
		while (have >= width) {
			have -= width;
			to[len++] = letters[bits >> have & ((1U << width) - 1)];
		}
	}
	if (have)
		to[len++] = letters[bits << (width - have) & ((1U << width) - 1)];
	to[len] = '\0';
	return len;
}

static int letter_value(uint8_t c, const char *letters)
{
	const char *at = c ? strchr(letters, c) : NULL;
	return at ? (int)(at - letters) : -1;
}

/* A character of Crockford's base32 with what people write for it. */
static int base32_value(uint8_t c)
{
	if (c >= 'a' && c <= 'z')
		c = (uint8_t)(c - 'a' + 'A');
	if (c == 'I' || c == 'L')
		c = '1';
	if (c == 'O')
		c = '0';
	return letter_value(c, base32_letters);
}

/* The reverse of encode_bits; `letters` NULL for base32. */
static int decode_bits(void *to, size_t max, struct bytes text, unsigned width,
	const char *letters, size_t *len)
{
	uint8_t *out = to;
	uint32_t bits = 0;
	unsigned have = 0;
	size_t n = 0;

	/* A last character that completes no byte is one too many. */
	if (text.len * width % 8 >= width)
		return ERROR_SIZE;
	if (text.len / 8 * width + text.len % 8 * width / 8 > max)
		return ERROR_SIZE;
	for (size_t i = 0; i < text.len; i++) {
		int value = letters ? letter_value(text.data[i], letters) : base32_value(text.data[i]);
		if (value < 0)
			return ERROR_SYNTAX;
		bits = bits << width | (uint32_t)value;
		have += width;
		if (have >= 8) {
			have -= 8;
			out[n++] = (uint8_t)(bits >> have);
		}
	}
	if (bits & ((1U << have) - 1))
		return ERROR_NOT_CANONICAL;
	*len = n;
	return 0;
}

const char *text_base64_encode(char *to, struct bytes from)
{
	size_t len = encode_bits(to, from, 6, base64_letters);
	while (len % 4)
		to[len++] = '=';
	to[len] = '\0';
	return to;
}

int text_base64_decode(void *to, size_t max, struct bytes text, size_t *len)
{
	if (text.len % 4)
		return ERROR_SIZE;
	if (text.len && text.data[text.len - 1] == '=')
		text.len -= text.data[text.len - 2] == '=' ? 2 : 1;
	return decode_bits(to, max, text, 6, base64_letters, len);
}

const char *text_base64url_encode(char *to, struct bytes from)
{
	encode_bits(to, from, 6, base64url_letters);
	return to;
}

int text_base64url_decode(void *to, size_t max, struct bytes text, size_t *len)
{
	return decode_bits(to, max, text, 6, base64url_letters, len);
}

const char *text_base32_encode(char *to, struct bytes from)
{
	encode_bits(to, from, 5, base32_letters);
	return to;
}

int text_base32_decode(void *to, size_t max, struct bytes text, size_t *len)
{
	return decode_bits(to, max, text, 5, NULL, len);
}
