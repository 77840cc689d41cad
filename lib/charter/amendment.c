/* SPDX-License-Identifier: Apache-2.0 */
#include "charter/amendment.h"

#include <assert.h>

#include "base/error.h"
#include "base/wire_writer.h"

#define AMENDMENT_ELEMENTS 6
#define ANCHOR_ELEMENTS 3
#define MESSAGE_TAG "hansa amendment 1"

static_assert(sizeof(MESSAGE_TAG) - 1 + 3 * HASH_SIZE + 8 == AMENDMENT_MESSAGE_BYTES,
	"the tag's length");

bool amendment_item_next(struct wire_reader *r, struct amendment_item *out)
{
	if (wire_reader_left(r) == 0)
		return false;
	amendment_item_read(r, out);
	return r->error == 0;
}

int amendment_decode(struct bytes body, struct amendment *out)
{
	*out = (struct amendment){0};
	struct wire_reader r;
	wire_reader_init(&r, body);
	size_t n = object_array_open(&r, AMENDMENT_ELEMENTS);
	uint64_t version = wire_reader_uint(&r, UINT64_MAX);
	if (!r.error && version != OBJECT_VERSION)
		return ERROR_VERSION;
	wire_reader_bin_exact(&r, out->network_id.bytes, HASH_SIZE);
	out->number = wire_reader_uint(&r, UINT64_MAX);
	if (out->number == 0)
		wire_reader_fail(&r, ERROR_RANGE);
	wire_reader_bin_exact(&r, out->prev.bytes, HASH_SIZE);
	out->time = wire_reader_uint(&r, UINT64_MAX);
	out->item_count = wire_reader_array(&r, 0, AMENDMENT_ITEMS_MAX);
	size_t items = r.at;
	for (size_t i = 0; i < out->item_count && !r.error; i++) {
		struct amendment_item item;
		amendment_item_read(&r, &item);
	}
	out->items = bytes_slice(body, items, r.at - items);
	object_array_close(&r, AMENDMENT_ELEMENTS, n);
	return wire_reader_end(&r);
}

int amendment_encode(struct buffer *b, const struct amendment *amendment,
	const struct amendment_item *items, size_t count)
{
	wire_writer_array(b, AMENDMENT_ELEMENTS);
	wire_writer_uint(b, OBJECT_VERSION);
	wire_writer_bin(b, hash_bytes(&amendment->network_id));
	wire_writer_uint(b, amendment->number);
	wire_writer_bin(b, hash_bytes(&amendment->prev));
	wire_writer_uint(b, amendment->time);
	wire_writer_array(b, count);
	for (size_t i = 0; i < count; i++) {
		int error = amendment_item_write(b, &items[i]);
		if (error)
			return error;
	}
	return b->error;
}

bool amendment_anchor_next(struct wire_reader *r, struct amendment_anchor *out)
{
	if (wire_reader_left(r) == 0)
		return false;
	amendment_anchor_read(r, out);
	return r->error == 0;
}

void amendment_anchor_read(struct wire_reader *r, struct amendment_anchor *out)
{
	size_t n = object_array_open(r, ANCHOR_ELEMENTS);
	wire_reader_bin_exact(r, out->city_id.bytes, HASH_SIZE);
	out->epoch = (uint32_t)wire_reader_uint(r, EPOCH_MAX);
	wire_reader_bin_exact(r, out->record_hash.bytes, HASH_SIZE);
	object_array_close(r, ANCHOR_ELEMENTS, n);
	if (out->epoch < 2)
		wire_reader_fail(r, ERROR_RANGE);
}

void amendment_anchor_write(struct buffer *b, const struct amendment_anchor *anchor)
{
	wire_writer_array(b, ANCHOR_ELEMENTS);
	wire_writer_bin(b, hash_bytes(&anchor->city_id));
	wire_writer_uint(b, anchor->epoch);
	wire_writer_bin(b, hash_bytes(&anchor->record_hash));
}

int amendment_hash_of(struct bytes body, struct hash *out)
{
	return hash_of("hansa amendment body 1", body, out);
}

void amendment_signed_message(const struct hash *network_id, uint64_t number,
	const struct hash *prev, const struct hash *amendment_hash, struct amendment_message *out)
{
	uint8_t *to = out->bytes;
	memcpy(to, MESSAGE_TAG, sizeof(MESSAGE_TAG) - 1);
	to += sizeof(MESSAGE_TAG) - 1;
	memcpy(to, network_id->bytes, HASH_SIZE);
	to += HASH_SIZE;
	for (int i = 0; i < 8; i++)
		*to++ = (uint8_t)(number >> (56 - 8 * i));
	memcpy(to, prev->bytes, HASH_SIZE);
	memcpy(to + HASH_SIZE, amendment_hash->bytes, HASH_SIZE);
}
