/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only a disk can do: SIGKILL in the middle of commits, a second process, a full disk, another
 * schema, readers beside the writer.
 */
#include <fcntl.h>
#include <lmdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/unit/store/fixture.h"

#define KILLS 30

static void fatal_exit(void *ctx, const char *reason)
{
	(void)ctx;
	fprintf(stderr, "%s\n", reason);
	_exit(9);
}

/*
 * The child commits runs, merges and cuts, and writes to the pipe what is durable: the number of
 * its round. Feed 1 grows by one each commit, feed 2 in bulk; every 50th round cuts feed 3 back
 * to 10.
 */
static void child_write(struct fixture *f, int to)
{
	struct origin o[3];
	struct store_txn *txn;
	uint64_t round = 0;
	fixture_open(f);
	for (uint32_t i = 0; i < 3; i++) {
		struct store_feed feed = {0};
		o[i] = (struct origin){.number = i + 1, .lane = 1, .epoch = 1, .size = 600};
		struct hash id = origin_feed_id(&o[i]);
		if (store_read_feed(f->store, &id, &feed) == 0) {
			o[i].seq = feed.seq;
			o[i].tip = feed.entry_hash;
		}
	}
	round = o[0].seq;
	for (;;) {
		bool left;
		ok(store_begin(f->store, &txn));
		origin_put(&o[0], txn, 1, true);
		origin_put(&o[1], txn, 200, round % 2);
		struct origin before = o[2];
		origin_put(&o[2], txn, 5, false);
		if (before.seq >= 250) {
			struct hash id = origin_feed_id(&before);
			ok(store_cut(txn, &id, before.seq, &before.tip, (struct timestamp){1}, NULL, NULL));
			o[2] = before;
		}
		ok(store_commit(txn));
		round++;
		if (write(to, &round, sizeof round) != (ssize_t)sizeof round)
			_exit(3);
		if (round % 20 == 0) {
			ok(store_begin(f->store, &txn));
			ok(store_merge(txn, 1000000, &left));
			ok(store_commit(txn));
		}
	}
}

static void check_after_kill(struct fixture *f, uint64_t acknowledged)
{
	struct origin o[3];
	struct store_info info;
	uint64_t records = 0;
	fixture_open(f);
	for (uint32_t i = 0; i < 3; i++) {
		o[i] = (struct origin){.number = i + 1, .lane = 1, .epoch = 1, .size = 600};
		uint64_t seq = check_feed(f->store, &o[i]);
		records += seq;
		if (i == 0)
			assert_in_range(seq, acknowledged, acknowledged + 1);
		if (i == 1)
			assert_int_equal(seq % 200, 0);
	}
	ok(store_info(f->store, &info));
	assert_int_equal(info.records, records);
	store_close(f->store);
	f->store = NULL;
}

static void test_killed_in_the_middle_of_commits(void **state)
{
	struct fixture *f = *state;
	uint64_t acknowledged = 0;
	store_close(f->store);
	f->options.fatal = fatal_exit;
	for (int i = 0; i < KILLS; i++) {
		int pipes[2], status;
		uint64_t round, wanted = (uint64_t)(i * 7 % 13);
		ok(pipe(pipes));
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			close(pipes[0]);
			child_write(f, pipes[1]);
			_exit(4);
		}
		close(pipes[1]);
		/* Killed at another place of a commit each time: after some rounds and a busy wait. */
		while (read(pipes[0], &round, sizeof round) == (ssize_t)sizeof round) {
			acknowledged = round;
			if (wanted-- == 0) {
				for (volatile int spin = 0; spin < i * 40000; spin++)
					;
				kill(child, SIGKILL);
			}
		}
		close(pipes[0]);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		check_after_kill(f, acknowledged);
	}
	assert_true(acknowledged > KILLS);
	fixture_open(f);
}

