/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "proto/node_private.h"

/*
 * Pulls that a peer has open with us. Each is a walk over stored bytes: a slice being sent, one
 * read ahead of it, nothing more in memory. Classes are served by priority, within one class in
 * turn of asking.
 */

#define SERVE_READ_BYTES 262144u
/* A RUN frame beside its inline bytes: head, feed, prev and the small numbers. */
#define SERVE_RUN_OVERHEAD 320u

static enum serve_class serve_class_of(const struct serving *s)
{
	if (s->attachment)
		return s->urgent ? SERVE_ORIGINAL : SERVE_ATTACHMENT;
	switch (s->rank) {
	case FEED_LANE_ALERT:
		return SERVE_ALERT;
	case FEED_LANE_CALL:
		return SERVE_CALL;
	case FEED_LANE_DOC:
		return SERVE_DOC;
	default:
		return SERVE_META;
	}
}

static void read_free(struct node_read *read)
{
	if (read)
		blob_free(read->blob);
	free(read);
}

/* One that the link holds, or that is being read for it. */
static void slice_free(struct link *link, struct node_read *read)
{
	if (read)
		link->slice_count--;
	read_free(read);
}

static void serving_end(struct link *link, struct serving *s)
{
	list_remove(&s->node);
	link->serve_count--;
	if (link->serve_count == 0) /* what is left of the credit lapses, docs/protocol.md section 8 */
		link->peer_bulk_limit = link->bulk_sent;
	for (int i = 0; i < 2; i++) {
		if (link->run_open[i] == s)
			link->run_open[i] = NULL;
		slice_free(link, s->slices[i]);
		s->slices[i] = NULL;
	}
	if (s->reading)
		link->slice_count--;
	s->dead = true;
	if (!s->reading)
		free(s);
}

void link_serves_free(struct link *link)
{
	for (int c = 0; c < SERVE_CLASS_COUNT; c++) {
		struct list_node *n;
		while ((n = list_first(&link->serves[c])))
			serving_end(link, list_entry(n, struct serving, node));
	}
}

static uint64_t credit_left(const struct link *link)
{
	return link->peer_bulk_limit > link->bulk_sent ? link->peer_bulk_limit - link->bulk_sent : 0;
}

/* What a link holds in memory to send is bounded, whatever the peer asks for: a few slices, and
 * always the next one of a stream that was begun, which the others wait for. */
static bool may_read(const struct link *link, const struct serving *s)
{
	enum serve_class class = serve_class_of(s);
	uint32_t max = class <= SERVE_ORIGINAL ? LIMIT_SLICES_URGENT : LIMIT_SLICES;
	if (s->reading || s->read_end || s->slices[1] || link->state == LINK_CLOSING)
		return false;
	if (s->in_run && !s->slices[0])
		return true;
	return link->slice_count < max && credit_left(link) > 0;
}

static void read_next(struct link *link, struct serving *s)
{
	if (!may_read(link, s))
		return;
	struct node_read *read = calloc(1, sizeof *read);
	if (!read)
		return;
	read->type = s->attachment ? NODE_READ_ATTACHMENT : NODE_READ_RUN;
	read->feed_id = s->feed_id;
	read->first_seq = s->read_next;
	read->attachment_id = s->attachment_id;
	read->offset = s->read_next;
	read->bytes_max = SERVE_READ_BYTES;
	read->entry_seq = s->next_seq;
	read->urgent = serve_class_of(s) <= SERVE_ORIGINAL;
	read->first_chunk = s->first_chunk;
	read->compress = s->begins && !s->no_gain && s->lane != FEED_LANE_ALERT &&
		link_compression_wanted(link);
	read->with_list = s->with_list;
	read->since_ms = s->since_ms;
	read->link_id = link->id;
	read->serving = s;
	s->reading = true;
	link->slice_count++;
	link->node->io.read(link->node->io.ctx, read);
}

static struct serving *serving_add(struct link *link)
{
	if (link->serve_count >= LIMIT_PULLS_OPEN)
		return NULL;
	struct serving *s = calloc(1, sizeof *s);
	if (s)
		link->serve_count++;
	return s;
}

