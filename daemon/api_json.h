/* SPDX-License-Identifier: Apache-2.0 */
/** Our types as JSON values. All give a new reference, NULL without memory. */
#pragma once

#include <jansson.h>

#include "base/buffer.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/timestamp.h"
#include "crypto/hash.h"
#include "crypto/key.h"

/** Text that is not UTF-8, which only a hostile city sends, becomes "(not UTF-8)". */
json_t *api_json_text(struct bytes text);
/** Lower-case hex, at most 64 bytes. */
json_t *api_json_hex(struct bytes bytes);
json_t *api_json_hash(const struct hash *hash);
json_t *api_json_base64(struct bytes bytes);
/** RFC 3339; null for 0. */
json_t *api_json_time(struct timestamp time);
json_t *api_json_ms(uint64_t ms);
/** Beyond 2^63 - 1, which no counter reaches, it is cut there. */
json_t *api_json_uint(uint64_t value);

/* What a client sent. These complain about the field and return ERROR_FIELD (also where it is
 * missing, unless it says otherwise). */

/** A text of min..max bytes; valid as long as `object`. */
int api_json_get_text(const json_t *object, const char *field, size_t min, size_t max,
	const char **out, struct complaint *c);
/** The same; *out NULL where it is missing or null. */
int api_json_get_text_maybe(const json_t *object, const char *field, size_t min, size_t max,
	const char **out, struct complaint *c);
/** Exactly `len` bytes of hex. */
int api_json_get_hex(const json_t *object, const char *field, void *to, size_t len,
	struct complaint *c);
/** Appends what the base64 says, at most out->max. */
int api_json_get_base64(const json_t *object, const char *field, struct buffer *out,
	struct complaint *c);
/** `fallback` where it is missing. */
int api_json_get_uint(const json_t *object, const char *field, uint64_t min, uint64_t max,
	uint64_t fallback, uint64_t *out, struct complaint *c);
int api_json_get_bool(const json_t *object, const char *field, bool fallback, bool *out,
	struct complaint *c);
/** Refuses keys that are not among the `count` known ones, so that no misspelt one is passed
 * over. */
int api_json_only(const json_t *object, const char *const *known, size_t count,
	struct complaint *c);
