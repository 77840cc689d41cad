/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/message.h"

#include "base/error.h"
#include "base/wire_reader.h"
#include "feed/fork_proof.h"

/* An array may carry up to so many further elements (docs/protocol.md, section 1). */
#define MESSAGE_SPARE 8u

static void read_hash(struct wire_reader *r, struct hash *out)
{
	wire_reader_bin_exact(r, out->bytes, sizeof out->bytes);
}

static struct timestamp read_time(struct wire_reader *r)
{
	/* Any that the protocol has; beyond the year 9999 none is told from another. */
	uint64_t ms = wire_reader_uint(r, INT64_MAX);
	return timestamp_from_ms(ms < TIMESTAMP_MS_MAX ? (int64_t)ms : TIMESTAMP_MS_MAX);
}

static void skip_spare(struct wire_reader *r, size_t have, size_t known)
{
	for (size_t i = known; i < have && !r->error; i++)
		wire_reader_skip(r);
}

static void parse_hello_network(struct wire_reader *r, struct message_network *n)
{
	size_t have = wire_reader_array(r, 6, 6 + MESSAGE_SPARE);
	read_hash(r, &n->network_id);
	n->number = wire_reader_uint(r, UINT64_MAX);
	read_hash(r, &n->digest);
	n->arrival = wire_reader_uint(r, UINT64_MAX);
	wire_reader_bin_exact(r, n->rolling, sizeof n->rolling);
	n->has_cursor = !wire_reader_nil(r);
	if (n->has_cursor) {
		wire_reader_array(r, 3, 3);
		wire_reader_bin_exact(r, n->cursor.store_epoch, sizeof n->cursor.store_epoch);
		n->cursor.arrival = wire_reader_uint(r, UINT64_MAX);
		wire_reader_bin_exact(r, n->cursor.rolling, sizeof n->cursor.rolling);
	}
	skip_spare(r, have, 6);
}

static void parse_hello(struct wire_reader *r, struct message *m)
{
	size_t versions = wire_reader_array(r, 1, 16);
	m->hello.version_1 = false;
	for (size_t i = 0; i < versions && !r->error; i++)
		m->hello.version_1 |= wire_reader_uint(r, UINT32_MAX) == 1;
	wire_reader_bin_exact(r, m->hello.instance, INSTANCE_BYTES);
	m->hello.time = read_time(r);
	wire_reader_bin_exact(r, m->hello.store_epoch, STORE_EPOCH_BYTES);
	m->hello.agent = wire_reader_str(r, 0, 64);
	m->hello.count = (uint32_t)wire_reader_array(r, 0, LIMIT_NETWORKS);
	for (uint32_t i = 0; i < m->hello.count && !r->error; i++)
		parse_hello_network(r, &m->hello.networks[i]);
}

static void parse_who(struct wire_reader *r, struct message *m)
{
	m->who.count = (uint32_t)wire_reader_array(r, 0, LIMIT_NETWORKS);
	for (uint32_t i = 0; i < m->who.count && !r->error; i++) {
		wire_reader_array(r, 2, 2);
		wire_reader_bin_exact(r, m->who.networks[i].blind, 16);
		m->who.networks[i].number = wire_reader_uint(r, UINT64_MAX);
	}
}

static void parse_object(struct wire_reader *r, struct message *m)
{
	read_hash(r, &m->object.network_id);
	m->object.wire = wire_reader_bin(r, 1, LIMIT_OBJECT_BYTES);
	m->object.left = 0;
}

static void parse_announce(struct wire_reader *r, struct message *m)
{
	read_hash(r, &m->announce.network_id);
	m->announce.feed_count = (uint32_t)wire_reader_array(r, 0, LIMIT_ANNOUNCE_ITEMS);
	for (uint32_t i = 0; i < m->announce.feed_count && !r->error; i++) {
		struct message_feed *f = &m->announce.feeds[i];
		wire_reader_array(r, 3, 3);
		read_hash(r, &f->feed_id);
		f->seq = wire_reader_uint(r, UINT64_MAX);
		read_hash(r, &f->entry_hash);
	}
	m->announce.object_count = (uint32_t)wire_reader_array(r, 0, LIMIT_ANNOUNCE_ITEMS);
	for (uint32_t i = 0; i < m->announce.object_count && !r->error; i++)
		read_hash(r, &m->announce.objects[i]);
	m->announce.has_mark = !wire_reader_nil(r);
	if (m->announce.has_mark) {
		wire_reader_array(r, 2, 2);
		m->announce.arrival = wire_reader_uint(r, UINT64_MAX);
		wire_reader_bin_exact(r, m->announce.rolling, sizeof m->announce.rolling);
	}
}

