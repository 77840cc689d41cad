/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "record/body.h"

static json_t *parse(const char *text)
{
	struct complaint c = {0};
	json_t *body = body_from_json(bytes_from_text(text), &c);
	if (!body)
		fail_msg("%s: %s", text, c.reason);
	return body;
}

static void test_round_trip(void **state)
{
	(void)state;
	static const char text[] =
		"{\"zeta\": [1, -1, 0, 4294967296, -9223372036854775808, 9223372036854775807],"
		" \"alpha\": {\"b\": null, \"a\": true, \"\": false}, \"x-later\": {\"unknown\": [[]]},"
		" \"real\": [0.1, -2.5, 1e300, 1e-7], \"text\": \"Árvíztűrő\\n\", \"empty\": {}}";
	json_t *body = parse(text);
	struct buffer b, again;
	buffer_init(&b, BODY_SIZE_MAX);
	buffer_init(&again, BODY_SIZE_MAX);
	assert_int_equal(body_encode(body, &b, NULL), 0);
	json_t *back = body_decode(buffer_bytes(&b), NULL);
	assert_non_null(back);
	assert_true(json_equal(body, back));
	assert_int_equal(body_encode(back, &again, NULL), 0);
	assert_true(bytes_equal(buffer_bytes(&b), buffer_bytes(&again)));
	json_decref(body);
	json_decref(back);
	buffer_deinit(&b);
	buffer_deinit(&again);
}

static void test_bytes(void **state)
{
	(void)state;
	/* Keys sorted, 2.0 as an integer, 0.5 as a float. */
	static const uint8_t expected[] = {
		0x83, 0xa1, 'a', 0x02, 0xa1, 'b', 0xcb, 0x3f, 0xe0, 0, 0, 0, 0, 0, 0, 0xa2, 'b', 'a', 0xc0,
	};
	json_t *body = parse("{\"ba\": null, \"b\": 0.5, \"a\": 2.0}");
	struct buffer b;
	buffer_init(&b, BODY_SIZE_MAX);
	assert_int_equal(body_encode(body, &b, NULL), 0);
	assert_int_equal(b.len, sizeof(expected));
	assert_memory_equal(b.data, expected, sizeof(expected));
	json_decref(body);
	buffer_deinit(&b);
}

