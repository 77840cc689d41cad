/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "crypto/key.h"

/* RFC 8032, 7.1: tests 1, 2, 3 and SHA(abc). */
struct vector {
	const char *seed, *public_key, *message, *signature;
};

static const struct vector vectors[] = {
	{"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
		"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
		"e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc6"
		"1e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
	{"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
		"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
		"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e45"
		"8f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
	{"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
		"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
		"6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae"
		"67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
	{"833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
		"ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
		"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836"
		"ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
		"dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfd"
		"fbc7c66431e0303dca179c138ac17ad9bef1177331a704"},
};

static void unhex(void *to, size_t len, const char *text)
{
	assert_int_equal(text_hex_decode(to, len, bytes_from_text(text)), 0);
}

static void rfc_vectors(void **state)
{
	struct verifier *v;
	(void)state;

	assert_int_equal(verifier_new(&v), 0);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		uint8_t seed[SECRET_SEED_SIZE], message[64];
		struct public_key public_key;
		struct signature expected, signature;
		struct secret_key *key;
		size_t len = strlen(vectors[i].message) / 2;

		unhex(seed, sizeof(seed), vectors[i].seed);
		unhex(message, len, vectors[i].message);
		unhex(&public_key, sizeof(public_key), vectors[i].public_key);
		unhex(&expected, sizeof(expected), vectors[i].signature);
		assert_int_equal(secret_key_from_seed(seed, &key), 0);
		assert_true(public_key_equal(secret_key_public(key), &public_key));
		assert_int_equal(secret_key_sign(key, bytes_of(message, len), &signature), 0);
		assert_memory_equal(&signature, &expected, sizeof(expected));
		assert_int_equal(signature_verify(&public_key, bytes_of(message, len), &expected), 0);
		assert_int_equal(verifier_verify(v, &public_key, bytes_of(message, len), &expected), 0);
		assert_int_equal(public_key_admit(&public_key), 0);
		secret_key_free(key);
	}
	verifier_free(v);
}

/* A bit more or less anywhere in signature, key or message. */
static void altered_is_refused(void **state)
{
	uint8_t message[2];
	struct public_key public_key;
	struct signature signature;
	struct verifier *v;
	(void)state;

	assert_int_equal(verifier_new(&v), 0);
	unhex(message, 2, vectors[2].message);
	unhex(&public_key, sizeof(public_key), vectors[2].public_key);
	unhex(&signature, sizeof(signature), vectors[2].signature);
	for (int bit = 0; bit < 512; bit++) {
		signature.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(verifier_verify(v, &public_key, bytes_of(message, 2), &signature),
			ERROR_SIGNATURE);
		signature.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (int bit = 0; bit < 256; bit++) {
		public_key.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(signature_verify(&public_key, bytes_of(message, 2), &signature),
			ERROR_SIGNATURE);
		public_key.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(verifier_verify(v, &public_key, bytes_of(message, 1), &signature),
		ERROR_SIGNATURE);
	assert_int_equal(verifier_verify(v, &public_key, bytes_of(message, 2), &signature), 0);
	verifier_free(v);
}

/* S + L makes the same point; S = L, all ones, and the like. */
static void large_s_is_refused(void **state)
{
	static const char *const scalars[] = {
		"4c8c7872aa064e049dbb3013fbf29380d25bf5f0595bbe24655141438e7a101b",
		"edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010",
		"eed3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010",
		"0000000000000000000000000000000000000000000000000000000000000020",
		"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	};
	struct public_key public_key;
	struct signature signature;
	(void)state;

	unhex(&public_key, sizeof(public_key), vectors[0].public_key);
	unhex(&signature, sizeof(signature), vectors[0].signature);
	for (size_t i = 0; i < sizeof(scalars) / sizeof(scalars[0]); i++) {
		unhex(signature.bytes + 32, 32, scalars[i]);
		assert_int_equal(signature_verify(&public_key, bytes_of(NULL, 0), &signature),
			ERROR_SIGNATURE);
	}
	/* With the neutral element as key and R, S = 0 signs everything: that is why keys are admitted;
	 * and S = L, the same number, must be refused all the same. */
	struct public_key neutral = {{1}};
	struct signature any = {{1}};
	assert_int_equal(signature_verify(&neutral, bytes_from_text("any"), &any), 0);
	unhex(any.bytes + 32, 32, scalars[1]);
	assert_int_equal(signature_verify(&neutral, bytes_from_text("any"), &any), ERROR_SIGNATURE);
	assert_int_equal(public_key_admit(&neutral), ERROR_KEY);
}

/* More keys than the cache holds, in an order that throws some out and keeps others. */
static void verifier_with_many_keys(void **state)
{
	enum { KEYS = 150 };
	static struct secret_key *keys[KEYS];
	static struct signature signatures[KEYS];
	struct bytes message = bytes_from_text("a head");
	struct verifier *v;
	(void)state;

	assert_int_equal(verifier_new(&v), 0);
	for (int i = 0; i < KEYS; i++) {
		uint8_t seed[SECRET_SEED_SIZE] = {(uint8_t)i};
		assert_int_equal(secret_key_from_seed(seed, &keys[i]), 0);
		assert_int_equal(secret_key_sign(keys[i], message, &signatures[i]), 0);
	}
	for (int round = 0; round < 600; round++) {
		int i = round % 3 ? round * 7 % KEYS : round % 5;
		int wrong = (i + 1) % KEYS;
		const struct public_key *key = secret_key_public(keys[i]);
		assert_int_equal(verifier_verify(v, key, message, &signatures[i]), 0);
		if (round % 10 == 0)
			assert_int_equal(verifier_verify(v, key, message, &signatures[wrong]),
				ERROR_SIGNATURE);
	}
	for (int i = 0; i < KEYS; i++)
		secret_key_free(keys[i]);
	verifier_free(v);
	verifier_free(NULL);
}

static void new_keys_differ(void **state)
{
	struct secret_key *a, *b;
	struct signature signature;
	struct bytes message = bytes_from_text("m");
	(void)state;

	assert_int_equal(secret_key_new(&a), 0);
	assert_int_equal(secret_key_new(&b), 0);
	assert_false(public_key_equal(secret_key_public(a), secret_key_public(b)));
	assert_int_equal(public_key_admit(secret_key_public(a)), 0);
	assert_int_equal(secret_key_sign(a, message, &signature), 0);
	assert_int_equal(signature_verify(secret_key_public(a), message, &signature), 0);
	assert_int_equal(signature_verify(secret_key_public(b), message, &signature),
		ERROR_SIGNATURE);
	secret_key_free(a);
	secret_key_free(b);
	secret_key_free(NULL);
	assert_int_equal(secret_key_from_evp(NULL, &a), ERROR_KEY);
	assert_null(a);
}

static void random_and_secret(void **state)
{
	uint8_t a[32] = {0}, b[32] = {0};
	(void)state;

	assert_int_equal(random_bytes(a, sizeof(a)), 0);
	assert_int_equal(random_bytes(b, sizeof(b)), 0);
	assert_false(secret_equal(bytes_of(a, 32), bytes_of(b, 32)));
	assert_true(secret_equal(bytes_of(a, 32), bytes_of(a, 32)));
	assert_false(secret_equal(bytes_of(a, 32), bytes_of(a, 31)));
	assert_true(secret_equal(bytes_of(NULL, 0), bytes_of(NULL, 0)));
	secret_wipe(a, sizeof(a));
	memset(b, 0, sizeof(b));
	assert_memory_equal(a, b, sizeof(a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc_vectors),
		cmocka_unit_test(altered_is_refused),
		cmocka_unit_test(large_s_is_refused),
		cmocka_unit_test(verifier_with_many_keys),
		cmocka_unit_test(new_keys_differ),
		cmocka_unit_test(random_and_secret),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
