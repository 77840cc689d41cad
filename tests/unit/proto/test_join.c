/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/proto/join_world.h"

#include "base/error.h"
#include "proto/message.h"

static const struct roster_member *visby(const struct world *w)
{
	return roster_member_by_slug(w->roster, bytes_from_text("visby"));
}

/* What the joiner gathered makes up the inviter's charter, signatures and all. */
static void expect_same_charter(struct world *w)
{
	size_t count;
	const struct bytes *objects = join_client_objects(w->client, &count);
	struct roster *copy;
	assert_int_equal(join_client_state(w->client), JOIN_CLIENT_COMPLETE);
	assert_int_equal(roster_new(NULL, world_seed, &copy), 0);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(roster_apply(copy, objects[i], &w->change), 0);
	assert_true(roster_number(copy) == roster_number(w->roster));
	assert_true(hash_equal(roster_hash(copy), roster_hash(w->roster)));
	assert_int_equal(roster_object_count(copy), roster_object_count(w->roster));
	roster_free(copy);
}

static void renew_lubeck(struct world *w)
{
	struct buffer wire;
	struct secret_key *key;
	struct hash city_id;
	uint8_t seed[SECRET_SEED_SIZE] = {200}, sealing[32] = {1};
	struct epoch_cut cuts[EPOCH_LANES] = {0};
	buffer_init(&wire, OBJECT_BYTES_MAX);
	assert_int_equal(secret_key_from_seed(seed, &key), 0);
	assert_int_equal(city_id_of(secret_key_public(w->keys[LUBECK_CITY]), &city_id), 0);
	assert_int_equal(draft_renewal(w->roster, &city_id, w->keys[LUBECK_CITY], key, sealing, cuts,
						 EPOCH_REASON_RENEWAL, WORLD_TIME, &wire),
		0);
	world_apply(w, buffer_bytes(&wire));
	secret_key_free(w->keys[LUBECK_NODE]);
	w->keys[LUBECK_NODE] = key;
	w->server_leaf = *secret_key_public(key);
	buffer_deinit(&wire);
}

static void add_addresses(struct world *w)
{
	struct address_list list = {.network_id = *roster_network_id(w->roster),
		.epoch = 1,
		.number = 1,
		.time = WORLD_TIME,
		.count = 1,
		.addresses = {bytes_from_text("lubeck.example:7400")}};
	struct buffer wire;
	buffer_init(&wire, OBJECT_BYTES_MAX);
	assert_int_equal(city_id_of(secret_key_public(w->keys[LUBECK_CITY]), &list.city_id), 0);
	assert_int_equal(address_list_seal(&wire, &list, w->keys[LUBECK_NODE]), 0);
	world_apply(w, buffer_bytes(&wire));
	buffer_deinit(&wire);
}

static void test_joins(void **state)
{
	struct world *w = *state;
	add_addresses(w);
	world_policy(w, "colour", "blue"); /* the charter has moved on since the invitation */
	world_dial(w);
	world_run(w, 16384);
	expect_same_charter(w);
	assert_int_equal(join_server_state(w->server), JOIN_SERVER_OVER);
	assert_non_null(visby(w));
	assert_int_equal(visby(w)->status, MEMBER_ACTIVE);
	assert_false(visby(w)->confirmed);
	assert_true(bytes_equal_text(visby(w)->name, "Visby"));
	assert_true(public_key_equal(&visby(w)->node_key, &w->client_leaf));
	assert_int_equal(w->admissions, 1);
}

static void test_joins_byte_by_byte(void **state)
{
	struct world *w = *state;
	add_addresses(w);
	world_dial(w);
	world_run(w, 1);
	expect_same_charter(w);
}

static void test_confirmed_by_fingerprint(void **state)
{
	struct world *w = *state;
	world_invite(w, "visby", secret_key_public(w->keys[VISBY_CITY]));
	world_dial(w);
	world_run(w, 16384);
	expect_same_charter(w);
	assert_true(visby(w)->confirmed);
}

