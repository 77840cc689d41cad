/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/timestamp.h"

struct parse_case {
	const char *text;
	int64_t ms; /* or the error */
};

static void parses(void **state)
{
	static const struct parse_case good[] = {
		{"1970-01-01T00:00:00Z", 0},
		{"2024-02-29T12:00:00Z", 1709208000000},
		{"2024-02-29t12:00:00z", 1709208000000},
		{"2024-02-29T14:30:00.25+02:30", 1709208000250},
		{"2024-02-29T07:00:00.123456789-05:00", 1709208000123},
		{"1969-12-31T23:59:59.9Z", -100},
		{"1900-03-01T00:00:00-00:00", -2203891200000},
		{"0001-01-01T00:00:00Z", TIMESTAMP_MS_MIN},
		{"9999-12-31T23:59:59.999Z", TIMESTAMP_MS_MAX},
		{"2016-12-31T23:59:60Z", 1483228799999},
		{"2017-01-01T00:59:60+01:00", 1483228799999},
	};
	(void)state;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct timestamp t = {.ms = 42};
		int error = timestamp_parse_rfc3339(bytes_from_text(good[i].text), &t);
		if (error || t.ms != good[i].ms)
			fail_msg("%s: %s, %lld", good[i].text, error_name(error), (long long)t.ms);
	}
}

static void refuses(void **state)
{
	static const struct parse_case bad[] = {
		{"", ERROR_SYNTAX}, {"2024-02-29", ERROR_SYNTAX}, {"2024-02-29 12:00:00Z", ERROR_SYNTAX},
		{"2024-02-29T12:00:00", ERROR_SYNTAX}, {"2024-02-29T12:00Z", ERROR_SYNTAX},
		{"2024-02-29T12:00:00Z ", ERROR_SYNTAX}, {" 2024-02-29T12:00:00Z", ERROR_SYNTAX},
		{"2024-02-29T12:00:00.Z", ERROR_SYNTAX}, {"2024-02-29T12:00:00.1234567890Z", ERROR_SYNTAX},
		{"2024-02-29T12:00:00,5Z", ERROR_SYNTAX}, {"2024-02-29T12:00:00+0200", ERROR_SYNTAX},
		{"2024-02-29T12:00:00+02", ERROR_SYNTAX}, {"24-02-29T12:00:00Z", ERROR_SYNTAX},
		{"+024-02-29T12:00:00Z", ERROR_SYNTAX}, {"2024-2-29T12:00:00Z", ERROR_SYNTAX},
		{"2023-02-29T12:00:00Z", ERROR_RANGE}, {"1900-02-29T12:00:00Z", ERROR_RANGE},
		{"2024-13-01T12:00:00Z", ERROR_RANGE}, {"2024-00-01T12:00:00Z", ERROR_RANGE},
		{"2024-04-31T12:00:00Z", ERROR_RANGE}, {"2024-04-00T12:00:00Z", ERROR_RANGE},
		{"2024-04-30T24:00:00Z", ERROR_RANGE}, {"2024-04-30T23:60:00Z", ERROR_RANGE},
		{"2024-04-30T23:59:61Z", ERROR_RANGE}, {"2024-04-30T12:00:60Z", ERROR_RANGE},
		{"2024-04-30T12:00:00+24:00", ERROR_RANGE}, {"2024-04-30T12:00:00+01:60", ERROR_RANGE},
		{"0000-01-01T00:00:00Z", ERROR_RANGE}, {"0001-01-01T00:00:00+01:00", ERROR_RANGE},
		{"9999-12-31T23:59:59-00:01", ERROR_RANGE},
	};
	(void)state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct timestamp t = {.ms = 42};
		int error = timestamp_parse_rfc3339(bytes_from_text(bad[i].text), &t);
		if (error != bad[i].ms || t.ms != 42)
			fail_msg("%s: %s", bad[i].text, error_name(error));
	}
	struct timestamp t;
	assert_int_equal(timestamp_parse_rfc3339(bytes_of("2024-02-29T12:00:00\0", 20), &t),
		ERROR_SYNTAX);
}

static void offset_is_given(void **state)
{
	struct timestamp t;
	int offset = 1;
	(void)state;

	timestamp_parse_rfc3339_offset(bytes_from_text("2024-02-29T12:00:00-03:30"), &t, &offset);
	assert_int_equal(offset, -210);
}

static void formats(void **state)
{
	char text[TIMESTAMP_TEXT_MAX];
	(void)state;

	assert_string_equal(timestamp_format(timestamp_from_ms(0), text), "1970-01-01T00:00:00Z");
	assert_string_equal(timestamp_format(timestamp_from_ms(-1), text),
		"1969-12-31T23:59:59.999Z");
	assert_string_equal(timestamp_format(timestamp_from_ms(1709208000050), text),
		"2024-02-29T12:00:00.050Z");
	assert_string_equal(timestamp_format(timestamp_from_ms(INT64_MIN), text),
		"0001-01-01T00:00:00Z");
	assert_string_equal(timestamp_format(timestamp_from_ms(INT64_MAX), text),
		"9999-12-31T23:59:59.999Z");
	/* Every 9.3 days over four centuries and more, there and back. */
	for (int64_t ms = INT64_C(-8000000000000); ms < INT64_C(8000000000000); ms += 803521987) {
		struct timestamp back;
		timestamp_format(timestamp_from_ms(ms), text);
		assert_int_equal(timestamp_parse_rfc3339(bytes_from_text(text), &back), 0);
		assert_true(back.ms == ms);
	}
}

static void civil_days(void **state)
{
	int64_t days = timestamp_days_from_civil(1, 1, 1);
	(void)state;

	assert_int_equal(timestamp_days_from_civil(1970, 1, 1), 0);
	for (int year = 1; year <= 2500; year++) {
		for (int month = 1; month <= 12; month++) {
			int y, m, d;
			assert_true(timestamp_days_from_civil(year, month, 1) == days);
			timestamp_civil_from_days(days, &y, &m, &d);
			assert_true(y == year && m == month && d == 1);
			days += timestamp_days_in_month(year, month);
		}
	}
}

static void arithmetic_saturates(void **state)
{
	(void)state;
	struct timestamp first = {.ms = INT64_MIN}, last = {.ms = INT64_MAX};
	assert_true(timestamp_add_ms(last, 1).ms == INT64_MAX);
	assert_true(timestamp_add_ms(first, -1).ms == INT64_MIN);
	assert_true(timestamp_diff_ms(last, first) == INT64_MAX);
	assert_true(timestamp_diff_ms(first, last) == INT64_MIN);
	assert_true(timestamp_from_s(INT64_MAX).ms == INT64_MAX);
	assert_true(timestamp_from_s(-2).ms == -2000);
	assert_true(monotime_add_ms(MONOTIME_NEVER, 5).us == INT64_MAX);
	assert_true(monotime_add_ms(monotime_from_us(1), 2).us == 2001);
	assert_true(monotime_diff_us(monotime_from_us(5), monotime_from_us(7)) == -2);
	assert_true(monotime_earlier(MONOTIME_NEVER, monotime_from_us(7)).us == 7);
	assert_true(monotime_reached(monotime_from_us(7), monotime_from_us(7)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses),
		cmocka_unit_test(refuses),
		cmocka_unit_test(offset_is_given),
		cmocka_unit_test(formats),
		cmocka_unit_test(civil_days),
		cmocka_unit_test(arithmetic_saturates),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
