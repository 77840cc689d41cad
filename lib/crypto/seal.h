/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A stream of bytes sealed to one X25519 key (docs/protocol.md, section 14): an ephemeral key,
 * HKDF-SHA256 (RFC 5869), then AES-256-GCM in chunks, each with its number and whether it is the
 * last in its nonce (the STREAM construction: Hoang, Reyhanitabar, Rogaway, Vizar, CRYPTO 2015), so
 * that it is opened as it comes and a cut is seen.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "crypto/hash.h"

#define SEAL_MAGIC "hansa sealed 1\n"
#define SEAL_MAGIC_BYTES 15u
#define SEAL_KEY_BYTES 32u
#define SEAL_HEADER_BYTES (SEAL_MAGIC_BYTES + HASH_SIZE + 2 * SEAL_KEY_BYTES)
#define SEAL_CHUNK_BYTES 65536u
#define SEAL_TAG_BYTES 16u

struct seal {
	uint8_t key[SEAL_KEY_BYTES], prefix[7];
	uint32_t counter;
	uint8_t header[SEAL_HEADER_BYTES];
	uint32_t header_have;
	struct buffer chunk; /* plain bytes not sealed yet, or what has come of a sealed chunk */
	bool keyed, ended;
};

/** Appends the header. `secret`: 32 random bytes. ERROR_KEY: no key that can be sealed to. */
int seal_begin(struct seal *s, const struct hash *city_id, const uint8_t key[static SEAL_KEY_BYTES],
	const uint8_t secret[static SEAL_KEY_BYTES], struct buffer *out);
/** ERROR_CRYPTO, ERROR_MEMORY, ERROR_LIMIT (2^32 chunks). */
int seal_add(struct seal *s, struct bytes bytes, struct buffer *out);
int seal_end(struct seal *s, struct buffer *out);

/** To open: zeroed first. Until `header_have` is SEAL_HEADER_BYTES nothing else is known of it. */
void seal_open_init(struct seal *s);
/** To whom it is sealed; views into the header. */
struct bytes seal_city(const struct seal *s);
struct bytes seal_key(const struct seal *s);
/** ERROR_KEY, ERROR_CRYPTO. */
int seal_open_key(struct seal *s, const uint8_t secret[static SEAL_KEY_BYTES]);
/**
 * Takes bytes from the front of *in: the header, then, once seal_open_key was called, chunks; stops
 * behind the header and behind each chunk, whose plain bytes are appended. ERROR_FRAME, ERROR_CHAIN
 * (altered), ERROR_TRAILING, ERROR_CRYPTO, ERROR_MEMORY.
 */
int seal_open_take(struct seal *s, struct bytes *in, struct buffer *plain);
/** Takes a zeroed one; the keys are wiped. */
void seal_deinit(struct seal *s);
