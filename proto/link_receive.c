/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/check.h"

#include "proto/node_private.h"

/* Frames in: cut out of the stream, decoded, counted against credit, handed to whom they concern by
 * one table. */

static uint32_t frame_limit(const struct link *link)
{
	return link->state == LINK_LIVE ? LIMIT_FRAME_BYTES : LIMIT_FRAME_EARLY_BYTES;
}

static void send_credit(struct link *link)
{
	message_write_credit(&link->control, link->bulk_limit, link->urgent_limit);
	link_wake(link);
}

void link_release_urgent(struct link *link, uint64_t bytes)
{
	require(link->urgent_undigested >= bytes);
	link->urgent_undigested -= bytes;
	uint64_t limit = link->urgent_received - link->urgent_undigested + LIMIT_URGENT_WINDOW_BYTES;
	if (limit >= link->urgent_limit + LIMIT_URGENT_WINDOW_BYTES / 4) {
		link->urgent_limit = limit;
		send_credit(link);
	}
}

void link_release_bulk(struct link *link, uint64_t bytes)
{
	require(link->bulk_undigested >= bytes);
	link->bulk_undigested -= bytes;
	if (link->pulls_open + link->transfers_open > 0 && link->pool_share) {
		uint64_t before = link->bulk_limit;
		spread_grant(link);
		if (link->bulk_limit >= before + LIMIT_BULK_WINDOW_BYTES / 8)
			send_credit(link);
		else
			link->bulk_limit = before;
	}
	link_wake(link);
}

static int take_bulk(struct link *link, size_t bytes)
{
	if (link->bulk_received + bytes > link->bulk_limit)
		return link_breach(link, ERROR_CREDIT, "credit");
	link->bulk_received += bytes;
	link->bulk_undigested += bytes;
	link->progress = link->node->now.mono;
	return 0;
}

static struct assembly *assembly_find(struct link *link, uint32_t stream, bool make)
{
	struct assembly *free_one = NULL;
	for (uint32_t i = 0; i < ASSEMBLIES_MAX; i++) {
		struct assembly *a = &link->assemblies[i];
		if (a->open && a->stream == stream)
			return make ? NULL : a;
		if (!a->open && !free_one)
			free_one = a;
	}
	if (make && free_one) {
		blob_free(free_one->blob);
		memset(free_one, 0, sizeof *free_one);
		free_one->stream = stream;
	}
	return make ? free_one : NULL;
}

/* The whole run is here: to the feed, with the bytes that its commit gives back as credit. */
static int run_complete(struct link *link, const struct hash *feed_id, uint64_t first_seq,
	const uint8_t *head, const struct hash *prev, uint32_t flags, struct blob *blob)
{
	struct node *node = link->node;
	size_t credit = blob->len;
	bool pushed = flags & RUN_FLAG_PUSHED;
	struct feed *feed = node_feed(node, feed_id);
	if (!feed || (link->network_count && !link_network_find(link, &feed->network->id))) {
		/* Not in the roster yet, or just suspended: nothing to blame the peer for. */
		blob_free(blob);
		if (pushed)
			link_release_urgent(link, credit);
		else
			link_release_bulk(link, credit);
		return 0;
	}
	return node_feed_run(node, link, feed, first_seq, head, prev, flags, blob, credit);
}

static int on_run(struct link *link, const struct message *m)
{
	bool pushed = m->run.flags & RUN_FLAG_PUSHED;
	if (pushed && !m->run.has_inline)
		return link_breach(link, ERROR_MESSAGE, "message");
	const struct hash *prev = m->run.has_prev ? &m->run.prev : NULL;
	if (m->run.plain_len) {
		int code = link_compression_check(link, m);
		if (!code)
			code = take_bulk(link, m->run.plain_len);
		if (code)
			return code;
	}
	if (m->run.has_inline) {
		size_t len = m->run.inline_bytes.len;
		if (pushed) {
			if (link->urgent_received + len > link->urgent_limit)
				return link_breach(link, ERROR_CREDIT, "credit");
			link->urgent_received += len;
			link->urgent_undigested += len;
		} else if (!m->run.plain_len && take_bulk(link, len)) {
			return ERROR_CREDIT;
		}
		struct blob *blob = NULL;
		if (m->run.plain_len) {
			int code = link_compression_unpack(link, m->run.inline_bytes, m->run.plain_len, &blob);
			if (code)
				return code;
		} else {
			blob = blob_copy(m->run.inline_bytes);
		}
		if (!blob)
			return ERROR_MEMORY;
		return run_complete(
			link, &m->run.feed_id, m->run.first_seq, m->run.head.data, prev, m->run.flags, blob);
	}
	struct assembly *a = assembly_find(link, m->run.stream, true);
	if (!a)
		return link_breach(link, ERROR_LIMIT, "limit");
	a->open = true;
	a->feed_id = m->run.feed_id;
	a->first_seq = m->run.first_seq;
	memcpy(a->head, m->run.head.data, HEAD_BYTES);
	a->has_prev = m->run.has_prev;
	a->prev = m->run.prev;
	a->flags = m->run.flags;
	a->plain_len = m->run.plain_len;
	struct feed *feed = node_feed(link->node, &a->feed_id);
	if (feed)
		spread_pull_seen(link, feed, true);
	return 0;
}

