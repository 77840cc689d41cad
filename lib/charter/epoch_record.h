/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Epoch records: which node key signs and speaks for a city from which entry on. One chain for each
 * (network, city). docs/protocol.md, section 5.2.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "charter/object.h"

/** Lanes that cuts name, 1 to 4 at index 0 to 3. */
#define EPOCH_LANES 4
#define EPOCH_GUARDIANS_MAX 16
/**
 * Epochs of a city: 20 years of four renewals a week. Bounds what a hostile city can make us
 * keep.
 */
#define EPOCH_MAX 4096

enum epoch_reason {
	EPOCH_REASON_FIRST = 0,
	EPOCH_REASON_RENEWAL = 1,
	EPOCH_REASON_SEIZURE = 2,
	EPOCH_REASON_RESTORE = 3,
	EPOCH_REASON_THAW = 4,
	EPOCH_REASON_CITY_KEY = 5,
};

/** The last valid entry of a lane; zeros: none. */
struct epoch_cut {
	uint64_t seq;
	struct hash hash;
};

struct epoch_record {
	struct hash anchor; /* network_id; of a founder's record 1 the genesis core hash */
	struct hash city_id;
	uint32_t epoch; /* from 1 */
	struct public_key city_key;
	struct public_key node_key;
	uint8_t sealing_key[32]; /* X25519 */
	uint8_t guardian_count;
	uint8_t guardian_k;
	struct hash guardians[EPOCH_GUARDIANS_MAX];
	struct hash prev; /* record_hash; zeros in record 1 */
	struct epoch_cut cuts[EPOCH_LANES];
	uint8_t reason;
	uint64_t time; /* ms; decides nothing */
};

/**
 * Reads a body and judges what it can alone: epoch 1 to EPOCH_MAX, guardians, and that record 1 has
 * no cuts, no prev and city_id = hash of its city key (else ERROR_EPOCH_RECORD), keys (ERROR_KEY).
 */
int epoch_record_decode(struct bytes body, struct epoch_record *out);

/** Reads a body that epoch_record_decode has judged before: twenty times quicker. */
int epoch_record_read(struct bytes body, struct epoch_record *out);

/** Appends the body. The buffer's error. */
int epoch_record_encode(struct buffer *b, const struct epoch_record *record);

/** Reads four cuts, for records and for amendments; ERROR_EPOCH_RECORD for seq 0 with a hash. */
void epoch_cuts_read(struct wire_reader *r, struct epoch_cut cuts[static EPOCH_LANES]);
void epoch_cuts_write(struct buffer *b, const struct epoch_cut cuts[static EPOCH_LANES]);

/** H("hansa epoch record 1" | body). */
int epoch_record_hash(struct bytes body, struct hash *out);

/** "hansa epoch 1" | record_hash. */
#define EPOCH_MESSAGE_BYTES (13 + HASH_SIZE)
void epoch_record_message(const struct hash *record_hash, uint8_t to[static EPOCH_MESSAGE_BYTES]);

/**
 * The envelope holds exactly two signatures, by `city_key` (of the former record; of record 1 its
 * own) and by the record's node key, and both verify. ERROR_SIGNATURE, ERROR_MEMORY. Guardians'
 * further signatures are let pass and not judged.
 */
int epoch_record_verify(struct verifier *v, const struct control_object *object,
	const struct epoch_record *record, const struct hash *record_hash,
	const struct public_key *city_key);

/**
 * Whether `record` may follow: city, epoch, prev (ERROR_EPOCH_RECORD), and no cut below `floor`
 * (ERROR_CUT): the former record's cuts, lowered where officers cut lower.
 */
int epoch_record_follows(const struct epoch_record *record, const struct hash *city_id,
	uint32_t former_epoch, const struct hash *former_hash,
	const struct epoch_cut floor[static EPOCH_LANES]);

/** Appends the envelope, signed by the two keys. record->node_key must be node_secret's. */
int epoch_record_seal(struct buffer *b, const struct epoch_record *record,
	const struct secret_key *city_secret, const struct secret_key *node_secret);
