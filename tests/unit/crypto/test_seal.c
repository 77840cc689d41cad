/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed streams: opened by the one key only, whole only, unaltered only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "base/error.h"
#include "crypto/seal.h"

static const uint8_t ours[SEAL_KEY_BYTES] = {1, 2, 3}, ephemeral[SEAL_KEY_BYTES] = {4, 5, 6};

static void public_of(const uint8_t *secret, uint8_t out[SEAL_KEY_BYTES])
{
	size_t len = SEAL_KEY_BYTES;
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, secret, SEAL_KEY_BYTES);
	assert_int_equal(EVP_PKEY_get_raw_public_key(key, out, &len), 1);
	EVP_PKEY_free(key);
}

static void seal_of(struct bytes plain, struct buffer *out)
{
	struct hash city = {{7}};
	struct seal s;
	uint8_t key[SEAL_KEY_BYTES];
	public_of(ours, key);
	assert_int_equal(seal_begin(&s, &city, key, ephemeral, out), 0);
	for (size_t at = 0; at < plain.len; at += 50000)
		assert_int_equal(seal_add(&s, bytes_slice(plain, at, 50000), out), 0);
	assert_int_equal(seal_end(&s, out), 0);
	seal_deinit(&s);
}

static int open_with(const uint8_t *secret, struct bytes sealed, size_t piece, struct buffer *plain)
{
	struct seal s;
	int code = 0;
	seal_open_init(&s);
	for (size_t at = 0; at < sealed.len && !code; at += piece) {
		struct bytes in = bytes_slice(sealed, at, piece);
		while (in.len && !code) {
			code = seal_open_take(&s, &in, plain);
			if (!code && s.header_have == SEAL_HEADER_BYTES && !s.keyed)
				code = seal_open_key(&s, secret);
		}
	}
	if (!code && !s.ended)
		code = ERROR_TRUNCATED;
	seal_deinit(&s);
	return code;
}

static void test_round(void **state)
{
	(void)state;
	static uint8_t content[3 * SEAL_CHUNK_BYTES];
	static const size_t sizes[] = {0, 1, 65535, 65536, 65537, sizeof content};
	for (size_t i = 0; i < sizeof content; i++)
		content[i] = (uint8_t)(i * 7 + i / 255);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct buffer sealed, plain;
		buffer_init(&sealed, SIZE_MAX);
		buffer_init(&plain, SIZE_MAX);
		seal_of(bytes_of(content, sizes[i]), &sealed);
		assert_int_equal(open_with(ours, buffer_bytes(&sealed), 1000, &plain), 0);
		assert_true(bytes_equal(buffer_bytes(&plain), bytes_of(content, sizes[i])));
		buffer_deinit(&sealed);
		buffer_deinit(&plain);
	}
}

static void test_refused(void **state)
{
	(void)state;
	static uint8_t content[2 * SEAL_CHUNK_BYTES + 9];
	struct buffer sealed, plain;
	buffer_init(&sealed, SIZE_MAX);
	buffer_init(&plain, SIZE_MAX);
	seal_of(bytes_of(content, sizeof content), &sealed);
	struct bytes all = buffer_bytes(&sealed);
	assert_int_equal(open_with(ephemeral, all, 4096, &plain), ERROR_CHAIN); /* another's key */
	for (size_t at = 0; at < all.len; at += at < 200 ? 1 : 997) {
		sealed.data[at] ^= 1;
		assert_int_not_equal(open_with(ours, all, 70000, &plain), 0);
		sealed.data[at] ^= 1;
		assert_int_not_equal(open_with(ours, bytes_slice(all, 0, at), 70000, &plain), 0);
		buffer_reset(&plain);
	}
	/* A whole chunk less, or the first one twice. */
	size_t chunk = 4 + SEAL_CHUNK_BYTES + SEAL_TAG_BYTES;
	struct buffer moved;
	buffer_init(&moved, SIZE_MAX);
	buffer_push_bytes(&moved, bytes_slice(all, 0, SEAL_HEADER_BYTES));
	buffer_push_bytes(&moved, bytes_slice(all, SEAL_HEADER_BYTES + chunk, SIZE_MAX));
	assert_int_equal(open_with(ours, buffer_bytes(&moved), 4096, &plain), ERROR_CHAIN);
	buffer_push_u8(&sealed, 0);
	assert_int_equal(open_with(ours, buffer_bytes(&sealed), 4096, &plain), ERROR_TRAILING);
	buffer_deinit(&moved);
	buffer_deinit(&sealed);
	buffer_deinit(&plain);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
