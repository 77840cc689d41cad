/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Dials the cities that the node wants linked: their addresses in turn, with back-off for each city
 * (backoff.h); how many and which is the node's choice (proto/overlay.h). It runs when something
 * changed, a back-off ends or a link is to be rotated.
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
/** From app.c: there is a link to this city, whoever dialled it, that both sides took. */
void dialer_linked(struct dialer *dialer, const struct hash *city_id);

/** What became of the attempts to reach a city. */
struct dialer_city {
	struct hash city_id;
	bool busy;                      /* being dialled, or linked by an own dial */
	struct timestamp reached;       /* when a link to it last came up; 0: never */
	struct timestamp failed;        /* the last attempt in vain; 0: none */
	struct timestamp failing_since; /* the first of the `failures` since `reached` */
	unsigned failures;              /* 0: it was reached last, or never dialled to the end */
	const char *address, *reason;   /* of the last failure; "" if none */
};
/** Every city that was dialled since the start; `city` is valid during the call. */
void dialer_each_city(const struct dialer *dialer,
	void (*each)(void *ctx, const struct dialer_city *city), void *ctx);
/** From app.c: when poked or due. */
void dialer_run(struct dialer *dialer);
/** No further attempts; those under way end with their transports. Freed by and by. */
void dialer_close(struct dialer *dialer);
