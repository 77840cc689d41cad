/* SPDX-License-Identifier: Apache-2.0 */
/** Networks: looking at them, and making one. */
#include "daemon/api_internal.h"

#include <stdlib.h>

#include "charter/draft.h"
#include "charter/roster.h"
#include "daemon/api_signed.h"
#include "daemon/api_views.h"
#include "feed/feed.h"

void api_network_list(struct http_request *request)
{
	const struct app *app = api_app(request);
	json_t *array = json_array();
	for (size_t i = 0; i < node_network_count(app->node); i++)
		json_array_append_new(array, api_view_network(app, i, true));
	http_respond_json(request, 200, json_pack("{s:o}", "networks", array));
}

void api_network_get(struct http_request *request)
{
	size_t index;
	if (api_network_of(request, &index))
		http_respond_json(request, 200, api_view_network(api_app(request), index, true));
}

static json_t *member_feeds(const struct app *app, const struct hash *network_id,
	const struct hash *city_id)
{
	json_t *array = json_array();
	for (uint8_t lane = LANE_MIN; lane <= LANE_MAX; lane++) {
		struct hash feed_id;
		struct node_feed feed;
		if (feed_id_of(network_id, city_id, lane, &feed_id) != 0 ||
			!node_feed_find(app->node, &feed_id, &feed) || feed.seq == 0)
			continue;
		json_array_append_new(array, json_pack("{s:s, s:o, s:o, s:b, s:o}",
			"lane", lane_name(lane), "seq", api_json_uint(feed.seq),
			"hash", api_json_hash(&feed.entry_hash), "frozen", (int)feed.frozen,
			"forked_from", feed.forked_from ? api_json_uint(feed.forked_from) : json_null()));
	}
	return array;
}

struct heard_walk {
	const struct hash *city_id;
	struct timestamp last;
};

static void on_peer(void *ctx, const struct node_peer *peer)
{
	struct heard_walk *walk = ctx;
	if (hash_equal(&peer->city_id, walk->city_id) && walk->last.ms < peer->last_heard.ms)
		walk->last = peer->last_heard;
}

static json_t *member_json(const struct app *app, const struct hash *network_id,
	const struct roster_member *m)
{
	char fingerprint[TEXT_FINGERPRINT_SIZE];
	struct heard_walk heard = {.city_id = &m->city_id};
	json_t *addresses = json_array();
	for (size_t i = 0; m->addresses && i < m->addresses->count; i++)
		json_array_append_new(addresses, api_json_text(m->addresses->addresses[i]));
	node_each_peer(app->node, on_peer, &heard);
	json_t *json = json_object();
	json_object_set_new(json, "city", api_json_text(m->slug));
	json_object_set_new(json, "name", api_json_text(m->name));
	json_object_set_new(json, "country", api_json_text(m->country));
	json_object_set_new(json, "city_id", api_json_hash(&m->city_id));
	json_object_set_new(json, "standing", json_string(member_status_name(m->status)));
	json_object_set_new(json, "confirmed", json_boolean(m->confirmed));
	json_object_set_new(json, "frozen", json_boolean(m->frozen));
	json_object_set_new(json, "given_by_officers", json_boolean(m->given_by_officers));
	json_object_set_new(json, "me",
		json_boolean(hash_equal(&m->city_id, &app->identity.city_id)));
	json_object_set_new(json, "fingerprint",
		json_string(text_fingerprint(fingerprint, m->city_key.bytes)));
	json_object_set_new(json, "city_key", api_json_hex(public_key_bytes(&m->city_key)));
	json_object_set_new(json, "node_key", api_json_hex(public_key_bytes(&m->node_key)));
	json_object_set_new(json, "epoch", api_json_uint(m->epoch));
	json_object_set_new(json, "addresses", addresses);
	json_object_set_new(json, "admitted", api_json_ms(m->admitted_time));
	json_object_set_new(json, "last_heard", api_json_time(heard.last));
	json_object_set_new(json, "feeds", member_feeds(app, network_id, &m->city_id));
	return json;
}

void api_network_members(struct http_request *request)
{
	size_t index;
	const struct roster *roster = api_network_of(request, &index);
	json_t *array = json_array();
	if (!roster) {
		json_decref(array);
		return;
	}
	for (size_t i = 0; i < roster_member_count(roster); i++)
		json_array_append_new(array, member_json(api_app(request),
			roster_network_id(roster), roster_member_at(roster, i)));
	http_respond_json(request, 200, json_pack("{s:o}", "members", array));
}

