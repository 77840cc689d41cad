/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/error.h"
#include "base/wire_writer.h"
#include "feed/beacon.h"
#include "tests/unit/vectors.h"

static struct beacon_held held[BEACON_HELD_MAX + 1], decoded_held[BEACON_HELD_MAX];
static struct buffer body, made;

static int setup(void **state)
{
	(void)state;
	buffer_init(&body, SIZE_MAX);
	buffer_init(&made, SIZE_MAX);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	buffer_deinit(&body);
	buffer_deinit(&made);
	return 0;
}

static struct beacon load(const json_t *vector)
{
	struct beacon beacon = {
		.network_id = vectors_hash(vector, "network_id"),
		.city_id = vectors_hash(vector, "city_id"),
		.epoch = (uint32_t)vectors_uint(vector, "epoch"),
		.time = timestamp_from_ms((int64_t)vectors_uint(vector, "time")),
		.amendment_number = vectors_uint(vector, "amendment_number"),
		.held = held,
	};
	json_t *item;
	size_t i;

	json_array_foreach(vectors_field(vector, "heads"), i, item)
		beacon.heads[beacon.head_count++] = (struct beacon_head){
		.lane = (uint8_t)vectors_uint(item, "lane"),
		.seq = vectors_uint(item, "seq"),
		.entry_hash = vectors_hash(item, "entry_hash"),
	};
	json_array_foreach(vectors_field(vector, "held"), i, item)
		held[beacon.held_count++] = (struct beacon_held){
			.feed_id = vectors_hash(item, "feed_id"),
			.seq = vectors_uint(item, "seq"),
		};
	return beacon;
}

static void beacons_are_those_of_the_vectors(void **state)
{
	(void)state;
	json_t *root = vectors_load("beacon"), *vector;
	struct secret_key *key = vectors_secret("budapest node 1");
	size_t i;

	assert_int_equal(json_array_size(vectors_field(root, "beacons")), 2);
	json_array_foreach(vectors_field(root, "beacons"), i, vector)
	{
		struct beacon beacon = load(vector), decoded;
		struct public_key node_key = vectors_key(vector, "node_key");
		struct signature wanted, signature;
		vectors_hex(vector, "body", &body);
		vectors_exact(vector, "signature", wanted.bytes, SIGNATURE_SIZE);
		buffer_reset(&made);
		assert_int_equal(beacon_encode(&made, &beacon), 0);
		assert_true(bytes_equal(buffer_bytes(&made), buffer_bytes(&body)));
		assert_int_equal(beacon_sign(key, buffer_bytes(&body), &signature), 0);
		assert_memory_equal(signature.bytes, wanted.bytes, SIGNATURE_SIZE);
		assert_int_equal(beacon_verify(&node_key, buffer_bytes(&body), &wanted), 0);

		assert_int_equal(
			beacon_decode(buffer_bytes(&body), decoded_held, BEACON_HELD_MAX, &decoded), 0);
		assert_int_equal(decoded.head_count, beacon.head_count);
		assert_int_equal(decoded.held_count, beacon.held_count);
		buffer_reset(&made);
		assert_int_equal(beacon_encode(&made, &decoded), 0);
		assert_true(bytes_equal(buffer_bytes(&made), buffer_bytes(&body)));

		for (size_t at = 0; at < body.len; at++) {
			body.data[at] ^= 1;
			assert_int_equal(
				beacon_verify(&node_key, buffer_bytes(&body), &wanted), ERROR_SIGNATURE);
			body.data[at] ^= 1;
			assert_int_not_equal(
				beacon_decode(bytes_of(body.data, at), decoded_held, BEACON_HELD_MAX, &decoded), 0);
		}
	}
	secret_key_free(key);
	json_decref(root);
}

static struct beacon load_second(void)
{
	json_t *root = vectors_load("beacon");
	const json_t *vector = json_array_get(vectors_field(root, "beacons"), 1);
	struct beacon beacon = load(vector);

	json_decref(root);
	return beacon;
}

static int encode(const struct beacon *beacon)
{
	buffer_reset(&made);
	int error = beacon_encode(&made, beacon);
	if (error)
		assert_int_equal(made.len, 0);
	return error;
}

