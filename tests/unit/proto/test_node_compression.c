/* SPDX-License-Identifier: Apache-2.0 */
/* Runs that travel compressed: to whom, over which links, and what a hostile peer can make of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/compression.h"
#include "base/error.h"
#include "feed/run.h"
#include "tests/unit/proto/script.h"

#define SLOW (250u * 1000) /* 2 Mbit/s */
#define FAST (1000u * 1000 * 1000)

static uint32_t chance = 1;

/* Text whose letters are drawn from so many: the fewer, the shorter it becomes. */
static const char *text_of(size_t len, unsigned letters)
{
	static char text[100001];
	for (size_t i = 0; i < len; i++) {
		chance = chance * 1103515245 + 12345;
		text[i] = (char)(' ' + (chance >> 16) % letters);
	}
	text[len] = 0;
	return text;
}

/* One run of so many entries. */
static void publish(struct city *city, uint8_t lane, unsigned count, size_t len, unsigned letters)
{
	struct node_published results[64];
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(cluster_publish_later(city, lane, text_of(len, letters), &results[i]), 0);
	cluster_pass(city->cluster, 10);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(results[i].code, 0);
}

/* ---- the node serves ---- */

struct served {
	bool compressed, streamed;
	uint32_t plain_len;
	uint64_t wire; /* bytes of the run as they came */
	struct buffer plain;
};

static void unpack(struct served *run, struct buffer *came)
{
	run->wire = came->len;
	if (!run->compressed) {
		buffer_push_bytes(&run->plain, buffer_bytes(came));
		return;
	}
	uint8_t *to = buffer_reserve(&run->plain, run->plain_len);
	assert_non_null(to);
	assert_int_equal(compression_unpack(buffer_bytes(came), to, run->plain_len), 0);
	buffer_commit(&run->plain, run->plain_len);
}

/* A large run does not come all at once. */
static bool seek(struct script *s, enum message_type type)
{
	for (int i = 0; i < 100; i++) {
		if (script_seek(s, type))
			return true;
		cluster_pass(s->c, 0);
	}
	return false;
}

/* Reads one run up to the end of the pull. */
static void take(struct script *s, struct served *run)
{
	struct buffer came;
	memset(run, 0, sizeof *run);
	buffer_init(&run->plain, SIZE_MAX);
	buffer_init(&came, SIZE_MAX);
	assert_true(seek(s, MESSAGE_RUN));
	run->compressed = s->message.run.flags & RUN_FLAG_COMPRESSED;
	run->plain_len = s->message.run.plain_len;
	run->streamed = !s->message.run.has_inline;
	if (!run->streamed)
		buffer_push_bytes(&came, s->message.run.inline_bytes);
	for (bool last = !run->streamed; !last; last = s->message.fragment.last) {
		assert_true(seek(s, MESSAGE_FRAGMENT));
		buffer_push_bytes(&came, s->message.fragment.bytes);
	}
	unpack(run, &came);
	buffer_deinit(&came);
	assert_true(seek(s, MESSAGE_PULL_END));
}

static void pull(struct script *s, const struct hash *feed_id, uint64_t limit)
{
	struct message_pull wanted = {*feed_id, 1};
	message_write_pull(&s->out, limit, &wanted, 1);
	script_send(s);
}

struct server {
	struct cluster c;
	struct city *node;
	struct script s;
	struct hash feeds[FEED_LANE_COUNT];
};

static void server_init(struct server *t, uint64_t features, bool compression)
{
	memset(t, 0, sizeof *t);
	cluster_init(&t->c, 2, 1);
	cluster_found(&t->c);
	t->node = &t->c.cities[0];
	if (!compression) {
		cluster_node_stop(t->node);
		t->node->no_compression = true;
		cluster_node_start(t->node);
	}
	for (uint8_t lane = FEED_LANE_ALERT; lane < FEED_LANE_COUNT; lane++)
		assert_int_equal(feed_id_of(&t->c.network_id, &t->node->city_id, lane, &t->feeds[lane]), 0);
	script_open(&t->s, t->node, &t->c.cities[1]);
	t->s.features = features;
	script_hello(&t->s, roster_number(node_network_roster(t->node->node, 0)));
	script_send(&t->s);
	script_drain(&t->s);
}

static void server_deinit(struct server *t)
{
	assert_false(script_closed(&t->s));
	script_close(&t->s);
	cluster_deinit(&t->c);
}

/* The same run, as the node has it. */
static void assert_is_stored(struct server *t, uint8_t lane, const struct served *run)
{
	struct buffer stored;
	struct store_slice slice;
	uint64_t seq = 1;
	buffer_init(&stored, SIZE_MAX);
	do {
		assert_int_equal(store_read_run(t->node->store, &t->feeds[lane], seq, STORE_READ_BYTES_MAX,
							 &stored, &slice),
			0);
		seq = slice.next_seq;
	} while (!slice.head_reached);
	assert_int_equal(stored.len, run->plain.len);
	assert_memory_equal(stored.data, run->plain.data, stored.len);
	buffer_deinit(&stored);
}

