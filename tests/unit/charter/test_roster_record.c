/* SPDX-License-Identifier: Apache-2.0 */
/* Epoch records in the roster: succession, cuts, anchors, rivals, keys given by officers. */
#include "feed/entry.h"
#include "feed/fork_proof.h"
#include "tests/unit/charter/fixture.h"

static struct roster_epoch epoch_of(struct fixture *f, const char *city, uint32_t epoch)
{
	struct roster_epoch out;
	struct hash id = fixture_city(f, city);
	assert_int_equal(roster_epoch(f->roster, &id, epoch, &out), 0);
	return out;
}

static bool pinned(struct fixture *f, const char *city, int node)
{
	return roster_is_current_pin(f->roster, secret_key_public(fixture_node_key(f, city, node)));
}

static void a_renewal_ends_the_former_epoch(void **state)
{
	struct fixture *f = *state;
	assert_true(pinned(f, "budapest", 1));
	assert_false(epoch_of(f, "budapest", 1).has_end);
	assert_int_equal(fixture_renew(f, "budapest", 2, 10), 0);
	assert_int_equal(f->change.kind, ROSTER_CHANGE_EPOCH_RECORD);
	assert_true(fixture_effect(f, ROSTER_EFFECT_KEY, "budapest"));
	assert_true(fixture_effect(f, ROSTER_EFFECT_CUT, "budapest"));
	assert_false(pinned(f, "budapest", 1));
	assert_true(pinned(f, "budapest", 2));
	struct roster_epoch one = epoch_of(f, "budapest", 1), two = epoch_of(f, "budapest", 2);
	assert_true(one.has_end);
	assert_int_equal(one.end[2].seq, 10);
	assert_false(two.has_end);
	assert_int_equal(two.start[2].seq, 10);
	assert_true(hash_equal(&one.end[2].hash, &two.start[2].hash));
	assert_true(public_key_equal(&two.node_key, &fixture_member(f, "budapest")->node_key));
	struct roster_epoch out;
	struct hash id = fixture_city(f, "budapest");
	assert_int_equal(roster_epoch(f->roster, &id, 3, &out), ERROR_EPOCH_UNKNOWN);
	assert_int_equal(roster_epoch(f->roster, &id, 0, &out), ERROR_EPOCH_UNKNOWN);
	id = fixture_city(f, "lisboa");
	assert_int_equal(roster_epoch(f->roster, &id, 1, &out), ERROR_NOT_MEMBER);
	assert_int_equal(fixture_renew(f, "budapest", 3, 10), 0);
	assert_int_equal(epoch_of(f, "budapest", 1).end[0].seq, 10);
	assert_int_equal(fixture_apply(f), ERROR_EXISTS);
	assert_null(roster_member_by_node_key(f->roster,
		secret_key_public(fixture_node_key(f, "budapest", 2))));
	assert_ptr_equal(roster_member_by_node_key(f->roster,
		secret_key_public(fixture_node_key(f, "budapest", 3))), fixture_member(f, "budapest"));
}

static void a_record_needs_its_predecessor_and_both_signatures(void **state)
{
	struct fixture *f = *state;
	const struct roster_member *m = fixture_member(f, "budapest");
	struct hash unknown = fixture_hash("unknown record");
	struct epoch_record record = fixture_record(f, "budapest", 2, &unknown, 2, 0);
	fixture_seal_record(f, &record, "budapest", 2);
	assert_int_equal(fixture_apply(f), ERROR_CHARTER_PREDECESSOR);
	record = fixture_record(f, "budapest", 3, &m->record_hash, 2, 0);
	fixture_seal_record(f, &record, "budapest", 2);
	assert_int_equal(fixture_apply(f), ERROR_EPOCH_RECORD); /* an epoch left out */
	record = fixture_record(f, "budapest", 2, &m->record_hash, 2, 0);
	record.anchor = fixture_hash("another network");
	fixture_seal_record(f, &record, "budapest", 2);
	assert_int_equal(fixture_apply(f), ERROR_EPOCH_RECORD);
	/* Another city's key does not sign for this one. */
	record = fixture_record(f, "budapest", 2, &m->record_hash, 2, 0);
	buffer_reset(&f->wire);
	assert_int_equal(epoch_record_seal(&f->wire, &record, fixture_city_key(f, "warszawa"),
		fixture_node_key(f, "budapest", 2)), 0);
	assert_int_equal(fixture_apply(f), ERROR_SIGNATURE);
	/* One of the two is missing; a third is there. */
	fixture_seal_record(f, &record, "budapest", 2);
	struct control_object object;
	struct object_signature pairs[3];
	struct buffer other;
	buffer_init(&other, OBJECT_BYTES_MAX);
	assert_int_equal(object_decode(buffer_bytes(&f->wire), &object), 0);
	object_signature_at(&object, 0, &pairs[0]);
	object_signature_at(&object, 1, &pairs[1]);
	for (size_t i = 0; i < 2; i++) {
		buffer_reset(&other);
		assert_int_equal(object_encode(&other, OBJECT_EPOCH_RECORD, object.body, &pairs[i], 1), 0);
		assert_int_equal(roster_apply(f->roster, buffer_bytes(&other), &f->change),
			ERROR_SIGNATURE);
	}
	for (size_t i = 0; i < 2; i++) {
		pairs[i].signature.bytes[9] ^= 1;
		buffer_reset(&other);
		assert_int_equal(object_encode(&other, OBJECT_EPOCH_RECORD, object.body, pairs, 2), 0);
		assert_int_equal(roster_apply(f->roster, buffer_bytes(&other), &f->change),
			ERROR_SIGNATURE);
		pairs[i].signature.bytes[9] ^= 1;
	}
	assert_int_equal(object_sign(fixture_key(f, "stranger"), object.body, &pairs[2]), 0);
	buffer_reset(&other);
	assert_int_equal(object_encode(&other, OBJECT_EPOCH_RECORD, object.body, pairs, 3), 0);
	assert_int_equal(roster_apply(f->roster, buffer_bytes(&other), &f->change), ERROR_SIGNATURE);
	assert_int_equal(fixture_apply(f), 0);
	record = fixture_record(f, "lisboa", 2, &m->record_hash, 2, 0);
	fixture_seal_record(f, &record, "lisboa", 2);
	assert_int_equal(fixture_apply(f), ERROR_NOT_MEMBER);
	buffer_deinit(&other);
}

