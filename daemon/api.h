/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The control API (config/openapi.yaml) of a daemon.
 *
 * Start here: api_routes.c is the table of routes; the handlers are in api_<subject>.c. To add an
 * operation: a line in the table, its handler, and config/openapi.yaml, which a test compares.
 *
 * Handlers run on the loop and alone touch the node. What reads the store does so on a thread of
 * the pool (http_request_work); what it needs of the charter is looked up before (api_names.h).
 */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "daemon/http_route.h"

struct api;
struct app;

/** Binds the control socket and serves; called last, when the node is ready. */
int api_start(struct app *app, struct api **out, struct complaint *complaint);

/**
 * Refuses new requests, ends event streams, lets answers under way go out for at most one second,
 * closes its handles and frees itself in their close callbacks.
 */
void api_close(struct api *api);

/** The table, for the server and the tests. */
extern const struct http_route api_routes[];
extern const size_t api_route_count;
