/* SPDX-License-Identifier: Apache-2.0 */
#include "charter/delegation.h"

#include <assert.h>

#include "base/error.h"
#include "base/text.h"
#include "base/wire_writer.h"

#define DELEGATION_ELEMENTS 8
/** Those before the signatures. */
#define SIGNED_ELEMENTS 7
#define MESSAGE_TAG "hansa delegation 1"

static_assert(sizeof(MESSAGE_TAG) - 1 + HASH_SIZE == DELEGATION_MESSAGE_BYTES, "the tag's length");

static int body_hash(struct bytes elements, struct hash *out)
{
	struct hasher h;
	int error = hasher_init(&h);
	if (error)
		return error;
	hasher_begin(&h, "hansa delegation body 1");
	hasher_add_u8(&h, 0x90 | SIGNED_ELEMENTS); /* fixarray */
	hasher_add(&h, elements);
	error = hasher_end(&h, out);
	hasher_deinit(&h);
	return error;
}

static void read_confirm(struct wire_reader *r, struct delegation *out)
{
	if (wire_reader_nil(r))
		return;
	struct bytes confirm = wire_reader_bin(r, DELEGATION_FINGERPRINT_BYTES, HASH_SIZE);
	if (confirm.len != DELEGATION_FINGERPRINT_BYTES && confirm.len != HASH_SIZE) {
		wire_reader_fail(r, ERROR_SIZE);
		return;
	}
	out->confirm_len = confirm.len;
	memcpy(out->confirm, confirm.data, confirm.len);
}

/* The signatures have the form that those of an envelope have; nothing else is read of them. */
static void read_signatures(struct wire_reader *r, struct delegation *out)
{
	out->signature_count = wire_reader_array(r, 0, OBJECT_SIGNATURES_MAX);
	size_t start = r->at;
	struct public_key former = {{0}};
	for (size_t i = 0; i < out->signature_count && !r->error; i++) {
		struct object_signature s;
		wire_reader_array(r, 2, 2);
		wire_reader_bin_exact(r, s.key.bytes, PUBLIC_KEY_SIZE);
		wire_reader_bin_exact(r, s.signature.bytes, SIGNATURE_SIZE);
		if (i && memcmp(former.bytes, s.key.bytes, PUBLIC_KEY_SIZE) >= 0)
			wire_reader_fail(r, ERROR_NOT_CANONICAL);
		former = s.key;
	}
	out->signatures = bytes_slice(r->input, start, r->at - start);
}

int delegation_decode(struct bytes bytes, struct delegation *out)
{
	*out = (struct delegation){0};
	if (bytes.len > DELEGATION_BYTES_MAX)
		return ERROR_SIZE;
	struct wire_reader r;
	wire_reader_init(&r, bytes);
	size_t n = object_array_open(&r, DELEGATION_ELEMENTS);
	size_t start = r.at;
	uint64_t version = wire_reader_uint(&r, UINT64_MAX);
	if (!r.error && version != OBJECT_VERSION)
		return ERROR_VERSION;
	wire_reader_bin_exact(&r, out->network_id.bytes, HASH_SIZE);
	wire_reader_bin_exact(&r, out->id, DELEGATION_ID_BYTES);
	out->slug = wire_reader_str(&r, 1, TEXT_SLUG_MAX);
	out->expiry = wire_reader_uint(&r, UINT64_MAX);
	wire_reader_bin_exact(&r, out->delegate.bytes, PUBLIC_KEY_SIZE);
	read_confirm(&r, out);
	size_t end = r.at;
	read_signatures(&r, out);
	object_array_close(&r, DELEGATION_ELEMENTS, n);
	int error = wire_reader_end(&r);
	if (error)
		return error;
	if (!text_slug_valid(out->slug))
		return ERROR_FIELD;
	error = public_key_admit(&out->delegate);
	return error ? error : body_hash(bytes_slice(bytes, start, end - start), &out->body_hash);
}

static void write_signed(struct buffer *b, const struct delegation *delegation)
{
	wire_writer_uint(b, OBJECT_VERSION);
	wire_writer_bin(b, hash_bytes(&delegation->network_id));
	wire_writer_bin(b, bytes_of(delegation->id, DELEGATION_ID_BYTES));
	wire_writer_str(b, delegation->slug);
	wire_writer_uint(b, delegation->expiry);
	wire_writer_bin(b, public_key_bytes(&delegation->delegate));
	if (delegation->confirm_len)
		wire_writer_bin(b, bytes_of(delegation->confirm, delegation->confirm_len));
	else
		wire_writer_nil(b);
}

int delegation_body_hash(const struct delegation *delegation, struct hash *out)
{
	struct buffer b;
	buffer_init(&b, DELEGATION_BYTES_MAX);
	write_signed(&b, delegation);
	int error = b.error;
	if (!error)
		error = body_hash(buffer_bytes(&b), out);
	buffer_deinit(&b);
	return error;
}

int delegation_encode(struct buffer *b, const struct delegation *delegation,
	const struct object_signature *signatures, size_t count)
{
	wire_writer_array(b, DELEGATION_ELEMENTS);
	write_signed(b, delegation);
	return object_signatures_write(b, signatures, count);
}

void delegation_message(const struct hash *hash, uint8_t to[static DELEGATION_MESSAGE_BYTES])
{
	memcpy(to, MESSAGE_TAG, sizeof(MESSAGE_TAG) - 1);
	memcpy(to + sizeof(MESSAGE_TAG) - 1, hash->bytes, HASH_SIZE);
}

int delegation_verify(const struct delegation *delegation, struct verifier *v,
	const struct officers *officers)
{
	uint8_t message[DELEGATION_MESSAGE_BYTES];
	delegation_message(&delegation->body_hash, message);
	struct control_object signers = {
		.signatures = delegation->signatures,
		.signature_count = delegation->signature_count,
	};
	return officers_verify(officers, v, &signers, bytes_of(message, sizeof(message)));
}

bool delegation_confirms(const struct delegation *delegation, const struct public_key *city_key,
	const struct hash *city_id)
{
	struct bytes confirm = bytes_of(delegation->confirm, delegation->confirm_len);
	if (confirm.len == DELEGATION_FINGERPRINT_BYTES)
		return bytes_equal(confirm, bytes_of(city_key->bytes, DELEGATION_FINGERPRINT_BYTES));
	return confirm.len == HASH_SIZE && bytes_equal(confirm, hash_bytes(city_id));
}
