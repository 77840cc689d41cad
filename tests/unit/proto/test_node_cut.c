/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cuts between two heads, through several nodes: city a publishes with heads at 40 and 45, officers
 * suspend it with the cut at 43. docs/protocol.md, section 4.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "charter/draft.h"
#include "tests/unit/proto/cluster.h"

#define FIRST_HEAD 40
#define CUT 43
#define SECOND_HEAD 45
#define BODY_BYTES 3000 /* so that the run travels in fragments */

struct world {
	struct cluster c;
	struct city *a, *b, *c_, *d;
	struct hash feed_id;
	struct hash hashes[SECOND_HEAD + 1];
};

static void publish_many(struct world *w, unsigned first, unsigned last)
{
	static char body[BODY_BYTES + 1];
	struct node_published results[SECOND_HEAD + 1];
	memset(body, 'x', BODY_BYTES);
	for (unsigned seq = first; seq <= last; seq++)
		assert_int_equal(cluster_publish_later(w->a, FEED_LANE_DOC, body, &results[seq]), 0);
	cluster_pass(&w->c, 10);
	for (unsigned seq = first; seq <= last; seq++) {
		assert_int_equal(results[seq].code, 0);
		assert_int_equal(results[seq].seq, seq);
		w->hashes[seq] = results[seq].entry_hash;
	}
}

static uint64_t seq_at(const struct world *w, struct city *at)
{
	struct node_feed feed;
	if (!cluster_feed(at, w->a, FEED_LANE_DOC, &feed))
		return 0;
	if (feed.seq > 0 && feed.seq <= SECOND_HEAD && feed.epoch == 1)
		assert_memory_equal(&feed.entry_hash, &w->hashes[feed.seq], HASH_SIZE);
	return feed.seq;
}

/* c_ has what the first head vouches for, d nothing; a and b have all. */
static void world_init(struct world *w, uint64_t seed)
{
	memset(w, 0, sizeof *w);
	cluster_init(&w->c, 4, seed);
	w->a = &w->c.cities[0];
	w->b = &w->c.cities[1];
	w->c_ = &w->c.cities[2];
	w->d = &w->c.cities[3];
	cluster_found(&w->c);
	assert_int_equal(feed_id_of(&w->c.network_id, &w->a->city_id, FEED_LANE_DOC, &w->feed_id), 0);
	cluster_connect(&w->c, w->a, w->b);
	cluster_connect(&w->c, w->b, w->c_);
	cluster_pass(&w->c, 100);
	publish_many(w, 1, FIRST_HEAD);
	cluster_pass(&w->c, 3000);
	assert_int_equal(seq_at(w, w->c_), FIRST_HEAD);
	cluster_disconnect(&w->c, w->b, w->c_);
	publish_many(w, FIRST_HEAD + 1, SECOND_HEAD);
	cluster_pass(&w->c, 3000);
	assert_int_equal(seq_at(w, w->b), SECOND_HEAD);
	assert_int_equal(seq_at(w, w->c_), FIRST_HEAD);
	struct store_feed feed;
	assert_int_equal(store_read_feed(w->a->store, &w->feed_id, &feed), 0);
	assert_true(feed.has_head);
}

static void world_deinit(struct world *w)
{
	cluster_deinit(&w->c);
}

static void suspend_at(struct world *w, struct city *at, uint64_t seq)
{
	struct amendment_item item = {.kind = AMENDMENT_SUSPEND, .city_id = w->a->city_id};
	item.end.reason = bytes_from_text("its server was seized");
	item.end.has_cuts = true;
	item.end.epoch = 1;
	item.end.cuts[FEED_LANE_DOC - 1] = (struct epoch_cut){seq, w->hashes[seq]};
	assert_int_equal(cluster_amend(at, &item, 1), 0);
}

static void resume(struct city *at, const struct city *whom)
{
	struct amendment_item item = {.kind = AMENDMENT_RESUME, .city_id = whom->city_id};
	assert_int_equal(cluster_amend(at, &item, 1), 0);
}

static int on_entry(void *ctx, const struct store_entry *entry)
{
	assert_memory_equal(&entry->entry_hash, ctx, HASH_SIZE);
	return 0;
}

