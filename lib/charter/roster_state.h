/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What a roster is inside. Private to charter/roster*.c.
 *
 * A city's records form a tree by `pred`; the *chain* is the branch in force, chosen anew by
 * roster_record_rechain whenever records, anchors or cuts that may change it arrive. What is not in
 * the chain is kept aside.
 */
#pragma once

#include "base/text.h"
#include "charter/roster.h"
#include "feed/fork_proof.h"

/** Approvals of one officer: enough for proposals that compete, too few to crowd out the others. */
#define APPROVALS_OF_OFFICER_MAX 8

struct record {
	struct record *next; /* of the city, in order of arrival */
	struct record *pred; /* NULL: record 1, or not here yet */
	struct member *member;
	struct hash record_hash, object_hash, prev;
	struct public_key city_key, node_key;
	struct epoch_cut *cuts; /* NULL: all zeros */
	uint8_t sealing_key[32];
	uint8_t reason;
	uint32_t epoch;
	uint8_t guardian_count;
	bool carried;  /* by the charter: no free-standing object */
	bool given;    /* by officers */
	bool in_chain;
	bool anchored; /* by its hash or a successor's; set by rechain */
	bool owns_wire;
	struct bytes wire;
};

struct anchor {
	struct anchor *next; /* in the charter's order */
	struct hash record_hash;
	uint32_t epoch; /* 0: a guardian choice, which names no epoch */
	uint64_t number, time;
};

struct officers_cut {
	struct officers_cut *next;
	uint32_t epoch;
	struct epoch_cut cuts[EPOCH_LANES];
};

struct held_list {
	struct address_list list; /* views into wire */
	struct hash object_hash;
	const struct record *signer;
	struct bytes wire;
};

struct held_proof {
	struct held_proof *next;
	struct hash object_hash;
	uint32_t epoch;
	uint8_t lane;
	uint64_t seq;
	struct bytes wire;
};

struct held_floor {
	struct held_floor *next;
	uint8_t lane;
	struct epoch_cut at;
};

struct member {
	struct roster_member shown; /* first: a member is cast to what is shown */
	struct record *records, *last_record;
	struct record **chain; /* by epoch - 1 */
	size_t chain_count, chain_capacity;
	struct record *chain_of_one[1]; /* most cities have one record: no allocation */
	struct anchor *anchors, *last_anchor;
	struct officers_cut *cuts;
	struct held_list *list;
	struct held_proof *proofs;
	struct held_floor *floors;
	uint32_t frozen_from; /* first epoch with rivals; 0: none */
};

struct held_amendment {
	struct bytes wire; /* owned */
	struct hash hash;
};

struct held_approval {
	struct approval approval; /* views into wire */
	struct hash object_hash;
	struct bytes wire;
};

/** Officers in office from after amendment `since` on. */
struct officers_term {
	struct officers_term *former;
	uint64_t since;
	struct officers officers;
};

struct policy {
	struct policy *next;
	struct bytes key, value;
};

struct quota {
	struct quota *next;
	bool has_city;
	struct hash city_id;
	uint8_t lane;
	uint64_t entries, bytes;
};

struct range {
	struct roster_object *list; /* ascending by object_hash */
	size_t count, capacity;
	bool fresh; /* digest is that of the list */
	struct hash digest;
};

struct roster {
	bool has_network_id, has_genesis;
	struct hash network_id, core_hash, continued;
	bool continues;
	struct bytes name, slug;
	struct held_amendment *amendments; /* by number */
	size_t amendment_count, amendment_capacity;
	uint64_t time, review_time;
	struct officers_term *term;
	uint32_t two_person; /* bit by lane */
	struct policy *policies;
	struct quota *quotas;
	struct roster_rival *rivals[ROSTER_RIVALS_MAX];
	size_t rival_count;
	struct member **members;
	size_t member_count, member_capacity, active_count;
	struct map by_city;     /* city_id: member */
	struct map by_slug;     /* padded with zeros: member */
	struct map by_node_key; /* of all records in chains or carried: record */
	struct map delegations; /* id: number of the amendment that used it, + 1 */
	struct held_approval *approvals[ROSTER_APPROVALS_MAX];
	size_t approval_count;
	struct range ranges[ROSTER_RANGES];
	size_t object_count;
	struct verifier *verifier;
	struct hasher hasher;
	bool trusting; /* loading: signatures were verified before */
};

