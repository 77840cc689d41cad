/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Errors as the API answers them: {"error": {"code", "field", "reason"}} with an HTTP status. To
 * add a code: a line in the table of http_error.c, and its name in config/openapi.yaml.
 */
#pragma once

#include <jansson.h>

#include "base/error.h"

struct http_error {
	unsigned status;
	const char *code; /* "field", "not_found" … */
};

/** What one of our error codes means to a client; 500 "internal" for what is not its fault. */
struct http_error http_error_of(int code);

/** A new reference; NULL without memory. `field` may be NULL. Text that is not UTF-8 is
 * replaced. */
json_t *http_error_json(const char *code, const char *field, const char *reason);

/** The complaint's reason where there is one, else the code's own sentence. */
json_t *http_error_json_of(int code, const struct complaint *complaint);
