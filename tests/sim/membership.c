/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "charter/draft.h"
#include "tests/sim/world.h"

/*
 * The charter's life: one officer, who signs the next amendment only at a city that holds the last
 * one, so that there is one chain. An amendment that a crash loses was seen by nobody, and its
 * number is used again.
 */

#define OBJECTS_MAX 4096

static struct bytes seal(
	struct world *world, uint8_t type, const struct buffer *body, struct buffer *envelope)
{
	buffer_init(envelope, LIMIT_OBJECT_BYTES);
	require(draft_seal_by(type, buffer_bytes(body), world->officer, envelope) == 0);
	return buffer_bytes(envelope);
}

static void on_object(void *ctx, int code, const struct hash *object_hash, uint64_t arrival)
{
	(void)object_hash;
	(void)arrival;
	*(int *)ctx = code;
}

const struct roster_member *membership_own(const struct city *city)
{
	if (!city->node || node_network_count(city->node) == 0)
		return NULL;
	return roster_member_by_city(node_network_roster(city->node, 0), &city->city_id);
}

void membership_found(struct world *world)
{
	struct draft_founder *founders = calloc(world->founders, sizeof *founders);
	require(founders);
	for (uint32_t i = 0; i < world->founders; i++) {
		struct city *city = &world->cities[i];
		founders[i].slug = founders[i].name = bytes_from_text(city->slug);
		founders[i].country = bytes_from_text("HU");
		founders[i].city_secret = city->city_key;
		founders[i].node_secret = city->node_key;
		memset(founders[i].sealing_key, 9, sizeof founders[i].sealing_key);
	}
	struct draft_network network = {.name = bytes_from_text("Pact"),
		.slug = bytes_from_text("pact"),
		.time_ms = (uint64_t)world_time(&world->cities[0]).wall.ms,
		.founders = founders,
		.founder_count = world->founders};
	network.officers.count = 1;
	network.officers.k = 1;
	network.officers.list[0].key = *secret_key_public(world->officer);
	network.officers.list[0].name = bytes_from_text("officer");
	struct buffer body, envelope;
	buffer_init(&body, LIMIT_OBJECT_BYTES);
	require(draft_genesis(&network, &body) == 0);
	struct bytes wire = seal(world, OBJECT_GENESIS, &body, &envelope);
	for (uint32_t i = 0; i < world->founders; i++) {
		struct city *city = &world->cities[i];
		int code = 1;
		city_start(city);
		require(node_network_create(city->node, wire, on_object, &code, world_time(city)) == 0);
		if (i == 0) {
			world->network_id = *roster_network_id(node_network_roster(city->node, 0));
			ledger_init(world);
		}
		city_write_all(city);
		require(code == 0);
		city->admitted = true;
		city_settle(city);
	}
	buffer_deinit(&body);
	buffer_deinit(&envelope);
	free(founders);
}

/* An honest city that runs and holds the newest amendment. */
struct city *membership_amender(struct world *world)
{
	uint32_t from = (uint32_t)world_below(world, world->count);
	for (uint32_t i = 0; i < world->count; i++) {
		struct city *city = &world->cities[(from + i) % world->count];
		const struct roster_member *own = membership_own(city);
		if (own && own->status == MEMBER_ACTIVE && city->lie == LIE_NONE &&
			roster_number(node_network_roster(city->node, 0)) == world->amendment_count)
			return city;
	}
	return NULL;
}

void membership_amend(struct world *world, struct city *at, const struct amendment_item *item)
{
	struct buffer body, envelope;
	buffer_init(&body, LIMIT_OBJECT_BYTES);
	require(draft_amendment(node_network_roster(at->node, 0), item, 1,
				(uint64_t)world_time(at).wall.ms, &body) == 0);
	world->joiner = NULL;
	world->amending = true;
	world->amender = at->index;
	world->amend_code = 1;
	int code = node_object_submit(at->node, &world->network_id,
		seal(world, OBJECT_AMENDMENT, &body, &envelope), on_object, &world->amend_code,
		world_time(at));
	if (code)
		world_fail(world, "%s refuses the officer's amendment: %s", at->slug, error_text(code));
	buffer_deinit(&body);
	buffer_deinit(&envelope);
}

