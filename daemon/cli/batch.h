/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Records on their way to the daemon, many to a request (NDJSON), one alone as JSON. Each is
 * answered when it is durable, refused or accepted by itself.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "base/buffer.h"
#include "daemon/cli/cli.h"
#include "daemon/cli/client.h"

/** A request is sent when it has so many records or bytes: one group commit of the daemon's. */
#define BATCH_RECORDS_MAX 512
#define BATCH_BYTES (1u << 20)

/** What became of one record. */
struct batch_result {
	const char *file;
	const char *record; /* "" or which of the file's records */
	const char *title;
	const json_t *published; /* the daemon's answer; NULL: refused */
	const char *reason;
	bool present; /* not sent: it was published before */
	bool unsent;  /* no daemon took it, which was said already */
};
typedef void batch_result_fn(void *ctx, const struct batch_result *result);

struct batch_item {
	char *file, *record, *title;
};

struct batch {
	struct cli *cli;
	struct client *client;
	const char *network;
	batch_result_fn *result;
	void *ctx;
	struct buffer lines;
	struct batch_item items[BATCH_RECORDS_MAX];
	size_t count, answered;
	bool unreached;
};

void batch_init(struct batch *batch, struct cli *cli, struct client *client, const char *network,
	batch_result_fn *result, void *ctx);
void batch_deinit(struct batch *batch);

/**
 * Takes a NewRecord (borrowed) and sends the batch where it is full. Not CLI_DONE: the whole batch
 * was refused or lost, nothing more should be sent; each of its records got a result.
 */
int batch_add(struct batch *batch, const char *file, const char *record, const char *title,
	const json_t *new_record);
int batch_flush(struct batch *batch);
