/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/join_server.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "charter/draft.h"
#include "proto/join_frame.h"
#include "proto/message.h"

/* Produced ahead of the socket: one TLS record, and the frame that passes it. */
#define AHEAD_BYTES 16384u
#define OUT_BYTES_MAX (AHEAD_BYTES + 4 + LIMIT_FRAME_BYTES)

struct join_server {
	struct join_server_config config;
	enum join_server_state state;
	struct monotime deadline, last;
	struct join_frame frame; /* holds the JOIN that `asked` looks into */
	struct buffer out;
	bool has_asked;
	struct join_asked asked;
	uint64_t next_amendment;
	struct roster_walk walk;
	int code;
	char reason[LIMIT_TEXT_BYTES + 1];
	struct message message;
};

int join_server_new(
	const struct join_server_config *config, struct node_time now, struct join_server **out)
{
	struct join_server *server = calloc(1, sizeof(*server));
	*out = server;
	if (!server)
		return ERROR_MEMORY;
	server->config = *config;
	server->deadline = monotime_add_ms(now.mono, JOIN_ASK_MS);
	server->last = monotime_add_ms(now.mono, JOIN_TOTAL_MS);
	join_frame_init(&server->frame, LIMIT_FRAME_EARLY_BYTES);
	buffer_init(&server->out, OUT_BYTES_MAX);
	return 0;
}

void join_server_free(struct join_server *server)
{
	if (!server)
		return;
	join_frame_deinit(&server->frame);
	buffer_deinit(&server->out);
	free(server);
}

static void progress(struct join_server *server, struct node_time now)
{
	server->deadline = monotime_earlier(monotime_add_ms(now.mono, JOIN_PROGRESS_MS), server->last);
}

__attribute__((format(printf, 3, 4))) static void refuse(
	struct join_server *server, int code, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(server->reason, sizeof(server->reason), format, args);
	va_end(args);
	server->code = code;
	server->state = JOIN_SERVER_REFUSING;
	message_write_reason(&server->out, MESSAGE_JOIN_REFUSED, join_refusal_of(code), server->reason);
}

static int breach(struct join_server *server, int code)
{
	snprintf(server->reason, sizeof(server->reason), "%s", error_text(code));
	server->code = code;
	server->state = JOIN_SERVER_BROKEN;
	return code;
}

static int record_judge(struct join_server *server, struct join_asked *asked)
{
	struct control_object object;
	struct epoch_record record;
	struct hash record_hash;
	struct verifier *verifier;
	int code = object_decode(asked->record, &object);
	if (!code && object.type != OBJECT_EPOCH_RECORD)
		code = ERROR_EPOCH_RECORD;
	if (!code)
		code = epoch_record_decode(object.body, &record);
	if (!code &&
		(record.epoch != 1 || object.signature_count != 2 ||
			!public_key_equal(&record.node_key, &server->config.peer_key)))
		code = ERROR_EPOCH_RECORD;
	if (!code)
		code = epoch_record_hash(object.body, &record_hash);
	if (!code)
		code = verifier_new(&verifier);
	if (code)
		return code;
	code = epoch_record_verify(verifier, &object, &record, &record_hash, &record.city_key);
	verifier_free(verifier);
	asked->network_id = record.anchor;
	asked->city_id = record.city_id;
	asked->city_key = record.city_key;
	return code;
}

/** Fields and record by themselves: 0, or refused. */
static int asked_judge(struct join_server *server)
{
	const struct message *m = &server->message;
	struct join_asked *asked = &server->asked;
	bool good = text_slug_valid(m->join.slug) &&
		charter_name_valid(m->join.name, CHARTER_NAME_MAX) &&
		charter_country_valid(m->join.country);
	for (uint32_t i = 0; i < m->join.address_count; i++)
		good = good && address_valid(m->join.addresses[i]);
	*asked = (struct join_asked){.slug = m->join.slug,
		.name = m->join.name,
		.country = m->join.country,
		.record = m->join.record,
		.proof = m->join.proof};
	if (!good) {
		refuse(
			server, ERROR_FIELD, "The city's name, short name, country or address is not valid.");
		return ERROR_FIELD;
	}
	int code = record_judge(server, asked);
	if (code)
		refuse(server, code, "The city's epoch record is not valid: %s", error_text(code));
	else
		server->has_asked = true;
	return code;
}

