/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Publishing in bulk: a record a line in, an answer a line out, in order, each once it is durable.
 *
 * Lines are cut into batches, which threads check side by side. The order of lines is the order of
 * publishing: a batch is published once all before it are. While BATCHES_MAX of them are checked or
 * wait for their commits, no more of the body is read.
 */
#include "daemon/api_publish.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "daemon/api_bulk_answer.h"
#include "daemon/api_bulk_batch.h"

/* Smaller ones only while nothing else is under way: a thread is woken for each. */
#define BATCH_BYTES (256u * 1024)
/* Twice two commits of 1 MiB: one is synced, one built, and the next are checked. With 8 of them
 * it was 0.8 of the rate. */
#define BATCHES_MAX 16u
/* Half of libuv's threads: reads of the store must not wait behind an upload. */
#define PARSING_MAX 2u

struct bulk {
	struct http_request *request;
	struct api_draft_scope scope;
	struct buffer coming;
	bool skipping; /* the rest of a line that was too long */
	bool ended, finished;
	bool spilling;       /* a batch's thread has answers to write */
	struct list batches; /* not all answered */
	unsigned batch_count, parsing_count;
	struct list spares;
	uint64_t line_number;
	struct bulk_answers answers;
};

static void batches_free(struct list *batches)
{
	struct list_node *node;
	while ((node = list_pop_front(batches)))
		bulk_batch_free(list_entry(node, struct bulk_batch, node));
}

static void bulk_free(void *state)
{
	struct bulk *bulk = state;
	batches_free(&bulk->batches);
	batches_free(&bulk->spares);
	buffer_deinit(&bulk->coming);
	bulk_answers_deinit(&bulk->answers);
	free(bulk);
}

void api_bulk_begin(struct http_request *request, const struct api_draft_scope *scope)
{
	struct complaint complaint = {.field = "", .reason = ""};
	struct http_error error;
	if (api_publish_state(scope->app, &error, NULL, &complaint) != 0) {
		http_respond_json(
			request, error.status, http_error_json(error.code, complaint.field, complaint.reason));
		return;
	}
	struct bulk *bulk = calloc(1, sizeof(*bulk));
	if (!bulk) {
		http_respond_error(request, ERROR_MEMORY, NULL);
		return;
	}
	bulk->request = request;
	bulk->scope = *scope;
	list_init(&bulk->batches);
	list_init(&bulk->spares);
	buffer_init(&bulk->coming, BULK_LINE_BYTES_MAX + 2 * BATCH_BYTES);
	bulk_answers_init(&bulk->answers, &bulk->scope);
	http_request_set_state(request, bulk, bulk_free);
}

static void bulk_go(struct bulk *bulk);

static void fail(struct bulk *bulk, int code)
{
	if (!bulk->answers.code)
		bulk->answers.code = code;
}

/* ---- publishing ---- */

/** Answers all batches at the front that are complete. */
static void batches_collect(struct bulk *bulk)
{
	struct list_node *node;
	while ((node = list_first(&bulk->batches))) {
		struct bulk_batch *batch = list_entry(node, struct bulk_batch, node);
		if (batch->state != BULK_PUBLISHED || batch->pending > 0)
			break;
		bulk_answers_add(&bulk->answers, batch);
		list_remove(&batch->node);
		bulk->batch_count--;
		bulk_batch_reset(batch);
		list_push_back(&bulk->spares, &batch->node);
	}
}

static void on_published(void *ctx, const struct node_published *result)
{
	struct bulk_line *line = ctx;
	struct bulk_batch *batch = line->batch;
	struct bulk *bulk = batch->bulk;
	struct http_request *request = bulk->request;
	line->published = *result;
	if (--batch->pending > 0)
		return;
	batches_collect(bulk);
	bulk_go(bulk);
	http_request_unref(request); /* the batch's */
}

static void batch_publish(struct bulk_batch *batch)
{
	struct bulk *bulk = batch->bulk;
	struct app *app = bulk->scope.app;
	struct node_time now = app_now(app);
	const struct hash *network_id = &bulk->scope.lanes[0].network_id;
	batch->lines_before = bulk->line_number;
	bulk->line_number += batch->line_total;
	batch->state = BULK_PUBLISHED;
	http_request_ref(bulk->request);
	for (size_t i = 0; i < batch->count; i++) {
		struct bulk_line *line = &batch->lines[i];
		if (line->draft.code)
			continue;
		/* Answers come from the loop's next round at the earliest. */
		batch->pending++;
		struct node_draft draft = {
			api_draft_header(&line->draft), api_draft_body(&line->draft), &line->seal};
		int code = node_publish_sealed(
			app->node, network_id, line->draft.lane, &draft, on_published, line, now);
		if (code) {
			line->published.code = code;
			batch->pending--;
		}
	}
	if (batch->pending == 0)
		http_request_unref(bulk->request); /* the caller holds another */
}

/** Whatever is parsed and has all before it published. */
static void batches_publish(struct bulk *bulk)
{
	list_for_each(&bulk->batches, node)
	{
		struct bulk_batch *batch = list_entry(node, struct bulk_batch, node);
		if (batch->state == BULK_PARSING)
			break;
		if (batch->state == BULK_PARSED)
			batch_publish(batch);
	}
	batches_collect(bulk);
	bulk_go(bulk);
}

/* ---- checking ---- */

