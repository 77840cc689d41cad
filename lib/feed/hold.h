/* SPDX-License-Identifier: Apache-2.0 */
/**
 * "I hold your feeds to these entries", signed by a member for a city whose store was remade, and
 * the proof that a twin instance lives. docs/protocol.md, section 8, Holds and Twins.
 */
#pragma once

#include <assert.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/timestamp.h"
#include "crypto/hash.h"
#include "crypto/key.h"
#include "feed/feed.h"

#define HOLD_NONCE_BYTES 16
#define HOLD_BYTES                                                     \
	(12 + 3 * HASH_SIZE + 4 + PUBLIC_KEY_SIZE + HOLD_NONCE_BYTES + 8 + \
		FEED_LANE_COUNT * (8 + HASH_SIZE))
static_assert(HOLD_BYTES == 328, "docs/protocol.md, section 8");

struct hold {
	struct hash network_id;
	struct hash holder; /* city_id */
	uint32_t epoch;     /* the holder's */
	struct public_key node_key;
	struct hash subject;             /* city_id */
	uint8_t nonce[HOLD_NONCE_BYTES]; /* of the question */
	struct timestamp time;
	struct hold_lane {
		uint64_t seq; /* 0: nothing held */
		struct hash entry_hash;
	} lanes[FEED_LANE_COUNT]; /* lane 1 first */
};

/** The statement, which is also the signed message. */
void hold_encode(const struct hold *hold, uint8_t to[static HOLD_BYTES]);
/** ERROR_TRUNCATED, ERROR_TRAILING, ERROR_SYNTAX (another tag), ERROR_RANGE. Does not verify. */
int hold_decode(struct bytes statement, struct hold *out);
/** Sets node_key from `key`, encodes and signs. */
int hold_sign(struct hold *hold, const struct secret_key *key, uint8_t statement[static HOLD_BYTES],
	struct signature *out);
/** Decodes and verifies by the node key within; whether it is the holder's is the caller's. */
int hold_verify(struct bytes statement, const struct signature *signature, struct hold *out);

#define TWIN_NONCE_BYTES 32
#define TWIN_INSTANCE_BYTES 16

/** Signs a challenge: "this instance lives and holds the node key". */
int twin_proof_sign(const struct secret_key *key, const uint8_t nonce[static TWIN_NONCE_BYTES],
	const uint8_t instance[static TWIN_INSTANCE_BYTES], struct signature *out);
/** 0 or ERROR_SIGNATURE. The caller checks that the nonce is its own and the instance is not. */
int twin_proof_verify(const struct public_key *key, const uint8_t nonce[static TWIN_NONCE_BYTES],
	const uint8_t instance[static TWIN_INSTANCE_BYTES], const struct signature *signature);
