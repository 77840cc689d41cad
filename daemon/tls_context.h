/* SPDX-License-Identifier: Apache-2.0 */
/** What tls_context.c and tls_session.c share; private to them. */
#pragma once

#include <openssl/ssl.h>

#include "daemon/tls.h"

struct tls_context {
	SSL_CTX *server, *client;
	bool offer_join;
};

struct tls_session {
	SSL *ssl;
	bool offer_join;    /* as it was when the session began */
	struct bytes in;    /* what the BIO reads, during a call */
	struct buffer *out; /* where the BIO writes, during a call */
	bool ready, ended, failed;
	enum tls_protocol protocol;
	struct public_key peer;
	char reason[96];
};

/** Puts the session's own BIO below its SSL. */
int tls_session_attach(struct tls_session *session);
/** The first reason stays. */
void tls_session_refuse(struct tls_session *session, const char *reason);
