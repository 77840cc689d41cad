/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/sslerr.h>

#include "base/check.h"
#include "base/error.h"
#include "daemon/tls_context.h"

/*
 * A BIO of our own reads straight from the caller's bytes and writes straight into the caller's
 * buffer: OpenSSL's memory BIO copies each way once more.
 */

static int bio_read(BIO *bio, char *to, int len)
{
	struct tls_session *session = BIO_get_data(bio);
	BIO_clear_retry_flags(bio);
	if (session->in.len == 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	size_t n = (size_t)len < session->in.len ? (size_t)len : session->in.len;
	memcpy(to, session->in.data, n);
	session->in = bytes_slice(session->in, n, session->in.len);
	return (int)n;
}

static int bio_write(BIO *bio, const char *from, int len)
{
	struct tls_session *session = BIO_get_data(bio);
	BIO_clear_retry_flags(bio);
	if (!session->out || buffer_push(session->out, from, (size_t)len))
		return -1;
	return len;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
	(void)bio, (void)number, (void)pointer;
	return command == BIO_CTRL_FLUSH;
}

static int bio_create(BIO *bio)
{
	BIO_set_init(bio, 1);
	return 1;
}

static const BIO_METHOD *bio_method(void)
{
	static BIO_METHOD *method;
	if (!method) {
		method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "hansa");
		if (method) {
			BIO_meth_set_read(method, bio_read);
			BIO_meth_set_write(method, bio_write);
			BIO_meth_set_ctrl(method, bio_ctrl);
			BIO_meth_set_create(method, bio_create);
		}
	}
	return method;
}

int tls_session_attach(struct tls_session *session)
{
	BIO *bio = bio_method() ? BIO_new(bio_method()) : NULL;
	if (!bio)
		return ERROR_MEMORY;
	BIO_set_data(bio, session);
	SSL_set_bio(session->ssl, bio, bio);
	return 0;
}

void tls_session_free(struct tls_session *session)
{
	if (!session)
		return;
	session->out = NULL;
	SSL_free(session->ssl);
	free(session);
}

void tls_session_refuse(struct tls_session *session, const char *reason)
{
	if (!session->reason[0])
		snprintf(session->reason, sizeof(session->reason), "%s", reason);
}

static const struct {
	int code;
	const char *reason;
} reasons[] = {
	{SSL_R_UNSUPPORTED_PROTOCOL, "TLS version: only 1.3 is spoken"},
	{SSL_R_UNSUPPORTED_SSL_VERSION, "TLS version: only 1.3 is spoken"},
	{SSL_R_WRONG_VERSION_NUMBER, "not TLS"},
	{SSL_R_HTTP_REQUEST, "not TLS: an HTTP request"},
	{SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, "no certificate"},
	{SSL_R_NO_APPLICATION_PROTOCOL, "wrong ALPN"},
	{SSL_R_EXCESSIVE_MESSAGE_SIZE, "certificate list over 8 KiB"},
	{SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED, "peer refused: it wants a certificate"},
	{SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, "peer refused: TLS version"},
	{SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL, "peer refused: ALPN"},
};

/* The first error on OpenSSL's queue is the cause. */
static int fail(struct tls_session *session)
{
	unsigned long error = ERR_peek_error();
	int reason = ERR_GET_REASON(error);
	session->failed = true;
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (ERR_GET_LIB(error) == ERR_LIB_SSL && reasons[i].code == reason)
			tls_session_refuse(session, reasons[i].reason);
	char text[96];
	if (ERR_GET_LIB(error) == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET &&
		reason < SSL_AD_REASON_OFFSET + 256)
		snprintf(text, sizeof(text), "peer refused: TLS alert %.60s",
			SSL_alert_desc_string_long(reason - SSL_AD_REASON_OFFSET));
	else
		snprintf(text, sizeof(text), "TLS: %.80s",
			error ? ERR_reason_error_string(error) : "connection failed");
	tls_session_refuse(session, text);
	ERR_clear_error();
	return ERROR_PEER;
}

