/* SPDX-License-Identifier: Apache-2.0 */
#include "base/wire_writer.h"
#include "proto/message.h"

size_t message_frame_begin(struct buffer *b, unsigned type, size_t elements)
{
	size_t at = b->len;
	buffer_push_u32(b, 0);
	wire_writer_array(b, elements + 1);
	wire_writer_uint(b, type);
	return at;
}

void message_frame_end(struct buffer *b, size_t at)
{
	if (b->error)
		return;
	size_t len = b->len - at - 4;
	uint8_t *p = b->data + at;
	p[0] = (uint8_t)(len >> 24);
	p[1] = (uint8_t)(len >> 16);
	p[2] = (uint8_t)(len >> 8);
	p[3] = (uint8_t)len;
}

static void write_hash(struct buffer *b, const struct hash *h)
{
	wire_writer_bin(b, hash_bytes(h));
}

static void write_network(struct buffer *b, const struct message_network *n)
{
	wire_writer_array(b, 6);
	write_hash(b, &n->network_id);
	wire_writer_uint(b, n->number);
	write_hash(b, &n->digest);
	wire_writer_uint(b, n->arrival);
	wire_writer_bin(b, bytes_of(n->rolling, sizeof n->rolling));
	if (!n->has_cursor) {
		wire_writer_nil(b);
		return;
	}
	wire_writer_array(b, 3);
	wire_writer_bin(b, bytes_of(n->cursor.store_epoch, STORE_EPOCH_BYTES));
	wire_writer_uint(b, n->cursor.arrival);
	wire_writer_bin(b, bytes_of(n->cursor.rolling, sizeof n->cursor.rolling));
}

void message_write_hello(struct buffer *b, const uint8_t instance[INSTANCE_BYTES],
	struct timestamp time, const uint8_t store_epoch[STORE_EPOCH_BYTES], const char *agent,
	const struct message_network *networks, uint32_t count, uint64_t features)
{
	size_t at = message_frame_begin(b, MESSAGE_HELLO, features ? 7 : 6);
	wire_writer_array(b, 1);
	wire_writer_uint(b, 1);
	wire_writer_bin(b, bytes_of(instance, INSTANCE_BYTES));
	wire_writer_uint(b, (uint64_t)time.ms);
	wire_writer_bin(b, bytes_of(store_epoch, STORE_EPOCH_BYTES));
	wire_writer_text(b, agent);
	wire_writer_array(b, count);
	for (uint32_t i = 0; i < count; i++)
		write_network(b, &networks[i]);
	if (features)
		wire_writer_uint(b, features);
	message_frame_end(b, at);
}

void message_write_who(
	struct buffer *b, uint8_t (*blinds)[16], const uint64_t *numbers, uint32_t count)
{
	size_t at = message_frame_begin(b, MESSAGE_WHO, 1);
	wire_writer_array(b, count);
	for (uint32_t i = 0; i < count; i++) {
		wire_writer_array(b, 2);
		wire_writer_bin(b, bytes_of(blinds[i], 16));
		wire_writer_uint(b, numbers[i]);
	}
	message_frame_end(b, at);
}

static void write_object_frame(
	struct buffer *b, const struct hash *network_id, struct bytes part, size_t left)
{
	size_t at = message_frame_begin(b, MESSAGE_OBJECT, left ? 3 : 2);
	write_hash(b, network_id);
	wire_writer_bin(b, part);
	if (left)
		wire_writer_uint(b, left);
	message_frame_end(b, at);
}

void message_write_object(struct buffer *b, const struct hash *network_id, struct bytes wire)
{
	struct bytes first = bytes_slice(wire, 0, LIMIT_OBJECT_BYTES);
	write_object_frame(b, network_id, first, wire.len - first.len);
	if (wire.len > first.len)
		write_object_frame(b, network_id, bytes_slice(wire, first.len, SIZE_MAX), 0);
}

void message_write_announce(struct buffer *b, const struct hash *network_id,
	const struct message_feed *feeds, uint32_t feed_count, const struct hash *objects,
	uint32_t object_count, const uint64_t *mark_arrival, const uint8_t *mark_rolling)
{
	size_t at = message_frame_begin(b, MESSAGE_ANNOUNCE, 4);
	write_hash(b, network_id);
	wire_writer_array(b, feed_count);
	for (uint32_t i = 0; i < feed_count; i++) {
		wire_writer_array(b, 3);
		write_hash(b, &feeds[i].feed_id);
		wire_writer_uint(b, feeds[i].seq);
		write_hash(b, &feeds[i].entry_hash);
	}
	wire_writer_array(b, object_count);
	for (uint32_t i = 0; i < object_count; i++)
		write_hash(b, &objects[i]);
	if (mark_arrival) {
		wire_writer_array(b, 2);
		wire_writer_uint(b, *mark_arrival);
		wire_writer_bin(b, bytes_of(mark_rolling, 8));
	} else {
		wire_writer_nil(b);
	}
	message_frame_end(b, at);
}

