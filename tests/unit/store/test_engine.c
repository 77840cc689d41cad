/* SPDX-License-Identifier: Apache-2.0 */
/* The two back ends do the same, whatever is asked; packs that are damaged are noticed. */
#include "store/engine.h"
#include "store/pack.h"
#include "tests/unit/store/fixture.h"

static uint64_t random_state;

static uint32_t random_below(uint32_t n)
{
	random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)((random_state >> 33) % n);
}

struct pair {
	struct engine *engines[2];
	struct engine_txn *txns[2];
	char folder[64];
};

static int setup(void **state)
{
	struct pair *p = calloc(1, sizeof *p);
	struct store_options options = {.reserve_bytes = 0};
	assert_non_null(p);
	snprintf(p->folder, sizeof p->folder, "/tmp/hansa-engine-XXXXXX");
	assert_non_null(mkdtemp(p->folder));
	ok(engine_lmdb_open(p->folder, &options, &p->engines[0], NULL));
	ok(engine_memory_open(&options, &p->engines[1]));
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct pair *p = *state;
	for (int i = 0; i < 2; i++)
		p->engines[i]->ops->close(p->engines[i]);
	nftw(p->folder, fixture_unlink, 8, FTW_DEPTH | FTW_PHYS);
	free(p);
	return 0;
}

static struct bytes random_key(uint8_t to[8])
{
	size_t len = 1 + random_below(3);
	for (size_t i = 0; i < len; i++)
		to[i] = (uint8_t)(random_below(12) * 23);
	return bytes_of(to, len);
}

static void step(struct pair *p)
{
	uint8_t bytes[8], value[3000];
	struct bytes key = random_key(bytes), found[2], got[2];
	enum table table = random_below(2) ? TABLE_PACKS : TABLE_HEADS;
	uint32_t what = random_below(10);
	size_t len = random_below(4) ? random_below(40) : random_below(sizeof value);
	enum engine_seek how = random_below(2) ? ENGINE_AT_LEAST : ENGINE_AT_MOST;
	int r[2];
	memset(value, (int)random_below(256), sizeof value);
	for (int i = 0; i < 2; i++) {
		got[i] = found[i] = bytes_of(NULL, 0);
		if (what < 4)
			r[i] = engine_put_bytes(p->txns[i], table, key, bytes_of(value, len));
		else if (what < 6)
			r[i] = engine_drop(p->txns[i], table, key);
		else if (what < 8)
			r[i] = engine_get(p->txns[i], table, key, &got[i]);
		else
			r[i] = engine_seek(p->txns[i], table, key, how, &found[i], &got[i]);
	}
	assert_int_equal(r[0], r[1]);
	assert_true(r[0] == 0 || r[0] == ERROR_NOT_FOUND);
	if (r[0] == 0) {
		assert_true(bytes_equal(got[0], got[1]));
		assert_true(bytes_equal(found[0], found[1]));
	}
}

/* All keys and lengths of values, in order. */
static uint64_t sum_rows(struct engine_txn *t, enum table table)
{
	uint8_t next[16] = {0};
	size_t len = 1;
	uint64_t sum = 0;
	struct bytes key, value;
	while (engine_seek(t, table, bytes_of(next, len), ENGINE_AT_LEAST, &key, &value) == 0) {
		for (size_t i = 0; i < key.len; i++)
			sum = sum * 31 + key.data[i];
		sum = sum * 31 + value.len;
		assert_true(key.len < sizeof next);
		memcpy(next, key.data, key.len);
		next[key.len] = 0; /* the least key behind it */
		len = key.len + 1;
	}
	return sum;
}

static void test_back_ends_agree(void **state)
{
	struct pair *p = *state;
	for (uint64_t seed = 1; seed <= 150; seed++) {
		random_state = seed;
		for (int i = 0; i < 2; i++)
			ok(p->engines[i]->ops->begin(p->engines[i], true, &p->txns[i]));
		for (int i = 0; i < 100; i++)
			step(p);
		bool keep = random_below(3) != 0;
		for (int i = 0; i < 2; i++) {
			if (keep)
				ok(p->engines[i]->ops->commit(p->txns[i], 0));
			else
				p->engines[i]->ops->abort(p->txns[i]);
		}
		uint64_t sums[2];
		for (int i = 0; i < 2; i++) {
			ok(p->engines[i]->ops->begin(p->engines[i], false, &p->txns[i]));
			sums[i] = sum_rows(p->txns[i], TABLE_PACKS) * 31 + sum_rows(p->txns[i], TABLE_HEADS);
			p->engines[i]->ops->abort(p->txns[i]);
		}
		if (sums[0] != sums[1])
			fail_msg("seed %llu", (unsigned long long)seed);
	}
}

