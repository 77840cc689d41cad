/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

bool text_slug_valid(struct bytes slug)
{
	if (slug.len < 1 || slug.len > TEXT_SLUG_MAX)
		return false;
	if (slug.data[0] < 'a' || slug.data[0] > 'z' || slug.data[slug.len - 1] == '-')
		return false;
	for (size_t i = 0; i < slug.len; i++) {
		uint8_t c = slug.data[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
		if (!plain && !(c == '-' && slug.data[i - 1] != '-'))
			return false;
	}
	return true;
}

/* U+00C0 to U+017F without their accents; '-' where there is no letter. */
static const char latin[] =
	"aaaaaaaceeeeiiii" /* U+00C0; capital and small AE as 'a', followed by 'e' below */
	"dnooooo-ouuuuyts"
	"aaaaaaaceeeeiiii"
	"dnooooo-ouuuuyty"
	"aaaaaaccccccccdd" /* U+0100 */
	"ddeeeeeeeeeegggg"
	"gggghhhhiiiiiiii"
	"iiiijjkkklllllll"
	"lllnnnnnnnnnoooo"
	"oooorrrrrrssssss"
	"ssttttttuuuuuuuu"
	"uuuuwwyyyzzzzzzs";

/* The one or two plain letters for a character, or nothing. */
static size_t slug_letters(char to[2], uint32_t c)
{
	to[1] = '\0';
	if (c >= 'A' && c <= 'Z')
		c = c - 'A' + 'a';
	if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
		to[0] = (char)c;
		return 1;
	}
	if (c == 0x218 || c == 0x219) /* Romanian s with a comma */
		c = 's';
	else if (c == 0x21a || c == 0x21b)
		c = 't';
	else if (c >= 0xc0 && c <= 0x17f)
		to[1] = c == 0xc6 || c == 0xe6 || c == 0x152 || c == 0x153 ? 'e'
			: c == 0xde || c == 0xfe                           ? 'h'
			: c == 0xdf                                        ? 's'
									   : '\0';
	else
		return 0;
	to[0] = c >= 0xc0 ? latin[c - 0xc0] : (char)c;
	if (to[0] == '-')
		return 0;
	return to[1] ? 2 : 1;
}

/* Adds plain characters, with one dash where others stood between; false when full. */
static bool slug_add(char *to, size_t *len, bool dash, const char *letters, size_t n)
{
	if (*len == 0 && letters[0] <= '9') {
		to[(*len)++] = 'c'; /* a slug begins with a letter */
		dash = true;
	}
	if (*len + n + dash > TEXT_SLUG_MAX)
		return false;
	if (dash && *len)
		to[(*len)++] = '-';
	memcpy(to + *len, letters, n);
	*len += n;
	return true;
}

const char *text_slug_from(char to[static TEXT_SLUG_MAX + 1], struct bytes name)
{
	size_t len = 0;
	bool dash = false;

	while (name.len) {
		uint32_t c;
		char letters[2];
		size_t size = text_utf8_next(name, &c);
		size_t n = size ? slug_letters(letters, c) : 0;
		name = bytes_slice(name, size ? size : 1, name.len);
		if (c >= 0x300 && c <= 0x36f) /* accents that stand alone */
			continue;
		if (n == 0)
			dash = true;
		else if (!slug_add(to, &len, dash, letters, n))
			break;
		else
			dash = false;
	}
	if (len == 0) {
		memcpy(to, "city", 4);
		len = 4;
	}
	to[len] = '\0';
	return to;
}
