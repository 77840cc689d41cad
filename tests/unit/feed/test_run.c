/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/error.h"
#include "feed/entry.h"
#include "feed/run.h"
#include "tests/unit/vectors.h"

/* A run of the vectors, and what it is verified by. */
struct loaded {
	struct run_rules rules;
	uint64_t first_seq;
	struct hash prev;
	struct head head;
	struct buffer entries;
};

static struct hasher hasher;
static struct run_index run_list;
static json_t *vectors;

static int setup(void **state)
{
	(void)state;
	vectors = vectors_load("runs");
	int error = hasher_init(&hasher);
	hasher_widen(&hasher); /* as the node does */
	return error;
}

static int teardown(void **state)
{
	(void)state;
	json_decref(vectors);
	run_index_deinit(&run_list);
	hasher_deinit(&hasher);
	return 0;
}

static struct run_rules rules_load(const json_t *from)
{
	bool has_end = !json_is_null(vectors_field(from, "end_seq"));

	return (struct run_rules){
		.epoch = (uint32_t)vectors_uint(from, "epoch"),
		.node_key = vectors_key(from, "node_key"),
		.start_seq = vectors_uint(from, "start_seq"),
		.start_hash = vectors_hash(from, "start_hash"),
		.has_end = has_end,
		.end_seq = has_end ? vectors_uint(from, "end_seq") : 0,
		.end_hash = has_end ? vectors_hash(from, "end_hash") : (struct hash){{0}},
		.alert_lane = json_is_true(vectors_field(from, "alert_lane")),
	};
}

static void run_load(struct loaded *run, const json_t *from)
{
	uint8_t head[HEAD_BYTES];

	buffer_init(&run->entries, SIZE_MAX);
	run->rules = rules_load(vectors_field(from, "rules"));
	run->first_seq = vectors_uint(from, "first_seq");
	run->prev = vectors_hash(from, "prev");
	vectors_hex(from, "entries", &run->entries);
	vectors_exact(from, "head", head, sizeof(head));
	assert_int_equal(head_decode(bytes_of(head, sizeof(head)), &run->head), 0);
}

static struct loaded chain_load(const char *chain_name, size_t i)
{
	struct loaded run = {0};
	json_t *chain;
	size_t at;

	json_array_foreach(vectors_field(vectors, "chains"), at, chain)
	{
		if (strcmp(vectors_text(chain, "name"), chain_name) == 0)
			run_load(&run, json_array_get(vectors_field(chain, "runs"), i));
	}
	assert_int_not_equal(run.first_seq, 0);
	return run;
}

static struct feed_tip tip_before(const struct loaded *run)
{
	return (struct feed_tip){
		.feed_id = run->head.feed_id,
		.seq = run->first_seq - 1,
		.entry_hash = run->prev,
		.epoch = run->first_seq == 1 ? 0 : run->head.epoch,
	};
}

static int verify(struct loaded *run, const struct feed_tip *tip, struct feed_tip *after)
{
	return run_verify(&hasher, &run->rules, tip, run->first_seq, &run->head,
		buffer_bytes(&run->entries), &run_list, after);
}

/* A run's error upon the tip that it follows; on an error the tip after it is untouched. */
static int judge(struct loaded *run)
{
	struct feed_tip tip = tip_before(run), after = {.seq = 77};
	int error = verify(run, &tip, &after);

	if (error)
		assert_int_equal(after.seq, 77);
	return error;
}

static void chain_check(const json_t *chain, const char *list)
{
	struct feed_tip tip;
	struct hash id = vectors_hash(chain, "feed_id");
	json_t *from;
	size_t at;

	feed_tip_init(&tip, &id);
	assert_int_not_equal(json_array_size(vectors_field(chain, list)), 0);
	json_array_foreach(vectors_field(chain, list), at, from)
	{
		struct loaded run;
		run_load(&run, from);
		const json_t *hashes = vectors_field(from, "entry_hashes");
		assert_true(hash_equal(&tip.entry_hash, &run.prev));
		assert_int_equal(verify(&run, &tip, &tip), 0);
		assert_int_equal(tip.seq, run.head.seq);
		assert_int_equal(tip.epoch, run.rules.epoch);
		const json_t *since = vectors_field(from, "since_checkpoint");
		assert_int_equal(
			tip.since_checkpoint_entries, json_integer_value(json_array_get(since, 0)));
		assert_int_equal(tip.since_checkpoint_bytes, json_integer_value(json_array_get(since, 1)));
		assert_int_equal(run_list.count, json_array_size(hashes));
		uint32_t offset = 0;
		for (uint32_t i = 0; i < run_list.count; i++) {
			char hex[TEXT_HEX_SIZE(HASH_SIZE)];
			text_hex_encode(hex, hash_bytes(&run_list.entries[i].entry_hash));
			assert_string_equal(hex, json_string_value(json_array_get(hashes, i)));
			assert_int_equal(run_list.entries[i].offset, offset);
			offset += run_list.entries[i].length;
		}
		assert_int_equal(offset, run.entries.len);
		buffer_deinit(&run.entries);
	}
}

