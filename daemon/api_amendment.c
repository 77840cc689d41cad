/* SPDX-License-Identifier: Apache-2.0 */
/** Amendments: made here, signed by officers elsewhere, submitted here. */
#include "daemon/api_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/wire_writer.h"
#include "charter/draft.h"
#include "charter/roster.h"
#include "daemon/api_signed.h"
#include "daemon/api_standing.h"
#include "feed/feed.h"

/** More is no quota; and JSON has it exactly. */
#define QUOTA_MAX (UINT64_C(1) << 50)

struct maker {
	const struct app *app;
	const struct roster *roster;
	struct amendment_item *items;
	size_t count;
	struct buffer records[AMENDMENT_ITEMS_MAX]; /* what items point into */
	struct complaint complaint;
};

/** Where a city's epoch ends if it ends at what this node holds; never below where it began. */
static void cuts_fill(const struct maker *m, const struct roster_member *member,
	struct amendment_item *item)
{
	struct roster_epoch epoch;
	const struct hash *network_id = roster_network_id(m->roster);
	item->end.has_cuts = true;
	item->end.epoch = member->epoch;
	bool known = roster_epoch(m->roster, &member->city_id, member->epoch, &epoch) == 0;
	for (uint8_t lane = LANE_MIN; lane <= LANE_MAX; lane++) {
		struct epoch_cut *cut = &item->end.cuts[lane - 1];
		struct hash feed_id;
		struct node_feed feed;
		if (known)
			*cut = epoch.start[lane - 1];
		if (feed_id_of(network_id, &member->city_id, lane, &feed_id) != 0 ||
			!node_feed_find(m->app->node, &feed_id, &feed) || feed.seq <= cut->seq)
			continue;
		cut->seq = feed.seq;
		cut->hash = feed.entry_hash;
	}
}

static int city_item(struct maker *m, const json_t *json, struct amendment_item *item)
{
	struct complaint *c = &m->complaint;
	const char *slug, *reason;
	bool cut;
	int code = api_json_get_text(json, "city", 1, TEXT_SLUG_MAX, &slug, c);
	if (code)
		return code;
	const struct roster_member *member = roster_member_by_slug(m->roster,
		bytes_from_text(slug));
	if (!member)
		return complain(c, ERROR_NOT_FOUND, "city", "The network has no member '%s'.", slug);
	item->city_id = member->city_id;
	if (item->kind == AMENDMENT_CONFIRM && member->confirmed)
		return complain(c, ERROR_STATE, "city", "'%s' is confirmed already.", slug);
	if (item->kind == AMENDMENT_RESUME && member->status != MEMBER_SUSPENDED)
		return complain(c, ERROR_STATE, "city", "'%s' is not suspended.", slug);
	if (item->kind == AMENDMENT_SUSPEND && member->status != MEMBER_ACTIVE)
		return complain(c, ERROR_STATE, "city", "'%s' is %s already.", slug,
			member_status_name(member->status));
	if (member->status == MEMBER_REMOVED)
		return complain(c, ERROR_STATE, "city", "'%s' has been removed.", slug);
	if (item->kind != AMENDMENT_SUSPEND && item->kind != AMENDMENT_REMOVE)
		return 0;
	code = api_json_get_text_maybe(json, "reason", 0, CHARTER_REASON_MAX, &reason, c);
	if (!code)
		code = api_json_get_bool(json, "cut", item->kind == AMENDMENT_REMOVE, &cut, c);
	if (code)
		return code;
	item->end.reason = bytes_from_text(reason ? reason : "");
	if (cut)
		cuts_fill(m, member, item);
	return 0;
}

static int admit_item(struct maker *m, const json_t *json, struct amendment_item *item)
{
	struct complaint *c = &m->complaint;
	struct buffer *record = &m->records[m->count];
	const char *slug, *name, *country;
	int code = api_json_get_text(json, "city", 1, TEXT_SLUG_MAX, &slug, c);
	if (!code)
		code = api_json_get_text(json, "name", 1, CHARTER_NAME_MAX, &name, c);
	if (!code)
		code = api_json_get_text(json, "country", CHARTER_COUNTRY_BYTES,
			CHARTER_COUNTRY_BYTES, &country, c);
	if (!code)
		code = api_json_get_base64(json, "record", record, c);
	if (!code)
		code = api_json_get_bool(json, "confirmed", false, &item->admit.confirmed, c);
	if (code)
		return code;
	if (roster_member_by_slug(m->roster, bytes_from_text(slug)))
		return complain(c, ERROR_SLUG_TAKEN, "city",
			"The short name '%s' has been used in this network.", slug);
	item->admit.slug = bytes_from_text(slug);
	item->admit.name = bytes_from_text(name);
	item->admit.country = bytes_from_text(country);
	item->admit.record = buffer_bytes(record);
	return 0;
}

