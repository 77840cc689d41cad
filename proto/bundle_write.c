/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/bundle_write.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/wire_writer.h"
#include "feed/attachment_id.h"
#include "feed/entry.h"
#include "proto/blob.h"
#include "proto/run_rules.h"
#include "record/header.h"
#include "store/attachment_file.h"

/* As a link serves a newcomer: the charter, then feed by feed the runs as they are stored, lanes by
 * priority; each run whole, since a part may end behind it. */

#define PIECE_BYTES 65536u
#define READ_BYTES 262144u
#define INLINE_BYTES 60000u
#define FRAGMENT_OVERHEAD 32u
#define END_BYTES 64u
/* The charter stands in each part while it takes no more of it than that; else in the first. */
#define CHARTER_SHARE 4u
#define HEARD_MARGIN_MS (INT64_C(7) * 86400000)

struct object_entry {
	struct hash hash;
	uint8_t type;
	uint64_t number;
	bool stands; /* genesis or amendment, and no rival */
};

struct named {
	struct hash id, feed_id;
	uint64_t seq;
	bool original;
};

enum stage {
	STAGE_OBJECTS,
	STAGE_RUNS,
	STAGE_ATTACHMENTS,
	STAGE_END,
	STAGE_DONE,
};

struct bundle_writer {
	struct bundle_options options;
	struct roster *roster;
	struct hasher hasher;
	struct object_entry *objects;
	size_t object_count, object_at;
	uint64_t charter_bytes;
	struct store_feed *feeds;
	size_t feed_count, feed_at;
	uint64_t next_seq; /* of the feed in hand; 0: not begun */
	struct named *named;
	size_t named_count, named_at;
	struct map named_by_id;
	struct buffer run;
	enum stage stage, resume;
	uint8_t lane; /* of the runs in hand */
	/* the attachment in hand */
	bool sending;
	struct store_attachment info;
	uint32_t first_chunk;
	uint64_t offset;
	uint32_t stream;
	/* the part in hand */
	uint64_t part_bytes, part_frames;
	bool part_open, part_filled;
	uint64_t made;
	struct bundle_written said;
};

/* ---- what there is ---- */

static int grow(void **array, size_t count, size_t size)
{
	if (count & (count - 1)) /* it grows at the powers of two */
		return 0;
	void *grown = realloc(*array, (count ? 2 * count : 1) * size);
	if (!grown)
		return ERROR_MEMORY;
	*array = grown;
	return 0;
}

static int take_object(void *ctx, const struct store_object *object)
{
	struct bundle_writer *w = ctx;
	void *array = w->objects;
	if (grow(&array, w->object_count, sizeof *w->objects))
		return ERROR_MEMORY;
	w->objects = array;
	w->objects[w->object_count++] = (struct object_entry){
		object->object_hash, object->type, object->number, false};
	w->charter_bytes += object->object.len + 64;
	int code = roster_load(w->roster, object->object, NULL);
	return code == ERROR_MEMORY || code == ERROR_CRYPTO ? code : 0;
}

static bool stands(const struct bundle_writer *w, const struct object_entry *a)
{
	struct bytes wire;
	struct hash hash;
	struct control_object object;
	return a->type <= STORE_OBJECT_AMENDMENT &&
		roster_amendment(w->roster, a->number, &wire, &hash) == 0 &&
		object_decode(wire, &object) == 0 && hash_equal(&object.object_hash, &a->hash);
}

static int by_number(const void *a, const void *b)
{
	const struct object_entry *x = a, *y = b;
	return (x->number > y->number) - (x->number < y->number);
}

/* Genesis and amendments by their number, then the rest as it arrived, which is an order in which
 * all of it can be taken. Rival amendments go behind those that stand. */
static int sort_objects(struct bundle_writer *w)
{
	struct object_entry *sorted = calloc(w->object_count + 1, sizeof *sorted);
	if (!sorted)
		return ERROR_MEMORY;
	size_t n = 0;
	for (size_t i = 0; i < w->object_count; i++) {
		struct object_entry *o = &w->objects[i];
		o->stands = stands(w, o);
		if (o->stands)
			sorted[n++] = *o;
	}
	qsort(sorted, n, sizeof *sorted, by_number);
	for (size_t i = 0; i < w->object_count; i++)
		if (!w->objects[i].stands)
			sorted[n++] = w->objects[i];
	free(w->objects);
	w->objects = sorted;
	return 0;
}

