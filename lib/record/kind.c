/* SPDX-License-Identifier: Apache-2.0 */
#include "record/kind.h"

#include <stddef.h>

static const struct {
	unsigned kind;
	const char *name;
} kinds[] = {
	{KIND_ALERT, "alert"}, {KIND_CALL, "call"}, {KIND_DOC, "doc"},
	{KIND_META, "meta"}, {KIND_CASE, "case"}, {KIND_POLL, "poll"},
	{KIND_CONTACT, "contact"}, {KIND_EVENT, "event"}, {KIND_ERASURE, "erasure"},
};

static const char *const lanes[] = {
	[LANE_ALERT] = "alert",
	[LANE_CALL] = "call",
	[LANE_DOC] = "doc",
	[LANE_META] = "meta",
};

const char *kind_name(unsigned kind)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].kind == kind)
			return kinds[i].name;
	return "unknown";
}

unsigned kind_parse(struct bytes name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (bytes_equal_text(name, kinds[i].name))
			return kinds[i].kind;
	return 0;
}

bool kind_known(unsigned kind)
{
	return kind >= KIND_ALERT && kind <= KIND_META;
}

const char *lane_name(unsigned lane)
{
	return lane >= LANE_MIN && lane <= LANE_MAX ? lanes[lane] : "unknown";
}

unsigned lane_parse(struct bytes name)
{
	for (unsigned lane = LANE_MIN; lane <= LANE_MAX; lane++)
		if (bytes_equal_text(name, lanes[lane]))
			return lane;
	return 0;
}

unsigned lane_of_kind(unsigned kind)
{
	switch (kind) {
	case KIND_ALERT:
		return LANE_ALERT;
	case KIND_CALL:
		return LANE_CALL;
	case KIND_DOC:
		return LANE_DOC;
	case KIND_META:
	case KIND_ERASURE:
		return LANE_META;
	default:
		return 0;
	}
}
