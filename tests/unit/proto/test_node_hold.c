/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Never fork yourself: a store that was remade without its guard waits for the members' word, takes
 * back what they hold, and is not silenced by one that lies. docs/decisions/006.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "feed/hold.h"
#include "tests/unit/proto/script.h"

#define MINUTE_MS 60000
#define PATIENCE_MINUTES 10
#define BEFORE 3 /* entries that city 0 has published */

struct world {
	struct cluster c;
	struct city *city; /* whose store is remade */
	struct script_run runs[BEFORE];
	struct node_published published[BEFORE];
};

/* City 0 publishes, city 1 holds it all if `held`; then its store is as it was at the beginning. */
static struct world *world_new(uint64_t seed, size_t cities, bool held)
{
	struct world *w = calloc(1, sizeof *w);
	assert_non_null(w);
	cluster_init(&w->c, cities, seed);
	cluster_found(&w->c);
	w->city = &w->c.cities[0];
	struct store_snapshot *empty = store_memory_copy(w->city->store);
	for (uint64_t i = 0; i < BEFORE; i++) {
		assert_int_equal(cluster_publish(w->city, FEED_LANE_DOC, "text", &w->published[i]), 0);
		script_run_of(w->city, FEED_LANE_DOC, i + 1, &w->runs[i]);
	}
	if (held) {
		cluster_connect(&w->c, w->city, &w->c.cities[1]);
		cluster_pass(&w->c, 1000);
	}
	cluster_node_stop(w->city);
	store_memory_restore(w->city->store, empty);
	cluster_node_start(w->city);
	node_require_holds(w->city->node, w->c.now);
	store_snapshot_free(empty);
	return w;
}

static void world_free(struct world *w)
{
	for (int i = 0; i < BEFORE; i++)
		script_run_free(&w->runs[i]);
	cluster_deinit(&w->c);
	free(w);
}

static enum node_publishing state_of(const struct world *w)
{
	return node_publishing(w->city->node, NULL);
}

static bool is_open(struct cluster *c, void *ctx)
{
	(void)c;
	return state_of(ctx) == NODE_PUBLISHING_OPEN;
}

/* The next entry has the seq after all that was ever published. */
static void assert_goes_on_after(struct world *w, uint64_t seq)
{
	struct node_published published;
	assert_int_equal(cluster_publish(w->city, FEED_LANE_DOC, "goes on", &published), 0);
	assert_int_equal(published.seq, seq + 1);
}

static void more_than_half_of_the_members_are_heard(void **state)
{
	(void)state;
	struct world *w = world_new(1, 4, true);
	assert_int_equal(state_of(w), NODE_PUBLISHING_RECOVERING);
	cluster_connect(&w->c, w->city, &w->c.cities[2]); /* which holds nothing */
	cluster_pass(&w->c, MINUTE_MS);
	assert_int_equal(state_of(w), NODE_PUBLISHING_RECOVERING);
	cluster_connect(&w->c, w->city, &w->c.cities[1]);
	assert_true(cluster_run(&w->c, is_open, w, 10000));
	assert_goes_on_after(w, BEFORE);
	world_free(w);
}

/* Member 2 is reached through member 1 only. */
static void the_question_goes_through_others(void **state)
{
	(void)state;
	struct world *w = world_new(2, 4, true);
	cluster_connect(&w->c, &w->c.cities[1], &w->c.cities[2]);
	cluster_pass(&w->c, 1000);
	cluster_connect(&w->c, w->city, &w->c.cities[1]);
	assert_true(cluster_run(&w->c, is_open, w, 10000));
	assert_goes_on_after(w, BEFORE);
	world_free(w);
}

/* ---- the admin goes on without ---- */

struct seen {
	struct node_missing list[8];
	size_t count;
};

static void on_missing(void *ctx, const struct node_missing *missing)
{
	struct seen *seen = ctx;
	assert_true(seen->count < 8);
	seen->list[seen->count++] = *missing;
}

static struct seen missing_of(const struct world *w)
{
	struct seen seen = {0};
	node_each_missing(w->city->node, on_missing, &seen);
	return seen;
}

static void set_guard(struct world *w, uint64_t seq, uint32_t epoch)
{
	struct node_guard_head guard = {.network_id = w->c.network_id, .epoch = epoch};
	guard.lanes[FEED_LANE_DOC - 1].seq = seq;
	node_set_guard(w->city->node, &guard, w->c.now);
}

