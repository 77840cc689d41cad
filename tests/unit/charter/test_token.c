/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/error.h"
#include "charter/token.h"
#include "tests/unit/vectors.h"

static void a_token_is_that_of_the_vectors(void **state)
{
	(void)state;
	json_t *root = vectors_load("join");
	const char *text = vectors_text(root, "token");
	uint8_t storage[TOKEN_BYTES_MAX], secret[TOKEN_SECRET_BYTES];
	struct token token;
	struct complaint complaint = {{0}, {0}};
	assert_int_equal(token_decode(bytes_from_text(text), storage, &token, &complaint), 0);
	struct hash network_id = vectors_hash(root, "network_id");
	struct hash amendment_hash = vectors_hash(root, "amendment_hash");
	struct public_key node_key = vectors_key(root, "node_key");
	vectors_exact(root, "secret", secret, sizeof(secret));
	assert_true(hash_equal(&token.network_id, &network_id));
	assert_true(hash_equal(&token.amendment_hash, &amendment_hash));
	assert_true(public_key_equal(&token.node_key, &node_key));
	assert_memory_equal(token.secret, secret, sizeof(secret));
	assert_int_equal(token.number, vectors_uint(root, "amendment_number"));
	assert_int_equal(token.expiry, vectors_uint(root, "expiry"));
	assert_true(bytes_equal_text(token.slug, vectors_text(root, "slug")));
	assert_true(bytes_equal_text(token.network_name, vectors_text(root, "network_name")));
	assert_int_equal(token.address_count, 1);
	assert_true(bytes_equal_text(token.addresses[0], "192.0.2.7:7411"));
	struct buffer made;
	buffer_init(&made, TOKEN_TEXT_MAX);
	assert_int_equal(token_encode(&made, &token), 0);
	assert_true(bytes_equal_text(buffer_bytes(&made), text));
	buffer_deinit(&made);
	json_decref(root);
}

static const char *complaint_of(const char *text, size_t len)
{
	static struct complaint complaint;
	uint8_t storage[TOKEN_BYTES_MAX];
	struct token token;
	complaint = (struct complaint){{0}, {0}};
	int error = token_decode(bytes_of(text, len), storage, &token, &complaint);
	assert_int_equal(error, ERROR_TOKEN);
	assert_string_equal(complaint.field, "token");
	return complaint.reason;
}

static void each_fault_has_its_sentence(void **state)
{
	(void)state;
	json_t *root = vectors_load("join");
	char text[1024];
	size_t len = strlen(vectors_text(root, "token"));
	memcpy(text, vectors_text(root, "token"), len + 1);
	json_decref(root);
	assert_non_null(strstr(complaint_of("", 0), "not an invitation"));
	assert_non_null(strstr(complaint_of("https://example.org", 19), "not an invitation"));
	assert_non_null(strstr(complaint_of("hansa1-", 7), "damaged"));
	for (size_t cut = 8; cut < len; cut++)
		assert_non_null(strstr(complaint_of(text, cut), "damaged"));
	for (size_t i = 7; i < len; i++) {
		char kept = text[i];
		text[i] = kept == 'A' ? 'B' : 'A';
		assert_non_null(strstr(complaint_of(text, len), "damaged"));
		text[i] = kept;
	}
	char *huge = malloc(100000);
	memset(huge, 'A', 100000);
	assert_non_null(strstr(complaint_of(huge, 100000), "too long"));
	free(huge);
}

/* The text of these bytes with the right check. */
static size_t seal(const uint8_t *bytes, size_t len, char *to)
{
	uint8_t binary[512];
	struct hash hash;
	assert_int_equal(hash_of("hansa token 1", bytes_of(bytes, len), &hash), 0);
	memcpy(binary, bytes, len);
	memcpy(binary + len, hash.bytes, TOKEN_CHECK_BYTES);
	memcpy(to, TOKEN_PREFIX, sizeof(TOKEN_PREFIX));
	text_base64url_encode(to + strlen(to), bytes_of(binary, len + TOKEN_CHECK_BYTES));
	return strlen(to);
}