/* Exactly up to the cut, each entry readable, the last ones without a head. */
static void assert_cut_held(struct world *w, struct city *at)
{
	struct store_feed feed;
	struct store_info info;
	assert_int_equal(seq_at(w, at), CUT);
	assert_int_equal(store_read_feed(at->store, &w->feed_id, &feed), 0);
	assert_int_equal(feed.seq, CUT);
	assert_false(feed.has_head);
	assert_int_equal(store_info(at->store, &info), 0);
	assert_int_equal(info.records, CUT);
	for (uint64_t seq = 1; seq <= CUT; seq++)
		assert_int_equal(
			store_read_entry(at->store, &w->feed_id, seq, on_entry, &w->hashes[seq]), 0);
	assert_int_equal(
		store_read_entry(at->store, &w->feed_id, CUT + 1, on_entry, NULL), ERROR_NOT_FOUND);
}

static void on_object(void *ctx, int code, const struct hash *object_hash, uint64_t arrival)
{
	(void)object_hash;
	(void)arrival;
	*(int *)ctx = code;
}

static void a_run_ends_at_the_cut(void **state)
{
	(void)state;
	struct world w;
	world_init(&w, 11);
	suspend_at(&w, w.b, CUT);
	cluster_pass(&w.c, 1000);
	assert_cut_held(&w, w.b);
	assert_cut_held(&w, w.a); /* it learns of it before its link ends */
	cluster_node_stop(w.b);
	cluster_node_start(w.b);
	cluster_connect(&w.c, w.b, w.c_); /* 41 to 43 are missing here */
	cluster_connect(&w.c, w.c_, w.d); /* all here, through one that had them by the cut alone */
	cluster_pass(&w.c, 10000);
	assert_cut_held(&w, w.c_);
	assert_cut_held(&w, w.d);
	assert_string_equal(w.c_->last_close, "the wire was cut");
	assert_string_equal(w.d->last_close, "");
	world_deinit(&w);
}

static void the_next_epoch_begins_behind_it(void **state)
{
	(void)state;
	struct world w;
	struct node_published published;
	struct node_feed feed;
	world_init(&w, 12);
	suspend_at(&w, w.b, CUT);
	cluster_pass(&w.c, 1000);
	cluster_connect(&w.c, w.b, w.c_);
	cluster_pass(&w.c, 10000);
	assert_cut_held(&w, w.c_);
	assert_int_equal(
		cluster_publish(w.a, FEED_LANE_DOC, "suspended", &published), ERROR_NOT_MEMBER);
	resume(w.b, w.a);
	cluster_connect(&w.c, w.a, w.b); /* it is told that it is active again */
	cluster_pass(&w.c, 3000);
	/* Its epoch has an end: it has to open the next one. */
	assert_int_equal(cluster_publish(w.a, FEED_LANE_DOC, "too early", &published), ERROR_CUT);
	cluster_renew(w.a);
	assert_int_equal(cluster_publish(w.a, FEED_LANE_DOC, "epoch two", &published), 0);
	assert_int_equal(published.seq, CUT + 1);
	cluster_connect(&w.c, w.a, w.b);
	cluster_pass(&w.c, 5000);
	cluster_connect(&w.c, w.c_, w.d); /* which keeps the end of epoch 1 as such */
	cluster_pass(&w.c, 5000);
	for (size_t i = 0; i < w.c.count; i++) {
		assert_true(cluster_feed(&w.c.cities[i], w.a, FEED_LANE_DOC, &feed));
		assert_int_equal(feed.seq, CUT + 1);
		assert_int_equal(feed.epoch, 2);
		assert_memory_equal(&feed.entry_hash, &published.entry_hash, HASH_SIZE);
		assert_int_equal(
			store_read_entry(w.c.cities[i].store, &w.feed_id, CUT, on_entry, &w.hashes[CUT]), 0);
	}
	assert_string_equal(w.d->last_close, "");
	world_deinit(&w);
}

static void a_key_renewed_meanwhile_is_learnt(void **state)
{
	(void)state;
	struct world w;
	struct node_published published;
	struct node_feed feed;
	world_init(&w, 14);
	suspend_at(&w, w.b, CUT);
	cluster_pass(&w.c, 1000);
	cluster_renew(w.a); /* there is nobody who would be told */
	cluster_pass(&w.c, 1000);
	resume(w.b, w.a);
	/* Neither knows of the other what would pin it: two tries, one for each. */
	for (int i = 0; i < 2; i++) {
		cluster_connect(&w.c, w.b, w.a);
		cluster_pass(&w.c, 6000);
	}
	assert_int_equal(cluster_publish(w.a, FEED_LANE_DOC, "epoch two", &published), 0);
	assert_int_equal(published.seq, CUT + 1);
	cluster_pass(&w.c, 3000);
	assert_true(cluster_feed(w.b, w.a, FEED_LANE_DOC, &feed));
	assert_int_equal(feed.seq, CUT + 1);
	world_deinit(&w);
}

