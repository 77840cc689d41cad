/* SPDX-License-Identifier: Apache-2.0 */
#include "charter/officers.h"

#include "base/error.h"
#include "base/wire_writer.h"

void officers_read(struct wire_reader *r, struct officers *out)
{
	out->count = wire_reader_array(r, 1, OFFICERS_MAX);
	for (size_t i = 0; i < out->count && !r->error; i++) {
		struct officer *officer = &out->list[i];
		size_t n = object_array_open(r, 2);
		wire_reader_bin_exact(r, officer->key.bytes, PUBLIC_KEY_SIZE);
		officer->name = wire_reader_str(r, 0, OFFICER_NAME_MAX);
		object_array_close(r, 2, n);
		if (!r->error && public_key_admit(&officer->key))
			wire_reader_fail(r, ERROR_KEY);
		for (size_t j = 0; j < i; j++) {
			if (public_key_equal(&officer->key, &out->list[j].key))
				wire_reader_fail(r, ERROR_CHARTER_ITEM);
		}
	}
	out->k = wire_reader_uint(r, UINT8_MAX);
	if (out->k > out->count || 2 * out->k <= out->count)
		wire_reader_fail(r, ERROR_CHARTER_ITEM);
}

void officers_write(struct buffer *b, const struct officers *officers)
{
	wire_writer_array(b, officers->count);
	for (size_t i = 0; i < officers->count; i++) {
		wire_writer_array(b, 2);
		wire_writer_bin(b, public_key_bytes(&officers->list[i].key));
		wire_writer_str(b, officers->list[i].name);
	}
	wire_writer_uint(b, officers->k);
}

const struct officer *officers_find(const struct officers *officers, const struct public_key *key)
{
	for (size_t i = 0; i < officers->count; i++) {
		if (public_key_equal(&officers->list[i].key, key))
			return &officers->list[i];
	}
	return NULL;
}

int officers_verify(const struct officers *officers, struct verifier *v,
	const struct control_object *object, struct bytes message)
{
	size_t valid = 0, wrong = 0;
	for (size_t i = 0; i < officers->count && valid < officers->k; i++) {
		struct signature signature;
		const struct public_key *key = &officers->list[i].key;
		if (!object_signature_by(object, key, &signature))
			continue;
		int error = object_verify_one(v, object, key, message);
		if (error && error != ERROR_SIGNATURE)
			return error;
		if (error)
			wrong++;
		else
			valid++;
	}
	if (valid >= officers->k)
		return 0;
	return wrong ? ERROR_SIGNATURE : ERROR_CHARTER_SIGNERS;
}
