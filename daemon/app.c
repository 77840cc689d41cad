/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/app.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "daemon/api.h"
#include "daemon/app_loop.h"
#include "daemon/attachment_writer.h"
#include "daemon/dialer.h"
#include "daemon/guard.h"
#include "daemon/handshaker.h"
#include "daemon/join.h"
#include "daemon/listener.h"
#include "daemon/log_sink.h"
#include "daemon/notify.h"
#include "daemon/reader.h"
#include "daemon/writer.h"

/* Rounds of output and events after one callback; more waits for the loop's next turn. */
#define AFTER_ROUNDS_MAX 16

struct node_time app_now(const struct app *app)
{
	(void)app;
	struct timespec mono, wall;
	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_REALTIME, &wall);
	return (struct node_time){
		.mono = monotime_from_us((int64_t)mono.tv_sec * 1000000 + mono.tv_nsec / 1000),
		.wall = timestamp_from_ms((int64_t)wall.tv_sec * 1000 + wall.tv_nsec / 1000000),
	};
}

/* ---- what is done after each callback ---- */

static void pump_dirty(struct app *app)
{
	/* those that want another turn queue up again, behind what is there now */
	struct list_node *node;
	for (size_t i = list_count(&app->inner->dirty);
		 i > 0 && (node = list_pop_front(&app->inner->dirty)); i--) {
		struct transport *t = list_entry(node, struct transport, dirty);
		if (transport_pump(t))
			transport_wake(t);
	}
}

static bool after_pending(const struct app *app)
{
	return !list_empty(&app->inner->dirty) || !list_empty(&app->inner->events);
}

static void on_idle(uv_idle_t *idle)
{
	(void)idle;
}

static void on_after(struct app *app)
{
	struct app_loop *inner = app->inner;
	for (int i = 0; i < AFTER_ROUNDS_MAX; i++) {
		app_events_deliver(app);
		app_renew_step(app);
		if (inner->addresses_due && app->state == APP_RUNNING) {
			inner->addresses_due = false;
			app_addresses_tell(app);
		}
		pump_dirty(app);
		if (app->dialer)
			dialer_run(app->dialer);
		if (!after_pending(app))
			break;
	}
	if (after_pending(app) || handshaker_answered(app->handshaker))
		uv_idle_start(&inner->idle, on_idle);
	else
		uv_idle_stop(&inner->idle);
}

/* Links and the API come first in each turn; then one handshake that is a step further. */
static void on_check(uv_check_t *check)
{
	struct app *app = check->data;
	on_after(app);
	struct handshake_step *step = handshaker_take(app->handshaker);
	if (step)
		transport_stepped(list_entry(step, struct transport, step));
}

static void on_deadline(uv_timer_t *timer)
{
	struct app *app = timer->data;
	app->inner->deadline_at = MONOTIME_NEVER;
	struct node_time now = app_now(app);
	if (monotime_reached(now.mono, node_deadline(app->node)))
		node_on_deadline(app->node, now);
}

/* The last thing before the loop waits: the node's next deadline. */
static void on_prepare(uv_prepare_t *prepare)
{
	struct app *app = prepare->data;
	struct app_loop *inner = app->inner;
	on_after(app);
	struct monotime due = node_deadline(app->node);
	if (due.us == inner->deadline_at.us)
		return;
	inner->deadline_at = due;
	if (due.us == MONOTIME_NEVER.us) {
		uv_timer_stop(&inner->deadline);
		return;
	}
	int64_t us = monotime_diff_us(due, app_now(app).mono);
	uv_update_time(&app->loop);
	uv_timer_start(&inner->deadline, on_deadline, us > 0 ? (uint64_t)(us + 999) / 1000 : 0, 0);
}

static void on_own_event(void *ctx, const struct node_event *event)
{
	struct app *app = ctx;
	bool object = event->type == NODE_EVENT_OBJECT;
	if (app->dialer && (object || event->type == NODE_EVENT_LINK))
		dialer_poke(app->dialer);
	if (app->dialer && event->type == NODE_EVENT_LINK && strcmp(event->text, "up") == 0)
		dialer_linked(app->dialer, &event->city_id);
	if (!object)
		return;
	/* Who was dialled in vain may have a right address now, or be active again. */
	if (app->dialer && event->object_type == OBJECT_ADDRESS_LIST)
		dialer_reset(app->dialer, &event->city_id);
	else if (app->dialer && event->object_type == OBJECT_AMENDMENT)
		dialer_reset(app->dialer, NULL);
	guard_changed(app->guard);
	app->inner->addresses_due = true;
}

static void on_signal(uv_signal_t *signal, int number)
{
	if (number == SIGHUP)
		app_reload(signal->data);
	else
		app_stop(signal->data);
}

/* ---- start ---- */

static void loop_open(struct app *app)
{
	static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
	struct app_loop *inner = app->inner;
	inner->app = app;
	inner->deadline_at = MONOTIME_NEVER;
	list_init(&inner->dirty);
	list_init(&inner->events);
	uv_prepare_init(&app->loop, &inner->prepare);
	uv_check_init(&app->loop, &inner->check);
	uv_idle_init(&app->loop, &inner->idle);
	uv_timer_init(&app->loop, &inner->deadline);
	for (size_t i = 0; i < 3; i++) {
		uv_signal_init(&app->loop, &inner->signals[i]);
		inner->signals[i].data = app;
		uv_signal_start(&inner->signals[i], on_signal, numbers[i]);
	}
	inner->prepare.data = inner->check.data = inner->idle.data = inner->deadline.data = app;
}

