/* SPDX-License-Identifier: Apache-2.0 */
#include "charter/delegation.h"
#include "tests/unit/charter/fixture.h"
#include "tests/unit/vectors.h"

static void items_are_those_of_the_vectors(void **state)
{
	(void)state;
	json_t *root = vectors_load("amendment_items"), *vector;
	struct buffer bytes, made;
	size_t i;
	uint32_t seen = 0;
	buffer_init(&bytes, OBJECT_BYTES_MAX);
	buffer_init(&made, OBJECT_BYTES_MAX);
	json_array_foreach(vectors_field(root, "items"), i, vector)
	{
		struct wire_reader r;
		struct amendment_item item;
		wire_reader_init(&r, vectors_hex(vector, "item", &bytes));
		assert_true(amendment_item_next(&r, &item));
		assert_int_equal(item.kind, vectors_uint(vector, "kind"));
		assert_true(bytes_equal(item.raw, buffer_bytes(&bytes)));
		assert_int_equal(wire_reader_end(&r), 0);
		buffer_reset(&made);
		assert_int_equal(amendment_item_write(&made, &item), 0);
		assert_true(bytes_equal(buffer_bytes(&made), buffer_bytes(&bytes)));
		if (item.kind <= AMENDMENT_REVIEW)
			seen |= UINT32_C(1) << item.kind;
		if (item.kind <= AMENDMENT_REVIEW)
			assert_string_not_equal(amendment_item_name(item.kind), "unknown");
		/* No prefix of an item is one. */
		for (size_t len = 1; len < bytes.len; len++) {
			wire_reader_init(&r, bytes_of(bytes.data, len));
			assert_false(amendment_item_next(&r, &item));
		}
	}
	assert_int_equal(seen, 0xfffe); /* kinds 1 to 15 */

	struct amendment amendment;
	const json_t *whole = vectors_field(root, "amendment");
	struct hash hash, wanted = vectors_hash(whole, "amendment_hash");
	assert_int_equal(amendment_decode(vectors_hex(whole, "body", &bytes), &amendment), 0);
	assert_int_equal(amendment.item_count, i);
	assert_int_equal(amendment.number, 9);
	assert_int_equal(amendment_hash_of(buffer_bytes(&bytes), &hash), 0);
	assert_true(hash_equal(&hash, &wanted));
	struct amendment_message message, read;
	vectors_exact(whole, "message", read.bytes, sizeof(read.bytes));
	amendment_signed_message(&amendment.network_id, 9, &amendment.prev, &hash, &message);
	assert_memory_equal(&message, &read, sizeof(message));
	buffer_deinit(&bytes);
	buffer_deinit(&made);
	json_decref(root);
}

static void a_later_versions_elements_are_passed_over(void **state)
{
	(void)state;
	/* review date, with one element more than is known here; then one with nine more. */
	static const uint8_t more[] = {0x93, 15, 42, 0xc0};
	static const uint8_t too_many[] = {0x9b, 15, 42, 0, 0, 0, 0, 0, 0, 0, 0, 0};
	struct wire_reader r;
	struct amendment_item item;
	wire_reader_init(&r, bytes_of(more, sizeof(more)));
	assert_true(amendment_item_next(&r, &item));
	assert_int_equal(item.review_time, 42);
	assert_int_equal(item.raw.len, sizeof(more));
	wire_reader_init(&r, bytes_of(too_many, sizeof(too_many)));
	assert_false(amendment_item_next(&r, &item));
	assert_int_equal(r.error, ERROR_SIZE);
}

static int admit_of(const char *slug, const char *name, const char *country)
{
	struct amendment_item item = {.kind = AMENDMENT_ADMIT}, out;
	struct buffer b;
	struct wire_reader r;
	item.admit.slug = bytes_from_text(slug);
	item.admit.name = bytes_from_text(name);
	item.admit.country = bytes_from_text(country);
	item.admit.record = bytes_from_text("record");
	buffer_init(&b, 4096);
	assert_int_equal(amendment_item_write(&b, &item), 0);
	wire_reader_init(&r, buffer_bytes(&b));
	amendment_item_next(&r, &out);
	buffer_deinit(&b);
	return r.error;
}

