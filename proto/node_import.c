/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feed/attachment_id.h"
#include "feed/entry.h"
#include "proto/import_private.h"
#include "record/header.h"
#include "record/kind.h"

/*
 * The bundle is a link without a peer: it is in links_by_id, so that commits and writes give their
 * credit back to it, and not among the node's links, so that nothing is told to it or asked of it.
 */

/* Taken and not durable yet. */
#define IMPORT_WINDOW_BYTES (4u << 20)

struct node_import {
	struct link link;
	struct bundle_reader reader;
	struct network *network;
	void (*wake)(void *ctx);
	void *ctx;
	bool waits;    /* an attachment that cannot be begun yet */
	bool takes;    /* the attachment in hand is wanted */
	uint64_t data; /* of its stream */
	uint64_t skip; /* bytes of its chunks that are durable already */
	int code, commit_code;
	struct import_report report;
};

static struct node_import *import_of(const struct link *link)
{
	return link ? link->import : NULL;
}

void import_wake(struct node_import *import)
{
	import->wake(import->ctx);
}

void import_poke(struct node *node)
{
	if (node->import && node->import->waits)
		import_wake(node->import);
}

void import_await(struct link *link, struct commit *commit)
{
	if (!import_of(link) || commit->credit)
		return;
	node_feed_credit(commit, link, 1, false);
	link->bulk_received++;
	link->bulk_undigested++;
}

void import_committed(struct link *link, int code)
{
	struct node_import *import = import_of(link);
	if (import && code && !import->commit_code)
		import->commit_code = code;
}

int import_breach(struct link *link, int code)
{
	struct node_import *import = import_of(link);
	link->refused = code ? code : ERROR_MESSAGE;
	if (!import->commit_code)
		import->commit_code = link->refused; /* a chunk that was judged late */
	return link->refused;
}

int node_import_open(struct node *node, void (*wake)(void *ctx), void *ctx, struct node_time now,
	struct node_import **out)
{
	if (node->import)
		return ERROR_BUSY;
	struct node_import *import = calloc(1, sizeof *import);
	int code = import ? bundle_reader_init(&import->reader) : ERROR_MEMORY;
	if (code) {
		if (import)
			bundle_reader_deinit(&import->reader);
		free(import);
		return code;
	}
	struct link *link = &import->link;
	node->now = now;
	import->wake = wake;
	import->ctx = ctx;
	link->node = node;
	link->import = import;
	link->id = ++node->next_link_id;
	link->state = LINK_LIVE;
	link->opened = link->last_received = link->progress = now.mono;
	snprintf(link->peer_slug, sizeof link->peer_slug, "(a bundle)");
	buffer_init(&link->control, LIMIT_CONTROL_QUEUE_BYTES);
	list_init(&link->pushes);
	list_init(&link->announced);
	if (map_put(&node->links_by_id, &link->id, link)) {
		bundle_reader_deinit(&import->reader);
		free(import);
		return ERROR_MEMORY;
	}
	node->import = import;
	*out = import;
	return 0;
}

void node_import_close(struct node_import *import, struct node_time now)
{
	if (!import)
		return;
	struct link *link = &import->link;
	struct node *node = link->node;
	node->now = now;
	attachment_link_closed(link);
	map_remove(&node->links_by_id, &link->id);
	node->import = NULL;
	buffer_deinit(&link->control);
	bundle_reader_deinit(&import->reader);
	free(import);
	node->want_due = true;
	node_flush(node);
}

/* ---- what it brings ---- */

static int on_begin(struct node_import *import, struct complaint *complaint)
{
	const struct bundle_begin *begin = &import->reader.begin;
	import->report.begin = *begin;
	import->report.begun = true;
	import->network = node_network_find(import->link.node, &begin->network_id);
	if (import->network)
		return 0;
	return complain(complaint, ERROR_CHARTER_UNKNOWN, "network",
		"The bundle is of the network %s (%s), which this city is not in.", begin->name,
		begin->slug);
}

static int on_object(struct node_import *import, const struct bundle_item *item)
{
	struct network *network = import->network;
	if (!hash_equal(&item->network_id, &network->id))
		return ERROR_CHARTER_UNKNOWN;
	size_t before = network->charter->objects.count;
	int code = node_object_receive(import->link.node, &import->link, network, item->object);
	if (network->charter->objects.count > before)
		import->report.objects_new += network->charter->objects.count - before;
	return code;
}

static void note_gap(struct node_import *import, const struct feed *feed, uint64_t first_seq)
{
	struct import_report *r = &import->report;
	for (uint32_t i = 0; i < r->gap_count && i < IMPORT_GAPS_MAX; i++)
		if (r->gaps[i].lane == feed->lane && hash_equal(&r->gaps[i].city_id, &feed->city_id))
			return;
	if (r->gap_count < IMPORT_GAPS_MAX)
		r->gaps[r->gap_count] = (struct import_gap){
			feed->city_id, feed->lane, feed->tip.seq, first_seq};
	r->gap_count++;
}

