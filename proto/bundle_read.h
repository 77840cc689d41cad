/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/buffer.h"
#include "proto/message.h"

/**
 * Reads a part of a bundle (docs/protocol.md, section 13), sans-IO: bytes in, items out, one at a
 * time and in their order. It checks the framing and holds to the limits; what the items say is
 * for bundle_check.h and node_bundle.c to verify.
 *
 * Words: *part* one file; *set* the parts of one export, which share a random name; *item* what one
 * or more frames amount to: an object, a whole run, an attachment's beginning, bytes of it.
 */

#define BUNDLE_MAGIC "hansa bundle 1\n"
#define BUNDLE_MAGIC_BYTES 15u
/** Frame types that no link has. */
#define BUNDLE_FRAME_END 60u
#define BUNDLE_FRAME_BEGIN 61u
#define BUNDLE_SET_BYTES 16u
#define BUNDLE_PARTS_MAX 9999u

enum bundle_item_type {
	BUNDLE_NOTHING, /* the bytes given have no whole item: more are needed */
	BUNDLE_BEGIN,
	BUNDLE_OBJECT,
	BUNDLE_RUN,
	BUNDLE_ATTACHMENT, /* DATA follow, the last one says so */
	BUNDLE_DATA,
	BUNDLE_END,
};

struct bundle_begin {
	uint8_t set[BUNDLE_SET_BYTES];
	uint32_t part; /* from 1 */
	struct hash network_id;
	char slug[33], name[129]; /* as the charter at the exporting city has them */
	struct timestamp made;
	uint64_t since_ms; /* 0: from the beginning */
};

struct bundle_run {
	struct hash feed_id;
	uint64_t first_seq;
	uint8_t head[HEAD_BYTES];
	bool has_prev;
	struct hash prev; /* entry_hash before first_seq */
	uint32_t flags;   /* RUN_FLAG_CUT or none */
	struct bytes entries;
};

struct bundle_attachment {
	struct hash id, feed_id;
	uint64_t seq; /* the entry of feed_id that names it */
	uint64_t size;
	uint32_t first_chunk; /* DATA: all chunk hashes, then the chunks from this one on */
};

struct bundle_item {
	enum bundle_item_type type;
	uint64_t frame;         /* number of its first frame, from 1 */
	uint64_t offset;        /* where that begins in the file */
	struct hash network_id; /* OBJECT */
	struct bytes object;
	struct bundle_run run;
	struct bundle_attachment attachment; /* also with DATA: which it belongs to */
	struct bytes data;
	bool last; /* DATA: no more of this attachment in this part */
	bool more; /* END: a further part of the set follows */
};

struct bundle_reader {
	struct hasher hasher;
	struct buffer frame, object, run;
	struct message message;
	struct bundle_begin begin; /* valid once BEGIN was given */
	struct bundle_item item;
	uint64_t offset, frames; /* bytes taken; frames completed */
	uint64_t frame_offset;   /* of the frame in hand */
	uint32_t stream;
	uint64_t stream_offset;
	bool magic, begun, ended, in_run, in_attachment, pulled;
	uint32_t object_left;
	int error; /* sticky */
};

/** ERROR_MEMORY, ERROR_CRYPTO. */
int bundle_reader_init(struct bundle_reader *r);
void bundle_reader_deinit(struct bundle_reader *r);
/**
 * Takes bytes from the front of *in up to the end of one item; BUNDLE_NOTHING when *in is used up
 * before. *item is valid until the next call, its views while *in's bytes are too. Errors stick:
 * ERROR_FRAME (no bundle, or what no frame of one can be), ERROR_NOT_CANONICAL and the other
 * errors of message_decode, ERROR_MESSAGE (out of its place), ERROR_LIMIT, ERROR_CHAIN (the hash of
 * the whole is another), ERROR_TRAILING (bytes behind the end), ERROR_VERSION.
 */
int bundle_reader_next(struct bundle_reader *r, struct bytes *in, const struct bundle_item **item);
/** There are no more bytes: 0, ERROR_TRUNCATED, or the error that sticks. */
int bundle_reader_end(const struct bundle_reader *r);

/**
 * Finds where one part ends in a stream of several, without judging it: how many of the bytes
 * belong to the part in hand. Zeroed it is at a part's beginning.
 */
struct bundle_cut {
	uint64_t at;
	uint32_t left; /* bytes of the frame in hand */
	uint8_t length[4], head[2];
	uint32_t length_have, head_have;
	bool sealed; /* section 14: its header, then chunks of which the last says so */
	bool ended;
};
size_t bundle_cut_take(struct bundle_cut *cut, struct bytes bytes);
