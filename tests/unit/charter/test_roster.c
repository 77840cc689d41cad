/* SPDX-License-Identifier: Apache-2.0 */
/* The roster against the vectors and as a whole: what it shows, its objects, ranges, loading. */
#include "tests/unit/charter/fixture.h"
#include "tests/unit/vectors.h"

static int apply_vector(struct roster *r, const json_t *vector, struct roster_change *change)
{
	struct buffer wire;
	buffer_init(&wire, OBJECT_FORK_PROOF_BYTES_MAX);
	int error = roster_apply(r, vectors_hex(vector, "envelope", &wire), change);
	buffer_deinit(&wire);
	return error;
}

static void the_vectors_charter_applies(void **state)
{
	(void)state;
	json_t *root = vectors_load("charter"), *chain = vectors_field(root, "chain"), *vector;
	struct roster_change *change = calloc(1, sizeof(*change));
	struct roster *r;
	size_t i;
	assert_int_equal(roster_new(NULL, fixture_seed, &r), 0);
	assert_int_equal(apply_vector(r, json_array_get(chain, 1), change), ERROR_CHARTER_PREDECESSOR);
	json_array_foreach(chain, i, vector)
	{
		if (i == 5) /* the record of epoch 2 is older than its anchor */
			assert_int_equal(apply_vector(r, vectors_field(root, "renewed_record"), change), 0);
		assert_int_equal(apply_vector(r, vector, change), 0);
		struct hash hash = vectors_hash(vector, "amendment_hash");
		assert_true(hash_equal(roster_hash(r), &hash));
		assert_int_equal(roster_number(r), i);
		assert_int_equal(change->number, i);
		assert_true(change->stored);
		assert_int_equal(apply_vector(r, vector, change), ERROR_EXISTS);
		assert_false(change->stored);
	}
	struct hash network_id = vectors_hash(json_array_get(chain, 0), "network_id");
	assert_true(hash_equal(roster_network_id(r), &network_id));
	assert_true(bytes_equal_text(roster_slug(r), "pact"));
	assert_int_equal(roster_member_count(r), 3);
	assert_int_equal(roster_active_count(r), 2);
	const struct roster_member *m = roster_member_by_slug(r, bytes_from_text("bratislava"));
	assert_non_null(m);
	assert_true(m->confirmed);
	assert_int_equal(m->status, MEMBER_ACTIVE);
	assert_int_equal(m->admitted_number, 1);
	assert_int_equal(m->epoch, 2);
	assert_true(roster_is_current_pin(r, &m->node_key));
	m = roster_member_by_slug(r, bytes_from_text("warszawa"));
	assert_int_equal(m->status, MEMBER_REMOVED);
	assert_false(roster_is_current_pin(r, &m->node_key));
	assert_int_equal(roster_officers(r)->count, 2);
	assert_true(bytes_equal_text(roster_policy(r, bytes_from_text("welcome")), "Vitajte"));
	assert_true(roster_two_person(r, FEED_LANE_ALERT));
	assert_false(roster_two_person(r, FEED_LANE_CALL));
	uint64_t entries, bytes;
	struct hash bratislava = roster_member_by_slug(r, bytes_from_text("bratislava"))->city_id;
	assert_int_equal(roster_quota(r, &bratislava, FEED_LANE_DOC, &entries, &bytes), 0);
	assert_int_equal(entries, 1000);
	assert_int_equal(roster_quota(r, &m->city_id, FEED_LANE_ALERT, &entries, &bytes), 0);
	assert_int_equal(entries, 100);
	assert_int_equal(roster_quota(r, &m->city_id, FEED_LANE_DOC, &entries, &bytes),
		ERROR_NOT_FOUND);
	assert_int_equal(roster_review_time(r), FIXTURE_TIME + UINT64_C(31536000000));
	roster_free(r);
	free(change);
	json_decref(root);
}

