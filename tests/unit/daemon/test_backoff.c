/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/backoff.h"

static const struct monotime start = {1000000};

static int64_t delay_ms(const struct backoff *backoff)
{
	return monotime_diff_us(backoff->next, start) / 1000;
}

static void failures_double_to_a_minute(void **state)
{
	(void)state;
	static const int64_t most[] = {500, 500, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
	for (int end = 0; end < 2; end++) {
		struct backoff backoff = {0};
		assert_true(backoff_due(&backoff, start));
		for (unsigned i = 0; i < sizeof(most) / sizeof(most[0]); i++) {
			/* 0 draws the shortest delay, half of it; the multiple of the span the longest */
			uint32_t random = end ? (uint32_t)(most[i] * 500) : 0;
			backoff_ended(&backoff, 0, random, start);
			assert_int_equal(delay_ms(&backoff), end ? most[i] : most[i] / 2);
			assert_false(backoff_due(&backoff, start));
			assert_true(backoff_due(&backoff, backoff.next));
		}
	}
}

static void the_first_cut_is_dialled_at_once_a_flapping_link_is_not(void **state)
{
	(void)state;
	struct backoff backoff = {0};
	backoff_ended(&backoff, 200, 0, start);
	assert_true(backoff_due(&backoff, start));
	backoff_ended(&backoff, 200, 0, start);
	assert_int_equal(delay_ms(&backoff), 250);
	backoff_ended(&backoff, 200, 0, start);
	assert_int_equal(delay_ms(&backoff), 500);
}

static void a_link_that_lived_resets(void **state)
{
	(void)state;
	struct backoff backoff = {0};
	for (int i = 0; i < 9; i++)
		backoff_ended(&backoff, 0, 0, start);
	assert_int_equal(delay_ms(&backoff), 30000);
	backoff_ended(&backoff, BACKOFF_LIVED_MS - 1, 0, start);
	assert_int_equal(delay_ms(&backoff), 30000);
	backoff_ended(&backoff, BACKOFF_LIVED_MS, 0, start);
	assert_true(backoff_due(&backoff, start));
	backoff_ended(&backoff, 0, 0, start);
	assert_int_equal(delay_ms(&backoff), 250);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failures_double_to_a_minute),
		cmocka_unit_test(the_first_cut_is_dialled_at_once_a_flapping_link_is_not),
		cmocka_unit_test(a_link_that_lived_resets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
