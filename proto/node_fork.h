/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "proto/message.h"
#include "proto/node.h"

/**
 * Two histories of one feed: how they are proven (node_fork.c), and what the proof does to the feed
 * (node_freeze.c). Private to proto/. docs/decisions/030 and 031.
 */

struct feed;

/* node_fork.c */
/** The peer passes on a history with another entry `seq` than the one held here. */
void fork_suspect(struct link *link, struct feed *feed, uint64_t seq);
/** A proof has shown already why histories differ at entry `seq`. */
bool fork_explained(const struct feed *feed, uint64_t seq);
int fork_on_ask(struct link *link, const struct message *m);
int fork_on_branch(struct link *link, const struct message *m);
/** Takes the read. */
void fork_on_read(struct node *node, struct node_read *read);
/** It was cut, or frozen: what is looked for may be found already. */
void fork_feed_changed(struct feed *feed);
void fork_link_closed(struct link *link);
void fork_on_deadline(struct node *node);
struct monotime fork_deadline(const struct node *node);
void fork_free(struct node *node);

/* node_freeze.c */
/**
 * Brings a feed in line with the charter and the fork proofs: frozen or not, and what is held
 * beyond a cut, or is the history that a cut did not choose, moved aside. `link` may be NULL: whom
 * to ask for the other history.
 */
void freeze_settle(struct feed *feed, struct link *link);
/** Frozen or not, as the charter and the proofs have it. */
void freeze_judge(struct feed *feed);
/** A history came that leads on from the last common entry, and the epoch's end is known. */
void freeze_give_way(struct feed *feed);
/** Nothing more of it is taken. */
bool freeze_halts(const struct feed *feed);
/** What peers are told: the durable tip, or the last common entry of a fork. False: nothing. */
bool freeze_told(const struct feed *feed, uint64_t *seq, struct hash *hash);
/** The first seq of which two are signed; 0: none. */
uint64_t freeze_forked_from(const struct feed *feed);
void freeze_free(struct feed *feed);