static void chains_of_the_vectors_verify(void **state)
{
	(void)state;
	json_t *chain;
	size_t at;

	assert_int_equal(json_array_size(vectors_field(vectors, "chains")), 2);
	json_array_foreach(vectors_field(vectors, "chains"), at, chain) chain_check(chain, "runs");
	chain_check(vectors_field(vectors, "counted"), "runs");
}

/* The run whose checkpoint falls due by bytes; its third entry makes it due. */
static void sized_load(struct loaded *run, size_t items)
{
	const json_t *sized = vectors_field(vectors, "sized");
	static uint8_t fill[ENTRY_BODY_BYTES_MAX];
	struct buffer header;
	json_t *item;
	size_t at;

	*run = (struct loaded){.first_seq = 1};
	buffer_init(&run->entries, SIZE_MAX);
	buffer_init(&header, SIZE_MAX);
	run->rules = rules_load(vectors_field(sized, "rules"));
	uint8_t head[HEAD_BYTES], salt[ENTRY_SALT_BYTES];
	vectors_exact(sized, "head", head, sizeof(head));
	assert_int_equal(head_decode(bytes_of(head, sizeof(head)), &run->head), 0);
	json_array_foreach(vectors_field(sized, "items"), at, item)
	{
		size_t size = vectors_uint(item, "body_size");
		assert_true(size <= sizeof(fill));
		memset(fill, (int)vectors_uint(item, "body_byte"), size);
		vectors_exact(item, "salt", salt, sizeof(salt));
		if (at < items)
			assert_int_equal(entry_encode(&run->entries, salt, vectors_hex(item, "header", &header),
								 bytes_of(fill, size)),
				0);
	}
	buffer_deinit(&header);
}

static void a_checkpoint_falls_due_by_bytes(void **state)
{
	(void)state;
	struct loaded run;

	sized_load(&run, 3);
	assert_int_equal(judge(&run), 0);
	assert_int_equal(run_list.count, 3);
	run.entries.data[run.entries.len - 1] ^= 1;
	assert_int_equal(judge(&run), ERROR_CHAIN);
	/* A large run's signature is looked at first. */
	run.head.signature.bytes[0] ^= 1;
	assert_int_equal(judge(&run), ERROR_SIGNATURE);
	buffer_deinit(&run.entries);

	sized_load(&run, 2);
	assert_int_equal(judge(&run), ERROR_TRUNCATED);
	buffer_deinit(&run.entries);
}

static void what_a_relay_altered_is_seen(void **state)
{
	(void)state;
	struct loaded run = chain_load("docs over two epochs", 0);
	struct run_index places = {0};

	assert_int_equal(judge(&run), 0);
	for (uint32_t i = 0; i < run_list.count; i++)
		assert_int_equal(run_index_push(&places, run_list.entries[i]), 0);
	for (size_t i = 0; i < run.entries.len; i++) {
		run.entries.data[i] ^= 0x10;
		assert_int_not_equal(judge(&run), 0);
		run.entries.data[i] ^= 0x10;
	}
	run.entries.data[run.entries.len - 1] ^= 1; /* a body */
	assert_int_equal(judge(&run), ERROR_CHAIN);
	run.entries.data[run.entries.len - 1] ^= 1;
	run.entries.data[ENTRY_PREFIX_BYTES] ^= 1; /* a salt */
	assert_int_equal(judge(&run), ERROR_CHAIN);
	run.entries.data[ENTRY_PREFIX_BYTES] ^= 1;
	run.head.signature.bytes[0] ^= 1;
	assert_int_equal(judge(&run), ERROR_SIGNATURE);
	run.head.signature.bytes[0] ^= 1;
	run.head.time.ms++;
	assert_int_equal(judge(&run), ERROR_SIGNATURE);
	run.head.time.ms--;

	/* The order: the last two entries, which are equally long, change places. */
	assert_int_equal(places.entries[1].length, places.entries[2].length);
	uint8_t spare[512];
	uint8_t *one = run.entries.data + places.entries[1].offset;
	uint8_t *two = run.entries.data + places.entries[2].offset;
	memcpy(spare, one, places.entries[1].length);
	memcpy(one, two, places.entries[1].length);
	memcpy(two, spare, places.entries[1].length);
	assert_int_equal(judge(&run), ERROR_CHAIN);
	memcpy(two, one, places.entries[1].length);
	memcpy(one, spare, places.entries[1].length);
	assert_int_equal(judge(&run), 0);

	/* One dropped from the middle, and one too many. */
	size_t len = run.entries.len;
	buffer_truncate(&run.entries, places.entries[2].offset);
	assert_int_equal(judge(&run), ERROR_TRUNCATED);
	run.entries.len = len;
	buffer_push_u8(&run.entries, 0);
	assert_int_equal(judge(&run), ERROR_TRAILING);
	run_index_deinit(&places);
	buffer_deinit(&run.entries);
}

