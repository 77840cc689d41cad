/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/proto/rewrite.h"

#include <string.h>

#include "base/check.h"

static void rewrite_pull(const struct message *m, struct buffer *b)
{
	struct message_pull pulls[LIMIT_ANNOUNCE_ITEMS];
	for (uint32_t i = 0; i < m->pull.count; i++)
		pulls[i] = (struct message_pull){m->pull.feeds[i].feed_id, m->pull.feeds[i].first_seq};
	message_write_pull(b, m->pull.limit, pulls, m->pull.count);
}

static const char *text_of(struct bytes text)
{
	static char kept[8][512];
	static unsigned next;
	char *to = kept[next++ % 8];
	require(text.len < sizeof kept[0]);
	memcpy(to, text.data, text.len);
	to[text.len] = 0;
	return to;
}

static void rewrite_sync(const struct message *m, struct buffer *b)
{
	switch (m->type) {
	case MESSAGE_HELLO:
		message_write_hello(b, m->hello.instance, m->hello.time, m->hello.store_epoch,
			text_of(m->hello.agent), m->hello.networks, m->hello.count, m->hello.features);
		break;
	case MESSAGE_WHO: {
		uint8_t blinds[LIMIT_NETWORKS][16];
		uint64_t numbers[LIMIT_NETWORKS];
		for (uint32_t i = 0; i < m->who.count; i++) {
			memcpy(blinds[i], m->who.networks[i].blind, 16);
			numbers[i] = m->who.networks[i].number;
		}
		message_write_who(b, blinds, numbers, m->who.count);
		break;
	}
	case MESSAGE_OBJECT:
		message_write_object(b, &m->object.network_id, m->object.wire);
		break;
	case MESSAGE_ANNOUNCE:
		message_write_announce(b, &m->announce.network_id, m->announce.feeds,
			m->announce.feed_count, m->announce.objects, m->announce.object_count,
			m->announce.has_mark ? &m->announce.arrival : NULL, m->announce.rolling);
		break;
	case MESSAGE_RANGES:
		message_write_ranges(b, &m->ranges.network_id, m->ranges.objects, m->ranges.feeds);
		break;
	case MESSAGE_RANGE_WANT:
		message_write_range_want(
			b, &m->range_want.network_id, m->range_want.objects, m->range_want.feeds);
		break;
	case MESSAGE_OBJECT_WANT:
		message_write_object_want(
			b, &m->object_want.network_id, m->object_want.hashes, m->object_want.count);
		break;
	case MESSAGE_OBJECT_GONE:
		message_write_object_gone(
			b, &m->object_want.network_id, m->object_want.hashes, m->object_want.count);
		break;
	case MESSAGE_ACK:
		message_write_ack(b, &m->ack.network_id, m->ack.arrival);
		break;
	default:
		require(!"a message that is written by nothing here");
	}
}

static void rewrite_run(const struct message *m, struct buffer *b)
{
	const struct hash *prev = m->run.has_prev ? &m->run.prev : NULL;
	const struct bytes *inline_bytes = m->run.has_inline ? &m->run.inline_bytes : NULL;
	if (m->run.plain_len)
		message_write_run_compressed(b, m->run.stream, &m->run.feed_id, m->run.first_seq,
			m->run.head.data, prev, m->run.flags, inline_bytes, m->run.plain_len);
	else
		message_write_run(b, m->run.stream, &m->run.feed_id, m->run.first_seq, m->run.head.data,
			prev, m->run.flags, inline_bytes);
}

