/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api_event_text.h"

#include <stdlib.h>
#include <string.h>

#include "charter/object.h"
#include "charter/roster.h"
#include "daemon/api_internal.h"
#include "daemon/api_views.h"

void api_event_of_row(struct api_event *out, const struct store_arrival_row *row)
{
	*out = (struct api_event){.kind = row->kind, .arrival = row->arrival.arrival,
		.network_id = row->network_id, .city_id = row->city_id, .lane = row->lane,
		.object_type = row->object_type, .first = row->first_seq, .last = row->last_seq,
		.hash = row->item_hash, .time = row->arrived};
}

bool api_event_of_node(struct api_event *out, const struct node_event *event)
{
	static const enum store_arrival_kind kinds[] = {
		[NODE_EVENT_ENTRIES] = STORE_ARRIVAL_RUN,
		[NODE_EVENT_GAP_ALERT] = STORE_ARRIVAL_GAP,
		[NODE_EVENT_OBJECT] = STORE_ARRIVAL_OBJECT,
		[NODE_EVENT_DISOWNED] = STORE_ARRIVAL_CUT,
		[NODE_EVENT_ATTACHMENT] = STORE_ARRIVAL_ATTACHMENT,
	};
	if (!event->arrival || event->type > NODE_EVENT_ATTACHMENT)
		return false;
	*out = (struct api_event){.kind = kinds[event->type], .arrival = event->arrival,
		.network_id = event->network_id, .city_id = event->city_id, .lane = event->lane,
		.object_type = event->object_type, .first = event->first, .last = event->last,
		.hash = event->hash, .time = event->time};
	return true;
}

static void event_write(struct buffer *b, const char *id, const char *name, json_t *data)
{
	char *text = data ? json_dumps(data, JSON_COMPACT) : NULL;
	json_decref(data);
	if (!text) {
		b->error = ERROR_MEMORY;
		return;
	}
	if (id)
		buffer_push_format(b, "id: %s\n", id);
	buffer_push_format(b, "event: %s\ndata: ", name);
	buffer_push_text(b, text); /* JSON has no line breaks */
	buffer_push_text(b, "\n\n");
	free(text);
}

static json_t *feed_json(const struct api_feed *feed, const struct api_event *event)
{
	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "network", feed->network,
		"city", feed->city, "lane", lane_name(feed->lane),
		"first", api_json_uint(event->first), "last", api_json_uint(event->last),
		"time", api_json_time(event->time));
}

/** Entries, gaps, cuts, purges: what has a feed. */
static void write_feed(struct buffer *b, const struct app *app, const char *id,
	const struct api_event *event)
{
	struct api_feed feed;
	char record[API_RECORD_ID_MAX];
	if (!api_feed_of(app, &event->network_id, &event->city_id, event->lane, &feed) ||
		!feed.visible)
		return;
	json_t *json = feed_json(&feed, event);
	if (event->kind == STORE_ARRIVAL_CUT) {
		event_write(b, id, "disowned", json);
		return;
	}
	json_object_set_new(json, "id",
		json_string(api_record_id(record, &feed, event->last, 0)));
	json_object_set_new(json, "hash", api_json_hash(&event->hash));
	if (event->kind == STORE_ARRIVAL_PURGE) {
		event_write(b, id, "purged", json);
		return;
	}
	json_object_set_new(json, "state",
		json_string(event->kind == STORE_ARRIVAL_GAP ? "gap" : "valid"));
	json_object_set_new(json, "confirmed", json_boolean(feed.confirmed));
	if (event->records)
		json_object_set(json, "records", event->records);
	event_write(b, id, "entry", json);
}

static void write_object(struct buffer *b, const struct app *app, const char *id,
	const struct api_event *event)
{
	char city[TEXT_SLUG_MAX + 1];
	for (size_t i = 0; i < node_network_count(app->node); i++) {
		const struct hash *network_id =
			roster_network_id(node_network_roster(app->node, i));
		if (!network_id || !hash_equal(network_id, &event->network_id))
			continue;
		event_write(b, id, "object", json_pack("{s:s, s:s, s:s, s:o, s:o}",
			"network", node_network_slug(app->node, i),
			"city", api_city_slug(app, &event->city_id, city),
			"type", object_type_name(event->object_type),
			"hash", api_json_hash(&event->hash),
			"time", api_json_time(event->time)));
	}
}

void api_event_write(struct buffer *b, const struct app *app,
	const uint8_t store_epoch[static STORE_EPOCH_SIZE], const struct api_event *event)
{
	char id[API_CURSOR_MAX];
	api_cursor_format(id, store_epoch, event->arrival);
	switch (event->kind) {
	case STORE_ARRIVAL_RUN:
	case STORE_ARRIVAL_GAP:
	case STORE_ARRIVAL_CUT:
	case STORE_ARRIVAL_PURGE:
		write_feed(b, app, id, event);
		break;
	case STORE_ARRIVAL_OBJECT:
		write_object(b, app, id, event);
		break;
	case STORE_ARRIVAL_ATTACHMENT:
		event_write(b, id, "attachment", json_pack("{s:o, s:o}", "id",
			api_json_hash(&event->hash), "time", api_json_time(event->time)));
		break;
	}
}

void api_event_write_passing(struct buffer *b, const struct app *app,
	const struct node_event *event)
{
	char city[TEXT_SLUG_MAX + 1];
	const char *reason = event->text ? event->text : "";
	if (event->type == NODE_EVENT_LINK) {
		event_write(b, NULL, "peer", json_pack("{s:s, s:s, s:s}",
			"city", api_city_slug(app, &event->city_id, city),
			"state", strcmp(reason, "up") == 0 ? "up" : "down", "reason", reason));
	} else if (event->type == NODE_EVENT_STATE) {
		const char *why;
		const char *state = api_view_publishing(app, &why);
		event_write(b, NULL, "publishing",
			json_pack("{s:s, s:s}", "state", state, "reason", reason));
	}
}
