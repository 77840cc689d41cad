/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Open invitations: each lets one city join one network once (docs/protocol.md, section 9). They
 * are kept in memory and, over restarts, in one setting of the store, as secret as the store
 * itself.
 *
 * The join listener offers ALPN hansa-join/1 while invitations_any(), asks invitations_check() with
 * what a JOIN frame says, admits the city with invitation->delegation, and ends it by
 * invitations_remove().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/list.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "charter/delegation.h"
#include "charter/token.h"

#define INVITATIONS_MAX 64u
/** Wrong proofs end an invitation: its secret has 256 bits, so a wrong one is no slip. */
#define INVITATION_TRIES 3u

struct app;
struct invitations;

struct invitation {
	struct list_node node;
	uint8_t id[DELEGATION_ID_BYTES];
	struct hash network_id;
	char slug[TEXT_SLUG_MAX + 1];
	struct timestamp expiry;
	uint8_t secret[TOKEN_SECRET_BYTES];
	bool confirms;            /* the delegation names a key */
	unsigned tries_left;
	struct bytes delegation;  /* signed, owned */
};

/** Reads what the store kept. ERROR_MEMORY, ERROR_CORRUPT. */
int invitations_new(struct app *app, struct invitations **out);
/** Takes NULL; secrets are wiped. */
void invitations_free(struct invitations *invitations);

/** Whether any is open; drops those that have expired. */
bool invitations_any(struct invitations *invitations, struct timestamp now);

/**
 * Adds one; `secret` is random, made here. ERROR_LIMIT, ERROR_EXISTS (one for this slug is open),
 * ERROR_MEMORY. What the store keeps is written behind: an invitation lost in a crash within that
 * moment is made again.
 */
int invitations_add(struct invitations *invitations, struct bytes delegation,
	const struct delegation *decoded, struct invitation **out);

/** By network and the slug it is for; NULL if none is open. */
struct invitation *invitations_find(struct invitations *invitations,
	const struct hash *network_id, struct bytes slug);

/**
 * Judges the proof of a joiner: HMAC(secret, exporter | city key). 0 with the invitation;
 * ERROR_TOKEN: none is open for that city, or the proof is wrong (a try less; at the last the
 * invitation ends); ERROR_TOKEN_EXPIRED. `invitations` may be NULL: none is open.
 */
int invitations_check(struct invitations *invitations, const struct hash *network_id,
	struct bytes slug, struct bytes exporter, const struct public_key *city_key,
	const struct hash *proof, struct timestamp now, struct invitation **out);

/** It was used or is withdrawn. */
void invitations_remove(struct invitations *invitations, struct invitation *invitation);

/** Walks them: NULL first, NULL at the end. */
struct invitation *invitations_next(const struct invitations *invitations,
	const struct invitation *after);
