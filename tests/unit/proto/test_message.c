/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/wire_writer.h"
#include "proto/message.h"
#include "tests/unit/proto/rewrite.h"
#include "tests/unit/vectors.h"

/*
 * Each frame of tests/data/vectors/frames.json is decoded, and written again from what was decoded.
 * That a field stands where it should is seen from the vector's own fields, which the script wrote.
 */

static struct message decoded;

static struct buffer again;

/* What decoding and writing could both get wrong alike: fields of one type that were swapped. */
static void check_fields(const struct message *m, const json_t *fields)
{
#define UINT(i) ((uint64_t)json_integer_value(json_array_get(fields, i)))
	switch (m->type) {
	case MESSAGE_HELLO: {
		const json_t *networks = json_array_get(fields, 6);
		assert_int_equal(m->hello.count, json_array_size(networks));
		assert_int_equal(m->hello.features, UINT(7));
		for (uint32_t i = 0; i < m->hello.count; i++) {
			const json_t *n = json_array_get(networks, i);
			assert_int_equal(m->hello.networks[i].number, json_integer_value(json_array_get(n, 1)));
			assert_int_equal(
				m->hello.networks[i].arrival, json_integer_value(json_array_get(n, 3)));
		}
		break;
	}
	case MESSAGE_OBJECT:
		assert_int_equal(m->object.left, UINT(3));
		break;
	case MESSAGE_CREDIT:
		assert_int_equal(m->credit.bulk_limit, UINT(1));
		assert_int_equal(m->credit.urgent_limit, UINT(2));
		break;
	case MESSAGE_RUN:
		assert_int_equal(m->run.stream, UINT(1));
		assert_int_equal(m->run.first_seq, UINT(3));
		assert_int_equal(m->run.flags, UINT(6));
		assert_int_equal(m->run.plain_len, UINT(8));
		break;
	case MESSAGE_FORK_ASK:
		assert_int_equal(m->fork_ask.seq, UINT(2));
		break;
	case MESSAGE_FORK_BRANCH:
		assert_int_equal(m->fork_branch.seq, UINT(2));
		assert_int_equal(m->fork_branch.head.len == 0, m->fork_branch.hashes.len == 0);
		break;
	case MESSAGE_FRAGMENT:
		assert_int_equal(m->fragment.stream, UINT(1));
		assert_int_equal(m->fragment.offset, UINT(2));
		break;
	case MESSAGE_PULL_END:
		assert_int_equal(m->pull_end.next_seq, UINT(2));
		assert_int_equal(m->pull_end.code, UINT(3));
		break;
	case MESSAGE_PONG:
		assert_int_equal(m->ping.token, UINT(1));
		assert_int_equal(m->ping.time.ms, UINT(2));
		break;
	case MESSAGE_ATTACHMENT_PULL:
		assert_int_equal(m->attachment_pull.limit, UINT(1));
		assert_int_equal(m->attachment_pull.seq, UINT(3));
		assert_int_equal(m->attachment_pull.first_chunk, UINT(5));
		break;
	case MESSAGE_ATTACHMENT:
		assert_int_equal(m->attachment.stream, UINT(1));
		assert_int_equal(m->attachment.size, UINT(3));
		assert_int_equal(m->attachment.first_chunk, UINT(4));
		break;
	default:
		break;
	}
#undef UINT
}

/* Those of which two fields have one type and size, so that a swap would show nowhere else. */
static void check_hashes(const struct message *m, const json_t *fields)
{
	const char *first, *second;
	struct hash a, b;
	if (m->type != MESSAGE_HOLD_ASK && m->type != MESSAGE_ATTACHMENT_PULL)
		return;
	bool pull = m->type == MESSAGE_ATTACHMENT_PULL;
	first = json_string_value(json_object_get(json_array_get(fields, pull ? 2 : 1), "bin"));
	second = json_string_value(json_object_get(json_array_get(fields, pull ? 4 : 2), "bin"));
	assert_int_equal(text_hex_decode(a.bytes, sizeof a.bytes, bytes_from_text(first)), 0);
	assert_int_equal(text_hex_decode(b.bytes, sizeof b.bytes, bytes_from_text(second)), 0);
	assert_true(hash_equal(&a, pull ? &m->attachment_pull.feed_id : &m->hold_ask.network_id));
	assert_true(hash_equal(&b, pull ? &m->attachment_pull.attachment_id : &m->hold_ask.city_id));
}