static void parse_ranges(struct wire_reader *r, struct message *m)
{
	size_t size = (size_t)RANGE_COUNT * RANGE_PREFIX_BYTES;
	read_hash(r, &m->ranges.network_id);
	m->ranges.objects = wire_reader_bin(r, size, size);
	m->ranges.feeds = wire_reader_bin(r, size, size);
}

static void parse_range_want(struct wire_reader *r, struct message *m)
{
	read_hash(r, &m->range_want.network_id);
	wire_reader_bin_exact(r, m->range_want.objects, 32);
	wire_reader_bin_exact(r, m->range_want.feeds, 32);
}

static void parse_object_want(struct wire_reader *r, struct message *m)
{
	read_hash(r, &m->object_want.network_id);
	m->object_want.count = (uint32_t)wire_reader_array(r, 1, LIMIT_ANNOUNCE_ITEMS);
	for (uint32_t i = 0; i < m->object_want.count && !r->error; i++)
		read_hash(r, &m->object_want.hashes[i]);
}

static void parse_pull(struct wire_reader *r, struct message *m)
{
	m->pull.limit = wire_reader_uint(r, UINT64_MAX);
	m->pull.count = (uint32_t)wire_reader_array(r, 1, LIMIT_ANNOUNCE_ITEMS);
	for (uint32_t i = 0; i < m->pull.count && !r->error; i++) {
		wire_reader_array(r, 2, 2);
		read_hash(r, &m->pull.feeds[i].feed_id);
		m->pull.feeds[i].first_seq = wire_reader_uint(r, UINT64_MAX);
		if (m->pull.feeds[i].first_seq == 0)
			wire_reader_fail(r, ERROR_RANGE);
	}
}

static void parse_credit(struct wire_reader *r, struct message *m)
{
	m->credit.bulk_limit = wire_reader_uint(r, UINT64_MAX);
	m->credit.urgent_limit = wire_reader_uint(r, UINT64_MAX);
}

static void parse_run(struct wire_reader *r, struct message *m)
{
	m->run.stream = (uint32_t)wire_reader_uint(r, UINT32_MAX);
	read_hash(r, &m->run.feed_id);
	m->run.first_seq = wire_reader_uint(r, UINT64_MAX);
	if (m->run.first_seq == 0)
		wire_reader_fail(r, ERROR_RANGE);
	m->run.head = wire_reader_bin(r, HEAD_BYTES, HEAD_BYTES);
	m->run.has_prev = !wire_reader_nil(r);
	if (m->run.has_prev)
		read_hash(r, &m->run.prev);
	m->run.flags = (uint32_t)wire_reader_uint(r, UINT32_MAX);
	m->run.has_inline = !wire_reader_nil(r);
	if (m->run.has_inline)
		m->run.inline_bytes = wire_reader_bin(r, 1, LIMIT_FRAME_BYTES);
}

static void parse_fragment(struct wire_reader *r, struct message *m)
{
	m->fragment.stream = (uint32_t)wire_reader_uint(r, UINT32_MAX);
	m->fragment.offset = wire_reader_uint(r, UINT64_MAX);
	m->fragment.last = wire_reader_bool(r);
	m->fragment.bytes = wire_reader_bin(r, 1, LIMIT_FRAGMENT_BYTES);
}

static void parse_pull_end(struct wire_reader *r, struct message *m)
{
	read_hash(r, &m->pull_end.feed_id);
	m->pull_end.next_seq = wire_reader_uint(r, UINT64_MAX);
	m->pull_end.code = (uint32_t)wire_reader_uint(r, 255);
}

static void parse_held(struct wire_reader *r, struct message *m)
{
	read_hash(r, &m->held.feed_id);
	m->held.seq = wire_reader_uint(r, UINT64_MAX);
	read_hash(r, &m->held.entry_hash);
}

