/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/error.h"
#include "record/header.h"
#include "record/kind.h"

static void fill_hash(struct hash *h, uint8_t first)
{
	for (size_t i = 0; i < HASH_SIZE; i++)
		h->bytes[i] = (uint8_t)(first + i);
}

static void fill_reference(struct entry_reference *r, uint8_t first, uint64_t seq)
{
	fill_hash(&r->feed_id, first);
	fill_hash(&r->entry_hash, (uint8_t)(first + 1));
	r->seq = seq;
}

static struct header sample(void)
{
	struct header h = {.kind = KIND_ALERT, .time_ms = 1764000000000, .expiry_ms = 1764003600000,
		.flags = HEADER_FLAG_RECEIPTS, .body_size = 1234};
	memset(h.content_id, 7, sizeof(h.content_id));
	h.topics[0] = bytes_from_text("flood");
	h.topics[1] = bytes_from_text("Duna");
	h.topic_count = 2;
	h.has_supersedes = true;
	fill_reference(&h.supersedes, 1, 41);
	fill_hash(&h.attachments[0].id, 9);
	h.attachments[0].size = HEADER_ATTACHMENT_SIZE_MAX;
	h.attachments[0].flags = HEADER_ATTACHMENT_CAP_ORIGINAL;
	h.attachment_count = 1;
	h.has_references = true;
	fill_reference(&h.references[0], 3, UINT64_MAX);
	h.reference_count = 1;
	return h;
}

static void test_round_trip(void **state)
{
	(void)state;
	struct header h = sample(), back;
	struct buffer b, again;
	buffer_init(&b, HEADER_SIZE_MAX);
	buffer_init(&again, HEADER_SIZE_MAX);
	assert_int_equal(header_encode(&h, &b), 0);
	assert_int_equal(header_decode(buffer_bytes(&b), &back), 0);
	assert_int_equal(back.kind, KIND_ALERT);
	assert_int_equal(back.time_ms, h.time_ms);
	assert_int_equal(back.expiry_ms, h.expiry_ms);
	assert_int_equal(back.body_size, 1234);
	assert_true(bytes_equal_text(back.topics[1], "Duna"));
	assert_true(back.has_supersedes);
	assert_int_equal(back.supersedes.seq, 41);
	assert_true(hash_equal(&back.attachments[0].id, &h.attachments[0].id));
	assert_int_equal(back.attachments[0].size, HEADER_ATTACHMENT_SIZE_MAX);
	assert_true(back.references[0].seq == UINT64_MAX);
	assert_int_equal(header_encode(&back, &again), 0);
	assert_true(bytes_equal(buffer_bytes(&b), buffer_bytes(&again)));
	buffer_deinit(&b);
	buffer_deinit(&again);
}

/* The bytes are those of docs/protocol.md section 3, written by hand. */
static void test_bytes(void **state)
{
	(void)state;
	static const uint8_t expected[] = {
		0x9a, 0x03, 0xcd, 0x03, 0xe8, 0x00, 0x00, 0x05, 0xc4, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0x91, 0xa3, 'a', 'i', 'r', 0xc0, 0x90, 0xc0,
	};
	struct header h = {.kind = KIND_DOC, .time_ms = 1000, .body_size = 5};
	h.topics[0] = bytes_from_text("air");
	h.topic_count = 1;
	struct buffer b;
	buffer_init(&b, HEADER_SIZE_MAX);
	assert_int_equal(header_encode(&h, &b), 0);
	assert_int_equal(b.len, sizeof(expected));
	assert_memory_equal(b.data, expected, sizeof(expected));
	buffer_deinit(&b);
}

