/* SPDX-License-Identifier: Apache-2.0 */
/** What keeps this city from publishing in one network, in words for people. Loop only. */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "crypto/hash.h"

struct app;
struct roster;

#define API_STANDING_MAX 256

/**
 * One sentence, "" when nothing does: suspended or removed (since when, by which amendment and
 * why), an epoch that the officers ended, a node key that the charter does not name. Reads the
 * charter from its end on only while the city is suspended or removed.
 */
const char *api_standing_notice(
	const struct app *app, const struct hash *network_id, char to[static API_STANDING_MAX]);

/**
 * Whether what an officer signs at this daemon would reach the members. ERROR_STATE while this city
 * is suspended or removed and others are active: the charter would part here from theirs.
 */
int api_standing_officer(
	const struct app *app, const struct roster *roster, struct complaint *complaint);
