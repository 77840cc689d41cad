/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The one thread that does the arithmetic of TLS handshakes, so that a thousand peers who come back
 * at once do not hold up the loop: it has the links, the API and the alerts. The loop gives it what
 * a peer sent, and takes one answer in each of its turns. Nothing wakes the thread while there is
 * no handshake.
 */
#pragma once

#include <uv.h>

#include "base/buffer.h"
#include "base/list.h"
#include "daemon/tls.h"

struct handshaker;

/** One step: what the peer sent, and what came of it. */
struct handshake_step {
	struct list_node node;
	struct tls_session *tls; /* untouched by the loop until the step is answered */
	struct buffer in;        /* ciphertext, given */
	struct buffer out;       /* ciphertext to be sent */
	struct buffer plain;     /* what came behind the handshake */
	int code;                /* of tls_session_receive */
	bool under_way;          /* the loop's: pushed and not answered yet */
};

/** ERROR_MEMORY. */
int handshaker_new(uv_loop_t *loop, struct handshaker **out);
/** Loop only, as all that follows. `first`: before what waits. */
void handshaker_push(struct handshaker *handshaker, struct handshake_step *step, bool first);
/** The next answered step; NULL: none now. */
struct handshake_step *handshaker_take(struct handshaker *handshaker);
/** handshaker_take would give one. */
bool handshaker_answered(const struct handshaker *handshaker);
/** All that was pushed must have been taken. Joins the thread; freed in the close callback. */
void handshaker_close(struct handshaker *handshaker);
