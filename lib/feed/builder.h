/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The origin's side: entries are added one after another, then closed under one signed head, once
 * for each group commit, and at once where a checkpoint falls due. Whoever builds must hold the
 * only tip of the feed: two builders over one tip make a fork.
 *
 *   feed_builder_init(&b, &tip, lane == FEED_LANE_ALERT);
 *   while (there is a draft) {
 *       feed_builder_add(&b, …, &must_close);
 *       if (must_close) feed_builder_close(&b, …), then store b.entries, b.index and the head
 *   }
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/timestamp.h"
#include "feed/entry.h"
#include "feed/head.h"
#include "feed/run.h"

struct feed_builder {
	struct feed_tip tip;    /* behind the last entry added */
	struct feed_tip before; /* behind the last head: prev and first_seq - 1 of this run */
	bool alert_lane;
	bool closed;            /* the run in `entries` has its head; the next add drops it */
	bool must_close;        /* nothing can be added before feed_builder_close */
	struct buffer entries;  /* wire bytes of the run, valid until the next add */
	struct run_index index; /* the same */
	uint64_t first_seq;     /* of the run in `entries` */
	struct hash prev;       /* entry_hash before first_seq */
};

void feed_builder_init(struct feed_builder *b, const struct feed_tip *tip, bool alert_lane);
void feed_builder_deinit(struct feed_builder *b);

/**
 * Appends one entry; `seq`, `entry_hash` and `must_close` say what became of it. `salt` is random.
 * ERROR_CHECKPOINT if a close is due; ERROR_SIZE and header_decode's errors for what no node would
 * take; ERROR_MEMORY, ERROR_CRYPTO. After an error the builder is as before the call.
 */
int feed_builder_add(struct feed_builder *b, struct hasher *hasher,
	const uint8_t salt[static ENTRY_SALT_BYTES], struct bytes header, struct bytes body,
	uint64_t *seq, struct hash *entry_hash, bool *must_close);

/**
 * The same with hashes made beforehand, by other threads say: the caller vouches for the seal,
 * which is not checked against header and body.
 */
int feed_builder_add_sealed(struct feed_builder *b, struct hasher *hasher,
	const struct entry_seal *seal, struct bytes header, struct bytes body, uint64_t *seq,
	struct hash *entry_hash, bool *must_close);

/**
 * Signs the head of what was added since the last close, a checkpoint where the rule asks for it.
 * The run (first_seq, prev, entries, index) stays readable in the builder until the next add.
 * ERROR_STATE: nothing was added, `key` is not of `node_key`, or the epoch changed between two
 * checkpoints without feed_tip_start_epoch. ERROR_CRYPTO, ERROR_MEMORY.
 */
int feed_builder_close(struct feed_builder *b, uint32_t epoch, const struct public_key *node_key,
	const struct secret_key *key, struct timestamp time, struct head *out);

/** Drops what was added since the last close: its commit failed, its seqs were never shown. */
void feed_builder_rollback(struct feed_builder *b);