static void a_node_key_is_used_once(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(fixture_renew(f, "budapest", 2, 0), 0);
	assert_int_equal(fixture_renew(f, "budapest", 1, 0), ERROR_EPOCH_RECORD);
	assert_int_equal(fixture_renew(f, "budapest", 2, 0), ERROR_EPOCH_RECORD);
	/* Another city's key of now, and of then. */
	for (int node = 1; node <= 2; node++) {
		const struct roster_member *m = fixture_member(f, "warszawa");
		struct epoch_record record = fixture_record(f, "warszawa", 2, &m->record_hash, 2, 0);
		record.node_key = *secret_key_public(fixture_node_key(f, "budapest", node));
		buffer_reset(&f->wire);
		assert_int_equal(epoch_record_seal(&f->wire, &record, fixture_city_key(f, "warszawa"),
			fixture_node_key(f, "budapest", node)), 0);
		assert_int_equal(fixture_apply(f), ERROR_EPOCH_RECORD);
	}
}

static void cuts_never_go_down(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(fixture_renew(f, "budapest", 2, 10), 0);
	const struct roster_member *m = fixture_member(f, "budapest");
	for (size_t lane = 0; lane < EPOCH_LANES; lane++) {
		struct epoch_record record = fixture_record(f, "budapest", 3, &m->record_hash, 3, 12);
		struct epoch_cut lower[EPOCH_LANES];
		fixture_cuts(lower, 9, 9, 9, 9);
		record.cuts[lane] = lower[lane];
		fixture_seal_record(f, &record, "budapest", 3);
		assert_int_equal(fixture_apply(f), ERROR_CUT);
		record.cuts[lane].seq = 10; /* right, but of another entry */
		fixture_seal_record(f, &record, "budapest", 3);
		assert_int_equal(fixture_apply(f), ERROR_CUT);
	}
	assert_int_equal(fixture_renew(f, "budapest", 3, 10), 0);
}

static void a_city_key_can_change(void **state)
{
	struct fixture *f = *state;
	const struct roster_member *m = fixture_member(f, "budapest");
	struct epoch_record record = fixture_record(f, "budapest", 2, &m->record_hash, 2, 0);
	struct hash id = fixture_city(f, "budapest");
	record.city_key = *fixture_public(f, "new city key");
	record.reason = EPOCH_REASON_CITY_KEY;
	fixture_seal_record(f, &record, "budapest", 2);
	assert_int_equal(fixture_apply(f), 0);
	assert_true(public_key_equal(&m->city_key, fixture_public(f, "new city key")));
	/* Now the new key signs, and the old one does not. */
	record = fixture_record(f, "budapest", 3, &m->record_hash, 3, 0);
	record.city_key = m->city_key;
	fixture_seal_record(f, &record, "budapest", 3);
	assert_int_equal(fixture_apply(f), ERROR_SIGNATURE);
	buffer_reset(&f->wire);
	assert_int_equal(epoch_record_seal(&f->wire, &record, fixture_key(f, "new city key"),
		fixture_node_key(f, "budapest", 3)), 0);
	assert_int_equal(fixture_apply(f), 0);
	assert_true(hash_equal(&m->city_id, &id));
}

