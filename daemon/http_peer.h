/* SPDX-License-Identifier: Apache-2.0 */
/** Who is at the other end of a control socket, and the role that gives. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "daemon/config.h"
#include "daemon/http_route.h"

/** The users of the configuration as numbers. */
struct http_roles {
	uid_t *uids[HTTP_ROLE_COUNT];
	size_t counts[HTTP_ROLE_COUNT];
	uid_t own; /* the daemon's own user: always admin, as is root */
};

/**
 * Looks the names up; one that the system does not know is ERROR_FIELD with a complaint. On an
 * error *out is zeroed.
 */
int http_roles_load(const struct config_roles *config, uid_t own, struct http_roles *out,
	struct complaint *complaint);
void http_roles_deinit(struct http_roles *roles);

/** The highest role that the lists give; whoever could open the socket is a reader. */
enum http_role http_roles_of(const struct http_roles *roles, uid_t uid);

/** The user at the other end of a Unix socket. ERROR_PEER for sockets of another family. */
int http_peer_uid(int fd, uid_t *uid);