static int genesis_make(const struct app *app, const json_t *json, struct officers *officers,
	struct buffer *body, struct complaint *c)
{
	static const char *const known[] = {"name", "slug", "officers", "k"};
	const struct config_city *city = &app->config.city;
	const char *name, *slug;
	struct draft_network draft = {.founder_count = 1};
	struct draft_founder founder = {.slug = bytes_from_text(city->slug),
		.name = bytes_from_text(city->name), .country = bytes_from_text(city->country),
		.city_secret = app->identity.city_key, .node_secret = app->identity.node_key};
	int code = api_json_only(json, known, 4, c);
	if (!code)
		code = api_json_get_text(json, "name", 1, CHARTER_NAME_MAX, &name, c);
	if (!code)
		code = api_json_get_text(json, "slug", 1, TEXT_SLUG_MAX, &slug, c);
	if (!code && !text_slug_valid(bytes_from_text(slug)))
		code = complain(c, ERROR_FIELD, "slug", "A short name has 1 to 32 of a-z, 0-9 and "
			"single dashes, and begins with a letter.");
	if (!code && !charter_name_valid(bytes_from_text(name), CHARTER_NAME_MAX))
		code = complain(c, ERROR_FIELD, "name", "It must be a name of one line.");
	if (!code)
		code = api_officers_read(json, officers, c);
	if (!code && !app->identity.city_key)
		code = complain(c, ERROR_STATE, "", "The city key is not in the data folder: put it "
			"there while the network is made.");
	if (!code)
		code = random_bytes(draft.nonce, sizeof(draft.nonce));
	if (code)
		return code;
	memcpy(founder.sealing_key, app->identity.sealing_public, sizeof(founder.sealing_key));
	draft.name = bytes_from_text(name);
	draft.slug = bytes_from_text(slug);
	draft.officers = *officers;
	draft.time_ms = (uint64_t)app_now(app).wall.ms;
	draft.founders = &founder;
	return draft_genesis(&draft, body);
}

void api_network_prepare(struct http_request *request)
{
	struct complaint complaint = {.field = "", .reason = ""};
	struct officers officers;
	struct buffer body;
	struct hash network_id;
	struct amendment_message message;
	json_t *json = http_request_json(request);
	if (!json)
		return;
	buffer_init(&body, API_BODY_BYTES_MAX);
	int code = genesis_make(api_app(request), json, &officers, &body, &complaint);
	if (!code)
		code = genesis_network_id(buffer_bytes(&body), &network_id);
	if (!code)
		code = draft_message(OBJECT_GENESIS, buffer_bytes(&body), &message);
	if (code)
		http_respond_error(request, code, &complaint);
	else
		http_respond_json(request, 200, api_prepared(NULL, &network_id, &officers,
			buffer_bytes(&body), bytes_of(message.bytes, sizeof(message.bytes))));
	buffer_deinit(&body);
	json_decref(json);
}

/** What is asked for again once the genesis is committed. */
static void on_created(void *ctx, int code, const struct hash *object_hash, uint64_t arrival)
{
	struct http_request *request = ctx;
	const struct app *app = api_app(request);
	const struct hash *network_id = request->state;
	(void)object_hash;
	(void)arrival;
	if (code) {
		http_respond_error(request, code, NULL);
		http_request_unref(request);
		return;
	}
	size_t found = node_network_count(app->node);
	for (size_t i = 0; i < node_network_count(app->node); i++) {
		if (hash_equal(roster_network_id(node_network_roster(app->node, i)), network_id))
			found = i;
	}
	if (found == node_network_count(app->node))
		http_respond_error(request, ERROR_NOT_FOUND, NULL);
	else
		http_respond_json(request, 201, api_view_network(app, found, true));
	http_request_unref(request);
}

void api_network_create(struct http_request *request)
{
	struct app *app = api_app(request);
	struct complaint complaint = {.field = "", .reason = ""};
	struct api_signed s;
	struct buffer wire;
	struct hash *network_id = calloc(1, sizeof(*network_id));
	json_t *json = http_request_json(request);
	if (!json || !network_id) {
		if (json)
			http_respond_error(request, ERROR_MEMORY, NULL);
		free(network_id);
		json_decref(json);
		return;
	}
	http_request_set_state(request, network_id, free);
	buffer_init(&wire, API_BODY_BYTES_MAX);
	int code = api_signed_read(json, &s, &complaint);
	if (!code)
		code = genesis_network_id(buffer_bytes(&s.body), network_id);
	if (!code)
		code = draft_seal(OBJECT_GENESIS, buffer_bytes(&s.body), s.signatures, s.count,
			&wire);
	http_request_ref(request);
	if (!code)
		code = node_network_create(app->node, buffer_bytes(&wire), on_created, request,
			app_now(app));
	if (code) {
		http_respond_error(request, code, &complaint);
		http_request_unref(request);
	}
	buffer_deinit(&wire);
	api_signed_deinit(&s);
	json_decref(json);
}
