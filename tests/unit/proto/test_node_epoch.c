/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys and charters that are not the same on both sides: strangers, WHO, a charter that lags, a key
 * that was renewed, a feed that is frozen and thaws.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "charter/draft.h"
#include "charter/object.h"
#include "feed/entry.h"
#include "feed/fork_proof.h"
#include "tests/unit/proto/script.h"

static void on_object(void *ctx, int code, const struct hash *object_hash, uint64_t arrival)
{
	(void)object_hash;
	(void)arrival;
	*(int *)ctx = code;
}

/* The record of the city's next epoch, with a key made of `fill`; cuts where its feeds end. */
static struct secret_key *renewal(struct city *city, uint8_t fill, struct buffer *wire)
{
	struct epoch_cut cuts[EPOCH_LANES] = {{0}};
	uint8_t seed[SECRET_SEED_SIZE], sealing[32] = {9};
	struct secret_key *key;
	memset(seed, fill, sizeof seed);
	assert_int_equal(secret_key_from_seed(seed, &key), 0);
	for (uint8_t lane = 1; lane <= EPOCH_LANES; lane++) {
		struct node_feed feed;
		if (cluster_feed(city, city, lane, &feed) && feed.seq)
			cuts[lane - 1] = (struct epoch_cut){feed.seq, feed.entry_hash};
	}
	buffer_init(wire, LIMIT_OBJECT_BYTES);
	assert_int_equal(
		draft_renewal(node_network_roster(city->node, 0), &city->city_id, city->city_key, key,
			sealing, cuts, EPOCH_REASON_RENEWAL, (uint64_t)city->cluster->now.wall.ms, wire),
		0);
	return key;
}

static void renew(struct city *city, uint8_t fill)
{
	struct cluster *c = city->cluster;
	struct secret_key *former = city->node_key;
	struct buffer wire;
	int code = 1;
	struct secret_key *key = renewal(city, fill, &wire);
	assert_int_equal(node_object_submit(
						 city->node, &c->network_id, buffer_bytes(&wire), on_object, &code, c->now),
		0);
	buffer_deinit(&wire);
	cluster_pass(c, 10);
	assert_int_equal(code, 0);
	city->node_key = key;
	node_set_node_key(city->node, key, secret_key_public(key), c->now);
	secret_key_free(former);
	cluster_pass(c, 10);
}

static uint64_t number_at(const struct city *city)
{
	return roster_number(node_network_roster(city->node, 0));
}

static struct bytes amendment_of(const struct city *city, uint64_t number)
{
	struct bytes wire;
	struct hash hash;
	assert_int_equal(roster_amendment(node_network_roster(city->node, 0), number, &wire, &hash), 0);
	return wire;
}

static void suspend(struct city *at, const struct city *whom)
{
	struct amendment_item item = {.kind = AMENDMENT_SUSPEND, .city_id = whom->city_id};
	item.end.reason = bytes_from_text("seized");
	assert_int_equal(cluster_amend(at, &item, 1), 0);
}

static void resume(struct city *at, const struct city *whom)
{
	struct amendment_item item = {.kind = AMENDMENT_RESUME, .city_id = whom->city_id};
	assert_int_equal(cluster_amend(at, &item, 1), 0);
}

/* ---- strangers ---- */

static void stranger(struct script *s, struct cluster *c, uint64_t seed)
{
	uint8_t bytes[SECRET_SEED_SIZE] = {42};
	struct secret_key *key;
	cluster_init(c, 3, seed);
	cluster_found(c);
	assert_int_equal(secret_key_from_seed(bytes, &key), 0);
	script_open_key(s, &c->cities[0], secret_key_public(key));
	secret_key_free(key);
}

static void a_stranger_is_told_nothing(void **state)
{
	(void)state;
	struct cluster c;
	struct script s;
	stranger(&s, &c, 1);
	script_hello(&s, 0);
	message_write_ping(&s.out, 3);
	script_send(&s);
	while (script_next(&s))
		assert_true(s.message.type == MESSAGE_WHO || s.message.type == MESSAGE_PONG);
	assert_false(script_closed(&s));
	cluster_pass(&c, LIMIT_CHARTER_ONLY_MS + 10);
	assert_true(script_closed(&s));
	assert_int_equal(script_bye(&s), BYE_NOT_PINNED);
	script_close(&s);
	cluster_deinit(&c);
}

