/* SPDX-License-Identifier: Apache-2.0 */
/** POST of records: one as JSON or CAP here; many as NDJSON in api_bulk.c. */
#include "daemon/api_publish.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "daemon/api_quick.h"
#include "daemon/api_standing.h"
#include "format/cap.h"

/** Smaller ones are checked at once on the loop: a thread costs more than the work. */
#define INLINE_BYTES_MAX 16384u
/** How long one waits while this city takes its own feeds back. */
#define RECOVERING_WAIT_MS 30000
#define RECOVERING_LOOK_MS 200

/** One record under way. Lines of NDJSON have another state: `bulk` tells them apart. */
struct publish {
	struct http_request *request;
	struct list_node node; /* of api->drafts, while it waits */
	struct api_draft_scope scope;
	struct api_draft draft;
	struct buffer input, out;
	char *topics;
	bool cap;
	struct monotime give_up;
};

static void publish_free(void *state)
{
	struct publish *p = state;
	list_remove(&p->node);
	api_draft_deinit(&p->draft);
	buffer_deinit(&p->input);
	buffer_deinit(&p->out);
	free(p->topics);
	free(p);
}

int api_publish_state(
	const struct app *app, struct http_error *error, bool *recovering, struct complaint *c)
{
	const char *reason = NULL;
	enum node_publishing state = node_publishing(app->node, &reason);
	if (recovering)
		*recovering = state == NODE_PUBLISHING_RECOVERING;
	switch (state) {
	case NODE_PUBLISHING_OPEN:
		return 0;
	case NODE_PUBLISHING_RECOVERING:
		*error = (struct http_error){503, "recovering"};
		return complain(c, ERROR_STATE, "", "%s",
			reason && reason[0]
				? reason
				: "This city takes its own records back from the other members first.");
	case NODE_PUBLISHING_TWIN:
		*error = (struct http_error){409, "state"};
		return complain(c, ERROR_STATE, "", "%s",
			reason && reason[0] ? reason : "Another daemon runs with the same node key.");
	case NODE_PUBLISHING_STOPPED:
		break;
	}
	*error = (struct http_error){503, "stopping"};
	return complain(
		c, ERROR_STATE, "", "%s", reason && reason[0] ? reason : "Publishing has stopped.");
}

static void complain_forked(const struct api_draft_scope *scope, struct complaint *c)
{
	for (unsigned i = 0; i < LANE_MAX; i++) {
		struct node_feed feed;
		if (!node_feed_find(scope->app->node, &scope->lanes[i].feed_id, &feed) ||
			!feed.forked_from)
			continue;
		complain(c, ERROR_FORK, "lane",
			"Two histories of this city's %s lane were signed from number %llu on, by another "
			"server with its key or after a restore: no member takes more of it. `hansa key renew` "
			"begins anew behind what this server holds.",
			lane_name(feed.lane), (unsigned long long)feed.forked_from);
		return;
	}
}

static void complain_quota(const struct api_draft_scope *scope, struct complaint *c)
{
	char time[TIMESTAMP_TEXT_MAX], limit[96] = "";
	struct timestamp now = app_now(scope->app).wall;
	for (unsigned i = 0; i < LANE_MAX; i++) {
		const struct api_feed *feed = &scope->lanes[i];
		struct node_quota q;
		if (!node_quota(scope->app->node, &feed->network_id, (uint8_t)(i + 1), &q) ||
			q.free_at.ms <= now.ms)
			continue;
		if (q.entries_a_day)
			snprintf(limit, sizeof limit, "%llu records", (unsigned long long)q.entries_a_day);
		if (q.bytes_a_day)
			snprintf(limit + strlen(limit), sizeof limit - strlen(limit), "%s%llu bytes",
				q.entries_a_day ? " and " : "", (unsigned long long)q.bytes_a_day);
		complain(c, ERROR_QUOTA, "lane",
			"The quota that %s sets for this city's %s lane is used up: %s a day. This record fits "
			"in again from %s on.",
			feed->network, lane_name((uint8_t)(i + 1)), limit, timestamp_format(q.free_at, time));
		return;
	}
}

struct http_error api_publish_refusal(
	const struct api_draft_scope *scope, int code, struct complaint *c)
{
	struct http_error error = http_error_of(code);
	char notice[API_STANDING_MAX];
	if (code == ERROR_STATE && api_publish_state(scope->app, &error, NULL, c) != 0)
		return error;
	if (code == ERROR_FULL) {
		complain(
			c, code, "", "%s", scope->app->disk_full ? scope->app->full_reason : error_text(code));
		return (struct http_error){503, "paused"};
	}
	if (code == ERROR_NOT_MEMBER || code == ERROR_CUT || code == ERROR_EPOCH_UNKNOWN) {
		api_standing_notice(scope->app, &scope->lanes[0].network_id, notice);
		complain(c, code, "network", "%s", notice[0] ? notice : error_text(code));
		if (code != ERROR_NOT_MEMBER)
			return (struct http_error){409, "state"};
	}
	if (code == ERROR_FORK)
		complain_forked(scope, c);
	if (code == ERROR_QUOTA)
		complain_quota(scope, c);
	if (code == ERROR_BUSY)
		complain(c, code, "", "Too much waits to be published: try again in a moment.");
	return error;
}

