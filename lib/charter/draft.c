/* SPDX-License-Identifier: Apache-2.0 */
#include "charter/draft.h"

#include <stdlib.h>

#include "base/error.h"
#include "feed/feed.h"

int draft_first_record(const struct secret_key *city_secret, const struct secret_key *node_secret,
	const uint8_t sealing_key[static 32], const struct hash *anchor, uint64_t time_ms,
	struct buffer *envelope)
{
	struct epoch_record record = {
		.anchor = *anchor,
		.epoch = 1,
		.city_key = *secret_key_public(city_secret),
		.node_key = *secret_key_public(node_secret),
		.reason = EPOCH_REASON_FIRST,
		.time = time_ms,
	};
	memcpy(record.sealing_key, sealing_key, sizeof(record.sealing_key));
	int error = city_id_of(&record.city_key, &record.city_id);
	return error ? error : epoch_record_seal(envelope, &record, city_secret, node_secret);
}

static int newest_record(const struct roster *roster, const struct roster_member *member,
	struct epoch_record *out)
{
	struct bytes wire;
	struct hash record_hash;
	struct control_object object;
	int error = roster_record(roster, &member->city_id, member->epoch, &wire, &record_hash);
	if (!error)
		error = object_decode(wire, &object);
	return error ? error : epoch_record_decode(object.body, out);
}

int draft_renewal(const struct roster *roster, const struct hash *city_id,
	const struct secret_key *city_secret, const struct secret_key *node_secret,
	const uint8_t sealing_key[static 32], const struct epoch_cut cuts[static EPOCH_LANES],
	uint8_t reason, uint64_t time_ms, struct buffer *envelope)
{
	const struct roster_member *member = roster_member_by_city(roster, city_id);
	if (!member)
		return ERROR_NOT_MEMBER;
	if (!public_key_equal(secret_key_public(city_secret), &member->city_key))
		return ERROR_KEY;
	if (member->epoch >= EPOCH_MAX)
		return ERROR_LIMIT;
	struct epoch_record record;
	struct epoch_cut floor[EPOCH_LANES];
	int error = newest_record(roster, member, &record);
	if (!error)
		error = roster_renewal_floor(roster, city_id, floor);
	if (error)
		return error;
	record.anchor = *roster_network_id(roster);
	record.prev = member->record_hash;
	record.epoch = member->epoch + 1;
	record.node_key = *secret_key_public(node_secret);
	memcpy(record.sealing_key, sealing_key, sizeof(record.sealing_key));
	memcpy(record.cuts, cuts, sizeof(record.cuts));
	record.reason = reason;
	record.time = time_ms;
	error = epoch_record_follows(&record, city_id, member->epoch, &member->record_hash, floor);
	return error ? error : epoch_record_seal(envelope, &record, city_secret, node_secret);
}

/* Founders' records first, then the body that carries them. */
static int write_genesis(const struct genesis *genesis, const struct draft_network *network,
	struct genesis_member *members, struct buffer *records, struct buffer *body)
{
	struct hash core_hash;
	int error = genesis_core_hash(genesis, &core_hash);
	size_t *ends = malloc((network->founder_count + 1) * sizeof(*ends));
	if (!ends)
		return ERROR_MEMORY;
	for (size_t i = 0; i < network->founder_count && !error; i++) {
		const struct draft_founder *founder = &network->founders[i];
		error = draft_first_record(founder->city_secret, founder->node_secret,
			founder->sealing_key, &core_hash, network->time_ms, records);
		ends[i] = records->len;
	}
	for (size_t i = 0; i < network->founder_count && !error; i++) {
		const struct draft_founder *founder = &network->founders[i];
		size_t start = i ? ends[i - 1] : 0;
		members[i] = (struct genesis_member){
			founder->slug, founder->name, founder->country,
			bytes_slice(buffer_bytes(records), start, ends[i] - start),
		};
	}
	if (!error)
		error = genesis_encode(body, genesis, members, network->founder_count);
	free(ends);
	return error;
}

int draft_genesis(const struct draft_network *network, struct buffer *body)
{
	if (network->founder_count > GENESIS_MEMBERS_MAX)
		return ERROR_SIZE;
	struct genesis genesis = {
		.name = network->name, .slug = network->slug, .officers = network->officers,
		.time = network->time_ms, .continues = network->continues != NULL,
	};
	memcpy(genesis.nonce, network->nonce, sizeof(genesis.nonce));
	if (network->continues)
		genesis.continued = *network->continues;
	struct genesis_member *members = calloc(network->founder_count + 1, sizeof(*members));
	if (!members)
		return ERROR_MEMORY;
	struct buffer records;
	buffer_init(&records, OBJECT_BYTES_MAX);
	size_t before = body->len;
	int error = write_genesis(&genesis, network, members, &records, body);
	if (!error) /* the same judgement that every other node will make */
		error = genesis_decode(bytes_slice(buffer_bytes(body), before, body->len), &genesis);
	if (error)
		buffer_truncate(body, before);
	buffer_deinit(&records);
	free(members);
	return error;
}

