/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/join_client.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "charter/draft.h"
#include "feed/feed.h"
#include "proto/join_frame.h"
#include "proto/message.h"

/* What an object costs beside its bytes: its view here, its place in the roster. */
#define OBJECT_COST 64u
#define RECORD_BYTES_MAX 4096u

struct join_client {
	enum join_client_state state;
	struct hash network_id, token_hash, city_id;
	uint64_t token_number;
	struct public_key city_key, node_key;
	uint8_t map_seed[MAP_SEED_SIZE];
	struct monotime deadline, last;
	struct join_frame frame;
	struct buffer out;
	struct buffer gathered; /* objects, one after another */
	struct bytes *objects;  /* while taking: only their lengths are right, for the bytes move */
	size_t count, capacity, cost;
	bool refused;
	struct complaint complaint;
	struct message message;
};

__attribute__((format(printf, 3, 4))) static int fail(
	struct join_client *client, int code, const char *format, ...)
{
	char text[256];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	client->state = JOIN_CLIENT_FAILED;
	return complain(&client->complaint, code, "token", "%s", text);
}

static int breach(struct join_client *client, int code)
{
	return fail(
		client, code, "The inviting city's server broke the protocol: %s", error_text(code));
}

static int write_join(struct join_client *client, const struct join_client_config *config,
	const struct hash *proof, const char *slug, uint64_t time_ms)
{
	struct buffer record;
	buffer_init(&record, RECORD_BYTES_MAX);
	int code = draft_first_record(config->city_key, config->node_key, config->sealing_key,
		&config->token->network_id, time_ms, &record);
	if (!code) {
		message_write_join(&client->out, proof, slug, config->name, config->country,
			buffer_bytes(&record), config->addresses, config->address_count);
		code = client->out.error;
	}
	buffer_deinit(&record);
	return code;
}

static int prepare(struct join_client *client, const struct join_client_config *config,
	struct node_time now, struct complaint *complaint)
{
	const struct token *token = config->token;
	char slug[TEXT_SLUG_MAX + 1] = {0};
	struct hash proof;
	if (!public_key_equal(&config->server_key, &token->node_key))
		return complain(complaint, ERROR_PEER, "token",
			"The server at this address does not hold the key that the invitation names.");
	if (token->expiry <= (uint64_t)now.wall.ms)
		return complain(complaint, ERROR_TOKEN_EXPIRED, "token",
			"The invitation has expired: ask for a new one.");
	if (token->slug.len > TEXT_SLUG_MAX || config->address_count > LIMIT_ADDRESSES)
		return complain(complaint, ERROR_FIELD, "token", "%s", error_text(ERROR_FIELD));
	memcpy(slug, token->slug.data, token->slug.len);
	int code = city_id_of(&client->city_key, &client->city_id);
	if (!code)
		code = join_proof(token->secret, config->exporter, &client->city_key, &proof);
	if (!code)
		code = write_join(client, config, &proof, slug, (uint64_t)now.wall.ms);
	if (code == ERROR_SIZE)
		return complain(complaint, code, "advertise",
			"This city's addresses are too long to be sent with a join.");
	return code ? complain(complaint, code, "token", "%s", error_text(code)) : 0;
}

int join_client_new(const struct join_client_config *config, struct node_time now,
	struct join_client **out, struct complaint *complaint)
{
	struct join_client *client = calloc(1, sizeof(*client));
	*out = NULL;
	if (!client)
		return complain(complaint, ERROR_MEMORY, "", "%s", error_text(ERROR_MEMORY));
	client->network_id = config->token->network_id;
	client->token_number = config->token->number;
	client->token_hash = config->token->amendment_hash;
	client->city_key = *secret_key_public(config->city_key);
	client->node_key = *secret_key_public(config->node_key);
	memcpy(client->map_seed, config->map_seed, sizeof(client->map_seed));
	join_frame_init(&client->frame, LIMIT_FRAME_EARLY_BYTES);
	buffer_init(&client->out, 4 + LIMIT_FRAME_EARLY_BYTES);
	buffer_init(&client->gathered, JOIN_CHARTER_BYTES_MAX);
	client->last = monotime_add_ms(now.mono, JOIN_TOTAL_MS);
	client->deadline = monotime_add_ms(now.mono, JOIN_PROGRESS_MS);
	int code = prepare(client, config, now, complaint);
	if (code) {
		join_client_free(client);
		return code;
	}
	*out = client;
	return 0;
}

