/* SPDX-License-Identifier: Apache-2.0 */
/* Who has to sign an amendment, and which items it may have. */
#include "charter/delegation.h"
#include "tests/unit/charter/fixture.h"

static struct amendment_item policy(void)
{
	struct amendment_item item = {.kind = AMENDMENT_POLICY};
	item.policy.key = bytes_from_text("key");
	item.policy.value = bytes_from_text("value");
	return item;
}

static int genesis_by(struct fixture *f, const char *officers, size_t k, const char *signers)
{
	struct roster *r, *mine = f->roster;
	fixture_genesis_of(f, officers, k, signers);
	assert_int_equal(roster_new(NULL, fixture_seed, &r), 0);
	f->roster = r;
	int error = fixture_apply(f);
	f->roster = mine;
	roster_free(r);
	return error;
}

static void a_genesis_needs_k_of_its_officers(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(genesis_by(f, "abc", 2, "a"), ERROR_CHARTER_SIGNERS);
	assert_int_equal(genesis_by(f, "abc", 2, "ax"), ERROR_CHARTER_SIGNERS);
	assert_int_equal(genesis_by(f, "abc", 2, "acx"), 0);
	assert_int_equal(genesis_by(f, "a", 1, "a"), 0);
}

static void k_officers_are_counted_strangers_are_not(void **state)
{
	struct fixture *f = *state;
	struct amendment_item item = policy();
	assert_int_equal(fixture_amend_by(f, &item, 1, "a", NULL), ERROR_CHARTER_SIGNERS);
	assert_int_equal(fixture_amend_by(f, &item, 1, "axyz", NULL), ERROR_CHARTER_SIGNERS);
	assert_int_equal(fixture_amend_by(f, &item, 1, "", NULL), ERROR_CHARTER_SIGNERS);
	assert_int_equal(roster_number(f->roster), 0);
	assert_int_equal(fixture_amend_by(f, &item, 1, "cbx", NULL), 0);
	assert_int_equal(roster_number(f->roster), 1);
}

/* An envelope with these pairs as they are, sorted or not. */
static int apply_pairs(struct fixture *f, struct bytes body, const struct object_signature *pairs,
	size_t count)
{
	buffer_reset(&f->wire);
	buffer_push_u8(&f->wire, 0x93);
	buffer_push_u8(&f->wire, OBJECT_AMENDMENT);
	buffer_push_u8(&f->wire, 0xc4);
	buffer_push_u8(&f->wire, (uint8_t)body.len);
	assert_true(body.len < 256);
	buffer_push_bytes(&f->wire, body);
	buffer_push_u8(&f->wire, (uint8_t)(0x90 | count));
	for (size_t i = 0; i < count; i++) {
		buffer_push(&f->wire, "\x92\xc4\x20", 3);
		buffer_push_bytes(&f->wire, public_key_bytes(&pairs[i].key));
		buffer_push(&f->wire, "\xc4\x40", 2);
		buffer_push_bytes(&f->wire, signature_bytes(&pairs[i].signature));
	}
	return fixture_apply(f);
}

static void one_officer_signing_twice_is_refused(void **state)
{
	struct fixture *f = *state;
	struct amendment_item item = policy();
	struct object_signature pairs[2];
	struct buffer body;
	buffer_init(&body, OBJECT_BYTES_MAX);
	assert_int_equal(draft_amendment(f->roster, &item, 1, 1, &body), 0);
	assert_int_equal(draft_sign(OBJECT_AMENDMENT, buffer_bytes(&body), fixture_key(f, "officer a"),
		&pairs[0]), 0);
	pairs[1] = pairs[0];
	assert_int_equal(apply_pairs(f, buffer_bytes(&body), pairs, 2), ERROR_NOT_CANONICAL);
	/* Two officers whose keys are in the wrong order are refused too, in the right one not. */
	assert_int_equal(draft_sign(OBJECT_AMENDMENT, buffer_bytes(&body), fixture_key(f, "officer b"),
		&pairs[1]), 0);
	if (memcmp(pairs[0].key.bytes, pairs[1].key.bytes, PUBLIC_KEY_SIZE) < 0) {
		struct object_signature first = pairs[0];
		pairs[0] = pairs[1];
		pairs[1] = first;
	}
	assert_int_equal(apply_pairs(f, buffer_bytes(&body), pairs, 2), ERROR_NOT_CANONICAL);
	struct object_signature first = pairs[0];
	pairs[0] = pairs[1];
	pairs[1] = first;
	pairs[1].signature.bytes[5] ^= 1;
	assert_int_equal(apply_pairs(f, buffer_bytes(&body), pairs, 2), ERROR_SIGNATURE);
	pairs[1].signature.bytes[5] ^= 1;
	assert_int_equal(apply_pairs(f, buffer_bytes(&body), pairs, 2), 0);
	buffer_deinit(&body);
}