void message_write_ranges(
	struct buffer *b, const struct hash *network_id, struct bytes objects, struct bytes feeds)
{
	size_t at = message_frame_begin(b, MESSAGE_RANGES, 3);
	write_hash(b, network_id);
	wire_writer_bin(b, objects);
	wire_writer_bin(b, feeds);
	message_frame_end(b, at);
}

void message_write_range_want(struct buffer *b, const struct hash *network_id,
	const uint8_t objects[32], const uint8_t feeds[32])
{
	size_t at = message_frame_begin(b, MESSAGE_RANGE_WANT, 3);
	write_hash(b, network_id);
	wire_writer_bin(b, bytes_of(objects, 32));
	wire_writer_bin(b, bytes_of(feeds, 32));
	message_frame_end(b, at);
}

static void write_hashes(struct buffer *b, enum message_type type, const struct hash *network_id,
	const struct hash *hashes, uint32_t count)
{
	size_t at = message_frame_begin(b, type, 2);
	write_hash(b, network_id);
	wire_writer_array(b, count);
	for (uint32_t i = 0; i < count; i++)
		write_hash(b, &hashes[i]);
	message_frame_end(b, at);
}

void message_write_object_want(
	struct buffer *b, const struct hash *network_id, const struct hash *hashes, uint32_t count)
{
	write_hashes(b, MESSAGE_OBJECT_WANT, network_id, hashes, count);
}

void message_write_object_gone(
	struct buffer *b, const struct hash *network_id, const struct hash *hashes, uint32_t count)
{
	write_hashes(b, MESSAGE_OBJECT_GONE, network_id, hashes, count);
}

void message_write_pull(
	struct buffer *b, uint64_t limit, const struct message_pull *feeds, uint32_t count)
{
	size_t at = message_frame_begin(b, MESSAGE_PULL, 2);
	wire_writer_uint(b, limit);
	wire_writer_array(b, count);
	for (uint32_t i = 0; i < count; i++) {
		wire_writer_array(b, 2);
		write_hash(b, &feeds[i].feed_id);
		wire_writer_uint(b, feeds[i].first_seq);
	}
	message_frame_end(b, at);
}

void message_write_credit(struct buffer *b, uint64_t bulk_limit, uint64_t urgent_limit)
{
	size_t at = message_frame_begin(b, MESSAGE_CREDIT, 2);
	wire_writer_uint(b, bulk_limit);
	wire_writer_uint(b, urgent_limit);
	message_frame_end(b, at);
}

static void write_run(struct buffer *b, uint32_t stream, const struct hash *feed_id,
	uint64_t first_seq, const uint8_t head[HEAD_BYTES], const struct hash *prev, uint32_t flags,
	const struct bytes *inline_bytes, uint32_t plain_len)
{
	size_t at = message_frame_begin(b, MESSAGE_RUN, plain_len ? 8 : 7);
	wire_writer_uint(b, stream);
	write_hash(b, feed_id);
	wire_writer_uint(b, first_seq);
	wire_writer_bin(b, bytes_of(head, HEAD_BYTES));
	if (prev)
		write_hash(b, prev);
	else
		wire_writer_nil(b);
	wire_writer_uint(b, flags);
	if (inline_bytes)
		wire_writer_bin(b, *inline_bytes);
	else
		wire_writer_nil(b);
	if (plain_len)
		wire_writer_uint(b, plain_len);
	message_frame_end(b, at);
}

void message_write_run(struct buffer *b, uint32_t stream, const struct hash *feed_id,
	uint64_t first_seq, const uint8_t head[HEAD_BYTES], const struct hash *prev, uint32_t flags,
	const struct bytes *inline_bytes)
{
	write_run(b, stream, feed_id, first_seq, head, prev, flags, inline_bytes, 0);
}

void message_write_run_compressed(struct buffer *b, uint32_t stream, const struct hash *feed_id,
	uint64_t first_seq, const uint8_t head[HEAD_BYTES], const struct hash *prev, uint32_t flags,
	const struct bytes *inline_bytes, uint32_t plain_len)
{
	write_run(b, stream, feed_id, first_seq, head, prev, flags | RUN_FLAG_COMPRESSED, inline_bytes,
		plain_len);
}

