/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "crypto/hash.h"

static void assert_hash(const struct hash *h, const char *expected)
{
	char text[TEXT_HEX_SIZE(HASH_SIZE)];
	assert_string_equal(text_hex_encode(text, hash_bytes(h)), expected);
}

/* FIPS 180-4's examples. */
static void sha256_vectors(void **state)
{
	struct hash h;
	(void)state;

	assert_int_equal(hash_of(NULL, bytes_of(NULL, 0), &h), 0);
	assert_hash(&h, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_int_equal(hash_of("", bytes_from_text("abc"), &h), 0);
	assert_hash(&h, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	/* The tag is just the first bytes. */
	assert_int_equal(hash_of("a", bytes_from_text("bc"), &h), 0);
	assert_hash(&h, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void context_is_used_again(void **state)
{
	struct hasher hasher;
	struct hash h, again;
	(void)state;

	assert_int_equal(hasher_init(&hasher), 0);
	for (int i = 0; i < 3; i++) {
		hasher_begin(&hasher, "hansa body 1");
		hasher_add_u8(&hasher, 1);
		hasher_add_u16(&hasher, 0x0203);
		hasher_add_u16(&hasher, 4);
		hasher_add_u32(&hasher, 5);
		hasher_add_u64(&hasher, 6);
		assert_int_equal(hasher_end(&hasher, &h), 0);
		assert_hash(&h, "9899aad581f918b77be03ce51027c96b99c8dada9b310477a0dc703573127cd3");
	}
	/* One that was begun and dropped leaves nothing behind. */
	hasher_begin(&hasher, "x");
	hasher_add_hash(&hasher, &h);
	hasher_begin(&hasher, "abc");
	assert_int_equal(hasher_end(&hasher, &again), 0);
	assert_hash(&again, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	hasher_deinit(&hasher);
	/* After that it is an error, not a crash. */
	hasher_begin(&hasher, "abc");
	assert_int_equal(hasher_end(&hasher, &again), ERROR_CRYPTO);
	assert_true(hash_is_zero(&again));
	assert_false(hash_is_zero(&h));
	assert_false(hash_equal(&h, &again));
}

/* RFC 4231, test cases 1, 2 and 6. */
static void hmac_vectors(void **state)
{
	uint8_t key[131];
	struct hash h;
	(void)state;

	memset(key, 0x0b, 20);
	assert_int_equal(hash_hmac(bytes_of(key, 20), bytes_from_text("Hi There"), &h), 0);
	assert_hash(&h, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	hash_hmac(bytes_from_text("Jefe"), bytes_from_text("what do ya want for nothing?"), &h);
	assert_hash(&h, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof(key));
	hash_hmac(bytes_of(key, sizeof(key)),
		bytes_from_text("Test Using Larger Than Block-Size Key - Hash Key First"), &h);
	assert_hash(&h, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	hash_hmac(bytes_of(NULL, 0), bytes_of(NULL, 0), &h);
	assert_hash(&h, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha256_vectors),
		cmocka_unit_test(context_is_used_again),
		cmocka_unit_test(hmac_vectors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
