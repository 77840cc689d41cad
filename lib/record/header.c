/* SPDX-License-Identifier: Apache-2.0 */
#include "record/header.h"

#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "base/wire_reader.h"
#include "base/wire_writer.h"
#include "record/kind.h"

static_assert(sizeof(struct hash) == 32, "ids are bin32 on the wire");
static_assert(HEADER_ATTACHMENTS_MAX * (1 + 34 + 9 + 2) + HEADER_TOPICS_MAX * 66 +
	HEADER_REFERENCES_MAX * (1 + 34 + 9 + 34) < HEADER_SIZE_MAX,
	"a header at its limits of counts stays below its limit of size");

static int header_check(const struct header *h)
{
	if (h->body_size > HEADER_BODY_SIZE_MAX || h->time_ms > INT64_MAX || h->expiry_ms > INT64_MAX)
		return ERROR_RANGE;
	if (h->topic_count > HEADER_TOPICS_MAX || h->attachment_count > HEADER_ATTACHMENTS_MAX ||
		h->reference_count > HEADER_REFERENCES_MAX || h->trailing_count > HEADER_TRAILING_MAX)
		return ERROR_SIZE;
	for (size_t i = 0; i < h->topic_count; i++) {
		struct bytes topic = h->topics[i];
		if (topic.len < 1 || topic.len > HEADER_TOPIC_SIZE_MAX)
			return ERROR_SIZE;
		if (!text_utf8_valid(topic) || memchr(topic.data, 0, topic.len))
			return ERROR_UTF8;
	}
	for (size_t i = 0; i < h->attachment_count; i++)
		if (h->attachments[i].size > HEADER_ATTACHMENT_SIZE_MAX)
			return ERROR_RANGE;
	for (size_t i = 0; i < h->reference_count; i++)
		if (h->references[i].seq < 1)
			return ERROR_RANGE;
	return h->has_supersedes && h->supersedes.seq < 1 ? ERROR_RANGE : 0;
}

static void write_reference(struct buffer *b, const struct entry_reference *r)
{
	wire_writer_array(b, 3);
	wire_writer_bin(b, hash_bytes(&r->feed_id));
	wire_writer_uint(b, r->seq);
	wire_writer_bin(b, hash_bytes(&r->entry_hash));
}

static void write_lists(struct buffer *b, const struct header *h)
{
	wire_writer_array(b, h->topic_count);
	for (size_t i = 0; i < h->topic_count; i++)
		wire_writer_str(b, h->topics[i]);
	if (h->has_supersedes)
		write_reference(b, &h->supersedes);
	else
		wire_writer_nil(b);
	wire_writer_array(b, h->attachment_count);
	for (size_t i = 0; i < h->attachment_count; i++) {
		wire_writer_array(b, 3);
		wire_writer_bin(b, hash_bytes(&h->attachments[i].id));
		wire_writer_uint(b, h->attachments[i].size);
		wire_writer_uint(b, h->attachments[i].flags);
	}
	if (h->has_references) {
		wire_writer_array(b, h->reference_count);
		for (size_t i = 0; i < h->reference_count; i++)
			write_reference(b, &h->references[i]);
	} else {
		wire_writer_nil(b);
	}
}

int header_encode(const struct header *h, struct buffer *out)
{
	int code = header_check(h);
	if (code)
		return code;
	if (out->error)
		return out->error;
	size_t start = out->len;
	wire_writer_array(out, HEADER_ELEMENTS_MIN + h->trailing_count);
	wire_writer_uint(out, h->kind);
	wire_writer_uint(out, h->time_ms);
	wire_writer_uint(out, h->expiry_ms);
	wire_writer_uint(out, h->flags);
	wire_writer_uint(out, h->body_size);
	wire_writer_bin(out, bytes_of(h->content_id, CONTENT_ID_SIZE));
	write_lists(out, h);
	wire_writer_raw(out, h->trailing);
	code = out->error;
	if (!code && out->len - start > HEADER_SIZE_MAX)
		code = ERROR_SIZE;
	if (code)
		buffer_truncate(out, start);
	return code;
}

static void read_reference(struct wire_reader *r, struct entry_reference *to)
{
	wire_reader_array(r, 3, 3);
	wire_reader_bin_exact(r, to->feed_id.bytes, HASH_SIZE);
	to->seq = wire_reader_uint(r, UINT64_MAX);
	if (to->seq < 1)
		wire_reader_fail(r, ERROR_RANGE);
	wire_reader_bin_exact(r, to->entry_hash.bytes, HASH_SIZE);
}

static void read_lists(struct wire_reader *r, struct header *h)
{
	h->topic_count = wire_reader_array(r, 0, HEADER_TOPICS_MAX);
	for (size_t i = 0; i < h->topic_count; i++)
		h->topics[i] = wire_reader_str(r, 1, HEADER_TOPIC_SIZE_MAX);
	if (!wire_reader_nil(r)) {
		h->has_supersedes = true;
		read_reference(r, &h->supersedes);
	}
	h->attachment_count = wire_reader_array(r, 0, HEADER_ATTACHMENTS_MAX);
	for (size_t i = 0; i < h->attachment_count; i++) {
		wire_reader_array(r, 3, 3);
		wire_reader_bin_exact(r, h->attachments[i].id.bytes, HASH_SIZE);
		h->attachments[i].size = wire_reader_uint(r, HEADER_ATTACHMENT_SIZE_MAX);
		h->attachments[i].flags = (uint8_t)wire_reader_uint(r, UINT8_MAX);
	}
	if (!wire_reader_nil(r)) {
		h->has_references = true;
		h->reference_count = wire_reader_array(r, 0, HEADER_REFERENCES_MAX);
		for (size_t i = 0; i < h->reference_count; i++)
			read_reference(r, &h->references[i]);
	}
}

int header_decode(struct bytes input, struct header *h)
{
	memset(h, 0, sizeof(*h));
	if (input.len > HEADER_SIZE_MAX)
		return ERROR_SIZE;
	struct wire_reader r;
	wire_reader_init(&r, input);
	size_t elements = wire_reader_array(&r, HEADER_ELEMENTS_MIN, HEADER_ELEMENTS_MAX);
	h->kind = (uint16_t)wire_reader_uint(&r, KIND_MAX);
	h->time_ms = wire_reader_uint(&r, INT64_MAX);
	h->expiry_ms = wire_reader_uint(&r, INT64_MAX);
	h->flags = (uint16_t)wire_reader_uint(&r, UINT16_MAX);
	h->body_size = (uint32_t)wire_reader_uint(&r, HEADER_BODY_SIZE_MAX);
	wire_reader_bin_exact(&r, h->content_id, CONTENT_ID_SIZE);
	read_lists(&r, h);
	if (!r.error && elements > HEADER_ELEMENTS_MIN) {
		h->trailing_count = elements - HEADER_ELEMENTS_MIN;
		size_t start = r.at;
		for (size_t i = 0; i < h->trailing_count; i++)
			wire_reader_skip(&r);
		h->trailing = bytes_slice(input, start, r.at - start);
	}
	int code = wire_reader_end(&r);
	if (code)
		memset(h, 0, sizeof(*h));
	return code;
}
