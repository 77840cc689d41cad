/* SPDX-License-Identifier: Apache-2.0 */
/* Genesis and amendments in the roster: their place in the chain and who signed them. */
#include <stdlib.h>

#include "base/error.h"
#include "charter/delegation.h"
#include "charter/roster_state.h"

const struct officers *roster_amendment_officers_before(const struct roster *r, uint64_t number)
{
	const struct officers_term *term = r->term;
	while (term->former && term->since >= number)
		term = term->former;
	return &term->officers;
}

/* Keeps the bytes as the newest amendment. */
static int push(struct roster *r, struct bytes wire, const struct hash *hash)
{
	void *list = r->amendments;
	int error = roster_state_grow(&list, &r->amendment_capacity, r->amendment_count,
		sizeof(*r->amendments));
	r->amendments = list;
	if (error)
		return error;
	r->amendments[r->amendment_count++] = (struct held_amendment){wire, *hash};
	return 0;
}

static int push_term(struct roster *r, const struct officers *officers)
{
	r->term = calloc(1, sizeof(*r->term));
	if (!r->term)
		return ERROR_MEMORY;
	r->term->officers = *officers;
	return 0;
}

static int verify_genesis(struct roster *r, const struct control_object *object,
	const struct genesis *genesis, const struct hash *amendment_hash)
{
	static const struct hash no_prev;
	struct amendment_message message;
	if (r->trusting)
		return 0;
	amendment_signed_message(&genesis->network_id, 0, &no_prev, amendment_hash, &message);
	return officers_verify(&genesis->officers, r->verifier, object,
		bytes_of(message.bytes, sizeof(message.bytes)));
}

static int accept_genesis(struct roster *r, struct bytes wire, const struct genesis *genesis,
	const struct hash *amendment_hash, struct roster_change *change)
{
	struct item_place place = {0, genesis->time, &genesis->core_hash};
	int error = roster_founders_check(r, &place, genesis);
	if (!error)
		error = push_term(r, &genesis->officers);
	if (!error)
		error = push(r, wire, amendment_hash);
	if (error) {
		free(r->term);
		r->term = NULL;
		return error;
	}
	r->has_network_id = r->has_genesis = true;
	r->network_id = genesis->network_id;
	r->core_hash = genesis->core_hash;
	r->continues = genesis->continues;
	r->continued = genesis->continued;
	r->name = genesis->name;
	r->slug = genesis->slug;
	r->time = genesis->time;
	change->kind = ROSTER_CHANGE_GENESIS;
	change->number = 0;
	change->stored = true;
	return roster_founders_act(r, &place, genesis, change);
}

int roster_genesis_apply(struct roster *r, const struct control_object *object,
	struct roster_change *change)
{
	struct bytes wire = roster_state_copy(object->wire);
	struct genesis genesis;
	struct hash amendment_hash;
	if (!wire.data)
		return ERROR_MEMORY;
	struct control_object kept = roster_state_moved(object, wire);
	int error = genesis_decode(kept.body, &genesis);
	if (!error && r->has_network_id && !hash_equal(&r->network_id, &genesis.network_id))
		error = ERROR_CHARTER_UNKNOWN;
	if (!error && r->has_genesis)
		error = ERROR_EXISTS;
	if (!error)
		error = amendment_hash_of(kept.body, &amendment_hash);
	if (!error)
		error = verify_genesis(r, &kept, &genesis, &amendment_hash);
	if (!error)
		error = accept_genesis(r, wire, &genesis, &amendment_hash, change);
	if (error && !r->has_genesis)
		free((void *)wire.data);
	else if (error && (r->amendment_count == 0 || r->amendments[0].wire.data != wire.data))
		free((void *)wire.data);
	return error;
}

/* What of its items decides who has to sign. */
struct signing {
	bool changes_officers;
	struct officers officers;
	bool delegated; /* its only item admits by a delegation */
	struct delegation delegation;
	bool confirmed;
	struct bytes record;
};

