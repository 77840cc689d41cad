/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api_attachment_save.h"

#include <string.h>

#include "daemon/api_internal.h"
#include "store/store.h"

void api_attachment_save_init(struct api_attachment_save *save, struct app *app)
{
	memset(save, 0, sizeof(*save));
	save->app = app;
	save->store = app->store;
	save->files = app->attachment_files;
}

static int begin(struct api_attachment_save *save)
{
	if (!save->building) {
		int code = attachment_id_builder_init(&save->builder);
		if (code)
			return code;
		save->building = true;
	}
	return save->file ? 0 : attachment_file_upload(save->files, &save->file);
}

int api_attachment_save_write(struct api_attachment_save *save, struct bytes bytes)
{
	int code = begin(save);
	if (!code)
		code = attachment_id_builder_add(&save->builder, bytes);
	if (!code)
		code = attachment_file_write(save->file, attachment_file_end(save->file), bytes);
	if (!code && attachment_file_sync_due(save->file))
		code = attachment_file_sync(save->file, NULL);
	return code;
}

int api_attachment_save_finish(struct api_attachment_save *save)
{
	struct store_attachment held;
	int code = begin(save);
	if (!code)
		code = attachment_id_builder_end(&save->builder, &save->id);
	if (code)
		return code;
	save->size = save->builder.size;
	code = store_attachment_info(save->store, &save->id, &held);
	if (!code && held.complete) {
		save->exists = true;
		return 0;
	}
	code = attachment_file_name(save->file, &save->id, save->size);
	if (code == ERROR_EXISTS)
		return ERROR_BUSY;
	return code ? code : attachment_file_finish(save->file);
}

static void on_commit(void *ctx, struct commit *commit)
{
	struct api_attachment_save *save = ctx;
	int code = commit->code;
	if (!code) {
		node_attachment_added(save->app->node, &save->id, app_now(save->app));
		if (save->app->api)
			api_events_poke(save->app->api);
	}
	save->done(save->ctx, code);
}

int api_attachment_save_commit(struct api_attachment_save *save,
	void (*done)(void *ctx, int code), void *ctx)
{
	struct commit *commit = commit_new(COMMIT_URGENT);
	struct commit_op *op = commit ? commit_add(commit, COMMIT_ATTACHMENT_BEGIN) : NULL;
	if (op) {
		op->hash = save->id;
		op->size = save->size;
		op->blob = blob_copy(buffer_bytes(&save->builder.chunk_hashes));
		op = op->blob ? commit_add(commit, COMMIT_ATTACHMENT_PROGRESS) : NULL;
	}
	if (op) {
		op->hash = save->id;
		op->seq = attachment_chunk_count(save->size);
		op = commit_add(commit, COMMIT_ATTACHMENT_COMPLETE);
	}
	if (!op) {
		commit_free(commit);
		return ERROR_MEMORY;
	}
	op->hash = save->id;
	op->arrived = app_now(save->app).wall;
	save->done = done;
	save->ctx = ctx;
	commit->done = on_commit;
	commit->ctx = save;
	app_commit(save->app, commit);
	return 0;
}

void api_attachment_save_deinit(struct api_attachment_save *save)
{
	attachment_file_close(save->file);
	save->file = NULL;
	if (save->building)
		attachment_id_builder_deinit(&save->builder);
	save->building = false;
}
