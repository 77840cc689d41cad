/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/reader.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/error.h"
#include "base/list.h"

/*
 * Not libuv's workers: on a slow disk a few peers that take a cold archive would occupy all of
 * those, and an alert that somebody publishes waits for a worker to check it.
 */
#define THREADS 4
/* One thread is always free for what is urgent. */
#define BULK_MAX (THREADS - 1)

struct task {
	struct list_node node;
	struct node_read *read;
};

struct reader {
	uv_async_t async;
	pthread_t threads[THREADS];
	struct store *store;
	struct attachment_files *files;
	void (*done)(void *ctx, struct node_read *read);
	void *ctx;
	size_t pending; /* the loop's */
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct list urgent, bulk, answers;
	unsigned bulk_running;
	bool stopping;
};

/* With the lock. What is queued is read even while stopping. */
static struct list_node *take(struct reader *reader)
{
	struct list_node *first = list_pop_front(&reader->urgent);
	if (!first && reader->bulk_running < BULK_MAX && (first = list_pop_front(&reader->bulk)))
		reader->bulk_running++;
	return first;
}

static void *run(void *ctx)
{
	struct reader *reader = ctx;
	pthread_mutex_lock(&reader->lock);
	for (;;) {
		struct list_node *first = take(reader);
		if (!first && reader->stopping && list_empty(&reader->bulk))
			break;
		if (!first) {
			pthread_cond_wait(&reader->work, &reader->lock);
			continue;
		}
		pthread_mutex_unlock(&reader->lock);
		struct node_read *read = list_entry(first, struct task, node)->read;
		bool urgent = read->urgent;
		node_read_run(read, reader->store, reader->files);
		pthread_mutex_lock(&reader->lock);
		list_push_back(&reader->answers, first);
		uv_async_send(&reader->async);
		if (!urgent && reader->bulk_running-- == BULK_MAX)
			pthread_cond_broadcast(&reader->work); /* who could not take one before, now can */
	}
	pthread_mutex_unlock(&reader->lock);
	return NULL;
}

static void on_answers(uv_async_t *async)
{
	struct reader *reader = async->data;
	for (;;) {
		pthread_mutex_lock(&reader->lock);
		struct list_node *first = list_pop_front(&reader->answers);
		pthread_mutex_unlock(&reader->lock);
		if (!first)
			return;
		struct task *task = list_entry(first, struct task, node);
		struct node_read *read = task->read;
		free(task);
		if (--reader->pending == 0)
			uv_unref((uv_handle_t *)&reader->async);
		reader->done(reader->ctx, read);
	}
}

int reader_new(uv_loop_t *loop, struct store *store, struct attachment_files *files,
	void (*done)(void *ctx, struct node_read *read), void *ctx, struct reader **out)
{
	struct reader *reader = calloc(1, sizeof(*reader));
	if (!reader)
		return ERROR_MEMORY;
	reader->store = store;
	reader->files = files;
	reader->done = done;
	reader->ctx = ctx;
	list_init(&reader->urgent);
	list_init(&reader->bulk);
	list_init(&reader->answers);
	pthread_mutex_init(&reader->lock, NULL);
	pthread_cond_init(&reader->work, NULL);
	require(uv_async_init(loop, &reader->async, on_answers) == 0);
	reader->async.data = reader;
	uv_unref((uv_handle_t *)&reader->async);
	for (int i = 0; i < THREADS; i++) {
		require(pthread_create(&reader->threads[i], NULL, run, reader) == 0);
		pthread_setname_np(reader->threads[i], "reader"); /* so that its time can be told apart */
	}
	*out = reader;
	return 0;
}

void reader_push(struct reader *reader, struct node_read *read)
{
	/* a node that cannot even ask for 200 bytes cannot answer its peers either */
	struct task *task = calloc(1, sizeof(*task));
	require(task);
	task->read = read;
	if (reader->pending++ == 0)
		uv_ref((uv_handle_t *)&reader->async);
	pthread_mutex_lock(&reader->lock);
	list_push_back(read->urgent ? &reader->urgent : &reader->bulk, &task->node);
	pthread_cond_signal(&reader->work);
	pthread_mutex_unlock(&reader->lock);
}

static void on_closed(uv_handle_t *handle)
{
	struct reader *reader = handle->data;
	pthread_cond_destroy(&reader->work);
	pthread_mutex_destroy(&reader->lock);
	free(reader);
}

void reader_close(struct reader *reader)
{
	if (!reader)
		return;
	pthread_mutex_lock(&reader->lock);
	reader->stopping = true;
	pthread_cond_broadcast(&reader->work);
	pthread_mutex_unlock(&reader->lock);
	for (int i = 0; i < THREADS; i++)
		pthread_join(reader->threads[i], NULL);
	on_answers(&reader->async);
	require(reader->pending == 0);
	uv_close((uv_handle_t *)&reader->async, on_closed);
}
