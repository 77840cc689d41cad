/* SPDX-License-Identifier: Apache-2.0 */
/** Beacons: a node's hourly signed word on what it has. docs/protocol.md, section 8, Beacon. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/bytes.h"
#include "base/timestamp.h"
#include "crypto/hash.h"
#include "crypto/key.h"
#include "feed/feed.h"

#define BEACON_VERSION 1
#define BEACON_HELD_MAX 1024
/** [version, two ids, numbers], the heads, and the held ones at 45 bytes each: well below a frame.
 */
#define BEACON_BODY_BYTES_MAX 49152

struct beacon_head {
	uint8_t lane;
	uint64_t seq; /* at least 1 */
	struct hash entry_hash;
};

struct beacon_held {
	struct hash feed_id;
	uint64_t seq; /* the highest alert held, at least 1 */
};

struct beacon {
	struct hash network_id;
	struct hash city_id;
	uint32_t epoch;
	struct timestamp time;
	struct beacon_head heads[FEED_LANE_MAX]; /* own feeds, by lane ascending; empty ones left out */
	size_t head_count;
	uint64_t amendment_number;
	struct beacon_held *held; /* by feed_id ascending; the caller's memory */
	size_t held_count;
};

/** Appends the body. ERROR_RANGE or ERROR_NOT_CANONICAL for values that no reader takes. */
int beacon_encode(struct buffer *b, const struct beacon *beacon);

/**
 * Reads a body; `held` (room for `held_max`, at least BEACON_HELD_MAX to take any) becomes
 * out->held. ERROR_SIZE: more than fit; ERROR_NOT_CANONICAL: lanes or feeds out of order; the
 * wire_reader's errors.
 */
int beacon_decode(struct bytes body, struct beacon_held *held, size_t held_max, struct beacon *out);

int beacon_sign(const struct secret_key *key, struct bytes body, struct signature *out);
/** 0, ERROR_SIGNATURE, ERROR_KEY. The caller knows the city's node key. */
int beacon_verify(
	const struct public_key *node_key, struct bytes body, const struct signature *signature);