static void respond_refused(
	struct http_request *request, struct http_error error, const struct complaint *c)
{
	http_respond_json(request, error.status, http_error_json(error.code, c->field, c->reason));
}

static void respond_published(struct publish *p, const struct node_published *result)
{
	char text[API_RECORD_ID_MAX + TEXT_HEX_SIZE(HASH_SIZE) + TIMESTAMP_TEXT_MAX + 128];
	char id[API_RECORD_ID_MAX], hex[TEXT_HEX_SIZE(HASH_SIZE)], time[TIMESTAMP_TEXT_MAX];
	/* Slugs and hex need no escaping. */
	int len = snprintf(text, sizeof(text),
		"{\"id\":\"%s\",\"hash\":\"%s\",\"seq\":%llu,\"time\":\"%s\"}\n",
		api_record_id(id, &p->scope.lanes[p->draft.lane - 1], result->seq, 0),
		text_hex_encode(hex, hash_bytes(&result->entry_hash)), (unsigned long long)result->seq,
		timestamp_format(timestamp_from_ms((int64_t)p->draft.time_ms), time));
	require(len > 0 && (size_t)len < sizeof(text));
	http_respond_bytes(p->request, 201, "application/json", bytes_of(text, (size_t)len));
}

static void on_published(void *ctx, const struct node_published *result)
{
	struct http_request *request = ctx;
	struct publish *p = request->state;
	struct complaint complaint = {.field = "", .reason = ""};
	if (result->code) {
		struct http_error error = api_publish_refusal(&p->scope, result->code, &complaint);
		if (!complaint.reason[0])
			complain(&complaint, 0, "", "%s", error_text(result->code));
		respond_refused(request, error, &complaint);
	} else {
		respond_published(p, result);
	}
	http_request_unref(request);
}

static void publish_now(struct publish *p)
{
	struct app *app = p->scope.app;
	struct complaint complaint = {.field = "", .reason = ""};
	struct http_error error;
	http_request_ref(p->request);
	int code = node_publish(app->node, &p->scope.lanes[0].network_id, p->draft.lane,
		api_draft_header(&p->draft), api_draft_body(&p->draft), on_published, p->request,
		app_now(app));
	if (!code)
		return;
	error = api_publish_refusal(&p->scope, code, &complaint);
	if (!complaint.reason[0])
		complain(&complaint, 0, "", "%s", error_text(code));
	respond_refused(p->request, error, &complaint);
	http_request_unref(p->request);
}

static void waiting_look(struct api *api, bool give_up);

static void on_draft_timer(uv_timer_t *timer)
{
	waiting_look(timer->data, false);
}

/** Publishes, or waits until it can be, or says why not. */
static void publish_when_open(struct publish *p)
{
	struct api *api = p->request->ctx;
	struct complaint complaint = {.field = "", .reason = ""};
	struct http_error error;
	bool recovering;
	if (api_publish_state(p->scope.app, &error, &recovering, &complaint) == 0) {
		publish_now(p);
	} else if (recovering && !api->closing) {
		p->give_up = monotime_add_ms(app_now(p->scope.app).mono, RECOVERING_WAIT_MS);
		http_request_ref(p->request);
		list_push_back(&api->drafts, &p->node);
		uv_timer_start(&api->draft_timer, on_draft_timer, RECOVERING_LOOK_MS, RECOVERING_LOOK_MS);
	} else {
		respond_refused(p->request, error, &complaint);
	}
}

static void waiting_look(struct api *api, bool give_up)
{
	struct monotime now = app_now(api->app).mono;
	list_for_each_safe(&api->drafts, node)
	{
		struct publish *p = list_entry(node, struct publish, node);
		struct http_request *request = p->request;
		struct complaint complaint = {.field = "", .reason = ""};
		struct http_error error;
		bool recovering, open;
		open = api_publish_state(api->app, &error, &recovering, &complaint) == 0;
		if (!open && recovering && !give_up && !monotime_reached(now, p->give_up))
			continue;
		list_remove(&p->node);
		if (open)
			publish_now(p);
		else
			respond_refused(request, error, &complaint);
		http_request_unref(request);
	}
	if (list_empty(&api->drafts))
		uv_timer_stop(&api->draft_timer);
}

