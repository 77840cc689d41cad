/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/error.h"

static void names_and_texts(void **state)
{
	(void)state;
	assert_int_equal(ERROR_MEMORY, -1);
	assert_int_equal(ERROR_SIZE, -107);
	assert_int_equal(ERROR_KEY_EXPOSED, -202);
	assert_int_equal(ERROR_FORK, -304);
	assert_int_equal(ERROR_EPOCH_RECORD, -409);
	assert_int_equal(ERROR_FIELD, -500);
	assert_int_equal(ERROR_TIMEOUT, -604);
	assert_string_equal(error_name(ERROR_CUT), "ERROR_CUT");
	assert_string_equal(error_name(0), "OK");
	assert_string_equal(error_name(-9999), "ERROR_UNKNOWN");
#define CHECK(name, number, text) \
	assert_string_equal(error_name(number), #name); \
	assert_string_equal(error_text(number), text); \
	assert_int_equal(error_text(number)[strlen(error_text(number)) - 1], '.');
	ERROR_TABLE(CHECK)
#undef CHECK
	assert_int_equal(error_from_errno(ENOSPC), ERROR_FULL);
	assert_int_equal(error_from_errno(EIO), ERROR_IO);
}

static void complaint_is_clean(void **state)
{
	struct complaint c;
	(void)state;

	assert_int_equal(complain(NULL, ERROR_FIELD, "title", "is %d", 1), ERROR_FIELD);
	assert_int_equal(complain(&c, ERROR_FIELD, "ti\ntle", "is \x1b[31m%s\x7f", "r\xc3\xa9\xff" "d"),
		ERROR_FIELD);
	assert_string_equal(c.field, "ti?tle");
	assert_string_equal(c.reason, "is ?[31mr\xc3\xa9?d?");
	/* An override of the direction would let a text read otherwise than it is. */
	complain(&c, ERROR_FIELD, NULL, "%s", "a\xe2\x80\xae\x62\xc2\x85");
	assert_string_equal(c.field, "");
	assert_string_equal(c.reason, "a?b?");
}

static void complaint_is_bounded(void **state)
{
	struct complaint c;
	char text[2000];
	(void)state;

	/* Two-byte characters never fill the odd number of bytes that is free. */
	for (size_t i = 0; i + 1 < sizeof(text); i += 2)
		memcpy(text + i, "\xc3\xa9", 2);
	text[sizeof(text) - 2] = '\0';
	complain(&c, ERROR_FIELD, text, "%s", text);
	assert_int_equal(strlen(c.field), 94);
	assert_int_equal(strlen(c.reason), 254);
	assert_null(strchr(c.reason, '?'));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_texts),
		cmocka_unit_test(complaint_is_clean),
		cmocka_unit_test(complaint_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