static void served_compressed(struct server *t, uint8_t lane, bool expected)
{
	struct served run;
	pull(&t->s, &t->feeds[lane], LIMIT_BULK_WINDOW_BYTES * 8);
	take(&t->s, &run);
	assert_int_equal(run.compressed, expected);
	assert_is_stored(t, lane, &run);
	buffer_deinit(&run.plain);
}

static void small_and_large_runs_go_compressed(void **state)
{
	(void)state;
	struct server t;
	struct served run;
	server_init(&t, HELLO_TAKES_COMPRESSED, true);
	publish(t.node, FEED_LANE_CALL, 1, 900, 16);
	publish(t.node, FEED_LANE_DOC, 5, 100000, 16); /* two slices as they are read */
	pull(&t.s, &t.feeds[FEED_LANE_CALL], LIMIT_BULK_WINDOW_BYTES);
	take(&t.s, &run);
	assert_true(run.compressed && !run.streamed);
	assert_true(run.wire < run.plain.len * 3 / 4);
	assert_is_stored(&t, FEED_LANE_CALL, &run);
	buffer_deinit(&run.plain);
	pull(&t.s, &t.feeds[FEED_LANE_DOC], 2 * LIMIT_BULK_WINDOW_BYTES);
	take(&t.s, &run);
	assert_true(run.compressed && run.streamed);
	assert_true(run.plain.len > 5 * 100000 && run.wire < run.plain.len * 6 / 10);
	assert_is_stored(&t, FEED_LANE_DOC, &run);
	buffer_deinit(&run.plain);
	server_deinit(&t);
}

static void only_to_who_takes_it(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		struct server t;
		server_init(&t, i == 0 ? 0 : HELLO_TAKES_COMPRESSED | 2, i != 1);
		publish(t.node, FEED_LANE_DOC, 3, 5000, 16);
		served_compressed(&t, FEED_LANE_DOC, i == 2);
		server_deinit(&t);
	}
}

static void only_over_slow_links(void **state)
{
	(void)state;
	struct server t;
	server_init(&t, HELLO_TAKES_COMPRESSED, true);
	publish(t.node, FEED_LANE_DOC, 3, 5000, 16);
	link_set_rate(t.s.end->peer->link, FAST);
	served_compressed(&t, FEED_LANE_DOC, false);
	link_set_rate(t.s.end->peer->link, SLOW);
	served_compressed(&t, FEED_LANE_DOC, true);
	server_deinit(&t);
}

static void never_alerts(void **state)
{
	(void)state;
	struct server t;
	server_init(&t, HELLO_TAKES_COMPRESSED, true);
	assert_int_equal(
		cluster_publish(t.node, FEED_LANE_ALERT, text_of(30000, 16), NULL), 0); /* not pushed */
	served_compressed(&t, FEED_LANE_ALERT, false);
	server_deinit(&t);
}

static void what_gains_nothing_goes_plain(void **state)
{
	(void)state;
	struct server t;
	server_init(&t, HELLO_TAKES_COMPRESSED, true);
	publish(t.node, FEED_LANE_DOC, 5, 100000, 94 + 130); /* 7.8 bits of a byte are chance */
	served_compressed(&t, FEED_LANE_DOC, false);
	server_deinit(&t);
}

/* What a run unpacks to is counted when it is begun, so that nobody has to guess. */
static void credit_is_of_plain_bytes(void **state)
{
	(void)state;
	struct server t;
	struct served run;
	server_init(&t, HELLO_TAKES_COMPRESSED, true);
	publish(t.node, FEED_LANE_DOC, 5, 20000, 2);
	pull(&t.s, &t.feeds[FEED_LANE_DOC], 100000); /* enough for what travels, not for the run */
	assert_false(script_seek(&t.s, MESSAGE_RUN));
	message_write_credit(&t.s.out, 101000, 0);
	script_send(&t.s);
	take(&t.s, &run);
	assert_true(run.compressed && run.wire < 20000 && run.plain.len > 100000);
	buffer_deinit(&run.plain);
	server_deinit(&t);
}

/* ---- between nodes ---- */

static void add_received(void *ctx, const struct node_peer *peer)
{
	*(uint64_t *)ctx += peer->received_bytes;
}

