/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Ed25519 as in RFC 8032, strict: S < L; keys are admitted only if canonical, on the curve and
 * not of small order. Randomness for the daemon; proto/ and the simulator take theirs as an
 * argument and make keys with secret_key_from_seed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"

#define PUBLIC_KEY_SIZE 32
#define SIGNATURE_SIZE 64
#define SECRET_SEED_SIZE 32

struct public_key {
	uint8_t bytes[PUBLIC_KEY_SIZE];
};

struct signature {
	uint8_t bytes[SIGNATURE_SIZE];
};

struct secret_key;

static inline bool public_key_equal(const struct public_key *a, const struct public_key *b)
{
	return memcmp(a->bytes, b->bytes, PUBLIC_KEY_SIZE) == 0;
}

static inline struct bytes public_key_bytes(const struct public_key *k)
{
	return bytes_of(k->bytes, PUBLIC_KEY_SIZE);
}

static inline struct bytes signature_bytes(const struct signature *s)
{
	return bytes_of(s->bytes, SIGNATURE_SIZE);
}

/** A new random key. ERROR_MEMORY, ERROR_CRYPTO, ERROR_RANDOM. Free with secret_key_free. */
int secret_key_new(struct secret_key **out);
/** The key of RFC 8032's 32-byte seed. */
int secret_key_from_seed(const uint8_t seed[static SECRET_SEED_SIZE], struct secret_key **out);
/** NULL is allowed; the secret is wiped. */
void secret_key_free(struct secret_key *key);
const struct public_key *secret_key_public(const struct secret_key *key);
/** Deterministic. May be called by several threads at once. ERROR_CRYPTO, ERROR_MEMORY. */
int secret_key_sign(const struct secret_key *key, struct bytes message, struct signature *out);
/**
 * The EVP_PKEY within, still owned by `key`: for TLS and for key files; as void * so that users
 * need no OpenSSL header.
 */
void *secret_key_evp(const struct secret_key *key);
/**
 * Takes an EVP_PKEY over (it is freed with the key, or at once on error). ERROR_KEY if it is no
 * private Ed25519 key.
 */
int secret_key_from_evp(void *evp_pkey, struct secret_key **out);

/**
 * 0, or ERROR_KEY: not canonical (y >= p, or x = 0 with the sign bit), not on the curve, or of
 * small order. For every key that comes in from outside, once, at admission.
 */
int public_key_admit(const struct public_key *key);

/**
 * 0 or ERROR_SIGNATURE (ERROR_KEY for a key that OpenSSL cannot take, ERROR_MEMORY). S >= L is
 * refused.
 */
int signature_verify(const struct public_key *key, struct bytes message,
	const struct signature *signature);

/**
 * Verifies many signatures of few keys: keeps the last keys' EVP_PKEYs. One thread. The same
 * results as signature_verify.
 */
struct verifier;
int verifier_new(struct verifier **out);
void verifier_free(struct verifier *v);
int verifier_verify(struct verifier *v, const struct public_key *key, struct bytes message,
	const struct signature *signature);

/** ERROR_RANDOM. */
int random_bytes(void *to, size_t len);

/** In constant time for equal lengths. */
bool secret_equal(struct bytes a, struct bytes b);

/** Overwrites memory in a way that the compiler does not drop. */
void secret_wipe(void *data, size_t len);
