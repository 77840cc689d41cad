/* SPDX-License-Identifier: Apache-2.0 */
/* The inviter's side: a connection that speaks hansa-join/1. */
#include "daemon/join_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "daemon/invitations.h"

/** Outlives its guest if the connection ends before the commit. */
struct admission {
	struct join_guest *guest; /* NULL: gone */
};

static void log_guest(
	struct log_line *l, enum log_level level, const char *event, const struct join_guest *guest)
{
	const struct join_asked *asked = join_server_asked(guest->server);
	log_begin(l, level, event);
	if (asked) {
		log_text_bytes(l, "city", asked->slug);
		log_bytes(l, "network_id", bytes_of(asked->network_id.bytes, 8));
	}
	log_text(l, "address", guest->transport->address);
}

static const struct roster *on_roster(void *ctx, const struct hash *network_id)
{
	const struct join_guest *guest = ctx;
	return node_roster(guest->joins->app->node, network_id);
}

static int on_check(void *ctx, const struct join_asked *asked, struct bytes *delegation)
{
	const struct join_guest *guest = ctx;
	struct app *app = guest->joins->app;
	struct invitation *invitation = NULL;
	int code = invitations_check(app->invitations, &asked->network_id, asked->slug,
		bytes_of(guest->exporter, sizeof(guest->exporter)), &asked->city_key, &asked->proof,
		app_now(app).wall, &invitation);
	if (!code)
		*delegation = invitation->delegation;
	return code;
}

static void on_admitted(void *ctx, int code, const struct hash *object_hash, uint64_t arrival)
{
	(void)object_hash, (void)arrival;
	struct admission *admission = ctx;
	struct join_guest *guest = admission->guest;
	free(admission);
	if (!guest)
		return;
	guest->admission = NULL;
	join_server_admitted(guest->server, code, app_now(guest->joins->app));
	if (!code) {
		struct log_line l;
		log_guest(&l, LOG_LEVEL_INFO, "join_admitted", guest);
		log_end(&l);
	}
	transport_wake(guest->transport);
	joins_arm(guest->joins);
}

static int on_admit(void *ctx, const struct hash *network_id, struct bytes wire)
{
	struct join_guest *guest = ctx;
	struct app *app = guest->joins->app;
	struct admission *admission = malloc(sizeof(*admission));
	if (!admission)
		return ERROR_MEMORY;
	admission->guest = guest;
	guest->admission = admission;
	int code = node_object_submit(
		app->node, network_id, wire, on_admitted, admission, app_now(app));
	if (code) {
		guest->admission = NULL;
		free(admission);
	}
	return code;
}

/* ---- transport_user ---- */

static int on_receive(struct transport *t, struct bytes bytes, struct node_time now)
{
	struct join_guest *guest = t->user;
	int code = join_server_receive(guest->server, bytes, now);
	transport_wake(t);
	joins_arm(guest->joins);
	return code;
}

static size_t on_produce(struct transport *t, uint8_t *out, size_t cap, struct node_time now)
{
	struct join_guest *guest = t->user;
	const char *reason;
	size_t n = join_server_produce(guest->server, out, cap, now);
	if (n > 0) {
		joins_arm(guest->joins);
		return n;
	}
	int code = join_server_reason(guest->server, &reason);
	switch (join_server_state(guest->server)) {
	case JOIN_SERVER_OVER:
		if (code)
			transport_close(t, reason); /* the refusal has gone out */
		guest->told = !code;            /* else the joiner closes when it has it all */
		break;
	case JOIN_SERVER_BROKEN:
		transport_close(t, reason);
		break;
	default:
		break;
	}
	return 0;
}

static bool on_wants_read(const struct transport *t)
{
	(void)t;
	return true;
}

static void on_rate(struct transport *t, uint64_t bytes_per_second)
{
	(void)t, (void)bytes_per_second;
}

static void on_closed(struct transport *t, const char *reason, struct node_time now)
{
	(void)now;
	struct join_guest *guest = t->user;
	struct joins *joins = guest->joins;
	struct log_line l;
	log_guest(&l, guest->told ? LOG_LEVEL_INFO : LOG_LEVEL_WARN,
		guest->told ? "join_told" : "join_refused", guest);
	log_text(&l, "reason", reason);
	log_end(&l);
	if (guest->admission)
		guest->admission->guest = NULL;
	join_server_free(guest->server);
	list_remove(&guest->node);
	free(guest);
	joins_arm(joins);
	joins_free_maybe(joins);
}

static const struct transport_user guest_user = {
	.receive = on_receive,
	.produce = on_produce,
	.wants_read = on_wants_read,
	.set_rate = on_rate,
	.closed = on_closed,
};

int join_guest_accept(struct app *app, struct transport *t)
{
	struct join_server_config config = {.node_key = app->identity.node_key};
	if (app->state != APP_RUNNING)
		return ERROR_CANCELLED;
	struct join_guest *guest = calloc(1, sizeof(*guest));
	if (!guest)
		return ERROR_MEMORY;
	config.io = (struct join_server_io){
		.ctx = guest, .roster = on_roster, .check = on_check, .admit = on_admit};
	config.peer_key = *tls_session_peer(t->tls);
	int code = tls_session_export(t->tls, config.exporter);
	if (!code)
		code = join_server_new(&config, app_now(app), &guest->server);
	if (code) {
		free(guest);
		return code;
	}
	memcpy(guest->exporter, config.exporter, sizeof(guest->exporter));
	guest->joins = app->joins;
	guest->transport = t;
	list_push_back(&app->joins->guests, &guest->node);
	t->user = guest;
	t->user_calls = &guest_user;
	joins_arm(app->joins);
	return 0;
}

void join_guest_on_deadline(struct join_guest *guest, struct node_time now)
{
	const char *reason;
	if (!join_server_on_deadline(guest->server, now))
		return;
	join_server_reason(guest->server, &reason);
	transport_close(guest->transport, guest->told ? "the joiner did not close" : reason);
}
