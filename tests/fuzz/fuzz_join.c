/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What strangers say over hansa-join/1. The first byte: even, a joiner's bytes to an inviter; odd,
 * an inviter's to a joiner; its upper half says into what pieces they are cut. However they are
 * cut, the end is the same.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "proto/join_client.h"
#include "proto/join_server.h"

#define TIME_MS INT64_C(1767225600000)
/* [JOINED, network_id]: so the token is of the network that the inviter names. */
#define JOINED_NETWORK_AT 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct node_time now = {{1000000}, {TIME_MS}};
static struct secret_key *city_key, *node_key; /* of visby, as in the corpus */

static void keys_make(void)
{
	const uint8_t city[SECRET_SEED_SIZE] = {4}, node[SECRET_SEED_SIZE] = {5};
	if (city_key)
		return;
	require(secret_key_from_seed(city, &city_key) == 0);
	require(secret_key_from_seed(node, &node_key) == 0);
}

static const struct roster *on_roster(void *ctx, const struct hash *network_id)
{
	struct roster **roster = ctx;
	static const uint8_t seed[MAP_SEED_SIZE];
	roster_free(*roster);
	require(roster_new(network_id, seed, roster) == 0);
	return *roster;
}

/* The secret is the fuzzer's own: only what comes after the proof is left to be found. */
static int on_check(void *ctx, const struct join_asked *asked, struct bytes *delegation)
{
	(void)ctx;
	require(asked->slug.len > 0 && asked->record.len > 0);
	*delegation = asked->name;
	return 0;
}

static int on_admit(void *ctx, const struct hash *network_id, struct bytes wire)
{
	(void)ctx, (void)network_id, (void)wire;
	return ERROR_BUSY;
}

static int server_run(struct bytes input, size_t piece)
{
	struct roster *roster = NULL;
	struct join_server *server;
	const char *reason;
	uint8_t out[4096];
	struct join_server_config config = {.io = {&roster, on_roster, on_check, on_admit},
		.node_key = node_key,
		.peer_key = *secret_key_public(node_key)};
	require(join_server_new(&config, now, &server) == 0);
	while (input.len > 0 && join_server_state(server) == JOIN_SERVER_WAITING) {
		struct bytes part = bytes_slice(input, 0, piece);
		join_server_receive(server, part, now);
		input = bytes_slice(input, part.len, SIZE_MAX);
	}
	while (join_server_produce(server, out, sizeof(out), now) > 0)
		;
	int code = join_server_reason(server, &reason);
	require((code == 0) == (join_server_state(server) == JOIN_SERVER_WAITING));
	join_server_free(server);
	roster_free(roster);
	return code;
}

static int client_run(struct bytes input, size_t piece)
{
	struct join_client *client;
	struct token token = {.slug = bytes_from_text("visby"),
		.expiry = TIME_MS + 1,
		.network_name = bytes_from_text("Pact")};
	struct join_client_config config = {.token = &token,
		.city_key = city_key,
		.node_key = node_key,
		.name = "Visby",
		.country = "SE"};
	size_t count;
	int code = 0;
	if (input.len >= JOINED_NETWORK_AT + HASH_SIZE)
		memcpy(token.network_id.bytes, input.data + JOINED_NETWORK_AT, HASH_SIZE);
	require(join_client_new(&config, now, &client, NULL) == 0);
	while (input.len > 0 && !code && join_client_state(client) <= JOIN_CLIENT_TAKING) {
		struct bytes part = bytes_slice(input, 0, piece);
		code = join_client_receive(client, part, now);
		input = bytes_slice(input, part.len, SIZE_MAX);
	}
	require((code != 0) == (join_client_state(client) == JOIN_CLIENT_FAILED));
	/* no fuzzer finds the charter whose hash the token names: it is all zeros */
	require(join_client_objects(client, &count) == NULL && count == 0);
	join_client_free(client);
	return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	keys_make();
	int (*run)(struct bytes, size_t) = data[0] % 2 ? client_run : server_run;
	struct bytes input = bytes_of(data + 1, size - 1);
	int whole = run(input, SIZE_MAX);
	/* a second frame in one piece is a breach, in two the first one has been answered */
	int cut = run(input, 1 + data[0] / 2);
	require(data[0] % 2 == 0 || whole == cut);
	return 0;
}
