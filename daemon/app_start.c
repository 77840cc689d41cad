/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "charter/roster.h"
#include "daemon/api.h"
#include "daemon/app_loop.h"
#include "daemon/attachment_writer.h"
#include "daemon/dialer.h"
#include "daemon/guard.h"
#include "daemon/handshaker.h"
#include "daemon/join.h"
#include "daemon/listener.h"
#include "daemon/log_sink.h"
#include "daemon/reader.h"
#include "daemon/writer.h"

/* The parts of a daemon, built in the order in which one needs the other. */

_Noreturn static void on_store_fatal(void *ctx, const char *reason)
{
	(void)ctx;
	struct log_line l;
	log_begin(&l, LOG_LEVEL_ERROR, "store_failed");
	log_text(&l, "reason", reason);
	log_text(&l, "consequence", "the process ends; nothing that was not durable was answered");
	log_end(&l);
	_exit(1);
}

static bool attachment_known(void *ctx, const struct hash *attachment_id, bool *complete)
{
	struct app *app = ctx;
	struct store_attachment row;
	if (store_attachment_info(app->store, attachment_id, &row))
		return false;
	*complete = row.complete;
	return true;
}

struct cleaning {
	uv_work_t work;
	struct app *app;
	uint64_t removed;
	int code;
};

static void on_clean(uv_work_t *work)
{
	struct cleaning *c = work->data;
	c->code = attachment_files_clean(
		c->app->attachment_files, attachment_known, c->app, &c->removed);
}

static void on_cleaned(uv_work_t *work, int status)
{
	struct cleaning *c = work->data;
	(void)status; /* nobody cancels it */
	if (c->code)
		log_event(LOG_LEVEL_WARN, "attachments_not_cleaned", "reason", error_text(c->code));
	free(c);
}

/* Beside the start: it looks at each attachment that there is. */
static int attachments_clean(struct app *app)
{
	struct cleaning *c = calloc(1, sizeof(*c));
	if (!c)
		return ERROR_MEMORY;
	c->app = app;
	c->work.data = c;
	attachment_files_clean_begin(app->attachment_files);
	require(uv_queue_work(&app->loop, &c->work, on_clean, on_cleaned) == 0);
	return 0;
}

static int store_start(struct app *app, struct complaint *complaint)
{
	char path[IDENTITY_PATH_MAX];
	struct store_options options = {
		.limit_bytes = app->config.store.limit,
		.reserve_bytes = STORE_RESERVE_BYTES,
		.fatal = on_store_fatal,
	};
	int code = identity_path(path, app->config.data, IDENTITY_STORE);
	/* Whoever restores the keys alone has none: what it held comes back from the members. */
	if (!code && mkdir(path, 0700) && errno != EEXIST)
		code = complain(complaint, error_from_errno(errno), "store", "%s cannot be made: %s.", path,
			strerror(errno));
	if (!code)
		code = random_bytes(options.epoch_seed, sizeof(options.epoch_seed));
	if (!code)
		code = store_lmdb_open(path, &options, &app->store, complaint);
	if (!code)
		code = attachment_files_open(path, &app->attachment_files);
	if (!code)
		code = attachments_clean(app);
	return code;
}

static int on_guard(void *ctx, const struct commit *commits)
{
	struct app *app = ctx;
	return guard_commits(app->guard, commits);
}

static int on_note(void *ctx, const struct commit *commit, const struct store_arrival *before)
{
	struct app *app = ctx;
	return guard_note(app->guard, commit, before);
}

static int threads_start(struct app *app)
{
	struct writer_calls calls = {
		.ctx = app,
		.committed = app_on_committed,
		.full = app_on_full,
		.guard = on_guard,
		.note = on_note,
	};
	int code = writer_new(&app->loop, app->store, &calls, &app->writer);
	if (!code)
		code = reader_new(
			&app->loop, app->store, app->attachment_files, app_on_read, app, &app->reader);
	if (!code)
		code = attachment_writer_new(&app->loop, app->store, app->attachment_files, app_on_written,
			app, &app->attachment_writer);
	if (!code)
		code = handshaker_new(&app->loop, &app->handshaker);
	return code;
}

static int node_start(struct app *app, struct complaint *complaint)
{
	struct node_config config = {
		.io = app_node_io(app),
		.node_key = app->identity.node_key,
		.node_public = app->identity.node_public,
		.city_id = app->identity.city_id,
		.city_key = app->identity.city_public,
		.slug = app->config.city.slug,
		.name = app->config.city.name,
		.country = app->config.city.country,
		.store = app->store,
		.agent = APP_AGENT,
		.relay = app->config.relay,
		.compression = app->config.link.compression,
		.attachment_fetch_bytes = app->config.attachments.fetch_max,
	};
	int code = random_bytes(app->instance, sizeof(app->instance));
	memcpy(config.instance, app->instance, sizeof(config.instance));
	if (!code)
		code = node_new(&config, app_now(app), &app->node, complaint);
	return code;
}

/* The commonest fault of a first set-up, and one that shows only when a city is invited. */
static void dialable_tell(const struct app *app)
{
	struct log_line l;
	if (!app_listen_address(app, 0) || app_advertise_address(app, 0))
		return;
	log_begin(&l, LOG_LEVEL_WARN, "not_dialable");
	log_text(&l, "reason", APP_NOT_DIALABLE);
	log_end(&l);
}

/* A node key that was put into the wrong folder would make its owner's daemon stop as a twin. */
static int node_key_check(const struct app *app, struct complaint *complaint)
{
	for (size_t i = 0; i < node_network_count(app->node); i++) {
		const struct roster_member *owner = roster_member_by_node_key(
			node_network_roster(app->node, i), &app->identity.node_public);
		if (owner && !hash_equal(&owner->city_id, &app->identity.city_id))
			return complain(complaint, ERROR_KEY, "keys",
				"keys/node.key is the node key of %.*s in %s: put this city's own back.",
				(int)owner->slug.len, (const char *)owner->slug.data,
				node_network_slug(app->node, i));
	}
	return 0;
}

int app_parts_start(struct app *app, struct complaint *complaint)
{
	int code = log_sink_open(&app->config.log, complaint);
	if (!code)
		code = identity_load(app->config.data, &app->identity, complaint);
	if (!code)
		code = tls_context_new(app->identity.node_key, &app->tls);
	if (!code)
		code = store_start(app, complaint);
	if (!code)
		code = guard_open(app, &app->guard, complaint);
	if (!code)
		code = guard_replay(app->guard, complaint);
	if (!code)
		code = threads_start(app);
	if (!code)
		code = node_start(app, complaint);
	if (!code)
		code = node_key_check(app, complaint);
	if (code)
		return code;
	guard_tell(app->guard);
	node_set_links(app->node, app->config.dial_max, app->config.link.accept_max);
	app_deny_tell(app, NULL);
	code = listener_new(app, &app->listener, complaint);
	if (!code)
		code = dialer_new(app, &app->dialer);
	if (!code)
		code = join_start(app, &app->joins);
	if (code)
		return code;
	app->state = APP_RUNNING;
	dialable_tell(app);
	app_addresses_tell(app);
	app_renew_resume(app);
	app_loop_begin(app);
	return api_start(app, &app->api, complaint);
}