static void new_officers_need_old_and_new(void **state)
{
	struct fixture *f = *state;
	struct amendment_item item = {.kind = AMENDMENT_OFFICERS};
	item.officers = fixture_officers(f, "cde", 2);
	assert_int_equal(fixture_amend_by(f, &item, 1, "ab", NULL), ERROR_CHARTER_SIGNERS);
	assert_int_equal(fixture_amend_by(f, &item, 1, "de", NULL), ERROR_CHARTER_SIGNERS);
	assert_int_equal(fixture_amend_by(f, &item, 1, "ac", NULL), ERROR_CHARTER_SIGNERS);
	struct amendment_item twice[2] = {item, item};
	assert_int_equal(fixture_amend_by(f, twice, 2, "abcde", NULL), ERROR_CHARTER_ITEM);
	assert_int_equal(fixture_amend_by(f, &item, 1, "acd", NULL), 0);
	item = policy();
	assert_int_equal(fixture_amend_by(f, &item, 1, "ab", NULL), ERROR_CHARTER_SIGNERS);
	assert_int_equal(fixture_amend_by(f, &item, 1, "de", NULL), 0);
}

static int draft_officers(struct fixture *f, const struct officers *officers)
{
	struct amendment_item item = {.kind = AMENDMENT_OFFICERS, .officers = *officers};
	struct buffer body;
	buffer_init(&body, OBJECT_BYTES_MAX);
	int error = draft_amendment(f->roster, &item, 1, 1, &body);
	buffer_deinit(&body);
	return error;
}

static void officers_are_distinct_and_k_is_a_majority(void **state)
{
	struct fixture *f = *state;
	struct officers officers = fixture_officers(f, "abcd", 3);
	assert_int_equal(draft_officers(f, &officers), 0);
	officers.k = 2;
	assert_int_equal(draft_officers(f, &officers), ERROR_CHARTER_ITEM);
	officers.k = 5;
	assert_int_equal(draft_officers(f, &officers), ERROR_CHARTER_ITEM);
	officers.k = 3;
	officers.list[1].key = officers.list[0].key;
	assert_int_equal(draft_officers(f, &officers), ERROR_CHARTER_ITEM);
	memset(&officers.list[1].key, 0, sizeof(officers.list[1].key)); /* a point of order 4 */
	assert_int_equal(draft_officers(f, &officers), ERROR_KEY);
	officers.count = 0;
	assert_int_not_equal(draft_officers(f, &officers), 0);
}

static void standing_changes_only_sensibly(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(fixture_do(f, AMENDMENT_CONFIRM, "budapest"), ERROR_CHARTER_ITEM);
	assert_int_equal(fixture_do(f, AMENDMENT_RESUME, "budapest"), ERROR_CHARTER_ITEM);
	assert_int_equal(fixture_do(f, AMENDMENT_SUSPEND, "lisboa"), ERROR_CHARTER_ITEM);
	assert_int_equal(fixture_do(f, AMENDMENT_CONFIRM, "lisboa"), ERROR_CHARTER_ITEM);
	assert_int_equal(fixture_do(f, AMENDMENT_SUSPEND, "budapest"), 0);
	assert_true(fixture_effect(f, ROSTER_EFFECT_SUSPENDED, "budapest"));
	assert_int_equal(roster_active_count(f->roster), 1);
	assert_false(roster_is_current_pin(f->roster,
		secret_key_public(fixture_node_key(f, "budapest", 1))));
	assert_int_equal(fixture_do(f, AMENDMENT_SUSPEND, "budapest"), ERROR_CHARTER_ITEM);
	assert_int_equal(fixture_do(f, AMENDMENT_RESUME, "budapest"), 0);
	assert_true(fixture_effect(f, ROSTER_EFFECT_RESUMED, "budapest"));
	assert_true(roster_is_current_pin(f->roster,
		secret_key_public(fixture_node_key(f, "budapest", 1))));
	assert_int_equal(fixture_do(f, AMENDMENT_REMOVE, "budapest"), 0);
	assert_true(fixture_effect(f, ROSTER_EFFECT_REMOVED, "budapest"));
	for (unsigned kind = AMENDMENT_CONFIRM; kind <= AMENDMENT_REMOVE; kind++)
		assert_int_equal(fixture_do(f, kind, "budapest"), ERROR_CHARTER_ITEM);
	assert_int_equal(fixture_do(f, AMENDMENT_SUSPEND, "warszawa"), 0);
	assert_int_equal(fixture_do(f, AMENDMENT_REMOVE, "warszawa"), 0);
	assert_int_equal(roster_active_count(f->roster), 0);
}

