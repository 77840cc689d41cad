/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/proto/liar.h"

#include <string.h>

#include "base/check.h"
#include "base/compression.h"
#include "feed/attachment_id.h"
#include "feed/entry.h"
#include "feed/run.h"
#include "record/header.h"

static const char *const names[LIE_COUNT] = {
	[LIE_NONE] = "none",
	[LIE_BODY] = "body",
	[LIE_HEADER] = "header",
	[LIE_ORDER] = "order",
	[LIE_SIGNATURE] = "signature",
	[LIE_DROP_ENTRY] = "drop-entry",
	[LIE_DROP_FIRST] = "drop-first",
	[LIE_DROP_RUN] = "drop-run",
	[LIE_PREV] = "prev",
	[LIE_EPOCH] = "epoch",
	[LIE_NODE_KEY] = "node-key",
	[LIE_PURGE] = "purge",
	[LIE_CHUNK] = "chunk",
	[LIE_CHUNK_LIST] = "chunk-list",
	[LIE_LATER] = "later",
	[LIE_SILENT] = "silent",
	[LIE_CHUNK_LATER] = "chunk-later",
	[LIE_CHUNK_SILENT] = "chunk-silent",
	[LIE_CENSOR] = "censor",
	[LIE_TRICKLE] = "trickle",
	[LIE_DIGEST] = "digest",
	[LIE_PROMISE] = "promise",
};

const char *lie_name(enum lie lie)
{
	return names[lie];
}

enum lie lie_from_name(const char *name)
{
	enum lie lie = LIE_NONE;
	while (lie < LIE_COUNT && strcmp(names[lie], name) != 0)
		lie++;
	return lie;
}

void liar_init(struct liar *liar, enum lie lie)
{
	memset(liar, 0, sizeof *liar);
	liar->lie = lie;
	buffer_init(&liar->in, SIZE_MAX);
	buffer_init(&liar->out, SIZE_MAX);
	for (size_t i = 0; i < LIAR_STREAMS; i++)
		buffer_init(&liar->streams[i].entries, SIZE_MAX);
	buffer_init(&liar->kept.entries, SIZE_MAX);
}

void liar_deinit(struct liar *liar)
{
	for (size_t i = 0; i < LIAR_STREAMS; i++)
		buffer_deinit(&liar->streams[i].entries);
	buffer_deinit(&liar->kept.entries);
	buffer_deinit(&liar->in);
	buffer_deinit(&liar->out);
}

/* ---- one run ---- */

/* Where the head's fields lie, docs/protocol.md section 4. */
#define HEAD_EPOCH_AT (HASH_SIZE + 3)
#define HEAD_KEY_AT (HASH_SIZE + 4)
#define HEAD_SIGNATURE_AT (HEAD_BYTES - SIGNATURE_SIZE)

static size_t entries_split(struct bytes run, struct entry_view views[RUN_ENTRIES_MAX])
{
	struct cursor c = cursor_init(run);
	size_t count = 0;
	while (cursor_left(&c) > 0) {
		require(count < RUN_ENTRIES_MAX && entry_parse(&c, &views[count]) == 0);
		count++;
	}
	return count;
}

static void other_header(struct buffer *to, const struct entry_view *view)
{
	struct header header;
	struct buffer bytes;
	buffer_init(&bytes, HEADER_SIZE_MAX);
	require(header_decode(view->header, &header) == 0);
	header.time_ms ^= 1;
	require(header_encode(&header, &bytes) == 0);
	entry_encode(to, view->salt, buffer_bytes(&bytes), view->body);
	buffer_deinit(&bytes);
}

static void purged(struct buffer *to, const struct entry_view *view)
{
	struct hasher hasher;
	require(hasher_init(&hasher) == 0);
	require(entry_purge(to, &hasher, view) == 0);
	hasher_deinit(&hasher);
}

/* The entry in the middle, as the lie wants it; false: this lie is not about it. */
static bool other_entry(enum lie lie, struct buffer *to, const struct entry_view *view)
{
	if (view->form != ENTRY_FORM_WHOLE)
		return false;
	if (lie == LIE_BODY && view->body.len > 0) {
		buffer_push_bytes(to, view->wire);
		to->data[to->len - 1] ^= 1;
		return true;
	}
	if (lie == LIE_HEADER)
		other_header(to, view);
	else if (lie == LIE_PURGE)
		purged(to, view);
	return lie == LIE_HEADER || lie == LIE_PURGE;
}

static void swap_buffers(struct buffer *a, struct buffer *b)
{
	struct buffer spare = *a;
	*a = *b;
	*b = spare;
}