static int policy_item(struct maker *m, const json_t *json, struct amendment_item *item)
{
	const char *key, *value;
	int code = api_json_get_text(json, "key", 1, AMENDMENT_POLICY_KEY_MAX, &key,
		&m->complaint);
	if (!code)
		code = api_json_get_text(json, "value", 0, AMENDMENT_POLICY_VALUE_MAX, &value,
			&m->complaint);
	if (code)
		return code;
	item->policy.key = bytes_from_text(key);
	item->policy.value = bytes_from_text(value);
	return 0;
}

static int quota_item(struct maker *m, const json_t *json, struct amendment_item *item)
{
	struct complaint *c = &m->complaint;
	const char *slug, *lane;
	int code = api_json_get_text_maybe(json, "city", 1, TEXT_SLUG_MAX, &slug, c);
	if (!code)
		code = api_json_get_text(json, "lane", 1, 16, &lane, c);
	if (!code)
		code = api_json_get_uint(
			json, "entries_a_day", 0, QUOTA_MAX, 0, &item->quota.entries_a_day, c);
	if (!code)
		code = api_json_get_uint(json, "bytes_a_day", 0, QUOTA_MAX, 0, &item->quota.bytes_a_day, c);
	if (code)
		return code;
	const struct roster_member *member = slug
		? roster_member_by_slug(m->roster, bytes_from_text(slug))
		: NULL;
	if (slug && !member)
		return complain(c, ERROR_NOT_FOUND, "city", "The network has no member '%s'.", slug);
	item->quota.lane = lane_parse(bytes_from_text(lane));
	if (item->quota.lane == 0)
		return complain(c, ERROR_FIELD, "lane", "It must be alert, call, doc or meta.");
	item->quota.has_city = member != NULL;
	if (member)
		item->city_id = member->city_id;
	return 0;
}

static int review_item(struct maker *m, const json_t *json, struct amendment_item *item)
{
	const char *text;
	struct timestamp time;
	int code = api_json_get_text(json, "time", 1, 64, &text, &m->complaint);
	if (code)
		return code;
	if (timestamp_parse_rfc3339(bytes_from_text(text), &time) != 0 || time.ms < 0)
		return complain(&m->complaint, ERROR_FIELD, "time",
			"It must be a time such as 2027-01-31T12:00:00Z.");
	item->review_time = (uint64_t)time.ms;
	return 0;
}

static int officers_item(struct maker *m, const json_t *json, struct amendment_item *item)
{
	return api_officers_read(json, &item->officers, &m->complaint);
}

static const struct {
	const char *name;
	unsigned kind;
	int (*make)(struct maker *m, const json_t *json, struct amendment_item *item);
} makers[] = {
	{"admit", AMENDMENT_ADMIT, admit_item},
	{"confirm", AMENDMENT_CONFIRM, city_item},
	{"suspend", AMENDMENT_SUSPEND, city_item},
	{"resume", AMENDMENT_RESUME, city_item},
	{"remove", AMENDMENT_REMOVE, city_item},
	{"officers", AMENDMENT_OFFICERS, officers_item},
	{"policy", AMENDMENT_POLICY, policy_item},
	{"quota", AMENDMENT_QUOTA, quota_item},
	{"review", AMENDMENT_REVIEW, review_item},
};

static int item_make(struct maker *m, const json_t *json)
{
	const char *name;
	int code = api_json_get_text(json, "item", 1, 32, &name, &m->complaint);
	if (code)
		return code;
	for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]); i++) {
		if (strcmp(makers[i].name, name) != 0)
			continue;
		m->items[m->count].kind = makers[i].kind;
		code = makers[i].make(m, json, &m->items[m->count]);
		m->count++;
		return code;
	}
	return complain(&m->complaint, ERROR_FIELD, "item", "There is no item '%s' here.", name);
}

static int items_make(struct maker *m, const json_t *json)
{
	const json_t *array = json_object_get(json, "items");
	size_t count = json_array_size(array);
	if (count < 1 || count > AMENDMENT_ITEMS_MAX)
		return complain(&m->complaint, ERROR_FIELD, "items",
			"It must be a list of 1 to %d items.", AMENDMENT_ITEMS_MAX);
	m->items = calloc(count, sizeof(*m->items));
	if (!m->items)
		return ERROR_MEMORY;
	for (size_t i = 0; i < count; i++) {
		buffer_init(&m->records[m->count], OBJECT_BYTES_MAX);
		int code = item_make(m, json_array_get(array, i));
		if (code && m->complaint.reason[0]) {
			struct complaint inner = m->complaint;
			char field[sizeof(inner.field)];
			snprintf(field, sizeof(field), "items[%zu].%.60s", i, inner.field);
			return complain(&m->complaint, code, field, "%s", inner.reason);
		}
		if (code)
			return code;
	}
	return 0;
}

