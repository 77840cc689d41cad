/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Dials the cities that the node wants linked: their addresses in turn, with back-off for each city
 * (backoff.h), at most dial_max links at once. It runs when something changed or a back-off ends,
 * never by the clock.
 */
#pragma once

#include "daemon/app.h"

struct dialer;

int dialer_new(struct app *app, struct dialer **out);
/** Something changed (members, addresses, a link): looked at after this callback. */
void dialer_poke(struct dialer *dialer);
/** From app.c: when poked or due. */
void dialer_run(struct dialer *dialer);
/** No further attempts; those under way end with their transports. Freed by and by. */
void dialer_close(struct dialer *dialer);
