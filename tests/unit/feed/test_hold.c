/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/error.h"
#include "feed/hold.h"
#include "tests/unit/vectors.h"

static void load(
	struct hold *hold, uint8_t statement[static HOLD_BYTES], struct signature *signature)
{
	json_t *root = vectors_load("hold");
	const json_t *lanes = vectors_field(root, "lanes");

	*hold = (struct hold){
		.network_id = vectors_hash(root, "network_id"),
		.holder = vectors_hash(root, "holder"),
		.epoch = (uint32_t)vectors_uint(root, "epoch"),
		.node_key = vectors_key(root, "node_key"),
		.subject = vectors_hash(root, "subject"),
		.time = timestamp_from_ms((int64_t)vectors_uint(root, "time")),
	};
	vectors_exact(root, "nonce", hold->nonce, HOLD_NONCE_BYTES);
	assert_int_equal(json_array_size(lanes), FEED_LANE_COUNT);
	for (size_t i = 0; i < FEED_LANE_COUNT; i++) {
		hold->lanes[i].seq = vectors_uint(json_array_get(lanes, i), "seq");
		hold->lanes[i].entry_hash = vectors_hash(json_array_get(lanes, i), "entry_hash");
	}
	vectors_exact(root, "statement", statement, HOLD_BYTES);
	vectors_exact(root, "signature", signature->bytes, SIGNATURE_SIZE);
	json_decref(root);
}

static void a_hold_is_that_of_the_vectors(void **state)
{
	(void)state;
	struct secret_key *key = vectors_secret("warszawa node 1");
	uint8_t wanted[HOLD_BYTES], made[HOLD_BYTES], again[HOLD_BYTES];
	struct signature wanted_signature, signature;
	struct hold hold, decoded;

	load(&hold, wanted, &wanted_signature);
	assert_int_equal(hold_sign(&hold, key, made, &signature), 0);
	assert_memory_equal(made, wanted, HOLD_BYTES);
	assert_memory_equal(signature.bytes, wanted_signature.bytes, SIGNATURE_SIZE);
	assert_int_equal(hold_verify(bytes_of(wanted, HOLD_BYTES), &wanted_signature, &decoded), 0);
	hold_encode(&decoded, again);
	assert_memory_equal(again, wanted, HOLD_BYTES);
	assert_int_equal(decoded.lanes[0].seq, hold.lanes[0].seq);
	assert_true(hash_equal(&decoded.subject, &hold.subject));
	secret_key_free(key);
}

static void altered_holds_are_refused(void **state)
{
	(void)state;
	uint8_t bytes[HOLD_BYTES + 1];
	struct signature signature;
	struct hold hold;

	load(&hold, bytes, &signature);
	for (size_t i = 0; i < HOLD_BYTES; i++) {
		bytes[i] ^= 2;
		assert_int_not_equal(hold_verify(bytes_of(bytes, HOLD_BYTES), &signature, &hold), 0);
		bytes[i] ^= 2;
	}
	bytes[12] ^= 1;
	assert_int_equal(hold_verify(bytes_of(bytes, HOLD_BYTES), &signature, &hold), ERROR_SIGNATURE);
	bytes[12] ^= 1;
	bytes[HOLD_BYTES] = 0;
	for (size_t len = 0; len < HOLD_BYTES; len++)
		assert_int_equal(hold_decode(bytes_of(bytes, len), &hold), ERROR_TRUNCATED);
	assert_int_equal(hold_decode(bytes_of(bytes, HOLD_BYTES + 1), &hold), ERROR_TRAILING);
	bytes[0] = 'H';
	assert_int_equal(hold_decode(bytes_of(bytes, HOLD_BYTES), &hold), ERROR_SYNTAX);
}

static void odd_holds_are_refused(void **state)
{
	(void)state;
	uint8_t bytes[HOLD_BYTES];
	struct signature signature;
	struct hold good, hold, out;

	load(&good, bytes, &signature);
	hold = good;
	hold.epoch = 0;
	hold_encode(&hold, bytes);
	assert_int_equal(hold_decode(bytes_of(bytes, HOLD_BYTES), &out), ERROR_RANGE);
	hold = good;
	hold.time.ms = -1;
	hold_encode(&hold, bytes);
	assert_int_equal(hold_decode(bytes_of(bytes, HOLD_BYTES), &out), ERROR_RANGE);
	hold = good;
	hold.lanes[3].seq = 0; /* nothing held, and yet its hash */
	hold_encode(&hold, bytes);
	assert_int_equal(hold_decode(bytes_of(bytes, HOLD_BYTES), &out), ERROR_RANGE);
}

static void a_twin_proof_is_that_of_the_vectors(void **state)
{
	(void)state;
	json_t *root = vectors_load("twin");
	struct secret_key *key = vectors_secret("budapest node 1");
	struct public_key node_key = vectors_key(root, "node_key");
	uint8_t nonce[TWIN_NONCE_BYTES], instance[TWIN_INSTANCE_BYTES];
	struct signature wanted, signature;

	vectors_exact(root, "nonce", nonce, sizeof(nonce));
	vectors_exact(root, "instance", instance, sizeof(instance));
	vectors_exact(root, "signature", wanted.bytes, SIGNATURE_SIZE);
	assert_int_equal(twin_proof_sign(key, nonce, instance, &signature), 0);
	assert_memory_equal(signature.bytes, wanted.bytes, SIGNATURE_SIZE);
	assert_int_equal(twin_proof_verify(&node_key, nonce, instance, &wanted), 0);
	nonce[31] ^= 1;
	assert_int_equal(twin_proof_verify(&node_key, nonce, instance, &wanted), ERROR_SIGNATURE);
	nonce[31] ^= 1;
	instance[0] ^= 1;
	assert_int_equal(twin_proof_verify(&node_key, nonce, instance, &wanted), ERROR_SIGNATURE);
	secret_key_free(key);
	json_decref(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hold_is_that_of_the_vectors),
		cmocka_unit_test(altered_holds_are_refused),
		cmocka_unit_test(odd_holds_are_refused),
		cmocka_unit_test(a_twin_proof_is_that_of_the_vectors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
