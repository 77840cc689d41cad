/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/commit.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/error.h"

struct commit *commit_new(enum commit_class class)
{
	struct commit *commit = calloc(1, sizeof *commit);
	if (commit)
		commit->class = class;
	return commit;
}

struct commit_op *commit_add(struct commit *commit, enum commit_op_type type)
{
	if (commit->count == commit->capacity) {
		uint32_t capacity = commit->capacity ? commit->capacity * 2 : 1;
		struct commit_op *ops = realloc(commit->ops, capacity * sizeof *ops);
		if (!ops)
			return NULL;
		commit->ops = ops;
		commit->capacity = capacity;
	}
	struct commit_op *op = &commit->ops[commit->count++];
	memset(op, 0, sizeof *op);
	op->type = type;
	return op;
}

static int apply_run(struct commit_op *op, struct store_txn *txn)
{
	const struct run_entry *last = &op->index[op->count - 1]; /* of a fill the blob may have more */
	struct store_run run = {
		.network_id = op->network_id,
		.city_id = op->city_id,
		.feed_id = op->feed_id,
		.lane = op->lane,
		.epoch = op->epoch,
		.first_seq = op->seq,
		.count = op->count,
		.prev = op->prev,
		.entries = bytes_of(op->blob->data, last->offset + last->length),
		.index = op->index,
		.checkpoint = op->checkpoint,
		.by_cut = op->by_cut,
		.since_checkpoint_entries = op->since_checkpoint_entries,
		.since_checkpoint_bytes = op->since_checkpoint_bytes,
		.source_city = op->source_city,
		.arrived = op->arrived,
	};
	memcpy(run.head, op->head, sizeof run.head);
	return op->type == COMMIT_FILL ? store_put_fill(txn, &run, &op->arrival)
								   : store_put_run(txn, &run, &op->arrival);
}

static int apply_object(struct commit_op *op, struct store_txn *txn)
{
	struct store_object object = {
		.network_id = op->network_id,
		.object_hash = op->hash,
		.type = op->object_type,
		.object = blob_bytes(op->blob),
		.city_id = op->city_id,
		.epoch = op->epoch,
		.number = op->seq,
		.source_city = op->source_city,
		.arrived = op->arrived,
	};
	return store_put_object(txn, &object, &op->arrival);
}

static int apply_gap(struct commit_op *op, struct store_txn *txn)
{
	struct store_gap gap = {
		.network_id = op->network_id,
		.city_id = op->city_id,
		.feed_id = op->feed_id,
		.lane = op->lane,
		.epoch = op->epoch,
		.seq = op->seq,
		.entry_hash = op->hash,
		.prev = op->prev,
		.wire = blob_bytes(op->blob),
		.source_city = op->source_city,
		.arrived = op->arrived,
	};
	memcpy(gap.head, op->head, sizeof gap.head);
	return store_put_gap(txn, &gap, &op->arrival);
}

static int apply_op(struct commit_op *op, struct store_txn *txn)
{
	struct bytes blob = op->blob ? blob_bytes(op->blob) : bytes_of(NULL, 0);
	switch (op->type) {
	case COMMIT_RUN:
	case COMMIT_FILL:
		return apply_run(op, txn);
	case COMMIT_OBJECT:
		return apply_object(op, txn);
	case COMMIT_OBJECT_DROP:
		return store_drop_object(txn, &op->hash);
	case COMMIT_NETWORK: {
		struct store_network network = {
			.network_id = op->network_id, .slug = op->text, .joined = op->arrived};
		return store_put_network(txn, &network);
	}
	case COMMIT_CURSOR:
		return store_put_cursor(txn, &op->network_id, &op->city_id, &op->cursor);
	case COMMIT_GAP:
		return apply_gap(op, txn);
	case COMMIT_GAP_DROP:
		return store_drop_gap(txn, &op->feed_id, op->seq, &op->hash);
	case COMMIT_CUT:
		if (op->goes_on)
			return store_cut_back(txn, &op->feed_id, op->seq, &op->hash,
				(struct store_cut_counts){
					op->since_checkpoint_entries, op->since_checkpoint_bytes},
				op->arrived, &op->arrival);
		return store_cut(txn, &op->feed_id, op->seq, &op->hash, op->arrived, NULL, &op->arrival);
	case COMMIT_TELL:
		return store_tell_again(txn, &op->feed_id, op->seq, op->arrived, &op->arrival);
	case COMMIT_SETTING:
		return store_put_setting(txn, op->text, blob);
	case COMMIT_ATTACHMENT_WANT: {
		struct store_want want = {.attachment_id = op->hash,
			.size = op->size,
			.network_id = op->network_id,
			.feed_id = op->feed_id,
			.seq = op->seq,
			.flags = op->object_type};
		return store_put_want(txn, &want);
	}
	case COMMIT_ATTACHMENT_BEGIN:
		return store_attachment_begin(txn, &op->hash, op->size, blob);
	case COMMIT_ATTACHMENT_PROGRESS:
		return store_attachment_progress(txn, &op->hash, op->seq);
	case COMMIT_BEACON: {
		struct store_beacon beacon = {.network_id = op->network_id,
			.city_id = op->city_id,
			.source_city = op->source_city,
			.came = op->arrived,
			.frame = blob};
		return store_put_beacon(txn, &beacon);
	}
	case COMMIT_ATTACHMENT_COMPLETE:
		return store_attachment_complete(
			txn, &op->hash, &op->network_id, op->arrived, &op->arrival);
	}
	return ERROR_USAGE;
}

/* What is there already is no failure: after a crash the same may be asked twice. */
static bool harmless(const struct commit_op *op, int code)
{
	switch (op->type) {
	case COMMIT_FILL: /* a cut came first: it has no arrival then */
		return code == ERROR_STATE;
	case COMMIT_OBJECT_DROP:
	case COMMIT_GAP_DROP:
		return code == ERROR_NOT_FOUND;
	case COMMIT_OBJECT:
	case COMMIT_GAP:
	case COMMIT_ATTACHMENT_WANT:
	case COMMIT_ATTACHMENT_BEGIN:
	case COMMIT_ATTACHMENT_COMPLETE:
		return code == ERROR_EXISTS;
	default:
		return false;
	}
}

int commit_apply(struct commit *commit, struct store_txn *txn)
{
	for (uint32_t i = 0; i < commit->count; i++) {
		int code = apply_op(&commit->ops[i], txn);
		if (code && !harmless(&commit->ops[i], code))
			return code;
	}
	return 0;
}

void commit_free(struct commit *commit)
{
	if (!commit)
		return;
	for (uint32_t i = 0; i < commit->count; i++) {
		blob_free(commit->ops[i].blob);
		free(commit->ops[i].index);
	}
	free(commit->ops);
	free(commit);
}
