/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A relay that alters what it passes on: A publishes, R relays and lies, C is linked with R alone,
 * later with the honest B too. C names R and the rule, keeps nothing altered, blames nobody else,
 * and has all of it in the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/proto/relay_world.h"

/* The honest peer comes, and the liar dials again: all is there within the bound. */
static void intact_in_the_end(struct world *w, uint8_t lane, int64_t bound_ms)
{
	relay_link(w, R, C);
	relay_link(w, B, C);
	assert_true(cluster_run(&w->c, relay_all_at_c, w, bound_ms));
	assert_true(relay_intact(w, lane, true));
	assert_false(relay_blames_another());
	cluster_pass(&w->c, 1000);
}

/* ---- alterations ---- */

struct alteration {
	enum lie lie;
	enum form form;
	const char *rule;
};

static void is_caught(const struct alteration *a, uint64_t seed)
{
	char rule[32];
	uint8_t lane = relay_forms[a->form].lane;
	struct world *w = relay_world_new(a->lie, seed);
	print_message("%s: %s\n", lie_name(a->lie), relay_forms[a->form].name);
	snprintf(rule, sizeof rule, "rule=%s", a->rule);
	relay_publish(w, a->form);
	cluster_pass(&w->c, 3000);
	assert_true(w->liar.told > 0);
	assert_true(relay_seq(w, R, lane) == relay_seq(w, A, lane));
	assert_true(relay_seq(w, C, lane) < relay_seq(w, A, lane));
	assert_true(relay_intact(w, lane, false));
	assert_true(relay_logged("peer_breach", "city=city-b", rule));
	assert_non_null(strstr(w->c.cities[C].last_close, a->rule));
	assert_false(relay_blames_another());
	intact_in_the_end(w, lane, 10000);
	relay_world_free(w);
}

static void what_is_altered_is_caught_and_named(void **state)
{
	static const struct alteration alterations[] = {
		{LIE_BODY, DOC_INLINE, "chain"},
		{LIE_BODY, DOC_STREAM, "chain"},
		{LIE_BODY, DOC_RUNS, "chain"},
		{LIE_BODY, ALERT_PUSH, "chain"},
		{LIE_BODY, ALERT_STREAM, "chain"},
		{LIE_HEADER, DOC_INLINE, "chain"},
		{LIE_HEADER, DOC_STREAM, "chain"},
		{LIE_HEADER, DOC_RUNS, "chain"},
		{LIE_HEADER, ALERT_PUSH, "chain"},
		{LIE_HEADER, ALERT_STREAM, "chain"},
		{LIE_ORDER, DOC_INLINE, "chain"},
		{LIE_ORDER, DOC_STREAM, "chain"},
		{LIE_ORDER, DOC_RUNS, "chain"},
		{LIE_ORDER, ALERT_PUSH, "chain"},
		{LIE_ORDER, ALERT_STREAM, "chain"},
		{LIE_SIGNATURE, DOC_INLINE, "signature"},
		{LIE_SIGNATURE, DOC_STREAM, "signature"},
		{LIE_SIGNATURE, DOC_RUNS, "signature"},
		{LIE_SIGNATURE, ALERT_PUSH, "signature"},
		{LIE_SIGNATURE, ALERT_STREAM, "signature"},
		{LIE_EPOCH, DOC_INLINE, "signature"},
		{LIE_EPOCH, ALERT_PUSH, "signature"},
		{LIE_NODE_KEY, DOC_STREAM, "signature"},
		{LIE_NODE_KEY, ALERT_STREAM, "signature"},
		{LIE_DROP_ENTRY, DOC_INLINE, "chain"},
		{LIE_DROP_ENTRY, DOC_STREAM, "chain"},
		{LIE_DROP_ENTRY, DOC_RUNS, "chain"},
		{LIE_DROP_FIRST, DOC_INLINE, "chain"},
		{LIE_DROP_FIRST, DOC_STREAM, "chain"},
		{LIE_DROP_RUN, DOC_RUNS, "chain"},
		{LIE_DROP_RUN, ALERT_STREAM, "chain"},
		{LIE_PREV, ALERT_PUSH, "chain"},
		{LIE_PREV, ALERT_STREAM, "chain"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof alterations / sizeof alterations[0]; i++)
		is_caught(&alterations[i], 100 + i);
}

/* Who broke a rule waits when it dials again, longer each time; the admin can let it in. */
static void liar_is_kept_waiting(void **state)
{
	(void)state;
	struct world *w = relay_world_new(LIE_SIGNATURE, 150);
	struct city *reader = &w->c.cities[C];
	for (int64_t wait_ms = 1000; wait_ms <= 8000; wait_ms *= 2) {
		relay_publish(w, DOC_INLINE);
		cluster_pass(&w->c, wait_ms / 2);
		assert_non_null(strstr(reader->last_close, "signature"));
		relay_link(w, R, C);
		cluster_pass(&w->c, 10);
		assert_non_null(strstr(reader->last_close, "is to wait"));
		cluster_pass(&w->c, wait_ms);
		relay_link(w, R, C);
		cluster_pass(&w->c, 10);
	}
	cluster_pass(&w->c, 100);
	assert_non_null(strstr(reader->last_close, "signature"));
	assert_int_equal(node_deny(reader->node, &w->c.cities[R].city_id, false, w->c.now), 0);
	w->liar.lie = LIE_NONE;
	relay_link(w, R, C);
	assert_true(cluster_run(&w->c, relay_all_at_c, w, 5000));
	assert_true(relay_intact(w, FEED_LANE_DOC, true));
	relay_world_free(w);
}

/* One push that is left out is no breach: credit may have been short. The next one shows the gap at
 * once, and the relay, asked for what it announced, must give it or be left. */
static void alert_left_out_is_seen_by_the_next(void **state)
{
	(void)state;
	struct world *w = relay_world_new(LIE_DROP_RUN, 200);
	relay_publish(w, ALERT_PUSH);
	assert_int_equal(w->liar.told, 1);
	cluster_pass(&w->c, 1000);
	assert_true(w->c.cities[C].gap_alerts_seen > 0);
	assert_true(relay_intact(w, FEED_LANE_ALERT, false));
	intact_in_the_end(w, FEED_LANE_ALERT, 10000);
	relay_world_free(w);
}

/* A body left out as if it had been erased: every hash is right, and yet it is not taken, since
 * nothing here says that it was. */
static void body_left_out_as_purged_is_not_taken(void **state)
{
	(void)state;
	for (enum form form = 0; form < FORM_COUNT; form++) {
		struct world *w = relay_world_new(LIE_PURGE, 300 + form);
		print_message("purge: %s\n", relay_forms[form].name);
		relay_publish(w, form);
		cluster_pass(&w->c, 3000);
		assert_true(w->liar.told > 0);
		assert_true(relay_intact(w, relay_forms[form].lane, false));
		assert_true(relay_logged("run_refused", "city=city-b", "purged"));
		intact_in_the_end(w, relay_forms[form].lane, 10000);
		relay_world_free(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_altered_is_caught_and_named),
		cmocka_unit_test(liar_is_kept_waiting),
		cmocka_unit_test(alert_left_out_is_seen_by_the_next),
		cmocka_unit_test(body_left_out_as_purged_is_not_taken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
