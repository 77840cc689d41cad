/* SPDX-License-Identifier: Apache-2.0 */
/** Joining a network by a token: the joiner's side. docs/protocol.md, section 9. */
#pragma once

#include "base/error.h"
#include "crypto/hash.h"

struct app;

/**
 * On the loop, once: 0 with the network that was joined, whose charter is committed here; else the
 * code and a sentence (may be NULL). Also called when the daemon stops (ERROR_CANCELLED).
 */
typedef void app_join_fn(void *ctx, int code, const char *reason, const struct hash *network_id);

/**
 * Dials the token's addresses one after another, proves the token and takes the charter over. Refused
 * at once, without a call of `done`: ERROR_TOKEN, ERROR_TOKEN_EXPIRED, ERROR_EXISTS (in that network
 * already), ERROR_STATE (no city key here, or stopping), ERROR_MEMORY. `token` is not kept.
 */
int app_join(struct app *app, const char *token, app_join_fn *done, void *ctx,
	struct complaint *complaint);
