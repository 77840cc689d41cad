/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/attachment_writer.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/error.h"
#include "base/list.h"
#include "base/log.h"
#include "proto/attachment_sink.h"
#include "proto/attachment_sink.h"

struct task {
	struct list_node node;
	struct node_write *write;
};

struct attachment_writer {
	uv_async_t async;
	pthread_t thread;
	struct attachment_sink *sink;
	void (*done)(void *ctx, struct node_write *write);
	void *ctx;
	size_t pending; /* the loop's */
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct list queue, answers;
	bool stopping;
};

/* A sync failed: what it was to make durable may be lost, and a second try would say nothing. */
_Noreturn static void die(void)
{
	log_event(LOG_LEVEL_ERROR, "store_failed", "reason",
		"an attachment could not be written or synced; the process ends");
	_exit(1);
}

static void *run(void *ctx)
{
	struct attachment_writer *writer = ctx;
	pthread_mutex_lock(&writer->lock);
	for (;;) {
		while (list_empty(&writer->queue) && !writer->stopping)
			pthread_cond_wait(&writer->work, &writer->lock);
		struct list_node *first = list_pop_front(&writer->queue);
		if (!first)
			break;
		pthread_mutex_unlock(&writer->lock);
		struct node_write *write = list_entry(first, struct task, node)->write;
		attachment_sink_write(writer->sink, write);
		if (write->code == ERROR_IO)
			die();
		pthread_mutex_lock(&writer->lock);
		list_push_back(&writer->answers, first);
		uv_async_send(&writer->async);
	}
	pthread_mutex_unlock(&writer->lock);
	return NULL;
}

static void on_answers(uv_async_t *async)
{
	struct attachment_writer *writer = async->data;
	for (;;) {
		pthread_mutex_lock(&writer->lock);
		struct list_node *first = list_pop_front(&writer->answers);
		pthread_mutex_unlock(&writer->lock);
		if (!first)
			return;
		struct task *task = list_entry(first, struct task, node);
		struct node_write *write = task->write;
		free(task);
		if (--writer->pending == 0)
			uv_unref((uv_handle_t *)&writer->async);
		writer->done(writer->ctx, write);
	}
}

int attachment_writer_new(uv_loop_t *loop, struct store *store, struct attachment_files *files,
	void (*done)(void *ctx, struct node_write *write), void *ctx, struct attachment_writer **out)
{
	struct attachment_writer *writer = calloc(1, sizeof(*writer));
	if (!writer)
		return ERROR_MEMORY;
	if (attachment_sink_new(store, files, &writer->sink)) {
		free(writer);
		return ERROR_MEMORY;
	}
	writer->done = done;
	writer->ctx = ctx;
	list_init(&writer->queue);
	list_init(&writer->answers);
	pthread_mutex_init(&writer->lock, NULL);
	pthread_cond_init(&writer->work, NULL);
	require(uv_async_init(loop, &writer->async, on_answers) == 0);
	writer->async.data = writer;
	uv_unref((uv_handle_t *)&writer->async);
	require(pthread_create(&writer->thread, NULL, run, writer) == 0);
	pthread_setname_np(writer->thread, "attachments"); /* so that its time can be told apart */
	*out = writer;
	return 0;
}

void attachment_writer_push(struct attachment_writer *writer, struct node_write *write)
{
	struct task *task = calloc(1, sizeof(*task));
	require(task);
	task->write = write;
	if (writer->pending++ == 0)
		uv_ref((uv_handle_t *)&writer->async);
	pthread_mutex_lock(&writer->lock);
	list_push_back(&writer->queue, &task->node);
	pthread_cond_signal(&writer->work);
	pthread_mutex_unlock(&writer->lock);
}

static void on_closed(uv_handle_t *handle)
{
	struct attachment_writer *writer = handle->data;
	pthread_cond_destroy(&writer->work);
	pthread_mutex_destroy(&writer->lock);
	free(writer);
}

void attachment_writer_close(struct attachment_writer *writer)
{
	pthread_mutex_lock(&writer->lock);
	writer->stopping = true;
	pthread_cond_signal(&writer->work);
	pthread_mutex_unlock(&writer->lock);
	pthread_join(writer->thread, NULL);
	on_answers(&writer->async);
	require(writer->pending == 0);
	attachment_sink_free(writer->sink);
	uv_close((uv_handle_t *)&writer->async, on_closed);
}
