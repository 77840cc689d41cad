/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api_standing.h"

#include <stdio.h>

#include "base/text.h"
#include "base/timestamp.h"
#include "charter/amendment.h"
#include "charter/object.h"
#include "charter/roster.h"
#include "daemon/api_internal.h"
#include "daemon/app_loop.h"

/** Of a sentence of at most 255 bytes the reason gets so many. */
#define REASON_SHOWN 80

struct ending {
	uint64_t number;
	uint64_t time_ms;
	char reason[REASON_SHOWN + 4];
};

static bool ends_city(const struct amendment_item *item, const struct hash *city_id)
{
	return (item->kind == AMENDMENT_SUSPEND || item->kind == AMENDMENT_REMOVE) &&
		hash_equal(&item->city_id, city_id);
}

static void reason_take(struct ending *out, struct bytes reason)
{
	size_t len = text_utf8_cut(reason, REASON_SHOWN);
	snprintf(out->reason, sizeof(out->reason), "%.*s%s", (int)len,
		reason.data ? (const char *)reason.data : "", len < reason.len ? "…" : "");
}

/** The newest amendment that suspended or removed the city. */
static bool ending_find(const struct roster *roster, const struct hash *city_id, struct ending *out)
{
	for (uint64_t n = roster_number(roster); n > 0; n--) {
		struct bytes wire;
		struct hash hash;
		struct control_object object;
		struct amendment amendment;
		struct amendment_item item;
		struct wire_reader reader;
		if (roster_amendment(roster, n, &wire, &hash) != 0 || object_decode(wire, &object) != 0 ||
			amendment_decode(object.body, &amendment) != 0)
			continue;
		bool found = false;
		wire_reader_init(&reader, amendment.items);
		while (amendment_item_next(&reader, &item)) {
			if (!ends_city(&item, city_id))
				continue;
			found = true;
			reason_take(out, item.end.reason);
		}
		if (!found)
			continue;
		out->number = n;
		out->time_ms = amendment.time;
		return true;
	}
	return false;
}

static void write_ended(const struct roster *roster, const struct roster_member *me,
	const char *network, char to[static API_STANDING_MAX])
{
	struct ending ending = {0};
	char time[TIMESTAMP_TEXT_MAX] = "";
	bool suspended = me->status == MEMBER_SUSPENDED;
	if (ending_find(roster, &me->city_id, &ending))
		timestamp_format(timestamp_from_ms((int64_t)ending.time_ms), time);
	snprintf(to, API_STANDING_MAX, "This city was %s %s on %.10s by amendment %llu%s%s%s%s.",
		suspended ? "suspended from" : "removed from", network, time,
		(unsigned long long)ending.number, ending.reason[0] ? " (" : "", ending.reason,
		ending.reason[0] ? ")" : "",
		suspended ? "; until an officer resumes it nothing goes in or out" : "");
}

int api_standing_officer(
	const struct app *app, const struct roster *roster, struct complaint *complaint)
{
	const struct roster_member *me = roster_member_by_city(roster, &app->identity.city_id);
	if (!me || me->status == MEMBER_ACTIVE || roster_active_count(roster) == 0)
		return 0;
	return complain(complaint, ERROR_STATE, "",
		"This city is %s, so what is signed here would reach no member: do it at the server of a "
		"city that is active.",
		me->status == MEMBER_SUSPENDED ? "suspended" : "removed");
}

const char *api_standing_notice(
	const struct app *app, const struct hash *network_id, char to[static API_STANDING_MAX])
{
	const struct roster *roster = node_roster(app->node, network_id);
	const struct roster_member *me = roster ? roster_member_by_city(roster, &app->identity.city_id)
											: NULL;
	struct roster_epoch epoch;
	const char *network = "the network";
	for (size_t i = 0; i < node_network_count(app->node); i++)
		if (node_network_roster(app->node, i) == roster)
			network = node_network_slug(app->node, i);
	to[0] = '\0';
	if (!me)
		return to;
	if (me->status != MEMBER_ACTIVE)
		write_ended(roster, me, network, to);
	else if (!public_key_equal(&me->node_key, &app->identity.node_public) && !app->inner->renewal)
		snprintf(to, API_STANDING_MAX,
			"The charter of %s names another node key for this city than the one of this server: "
			"nothing can be published here.",
			network);
	else if (roster_epoch(roster, &me->city_id, me->epoch, &epoch) == 0 && epoch.has_end)
		snprintf(to, API_STANDING_MAX,
			"The officers of %s ended epoch %u of this city: `hansa key renew` opens the next one, "
			"then it can publish again.",
			network, (unsigned)me->epoch);
	return to;
}
