/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "proto/message.h"
#include "proto/node.h"

/**
 * One node among many members of one or two networks, each of which the test plays: it says HELLO,
 * answers pings after as long as it pleases, and hangs up. Failures of the harness end the test.
 */

#define OVERLAY_MEMBERS_MAX 120

struct overlay_world;

struct overlay_member {
	struct overlay_world *world;
	struct secret_key *city_key, *node_key;
	struct hash city_id;
	char slug[16], country[3];
	unsigned networks; /* bit 0, bit 1: those it is in */
	struct link *link; /* NULL: none */
	bool dialled;      /* by the node, while linked */
	bool named;        /* by node_dials, and neither linked nor ended */
	bool refuses;      /* may not be dialled */
	bool closing;
	uint64_t ping;  /* token of a ping that came; 0: none */
	int bye;        /* code of the node's BYE; -1: none */
	int64_t rtt_us; /* it answers pings after so long */
	unsigned dials; /* how often it was named */
};

struct overlay_world {
	struct node *node;
	struct store *store;
	struct node_time now;
	uint64_t random;
	struct secret_key *officer;
	struct hash network_ids[2];
	struct overlay_member members[OVERLAY_MEMBERS_MAX]; /* [0] is the node */
	size_t count;
	struct commit *commits[1024];
	size_t commit_count;
};

/** Members with countries and networks that `shape` sets; all publish "NET.NET.0.N:4400". */
void overlay_world_init(struct overlay_world *w, size_t count,
	void (*shape)(struct overlay_member *member, size_t i), void (*address)(size_t i, char to[64]));
void overlay_world_deinit(struct overlay_world *w);
/** Asks for up to `max` dials; returns how many were named. */
size_t overlay_world_name(struct overlay_world *w, size_t max);
/** A link with both HELLOs. */
void overlay_world_link(struct overlay_world *w, size_t i, bool dialled);
/** What the node asks to be dialled is, until it asks for no more. */
void overlay_world_dial(struct overlay_world *w);
void overlay_world_unlink(struct overlay_world *w, size_t i);
/** Bytes from the member. */
void overlay_world_say(struct overlay_world *w, size_t i, struct bytes frames);
/** Time passes; pings are answered, and links that the node closes are gone. */
void overlay_world_pass(struct overlay_world *w, int64_t ms);
/** Links that the node dialled. */
size_t overlay_world_dialled(const struct overlay_world *w);
