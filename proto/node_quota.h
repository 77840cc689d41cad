/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "proto/node.h"

/** How much of a feed is taken, and published: the charter's quotas. Private to proto/. */

struct feed;

/** These entries of another city's feed, not verified yet, are too many for now. */
bool quota_full(struct feed *feed, struct bytes entries);
/** They were taken: they count. */
void quota_taken(struct feed *feed, struct bytes entries);
/** Nothing of the feed is asked for yet. */
bool quota_waits(struct feed *feed);
/** One own entry more, which then counts; ERROR_QUOTA. */
int quota_publish(struct feed *feed, size_t header_len, size_t body_len);
void quota_free(struct feed *feed);
