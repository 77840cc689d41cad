/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api_internal.h"

#define READER HTTP_ROLE_READER
#define EDITOR HTTP_ROLE_EDITOR
#define OFFICER HTTP_ROLE_OFFICER
#define ADMIN HTTP_ROLE_ADMIN
#define NETWORK "/v1/networks/{network}"
#define RECORD "/v1/records/{network}/{city}/{lane}/{seq}"
#define SMALL 65536
#define JSON API_JSON_BYTES_MAX

const struct http_route api_routes[] = {
	{"GET", "/healthz", READER, api_status_health, NULL, 0, "whether the daemon runs"},
	{"GET", "/metrics", READER, api_metrics_get, NULL, 0, "counters for Prometheus"},
	{"GET", "/v1/status", READER, api_status_get, NULL, 0, "the daemon at a glance"},
	{"GET", "/v1/networks", READER, api_network_list, NULL, 0, "the networks"},
	{"POST", "/v1/networks", ADMIN, api_network_create, NULL, JSON, "create a network"},
	{"POST", "/v1/networks/prepare", ADMIN, api_network_prepare, NULL, SMALL,
		"a genesis to be signed"},
	{"GET", NETWORK, READER, api_network_get, NULL, 0, "one network"},
	{"GET", NETWORK "/members", READER, api_network_members, NULL, 0, "its members"},
	{"POST", NETWORK "/amendments/prepare", OFFICER, api_amendment_prepare, NULL, JSON,
		"an amendment to be signed"},
	{"POST", NETWORK "/amendments", OFFICER, api_amendment_submit, NULL, JSON,
		"put an amendment in force"},
	{"POST", NETWORK "/invitations/prepare", OFFICER, api_invitation_prepare, NULL, SMALL,
		"a delegation to be signed"},
	{"POST", NETWORK "/invitations", OFFICER, api_invitation_open, NULL, SMALL,
		"open an invitation"},
	{"GET", NETWORK "/invitations", OFFICER, api_invitation_list, NULL, 0,
		"open invitations"},
	{"DELETE", NETWORK "/invitations/{invitation}", OFFICER, api_invitation_withdraw, NULL, 0,
		"withdraw one"},
	{"POST", "/v1/join", ADMIN, api_join_post, NULL, SMALL, "join a network by a token"},
	{"POST", NETWORK "/records", EDITOR, NULL, &api_publish_upload, 0, "publish"},
	{"GET", "/v1/records", READER, api_record_list, NULL, 0, "list records"},
	{"GET", RECORD, READER, api_record_get, NULL, 0, "one record"},
	{"GET", RECORD "/export", READER, api_record_export, NULL, 0, "in another format"},
	{"GET", RECORD "/explain", READER, api_record_explain, NULL, 0, "where it came from"},
	{"GET", RECORD "/proof", READER, api_record_proof, NULL, 0, "to be verified offline"},
	{"GET", RECORD "/attachments/{attachment}", READER, api_attachment_get, NULL, 0,
		"an attachment's bytes"},
	{"POST", "/v1/attachments", EDITOR, NULL, &api_attachment_upload, 0, "store a file"},
	{"GET", NETWORK "/bundle", READER, api_bundle_export, NULL, 0, "what is held, as a bundle"},
	{"POST", "/v1/bundles", EDITOR, NULL, &api_bundle_upload, 0, "take a bundle in"},
	{"GET", "/v1/events", READER, api_events_get, NULL, 0, "Server-Sent Events"},
	{"GET", "/v1/peers", READER, api_peer_list, NULL, 0, "links to other cities"},
	{"GET", "/v1/reach", READER, api_reach_get, NULL, 0, "who is reached, and what is withheld"},
	{"PUT", "/v1/peers/{city}/deny", ADMIN, api_peer_deny, NULL, 0, "deny a city"},
	{"DELETE", "/v1/peers/{city}/deny", ADMIN, api_peer_allow, NULL, 0, "allow it again"},
	{"POST", "/v1/keys/renew", ADMIN, api_key_renew, NULL, SMALL, "a new node key"},
	{"GET", "/v1/publishing", READER, api_publishing_get, NULL, 0,
		"whether it is open, and what it waits for"},
	{"GET", "/v1/log", ADMIN, api_log_get, NULL, 0, "the newest log lines"},
};
const size_t api_route_count = sizeof(api_routes) / sizeof(api_routes[0]);