static void test_refuses_json(void **state)
{
	(void)state;
	static const struct {
		const char *text, *reason;
	} cases[] = {
		{"{\"a\": 1, \"a\": 2}", "duplicate"},
		{"[1]", "not an object"},
		{"{\"a\": ", "broken at line 1, column 6: it ends before it is complete"},
		{"{\"a\": \"\xff\"}", "UTF-8"},
		{"{\"a\": NaN}", "broken"},
		{"{\"a\": 18446744073709551616}", "a number is too large"},
		{"{\"a\": \"\\u0000\"}", "column 14: a text holds a NUL character (\\u0000)"},
		{"{\"a\\u0000\": 1}", "a text holds a NUL character"},
		{"{\"a\": 1e999}", "a number is too large"},
		{"{\"a\": 1} {", "something follows its end"},
		{"", "broken"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct complaint c = {0};
		assert_null(body_from_json(bytes_from_text(cases[i].text), &c));
		if (!strstr(c.reason, cases[i].reason))
			fail_msg("%s: '%s' lacks '%s'", cases[i].text, c.reason, cases[i].reason);
	}
}

static void test_depth(void **state)
{
	(void)state;
	char text[256] = "{\"a\":";
	size_t len = strlen(text);
	for (int i = 0; i < BODY_DEPTH_MAX - 1; i++)
		text[len++] = '[';
	memset(text + len, ']', BODY_DEPTH_MAX - 1);
	len += BODY_DEPTH_MAX - 1;
	text[len] = '}';
	json_t *body = parse(text);
	struct buffer b;
	buffer_init(&b, BODY_SIZE_MAX);
	assert_int_equal(body_encode(body, &b, NULL), 0);
	json_t *back = body_decode(buffer_bytes(&b), NULL);
	assert_true(json_equal(back, body));
	json_decref(back);

	json_t *deeper = json_pack("{s:[[o]]}", "deep", json_incref(json_object_get(body, "a")));
	struct complaint c = {0};
	buffer_reset(&b);
	assert_int_equal(body_encode(deeper, &b, &c), ERROR_DEPTH);
	assert_string_equal(c.field, "deep");
	assert_int_equal(b.len, 0);
	json_decref(deeper);
	json_decref(body);

	char *deep = malloc(4000);
	memset(deep, '[', 4000);
	memcpy(deep, "{\"a\":", 5);
	assert_null(body_from_json(bytes_of(deep, 4000), &c));
	free(deep);
	buffer_deinit(&b);
}

static void test_size(void **state)
{
	(void)state;
	char *text = malloc(BODY_SIZE_MAX + 1);
	memset(text, 'x', BODY_SIZE_MAX);
	text[BODY_SIZE_MAX - 8] = 0; /* map 1, key 1 + 1, str header 5 */
	json_t *body = json_pack("{s:s}", "t", text);
	struct buffer b;
	buffer_init(&b, BODY_SIZE_MAX);
	assert_int_equal(body_encode(body, &b, NULL), 0);
	assert_int_equal(b.len, BODY_SIZE_MAX);
	json_decref(body);
	text[BODY_SIZE_MAX - 8] = 'x';
	text[BODY_SIZE_MAX - 7] = 0;
	body = json_pack("{s:s}", "t", text);
	struct complaint c = {0};
	buffer_reset(&b);
	assert_int_equal(body_encode(body, &b, &c), ERROR_SIZE);
	assert_non_null(strstr(c.reason, "attachments"));
	assert_int_equal(b.len, 0);
	json_decref(body);
	buffer_deinit(&b);
	free(text);
}

static void test_refuses_msgpack(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t len;
	} cases[] = {
		{"\x90", 1}, {"\xc0", 1}, {"", 0},                         /* no map */
		{"\x82\xa1" "b\x01\xa1" "a\x01", 7},                       /* keys not sorted */
		{"\x82\xa1" "a\x01\xa1" "a\x01", 7},                       /* a key twice */
		{"\x81\xa1" "a\xc4\x01x", 6},                              /* bin */
		{"\x81\xa1" "a\xcb\x40\x00\0\0\0\0\0\0", 12},              /* 2.0 as a float */
		{"\x81\xa1" "a\xcb\x7f\xf8\0\0\0\0\0\0", 12},              /* NaN */
		{"\x81\xa1" "a\xcf\xff\xff\xff\xff\xff\xff\xff\xff", 12},  /* above int64 */
		{"\xdf\xff\xff\xff\xff", 5},                               /* lying count */
		{"\x81\xa1" "a\xdd\x7f\xff\xff\xff", 8},                   /* lying count */
		{"\x81\xa1" "a\xd9\x01x", 6},                              /* not the shortest */
		{"\x80\x80", 2},                                           /* bytes after the end */
		{"\x81\xa1\xff\x01", 4},                                   /* a key that is not UTF-8 */
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct complaint c = {0};
		if (body_decode(bytes_of(cases[i].bytes, cases[i].len), &c))
			fail_msg("case %zu was taken", i);
		assert_true(strlen(c.reason) > 0);
	}
}

static void test_attachments(void **state)
{
	(void)state;
	json_t *body = parse("{\"title\": \"T\", \"language\": \"en\"}");
	char id[65];
	memset(id, 'a', 64);
	id[64] = 0;
	assert_int_equal(body_add_attachment(body, id, "a.pdf", "application/pdf", 12), 0);
	assert_int_equal(body_validate(KIND_DOC, body, NULL), 0);
	assert_int_equal(body_add_attachment(body, id, "../b.pdf", "application/pdf", 12), 0);
	struct complaint c = {0};
	assert_int_equal(body_validate(KIND_DOC, body, &c), ERROR_FIELD);
	assert_string_equal(c.field, "attachments[1].name");
	json_decref(body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_refuses_json),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_refuses_msgpack),
		cmocka_unit_test(test_attachments),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