int draft_amendment(const struct roster *roster, const struct amendment_item *items, size_t count,
	uint64_t time_ms, struct buffer *body)
{
	if (!roster_has_genesis(roster))
		return ERROR_STATE;
	if (count > AMENDMENT_ITEMS_MAX)
		return ERROR_SIZE;
	struct amendment amendment = {
		.network_id = *roster_network_id(roster),
		.number = roster_number(roster) + 1,
		.prev = *roster_hash(roster),
		.time = time_ms,
	};
	size_t before = body->len;
	int error = amendment_encode(body, &amendment, items, count);
	if (!error)
		error = amendment_decode(bytes_slice(buffer_bytes(body), before, body->len),
			&amendment);
	if (error)
		buffer_truncate(body, before);
	return error;
}

int draft_message(uint8_t type, struct bytes body, struct amendment_message *out)
{
	struct hash hash;
	int error = amendment_hash_of(body, &hash);
	if (error)
		return error;
	if (type == OBJECT_GENESIS) {
		static const struct hash no_prev;
		struct hash network_id;
		error = genesis_network_id(body, &network_id);
		if (!error)
			amendment_signed_message(&network_id, 0, &no_prev, &hash, out);
		return error;
	}
	struct amendment amendment;
	error = amendment_decode(body, &amendment);
	if (!error)
		amendment_signed_message(&amendment.network_id, amendment.number, &amendment.prev,
			&hash, out);
	return error;
}

int draft_sign(uint8_t type, struct bytes body, const struct secret_key *key,
	struct object_signature *out)
{
	struct amendment_message message;
	int error = draft_message(type, body, &message);
	return error ? error
		: object_sign(key, bytes_of(message.bytes, sizeof(message.bytes)), out);
}

int draft_seal(uint8_t type, struct bytes body, const struct object_signature *signatures,
	size_t count, struct buffer *envelope)
{
	return object_encode(envelope, type, body, signatures, count);
}

int draft_seal_by(
	uint8_t type, struct bytes body, const struct secret_key *key, struct buffer *envelope)
{
	struct object_signature signature;
	int error = draft_sign(type, body, key, &signature);
	return error ? error : draft_seal(type, body, &signature, 1, envelope);
}

int draft_delegation(const struct delegation *delegation, const struct secret_key *officer,
	struct buffer *out)
{
	struct hash body_hash;
	uint8_t message[DELEGATION_MESSAGE_BYTES];
	struct object_signature signature;
	int error = delegation_body_hash(delegation, &body_hash);
	if (error)
		return error;
	delegation_message(&body_hash, message);
	error = object_sign(officer, bytes_of(message, sizeof(message)), &signature);
	return error ? error : delegation_encode(out, delegation, &signature, 1);
}

/* Whether those who signed are k of the officers, old and, where they change, new. */
static bool enough(const struct officers *officers, const struct object_signature *signatures,
	size_t count)
{
	size_t signers = 0;
	for (size_t i = 0; i < count; i++)
		signers += officers_find(officers, &signatures[i].key) != NULL;
	return signers >= officers->k;
}

static bool complete(const struct roster *roster, const struct amendment *amendment,
	const struct object_signature *signatures, size_t count)
{
	struct wire_reader reader;
	struct amendment_item item;
	if (!enough(roster_officers(roster), signatures, count))
		return false;
	wire_reader_init(&reader, amendment->items);
	while (amendment_item_next(&reader, &item)) {
		if (item.kind == AMENDMENT_OFFICERS && !enough(&item.officers, signatures, count))
			return false;
	}
	return true;
}

int draft_from_approvals(const struct roster *roster, const struct hash *amendment_hash,
	struct buffer *envelope)
{
	struct object_signature signatures[OBJECT_SIGNATURES_MAX];
	struct approval approval, found;
	struct bytes wire;
	size_t count = 0;
	for (size_t i = 0; roster_approval_at(roster, i, &approval, &wire) == 0; i++) {
		struct control_object object;
		if (!hash_equal(&approval.amendment_hash, amendment_hash)
			|| count == OBJECT_SIGNATURES_MAX || object_decode(wire, &object))
			continue;
		object_signature_at(&object, 0, &signatures[count++]);
		found = approval;
	}
	if (count == 0 || !complete(roster, &found.proposed, signatures, count))
		return ERROR_CHARTER_SIGNERS;
	return object_encode(envelope, OBJECT_AMENDMENT, found.amendment, signatures, count);
}
