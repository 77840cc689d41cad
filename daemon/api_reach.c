/* SPDX-License-Identifier: Apache-2.0 */
/** Who is reached, by which way, and what is withheld: GET /v1/reach. */
#include "daemon/api_internal.h"

#include "daemon/api_views.h"
#include "daemon/dialer.h"
#include "proto/reach.h"
#include "record/kind.h"

struct reach_view {
	const struct app *app;
	json_t *cities, *failures; /* failures: city_id in hex → what the dialer says */
};

static json_t *time_or_null(struct timestamp time)
{
	return time.ms ? api_json_time(time) : json_null();
}

static void add_failure(void *ctx, const struct dialer_city *city)
{
	struct reach_view *view = ctx;
	json_t *key = api_json_hex(hash_bytes(&city->city_id));
	if (key)
		json_object_set_new(view->failures, json_string_value(key),
			json_pack("{s:b, s:o, s:o, s:s, s:s}", "failing", city->failures > 0, "reached",
				time_or_null(city->reached), "since", time_or_null(city->failing_since), "address",
				city->address, "reason", city->reason));
	json_decref(key);
}

static json_t *withheld_json(const struct reach_city *city)
{
	json_t *array = json_array();
	for (uint8_t lane = 1; lane <= FEED_LANE_COUNT; lane++) {
		const struct reach_lane *l = &city->lanes[lane - 1];
		if (!l->withheld)
			continue;
		json_array_append_new(array,
			json_pack("{s:s, s:o, s:o, s:o}", "lane", lane_name(lane), "first",
				api_json_uint(l->held + 1), "last", api_json_uint(l->named), "since",
				api_json_time(l->since)));
	}
	return array;
}

/* What the dialer knows of it, unless there is a link: the failure is then over. */
static json_t *unreachable_json(const struct reach_city *city, const json_t *failure)
{
	if (city->linked || !json_is_true(json_object_get(failure, "failing")))
		return json_null();
	return json_pack("{s:O, s:O, s:O}", "since", json_object_get(failure, "since"), "address",
		json_object_get(failure, "address"), "reason", json_object_get(failure, "reason"));
}

static void add_city(void *ctx, const struct reach_city *city)
{
	struct reach_view *view = ctx;
	char slug[TEXT_SLUG_MAX + 1], via[TEXT_SLUG_MAX + 1];
	if (city->own)
		return;
	json_t *id = api_json_hex(hash_bytes(&city->city_id));
	const json_t *failure = json_object_get(view->failures, json_string_value(id));
	api_city_slug(view->app, &city->city_id, slug);
	api_city_slug(view->app, &city->via, via);
	bool relayed = city->heard && !hash_equal(&city->via, &city->city_id) && via[0];
	json_array_append_new(view->cities,
		json_pack("{s:s, s:s, s:o, s:b, s:o, s:o, s:b, s:s?, s:o, s:o, s:o}", "network",
			city->network, "city", slug, "city_id", id, "linked", city->linked, "beacon",
			city->heard ? api_json_time(city->time) : json_null(), "amendment",
			city->heard ? api_json_uint(city->amendment_number) : json_null(), "overdue",
			city->overdue, "relayed_by", relayed ? via : NULL, "reached",
			failure ? json_incref(json_object_get(failure, "reached")) : json_null(),
			"unreachable", unreachable_json(city, failure), "withheld", withheld_json(city)));
}

static json_t *charters_json(const struct app *app)
{
	json_t *array = json_array();
	for (size_t i = 0; i < node_network_count(app->node); i++) {
		uint64_t number;
		struct timestamp since;
		const struct hash *id = roster_network_id(node_network_roster(app->node, i));
		if (!id || !reach_charter_withheld(app->node, id, &number, &since))
			continue;
		json_array_append_new(array,
			json_pack("{s:s, s:o, s:o}", "network", node_network_slug(app->node, i), "amendment",
				api_json_uint(number), "since", api_json_time(since)));
	}
	return array;
}

void api_reach_get(struct http_request *request)
{
	struct reach_view view = {
		.app = api_app(request), .cities = json_array(), .failures = json_object()};
	dialer_each_city(view.app->dialer, add_failure, &view);
	reach_each_city(view.app->node, add_city, &view);
	json_decref(view.failures);
	http_respond_json(request, 200,
		json_pack("{s:o, s:o}", "cities", view.cities, "charters", charters_json(view.app)));
}
