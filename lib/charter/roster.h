/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The state of one network: what its control objects add up to. Objects go in by roster_apply,
 * which verifies them fully; what they mean comes out by the accessors. docs/protocol.md, section
 * 5.
 *
 * What it holds depends on the set of objects alone, with one exception: of two rival epoch
 * records that nothing anchors, the first to arrive stays. So apply stored objects in their order
 * of arrival.
 *
 * It keeps the bytes of what it takes, reads no clock, and is used by one thread. All pointers
 * and views that it gives out are valid until the next roster_apply.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "charter/address_list.h"
#include "charter/amendment.h"
#include "charter/approval.h"
#include "charter/epoch_record.h"
#include "charter/object.h"

/** Rivals that are kept to be shown: amendments of the network, epoch records of one city. */
#define ROSTER_RIVALS_MAX 16
#define ROSTER_RECORD_RIVALS_MAX 8
#define ROSTER_APPROVALS_MAX 256

struct roster;

/**
 * An empty one. `network_id` may be NULL: then the first genesis decides. `seed` is for the hash
 * maps, random in the daemon. ERROR_MEMORY, ERROR_CRYPTO.
 */
int roster_new(const struct hash *network_id, const uint8_t seed[static MAP_SEED_SIZE],
	struct roster **out);
/** Takes NULL. */
void roster_free(struct roster *roster);

enum roster_change_kind {
	ROSTER_CHANGE_NONE,
	ROSTER_CHANGE_GENESIS,
	ROSTER_CHANGE_AMENDMENT,
	ROSTER_CHANGE_EPOCH_RECORD,
	ROSTER_CHANGE_ADDRESS_LIST,
	ROSTER_CHANGE_APPROVAL,
	ROSTER_CHANGE_FORK_PROOF,
};

/** What happened to one city; a city may stand in the list more than once. */
enum roster_effect_kind {
	ROSTER_EFFECT_ADMITTED,  /* newly active; confirmed or not: see the member */
	ROSTER_EFFECT_CONFIRMED,
	ROSTER_EFFECT_SUSPENDED, /* its links in this network end now */
	ROSTER_EFFECT_RESUMED,
	ROSTER_EFFECT_REMOVED,   /* its links in this network end now */
	ROSTER_EFFECT_KEY,       /* another newest record: links of other keys end now */
	ROSTER_EFFECT_CUT,       /* epochs ended or were voided: apply roster_epoch's ends again */
	ROSTER_EFFECT_FROZEN,    /* rival records, or a fork proof (then lane is not 0) */
	ROSTER_EFFECT_THAWED,
	ROSTER_EFFECT_ADDRESSES,
	ROSTER_EFFECT_FLOOR,
};

struct roster_effect {
	enum roster_effect_kind kind;
	struct hash city_id;
	uint32_t epoch; /* the city's newest after this object */
	uint8_t lane;   /* of FLOOR and of FROZEN by a fork proof, else 0 */
};

/** Two for each item or founder; one kind is noted once for a city. */
#define ROSTER_EFFECTS_MAX 512
/** Approvals that an amendment took away, or the list, proof that another replaced. */
#define ROSTER_DROPPED_MAX ROSTER_APPROVALS_MAX

/**
 * What an apply did. Large: keep one, not one a call. It is filled also where the answer is
 * ERROR_CHARTER_RIVAL; on other errors it says nothing.
 */
struct roster_change {
	enum roster_change_kind kind;
	struct hash object_hash;
	struct hash city_id;  /* of records, lists, proofs; else zeros */
	uint64_t number;      /* of an amendment, approval, address list */
	uint32_t epoch;       /* of a record, list or proof */
	uint8_t lane;         /* of a proof */
	bool stored;          /* the caller stores the object */
	size_t effect_count;
	struct roster_effect effects[ROSTER_EFFECTS_MAX];
	bool overflow;        /* more happened than the list holds: judge every city again */
	size_t dropped_count; /* the caller drops these from its store: object_hash */
	struct hash dropped[ROSTER_DROPPED_MAX];
	/** After a rival amendment: officers who signed both (DESIGN.md 5: they are named). */
	size_t double_signer_count;
	struct public_key double_signers[OFFICERS_MAX];
};