/* Passes over `count` entries by their prefixes. False: there are not so many. */
static bool pass_over(struct bytes *entries, uint64_t count)
{
	for (; count > 0; count--) {
		if (entries->len < ENTRY_PREFIX_BYTES)
			return false;
		const uint8_t *p = entries->data;
		size_t header = (size_t)p[1] << 8 | p[2];
		size_t body = (size_t)p[3] << 16 | (size_t)p[4] << 8 | p[5];
		size_t len = ENTRY_PREFIX_BYTES + header +
			(p[0] == ENTRY_FORM_WHOLE ? ENTRY_SALT_BYTES + body : HASH_SIZE);
		if (entries->len < len)
			return false;
		*entries = bytes_slice(*entries, len, SIZE_MAX);
	}
	return true;
}

/* The run does not lead on from what is held: signed so by its city, or damaged? */
static bool other_history(
	struct node *node, const struct feed *feed, const struct bundle_run *run, struct head *head)
{
	struct run_rules rules;
	struct feed_tip tip, after;
	if (!run->has_prev || node_feed_rules(feed, head->epoch, &rules))
		return false;
	rules.by_cut = run->flags & RUN_FLAG_CUT;
	feed_tip_init(&tip, &feed->feed_id);
	if (run->first_seq > 1)
		feed_tip_begin(&tip, head->epoch, run->first_seq - 1, &run->prev);
	return run_verify(&node->hasher, &rules, &tip, run->first_seq, head, run->entries, &node->index,
			   &after) == 0;
}

static int give_run(struct node_import *import, struct feed *feed, const struct bundle_run *run,
	uint64_t first_seq, struct bytes entries)
{
	struct link *link = &import->link;
	struct blob *blob = blob_copy(entries);
	if (!blob)
		return ERROR_MEMORY;
	size_t credit = blob->len;
	link->bulk_received += credit;
	link->bulk_undigested += credit;
	link->progress = link->node->now.mono;
	const struct hash *prev = run->has_prev && first_seq == run->first_seq ? &run->prev : NULL;
	return node_feed_run(
		link->node, link, feed, first_seq, run->head, prev, run->flags, blob, credit);
}

static int on_run(struct node_import *import, const struct bundle_run *run)
{
	struct node *node = import->link.node;
	struct import_report *r = &import->report;
	struct head head;
	int code = head_decode(bytes_of(run->head, HEAD_BYTES), &head);
	if (code || head.seq < run->first_seq)
		return code ? code : ERROR_HEAD;
	uint64_t first = run->first_seq, count = head.seq - first + 1;
	struct feed *feed = node_feed(node, &run->feed_id);
	if (!feed || feed->network != import->network) {
		r->records_waiting += count; /* of a city that the charter here does not name */
		return 0;
	}
	bool fill = feed->base && first <= feed->base && node_fill_due(feed);
	uint64_t held = fill ? feed->fill.seq : feed->tip.seq;
	if (head.seq <= held) {
		bool other = head.seq == held && !fill &&
			!hash_equal(&head.entry_hash, &feed->tip.entry_hash);
		*(other ? &r->records_other : &r->records_held) += count;
		return 0;
	}
	struct bytes entries = run->entries;
	bool trimmed = first <= held;
	if (trimmed && !pass_over(&entries, held - first + 1))
		return ERROR_TRUNCATED;
	if (trimmed) {
		r->records_held += held - first + 1;
		count -= held - first + 1;
		first = held + 1;
	}
	uint32_t ahead = feed->gap_count;
	int failed_before = import->commit_code;
	import->link.refused = 0;
	code = give_run(import, feed, run, first, entries);
	int refused = import->link.refused;
	if (code == 0 && refused == 0) {
		bool gap = first > held + 1 && feed->lane == FEED_LANE_ALERT && feed->base == 0;
		if (gap && feed->gap_count == ahead)
			r->records_held += count; /* set aside before */
		else
			r->records_new[feed->lane - 1] += count;
		return 0;
	}
	if (node->paused)
		return ERROR_FULL;
	if (code == ERROR_CHAIN && other_history(node, feed, run, &head)) {
		import->commit_code = failed_before;
		r->records_other += count;
		return 0;
	}
	if (code)
		return code;
	r->records_waiting += count;
	if (first > held + 1)
		note_gap(import, feed, first);
	return 0;
}

static void on_attachment(struct node_import *import, const struct bundle_attachment *a)
{
	struct import_report *r = &import->report;
	uint32_t begin = 0;
	import->takes = import->waits = false;
	import->data = import->skip = 0;
	switch (attachment_offer(&import->link, import->network, a, &begin)) {
	case ATTACHMENT_TAKEN:
		import->takes = true;
		import->skip = (uint64_t)(begin - a->first_chunk) * ATTACHMENT_CHUNK_BYTES;
		break;
	case ATTACHMENT_WAIT:
		import->waits = true;
		break;
	case ATTACHMENT_HELD:
		r->attachments_held++;
		break;
	case ATTACHMENT_LINKED:
		r->attachments_linked++;
		break;
	default:
		r->attachments_waiting++;
		break;
	}
}