static void test_second_process_is_refused(void **state)
{
	struct fixture *f = *state;
	struct complaint c = {0};
	struct store *second = NULL;
	char pid[32];
	assert_int_equal(store_lmdb_open(f->folder, &f->options, &second, &c), ERROR_BUSY);
	snprintf(pid, sizeof pid, "pid %ld.", (long)getpid());
	assert_non_null(strstr(c.reason, pid));
	pid_t child = fork();
	if (child == 0) {
		int r = store_lmdb_open(f->folder, &f->options, &second, &c);
		_exit(r == ERROR_BUSY && strstr(c.reason, pid) ? 0 : 1);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* Writes another schema number into the meta row, as a newer hansad would have. */
static void set_schema(const char *folder, uint8_t schema)
{
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	MDB_val key = {1, (void *)(uintptr_t) "m"}, value;
	uint8_t row[64];
	ok(mdb_env_create(&env));
	ok(mdb_env_set_maxdbs(env, 4));
	ok(mdb_env_set_mapsize(env, (size_t)1 << 30));
	ok(mdb_env_open(env, folder, MDB_NOTLS, 0600));
	ok(mdb_txn_begin(env, NULL, 0, &txn));
	ok(mdb_dbi_open(txn, "meta", 0, &dbi));
	ok(mdb_get(txn, dbi, &key, &value));
	assert_true(value.mv_size < sizeof row);
	memcpy(row, value.mv_data, value.mv_size);
	row[3] = schema;
	value.mv_data = row;
	ok(mdb_put(txn, dbi, &key, &value, 0));
	ok(mdb_txn_commit(txn));
	mdb_env_close(env);
}

static void test_other_schema_is_refused(void **state)
{
	struct fixture *f = *state;
	struct complaint c = {0};
	store_close(f->store);
	f->store = NULL;
	set_schema(f->folder, 9);
	assert_int_equal(store_lmdb_open(f->folder, &f->options, &f->store, &c), ERROR_VERSION);
	assert_non_null(strstr(c.reason, "newer hansad: its schema is 9, this one reads 1."));
	set_schema(f->folder, 0);
	assert_int_equal(store_lmdb_open(f->folder, &f->options, &f->store, &c), ERROR_VERSION);
	assert_non_null(strstr(c.reason, "an older hansad"));
	set_schema(f->folder, 1);
	fixture_open(f);
}

static void test_what_is_no_store_is_refused(void **state)
{
	struct fixture *f = *state;
	struct complaint c = {0};
	char path[128];
	struct store *other;
	store_close(f->store);
	f->store = NULL;
	assert_int_equal(store_lmdb_open("/nonexistent", &f->options, &other, &c), ERROR_NOT_FOUND);
	snprintf(path, sizeof path, "%s/data.mdb", f->folder);
	int fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, "garbagegarbagegarbage", 21, 16), 21);
	assert_int_equal(pwrite(fd, "garbagegarbagegarbage", 21, 4096 + 16), 21);
	close(fd);
	assert_int_equal(store_lmdb_open(f->folder, &f->options, &other, &c), ERROR_CORRUPT);
	assert_non_null(strstr(c.reason, f->folder));
	unlink(path);
	fixture_open(f);
}

/* Fills until ERROR_FULL; what was committed before is whole, the next try works with more room. */
static void fill(struct fixture *f, struct origin *o)
{
	for (int i = 0; i < 2000; i++) {
		struct store_txn *txn;
		struct made_run m;
		struct origin before = *o;
		ok(store_begin(f->store, &txn));
		origin_make(o, 100, true, &m);
		int r = store_put_run(txn, &m.run, NULL);
		made_run_free(&m);
		if (r)
			store_abort(txn);
		else
			r = store_commit(txn);
		if (r) {
			assert_int_equal(r, ERROR_FULL);
			*o = before;
			return;
		}
	}
	fail_msg("it was never full");
}

static void test_limit_and_reserve(void **state)
{
	struct fixture *f = *state;
	struct origin o = {.number = 1, .lane = 3, .epoch = 1, .size = 900};
	struct store_info info;
	store_close(f->store);
	f->options.limit_bytes = 8u << 20;
	f->options.reserve_bytes = 2u << 20;
	fixture_open(f);
	fill(f, &o);
	assert_int_equal(check_feed(f->store, &o), o.seq);
	assert_in_range(o.seq * 1350, 6u << 20, 9u << 20);
	ok(store_info(f->store, &info));
	assert_true(info.reserve_held);
	ok(store_release_reserve(f->store));
	origin_commit(&o, f->store, 100, true); /* the reserve lets more in */
	ok(store_info(f->store, &info));
	assert_false(info.reserve_held);
	fill(f, &o);
	assert_int_equal(store_restore_reserve(f->store), ERROR_FULL);
	assert_int_equal(check_feed(f->store, &o), o.seq);
	store_close(f->store);
	f->options.limit_bytes = 64u << 20; /* the admin gives it more */
	fixture_open(f);
	ok(store_release_reserve(f->store));
	ok(store_restore_reserve(f->store));
	ok(store_info(f->store, &info));
	assert_true(info.reserve_held);
}

