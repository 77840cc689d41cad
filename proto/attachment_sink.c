/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/attachment_sink.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/list.h"
#include "crypto/hash_many.h"

/* Idle parts are closed after so many others were opened: a few transfers run at once. */
#define SINK_OPEN_MAX 64u

struct part {
	struct list_node node;
	struct hash id;
	uint64_t attempt;
	bool failed; /* of this attempt nothing more is written */
	struct attachment_file *file;
	atomic_uint refs; /* the list's, and one of each sync that is due */
};

struct attachment_sink {
	struct store *store;
	struct attachment_files *files;
	struct hasher hasher;
	struct list parts;
	uint32_t count;
};

int attachment_sink_new(
	struct store *store, struct attachment_files *files, struct attachment_sink **out)
{
	struct attachment_sink *sink = calloc(1, sizeof *sink);
	int code = sink ? hasher_init(&sink->hasher) : ERROR_MEMORY;
	if (code) {
		free(sink);
		return code;
	}
	hasher_widen(&sink->hasher);
	sink->store = store;
	sink->files = files;
	list_init(&sink->parts);
	*out = sink;
	return 0;
}

static void part_unref(struct part *part)
{
	if (atomic_fetch_sub(&part->refs, 1) != 1)
		return;
	attachment_file_close(part->file);
	free(part);
}

static void part_drop(struct attachment_sink *sink, struct part *part)
{
	list_remove(&part->node);
	sink->count--;
	part_unref(part);
}

void attachment_sink_free(struct attachment_sink *sink)
{
	if (!sink)
		return;
	struct list_node *n;
	while ((n = list_first(&sink->parts)))
		part_drop(sink, list_entry(n, struct part, node));
	hasher_deinit(&sink->hasher);
	free(sink);
}

static struct part *part_find(struct attachment_sink *sink, const struct hash *id)
{
	list_for_each(&sink->parts, n)
	{
		struct part *part = list_entry(n, struct part, node);
		if (hash_equal(&part->id, id))
			return part;
	}
	return NULL;
}

/* A transfer that was begun again restarts at its durable chunks: the part is then opened anew. */
static int part_open(
	struct attachment_sink *sink, const struct node_write *write, struct part **out)
{
	struct part *part = part_find(sink, &write->attachment_id);
	if (part && part->attempt == write->attempt) {
		*out = part;
		return part->failed ? ERROR_CANCELLED : 0;
	}
	if (part)
		part_drop(sink, part);
	if (sink->count >= SINK_OPEN_MAX)
		part_drop(sink, list_entry(list_first(&sink->parts), struct part, node));
	part = calloc(1, sizeof *part);
	if (!part)
		return ERROR_MEMORY;
	part->id = write->attachment_id;
	part->attempt = write->attempt;
	atomic_init(&part->refs, 1);
	list_push_back(&sink->parts, &part->node);
	sink->count++;
	*out = part;
	return attachment_file_resume(sink->files, &write->attachment_id, write->size,
		write->offset / ATTACHMENT_CHUNK_BYTES, &part->file);
}

static void write_one(
	struct attachment_sink *sink, struct node_write *write, const struct hash *hash)
{
	struct part *part = NULL;
	int code = part_open(sink, write, &part);
	bool open = code == 0 || code == ERROR_EXISTS;
	if (open && write->blob && !hash_equal(hash, &write->chunk_hash))
		code = ERROR_CHAIN;
	if (code == 0 && write->blob)
		code = attachment_file_write(part->file, write->offset, blob_bytes(write->blob));
	write->code = code;
	if (code == ERROR_EXISTS) {
		write->code = 0; /* finished before a crash: only the store's row is missing */
		part_drop(sink, part);
		return;
	}
	if (code && part)
		part->failed = true;
	if (code == 0 && write->sync) {
		atomic_fetch_add(&part->refs, 1);
		write->part = part;
	}
	if (code == 0 && write->finish)
		part_drop(sink, part);
}

void attachment_sink_write(
	struct attachment_sink *sink, struct node_write *const *writes, size_t count)
{
	struct hash hashes[ATTACHMENT_SINK_WRITES_MAX] = {0};
	struct hash_message messages[ATTACHMENT_SINK_WRITES_MAX] = {0};
	require(count <= ATTACHMENT_SINK_WRITES_MAX);
	for (size_t i = 0; i < count; i++)
		messages[i] = (struct hash_message){
			{writes[i]->blob ? blob_bytes(writes[i]->blob) : bytes_of(NULL, 0)}, &hashes[i]};
	int code = hash_many(&sink->hasher, messages, count);
	for (size_t i = 0; i < count; i++) {
		writes[i]->part = NULL;
		if (code)
			writes[i]->code = code;
		else
			write_one(sink, writes[i], &hashes[i]);
	}
}

bool attachment_sink_sync_due(const struct node_write *write)
{
	return write->part != NULL;
}

void attachment_sink_sync(struct node_write *write)
{
	struct part *part = write->part;
	write->part = NULL;
	write->code = write->finish ? attachment_file_finish(part->file)
								: attachment_file_flush(part->file);
	part_unref(part);
}
