/* SPDX-License-Identifier: Apache-2.0 */
/* Epoch records in the roster: which are taken, and which of them make up a city's chain. */
#include <stdlib.h>

#include "base/error.h"
#include "charter/roster_state.h"

static const struct epoch_cut no_cuts[EPOCH_LANES];

const struct epoch_cut *roster_record_cuts(const struct record *record)
{
	return record->cuts ? record->cuts : no_cuts;
}

struct record *roster_record_find(const struct member *m, const struct hash *record_hash)
{
	for (struct record *record = m->records; record; record = record->next) {
		if (hash_equal(&record->record_hash, record_hash))
			return record;
	}
	return NULL;
}

/* Whether it starts at or below the cut in every lane. */
static bool starts_within(const struct record *record, const struct officers_cut *cut)
{
	const struct epoch_cut *start = roster_record_cuts(record);
	for (size_t i = 0; i < EPOCH_LANES; i++) {
		if (start[i].seq > cut->cuts[i].seq)
			return false;
		if (start[i].seq == cut->cuts[i].seq
			&& !hash_equal(&start[i].hash, &cut->cuts[i].hash))
			return false;
	}
	return true;
}

/* A record up to `record` has started at the cut: the feed goes on from there. */
static bool cut_answered(const struct record *record, const struct officers_cut *cut)
{
	for (; record && record->epoch > cut->epoch; record = record->pred) {
		if (starts_within(record, cut))
			return true;
	}
	return false;
}

bool roster_record_void(const struct member *m, const struct record *record)
{
	for (const struct officers_cut *cut = m->cuts; cut; cut = cut->next) {
		if (cut->epoch < record->epoch && !cut_answered(record, cut))
			return true;
	}
	return false;
}

void roster_record_floor(const struct member *m, const struct record *pred,
	struct epoch_cut floor[static EPOCH_LANES])
{
	memcpy(floor, roster_record_cuts(pred), EPOCH_LANES * sizeof(*floor));
	for (const struct officers_cut *cut = m->cuts; cut; cut = cut->next) {
		if (cut->epoch > pred->epoch || cut_answered(pred, cut))
			continue;
		for (size_t i = 0; i < EPOCH_LANES; i++) {
			if (cut->cuts[i].seq < floor[i].seq)
				floor[i] = cut->cuts[i];
		}
	}
}

struct record *roster_record_add(struct roster *r, struct member *m,
	const struct control_object *object, const struct epoch_record *record,
	const struct hash *record_hash, bool carried, bool owned)
{
	struct record *added = calloc(1, sizeof(*added));
	if (!added)
		return NULL;
	*added = (struct record){
		.member = m, .record_hash = *record_hash, .object_hash = object->object_hash,
		.prev = record->prev, .city_key = record->city_key, .node_key = record->node_key,
		.epoch = record->epoch, .guardian_count = record->guardian_count,
		.reason = record->reason, .carried = carried, .wire = object->wire,
	};
	memcpy(added->sealing_key, record->sealing_key, sizeof(added->sealing_key));
	if (memcmp(record->cuts, no_cuts, sizeof(no_cuts)) != 0) {
		added->cuts = malloc(sizeof(no_cuts));
		if (!added->cuts)
			goto fail;
		memcpy(added->cuts, record->cuts, sizeof(no_cuts));
	}
	if (carried ? map_put(&r->by_node_key, added->node_key.bytes, added)
			: roster_range_add(r, OBJECT_EPOCH_RECORD, &added->object_hash, added->wire))
		goto fail;
	added->pred = record->epoch > 1 ? roster_record_find(m, &record->prev) : NULL;
	for (struct record *later = m->records; later; later = later->next) {
		if (later->epoch > 1 && !later->pred && hash_equal(&later->prev, record_hash))
			later->pred = added;
	}
	if (m->last_record)
		m->last_record->next = added;
	else
		m->records = added;
	m->last_record = added;
	added->owns_wire = owned;
	return added;
fail:
	free(added->cuts);
	free(added);
	return NULL;
}

