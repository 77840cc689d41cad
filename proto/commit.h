/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/timestamp.h"
#include "crypto/hash.h"
#include "feed/run.h"
#include "proto/blob.h"
#include "store/store.h"

/**
 * What a node asks its writer to make durable: one batch of changes, applied in one transaction and
 * answered as a whole.
 *
 * The node fills it on its own thread and does not touch it until node_on_committed(). A writer may
 * put several commits of one class into one transaction; it calls commit_apply() for each, syncs,
 * updates the guard file for own heads, then answers.
 */

enum commit_class {
	COMMIT_URGENT, /* control objects, alerts, own publishing: a transaction with these holds
					  nothing else */
	COMMIT_BULK,
	COMMIT_CLASS_COUNT,
};

enum commit_op_type {
	COMMIT_RUN,
	COMMIT_FILL, /* as RUN, below a feed that began later */
	COMMIT_OBJECT,
	COMMIT_OBJECT_DROP,
	COMMIT_NETWORK,
	COMMIT_CURSOR,
	COMMIT_GAP,
	COMMIT_GAP_DROP,
	COMMIT_CUT,
	COMMIT_TELL, /* a feed's entries from seq on get a new arrival */
	COMMIT_SETTING,
	COMMIT_ATTACHMENT_WANT,
	COMMIT_ATTACHMENT_BEGIN,
	COMMIT_ATTACHMENT_PROGRESS,
	COMMIT_ATTACHMENT_COMPLETE,
	COMMIT_BEACON, /* the newest of a city, as its frame; source_city gave it, at `arrived` */
};

struct commit_op {
	enum commit_op_type type;
	struct hash network_id, city_id, feed_id; /* what the type needs of them */
	uint8_t lane;
	uint32_t epoch;
	uint64_t seq;      /* RUN, TELL: first seq; GAP, CUT: the seq; OBJECT: its number;
						  ATTACHMENT_PROGRESS:	  chunks */
	struct hash hash;  /* OBJECT: object_hash; GAP: entry_hash; CUT: hash; ATTACHMENT: id */
	struct hash prev;  /* RUN: entry_hash before first seq; GAP: hash of the missing predecessor */
	struct blob *blob; /* RUN, GAP: wire entries; OBJECT: wire; SETTING: value; ATTACHMENT_BEGIN:
						  chunk hashes */
	struct run_entry *index; /* RUN: owned, count entries */
	uint32_t count;
	uint8_t head[HEAD_BYTES];
	bool checkpoint, own;
	bool goes_on; /* CUT: the epoch goes on behind it, since_checkpoint_* are of that place */
	bool by_cut;  /* RUN: it ends at a cut, `head` is none that anybody signed */
	uint32_t since_checkpoint_entries;
	uint64_t since_checkpoint_bytes;
	struct hash last_hash; /* RUN: entry_hash of its last entry */
	struct store_cursor cursor;
	uint8_t object_type;
	uint64_t size; /* ATTACHMENT_BEGIN, ATTACHMENT_WANT: bytes; CUT: the feed's tip after it, whose
					  hash is prev and whose epoch is count */
	char text[64]; /* NETWORK: slug; SETTING: key */
	struct hash source_city; /* zeros: from here */
	struct timestamp arrived;
	struct store_arrival arrival; /* result, of those that get one */
};

struct commit {
	struct commit *next; /* the writer's queue */
	enum commit_class class;
	struct commit_op *ops;
	uint32_t count, capacity;
	size_t bytes; /* payload, for the writer's 1 MiB a transaction */
	int code;     /* result: 0, ERROR_FULL (nothing of it was written), ERROR_IO */
	void (*done)(void *ctx, struct commit *commit); /* called by node_on_committed, may be NULL */
	void *ctx;
	/* the node's own: whose credit its bytes are, and whether control objects of it are pushed only
	 * now */
	uint64_t link_id;
	size_t credit;
	bool credit_urgent, push_after;
};

struct commit *commit_new(enum commit_class class);
/** A zeroed op at the end; NULL without memory. Pointers to former ops move. */
struct commit_op *commit_add(struct commit *commit, enum commit_op_type type);
/** Writer's thread: all ops inside txn, in order; fills arrivals. 0 or the store's error. */
int commit_apply(struct commit *commit, struct store_txn *txn);
void commit_free(struct commit *commit);