/* The signals alone hold the loop; the rest follows what others hold. */
void app_loop_begin(struct app *app)
{
	struct app_loop *inner = app->inner;
	uv_prepare_start(&inner->prepare, on_prepare);
	uv_check_start(&inner->check, on_check);
	uv_unref((uv_handle_t *)&inner->prepare);
	uv_unref((uv_handle_t *)&inner->check);
	app_subscribe(app, &inner->own, on_own_event, app);
}

static void on_inner_closed(uv_handle_t *handle)
{
	struct app *app = handle->data;
	app->inner->handles--;
}

static void inner_close(struct app *app)
{
	struct app_loop *inner = app->inner;
	uv_handle_t *handles[] = {
		(uv_handle_t *)&inner->prepare,
		(uv_handle_t *)&inner->check,
		(uv_handle_t *)&inner->idle,
		(uv_handle_t *)&inner->deadline,
		(uv_handle_t *)&inner->signals[0],
		(uv_handle_t *)&inner->signals[1],
		(uv_handle_t *)&inner->signals[2],
	};
	inner->handles = sizeof(handles) / sizeof(handles[0]);
	for (unsigned i = 0; i < sizeof(handles) / sizeof(handles[0]); i++)
		uv_close(handles[i], on_inner_closed);
}

/* Nothing runs any more, or it never ran: takes down what there is, in the reverse order. */
static void take_down(struct app *app)
{
	app_unsubscribe(&app->inner->own);
	if (app->guard)
		guard_close(app->guard);
	node_free(app->node);
	app->node = NULL;
	if (app->attachment_writer)
		attachment_writer_close(app->attachment_writer);
	if (app->handshaker)
		handshaker_close(app->handshaker);
	reader_close(app->reader);
	if (app->writer)
		writer_close(app->writer);
	app_events_drop(app);
	inner_close(app);
	uv_run(&app->loop, UV_RUN_DEFAULT);
	require(uv_loop_close(&app->loop) == 0);
	attachment_files_close(app->attachment_files);
	store_close(app->store);
	tls_context_free(app->tls);
	identity_deinit(&app->identity);
	config_deinit(&app->config);
	free(app->config_path);
	free(app->inner);
	log_sink_close();
	memset(app, 0, sizeof(*app));
	app->state = APP_STOPPED;
}

int app_start(struct app *app, const char *config_path, struct complaint *complaint)
{
	memset(app, 0, sizeof(*app));
	int code = config_load(config_path, &app->config, complaint);
	if (code)
		return code;
	signal(SIGPIPE, SIG_IGN);
	app->config_path = realpath(config_path, NULL);
	app->inner = calloc(1, sizeof(*app->inner));
	require(app->inner && uv_loop_init(&app->loop) == 0);
	list_init(&app->subscribers);
	list_init(&app->transports);
	app->started = app_now(app).wall;
	loop_open(app);
	struct complaint first = {0};
	code = app_parts_start(app, &first);
	if (!code) {
		struct log_line l;
		log_begin(&l, LOG_LEVEL_INFO, "started");
		log_text(&l, "city", app->config.city.slug);
		log_uint(&l, "networks", node_network_count(app->node));
		log_text(&l, "version", HANSA_VERSION);
		log_end(&l);
		return 0;
	}
	app_stop(app);
	app_run(app);
	return complain(complaint, code, first.field[0] ? first.field : "start", "%s",
		first.reason[0] ? first.reason : error_text(code));
}

/* ---- stop ---- */

static void inner_unref(struct app *app)
{
	struct app_loop *inner = app->inner;
	uv_unref((uv_handle_t *)&inner->idle);
	uv_unref((uv_handle_t *)&inner->deadline);
	for (size_t i = 0; i < 3; i++)
		uv_unref((uv_handle_t *)&inner->signals[i]);
}

void app_stop(struct app *app)
{
	if (app->state >= APP_STOPPING)
		return;
	if (app->state == APP_RUNNING) {
		log_event(LOG_LEVEL_INFO, "stopping", "city", app->config.city.slug);
		notify_send("STOPPING=1");
	}
	app->state = APP_STOPPING;
	if (app->listener)
		listener_close(app->listener);
	app->listener = NULL;
	if (app->node)
		node_stop(app->node, app_now(app));
	if (app->joins)
		join_stop(app->joins);
	app->joins = NULL;
	if (app->api)
		api_close(app->api);
	app->api = NULL;
	if (app->dialer)
		dialer_close(app->dialer);
	app->dialer = NULL;
	list_for_each_safe(&app->transports, node)
		transport_close(list_entry(node, struct transport, all), "this city is stopping");
	inner_unref(app);
}

int app_run(struct app *app)
{
	uv_run(&app->loop, UV_RUN_DEFAULT);
	require(app->state == APP_STOPPING);
	take_down(app);
	return 0;
}

void app_reload(struct app *app)
{
	struct config fresh;
	struct complaint complaint = {0};
	if (config_load(app->config_path, &fresh, &complaint)) {
		struct log_line l;
		log_begin(&l, LOG_LEVEL_ERROR, "reload_refused");
		log_text(&l, "field", complaint.field);
		log_text(&l, "reason", complaint.reason);
		log_end(&l);
		return;
	}
	struct config former = app->config;
	app->config = fresh;
	if (log_sink_open(&fresh.log, &complaint))
		log_event(LOG_LEVEL_ERROR, "log_unchanged", "reason", complaint.reason);
	node_set_links(app->node, fresh.dial_max, fresh.link.accept_max);
	app_deny_tell(app, &former);
	app->inner->addresses_due = true;
	if (app->dialer)
		dialer_reset(app->dialer, NULL);
	log_event(LOG_LEVEL_INFO, "reloaded", "note",
		"city, data, listen, control, store and relay "
		"change at the next start only");
	config_keep(&app->config, &former);
	config_deinit(&former);
}
