/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the quick road of bulk publishing must take, and what it must leave to the other. That both
 * give the same bytes is also the fuzz target record_quick's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "record/quick_body.h"

/* The quick road's answer; what it gives must be what the other gives. */
static bool taken(const char *text)
{
	struct json_scan scan = {0};
	struct buffer quick, slow;
	buffer_init(&quick, BODY_SIZE_MAX);
	buffer_init(&slow, BODY_SIZE_MAX);
	bool yes = json_scan_read(&scan, bytes_from_text(text)) &&
		quick_body_encode(KIND_DOC, &scan, 0, &quick);
	if (yes) {
		json_t *json = body_from_json(bytes_from_text(text), NULL);
		assert_non_null(json);
		assert_int_equal(body_validate(KIND_DOC, json, NULL), 0);
		assert_int_equal(body_encode(json, &slow, NULL), 0);
		assert_true(bytes_equal(buffer_bytes(&quick), buffer_bytes(&slow)));
		json_decref(json);
	} else {
		assert_int_equal(quick.len, 0);
	}
	json_scan_deinit(&scan);
	buffer_deinit(&quick);
	buffer_deinit(&slow);
	return yes;
}

#define DOC(more) "{\"title\":\"T\",\"language\":\"en\"" more "}"

static void test_taken(void **state)
{
	(void)state;
	assert_true(taken(DOC("")));
	assert_true(taken(" \t\r\n" DOC("") "\n"));
	assert_true(taken(DOC(",\"media_type\":\"text/plain\",\"text\":\"a\\nb\\tc \\\"\\\\\\/\"")));
	assert_true(taken(DOC(",\"summary\":\"\\u00e9\\u20ac\\ud83d\\ude8b \xc3\xa9\"")));
	assert_true(taken(DOC(",\"topics\":[\"a\",\"b\"],\"extra\":{\"z\":[1,-7,true,null,[{}]],"
						  "\"a\":999999999999999999}")));
	assert_true(taken(DOC(",\"cost\":{\"currency\":\"EUR\",\"amount\":5}")));
	assert_true(taken(DOC(",\"contact\":{\"office\":\"Harbour office\"}")));
	assert_true(taken(DOC(",\"unknown to this version\":null")));
}

static void test_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"[]",
		"{}",
		"null",
		DOC("") "x",
		DOC(","),
		DOC(",\"text\":\"t\""),
		DOC(",\"title\":\"T\""),
		DOC(",\"extra\":{\"a\":1,\"b\":2,\"a\":3}"),
		DOC(",\"summary\":\"\""),
		DOC(",\"summary\":null"),
		DOC(",\"summary\":1"),
		DOC(",\"summary\":\"\\u0000\""),
		DOC(",\"summary\":\"\\ud83d\""),
		DOC(",\"summary\":\"\\ude8b\\ud83d\""),
		DOC(",\"summary\":\"\x7f\""),
		DOC(",\"summary\":\"\\u007f\""),
		DOC(",\"summary\":\"\x01\""),
		DOC(",\"summary\":\"\xff\""),
		DOC(",\"summary\":\"\\x\""),
		DOC(",\"summary\":\"\\b\""),
		DOC(",\"licence\":\"a\\nb\""),
		DOC(",\"visibility\":\"me\""),
		DOC(",\"cost\":{\"amount\":5}"),
		DOC(",\"contact\":{}"),
		DOC(",\"cost\":{\"amount\":-1,\"currency\":\"EUR\"}"),
		DOC(",\"topics\":[\"\"]"),
		DOC(",\"topics\":\"a\""),
		DOC(",\"evidence\":[{\"value\":\"no what\"}]"),
		DOC(",\"extra\":{\"real\":1.5}"),
		DOC(",\"extra\":{\"zeros\":00}"),
		DOC(",\"extra\":{\"large\":1000000000000000000}"),
		DOC(",\"extra\":{\"minus\":-0}"),
		DOC(",\"extra\":{\"exponent\":1e3}"),
		DOC(",\"extra\":{\"cut\":tru"),
		"{\"title\":\"T\",\"language\":\"en",
		"{\"title\":\"T\" \"language\":\"en\"}",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (taken(texts[i]))
			fail_msg("taken: %s", texts[i]);
}

static void test_limits(void **state)
{
	char text[8192] = "{\"title\":\"T\",\"language\":\"en\",\"extra\":{\"a\":";
	(void)state;
	/* The body is level 1, `extra` level 2. */
	char *end = text + strlen(text);
	for (int depth = 3; depth <= BODY_DEPTH_MAX + 1; depth++) {
		size_t deep = (size_t)depth - 2;
		memset(end, '[', deep);
		memset(end + deep, ']', deep);
		memcpy(end + 2 * deep, "}}", 3);
		assert_int_equal(taken(text), depth <= BODY_DEPTH_MAX);
	}
	end = text + strlen("{\"title\":\"T\",\"language\":\"en\"");
	for (int i = 0; i < (int)JSON_SCAN_MEMBERS_MAX - 1; i++) {
		memcpy(end, "}", 2);
		assert_true(taken(text));
		end += snprintf(end, 32, ",\"member%d\":%d", i, i);
	}
	memcpy(end, "}", 2);
	assert_false(taken(text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
