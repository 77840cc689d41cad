/* SPDX-License-Identifier: Apache-2.0 */
/* What stands in ids and cursors that a client sends back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/api_list.h"
#include "daemon/api_names.h"
#include "daemon/api_views.h"

static void test_event_cursor(void **state)
{
	(void)state;
	static const uint8_t epoch[STORE_EPOCH_SIZE] = {1, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};
	uint8_t read[STORE_EPOCH_SIZE];
	char text[API_CURSOR_MAX];
	uint64_t arrival;
	assert_string_equal(api_cursor_format(text, epoch, 42), "0123456789abcdef-42");
	assert_int_equal(api_cursor_parse(text, read, &arrival), 0);
	assert_memory_equal(read, epoch, sizeof(epoch));
	assert_int_equal(arrival, 42);
	static const char *const bad[] = {"", "0", "-", "0123456789abcdef", "0123456789abcdef-",
		"0123456789abcdef-x", "0123456789abcdef-1x", "0123456789abcdeg-1",
		"0123456789abcdef--1", "0123456789abcdef-1234567890123456789", "123-1",
		"0123456789abcdef 1"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(api_cursor_parse(bad[i], read, &arrival), ERROR_SYNTAX);
}

static void test_list_cursor(void **state)
{
	(void)state;
	struct api_list_place place = {.time_ms = 1700000000123, .feed = {0xab, 1, 2, 3, 4, 5, 6, 0xff},
		.seq = 77};
	struct api_list_place read;
	char text[API_LIST_CURSOR_MAX];
	assert_string_equal(api_list_place_format(text, &place),
		"1700000000123-ab010203040506ff-77");
	assert_int_equal(api_list_place_parse(text, &read), 0);
	assert_int_equal(read.time_ms, place.time_ms);
	assert_int_equal(read.seq, 77);
	assert_memory_equal(read.feed, place.feed, sizeof(place.feed));
	static const char *const bad[] = {"", "1", "1-2-3", "1-ab010203040506ff", "1-ab010203040506ff-",
		"1-ab010203040506fg-1", "x-ab010203040506ff-1", "1-ab010203040506ff-1x",
		"-ab010203040506ff-1", "1-ab010203040506ff_1"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(api_list_place_parse(bad[i], &read), ERROR_SYNTAX);
}

static void test_seq(void **state)
{
	(void)state;
	uint64_t seq;
	uint32_t epoch;
	assert_int_equal(api_seq_parse("42", &seq, &epoch), 0);
	assert_int_equal(seq, 42);
	assert_int_equal(epoch, 0);
	assert_int_equal(api_seq_parse("7@3", &seq, &epoch), 0);
	assert_int_equal(seq, 7);
	assert_int_equal(epoch, 3);
	static const char *const bad[] = {"", "0", "01", "-1", "1@", "1@0", "1@x", "1x", "@1", "1@2@3",
		"1234567890123456789", "1@1234567890", " 1"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(api_seq_parse(bad[i], &seq, &epoch), ERROR_FIELD);
}

static void test_record_id(void **state)
{
	(void)state;
	struct api_feed feed = {.lane = 1, .network = "pact", .city = "budapest"};
	char text[API_RECORD_ID_MAX];
	assert_string_equal(api_record_id(text, &feed, 42, 0), "pact/budapest/alert/42");
	assert_string_equal(api_record_id(text, &feed, 42, 3), "pact/budapest/alert/42@3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_event_cursor),
		cmocka_unit_test(test_list_cursor),
		cmocka_unit_test(test_seq),
		cmocka_unit_test(test_record_id),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
