/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Fork proofs: two signed heads of one epoch whose chains part after a common entry. Anyone can
 * check one offline, with the epoch record that names the node key. docs/protocol.md, section 5.4.
 */
#pragma once

#include <stdint.h>

#include "base/buffer.h"
#include "base/bytes.h"
#include "crypto/hash.h"
#include "feed/head.h"

#define FORK_PROOF_VERSION 1
/** header_hash and body_hash of one entry. */
#define FORK_PROOF_PAIR_BYTES (2 * HASH_SIZE)
#define FORK_PROOF_ENTRIES_MAX 512
/** The envelope as a control object. */
#define FORK_PROOF_BYTES_MAX 81920

/** One history after the common entry. */
struct fork_branch {
	struct bytes hashes; /* header_hash | body_hash of each entry, 1 to 512 of them */
	struct head head;    /* at its last entry */
};

struct fork_proof {
	struct hash network_id;
	struct hash city_id;
	uint8_t lane;
	uint64_t seq;           /* the last common entry; 0: they part at the first */
	struct hash entry_hash; /* of seq; zeros at 0 */
	struct fork_branch a, b;
};

/** Appends the body of the control object (type 6). ERROR_SIZE, ERROR_RANGE; the buffer's error. */
int fork_proof_encode(struct buffer *b, const struct fork_proof *proof);

/** Reads a body; views point into it. Does not verify. The wire_reader's and head_decode's errors.
 */
int fork_proof_decode(struct bytes body, struct fork_proof *out);

/**
 * 0: whoever holds the node key signed both histories. ERROR_HEAD: the heads are not both of this
 * feed, one epoch and one node key, or not at the branches' ends; ERROR_CHAIN: a branch does not
 * lead to its head; ERROR_FORK: the branches do not part right after the common entry;
 * ERROR_SIGNATURE. The caller checks that node_key is that epoch's and that the common entry lies
 * within it.
 */
int fork_proof_verify(struct hasher *hasher, const struct fork_proof *proof);
