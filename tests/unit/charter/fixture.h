/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A network for the tests of the charter: keys by name, a roster, and short ways to make objects
 * and apply them. All helpers fail the test where something besides the roster's answer goes wrong.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/error.h"
#include "charter/draft.h"
#include "charter/roster.h"
#include "feed/feed.h"

#define FIXTURE_KEYS_MAX 64
#define FIXTURE_TIME UINT64_C(1767225600000)

struct fixture {
	struct roster *roster;
	struct roster_change change; /* of the last apply */
	struct buffer wire;          /* the last object made */
	struct {
		char name[32];
		struct secret_key *key;
	} keys[FIXTURE_KEYS_MAX];
	size_t key_count;
};

static const uint8_t fixture_seed[MAP_SEED_SIZE] = "a seed of a map";

static inline const struct secret_key *fixture_key(struct fixture *f, const char *name)
{
	struct hash seed;
	for (size_t i = 0; i < f->key_count; i++) {
		if (strcmp(f->keys[i].name, name) == 0)
			return f->keys[i].key;
	}
	assert_true(f->key_count < FIXTURE_KEYS_MAX);
	assert_int_equal(hash_of("test key", bytes_from_text(name), &seed), 0);
	struct secret_key *key;
	assert_int_equal(secret_key_from_seed(seed.bytes, &key), 0);
	snprintf(f->keys[f->key_count].name, sizeof(f->keys[0].name), "%s", name);
	f->keys[f->key_count++].key = key;
	return key;
}

static inline const struct public_key *fixture_public(struct fixture *f, const char *name)
{
	return secret_key_public(fixture_key(f, name));
}

/** "budapest city", "budapest node 1". */
static inline const struct secret_key *fixture_city_key(struct fixture *f, const char *city)
{
	char name[32];
	snprintf(name, sizeof(name), "%s city", city);
	return fixture_key(f, name);
}

static inline const struct secret_key *fixture_node_key(struct fixture *f, const char *city, int n)
{
	char name[32];
	snprintf(name, sizeof(name), "%s node %d", city, n);
	return fixture_key(f, name);
}

static inline struct hash fixture_city(struct fixture *f, const char *city)
{
	struct hash id;
	assert_int_equal(city_id_of(secret_key_public(fixture_city_key(f, city)), &id), 0);
	return id;
}

static inline struct hash fixture_hash(const char *label)
{
	struct hash hash;
	assert_int_equal(hash_of("test hash", bytes_from_text(label), &hash), 0);
	return hash;
}

static inline const struct roster_member *fixture_member(struct fixture *f, const char *city)
{
	struct hash id = fixture_city(f, city);
	return roster_member_by_city(f->roster, &id);
}

/** A text "ab" names officer a and officer b, as signers and as those in office. */
static inline size_t fixture_officer_keys(struct fixture *f, const char *letters,
	const struct secret_key **out)
{
	size_t n = 0;
	for (; letters[n]; n++) {
		char name[32];
		snprintf(name, sizeof(name), "officer %c", letters[n]);
		out[n] = fixture_key(f, name);
	}
	return n;
}

static inline struct officers fixture_officers(struct fixture *f, const char *letters, size_t k)
{
	struct officers officers = {.k = k};
	const struct secret_key *keys[OFFICERS_MAX];
	officers.count = fixture_officer_keys(f, letters, keys);
	for (size_t i = 0; i < officers.count; i++)
		officers.list[i] = (struct officer){*secret_key_public(keys[i]),
			bytes_from_text("Officer")};
	return officers;
}

static inline int fixture_apply(struct fixture *f)
{
	return roster_apply(f->roster, buffer_bytes(&f->wire), &f->change);
}

