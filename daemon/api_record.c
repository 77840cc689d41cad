/* SPDX-License-Identifier: Apache-2.0 */
/** One record: shown, raw, in other formats. */
#include "daemon/api_internal.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/api_alert_index.h"
#include "daemon/api_entry.h"
#include "daemon/api_original.h"
#include "format/cap.h"
#include "format/document.h"
#include "record/body.h"

struct show {
	struct api_entry entry;
	json_t *json;
	enum { AS_RECORD, AS_RAW, AS_CAP, AS_MARKDOWN, AS_JSON } as;
	struct attachment_files *files;
	struct alert_index *alerts;
	struct buffer out;
	const char *media_type;
	struct complaint complaint;
	int code;
};

static void show_free(void *state)
{
	struct show *show = state;
	api_entry_deinit(&show->entry);
	buffer_deinit(&show->out);
	json_decref(show->json);
	free(show);
}

static int cap_export(struct show *show, const json_t *body)
{
	show->media_type = CAP_MEDIA_TYPE;
	if (show->entry.header.kind != KIND_ALERT)
		return complain(&show->complaint, ERROR_STATE, "as",
			"Only an alert can be written as CAP.");
	/* The original bytes are what was signed by others, so they come before the model. */
	int code = api_original_read(&show->entry, body, show->files, &show->out);
	if (code != ERROR_NOT_FOUND)
		return code;
	buffer_reset(&show->out);
	return cap_write(body, &show->out);
}

static int export(struct show *show)
{
	json_t *body = api_entry_body(&show->entry);
	int code = 0;
	if (!body)
		return complain(&show->complaint, ERROR_STATE, "",
			"The body of this record is not here or cannot be read.");
	if (show->as == AS_CAP) {
		code = cap_export(show, body);
	} else if (show->as == AS_MARKDOWN) {
		show->media_type = "text/markdown; charset=utf-8";
		if (show->entry.header.kind != KIND_DOC)
			code = complain(&show->complaint, ERROR_STATE, "as",
				"Only a document can be written as Markdown.");
		else
			code = document_write_markdown(body, &show->out);
	} else {
		show->json = json_incref(body);
	}
	json_decref(body);
	return code;
}

static void show_run(void *state)
{
	struct show *show = state;
	show->code = api_entry_read(&show->entry);
	if (show->code || show->as == AS_RAW)
		return;
	if (show->as == AS_RECORD) {
		if (show->entry.feed.lane == LANE_ALERT)
			show->code = alert_index_refresh(
				show->alerts, show->entry.store, &show->entry.feed.feed_id);
		show->json = api_entry_record(&show->entry);
		api_entry_set_follower(&show->entry, show->alerts, show->json);
	} else {
		show->code = export(show);
	}
}

static void show_done(struct http_request *request, void *state)
{
	struct show *show = state;
	if (show->code == ERROR_NOT_FOUND && !show->complaint.reason[0])
		complain(&show->complaint, show->code, "seq", "There is no such record here.");
	if (show->code) {
		http_respond_error(request, show->code, &show->complaint);
	} else if (show->as == AS_RAW) {
		http_respond_bytes(request, 200, "application/octet-stream",
			buffer_bytes(&show->entry.wire));
	} else if (show->json) {
		if (show->as == AS_RECORD)
			api_entry_name_references(api_app(request), show->json);
		http_respond_json(request, 200, json_incref(show->json));
	} else {
		http_respond_bytes(request, 200, show->media_type, buffer_bytes(&show->out));
	}
}

static void show_start(struct http_request *request, int as)
{
	struct show *show = calloc(1, sizeof(*show));
	if (!show) {
		http_respond_error(request, ERROR_MEMORY, NULL);
		return;
	}
	buffer_init(&show->out, CAP_SIZE_MAX + 1);
	http_request_set_state(request, show, show_free);
	show->as = as;
	show->files = api_app(request)->attachment_files;
	show->alerts = ((struct api *)request->ctx)->alerts;
	if (api_entry_of_request(request, &show->entry) == 0)
		http_request_work(request, show_run, show_done);
}

void api_record_get(struct http_request *request)
{
	uint64_t raw;
	if (http_request_query_uint(request, "raw", 0, 1, 0, &raw) == 0)
		show_start(request, raw ? AS_RAW : AS_RECORD);
}

void api_record_export(struct http_request *request)
{
	const char *as = http_request_query(request, "as");
	if (as && strcmp(as, "cap") == 0)
		show_start(request, AS_CAP);
	else if (as && strcmp(as, "md") == 0)
		show_start(request, AS_MARKDOWN);
	else if (as && strcmp(as, "json") == 0)
		show_start(request, AS_JSON);
	else
		http_respond_refusal(request, 400, "field", "as", "It must be cap, md or json.");
}