static void test_another_fingerprint(void **state)
{
	struct world *w = *state;
	world_invite(w, "visby", secret_key_public(w->keys[OTHER_CITY]));
	world_dial(w);
	world_run(w, 16384);
	world_expect_refused(w, ERROR_KEY);
	assert_null(visby(w));
}

static void test_wrong_secret_three_times(void **state)
{
	struct world *w = *state;
	w->token.secret[31] ^= 1;
	for (unsigned i = 0; i < JOIN_TRIES; i++) {
		assert_int_equal(w->tries_left, JOIN_TRIES - i);
		assert_true(w->open);
		world_dial(w);
		world_run(w, 16384);
		world_expect_refused(w, ERROR_TOKEN);
		assert_int_equal(join_client_complaint(w->client)->field[0], 't');
	}
	w->token.secret[31] ^= 1; /* the right one comes too late */
	world_dial(w);
	world_run(w, 16384);
	world_expect_refused(w, ERROR_TOKEN);
	assert_int_equal(w->admissions, 0);
}

static void test_wrong_secret_then_right(void **state)
{
	struct world *w = *state;
	w->token.secret[0] ^= 1;
	world_dial(w);
	world_run(w, 16384);
	w->token.secret[0] ^= 1;
	world_dial(w);
	world_run(w, 16384);
	expect_same_charter(w);
}

static void test_expired(void **state)
{
	struct world *w = *state;
	world_dial(w);
	w->now.wall = w->expiry; /* while the JOIN was on its way */
	world_run(w, 16384);
	world_expect_refused(w, ERROR_TOKEN_EXPIRED);
	world_hang_up(w);
	assert_int_equal(world_open_client(w), ERROR_TOKEN_EXPIRED);
	assert_int_equal(w->admissions, 0);
}

static void test_wrong_slug(void **state)
{
	struct world *w = *state;
	snprintf(w->slug, sizeof(w->slug), "riga");
	w->token.slug = bytes_from_text(w->slug);
	world_dial(w);
	world_run(w, 16384);
	world_expect_refused(w, ERROR_TOKEN);
	assert_int_equal(w->tries_left, JOIN_TRIES);
}

static void test_slug_taken_meanwhile(void **state)
{
	struct world *w = *state;
	struct buffer record;
	const uint8_t sealing[32] = {1};
	buffer_init(&record, 4096);
	assert_int_equal(draft_first_record(w->keys[OTHER_CITY], w->keys[OTHER_NODE], sealing,
						 roster_network_id(w->roster), WORLD_TIME, &record),
		0);
	struct amendment_item item = {.kind = AMENDMENT_ADMIT,
		.admit = {.slug = bytes_from_text("visby"),
			.name = bytes_from_text("Visby"),
			.country = bytes_from_text("SE"),
			.record = buffer_bytes(&record),
			.confirmed = true}};
	world_amend(w, &item);
	buffer_deinit(&record);
	world_dial(w);
	world_run(w, 16384);
	world_expect_refused(w, ERROR_SLUG_TAKEN);
	assert_int_equal(w->admissions, 0);
}

static void test_server_has_another_key(void **state)
{
	struct world *w = *state;
	w->server_leaf = *secret_key_public(w->keys[OTHER_NODE]);
	assert_int_equal(world_open_client(w), ERROR_PEER);
	assert_null(w->client);
	assert_true(w->complaint.reason[0] != 0);
}

static void test_joiner_has_another_leaf_key(void **state)
{
	struct world *w = *state;
	w->client_leaf = *secret_key_public(w->keys[OTHER_NODE]);
	world_dial(w);
	world_run(w, 16384);
	world_expect_refused(w, ERROR_EPOCH_RECORD);
	assert_int_equal(w->tries_left, JOIN_TRIES);
	assert_int_equal(w->admissions, 0);
}

