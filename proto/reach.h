/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "proto/node.h"

/**
 * What is known here of each city of a network: whether it is linked, what its newest beacon says,
 * through whom that came, and what it shows to be withheld. docs/protocol.md, section 8, Beacon.
 */

struct reach_lane {
	uint64_t named;         /* the newest entry by the city's own word; 0: none */
	uint64_t held;          /* the newest that is durable here */
	bool withheld;          /* it is nothing of it came for ten minutes, or not all in an hour */
	struct timestamp since; /* when the missing ones were first heard of */
};

struct reach_city {
	struct hash network_id, city_id;
	const char *network;
	struct bytes slug;
	bool own, linked, heard; /* heard: there is a beacon */
	bool overdue;            /* none for 70 minutes */
	struct timestamp time;   /* the beacon's, and when it came */
	struct timestamp came;
	struct hash via; /* the peer that it came from */
	uint32_t epoch;
	uint64_t amendment_number;
	struct reach_lane lanes[FEED_LANE_COUNT];
};
/** Each active member of each network; views are valid within the call. */
void reach_each_city(
	const struct node *node, void (*each)(void *ctx, const struct reach_city *city), void *ctx);

/** A beacon names an amendment newer than ours, which nobody gives; false: none for ten minutes. */
bool reach_charter_withheld(const struct node *node, const struct hash *network_id,
	uint64_t *number, struct timestamp *since);

struct reach_holder {
	struct hash city_id;
	struct bytes slug;
	uint64_t seq;          /* up to which it holds the feed */
	struct timestamp time; /* of its word */
};
/** Whose beacons say that they hold this alert feed, which has asked for receipts. */
void reach_each_holder(const struct node *node, const struct hash *feed_id,
	void (*each)(void *ctx, const struct reach_holder *holder), void *ctx);
