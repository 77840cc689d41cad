/* SPDX-License-Identifier: Apache-2.0 */
/* A city that is admitted and not confirmed yet is served what is published after its admission,
 * and all of it once it is confirmed: docs/decisions/005-unconfirmed-cities.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "feed/feed.h"
#include "record/header.h"
#include "store/store.h"
#include "tests/unit/proto/cluster.h"

#define OLD 20u
#define NEW 5u

static void publish(struct city *city, uint8_t lane, uint32_t count, size_t size)
{
	static char body[20001];
	memset(body, 'x', size);
	body[size] = 0;
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(cluster_publish(city, lane, body, NULL), 0);
}

/* Cities a and b found a network and publish; c is admitted, unconfirmed, to be linked to b. */
static void found(struct cluster *c, uint64_t seed, uint32_t docs, size_t size)
{
	cluster_init(c, 3, seed);
	c->founders = 2;
	cluster_found(c);
	struct city *a = &c->cities[0], *b = &c->cities[1];
	cluster_connect(c, a, b);
	cluster_pass(c, 100);
	publish(a, FEED_LANE_DOC, docs, size);
	publish(a, FEED_LANE_ALERT, OLD, 100);
	publish(a, FEED_LANE_CALL, OLD, 100);
	publish(b, FEED_LANE_DOC, 1, 100);
	cluster_pass(c, 5000);
	cluster_admit(a, &c->cities[2], false);
	cluster_pass(c, 1000);
}

static void confirm(struct cluster *c)
{
	struct amendment_item item = {.kind = AMENDMENT_CONFIRM, .city_id = c->cities[2].city_id};
	assert_int_equal(cluster_amend(&c->cities[0], &item, 1), 0);
}

static struct store_feed stored(struct city *at, struct city *of, uint8_t lane)
{
	struct hash feed_id;
	struct store_feed feed = {0};
	assert_int_equal(feed_id_of(&at->cluster->network_id, &of->city_id, lane, &feed_id), 0);
	int code = store_read_feed(at->store, &feed_id, &feed);
	assert_true(code == 0 || code == ERROR_NOT_FOUND);
	return feed;
}

static int count_entry(void *ctx, const struct store_entry *entry)
{
	struct hash *last = ctx;
	/* Each stands on the one before it, as far as both are held. */
	if (!hash_is_zero(last) && !hash_equal(&entry->prev, last))
		last[1].bytes[0]++;
	*last = entry->entry_hash;
	return 0;
}

/* How many entries a reader sees; `breaks`: places where the chain is not whole. */
static uint64_t listed(
	struct city *at, struct city *of, uint8_t lane, bool descending, uint32_t *breaks)
{
	struct hash feed_id, last[2] = {{{0}}};
	uint64_t next = descending ? 0 : 1, count = 0;
	assert_int_equal(feed_id_of(&at->cluster->network_id, &of->city_id, lane, &feed_id), 0);
	do {
		uint64_t from = next;
		struct hash before = last[0];
		assert_int_equal(
			store_scan(at->store, &feed_id, from, descending, 1, 262144, count_entry, last, &next),
			0);
		count += !hash_equal(&before, &last[0]);
	} while (next);
	if (breaks)
		*breaks = last[1].bytes[0];
	return count;
}

static bool whole(struct cluster *c, void *ctx)
{
	struct city *joiner = ctx;
	for (size_t i = 0; i < c->count; i++)
		for (uint8_t lane = 1; lane <= FEED_LANE_COUNT; lane++) {
			struct store_feed feed = stored(joiner, &c->cities[i], lane);
			if (feed.seq && feed.first_seq != 1)
				return false;
		}
	return cluster_converged(c, NULL);
}

