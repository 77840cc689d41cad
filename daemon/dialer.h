/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Dials the cities that the node wants linked: their addresses in turn, with back-off for each city
 * (backoff.h), at most dial_max links at once. It runs when something changed or a back-off ends,
 * never by the clock. Cities take turns, whether they answer or not.
 */
#pragma once

#include "daemon/app.h"

struct dialer;

int dialer_new(struct app *app, struct dialer **out);
/** Something changed (members, addresses, a link): looked at after this callback. */
void dialer_poke(struct dialer *dialer);
/**
 * What stood in the way of a city may be gone (its addresses, say, are new): it is dialled without
 * waiting for the end of its back-off. NULL: all cities.
 */
void dialer_reset(struct dialer *dialer, const struct hash *city_id);
/**
 * The admin wants a link to this city now: as dialer_reset, and dialled once even where dial_max
 * links are dialled, since the other end may not know that it is wanted again. Not with dial_max 0.
 */
void dialer_ask(struct dialer *dialer, const struct hash *city_id);
/** From app.c: when poked or due. */
void dialer_run(struct dialer *dialer);
/** No further attempts; those under way end with their transports. Freed by and by. */
void dialer_close(struct dialer *dialer);
