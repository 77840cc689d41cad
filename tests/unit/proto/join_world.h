/* SPDX-License-Identifier: Apache-2.0 */
/**
 * For test_join.c: a network "Pact" of one city, lubeck, which has an invitation open for visby,
 * and both sides of a join, joined by byte buffers. Keys, signatures and proofs are real; only TLS
 * is not there: its exporter and leaf keys are what the test says.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/text.h"
#include "charter/draft.h"
#include "feed/feed.h"
#include "proto/join_client.h"
#include "proto/join_server.h"

#define WORLD_TIME INT64_C(1767225600000)
#define WORLD_DAY_MS INT64_C(86400000)

enum world_key {
	OFFICER,
	LUBECK_CITY,
	LUBECK_NODE,
	VISBY_CITY,
	VISBY_NODE,
	OTHER_CITY,
	OTHER_NODE,
	WORLD_KEYS
};

struct world {
	struct secret_key *keys[WORLD_KEYS];
	struct roster *roster;
	struct roster_change change;
	struct token token;
	char slug[TEXT_SLUG_MAX + 1]; /* of the token */
	/* the inviter's open invitation */
	bool open;
	uint8_t secret[TOKEN_SECRET_BYTES];
	struct timestamp expiry;
	unsigned tries_left;
	struct buffer delegation;
	unsigned admissions;
	int admit_code;
	/* the connection */
	struct node_time now;
	uint8_t exporter[JOIN_EXPORTER_BYTES], server_exporter[JOIN_EXPORTER_BYTES];
	struct public_key server_leaf, client_leaf;
	enum world_key joiner_city, joiner_node;
	struct join_client *client;
	struct join_server *server;
	struct complaint complaint;
};

static const uint8_t world_seed[MAP_SEED_SIZE] = "a seed of a map";

static inline void world_apply(struct world *w, struct bytes wire)
{
	assert_int_equal(roster_apply(w->roster, wire, &w->change), 0);
}

/** One item, signed by the officer, as the charter moves on. */
static inline void world_amend(struct world *w, const struct amendment_item *item)
{
	struct buffer body, wire;
	struct object_signature signature;
	buffer_init(&body, OBJECT_BYTES_MAX);
	buffer_init(&wire, OBJECT_BYTES_MAX);
	assert_int_equal(draft_amendment(w->roster, item, 1, WORLD_TIME, &body), 0);
	assert_int_equal(
		draft_sign(OBJECT_AMENDMENT, buffer_bytes(&body), w->keys[OFFICER], &signature), 0);
	assert_int_equal(draft_seal(OBJECT_AMENDMENT, buffer_bytes(&body), &signature, 1, &wire), 0);
	world_apply(w, buffer_bytes(&wire));
	buffer_deinit(&body);
	buffer_deinit(&wire);
}

static inline void world_policy(struct world *w, const char *key, const char *value)
{
	struct amendment_item item = {
		.kind = AMENDMENT_POLICY, .policy = {bytes_from_text(key), bytes_from_text(value)}};
	world_amend(w, &item);
}

static inline void world_genesis(struct world *w)
{
	struct draft_founder founder = {.slug = bytes_from_text("lubeck"),
		.name = bytes_from_text("Lübeck"),
		.country = bytes_from_text("DE"),
		.city_secret = w->keys[LUBECK_CITY],
		.node_secret = w->keys[LUBECK_NODE]};
	struct draft_network network = {.name = bytes_from_text("Pact"),
		.slug = bytes_from_text("pact"),
		.time_ms = WORLD_TIME,
		.founders = &founder,
		.founder_count = 1};
	network.officers.count = network.officers.k = 1;
	network.officers.list[0].key = *secret_key_public(w->keys[OFFICER]);
	struct buffer body, wire;
	struct object_signature signature;
	buffer_init(&body, OBJECT_BYTES_MAX);
	buffer_init(&wire, OBJECT_BYTES_MAX);
	assert_int_equal(draft_genesis(&network, &body), 0);
	assert_int_equal(
		draft_sign(OBJECT_GENESIS, buffer_bytes(&body), w->keys[OFFICER], &signature), 0);
	assert_int_equal(draft_seal(OBJECT_GENESIS, buffer_bytes(&body), &signature, 1, &wire), 0);
	assert_int_equal(roster_new(NULL, world_seed, &w->roster), 0);
	world_apply(w, buffer_bytes(&wire));
	buffer_deinit(&body);
	buffer_deinit(&wire);
}

/** Opens the invitation for `slug`; with `confirm` for the fingerprint of that key only. */
static inline void world_invite(struct world *w, const char *slug, const struct public_key *confirm)
{
	struct delegation d = {.network_id = *roster_network_id(w->roster),
		.slug = bytes_from_text(slug),
		.expiry = (uint64_t)(WORLD_TIME + WORLD_DAY_MS),
		.delegate = *secret_key_public(w->keys[LUBECK_NODE])};
	memset(d.id, (int)w->admissions + 7, sizeof(d.id));
	if (confirm) {
		d.confirm_len = DELEGATION_FINGERPRINT_BYTES;
		memcpy(d.confirm, confirm->bytes, DELEGATION_FINGERPRINT_BYTES);
	}
	buffer_reset(&w->delegation);
	assert_int_equal(draft_delegation(&d, w->keys[OFFICER], &w->delegation), 0);
	memset(w->secret, 0x5a, sizeof(w->secret));
	w->open = true;
	w->expiry = timestamp_from_ms((int64_t)d.expiry);
	w->tries_left = JOIN_TRIES;
	snprintf(w->slug, sizeof(w->slug), "%s", slug);
	w->token = (struct token){.network_id = d.network_id,
		.number = roster_number(w->roster),
		.amendment_hash = *roster_hash(w->roster),
		.slug = bytes_from_text(w->slug),
		.expiry = d.expiry,
		.node_key = d.delegate,
		.network_name = bytes_from_text("Pact")};
	memcpy(w->token.secret, w->secret, sizeof(w->secret));
}

