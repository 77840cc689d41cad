/* SPDX-License-Identifier: Apache-2.0 */
/* What the items of an amendment do, once all of them were found good (roster_item.c). */
#include <stdlib.h>

#include "base/error.h"
#include "charter/delegation.h"
#include "charter/roster_state.h"

static int use_delegation(struct roster *r, const struct item_place *place, struct bytes bytes)
{
	struct delegation delegation;
	int error = delegation_decode(bytes, &delegation);
	return error ? error
		: map_put(&r->delegations, delegation.id, (void *)(uintptr_t)(place->number + 1));
}

static int act_admit(struct roster *r, const struct item_place *place,
	const struct amendment_item *item, struct roster_change *change)
{
	struct control_object object;
	struct epoch_record record;
	struct hash record_hash;
	uint8_t key[TEXT_SLUG_MAX];
	int error = roster_item_record(item->admit.record, true, &object, &record, &record_hash);
	if (error)
		return error;
	void *members = r->members;
	error = roster_state_grow(&members, &r->member_capacity, r->member_count,
		sizeof(struct member *));
	r->members = members;
	struct member *m = error ? NULL : calloc(1, sizeof(*m));
	if (!m)
		return ERROR_MEMORY;
	r->members[r->member_count++] = m;
	m->shown = (struct roster_member){
		.city_id = record.city_id, .slug = item->admit.slug, .name = item->admit.name,
		.country = item->admit.country, .status = MEMBER_ACTIVE,
		.confirmed = item->admit.confirmed, .admitted_number = place->number,
		.admitted_time = place->time, .confirmed_number = place->number,
	};
	r->active_count++;
	roster_slug_key(item->admit.slug, key);
	error = map_put(&r->by_city, record.city_id.bytes, m);
	if (!error)
		error = map_put(&r->by_slug, key, m);
	if (!error && item->admit.delegation.len)
		error = use_delegation(r, place, item->admit.delegation);
	if (!error && !roster_record_add(r, m, &object, &record, &record_hash, true, false))
		error = ERROR_MEMORY;
	if (!error)
		error = roster_record_rechain(r, m, change);
	if (!error)
		roster_state_effect(change, ROSTER_EFFECT_ADMITTED, m, 0);
	return error;
}

int roster_founders_act(struct roster *r, const struct item_place *place,
	const struct genesis *genesis, struct roster_change *change)
{
	struct wire_reader reader;
	struct genesis_member founder;
	struct amendment_item item;
	int error = 0;
	wire_reader_init(&reader, genesis->members);
	while (!error && genesis_member_next(&reader, &founder)) {
		roster_founder_item(&founder, &item);
		error = act_admit(r, place, &item, change);
	}
	return error;
}

static int add_anchor(struct member *m, const struct item_place *place, uint32_t epoch,
	const struct hash *record_hash)
{
	for (const struct anchor *held = m->anchors; held && epoch; held = held->next) {
		if (held->epoch == epoch)
			return 0; /* the same: that was checked */
	}
	struct anchor *anchor = calloc(1, sizeof(*anchor));
	if (!anchor)
		return ERROR_MEMORY;
	anchor->record_hash = *record_hash;
	anchor->epoch = epoch;
	anchor->number = place->number;
	anchor->time = place->time;
	if (m->last_anchor)
		m->last_anchor->next = anchor;
	else
		m->anchors = anchor;
	m->last_anchor = anchor;
	return 0;
}

static int add_cut(struct member *m, uint32_t epoch,
	const struct epoch_cut cuts[static EPOCH_LANES])
{
	struct officers_cut *cut = calloc(1, sizeof(*cut));
	if (!cut)
		return ERROR_MEMORY;
	cut->epoch = epoch;
	memcpy(cut->cuts, cuts, sizeof(cut->cuts));
	cut->next = m->cuts;
	m->cuts = cut;
	return 0;
}

