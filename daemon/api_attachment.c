/* SPDX-License-Identifier: Apache-2.0 */
/** Attachments: up into the store, and down from it. */
#include "daemon/api_internal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/api_attachment_save.h"
#include "daemon/api_entry.h"
#include "daemon/api_file_stream.h"
#include "format/cap.h"

/** What one thread writes while as much more comes in. */
#define PIECE_BYTES (1u << 20)

struct upload {
	struct http_request *request;
	struct api_attachment_save save;
	struct buffer coming, writing;
	bool working, ended, finishing;
	int code;
};

static void upload_free(void *state)
{
	struct upload *up = state;
	api_attachment_save_deinit(&up->save);
	buffer_deinit(&up->coming);
	buffer_deinit(&up->writing);
	free(up);
}

static void upload_begin(struct http_request *request)
{
	const struct app *app = api_app(request);
	/* What room is left is for alerts. */
	if (app->disk_full) {
		http_respond_refusal(request, 503, "paused", "", "%s", app->full_reason);
		return;
	}
	struct upload *up = calloc(1, sizeof(*up));
	if (!up) {
		http_respond_error(request, ERROR_MEMORY, NULL);
		return;
	}
	up->request = request;
	api_attachment_save_init(&up->save, api_app(request));
	buffer_init(&up->coming, PIECE_BYTES);
	buffer_init(&up->writing, PIECE_BYTES);
	http_request_set_state(request, up, upload_free);
}

static void upload_run(void *state)
{
	struct upload *up = state;
	if (up->writing.len > 0)
		up->code = api_attachment_save_write(&up->save, buffer_bytes(&up->writing));
	if (!up->code && up->finishing)
		up->code = api_attachment_save_finish(&up->save);
}

static void upload_answer(struct upload *up, int code)
{
	struct complaint complaint = {.field = "", .reason = ""};
	if (code == ERROR_BUSY)
		complain(&complaint, code, "", "This very file is being fetched from another city: "
			"ask again when it is here.");
	if (code == ERROR_LIMIT)
		http_respond_refusal(up->request, 413, "size", "",
			"An attachment may have at most 2^40 bytes.");
	else if (code)
		http_respond_error(up->request, code, &complaint);
	else
		http_respond_json(up->request, 201, json_pack("{s:o, s:o}", "id",
			api_json_hash(&up->save.id), "size", api_json_uint(up->save.size)));
}

static void on_upload_committed(void *ctx, int code)
{
	struct upload *up = ctx;
	struct http_request *request = up->request;
	upload_answer(up, code);
	http_request_unref(request);
}

static void upload_work(struct upload *up);

static void upload_done(struct http_request *request, void *state)
{
	struct upload *up = state;
	up->working = false;
	if (up->code) {
		upload_answer(up, up->code);
		return;
	}
	if (!up->finishing) {
		if (up->ended || up->coming.len >= PIECE_BYTES)
			upload_work(up);
		http_request_resume(request);
		return;
	}
	if (up->save.exists) {
		upload_answer(up, 0);
		return;
	}
	http_request_ref(request);
	int code = api_attachment_save_commit(&up->save, on_upload_committed, up);
	if (code)
		on_upload_committed(up, code);
}

static void upload_work(struct upload *up)
{
	struct buffer swap = up->writing;
	up->writing = up->coming;
	up->coming = swap;
	buffer_reset(&up->coming);
	up->working = true;
	up->finishing = up->ended;
	http_request_work(up->request, upload_run, upload_done);
}

static size_t upload_data(struct http_request *request, struct bytes bytes)
{
	struct upload *up = request->state;
	size_t room = PIECE_BYTES - up->coming.len;
	size_t take = bytes.len < room ? bytes.len : room;
	if (buffer_push(&up->coming, bytes.data, take) != 0) {
		http_respond_error(request, ERROR_MEMORY, NULL);
		return bytes.len;
	}
	if (up->coming.len == PIECE_BYTES && !up->working)
		upload_work(up);
	return take;
}

static void upload_end(struct http_request *request)
{
	struct upload *up = request->state;
	up->ended = true;
	if (!up->working)
		upload_work(up);
}

const struct http_upload api_attachment_upload = {upload_begin, upload_data, upload_end};

