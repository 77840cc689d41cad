/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/check.h"
#include "proto/node_private.h"

/*
 * Frames out. Nothing is queued behind anything: when the socket can take bytes, the next frame is
 * chosen by priority. Only answers and control (small) and pushes (shared, few) wait in queues;
 * runs and attachments are cut into fragments here, at the last moment.
 */

/* At most 50 ms of the link's rate, at least 1 KiB, at first 4 KiB, at most one TLS record. */
size_t link_frame_max(const struct link *link)
{
	size_t max = link->rate == 0 ? 4096 : (size_t)(link->rate / 20);
	if (link->rate == 0 && link->sent_bytes > 262144)
		max = LIMIT_FRAGMENT_BYTES; /* nothing measured, and much already gone: the link is not slow
									 */
	if (max < 1024)
		max = 1024;
	return max < LIMIT_FRAGMENT_BYTES ? max : LIMIT_FRAGMENT_BYTES;
}

bool link_takes_alerts(const struct link *link)
{
	return !link->peer_paused || link->peer_pause_code == PAUSE_FULL;
}

bool link_push(struct link *link, struct blob *frame, size_t urgent)
{
	if (link->state != LINK_LIVE || link->urgent_sent + urgent > link->peer_urgent_limit)
		return false;
	/* A peer that does not read gets it by the walk, when it reads again. */
	if (link->push_bytes + frame->len > LIMIT_CONTROL_QUEUE_BYTES)
		return false;
	struct push *push = malloc(sizeof *push);
	if (!push)
		return false;
	push->node = (struct list_node){NULL, NULL};
	push->frame = blob_ref(frame);
	list_push_back(&link->pushes, &push->node);
	link->push_bytes += frame->len;
	link->urgent_sent += urgent;
	link_wake(link);
	return true;
}

static void push_free(struct push *push)
{
	blob_free(push->frame);
	free(push);
}

void link_pushes_flush(struct link *link)
{
	struct list_node *n;
	while ((n = list_pop_front(&link->pushes))) {
		struct push *push = list_entry(n, struct push, node);
		buffer_push_bytes(&link->control, blob_bytes(push->frame));
		push_free(push);
	}
}

void link_pushes_free(struct link *link)
{
	struct list_node *n;
	while ((n = list_pop_front(&link->pushes)))
		push_free(list_entry(n, struct push, node));
}

/* Whole frames of the control queue that fit. */
static size_t produce_control(struct link *link, uint8_t *out, size_t cap)
{
	size_t used = 0;
	struct bytes at = buffer_bytes(&link->control);
	while (at.len >= 4) {
		size_t len = 4 +
			((size_t)at.data[0] << 24 | (size_t)at.data[1] << 16 | (size_t)at.data[2] << 8 |
				at.data[3]);
		require(len <= at.len);
		if (len > cap - used)
			break;
		memcpy(out + used, at.data, len);
		used += len;
		at = bytes_slice(at, len, SIZE_MAX);
	}
	buffer_consume(&link->control, used);
	if (link->control.len == 0)
		buffer_shrink(&link->control, 0);
	return used;
}

/* A frame larger than what the caller can take goes in parts: the stream is bytes, only its choice
 * is by frame. */
static size_t produce_partial(struct link *link, uint8_t *out, size_t cap)
{
	size_t len = link->partial->len - link->partial_at;
	if (len > cap)
		len = cap;
	memcpy(out, link->partial->data + link->partial_at, len);
	link->partial_at += len;
	if (link->partial_at == link->partial->len) {
		blob_free(link->partial);
		link->partial = NULL;
	}
	return len;
}

static size_t produce_push(struct link *link, uint8_t *out, size_t cap)
{
	struct push *push = list_entry(list_pop_front(&link->pushes), struct push, node);
	link->push_bytes -= push->frame->len;
	link->partial = blob_ref(push->frame);
	link->partial_at = 0;
	push_free(push);
	return produce_partial(link, out, cap);
}

/* A frame larger than what the caller can take becomes the partial one. */
static size_t produce_large(struct link *link, struct bytes frame, uint8_t *out, size_t cap)
{
	link->partial = blob_copy(frame);
	link->partial_at = 0;
	return link->partial ? produce_partial(link, out, cap) : 0;
}

static size_t produce_large_control(struct link *link, uint8_t *out, size_t cap)
{
	struct bytes at = buffer_bytes(&link->control);
	size_t len = 4 +
		((size_t)at.data[0] << 24 | (size_t)at.data[1] << 16 | (size_t)at.data[2] << 8 |
			at.data[3]);
	size_t used = produce_large(link, bytes_slice(at, 0, len), out, cap);
	buffer_consume(&link->control, len);
	return used;
}

/* Control objects and announcements, by the walks of sync.c; then runs and attachments. */
static size_t produce_chosen(struct link *link, uint8_t *out, size_t cap)
{
	size_t used = 0, frame_max = link_frame_max(link);
	struct buffer frame;
	buffer_init(&frame, 2 * (LIMIT_FRAME_BYTES + 4)); /* a large object comes in two */
	/* Room for a fragment and its frame, so that none is cut in two here. */
	while (!link->partial && cap - used >= 384 && used < frame_max) {
		size_t room = cap - used - 128;
		buffer_reset(&frame);
		if (!sync_produce(link, &frame, room) &&
			!link_serve_produce(link, &frame, room < frame_max ? room : frame_max))
			break;
		if (frame.error)
			break;
		if (frame.len <= cap - used) {
			memcpy(out + used, frame.data, frame.len);
			used += frame.len;
		} else {
			used += produce_large(link, buffer_bytes(&frame), out + used, cap - used);
		}
	}
	buffer_deinit(&frame);
	return used;
}

size_t link_produce(struct link *link, uint8_t *out, size_t cap, struct node_time now)
{
	link->node->now = now;
	size_t used = 0;
	if (link->partial)
		used = produce_partial(link, out, cap);
	if (link->control.error) {
		/* The last frame in it is a torn one. */
		buffer_shrink(&link->control, 0);
		link_close(link, BYE_LIMIT, "it does not read the answers that it asks for");
	}
	if (!link->partial)
		used += produce_control(link, out + used, cap - used);
	if (used == 0 && link->control.len)
		used = produce_large_control(link, out, cap);
	/* A large answer that found no room goes next, before anything of less weight. */
	if (link->state == LINK_LIVE && !link->partial && link->control.len == 0) {
		while (!list_empty(&link->pushes) && !link->partial && used < cap)
			used += produce_push(link, out + used, cap - used);
		if (!link->partial)
			used += produce_chosen(link, out + used, cap - used);
	}
	link->sent_bytes += used;
	return used;
}