int link_serve_pull(struct link *link, const struct hash *feed_id, uint64_t first_seq)
{
	struct feed *feed = node_feed(link->node, feed_id);
	if (!feed || !link_network_find(link, &feed->network->id)) {
		message_write_pull_end(&link->control, feed_id, first_seq, END_REFUSED);
		return 0;
	}
	uint64_t since_ms = node_city_since_ms(feed->network, &link->city_id, feed);
	if (first_seq > feed->durable_seq || (first_seq <= feed->base && !since_ms)) {
		message_write_pull_end(&link->control, feed_id, first_seq, END_NOT_HELD);
		return 0;
	}
	struct serving *s = serving_add(link);
	if (!s)
		return link_breach(link, ERROR_LIMIT, "limit");
	s->feed_id = *feed_id;
	s->lane = feed->lane;
	s->rank = node_feed_rank(feed);
	s->next_seq = s->read_next = first_seq;
	s->since_ms = since_ms;
	s->begins = true;
	list_push_back(&link->serves[serve_class_of(s)], &s->node);
	return 0;
}

int link_serve_attachment(struct link *link, const struct message *m)
{
	struct feed *feed = node_feed(link->node, &m->attachment_pull.feed_id);
	if (!feed || !link_network_find(link, &feed->network->id)) {
		message_write_attachment_end(
			&link->control, &m->attachment_pull.attachment_id, END_REFUSED);
		return 0;
	}
	struct serving *s = serving_add(link);
	if (!s)
		return link_breach(link, ERROR_LIMIT, "limit");
	s->attachment = true;
	s->feed_id = feed->feed_id;
	s->next_seq = m->attachment_pull.seq; /* the reader checks that this entry names it */
	s->attachment_id = m->attachment_pull.attachment_id;
	s->first_chunk = m->attachment_pull.first_chunk;
	s->with_list = m->attachment_pull.with_list;
	s->lane = feed->lane;
	s->rank = node_feed_rank(feed);
	s->since_ms = node_city_since_ms(feed->network, &link->city_id, feed);
	s->read_next = 0;
	list_push_back(&link->serves[serve_class_of(s)], &s->node);
	return 0;
}

void link_serve_read(struct link *link, struct node_read *read)
{
	struct serving *s = read->serving;
	s->reading = false;
	if (s->dead || !link) {
		read_free(read);
		free(s);
		return;
	}
	if (s->skip_read) {
		s->skip_read = false;
		slice_free(link, read);
		read_next(link, s);
	} else if (read->code) {
		s->read_end = true;
		s->read_code = read->code;
		slice_free(link, read);
	} else {
		if (s->attachment && read->offset == 0 && read->original && s->rank == FEED_LANE_ALERT) {
			/* The entry says that it is the alert's CAP original: before calls and documents. */
			list_remove(&s->node);
			s->urgent = true;
			list_push_back(&link->serves[serve_class_of(s)], &s->node);
		}
		s->read_next = s->attachment ? read->offset + read->blob->len : read->slice.next_seq;
		if (!s->attachment) {
			s->since_ms = 0; /* it begins there, and goes on whatever follows */
			s->begins = read->slice.head_reached;
			s->no_gain |= read->compress && read->plain_len == 0;
		}
		if (s->attachment && read->end)
			s->read_end = true;
		if (s->slices[0])
			s->slices[1] = read;
		else
			s->slices[0] = read;
	}
	link_wake(link);
}

static void slice_done(struct link *link, struct serving *s)
{
	slice_free(link, s->slices[0]);
	s->slices[0] = s->slices[1];
	s->slices[1] = NULL;
	s->slice_at = 0;
	read_next(link, s);
}

static void pull_end(
	struct link *link, struct serving *s, struct buffer *out, enum message_end_code code)
{
	if (s->attachment)
		message_write_attachment_end(out, &s->attachment_id, code);
	else
		message_write_pull_end(out, &s->feed_id, s->next_seq, code);
	serving_end(link, s);
}

void link_serves_leave(struct link *link, const struct network *network)
{
	for (int c = 0; c < SERVE_CLASS_COUNT; c++)
		list_for_each_safe(&link->serves[c], n)
		{
			struct serving *s = list_entry(n, struct serving, node);
			const struct feed *feed = node_feed(link->node, &s->feed_id);
			if (feed && feed->network == network)
				pull_end(link, s, &link->control, END_REFUSED);
		}
}