static void a_run_has_to_follow_the_tip(void **state)
{
	(void)state;
	struct loaded run = chain_load("docs over two epochs", 1);
	struct feed_tip tip = tip_before(&run), after;

	assert_int_equal(verify(&run, &tip, &after), 0);
	assert_int_equal(verify(&run, &after, &after), ERROR_STATE); /* all of it is held */
	tip.seq++;
	assert_int_equal(verify(&run, &tip, &after), ERROR_STATE); /* some of it */
	tip.seq -= 2;
	assert_int_equal(verify(&run, &tip, &after), ERROR_GAP);
	tip = tip_before(&run);
	tip.entry_hash.bytes[0] ^= 1;
	assert_int_equal(verify(&run, &tip, &after), ERROR_CHAIN);
	tip = tip_before(&run);
	tip.feed_id.bytes[0] ^= 1;
	assert_int_equal(verify(&run, &tip, &after), ERROR_HEAD);
	tip = tip_before(&run);
	run.first_seq = run.head.seq + 1;
	tip.seq = run.head.seq;
	assert_int_equal(verify(&run, &tip, &after), ERROR_HEAD);
	run.first_seq = 0;
	assert_int_equal(verify(&run, &tip, &after), ERROR_CUT);
	buffer_deinit(&run.entries);
}

static void the_head_is_of_the_epoch_that_the_charter_knows(void **state)
{
	(void)state;
	struct loaded run = chain_load("docs over two epochs", 0);

	run.rules.epoch = 2;
	assert_int_equal(judge(&run), ERROR_EPOCH_UNKNOWN);
	run.rules.epoch = 1;
	run.rules.node_key.bytes[0] ^= 1;
	assert_int_equal(judge(&run), ERROR_EPOCH_UNKNOWN);
	buffer_deinit(&run.entries);
}

static void cuts_bound_an_epoch(void **state)
{
	(void)state;
	struct loaded run = chain_load("docs over two epochs", 0);
	struct hash last = run.head.entry_hash;

	run.rules.has_end = true;
	run.rules.end_seq = run.head.seq;
	run.rules.end_hash = last;
	assert_int_equal(judge(&run), 0); /* it ends exactly there */
	run.rules.end_hash.bytes[0] ^= 1;
	assert_int_equal(judge(&run), ERROR_CUT); /* at another entry */
	run.rules.end_hash = last;
	run.rules.end_seq = run.head.seq - 1;
	assert_int_equal(judge(&run), ERROR_CUT);
	run.rules.end_seq = 0;
	assert_int_equal(judge(&run), ERROR_CUT);
	run.rules.end_seq = run.head.seq + 1;
	assert_int_equal(judge(&run), 0);
	run.rules.start_seq = 1; /* the first entry lies at the start cut */
	assert_int_equal(judge(&run), ERROR_CUT);
	buffer_deinit(&run.entries);
}

/* The run of the vectors as it ends after two of its three entries, where a cut is drawn. */
static struct loaded cut_load(void)
{
	struct loaded run = chain_load("docs over two epochs", 0);
	assert_int_equal(judge(&run), 0);
	assert_int_equal(run_list.count, 3);
	const struct run_entry *end = &run_list.entries[1];
	run.rules.has_end = run.rules.by_cut = true;
	run.rules.end_seq = 2;
	run.rules.end_hash = end->entry_hash;
	buffer_truncate(&run.entries, end->offset + end->length);
	assert_int_equal(run_cut_head(&run.rules, &run.head.feed_id, &run.head), 0);
	return run;
}

