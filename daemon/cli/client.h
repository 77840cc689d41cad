/* SPDX-License-Identifier: Apache-2.0 */
/**
 * HTTP over the daemon's Unix socket. Every call returns an exit code (see cli.h) and has then said
 * what is wrong: no daemon (3), or what the daemon refused, in its own words (1).
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buffer.h"
#include "base/bytes.h"
#include "daemon/cli/url.h"

struct client;

/** `err` is borrowed. NULL without memory. */
struct client *client_new(const char *socket, FILE *err);
void client_free(struct client *client);

/** Bytes of a 200 answer as they come; not 0 ends the transfer. */
typedef int client_receive_fn(void *ctx, struct bytes data);
/** Bytes of an upload sent so far. */
typedef void client_progress_fn(void *ctx, uint64_t sent);

struct client_request {
	const char *method;
	const struct url *url;
	const char *media_type; /* of the body; NULL: no body */
	struct bytes body;
	FILE *file; /* instead of `body`: so many bytes of it */
	uint64_t file_size;
	client_progress_fn *progress;
	client_receive_fn *receive; /* NULL: the answer is kept in `answer->body` */
	void *ctx;                  /* of both */
	char *reason;               /* a refusal is written here instead of to standard error */
	size_t reason_size;
	bool quiet_end; /* a stream that the daemon ends is no error: status is set */
};

struct client_answer {
	bool unreached; /* nobody took the connection: nothing was sent */
	long status;
	char media_type[96]; /* without parameters */
	struct buffer body;  /* empty where `receive` took it */
	json_t *json;        /* of a JSON answer */
};

/** `answer` is filled also where the daemon refused. Free it with client_answer_deinit. */
int client_perform(
	struct client *client, const struct client_request *request, struct client_answer *answer);
void client_answer_deinit(struct client_answer *answer);

/** A new reference to the JSON answer in *out. */
int client_get(struct client *client, const struct url *url, json_t **out);
/**
 * POST, PUT or DELETE. Takes the reference of `request` (NULL: no body); `out` may be NULL; it gets
 * NULL where the answer has no content.
 */
int client_send(struct client *client, const char *method, const struct url *url, json_t *request,
	json_t **out);