static bool entries_lie(enum lie lie, struct liar_stream *run)
{
	static struct entry_view views[RUN_ENTRIES_MAX]; /* one thread */
	size_t count = entries_split(buffer_bytes(&run->entries), views);
	size_t middle = count / 2;
	bool lied = false;
	struct buffer to;
	buffer_init(&to, SIZE_MAX);
	for (size_t i = 0; i < count; i++) {
		const struct entry_view *view = &views[i];
		bool here = i == middle;
		if (lie == LIE_ORDER && middle > 0 && (here || i + 1 == middle)) {
			buffer_push_bytes(&to, views[here ? i - 1 : i + 1].wire);
			lied = true;
		} else if ((lie == LIE_DROP_ENTRY && here && count > 2) ||
			(lie == LIE_DROP_FIRST && i == 0 && count > 1)) {
			lied = true;
		} else if (here && other_entry(lie, &to, view)) {
			lied = true;
		} else {
			buffer_push_bytes(&to, view->wire);
		}
	}
	require(to.error == 0);
	swap_buffers(&to, &run->entries);
	buffer_deinit(&to);
	return lied;
}

static bool head_lie(enum lie lie, struct liar_stream *run)
{
	switch (lie) {
	case LIE_SIGNATURE:
		run->head[HEAD_SIGNATURE_AT] ^= 1;
		return true;
	case LIE_EPOCH:
		run->head[HEAD_EPOCH_AT] ^= 0x40;
		return true;
	case LIE_NODE_KEY:
		run->head[HEAD_KEY_AT] ^= 1;
		return true;
	case LIE_PREV:
		run->prev.bytes[0] ^= 1;
		return run->has_prev;
	default:
		return false;
	}
}

static void run_send(struct liar *liar, struct liar_stream *run)
{
	struct bytes entries = buffer_bytes(&run->entries);
	const struct hash *prev = run->has_prev ? &run->prev : NULL;
	message_write_run(&liar->out, run->stream, &run->feed_id, run->first_seq, run->head, prev,
		run->flags, run->streamed ? NULL : &entries);
	for (size_t at = 0; run->streamed && at < entries.len; at += LIMIT_FRAGMENT_BYTES) {
		bool last = at + LIMIT_FRAGMENT_BYTES >= entries.len;
		message_write_fragment(
			&liar->out, run->stream, at, last, bytes_slice(entries, at, LIMIT_FRAGMENT_BYTES));
	}
	run->open = false;
}

static bool run_is_one(const struct liar_stream *run)
{
	struct head head;
	require(head_decode(bytes_of(run->head, HEAD_BYTES), &head) == 0);
	return head.seq == run->first_seq;
}

/* Two runs of one entry each, neighbours in their feed, exchange their entries. */
static void run_exchange(struct liar *liar, struct liar_stream *run)
{
	struct liar_stream *kept = &liar->kept;
	if (!kept->open) {
		struct buffer spare = kept->entries;
		*kept = *run;
		run->entries = spare;
		run->open = false;
		return;
	}
	swap_buffers(&kept->entries, &run->entries);
	liar->told++;
	run_send(liar, kept);
	run_send(liar, run);
}

/* Plain again: what is to be altered is what is hashed. */
static void run_unpack(struct liar_stream *run)
{
	struct buffer plain;
	if (!run->plain_len)
		return;
	buffer_init(&plain, SIZE_MAX); /* it stays with the stream's place, for larger ones too */
	uint8_t *to = buffer_reserve(&plain, run->plain_len);
	require(to && compression_unpack(buffer_bytes(&run->entries), to, run->plain_len) == 0);
	buffer_commit(&plain, run->plain_len);
	swap_buffers(&plain, &run->entries);
	buffer_deinit(&plain);
	run->streamed |= run->plain_len > LIMIT_FRAGMENT_BYTES;
	run->flags &= ~RUN_FLAG_COMPRESSED;
	run->plain_len = 0;
}

static void run_done(struct liar *liar, struct liar_stream *run)
{
	run_unpack(run);
	if (liar->lie == LIE_DROP_RUN && ++liar->runs == 2) {
		liar->told++;
		run->open = false;
		return;
	}
	if (liar->lie == LIE_ORDER && run_is_one(run)) {
		run_exchange(liar, run);
		return;
	}
	bool lied = entries_lie(liar->lie, run) || head_lie(liar->lie, run);
	if (lied && liar->lie == LIE_DROP_FIRST)
		run->first_seq++;
	liar->told += lied;
	run_send(liar, run);
}