/* Whatever it sends counts, and HELLO does not give it larger frames. */
static void a_stranger_may_send_little(void **state)
{
	(void)state;
	static const uint8_t noise[LIMIT_FRAME_BYTES] = {0};
	struct cluster c;
	struct script s;
	stranger(&s, &c, 2);
	script_hello(&s, 0);
	message_write_object(&s.out, &c.network_id, bytes_of(noise, 5000));
	script_send(&s);
	assert_true(script_closed(&s));
	assert_int_equal(script_bye(&s), BYE_PROTOCOL);
	assert_true(
		bytes_equal_text(bytes_slice(s.message.reason.text, 0, 23), "it broke the rule frame"));
	script_close(&s);
	cluster_deinit(&c);

	stranger(&s, &c, 3);
	for (size_t sent = 0; sent <= LIMIT_EARLY_BYTES; sent += 11)
		message_write_ping(&s.out, INT64_MAX); /* 11 bytes */
	script_send(&s);
	assert_true(script_closed(&s));
	assert_int_equal(script_bye(&s), BYE_PROTOCOL);
	assert_true(
		bytes_equal_text(bytes_slice(s.message.reason.text, 0, 23), "it broke the rule limit"));
	script_close(&s);
	cluster_deinit(&c);
}

/* What it sends out of order is not kept, so that nobody else's is crowded out. */
static void a_stranger_fills_no_queue(void **state)
{
	(void)state;
	struct cluster c;
	struct script s, member;
	stranger(&s, &c, 4);
	suspend(&c.cities[1], &c.cities[2]);
	resume(&c.cities[1], &c.cities[2]);
	message_write_object(&s.out, &c.network_id, amendment_of(&c.cities[1], 2));
	script_send(&s);
	script_live(&member, &c.cities[0], &c.cities[1]);
	message_write_object(&member.out, &c.network_id, amendment_of(&c.cities[1], 1));
	script_send(&member);
	assert_int_equal(number_at(&c.cities[0]), 1);
	/* A member's is kept. */
	suspend(&c.cities[1], &c.cities[2]);
	message_write_object(&member.out, &c.network_id, amendment_of(&c.cities[1], 3));
	script_send(&member);
	message_write_object(&member.out, &c.network_id, amendment_of(&c.cities[1], 2));
	script_send(&member);
	assert_int_equal(number_at(&c.cities[0]), 3);
	script_close(&member);
	script_close(&s);
	cluster_deinit(&c);
}

/* ---- WHO ---- */

static void who(struct script *s, const struct public_key *own, uint64_t number)
{
	struct hasher hasher;
	struct hash blind;
	uint8_t blinds[1][16];
	assert_int_equal(hasher_init(&hasher), 0);
	hasher_begin(&hasher, "hansa blind 1");
	hasher_add_hash(&hasher, &s->c->network_id);
	hasher_add(&hasher, public_key_bytes(secret_key_public(s->node->node_key)));
	hasher_add(&hasher, public_key_bytes(own));
	hasher_end(&hasher, &blind);
	hasher_deinit(&hasher);
	memcpy(blinds[0], blind.bytes, sizeof blinds[0]);
	message_write_who(&s->out, blinds, &number, 1);
}

static unsigned objects_said(struct script *s)
{
	unsigned count = 0;
	while (script_seek(s, MESSAGE_OBJECT))
		count++;
	return count;
}

static void who_is_answered_once(void **state)
{
	(void)state;
	struct cluster c;
	struct script s;
	cluster_init(&c, 3, 5);
	cluster_found(&c);
	suspend(&c.cities[0], &c.cities[2]);
	resume(&c.cities[0], &c.cities[2]);
	script_open(&s, &c.cities[0], &c.cities[1]);
	const struct public_key *own = secret_key_public(c.cities[1].node_key);
	who(&s, own, 0);
	script_send(&s);
	assert_int_equal(objects_said(&s), 2);
	for (int i = 0; i < 100; i++)
		who(&s, own, 0);
	script_send(&s);
	assert_int_equal(objects_said(&s), 0);
	script_close(&s);
	/* Only what it lacks. */
	script_open(&s, &c.cities[0], &c.cities[1]);
	who(&s, own, 1);
	script_send(&s);
	assert_int_equal(objects_said(&s), 1);
	script_close(&s);
	cluster_deinit(&c);
	/* A stranger that knows the network gets nothing. */
	stranger(&s, &c, 6);
	suspend(&c.cities[0], &c.cities[2]);
	uint8_t bytes[SECRET_SEED_SIZE] = {42};
	struct secret_key *key;
	assert_int_equal(secret_key_from_seed(bytes, &key), 0);
	who(&s, secret_key_public(key), 0);
	script_send(&s);
	assert_int_equal(objects_said(&s), 0);
	secret_key_free(key);
	script_close(&s);
	cluster_deinit(&c);
}

