/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Joining a network by a token: what both sides share. docs/protocol.md, section 9.
 *
 * Words: *joiner*, the city that holds a token (join_client.h). *Inviter*, the node that made it
 * (join_server.h). *Proof*, HMAC of the token's secret over the TLS exporter and the joiner's city
 * key: it is worth nothing on another connection, and the secret never crosses the wire.
 *
 * Sans-IO as the link is: bytes and time in, bytes and results out; no socket, clock or thread.
 *
 *     joiner                                inviter
 *     asking     -- JOIN ------------------> waiting
 *                                            admitting (the amendment is being committed)
 *     taking     <- JOINED, OBJECT …, ------ telling
 *     complete      JOIN_END                 over
 *     failed     <- JOIN_REFUSED ----------- over
 */
#pragma once

#include "charter/token.h"
#include "proto/limits.h"

#define JOIN_EXPORTER_BYTES 32
/** For the JOIN frame: a stranger who says nothing holds a connection no longer. */
#define JOIN_ASK_MS 10000
/** For the commit of the admission, and for any progress while the charter is told. */
#define JOIN_PROGRESS_MS 30000
/** For all of it: an archive of 64 MiB at 1 Mbit/s. */
#define JOIN_TOTAL_MS 600000
/** Objects that a joiner takes, each counted with 64 bytes of its own: 60,000 members. */
#define JOIN_CHARTER_BYTES_MAX (64u << 20)
/** Wrong proofs end an invitation. */
#define JOIN_TRIES 3u

/** Codes of JOIN_REFUSED. */
enum join_refusal {
	JOIN_REFUSAL_OTHER = 0,
	JOIN_REFUSAL_TOKEN = 1, /* no invitation is open for that city, or the proof is wrong */
	JOIN_REFUSAL_EXPIRED = 2,
	JOIN_REFUSAL_TAKEN = 3,   /* the slug, or the city, is in the charter */
	JOIN_REFUSAL_RECORD = 4,  /* the epoch record or another field is not acceptable */
	JOIN_REFUSAL_CHARTER = 5, /* the delegation no longer holds under the charter */
	JOIN_REFUSAL_LATER = 6,   /* not now: the disk is full, or it stops */
};

/** The code for what went wrong here, and what a joiner makes of a code. */
enum join_refusal join_refusal_of(int error);
int join_refusal_error(uint32_t code);

/** HMAC-SHA-256(secret, exporter | city key). ERROR_CRYPTO. */
int join_proof(const uint8_t secret[static TOKEN_SECRET_BYTES],
	const uint8_t exporter[static JOIN_EXPORTER_BYTES], const struct public_key *city_key,
	struct hash *out);

/**
 * Compares a joiner's proof in constant time. 0, or ERROR_TOKEN: a wrong one; *tries_left is one
 * less then, and at 0 the invitation has ended. ERROR_CRYPTO.
 */
int join_proof_judge(const uint8_t secret[static TOKEN_SECRET_BYTES],
	const uint8_t exporter[static JOIN_EXPORTER_BYTES], const struct public_key *city_key,
	const struct hash *proof, unsigned *tries_left);
