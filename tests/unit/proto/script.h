/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "proto/message.h"
#include "tests/unit/proto/cluster.h"

/**
 * A peer played by the test: one end of a link to a node of the cluster, under the key of one of
 * its cities. The test writes frames into `out`, and reads those that the node sends. Failures of
 * the harness itself end the test (require).
 */

struct script {
	struct cluster *c;
	struct city *node, *as;
	struct pipe_end *end;   /* played here; end->peer is the node's */
	struct buffer out;      /* frames of message_write_*, not sent yet */
	struct buffer frame;    /* the last one read: message points into it */
	struct message message; /* decoded */
	uint64_t bulk_limit;    /* as the node granted it, in what was read */
	uint64_t features;      /* which script_hello names; none at first */
};

/** Opens a link under the key of `as`; nothing is said yet. */
void script_open(struct script *s, struct city *node, struct city *as);
/** The same under any key. */
void script_open_key(struct script *s, struct city *node, const struct public_key *key);
void script_close(struct script *s);
/** Writes a HELLO for the cluster's network: `number` of its charter, a digest like nobody's. */
void script_hello(struct script *s, uint64_t number);
/** script_open, HELLO for the charter as the node has it, and all that it says then is read. */
void script_live(struct script *s, struct city *node, struct city *as);
/** What is in `out` arrives, and the cluster runs until it is quiet, without time passing. */
void script_send(struct script *s);
/** The node's next frame, decoded; false: it has said nothing more. */
bool script_next(struct script *s);
/** Reads on to the next frame of that type. */
bool script_seek(struct script *s, enum message_type type);
/** Reads all, and forgets it. */
void script_drain(struct script *s);
/** The node has closed the link. */
bool script_closed(const struct script *s);
/** The code of its BYE, read out of what it has still said; -1: it said none. */
int script_bye(struct script *s);

/** The run of a city's feed that begins with `first_seq`, out of its own store. */
struct script_run {
	struct hash feed_id;
	struct blob *blob;
	struct store_slice slice;
};
void script_run_of(struct city *of, uint8_t lane, uint64_t first_seq, struct script_run *out);
void script_run_free(struct script_run *run);
/** RUN with its entries inline; flags 0 or RUN_FLAG_PUSHED. */
void script_write_run(struct script *s, const struct script_run *run, uint32_t flags);
/** ANNOUNCE of one feed, with a mark if `arrival`. */
void script_announce(struct script *s, const struct hash *feed_id, uint64_t seq,
	const struct hash *entry_hash, uint64_t arrival);
