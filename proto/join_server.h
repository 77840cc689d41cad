/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The inviter's side of a join, on one connection. Start with join.h. It keeps no invitations and
 * no charter: it asks for both through struct join_server_io.
 */
#pragma once

#include "base/error.h"
#include "charter/roster.h"
#include "proto/join.h"
#include "proto/node.h"

struct join_server;

/** What a JOIN says, its record verified; views are valid as long as the server. */
struct join_asked {
	struct hash network_id; /* to which the record is anchored */
	struct hash city_id;
	struct public_key city_key;
	struct bytes slug, name, country;
	struct bytes record; /* the envelope */
	struct hash proof;
};

struct join_server_io {
	void *ctx;
	/** The charter; NULL: this node is not in that network. */
	const struct roster *(*roster)(void *ctx, const struct hash *network_id);
	/**
	 * Finds the open invitation for (network_id, slug) and judges its expiry and the proof
	 * (join_proof_judge). 0 with its delegation; ERROR_TOKEN, ERROR_TOKEN_EXPIRED. An invitation
	 * goes on being found until the city that it admitted has been heard of or it has expired, so
	 * that a join which a crash has cut short can be asked for again.
	 */
	int (*check)(void *ctx, const struct join_asked *asked, struct bytes *delegation);
	/**
	 * Submits the amendment that admits the city: verified and committed. 0: join_server_admitted
	 * follows; else the reason.
	 */
	int (*admit)(void *ctx, const struct hash *network_id, struct bytes wire);
};

struct join_server_config {
	struct join_server_io io;
	const struct secret_key *node_key; /* the delegate's; borrowed */
	uint8_t exporter[JOIN_EXPORTER_BYTES];
	struct public_key peer_key; /* the leaf key of the connection's client */
};

enum join_server_state {
	JOIN_SERVER_WAITING,   /* for JOIN */
	JOIN_SERVER_ADMITTING, /* for join_server_admitted */
	JOIN_SERVER_TELLING,   /* JOINED, objects, JOIN_END are being produced */
	JOIN_SERVER_REFUSING,  /* JOIN_REFUSED is being produced */
	JOIN_SERVER_OVER,      /* all that will be sent has been produced */
	JOIN_SERVER_BROKEN,    /* the joiner broke the protocol, or was too slow: close */
};

/** ERROR_MEMORY. */
int join_server_new(
	const struct join_server_config *config, struct node_time now, struct join_server **out);
/** Takes NULL. While admitting too: join_server_admitted is not called then. */
void join_server_free(struct join_server *server);

/**
 * 0; or the breach (ERROR_FRAME, ERROR_MESSAGE, …): close the connection. A refusal is no breach.
 */
int join_server_receive(struct join_server *server, struct bytes bytes, struct node_time now);
/** The next bytes to send, at most cap; 0: nothing now. */
size_t join_server_produce(
	struct join_server *server, uint8_t *out, size_t cap, struct node_time now);
/** The amendment is committed (0) or is not: from now on there is something to produce. */
void join_server_admitted(struct join_server *server, int code, struct node_time now);

struct monotime join_server_deadline(const struct join_server *server);
/** ERROR_TIMEOUT once the deadline is reached, else 0. */
int join_server_on_deadline(struct join_server *server, struct node_time now);

enum join_server_state join_server_state(const struct join_server *server);
/** What was asked, NULL before; for the log. */
const struct join_asked *join_server_asked(const struct join_server *server);
/** Why it was refused or broken off: a code and a sentence; 0 and "" if it was not. */
int join_server_reason(const struct join_server *server, const char **text);