static void old_records_come_with_the_confirmation(void **state)
{
	(void)state;
	struct cluster c;
	found(&c, 11, OLD, 100);
	struct city *a = &c.cities[0], *b = &c.cities[1], *joiner = &c.cities[2];
	cluster_connect(&c, b, joiner);
	cluster_pass(&c, 5000);
	struct node_feed feed;
	for (uint8_t lane = 1; lane <= FEED_LANE_COUNT; lane++)
		assert_true(cluster_feed(joiner, a, lane, &feed) && feed.seq == 0);
	assert_int_equal(joiner->entries_seen, 0);

	publish(a, FEED_LANE_DOC, NEW, 100);
	publish(a, FEED_LANE_ALERT, NEW, 100);
	cluster_pass(&c, 5000);
	assert_int_equal(stored(joiner, a, FEED_LANE_DOC).first_seq, OLD + 1);
	assert_int_equal(stored(joiner, a, FEED_LANE_DOC).seq, OLD + NEW);
	assert_int_equal(stored(joiner, a, FEED_LANE_ALERT).first_seq, OLD + 1);
	assert_int_equal(stored(joiner, a, FEED_LANE_ALERT).seq, OLD + NEW);
	assert_int_equal(listed(joiner, a, FEED_LANE_DOC, true, NULL), NEW);
	assert_int_equal(listed(joiner, a, FEED_LANE_CALL, true, NULL), 0);
	/* Each once: an alert may have stood aside before its feed began. */
	assert_int_equal(joiner->entries_seen, 2 * NEW);

	confirm(&c);
	assert_true(cluster_run(&c, whole, joiner, 10000));
	uint32_t breaks;
	for (uint8_t lane = 1; lane <= 3; lane++) {
		uint64_t expected = lane == FEED_LANE_CALL ? OLD : OLD + NEW;
		assert_int_equal(listed(joiner, a, lane, false, &breaks), expected);
		assert_int_equal(breaks, 0);
		assert_int_equal(listed(joiner, a, lane, true, NULL), expected);
	}
	assert_int_equal(listed(joiner, b, FEED_LANE_DOC, true, NULL), 1);
	assert_int_equal(joiner->entries_seen, 3 * OLD + 2 * NEW + 1);
	struct store_info at_a, at_joiner;
	assert_int_equal(store_info(a->store, &at_a), 0);
	assert_int_equal(store_info(joiner->store, &at_joiner), 0);
	assert_int_equal(at_joiner.records, at_a.records);
	cluster_deinit(&c);
}

/* What it was told of and not given, the cursor it comes back with has passed. */
static void confirmed_while_it_was_away(void **state)
{
	(void)state;
	struct cluster c;
	found(&c, 17, OLD, 100);
	struct city *a = &c.cities[0], *b = &c.cities[1], *joiner = &c.cities[2];
	cluster_connect(&c, b, joiner);
	cluster_pass(&c, 5000);
	publish(a, FEED_LANE_DOC, NEW, 100);
	cluster_pass(&c, 5000);
	cluster_disconnect(&c, b, joiner);
	confirm(&c);
	cluster_pass(&c, 1000);
	cluster_connect(&c, b, joiner);
	assert_true(cluster_run(&c, whole, joiner, 10000));
	assert_int_equal(listed(joiner, a, FEED_LANE_CALL, true, NULL), OLD);
	assert_int_equal(listed(joiner, a, FEED_LANE_DOC, true, NULL), OLD + NEW);
	cluster_deinit(&c);
}

/* Checkpoints before and after its admission; restarts while it waits and while it is filled in. */
static void long_feeds_are_filled_in(void **state)
{
	(void)state;
	struct cluster c;
	found(&c, 12, 700, 100);
	struct city *a = &c.cities[0], *b = &c.cities[1], *joiner = &c.cities[2];
	cluster_connect(&c, b, joiner);
	cluster_pass(&c, 1000);
	publish(a, FEED_LANE_DOC, 300, 100); /* the next checkpoint is 324 entries away, not 512 */
	cluster_pass(&c, 10000);
	assert_int_equal(stored(joiner, a, FEED_LANE_DOC).first_seq, 701);
	assert_int_equal(stored(joiner, a, FEED_LANE_DOC).seq, 1000);
	cluster_node_stop(joiner);
	cluster_node_start(joiner);
	publish(a, FEED_LANE_DOC, 600, 100);
	cluster_connect(&c, b, joiner);
	cluster_pass(&c, 10000);
	assert_int_equal(stored(joiner, a, FEED_LANE_DOC).first_seq, 701);
	assert_int_equal(stored(joiner, a, FEED_LANE_DOC).seq, 1600);

	confirm(&c);
	cluster_pass(&c, 1);
	cluster_node_stop(joiner); /* it knows, and has nothing yet, or a part */
	cluster_node_start(joiner);
	cluster_connect(&c, a, joiner);
	assert_true(cluster_run(&c, whole, joiner, 20000));
	uint32_t breaks;
	assert_int_equal(listed(joiner, a, FEED_LANE_DOC, false, &breaks), 1600);
	assert_int_equal(breaks, 0);
	cluster_deinit(&c);
}