static enum message_end_code end_code(const struct serving *s)
{
	if (s->read_code == ERROR_NOT_FOUND)
		return s->sent_bytes ? END_DONE : END_NOT_HELD;
	if (s->read_code == ERROR_PERMISSION)
		return END_REFUSED;
	return s->read_code ? END_LATER : END_DONE;
}

/* A newer head may have taken the place of the one that this run was begun with: it then ends where
 * it was said to. */
static size_t trim_to_head(const struct serving *s, const struct node_read *read, size_t from)
{
	uint64_t seq = read->slice.first_seq;
	const struct blob *b = read->blob;
	size_t at = 0;
	while (at + ENTRY_PREFIX_BYTES <= b->len && seq <= s->run_head_seq) {
		const uint8_t *p = b->data + at;
		size_t header = (size_t)p[1] << 8 | p[2],
			   body = (size_t)p[3] << 16 | (size_t)p[4] << 8 | p[5];
		at += ENTRY_PREFIX_BYTES + header +
			(p[0] == ENTRY_FORM_WHOLE ? ENTRY_SALT_BYTES + body : HASH_SIZE);
		seq++;
	}
	return at > from ? at : from;
}

/* Between two heads only the charter's cut vouches for the end, docs/protocol.md section 4. */
static int cut_head(const struct link *link, const struct serving *s, struct store_slice *slice)
{
	const struct feed *feed = node_feed(link->node, &s->feed_id);
	struct run_rules rules;
	struct head head;
	int code = feed ? node_feed_rules(feed, slice->epoch, &rules) : ERROR_NOT_FOUND;
	if (code == 0)
		code = run_cut_head(&rules, &s->feed_id, &head);
	if (code == 0 && (head.seq != slice->head_seq || rules.alert_lane))
		code = ERROR_CUT; /* a lower one is on its way into the store; each alert has its head */
	if (code == 0)
		head_encode(&head, slice->head);
	return code;
}

/* Begins the run that the first slice belongs to; inline if all of it is here and fits. */
static bool run_begin(struct link *link, struct serving *s, struct buffer *out, size_t frame_max)
{
	struct node_read *read = s->slices[0];
	bool by_cut = !read->slice.has_head;
	if (by_cut && cut_head(link, s, &read->slice)) {
		pull_end(link, s, out, END_LATER);
		return true;
	}
	bool alert = s->lane == FEED_LANE_ALERT;
	size_t len = read->blob->len;
	s->run_head_seq = read->slice.head_seq;
	bool whole = read->slice.head_reached && len + SERVE_RUN_OVERHEAD <= frame_max;
	/* What credit is used for at once: a compressed run counts as a whole. */
	size_t now = read->plain_len ? read->plain_len : whole ? len : 0;
	struct bytes inline_bytes = blob_bytes(read->blob);
	/* One run in fragments at a time, and one of alerts: so the peer's window always holds all of
	 * what was begun, and what it cannot digest before it is whole never fills it. */
	struct serving **open = &link->run_open[alert ? 0 : 1];
	if (credit_left(link) < now || (!whole && *open))
		return false;
	s->stream = link->next_stream++;
	bool with_prev = alert || read->slice.first_seq != s->next_seq || s->sent_bytes == 0;
	const struct hash *prev = with_prev ? &read->slice.prev : NULL;
	uint32_t flags = by_cut ? RUN_FLAG_CUT : 0;
	if (read->plain_len)
		message_write_run_compressed(out, s->stream, &s->feed_id, read->slice.first_seq,
			read->slice.head, prev, flags, whole ? &inline_bytes : NULL, read->plain_len);
	else
		message_write_run(out, s->stream, &s->feed_id, read->slice.first_seq, read->slice.head,
			prev, flags, whole ? &inline_bytes : NULL);
	link->bulk_sent += now;
	s->sent_bytes += now;
	s->offset = 0;
	if (!whole) {
		s->in_run = true;
		*open = s;
		return true;
	}
	s->next_seq = read->slice.next_seq;
	slice_done(link, s);
	return true;
}