static int on_fragment(struct link *link, const struct message *m)
{
	struct assembly *a = assembly_find(link, m->fragment.stream, false);
	size_t len = m->fragment.bytes.len;
	if (a && a->plain_len)
		link->progress = link->node->now.mono; /* it was counted as a whole */
	else if (take_bulk(link, len))
		return ERROR_CREDIT;
	if (!a || m->fragment.offset != a->offset)
		return link_breach(link, ERROR_MESSAGE, "message");
	if (a->attachment)
		return attachment_on_fragment(link, a, m);
	if (a->plain_len && a->offset + len >= a->plain_len)
		return link_breach(link, ERROR_MESSAGE, "compression");
	if (a->offset + len > RUN_BYTES_MAX)
		return link_breach(link, ERROR_LIMIT, "limit");
	if (!a->blob || a->blob->len + len > a->blob->capacity) {
		size_t want = a->blob ? a->blob->capacity * 4 : m->fragment.last ? len : 65536;
		if (want > RUN_BYTES_MAX)
			want = RUN_BYTES_MAX;
		struct blob *grown = a->blob ? blob_grow(a->blob, want) : blob_new(want);
		if (!grown)
			return ERROR_MEMORY;
		a->blob = grown;
	}
	memcpy(a->blob->data + a->blob->len, m->fragment.bytes.data, len);
	a->blob->len += len;
	a->offset += len;
	if (!m->fragment.last)
		return 0;
	struct blob *blob = a->blob;
	a->blob = NULL;
	a->open = false;
	if (a->plain_len) {
		struct blob *packed = blob;
		int code = link_compression_unpack(link, blob_bytes(packed), a->plain_len, &blob);
		blob_free(packed);
		if (code)
			return code;
	}
	return run_complete(
		link, &a->feed_id, a->first_seq, a->head, a->has_prev ? &a->prev : NULL, a->flags, blob);
}

static int take_object(struct link *link, const struct hash *network_id, struct bytes wire)
{
	struct node *node = link->node;
	struct network *network = node_network_find(node, network_id);
	if (link->state == LINK_CHARTER_ONLY) {
		if (network) {
			/* What does not verify is a stranger's noise: dropped, the pin stays as it is. */
			node_object_receive(node, NULL, network, wire);
			link_judge(link);
		}
		return 0;
	}
	bool bootstrap = link_bootstrap_network(link, network_id);
	if (network && (bootstrap || link_network_find(link, network_id)))
		return node_object_receive(node, link, network, wire);
	if (bootstrap)
		return node_object_bootstrap(node, link, network_id, wire);
	return 0; /* of a network that is no longer shared */
}

/* One object in two frames: only fork proofs are so large. */
static int take_object_part(struct link *link, const struct message *m)
{
	struct buffer *b = &link->object;
	if (b->len == 0)
		link->object_network = m->object.network_id;
	else if (m->object.wire.len + m->object.left != link->object_left)
		return link_breach(link, ERROR_SIZE, "message");
	if (link->state != LINK_LIVE || !hash_equal(&m->object.network_id, &link->object_network))
		return link_breach(link, ERROR_MESSAGE, "message");
	if (b->len + m->object.wire.len + m->object.left > LIMIT_OBJECT_PARTS_BYTES)
		return link_breach(link, ERROR_LIMIT, "limit");
	if (buffer_push_bytes(b, m->object.wire))
		return ERROR_MEMORY;
	link->object_left = m->object.left;
	if (m->object.left)
		return 0;
	struct buffer whole = *b;
	buffer_init(b, LIMIT_OBJECT_PARTS_BYTES);
	int code = take_object(link, &link->object_network, buffer_bytes(&whole));
	buffer_deinit(&whole);
	return code;
}