/* The kernel refuses to let files grow, as a full disk does. */
static void test_full_disk(void **state)
{
	struct fixture *f = *state;
	struct origin o = {.number = 1, .lane = 3, .epoch = 1, .size = 900};
	struct rlimit old, small = {.rlim_cur = 6u << 20};
	origin_commit(&o, f->store, 100, true);
	ok(getrlimit(RLIMIT_FSIZE, &old));
	small.rlim_max = old.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	ok(setrlimit(RLIMIT_FSIZE, &small));
	fill(f, &o);
	ok(setrlimit(RLIMIT_FSIZE, &old));
	assert_in_range(o.seq, 1000, 6000);
	assert_int_equal(check_feed(f->store, &o), o.seq);
	origin_commit(&o, f->store, 100, true); /* there is room again */
	fixture_restart(f);
	assert_int_equal(check_feed(f->store, &o), o.seq);
}

static void test_reserve_takes_room(void **state)
{
	struct fixture *f = *state;
	char path[128];
	struct stat st;
	store_close(f->store);
	f->options.reserve_bytes = 3u << 20;
	fixture_open(f);
	snprintf(path, sizeof path, "%s/reserve", f->folder);
	ok(stat(path, &st));
	assert_true(st.st_blocks * 512 >= 3 << 20);
	ok(store_release_reserve(f->store));
	assert_int_equal(stat(path, &st), -1);
	ok(store_release_reserve(f->store));
	ok(store_restore_reserve(f->store));
	ok(stat(path, &st));
}

struct readers {
	struct fixture *f;
	atomic_bool stop;
	atomic_int rounds, bad;
};

static int on_read_entry(void *ctx, const struct store_entry *e)
{
	struct scan_check *s = ctx;
	struct hash h = entry_hash_of(e->wire, &e->prev);
	s->started = s->started || e->seq != s->seq + 1 || !hash_equal(&h, &e->entry_hash);
	s->seq = e->seq;
	return 0;
}

/* cmocka's asserts belong to the main thread: a reader counts what is wrong. */
static void *read_on(void *ctx)
{
	struct readers *readers = ctx;
	struct origin o = {.number = 1, .lane = 3, .epoch = 1, .size = 300};
	struct hash id = origin_feed_id(&o);
	while (!atomic_load(&readers->stop)) {
		struct scan_check s = {.origin = &o}; /* `started`: something was wrong */
		uint64_t next = 1;
		while (next)
			if (store_scan(
					readers->f->store, &id, next, false, 500, 100000, on_read_entry, &s, &next))
				break;
		if (next || s.started)
			atomic_fetch_add(&readers->bad, 1);
		atomic_fetch_add(&readers->rounds, 1);
	}
	return NULL;
}

static void test_readers_beside_the_writer(void **state)
{
	struct fixture *f = *state;
	struct origin o = {.number = 1, .lane = 3, .epoch = 1, .size = 300};
	struct readers readers = {.f = f};
	pthread_t threads[3];
	for (int i = 0; i < 3; i++)
		ok(pthread_create(&threads[i], NULL, read_on, &readers));
	for (int i = 0; i < 200 || (atomic_load(&readers.rounds) < 20 && i < 100000); i++) {
		struct store_txn *txn;
		bool left;
		if (o.seq < 3000)
			origin_commit(&o, f->store, i % 3 ? 1 : 40, i % 2);
		if (i % 30 == 29) {
			ok(store_begin(f->store, &txn));
			ok(store_merge(txn, 1u << 20, &left));
			ok(store_commit(txn));
		}
	}
	/* A loaded machine may not have let them run yet. */
	for (int i = 0; i < 30000 && atomic_load(&readers.rounds) < 3; i++)
		usleep(1000);
	atomic_store(&readers.stop, true);
	for (int i = 0; i < 3; i++)
		ok(pthread_join(threads[i], NULL));
	assert_int_equal(atomic_load(&readers.bad), 0);
	assert_true(atomic_load(&readers.rounds) >= 3);
	assert_int_equal(check_feed(f->store, &o), o.seq);
}

#define LMDB(test)                                            \
	{                                                         \
		"lmdb " #test, test, setup_lmdb, teardown_store, NULL \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LMDB(test_killed_in_the_middle_of_commits),
		LMDB(test_second_process_is_refused),
		LMDB(test_other_schema_is_refused),
		LMDB(test_what_is_no_store_is_refused),
		BOTH(test_limit_and_reserve),
		LMDB(test_full_disk),
		LMDB(test_reserve_takes_room),
		BOTH(test_readers_beside_the_writer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