static bool run_fragment(struct link *link, struct serving *s, struct buffer *out, size_t frame_max)
{
	struct node_read *read = s->slices[0];
	bool counted = read->plain_len; /* when it was begun, and it ends with its head */
	size_t end = counted ? read->blob->len : trim_to_head(s, read, s->slice_at);
	size_t len = end - s->slice_at;
	size_t max = frame_max < LIMIT_FRAGMENT_BYTES ? frame_max : LIMIT_FRAGMENT_BYTES;
	if (len > max)
		len = max;
	if (!counted && len > credit_left(link))
		len = (size_t)credit_left(link);
	if (len == 0)
		return false;
	bool slice_over = s->slice_at + len == end;
	uint64_t next = read->slice.next_seq <= s->run_head_seq ? read->slice.next_seq
															: s->run_head_seq + 1;
	bool last = slice_over && next == s->run_head_seq + 1;
	message_write_fragment(
		out, s->stream, s->offset, last, bytes_of(read->blob->data + s->slice_at, len));
	s->offset += len;
	s->slice_at += len;
	link->bulk_sent += counted ? 0 : len;
	s->sent_bytes += counted ? 0 : len;
	if (!slice_over)
		return true;
	s->next_seq = next;
	s->in_run = !last;
	if (last)
		link->run_open[s->lane == FEED_LANE_ALERT ? 0 : 1] = NULL;
	if (last && read->slice.next_seq != next) {
		/* What was read beyond the head is read again under its own. */
		slice_free(link, s->slices[1]);
		s->slices[1] = NULL;
		s->read_next = next;
		s->begins = true;
		s->skip_read = s->reading;
		s->read_end = false;
	}
	slice_done(link, s);
	return true;
}

static bool serve_one(struct link *link, struct serving *s, struct buffer *out, size_t frame_max);

static bool attachment_frame(
	struct link *link, struct serving *s, struct buffer *out, size_t frame_max)
{
	struct node_read *read = s->slices[0];
	if (!s->in_run) {
		s->stream = link->next_stream++;
		s->in_run = true;
		message_write_attachment(
			out, s->stream, &s->attachment_id, read->size, s->first_chunk, s->with_list);
		return true;
	}
	size_t len = read->blob->len - s->slice_at;
	size_t max = frame_max < LIMIT_FRAGMENT_BYTES ? frame_max : LIMIT_FRAGMENT_BYTES;
	if (len == 0) { /* the stream has nothing (more): its end alone */
		slice_done(link, s);
		return serve_one(link, s, out, frame_max);
	}
	if (len > max)
		len = max;
	if (len > credit_left(link))
		len = (size_t)credit_left(link);
	if (len == 0)
		return false;
	bool slice_over = s->slice_at + len == read->blob->len;
	bool last = slice_over && read->end;
	message_write_fragment(
		out, s->stream, s->offset, last, bytes_of(read->blob->data + s->slice_at, len));
	s->offset += len;
	s->slice_at += len;
	link->bulk_sent += len;
	s->sent_bytes += len;
	if (slice_over)
		slice_done(link, s);
	return true;
}

static bool serve_one(struct link *link, struct serving *s, struct buffer *out, size_t frame_max)
{
	if (!s->slices[0]) {
		if (s->read_end && !s->reading) {
			pull_end(link, s, out, end_code(s));
			return true;
		}
		read_next(link, s);
		return false;
	}
	read_next(link, s);
	if (s->attachment)
		return attachment_frame(link, s, out, frame_max);
	if (s->in_run)
		return run_fragment(link, s, out, frame_max);
	if (s->sent_bytes >= LIMIT_PULL_BYTES) {
		pull_end(link, s, out, END_LATER);
		return true;
	}
	return run_begin(link, s, out, frame_max);
}

bool link_serve_produce(struct link *link, struct buffer *out, size_t frame_max)
{
	int classes = !link->peer_paused ? SERVE_CLASS_COUNT : link_takes_alerts(link) ? 1 : 0;
	for (int c = 0; c < classes; c++) {
		/* The first that can go; the next ones of the class read ahead meanwhile. */
		int ahead = 0;
		list_for_each_safe(&link->serves[c], n)
		{
			if (serve_one(link, list_entry(n, struct serving, node), out, frame_max))
				return true;
			if (++ahead == 4)
				break;
		}
	}
	return false;
}
