/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The free-standing objects: ranges for the digest, look-ups, walks. docs/protocol.md, section 8.
 */
#include <stdlib.h>

#include "base/error.h"
#include "charter/roster_state.h"

/* Where the hash stands, or would stand. */
static size_t range_position(const struct range *range, const struct hash *object_hash, bool *found)
{
	size_t low = 0, high = range->count;
	*found = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = hash_compare(&range->list[middle].object_hash, object_hash);
		if (order == 0) {
			*found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int roster_range_add(struct roster *r, uint8_t type, const struct hash *object_hash,
	struct bytes wire)
{
	struct range *range = &r->ranges[object_hash->bytes[0]];
	bool found;
	size_t at = range_position(range, object_hash, &found);
	if (found)
		return ERROR_EXISTS;
	void *list = range->list;
	int error = roster_state_grow(&list, &range->capacity, range->count, sizeof(*range->list));
	range->list = list;
	if (error)
		return error;
	memmove(range->list + at + 1, range->list + at, (range->count - at) * sizeof(*range->list));
	range->list[at] = (struct roster_object){
		.type = type, .object_hash = *object_hash, .wire = wire,
	};
	range->count++;
	range->fresh = false;
	r->object_count++;
	return 0;
}

void roster_range_remove(struct roster *r, const struct hash *object_hash)
{
	struct range *range = &r->ranges[object_hash->bytes[0]];
	bool found;
	size_t at = range_position(range, object_hash, &found);
	if (!found)
		return;
	range->count--;
	memmove(range->list + at, range->list + at + 1, (range->count - at) * sizeof(*range->list));
	range->fresh = false;
	r->object_count--;
}

void roster_range_deinit(struct roster *r)
{
	for (size_t i = 0; i < ROSTER_RANGES; i++)
		free(r->ranges[i].list);
}

int roster_object_range(struct roster *r, uint8_t i, struct hash *out)
{
	struct range *range = &r->ranges[i];
	if (!range->fresh) {
		range->digest = (struct hash){{0}};
		if (range->count) {
			hasher_begin(&r->hasher, "hansa range 1");
			for (size_t j = 0; j < range->count; j++)
				hasher_add_hash(&r->hasher, &range->list[j].object_hash);
			int error = hasher_end(&r->hasher, &range->digest);
			if (error)
				return error;
		}
		range->fresh = true;
	}
	*out = range->digest;
	return 0;
}

int roster_range_object(const struct roster *r, uint8_t range, size_t i, struct roster_object *out)
{
	if (i >= r->ranges[range].count)
		return ERROR_NOT_FOUND;
	*out = r->ranges[range].list[i];
	return 0;
}

int roster_object_find(const struct roster *r, const struct hash *object_hash,
	struct roster_object *out)
{
	const struct range *range = &r->ranges[object_hash->bytes[0]];
	bool found;
	size_t at = range_position(range, object_hash, &found);
	if (!found)
		return ERROR_NOT_FOUND;
	*out = range->list[at];
	return 0;
}

size_t roster_object_count(const struct roster *r)
{
	return r->object_count;
}

enum walk_stage {
	WALK_RECORDS,
	WALK_LISTS,
	WALK_APPROVALS,
	WALK_PROOFS,
	WALK_RIVALS,
	WALK_END,
};

static bool walk_record(const struct member *m, size_t *index, struct roster_object *out)
{
	size_t i = 0;
	for (const struct record *record = m->records; record; record = record->next) {
		if (i++ < *index || record->carried)
			continue;
		*index = i;
		*out = (struct roster_object){
			OBJECT_EPOCH_RECORD, record->object_hash, record->wire,
		};
		return true;
	}
	return false;
}

static bool walk_proof(const struct member *m, size_t *index, struct roster_object *out)
{
	size_t i = 0;
	for (const struct held_proof *proof = m->proofs; proof; proof = proof->next) {
		if (i++ < *index)
			continue;
		*index = i;
		*out = (struct roster_object){OBJECT_FORK_PROOF, proof->object_hash, proof->wire};
		return true;
	}
	return false;
}

static bool walk_list(const struct member *m, size_t *index, struct roster_object *out)
{
	if (!m->list || *index)
		return false;
	*index = 1;
	*out = (struct roster_object){OBJECT_ADDRESS_LIST, m->list->object_hash, m->list->wire};
	return true;
}

static bool walk_member(const struct member *m, struct roster_walk *walk, struct roster_object *out)
{
	switch (walk->stage) {
	case WALK_RECORDS: return walk_record(m, &walk->index, out);
	case WALK_LISTS: return walk_list(m, &walk->index, out);
	default: return walk_proof(m, &walk->index, out);
	}
}

bool roster_object_next(const struct roster *r, struct roster_walk *walk, struct roster_object *out)
{
	while (walk->stage < WALK_END) {
		if (walk->stage == WALK_APPROVALS) {
			if (walk->index < r->approval_count) {
				const struct held_approval *held = r->approvals[walk->index++];
				*out = (struct roster_object){
					OBJECT_APPROVAL, held->object_hash, held->wire,
				};
				return true;
			}
		} else if (walk->stage == WALK_RIVALS) {
			if (walk->index < r->rival_count) {
				const struct roster_rival *rival = r->rivals[walk->index++];
				*out = (struct roster_object){
					OBJECT_AMENDMENT, rival->object_hash, rival->wire,
				};
				return true;
			}
		} else {
			while (walk->member < r->member_count) {
				if (walk_member(r->members[walk->member], walk, out))
					return true;
				walk->member++;
				walk->index = 0;
			}
		}
		walk->stage++;
		walk->member = 0;
		walk->index = 0;
	}
	return false;
}
