/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api_internal.h"
#include "daemon/api_quick.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "daemon/api_alert_index.h"
#include "daemon/http_server.h"
#include "daemon/invitations.h"

/** More clients than this at once wait for their connection to be taken. */
#define BACKLOG 128

static enum http_role on_role(void *ctx, int fd)
{
	const struct api *api = ctx;
	uid_t uid;
	if (http_peer_uid(fd, &uid) != 0)
		return HTTP_ROLE_NONE;
	return http_roles_of(&api->roles, uid);
}

static void on_event(void *ctx, const struct node_event *event)
{
	struct api *api = ctx;
	api_publish_on_event(api, event);
	api_events_on_event(api, event);
}

static int group_set(const char *path, const char *name, struct complaint *c)
{
	if (!name)
		return 0;
	const struct group *group = getgrnam(name);
	if (!group)
		return complain(c, ERROR_FIELD, "control.group", "The system has no group '%s'.", name);
	if (chown(path, (uid_t)-1, group->gr_gid) != 0)
		return complain(c, error_from_errno(errno), "control.group",
			"The control socket cannot be given to the group '%s': %s.", name, strerror(errno));
	return 0;
}

/** Only a socket on which nobody listens is taken away. */
static int stale_remove(const char *path, const struct sockaddr_un *address, struct complaint *c)
{
	struct stat info;
	if (lstat(path, &info) != 0)
		return 0;
	if (!S_ISSOCK(info.st_mode))
		return complain(
			c, ERROR_EXISTS, "control.socket", "%s is there and is not a socket.", path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool alive = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0;
	if (fd >= 0)
		close(fd);
	if (alive)
		return complain(c, ERROR_BUSY, "control.socket", "Another daemon answers at %s.", path);
	if (unlink(path) != 0)
		return complain(c, error_from_errno(errno), "control.socket",
			"The old socket %s cannot be removed: %s.", path, strerror(errno));
	return 0;
}

static int socket_bind(const char *path, const char *group, int *out, struct complaint *c)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(address.sun_path))
		return complain(c, ERROR_SIZE, "control.socket",
			"The path of a socket may have at most %zu bytes.", sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, strlen(path) + 1);
	int code = stale_remove(path, &address, c);
	if (code)
		return code;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return complain(c, ERROR_IO, "control.socket", "%s.", strerror(errno));
	mode_t mask = umask(0117); /* 0660 */
	int failed = bind(fd, (const struct sockaddr *)&address, sizeof(address));
	int bind_errno = errno;
	umask(mask);
	if (failed)
		code = complain(c, error_from_errno(bind_errno), "control.socket", "%s cannot be made: %s.",
			path, strerror(bind_errno));
	if (!code)
		code = group_set(path, group, c);
	if (!code && listen(fd, BACKLOG) != 0)
		code = complain(c, ERROR_IO, "control.socket", "%s.", strerror(errno));
	if (code)
		close(fd);
	else
		*out = fd;
	return code;
}

static void api_free(struct api *api)
{
	alert_index_free(api->alerts);
	api_quick_free(api->quick);
	free(api->last_scope);
	http_roles_deinit(&api->roles);
	free(api);
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct api *api = handle->data;
	if (--api->timers == 0)
		api_free(api);
}

static void on_server_closed(void *ctx)
{
	struct api *api = ctx;
	invitations_free(api->app->invitations);
	api->app->invitations = NULL;
	api->timers = 2;
	uv_close((uv_handle_t *)&api->draft_timer, on_timer_closed);
	uv_close((uv_handle_t *)&api->event_timer, on_timer_closed);
}

static int parts_make(struct api *api, struct complaint *c)
{
	struct app *app = api->app;
	int code = http_roles_load(&app->config.control.roles, geteuid(), &api->roles, c);
	if (!code)
		code = alert_index_new(&api->alerts);
	api->quick = api_quick_new();
	api->last_scope = calloc(1, sizeof(*api->last_scope));
	if (!code && (!api->quick || !api->last_scope))
		code = ERROR_MEMORY;
	if (!code)
		code = invitations_new(app, &app->invitations);
	return code;
}

int api_start(struct app *app, struct api **out, struct complaint *complaint)
{
	char path[IDENTITY_PATH_MAX];
	int fd = -1;
	struct api *api = calloc(1, sizeof(*api));
	*out = NULL;
	if (!api)
		return ERROR_MEMORY;
	api->app = app;
	list_init(&api->streams);
	list_init(&api->drafts);
	int code = parts_make(api, complaint);
	if (!code && app->config.control.socket)
		snprintf(path, sizeof(path), "%s", app->config.control.socket);
	else if (!code)
		code = identity_path(path, app->config.data, IDENTITY_SOCKET);
	if (!code)
		code = socket_bind(path, app->config.control.group, &fd, complaint);
	struct http_server_config config = {.loop = &app->loop,
		.routes = api_routes,
		.route_count = api_route_count,
		.role = on_role,
		.ctx = api};
	if (!code)
		code = http_server_start(&config, fd, &api->server);
	if (code) {
		invitations_free(app->invitations);
		app->invitations = NULL;
		api_free(api);
		return code;
	}
	require(uv_timer_init(&app->loop, &api->draft_timer) == 0);
	require(uv_timer_init(&app->loop, &api->event_timer) == 0);
	api->draft_timer.data = api->event_timer.data = api;
	app_subscribe(app, &api->subscriber, on_event, api);
	log_event(LOG_LEVEL_INFO, "control_socket", "path", path);
	*out = api;
	return 0;
}

void api_close(struct api *api)
{
	char path[IDENTITY_PATH_MAX];
	struct app *app = api->app;
	api->closing = true;
	app_unsubscribe(&api->subscriber);
	if (app->config.control.socket)
		unlink(app->config.control.socket);
	else if (identity_path(path, app->config.data, IDENTITY_SOCKET) == 0)
		unlink(path);
	api_publish_close(api);
	http_server_close(api->server, on_server_closed);
}
