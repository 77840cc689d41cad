/* SPDX-License-Identifier: Apache-2.0 */
/* Who is in the roster, and what each city's epochs are. */
#include "base/error.h"
#include "charter/roster_state.h"

const char *member_status_name(enum member_status status)
{
	switch (status) {
	case MEMBER_ACTIVE: return "active";
	case MEMBER_SUSPENDED: return "suspended";
	case MEMBER_REMOVED: return "removed";
	}
	return "unknown";
}

size_t roster_member_count(const struct roster *r)
{
	return r->member_count;
}

const struct roster_member *roster_member_at(const struct roster *r, size_t i)
{
	return i < r->member_count ? &r->members[i]->shown : NULL;
}

size_t roster_active_count(const struct roster *r)
{
	return r->active_count;
}

const struct roster_member *roster_member_by_city(const struct roster *r,
	const struct hash *city_id)
{
	const struct member *m = roster_state_member(r, city_id);
	return m ? &m->shown : NULL;
}

const struct roster_member *roster_member_by_slug(const struct roster *r, struct bytes slug)
{
	uint8_t key[TEXT_SLUG_MAX];
	if (!text_slug_valid(slug))
		return NULL;
	roster_slug_key(slug, key);
	const struct member *m = map_get(&r->by_slug, key);
	return m ? &m->shown : NULL;
}

const struct roster_member *roster_member_by_node_key(const struct roster *r,
	const struct public_key *node_key)
{
	const struct record *record = map_get(&r->by_node_key, node_key->bytes);
	if (!record || !public_key_equal(&record->member->shown.node_key, node_key))
		return NULL;
	return &record->member->shown;
}

bool roster_is_current_pin(const struct roster *r, const struct public_key *node_key)
{
	const struct roster_member *member = roster_member_by_node_key(r, node_key);
	return member && member->status == MEMBER_ACTIVE && !member->is_void
		&& !member->awaits_record;
}

/* Takes each lane's cut where it is lower than what is there. */
static void lower(struct roster_epoch *out, const struct epoch_cut cuts[static EPOCH_LANES])
{
	for (size_t i = 0; i < EPOCH_LANES; i++) {
		if (!out->has_end || cuts[i].seq < out->end[i].seq)
			out->end[i] = cuts[i];
	}
	out->has_end = true;
}

int roster_epoch(const struct roster *r, const struct hash *city_id, uint32_t epoch,
	struct roster_epoch *out)
{
	const struct member *m = roster_state_member(r, city_id);
	*out = (struct roster_epoch){.epoch = epoch};
	if (!m)
		return ERROR_NOT_MEMBER;
	if (epoch == 0 || epoch > m->chain_count)
		return ERROR_EPOCH_UNKNOWN;
	const struct record *record = m->chain[epoch - 1];
	out->node_key = record->node_key;
	out->reason = record->reason;
	memcpy(out->sealing_key, record->sealing_key, sizeof(out->sealing_key));
	memcpy(out->start, roster_record_cuts(record), sizeof(out->start));
	out->frozen = m->frozen_from && epoch >= m->frozen_from;
	out->is_void = roster_record_void(m, record);
	for (const struct officers_cut *cut = m->cuts; cut; cut = cut->next) {
		if (cut->epoch >= epoch)
			lower(out, cut->cuts);
	}
	/* Later records start no lower than the next one, or than officers' cuts seen above. */
	if (epoch < m->chain_count)
		lower(out, roster_record_cuts(m->chain[epoch]));
	if (out->is_void) {
		memcpy(out->end, out->start, sizeof(out->end));
		out->has_end = true;
	}
	return 0;
}

int roster_renewal_floor(const struct roster *r, const struct hash *city_id,
	struct epoch_cut floor[static EPOCH_LANES])
{
	const struct member *m = roster_state_member(r, city_id);
	if (!m)
		return ERROR_NOT_MEMBER;
	roster_record_floor(m, m->chain[m->chain_count - 1], floor);
	return 0;
}

int roster_record(const struct roster *r, const struct hash *city_id, uint32_t epoch,
	struct bytes *wire, struct hash *record_hash)
{
	const struct member *m = roster_state_member(r, city_id);
	if (!m || epoch == 0 || epoch > m->chain_count)
		return ERROR_NOT_FOUND;
	*wire = m->chain[epoch - 1]->wire;
	*record_hash = m->chain[epoch - 1]->record_hash;
	return 0;
}

int roster_record_rival(const struct roster *r, const struct hash *city_id, size_t i,
	struct bytes *wire, struct hash *record_hash)
{
	const struct member *m = roster_state_member(r, city_id);
	for (const struct record *record = m ? m->records : NULL; record; record = record->next) {
		if (record->in_chain || i--)
			continue;
		*wire = record->wire;
		*record_hash = record->record_hash;
		return 0;
	}
	return ERROR_NOT_FOUND;
}

bool roster_fork(const struct roster *r, const struct hash *city_id, uint8_t lane,
	uint64_t *common_seq, struct bytes *wire)
{
	const struct member *m = roster_state_member(r, city_id);
	return m && roster_fork_of(r, city_id, lane, m->shown.epoch, common_seq, wire);
}

bool roster_fork_of(const struct roster *r, const struct hash *city_id, uint8_t lane,
	uint32_t epoch, uint64_t *common_seq, struct bytes *wire)
{
	const struct member *m = roster_state_member(r, city_id);
	for (const struct held_proof *proof = m ? m->proofs : NULL; proof; proof = proof->next) {
		if (proof->lane != lane || proof->epoch != epoch)
			continue;
		if (common_seq)
			*common_seq = proof->seq;
		if (wire)
			*wire = proof->wire;
		return true;
	}
	return false;
}

int roster_floor(const struct roster *r, const struct hash *city_id, uint8_t lane,
	struct epoch_cut *out)
{
	const struct member *m = roster_state_member(r, city_id);
	for (const struct held_floor *floor = m ? m->floors : NULL; floor; floor = floor->next) {
		if (floor->lane != lane)
			continue;
		*out = floor->at;
		return 0;
	}
	return ERROR_NOT_FOUND;
}
