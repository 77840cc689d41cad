/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/proto/script.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "charter/roster.h"
#include "proto/blob.h"

void script_open_key(struct script *s, struct city *node, const struct public_key *key)
{
	memset(s, 0, sizeof *s);
	s->c = node->cluster;
	s->node = node;
	s->end = cluster_play(node, key);
	buffer_init(&s->out, SIZE_MAX);
	buffer_init(&s->frame, LIMIT_FRAME_BYTES);
	cluster_pass(s->c, 0);
}

void script_open(struct script *s, struct city *node, struct city *as)
{
	script_open_key(s, node, secret_key_public(as->node_key));
	s->as = as;
}

void script_close(struct script *s)
{
	buffer_deinit(&s->out);
	buffer_deinit(&s->frame);
	s->end->closed = true;
	cluster_pass(s->c, 0);
}

void script_hello(struct script *s, uint64_t number)
{
	static const uint8_t instance[INSTANCE_BYTES] = {0x5c}, store_epoch[STORE_EPOCH_BYTES] = {1};
	struct message_network network = {.network_id = s->c->network_id, .number = number};
	memset(network.digest.bytes, 0x5a, HASH_SIZE);
	message_write_hello(
		&s->out, instance, s->c->now.wall, store_epoch, "script", &network, 1, s->features);
}

void script_live(struct script *s, struct city *node, struct city *as)
{
	script_open(s, node, as);
	script_hello(s, roster_number(node_network_roster(node->node, 0)));
	script_send(s);
	require(!script_closed(s));
	script_drain(s);
}

void script_send(struct script *s)
{
	buffer_push_bytes(&s->end->peer->in, buffer_bytes(&s->out));
	buffer_reset(&s->out);
	cluster_pass(s->c, 0);
}

bool script_next(struct script *s)
{
	struct bytes in = buffer_bytes(&s->end->in);
	if (in.len < 4)
		return false;
	size_t len = (size_t)in.data[0] << 24 | (size_t)in.data[1] << 16 | (size_t)in.data[2] << 8 |
		in.data[3];
	if (in.len < 4 + len)
		return false;
	buffer_reset(&s->frame);
	require(buffer_push(&s->frame, in.data + 4, len) == 0);
	buffer_consume(&s->end->in, 4 + len);
	require(message_decode(buffer_bytes(&s->frame), &s->message) == 0);
	const struct message *m = &s->message;
	if (m->type == MESSAGE_PULL)
		s->bulk_limit = m->pull.limit;
	else if (m->type == MESSAGE_ATTACHMENT_PULL)
		s->bulk_limit = m->attachment_pull.limit;
	else if (m->type == MESSAGE_CREDIT)
		s->bulk_limit = m->credit.bulk_limit;
	return true;
}

bool script_seek(struct script *s, enum message_type type)
{
	while (script_next(s))
		if (s->message.type == type)
			return true;
	return false;
}

void script_drain(struct script *s)
{
	while (script_next(s))
		;
}

bool script_closed(const struct script *s)
{
	return s->end->peer->closed;
}

int script_bye(struct script *s)
{
	return script_seek(s, MESSAGE_BYE) ? (int)s->message.reason.code : -1;
}

void script_run_of(struct city *of, uint8_t lane, uint64_t first_seq, struct script_run *out)
{
	struct buffer bytes;
	memset(out, 0, sizeof *out);
	buffer_init(&bytes, 2 * STORE_READ_BYTES_MAX + ENTRY_BYTES_MAX);
	require(feed_id_of(&of->cluster->network_id, &of->city_id, lane, &out->feed_id) == 0);
	require(store_read_run(of->store, &out->feed_id, first_seq, STORE_READ_BYTES_MAX, &bytes,
				&out->slice) == 0);
	require(out->slice.has_head && out->slice.head_reached);
	out->blob = blob_copy(buffer_bytes(&bytes));
	require(out->blob);
	buffer_deinit(&bytes);
}

void script_run_free(struct script_run *run)
{
	blob_free(run->blob);
}

void script_write_run(struct script *s, const struct script_run *run, uint32_t flags)
{
	static uint32_t stream = 1;
	struct bytes bytes = blob_bytes(run->blob);
	message_write_run(&s->out, stream++, &run->feed_id, run->slice.first_seq, run->slice.head,
		flags & RUN_FLAG_PUSHED ? &run->slice.prev : NULL, flags, &bytes);
}

void script_announce(struct script *s, const struct hash *feed_id, uint64_t seq,
	const struct hash *entry_hash, uint64_t arrival)
{
	struct message_feed feed = {*feed_id, seq, *entry_hash};
	static const uint8_t rolling[8] = {7};
	message_write_announce(&s->out, &s->c->network_id, &feed, 1, NULL, 0, arrival ? &arrival : NULL,
		arrival ? rolling : NULL);
}
