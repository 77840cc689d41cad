/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Server-Sent Events. A stream is a place in the store's order of arrivals and is pulled: when its
 * client has taken everything, the next rows are read from the store by a thread; when it has
 * caught up, the node's own events go out at once. So there is neither gap nor double at the seam,
 * and a slow reader costs no memory: it only falls behind.
 */
#include "daemon/api_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "daemon/api_entry.h"
#include "daemon/api_event_text.h"
#include "daemon/api_views.h"
#include "daemon/http_server.h"

#define ROWS_MAX 128u
/** With `detail`: rows are taken while their records are at most so many. */
#define DETAIL_RECORDS_MAX 600u
/** Links and the like are not told to a reader that has more than this to take. */
#define PASSING_BYTES_MAX 65536u
#define KEEP_ALIVE_MS 15000u

struct event_stream {
	struct list_node node; /* of api->streams */
	struct api *api;
	struct http_request *request;
	struct http_stream *stream; /* NULL before the answer and once the client is gone */
	struct store *store;
	bool detail, reading, more;
	bool from_given;
	uint8_t store_epoch[STORE_EPOCH_SIZE];
	uint64_t cursor; /* the newest that was written, or passed over */
	/* of one read */
	struct store_info info;
	struct store_arrival_row rows[ROWS_MAX];
	struct api_feed feeds[ROWS_MAX];
	json_t *records[ROWS_MAX];
	size_t count;
	int code;
};

static void stream_free(void *state)
{
	struct event_stream *s = state;
	for (size_t i = 0; i < ROWS_MAX; i++)
		json_decref(s->records[i]);
	free(s);
}

static int on_row(void *ctx, const struct store_arrival_row *row)
{
	struct event_stream *s = ctx;
	s->rows[s->count++] = *row;
	return 0;
}

static void rows_run(void *state)
{
	struct event_stream *s = state;
	s->count = 0;
	s->code = store_each_arrival(s->store, s->cursor + 1, ROWS_MAX, on_row, s);
}

static void stream_write(struct event_stream *s, struct buffer *b)
{
	if (b->error || http_stream_push(s->stream, buffer_bytes(b)) != 0)
		http_stream_abort(s->stream); /* the client resumes after its last id */
}

/** Writes the first `count` of the rows that were read. */
static void rows_write(struct event_stream *s, size_t count)
{
	struct buffer b;
	buffer_init(&b, HTTP_STREAM_BYTES_MAX);
	for (size_t i = 0; i < count; i++) {
		struct api_event event;
		api_event_of_row(&event, &s->rows[i]);
		event.records = s->records[i];
		api_event_write(&b, s->api->app, s->store_epoch, &event);
		json_decref(s->records[i]);
		s->records[i] = NULL;
		s->cursor = event.arrival;
	}
	s->more = count > 0; /* until a read finds nothing */
	if (b.len > 0 || b.error)
		stream_write(s, &b);
	buffer_deinit(&b);
}

static void stream_go(struct event_stream *s);

static int on_detail(void *ctx, const struct store_entry *from)
{
	struct api_entry *entry = ctx;
	int code = api_entry_take(entry, from, API_ENTRY_VALID);
	return code ? code : 1; /* one at a time: the body is read outside of the transaction */
}

static json_t *records_of(struct event_stream *s, const struct store_arrival_row *row,
	const struct api_feed *feed)
{
	struct api_entry entry;
	json_t *array = json_array();
	int code = 1;
	api_entry_init(&entry, s->store);
	entry.feed = *feed;
	for (uint64_t seq = row->first_seq; array && seq <= row->last_seq && code == 1; seq++) {
		code = store_scan(s->store, &feed->feed_id, seq, false, 1, STORE_READ_BYTES_MAX,
			on_detail, &entry, NULL);
		if (code == 1 && entry.seq == seq && api_entry_parse(&entry) == 0)
			json_array_append_new(array, api_entry_summary(&entry));
	}
	api_entry_deinit(&entry);
	return array;
}

static void detail_run(void *state)
{
	struct event_stream *s = state;
	for (size_t i = 0; i < s->count; i++) {
		if (s->rows[i].kind == STORE_ARRIVAL_RUN && s->feeds[i].network[0])
			s->records[i] = records_of(s, &s->rows[i], &s->feeds[i]);
	}
}

static void detail_done(struct http_request *request, void *state)
{
	struct event_stream *s = state;
	(void)request;
	s->reading = false;
	if (!s->stream)
		return;
	rows_write(s, s->count);
	stream_go(s);
}

/** Looks the feeds up here, so that a thread can name their records. */
static void detail_start(struct event_stream *s)
{
	uint64_t total = 0;
	size_t count = 0;
	while (count < s->count) {
		const struct store_arrival_row *row = &s->rows[count];
		struct api_feed *feed = &s->feeds[count];
		if (row->kind == STORE_ARRIVAL_RUN)
			total += row->last_seq - row->first_seq + 1;
		if (count > 0 && total > DETAIL_RECORDS_MAX)
			break;
		if (row->kind != STORE_ARRIVAL_RUN || !api_feed_of(s->api->app, &row->network_id,
			&row->city_id, row->lane, feed) || !feed->visible)
			memset(feed, 0, sizeof(*feed));
		count++;
	}
	s->count = count;
	http_request_work(s->request, detail_run, detail_done);
}

static void rows_done(struct http_request *request, void *state)
{
	struct event_stream *s = state;
	(void)request;
	if (s->stream && s->code)
		http_stream_abort(s->stream);
	if (s->stream && !s->code && s->detail && s->count > 0) {
		detail_start(s);
		return;
	}
	s->reading = false;
	if (!s->stream || s->code)
		return;
	rows_write(s, s->count);
	stream_go(s);
}