struct download {
	struct api_entry entry;
	struct attachment_files *files;
	char *wanted; /* id or name */
	struct header_attachment attachment;
	struct store_attachment held;
	int fd, code;
};

static void download_free(void *state)
{
	struct download *down = state;
	api_entry_deinit(&down->entry);
	free(down->wanted);
	if (down->fd >= 0)
		close(down->fd);
	free(down);
}

/** The id that the record's body gives to a name. */
static bool id_of_name(const struct download *down, struct hash *id)
{
	json_t *body = api_entry_body(&down->entry);
	const json_t *list = json_object_get(body, "attachments"), *one;
	bool found = false;
	size_t i;
	json_array_foreach(list, i, one) {
		const char *name = json_string_value(json_object_get(one, "name"));
		const char *hex = json_string_value(json_object_get(one, "id"));
		if (name && hex && strcmp(name, down->wanted) == 0 &&
			text_hex_decode(id->bytes, HASH_SIZE, bytes_from_text(hex)) == 0) {
			found = true;
			break;
		}
	}
	json_decref(body);
	return found;
}

static int attachment_find(struct download *down)
{
	const struct header *h = &down->entry.header;
	struct hash id;
	bool has_id = text_hex_decode(id.bytes, HASH_SIZE, bytes_from_text(down->wanted)) == 0 ||
		id_of_name(down, &id);
	bool original = strcmp(down->wanted, CAP_ORIGINAL_NAME) == 0;
	for (size_t i = 0; i < h->attachment_count; i++) {
		const struct header_attachment *a = &h->attachments[i];
		if ((has_id && hash_equal(&a->id, &id)) ||
			(!has_id && original && (a->flags & HEADER_ATTACHMENT_CAP_ORIGINAL))) {
			down->attachment = *a;
			return 0;
		}
	}
	return ERROR_NOT_FOUND;
}

static void download_run(void *state)
{
	struct download *down = state;
	down->code = api_entry_read(&down->entry);
	if (!down->code)
		down->code = attachment_find(down);
	if (down->code)
		return;
	int code = store_attachment_info(down->entry.store, &down->attachment.id, &down->held);
	if (code && code != ERROR_NOT_FOUND)
		down->code = code;
	if (!code && down->held.complete)
		down->code = attachment_files_open_read(down->files, &down->attachment.id,
			&down->fd);
}

static void download_want(struct http_request *request, const struct download *down)
{
	struct app *app = api_app(request);
	int code = node_attachment_want(app->node, &down->entry.feed.feed_id, down->entry.seq,
		&down->attachment.id, down->attachment.size, app_now(app));
	uint64_t bytes = down->held.chunks_durable * (uint64_t)ATTACHMENT_CHUNK_BYTES;
	if (code && code != ERROR_NOT_FOUND && code != ERROR_EXISTS) {
		http_respond_error(request, code, NULL);
		return;
	}
	http_respond_json(request, 202, json_pack("{s:s, s:o, s:o}", "state",
		code == ERROR_NOT_FOUND ? "waiting" : "fetching", "size",
		api_json_uint(down->attachment.size), "held_bytes", api_json_uint(bytes)));
}

static void download_done(struct http_request *request, void *state)
{
	struct download *down = state;
	struct complaint complaint = {.field = "", .reason = ""};
	if (down->code == ERROR_NOT_FOUND)
		complain(&complaint, down->code, "attachment",
			"There is no such record here, or it has no such attachment.");
	if (down->code) {
		http_respond_error(request, down->code, &complaint);
	} else if (down->fd < 0) {
		download_want(request, down);
	} else {
		int fd = down->fd;
		down->fd = -1;
		api_file_stream(request, fd, down->held.size, "application/octet-stream");
		http_respond_header(request, "Content-Disposition", "attachment");
	}
}

void api_attachment_get(struct http_request *request)
{
	struct download *down = calloc(1, sizeof(*down));
	if (!down) {
		http_respond_error(request, ERROR_MEMORY, NULL);
		return;
	}
	down->fd = -1;
	down->files = api_app(request)->attachment_files;
	down->wanted = strdup(http_request_parameter(request, "attachment"));
	http_request_set_state(request, down, download_free);
	if (!down->wanted)
		http_respond_error(request, ERROR_MEMORY, NULL);
	else if (api_entry_of_request(request, &down->entry) == 0)
		http_request_work(request, download_run, download_done);
}