static void nodes_of_both_kinds_converge(void **state)
{
	(void)state;
	uint64_t received[2] = {0};
	for (int i = 0; i < 2; i++) {
		struct cluster c;
		cluster_init(&c, 3, 5);
		cluster_found(&c);
		if (i == 0) {
			cluster_node_stop(&c.cities[1]);
			c.cities[1].no_compression = true;
			cluster_node_start(&c.cities[1]);
		}
		publish(&c.cities[0], FEED_LANE_DOC, 12, 30000, 16);
		publish(&c.cities[2], FEED_LANE_META, 20, 900, 16);
		cluster_connect(&c, &c.cities[0], &c.cities[1]);
		cluster_connect(&c, &c.cities[1], &c.cities[2]);
		assert_true(cluster_run(&c, cluster_converged, NULL, 60000));
		node_each_peer(c.cities[1].node, add_received, &received[i]);
		cluster_deinit(&c);
	}
	assert_true(received[1] < received[0] * 7 / 10);
}

/* ---- the node pulls ---- */

struct puller {
	struct cluster c;
	struct city *node, *peer;
	struct script s;
	struct script_run run;
	struct buffer packed;
};

/* The node has asked for the run. */
static void puller_init(struct puller *p, bool compression)
{
	struct node_feed feed;
	memset(p, 0, sizeof *p);
	cluster_init(&p->c, 3, 4);
	cluster_found(&p->c);
	p->node = &p->c.cities[0];
	p->peer = &p->c.cities[1];
	if (!compression) {
		cluster_node_stop(p->node);
		p->node->no_compression = true;
		cluster_node_start(p->node);
	}
	script_live(&p->s, p->node, p->peer);
	publish(p->peer, FEED_LANE_DOC, 10, 3000, 16);
	script_run_of(p->peer, FEED_LANE_DOC, 1, &p->run);
	buffer_init(&p->packed, SIZE_MAX);
	assert_int_equal(compression_pack(blob_bytes(p->run.blob), 30000, &p->packed), 0);
	assert_true(cluster_feed(p->peer, p->peer, FEED_LANE_DOC, &feed));
	script_announce(&p->s, &p->run.feed_id, 10, &feed.entry_hash, 0);
	script_send(&p->s);
	assert_true(script_seek(&p->s, MESSAGE_PULL));
}

static void puller_deinit(struct puller *p)
{
	script_run_free(&p->run);
	buffer_deinit(&p->packed);
	script_close(&p->s);
	cluster_deinit(&p->c);
}

static void begin(struct puller *p, uint32_t flags, const struct bytes *inline_bytes, size_t len)
{
	message_write_run_compressed(&p->s.out, 1, &p->run.feed_id, 1, p->run.slice.head, NULL, flags,
		inline_bytes, (uint32_t)len);
}

static void fragments(struct puller *p, struct bytes packed)
{
	for (size_t at = 0; at < packed.len; at += 1000)
		message_write_fragment(
			&p->s.out, 1, at, at + 1000 >= packed.len, bytes_slice(packed, at, 1000));
}

static void taken_inline_and_in_fragments(void **state)
{
	(void)state;
	for (int streamed = 0; streamed < 2; streamed++) {
		struct puller p;
		struct node_feed feed;
		puller_init(&p, true);
		struct bytes packed = buffer_bytes(&p.packed);
		begin(&p, 0, streamed ? NULL : &packed, p.run.blob->len);
		if (streamed)
			fragments(&p, packed);
		script_send(&p.s);
		assert_false(script_closed(&p.s));
		assert_true(cluster_feed(p.node, p.peer, FEED_LANE_DOC, &feed));
		assert_int_equal(feed.seq, 10);
		puller_deinit(&p);
	}
}

/* A run that is begun and given up, again and again: more than a window of plain bytes in all. */
static void what_is_given_up_gives_its_credit_back(void **state)
{
	(void)state;
	struct puller p;
	puller_init(&p, true);
	for (int i = 0; i < 5; i++) {
		assert_true(p.s.bulk_limit >= (uint64_t)(i + 1) * LIMIT_RUN_BYTES);
		begin(&p, 0, NULL, LIMIT_RUN_BYTES);
		message_write_fragment(&p.s.out, 1, 0, false, bytes_from_text("begun"));
		message_write_pull_end(&p.s.out, &p.run.feed_id, 1, END_LATER);
		script_send(&p.s);
		assert_false(script_closed(&p.s));
		cluster_pass(&p.c, 1000);
		script_send(&p.s);
		assert_true(script_seek(&p.s, MESSAGE_PULL));
	}
	puller_deinit(&p);
}

/* ---- hostile ---- */

static void cut_short(struct puller *p)
{
	struct bytes packed = bytes_slice(buffer_bytes(&p->packed), 0, p->packed.len - 1);
	begin(p, 0, &packed, p->run.blob->len);
}

static void goes_on(struct puller *p)
{
	buffer_push_u8(&p->packed, 0);
	struct bytes packed = buffer_bytes(&p->packed);
	begin(p, 0, &packed, p->run.blob->len);
}