static int handshake(struct tls_session *session)
{
	ERR_clear_error();
	int result = SSL_do_handshake(session->ssl);
	if (result != 1) {
		int error = SSL_get_error(session->ssl, result);
		return error == SSL_ERROR_WANT_READ ? 0 : fail(session);
	}
	const unsigned char *name;
	unsigned len;
	SSL_get0_alpn_selected(session->ssl, &name, &len);
	for (int p = TLS_PROTOCOL_LINK; p < TLS_PROTOCOL_COUNT; p++)
		if (bytes_equal_text(bytes_of(name, len), tls_protocol_name((enum tls_protocol)p)))
			session->protocol = (enum tls_protocol)p;
	if (session->protocol == TLS_PROTOCOL_NONE) {
		tls_session_refuse(session, "wrong ALPN: the server chose none");
		session->failed = true;
		return ERROR_PEER;
	}
	session->ready = true;
	return 0;
}

int tls_session_begin(struct tls_session *session, struct buffer *out)
{
	session->out = out;
	int code = handshake(session);
	session->out = NULL;
	return code;
}

static int read_all(struct tls_session *session, uint8_t *plain, size_t room, size_t *plain_len)
{
	while (room > 0) {
		size_t n = 0;
		ERR_clear_error();
		int result = SSL_read_ex(session->ssl, plain + *plain_len, room, &n);
		if (result == 1) {
			*plain_len += n;
			room -= n;
			continue;
		}
		int error = SSL_get_error(session->ssl, result);
		if (error == SSL_ERROR_WANT_READ)
			return 0;
		if (error != SSL_ERROR_ZERO_RETURN)
			return fail(session);
		session->ended = true;
		return 0;
	}
	return 0;
}

int tls_session_receive(struct tls_session *session, struct bytes in, uint8_t *plain,
	size_t *plain_len, struct buffer *out)
{
	*plain_len = 0;
	if (session->failed)
		return ERROR_PEER;
	if (session->ended)
		return 0;
	size_t room = TLS_PLAIN_MAX(in.len);
	session->in = in;
	session->out = out;
	int code = session->ready ? 0 : handshake(session);
	if (!code && session->ready)
		code = read_all(session, plain, room, plain_len);
	session->in = bytes_of(NULL, 0);
	session->out = NULL;
	return code ? code : out->error;
}

int tls_session_send(struct tls_session *session, struct bytes plain, struct buffer *out)
{
	require(session->ready && plain.len > 0 && plain.len <= TLS_RECORD_MAX);
	if (session->failed)
		return ERROR_PEER;
	size_t n = 0;
	session->out = out;
	ERR_clear_error();
	int result = SSL_write_ex(session->ssl, plain.data, plain.len, &n);
	session->out = NULL;
	return result == 1 ? out->error : fail(session);
}

void tls_session_end(struct tls_session *session, struct buffer *out)
{
	if (session->failed || !session->ready)
		return;
	session->out = out;
	SSL_shutdown(session->ssl);
	session->out = NULL;
	ERR_clear_error();
}

bool tls_session_ready(const struct tls_session *session)
{
	return session->ready;
}

bool tls_session_ended(const struct tls_session *session)
{
	return session->ended;
}

const char *tls_session_reason(const struct tls_session *session)
{
	return session->reason;
}

enum tls_protocol tls_session_protocol(const struct tls_session *session)
{
	return session->protocol;
}

const struct public_key *tls_session_peer(const struct tls_session *session)
{
	return &session->peer;
}

int tls_session_export(const struct tls_session *session, uint8_t out[static TLS_EXPORT_SIZE])
{
	static const char label[] = "EXPORTER-hansa-join-1";
	if (!session->ready)
		return ERROR_STATE;
	int done = SSL_export_keying_material(
		session->ssl, out, TLS_EXPORT_SIZE, label, sizeof(label) - 1, NULL, 0, 0);
	return done == 1 ? 0 : ERROR_CRYPTO;
}