static void officers_cut_lower_than_the_city_and_void_what_is_above(void **state)
{
	struct fixture *f = *state;
	struct amendment_item item = fixture_item(f, AMENDMENT_SUSPEND, "budapest");
	assert_int_equal(fixture_renew(f, "budapest", 2, 12), 0);
	fixture_end(&item, 1, 10, 20, 10, 10);
	assert_int_equal(fixture_amend(f, &item), 0);
	assert_true(fixture_effect(f, ROSTER_EFFECT_CUT, "budapest"));
	struct roster_epoch one = epoch_of(f, "budapest", 1), two = epoch_of(f, "budapest", 2);
	assert_int_equal(one.end[0].seq, 10);
	assert_int_equal(one.end[1].seq, 12); /* the city's own is the lower one there */
	assert_true(two.is_void);
	assert_true(two.has_end);
	for (size_t i = 0; i < EPOCH_LANES; i++)
		assert_int_equal(two.end[i].seq, two.start[i].seq);
	assert_true(fixture_member(f, "budapest")->is_void);
	assert_int_equal(fixture_do(f, AMENDMENT_RESUME, "budapest"), 0);
	assert_false(pinned(f, "budapest", 2));
	/* A further record starts at the cut: lower than its predecessor, not lower than the cut. */
	const struct roster_member *m = fixture_member(f, "budapest");
	struct epoch_record record = fixture_record(f, "budapest", 3, &m->record_hash, 3, 9);
	fixture_seal_record(f, &record, "budapest", 3);
	assert_int_equal(fixture_apply(f), ERROR_CUT);
	fixture_cuts(record.cuts, 10, 12, 10, 10);
	fixture_seal_record(f, &record, "budapest", 3);
	assert_int_equal(fixture_apply(f), 0);
	assert_true(pinned(f, "budapest", 3));
	assert_false(epoch_of(f, "budapest", 3).is_void);
	assert_false(epoch_of(f, "budapest", 3).has_end);
	assert_true(epoch_of(f, "budapest", 2).is_void);
	/* Answered, the cut binds no later epoch. */
	assert_int_equal(fixture_renew(f, "budapest", 4, 50), 0);
	assert_true(pinned(f, "budapest", 4));
	assert_int_equal(epoch_of(f, "budapest", 3).end[0].seq, 50);
	assert_int_equal(epoch_of(f, "budapest", 1).end[0].seq, 10);
	assert_int_equal(fixture_renew(f, "budapest", 5, 30), ERROR_CUT);
}

static void a_suspended_city_starts_at_its_cut(void **state)
{
	struct fixture *f = *state;
	struct amendment_item item = fixture_item(f, AMENDMENT_SUSPEND, "budapest");
	fixture_end(&item, 1, 10, 10, 10, 10);
	assert_int_equal(fixture_amend(f, &item), 0);
	assert_int_equal(epoch_of(f, "budapest", 1).end[3].seq, 10);
	assert_false(fixture_member(f, "budapest")->is_void);
	assert_int_equal(fixture_renew(f, "budapest", 2, 11), 0); /* valid as such, but void */
	assert_true(fixture_member(f, "budapest")->is_void);
	assert_int_equal(fixture_renew(f, "budapest", 3, 10), 0);
	assert_false(fixture_member(f, "budapest")->is_void);
}

/* Two records of epoch 2, of node keys 2 and 3; the wire of the second is left in f->wire. */
static void two_rivals(struct fixture *f, const char *city, struct hash hashes[static 2],
	struct buffer *first)
{
	struct hash pred = fixture_member(f, city)->record_hash;
	struct epoch_record record = fixture_record(f, city, 2, &pred, 2, 5);
	buffer_init(first, OBJECT_BYTES_MAX);
	hashes[0] = fixture_seal_record(f, &record, city, 2);
	buffer_push_bytes(first, buffer_bytes(&f->wire));
	record = fixture_record(f, city, 2, &pred, 3, 6);
	hashes[1] = fixture_seal_record(f, &record, city, 3);
}

