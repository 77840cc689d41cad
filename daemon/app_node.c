/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"
#include "base/text.h"
#include "charter/object.h"
#include "daemon/app_loop.h"
#include "daemon/attachment_writer.h"
#include "daemon/dialer.h"
#include "daemon/guard.h"
#include "daemon/listener.h"
#include "daemon/reader.h"
#include "daemon/socket_address.h"
#include "daemon/writer.h"

/* What the node asks of the daemon, and what the threads answer. */

static void on_commit(void *ctx, struct commit *commit)
{
	struct app *app = ctx;
	writer_push(app->writer, commit);
}

static void on_read(void *ctx, struct node_read *read)
{
	struct app *app = ctx;
	reader_push(app->reader, read);
}

static void on_write(void *ctx, struct node_write *write)
{
	struct app *app = ctx;
	attachment_writer_push(app->attachment_writer, write);
}

static void on_wake(void *ctx, void *transport)
{
	(void)ctx;
	transport_wake(transport);
}

static void on_close(void *ctx, void *transport)
{
	(void)ctx;
	transport_close(transport, "closed by this node");
}

static void on_event(void *ctx, const struct node_event *event)
{
	struct app *app = ctx;
	struct app_event *kept = calloc(1, sizeof(*kept));
	require(kept); /* a subscriber that misses an event would show a wrong state for ever */
	kept->event = *event;
	if (event->text) {
		size_t len = text_utf8_cut(bytes_from_text(event->text), sizeof(kept->text) - 1);
		memcpy(kept->text, event->text, len);
		kept->event.text = kept->text;
	}
	list_push_back(&app->inner->events, &kept->node);
}

static void on_random(void *ctx, void *out, size_t len)
{
	(void)ctx;
	require(random_bytes(out, len) == 0); /* getrandom(2) does not fail once it is seeded */
}

struct node_io app_node_io(struct app *app)
{
	return (struct node_io){
		.ctx = app,
		.commit = on_commit,
		.read = on_read,
		.write = on_write,
		.wake = on_wake,
		.close = on_close,
		.event = on_event,
		.random = on_random,
	};
}

/* ---- answers of the threads ---- */

/* A commit that is not the node's own. */
struct foreign {
	void (*done)(void *ctx, struct commit *commit);
	void *ctx;
};

static void foreign_done(void *ctx, struct commit *commit)
{
	struct foreign *foreign = ctx;
	if (foreign->done)
		foreign->done(foreign->ctx, commit);
	free(foreign);
}

void app_commit(struct app *app, struct commit *commit)
{
	struct foreign *foreign = malloc(sizeof(*foreign));
	require(foreign);
	foreign->done = commit->done;
	foreign->ctx = commit->ctx;
	commit->done = foreign_done;
	commit->ctx = foreign;
	writer_push(app->writer, commit);
}

void app_on_committed(void *ctx, struct commit *commit)
{
	struct app *app = ctx;
	if (commit->done == foreign_done) {
		if (app->node)
			node_arrived(app->node, commit, app_now(app));
		foreign_done(commit->ctx, commit);
		commit_free(commit);
		return;
	}
	node_on_committed(app->node, commit, app_now(app));
}

void app_on_read(void *ctx, struct node_read *read)
{
	struct app *app = ctx;
	node_on_read(app->node, read, app_now(app));
}

void app_on_written(void *ctx, struct node_write *write)
{
	struct app *app = ctx;
	node_on_written(app->node, write, app_now(app));
}

static void log_full(const struct app *app, bool full)
{
	struct log_line l;
	log_begin(&l, full ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO, full ? "disk_full" : "disk_has_room");
	if (full) {
		log_text(&l, "reason", app->full_reason);
		log_text(&l, "folder", app->config.data);
	}
	log_text(&l, "consequence",
		full ? "only alerts and control objects are taken in" : "everything is taken in again");
	log_end(&l);
}

static void full_reason(struct app *app, bool limit)
{
	char size[CONFIG_SIZE_TEXT_MAX];
	config_size_format(app->config.store.limit, size);
	if (limit)
		snprintf(app->full_reason, sizeof(app->full_reason),
			"Intake is paused: the store has reached its limit of %s (store.limit in the "
			"configuration).",
			size);
	else
		snprintf(app->full_reason, sizeof(app->full_reason),
			"Intake is paused: the disk with the data folder is full.");
}

