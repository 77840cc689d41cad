/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/proto/upload.h"

#include <string.h>

#include "base/check.h"
#include "feed/attachment_id.h"
#include "store/attachment_file.h"

struct header_attachment upload_name(struct bytes content, uint8_t flags, struct buffer *hashes)
{
	struct header_attachment a = {.size = content.len, .flags = flags};
	struct attachment_id_builder builder;
	require(attachment_id_builder_init(&builder) == 0);
	require(attachment_id_builder_add(&builder, content) == 0);
	require(attachment_id_builder_end(&builder, &a.id) == 0);
	buffer_init(hashes, SIZE_MAX);
	buffer_push_bytes(hashes, buffer_bytes(&builder.chunk_hashes));
	attachment_id_builder_deinit(&builder);
	return a;
}

struct header_attachment upload_make(struct city *city, struct bytes content, uint8_t flags)
{
	struct attachment_file *file;
	struct store_txn *txn;
	struct buffer hashes;
	struct header_attachment a = upload_name(content, flags, &hashes);
	require(attachment_file_upload(city->files, &file) == 0);
	require(attachment_file_write(file, 0, content) == 0);
	require(attachment_file_name(file, &a.id, a.size) == 0);
	require(attachment_file_finish(file) == 0);
	attachment_file_close(file);
	require(store_begin(city->store, &txn) == 0);
	require(store_attachment_begin(txn, &a.id, a.size, buffer_bytes(&hashes)) == 0);
	require(store_attachment_progress(txn, &a.id, attachment_chunk_count(a.size)) == 0);
	require(store_attachment_complete(
				txn, &a.id, &city->cluster->network_id, city->cluster->now.wall, NULL) == 0);
	require(store_commit(txn) == 0);
	buffer_deinit(&hashes);
	return a;
}

static void on_published(void *ctx, const struct node_published *result)
{
	*(struct node_published *)ctx = *result;
}

void upload_publish(struct city *city, uint8_t lane, const struct header_attachment *attachments,
	size_t count, struct node_published *out)
{
	struct cluster *c = city->cluster;
	struct header header = {.kind = lane,
		.time_ms = (uint64_t)c->now.wall.ms,
		.body_size = 4,
		.attachment_count = count};
	struct buffer bytes;
	memcpy(header.attachments, attachments, count * sizeof *attachments);
	buffer_init(&bytes, HEADER_SIZE_MAX);
	require(header_encode(&header, &bytes) == 0);
	*out = (struct node_published){.code = 1};
	require(node_publish(city->node, &c->network_id, lane, buffer_bytes(&bytes),
				bytes_from_text("text"), on_published, out, c->now) == 0);
	buffer_deinit(&bytes);
	cluster_pass(c, 10);
	require(out->code == 0);
}

bool upload_held(const struct city *city, const struct hash *attachment_id)
{
	struct store_attachment info;
	return store_attachment_info(city->store, attachment_id, &info) == 0 && info.complete;
}
