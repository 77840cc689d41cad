/* SPDX-License-Identifier: Apache-2.0 */
/** The writer thread on a real store; hand-made commits of settings and control objects. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <uv.h>

#include "base/error.h"
#include "daemon/writer.h"
#include "store/store.h"
#include "tests/unit/daemon/folder.h"

#define COMMITS_MAX 4096

struct bench {
	uv_loop_t loop;
	struct store *store;
	struct writer *writer;
	unsigned answered, guarded, guard_calls, failed;
	uint64_t order[COMMITS_MAX];
	bool full;
	unsigned full_calls;
	bool gated; /* the first transaction is held until the gate opens */
	uv_sem_t gate;
};

static void on_committed(void *ctx, struct commit *commit)
{
	struct bench *bench = ctx;
	bench->order[bench->answered++] = commit->ops[0].seq;
	bench->failed += commit->code != 0;
	if (commit->done)
		commit->done(commit->ctx, commit);
	commit_free(commit);
}

static void on_full(void *ctx, bool full)
{
	struct bench *bench = ctx;
	bench->full = full;
	bench->full_calls++;
}

/* Writer's thread; read after it was joined. */
static int on_guard(void *ctx, const struct commit *commits)
{
	struct bench *bench = ctx;
	if (bench->gated && bench->guard_calls == 0)
		uv_sem_wait(&bench->gate);
	bench->guard_calls++;
	for (; commits; commits = commits->next)
		bench->guarded++;
	return 0;
}

static void open_bench(struct bench *bench, const char *folder, uint64_t limit)
{
	struct store_options options = {
		.epoch_seed = "12345678", .limit_bytes = limit, .reserve_bytes = limit ? 1 << 20 : 0};
	struct writer_calls calls = {bench, on_committed, on_full, on_guard, NULL};
	struct complaint complaint = {0};
	memset(bench, 0, sizeof(*bench));
	assert_int_equal(uv_loop_init(&bench->loop), 0);
	assert_int_equal(store_lmdb_open(folder, &options, &bench->store, &complaint), 0);
	assert_int_equal(writer_new(&bench->loop, bench->store, &calls, &bench->writer), 0);
}

static void close_bench(struct bench *bench)
{
	writer_close(bench->writer);
	uv_run(&bench->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&bench->loop), 0);
	store_close(bench->store);
}

static struct commit *setting(enum commit_class class, uint64_t number, size_t len)
{
	struct commit *commit = commit_new(class);
	struct commit_op *op = commit_add(commit, COMMIT_SETTING);
	op->seq = number;
	op->blob = blob_new(len);
	memset(op->blob->data, 'x', len);
	op->blob->len = len;
	snprintf(op->text, sizeof(op->text), "key-%llu", (unsigned long long)number);
	commit->bytes = len;
	return commit;
}

static bool is_stored(struct bench *bench, uint64_t number)
{
	struct buffer value;
	char key[64];
	snprintf(key, sizeof(key), "key-%llu", (unsigned long long)number);
	buffer_init(&value, 1 << 20);
	int code = store_get_setting(bench->store, key, &value);
	buffer_deinit(&value);
	return code == 0;
}

static void all_are_written_answered_in_order_and_grouped(void **state)
{
	static struct bench bench;
	open_bench(&bench, *state, 0);
	for (uint64_t i = 0; i < 500; i++)
		writer_push(bench.writer, setting(COMMIT_BULK, i, 1000));
	assert_int_equal(writer_pending(bench.writer), 500);
	uv_run(&bench.loop, UV_RUN_DEFAULT); /* ends by itself when nothing is pending */
	assert_int_equal(bench.answered, 500);
	assert_int_equal(bench.failed, 0);
	for (uint64_t i = 0; i < 500; i++) {
		assert_int_equal(bench.order[i], i);
		assert_true(is_stored(&bench, i));
	}
	close_bench(&bench);
	assert_int_equal(bench.guarded, 500);
	assert_true(bench.guard_calls < 500);
	assert_int_equal(bench.full_calls, 0);
}