static void parse_ack(struct wire_reader *r, struct message *m)
{
	read_hash(r, &m->ack.network_id);
	m->ack.arrival = wire_reader_uint(r, UINT64_MAX);
}

static void parse_ping(struct wire_reader *r, struct message *m)
{
	m->ping.token = wire_reader_uint(r, UINT64_MAX);
}

static void parse_pong(struct wire_reader *r, struct message *m)
{
	m->ping.token = wire_reader_uint(r, UINT64_MAX);
	m->ping.time = read_time(r);
}

static void parse_reason(struct wire_reader *r, struct message *m)
{
	m->reason.code = (uint32_t)wire_reader_uint(r, 255);
	m->reason.text = wire_reader_str(r, 0, LIMIT_TEXT_BYTES);
}

static void parse_nothing(struct wire_reader *r, struct message *m)
{
	(void)r;
	(void)m;
}

static void parse_attachment_pull(struct wire_reader *r, struct message *m)
{
	m->attachment_pull.limit = wire_reader_uint(r, UINT64_MAX);
	read_hash(r, &m->attachment_pull.feed_id);
	m->attachment_pull.seq = wire_reader_uint(r, UINT64_MAX);
	read_hash(r, &m->attachment_pull.attachment_id);
	m->attachment_pull.first_chunk = (uint32_t)wire_reader_uint(r, UINT32_MAX);
	m->attachment_pull.with_list = wire_reader_bool(r);
}

static void parse_attachment(struct wire_reader *r, struct message *m)
{
	m->attachment.stream = (uint32_t)wire_reader_uint(r, UINT32_MAX);
	read_hash(r, &m->attachment.attachment_id);
	m->attachment.size = wire_reader_uint(r, UINT64_C(1) << 40);
	m->attachment.first_chunk = (uint32_t)wire_reader_uint(r, UINT32_MAX);
	m->attachment.with_list = wire_reader_bool(r);
}

static void parse_attachment_end(struct wire_reader *r, struct message *m)
{
	read_hash(r, &m->attachment_end.attachment_id);
	m->attachment_end.code = (uint32_t)wire_reader_uint(r, 255);
}

static void parse_hold_ask(struct wire_reader *r, struct message *m)
{
	read_hash(r, &m->hold_ask.network_id);
	read_hash(r, &m->hold_ask.city_id);
	wire_reader_bin_exact(r, m->hold_ask.nonce, 16);
	m->hold_ask.hops = (uint32_t)wire_reader_uint(r, LIMIT_HOLD_HOPS);
}

static void parse_signed(struct wire_reader *r, struct message *m)
{
	m->signed_bytes.body = wire_reader_bin(r, 1, LIMIT_FRAME_BYTES);
	wire_reader_bin_exact(r, m->signed_bytes.signature.bytes, SIGNATURE_SIZE);
}

static void parse_beacon_want(struct wire_reader *r, struct message *m)
{
	read_hash(r, &m->beacon_want.network_id);
	m->beacon_want.number = wire_reader_uint(r, UINT64_MAX);
	m->beacon_want.count = (uint32_t)wire_reader_array(r, 0, LIMIT_BEACON_ITEMS);
	for (uint32_t i = 0; i < m->beacon_want.count && !r->error; i++)
		wire_reader_bin_exact(r, m->beacon_want.cities[i], BEACON_CITY_BYTES);
}

static void parse_beacon_offer(struct wire_reader *r, struct message *m)
{
	read_hash(r, &m->beacon_offer.network_id);
	m->beacon_offer.number = wire_reader_uint(r, UINT64_MAX);
	m->beacon_offer.count = (uint32_t)wire_reader_array(r, 0, LIMIT_BEACON_ITEMS);
	for (uint32_t i = 0; i < m->beacon_offer.count && !r->error; i++) {
		struct message_beacon *beacon = &m->beacon_offer.beacons[i];
		size_t have = wire_reader_array(r, 3, 3 + MESSAGE_SPARE);
		wire_reader_bin_exact(r, beacon->city, BEACON_CITY_BYTES);
		beacon->epoch = (uint32_t)wire_reader_uint(r, UINT32_MAX);
		beacon->time = timestamp_from_ms((int64_t)wire_reader_uint(r, INT64_MAX));
		skip_spare(r, have, 3);
	}
}