static void maker_free(struct maker *m)
{
	for (size_t i = 0; i < m->count; i++)
		buffer_deinit(&m->records[i]);
	free(m->items);
	free(m);
}

void api_amendment_prepare(struct http_request *request)
{
	struct app *app = api_app(request);
	size_t index;
	struct buffer body;
	struct amendment_message message;
	const struct roster *roster = api_network_of(request, &index);
	json_t *json = roster ? http_request_json(request) : NULL;
	if (!json)
		return;
	buffer_init(&body, API_BODY_BYTES_MAX);
	struct maker *m = calloc(1, sizeof(*m));
	int code = m ? 0 : ERROR_MEMORY;
	if (m) {
		m->app = app;
		m->roster = roster;
		code = api_standing_officer(app, roster, &m->complaint);
	}
	if (!code)
		code = items_make(m, json);
	if (!code)
		code = draft_amendment(roster, m->items, m->count,
			(uint64_t)app_now(app).wall.ms, &body);
	if (!code)
		code = draft_message(OBJECT_AMENDMENT, buffer_bytes(&body), &message);
	if (code) {
		http_respond_error(request, code, m ? &m->complaint : NULL);
	} else {
		json_t *extra = json_pack("{s:I}", "number",
			(json_int_t)(roster_number(roster) + 1));
		http_respond_json(request, 200, api_prepared(extra, roster_network_id(roster),
			roster_officers(roster), buffer_bytes(&body),
			bytes_of(message.bytes, sizeof(message.bytes))));
	}
	if (m)
		maker_free(m);
	buffer_deinit(&body);
	json_decref(json);
}

struct submitted {
	uint64_t number;
	struct hash hash;
};

static void on_submitted(void *ctx, int code, const struct hash *object_hash, uint64_t arrival)
{
	struct http_request *request = ctx;
	const struct submitted *done = request->state;
	(void)object_hash;
	(void)arrival;
	if (code)
		http_respond_error(request, code, NULL);
	else
		http_respond_json(request, 201, json_pack("{s:o, s:o}",
			"number", api_json_uint(done->number), "hash",
			api_json_hash(&done->hash)));
	http_request_unref(request);
}

static int submit(struct http_request *request, const struct roster *roster, const json_t *json,
	struct submitted *done, struct complaint *c)
{
	struct app *app = api_app(request);
	struct api_signed s;
	struct amendment amendment;
	struct buffer wire;
	int code = api_standing_officer(app, roster, c);
	if (code)
		return code;
	buffer_init(&wire, API_BODY_BYTES_MAX);
	code = api_signed_read(json, &s, c);
	if (!code && amendment_decode(buffer_bytes(&s.body), &amendment) != 0)
		code = complain(c, ERROR_FIELD, "body", "It is not the body of an amendment.");
	if (!code)
		code = amendment_hash_of(buffer_bytes(&s.body), &done->hash);
	if (!code)
		code = draft_seal(OBJECT_AMENDMENT, buffer_bytes(&s.body), s.signatures, s.count,
			&wire);
	if (!code) {
		done->number = amendment.number;
		http_request_ref(request);
		code = node_object_submit(app->node, roster_network_id(roster),
			buffer_bytes(&wire), on_submitted, request, app_now(app));
		if (code)
			http_request_unref(request);
	}
	if (code == ERROR_CHARTER_RIVAL)
		complain(c, code, "body", "Another amendment with number %llu was first, and nothing of "
			"this one was done: prepare and sign it again.",
			(unsigned long long)done->number);
	if (code == ERROR_EXISTS)
		complain(c, code, "body", "This amendment is in the charter already, with number %llu.",
			(unsigned long long)done->number);
	if (code == ERROR_CHARTER_SIGNERS)
		complain(c, code, "signatures", "It has to be signed by %zu officers of the network, and "
			"where it changes them by as many as are asked for then of the new ones.",
			roster_officers(roster)->k);
	if (code == ERROR_CHARTER_PREDECESSOR)
		complain(c, code, "body", "The charter has gone on meanwhile: prepare and sign the "
			"amendment again.");
	api_signed_deinit(&s);
	buffer_deinit(&wire);
	return code;
}

void api_amendment_submit(struct http_request *request)
{
	struct complaint complaint = {.field = "", .reason = ""};
	size_t index;
	const struct roster *roster = api_network_of(request, &index);
	json_t *json = roster ? http_request_json(request) : NULL;
	if (!json)
		return;
	struct submitted *done = calloc(1, sizeof(*done));
	int code = done ? 0 : ERROR_MEMORY;
	if (done) {
		http_request_set_state(request, done, free);
		code = submit(request, roster, json, done, &complaint);
	}
	if (code)
		http_respond_error(request, code, &complaint);
	json_decref(json);
}
