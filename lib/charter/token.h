/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Invitations as text, "hansa1-…". Its secret lets one city join: never logged.
 * docs/protocol.md, section 9.
 */
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "charter/address_list.h"
#include "crypto/hash.h"
#include "crypto/key.h"

#define TOKEN_PREFIX "hansa1-"
#define TOKEN_SECRET_BYTES 32
#define TOKEN_CHECK_BYTES 4
/** Binary and text: eight of the longest addresses fit. */
#define TOKEN_BYTES_MAX 3072
#define TOKEN_TEXT_MAX (sizeof(TOKEN_PREFIX) + (TOKEN_BYTES_MAX * 4 + 2) / 3)

struct token {
	struct hash network_id;
	uint64_t number; /* newest amendment when it was made, and its hash */
	struct hash amendment_hash;
	struct bytes slug; /* under which the joiner will be known */
	uint64_t expiry;   /* ms; judged by the caller */
	uint8_t secret[TOKEN_SECRET_BYTES];
	size_t address_count;
	struct bytes addresses[ADDRESS_LIST_MAX];
	struct public_key node_key; /* of the inviter */
	struct bytes network_name;
};

/** Appends the text, without NUL. ERROR_SIZE, ERROR_FIELD, the buffer's error. */
int token_encode(struct buffer *b, const struct token *token);

/**
 * Reads what a person pasted; spaces, tabs and line breaks in it are passed over. `storage` keeps
 * the bytes that the views point into; wipe it after use. ERROR_TOKEN with one sentence: not a
 * token, copied incompletely, damaged, or of a later version.
 */
int token_decode(struct bytes text, uint8_t storage[static TOKEN_BYTES_MAX], struct token *out,
	struct complaint *complaint);
