/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/http_peer.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static int uid_of_name(const char *name, uid_t *uid)
{
	char *end;
	errno = 0;
	unsigned long number = strtoul(name, &end, 10);
	if (name[0] >= '0' && name[0] <= '9' && *end == '\0' && errno == 0 &&
		number < (uid_t)-1) {
		*uid = (uid_t)number;
		return 0;
	}
	const struct passwd *entry = getpwnam(name);
	if (!entry)
		return ERROR_NOT_FOUND;
	*uid = entry->pw_uid;
	return 0;
}

static int role_load(const struct config_users *users, const char *field, enum http_role role,
	struct http_roles *out, struct complaint *complaint)
{
	if (users->count == 0)
		return 0;
	uid_t *uids = calloc(users->count, sizeof(*uids));
	if (!uids)
		return ERROR_MEMORY;
	out->uids[role] = uids;
	for (unsigned i = 0; i < users->count; i++) {
		if (uid_of_name(users->names[i], &uids[i]) != 0)
			return complain(complaint, ERROR_FIELD, field,
				"The system has no user '%s'.", users->names[i]);
		out->counts[role] = i + 1;
	}
	return 0;
}

int http_roles_load(const struct config_roles *config, uid_t own, struct http_roles *out,
	struct complaint *complaint)
{
	memset(out, 0, sizeof(*out));
	out->own = own;
	int code = role_load(&config->editors, "control.roles.editors", HTTP_ROLE_EDITOR, out,
		complaint);
	if (!code)
		code = role_load(&config->officers, "control.roles.officers", HTTP_ROLE_OFFICER,
			out, complaint);
	if (!code)
		code = role_load(&config->admins, "control.roles.admins", HTTP_ROLE_ADMIN, out,
			complaint);
	if (code)
		http_roles_deinit(out);
	return code;
}

void http_roles_deinit(struct http_roles *roles)
{
	for (int role = 0; role < HTTP_ROLE_COUNT; role++)
		free(roles->uids[role]);
	memset(roles, 0, sizeof(*roles));
}

enum http_role http_roles_of(const struct http_roles *roles, uid_t uid)
{
	if (uid == (uid_t)-1)
		return HTTP_ROLE_NONE; /* what SO_PEERCRED says of a socket that is not local */
	if (uid == 0 || uid == roles->own)
		return HTTP_ROLE_ADMIN;
	for (int role = HTTP_ROLE_ADMIN; role > HTTP_ROLE_READER; role--) {
		for (size_t i = 0; i < roles->counts[role]; i++) {
			if (roles->uids[role][i] == uid)
				return role;
		}
	}
	return HTTP_ROLE_READER;
}

int http_peer_uid(int fd, uid_t *uid)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	int family;
	socklen_t family_len = sizeof(family);
	*uid = (uid_t)-1;
	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &family_len) != 0 || family != AF_UNIX)
		return ERROR_PEER;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		return ERROR_PEER;
	*uid = peer.uid;
	return 0;
}