static void said_to_be_smaller(struct puller *p)
{
	struct bytes packed = buffer_bytes(&p->packed);
	begin(p, 0, &packed, p->run.blob->len - 1);
}

static void said_to_be_larger(struct puller *p)
{
	begin(p, 0, NULL, p->run.blob->len + 1);
	fragments(p, buffer_bytes(&p->packed));
}

static void bomb(struct puller *p)
{
	static const uint8_t bytes[] = {
		0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0xff, 0xff, 0xff, 0xff, 0x03, 0, 0x10, 'z'};
	struct bytes packed = bytes_of(bytes, sizeof bytes);
	begin(p, 0, &packed, LIMIT_RUN_BYTES);
}

static void no_frame(struct puller *p)
{
	struct bytes packed = bytes_from_text("this is no frame");
	begin(p, 0, &packed, p->run.blob->len);
}

static void inline_no_smaller(struct puller *p)
{
	struct bytes plain = blob_bytes(p->run.blob);
	begin(p, 0, &plain, plain.len);
}

static void fragments_no_smaller(struct puller *p)
{
	begin(p, 0, NULL, 5000);
	fragments(p, bytes_slice(blob_bytes(p->run.blob), 0, 5000));
}

static void pushed(struct puller *p)
{
	struct bytes packed = buffer_bytes(&p->packed);
	begin(p, RUN_FLAG_PUSHED, &packed, p->run.blob->len);
}

static void of_alerts(struct puller *p)
{
	struct bytes packed = buffer_bytes(&p->packed);
	assert_int_equal(
		feed_id_of(&p->c.network_id, &p->peer->city_id, FEED_LANE_ALERT, &p->run.feed_id), 0);
	begin(p, 0, &packed, p->run.blob->len);
}

static void beyond_credit(struct puller *p)
{
	for (uint32_t stream = 1; stream <= 3; stream++)
		message_write_run_compressed(&p->s.out, stream, &p->run.feed_id, 1, p->run.slice.head, NULL,
			0, NULL, LIMIT_RUN_BYTES);
}

static void with_a_changed_body(struct puller *p)
{
	p->run.blob->data[p->run.blob->len - 1] ^= 1;
	buffer_reset(&p->packed);
	assert_int_equal(compression_pack(blob_bytes(p->run.blob), 30000, &p->packed), 0);
	struct bytes packed = buffer_bytes(&p->packed);
	begin(p, 0, &packed, p->run.blob->len);
}

static void each_misuse_is_named(void **state)
{
	(void)state;
	static const struct {
		void (*does)(struct puller *p);
		const char *says;
	} table[] = {
		{cut_short, "compression: ERROR_SYNTAX"},
		{goes_on, "compression: ERROR_TRAILING"},
		{said_to_be_smaller, "compression: ERROR_SIZE"},
		{said_to_be_larger, "compression: ERROR_SIZE"},
		{bomb, "compression: ERROR_SIZE"},
		{no_frame, "compression: ERROR_SYNTAX"},
		{inline_no_smaller, "compression: ERROR_MESSAGE"},
		{fragments_no_smaller, "compression: ERROR_MESSAGE"},
		{pushed, "compression: ERROR_MESSAGE"},
		{of_alerts, "compression: ERROR_MESSAGE"},
		{beyond_credit, "credit: ERROR_CREDIT"},
		{with_a_changed_body, "chain: ERROR_CHAIN"},
	};
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct puller p;
		puller_init(&p, true);
		table[i].does(&p);
		script_send(&p.s);
		if (!script_closed(&p.s) || script_bye(&p.s) != BYE_PROTOCOL ||
			!strstr(p.node->last_close, table[i].says))
			fail_msg("%zu: %s, not %s", i, p.node->last_close, table[i].says);
		puller_deinit(&p);
	}
}

static void who_never_said_so_takes_none(void **state)
{
	(void)state;
	struct puller p;
	puller_init(&p, false);
	struct bytes packed = buffer_bytes(&p.packed);
	begin(&p, 0, &packed, p.run.blob->len);
	script_send(&p.s);
	assert_true(script_closed(&p.s));
	assert_non_null(strstr(p.node->last_close, "compression"));
	puller_deinit(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_and_large_runs_go_compressed),
		cmocka_unit_test(only_to_who_takes_it),
		cmocka_unit_test(only_over_slow_links),
		cmocka_unit_test(never_alerts),
		cmocka_unit_test(what_gains_nothing_goes_plain),
		cmocka_unit_test(credit_is_of_plain_bytes),
		cmocka_unit_test(nodes_of_both_kinds_converge),
		cmocka_unit_test(taken_inline_and_in_fragments),
		cmocka_unit_test(what_is_given_up_gives_its_credit_back),
		cmocka_unit_test(each_misuse_is_named),
		cmocka_unit_test(who_never_said_so_takes_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
