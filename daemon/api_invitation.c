/* SPDX-License-Identifier: Apache-2.0 */
/** Invitations, and joining by one. */
#include "daemon/api_internal.h"

#include <stdlib.h>
#include <string.h>

#include "charter/delegation.h"
#include "charter/roster.h"
#include "charter/token.h"
#include "daemon/api_signed.h"
#include "daemon/api_standing.h"
#include "daemon/invitations.h"
#include "daemon/join.h"

#define EXPIRES_S_MIN 60u
#define EXPIRES_S_MAX 2592000u
#define EXPIRES_S_USUAL 604800u

/** What was read out over the telephone, or 64 hex digits of the city id. */
static int fingerprint_read(const char *text, struct delegation *out, struct complaint *c)
{
	int wrong = 0;
	struct bytes view = bytes_from_text(text);
	if (view.len == 2 * HASH_SIZE && text_hex_decode(out->confirm, HASH_SIZE, view) == 0) {
		out->confirm_len = HASH_SIZE;
		return 0;
	}
	int code = text_fingerprint_parse(out->confirm, view, &wrong);
	if (!code) {
		out->confirm_len = DELEGATION_FINGERPRINT_BYTES;
		return 0;
	}
	if (code == ERROR_CORRUPT)
		return complain(c, ERROR_FIELD, "fingerprint",
			"Group %d of the fingerprint is wrong: ask for it again.", wrong);
	return complain(c, ERROR_FIELD, "fingerprint",
		"It must be a city's fingerprint of eight groups of five.");
}

static int delegation_make(const struct app *app, const struct roster *roster,
	const json_t *json, struct delegation *out, struct complaint *c)
{
	static const char *const known[] = {"city", "expires_s", "fingerprint"};
	const char *slug, *fingerprint;
	uint64_t expires_s;
	memset(out, 0, sizeof(*out));
	int code = api_json_only(json, known, 3, c);
	if (!code)
		code = api_json_get_text(json, "city", 1, TEXT_SLUG_MAX, &slug, c);
	if (!code && !text_slug_valid(bytes_from_text(slug)))
		code = complain(c, ERROR_FIELD, "city", "A short name has 1 to 32 of a-z, 0-9 and "
			"single dashes, and begins with a letter.");
	if (!code && roster_member_by_slug(roster, bytes_from_text(slug)))
		code = complain(c, ERROR_SLUG_TAKEN, "city",
			"The short name '%s' has been used in this network.", slug);
	if (!code)
		code = api_json_get_uint(json, "expires_s", EXPIRES_S_MIN, EXPIRES_S_MAX,
			EXPIRES_S_USUAL, &expires_s, c);
	if (!code)
		code = api_json_get_text_maybe(json, "fingerprint", 1, 128, &fingerprint, c);
	if (!code && fingerprint)
		code = fingerprint_read(fingerprint, out, c);
	if (!code)
		code = random_bytes(out->id, sizeof(out->id));
	if (code)
		return code;
	out->network_id = *roster_network_id(roster);
	out->slug = bytes_from_text(slug);
	out->expiry = (uint64_t)app_now(app).wall.ms + expires_s * 1000;
	out->delegate = app->identity.node_public;
	return 0;
}

void api_invitation_prepare(struct http_request *request)
{
	struct complaint complaint = {.field = "", .reason = ""};
	struct delegation delegation;
	struct hash body_hash;
	struct buffer body;
	uint8_t message[DELEGATION_MESSAGE_BYTES];
	size_t index;
	const struct roster *roster = api_network_of(request, &index);
	json_t *json = roster ? http_request_json(request) : NULL;
	if (!json)
		return;
	buffer_init(&body, DELEGATION_BYTES_MAX);
	int code = api_standing_officer(api_app(request), roster, &complaint);
	if (!code)
		code = delegation_make(api_app(request), roster, json, &delegation, &complaint);
	if (!code)
		code = delegation_body_hash(&delegation, &body_hash);
	if (!code)
		code = delegation_encode(&body, &delegation, NULL, 0);
	if (code) {
		http_respond_error(request, code, &complaint);
	} else {
		delegation_message(&body_hash, message);
		http_respond_json(request, 200, api_prepared(NULL, roster_network_id(roster),
			roster_officers(roster), buffer_bytes(&body),
			bytes_of(message, sizeof(message))));
	}
	buffer_deinit(&body);
	json_decref(json);
}

