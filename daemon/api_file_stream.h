/* SPDX-License-Identifier: Apache-2.0 */
/** Answers a request with a file's bytes, read piece by piece on threads of the pool. */
#pragma once

#include <stdint.h>

#include "daemon/http_request.h"

/** Takes the descriptor over, whatever happens. The request is answered. */
void api_file_stream(struct http_request *request, int fd, uint64_t size,
	const char *media_type);
