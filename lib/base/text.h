/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Text encodings: hexadecimal, base64, base64url, Crockford's base32, UTF-8, slugs, fingerprints.
 * Encoders write a terminating NUL and need the size that the matching *_SIZE macro gives.
 * Decoders take the exact canonical text only (no spaces, zero pad bits), return ERROR_SYNTAX for
 * a wrong character, ERROR_SIZE for a wrong length and ERROR_NOT_CANONICAL for pad bits that are
 * not zero.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/bytes.h"

/** Room for n bytes encoded, with the NUL. */
#define TEXT_HEX_SIZE(n) (2 * (size_t)(n) + 1)
#define TEXT_BASE64_SIZE(n) (((size_t)(n) + 2) / 3 * 4 + 1)
#define TEXT_BASE64URL_SIZE(n) (((size_t)(n) * 4 + 2) / 3 + 1)
#define TEXT_BASE32_SIZE(n) (((size_t)(n) * 8 + 4) / 5 + 1)

/** Lower case. Returns `to`. */
const char *text_hex_encode(char *to, struct bytes from);
/** Either case; exactly `len` bytes are expected. */
int text_hex_decode(void *to, size_t len, struct bytes text);

/** RFC 4648 section 4, padded, one line. */
const char *text_base64_encode(char *to, struct bytes from);
/** `to` holds at least text.len / 4 * 3 bytes or `max`; the length goes to *len. */
int text_base64_decode(void *to, size_t max, struct bytes text, size_t *len);
/** RFC 4648 section 5, without padding. */
const char *text_base64url_encode(char *to, struct bytes from);
int text_base64url_decode(void *to, size_t max, struct bytes text, size_t *len);

/**
 * https://www.crockford.com/base32.html, upper case, no check symbol, most significant bit first.
 */
const char *text_base32_encode(char *to, struct bytes from);
/** Either case; I and L read as 1, O as 0; hyphens are refused. */
int text_base32_decode(void *to, size_t max, struct bytes text, size_t *len);

/** RFC 3629: no surrogates, no overlong forms, nothing above U+10FFFF. NUL is valid here. */
bool text_utf8_valid(struct bytes text);
/**
 * Length of the first character and the character itself; 0 if it is not valid or there is none.
 */
size_t text_utf8_next(struct bytes text, uint32_t *character);
/**
 * False for what must not reach a terminal or a log from a stranger's text: C0 and C1 controls,
 * DEL, line and paragraph separators, direction marks and overrides, zero-width characters,
 * noncharacters.
 */
bool text_printable(uint32_t character);
/** The longest beginning of `text` that is at most `max` bytes and cuts no character. */
size_t text_utf8_cut(struct bytes text, size_t max);

#define TEXT_SLUG_MAX 32

/**
 * a-z, 0-9 and '-', 1..32 characters, begins with a letter, no two dashes together, none at the
 * end.
 */
bool text_slug_valid(struct bytes slug);
/**
 * "Košice Región" -> "kosice-region": Latin letters lose their accents, all else becomes one
 * dash. "city" if nothing is left; always valid. Returns `to`.
 */
const char *text_slug_from(char to[static TEXT_SLUG_MAX + 1], struct bytes name);

#define TEXT_FINGERPRINT_GROUPS 8
/** Eight groups of five characters with a dash between, and the NUL. */
#define TEXT_FINGERPRINT_SIZE (TEXT_FINGERPRINT_GROUPS * 6)

/**
 * The form of a public key that people read to each other over the telephone: Crockford base32 of
 * its first 20 bytes, 8 groups of 4 characters (20 bits) with a fifth that checks the group. The
 * check is a Reed-Solomon digit over GF(32), mixed with the group's number: any one wrong
 * character, any two swapped in a group, any two groups swapped show in the group where they are,
 * other mistakes with 31 in 32. (A remainder modulo 31, as Crockford's modulo 37 suggests, would
 * miss swapped characters: 32 leaves 1 there.) Another key with the same text takes some 2^160
 * tries to find. Returns `to`.
 */
const char *text_fingerprint(char to[static TEXT_FINGERPRINT_SIZE],
	const uint8_t public_key[static 32]);

/**
 * Reads what a person typed: either case, I/L for 1, O for 0, dashes and spaces anywhere or
 * nowhere. Gives the 20 bytes. ERROR_SIZE: not 40 characters; ERROR_SYNTAX: a character outside
 * the alphabet, ERROR_CORRUPT: a check fails; *wrong_group (may be NULL) is then 1..8, counted as
 * a person counts, else 0.
 */
int text_fingerprint_parse(uint8_t out[static 20], struct bytes text, int *wrong_group);
