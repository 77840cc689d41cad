/* SPDX-License-Identifier: Apache-2.0 */
#include "charter/epoch_record.h"

#include <assert.h>

#include "base/error.h"
#include "base/wire_writer.h"
#include "feed/feed.h"

#define RECORD_ELEMENTS 13
#define MESSAGE_TAG "hansa epoch 1"

static_assert(sizeof(MESSAGE_TAG) - 1 + HASH_SIZE == EPOCH_MESSAGE_BYTES, "the tag's length");
static_assert(EPOCH_LANES == FEED_LANE_COUNT, "a cut for each lane");

void epoch_cuts_read(struct wire_reader *r, struct epoch_cut cuts[static EPOCH_LANES])
{
	size_t lanes = object_array_open(r, EPOCH_LANES);
	for (size_t i = 0; i < EPOCH_LANES; i++) {
		size_t n = object_array_open(r, 2);
		cuts[i].seq = wire_reader_uint(r, UINT64_MAX);
		wire_reader_bin_exact(r, cuts[i].hash.bytes, HASH_SIZE);
		object_array_close(r, 2, n);
		if (cuts[i].seq == 0 && !hash_is_zero(&cuts[i].hash))
			wire_reader_fail(r, ERROR_EPOCH_RECORD);
	}
	object_array_close(r, EPOCH_LANES, lanes);
}

void epoch_cuts_write(struct buffer *b, const struct epoch_cut cuts[static EPOCH_LANES])
{
	wire_writer_array(b, EPOCH_LANES);
	for (size_t i = 0; i < EPOCH_LANES; i++) {
		wire_writer_array(b, 2);
		wire_writer_uint(b, cuts[i].seq);
		wire_writer_bin(b, hash_bytes(&cuts[i].hash));
	}
}

static void guardians_read(struct wire_reader *r, struct epoch_record *out)
{
	out->guardian_count = (uint8_t)wire_reader_array(r, 0, EPOCH_GUARDIANS_MAX);
	for (size_t i = 0; i < out->guardian_count; i++) {
		wire_reader_bin_exact(r, out->guardians[i].bytes, HASH_SIZE);
		for (size_t j = 0; j < i; j++) {
			if (hash_equal(&out->guardians[i], &out->guardians[j]))
				wire_reader_fail(r, ERROR_EPOCH_RECORD);
		}
	}
	out->guardian_k = (uint8_t)wire_reader_uint(r, UINT8_MAX);
	bool fits = out->guardian_count == 0 ? out->guardian_k == 0
		: out->guardian_k <= out->guardian_count
			&& 2 * out->guardian_k > out->guardian_count;
	if (!fits)
		wire_reader_fail(r, ERROR_EPOCH_RECORD);
}

static int check_first(const struct epoch_record *record)
{
	struct hash city_id;
	int error = city_id_of(&record->city_key, &city_id);
	if (error)
		return error;
	bool first = hash_equal(&city_id, &record->city_id) && hash_is_zero(&record->prev);
	for (size_t i = 0; i < EPOCH_LANES; i++)
		first = first && record->cuts[i].seq == 0;
	return first ? 0 : ERROR_EPOCH_RECORD;
}

int epoch_record_read(struct bytes body, struct epoch_record *out)
{
	*out = (struct epoch_record){0};
	struct wire_reader r;
	wire_reader_init(&r, body);
	size_t n = object_array_open(&r, RECORD_ELEMENTS);
	uint64_t version = wire_reader_uint(&r, UINT64_MAX);
	if (!r.error && version != OBJECT_VERSION)
		return ERROR_VERSION;
	wire_reader_bin_exact(&r, out->anchor.bytes, HASH_SIZE);
	wire_reader_bin_exact(&r, out->city_id.bytes, HASH_SIZE);
	out->epoch = (uint32_t)wire_reader_uint(&r, EPOCH_MAX);
	wire_reader_bin_exact(&r, out->city_key.bytes, PUBLIC_KEY_SIZE);
	wire_reader_bin_exact(&r, out->node_key.bytes, PUBLIC_KEY_SIZE);
	wire_reader_bin_exact(&r, out->sealing_key, sizeof(out->sealing_key));
	guardians_read(&r, out);
	wire_reader_bin_exact(&r, out->prev.bytes, HASH_SIZE);
	epoch_cuts_read(&r, out->cuts);
	out->reason = (uint8_t)wire_reader_uint(&r, UINT8_MAX);
	out->time = wire_reader_uint(&r, UINT64_MAX);
	object_array_close(&r, RECORD_ELEMENTS, n);
	return wire_reader_end(&r);
}

