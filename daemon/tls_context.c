/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "base/error.h"
#include "crypto/certificate.h"
#include "daemon/tls_context.h"

/* RFC 7301: each name behind its length. */
static const struct {
	const char *name;
	const unsigned char *wire;
	unsigned wire_len;
} protocols[TLS_PROTOCOL_COUNT] = {
	[TLS_PROTOCOL_NONE] = {"none", NULL, 0},
	[TLS_PROTOCOL_LINK] = {"hansa/1", (const unsigned char *)"\x07hansa/1", 8},
	[TLS_PROTOCOL_JOIN] = {"hansa-join/1", (const unsigned char *)"\x0chansa-join/1", 13},
};

const char *tls_protocol_name(enum tls_protocol protocol)
{
	return protocol < TLS_PROTOCOL_COUNT ? protocols[protocol].name : "none";
}

static bool offers(const unsigned char *in, unsigned len, enum tls_protocol protocol)
{
	const unsigned char *wire = protocols[protocol].wire;
	for (unsigned at = 0; at < len; at += 1u + in[at])
		if (at + 1u + in[at] <= len && in[at] == wire[0] && !memcmp(in + at, wire, 1u + wire[0]))
			return true;
	return false;
}

static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
	const unsigned char *in, unsigned len, void *ctx)
{
	(void)ctx;
	struct tls_session *session = SSL_get_app_data(ssl);
	enum tls_protocol chosen = TLS_PROTOCOL_NONE;
	if (offers(in, len, TLS_PROTOCOL_LINK))
		chosen = TLS_PROTOCOL_LINK;
	else if (session->offer_join && offers(in, len, TLS_PROTOCOL_JOIN))
		chosen = TLS_PROTOCOL_JOIN;
	if (chosen == TLS_PROTOCOL_NONE) {
		tls_session_refuse(session,
			offers(in, len, TLS_PROTOCOL_JOIN) ? "wrong ALPN: no invitation is open"
											   : "wrong ALPN");
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	}
	*out = protocols[chosen].wire + 1;
	*out_len = protocols[chosen].wire[0];
	return SSL_TLSEXT_ERR_OK;
}

/* OpenSSL asks on_alpn only if there is an ALPN extension at all. */
static int on_client_hello(SSL *ssl, int *alert, void *ctx)
{
	(void)ctx;
	const unsigned char *data;
	size_t len;
	if (!SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_supported_versions, &data, &len))
		return SSL_CLIENT_HELLO_SUCCESS; /* TLS 1.2: refused by its version */
	if (SSL_client_hello_get0_ext(
			ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &data, &len))
		return SSL_CLIENT_HELLO_SUCCESS;
	tls_session_refuse(SSL_get_app_data(ssl), "wrong ALPN: none was offered");
	*alert = SSL_AD_NO_APPLICATION_PROTOCOL;
	return SSL_CLIENT_HELLO_ERROR;
}

/* Takes the place of X.509's chain building: names, dates and issuers decide nothing. */
static int on_verify(X509_STORE_CTX *store, void *ctx)
{
	(void)ctx;
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_session *session = SSL_get_app_data(ssl);
	X509 *leaf = X509_STORE_CTX_get0_cert(store);
	STACK_OF(X509) *chain = X509_STORE_CTX_get0_untrusted(store);
	const char *reason = NULL;
	if (!leaf || (chain && sk_X509_num(chain) > 1))
		reason = "more than one certificate";
	else if (certificate_public_key(leaf, &session->peer))
		reason = "certificate is not Ed25519";
	else if (public_key_admit(&session->peer))
		reason = "certificate's key is not acceptable";
	if (!reason)
		return 1;
	tls_session_refuse(session, reason);
	X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
	return 0;
}

static SSL_CTX *context_make(bool server, const struct secret_key *key, X509 *certificate)
{
	SSL_CTX *ctx = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
	if (!ctx)
		return NULL;
	int verify = SSL_VERIFY_PEER | (server ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0);
	SSL_CTX_set_verify(ctx, verify, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, on_verify, NULL);
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_clear_options(ctx, SSL_OP_ENABLE_MIDDLEBOX_COMPAT);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS); /* 34 KiB less for each idle link */
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_max_cert_list(ctx, CERTIFICATE_CHAIN_MAX);
	SSL_CTX_set_num_tickets(ctx, 0);
	SSL_CTX_set_max_early_data(ctx, 0);
	bool good = SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) == 1 &&
		SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) == 1 &&
		SSL_CTX_set_ciphersuites(ctx,
			"TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:"
			"TLS_AES_256_GCM_SHA384") == 1 &&
		SSL_CTX_set1_groups_list(ctx, "X25519:P-256") == 1 &&
		SSL_CTX_use_certificate(ctx, certificate) == 1 &&
		SSL_CTX_use_PrivateKey(ctx, secret_key_evp(key)) == 1;
	if (!good) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	if (server) {
		SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
		SSL_CTX_set_client_hello_cb(ctx, on_client_hello, NULL);
	}
	return ctx;
}

int tls_context_new(const struct secret_key *node_key, struct tls_context **out)
{
	X509 *certificate = NULL;
	int code = certificate_new(node_key, &certificate);
	if (code)
		return code;
	struct tls_context *context = calloc(1, sizeof(*context));
	if (context) {
		context->server = context_make(true, node_key, certificate);
		context->client = context_make(false, node_key, certificate);
	}
	X509_free(certificate);
	if (context && context->server && context->client) {
		*out = context;
		return 0;
	}
	tls_context_free(context);
	ERR_clear_error();
	return ERROR_CRYPTO;
}

void tls_context_free(struct tls_context *context)
{
	if (!context)
		return;
	SSL_CTX_free(context->server);
	SSL_CTX_free(context->client);
	free(context);
}

void tls_context_offer_join(struct tls_context *context, bool offer)
{
	context->offer_join = offer;
}

int tls_session_new(
	struct tls_context *context, bool server, enum tls_protocol wanted, struct tls_session **out)
{
	struct tls_session *session = calloc(1, sizeof(*session));
	if (!session)
		return ERROR_MEMORY;
	session->offer_join = context->offer_join;
	session->ssl = SSL_new(server ? context->server : context->client);
	if (!session->ssl || tls_session_attach(session)) {
		tls_session_free(session);
		return ERROR_MEMORY;
	}
	SSL_set_app_data(session->ssl, session);
	if (server) {
		SSL_set_accept_state(session->ssl);
	} else {
		SSL_set_connect_state(session->ssl);
		SSL_set_alpn_protos(session->ssl, protocols[wanted].wire, protocols[wanted].wire_len);
	}
	*out = session;
	return 0;
}
