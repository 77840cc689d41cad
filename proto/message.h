/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/buffer.h"
#include "base/timestamp.h"
#include "crypto/hash.h"
#include "crypto/key.h"
#include "feed/head.h"
#include "proto/limits.h"

/**
 * The frames of docs/protocol.md, section 8: one decoder for what a peer sent, one writer for each
 * that we send.
 *
 * To add one: its number in enum message_type, its struct in struct message, a parse_ function and
 * its row in the table of message.c, a message_write_ function, a vector in tests/data/vectors, and
 * the section in the document.
 */

enum message_type {
	MESSAGE_HELLO = 1,
	MESSAGE_WHO,
	MESSAGE_OBJECT,
	MESSAGE_ANNOUNCE,
	MESSAGE_RANGES,
	MESSAGE_RANGE_WANT,
	MESSAGE_OBJECT_WANT,
	MESSAGE_PULL,
	MESSAGE_CREDIT,
	MESSAGE_RUN,
	MESSAGE_FRAGMENT,
	MESSAGE_PULL_END,
	MESSAGE_HELD,
	MESSAGE_ACK,
	MESSAGE_PING,
	MESSAGE_PONG,
	MESSAGE_PAUSED,
	MESSAGE_RESUMED,
	MESSAGE_ATTACHMENT_PULL,
	MESSAGE_ATTACHMENT,
	MESSAGE_ATTACHMENT_END,
	MESSAGE_HOLD_ASK,
	MESSAGE_HOLD,
	MESSAGE_TWIN_NOTICE,
	MESSAGE_TWIN_CHALLENGE,
	MESSAGE_TWIN_PROOF,
	MESSAGE_BEACON,
	MESSAGE_BYE,
	MESSAGE_OBJECT_GONE,
	MESSAGE_BEACON_WANT,
	MESSAGE_BEACON_OFFER,
	MESSAGE_FORK_ASK = 32,
	MESSAGE_FORK_BRANCH,
	MESSAGE_JOIN = 40,
	MESSAGE_JOINED,
	MESSAGE_JOIN_REFUSED,
	MESSAGE_JOIN_END,
	MESSAGE_TYPE_COUNT,
	MESSAGE_UNKNOWN_FIRST = 64, /* from here on unknown types are skipped */
};

/** PULL_END and ATTACHMENT_END. */
enum message_end_code {
	END_DONE,
	END_NOT_HELD,
	END_REFUSED,
	END_LATER
};

/** PAUSED: why nothing more is taken; with a full disk still alerts and control objects. */
enum pause_code {
	PAUSE_FULL = 1,
	PAUSE_BUSY,
	PAUSE_RECOVERING,
};

/** BYE. */
enum bye_code {
	BYE_SHUTDOWN,
	BYE_PROTOCOL,
	BYE_NOT_PINNED,
	BYE_SUSPENDED,
	BYE_REPLACED,
	BYE_TWIN,
	BYE_DENIED,
	BYE_LIMIT,
	BYE_TIMEOUT,
	BYE_FULL,    /* more links than it takes: another city is to be dialled */
	BYE_ROTATED, /* another link takes its turn */
};

#define RANGE_COUNT 256u
#define RANGE_PREFIX_BYTES 8u
#define INSTANCE_BYTES 16u
#define STORE_EPOCH_BYTES 8u
#define RUN_FLAG_PUSHED 1u
/** The run ends at a cut between two heads: its head is the charter's word (run_cut_head). */
#define RUN_FLAG_CUT 2u
/** The run's bytes travel as one Zstandard frame (base/compression.h). */
#define RUN_FLAG_COMPRESSED 4u
/** HELLO's features: the sender takes runs with RUN_FLAG_COMPRESSED. */
#define HELLO_TAKES_COMPRESSED 1u

struct message_cursor {
	uint8_t store_epoch[STORE_EPOCH_BYTES];
	uint64_t arrival;
	uint8_t rolling[8];
};

struct message_network {
	struct hash network_id;
	uint64_t number; /* of the newest amendment */
	struct hash digest;
	uint64_t arrival; /* the sender's newest */
	uint8_t rolling[8];
	bool has_cursor;
	struct message_cursor cursor;
};

struct message_feed {
	struct hash feed_id;
	uint64_t seq;
	struct hash entry_hash;
};

/** A beacon that the sender holds; the city by the first bytes of its city_id. */
#define BEACON_CITY_BYTES 8u
struct message_beacon {
	uint8_t city[BEACON_CITY_BYTES];
	uint32_t epoch;
	struct timestamp time;
};

