/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/writer.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/error.h"
#include "base/log.h"
#include "daemon/writer_group.h"
#include "store/store.h"

/* Quiet for so long before live packs are merged, so that a burst of alerts does not wait for it.
 */
#define MERGE_AFTER_MS 200
#define MERGE_BYTES (256u << 10)
/* While the disk is full, so often it is looked at. */
#define FULL_LOOK_MS 2000
/*
 * An alert that was answered is committed so much later, or at once for whoever wants to read or
 * write: what follows the answer (its push, wake-ups) has the cores and the disk for itself.
 */
#define NOTED_WAIT_MS 1

struct queue {
	struct commit *first, **last;
};

struct writer {
	uv_async_t async;
	pthread_t thread;
	struct store *store;
	struct writer_calls calls;
	size_t pending;     /* the loop's */
	bool reported_full; /* the loop's */
	/* below: under the lock */
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct queue queues[COMMIT_CLASS_COUNT];
	struct queue answers;
	bool stopping, full, wanted;
	/* the thread's own */
	bool merge_wanted;
};

static void queue_init(struct queue *queue)
{
	queue->first = NULL;
	queue->last = &queue->first;
}

static void queue_push(struct queue *queue, struct commit *commit)
{
	commit->next = NULL;
	*queue->last = commit;
	queue->last = &commit->next;
}

static struct commit *queue_pop(struct queue *queue)
{
	struct commit *commit = queue->first;
	if (!commit)
		return NULL;
	queue->first = commit->next;
	if (!queue->first)
		queue->last = &queue->first;
	commit->next = NULL;
	return commit;
}

static int64_t now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static struct timespec after_ms(int64_t ms)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	return until;
}

/* Under the lock; true: waited in vain. */
static bool wait_ms(struct writer *writer, int64_t ms)
{
	struct timespec until = after_ms(ms);
	return pthread_cond_timedwait(&writer->work, &writer->lock, &until) != 0;
}

_Noreturn static void die(const char *what, int code)
{
	struct log_line l;
	log_begin(&l, LOG_LEVEL_ERROR, "store_failed");
	log_text(&l, "reason", what);
	log_error(&l, code);
	log_text(&l, "consequence", "the process ends; nothing that was not durable was answered");
	log_end(&l);
	_exit(1);
}

/* The group's next commit. */
static struct commit *next_of(void *ctx, enum commit_class class)
{
	struct writer *writer = ctx;
	pthread_mutex_lock(&writer->lock);
	/* an alert does not wait until a bulk transaction is as large as it may be */
	bool urgent_waits = class == COMMIT_BULK && writer->queues[COMMIT_URGENT].first;
	struct commit *commit = urgent_waits ? NULL : queue_pop(&writer->queues[class]);
	pthread_mutex_unlock(&writer->lock);
	return commit;
}

static void answer(struct writer *writer, struct commit *commits)
{
	if (!commits)
		return;
	pthread_mutex_lock(&writer->lock);
	bool first = writer->answers.first == NULL;
	while (commits) {
		struct commit *next = commits->next;
		queue_push(&writer->answers, commits);
		commits = next;
	}
	pthread_mutex_unlock(&writer->lock);
	if (first)
		uv_async_send(&writer->async);
}

static bool any_waits(const struct writer *writer)
{
	return writer->queues[COMMIT_URGENT].first || writer->queues[COMMIT_BULK].first;
}

static void answer_noted(void *ctx, struct commit *commit)
{
	struct writer *writer = ctx;
	struct timespec until = after_ms(NOTED_WAIT_MS);
	answer(writer, commit);
	pthread_mutex_lock(&writer->lock);
	bool in_vain = false;
	while (!any_waits(writer) && !writer->stopping && !writer->wanted && !in_vain)
		in_vain = pthread_cond_timedwait(&writer->work, &writer->lock, &until) != 0;
	pthread_mutex_unlock(&writer->lock);
}

static void on_wanted(void *ctx)
{
	struct writer *writer = ctx;
	pthread_mutex_lock(&writer->lock);
	writer->wanted = true;
	pthread_cond_signal(&writer->work);
	pthread_mutex_unlock(&writer->lock);
}

static void set_full(struct writer *writer, bool full)
{
	pthread_mutex_lock(&writer->lock);
	bool changed = writer->full != full;
	writer->full = full;
	pthread_mutex_unlock(&writer->lock);
	if (changed)
		uv_async_send(&writer->async);
}

static void write_class(struct writer *writer, enum commit_class class, bool full)
{
	struct writer_group group = {
		.store = writer->store,
		.class = class,
		.next = next_of,
		.ctx = writer,
		.now_us = now_us,
		.guard = writer->calls.guard,
		.note = writer->calls.note,
		.answer = answer_noted,
		.wanted = on_wanted,
		.guard_ctx = writer->calls.ctx,
	};
	if (full && class == COMMIT_BULK) {
		/* until there is room, bulk is refused without being tried */
		struct commit *commit = next_of(writer, class);
		if (commit)
			commit->code = ERROR_FULL;
		answer(writer, commit);
		return;
	}
	int code = writer_group_write(&group);
	if (group.fatal)
		die(group.fatal, code);
	if (group.was_full)
		set_full(writer, true);
	writer->merge_wanted |= group.wrote;
	answer(writer, group.first);
}

