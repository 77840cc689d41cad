/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Publishing in bulk: a record a line in, an answer a line out, in order, each once it is durable.
 *
 * Lines are cut into batches. One batch at a time is checked by a thread (so that the order of
 * lines is the order of publishing) while up to BATCHES_MAX before it wait for their commits; then
 * no more of the body is read. The answers go out after the last line has come in, as HTTP/1.1
 * clients seldom read while they send; beyond ANSWERS_BYTES they wait in an unlinked file, so
 * memory stays bounded.
 */
#include "daemon/api_publish.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "daemon/api_file_stream.h"

#define BATCH_BYTES (256u * 1024)
#define BATCHES_MAX 8u
#define LINE_BYTES_MAX API_JSON_BYTES_MAX
#define ANSWERS_BYTES (1u << 20)
/** A line's header and body are smaller than its JSON, but for short lines of 8 KiB. */
#define BATCH_OUT_BYTES (64u << 20)
#define MEDIA_TYPE "application/x-ndjson"

struct batch;

struct line {
	struct batch *batch;
	struct api_draft draft;
	uint64_t number;
	struct node_published published;
};

struct batch {
	struct list_node node; /* of bulk->batches, in the order of the body */
	struct bulk *bulk;
	struct buffer input, out;
	struct buffer spill;   /* answers that its thread writes to the file first */
	struct line *lines;
	size_t count, pending;
	bool needs_store, ready;
};

struct bulk {
	struct http_request *request;
	struct api_draft_scope scope;
	struct buffer coming;
	bool skipping;         /* the rest of a line that was too long */
	bool ended, finished;
	struct batch *parsing;
	struct list batches;   /* parsed or being parsed, not all answered */
	unsigned batch_count;
	uint64_t line_number, time_ms;
	struct buffer answers;
	int fd;                /* answers that did not fit, -1: none */
	uint64_t fd_bytes;
	int fd_code;
};

static void batch_free(struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		api_draft_deinit(&batch->lines[i].draft);
	free(batch->lines);
	buffer_deinit(&batch->input);
	buffer_deinit(&batch->out);
	buffer_deinit(&batch->spill);
	free(batch);
}

static void bulk_free(void *state)
{
	struct bulk *bulk = state;
	struct list_node *node;
	while ((node = list_pop_front(&bulk->batches)))
		batch_free(list_entry(node, struct batch, node));
	buffer_deinit(&bulk->coming);
	buffer_deinit(&bulk->answers);
	if (bulk->fd >= 0)
		close(bulk->fd);
	free(bulk);
}

void api_bulk_begin(struct http_request *request, const struct api_draft_scope *scope)
{
	struct complaint complaint = {.field = "", .reason = ""};
	struct http_error error;
	if (api_publish_state(scope->app, &error, NULL, &complaint) != 0) {
		http_respond_json(request, error.status,
			http_error_json(error.code, complaint.field, complaint.reason));
		return;
	}
	struct bulk *bulk = calloc(1, sizeof(*bulk));
	if (!bulk) {
		http_respond_error(request, ERROR_MEMORY, NULL);
		return;
	}
	bulk->request = request;
	bulk->scope = *scope;
	bulk->fd = -1;
	list_init(&bulk->batches);
	buffer_init(&bulk->coming, LINE_BYTES_MAX + 2 * BATCH_BYTES);
	buffer_init(&bulk->answers, ANSWERS_BYTES + BATCHES_MAX * BATCH_BYTES);
	http_request_set_state(request, bulk, bulk_free);
}

/* ---- answers ---- */

static void answer_error(struct buffer *b, uint64_t number, const char *code,
	const struct complaint *c)
{
	json_t *json = http_error_json(code, c->field, c->reason);
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	/* The object's first brace makes way for the line's number. */
	buffer_push_format(b, "{\"line\":%llu,%s\n", (unsigned long long)number,
		text ? text + 1 : "\"error\":{\"code\":\"internal\",\"field\":\"\","
			"\"reason\":\"There is not enough memory.\"}}");
	free(text);
	json_decref(json);
}

static void answer_line(struct bulk *bulk, const struct line *line)
{
	struct complaint complaint = line->draft.complaint;
	int code = line->draft.code ? line->draft.code : line->published.code;
	char id[API_RECORD_ID_MAX], hex[TEXT_HEX_SIZE(HASH_SIZE)], time[TIMESTAMP_TEXT_MAX];
	if (code) {
		struct http_error error = line->draft.code ? http_error_of(code)
			: api_publish_refusal(&bulk->scope, code, &complaint);
		if (!complaint.reason[0])
			complain(&complaint, code, "", "%s", error_text(code));
		answer_error(&bulk->answers, line->number, error.code, &complaint);
		return;
	}
	/* Slugs and hex need no escaping. */
	buffer_push_format(&bulk->answers,
		"{\"line\":%llu,\"id\":\"%s\",\"hash\":\"%s\",\"seq\":%llu,\"time\":\"%s\"}\n",
		(unsigned long long)line->number,
		api_record_id(id, &bulk->scope.lanes[line->draft.lane - 1], line->published.seq, 0),
		text_hex_encode(hex, hash_bytes(&line->published.entry_hash)),
		(unsigned long long)line->published.seq,
		timestamp_format(timestamp_from_ms((int64_t)line->draft.time_ms), time));
}

