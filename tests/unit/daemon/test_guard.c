/* SPDX-License-Identifier: Apache-2.0 */
/** An alert that was noted beside the keys and answered, and a crash before the store had it. */
#include <sys/stat.h>

#include "tests/unit/store/fixture.h"
#include "daemon/commit_note.h"
#include "daemon/guard.h"
#include "store/guard_file.h"

struct city {
	struct fixture disk;
	struct app app;
	struct origin origin;
};

static void guard_up(struct city *city)
{
	struct complaint complaint = {0};
	city->app.store = city->disk.store;
	city->app.config.data = city->disk.folder;
	ok(guard_open(&city->app, &city->app.guard, &complaint));
	ok(guard_replay(city->app.guard, &complaint));
}

static void guard_down(struct city *city)
{
	guard_close(city->app.guard);
	uv_run(&city->app.loop, UV_RUN_DEFAULT);
}

/* The process dies, and starts again. */
static void restart(struct city *city)
{
	guard_down(city);
	fixture_restart(&city->disk);
	guard_up(city);
}

static int setup(void **state)
{
	struct city *city = calloc(1, sizeof *city);
	char path[128];
	assert_non_null(city);
	fixture_init(&city->disk, false);
	snprintf(path, sizeof path, "%s/keys", city->disk.folder);
	ok(mkdir(path, 0700));
	ok(uv_loop_init(&city->app.loop));
	city->origin = (struct origin){.number = 1, .lane = 1, .epoch = 1, .size = 900};
	guard_up(city);
	*state = city;
	return 0;
}

static int teardown(void **state)
{
	struct city *city = *state;
	guard_down(city);
	ok(uv_loop_close(&city->app.loop));
	fixture_deinit(&city->disk);
	free(city);
	return 0;
}

/* The next alert as the node's commit of it. */
static struct commit *alert_next(struct city *city, bool own)
{
	struct made_run m;
	struct commit *commit = commit_new(COMMIT_URGENT);
	struct commit_op *op = commit_add(commit, COMMIT_RUN);
	origin_make(&city->origin, 1, true, &m);
	*op = (struct commit_op){
		.type = COMMIT_RUN,
		.network_id = m.run.network_id,
		.city_id = m.run.city_id,
		.feed_id = m.run.feed_id,
		.lane = m.run.lane,
		.epoch = m.run.epoch,
		.seq = m.run.first_seq,
		.prev = m.run.prev,
		.blob = blob_copy(m.run.entries),
		.index = m.index,
		.count = 1,
		.checkpoint = true,
		.own = own,
		.last_hash = m.index[0].entry_hash,
		.source_city = m.run.source_city,
		.arrived = m.run.arrived,
	};
	memcpy(op->head, m.run.head, sizeof op->head);
	free(m.bytes);
	return commit;
}

static struct store_arrival newest(struct city *city)
{
	struct store_info info;
	ok(store_info(city->disk.store, &info));
	return info.newest;
}

static int note(struct city *city, struct commit *commit)
{
	struct store_arrival before = newest(city);
	return guard_note(city->app.guard, commit, &before);
}

static void store_take(struct city *city, struct commit *commit)
{
	struct store_txn *txn;
	ok(store_begin(city->disk.store, &txn));
	ok(commit_apply(commit, txn));
	ok(store_commit(txn));
}

/* An alert the long way, so that the guard knows the network. */
static void alert_whole(struct city *city)
{
	struct commit *commit = alert_next(city, true);
	store_take(city, commit);
	ok(guard_commits(city->app.guard, commit));
	commit_free(commit);
}

static uint64_t stored_seq(struct city *city)
{
	struct store_feed feed;
	struct hash id = origin_feed_id(&city->origin);
	int r = store_read_feed(city->disk.store, &id, &feed);
	assert_true(r == 0 || r == ERROR_NOT_FOUND);
	return r ? 0 : feed.seq;
}

/* What the guard file says, read as a start reads it. */
static struct guard_lane guarded(struct city *city)
{
	char path[128];
	struct guard_file *file;
	struct hash network = hash_named('n', 1);
	struct guard_lane lane = {0};
	snprintf(path, sizeof path, "%s/keys/guard", city->disk.folder);
	ok(guard_file_open(path, &file, NULL));
	const struct guard_entry *entry = guard_file_find(file, &network);
	if (entry)
		lane = entry->lanes[0];
	guard_file_close(file);
	return lane;
}

static void a_noted_alert_survives_a_crash_before_the_commit(void **state)
{
	struct city *city = *state;
	for (int i = 0; i < 3; i++)
		alert_whole(city);
	struct commit *commit = alert_next(city, true);
	ok(note(city, commit));
	assert_int_equal(stored_seq(city), 3);
	restart(city);
	assert_int_equal(stored_seq(city), 4);
	struct guard_lane lane = guarded(city);
	assert_int_equal(lane.seq, 4);
	assert_true(hash_equal(&lane.entry_hash, &commit->ops[0].last_hash));
	struct store_arrival after = newest(city), later;
	assert_int_equal(after.arrival, 4);
	restart(city); /* nothing comes twice */
	later = newest(city);
	assert_int_equal(later.arrival, 4);
	assert_memory_equal(later.rolling, after.rolling, STORE_ROLLING_SIZE);
	/* the very same as by the way of all others */
	struct fixture other;
	struct store_txn *txn;
	struct origin again = {.number = 1, .lane = 1, .epoch = 1, .size = 900};
	fixture_init(&other, true);
	for (int i = 0; i < 4; i++)
		origin_commit(&again, other.store, 1, true);
	ok(store_begin(other.store, &txn));
	later = store_txn_newest(txn);
	assert_memory_equal(later.rolling, after.rolling, STORE_ROLLING_SIZE);
	store_abort(txn);
	fixture_deinit(&other);
	commit_free(commit);
}