/* ---- frames ---- */

static struct liar_stream *stream_find(struct liar *liar, uint32_t stream)
{
	for (size_t i = 0; i < LIAR_STREAMS; i++)
		if (liar->streams[i].open && liar->streams[i].stream == stream)
			return &liar->streams[i];
	return NULL;
}

static struct liar_stream *stream_open(struct liar *liar, uint32_t stream)
{
	size_t i = 0;
	while (i < LIAR_STREAMS && liar->streams[i].open)
		i++;
	require(i < LIAR_STREAMS);
	struct liar_stream *s = &liar->streams[i];
	struct buffer entries = s->entries;
	buffer_reset(&entries);
	*s = (struct liar_stream){.open = true, .stream = stream, .entries = entries};
	return s;
}

static void on_run(struct liar *liar, struct bytes frame)
{
	const struct message *m = &liar->message;
	struct liar_stream *run = stream_open(liar, m->run.stream);
	run->feed_id = m->run.feed_id;
	run->first_seq = m->run.first_seq;
	memcpy(run->head, m->run.head.data, HEAD_BYTES);
	run->has_prev = m->run.has_prev;
	run->prev = m->run.prev;
	run->flags = m->run.flags;
	run->plain_len = m->run.plain_len;
	run->streamed = !m->run.has_inline;
	if (run->streamed && liar->lie == LIE_TRICKLE) {
		liar->victim = run->feed_id;
		buffer_push_bytes(&liar->out, frame);
	}
	if (run->streamed)
		return;
	buffer_push_bytes(&run->entries, m->run.inline_bytes);
	run_done(liar, run);
}

static void on_chunk_bytes(struct liar *liar, struct liar_stream *s, struct bytes frame)
{
	const struct message *m = &liar->message;
	uint64_t begin = m->fragment.offset, end = begin + m->fragment.bytes.len;
	uint64_t target = liar->lie == LIE_CHUNK_LIST ? s->list_bytes / 2 : s->list_bytes;
	bool lies = liar->lie == LIE_CHUNK || liar->lie == LIE_CHUNK_LIST;
	if (lies && target >= begin && target < end) {
		struct buffer bytes;
		buffer_init(&bytes, SIZE_MAX);
		buffer_push_bytes(&bytes, m->fragment.bytes);
		bytes.data[target - begin] ^= 1;
		message_write_fragment(&liar->out, m->fragment.stream, m->fragment.offset, m->fragment.last,
			buffer_bytes(&bytes));
		buffer_deinit(&bytes);
		liar->told++;
	} else {
		buffer_push_bytes(&liar->out, frame);
	}
	s->open = !m->fragment.last;
}

static void on_fragment(struct liar *liar, struct bytes frame)
{
	const struct message *m = &liar->message;
	struct liar_stream *s = stream_find(liar, m->fragment.stream);
	if (!s)
		return;
	if (s->attachment) {
		on_chunk_bytes(liar, s, frame);
		return;
	}
	if (liar->lie == LIE_TRICKLE) {
		if (m->fragment.offset == 0)
			buffer_push_bytes(&liar->out, frame);
		liar->told++;
		return;
	}
	buffer_push_bytes(&s->entries, m->fragment.bytes);
	if (m->fragment.last)
		run_done(liar, s);
}

static void on_pull_end(struct liar *liar, struct bytes frame)
{
	if (liar->lie == LIE_TRICKLE && hash_equal(&liar->message.pull_end.feed_id, &liar->victim))
		return;
	for (size_t i = 0; i < LIAR_STREAMS; i++) {
		struct liar_stream *s = &liar->streams[i];
		if (s->open && !s->attachment && hash_equal(&s->feed_id, &liar->message.pull_end.feed_id))
			s->open = false;
	}
	buffer_push_bytes(&liar->out, frame);
}

static void on_attachment(struct liar *liar, struct bytes frame)
{
	const struct message *m = &liar->message;
	struct liar_stream *s = stream_open(liar, m->attachment.stream);
	s->attachment = true;
	if (m->attachment.with_list)
		s->list_bytes = attachment_chunk_count(m->attachment.size) * HASH_SIZE;
	buffer_push_bytes(&liar->out, frame);
}

