/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A delegation: officers let one node admit one city, once, as unconfirmed (or as confirmed if its
 * key is the one they name). Made by `hansa invite`. docs/protocol.md, section 5.1.
 */
#pragma once

#include <stdbool.h>

#include "charter/object.h"
#include "charter/officers.h"

#define DELEGATION_ID_BYTES 16
/** What a fingerprint read aloud holds of a city key. */
#define DELEGATION_FINGERPRINT_BYTES 20
#define DELEGATION_BYTES_MAX 8192

struct delegation {
	struct hash network_id;
	uint8_t id[DELEGATION_ID_BYTES];
	struct bytes slug;
	uint64_t expiry; /* ms; judged by the delegate only */
	struct public_key delegate; /* a node key */
	/** 0: nobody may be confirmed at once; 20: beginning of the city key; 32: the city_id. */
	size_t confirm_len;
	uint8_t confirm[HASH_SIZE];
	struct bytes signatures; /* set by decode */
	size_t signature_count;
	struct hash body_hash; /* set by decode: what officers sign */
};

int delegation_decode(struct bytes bytes, struct delegation *out);

/** Appends the whole; signatures are sorted by key. Each is over delegation_message. */
int delegation_encode(struct buffer *b, const struct delegation *delegation,
	const struct object_signature *signatures, size_t count);

/** H("hansa delegation body 1" | the first seven elements), from the fields. */
int delegation_body_hash(const struct delegation *delegation, struct hash *out);

#define DELEGATION_MESSAGE_BYTES (18 + HASH_SIZE)
void delegation_message(const struct hash *body_hash, uint8_t to[static DELEGATION_MESSAGE_BYTES]);

/** k of these officers have signed: 0, ERROR_SIGNATURE, ERROR_CHARTER_SIGNERS. */
int delegation_verify(const struct delegation *delegation, struct verifier *v,
	const struct officers *officers);

/** True if it lets the city of this key in as confirmed at once. */
bool delegation_confirms(const struct delegation *delegation, const struct public_key *city_key,
	const struct hash *city_id);
