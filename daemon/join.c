/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/join_private.h"

#include <stdlib.h>

#include "daemon/invitations.h"

void joins_free_maybe(struct joins *joins)
{
	if (joins->stopping && !joins->timer_open && list_empty(&joins->guests) &&
		list_empty(&joins->joiners))
		free(joins);
}

static void on_timer(uv_timer_t *timer)
{
	struct joins *joins = timer->data;
	struct node_time now = app_now(joins->app);
	list_for_each_safe(&joins->guests, node)
		join_guest_on_deadline(list_entry(node, struct join_guest, node), now);
	list_for_each_safe(&joins->joiners, node)
		joiner_on_deadline(list_entry(node, struct joiner, node), now);
	joins_arm(joins);
}

void joins_arm(struct joins *joins)
{
	struct monotime due = MONOTIME_NEVER;
	if (joins->stopping)
		return;
	list_for_each(&joins->guests, node)
	{
		const struct join_guest *guest = list_entry(node, struct join_guest, node);
		if (guest->transport->state == TRANSPORT_OPEN)
			due = monotime_earlier(due, join_server_deadline(guest->server));
	}
	list_for_each(&joins->joiners, node)
	{
		const struct joiner *joiner = list_entry(node, struct joiner, node);
		if (joiner->client && joiner->transport->state == TRANSPORT_OPEN)
			due = monotime_earlier(due, join_client_deadline(joiner->client));
	}
	if (due.us == MONOTIME_NEVER.us) {
		uv_timer_stop(&joins->timer);
		return;
	}
	int64_t us = monotime_diff_us(due, app_now(joins->app).mono);
	uv_timer_start(&joins->timer, on_timer, us > 0 ? (uint64_t)us / 1000 + 1 : 1, 0);
}

/**
 * The city that an invitation admitted speaks in the network: it has the charter, so the invitation
 * has done its work. Until then it stays, for a joiner whom a crash cut short.
 */
static void on_event(void *ctx, const struct node_event *event)
{
	const struct joins *joins = ctx;
	struct app *app = joins->app;
	bool speaks = event->type == NODE_EVENT_ENTRIES ||
		(event->type == NODE_EVENT_OBJECT && event->object_type == OBJECT_ADDRESS_LIST);
	struct invitation *one = NULL;
	if (!speaks || !app->invitations || !invitations_next(app->invitations, NULL))
		return;
	const struct roster *roster = node_roster(app->node, &event->network_id);
	const struct roster_member *city = roster ? roster_member_by_city(roster, &event->city_id)
											  : NULL;
	if (city)
		one = invitations_find(app->invitations, &event->network_id, city->slug);
	if (one)
		invitations_remove(app->invitations, one);
}

int join_start(struct app *app, struct joins **out)
{
	struct joins *joins = calloc(1, sizeof(*joins));
	*out = joins;
	if (!joins)
		return ERROR_MEMORY;
	joins->app = app;
	list_init(&joins->guests);
	list_init(&joins->joiners);
	uv_timer_init(&app->loop, &joins->timer);
	joins->timer.data = joins;
	joins->timer_open = true;
	app_subscribe(app, &joins->subscriber, on_event, joins);
	app->on_join = join_guest_accept;
	return 0;
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct joins *joins = handle->data;
	joins->timer_open = false;
	joins_free_maybe(joins);
}

void join_stop(struct joins *joins)
{
	joins->stopping = true;
	joins->app->on_join = NULL;
	app_unsubscribe(&joins->subscriber);
	list_for_each_safe(&joins->joiners, node) joiner_cancel(list_entry(node, struct joiner, node));
	uv_close((uv_handle_t *)&joins->timer, on_timer_closed);
}

void join_offer(struct app *app)
{
	tls_context_offer_join(
		app->tls, app->on_join && invitations_any(app->invitations, app_now(app).wall));
}
