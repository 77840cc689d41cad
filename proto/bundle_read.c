/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/bundle_read.h"

#include <string.h>

#include "base/error.h"
#include "base/wire_reader.h"
#include "crypto/seal.h"
#include "feed/attachment_id.h"

_Static_assert(BUNDLE_MAGIC_BYTES == SEAL_MAGIC_BYTES, "bundle_cut tells them apart");

/* A part is a link's frames, one stream at a time: a run or an attachment that was begun is ended
 * before anything else comes. */

#define BEGIN_ELEMENTS 8u
#define END_ELEMENTS 4u
#define SPARE 8u
/* Where the words "bundle" and "sealed" of the two magics begin. */
#define SEALED_AT 6u
/* A run's memory grows with what has come of it. */
#define RUN_ROOM_FIRST 65536u

int bundle_reader_init(struct bundle_reader *r)
{
	memset(r, 0, sizeof *r);
	buffer_init(&r->frame, LIMIT_FRAME_BYTES + 4);
	buffer_init(&r->object, LIMIT_OBJECT_PARTS_BYTES);
	buffer_init(&r->run, RUN_BYTES_MAX);
	int code = hasher_init(&r->hasher);
	if (code == 0)
		hasher_begin(&r->hasher, NULL);
	return code;
}

void bundle_reader_deinit(struct bundle_reader *r)
{
	buffer_deinit(&r->frame);
	buffer_deinit(&r->object);
	buffer_deinit(&r->run);
	hasher_deinit(&r->hasher);
}

static int text_of(char *to, size_t room, struct bytes text)
{
	if (text.len >= room)
		return ERROR_SIZE;
	memcpy(to, text.data, text.len);
	to[text.len] = 0;
	return 0;
}

static int on_begin(struct bundle_reader *r, struct wire_reader *w, size_t have)
{
	struct bundle_begin *b = &r->begin;
	wire_reader_bin_exact(w, b->set, sizeof b->set);
	b->part = (uint32_t)wire_reader_uint(w, BUNDLE_PARTS_MAX);
	wire_reader_bin_exact(w, b->network_id.bytes, HASH_SIZE);
	struct bytes slug = wire_reader_str(w, 1, 32), name = wire_reader_str(w, 1, 128);
	b->made = timestamp_from_ms((int64_t)wire_reader_uint(w, TIMESTAMP_MS_MAX));
	b->since_ms = wire_reader_uint(w, TIMESTAMP_MS_MAX);
	for (size_t i = BEGIN_ELEMENTS; i < have && !w->error; i++)
		wire_reader_skip(w);
	int code = wire_reader_end(w);
	if (code)
		return code;
	if (b->part == 0)
		return ERROR_RANGE;
	if (text_of(b->slug, sizeof b->slug, slug) || text_of(b->name, sizeof b->name, name))
		return ERROR_SIZE;
	r->begun = true;
	r->item.type = BUNDLE_BEGIN;
	return 0;
}

/* The hash is over all before this frame: it was not added yet. */
static int on_end(struct bundle_reader *r, struct wire_reader *w, size_t have)
{
	struct hash said, is;
	uint64_t count = wire_reader_uint(w, UINT64_MAX);
	wire_reader_bin_exact(w, said.bytes, HASH_SIZE);
	r->item.more = wire_reader_bool(w);
	for (size_t i = END_ELEMENTS; i < have && !w->error; i++)
		wire_reader_skip(w);
	int code = wire_reader_end(w);
	if (code == 0)
		code = hasher_end(&r->hasher, &is);
	if (code)
		return code;
	if (count != r->frames || !hash_equal(&said, &is))
		return ERROR_CHAIN;
	r->ended = true;
	r->item.type = BUNDLE_END;
	return 0;
}

static int on_object(struct bundle_reader *r)
{
	const struct message *m = &r->message;
	struct buffer *whole = &r->object;
	if (r->object_left == 0) {
		buffer_reset(whole);
		r->item.network_id = m->object.network_id;
		if (m->object.left == 0) {
			r->item.object = m->object.wire;
			r->item.type = BUNDLE_OBJECT;
			return 0;
		}
	} else if (!hash_equal(&r->item.network_id, &m->object.network_id) ||
		m->object.wire.len + m->object.left != r->object_left) {
		return ERROR_MESSAGE;
	}
	if (buffer_push_bytes(whole, m->object.wire))
		return whole->error == ERROR_SIZE ? ERROR_LIMIT : whole->error;
	r->object_left = m->object.left;
	if (r->object_left)
		return 0;
	r->item.object = buffer_bytes(whole);
	r->item.type = BUNDLE_OBJECT;
	return 0;
}

