/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The daemon as one object: configuration, keys, store, threads, node, links and API on one libuv
 * loop.
 *
 * Start here: app_start builds everything in the order of struct app's members and app_stop takes
 * it down in reverse. Only the loop's thread touches the node. What a call into the node asks for
 * (bytes to send, closes, events) is done right after the callback in which it was made, before the
 * loop waits again (app.c, on_after): so nothing here calls back into the node from within it, and
 * a frame is chosen as late as can be.
 *
 * Words: *transport* one TCP connection with its TLS session; *link* the node's side of it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/error.h"
#include "base/list.h"
#include "daemon/config.h"
#include "daemon/identity.h"
#include "proto/node.h"
#include "store/attachment_file.h"
#include "store/store.h"

struct api;
struct attachment_files;
struct attachment_writer;
struct handshaker;
struct dialer;
struct guard;
struct invitations;
struct joins;
struct listener;
struct reader;
struct tls_context;
struct transport;
struct writer;

#define APP_AGENT "hansad/" HANSA_VERSION
#define APP_ADDRESS_MAX 280 /* "[IPv6]:port" or "host:port", 255 of host and the rest */

enum app_state {
	APP_STARTING,
	APP_RUNNING,
	APP_STOPPING,
	APP_STOPPED
};

struct app {
	uv_loop_t loop;
	enum app_state state;
	char *config_path;
	struct config config;
	struct identity identity;
	struct store *store;
	struct attachment_files *attachment_files; /* their folder is config's store folder */
	struct writer *writer;
	struct reader *reader;
	struct attachment_writer *attachment_writer;
	struct handshaker *handshaker;
	struct guard *guard;
	struct node *node;
	struct tls_context *tls;
	struct listener *listener;
	struct dialer *dialer;
	struct api *api;
	struct joins *joins; /* join.h */
	/** Takes over a connection that speaks hansa-join/1; NULL: refused. */
	int (*on_join)(struct app *app, struct transport *transport);
	struct app_loop *inner; /* app.c's own handles and lists */
	struct list subscribers;
	struct list transports; /* all open connections, see transport.h */
	unsigned transport_count;
	bool disk_full;        /* or the store's limit is reached */
	char full_reason[160]; /* then: why, one sentence */
	struct timestamp started;
	uint8_t instance[16];            /* of this process's life, as HELLO says it */
	struct invitations *invitations; /* the API's, for the join listener; NULL before it */
};

/**
 * Reads the configuration and starts all of it. On an error nothing runs, the loop is closed and
 * *app is zeroed; the complaint says what is wrong.
 */
int app_start(struct app *app, const char *config_path, struct complaint *complaint);
/** Runs the loop until a stop is complete; then everything is freed and the loop closed. */
int app_run(struct app *app);
/** Begins a clean stop: BYE to the peers, drafts answered, queues written. Loop only. */
void app_stop(struct app *app);
/** SIGHUP: reads the configuration again; what cannot change while running is said in the log. */
void app_reload(struct app *app);
/** Where it listens on nothing that others can dial, and advertise is not set. */
#define APP_NOT_DIALABLE                                                                    \
	"No other city can dial this one, so it can invite none: set advertise to the name or " \
	"address under which others reach it."

/**
 * `hansad --check`: configuration, keys, permissions, store; starts nothing. *note: what is good
 * and yet worth a second look, NULL if nothing.
 */
int app_check(const char *config_path, const char **note, struct complaint *complaint);

/** The only clock. */
struct node_time app_now(const struct app *app);

/**
 * Events of the node, delivered one after another after the node's call has returned: a subscriber
 * may call the node. The event is valid during the call. A subscriber is a member of its owner's
 * struct, zeroed before.
 */
typedef void app_event_fn(void *ctx, const struct node_event *event);
struct app_subscriber {
	struct list_node node;
	app_event_fn *fn;
	void *ctx;
	uint64_t delivered; /* number of the last event that it was given */
};
void app_subscribe(struct app *app, struct app_subscriber *subscriber, app_event_fn *fn, void *ctx);
/** Harmless for one that is not subscribed; may be called from within an event. */
void app_unsubscribe(struct app_subscriber *subscriber);

/**
 * Asks the writer for a commit that is not the node's (an upload's map, say): commit->done is
 * called on the loop, then it is freed.
 */
void app_commit(struct app *app, struct commit *commit);

/** Where this daemon really listens, "127.0.0.1:40123"; NULL past the last. */
const char *app_listen_address(const struct app *app, size_t i);
/** What peers are told; NULL past the last. */
const char *app_advertise_address(const struct app *app, size_t i);

typedef void app_renew_fn(void *ctx, int code, const char *reason);
/**
 * `hansa key renew`: makes a new node key, submits an epoch record in each network, and takes the
 * key over once they are committed. ERROR_STATE without the city key, while one is under way, or
 * while own entries are taken back, which the cuts would disown. With `force` only then: the cuts
 * are what is here. ERROR_STATE too where a charter is not back (the new key would be unknown to
 * its members), or a peer still offers what is missing.
 */
int app_renew_key(
	struct app *app, bool force, app_renew_fn *done, void *ctx, struct complaint *complaint);

/**
 * What api.h gives to app.c:
 *
 *     int api_start(struct app *app, struct api **out, struct complaint *complaint);
 *         binds the control socket; called last, when the node is ready.
 *     void api_close(struct api *api);
 *         refuses new requests, ends event streams, lets answers under way go out for at most one
 *         second, closes its handles and frees itself in their close callbacks.
 *
 * node_stop is called before api_close, so that waiting drafts are answered; work that the API
 * queued with uv_queue_work keeps the loop until it is done, and the store is closed after that.
 */
