/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "feed/attachment_id.h"
#include "feed/entry.h"
#include "proto/import_private.h"
#include "record/header.h"
#include "store/attachment_file.h"

/*
 * Attachments fetched. What a committed entry names is wanted (durably, in the entry's own commit);
 * one link at a time gives the chunk hashes, which must add up to the id, then chunk by chunk, each
 * verified before it is written, by the thread that writes it. Another link goes on where one left
 * off.
 */

#define ATTACHMENT_RETRY_MS 500
#define ATTACHMENT_RETRY_MAX_MS 30000
#define ATTACHMENTS_A_LINK 2u
/* Nothing comes over the link at all; or, of this one, nothing for so long, doubled at each
 * failure: attachments go behind all else, and an honest peer may have much else to give. */
#define ATTACHMENT_STALL_MS 5000
#define ATTACHMENT_PATIENCE_MS 30000
#define ATTACHMENT_LOOK_MS 1000

/* Most entries have none: their header ends in an empty array and nil, and has no further elements.
 */
static bool header_has_none(struct bytes header)
{
	return header.len > 2 && header.data[0] == 0x9a && header.data[header.len - 2] == 0x90 &&
		header.data[header.len - 1] == 0xc0;
}

static void want_op(
	struct commit *commit, const struct feed *feed, uint64_t seq, const struct header_attachment *a)
{
	struct commit_op *op = commit_add(commit, COMMIT_ATTACHMENT_WANT);
	require(op);
	op->network_id = feed->network->id;
	op->feed_id = feed->feed_id;
	op->seq = seq;
	op->hash = a->id;
	op->size = a->size;
	op->object_type = a->flags;
	op->lane = feed->lane;
}

/* The CAP original of an alert goes before calls and documents, and is always fetched. */
static bool is_original(uint8_t lane, const struct header_attachment *a)
{
	return lane == FEED_LANE_ALERT && a->flags & HEADER_ATTACHMENT_CAP_ORIGINAL &&
		a->size <= LIMIT_ORIGINAL_BYTES;
}

void attachment_scan_run(struct feed *feed, const struct hash *source_city, uint64_t first_seq,
	struct bytes entries, struct commit *commit)
{
	struct cursor c = cursor_init(entries);
	const uint64_t fetch_bytes = feed->network->node->config.attachment_fetch_bytes;
	for (uint64_t seq = first_seq; cursor_left(&c) > 0; seq++) {
		const uint8_t *p = entries.data + (entries.len - cursor_left(&c));
		size_t header_len = (size_t)p[1] << 8 | p[2];
		size_t body_len = (size_t)p[3] << 16 | (size_t)p[4] << 8 | p[5];
		bool whole = p[0] == ENTRY_FORM_WHOLE;
		size_t ahead = whole ? ENTRY_SALT_BYTES : HASH_SIZE;
		struct bytes header = bytes_of(p + ENTRY_PREFIX_BYTES + ahead, header_len);
		cursor_bytes(&c, ENTRY_PREFIX_BYTES + ahead + header_len + (whole ? body_len : 0));
		struct header decoded;
		if (header_has_none(header) || header_decode(header, &decoded))
			continue;
		if (decoded.flags & HEADER_FLAG_RECEIPTS)
			beacons_receipts(feed);
		for (size_t i = 0; i < decoded.attachment_count; i++) {
			const struct header_attachment *a = &decoded.attachments[i];
			if (!is_original(feed->lane, a) && a->size > fetch_bytes)
				continue;
			want_op(commit, feed, seq, a);
			commit->ops[commit->count - 1].source_city = *source_city;
		}
	}
}

static struct transfer *transfer_find(const struct node *node, const struct hash *id)
{
	return map_get(&node->transfers_by_id, id);
}

