/* SPDX-License-Identifier: Apache-2.0 */
/* The way in: each object to what judges it; address lists, approvals and fork proofs here. */
#include <stdlib.h>

#include "base/error.h"
#include "charter/roster_state.h"

/* Whether what is newer by (epoch, number), then by hash, is the first. */
static bool list_newer(const struct address_list *list, const struct hash *object_hash,
	const struct held_list *held)
{
	if (list->epoch != held->list.epoch)
		return list->epoch > held->list.epoch;
	if (list->number != held->list.number)
		return list->number > held->list.number;
	return hash_compare(object_hash, &held->object_hash) > 0;
}

static int hold_list(struct roster *r, struct member *m, const struct control_object *object,
	const struct record *signer, struct roster_change *change)
{
	struct held_list *held = calloc(1, sizeof(*held));
	struct bytes wire = roster_state_copy(object->wire);
	int error = ERROR_MEMORY;
	if (held && wire.data)
		error = address_list_decode(roster_state_moved(object, wire).body, &held->list);
	if (!error)
		error = roster_range_add(r, OBJECT_ADDRESS_LIST, &object->object_hash, wire);
	if (error) {
		free((void *)wire.data);
		free(held);
		return error;
	}
	held->object_hash = object->object_hash;
	held->signer = signer;
	held->wire = wire;
	if (m->list) {
		roster_range_remove(r, &m->list->object_hash);
		roster_state_dropped(change, &m->list->object_hash);
		free((void *)m->list->wire.data);
		free(m->list);
	}
	m->list = held;
	m->shown.addresses = &held->list;
	return 0;
}

static int apply_list(struct roster *r, const struct control_object *object,
	struct roster_change *change)
{
	struct address_list list;
	int error = address_list_decode(object->body, &list);
	if (error)
		return error;
	if (!hash_equal(&list.network_id, &r->network_id))
		return ERROR_CHARTER_UNKNOWN;
	struct member *m = roster_state_member(r, &list.city_id);
	if (!m)
		return ERROR_NOT_MEMBER;
	if (list.epoch == 0)
		return ERROR_RANGE;
	if (list.epoch > m->chain_count)
		return ERROR_EPOCH_UNKNOWN;
	if (m->list && !list_newer(&list, &object->object_hash, m->list))
		return ERROR_EXISTS;
	const struct record *signer = m->chain[list.epoch - 1];
	if (object->signature_count == 1) {
		/* Of a rival record, perhaps one that is not here: who brings it breaks nothing. */
		struct object_signature signature;
		object_signature_at(object, 0, &signature);
		if (!public_key_equal(&signature.key, &signer->node_key))
			return ERROR_EPOCH_UNKNOWN;
	}
	if (!r->trusting)
		error = address_list_verify(r->verifier, object, &signer->node_key);
	if (!error)
		error = hold_list(r, m, object, signer, change);
	if (error)
		return error;
	change->kind = ROSTER_CHANGE_ADDRESS_LIST;
	change->city_id = list.city_id;
	change->epoch = list.epoch;
	change->number = list.number;
	change->stored = true;
	roster_state_effect(change, ROSTER_EFFECT_ADDRESSES, m, 0);
	return 0;
}

/* One of those in office, or of those whom the proposal puts there. */
static bool may_approve(const struct roster *r, const struct approval *approval)
{
	struct wire_reader reader;
	struct amendment_item item;
	if (officers_find(roster_officers(r), &approval->officer))
		return true;
	wire_reader_init(&reader, approval->proposed.items);
	while (amendment_item_next(&reader, &item)) {
		if (item.kind == AMENDMENT_OFFICERS
			&& officers_find(&item.officers, &approval->officer))
			return true;
	}
	return false;
}

static int judge_approval(struct roster *r, const struct control_object *object,
	const struct approval *approval)
{
	if (!hash_equal(&approval->network_id, &r->network_id))
		return ERROR_CHARTER_UNKNOWN;
	if (approval->number < r->amendment_count)
		return ERROR_EXISTS;
	if (approval->number > r->amendment_count
		|| !hash_equal(&approval->prev, roster_hash(r)))
		return ERROR_CHARTER_PREDECESSOR;
	struct roster_object held;
	if (roster_object_find(r, &object->object_hash, &held) == 0)
		return ERROR_EXISTS;
	if (!may_approve(r, approval))
		return ERROR_CHARTER_SIGNERS;
	size_t of_officer = 0;
	for (size_t i = 0; i < r->approval_count; i++)
		of_officer += public_key_equal(&r->approvals[i]->approval.officer,
			&approval->officer);
	if (r->approval_count == ROSTER_APPROVALS_MAX || of_officer == APPROVALS_OF_OFFICER_MAX)
		return ERROR_LIMIT;
	return r->trusting ? 0 : approval_verify(r->verifier, object, approval);
}

static int apply_approval(struct roster *r, const struct control_object *object,
	struct roster_change *change)
{
	struct approval approval;
	int error = approval_decode(object->body, &approval);
	if (!error)
		error = judge_approval(r, object, &approval);
	if (error)
		return error;
	struct held_approval *held = calloc(1, sizeof(*held));
	struct bytes wire = roster_state_copy(object->wire);
	error = ERROR_MEMORY;
	if (held && wire.data)
		error = approval_decode(roster_state_moved(object, wire).body, &held->approval);
	if (!error)
		error = roster_range_add(r, OBJECT_APPROVAL, &object->object_hash, wire);
	if (error) {
		free((void *)wire.data);
		free(held);
		return error;
	}
	held->object_hash = object->object_hash;
	held->wire = wire;
	r->approvals[r->approval_count++] = held;
	change->kind = ROSTER_CHANGE_APPROVAL;
	change->number = approval.number;
	change->stored = true;
	return 0;
}

