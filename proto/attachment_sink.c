/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/attachment_sink.h"

#include <stdlib.h>

#include "base/list.h"

/* Idle parts are closed after so many others were opened: a few transfers run at once. */
#define SINK_OPEN_MAX 16u

struct part {
	struct list_node node;
	struct hash id;
	struct attachment_file *file;
};

struct attachment_sink {
	struct store *store;
	struct attachment_files *files;
	struct list parts;
	uint32_t count;
};

int attachment_sink_new(
	struct store *store, struct attachment_files *files, struct attachment_sink **out)
{
	struct attachment_sink *sink = calloc(1, sizeof *sink);
	if (!sink)
		return ERROR_MEMORY;
	sink->store = store;
	sink->files = files;
	list_init(&sink->parts);
	*out = sink;
	return 0;
}

static void part_close(struct attachment_sink *sink, struct part *part)
{
	list_remove(&part->node);
	sink->count--;
	attachment_file_close(part->file);
	free(part);
}

void attachment_sink_free(struct attachment_sink *sink)
{
	if (!sink)
		return;
	struct list_node *n;
	while ((n = list_first(&sink->parts)))
		part_close(sink, list_entry(n, struct part, node));
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

/* A transfer that was begun again elsewhere restarts at its durable chunks: the part is then opened
 * anew. */
static int part_open(
	struct attachment_sink *sink, const struct node_write *write, struct part **out)
{
	struct part *part = part_find(sink, &write->attachment_id);
	if (part && attachment_file_end(part->file) == write->offset) {
		*out = part;
		return 0;
	}
	if (part)
		part_close(sink, part);
	if (sink->count >= SINK_OPEN_MAX)
		part_close(sink, list_entry(list_first(&sink->parts), struct part, node));
	part = calloc(1, sizeof *part);
	if (!part)
		return ERROR_MEMORY;
	int code = attachment_file_resume(sink->files, &write->attachment_id, write->size,
		write->offset / ATTACHMENT_CHUNK_BYTES, &part->file);
	if (code) {
		free(part);
		return code;
	}
	part->id = write->attachment_id;
	list_push_back(&sink->parts, &part->node);
	sink->count++;
	*out = part;
	return 0;
}

void attachment_sink_write(struct attachment_sink *sink, struct node_write *write)
{
	struct part *part;
	int code = part_open(sink, write, &part);
	if (code == ERROR_EXISTS) {
		write->code = 0; /* finished before a crash: only the store's row is missing */
		return;
	}
	if (code == 0 && write->blob)
		code = attachment_file_write(part->file, write->offset, blob_bytes(write->blob));
	if (code == 0 && write->finish)
		code = attachment_file_finish(part->file);
	else if (code == 0 && write->sync)
		code = attachment_file_sync(part->file, NULL);
	write->code = code;
	if (part_find(sink, &write->attachment_id) && (code || write->finish))
		part_close(sink, part_find(sink, &write->attachment_id));
}
