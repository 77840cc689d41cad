/* SPDX-License-Identifier: Apache-2.0 */
#include "feed/head.h"

#include <string.h>

#include "base/cursor.h"
#include "base/error.h"

static const char tag[] = "hansa head 1";
#define TAG_BYTES (sizeof(tag) - 1)
#define MESSAGE_BYTES (TAG_BYTES + HEAD_SIGNED_BYTES)

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

void head_encode(const struct head *head, uint8_t to[static HEAD_BYTES])
{
	to = put(to, head->feed_id.bytes, HASH_SIZE);
	to = put_big_endian(to, head->epoch, 4);
	to = put(to, head->node_key.bytes, PUBLIC_KEY_SIZE);
	to = put_big_endian(to, head->seq, 8);
	to = put(to, head->entry_hash.bytes, HASH_SIZE);
	to = put_big_endian(to, (uint64_t)head->time.ms, 8);
	*to++ = head->flags;
	put(to, head->signature.bytes, SIGNATURE_SIZE);
}

int head_decode(struct bytes bytes, struct head *out)
{
	struct cursor c = cursor_init(bytes);

	cursor_copy(&c, out->feed_id.bytes, HASH_SIZE);
	out->epoch = cursor_u32(&c);
	cursor_copy(&c, out->node_key.bytes, PUBLIC_KEY_SIZE);
	out->seq = cursor_u64(&c);
	cursor_copy(&c, out->entry_hash.bytes, HASH_SIZE);
	uint64_t time_ms = cursor_u64(&c);
	out->time = timestamp_from_ms((int64_t)time_ms);
	out->flags = cursor_u8(&c);
	cursor_copy(&c, out->signature.bytes, SIGNATURE_SIZE);
	int error = cursor_end(&c);
	if (error)
		return error;
	if (out->seq == 0 || out->epoch == 0 || time_ms > INT64_MAX ||
		(out->flags & ~HEAD_FLAG_CHECKPOINT))
		return ERROR_RANGE;
	return 0;
}

static void message_of(const struct head *head, uint8_t message[static MESSAGE_BYTES])
{
	uint8_t encoded[HEAD_BYTES];

	head_encode(head, encoded);
	put(put(message, tag, TAG_BYTES), encoded, HEAD_SIGNED_BYTES);
}

int head_sign(struct head *head, const struct secret_key *key)
{
	uint8_t message[MESSAGE_BYTES];

	head->node_key = *secret_key_public(key);
	message_of(head, message);
	return secret_key_sign(key, bytes_of(message, sizeof(message)), &head->signature);
}

int head_verify(const struct head *head)
{
	uint8_t message[MESSAGE_BYTES];

	message_of(head, message);
	return signature_verify(&head->node_key, bytes_of(message, sizeof(message)), &head->signature);
}