static int file_write(struct bulk *bulk, struct bytes bytes)
{
	if (bulk->fd < 0)
		bulk->fd = open(bulk->scope.app->config.data, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (bulk->fd < 0)
		return error_from_errno(errno);
	while (bytes.len > 0) {
		ssize_t n = pwrite(bulk->fd, bytes.data, bytes.len, (off_t)bulk->fd_bytes);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return error_from_errno(errno);
		bulk->fd_bytes += (uint64_t)n;
		bytes = bytes_slice(bytes, (size_t)n, bytes.len);
	}
	return 0;
}

static void bulk_answer(struct bulk *bulk)
{
	struct http_request *request = bulk->request;
	bulk->finished = true;
	if (bulk->answers.error || bulk->fd_code) {
		/* What was published stands; without its answers the client must not think so. */
		http_respond_error(request, bulk->answers.error ? bulk->answers.error
			: bulk->fd_code, NULL);
		return;
	}
	if (bulk->fd < 0) {
		http_respond_bytes(request, 200, MEDIA_TYPE, buffer_bytes(&bulk->answers));
		return;
	}
	int code = file_write(bulk, buffer_bytes(&bulk->answers));
	if (code) {
		http_respond_error(request, code, NULL);
		return;
	}
	int fd = bulk->fd;
	bulk->fd = -1;
	api_file_stream(request, fd, bulk->fd_bytes, MEDIA_TYPE);
}

/* ---- batches ---- */

static void bulk_go(struct bulk *bulk);

/** Answers all batches at the front that are complete. */
static void batches_collect(struct bulk *bulk)
{
	struct list_node *node;
	while ((node = list_first(&bulk->batches))) {
		struct batch *batch = list_entry(node, struct batch, node);
		if (!batch->ready || batch->pending > 0)
			break;
		for (size_t i = 0; i < batch->count; i++)
			answer_line(bulk, &batch->lines[i]);
		list_remove(&batch->node);
		bulk->batch_count--;
		batch_free(batch);
	}
}

static void on_published(void *ctx, const struct node_published *result)
{
	struct line *line = ctx;
	struct batch *batch = line->batch;
	struct bulk *bulk = batch->bulk;
	struct http_request *request = bulk->request;
	line->published = *result;
	if (--batch->pending > 0)
		return;
	batches_collect(bulk);
	bulk_go(bulk);
	http_request_unref(request); /* the batch's */
}

static void batch_publish(struct batch *batch)
{
	struct bulk *bulk = batch->bulk;
	struct app *app = bulk->scope.app;
	struct node_time now = app_now(app);
	const struct hash *network_id = &bulk->scope.lanes[0].network_id;
	http_request_ref(bulk->request);
	batch->pending = 1; /* so that it is not complete before the last line */
	for (size_t i = 0; i < batch->count; i++) {
		struct line *line = &batch->lines[i];
		if (line->draft.code)
			continue;
		batch->pending++;
		int code = node_publish(app->node, network_id, line->draft.lane,
			api_draft_header(&line->draft), api_draft_body(&line->draft), on_published,
			line, now);
		if (code) {
			line->published.code = code;
			batch->pending--;
		}
	}
	batch->ready = true;
	bulk->parsing = NULL;
	/* What was copied is not needed any more while the commit is awaited. */
	buffer_deinit(&batch->input);
	buffer_deinit(&batch->out);
	if (--batch->pending > 0) {
		bulk_go(bulk);
		return;
	}
	batches_collect(bulk);
	bulk_go(bulk);
	http_request_unref(bulk->request);
}

static bool line_add(struct batch *batch, size_t *capacity)
{
	if (batch->count == *capacity) {
		size_t more = *capacity ? 2 * *capacity : 64;
		struct line *lines = realloc(batch->lines, more * sizeof(*lines));
		if (!lines)
			return false;
		batch->lines = lines;
		*capacity = more;
	}
	memset(&batch->lines[batch->count++], 0, sizeof(struct line));
	return true;
}

static bool blank(struct bytes line)
{
	for (size_t i = 0; i < line.len; i++) {
		if (!strchr(" \t\r", line.data[i]))
			return false;
	}
	return true;
}

/** Thread. */
static void batch_parse(void *state)
{
	struct bulk *bulk = state;
	struct batch *batch = bulk->parsing;
	struct bytes rest = buffer_bytes(&batch->input);
	size_t capacity = 0;
	if (batch->spill.len > 0 && !bulk->fd_code)
		bulk->fd_code = file_write(bulk, buffer_bytes(&batch->spill));
	while (rest.len > 0) {
		const uint8_t *end = memchr(rest.data, '\n', rest.len);
		size_t len = end ? (size_t)(end - rest.data) : rest.len;
		struct bytes text = bytes_slice(rest, 0, len);
		rest = bytes_slice(rest, end ? len + 1 : len, rest.len);
		bulk->line_number++;
		if (blank(text))
			continue;
		if (!line_add(batch, &capacity)) {
			bulk->fd_code = ERROR_MEMORY;
			return;
		}
		struct line *line = &batch->lines[batch->count - 1];
		line->number = bulk->line_number;
		api_draft_init(&line->draft, &bulk->scope, bulk->time_ms, &batch->out);
		if (text.len > LINE_BYTES_MAX)
			line->draft.code = complain(&line->draft.complaint, ERROR_SIZE, "",
				"The line is too long: at most %u bytes are taken.",
				LINE_BYTES_MAX);
		else
			api_draft_parse(&line->draft, text);
		if (!line->draft.code && line->draft.needs_store)
			batch->needs_store = true;
	}
	for (size_t i = 0; i < batch->count; i++)
		batch->lines[i].batch = batch;
}

/** Thread: what some of the lines need of the store. */
static void batch_finish(void *state)
{
	struct batch *batch = ((struct bulk *)state)->parsing;
	for (size_t i = 0; i < batch->count; i++) {
		struct api_draft *draft = &batch->lines[i].draft;
		if (!draft->code && draft->needs_store)
			api_draft_finish(draft);
	}
}

static void on_batch_finished(struct http_request *request, void *state)
{
	(void)request;
	batch_publish(((struct bulk *)state)->parsing);
}

static void on_batch_parsed(struct http_request *request, void *state)
{
	struct batch *batch = ((struct bulk *)state)->parsing;
	if (!batch->needs_store) {
		batch_publish(batch);
		return;
	}
	for (size_t i = 0; i < batch->count; i++) {
		struct api_draft *draft = &batch->lines[i].draft;
		if (!draft->code && draft->needs_names)
			api_draft_names(draft);
	}
	http_request_work(request, batch_finish, on_batch_finished);
}

/** Takes whole lines off what has come; false if there is none yet. */
static bool lines_take(struct bulk *bulk, struct buffer *out)
{
	struct bytes coming = buffer_bytes(&bulk->coming);
	size_t len = coming.len;
	if (!bulk->ended) {
		const uint8_t *last = coming.len ? memrchr(coming.data, '\n', coming.len) : NULL;
		len = last ? (size_t)(last - coming.data) + 1 : 0;
	}
	/* A line without an end: its beginning becomes its refusal, its rest is passed over. */
	if (len == 0 && coming.len > LINE_BYTES_MAX) {
		bulk->skipping = true;
		len = coming.len;
	}
	if (len == 0)
		return false;
	buffer_init(out, bulk->coming.max);
	if (buffer_push(out, coming.data, len) != 0) {
		bulk->fd_code = ERROR_MEMORY;
		return false;
	}
	buffer_consume(&bulk->coming, len);
	return true;
}

static void batch_start(struct bulk *bulk)
{
	struct buffer input;
	if (!lines_take(bulk, &input))
		return;
	struct batch *batch = calloc(1, sizeof(*batch));
	if (!batch) {
		buffer_deinit(&input);
		bulk->fd_code = ERROR_MEMORY;
		return;
	}
	batch->bulk = bulk;
	batch->input = input;
	buffer_init(&batch->out, BATCH_OUT_BYTES);
	buffer_init(&batch->spill, SIZE_MAX);
	if (bulk->answers.len > ANSWERS_BYTES) {
		batch->spill = bulk->answers;
		buffer_init(&bulk->answers, batch->spill.max);
	}
	list_push_back(&bulk->batches, &batch->node);
	bulk->batch_count++;
	bulk->parsing = batch;
	bulk->time_ms = (uint64_t)app_now(bulk->scope.app).wall.ms;
	http_request_work(bulk->request, batch_parse, on_batch_parsed);
}

/** Starts what can be started, takes more of the body, or answers. */
static void bulk_go(struct bulk *bulk)
{
	if (bulk->finished)
		return;
	if (!bulk->parsing && bulk->batch_count < BATCHES_MAX && !bulk->fd_code)
		batch_start(bulk);
	if (bulk->ended && !bulk->parsing && bulk->batch_count == 0)
		bulk_answer(bulk);
	else if (!bulk->ended)
		http_request_resume(bulk->request);
}

size_t api_bulk_data(struct http_request *request, struct bytes bytes)
{
	struct bulk *bulk = request->state;
	size_t passed = 0;
	if (bulk->fd_code)
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
	if (bulk->coming.len >= BATCH_BYTES && (bulk->parsing || bulk->batch_count >= BATCHES_MAX))
		take = 0;
	if (take && buffer_push(&bulk->coming, bytes.data, take) != 0)
		bulk->fd_code = ERROR_MEMORY;
	if (!bulk->parsing && bulk->batch_count < BATCHES_MAX && !bulk->fd_code)
		batch_start(bulk);
	return passed + take;
}

void api_bulk_end(struct http_request *request)
{
	struct bulk *bulk = request->state;
	bulk->ended = true;
	bulk_go(bulk);
}