/* ---- a charter that lags ---- */

/* One side has not heard of the other's admission: what the newcomer says before its key is pinned
 * is kept, and it is told all when it is. */
static void what_is_said_before_the_pin_is_kept(void **state)
{
	(void)state;
	struct cluster c;
	struct node_feed feed;
	cluster_init(&c, 3, 7);
	c.founders = 2;
	cluster_found(&c);
	struct city *lagging = &c.cities[0], *at = &c.cities[1], *joiner = &c.cities[2];
	assert_int_equal(cluster_publish(lagging, FEED_LANE_DOC, "from before", NULL), 0);
	cluster_pass(&c, 1000);
	cluster_admit(at, joiner, true);
	assert_int_equal(number_at(lagging), 0);
	assert_int_equal(cluster_publish(joiner, FEED_LANE_DOC, "news", NULL), 0);
	cluster_connect(&c, joiner, lagging);
	cluster_pass(&c, 3000);
	assert_int_equal(number_at(lagging), 1);
	assert_true(cluster_feed(lagging, joiner, FEED_LANE_DOC, &feed));
	assert_int_equal(feed.seq, 1);
	assert_true(cluster_feed(joiner, lagging, FEED_LANE_DOC, &feed));
	assert_int_equal(feed.seq, 1);
	cluster_deinit(&c);
}

/* The genesis of another network of the same cities. */
static void other_genesis(
	uint64_t seed, size_t cities, struct buffer *wire, struct hash *network_id)
{
	struct cluster other;
	struct hash hash;
	struct bytes genesis;
	cluster_init(&other, cities, seed); /* the same keys */
	other.now.wall.ms += 1;
	cluster_found(&other);
	*network_id = other.network_id;
	assert_int_equal(
		roster_amendment(node_network_roster(other.cities[0].node, 0), 0, &genesis, &hash), 0);
	buffer_init(wire, LIMIT_OBJECT_BYTES);
	buffer_push_bytes(wire, genesis);
	cluster_deinit(&other);
}

/* The peer names a network before this node is in it: once it is, the peer is told of it. */
static void a_network_that_is_shared_later_is_told(void **state)
{
	(void)state;
	struct cluster c;
	struct script s;
	struct buffer genesis;
	struct hash first, second;
	int code = 1;
	bool told = false;
	cluster_init(&c, 2, 12);
	cluster_found(&c);
	other_genesis(12, 2, &genesis, &second);
	first = c.network_id;
	assert_false(hash_equal(&first, &second));
	script_live(&s, &c.cities[0], &c.cities[1]);
	c.network_id = second;
	script_hello(&s, 0);
	script_send(&s);
	script_drain(&s);
	assert_int_equal(
		node_network_create(c.cities[0].node, buffer_bytes(&genesis), on_object, &code, c.now), 0);
	cluster_pass(&c, 10);
	assert_int_equal(code, 0);
	assert_int_equal(cluster_publish(&c.cities[0], FEED_LANE_DOC, "text", NULL), 0);
	cluster_pass(&c, 1000);
	while (script_seek(&s, MESSAGE_ANNOUNCE))
		told |= hash_equal(&s.message.announce.network_id, &second) &&
			s.message.announce.feed_count == 1;
	assert_true(told);
	buffer_deinit(&genesis);
	script_close(&s);
	cluster_deinit(&c);
}

