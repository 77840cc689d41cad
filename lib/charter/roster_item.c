/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The items of an amendment: all are checked before any acts, each upon what those before it would
 * have done. The checks look at nothing but the charter, since free-standing objects arrive in
 * another order at every node. docs/protocol.md, section 5.1.
 */
#include <stdlib.h>

#include "base/error.h"
#include "base/text.h"
#include "charter/delegation.h"
#include "charter/roster_state.h"

/* A city as the items so far have left it. */
struct staged {
	struct hash city_id;
	enum member_status status;
	bool confirmed, is_new;
	struct bytes slug;
	struct public_key node_key;
	bool given; /* item 12 stands before */
	uint8_t delegation_id[DELEGATION_ID_BYTES];
	bool delegated;
};

struct stage {
	struct roster *r;
	const struct item_place *place;
	struct staged *list;
	size_t count;
	struct amendment_anchor *anchors;
	size_t anchor_count, anchor_capacity;
};

static struct staged *stage_find(struct stage *stage, const struct hash *city_id)
{
	for (size_t i = 0; i < stage->count; i++) {
		if (hash_equal(&stage->list[i].city_id, city_id))
			return &stage->list[i];
	}
	const struct member *m = roster_state_member(stage->r, city_id);
	if (!m)
		return NULL;
	struct staged *added = &stage->list[stage->count++];
	*added = (struct staged){
		.city_id = *city_id, .status = m->shown.status, .confirmed = m->shown.confirmed,
	};
	return added;
}

void roster_slug_key(struct bytes slug, uint8_t key[static TEXT_SLUG_MAX])
{
	memset(key, 0, TEXT_SLUG_MAX);
	memcpy(key, slug.data, slug.len < TEXT_SLUG_MAX ? slug.len : TEXT_SLUG_MAX);
}

static bool slug_taken(const struct stage *stage, struct bytes slug)
{
	uint8_t key[TEXT_SLUG_MAX];
	roster_slug_key(slug, key);
	if (map_get(&stage->r->by_slug, key))
		return true;
	for (size_t i = 0; i < stage->count; i++) {
		if (stage->list[i].is_new && bytes_equal(stage->list[i].slug, slug))
			return true;
	}
	return false;
}

static bool key_carried(const struct stage *stage, const struct public_key *node_key)
{
	const struct record *record = map_get(&stage->r->by_node_key, node_key->bytes);
	if (record && record->carried)
		return true;
	for (size_t i = 0; i < stage->count; i++) {
		const struct staged *s = &stage->list[i];
		if ((s->is_new || s->given) && public_key_equal(&s->node_key, node_key))
			return true;
	}
	return false;
}

/* Reads a record that an item or genesis carries. */
int roster_item_record(struct bytes wire, bool judged, struct control_object *object,
	struct epoch_record *record, struct hash *record_hash)
{
	int error = object_decode(wire, object);
	if (!error && object->type != OBJECT_EPOCH_RECORD)
		error = ERROR_CHARTER_ITEM;
	if (!error)
		error = judged ? epoch_record_read(object->body, record)
			: epoch_record_decode(object->body, record);
	return error ? error : epoch_record_hash(object->body, record_hash);
}

static int check_delegation(struct stage *stage, const struct amendment_item *item,
	struct staged *staged)
{
	struct delegation delegation;
	int error = delegation_decode(item->admit.delegation, &delegation);
	if (error)
		return error;
	if (!hash_equal(&delegation.network_id, &stage->r->network_id)
		|| !bytes_equal(delegation.slug, item->admit.slug)
		|| map_get(&stage->r->delegations, delegation.id))
		return ERROR_CHARTER_ITEM;
	for (size_t i = 0; i < stage->count; i++) {
		const struct staged *s = &stage->list[i];
		if (s->delegated && memcmp(s->delegation_id, delegation.id, DELEGATION_ID_BYTES) == 0)
			return ERROR_CHARTER_ITEM;
	}
	staged->delegated = true;
	memcpy(staged->delegation_id, delegation.id, DELEGATION_ID_BYTES);
	return 0;
}