/* The hash that the charter names for this epoch, NULL if none. */
static const struct anchor *anchor_of(const struct member *m, uint32_t epoch)
{
	for (const struct anchor *anchor = m->anchors; anchor; anchor = anchor->next) {
		if (anchor->epoch == epoch)
			return anchor;
	}
	return NULL;
}

static void anchor_branch(struct record *record)
{
	for (; record && !record->anchored; record = record->pred)
		record->anchored = true;
}

/*
 * Anchors of an epoch first, then guardian choices, in the charter's order: a choice acts only
 * among what no anchor decides, and only where the record before it names no guardians of its
 * own.
 */
static void mark_anchored(struct member *m)
{
	for (struct record *record = m->records; record; record = record->next)
		record->anchored = false;
	anchor_branch(m->records); /* the one that the city was admitted with */
	for (const struct anchor *anchor = m->anchors; anchor; anchor = anchor->next) {
		struct record *record = roster_record_find(m, &anchor->record_hash);
		if (anchor->epoch && record && record->epoch == anchor->epoch)
			anchor_branch(record);
	}
	for (const struct anchor *choice = m->anchors; choice; choice = choice->next) {
		struct record *record = roster_record_find(m, &choice->record_hash);
		if (choice->epoch || !record || !record->pred || record->pred->guardian_count)
			continue;
		bool decided = false;
		for (struct record *rival = m->records; rival; rival = rival->next)
			decided = decided || (rival->epoch == record->epoch && rival->anchored);
		if (!decided)
			anchor_branch(record);
	}
}

static bool key_used_before(const struct record *record)
{
	for (const struct record *former = record->pred; former; former = former->pred) {
		if (public_key_equal(&former->node_key, &record->node_key))
			return true;
	}
	return false;
}

/* The next record of the chain; sets *rivals if others could be and nothing decides. */
static struct record *chain_successor(struct member *m, struct record *tip, bool *rivals)
{
	uint32_t epoch = tip ? tip->epoch + 1 : 1;
	const struct anchor *anchor = anchor_of(m, epoch);
	struct record *first = NULL, *anchored = NULL;
	size_t count = 0;
	for (struct record *record = m->records; record; record = record->next) {
		if (record->epoch != epoch || record->pred != tip)
			continue;
		if (record->given && key_used_before(record))
			continue;
		if (anchor && !hash_equal(&anchor->record_hash, &record->record_hash))
			continue;
		count++;
		if (!first)
			first = record;
		if (record->anchored && !anchored)
			anchored = record;
	}
	*rivals = count > 1 && !anchored;
	return anchored ? anchored : first;
}

static int chain_push(struct roster *r, struct member *m, struct record *record)
{
	if (m->chain_count == 0 && !m->chain) {
		m->chain = m->chain_of_one;
		m->chain_capacity = 1;
	} else if (m->chain_count == m->chain_capacity) {
		size_t capacity = 2 * m->chain_capacity + 2;
		struct record **old = m->chain == m->chain_of_one ? NULL : m->chain;
		struct record **chain = realloc(old, capacity * sizeof(*chain));
		if (!chain)
			return ERROR_MEMORY;
		if (!old)
			chain[0] = m->chain_of_one[0];
		m->chain = chain;
		m->chain_capacity = capacity;
	}
	m->chain[m->chain_count++] = record;
	record->in_chain = true;
	const struct record *holder = map_get(&r->by_node_key, record->node_key.bytes);
	if (holder && holder->carried)
		return 0; /* what the charter carries keeps its place, whatever arrives when */
	return map_put(&r->by_node_key, record->node_key.bytes, record);
}

static void chain_clear(struct roster *r, struct member *m)
{
	for (size_t i = 0; i < m->chain_count; i++) {
		struct record *record = m->chain[i];
		record->in_chain = false;
		if (!record->carried && map_get(&r->by_node_key, record->node_key.bytes) == record)
			map_remove(&r->by_node_key, record->node_key.bytes);
	}
	m->chain_count = 0;
	m->frozen_from = 0;
}

