/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/error.h"
#include "base/wire_writer.h"
#include "feed/fork_proof.h"
#include "tests/unit/vectors.h"

static struct hasher hasher;
static struct buffer body, made, hashes;

static int setup(void **state)
{
	(void)state;
	buffer_init(&body, SIZE_MAX);
	buffer_init(&made, SIZE_MAX);
	buffer_init(&hashes, SIZE_MAX);
	return hasher_init(&hasher);
}

static int teardown(void **state)
{
	(void)state;
	buffer_deinit(&body);
	buffer_deinit(&made);
	buffer_deinit(&hashes);
	hasher_deinit(&hasher);
	return 0;
}

/* The vector of that name, decoded; its views point into `body`. */
static struct fork_proof load(const char *name)
{
	json_t *root = vectors_load("fork_proof"), *vector;
	struct fork_proof proof = {0};
	size_t i;

	json_array_foreach(vectors_field(root, "fork_proofs"), i, vector)
	{
		if (strcmp(vectors_text(vector, "name"), name) != 0)
			continue;
		vectors_hex(vector, "body", &body);
		assert_int_equal(fork_proof_decode(buffer_bytes(&body), &proof), 0);
		struct hash hash = vectors_hash(vector, "entry_hash");
		assert_true(hash_equal(&proof.entry_hash, &hash));
		assert_int_equal(proof.seq, vectors_uint(vector, "seq"));
		const json_t *counts = vectors_field(vector, "counts");
		assert_int_equal(proof.a.hashes.len / FORK_PROOF_PAIR_BYTES,
			json_integer_value(json_array_get(counts, 0)));
		assert_int_equal(proof.b.hashes.len / FORK_PROOF_PAIR_BYTES,
			json_integer_value(json_array_get(counts, 1)));
		assert_true(vectors_uint(vector, "envelope_bytes") <= FORK_PROOF_BYTES_MAX);
	}
	assert_int_not_equal(proof.lane, 0);
	json_decref(root);
	return proof;
}

static int judge(const struct fork_proof *proof)
{
	return fork_proof_verify(&hasher, proof);
}

static void proofs_of_the_vectors_verify(void **state)
{
	(void)state;
	static const char *const names[] = {"at the first entry", "three against one", "the largest"};

	for (size_t i = 0; i < 3; i++) {
		struct fork_proof proof = load(names[i]);
		assert_int_equal(judge(&proof), 0);
		buffer_reset(&made);
		assert_int_equal(fork_proof_encode(&made, &proof), 0);
		assert_true(bytes_equal(buffer_bytes(&made), buffer_bytes(&body)));
	}
}

static void one_history_is_no_fork(void **state)
{
	(void)state;
	struct fork_proof proof = load("three against one");

	proof.b = proof.a;
	assert_int_equal(judge(&proof), ERROR_FORK);
}

static void both_heads_are_of_one_feed_epoch_and_key(void **state)
{
	(void)state;
	struct fork_proof good = load("three against one"), proof = good;

	proof.b.head.epoch++;
	assert_int_equal(judge(&proof), ERROR_HEAD);
	proof = good;
	proof.b.head.node_key.bytes[0] ^= 1;
	assert_int_equal(judge(&proof), ERROR_HEAD);
	proof = good;
	proof.a.head.feed_id.bytes[0] ^= 1;
	assert_int_equal(judge(&proof), ERROR_HEAD);
	proof = good;
	proof.lane = 2;
	assert_int_equal(judge(&proof), ERROR_HEAD);
	proof = good;
	proof.city_id.bytes[0] ^= 1;
	assert_int_equal(judge(&proof), ERROR_HEAD);
	proof = good;
	proof.a.head.seq++;
	assert_int_equal(judge(&proof), ERROR_HEAD);
	proof = good;
	proof.a.hashes.len -= FORK_PROOF_PAIR_BYTES;
	assert_int_equal(judge(&proof), ERROR_HEAD);
}

