/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "charter/roster.h"
#include "daemon/api_internal.h"
#include "feed/feed.h"

static void copy(char *to, size_t size, struct bytes text)
{
	size_t len = text.len < size - 1 ? text.len : size - 1;
	if (len)
		memcpy(to, text.data, len);
	to[len] = '\0';
}

int api_network_find(const struct app *app, const char *name, size_t *index,
	struct complaint *c)
{
	struct hash id;
	bool is_id = text_hex_decode(id.bytes, HASH_SIZE, bytes_from_text(name)) == 0;
	for (size_t i = 0; i < node_network_count(app->node); i++) {
		const struct hash *network_id =
			roster_network_id(node_network_roster(app->node, i));
		if (strcmp(node_network_slug(app->node, i), name) == 0 ||
			(is_id && network_id && hash_equal(network_id, &id))) {
			*index = i;
			return 0;
		}
	}
	return complain(c, ERROR_NOT_FOUND, "network",
		"This city is in no network of the name '%s'.", name);
}

const struct roster *api_network_of(struct http_request *request, size_t *index)
{
	const struct app *app = api_app(request);
	struct complaint complaint = {.field = "", .reason = ""};
	int code = api_network_find(app, http_request_parameter(request, "network"), index,
		&complaint);
	if (code) {
		http_respond_error(request, code, &complaint);
		return NULL;
	}
	return node_network_roster(app->node, *index);
}

static int feed_fill(const struct app *app, size_t index, const struct roster_member *member,
	uint8_t lane, struct api_feed *out)
{
	out->network_id = *roster_network_id(node_network_roster(app->node, index));
	out->city_id = member->city_id;
	out->lane = lane;
	out->confirmed = member->confirmed;
	out->forked_from = 0;
	if (roster_fork(node_network_roster(app->node, index), &member->city_id, lane,
			&out->forked_from, NULL))
		out->forked_from++; /* behind the last common entry */
	out->visible = lane != LANE_ALERT || member->confirmed ||
		hash_equal(&member->city_id, &app->identity.city_id);
	copy(out->network, sizeof(out->network),
		bytes_from_text(node_network_slug(app->node, index)));
	copy(out->city, sizeof(out->city), member->slug);
	return feed_id_of(&out->network_id, &out->city_id, lane, &out->feed_id);
}

int api_feed_find(const struct app *app, const char *network, const char *city,
	const char *lane, struct api_feed *out, struct complaint *c)
{
	size_t index;
	unsigned number = lane_parse(bytes_from_text(lane));
	int code = api_network_find(app, network, &index, c);
	if (code)
		return code;
	if (!number)
		return complain(c, ERROR_NOT_FOUND, "lane",
			"There is no lane '%s'; it is alert, call, doc or meta.", lane);
	const struct roster_member *member = roster_member_by_slug(
		node_network_roster(app->node, index), bytes_from_text(city));
	if (!member)
		return complain(c, ERROR_NOT_FOUND, "city",
			"The network '%s' has no member '%s'.", network, city);
	return feed_fill(app, index, member, (uint8_t)number, out);
}

static bool network_index(const struct app *app, const struct hash *network_id, size_t *index)
{
	for (size_t i = 0; i < node_network_count(app->node); i++) {
		const struct hash *id = roster_network_id(node_network_roster(app->node, i));
		if (id && hash_equal(id, network_id)) {
			*index = i;
			return true;
		}
	}
	return false;
}

bool api_feed_of(const struct app *app, const struct hash *network_id,
	const struct hash *city_id, uint8_t lane, struct api_feed *out)
{
	size_t index;
	if (!network_index(app, network_id, &index))
		return false;
	const struct roster_member *member = roster_member_by_city(
		node_network_roster(app->node, index), city_id);
	return member && feed_fill(app, index, member, lane, out) == 0;
}

bool api_feed_by_id(const struct app *app, const struct hash *feed_id, struct api_feed *out)
{
	struct node_feed feed;
	return node_feed_find(app->node, feed_id, &feed) &&
		api_feed_of(app, &feed.network_id, &feed.city_id, feed.lane, out);
}

int api_seq_parse(const char *text, uint64_t *seq, uint32_t *epoch)
{
	size_t len = strspn(text, "0123456789");
	*epoch = 0;
	if (len == 0 || len > 18 || text[0] == '0')
		return ERROR_FIELD;
	*seq = strtoull(text, NULL, 10);
	if (text[len] == '\0')
		return 0;
	const char *rest = text + len + 1;
	size_t rest_len = strspn(rest, "0123456789");
	if (text[len] != '@' || rest_len == 0 || rest_len > 9 || rest[rest_len] || rest[0] == '0')
		return ERROR_FIELD;
	*epoch = (uint32_t)strtoul(rest, NULL, 10);
	return 0;
}

const char *api_record_id(char to[static API_RECORD_ID_MAX], const struct api_feed *feed,
	uint64_t seq, uint32_t epoch)
{
	int len = snprintf(to, API_RECORD_ID_MAX, "%s/%s/%s/%llu", feed->network, feed->city,
		lane_name(feed->lane), (unsigned long long)seq);
	if (epoch && len > 0 && len < API_RECORD_ID_MAX)
		snprintf(to + len, API_RECORD_ID_MAX - (size_t)len, "@%u", epoch);
	return to;
}

int api_record_find(const struct app *app, const char *id, const char *field,
	struct api_feed *feed, uint64_t *seq, struct complaint *c)
{
	char text[API_RECORD_ID_MAX];
	char *parts[4], *save = NULL;
	uint32_t epoch;
	size_t count = 0;
	copy(text, sizeof(text), bytes_from_text(id));
	for (char *part = strtok_r(text, "/", &save); part; part = strtok_r(NULL, "/", &save)) {
		if (count < 4)
			parts[count] = part;
		count++;
	}
	if (count != 4 || api_seq_parse(parts[3], seq, &epoch) != 0 || epoch)
		return complain(c, ERROR_FIELD, field,
			"'%s' is not a record id such as pact/budapest/alert/42.", id);
	if (api_feed_find(app, parts[0], parts[1], parts[2], feed, NULL) != 0)
		return complain(c, ERROR_FIELD, field, "'%s' names no feed that is known here.",
			id);
	return 0;
}

const char *api_city_slug(const struct app *app, const struct hash *city_id,
	char to[static TEXT_SLUG_MAX + 1])
{
	to[0] = '\0';
	for (size_t i = 0; i < node_network_count(app->node); i++) {
		const struct roster_member *member = roster_member_by_city(
			node_network_roster(app->node, i), city_id);
		if (member) {
			copy(to, TEXT_SLUG_MAX + 1, member->slug);
			break;
		}
	}
	if (!to[0] && hash_equal(city_id, &app->identity.city_id))
		copy(to, TEXT_SLUG_MAX + 1, bytes_from_text(app->config.city.slug));
	return to;
}

int api_city_find(const struct app *app, const char *slug, struct hash *city_id)
{
	for (size_t i = 0; i < node_network_count(app->node); i++) {
		const struct roster_member *member = roster_member_by_slug(
			node_network_roster(app->node, i), bytes_from_text(slug));
		if (member) {
			*city_id = member->city_id;
			return 0;
		}
	}
	return ERROR_NOT_FOUND;
}
