/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "base/error.h"
#include "crypto/key.h"

/* Feeds of one catch-up come from some dozens of cities; a lookup is a walk over 32-byte keys, far
 * below the 75 us of a verification. */
#define VERIFIER_KEYS 64

struct verifier_slot {
	struct public_key key;
	EVP_PKEY *evp;
	uint64_t used; /* when last, in verifications */
};

struct verifier {
	EVP_MD_CTX *context;
	uint64_t clock;
	size_t count;
	struct verifier_slot slots[VERIFIER_KEYS];
};

/* The order of the group, L = 2^252 + 27742317777372353535851937790883648493, little-endian. */
static const uint8_t group_order[32] = {
	0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
};

/*
 * RFC 8032, 5.1.7: without this, anyone could make a second signature from a good one. OpenSSL
 * checks it too; here it does not depend on the version.
 */
static bool scalar_is_reduced(const uint8_t s[static 32])
{
	for (int i = 31; i >= 0; i--) {
		if (s[i] != group_order[i])
			return s[i] < group_order[i];
	}
	return false;
}

static EVP_PKEY *public_key_load(const struct public_key *key)
{
	EVP_PKEY *evp =
		EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->bytes, PUBLIC_KEY_SIZE);
	if (!evp)
		ERR_clear_error();
	return evp;
}

static int verify_with(EVP_MD_CTX *context, EVP_PKEY *evp, struct bytes message,
	const struct signature *signature)
{
	if (!scalar_is_reduced(signature->bytes + 32))
		return ERROR_SIGNATURE;
	bool good = EVP_DigestVerifyInit(context, NULL, NULL, NULL, evp) == 1 &&
		EVP_DigestVerify(context, signature->bytes, SIGNATURE_SIZE, message.data,
			message.len) == 1;
	if (!good)
		ERR_clear_error();
	return good ? 0 : ERROR_SIGNATURE;
}

int signature_verify(const struct public_key *key, struct bytes message,
	const struct signature *signature)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY *evp = public_key_load(key);
	int error = !context ? ERROR_MEMORY : !evp ? ERROR_KEY : 0;

	if (!error)
		error = verify_with(context, evp, message, signature);
	EVP_PKEY_free(evp);
	EVP_MD_CTX_free(context);
	return error;
}

int verifier_new(struct verifier **out)
{
	struct verifier *v = calloc(1, sizeof(*v));

	*out = NULL;
	if (v)
		v->context = EVP_MD_CTX_new();
	if (!v || !v->context) {
		free(v);
		return ERROR_MEMORY;
	}
	*out = v;
	return 0;
}

void verifier_free(struct verifier *v)
{
	if (!v)
		return;
	for (size_t i = 0; i < v->count; i++)
		EVP_PKEY_free(v->slots[i].evp);
	EVP_MD_CTX_free(v->context);
	free(v);
}

/* The slot of the key, filled if it was not there; the one unused for longest makes room. */
static struct verifier_slot *verifier_find(struct verifier *v, const struct public_key *key)
{
	struct verifier_slot *oldest = NULL;

	for (size_t i = 0; i < v->count; i++) {
		struct verifier_slot *slot = &v->slots[i];
		if (public_key_equal(&slot->key, key))
			return slot;
		if (!oldest || slot->used < oldest->used)
			oldest = slot;
	}
	EVP_PKEY *evp = public_key_load(key);
	if (!evp)
		return NULL;
	if (v->count < VERIFIER_KEYS)
		oldest = &v->slots[v->count++];
	else
		EVP_PKEY_free(oldest->evp);
	*oldest = (struct verifier_slot){.key = *key, .evp = evp};
	return oldest;
}

int verifier_verify(struct verifier *v, const struct public_key *key, struct bytes message,
	const struct signature *signature)
{
	struct verifier_slot *slot = verifier_find(v, key);
	if (!slot)
		return ERROR_KEY;
	slot->used = ++v->clock;
	int error = verify_with(v->context, slot->evp, message, signature);
	EVP_MD_CTX_reset(v->context);
	return error;
}