static int act_key(struct roster *r, const struct item_place *place,
	const struct amendment_item *item, struct member *m, struct roster_change *change)
{
	struct control_object object;
	struct epoch_record record;
	struct hash record_hash;
	int error = roster_item_record(item->key_record, true, &object, &record, &record_hash);
	if (!error && record.epoch > 2)
		error = add_anchor(m, place, record.epoch - 1, &record.prev);
	if (!error)
		error = add_anchor(m, place, record.epoch, &record_hash);
	if (!error) /* its cuts are the officers' */
		error = add_cut(m, record.epoch - 1, record.cuts);
	if (error)
		return error;
	struct record *held = roster_record_find(m, &record_hash);
	if (held && !held->carried) { /* the city's own, of which this is the charter's copy */
		roster_range_remove(r, &held->object_hash);
		roster_state_dropped(change, &held->object_hash);
		held->carried = true;
		error = map_put(&r->by_node_key, held->node_key.bytes, held);
	} else if (!held) {
		held = roster_record_add(r, m, &object, &record, &record_hash, true, false);
		if (!held)
			return ERROR_MEMORY;
	}
	held->given = true;
	roster_state_effect(change, ROSTER_EFFECT_CUT, m, 0);
	return error ? error : roster_record_rechain(r, m, change);
}

static int act_end(struct roster *r, const struct amendment_item *item, struct member *m,
	struct roster_change *change)
{
	bool was_active = m->shown.status == MEMBER_ACTIVE;
	bool removed = item->kind == AMENDMENT_REMOVE;
	m->shown.status = removed ? MEMBER_REMOVED : MEMBER_SUSPENDED;
	r->active_count -= was_active;
	roster_state_effect(change, removed ? ROSTER_EFFECT_REMOVED : ROSTER_EFFECT_SUSPENDED, m, 0);
	if (!item->end.has_cuts)
		return 0;
	int error = add_cut(m, item->end.epoch, item->end.cuts);
	roster_state_effect(change, ROSTER_EFFECT_CUT, m, 0);
	m->shown.is_void = roster_record_void(m, m->chain[m->chain_count - 1]);
	return error;
}

static int act_anchors(struct roster *r, const struct item_place *place,
	const struct amendment_item *item, struct roster_change *change)
{
	struct wire_reader reader;
	struct amendment_anchor anchor;
	int error = 0;
	wire_reader_init(&reader, item->anchor.list);
	while (!error && amendment_anchor_next(&reader, &anchor)) {
		struct member *m = roster_state_member(r, &anchor.city_id);
		error = add_anchor(m, place, anchor.epoch, &anchor.record_hash);
		if (!error)
			error = roster_record_rechain(r, m, change);
	}
	return error;
}

static int act_floor(const struct amendment_item *item, struct member *m,
	struct roster_change *change)
{
	struct held_floor *floor = m->floors;
	while (floor && floor->lane != item->floor.lane)
		floor = floor->next;
	if (floor && floor->at.seq >= item->floor.seq)
		return 0;
	if (!floor) {
		floor = calloc(1, sizeof(*floor));
		if (!floor)
			return ERROR_MEMORY;
		floor->next = m->floors;
		m->floors = floor;
	}
	floor->lane = item->floor.lane;
	floor->at = (struct epoch_cut){item->floor.seq, item->floor.entry_hash};
	roster_state_effect(change, ROSTER_EFFECT_FLOOR, m, item->floor.lane);
	return 0;
}