static void urgent_does_not_wait_behind_bulk(void **state)
{
	static struct bench bench;
	open_bench(&bench, *state, 0);
	uv_sem_init(&bench.gate, 0);
	bench.gated = true;
	for (uint64_t i = 0; i < 1000; i++)
		writer_push(bench.writer, setting(COMMIT_BULK, i, 16000));
	writer_push(bench.writer, setting(COMMIT_URGENT, 9999, 100));
	uv_sem_post(&bench.gate);
	uv_run(&bench.loop, UV_RUN_DEFAULT);
	assert_int_equal(bench.answered, 1001);
	unsigned at = 0;
	while (bench.order[at] != 9999)
		at++;
	/* behind the one transaction that was under way, which has 1 MiB at the most */
	assert_true(at >= 1 && at <= WRITER_TXN_BYTES_MAX / 16000 + 1);
	close_bench(&bench);
	uv_sem_destroy(&bench.gate);
}

static void a_close_writes_what_is_queued(void **state)
{
	static struct bench bench;
	open_bench(&bench, *state, 0);
	for (uint64_t i = 0; i < 50; i++)
		writer_push(bench.writer, setting(i % 2 ? COMMIT_BULK : COMMIT_URGENT, i, 100));
	writer_close(bench.writer);
	assert_int_equal(bench.answered, 50);
	for (uint64_t i = 0; i < 50; i++)
		assert_true(is_stored(&bench, i));
	uv_run(&bench.loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&bench.loop), 0);
	store_close(bench.store);
}

static void one_bad_commit_does_not_spoil_the_others(void **state)
{
	static struct bench bench;
	open_bench(&bench, *state, 0);
	for (uint64_t i = 0; i < 100; i++) {
		struct commit *commit = setting(COMMIT_BULK, i, 100);
		if (i == 57) {
			/* progress of an attachment that nobody began */
			struct commit_op *op = commit_add(commit, COMMIT_ATTACHMENT_PROGRESS);
			op->hash.bytes[0] = 1;
			op->seq = 3;
		}
		writer_push(bench.writer, commit);
	}
	uv_run(&bench.loop, UV_RUN_DEFAULT);
	assert_int_equal(bench.answered, 100);
	assert_int_equal(bench.failed, 1);
	for (uint64_t i = 0; i < 100; i++)
		assert_int_equal(is_stored(&bench, i), i != 57);
	close_bench(&bench);
	assert_int_equal(bench.guarded, 99);
}

static void a_full_store_takes_urgent_ones_only_and_says_so(void **state)
{
	static struct bench bench;
	uint64_t next = 0;
	open_bench(&bench, *state, 4 << 20);
	while (!bench.full && next < COMMITS_MAX - 100) {
		for (unsigned i = 0; i < 20; i++)
			writer_push(bench.writer, setting(COMMIT_BULK, next++, 16000));
		uv_run(&bench.loop, UV_RUN_DEFAULT);
	}
	assert_true(bench.full);
	assert_true(bench.failed > 0);
	unsigned failed = bench.failed;
	writer_push(bench.writer, setting(COMMIT_URGENT, 100000, 100));
	writer_push(bench.writer, setting(COMMIT_BULK, 100001, 100));
	uv_run(&bench.loop, UV_RUN_DEFAULT);
	assert_true(is_stored(&bench, 100000));
	assert_false(is_stored(&bench, 100001));
	assert_int_equal(bench.failed, failed + 1);
	assert_int_equal(bench.full_calls, 1);
	close_bench(&bench);
}

/* ---- alerts that are noted ---- */

struct noting {
	struct bench bench;
	unsigned notes;
	int code;
	uint64_t stored; /* what a reader then finds */
};

static struct hash named(uint8_t name)
{
	struct hash hash = {{0}};
	hash.bytes[0] = name;
	return hash;
}

static int on_note(void *ctx, const struct commit *commit, const struct store_arrival *before)
{
	struct noting *noting = ctx;
	assert_int_equal(before->arrival + 1, commit->ops[0].arrival.arrival);
	if (noting->notes++ == 0 && noting->bench.gated)
		uv_sem_wait(&noting->bench.gate);
	return noting->code;
}

static int on_noted_guard(void *ctx, const struct commit *commits)
{
	struct noting *noting = ctx;
	(void)commits;
	noting->bench.guard_calls++;
	return 0;
}

