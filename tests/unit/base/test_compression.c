/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/compression.h"
#include "base/error.h"

/* RFC 8878, by hand: magic, descriptor (single segment, content size in one byte), size 23; a raw
 * block of "abc", then the last block: 20 times 'z'. */
static const uint8_t by_hand[] = {
	0x28, 0xb5, 0x2f, 0xfd, 0x20, 23, 0x18, 0, 0, 'a', 'b', 'c', 0xa3, 0, 0, 'z'};
#define BY_HAND_LEN 23u
#define DESCRIPTOR 4
#define LAST_BLOCK 12

static uint8_t plain[COMPRESSION_BYTES_MAX + 1];

static int unpack(const void *packed, size_t len, size_t plain_len)
{
	memset(plain, 0xee, sizeof plain);
	int code = compression_unpack(bytes_of(packed, len), plain, plain_len);
	assert_int_equal(plain[plain_len], 0xee); /* nothing behind what was asked for */
	return code;
}

static void unpacks_what_another_packed(void **state)
{
	(void)state;
	assert_int_equal(unpack(by_hand, sizeof by_hand, BY_HAND_LEN), 0);
	assert_memory_equal(plain, "abczzzzzzzzzzzzzzzzzzzz", BY_HAND_LEN);
}

static void refuses_every_other_form(void **state)
{
	(void)state;
	static const struct {
		uint8_t at, byte;
		const char *what;
	} changes[] = {
		{0, 0x29, "another magic number"},
		{0, 0x50, "…"},
		{DESCRIPTOR, 0x24, "a checksum is to follow"},
		{DESCRIPTOR, 0x21, "a dictionary"},
		{DESCRIPTOR, 0x28, "the reserved bit"},
		{DESCRIPTOR, 0x00, "no single segment: a window of its own"},
		{LAST_BLOCK, 0xa2, "no last block"},
		{LAST_BLOCK, 0xa7, "a block of the reserved type"},
		{LAST_BLOCK, 0xa5, "a compressed block that is none"},
		{LAST_BLOCK, 0xab, "21 times: more than the content's size"},
		{LAST_BLOCK, 0x9b, "19 times: less"},
		{LAST_BLOCK + 2, 0x10, "half a million times"},
	};
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		uint8_t bytes[sizeof by_hand];
		memcpy(bytes, by_hand, sizeof bytes);
		bytes[changes[i].at] = changes[i].byte;
		if (unpack(bytes, sizeof bytes, BY_HAND_LEN) != ERROR_SYNTAX)
			fail_msg("%s", changes[i].what);
	}
	static const uint8_t skippable[] = {0x50, 0x2a, 0x4d, 0x18, 8, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8};
	assert_int_equal(unpack(skippable, sizeof skippable, 8), ERROR_SYNTAX);
	assert_int_equal(unpack("", 0, 8), ERROR_SYNTAX);
}

static void refuses_what_is_cut_short_or_goes_on(void **state)
{
	(void)state;
	uint8_t bytes[2 * sizeof by_hand];
	for (size_t len = 0; len < sizeof by_hand; len++)
		assert_int_equal(unpack(by_hand, len, BY_HAND_LEN), ERROR_SYNTAX);
	memcpy(bytes, by_hand, sizeof by_hand);
	memcpy(bytes + sizeof by_hand, by_hand, sizeof by_hand);
	assert_int_equal(unpack(bytes, sizeof by_hand + 1, BY_HAND_LEN), ERROR_TRAILING);
	/* Two whole frames: the library by itself would take both. */
	assert_int_equal(unpack(bytes, sizeof bytes, BY_HAND_LEN), ERROR_TRAILING);
	assert_int_equal(unpack(bytes, sizeof bytes, 2 * BY_HAND_LEN), ERROR_SIZE);
}

static void refuses_another_size(void **state)
{
	(void)state;
	assert_int_equal(unpack(by_hand, sizeof by_hand, BY_HAND_LEN - 1), ERROR_SIZE);
	assert_int_equal(unpack(by_hand, sizeof by_hand, BY_HAND_LEN + 1), ERROR_SIZE);
	assert_int_equal(unpack(by_hand, sizeof by_hand, 0), ERROR_SIZE);
	assert_int_equal(
		compression_unpack(bytes_of(by_hand, sizeof by_hand), plain, COMPRESSION_BYTES_MAX + 1),
		ERROR_SIZE);
}

/* A frame that claims four gigabytes costs nothing. */
static void refuses_a_bomb(void **state)
{
	(void)state;
	static const uint8_t bomb[] = {
		0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0xff, 0xff, 0xff, 0xff, 0x03, 0, 0x10, 'z'};
	assert_int_equal(unpack(bomb, sizeof bomb, COMPRESSION_BYTES_MAX), ERROR_SIZE);
}

static void packs_and_unpacks(void **state)
{
	(void)state;
	static uint8_t from[COMPRESSION_BYTES_MAX];
	static const size_t lengths[] = {1, 2, 100, 1000, 65536, 300000, 794661, COMPRESSION_BYTES_MAX};
	uint32_t random = 1;
	for (size_t i = 0; i < sizeof from; i++) {
		random = random * 1103515245 + 12345;
		from[i] = (uint8_t)('a' + (random >> 16) % 16);
	}
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		struct buffer packed;
		size_t len = lengths[i];
		buffer_init(&packed, SIZE_MAX);
		buffer_push_u8(&packed, 7);
		int code = compression_pack(bytes_of(from, len), COMPRESSION_BYTES_MAX, &packed);
		assert_int_equal(code, 0);
		assert_int_equal(packed.data[0], 7);
		if (len > 1000)
			assert_true(packed.len < len * 6 / 10);
		assert_int_equal(unpack(packed.data + 1, packed.len - 1, len), 0);
		assert_memory_equal(plain, from, len);
		buffer_deinit(&packed);
	}
}

static void packs_nothing_that_has_no_room(void **state)
{
	(void)state;
	uint8_t from[2000];
	struct buffer packed;
	uint32_t random = 1;
	for (size_t i = 0; i < sizeof from; i++) {
		random = random * 1103515245 + 12345;
		from[i] = (uint8_t)(random >> 16);
	}
	buffer_init(&packed, SIZE_MAX);
	assert_int_equal(compression_pack(bytes_of(from, sizeof from), 1750, &packed), ERROR_SIZE);
	assert_int_equal(compression_pack(bytes_of(from, 0), 1750, &packed), ERROR_SIZE);
	assert_int_equal(
		compression_pack(bytes_of(plain, COMPRESSION_BYTES_MAX + 1), 1000, &packed), ERROR_SIZE);
	assert_int_equal(packed.len, 0);
	assert_int_equal(packed.error, 0);
	buffer_deinit(&packed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unpacks_what_another_packed),
		cmocka_unit_test(refuses_every_other_form),
		cmocka_unit_test(refuses_what_is_cut_short_or_goes_on),
		cmocka_unit_test(refuses_another_size),
		cmocka_unit_test(refuses_a_bomb),
		cmocka_unit_test(packs_and_unpacks),
		cmocka_unit_test(packs_nothing_that_has_no_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
