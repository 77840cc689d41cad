/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/error.h"
#include "base/wire_writer.h"
#include "feed/builder.h"
#include "tests/unit/vectors.h"

static struct hasher hasher;
static struct secret_key *key;
static struct buffer header;
static struct run_index run_list;
static struct run_rules rules;
static const struct hash feed = {{0xfe}};
static uint8_t filler[ENTRY_BODY_BYTES_MAX];

static int setup(void **state)
{
	(void)state;
	buffer_init(&header, SIZE_MAX);
	key = vectors_secret("budapest node 1");
	rules = (struct run_rules){.epoch = 1, .node_key = *secret_key_public(key)};
	return hasher_init(&hasher);
}

static int teardown(void **state)
{
	(void)state;
	buffer_deinit(&header);
	run_index_deinit(&run_list);
	secret_key_free(key);
	hasher_deinit(&hasher);
	return 0;
}

static struct bytes header_for(size_t body_size)
{
	static const uint8_t content[16];

	buffer_reset(&header);
	wire_writer_array(&header, 10);
	for (uint64_t i = 0; i < 4; i++)
		wire_writer_uint(&header, i);
	wire_writer_uint(&header, body_size);
	wire_writer_bin(&header, bytes_of(content, sizeof(content)));
	wire_writer_array(&header, 0);
	wire_writer_nil(&header);
	wire_writer_array(&header, 0);
	wire_writer_nil(&header);
	return buffer_bytes(&header);
}

static int add(struct feed_builder *b, size_t body_size, bool *must_close)
{
	struct hash hash;
	uint64_t seq, expected = b->tip.seq + 1;
	int error = feed_builder_add(b, &hasher, filler, header_for(body_size),
		bytes_of(filler, body_size), &seq, &hash, must_close);

	if (!error) {
		assert_int_equal(seq, expected);
		assert_true(hash_equal(&hash, &b->tip.entry_hash));
	}
	return error;
}

static int close_with(struct feed_builder *b, uint32_t epoch, struct head *head)
{
	return feed_builder_close(b, epoch, secret_key_public(key), key, timestamp_from_ms(5), head);
}

/* What a receiver with this tip makes of the builder's run; the tip moves on. */
static void receive(const struct feed_builder *b, const struct head *head, struct feed_tip *tip)
{
	assert_true(hash_equal(&tip->entry_hash, &b->prev));
	assert_int_equal(run_verify(&hasher, &rules, tip, b->first_seq, head, buffer_bytes(&b->entries),
						 &run_list, tip),
		0);
	assert_int_equal(run_list.count, b->index.count);
	assert_memory_equal(
		run_list.entries, b->index.entries, b->index.count * sizeof(*b->index.entries));
	assert_int_equal(tip->since_checkpoint_entries, b->tip.since_checkpoint_entries);
	assert_int_equal(tip->since_checkpoint_bytes, b->tip.since_checkpoint_bytes);
}

static void begin(struct feed_builder *b, struct feed_tip *tip, bool alert_lane)
{
	feed_tip_init(tip, &feed);
	feed_builder_init(b, tip, alert_lane);
	rules.alert_lane = alert_lane;
}

static void what_is_built_verifies(void **state)
{
	(void)state;
	struct feed_builder b;
	struct feed_tip tip;
	struct head head;
	bool must_close;
	unsigned checkpoints = 0;

	begin(&b, &tip, false);
	for (unsigned i = 1; i <= 1100; i++) {
		assert_int_equal(add(&b, i % 300, &must_close), 0);
		assert_int_equal(must_close, i % CHECKPOINT_ENTRIES == 0);
		if (!must_close && i % 100)
			continue;
		assert_int_equal(close_with(&b, 1, &head), 0);
		assert_int_equal(head.flags, must_close ? HEAD_FLAG_CHECKPOINT : 0);
		checkpoints += head.flags;
		receive(&b, &head, &tip);
	}
	assert_int_equal(tip.seq, 1100);
	assert_int_equal(checkpoints, 2);
	feed_builder_deinit(&b);
}

static void a_checkpoint_is_due_by_bytes(void **state)
{
	(void)state;
	struct feed_builder b;
	struct feed_tip tip;
	struct head head;
	bool must_close;

	begin(&b, &tip, false);
	assert_int_equal(add(&b, ENTRY_BODY_BYTES_MAX, &must_close), 0);
	assert_false(must_close);
	assert_int_equal(add(&b, ENTRY_BODY_BYTES_MAX, &must_close), 0);
	assert_true(must_close);
	assert_int_equal(add(&b, 1, &must_close), ERROR_CHECKPOINT);
	assert_int_equal(b.index.count, 2);
	assert_int_equal(close_with(&b, 1, &head), 0);
	assert_int_equal(head.flags, HEAD_FLAG_CHECKPOINT);
	receive(&b, &head, &tip);
	assert_int_equal(add(&b, 1, &must_close), 0);
	assert_int_equal(b.first_seq, 3);
	feed_builder_deinit(&b);
}

