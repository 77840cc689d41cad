/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/transport.h"

#include "base/error.h"

static int on_receive(struct transport *t, struct bytes bytes, struct node_time now)
{
	return link_receive(t->user, bytes, now);
}

static size_t on_produce(struct transport *t, uint8_t *out, size_t cap, struct node_time now)
{
	return link_produce(t->user, out, cap, now);
}

static bool on_wants_read(const struct transport *t)
{
	return link_wants_read(t->user);
}

static void on_rate(struct transport *t, uint64_t bytes_per_second)
{
	link_set_rate(t->user, bytes_per_second);
}

static void on_closed(struct transport *t, const char *reason, struct node_time now)
{
	node_link_closed(t->app->node, t->user, reason, now);
}

static const struct transport_user link_user = {
	.receive = on_receive,
	.produce = on_produce,
	.wants_read = on_wants_read,
	.set_rate = on_rate,
	.closed = on_closed,
};

int transport_open_link(struct transport *t)
{
	if (t->app->state != APP_RUNNING)
		return ERROR_CANCELLED;
	t->user = node_link_open(
		t->app->node, tls_session_peer(t->tls), t->dialled, t->address, t, app_now(t->app));
	if (!t->user)
		return ERROR_MEMORY;
	t->user_calls = &link_user;
	return 0;
}
