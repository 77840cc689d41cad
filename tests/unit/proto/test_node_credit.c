/* SPDX-License-Identifier: Apache-2.0 */
/* Bulk credit: it never deadlocks, and what is given up gives its credit back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "feed/run.h"
#include "tests/unit/proto/script.h"

/* ---- the node serves ---- */

#define ORIGINS 3
#define LANES 3 /* call, doc, meta */
#define FEEDS (ORIGINS * LANES)
#define ENTRY_BYTES 60000
#define ENTRIES 12 /* a run of more than two slices as they are read */

struct hub {
	struct cluster c;
	struct city *node;
	struct script s;
	struct hash feeds[FEEDS];
	/* what the peer has received */
	uint64_t received, given_back;
	struct {
		uint32_t stream;
		uint64_t bytes;
		bool open;
	} streams[64];
	unsigned begun, begun_most, ended;
};

static void publish_run(struct city *city, uint8_t lane)
{
	static char body[ENTRY_BYTES + 1];
	struct node_published results[ENTRIES];
	memset(body, 'x', ENTRY_BYTES);
	for (int i = 0; i < ENTRIES; i++)
		assert_int_equal(cluster_publish_later(city, lane, body, &results[i]), 0);
	cluster_pass(city->cluster, 10);
	for (int i = 0; i < ENTRIES; i++)
		assert_int_equal(results[i].code, 0);
}

static bool holds_all(struct cluster *c, void *ctx)
{
	struct hub *h = ctx;
	struct node_feed feed;
	(void)c;
	for (int i = 0; i < FEEDS; i++)
		if (!node_feed_find(h->node->node, &h->feeds[i], &feed) || feed.seq < ENTRIES)
			return false;
	return true;
}

/* The node holds a run of three feeds of each of three cities; a fourth is played, with a live
 * link. */
static struct hub *hub_new(uint64_t seed)
{
	struct hub *h = calloc(1, sizeof *h);
	assert_non_null(h);
	cluster_init(&h->c, ORIGINS + 2, seed);
	cluster_found(&h->c);
	h->node = &h->c.cities[0];
	for (int i = 0; i < ORIGINS; i++) {
		struct city *origin = &h->c.cities[i + 1];
		cluster_connect(&h->c, h->node, origin);
		for (int lane = 0; lane < LANES; lane++) {
			uint8_t which = (uint8_t)(FEED_LANE_CALL + lane);
			publish_run(origin, which);
			assert_int_equal(
				feed_id_of(&h->c.network_id, &origin->city_id, which, &h->feeds[i * LANES + lane]),
				0);
		}
	}
	assert_true(cluster_run(&h->c, holds_all, h, 60000));
	for (int i = 0; i < ORIGINS; i++)
		cluster_disconnect(&h->c, h->node, &h->c.cities[i + 1]);
	script_live(&h->s, h->node, &h->c.cities[ORIGINS + 1]);
	return h;
}

static void hub_free(struct hub *h)
{
	script_close(&h->s);
	cluster_deinit(&h->c);
	free(h);
}

static void hub_pull_all(struct hub *h)
{
	for (int i = 0; i < FEEDS; i++) {
		struct message_pull pull = {h->feeds[i], 1};
		message_write_pull(&h->s.out, LIMIT_BULK_WINDOW_BYTES, &pull, 1);
	}
	script_send(&h->s);
}

/* A peer that can digest whole runs only. True: something came. */
static bool hub_take(struct hub *h)
{
	bool any = false;
	while (script_next(&h->s)) {
		const struct message *m = &h->s.message;
		any = true;
		if (m->type == MESSAGE_RUN && m->run.has_inline) {
			h->received += m->run.inline_bytes.len;
			h->given_back += m->run.inline_bytes.len;
		} else if (m->type == MESSAGE_RUN) {
			assert_in_range(m->run.stream, 0, 63);
			h->streams[m->run.stream].open = true;
			if (++h->begun > h->begun_most)
				h->begun_most = h->begun;
		} else if (m->type == MESSAGE_FRAGMENT) {
			assert_true(h->streams[m->fragment.stream].open);
			h->streams[m->fragment.stream].bytes += m->fragment.bytes.len;
			h->received += m->fragment.bytes.len;
			if (m->fragment.last) {
				h->streams[m->fragment.stream].open = false;
				h->given_back += h->streams[m->fragment.stream].bytes;
				h->begun--;
			}
		} else if (m->type == MESSAGE_PULL_END) {
			h->ended++;
		}
		assert_true(h->received <= h->given_back + LIMIT_BULK_WINDOW_BYTES);
	}
	message_write_credit(&h->s.out, h->given_back + LIMIT_BULK_WINDOW_BYTES, 0);
	script_send(&h->s);
	return any;
}

/* Answers the reads of which `which` says so; the others wait on. */
static bool answer_some(struct hub *h, bool (*which)(const struct node_read *read))
{
	struct city *city = h->node;
	bool any = false;
	for (size_t i = 0; i < city->read_count;) {
		struct node_read *read = city->reads[i];
		if (!which(read)) {
			i++;
			continue;
		}
		memmove(city->reads + i, city->reads + i + 1,
			(--city->read_count - i) * sizeof(struct node_read *));
		node_read_run(read, city->store, city->files);
		node_on_read(city->node, read, h->c.now);
		any = true;
	}
	return any;
}

static bool is_first(const struct node_read *read)
{
	return read->first_seq == 1;
}

