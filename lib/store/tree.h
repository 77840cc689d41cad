/* SPDX-License-Identifier: Apache-2.0 */
/**
 * An ordered map from bytes to bytes whose versions share what they have in common: a version costs
 * nothing to keep, and a change copies only the way from the root to it. A treap (Seidel and
 * Aragon, "Randomized search trees", 1996) with path copying, nodes counted by reference;
 * priorities are a hash of the key, so that the shape depends on the keys alone and a simulation
 * replays exactly.
 *
 * A `struct tree *` is one version, NULL the empty one, immutable while more than one holds it.
 */
#pragma once

#include <stdint.h>

#include "base/bytes.h"

struct tree;

/** One more holder; returns the same. */
struct tree *tree_hold(struct tree *t);
void tree_release(struct tree *t);

/** NULL data if there is none. The view lives as long as a version that has it. */
struct bytes tree_get(const struct tree *t, struct bytes key);
/** The first row with key >= (`at_most`: the last with key <=) `key`; NULL if there is none. */
const struct tree *tree_seek(const struct tree *t, struct bytes key, int at_most);
struct bytes tree_key(const struct tree *t);
struct bytes tree_value(const struct tree *t);

/**
 * Both take over the holder's `*t` and leave the new version there. Put: adds or replaces, returns
 * where `len` bytes of value go, NULL without memory (then `*t` is still valid, perhaps with the
 * row half made: abort). Drop: the key must be there; 0 or ERROR_MEMORY.
 */
uint8_t *tree_put(struct tree **t, struct bytes key, size_t len);
int tree_drop(struct tree **t, struct bytes key);