/* As a join does: all objects from an admitting city. */
static void adopt(struct city *from, struct city *joiner)
{
	static struct bytes objects[OBJECTS_MAX]; /* one thread */
	const struct roster *roster = node_network_roster(from->node, 0);
	struct complaint complaint = {0};
	struct roster_walk walk = {0};
	struct roster_object object;
	struct hash hash;
	size_t count = 0;
	int code = 1;
	while (count < OBJECTS_MAX && roster_amendment(roster, count, &objects[count], &hash) == 0)
		count++;
	while (count < OBJECTS_MAX && roster_object_next(roster, &walk, &object))
		objects[count++] = object.wire;
	city_start(joiner);
	int refused = node_network_adopt(
		joiner->node, objects, count, on_object, &code, &complaint, world_time(joiner));
	if (refused)
		world_fail(from->world, "%s does not adopt the charter of %s: %s %s", joiner->slug,
			from->slug, error_text(refused), complaint.reason);
	city_write_all(joiner);
	joiner->admitted = true;
	city_settle(joiner);
}

void membership_join(struct world *world)
{
	static const uint8_t sealing_key[32] = {9};
	struct city *at = membership_amender(world), *joiner = NULL;
	for (uint32_t i = world->founders; i < world->count && !joiner; i++)
		if (!world->cities[i].admitted)
			joiner = &world->cities[i];
	if (!at || !joiner || world->amending)
		return;
	/* The answer to an earlier try was lost. */
	if (roster_member_by_city(node_network_roster(at->node, 0), &joiner->city_id)) {
		adopt(at, joiner);
		return;
	}
	struct buffer record;
	buffer_init(&record, LIMIT_OBJECT_BYTES);
	require(draft_first_record(joiner->city_key, joiner->node_key, sealing_key, &world->network_id,
				(uint64_t)world_time(at).wall.ms, &record) == 0);
	struct amendment_item item = {.kind = AMENDMENT_ADMIT};
	item.admit.slug = item.admit.name = bytes_from_text(joiner->slug);
	item.admit.country = bytes_from_text("HU");
	item.admit.record = buffer_bytes(&record);
	item.admit.confirmed = true;
	membership_amend(world, at, &item);
	world->joiner = joiner;
	buffer_deinit(&record);
	city_settle(at);
}

void membership_suspend(struct world *world)
{
	struct city *at = membership_amender(world);
	struct city *whom = &world->cities[world_below(world, world->count)];
	if (!at || world->amending || at == whom || !whom->admitted)
		return;
	const struct roster *roster = node_network_roster(at->node, 0);
	size_t suspended = roster_member_count(roster) - roster_active_count(roster);
	if (roster_member_by_city(roster, &whom->city_id)->status != MEMBER_ACTIVE ||
		suspended >= world->count / 5)
		return;
	struct amendment_item item = {.kind = AMENDMENT_SUSPEND, .city_id = whom->city_id};
	item.end.reason = bytes_from_text("seized");
	membership_amend(world, at, &item);
	city_settle(at);
}

void membership_resume(struct world *world)
{
	struct city *at = membership_amender(world);
	const struct roster_member *m;
	for (size_t i = 0;
		 at && !world->amending && (m = roster_member_at(node_network_roster(at->node, 0), i));
		 i++) {
		if (m->status != MEMBER_SUSPENDED)
			continue;
		struct amendment_item item = {.kind = AMENDMENT_RESUME, .city_id = m->city_id};
		membership_amend(world, at, &item);
		city_settle(at);
		return;
	}
}

/* ---- renewal ---- */

