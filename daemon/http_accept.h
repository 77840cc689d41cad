/* SPDX-License-Identifier: Apache-2.0 */
/** How a request comes in: what is checked before its handler sees it, and its body. */
#pragma once

#include <microhttpd.h>
#include <stdbool.h>

#include "daemon/http_request.h"

/** The headers are there. */
enum MHD_Result http_accept_begin(struct http_request *request, const struct http_route *routes,
	size_t route_count, const char *method, const char *url, bool closing);

/** A part of the body (*size is then set to what was not consumed), or its end. */
enum MHD_Result http_accept_continue(struct http_request *request, const char *data, size_t *size);
