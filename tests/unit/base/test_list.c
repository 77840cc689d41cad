/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/list.h"

struct item {
	int number;
	struct list_node node;
};

static int sum_in_order(const struct list *l)
{
	int sum = 0;
	list_for_each(l, n)
		sum = sum * 10 + list_entry(n, struct item, node)->number;
	return sum;
}

static void order(void **state)
{
	struct item items[4] = {{.number = 1}, {.number = 2}, {.number = 3}, {.number = 4}};
	struct list l;
	(void)state;

	list_init(&l);
	assert_true(list_empty(&l));
	assert_null(list_first(&l));
	assert_null(list_last(&l));
	assert_null(list_pop_front(&l));
	list_push_back(&l, &items[1].node);
	list_push_back(&l, &items[2].node);
	list_push_front(&l, &items[0].node);
	list_insert_before(&items[2].node, &items[3].node);
	assert_int_equal(sum_in_order(&l), 1243);
	assert_int_equal(list_count(&l), 4);
	assert_ptr_equal(list_last(&l), &items[2].node);
	list_remove(&items[3].node);
	list_remove(&items[3].node);
	assert_false(list_linked(&items[3].node));
	assert_int_equal(sum_in_order(&l), 123);
	assert_ptr_equal(list_pop_front(&l), &items[0].node);
	assert_int_equal(sum_in_order(&l), 23);
	list_for_each_safe(&l, n)
		list_remove(n);
	assert_true(list_empty(&l));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(order)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