void membership_renew(struct city *city, bool force)
{
	uint8_t seed[SECRET_SEED_SIZE];
	const struct roster_member *own = membership_own(city);
	if (!own || own->status != MEMBER_ACTIVE || city->renewing || city->next_key ||
		node_publishing(city->node, NULL) !=
			(force ? NODE_PUBLISHING_RECOVERING : NODE_PUBLISHING_OPEN))
		return;
	for (size_t i = 0; i < sizeof seed; i++)
		seed[i] = (uint8_t)(world_random(&city->world->chance) >> 16);
	require(secret_key_from_seed(seed, &city->next_key) == 0);
	city->renewing = true;
	city->renew_force = force;
	city->renew_submitted = false;
	city->renew_code = 1;
	node_hold_drafts(city->node, true, world_time(city));
	city_settle(city);
}

static void take_over(struct city *city)
{
	struct secret_key *former = city->node_key;
	city->epoch_newest = membership_own(city)->epoch;
	if (city->renew_force) {
		node_forgo_word(city->node, &city->world->network_id, world_time(city));
		city->world->forced++;
	}
	city->renew_force = false;
	city->node_key = city->next_key;
	city->next_key = NULL;
	node_set_node_key(
		city->node, city->node_key, secret_key_public(city->node_key), world_time(city));
	secret_key_free(former);
	city->world->renewals++;
}

void membership_renew_resume(struct city *city)
{
	const struct roster_member *own = membership_own(city);
	if (own && city->next_key &&
		public_key_equal(&own->node_key, secret_key_public(city->next_key)))
		take_over(city);
	secret_key_free(city->next_key);
	city->next_key = NULL;
}

static void submit_record(struct city *city)
{
	static const uint8_t sealing[32] = {9};
	struct world *world = city->world;
	struct epoch_cut cuts[EPOCH_LANES] = {{0}};
	struct buffer wire;
	for (unsigned k = 0; k < EPOCH_LANES; k++) {
		struct node_feed feed;
		if (node_feed_find(
				city->node, &world->feeds[city->index * FEED_LANE_COUNT + k].feed_id, &feed) &&
			feed.seq > 0)
			cuts[k] = (struct epoch_cut){feed.seq, feed.entry_hash};
		ledger_cut(&world->feeds[city->index * FEED_LANE_COUNT + k], &cuts[k]);
	}
	city->renew_submitted = true;
	buffer_init(&wire, LIMIT_OBJECT_BYTES);
	int code = draft_renewal(node_network_roster(city->node, 0), &city->city_id, city->city_key,
		city->next_key, sealing, cuts, EPOCH_REASON_RENEWAL, (uint64_t)world_time(city).wall.ms,
		&wire);
	if (!code)
		code = node_object_submit(city->node, &world->network_id, buffer_bytes(&wire), on_object,
			&city->renew_code, world_time(city));
	if (code)
		city->renew_code = code;
	buffer_deinit(&wire);
}

static void renewal_step(struct city *city)
{
	if (!city->renew_submitted && node_own_at_rest(city->node)) {
		submit_record(city);
		/* People do not stop for it. */
		if (city->renew_code == 1)
			city_publish(city, FEED_LANE_DOC, 100);
	}
	if (city->renew_code == 1)
		return;
	city->renewing = false;
	if (city->renew_code == 0)
		take_over(city);
	secret_key_free(city->next_key);
	city->next_key = NULL;
	node_hold_drafts(city->node, false, world_time(city));
}

void membership_step(struct city *city)
{
	struct world *world = city->world;
	if (city->renewing)
		renewal_step(city);
	if (!world->amending || world->amender != city->index || world->amend_code == 1)
		return;
	world->amending = false;
	if (world->amend_code)
		world_fail(world, "%s could not store the officer's amendment: %s", city->slug,
			error_text(world->amend_code));
	else if (world->joiner && !world->joiner->admitted)
		adopt(city, world->joiner);
	world->joiner = NULL;
}