static int on_object(struct link *link, const struct message *m)
{
	if (m->object.left || link->object.len)
		return take_object_part(link, m);
	return take_object(link, &m->object.network_id, m->object.wire);
}

static int on_pull(struct link *link, const struct message *m)
{
	link->peer_bulk_limit = m->pull.limit;
	for (uint32_t i = 0; i < m->pull.count; i++) {
		int code = link_serve_pull(link, &m->pull.feeds[i].feed_id, m->pull.feeds[i].first_seq);
		if (code)
			return code;
	}
	link_wake(link);
	return 0;
}

static int on_credit(struct link *link, const struct message *m)
{
	if (m->credit.bulk_limit > link->peer_bulk_limit)
		link->peer_bulk_limit = m->credit.bulk_limit;
	if (m->credit.urgent_limit > link->peer_urgent_limit)
		link->peer_urgent_limit = m->credit.urgent_limit;
	link_wake(link);
	return 0;
}

/* The stream is given up before its end: what came of it gives its credit back. */
static void assembly_drop(struct link *link, struct assembly *a)
{
	a->open = false;
	blob_free(a->blob);
	a->blob = NULL;
	if (!a->attachment)
		link_release_bulk(link, link_compression_credit(a));
}

static int on_pull_end(struct link *link, const struct message *m)
{
	for (uint32_t i = 0; i < ASSEMBLIES_MAX; i++) {
		struct assembly *a = &link->assemblies[i];
		if (a->open && !a->attachment && hash_equal(&a->feed_id, &m->pull_end.feed_id))
			assembly_drop(link, a);
	}
	if (link->asks_open > 0)
		link->asks_open--;
	struct feed *feed = node_feed(link->node, &m->pull_end.feed_id);
	if (feed)
		spread_pull_end(link, feed, m->pull_end.code);
	spread_unshare(link);
	return 0;
}

static int on_held(struct link *link, const struct message *m)
{
	/* The durable acknowledgement of a push; ACK moves what status shows. */
	struct feed *feed = node_feed(link->node, &m->held.feed_id);
	if (feed && link_network_find(link, &feed->network->id) && m->held.seq == feed->durable_seq &&
		m->held.seq && !hash_equal(&m->held.entry_hash, &feed->durable_hash))
		node_feed_contradicted(link->node, link, feed, &m->held);
	return 0;
}

static int on_ack(struct link *link, const struct message *m)
{
	struct link_network *ln = link_network_find(link, &m->ack.network_id);
	if (ln && sync_before_confirmed(link, ln->network, m->ack.arrival))
		return 0;
	if (ln && m->ack.arrival <= link->node->newest.arrival && m->ack.arrival > ln->acked_arrival)
		ln->acked_arrival = m->ack.arrival;
	return 0;
}

/* An honest peer asks each 15 s of silence, and once out of turn. */
#define PINGS_BURST 32u
#define PINGS_EVERY_MS 100

static int on_ping(struct link *link, const struct message *m)
{
	if (!rate_take(&link->pings, link->node->now.mono, PINGS_BURST, PINGS_EVERY_MS))
		return 0;
	message_write_pong(&link->control, m->ping.token, link->node->now.wall);
	link_wake(link);
	return 0;
}

static int on_pong(struct link *link, const struct message *m)
{
	if (link->ping_open && m->ping.token == link->ping_token) {
		link->ping_open = false;
		link->rtt_us = monotime_diff_us(link->node->now.mono, link->ping_sent);
		if (link->rtt_least_us < 0 || link->rtt_us < link->rtt_least_us)
			link->rtt_least_us = link->rtt_us;
		clock_heard(link, m->ping.time);
	}
	return 0;
}

static int on_paused(struct link *link, const struct message *m)
{
	size_t len = m->reason.text.len < LIMIT_TEXT_BYTES ? m->reason.text.len : LIMIT_TEXT_BYTES;
	if (len)
		memcpy(link->peer_pause_reason, m->reason.text.data, len);
	link->peer_pause_reason[len] = 0;
	link->peer_paused = true;
	link->peer_pause_code = m->reason.code;
	return 0;
}

static int on_resumed(struct link *link, const struct message *m)
{
	(void)m;
	link->peer_paused = false;
	link_wake(link);
	return 0;
}

