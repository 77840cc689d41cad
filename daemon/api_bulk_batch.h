/* SPDX-License-Identifier: Apache-2.0 */
/** Lines of NDJSON that one thread checks together, and what becomes of them. */
#pragma once

#include "base/list.h"
#include "daemon/api_draft.h"
#include "daemon/api_quick.h"
#include "feed/entry.h"
#include "proto/node.h"

#define BULK_LINE_BYTES_MAX API_JSON_BYTES_MAX

struct bulk;
struct bulk_batch;

struct bulk_line {
	struct bulk_batch *batch;
	struct api_draft draft;
	struct entry_seal seal;
	uint64_t number; /* in the batch, from 1: blank lines count */
	struct node_published published;
};

enum bulk_state {
	BULK_PARSING,
	BULK_PARSED,    /* waits for those before it */
	BULK_PUBLISHED, /* waits for its commits */
};

struct bulk_batch {
	struct list_node node; /* of the bulk's batches, in the order of the body, or of its spares */
	struct bulk *bulk;
	const struct api_draft_scope *scope;
	uint64_t time_ms;
	struct buffer input, out;
	struct buffer spill; /* answers that its thread writes to the file first */
	struct api_quick quick;
	struct hasher hasher;
	struct bulk_line *lines;
	size_t count, capacity, pending;
	uint64_t line_total;   /* blank ones too */
	uint64_t lines_before; /* in the batches before it, once they are parsed */
	enum bulk_state state;
	bool needs_store;
	int code; /* without memory, say: the whole request fails */
};

/** NULL without memory. */
struct bulk_batch *bulk_batch_new(struct bulk *bulk, const struct api_draft_scope *scope);
void bulk_batch_free(struct bulk_batch *batch);
/** Empty again; keeps its memory, which is as large as a usual batch. */
void bulk_batch_reset(struct bulk_batch *batch);

/** Thread: checks each line of `input`. */
void bulk_batch_parse(struct bulk_batch *batch);
/** Loop: record ids into feeds. */
void bulk_batch_names(struct bulk_batch *batch);
/** Thread: what some of the lines need of the store. */
void bulk_batch_finish(struct bulk_batch *batch);
/** Thread, the last step: hashes what will be published, so that the loop need not. */
void bulk_batch_seal(struct bulk_batch *batch);
