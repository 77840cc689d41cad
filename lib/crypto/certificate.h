/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Bare self-signed X.509 wrappers of a node key, which TLS wants and Hansa ignores beside the
 * key: no names, valid for ever. The pin (leaf key = node key of the roster) decides, never the
 * certificate.
 */
#pragma once

#include <stdint.h>

#include "base/bytes.h"
#include "crypto/key.h"

/** OpenSSL's X509, so that users of this header need not its headers. */
struct x509_st;

#define CERTIFICATE_CHAIN_MAX 8192

/**
 * Version 3, constant serial and subject, notAfter 99991231235959Z; deterministic for one key.
 * Free with X509_free.
 */
int certificate_new(const struct secret_key *key, struct x509_st **out);

/**
 * The key within. ERROR_CERTIFICATE if it is not Ed25519, or if the DER is over
 * CERTIFICATE_CHAIN_MAX. Not admitted yet: see public_key_admit.
 */
int certificate_public_key(const struct x509_st *certificate, struct public_key *out);