/*
 * A disk that gives the beginning of every run and then nothing: if they were all begun, the
 * window would be full of beginnings, none of which the peer can digest.
 */
static void beginnings_never_fill_the_window(void **state)
{
	(void)state;
	struct hub *h = hub_new(1);
	h->node->hold_reads = true;
	hub_pull_all(h);
	for (bool moved = true; moved;) {
		moved = answer_some(h, is_first);
		moved |= hub_take(h);
		if (moved)
			cluster_pass(&h->c, 0);
	}
	assert_true(h->received > 0);
	h->node->hold_reads = false;
	for (int i = 0; i < 1000 && h->ended < FEEDS; i++)
		hub_take(h);
	assert_int_equal(h->ended, FEEDS);
	assert_int_equal(h->received, h->given_back);
	assert_true(h->received > (uint64_t)FEEDS * ENTRIES * ENTRY_BYTES);
	assert_int_equal(h->begun_most, 1);
	hub_free(h);
}

/* A peer asks for much and reads nothing: what is read from the disk for it stays little. */
static void stored_slices_are_few(void **state)
{
	(void)state;
	struct hub *h = hub_new(2);
	h->node->hold_reads = true;
	hub_pull_all(h);
	assert_in_range(h->node->read_count, 1, LIMIT_SLICES);
	h->node->hold_reads = false;
	for (int i = 0; i < 1000 && h->ended < FEEDS; i++)
		hub_take(h);
	assert_int_equal(h->ended, FEEDS);
	hub_free(h);
}

/* ---- the node pulls ---- */

struct puller {
	struct cluster c;
	struct city *node, *peer;
	struct script s;
	struct hash feed_id;
	uint64_t sent;
};

static void puller_init(struct puller *p, uint64_t seed)
{
	memset(p, 0, sizeof *p);
	cluster_init(&p->c, 3, seed);
	cluster_found(&p->c);
	p->node = &p->c.cities[0];
	p->peer = &p->c.cities[1];
	assert_int_equal(
		feed_id_of(&p->c.network_id, &p->peer->city_id, FEED_LANE_DOC, &p->feed_id), 0);
	script_live(&p->s, p->node, p->peer);
}

static void puller_deinit(struct puller *p)
{
	assert_false(script_closed(&p->s));
	script_close(&p->s);
	cluster_deinit(&p->c);
}

/* Begun, not ended, then "later": again and again, more than a window in all. */
static void an_ended_run_gives_its_credit_back(void **state)
{
	(void)state;
	static const uint8_t head[HEAD_BYTES] = {0}, bytes[LIMIT_FRAGMENT_BYTES] = {0};
	const struct hash hash = {{1}};
	struct puller p;
	puller_init(&p, 3);
	script_announce(&p.s, &p.feed_id, 1000, &hash, 0);
	for (uint32_t stream = 1; p.sent < 2 * LIMIT_BULK_WINDOW_BYTES; stream++) {
		script_send(&p.s);
		assert_true(script_seek(&p.s, MESSAGE_PULL));
		assert_true(p.s.bulk_limit >= p.sent + 2 * (uint64_t)LIMIT_RUN_BYTES);
		message_write_run(&p.s.out, stream, &p.feed_id, 1, head, NULL, 0, NULL);
		for (uint64_t at = 0; at < LIMIT_RUN_BYTES - sizeof bytes; at += sizeof bytes) {
			message_write_fragment(&p.s.out, stream, at, false, bytes_of(bytes, sizeof bytes));
			p.sent += sizeof bytes;
		}
		message_write_pull_end(&p.s.out, &p.feed_id, 1, END_LATER);
		script_send(&p.s);
		assert_false(script_closed(&p.s));
		cluster_pass(&p.c, 1000);
	}
	puller_deinit(&p);
}

/* The run comes after the node has given up waiting for it. */
static void what_comes_late_is_no_breach(void **state)
{
	(void)state;
	struct puller p;
	struct node_published published;
	struct script_run run;
	struct node_feed feed;
	puller_init(&p, 4);
	assert_int_equal(cluster_publish(p.peer, FEED_LANE_DOC, "text", &published), 0);
	script_run_of(p.peer, FEED_LANE_DOC, 1, &run);
	script_announce(&p.s, &p.feed_id, 1, &published.entry_hash, 0);
	script_send(&p.s);
	assert_true(script_seek(&p.s, MESSAGE_PULL));
	/* In between, before it is asked for again. */
	cluster_pass(&p.c, 5600);
	assert_false(script_seek(&p.s, MESSAGE_PULL));
	script_write_run(&p.s, &run, 0);
	message_write_pull_end(&p.s.out, &p.feed_id, 2, END_DONE);
	script_send(&p.s);
	assert_false(script_closed(&p.s));
	assert_true(cluster_feed(p.node, p.peer, FEED_LANE_DOC, &feed));
	assert_int_equal(feed.seq, 1);
	/* What was granted has lapsed with its end. */
	script_write_run(&p.s, &run, 0);
	script_send(&p.s);
	assert_true(script_closed(&p.s));
	assert_int_equal(script_bye(&p.s), BYE_PROTOCOL);
	assert_non_null(strstr(p.node->last_close, "credit"));
	script_run_free(&run);
	script_close(&p.s);
	cluster_deinit(&p.c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(beginnings_never_fill_the_window),
		cmocka_unit_test(stored_slices_are_few),
		cmocka_unit_test(an_ended_run_gives_its_credit_back),
		cmocka_unit_test(what_comes_late_is_no_breach),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