static void rewrite_bulk(const struct message *m, struct buffer *b)
{
	switch (m->type) {
	case MESSAGE_PULL:
		rewrite_pull(m, b);
		break;
	case MESSAGE_CREDIT:
		message_write_credit(b, m->credit.bulk_limit, m->credit.urgent_limit);
		break;
	case MESSAGE_RUN:
		rewrite_run(m, b);
		break;
	case MESSAGE_FRAGMENT:
		message_write_fragment(
			b, m->fragment.stream, m->fragment.offset, m->fragment.last, m->fragment.bytes);
		break;
	case MESSAGE_PULL_END:
		message_write_pull_end(
			b, &m->pull_end.feed_id, m->pull_end.next_seq, (enum message_end_code)m->pull_end.code);
		break;
	case MESSAGE_HELD:
		message_write_held(b, &m->held);
		break;
	case MESSAGE_ATTACHMENT_PULL:
		message_write_attachment_pull(b, m->attachment_pull.limit, &m->attachment_pull.feed_id,
			m->attachment_pull.seq, &m->attachment_pull.attachment_id,
			m->attachment_pull.first_chunk, m->attachment_pull.with_list);
		break;
	case MESSAGE_ATTACHMENT:
		message_write_attachment(b, m->attachment.stream, &m->attachment.attachment_id,
			m->attachment.size, m->attachment.first_chunk, m->attachment.with_list);
		break;
	case MESSAGE_ATTACHMENT_END:
		message_write_attachment_end(
			b, &m->attachment_end.attachment_id, (enum message_end_code)m->attachment_end.code);
		break;
	default:
		rewrite_sync(m, b);
	}
}

static void rewrite_beacons(const struct message *m, struct buffer *b)
{
	uint8_t cities[LIMIT_BEACON_ITEMS][BEACON_CITY_BYTES];
	if (m->type == MESSAGE_BEACON_OFFER) {
		message_write_beacon_offer(b, &m->beacon_offer.network_id, m->beacon_offer.number,
			m->beacon_offer.beacons, m->beacon_offer.count);
		return;
	}
	memcpy(cities, m->beacon_want.cities, sizeof cities);
	message_write_beacon_want(
		b, &m->beacon_want.network_id, m->beacon_want.number, cities, m->beacon_want.count);
}

void rewrite_message(const struct message *m, struct buffer *b)
{
	buffer_reset(b);
	switch (m->type) {
	case MESSAGE_PING:
		message_write_ping(b, m->ping.token);
		break;
	case MESSAGE_PONG:
		message_write_pong(b, m->ping.token, m->ping.time);
		break;
	case MESSAGE_PAUSED:
		message_write_paused(b, m->reason.code, text_of(m->reason.text));
		break;
	case MESSAGE_RESUMED:
		message_write_resumed(b);
		break;
	case MESSAGE_BYE:
	case MESSAGE_JOIN_REFUSED:
		message_write_reason(b, m->type, m->reason.code, text_of(m->reason.text));
		break;
	case MESSAGE_HOLD_ASK:
		message_write_hold_ask(
			b, &m->hold_ask.network_id, &m->hold_ask.city_id, m->hold_ask.nonce, m->hold_ask.hops);
		break;
	case MESSAGE_HOLD:
	case MESSAGE_BEACON:
		message_write_signed(b, m->type, m->signed_bytes.body, &m->signed_bytes.signature);
		break;
	case MESSAGE_BEACON_WANT:
	case MESSAGE_BEACON_OFFER:
		rewrite_beacons(m, b);
		break;
	case MESSAGE_TWIN_NOTICE:
		message_write_twin_notice(b, m->twin_notice.instance);
		break;
	case MESSAGE_TWIN_CHALLENGE:
		message_write_twin_challenge(b, m->twin_challenge.nonce);
		break;
	case MESSAGE_TWIN_PROOF:
		message_write_twin_proof(
			b, m->twin_proof.nonce, m->twin_proof.instance, &m->twin_proof.signature);
		break;
	case MESSAGE_FORK_ASK:
		message_write_fork_ask(b, &m->fork_ask.feed_id, m->fork_ask.seq);
		break;
	case MESSAGE_FORK_BRANCH:
		message_write_fork_branch(b, &m->fork_branch.feed_id, m->fork_branch.seq,
			&m->fork_branch.prev, m->fork_branch.hashes, m->fork_branch.head);
		break;
	case MESSAGE_JOIN: {
		const char *addresses[LIMIT_ADDRESSES];
		for (uint32_t i = 0; i < m->join.address_count; i++)
			addresses[i] = text_of(m->join.addresses[i]);
		message_write_join(b, &m->join.proof, text_of(m->join.slug), text_of(m->join.name),
			text_of(m->join.country), m->join.record, addresses, m->join.address_count);
		break;
	}
	case MESSAGE_JOINED:
		message_write_joined(b, &m->joined.network_id);
		break;
	case MESSAGE_JOIN_END:
		message_write_join_end(b, m->join_end.number, &m->join_end.amendment_hash);
		break;
	default:
		rewrite_bulk(m, b);
	}
}
