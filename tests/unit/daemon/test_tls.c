/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/error.h"
#include "crypto/certificate.h"
#include "daemon/tls.h"

struct side {
	struct secret_key *key;
	struct tls_context *context;
	struct tls_session *session;
	struct buffer out;
	uint8_t plain[1 << 17];
	size_t plain_len;
	int code;
};

static void side_init(struct side *side, bool server, enum tls_protocol wanted)
{
	memset(side, 0, sizeof(*side));
	assert_int_equal(secret_key_new(&side->key), 0);
	assert_int_equal(tls_context_new(side->key, &side->context), 0);
	buffer_init(&side->out, 1 << 20);
	if (!server)
		assert_int_equal(tls_session_new(side->context, false, wanted, &side->session), 0);
}

static void side_deinit(struct side *side)
{
	tls_session_free(side->session);
	tls_context_free(side->context);
	secret_key_free(side->key);
	buffer_deinit(&side->out);
}

static void give(struct side *from, struct side *to)
{
	uint8_t plain[TLS_PLAIN_MAX(1 << 16)];
	struct bytes all = buffer_bytes(&from->out);
	for (size_t at = 0; at < all.len && !to->code;) {
		struct bytes part = bytes_slice(all, at, 1000);
		size_t len = 0;
		to->code = tls_session_receive(to->session, part, plain, &len, &to->out);
		assert_true(to->plain_len + len <= sizeof(to->plain));
		memcpy(to->plain + to->plain_len, plain, len);
		to->plain_len += len;
		at += part.len;
	}
	buffer_reset(&from->out);
}

static void shake(struct side *client, struct side *server)
{
	assert_int_equal(
		tls_session_new(server->context, true, TLS_PROTOCOL_NONE, &server->session), 0);
	assert_int_equal(tls_session_begin(client->session, &client->out), 0);
	for (int i = 0; i < 4; i++) {
		give(client, server);
		give(server, client);
	}
}

static void two_cities_speak(void **state)
{
	(void)state;
	static struct side client, server;
	side_init(&client, false, TLS_PROTOCOL_LINK);
	side_init(&server, true, TLS_PROTOCOL_NONE);
	shake(&client, &server);
	assert_int_equal(client.code, 0);
	assert_int_equal(server.code, 0);
	assert_true(tls_session_ready(client.session) && tls_session_ready(server.session));
	assert_int_equal(tls_session_protocol(server.session), TLS_PROTOCOL_LINK);
	assert_true(public_key_equal(tls_session_peer(server.session), secret_key_public(client.key)));
	assert_true(public_key_equal(tls_session_peer(client.session), secret_key_public(server.key)));

	static uint8_t record[TLS_RECORD_MAX];
	memset(record, 7, sizeof(record));
	for (int i = 0; i < 5; i++)
		assert_int_equal(
			tls_session_send(server.session, bytes_of(record, sizeof(record)), &server.out), 0);
	/* one record a call: 5 bytes of header, 1 of type, 16 of tag */
	assert_int_equal(server.out.len, 5 * (TLS_RECORD_MAX + 22));
	give(&server, &client);
	assert_int_equal(client.plain_len, 5 * TLS_RECORD_MAX);
	assert_memory_equal(client.plain + 4 * TLS_RECORD_MAX, record, TLS_RECORD_MAX);

	uint8_t a[TLS_EXPORT_SIZE], b[TLS_EXPORT_SIZE];
	assert_int_equal(tls_session_export(client.session, a), 0);
	assert_int_equal(tls_session_export(server.session, b), 0);
	assert_memory_equal(a, b, sizeof(a));

	tls_session_end(client.session, &client.out);
	give(&client, &server);
	assert_true(tls_session_ended(server.session));
	side_deinit(&client);
	side_deinit(&server);
}

static void join_only_while_offered(void **state)
{
	(void)state;
	for (int offered = 0; offered < 2; offered++) {
		static struct side client, server;
		side_init(&client, false, TLS_PROTOCOL_JOIN);
		side_init(&server, true, TLS_PROTOCOL_NONE);
		tls_context_offer_join(server.context, offered);
		shake(&client, &server);
		assert_int_equal(server.code, offered ? 0 : ERROR_PEER);
		assert_int_equal(
			tls_session_protocol(server.session), offered ? TLS_PROTOCOL_JOIN : TLS_PROTOCOL_NONE);
		if (!offered) {
			assert_non_null(strstr(tls_session_reason(server.session), "wrong ALPN"));
			assert_int_equal(client.code, ERROR_PEER);
			assert_non_null(strstr(tls_session_reason(client.session), "ALPN"));
		}
		side_deinit(&client);
		side_deinit(&server);
	}
}

