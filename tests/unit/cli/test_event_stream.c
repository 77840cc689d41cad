/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/cli/event_stream.h"

static char seen[512];

static int on_event(void *ctx, const char *event, const char *id, const char *data)
{
	size_t len = strlen(seen);
	snprintf(seen + len, sizeof(seen) - len, "[%s %s %s]", event, id, data);
	return strcmp(data, "stop") == 0 ? *(int *)ctx : 0;
}

static const char text[] =
	": hello\n\nid: e-1\nevent: entry\ndata: {\"a\": 1}\n\n"
	"data:two\r\ndata: lines\r\n\r\nevent: none\n\nid: e-3\ndata:\n\ndata: cut";

static void in_pieces_of_any_size(void **state)
{
	int code = 9;
	(void)state;
	for (size_t step = 1; step <= sizeof(text); step++) {
		struct event_stream stream;
		event_stream_init(&stream, on_event, &code);
		seen[0] = '\0';
		for (size_t at = 0; at < sizeof(text) - 1; at += step)
			assert_int_equal(
				event_stream_push(&stream, bytes_slice(bytes_from_text(text), at, step)), 0);
		assert_string_equal(seen, "[entry e-1 {\"a\": 1}][message e-1 two\nlines][message e-3 ]");
		/* What a broken connection began is dropped; where it was is kept. */
		event_stream_restart(&stream);
		assert_string_equal(stream.id, "e-3");
		assert_int_equal(event_stream_push(&stream, bytes_from_text("\n")), 0);
		assert_null(strstr(seen, "cut"));
		event_stream_deinit(&stream);
	}
}

static void callers_code_stops(void **state)
{
	int code = 9;
	struct event_stream stream;
	(void)state;
	event_stream_init(&stream, on_event, &code);
	assert_int_equal(event_stream_push(&stream, bytes_from_text("data: stop\n\ndata: x\n\n")), 9);
	event_stream_deinit(&stream);
}

static void endless_line_is_refused(void **state)
{
	static char many[65536];
	struct event_stream stream;
	int code = 0, result = 0;
	(void)state;
	memset(many, 'x', sizeof(many));
	event_stream_init(&stream, on_event, &code);
	for (size_t i = 0; !result && i < 2 * EVENT_STREAM_LINE_MAX / sizeof(many); i++)
		result = event_stream_push(&stream, bytes_of(many, sizeof(many)));
	assert_int_equal(result, ERROR_SIZE);
	event_stream_deinit(&stream);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_pieces_of_any_size),
		cmocka_unit_test(callers_code_stops),
		cmocka_unit_test(endless_line_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