static int read_signing(const struct amendment *amendment, struct signing *out)
{
	struct wire_reader reader;
	struct amendment_item item;
	*out = (struct signing){0};
	wire_reader_init(&reader, amendment->items);
	while (amendment_item_next(&reader, &item)) {
		if (item.kind == AMENDMENT_OFFICERS) {
			if (out->changes_officers)
				return ERROR_CHARTER_ITEM;
			out->changes_officers = true;
			out->officers = item.officers;
		}
		if (item.kind == AMENDMENT_ADMIT && amendment->item_count == 1
			&& item.admit.delegation.len) {
			out->delegated = true;
			out->confirmed = item.admit.confirmed;
			out->record = item.admit.record;
			int error = delegation_decode(item.admit.delegation, &out->delegation);
			if (error)
				return error;
		}
	}
	return 0;
}

/* The delegate's node key alone, as the officers have let it. */
static int verify_delegated(struct roster *r, const struct control_object *object,
	const struct amendment *amendment, const struct signing *signing, struct bytes message)
{
	const struct delegation *delegation = &signing->delegation;
	int error = object_verify_one(r->verifier, object, &delegation->delegate, message);
	if (!error && !hash_equal(&delegation->network_id, &r->network_id))
		error = ERROR_CHARTER_ITEM;
	if (!error)
		error = delegation_verify(delegation, r->verifier,
			roster_amendment_officers_before(r, amendment->number));
	if (error || !signing->confirmed)
		return error;
	struct control_object record_object;
	struct epoch_record record;
	struct hash record_hash;
	error = roster_item_record(signing->record, false, &record_object, &record, &record_hash);
	if (!error && !delegation_confirms(delegation, &record.city_key, &record.city_id))
		error = ERROR_CHARTER_SIGNERS;
	return error;
}

static int verify_signers(struct roster *r, const struct control_object *object,
	const struct amendment *amendment, const struct hash *amendment_hash,
	const struct signing *signing)
{
	struct amendment_message signed_message;
	if (r->trusting)
		return 0;
	amendment_signed_message(&r->network_id, amendment->number, &amendment->prev,
		amendment_hash, &signed_message);
	struct bytes message = bytes_of(signed_message.bytes, sizeof(signed_message.bytes));
	int error = officers_verify(roster_amendment_officers_before(r, amendment->number),
		r->verifier, object, message);
	if (!error && signing->changes_officers)
		error = officers_verify(&signing->officers, r->verifier, object, message);
	if ((error == ERROR_SIGNATURE || error == ERROR_CHARTER_SIGNERS) && signing->delegated) {
		struct signature signature;
		if (object_signature_by(object, &signing->delegation.delegate, &signature))
			error = verify_delegated(r, object, amendment, signing, message);
	}
	return error;
}

/* Officers whose names stand under both. */
static void name_double_signers(const struct roster *r, uint64_t number,
	const struct control_object *rival, struct roster_change *change)
{
	const struct officers *officers = roster_amendment_officers_before(r, number);
	struct control_object held;
	if (object_decode(r->amendments[number].wire, &held))
		return;
	for (size_t i = 0; i < officers->count; i++) {
		struct signature signature;
		const struct public_key *key = &officers->list[i].key;
		if (object_signature_by(&held, key, &signature)
			&& object_signature_by(rival, key, &signature))
			change->double_signers[change->double_signer_count++] = *key;
	}
}

static int keep_rival(struct roster *r, const struct control_object *object, uint64_t number,
	const struct hash *amendment_hash, struct roster_change *change)
{
	struct roster_rival *rival = calloc(1, sizeof(*rival));
	struct bytes wire = roster_state_copy(object->wire);
	if (!rival || !wire.data) {
		free(rival);
		free((void *)wire.data);
		return ERROR_MEMORY;
	}
	int error = roster_range_add(r, OBJECT_AMENDMENT, &object->object_hash, wire);
	if (error) {
		free(rival);
		free((void *)wire.data);
		return error;
	}
	*rival = (struct roster_rival){number, *amendment_hash, object->object_hash, wire};
	r->rivals[r->rival_count++] = rival;
	change->kind = ROSTER_CHANGE_AMENDMENT;
	change->number = number;
	change->stored = true;
	name_double_signers(r, number, object, change);
	return ERROR_CHARTER_RIVAL;
}

