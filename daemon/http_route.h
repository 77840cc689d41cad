/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Routes: which handler answers which method and path, and what role it takes. A table of them is
 * data of the API (api_routes.c); config/openapi.yaml is tested against it.
 *
 * A path pattern is literal segments and parameters in braces, "/v1/networks/{network}/members". Of
 * two patterns that fit, the one with a literal where the other has a parameter wins.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

/** Each role may do all that the ones before it may. */
enum http_role {
	HTTP_ROLE_NONE, /* not even read */
	HTTP_ROLE_READER,
	HTTP_ROLE_EDITOR,
	HTTP_ROLE_OFFICER,
	HTTP_ROLE_ADMIN,
	HTTP_ROLE_COUNT,
};

/** "reader" and so on; "none". Never NULL. */
const char *http_role_name(enum http_role role);

#define HTTP_PARAMETERS_MAX 6u
#define HTTP_PATH_MAX 1024u

struct http_request;

/**
 * A handler that takes the request's body as it comes. `data` consumes some of it and returns how
 * much; 0: not now, and then http_request_resume is called once there is room. It may answer at any
 * time; what comes after the answer is passed over.
 */
struct http_upload {
	void (*begin)(struct http_request *request);
	size_t (*data)(struct http_request *request, struct bytes bytes);
	void (*end)(struct http_request *request);
};

struct http_route {
	const char *method;
	const char *path;
	enum http_role role;
	/** Called when the whole body is there; answers at once or later. */
	void (*handler)(struct http_request *request);
	/** NULL: the body is gathered, up to body_max. */
	const struct http_upload *upload;
	size_t body_max;
	const char *help;
};

struct http_match {
	const struct http_route *route; /* NULL: no such path, or not with this method */
	bool path_known;
	char allow[64]; /* the methods of the path: "GET, POST" */
	/** Views into the path, in the order of the pattern's parameters. */
	struct bytes parameters[HTTP_PARAMETERS_MAX];
	size_t parameter_count;
};

void http_route_find(const struct http_route *routes, size_t count, const char *method,
	const char *path, struct http_match *out);

/** The number of the pattern's parameter of that name, -1 if it has none. */
int http_route_parameter(const struct http_route *route, const char *name);
