/* SPDX-License-Identifier: Apache-2.0 */
#include "feed/fork_proof.h"

#include <assert.h>

#include "base/cursor.h"
#include "base/error.h"
#include "base/wire_reader.h"
#include "base/wire_writer.h"
#include "feed/entry.h"
#include "feed/feed.h"

#define FIELDS 8
#define BRANCH_FIELDS 2
/** A later version may add so many elements to an array, docs/protocol.md section 1. */
#define MORE_MAX 8

static_assert(
	2 * (FORK_PROOF_ENTRIES_MAX * FORK_PROOF_PAIR_BYTES + HEAD_BYTES) + 256 < FORK_PROOF_BYTES_MAX,
	"the largest proof fits its object");
static_assert(FORK_PROOF_ENTRIES_MAX == RUN_ENTRIES_MAX, "each branch is at most a run");

static int shape_check(const struct fork_proof *proof)
{
	const struct fork_branch *branches[] = {&proof->a, &proof->b};

	if (proof->lane < 1 || proof->lane > FEED_LANE_MAX ||
		proof->seq > UINT64_MAX - FORK_PROOF_ENTRIES_MAX ||
		(proof->seq == 0 && !hash_is_zero(&proof->entry_hash)))
		return ERROR_RANGE;
	for (size_t i = 0; i < 2; i++) {
		size_t len = branches[i]->hashes.len;
		if (len == 0 || len % FORK_PROOF_PAIR_BYTES ||
			len > FORK_PROOF_ENTRIES_MAX * FORK_PROOF_PAIR_BYTES)
			return ERROR_SIZE;
	}
	return 0;
}

static void branch_write(struct buffer *b, const struct fork_branch *branch)
{
	uint8_t head[HEAD_BYTES];

	head_encode(&branch->head, head);
	wire_writer_array(b, BRANCH_FIELDS);
	wire_writer_bin(b, branch->hashes);
	wire_writer_bin(b, bytes_of(head, sizeof(head)));
}

int fork_proof_encode(struct buffer *b, const struct fork_proof *proof)
{
	int error = shape_check(proof);

	if (error)
		return error;
	wire_writer_array(b, FIELDS);
	wire_writer_uint(b, FORK_PROOF_VERSION);
	wire_writer_bin(b, hash_bytes(&proof->network_id));
	wire_writer_bin(b, hash_bytes(&proof->city_id));
	wire_writer_uint(b, proof->lane);
	wire_writer_uint(b, proof->seq);
	wire_writer_bin(b, hash_bytes(&proof->entry_hash));
	branch_write(b, &proof->a);
	branch_write(b, &proof->b);
	return b->error;
}

static void more_skip(struct wire_reader *r, size_t count, size_t known)
{
	for (; count > known; count--)
		wire_reader_skip(r);
}

static void branch_read(struct wire_reader *r, struct fork_branch *out)
{
	size_t count = wire_reader_array(r, BRANCH_FIELDS, BRANCH_FIELDS + MORE_MAX);

	out->hashes = wire_reader_bin(r, 0, FORK_PROOF_ENTRIES_MAX * FORK_PROOF_PAIR_BYTES);
	struct bytes head = wire_reader_bin(r, HEAD_BYTES, HEAD_BYTES);
	more_skip(r, count, BRANCH_FIELDS);
	if (r->error)
		return;
	int error = head_decode(head, &out->head);
	if (error)
		wire_reader_fail(r, error);
}

int fork_proof_decode(struct bytes body, struct fork_proof *out)
{
	struct wire_reader r;

	if (body.len > FORK_PROOF_BYTES_MAX)
		return ERROR_SIZE;
	wire_reader_init(&r, body);
	size_t count = wire_reader_array(&r, FIELDS, FIELDS + MORE_MAX);
	if (wire_reader_uint(&r, UINT64_MAX) != FORK_PROOF_VERSION)
		wire_reader_fail(&r, ERROR_VERSION);
	wire_reader_bin_exact(&r, out->network_id.bytes, HASH_SIZE);
	wire_reader_bin_exact(&r, out->city_id.bytes, HASH_SIZE);
	out->lane = (uint8_t)wire_reader_uint(&r, FEED_LANE_MAX);
	out->seq = wire_reader_uint(&r, UINT64_MAX);
	wire_reader_bin_exact(&r, out->entry_hash.bytes, HASH_SIZE);
	branch_read(&r, &out->a);
	branch_read(&r, &out->b);
	more_skip(&r, count, FIELDS);
	int error = wire_reader_end(&r);
	return error ? error : shape_check(out);
}

/* Walks a branch from the common entry to its head; `first` is the hash of its first entry. */
static int branch_verify(struct hasher *hasher, const struct fork_proof *proof,
	const struct fork_branch *branch, struct hash *first)
{
	struct cursor c = cursor_init(branch->hashes);
	struct hash at = proof->entry_hash, header_hash, body_hash;
	uint64_t seq = proof->seq;

	while (cursor_left(&c)) {
		cursor_copy(&c, header_hash.bytes, HASH_SIZE);
		cursor_copy(&c, body_hash.bytes, HASH_SIZE);
		seq++;
		int error = entry_hash_from(
			hasher, &branch->head.feed_id, seq, &at, &header_hash, &body_hash, &at);
		if (error)
			return error;
		if (seq == proof->seq + 1)
			*first = at;
	}
	if (branch->head.seq != seq)
		return ERROR_HEAD;
	return hash_equal(&at, &branch->head.entry_hash) ? 0 : ERROR_CHAIN;
}

int fork_proof_verify(struct hasher *hasher, const struct fork_proof *proof)
{
	const struct head *a = &proof->a.head, *b = &proof->b.head;
	struct hash feed_id, first_a, first_b;
	int error = shape_check(proof);

	if (!error)
		error = feed_id_of(&proof->network_id, &proof->city_id, proof->lane, &feed_id);
	if (error)
		return error;
	if (!hash_equal(&a->feed_id, &feed_id) || !hash_equal(&b->feed_id, &feed_id) ||
		a->epoch != b->epoch || !public_key_equal(&a->node_key, &b->node_key))
		return ERROR_HEAD;
	error = branch_verify(hasher, proof, &proof->a, &first_a);
	if (!error)
		error = branch_verify(hasher, proof, &proof->b, &first_b);
	if (!error && hash_equal(&first_a, &first_b))
		error = ERROR_FORK;
	if (!error)
		error = head_verify(a);
	return error ? error : head_verify(b);
}
