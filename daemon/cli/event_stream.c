/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/cli/event_stream.h"

#include <stdio.h>
#include <string.h>

void event_stream_init(struct event_stream *stream, event_stream_fn *fn, void *ctx)
{
	memset(stream, 0, sizeof(*stream));
	stream->fn = fn;
	stream->ctx = ctx;
	buffer_init(&stream->line, EVENT_STREAM_LINE_MAX);
	buffer_init(&stream->data, EVENT_STREAM_LINE_MAX);
	buffer_init(&stream->name, EVENT_STREAM_LINE_MAX);
}

void event_stream_deinit(struct event_stream *stream)
{
	buffer_deinit(&stream->line);
	buffer_deinit(&stream->data);
	buffer_deinit(&stream->name);
}

void event_stream_restart(struct event_stream *stream)
{
	buffer_reset(&stream->line);
	buffer_reset(&stream->data);
	buffer_reset(&stream->name);
	stream->after_cr = false;
}

static int dispatch(struct event_stream *stream)
{
	int code = 0;
	if (stream->data.len > 0) {
		buffer_truncate(&stream->data, stream->data.len - 1); /* the last line break */
		const char *data = buffer_text(&stream->data);
		const char *name = stream->name.len ? buffer_text(&stream->name) : "message";
		code = data && name ? stream->fn(stream->ctx, name, stream->id, data) : ERROR_MEMORY;
	}
	buffer_reset(&stream->data);
	buffer_reset(&stream->name);
	return code;
}

static int line_end(struct event_stream *stream)
{
	struct bytes line = buffer_bytes(&stream->line);
	int code = 0;
	if (stream->line.error)
		return stream->line.error;
	if (line.len == 0)
		return dispatch(stream);
	const uint8_t *colon = memchr(line.data, ':', line.len);
	struct bytes field = bytes_slice(line, 0, colon ? (size_t)(colon - line.data) : line.len);
	struct bytes value = bytes_slice(line, field.len + 1, line.len);
	if (value.len && value.data[0] == ' ')
		value = bytes_slice(value, 1, value.len);
	if (bytes_equal_text(field, "data")) {
		buffer_push_bytes(&stream->data, value);
		code = buffer_push_u8(&stream->data, '\n');
	} else if (bytes_equal_text(field, "event")) {
		buffer_reset(&stream->name);
		code = buffer_push_bytes(&stream->name, value);
	} else if (bytes_equal_text(field, "id") && value.len < sizeof(stream->id) &&
		!memchr(value.data, '\0', value.len)) {
		snprintf(stream->id, sizeof(stream->id), "%.*s", (int)value.len, (const char *)value.data);
	}
	buffer_reset(&stream->line);
	return code;
}

int event_stream_push(struct event_stream *stream, struct bytes bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		uint8_t c = bytes.data[i];
		bool of_cr = stream->after_cr && c == '\n';
		stream->after_cr = c == '\r';
		if (of_cr)
			continue;
		int code = c == '\n' || c == '\r' ? line_end(stream) : buffer_push_u8(&stream->line, c);
		if (code)
			return code;
	}
	return 0;
}