void join_client_free(struct join_client *client)
{
	if (!client)
		return;
	join_frame_deinit(&client->frame);
	buffer_deinit(&client->out);
	buffer_deinit(&client->gathered);
	free(client->objects);
	free(client);
}

static int gather(struct join_client *client, struct bytes wire)
{
	if (client->count == client->capacity) {
		size_t capacity = client->capacity ? client->capacity * 2 : 64;
		struct bytes *grown = realloc(client->objects, capacity * sizeof(*grown));
		if (!grown)
			return ERROR_MEMORY;
		client->objects = grown;
		client->capacity = capacity;
	}
	client->cost += wire.len + OBJECT_COST;
	if (client->cost > JOIN_CHARTER_BYTES_MAX)
		return ERROR_LIMIT;
	if (buffer_push_bytes(&client->gathered, wire))
		return client->gathered.error;
	client->objects[client->count++] = bytes_of(NULL, wire.len);
	return 0;
}

static int on_object(struct join_client *client, const struct message *m)
{
	if (m->object.left) /* only a fork proof has two parts, and comes with the first link */
		return breach(client, ERROR_MESSAGE);
	if (!hash_equal(&m->object.network_id, &client->network_id))
		return fail(client, ERROR_CHARTER_UNKNOWN,
			"The inviting city sent objects of another network than the invitation's.");
	int code = gather(client, m->object.wire);
	if (code == ERROR_LIMIT)
		return fail(client, code, "The network's charter is larger than %u MiB.",
			JOIN_CHARTER_BYTES_MAX >> 20);
	return code ? fail(client, code, "%s", error_text(code)) : 0;
}

/* What the charter must say before anything of it is kept. */
static int judge_roster(struct join_client *client, const struct roster *roster)
{
	struct bytes wire;
	struct hash hash;
	const struct message *m = &client->message;
	if (!roster_has_genesis(roster))
		return fail(client, ERROR_CHARTER_PREDECESSOR, "The inviting city sent no charter.");
	if (roster_number(roster) != m->join_end.number ||
		!hash_equal(roster_hash(roster), &m->join_end.amendment_hash))
		return fail(client, ERROR_CHARTER_PREDECESSOR,
			"The charter that the inviting city sent is not complete.");
	if (roster_amendment(roster, client->token_number, &wire, &hash) ||
		!hash_equal(&hash, &client->token_hash))
		return fail(client, ERROR_CHARTER_RIVAL,
			"The charter that was sent is not the one that the invitation names.");
	const struct roster_member *me = roster_member_by_city(roster, &client->city_id);
	if (!me || me->status != MEMBER_ACTIVE || !public_key_equal(&me->city_key, &client->city_key) ||
		!public_key_equal(&me->node_key, &client->node_key))
		return fail(client, ERROR_NOT_MEMBER,
			"The charter that was sent does not admit this city with its keys.");
	return 0;
}

/*
 * Signatures are verified by node_network_adopt, once; here the chain of hashes and what it says is
 * enough, since nothing is kept of a charter that is not adopted.
 */
