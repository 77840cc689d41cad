/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api_bulk_batch.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/key.h"
#include "daemon/api_internal.h"

/* A line's header and body are smaller than its JSON, but for short lines of 8 KiB. */
#define BATCH_OUT_BYTES (64u << 20)
/* What a batch keeps for the next one. */
#define BATCH_KEEP_BYTES (512u << 10)
#define BATCH_KEEP_LINES 1024u

struct bulk_batch *bulk_batch_new(struct bulk *bulk, const struct api_draft_scope *scope)
{
	struct bulk_batch *batch = calloc(1, sizeof(*batch));
	if (!batch || hasher_init(&batch->hasher) != 0) {
		free(batch);
		return NULL;
	}
	batch->bulk = bulk;
	batch->scope = scope;
	buffer_init(&batch->input, SIZE_MAX);
	buffer_init(&batch->out, BATCH_OUT_BYTES);
	buffer_init(&batch->spill, SIZE_MAX);
	return batch;
}

static void lines_deinit(struct bulk_batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		api_draft_deinit(&batch->lines[i].draft);
	batch->count = 0;
}

void bulk_batch_free(struct bulk_batch *batch)
{
	lines_deinit(batch);
	free(batch->lines);
	buffer_deinit(&batch->input);
	buffer_deinit(&batch->out);
	buffer_deinit(&batch->spill);
	api_quick_deinit(&batch->quick);
	hasher_deinit(&batch->hasher);
	free(batch);
}

void bulk_batch_reset(struct bulk_batch *batch)
{
	lines_deinit(batch);
	buffer_shrink(&batch->input, BATCH_KEEP_BYTES);
	buffer_shrink(&batch->out, BATCH_KEEP_BYTES);
	buffer_deinit(&batch->spill);
	if (batch->capacity > BATCH_KEEP_LINES) {
		free(batch->lines);
		batch->lines = NULL;
		batch->capacity = 0;
	}
	batch->state = BULK_PARSING;
	batch->pending = 0;
	batch->line_total = batch->lines_before = 0;
	batch->needs_store = false;
	batch->code = 0;
}

static struct bulk_line *line_add(struct bulk_batch *batch)
{
	if (batch->count == batch->capacity) {
		size_t more = batch->capacity ? 2 * batch->capacity : 256;
		struct bulk_line *lines = realloc(batch->lines, more * sizeof(*lines));
		if (!lines)
			return NULL;
		batch->lines = lines;
		batch->capacity = more;
	}
	struct bulk_line *line = &batch->lines[batch->count++];
	line->number = batch->line_total;
	line->published = (struct node_published){0};
	api_draft_init(&line->draft, batch->scope, batch->time_ms, &batch->out);
	return line;
}

static bool blank(struct bytes line)
{
	for (size_t i = 0; i < line.len; i++) {
		if (!strchr(" \t\r", line.data[i]))
			return false;
	}
	return true;
}

void bulk_batch_parse(struct bulk_batch *batch)
{
	struct bytes rest = buffer_bytes(&batch->input);
	buffer_reserve(&batch->out, rest.len); /* mostly enough: then nothing is copied as it grows */
	while (rest.len > 0) {
		const uint8_t *end = memchr(rest.data, '\n', rest.len);
		size_t len = end ? (size_t)(end - rest.data) : rest.len;
		struct bytes text = bytes_slice(rest, 0, len);
		rest = bytes_slice(rest, end ? len + 1 : len, rest.len);
		batch->line_total++;
		if (blank(text))
			continue;
		struct bulk_line *line = line_add(batch);
		if (!line) {
			batch->code = ERROR_MEMORY;
			return;
		}
		if (text.len > BULK_LINE_BYTES_MAX)
			line->draft.code = complain(&line->draft.complaint, ERROR_SIZE, "",
				"The line is too long: at most %u bytes are taken.", BULK_LINE_BYTES_MAX);
		else if (!api_quick_parse(&batch->quick, &line->draft, text))
			api_draft_parse(&line->draft, text);
		if (!line->draft.code && line->draft.needs_store)
			batch->needs_store = true;
	}
	for (size_t i = 0; i < batch->count; i++)
		batch->lines[i].batch = batch;
}

void bulk_batch_names(struct bulk_batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		struct api_draft *draft = &batch->lines[i].draft;
		if (!draft->code && draft->needs_names)
			api_draft_names(draft);
	}
}

void bulk_batch_finish(struct bulk_batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		struct api_draft *draft = &batch->lines[i].draft;
		if (!draft->code && draft->needs_store)
			api_draft_finish(draft);
	}
}

/* Random bytes for so many salts are drawn at once: a call costs as much as a hash. */
#define SALTS 64

void bulk_batch_seal(struct bulk_batch *batch)
{
	uint8_t salts[SALTS][ENTRY_SALT_BYTES];
	unsigned left = 0;
	for (size_t i = 0; i < batch->count; i++) {
		struct bulk_line *line = &batch->lines[i];
		if (line->draft.code)
			continue;
		int code = left ? 0 : random_bytes(salts, sizeof(salts));
		left = left ? left : SALTS;
		memcpy(line->seal.salt, salts[--left], ENTRY_SALT_BYTES);
		if (!code)
			code = entry_seal_hash(&batch->hasher, &line->seal, api_draft_header(&line->draft),
				api_draft_body(&line->draft));
		line->draft.code = code;
	}
}