static int give_data(struct node_import *import, const struct hash *id, struct bytes at, bool last)
{
	struct link *link = &import->link;
	link->bulk_received += at.len;
	link->bulk_undigested += at.len;
	link->progress = link->node->now.mono;
	return attachment_give(link, id, at, last);
}

/* The list of hashes, then chunks, of which the first may be durable. */
static int on_data(struct node_import *import, const struct bundle_item *item)
{
	const struct bundle_attachment *a = &item->attachment;
	if (!import->takes)
		return 0;
	uint64_t list = attachment_chunk_count(a->size) * HASH_SIZE, at = import->data;
	struct bytes bytes = item->data;
	import->data += bytes.len;
	int code = 0;
	if (at < list) {
		struct bytes part = bytes_slice(bytes, 0, (size_t)(list - at));
		bytes = bytes_slice(bytes, part.len, SIZE_MAX);
		at += part.len;
		code = give_data(import, &a->id, part, false);
	}
	if (code == 0 && at < list + import->skip) {
		uint64_t drop = list + import->skip - at;
		bytes = bytes_slice(bytes, drop < bytes.len ? (size_t)drop : bytes.len, SIZE_MAX);
	}
	if (code == 0 && (bytes.len || item->last))
		code = give_data(import, &a->id, bytes, item->last);
	if (code == 0 && item->last) {
		uint64_t end = a->first_chunk * (uint64_t)ATTACHMENT_CHUNK_BYTES + (import->data - list);
		*(end == a->size ? &import->report.attachments_new
						 : &import->report.attachments_partial) += 1;
	}
	return code;
}

static int on_item(
	struct node_import *import, const struct bundle_item *item, struct complaint *complaint)
{
	switch (item->type) {
	case BUNDLE_BEGIN:
		return on_begin(import, complaint);
	case BUNDLE_OBJECT:
		return on_object(import, item);
	case BUNDLE_RUN:
		return on_run(import, &item->run);
	case BUNDLE_ATTACHMENT:
		on_attachment(import, &item->attachment);
		return 0;
	case BUNDLE_DATA:
		return on_data(import, item);
	case BUNDLE_END:
		import->report.more = item->more;
		return 0;
	default:
		return 0;
	}
}

/* `late`: a chunk, as the thread that writes it found. */
static int failed(struct node_import *import, int code, bool late, struct complaint *complaint)
{
	struct import_report *r = &import->report;
	import->code = code;
	import->waits = false;
	attachment_link_closed(&import->link); /* what was begun is let go */
	if (code == ERROR_CHARTER_UNKNOWN && !import->network)
		return code; /* complained of already */
	if (code == ERROR_FULL)
		return complain(complaint, code, "bundle",
			"Nothing more is taken now: %s. What came before is kept; import it again later.",
			import->link.node->pause_reason[0] ? import->link.node->pause_reason
											   : "the disk is full");
	if (!r->begun)
		return complain(
			complaint, code, "bundle", "This is no bundle of Hansa: %s", error_text(code));
	return complain(complaint, code, "bundle",
		"The bundle is damaged or was altered %s frame %" PRIu64 ", byte %" PRIu64
		": %s What came before is kept.",
		late ? "in an attachment before" : "at", r->frame, r->offset, error_text(code));
}

int node_import_receive(
	struct node_import *import, struct bytes *in, struct node_time now, struct complaint *complaint)
{
	struct link *link = &import->link;
	struct node *node = link->node;
	struct bundle_reader *reader = &import->reader;
	node->now = now;
	if (import->code)
		return import->code;
	int code = import->commit_code;
	if (code)
		return failed(import, code, true, complaint);
	if (import->waits)
		on_attachment(import, &reader->item.attachment);
	while (in->len && code == 0 && !import->waits && link->bulk_undigested < IMPORT_WINDOW_BYTES) {
		const struct bundle_item *item;
		code = bundle_reader_next(reader, in, &item);
		import->report.frame = item->frame;
		import->report.offset = item->offset;
		if (code == 0)
			code = on_item(import, item, complaint);
		buffer_reset(&link->control); /* what would be answered to a peer */
	}
	node_flush(node);
	return code ? failed(import, code, false, complaint) : 0;
}

int node_import_end(struct node_import *import, struct complaint *complaint)
{
	if (import->code)
		return import->code;
	int code = bundle_reader_end(&import->reader);
	if (code == 0)
		return 0;
	import->report.frame = import->reader.frames + 1;
	import->report.offset = import->reader.frame_offset;
	return failed(import, code, false, complaint);
}

bool node_import_settled(struct node_import *import, int *code, struct complaint *complaint)
{
	if (import->link.bulk_undigested > 0 || import->waits)
		return false;
	if (import->commit_code && !import->code)
		failed(import, import->commit_code, true, complaint);
	*code = import->code;
	return true;
}

const struct import_report *node_import_report(const struct node_import *import)
{
	return &import->report;
}
