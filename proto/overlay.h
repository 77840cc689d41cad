/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/map.h"
#include "proto/node.h"
#include "proto/overlay_prefix.h"

/**
 * Whom this node links to (DESIGN.md, section 6, Overlay), as node_dials and its like in node.h
 * tell the daemon. Private to proto/.
 *
 * A node keeps dial_max links that it dialled itself, whatever links others make to it: who fills
 * those that it accepts, however many, has not chosen one of its own. Most are drawn at random from
 * all members, since a random graph of this degree holds together when half of its nodes die; a
 * quarter are those with the shortest round trips, for speed. No country and no network prefix has
 * more than half of them while others can be had, and each shared network has two at least. Once an
 * hour one drawn at random gives way to another. A choice costs a few draws, not a walk of the
 * roster.
 *
 * overlay.c: choosing. overlay_links.c: links counted, rotated, and turned away where there are
 * too many. overlay_prefix.c: addresses.
 *
 * Words: *dial* a link that this side made or is making; *shunned* a city that is passed over for a
 * while, since it is full or its turn is over.
 */

struct link;
struct network;

#define OVERLAY_DIALS_MAX 64u
#define OVERLAY_DIALS_DEFAULT 8u
/* As many as memory is meant for: 32 KiB an idle link, 64 MiB in all (DESIGN.md, section 12). */
#define OVERLAY_ACCEPTS_DEFAULT 1024u
#define OVERLAY_PENDING_MAX (OVERLAY_DIALS_MAX + 8u) /* and those that the admin asked for */
#define OVERLAY_NEAR_MAX 32u
#define OVERLAY_SHUNNED_MAX 64u
#define OVERLAY_NETWORK_DIALS 2u /* at least, of each network */

#define OVERLAY_ROTATE_MS (60 * 60 * 1000)
/* Who is full: not before the first, not gladly before the second. It may soon have room again, but
 * a thousand cities that ask each minute would be a load of their own. */
#define OVERLAY_FULL_MS (60 * 1000)
#define OVERLAY_SHUN_MS (30 * 60 * 1000)

/** A city that was named to the daemon, which has not said what became of it. */
struct overlay_pending {
	struct hash city_id;
	struct public_key key;
};

struct overlay_near {
	struct hash city_id;
	int64_t rtt_us;
};

struct overlay_shunned {
	struct hash city_id;
	struct monotime never_before, not_gladly_before;
};

struct overlay {
	uint32_t dial_max, accept_max;
	uint32_t dialled;  /* links that this side dialled and that are not closing */
	uint32_t accepted; /* links of others, live */
	struct map keys;   /* node key → how many links of it are not closing, as pointer */
	struct overlay_pending pending[OVERLAY_PENDING_MAX];
	uint32_t pending_count;
	/* The shortest round trips of links there were, ascending. */
	struct overlay_near near[OVERLAY_NEAR_MAX];
	uint32_t near_count;
	struct overlay_shunned shunned[OVERLAY_SHUNNED_MAX];
	uint32_t shunned_count;
	struct monotime rotate_at;
	bool rotating;            /* one more is dialled; when it lives, another gives way */
	struct monotime again_at; /* not all members were looked at: then some more are */
};

void overlay_init(struct overlay *overlay, const uint8_t map_seed[static MAP_SEED_SIZE]);
void overlay_deinit(struct overlay *overlay);

/** A link was opened, or begins to close; each once in its life. */
void overlay_link_opened(struct link *link);
void overlay_link_closing(struct link *link);
/** Both HELLOs were accepted. May close another link, or this one: look at its state. */
void overlay_link_live(struct link *link);
/** The other side closes the link with BYE 9. */
void overlay_link_full(struct link *link);
/** One drawn at random is closed, not `newest` (or NULL); then the next hour begins. */
void overlay_rotate(struct node *node, const struct link *newest);
/** The next hour begins. */
void overlay_rotate_later(struct node *node);
/** Something that was new here came over this link. */
void overlay_news(struct link *link, struct network *network);
/** A link that is not closing with this key. */
bool overlay_linked(const struct node *node, const struct public_key *key);
