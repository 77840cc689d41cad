/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "crypto/certificate.h"

static struct secret_key *key_of(uint8_t first)
{
	uint8_t seed[SECRET_SEED_SIZE] = {first};
	struct secret_key *key;
	assert_int_equal(secret_key_from_seed(seed, &key), 0);
	return key;
}

static void bare_and_for_ever(void **state)
{
	struct secret_key *key = key_of(1);
	struct public_key found;
	X509 *certificate, *again;
	uint8_t *der = NULL, *der_again = NULL;
	(void)state;

	assert_int_equal(certificate_new(key, &certificate), 0);
	assert_int_equal(certificate_public_key(certificate, &found), 0);
	assert_true(public_key_equal(&found, secret_key_public(key)));
	assert_int_equal(X509_verify(certificate, X509_get0_pubkey(certificate)), 1);
	assert_int_equal(X509_get_ext_count(certificate), 0);
	assert_int_equal(X509_get_version(certificate), X509_VERSION_3);
	struct tm until;
	assert_int_equal(ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &until), 1);
	assert_int_equal(until.tm_year, 9999 - 1900);
	assert_string_equal((const char *)ASN1_STRING_get0_data(X509_get0_notAfter(certificate)),
		"99991231235959Z");
	/* One key, one certificate, byte for byte: nothing in it tells when or where it was made. */
	assert_int_equal(certificate_new(key, &again), 0);
	int len = i2d_X509(certificate, &der);
	assert_int_equal(i2d_X509(again, &der_again), len);
	assert_memory_equal(der, der_again, (size_t)len);
	assert_true(len < 400);
	OPENSSL_free(der);
	OPENSSL_free(der_again);
	X509_free(certificate);
	X509_free(again);
	secret_key_free(key);
}

static void other_keys_are_refused(void **state)
{
	struct public_key found;
	X509 *certificate = X509_new();
	EVP_PKEY *evp = EVP_EC_gen("P-256");
	(void)state;

	assert_int_equal(certificate_public_key(certificate, &found), ERROR_CERTIFICATE);
	assert_int_equal(X509_set_pubkey(certificate, evp), 1);
	assert_int_equal(certificate_public_key(certificate, &found), ERROR_CERTIFICATE);
	EVP_PKEY_free(evp);
	X509_free(certificate);
}

static void large_is_refused(void **state)
{
	struct secret_key *key = key_of(2);
	struct public_key found, zero = {{0}};
	X509 *certificate;
	char *comment = malloc(9000);
	(void)state;

	assert_non_null(comment);
	memset(comment, 'a', 9000);
	comment[8999] = '\0';
	assert_int_equal(certificate_new(key, &certificate), 0);
	X509_EXTENSION *extension =
		X509V3_EXT_conf_nid(NULL, NULL, NID_netscape_comment, comment);
	assert_non_null(extension);
	assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
	assert_true(X509_sign(certificate, secret_key_evp(key), NULL) > 0);
	assert_int_equal(certificate_public_key(certificate, &found), ERROR_CERTIFICATE);
	assert_memory_equal(&found, &zero, sizeof(zero));
	X509_EXTENSION_free(extension);
	X509_free(certificate);
	secret_key_free(key);
	free(comment);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bare_and_for_ever),
		cmocka_unit_test(other_keys_are_refused),
		cmocka_unit_test(large_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
