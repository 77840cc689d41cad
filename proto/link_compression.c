/* SPDX-License-Identifier: Apache-2.0 */
#include "base/compression.h"

#include "proto/node_private.h"

/* Runs that travel compressed: docs/protocol.md, section 8; why and when: docs/decisions/023. */

_Static_assert(COMPRESSION_BYTES_MAX >= LIMIT_RUN_BYTES, "every run can be compressed");

/* 128 Mbit/s: a link that is faster moves plain bytes sooner than one core can compress them. */
#define RATE_MAX (16u << 20)
/* Unmeasured after so much, it is not slow. */
#define UNMEASURED_BYTES_MAX 262144u

bool link_compression_wanted(const struct link *link)
{
	if (!link->peer_takes_compressed || !link->node->config.compression)
		return false;
	return link->rate ? link->rate < RATE_MAX : link->sent_bytes <= UNMEASURED_BYTES_MAX;
}

uint64_t link_compression_credit(const struct assembly *a)
{
	return a->plain_len ? a->plain_len : a->offset;
}

int link_compression_check(struct link *link, const struct message *m)
{
	const struct feed *feed = node_feed(link->node, &m->run.feed_id);
	if (!link->node->config.compression || m->run.flags & RUN_FLAG_PUSHED ||
		(feed && feed->lane == FEED_LANE_ALERT) ||
		(m->run.has_inline && m->run.inline_bytes.len >= m->run.plain_len))
		return link_breach(link, ERROR_MESSAGE, "compression");
	return 0;
}

int link_compression_unpack(
	struct link *link, struct bytes packed, uint32_t plain_len, struct blob **out)
{
	struct blob *plain = blob_new(plain_len);
	if (!plain)
		return ERROR_MEMORY;
	int code = compression_unpack(packed, plain->data, plain_len);
	if (code) {
		blob_free(plain);
		return code == ERROR_MEMORY ? code : link_breach(link, code, "compression");
	}
	plain->len = plain_len;
	*out = plain;
	return 0;
}