/* The guard beside the keys says 45, the officers 43: nothing more will come back. */
static void the_guard_does_not_wait_for_what_was_cut(void **state)
{
	(void)state;
	struct world w;
	const char *why;
	struct node_guard_head guard = {.epoch = 1};
	world_init(&w, 15);
	guard.network_id = w.c.network_id;
	guard.lanes[FEED_LANE_DOC - 1].seq = SECOND_HEAD;
	guard.lanes[FEED_LANE_DOC - 1].entry_hash = w.hashes[SECOND_HEAD];
	suspend_at(&w, w.b, CUT);
	cluster_pass(&w.c, 1000);
	for (int round = 0; round < 2; round++) { /* suspended, and active again */
		cluster_node_stop(w.a);
		cluster_node_start(w.a);
		node_set_guard(w.a->node, &guard, w.c.now);
		assert_int_equal(node_publishing(w.a->node, &why), NODE_PUBLISHING_OPEN);
		if (round == 0)
			resume(w.b, w.a);
		cluster_connect(&w.c, w.b, w.a);
		cluster_pass(&w.c, 3000);
		assert_int_equal(node_publishing(w.a->node, &why), NODE_PUBLISHING_OPEN);
	}
	cluster_renew(w.a);
	assert_int_equal(node_publishing(w.a->node, &why), NODE_PUBLISHING_OPEN);
	assert_int_equal(cluster_publish(w.a, FEED_LANE_DOC, "epoch two", NULL), 0);
	/* One that was signed under the epoch that goes on is waited for. */
	cluster_node_stop(w.a);
	cluster_node_start(w.a);
	guard.epoch = 2;
	node_set_guard(w.a->node, &guard, w.c.now);
	assert_int_equal(node_publishing(w.a->node, &why), NODE_PUBLISHING_RECOVERING);
	world_deinit(&w);
}

static void drafts_wait_for_the_new_key(void **state)
{
	(void)state;
	struct world w;
	struct node_published results[3];
	world_init(&w, 16);
	node_hold_drafts(w.a->node, true, w.c.now);
	assert_true(node_own_at_rest(w.a->node));
	for (int i = 0; i < 2; i++)
		assert_int_equal(cluster_publish_later(w.a, FEED_LANE_DOC, "text", &results[i]), 0);
	cluster_pass(&w.c, 100);
	cluster_renew(w.a);
	assert_int_equal(cluster_publish_later(w.a, FEED_LANE_DOC, "text", &results[2]), 0);
	cluster_pass(&w.c, 100);
	for (int i = 0; i < 3; i++)
		assert_int_equal(results[i].code, 1);
	node_hold_drafts(w.a->node, false, w.c.now);
	assert_false(node_own_at_rest(w.a->node));
	cluster_pass(&w.c, 100);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(results[i].code, 0);
		assert_int_equal(results[i].seq, SECOND_HEAD + 1 + i);
	}
	world_deinit(&w);
}

/* ---- a relay ---- */

struct lie {
	struct world *w;
	enum {
		LIE_NONE,
		LIE_CHARTER,
		LIE_HASH,
		LIE_SEQ,
		LIE_TIME,
		LIE_ENTRY
	} what;
	unsigned told;
};

/* A head of the feed in epoch 1 without a signature, as it stands in a run that ends at a cut. */
static uint8_t *cut_head_at(const struct lie *lie, uint8_t *p, size_t left)
{
	static const uint8_t epoch[4] = {0, 0, 0, 1}, none[SIGNATURE_SIZE + 9];
	if (left < HEAD_BYTES || memcmp(p, lie->w->feed_id.bytes, HASH_SIZE) != 0 ||
		memcmp(p + HASH_SIZE, epoch, 4) != 0 ||
		memcmp(p + HEAD_BYTES - sizeof none, none, sizeof none) != 0)
		return NULL;
	return p;
}

/* From b to c_: an OBJECT becomes a frame of an unknown type, which is skipped; or a cut is another
 * one than the charter's; or an entry before it is. */
