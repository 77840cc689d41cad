/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/event_queue.h"

#include <stdlib.h>

#include "base/check.h"

static bool before(const struct event *a, const struct event *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

void event_queue_push(struct event_queue *queue, struct event event)
{
	if (queue->count == queue->capacity) {
		queue->capacity = queue->capacity ? 2 * queue->capacity : 1024;
		queue->heap = realloc(queue->heap, queue->capacity * sizeof event);
		require(queue->heap);
	}
	event.order = queue->next_order++;
	size_t at = queue->count++;
	for (; at > 0 && before(&event, &queue->heap[(at - 1) / 2]); at = (at - 1) / 2)
		queue->heap[at] = queue->heap[(at - 1) / 2];
	queue->heap[at] = event;
}

bool event_queue_pop(struct event_queue *queue, struct event *out)
{
	if (queue->count == 0)
		return false;
	*out = queue->heap[0];
	struct event last = queue->heap[--queue->count];
	size_t at = 0;
	for (;;) {
		size_t child = 2 * at + 1;
		if (child >= queue->count)
			break;
		if (child + 1 < queue->count && before(&queue->heap[child + 1], &queue->heap[child]))
			child++;
		if (!before(&queue->heap[child], &last))
			break;
		queue->heap[at] = queue->heap[child];
		at = child;
	}
	queue->heap[at] = last;
	return true;
}

void event_queue_deinit(struct event_queue *queue)
{
	free(queue->heap);
	*queue = (struct event_queue){0};
}