static void vectors(void **state)
{
	(void)state;
	json_t *root = vectors_load("frames"), *entry;
	struct buffer frame;
	size_t i;
	bool seen[MESSAGE_TYPE_COUNT] = {false};

	buffer_init(&frame, SIZE_MAX);
	buffer_init(&again, SIZE_MAX);
	json_array_foreach(vectors_field(root, "frames"), i, entry)
	{
		struct bytes whole = vectors_hex(entry, "frame", &frame);
		struct bytes inside = bytes_slice(whole, 4, SIZE_MAX);
		const json_t *fields = json_object_get(entry, "fields");
		assert_int_equal(message_decode(inside, &decoded), 0);
		assert_int_equal(decoded.type, vectors_uint(entry, "type"));
		if (decoded.type >= MESSAGE_UNKNOWN_FIRST)
			continue;
		seen[decoded.type] = true;
		check_fields(&decoded, fields);
		check_hashes(&decoded, fields);
		if (decoded.type == MESSAGE_OBJECT && decoded.object.left)
			continue; /* written with its second part, see below */
		rewrite_message(&decoded, &again);
		if (decoded.type == MESSAGE_HELLO && whole.data[6] == 0x92) {
			/* The vector's sender knows two versions, we know one. */
			assert_int_equal(again.data[6], 0x91);
			assert_int_equal(again.len, whole.len - 1);
			assert_memory_equal(again.data + 8, whole.data + 9, again.len - 8);
			continue;
		}
		assert_int_equal(again.len, whole.len);
		assert_memory_equal(again.data, whole.data, whole.len);
		/* Cut short anywhere, or with a byte more, it is refused. */
		for (size_t len = 0; len < inside.len; len++)
			assert_int_not_equal(message_decode(bytes_slice(inside, 0, len), &decoded), 0);
		buffer_push_u8(&frame, 0);
		assert_int_not_equal(
			message_decode(bytes_slice(buffer_bytes(&frame), 4, SIZE_MAX), &decoded), 0);
	}
	for (uint32_t type = 0; type < MESSAGE_TYPE_COUNT; type++)
		if (!seen[type])
			assert_string_equal(message_type_name(type), "unknown");
	buffer_deinit(&frame);
	buffer_deinit(&again);
	json_decref(root);
}

static int decode(const void *bytes, size_t len)
{
	return message_decode(bytes_of(bytes, len), &decoded);
}
#define DECODE(text) decode(text, sizeof(text) - 1)

static void types(void **state)
{
	(void)state;
	assert_int_equal(DECODE("\x91\x00"), ERROR_FRAME);
	assert_int_equal(DECODE("\x91\x1e"), ERROR_FRAME); /* 30 */
	assert_int_equal(DECODE("\x91\x2c"), ERROR_FRAME); /* 44 */
	assert_int_equal(DECODE("\x91\x3f"), ERROR_FRAME); /* 63 */
	assert_int_equal(DECODE("\x91\x40"), 0);           /* 64: skipped */
	assert_int_equal(decoded.type, 64);
	assert_int_equal(DECODE("\x92\xce\xff\xff\xff\xff\xc1"), 0); /* whatever is in it */
	assert_int_equal(DECODE("\x90"), ERROR_FRAME);
	assert_int_equal(DECODE("\x0f"), ERROR_FRAME);      /* no array */
	assert_int_equal(DECODE("\x91\xa1x"), ERROR_FRAME); /* its type is no number */
	assert_int_equal(DECODE("\x91\xcf\x00\x00\x00\x01\x00\x00\x00\x0f"), ERROR_FRAME);
}

static void canonical_form(void **state)
{
	(void)state;
	assert_int_equal(DECODE("\x92\x0f\x05"), 0);
	assert_int_not_equal(DECODE("\x92\x0f\xcc\x05"), 0);     /* 5 in two bytes */
	assert_int_not_equal(DECODE("\x92\xcc\x0f\x05"), 0);     /* the type in two */
	assert_int_not_equal(DECODE("\xdc\x00\x02\x0f\x05"), 0); /* the array's count in three */
	assert_int_not_equal(DECODE("\x92\x0f\xff"), 0);         /* negative */
	assert_int_not_equal(DECODE("\x92\x0f\xca\x40\x00\x00\x00"), 0); /* a float */
	assert_int_not_equal(DECODE("\x93\x1c\x01\xa1\xff"), 0);         /* no UTF-8 */
	assert_int_not_equal(DECODE("\x93\x1c\x01\xa1\x00"), 0);         /* U+0000 */
	/* Further elements are passed over, up to eight, and must be canonical too. */
	assert_int_equal(DECODE("\x93\x0f\x05\xa1x"), 0);
	assert_int_equal(decoded.ping.token, 5);
	assert_int_equal(DECODE("\x9a\x0f\x05\x01\x02\x03\x04\x05\x06\x07\x08"), 0);
	assert_int_not_equal(DECODE("\x9b\x0f\x05\x01\x02\x03\x04\x05\x06\x07\x08\x09"), 0);
	assert_int_not_equal(DECODE("\x93\x0f\x05\xcc\x01"), 0);
	assert_int_not_equal(DECODE("\x91\x0f"), 0);
	assert_int_not_equal(DECODE("\x92\x0f\xc0"), 0);
}