static void an_unconfirmed_city_is_confirmed_once(void **state)
{
	struct fixture *f = *state;
	struct buffer record;
	struct amendment_item item = fixture_admit(f, "praha", false, &record);
	assert_int_equal(fixture_amend(f, &item), 0);
	buffer_deinit(&record);
	assert_true(fixture_effect(f, ROSTER_EFFECT_ADMITTED, "praha"));
	assert_false(fixture_member(f, "praha")->confirmed);
	assert_int_equal(fixture_do(f, AMENDMENT_CONFIRM, "praha"), 0);
	assert_true(fixture_member(f, "praha")->confirmed);
	assert_int_equal(fixture_do(f, AMENDMENT_CONFIRM, "praha"), ERROR_CHARTER_ITEM);
}

static void an_amendment_acts_as_a_whole_or_not_at_all(void **state)
{
	struct fixture *f = *state;
	struct amendment_item items[3] = {
		fixture_item(f, AMENDMENT_SUSPEND, "budapest"),
		fixture_item(f, AMENDMENT_RESUME, "budapest"),
		fixture_item(f, AMENDMENT_RESUME, "budapest"),
	};
	assert_int_equal(fixture_amend_by(f, items, 3, "ab", NULL), ERROR_CHARTER_ITEM);
	assert_int_equal(roster_number(f->roster), 0);
	assert_int_equal(fixture_member(f, "budapest")->status, MEMBER_ACTIVE);
	items[2] = fixture_item(f, AMENDMENT_SUSPEND, "budapest");
	assert_int_equal(fixture_amend_by(f, items, 3, "ab", NULL), 0);
	assert_int_equal(fixture_member(f, "budapest")->status, MEMBER_SUSPENDED);
}

static void a_city_and_a_slug_are_admitted_once(void **state)
{
	struct fixture *f = *state;
	struct buffer record;
	assert_int_equal(fixture_do_admit(f, "praha"), 0);
	struct amendment_item item = fixture_admit(f, "praha", true, &record);
	assert_int_equal(fixture_amend(f, &item), ERROR_SLUG_TAKEN);
	item.admit.slug = bytes_from_text("praha-2");
	assert_int_equal(fixture_amend(f, &item), ERROR_CHARTER_ITEM);
	uint8_t sealing_key[32] = {0};
	buffer_reset(&record); /* the same city under another node key */
	assert_int_equal(draft_first_record(fixture_city_key(f, "praha"),
		fixture_node_key(f, "praha", 2), sealing_key, roster_network_id(f->roster), 1,
		&record), 0);
	item.admit.record = buffer_bytes(&record);
	assert_int_equal(fixture_amend(f, &item), ERROR_CHARTER_ITEM);
	buffer_deinit(&record);
	/* A slug is gone for ever, with the city that had it. */
	assert_int_equal(fixture_do(f, AMENDMENT_REMOVE, "praha"), 0);
	item = fixture_admit(f, "brno", true, &record);
	item.admit.slug = bytes_from_text("praha");
	assert_int_equal(fixture_amend(f, &item), ERROR_SLUG_TAKEN);
	struct amendment_item both[2] = {item, item};
	both[0].admit.slug = both[1].admit.slug = bytes_from_text("brno");
	assert_int_equal(fixture_amend_by(f, both, 2, "ab", NULL), ERROR_SLUG_TAKEN);
	both[1].admit.slug = bytes_from_text("brno-2");
	assert_int_equal(fixture_amend_by(f, both, 2, "ab", NULL), ERROR_CHARTER_ITEM);
	assert_int_equal(fixture_amend_by(f, both, 1, "ab", NULL), 0);
	buffer_deinit(&record);
}

static void an_admitted_record_belongs_to_city_and_network(void **state)
{
	struct fixture *f = *state;
	struct buffer record;
	struct amendment_item item = fixture_admit(f, "praha", true, &record);
	struct hash elsewhere = fixture_hash("another network");
	uint8_t sealing_key[32] = {0};
	buffer_reset(&record);
	assert_int_equal(draft_first_record(fixture_city_key(f, "praha"),
		fixture_node_key(f, "praha", 1), sealing_key, &elsewhere, 1, &record), 0);
	item.admit.record = buffer_bytes(&record);
	assert_int_equal(fixture_amend(f, &item), ERROR_EPOCH_RECORD);
	/* Another city's node key, founder's or not. */
	buffer_reset(&record);
	assert_int_equal(draft_first_record(fixture_city_key(f, "praha"),
		fixture_node_key(f, "budapest", 1), sealing_key, roster_network_id(f->roster), 1,
		&record), 0);
	item.admit.record = buffer_bytes(&record);
	assert_int_equal(fixture_amend(f, &item), ERROR_CHARTER_ITEM);
	buffer_deinit(&record);
	/* Signed by a city key and a node key, neither of which may be missing or another's. */
	item = fixture_admit(f, "praha", true, &record);
	struct control_object object;
	struct object_signature signature;
	struct buffer forged;
	buffer_init(&forged, OBJECT_BYTES_MAX);
	assert_int_equal(object_decode(buffer_bytes(&record), &object), 0);
	for (size_t i = 0; i < 2; i++) {
		object_signature_at(&object, i, &signature);
		buffer_reset(&forged);
		assert_int_equal(object_encode(&forged, OBJECT_EPOCH_RECORD, object.body, &signature,
			1), 0);
		item.admit.record = buffer_bytes(&forged);
		assert_int_equal(fixture_amend(f, &item), ERROR_SIGNATURE);
	}
	item.admit.record = buffer_bytes(&record);
	assert_int_equal(fixture_amend(f, &item), 0);
	buffer_deinit(&record);
	buffer_deinit(&forged);
}

