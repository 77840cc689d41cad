/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What a client wants published, on its way to node_publish: one record, or a line among many.
 *
 *   api_draft_parse     any thread: JSON or CAP into header and body, every field checked
 *   api_draft_names     loop, if draft.needs_names: record ids into feeds
 *   api_draft_finish    thread, if draft.needs_store: hashes of references, attachments held here
 *
 * After any of them draft.code says whether it goes on.
 */
#pragma once

#include <jansson.h>

#include "base/buffer.h"
#include "daemon/api_attachment_save.h"
#include "daemon/api_names.h"
#include "record/header.h"

struct alert_index;

/** What all drafts of a request share; filled on the loop. */
struct api_draft_scope {
	struct app *app;
	struct alert_index *alerts;
	struct api_feed lanes[LANE_MAX]; /* this city's feeds in the network, by lane - 1 */
};

/** `last`: the one before, zeroed at first; it is updated. ERROR_NOT_MEMBER with a complaint. */
int api_draft_scope_init(struct api_draft_scope *scope, struct app *app, struct alert_index *alerts,
	size_t network_index, struct api_draft_scope *last, struct complaint *c);

struct api_draft {
	const struct api_draft_scope *scope;
	uint64_t time_ms;
	struct buffer *out; /* gets header and body, where these say: */
	size_t header_at, header_len, body_at, body_len;
	uint8_t lane;
	bool needs_names, needs_store;
	int code;
	struct complaint complaint;

	/* while something is still needed */
	json_t *json; /* what the client sent, into which `header` points */
	json_t *body;
	struct header *header;
	char *topics;                     /* of a CAP request's query */
	struct bytes original;            /* a CAP original to be attached: the caller's bytes */
	struct api_attachment_save *save; /* of it: to be committed before publishing */
};

void api_draft_init(struct api_draft *draft, const struct api_draft_scope *scope, uint64_t time_ms,
	struct buffer *out);
void api_draft_deinit(struct api_draft *draft);

/** A NewRecord as JSON text. */
void api_draft_parse(struct api_draft *draft, struct bytes text);
/** A CAP alert; `topics` comma-separated or NULL. `xml` must outlive the draft. */
void api_draft_parse_cap(struct api_draft *draft, struct bytes xml, const char *topics);
void api_draft_names(struct api_draft *draft);
void api_draft_finish(struct api_draft *draft);

/** Of api_draft.c and api_draft_finish.c: writes body and header to `out`. */
int api_draft_encode(struct api_draft *draft);
/** What is not needed any more after that. */
void api_draft_release(struct api_draft *draft);

struct bytes api_draft_header(const struct api_draft *draft);
struct bytes api_draft_body(const struct api_draft *draft);
