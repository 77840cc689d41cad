/* SPDX-License-Identifier: Apache-2.0 */
/* The roster's life, and what the charter says. */
#include "charter/roster.h"

#include <stdlib.h>

#include "base/error.h"
#include "charter/delegation.h"
#include "charter/roster_state.h"
#include "feed/feed.h"

struct bytes roster_state_copy(struct bytes from)
{
	uint8_t *data = malloc(from.len ? from.len : 1);
	if (!data)
		return bytes_of(NULL, 0);
	memcpy(data, from.data, from.len);
	return bytes_of(data, from.len);
}

struct control_object roster_state_moved(const struct control_object *object, struct bytes wire)
{
	struct control_object moved = *object;
	moved.body.data = wire.data + (object->body.data - object->wire.data);
	moved.signatures.data = wire.data + (object->signatures.data - object->wire.data);
	moved.wire = wire;
	return moved;
}

int roster_state_grow(void **array, size_t *capacity, size_t count, size_t element)
{
	if (count < *capacity)
		return 0;
	size_t larger = *capacity + *capacity / 2 + 4;
	void *grown = realloc(*array, larger * element);
	if (!grown)
		return ERROR_MEMORY;
	*array = grown;
	*capacity = larger;
	return 0;
}

void roster_state_effect(struct roster_change *change, enum roster_effect_kind kind,
	const struct member *m, uint8_t lane)
{
	for (size_t i = 0; i < change->effect_count; i++) {
		struct roster_effect *effect = &change->effects[i];
		if (effect->kind == kind && effect->lane == lane
			&& hash_equal(&effect->city_id, &m->shown.city_id)) {
			effect->epoch = m->shown.epoch;
			return;
		}
	}
	if (change->effect_count == ROSTER_EFFECTS_MAX) {
		change->overflow = true;
		return;
	}
	change->effects[change->effect_count++] = (struct roster_effect){
		kind, m->shown.city_id, m->shown.epoch, lane,
	};
}

void roster_state_dropped(struct roster_change *change, const struct hash *object_hash)
{
	if (change->dropped_count < ROSTER_DROPPED_MAX)
		change->dropped[change->dropped_count++] = *object_hash;
}

int roster_new(const struct hash *network_id, const uint8_t seed[static MAP_SEED_SIZE],
	struct roster **out)
{
	*out = NULL;
	struct roster *r = calloc(1, sizeof(*r));
	if (!r)
		return ERROR_MEMORY;
	map_init(&r->by_city, HASH_SIZE, seed);
	map_init(&r->by_slug, TEXT_SLUG_MAX, seed);
	map_init(&r->by_node_key, PUBLIC_KEY_SIZE, seed);
	map_init(&r->delegations, DELEGATION_ID_BYTES, seed);
	if (network_id) {
		r->has_network_id = true;
		r->network_id = *network_id;
	}
	int error = hasher_init(&r->hasher);
	if (!error)
		error = verifier_new(&r->verifier);
	if (error) {
		roster_free(r);
		return error;
	}
	*out = r;
	return 0;
}

static void member_free(struct member *m)
{
	for (struct record *record = m->records, *next; record; record = next) {
		next = record->next;
		if (record->owns_wire)
			free((void *)record->wire.data);
		free(record->cuts);
		free(record);
	}
	for (struct anchor *anchor = m->anchors, *next; anchor; anchor = next) {
		next = anchor->next;
		free(anchor);
	}
	for (struct officers_cut *cut = m->cuts, *next; cut; cut = next) {
		next = cut->next;
		free(cut);
	}
	for (struct held_proof *proof = m->proofs, *next; proof; proof = next) {
		next = proof->next;
		free((void *)proof->wire.data);
		free(proof);
	}
	for (struct held_floor *floor = m->floors, *next; floor; floor = next) {
		next = floor->next;
		free(floor);
	}
	if (m->list)
		free((void *)m->list->wire.data);
	free(m->list);
	if (m->chain != m->chain_of_one)
		free(m->chain);
	free(m);
}

