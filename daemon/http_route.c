/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/http_route.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

const char *http_role_name(enum http_role role)
{
	static const char *const names[HTTP_ROLE_COUNT] = {
		[HTTP_ROLE_NONE] = "none",       [HTTP_ROLE_READER] = "reader",
		[HTTP_ROLE_EDITOR] = "editor",   [HTTP_ROLE_OFFICER] = "officer",
		[HTTP_ROLE_ADMIN] = "admin",
	};
	return (unsigned)role < HTTP_ROLE_COUNT ? names[role] : "none";
}

/** Takes the segment up to the next slash off `*path`, which begins with one. */
static struct bytes segment_next(const char **path)
{
	const char *from = *path + 1;
	size_t len = strcspn(from, "/");
	*path = from + len;
	return bytes_of(from, len);
}

/** Fills parameters; `*weight` has a bit for each literal segment, the first ones highest. */
static bool pattern_fits(const char *pattern, const char *path, struct http_match *match,
	uint32_t *weight)
{
	match->parameter_count = 0;
	*weight = 0;
	while (*pattern == '/' && *path == '/') {
		struct bytes want = segment_next(&pattern);
		struct bytes have = segment_next(&path);
		bool literal = want.len == 0 || want.data[0] != '{';
		*weight = *weight << 1 | literal;
		if (literal) {
			if (!bytes_equal(want, have))
				return false;
			continue;
		}
		if (have.len == 0 || match->parameter_count == HTTP_PARAMETERS_MAX)
			return false;
		match->parameters[match->parameter_count++] = have;
	}
	return *pattern == '\0' && *path == '\0';
}

static void allow_add(struct http_match *out, const char *method)
{
	size_t len = strlen(out->allow);
	snprintf(out->allow + len, sizeof(out->allow) - len, "%s%s", len ? ", " : "", method);
}

void http_route_find(const struct http_route *routes, size_t count, const char *method,
	const char *path, struct http_match *out)
{
	struct http_match match = {0};
	uint32_t best = 0;
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < count; i++) {
		uint32_t weight;
		if (!pattern_fits(routes[i].path, path, &match, &weight))
			continue;
		out->path_known = true;
		allow_add(out, routes[i].method);
		if (strcmp(routes[i].method, method) != 0 || (out->route && weight <= best))
			continue;
		out->route = &routes[i];
		best = weight;
		memcpy(out->parameters, match.parameters, sizeof(out->parameters));
		out->parameter_count = match.parameter_count;
	}
}

int http_route_parameter(const struct http_route *route, const char *name)
{
	size_t len = strlen(name);
	int number = 0;
	for (const char *at = strchr(route->path, '{'); at; at = strchr(at + 1, '{'), number++) {
		if (strncmp(at + 1, name, len) == 0 && at[1 + len] == '}')
			return number;
	}
	return -1;
}