/** One decoded frame; views point into the frame. Large: keep one and use it again. */
struct message {
	uint32_t type;
	union {
		struct {
			bool version_1;
			uint8_t instance[INSTANCE_BYTES];
			struct timestamp time;
			uint8_t store_epoch[STORE_EPOCH_BYTES];
			struct bytes agent;
			uint64_t features;
			uint32_t count;
			struct message_network networks[LIMIT_NETWORKS];
		} hello;
		struct {
			uint32_t count;
			struct {
				uint8_t blind[16];
				uint64_t number;
			} networks[LIMIT_NETWORKS];
		} who;
		struct {
			struct hash network_id;
			struct bytes wire;
			uint32_t left; /* bytes of the same object that the next OBJECT carries */
		} object;
		struct {
			struct hash network_id;
			uint32_t feed_count, object_count;
			struct message_feed feeds[LIMIT_ANNOUNCE_ITEMS];
			struct hash objects[LIMIT_ANNOUNCE_ITEMS];
			bool has_mark;
			uint64_t arrival;
			uint8_t rolling[8];
		} announce;
		struct {
			struct hash network_id;
			struct bytes objects, feeds;
		} ranges;
		struct {
			struct hash network_id;
			uint8_t objects[32], feeds[32];
		} range_want;
		struct {
			struct hash network_id;
			uint32_t count;
			struct hash hashes[LIMIT_ANNOUNCE_ITEMS];
		} object_want; /* and OBJECT_GONE */
		struct {
			uint64_t limit;
			uint32_t count;
			struct {
				struct hash feed_id;
				uint64_t first_seq;
			} feeds[LIMIT_ANNOUNCE_ITEMS];
		} pull;
		struct {
			uint64_t bulk_limit, urgent_limit;
		} credit;
		struct {
			uint32_t stream;
			struct hash feed_id;
			uint64_t first_seq;
			struct bytes head;
			bool has_prev;
			struct hash prev;
			uint32_t flags;
			bool has_inline;
			struct bytes inline_bytes;
			uint32_t plain_len; /* of a compressed run, else 0 */
		} run;
		struct {
			uint32_t stream;
			uint64_t offset;
			bool last;
			struct bytes bytes;
		} fragment;
		struct {
			struct hash feed_id;
			uint64_t next_seq;
			uint32_t code;
		} pull_end;
		struct message_feed held;
		struct {
			struct hash network_id;
			uint64_t arrival;
		} ack;
		struct {
			uint64_t token;
			struct timestamp time;
		} ping; /* and PONG */
		struct {
			uint32_t code;
			struct bytes text;
		} reason; /* PAUSED, BYE, JOIN_REFUSED */
		struct {
			uint64_t limit;
			struct hash feed_id;
			uint64_t seq;
			struct hash attachment_id;
			uint32_t first_chunk;
			bool with_list;
		} attachment_pull;
		struct {
			uint32_t stream;
			struct hash attachment_id;
			uint64_t size;
			uint32_t first_chunk;
			bool with_list;
		} attachment;
		struct {
			struct hash attachment_id;
			uint32_t code;
		} attachment_end;
		struct {
			struct hash network_id, city_id;
			uint8_t nonce[16];
			uint32_t hops;
		} hold_ask;
		struct {
			struct bytes body;
			struct signature signature;
		} signed_bytes; /* HOLD, BEACON */
		struct {
			struct hash network_id;
			uint64_t number;
			uint32_t count;
			uint8_t cities[LIMIT_BEACON_ITEMS][BEACON_CITY_BYTES];
		} beacon_want;
		struct {
			struct hash network_id;
			uint64_t number;
			uint32_t count;
			struct message_beacon beacons[LIMIT_BEACON_ITEMS];
		} beacon_offer;
		struct {
			uint8_t instance[INSTANCE_BYTES];
		} twin_notice;
		struct {
			uint8_t nonce[32];
		} twin_challenge;
		struct {
			uint8_t nonce[32], instance[INSTANCE_BYTES];
			struct signature signature;
		} twin_proof;
		struct {
			struct hash feed_id;
			uint64_t seq;
		} fork_ask;
		struct {
			struct hash feed_id;
			uint64_t seq;
			struct hash prev;    /* of entry seq + 1, as the sender holds it */
			struct bytes hashes; /* header_hash | body_hash of seq + 1 ..; none: not held */
			struct bytes head;   /* of the last of them; empty: not held */
		} fork_branch;
		struct {
			struct hash proof;
			struct bytes slug, name, country, record;
			uint32_t address_count;
			struct bytes addresses[LIMIT_ADDRESSES];
		} join;
		struct {
			struct hash network_id;
		} joined;
		struct {
			uint64_t number;
			struct hash amendment_hash;
		} join_end;
	};
};

/**
 * Decodes one frame without its length prefix. 0; ERROR_FRAME for what is no array or of an unknown
 * type below 64; ERROR_NOT_CANONICAL and the reader's other errors. An unknown type from 64 on
 * gives 0 and that type.
 */
int message_decode(struct bytes frame, struct message *out);
const char *message_type_name(uint32_t type);

/**
 * A frame of `elements` beside its type: gives where it begins in b, so that message_frame_end()
 * puts its length there. For frames that are not of a link (bundle_write.c) too.
 */
size_t message_frame_begin(struct buffer *b, unsigned type, size_t elements);
void message_frame_end(struct buffer *b, size_t at);

/* Writers append one whole frame, length prefix included. Errors stick in the buffer. */
void message_write_hello(struct buffer *b, const uint8_t instance[INSTANCE_BYTES],
	struct timestamp time, const uint8_t store_epoch[STORE_EPOCH_BYTES], const char *agent,
	const struct message_network *networks, uint32_t count, uint64_t features);