static void a_founders_record_is_anchored_to_the_core(void **state)
{
	struct fixture *f = *state;
	struct bytes wire;
	struct hash hash;
	struct control_object object;
	struct genesis genesis;
	struct epoch_record record;
	assert_int_equal(roster_amendment(f->roster, 0, &wire, &hash), 0);
	assert_int_equal(object_decode(wire, &object), 0);
	assert_int_equal(genesis_decode(object.body, &genesis), 0);
	struct hash budapest = fixture_city(f, "budapest");
	struct bytes record_wire;
	struct control_object record_object;
	assert_int_equal(roster_record(f->roster, &budapest, 1, &record_wire, &hash), 0);
	assert_int_equal(object_decode(record_wire, &record_object), 0);
	assert_int_equal(epoch_record_decode(record_object.body, &record), 0);
	assert_true(hash_equal(&record.anchor, &genesis.core_hash));
	/* The same founders under another core: their records do not fit. */
	struct genesis_member members[2];
	struct wire_reader reader;
	wire_reader_init(&reader, genesis.members);
	assert_true(genesis_member_next(&reader, &members[0]));
	assert_true(genesis_member_next(&reader, &members[1]));
	struct buffer body;
	buffer_init(&body, OBJECT_BYTES_MAX);
	genesis.nonce[0] ^= 1;
	assert_int_equal(genesis_encode(&body, &genesis, members, 2), 0);
	fixture_seal(f, OBJECT_GENESIS, buffer_bytes(&body), "ab", NULL);
	struct roster *r;
	assert_int_equal(roster_new(NULL, fixture_seed, &r), 0);
	assert_int_equal(roster_apply(r, buffer_bytes(&f->wire), NULL), ERROR_EPOCH_RECORD);
	assert_false(roster_has_genesis(r));
	roster_free(r);
	buffer_deinit(&body);
}

static struct delegation delegation_for(struct fixture *f, const char *slug)
{
	return (struct delegation){
		.network_id = *roster_network_id(f->roster), .id = {7}, .slug = bytes_from_text(slug),
		.expiry = FIXTURE_TIME,
		.delegate = *secret_key_public(fixture_node_key(f, "budapest", 1)),
	};
}

/* Signed by officers of these letters. */
static struct bytes seal_delegation(struct fixture *f, const struct delegation *delegation,
	const char *officers, struct buffer *out)
{
	const struct secret_key *keys[OFFICERS_MAX];
	struct object_signature signatures[OFFICERS_MAX];
	struct hash body_hash;
	uint8_t message[DELEGATION_MESSAGE_BYTES];
	size_t count = fixture_officer_keys(f, officers, keys);
	assert_int_equal(delegation_body_hash(delegation, &body_hash), 0);
	delegation_message(&body_hash, message);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(object_sign(keys[i], bytes_of(message, sizeof(message)),
			&signatures[i]), 0);
	buffer_reset(out);
	assert_int_equal(delegation_encode(out, delegation, signatures, count), 0);
	return buffer_bytes(out);
}

struct delegated {
	struct buffer record, bytes;
	struct amendment_item item;
	struct delegation delegation;
};

static void delegated_setup(struct fixture *f, struct delegated *d, const char *city)
{
	buffer_init(&d->bytes, DELEGATION_BYTES_MAX);
	d->item = fixture_admit(f, city, false, &d->record);
	d->delegation = delegation_for(f, city);
	d->item.admit.delegation = seal_delegation(f, &d->delegation, "ab", &d->bytes);
}

static void delegated_teardown(struct delegated *d)
{
	buffer_deinit(&d->record);
	buffer_deinit(&d->bytes);
}

static int delegate_admits(struct fixture *f, struct delegated *d)
{
	return fixture_amend_by(f, &d->item, 1, "", fixture_node_key(f, "budapest", 1));
}

