/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Proofs: all that shows, without any daemon, that a city published a record in a network. The
 * Proof of config/openapi.yaml. Nothing in it is believed but its bytes, which are checked from the
 * genesis to the record's body.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/text.h"
#include "crypto/hash.h"
#include "record/header.h"

#define PROOF_NAME_MAX 160

/** What was verified. Names are NUL-terminated copies. */
struct proof {
	struct hash network_id;
	char network_name[PROOF_NAME_MAX];
	char network_slug[TEXT_SLUG_MAX + 1];
	uint64_t amendments;     /* number of the newest one in it */
	uint64_t amendment_time; /* ms */
	char city_name[PROOF_NAME_MAX];
	char city_slug[TEXT_SLUG_MAX + 1];
	char fingerprint[TEXT_FINGERPRINT_SIZE]; /* of the city's newest key in it */
	const char *standing;
	bool confirmed;
	uint32_t epoch;        /* that signed */
	uint32_t newest_epoch; /* of the city in it */
	unsigned lane;
	uint64_t seq;
	struct hash hash; /* of the record */
	uint64_t head_seq;
	bool by_cut;          /* no head: the charter ended the epoch at head_seq and so vouches */
	uint64_t head_time;   /* ms; 0 with by_cut */
	struct buffer entry;  /* its bytes, into which the header points */
	struct header header; /* of the record */
	bool purged;          /* the body is gone, only its hash is left */
	json_t *body;         /* NULL: purged, or of a kind that is not known here */
};

/**
 * Checks a proof wholly. 0, or an error with a complaint whose field names the part of the proof
 * that is wrong; then *out is zeroed. What the proof claims beside its bytes (id, hash, …) must
 * agree.
 */
int proof_check(const json_t *proof, struct proof *out, struct complaint *complaint);
void proof_deinit(struct proof *proof);
