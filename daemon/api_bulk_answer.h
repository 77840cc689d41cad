/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The answers of a bulk upload: a line each. HTTP/1.1 clients seldom read while they send, so they
 * wait until the last line has come in; what is more than BULK_ANSWER_BYTES goes into an unlinked
 * file, so memory stays bounded.
 */
#pragma once

#include "daemon/api_bulk_batch.h"
#include "daemon/http_request.h"

#define BULK_ANSWER_BYTES (1u << 20)

struct bulk_answers {
	const struct api_draft_scope *scope;
	struct buffer lines;
	char prefixes[LANE_MAX][API_RECORD_ID_MAX]; /* "pact/budapest/doc/" */
	uint64_t time_ms; /* of which `time` is the text: one for each batch */
	char time[TIMESTAMP_TEXT_MAX];
	int fd; /* -1: none */
	uint64_t fd_bytes;
	int code; /* of writing: the request fails */
};

void bulk_answers_init(struct bulk_answers *answers, const struct api_draft_scope *scope);
void bulk_answers_deinit(struct bulk_answers *answers);

/** Loop: of all lines of a batch, which are committed or refused. */
void bulk_answers_add(struct bulk_answers *answers, const struct bulk_batch *batch);
/** Loop: if there are many, moves them to `out`, for a thread to write. */
void bulk_answers_spill(struct bulk_answers *answers, struct buffer *out);
/** Thread, one at a time; not beside bulk_answers_send. */
int bulk_answers_write(struct bulk_answers *answers, struct bytes bytes);
/** Answers the request with all of them. */
void bulk_answers_send(struct bulk_answers *answers, struct http_request *request);
