/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/key.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>

#include "base/error.h"

struct secret_key {
	EVP_PKEY *evp;
	struct public_key public_key;
};

int random_bytes(void *to, size_t len)
{
	uint8_t *at = to;

	while (len) {
		int part = len > INT_MAX ? INT_MAX : (int)len;
		if (RAND_bytes(at, part) != 1) {
			ERR_clear_error();
			return ERROR_RANDOM;
		}
		at += part;
		len -= (size_t)part;
	}
	return 0;
}

bool secret_equal(struct bytes a, struct bytes b)
{
	return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.data, b.data, a.len) == 0);
}

void secret_wipe(void *data, size_t len)
{
	OPENSSL_cleanse(data, len);
}

int secret_key_from_evp(void *evp_pkey, struct secret_key **out)
{
	EVP_PKEY *evp = evp_pkey;
	uint8_t seed[SECRET_SEED_SIZE];
	size_t public_len = PUBLIC_KEY_SIZE, seed_len = sizeof(seed);

	*out = NULL;
	struct secret_key *key = calloc(1, sizeof(*key));
	if (!key) {
		EVP_PKEY_free(evp);
		return ERROR_MEMORY;
	}
	key->evp = evp;
	/* A public key alone has no private part to give. */
	bool good = evp && EVP_PKEY_is_a(evp, "ED25519") &&
		EVP_PKEY_get_raw_public_key(evp, key->public_key.bytes, &public_len) == 1 &&
		public_len == PUBLIC_KEY_SIZE &&
		EVP_PKEY_get_raw_private_key(evp, seed, &seed_len) == 1 && seed_len == sizeof(seed);
	secret_wipe(seed, sizeof(seed));
	if (!good) {
		ERR_clear_error();
		secret_key_free(key);
		return ERROR_KEY;
	}
	*out = key;
	return 0;
}

int secret_key_from_seed(const uint8_t seed[static SECRET_SEED_SIZE], struct secret_key **out)
{
	EVP_PKEY *evp = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, SECRET_SEED_SIZE);

	*out = NULL;
	if (!evp) {
		ERR_clear_error();
		return ERROR_CRYPTO;
	}
	return secret_key_from_evp(evp, out);
}

int secret_key_new(struct secret_key **out)
{
	uint8_t seed[SECRET_SEED_SIZE];

	*out = NULL;
	if (RAND_priv_bytes(seed, sizeof(seed)) != 1) {
		ERR_clear_error();
		return ERROR_RANDOM;
	}
	int error = secret_key_from_seed(seed, out);
	secret_wipe(seed, sizeof(seed));
	return error;
}

void secret_key_free(struct secret_key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->evp); /* OpenSSL keeps the seed in wiped memory */
	free(key);
}

const struct public_key *secret_key_public(const struct secret_key *key)
{
	return &key->public_key;
}

void *secret_key_evp(const struct secret_key *key)
{
	return key->evp;
}

int secret_key_sign(const struct secret_key *key, struct bytes message, struct signature *out)
{
	size_t len = SIGNATURE_SIZE;
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	if (!context)
		return ERROR_MEMORY;
	/* Ed25519 hashes by itself: no digest is named, and only the one-shot call works. */
	bool good = EVP_DigestSignInit(context, NULL, NULL, NULL, key->evp) == 1 &&
		EVP_DigestSign(context, out->bytes, &len, message.data, message.len) == 1 &&
		len == SIGNATURE_SIZE;
	EVP_MD_CTX_free(context);
	if (good)
		return 0;
	ERR_clear_error();
	memset(out, 0, sizeof(*out));
	return ERROR_CRYPTO;
}