static struct transfer *transfer_add(struct node *node, const struct store_want *want)
{
	struct network *network = node_network_find(node, &want->network_id);
	struct feed *feed = node_feed(node, &want->feed_id);
	if (!network || !feed || transfer_find(node, &want->attachment_id))
		return NULL;
	struct transfer *t = calloc(1, sizeof *t);
	if (!t || map_put(&node->transfers_by_id, &want->attachment_id, t)) {
		free(t);
		return NULL;
	}
	t->id = want->attachment_id;
	t->feed_id = want->feed_id;
	t->network = network;
	t->seq = want->seq;
	t->size = want->size;
	t->flags = want->flags;
	struct header_attachment named = {.size = want->size, .flags = want->flags};
	t->urgent = is_original(node_feed_rank(feed), &named);
	buffer_init(&t->list, SIZE_MAX);
	if (t->urgent)
		list_push_front(&node->transfers, &t->node);
	else
		list_push_back(&node->transfers, &t->node);
	return t;
}

static void release(struct link *link, struct transfer *t, bool failed);

static void transfer_free(struct node *node, struct transfer *t)
{
	if (t->link)
		release(t->link, t, false);
	list_remove(&t->node);
	map_remove(&node->transfers_by_id, &t->id);
	buffer_deinit(&t->list);
	blob_free(t->chunk);
	free(t);
}

void attachments_free(struct node *node)
{
	struct list_node *n;
	while ((n = list_first(&node->transfers)))
		transfer_free(node, list_entry(n, struct transfer, node));
	map_deinit(&node->transfers_by_id);
}

static int load_want(void *ctx, const struct store_want *want)
{
	struct node *node = ctx;
	struct store_attachment info;
	if (store_attachment_info(node->config.store, &want->attachment_id, &info) == 0 &&
		info.complete)
		return 0;
	struct transfer *t = transfer_add(node, want);
	if (t && store_attachment_info(node->config.store, &want->attachment_id, &info) == 0) {
		t->begun = true;
		t->chunks_durable = t->chunks_committed = info.chunks_durable;
	}
	return 0;
}

int attachments_load(struct node *node)
{
	return store_each_want(node->config.store, load_want, node);
}

void node_attachment_added(
	struct node *node, const struct hash *attachment_id, struct node_time now)
{
	node->now = now;
	struct transfer *t = transfer_find(node, attachment_id);
	if (t && !t->link)
		transfer_free(node, t);
}

int node_attachment_want(struct node *node, const struct hash *feed_id, uint64_t seq,
	const struct hash *attachment_id, uint64_t size, struct node_time now)
{
	node->now = now;
	struct feed *feed = node_feed(node, feed_id);
	if (!feed)
		return ERROR_NOT_FOUND;
	bool any = false;
	list_for_each(&node->links, n)
	{
		struct link *link = list_entry(n, struct link, node_link);
		any |= link->state == LINK_LIVE && link_network_find(link, &feed->network->id);
	}
	if (!any)
		return ERROR_NOT_FOUND;
	if (transfer_find(node, attachment_id))
		return 0;
	struct commit *commit = commit_new(COMMIT_BULK);
	if (!commit)
		return ERROR_MEMORY;
	struct header_attachment a = {.id = *attachment_id, .size = size};
	want_op(commit, feed, seq, &a);
	node_commit(node, commit);
	return 0;
}

/* ---- asking ---- */

static bool link_can_give(const struct link *link, const struct transfer *t)
{
	return link->state == LINK_LIVE && link_takes_alerts(link) &&
		link->transfers_open < ATTACHMENTS_A_LINK && link_network_find(link, &t->network->id);
}

static struct link *choose(struct node *node, const struct transfer *t)
{
	struct link *chosen = NULL, *last = NULL;
	uint32_t count = 0;
	list_for_each(&node->links, n)
	{
		struct link *link = list_entry(n, struct link, node_link);
		if (!link_can_give(link, t))
			continue;
		/* Who gave the entry first, at the first try; then anybody. */
		if (t->failures == 0 && hash_equal(&link->city_id, &t->source_city))
			return spread_share(link) ? link : NULL;
		/* Who failed last is asked if nobody else is there. */
		if (t->failures && hash_equal(&link->city_id, &t->failed_city)) {
			last = link;
			continue;
		}
		uint32_t random;
		node_random(node, &random, sizeof random);
		if (random % ++count == 0)
			chosen = link;
	}
	if (!chosen)
		chosen = last;
	return chosen && spread_share(chosen) ? chosen : NULL;
}