static void charter_free(struct roster *r)
{
	for (struct officers_term *term = r->term, *former; term; term = former) {
		former = term->former;
		free(term);
	}
	for (struct policy *policy = r->policies, *next; policy; policy = next) {
		next = policy->next;
		free(policy);
	}
	for (struct quota *quota = r->quotas, *next; quota; quota = next) {
		next = quota->next;
		free(quota);
	}
	for (size_t i = 0; i < r->rival_count; i++) {
		free((void *)r->rivals[i]->wire.data);
		free(r->rivals[i]);
	}
	for (size_t i = 0; i < r->approval_count; i++) {
		free((void *)r->approvals[i]->wire.data);
		free(r->approvals[i]);
	}
	for (size_t i = 0; i < r->amendment_count; i++)
		free((void *)r->amendments[i].wire.data);
	free(r->amendments);
}

void roster_free(struct roster *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->member_count; i++)
		member_free(r->members[i]);
	free(r->members);
	charter_free(r);
	roster_range_deinit(r);
	map_deinit(&r->by_city);
	map_deinit(&r->by_slug);
	map_deinit(&r->by_node_key);
	map_deinit(&r->delegations);
	verifier_free(r->verifier);
	hasher_deinit(&r->hasher);
	free(r);
}

const struct hash *roster_network_id(const struct roster *r)
{
	return r->has_network_id ? &r->network_id : NULL;
}

bool roster_has_genesis(const struct roster *r)
{
	return r->has_genesis;
}

struct bytes roster_name(const struct roster *r)
{
	return r->name;
}

struct bytes roster_slug(const struct roster *r)
{
	return r->slug;
}

uint64_t roster_number(const struct roster *r)
{
	return r->amendment_count ? r->amendment_count - 1 : 0;
}

const struct hash *roster_hash(const struct roster *r)
{
	static const struct hash none;
	return r->amendment_count ? &r->amendments[r->amendment_count - 1].hash : &none;
}

uint64_t roster_time(const struct roster *r)
{
	return r->time;
}

const struct officers *roster_officers(const struct roster *r)
{
	static const struct officers none;
	return r->term ? &r->term->officers : &none;
}

const struct hash *roster_continues(const struct roster *r)
{
	return r->continues ? &r->continued : NULL;
}

int roster_amendment(const struct roster *r, uint64_t number, struct bytes *wire,
	struct hash *amendment_hash)
{
	if (number >= r->amendment_count)
		return ERROR_NOT_FOUND;
	*wire = r->amendments[number].wire;
	*amendment_hash = r->amendments[number].hash;
	return 0;
}

const struct roster_rival *roster_rival_at(const struct roster *r, size_t i)
{
	return i < r->rival_count ? r->rivals[i] : NULL;
}

struct bytes roster_policy(const struct roster *r, struct bytes key)
{
	for (const struct policy *policy = r->policies; policy; policy = policy->next) {
		if (bytes_equal(policy->key, key))
			return policy->value;
	}
	return bytes_of(NULL, 0);
}

bool roster_two_person(const struct roster *r, uint8_t lane)
{
	return lane <= FEED_LANE_MAX && (r->two_person >> lane & 1);
}

int roster_quota(const struct roster *r, const struct hash *city_id, uint8_t lane,
	uint64_t *entries, uint64_t *bytes)
{
	const struct quota *found = NULL;
	for (const struct quota *quota = r->quotas; quota; quota = quota->next) {
		if (quota->lane != lane)
			continue;
		if (quota->has_city ? hash_equal(&quota->city_id, city_id) : !found)
			found = quota;
		if (found && found->has_city)
			break;
	}
	if (!found)
		return ERROR_NOT_FOUND;
	*entries = found->entries;
	*bytes = found->bytes;
	return 0;
}

uint64_t roster_review_time(const struct roster *r)
{
	return r->review_time;
}

size_t roster_approval_count(const struct roster *r)
{
	return r->approval_count;
}

int roster_approval_at(const struct roster *r, size_t i, struct approval *out, struct bytes *wire)
{
	if (i >= r->approval_count)
		return ERROR_NOT_FOUND;
	*out = r->approvals[i]->approval;
	*wire = r->approvals[i]->wire;
	return 0;
}
