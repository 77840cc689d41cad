/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Stores an attachment that is made here: its file by a thread, then its rows by the writer. The
 * file comes in pieces; nothing is known of its size before its end.
 */
#pragma once

#include "base/error.h"
#include "daemon/app.h"
#include "feed/attachment_id.h"
#include "store/attachment_file.h"

struct api_attachment_save {
	struct store *store;
	struct attachment_files *files;
	struct attachment_file *file; /* NULL before the first byte */
	struct attachment_id_builder builder;
	bool building;
	bool exists; /* it was here already, whole */
	struct hash id;
	uint64_t size;
	/* of api_attachment_save_commit */
	struct app *app;
	void (*done)(void *ctx, int code);
	void *ctx;
};

void api_attachment_save_init(struct api_attachment_save *save, struct app *app);
/** Thread. ERROR_LIMIT, ERROR_FULL, ERROR_IO, ERROR_MEMORY. */
int api_attachment_save_write(struct api_attachment_save *save, struct bytes bytes);
/** Thread: the end; id and size are known then and the file is durable. ERROR_BUSY: it is being
 * fetched from another city just now. */
int api_attachment_save_finish(struct api_attachment_save *save);
/** Loop: the rows; `done` with the commit's code, and the node is told. ERROR_MEMORY at once. */
int api_attachment_save_commit(struct api_attachment_save *save,
	void (*done)(void *ctx, int code), void *ctx);
/** Harmless at any time but between commit and done. */
void api_attachment_save_deinit(struct api_attachment_save *save);