/**
 * Verifies an object fully and applies it, as a whole or not at all; the bytes are copied.
 *
 *  0                          applied; change->stored
 *  ERROR_EXISTS               held already, or outdated by what is held: nothing to do, no breach
 *  ERROR_CHARTER_PREDECESSOR  an earlier object is missing (no genesis, a gap): no breach
 *  ERROR_EPOCH_UNKNOWN        an address list or fork proof of an epoch, or of a node key of that
 *                             epoch, that is not known or not in force here: no breach
 *  ERROR_NOT_MEMBER           it speaks of a city that is not in the roster (yet): no breach
 *  ERROR_CHARTER_RIVAL        valid, but its place is taken; change->stored: to be kept and shown
 *  ERROR_CUT                  a record starts below a cut; rightly so if an amendment that
 *                             cuts lower is still under way
 *  ERROR_CHARTER_UNKNOWN      of another network
 *  ERROR_LIMIT                no more approvals or rivals are kept
 *  ERROR_VERSION              a type or version that is not known here
 *  ERROR_MEMORY, ERROR_CRYPTO after ERROR_MEMORY the roster may be half-way: discard it
 *  else                       it is not valid, for every node and for ever: ERROR_SIGNATURE,
 *                             ERROR_CHARTER_SIGNERS, ERROR_CHARTER_ITEM, ERROR_EPOCH_RECORD,
 *                             ERROR_SLUG_TAKEN, ERROR_KEY, ERROR_FIELD, wire_reader.h's
 * `change` may be NULL.
 */
int roster_apply(struct roster *roster, struct bytes object_wire, struct roster_change *change);

/** The same without verifying signatures: for one's own store, whose objects were verified. */
int roster_load(struct roster *roster, struct bytes object_wire, struct roster_change *change);

/* The charter. */

/** NULL while no network_id was given and no genesis applied. */
const struct hash *roster_network_id(const struct roster *roster);
/** False: every apply but that of the genesis answers ERROR_CHARTER_PREDECESSOR. */
bool roster_has_genesis(const struct roster *roster);
struct bytes roster_name(const struct roster *roster);
struct bytes roster_slug(const struct roster *roster);
/** Number and amendment_hash of the newest amendment (0: the genesis); zeros without genesis. */
uint64_t roster_number(const struct roster *roster);
const struct hash *roster_hash(const struct roster *roster);
/** Time stamp of the newest amendment, ms. */
uint64_t roster_time(const struct roster *roster);
const struct officers *roster_officers(const struct roster *roster);
/** The network that this one continues, or NULL. */
const struct hash *roster_continues(const struct roster *roster);

/** Amendment `number`, 0 for the genesis: envelope and amendment_hash. ERROR_NOT_FOUND. */
int roster_amendment(const struct roster *roster, uint64_t number, struct bytes *wire,
	struct hash *amendment_hash);

/** Rival amendments, oldest first; NULL at the end. */
struct roster_rival {
	uint64_t number;
	struct hash amendment_hash, object_hash;
	struct bytes wire;
};
const struct roster_rival *roster_rival_at(const struct roster *roster, size_t i);

/** Policies in force; empty if there is none. */
struct bytes roster_policy(const struct roster *roster, struct bytes key);
bool roster_two_person(const struct roster *roster, uint8_t lane);
/** A day's quota of a city's lane: its own, else the network's; ERROR_NOT_FOUND. */
int roster_quota(const struct roster *roster, const struct hash *city_id, uint8_t lane,
	uint64_t *entries, uint64_t *bytes);
/** The highest floor of a city's lane; ERROR_NOT_FOUND. */
int roster_floor(const struct roster *roster, const struct hash *city_id, uint8_t lane,
	struct epoch_cut *out);
/** ms; 0: none. */
uint64_t roster_review_time(const struct roster *roster);

/* Members. */

enum member_status {
	MEMBER_ACTIVE,
	MEMBER_SUSPENDED,
	MEMBER_REMOVED,
};

/** "active", "suspended", "removed". */
const char *member_status_name(enum member_status status);

struct roster_member {
	struct hash city_id;
	struct bytes slug, name, country;
	enum member_status status;
	bool confirmed;
	bool frozen;        /* two rival records of an epoch, none of them anchored */
	bool awaits_record; /* the charter anchors a record that is not here yet: no key is valid */
	bool is_void;       /* the newest record starts above an officers' cut: its key is not valid */
	/**
	 * The newest record was given by officers in amendment given_number, stamped given_time. The
	 * rule of 72 hours is the daemon's; `contested`: the city key has signed another record of
	 * that epoch.
	 */
	bool given_by_officers;
	bool contested;
	uint64_t given_number, given_time;
	uint64_t admitted_number; /* of the amendment; 0: a founder */
	uint64_t admitted_time;   /* its stamp, ms */
	uint64_t confirmed_number; /* of the amendment that confirmed it; admitted_number if at once */
	uint32_t epoch;           /* of the newest record, which the three keys are of */
	struct public_key city_key;
	struct public_key node_key;
	struct hash record_hash;
	size_t record_count;      /* of the chain, equal to epoch */
	size_t rival_count;       /* records kept aside */
	const struct address_list *addresses; /* the newest; NULL: none */
};

