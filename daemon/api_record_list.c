/* SPDX-License-Identifier: Apache-2.0 */
/** GET /v1/records. */
#include "daemon/api_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "charter/roster.h"
#include "daemon/api_list.h"

/** A time, or a date, which is its beginning in UTC. */
static int time_query(struct http_request *request, const char *name, uint64_t *ms)
{
	const char *text = http_request_query(request, name);
	char whole[40];
	struct timestamp time;
	if (!text)
		return 0;
	snprintf(whole, sizeof(whole), strlen(text) == 10 ? "%sT00:00:00Z" : "%s", text);
	if (timestamp_parse_rfc3339(bytes_from_text(whole), &time) != 0) {
		http_respond_refusal(request, 400, "field", name,
			"It must be a date or a time, such as 2026-01-31 or 2026-01-31T12:00:00Z.");
		return ERROR_FIELD;
	}
	*ms = time.ms < 0 ? 0 : (uint64_t)time.ms;
	return 0;
}

static int filter_read(struct http_request *request, struct api_list *list)
{
	struct api_list_filter *f = &list->filter;
	const char *kind = http_request_query(request, "kind");
	const char *topic = http_request_query(request, "topic");
	const char *open = http_request_query(request, "open");
	const char *before = http_request_query(request, "before");
	uint64_t limit;
	f->until_ms = UINT64_MAX;
	if (kind && !kind_known(f->kind = kind_parse(bytes_from_text(kind)))) {
		http_respond_refusal(request, 400, "field", "kind",
			"It must be alert, call, doc or meta.");
		return ERROR_FIELD;
	}
	if (topic && (!topic[0] || strlen(topic) >= sizeof(f->topic))) {
		http_respond_refusal(request, 400, "field", "topic", "A topic has 1 to 64 bytes.");
		return ERROR_FIELD;
	}
	if (topic)
		memcpy(f->topic, topic, strlen(topic) + 1);
	if (open && strcmp(open, "false") != 0 && strcmp(open, "0") != 0)
		f->open_at_ms = (uint64_t)app_now(api_app(request)).wall.ms;
	if (before && (list->has_before = true) && api_list_place_parse(before, &list->before)) {
		http_respond_refusal(request, 400, "field", "before",
			"It must be `next` of the page before.");
		return ERROR_FIELD;
	}
	if (time_query(request, "since", &f->since_ms) ||
		time_query(request, "until", &f->until_ms) ||
		http_request_query_uint(request, "limit", 1, API_LIST_PAGE_MAX, 100, &limit))
		return ERROR_FIELD;
	f->limit = (unsigned)limit;
	return 0;
}

struct feed_walk {
	const struct app *app;
	struct api_list *list;
	const struct hash *network_id; /* NULL: any */
	const char *city;              /* NULL: any */
	int code;
};

static void on_feed(void *ctx, const struct node_feed *feed)
{
	struct feed_walk *walk = ctx;
	unsigned kind = walk->list->filter.kind;
	struct api_feed names;
	if (walk->code || (kind && lane_of_kind(kind) != feed->lane) ||
		(walk->network_id && !hash_equal(walk->network_id, &feed->network_id)) ||
		!api_feed_of(walk->app, &feed->network_id, &feed->city_id, feed->lane, &names) ||
		!names.visible || (walk->city && strcmp(walk->city, names.city) != 0))
		return;
	walk->code = api_list_add(walk->list, &names);
}

static int feeds_find(struct http_request *request, struct api_list *list)
{
	const struct app *app = api_app(request);
	const char *network = http_request_query(request, "network");
	struct complaint complaint = {.field = "", .reason = ""};
	struct feed_walk walk = {.app = app, .list = list,
		.city = http_request_query(request, "city")};
	struct hash city_id;
	size_t index;
	int code = network ? api_network_find(app, network, &index, &complaint) : 0;
	if (!code && walk.city && api_city_find(app, walk.city, &city_id) != 0)
		code = complain(&complaint, ERROR_NOT_FOUND, "city",
			"No network known here has a city '%s'.", walk.city);
	if (!code) {
		if (network)
			walk.network_id = roster_network_id(node_network_roster(app->node, index));
		node_each_feed(app->node, on_feed, &walk);
		code = walk.code;
	}
	if (code)
		http_respond_error(request, code, &complaint);
	return code;
}

static void list_free(void *state)
{
	api_list_deinit(state);
	free(state);
}

static void list_run(void *state)
{
	api_list_run(state);
}

static void list_done(struct http_request *request, void *state)
{
	const struct api_list *list = state;
	char next[API_LIST_CURSOR_MAX];
	if (list->code) {
		http_respond_error(request, list->code, NULL);
		return;
	}
	http_respond_json(request, 200, json_pack("{s:O, s:o}", "records", list->records, "next",
		list->more ? json_string(api_list_place_format(next, &list->next)) : json_null()));
}

void api_record_list(struct http_request *request)
{
	struct api_list *list = calloc(1, sizeof(*list));
	if (!list) {
		http_respond_error(request, ERROR_MEMORY, NULL);
		return;
	}
	http_request_set_state(request, list, list_free);
	list->store = api_app(request)->store;
	list->alerts = ((struct api *)request->ctx)->alerts;
	if (filter_read(request, list) == 0 && feeds_find(request, list) == 0)
		http_request_work(request, list_run, list_done);
}