static void test_token_of_another_network(void **state)
{
	struct world *w = *state;
	w->token.network_id.bytes[0] ^= 1;
	world_dial(w);
	world_run(w, 16384);
	world_expect_refused(w, ERROR_TOKEN);
	assert_int_equal(w->admissions, 0);
}

/* A JOIN that was seen on one connection is sent on another, by whoever holds its keys. */
static void test_replayed_join(void **state)
{
	struct world *w = *state;
	memset(w->exporter, 0x44, sizeof(w->exporter));
	world_dial(w);
	world_run(w, 16384);
	world_expect_refused(w, ERROR_TOKEN);
	assert_int_equal(w->tries_left, JOIN_TRIES - 1);
	assert_int_equal(w->admissions, 0);
}

/* Cut off after the admission: the same token and keys get the charter again, and only that. */
static void test_asks_again(void **state)
{
	struct world *w = *state;
	uint8_t bytes[4200];
	world_dial(w);
	size_t len = join_client_produce(w->client, bytes, sizeof(bytes));
	assert_int_equal(join_server_receive(w->server, bytes_of(bytes, len), w->now), 0);
	assert_int_equal(join_server_state(w->server), JOIN_SERVER_ADMITTING);
	uint64_t number = roster_number(w->roster);
	w->now.wall = timestamp_add_ms(w->now.wall, 60000); /* so its record has another time stamp */
	world_dial(w);
	world_run(w, 16384);
	expect_same_charter(w);
	assert_int_equal(w->admissions, 1);
	assert_true(roster_number(w->roster) == number);
	world_dial(w); /* a crash of the joiner before it wrote anything */
	world_run(w, 16384);
	expect_same_charter(w);
	assert_int_equal(w->admissions, 1);
}

static void test_used_by_another(void **state)
{
	struct world *w = *state;
	world_dial(w);
	world_run(w, 16384);
	w->joiner_city = OTHER_CITY;
	w->joiner_node = OTHER_NODE;
	w->client_leaf = *secret_key_public(w->keys[OTHER_NODE]);
	world_dial(w);
	world_run(w, 16384);
	world_expect_refused(w, ERROR_SLUG_TAKEN);
	assert_int_equal(w->admissions, 1);
}

static void test_city_stands_there_already(void **state)
{
	struct world *w = *state;
	world_dial(w);
	world_run(w, 16384);
	world_invite(w, "gotland", NULL);
	world_dial(w);
	world_run(w, 16384);
	world_expect_refused(w, ERROR_EXISTS);
	assert_int_equal(w->admissions, 1);
}

static void test_inviter_renewed_its_key(void **state)
{
	struct world *w = *state;
	renew_lubeck(w);
	assert_int_equal(world_open_client(w), ERROR_PEER);
	w->token.node_key = w->server_leaf; /* as if the token said the new one */
	world_dial(w);
	world_run(w, 16384);
	world_expect_refused(w, ERROR_CHARTER_SIGNERS);
}

static void test_records_are_told(void **state)
{
	struct world *w = *state;
	renew_lubeck(w);
	world_invite(w, "visby", NULL);
	assert_true(roster_object_count(w->roster) > 0);
	world_dial(w);
	world_run(w, 300);
	expect_same_charter(w);
}

/* The charter grows while it is told: the end is the new one, complete. */
static void test_charter_grows_meanwhile(void **state)
{
	struct world *w = *state;
	uint8_t bytes[16384];
	for (unsigned i = 0; i < 40; i++) {
		char value[1000];
		memset(value, 'a', sizeof(value) - 1);
		value[sizeof(value) - 1] = '\0';
		world_policy(w, "long", value);
	}
	add_addresses(w);
	world_dial(w);
	size_t len = join_client_produce(w->client, bytes, sizeof(bytes));
	assert_int_equal(join_server_receive(w->server, bytes_of(bytes, len), w->now), 0);
	join_server_admitted(w->server, 0, w->now);
	len = join_server_produce(w->server, bytes, sizeof(bytes), w->now);
	assert_int_equal(len, sizeof(bytes));
	assert_int_equal(join_client_receive(w->client, bytes_of(bytes, len), w->now), 0);
	world_policy(w, "late", "yes");
	world_run(w, 16384);
	expect_same_charter(w);
}

