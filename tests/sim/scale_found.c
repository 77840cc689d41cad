/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "charter/draft.h"
#include "tests/sim/scale.h"

/*
 * One charter with all members and their address lists, verified once, at a registrar that is no
 * member; every city begins with a copy of its store, and shares its charter. The copies are
 * versions of one tree (store/tree.h).
 */

#define FOUNDERS 64u
#define ADMITTED_AT_ONCE 96u /* what an amendment of 60 KiB holds */

static const uint8_t sealing_key[32] = {9};

static void on_object(void *ctx, int code, const struct hash *object_hash, uint64_t arrival)
{
	(void)object_hash;
	(void)arrival;
	*(int *)ctx = code;
}

/* Forty countries, as unequal as it happens. */
static struct bytes country_of(uint32_t index)
{
	static const char codes[] =
		"ATBEBGCYCZDEDKEEESFIFRGRHRHUIEITLTLULVMTNLPLPTROSESISKGBUSCAMXBRARCLCO"
		"ZAKENGSNMAJPKRINID";
	size_t count = (sizeof codes - 1) / 2;
	return bytes_of(codes + 2 * (index % count), 2);
}

static void submit(struct scale *scale, struct bytes wire)
{
	struct city *registrar = scale->registrar;
	int code = 1;
	int refused = node_object_submit(
		registrar->node, &scale->world->network_id, wire, on_object, &code, world_time(registrar));
	if (refused)
		world_fail(scale->world, "the registrar refuses an object: %s", error_text(refused));
	city_write_all(registrar);
	require(refused || code == 0);
}

static struct bytes seal(
	struct world *world, uint8_t type, const struct buffer *body, struct buffer *envelope)
{
	buffer_init(envelope, LIMIT_OBJECT_BYTES);
	require(draft_seal_by(type, buffer_bytes(body), world->officer, envelope) == 0);
	return buffer_bytes(envelope);
}

static void found(struct scale *scale, uint32_t count)
{
	struct world *world = scale->world;
	struct city *registrar = scale->registrar;
	struct draft_founder founders[FOUNDERS] = {{.slug = {0}}};
	struct buffer body, envelope;
	int code = 1;
	for (uint32_t i = 0; i < count; i++) {
		struct city *city = &world->cities[i];
		founders[i].slug = founders[i].name = bytes_from_text(city->slug);
		founders[i].country = country_of(i);
		founders[i].city_secret = city->city_key;
		founders[i].node_secret = city->node_key;
		memcpy(founders[i].sealing_key, sealing_key, sizeof sealing_key);
	}
	struct draft_network network = {.name = bytes_from_text("Pact"),
		.slug = bytes_from_text("pact"),
		.time_ms = (uint64_t)world_time(registrar).wall.ms,
		.founders = founders,
		.founder_count = count};
	network.officers.count = 1;
	network.officers.k = 1;
	network.officers.list[0].key = *secret_key_public(world->officer);
	network.officers.list[0].name = bytes_from_text("officer");
	buffer_init(&body, LIMIT_OBJECT_BYTES);
	require(draft_genesis(&network, &body) == 0);
	require(node_network_create(registrar->node, seal(world, OBJECT_GENESIS, &body, &envelope),
				on_object, &code, world_time(registrar)) == 0);
	world->network_id = *roster_network_id(node_network_roster(registrar->node, 0));
	ledger_init(world);
	city_write_all(registrar);
	require(code == 0);
	buffer_deinit(&body);
	buffer_deinit(&envelope);
}

static void admit(struct scale *scale, uint32_t from, uint32_t to)
{
	struct world *world = scale->world;
	static struct amendment_item items[ADMITTED_AT_ONCE];
	static struct buffer records[ADMITTED_AT_ONCE];
	struct buffer body, envelope;
	uint64_t time_ms = (uint64_t)world_time(scale->registrar).wall.ms;
	memset(items, 0, sizeof items);
	for (uint32_t i = from; i < to; i++) {
		struct city *city = &world->cities[i];
		struct amendment_item *item = &items[i - from];
		struct buffer *record = &records[i - from];
		buffer_init(record, LIMIT_OBJECT_BYTES);
		require(draft_first_record(city->city_key, city->node_key, sealing_key, &world->network_id,
					time_ms, record) == 0);
		item->kind = AMENDMENT_ADMIT;
		item->admit.slug = item->admit.name = bytes_from_text(city->slug);
		item->admit.country = country_of(i);
		item->admit.record = buffer_bytes(record);
		item->admit.confirmed = true;
	}
	buffer_init(&body, LIMIT_OBJECT_BYTES);
	require(draft_amendment(node_network_roster(scale->registrar->node, 0), items, to - from,
				time_ms, &body) == 0);
	submit(scale, seal(world, OBJECT_AMENDMENT, &body, &envelope));
	buffer_deinit(&body);
	buffer_deinit(&envelope);
	for (uint32_t i = from; i < to; i++)
		buffer_deinit(&records[i - from]);
}

static void publish_address(struct scale *scale, struct city *city)
{
	struct world *world = scale->world;
	struct buffer wire;
	char text[32];
	snprintf(text, sizeof text, "sim-%u:1", city->index);
	struct address_list list = {.network_id = world->network_id,
		.city_id = city->city_id,
		.epoch = 1,
		.number = 1,
		.time = (uint64_t)world_time(city).wall.ms,
		.count = 1,
		.addresses = {bytes_from_text(text)}};
	buffer_init(&wire, LIMIT_OBJECT_BYTES);
	require(address_list_seal(&wire, &list, city->node_key) == 0);
	submit(scale, buffer_bytes(&wire));
	buffer_deinit(&wire);
}

void scale_found(struct scale *scale)
{
	struct world *world = scale->world;
	uint32_t founders = world->count < FOUNDERS ? world->count : FOUNDERS;
	city_start(scale->registrar);
	found(scale, founders);
	for (uint32_t i = founders; i < world->count; i += ADMITTED_AT_ONCE)
		admit(scale, i, world->count - i < ADMITTED_AT_ONCE ? world->count : i + ADMITTED_AT_ONCE);
	for (uint32_t i = 0; i < world->count; i++)
		publish_address(scale, &world->cities[i]);
	struct store_snapshot *copy = store_memory_copy(scale->registrar->store);
	require(copy);
	for (uint32_t i = 0; i < world->count; i++) {
		store_memory_restore(world->cities[i].store, copy);
		world->cities[i].admitted = true;
	}
	store_snapshot_free(copy);
	/* Started anew: all that it holds is durable, and so may be shared. */
	city_crash(scale->registrar, true);
	city_start(scale->registrar);
}
