/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "proto/bundle_read.h"
#include "proto/node.h"

/**
 * A bundle taken into a node, by the code that takes what a link brings: each run and object is
 * verified before anything of it is kept, each chunk before it is written. Nobody is blamed for
 * what stands in a file. One import at a time.
 *
 * The caller gives bytes while node_import_receive takes them, and goes on when `wake` has been
 * called; at the end it asks node_import_settled: from then on all that the report counts as new is
 * durable. An import that is given up leaves what it brought; the same bundle again goes on there.
 */

struct node_import;

#define IMPORT_GAPS_MAX 8u

/** Entries of a feed that have no predecessor here. */
struct import_gap {
	struct hash city_id;
	uint8_t lane;
	uint64_t held, first; /* the feed ends here; the bundle begins there */
};

struct import_report {
	uint64_t records_new[FEED_LANE_COUNT];
	uint64_t records_held;    /* here already */
	uint64_t records_waiting; /* no predecessor here, or not to be judged yet: not kept */
	uint64_t records_other;   /* of a second history of their feed: not kept */
	uint64_t objects_new;
	uint64_t attachments_new, attachments_held;
	uint64_t attachments_linked;  /* being fetched over a link now */
	uint64_t attachments_waiting; /* their entry, or an earlier part of them, is not here */
	uint64_t attachments_partial; /* gone on with, not whole yet */
	uint32_t gap_count;           /* feeds with such; the first of them: */
	struct import_gap gaps[IMPORT_GAPS_MAX];
	/* where it is, or where it failed */
	uint64_t frame, offset;
	struct bundle_begin begin;
	bool begun, more; /* more: a further part follows this one */
};

/**
 * `wake` may be called within any call into the node, and may not call into it. ERROR_BUSY: another
 * import is under way. ERROR_MEMORY, ERROR_CRYPTO.
 */
int node_import_open(struct node *node, void (*wake)(void *ctx), void *ctx, struct node_time now,
	struct node_import **out);
/**
 * Takes bytes from the front of *in; what is left waits for `wake`. 0 or what stopped it, for good:
 * the reader's errors, run_verify's and roster_apply's, ERROR_CHARTER_UNKNOWN (a network that this
 * city is not in), ERROR_FULL (intake is paused), each with a complaint that names the place.
 */
int node_import_receive(struct node_import *import, struct bytes *in, struct node_time now,
	struct complaint *complaint);
/** No more bytes come: ERROR_TRUNCATED if it is not whole. */
int node_import_end(struct node_import *import, struct complaint *complaint);
/** All that was taken is durable, or has failed: *code is what stopped it, 0 if nothing did. */
bool node_import_settled(struct node_import *import, int *code, struct complaint *complaint);
const struct import_report *node_import_report(const struct node_import *import);
/** Gives it up if it is not over. Takes NULL. */
void node_import_close(struct node_import *import, struct node_time now);