static void a_cut_vouches_where_no_head_stands(void **state)
{
	(void)state;
	struct loaded run = cut_load();
	struct feed_tip tip = tip_before(&run), after;
	uint8_t wire[HEAD_BYTES];

	assert_int_equal(verify(&run, &tip, &after), 0);
	assert_int_equal(after.seq, 2);
	assert_int_equal(after.epoch, 1);
	assert_true(hash_equal(&after.entry_hash, &run.rules.end_hash));
	assert_int_equal(after.since_checkpoint_entries, 0); /* it serves as a checkpoint */
	assert_int_equal(after.since_checkpoint_bytes, 0);
	assert_int_equal(run_list.count, 2);
	head_encode(&run.head, wire); /* it travels in a head's place */
	struct head travelled;
	assert_int_equal(head_decode(bytes_of(wire, sizeof(wire)), &travelled), 0);
	run.head = travelled;
	assert_int_equal(judge(&run), 0);
	for (size_t i = HEAD_BYTES - SIGNATURE_SIZE - 9; i < HEAD_BYTES; i++)
		assert_int_equal(wire[i], 0);

	/* Where a checkpoint is due at the cut itself, and where one was due before it. */
	tip.epoch = 1;
	tip.since_checkpoint_entries = CHECKPOINT_ENTRIES - 2;
	run.rules.start_seq = 0;
	assert_int_equal(verify(&run, &tip, &after), 0);
	run.first_seq = 2;
	tip.seq = 1;
	tip.since_checkpoint_entries = CHECKPOINT_ENTRIES;
	assert_int_equal(verify(&run, &tip, &after), ERROR_CHECKPOINT);
	buffer_deinit(&run.entries);
}

static void a_cut_vouches_for_nothing_else(void **state)
{
	(void)state;
	struct loaded run = cut_load(), changed = run;

	changed.entries.data[run.entries.len - 1] ^= 1;
	assert_int_equal(judge(&changed), ERROR_CHAIN);
	changed.entries.data[run.entries.len - 1] ^= 1;
	changed.rules.by_cut = false; /* as an ordinary run it has no signature */
	assert_int_equal(judge(&changed), ERROR_SIGNATURE);
	changed = run;
	changed.rules.has_end = false; /* the receiver's charter has no such cut */
	assert_int_equal(judge(&changed), ERROR_CUT);
	assert_int_equal(run_cut_head(&changed.rules, &run.head.feed_id, &changed.head), ERROR_CUT);
	changed = run;
	changed.rules.end_seq = 3; /* or a later, an earlier, another one */
	assert_int_equal(judge(&changed), ERROR_CUT);
	changed.rules.end_seq = 1;
	assert_int_equal(judge(&changed), ERROR_CUT);
	changed = run;
	changed.rules.end_hash.bytes[31] ^= 1;
	assert_int_equal(judge(&changed), ERROR_CUT);
	changed.head.entry_hash = changed.rules.end_hash;
	assert_int_equal(judge(&changed), ERROR_CHAIN);
	changed = run;
	changed.head.time = timestamp_from_ms(1); /* it says nothing of its own */
	assert_int_equal(judge(&changed), ERROR_HEAD);
	changed = run;
	changed.head.flags = HEAD_FLAG_CHECKPOINT;
	assert_int_equal(judge(&changed), ERROR_HEAD);
	changed = run;
	changed.head.signature.bytes[63] = 1;
	assert_int_equal(judge(&changed), ERROR_HEAD);
	changed = run;
	changed.head.node_key.bytes[0] ^= 1;
	assert_int_equal(judge(&changed), ERROR_EPOCH_UNKNOWN);
	buffer_deinit(&run.entries);

	run = chain_load("alerts", 0); /* each alert has its own head */
	run.rules.has_end = run.rules.by_cut = true;
	run.rules.end_seq = 1;
	run.rules.end_hash = run.head.entry_hash;
	assert_int_equal(run_cut_head(&run.rules, &run.head.feed_id, &run.head), 0);
	assert_int_equal(judge(&run), ERROR_HEAD);
	run.head.flags = HEAD_FLAG_CHECKPOINT;
	assert_int_equal(judge(&run), ERROR_HEAD);
	buffer_deinit(&run.entries);
}