void message_write_fragment(
	struct buffer *b, uint32_t stream, uint64_t offset, bool last, struct bytes bytes)
{
	size_t at = message_frame_begin(b, MESSAGE_FRAGMENT, 4);
	wire_writer_uint(b, stream);
	wire_writer_uint(b, offset);
	wire_writer_bool(b, last);
	wire_writer_bin(b, bytes);
	message_frame_end(b, at);
}

void message_write_pull_end(
	struct buffer *b, const struct hash *feed_id, uint64_t next_seq, enum message_end_code code)
{
	size_t at = message_frame_begin(b, MESSAGE_PULL_END, 3);
	write_hash(b, feed_id);
	wire_writer_uint(b, next_seq);
	wire_writer_uint(b, code);
	message_frame_end(b, at);
}

void message_write_held(struct buffer *b, const struct message_feed *held)
{
	size_t at = message_frame_begin(b, MESSAGE_HELD, 3);
	write_hash(b, &held->feed_id);
	wire_writer_uint(b, held->seq);
	write_hash(b, &held->entry_hash);
	message_frame_end(b, at);
}

void message_write_ack(struct buffer *b, const struct hash *network_id, uint64_t arrival)
{
	size_t at = message_frame_begin(b, MESSAGE_ACK, 2);
	write_hash(b, network_id);
	wire_writer_uint(b, arrival);
	message_frame_end(b, at);
}

void message_write_ping(struct buffer *b, uint64_t token)
{
	size_t at = message_frame_begin(b, MESSAGE_PING, 1);
	wire_writer_uint(b, token);
	message_frame_end(b, at);
}

void message_write_pong(struct buffer *b, uint64_t token, struct timestamp time)
{
	size_t at = message_frame_begin(b, MESSAGE_PONG, 2);
	wire_writer_uint(b, token);
	wire_writer_uint(b, (uint64_t)time.ms);
	message_frame_end(b, at);
}

void message_write_reason(struct buffer *b, enum message_type type, uint32_t code, const char *text)
{
	size_t at = message_frame_begin(b, type, 2);
	wire_writer_uint(b, code);
	wire_writer_str(b, bytes_slice(bytes_from_text(text), 0, LIMIT_TEXT_BYTES));
	message_frame_end(b, at);
}

void message_write_paused(struct buffer *b, uint32_t code, const char *text)
{
	message_write_reason(b, MESSAGE_PAUSED, code, text);
}

void message_write_resumed(struct buffer *b)
{
	message_frame_end(b, message_frame_begin(b, MESSAGE_RESUMED, 0));
}

void message_write_attachment_pull(struct buffer *b, uint64_t limit, const struct hash *feed_id,
	uint64_t seq, const struct hash *attachment_id, uint32_t first_chunk, bool with_list)
{
	size_t at = message_frame_begin(b, MESSAGE_ATTACHMENT_PULL, 6);
	wire_writer_uint(b, limit);
	write_hash(b, feed_id);
	wire_writer_uint(b, seq);
	write_hash(b, attachment_id);
	wire_writer_uint(b, first_chunk);
	wire_writer_bool(b, with_list);
	message_frame_end(b, at);
}

void message_write_attachment(struct buffer *b, uint32_t stream, const struct hash *attachment_id,
	uint64_t size, uint32_t first_chunk, bool with_list)
{
	size_t at = message_frame_begin(b, MESSAGE_ATTACHMENT, 5);
	wire_writer_uint(b, stream);
	write_hash(b, attachment_id);
	wire_writer_uint(b, size);
	wire_writer_uint(b, first_chunk);
	wire_writer_bool(b, with_list);
	message_frame_end(b, at);
}

void message_write_attachment_end(
	struct buffer *b, const struct hash *attachment_id, enum message_end_code code)
{
	size_t at = message_frame_begin(b, MESSAGE_ATTACHMENT_END, 2);
	write_hash(b, attachment_id);
	wire_writer_uint(b, code);
	message_frame_end(b, at);
}

void message_write_hold_ask(struct buffer *b, const struct hash *network_id,
	const struct hash *city_id, const uint8_t nonce[16], uint32_t hops)
{
	size_t at = message_frame_begin(b, MESSAGE_HOLD_ASK, 4);
	write_hash(b, network_id);
	write_hash(b, city_id);
	wire_writer_bin(b, bytes_of(nonce, 16));
	wire_writer_uint(b, hops);
	message_frame_end(b, at);
}