static int check_admit(struct stage *stage, const struct amendment_item *item)
{
	struct control_object object;
	struct epoch_record record;
	struct hash record_hash;
	struct staged staged = {.is_new = true, .confirmed = item->admit.confirmed};
	if (slug_taken(stage, item->admit.slug))
		return ERROR_SLUG_TAKEN;
	int error = roster_item_record(item->admit.record, stage->r->trusting, &object, &record,
		&record_hash);
	if (error)
		return error;
	if (record.epoch != 1 || !hash_equal(&record.anchor, stage->place->anchor))
		return ERROR_EPOCH_RECORD;
	if (stage_find(stage, &record.city_id) || key_carried(stage, &record.node_key))
		return ERROR_CHARTER_ITEM;
	if (object.signature_count != 2)
		return ERROR_SIGNATURE;
	if (!stage->r->trusting)
		error = epoch_record_verify(stage->r->verifier, &object, &record, &record_hash,
			&record.city_key);
	if (!error && item->admit.delegation.len)
		error = check_delegation(stage, item, &staged);
	if (error)
		return error;
	staged.city_id = record.city_id;
	staged.status = MEMBER_ACTIVE;
	staged.slug = item->admit.slug;
	staged.node_key = record.node_key;
	stage->list[stage->count++] = staged;
	return 0;
}

/* What the charter anchors for an epoch of a city, or an item before this one; NULL: nothing. */
static const struct hash *find_anchor(const struct stage *stage, const struct member *m,
	uint32_t epoch)
{
	if (epoch == 1)
		return &m->records->record_hash;
	for (const struct anchor *anchor = m->anchors; anchor; anchor = anchor->next) {
		if (anchor->epoch == epoch)
			return &anchor->record_hash;
	}
	for (size_t i = 0; i < stage->anchor_count; i++) {
		const struct amendment_anchor *anchor = &stage->anchors[i];
		if (anchor->epoch == epoch && hash_equal(&anchor->city_id, &m->shown.city_id))
			return &anchor->record_hash;
	}
	return NULL;
}

static int check_anchor(struct stage *stage, const struct member *m, uint32_t epoch,
	const struct hash *record_hash)
{
	const struct hash *held = find_anchor(stage, m, epoch);
	if (held)
		return hash_equal(held, record_hash) ? 0 : ERROR_CHARTER_ITEM;
	void *anchors = stage->anchors;
	int error = roster_state_grow(&anchors, &stage->anchor_capacity, stage->anchor_count,
		sizeof(*stage->anchors));
	stage->anchors = anchors;
	if (error)
		return error;
	stage->anchors[stage->anchor_count++] = (struct amendment_anchor){
		m->shown.city_id, epoch, *record_hash,
	};
	return 0;
}

static int check_anchors(struct stage *stage, const struct amendment_item *item)
{
	struct wire_reader r;
	wire_reader_init(&r, item->anchor.list);
	struct amendment_anchor anchor;
	while (amendment_anchor_next(&r, &anchor)) {
		const struct member *m = roster_state_member(stage->r, &anchor.city_id);
		if (!m)
			return ERROR_CHARTER_ITEM;
		int error = check_anchor(stage, m, anchor.epoch, &anchor.record_hash);
		if (error)
			return error;
	}
	return 0;
}

static int check_key(struct stage *stage, const struct amendment_item *item, struct staged *city)
{
	struct control_object object;
	struct epoch_record record;
	struct hash record_hash;
	const struct member *m = roster_state_member(stage->r, &item->city_id);
	if (!m)
		return ERROR_CHARTER_ITEM;
	int error = roster_item_record(item->key_record, stage->r->trusting, &object, &record,
		&record_hash);
	if (error)
		return error;
	if (object.signature_count != 0 || record.epoch < 2 || city->given
		|| !hash_equal(&record.city_id, &item->city_id)
		|| !hash_equal(&record.anchor, &stage->r->network_id)
		|| key_carried(stage, &record.node_key))
		return ERROR_CHARTER_ITEM;
	error = check_anchor(stage, m, record.epoch - 1, &record.prev);
	if (!error)
		error = check_anchor(stage, m, record.epoch, &record_hash);
	city->given = true;
	city->node_key = record.node_key;
	return error;
}

