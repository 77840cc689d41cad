/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"

static char last[LOG_LINE_MAX + 1];
static int lines;

static void keep_line(void *ctx, enum log_level level, const char *line, size_t len)
{
	(void)level;
	assert_ptr_equal(ctx, last);
	assert_true(len <= LOG_LINE_MAX);
	assert_int_equal(strlen(line), len);
	memcpy(last, line, len + 1);
	lines++;
}

static int setup(void **state)
{
	(void)state;
	log_set_sink(keep_line, last);
	log_set_level(LOG_LEVEL_INFO);
	last[0] = '\0';
	lines = 0;
	return 0;
}

static void writes_a_line(void **state)
{
	struct log_line l;
	(void)state;

	log_begin(&l, LOG_LEVEL_WARN, "peer_cut");
	log_text(&l, "city", "budapest");
	log_text(&l, "reason", "bad \"chain\"\n");
	log_bytes(&l, "key", bytes_of("\x01\xff", 2));
	log_uint(&l, "n", UINT64_MAX);
	log_int(&l, "d", -5);
	log_format(&l, "address", "%s:%d", "::1", 7);
	log_error(&l, ERROR_CHAIN);
	log_end(&l);
	assert_string_equal(last,
		"warn peer_cut city=budapest reason=\"bad \\\"chain\\\"\\n\" key=01ff "
		"n=18446744073709551615 d=-5 address=::1:7 error=ERROR_CHAIN");
	log_event(LOG_LEVEL_INFO, "start", "version", "0.1");
	assert_string_equal(last, "info start version=0.1");
}

static void escapes(void **state)
{
	struct log_line l;
	(void)state;

	log_begin(&l, LOG_LEVEL_INFO, "e");
	log_text(&l, "a", "");
	log_text(&l, "b", NULL);
	log_text(&l, "c", "x=y");
	log_text(&l, "d", "\x1b[0m");
	log_text(&l, "e", "caf\xc3\xa9");
	log_text(&l, "f", "\xff\xc2\x85\xe2\x80\xae");
	log_text(&l, "g", "back\\slash");
	log_text_bytes(&l, "h", bytes_of("a\0b", 3));
	log_bytes(&l, "i", bytes_of("0123456789abcdefXYZ", 19));
	log_end(&l);
	assert_string_equal(last,
		"info e a=\"\" b=\"\" c=\"x=y\" d=\"\\x1b[0m\" e=caf\xc3\xa9 "
		"f=\"\\xff\\xc2\\x85\\xe2\\x80\\xae\" g=\"back\\\\slash\" h=\"a\\x00b\" "
		"i=30313233343536373839616263646566");
}

static void levels(void **state)
{
	(void)state;
	log_event(LOG_LEVEL_DEBUG, "quiet", "a", "b");
	assert_int_equal(lines, 0);
	log_set_level(LOG_LEVEL_DEBUG);
	log_event(LOG_LEVEL_DEBUG, "loud", "a", "b");
	assert_int_equal(lines, 1);
	log_set_sink(NULL, NULL);
	log_event(LOG_LEVEL_ERROR, "nowhere", "a", "b");
	assert_int_equal(lines, 1);
	assert_int_equal(log_level_from_name("warn"), LOG_LEVEL_WARN);
	assert_int_equal(log_level_from_name("loud"), -1);
	assert_string_equal(log_level_name(LOG_LEVEL_ERROR), "error");
}

/* Lines of every length near the limit, with and without quotes and escapes: always whole
 * characters, an ellipsis where something is missing, never beyond the limit. */
static void bounded(void **state)
{
	static const char *const fills[] = {"x", "\xc3\xa9", "\n", "\"", " "};
	(void)state;

	for (size_t f = 0; f < sizeof(fills) / sizeof(fills[0]); f++) {
		for (int keys = 1; keys < 60; keys++) {
			struct log_line l;
			char value[120] = "";
			size_t n = strlen(fills[f]);
			for (int i = 0; i < 17 + keys % 5; i++)
				memcpy(value + (size_t)i * n, fills[f], n + 1);
			log_begin(&l, LOG_LEVEL_INFO, "e");
			for (int i = 0; i < keys; i++)
				log_text(&l, "k", value);
			log_text(&l, "end", "here");
			log_end(&l);
			size_t len = strlen(last);
			assert_true(len <= LOG_LINE_MAX);
			bool whole = strcmp(last + len - 9, " end=here") == 0;
			bool marked = strcmp(last + len - 3, "\xe2\x80\xa6") == 0 ||
				strcmp(last + len - 4, "\xe2\x80\xa6\"") == 0;
			assert_true(whole != marked);
		}
	}
	/* One long value does not hide the keys after it. */
	char large[2000];
	struct log_line l;
	memset(large, 'y', sizeof(large) - 1);
	large[sizeof(large) - 1] = '\0';
	log_begin(&l, LOG_LEVEL_INFO, "e");
	log_text(&l, "long", large);
	log_text(&l, "end", "here");
	log_end(&l);
	assert_non_null(strstr(last, "y\xe2\x80\xa6 end=here"));
}

static void *log_much(void *name)
{
	for (int i = 0; i < 2000; i++)
		log_event(LOG_LEVEL_INFO, "thread", "name", name);
	return NULL;
}

static void threads(void **state)
{
	pthread_t a, b;
	char names[2][2] = {"a", "b"};
	(void)state;

	assert_int_equal(pthread_create(&a, NULL, log_much, names[0]), 0);
	assert_int_equal(pthread_create(&b, NULL, log_much, names[1]), 0);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	assert_int_equal(lines, 4000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(writes_a_line, setup),
		cmocka_unit_test_setup(escapes, setup),
		cmocka_unit_test_setup(levels, setup),
		cmocka_unit_test_setup(bounded, setup),
		cmocka_unit_test_setup(threads, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
