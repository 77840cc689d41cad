/* SPDX-License-Identifier: Apache-2.0 */
/** Peers, the node key, the log: the admin's hand. */
#include "daemon/api_internal.h"

#include <stdlib.h>
#include <string.h>

#include "charter/roster.h"
#include "daemon/api_views.h"
#include "daemon/dialer.h"
#include "daemon/log_sink.h"

/** The slugs of denied cities, each once though it may be in several networks. */
static json_t *denied_json(const struct app *app)
{
	json_t *seen = json_object(), *array = json_array();
	for (size_t i = 0; i < node_network_count(app->node); i++) {
		const struct roster *roster = node_network_roster(app->node, i);
		for (size_t m = 0; m < roster_member_count(roster); m++) {
			char slug[TEXT_SLUG_MAX + 1];
			const struct hash *id = &roster_member_at(roster, m)->city_id;
			if (!node_denied(app->node, id))
				continue;
			api_city_slug(app, id, slug);
			if (json_object_get(seen, slug))
				continue;
			json_object_set_new(seen, slug, json_true());
			json_array_append_new(array, json_string(slug));
		}
	}
	json_decref(seen);
	return array;
}

void api_peer_list(struct http_request *request)
{
	const struct app *app = api_app(request);
	http_respond_json(request, 200, json_pack("{s:o, s:o}", "peers", api_view_peers(app),
		"denied", denied_json(app)));
}

static void deny_set(struct http_request *request, bool deny)
{
	struct app *app = api_app(request);
	const char *slug = http_request_parameter(request, "city");
	struct hash city_id;
	if (api_city_find(app, slug, &city_id) != 0) {
		http_respond_refusal(request, 404, "not_found", "city",
			"No network known here has a city '%s'.", slug);
		return;
	}
	if (deny && hash_equal(&city_id, &app->identity.city_id)) {
		http_respond_refusal(request, 400, "field", "city",
			"This is the city itself: it has no link to itself.");
		return;
	}
	int code = node_deny(app->node, &city_id, deny, app_now(app));
	if (code) {
		http_respond_error(request, code, NULL);
		return;
	}
	/* The other end was refused, and may not dial again for a minute. */
	if (!deny)
		dialer_ask(app->dialer, &city_id);
	http_respond_empty(request);
}

void api_peer_deny(struct http_request *request)
{
	deny_set(request, true);
}

void api_peer_allow(struct http_request *request)
{
	deny_set(request, false);
}

static void on_renewed(void *ctx, int code, const char *reason)
{
	struct http_request *request = ctx;
	const struct app *app = api_app(request);
	if (code) {
		struct complaint complaint = {.field = "", .reason = ""};
		if (reason)
			complain(&complaint, code, "", "%s", reason);
		http_respond_error(request, code, &complaint);
		http_request_unref(request);
		return;
	}
	json_t *epochs = json_array();
	for (size_t i = 0; i < node_network_count(app->node); i++) {
		const struct roster_member *me = roster_member_by_city(
			node_network_roster(app->node, i), &app->identity.city_id);
		if (me)
			json_array_append_new(epochs, json_pack("{s:s, s:i}", "network",
				node_network_slug(app->node, i), "epoch", (int)me->epoch));
	}
	http_respond_json(request, 200, json_pack("{s:o, s:o}", "node_key",
		api_json_hex(public_key_bytes(&app->identity.node_public)), "epochs", epochs));
	http_request_unref(request);
}

void api_key_renew(struct http_request *request)
{
	struct complaint complaint = {.field = "", .reason = ""};
	static const char *const known[] = {"force"};
	json_t *json = http_request_json(request);
	if (!json)
		return;
	int code = api_json_only(json, known, 1, &complaint);
	const json_t *force = json_object_get(json, "force");
	if (!code && force && !json_is_boolean(force))
		code = complain(&complaint, ERROR_FIELD, "force", "must be true or false");
	http_request_ref(request);
	if (!code)
		code = app_renew_key(
			api_app(request), json_is_true(force), on_renewed, request, &complaint);
	if (code) {
		http_respond_error(request, code, &complaint);
		http_request_unref(request);
	}
	json_decref(json);
}

static void add_missing(void *ctx, const struct node_missing *missing)
{
	static const char *const names[] = {[NODE_MISSING_CHARTER] = "charter",
		[NODE_MISSING_WORD] = "word",
		[NODE_MISSING_ENTRIES] = "records"};
	json_t *array = ctx;
	json_array_append_new(array,
		json_pack("{s:s, s:s?, s:s?, s:o, s:o, s:o, s:i}", "what", names[missing->what], "network",
			missing->network, "lane", missing->lane ? lane_name(missing->lane) : NULL, "held",
			api_json_uint(missing->held), "known", api_json_uint(missing->known), "offered",
			api_json_uint(missing->offered), "linked", (int)missing->linked));
}

void api_publishing_get(struct http_request *request)
{
	const struct app *app = api_app(request);
	const char *reason;
	const char *state = api_view_publishing(app, &reason);
	json_t *missing = json_array();
	node_each_missing(app->node, add_missing, missing);
	http_respond_json(request, 200,
		json_pack("{s:s, s:s, s:o}", "state", state, "reason", reason, "missing", missing));
}

struct log_walk {
	struct buffer text;
	uint64_t after;
};

static void on_line(void *ctx, uint64_t number, const char *line, size_t len)
{
	struct log_walk *walk = ctx;
	if (number <= walk->after)
		return;
	buffer_push(&walk->text, line, len);
	buffer_push_u8(&walk->text, '\n');
}

static void on_count(void *ctx, uint64_t number, const char *line, size_t len)
{
	(void)ctx;
	(void)number;
	(void)line;
	(void)len;
}

void api_log_get(struct http_request *request)
{
	struct log_walk walk = {.after = 0};
	uint64_t lines;
	if (http_request_query_uint(request, "lines", 1, 10000, 100, &lines))
		return;
	uint64_t newest = log_sink_each(UINT64_MAX, on_count, NULL);
	walk.after = newest > lines ? newest - lines : 0;
	buffer_init(&walk.text, LOG_SINK_RING_LINES * (size_t)(LOG_LINE_MAX + 64));
	log_sink_each(walk.after, on_line, &walk);
	if (walk.text.error)
		http_respond_error(request, walk.text.error, NULL);
	else
		http_respond_bytes(request, 200, "text/plain; charset=utf-8",
			buffer_bytes(&walk.text));
	buffer_deinit(&walk.text);
}