static void of_two_rivals_the_first_stays_frozen(void **state)
{
	struct fixture *f = *state;
	struct hash hashes[2], hash;
	struct buffer first;
	two_rivals(f, "budapest", hashes, &first);
	assert_int_equal(roster_apply(f->roster, buffer_bytes(&first), &f->change), 0);
	assert_int_equal(fixture_apply(f), ERROR_CHARTER_RIVAL);
	assert_true(f->change.stored);
	assert_true(fixture_effect(f, ROSTER_EFFECT_FROZEN, "budapest"));
	const struct roster_member *m = fixture_member(f, "budapest");
	assert_true(m->frozen);
	assert_int_equal(m->rival_count, 1);
	assert_true(hash_equal(&m->record_hash, &hashes[0]));
	assert_true(epoch_of(f, "budapest", 2).frozen);
	assert_false(epoch_of(f, "budapest", 1).frozen);
	struct bytes wire;
	assert_int_equal(roster_record_rival(f->roster, &m->city_id, 0, &wire, &hash), 0);
	assert_true(hash_equal(&hash, &hashes[1]));
	assert_int_equal(roster_record_rival(f->roster, &m->city_id, 1, &wire, &hash),
		ERROR_NOT_FOUND);
	assert_int_equal(fixture_apply(f), ERROR_EXISTS);
	assert_int_equal(roster_object_count(f->roster), 2); /* both are in the digest */

	/* The officers anchor the second: it takes the place of the first. */
	struct amendment_anchor anchor = {m->city_id, 2, hashes[1]};
	struct amendment_item item = {.kind = AMENDMENT_ANCHOR};
	struct buffer list;
	buffer_init(&list, 4096);
	amendment_anchor_write(&list, &anchor);
	item.anchor.list = buffer_bytes(&list);
	item.anchor.count = 1;
	assert_int_equal(fixture_amend(f, &item), 0);
	assert_true(fixture_effect(f, ROSTER_EFFECT_KEY, "budapest"));
	assert_true(fixture_effect(f, ROSTER_EFFECT_THAWED, "budapest"));
	assert_false(m->frozen);
	assert_true(pinned(f, "budapest", 3));
	assert_false(pinned(f, "budapest", 2));
	assert_int_equal(epoch_of(f, "budapest", 1).end[0].seq, 6);
	buffer_deinit(&list);
	buffer_deinit(&first);
}

static int anchor_one(struct fixture *f, const struct amendment_anchor *anchors, size_t count)
{
	struct amendment_item item = {.kind = AMENDMENT_ANCHOR};
	struct buffer list;
	buffer_init(&list, 4096);
	for (size_t i = 0; i < count; i++)
		amendment_anchor_write(&list, &anchors[i]);
	item.anchor.list = buffer_bytes(&list);
	item.anchor.count = count;
	int error = fixture_amend(f, &item);
	buffer_deinit(&list);
	return error;
}

static void a_rival_of_an_anchored_record_is_not_obeyed(void **state)
{
	struct fixture *f = *state;
	struct hash hashes[2];
	struct buffer first;
	two_rivals(f, "budapest", hashes, &first);
	assert_int_equal(roster_apply(f->roster, buffer_bytes(&first), NULL), 0);
	struct hash id = fixture_city(f, "budapest");
	struct amendment_anchor anchors[2] = {{id, 2, hashes[0]}, {id, 2, hashes[1]}};
	assert_int_equal(anchor_one(f, anchors, 2), ERROR_CHARTER_ITEM);
	assert_int_equal(anchor_one(f, anchors, 1), 0);
	assert_int_equal(anchor_one(f, anchors + 1, 1), ERROR_CHARTER_ITEM);
	assert_int_equal(anchor_one(f, anchors, 1), 0); /* said again: harmless */
	struct hash pred;
	struct bytes wire;
	assert_int_equal(roster_record(f->roster, &id, 1, &wire, &pred), 0);
	struct epoch_record rival = fixture_record(f, "budapest", 2, &pred, 3, 6);
	fixture_seal_record(f, &rival, "budapest", 3);
	assert_int_equal(fixture_apply(f), ERROR_CHARTER_RIVAL);
	assert_false(fixture_member(f, "budapest")->frozen);
	assert_true(pinned(f, "budapest", 2));
	assert_false(pinned(f, "budapest", 3));
	buffer_deinit(&first);
}