static int on_run(struct bundle_reader *r)
{
	const struct message *m = &r->message;
	struct bundle_run *run = &r->item.run;
	if (m->run.flags & ~RUN_FLAG_CUT)
		return ERROR_MESSAGE;
	run->feed_id = m->run.feed_id;
	run->first_seq = m->run.first_seq;
	memcpy(run->head, m->run.head.data, HEAD_BYTES);
	run->has_prev = m->run.has_prev;
	run->prev = m->run.prev;
	run->flags = m->run.flags & RUN_FLAG_CUT;
	if (m->run.has_inline) {
		run->entries = m->run.inline_bytes;
		r->item.type = BUNDLE_RUN;
		return 0;
	}
	r->in_run = true;
	r->stream = m->run.stream;
	r->stream_offset = 0;
	buffer_reset(&r->run);
	return 0;
}

static int on_attachment_pull(struct bundle_reader *r)
{
	const struct message *m = &r->message;
	struct bundle_attachment *a = &r->item.attachment;
	a->feed_id = m->attachment_pull.feed_id;
	a->seq = m->attachment_pull.seq;
	a->id = m->attachment_pull.attachment_id;
	a->first_chunk = m->attachment_pull.first_chunk;
	if (!m->attachment_pull.with_list || a->seq == 0)
		return ERROR_MESSAGE;
	r->pulled = true;
	return 0;
}

static int on_attachment(struct bundle_reader *r)
{
	const struct message *m = &r->message;
	struct bundle_attachment *a = &r->item.attachment;
	if (!r->pulled || !hash_equal(&a->id, &m->attachment.attachment_id) ||
		a->first_chunk != m->attachment.first_chunk || !m->attachment.with_list)
		return ERROR_MESSAGE;
	a->size = m->attachment.size;
	if (a->size == 0 || a->size > ATTACHMENT_BYTES_MAX ||
		a->first_chunk >= attachment_chunk_count(a->size))
		return ERROR_LIMIT;
	r->pulled = false;
	r->in_attachment = true;
	r->stream = m->attachment.stream;
	r->stream_offset = 0;
	r->item.type = BUNDLE_ATTACHMENT;
	return 0;
}

static int on_fragment(struct bundle_reader *r)
{
	const struct message *m = &r->message;
	struct bytes bytes = m->fragment.bytes;
	if (m->fragment.stream != r->stream || m->fragment.offset != r->stream_offset || bytes.len == 0)
		return ERROR_MESSAGE;
	r->stream_offset += bytes.len;
	if (r->in_attachment) {
		r->item.type = BUNDLE_DATA;
		r->item.data = bytes;
		r->item.last = m->fragment.last;
		r->in_attachment = !m->fragment.last;
		return 0;
	}
	if (buffer_push_bytes(&r->run, bytes))
		return r->run.error == ERROR_SIZE ? ERROR_LIMIT : r->run.error;
	if (m->fragment.last) {
		r->in_run = false;
		r->item.run.entries = buffer_bytes(&r->run);
		r->item.type = BUNDLE_RUN;
	}
	return 0;
}

static int on_frame(struct bundle_reader *r, struct bytes frame)
{
	struct wire_reader w;
	wire_reader_init(&w, frame);
	size_t have = wire_reader_array(&w, 1, 1024);
	uint64_t type = wire_reader_uint(&w, UINT32_MAX);
	if (w.error)
		return ERROR_FRAME;
	bool open = r->in_run || r->in_attachment;
	if (type == BUNDLE_FRAME_BEGIN || type == BUNDLE_FRAME_END) {
		size_t known = type == BUNDLE_FRAME_BEGIN ? BEGIN_ELEMENTS : END_ELEMENTS;
		if (have < known || have > known + SPARE)
			return ERROR_FRAME;
		if (open || r->pulled || r->object_left || (type == BUNDLE_FRAME_BEGIN) == r->begun)
			return ERROR_MESSAGE;
		return type == BUNDLE_FRAME_BEGIN ? on_begin(r, &w, have) : on_end(r, &w, have);
	}
	if (!r->begun)
		return ERROR_MESSAGE;
	if (type >= MESSAGE_UNKNOWN_FIRST)
		return 0;
	int code = message_decode(frame, &r->message);
	if (code)
		return code;
	if (open != (type == MESSAGE_FRAGMENT) || (r->object_left && type != MESSAGE_OBJECT) ||
		(r->pulled && type != MESSAGE_ATTACHMENT))
		return ERROR_MESSAGE;
	switch (type) {
	case MESSAGE_OBJECT:
		return on_object(r);
	case MESSAGE_RUN:
		return on_run(r);
	case MESSAGE_FRAGMENT:
		return on_fragment(r);
	case MESSAGE_ATTACHMENT_PULL:
		return on_attachment_pull(r);
	case MESSAGE_ATTACHMENT:
		return on_attachment(r);
	default:
		return ERROR_MESSAGE;
	}
}

/* What continues an item keeps its number; else it is where an item may begin. */
static void note_place(struct bundle_reader *r)
{
	if (r->in_run || r->object_left || r->pulled)
		return;
	r->item.frame = r->frames + 1;
	r->item.offset = r->frame_offset;
}

