/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pack.h"

#include "base/check.h"
#include "base/error.h"
#include "store/big_endian.h"

#define PACK_VERSION 1

int pack_parse(struct bytes value, uint64_t first_seq, struct pack *out)
{
	const uint8_t *v = value.data;
	if (value.len < PACK_HEADER_SIZE || v[0] != PACK_VERSION)
		return ERROR_CORRUPT;
	uint32_t len = get_u32(v + 8);
	out->first_seq = first_seq;
	out->flags = v[1];
	out->segments = get_u16(v + 2);
	out->count = get_u32(v + 4);
	out->epoch = get_u32(v + 12);
	memcpy(out->prev.bytes, v + 16, HASH_SIZE);
	if (out->count == 0 || out->segments == 0 || out->segments > out->count ||
		pack_size(len, out->count, out->segments, out->flags) != value.len)
		return ERROR_CORRUPT;
	out->entries = bytes_of(v + PACK_HEADER_SIZE, len);
	out->hashes = v + PACK_HEADER_SIZE + len;
	out->ends = out->hashes + (size_t)out->count * HASH_SIZE;
	out->segment_rows = out->ends + (size_t)out->count * 4;
	out->heads = NULL;
	if (out->flags & PACK_HEADS)
		out->heads = out->segment_rows + (size_t)out->segments * PACK_SEGMENT_SIZE;
	uint32_t before = 0;
	for (uint32_t i = 0; i < out->count; i++) {
		uint32_t end = get_u32(out->ends + (size_t)i * 4);
		if (end <= before)
			return ERROR_CORRUPT;
		before = end;
	}
	if (before != len || pack_segment_first(out, 0) != 0)
		return ERROR_CORRUPT;
	return 0;
}

static uint32_t pack_start(const struct pack *p, uint32_t i)
{
	return i == 0 ? 0 : get_u32(p->ends + (size_t)(i - 1) * 4);
}

struct bytes pack_wires(const struct pack *p, uint32_t i, uint32_t n)
{
	require(n > 0 && i < p->count && n <= p->count - i);
	uint32_t from = pack_start(p, i), end = get_u32(p->ends + (size_t)(i + n - 1) * 4);
	return bytes_of(p->entries.data + from, end - from);
}

struct bytes pack_wire(const struct pack *p, uint32_t i)
{
	return pack_wires(p, i, 1);
}

void pack_hash(const struct pack *p, uint32_t i, struct hash *out)
{
	require(i < p->count);
	memcpy(out->bytes, p->hashes + (size_t)i * HASH_SIZE, HASH_SIZE);
}

void pack_prev(const struct pack *p, uint32_t i, struct hash *out)
{
	if (i == 0)
		*out = p->prev;
	else
		pack_hash(p, i - 1, out);
}

const uint8_t *pack_head(const struct pack *p, uint32_t i)
{
	require(i < p->count);
	return p->heads ? p->heads + (size_t)i * PACK_HEAD_SIZE : NULL;
}

uint32_t pack_segment_first(const struct pack *p, uint32_t segment)
{
	return get_u32(p->segment_rows + (size_t)segment * PACK_SEGMENT_SIZE);
}

uint64_t pack_segment_arrival(const struct pack *p, uint32_t segment)
{
	return get_u64(p->segment_rows + (size_t)segment * PACK_SEGMENT_SIZE + 4);
}

uint64_t pack_arrival(const struct pack *p, uint32_t i)
{
	uint32_t low = 0, high = p->segments;
	while (high - low > 1) { /* the last segment that begins at or before i */
		uint32_t middle = low + (high - low) / 2;
		if (pack_segment_first(p, middle) <= i)
			low = middle;
		else
			high = middle;
	}
	return pack_segment_arrival(p, low);
}

void pack_writer_begin(struct pack_writer *w, uint8_t *to, size_t entries_len, uint32_t count,
	uint32_t segments, uint8_t flags, uint32_t epoch, const struct hash *prev)
{
	require(count > 0 && segments > 0 && segments <= count && segments <= UINT16_MAX);
	require(entries_len <= UINT32_MAX);
	*w = (struct pack_writer){
		.to = to,
		.flags = flags,
		.entries_len = entries_len,
		.count = count,
		.segments = segments,
	};
	to[0] = PACK_VERSION;
	to[1] = flags;
	put_u16(to + 2, (uint16_t)segments);
	put_u32(to + 4, count);
	put_u32(to + 8, (uint32_t)entries_len);
	put_u32(to + 12, epoch);
	memcpy(to + 16, prev->bytes, HASH_SIZE);
}

void pack_writer_segment(struct pack_writer *w, uint64_t arrival)
{
	require(w->segments_done < w->segments);
	uint8_t *row = w->to + pack_size(w->entries_len, w->count, w->segments_done, 0);
	put_u32(row, w->count_done);
	put_u64(row + 4, arrival);
	w->segments_done++;
}

void pack_writer_entry(struct pack_writer *w, struct bytes wire, const struct hash *entry_hash)
{
	require(w->count_done < w->count && wire.len <= w->entries_len - w->entries_done);
	uint8_t *hashes = w->to + PACK_HEADER_SIZE + w->entries_len;
	uint8_t *ends = hashes + (size_t)w->count * HASH_SIZE;
	memcpy(w->to + PACK_HEADER_SIZE + w->entries_done, wire.data, wire.len);
	w->entries_done += wire.len;
	memcpy(hashes + (size_t)w->count_done * HASH_SIZE, entry_hash->bytes, HASH_SIZE);
	put_u32(ends + (size_t)w->count_done * 4, (uint32_t)w->entries_done);
	w->count_done++;
}

void pack_writer_head(struct pack_writer *w, const uint8_t head[static PACK_HEAD_SIZE])
{
	require(w->flags & PACK_HEADS && w->heads_done < w->count_done);
	uint8_t *heads = w->to + pack_size(w->entries_len, w->count, w->segments, 0);
	memcpy(heads + (size_t)w->heads_done * PACK_HEAD_SIZE, head, PACK_HEAD_SIZE);
	w->heads_done++;
}

void pack_writer_end(const struct pack_writer *w)
{
	require(w->count_done == w->count && w->segments_done == w->segments &&
		w->entries_done == w->entries_len &&
		w->heads_done == (w->flags & PACK_HEADS ? w->count : 0));
}