/** Reads on if there may be more and the client has taken what it had. */
static void stream_go(struct event_stream *s)
{
	if (!s->stream || s->reading || !s->more || s->stream->out.len > 0)
		return;
	s->reading = true;
	s->more = false;
	http_request_work(s->request, rows_run, rows_done);
}

static void on_want(struct http_stream *stream)
{
	stream_go(stream->owner);
	stream->wanting = false; /* asked again whenever it has run dry: that costs nothing */
}

static void keep_alive_stop(struct api *api)
{
	if (api->stream_count == 0)
		uv_timer_stop(&api->event_timer);
}

static void on_gone(struct http_stream *stream)
{
	struct event_stream *s = stream->owner;
	s->stream = NULL;
	list_remove(&s->node);
	s->api->stream_count--;
	keep_alive_stop(s->api);
}

static void on_keep_alive(uv_timer_t *timer)
{
	struct api *api = timer->data;
	list_for_each_safe(&api->streams, node) {
		struct event_stream *s = list_entry(node, struct event_stream, node);
		if (s->stream && s->stream->out.len == 0)
			http_stream_push(s->stream, bytes_from_text(":\n\n"));
	}
}

static void begin_run(void *state)
{
	struct event_stream *s = state;
	s->code = store_info(s->store, &s->info);
}

static void begin_done(struct http_request *request, void *state)
{
	struct event_stream *s = state;
	struct api *api = s->api;
	if (s->code) {
		http_respond_error(request, s->code, NULL);
		return;
	}
	bool any_epoch = !s->from_given || s->cursor == 0;
	if ((!any_epoch && memcmp(s->store_epoch, s->info.store_epoch, STORE_EPOCH_SIZE) != 0) ||
		s->cursor > s->info.newest.arrival) {
		http_respond_refusal(request, 410, "gone", "from",
			"The store was made anew since this cursor: start again from 0, or from now.");
		return;
	}
	if (api->closing) {
		http_respond_refusal(request, 503, "stopping", "", "The daemon is stopping.");
		return;
	}
	memcpy(s->store_epoch, s->info.store_epoch, STORE_EPOCH_SIZE);
	if (!s->from_given)
		s->cursor = s->info.newest.arrival;
	s->more = true; /* also what came while the store was asked */
	s->stream = http_stream_new(request, 200, "text/event-stream", HTTP_STREAM_SIZE_UNKNOWN, s,
		on_want, on_gone);
	if (!s->stream)
		return;
	list_push_back(&api->streams, &s->node);
	if (api->stream_count++ == 0)
		uv_timer_start(&api->event_timer, on_keep_alive, KEEP_ALIVE_MS, KEEP_ALIVE_MS);
	http_stream_push(s->stream, bytes_from_text(": hansa\n\n"));
}

void api_events_get(struct http_request *request)
{
	struct api *api = request->ctx;
	const char *from = http_request_query(request, "from");
	uint64_t detail;
	if (!from)
		from = http_request_header(request, "Last-Event-ID");
	if (api->stream_count >= API_EVENT_STREAMS_MAX) {
		http_respond_refusal(request, 429, "busy", "",
			"%u event streams are open: that is the most.", API_EVENT_STREAMS_MAX);
		return;
	}
	if (http_request_query_uint(request, "detail", 0, 1, 0, &detail))
		return;
	struct event_stream *s = calloc(1, sizeof(*s));
	if (!s) {
		http_respond_error(request, ERROR_MEMORY, NULL);
		return;
	}
	http_request_set_state(request, s, stream_free);
	s->api = api;
	s->request = request;
	s->store = api->app->store;
	s->detail = detail;
	s->from_given = from != NULL;
	if (from && strcmp(from, "0") != 0 &&
		api_cursor_parse(from, s->store_epoch, &s->cursor) != 0) {
		http_respond_refusal(request, 400, "field", "from",
			"It must be the id of an event, storeepoch-arrival, or 0.");
		return;
	}
	http_request_work(request, begin_run, begin_done);
}

void api_events_poke(struct api *api)
{
	list_for_each(&api->streams, node) {
		struct event_stream *s = list_entry(node, struct event_stream, node);
		s->more = true;
		stream_go(s);
	}
}

static void stream_tell(struct event_stream *s, const struct api_event *event)
{
	struct buffer b;
	if (event->arrival <= s->cursor)
		return;
	/* Not the very next one, or something is under way: the store has them in order. */
	if (s->detail || s->reading || s->more || s->stream->out.len > 0 ||
		event->arrival != s->cursor + 1) {
		s->more = true;
		stream_go(s);
		return;
	}
	buffer_init(&b, HTTP_STREAM_BYTES_MAX);
	api_event_write(&b, s->api->app, s->store_epoch, event);
	s->cursor = event->arrival;
	if (b.len > 0 || b.error)
		stream_write(s, &b);
	buffer_deinit(&b);
}

void api_events_on_event(struct api *api, const struct node_event *event)
{
	struct api_event arrival;
	struct buffer b;
	bool has_arrival = api_event_of_node(&arrival, event);
	if (list_empty(&api->streams))
		return;
	buffer_init(&b, PASSING_BYTES_MAX);
	if (!has_arrival)
		api_event_write_passing(&b, api->app, event);
	list_for_each_safe(&api->streams, node) {
		struct event_stream *s = list_entry(node, struct event_stream, node);
		if (has_arrival)
			stream_tell(s, &arrival);
		else if (b.len > 0 && s->stream->out.len < PASSING_BYTES_MAX)
			stream_write(s, &b);
	}
	buffer_deinit(&b);
}