static void a_delegate_admits_once(void **state)
{
	struct fixture *f = *state;
	struct delegated d, second;
	delegated_setup(f, &d, "praha");
	delegated_setup(f, &second, "brno"); /* the same id */
	assert_int_equal(fixture_amend_by(f, &d.item, 1, "", fixture_node_key(f, "warszawa", 1)),
		ERROR_CHARTER_SIGNERS);
	struct amendment_item two[2] = {d.item, fixture_item(f, AMENDMENT_CONFIRM, "praha")};
	assert_int_equal(fixture_amend_by(f, two, 2, "", fixture_node_key(f, "budapest", 1)),
		ERROR_CHARTER_SIGNERS);
	two[1] = second.item; /* the officers themselves use an id once */
	assert_int_equal(fixture_amend_by(f, two, 2, "ab", NULL), ERROR_CHARTER_ITEM);
	assert_int_equal(delegate_admits(f, &d), 0);
	assert_false(fixture_member(f, "praha")->confirmed);
	assert_int_equal(delegate_admits(f, &second), ERROR_CHARTER_ITEM);
	/* Not even the officers can use it again. */
	assert_int_equal(fixture_amend(f, &second.item), ERROR_CHARTER_ITEM);
	second.delegation.id[0]++;
	second.item.admit.delegation = seal_delegation(f, &second.delegation, "bc", &second.bytes);
	assert_int_equal(delegate_admits(f, &second), 0);
	delegated_teardown(&d);
	delegated_teardown(&second);
}

/* The last object made, with a bit of its first signature turned. */
static int apply_forged(struct fixture *f)
{
	struct control_object object;
	assert_int_equal(object_decode(buffer_bytes(&f->wire), &object), 0);
	f->wire.data[object.signatures.data - f->wire.data + object.signatures.len - 40] ^= 1;
	return fixture_apply(f);
}

static void a_delegates_signature_is_verified(void **state)
{
	struct fixture *f = *state;
	struct delegated d;
	struct roster *mine = f->roster, *empty;
	struct bytes genesis;
	struct hash hash;
	assert_int_equal(roster_new(NULL, fixture_seed, &empty), 0);
	assert_int_equal(roster_amendment(mine, 0, &genesis, &hash), 0);
	assert_int_equal(roster_apply(empty, genesis, NULL), 0);
	delegated_setup(f, &d, "praha");
	assert_int_equal(delegate_admits(f, &d), 0);
	f->roster = empty;
	assert_int_equal(apply_forged(f), ERROR_SIGNATURE);
	f->roster = mine;
	roster_free(empty);
	delegated_teardown(&d);
}

static void a_rival_cannot_use_a_delegation_again(void **state)
{
	struct fixture *f = *state;
	struct delegated d;
	struct buffer rival;
	struct amendment_item item = policy();
	buffer_init(&rival, OBJECT_BYTES_MAX);
	delegated_setup(f, &d, "praha");
	assert_int_equal(delegate_admits(f, &d), 0);
	/* At its own number the delegate's second signature is a rival; at a later one it is void. */
	struct amendment amendment = {.network_id = *roster_network_id(f->roster)};
	struct bytes wire;
	for (uint64_t number = 1; number <= 2; number++) {
		amendment.number = number;
		amendment.time = 5;
		assert_int_equal(roster_amendment(f->roster, number - 1, &wire, &amendment.prev), 0);
		assert_int_equal(fixture_amend(f, &item), 0);
		buffer_reset(&rival);
		assert_int_equal(amendment_encode(&rival, &amendment, &d.item, 1), 0);
		fixture_seal(f, OBJECT_AMENDMENT, buffer_bytes(&rival), "",
			fixture_node_key(f, "budapest", 1));
		assert_int_equal(fixture_apply(f),
			number == 1 ? ERROR_CHARTER_RIVAL : ERROR_CHARTER_ITEM);
	}
	buffer_deinit(&rival);
	delegated_teardown(&d);
}

static void a_delegations_signatures_are_distinct(void **state)
{
	struct fixture *f = *state;
	struct delegated d;
	struct delegation out;
	delegated_setup(f, &d, "praha");
	struct bytes once = seal_delegation(f, &d.delegation, "a", &d.bytes);
	struct buffer twice;
	buffer_init(&twice, DELEGATION_BYTES_MAX);
	buffer_push_bytes(&twice, once);
	buffer_push_bytes(&twice, bytes_slice(once, once.len - 101, 101));
	twice.data[once.len - 102] = 0x92; /* a list of two */
	assert_int_equal(delegation_decode(buffer_bytes(&twice), &out), ERROR_NOT_CANONICAL);
	buffer_deinit(&twice);
	delegated_teardown(&d);
}