/** The delegation as it came back, checked against what this node would have made. */
static int delegation_judge(const struct app *app, const struct roster *roster,
	const struct delegation *d, struct complaint *c)
{
	struct verifier *verifier;
	if (!hash_equal(&d->network_id, roster_network_id(roster)))
		return complain(c, ERROR_FIELD, "body", "It is of another network.");
	if (!public_key_equal(&d->delegate, &app->identity.node_public))
		return complain(c, ERROR_FIELD, "body", "It was made for another node key.");
	if (d->expiry > INT64_MAX || (int64_t)d->expiry <= app_now(app).wall.ms)
		return complain(c, ERROR_TOKEN_EXPIRED, "body", "It has expired.");
	if (roster_member_by_slug(roster, d->slug))
		return complain(c, ERROR_SLUG_TAKEN, "city",
			"This short name has been used in the network meanwhile.");
	int code = verifier_new(&verifier);
	if (code)
		return code;
	code = delegation_verify(d, verifier, roster_officers(roster));
	verifier_free(verifier);
	if (code)
		return complain(c, code, "signatures", "%s", error_text(code));
	return 0;
}

static int token_make(const struct app *app, size_t index, const struct invitation *invitation,
	struct buffer *out, struct complaint *c)
{
	const struct roster *roster = node_network_roster(app->node, index);
	struct token token = {.network_id = invitation->network_id,
		.number = roster_number(roster), .amendment_hash = *roster_hash(roster),
		.slug = bytes_from_text(invitation->slug),
		.expiry = (uint64_t)invitation->expiry.ms, .node_key = app->identity.node_public,
		.network_name = roster_name(roster)};
	const char *address;
	memcpy(token.secret, invitation->secret, sizeof(token.secret));
	while (token.address_count < ADDRESS_LIST_MAX &&
		(address = app_advertise_address(app, token.address_count)))
		token.addresses[token.address_count++] = bytes_from_text(address);
	if (token.address_count == 0)
		return complain(c, ERROR_STATE, "",
			"No city could dial this one: set advertise in hansad.yaml to the name or address "
			"under which others reach it, then reload.");
	int code = token_encode(out, &token);
	secret_wipe(token.secret, sizeof(token.secret));
	return code;
}

static int invitation_make(struct app *app, size_t index, const json_t *json,
	struct buffer *token, struct invitation **out, struct complaint *c)
{
	const struct roster *roster = node_network_roster(app->node, index);
	struct delegation delegation;
	struct api_signed s;
	struct buffer whole;
	buffer_init(&whole, DELEGATION_BYTES_MAX);
	int code = api_signed_read(json, &s, c);
	if (!code && delegation_decode(buffer_bytes(&s.body), &delegation) != 0)
		code = complain(c, ERROR_FIELD, "body", "It is not a delegation.");
	if (!code)
		code = delegation_encode(&whole, &delegation, s.signatures, s.count);
	if (!code)
		code = delegation_decode(buffer_bytes(&whole), &delegation);
	if (!code)
		code = delegation_judge(app, roster, &delegation, c);
	if (!code)
		invitations_any(app->invitations, app_now(app).wall);
	if (!code)
		code = invitations_add(app->invitations, buffer_bytes(&whole), &delegation, out);
	if (code == ERROR_EXISTS)
		complain(c, code, "city", "An invitation for this city is open: withdraw it first "
			"(hansa invite --withdraw).");
	if (code == ERROR_LIMIT)
		complain(c, code, "", "%u invitations are open: that is the most.", INVITATIONS_MAX);
	if (!code) {
		code = token_make(app, index, *out, token, c);
		if (code)
			invitations_remove(app->invitations, *out);
	}
	buffer_deinit(&whole);
	api_signed_deinit(&s);
	return code;
}

static json_t *id_json(const struct invitation *one)
{
	return api_json_hex(bytes_of(one->id, sizeof(one->id)));
}

