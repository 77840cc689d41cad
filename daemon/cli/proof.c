/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/cli/proof.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "charter/roster.h"
#include "daemon/cli/cli.h"
#include "daemon/cli/record_id.h"
#include "feed/entry.h"
#include "feed/head.h"
#include "feed/run.h"
#include "record/body.h"
#include "record/kind.h"

/** No proof of this protocol needs more of either. */
#define OBJECTS_MAX 1000000u

/** One check after another; each continues from what the former ones showed. */
struct check {
	const json_t *json;
	struct complaint *complaint;
	struct roster *roster;
	struct hasher hasher;
	struct hash city_id, feed_id, prev;
	struct roster_epoch epoch;
	struct head head;
	struct entry_view entry;
	struct proof *out;
};

static int bytes_read(struct check *c, const json_t *value, const char *field, struct buffer *to)
{
	const char *text = json_string_value(value);
	size_t len = 0, size = text ? strlen(text) : 0;
	buffer_init(to, SIZE_MAX);
	uint8_t *room = text ? buffer_reserve(to, size + 1) : NULL;
	if (text && !room)
		return complain(c->complaint, ERROR_MEMORY, field, "There is not enough memory.");
	if (!text || size == 0 || text_base64_decode(room, size, bytes_from_text(text), &len)) {
		buffer_deinit(to);
		return complain(c->complaint, ERROR_SYNTAX, field, "It is missing or no base64.");
	}
	buffer_commit(to, len);
	return 0;
}

static int hash_read(struct check *c, const json_t *value, const char *field, struct hash *to)
{
	const char *text = json_string_value(value);
	if (text && text_hex_decode(to->bytes, HASH_SIZE, bytes_from_text(text)) == 0)
		return 0;
	return complain(c->complaint, ERROR_SYNTAX, field, "It is missing or no hash of 64 digits.");
}

/** Takes an object in; one that the charter carries already is held twice without harm. */
static int object_apply(struct check *c, const json_t *value, const char *field)
{
	struct buffer wire;
	int code = bytes_read(c, value, field, &wire);
	if (code)
		return code;
	code = roster_apply(c->roster, buffer_bytes(&wire), NULL);
	buffer_deinit(&wire);
	if (code == 0 || code == ERROR_EXISTS)
		return 0;
	return complain(c->complaint, code, field, "%s", error_text(code));
}

static int objects_apply(struct check *c, const char *name)
{
	const json_t *list = json_object_get(c->json, name);
	char field[64];
	if (!json_is_array(list) || json_array_size(list) > OBJECTS_MAX)
		return complain(c->complaint, ERROR_SYNTAX, name, "The list is missing.");
	for (size_t i = 0; i < json_array_size(list); i++) {
		snprintf(field, sizeof(field), "%s[%zu]", name, i);
		int code = object_apply(c, json_array_get(list, i), field);
		if (code)
			return code;
	}
	return 0;
}

static void copy_text(char *to, size_t size, struct bytes from)
{
	size_t len = text_utf8_cut(from, size - 1);
	memcpy(to, from.data ? (const char *)from.data : "", len);
	to[len] = '\0';
}

/** From the genesis to the city's epoch records: the network is what its id says. */
static int check_charter(struct check *c)
{
	struct hash claimed;
	struct proof *out = c->out;
	int code = hash_read(c, json_object_get(c->json, "network_id"), "network_id", &claimed);
	if (!code)
		code = object_apply(c, json_object_get(c->json, "genesis"), "genesis");
	if (!code && !roster_has_genesis(c->roster))
		code = complain(c->complaint, ERROR_SYNTAX, "genesis", "It is no genesis.");
	if (!code && !hash_equal(roster_network_id(c->roster), &claimed))
		code = complain(
			c->complaint, ERROR_SIGNATURE, "genesis", "It is the genesis of another network.");
	if (!code)
		code = objects_apply(c, "amendments");
	if (!code)
		code = objects_apply(c, "epoch_records");
	if (code)
		return code;
	out->network_id = claimed;
	copy_text(out->network_name, sizeof(out->network_name), roster_name(c->roster));
	copy_text(out->network_slug, sizeof(out->network_slug), roster_slug(c->roster));
	out->amendments = roster_number(c->roster);
	out->amendment_time = roster_time(c->roster);
	return 0;
}

static int check_city(struct check *c)
{
	struct proof *out = c->out;
	int code = hash_read(c, json_object_get(c->json, "city_id"), "city_id", &c->city_id);
	if (code)
		return code;
	const struct roster_member *member = roster_member_by_city(c->roster, &c->city_id);
	if (!member)
		return complain(c->complaint, ERROR_NOT_MEMBER, "city_id",
			"No such city was ever admitted by these amendments.");
	copy_text(out->city_name, sizeof(out->city_name), member->name);
	copy_text(out->city_slug, sizeof(out->city_slug), member->slug);
	text_fingerprint(out->fingerprint, member->city_key.bytes);
	out->standing = member_status_name(member->status);
	out->confirmed = member->confirmed;
	out->newest_epoch = member->epoch;
	return 0;
}

