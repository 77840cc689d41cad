/* SPDX-License-Identifier: Apache-2.0 */
#include "charter/object.h"

#include <assert.h>

#include "base/error.h"
#include "base/wire_writer.h"

/* A pair as canonical msgpack: 92, c4 20 key, c4 40 signature. */
#define PAIR_BYTES (1 + 2 + PUBLIC_KEY_SIZE + 2 + SIGNATURE_SIZE)
#define PAIR_KEY_AT 3
#define PAIR_SIGNATURE_AT (PAIR_KEY_AT + PUBLIC_KEY_SIZE + 2)

static_assert(PAIR_BYTES == 101, "docs/protocol.md, section 5");

const char *object_type_name(unsigned type)
{
	switch (type) {
	case OBJECT_GENESIS: return "genesis";
	case OBJECT_AMENDMENT: return "amendment";
	case OBJECT_EPOCH_RECORD: return "epoch record";
	case OBJECT_ADDRESS_LIST: return "address list";
	case OBJECT_APPROVAL: return "approval";
	case OBJECT_FORK_PROOF: return "fork proof";
	default: return "unknown";
	}
}

static size_t bytes_max(uint8_t type)
{
	return type == OBJECT_FORK_PROOF ? OBJECT_FORK_PROOF_BYTES_MAX : OBJECT_BYTES_MAX;
}

int object_hash_of(uint8_t type, struct bytes body, struct hash *out)
{
	struct hasher h;
	int error = hasher_init(&h);
	if (error)
		return error;
	hasher_begin(&h, "hansa object 1");
	hasher_add_u8(&h, type);
	hasher_add(&h, body);
	error = hasher_end(&h, out);
	hasher_deinit(&h);
	return error;
}

int object_decode(struct bytes wire, struct control_object *out)
{
	*out = (struct control_object){.wire = wire};
	if (wire.len > OBJECT_FORK_PROOF_BYTES_MAX)
		return ERROR_SIZE;
	struct wire_reader r;
	wire_reader_init(&r, wire);
	wire_reader_array(&r, 3, 3);
	uint64_t type = wire_reader_uint(&r, UINT8_MAX);
	out->body = wire_reader_bin(&r, 1, OBJECT_FORK_PROOF_BYTES_MAX);
	out->signature_count = wire_reader_array(&r, 0, OBJECT_SIGNATURES_MAX);
	size_t start = r.at;
	struct public_key former = {{0}};
	for (size_t i = 0; i < out->signature_count && !r.error; i++) {
		struct object_signature s;
		wire_reader_array(&r, 2, 2);
		wire_reader_bin_exact(&r, s.key.bytes, PUBLIC_KEY_SIZE);
		wire_reader_bin_exact(&r, s.signature.bytes, SIGNATURE_SIZE);
		if (i && memcmp(former.bytes, s.key.bytes, PUBLIC_KEY_SIZE) >= 0)
			wire_reader_fail(&r, ERROR_NOT_CANONICAL);
		former = s.key;
	}
	int error = wire_reader_end(&r);
	if (error)
		return error;
	if (type < OBJECT_GENESIS || type > OBJECT_FORK_PROOF)
		return ERROR_VERSION;
	out->type = (uint8_t)type;
	if (wire.len > bytes_max(out->type))
		return ERROR_SIZE;
	out->signatures = bytes_slice(wire, start, out->signature_count * PAIR_BYTES);
	return object_hash_of(out->type, out->body, &out->object_hash);
}

void object_signature_at(const struct control_object *object, size_t i,
	struct object_signature *out)
{
	const uint8_t *pair = object->signatures.data + i * PAIR_BYTES;
	memcpy(out->key.bytes, pair + PAIR_KEY_AT, PUBLIC_KEY_SIZE);
	memcpy(out->signature.bytes, pair + PAIR_SIGNATURE_AT, SIGNATURE_SIZE);
}

bool object_signature_by(const struct control_object *object, const struct public_key *key,
	struct signature *out)
{
	for (size_t i = 0; i < object->signature_count; i++) {
		struct object_signature s;
		object_signature_at(object, i, &s);
		if (!public_key_equal(&s.key, key))
			continue;
		*out = s.signature;
		return true;
	}
	return false;
}

int object_signatures_write(struct buffer *b, const struct object_signature *signatures,
	size_t count)
{
	const struct object_signature *sorted[OBJECT_SIGNATURES_MAX];
	if (count > OBJECT_SIGNATURES_MAX)
		return ERROR_SIZE;
	for (size_t i = 0; i < count; i++) { /* insertion sort: they are few */
		size_t at = i;
		for (; at > 0; at--) {
			int order = memcmp(sorted[at - 1]->key.bytes, signatures[i].key.bytes,
				PUBLIC_KEY_SIZE);
			if (order == 0)
				return ERROR_EXISTS;
			if (order < 0)
				break;
			sorted[at] = sorted[at - 1];
		}
		sorted[at] = &signatures[i];
	}
	wire_writer_array(b, count);
	for (size_t i = 0; i < count; i++) {
		wire_writer_array(b, 2);
		wire_writer_bin(b, public_key_bytes(&sorted[i]->key));
		wire_writer_bin(b, signature_bytes(&sorted[i]->signature));
	}
	return b->error;
}

int object_encode(struct buffer *b, uint8_t type, struct bytes body,
	const struct object_signature *signatures, size_t count)
{
	size_t before = b->len;
	wire_writer_array(b, 3);
	wire_writer_uint(b, type);
	wire_writer_bin(b, body);
	int error = object_signatures_write(b, signatures, count);
	if (!error && b->len - before > bytes_max(type))
		error = ERROR_SIZE;
	if (error)
		buffer_truncate(b, before);
	return error;
}

int object_verify_one(struct verifier *v, const struct control_object *object,
	const struct public_key *key, struct bytes message)
{
	struct signature signature;
	if (!object_signature_by(object, key, &signature))
		return ERROR_SIGNATURE;
	int error = v ? verifier_verify(v, key, message, &signature)
		: signature_verify(key, message, &signature);
	return error == ERROR_KEY ? ERROR_SIGNATURE : error;
}

int object_sign(const struct secret_key *key, struct bytes message, struct object_signature *out)
{
	out->key = *secret_key_public(key);
	return secret_key_sign(key, message, &out->signature);
}

size_t object_array_open(struct wire_reader *r, size_t known)
{
	return wire_reader_array(r, known, known + OBJECT_EXTRA_MAX);
}

void object_array_close(struct wire_reader *r, size_t known, size_t count)
{
	for (size_t i = known; i < count && !r->error; i++)
		wire_reader_skip(r);
}
