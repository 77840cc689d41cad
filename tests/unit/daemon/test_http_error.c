/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "daemon/http_error.h"

static void test_status(void **state)
{
	(void)state;
	assert_int_equal(http_error_of(ERROR_FIELD).status, 400);
	assert_int_equal(http_error_of(ERROR_NOT_FOUND).status, 404);
	assert_int_equal(http_error_of(ERROR_NOT_MEMBER).status, 409);
	assert_int_equal(http_error_of(ERROR_BUSY).status, 429);
	assert_int_equal(http_error_of(ERROR_FULL).status, 503);
	assert_int_equal(http_error_of(ERROR_SIZE).status, 413);
	assert_int_equal(http_error_of(ERROR_CORRUPT).status, 500);
	assert_int_equal(http_error_of(-99999).status, 500);
}

/* Whatever the code, a client is told something, and 4xx only where it can do something. */
static void test_every_code(void **state)
{
	(void)state;
	static const int codes[] = {
#define CODE(name, number, text) number,
		ERROR_TABLE(CODE)
#undef CODE
	};
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		struct http_error error = http_error_of(codes[i]);
		assert_true(error.status >= 400 && error.status <= 503);
		assert_non_null(error.code);
	}
}

static void assert_error(json_t *json, const char *code, const char *field, const char *reason)
{
	assert_non_null(json);
	const json_t *error = json_object_get(json, "error");
	assert_string_equal(json_string_value(json_object_get(error, "code")), code);
	assert_string_equal(json_string_value(json_object_get(error, "field")), field);
	assert_string_equal(json_string_value(json_object_get(error, "reason")), reason);
	json_decref(json);
}

static void test_form(void **state)
{
	(void)state;
	struct complaint complaint = {"info[0].severity", "It is 'Grave'."};
	struct complaint none = {"", ""};
	assert_error(http_error_json_of(ERROR_FIELD, &complaint), "field", "info[0].severity",
		"It is 'Grave'.");
	assert_error(http_error_json_of(ERROR_BUSY, &none), "busy", "", error_text(ERROR_BUSY));
	assert_error(http_error_json_of(ERROR_BUSY, NULL), "busy", "", error_text(ERROR_BUSY));
	assert_error(http_error_json("syntax", NULL, "\xff"), "syntax", "", "(not UTF-8)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_every_code),
		cmocka_unit_test(test_form),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