static void an_epoch_begins_at_its_cut(void **state)
{
	(void)state;
	struct loaded run = chain_load("docs over two epochs", 2);
	struct feed_tip tip = tip_before(&run), after;

	tip.epoch = 1;
	tip.since_checkpoint_entries = 5; /* of the former epoch: they count no more */
	tip.since_checkpoint_bytes = 500;
	assert_int_equal(verify(&run, &tip, &after), 0);
	assert_int_equal(after.epoch, 2);
	assert_int_equal(after.since_checkpoint_entries, 1);

	/* The copy goes on beyond the cut, under the former epoch: that part goes first. */
	tip.seq++;
	run.first_seq++;
	run.head.seq++;
	assert_int_equal(verify(&run, &tip, &after), ERROR_STATE);
	tip.seq--;
	run.first_seq--;
	run.head.seq--;
	tip.entry_hash.bytes[0] ^= 1;
	assert_int_equal(verify(&run, &tip, &after), ERROR_STATE);
	tip.entry_hash.bytes[0] ^= 1;
	tip.epoch = 3;
	assert_int_equal(verify(&run, &tip, &after), ERROR_STATE);
	tip.epoch = 1;
	tip.seq--; /* the former epoch's last entries are missing */
	assert_int_equal(verify(&run, &tip, &after), ERROR_GAP);
	buffer_deinit(&run.entries);
}

static void a_checkpoint_stands_where_it_is_due_and_only_there(void **state)
{
	(void)state;
	const json_t *runs = vectors_field(vectors_field(vectors, "counted"), "runs");
	struct loaded run;

	/* 511 entries upon one that counts already: the 511th of them makes it due. */
	run_load(&run, json_array_get(runs, 0));
	struct feed_tip tip = tip_before(&run), after;
	tip.epoch = 1;
	tip.since_checkpoint_entries = 1;
	run.rules.start_seq = 0;
	run.first_seq = 1;
	assert_int_equal(verify(&run, &tip, &after), 0); /* the start of the epoch counts anew */
	buffer_deinit(&run.entries);

	run_load(&run, json_array_get(runs, 1)); /* entry 512, a checkpoint */
	tip = tip_before(&run);
	tip.epoch = 1;
	tip.since_checkpoint_entries = 511;
	assert_int_equal(verify(&run, &tip, &after), 0);
	assert_int_equal(after.since_checkpoint_entries, 0);
	tip.since_checkpoint_entries = 510; /* none is due here */
	assert_int_equal(verify(&run, &tip, &after), ERROR_CHECKPOINT);
	tip.since_checkpoint_entries = 511;
	run.head.flags = 0; /* and one is due here */
	assert_int_equal(verify(&run, &tip, &after), ERROR_CHECKPOINT);
	buffer_deinit(&run.entries);

	run_load(&run, json_array_get(runs, 2)); /* one entry */
	tip = tip_before(&run);
	tip.since_checkpoint_entries = 512; /* the checkpoint before it was passed */
	assert_int_equal(verify(&run, &tip, &after), ERROR_CHECKPOINT);
	tip.since_checkpoint_entries = 0;
	tip.since_checkpoint_bytes = CHECKPOINT_BYTES;
	assert_int_equal(verify(&run, &tip, &after), ERROR_CHECKPOINT);
	run.head.seq += RUN_ENTRIES_MAX;
	tip.since_checkpoint_bytes = 0;
	assert_int_equal(verify(&run, &tip, &after), ERROR_CHECKPOINT);
	buffer_deinit(&run.entries);
}

static void no_run_is_larger_than_the_limit(void **state)
{
	(void)state;
	struct loaded run = chain_load("docs over two epochs", 0);

	assert_non_null(buffer_reserve(&run.entries, RUN_BYTES_MAX));
	buffer_commit(&run.entries, RUN_BYTES_MAX + 1 - run.entries.len);
	assert_int_equal(judge(&run), ERROR_LIMIT);
	buffer_deinit(&run.entries);
}

static void alerts_come_one_a_run_as_checkpoints(void **state)
{
	(void)state;
	struct loaded run = chain_load("alerts", 0), docs = chain_load("docs over two epochs", 0);

	assert_int_equal(judge(&run), 0);
	assert_int_equal(run.head.flags, HEAD_FLAG_CHECKPOINT);
	run.head.flags = 0;
	assert_int_equal(judge(&run), ERROR_CHECKPOINT);
	docs.rules.alert_lane = true; /* three entries */
	assert_int_equal(judge(&docs), ERROR_CHECKPOINT);
	buffer_deinit(&run.entries);
	buffer_deinit(&docs.entries);
}

