/* SPDX-License-Identifier: Apache-2.0 */
/** What happens next in virtual time: a binary heap, events of one moment in the order of pushing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum event_type {
	EVENT_DEADLINE, /* a node asked to be called */
	EVENT_WRITTEN,  /* a city's writer has synced a group */
	EVENT_READ,     /* a city's reader has an answer */
	EVENT_BYTES,    /* bytes, or the end of a stream, reach a city */
	EVENT_PUMP,     /* a wire has room again */
	EVENT_DIAL,     /* a city looks whom to dial */
	EVENT_MEET,     /* a connection attempt ends */
	EVENT_BREAK,    /* a wire is cut */
	EVENT_RESTART,  /* a city that is down starts */
	EVENT_PUBLISH,  /* somebody publishes */
	EVENT_FAULT,    /* something goes wrong */
	EVENT_MEND,     /* and ends */
	EVENT_CHECK,    /* the invariants are looked at */
};

struct event {
	int64_t at_us;
	uint64_t order;
	enum event_type type;
	uint32_t city, life; /* life: of the city when it was pushed; stale events are dropped */
	int64_t number;
	void *what;
};

struct event_queue {
	struct event *heap;
	size_t count, capacity;
	uint64_t next_order;
};

void event_queue_push(struct event_queue *queue, struct event event);
/** False: there is none. */
bool event_queue_pop(struct event_queue *queue, struct event *out);
void event_queue_deinit(struct event_queue *queue);
