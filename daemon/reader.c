/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/reader.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/error.h"

struct reader {
	uv_loop_t *loop;
	struct store *store;
	struct attachment_files *files;
	void (*done)(void *ctx, struct node_read *read);
	void *ctx;
	size_t pending;
};

struct task {
	uv_work_t work;
	struct reader *reader;
	struct node_read *read;
};

static void on_work(uv_work_t *work)
{
	struct task *task = work->data;
	node_read_run(task->read, task->reader->store, task->reader->files);
}

static void on_done(uv_work_t *work, int status)
{
	struct task *task = work->data;
	struct reader *reader = task->reader;
	struct node_read *read = task->read;
	free(task);
	reader->pending--;
	if (status)
		read->code = ERROR_CANCELLED;
	reader->done(reader->ctx, read);
}

int reader_new(uv_loop_t *loop, struct store *store, struct attachment_files *files,
	void (*done)(void *ctx, struct node_read *read), void *ctx, struct reader **out)
{
	struct reader *reader = calloc(1, sizeof(*reader));
	if (!reader)
		return ERROR_MEMORY;
	*reader = (struct reader){loop, store, files, done, ctx, 0};
	*out = reader;
	return 0;
}

void reader_push(struct reader *reader, struct node_read *read)
{
	/* a node that cannot even ask for 200 bytes cannot answer its peers either */
	struct task *task = malloc(sizeof(*task));
	require(task);
	task->reader = reader;
	task->read = read;
	task->work.data = task;
	reader->pending++;
	require(uv_queue_work(reader->loop, &task->work, on_work, on_done) == 0);
}

void reader_free(struct reader *reader)
{
	if (!reader)
		return;
	require(reader->pending == 0);
	free(reader);
}