static int check_standing(struct staged *city, unsigned kind)
{
	switch (kind) {
	case AMENDMENT_CONFIRM:
		if (city->confirmed)
			return ERROR_CHARTER_ITEM;
		city->confirmed = true;
		return 0;
	case AMENDMENT_SUSPEND:
		if (city->status != MEMBER_ACTIVE)
			return ERROR_CHARTER_ITEM;
		city->status = MEMBER_SUSPENDED;
		return 0;
	case AMENDMENT_RESUME:
		if (city->status != MEMBER_SUSPENDED)
			return ERROR_CHARTER_ITEM;
		city->status = MEMBER_ACTIVE;
		return 0;
	case AMENDMENT_REMOVE:
		city->status = MEMBER_REMOVED;
		return 0;
	default:
		return 0;
	}
}

static int check_item(struct stage *stage, const struct amendment_item *item)
{
	struct staged *city;
	switch (item->kind) {
	case AMENDMENT_ADMIT:
		return check_admit(stage, item);
	case AMENDMENT_ANCHOR:
		return check_anchors(stage, item);
	case AMENDMENT_FLOOR:
	case AMENDMENT_GUARDIAN_CHOICE:
		return stage_find(stage, &item->city_id) ? 0 : ERROR_CHARTER_ITEM;
	case AMENDMENT_CONFIRM:
	case AMENDMENT_SUSPEND:
	case AMENDMENT_RESUME:
	case AMENDMENT_REMOVE:
	case AMENDMENT_KEY:
		city = stage_find(stage, &item->city_id);
		if (!city || city->status == MEMBER_REMOVED)
			return ERROR_CHARTER_ITEM;
		return item->kind == AMENDMENT_KEY ? check_key(stage, item, city)
			: check_standing(city, item->kind);
	default:
		return 0;
	}
}

static int stage_init(struct stage *stage, struct roster *r, const struct item_place *place,
	size_t count)
{
	*stage = (struct stage){.r = r, .place = place};
	stage->list = calloc(count + 1, sizeof(*stage->list));
	return stage->list ? 0 : ERROR_MEMORY;
}

static void stage_deinit(struct stage *stage)
{
	free(stage->list);
	free(stage->anchors);
}

int roster_items_check(struct roster *r, const struct item_place *place, struct bytes items,
	size_t count)
{
	struct stage stage;
	struct wire_reader reader;
	struct amendment_item item;
	int error = stage_init(&stage, r, place, count);
	wire_reader_init(&reader, items);
	while (!error && amendment_item_next(&reader, &item))
		error = check_item(&stage, &item);
	stage_deinit(&stage);
	return error;
}

void roster_founder_item(const struct genesis_member *founder, struct amendment_item *item)
{
	*item = (struct amendment_item){.kind = AMENDMENT_ADMIT};
	item->admit.slug = founder->slug;
	item->admit.name = founder->name;
	item->admit.country = founder->country;
	item->admit.record = founder->record;
	item->admit.confirmed = true;
}

int roster_founders_check(struct roster *r, const struct item_place *place,
	const struct genesis *genesis)
{
	struct stage stage;
	struct wire_reader reader;
	struct genesis_member founder;
	struct amendment_item item;
	int error = stage_init(&stage, r, place, genesis->member_count);
	wire_reader_init(&reader, genesis->members);
	while (!error && genesis_member_next(&reader, &founder)) {
		roster_founder_item(&founder, &item);
		error = check_admit(&stage, &item);
	}
	stage_deinit(&stage);
	return error;
}