int epoch_record_decode(struct bytes body, struct epoch_record *out)
{
	int error = epoch_record_read(body, out);
	if (error)
		return error;
	if (out->epoch == 0 || public_key_equal(&out->city_key, &out->node_key))
		return ERROR_EPOCH_RECORD;
	error = public_key_admit(&out->city_key);
	if (!error)
		error = public_key_admit(&out->node_key);
	if (!error && out->epoch == 1)
		error = check_first(out);
	return error;
}

int epoch_record_encode(struct buffer *b, const struct epoch_record *record)
{
	wire_writer_array(b, RECORD_ELEMENTS);
	wire_writer_uint(b, OBJECT_VERSION);
	wire_writer_bin(b, hash_bytes(&record->anchor));
	wire_writer_bin(b, hash_bytes(&record->city_id));
	wire_writer_uint(b, record->epoch);
	wire_writer_bin(b, public_key_bytes(&record->city_key));
	wire_writer_bin(b, public_key_bytes(&record->node_key));
	wire_writer_bin(b, bytes_of(record->sealing_key, sizeof(record->sealing_key)));
	wire_writer_array(b, record->guardian_count);
	for (size_t i = 0; i < record->guardian_count; i++)
		wire_writer_bin(b, hash_bytes(&record->guardians[i]));
	wire_writer_uint(b, record->guardian_k);
	wire_writer_bin(b, hash_bytes(&record->prev));
	epoch_cuts_write(b, record->cuts);
	wire_writer_uint(b, record->reason);
	wire_writer_uint(b, record->time);
	return b->error;
}

int epoch_record_hash(struct bytes body, struct hash *out)
{
	return hash_of("hansa epoch record 1", body, out);
}

void epoch_record_message(const struct hash *record_hash, uint8_t to[static EPOCH_MESSAGE_BYTES])
{
	memcpy(to, MESSAGE_TAG, sizeof(MESSAGE_TAG) - 1);
	memcpy(to + sizeof(MESSAGE_TAG) - 1, record_hash->bytes, HASH_SIZE);
}

int epoch_record_verify(struct verifier *v, const struct control_object *object,
	const struct epoch_record *record, const struct hash *record_hash,
	const struct public_key *city_key)
{
	uint8_t message[EPOCH_MESSAGE_BYTES];
	epoch_record_message(record_hash, message);
	struct bytes m = bytes_of(message, sizeof(message));
	int error = object_verify_one(v, object, city_key, m);
	return error ? error : object_verify_one(v, object, &record->node_key, m);
}

int epoch_record_follows(const struct epoch_record *record, const struct hash *city_id,
	uint32_t former_epoch, const struct hash *former_hash,
	const struct epoch_cut floor[static EPOCH_LANES])
{
	if (!hash_equal(&record->city_id, city_id) || record->epoch != former_epoch + 1
		|| !hash_equal(&record->prev, former_hash))
		return ERROR_EPOCH_RECORD;
	for (size_t i = 0; i < EPOCH_LANES; i++) {
		const struct epoch_cut *cut = &record->cuts[i];
		if (cut->seq < floor[i].seq)
			return ERROR_CUT;
		if (cut->seq == floor[i].seq && !hash_equal(&cut->hash, &floor[i].hash))
			return ERROR_CUT;
	}
	return 0;
}

int epoch_record_seal(struct buffer *b, const struct epoch_record *record,
	const struct secret_key *city_secret, const struct secret_key *node_secret)
{
	if (!public_key_equal(&record->node_key, secret_key_public(node_secret)))
		return ERROR_KEY;
	struct buffer body;
	buffer_init(&body, OBJECT_BYTES_MAX);
	struct hash record_hash;
	struct object_signature signatures[2];
	uint8_t message[EPOCH_MESSAGE_BYTES];
	int error = epoch_record_encode(&body, record);
	if (!error)
		error = epoch_record_hash(buffer_bytes(&body), &record_hash);
	if (!error) {
		epoch_record_message(&record_hash, message);
		struct bytes m = bytes_of(message, sizeof(message));
		error = object_sign(city_secret, m, &signatures[0]);
		if (!error)
			error = object_sign(node_secret, m, &signatures[1]);
	}
	if (!error)
		error = object_encode(b, OBJECT_EPOCH_RECORD, buffer_bytes(&body), signatures, 2);
	buffer_deinit(&body);
	return error;
}
