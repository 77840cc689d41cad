/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heads, holds, beacons and fork proofs, by the first byte. What is decoded and has no elements of
 * a later version is encoded as the same bytes.
 */
#include "base/check.h"
#include "feed/beacon.h"
#include "feed/fork_proof.h"
#include "feed/head.h"
#include "feed/hold.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void head_try(struct bytes input)
{
	uint8_t again[HEAD_BYTES];
	struct head head;

	if (head_decode(input, &head))
		return;
	head_encode(&head, again);
	require(bytes_equal(input, bytes_of(again, sizeof(again))));
}

static void hold_try(struct bytes input)
{
	uint8_t again[HOLD_BYTES];
	struct hold hold;

	if (hold_decode(input, &hold))
		return;
	hold_encode(&hold, again);
	require(bytes_equal(input, bytes_of(again, sizeof(again))));
}

static void beacon_try(struct bytes input)
{
	static struct beacon_held held[BEACON_HELD_MAX];
	struct beacon beacon;
	struct buffer b;

	if (beacon_decode(input, held, BEACON_HELD_MAX, &beacon))
		return;
	buffer_init(&b, SIZE_MAX);
	require(beacon_encode(&b, &beacon) == 0);
	require(b.len <= input.len);
	if (b.len == input.len)
		require(bytes_equal(input, buffer_bytes(&b)));
	buffer_deinit(&b);
}

static void fork_proof_try(struct bytes input)
{
	struct fork_proof proof;
	struct hasher hasher;
	struct buffer b;

	if (fork_proof_decode(input, &proof))
		return;
	buffer_init(&b, SIZE_MAX);
	require(hasher_init(&hasher) == 0);
	require(fork_proof_encode(&b, &proof) == 0);
	require(b.len <= input.len);
	if (b.len == input.len)
		require(bytes_equal(input, buffer_bytes(&b)));
	fork_proof_verify(&hasher, &proof);
	hasher_deinit(&hasher);
	buffer_deinit(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const tries[])(struct bytes) = {head_try, hold_try, beacon_try, fork_proof_try};

	if (size)
		tries[data[0] % 4](bytes_of(data + 1, size - 1));
	return 0;
}
