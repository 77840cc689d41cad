/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/compression.h"
#include "feed/attachment_id.h"
#include "feed/entry.h"
#include "feed/fork_proof.h"
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

/* A run of so many bytes becomes at most so many, or it travels plain. */
#define COMPRESSED_MAX(len) ((len) - (len) / 8)

/* The rest of the run behind its first slice: in several transactions, so that none is long.
 * False: it does not come out as one. */
static bool read_rest(
	struct node_read *read, struct store *store, struct buffer *run, struct store_slice *whole)
{
	while (!whole->head_reached) {
		struct store_slice next;
		int code = store_read_run(
			store, &read->feed_id, whole->next_seq, read->bytes_max, run, &next);
		if (code || next.epoch != whole->epoch || run->len > LIMIT_RUN_BYTES ||
			next.next_seq - whole->first_seq > RUN_ENTRIES_MAX)
			return false;
		/* A newer head may have come meanwhile: it covers what was read before, too. */
		next.first_seq = whole->first_seq;
		next.prev = whole->prev;
		*whole = next;
	}
	return run->len <= LIMIT_RUN_BYTES;
}

/* `first` is the run's first slice. Answers plain_len 0 where it is to travel plain. */
static void compress_run(struct node_read *read, struct store *store, struct bytes first)
{
	struct buffer run, packed;
	struct store_slice whole = read->slice;
	buffer_init(&run, LIMIT_RUN_BYTES + 2 * STORE_READ_BYTES_MAX + ENTRY_BYTES_MAX);
	buffer_init(&packed, LIMIT_RUN_BYTES);
	buffer_push_bytes(&run, first);
	if (!run.error && read_rest(read, store, &run, &whole) &&
		compression_pack(buffer_bytes(&run), COMPRESSED_MAX(run.len), &packed) == 0 &&
		(read->blob = blob_copy(buffer_bytes(&packed)))) {
		read->plain_len = (uint32_t)run.len;
		read->slice = whole;
	}
	buffer_deinit(&packed);
	buffer_deinit(&run);
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
	if (read->code == 0 && read->compress)
		compress_run(read, store, buffer_bytes(&out));
	if (read->code == 0 && !read->blob) {
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

static int pairs_push(struct buffer *pairs, struct hasher *hasher, struct bytes entries)
{
	struct cursor c = cursor_init(entries);
	while (cursor_left(&c)) {
		struct entry_view view;
		int code = entry_parse(&c, &view);
		if (code == 0)
			code = entries_hash(hasher, &view, 1);
		if (code == 0)
			code = buffer_push_bytes(pairs, hash_bytes(&view.header_hash));
		if (code == 0)
			code = buffer_push_bytes(pairs, hash_bytes(&view.body_hash));
		if (code)
			return code;
	}
	return 0;
}

/* The hashes of a run's entries, and its head: what a fork proof consists of. slice is the run's.
 */
static int read_branch(struct node_read *read, struct store *store)
{
	struct hasher hasher;
	struct buffer out, pairs;
	int code = hasher_init(&hasher);
	if (code)
		return code;
	buffer_init(&out, 2 * STORE_READ_BYTES_MAX + ENTRY_BYTES_MAX);
	buffer_init(&pairs, FORK_PROOF_ENTRIES_MAX * FORK_PROOF_PAIR_BYTES);
	struct store_slice part = {.next_seq = read->first_seq};
	while (code == 0 && !part.head_reached) {
		buffer_reset(&out);
		code = store_read_run(
			store, &read->feed_id, part.next_seq, STORE_READ_BYTES_MAX, &out, &part);
		if (code == 0 && part.first_seq == read->first_seq)
			read->slice = part;
		if (code == 0 && !part.has_head)
			code = ERROR_NOT_FOUND; /* it ends at a cut, which nobody has signed as a head */
		if (code == 0)
			code = pairs_push(&pairs, &hasher, buffer_bytes(&out));
	}
	if (code == 0) {
		/* The head of the last part, which another may have replaced since the first. */
		memcpy(read->slice.head, part.head, sizeof read->slice.head);
		read->slice.head_seq = part.head_seq;
		read->blob = blob_copy(buffer_bytes(&pairs));
		code = read->blob ? 0 : ERROR_MEMORY;
	}
	buffer_deinit(&pairs);
	buffer_deinit(&out);
	hasher_deinit(&hasher);
	return code;
}

void node_read_run(struct node_read *read, struct store *store, struct attachment_files *files)
{
	if (read->type == NODE_READ_RUN)
		read_run(read, store);
	else if (read->type == NODE_READ_BRANCH)
		read->code = read_branch(read, store);
	else
		read->code = read_attachment(read, store, files);
	if (read->code) {
		blob_free(read->blob);
		read->blob = NULL;
	}
}
