/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Hash map from byte keys of one fixed size to pointers. Open addressing with linear probing and
 * backward-shift deletion, at most 3/4 full, doubling. The hash is SipHash-2-4 under a seed given
 * at init, since strangers choose keys (feed ids, node keys): the daemon gives random bytes, the
 * simulator those of its own seed. Source: https://www.aumasson.jp/siphash/siphash.pdf
 *
 * The map copies keys and owns no values.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAP_SEED_SIZE 16
#define MAP_KEY_SIZE_MAX 64

struct map {
	size_t key_size;
	size_t count;    /* entries */
	size_t capacity; /* slots, a power of two, or 0 */
	uint64_t seed[2];
	uint8_t *keys;   /* capacity * key_size */
	void **values;   /* NULL: free slot */
	uint64_t *hashes;
};

/** key_size 1..MAP_KEY_SIZE_MAX. Allocates nothing yet. */
void map_init(struct map *m, size_t key_size, const uint8_t seed[static MAP_SEED_SIZE]);
/** Frees the table, not the values. */
void map_deinit(struct map *m);
/** Empties it, keeps the table. */
void map_clear(struct map *m);

/** NULL if there is none. */
void *map_get(const struct map *m, const void *key);
/** Sets or replaces; `value` is not NULL. ERROR_MEMORY: nothing changed. */
int map_put(struct map *m, const void *key, void *value);
/** Takes it out and returns it, NULL if there is none. */
void *map_remove(struct map *m, const void *key);

/**
 * Iterates in an order that depends on the seed: start with *position 0; false at the end. `key`
 * and `value` may be NULL. Meanwhile no map_put and no map_remove, only map_remove_at.
 */
bool map_next(const struct map *m, size_t *position, const void **key, void **value);
/**
 * Removes the entry that map_next just returned and goes on rightly: none is skipped. After
 * removals at the table's end an entry may be met a second time.
 */
void map_remove_at(struct map *m, size_t *position);

/** SipHash-2-4 with a 64-bit result, for tests and other tables. */
uint64_t map_hash(const uint64_t seed[static 2], const void *data, size_t len);
