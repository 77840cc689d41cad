/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/charter.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "proto/node_private.h"

int charter_new(const struct hash *network_id, const uint8_t map_seed[static MAP_SEED_SIZE],
	struct charter **out)
{
	struct charter *charter = calloc(1, sizeof *charter);
	int code = charter ? roster_new(network_id, map_seed, &charter->roster) : ERROR_MEMORY;
	if (code) {
		free(charter);
		return code;
	}
	charter->holders = 1;
	list_init(&charter->objects_by_arrival);
	map_init(&charter->objects, HASH_SIZE, map_seed);
	map_init(&charter->feed_names, HASH_SIZE, map_seed);
	*out = charter;
	return 0;
}

void charter_release(struct charter *charter)
{
	size_t position = 0;
	void *value;
	struct city_names *names;
	if (--charter->holders > 0)
		return;
	while (map_next(&charter->objects, &position, NULL, &value)) {
		struct object_ref *ref = value;
		blob_free(ref->wire);
		free(ref);
	}
	map_deinit(&charter->objects);
	map_deinit(&charter->feed_names);
	while ((names = charter->names)) {
		charter->names = names->next;
		free(names);
	}
	free(charter->amendments);
	roster_free(charter->roster);
	free(charter);
}

static int amendment_slot(struct charter *charter, uint64_t number)
{
	if (number < charter->amendment_capacity)
		return 0;
	size_t capacity = charter->amendment_capacity ? charter->amendment_capacity * 2 : 16;
	if (number >= capacity)
		return ERROR_LIMIT; /* numbers are consecutive: the roster has judged that */
	struct object_ref **grown = realloc(
		charter->amendments, capacity * sizeof(struct object_ref *));
	if (!grown)
		return ERROR_MEMORY;
	memset(grown + charter->amendment_capacity, 0,
		(capacity - charter->amendment_capacity) * sizeof(struct object_ref *));
	charter->amendments = grown;
	charter->amendment_capacity = capacity;
	return 0;
}

struct object_ref *charter_add(struct charter *charter, const struct roster_change *change,
	uint8_t type, struct blob *wire, bool rival)
{
	struct object_ref *ref = calloc(1, sizeof *ref);
	require(charter->holders == 1);
	if (!ref || map_put(&charter->objects, &change->object_hash, ref)) {
		free(ref);
		return NULL;
	}
	ref->object_hash = change->object_hash;
	ref->city_id = change->city_id;
	ref->type = type;
	ref->number = change->number;
	ref->wire = blob_ref(wire);
	if ((type == OBJECT_GENESIS || type == OBJECT_AMENDMENT) && !rival &&
		amendment_slot(charter, change->number) == 0) {
		charter->amendments[change->number] = ref;
		if (change->number >= charter->amendment_count)
			charter->amendment_count = change->number + 1;
	}
	return ref;
}

void charter_drop(struct charter *charter, struct object_ref *ref)
{
	require(charter->holders == 1);
	list_remove(&ref->by_arrival);
	map_remove(&charter->objects, &ref->object_hash);
	blob_free(ref->wire);
	free(ref);
}

void charter_durable(struct charter *charter, struct object_ref *ref, uint64_t arrival)
{
	require(charter->holders == 1);
	ref->arrival = arrival;
	list_push_back(&charter->objects_by_arrival, &ref->by_arrival);
}

int charter_load(struct charter *charter, struct roster_change *scratch, uint8_t type,
	struct bytes wire, uint64_t arrival)
{
	int code = roster_load(charter->roster, wire, scratch);
	bool rival = code == ERROR_CHARTER_RIVAL;
	if (code == ERROR_EXISTS)
		return 0;
	if (code && !rival)
		return code;
	struct blob *copy = blob_copy(wire);
	struct object_ref *ref = copy ? charter_add(charter, scratch, type, copy, rival) : NULL;
	blob_free(copy);
	if (!ref)
		return ERROR_MEMORY;
	charter_durable(charter, ref, arrival);
	return 0;
}

/* ---- the names of feeds ---- */

int charter_name_city(
	struct charter *charter, const struct hash *network_id, const struct hash *city_id)
{
	struct hash ids[FEED_LANE_COUNT];
	for (uint8_t lane = 1; lane <= FEED_LANE_COUNT; lane++)
		if (feed_id_of(network_id, city_id, lane, &ids[lane - 1]))
			return ERROR_CRYPTO;
	if (map_get(&charter->feed_names, &ids[0]))
		return 0;
	require(charter->holders == 1);
	struct city_names *names = calloc(1, sizeof *names);
	if (!names)
		return ERROR_MEMORY;
	names->next = charter->names;
	charter->names = names;
	for (uint8_t lane = 1; lane <= FEED_LANE_COUNT; lane++) {
		names->lanes[lane - 1] = (struct feed_name){*city_id, lane};
		int code = map_put(&charter->feed_names, &ids[lane - 1], &names->lanes[lane - 1]);
		if (code)
			return code;
	}
	return 0;
}

int charter_name_all(struct charter *charter, const struct hash *network_id)
{
	const struct roster_member *m;
	int code = 0;
	for (size_t k = 0; code == 0 && (m = roster_member_at(charter->roster, k)); k++)
		code = charter_name_city(charter, network_id, &m->city_id);
	return code;
}

const struct feed_name *charter_feed_name(const struct charter *charter, const struct hash *feed_id)
{
	return map_get(&charter->feed_names, feed_id);
}

/* ---- one's own ---- */

static int load_same(struct network *network, const struct charter *from, struct charter *to)
{
	int code = 0;
	list_for_each(&from->objects_by_arrival, n)
	{
		const struct object_ref *ref = list_entry(n, struct object_ref, by_arrival);
		code = charter_load(
			to, &network->node->change, ref->type, blob_bytes(ref->wire), ref->arrival);
		if (code)
			return code;
	}
	return charter_name_all(to, &network->id);
}

int charter_own(struct network *network)
{
	struct node *node = network->node;
	struct charter *shared = network->charter, *own;
	if (shared->holders == 1)
		return 0;
	int code = charter_new(&network->id, node->map_seed, &own);
	if (code)
		return code;
	code = load_same(network, shared, own);
	if (code) {
		charter_release(own);
		return code;
	}
	/* The walks over the objects stand where they stood. */
	list_for_each(&node->links, n)
	{
		struct link_network *ln = link_network_find(
			list_entry(n, struct link, node_link), &network->id);
		if (ln && ln->object_next)
			ln->object_next = map_get(&own->objects, &ln->object_next->object_hash);
	}
	network->charter = own;
	network->roster = own->roster;
	charter_release(shared);
	return 0;
}