static void what_is_well_copied_may_still_be_wrong(void **state)
{
	(void)state;
	static const uint8_t later[] = {0x9a, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0};
	static const uint8_t malformed[] = {0x9a, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0};
	char text[1024];
	size_t len = seal(later, sizeof(later), text);
	assert_non_null(strstr(complaint_of(text, len), "later version"));
	len = seal(malformed, sizeof(malformed), text);
	assert_non_null(strstr(complaint_of(text, len), "not well formed"));
}

static void line_breaks_of_a_mail_are_passed_over(void **state)
{
	(void)state;
	json_t *root = vectors_load("join");
	const char *text = vectors_text(root, "token");
	char wrapped[2048];
	size_t len = 0;
	uint8_t storage[TOKEN_BYTES_MAX];
	struct token token;
	for (size_t i = 0; text[i]; i++) {
		if (i % 60 == 0) {
			wrapped[len++] = '\r';
			wrapped[len++] = '\n';
			wrapped[len++] = ' ';
		}
		wrapped[len++] = text[i];
	}
	assert_int_equal(token_decode(bytes_of(wrapped, len), storage, &token, NULL), 0);
	json_decref(root);
}

static void the_largest_token_fits(void **state)
{
	(void)state;
	json_t *root = vectors_load("join");
	uint8_t storage[TOKEN_BYTES_MAX];
	struct token token, read;
	char address[ADDRESS_BYTES_MAX + 1], name[129];
	memset(address, 'a', sizeof(address));
	for (size_t i = 60; i < ADDRESS_BYTES_MAX - 6; i += 60)
		address[i] = '.';
	memcpy(address + ADDRESS_BYTES_MAX - 6, ":65535", 7);
	memset(name, 'n', sizeof(name));
	assert_int_equal(token_decode(bytes_from_text(vectors_text(root, "token")), storage, &token,
		NULL), 0);
	token.address_count = ADDRESS_LIST_MAX;
	for (size_t i = 0; i < ADDRESS_LIST_MAX; i++)
		token.addresses[i] = bytes_from_text(address);
	token.network_name = bytes_of(name, 128);
	token.number = token.expiry = UINT64_MAX;
	struct buffer made;
	uint8_t other[TOKEN_BYTES_MAX];
	buffer_init(&made, TOKEN_TEXT_MAX);
	assert_int_equal(token_encode(&made, &token), 0);
	assert_int_equal(token_decode(buffer_bytes(&made), other, &read, NULL), 0);
	assert_int_equal(read.address_count, ADDRESS_LIST_MAX);
	buffer_reset(&made);
	token.addresses[3] = bytes_from_text("nonsense");
	assert_int_equal(token_encode(&made, &token), ERROR_FIELD);
	buffer_deinit(&made);
	json_decref(root);
}

static void addresses_have_one_form(void **state)
{
	(void)state;
	static const char *const good[] = {"192.0.2.7:7411", "[2001:db8::7]:443", "[::]:1",
		"hansa.example.org:65535", "localhost:7411", "[::ffff:192.0.2.1]:80"};
	static const char *const bad[] = {"", ":1", "a", "a:", "a:0", "a:65536", "a:07", "a:99999",
		"a:1x", "a b:1", "[2001:db8::7:443", "2001:db8::7:443", "[]:1", "[zz::]:1", "[1]:1",
		"a..b:1", ".a:1", "a.:1", "a/b:1", "a@b:1", "[::1]x:1", "a:-1", "a:123456"};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(address_valid(bytes_from_text(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(address_valid(bytes_from_text(bad[i])));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_is_that_of_the_vectors),
		cmocka_unit_test(each_fault_has_its_sentence),
		cmocka_unit_test(what_is_well_copied_may_still_be_wrong),
		cmocka_unit_test(line_breaks_of_a_mail_are_passed_over),
		cmocka_unit_test(the_largest_token_fits),
		cmocka_unit_test(addresses_have_one_form),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
