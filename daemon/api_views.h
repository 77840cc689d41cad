/* SPDX-License-Identifier: Apache-2.0 */
/** What more than one answer shows: networks, feeds, peers. Loop only; new references. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "store/store.h"

struct app;

/** The network at that index; `full`: with officers and rivals. */
json_t *api_view_network(const struct app *app, size_t index, bool full);
json_t *api_view_feeds(const struct app *app);
json_t *api_view_peers(const struct app *app);
/** "open", "recovering", "twin", "stopped"; *reason says why, never NULL. */
const char *api_view_publishing(const struct app *app, const char **reason);

/** An event cursor "0123456789abcdef-42". */
#define API_CURSOR_MAX 48
const char *api_cursor_format(char to[static API_CURSOR_MAX],
	const uint8_t store_epoch[static STORE_EPOCH_SIZE], uint64_t arrival);
/** ERROR_SYNTAX. */
int api_cursor_parse(const char *text, uint8_t store_epoch[static STORE_EPOCH_SIZE],
	uint64_t *arrival);
