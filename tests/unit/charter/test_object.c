/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/charter/fixture.h"
#include "tests/unit/vectors.h"

/* [type, body "hi", signatures] with what is given for each. */
static int decode(struct buffer *b, uint8_t type, struct bytes signatures, const char *tail)
{
	struct control_object object;
	buffer_push_u8(b, 0x93);
	buffer_push_u8(b, type);
	buffer_push(b, "\xc4\x02hi", 4);
	buffer_push_bytes(b, signatures);
	buffer_push_text(b, tail);
	int error = object_decode(buffer_bytes(b), &object);
	buffer_reset(b);
	return error;
}

static void envelopes_are_canonical_and_known(void **state)
{
	(void)state;
	struct buffer b;
	struct bytes none = bytes_from_text("\x90");
	buffer_init(&b, 4096);
	assert_int_equal(decode(&b, OBJECT_EPOCH_RECORD, none, ""), 0);
	assert_int_equal(decode(&b, OBJECT_EPOCH_RECORD, none, "x"), ERROR_TRAILING);
	assert_int_equal(decode(&b, 0, none, ""), ERROR_VERSION);
	assert_int_equal(decode(&b, 7, none, ""), ERROR_VERSION);
	assert_int_not_equal(decode(&b, OBJECT_EPOCH_RECORD, bytes_from_text("\x91"), ""), 0);
	assert_int_not_equal(decode(&b, OBJECT_EPOCH_RECORD, bytes_from_text("\xc0"), ""), 0);
	/* A fourth element: nothing signs the envelope, so that it has none. */
	static const uint8_t four[] = {0x94, 3, 0xc4, 2, 'h', 'i', 0x90, 0xc0};
	struct control_object object;
	assert_int_equal(object_decode(bytes_of(four, sizeof(four)), &object), ERROR_SIZE);
	buffer_deinit(&b);
}

static void sizes_are_bounded(void **state)
{
	struct fixture *f = *state;
	struct control_object object;
	uint8_t *body = calloc(1, OBJECT_FORK_PROOF_BYTES_MAX);
	buffer_deinit(&f->wire);
	buffer_init(&f->wire, 2 * OBJECT_FORK_PROOF_BYTES_MAX);
	static const size_t overhead = 1 + 1 + 3 + 1; /* array, type, bin16, no signatures */
	size_t fits = OBJECT_BYTES_MAX - overhead;
	assert_int_equal(object_encode(&f->wire, OBJECT_AMENDMENT, bytes_of(body, fits), NULL, 0), 0);
	assert_int_equal(f->wire.len, OBJECT_BYTES_MAX);
	assert_int_equal(object_decode(buffer_bytes(&f->wire), &object), 0);
	buffer_reset(&f->wire);
	assert_int_equal(object_encode(&f->wire, OBJECT_AMENDMENT, bytes_of(body, fits + 1), NULL, 0),
		ERROR_SIZE);
	assert_int_equal(f->wire.len, 0);
	assert_int_equal(object_encode(&f->wire, OBJECT_FORK_PROOF, bytes_of(body, fits + 1), NULL, 0),
		0);
	assert_int_equal(object_decode(buffer_bytes(&f->wire), &object), 0);
	f->wire.data[1] = OBJECT_AMENDMENT;
	assert_int_equal(object_decode(buffer_bytes(&f->wire), &object), ERROR_SIZE);
	free(body);
}

static void signatures_are_sorted_and_found(void **state)
{
	struct fixture *f = *state;
	static const char *const names[] = {"a", "b", "c", "d", "e"};
	struct object_signature signatures[5], found;
	struct bytes body = bytes_from_text("body");
	struct control_object object;
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(object_sign(fixture_key(f, names[i]), body, &signatures[i]), 0);
	buffer_reset(&f->wire);
	assert_int_equal(object_encode(&f->wire, OBJECT_AMENDMENT, body, signatures, 5), 0);
	assert_int_equal(object_decode(buffer_bytes(&f->wire), &object), 0);
	assert_int_equal(object.signature_count, 5);
	for (size_t i = 0; i < 5; i++) {
		struct signature signature;
		object_signature_at(&object, i, &found);
		assert_int_equal(signature_verify(&found.key, body, &found.signature), 0);
		assert_true(object_signature_by(&object, &signatures[i].key, &signature));
		assert_memory_equal(&signature, &signatures[i].signature, sizeof(signature));
		assert_int_equal(object_verify_one(NULL, &object, &signatures[i].key, body), 0);
	}
	assert_false(object_signature_by(&object, fixture_public(f, "x"), &found.signature));
	assert_int_equal(object_verify_one(NULL, &object, fixture_public(f, "x"), body),
		ERROR_SIGNATURE);
	signatures[4] = signatures[0];
	assert_int_equal(object_encode(&f->wire, OBJECT_AMENDMENT, body, signatures, 5), ERROR_EXISTS);
}

static void check_vector(const json_t *vector)
{
	struct buffer wire, body, made;
	struct control_object object;
	struct object_signature signatures[OBJECT_SIGNATURES_MAX];
	buffer_init(&wire, OBJECT_FORK_PROOF_BYTES_MAX);
	buffer_init(&body, OBJECT_FORK_PROOF_BYTES_MAX);
	buffer_init(&made, OBJECT_FORK_PROOF_BYTES_MAX);
	struct bytes envelope = vectors_hex(vector, "envelope", &wire);
	struct hash object_hash = vectors_hash(vector, "object_hash");
	assert_int_equal(object_decode(envelope, &object), 0);
	assert_int_equal(object.type, vectors_uint(vector, "type"));
	assert_true(hash_equal(&object.object_hash, &object_hash));
	assert_true(bytes_equal(object.body, vectors_hex(vector, "body", &body)));
	size_t n = object.signature_count;
	assert_int_equal(n, json_array_size(vectors_field(vector, "signers")));
	for (size_t i = 0; i < n; i++)
		object_signature_at(&object, n - 1 - i, &signatures[i]);
	assert_int_equal(object_encode(&made, object.type, object.body, signatures, n), 0);
	assert_true(bytes_equal(buffer_bytes(&made), envelope));
	buffer_deinit(&wire);
	buffer_deinit(&body);
	buffer_deinit(&made);
}

