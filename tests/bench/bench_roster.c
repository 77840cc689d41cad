/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A roster of 10,000 cities, each admitted by an amendment of its own and with an address list and
 * a second epoch record: what taking it from peers, loading it at start, and asking it costs. One
 * core. Prints `name value goal ratio` lines; a goal of 0 is none.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "base/text.h"
#include "charter/draft.h"
#include "feed/feed.h"

#define CITIES 10000
/** What a start may take that holds 10 M records: DESIGN.md, section 12. */
#define LOAD_GOAL_MS 50.0
#define MEMORY_GOAL_MB 32.0

static const uint8_t map_seed[MAP_SEED_SIZE];
static struct roster_change change;

struct object {
	uint8_t *data;
	size_t len;
};

static struct object objects[3 * CITIES + 1];
static size_t object_count;

static double now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static struct secret_key *key_of(unsigned city, unsigned use)
{
	uint8_t seed[SECRET_SEED_SIZE] = {(uint8_t)use, (uint8_t)city, (uint8_t)(city >> 8), 1};
	struct secret_key *key;
	require(secret_key_from_seed(seed, &key) == 0);
	return key;
}

/* Applies what was made, so that the next object can follow it, and keeps it. */
static void keep(struct roster *roster, struct buffer *wire)
{
	require(wire->error == 0 && roster_load(roster, buffer_bytes(wire), &change) == 0);
	struct object *object = &objects[object_count++];
	object->len = wire->len;
	object->data = malloc(wire->len);
	require(object->data != NULL);
	memcpy(object->data, wire->data, wire->len);
	buffer_reset(wire);
}

static void seal(
	uint8_t type, struct buffer *body, const struct secret_key *key, struct buffer *wire)
{
	require(draft_seal_by(type, buffer_bytes(body), key, wire) == 0);
	buffer_reset(body);
}

static void make_city(struct roster *roster, unsigned n, const struct secret_key *officer,
	struct buffer *body, struct buffer *wire)
{
	static const uint8_t sealing_key[32] = {9};
	struct secret_key *city = key_of(n, 1), *node = key_of(n, 2), *second = key_of(n, 3);
	struct amendment_item item = {.kind = AMENDMENT_ADMIT};
	struct epoch_cut cuts[EPOCH_LANES] = {{0}};
	struct address_list list = {.epoch = 2,
		.number = 1,
		.count = 1,
		.addresses = {bytes_from_text("hansa.city.example.org:7411")}};
	struct buffer record;
	char slug[TEXT_SLUG_MAX + 1];
	buffer_init(&record, OBJECT_BYTES_MAX);
	snprintf(slug, sizeof(slug), "city-%u", n);
	require(
		draft_first_record(city, node, sealing_key, roster_network_id(roster), 1, &record) == 0);
	item.admit.slug = item.admit.name = bytes_from_text(slug);
	item.admit.country = bytes_from_text("XX");
	item.admit.record = buffer_bytes(&record);
	item.admit.confirmed = true;
	require(draft_amendment(roster, &item, 1, n, body) == 0);
	seal(OBJECT_AMENDMENT, body, officer, wire);
	keep(roster, wire);
	require(city_id_of(secret_key_public(city), &list.city_id) == 0);
	require(draft_renewal(roster, &list.city_id, city, second, sealing_key, cuts, 1, n, wire) == 0);
	keep(roster, wire);
	list.network_id = *roster_network_id(roster);
	require(address_list_seal(wire, &list, second) == 0);
	keep(roster, wire);
	buffer_deinit(&record);
	secret_key_free(city);
	secret_key_free(node);
	secret_key_free(second);
}

static void make_all(void)
{
	struct secret_key *officer = key_of(0, 0);
	struct draft_network network = {.name = bytes_from_text("Network"),
		.slug = bytes_from_text("network"),
		.officers = {.count = 1, .k = 1}};
	struct buffer body, wire;
	struct roster *roster;
	network.officers.list[0].key = *secret_key_public(officer);
	buffer_init(&body, OBJECT_BYTES_MAX);
	buffer_init(&wire, OBJECT_BYTES_MAX);
	require(roster_new(NULL, map_seed, &roster) == 0);
	require(draft_genesis(&network, &body) == 0);
	seal(OBJECT_GENESIS, &body, officer, &wire);
	keep(roster, &wire);
	for (unsigned i = 0; i < CITIES; i++)
		make_city(roster, i, officer, &body, &wire);
	buffer_deinit(&body);
	buffer_deinit(&wire);
	secret_key_free(officer);
	roster_free(roster);
}

static double fill(struct roster **out, bool load)
{
	double start = now_ms();
	require(roster_new(NULL, map_seed, out) == 0);
	for (size_t i = 0; i < object_count; i++) {
		struct bytes wire = bytes_of(objects[i].data, objects[i].len);
		require((load ? roster_load(*out, wire, &change) : roster_apply(*out, wire, &change)) == 0);
	}
	return now_ms() - start;
}

/* Nanoseconds for a pin and an epoch of one city: what a handshake and a run ask. */
static double ask(const struct roster *roster)
{
	struct roster_epoch epoch;
	size_t pinned = 0;
	double start = now_ms();
	for (size_t i = 0; i < CITIES; i++) {
		const struct roster_member *m = roster_member_at(roster, i * 7919 % CITIES);
		pinned += roster_is_current_pin(roster, &m->node_key);
		require(roster_epoch(roster, &m->city_id, 1, &epoch) == 0);
	}
	require(pinned == CITIES);
	return (now_ms() - start) * 1e6 / CITIES;
}

static double all_ranges(struct roster *roster)
{
	struct hash digest;
	double start = now_ms();
	for (unsigned i = 0; i < ROSTER_RANGES; i++)
		require(roster_object_range(roster, (uint8_t)i, &digest) == 0);
	return now_ms() - start;
}

static void print(const char *name, double value, double goal)
{
	printf("%s %.2f %.2f %.2f\n", name, value, goal, goal > 0 ? value / goal : 0.0);
}

int main(void)
{
	struct roster *roster;
	make_all();
	size_t before = mallinfo2().uordblks;
	double load_ms = fill(&roster, true);
	double memory_mb = (double)(mallinfo2().uordblks - before) / 1e6;
	print("roster_load_ms", load_ms, LOAD_GOAL_MS);
	print("roster_memory_mb", memory_mb, MEMORY_GOAL_MB);
	print("roster_ask_ns", ask(roster), 0);
	print("roster_ranges_first_ms", all_ranges(roster), 0);
	print("roster_ranges_again_ms", all_ranges(roster), 0);
	roster_free(roster);
	print("roster_apply_ms", fill(&roster, false), 0);
	roster_free(roster);
	for (size_t i = 0; i < object_count; i++)
		free(objects[i].data);
	return 0;
}