static void names_are_judged(void **state)
{
	(void)state;
	assert_int_equal(admit_of("praha", "Praha", "CZ"), 0);
	assert_int_equal(admit_of("Praha", "Praha", "CZ"), ERROR_FIELD);
	assert_int_equal(admit_of("praha-", "Praha", "CZ"), ERROR_FIELD);
	assert_int_equal(admit_of("praha", "Pra\nha", "CZ"), ERROR_FIELD);
	assert_int_equal(admit_of("praha", "Praha", "cz"), ERROR_FIELD);
	assert_int_not_equal(admit_of("praha", "Praha", "CZE"), 0);
	assert_int_not_equal(admit_of("praha", "", "CZ"), 0);
}

static void a_genesis_is_that_of_the_vectors(void **state)
{
	(void)state;
	json_t *root = vectors_load("charter");
	const json_t *vector = json_array_get(vectors_field(root, "chain"), 0);
	struct buffer body, made;
	struct genesis genesis;
	struct genesis_member members[2];
	struct wire_reader r;
	struct hash core, core_wanted = vectors_hash(vector, "core_hash");
	struct hash network_wanted = vectors_hash(vector, "network_id");
	buffer_init(&body, OBJECT_BYTES_MAX);
	buffer_init(&made, OBJECT_BYTES_MAX);
	assert_int_equal(genesis_decode(vectors_hex(vector, "body", &body), &genesis), 0);
	assert_true(hash_equal(&genesis.core_hash, &core_wanted));
	assert_true(hash_equal(&genesis.network_id, &network_wanted));
	assert_int_equal(genesis_core_hash(&genesis, &core), 0);
	assert_true(hash_equal(&core, &core_wanted));
	assert_int_equal(genesis.officers.count, 3);
	assert_int_equal(genesis.officers.k, 2);
	wire_reader_init(&r, genesis.members);
	assert_true(genesis_member_next(&r, &members[0]));
	assert_true(genesis_member_next(&r, &members[1]));
	assert_int_equal(genesis_encode(&made, &genesis, members, 2), 0);
	assert_true(bytes_equal(buffer_bytes(&made), buffer_bytes(&body)));
	struct amendment_message message, wanted;
	vectors_exact(vector, "message", wanted.bytes, sizeof(wanted.bytes));
	assert_int_equal(draft_message(OBJECT_GENESIS, buffer_bytes(&body), &message), 0);
	assert_memory_equal(&message, &wanted, sizeof(message));
	buffer_deinit(&body);
	buffer_deinit(&made);
	json_decref(root);
}

static void a_delegation_is_that_of_the_vectors(void **state)
{
	(void)state;
	json_t *root = vectors_load("charter");
	const json_t *vector = vectors_field(root, "delegation");
	struct buffer bytes;
	struct delegation delegation;
	struct hash hash;
	uint8_t message[DELEGATION_MESSAGE_BYTES], wanted[DELEGATION_MESSAGE_BYTES];
	buffer_init(&bytes, DELEGATION_BYTES_MAX);
	assert_int_equal(delegation_decode(vectors_hex(vector, "delegation", &bytes), &delegation), 0);
	assert_true(bytes_equal_text(delegation.slug, "bratislava"));
	assert_int_equal(delegation.signature_count, 2);
	assert_int_equal(delegation_body_hash(&delegation, &hash), 0);
	assert_true(hash_equal(&hash, &delegation.body_hash));
	delegation_message(&hash, message);
	vectors_exact(vector, "message", wanted, sizeof(wanted));
	assert_memory_equal(message, wanted, sizeof(message));
	for (size_t len = 0; len < bytes.len; len++) {
		struct delegation other;
		assert_int_not_equal(delegation_decode(bytes_of(bytes.data, len), &other), 0);
	}
	buffer_deinit(&bytes);
	json_decref(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_are_those_of_the_vectors),
		cmocka_unit_test(a_later_versions_elements_are_passed_over),
		cmocka_unit_test(names_are_judged),
		cmocka_unit_test(a_genesis_is_that_of_the_vectors),
		cmocka_unit_test(a_delegation_is_that_of_the_vectors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