static void on_announce(struct liar *liar)
{
	struct message *m = &liar->message;
	uint32_t count = liar->lie == LIE_DIGEST ? 0 : m->announce.feed_count;
	for (uint32_t i = 0; i < count; i++) {
		m->announce.feeds[i].seq += 1000;
		m->announce.feeds[i].entry_hash.bytes[0] ^= 1;
	}
	liar->told += m->announce.feed_count > 0;
	message_write_announce(&liar->out, &m->announce.network_id, m->announce.feeds, count,
		m->announce.objects, m->announce.object_count,
		m->announce.has_mark ? &m->announce.arrival : NULL,
		m->announce.has_mark ? m->announce.rolling : NULL);
}

static void on_hello(struct liar *liar)
{
	struct message *m = &liar->message;
	char agent[65] = {0};
	memcpy(agent, m->hello.agent.data, m->hello.agent.len);
	for (uint32_t i = 0; i < m->hello.count; i++)
		m->hello.networks[i].digest.bytes[5] ^= 1;
	message_write_hello(&liar->out, m->hello.instance, m->hello.time, m->hello.store_epoch, agent,
		m->hello.networks, m->hello.count, m->hello.features);
}

/* All of one feed, while the others go on. */
static bool censored(struct liar *liar)
{
	const struct message *m = &liar->message;
	const struct hash *victim = &liar->victim;
	const struct liar_stream *s = m->type == MESSAGE_FRAGMENT
		? stream_find(liar, m->fragment.stream)
		: NULL;
	bool is_censored = (m->type == MESSAGE_RUN && hash_equal(&m->run.feed_id, victim)) ||
		(m->type == MESSAGE_PULL_END && hash_equal(&m->pull_end.feed_id, victim)) ||
		(m->type == MESSAGE_FRAGMENT && !s);
	liar->told += is_censored;
	return is_censored;
}

/* What is asked for is not given. True: nothing more to do. */
static bool withheld(struct liar *liar)
{
	const struct message *m = &liar->message;
	bool later = liar->lie == LIE_LATER || liar->lie == LIE_CHUNK_LATER;
	bool runs = liar->lie == LIE_LATER || liar->lie == LIE_SILENT;
	bool chunks = runs || liar->lie == LIE_CHUNK_LATER || liar->lie == LIE_CHUNK_SILENT;
	if (liar->lie == LIE_CENSOR)
		return censored(liar);
	if (m->type == MESSAGE_FRAGMENT) {
		const struct liar_stream *s = stream_find(liar, m->fragment.stream);
		return s ? false : runs || chunks;
	}
	bool of_run = runs && (m->type == MESSAGE_RUN || m->type == MESSAGE_PULL_END);
	bool of_chunk = chunks && (m->type == MESSAGE_ATTACHMENT || m->type == MESSAGE_ATTACHMENT_END);
	if (later && of_run && m->type == MESSAGE_PULL_END)
		message_write_pull_end(&liar->out, &m->pull_end.feed_id, m->pull_end.next_seq, END_LATER);
	if (later && of_chunk && m->type == MESSAGE_ATTACHMENT_END)
		message_write_attachment_end(&liar->out, &m->attachment_end.attachment_id, END_LATER);
	liar->told += of_run || of_chunk;
	return of_run || of_chunk;
}

static void on_frame(struct liar *liar, struct bytes frame)
{
	struct message *m = &liar->message;
	bool tells = liar->lie == LIE_DIGEST || liar->lie == LIE_PROMISE;
	require(message_decode(bytes_slice(frame, 4, SIZE_MAX), m) == 0);
	if (withheld(liar))
		return;
	if (m->type == MESSAGE_RUN)
		on_run(liar, frame);
	else if (m->type == MESSAGE_FRAGMENT)
		on_fragment(liar, frame);
	else if (m->type == MESSAGE_PULL_END)
		on_pull_end(liar, frame);
	else if (m->type == MESSAGE_ATTACHMENT)
		on_attachment(liar, frame);
	else if (m->type == MESSAGE_ANNOUNCE && tells)
		on_announce(liar);
	else if (m->type == MESSAGE_HELLO && liar->lie == LIE_DIGEST)
		on_hello(liar);
	else
		buffer_push_bytes(&liar->out, frame);
}

void liar_take(struct liar *liar, struct bytes bytes)
{
	buffer_push_bytes(&liar->in, bytes);
	for (;;) {
		struct bytes at = buffer_bytes(&liar->in);
		if (at.len < 4)
			break;
		size_t len = 4 +
			((size_t)at.data[0] << 24 | (size_t)at.data[1] << 16 | (size_t)at.data[2] << 8 |
				at.data[3]);
		if (at.len < len)
			break;
		on_frame(liar, bytes_slice(at, 0, len));
		buffer_consume(&liar->in, len);
	}
	require(liar->in.error == 0 && liar->out.error == 0);
}
