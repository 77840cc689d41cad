/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A relay that withholds: it answers "later", or nothing, or lies about what it holds. What it
 * keeps back comes through the honest peer within a bound.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/proto/relay_world.h"

/* ---- withholding ---- */

/* The liar is there from the start, the honest one as well: all comes within the bound. */
static void withheld_comes_through_the_other(enum lie lie, enum form form, uint64_t seed)
{
	struct world *w = relay_world_new(lie, seed);
	print_message("%s: %s\n", lie_name(lie), relay_forms[form].name);
	relay_link(w, B, C);
	cluster_pass(&w->c, 100);
	for (int round = 0; round < 3; round++) {
		relay_publish(w, form);
		assert_true(cluster_run(&w->c, relay_all_at_c, w, 12000));
		assert_true(relay_intact(w, relay_forms[form].lane, true));
		assert_false(relay_blames_another());
	}
	relay_world_free(w);
}

static void withholding_relay_delays_little(void **state)
{
	static const enum lie lies[] = {
		LIE_LATER, LIE_SILENT, LIE_TRICKLE, LIE_DIGEST, LIE_PROMISE, LIE_DROP_RUN, LIE_EPOCH};
	(void)state;
	uint64_t seed = 400;
	for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++)
		for (enum form form = 0; form < FORM_COUNT; form++)
			if (form != DOC_RUNS) /* three rounds of it are slow under a sanitizer */
				withheld_comes_through_the_other(lies[i], form, seed++);
}

/* Documents of the liar's own go on all the time: progress of the link says nothing of the feed. */
static void comes_while_others_are_served(struct world *w, uint8_t lane)
{
	cluster_pass(&w->c, 1000);
	relay_link(w, B, C);
	int64_t begin = w->c.now.mono.us;
	for (int i = 0; !relay_all_at_c(&w->c, w) && i < 100; i++) {
		assert_int_equal(
			cluster_publish(&w->c.cities[R], FEED_LANE_DOC, "the liar's own", NULL), 0);
		cluster_pass(&w->c, 1000);
	}
	assert_true(w->liar.told > 0);
	assert_true(relay_intact(w, lane, true));
	assert_false(relay_blames_another());
	assert_true(relay_logged("pull_moved", "city=city-b", ""));
	assert_true(w->c.now.mono.us - begin < INT64_C(30000000));
}

static void censored_feed_comes_through_the_other(void **state)
{
	(void)state;
	for (uint64_t seed = 500; seed < 508; seed++) {
		struct world *w = relay_world_new(LIE_CENSOR, seed);
		struct hash *victim = &w->liar.victim;
		assert_int_equal(
			feed_id_of(&w->c.network_id, &w->c.cities[A].city_id, FEED_LANE_CALL, victim), 0);
		assert_int_equal(cluster_publish(&w->c.cities[A], FEED_LANE_CALL, "a call", NULL), 0);
		comes_while_others_are_served(w, FEED_LANE_CALL);
		relay_world_free(w);
	}
}

static void run_without_end_comes_through_the_other(void **state)
{
	(void)state;
	for (uint64_t seed = 600; seed < 608; seed++) {
		struct world *w = relay_world_new(LIE_TRICKLE, seed);
		relay_publish(w, DOC_STREAM);
		comes_while_others_are_served(w, FEED_LANE_DOC);
		relay_world_free(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(withholding_relay_delays_little),
		cmocka_unit_test(censored_feed_comes_through_the_other),
		cmocka_unit_test(run_without_end_comes_through_the_other),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
