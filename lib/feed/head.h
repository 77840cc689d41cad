/* SPDX-License-Identifier: Apache-2.0 */
/** Signed heads. docs/protocol.md, section 4. */
#pragma once

#include <assert.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/timestamp.h"
#include "crypto/hash.h"
#include "crypto/key.h"

#define HEAD_BYTES 181
/** What the signature covers, behind its tag. */
#define HEAD_SIGNED_BYTES (HEAD_BYTES - SIGNATURE_SIZE)

enum head_flag {
	HEAD_FLAG_CHECKPOINT = 1,
};

struct head {
	struct hash feed_id;
	uint32_t epoch;
	struct public_key node_key;
	uint64_t seq;
	struct hash entry_hash;
	struct timestamp time; /* the origin's clock; decides nothing */
	uint8_t flags;         /* enum head_flag */
	struct signature signature;
};

static_assert(
	HEAD_BYTES == HASH_SIZE + 4 + PUBLIC_KEY_SIZE + 8 + HASH_SIZE + 8 + 1 + SIGNATURE_SIZE,
	"docs/protocol.md, section 4");

void head_encode(const struct head *head, uint8_t to[static HEAD_BYTES]);

/**
 * Does not verify. ERROR_TRUNCATED or ERROR_TRAILING for another length; ERROR_RANGE: seq 0, epoch
 * 0, a time of 2^63 or above, unknown flags.
 */
int head_decode(struct bytes bytes, struct head *out);

/** Signs with the key of head->node_key, which is set from it. ERROR_CRYPTO, ERROR_MEMORY. */
int head_sign(struct head *head, const struct secret_key *key);

/** 0, ERROR_SIGNATURE, ERROR_KEY, ERROR_MEMORY. Whether the key is the epoch's is run_verify's. */
int head_verify(const struct head *head);