static void test_later_elements_survive(void **state)
{
	(void)state;
	static const uint8_t extra[] = {0xa2, 'h', 'i', 0x92, 1, 2};
	struct header h = sample(), back;
	h.trailing = bytes_of(extra, sizeof(extra));
	h.trailing_count = 2;
	struct buffer b, again;
	buffer_init(&b, HEADER_SIZE_MAX);
	buffer_init(&again, HEADER_SIZE_MAX);
	assert_int_equal(header_encode(&h, &b), 0);
	assert_int_equal(header_decode(buffer_bytes(&b), &back), 0);
	assert_int_equal(back.trailing_count, 2);
	assert_true(bytes_equal(back.trailing, h.trailing));
	assert_int_equal(header_encode(&back, &again), 0);
	assert_true(bytes_equal(buffer_bytes(&b), buffer_bytes(&again)));
	buffer_deinit(&b);
	buffer_deinit(&again);
}

static void test_refuses_to_write(void **state)
{
	(void)state;
	struct buffer b;
	buffer_init(&b, 2 * HEADER_SIZE_MAX);
	struct header h = sample();
	h.body_size = HEADER_BODY_SIZE_MAX + 1;
	assert_int_equal(header_encode(&h, &b), ERROR_RANGE);
	h = sample();
	h.topics[0] = bytes_from_text("");
	assert_int_equal(header_encode(&h, &b), ERROR_SIZE);
	h = sample();
	h.topics[0] = bytes_of("\xff\xfe", 2);
	assert_int_equal(header_encode(&h, &b), ERROR_UTF8);
	h = sample();
	h.attachments[0].size = HEADER_ATTACHMENT_SIZE_MAX + 1;
	assert_int_equal(header_encode(&h, &b), ERROR_RANGE);
	h = sample();
	h.supersedes.seq = 0;
	assert_int_equal(header_encode(&h, &b), ERROR_RANGE);
	static const uint8_t large[HEADER_SIZE_MAX] = {0xc6, 0, 0, 0x1f, 0xfb};
	h = sample();
	h.trailing = bytes_of(large, sizeof(large));
	h.trailing_count = 1;
	assert_int_equal(header_encode(&h, &b), ERROR_SIZE);
	assert_int_equal(b.len, 0);
	buffer_deinit(&b);
}

/* Every byte of a header changed, and every length cut: never accepted as something else. */
static void test_refuses_what_is_not_canonical(void **state)
{
	(void)state;
	struct header h = sample(), back;
	struct buffer b, again;
	buffer_init(&b, HEADER_SIZE_MAX);
	buffer_init(&again, HEADER_SIZE_MAX);
	assert_int_equal(header_encode(&h, &b), 0);
	for (size_t len = 0; len < b.len; len++)
		assert_int_not_equal(header_decode(bytes_of(b.data, len), &back), 0);
	for (size_t i = 0; i < b.len; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			b.data[i] ^= (uint8_t)(1u << bit);
			buffer_reset(&again);
			if (header_decode(buffer_bytes(&b), &back) == 0) {
				assert_int_equal(header_encode(&back, &again), 0);
				assert_true(bytes_equal(buffer_bytes(&b), buffer_bytes(&again)));
			}
			b.data[i] ^= (uint8_t)(1u << bit);
		}
	}
	buffer_push_u8(&b, 0xc0);
	assert_int_equal(header_decode(buffer_bytes(&b), &back), ERROR_TRAILING);
	assert_int_equal(back.kind, 0);
	buffer_deinit(&b);
	buffer_deinit(&again);
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(kind_name(KIND_CALL), "call");
	assert_string_equal(kind_name(4711), "unknown");
	assert_int_equal(kind_parse(bytes_from_text("doc")), KIND_DOC);
	assert_int_equal(kind_parse(bytes_from_text("Doc")), 0);
	assert_true(kind_known(KIND_META));
	assert_false(kind_known(KIND_CASE));
	assert_int_equal(lane_parse(bytes_from_text(lane_name(LANE_META))), LANE_META);
	assert_string_equal(lane_name(0), "unknown");
	assert_string_equal(lane_name(5), "unknown");
	assert_int_equal(lane_of_kind(KIND_ERASURE), LANE_META);
	assert_int_equal(lane_of_kind(2000), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_later_elements_survive),
		cmocka_unit_test(test_refuses_to_write),
		cmocka_unit_test(test_refuses_what_is_not_canonical),
		cmocka_unit_test(test_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
