/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Files on their way into records: what `hansa publish` and `hansa import` share. A file is read
 * and recognised here (format/import.h), its attachments are uploaded, its records go into batches.
 */
#pragma once

#include "daemon/cli/batch.h"
#include "daemon/cli/present.h"
#include "format/import.h"
#include "format/mapping.h"

struct sending {
	struct cli *cli;
	struct client *client;
	char *network;
	struct mapping_set mappings;
	struct batch batch;
	size_t prefix;    /* so many characters of a path are not shown */
	unsigned kind;    /* the only one that is taken; 0: any */
	int code;         /* why a file's records stopped */
	const char *path; /* of the file that is read */
	struct present *present; /* an import: what is there is not published again; or NULL */
};

/** Finds the network and the mappings. */
int sending_init(
	struct sending *sending, struct cli *cli, unsigned kind, batch_result_fn *result, void *ctx);
void sending_deinit(struct sending *sending);

/** One file. Refusals are results; not CLI_DONE: nothing more can be sent. */
int sending_file(struct sending *sending, const struct import_entry *entry);
/** The last batch. */
int sending_finish(struct sending *sending);

/** A result without the daemon: this file is refused. */
void sending_refuse(
	struct sending *sending, const char *path, const char *record, const char *reason);
