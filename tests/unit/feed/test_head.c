/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/error.h"
#include "feed/head.h"
#include "tests/unit/vectors.h"

static void heads_are_those_of_the_vectors(void **state)
{
	(void)state;
	json_t *root = vectors_load("heads"), *vector;
	struct secret_key *key = vectors_secret("budapest node 1");
	size_t i;

	assert_true(json_array_size(vectors_field(root, "heads")) >= 2);
	json_array_foreach(vectors_field(root, "heads"), i, vector)
	{
		uint8_t wanted[HEAD_BYTES], made[HEAD_BYTES];
		struct head head, decoded;
		vectors_exact(vector, "bytes", wanted, sizeof(wanted));
		head = (struct head){
			.feed_id = vectors_hash(vector, "feed_id"),
			.epoch = (uint32_t)vectors_uint(vector, "epoch"),
			.seq = vectors_uint(vector, "seq"),
			.entry_hash = vectors_hash(vector, "entry_hash"),
			.time = timestamp_from_ms((int64_t)vectors_uint(vector, "time")),
			.flags = (uint8_t)vectors_uint(vector, "flags"),
		};
		assert_int_equal(head_sign(&head, key), 0);
		head_encode(&head, made);
		assert_memory_equal(made, wanted, sizeof(wanted));

		assert_int_equal(head_decode(bytes_of(wanted, sizeof(wanted)), &decoded), 0);
		assert_int_equal(head_verify(&decoded), 0);
		assert_int_equal(decoded.seq, head.seq);
		assert_int_equal(decoded.epoch, head.epoch);
		assert_int_equal(decoded.time.ms, head.time.ms);
		assert_int_equal(decoded.flags, head.flags);
		assert_true(hash_equal(&decoded.feed_id, &head.feed_id));
		assert_true(hash_equal(&decoded.entry_hash, &head.entry_hash));
		assert_true(public_key_equal(&decoded.node_key, secret_key_public(key)));
	}
	secret_key_free(key);
	json_decref(root);
}

static void load_first(uint8_t bytes[static HEAD_BYTES])
{
	json_t *root = vectors_load("heads");

	vectors_exact(json_array_get(vectors_field(root, "heads"), 0), "bytes", bytes, HEAD_BYTES);
	json_decref(root);
}

static void a_change_of_any_byte_is_seen(void **state)
{
	(void)state;
	uint8_t bytes[HEAD_BYTES];
	struct head head;

	load_first(bytes);
	for (size_t i = 0; i < HEAD_BYTES; i++) {
		bytes[i] ^= 1;
		int error = head_decode(bytes_of(bytes, HEAD_BYTES), &head);
		if (!error)
			error = head_verify(&head);
		assert_true(error == ERROR_SIGNATURE || error == ERROR_KEY || error == ERROR_RANGE);
		bytes[i] ^= 1;
	}
}

static void odd_heads_are_refused(void **state)
{
	(void)state;
	uint8_t bytes[HEAD_BYTES + 1], good[HEAD_BYTES];
	struct head head;

	load_first(good);
	memcpy(bytes, good, HEAD_BYTES);
	bytes[HEAD_BYTES] = 0;
	assert_int_equal(head_decode(bytes_of(bytes, HEAD_BYTES + 1), &head), ERROR_TRAILING);
	for (size_t len = 0; len < HEAD_BYTES; len++)
		assert_int_equal(head_decode(bytes_of(bytes, len), &head), ERROR_TRUNCATED);
	memset(bytes + 32, 0, 4); /* epoch 0 */
	assert_int_equal(head_decode(bytes_of(bytes, HEAD_BYTES), &head), ERROR_RANGE);
	memcpy(bytes, good, HEAD_BYTES);
	memset(bytes + 68, 0, 8); /* seq 0 */
	assert_int_equal(head_decode(bytes_of(bytes, HEAD_BYTES), &head), ERROR_RANGE);
	memcpy(bytes, good, HEAD_BYTES);
	bytes[108] = 0x80; /* a time of 2^63 */
	assert_int_equal(head_decode(bytes_of(bytes, HEAD_BYTES), &head), ERROR_RANGE);
	memcpy(bytes, good, HEAD_BYTES);
	for (int bit = 1; bit < 8; bit++) {
		bytes[116] = (uint8_t)(1 << bit); /* flags */
		assert_int_equal(head_decode(bytes_of(bytes, HEAD_BYTES), &head), ERROR_RANGE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heads_are_those_of_the_vectors),
		cmocka_unit_test(a_change_of_any_byte_is_seen),
		cmocka_unit_test(odd_heads_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