void api_publish_on_event(struct api *api, const struct node_event *event)
{
	if (event->type == NODE_EVENT_STATE && !list_empty(&api->drafts))
		waiting_look(api, false);
}

void api_publish_close(struct api *api)
{
	waiting_look(api, true);
}

static void on_original_saved(void *ctx, int code)
{
	struct http_request *request = ctx;
	if (code)
		http_respond_error(request, code, NULL);
	else
		publish_when_open(request->state);
	http_request_unref(request);
}

static void draft_ready(struct publish *p)
{
	struct api_draft *draft = &p->draft;
	if (draft->code) {
		http_respond_error(p->request, draft->code, &draft->complaint);
		return;
	}
	if (!draft->save || draft->save->exists) {
		publish_when_open(p);
		return;
	}
	http_request_ref(p->request);
	int code = api_attachment_save_commit(draft->save, on_original_saved, p->request);
	if (code)
		on_original_saved(p->request, code);
}

static void finish_run(void *state)
{
	api_draft_finish(&((struct publish *)state)->draft);
}

static void finish_done(struct http_request *request, void *state)
{
	(void)request;
	draft_ready(state);
}

static void draft_parsed(struct publish *p)
{
	if (!p->draft.code && p->draft.needs_names)
		api_draft_names(&p->draft);
	if (!p->draft.code && p->draft.needs_store)
		http_request_work(p->request, finish_run, finish_done);
	else
		draft_ready(p);
}

static void parse_run(void *state)
{
	struct publish *p = state;
	if (p->cap)
		api_draft_parse_cap(&p->draft, buffer_bytes(&p->input), p->topics);
	else
		api_draft_parse(&p->draft, buffer_bytes(&p->input));
}

static void parse_done(struct http_request *request, void *state)
{
	(void)request;
	draft_parsed(state);
}

static void publish_begin(struct http_request *request)
{
	struct api *api = request->ctx;
	struct complaint complaint = {.field = "", .reason = ""};
	struct api_draft_scope scope;
	size_t index;
	bool json = !http_request_has_type(request) ||
		http_request_is_type(request, "application/json");
	bool bulk = http_request_is_type(request, "application/x-ndjson");
	bool cap = http_request_is_type(request, CAP_MEDIA_TYPE) ||
		http_request_is_type(request, "text/xml") ||
		http_request_is_type(request, "application/xml");
	if (!json && !bulk && !cap) {
		http_respond_refusal(request, 415, "media_type", "",
			"A record comes as "
			"application/json, application/cap+xml or application/x-ndjson.");
		return;
	}
	if (!api_network_of(request, &index))
		return;
	int code = api_draft_scope_init(
		&scope, api->app, api->alerts, index, api->last_scope, &complaint);
	if (code) {
		http_respond_error(request, code, &complaint);
		return;
	}
	if (bulk) {
		api_bulk_begin(request, &scope);
		return;
	}
	struct publish *p = calloc(1, sizeof(*p));
	if (!p) {
		http_respond_error(request, ERROR_MEMORY, NULL);
		return;
	}
	http_request_set_state(request, p, publish_free);
	p->request = request;
	p->scope = scope;
	p->cap = cap;
	buffer_init(&p->input, cap ? CAP_SIZE_MAX : API_JSON_BYTES_MAX);
	buffer_init(&p->out, HEADER_SIZE_MAX + HEADER_BODY_SIZE_MAX);
	const char *topics = http_request_query(request, "topics");
	if (topics && !(p->topics = strdup(topics)))
		http_respond_error(request, ERROR_MEMORY, NULL);
}

static bool is_bulk(const struct http_request *request)
{
	return request->state_free != publish_free;
}

static size_t publish_data(struct http_request *request, struct bytes bytes)
{
	struct publish *p = request->state;
	if (is_bulk(request))
		return api_bulk_data(request, bytes);
	int code = buffer_push_bytes(&p->input, bytes);
	if (code == ERROR_SIZE)
		http_respond_refusal(request, 413, "size", "",
			"The record is too large: at most %zu bytes are taken.", p->input.max);
	else if (code)
		http_respond_error(request, code, NULL);
	return bytes.len;
}

static void publish_end(struct http_request *request)
{
	struct publish *p = request->state;
	if (is_bulk(request)) {
		api_bulk_end(request);
		return;
	}
	api_draft_init(&p->draft, &p->scope, (uint64_t)app_now(p->scope.app).wall.ms, &p->out);
	if (p->input.len > INLINE_BYTES_MAX) {
		http_request_work(request, parse_run, parse_done);
		return;
	}
	struct api *api = request->ctx;
	if (p->cap || !api_quick_parse(api->quick, &p->draft, buffer_bytes(&p->input)))
		parse_run(p);
	draft_parsed(p);
}

const struct http_upload api_publish_upload = {publish_begin, publish_data, publish_end};
