/* SPDX-License-Identifier: Apache-2.0 */
/** What the API's handlers share. Included by daemon/api_*.c only. */
#pragma once

#include <jansson.h>

#include "base/list.h"
#include "daemon/api.h"
#include "daemon/api_json.h"
#include "daemon/api_names.h"
#include "daemon/app.h"
#include "daemon/http_error.h"
#include "daemon/http_peer.h"
#include "daemon/http_request.h"
#include "daemon/http_stream.h"

/** Open event streams; each costs a connection and some KiB. */
#define API_EVENT_STREAMS_MAX 128u
#define API_JSON_BYTES_MAX (1u << 20)

struct alert_index;
struct api_draft_scope;
struct api_quick;

struct api {
	struct app *app;
	struct http_server *server;
	struct http_roles roles;
	struct app_subscriber subscriber;
	struct list streams; /* api_events.c */
	unsigned stream_count;
	struct list drafts;      /* api_publish.c: what waits until publishing is open */
	struct api_quick *quick; /* the loop's, for records that come alone */
	struct api_draft_scope *last_scope;
	struct alert_index *alerts;
	uv_timer_t draft_timer, event_timer;
	unsigned timers; /* not closed yet */
	bool closing;
	uint64_t requests_total;
};

static inline struct app *api_app(const struct http_request *request)
{
	return ((struct api *)request->ctx)->app;
}

/** api_events.c, api_publish.c: called for each event of the node. */
void api_events_on_event(struct api *api, const struct node_event *event);
void api_publish_on_event(struct api *api, const struct node_event *event);
/** Something got an arrival without an event of the node. */
void api_events_poke(struct api *api);
/** No further draft waits: they are answered. */
void api_publish_close(struct api *api);

/* The handlers, by the file that has them. */
void api_status_health(struct http_request *request);
void api_status_get(struct http_request *request);
void api_metrics_get(struct http_request *request);
void api_network_list(struct http_request *request);
void api_network_get(struct http_request *request);
void api_network_members(struct http_request *request);
void api_network_prepare(struct http_request *request);
void api_network_create(struct http_request *request);
void api_amendment_prepare(struct http_request *request);
void api_amendment_submit(struct http_request *request);
void api_invitation_prepare(struct http_request *request);
void api_invitation_open(struct http_request *request);
void api_invitation_list(struct http_request *request);
void api_invitation_withdraw(struct http_request *request);
void api_join_post(struct http_request *request);
extern const struct http_upload api_publish_upload;
void api_record_list(struct http_request *request);
void api_record_get(struct http_request *request);
void api_record_export(struct http_request *request);
void api_record_explain(struct http_request *request);
void api_record_proof(struct http_request *request);
void api_attachment_get(struct http_request *request);
extern const struct http_upload api_attachment_upload;
void api_bundle_export(struct http_request *request);
extern const struct http_upload api_bundle_upload;
void api_events_get(struct http_request *request);
void api_peer_list(struct http_request *request);
void api_peer_deny(struct http_request *request);
void api_reach_get(struct http_request *request);
void api_peer_allow(struct http_request *request);
void api_key_renew(struct http_request *request);
void api_publishing_get(struct http_request *request);
void api_log_get(struct http_request *request);