static void an_altered_record_ends_the_session(void **state)
{
	(void)state;
	static struct side client, server;
	side_init(&client, false, TLS_PROTOCOL_LINK);
	side_init(&server, true, TLS_PROTOCOL_NONE);
	shake(&client, &server);
	assert_int_equal(tls_session_send(client.session, bytes_from_text("hello"), &client.out), 0);
	client.out.data[7] ^= 1;
	give(&client, &server);
	assert_int_equal(server.code, ERROR_PEER);
	assert_int_equal(server.plain_len, 0);
	assert_true(tls_session_reason(server.session)[0] != '\0');
	side_deinit(&client);
	side_deinit(&server);
}

/* A client of the test's own, which does what ours never would. */
struct stranger {
	int version_max;
	const char *alpn;     /* wire form */
	const char *key_type; /* NULL: no certificate */
	int certificates;
	const char *word; /* of the server's reason */
};

static X509 *certificate_make(EVP_PKEY *key)
{
	X509 *x = X509_new();
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, key);
	const EVP_MD *digest = EVP_PKEY_id(key) == EVP_PKEY_ED25519 ? NULL : EVP_sha256();
	assert_true(X509_sign(x, key, digest) > 0);
	return x;
}

static EVP_PKEY *key_make(const char *type)
{
	if (strcmp(type, "EC") == 0)
		return EVP_EC_gen("P-256");
	return strcmp(type, "RSA") == 0 ? EVP_RSA_gen(2048) : EVP_PKEY_Q_keygen(NULL, NULL, type);
}

static void stranger_is_refused(const struct stranger *stranger)
{
	static struct side server;
	side_init(&server, true, TLS_PROTOCOL_NONE);
	assert_int_equal(tls_session_new(server.context, true, TLS_PROTOCOL_NONE, &server.session), 0);
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_max_proto_version(ctx, stranger->version_max);
	EVP_PKEY *key = stranger->key_type ? key_make(stranger->key_type) : NULL;
	if (key) {
		X509 *certificate = certificate_make(key);
		assert_int_equal(SSL_CTX_use_certificate(ctx, certificate), 1);
		assert_int_equal(SSL_CTX_use_PrivateKey(ctx, key), 1);
		for (int i = 1; i < stranger->certificates; i++)
			SSL_CTX_add1_chain_cert(ctx, certificate);
		X509_free(certificate);
	}
	if (stranger->alpn)
		SSL_CTX_set_alpn_protos(
			ctx, (const unsigned char *)stranger->alpn, (unsigned)strlen(stranger->alpn));
	SSL *ssl = SSL_new(ctx);
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
	SSL_set_bio(ssl, in, out);
	SSL_set_connect_state(ssl);
	uint8_t plain[TLS_PLAIN_MAX(1 << 16)];
	for (int i = 0; i < 4 && !server.code; i++) {
		SSL_do_handshake(ssl);
		char *data;
		long len = BIO_get_mem_data(out, &data);
		size_t n = 0;
		server.code = tls_session_receive(
			server.session, bytes_of(data, (size_t)len), plain, &n, &server.out);
		BIO_reset(out);
		BIO_write(in, server.out.data, (int)server.out.len);
		buffer_reset(&server.out);
	}
	if (!strstr(tls_session_reason(server.session), stranger->word))
		fail_msg("\"%s\" instead of \"%s\"", tls_session_reason(server.session), stranger->word);
	assert_int_equal(server.code, stranger->word[0] ? ERROR_PEER : 0);
	assert_int_equal(tls_session_ready(server.session), stranger->word[0] == '\0');
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	EVP_PKEY_free(key);
	side_deinit(&server);
}

#define ALPN "\x07hansa/1"

static void strangers_are_refused_with_a_reason(void **state)
{
	(void)state;
	static const struct stranger strangers[] = {
		{TLS1_3_VERSION, ALPN, "ED25519", 1, ""}, /* the only good one */
		{TLS1_2_VERSION, ALPN, "ED25519", 1, "TLS version"},
		{TLS1_3_VERSION, ALPN, NULL, 0, "no certificate"},
		{TLS1_3_VERSION, "\x02h2", "ED25519", 1, "wrong ALPN"},
		{TLS1_3_VERSION, NULL, "ED25519", 1, "wrong ALPN"},
		{TLS1_3_VERSION, ALPN, "EC", 1, "not Ed25519"},
		{TLS1_3_VERSION, ALPN, "RSA", 1, "not Ed25519"},
		{TLS1_3_VERSION, ALPN, "ED25519", 2, "more than one"},
		{TLS1_3_VERSION, ALPN, "RSA", 30, "8 KiB"},
	};
	for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++)
		stranger_is_refused(&strangers[i]);
}