static void approvals_are_verified_and_bounded(void **state)
{
	struct fixture *f = *state;
	struct amendment_item item = policy();
	struct buffer body;
	buffer_init(&body, OBJECT_BYTES_MAX);
	for (unsigned i = 0; i < 9; i++) {
		buffer_reset(&body);
		assert_int_equal(draft_amendment(f->roster, &item, 1, i, &body), 0);
		buffer_reset(&f->wire);
		assert_int_equal(approval_seal(&f->wire, buffer_bytes(&body),
			fixture_key(f, "officer a")), 0);
		if (i == 0) {
			assert_int_equal(apply_forged(f), ERROR_SIGNATURE);
			continue;
		}
		assert_int_equal(fixture_apply(f), 0);
	}
	buffer_reset(&body);
	assert_int_equal(draft_amendment(f->roster, &item, 1, 99, &body), 0);
	buffer_reset(&f->wire);
	assert_int_equal(approval_seal(&f->wire, buffer_bytes(&body), fixture_key(f, "officer a")),
		0);
	assert_int_equal(fixture_apply(f), ERROR_LIMIT);
	buffer_reset(&f->wire);
	assert_int_equal(approval_seal(&f->wire, buffer_bytes(&body), fixture_key(f, "officer b")),
		0);
	assert_int_equal(fixture_apply(f), 0);
	buffer_deinit(&body);
}

static void a_delegation_says_who_and_where(void **state)
{
	struct fixture *f = *state;
	struct delegated d;
	delegated_setup(f, &d, "praha");
	d.item.admit.slug = bytes_from_text("brno");
	assert_int_equal(delegate_admits(f, &d), ERROR_CHARTER_ITEM);
	d.item.admit.slug = bytes_from_text("praha");
	d.delegation.network_id = fixture_hash("another network");
	d.item.admit.delegation = seal_delegation(f, &d.delegation, "ab", &d.bytes);
	assert_int_equal(delegate_admits(f, &d), ERROR_CHARTER_ITEM);
	d.delegation.network_id = *roster_network_id(f->roster);
	d.item.admit.delegation = seal_delegation(f, &d.delegation, "a", &d.bytes);
	assert_int_equal(delegate_admits(f, &d), ERROR_CHARTER_SIGNERS);
	d.item.admit.delegation = seal_delegation(f, &d.delegation, "axy", &d.bytes);
	assert_int_equal(delegate_admits(f, &d), ERROR_CHARTER_SIGNERS);
	/* Signatures of one delegation on another. */
	struct buffer spliced;
	buffer_init(&spliced, DELEGATION_BYTES_MAX);
	buffer_push_bytes(&spliced, seal_delegation(f, &d.delegation, "ab", &d.bytes));
	d.delegation.expiry++;
	struct bytes other = seal_delegation(f, &d.delegation, "ab", &d.bytes);
	size_t tail = 2 * 101;
	assert_int_equal(other.len, spliced.len);
	memcpy(spliced.data, other.data, other.len - tail);
	d.item.admit.delegation = buffer_bytes(&spliced);
	assert_int_equal(delegate_admits(f, &d), ERROR_SIGNATURE);
	d.item.admit.delegation = seal_delegation(f, &d.delegation, "ab", &d.bytes);
	assert_int_equal(delegate_admits(f, &d), 0);
	buffer_deinit(&spliced);
	delegated_teardown(&d);
}

static void a_delegate_confirms_only_the_key_it_was_told(void **state)
{
	struct fixture *f = *state;
	struct delegated d;
	delegated_setup(f, &d, "praha");
	d.item.admit.confirmed = true;
	assert_int_equal(delegate_admits(f, &d), ERROR_CHARTER_SIGNERS);
	const struct public_key *wrong = secret_key_public(fixture_city_key(f, "brno"));
	d.delegation.confirm_len = DELEGATION_FINGERPRINT_BYTES;
	memcpy(d.delegation.confirm, wrong->bytes, DELEGATION_FINGERPRINT_BYTES);
	d.item.admit.delegation = seal_delegation(f, &d.delegation, "ab", &d.bytes);
	assert_int_equal(delegate_admits(f, &d), ERROR_CHARTER_SIGNERS);
	/* Another node cannot put the right one in. */
	const struct public_key *right = secret_key_public(fixture_city_key(f, "praha"));
	memcpy(d.delegation.confirm, right->bytes, DELEGATION_FINGERPRINT_BYTES);
	d.item.admit.delegation = seal_delegation(f, &d.delegation, "xy", &d.bytes);
	assert_int_equal(delegate_admits(f, &d), ERROR_CHARTER_SIGNERS);
	d.item.admit.delegation = seal_delegation(f, &d.delegation, "ab", &d.bytes);
	assert_int_equal(delegate_admits(f, &d), 0);
	assert_true(fixture_member(f, "praha")->confirmed);
	delegated_teardown(&d);
	/* By city_id too. */
	delegated_setup(f, &d, "brno");
	struct hash brno = fixture_city(f, "brno");
	d.delegation.id[0]++;
	d.delegation.confirm_len = HASH_SIZE;
	memcpy(d.delegation.confirm, brno.bytes, HASH_SIZE);
	d.item.admit.confirmed = true;
	d.item.admit.delegation = seal_delegation(f, &d.delegation, "ab", &d.bytes);
	assert_int_equal(delegate_admits(f, &d), 0);
	delegated_teardown(&d);
}