/** Nobody signed it: it must be what the charter says of that epoch's end, protocol.md section 4.
 */
static int check_cut_head(struct check *c)
{
	struct head expected;
	uint8_t given[HEAD_BYTES], due[HEAD_BYTES];
	const struct epoch_cut *end = &c->epoch.end[c->out->lane - 1];
	const struct run_rules rules = {.epoch = c->head.epoch,
		.node_key = c->epoch.node_key,
		.start_seq = c->epoch.start[c->out->lane - 1].seq,
		.has_end = c->epoch.has_end,
		.end_seq = end->seq,
		.end_hash = end->hash};
	head_encode(&c->head, given);
	int code = run_cut_head(&rules, &c->feed_id, &expected);
	if (!code) {
		head_encode(&expected, due);
		bool due_is_given = memcmp(given, due, HEAD_BYTES) == 0;
		code = due_is_given && c->out->lane != FEED_LANE_ALERT ? 0 : ERROR_CUT;
	}
	if (code)
		return complain(c->complaint, code, "head",
			"It has no signature, and the charter does not end epoch %u there.",
			(unsigned)c->head.epoch);
	c->out->by_cut = true;
	return 0;
}

static bool is_signed(const struct head *head)
{
	static const struct signature none;
	return memcmp(&head->signature, &none, sizeof(none)) != 0;
}

/** The head is signed by the key that the epoch record names. */
static int check_head(struct check *c)
{
	struct buffer bytes;
	struct proof *out = c->out;
	out->lane = lane_parse(bytes_from_text(cli_text(c->json, "lane")));
	if (!out->lane)
		return complain(
			c->complaint, ERROR_SYNTAX, "lane", "It is none of alert, call, doc, meta.");
	int code = feed_id_of(&out->network_id, &c->city_id, (uint8_t)out->lane, &c->feed_id);
	if (!code)
		code = bytes_read(c, json_object_get(c->json, "head"), "head", &bytes);
	if (code)
		return code;
	code = head_decode(buffer_bytes(&bytes), &c->head);
	buffer_deinit(&bytes);
	if (code)
		return complain(c->complaint, code, "head", "%s", error_text(code));
	if (!hash_equal(&c->head.feed_id, &c->feed_id))
		return complain(
			c->complaint, ERROR_HEAD, "head", "It is signed for another network, city or lane.");
	code = roster_epoch(c->roster, &c->city_id, c->head.epoch, &c->epoch);
	if (code)
		return complain(c->complaint, code, "head", "No epoch record in the proof names epoch %u.",
			(unsigned)c->head.epoch);
	if (c->epoch.is_void || !public_key_equal(&c->epoch.node_key, &c->head.node_key))
		return complain(c->complaint, ERROR_SIGNATURE, "head",
			"Its key is not the one that the city had in epoch %u.", (unsigned)c->head.epoch);
	if (!is_signed(&c->head)) {
		code = check_cut_head(c);
		if (code)
			return code;
	} else if ((code = head_verify(&c->head)) != 0) {
		return complain(c->complaint, code, "head", "%s", error_text(code));
	}
	out->epoch = c->head.epoch;
	out->head_seq = c->head.seq;
	out->head_time = (uint64_t)c->head.time.ms;
	return 0;
}

/** Within its epoch's cuts; the first entry of an epoch continues the former one's end. */
static int check_place(struct check *c)
{
	const struct epoch_cut *start = &c->epoch.start[c->out->lane - 1];
	const struct epoch_cut *end = &c->epoch.end[c->out->lane - 1];
	uint64_t seq = c->out->seq;
	if (seq <= start->seq)
		return complain(
			c->complaint, ERROR_CUT, "seq", "Epoch %u begins after it.", (unsigned)c->out->epoch);
	if (c->epoch.has_end && seq > end->seq)
		return complain(c->complaint, ERROR_CUT, "seq",
			"The record is DISOWNED: epoch %u ended with "
			"number %" PRIu64 ", it was signed beyond that.",
			(unsigned)c->out->epoch, end->seq);
	if (seq == start->seq + 1 && !hash_equal(&c->prev, &start->hash))
		return complain(
			c->complaint, ERROR_CHAIN, "prev", "It does not continue where the epoch begins.");
	return 0;
}