void message_write_who(
	struct buffer *b, uint8_t (*blinds)[16], const uint64_t *numbers, uint32_t count);
/** A fork proof too large for one frame goes in two. */
void message_write_object(struct buffer *b, const struct hash *network_id, struct bytes wire);
void message_write_announce(struct buffer *b, const struct hash *network_id,
	const struct message_feed *feeds, uint32_t feed_count, const struct hash *objects,
	uint32_t object_count, const uint64_t *mark_arrival, const uint8_t *mark_rolling);
void message_write_ranges(
	struct buffer *b, const struct hash *network_id, struct bytes objects, struct bytes feeds);
void message_write_range_want(struct buffer *b, const struct hash *network_id,
	const uint8_t objects[32], const uint8_t feeds[32]);
void message_write_object_want(
	struct buffer *b, const struct hash *network_id, const struct hash *hashes, uint32_t count);
void message_write_object_gone(
	struct buffer *b, const struct hash *network_id, const struct hash *hashes, uint32_t count);
struct message_pull {
	struct hash feed_id;
	uint64_t first_seq;
};
void message_write_pull(
	struct buffer *b, uint64_t limit, const struct message_pull *feeds, uint32_t count);
void message_write_credit(struct buffer *b, uint64_t bulk_limit, uint64_t urgent_limit);
void message_write_run(struct buffer *b, uint32_t stream, const struct hash *feed_id,
	uint64_t first_seq, const uint8_t head[HEAD_BYTES], const struct hash *prev, uint32_t flags,
	const struct bytes *inline_bytes);
/** The same with RUN_FLAG_COMPRESSED: the run has `plain_len` bytes. */
void message_write_run_compressed(struct buffer *b, uint32_t stream, const struct hash *feed_id,
	uint64_t first_seq, const uint8_t head[HEAD_BYTES], const struct hash *prev, uint32_t flags,
	const struct bytes *inline_bytes, uint32_t plain_len);
void message_write_fragment(
	struct buffer *b, uint32_t stream, uint64_t offset, bool last, struct bytes bytes);
void message_write_pull_end(
	struct buffer *b, const struct hash *feed_id, uint64_t next_seq, enum message_end_code code);
void message_write_held(struct buffer *b, const struct message_feed *held);
void message_write_ack(struct buffer *b, const struct hash *network_id, uint64_t arrival);
void message_write_ping(struct buffer *b, uint64_t token);
void message_write_pong(struct buffer *b, uint64_t token, struct timestamp time);
void message_write_paused(struct buffer *b, uint32_t code, const char *text);
void message_write_resumed(struct buffer *b);
void message_write_attachment_pull(struct buffer *b, uint64_t limit, const struct hash *feed_id,
	uint64_t seq, const struct hash *attachment_id, uint32_t first_chunk, bool with_list);
void message_write_attachment(struct buffer *b, uint32_t stream, const struct hash *attachment_id,
	uint64_t size, uint32_t first_chunk, bool with_list);
void message_write_attachment_end(
	struct buffer *b, const struct hash *attachment_id, enum message_end_code code);
void message_write_hold_ask(struct buffer *b, const struct hash *network_id,
	const struct hash *city_id, const uint8_t nonce[16], uint32_t hops);
/** type: MESSAGE_HOLD or MESSAGE_BEACON. */
void message_write_signed(
	struct buffer *b, enum message_type type, struct bytes body, const struct signature *signature);
void message_write_beacon_want(struct buffer *b, const struct hash *network_id, uint64_t number,
	uint8_t (*cities)[BEACON_CITY_BYTES], uint32_t count);
void message_write_beacon_offer(struct buffer *b, const struct hash *network_id, uint64_t number,
	const struct message_beacon *beacons, uint32_t count);
void message_write_twin_notice(struct buffer *b, const uint8_t instance[INSTANCE_BYTES]);
void message_write_twin_challenge(struct buffer *b, const uint8_t nonce[32]);
void message_write_twin_proof(struct buffer *b, const uint8_t nonce[32],
	const uint8_t instance[INSTANCE_BYTES], const struct signature *signature);
void message_write_fork_ask(struct buffer *b, const struct hash *feed_id, uint64_t seq);
/** Not held: no hashes, and no head. */
void message_write_fork_branch(struct buffer *b, const struct hash *feed_id, uint64_t seq,
	const struct hash *prev, struct bytes hashes, struct bytes head);
/** type: MESSAGE_BYE or MESSAGE_JOIN_REFUSED. */
void message_write_reason(
	struct buffer *b, enum message_type type, uint32_t code, const char *text);
void message_write_join(struct buffer *b, const struct hash *proof, const char *slug,
	const char *name, const char *country, struct bytes record, const char *const *addresses,
	uint32_t address_count);
void message_write_joined(struct buffer *b, const struct hash *network_id);
void message_write_join_end(struct buffer *b, uint64_t number, const struct hash *amendment_hash);
