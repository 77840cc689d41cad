/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the store's tests share: stores of both back ends, and feeds whose entries follow from
 * (feed, epoch, seq), so that any stored byte can be checked without keeping it.
 */
#pragma once

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "store/store.h"

#define ok(call) assert_int_equal((call), 0)

struct fixture {
	bool memory;
	char folder[64];
	struct store_options options;
	struct store *store;
};

static inline void fixture_open(struct fixture *f)
{
	struct complaint c = {0};
	int r = f->memory ? store_memory_open(&f->options, &f->store)
					  : store_lmdb_open(f->folder, &f->options, &f->store, &c);
	if (r)
		fail_msg("open: %s %s", error_name(r), c.reason);
}

static inline void fixture_init(struct fixture *f, bool memory)
{
	*f = (struct fixture){.memory = memory};
	memcpy(f->options.epoch_seed, "seedseed", STORE_EPOCH_SIZE);
	const char *tmp = getenv("TMPDIR");
	snprintf(f->folder, sizeof f->folder, "%s/hansa-store-XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(f->folder));
	fixture_open(f);
}

static inline int fixture_unlink(const char *path, const struct stat *st, int kind, struct FTW *w)
{
	(void)st, (void)kind, (void)w;
	return remove(path);
}

static inline void fixture_deinit(struct fixture *f)
{
	store_close(f->store);
	nftw(f->folder, fixture_unlink, 8, FTW_DEPTH | FTW_PHYS);
}

/** A start after a crash: memory loses what was not synced, LMDB is closed and opened. */
static inline void fixture_restart(struct fixture *f)
{
	if (f->memory) {
		store_memory_crash(f->store);
		return;
	}
	store_close(f->store);
	f->store = NULL;
	fixture_open(f);
}

static inline struct hash hash_named(char kind, uint32_t n)
{
	uint8_t text[5] = {
		(uint8_t)kind, (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};
	struct hash h;
	ok(hash_of("test", bytes_of(text, sizeof text), &h));
	return h;
}

/** A feed as its origin has it. */
struct origin {
	uint32_t number;
	uint8_t lane;
	uint32_t epoch;
	uint64_t seq;
	struct hash tip;
	uint32_t size; /* of wire forms: size .. 2 * size - 1 */
	uint32_t since_entries;
	uint64_t since_bytes;
};

static inline struct hash origin_feed_id(const struct origin *o)
{
	return hash_named('f', o->number);
}

static inline size_t origin_wire_len(const struct origin *o, uint64_t seq)
{
	return o->size + seq * 7919 % o->size;
}

static inline void origin_wire(const struct origin *o, uint32_t epoch, uint64_t seq, uint8_t *to)
{
	uint64_t x = o->number * UINT64_C(0x9e3779b97f4a7c15) + epoch * 1000003 + seq;
	for (size_t i = 0; i < origin_wire_len(o, seq); i++) {
		x = x * UINT64_C(6364136223846793005) + 1442695040888963407u;
		to[i] = (uint8_t)(x >> 56);
	}
}

static inline struct hash entry_hash_of(struct bytes wire, const struct hash *prev)
{
	struct hasher h;
	struct hash out;
	ok(hasher_init(&h));
	hasher_begin(&h, "test entry");
	hasher_add_hash(&h, prev);
	hasher_add(&h, wire);
	ok(hasher_end(&h, &out));
	hasher_deinit(&h);
	return out;
}

/** The stand-in for a signed head: the store does not look inside. */
static inline void origin_head(const struct origin *o, uint32_t epoch, uint64_t seq, uint8_t *to)
{
	memset(to, (int)(o->number + 1), STORE_HEAD_SIZE);
	snprintf((char *)to, 100, "head %u %u %llu", o->number, epoch, (unsigned long long)seq);
}

struct made_run {
	struct store_run run;
	uint8_t *bytes;
	struct run_entry *index;
};

static inline void made_run_free(struct made_run *m)
{
	free(m->bytes);
	free(m->index);
}

/** The next `count` entries of the feed, ended by a head; the origin goes on. */
static inline void origin_make(
	struct origin *o, uint32_t count, bool checkpoint, struct made_run *m)
{
	size_t at = 0;
	*m = (struct made_run){
		.bytes = malloc((size_t)count * o->size * 2),
		.index = calloc(count, sizeof *m->index),
	};
	assert_true(m->bytes && m->index);
	m->run = (struct store_run){
		.network_id = hash_named('n', 1),
		.city_id = hash_named('c', o->number),
		.feed_id = origin_feed_id(o),
		.lane = o->lane,
		.epoch = o->epoch,
		.first_seq = o->seq + 1,
		.count = count,
		.prev = o->tip,
		.index = m->index,
		.checkpoint = checkpoint,
		.source_city = hash_named('s', o->number),
		.arrived = {1700000000000 + (int64_t)o->seq},
	};
	for (uint32_t i = 0; i < count; i++) {
		size_t len = origin_wire_len(o, ++o->seq);
		origin_wire(o, o->epoch, o->seq, m->bytes + at);
		o->tip = entry_hash_of(bytes_of(m->bytes + at, len), &o->tip);
		m->index[i] = (struct run_entry){
			.offset = (uint32_t)at, .length = (uint32_t)len, .entry_hash = o->tip};
		at += len;
	}
	o->since_entries = checkpoint ? 0 : o->since_entries + count;
	o->since_bytes = checkpoint ? 0 : o->since_bytes + at;
	m->run.since_checkpoint_entries = o->since_entries;
	m->run.since_checkpoint_bytes = o->since_bytes;
	m->run.entries = bytes_of(m->bytes, at);
	origin_head(o, o->epoch, o->seq, m->run.head);
}

static inline struct store_arrival origin_put(
	struct origin *o, struct store_txn *txn, uint32_t count, bool checkpoint)
{
	struct made_run m;
	struct store_arrival arrival;
	origin_make(o, count, checkpoint, &m);
	ok(store_put_run(txn, &m.run, &arrival));
	made_run_free(&m);
	return arrival;
}

/** One run in one transaction. */
static inline struct store_arrival origin_commit(
	struct origin *o, struct store *store, uint32_t count, bool checkpoint)
{
	struct store_txn *txn;
	ok(store_begin(store, &txn));
	struct store_arrival arrival = origin_put(o, txn, count, checkpoint);
	ok(store_commit(txn));
	return arrival;
}

/** Checks that `bytes` are the wire forms of first..last of one epoch. */
static inline void check_wires(
	const struct origin *o, uint32_t epoch, uint64_t first, uint64_t last, struct bytes bytes)
{
	uint8_t *wire = malloc((size_t)o->size * 2);
	assert_non_null(wire);
	size_t at = 0;
	for (uint64_t seq = first; seq <= last; seq++) {
		size_t len = origin_wire_len(o, seq);
		origin_wire(o, epoch, seq, wire);
		assert_true(at + len <= bytes.len);
		assert_memory_equal(bytes.data + at, wire, len);
		at += len;
	}
	assert_int_equal(at, bytes.len);
	free(wire);
}

struct scan_check {
	const struct origin *origin;
	uint32_t epoch;
	uint64_t seq;
	struct hash prev;
	bool started;
};

static inline int on_scanned(void *ctx, const struct store_entry *e)
{
	struct scan_check *s = ctx;
	if (s->started)
		assert_true(e->seq == s->seq + 1 && hash_equal(&e->prev, &s->prev));
	check_wires(s->origin, e->epoch, e->seq, e->seq, e->wire);
	struct hash h = entry_hash_of(e->wire, &e->prev);
	assert_true(hash_equal(&h, &e->entry_hash));
	s->started = true;
	s->seq = e->seq;
	s->prev = e->entry_hash;
	return 0;
}

/** Walks the whole feed: bytes, hashes, chain, and that it ends at the tip. */
static inline uint64_t check_feed(struct store *store, const struct origin *o)
{
	struct scan_check s = {.origin = o};
	struct hash id = origin_feed_id(o);
	struct store_feed feed;
	uint64_t next = 1;
	int r = store_read_feed(store, &id, &feed);
	if (r == ERROR_NOT_FOUND)
		return 0;
	ok(r);
	while (next)
		ok(store_scan(store, &id, next, false, 1000, STORE_READ_BYTES_MAX, on_scanned, &s, &next));
	assert_int_equal(s.seq, feed.seq);
	if (feed.seq)
		assert_true(hash_equal(&s.prev, &feed.entry_hash));
	return feed.seq;
}

static inline int setup_lmdb(void **state)
{
	struct fixture *f = malloc(sizeof *f);
	assert_non_null(f);
	fixture_init(f, false);
	*state = f;
	return 0;
}

static inline int setup_memory(void **state)
{
	struct fixture *f = malloc(sizeof *f);
	assert_non_null(f);
	fixture_init(f, true);
	*state = f;
	return 0;
}

static inline int teardown_store(void **state)
{
	fixture_deinit(*state);
	free(*state);
	return 0;
}

/** The same test on each back end. */
#define BOTH(test)                                                \
	{"lmdb " #test, test, setup_lmdb, teardown_store, NULL},      \
	{                                                             \
		"memory " #test, test, setup_memory, teardown_store, NULL \
	}