static void envelopes_are_those_of_the_vectors(void **state)
{
	(void)state;
	static const char *const lists[][2] = {{"charter", "chain"}, {"charter", "founder_records"},
		{"epoch_records", "chain"}, {"addresses", "address_lists"}};
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		json_t *root = vectors_load(lists[i][0]), *vector;
		size_t j;
		json_array_foreach(vectors_field(root, lists[i][1]), j, vector)
			check_vector(vector);
		assert_true(j >= 2);
		json_decref(root);
	}
}

/* What the vectors say of each record, decoded and encoded again. */
static void records_are_those_of_the_vectors(void **state)
{
	(void)state;
	json_t *root = vectors_load("epoch_records"), *vector;
	size_t i;
	struct buffer body, made;
	buffer_init(&body, OBJECT_BYTES_MAX);
	buffer_init(&made, OBJECT_BYTES_MAX);
	json_array_foreach(vectors_field(root, "chain"), i, vector)
	{
		struct epoch_record record;
		struct hash record_hash, wanted = vectors_hash(vector, "record_hash");
		struct bytes bytes = vectors_hex(vector, "body", &body);
		assert_int_equal(epoch_record_decode(bytes, &record), 0);
		assert_int_equal(record.epoch, vectors_uint(vector, "epoch"));
		assert_int_equal(record.reason, vectors_uint(vector, "reason"));
		const json_t *lane = json_array_get(vectors_field(vector, "cuts"), 2);
		assert_int_equal(record.cuts[2].seq, json_integer_value(json_array_get(lane, 0)));
		assert_int_equal(epoch_record_hash(bytes, &record_hash), 0);
		assert_true(hash_equal(&record_hash, &wanted));
		buffer_reset(&made);
		assert_int_equal(epoch_record_encode(&made, &record), 0);
		assert_true(bytes_equal(buffer_bytes(&made), bytes));
	}
	assert_int_equal(i, 3);
	buffer_deinit(&body);
	buffer_deinit(&made);
	json_decref(root);
}

static int judge(const struct epoch_record *record)
{
	struct buffer body;
	struct epoch_record out;
	buffer_init(&body, OBJECT_BYTES_MAX);
	assert_int_equal(epoch_record_encode(&body, record), 0);
	int error = epoch_record_decode(buffer_bytes(&body), &out);
	buffer_deinit(&body);
	return error;
}

static void a_record_is_judged_alone(void **state)
{
	struct fixture *f = *state;
	struct hash zero = {{0}};
	struct epoch_record good = fixture_record(f, "budapest", 1, &zero, 1, 0), bad = good;
	assert_int_equal(judge(&good), 0);
	bad.city_id = fixture_city(f, "warszawa");
	assert_int_equal(judge(&bad), ERROR_EPOCH_RECORD);
	bad = good;
	bad.prev = fixture_hash("some");
	assert_int_equal(judge(&bad), ERROR_EPOCH_RECORD);
	bad = good;
	fixture_cuts(bad.cuts, 0, 0, 0, 1);
	assert_int_equal(judge(&bad), ERROR_EPOCH_RECORD);
	bad = good;
	bad.node_key = bad.city_key;
	assert_int_equal(judge(&bad), ERROR_EPOCH_RECORD);
	bad = good;
	bad.epoch = 0;
	assert_int_equal(judge(&bad), ERROR_EPOCH_RECORD);
	bad.epoch = EPOCH_MAX + 1;
	assert_int_equal(judge(&bad), ERROR_RANGE);
	bad = good;
	memset(&bad.node_key, 0, sizeof(bad.node_key));
	assert_int_equal(judge(&bad), ERROR_KEY);
	bad = fixture_record(f, "budapest", 2, &zero, 1, 0);
	memset(&bad.city_key, 0xff, sizeof(bad.city_key)); /* y above p */
	assert_int_equal(judge(&bad), ERROR_KEY);
	bad = fixture_record(f, "budapest", 2, &zero, 1, 0);
	bad.cuts[1].hash = fixture_hash("some"); /* with seq 0 */
	assert_int_equal(judge(&bad), ERROR_EPOCH_RECORD);
	bad = good;
	bad.guardian_count = 2;
	bad.guardian_k = 1;
	bad.guardians[0] = fixture_hash("one");
	bad.guardians[1] = fixture_hash("two");
	assert_int_equal(judge(&bad), ERROR_EPOCH_RECORD);
	bad.guardian_k = 2;
	assert_int_equal(judge(&bad), 0);
	bad.guardians[1] = bad.guardians[0];
	assert_int_equal(judge(&bad), ERROR_EPOCH_RECORD);
	bad = good;
	bad.guardian_k = 1;
	assert_int_equal(judge(&bad), ERROR_EPOCH_RECORD);
}

int main(void)
{
#define WITH_FIXTURE(t) cmocka_unit_test_setup_teardown(t, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(envelopes_are_canonical_and_known),
		WITH_FIXTURE(sizes_are_bounded),
		WITH_FIXTURE(signatures_are_sorted_and_found),
		cmocka_unit_test(envelopes_are_those_of_the_vectors),
		cmocka_unit_test(records_are_those_of_the_vectors),
		WITH_FIXTURE(a_record_is_judged_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