/* More than a link's queue of answers takes. */
static void a_long_charter_reaches_who_lacks_it(void **state)
{
	(void)state;
	struct cluster c;
	static char reason[CHARTER_REASON_MAX + 1];
	static struct amendment_item items[AMENDMENT_ITEMS_MAX];
	size_t bytes = 0;
	cluster_init(&c, 3, 8);
	cluster_found(&c);
	memset(reason, 'r', CHARTER_REASON_MAX);
	for (uint64_t number = 1; bytes < LIMIT_CONTROL_QUEUE_BYTES + LIMIT_OBJECT_BYTES; number++) {
		for (size_t i = 0; i < 128; i++) {
			items[i] = (struct amendment_item){.kind = i % 2 ? AMENDMENT_RESUME : AMENDMENT_SUSPEND,
				.city_id = c.cities[2].city_id};
			if (i % 2 == 0)
				items[i].end.reason = bytes_from_text(reason);
		}
		assert_int_equal(cluster_amend(&c.cities[0], items, 128), 0);
		bytes += amendment_of(&c.cities[0], number).len;
	}
	cluster_connect(&c, &c.cities[0], &c.cities[1]);
	cluster_pass(&c, 3000);
	assert_string_equal(c.cities[1].last_close, "");
	assert_int_equal(number_at(&c.cities[1]), number_at(&c.cities[0]));
	cluster_deinit(&c);
}

/* ---- renewal ---- */

static void a_former_key_is_let_in_nowhere(void **state)
{
	(void)state;
	struct cluster c;
	struct script s;
	struct node_published published;
	struct node_feed feed;
	cluster_init(&c, 2, 9);
	cluster_found(&c);
	struct public_key former = *secret_key_public(c.cities[1].node_key);
	assert_int_equal(cluster_publish(&c.cities[1], FEED_LANE_DOC, "text", NULL), 0);
	cluster_connect(&c, &c.cities[0], &c.cities[1]);
	cluster_pass(&c, 1000);
	renew(&c.cities[1], 77);
	assert_true(c.pipes[0]->closed);
	script_open_key(&s, &c.cities[0], &former);
	cluster_pass(&c, LIMIT_CHARTER_ONLY_MS + 10);
	assert_true(script_closed(&s));
	assert_int_equal(script_bye(&s), BYE_NOT_PINNED);
	assert_true(bytes_equal_text(s.message.reason.text, "the node key belongs to a former epoch"));
	script_close(&s);
	/* With the new one all goes on. */
	cluster_connect(&c, &c.cities[0], &c.cities[1]);
	assert_int_equal(cluster_publish(&c.cities[1], FEED_LANE_DOC, "text", &published), 0);
	assert_int_equal(published.seq, 2);
	cluster_pass(&c, 1000);
	assert_true(cluster_feed(&c.cities[0], &c.cities[1], FEED_LANE_DOC, &feed));
	assert_int_equal(feed.seq, 2);
	assert_int_equal(feed.epoch, 2);
	cluster_deinit(&c);
}

/* It renewed its key while the other was away: the first WHO tells it. */
static void a_key_renewed_meanwhile_is_learnt(void **state)
{
	(void)state;
	struct cluster c;
	struct node_feed feed;
	cluster_init(&c, 2, 10);
	cluster_found(&c);
	renew(&c.cities[0], 70);
	assert_int_equal(cluster_publish(&c.cities[0], FEED_LANE_DOC, "text", NULL), 0);
	cluster_connect(&c, &c.cities[0], &c.cities[1]);
	cluster_pass(&c, 1000);
	assert_true(cluster_feed(&c.cities[1], &c.cities[0], FEED_LANE_DOC, &feed));
	assert_int_equal(feed.seq, 1);
	cluster_deinit(&c);
}

/* ---- frozen ---- */