/** All that were ever admitted, in that order; NULL behind the last. */
size_t roster_member_count(const struct roster *roster);
const struct roster_member *roster_member_at(const struct roster *roster, size_t i);
/** How many are active. */
size_t roster_active_count(const struct roster *roster);
/** These return NULL if there is none. */
const struct roster_member *roster_member_by_city(const struct roster *roster,
	const struct hash *city_id);
const struct roster_member *roster_member_by_slug(const struct roster *roster, struct bytes slug);
/** By the node key of the newest record only, whatever the member's status. */
const struct roster_member *roster_member_by_node_key(const struct roster *roster,
	const struct public_key *node_key);

/**
 * The pin: the node key of the newest record of an active member; not if that record is void or the
 * charter anchors another that is still missing.
 */
bool roster_is_current_pin(const struct roster *roster, const struct public_key *node_key);

/* Epochs. */

struct roster_epoch {
	uint32_t epoch;
	struct public_key node_key;
	uint8_t sealing_key[32];
	uint8_t reason;
	/** Entries of this epoch have seq above start; the entry after it has start's hash as prev. */
	struct epoch_cut start[EPOCH_LANES];
	/**
	 * Entries of this epoch have seq up to end: the least of the officers' cuts and of later
	 * records'. Below start (or of a void epoch: at it) no entry is valid.
	 */
	bool has_end;
	struct epoch_cut end[EPOCH_LANES];
	bool is_void;
	/** Rival records of this epoch, none anchored: entries are stored, but the feed is frozen. */
	bool frozen;
};

/** ERROR_NOT_MEMBER, ERROR_EPOCH_UNKNOWN. */
int roster_epoch(const struct roster *roster, const struct hash *city_id, uint32_t epoch,
	struct roster_epoch *out);

/** What the cuts of the city's next record may not go below. ERROR_NOT_MEMBER. */
int roster_renewal_floor(const struct roster *roster, const struct hash *city_id,
	struct epoch_cut floor[static EPOCH_LANES]);

/** Envelope and hash of a record in the city's chain, epoch from 1. ERROR_NOT_FOUND. */
int roster_record(const struct roster *roster, const struct hash *city_id, uint32_t epoch,
	struct bytes *wire, struct hash *record_hash);
/** The i-th record kept aside; ERROR_NOT_FOUND behind the last. */
int roster_record_rival(const struct roster *roster, const struct hash *city_id, size_t i,
	struct bytes *wire, struct hash *record_hash);

/**
 * The fork proof that freezes a feed: of the city's newest epoch, if there is one. False: not
 * frozen by a proof. `common_seq` and `wire` may be NULL.
 */
bool roster_fork(const struct roster *roster, const struct hash *city_id, uint8_t lane,
	uint64_t *common_seq, struct bytes *wire);
/** The same of one epoch, also one that is over. */
bool roster_fork_of(const struct roster *roster, const struct hash *city_id, uint8_t lane,
	uint32_t epoch, uint64_t *common_seq, struct bytes *wire);

/* Approvals of the amendment that would come next. */

size_t roster_approval_count(const struct roster *roster);
/** ERROR_NOT_FOUND behind the last. */
int roster_approval_at(const struct roster *roster, size_t i, struct approval *out,
	struct bytes *wire);

/* Free-standing objects: all but genesis, the amendments upon it and the records in these. */

struct roster_object {
	uint8_t type;
	struct hash object_hash;
	struct bytes wire;
};

size_t roster_object_count(const struct roster *roster);

/** Where a walk is; start zeroed. */
struct roster_walk {
	int stage;
	size_t member, index;
};
/**
 * All of them in an order in which another roster takes them: records after their predecessors.
 * Send the amendments before. False at the end.
 */
bool roster_object_next(const struct roster *roster, struct roster_walk *walk,
	struct roster_object *out);

/** ERROR_NOT_FOUND. */
int roster_object_find(const struct roster *roster, const struct hash *object_hash,
	struct roster_object *out);

#define ROSTER_RANGES 256

/** The range's digest, docs/protocol.md section 8; computed again only after a change. */
int roster_object_range(struct roster *roster, uint8_t range, struct hash *out);
/** The i-th object of a range, ascending by hash; ERROR_NOT_FOUND behind the last. */
int roster_range_object(const struct roster *roster, uint8_t range, size_t i,
	struct roster_object *out);
