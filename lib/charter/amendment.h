/* SPDX-License-Identifier: Apache-2.0 */
/** Amendments and their items. docs/protocol.md, section 5.1. */
#pragma once

#include <stdbool.h>

#include "charter/epoch_record.h"
#include "charter/genesis.h"
#include "charter/object.h"
#include "charter/officers.h"

#define AMENDMENT_ITEMS_MAX 256
#define AMENDMENT_ANCHORS_MAX 1024
#define AMENDMENT_POLICY_KEY_MAX 64
#define AMENDMENT_POLICY_VALUE_MAX 1024

enum amendment_item_kind {
	AMENDMENT_ADMIT = 1,
	AMENDMENT_CONFIRM = 2,
	AMENDMENT_SUSPEND = 3,
	AMENDMENT_RESUME = 4,
	AMENDMENT_REMOVE = 5,
	AMENDMENT_OFFICERS = 6,
	AMENDMENT_POLICY = 7,
	AMENDMENT_QUOTA = 8,
	AMENDMENT_FLOOR = 9,
	AMENDMENT_GUARDIAN_CHOICE = 10,
	AMENDMENT_TWO_PERSON = 11,
	AMENDMENT_KEY = 12,
	AMENDMENT_ERASURE = 13,
	AMENDMENT_ANCHOR = 14,
	AMENDMENT_REVIEW = 15,
};

/** "admit", "confirm" …; "unknown". Never NULL. */
const char *amendment_item_name(unsigned kind);

/** One item; `kind` says which part of the union holds. Unknown kinds have only `raw`. */
struct amendment_item {
	unsigned kind;
	struct bytes raw; /* the item's bytes, set by decoding */
	struct hash city_id; /* kinds 2 to 5, 9, 10, 12; 8 if has_city */
	union {
		struct {
			struct bytes slug, name, country;
			struct bytes record; /* envelope of epoch record 1 */
			bool confirmed;
			struct bytes delegation; /* charter/delegation.h; empty: nil */
		} admit;
		struct { /* suspend and remove */
			struct bytes reason;
			bool has_cuts;
			uint32_t epoch;
			struct epoch_cut cuts[EPOCH_LANES];
		} end;
		struct officers officers;
		struct {
			struct bytes key, value;
		} policy;
		struct {
			bool has_city; /* false: for every city that has none of its own */
			uint8_t lane;
			uint64_t entries_a_day, bytes_a_day;
		} quota;
		struct {
			uint8_t lane;
			uint64_t seq;
			struct hash entry_hash;
		} floor;
		struct hash chosen_record; /* guardian choice */
		struct {
			uint8_t lane;
			bool on;
		} two_person;
		struct bytes key_record; /* envelope, no signatures: a key given by officers */
		struct {
			struct hash feed_id;
			uint64_t seq;
			struct hash entry_hash;
			struct bytes reason;
		} erasure;
		struct {
			struct bytes list; /* amendment_anchor_next, amendment_anchor_write */
			size_t count;
		} anchor;
		uint64_t review_time; /* ms */
	};
};

struct amendment {
	struct hash network_id;
	uint64_t number; /* from 1 */
	struct hash prev;
	uint64_t time; /* ms */
	struct bytes items; /* to be read with amendment_item_next */
	size_t item_count;
};

/** Every item of a known kind is read and judged by itself (ERROR_CHARTER_ITEM, ERROR_KEY …). */
int amendment_decode(struct bytes body, struct amendment *out);

/** Items in order: start with a reader over amendment.items; false at the end. */
bool amendment_item_next(struct wire_reader *r, struct amendment_item *out);

/** Reads one item, or sets the reader's error. */
void amendment_item_read(struct wire_reader *r, struct amendment_item *out);

/** Appends one item, by `kind`; an unknown kind is copied from `raw`. */
int amendment_item_write(struct buffer *b, const struct amendment_item *item);

/** Appends the body; `amendment->items` and item_count are not read. */
int amendment_encode(struct buffer *b, const struct amendment *amendment,
	const struct amendment_item *items, size_t count);

/** One anchor. */
struct amendment_anchor {
	struct hash city_id;
	uint32_t epoch; /* from 2 */
	struct hash record_hash;
};
bool amendment_anchor_next(struct wire_reader *r, struct amendment_anchor *out);
void amendment_anchor_read(struct wire_reader *r, struct amendment_anchor *out);
/** Appends one to the bytes of anchor.list. */
void amendment_anchor_write(struct buffer *b, const struct amendment_anchor *anchor);

/** H("hansa amendment body 1" | body), of a genesis too. */
int amendment_hash_of(struct bytes body, struct hash *out);

#define AMENDMENT_MESSAGE_BYTES (17 + HASH_SIZE + 8 + HASH_SIZE + HASH_SIZE)
/** What officers sign; of a genesis with number 0 and prev zeros. */
struct amendment_message {
	uint8_t bytes[AMENDMENT_MESSAGE_BYTES];
};
void amendment_signed_message(const struct hash *network_id, uint64_t number,
	const struct hash *prev, const struct hash *amendment_hash, struct amendment_message *out);
