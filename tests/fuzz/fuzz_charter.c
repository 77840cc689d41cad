/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A roster that is given one object after another: u16 length and so many bytes each. The first
 * byte of the input chooses whether signatures are verified; without, what lies behind them is met.
 * Whatever came: the roster stays whole, and its own bytes make another one like it.
 */
#include "base/check.h"
#include "base/cursor.h"
#include "base/error.h"
#include "charter/roster.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t map_seed[MAP_SEED_SIZE];
static struct roster_change change;

static struct roster *roster_empty(void)
{
	struct roster *roster;
	require(roster_new(NULL, map_seed, &roster) == 0);
	return roster;
}

static void check_members(const struct roster *roster)
{
	size_t active = 0;
	for (size_t i = 0; i < roster_member_count(roster); i++) {
		const struct roster_member *m = roster_member_at(roster, i);
		struct roster_epoch epoch;
		require(m->epoch >= 1 && m->record_count == m->epoch);
		require(roster_member_by_city(roster, &m->city_id) == m);
		require(roster_member_by_slug(roster, m->slug) == m);
		active += m->status == MEMBER_ACTIVE;
		for (uint32_t e = 1; e <= m->epoch; e++)
			require(roster_epoch(roster, &m->city_id, e, &epoch) == 0);
		require(epoch.is_void == m->is_void);
	}
	require(active == roster_active_count(roster));
}

static void check_rebuild(struct roster *roster)
{
	struct roster *other = roster_empty();
	struct roster_walk walk = {0};
	struct roster_object object;
	struct bytes wire;
	struct hash a, b;
	size_t walked = 0;
	for (uint64_t i = 0; roster_amendment(roster, i, &wire, &a) == 0; i++)
		require(roster_load(other, wire, NULL) == 0);
	while (roster_object_next(roster, &walk, &object)) {
		int error = roster_load(other, object.wire, NULL);
		require(error == 0 || error == ERROR_CHARTER_RIVAL);
		walked++;
	}
	require(walked == roster_object_count(roster));
	for (unsigned i = 0; i < ROSTER_RANGES; i++) {
		require(roster_object_range(roster, (uint8_t)i, &a) == 0);
		require(roster_object_range(other, (uint8_t)i, &b) == 0);
		require(hash_equal(&a, &b));
	}
	require(hash_equal(roster_hash(roster), roster_hash(other)));
	require(roster_active_count(roster) == roster_active_count(other));
	roster_free(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_init(bytes_of(data, size));
	bool load = cursor_u8(&c) & 1;
	struct roster *roster = roster_empty();
	while (cursor_left(&c)) {
		struct bytes wire = cursor_bytes(&c, cursor_u16(&c));
		if (c.error)
			break;
		int error = load ? roster_load(roster, wire, &change)
			: roster_apply(roster, wire, &change);
		if (change.stored)
			require(error == 0 || error == ERROR_CHARTER_RIVAL);
		else
			require(error != 0);
	}
	check_members(roster);
	check_rebuild(roster);
	roster_free(roster);
	return 0;
}