/* The record of the proof's epoch and key, in the chain or aside. */
static const struct record *proof_record(const struct member *m, const struct head *head)
{
	for (const struct record *record = m->records; record; record = record->next) {
		if (record->epoch == head->epoch
			&& public_key_equal(&record->node_key, &head->node_key))
			return record;
	}
	return NULL;
}

static int judge_proof(struct roster *r, const struct member *m, const struct fork_proof *proof,
	const struct control_object *object)
{
	if (object->signature_count != 0)
		return ERROR_SIGNATURE;
	const struct record *record = proof_record(m, &proof->a.head);
	if (!record)
		return ERROR_EPOCH_UNKNOWN;
	if (proof->lane < 1 || proof->lane > EPOCH_LANES)
		return ERROR_RANGE;
	const struct epoch_cut *start = &roster_record_cuts(record)[proof->lane - 1];
	if (proof->seq < start->seq
		|| (proof->seq == start->seq && !hash_equal(&proof->entry_hash, &start->hash)))
		return ERROR_CHAIN;
	return r->trusting ? 0 : fork_proof_verify(&r->hasher, proof);
}

static int hold_proof(struct roster *r, struct member *m, const struct fork_proof *proof,
	const struct control_object *object, struct roster_change *change)
{
	struct held_proof **at = &m->proofs;
	while (*at && !((*at)->lane == proof->lane && (*at)->epoch == proof->a.head.epoch))
		at = &(*at)->next;
	struct held_proof *former = *at;
	if (former && (former->seq < proof->seq || (former->seq == proof->seq
			&& hash_compare(&former->object_hash, &object->object_hash) <= 0)))
		return ERROR_EXISTS;
	struct held_proof *held = calloc(1, sizeof(*held));
	struct bytes wire = roster_state_copy(object->wire);
	int error = held && wire.data
		? roster_range_add(r, OBJECT_FORK_PROOF, &object->object_hash, wire)
		: ERROR_MEMORY;
	if (error) {
		free((void *)wire.data);
		free(held);
		return error;
	}
	*held = (struct held_proof){
		.next = former ? former->next : NULL, .object_hash = object->object_hash,
		.epoch = proof->a.head.epoch, .lane = proof->lane, .seq = proof->seq, .wire = wire,
	};
	*at = held;
	if (former) {
		roster_range_remove(r, &former->object_hash);
		roster_state_dropped(change, &former->object_hash);
		free((void *)former->wire.data);
		free(former);
	}
	return 0;
}

static int apply_proof(struct roster *r, const struct control_object *object,
	struct roster_change *change)
{
	struct fork_proof proof;
	int error = fork_proof_decode(object->body, &proof);
	if (error)
		return error;
	if (!hash_equal(&proof.network_id, &r->network_id))
		return ERROR_CHARTER_UNKNOWN;
	struct member *m = roster_state_member(r, &proof.city_id);
	if (!m)
		return ERROR_NOT_MEMBER;
	error = judge_proof(r, m, &proof, object);
	if (!error)
		error = hold_proof(r, m, &proof, object, change);
	if (error)
		return error;
	change->kind = ROSTER_CHANGE_FORK_PROOF;
	change->city_id = proof.city_id;
	change->epoch = proof.a.head.epoch;
	change->lane = proof.lane;
	change->stored = true;
	if (proof.a.head.epoch == m->shown.epoch)
		roster_state_effect(change, ROSTER_EFFECT_FROZEN, m, proof.lane);
	return 0;
}

static int dispatch(struct roster *r, const struct control_object *object,
	struct roster_change *change)
{
	if (object->type == OBJECT_GENESIS)
		return roster_genesis_apply(r, object, change);
	if (object->type == OBJECT_AMENDMENT)
		return roster_amendment_apply(r, object, change);
	if (!r->has_genesis)
		return ERROR_CHARTER_PREDECESSOR;
	switch (object->type) {
	case OBJECT_EPOCH_RECORD:
		return roster_record_apply(r, object, change);
	case OBJECT_ADDRESS_LIST:
		return apply_list(r, object, change);
	case OBJECT_APPROVAL:
		return apply_approval(r, object, change);
	case OBJECT_FORK_PROOF:
		return apply_proof(r, object, change);
	default:
		return ERROR_VERSION;
	}
}

/* Not zeroed as a whole: it is large. */
static void change_reset(struct roster_change *change)
{
	change->kind = ROSTER_CHANGE_NONE;
	change->object_hash = change->city_id = (struct hash){{0}};
	change->number = 0;
	change->epoch = 0;
	change->lane = 0;
	change->stored = change->overflow = false;
	change->effect_count = change->dropped_count = change->double_signer_count = 0;
}

int roster_apply(struct roster *r, struct bytes object_wire, struct roster_change *change)
{
	struct control_object object;
	struct roster_change *own = NULL;
	if (!change) {
		change = own = malloc(sizeof(*own));
		if (!own)
			return ERROR_MEMORY;
	}
	change_reset(change);
	int error = object_decode(object_wire, &object);
	if (!error) {
		change->object_hash = object.object_hash;
		error = dispatch(r, &object, change);
	}
	free(own);
	return error;
}

int roster_load(struct roster *r, struct bytes object_wire, struct roster_change *change)
{
	r->trusting = true;
	int error = roster_apply(r, object_wire, change);
	r->trusting = false;
	return error;
}