/* Nobody has what the guard names: the new epoch ends the old one before it. */
static void a_new_epoch_ends_the_wait_for_what_is_lost(void **state)
{
	(void)state;
	struct world *w = world_new(3, 3, false);
	struct node_feed mine, theirs;
	set_guard(w, BEFORE, 1);
	struct seen seen = missing_of(w);
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.list[0].what, NODE_MISSING_WORD);
	assert_int_equal(seen.list[0].held, 0);
	assert_int_equal(seen.list[0].known, 2);
	assert_int_equal(seen.list[0].linked, 0);
	assert_int_equal(seen.list[1].what, NODE_MISSING_ENTRIES);
	assert_int_equal(seen.list[1].lane, FEED_LANE_DOC);
	assert_int_equal(seen.list[1].held, 0);
	assert_int_equal(seen.list[1].known, BEFORE);
	cluster_renew(w->city);
	seen = missing_of(w); /* the members' word still is */
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.list[0].what, NODE_MISSING_WORD);
	assert_int_equal(state_of(w), NODE_PUBLISHING_RECOVERING);
	node_forgo_word(w->city->node, &w->c.network_id, w->c.now);
	assert_int_equal(missing_of(w).count, 0);
	assert_goes_on_after(w, 0);
	assert_true(cluster_feed(w->city, w->city, FEED_LANE_DOC, &mine));
	assert_int_equal(mine.epoch, 2);
	cluster_connect(&w->c, w->city, &w->c.cities[1]);
	cluster_pass(&w->c, 1000);
	assert_true(cluster_feed(&w->c.cities[1], w->city, FEED_LANE_DOC, &theirs));
	assert_true(hash_equal(&theirs.entry_hash, &mine.entry_hash));
	world_free(w);
}

/* What a member held of the former epoch beyond the cut forks nothing either. */
static void a_member_takes_the_new_epoch_for_what_it_held(void **state)
{
	(void)state;
	struct world *w = world_new(10, 2, true);
	struct node_feed mine, theirs;
	cluster_renew(w->city);
	node_forgo_word(w->city->node, &w->c.network_id, w->c.now);
	assert_goes_on_after(w, 0);
	cluster_connect(&w->c, w->city, &w->c.cities[1]);
	assert_true(cluster_run(&w->c, cluster_converged, NULL, MINUTE_MS));
	assert_true(cluster_feed(w->city, w->city, FEED_LANE_DOC, &mine));
	assert_true(cluster_feed(&w->c.cities[1], w->city, FEED_LANE_DOC, &theirs));
	assert_int_equal(theirs.seq, 1);
	assert_int_equal(theirs.epoch, 2);
	assert_true(hash_equal(&theirs.entry_hash, &mine.entry_hash));
	assert_false(theirs.frozen);
	world_free(w);
}

/* An own alert came back, those before it come from nobody: it ends with its epoch. */
static void an_alert_that_stands_aside_ends_with_its_epoch(void **state)
{
	(void)state;
	struct world *w = world_new(13, 2, false);
	struct city *city = w->city, *origin = &w->c.cities[1];
	struct store_snapshot *empty = store_memory_copy(city->store);
	struct script_run second;
	struct script s;
	node_forgo_word(city->node, &w->c.network_id, w->c.now);
	assert_int_equal(cluster_publish(city, FEED_LANE_ALERT, "lost", NULL), 0);
	assert_int_equal(cluster_publish(city, FEED_LANE_ALERT, "came back", NULL), 0);
	script_run_of(city, FEED_LANE_ALERT, 2, &second);
	cluster_node_stop(city);
	store_memory_restore(city->store, empty);
	store_snapshot_free(empty);
	cluster_node_start(city);
	script_live(&s, city, origin);
	script_write_run(&s, &second, RUN_FLAG_PUSHED);
	script_send(&s);
	script_close(&s);
	cluster_pass(&w->c, 1000);
	struct seen seen = missing_of(w);
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.list[0].lane, FEED_LANE_ALERT);
	assert_int_equal(seen.list[0].known, 2);
	assert_int_equal(seen.list[0].offered, 0);
	cluster_renew(city);
	assert_int_equal(missing_of(w).count, 0);
	struct node_published published;
	assert_int_equal(cluster_publish(city, FEED_LANE_ALERT, "goes on", &published), 0);
	assert_int_equal(published.seq, 1);
	script_run_free(&second);
	world_free(w);
}