static void parse_twin_notice(struct wire_reader *r, struct message *m)
{
	wire_reader_bin_exact(r, m->twin_notice.instance, INSTANCE_BYTES);
}

static void parse_twin_challenge(struct wire_reader *r, struct message *m)
{
	wire_reader_bin_exact(r, m->twin_challenge.nonce, 32);
}

static void parse_twin_proof(struct wire_reader *r, struct message *m)
{
	wire_reader_bin_exact(r, m->twin_proof.nonce, 32);
	wire_reader_bin_exact(r, m->twin_proof.instance, INSTANCE_BYTES);
	wire_reader_bin_exact(r, m->twin_proof.signature.bytes, SIGNATURE_SIZE);
}

static void parse_fork_ask(struct wire_reader *r, struct message *m)
{
	read_hash(r, &m->fork_ask.feed_id);
	m->fork_ask.seq = wire_reader_uint(r, UINT64_MAX);
}

static void parse_fork_branch(struct wire_reader *r, struct message *m)
{
	read_hash(r, &m->fork_branch.feed_id);
	m->fork_branch.seq = wire_reader_uint(r, UINT64_MAX);
	read_hash(r, &m->fork_branch.prev);
	m->fork_branch.hashes = wire_reader_bin(r, 0, FORK_PROOF_ENTRIES_MAX * FORK_PROOF_PAIR_BYTES);
	m->fork_branch.head = wire_reader_bin(r, 0, HEAD_BYTES);
	size_t hashes = m->fork_branch.hashes.len, head = m->fork_branch.head.len;
	if (!r->error &&
		(hashes % FORK_PROOF_PAIR_BYTES || (head != 0 && head != HEAD_BYTES) ||
			(hashes == 0) != (head == 0)))
		wire_reader_fail(r, ERROR_SIZE);
}

static void parse_join(struct wire_reader *r, struct message *m)
{
	read_hash(r, &m->join.proof);
	m->join.slug = wire_reader_str(r, 1, 32);
	m->join.name = wire_reader_str(r, 1, 128);
	m->join.country = wire_reader_str(r, 2, 2);
	m->join.record = wire_reader_bin(r, 1, 4096);
	m->join.address_count = (uint32_t)wire_reader_array(r, 0, LIMIT_ADDRESSES);
	for (uint32_t i = 0; i < m->join.address_count && !r->error; i++)
		m->join.addresses[i] = wire_reader_str(r, 1, LIMIT_ADDRESS_BYTES);
}

static void parse_joined(struct wire_reader *r, struct message *m)
{
	read_hash(r, &m->joined.network_id);
}

static void parse_join_end(struct wire_reader *r, struct message *m)
{
	m->join_end.number = wire_reader_uint(r, UINT64_MAX);
	read_hash(r, &m->join_end.amendment_hash);
}

