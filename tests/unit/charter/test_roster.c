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

/* A right list, with one bit of its signature turned. */
static int forge_addresses(struct fixture *f, const char *city, uint32_t epoch, uint64_t number)
{
	struct address_list list = {
		.network_id = *roster_network_id(f->roster), .city_id = fixture_city(f, city),
		.epoch = epoch, .number = number,
	};
	buffer_reset(&f->wire);
	assert_int_equal(address_list_seal(&f->wire, &list, fixture_node_key(f, city, 1)), 0);
	f->wire.data[f->wire.len - 5] ^= 1;
	return fixture_apply(f);
}

static void the_newest_address_list_wins(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(put_addresses(f, "budapest", 1, 1, 5, "a.example:1"), 0);
	assert_true(fixture_effect(f, ROSTER_EFFECT_ADDRESSES, "budapest"));
	assert_int_equal(put_addresses(f, "budapest", 1, 1, 4, "b.example:1"), ERROR_EXISTS);
	assert_int_equal(put_addresses(f, "budapest", 2, 2, 1, "c.example:1"), ERROR_EPOCH_UNKNOWN);
	assert_int_equal(put_addresses(f, "budapest", 2, 1, 9, "c.example:1"), ERROR_EPOCH_UNKNOWN);
	assert_int_equal(forge_addresses(f, "budapest", 1, 9), ERROR_SIGNATURE);
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

#define SHUFFLED_MAX 24

struct pile {
	struct buffer wires[SHUFFLED_MAX];
	size_t count;
};

static void pile_add(struct fixture *f, struct pile *pile)
{
	assert_true(pile->count < SHUFFLED_MAX);
	struct buffer *wire = &pile->wires[pile->count++];
	buffer_init(wire, OBJECT_FORK_PROOF_BYTES_MAX);
	buffer_push_bytes(wire, buffer_bytes(&f->wire));
}

/* Renewals, cuts that void one of them, rivals that an anchor decides, lists, standing. */
static void pile_fill(struct fixture *f, struct pile *pile)
{
	struct hash pred = fixture_member(f, "budapest")->record_hash, rival;
	struct amendment_item end = fixture_item(f, AMENDMENT_SUSPEND, "warszawa");
	fixture_genesis_of(f, "abc", 2, "ab");
	pile_add(f, pile);
	assert_int_equal(fixture_do_admit(f, "praha"), 0);
	pile_add(f, pile);
	assert_int_equal(fixture_renew(f, "warszawa", 2, 12), 0);
	pile_add(f, pile);
	fixture_end(&end, 1, 10, 10, 10, 10);
	assert_int_equal(fixture_amend(f, &end), 0);
	pile_add(f, pile);
	assert_int_equal(fixture_renew(f, "warszawa", 3, 10), 0);
	pile_add(f, pile);
	assert_int_equal(fixture_do(f, AMENDMENT_RESUME, "warszawa"), 0);
	pile_add(f, pile);
	assert_int_equal(put_addresses(f, "warszawa", 3, 3, 1, "w.example:1"), 0);
	pile_add(f, pile);
	assert_int_equal(put_addresses(f, "praha", 1, 1, 1, "a.example:1"), 0);
	pile_add(f, pile);
	assert_int_equal(fixture_renew(f, "budapest", 2, 1), 0);
	pile_add(f, pile);
	assert_int_equal(put_addresses(f, "budapest", 2, 2, 1, "thief.example:1"), 0);
	pile_add(f, pile);
	struct epoch_record record = fixture_record(f, "budapest", 2, &pred, 3, 2);
	rival = fixture_seal_record(f, &record, "budapest", 3);
	assert_int_equal(fixture_apply(f), ERROR_CHARTER_RIVAL);
	pile_add(f, pile);
	struct amendment_anchor anchor = {fixture_city(f, "budapest"), 2, rival};
	struct amendment_item item = {.kind = AMENDMENT_ANCHOR};
	struct buffer list;
	buffer_init(&list, 4096);
	amendment_anchor_write(&list, &anchor);
	item.anchor.list = buffer_bytes(&list);
	item.anchor.count = 1;
	assert_int_equal(fixture_amend(f, &item), 0);
	pile_add(f, pile);
	buffer_deinit(&list);
	assert_int_equal(fixture_renew(f, "budapest", 4, 5), 0);
	pile_add(f, pile);
}

static void assert_same_members(const struct roster *a, const struct roster *b)
{
	for (size_t i = 0; i < roster_member_count(a); i++) {
		const struct roster_member *x = roster_member_at(a, i), *y = roster_member_at(b, i);
		assert_true(hash_equal(&x->city_id, &y->city_id));
		assert_int_equal(x->status, y->status);
		assert_int_equal(x->epoch, y->epoch);
		assert_true(hash_equal(&x->record_hash, &y->record_hash));
		assert_int_equal(x->frozen, y->frozen);
		assert_int_equal(x->is_void, y->is_void);
		assert_int_equal(x->awaits_record, y->awaits_record);
		assert_int_equal(x->rival_count, y->rival_count);
		assert_int_equal(x->addresses != NULL, y->addresses != NULL);
		for (uint32_t epoch = 1; epoch <= x->epoch; epoch++) {
			struct roster_epoch p, q;
			assert_int_equal(roster_epoch(a, &x->city_id, epoch, &p), 0);
			assert_int_equal(roster_epoch(b, &x->city_id, epoch, &q), 0);
			assert_memory_equal(p.start, q.start, sizeof(p.start));
			assert_memory_equal(p.end, q.end, sizeof(p.end));
			assert_int_equal(p.is_void, q.is_void);
		}
	}
}

/* What a node may answer to an object that is in order, but comes early, late or twice. */
static bool no_breach(int code)
{
	return code == 0 || code == ERROR_EXISTS || code == ERROR_CHARTER_PREDECESSOR
		|| code == ERROR_EPOCH_UNKNOWN || code == ERROR_NOT_MEMBER
		|| code == ERROR_CHARTER_RIVAL || code == ERROR_CUT;
}

/* Walks the pile until a walk changes nothing, as announcing and asking again would. */
static struct roster *shuffled(const struct pile *pile, uint64_t *random)
{
	size_t order[SHUFFLED_MAX];
	struct roster *r;
	bool changed = true;
	for (size_t i = 0; i < pile->count; i++) {
		*random = *random * UINT64_C(6364136223846793005) + 1442695040888963407u;
		size_t j = (size_t)(*random >> 33) % (i + 1);
		order[i] = order[j];
		order[j] = i;
	}
	assert_int_equal(roster_new(NULL, fixture_seed, &r), 0);
	while (changed) {
		changed = false;
		for (size_t i = 0; i < pile->count; i++) {
			int code = roster_apply(r, buffer_bytes(&pile->wires[order[i]]), NULL);
			assert_true(no_breach(code));
			changed = changed || code == 0 || code == ERROR_CHARTER_RIVAL;
		}
	}
	return r;
}

static void any_order_makes_the_same_roster(void **state)
{
	struct fixture *f = *state;
	struct pile pile = {.count = 0};
	uint64_t random = 1;
	pile_fill(f, &pile);
	for (int i = 0; i < 200; i++) {
		struct roster *other = shuffled(&pile, &random);
		assert_same(f->roster, other);
		assert_same_members(f->roster, other);
		roster_free(other);
	}
	for (size_t i = 0; i < pile.count; i++)
		buffer_deinit(&pile.wires[i]);
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
		WITH_FIXTURE(any_order_makes_the_same_roster),
		WITH_FIXTURE(ranges_are_those_of_the_protocol),
		WITH_FIXTURE(another_network_is_refused),
		WITH_FIXTURE(every_prefix_and_flipped_byte_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