static int on_bye(struct link *link, const struct message *m)
{
	if (m->reason.code == BYE_FULL)
		overlay_link_full(link);
	snprintf(link->close_reason, sizeof link->close_reason, "the peer said: %.*s",
		(int)m->reason.text.len, (const char *)m->reason.text.data);
	link_set_state(link, LINK_CLOSING, link->close_reason);
	link->closing_since = link->node->now.mono;
	link->node->io.close(link->node->io.ctx, link->transport);
	return 0;
}

static int on_hello(struct link *link, const struct message *m)
{
	if (!m->hello.version_1)
		return link_breach(link, ERROR_VERSION, "version");
	bool first = !link->hello_received;
	if (!first &&
		(memcmp(link->instance, m->hello.instance, INSTANCE_BYTES) != 0 ||
			memcmp(link->peer_store_epoch, m->hello.store_epoch, STORE_EPOCH_BYTES) != 0))
		return link_breach(link, ERROR_MESSAGE, "state");
	memcpy(link->instance, m->hello.instance, INSTANCE_BYTES);
	memcpy(link->peer_store_epoch, m->hello.store_epoch, STORE_EPOCH_BYTES);
	link->peer_takes_compressed = m->hello.features & HELLO_TAKES_COMPRESSED;
	link->hello_received = true;
	int code = sync_on_hello(link, m);
	if (code == 0 && first && link->state == LINK_HELLO)
		link_hello_accepted(link);
	if (code == 0)
		clock_heard(link, m->hello.time);
	if (code == 0 && link->state == LINK_LIVE)
		beacons_link_live(link);
	return code;
}

static int on_who(struct link *link, const struct message *m)
{
	return node_charter_answer_who(link, m);
}

static int on_attachment_pull(struct link *link, const struct message *m)
{
	link->peer_bulk_limit = m->attachment_pull.limit;
	int code = link_serve_attachment(link, m);
	link_wake(link);
	return code;
}

static int on_attachment(struct link *link, const struct message *m)
{
	struct assembly *a = assembly_find(link, m->attachment.stream, true);
	if (!a)
		return link_breach(link, ERROR_LIMIT, "limit");
	return attachment_on_begin(link, a, m);
}

static int on_attachment_end(struct link *link, const struct message *m)
{
	for (uint32_t i = 0; i < ASSEMBLIES_MAX; i++) {
		struct assembly *a = &link->assemblies[i];
		if (a->open && a->attachment &&
			hash_equal(&a->attachment_id, &m->attachment_end.attachment_id))
			assembly_drop(link, a);
	}
	if (link->asks_open > 0)
		link->asks_open--;
	attachment_on_end(link, m);
	spread_unshare(link);
	return 0;
}

static const struct {
	int (*on)(struct link *link, const struct message *m);
	bool early; /* allowed before both HELLOs */
} handlers[MESSAGE_TYPE_COUNT] = {
	[MESSAGE_HELLO] = {on_hello, true},
	[MESSAGE_WHO] = {on_who, true},
	[MESSAGE_OBJECT] = {on_object, true},
	[MESSAGE_BYE] = {on_bye, true},
	[MESSAGE_PING] = {on_ping, true},
	[MESSAGE_PONG] = {on_pong, true},
	[MESSAGE_ANNOUNCE] = {sync_on_announce, false},
	[MESSAGE_RANGES] = {sync_on_ranges, false},
	[MESSAGE_RANGE_WANT] = {sync_on_range_want, false},
	[MESSAGE_OBJECT_WANT] = {sync_on_object_want, false},
	[MESSAGE_OBJECT_GONE] = {sync_on_object_gone, false},
	[MESSAGE_PULL] = {on_pull, false},
	[MESSAGE_CREDIT] = {on_credit, false},
	[MESSAGE_RUN] = {on_run, false},
	[MESSAGE_FRAGMENT] = {on_fragment, false},
	[MESSAGE_PULL_END] = {on_pull_end, false},
	[MESSAGE_HELD] = {on_held, false},
	[MESSAGE_ACK] = {on_ack, false},
	[MESSAGE_PAUSED] = {on_paused, false},
	[MESSAGE_RESUMED] = {on_resumed, false},
	[MESSAGE_ATTACHMENT_PULL] = {on_attachment_pull, false},
	[MESSAGE_ATTACHMENT] = {on_attachment, false},
	[MESSAGE_ATTACHMENT_END] = {on_attachment_end, false},
	[MESSAGE_HOLD_ASK] = {hold_on_ask, false},
	[MESSAGE_HOLD] = {hold_on_answer, false},
	[MESSAGE_TWIN_NOTICE] = {twin_on_notice, false},
	[MESSAGE_TWIN_CHALLENGE] = {twin_on_challenge, false},
	[MESSAGE_TWIN_PROOF] = {twin_on_proof, false},
	[MESSAGE_BEACON] = {beacons_on_beacon, false},
	[MESSAGE_BEACON_WANT] = {beacons_on_want, false},
	[MESSAGE_BEACON_OFFER] = {beacons_on_offer, false},
	[MESSAGE_FORK_ASK] = {fork_on_ask, false},
	[MESSAGE_FORK_BRANCH] = {fork_on_branch, false},
};