static void another_citys_alert_comes_back_too(void **state)
{
	struct city *city = *state;
	struct commit *commit = alert_next(city, false);
	ok(note(city, commit));
	restart(city);
	assert_int_equal(stored_seq(city), 1);
	assert_int_equal(guarded(city).seq, 0); /* none of ours */
	commit_free(commit);
}

static void what_the_store_has_is_not_put_again(void **state)
{
	struct city *city = *state;
	alert_whole(city);
	struct commit *commit = alert_next(city, true);
	ok(note(city, commit));
	store_take(city, commit); /* and the process dies before the guard's own slots */
	assert_int_equal(guarded(city).seq, 1);
	restart(city);
	assert_int_equal(stored_seq(city), 2);
	assert_int_equal(newest(city).arrival, 2);
	assert_int_equal(guarded(city).seq, 2);
	commit_free(commit);
}

/* The store is put back to an older one: the guard must know of the noted alert all the same. */
static void an_older_store_leaves_it_to_the_guard(void **state)
{
	struct city *city = *state;
	for (int i = 0; i < 3; i++)
		alert_whole(city);
	struct commit *commit = alert_next(city, true);
	ok(note(city, commit));
	guard_down(city);
	store_close(city->disk.store);
	char path[128];
	snprintf(path, sizeof path, "%s/data.mdb", city->disk.folder);
	ok(unlink(path));
	memcpy(city->disk.options.epoch_seed, "remade!!", STORE_EPOCH_SIZE);
	fixture_open(&city->disk);
	guard_up(city);
	assert_int_equal(stored_seq(city), 0);
	assert_int_equal(guarded(city).seq, 4);
	commit_free(commit);
}

/* A lost guard must look lost: holds are asked for then. */
static void a_note_is_no_guard(void **state)
{
	struct city *city = *state;
	struct commit *commit = alert_next(city, true);
	assert_int_equal(note(city, commit), ERROR_STATE);
	restart(city);
	assert_int_equal(stored_seq(city), 0);
	assert_int_equal(guarded(city).seq, 0);
	commit_free(commit);
}

/* The key was renewed: the cut, below the noted alert, is the own end now. */
static void a_note_of_a_former_epoch_does_not_raise_the_guard(void **state)
{
	struct city *city = *state;
	char path[128];
	struct guard_file *file;
	alert_whole(city);
	struct commit *commit = alert_next(city, true);
	ok(note(city, commit));
	snprintf(path, sizeof path, "%s/keys/guard", city->disk.folder);
	ok(guard_file_open(path, &file, NULL));
	struct guard_entry entry = *guard_file_find(file, &commit->ops[0].network_id);
	entry.epoch = 2;
	ok(guard_file_update(file, &entry));
	guard_file_close(file);
	restart(city);
	assert_int_equal(guarded(city).seq, 1);
	commit_free(commit);
}

static void only_a_lone_alert_fits(void **state)
{
	struct city *city = *state;
	struct commit *commit = alert_next(city, true), *other = alert_next(city, true);
	assert_true(commit_note_fits(commit));
	commit->next = other;
	assert_false(commit_note_fits(commit));
	commit->next = NULL;
	commit->ops[0].lane = 2;
	assert_false(commit_note_fits(commit));
	commit->ops[0].lane = 1;
	commit->ops[0].index[0].length = COMMIT_NOTE_ENTRY_MAX + 1;
	assert_false(commit_note_fits(commit));
	commit->ops[0].index[0].length = 900;
	commit_add(commit, COMMIT_SETTING);
	assert_false(commit_note_fits(commit));
	commit_free(commit);
	commit_free(other);
}

/* Each byte of a note that is cut or lied about: an error, or a commit within its bounds. */
static void a_damaged_note_is_refused(void **state)
{
	struct city *city = *state;
	struct commit *commit = alert_next(city, true), *out;
	struct commit_note_before before = {0};
	struct buffer b;
	buffer_init(&b, GUARD_NOTE_MAX);
	ok(commit_note_encode(&b, &before, commit));
	for (size_t len = 0; len < b.len; len++)
		assert_int_equal(commit_note_decode(bytes_of(b.data, len), &before, &out), ERROR_CORRUPT);
	ok(commit_note_decode(buffer_bytes(&b), &before, &out));
	assert_true(commit_note_fits(out));
	assert_memory_equal(out->ops[0].blob->data, commit->ops[0].blob->data, out->ops[0].blob->len);
	commit_free(out);
	ok(buffer_push_u8(&b, 0));
	assert_int_equal(commit_note_decode(buffer_bytes(&b), &before, &out), ERROR_CORRUPT);
	buffer_deinit(&b);
	commit_free(commit);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_noted_alert_survives_a_crash_before_the_commit),
		TEST(another_citys_alert_comes_back_too),
		TEST(what_the_store_has_is_not_put_again),
		TEST(an_older_store_leaves_it_to_the_guard),
		TEST(a_note_is_no_guard),
		TEST(a_note_of_a_former_epoch_does_not_raise_the_guard),
		TEST(only_a_lone_alert_fits),
		TEST(a_damaged_note_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
