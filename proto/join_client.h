/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The joiner's side of a join, on one connection. Start with join.h. It opens no connection: the
 * caller dials, feeds bytes, sends what is produced, and adopts the objects once it is complete.
 */
#pragma once

#include "base/error.h"
#include "base/map.h"
#include "proto/join.h"
#include "proto/node.h"

struct join_client;

struct join_client_config {
	const struct token *token;
	const struct secret_key *city_key; /* signs epoch record 1 */
	const struct secret_key *node_key; /* that of the TLS certificate */
	uint8_t sealing_key[32];
	const char *name, *country; /* this city's own; the token says its slug */
	const char *const *addresses;
	uint32_t address_count;
	uint8_t exporter[JOIN_EXPORTER_BYTES];
	struct public_key server_key; /* the leaf key of this connection's server */
	uint8_t map_seed[MAP_SEED_SIZE];
};

enum join_client_state {
	JOIN_CLIENT_ASKING,
	JOIN_CLIENT_TAKING,
	JOIN_CLIENT_COMPLETE, /* objects and what they say of this city have been checked */
	JOIN_CLIENT_FAILED,
};

/**
 * Checks that the server is the token's node (else ERROR_PEER) and prepares JOIN. Nothing of the
 * config is kept but copies. ERROR_TOKEN_EXPIRED, ERROR_SIZE (the JOIN is over 4,096 bytes: too
 * long addresses), ERROR_FIELD, ERROR_CRYPTO, ERROR_MEMORY.
 */
int join_client_new(const struct join_client_config *config, struct node_time now,
	struct join_client **out, struct complaint *complaint);
/** Takes NULL. */
void join_client_free(struct join_client *client);

/**
 * 0, or why it has failed (join_client_complaint says it in one sentence): the refusal of the
 * inviter, a breach of the protocol, a charter that is not the token's or does not admit this city.
 * After a failure or the end nothing more is taken.
 */
int join_client_receive(struct join_client *client, struct bytes bytes, struct node_time now);
/** The next bytes to send, at most cap; 0: nothing. */
size_t join_client_produce(struct join_client *client, uint8_t *out, size_t cap);

struct monotime join_client_deadline(const struct join_client *client);
/** ERROR_TIMEOUT once the deadline is reached, else 0. */
int join_client_on_deadline(struct join_client *client, struct node_time now);

enum join_client_state join_client_state(const struct join_client *client);
const struct complaint *join_client_complaint(const struct join_client *client);
/** True if it was the inviter who refused: another address of his will say the same. */
bool join_client_refused(const struct join_client *client);

/**
 * When complete: all objects, genesis first, as node_network_adopt takes them, which verifies
 * their signatures. Valid until join_client_free.
 */
const struct bytes *join_client_objects(const struct join_client *client, size_t *count);