static int take_feed(void *ctx, const struct store_feed *feed)
{
	struct bundle_writer *w = ctx;
	void *array = w->feeds;
	if (!hash_equal(&feed->network_id, &w->options.network_id) || feed->seq == 0)
		return 0;
	if (grow(&array, w->feed_count, sizeof *w->feeds))
		return ERROR_MEMORY;
	w->feeds = array;
	w->feeds[w->feed_count++] = *feed;
	return 0;
}

/* By lane, then by what moved longest ago. */
static int by_lane(const void *a, const void *b)
{
	const struct store_feed *x = a, *y = b;
	if (x->lane != y->lane)
		return x->lane < y->lane ? -1 : 1;
	return (x->arrival > y->arrival) - (x->arrival < y->arrival);
}

static int arrived_of(void *ctx, const struct store_entry *entry)
{
	*(struct timestamp *)ctx = entry->arrived;
	return 0;
}

/* What it publishes it publishes knowing what had come to it; a link may have been gone longer. */
static uint64_t since_heard(const struct bundle_writer *w)
{
	int64_t last = 0;
	for (size_t i = 0; i < w->feed_count; i++) {
		const struct store_feed *feed = &w->feeds[i];
		struct timestamp arrived = {0};
		if (hash_equal(&feed->city_id, &w->options.city_id) &&
			store_read_entry(w->options.store, &feed->feed_id, feed->seq, arrived_of, &arrived) ==
				0 &&
			arrived.ms > last)
			last = arrived.ms;
	}
	return last > HEARD_MARGIN_MS ? (uint64_t)(last - HEARD_MARGIN_MS) : 0;
}

int bundle_writer_new(const struct bundle_options *options, struct bundle_writer **out)
{
	struct bundle_writer *w = calloc(1, sizeof *w);
	if (!w)
		return ERROR_MEMORY;
	w->options = *options;
	buffer_init(&w->run, RUN_BYTES_MAX + STORE_READ_BYTES_MAX + ENTRY_BYTES_MAX);
	map_init(&w->named_by_id, HASH_SIZE, options->seed);
	int code = hasher_init(&w->hasher);
	if (code == 0)
		code = roster_new(&options->network_id, options->seed, &w->roster);
	if (code == 0)
		code = store_each_object(options->store, &options->network_id, take_object, w);
	if (code == 0 && !roster_has_genesis(w->roster))
		code = ERROR_CHARTER_UNKNOWN;
	if (code == 0)
		code = sort_objects(w);
	if (code == 0)
		code = store_each_feed(options->store, take_feed, w);
	if (code == 0 && options->for_city && options->since_heard)
		w->options.since_ms = since_heard(w);
	if (code) {
		bundle_writer_free(w);
		return code;
	}
	if (w->feed_count)
		qsort(w->feeds, w->feed_count, sizeof *w->feeds, by_lane);
	*out = w;
	return 0;
}

void bundle_writer_free(struct bundle_writer *w)
{
	if (!w)
		return;
	free(w->objects);
	free(w->feeds);
	free(w->named);
	map_deinit(&w->named_by_id);
	buffer_deinit(&w->run);
	roster_free(w->roster);
	hasher_deinit(&w->hasher);
	free(w);
}

void bundle_writer_said(const struct bundle_writer *w, struct bundle_written *out)
{
	*out = w->said;
}

/* ---- parts ---- */

/* What was appended since `from` belongs to the part: whole frames. */
static void account(struct bundle_writer *w, const struct buffer *out, size_t from)
{
	struct bytes added = bytes_slice(buffer_bytes(out), from, SIZE_MAX);
	hasher_add(&w->hasher, added);
	w->part_bytes += added.len;
	w->said.bytes += added.len;
	while (added.len >= 4) {
		const uint8_t *p = added.data;
		size_t len = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
		added = bytes_slice(added, 4 + len, SIZE_MAX);
		w->part_frames++;
	}
}

