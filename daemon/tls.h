/* SPDX-License-Identifier: Apache-2.0 */
/**
 * TLS 1.3 without sockets: ciphertext in, plaintext and ciphertext out (docs/protocol.md section
 * 7).
 *
 * Both sides present a bare self-signed Ed25519 certificate; whether its key is a member's is
 * judged by the node after the handshake. There are no tickets, no resumption, no early data, so
 * that no connection goes round the pin. Source: RFC 8446.
 */
#pragma once

#include <stdbool.h>

#include "base/buffer.h"
#include "crypto/key.h"

enum tls_protocol {
	TLS_PROTOCOL_NONE,
	TLS_PROTOCOL_LINK, /* ALPN hansa/1 */
	TLS_PROTOCOL_JOIN, /* ALPN hansa-join/1 */
	TLS_PROTOCOL_COUNT,
};
/** "hansa/1", "hansa-join/1", "none". */
const char *tls_protocol_name(enum tls_protocol protocol);

/** Room that tls_session_receive wants for `len` bytes of ciphertext: a record may be waiting. */
#define TLS_RECORD_MAX 16384
#define TLS_PLAIN_MAX(len) ((size_t)(len) + TLS_RECORD_MAX)
#define TLS_EXPORT_SIZE 32

struct tls_context;
struct tls_session;

/** The key is needed during the call only. ERROR_CRYPTO, ERROR_MEMORY. */
int tls_context_new(const struct secret_key *node_key, struct tls_context **out);
/** Sessions that were made from it live on. Takes NULL. */
void tls_context_free(struct tls_context *context);
/** Whether servers take hansa-join/1: only while an invitation is open. */
void tls_context_offer_join(struct tls_context *context, bool offer);

/** `wanted` is what a client asks for; ignored for a server. */
int tls_session_new(
	struct tls_context *context, bool server, enum tls_protocol wanted, struct tls_session **out);
void tls_session_free(struct tls_session *session);

/** A client's first flight, into `out`. */
int tls_session_begin(struct tls_session *session, struct buffer *out);

/**
 * Takes all of `in`. Appends what is to be sent to `out` (an alert too, on an error), plaintext to
 * `plain` (which has TLS_PLAIN_MAX(in.len) bytes). ERROR_PEER: the session is over, its reason says
 * why; ERROR_MEMORY.
 */
int tls_session_receive(struct tls_session *session, struct bytes in, uint8_t *plain,
	size_t *plain_len, struct buffer *out);
/** Encrypts at most TLS_RECORD_MAX bytes into one record. Only when ready. */
int tls_session_send(struct tls_session *session, struct bytes plain, struct buffer *out);
/** close_notify. */
void tls_session_end(struct tls_session *session, struct buffer *out);

/** The handshake is complete, with a certificate and an ALPN. */
bool tls_session_ready(const struct tls_session *session);
/** The peer has sent close_notify. */
bool tls_session_ended(const struct tls_session *session);
/** One phrase for the log: "no certificate", "wrong ALPN" …; "" without an error. */
const char *tls_session_reason(const struct tls_session *session);
/** These are set when ready. */
enum tls_protocol tls_session_protocol(const struct tls_session *session);
const struct public_key *tls_session_peer(const struct tls_session *session);
/** RFC 8446 section 7.5, label EXPORTER-hansa-join-1, no context. ERROR_CRYPTO. */
int tls_session_export(const struct tls_session *session, uint8_t out[static TLS_EXPORT_SIZE]);