static void an_anchor_decides_before_or_after_the_records(void **state)
{
	struct fixture *f = *state;
	struct hash hashes[2];
	struct buffer first, second;
	two_rivals(f, "budapest", hashes, &first);
	buffer_init(&second, OBJECT_BYTES_MAX);
	buffer_push_bytes(&second, buffer_bytes(&f->wire));
	struct amendment_anchor anchor = {fixture_city(f, "budapest"), 2, hashes[1]};
	assert_int_equal(anchor_one(f, &anchor, 1), 0);
	const struct roster_member *m = fixture_member(f, "budapest");
	assert_true(m->awaits_record);
	assert_false(pinned(f, "budapest", 1));
	assert_int_equal(roster_apply(f->roster, buffer_bytes(&first), &f->change),
		ERROR_CHARTER_RIVAL);
	assert_false(m->frozen);
	assert_int_equal(m->epoch, 1);
	assert_int_equal(roster_apply(f->roster, buffer_bytes(&second), &f->change), 0);
	assert_false(m->awaits_record);
	assert_false(m->frozen);
	assert_true(pinned(f, "budapest", 3));
	/* A successor's anchor vouches for what comes before it. */
	buffer_deinit(&first);
	buffer_deinit(&second);
	two_rivals(f, "warszawa", hashes, &first);
	m = fixture_member(f, "warszawa");
	assert_int_equal(roster_apply(f->roster, buffer_bytes(&first), NULL), 0);
	assert_int_equal(fixture_apply(f), ERROR_CHARTER_RIVAL);
	struct epoch_record record = fixture_record(f, "warszawa", 3, &hashes[1], 4, 7);
	struct hash third = fixture_seal_record(f, &record, "warszawa", 4);
	assert_int_equal(fixture_apply(f), ERROR_CHARTER_RIVAL);
	assert_int_equal(m->epoch, 2);
	anchor = (struct amendment_anchor){m->city_id, 3, third};
	assert_int_equal(anchor_one(f, &anchor, 1), 0);
	assert_int_equal(m->epoch, 3);
	assert_false(m->frozen);
	assert_true(pinned(f, "warszawa", 4));
	buffer_deinit(&first);
}

static void officers_choose_where_no_guardians_are_named(void **state)
{
	struct fixture *f = *state;
	struct hash hashes[2];
	struct buffer first;
	two_rivals(f, "budapest", hashes, &first);
	assert_int_equal(roster_apply(f->roster, buffer_bytes(&first), NULL), 0);
	assert_int_equal(fixture_apply(f), ERROR_CHARTER_RIVAL);
	struct amendment_item item = fixture_item(f, AMENDMENT_GUARDIAN_CHOICE, "budapest");
	item.chosen_record = hashes[1];
	assert_int_equal(fixture_amend(f, &item), 0);
	assert_true(pinned(f, "budapest", 3));
	assert_false(fixture_member(f, "budapest")->frozen);
	buffer_deinit(&first);

	/* warszawa names guardians first: then the officers alone choose nothing. */
	const struct roster_member *m = fixture_member(f, "warszawa");
	struct epoch_record record = fixture_record(f, "warszawa", 2, &m->record_hash, 2, 0);
	record.guardian_count = record.guardian_k = 1;
	record.guardians[0] = fixture_city(f, "budapest");
	fixture_seal_record(f, &record, "warszawa", 2);
	assert_int_equal(fixture_apply(f), 0);
	struct hash pred = m->record_hash;
	for (int node = 3; node <= 4; node++) {
		record = fixture_record(f, "warszawa", 3, &pred, node, 0);
		item.chosen_record = fixture_seal_record(f, &record, "warszawa", node);
		assert_int_equal(fixture_apply(f), node == 3 ? 0 : ERROR_CHARTER_RIVAL);
	}
	item.city_id = m->city_id;
	assert_int_equal(fixture_amend(f, &item), 0);
	assert_true(m->frozen);
	assert_true(pinned(f, "warszawa", 3));
}

/* An item 12: a record without signatures. */
static int give_key(struct fixture *f, const char *city, const struct epoch_record *record)
{
	struct buffer body, envelope;
	struct amendment_item item = fixture_item(f, AMENDMENT_KEY, city);
	buffer_init(&body, OBJECT_BYTES_MAX);
	buffer_init(&envelope, OBJECT_BYTES_MAX);
	assert_int_equal(epoch_record_encode(&body, record), 0);
	assert_int_equal(object_encode(&envelope, OBJECT_EPOCH_RECORD, buffer_bytes(&body), NULL,
		0), 0);
	item.key_record = buffer_bytes(&envelope);
	int error = fixture_amend(f, &item);
	buffer_deinit(&body);
	buffer_deinit(&envelope);
	return error;
}