static int part_begin(struct bundle_writer *w, struct buffer *out)
{
	if (w->said.parts == BUNDLE_PARTS_MAX)
		return ERROR_LIMIT;
	hasher_begin(&w->hasher, NULL);
	hasher_add(&w->hasher, bytes_from_text(BUNDLE_MAGIC));
	buffer_push_text(out, BUNDLE_MAGIC);
	w->said.bytes += BUNDLE_MAGIC_BYTES;
	w->part_bytes = BUNDLE_MAGIC_BYTES;
	w->part_frames = 0;
	w->part_filled = false;
	w->part_open = true;
	w->said.parts++;
	size_t from = out->len, at = message_frame_begin(out, BUNDLE_FRAME_BEGIN, 7);
	wire_writer_bin(out, bytes_of(w->options.set, BUNDLE_SET_BYTES));
	wire_writer_uint(out, w->said.parts);
	wire_writer_bin(out, hash_bytes(&w->options.network_id));
	wire_writer_str(out, roster_slug(w->roster));
	wire_writer_str(out, roster_name(w->roster));
	wire_writer_uint(out, (uint64_t)w->options.now.ms);
	wire_writer_uint(out, w->options.since_ms);
	message_frame_end(out, at);
	account(w, out, from);
	w->resume = w->stage;
	bool charter = w->said.parts == 1 || w->charter_bytes <= w->options.part_bytes / CHARTER_SHARE;
	w->object_at = charter ? 0 : w->object_count;
	w->stage = STAGE_OBJECTS;
	return out->error;
}

static int part_end(struct bundle_writer *w, struct buffer *out, bool more)
{
	struct hash hash;
	int code = hasher_end(&w->hasher, &hash);
	if (code)
		return code;
	size_t from = out->len, at = message_frame_begin(out, BUNDLE_FRAME_END, 3);
	wire_writer_uint(out, w->part_frames);
	wire_writer_bin(out, hash_bytes(&hash));
	wire_writer_bool(out, more);
	message_frame_end(out, at);
	w->said.bytes += out->len - from;
	w->part_open = false;
	return out->error;
}

/* Whether so many bytes go into the part in hand. One that holds nothing yet takes anything. */
static bool fits(const struct bundle_writer *w, uint64_t bytes)
{
	return !w->options.part_bytes || !w->part_filled ||
		w->part_bytes + bytes + END_BYTES <= w->options.part_bytes;
}

/* ---- objects ---- */

struct object_out {
	struct bundle_writer *w;
	struct buffer *out;
};

static int write_object(void *ctx, const struct store_object *object)
{
	struct object_out *o = ctx;
	size_t from = o->out->len;
	message_write_object(o->out, &o->w->options.network_id, object->object);
	account(o->w, o->out, from);
	o->w->said.objects++;
	return o->out->error;
}

static int objects_next(struct bundle_writer *w, struct buffer *out)
{
	if (w->object_at == w->object_count) {
		w->stage = w->resume == STAGE_OBJECTS ? STAGE_RUNS : w->resume;
		return 0;
	}
	struct object_out o = {w, out};
	int code = store_read_object(
		w->options.store, &w->objects[w->object_at++].hash, write_object, &o);
	return code == ERROR_NOT_FOUND ? 0 : code; /* replaced meanwhile: the next bundle has the new */
}

/* ---- runs ---- */

static uint64_t since_of(const struct bundle_writer *w, const struct store_feed *feed)
{
	uint64_t since = w->options.since_ms;
	const struct roster_member *m = w->options.for_city
		? roster_member_by_city(w->roster, &w->options.city_id)
		: NULL;
	if (m && !m->confirmed && !hash_equal(&feed->city_id, &m->city_id) && m->admitted_time > since)
		since = m->admitted_time;
	return since;
}

/* The run that begins at next_seq, whole, in w->run; `slice` is of its beginning and its end. */
static int read_whole(
	struct bundle_writer *w, const struct store_feed *feed, struct store_slice *slice)
{
	bool first = true, begun = w->next_seq != 0;
	uint64_t seq = begun ? w->next_seq : feed->first_seq;
	buffer_reset(&w->run);
	for (;;) {
		struct node_read read = {.type = NODE_READ_RUN,
			.feed_id = feed->feed_id,
			.first_seq = seq,
			.bytes_max = READ_BYTES,
			.since_ms = begun || !first ? 0 : since_of(w, feed)};
		node_read_run(&read, w->options.store, w->options.files);
		if (read.code)
			return first ? read.code : ERROR_NOT_FOUND; /* cut off meanwhile */
		buffer_push_bytes(&w->run, blob_bytes(read.blob));
		blob_free(read.blob);
		if (first)
			*slice = read.slice;
		first = false;
		/* A newer head may have taken the place of the one that it had at first. */
		slice->next_seq = read.slice.next_seq;
		slice->has_head = read.slice.has_head;
		slice->head_seq = read.slice.head_seq;
		memcpy(slice->head, read.slice.head, HEAD_BYTES);
		seq = read.slice.next_seq;
		if (w->run.error || read.slice.head_reached)
			return w->run.error;
	}
}

