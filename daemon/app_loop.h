/* SPDX-License-Identifier: Apache-2.0 */
/** app.c's own handles, lists and buffers; shared with transport*.c only. */
#pragma once

#include "daemon/app.h"
#include "daemon/transport.h"

/* A node's event, kept until its call has returned. */
struct app_event {
	struct list_node node;
	struct node_event event;
	char text[256];
};

struct app_loop {
	struct app *app;
	unsigned handles;
	uv_prepare_t prepare;
	uv_check_t check;
	uv_idle_t idle; /* active while there is work that must not wait */
	uv_timer_t deadline;
	struct monotime deadline_at;
	uv_signal_t signals[3];
	struct list dirty;  /* of transports */
	struct list events; /* of struct app_event */
	struct app_renewal *renewal;
	uint64_t event_number;
	struct app_subscriber own; /* dialling and the bootstrap file follow events */
	bool addresses_due;
	/* one of each for all transports: uv reads and writes within one callback */
	uint8_t read[TRANSPORT_READ_BYTES];
	uint8_t plain[TLS_PLAIN_MAX(TRANSPORT_READ_BYTES)];
	uint8_t record[TLS_RECORD_MAX];
};

/** Log, keys, store, threads, node, listener, dialer, API (app_start.c); app.c takes them down. */
int app_parts_start(struct app *app, struct complaint *complaint);
/** From now on output, events and deadlines are worked off (app.c). */
void app_loop_begin(struct app *app);
/** The node's surroundings (app_node.c). */
struct node_io app_node_io(struct app *app);
/** Completions of the threads. */
void app_on_committed(void *ctx, struct commit *commit);
void app_on_read(void *ctx, struct node_read *read);
void app_on_written(void *ctx, struct node_write *write);
void app_on_full(void *ctx, bool full);
/** Gives the queued events to the subscribers. */
void app_events_deliver(struct app *app);
void app_events_drop(struct app *app);
/** Tells the node the advertised addresses; it publishes them where they are new. */
void app_addresses_tell(struct app *app);
/** Denied cities of the configuration: `former` may be NULL. */
void app_deny_tell(struct app *app, const struct config *former);
/** A renewal that a crash interrupted goes on (app_renew.c). */
void app_renew_resume(struct app *app);
/** From app.c, after a callback: a renewal's next step. */
void app_renew_step(struct app *app);
/** The control socket's path: the configuration's, or DIR/control.sock. */
int app_socket_path(const struct config *config, char to[static IDENTITY_PATH_MAX]);