static void merge_some(struct writer *writer)
{
	struct store_txn *txn;
	bool left = false;
	int code = store_begin(writer->store, &txn);
	if (!code) {
		code = store_merge(txn, MERGE_BYTES, &left);
		if (code || store_txn_bytes(txn) == 0)
			store_abort(txn);
		else
			code = store_commit(txn);
	}
	if (code && code != ERROR_FULL)
		die("merging packs", code);
	writer->merge_wanted = !code && left;
}

/* Under the lock: until there is something to write or to stop; does idle work meanwhile. */
static void wait_for_work(struct writer *writer)
{
	while (!any_waits(writer) && !writer->stopping) {
		if (writer->full) {
			if (!wait_ms(writer, FULL_LOOK_MS))
				continue;
			pthread_mutex_unlock(&writer->lock);
			if (store_restore_reserve(writer->store) == 0)
				set_full(writer, false);
			pthread_mutex_lock(&writer->lock);
		} else if (writer->merge_wanted) {
			if (!wait_ms(writer, MERGE_AFTER_MS))
				continue;
			pthread_mutex_unlock(&writer->lock);
			merge_some(writer);
			pthread_mutex_lock(&writer->lock);
		} else {
			pthread_cond_wait(&writer->work, &writer->lock);
		}
	}
}

static void *run(void *ctx)
{
	struct writer *writer = ctx;
	pthread_mutex_lock(&writer->lock);
	for (;;) {
		wait_for_work(writer);
		bool urgent = writer->queues[COMMIT_URGENT].first != NULL;
		if (!urgent && !writer->queues[COMMIT_BULK].first)
			break; /* stopping, and all is written */
		bool full = writer->full;
		writer->wanted = false;
		pthread_mutex_unlock(&writer->lock);
		write_class(writer, urgent ? COMMIT_URGENT : COMMIT_BULK, full);
		pthread_mutex_lock(&writer->lock);
	}
	pthread_mutex_unlock(&writer->lock);
	return NULL;
}

static void on_answers(uv_async_t *async)
{
	struct writer *writer = async->data;
	pthread_mutex_lock(&writer->lock);
	struct commit *commit = writer->answers.first;
	queue_init(&writer->answers);
	bool full = writer->full;
	pthread_mutex_unlock(&writer->lock);
	if (full != writer->reported_full) {
		writer->reported_full = full;
		writer->calls.full(writer->calls.ctx, full);
	}
	while (commit) {
		struct commit *next = commit->next;
		commit->next = NULL;
		if (--writer->pending == 0)
			uv_unref((uv_handle_t *)&writer->async);
		writer->calls.committed(writer->calls.ctx, commit);
		commit = next;
	}
}

int writer_new(
	uv_loop_t *loop, struct store *store, const struct writer_calls *calls, struct writer **out)
{
	struct writer *writer = calloc(1, sizeof(*writer));
	if (!writer)
		return ERROR_MEMORY;
	writer->store = store;
	writer->calls = *calls;
	for (int i = 0; i < COMMIT_CLASS_COUNT; i++)
		queue_init(&writer->queues[i]);
	queue_init(&writer->answers);
	pthread_mutex_init(&writer->lock, NULL);
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&writer->work, &attributes);
	pthread_condattr_destroy(&attributes);
	require(uv_async_init(loop, &writer->async, on_answers) == 0);
	writer->async.data = writer;
	struct store_info info;
	if (store_info(store, &info) == 0 && info.reserve_missing) {
		/* what little there is belongs to the urgent ones, as before the restart */
		store_release_reserve(store);
		set_full(writer, true);
	}
	uv_unref((uv_handle_t *)&writer->async); /* it holds the loop only while something is pending */
	require(pthread_create(&writer->thread, NULL, run, writer) == 0);
	pthread_setname_np(writer->thread, "writer"); /* so that its time can be told apart */
	*out = writer;
	return 0;
}

void writer_push(struct writer *writer, struct commit *commit)
{
	require(commit->class < COMMIT_CLASS_COUNT);
	commit->code = 0;
	if (writer->pending++ == 0)
		uv_ref((uv_handle_t *)&writer->async);
	pthread_mutex_lock(&writer->lock);
	queue_push(&writer->queues[commit->class], commit);
	pthread_cond_signal(&writer->work);
	pthread_mutex_unlock(&writer->lock);
}

size_t writer_pending(const struct writer *writer)
{
	return writer->pending;
}

static void on_closed(uv_handle_t *handle)
{
	struct writer *writer = handle->data;
	pthread_cond_destroy(&writer->work);
	pthread_mutex_destroy(&writer->lock);
	free(writer);
}

void writer_close(struct writer *writer)
{
	pthread_mutex_lock(&writer->lock);
	writer->stopping = true;
	pthread_cond_signal(&writer->work);
	pthread_mutex_unlock(&writer->lock);
	pthread_join(writer->thread, NULL);
	on_answers(&writer->async);
	require(writer->pending == 0);
	uv_close((uv_handle_t *)&writer->async, on_closed);
}