static void each_alert_is_a_checkpoint(void **state)
{
	(void)state;
	struct feed_builder b;
	struct feed_tip tip;
	struct head head;
	struct run_entry entry;
	bool must_close;

	begin(&b, &tip, true);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(add(&b, 10, &must_close), 0);
		assert_true(must_close);
		assert_int_equal(add(&b, 10, &must_close), ERROR_CHECKPOINT);
		assert_int_equal(close_with(&b, 1, &head), 0);
		assert_int_equal(head.flags, HEAD_FLAG_CHECKPOINT);
		assert_int_equal(run_verify_alert(&hasher, &rules, &feed, b.first_seq, &b.prev, &head,
							 buffer_bytes(&b.entries), &entry),
			0);
		receive(&b, &head, &tip);
	}
	feed_builder_deinit(&b);
}

static void what_no_node_would_take_is_not_built(void **state)
{
	(void)state;
	struct feed_builder b;
	struct feed_tip tip;
	struct head head;
	struct hash hash;
	uint64_t seq;
	bool must_close;

	begin(&b, &tip, false);
	assert_int_equal(add(&b, 7, &must_close), 0);
	struct feed_tip before = b.tip;
	size_t len = b.entries.len;
	assert_int_equal(feed_builder_add(&b, &hasher, filler, header_for(6), bytes_of(filler, 7), &seq,
						 &hash, &must_close),
		ERROR_SIZE);
	assert_int_equal(feed_builder_add(&b, &hasher, filler, bytes_of(filler, 10),
						 bytes_of(filler, 7), &seq, &hash, &must_close),
		ERROR_TYPE);
	assert_int_equal(feed_builder_add(&b, &hasher, filler, bytes_of(filler, 8193),
						 bytes_of(filler, 7), &seq, &hash, &must_close),
		ERROR_SIZE);
	assert_memory_equal(&b.tip, &before, sizeof(before));
	assert_int_equal(b.entries.len, len);
	assert_int_equal(b.index.count, 1);
	assert_int_equal(add(&b, 8, &must_close), 0);
	assert_int_equal(close_with(&b, 1, &head), 0);
	receive(&b, &head, &tip);
	feed_builder_deinit(&b);
}

static void a_close_needs_entries_the_key_and_the_epoch(void **state)
{
	(void)state;
	struct feed_builder b;
	struct feed_tip tip;
	struct head head;
	struct public_key other = {{1}};
	bool must_close;

	begin(&b, &tip, false);
	assert_int_equal(close_with(&b, 1, &head), ERROR_STATE);
	assert_int_equal(add(&b, 7, &must_close), 0);
	assert_int_equal(
		feed_builder_close(&b, 1, &other, key, timestamp_from_ms(5), &head), ERROR_STATE);
	assert_int_equal(close_with(&b, 1, &head), 0);
	assert_int_equal(close_with(&b, 1, &head), ERROR_STATE);
	assert_int_equal(add(&b, 7, &must_close), 0);
	assert_int_equal(close_with(&b, 0, &head), ERROR_STATE);
	assert_int_equal(close_with(&b, 2, &head), ERROR_STATE); /* one entry counts already */
	assert_int_equal(close_with(&b, 1, &head), 0);
	feed_builder_deinit(&b);
}

static void a_new_epoch_goes_on_after_its_cut(void **state)
{
	(void)state;
	struct feed_builder b;
	struct feed_tip tip;
	struct head head;
	bool must_close;

	begin(&b, &tip, false);
	assert_int_equal(add(&b, 7, &must_close), 0);
	assert_int_equal(close_with(&b, 1, &head), 0);
	receive(&b, &head, &tip);
	struct feed_tip own = b.tip;
	feed_builder_deinit(&b);

	feed_tip_start_epoch(&own, 2, own.seq, &head.entry_hash);
	feed_builder_init(&b, &own, false);
	assert_int_equal(add(&b, 9, &must_close), 0);
	assert_int_equal(close_with(&b, 2, &head), 0);
	rules.epoch = 2;
	rules.start_seq = tip.seq;
	rules.start_hash = tip.entry_hash;
	receive(&b, &head, &tip);
	assert_int_equal(tip.epoch, 2);
	rules.epoch = 1;
	rules.start_seq = 0;
	rules.start_hash = (struct hash){{0}};
	feed_builder_deinit(&b);
}

static void a_rollback_forgets_what_was_not_closed(void **state)
{
	(void)state;
	struct feed_builder b;
	struct feed_tip tip;
	struct head head, again;
	bool must_close;

	begin(&b, &tip, false);
	assert_int_equal(add(&b, 7, &must_close), 0);
	assert_int_equal(close_with(&b, 1, &head), 0);
	receive(&b, &head, &tip);
	assert_int_equal(add(&b, 8, &must_close), 0);
	assert_int_equal(add(&b, 9, &must_close), 0);
	feed_builder_rollback(&b);
	assert_int_equal(b.tip.seq, 1);
	assert_int_equal(close_with(&b, 1, &again), ERROR_STATE);
	assert_int_equal(add(&b, 9, &must_close), 0);
	assert_int_equal(close_with(&b, 1, &again), 0);
	assert_int_equal(again.seq, 2);
	receive(&b, &again, &tip);
	feed_builder_deinit(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_built_verifies),
		cmocka_unit_test(a_checkpoint_is_due_by_bytes),
		cmocka_unit_test(each_alert_is_a_checkpoint),
		cmocka_unit_test(what_no_node_would_take_is_not_built),
		cmocka_unit_test(a_close_needs_entries_the_key_and_the_epoch),
		cmocka_unit_test(a_new_epoch_goes_on_after_its_cut),
		cmocka_unit_test(a_rollback_forgets_what_was_not_closed),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
