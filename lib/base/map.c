/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/error.h"

#define MAP_CAPACITY_MIN 16

static uint64_t load_little_endian(const uint8_t *from, size_t len)
{
	uint64_t value = 0;
	for (size_t i = 0; i < len; i++)
		value |= (uint64_t)from[i] << (8 * i);
	return value;
}

static uint64_t rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

uint64_t map_hash(const uint64_t seed[static 2], const void *data, size_t len)
{
	uint64_t v[4] = {
		seed[0] ^ UINT64_C(0x736f6d6570736575), seed[1] ^ UINT64_C(0x646f72616e646f6d),
		seed[0] ^ UINT64_C(0x6c7967656e657261), seed[1] ^ UINT64_C(0x7465646279746573),
	};
	const uint8_t *at = data;
	size_t left = len;

	for (; left >= 8; at += 8, left -= 8) {
		uint64_t word = load_little_endian(at, 8);
		v[3] ^= word;
		sip_round(v);
		sip_round(v);
		v[0] ^= word;
	}
	uint64_t last = (uint64_t)len << 56 | load_little_endian(at, left);
	v[3] ^= last;
	sip_round(v);
	sip_round(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void map_init(struct map *m, size_t key_size, const uint8_t seed[static MAP_SEED_SIZE])
{
	require(key_size >= 1 && key_size <= MAP_KEY_SIZE_MAX);
	*m = (struct map){.key_size = key_size};
	m->seed[0] = load_little_endian(seed, 8);
	m->seed[1] = load_little_endian(seed + 8, 8);
}

void map_deinit(struct map *m)
{
	free(m->keys);
	free(m->values);
	free(m->hashes);
	m->keys = NULL;
	m->values = NULL;
	m->hashes = NULL;
	m->count = m->capacity = 0;
}

void map_clear(struct map *m)
{
	if (m->capacity)
		memset(m->values, 0, m->capacity * sizeof(*m->values));
	m->count = 0;
}

static uint8_t *key_at(const struct map *m, size_t slot)
{
	return m->keys + slot * m->key_size;
}

/* The slot that holds the key, or the free one where it belongs. */
static size_t map_find(const struct map *m, const void *key, uint64_t hash)
{
	size_t mask = m->capacity - 1;
	size_t slot = (size_t)hash & mask;
	while (m->values[slot] &&
		(m->hashes[slot] != hash || memcmp(key_at(m, slot), key, m->key_size) != 0))
		slot = (slot + 1) & mask;
	return slot;
}

static void map_set(struct map *m, size_t slot, const void *key, uint64_t hash, void *value)
{
	memcpy(key_at(m, slot), key, m->key_size);
	m->hashes[slot] = hash;
	m->values[slot] = value;
}

static int map_resize(struct map *m, size_t capacity)
{
	struct map larger = *m;

	if (capacity > SIZE_MAX / MAP_KEY_SIZE_MAX)
		return ERROR_MEMORY;
	larger.capacity = capacity;
	larger.keys = malloc(capacity * m->key_size);
	larger.values = calloc(capacity, sizeof(*larger.values));
	larger.hashes = malloc(capacity * sizeof(*larger.hashes));
	if (!larger.keys || !larger.values || !larger.hashes) {
		map_deinit(&larger);
		return ERROR_MEMORY;
	}
	for (size_t slot = 0; slot < m->capacity; slot++) {
		if (!m->values[slot])
			continue;
		size_t to = map_find(&larger, key_at(m, slot), m->hashes[slot]);
		map_set(&larger, to, key_at(m, slot), m->hashes[slot], m->values[slot]);
	}
	size_t count = m->count;
	map_deinit(m);
	*m = larger;
	m->count = count;
	return 0;
}

void *map_get(const struct map *m, const void *key)
{
	if (m->count == 0)
		return NULL;
	return m->values[map_find(m, key, map_hash(m->seed, key, m->key_size))];
}

int map_put(struct map *m, const void *key, void *value)
{
	require(value != NULL);
	if ((m->count + 1) > m->capacity / 4 * 3) {
		int error = map_resize(m, m->capacity ? m->capacity * 2 : MAP_CAPACITY_MIN);
		if (error)
			return error;
	}
	uint64_t hash = map_hash(m->seed, key, m->key_size);
	size_t slot = map_find(m, key, hash);
	if (!m->values[slot])
		m->count++;
	map_set(m, slot, key, hash, value);
	return 0;
}

/*
 * Frees a slot and moves later entries of the same run of slots back, so that no tombstones
 * remain.
 */
static void map_free_slot(struct map *m, size_t hole)
{
	size_t mask = m->capacity - 1;

	for (size_t slot = (hole + 1) & mask; m->values[slot]; slot = (slot + 1) & mask) {
		size_t home = (size_t)m->hashes[slot] & mask;
		/* An entry may move into the hole only if its home does not lie after the hole. */
		if (((slot - home) & mask) < ((slot - hole) & mask))
			continue;
		map_set(m, hole, key_at(m, slot), m->hashes[slot], m->values[slot]);
		hole = slot;
	}
	m->values[hole] = NULL;
	m->count--;
}

void *map_remove(struct map *m, const void *key)
{
	if (m->count == 0)
		return NULL;
	size_t slot = map_find(m, key, map_hash(m->seed, key, m->key_size));
	void *value = m->values[slot];
	if (value)
		map_free_slot(m, slot);
	return value;
}

bool map_next(const struct map *m, size_t *position, const void **key, void **value)
{
	while (*position < m->capacity && !m->values[*position])
		(*position)++;
	if (*position >= m->capacity)
		return false;
	if (key)
		*key = key_at(m, *position);
	if (value)
		*value = m->values[*position];
	(*position)++;
	return true;
}

void map_remove_at(struct map *m, size_t *position)
{
	require(*position >= 1 && *position <= m->capacity && m->values[*position - 1]);
	(*position)--;
	map_free_slot(m, *position);
}