/* A key that it does not know would shut this city out. */
static void what_a_newer_own_record_guards_is_not_to_be_forced(void **state)
{
	(void)state;
	struct world *w = world_new(11, 3, false);
	set_guard(w, BEFORE, 2);
	struct seen seen = missing_of(w);
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.list[0].what, NODE_MISSING_CHARTER);
	world_free(w);
}

static void a_charter_that_is_not_back_is_said(void **state)
{
	(void)state;
	struct world *w = world_new(12, 4, true);
	struct node_guard_head other = {.network_id = {{1}}, .epoch = 1};
	node_set_guard(w->city->node, &other, w->c.now);
	struct seen seen = missing_of(w);
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.list[1].what, NODE_MISSING_CHARTER);
	assert_null(seen.list[1].network);
	world_free(w);
}

/* ---- a member that is played ---- */

/* It asks every three seconds. */
static void ask_for_word(struct script *s)
{
	cluster_pass(s->c, 3100);
	if (!script_seek(s, MESSAGE_HOLD_ASK))
		fail_msg("nobody asked how much is held");
}

/* A HOLD with the nonce of the question read last. */
static void word(struct script *s, struct city *holder, const struct hash *subject,
	const uint8_t nonce[HOLD_NONCE_BYTES], uint64_t seq)
{
	struct hold hold = {.network_id = s->c->network_id,
		.holder = holder->city_id,
		.epoch = 1,
		.subject = *subject,
		.time = s->c->now.wall};
	uint8_t statement[HOLD_BYTES];
	struct signature signature;
	memcpy(hold.nonce, nonce, HOLD_NONCE_BYTES);
	hold.lanes[FEED_LANE_DOC - 1].seq = seq;
	memset(hold.lanes[FEED_LANE_DOC - 1].entry_hash.bytes, 1, seq ? HASH_SIZE : 0);
	assert_int_equal(hold_sign(&hold, holder->node_key, statement, &signature), 0);
	message_write_signed(&s->out, MESSAGE_HOLD, bytes_of(statement, sizeof statement), &signature);
	script_send(s);
}

static void pass_minutes(struct script *s, int minutes)
{
	for (int i = 0; i < 6 * minutes; i++) {
		message_write_ping(&s->out, 1);
		script_send(s);
		cluster_pass(s->c, MINUTE_MS / 6);
	}
}

/* One member says that it holds 2^40 entries, which nobody can ever give. */
static void a_lie_does_not_silence_the_city(void **state)
{
	(void)state;
	struct world *w = world_new(4, 3, true);
	struct script s;
	struct node_published waiting;
	uint8_t nonce[HOLD_NONCE_BYTES];
	const char *why;
	struct city *liar = &w->c.cities[2];
	cluster_connect(&w->c, w->city, &w->c.cities[1]);
	script_live(&s, w->city, liar);
	ask_for_word(&s);
	memcpy(nonce, s.message.hold_ask.nonce, sizeof nonce);
	word(&s, liar, &w->city->city_id, nonce, UINT64_C(1) << 40);
	cluster_pass(&w->c, 3000);
	assert_int_equal(node_publishing(w->city->node, &why), NODE_PUBLISHING_RECOVERING);
	assert_non_null(strstr(why, liar->slug));
	assert_int_equal(cluster_publish_later(w->city, FEED_LANE_DOC, "waits", &waiting), 0);
	for (uint64_t minute = 0; minute < PATIENCE_MINUTES - 1; minute++) {
		pass_minutes(&s, 1);
		/* Other words of the same member win no time. */
		word(&s, liar, &w->city->city_id, nonce, (UINT64_C(1) << 41) + minute);
		assert_int_equal(state_of(w), NODE_PUBLISHING_RECOVERING);
	}
	pass_minutes(&s, 2);
	assert_int_equal(state_of(w), NODE_PUBLISHING_OPEN);
	word(&s, liar, &w->city->city_id, nonce, UINT64_C(1) << 42);
	assert_int_equal(state_of(w), NODE_PUBLISHING_OPEN);
	assert_int_equal(waiting.code, 0);
	assert_int_equal(waiting.seq, BEFORE + 1);
	script_close(&s);
	world_free(w);
}

