/* SPDX-License-Identifier: Apache-2.0 */
/**
 * An answer whose bytes come bit by bit: events, attachments, long NDJSON. It is pulled: `want` is
 * called when the client has taken all that was pushed, so what waits here is bounded by what one
 * `want` brings. While nothing is there the connection is suspended.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "daemon/http_request.h"

/** Pushed and not yet taken. */
#define HTTP_STREAM_BYTES_MAX (1u << 20)
#define HTTP_STREAM_SIZE_UNKNOWN UINT64_MAX

struct http_stream {
	struct http_request *request; /* a reference */
	struct buffer out;
	void *owner;
	/** May push at once, or later. Not called again before something was pushed. */
	void (*want)(struct http_stream *stream);
	/** The client has gone, or has everything: the last call; the stream is freed after it. */
	void (*gone)(struct http_stream *stream);
	bool sized, wanting, ended, failed;
};

/**
 * Answers the request with a stream; NULL without memory (then the request is answered too). Of a
 * known size exactly so many bytes must be pushed.
 */
struct http_stream *http_stream_new(struct http_request *request, unsigned status,
	const char *media_type, uint64_t size, void *owner,
	void (*want)(struct http_stream *stream), void (*gone)(struct http_stream *stream));

/** ERROR_SIZE past HTTP_STREAM_BYTES_MAX: nothing of it is kept then. ERROR_MEMORY: it is cut. */
int http_stream_push(struct http_stream *stream, struct bytes bytes);

/** After what was pushed the answer is complete. */
void http_stream_end(struct http_stream *stream);
/** The connection is cut, so that the client sees that the answer is not whole. */
void http_stream_abort(struct http_stream *stream);
/** The server closes: ends it where the size is open; of a known size it goes on for a moment. */
void http_stream_stop(struct http_stream *stream);