static void attempt_begin(struct link *link, struct transfer *t)
{
	t->link = link;
	t->answered = false;
	t->attempt = ++link->node->attachment_attempts;
	t->chunks_received = t->chunks_committed;
	t->since_sync = 0;
	buffer_reset(&t->list);
	blob_free(t->chunk);
	t->chunk = NULL;
	t->first_chunk = t->chunks_committed;
	t->progress = link->node->now.mono;
	t->look_at = monotime_add_ms(t->progress, ATTACHMENT_STALL_MS);
	link->transfers_open++;
}

static void ask(struct link *link, struct transfer *t)
{
	attempt_begin(link, t);
	link->asks_open++;
	spread_grant(link);
	message_write_attachment_pull(&link->control, link->bulk_limit, &t->feed_id, t->seq, &t->id,
		(uint32_t)t->chunks_committed, true);
	link_wake(link);
}

/* The chunk hashes become durable before any chunk. */
static int begin_op(struct node *node, struct transfer *t)
{
	struct commit *commit = commit_new(COMMIT_BULK);
	struct commit_op *op = commit ? commit_add(commit, COMMIT_ATTACHMENT_BEGIN) : NULL;
	struct blob *list = op ? blob_copy(buffer_bytes(&t->list)) : NULL;
	if (!list) {
		commit_free(commit);
		return ERROR_MEMORY;
	}
	op->hash = t->id;
	op->size = t->size;
	op->blob = list;
	t->begun = true;
	node_commit(node, commit);
	return 0;
}

/* Nothing to ask for: an empty file with the right id. */
static void finish_empty(struct node *node, struct transfer *t)
{
	struct hash id;
	struct node_write *write = calloc(1, sizeof *write);
	t->finishing = true; /* where the id is another's nobody can ever give it */
	if (!write || attachment_id_of(0, bytes_of(NULL, 0), &id) || !hash_equal(&id, &t->id) ||
		begin_op(node, t)) {
		free(write);
		return;
	}
	write->attachment_id = t->id;
	write->attempt = t->attempt = ++node->attachment_attempts;
	write->sync = write->finish = true;
	t->writes = 1;
	node->io.write(node->io.ctx, write);
}

/* Of an earlier attempt something is still being written or committed: until that is known it is
 * not clear from where to go on. */
static bool unsettled(const struct transfer *t)
{
	return t->writes > 0 || t->chunks_durable != t->chunks_committed;
}

void attachment_schedule(struct node *node)
{
	if (list_empty(&node->transfers) || node->paused)
		return;
	uint32_t tried = 0;
	list_for_each_safe(&node->transfers, n)
	{
		struct transfer *t = list_entry(n, struct transfer, node);
		if (t->link || t->finishing || unsettled(t) ||
			!monotime_reached(node->now.mono, t->retry_at))
			continue;
		if (t->size == 0) {
			finish_empty(node, t);
			continue;
		}
		struct link *link = choose(node, t);
		if (link)
			ask(link, t);
		else if (++tried == 16)
			break; /* no link has room: the next ones will not find one either */
	}
}

struct monotime attachment_deadline(const struct node *node)
{
	struct monotime due = MONOTIME_NEVER;
	if (list_empty(&node->links))
		return due;
	list_for_each(&node->transfers, n)
	{
		const struct transfer *t = list_entry(n, struct transfer, node);
		if (!t->link && !t->finishing && t->retry_at.us > node->now.mono.us)
			due = monotime_earlier(due, t->retry_at);
		else if (t->link && !t->finishing)
			due = monotime_earlier(due, t->look_at);
	}
	return due;
}

