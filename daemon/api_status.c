/* SPDX-License-Identifier: Apache-2.0 */
/** Health, status and metrics. */
#include "daemon/api_internal.h"

#include <stdlib.h>
#include <string.h>

#include "charter/roster.h"
#include "daemon/api_views.h"

void api_status_health(struct http_request *request)
{
	if (api_app(request)->state != APP_RUNNING && api_app(request)->state != APP_STARTING) {
		http_respond_refusal(request, 503, "stopping", "", "The daemon is stopping.");
		return;
	}
	http_respond_json(request, 200,
		json_pack("{s:s, s:s}", "status", "ok", "version", HANSA_VERSION));
}

/** What a thread reads of the store. */
struct store_look {
	struct store *store;
	struct store_info info;
	int code;
};

static void look_run(void *state)
{
	struct store_look *look = state;
	look->code = store_info(look->store, &look->info);
}

static void look_start(struct http_request *request,
	void (*done)(struct http_request *request, void *state))
{
	struct store_look *look = calloc(1, sizeof(*look));
	if (!look) {
		http_respond_error(request, ERROR_MEMORY, NULL);
		return;
	}
	look->store = api_app(request)->store;
	http_request_set_state(request, look, free);
	http_request_work(request, look_run, done);
}

static json_t *city_json(const struct app *app)
{
	char fingerprint[TEXT_FINGERPRINT_SIZE];
	const struct config_city *city = &app->config.city;
	return json_pack("{s:s, s:s, s:s, s:o, s:s}", "name", city->name, "slug", city->slug,
		"country", city->country, "city_id", api_json_hash(&app->identity.city_id),
		"fingerprint",
		text_fingerprint(fingerprint, app->identity.city_public.bytes));
}

static json_t *listen_json(const struct app *app)
{
	json_t *array = json_array();
	const char *address;
	for (size_t i = 0; (address = app_listen_address(app, i)); i++)
		json_array_append_new(array, json_string(address));
	return array;
}

static json_t *advertise_json(const struct app *app)
{
	json_t *array = json_array();
	const char *address;
	for (size_t i = 0; (address = app_advertise_address(app, i)); i++)
		json_array_append_new(array, json_string(address));
	return array;
}

const char *api_view_publishing(const struct app *app, const char **reason)
{
	*reason = "";
	enum node_publishing state = node_publishing(app->node, reason);
	if (!*reason || state == NODE_PUBLISHING_OPEN)
		*reason = "";
	switch (state) {
	case NODE_PUBLISHING_OPEN:
		return "open";
	case NODE_PUBLISHING_RECOVERING:
		return "recovering";
	case NODE_PUBLISHING_TWIN:
		return "twin";
	case NODE_PUBLISHING_STOPPED:
		return "stopped";
	}
	return "stopped";
}

static json_t *networks_json(const struct app *app)
{
	json_t *array = json_array();
	for (size_t i = 0; i < node_network_count(app->node); i++)
		json_array_append_new(array, api_view_network(app, i, false));
	return array;
}

static void status_done(struct http_request *request, void *state)
{
	const struct app *app = api_app(request);
	const struct store_look *look = state;
	char cursor[API_CURSOR_MAX];
	const char *reason;
	if (look->code) {
		http_respond_error(request, look->code, NULL);
		return;
	}
	int64_t up_ms = timestamp_diff_ms(app_now(app).wall, app->started);
	const char *publishing = api_view_publishing(app, &reason);
	json_t *status = json_object();
	json_object_set_new(status, "city", city_json(app));
	json_object_set_new(status, "version", json_string(HANSA_VERSION));
	json_object_set_new(status, "store_epoch",
		api_json_hex(bytes_of(look->info.store_epoch, STORE_EPOCH_SIZE)));
	json_object_set_new(status, "instance", api_json_hex(bytes_of(app->instance, 16)));
	json_object_set_new(status, "uptime_s", json_integer(up_ms > 0 ? up_ms / 1000 : 0));
	json_object_set_new(status, "cursor", json_string(api_cursor_format(cursor,
		look->info.store_epoch, look->info.newest.arrival)));
	json_object_set_new(status, "networks", networks_json(app));
	json_object_set_new(status, "feeds", api_view_feeds(app));
	json_object_set_new(status, "peers", api_view_peers(app));
	json_object_set_new(status, "store", json_pack("{s:o, s:o, s:o}",
		"records", api_json_uint(look->info.records),
		"bytes", api_json_uint(look->info.disk_bytes),
		"free", api_json_uint(look->info.free_bytes)));
	json_object_set_new(status, "listen", listen_json(app));
	json_object_set_new(status, "advertise", advertise_json(app));
	json_object_set_new(status, "publishing",
		json_pack("{s:s, s:s}", "state", publishing, "reason", reason));
	json_object_set_new(status, "paused",
		app->disk_full ? json_string(app->full_reason) : json_null());
	int64_t offset_ms;
	bool heard = node_clock_offset(app->node, &offset_ms);
	json_object_set_new(status, "clock_offset_ms", heard ? json_integer(offset_ms) : json_null());
	json_object_set_new(status, "clock_wrong", json_boolean(node_clock_wrong(app->node)));
	http_respond_json(request, 200, status);
}