void app_on_full(void *ctx, bool full)
{
	struct app *app = ctx;
	bool limit = full && app->config.store.limit > 0 && store_limit_reached(app->store);
	app->disk_full = full;
	full_reason(app, limit);
	log_full(app, full);
	if (!app->node)
		return;
	if (full)
		node_pause(app->node, limit ? "store limit reached" : "disk full", app_now(app));
	else
		node_resume(app->node, app_now(app));
}

/* ---- events ---- */

void app_subscribe(struct app *app, struct app_subscriber *subscriber, app_event_fn *fn, void *ctx)
{
	subscriber->fn = fn;
	subscriber->ctx = ctx;
	subscriber->delivered = app->inner->event_number;
	list_push_back(&app->subscribers, &subscriber->node);
}

void app_unsubscribe(struct app_subscriber *subscriber)
{
	list_remove(&subscriber->node);
}

/* A subscriber may take itself or others off the list: so it is walked anew after each call. */
static struct app_subscriber *next_subscriber(struct app *app)
{
	list_for_each(&app->subscribers, node)
	{
		struct app_subscriber *subscriber = list_entry(node, struct app_subscriber, node);
		if (subscriber->delivered < app->inner->event_number)
			return subscriber;
	}
	return NULL;
}

void app_events_deliver(struct app *app)
{
	struct list_node *node;
	while ((node = list_pop_front(&app->inner->events))) {
		struct app_event *kept = list_entry(node, struct app_event, node);
		struct app_subscriber *subscriber;
		app->inner->event_number++;
		while ((subscriber = next_subscriber(app))) {
			subscriber->delivered = app->inner->event_number;
			subscriber->fn(subscriber->ctx, &kept->event);
		}
		free(kept);
	}
}

void app_events_drop(struct app *app)
{
	struct list_node *node;
	while ((node = list_pop_front(&app->inner->events)))
		free(list_entry(node, struct app_event, node));
}

/* ---- addresses, denied cities ---- */

const char *app_listen_address(const struct app *app, size_t i)
{
	return app->listener ? listener_address(app->listener, i) : NULL;
}

const char *app_advertise_address(const struct app *app, size_t i)
{
	if (app->config.advertise.count > 0)
		return i < app->config.advertise.count ? app->config.advertise.items[i] : NULL;
	const char *address;
	struct sockaddr_storage parsed;
	for (size_t at = 0; (address = app_listen_address(app, at)); at++)
		if (!socket_address_parse(address, &parsed) && !socket_address_is_any(&parsed) && i-- == 0)
			return address;
	return NULL;
}

void app_addresses_tell(struct app *app)
{
	const char *addresses[LIMIT_ADDRESSES];
	size_t count = 0;
	while (count < LIMIT_ADDRESSES && (addresses[count] = app_advertise_address(app, count)))
		count++;
	node_set_addresses(app->node, addresses, count, app_now(app));
}

static bool listed(const struct config *config, const char *id)
{
	for (unsigned i = 0; config && i < config->deny.count; i++)
		if (strcasecmp(config->deny.items[i], id) == 0)
			return true;
	return false;
}

static void deny_one(struct app *app, const char *text, bool deny)
{
	struct hash city_id;
	if (text_hex_decode(city_id.bytes, HASH_SIZE, bytes_from_text(text)) ||
		node_denied(app->node, &city_id) == deny)
		return;
	int code = node_deny(app->node, &city_id, deny, app_now(app));
	if (code)
		log_event(LOG_LEVEL_WARN, "deny_failed", "reason", error_text(code));
	else if (!deny && app->dialer)
		dialer_ask(app->dialer, &city_id);
}

void app_deny_tell(struct app *app, const struct config *former)
{
	for (unsigned i = 0; i < app->config.deny.count; i++)
		deny_one(app, app->config.deny.items[i], true);
	for (unsigned i = 0; former && i < former->deny.count; i++)
		if (!listed(&app->config, former->deny.items[i]))
			deny_one(app, former->deny.items[i], false);
}