static int on_frame(struct link *link, struct bytes frame)
{
	struct message *m = &link->node->message;
	if (link->state == LINK_CHARTER_ONLY) {
		link->early_bytes += frame.len;
		if (link->early_bytes > LIMIT_EARLY_BYTES)
			return link_breach(link, ERROR_LIMIT, "limit");
	}
	int code = message_decode(frame, m);
	if (code)
		return link_breach(link, code, code == ERROR_NOT_CANONICAL ? "canonical" : "message");
	if (m->type >= MESSAGE_UNKNOWN_FIRST)
		return 0;
	if (!handlers[m->type].on)
		return link_breach(link, ERROR_MESSAGE, "message");
	if (!handlers[m->type].early && !link->hello_received)
		return link_breach(link, ERROR_MESSAGE, "state");
	/* Our HELLO may still be on its way to be sent when theirs and more arrives: charter-only peers
	 * cannot. */
	if (!handlers[m->type].early && link->state != LINK_LIVE)
		return link_breach(link, ERROR_MESSAGE, "state");
	return handlers[m->type].on(link, m);
}

static int frame_length(struct link *link, const uint8_t *p, size_t *len)
{
	*len = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
	return *len == 0 || *len > frame_limit(link) ? link_breach(link, ERROR_FRAME, "frame") : 0;
}

/* The next whole frame of `at`, read where it is; only one that began in earlier bytes is gathered
 * in link->in. Empty: there is none yet. */
static int next_frame(struct link *link, struct bytes *at, struct bytes *frame)
{
	size_t len = 0;
	*frame = bytes_of(NULL, 0);
	if (link->in.len == 0 && at->len >= 4) {
		int code = frame_length(link, at->data, &len);
		if (code)
			return code;
		if (at->len - 4 >= len) {
			*frame = bytes_slice(*at, 4, len);
			*at = bytes_slice(*at, 4 + len, SIZE_MAX);
			return 0;
		}
	}
	for (;;) {
		int code = link->in.len >= 4 ? frame_length(link, link->in.data, &len) : 0;
		if (code)
			return code;
		size_t want = link->in.len >= 4 ? 4 + len : 4;
		struct bytes part = bytes_slice(*at, 0, want - link->in.len);
		if (part.len && buffer_push_bytes(&link->in, part))
			return link_breach(link, link->in.error, "memory");
		*at = bytes_slice(*at, part.len, SIZE_MAX);
		if (link->in.len < want)
			return 0;
		if (want > 4) {
			*frame = bytes_slice(buffer_bytes(&link->in), 4, SIZE_MAX);
			return 0;
		}
	}
}

int link_receive(struct link *link, struct bytes bytes, struct node_time now)
{
	struct node *node = link->node;
	node->now = now;
	link->received_bytes += bytes.len;
	link->last_received = now.mono;
	link->last_heard_wall = now.wall;
	struct bytes at = bytes;
	while (at.len && link->state != LINK_CLOSING) {
		struct bytes frame;
		int code = next_frame(link, &at, &frame);
		if (code)
			return code;
		if (frame.len == 0)
			break;
		code = on_frame(link, frame);
		if (code) {
			/* A handler that fails without naming a breach ran out of something of ours. */
			return link->state == LINK_CLOSING ? code : link_breach(link, code, "internal");
		}
		if (link->in.len)
			buffer_shrink(&link->in, 0);
	}
	node_flush(node);
	return 0;
}

bool link_wants_read(const struct link *link)
{
	return link->state != LINK_CLOSING && link->control.len < LIMIT_CONTROL_QUEUE_BYTES / 2;
}
