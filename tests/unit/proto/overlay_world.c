/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/proto/overlay_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "charter/draft.h"

#define STEP_MS 5

static uint64_t next_random(struct overlay_world *w)
{
	w->random ^= w->random >> 12;
	w->random ^= w->random << 25;
	w->random ^= w->random >> 27;
	return w->random * UINT64_C(2685821657736338717);
}

/* ---- what the node needs ---- */

static void io_random(void *ctx, void *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)out)[i] = (uint8_t)(next_random(ctx) >> 24);
}

static void io_commit(void *ctx, struct commit *commit)
{
	struct overlay_world *w = ctx;
	require(w->commit_count < sizeof w->commits / sizeof w->commits[0]);
	w->commits[w->commit_count++] = commit;
}

static void io_read(void *ctx, struct node_read *read)
{
	(void)ctx, (void)read;
	require(false);
}

static void io_write(void *ctx, struct node_write *write)
{
	(void)ctx, (void)write;
	require(false);
}

static void io_wake(void *ctx, void *transport)
{
	(void)ctx, (void)transport; /* every link is asked at every step */
}

static void io_close(void *ctx, void *transport)
{
	(void)ctx;
	((struct overlay_member *)transport)->closing = true;
}

static void io_event(void *ctx, const struct node_event *event)
{
	(void)ctx, (void)event;
}

static void answer_commits(struct overlay_world *w)
{
	while (w->commit_count > 0) {
		struct commit *commit = w->commits[0];
		struct store_txn *txn;
		memmove(w->commits, w->commits + 1, --w->commit_count * sizeof commit);
		require(store_begin(w->store, &txn) == 0);
		commit->code = commit_apply(commit, txn);
		require(commit->code == 0);
		commit->code = store_commit(txn);
		node_on_committed(w->node, commit, w->now);
	}
}

/* ---- the members' side ---- */

static void read_frames(struct overlay_member *m, struct bytes bytes)
{
	static struct message message;
	while (bytes.len >= 4) {
		size_t len = (size_t)bytes.data[1] << 16 | (size_t)bytes.data[2] << 8 | bytes.data[3];
		if (message_decode(bytes_slice(bytes, 4, len), &message))
			return; /* a frame in two batches: none of those looked for */
		if (message.type == MESSAGE_PING)
			m->ping = message.ping.token;
		else if (message.type == MESSAGE_BYE)
			m->bye = (int)message.reason.code;
		bytes = bytes_slice(bytes, 4 + len, SIZE_MAX);
	}
}

static void drain(struct overlay_world *w, struct overlay_member *m)
{
	static uint8_t out[65536];
	size_t len;
	while (m->link && (len = link_produce(m->link, out, sizeof out, w->now)) > 0)
		read_frames(m, bytes_of(out, len));
	if (!m->link || !m->closing)
		return;
	node_link_closed(w->node, m->link, "closed", w->now);
	m->link = NULL;
}

void overlay_world_say(struct overlay_world *w, size_t i, struct bytes frames)
{
	struct overlay_member *m = &w->members[i];
	require(m->link && link_receive(m->link, frames, w->now) == 0);
	answer_commits(w);
	for (size_t k = 1; k < w->count; k++)
		drain(w, &w->members[k]);
}

static void say_hello(struct overlay_world *w, size_t i)
{
	const uint8_t instance[INSTANCE_BYTES] = {(uint8_t)i}, epoch[STORE_EPOCH_BYTES] = {1};
	struct message_network networks[2] = {0};
	struct buffer b;
	uint32_t count = 0;
	for (unsigned k = 0; k < 2; k++)
		if (w->members[i].networks & 1u << k)
			networks[count++].network_id = w->network_ids[k];
	if (count == 2 && hash_compare(&networks[0].network_id, &networks[1].network_id) > 0) {
		struct hash first = networks[0].network_id;
		networks[0].network_id = networks[1].network_id;
		networks[1].network_id = first;
	}
	buffer_init(&b, LIMIT_FRAME_BYTES);
	message_write_hello(&b, instance, w->now.wall, epoch, "played", networks, count, 0);
	overlay_world_say(w, i, buffer_bytes(&b));
	buffer_deinit(&b);
}