static void test_commit_fails(void **state)
{
	struct world *w = *state;
	uint8_t bytes[4200];
	world_dial(w);
	size_t len = join_client_produce(w->client, bytes, sizeof(bytes));
	assert_int_equal(join_server_receive(w->server, bytes_of(bytes, len), w->now), 0);
	join_server_admitted(w->server, ERROR_FULL, w->now);
	world_run(w, 16384);
	world_expect_refused(w, ERROR_FULL);
	w->admit_code = ERROR_CHARTER_ITEM;
	w->joiner_city = OTHER_CITY;
	world_invite(w, "riga", NULL);
	world_dial(w);
	world_run(w, 16384);
	world_expect_refused(w, ERROR_CHARTER_ITEM);
}

/* A new server takes these bytes. */
static int server_takes(struct world *w, const void *bytes, size_t len)
{
	world_hang_up(w);
	world_open_server(w);
	return join_server_receive(w->server, bytes_of(bytes, len), w->now);
}

static void test_frames_of_a_bad_joiner(void **state)
{
	struct world *w = *state;
	uint8_t join[4200], bad[4300] = {0};
	world_dial(w);
	size_t len = join_client_produce(w->client, join, sizeof(join));
	assert_true(len > 300);
	/* truncated: waits, and is cut off in the end */
	assert_int_equal(server_takes(w, join, len - 1), 0);
	assert_int_equal(join_server_state(w->server), JOIN_SERVER_WAITING);
	assert_int_equal(join_server_on_deadline(w->server, w->now), 0);
	w->now.mono = monotime_add_ms(w->now.mono, JOIN_ASK_MS);
	assert_int_equal(join_server_on_deadline(w->server, w->now), ERROR_TIMEOUT);
	/* a length of 0, one above the limit, and the largest */
	assert_int_equal(server_takes(w, bad, 4), ERROR_FRAME);
	memcpy(bad, "\x00\x00\x10\x01", 4);
	assert_int_equal(server_takes(w, bad, 4), ERROR_FRAME);
	memcpy(bad, "\xff\xff\xff\xff", 4);
	assert_int_equal(server_takes(w, bad, 4), ERROR_FRAME);
	/* exactly one */
	memcpy(bad, join, len);
	assert_int_equal(server_takes(w, bad, len + 1), ERROR_MESSAGE);
	assert_int_equal(server_takes(w, join, len), 0);
	assert_int_equal(join_server_receive(w->server, bytes_of(bad, 1), w->now), ERROR_MESSAGE);
	/* a frame that ends within its array */
	memcpy(bad, join, len);
	bad[2] = (uint8_t)((len - 5) >> 8);
	bad[3] = (uint8_t)(len - 5);
	assert_int_not_equal(server_takes(w, bad, len - 1), 0);
	assert_int_equal(join_server_state(w->server), JOIN_SERVER_BROKEN);
	/* another message */
	struct buffer ping;
	buffer_init(&ping, 100);
	message_write_ping(&ping, 1);
	assert_int_equal(server_takes(w, ping.data, ping.len), ERROR_MESSAGE);
	buffer_deinit(&ping);
}

