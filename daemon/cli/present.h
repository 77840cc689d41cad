/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What this city has published already, so that an import that was cut off can be run again: a
 * record imported from a file gets a content id that follows from what it says, and one whose id
 * stands in the city's own feeds is not published twice.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/map.h"
#include "daemon/cli/cli.h"
#include "daemon/cli/client.h"
#include "record/header.h"

struct present {
	struct map ids;
};

/** Asks the daemon for the content ids of all valid records of its own city in the network. */
int present_load(struct present *present, struct client *client, const char *network);
void present_deinit(struct present *present);

/**
 * Gives a NewRecord (attachments included) its content id. True: it is published already, or was
 * met before in this import.
 */
bool present_mark(struct present *present, json_t *record);