static int check_entry(struct check *c)
{
	struct proof *out = c->out;
	json_int_t seq = json_integer_value(json_object_get(c->json, "seq"));
	const json_t *prev = json_object_get(c->json, "prev");
	out->seq = seq > 0 ? (uint64_t)seq : 0;
	if (seq <= 0 || out->seq > c->head.seq)
		return complain(c->complaint, ERROR_RANGE, "seq", "It is no number up to the head's.");
	int code = prev && !json_is_null(prev) ? hash_read(c, prev, "prev", &c->prev) : 0;
	if (!code)
		code = check_place(c);
	if (!code)
		code = bytes_read(c, json_object_get(c->json, "entry"), "entry", &out->entry);
	if (code)
		return code;
	struct cursor cursor = cursor_init(buffer_bytes(&out->entry));
	code = entry_parse(&cursor, &c->entry);
	if (!code)
		code = cursor_end(&cursor);
	if (!code)
		code = entry_hash_of(&c->hasher, &c->feed_id, out->seq, &c->prev, &c->entry, &out->hash);
	if (code)
		return complain(c->complaint, code, "entry", "%s", error_text(code));
	return 0;
}

/** From the record's hash over those after it to the head: one signature vouches for all. */
static int check_chain(struct check *c)
{
	const json_t *pairs = json_object_get(c->json, "pairs");
	const struct epoch_cut *end = &c->epoch.end[c->out->lane - 1];
	struct hash at = c->out->hash, header, body;
	uint64_t seq = c->out->seq;
	if (!json_is_array(pairs) || c->head.seq - seq != json_array_size(pairs))
		return complain(c->complaint, ERROR_CHAIN, "pairs",
			"They are not as many as there are records up to the head.");
	for (size_t i = 0; i <= json_array_size(pairs); i++, seq++) {
		if (c->epoch.has_end && seq == end->seq && !hash_equal(&at, &end->hash))
			return complain(c->complaint, ERROR_CUT, "pairs",
				"They lead to another end than the one at which the epoch was cut.");
		if (i == json_array_size(pairs))
			break;
		const json_t *pair = json_array_get(pairs, i);
		int code = hash_read(c, json_array_get(pair, 0), "pairs", &header);
		if (!code)
			code = hash_read(c, json_array_get(pair, 1), "pairs", &body);
		if (!code)
			code = entry_hash_from(&c->hasher, &c->feed_id, seq + 1, &at, &header, &body, &at);
		if (code)
			return code;
	}
	if (!hash_equal(&at, &c->head.entry_hash))
		return complain(c->complaint, ERROR_CHAIN, "entry",
			"The record is not the one that the head was signed over: it was altered.");
	return 0;
}

/** What is claimed beside the bytes is what a reader sees first. */
static int check_claims(struct check *c)
{
	struct hash claimed;
	struct record_id id;
	const struct proof *out = c->out;
	char seq[24];
	if (json_object_get(c->json, "hash")) {
		int code = hash_read(c, json_object_get(c->json, "hash"), "hash", &claimed);
		if (code)
			return code;
		if (!hash_equal(&claimed, &out->hash))
			return complain(c->complaint, ERROR_CHAIN, "hash", "It is not the record's.");
	}
	snprintf(seq, sizeof(seq), "%" PRIu64, out->seq);
	if (!record_id_parse(cli_text(c->json, "id"), &id) || strcmp(id.city, out->city_slug) != 0 ||
		strcmp(id.lane, lane_name(out->lane)) != 0 || strcmp(id.seq, seq) != 0)
		return complain(c->complaint, ERROR_FIELD, "id", "It names another record.");
	return 0;
}

static int read_record(struct check *c)
{
	struct proof *out = c->out;
	const struct header *header = &out->header;
	int code = header_decode(c->entry.header, &out->header);
	if (code)
		return complain(c->complaint, code, "entry", "%s", error_text(code));
	out->purged = c->entry.form == ENTRY_FORM_PURGED;
	if (!out->purged && kind_known(header->kind) && !(header->flags & HEADER_FLAG_SEALED))
		out->body = body_decode(c->entry.body, NULL);
	return 0;
}

int proof_check(const json_t *proof, struct proof *out, struct complaint *complaint)
{
	uint8_t seed[MAP_SEED_SIZE];
	struct check c = {.json = proof, .complaint = complaint, .out = out};
	int (*const steps[])(struct check *) = {
		check_charter, check_city, check_head, check_entry, check_chain, check_claims, read_record};
	memset(out, 0, sizeof(*out));
	if (json_integer_value(json_object_get(proof, "hansa_proof")) != 1)
		return complain(complaint, ERROR_VERSION, "hansa_proof",
			"This is no proof of a record, or one of a later version of hansa.");
	int code = hasher_init(&c.hasher);
	if (!code)
		code = random_bytes(seed, sizeof(seed));
	if (!code)
		code = roster_new(NULL, seed, &c.roster);
	for (size_t i = 0; !code && i < sizeof(steps) / sizeof(steps[0]); i++)
		code = steps[i](&c);
	roster_free(c.roster);
	hasher_deinit(&c.hasher);
	if (code)
		proof_deinit(out);
	return code;
}

void proof_deinit(struct proof *proof)
{
	json_decref(proof->body);
	buffer_deinit(&proof->entry);
	memset(proof, 0, sizeof(*proof));
}