/* A bit is wrong on its way: only name, country and addresses may differ from what was written. */
static void test_every_flipped_byte(void **state)
{
	struct world *w = *state;
	uint8_t join[4200];
	unsigned taken = 0;
	world_dial(w);
	size_t len = join_client_produce(w->client, join, sizeof(join));
	w->admit_code = ERROR_BUSY; /* shows that it would have been admitted */
	for (size_t i = 0; i < len; i++) {
		const char *reason;
		w->tries_left = JOIN_TRIES;
		w->open = true;
		join[i] ^= 1;
		server_takes(w, join, len);
		join[i] ^= 1;
		if (join_server_reason(w->server, &reason) != ERROR_BUSY)
			continue;
		const struct join_asked *asked = join_server_asked(w->server);
		assert_non_null(memmem(join, len, asked->record.data, asked->record.len));
		assert_non_null(memmem(join, len, asked->proof.bytes, HASH_SIZE));
		assert_true(bytes_equal_text(asked->slug, "visby"));
		taken++;
	}
	assert_in_range(taken, 1, 60);
	assert_int_equal(w->admissions, 0);
}

static void write_end(struct buffer *b, const struct roster *roster)
{
	message_write_join_end(b, roster_number(roster), roster_hash(roster));
}

/* A client that was answered JOINED takes these frames. */
static int client_takes(struct world *w, struct buffer *frames, bool joined)
{
	struct buffer whole;
	world_hang_up(w);
	assert_int_equal(world_open_client(w), 0);
	buffer_init(&whole, 1 << 20);
	if (joined)
		message_write_joined(&whole, roster_network_id(w->roster));
	buffer_push_bytes(&whole, buffer_bytes(frames));
	assert_int_equal(whole.error, 0);
	int code = join_client_receive(w->client, buffer_bytes(&whole), w->now);
	buffer_deinit(&whole);
	buffer_reset(frames);
	assert_int_equal(join_client_state(w->client), JOIN_CLIENT_FAILED);
	assert_true(join_client_complaint(w->client)->reason[0] != 0);
	return code;
}

static void write_charter(struct buffer *b, const struct roster *roster, uint64_t first)
{
	struct bytes wire;
	struct hash hash;
	for (uint64_t i = first; !roster_amendment(roster, i, &wire, &hash); i++)
		message_write_object(b, roster_network_id(roster), wire);
}

static void test_frames_of_a_bad_inviter(void **state)
{
	struct world *w = *state;
	struct buffer b;
	struct hash other = *roster_network_id(w->roster);
	other.bytes[5] ^= 1;
	buffer_init(&b, 1 << 20);
	write_end(&b, w->roster);
	assert_int_equal(client_takes(w, &b, true), ERROR_CHARTER_PREDECESSOR); /* nothing sent */
	write_charter(&b, w->roster, 0);
	write_end(&b, w->roster);
	assert_int_equal(client_takes(w, &b, true), ERROR_NOT_MEMBER); /* does not admit us */
	write_charter(&b, w->roster, 1);
	write_end(&b, w->roster);
	assert_int_equal(client_takes(w, &b, true), ERROR_CHARTER_PREDECESSOR);
	write_charter(&b, w->roster, 0);
	message_write_join_end(&b, 7, roster_hash(w->roster));
	assert_int_equal(client_takes(w, &b, true), ERROR_CHARTER_PREDECESSOR);
	message_write_joined(&b, &other);
	assert_int_equal(client_takes(w, &b, false), ERROR_CHARTER_UNKNOWN);
	message_write_object(&b, &other, bytes_from_text("x"));
	assert_int_equal(client_takes(w, &b, true), ERROR_CHARTER_UNKNOWN);
	write_charter(&b, w->roster, 0); /* before JOINED */
	assert_int_equal(client_takes(w, &b, false), ERROR_MESSAGE);
	message_write_ping(&b, 1);
	assert_int_equal(client_takes(w, &b, true), ERROR_MESSAGE);
	static const uint8_t large[LIMIT_OBJECT_BYTES + 1];
	message_write_object(&b, roster_network_id(w->roster), bytes_of(large, sizeof large));
	assert_int_equal(client_takes(w, &b, true), ERROR_MESSAGE); /* parts: on live links only */
	buffer_push(&b, "\x00\x01\x00\x00", 4);
	assert_int_equal(client_takes(w, &b, true), ERROR_FRAME);
	buffer_push(&b, "\x00\x00\x10\x01", 4); /* no large frame before JOINED */
	assert_int_equal(client_takes(w, &b, false), ERROR_FRAME);
	message_write_object(&b, roster_network_id(w->roster), bytes_from_text("x"));
	write_end(&b, w->roster);
	assert_int_not_equal(client_takes(w, &b, true), 0);
	buffer_deinit(&b);
}

