/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Makes control objects: what the API and the join call. A draft is a body; officers sign its
 * message; draft_seal puts body and signatures into the envelope that roster_apply takes. Times are
 * in ms and given, randomness (nonces, ids, keys) too. All append to their buffer; its sticky error
 * is theirs.
 */
#pragma once

#include "base/buffer.h"
#include "charter/address_list.h"
#include "charter/amendment.h"
#include "charter/delegation.h"
#include "charter/epoch_record.h"
#include "charter/genesis.h"
#include "charter/roster.h"

/** Record 1: epoch 1, signed by both keys. `anchor`: network_id, or a founder's core hash. */
int draft_first_record(const struct secret_key *city_secret, const struct secret_key *node_secret,
	const uint8_t sealing_key[static 32], const struct hash *anchor, uint64_t time_ms,
	struct buffer *envelope);

/**
 * The record after the city's newest in this roster. `cuts`: the last valid entry of each lane.
 * `city_secret` is the key of the newest record (ERROR_KEY otherwise). The same guardians.
 * ERROR_NOT_MEMBER, ERROR_CUT: below what may be cut, ERROR_LIMIT: no more epochs.
 */
int draft_renewal(const struct roster *roster, const struct hash *city_id,
	const struct secret_key *city_secret, const struct secret_key *node_secret,
	const uint8_t sealing_key[static 32], const struct epoch_cut cuts[static EPOCH_LANES],
	uint8_t reason, uint64_t time_ms, struct buffer *envelope);

/** The founder who runs `network create`: its record is made here, since it names the core hash. */
struct draft_founder {
	struct bytes slug, name, country;
	const struct secret_key *city_secret;
	const struct secret_key *node_secret;
	uint8_t sealing_key[32];
};

struct draft_network {
	struct bytes name, slug;
	uint8_t nonce[GENESIS_NONCE_BYTES];
	struct officers officers;
	const struct hash *continues; /* or NULL */
	uint64_t time_ms;
	const struct draft_founder *founders;
	size_t founder_count;
};

/** The genesis body. ERROR_FIELD, ERROR_KEY, ERROR_CHARTER_ITEM as genesis_decode. */
int draft_genesis(const struct draft_network *network, struct buffer *body);

/** The body of the amendment that would come next. ERROR_STATE without a genesis. */
int draft_amendment(const struct roster *roster, const struct amendment_item *items, size_t count,
	uint64_t time_ms, struct buffer *body);

/** What is to be signed for the body of a genesis or amendment. */
int draft_message(uint8_t type, struct bytes body, struct amendment_message *out);

/** Signs the body with one key. */
int draft_sign(uint8_t type, struct bytes body, const struct secret_key *key,
	struct object_signature *out);

/** The envelope of a genesis or amendment. */
int draft_seal(uint8_t type, struct bytes body, const struct object_signature *signatures,
	size_t count, struct buffer *envelope);

/** Signs with one key, and seals: all that a charter with k = 1 needs. */
int draft_seal_by(
	uint8_t type, struct bytes body, const struct secret_key *key, struct buffer *envelope);

/** A delegation signed by one officer; fields of `delegation` but its signatures. */
int draft_delegation(const struct delegation *delegation, const struct secret_key *officer,
	struct buffer *out);

/**
 * The amendment that approvals held by the roster make complete: the envelope, signed by all who
 * approved. ERROR_CHARTER_SIGNERS if none has enough yet.
 */
int draft_from_approvals(const struct roster *roster, const struct hash *amendment_hash,
	struct buffer *envelope);