/** Whether the city stands there already, by an earlier JOIN of the same keys. */
static bool stands(const struct join_server *server, const struct roster_member *m)
{
	return hash_equal(&m->city_id, &server->asked.city_id) && m->status == MEMBER_ACTIVE &&
		public_key_equal(&m->node_key, &server->config.peer_key);
}

/** The delegation under today's charter: 0, or refused. */
static int delegation_judge(
	struct join_server *server, struct bytes bytes, struct delegation *delegation, bool *confirmed)
{
	const struct join_asked *asked = &server->asked;
	int code = delegation_decode(bytes, delegation);
	if (code) {
		refuse(server, ERROR_CHARTER_ITEM, "The invitation cannot be read any more.");
	} else if (!bytes_equal(delegation->slug, asked->slug) ||
		!hash_equal(&delegation->network_id, &asked->network_id)) {
		refuse(server, ERROR_TOKEN, "The invitation is for another city or network.");
	} else if (!public_key_equal(
				   &delegation->delegate, secret_key_public(server->config.node_key))) {
		refuse(server, ERROR_CHARTER_SIGNERS,
			"The inviting city has renewed its key since: ask for a new invitation.");
	} else {
		*confirmed = delegation_confirms(delegation, &asked->city_key, &asked->city_id);
		if (delegation->confirm_len && !*confirmed)
			refuse(server, ERROR_KEY, "The invitation is for a city with another key fingerprint.");
	}
	return server->code;
}

/** Makes and submits the amendment. */
static int admit(struct join_server *server, const struct roster *roster, struct bytes delegation,
	bool confirmed, struct node_time now)
{
	const struct join_asked *asked = &server->asked;
	struct amendment_item item = {.kind = AMENDMENT_ADMIT,
		.admit = {.slug = asked->slug,
			.name = asked->name,
			.country = asked->country,
			.record = asked->record,
			.confirmed = confirmed,
			.delegation = delegation}};
	struct buffer body, wire;
	buffer_init(&body, OBJECT_BYTES_MAX);
	buffer_init(&wire, OBJECT_BYTES_MAX);
	int code = draft_amendment(roster, &item, 1, (uint64_t)now.wall.ms, &body);
	if (!code)
		code = draft_seal_by(OBJECT_AMENDMENT, buffer_bytes(&body), server->config.node_key, &wire);
	if (!code) {
		server->state = JOIN_SERVER_ADMITTING;
		code = server->config.io.admit(
			server->config.io.ctx, &asked->network_id, buffer_bytes(&wire));
	}
	buffer_deinit(&body);
	buffer_deinit(&wire);
	return code;
}

static void tell(struct join_server *server)
{
	server->state = JOIN_SERVER_TELLING;
	message_write_joined(&server->out, &server->asked.network_id);
}

static void judge(struct join_server *server, struct node_time now)
{
	const struct join_server_io *io = &server->config.io;
	const struct join_asked *asked = &server->asked;
	struct bytes delegation_bytes = {0};
	struct delegation delegation;
	bool confirmed = false;
	if (asked_judge(server))
		return;
	const struct roster *roster = io->roster(io->ctx, &asked->network_id);
	int code = roster ? io->check(io->ctx, asked, &delegation_bytes) : ERROR_TOKEN;
	if (code) {
		refuse(server, code, "%s",
			code == ERROR_TOKEN ? "No invitation is open for this city, or its secret is wrong."
								: error_text(code));
		return;
	}
	const struct roster_member *by_slug = roster_member_by_slug(roster, asked->slug);
	if (by_slug && stands(server, by_slug)) {
		tell(server);
	} else if (by_slug) {
		refuse(server, ERROR_SLUG_TAKEN, "The short name '%.*s' has been used in the network.",
			(int)asked->slug.len, (const char *)asked->slug.data);
	} else if (roster_member_by_city(roster, &asked->city_id)) {
		refuse(server, ERROR_EXISTS, "This city is or was in the network by another short name.");
	} else if (!delegation_judge(server, delegation_bytes, &delegation, &confirmed)) {
		code = admit(server, roster, delegation_bytes, confirmed, now);
		if (code)
			refuse(server, code, "The charter does not take the admission: %s", error_text(code));
	}
}