static inline struct member *roster_state_member(const struct roster *r, const struct hash *city_id)
{
	return map_get(&r->by_city, city_id->bytes);
}

/** A malloc'd copy; data NULL without memory. */
struct bytes roster_state_copy(struct bytes from);

/** The same object in a copy of its bytes, without hashing them again. */
struct control_object roster_state_moved(const struct control_object *object, struct bytes wire);

/** Notes what happened; beyond the maximum nothing (a static bound makes that impossible). */
void roster_state_effect(struct roster_change *change, enum roster_effect_kind kind,
	const struct member *m, uint8_t lane);
void roster_state_dropped(struct roster_change *change, const struct hash *object_hash);

/** Makes room for one more element in an array of pointers or structs; ERROR_MEMORY. */
int roster_state_grow(void **array, size_t *capacity, size_t count, size_t element);

/* roster_object.c: the free-standing objects by range. */
int roster_range_add(struct roster *r, uint8_t type, const struct hash *object_hash,
	struct bytes wire);
void roster_range_remove(struct roster *r, const struct hash *object_hash);
void roster_range_deinit(struct roster *r);

/* roster_record.c */
struct record *roster_record_find(const struct member *m, const struct hash *record_hash);
/**
 * Adds a verified record to its city; `wire` is taken over if `owned`. It enters the chain by
 * rechain only. NULL without memory.
 */
struct record *roster_record_add(struct roster *r, struct member *m,
	const struct control_object *object, const struct epoch_record *record,
	const struct hash *record_hash, bool carried, bool owned);
/** Chooses the chain anew and notes the effects. */
int roster_record_rechain(struct roster *r, struct member *m, struct roster_change *change);
int roster_record_apply(struct roster *r, const struct control_object *object,
	struct roster_change *change);
/** Starts above a cut of officers that no record before it has answered. */
bool roster_record_void(const struct member *m, const struct record *record);
/** What a successor of `pred` may not go below. */
void roster_record_floor(const struct member *m, const struct record *pred,
	struct epoch_cut floor[static EPOCH_LANES]);
const struct epoch_cut *roster_record_cuts(const struct record *record);

/* roster_amendment.c */
int roster_genesis_apply(struct roster *r, const struct control_object *object,
	struct roster_change *change);
int roster_amendment_apply(struct roster *r, const struct control_object *object,
	struct roster_change *change);
const struct officers *roster_amendment_officers_before(const struct roster *r, uint64_t number);

/* roster_item.c: the items of one amendment, checked as a whole before any acts. */
struct item_place {
	uint64_t number, time;
	const struct hash *anchor; /* of admitted records */
};
int roster_items_check(struct roster *r, const struct item_place *place, struct bytes items,
	size_t count);
int roster_founders_check(struct roster *r, const struct item_place *place,
	const struct genesis *genesis);
/** A founder as the admit item that it amounts to. */
void roster_founder_item(const struct genesis_member *founder, struct amendment_item *item);
/** Reads a record that an item or a genesis carries; `judged`: it was judged by itself before. */
int roster_item_record(struct bytes wire, bool judged, struct control_object *object,
	struct epoch_record *record, struct hash *record_hash);
/** The key of by_slug. */
void roster_slug_key(struct bytes slug, uint8_t key[static TEXT_SLUG_MAX]);

/* roster_act.c; `items` are views into bytes that the roster keeps. Only ERROR_MEMORY. */
int roster_items_act(struct roster *r, const struct item_place *place, struct bytes items,
	struct roster_change *change);
int roster_founders_act(struct roster *r, const struct item_place *place,
	const struct genesis *genesis, struct roster_change *change);