void api_status_get(struct http_request *request)
{
	look_start(request, status_done);
}

struct link_sum {
	unsigned states[LINK_STATE_COUNT];
	uint64_t sent, received;
};

static void on_peer(void *ctx, const struct node_peer *peer)
{
	struct link_sum *sum = ctx;
	if ((unsigned)peer->state < LINK_STATE_COUNT)
		sum->states[peer->state]++;
	sum->sent += peer->sent_bytes;
	sum->received += peer->received_bytes;
}

static void metric(struct buffer *b, const char *name, const char *type, const char *help,
	uint64_t value)
{
	buffer_push_format(b, "# HELP %s %s\n# TYPE %s %s\n%s %llu\n", name, help, name, type, name,
		(unsigned long long)value);
}

static void metrics_write(struct buffer *b, const struct app *app, const struct store_info *info)
{
	struct link_sum sum = {0};
	const char *reason;
	int64_t up_ms = timestamp_diff_ms(app_now(app).wall, app->started);
	node_each_peer(app->node, on_peer, &sum);
	buffer_push_format(b, "# HELP hansa_build_info The version that runs\n"
		"# TYPE hansa_build_info gauge\nhansa_build_info{version=\"%s\"} 1\n",
		HANSA_VERSION);
	metric(b, "hansa_uptime_seconds", "gauge", "Since the start",
		up_ms > 0 ? (uint64_t)up_ms / 1000 : 0);
	metric(b, "hansa_records", "gauge", "Entries stored in valid feeds", info->records);
	metric(b, "hansa_feeds", "gauge", "Feeds stored", info->feeds);
	metric(b, "hansa_store_bytes", "gauge", "Size of the database", info->disk_bytes);
	metric(b, "hansa_disk_free_bytes", "gauge", "Free on the store's disk", info->free_bytes);
	metric(b, "hansa_arrivals_total", "counter", "Arrival number of the newest item",
		info->newest.arrival);
	metric(b, "hansa_networks", "gauge", "Networks", node_network_count(app->node));
	buffer_push_text(b, "# HELP hansa_links Links by state\n# TYPE hansa_links gauge\n");
	for (int state = 0; state < LINK_STATE_COUNT; state++)
		buffer_push_format(b, "hansa_links{state=\"%s\"} %u\n",
			link_state_name((enum link_state)state), sum.states[state]);
	metric(b, "hansa_links_sent_bytes", "gauge", "Sent on the links that are open", sum.sent);
	metric(b, "hansa_links_received_bytes", "gauge", "Received on the links that are open",
		sum.received);
	metric(b, "hansa_connections", "gauge", "TCP connections to and from cities",
		app->transport_count);
	metric(b, "hansa_publishing_open", "gauge", "1 if this city can publish",
		strcmp(api_view_publishing(app, &reason), "open") == 0);
	metric(b, "hansa_disk_full", "gauge", "1 while intake is paused for want of room",
		app->disk_full);
}

static void metrics_done(struct http_request *request, void *state)
{
	const struct store_look *look = state;
	struct buffer b;
	if (look->code) {
		http_respond_error(request, look->code, NULL);
		return;
	}
	buffer_init(&b, API_JSON_BYTES_MAX);
	metrics_write(&b, api_app(request), &look->info);
	if (b.error)
		http_respond_error(request, b.error, NULL);
	else
		http_respond_bytes(request, 200, "text/plain; version=0.0.4", buffer_bytes(&b));
	buffer_deinit(&b);
}

void api_metrics_get(struct http_request *request)
{
	look_start(request, metrics_done);
}