static void the_highest_floor_counts(void **state)
{
	struct fixture *f = *state;
	struct amendment_item item = fixture_item(f, AMENDMENT_FLOOR, "lisboa");
	struct epoch_cut floor;
	struct hash id = fixture_city(f, "budapest");
	item.floor.lane = FEED_LANE_DOC;
	item.floor.seq = 512;
	item.floor.entry_hash = fixture_hash("entry");
	assert_int_equal(fixture_amend(f, &item), ERROR_CHARTER_ITEM);
	item.city_id = id;
	assert_int_equal(fixture_amend(f, &item), 0);
	assert_true(fixture_effect(f, ROSTER_EFFECT_FLOOR, "budapest"));
	item.floor.seq = 511;
	assert_int_equal(fixture_amend(f, &item), 0);
	assert_int_equal(roster_floor(f->roster, &id, FEED_LANE_DOC, &floor), 0);
	assert_int_equal(floor.seq, 512);
	assert_int_equal(roster_floor(f->roster, &id, FEED_LANE_CALL, &floor), ERROR_NOT_FOUND);
}

static void an_unknown_item_is_kept_without_effect(void **state)
{
	struct fixture *f = *state;
	static const uint8_t raw[] = {0x93, 40, 0xa3, 'n', 'e', 'w', 0xc3};
	struct amendment_item item = {.kind = 40, .raw = {raw, sizeof(raw)}};
	assert_int_equal(fixture_amend(f, &item), 0);
	assert_int_equal(f->change.effect_count, 0);
	struct bytes wire;
	struct hash hash;
	struct control_object object;
	struct amendment amendment;
	struct amendment_item read;
	struct wire_reader reader;
	assert_int_equal(roster_amendment(f->roster, 1, &wire, &hash), 0);
	assert_int_equal(object_decode(wire, &object), 0);
	assert_int_equal(amendment_decode(object.body, &amendment), 0);
	wire_reader_init(&reader, amendment.items);
	assert_true(amendment_item_next(&reader, &read));
	assert_int_equal(read.kind, 40);
	assert_true(bytes_equal(read.raw, item.raw));
	assert_string_equal(amendment_item_name(read.kind), "unknown");
}

static void an_amendment_follows_its_exact_predecessor(void **state)
{
	struct fixture *f = *state;
	struct amendment_item item = policy();
	struct amendment amendment = {
		.network_id = *roster_network_id(f->roster), .number = 2,
		.prev = *roster_hash(f->roster),
	};
	struct buffer body;
	buffer_init(&body, OBJECT_BYTES_MAX);
	assert_int_equal(amendment_encode(&body, &amendment, &item, 1), 0);
	fixture_seal(f, OBJECT_AMENDMENT, buffer_bytes(&body), "ab", NULL);
	assert_int_equal(fixture_apply(f), ERROR_CHARTER_PREDECESSOR);
	amendment.number = 1;
	amendment.prev = fixture_hash("another");
	buffer_reset(&body);
	assert_int_equal(amendment_encode(&body, &amendment, &item, 1), 0);
	fixture_seal(f, OBJECT_AMENDMENT, buffer_bytes(&body), "ab", NULL);
	assert_int_equal(fixture_apply(f), ERROR_CHARTER_PREDECESSOR);
	amendment.prev = *roster_hash(f->roster);
	amendment.network_id = fixture_hash("another");
	buffer_reset(&body);
	assert_int_equal(amendment_encode(&body, &amendment, &item, 1), 0);
	fixture_seal(f, OBJECT_AMENDMENT, buffer_bytes(&body), "ab", NULL);
	assert_int_equal(fixture_apply(f), ERROR_CHARTER_UNKNOWN);
	buffer_deinit(&body);
}

