/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A failing seed made small: fewer cities, less time, and only those of its faults without which it
 * no longer fails (delta debugging: Zeller and Hildebrandt, Simplifying and Isolating
 * Failure-Inducing Input, 2002). Each fault draws from a chance of its own, so that the others stay
 * what they were when it is left out.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAULTS_MAX 100000u

struct world_options;

/** Which faults happen, by their number in the seed, from 1. Zeroed: none but those added. */
struct fault_set {
	uint8_t *bits;
	uint32_t count;
};

/** False: no memory, or a number that is 0 or beyond FAULTS_MAX. */
bool fault_set_add(struct fault_set *set, uint64_t number);
bool fault_set_has(const struct fault_set *set, uint64_t number);
/** "3,17,20", or "0" for none. False: it is not of that form. */
bool fault_set_parse(struct fault_set *set, const char *text);
void fault_set_deinit(struct fault_set *set);

/** Runs a world: true if it fails as the one to be shrunk did. */
typedef bool shrink_fails_fn(void *ctx, const struct world_options *options);

/**
 * `options` failed with `faults` faults; they become the smallest that were found to fail, with
 * options->only set to `out`. At most `tries` runs; returns how many there were.
 */
unsigned shrink(struct world_options *options, uint64_t faults, struct fault_set *out,
	unsigned tries, shrink_fails_fn *fails, void *ctx);