static void the_chains_lead_from_the_common_entry_to_the_heads(void **state)
{
	(void)state;
	struct fork_proof good = load("three against one"), proof = good;

	proof.entry_hash.bytes[0] ^= 1;
	assert_int_equal(judge(&proof), ERROR_CHAIN);
	for (size_t i = 0; i < good.a.hashes.len; i++) {
		buffer_reset(&hashes);
		buffer_push_bytes(&hashes, good.a.hashes);
		hashes.data[i] ^= 1;
		proof = good;
		proof.a.hashes = buffer_bytes(&hashes);
		assert_int_equal(judge(&proof), ERROR_CHAIN);
	}
	proof = good;
	proof.seq--;
	assert_int_equal(judge(&proof), ERROR_HEAD);
}

static void both_signatures_count(void **state)
{
	(void)state;
	struct fork_proof good = load("three against one"), proof = good;

	proof.a.head.signature.bytes[5] ^= 1;
	assert_int_equal(judge(&proof), ERROR_SIGNATURE);
	proof = good;
	proof.b.head.signature.bytes[5] ^= 1;
	assert_int_equal(judge(&proof), ERROR_SIGNATURE);
	proof = good;
	proof.b.head.time.ms++;
	assert_int_equal(judge(&proof), ERROR_SIGNATURE);
}

static void odd_shapes_are_refused(void **state)
{
	(void)state;
	static const uint8_t many[(FORK_PROOF_ENTRIES_MAX + 1) * FORK_PROOF_PAIR_BYTES];
	struct fork_proof good = load("at the first entry"), proof = good;

	buffer_reset(&made);
	proof.entry_hash.bytes[0] = 1; /* before the first entry lies nothing */
	assert_int_equal(fork_proof_encode(&made, &proof), ERROR_RANGE);
	assert_int_equal(judge(&proof), ERROR_RANGE);
	proof = good;
	proof.lane = 0;
	assert_int_equal(fork_proof_encode(&made, &proof), ERROR_RANGE);
	proof.lane = 16;
	assert_int_equal(fork_proof_encode(&made, &proof), ERROR_RANGE);
	proof = good;
	proof.seq = UINT64_MAX;
	assert_int_equal(fork_proof_encode(&made, &proof), ERROR_RANGE);
	proof = good;
	proof.b.hashes.len = 0;
	assert_int_equal(fork_proof_encode(&made, &proof), ERROR_SIZE);
	proof.b.hashes.len = 63;
	assert_int_equal(fork_proof_encode(&made, &proof), ERROR_SIZE);
	proof.b.hashes = bytes_of(many, sizeof(many));
	assert_int_equal(fork_proof_encode(&made, &proof), ERROR_SIZE);
	assert_int_equal(made.len, 0);

	for (size_t len = 0; len < body.len; len++)
		assert_int_not_equal(fork_proof_decode(bytes_of(body.data, len), &proof), 0);
	body.data[1] = 2;
	assert_int_equal(fork_proof_decode(buffer_bytes(&body), &proof), ERROR_VERSION);
	assert_int_equal(
		fork_proof_decode(bytes_of(many, FORK_PROOF_BYTES_MAX + 1), &proof), ERROR_SIZE);
}

static void further_elements_are_passed_over(void **state)
{
	(void)state;
	struct fork_proof good = load("at the first entry"), proof;
	uint8_t head[HEAD_BYTES];

	buffer_reset(&made);
	assert_int_equal(body.data[0], 0x98); /* eight elements, the last a branch of two */
	size_t branch = 1 + 2 + good.b.hashes.len + 2 + HEAD_BYTES;
	wire_writer_array(&made, 9);
	buffer_push(&made, body.data + 1, body.len - 1 - branch);
	wire_writer_array(&made, 3);
	wire_writer_bin(&made, good.b.hashes);
	head_encode(&good.b.head, head);
	wire_writer_bin(&made, bytes_of(head, sizeof(head)));
	wire_writer_text(&made, "later");
	wire_writer_nil(&made);
	assert_int_equal(fork_proof_decode(buffer_bytes(&made), &proof), 0);
	assert_int_equal(judge(&proof), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(proofs_of_the_vectors_verify),
		cmocka_unit_test(one_history_is_no_fork),
		cmocka_unit_test(both_heads_are_of_one_feed_epoch_and_key),
		cmocka_unit_test(the_chains_lead_from_the_common_entry_to_the_heads),
		cmocka_unit_test(both_signatures_count),
		cmocka_unit_test(odd_shapes_are_refused),
		cmocka_unit_test(further_elements_are_passed_over),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
