/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/error.h"
#include "base/map.h"

static const uint8_t seed[MAP_SEED_SIZE] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

/* The vector of the paper's appendix. */
static void siphash_vector(void **state)
{
	struct map m;
	uint8_t data[15];
	(void)state;

	for (uint8_t i = 0; i < 15; i++)
		data[i] = i;
	map_init(&m, 1, seed);
	assert_true(map_hash(m.seed, data, 15) == UINT64_C(0xa129ca6149be45e5));
	map_deinit(&m);
}

#define KEYS 2000

/* Random puts and removals beside a plain array that says what must be there. */
static void as_an_array(void **state)
{
	static int values[KEYS];
	static int *expected[KEYS];
	struct map m;
	uint32_t random = 1;
	size_t count = 0;
	(void)state;

	map_init(&m, 32, seed);
	for (int round = 0; round < 60000; round++) {
		uint8_t key[32] = {0};
		random = random * 1103515245 + 12345;
		/* Grows at first, shrinks in the end. */
		unsigned n = (random >> 12) % KEYS;
		memcpy(key + 28, &n, sizeof(n));
		int *value = &values[(random >> 8) % KEYS];
		assert_ptr_equal(map_get(&m, key), expected[n]);
		if ((random >> 24) % 100 < (round < 30000 ? 70U : 30U)) {
			assert_int_equal(map_put(&m, key, value), 0);
			count += !expected[n];
			expected[n] = value;
		} else {
			assert_ptr_equal(map_remove(&m, key), expected[n]);
			count -= !!expected[n];
			expected[n] = NULL;
		}
		assert_int_equal(m.count, count);
	}
	size_t position = 0, seen = 0;
	const void *key;
	void *value;
	while (map_next(&m, &position, &key, &value)) {
		unsigned n;
		memcpy(&n, (const uint8_t *)key + 28, sizeof(n));
		assert_ptr_equal(value, expected[n]);
		seen++;
	}
	assert_int_equal(seen, count);
	map_clear(&m);
	position = 0;
	assert_false(map_next(&m, &position, NULL, NULL));
	map_deinit(&m);
}

/* Removing while walking meets every entry at least once and leaves the right ones. */
static void removal_while_walking(void **state)
{
	struct map m;
	int value = 0;
	(void)state;

	map_init(&m, 2, seed);
	for (int size = 0; size < 300; size++) {
		int met[300] = {0};
		for (uint16_t n = 0; n < size; n++)
			assert_int_equal(map_put(&m, &n, &value), 0);
		size_t position = 0;
		const void *key;
		while (map_next(&m, &position, &key, NULL)) {
			uint16_t n;
			memcpy(&n, key, sizeof(n));
			met[n]++;
			if (n % 3)
				map_remove_at(&m, &position);
		}
		for (uint16_t n = 0; n < size; n++) {
			assert_true(met[n] >= 1);
			assert_ptr_equal(map_get(&m, &n), n % 3 ? NULL : &value);
		}
		map_clear(&m);
	}
	map_deinit(&m);
}

static void empty(void **state)
{
	struct map m;
	size_t position = 0;
	(void)state;

	map_init(&m, 1, seed);
	assert_null(map_get(&m, "a"));
	assert_null(map_remove(&m, "a"));
	assert_false(map_next(&m, &position, NULL, NULL));
	map_clear(&m);
	map_deinit(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(siphash_vector),
		cmocka_unit_test(as_an_array),
		cmocka_unit_test(removal_while_walking),
		cmocka_unit_test(empty),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