/* Asked again later, of others. */
static void put_off(struct node *node, struct transfer *t, const struct hash *city_id)
{
	int64_t wait = ATTACHMENT_RETRY_MS << (t->failures < 6 ? t->failures : 6);
	t->failures++;
	t->failed_city = *city_id;
	t->retry_at = monotime_add_ms(
		node->now.mono, wait < ATTACHMENT_RETRY_MAX_MS ? wait : ATTACHMENT_RETRY_MAX_MS);
}

/* It goes back into the queue. */
static void release(struct link *link, struct transfer *t, bool failed)
{
	t->link = NULL;
	t->answered = false;
	if (t->chunk && link->state != LINK_CLOSING)
		link_release_bulk(link, t->chunk->len);
	blob_free(t->chunk);
	t->chunk = NULL;
	buffer_shrink(&t->list, 0);
	link->transfers_open--;
	spread_unshare(link);
	if (failed)
		put_off(link->node, t, &link->city_id);
}

static bool stalled(const struct node *node, const struct transfer *t)
{
	const struct link *link = t->link;
	struct monotime now = node->now.mono;
	struct monotime heard = monotime_before(link->progress, t->progress) ? t->progress
																		 : link->progress;
	int64_t patience = (int64_t)ATTACHMENT_PATIENCE_MS << (t->failures < 6 ? t->failures : 6);
	if (spread_digesting(link) || link->state != LINK_LIVE)
		return false;
	if (!monotime_reached(now, monotime_add_ms(heard, ATTACHMENT_STALL_MS)) &&
		!monotime_reached(now, monotime_add_ms(t->progress, patience)))
		return false;
	list_for_each(&node->links, n)
	{
		const struct link *other = list_entry(n, struct link, node_link);
		if (other != link && link_can_give(other, t))
			return true;
	}
	return false;
}

void attachment_on_deadline(struct node *node)
{
	if (node->paused)
		return;
	list_for_each_safe(&node->transfers, n)
	{
		struct transfer *t = list_entry(n, struct transfer, node);
		struct link *link = t->link;
		if (!link || t->finishing || !monotime_reached(node->now.mono, t->look_at))
			continue;
		t->look_at = monotime_add_ms(node->now.mono, ATTACHMENT_LOOK_MS);
		if (!stalled(node, t))
			continue;
		struct log_line l;
		log_begin(&l, LOG_LEVEL_WARN, "attachment_moved");
		log_text(&l, "city", link->peer_slug);
		log_bytes(&l, "attachment", bytes_of(t->id.bytes, 8));
		log_text(&l, "reason", "no progress");
		log_end(&l);
		link->gave_up = true;
		release(link, t, true);
		t->retry_at = node->now.mono;
	}
}

void attachment_link_closed(struct link *link)
{
	list_for_each(&link->node->transfers, n)
	{
		struct transfer *t = list_entry(n, struct transfer, node);
		if (t->link == link)
			release(link, t, true);
	}
}

void attachment_leave(struct link *link, const struct network *network)
{
	list_for_each(&link->node->transfers, n)
	{
		struct transfer *t = list_entry(n, struct transfer, node);
		if (t->link == link && t->network == network)
			release(link, t, true);
	}
}

/* ---- receiving ---- */

int attachment_on_begin(struct link *link, struct assembly *a, const struct message *m)
{
	struct transfer *t = transfer_find(link->node, &m->attachment.attachment_id);
	a->open = true;
	a->attachment = true;
	a->attachment_id = m->attachment.attachment_id;
	if (!t || t->link != link)
		return 0; /* given up meanwhile: what comes is passed over, up to the limit */
	if (t->answered || m->attachment.size != t->size ||
		m->attachment.first_chunk != t->first_chunk || !m->attachment.with_list)
		/* After one was given up this may be its answer, and that of the second time comes yet. */
		return link->gave_up ? 0 : link_breach(link, ERROR_MESSAGE, "attachment");
	t->answered = true;
	t->stream = a->stream;
	return 0;
}