/* What is shown of the newest record. */
static void show_tip(struct member *m)
{
	struct roster_member *shown = &m->shown;
	size_t kept = 0;
	for (struct record *record = m->records; record; record = record->next)
		kept++;
	shown->record_count = m->chain_count;
	shown->rival_count = kept - m->chain_count;
	shown->frozen = m->frozen_from != 0;
	shown->epoch = (uint32_t)m->chain_count;
	if (m->chain_count == 0)
		return;
	const struct record *tip = m->chain[m->chain_count - 1];
	shown->city_key = tip->city_key;
	shown->node_key = tip->node_key;
	shown->record_hash = tip->record_hash;
	shown->is_void = roster_record_void(m, tip);
	shown->awaits_record = false;
	shown->given_by_officers = tip->given;
	shown->contested = false;
	shown->given_number = shown->given_time = 0;
	for (const struct anchor *anchor = m->anchors; anchor; anchor = anchor->next) {
		if (anchor->epoch > tip->epoch)
			shown->awaits_record = true;
		if (tip->given && anchor->epoch == tip->epoch) {
			shown->given_number = anchor->number;
			shown->given_time = anchor->time;
		}
	}
	for (const struct record *record = m->records; record && tip->given; record = record->next) {
		if (record->epoch == tip->epoch && !record->given)
			shown->contested = true;
	}
}

/* An address list counts only while the record whose key signed it is in the chain. */
static void drop_stale_list(struct roster *r, struct member *m, struct roster_change *change)
{
	struct held_list *list = m->list;
	if (!list || list->signer->in_chain)
		return;
	roster_range_remove(r, &list->object_hash);
	roster_state_dropped(change, &list->object_hash);
	m->shown.addresses = NULL;
	m->list = NULL;
	free((void *)list->wire.data);
	free(list);
}

static bool has_proof(const struct member *m, uint32_t epoch)
{
	for (const struct held_proof *proof = m->proofs; proof; proof = proof->next) {
		if (proof->epoch == epoch)
			return true;
	}
	return false;
}

/* Shows the new chain and notes what is different. */
static int chain_changed(struct roster *r, struct member *m, const struct roster_member *before,
	struct roster_change *change)
{
	show_tip(m);
	drop_stale_list(r, m, change);
	if (before->record_count == 0)
		return 0; /* just admitted */
	const struct roster_member *now = &m->shown;
	bool other_tip = !hash_equal(&before->record_hash, &now->record_hash);
	bool other_void = before->is_void != now->is_void;
	if (other_tip || other_void || before->awaits_record != now->awaits_record)
		roster_state_effect(change, ROSTER_EFFECT_KEY, m, 0);
	if (other_tip || other_void)
		roster_state_effect(change, ROSTER_EFFECT_CUT, m, 0);
	if (!before->frozen && now->frozen)
		roster_state_effect(change, ROSTER_EFFECT_FROZEN, m, 0);
	bool proof_passed = now->epoch > before->epoch && has_proof(m, before->epoch)
		&& !has_proof(m, now->epoch);
	if ((before->frozen && !now->frozen) || proof_passed)
		roster_state_effect(change, ROSTER_EFFECT_THAWED, m, 0);
	return 0;
}

int roster_record_rechain(struct roster *r, struct member *m, struct roster_change *change)
{
	struct roster_member before = m->shown;
	mark_anchored(m);
	chain_clear(r, m);
	struct record *tip = NULL;
	for (;;) {
		bool rivals;
		tip = chain_successor(m, tip, &rivals);
		if (!tip)
			break;
		if (rivals && !m->frozen_from)
			m->frozen_from = tip->epoch;
		int error = chain_push(r, m, tip);
		if (error)
			return error;
	}
	return chain_changed(r, m, &before, change);
}

/* The usual case, a renewal: it only makes the chain longer. */
static bool extends_chain(const struct member *m, const struct record *added)
{
	if (!added->pred || !added->pred->in_chain || added->pred->epoch != m->chain_count)
		return false;
	for (const struct anchor *anchor = m->anchors; anchor; anchor = anchor->next) {
		if (anchor->epoch == 0 || anchor->epoch >= added->epoch)
			return false;
	}
	for (const struct record *other = m->records; other; other = other->next) {
		if (other != added && (other->epoch > added->epoch || other->pred == added->pred))
			return false;
	}
	return true;
}

