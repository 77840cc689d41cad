/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The header of an entry: a small canonical msgpack array that is hashed apart from the body, so
 * that it can be read, filtered and kept while the body is purged. Byte-exact in docs/protocol.md
 * section 3. Replication checks exactly what header_decode checks; dates and kinds may be odd.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/bytes.h"
#include "crypto/hash.h"

#define HEADER_SIZE_MAX 8192
#define HEADER_ELEMENTS_MIN 10
#define HEADER_ELEMENTS_MAX 18
#define HEADER_TRAILING_MAX (HEADER_ELEMENTS_MAX - HEADER_ELEMENTS_MIN)
#define HEADER_BODY_SIZE_MAX 262144
#define HEADER_TOPICS_MAX 16
#define HEADER_TOPIC_SIZE_MAX 64
#define HEADER_ATTACHMENTS_MAX 64
#define HEADER_REFERENCES_MAX 16
#define HEADER_ATTACHMENT_SIZE_MAX (UINT64_C(1) << 40)
#define CONTENT_ID_SIZE 16

/** Bits of `flags`. */
#define HEADER_FLAG_SEALED 1
#define HEADER_FLAG_RECEIPTS 2
#define HEADER_FLAG_DRAFT 4

/** Bits of an attachment's flags. */
#define HEADER_ATTACHMENT_CAP_ORIGINAL 1

/** Names one entry of any feed, for ever. */
struct entry_reference {
	struct hash feed_id;
	uint64_t seq; /* from 1 */
	struct hash entry_hash;
};

struct header_attachment {
	struct hash id;
	uint64_t size; /* bytes */
	uint8_t flags;
};

/**
 * Zeroed, it is an encodable header but for its kind. The views (topics, trailing) are owned by
 * somebody else: after header_decode they point into the decoded bytes.
 */
struct header {
	uint16_t kind;
	uint64_t time_ms;   /* since 1970 UTC, as the origin claims; below 2^63 */
	uint64_t expiry_ms; /* 0: none */
	uint16_t flags;
	uint32_t body_size;
	uint8_t content_id[CONTENT_ID_SIZE];
	struct bytes topics[HEADER_TOPICS_MAX];
	size_t topic_count;
	bool has_supersedes;
	struct entry_reference supersedes;
	struct header_attachment attachments[HEADER_ATTACHMENTS_MAX];
	size_t attachment_count;
	bool has_references;
	struct entry_reference references[HEADER_REFERENCES_MAX];
	size_t reference_count;
	struct bytes trailing; /* elements of a later version, as they came */
	size_t trailing_count;
};

/**
 * Appends the canonical bytes. ERROR_SIZE if a count or the whole is over its limit, ERROR_RANGE
 * if a number is, ERROR_UTF8 for a topic that is not UTF-8, ERROR_MEMORY; then `out` is as before,
 * its error aside.
 */
int header_encode(const struct header *h, struct buffer *out);

/**
 * Strict: any other bytes than header_encode's are refused with the code of wire_reader, or
 * ERROR_SIZE above HEADER_SIZE_MAX. On error `*h` is zeroed.
 */
int header_decode(struct bytes input, struct header *h);