static int list_complete(struct link *link, struct transfer *t)
{
	struct hash id;
	int code = attachment_id_of(t->size, buffer_bytes(&t->list), &id);
	if (code || !hash_equal(&id, &t->id))
		return link_breach(link, ERROR_CHAIN, "attachment");
	return t->begun ? 0 : begin_op(link->node, t);
}

static int chunk_complete(struct link *link, struct transfer *t, bool last)
{
	struct node *node = link->node;
	struct node_write *write = calloc(1, sizeof *write);
	if (!write)
		return ERROR_MEMORY;
	write->attachment_id = t->id;
	write->size = t->size;
	write->offset = t->chunks_received * ATTACHMENT_CHUNK_BYTES;
	write->blob = t->chunk;
	memcpy(write->chunk_hash.bytes, t->list.data + t->chunks_received * HASH_SIZE, HASH_SIZE);
	write->attempt = t->attempt;
	write->link_id = link->id;
	write->city_id = link->city_id;
	write->credit = t->chunk->len;
	t->since_sync += t->chunk->len;
	t->chunk = NULL;
	t->writes++;
	t->chunks_received++;
	write->finish = t->chunks_received == attachment_chunk_count(t->size);
	write->sync = write->finish || last || t->since_sync >= ATTACHMENT_SYNC_BYTES;
	if (write->sync)
		t->since_sync = 0;
	node->io.write(node->io.ctx, write);
	return 0;
}

/* `last`: no more of it comes this time, which no link says before its end. */
static int take_bytes(struct link *link, struct transfer *t, struct bytes *left, bool last)
{
	struct bytes at = *left;
	t->progress = link->node->now.mono;
	uint64_t chunks = attachment_chunk_count(t->size);
	if (t->list.len < chunks * HASH_SIZE) {
		size_t need = (size_t)(chunks * HASH_SIZE - t->list.len);
		struct bytes part = bytes_slice(at, 0, need);
		if (buffer_push_bytes(&t->list, part))
			return ERROR_MEMORY;
		link_release_bulk(link, part.len);
		*left = at = bytes_slice(at, part.len, SIZE_MAX);
		int code = t->list.len == chunks * HASH_SIZE ? list_complete(link, t) : 0;
		if (code)
			return code;
	}
	while (at.len) {
		uint32_t want = attachment_chunk_bytes(t->size, t->chunks_received);
		if (want == 0)
			return link_breach(link, ERROR_LIMIT, "attachment");
		if (!t->chunk)
			t->chunk = blob_new(want);
		if (!t->chunk)
			return ERROR_MEMORY;
		struct bytes part = bytes_slice(at, 0, want - t->chunk->len);
		memcpy(t->chunk->data + t->chunk->len, part.data, part.len);
		t->chunk->len += part.len;
		*left = at = bytes_slice(at, part.len, SIZE_MAX);
		int code = t->chunk->len == want ? chunk_complete(link, t, last && at.len == 0) : 0;
		if (code)
			return code;
	}
	return 0;
}

int attachment_on_fragment(struct link *link, struct assembly *a, const struct message *m)
{
	struct transfer *t = transfer_find(link->node, &a->attachment_id);
	struct bytes at = m->fragment.bytes;
	a->offset += at.len;
	if (!t || t->link != link || !t->answered || t->stream != a->stream) {
		a->open = !m->fragment.last;
		link_release_bulk(link, at.len);
		return 0;
	}
	int code = take_bytes(link, t, &at, false);
	if (code || !m->fragment.last)
		return code;
	a->open = false;
	if (t->chunks_received != attachment_chunk_count(t->size))
		return link_breach(link, ERROR_MESSAGE, "attachment");
	t->finishing = true;
	release(link, t, false);
	return 0;
}

void attachment_on_end(struct link *link, const struct message *m)
{
	struct transfer *t = transfer_find(link->node, &m->attachment_end.attachment_id);
	if (t && t->link == link && !t->finishing)
		release(link, t, true);
}

/* ---- from a bundle ---- */