/* Between two heads only the charter's cut vouches for the end, docs/protocol.md section 4. */
static int cut_head(
	const struct bundle_writer *w, const struct store_feed *feed, struct store_slice *slice)
{
	struct run_rules rules;
	struct head head;
	int code = run_rules_of(w->roster, &feed->city_id, feed->lane, slice->epoch, &rules);
	if (code == 0)
		code = run_cut_head(&rules, &feed->feed_id, &head);
	if (code == 0 && (head.seq != slice->head_seq || rules.alert_lane))
		code = ERROR_CUT;
	if (code == 0)
		head_encode(&head, slice->head);
	return code;
}

static int note_named(struct bundle_writer *w, const struct store_feed *feed, uint64_t seq,
	const struct header_attachment *a)
{
	if (a->size == 0 || map_get(&w->named_by_id, &a->id))
		return 0;
	void *array = w->named;
	if (grow(&array, w->named_count, sizeof *w->named) || map_put(&w->named_by_id, &a->id, w))
		return ERROR_MEMORY;
	w->named = array;
	w->named[w->named_count++] = (struct named){a->id, feed->feed_id, seq,
		feed->lane == FEED_LANE_ALERT && a->flags & HEADER_ATTACHMENT_CAP_ORIGINAL &&
			a->size <= LIMIT_ORIGINAL_BYTES};
	return 0;
}

static int scan_entries(struct bundle_writer *w, const struct store_feed *feed, uint64_t seq)
{
	struct cursor c = cursor_init(buffer_bytes(&w->run));
	for (; cursor_left(&c) > 0; seq++) {
		struct entry_view view;
		struct header header;
		int code = entry_parse(&c, &view);
		if (code == 0)
			code = header_decode(view.header, &header);
		for (size_t i = 0; code == 0 && i < header.attachment_count; i++)
			code = note_named(w, feed, seq, &header.attachments[i]);
		if (code)
			return code == ERROR_MEMORY ? code : ERROR_CORRUPT;
		w->said.entries++;
	}
	return 0;
}

static void write_run(struct bundle_writer *w, const struct store_feed *feed,
	const struct store_slice *slice, struct buffer *out)
{
	struct bytes entries = buffer_bytes(&w->run);
	bool whole = entries.len <= INLINE_BYTES;
	size_t from = out->len;
	message_write_run(out, ++w->stream, &feed->feed_id, slice->first_seq, slice->head, &slice->prev,
		slice->has_head ? 0 : RUN_FLAG_CUT, whole ? &entries : NULL);
	for (size_t at = 0; !whole && at < entries.len;) {
		struct bytes part = bytes_slice(entries, at, LIMIT_FRAGMENT_BYTES);
		message_write_fragment(out, w->stream, at, at + part.len == entries.len, part);
		at += part.len;
	}
	account(w, out, from);
	w->part_filled = true;
}

static void feed_done(struct bundle_writer *w)
{
	w->feed_at++;
	w->next_seq = 0;
}

static int runs_next(struct bundle_writer *w, struct buffer *out)
{
	const struct store_feed *feed = w->feed_at < w->feed_count ? &w->feeds[w->feed_at] : NULL;
	if (!feed || feed->lane != w->lane) {
		/* The CAP originals go behind the alerts. */
		w->stage = !feed || w->lane == FEED_LANE_ALERT ? STAGE_ATTACHMENTS : STAGE_RUNS;
		w->named_at = 0;
		if (feed && w->stage == STAGE_RUNS)
			w->lane = feed->lane;
		return 0;
	}
	struct store_slice slice;
	int code = read_whole(w, feed, &slice);
	if (code == 0 && !slice.has_head)
		code = cut_head(w, feed, &slice);
	if (code == ERROR_NOT_FOUND || code == ERROR_CUT || code == ERROR_EPOCH_UNKNOWN) {
		feed_done(w); /* its end, or one that no other node could take now */
		return 0;
	}
	if (code)
		return code;
	size_t len = w->run.len;
	if (!fits(w, len + 320 + (len / LIMIT_FRAGMENT_BYTES + 1) * FRAGMENT_OVERHEAD)) {
		if (!w->next_seq)
			w->next_seq = slice.first_seq;
		return part_end(w, out, true);
	}
	code = scan_entries(w, feed, slice.first_seq);
	if (code)
		return code;
	write_run(w, feed, &slice, out);
	w->next_seq = slice.next_seq;
	return out->error;
}

/* ---- attachments ---- */

static void attachment_begin(struct bundle_writer *w, struct buffer *out)
{
	const struct named *n = &w->named[w->named_at];
	size_t from = out->len;
	w->stream++;
	w->offset = 0;
	message_write_attachment_pull(out, 0, &n->feed_id, n->seq, &n->id, w->first_chunk, true);
	message_write_attachment(out, w->stream, &n->id, w->info.size, w->first_chunk, true);
	account(w, out, from);
	w->sending = w->part_filled = true;
}

