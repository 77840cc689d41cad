/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/sim/world.h"

/* A world that fails where it has at least 5 cities and 3 minutes, and faults 3 and 170. */
static bool fails(void *ctx, const struct world_options *options)
{
	++*(unsigned *)ctx;
	return options->nodes >= 5 && options->minutes >= 3 &&
		(!options->only || (fault_set_has(options->only, 3) && fault_set_has(options->only, 170)));
}

static void test_smallest(void **state)
{
	struct world_options options = {.seed = 1, .nodes = 40, .minutes = 30, .faults = true};
	struct fault_set set;
	unsigned runs = 0;
	(void)state;
	unsigned tries = shrink(&options, 500, &set, 300, fails, &runs);
	assert_int_equal(tries, runs);
	assert_int_equal(options.nodes, 5);
	assert_int_equal(options.minutes, 3);
	assert_ptr_equal(options.only, &set);
	assert_int_equal(set.count, 2);
	assert_true(fault_set_has(&set, 3) && fault_set_has(&set, 170));
	fault_set_deinit(&set);
}

static bool fails_always(void *ctx, const struct world_options *options)
{
	(void)ctx;
	(void)options;
	return true;
}

static void test_without_faults(void **state)
{
	struct world_options options = {.seed = 1, .nodes = 12, .minutes = 10, .faults = true};
	struct fault_set set;
	(void)state;
	shrink(&options, 150, &set, 300, fails_always, NULL);
	assert_int_equal(options.nodes, 2);
	assert_int_equal(options.minutes, 1);
	assert_int_equal(set.count, 0);
	assert_non_null(options.only);
	fault_set_deinit(&set);
}

static void test_bounded(void **state)
{
	struct world_options options = {.seed = 1, .nodes = 40, .minutes = 30, .faults = true};
	struct fault_set set;
	unsigned runs = 0;
	(void)state;
	assert_int_equal(shrink(&options, 500, &set, 10, fails, &runs), 10);
	assert_int_equal(runs, 10);
	/* What is left still fails. */
	assert_true(fails(&runs, &options));
	fault_set_deinit(&set);
}

static void test_list(void **state)
{
	static const char *const wrong[] = {"", "x", "3,", ",3", "3,,4", "-3", "0,3", "3 ", "100001"};
	struct fault_set set = {0};
	(void)state;
	assert_true(fault_set_parse(&set, "3,170,3"));
	assert_int_equal(set.count, 2);
	assert_true(fault_set_has(&set, 3) && fault_set_has(&set, 170));
	assert_false(fault_set_has(&set, 17) || fault_set_has(&set, 0));
	fault_set_deinit(&set);
	assert_true(fault_set_parse(&set, "0"));
	assert_int_equal(set.count, 0);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		assert_false(fault_set_parse(&set, wrong[i]));
		fault_set_deinit(&set);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_smallest),
		cmocka_unit_test(test_without_faults),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_list),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
