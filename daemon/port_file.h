/* SPDX-License-Identifier: Apache-2.0 */
/** DIR/port: one line "ADDRESS PORT" for each listen address with port 0. */
#pragma once

#include <stdbool.h>

#include "daemon/app.h"

struct port_file {
	unsigned count;
	struct {
		char address[APP_ADDRESS_MAX];
		unsigned port;
	} lines[LIMIT_ADDRESSES];
};

/** A file that is missing or damaged reads as empty: then a new port is chosen. */
void port_file_read(const char *path, struct port_file *out);
/** 0: none is kept. */
unsigned port_file_get(const struct port_file *ports, const char *address);
/** True if that changed it. */
bool port_file_set(struct port_file *ports, const char *address, unsigned port);
/** Atomically. ERROR_IO, ERROR_FULL. */
int port_file_write(const char *path, const struct port_file *ports);