static void without_links_no_time_passes(void **state)
{
	(void)state;
	struct world *w = world_new(5, 2, false);
	struct script s;
	struct city *holder = &w->c.cities[1];
	script_live(&s, w->city, holder);
	ask_for_word(&s);
	word(&s, holder, &w->city->city_id, s.message.hold_ask.nonce, BEFORE);
	script_close(&s);
	cluster_pass(&w->c, 3 * PATIENCE_MINUTES * MINUTE_MS);
	assert_int_equal(state_of(w), NODE_PUBLISHING_RECOVERING);
	script_live(&s, w->city, holder);
	pass_minutes(&s, PATIENCE_MINUTES - 1);
	assert_int_equal(state_of(w), NODE_PUBLISHING_RECOVERING);
	script_close(&s);
	world_free(w);
}

/* Entry by entry, each nearly too late: as long as it comes, it is waited for. */
static void an_honest_member_may_be_slow(void **state)
{
	(void)state;
	struct world *w = world_new(6, 2, false);
	struct script s;
	struct city *holder = &w->c.cities[1];
	script_live(&s, w->city, holder);
	ask_for_word(&s);
	word(&s, holder, &w->city->city_id, s.message.hold_ask.nonce, BEFORE);
	for (uint64_t i = 0; i < BEFORE; i++) {
		pass_minutes(&s, PATIENCE_MINUTES - 1);
		assert_int_equal(state_of(w), NODE_PUBLISHING_RECOVERING);
		script_announce(&s, &w->runs[i].feed_id, i + 1, &w->published[i].entry_hash, 0);
		script_send(&s);
		assert_true(script_seek(&s, MESSAGE_PULL));
		script_write_run(&s, &w->runs[i], 0);
		message_write_pull_end(&s.out, &w->runs[i].feed_id, i + 2, END_DONE);
		script_send(&s);
	}
	assert_int_equal(state_of(w), NODE_PUBLISHING_OPEN);
	assert_goes_on_after(w, BEFORE);
	script_close(&s);
	world_free(w);
}

/* Words that count for nothing: of another question, about another city, of no member. */
static void only_an_answer_counts(void **state)
{
	(void)state;
	struct world *w = world_new(7, 2, false);
	struct script s;
	static const uint8_t other[HOLD_NONCE_BYTES] = {1};
	uint8_t nonce[HOLD_NONCE_BYTES];
	struct city *holder = &w->c.cities[1];
	script_live(&s, w->city, holder);
	ask_for_word(&s);
	memcpy(nonce, s.message.hold_ask.nonce, sizeof nonce);
	word(&s, holder, &w->city->city_id, other, 0);
	word(&s, holder, &holder->city_id, nonce, 0);
	struct city stranger = *holder;
	stranger.node_key = holder->city_key; /* not the key of its epoch */
	word(&s, &stranger, &w->city->city_id, nonce, 0);
	assert_int_equal(state_of(w), NODE_PUBLISHING_RECOVERING);
	word(&s, holder, &w->city->city_id, nonce, 0);
	assert_int_equal(state_of(w), NODE_PUBLISHING_OPEN);
	script_close(&s);
	world_free(w);
}

/* What the guard beside the keys says is certain, and waited for however long it takes. */
static void the_guard_is_never_put_aside(void **state)
{
	(void)state;
	struct world *w = world_new(8, 2, false);
	struct script s;
	struct node_guard_head guard = {.network_id = w->c.network_id, .epoch = 1};
	guard.lanes[FEED_LANE_DOC - 1].seq = BEFORE;
	node_set_guard(w->city->node, &guard, w->c.now);
	script_live(&s, w->city, &w->c.cities[1]);
	ask_for_word(&s);
	word(&s, &w->c.cities[1], &w->city->city_id, s.message.hold_ask.nonce, 0);
	pass_minutes(&s, 3 * PATIENCE_MINUTES);
	assert_int_equal(state_of(w), NODE_PUBLISHING_RECOVERING);
	script_close(&s);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(more_than_half_of_the_members_are_heard),
		cmocka_unit_test(the_question_goes_through_others),
		cmocka_unit_test(a_new_epoch_ends_the_wait_for_what_is_lost),
		cmocka_unit_test(a_member_takes_the_new_epoch_for_what_it_held),
		cmocka_unit_test(an_alert_that_stands_aside_ends_with_its_epoch),
		cmocka_unit_test(what_a_newer_own_record_guards_is_not_to_be_forced),
		cmocka_unit_test(a_charter_that_is_not_back_is_said),
		cmocka_unit_test(a_lie_does_not_silence_the_city),
		cmocka_unit_test(without_links_no_time_passes),
		cmocka_unit_test(an_honest_member_may_be_slow),
		cmocka_unit_test(only_an_answer_counts),
		cmocka_unit_test(the_guard_is_never_put_aside),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
