/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

/* RFC 3629, section 4: the second byte's bounds exclude overlong forms, surrogates and what lies
 * above U+10FFFF. */
size_t text_utf8_next(struct bytes text, uint32_t *character)
{
	*character = 0;
	if (text.len == 0)
		return 0;
	uint8_t first = text.data[0];
	uint8_t low = 0x80, high = 0xbf;
	size_t len;
	if (first < 0x80) {
		*character = first;
		return 1;
	} else if (first >= 0xc2 && first <= 0xdf) {
		len = 2;
	} else if (first >= 0xe0 && first <= 0xef) {
		len = 3;
		low = first == 0xe0 ? 0xa0 : low;
		high = first == 0xed ? 0x9f : high;
	} else if (first >= 0xf0 && first <= 0xf4) {
		len = 4;
		low = first == 0xf0 ? 0x90 : low;
		high = first == 0xf4 ? 0x8f : high;
	} else {
		return 0;
	}
	if (text.len < len || text.data[1] < low || text.data[1] > high)
		return 0;
	uint32_t value = first & (0x7fU >> len);
	for (size_t i = 1; i < len; i++) {
		if ((text.data[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (text.data[i] & 0x3f);
	}
	*character = value;
	return len;
}

bool text_utf8_valid(struct bytes text)
{
	size_t at = 0;

	while (at < text.len) {
		/* Most text is ASCII: eight characters at a time. */
		uint64_t word;
		if (text.len - at >= sizeof(word)) {
			memcpy(&word, text.data + at, sizeof(word));
			if ((word & UINT64_C(0x8080808080808080)) == 0) {
				at += sizeof(word);
				continue;
			}
		}
		uint32_t character;
		size_t n = text_utf8_next(bytes_of(text.data + at, text.len - at), &character);
		if (n == 0)
			return false;
		at += n;
	}
	return true;
}

size_t text_utf8_cut(struct bytes text, size_t max)
{
	if (text.len <= max)
		return text.len;
	/* At most three bytes back is the first byte of the character that is cut. */
	size_t at = max;
	for (int i = 0; i < 3 && at && (text.data[at] & 0xc0) == 0x80; i++)
		at--;
	return (text.data[at] & 0xc0) == 0x80 ? max : at;
}

bool text_printable(uint32_t c)
{
	if (c < 0x20 || (c >= 0x7f && c < 0xa0))
		return false;
	if (c >= 0x200b && c <= 0x200f) /* zero width, direction marks */
		return false;
	if (c >= 0x2028 && c <= 0x202e) /* separators, direction overrides */
		return false;
	if (c >= 0x2060 && c <= 0x206f) /* invisible operators, isolates */
		return false;
	if (c == 0x61c || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb))
		return false;
	if (c >= 0xe0000 && c <= 0xe007f) /* invisible tags */
		return false;
	return (c & 0xfffe) != 0xfffe && !(c >= 0xfdd0 && c <= 0xfdef);
}