static void a_rival_is_shown_and_names_who_signed_both(void **state)
{
	struct fixture *f = *state;
	struct amendment_item item = policy();
	struct buffer rival, unsigned_rival;
	buffer_init(&rival, OBJECT_BYTES_MAX);
	buffer_init(&unsigned_rival, OBJECT_BYTES_MAX);
	assert_int_equal(draft_amendment(f->roster, &item, 1, 99, &rival), 0);
	assert_int_equal(draft_amendment(f->roster, &item, 1, 98, &unsigned_rival), 0);
	struct amendment_item officers = {.kind = AMENDMENT_OFFICERS};
	officers.officers = fixture_officers(f, "def", 2);
	assert_int_equal(fixture_amend_by(f, &officers, 1, "abde", NULL), 0);
	struct hash newest = *roster_hash(f->roster);
	/* The officers of that time count, not those of now. */
	fixture_seal(f, OBJECT_AMENDMENT, buffer_bytes(&unsigned_rival), "de", NULL);
	assert_int_equal(fixture_apply(f), ERROR_CHARTER_SIGNERS);
	assert_null(roster_rival_at(f->roster, 0));
	fixture_seal(f, OBJECT_AMENDMENT, buffer_bytes(&rival), "bc", NULL);
	assert_int_equal(fixture_apply(f), ERROR_CHARTER_RIVAL);
	assert_true(f->change.stored);
	assert_int_equal(f->change.double_signer_count, 1);
	assert_true(public_key_equal(&f->change.double_signers[0], fixture_public(f, "officer b")));
	assert_true(hash_equal(roster_hash(f->roster), &newest));
	assert_int_equal(roster_member_count(f->roster), 2);
	assert_int_equal(roster_active_count(f->roster), 2);
	assert_int_equal(roster_rival_at(f->roster, 0)->number, 1);
	assert_int_equal(fixture_apply(f), ERROR_EXISTS);
	assert_null(roster_rival_at(f->roster, 1));
	buffer_deinit(&rival);
	buffer_deinit(&unsigned_rival);
}

static void approvals_add_up_to_an_amendment(void **state)
{
	struct fixture *f = *state;
	struct amendment_item item = policy();
	struct hash hash;
	struct buffer body;
	buffer_init(&body, OBJECT_BYTES_MAX);
	assert_int_equal(draft_amendment(f->roster, &item, 1, 5, &body), 0);
	assert_int_equal(amendment_hash_of(buffer_bytes(&body), &hash), 0);
	buffer_reset(&f->wire);
	assert_int_equal(approval_seal(&f->wire, buffer_bytes(&body), fixture_key(f, "officer x")), 0);
	assert_int_equal(fixture_apply(f), ERROR_CHARTER_SIGNERS);
	static const char *const names[] = {"officer b", "officer c"};
	for (size_t i = 0; i < 2; i++) {
		buffer_reset(&f->wire);
		assert_int_equal(draft_from_approvals(f->roster, &hash, &f->wire), ERROR_CHARTER_SIGNERS);
		assert_int_equal(approval_seal(&f->wire, buffer_bytes(&body), fixture_key(f, names[i])), 0);
		assert_int_equal(fixture_apply(f), 0);
		assert_int_equal(fixture_apply(f), ERROR_EXISTS);
	}
	assert_int_equal(roster_object_count(f->roster), 2); /* two officers' are two objects */
	buffer_reset(&f->wire);
	assert_int_equal(draft_from_approvals(f->roster, &hash, &f->wire), 0);
	assert_int_equal(fixture_apply(f), 0);
	assert_int_equal(roster_number(f->roster), 1);
	assert_int_equal(f->change.dropped_count, 2);
	buffer_deinit(&body);
}

int main(void)
{
#define WITH_FIXTURE(t) cmocka_unit_test_setup_teardown(t, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		WITH_FIXTURE(a_genesis_needs_k_of_its_officers),
		WITH_FIXTURE(k_officers_are_counted_strangers_are_not),
		WITH_FIXTURE(one_officer_signing_twice_is_refused),
		WITH_FIXTURE(new_officers_need_old_and_new),
		WITH_FIXTURE(officers_are_distinct_and_k_is_a_majority),
		WITH_FIXTURE(standing_changes_only_sensibly),
		WITH_FIXTURE(an_unconfirmed_city_is_confirmed_once),
		WITH_FIXTURE(an_amendment_acts_as_a_whole_or_not_at_all),
		WITH_FIXTURE(a_city_and_a_slug_are_admitted_once),
		WITH_FIXTURE(an_admitted_record_belongs_to_city_and_network),
		WITH_FIXTURE(a_founders_record_is_anchored_to_the_core),
		WITH_FIXTURE(a_delegate_admits_once),
		WITH_FIXTURE(a_delegates_signature_is_verified),
		WITH_FIXTURE(a_rival_cannot_use_a_delegation_again),
		WITH_FIXTURE(a_delegations_signatures_are_distinct),
		WITH_FIXTURE(approvals_are_verified_and_bounded),
		WITH_FIXTURE(a_delegation_says_who_and_where),
		WITH_FIXTURE(a_delegate_confirms_only_the_key_it_was_told),
		WITH_FIXTURE(the_highest_floor_counts),
		WITH_FIXTURE(an_unknown_item_is_kept_without_effect),
		WITH_FIXTURE(an_amendment_follows_its_exact_predecessor),
		WITH_FIXTURE(a_rival_is_shown_and_names_who_signed_both),
		WITH_FIXTURE(approvals_add_up_to_an_amendment),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
