/* SPDX-License-Identifier: Apache-2.0 */
#include "feed/entry.h"

#include <string.h>

#include "base/check.h"
#include "base/error.h"
#include "crypto/hash_many.h"
#include "feed/entry_header.h"

static const char body_tag[] = "hansa body 1";
static const char header_tag[] = "hansa header 1";
static const char entry_tag[] = "hansa entry 1";

/* Without the terminator. */
#define BODY_TAG_BYTES (sizeof(body_tag) - 1)
#define HEADER_TAG_BYTES (sizeof(header_tag) - 1)
#define ENTRY_TAG_BYTES (sizeof(entry_tag) - 1)

int entry_parse(struct cursor *c, struct entry_view *out)
{
	size_t start = c->at;
	struct bytes prefix = cursor_bytes(c, ENTRY_PREFIX_BYTES);

	if (c->error)
		return c->error;
	size_t header_len = (size_t)prefix.data[1] << 8 | prefix.data[2];
	size_t body_len = (size_t)prefix.data[3] << 16 | (size_t)prefix.data[4] << 8 | prefix.data[5];
	out->form = prefix.data[0];
	if (out->form > ENTRY_FORM_PURGED)
		return ERROR_TYPE;
	if (header_len > ENTRY_HEADER_BYTES_MAX || body_len > ENTRY_BODY_BYTES_MAX ||
		(out->form == ENTRY_FORM_PURGED && body_len))
		return ERROR_SIZE;
	out->salt = NULL;
	if (out->form == ENTRY_FORM_WHOLE)
		out->salt = cursor_bytes(c, ENTRY_SALT_BYTES).data;
	else
		cursor_copy(c, out->body_hash.bytes, HASH_SIZE);
	out->header = cursor_bytes(c, header_len);
	out->body = cursor_bytes(c, body_len);
	if (c->error)
		return c->error;
	out->wire = bytes_slice(c->input, start, c->at - start);
	int error = entry_header_check(out->header, &out->body_size);
	if (!error && out->form == ENTRY_FORM_WHOLE && out->body_size != body_len)
		error = ERROR_SIZE;
	return error;
}

static void push_prefix(struct buffer *b, enum entry_form form, size_t header_len, size_t body_len)
{
	buffer_push_u8(b, (uint8_t)form);
	buffer_push_u16(b, (uint16_t)header_len);
	buffer_push_u8(b, (uint8_t)(body_len >> 16));
	buffer_push_u16(b, (uint16_t)body_len);
}

int entry_encode(struct buffer *b, const uint8_t salt[static ENTRY_SALT_BYTES], struct bytes header,
	struct bytes body)
{
	if (header.len > ENTRY_HEADER_BYTES_MAX || body.len > ENTRY_BODY_BYTES_MAX)
		return ERROR_SIZE;
	push_prefix(b, ENTRY_FORM_WHOLE, header.len, body.len);
	buffer_push(b, salt, ENTRY_SALT_BYTES);
	buffer_push_bytes(b, header);
	return buffer_push_bytes(b, body);
}

int entry_encode_purged(struct buffer *b, const struct hash *body_hash, struct bytes header)
{
	if (header.len > ENTRY_HEADER_BYTES_MAX)
		return ERROR_SIZE;
	push_prefix(b, ENTRY_FORM_PURGED, header.len, 0);
	buffer_push_bytes(b, hash_bytes(body_hash));
	return buffer_push_bytes(b, header);
}

static int body_hash_from(
	struct hasher *h, const uint8_t *salt, struct bytes body, struct hash *out)
{
	uint8_t start[BODY_TAG_BYTES + ENTRY_SALT_BYTES];

	memcpy(start, body_tag, BODY_TAG_BYTES);
	memcpy(start + BODY_TAG_BYTES, salt, ENTRY_SALT_BYTES);
	hasher_begin(h, NULL);
	hasher_add(h, bytes_of(start, sizeof(start)));
	hasher_add(h, body);
	return hasher_end(h, out);
}

static int body_hash_of(struct hasher *h, const struct entry_view *entry, struct hash *out)
{
	if (entry->form == ENTRY_FORM_PURGED) {
		*out = entry->body_hash;
		return 0;
	}
	return body_hash_from(h, entry->salt, entry->body, out);
}

static int header_hash_of(struct hasher *h, struct bytes header, struct hash *out)
{
	hasher_begin(h, header_tag);
	hasher_add(h, header);
	return hasher_end(h, out);
}

int entry_seal_hash(
	struct hasher *h, struct entry_seal *seal, struct bytes header, struct bytes body)
{
	int error = body_hash_from(h, seal->salt, body, &seal->body_hash);

	return error ? error : header_hash_of(h, header, &seal->header_hash);
}

int entry_purge(struct buffer *b, struct hasher *h, const struct entry_view *entry)
{
	struct hash body_hash;
	int error = body_hash_of(h, entry, &body_hash);

	return error ? error : entry_encode_purged(b, &body_hash, entry->header);
}

int entry_hash_from(struct hasher *h, const struct hash *feed_id, uint64_t seq,
	const struct hash *prev, const struct hash *header_hash, const struct hash *body_hash,
	struct hash *out)
{
	/* Gathered first: one call into the hash instead of six, for every record of a catch-up. */
	uint8_t message[ENTRY_TAG_BYTES + HASH_SIZE + 8 + 3 * HASH_SIZE];
	uint8_t *at = message;

	memcpy(at, entry_tag, ENTRY_TAG_BYTES);
	at += ENTRY_TAG_BYTES;
	memcpy(at, feed_id->bytes, HASH_SIZE);
	at += HASH_SIZE;
	for (int shift = 56; shift >= 0; shift -= 8)
		*at++ = (uint8_t)(seq >> shift);
	memcpy(at, prev->bytes, HASH_SIZE);
	memcpy(at + HASH_SIZE, header_hash->bytes, HASH_SIZE);
	memcpy(at + 2 * HASH_SIZE, body_hash->bytes, HASH_SIZE);
	hasher_begin(h, NULL);
	hasher_add(h, bytes_of(message, sizeof(message)));
	return hasher_end(h, out);
}

int entry_hash_of(struct hasher *h, const struct hash *feed_id, uint64_t seq,
	const struct hash *prev, struct entry_view *entry, struct hash *out)
{
	int error = body_hash_of(h, entry, &entry->body_hash);

	if (error)
		return error;
	error = header_hash_of(h, entry->header, &entry->header_hash);
	if (error)
		return error;
	return entry_hash_from(h, feed_id, seq, prev, &entry->header_hash, &entry->body_hash, out);
}

int entries_hash(struct hasher *h, struct entry_view *entries, size_t count)
{
	struct hash_message messages[2 * ENTRIES_HASH_MAX];
	size_t used = 0;

	require(count <= ENTRIES_HASH_MAX);
	for (size_t i = 0; i < count; i++) {
		struct entry_view *e = &entries[i];
		if (e->form == ENTRY_FORM_PURGED)
			continue;
		messages[used++] = (struct hash_message){
			{bytes_of(body_tag, BODY_TAG_BYTES), bytes_of(e->salt, ENTRY_SALT_BYTES), e->body},
			&e->body_hash};
	}
	for (size_t i = 0; i < count; i++)
		messages[used++] = (struct hash_message){
			{bytes_of(header_tag, HEADER_TAG_BYTES), entries[i].header}, &entries[i].header_hash};
	return hash_many(h, messages, used);
}

uint32_t entry_cost(const struct entry_view *entry)
{
	return (uint32_t)(ENTRY_OVERHEAD_BYTES + entry->header.len) + entry->body_size;
}
