/* SPDX-License-Identifier: Apache-2.0 */
/** Attachments on their way to the daemon, which answers once they are durable. */
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/cli/cli.h"
#include "daemon/cli/client.h"

/** From here on an upload has a progress bar of its own. */
#define UPLOAD_PROGRESS_BYTES (8u << 20)

/**
 * Uploads the file and adds it to the record: to `attachments` of the NewRecord and, but for a CAP
 * original, to the body's list. CLI_REFUSED puts the reason into `reason`; other codes have been
 * spoken of.
 */
int upload_attach(struct cli *cli, struct client *client, const char *path, const char *name,
	const char *media_type, bool original, json_t *record, char *reason, size_t reason_size);
