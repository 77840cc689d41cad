/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/text.h"
#include "daemon/log_sink.h"
#include "tests/unit/daemon/folder.h"

struct seen {
	unsigned count;
	uint64_t first, last;
	char text[512];
};

static void on_line(void *ctx, uint64_t number, const char *line, size_t len)
{
	struct seen *seen = ctx;
	if (seen->count++ == 0)
		seen->first = number;
	seen->last = number;
	snprintf(seen->text, sizeof(seen->text), "%.*s", (int)len, line);
	assert_true(text_utf8_valid(bytes_of(line, len)));
	assert_null(memchr(line, '\n', len));
}

static void ring_keeps_the_last_lines(void **state)
{
	char path[600], line[700];
	snprintf(path, sizeof(path), "%s/log", (char *)*state);
	struct config_log config = {LOG_LEVEL_INFO, CONFIG_LOG_FILE, path};
	struct complaint complaint = {0};
	assert_int_equal(log_sink_open(&config, &complaint), 0);
	for (unsigned i = 1; i <= LOG_SINK_RING_LINES + 5; i++) {
		struct log_line l;
		log_begin(&l, LOG_LEVEL_INFO, "counted");
		log_uint(&l, "i", i);
		log_end(&l);
	}
	struct seen seen = {0};
	assert_int_equal(log_sink_each(0, on_line, &seen), LOG_SINK_RING_LINES + 5);
	assert_int_equal(seen.count, LOG_SINK_RING_LINES);
	assert_int_equal(seen.first, 6);
	assert_non_null(strstr(seen.text, "counted i=1005"));
	memset(&seen, 0, sizeof(seen));
	log_sink_each(1003, on_line, &seen);
	assert_int_equal(seen.count, 2);

	/* a long line is cut at a whole character */
	memset(line, 0, sizeof(line));
	for (size_t i = 0; i < 600; i += 3)
		memcpy(line + i, "\xe2\x82\xac", 3);
	log_event(LOG_LEVEL_WARN, "long", "text", line);
	log_event(LOG_LEVEL_DEBUG, "unwanted", "text", "x");
	memset(&seen, 0, sizeof(seen));
	log_sink_each(1005, on_line, &seen);
	assert_int_equal(seen.count, 1);
	log_sink_close();

	FILE *file = fopen(path, "r");
	assert_non_null(file);
	unsigned lines = 0;
	char got[2048];
	while (fgets(got, sizeof(got), file))
		lines++;
	fclose(file);
	assert_int_equal(lines, LOG_SINK_RING_LINES + 6);
	assert_int_equal(got[4], '-'); /* RFC 3339 */
	assert_int_equal(got[10], 'T');
}

static void a_file_that_cannot_be_opened_is_refused(void **state)
{
	(void)state;
	char path[] = "/nonexistent/hansad.log";
	struct config_log config = {LOG_LEVEL_INFO, CONFIG_LOG_FILE, path};
	struct complaint complaint = {0};
	assert_int_equal(log_sink_open(&config, &complaint), ERROR_NOT_FOUND);
	assert_string_equal(complaint.field, "log.file");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ring_keeps_the_last_lines, folder_setup, folder_teardown),
		cmocka_unit_test(a_file_that_cannot_be_opened_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
