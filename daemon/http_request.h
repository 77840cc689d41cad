/* SPDX-License-Identifier: Apache-2.0 */
/**
 * One HTTP request as a handler sees it. A handler answers with exactly one http_respond_…, at once
 * or later: a request without an answer waits, its connection suspended. Whoever keeps a pointer to
 * it beyond the handler's return holds a reference, by http_request_ref; http_request_work does so
 * by itself. The client may go away at any time: answering is then harmless and does nothing.
 *
 * All on the loop's thread, but for http_work's run.
 */
#pragma once

#include <jansson.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/list.h"
#include "daemon/http_route.h"

struct http_server;
struct http_stream;

struct http_request {
	struct list_node node; /* of http_server's requests */
	struct http_server *server;
	void *ctx;                      /* http_server_config's: the API */
	const struct http_route *route; /* NULL: refused before it had one */
	enum http_role role;
	const char *parameters[HTTP_PARAMETERS_MAX]; /* in the order of the pattern */
	struct buffer body;

	/* http_request.c's and http_server.c's own */
	struct MHD_Connection *connection; /* NULL once it is gone */
	unsigned refs;
	char *path;
	void *state;
	void (*state_free)(void *state);
	struct MHD_Response *response;
	unsigned status;
	struct http_stream *stream;
	uint64_t passed_over; /* bytes of body that came after the answer */
	bool suspended, body_ended, answered, queued, cut;
};

struct http_request *http_request_ref(struct http_request *request);
/** Takes NULL. */
void http_request_unref(struct http_request *request);

/** The handler's own state, freed with the request. */
void http_request_set_state(struct http_request *request, void *state, void (*free_fn)(void *));

/** Never NULL for a parameter that the route has. */
const char *http_request_parameter(const struct http_request *request, const char *name);
/** NULL if it is not in the query; "" for `?raw`. */
const char *http_request_query(const struct http_request *request, const char *name);
/** A header's value, NULL if there is none. */
const char *http_request_header(const struct http_request *request, const char *name);
/**
 * A number in the query, `fallback` where there is none. On ERROR_FIELD the request has been
 * answered.
 */
int http_request_query_uint(struct http_request *request, const char *name, uint64_t min,
	uint64_t max, uint64_t fallback, uint64_t *out);
/** Whether the Content-Type is that one; parameters such as charset do not matter. */
bool http_request_is_type(const struct http_request *request, const char *media_type);
bool http_request_has_type(const struct http_request *request);

/**
 * The body as a JSON object, a new reference; an empty body is {}. NULL: it was refused, and the
 * request has been answered.
 */
json_t *http_request_json(struct http_request *request);

/** Takes the reference to `json` (NULL: answered as out of memory). */
void http_respond_json(struct http_request *request, unsigned status, json_t *json);
/** Copies `body`. */
void http_respond_bytes(
	struct http_request *request, unsigned status, const char *media_type, struct bytes body);
/** 204. */
void http_respond_empty(struct http_request *request);
/** Status and code by http_error_of; `complaint` may be NULL or empty. */
void http_respond_error(struct http_request *request, int code, const struct complaint *complaint);
__attribute__((format(printf, 5, 6))) void http_respond_refusal(struct http_request *request,
	unsigned status, const char *code, const char *field, const char *format, ...);
/** Takes the response over; NULL: the connection is closed. Of http_stream.c. */
void http_respond_stream(
	struct http_request *request, unsigned status, struct MHD_Response *response);
/** Adds a header to the answer that was just given. */
void http_respond_header(struct http_request *request, const char *name, const char *value);

/** An upload that consumed nothing asks for its data again. */
void http_request_resume(struct http_request *request);

/**
 * Runs `run` on a thread of the pool, then `done` on the loop with the request's state. Without
 * memory the request is answered and `done` is not called.
 */
void http_request_work(struct http_request *request, void (*run)(void *state),
	void (*done)(struct http_request *request, void *state));

/** The same with a part of the state. ERROR_MEMORY: the request is not answered. */
int http_request_work_on(struct http_request *request, void *subject, void (*run)(void *subject),
	void (*done)(struct http_request *request, void *subject));