void overlay_world_link(struct overlay_world *w, size_t i, bool dialled)
{
	struct overlay_member *m = &w->members[i];
	require(!m->link);
	m->named = m->closing = false;
	m->dialled = dialled;
	m->bye = -1;
	m->ping = 0;
	m->link = node_link_open(
		w->node, secret_key_public(m->node_key), dialled, "192.0.2.1:4400", m, w->now);
	require(m->link);
	say_hello(w, i);
}

void overlay_world_unlink(struct overlay_world *w, size_t i)
{
	struct overlay_member *m = &w->members[i];
	require(m->link);
	node_link_closed(w->node, m->link, "gone", w->now);
	m->link = NULL;
}

static struct overlay_member *member_of(struct overlay_world *w, const struct hash *city_id)
{
	for (size_t i = 0; i < w->count; i++)
		if (hash_equal(&w->members[i].city_id, city_id))
			return &w->members[i];
	require(false);
	return NULL;
}

static bool may(void *ctx, const struct hash *city_id)
{
	return !member_of(ctx, city_id)->refuses;
}

size_t overlay_world_name(struct overlay_world *w, size_t max)
{
	struct node_dial dials[LIMIT_NETWORKS];
	size_t count = node_dials(w->node, may, w, dials, max, w->now);
	for (size_t i = 0; i < count; i++) {
		struct overlay_member *m = member_of(w, &dials[i].city_id);
		require(!m->link && !m->named && m != &w->members[0]);
		m->named = true;
		m->dials++;
	}
	return count;
}

void overlay_world_dial(struct overlay_world *w)
{
	while (overlay_world_name(w, 4) > 0)
		for (size_t i = 1; i < w->count; i++)
			if (w->members[i].named)
				overlay_world_link(w, i, true);
}

static void answer_pings(struct overlay_world *w, int64_t asked_us)
{
	for (size_t i = 1; i < w->count; i++) {
		struct overlay_member *m = &w->members[i];
		struct buffer b;
		if (!m->link || !m->ping || w->now.mono.us - asked_us < m->rtt_us)
			continue;
		buffer_init(&b, LIMIT_FRAME_BYTES);
		message_write_pong(&b, m->ping, w->now.wall);
		m->ping = 0;
		overlay_world_say(w, i, buffer_bytes(&b));
		buffer_deinit(&b);
	}
}

void overlay_world_pass(struct overlay_world *w, int64_t ms)
{
	int64_t asked_us = 0;
	while (ms > 0) {
		int64_t step = LIMIT_PING_AFTER_MS;
		for (size_t i = 1; i < w->count; i++)
			if (w->members[i].link && w->members[i].ping)
				step = STEP_MS;
		if (step > STEP_MS)
			asked_us = 0;
		step = step < ms ? step : ms;
		ms -= step;
		w->now.mono = monotime_add_ms(w->now.mono, step);
		w->now.wall = timestamp_add_ms(w->now.wall, step);
		node_on_deadline(w->node, w->now);
		answer_commits(w);
		for (size_t i = 1; i < w->count; i++)
			drain(w, &w->members[i]);
		asked_us = asked_us ? asked_us : w->now.mono.us;
		answer_pings(w, asked_us);
	}
}

size_t overlay_world_dialled(const struct overlay_world *w)
{
	size_t count = 0;
	for (size_t i = 1; i < w->count; i++)
		count += w->members[i].link && w->members[i].dialled;
	return count;
}

/* ---- founding ---- */

static void key_from(struct overlay_world *w, struct secret_key **out)
{
	uint8_t seed[SECRET_SEED_SIZE];
	io_random(w, seed, sizeof seed);
	require(secret_key_from_seed(seed, out) == 0);
}

static void on_object(void *ctx, int code, const struct hash *object_hash, uint64_t arrival)
{
	(void)object_hash, (void)arrival;
	*(int *)ctx = code;
}