struct offered {
	const struct bundle_attachment *a;
	uint8_t flags;
	bool named;
};

static int entry_names(void *ctx, const struct store_entry *stored)
{
	struct offered *o = ctx;
	struct cursor c = cursor_init(stored->wire);
	struct entry_view view;
	struct header header;
	if (entry_parse(&c, &view) || header_decode(view.header, &header))
		return ERROR_CORRUPT;
	for (size_t i = 0; i < header.attachment_count; i++) {
		const struct header_attachment *h = &header.attachments[i];
		if (hash_equal(&h->id, &o->a->id) && h->size == o->a->size) {
			o->named = true;
			o->flags = h->flags;
		}
	}
	return 0;
}

/* Not fetched by itself, or ended before: wanted now, if the entry that is said to name it does. */
static enum attachment_answer want_offered(
	struct link *link, struct network *network, const struct bundle_attachment *a)
{
	struct node *node = link->node;
	struct feed *feed = node_feed(node, &a->feed_id);
	struct offered o = {.a = a};
	if (!feed || feed->network != network ||
		store_read_entry(node->config.store, &a->feed_id, a->seq, entry_names, &o) || !o.named)
		return ATTACHMENT_REFUSED;
	struct commit *commit = commit_new(COMMIT_BULK);
	if (!commit)
		return ATTACHMENT_REFUSED;
	struct header_attachment h = {.id = a->id, .size = a->size, .flags = o.flags};
	want_op(commit, feed, a->seq, &h);
	import_await(link, commit);
	node_commit(node, commit);
	return ATTACHMENT_WAIT;
}

enum attachment_answer attachment_offer(struct link *link, struct network *network,
	const struct bundle_attachment *offered, uint32_t *begin)
{
	struct node *node = link->node;
	struct transfer *t = transfer_find(node, &offered->id);
	struct store_attachment info;
	if (store_attachment_info(node->config.store, &offered->id, &info) == 0 && info.complete)
		return ATTACHMENT_HELD;
	if (!t) /* the commit of its entry brings it */
		return link->bulk_undigested ? ATTACHMENT_WAIT : want_offered(link, network, offered);
	if (t->size != offered->size || t->network != network)
		return ATTACHMENT_REFUSED;
	if (t->link)
		return ATTACHMENT_LINKED;
	if (t->finishing || unsettled(t))
		return ATTACHMENT_WAIT;
	if (offered->first_chunk > t->chunks_committed)
		return ATTACHMENT_REFUSED;
	attempt_begin(link, t);
	t->answered = true;
	*begin = (uint32_t)t->first_chunk;
	return ATTACHMENT_TAKEN;
}

int attachment_give(struct link *link, const struct hash *id, struct bytes bytes, bool last)
{
	struct transfer *t = transfer_find(link->node, id);
	if (!t || t->link != link) { /* a link has taken it over */
		link_release_bulk(link, bytes.len);
		return 0;
	}
	int code = take_bytes(link, t, &bytes, last);
	if (code)
		link_release_bulk(link, bytes.len);
	if (code || !last)
		return code;
	if (t->chunk)
		return link_breach(link, ERROR_TRUNCATED, "attachment");
	t->finishing = t->chunks_received == attachment_chunk_count(t->size);
	release(link, t, false);
	return 0;
}

/* ---- durable ---- */

static void progress_op(struct node *node, struct link *link, const struct transfer *t,
	const struct node_write *write)
{
	struct commit *commit = commit_new(COMMIT_BULK);
	struct commit_op *op = commit
		? commit_add(
			  commit, write->finish ? COMMIT_ATTACHMENT_COMPLETE : COMMIT_ATTACHMENT_PROGRESS)
		: NULL;
	if (!op) {
		commit_free(commit);
		return;
	}
	op->hash = t->id;
	op->network_id = t->network->id;
	op->feed_id = t->feed_id;
	op->seq = t->chunks_durable;
	op->arrived = node->now.wall;
	import_await(link, commit);
	node_commit(node, commit);
}