void api_invitation_open(struct http_request *request)
{
	struct complaint complaint = {.field = "", .reason = ""};
	struct invitation *invitation = NULL;
	struct buffer token;
	size_t index;
	const struct roster *roster = api_network_of(request, &index);
	json_t *json = roster ? http_request_json(request) : NULL;
	if (!json)
		return;
	buffer_init(&token, TOKEN_TEXT_MAX);
	int code = invitation_make(api_app(request), index, json, &token, &invitation, &complaint);
	if (code)
		http_respond_error(request, code, &complaint);
	else
		http_respond_json(request, 201, json_pack("{s:o, s:o, s:o}",
			"token", api_json_text(buffer_bytes(&token)),
			"expires", api_json_time(invitation->expiry), "id", id_json(invitation)));
	if (token.data)
		secret_wipe(token.data, token.len);
	buffer_deinit(&token);
	json_decref(json);
}

void api_invitation_list(struct http_request *request)
{
	const struct app *app = api_app(request);
	size_t index;
	const struct roster *roster = api_network_of(request, &index);
	if (!roster)
		return;
	invitations_any(app->invitations, app_now(app).wall);
	json_t *array = json_array();
	const struct invitation *one = NULL;
	while ((one = invitations_next(app->invitations, one))) {
		if (!hash_equal(&one->network_id, roster_network_id(roster)))
			continue;
		json_array_append_new(array, json_pack("{s:o, s:s, s:o, s:b, s:i}",
			"id", id_json(one), "city", one->slug, "expires",
			api_json_time(one->expiry), "confirmed", (int)one->confirms,
			"tries_left", (int)one->tries_left));
	}
	http_respond_json(request, 200, json_pack("{s:o}", "invitations", array));
}

void api_invitation_withdraw(struct http_request *request)
{
	const struct app *app = api_app(request);
	uint8_t id[DELEGATION_ID_BYTES];
	size_t index;
	const struct roster *roster = api_network_of(request, &index);
	if (!roster)
		return;
	const char *text = http_request_parameter(request, "invitation");
	struct invitation *one = NULL;
	bool good = text_hex_decode(id, sizeof(id), bytes_from_text(text)) == 0;
	while (good && (one = invitations_next(app->invitations, one))) {
		if (memcmp(one->id, id, sizeof(id)) == 0 &&
			hash_equal(&one->network_id, roster_network_id(roster)))
			break;
	}
	if (!one) {
		http_respond_refusal(request, 404, "not_found", "invitation",
			"No such invitation is open.");
		return;
	}
	invitations_remove(app->invitations, one);
	http_respond_empty(request);
}

static void on_joined(void *ctx, int code, const char *reason, const struct hash *network_id)
{
	struct http_request *request = ctx;
	const struct app *app = api_app(request);
	size_t index = 0, count = node_network_count(app->node);
	if (code) {
		struct complaint complaint = {.field = "", .reason = ""};
		if (reason && reason[0])
			complain(&complaint, code, "", "%s", reason);
		http_respond_error(request, code, &complaint);
		http_request_unref(request);
		return;
	}
	while (index < count && !hash_equal(network_id,
		roster_network_id(node_network_roster(app->node, index))))
		index++;
	if (index == count) {
		http_respond_error(request, ERROR_NOT_FOUND, NULL);
		http_request_unref(request);
		return;
	}
	const struct roster *roster = node_network_roster(app->node, index);
	const struct roster_member *me = roster_member_by_city(roster, &app->identity.city_id);
	http_respond_json(request, 200, json_pack("{s:o, s:s, s:o, s:b}",
		"network", api_json_text(roster_name(roster)),
		"slug", node_network_slug(app->node, index), "network_id",
		api_json_hash(network_id), "confirmed", (int)(me && me->confirmed)));
	http_request_unref(request);
}

void api_join_post(struct http_request *request)
{
	struct complaint complaint = {.field = "", .reason = ""};
	static const char *const known[] = {"token"};
	const char *token = NULL;
	json_t *json = http_request_json(request);
	if (!json)
		return;
	int code = api_json_only(json, known, 1, &complaint);
	if (!code)
		code = api_json_get_text(json, "token", 1, 2 * TOKEN_TEXT_MAX, &token, &complaint);
	http_request_ref(request);
	if (!code)
		code = app_join(api_app(request), token, on_joined, request, &complaint);
	if (code) {
		http_respond_error(request, code, &complaint);
		http_request_unref(request);
	}
	json_decref(json);
}
