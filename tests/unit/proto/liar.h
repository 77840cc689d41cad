/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/buffer.h"
#include "proto/message.h"
#include "proto/node.h"

/**
 * A relay that lies: the bytes that an honest node wants to send, changed on their way out. Runs
 * are gathered whole, altered, and sent on in the form in which they came (inline, or in
 * fragments), but plain. For the cluster's `tamper` and for the lying daemon of tests/e2e.
 */

enum lie {
	LIE_NONE,
	LIE_BODY,        /* a byte of a body in the middle of the run */
	LIE_HEADER,      /* the time in a header, which stays canonical */
	LIE_ORDER,       /* two entries change places; runs of one entry exchange theirs */
	LIE_SIGNATURE,   /* of the head */
	LIE_DROP_ENTRY,  /* one out of the middle of a run */
	LIE_DROP_FIRST,  /* a run's first entry, and the run says that it begins after it */
	LIE_DROP_RUN,    /* a feed's second run, whole */
	LIE_PREV,        /* the prev that comes with an alert */
	LIE_EPOCH,       /* the head names another epoch */
	LIE_NODE_KEY,    /* the head names another node key */
	LIE_PURGE,       /* a body is left out as if it had been purged: the hashes stay right */
	LIE_CHUNK,       /* a byte of an attachment's data */
	LIE_CHUNK_LIST,  /* a byte of its chunk hashes */
	LIE_LATER,       /* every pull is answered "later", pushes are left out */
	LIE_SILENT,      /* no pull is answered at all, pushes are left out */
	LIE_CHUNK_LATER, /* the same of attachments alone */
	LIE_CHUNK_SILENT,
	LIE_CENSOR,  /* the same of one feed, the others are served */
	LIE_TRICKLE, /* a run in fragments begins, and nothing more comes of its feed */
	LIE_DIGEST,  /* nothing is announced, the marks say that all was; a wrong digest */
	LIE_PROMISE, /* more is announced than there is, under hashes that are nobody's */
	LIE_COUNT
};

const char *lie_name(enum lie lie);
/** LIE_COUNT: there is none of that name. */
enum lie lie_from_name(const char *name);

#define LIAR_STREAMS 32

struct liar_stream {
	bool open, streamed, attachment;
	uint32_t stream;
	struct hash feed_id;
	uint64_t first_seq, offset, list_bytes;
	uint8_t head[HEAD_BYTES];
	bool has_prev;
	struct hash prev;
	uint32_t flags, plain_len;
	struct buffer entries;
};

/** One link's outgoing side. */
struct liar {
	enum lie lie;
	unsigned told; /* lies, so far */
	struct buffer in, out;
	struct liar_stream streams[LIAR_STREAMS];
	struct liar_stream kept; /* LIE_ORDER: a run of one entry that waits for the next */
	struct hash victim;      /* feed_id, of LIE_CENSOR and LIE_TRICKLE */
	unsigned runs;           /* seen, of LIE_DROP_RUN */
	struct message message;
};

void liar_init(struct liar *liar, enum lie lie);
void liar_deinit(struct liar *liar);
/** Bytes of the honest node; what is to be sent instead is appended to liar->out. */
void liar_take(struct liar *liar, struct bytes bytes);
