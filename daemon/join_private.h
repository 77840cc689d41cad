/* SPDX-License-Identifier: Apache-2.0 */
/** What join.c, join_guest.c and join_dial.c share; private to them. */
#pragma once

#include <uv.h>

#include "charter/token.h"
#include "daemon/app.h"
#include "daemon/join.h"
#include "daemon/transport.h"
#include "proto/join_client.h"
#include "proto/join_server.h"

struct joins {
	struct app *app;
	uv_timer_t timer; /* the earliest deadline of them all */
	bool timer_open, stopping;
	struct list guests;  /* struct join_guest */
	struct list joiners; /* struct joiner */
	struct app_subscriber subscriber;
};

/** A connection on which a city asks to be admitted. */
struct join_guest {
	struct list_node node;
	struct joins *joins;
	struct transport *transport;
	struct join_server *server;
	struct admission *admission; /* while the amendment is being committed */
	uint8_t exporter[JOIN_EXPORTER_BYTES];
	bool told; /* all of the charter went out */
};

/** A join of this city's own. */
struct joiner {
	struct list_node node;
	struct joins *joins;
	app_join_fn *done; /* NULL once it was called */
	void *ctx;
	uint8_t storage[TOKEN_BYTES_MAX]; /* what token's views point into */
	struct token token;
	size_t next_address;
	struct addrinfo *found, *next_found; /* of a name */
	uv_getaddrinfo_t resolve;
	bool resolving, adopting;
	bool final; /* another address would say the same */
	char address[APP_ADDRESS_MAX];
	struct transport *transport;
	struct join_client *client;
	int code;
	char reason[256];
};

/** transport_user.receive and others of a guest: the app's on_join. */
int join_guest_accept(struct app *app, struct transport *t);
/** The server's deadline is reached. */
void join_guest_on_deadline(struct join_guest *guest, struct node_time now);

void joiner_on_deadline(struct joiner *joiner, struct node_time now);
void joiner_cancel(struct joiner *joiner);

/** A deadline has changed. */
void joins_arm(struct joins *joins);
/** After the last connection of a stopped one. */
void joins_free_maybe(struct joins *joins);
