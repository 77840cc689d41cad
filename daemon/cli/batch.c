/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/cli/batch.h"

#include <stdlib.h>
#include <string.h>

void batch_init(struct batch *batch, struct cli *cli, struct client *client, const char *network,
	batch_result_fn *result, void *ctx)
{
	memset(batch, 0, sizeof(*batch));
	batch->cli = cli;
	batch->client = client;
	batch->network = network;
	batch->result = result;
	batch->ctx = ctx;
	buffer_init(&batch->lines, SIZE_MAX);
}

static void items_free(struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		free(batch->items[i].file);
		free(batch->items[i].record);
		free(batch->items[i].title);
	}
	batch->count = batch->answered = 0;
	buffer_reset(&batch->lines);
}

void batch_deinit(struct batch *batch)
{
	items_free(batch);
	buffer_deinit(&batch->lines);
}

static void answer_one(struct batch *batch, size_t i, const json_t *published, const char *reason)
{
	const struct batch_item *item = &batch->items[i];
	struct batch_result result = {
		item->file, item->record, item->title, published, reason, false, batch->unreached};
	batch->answered++;
	batch->result(batch->ctx, &result);
}

static void answer_line(struct batch *batch, const json_t *line)
{
	const json_t *error = json_object_get(line, "error");
	char reason[512];
	if (batch->answered == batch->count)
		return;
	if (!error) {
		answer_one(batch, batch->answered, line, NULL);
		return;
	}
	const char *field = cli_text(error, "field");
	snprintf(
		reason, sizeof(reason), "%s%s%s", field, field[0] ? ": " : "", cli_text(error, "reason"));
	answer_one(batch, batch->answered, NULL, reason);
}

/** One answer a line, in order. */
static void answers_read(struct batch *batch, struct bytes text)
{
	while (text.len) {
		const uint8_t *end = memchr(text.data, '\n', text.len);
		size_t len = end ? (size_t)(end - text.data) : text.len;
		json_t *line = len ? json_loadb((const char *)text.data, len, JSON_REJECT_DUPLICATES, NULL)
						   : NULL;
		if (line)
			answer_line(batch, line);
		json_decref(line);
		text = bytes_slice(text, len + (end ? 1 : 0), text.len);
	}
}

/** A refusal that concerns the only record that was sent, not whoever sends. */
static bool is_of_record(long status)
{
	return status == 400 || status == 409 || status == 413;
}

/** All of the batch that was not answered shares one fate. */
static int answer_rest(struct batch *batch, int code, const char *reason)
{
	if (!code && batch->answered < batch->count)
		code = cli_refuse(batch->cli, "The daemon answered fewer records than it was sent.");
	if (batch->unreached)
		reason = "It was not sent, since no daemon answered.";
	while (batch->answered < batch->count)
		answer_one(batch, batch->answered, NULL,
			reason[0] ? reason
					  : "The daemon ended before it answered: it may have been published or not.");
	return code;
}

int batch_flush(struct batch *batch)
{
	struct client_answer answer;
	struct url url;
	char reason[512] = "";
	bool single = batch->count == 1; /* which waits, too, while the city takes back its feeds */
	if (batch->count == 0)
		return CLI_DONE;
	url_path(&url, "/v1/networks/%s/records", batch->network);
	struct client_request request = {.method = "POST",
		.url = &url,
		.media_type = single ? "application/json" : "application/x-ndjson",
		.body = buffer_bytes(&batch->lines),
		.reason = reason,
		.reason_size = sizeof(reason)};
	int code = client_perform(batch->client, &request, &answer);
	if (!code && single)
		answer_one(batch, 0, answer.json, NULL);
	else if (!code)
		answers_read(batch, buffer_bytes(&answer.body));
	if (code == CLI_REFUSED && reason[0] && !single)
		cli_refuse(batch->cli, "%s", reason);
	batch->unreached = answer.unreached;
	code = answer_rest(batch, code, reason);
	if (code == CLI_REFUSED && single && is_of_record(answer.status))
		code = CLI_DONE;
	client_answer_deinit(&answer);
	items_free(batch);
	return code;
}

int batch_add(struct batch *batch, const char *file, const char *record, const char *title,
	const json_t *new_record)
{
	char *line = json_dumps(new_record, JSON_COMPACT);
	struct batch_item item = {strdup(file), strdup(record), strdup(title)};
	bool good = line && item.file && item.record && item.title;
	if (good) {
		buffer_push_text(&batch->lines, line);
		good = buffer_push_u8(&batch->lines, '\n') == 0;
	}
	free(line);
	if (!good) {
		free(item.file);
		free(item.record);
		free(item.title);
		return cli_no_memory(batch->cli);
	}
	batch->items[batch->count++] = item;
	if (batch->count == BATCH_RECORDS_MAX || batch->lines.len >= BATCH_BYTES)
		return batch_flush(batch);
	return CLI_DONE;
}
