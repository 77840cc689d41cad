/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * Every maximum of the wire protocol and of a node's queues, with its reason (docs/protocol.md,
 * section 10).
 */

#include "feed/feed.h"

#define LIMIT_FRAME_BYTES 65532u      /* one read buffer; the length prefix not counted */
#define LIMIT_FRAME_EARLY_BYTES 4096u /* until HELLO is accepted: strangers get little */
#define LIMIT_FRAGMENT_BYTES 16300u   /* with its frame it fills one 16 KiB TLS record */
#define LIMIT_EARLY_BYTES 65536u      /* taken in the charter-only state */
#define LIMIT_EARLY_ANSWER_BYTES \
	61440u                       /* sent to a side in it: with its frames and HELLO below that */
#define LIMIT_EARLY_NETWORKS 30u /* in a HELLO of at most 4 KiB; a further one names the rest */
#define LIMIT_OBJECT_WANTS 512u  /* objects asked for and not answered, of one link and network */
#define LIMIT_ORIGINAL_BYTES (4u << 20) /* a CAP original that goes before calls and documents */
#define LIMIT_SLICES \
	4u /* stored slices that a link holds to send, beyond one of each open stream */
#define LIMIT_SLICES_URGENT 6u          /* the same, of alerts and CAP originals */
#define LIMIT_OBJECT_BYTES 61440u       /* a control object travels in one frame */
#define LIMIT_OBJECT_PARTS_BYTES 81920u /* a fork proof, in two frames */
#define LIMIT_RUN_BYTES RUN_BYTES_MAX   /* 512 KiB, then one more entry of the largest size */
#define LIMIT_PULLS_OPEN 4096u       /* pulls a peer may have open: 40 bytes each at the server */
#define LIMIT_PULL_BYTES (16u << 20) /* bytes served for one pull before PULL_END (3 later) */
#define LIMIT_NETWORKS 64u           /* networks a city can be in */
#define LIMIT_ANNOUNCE_ITEMS 512u    /* feeds and objects in one ANNOUNCE: 40 KiB */
#define LIMIT_PUSH_BYTES 16384u      /* a larger alert is announced and pulled first */
#define LIMIT_URGENT_START_BYTES 16384u    /* urgent limit before the first CREDIT */
#define LIMIT_URGENT_WINDOW_BYTES 65536u   /* urgent window of a live link */
#define LIMIT_BULK_WINDOW_BYTES (2u << 20) /* bulk window of a link that pulls */
#define LIMIT_BULK_POOL_BYTES (16u << 20)  /* of a node: at most eight links pull at once */
#define LIMIT_CONTROL_QUEUE_BYTES \
	(1u << 20)                   /* answers waiting for one socket; more: cut the link */
#define LIMIT_MARKS 256u         /* marks not yet reached, of one link and network */
#define LIMIT_OUTSTANDING 65536u /* announced items awaited of one link */
#define LIMIT_HOLD_NONCES 4096u  /* remembered, so that a flood of questions ends */
#define LIMIT_HOLD_HOPS 8u
#define LIMIT_GAP_ENTRIES 64u /* alerts kept ahead of a gap, a feed */
#define LIMIT_GAP_AHEAD 1024u
#define LIMIT_BEACON_ITEMS 64u        /* beacons in one offer: 1.3 KiB, some 25 KiB of beacons */
#define LIMIT_BEACON_BODY_BYTES 8192u /* one is kept of each of 10,000 cities */
#define LIMIT_BEACON_HELD 128u        /* feeds in the own one */
#define LIMIT_TEXT_BYTES 128u /* human text in a frame */
#define LIMIT_ADDRESSES 8u
#define LIMIT_ADDRESS_BYTES 255u

#define LIMIT_CHARTER_ONLY_MS 5000
#define LIMIT_BOOTSTRAP_MS 60000 /* a lost charter must have come to the peer's key by then */
#define LIMIT_AT_ONCE_MS 5000    /* two links opened within it were dialled from both sides */
#define LIMIT_PING_AFTER_MS 15000
#define LIMIT_PONG_WITHIN_MS 10000
#define LIMIT_ANNOUNCE_BATCH_MS 50
#define LIMIT_PULL_TIMEOUT_MIN_MS 2000
#define LIMIT_BEACON_EVERY_MS 3600000   /* each node signs one as often */
#define LIMIT_BEACON_CHANGED_MS 60000   /* and no sooner after the last one, if something changed */
#define LIMIT_BEACON_OVERDUE_MS 4200000 /* ten minutes past the hour */
#define LIMIT_BEACON_AHEAD_MS 600000    /* one of a later time is refused */
#define LIMIT_BEACON_BATCH_MS 5000      /* what came since is offered together */

_Static_assert(LIMIT_BULK_WINDOW_BYTES >= 2 * LIMIT_RUN_BYTES, "credit never deadlocks a run");
_Static_assert(LIMIT_OBJECT_BYTES + 64 <= LIMIT_FRAME_BYTES, "an OBJECT fits its frame");
_Static_assert(LIMIT_PUSH_BYTES + 512 <= LIMIT_FRAME_BYTES, "a pushed RUN fits its frame");
_Static_assert(LIMIT_URGENT_START_BYTES >= LIMIT_PUSH_BYTES, "the first push needs no CREDIT");