static void a_key_given_by_officers_is_shown_as_such(void **state)
{
	struct fixture *f = *state;
	struct hash hashes[2];
	struct buffer stolen;
	two_rivals(f, "budapest", hashes, &stolen); /* the thief has the city key */
	const struct roster_member *m = fixture_member(f, "budapest");
	struct hash first = m->record_hash;
	assert_int_equal(roster_apply(f->roster, buffer_bytes(&stolen), NULL), 0);
	struct epoch_record record = fixture_record(f, "budapest", 2, &first, 9, 4);
	record.city_key = *fixture_public(f, "rebuilt city key");
	record.reason = EPOCH_REASON_SEIZURE;
	struct epoch_record wrong = record;
	wrong.epoch = 1;
	assert_int_equal(give_key(f, "budapest", &wrong), ERROR_EPOCH_RECORD);
	wrong = record;
	wrong.prev = fixture_hash("no record of ours");
	assert_int_equal(give_key(f, "budapest", &wrong), ERROR_CHARTER_ITEM);
	wrong = record;
	wrong.city_id = fixture_city(f, "warszawa");
	assert_int_equal(give_key(f, "budapest", &wrong), ERROR_CHARTER_ITEM);
	wrong = record;
	wrong.node_key = *secret_key_public(fixture_node_key(f, "warszawa", 1));
	assert_int_equal(give_key(f, "budapest", &wrong), ERROR_CHARTER_ITEM);
	struct amendment_item signed_item = fixture_item(f, AMENDMENT_KEY, "budapest");
	wrong = record; /* one that the city has signed is no gift */
	wrong.city_key = m->city_key;
	fixture_seal_record(f, &wrong, "budapest", 9);
	struct buffer signed_record;
	buffer_init(&signed_record, OBJECT_BYTES_MAX);
	buffer_push_bytes(&signed_record, buffer_bytes(&f->wire));
	signed_item.key_record = buffer_bytes(&signed_record);
	assert_int_equal(fixture_amend(f, &signed_item), ERROR_CHARTER_ITEM);
	buffer_deinit(&signed_record);
	assert_int_equal(give_key(f, "budapest", &record), 0);
	assert_true(m->given_by_officers);
	assert_true(m->contested); /* the thief's record stands beside it */
	assert_false(m->frozen);
	assert_int_equal(m->given_number, 1);
	assert_int_equal(m->given_time, roster_time(f->roster));
	assert_true(pinned(f, "budapest", 9));
	assert_false(pinned(f, "budapest", 2));
	assert_int_equal(epoch_of(f, "budapest", 1).end[0].seq, 4);
	assert_int_equal(roster_object_count(f->roster), 1); /* the charter carries the other */
	/* The rebuilt city goes on with its new key. */
	record = fixture_record(f, "budapest", 3, &m->record_hash, 10, 4);
	record.city_key = m->city_key;
	buffer_reset(&f->wire);
	assert_int_equal(epoch_record_seal(&f->wire, &record, fixture_key(f, "rebuilt city key"),
		fixture_node_key(f, "budapest", 10)), 0);
	assert_int_equal(fixture_apply(f), 0);
	assert_false(m->given_by_officers);
	assert_true(pinned(f, "budapest", 10));
	buffer_deinit(&stolen);
}

static void a_given_key_that_the_city_signed_too_is_uncontested(void **state)
{
	struct fixture *f = *state;
	const struct roster_member *m = fixture_member(f, "warszawa");
	struct epoch_record record = fixture_record(f, "warszawa", 2, &m->record_hash, 2, 0);
	fixture_seal_record(f, &record, "warszawa", 2);
	assert_int_equal(fixture_apply(f), 0);
	assert_int_equal(roster_object_count(f->roster), 1);
	assert_int_equal(give_key(f, "warszawa", &record), 0);
	assert_true(m->given_by_officers);
	assert_false(m->contested);
	assert_int_equal(roster_object_count(f->roster), 0);
	assert_int_equal(f->change.dropped_count, 1);
	fixture_seal_record(f, &record, "warszawa", 2);
	assert_int_equal(fixture_apply(f), ERROR_EXISTS);
}

static void the_cuts_of_a_given_record_are_the_officers(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(fixture_renew(f, "budapest", 2, 12), 0);
	const struct roster_member *m = fixture_member(f, "budapest");
	struct epoch_record record = fixture_record(f, "budapest", 3, &m->record_hash, 3, 4);
	assert_int_equal(give_key(f, "budapest", &record), 0);
	assert_int_equal(epoch_of(f, "budapest", 1).end[0].seq, 4);
	assert_int_equal(epoch_of(f, "budapest", 2).end[0].seq, 4); /* below its start: nothing */
	assert_true(pinned(f, "budapest", 3));
	assert_int_equal(fixture_renew(f, "budapest", 4, 3), ERROR_CUT);
	assert_int_equal(fixture_renew(f, "budapest", 4, 4), 0);
}

