/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/handshaker.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/check.h"
#include "base/error.h"

/* Where cores are few, alerts go first: the loop and the writer wait for no thousand handshakes. */
#define NICE_MORE 10

struct handshaker {
	uv_async_t async;
	pthread_t thread;
	size_t pending;    /* the loop's: pushed and not taken */
	struct list ready; /* the loop's: answered and not taken */
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct list queue, answers;
	bool stopping;
	struct buffer plain; /* the thread's */
};

static void step_do(struct handshaker *handshaker, struct handshake_step *step)
{
	size_t room = TLS_PLAIN_MAX(step->in.len), len = 0;
	uint8_t *plain = buffer_reserve(&handshaker->plain, room);
	step->code = plain
		? tls_session_receive(step->tls, buffer_bytes(&step->in), plain, &len, &step->out)
		: ERROR_MEMORY;
	if (len > 0 && buffer_push(&step->plain, plain, len))
		step->code = step->plain.error;
}

static void *run(void *ctx)
{
	struct handshaker *handshaker = ctx;
	/* Of this thread alone, setpriority(2). Beyond the lowest it is the lowest. */
	setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + NICE_MORE);
	pthread_mutex_lock(&handshaker->lock);
	for (;;) {
		while (list_empty(&handshaker->queue) && !handshaker->stopping)
			pthread_cond_wait(&handshaker->work, &handshaker->lock);
		struct list_node *first = list_pop_front(&handshaker->queue);
		if (!first)
			break;
		pthread_mutex_unlock(&handshaker->lock);
		step_do(handshaker, list_entry(first, struct handshake_step, node));
		pthread_mutex_lock(&handshaker->lock);
		list_push_back(&handshaker->answers, first);
		uv_async_send(&handshaker->async);
	}
	pthread_mutex_unlock(&handshaker->lock);
	return NULL;
}

static void on_answers(uv_async_t *async)
{
	struct handshaker *handshaker = async->data;
	struct list_node *first;
	pthread_mutex_lock(&handshaker->lock);
	while ((first = list_pop_front(&handshaker->answers)))
		list_push_back(&handshaker->ready, first);
	pthread_mutex_unlock(&handshaker->lock);
}

int handshaker_new(uv_loop_t *loop, struct handshaker **out)
{
	struct handshaker *handshaker = calloc(1, sizeof(*handshaker));
	if (!handshaker)
		return ERROR_MEMORY;
	list_init(&handshaker->ready);
	list_init(&handshaker->queue);
	list_init(&handshaker->answers);
	buffer_init(&handshaker->plain, SIZE_MAX);
	pthread_mutex_init(&handshaker->lock, NULL);
	pthread_cond_init(&handshaker->work, NULL);
	require(uv_async_init(loop, &handshaker->async, on_answers) == 0);
	handshaker->async.data = handshaker;
	uv_unref((uv_handle_t *)&handshaker->async);
	require(pthread_create(&handshaker->thread, NULL, run, handshaker) == 0);
	pthread_setname_np(handshaker->thread, "handshakes"); /* so that its time can be told apart */
	*out = handshaker;
	return 0;
}

void handshaker_push(struct handshaker *handshaker, struct handshake_step *step, bool first)
{
	require(!step->under_way);
	step->under_way = true;
	if (handshaker->pending++ == 0)
		uv_ref((uv_handle_t *)&handshaker->async);
	pthread_mutex_lock(&handshaker->lock);
	if (first)
		list_push_front(&handshaker->queue, &step->node);
	else
		list_push_back(&handshaker->queue, &step->node);
	pthread_cond_signal(&handshaker->work);
	pthread_mutex_unlock(&handshaker->lock);
}

struct handshake_step *handshaker_take(struct handshaker *handshaker)
{
	struct list_node *first = list_pop_front(&handshaker->ready);
	if (!first)
		return NULL;
	struct handshake_step *step = list_entry(first, struct handshake_step, node);
	step->under_way = false;
	if (--handshaker->pending == 0)
		uv_unref((uv_handle_t *)&handshaker->async);
	return step;
}

bool handshaker_answered(const struct handshaker *handshaker)
{
	return !list_empty(&handshaker->ready);
}

static void on_closed(uv_handle_t *handle)
{
	struct handshaker *handshaker = handle->data;
	pthread_cond_destroy(&handshaker->work);
	pthread_mutex_destroy(&handshaker->lock);
	buffer_deinit(&handshaker->plain);
	free(handshaker);
}

void handshaker_close(struct handshaker *handshaker)
{
	require(handshaker->pending == 0);
	pthread_mutex_lock(&handshaker->lock);
	handshaker->stopping = true;
	pthread_cond_signal(&handshaker->work);
	pthread_mutex_unlock(&handshaker->lock);
	pthread_join(handshaker->thread, NULL);
	uv_close((uv_handle_t *)&handshaker->async, on_closed);
}
