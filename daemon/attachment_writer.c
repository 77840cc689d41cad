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

/* Syncs asked for and not done: more than that, and chunks wait. It is what may be fetched again
 * after a crash, beside what was not synced yet. */
#define SYNCS_MAX 2u

struct task {
	struct list_node node;
	struct node_write *write;
};

struct attachment_writer {
	uv_async_t async;
	pthread_t writing, syncing;
	struct attachment_sink *sink;
	void (*done)(void *ctx, struct node_write *write);
	void *ctx;
	size_t pending; /* the loop's */
	pthread_mutex_t lock;
	pthread_cond_t work, sync_work, synced;
	struct list queue, syncs, answers;
	unsigned sync_count; /* in the list or under way */
	bool stopping, written;
};

/* A sync failed: what it was to make durable may be lost, and a second try would say nothing. */
_Noreturn static void die(void)
{
	log_event(LOG_LEVEL_ERROR, "store_failed", "reason",
		"an attachment could not be written or synced; the process ends");
	_exit(1);
}

/* The lock is held. */
static void answer(struct attachment_writer *writer, struct list_node *node)
{
	if (list_entry(node, struct task, node)->write->code == ERROR_IO)
		die();
	list_push_back(&writer->answers, node);
	uv_async_send(&writer->async);
}

static size_t take(struct attachment_writer *writer, struct list_node **taken)
{
	size_t count = 0;
	while (count < ATTACHMENT_SINK_WRITES_MAX && (taken[count] = list_pop_front(&writer->queue)))
		count++;
	return count;
}

static void *write_all(void *ctx)
{
	struct attachment_writer *writer = ctx;
	struct list_node *taken[ATTACHMENT_SINK_WRITES_MAX];
	struct node_write *writes[ATTACHMENT_SINK_WRITES_MAX];
	pthread_mutex_lock(&writer->lock);
	for (;;) {
		while (list_empty(&writer->queue) && !writer->stopping)
			pthread_cond_wait(&writer->work, &writer->lock);
		while (writer->sync_count >= SYNCS_MAX)
			pthread_cond_wait(&writer->synced, &writer->lock);
		size_t count = take(writer, taken);
		if (count == 0)
			break;
		pthread_mutex_unlock(&writer->lock);
		for (size_t i = 0; i < count; i++)
			writes[i] = list_entry(taken[i], struct task, node)->write;
		attachment_sink_write(writer->sink, writes, count);
		pthread_mutex_lock(&writer->lock);
		for (size_t i = 0; i < count; i++) {
			if (!attachment_sink_sync_due(writes[i])) {
				answer(writer, taken[i]);
				continue;
			}
			list_push_back(&writer->syncs, taken[i]);
			writer->sync_count++;
			pthread_cond_signal(&writer->sync_work);
		}
	}
	writer->written = true;
	pthread_cond_signal(&writer->sync_work);
	pthread_mutex_unlock(&writer->lock);
	return NULL;
}

static void *sync_all(void *ctx)
{
	struct attachment_writer *writer = ctx;
	pthread_mutex_lock(&writer->lock);
	for (;;) {
		while (list_empty(&writer->syncs) && !writer->written)
			pthread_cond_wait(&writer->sync_work, &writer->lock);
		struct list_node *first = list_pop_front(&writer->syncs);
		if (!first)
			break;
		pthread_mutex_unlock(&writer->lock);
		attachment_sink_sync(list_entry(first, struct task, node)->write);
		pthread_mutex_lock(&writer->lock);
		writer->sync_count--;
		pthread_cond_signal(&writer->synced);
		answer(writer, first);
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
	int code = attachment_sink_new(store, files, &writer->sink);
	if (code) {
		free(writer);
		return code;
	}
	writer->done = done;
	writer->ctx = ctx;
	list_init(&writer->queue);
	list_init(&writer->syncs);
	list_init(&writer->answers);
	pthread_mutex_init(&writer->lock, NULL);
	pthread_cond_init(&writer->work, NULL);
	pthread_cond_init(&writer->sync_work, NULL);
	pthread_cond_init(&writer->synced, NULL);
	require(uv_async_init(loop, &writer->async, on_answers) == 0);
	writer->async.data = writer;
	uv_unref((uv_handle_t *)&writer->async);
	require(pthread_create(&writer->writing, NULL, write_all, writer) == 0);
	require(pthread_create(&writer->syncing, NULL, sync_all, writer) == 0);
	/* so that their time can be told apart */
	pthread_setname_np(writer->writing, "attachments");
	pthread_setname_np(writer->syncing, "attachment-sync");
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
	pthread_cond_destroy(&writer->sync_work);
	pthread_cond_destroy(&writer->synced);
	pthread_mutex_destroy(&writer->lock);
	free(writer);
}

void attachment_writer_close(struct attachment_writer *writer)
{
	pthread_mutex_lock(&writer->lock);
	writer->stopping = true;
	pthread_cond_signal(&writer->work);
	pthread_mutex_unlock(&writer->lock);
	pthread_join(writer->writing, NULL);
	pthread_join(writer->syncing, NULL);
	on_answers(&writer->async);
	require(writer->pending == 0);
	attachment_sink_free(writer->sink);
	uv_close((uv_handle_t *)&writer->async, on_closed);
}