/* A proof that the city's document feed parts in two after entry `seq`. */
static int fork_at(struct fixture *f, const char *city, int node, uint32_t epoch, uint64_t seq,
	bool signed_too)
{
	struct epoch_cut cuts[EPOCH_LANES];
	struct fork_proof proof = {
		.network_id = *roster_network_id(f->roster), .city_id = fixture_city(f, city),
		.lane = FEED_LANE_DOC, .seq = seq,
	};
	struct hash pairs[2][2] = {{fixture_hash("1"), fixture_hash("2")},
		{fixture_hash("3"), fixture_hash("4")}};
	struct fork_branch *branches[2] = {&proof.a, &proof.b};
	struct hasher h;
	struct hash feed_id;
	fixture_cuts(cuts, seq, seq, seq, seq);
	proof.entry_hash = cuts[2].hash;
	assert_int_equal(hasher_init(&h), 0);
	assert_int_equal(feed_id_of(&proof.network_id, &proof.city_id, proof.lane, &feed_id), 0);
	for (size_t i = 0; i < 2; i++) {
		struct head *head = &branches[i]->head;
		branches[i]->hashes = bytes_of(pairs[i], sizeof(pairs[i]));
		*head = (struct head){.feed_id = feed_id, .epoch = epoch, .seq = seq + 1};
		assert_int_equal(entry_hash_from(&h, &feed_id, seq + 1, &proof.entry_hash,
			&pairs[i][0], &pairs[i][1], &head->entry_hash), 0);
		assert_int_equal(head_sign(head, fixture_node_key(f, city, node)), 0);
	}
	hasher_deinit(&h);
	struct buffer body;
	struct object_signature signature;
	buffer_init(&body, OBJECT_BYTES_MAX);
	assert_int_equal(fork_proof_encode(&body, &proof), 0);
	assert_int_equal(object_sign(fixture_key(f, "stranger"), buffer_bytes(&body), &signature), 0);
	buffer_reset(&f->wire);
	assert_int_equal(object_encode(&f->wire, OBJECT_FORK_PROOF, buffer_bytes(&body), &signature,
		signed_too), 0);
	buffer_deinit(&body);
	return fixture_apply(f);
}

static void a_fork_proof_freezes_one_epoch_of_a_feed(void **state)
{
	struct fixture *f = *state;
	struct hash id = fixture_city(f, "budapest");
	uint64_t seq;
	assert_int_equal(fork_at(f, "budapest", 2, 2, 20, false), ERROR_EPOCH_UNKNOWN);
	assert_int_equal(fixture_renew(f, "budapest", 2, 10), 0);
	assert_int_equal(fork_at(f, "budapest", 1, 2, 20, false), ERROR_EPOCH_UNKNOWN);
	assert_int_equal(fork_at(f, "lisboa", 1, 1, 20, false), ERROR_NOT_MEMBER);
	assert_int_equal(fork_at(f, "budapest", 2, 2, 9, false), ERROR_CHAIN); /* before its epoch */
	assert_int_equal(fork_at(f, "budapest", 2, 2, 20, true), ERROR_SIGNATURE);
	assert_int_equal(fork_at(f, "budapest", 1, 1, 3, false), 0);
	assert_false(fixture_effect(f, ROSTER_EFFECT_FROZEN, "budapest")); /* a former epoch's */
	assert_false(roster_fork(f->roster, &id, FEED_LANE_DOC, &seq, NULL));
	assert_int_equal(fork_at(f, "budapest", 2, 2, 20, false), 0);
	assert_true(fixture_effect(f, ROSTER_EFFECT_FROZEN, "budapest"));
	assert_true(roster_fork(f->roster, &id, FEED_LANE_DOC, &seq, NULL));
	assert_int_equal(seq, 20);
	assert_true(roster_fork(f->roster, &id, FEED_LANE_DOC, NULL, NULL));
	assert_int_equal(f->change.dropped_count, 0); /* each epoch's proof is kept */
	assert_int_equal(fork_at(f, "budapest", 2, 2, 30, false), ERROR_EXISTS);
	assert_int_equal(fork_at(f, "budapest", 2, 2, 10, false), 0);
	assert_int_equal(f->change.dropped_count, 1);
	assert_int_equal(fixture_renew(f, "budapest", 3, 10), 0);
	assert_true(fixture_effect(f, ROSTER_EFFECT_THAWED, "budapest"));
	assert_false(roster_fork(f->roster, &id, FEED_LANE_DOC, &seq, NULL));
}

static void an_address_list_goes_with_its_record(void **state)
{
	struct fixture *f = *state;
	struct hash hashes[2];
	struct buffer first;
	two_rivals(f, "budapest", hashes, &first);
	assert_int_equal(roster_apply(f->roster, buffer_bytes(&first), NULL), 0);
	assert_int_equal(fixture_apply(f), ERROR_CHARTER_RIVAL);
	struct address_list list = {
		.network_id = *roster_network_id(f->roster), .city_id = fixture_city(f, "budapest"),
		.epoch = 2, .number = 1,
	};
	buffer_reset(&f->wire);
	assert_int_equal(address_list_seal(&f->wire, &list, fixture_node_key(f, "budapest", 2)), 0);
	assert_int_equal(fixture_apply(f), 0);
	assert_non_null(fixture_member(f, "budapest")->addresses);
	struct amendment_anchor anchor = {list.city_id, 2, hashes[1]};
	assert_int_equal(anchor_one(f, &anchor, 1), 0);
	assert_null(fixture_member(f, "budapest")->addresses);
	assert_int_equal(f->change.dropped_count, 1);
	assert_int_equal(roster_object_count(f->roster), 2);
	buffer_deinit(&first);
}

