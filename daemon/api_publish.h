/* SPDX-License-Identifier: Apache-2.0 */
/** What publishing one record and publishing many share. */
#pragma once

#include "daemon/api_draft.h"
#include "daemon/api_internal.h"

/**
 * Why publishing is not possible now: fills status and code and complains; 0 if it is.
 * `recovering` (may be NULL): it may soon be.
 */
int api_publish_state(const struct app *app, struct http_error *error, bool *recovering,
	struct complaint *c);
/** What node_publish's refusal means: an error of the API, with its sentence. */
struct http_error api_publish_refusal(
	const struct api_draft_scope *scope, int code, struct complaint *c);

/** The NDJSON side: see api_bulk.c. */
void api_bulk_begin(struct http_request *request, const struct api_draft_scope *scope);
size_t api_bulk_data(struct http_request *request, struct bytes bytes);
void api_bulk_end(struct http_request *request);
