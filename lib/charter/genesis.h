/* SPDX-License-Identifier: Apache-2.0 */
/** The first object of a network, amendment number 0. docs/protocol.md, section 5.1. */
#pragma once

#include "charter/object.h"
#include "charter/officers.h"

#define CHARTER_NAME_MAX 128
#define CHARTER_COUNTRY_BYTES 2
#define CHARTER_REASON_MAX 256
#define GENESIS_NONCE_BYTES 16
#define GENESIS_MEMBERS_MAX 256

struct genesis {
	struct bytes name; /* of the network */
	struct bytes slug;
	uint8_t nonce[GENESIS_NONCE_BYTES];
	struct officers officers;
	uint64_t time; /* ms */
	bool continues; /* an older network, `continued` */
	struct hash continued;
	struct bytes members; /* to be read with genesis_member_next */
	size_t member_count;
	struct hash core_hash;  /* set by decode: founders' records 1 are anchored to it */
	struct hash network_id; /* set by decode */
};

/** A founder. */
struct genesis_member {
	struct bytes slug, name, country;
	struct bytes record; /* the envelope of epoch record 1 */
};

/**
 * Also judges names, slugs, countries and officers (ERROR_FIELD, ERROR_KEY, ERROR_CHARTER_ITEM).
 */
int genesis_decode(struct bytes body, struct genesis *out);

/** Founders in order: start with a reader over genesis.members; false at the end. */
bool genesis_member_next(struct wire_reader *r, struct genesis_member *out);

/** What the records of the founders name, before these exist. */
int genesis_core_hash(const struct genesis *genesis, struct hash *out);

/** Appends the body; members are taken from the array. */
int genesis_encode(struct buffer *b, const struct genesis *genesis,
	const struct genesis_member *members, size_t count);

/** H("hansa network 1" | genesis body). */
int genesis_network_id(struct bytes body, struct hash *out);

/** A name of 1 to `max` bytes without control characters; a country of two letters A-Z. */
bool charter_name_valid(struct bytes name, size_t max);
bool charter_country_valid(struct bytes country);
