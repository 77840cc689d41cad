/* SPDX-License-Identifier: Apache-2.0 */
#include "feed/feed.h"

#include <string.h>

int city_id_of(const struct public_key *first_city_key, struct hash *out)
{
	return hash_of("hansa city 1", public_key_bytes(first_city_key), out);
}

int feed_id_of(
	const struct hash *network_id, const struct hash *city_id, uint8_t lane, struct hash *out)
{
	uint8_t name[2 * HASH_SIZE + 1];

	memcpy(name, network_id->bytes, HASH_SIZE);
	memcpy(name + HASH_SIZE, city_id->bytes, HASH_SIZE);
	name[2 * HASH_SIZE] = lane;
	return hash_of("hansa feed 1", bytes_of(name, sizeof(name)), out);
}

void feed_tip_init(struct feed_tip *tip, const struct hash *feed_id)
{
	*tip = (struct feed_tip){.feed_id = *feed_id};
}

void feed_tip_begin(
	struct feed_tip *tip, uint32_t epoch, uint64_t seq, const struct hash *entry_hash)
{
	feed_tip_start_epoch(tip, epoch, seq, entry_hash);
	tip->partial = true;
}

void feed_tip_start_epoch(
	struct feed_tip *tip, uint32_t epoch, uint64_t cut_seq, const struct hash *cut_hash)
{
	tip->epoch = epoch;
	tip->seq = cut_seq;
	tip->entry_hash = *cut_hash;
	feed_tip_checkpoint(tip);
}

void feed_tip_advance(struct feed_tip *tip, const struct hash *entry_hash, uint32_t cost)
{
	tip->seq++;
	tip->entry_hash = *entry_hash;
	tip->since_checkpoint_entries++;
	tip->since_checkpoint_bytes += cost;
}

void feed_tip_checkpoint(struct feed_tip *tip)
{
	tip->since_checkpoint_entries = 0;
	tip->since_checkpoint_bytes = 0;
	tip->partial = false;
}

bool feed_tip_checkpoint_due(const struct feed_tip *tip)
{
	return tip->since_checkpoint_entries >= CHECKPOINT_ENTRIES ||
		tip->since_checkpoint_bytes >= CHECKPOINT_BYTES;
}