static int alert_judge(struct loaded *run, const struct hash *prev, struct run_entry *out)
{
	return run_verify_alert(&hasher, &run->rules, &run->head.feed_id, run->first_seq, prev,
		&run->head, buffer_bytes(&run->entries), out);
}

static void an_alert_verifies_without_its_predecessor(void **state)
{
	(void)state;
	struct loaded run = chain_load("alerts", 2), first = chain_load("alerts", 0);
	struct run_entry entry;
	struct hash other = run.prev;

	assert_int_equal(alert_judge(&run, &run.prev, &entry), 0);
	assert_true(hash_equal(&entry.entry_hash, &run.head.entry_hash));
	assert_int_equal(entry.length, run.entries.len);
	other.bytes[0] ^= 1;
	assert_int_equal(alert_judge(&run, &other, &entry), ERROR_CHAIN);
	run.rules.has_end = true;
	run.rules.end_seq = run.head.seq - 1;
	assert_int_equal(alert_judge(&run, &run.prev, &entry), ERROR_CUT);
	run.rules.has_end = false;
	run.rules.start_seq = run.head.seq; /* it lies before the epoch */
	assert_int_equal(alert_judge(&run, &run.prev, &entry), ERROR_CUT);
	run.rules.start_seq = run.head.seq - 1; /* the cut knows its predecessor */
	run.rules.start_hash = run.prev;
	assert_int_equal(alert_judge(&run, &run.prev, &entry), 0);
	run.rules.start_hash = other;
	assert_int_equal(alert_judge(&run, &run.prev, &entry), ERROR_CHAIN);
	run.rules.start_seq = 0;
	run.rules.epoch = 9;
	assert_int_equal(alert_judge(&run, &run.prev, &entry), ERROR_EPOCH_UNKNOWN);
	run.rules.epoch = run.head.epoch;
	run.head.signature.bytes[63] ^= 0x80;
	assert_int_equal(alert_judge(&run, &run.prev, &entry), ERROR_SIGNATURE);
	run.head.signature.bytes[63] ^= 0x80;
	run.head.flags = 0;
	assert_int_equal(alert_judge(&run, &run.prev, &entry), ERROR_CHECKPOINT);
	run.head.flags = HEAD_FLAG_CHECKPOINT;
	run.first_seq--;
	assert_int_equal(alert_judge(&run, &run.prev, &entry), ERROR_CHECKPOINT);
	run.first_seq++;
	buffer_push_u8(&run.entries, 0);
	assert_int_equal(alert_judge(&run, &run.prev, &entry), ERROR_TRAILING);

	assert_int_equal(alert_judge(&first, &first.prev, &entry), 0);
	assert_int_equal(alert_judge(&first, &other, &entry), ERROR_CHAIN); /* prev of seq 1: zeros */
	buffer_deinit(&run.entries);
	buffer_deinit(&first.entries);
}

static void an_index_is_bounded(void **state)
{
	(void)state;
	struct run_index index = {0};

	for (int i = 0; i < RUN_ENTRIES_MAX; i++)
		assert_int_equal(run_index_push(&index, (struct run_entry){.length = 1}), 0);
	assert_int_equal(run_index_push(&index, (struct run_entry){0}), ERROR_LIMIT);
	run_index_reset(&index);
	assert_int_equal(index.count, 0);
	run_index_deinit(&index);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chains_of_the_vectors_verify),
		cmocka_unit_test(a_checkpoint_falls_due_by_bytes),
		cmocka_unit_test(what_a_relay_altered_is_seen),
		cmocka_unit_test(a_run_has_to_follow_the_tip),
		cmocka_unit_test(the_head_is_of_the_epoch_that_the_charter_knows),
		cmocka_unit_test(cuts_bound_an_epoch),
		cmocka_unit_test(a_cut_vouches_where_no_head_stands),
		cmocka_unit_test(a_cut_vouches_for_nothing_else),
		cmocka_unit_test(an_epoch_begins_at_its_cut),
		cmocka_unit_test(a_checkpoint_stands_where_it_is_due_and_only_there),
		cmocka_unit_test(no_run_is_larger_than_the_limit),
		cmocka_unit_test(alerts_come_one_a_run_as_checkpoints),
		cmocka_unit_test(an_alert_verifies_without_its_predecessor),
		cmocka_unit_test(an_index_is_bounded),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