static void odd_beacons_are_not_made(void **state)
{
	(void)state;
	struct beacon good = load_second(), beacon = good;

	beacon.heads[1].lane = beacon.heads[0].lane;
	assert_int_equal(encode(&beacon), ERROR_NOT_CANONICAL);
	beacon = good;
	beacon.heads[1].lane = 16;
	assert_int_equal(encode(&beacon), ERROR_RANGE);
	beacon = good;
	beacon.heads[0].lane = 0;
	assert_int_equal(encode(&beacon), ERROR_RANGE);
	beacon = good;
	beacon.heads[0].seq = 0;
	assert_int_equal(encode(&beacon), ERROR_RANGE);
	beacon = good;
	beacon.epoch = 0;
	assert_int_equal(encode(&beacon), ERROR_RANGE);
	beacon = good;
	beacon.time.ms = -1;
	assert_int_equal(encode(&beacon), ERROR_RANGE);
	beacon = good;
	held[0].seq = 0;
	assert_int_equal(encode(&beacon), ERROR_RANGE);
	beacon = load_second();
	held[1] = held[0];
	assert_int_equal(encode(&beacon), ERROR_NOT_CANONICAL);
	beacon.held_count = BEACON_HELD_MAX + 1;
	assert_int_equal(encode(&beacon), ERROR_SIZE);
	beacon.held_count = 0;
	beacon.head_count = FEED_LANE_MAX + 1;
	assert_int_equal(encode(&beacon), ERROR_SIZE);
}

static void the_largest_beacon_is_taken(void **state)
{
	(void)state;
	struct beacon beacon = load_second(), decoded;

	for (size_t i = 0; i < BEACON_HELD_MAX; i++)
		held[i] = (struct beacon_held){
			.feed_id = {{(uint8_t)(i >> 8), (uint8_t)i}}, .seq = UINT64_MAX};
	for (size_t i = 0; i < FEED_LANE_MAX; i++)
		beacon.heads[i] = (struct beacon_head){.lane = (uint8_t)(i + 1), .seq = UINT64_MAX};
	beacon.head_count = FEED_LANE_MAX;
	beacon.held_count = BEACON_HELD_MAX;
	assert_int_equal(encode(&beacon), 0);
	assert_true(made.len <= BEACON_BODY_BYTES_MAX);
	assert_int_equal(
		beacon_decode(buffer_bytes(&made), decoded_held, BEACON_HELD_MAX, &decoded), 0);
	assert_int_equal(decoded.held_count, BEACON_HELD_MAX);
	assert_int_equal(
		beacon_decode(buffer_bytes(&made), decoded_held, BEACON_HELD_MAX - 1, &decoded),
		ERROR_SIZE);
	assert_non_null(buffer_reserve(&made, BEACON_BODY_BYTES_MAX));
	assert_int_equal(beacon_decode(bytes_of(made.data, BEACON_BODY_BYTES_MAX + 1), decoded_held,
						 BEACON_HELD_MAX, &decoded),
		ERROR_SIZE);
}

static void order_is_judged_and_further_elements_are_passed_over(void **state)
{
	(void)state;
	static const struct hash zero;
	struct beacon decoded;

	for (int swapped = 0; swapped < 2; swapped++) {
		buffer_reset(&made);
		wire_writer_array(&made, 9);
		wire_writer_uint(&made, 1);
		wire_writer_bin(&made, hash_bytes(&zero));
		wire_writer_bin(&made, hash_bytes(&zero));
		wire_writer_uint(&made, 1);
		wire_writer_uint(&made, 0);
		wire_writer_array(&made, 2);
		for (uint64_t i = 0; i < 2; i++) {
			wire_writer_array(&made, 4);
			wire_writer_uint(&made, swapped ? 2 - i : 1 + i);
			wire_writer_uint(&made, 1);
			wire_writer_bin(&made, hash_bytes(&zero));
			wire_writer_nil(&made);
		}
		wire_writer_uint(&made, 0);
		wire_writer_array(&made, 0);
		wire_writer_text(&made, "later");
		assert_int_equal(
			beacon_decode(buffer_bytes(&made), decoded_held, BEACON_HELD_MAX, &decoded),
			swapped ? ERROR_NOT_CANONICAL : 0);
	}
	made.data[1] = 2;
	assert_int_equal(
		beacon_decode(buffer_bytes(&made), decoded_held, BEACON_HELD_MAX, &decoded), ERROR_VERSION);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(beacons_are_those_of_the_vectors),
		cmocka_unit_test(odd_beacons_are_not_made),
		cmocka_unit_test(the_largest_beacon_is_taken),
		cmocka_unit_test(order_is_judged_and_further_elements_are_passed_over),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
