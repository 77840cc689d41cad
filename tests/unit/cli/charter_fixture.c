/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"
#include "feed/feed.h"
#include "tests/unit/cli/charter_fixture.h"

#define TIME_MS UINT64_C(1760000000000)

static struct secret_key *key_of(uint8_t number)
{
	uint8_t seed[SECRET_SEED_SIZE];
	struct secret_key *key;
	memset(seed, number, sizeof(seed));
	require(secret_key_from_seed(seed, &key) == 0);
	return key;
}

void charter_fixture_init(struct charter_fixture *f)
{
	static const uint8_t seed[MAP_SEED_SIZE] = {1};
	memset(f, 0, sizeof(*f));
	f->officer = key_of(1);
	f->city = key_of(2);
	f->node = key_of(3);
	struct draft_founder founder = {.slug = bytes_from_text("budapest"),
		.name = bytes_from_text("Budapest"),
		.country = bytes_from_text("HU"),
		.city_secret = f->city,
		.node_secret = f->node,
		.sealing_key = {9}};
	struct draft_network network = {.name = bytes_from_text("Pact"),
		.slug = bytes_from_text("pact"),
		.nonce = {7},
		.time_ms = TIME_MS,
		.founders = &founder,
		.founder_count = 1};
	network.officers.count = network.officers.k = 1;
	network.officers.list[0].key = *secret_key_public(f->officer);
	network.officers.list[0].name = bytes_from_text("Anna");
	buffer_init(&f->genesis_body, SIZE_MAX);
	buffer_init(&f->genesis, SIZE_MAX);
	require(draft_genesis(&network, &f->genesis_body) == 0);
	struct bytes body = buffer_bytes(&f->genesis_body);
	require(draft_seal_by(OBJECT_GENESIS, body, f->officer, &f->genesis) == 0);
	require(roster_new(NULL, seed, &f->roster) == 0);
	require(roster_apply(f->roster, buffer_bytes(&f->genesis), NULL) == 0);
}

void charter_fixture_deinit(struct charter_fixture *f)
{
	roster_free(f->roster);
	buffer_deinit(&f->genesis_body);
	buffer_deinit(&f->genesis);
	secret_key_free(f->officer);
	secret_key_free(f->city);
	secret_key_free(f->node);
}

json_t *charter_fixture_base64(struct bytes bytes)
{
	char *text = malloc(TEXT_BASE64_SIZE(bytes.len));
	require(text);
	json_t *json = json_string(text_base64_encode(text, bytes));
	free(text);
	return json;
}

static json_t *hex(struct bytes bytes)
{
	char text[TEXT_HEX_SIZE(64)];
	return json_string(text_hex_encode(text, bytes));
}

json_t *charter_fixture_prepared(
	const struct charter_fixture *f, struct bytes body, struct bytes message)
{
	return json_pack("{s:o, s:i, s:[{s:o, s:s}], s:o, s:o}", "network_id",
		hex(hash_bytes(roster_network_id(f->roster))), "k", 1, "officers", "key",
		hex(public_key_bytes(secret_key_public(f->officer))), "name", "Anna", "body",
		charter_fixture_base64(body), "message", charter_fixture_base64(message));
}

static char *text_of(json_t *json)
{
	char *text = json_dumps(json, 0);
	json_decref(json);
	return text;
}

char *charter_fixture_genesis(const struct charter_fixture *f)
{
	struct amendment_message message;
	struct bytes body = buffer_bytes(&f->genesis_body);
	require(draft_message(OBJECT_GENESIS, body, &message) == 0);
	return text_of(
		charter_fixture_prepared(f, body, bytes_of(message.bytes, sizeof(message.bytes))));
}

char *charter_fixture_amendment(const struct charter_fixture *f, unsigned item_kind)
{
	struct amendment_message message;
	struct amendment_item item = {.kind = item_kind};
	struct buffer body;
	require(city_id_of(secret_key_public(f->city), &item.city_id) == 0);
	buffer_init(&body, SIZE_MAX);
	require(draft_amendment(f->roster, &item, 1, TIME_MS + 1, &body) == 0);
	require(draft_message(OBJECT_AMENDMENT, buffer_bytes(&body), &message) == 0);
	char *text = text_of(charter_fixture_prepared(
		f, buffer_bytes(&body), bytes_of(message.bytes, sizeof(message.bytes))));
	buffer_deinit(&body);
	return text;
}

char *charter_fixture_delegation(const struct charter_fixture *f, const char *slug)
{
	struct delegation delegation = {.network_id = *roster_network_id(f->roster),
		.slug = bytes_from_text(slug),
		.expiry = TIME_MS + 5,
		.delegate = *secret_key_public(f->node)};
	struct hash hash;
	struct buffer body;
	uint8_t message[DELEGATION_MESSAGE_BYTES];
	buffer_init(&body, SIZE_MAX);
	require(delegation_body_hash(&delegation, &hash) == 0);
	require(delegation_encode(&body, &delegation, NULL, 0) == 0);
	delegation_message(&hash, message);
	char *text = text_of(
		charter_fixture_prepared(f, buffer_bytes(&body), bytes_of(message, sizeof(message))));
	buffer_deinit(&body);
	return text;
}

bool charter_fixture_is_signed(
	const struct charter_fixture *f, const char *prepared, const char *submitted)
{
	struct signature signature;
	uint8_t message[1024];
	size_t len, signature_len;
	json_t *asked = json_loads(prepared, 0, NULL), *given = json_loads(submitted, 0, NULL);
	require(asked && given);
	const char *body = json_string_value(json_object_get(given, "body"));
	const json_t *pair = json_array_get(json_object_get(given, "signatures"), 0);
	const char *text = json_string_value(json_object_get(pair, "signature"));
	uint8_t room[128];
	bool good = strcmp(body, json_string_value(json_object_get(asked, "body"))) == 0 &&
		text_base64_decode(message, sizeof(message),
			bytes_from_text(json_string_value(json_object_get(asked, "message"))), &len) == 0 &&
		text_base64_decode(room, sizeof(room), bytes_from_text(text), &signature_len) == 0 &&
		signature_len == SIGNATURE_SIZE;
	memcpy(signature.bytes, room, SIGNATURE_SIZE);
	good = good &&
		signature_verify(secret_key_public(f->officer), bytes_of(message, len), &signature) == 0;
	json_decref(asked);
	json_decref(given);
	return good;
}