/* A chunk that is not what its hash says: whoever sent it is named, gone or not. */
static void chunk_false(struct node *node, struct link *link, const struct node_write *write)
{
	if (link && link->state != LINK_CLOSING) {
		link_breach(link, ERROR_CHAIN, "attachment");
		return;
	}
	if (hash_is_zero(&write->city_id)) /* a bundle's */
		return;
	struct log_line l;
	log_begin(&l, LOG_LEVEL_WARN, "peer_breach");
	log_bytes(&l, "city", bytes_of(write->city_id.bytes, 8));
	log_text(&l, "rule", "attachment");
	log_error(&l, ERROR_CHAIN);
	log_end(&l);
	blame_add(node, &write->city_id);
}

static void not_written(struct node *node, struct transfer *t, const struct node_write *write)
{
	t->finishing = false;
	if (write->code == ERROR_CORRUPT)
		t->chunks_durable = t->chunks_committed = 0;
	if (t->link)
		release(t->link, t, true);
	else
		put_off(node, t, &write->city_id);
	if (write->code == ERROR_CHAIN)
		return;
	log_event(LOG_LEVEL_WARN, "attachment_not_written", "reason", error_text(write->code));
	t->retry_at = monotime_add_ms(node->now.mono, ATTACHMENT_RETRY_MAX_MS);
}

void attachment_on_written(struct node *node, struct node_write *write)
{
	struct transfer *t = transfer_find(node, &write->attachment_id);
	struct link *link = node_link_by_id(node, write->link_id);
	if (t && t->attempt != write->attempt)
		t = NULL; /* it was ended, and is wanted again */
	if (link && write->credit)
		link_release_bulk(link, write->credit);
	if (write->code == ERROR_CHAIN)
		chunk_false(node, link, write);
	if (t)
		t->writes--;
	if (t && write->code && write->code != ERROR_CANCELLED) {
		not_written(node, t, write);
	} else if (t && write->code == 0 && write->sync) {
		t->chunks_durable = (write->offset + ATTACHMENT_CHUNK_BYTES) / ATTACHMENT_CHUNK_BYTES;
		if (write->finish || t->chunks_durable > t->chunks_committed)
			progress_op(node, link, t, write);
	}
	blob_free(write->blob);
	free(write);
}

void attachment_committed(
	struct node *node, const struct commit *commit, const struct commit_op *op)
{
	struct transfer *t = transfer_find(node, &op->hash);
	if (op->type == COMMIT_ATTACHMENT_WANT && commit->code == 0) {
		struct store_want want = {.attachment_id = op->hash,
			.size = op->size,
			.network_id = op->network_id,
			.feed_id = op->feed_id,
			.seq = op->seq,
			.flags = op->object_type};
		struct store_attachment info;
		if (!node->config.store || store_attachment_info(node->config.store, &op->hash, &info) ||
			!info.complete) {
			t = transfer_add(node, &want);
			if (t)
				t->source_city = op->source_city;
		}
		return;
	}
	if (!t)
		return;
	if (commit->code) {
		t->finishing = false;
		t->chunks_durable = t->chunks_committed;
		return;
	}
	if (op->type == COMMIT_ATTACHMENT_PROGRESS)
		t->chunks_committed = op->seq;
	if (t->chunks_durable < t->chunks_committed)
		t->chunks_durable = t->chunks_committed;
	if (op->type != COMMIT_ATTACHMENT_COMPLETE)
		return;
	struct feed *feed = node_feed(node, &t->feed_id);
	struct node_event event = {.type = NODE_EVENT_ATTACHMENT,
		.network_id = t->network->id,
		.feed_id = t->feed_id,
		.city_id = feed ? feed->city_id : (struct hash){{0}},
		.lane = feed ? feed->lane : 0,
		.hash = t->id,
		.first = t->seq,
		.last = t->seq,
		.arrival = op->arrival.arrival,
		.time = op->arrived,
		.confirmed = true};
	transfer_free(node, t);
	node_emit(node, &event);
}
