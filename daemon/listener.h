/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Takes connections in: token bucket for strangers, at most 64 handshakes at once and half of them
 * for addresses that members have named. While all 64 are taken nobody is accepted: who comes waits
 * in the kernel's queue, in order, and need not dial again. Each refusal is a log line; a flood of
 * them one a second.
 *
 * A port 0 of the configuration is chosen by the kernel at the first start and kept in DIR/port, so
 * that the address that peers know stays right.
 */
#pragma once

#include <stddef.h>

#include "daemon/app.h"

#define LISTENER_HANDSHAKES_MAX 64u
#define LISTENER_HANDSHAKES_STRANGERS 32u

struct listener;

/** Binds all of app->config.listen, or none. The complaint names the address. */
int listener_new(struct app *app, struct listener **out, struct complaint *complaint);
/** Takes nothing in any more; freed in the close callbacks. */
void listener_close(struct listener *listener);
/** "127.0.0.1:40123" as bound; NULL past the last. */
const char *listener_address(const struct listener *listener, size_t i);