static void rivals_of_record_one_are_bounded(void **state)
{
	struct fixture *f = *state;
	int answer = 0;
	for (int i = 0; i < ROSTER_RECORD_RIVALS_MAX + 1; i++) {
		uint8_t sealing_key[32] = {(uint8_t)i};
		buffer_reset(&f->wire);
		assert_int_equal(draft_first_record(fixture_city_key(f, "budapest"),
			fixture_node_key(f, "budapest", 2), sealing_key, roster_network_id(f->roster), 1,
			&f->wire), 0);
		answer = fixture_apply(f);
		assert_int_equal(answer,
			i < ROSTER_RECORD_RIVALS_MAX ? ERROR_CHARTER_RIVAL : ERROR_LIMIT);
	}
	assert_false(fixture_member(f, "budapest")->frozen);
	assert_true(pinned(f, "budapest", 1));
	/* An honest successor still comes through. */
	assert_int_equal(fixture_renew(f, "budapest", 3, 0), 0);
}

static void a_renewal_is_drafted(void **state)
{
	struct fixture *f = *state;
	struct hash id = fixture_city(f, "budapest");
	struct epoch_cut cuts[EPOCH_LANES];
	uint8_t sealing_key[32] = {5};
	fixture_cuts(cuts, 1, 2, 3, 4);
	buffer_reset(&f->wire);
	assert_int_equal(draft_renewal(f->roster, &id, fixture_city_key(f, "warszawa"),
		fixture_node_key(f, "budapest", 2), sealing_key, cuts, EPOCH_REASON_RENEWAL, 7,
		&f->wire), ERROR_KEY);
	assert_int_equal(draft_renewal(f->roster, &id, fixture_city_key(f, "budapest"),
		fixture_node_key(f, "budapest", 2), sealing_key, cuts, EPOCH_REASON_RENEWAL, 7,
		&f->wire), 0);
	assert_int_equal(fixture_apply(f), 0);
	struct roster_epoch two = epoch_of(f, "budapest", 2);
	assert_int_equal(two.start[3].seq, 4);
	assert_int_equal(two.sealing_key[0], 5);
	assert_int_equal(two.reason, EPOCH_REASON_RENEWAL);
	fixture_cuts(cuts, 1, 2, 2, 4);
	buffer_reset(&f->wire);
	assert_int_equal(draft_renewal(f->roster, &id, fixture_city_key(f, "budapest"),
		fixture_node_key(f, "budapest", 3), sealing_key, cuts, EPOCH_REASON_RENEWAL, 7,
		&f->wire), ERROR_CUT);
	id = fixture_city(f, "lisboa");
	assert_int_equal(draft_renewal(f->roster, &id, fixture_city_key(f, "budapest"),
		fixture_node_key(f, "budapest", 3), sealing_key, cuts, EPOCH_REASON_RENEWAL, 7,
		&f->wire), ERROR_NOT_MEMBER);
}

int main(void)
{
#define WITH_FIXTURE(t) cmocka_unit_test_setup_teardown(t, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		WITH_FIXTURE(a_renewal_ends_the_former_epoch),
		WITH_FIXTURE(a_record_needs_its_predecessor_and_both_signatures),
		WITH_FIXTURE(a_node_key_is_used_once),
		WITH_FIXTURE(cuts_never_go_down),
		WITH_FIXTURE(a_city_key_can_change),
		WITH_FIXTURE(officers_cut_lower_than_the_city_and_void_what_is_above),
		WITH_FIXTURE(a_suspended_city_starts_at_its_cut),
		WITH_FIXTURE(of_two_rivals_the_first_stays_frozen),
		WITH_FIXTURE(a_rival_of_an_anchored_record_is_not_obeyed),
		WITH_FIXTURE(an_anchor_decides_before_or_after_the_records),
		WITH_FIXTURE(officers_choose_where_no_guardians_are_named),
		WITH_FIXTURE(a_key_given_by_officers_is_shown_as_such),
		WITH_FIXTURE(a_given_key_that_the_city_signed_too_is_uncontested),
		WITH_FIXTURE(the_cuts_of_a_given_record_are_the_officers),
		WITH_FIXTURE(a_fork_proof_freezes_one_epoch_of_a_feed),
		WITH_FIXTURE(an_address_list_goes_with_its_record),
		WITH_FIXTURE(rivals_of_record_one_are_bounded),
		WITH_FIXTURE(a_renewal_is_drafted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
