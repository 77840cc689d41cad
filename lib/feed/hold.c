/* SPDX-License-Identifier: Apache-2.0 */
#include "feed/hold.h"

#include <string.h>

#include "base/cursor.h"
#include "base/error.h"

static const char hold_tag[] = "hansa hold 1";
static const char twin_tag[] = "hansa twin 1";
#define TAG_BYTES (sizeof(hold_tag) - 1)
#define TWIN_MESSAGE_BYTES (TAG_BYTES + TWIN_NONCE_BYTES + TWIN_INSTANCE_BYTES)
static_assert(sizeof(hold_tag) == sizeof(twin_tag), "one size of tag");

static uint8_t *put(uint8_t *to, const void *from, size_t len)
{
	memcpy(to, from, len);
	return to + len;
}

static uint8_t *put_big_endian(uint8_t *to, uint64_t value, size_t width)
{
	for (size_t i = 0; i < width; i++)
		to[i] = (uint8_t)(value >> (8 * (width - 1 - i)));
	return to + width;
}

void hold_encode(const struct hold *hold, uint8_t to[static HOLD_BYTES])
{
	to = put(to, hold_tag, TAG_BYTES);
	to = put(to, hold->network_id.bytes, HASH_SIZE);
	to = put(to, hold->holder.bytes, HASH_SIZE);
	to = put_big_endian(to, hold->epoch, 4);
	to = put(to, hold->node_key.bytes, PUBLIC_KEY_SIZE);
	to = put(to, hold->subject.bytes, HASH_SIZE);
	to = put(to, hold->nonce, HOLD_NONCE_BYTES);
	to = put_big_endian(to, (uint64_t)hold->time.ms, 8);
	for (size_t i = 0; i < FEED_LANE_COUNT; i++) {
		to = put_big_endian(to, hold->lanes[i].seq, 8);
		to = put(to, hold->lanes[i].entry_hash.bytes, HASH_SIZE);
	}
}

int hold_decode(struct bytes statement, struct hold *out)
{
	struct cursor c = cursor_init(statement);
	bool tagged = bytes_equal_text(cursor_bytes(&c, TAG_BYTES), hold_tag);

	cursor_copy(&c, out->network_id.bytes, HASH_SIZE);
	cursor_copy(&c, out->holder.bytes, HASH_SIZE);
	out->epoch = cursor_u32(&c);
	cursor_copy(&c, out->node_key.bytes, PUBLIC_KEY_SIZE);
	cursor_copy(&c, out->subject.bytes, HASH_SIZE);
	cursor_copy(&c, out->nonce, HOLD_NONCE_BYTES);
	uint64_t time_ms = cursor_u64(&c);
	out->time = timestamp_from_ms((int64_t)time_ms);
	bool range = out->epoch >= 1 && time_ms <= INT64_MAX;
	for (size_t i = 0; i < FEED_LANE_COUNT; i++) {
		out->lanes[i].seq = cursor_u64(&c);
		cursor_copy(&c, out->lanes[i].entry_hash.bytes, HASH_SIZE);
		range = range && (out->lanes[i].seq || hash_is_zero(&out->lanes[i].entry_hash));
	}
	int error = cursor_end(&c);
	if (error)
		return error;
	if (!tagged)
		return ERROR_SYNTAX;
	return range ? 0 : ERROR_RANGE;
}

int hold_sign(struct hold *hold, const struct secret_key *key, uint8_t statement[static HOLD_BYTES],
	struct signature *out)
{
	hold->node_key = *secret_key_public(key);
	hold_encode(hold, statement);
	return secret_key_sign(key, bytes_of(statement, HOLD_BYTES), out);
}

int hold_verify(struct bytes statement, const struct signature *signature, struct hold *out)
{
	int error = hold_decode(statement, out);

	return error ? error : signature_verify(&out->node_key, statement, signature);
}

static void twin_message(
	uint8_t message[static TWIN_MESSAGE_BYTES], const uint8_t *nonce, const uint8_t *instance)
{
	put(put(put(message, twin_tag, TAG_BYTES), nonce, TWIN_NONCE_BYTES), instance,
		TWIN_INSTANCE_BYTES);
}

int twin_proof_sign(const struct secret_key *key, const uint8_t nonce[static TWIN_NONCE_BYTES],
	const uint8_t instance[static TWIN_INSTANCE_BYTES], struct signature *out)
{
	uint8_t message[TWIN_MESSAGE_BYTES];

	twin_message(message, nonce, instance);
	return secret_key_sign(key, bytes_of(message, sizeof(message)), out);
}

int twin_proof_verify(const struct public_key *key, const uint8_t nonce[static TWIN_NONCE_BYTES],
	const uint8_t instance[static TWIN_INSTANCE_BYTES], const struct signature *signature)
{
	uint8_t message[TWIN_MESSAGE_BYTES];

	twin_message(message, nonce, instance);
	return signature_verify(key, bytes_of(message, sizeof(message)), signature);
}
