/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "feed/attachment_id.h"
#include "feed/entry.h"
#include "proto/node.h"
#include "record/header.h"
#include "store/attachment_file.h"

/* What reader threads do for a node: stored bytes copied out, a run's slice or a part of an
 * attachment's stream. */

static int entry_time(void *ctx, const struct store_entry *stored)
{
	struct cursor c = cursor_init(stored->wire);
	struct entry_view view;
	struct header header;
	if (entry_parse(&c, &view) || header_decode(view.header, &header))
		return ERROR_CORRUPT;
	*(uint64_t *)ctx = header.time_ms;
	return 0;
}

/* The times in a feed ascend, give or take a clock that was set: a place where an older entry is
 * followed by one that is not. ERROR_NOT_FOUND: the feed's last one is older. */
static int first_since(
	struct store *store, const struct hash *feed_id, uint64_t since_ms, uint64_t *first_seq)
{
	struct store_feed feed;
	uint64_t time_ms;
	int code = store_read_feed(store, feed_id, &feed);
	uint64_t low = *first_seq > feed.first_seq ? *first_seq : feed.first_seq, high = feed.seq;
	if (code || low > high)
		return code ? code : ERROR_NOT_FOUND;
	code = store_read_entry(store, feed_id, high, entry_time, &time_ms);
	if (code || time_ms < since_ms)
		return code ? code : ERROR_NOT_FOUND;
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		code = store_read_entry(store, feed_id, middle, entry_time, &time_ms);
		if (code)
			return code;
		if (time_ms < since_ms)
			low = middle + 1;
		else
			high = middle;
	}
	*first_seq = low;
	return 0;
}

static void read_run(struct node_read *read, struct store *store)
{
	struct buffer out;
	buffer_init(&out, 2 * STORE_READ_BYTES_MAX + ENTRY_BYTES_MAX);
	if (read->since_ms)
		read->code = first_since(store, &read->feed_id, read->since_ms, &read->first_seq);
	if (read->code == 0)
		read->code = store_read_run(
			store, &read->feed_id, read->first_seq, read->bytes_max, &out, &read->slice);
	if (read->code == 0) {
		read->blob = blob_copy(buffer_bytes(&out));
		if (!read->blob)
			read->code = ERROR_MEMORY;
	}
	buffer_deinit(&out);
}

struct named {
	const struct hash *id;
	uint64_t size;
	uint64_t since_ms;
	bool found, original;
};

static int entry_names(void *ctx, const struct store_entry *stored)
{
	struct named *named = ctx;
	struct cursor c = cursor_init(stored->wire);
	struct entry_view view;
	struct header header;
	if (entry_parse(&c, &view) || header_decode(view.header, &header))
		return ERROR_CORRUPT;
	if (header.time_ms < named->since_ms)
		return ERROR_PERMISSION;
	for (size_t i = 0; i < header.attachment_count; i++)
		if (hash_equal(&header.attachments[i].id, named->id)) {
			named->found = true;
			named->size = header.attachments[i].size;
			named->original = header.attachments[i].flags & HEADER_ATTACHMENT_CAP_ORIGINAL;
		}
	return 0;
}

/* The stream: the chunk hashes if asked for, then the bytes from the first chunk on. One call gives
 * the next part of it. */
static int read_stream(struct node_read *read, struct store *store, struct attachment_files *files)
{
	uint64_t chunks = attachment_chunk_count(read->size);
	uint64_t list = read->with_list ? chunks * HASH_SIZE : 0, offset = read->offset;
	uint64_t begin = (uint64_t)read->first_chunk * ATTACHMENT_CHUNK_BYTES;
	if (begin > read->size)
		return ERROR_RANGE;
	if (offset < list) {
		struct buffer hashes;
		buffer_init(&hashes, read->bytes_max);
		int code = store_attachment_hashes(
			store, &read->attachment_id, offset / HASH_SIZE, read->bytes_max / HASH_SIZE, &hashes);
		if (code == 0)
			read->blob = blob_copy(buffer_bytes(&hashes));
		buffer_deinit(&hashes);
		read->end = read->blob && offset + read->blob->len == list && begin == read->size;
		return code ? code : read->blob ? 0 : ERROR_MEMORY;
	}
	uint64_t at = begin + (offset - list);
	uint64_t len = read->size - at < read->bytes_max ? read->size - at : read->bytes_max;
	int fd, code = attachment_files_open_read(files, &read->attachment_id, &fd);
	if (code)
		return code;
	read->blob = blob_new((size_t)len);
	code = read->blob ? attachment_file_read(fd, at, read->blob->data, (size_t)len) : ERROR_MEMORY;
	close(fd);
	if (code == 0)
		read->blob->len = (size_t)len;
	read->end = at + len == read->size;
	return code;
}

static int read_attachment(
	struct node_read *read, struct store *store, struct attachment_files *files)
{
	struct store_attachment info;
	int code = store_attachment_info(store, &read->attachment_id, &info);
	if (code || !info.complete)
		return ERROR_NOT_FOUND;
	read->size = info.size;
	if (read->offset == 0) {
		/* Served only to who may have the entry, and only if that entry names it. */
		struct named named = {.id = &read->attachment_id, .since_ms = read->since_ms};
		code = store_read_entry(store, &read->feed_id, read->entry_seq, entry_names, &named);
		if (code || !named.found || named.size != info.size)
			return code ? code : ERROR_PERMISSION;
		read->original = named.original && info.size <= LIMIT_ORIGINAL_BYTES;
	}
	return read_stream(read, store, files);
}

void node_read_run(struct node_read *read, struct store *store, struct attachment_files *files)
{
	if (read->type == NODE_READ_RUN)
		read_run(read, store);
	else
		read->code = read_attachment(read, store, files);
	if (read->code) {
		blob_free(read->blob);
		read->blob = NULL;
	}
}