static int enter(struct roster *r, struct member *m, struct record *added,
	struct roster_change *change)
{
	if (!extends_chain(m, added))
		return roster_record_rechain(r, m, change);
	struct roster_member before = m->shown;
	int error = chain_push(r, m, added);
	return error ? error : chain_changed(r, m, &before, change);
}

/* What every node judges alike of a record beside its predecessor; sets *pred. */
static int judge(struct roster *r, const struct member *m, const struct control_object *object,
	const struct epoch_record *record, const struct hash *record_hash, struct record **pred)
{
	const struct public_key *city_key = &record->city_key;
	size_t signatures = 2;
	*pred = NULL;
	if (record->epoch == 1) {
		if (!hash_equal(&record->anchor, &r->network_id)
			&& !hash_equal(&record->anchor, &r->core_hash))
			return ERROR_EPOCH_RECORD;
	} else {
		if (!hash_equal(&record->anchor, &r->network_id))
			return ERROR_EPOCH_RECORD;
		*pred = roster_record_find(m, &record->prev);
		if (!*pred)
			return ERROR_CHARTER_PREDECESSOR;
		city_key = &(*pred)->city_key;
		signatures += (*pred)->guardian_count;
	}
	if (object->signature_count < 2 || object->signature_count > signatures)
		return ERROR_SIGNATURE;
	if (r->trusting)
		return 0;
	return epoch_record_verify(r->verifier, object, record, record_hash, city_key);
}

/* The node key is new in its chain and no other city's; the cuts do not go down. */
static int judge_succession(struct roster *r, const struct member *m,
	const struct epoch_record *record, const struct record *pred)
{
	const struct record *holder = map_get(&r->by_node_key, record->node_key.bytes);
	if (holder && holder->member != m)
		return ERROR_EPOCH_RECORD;
	if (!pred)
		return 0;
	for (const struct record *former = pred; former; former = former->pred) {
		if (public_key_equal(&former->node_key, &record->node_key))
			return ERROR_EPOCH_RECORD;
	}
	struct epoch_cut floor[EPOCH_LANES];
	roster_record_floor(m, pred, floor);
	return epoch_record_follows(record, &m->shown.city_id, pred->epoch, &pred->record_hash,
		floor);
}

int roster_record_apply(struct roster *r, const struct control_object *object,
	struct roster_change *change)
{
	struct epoch_record record;
	int error = r->trusting ? epoch_record_read(object->body, &record)
		: epoch_record_decode(object->body, &record);
	if (error)
		return error;
	struct member *m = roster_state_member(r, &record.city_id);
	if (!m)
		return ERROR_NOT_MEMBER;
	struct hash record_hash;
	error = epoch_record_hash(object->body, &record_hash);
	if (error)
		return error;
	if (roster_record_find(m, &record_hash))
		return ERROR_EXISTS;
	struct record *pred;
	error = judge(r, m, object, &record, &record_hash, &pred);
	if (!error)
		error = judge_succession(r, m, &record, pred);
	if (error)
		return error;
	if (m->shown.rival_count >= ROSTER_RECORD_RIVALS_MAX && (!pred || !pred->in_chain
			|| pred->epoch != m->chain_count))
		return ERROR_LIMIT;
	struct bytes wire = roster_state_copy(object->wire);
	if (!wire.data)
		return ERROR_MEMORY;
	struct control_object kept = roster_state_moved(object, wire);
	struct record *added = roster_record_add(r, m, &kept, &record, &record_hash, false, true);
	if (!added) {
		free((void *)wire.data);
		return ERROR_MEMORY;
	}
	change->kind = ROSTER_CHANGE_EPOCH_RECORD;
	change->city_id = m->shown.city_id;
	change->epoch = record.epoch;
	change->stored = true;
	error = enter(r, m, added, change);
	if (error)
		return error;
	return added->in_chain ? 0 : ERROR_CHARTER_RIVAL;
}
