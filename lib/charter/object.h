/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Control objects: what makes up a network's charter and verifies by itself, whoever brings it.
 *
 * Words: *genesis*, amendment number 0, which names a network, its officers and founders.
 * *Amendment*, the next link of the charter's chain, signed by k officers. *Epoch record*, names
 * the node key of a city from a cut on. *Anchor*, the charter naming an epoch record's hash.
 * *Cut*, the last valid entry of an epoch in a lane. *Delegation*, officers letting one node
 * admit one city. *Roster*, what all objects of a network add up to (charter/roster.h): most
 * callers need only that and charter/draft.h.
 *
 * To add a type: its number here and in docs/protocol.md section 5, a pair of files that decode,
 * encode and verify its body, and its line in roster_apply.c. To add an item of amendments:
 * amendment.h, then roster_items.c.
 *
 * All decoders take canonical bytes only, are bounded, allocate nothing, and give views into
 * their input, which the caller keeps. They return wire_reader.h's errors, ERROR_VERSION for
 * another version, or what they name.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/bytes.h"
#include "base/wire_reader.h"
#include "crypto/hash.h"
#include "crypto/key.h"

enum object_type {
	OBJECT_GENESIS = 1,
	OBJECT_AMENDMENT = 2,
	OBJECT_EPOCH_RECORD = 3,
	OBJECT_ADDRESS_LIST = 4,
	OBJECT_APPROVAL = 5,
	OBJECT_FORK_PROOF = 6,
};

/** "genesis", "amendment" …; "unknown". Never NULL. */
const char *object_type_name(unsigned type);

/** Of an envelope: fits one frame. */
#define OBJECT_BYTES_MAX 61440
#define OBJECT_FORK_PROOF_BYTES_MAX 81920
#define OBJECT_SIGNATURES_MAX 64
/** Every body is an array whose first element is this. */
#define OBJECT_VERSION 1
/** Elements that an array may have beyond those known: their bytes are kept. */
#define OBJECT_EXTRA_MAX 8

struct object_signature {
	struct public_key key;
	struct signature signature;
};

/** Views into the decoded bytes. */
struct control_object {
	uint8_t type;
	struct bytes wire;       /* the whole envelope */
	struct bytes body;       /* what signatures and hashes cover */
	struct bytes signatures; /* the pairs' bytes; see object_signature_at */
	size_t signature_count;
	struct hash object_hash; /* of type and body: signatures are not part of it */
};

/**
 * Reads an envelope; verifies nothing. ERROR_VERSION: a type that is not known here; ERROR_SIZE:
 * too large; ERROR_NOT_CANONICAL: signatures not sorted by key or with equal keys.
 */
int object_decode(struct bytes wire, struct control_object *out);

/** The i-th signature, i < signature_count. */
void object_signature_at(const struct control_object *object, size_t i,
	struct object_signature *out);

/** Finds the signature of a key; false if there is none. */
bool object_signature_by(const struct control_object *object, const struct public_key *key,
	struct signature *out);

/**
 * Appends an envelope, signatures sorted; the caller's array is left as it is. ERROR_EXISTS: two
 * signatures of one key; ERROR_SIZE: more than 64, or too large; the buffer's sticky error.
 */
int object_encode(struct buffer *b, uint8_t type, struct bytes body,
	const struct object_signature *signatures, size_t count);

/** The sorted pairs alone, as an array: for delegations, which carry such a list too. */
int object_signatures_write(struct buffer *b, const struct object_signature *signatures,
	size_t count);

/** This key's signature stands in the envelope and verifies. 0, ERROR_SIGNATURE, ERROR_MEMORY. */
int object_verify_one(struct verifier *v, const struct control_object *object,
	const struct public_key *key, struct bytes message);

/** Signs for an envelope. */
int object_sign(const struct secret_key *key, struct bytes message, struct object_signature *out);

/** H("hansa object 1" | type u8 | body). */
int object_hash_of(uint8_t type, struct bytes body, struct hash *out);

/**
 * For decoders of bodies and items: opens an array of at least `known` elements that the caller
 * then reads one by one; object_array_close passes over what a later version added.
 */
size_t object_array_open(struct wire_reader *r, size_t known);
void object_array_close(struct wire_reader *r, size_t known, size_t count);