static int act_city(struct roster *r, const struct item_place *place,
	const struct amendment_item *item, struct roster_change *change)
{
	struct member *m = roster_state_member(r, &item->city_id);
	int error = 0;
	switch (item->kind) {
	case AMENDMENT_CONFIRM:
		m->shown.confirmed = true;
		m->shown.confirmed_number = place->number;
		roster_state_effect(change, ROSTER_EFFECT_CONFIRMED, m, 0);
		break;
	case AMENDMENT_RESUME:
		m->shown.status = MEMBER_ACTIVE;
		r->active_count++;
		roster_state_effect(change, ROSTER_EFFECT_RESUMED, m, 0);
		break;
	case AMENDMENT_FLOOR:
		error = act_floor(item, m, change);
		break;
	case AMENDMENT_GUARDIAN_CHOICE:
		error = add_anchor(m, place, 0, &item->chosen_record);
		if (!error)
			error = roster_record_rechain(r, m, change);
		break;
	case AMENDMENT_KEY:
		error = act_key(r, place, item, m, change);
		break;
	default:
		error = act_end(r, item, m, change);
		break;
	}
	return error;
}

static int act_officers(struct roster *r, const struct item_place *place,
	const struct amendment_item *item)
{
	struct officers_term *term = malloc(sizeof(*term));
	if (!term)
		return ERROR_MEMORY;
	*term = (struct officers_term){
		.former = r->term, .since = place->number, .officers = item->officers,
	};
	r->term = term;
	return 0;
}

static int act_policy(struct roster *r, const struct amendment_item *item)
{
	struct policy *policy = r->policies;
	while (policy && !bytes_equal(policy->key, item->policy.key))
		policy = policy->next;
	if (!policy) {
		policy = calloc(1, sizeof(*policy));
		if (!policy)
			return ERROR_MEMORY;
		policy->next = r->policies;
		r->policies = policy;
	}
	policy->key = item->policy.key;
	policy->value = item->policy.value;
	return 0;
}

static int act_quota(struct roster *r, const struct amendment_item *item)
{
	struct quota *quota = r->quotas;
	while (quota && !(quota->lane == item->quota.lane && quota->has_city == item->quota.has_city
			&& hash_equal(&quota->city_id, &item->city_id)))
		quota = quota->next;
	if (!quota) {
		quota = calloc(1, sizeof(*quota));
		if (!quota)
			return ERROR_MEMORY;
		quota->next = r->quotas;
		r->quotas = quota;
	}
	quota->has_city = item->quota.has_city;
	quota->city_id = item->city_id;
	quota->lane = item->quota.lane;
	quota->entries = item->quota.entries_a_day;
	quota->bytes = item->quota.bytes_a_day;
	return 0;
}

static int act(struct roster *r, const struct item_place *place, const struct amendment_item *item,
	struct roster_change *change)
{
	switch (item->kind) {
	case AMENDMENT_ADMIT:
		return act_admit(r, place, item, change);
	case AMENDMENT_CONFIRM:
	case AMENDMENT_SUSPEND:
	case AMENDMENT_RESUME:
	case AMENDMENT_REMOVE:
	case AMENDMENT_FLOOR:
	case AMENDMENT_GUARDIAN_CHOICE:
	case AMENDMENT_KEY:
		return act_city(r, place, item, change);
	case AMENDMENT_OFFICERS:
		return act_officers(r, place, item);
	case AMENDMENT_POLICY:
		return act_policy(r, item);
	case AMENDMENT_QUOTA:
		return act_quota(r, item);
	case AMENDMENT_TWO_PERSON:
		if (item->two_person.on)
			r->two_person |= UINT32_C(1) << item->two_person.lane;
		else
			r->two_person &= ~(UINT32_C(1) << item->two_person.lane);
		return 0;
	case AMENDMENT_ANCHOR:
		return act_anchors(r, place, item, change);
	case AMENDMENT_REVIEW:
		r->review_time = item->review_time;
		return 0;
	default:
		return 0; /* erasures are the daemon's; unknown kinds are kept, without effect */
	}
}

int roster_items_act(struct roster *r, const struct item_place *place, struct bytes items,
	struct roster_change *change)
{
	struct wire_reader reader;
	struct amendment_item item;
	int error = 0;
	wire_reader_init(&reader, items);
	while (!error && amendment_item_next(&reader, &item))
		error = act(r, place, &item, change);
	return error;
}
