/* SPDX-License-Identifier: Apache-2.0 */
/** Paths of the API, percent-encoded as in RFC 3986. */
#pragma once

#include <stdbool.h>

#define URL_MAX 4096

struct url {
	char text[URL_MAX]; /* "http://hansa/v1/…" */
	bool too_long;
	bool has_query;
};

/** Each %s of the format is encoded as one segment of a path; other conversions are not known. */
void url_path(struct url *url, const char *format, ...);
/** Adds a parameter; nothing if `value` is NULL. */
void url_query(struct url *url, const char *name, const char *value);
