/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One frame of a link, or of a join. What is taken keeps to its limits, and is written again: that
 * must be taken too, and written the same.
 */
#include <string.h>

#include "base/check.h"
#include "proto/message.h"
#include "tests/unit/proto/rewrite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The views point into the frame. */
static void check_view(struct bytes frame, struct bytes view, size_t max)
{
	require(view.len <= max);
	if (view.len)
		require(view.data >= frame.data && view.data + view.len <= frame.data + frame.len);
}

/* A text with a NUL in it is written up to there only. */
static bool has_nul(struct bytes text)
{
	return text.len && memchr(text.data, 0, text.len);
}

static bool check(struct bytes frame, const struct message *m)
{
	switch (m->type) {
	case MESSAGE_HELLO:
		require(m->hello.count <= LIMIT_NETWORKS);
		check_view(frame, m->hello.agent, 64);
		return !has_nul(m->hello.agent);
	case MESSAGE_OBJECT:
		check_view(frame, m->object.wire, LIMIT_OBJECT_BYTES);
		break;
	case MESSAGE_ANNOUNCE:
		require(m->announce.feed_count <= LIMIT_ANNOUNCE_ITEMS);
		require(m->announce.object_count <= LIMIT_ANNOUNCE_ITEMS);
		break;
	case MESSAGE_RANGES:
		check_view(frame, m->ranges.objects, (size_t)RANGE_COUNT * RANGE_PREFIX_BYTES);
		check_view(frame, m->ranges.feeds, (size_t)RANGE_COUNT * RANGE_PREFIX_BYTES);
		break;
	case MESSAGE_RUN:
		require(m->run.head.len == HEAD_BYTES);
		if (m->run.has_inline)
			check_view(frame, m->run.inline_bytes, LIMIT_FRAME_BYTES);
		break;
	case MESSAGE_FRAGMENT:
		check_view(frame, m->fragment.bytes, LIMIT_FRAGMENT_BYTES);
		break;
	case MESSAGE_PAUSED:
	case MESSAGE_BYE:
	case MESSAGE_JOIN_REFUSED:
		check_view(frame, m->reason.text, LIMIT_TEXT_BYTES);
		return !has_nul(m->reason.text);
	case MESSAGE_JOIN:
		require(m->join.address_count <= LIMIT_ADDRESSES);
		for (uint32_t i = 0; i < m->join.address_count; i++)
			check_view(frame, m->join.addresses[i], LIMIT_ADDRESS_BYTES);
		check_view(frame, m->join.record, LIMIT_OBJECT_BYTES);
		return false; /* its texts are checked where they are used */
	default:
		break;
	}
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct message m;
	static struct buffer first, second;
	struct bytes frame = bytes_of(data, size);
	if (size > LIMIT_FRAME_BYTES || message_decode(frame, &m) || m.type >= MESSAGE_UNKNOWN_FIRST)
		return 0;
	require(message_type_name(m.type)[0] != 'u');
	if (!check(frame, &m))
		return 0;
	buffer_init(&first, SIZE_MAX);
	buffer_init(&second, SIZE_MAX);
	rewrite_message(&m, &first);
	struct bytes again = bytes_slice(buffer_bytes(&first), 4, SIZE_MAX);
	require(first.error == 0 && message_decode(again, &m) == 0);
	rewrite_message(&m, &second);
	require(bytes_equal(buffer_bytes(&first), buffer_bytes(&second)));
	buffer_deinit(&first);
	buffer_deinit(&second);
	return 0;
}