void message_write_signed(
	struct buffer *b, enum message_type type, struct bytes body, const struct signature *signature)
{
	size_t at = message_frame_begin(b, type, 2);
	wire_writer_bin(b, body);
	wire_writer_bin(b, signature_bytes(signature));
	message_frame_end(b, at);
}

void message_write_beacon_want(struct buffer *b, const struct hash *network_id, uint64_t number,
	uint8_t (*cities)[BEACON_CITY_BYTES], uint32_t count)
{
	size_t at = message_frame_begin(b, MESSAGE_BEACON_WANT, 3);
	write_hash(b, network_id);
	wire_writer_uint(b, number);
	wire_writer_array(b, count);
	for (uint32_t i = 0; i < count; i++)
		wire_writer_bin(b, bytes_of(cities[i], BEACON_CITY_BYTES));
	message_frame_end(b, at);
}

void message_write_beacon_offer(struct buffer *b, const struct hash *network_id, uint64_t number,
	const struct message_beacon *beacons, uint32_t count)
{
	size_t at = message_frame_begin(b, MESSAGE_BEACON_OFFER, 3);
	write_hash(b, network_id);
	wire_writer_uint(b, number);
	wire_writer_array(b, count);
	for (uint32_t i = 0; i < count; i++) {
		wire_writer_array(b, 3);
		wire_writer_bin(b, bytes_of(beacons[i].city, BEACON_CITY_BYTES));
		wire_writer_uint(b, beacons[i].epoch);
		wire_writer_uint(b, (uint64_t)beacons[i].time.ms);
	}
	message_frame_end(b, at);
}

void message_write_twin_notice(struct buffer *b, const uint8_t instance[INSTANCE_BYTES])
{
	size_t at = message_frame_begin(b, MESSAGE_TWIN_NOTICE, 1);
	wire_writer_bin(b, bytes_of(instance, INSTANCE_BYTES));
	message_frame_end(b, at);
}

void message_write_twin_challenge(struct buffer *b, const uint8_t nonce[32])
{
	size_t at = message_frame_begin(b, MESSAGE_TWIN_CHALLENGE, 1);
	wire_writer_bin(b, bytes_of(nonce, 32));
	message_frame_end(b, at);
}

void message_write_twin_proof(struct buffer *b, const uint8_t nonce[32],
	const uint8_t instance[INSTANCE_BYTES], const struct signature *signature)
{
	size_t at = message_frame_begin(b, MESSAGE_TWIN_PROOF, 3);
	wire_writer_bin(b, bytes_of(nonce, 32));
	wire_writer_bin(b, bytes_of(instance, INSTANCE_BYTES));
	wire_writer_bin(b, signature_bytes(signature));
	message_frame_end(b, at);
}

void message_write_fork_ask(struct buffer *b, const struct hash *feed_id, uint64_t seq)
{
	size_t at = message_frame_begin(b, MESSAGE_FORK_ASK, 2);
	write_hash(b, feed_id);
	wire_writer_uint(b, seq);
	message_frame_end(b, at);
}

void message_write_fork_branch(struct buffer *b, const struct hash *feed_id, uint64_t seq,
	const struct hash *prev, struct bytes hashes, struct bytes head)
{
	size_t at = message_frame_begin(b, MESSAGE_FORK_BRANCH, 5);
	write_hash(b, feed_id);
	wire_writer_uint(b, seq);
	write_hash(b, prev);
	wire_writer_bin(b, hashes);
	wire_writer_bin(b, head);
	message_frame_end(b, at);
}

void message_write_join(struct buffer *b, const struct hash *proof, const char *slug,
	const char *name, const char *country, struct bytes record, const char *const *addresses,
	uint32_t address_count)
{
	size_t at = message_frame_begin(b, MESSAGE_JOIN, 6);
	write_hash(b, proof);
	wire_writer_text(b, slug);
	wire_writer_text(b, name);
	wire_writer_text(b, country);
	wire_writer_bin(b, record);
	wire_writer_array(b, address_count);
	for (uint32_t i = 0; i < address_count; i++)
		wire_writer_text(b, addresses[i]);
	message_frame_end(b, at);
}

void message_write_joined(struct buffer *b, const struct hash *network_id)
{
	size_t at = message_frame_begin(b, MESSAGE_JOINED, 1);
	write_hash(b, network_id);
	message_frame_end(b, at);
}

void message_write_join_end(struct buffer *b, uint64_t number, const struct hash *amendment_hash)
{
	size_t at = message_frame_begin(b, MESSAGE_JOIN_END, 2);
	wire_writer_uint(b, number);
	write_hash(b, amendment_hash);
	message_frame_end(b, at);
}