static inline int world_setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	assert_non_null(w);
	for (unsigned i = 0; i < WORLD_KEYS; i++) {
		uint8_t seed[SECRET_SEED_SIZE] = {(uint8_t)(i + 1)};
		assert_int_equal(secret_key_from_seed(seed, &w->keys[i]), 0);
	}
	buffer_init(&w->delegation, DELEGATION_BYTES_MAX);
	w->now = (struct node_time){monotime_from_us(1000000), timestamp_from_ms(WORLD_TIME)};
	world_genesis(w);
	world_policy(w, "colour", "red");
	world_invite(w, "visby", NULL);
	memset(w->exporter, 0x33, sizeof(w->exporter));
	memset(w->server_exporter, 0x33, sizeof(w->server_exporter));
	w->server_leaf = *secret_key_public(w->keys[LUBECK_NODE]);
	w->joiner_city = VISBY_CITY;
	w->joiner_node = VISBY_NODE;
	w->client_leaf = *secret_key_public(w->keys[VISBY_NODE]);
	*state = w;
	return 0;
}

static inline void world_hang_up(struct world *w)
{
	join_client_free(w->client);
	join_server_free(w->server);
	w->client = NULL;
	w->server = NULL;
}

static inline int world_teardown(void **state)
{
	struct world *w = *state;
	world_hang_up(w);
	for (unsigned i = 0; i < WORLD_KEYS; i++)
		secret_key_free(w->keys[i]);
	roster_free(w->roster);
	buffer_deinit(&w->delegation);
	free(w);
	return 0;
}

static inline const struct roster *world_roster(void *ctx, const struct hash *network_id)
{
	struct world *w = ctx;
	return hash_equal(network_id, roster_network_id(w->roster)) ? w->roster : NULL;
}

static inline int world_check(void *ctx, const struct join_asked *asked, struct bytes *delegation)
{
	struct world *w = ctx;
	struct delegation d;
	assert_int_equal(delegation_decode(buffer_bytes(&w->delegation), &d), 0);
	if (!w->open || !bytes_equal(d.slug, asked->slug))
		return ERROR_TOKEN;
	if (!timestamp_before(w->now.wall, w->expiry))
		return ERROR_TOKEN_EXPIRED;
	int code = join_proof_judge(
		w->secret, w->server_exporter, &asked->city_key, &asked->proof, &w->tries_left);
	if (w->tries_left == 0)
		w->open = false;
	*delegation = buffer_bytes(&w->delegation);
	return code;
}

static inline int world_admit(void *ctx, const struct hash *network_id, struct bytes wire)
{
	struct world *w = ctx;
	assert_true(hash_equal(network_id, roster_network_id(w->roster)));
	if (w->admit_code)
		return w->admit_code;
	int code = roster_apply(w->roster, wire, &w->change);
	w->admissions += code == 0;
	return code;
}

static inline void world_open_server(struct world *w)
{
	struct join_server_config config = {
		.io = {.ctx = w, .roster = world_roster, .check = world_check, .admit = world_admit},
		.node_key = w->keys[LUBECK_NODE],
		.peer_key = w->client_leaf};
	memcpy(config.exporter, w->server_exporter, sizeof(config.exporter));
	assert_int_equal(join_server_new(&config, w->now, &w->server), 0);
}

static inline int world_open_client(struct world *w)
{
	static const char *const addresses[] = {"visby.example:7400", "[2001:db8::1]:7400"};
	struct join_client_config config = {.token = &w->token,
		.city_key = w->keys[w->joiner_city],
		.node_key = w->keys[w->joiner_node],
		.name = "Visby",
		.country = "SE",
		.addresses = addresses,
		.address_count = 2,
		.server_key = w->server_leaf};
	memcpy(config.exporter, w->exporter, sizeof(config.exporter));
	memcpy(config.map_seed, world_seed, sizeof(config.map_seed));
	return join_client_new(&config, w->now, &w->client, &w->complaint);
}

static inline void world_dial(struct world *w)
{
	world_hang_up(w);
	world_open_server(w);
	assert_int_equal(world_open_client(w), 0);
}

/** Carries bytes both ways, `chunk` at a time, until nothing moves; the commit is done at once. */
static inline void world_run(struct world *w, size_t chunk)
{
	uint8_t bytes[16384];
	bool moved = true;
	assert_true(chunk <= sizeof(bytes));
	while (moved) {
		size_t len = join_client_produce(w->client, bytes, chunk);
		moved = len > 0;
		if (len)
			join_server_receive(w->server, bytes_of(bytes, len), w->now);
		if (join_server_state(w->server) == JOIN_SERVER_ADMITTING) {
			assert_int_equal(join_server_produce(w->server, bytes, chunk, w->now), 0);
			join_server_admitted(w->server, 0, w->now);
		}
		len = join_server_produce(w->server, bytes, chunk, w->now);
		moved |= len > 0;
		if (len)
			join_client_receive(w->client, bytes_of(bytes, len), w->now);
	}
}

/** The joiner was refused with this code, and nobody was admitted. */
static inline void world_expect_refused(struct world *w, int code)
{
	assert_int_equal(join_client_state(w->client), JOIN_CLIENT_FAILED);
	assert_true(join_client_refused(w->client));
	const char *reason;
	assert_int_equal(join_server_reason(w->server, &reason), code);
	assert_true(reason[0] != 0);
	assert_int_equal(join_server_state(w->server), JOIN_SERVER_OVER);
	assert_non_null(strstr(join_client_complaint(w->client)->reason, reason));
}