static int gather(struct bundle_reader *r, struct bytes *in, size_t want)
{
	struct bytes part = bytes_slice(*in, 0, want - r->frame.len);
	*in = bytes_slice(*in, part.len, SIZE_MAX);
	r->offset += part.len;
	return part.len ? buffer_push_bytes(&r->frame, part) : 0;
}

static int take_magic(struct bundle_reader *r, struct bytes *in)
{
	int code = gather(r, in, BUNDLE_MAGIC_BYTES);
	if (code)
		return code;
	if (memcmp(r->frame.data, BUNDLE_MAGIC, r->frame.len) != 0) {
		/* "hansa bundle 2" is a bundle too, of another version. */
		bool version = r->frame.len > 13 && memcmp(r->frame.data, BUNDLE_MAGIC, 13) == 0;
		return version ? ERROR_VERSION : ERROR_FRAME;
	}
	if (r->frame.len < BUNDLE_MAGIC_BYTES)
		return 0;
	hasher_add(&r->hasher, buffer_bytes(&r->frame));
	buffer_reset(&r->frame);
	r->magic = true;
	r->frame_offset = r->offset;
	return 0;
}

/* One step: 0 and item NOTHING while *in is not used up means that it has to be called again. */
static int step(struct bundle_reader *r, struct bytes *in)
{
	if (r->ended)
		return ERROR_TRAILING;
	if (!r->magic)
		return take_magic(r, in);
	int code = r->frame.len < 4 ? gather(r, in, 4) : 0;
	if (code || r->frame.len < 4)
		return code;
	const uint8_t *p = r->frame.data;
	size_t len = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
	if (len == 0 || len > LIMIT_FRAME_BYTES)
		return ERROR_FRAME;
	code = gather(r, in, 4 + len);
	if (code || r->frame.len < 4 + len)
		return code;
	note_place(r);
	code = on_frame(r, bytes_slice(buffer_bytes(&r->frame), 4, SIZE_MAX));
	if (code)
		return code;
	if (!r->ended)
		hasher_add(&r->hasher, buffer_bytes(&r->frame));
	r->frames++;
	r->frame_offset = r->offset;
	return 0;
}

int bundle_reader_next(struct bundle_reader *r, struct bytes *in, const struct bundle_item **item)
{
	*item = &r->item;
	r->item.type = BUNDLE_NOTHING;
	while (r->error == 0 && in->len && r->item.type == BUNDLE_NOTHING) {
		/* A frame that was handed out stays until the next call: views point into it. */
		if (r->magic && r->frame_offset == r->offset)
			buffer_reset(&r->frame);
		r->error = step(r, in);
	}
	return r->error;
}

int bundle_reader_end(const struct bundle_reader *r)
{
	return r->error ? r->error : r->ended ? 0 : ERROR_TRUNCATED;
}

static size_t take_into(uint8_t *to, uint32_t room, uint32_t *have, struct bytes bytes)
{
	size_t n = room - *have < bytes.len ? room - *have : bytes.len;
	if (n)
		memcpy(to + *have, bytes.data, n);
	*have += (uint32_t)n;
	return n;
}

size_t bundle_cut_take(struct bundle_cut *cut, struct bytes bytes)
{
	size_t taken = 0;
	while (taken < bytes.len && !cut->ended) {
		struct bytes rest = bytes_slice(bytes, taken, SIZE_MAX);
		size_t n;
		if (cut->at < BUNDLE_MAGIC_BYTES) {
			n = BUNDLE_MAGIC_BYTES - (size_t)cut->at;
			n = n < rest.len ? n : rest.len;
			if (cut->at <= SEALED_AT && cut->at + n > SEALED_AT)
				cut->sealed = rest.data[SEALED_AT - cut->at] == SEAL_MAGIC[SEALED_AT];
		} else if (cut->sealed && cut->at < SEAL_HEADER_BYTES) {
			n = SEAL_HEADER_BYTES - (size_t)cut->at;
			n = n < rest.len ? n : rest.len;
		} else if (cut->length_have < 4) {
			n = take_into(cut->length, 4, &cut->length_have, rest);
			const uint8_t *p = cut->length;
			cut->left = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
			cut->head_have = 0;
			if (cut->sealed)
				cut->left &= INT32_MAX;
		} else {
			n = cut->left < rest.len ? cut->left : rest.len;
			take_into(cut->head, 2, &cut->head_have, bytes_slice(rest, 0, n));
			cut->left -= (uint32_t)n;
		}
		taken += n;
		cut->at += n;
		if (cut->length_have == 4 && cut->left == 0) {
			cut->length_have = 0;
			/* [60, …]: an array of few elements, and the number in one byte. */
			cut->ended = cut->sealed ? cut->length[0] >> 7
									 : cut->head_have == 2 && (cut->head[0] & 0xf0) == 0x90 &&
					cut->head[1] == BUNDLE_FRAME_END;
		}
	}
	return taken;
}