/* A part of what is missing is durable, and then the node starts anew. */
static void a_fill_goes_on_after_a_restart(void **state)
{
	(void)state;
	struct cluster c;
	found(&c, 13, 1200, 100);
	struct city *a = &c.cities[0], *b = &c.cities[1], *joiner = &c.cities[2];
	cluster_connect(&c, b, joiner);
	cluster_pass(&c, 1000);
	publish(a, FEED_LANE_DOC, 10, 100);
	cluster_pass(&c, 2000);
	joiner->hold_commits = true;
	confirm(&c);
	cluster_pass(&c, 500);
	/* The first commits only: the confirmation, the first runs. */
	while (stored(joiner, a, FEED_LANE_DOC).fill_seq == 0) {
		joiner->hold_commits = false;
		size_t count = joiner->commit_count;
		assert_true(count > 0);
		joiner->commit_count = 1;
		struct commit *rest[64];
		assert_true(count <= 64);
		memcpy(rest, joiner->commits + 1, (count - 1) * sizeof rest[0]);
		struct store_txn *txn;
		struct commit *commit = joiner->commits[0];
		assert_int_equal(store_begin(joiner->store, &txn), 0);
		commit->code = commit_apply(commit, txn);
		assert_int_equal(commit->code, 0);
		assert_int_equal(store_commit(txn), 0);
		memcpy(joiner->commits, rest, (count - 1) * sizeof rest[0]);
		joiner->commit_count = count - 1;
		joiner->hold_commits = true;
		node_on_committed(joiner->node, commit, c.now);
	}
	struct store_snapshot *disk = store_memory_copy(joiner->store);
	struct store_feed part = stored(joiner, a, FEED_LANE_DOC);
	assert_int_equal(part.fill_seq, 512);
	assert_int_equal(part.first_seq, 1201);
	uint32_t breaks;
	assert_int_equal(listed(joiner, a, FEED_LANE_DOC, false, &breaks), 522);
	assert_int_equal(breaks, 1);
	assert_int_equal(listed(joiner, a, FEED_LANE_DOC, true, NULL), 522);
	cluster_node_stop(joiner);
	store_memory_restore(joiner->store, disk);
	store_snapshot_free(disk);
	cluster_node_start(joiner);
	cluster_connect(&c, a, joiner);
	assert_true(cluster_run(&c, whole, joiner, 20000));
	assert_int_equal(listed(joiner, a, FEED_LANE_DOC, false, &breaks), 1210);
	assert_int_equal(breaks, 0);
	cluster_deinit(&c);
}

/* It relays what it has to a fourth city, which waits for the rest, and gets it from there. */
static void a_member_behind_it_gets_all(void **state)
{
	(void)state;
	struct cluster c;
	cluster_init(&c, 4, 14);
	c.founders = 2;
	cluster_found(&c);
	struct city *a = &c.cities[0], *b = &c.cities[1], *joiner = &c.cities[2],
				*behind = &c.cities[3];
	cluster_connect(&c, a, b);
	publish(a, FEED_LANE_DOC, OLD, 100);
	cluster_pass(&c, 5000);
	cluster_admit(a, joiner, false);
	cluster_pass(&c, 1000);
	cluster_admit(a, behind, true);
	cluster_connect(&c, b, joiner);
	cluster_pass(&c, 1000);
	publish(a, FEED_LANE_DOC, NEW, 100);
	cluster_pass(&c, 2000);
	cluster_connect(&c, joiner, behind);
	cluster_pass(&c, 5000);
	struct node_feed feed;
	assert_true(cluster_feed(behind, a, FEED_LANE_DOC, &feed));
	assert_int_equal(feed.seq, 0);
	confirm(&c);
	/* Whom it asks for the older ones may hold none: each time it tries another after 10 s. */
	assert_true(cluster_run(&c, whole, joiner, 60000));
	assert_true(cluster_run(&c, whole, behind, 20000));
	assert_int_equal(listed(behind, a, FEED_LANE_DOC, true, NULL), OLD + NEW);
	cluster_deinit(&c);
}

/* It knows of its confirmation before the one that it asks: no fault of that one. */
static void the_confirmation_comes_from_elsewhere(void **state)
{
	(void)state;
	struct cluster c;
	found(&c, 18, OLD, 100);
	struct city *a = &c.cities[0], *b = &c.cities[1], *joiner = &c.cities[2];
	cluster_connect(&c, b, joiner);
	cluster_pass(&c, 1000);
	publish(a, FEED_LANE_DOC, NEW, 100);
	publish(a, FEED_LANE_ALERT, NEW, 100);
	cluster_pass(&c, 2000);
	cluster_disconnect(&c, a, b);
	cluster_connect(&c, a, joiner);
	cluster_pass(&c, 1000);
	joiner->last_close[0] = 0;
	for (size_t i = 0; i < c.pipe_count; i++) /* b hears nothing for a while */
		c.pipes[i]->stalled = c.pipes[i]->city == b;
	confirm(&c);
	cluster_pass(&c, 3000);
	for (size_t i = 0; i < c.pipe_count; i++)
		c.pipes[i]->stalled = false;
	assert_true(cluster_run(&c, whole, joiner, 20000));
	assert_string_equal(joiner->last_close, "");
	cluster_deinit(&c);
}

