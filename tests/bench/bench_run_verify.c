/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What verifying a catch-up costs a receiver: runs of 512 records of 1 KiB, one core. Prints
 * `name value goal ratio` lines; the second and third say where the time goes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "base/wire_writer.h"
#include "feed/builder.h"
#include "feed/entry.h"
#include "feed/run.h"
#include "record/header.h"

#define BODY_BYTES 1024
#define GOAL_NS 1200.0
#define ROUNDS 9

static double now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median(double *values)
{
	qsort(values, ROUNDS, sizeof(*values), by_value);
	return values[ROUNDS / 2];
}

static void header_make(struct buffer *to)
{
	static struct header header = {
		.kind = 3,
		.time_ms = 1767225600000,
		.body_size = BODY_BYTES,
		.topic_count = 2,
		.attachment_count = 1,
		.attachments = {{.size = 123456}},
	};
	header.topics[0] = bytes_from_text("housing");
	header.topics[1] = bytes_from_text("climate");
	require(header_encode(&header, to) == 0);
}

/* One run up to its first checkpoint. */
static void run_build(
	struct feed_builder *b, struct hasher *hasher, const struct secret_key *key, struct head *head)
{
	static uint8_t salt[ENTRY_SALT_BYTES], body[BODY_BYTES];
	struct buffer header;
	struct hash hash;
	uint64_t seq;
	bool must_close = false;

	buffer_init(&header, HEADER_SIZE_MAX);
	header_make(&header);
	for (unsigned i = 0; !must_close; i++) {
		salt[0] = body[0] = (uint8_t)i;
		require(feed_builder_add(b, hasher, salt, buffer_bytes(&header),
					bytes_of(body, sizeof(body)), &seq, &hash, &must_close) == 0);
	}
	require(feed_builder_close(b, 1, secret_key_public(key), key, timestamp_from_ms(1), head) == 0);
	buffer_deinit(&header);
}

/* Nanoseconds a record for reading alone, without a hash. */
static double parse_measure(const struct feed_builder *b)
{
	double ns[ROUNDS];

	for (int round = 0; round < ROUNDS; round++) {
		double start = now_ns();
		for (int i = 0; i < 100; i++) {
			struct cursor c = cursor_init(buffer_bytes(&b->entries));
			struct entry_view entry;
			while (cursor_left(&c))
				require(entry_parse(&c, &entry) == 0);
		}
		ns[round] = (now_ns() - start) / (100.0 * b->index.count);
	}
	return median(ns);
}

static double verify_measure(struct hasher *hasher, const struct run_rules *rules,
	const struct feed_tip *tip, const struct head *head, const struct feed_builder *b)
{
	struct run_index index = {0};
	struct feed_tip after;
	double start = now_ns();

	for (int i = 0; i < 40; i++)
		require(run_verify(
					hasher, rules, tip, 1, head, buffer_bytes(&b->entries), &index, &after) == 0);
	double ns = (now_ns() - start) / (40.0 * index.count);
	run_index_deinit(&index);
	return ns;
}

int main(void)
{
	static const uint8_t seed[SECRET_SEED_SIZE] = {1};
	static const struct hash feed_id = {{1}};
	double alone_ns[ROUNDS], run_ns[ROUNDS], signature_ns[ROUNDS];
	struct feed_builder b;
	struct feed_tip tip;
	struct secret_key *key;
	struct hasher hasher, alone;
	struct head head;

	require(hasher_init(&hasher) == 0 && hasher_init(&alone) == 0 &&
		secret_key_from_seed(seed, &key) == 0);
	feed_tip_init(&tip, &feed_id);
	feed_builder_init(&b, &tip, false);
	run_build(&b, &hasher, key, &head);
	const struct run_rules rules = {.epoch = 1, .node_key = *secret_key_public(key)};
	hasher_widen(&hasher);
	for (int round = 0; round < ROUNDS; round++) {
		alone_ns[round] = verify_measure(&alone, &rules, &tip, &head, &b);
		run_ns[round] = verify_measure(&hasher, &rules, &tip, &head, &b);
		double start = now_ns();
		for (int i = 0; i < 40; i++)
			require(head_verify(&head) == 0);
		signature_ns[round] = (now_ns() - start) / 40;
	}
	double verify = median(run_ns), signature = median(signature_ns);
	printf("run_verify_ns_per_record %.0f %.0f %.2f\n", verify, GOAL_NS, GOAL_NS / verify);
	printf("run_verify_one_by_one_ns_per_record %.0f - -\n", median(alone_ns));
	printf("run_verify_parse_ns_per_record %.0f - -\n", parse_measure(&b));
	printf("run_verify_signature_ns_per_record %.0f - -\n", signature / b.index.count);
	feed_builder_deinit(&b);
	secret_key_free(key);
	hasher_deinit(&hasher);
	hasher_deinit(&alone);
	return 0;
}
