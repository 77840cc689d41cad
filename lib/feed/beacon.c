/* SPDX-License-Identifier: Apache-2.0 */
#include "feed/beacon.h"

#include <string.h>

#include "base/error.h"
#include "base/wire_reader.h"
#include "base/wire_writer.h"

static const char tag[] = "hansa beacon 1";
#define TAG_BYTES (sizeof(tag) - 1)

#define FIELDS 8
#define HEAD_FIELDS 3
#define HELD_FIELDS 2
/** A later version may add so many elements to an array, docs/protocol.md section 1. */
#define MORE_MAX 8

static_assert(
	256 + FEED_LANE_MAX * 45 + BEACON_HELD_MAX * (1 + 2 + HASH_SIZE + 9) < BEACON_BODY_BYTES_MAX,
	"the largest beacon fits");

static int beacon_check(const struct beacon *beacon)
{
	if (beacon->head_count > FEED_LANE_MAX || beacon->held_count > BEACON_HELD_MAX)
		return ERROR_SIZE;
	if (beacon->epoch == 0 || beacon->time.ms < 0)
		return ERROR_RANGE;
	for (size_t i = 0; i < beacon->head_count; i++) {
		const struct beacon_head *head = &beacon->heads[i];
		if (head->seq == 0 || head->lane == 0 || head->lane > FEED_LANE_MAX)
			return ERROR_RANGE;
		if (i && head[-1].lane >= head->lane)
			return ERROR_NOT_CANONICAL;
	}
	for (size_t i = 0; i < beacon->held_count; i++) {
		const struct beacon_held *held = &beacon->held[i];
		if (held->seq == 0)
			return ERROR_RANGE;
		if (i && hash_compare(&held[-1].feed_id, &held->feed_id) >= 0)
			return ERROR_NOT_CANONICAL;
	}
	return 0;
}

int beacon_encode(struct buffer *b, const struct beacon *beacon)
{
	int error = beacon_check(beacon);

	if (error)
		return error;
	wire_writer_array(b, FIELDS);
	wire_writer_uint(b, BEACON_VERSION);
	wire_writer_bin(b, hash_bytes(&beacon->network_id));
	wire_writer_bin(b, hash_bytes(&beacon->city_id));
	wire_writer_uint(b, beacon->epoch);
	wire_writer_uint(b, (uint64_t)beacon->time.ms);
	wire_writer_array(b, beacon->head_count);
	for (size_t i = 0; i < beacon->head_count; i++) {
		wire_writer_array(b, HEAD_FIELDS);
		wire_writer_uint(b, beacon->heads[i].lane);
		wire_writer_uint(b, beacon->heads[i].seq);
		wire_writer_bin(b, hash_bytes(&beacon->heads[i].entry_hash));
	}
	wire_writer_uint(b, beacon->amendment_number);
	wire_writer_array(b, beacon->held_count);
	for (size_t i = 0; i < beacon->held_count; i++) {
		wire_writer_array(b, HELD_FIELDS);
		wire_writer_bin(b, hash_bytes(&beacon->held[i].feed_id));
		wire_writer_uint(b, beacon->held[i].seq);
	}
	return b->error;
}

static void more_skip(struct wire_reader *r, size_t count, size_t known)
{
	for (; count > known; count--)
		wire_reader_skip(r);
}

static void heads_read(struct wire_reader *r, struct beacon *out)
{
	out->head_count = wire_reader_array(r, 0, FEED_LANE_MAX);
	for (size_t i = 0; i < out->head_count; i++) {
		size_t count = wire_reader_array(r, HEAD_FIELDS, HEAD_FIELDS + MORE_MAX);
		out->heads[i].lane = (uint8_t)wire_reader_uint(r, FEED_LANE_MAX);
		out->heads[i].seq = wire_reader_uint(r, UINT64_MAX);
		wire_reader_bin_exact(r, out->heads[i].entry_hash.bytes, HASH_SIZE);
		more_skip(r, count, HEAD_FIELDS);
	}
}

static void held_read(struct wire_reader *r, size_t held_max, struct beacon *out)
{
	size_t max = held_max < BEACON_HELD_MAX ? held_max : BEACON_HELD_MAX;

	out->held_count = wire_reader_array(r, 0, max);
	for (size_t i = 0; i < out->held_count; i++) {
		size_t count = wire_reader_array(r, HELD_FIELDS, HELD_FIELDS + MORE_MAX);
		wire_reader_bin_exact(r, out->held[i].feed_id.bytes, HASH_SIZE);
		out->held[i].seq = wire_reader_uint(r, UINT64_MAX);
		more_skip(r, count, HELD_FIELDS);
	}
}

int beacon_decode(struct bytes body, struct beacon_held *held, size_t held_max, struct beacon *out)
{
	struct wire_reader r;

	if (body.len > BEACON_BODY_BYTES_MAX)
		return ERROR_SIZE;
	wire_reader_init(&r, body);
	out->held = held;
	size_t count = wire_reader_array(&r, FIELDS, FIELDS + MORE_MAX);
	if (wire_reader_uint(&r, UINT64_MAX) != BEACON_VERSION)
		wire_reader_fail(&r, ERROR_VERSION);
	wire_reader_bin_exact(&r, out->network_id.bytes, HASH_SIZE);
	wire_reader_bin_exact(&r, out->city_id.bytes, HASH_SIZE);
	out->epoch = (uint32_t)wire_reader_uint(&r, UINT32_MAX);
	out->time = timestamp_from_ms((int64_t)wire_reader_uint(&r, INT64_MAX));
	heads_read(&r, out);
	out->amendment_number = wire_reader_uint(&r, UINT64_MAX);
	held_read(&r, held_max, out);
	more_skip(&r, count, FIELDS);
	int error = wire_reader_end(&r);
	return error ? error : beacon_check(out);
}

static int message_of(struct bytes body, uint8_t message[static TAG_BYTES + HASH_SIZE])
{
	struct hash body_hash;
	int error = hash_of("hansa beacon body 1", body, &body_hash);

	memcpy(message, tag, TAG_BYTES);
	memcpy(message + TAG_BYTES, body_hash.bytes, HASH_SIZE);
	return error;
}

int beacon_sign(const struct secret_key *key, struct bytes body, struct signature *out)
{
	uint8_t message[TAG_BYTES + HASH_SIZE];
	int error = message_of(body, message);

	return error ? error : secret_key_sign(key, bytes_of(message, sizeof(message)), out);
}

int beacon_verify(
	const struct public_key *node_key, struct bytes body, const struct signature *signature)
{
	uint8_t message[TAG_BYTES + HASH_SIZE];
	int error = message_of(body, message);

	if (error)
		return error;
	return signature_verify(node_key, bytes_of(message, sizeof(message)), signature);
}