/* Its own alerts wait behind the others' calls, until somebody has heard its voice. */
static void its_alerts_go_with_documents(void **state)
{
	(void)state;
	for (int confirmed = 0; confirmed < 2; confirmed++) {
		struct cluster c;
		cluster_init(&c, 4, 19);
		c.founders = 2;
		cluster_found(&c);
		struct city *a = &c.cities[0], *b = &c.cities[1], *joiner = &c.cities[2],
					*reader = &c.cities[3];
		cluster_connect(&c, a, b);
		cluster_admit(a, joiner, confirmed);
		cluster_admit(a, reader, true);
		cluster_connect(&c, b, joiner);
		cluster_pass(&c, 1000);
		publish(joiner, FEED_LANE_ALERT, 1, 100);
		publish(a, FEED_LANE_CALL, 300, 100);
		cluster_pass(&c, 5000);
		cluster_connect(&c, b, reader);
		assert_true(cluster_run(&c, whole, reader, 10000));
		bool first = stored(reader, joiner, FEED_LANE_ALERT).arrival <
			stored(reader, a, FEED_LANE_CALL).arrival;
		assert_int_equal(first, confirmed);
		cluster_deinit(&c);
	}
}

/* What a city publishes whose clock is behind is older by its own word: not pushed either. */
static void a_clock_that_lags(void **state)
{
	(void)state;
	struct cluster c;
	found(&c, 20, 1, 100);
	struct city *a = &c.cities[0], *b = &c.cities[1], *joiner = &c.cities[2];
	cluster_connect(&c, b, joiner);
	cluster_connect(&c, a, joiner);
	cluster_pass(&c, 1000);
	c.now.wall.ms -= 86400000;
	publish(a, FEED_LANE_ALERT, 1, 100);
	c.now.wall.ms += 86400000;
	cluster_pass(&c, 3000);
	assert_int_equal(stored(b, a, FEED_LANE_ALERT).seq, OLD + 1);
	assert_int_equal(stored(joiner, a, FEED_LANE_ALERT).seq, 0);
	assert_int_equal(joiner->gap_alerts_seen, 0);
	publish(a, FEED_LANE_ALERT, 1, 100);
	cluster_pass(&c, 3000);
	assert_int_equal(stored(joiner, a, FEED_LANE_ALERT).first_seq, OLD + 2);
	cluster_deinit(&c);
}

static void on_published(void *ctx, const struct node_published *result)
{
	*(struct node_published *)ctx = *result;
}

/* A document of the city with an empty file, and the file. */
static void publish_with_file(struct city *city)
{
	struct cluster *c = city->cluster;
	struct header header = {
		.kind = FEED_LANE_DOC, .time_ms = (uint64_t)c->now.wall.ms, .attachment_count = 1};
	struct node_published result = {.code = 1};
	struct buffer bytes;
	struct store_txn *txn;
	assert_int_equal(store_begin(city->store, &txn), 0);
	assert_int_equal(
		store_attachment_begin(txn, &header.attachments[0].id, 0, bytes_of(NULL, 0)), 0);
	assert_int_equal(store_attachment_complete(
						 txn, &header.attachments[0].id, &c->network_id, c->now.wall, NULL),
		0);
	assert_int_equal(store_commit(txn), 0);
	buffer_init(&bytes, HEADER_SIZE_MAX);
	assert_int_equal(header_encode(&header, &bytes), 0);
	assert_int_equal(node_publish(city->node, &c->network_id, FEED_LANE_DOC, buffer_bytes(&bytes),
						 bytes_of(NULL, 0), on_published, &result, c->now),
		0);
	buffer_deinit(&bytes);
	cluster_pass(c, 100);
	assert_int_equal(result.code, 0);
}