/* A number that is taken: the same amendment, a rival of it, or one that follows a rival. */
static int apply_taken(struct roster *r, const struct control_object *object,
	const struct amendment *amendment, const struct hash *amendment_hash,
	struct roster_change *change)
{
	uint64_t number = amendment->number;
	if (hash_equal(amendment_hash, &r->amendments[number].hash))
		return ERROR_EXISTS;
	for (size_t i = 0; i < r->rival_count; i++) {
		if (hash_equal(&r->rivals[i]->amendment_hash, amendment_hash))
			return ERROR_EXISTS;
	}
	if (!hash_equal(&amendment->prev, &r->amendments[number - 1].hash))
		return ERROR_CHARTER_PREDECESSOR;
	if (r->rival_count == ROSTER_RIVALS_MAX)
		return ERROR_LIMIT;
	struct signing signing;
	int error = read_signing(amendment, &signing);
	if (!error)
		error = verify_signers(r, object, amendment, amendment_hash, &signing);
	if (!error && signing.delegated) {
		uintptr_t used = (uintptr_t)map_get(&r->delegations, signing.delegation.id);
		if (used && used - 1 < number)
			error = ERROR_CHARTER_ITEM;
	}
	return error ? error : keep_rival(r, object, number, amendment_hash, change);
}

static void drop_approvals(struct roster *r, struct roster_change *change)
{
	for (size_t i = 0; i < r->approval_count; i++) {
		struct held_approval *held = r->approvals[i];
		roster_range_remove(r, &held->object_hash);
		roster_state_dropped(change, &held->object_hash);
		free((void *)held->wire.data);
		free(held);
	}
	r->approval_count = 0;
}

/* `kept` is the envelope in bytes of the roster's own, which it takes over when it answers 0. */
static int apply_next(struct roster *r, const struct control_object *kept,
	const struct hash *amendment_hash, struct roster_change *change)
{
	struct amendment amendment;
	struct signing signing;
	int error = amendment_decode(kept->body, &amendment);
	if (!error)
		error = read_signing(&amendment, &signing);
	if (!error)
		error = verify_signers(r, kept, &amendment, amendment_hash, &signing);
	struct item_place place = {amendment.number, amendment.time, &r->network_id};
	if (!error)
		error = roster_items_check(r, &place, amendment.items, amendment.item_count);
	if (!error)
		error = push(r, kept->wire, amendment_hash);
	if (error)
		return error;
	r->time = amendment.time;
	drop_approvals(r, change);
	change->kind = ROSTER_CHANGE_AMENDMENT;
	change->number = amendment.number;
	change->stored = true;
	return roster_items_act(r, &place, amendment.items, change);
}

int roster_amendment_apply(struct roster *r, const struct control_object *object,
	struct roster_change *change)
{
	struct amendment amendment;
	struct hash amendment_hash;
	int error = amendment_decode(object->body, &amendment);
	if (error)
		return error;
	if (r->has_network_id && !hash_equal(&amendment.network_id, &r->network_id))
		return ERROR_CHARTER_UNKNOWN;
	if (!r->has_genesis || amendment.number > r->amendment_count)
		return ERROR_CHARTER_PREDECESSOR;
	error = amendment_hash_of(object->body, &amendment_hash);
	if (error)
		return error;
	if (amendment.number < r->amendment_count)
		return apply_taken(r, object, &amendment, &amendment_hash, change);
	if (!hash_equal(&amendment.prev, &r->amendments[amendment.number - 1].hash))
		return ERROR_CHARTER_PREDECESSOR;
	struct bytes wire = roster_state_copy(object->wire);
	if (!wire.data)
		return ERROR_MEMORY;
	struct control_object kept = roster_state_moved(object, wire);
	error = apply_next(r, &kept, &amendment_hash, change);
	/* After an act that failed (no memory) the bytes are the roster's already. */
	if (error && r->amendments[r->amendment_count - 1].wire.data != wire.data)
		free((void *)wire.data);
	return error;
}
