/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/timestamp.h"

/** Which feed is pulled over which link, and when; private to proto/. */

struct feed;
struct link;
struct network;
struct node;

void spread_want(struct node *node, struct feed *feed);
void spread_schedule(struct node *node);
/** Its next pull of that feed over that link comes no sooner. */
void spread_put_off(struct link *link, struct feed *feed, int64_t ms);
/** What came over the link waits for our own commits: its silence is no fault of the peer. */
bool spread_digesting(const struct link *link);
/** Something of an open pull has come: a run begun in fragments, one whole, or the end. */
void spread_pull_seen(struct link *link, struct feed *feed, bool begun);
void spread_pull_end(struct link *link, struct feed *feed, uint32_t code);
void spread_link_closed(struct link *link);
void spread_leave(struct link *link, const struct network *network);
void spread_on_deadline(struct node *node);
struct monotime spread_deadline(const struct node *node);
void spread_grant(struct link *link);
/** A share of the node's bulk pool for a link that pulls; false: none is free. */
bool spread_share(struct link *link);
/** Gives it back once nothing is pulled over the link. */
void spread_unshare(struct link *link);
