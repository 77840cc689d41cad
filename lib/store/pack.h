/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A pack: consecutive entries of one feed and one epoch in one value, as received back to back, so
 * that a backlog is served by copying stored bytes. Keyed (feed number u32, first seq u64).
 *
 *     version u8 = 1 | flags u8 | segments u16 | count u32
 *     entries length u32 | epoch u32 | prev 32
 *     entries
 *     count x entry_hash 32
 *     count x end u32, of each entry, counted from the first one's start
 *     segments x (first index u32 | arrival u64), the runs that brought the entries
 *     with PACK_HEADS: count x head 181
 *
 * A value of at most PACK_BYTES_MAX fills 16 pages of 4 KiB with LMDB's page header of 16 bytes. A
 * pack with more holds a single entry.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "crypto/hash.h"

#define PACK_BYTES_MAX 65520u
#define PACK_HEADER_SIZE 48u
#define PACK_SEGMENT_SIZE 12u
#define PACK_HEAD_SIZE 181u
/** What an entry costs beside its wire form. */
#define PACK_ENTRY_COST 36u
/** Flag: store_merge may join it with its neighbours. */
#define PACK_LIVE 1u
/** Flag: each entry has a head of its own, that is kept for ever: alerts. It saves them a row. */
#define PACK_HEADS 2u

struct pack {
	uint64_t first_seq;
	uint8_t flags;
	uint32_t epoch;
	uint32_t count;
	uint32_t segments;
	struct hash prev; /* entry_hash before the first entry */
	struct bytes entries;
	const uint8_t *hashes, *ends, *segment_rows;
	const uint8_t *heads; /* NULL without PACK_HEADS */
};

/** Bytes of a pack. */
static inline size_t pack_size(size_t entries_len, size_t count, size_t segments, uint8_t flags)
{
	return PACK_HEADER_SIZE + entries_len + count * PACK_ENTRY_COST + segments * PACK_SEGMENT_SIZE +
		(flags & PACK_HEADS ? count * PACK_HEAD_SIZE : 0);
}

/** Views into `value`. ERROR_CORRUPT. */
int pack_parse(struct bytes value, uint64_t first_seq, struct pack *out);

/** `i` < count in all of these. */
struct bytes pack_wire(const struct pack *p, uint32_t i);
/** Of the entries i .. i+n-1 together. */
struct bytes pack_wires(const struct pack *p, uint32_t i, uint32_t n);
void pack_hash(const struct pack *p, uint32_t i, struct hash *out);
/** The hash before entry i. */
void pack_prev(const struct pack *p, uint32_t i, struct hash *out);
/** The entry's own head, 181 bytes; NULL without PACK_HEADS. */
const uint8_t *pack_head(const struct pack *p, uint32_t i);
/** Of the run that brought it. */
uint64_t pack_arrival(const struct pack *p, uint32_t i);
uint64_t pack_segment_arrival(const struct pack *p, uint32_t segment);
/** The first entry of a segment. */
uint32_t pack_segment_first(const struct pack *p, uint32_t segment);
static inline uint64_t pack_last_seq(const struct pack *p)
{
	return p->first_seq + p->count - 1;
}

/** Writing: fills `pack_size` bytes in place, part after part. */
struct pack_writer {
	uint8_t *to;
	uint8_t flags;
	size_t entries_len;
	uint32_t count, segments;
	uint32_t count_done, segments_done, heads_done;
	size_t entries_done;
};
void pack_writer_begin(struct pack_writer *w, uint8_t *to, size_t entries_len, uint32_t count,
	uint32_t segments, uint8_t flags, uint32_t epoch, const struct hash *prev);
/** The entries that follow were brought by this run. */
void pack_writer_segment(struct pack_writer *w, uint64_t arrival);
void pack_writer_entry(struct pack_writer *w, struct bytes wire, const struct hash *entry_hash);
/** The head of the entry put last, with PACK_HEADS. */
void pack_writer_head(struct pack_writer *w, const uint8_t head[static PACK_HEAD_SIZE]);
/** All that was announced at the beginning has come: required. */
void pack_writer_end(const struct pack_writer *w);