static void found(struct overlay_world *w, unsigned k)
{
	static struct draft_founder founders[OVERLAY_MEMBERS_MAX];
	struct draft_network network = {.founders = founders,
		.name = bytes_from_text(k ? "Second" : "First"),
		.slug = bytes_from_text(k ? "second" : "first"),
		.time_ms = (uint64_t)w->now.wall.ms};
	for (size_t i = 0; i < w->count; i++) {
		const struct overlay_member *m = &w->members[i];
		if (m->networks & 1u << k)
			founders[network.founder_count++] = (struct draft_founder){
				.slug = bytes_from_text(m->slug),
				.name = bytes_from_text(m->slug),
				.country = bytes_from_text(m->country),
				.city_secret = m->city_key,
				.node_secret = m->node_key,
				.sealing_key = {9}};
	}
	network.officers.count = network.officers.k = 1;
	network.officers.list[0].key = *secret_key_public(w->officer);
	network.officers.list[0].name = bytes_from_text("officer");
	struct buffer body, wire;
	buffer_init(&body, LIMIT_OBJECT_BYTES);
	buffer_init(&wire, LIMIT_OBJECT_BYTES);
	require(draft_genesis(&network, &body) == 0);
	require(draft_seal_by(OBJECT_GENESIS, buffer_bytes(&body), w->officer, &wire) == 0);
	int code = 1;
	require(node_network_create(w->node, buffer_bytes(&wire), on_object, &code, w->now) == 0);
	answer_commits(w);
	require(code == 0);
	w->network_ids[k] = *roster_network_id(node_network_roster(w->node, k));
	buffer_deinit(&body);
	buffer_deinit(&wire);
}

static void publish_address(
	struct overlay_world *w, unsigned k, size_t i, void (*address)(size_t i, char to[64]))
{
	char text[64];
	address(i, text);
	struct address_list list = {.network_id = w->network_ids[k],
		.city_id = w->members[i].city_id,
		.epoch = 1,
		.number = 1,
		.time = (uint64_t)w->now.wall.ms,
		.count = 1,
		.addresses = {bytes_from_text(text)}};
	struct buffer wire;
	int code = 1;
	buffer_init(&wire, LIMIT_OBJECT_BYTES);
	require(address_list_seal(&wire, &list, w->members[i].node_key) == 0);
	require(node_object_submit(
				w->node, &w->network_ids[k], buffer_bytes(&wire), on_object, &code, w->now) == 0);
	answer_commits(w);
	require(code == 0);
	buffer_deinit(&wire);
}

void overlay_world_init(struct overlay_world *w, size_t count,
	void (*shape)(struct overlay_member *member, size_t i), void (*address)(size_t i, char to[64]))
{
	memset(w, 0, sizeof *w);
	w->count = count;
	w->random = 77;
	w->now.mono = monotime_from_us(1000000);
	w->now.wall = timestamp_from_ms(INT64_C(1790000000000));
	key_from(w, &w->officer);
	for (size_t i = 0; i < count; i++) {
		struct overlay_member *m = &w->members[i];
		m->world = w;
		snprintf(m->slug, sizeof m->slug, "city-%zu", i);
		snprintf(m->country, sizeof m->country, "HU");
		m->networks = 1;
		m->rtt_us = 1;
		shape(m, i);
		key_from(w, &m->city_key);
		key_from(w, &m->node_key);
		require(city_id_of(secret_key_public(m->city_key), &m->city_id) == 0);
	}
	struct overlay_member *self = &w->members[0];
	struct store_options options = {.epoch_seed = {1}};
	require(store_memory_open(&options, &w->store) == 0);
	struct node_config config = {
		.io = {w, io_commit, io_read, io_write, io_wake, io_close, io_event, io_random},
		.node_key = self->node_key,
		.node_public = *secret_key_public(self->node_key),
		.city_id = self->city_id,
		.city_key = *secret_key_public(self->city_key),
		.slug = self->slug,
		.name = self->slug,
		.country = self->country,
		.store = w->store,
		.agent = "test",
		.relay = true,
		.instance = {0xee},
	};
	struct complaint complaint;
	require(node_new(&config, w->now, &w->node, &complaint) == 0);
	for (unsigned k = 0; k < 2; k++) {
		if (!(self->networks & 1u << k))
			continue;
		found(w, k);
		for (size_t i = 1; i < count; i++)
			if (w->members[i].networks & 1u << k)
				publish_address(w, k, i, address);
	}
}

void overlay_world_deinit(struct overlay_world *w)
{
	for (size_t i = 1; i < w->count; i++)
		if (w->members[i].link)
			overlay_world_unlink(w, i);
	answer_commits(w);
	node_free(w->node);
	store_close(w->store);
	for (size_t i = 0; i < w->count; i++) {
		secret_key_free(w->members[i].city_key);
		secret_key_free(w->members[i].node_key);
	}
	secret_key_free(w->officer);
}
