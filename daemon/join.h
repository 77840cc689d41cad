/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Joining a network by a token, both sides, over the daemon's transports. The protocol is
 * proto/join.h's; here are connections, deadlines, the node's commits and the log.
 */
#pragma once

#include "base/error.h"
#include "crypto/hash.h"

struct app;
struct joins;

/**
 * On the loop, once: 0 with the network that was joined, whose charter is committed here; else the
 * code and a sentence (may be NULL). Also called when the daemon stops (ERROR_CANCELLED).
 */
typedef void app_join_fn(void *ctx, int code, const char *reason, const struct hash *network_id);

/**
 * Dials the token's addresses one after another, proves the token and takes the charter over.
 * Refused at once, without a call of `done`: ERROR_TOKEN, ERROR_TOKEN_EXPIRED, ERROR_EXISTS (in
 * that network already), ERROR_BUSY (a join of it is under way), ERROR_STATE (no city key here, or
 * stopping), ERROR_IO (no address can be dialled), ERROR_MEMORY. `token` is not kept.
 */
int app_join(
	struct app *app, const char *token, app_join_fn *done, void *ctx, struct complaint *complaint);

/** From app.c: takes joiners in while invitations are open. ERROR_MEMORY. */
int join_start(struct app *app, struct joins **out);
/**
 * From app_stop, before the transports close: pending joins answer ERROR_CANCELLED. Freed once its
 * connections have ended.
 */
void join_stop(struct joins *joins);
/** From the listener, before each handshake: offers hansa-join/1 if an invitation is open now. */
void join_offer(struct app *app);
