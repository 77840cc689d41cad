/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/token_bucket.h"

#define BURST 32
#define PER_SECOND 4

static const struct token_bucket_rate rate = {BURST, PER_SECOND};
static const uint8_t seed[MAP_SEED_SIZE] = {1, 2, 3};

static struct sockaddr_storage address(const char *text)
{
	struct sockaddr_storage storage = {0};
	struct sockaddr_in *in = (struct sockaddr_in *)&storage;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&storage;
	if (inet_pton(AF_INET, text, &in->sin_addr) == 1)
		in->sin_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1)
		in6->sin6_family = AF_INET6;
	return storage;
}

static unsigned take(struct token_bucket *bucket, const char *text, unsigned times, int64_t us)
{
	struct sockaddr_storage from = address(text);
	unsigned taken = 0;
	for (unsigned i = 0; i < times; i++)
		taken += token_bucket_take(bucket, (struct sockaddr *)&from, monotime_from_us(us));
	return taken;
}

static void a_prefix_shares_one_bucket(void **state)
{
	(void)state;
	struct token_bucket *bucket = token_bucket_new(seed, rate);
	assert_int_equal(take(bucket, "192.0.2.1", 100, 0), BURST);
	assert_int_equal(take(bucket, "192.0.2.255", 100, 0), 0);
	assert_int_equal(take(bucket, "::ffff:192.0.2.9", 100, 0), 0);
	assert_int_equal(take(bucket, "192.0.3.1", 100, 0), BURST);
	assert_int_equal(take(bucket, "2001:db8:1::1", 100, 0), BURST);
	assert_int_equal(take(bucket, "2001:db8:1:ffff::9", 100, 0), 0);
	assert_int_equal(take(bucket, "2001:db8:2::1", 100, 0), BURST);
	token_bucket_free(bucket);
}

static void tokens_come_back_with_time(void **state)
{
	(void)state;
	struct token_bucket *bucket = token_bucket_new(seed, rate);
	take(bucket, "192.0.2.1", 100, 0);
	assert_int_equal(take(bucket, "192.0.2.1", 100, 999999), PER_SECOND - 1);
	assert_int_equal(take(bucket, "192.0.2.1", 100, 1000000), 1);
	assert_int_equal(take(bucket, "192.0.2.1", 100, 3600000000), BURST);
	token_bucket_free(bucket);
}

static void a_flood_of_prefixes_forgets_the_oldest_only(void **state)
{
	(void)state;
	struct token_bucket *bucket = token_bucket_new(seed, rate);
	char text[32];
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(text, sizeof(text), "%u.%u.%u.1", 1 + i / 65536, i / 256 % 256, i % 256);
		assert_int_equal(take(bucket, text, 1, i), 1);
		/* one that is seen all the while stays bounded */
		take(bucket, "203.0.113.5", 1, i);
	}
	assert_int_equal(take(bucket, "203.0.113.5", 1, 20000), 0);
	token_bucket_free(bucket);
}

static void other_families_get_nothing(void **state)
{
	(void)state;
	struct token_bucket *bucket = token_bucket_new(seed, rate);
	assert_int_equal(take(bucket, "nowhere", 1, 0), 0);
	token_bucket_free(bucket);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_prefix_shares_one_bucket),
		cmocka_unit_test(tokens_come_back_with_time),
		cmocka_unit_test(a_flood_of_prefixes_forgets_the_oldest_only),
		cmocka_unit_test(other_families_get_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
