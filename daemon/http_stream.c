/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/http_stream.h"

#include <stdlib.h>
#include <string.h>

/** Room of the library's buffer, of an answer of known size. */
#define BLOCK_BYTES 65536u

static ssize_t on_read(void *cls, uint64_t position, char *to, size_t max)
{
	struct http_stream *stream = cls;
	(void)position;
	if (stream->out.len == 0 && !stream->ended && !stream->wanting) {
		stream->wanting = true;
		stream->want(stream);
	}
	if (stream->failed)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (stream->out.len > 0) {
		size_t len = stream->out.len < max ? stream->out.len : max;
		memcpy(to, stream->out.data, len);
		buffer_consume(&stream->out, len);
		return (ssize_t)len;
	}
	if (stream->ended)
		return MHD_CONTENT_READER_END_OF_STREAM;
	stream->request->suspended = true;
	MHD_suspend_connection(stream->request->connection);
	return 0;
}

static void on_free(void *cls)
{
	struct http_stream *stream = cls;
	if (stream->gone)
		stream->gone(stream);
	stream->request->stream = NULL;
	http_request_unref(stream->request);
	buffer_deinit(&stream->out);
	free(stream);
}

struct http_stream *http_stream_new(struct http_request *request, unsigned status,
	const char *media_type, uint64_t size, void *owner,
	void (*want)(struct http_stream *stream), void (*gone)(struct http_stream *stream))
{
	if (!request->connection)
		return NULL;
	struct http_stream *stream = calloc(1, sizeof(*stream));
	struct MHD_Response *response = NULL;
	if (stream)
		response = MHD_create_response_from_callback(
			size == HTTP_STREAM_SIZE_UNKNOWN ? MHD_SIZE_UNKNOWN : size, BLOCK_BYTES,
			on_read, stream, on_free);
	if (!response) {
		free(stream);
		http_respond_error(request, ERROR_MEMORY, NULL);
		return NULL;
	}
	buffer_init(&stream->out, HTTP_STREAM_BYTES_MAX);
	stream->request = http_request_ref(request);
	stream->owner = owner;
	stream->sized = size != HTTP_STREAM_SIZE_UNKNOWN;
	stream->want = want;
	stream->gone = gone;
	request->stream = stream;
	MHD_add_response_header(response, "Content-Type", media_type);
	http_respond_stream(request, status, response);
	return stream;
}

int http_stream_push(struct http_stream *stream, struct bytes bytes)
{
	if (bytes.len > HTTP_STREAM_BYTES_MAX - stream->out.len)
		return ERROR_SIZE;
	int code = buffer_push_bytes(&stream->out, bytes);
	if (code) {
		http_stream_abort(stream);
		return code;
	}
	stream->wanting = false;
	http_request_resume(stream->request);
	return 0;
}

void http_stream_end(struct http_stream *stream)
{
	stream->ended = true;
	http_request_resume(stream->request);
}

void http_stream_abort(struct http_stream *stream)
{
	stream->failed = true;
	http_request_resume(stream->request);
}

void http_stream_stop(struct http_stream *stream)
{
	if (stream->sized)
		return; /* it ends by itself, or is cut when the time is over */
	http_stream_end(stream);
}
