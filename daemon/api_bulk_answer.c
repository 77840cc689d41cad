/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api_bulk_answer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/api_file_stream.h"
#include "daemon/api_publish.h"

#define MEDIA_TYPE "application/x-ndjson"
/* Of a published line: an id, a hash, a time, two numbers and the names of the fields. */
#define LINE_BYTES_MAX (API_RECORD_ID_MAX + TEXT_HEX_SIZE(HASH_SIZE) + TIMESTAMP_TEXT_MAX + 128)

void bulk_answers_init(struct bulk_answers *answers, const struct api_draft_scope *scope)
{
	*answers = (struct bulk_answers){.scope = scope, .fd = -1};
	buffer_init(&answers->lines, SIZE_MAX);
	for (size_t i = 0; i < LANE_MAX; i++) {
		char id[API_RECORD_ID_MAX];
		api_record_id(id, &scope->lanes[i], 1, 0);
		char *slash = strrchr(id, '/');
		snprintf(answers->prefixes[i], sizeof(answers->prefixes[i]), "%.*s",
			slash ? (int)(slash - id) + 1 : 0, id);
	}
}

void bulk_answers_deinit(struct bulk_answers *answers)
{
	buffer_deinit(&answers->lines);
	if (answers->fd >= 0)
		close(answers->fd);
	answers->fd = -1;
}

static void refusal_add(
	struct bulk_answers *answers, uint64_t number, const char *code, const struct complaint *c)
{
	json_t *json = http_error_json(code, c->field, c->reason);
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	/* The object's first brace makes way for the line's number. */
	buffer_push_format(&answers->lines, "{\"line\":%llu,%s\n", (unsigned long long)number,
		text ? text + 1
			 : "\"error\":{\"code\":\"internal\",\"field\":\"\","
			   "\"reason\":\"There is not enough memory.\"}}");
	free(text);
	json_decref(json);
}

static char *put(char *to, const char *text)
{
	size_t len = strlen(text);
	memcpy(to, text, len);
	return to + len;
}

static char *put_number(char *to, uint64_t number)
{
	char digits[20];
	size_t at = sizeof(digits);
	do
		digits[--at] = (char)('0' + number % 10);
	while (number /= 10);
	memcpy(to, digits + at, sizeof(digits) - at);
	return to + sizeof(digits) - at;
}

static void published_add(
	struct bulk_answers *answers, uint64_t number, const struct bulk_line *line)
{
	/* By hand: snprintf took a tenth of the loop's time. Slugs and hex need no escaping. */
	char *start = (char *)buffer_reserve(&answers->lines, LINE_BYTES_MAX), *to = start;
	if (!start)
		return;
	to = put(to, "{\"line\":");
	to = put_number(to, number);
	to = put(to, ",\"id\":\"");
	to = put(to, answers->prefixes[line->draft.lane - 1]);
	to = put_number(to, line->published.seq);
	to = put(to, "\",\"hash\":\"");
	text_hex_encode(to, hash_bytes(&line->published.entry_hash));
	to = put(to + 2 * HASH_SIZE, "\",\"seq\":");
	to = put_number(to, line->published.seq);
	to = put(to, ",\"time\":\"");
	to = put(to, answers->time);
	to = put(to, "\"}\n");
	buffer_commit(&answers->lines, (size_t)(to - start));
}

static void line_add(struct bulk_answers *answers, uint64_t number, const struct bulk_line *line)
{
	struct complaint complaint;
	int code = line->draft.code ? line->draft.code : line->published.code;
	if (!code) {
		published_add(answers, number, line);
		return;
	}
	complaint = line->draft.complaint;
	struct http_error error = line->draft.code
		? http_error_of(code)
		: api_publish_refusal(answers->scope, code, &complaint);
	if (!complaint.reason[0])
		complain(&complaint, code, "", "%s", error_text(code));
	refusal_add(answers, number, error.code, &complaint);
}

void bulk_answers_add(struct bulk_answers *answers, const struct bulk_batch *batch)
{
	if (answers->time_ms != batch->time_ms) {
		answers->time_ms = batch->time_ms;
		timestamp_format(timestamp_from_ms((int64_t)batch->time_ms), answers->time);
	}
	for (size_t i = 0; i < batch->count; i++)
		line_add(answers, batch->lines_before + batch->lines[i].number, &batch->lines[i]);
}

void bulk_answers_spill(struct bulk_answers *answers, struct buffer *out)
{
	if (answers->lines.len <= BULK_ANSWER_BYTES || answers->lines.error)
		return;
	buffer_deinit(out);
	*out = answers->lines;
	buffer_init(&answers->lines, out->max);
}

int bulk_answers_write(struct bulk_answers *answers, struct bytes bytes)
{
	if (answers->fd < 0)
		answers->fd = open(answers->scope->app->config.data, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (answers->fd < 0)
		return error_from_errno(errno);
	while (bytes.len > 0) {
		ssize_t n = pwrite(answers->fd, bytes.data, bytes.len, (off_t)answers->fd_bytes);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return error_from_errno(errno);
		answers->fd_bytes += (uint64_t)n;
		bytes = bytes_slice(bytes, (size_t)n, bytes.len);
	}
	return 0;
}

void bulk_answers_send(struct bulk_answers *answers, struct http_request *request)
{
	int code = answers->code ? answers->code : answers->lines.error;
	if (!code && answers->fd >= 0)
		code = bulk_answers_write(answers, buffer_bytes(&answers->lines));
	if (code) {
		/* What was published stands; without its answers the client must not think so. */
		http_respond_error(request, code, NULL);
		return;
	}
	if (answers->fd < 0) {
		http_respond_bytes(request, 200, MEDIA_TYPE, buffer_bytes(&answers->lines));
		return;
	}
	int fd = answers->fd;
	answers->fd = -1;
	api_file_stream(request, fd, answers->fd_bytes, MEDIA_TYPE);
}
