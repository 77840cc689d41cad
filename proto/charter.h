/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/list.h"
#include "base/map.h"
#include "charter/roster.h"
#include "feed/feed.h"
#include "proto/blob.h"

/**
 * A network's control objects as a node holds them: what they add up to, their bytes, the order of
 * their arrival, and the names of the feeds that follow from them. Private to proto/, one thread.
 * Several nodes may hold one, until one of them learns something new (node_config.charters_of).
 */

struct network;

struct object_ref {
	struct list_node by_arrival;
	struct hash object_hash, city_id;
	uint8_t type;
	uint64_t number;  /* of amendments; 0 genesis */
	uint64_t arrival; /* 0: not durable yet */
	struct blob *wire;
};

/** What a feed_id stands for. */
struct feed_name {
	struct hash city_id;
	uint8_t lane;
};

/** Those of a city. */
struct city_names {
	struct city_names *next;
	struct feed_name lanes[FEED_LANE_COUNT];
};

/** The control objects of a network; charter.c. With several holders nothing of it changes. */
struct charter {
	uint32_t holders;
	struct roster *roster;
	struct list objects_by_arrival; /* struct object_ref, durable, ascending */
	struct map objects;             /* object_hash → struct object_ref */
	struct object_ref **amendments; /* by number; durable or not */
	size_t amendment_count, amendment_capacity;
	struct map feed_names; /* feed_id → struct feed_name, of all members */
	struct city_names *names;
};

/** An empty one. ERROR_MEMORY, ERROR_CRYPTO. */
int charter_new(const struct hash *network_id, const uint8_t map_seed[static MAP_SEED_SIZE],
	struct charter **out);
void charter_release(struct charter *charter);
/** Before it changes: this network's alone, read anew from what the others keep. ERROR_MEMORY,
 * ERROR_CRYPTO: nothing has changed. */
int charter_own(struct network *network);
/** A reference of `wire` is taken; NULL without memory. */
struct object_ref *charter_add(struct charter *charter, const struct roster_change *change,
	uint8_t type, struct blob *wire, bool rival);
void charter_drop(struct charter *charter, struct object_ref *ref);
void charter_durable(struct charter *charter, struct object_ref *ref, uint64_t arrival);
/** From the store: not verified again. */
int charter_load(struct charter *charter, struct roster_change *scratch, uint8_t type,
	struct bytes wire, uint64_t arrival);
/** The feeds of a member have names from then on. ERROR_MEMORY, ERROR_CRYPTO. */
int charter_name_city(
	struct charter *charter, const struct hash *network_id, const struct hash *city_id);
int charter_name_all(struct charter *charter, const struct hash *network_id);
/** NULL: of no member. */
const struct feed_name *charter_feed_name(
	const struct charter *charter, const struct hash *feed_id);