/* ---- nobody comes in by an earlier session ---- */

static unsigned tickets;

static int on_ticket(SSL *ssl, SSL_SESSION *session)
{
	(void)ssl, (void)session;
	tickets++;
	return 0;
}

/* A client that goes on with an earlier session, ticket or none. */
static SSL_SESSION *earlier;
static bool offered;

static int on_resume(
	SSL *ssl, const EVP_MD *md, const unsigned char **id, size_t *id_len, SSL_SESSION **session)
{
	(void)ssl, (void)md;
	*id = (const unsigned char *)"earlier";
	*id_len = 7;
	*session = earlier;
	offered = SSL_SESSION_up_ref(earlier) == 1;
	return 1;
}

/* Bytes go to and fro; the server says one thing as soon as it can. */
static void speak(SSL *ssl, struct side *server)
{
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
	uint8_t plain[TLS_PLAIN_MAX(1 << 16)];
	bool said = false;
	SSL_set_bio(ssl, in, out);
	SSL_set_connect_state(ssl);
	for (int i = 0; i < 5 && !server->code; i++) {
		char *data, text[16];
		size_t n = 0;
		if (SSL_do_handshake(ssl) == 1)
			SSL_read(ssl, text, sizeof(text));
		long len = BIO_get_mem_data(out, &data);
		server->code = tls_session_receive(
			server->session, bytes_of(data, (size_t)len), plain, &n, &server->out);
		if (tls_session_ready(server->session) && !said)
			said = tls_session_send(server->session, bytes_from_text("hello"), &server->out) == 0;
		BIO_reset(out);
		BIO_write(in, server->out.data, (int)server->out.len);
		buffer_reset(&server->out);
	}
}

static void nobody_resumes(void **state)
{
	(void)state;
	static struct side server;
	side_init(&server, true, TLS_PROTOCOL_NONE);
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	EVP_PKEY *key = key_make("ED25519");
	X509 *certificate = certificate_make(key);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT);
	SSL_CTX_sess_set_new_cb(ctx, on_ticket);
	SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)ALPN, (unsigned)strlen(ALPN));

	SSL *first = SSL_new(ctx);
	SSL_use_certificate(first, certificate);
	SSL_use_PrivateKey(first, key);
	assert_int_equal(tls_session_new(server.context, true, TLS_PROTOCOL_NONE, &server.session), 0);
	tickets = 0;
	speak(first, &server);
	assert_true(tls_session_ready(server.session));
	assert_int_equal(tickets, 0);
	earlier = SSL_get1_session(first);
	assert_non_null(earlier);
	assert_false(SSL_SESSION_is_resumable(earlier));

	/* its key is revoked: it offers the keys of the session in the place of a certificate */
	tls_session_free(server.session);
	assert_int_equal(tls_session_new(server.context, true, TLS_PROTOCOL_NONE, &server.session), 0);
	SSL *second = SSL_new(ctx);
	SSL_set_psk_use_session_callback(second, on_resume);
	speak(second, &server);
	assert_true(offered);
	assert_false(SSL_session_reused(second));
	assert_false(tls_session_ready(server.session));
	assert_string_equal(tls_session_reason(server.session), "no certificate");
	SSL_free(first);
	SSL_free(second);
	SSL_SESSION_free(earlier);
	X509_free(certificate);
	EVP_PKEY_free(key);
	SSL_CTX_free(ctx);
	side_deinit(&server);
}

static void what_is_not_tls_is_refused(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"GET / HTTP/1.1\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n", "\x16\x03\x01\xff\xff\x01"};
	for (size_t i = 0; i < 3; i++) {
		static struct side server;
		side_init(&server, true, TLS_PROTOCOL_NONE);
		assert_int_equal(
			tls_session_new(server.context, true, TLS_PROTOCOL_NONE, &server.session), 0);
		size_t n = 0;
		int code = tls_session_receive(
			server.session, bytes_from_text(texts[i]), server.plain, &n, &server.out);
		assert_int_equal(code, ERROR_PEER);
		assert_int_equal(n, 0);
		/* and stays so */
		assert_int_equal(tls_session_receive(
							 server.session, bytes_from_text("x"), server.plain, &n, &server.out),
			ERROR_PEER);
		side_deinit(&server);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_cities_speak),
		cmocka_unit_test(join_only_while_offered),
		cmocka_unit_test(an_altered_record_ends_the_session),
		cmocka_unit_test(strangers_are_refused_with_a_reason),
		cmocka_unit_test(nobody_resumes),
		cmocka_unit_test(what_is_not_tls_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
