/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/sha256_pair.h"

#define DATA_BYTES 524288u

static uint8_t *data;

static int setup(void **state)
{
	(void)state;
	data = malloc(2 * DATA_BYTES + 2);
	assert_non_null(data);
	uint32_t random = 7;
	for (size_t i = 0; i < 2 * DATA_BYTES + 2; i++) {
		random = random * 1664525 + 1013904223;
		data[i] = (uint8_t)(random >> 24);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(data);
	return 0;
}

static void check(struct bytes a, struct bytes b)
{
	struct hash got_a, got_b, expected;
	sha256_pair(a, b, &got_a, &got_b);
	assert_int_equal(hash_of(NULL, a, &expected), 0);
	assert_memory_equal(got_a.bytes, expected.bytes, HASH_SIZE);
	assert_int_equal(hash_of(NULL, b, &expected), 0);
	assert_memory_equal(got_b.bytes, expected.bytes, HASH_SIZE);
}

/* Every place of the end within a block, any place in memory. */
static void each_is_what_openssl_says(void **state)
{
	(void)state;
	if (!sha256_pair_works())
		skip();
	for (size_t len = 0; len < 300; len++)
		check(bytes_of(data + len % 17, len), bytes_of(data + DATA_BYTES + len % 5, len));
	static const size_t lengths[] = {4096, 262143, 262144, 262145, DATA_BYTES};
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		check(bytes_of(data, lengths[i]), bytes_of(data + DATA_BYTES + 1, lengths[i]));
	check(bytes_of(data, 1000), bytes_of(data, 1000));
}

/* FIPS 180-4's own example. */
static void the_published_vector(void **state)
{
	(void)state;
	static const uint8_t abc[HASH_SIZE] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41,
		0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c,
		0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
	struct hash a, b;
	if (!sha256_pair_works())
		skip();
	sha256_pair(bytes_of("abc", 3), bytes_of("abd", 3), &a, &b);
	assert_memory_equal(a.bytes, abc, HASH_SIZE);
	assert_memory_not_equal(b.bytes, abc, HASH_SIZE);
}

/* Where the processor has the instructions they are used: it is not silently off. */
static void it_works_where_the_processor_can(void **state)
{
	(void)state;
	bool has = false;
	char line[4096];
	FILE *info = fopen("/proc/cpuinfo", "r");
	if (!info)
		skip();
	while (!has && fgets(line, sizeof(line), info))
		has = strncmp(line, "flags", 5) == 0 && strstr(line, " sha_ni") != NULL;
	fclose(info);
	assert_int_equal(sha256_pair_works(), has);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_what_openssl_says),
		cmocka_unit_test(the_published_vector),
		cmocka_unit_test(it_works_where_the_processor_can),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
