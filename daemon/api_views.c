/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api_views.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "charter/roster.h"
#include "daemon/api_internal.h"
#include "daemon/api_standing.h"

static const char *own_status(const struct app *app, const struct roster *roster)
{
	const struct roster_member *me = roster_member_by_city(roster, &app->identity.city_id);
	if (!me)
		return "none";
	if (me->status == MEMBER_ACTIVE)
		return me->confirmed ? "active" : "unconfirmed";
	return member_status_name(me->status);
}

/* The invitation named it, so it may be another one than the configuration's. */
static json_t *own_slug(const struct app *app, const struct roster *roster)
{
	const struct roster_member *me = roster_member_by_city(roster, &app->identity.city_id);
	return me ? api_json_text(me->slug) : json_null();
}

static json_t *officers_json(const struct officers *officers)
{
	json_t *array = json_array();
	for (size_t i = 0; officers && i < officers->count; i++)
		json_array_append_new(array, json_pack("{s:o, s:o}",
			"key", api_json_hex(public_key_bytes(&officers->list[i].key)),
			"name", api_json_text(officers->list[i].name)));
	return array;
}

json_t *api_view_network(const struct app *app, size_t index, bool full)
{
	const struct roster *roster = node_network_roster(app->node, index);
	char notice[API_STANDING_MAX];
	json_t *json = json_object();
	json_object_set_new(json, "slug", json_string(node_network_slug(app->node, index)));
	json_object_set_new(json, "name", api_json_text(roster_name(roster)));
	json_object_set_new(json, "network_id", api_json_hash(roster_network_id(roster)));
	json_object_set_new(json, "number", api_json_uint(roster_number(roster)));
	json_object_set_new(json, "members", api_json_uint(roster_active_count(roster)));
	json_object_set_new(json, "my_status", json_string(own_status(app, roster)));
	json_object_set_new(json, "my_slug", own_slug(app, roster));
	api_standing_notice(app, roster_network_id(roster), notice);
	json_object_set_new(json, "notice", notice[0] ? json_string(notice) : json_null());
	json_object_set_new(json, "last_amendment_time", api_json_ms(roster_time(roster)));
	json_object_set_new(json, "rival", json_boolean(roster_rival_at(roster, 0) != NULL));
	if (roster_review_time(roster))
		json_object_set_new(json, "review", api_json_ms(roster_review_time(roster)));
	if (!full)
		return json;
	const struct officers *officers = roster_officers(roster);
	json_object_set_new(json, "amendment_hash", api_json_hash(roster_hash(roster)));
	json_object_set_new(json, "k", api_json_uint(officers ? officers->k : 0));
	json_object_set_new(json, "officers", officers_json(officers));
	return json;
}

struct feeds_walk {
	const struct app *app;
	json_t *array;
};

static void on_feed(void *ctx, const struct node_feed *feed)
{
	struct feeds_walk *walk = ctx;
	struct api_feed names;
	if (!api_feed_of(walk->app, &feed->network_id, &feed->city_id, feed->lane, &names))
		return;
	json_array_append_new(walk->array, json_pack("{s:s, s:s, s:s, s:o, s:o, s:i, s:b, s:o}",
		"network", names.network, "city", names.city, "lane", lane_name(feed->lane),
		"seq", api_json_uint(feed->seq), "hash", api_json_hash(&feed->entry_hash),
		"epoch", (int)feed->epoch, "frozen", (int)feed->frozen,
		"forked_from", feed->forked_from ? api_json_uint(feed->forked_from) : json_null()));
}

json_t *api_view_feeds(const struct app *app)
{
	struct feeds_walk walk = {.app = app, .array = json_array()};
	node_each_feed(app->node, on_feed, &walk);
	return walk.array;
}

static void on_peer(void *ctx, const struct node_peer *peer)
{
	json_t *json = json_object();
	json_object_set_new(json, "city", json_string(peer->slug ? peer->slug : ""));
	if (!hash_is_zero(&peer->city_id))
		json_object_set_new(json, "city_id", api_json_hash(&peer->city_id));
	json_object_set_new(json, "state", json_string(link_state_name(peer->state)));
	json_object_set_new(json, "dialled", json_boolean(peer->dialled));
	json_object_set_new(json, "paused", json_boolean(peer->paused));
	json_object_set_new(json, "peer_paused", peer->peer_paused ? json_string(
		peer->peer_pause_reason ? peer->peer_pause_reason : "") : json_null());
	json_object_set_new(json, "rtt_ms",
		peer->rtt_us < 0 ? json_null() : json_real((double)peer->rtt_us / 1000));
	json_object_set_new(json, "sent_bytes", api_json_uint(peer->sent_bytes));
	json_object_set_new(json, "received_bytes", api_json_uint(peer->received_bytes));
	json_object_set_new(json, "acked_arrival", api_json_uint(peer->acked_arrival));
	json_object_set_new(json, "last_heard", api_json_time(peer->last_heard));
	json_object_set_new(json, "since", api_json_time(peer->since));
	json_object_set_new(json, "address", json_string(peer->address ? peer->address : ""));
	json_array_append_new(ctx, json);
}

json_t *api_view_peers(const struct app *app)
{
	json_t *array = json_array();
	node_each_peer(app->node, on_peer, array);
	return array;
}

const char *api_cursor_format(char to[static API_CURSOR_MAX],
	const uint8_t store_epoch[static STORE_EPOCH_SIZE], uint64_t arrival)
{
	char hex[TEXT_HEX_SIZE(STORE_EPOCH_SIZE)];
	snprintf(to, API_CURSOR_MAX, "%s-%llu",
		text_hex_encode(hex, bytes_of(store_epoch, STORE_EPOCH_SIZE)),
		(unsigned long long)arrival);
	return to;
}

int api_cursor_parse(const char *text, uint8_t store_epoch[static STORE_EPOCH_SIZE],
	uint64_t *arrival)
{
	size_t hex_len = 2 * STORE_EPOCH_SIZE;
	if (strlen(text) < hex_len + 2 || text[hex_len] != '-')
		return ERROR_SYNTAX;
	const char *number = text + hex_len + 1;
	size_t len = strspn(number, "0123456789");
	if (len == 0 || len > 18 || number[len] != '\0')
		return ERROR_SYNTAX;
	if (text_hex_decode(store_epoch, STORE_EPOCH_SIZE, bytes_of(text, hex_len)) != 0)
		return ERROR_SYNTAX;
	*arrival = strtoull(number, NULL, 10);
	return 0;
}
