/* SPDX-License-Identifier: Apache-2.0 */
/**
 * How many handshakes strangers may begin: a token bucket for each /24 of IPv4 and /48 of IPv6, in
 * a table of fixed size. A full set of the table forgets the bucket that was used longest ago,
 * which costs an attacker with that many prefixes a set, and nobody memory.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/map.h"
#include "base/timestamp.h"

#define TOKEN_BUCKET_SETS 256u
#define TOKEN_BUCKET_WAYS 8u

/** How many at once, and how many come back each second. */
struct token_bucket_rate {
	unsigned burst, per_second;
};

struct token_bucket;

/** `seed` keeps strangers from choosing a set. NULL without memory. */
struct token_bucket *token_bucket_new(
	const uint8_t seed[static MAP_SEED_SIZE], struct token_bucket_rate rate);
void token_bucket_free(struct token_bucket *bucket);
/** Takes one token of the address's prefix; false: there is none. Other families: always false. */
bool token_bucket_take(
	struct token_bucket *bucket, const struct sockaddr *address, struct monotime now);
