/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/certificate.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/error.h"

/* RFC 5280, 4.1.2.5: the first is some past time, the second stands for "no end". */
#define NOT_BEFORE "19700101000000Z"
#define NOT_AFTER "99991231235959Z"
/* RFC 5280 wants an issuer that is not empty; the same for all, so that it names nobody. */
#define SUBJECT "hansa"

static bool certificate_fill(X509 *certificate, EVP_PKEY *evp)
{
	X509_NAME *name = X509_get_subject_name(certificate);

	return X509_set_version(certificate, X509_VERSION_3) == 1 &&
		ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1 &&
		ASN1_TIME_set_string_X509(X509_getm_notBefore(certificate), NOT_BEFORE) == 1 &&
		ASN1_TIME_set_string_X509(X509_getm_notAfter(certificate), NOT_AFTER) == 1 &&
		X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)SUBJECT, -1, -1,
			0) == 1 &&
		X509_set_issuer_name(certificate, name) == 1 && X509_set_pubkey(certificate, evp) == 1 &&
		X509_sign(certificate, evp, NULL) > 0;
}

int certificate_new(const struct secret_key *key, struct x509_st **out)
{
	X509 *certificate = X509_new();

	*out = NULL;
	if (!certificate)
		return ERROR_MEMORY;
	if (!certificate_fill(certificate, secret_key_evp(key))) {
		ERR_clear_error();
		X509_free(certificate);
		return ERROR_CRYPTO;
	}
	*out = certificate;
	return 0;
}

int certificate_public_key(const struct x509_st *certificate, struct public_key *out)
{
	size_t len = PUBLIC_KEY_SIZE;
	int size = i2d_X509(certificate, NULL);
	EVP_PKEY *evp = X509_get0_pubkey(certificate);

	memset(out, 0, sizeof(*out));
	if (size > 0 && size <= CERTIFICATE_CHAIN_MAX && evp && EVP_PKEY_is_a(evp, "ED25519") &&
		EVP_PKEY_get_raw_public_key(evp, out->bytes, &len) == 1 && len == PUBLIC_KEY_SIZE)
		return 0;
	ERR_clear_error();
	memset(out, 0, sizeof(*out));
	return ERROR_CERTIFICATE;
}
