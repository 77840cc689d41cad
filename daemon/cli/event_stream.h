/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Reads Server-Sent Events in pieces of any size.
 * Source: https://html.spec.whatwg.org/multipage/server-sent-events.html, section 9.2.6.
 */
#pragma once

#include "base/buffer.h"
#include "base/bytes.h"
#include "base/error.h"

#define EVENT_STREAM_LINE_MAX (4u << 20)
#define EVENT_STREAM_ID_MAX 128

/** `id` is the last one seen, "" before the first. Not 0 stops. */
typedef int event_stream_fn(void *ctx, const char *event, const char *id, const char *data);

struct event_stream {
	event_stream_fn *fn;
	void *ctx;
	struct buffer line, data, name;
	char id[EVENT_STREAM_ID_MAX];
	bool after_cr; /* a LF that follows belongs to it */
};

void event_stream_init(struct event_stream *stream, event_stream_fn *fn, void *ctx);
void event_stream_deinit(struct event_stream *stream);
/** A connection ended: what was begun is dropped, the last id stays. */
void event_stream_restart(struct event_stream *stream);
/** 0, what `fn` returned, ERROR_MEMORY, or ERROR_SIZE for a line that is too long. */
int event_stream_push(struct event_stream *stream, struct bytes bytes);