/* A reader keeps the version that it began with. */
static void test_readers_keep_their_version(void **state)
{
	struct pair *p = *state;
	struct bytes key = bytes_from_text("k"), value;
	for (int i = 0; i < 2; i++) {
		struct engine *e = p->engines[i];
		struct engine_txn *w, *before, *after;
		ok(e->ops->begin(e, true, &w));
		ok(engine_put_bytes(w, TABLE_META, key, bytes_from_text("old")));
		ok(e->ops->commit(w, 0));
		ok(e->ops->begin(e, false, &before));
		ok(e->ops->begin(e, true, &w));
		ok(engine_put_bytes(w, TABLE_META, key, bytes_from_text("new")));
		ok(e->ops->commit(w, 0));
		ok(e->ops->begin(e, false, &after));
		ok(engine_get(before, TABLE_META, key, &value));
		assert_true(bytes_equal_text(value, "old"));
		ok(engine_get(after, TABLE_META, key, &value));
		assert_true(bytes_equal_text(value, "new"));
		e->ops->abort(before);
		e->ops->abort(after);
	}
}

static void build_pack(uint8_t *to, uint8_t flags)
{
	struct pack_writer w;
	struct hash prev = hash_named('p', 1);
	uint8_t head[PACK_HEAD_SIZE];
	pack_writer_begin(&w, to, 1 + 2 + 3 + 4 + 5, 5, 2, flags, 7, &prev);
	for (uint32_t i = 0; i < 5; i++) {
		struct hash h = hash_named('e', i);
		if (i == 0 || i == 3)
			pack_writer_segment(&w, 100 + i);
		pack_writer_entry(&w, bytes_of("abcdef", i + 1), &h);
		memset(head, (int)i, sizeof head);
		if (flags & PACK_HEADS)
			pack_writer_head(&w, head);
	}
	pack_writer_end(&w);
}

static void test_pack_round_trip(void **state)
{
	(void)state;
	for (uint8_t flags = 0; flags <= 3; flags++) {
		uint8_t bytes[2000];
		size_t len = pack_size(15, 5, 2, flags);
		struct pack p;
		struct hash hash, expected = hash_named('p', 1);
		assert_true(len < sizeof bytes);
		build_pack(bytes, flags);
		ok(pack_parse(bytes_of(bytes, len), 41, &p));
		assert_int_equal(pack_last_seq(&p), 45);
		assert_int_equal(p.epoch, 7);
		assert_int_equal(p.flags, flags);
		for (uint32_t i = 0; i < 5; i++) {
			assert_true(bytes_equal(pack_wire(&p, i), bytes_of("abcdef", i + 1)));
			pack_prev(&p, i, &hash);
			assert_true(hash_equal(&hash, &expected));
			pack_hash(&p, i, &hash);
			expected = hash_named('e', i);
			assert_true(hash_equal(&hash, &expected));
			assert_int_equal(pack_arrival(&p, i), i < 3 ? 100 : 103);
			assert_true((pack_head(&p, i) != NULL) == ((flags & PACK_HEADS) != 0));
			if (flags & PACK_HEADS)
				assert_int_equal(pack_head(&p, i)[180], i);
		}
		assert_int_equal(pack_wires(&p, 1, 3).len, 9);
	}
}

static void test_damaged_pack_is_noticed(void **state)
{
	(void)state;
	uint8_t good[2000], bad[2000];
	struct pack p;
	size_t len = pack_size(15, 5, 2, 0);
	build_pack(good, 0);
	for (size_t short_len = 0; short_len < len; short_len++)
		assert_int_equal(pack_parse(bytes_of(good, short_len), 1, &p), ERROR_CORRUPT);
	for (size_t at = 0; at < len * 8; at++) {
		memcpy(bad, good, len);
		bad[at / 8] ^= (uint8_t)(1 << at % 8);
		if (pack_parse(bytes_of(bad, len), 1, &p))
			continue;
		for (uint32_t i = 0; i < p.count; i++) { /* nothing outside is read */
			(void)pack_wire(&p, i);
			(void)pack_arrival(&p, i);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_back_ends_agree, setup, teardown),
		cmocka_unit_test_setup_teardown(test_readers_keep_their_version, setup, teardown),
		cmocka_unit_test(test_pack_round_trip),
		cmocka_unit_test(test_damaged_pack_is_noticed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