int join_server_receive(struct join_server *server, struct bytes bytes, struct node_time now)
{
	struct bytes frame;
	int code = 0;
	if (server->state == JOIN_SERVER_BROKEN)
		return server->code;
	if (server->state != JOIN_SERVER_WAITING)
		return bytes.len ? breach(server, ERROR_MESSAGE) : 0;
	if (!join_frame_next(&server->frame, &bytes, &frame, &code))
		return code ? breach(server, code) : 0;
	code = message_decode(frame, &server->message);
	if (!code && (server->message.type != MESSAGE_JOIN || bytes.len))
		code = ERROR_MESSAGE;
	if (code)
		return breach(server, code);
	progress(server, now);
	judge(server, now);
	return 0;
}

void join_server_admitted(struct join_server *server, int code, struct node_time now)
{
	if (server->state != JOIN_SERVER_ADMITTING)
		return;
	progress(server, now);
	if (code)
		refuse(server, code, "The admission could not be stored: %s", error_text(code));
	else
		tell(server);
}

/**
 * The next object: amendments first, and again before each other object, since the charter may
 * grow while it is told and what follows may rest on that. Then records and address lists; the
 * rest comes with the first link. False: none is left.
 */
static bool produce_object(struct join_server *server, const struct roster *roster)
{
	const struct hash *network_id = &server->asked.network_id;
	struct roster_object object;
	struct bytes wire;
	struct hash hash;
	if (!roster_amendment(roster, server->next_amendment, &wire, &hash)) {
		server->next_amendment++;
		message_write_object(&server->out, network_id, wire);
		return true;
	}
	while (roster_object_next(roster, &server->walk, &object)) {
		if (object.type != OBJECT_EPOCH_RECORD && object.type != OBJECT_ADDRESS_LIST)
			continue;
		message_write_object(&server->out, network_id, object.wire);
		return true;
	}
	return false;
}

static void produce_ahead(struct join_server *server)
{
	const struct join_server_io *io = &server->config.io;
	const struct roster *roster = io->roster(io->ctx, &server->asked.network_id);
	while (server->state == JOIN_SERVER_TELLING && server->out.len < AHEAD_BYTES) {
		if (roster && produce_object(server, roster))
			continue;
		if (roster)
			message_write_join_end(&server->out, roster_number(roster), roster_hash(roster));
		server->state = JOIN_SERVER_OVER;
	}
}

size_t join_server_produce(
	struct join_server *server, uint8_t *out, size_t cap, struct node_time now)
{
	if (server->state == JOIN_SERVER_TELLING)
		produce_ahead(server);
	if (server->state == JOIN_SERVER_REFUSING)
		server->state = JOIN_SERVER_OVER;
	if (server->out.error) {
		breach(server, server->out.error);
		return 0;
	}
	struct bytes part = bytes_slice(buffer_bytes(&server->out), 0, cap);
	if (part.len) {
		memcpy(out, part.data, part.len);
		progress(server, now);
	}
	buffer_consume(&server->out, part.len);
	return part.len;
}

struct monotime join_server_deadline(const struct join_server *server)
{
	return server->deadline;
}

int join_server_on_deadline(struct join_server *server, struct node_time now)
{
	return monotime_reached(now.mono, server->deadline) ? breach(server, ERROR_TIMEOUT) : 0;
}

enum join_server_state join_server_state(const struct join_server *server)
{
	return server->state;
}

const struct join_asked *join_server_asked(const struct join_server *server)
{
	return server->has_asked ? &server->asked : NULL;
}

int join_server_reason(const struct join_server *server, const char **text)
{
	*text = server->reason;
	return server->code;
}
