/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "feed/feed.h"
#include "tests/unit/vectors.h"

static void ids_are_those_of_the_vectors(void **state)
{
	(void)state;
	json_t *root = vectors_load("ids"), *city;
	struct hash network_id = vectors_hash(root, "network_id");
	size_t i;

	assert_true(json_array_size(vectors_field(root, "cities")) >= 3);
	json_array_foreach(vectors_field(root, "cities"), i, city)
	{
		struct public_key key = vectors_key(city, "city_key");
		struct hash wanted = vectors_hash(city, "city_id"), city_id, feed_id;
		assert_int_equal(city_id_of(&key, &city_id), 0);
		assert_true(hash_equal(&city_id, &wanted));
		for (uint8_t lane = 1; lane <= FEED_LANE_COUNT; lane++) {
			char name[2] = {(char)('0' + lane), 0};
			wanted = vectors_hash(vectors_field(city, "feed_ids"), name);
			assert_int_equal(feed_id_of(&network_id, &city_id, lane, &feed_id), 0);
			assert_true(hash_equal(&feed_id, &wanted));
		}
	}
	json_decref(root);
}

static void a_tip_counts_to_its_checkpoint(void **state)
{
	(void)state;
	struct hash id = {{1}}, hash = {{2}};
	struct feed_tip tip;

	feed_tip_init(&tip, &id);
	assert_int_equal(tip.seq, 0);
	assert_true(hash_is_zero(&tip.entry_hash));
	for (int i = 1; i < CHECKPOINT_ENTRIES; i++) {
		feed_tip_advance(&tip, &hash, 38);
		assert_false(feed_tip_checkpoint_due(&tip));
	}
	feed_tip_advance(&tip, &hash, 38);
	assert_true(feed_tip_checkpoint_due(&tip));
	assert_int_equal(tip.seq, CHECKPOINT_ENTRIES);
	assert_true(hash_equal(&tip.entry_hash, &hash));
	feed_tip_checkpoint(&tip);
	assert_false(feed_tip_checkpoint_due(&tip));

	feed_tip_advance(&tip, &hash, CHECKPOINT_BYTES - 1);
	assert_false(feed_tip_checkpoint_due(&tip));
	feed_tip_advance(&tip, &hash, 1);
	assert_true(feed_tip_checkpoint_due(&tip));
}

static void an_epoch_starts_the_counts_again(void **state)
{
	(void)state;
	struct hash id = {{1}}, hash = {{2}}, cut = {{3}};
	struct feed_tip tip;

	feed_tip_init(&tip, &id);
	feed_tip_advance(&tip, &hash, 1000);
	feed_tip_start_epoch(&tip, 2, 1, &cut);
	assert_int_equal(tip.epoch, 2);
	assert_int_equal(tip.seq, 1);
	assert_true(hash_equal(&tip.entry_hash, &cut));
	assert_int_equal(tip.since_checkpoint_entries, 0);
	assert_int_equal(tip.since_checkpoint_bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_are_those_of_the_vectors),
		cmocka_unit_test(a_tip_counts_to_its_checkpoint),
		cmocka_unit_test(an_epoch_starts_the_counts_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