static void parse_run(void *subject)
{
	struct bulk_batch *batch = subject;
	if (batch->spill.len > 0)
		batch->code = bulk_answers_write(&batch->bulk->answers, buffer_bytes(&batch->spill));
	if (!batch->code)
		bulk_batch_parse(batch);
	if (!batch->code && !batch->needs_store)
		bulk_batch_seal(batch);
}

static void finish_run(void *subject)
{
	bulk_batch_finish(subject);
	bulk_batch_seal(subject);
}

static void batch_ready(struct bulk_batch *batch)
{
	struct bulk *bulk = batch->bulk;
	bulk->parsing_count--;
	batch->state = BULK_PARSED;
	batches_publish(bulk);
}

static void finish_done(struct http_request *request, void *subject)
{
	(void)request;
	batch_ready(subject);
}

static void parse_done(struct http_request *request, void *subject)
{
	struct bulk_batch *batch = subject;
	struct bulk *bulk = batch->bulk;
	if (batch->spill.len > 0) {
		bulk->spilling = false;
		buffer_deinit(&batch->spill);
	}
	if (batch->code)
		fail(bulk, batch->code);
	if (!batch->code && batch->needs_store) {
		bulk_batch_names(batch);
		batch->code = http_request_work_on(request, batch, finish_run, finish_done);
		if (!batch->code)
			return;
		fail(bulk, batch->code);
	}
	batch_ready(batch);
}

static struct bulk_batch *batch_take(struct bulk *bulk)
{
	struct list_node *node = list_pop_front(&bulk->spares);
	return node ? list_entry(node, struct bulk_batch, node) : bulk_batch_new(bulk, &bulk->scope);
}

/** Takes whole lines off what has come: how many bytes; 0 if there is none yet. */
static size_t lines_take(struct bulk *bulk)
{
	struct bytes coming = buffer_bytes(&bulk->coming);
	size_t len = coming.len;
	if (!bulk->ended) {
		bool busy = bulk->batch_count > 0 && coming.len < BATCH_BYTES;
		const uint8_t *last = coming.len && !busy ? memrchr(coming.data, '\n', coming.len) : NULL;
		len = last ? (size_t)(last - coming.data) + 1 : 0;
	}
	/* A line without an end: its beginning becomes its refusal, its rest is passed over. */
	if (len == 0 && coming.len > BULK_LINE_BYTES_MAX) {
		bulk->skipping = true;
		len = coming.len;
	}
	return len;
}

/** Moves lines to the batch: the whole buffer, and what is no whole line yet back. */
static int lines_move(struct bulk *bulk, struct bulk_batch *batch, size_t len)
{
	struct buffer coming = bulk->coming;
	size_t max = coming.max;
	bulk->coming = batch->input;
	bulk->coming.max = max;
	batch->input = coming;
	int code = buffer_push(&bulk->coming, coming.data + len, coming.len - len);
	buffer_truncate(&batch->input, len);
	if (!code && !buffer_reserve(&bulk->coming, 2 * BATCH_BYTES))
		code = bulk->coming.error;
	return code;
}

static void batch_start(struct bulk *bulk)
{
	size_t len = lines_take(bulk);
	if (len == 0)
		return;
	struct bulk_batch *batch = batch_take(bulk);
	int code = batch ? lines_move(bulk, batch, len) : ERROR_MEMORY;
	if (!code) {
		if (!bulk->spilling)
			bulk_answers_spill(&bulk->answers, &batch->spill);
		batch->time_ms = (uint64_t)app_now(bulk->scope.app).wall.ms;
		code = http_request_work_on(bulk->request, batch, parse_run, parse_done);
	}
	if (code) {
		if (batch)
			bulk_batch_free(batch);
		fail(bulk, code);
		return;
	}
	bulk->spilling |= batch->spill.len > 0;
	list_push_back(&bulk->batches, &batch->node);
	bulk->batch_count++;
	bulk->parsing_count++;
}

static bool can_start(const struct bulk *bulk)
{
	return bulk->parsing_count < PARSING_MAX && bulk->batch_count < BATCHES_MAX &&
		!bulk->answers.code;
}

/** Starts what can be started, takes more of the body, or answers. */
static void bulk_go(struct bulk *bulk)
{
	if (bulk->finished)
		return;
	if (can_start(bulk))
		batch_start(bulk);
	if (!bulk->ended) {
		http_request_resume(bulk->request);
	} else if (bulk->batch_count == 0) {
		bulk->finished = true;
		bulk_answers_send(&bulk->answers, bulk->request);
	}
}

size_t api_bulk_data(struct http_request *request, struct bytes bytes)
{
	struct bulk *bulk = request->state;
	size_t passed = 0;
	if (bulk->answers.code)
		return bytes.len; /* the answer will say so */
	if (bulk->skipping) {
		const uint8_t *end = memchr(bytes.data, '\n', bytes.len);
		passed = end ? (size_t)(end - bytes.data) + 1 : bytes.len;
		bulk->skipping = !end;
		bytes = bytes_slice(bytes, passed, bytes.len);
	}
	size_t room = bulk->coming.max - bulk->coming.len;
	size_t take = bytes.len < room ? bytes.len : room;
	/* Enough for the next batch is here: the client waits until it is taken. */
	if (bulk->coming.len >= BATCH_BYTES && !can_start(bulk))
		take = 0;
	if (take && buffer_push(&bulk->coming, bytes.data, take) != 0)
		fail(bulk, ERROR_MEMORY);
	if (can_start(bulk))
		batch_start(bulk);
	return passed + take;
}

void api_bulk_end(struct http_request *request)
{
	struct bulk *bulk = request->state;
	bulk->ended = true;
	bulk_go(bulk);
}
