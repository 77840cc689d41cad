/* SPDX-License-Identifier: Apache-2.0 */
#include "base/check.h"
#include "tests/sim/world.h"

/*
 * Cuts that disown entries: officers suspend a city whose server was seized and end its epoch where
 * they still trust it; an admin whose store is old goes on without what is not here. Both happen
 * while others are cut off, and all must end with the same valid entries.
 */

struct cut_at {
	struct city *city;
	struct hash entry_hash;
};

static int on_entry(void *ctx, const struct store_entry *entry)
{
	((struct cut_at *)ctx)->entry_hash = entry->entry_hash;
	return 0;
}

/* The last entries that officers have seen, or some fewer; never below what may be cut. */
static bool draw(struct world *world, struct city *at, const struct city *whom, uint32_t epoch,
	struct epoch_cut cuts[static EPOCH_LANES])
{
	struct epoch_cut floor[EPOCH_LANES];
	struct roster_epoch e;
	const struct roster *roster = node_network_roster(at->node, 0);
	if (roster_renewal_floor(roster, &whom->city_id, floor) ||
		roster_epoch(roster, &whom->city_id, epoch, &e))
		return false;
	for (unsigned k = 0; k < EPOCH_LANES; k++) {
		uint32_t i = whom->index * FEED_LANE_COUNT + k;
		uint64_t held = at->durable[i], less = world_below(world, 2) ? world_below(world, 20) : 0;
		struct cut_at found;
		cuts[k].seq = held > less ? held - less : 0;
		if (cuts[k].seq <= floor[k].seq)
			cuts[k] = floor[k];
		else if (store_read_entry(
					 at->store, &world->feeds[i].feed_id, cuts[k].seq, on_entry, &found))
			return false;
		else
			cuts[k].hash = found.entry_hash;
	}
	return true;
}

void cut_suspend(struct world *world)
{
	struct city *at = membership_amender(world);
	struct city *whom = &world->cities[world_below(world, world->count)];
	if (!at || world->amending || at == whom || !whom->admitted)
		return;
	const struct roster *roster = node_network_roster(at->node, 0);
	const struct roster_member *m = roster_member_by_city(roster, &whom->city_id);
	size_t suspended = roster_member_count(roster) - roster_active_count(roster);
	struct amendment_item item = {.kind = AMENDMENT_SUSPEND, .city_id = whom->city_id};
	if (m->status != MEMBER_ACTIVE || suspended >= world->count / 5 ||
		!draw(world, at, whom, m->epoch, item.end.cuts))
		return;
	item.end.reason = bytes_from_text("seized");
	item.end.has_cuts = true;
	item.end.epoch = m->epoch;
	for (unsigned k = 0; k < EPOCH_LANES; k++)
		ledger_cut(&world->feeds[whom->index * FEED_LANE_COUNT + k], &item.end.cuts[k]);
	membership_amend(world, at, &item);
	city_settle(at);
}

static void force(struct city *city, const struct roster_member *own)
{
	if (!city->rolled_back)
		city->force_due = false;
	/* A record that is not here would get a rival. */
	if (!city->force_due || own->epoch < city->epoch_newest ||
		node_publishing(city->node, NULL) != NODE_PUBLISHING_RECOVERING)
		return;
	city->force_due = false;
	membership_renew(city, true);
}

/* It signed two histories: its next record thaws what is frozen. */
static bool is_frozen(const struct city *city)
{
	bool frozen = false;
	for (uint8_t lane = 1; lane <= FEED_LANE_COUNT; lane++)
		frozen |= roster_fork(node_network_roster(city->node, 0), &city->city_id, lane, NULL, NULL);
	return frozen;
}

void cut_step(struct city *city)
{
	struct roster_epoch e;
	const struct roster_member *own = membership_own(city);
	if (!own || own->status != MEMBER_ACTIVE || city->lie != LIE_NONE)
		return;
	force(city, own);
	if (is_frozen(city)) {
		/* What was signed beyond the common entry does not come back: then it takes force. */
		membership_renew(city, node_publishing(city->node, NULL) == NODE_PUBLISHING_RECOVERING);
		return;
	}
	if (roster_epoch(node_network_roster(city->node, 0), &city->city_id, own->epoch, &e) == 0 &&
		(e.has_end || e.is_void))
		membership_renew(city, false);
}
