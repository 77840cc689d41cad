/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "proto/node.h"
#include "store/attachment_file.h"

/**
 * Where the attachment thread writes: the part files that are open now. It performs node_writes in
 * the order in which they were asked for, on one thread.
 */
struct attachment_sink;

/** Both are borrowed. ERROR_MEMORY. */
int attachment_sink_new(
	struct store *store, struct attachment_files *files, struct attachment_sink **out);
/** Closes what is open; unfinished parts stay to be resumed. Takes NULL. */
void attachment_sink_free(struct attachment_sink *sink);
/** Sets write->code: 0, ERROR_FULL (the part is closed; it is resumed later), ERROR_IO after a
 * failed sync: fatal. */
void attachment_sink_write(struct attachment_sink *sink, struct node_write *write);