/* A proof that the city's documents part after entry `seq`. */
static void fork_proof_of(struct city *city, uint64_t seq, struct buffer *wire)
{
	static const uint8_t pairs[2][FORK_PROOF_PAIR_BYTES] = {{1}, {2}};
	struct fork_proof proof = {.network_id = city->cluster->network_id,
		.city_id = city->city_id,
		.lane = FEED_LANE_DOC,
		.seq = seq,
		.entry_hash = {{seq ? 5 : 0}}};
	struct fork_branch *branches[2] = {&proof.a, &proof.b};
	struct hasher hasher;
	struct hash feed_id;
	struct buffer body;
	assert_int_equal(hasher_init(&hasher), 0);
	assert_int_equal(feed_id_of(&proof.network_id, &proof.city_id, proof.lane, &feed_id), 0);
	for (int i = 0; i < 2; i++) {
		struct head *head = &branches[i]->head;
		struct hash header = {{0}}, body_hash = {{0}};
		branches[i]->hashes = bytes_of(pairs[i], FORK_PROOF_PAIR_BYTES);
		memcpy(header.bytes, pairs[i], HASH_SIZE);
		*head = (struct head){.feed_id = feed_id, .epoch = 1, .seq = seq + 1};
		assert_int_equal(entry_hash_from(&hasher, &feed_id, seq + 1, &proof.entry_hash, &header,
							 &body_hash, &head->entry_hash),
			0);
		assert_int_equal(head_sign(head, city->node_key), 0);
	}
	hasher_deinit(&hasher);
	buffer_init(&body, FORK_PROOF_BYTES_MAX);
	buffer_init(wire, FORK_PROOF_BYTES_MAX);
	assert_int_equal(fork_proof_encode(&body, &proof), 0);
	assert_int_equal(object_encode(wire, OBJECT_FORK_PROOF, buffer_bytes(&body), NULL, 0), 0);
	buffer_deinit(&body);
}

/* The proof comes between the question and the answer: what was announced is asked for again when
 * the city's next record thaws the feed, and the cursor waits for it. */
static void a_frozen_feed_is_pulled_when_it_thaws(void **state)
{
	(void)state;
	struct cluster c;
	struct script s;
	struct script_run run;
	struct node_published published;
	struct node_feed feed;
	struct buffer proof, record;
	cluster_init(&c, 3, 11);
	cluster_found(&c);
	struct city *node = &c.cities[0], *origin = &c.cities[2];
	assert_int_equal(cluster_publish(origin, FEED_LANE_DOC, "text", &published), 0);
	script_run_of(origin, FEED_LANE_DOC, 1, &run);
	script_live(&s, node, &c.cities[1]);
	script_announce(&s, &run.feed_id, 1, &published.entry_hash, 99);
	script_send(&s);
	assert_true(script_seek(&s, MESSAGE_PULL));
	fork_proof_of(origin, 0, &proof);
	message_write_object(&s.out, &c.network_id, buffer_bytes(&proof));
	script_write_run(&s, &run, 0);
	message_write_pull_end(&s.out, &run.feed_id, 2, END_DONE);
	script_send(&s);
	assert_true(cluster_feed(node, origin, FEED_LANE_DOC, &feed));
	assert_true(feed.frozen);
	assert_int_equal(feed.seq, 0);
	while (script_seek(&s, MESSAGE_ACK))
		assert_true(s.message.ack.arrival < 99);
	cluster_pass(&c, 2000);
	assert_false(script_seek(&s, MESSAGE_PULL));
	secret_key_free(renewal(origin, 71, &record));
	message_write_object(&s.out, &c.network_id, buffer_bytes(&record));
	script_send(&s);
	cluster_pass(&c, 1000);
	assert_true(script_seek(&s, MESSAGE_PULL));
	script_write_run(&s, &run, 0);
	message_write_pull_end(&s.out, &run.feed_id, 2, END_DONE);
	script_send(&s);
	assert_true(cluster_feed(node, origin, FEED_LANE_DOC, &feed));
	assert_false(feed.frozen);
	assert_int_equal(feed.seq, 1);
	uint64_t acked = 0;
	while (script_seek(&s, MESSAGE_ACK))
		acked = s.message.ack.arrival;
	assert_int_equal(acked, 99);
	buffer_deinit(&proof);
	buffer_deinit(&record);
	script_run_free(&run);
	script_close(&s);
	cluster_deinit(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stranger_is_told_nothing),
		cmocka_unit_test(a_stranger_may_send_little),
		cmocka_unit_test(a_stranger_fills_no_queue),
		cmocka_unit_test(who_is_answered_once),
		cmocka_unit_test(what_is_said_before_the_pin_is_kept),
		cmocka_unit_test(a_network_that_is_shared_later_is_told),
		cmocka_unit_test(a_long_charter_reaches_who_lacks_it),
		cmocka_unit_test(a_former_key_is_let_in_nowhere),
		cmocka_unit_test(a_key_renewed_meanwhile_is_learnt),
		cmocka_unit_test(a_frozen_feed_is_pulled_when_it_thaws),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