static void lie_tell(void *ctx, struct city *from, struct city *to, struct buffer *bytes)
{
	struct lie *lie = ctx;
	if (from != lie->w->b || to != lie->w->c_)
		return;
	for (size_t i = 0; i + 4 + HASH_SIZE <= bytes->len; i++) {
		uint8_t *p = bytes->data + i;
		uint8_t *head = cut_head_at(lie, p, bytes->len - i);
		static const uint8_t object[] = {0x93, 3, 0xc4, HASH_SIZE};
		if (lie->what == LIE_CHARTER && memcmp(p, object, 4) == 0 &&
			memcmp(p + 4, lie->w->c.network_id.bytes, HASH_SIZE) == 0)
			p[1] = 64;
		if (!head)
			continue;
		lie->told++;
		if (lie->what == LIE_SEQ)
			head[75] = CUT - 1;
		else if (lie->what == LIE_HASH)
			head[76] ^= 1;
		else if (lie->what == LIE_TIME)
			head[115] = 1;
		else if (lie->what == LIE_ENTRY)
			bytes->data[bytes->len - 100] ^= 1;
		i += HEAD_BYTES - 1;
	}
}

static void who_lacks_the_cut_takes_the_run_later(void **state)
{
	(void)state;
	struct world w;
	struct lie lie = {&w, LIE_CHARTER, 0};
	world_init(&w, 13);
	suspend_at(&w, w.b, CUT);
	cluster_pass(&w.c, 1000);
	w.c.tamper = lie_tell;
	w.c.tamper_ctx = &lie;
	cluster_connect(&w.c, w.b, w.c_);
	cluster_pass(&w.c, 10000);
	assert_true(lie.told > 1); /* asked for again and again */
	assert_true(lie.told < 30);
	assert_int_equal(roster_number(node_network_roster(w.c_->node, 0)), 0);
	assert_int_equal(seq_at(&w, w.c_), FIRST_HEAD);
	assert_string_equal(w.c_->last_close, "the wire was cut"); /* as it was before: no blame */
	/* The charter comes another way; the link is as it was. */
	struct bytes wire;
	struct hash hash;
	int code = 1;
	assert_int_equal(roster_amendment(node_network_roster(w.b->node, 0), 1, &wire, &hash), 0);
	assert_int_equal(
		node_object_submit(w.c_->node, &w.c.network_id, wire, on_object, &code, w.c.now), 0);
	cluster_pass(&w.c, 2000);
	assert_int_equal(code, 0);
	assert_cut_held(&w, w.c_);
	assert_string_equal(w.c_->last_close, "the wire was cut");
	world_deinit(&w);
}

static void a_lie_about_the_cut_is_refused(void **state)
{
	(void)state;
	static const struct {
		int what;
		const char *rule; /* NULL: it may be good faith, and only is of no use */
	} lies[] = {
		{LIE_HASH, NULL},
		{LIE_SEQ, NULL},
		{LIE_TIME, "chain"},
		{LIE_ENTRY, "chain"},
	};
	for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
		struct world w;
		struct lie lie = {&w, LIE_NONE, 0};
		lie.what = lies[i].what;
		world_init(&w, 20 + i);
		suspend_at(&w, w.b, CUT);
		cluster_connect(&w.c, w.b, w.d); /* d: an honest way */
		cluster_pass(&w.c, 10000);
		assert_cut_held(&w, w.d);
		w.c.tamper = lie_tell;
		w.c.tamper_ctx = &lie;
		cluster_connect(&w.c, w.b, w.c_);
		cluster_pass(&w.c, 3000);
		assert_true(lie.told > 0);
		assert_int_equal(seq_at(&w, w.c_), FIRST_HEAD);
		if (lies[i].rule)
			assert_non_null(strstr(w.c_->last_close, lies[i].rule));
		else
			assert_string_equal(w.c_->last_close, "the wire was cut");
		cluster_connect(&w.c, w.d, w.c_);
		cluster_pass(&w.c, 20000);
		assert_cut_held(&w, w.c_);
		world_deinit(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_run_ends_at_the_cut),
		cmocka_unit_test(the_next_epoch_begins_behind_it),
		cmocka_unit_test(a_key_renewed_meanwhile_is_learnt),
		cmocka_unit_test(the_guard_does_not_wait_for_what_was_cut),
		cmocka_unit_test(drafts_wait_for_the_new_key),
		cmocka_unit_test(who_lacks_the_cut_takes_the_run_later),
		cmocka_unit_test(a_lie_about_the_cut_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