static void on_noted_committed(void *ctx, struct commit *commit)
{
	struct noting *noting = ctx;
	struct store_feed feed = {0};
	struct hash id = named('f');
	assert_int_equal(commit->code, 0);
	assert_int_equal(store_read_feed(noting->bench.store, &id, &feed), 0);
	noting->stored = feed.seq;
	assert_true(feed.seq >= commit->ops[0].seq); /* who heard the answer finds the record */
	noting->bench.answered++;
	commit_free(commit);
}

static struct commit *alert(uint64_t seq)
{
	struct commit *commit = commit_new(COMMIT_URGENT);
	struct commit_op *op = commit_add(commit, COMMIT_RUN);
	op->network_id = named('n');
	op->city_id = named('c');
	op->feed_id = named('f');
	op->lane = 1;
	op->epoch = 1;
	op->seq = seq;
	op->blob = blob_new(500);
	op->blob->len = 500;
	memset(op->blob->data, (int)seq, 500);
	op->index = calloc(1, sizeof(*op->index));
	op->index[0].length = 500;
	op->index[0].entry_hash = op->last_hash = named((uint8_t)seq);
	op->prev = seq > 1 ? named((uint8_t)(seq - 1)) : (struct hash){{0}};
	op->count = 1;
	op->checkpoint = op->own = true;
	commit->bytes = 500;
	return commit;
}

static void noting_open(struct noting *noting, const char *folder)
{
	struct bench *bench = &noting->bench;
	struct store_options options = {.epoch_seed = "12345678"};
	struct writer_calls calls = {noting, on_noted_committed, on_full, on_noted_guard, on_note};
	memset(noting, 0, sizeof(*noting));
	assert_int_equal(uv_loop_init(&bench->loop), 0);
	assert_int_equal(store_lmdb_open(folder, &options, &bench->store, NULL), 0);
	assert_int_equal(writer_new(&bench->loop, bench->store, &calls, &bench->writer), 0);
}

static void a_lone_alert_is_noted_and_then_committed(void **state)
{
	static struct noting noting;
	noting_open(&noting, *state);
	for (uint64_t seq = 1; seq <= 20; seq++) {
		writer_push(noting.bench.writer, alert(seq));
		uv_run(&noting.bench.loop, UV_RUN_DEFAULT);
		assert_int_equal(noting.stored, seq);
	}
	close_bench(&noting.bench);
	assert_int_equal(noting.bench.answered, 20);
	assert_int_equal(noting.notes, 20);
	assert_int_equal(noting.bench.guard_calls, 20); /* its slots follow */
}

static void an_alert_that_cannot_be_noted_goes_the_usual_way(void **state)
{
	static struct noting noting;
	noting_open(&noting, *state);
	for (uint64_t seq = 1; seq <= 4; seq++) {
		noting.code = seq % 2 ? ERROR_STATE : ERROR_FULL;
		writer_push(noting.bench.writer, alert(seq));
		uv_run(&noting.bench.loop, UV_RUN_DEFAULT);
		assert_int_equal(noting.stored, seq);
	}
	close_bench(&noting.bench);
	assert_int_equal(noting.bench.guard_calls, 4);
}

/* Those that gather share a sync, which is less work than a note for each. */
static void alerts_together_are_not_noted(void **state)
{
	static struct noting noting;
	noting_open(&noting, *state);
	uv_sem_init(&noting.bench.gate, 0);
	noting.bench.gated = true;
	for (uint64_t seq = 1; seq <= 200; seq++)
		writer_push(noting.bench.writer, alert(seq));
	uv_sem_post(&noting.bench.gate);
	uv_run(&noting.bench.loop, UV_RUN_DEFAULT);
	assert_int_equal(noting.bench.answered, 200);
	assert_int_equal(noting.stored, 200);
	close_bench(&noting.bench);
	uv_sem_destroy(&noting.bench.gate);
	assert_true(noting.notes < 20); /* the first, and what the 3 ms of a group may cut off */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			all_are_written_answered_in_order_and_grouped, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(
			urgent_does_not_wait_behind_bulk, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(
			a_close_writes_what_is_queued, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(
			one_bad_commit_does_not_spoil_the_others, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(
			a_lone_alert_is_noted_and_then_committed, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(
			an_alert_that_cannot_be_noted_goes_the_usual_way, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(
			alerts_together_are_not_noted, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(
			a_full_store_takes_urgent_ones_only_and_says_so, folder_setup, folder_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