static const struct {
	const char *name;
	size_t elements; /* without the type */
	void (*parse)(struct wire_reader *r, struct message *m);
} table[MESSAGE_TYPE_COUNT] = {
	[MESSAGE_HELLO] = {"HELLO", 6, parse_hello},
	[MESSAGE_WHO] = {"WHO", 1, parse_who},
	[MESSAGE_OBJECT] = {"OBJECT", 2, parse_object},
	[MESSAGE_ANNOUNCE] = {"ANNOUNCE", 4, parse_announce},
	[MESSAGE_RANGES] = {"RANGES", 3, parse_ranges},
	[MESSAGE_RANGE_WANT] = {"RANGE_WANT", 3, parse_range_want},
	[MESSAGE_OBJECT_WANT] = {"OBJECT_WANT", 2, parse_object_want},
	[MESSAGE_PULL] = {"PULL", 2, parse_pull},
	[MESSAGE_CREDIT] = {"CREDIT", 2, parse_credit},
	[MESSAGE_RUN] = {"RUN", 7, parse_run},
	[MESSAGE_FRAGMENT] = {"FRAGMENT", 4, parse_fragment},
	[MESSAGE_PULL_END] = {"PULL_END", 3, parse_pull_end},
	[MESSAGE_HELD] = {"HELD", 3, parse_held},
	[MESSAGE_ACK] = {"ACK", 2, parse_ack},
	[MESSAGE_PING] = {"PING", 1, parse_ping},
	[MESSAGE_PONG] = {"PONG", 2, parse_pong},
	[MESSAGE_PAUSED] = {"PAUSED", 2, parse_reason},
	[MESSAGE_RESUMED] = {"RESUMED", 0, parse_nothing},
	[MESSAGE_ATTACHMENT_PULL] = {"ATTACHMENT_PULL", 6, parse_attachment_pull},
	[MESSAGE_ATTACHMENT] = {"ATTACHMENT", 5, parse_attachment},
	[MESSAGE_ATTACHMENT_END] = {"ATTACHMENT_END", 2, parse_attachment_end},
	[MESSAGE_HOLD_ASK] = {"HOLD_ASK", 4, parse_hold_ask},
	[MESSAGE_HOLD] = {"HOLD", 2, parse_signed},
	[MESSAGE_TWIN_NOTICE] = {"TWIN_NOTICE", 1, parse_twin_notice},
	[MESSAGE_TWIN_CHALLENGE] = {"TWIN_CHALLENGE", 1, parse_twin_challenge},
	[MESSAGE_TWIN_PROOF] = {"TWIN_PROOF", 3, parse_twin_proof},
	[MESSAGE_BEACON] = {"BEACON", 2, parse_signed},
	[MESSAGE_BYE] = {"BYE", 2, parse_reason},
	[MESSAGE_OBJECT_GONE] = {"OBJECT_GONE", 2, parse_object_want},
	[MESSAGE_BEACON_WANT] = {"BEACON_WANT", 3, parse_beacon_want},
	[MESSAGE_BEACON_OFFER] = {"BEACON_OFFER", 3, parse_beacon_offer},
	[MESSAGE_FORK_ASK] = {"FORK_ASK", 2, parse_fork_ask},
	[MESSAGE_FORK_BRANCH] = {"FORK_BRANCH", 5, parse_fork_branch},
	[MESSAGE_JOIN] = {"JOIN", 6, parse_join},
	[MESSAGE_JOINED] = {"JOINED", 1, parse_joined},
	[MESSAGE_JOIN_REFUSED] = {"JOIN_REFUSED", 2, parse_reason},
	[MESSAGE_JOIN_END] = {"JOIN_END", 2, parse_join_end},
};

const char *message_type_name(uint32_t type)
{
	return type < MESSAGE_TYPE_COUNT && table[type].name ? table[type].name : "unknown";
}

/* What a frame may have beyond its first elements; how many of `more` were read. */
static size_t parse_more(struct wire_reader *r, struct message *m, size_t more)
{
	if (m->type == MESSAGE_OBJECT && more > 0) {
		m->object.left = (uint32_t)wire_reader_uint(r, LIMIT_OBJECT_PARTS_BYTES);
		return 1;
	}
	if (m->type == MESSAGE_HELLO) {
		m->hello.features = more > 0 ? wire_reader_uint(r, UINT64_MAX) : 0;
		return more > 0;
	}
	if (m->type == MESSAGE_RUN) {
		bool compressed = m->run.flags & RUN_FLAG_COMPRESSED;
		m->run.plain_len = compressed ? (uint32_t)wire_reader_uint(r, LIMIT_RUN_BYTES) : 0;
		if (compressed && m->run.plain_len == 0)
			wire_reader_fail(r, ERROR_RANGE);
		return compressed;
	}
	return 0;
}

int message_decode(struct bytes frame, struct message *out)
{
	struct wire_reader r;
	wire_reader_init(&r, frame);
	size_t have = wire_reader_array(&r, 1, 1024);
	uint64_t type = wire_reader_uint(&r, UINT32_MAX);
	if (r.error)
		return ERROR_FRAME;
	out->type = (uint32_t)type;
	if (type >= MESSAGE_UNKNOWN_FIRST)
		return 0;
	if (type >= MESSAGE_TYPE_COUNT || !table[type].parse)
		return ERROR_FRAME;
	size_t known = 1 + table[type].elements;
	if (have < known || have > known + MESSAGE_SPARE)
		return ERROR_FRAME;
	table[type].parse(&r, out);
	known += parse_more(&r, out, have - known);
	skip_spare(&r, have, known);
	return wire_reader_end(&r);
}
