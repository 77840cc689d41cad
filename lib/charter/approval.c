/* SPDX-License-Identifier: Apache-2.0 */
#include "charter/approval.h"

#include "base/error.h"
#include "base/wire_writer.h"

#define APPROVAL_ELEMENTS 6

int approval_decode(struct bytes body, struct approval *out)
{
	*out = (struct approval){0};
	struct wire_reader r;
	wire_reader_init(&r, body);
	size_t n = object_array_open(&r, APPROVAL_ELEMENTS);
	uint64_t version = wire_reader_uint(&r, UINT64_MAX);
	if (!r.error && version != OBJECT_VERSION)
		return ERROR_VERSION;
	wire_reader_bin_exact(&r, out->network_id.bytes, HASH_SIZE);
	out->number = wire_reader_uint(&r, UINT64_MAX);
	wire_reader_bin_exact(&r, out->prev.bytes, HASH_SIZE);
	out->amendment = wire_reader_bin(&r, 1, OBJECT_BYTES_MAX);
	wire_reader_bin_exact(&r, out->officer.bytes, PUBLIC_KEY_SIZE);
	object_array_close(&r, APPROVAL_ELEMENTS, n);
	int error = wire_reader_end(&r);
	if (!error)
		error = amendment_decode(out->amendment, &out->proposed);
	if (error)
		return error;
	if (!hash_equal(&out->network_id, &out->proposed.network_id)
		|| out->number != out->proposed.number
		|| !hash_equal(&out->prev, &out->proposed.prev))
		return ERROR_CHARTER_ITEM;
	return amendment_hash_of(out->amendment, &out->amendment_hash);
}

static struct bytes message_of(const struct approval *approval, struct amendment_message *message)
{
	amendment_signed_message(&approval->network_id, approval->number, &approval->prev,
		&approval->amendment_hash, message);
	return bytes_of(message->bytes, sizeof(message->bytes));
}

int approval_verify(struct verifier *v, const struct control_object *object,
	const struct approval *approval)
{
	struct amendment_message message;
	if (object->signature_count != 1)
		return ERROR_SIGNATURE;
	return object_verify_one(v, object, &approval->officer, message_of(approval, &message));
}

static int seal(struct buffer *b, struct buffer *body, const struct approval *approval,
	const struct secret_key *officer)
{
	wire_writer_array(body, APPROVAL_ELEMENTS);
	wire_writer_uint(body, OBJECT_VERSION);
	wire_writer_bin(body, hash_bytes(&approval->network_id));
	wire_writer_uint(body, approval->number);
	wire_writer_bin(body, hash_bytes(&approval->prev));
	wire_writer_bin(body, approval->amendment);
	wire_writer_bin(body, public_key_bytes(&approval->officer));
	if (body->error)
		return body->error;
	struct amendment_message message;
	struct object_signature signature;
	int error = object_sign(officer, message_of(approval, &message), &signature);
	return error ? error
		: object_encode(b, OBJECT_APPROVAL, buffer_bytes(body), &signature, 1);
}

int approval_seal(struct buffer *b, struct bytes amendment_body, const struct secret_key *officer)
{
	struct approval approval = {
		.amendment = amendment_body,
		.officer = *secret_key_public(officer),
	};
	int error = amendment_decode(amendment_body, &approval.proposed);
	if (!error)
		error = amendment_hash_of(amendment_body, &approval.amendment_hash);
	if (error)
		return error;
	approval.network_id = approval.proposed.network_id;
	approval.number = approval.proposed.number;
	approval.prev = approval.proposed.prev;
	struct buffer body;
	buffer_init(&body, OBJECT_BYTES_MAX);
	error = seal(b, &body, &approval, officer);
	buffer_deinit(&body);
	return error;
}