/** Makes f->wire: the body, signed by these officers and, unless NULL, one other key. */
static inline void fixture_seal(struct fixture *f, uint8_t type, struct bytes body,
	const char *officers, const struct secret_key *other)
{
	const struct secret_key *keys[OFFICERS_MAX + 1];
	struct object_signature signatures[OFFICERS_MAX + 1];
	size_t count = fixture_officer_keys(f, officers, keys);
	if (other)
		keys[count++] = other;
	for (size_t i = 0; i < count; i++)
		assert_int_equal(draft_sign(type, body, keys[i], &signatures[i]), 0);
	buffer_reset(&f->wire);
	assert_int_equal(draft_seal(type, body, signatures, count, &f->wire), 0);
}

/** Makes f->wire: a genesis with officers a, b, c; budapest and warszawa found it. */
static inline void fixture_genesis_of(struct fixture *f, const char *officers, size_t k,
	const char *signers)
{
	struct draft_founder founders[2] = {
		{bytes_from_text("budapest"), bytes_from_text("Budapest"), bytes_from_text("HU"),
			fixture_city_key(f, "budapest"), fixture_node_key(f, "budapest", 1), {1}},
		{bytes_from_text("warszawa"), bytes_from_text("Warszawa"), bytes_from_text("PL"),
			fixture_city_key(f, "warszawa"), fixture_node_key(f, "warszawa", 1), {2}},
	};
	struct draft_network network = {
		.name = bytes_from_text("Pact of Free Cities"), .slug = bytes_from_text("pact"),
		.nonce = "0123456789abcde", .officers = fixture_officers(f, officers, k),
		.time_ms = FIXTURE_TIME, .founders = founders, .founder_count = 2,
	};
	struct buffer body;
	buffer_init(&body, OBJECT_BYTES_MAX);
	assert_int_equal(draft_genesis(&network, &body), 0);
	fixture_seal(f, OBJECT_GENESIS, buffer_bytes(&body), signers, NULL);
	buffer_deinit(&body);
}

static inline int fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	assert_non_null(f);
	buffer_init(&f->wire, OBJECT_FORK_PROOF_BYTES_MAX);
	assert_int_equal(roster_new(NULL, fixture_seed, &f->roster), 0);
	fixture_genesis_of(f, "abc", 2, "ab");
	assert_int_equal(fixture_apply(f), 0);
	*state = f;
	return 0;
}

static inline int fixture_teardown(void **state)
{
	struct fixture *f = *state;
	for (size_t i = 0; i < f->key_count; i++)
		secret_key_free(f->keys[i].key);
	roster_free(f->roster);
	buffer_deinit(&f->wire);
	free(f);
	return 0;
}

/** The next amendment, signed by these officers; what roster_apply says. */
static inline int fixture_amend_by(struct fixture *f, const struct amendment_item *items,
	size_t count, const char *officers, const struct secret_key *other)
{
	struct buffer body;
	buffer_init(&body, OBJECT_BYTES_MAX);
	assert_int_equal(draft_amendment(f->roster, items, count,
		FIXTURE_TIME + roster_number(f->roster), &body), 0);
	fixture_seal(f, OBJECT_AMENDMENT, buffer_bytes(&body), officers, other);
	buffer_deinit(&body);
	return fixture_apply(f);
}

static inline int fixture_amend(struct fixture *f, const struct amendment_item *item)
{
	return fixture_amend_by(f, item, 1, "ab", NULL);
}

/** Items on one city: confirm, resume, suspend and remove without cuts. */
static inline struct amendment_item fixture_item(struct fixture *f, unsigned kind, const char *city)
{
	return (struct amendment_item){.kind = kind, .city_id = fixture_city(f, city)};
}

static inline int fixture_do(struct fixture *f, unsigned kind, const char *city)
{
	struct amendment_item item = fixture_item(f, kind, city);
	return fixture_amend(f, &item);
}