static void compressed_runs(void **state)
{
	(void)state;
	static const uint8_t head[HEAD_BYTES] = {0};
	const struct hash feed_id = {{1}};
	struct bytes packed = bytes_from_text("packed");
	struct buffer b;
	buffer_init(&b, SIZE_MAX);
	for (int i = 0; i < 4; i++) {
		static const uint32_t lengths[] = {0, 1, LIMIT_RUN_BYTES, LIMIT_RUN_BYTES + 1};
		buffer_reset(&b);
		message_write_run_compressed(&b, 1, &feed_id, 1, head, NULL, 0, &packed, lengths[i]);
		bool right = i == 1 || i == 2; /* 0 is written as if the element were missing */
		assert_int_equal(decode(b.data + 4, b.len - 4) == 0, right);
		if (right)
			assert_int_equal(decoded.run.plain_len, lengths[i]);
	}
	/* Without the flag the ninth element is one of a later version. */
	b.data[b.len - sizeof "packed" - 7] = 0;
	assert_int_equal(decode(b.data + 4, b.len - 4), 0);
	assert_int_equal(decoded.run.flags, 0);
	assert_int_equal(decoded.run.plain_len, 0);
	buffer_deinit(&b);
}

static void limits(void **state)
{
	(void)state;
	struct buffer b;
	struct hash hashes[LIMIT_ANNOUNCE_ITEMS + 1] = {{{1}}};
	static uint8_t large[LIMIT_OBJECT_PARTS_BYTES];
	buffer_init(&b, SIZE_MAX);
	message_write_object_want(&b, &hashes[0], hashes, LIMIT_ANNOUNCE_ITEMS);
	assert_int_equal(decode(b.data + 4, b.len - 4), 0);
	buffer_reset(&b);
	message_write_object_want(&b, &hashes[0], hashes, LIMIT_ANNOUNCE_ITEMS + 1);
	assert_int_not_equal(decode(b.data + 4, b.len - 4), 0);
	buffer_reset(&b);
	message_write_fragment(&b, 1, 0, true, bytes_of(large, LIMIT_FRAGMENT_BYTES));
	assert_int_equal(decode(b.data + 4, b.len - 4), 0);
	buffer_reset(&b);
	message_write_fragment(&b, 1, 0, true, bytes_of(large, LIMIT_FRAGMENT_BYTES + 1));
	assert_int_not_equal(decode(b.data + 4, b.len - 4), 0);
	buffer_reset(&b);
	message_write_fragment(&b, 1, 0, true, bytes_of(large, 0));
	assert_int_not_equal(decode(b.data + 4, b.len - 4), 0);
	buffer_reset(&b);
	struct message_pull pull = {.first_seq = 0};
	message_write_pull(&b, 1, &pull, 1);
	assert_int_not_equal(decode(b.data + 4, b.len - 4), 0);
	buffer_reset(&b);
	message_write_hold_ask(&b, &hashes[0], &hashes[0], large, LIMIT_HOLD_HOPS + 1);
	assert_int_not_equal(decode(b.data + 4, b.len - 4), 0);
	buffer_reset(&b);
	message_write_ping(&b, UINT64_MAX);
	assert_int_equal(decode(b.data + 4, b.len - 4), 0);
	assert_int_equal(decoded.ping.token, UINT64_MAX);
	buffer_deinit(&b);
}

/* A fork proof has up to 81,920 bytes and goes in two frames. */
static void large_object(void **state)
{
	(void)state;
	static uint8_t wire[LIMIT_OBJECT_PARTS_BYTES];
	struct hash network_id = {{7}};
	struct buffer b;
	for (size_t i = 0; i < sizeof wire; i++)
		wire[i] = (uint8_t)(i * 7 >> 3);
	buffer_init(&b, SIZE_MAX);
	message_write_object(&b, &network_id, bytes_of(wire, sizeof wire));
	size_t first = (size_t)b.data[1] << 16 | (size_t)b.data[2] << 8 | b.data[3];
	assert_true(first <= LIMIT_FRAME_BYTES);
	assert_int_equal(decode(b.data + 4, first), 0);
	assert_int_equal(decoded.object.wire.len, LIMIT_OBJECT_BYTES);
	assert_int_equal(decoded.object.left, sizeof wire - LIMIT_OBJECT_BYTES);
	assert_memory_equal(decoded.object.wire.data, wire, LIMIT_OBJECT_BYTES);
	assert_int_equal(decode(b.data + first + 8, b.len - first - 8), 0);
	assert_int_equal(decoded.object.left, 0);
	assert_int_equal(decoded.object.wire.len, sizeof wire - LIMIT_OBJECT_BYTES);
	assert_memory_equal(
		decoded.object.wire.data, wire + LIMIT_OBJECT_BYTES, decoded.object.wire.len);
	buffer_reset(&b);
	message_write_object(&b, &network_id, bytes_of(wire, LIMIT_OBJECT_BYTES));
	assert_int_equal(decode(b.data + 4, b.len - 4), 0);
	assert_int_equal(decoded.object.left, 0);
	buffer_deinit(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors),
		cmocka_unit_test(types),
		cmocka_unit_test(canonical_form),
		cmocka_unit_test(compressed_runs),
		cmocka_unit_test(limits),
		cmocka_unit_test(large_object),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