static void attachment_over(struct bundle_writer *w)
{
	w->named_at++;
	w->first_chunk = 0;
	w->sending = false;
}

/* One read of it: some chunk hashes, or a chunk. */
static int attachment_piece(struct bundle_writer *w, struct buffer *out)
{
	const struct named *n = &w->named[w->named_at];
	struct node_read read = {.type = NODE_READ_ATTACHMENT,
		.feed_id = n->feed_id,
		.entry_seq = n->seq,
		.attachment_id = n->id,
		.offset = w->offset,
		.size = w->info.size,
		.bytes_max = ATTACHMENT_CHUNK_BYTES,
		.first_chunk = w->first_chunk,
		.with_list = true};
	node_read_run(&read, w->options.store, w->options.files);
	if (read.code)
		return read.code;
	struct bytes bytes = blob_bytes(read.blob);
	uint64_t list = attachment_chunk_count(w->info.size) * HASH_SIZE;
	uint64_t next = w->offset + bytes.len;
	size_t from = out->len;
	/* The part ends behind a chunk where the next one has no room in it. */
	bool turn = next > list && !read.end && w->options.part_bytes &&
		w->part_bytes + 2 * (ATTACHMENT_CHUNK_BYTES + 1024) + END_BYTES > w->options.part_bytes;
	for (size_t at = 0; at < bytes.len;) {
		struct bytes part = bytes_slice(bytes, at, LIMIT_FRAGMENT_BYTES);
		bool last = at + part.len == bytes.len && (read.end || turn);
		message_write_fragment(out, w->stream, w->offset + at, last, part);
		at += part.len;
	}
	account(w, out, from);
	w->offset = next;
	blob_free(read.blob);
	if (read.end) {
		w->said.attachments++;
		attachment_over(w);
	} else if (turn) {
		w->first_chunk += (uint32_t)((next - list) / ATTACHMENT_CHUNK_BYTES);
		w->sending = false;
		return part_end(w, out, true);
	}
	return out->error;
}

static int attachments_next(struct bundle_writer *w, struct buffer *out)
{
	bool originals = w->lane == FEED_LANE_ALERT;
	if (w->named_at == w->named_count) {
		w->stage = w->feed_at < w->feed_count ? STAGE_RUNS
			: originals                       ? STAGE_ATTACHMENTS
											  : STAGE_END;
		w->named_at = 0;
		w->lane = w->feed_at < w->feed_count ? w->feeds[w->feed_at].lane : FEED_LANE_COUNT;
		return 0;
	}
	if (w->sending)
		return attachment_piece(w, out);
	const struct named *n = &w->named[w->named_at];
	if (n->original != originals) {
		w->named_at++;
		return 0;
	}
	int code = store_attachment_info(w->options.store, &n->id, &w->info);
	if (code == ERROR_NOT_FOUND || (code == 0 && !w->info.complete)) {
		w->said.attachments_missing++;
		attachment_over(w);
		return 0;
	}
	if (code)
		return code;
	uint64_t rest = w->info.size - (uint64_t)w->first_chunk * ATTACHMENT_CHUNK_BYTES;
	uint64_t some = rest < ATTACHMENT_CHUNK_BYTES ? rest : ATTACHMENT_CHUNK_BYTES;
	if (!fits(w, attachment_chunk_count(w->info.size) * HASH_SIZE + some + 1024))
		return part_end(w, out, true);
	attachment_begin(w, out);
	return out->error;
}

int bundle_writer_next(struct bundle_writer *w, struct buffer *out, bool *done)
{
	size_t from = out->len;
	int code = 0;
	if (!w->lane)
		w->lane = FEED_LANE_ALERT;
	while (code == 0 && w->stage != STAGE_DONE && out->len - from < PIECE_BYTES) {
		if (!w->part_open) {
			code = part_begin(w, out);
			continue;
		}
		switch (w->stage) {
		case STAGE_OBJECTS:
			code = objects_next(w, out);
			break;
		case STAGE_RUNS:
			code = runs_next(w, out);
			break;
		case STAGE_ATTACHMENTS:
			code = attachments_next(w, out);
			break;
		default:
			code = part_end(w, out, false);
			w->stage = STAGE_DONE;
			break;
		}
	}
	*done = w->stage == STAGE_DONE;
	return code ? code : out->error;
}