/** Record 1 of a city for this network; `record` keeps the bytes. */
static inline struct amendment_item fixture_admit(struct fixture *f, const char *city,
	bool confirmed, struct buffer *record)
{
	struct amendment_item item = {.kind = AMENDMENT_ADMIT};
	uint8_t sealing_key[32] = {3};
	buffer_init(record, OBJECT_BYTES_MAX);
	assert_int_equal(draft_first_record(fixture_city_key(f, city), fixture_node_key(f, city, 1),
		sealing_key, roster_network_id(f->roster), FIXTURE_TIME, record), 0);
	item.admit.slug = item.admit.name = bytes_from_text(city);
	item.admit.country = bytes_from_text("SK");
	item.admit.record = buffer_bytes(record);
	item.admit.confirmed = confirmed;
	return item;
}

static inline int fixture_do_admit(struct fixture *f, const char *city)
{
	struct buffer record;
	struct amendment_item item = fixture_admit(f, city, true, &record);
	int error = fixture_amend(f, &item);
	buffer_deinit(&record);
	return error;
}

/** Cuts at these seqs of lanes 1 to 4; the hash of a seq is alike everywhere. */
static inline void fixture_cuts(struct epoch_cut cuts[static EPOCH_LANES], uint64_t a, uint64_t b,
	uint64_t c, uint64_t d)
{
	const uint64_t seqs[EPOCH_LANES] = {a, b, c, d};
	for (size_t i = 0; i < EPOCH_LANES; i++) {
		char label[32];
		snprintf(label, sizeof(label), "entry %zu %llu", i, (unsigned long long)seqs[i]);
		cuts[i].seq = seqs[i];
		cuts[i].hash = seqs[i] ? fixture_hash(label) : (struct hash){{0}};
	}
}

static inline void fixture_end(struct amendment_item *item, uint32_t epoch, uint64_t a, uint64_t b,
	uint64_t c, uint64_t d)
{
	item->end.has_cuts = true;
	item->end.epoch = epoch;
	fixture_cuts(item->end.cuts, a, b, c, d);
}

/** The record after `prev`'s, not yet sealed: cuts at `seq` in each lane. */
static inline struct epoch_record fixture_record(struct fixture *f, const char *city,
	uint32_t epoch, const struct hash *prev, int node, uint64_t seq)
{
	struct epoch_record record = {
		.anchor = *roster_network_id(f->roster), .city_id = fixture_city(f, city),
		.epoch = epoch, .city_key = *secret_key_public(fixture_city_key(f, city)),
		.node_key = *secret_key_public(fixture_node_key(f, city, node)),
		.prev = *prev, .reason = EPOCH_REASON_RENEWAL, .time = FIXTURE_TIME,
	};
	fixture_cuts(record.cuts, seq, seq, seq, seq);
	return record;
}

/** Makes f->wire of it and gives its hash. */
static inline struct hash fixture_seal_record(struct fixture *f, const struct epoch_record *record,
	const char *city, int node)
{
	struct control_object object;
	struct hash record_hash;
	buffer_reset(&f->wire);
	assert_int_equal(epoch_record_seal(&f->wire, record, fixture_city_key(f, city),
		fixture_node_key(f, city, node)), 0);
	assert_int_equal(object_decode(buffer_bytes(&f->wire), &object), 0);
	assert_int_equal(epoch_record_hash(object.body, &record_hash), 0);
	return record_hash;
}

/** The record after the newest, under a new node key; what roster_apply says. */
static inline int fixture_renew(struct fixture *f, const char *city, int node, uint64_t seq)
{
	const struct roster_member *m = fixture_member(f, city);
	struct epoch_record record = fixture_record(f, city, m->epoch + 1, &m->record_hash, node,
		seq);
	fixture_seal_record(f, &record, city, node);
	return fixture_apply(f);
}

/** Whether the last apply had this effect on the city. */
static inline bool fixture_effect(struct fixture *f, enum roster_effect_kind kind, const char *city)
{
	struct hash id = fixture_city(f, city);
	for (size_t i = 0; i < f->change.effect_count; i++) {
		if (f->change.effects[i].kind == kind
			&& hash_equal(&f->change.effects[i].city_id, &id))
			return true;
	}
	return false;
}