/* Nor does it get a file by naming an entry that it was not given. */
static void files_of_old_entries(void **state)
{
	(void)state;
	struct cluster c;
	cluster_init(&c, 1, 31);
	cluster_found(&c);
	struct city *a = &c.cities[0];
	publish_with_file(a);
	struct node_read read = {.type = NODE_READ_ATTACHMENT, .entry_seq = 1, .bytes_max = 1000};
	assert_int_equal(feed_id_of(&c.network_id, &a->city_id, FEED_LANE_DOC, &read.feed_id), 0);
	read.since_ms = (uint64_t)c.now.wall.ms + 1;
	node_read_run(&read, a->store, a->files);
	assert_int_equal(read.code, ERROR_PERMISSION);
	assert_null(read.blob);
	read.since_ms = 1;
	node_read_run(&read, a->store, a->files);
	assert_int_not_equal(read.code, ERROR_PERMISSION); /* the entry is not what forbids it */
	blob_free(read.blob);
	cluster_deinit(&c);
}

/* What it published itself it may have back, whatever the time says. */
static void the_own_feed_comes_back_whole(void **state)
{
	(void)state;
	struct cluster c;
	found(&c, 15, OLD, 100);
	struct city *b = &c.cities[1], *joiner = &c.cities[2];
	struct store_snapshot *fresh = store_memory_copy(joiner->store);
	cluster_connect(&c, b, joiner);
	cluster_pass(&c, 1000);
	c.now.wall.ms -= 86400000; /* its clock lags behind its admission */
	publish(joiner, FEED_LANE_DOC, NEW, 100);
	c.now.wall.ms += 86400000;
	cluster_pass(&c, 2000);
	cluster_node_stop(joiner);
	store_memory_restore(joiner->store, fresh);
	store_snapshot_free(fresh);
	cluster_node_start(joiner);
	cluster_connect(&c, b, joiner);
	cluster_pass(&c, 5000);
	assert_int_equal(stored(joiner, joiner, FEED_LANE_DOC).first_seq, 1);
	assert_int_equal(stored(joiner, joiner, FEED_LANE_DOC).seq, NEW);
	cluster_deinit(&c);
}

/* The city whose records they are ends its epoch below what the joiner began with. */
static void a_cut_below_the_beginning(void **state)
{
	(void)state;
	struct cluster c;
	found(&c, 16, OLD, 100);
	struct city *a = &c.cities[0], *b = &c.cities[1], *joiner = &c.cities[2];
	cluster_connect(&c, b, joiner);
	cluster_pass(&c, 1000);
	publish(a, FEED_LANE_DOC, NEW, 100);
	cluster_pass(&c, 2000);
	struct amendment_item item = {.kind = AMENDMENT_SUSPEND, .city_id = a->city_id};
	item.end.reason = bytes_from_text("seized");
	item.end.has_cuts = true;
	item.end.epoch = 1;
	item.end.cuts[FEED_LANE_DOC - 1].seq = OLD / 2;
	struct hash feed_id, last[2] = {{{0}}};
	assert_int_equal(feed_id_of(&c.network_id, &a->city_id, FEED_LANE_DOC, &feed_id), 0);
	assert_int_equal(store_read_entry(b->store, &feed_id, OLD / 2, count_entry, last), 0);
	item.end.cuts[FEED_LANE_DOC - 1].hash = last[0];
	assert_int_equal(cluster_amend(b, &item, 1), 0);
	cluster_pass(&c, 2000);
	struct node_feed feed;
	assert_true(cluster_feed(joiner, a, FEED_LANE_DOC, &feed));
	assert_int_equal(feed.seq, 0);
	assert_int_equal(listed(joiner, a, FEED_LANE_DOC, true, NULL), 0);
	struct amendment_item yes = {.kind = AMENDMENT_CONFIRM, .city_id = joiner->city_id};
	assert_int_equal(cluster_amend(b, &yes, 1), 0);
	cluster_pass(&c, 10000);
	assert_true(cluster_feed(joiner, a, FEED_LANE_DOC, &feed));
	assert_int_equal(feed.seq, OLD / 2);
	assert_memory_equal(&feed.entry_hash, &last[0], sizeof feed.entry_hash);
	cluster_deinit(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(old_records_come_with_the_confirmation),
		cmocka_unit_test(confirmed_while_it_was_away),
		cmocka_unit_test(long_feeds_are_filled_in),
		cmocka_unit_test(a_fill_goes_on_after_a_restart),
		cmocka_unit_test(a_member_behind_it_gets_all),
		cmocka_unit_test(the_confirmation_comes_from_elsewhere),
		cmocka_unit_test(its_alerts_go_with_documents),
		cmocka_unit_test(a_clock_that_lags),
		cmocka_unit_test(files_of_old_entries),
		cmocka_unit_test(the_own_feed_comes_back_whole),
		cmocka_unit_test(a_cut_below_the_beginning),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
