/* SPDX-License-Identifier: Apache-2.0 */
/**
 * One TCP connection with its TLS session, and above it a user: the node's link, or a join.
 *
 * Output is pulled: when the user wakes it, or a write is done, the next bytes are asked for, up to
 * 50 ms of the measured rate, and the kernel's queue is kept as short by TCP_NOTSENT_LOWAT; so an
 * alert waits behind little. Nothing is pulled from within a call of the user: transport_wake puts
 * it on a list that app.c works off after the callback.
 *
 *     connecting -> handshake -> open -> closing -> closed
 *
 * A handshake costs half a millisecond of CPU, in two steps, and a thousand peers may come back at
 * once: a thread does the steps, and app.c takes up one of its answers in each turn of the loop,
 * after all that the open links and the API had to do. While a step is under way the loop neither
 * reads nor writes, and does not touch the session.
 *
 * closing: what the user still gives is sent, then close_notify and FIN; it ends when the peer has
 * closed too, at most one second later.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/buffer.h"
#include "base/list.h"
#include "daemon/app.h"
#include "daemon/handshaker.h"
#include "daemon/tls.h"

#define TRANSPORT_READ_BYTES 65536u
#define TRANSPORT_HANDSHAKE_BYTES 16384u /* taken before the peer's next step is looked at */
#define TRANSPORT_BATCH_MIN 4096u        /* 50 ms at the rate that a new link is taken to have */
#define TRANSPORT_BATCH_MAX 262144u      /* written at once on a fast link */
#define TRANSPORT_LOWAT_MIN 16384u
#define TRANSPORT_LOWAT_MAX 131072u
#define TRANSPORT_TURN_BYTES (1u << 20) /* then the other transports have their turn */
#define TRANSPORT_CONNECT_MS 5000
#define TRANSPORT_HANDSHAKE_MS 5000
/* Through a proxy of several hops, such as Tor: its circuits take up to so long. */
#define TRANSPORT_PROXY_MS 30000
#define TRANSPORT_PROXY_HANDSHAKE_MS 20000
#define TRANSPORT_CLOSING_MS 1000
#define TRANSPORT_OUT_BYTES_MAX                                           \
	(TRANSPORT_BATCH_MAX + 65536u)      /* a batch, and TLS's own records \
										 */
#define TRANSPORT_LAST_BYTES (4u << 20) /* pulled while closing, at the most */

enum transport_state {
	TRANSPORT_CONNECTING,
	TRANSPORT_HANDSHAKE,
	TRANSPORT_OPEN,
	TRANSPORT_CLOSING,
	TRANSPORT_CLOSED,
};

struct transport;

/** What runs above TLS; t->user is its own. */
struct transport_user {
	/** 0, or a breach: what `produce` gives is sent, then the transport closes. */
	int (*receive)(struct transport *t, struct bytes bytes, struct node_time now);
	/** At most TLS_RECORD_MAX bytes; 0: nothing now. */
	size_t (*produce)(struct transport *t, uint8_t *out, size_t cap, struct node_time now);
	bool (*wants_read)(const struct transport *t);
	void (*set_rate)(struct transport *t, uint64_t bytes_per_second);
	/** The last call. */
	void (*closed)(struct transport *t, const char *reason, struct node_time now);
};

/** Who made it: the listener, the dialer, a join. */
struct transport_owner {
	/** After the handshake: sets user, or returns an error and the transport closes. */
	int (*ready)(struct transport *t);
	/** The last call; `reason` says why. */
	void (*ended)(struct transport *t, const char *reason);
};

struct transport {
	struct list_node all;   /* in app->transports */
	struct list_node dirty; /* in app_loop's list */
	struct app *app;
	enum transport_state state;
	bool dialled, reading, writing, ended, shut;
	bool logged;      /* its end is in the log already */
	unsigned handles; /* open uv handles */
	uv_tcp_t tcp;
	uv_timer_t timer;
	uv_connect_t connect;
	uv_write_t write;
	uv_shutdown_t shutdown;
	enum tls_protocol wanted;
	struct tls_session *tls;
	struct transport_proxy *proxy; /* of transport_proxy.c; NULL: not through one */
	const struct transport_user *user_calls;
	void *user;
	const struct transport_owner *owner_calls;
	void *owner;
	struct handshake_step step;
	struct buffer waiting; /* ciphertext that TLS made by itself */
	struct buffer out;     /* ciphertext being written */
	char address[APP_ADDRESS_MAX];
	char reason[160];
	struct monotime opened; /* when the handshake was complete */
	struct monotime sampled;
	uint64_t rate;    /* bytes a second */
	size_t unsampled; /* written since it was measured */
	unsigned lowat;
	size_t last_bytes; /* pulled since it is closing */
};

/**
 * Accepts from a listening stream; not started yet, so that the caller can judge its address and
 * transport_abort it. NULL: nothing was accepted.
 */
struct transport *transport_accept(
	struct app *app, uv_stream_t *server, const struct transport_owner *owner_calls, void *owner);
void transport_start_server(struct transport *t);

/** Dials. `address` is for people. NULL without memory; else ended() will be called. */
struct transport *transport_dial(struct app *app, const struct sockaddr *to, const char *address,
	enum tls_protocol wanted, const struct transport_owner *owner_calls, void *owner);

/** The same through link.proxy. NULL also for what is no address. */
struct transport *transport_dial_proxy(struct app *app, const char *address,
	enum tls_protocol wanted, const struct transport_owner *owner_calls, void *owner);

/** Sends what is left, then closes. Safe from within a call of the user. */
void transport_close(struct transport *t, const char *reason);
/** At once, sends nothing. Not from within a call of the user. */
void transport_abort(struct transport *t, const char *reason);

/** Output may be there, or reading may go on: looked at after this callback. */
void transport_wake(struct transport *t);
/** From app.c, after a callback. True: it has more and wants another turn. */
bool transport_pump(struct transport *t);

/** From app.c, once a turn of the loop: the step of t's handshake is answered. */
void transport_stepped(struct transport *t);

/** Between transport.c and transport_proxy.c: the proxy is connected; the city behind it is; the
 * time for both is longer. */
void transport_proxy_start(struct transport *t);
void transport_handshake(struct transport *t);
void transport_proxied(struct transport *t);

/** For transport_pump.c: reads again after the user had enough. */
void transport_read_start(struct transport *t);

/** The node's link as user; for the `ready` of listener and dialer. */
int transport_open_link(struct transport *t);
/** Milliseconds since the handshake; 0 if there was none. */
int64_t transport_open_ms(const struct transport *t);
