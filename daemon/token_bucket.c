/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/token_bucket.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

struct slot {
	uint8_t prefix[8]; /* family, then /24 or /48 */
	bool used;
	/*
	 * The time at which the bucket is full again; the tokens that are missing now follow from it
	 * (GCRA: https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm).
	 */
	int64_t full_at;
	int64_t seen;
};

struct token_bucket {
	uint64_t seed[2];
	int64_t token_us, full_us; /* for one token, for all */
	struct slot sets[TOKEN_BUCKET_SETS][TOKEN_BUCKET_WAYS];
};

struct token_bucket *token_bucket_new(
	const uint8_t seed[static MAP_SEED_SIZE], struct token_bucket_rate rate)
{
	struct token_bucket *bucket = calloc(1, sizeof(*bucket));
	if (!bucket)
		return NULL;
	memcpy(bucket->seed, seed, sizeof(bucket->seed));
	bucket->token_us = 1000000 / rate.per_second;
	bucket->full_us = bucket->token_us * rate.burst;
	return bucket;
}

void token_bucket_free(struct token_bucket *bucket)
{
	free(bucket);
}

static bool prefix_of(const struct sockaddr *address, uint8_t prefix[static 8])
{
	memset(prefix, 0, 8);
	if (address->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)address;
		prefix[0] = 4;
		memcpy(prefix + 1, &in->sin_addr, 3);
		return true;
	}
	if (address->sa_family != AF_INET6)
		return false;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)address;
	if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
		prefix[0] = 4;
		memcpy(prefix + 1, in6->sin6_addr.s6_addr + 12, 3);
	} else {
		prefix[0] = 6;
		memcpy(prefix + 1, in6->sin6_addr.s6_addr, 6);
	}
	return true;
}

static struct slot *slot_of(
	struct token_bucket *bucket, const uint8_t prefix[static 8], int64_t now)
{
	struct slot *set = bucket->sets[map_hash(bucket->seed, prefix, 8) % TOKEN_BUCKET_SETS];
	struct slot *oldest = &set[0];
	for (unsigned i = 0; i < TOKEN_BUCKET_WAYS; i++) {
		if (set[i].used && memcmp(set[i].prefix, prefix, 8) == 0)
			return &set[i];
		if (!set[i].used)
			oldest = oldest->used ? &set[i] : oldest;
		else if (oldest->used && set[i].seen < oldest->seen)
			oldest = &set[i];
	}
	*oldest = (struct slot){.used = true, .full_at = now};
	memcpy(oldest->prefix, prefix, 8);
	return oldest;
}

bool token_bucket_take(
	struct token_bucket *bucket, const struct sockaddr *address, struct monotime now)
{
	uint8_t prefix[8];
	if (!prefix_of(address, prefix))
		return false;
	struct slot *slot = slot_of(bucket, prefix, now.us);
	slot->seen = now.us;
	int64_t full_at = (slot->full_at > now.us ? slot->full_at : now.us) + bucket->token_us;
	if (full_at - now.us > bucket->full_us)
		return false;
	slot->full_at = full_at;
	return true;
}
