/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/list.h"
#include "base/map.h"
#include "proto/blob.h"
#include "proto/message.h"
#include "proto/node.h"
#include "proto/rate.h"

/**
 * Beacons: the hourly signed word of each city on what it has; the newest of each is kept and
 * passed on. beacons.c: kept and signed. beacons_tell.c: between links. reach.c: what they show.
 * Private to proto/. docs/protocol.md, section 8, Beacon; docs/decisions/030-beacons.md.
 *
 * Words: *order* this node's own numbering of the beacons it took, a newer one of a city gets a new
 * number; *offer* which beacons there are behind a number; *want* which of them are lacked.
 */

struct network;
struct link;
struct link_network;
struct feed;

struct beacon_lane {
	uint64_t seq; /* 0: it names none */
	struct hash entry_hash;
	struct timestamp ahead_since; /* 0: what it names is held here */
	struct timestamp moved;       /* of those: when the last one came */
	bool judged;                  /* the entry that it names was held against the one here */
	bool said;                    /* that it is withheld stands in the log */
};

/** The newest beacon of a city. */
struct kept_beacon {
	struct list_node by_order;
	uint64_t order;
	struct network *network;
	struct hash city_id;
	uint32_t epoch;
	struct timestamp time, came;
	uint64_t amendment_number;
	struct beacon_lane lanes[FEED_LANE_COUNT];
	struct blob *frame; /* as it is passed on */
	struct hash via;    /* the peer that it came from; zeros: from here */
	uint64_t link_id;
	struct rate rate;
	bool dirty; /* the store has an older one */
};

/** A network's. */
struct beacons {
	struct map by_city;   /* first BEACON_CITY_BYTES of the city_id → struct kept_beacon */
	struct list by_order; /* ascending */
	struct map cursors;   /* city_id → struct beacon_cursor, of peers not linked now */
	uint64_t newest;
	struct monotime own_at, own_signed; /* when the next own one is due; when the last was made */
	bool own_begun;
	struct timestamp begun;               /* when this node began to listen */
	struct timestamp charter_ahead_since; /* a beacon names a newer amendment; 0: none */
	uint64_t charter_ahead;
	struct hash receipts[LIMIT_BEACON_HELD]; /* feeds whose alerts asked for receipts, sorted */
	uint32_t receipt_count;
};

/** What is kept of the exchange with a peer while there is no link. */
struct beacon_cursor {
	uint8_t instance[INSTANCE_BYTES];
	uint64_t number;
};

/** Of one link and network. */
struct beacon_link {
	bool asked;       /* we have sent a first want */
	bool may_offer;   /* the peer's want has come, and no offer is open */
	uint64_t told;    /* our order, up to which it was offered */
	uint64_t number;  /* the peer's order, up to which we have judged */
	uint32_t awaited; /* beacons asked for that have not come */
	bool again;       /* the peer's offer was put off: it is asked anew at ask_at */
	struct monotime ask_at;
};

void beacons_init(struct network *network);
void beacons_free(struct network *network);
/** From the store, at boot. */
int beacons_load(struct node *node);
/** The newest beacon of a city; NULL: none. */
struct kept_beacon *beacons_find(const struct network *network, const uint8_t *city);
/** Whether one of this epoch and time would take the place of what is held. */
bool beacons_newer(
	const struct network *network, const uint8_t *city, uint32_t epoch, struct timestamp time);
/** Verifies and keeps it. ERROR_EXISTS: held, or older; ERROR_NOT_MEMBER, ERROR_EPOCH_UNKNOWN,
 * ERROR_LIMIT, ERROR_RANGE (of the future): dropped; ERROR_SIGNATURE and what beacon_decode says.
 */
int beacons_take(struct link *link, struct bytes body, const struct signature *signature);
/** Something that the own beacon says has changed; `own`: an own head, else what all see at once.
 */
void beacons_changed(struct network *network, bool own);
/** Entries of a feed were committed. */
void beacons_committed(struct feed *feed);
/** An alert of this feed asked for receipts. */
void beacons_receipts(struct feed *feed);
void beacons_on_deadline(struct node *node);
/** The node has something to do at `at`. */
void beacons_soon(struct node *node, struct monotime at);

/* reach.c */
/** What it names has been missing here for too long. */
bool reach_lane_withheld(const struct node *node, const struct beacon_lane *lane);

/* beacons_tell.c */
int beacons_on_beacon(struct link *link, const struct message *m);
int beacons_on_want(struct link *link, const struct message *m);
int beacons_on_offer(struct link *link, const struct message *m);
void beacons_link_live(struct link *link);
void beacons_link_closed(struct link *link);
/** What is due on all links. */
void beacons_tell(struct node *node);