static int on_join_end(struct join_client *client)
{
	struct roster *roster;
	size_t at = 0;
	struct roster_change *change = calloc(1, sizeof(*change));
	int code = change ? roster_new(&client->network_id, client->map_seed, &roster) : ERROR_MEMORY;
	if (code) {
		free(change);
		return fail(client, code, "%s", error_text(code));
	}
	for (size_t i = 0; i < client->count && !code; i++) {
		size_t len = client->objects[i].len;
		client->objects[i] = bytes_slice(buffer_bytes(&client->gathered), at, len);
		at += len;
		code = roster_load(roster, client->objects[i], change);
		if (code == ERROR_EXISTS || code == ERROR_CHARTER_RIVAL)
			code = 0;
	}
	if (code)
		fail(client, code, "The charter that was sent does not hold: %s", error_text(code));
	else
		code = judge_roster(client, roster);
	roster_free(roster);
	free(change);
	if (!code)
		client->state = JOIN_CLIENT_COMPLETE;
	return code;
}

static int on_refused(struct join_client *client, const struct message *m)
{
	client->refused = true;
	return fail(client, join_refusal_error(m->reason.code), "The inviting city refused: %.*s",
		(int)m->reason.text.len, (const char *)m->reason.text.data);
}

static int on_frame(struct join_client *client, struct bytes frame)
{
	struct message *m = &client->message;
	int code = message_decode(frame, m);
	if (code)
		return breach(client, code);
	if (m->type >= MESSAGE_UNKNOWN_FIRST)
		return 0;
	bool asking = client->state == JOIN_CLIENT_ASKING;
	if (m->type == MESSAGE_JOIN_REFUSED && asking)
		return on_refused(client, m);
	if (m->type == MESSAGE_JOINED && asking) {
		if (!hash_equal(&m->joined.network_id, &client->network_id))
			return fail(client, ERROR_CHARTER_UNKNOWN,
				"The inviting city answered for another network than the invitation's.");
		client->state = JOIN_CLIENT_TAKING;
		client->frame.len_max = LIMIT_FRAME_BYTES;
		return 0;
	}
	if (m->type == MESSAGE_OBJECT && client->state == JOIN_CLIENT_TAKING)
		return on_object(client, m);
	if (m->type == MESSAGE_JOIN_END && client->state == JOIN_CLIENT_TAKING)
		return on_join_end(client);
	return breach(client, ERROR_MESSAGE);
}

int join_client_receive(struct join_client *client, struct bytes bytes, struct node_time now)
{
	struct bytes frame;
	int code = 0;
	client->deadline = monotime_earlier(monotime_add_ms(now.mono, JOIN_PROGRESS_MS), client->last);
	while (client->state <= JOIN_CLIENT_TAKING &&
		join_frame_next(&client->frame, &bytes, &frame, &code)) {
		code = on_frame(client, frame);
	}
	if (code && client->state != JOIN_CLIENT_FAILED)
		breach(client, code);
	return code;
}

size_t join_client_produce(struct join_client *client, uint8_t *out, size_t cap)
{
	struct bytes part = bytes_slice(buffer_bytes(&client->out), 0, cap);
	if (part.len)
		memcpy(out, part.data, part.len);
	buffer_consume(&client->out, part.len);
	return part.len;
}

struct monotime join_client_deadline(const struct join_client *client)
{
	return client->state <= JOIN_CLIENT_TAKING ? client->deadline : MONOTIME_NEVER;
}

int join_client_on_deadline(struct join_client *client, struct node_time now)
{
	if (!monotime_reached(now.mono, join_client_deadline(client)))
		return 0;
	return fail(client, ERROR_TIMEOUT, "The inviting city's server did not answer in time.");
}

enum join_client_state join_client_state(const struct join_client *client)
{
	return client->state;
}

const struct complaint *join_client_complaint(const struct join_client *client)
{
	return &client->complaint;
}

bool join_client_refused(const struct join_client *client)
{
	return client->refused;
}

const struct bytes *join_client_objects(const struct join_client *client, size_t *count)
{
	bool complete = client->state == JOIN_CLIENT_COMPLETE;
	*count = complete ? client->count : 0;
	return complete ? client->objects : NULL;
}