/* The token names an amendment that the charter does not hold: another history is told. */
static void test_another_history(void **state)
{
	struct world *w = *state;
	w->token.amendment_hash.bytes[0] ^= 1;
	world_dial(w);
	world_run(w, 16384);
	assert_int_equal(join_client_state(w->client), JOIN_CLIENT_FAILED);
	assert_false(join_client_refused(w->client));
	size_t count;
	assert_null(join_client_objects(w->client, &count));
	w->token.amendment_hash.bytes[0] ^= 1;
	w->token.number = 99;
	world_dial(w);
	world_run(w, 16384);
	assert_int_equal(join_client_state(w->client), JOIN_CLIENT_FAILED);
}

static void test_inviter_goes_silent(void **state)
{
	struct world *w = *state;
	uint8_t bytes[4200];
	world_dial(w);
	assert_true(join_client_produce(w->client, bytes, sizeof(bytes)) > 0);
	assert_int_equal(join_client_on_deadline(w->client, w->now), 0);
	w->now.mono = join_client_deadline(w->client);
	assert_int_equal(join_client_on_deadline(w->client, w->now), ERROR_TIMEOUT);
	assert_true(join_client_deadline(w->client).us == MONOTIME_NEVER.us);
}

/* Frames of a later version are passed over; its charter is bounded. */
static void test_too_much(void **state)
{
	struct world *w = *state;
	struct buffer b;
	static uint8_t large[60000];
	buffer_init(&b, 1 << 20);
	assert_int_equal(world_open_client(w), 0);
	message_write_joined(&b, roster_network_id(w->roster));
	buffer_push(&b, "\x00\x00\x00\x03\x92\x60\x01", 7); /* [96, 1] */
	assert_int_equal(join_client_receive(w->client, buffer_bytes(&b), w->now), 0);
	buffer_reset(&b);
	message_write_object(&b, roster_network_id(w->roster), bytes_of(large, sizeof(large)));
	int code = 0;
	size_t sent = 0;
	while (!code && sent <= JOIN_CHARTER_BYTES_MAX) {
		code = join_client_receive(w->client, buffer_bytes(&b), w->now);
		sent += sizeof(large);
	}
	assert_int_equal(code, ERROR_LIMIT);
	buffer_deinit(&b);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_joins),
		TEST(test_joins_byte_by_byte),
		TEST(test_confirmed_by_fingerprint),
		TEST(test_another_fingerprint),
		TEST(test_wrong_secret_three_times),
		TEST(test_wrong_secret_then_right),
		TEST(test_expired),
		TEST(test_wrong_slug),
		TEST(test_slug_taken_meanwhile),
		TEST(test_server_has_another_key),
		TEST(test_joiner_has_another_leaf_key),
		TEST(test_token_of_another_network),
		TEST(test_replayed_join),
		TEST(test_asks_again),
		TEST(test_used_by_another),
		TEST(test_city_stands_there_already),
		TEST(test_inviter_renewed_its_key),
		TEST(test_records_are_told),
		TEST(test_charter_grows_meanwhile),
		TEST(test_commit_fails),
		TEST(test_frames_of_a_bad_joiner),
		TEST(test_every_flipped_byte),
		TEST(test_frames_of_a_bad_inviter),
		TEST(test_another_history),
		TEST(test_inviter_goes_silent),
		TEST(test_too_much),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