static void the_vectors_lists_approval_and_proofs_apply(void **state)
{
	(void)state;
	json_t *charter = vectors_load("charter"), *lists = vectors_load("addresses");
	json_t *approval = vectors_load("approval"), *proofs = vectors_load("fork_proof");
	json_t *chain = vectors_field(charter, "chain");
	struct roster_change *change = calloc(1, sizeof(*change));
	struct roster *r;
	assert_int_equal(roster_new(NULL, fixture_seed, &r), 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(apply_vector(r, json_array_get(chain, i), change), 0);
	json_t *list = vectors_field(lists, "address_lists");
	assert_int_equal(apply_vector(r, json_array_get(list, 0), change), 0);
	const struct roster_member *m = roster_member_by_slug(r, bytes_from_text("budapest"));
	assert_int_equal(m->addresses->count, 3);
	assert_true(bytes_equal_text(m->addresses->addresses[1], "[2001:db8::7]:7411"));
	assert_int_equal(apply_vector(r, json_array_get(list, 1), change), 0);
	assert_int_equal(m->addresses->count, 0);
	assert_int_equal(change->dropped_count, 1);
	assert_int_equal(apply_vector(r, json_array_get(list, 0), change), ERROR_EXISTS);

	json_t *proposed = vectors_field(approval, "approval");
	assert_int_equal(apply_vector(r, proposed, change), 0);
	assert_int_equal(roster_approval_count(r), 1);
	assert_int_equal(apply_vector(r, proposed, change), ERROR_EXISTS);

	/* The one with the lower common entry replaces the other, and is not replaced by it. */
	json_t *forks = vectors_field(proofs, "fork_proofs");
	uint64_t seq = 99;
	assert_int_equal(apply_vector(r, json_array_get(forks, 1), change), 0);
	assert_true(roster_fork(r, &m->city_id, FEED_LANE_DOC, &seq, NULL));
	assert_int_equal(seq, 40);
	assert_int_equal(apply_vector(r, json_array_get(forks, 0), change), 0);
	assert_int_equal(change->dropped_count, 1);
	assert_true(roster_fork(r, &m->city_id, FEED_LANE_DOC, &seq, NULL));
	assert_int_equal(seq, 0);
	assert_false(roster_fork(r, &m->city_id, FEED_LANE_ALERT, &seq, NULL));
	assert_int_equal(apply_vector(r, json_array_get(forks, 1), change), ERROR_EXISTS);
	assert_int_equal(roster_object_count(r), 3);

	/* The amendment that takes the number ends its approvals. */
	assert_int_equal(apply_vector(r, json_array_get(chain, 3), change), 0);
	assert_int_equal(change->dropped_count, 1);
	assert_int_equal(roster_approval_count(r), 0);
	assert_int_equal(roster_object_count(r), 2);
	assert_int_equal(apply_vector(r, proposed, change), ERROR_EXISTS);
	roster_free(r);
	free(change);
	json_decref(charter);
	json_decref(lists);
	json_decref(approval);
	json_decref(proofs);
}

static int put_addresses(struct fixture *f, const char *city, int node, uint32_t epoch,
	uint64_t number, const char *address)
{
	struct address_list list = {
		.network_id = *roster_network_id(f->roster), .city_id = fixture_city(f, city),
		.epoch = epoch, .number = number, .count = 1, .addresses = {bytes_from_text(address)},
	};
	buffer_reset(&f->wire);
	assert_int_equal(address_list_seal(&f->wire, &list, fixture_node_key(f, city, node)), 0);
	return fixture_apply(f);
}

static void the_newest_address_list_wins(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(put_addresses(f, "budapest", 1, 1, 5, "a.example:1"), 0);
	assert_true(fixture_effect(f, ROSTER_EFFECT_ADDRESSES, "budapest"));
	assert_int_equal(put_addresses(f, "budapest", 1, 1, 4, "b.example:1"), ERROR_EXISTS);
	assert_int_equal(put_addresses(f, "budapest", 2, 2, 1, "c.example:1"), ERROR_EPOCH_UNKNOWN);
	assert_int_equal(put_addresses(f, "budapest", 2, 1, 9, "c.example:1"), ERROR_SIGNATURE);
	assert_int_equal(put_addresses(f, "lisboa", 1, 1, 1, "c.example:1"), ERROR_NOT_MEMBER);
	assert_int_equal(fixture_renew(f, "budapest", 2, 0), 0);
	assert_int_equal(fixture_member(f, "budapest")->addresses->number, 5);
	assert_int_equal(put_addresses(f, "budapest", 2, 2, 1, "c.example:1"), 0);
	assert_int_equal(fixture_member(f, "budapest")->addresses->epoch, 2);
	assert_int_equal(put_addresses(f, "budapest", 1, 1, 99, "d.example:1"), ERROR_EXISTS);
}

/* Another roster that is given everything in the order of the walk has the same digests. */
static void assert_same(struct roster *a, struct roster *b)
{
	assert_int_equal(roster_object_count(a), roster_object_count(b));
	assert_true(hash_equal(roster_hash(a), roster_hash(b)));
	for (unsigned i = 0; i < ROSTER_RANGES; i++) {
		struct hash x, y;
		assert_int_equal(roster_object_range(a, (uint8_t)i, &x), 0);
		assert_int_equal(roster_object_range(b, (uint8_t)i, &y), 0);
		assert_true(hash_equal(&x, &y));
	}
}

static struct roster *copy_of(struct roster *r, bool load)
{
	int (*apply)(struct roster *, struct bytes, struct roster_change *) =
		load ? roster_load : roster_apply;
	struct roster *other;
	struct bytes wire;
	struct hash hash;
	struct roster_walk walk = {0};
	struct roster_object object;
	assert_int_equal(roster_new(roster_network_id(r), fixture_seed, &other), 0);
	for (uint64_t i = 0; roster_amendment(r, i, &wire, &hash) == 0; i++)
		assert_int_equal(apply(other, wire, NULL), 0);
	while (roster_object_next(r, &walk, &object))
		assert_int_equal(apply(other, object.wire, NULL), 0);
	return other;
}

static void of_equal_lists_one_wins_in_any_order(void **state)
{
	struct fixture *f = *state;
	struct roster *mine = f->roster, *other = copy_of(f->roster, false);
	int answers[4];
	answers[0] = put_addresses(f, "budapest", 1, 1, 7, "a.example:1");
	answers[1] = put_addresses(f, "budapest", 1, 1, 7, "b.example:1");
	f->roster = other;
	answers[2] = put_addresses(f, "budapest", 1, 1, 7, "b.example:1");
	answers[3] = put_addresses(f, "budapest", 1, 1, 7, "a.example:1");
	f->roster = mine;
	assert_int_equal(answers[0], 0);
	assert_int_equal(answers[2], 0);
	assert_int_equal(answers[1] + answers[3], ERROR_EXISTS); /* one of them is 0 */
	assert_same(mine, other);
	roster_free(other);
}

static void a_walk_rebuilds_the_roster(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(fixture_do_admit(f, "praha"), 0);
	assert_int_equal(fixture_renew(f, "praha", 2, 3), 0);
	assert_int_equal(fixture_renew(f, "praha", 3, 4), 0);
	assert_int_equal(fixture_renew(f, "budapest", 2, 1), 0);
	assert_int_equal(put_addresses(f, "praha", 3, 3, 1, "a.example:1"), 0);
	assert_int_equal(fixture_do(f, AMENDMENT_SUSPEND, "budapest"), 0);
	assert_int_equal(roster_object_count(f->roster), 4);
	for (int load = 0; load < 2; load++) {
		struct roster *other = copy_of(f->roster, load);
		assert_same(f->roster, other);
		assert_int_equal(roster_active_count(other), 2);
		roster_free(other);
	}
}

static void ranges_are_those_of_the_protocol(void **state)
{
	struct fixture *f = *state;
	struct hash digest, expected, before = {{0}};
	assert_int_equal(put_addresses(f, "budapest", 1, 1, 1, "a.example:1"), 0);
	struct hash object_hash = f->change.object_hash;
	uint8_t range = object_hash.bytes[0];
	assert_int_equal(hash_of("hansa range 1", hash_bytes(&object_hash), &expected), 0);
	assert_int_equal(roster_object_range(f->roster, range, &digest), 0);
	assert_true(hash_equal(&digest, &expected));
	assert_int_equal(roster_object_range(f->roster, (uint8_t)(range + 1), &digest), 0);
	assert_true(hash_equal(&digest, &before));
	struct roster_object object;
	assert_int_equal(roster_range_object(f->roster, range, 0, &object), 0);
	assert_int_equal(object.type, OBJECT_ADDRESS_LIST);
	assert_int_equal(roster_object_find(f->roster, &object_hash, &object), 0);
	assert_true(bytes_equal(object.wire, buffer_bytes(&f->wire)));
	assert_int_equal(put_addresses(f, "budapest", 1, 1, 2, "a.example:1"), 0);
	assert_true(hash_equal(&f->change.dropped[0], &object_hash));
	assert_int_equal(roster_object_find(f->roster, &object_hash, &object), ERROR_NOT_FOUND);
	if (f->change.object_hash.bytes[0] != range) {
		assert_int_equal(roster_object_range(f->roster, range, &digest), 0);
		assert_true(hash_equal(&digest, &before));
	}
}

static void another_network_is_refused(void **state)
{
	struct fixture *f = *state;
	struct hash other_id = fixture_hash("another network");
	struct roster *other;
	assert_int_equal(roster_new(&other_id, fixture_seed, &other), 0);
	fixture_genesis_of(f, "abc", 2, "ab");
	assert_int_equal(roster_apply(other, buffer_bytes(&f->wire), &f->change),
		ERROR_CHARTER_UNKNOWN);
	assert_false(roster_has_genesis(other));
	roster_free(other);
	fixture_genesis_of(f, "abd", 2, "ab"); /* another genesis is another network */
	assert_int_equal(fixture_apply(f), ERROR_CHARTER_UNKNOWN);
	fixture_genesis_of(f, "abc", 2, "bc");
	assert_int_equal(fixture_apply(f), ERROR_EXISTS);
}

static void every_prefix_and_flipped_byte_is_refused(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(fixture_do_admit(f, "praha"), 0);
	struct bytes wire;
	struct hash hash;
	assert_int_equal(roster_amendment(f->roster, 1, &wire, &hash), 0);
	uint8_t *copy = malloc(wire.len);
	struct roster *other;
	struct bytes genesis;
	assert_int_equal(roster_amendment(f->roster, 0, &genesis, &hash), 0);
	assert_int_equal(roster_new(NULL, fixture_seed, &other), 0);
	assert_int_equal(roster_apply(other, genesis, NULL), 0);
	for (size_t i = 0; i < wire.len; i++) {
		memcpy(copy, wire.data, wire.len);
		copy[i] ^= 0x01;
		assert_int_not_equal(roster_apply(other, bytes_of(copy, wire.len), &f->change), 0);
		if (i % 8 == 0)
			assert_int_not_equal(roster_apply(other, bytes_of(copy, i), &f->change), 0);
		assert_int_equal(roster_number(other), 0);
		assert_int_equal(roster_member_count(other), 2);
	}
	assert_int_equal(roster_apply(other, wire, &f->change), 0);
	roster_free(other);
	free(copy);
}

int main(void)
{
#define WITH_FIXTURE(t) cmocka_unit_test_setup_teardown(t, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_vectors_charter_applies),
		cmocka_unit_test(the_vectors_lists_approval_and_proofs_apply),
		WITH_FIXTURE(the_newest_address_list_wins),
		WITH_FIXTURE(of_equal_lists_one_wins_in_any_order),
		WITH_FIXTURE(a_walk_rebuilds_the_roster),
		WITH_FIXTURE(ranges_are_those_of_the_protocol),
		WITH_FIXTURE(another_network_is_refused),
		WITH_FIXTURE(every_prefix_and_flipped_byte_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
