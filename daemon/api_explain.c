/* SPDX-License-Identifier: Apache-2.0 */
/** Where a record came from and who vouches for it; and a proof of it to be checked offline. */
#include "daemon/api_internal.h"

#include <stdlib.h>
#include <string.h>

#include "charter/roster.h"
#include "daemon/api_entry.h"
#include "feed/head.h"
#include "feed/run.h"

/** Entries between a record and what vouches for it: a checkpoint comes before. */
#define PAIRS_MAX (CHECKPOINT_ENTRIES + 1u)

struct explain {
	struct api_entry entry;
	bool proof;
	json_t *pairs;
	struct hash last;   /* entry_hash that the pairs end in */
	struct hasher hasher;
	uint64_t next_seq;
	unsigned count;
};

static void explain_free(void *state)
{
	struct explain *x = state;
	api_entry_deinit(&x->entry);
	hasher_deinit(&x->hasher);
	json_decref(x->pairs);
	free(x);
}

static int on_pair(void *ctx, const struct store_entry *from)
{
	struct explain *x = ctx;
	struct cursor cursor = cursor_init(from->wire);
	struct entry_view view;
	struct hash hash;
	if (from->seq > x->entry.head_seq || ++x->count > PAIRS_MAX)
		return 1;
	int code = entry_parse(&cursor, &view);
	if (!code)
		code = entry_hash_of(&x->hasher, &x->entry.feed.feed_id, from->seq, &x->last, &view,
			&hash);
	if (code)
		return code;
	x->last = hash;
	json_array_append_new(x->pairs, json_pack("[o, o]", api_json_hash(&view.header_hash),
		api_json_hash(&view.body_hash)));
	return 0;
}

static int pairs_read(struct explain *x)
{
	struct api_entry *entry = &x->entry;
	uint64_t next = entry->seq + 1;
	int code = 0;
	x->last = entry->hash;
	while (!code && next && next <= entry->head_seq)
		code = store_scan(entry->store, &entry->feed.feed_id, next, false, PAIRS_MAX,
			STORE_READ_BYTES_MAX, on_pair, x, &next);
	return code > 0 ? 0 : code;
}

static void explain_run(void *state)
{
	struct explain *x = state;
	if (api_entry_read(&x->entry) != 0 || !x->proof)
		return;
	x->pairs = json_array();
	int code = x->pairs ? hasher_init(&x->hasher) : ERROR_MEMORY;
	if (!code && x->entry.state == API_ENTRY_VALID)
		code = pairs_read(x);
	x->entry.code = code;
}

static bool found(struct http_request *request, const struct explain *x)
{
	struct complaint complaint = {.field = "", .reason = ""};
	if (!x->entry.code)
		return true;
	if (x->entry.code == ERROR_NOT_FOUND)
		complain(&complaint, ERROR_NOT_FOUND, "seq", "There is no such record here.");
	http_respond_error(request, x->entry.code, &complaint);
	return false;
}

static json_t *origin_json(const struct api_entry *entry, const struct roster *roster)
{
	char fingerprint[TEXT_FINGERPRINT_SIZE];
	const struct roster_member *m = roster_member_by_city(roster, &entry->feed.city_id);
	if (!m)
		return json_null();
	return json_pack("{s:s, s:o, s:o, s:s, s:b, s:s}", "city", entry->feed.city,
		"name", api_json_text(m->name), "city_id", api_json_hash(&m->city_id),
		"standing", member_status_name(m->status), "confirmed", (int)m->confirmed,
		"fingerprint", text_fingerprint(fingerprint, m->city_key.bytes));
}

/** The signature, and that the key is the one that the charter names for the epoch. */
static bool head_good(const struct head *head, const struct api_entry *entry,
	const struct roster *roster)
{
	struct roster_epoch epoch;
	return roster_epoch(roster, &entry->feed.city_id, head->epoch, &epoch) == 0 &&
		public_key_equal(&epoch.node_key, &head->node_key) && head_verify(head) == 0;
}

static json_t *head_json(const struct api_entry *entry, const struct roster *roster)
{
	struct head head;
	if (!entry->has_head ||
		head_decode(bytes_of(entry->head, sizeof(entry->head)), &head) != 0)
		return json_null();
	return json_pack("{s:o, s:o, s:i, s:o, s:o, s:b, s:b}", "seq", api_json_uint(head.seq),
		"hash", api_json_hash(&head.entry_hash), "epoch", (int)head.epoch,
		"node_key", api_json_hex(public_key_bytes(&head.node_key)),
		"time", api_json_time(head.time),
		"checkpoint", (int)(head.flags & HEAD_FLAG_CHECKPOINT),
		"signature_valid", (int)head_good(&head, entry, roster));
}

/**
 * Where the record's epoch was ended between two heads the charter vouches for what lies before:
 * what stands in a head's place then. ERROR_CUT.
 */
static int cut_of(const struct api_entry *entry, const struct roster *roster, struct head *out)
{
	struct roster_epoch epoch;
	if (entry->has_head || entry->state != API_ENTRY_VALID ||
		roster_epoch(roster, &entry->feed.city_id, entry->epoch, &epoch) != 0)
		return ERROR_CUT;
	const struct epoch_cut *start = &epoch.start[entry->feed.lane - 1];
	const struct epoch_cut *end = &epoch.end[entry->feed.lane - 1];
	const struct run_rules rules = {.epoch = entry->epoch, .node_key = epoch.node_key,
		.start_seq = start->seq, .has_end = epoch.has_end, .end_seq = end->seq,
		.end_hash = end->hash};
	int code = run_cut_head(&rules, &entry->feed.feed_id, out);
	return code || out->seq != entry->head_seq ? ERROR_CUT : 0;
}

static json_t *cut_json(const struct api_entry *entry, const struct roster *roster)
{
	struct head cut;
	if (cut_of(entry, roster, &cut) != 0)
		return json_null();
	return json_pack("{s:o, s:o, s:i}", "seq", api_json_uint(cut.seq), "hash",
		api_json_hash(&cut.entry_hash), "epoch", (int)cut.epoch);
}

struct holder_walk {
	const struct app *app;
	const struct api_entry *entry;
	json_t *names; /* a set, as keys */
};

static void holder_add(struct holder_walk *walk, const struct hash *city_id)
{
	char slug[TEXT_SLUG_MAX + 1];
	if (api_city_slug(walk->app, city_id, slug)[0])
		json_object_set_new(walk->names, slug, json_true());
}

static void on_peer(void *ctx, const struct node_peer *peer)
{
	struct holder_walk *walk = ctx;
	const struct roster *roster = node_roster(walk->app->node, &walk->entry->feed.network_id);
	const struct roster_member *member =
		roster ? roster_member_by_city(roster, &peer->city_id) : NULL;
	/* Until it is confirmed it has nothing from before its admission, whatever it says. */
	if (!member || (!member->confirmed &&
			walk->entry->header.time_ms < member->admitted_time))
		return;
	if (peer->acked_arrival >= walk->entry->arrival)
		holder_add(walk, &peer->city_id);
}

static json_t *holders_json(const struct app *app, const struct api_entry *entry)
{
	struct holder_walk walk = {.app = app, .entry = entry, .names = json_object()};
	json_t *array = json_array();
	const char *name;
	json_t *value;
	holder_add(&walk, &app->identity.city_id);
	holder_add(&walk, &entry->feed.city_id);
	if (!hash_is_zero(&entry->source_city))
		holder_add(&walk, &entry->source_city);
	if (entry->arrival)
		node_each_peer(app->node, on_peer, &walk);
	json_object_foreach(walk.names, name, value)
		json_array_append_new(array, json_string(name));
	json_decref(walk.names);
	return array;
}

static void explain_done(struct http_request *request, void *state)
{
	const struct app *app = api_app(request);
	const struct explain *x = state;
	const struct api_entry *entry = &x->entry;
	char id[API_RECORD_ID_MAX], source[TEXT_SLUG_MAX + 1];
	if (!found(request, x))
		return;
	const struct roster *roster = node_roster(app->node, &entry->feed.network_id);
	const struct hash *from = hash_is_zero(&entry->source_city) ? &app->identity.city_id
		: &entry->source_city;
	json_t *json = json_object();
	json_object_set_new(json, "id", json_string(api_entry_id(entry, id)));
	json_object_set_new(json, "hash", api_json_hash(&entry->hash));
	json_object_set_new(json, "prev", api_json_hash(&entry->prev));
	json_object_set_new(json, "state", json_string(api_entry_state_name(entry)));
	json_object_set_new(json, "origin", roster ? origin_json(entry, roster) : json_null());
	json_object_set_new(json, "head", roster ? head_json(entry, roster) : json_null());
	json_object_set_new(json, "cut", roster ? cut_json(entry, roster) : json_null());
	json_object_set_new(json, "epoch", api_json_uint(entry->epoch));
	json_object_set_new(json, "arrival", api_json_uint(entry->arrival));
	json_object_set_new(json, "received", api_json_time(entry->arrived));
	json_object_set_new(json, "source", json_string(api_city_slug(app, from, source)));
	json_object_set_new(json, "holders", holders_json(app, entry));
	http_respond_json(request, 200, json);
}

static json_t *amendments_json(const struct roster *roster)
{
	json_t *array = json_array();
	struct bytes wire;
	struct hash hash;
	for (uint64_t n = 1; n <= roster_number(roster); n++) {
		if (roster_amendment(roster, n, &wire, &hash) == 0)
			json_array_append_new(array, api_json_base64(wire));
	}
	return array;
}

static json_t *records_json(const struct roster *roster, const struct hash *city_id)
{
	const struct roster_member *member = roster_member_by_city(roster, city_id);
	json_t *array = json_array();
	struct bytes wire;
	struct hash hash;
	for (uint32_t epoch = 1; member && epoch <= member->epoch; epoch++) {
		if (roster_record(roster, city_id, epoch, &wire, &hash) == 0)
			json_array_append_new(array, api_json_base64(wire));
	}
	return array;
}

/** The head that vouches for the record, or the charter's cut, if the pairs lead there. */
static bool proof_head(const struct explain *x, const struct roster *roster, struct head *out)
{
	const struct api_entry *entry = &x->entry;
	bool held = entry->has_head
		? head_decode(bytes_of(entry->head, sizeof(entry->head)), out) == 0
		: roster && cut_of(entry, roster, out) == 0;
	return held && (entry->state == API_ENTRY_GAP || hash_equal(&x->last, &out->entry_hash));
}

static void proof_done(struct http_request *request, void *state)
{
	struct explain *x = state;
	const struct api_entry *entry = &x->entry;
	const struct app *app = api_app(request);
	struct bytes genesis;
	struct hash hash;
	struct head head;
	char id[API_RECORD_ID_MAX];
	if (!found(request, x))
		return;
	const struct roster *roster = node_roster(app->node, &entry->feed.network_id);
	if (!roster || !proof_head(x, roster, &head) ||
		roster_amendment(roster, 0, &genesis, &hash) != 0) {
		http_respond_refusal(request, 409, "state", "",
			"No signed head that vouches for this record is held here.");
		return;
	}
	json_t *json = json_object();
	json_object_set_new(json, "hansa_proof", json_integer(1));
	json_object_set_new(json, "id", json_string(api_entry_id(entry, id)));
	json_object_set_new(json, "network_id", api_json_hash(&entry->feed.network_id));
	json_object_set_new(json, "city_id", api_json_hash(&entry->feed.city_id));
	json_object_set_new(json, "lane", json_string(lane_name(entry->feed.lane)));
	json_object_set_new(json, "seq", api_json_uint(entry->seq));
	json_object_set_new(json, "hash", api_json_hash(&entry->hash));
	json_object_set_new(json, "genesis", api_json_base64(genesis));
	json_object_set_new(json, "amendments", amendments_json(roster));
	json_object_set_new(json, "epoch_records", records_json(roster, &entry->feed.city_id));
	json_object_set_new(json, "prev", api_json_hash(&entry->prev));
	json_object_set_new(json, "entry", api_json_base64(buffer_bytes(&entry->wire)));
	json_object_set_new(json, "pairs", json_incref(x->pairs));
	uint8_t wire[HEAD_BYTES];
	head_encode(&head, wire);
	json_object_set_new(json, "head", api_json_base64(bytes_of(wire, sizeof(wire))));
	http_respond_json(request, 200, json);
}

static void explain_start(struct http_request *request, bool proof)
{
	struct explain *x = calloc(1, sizeof(*x));
	if (!x) {
		http_respond_error(request, ERROR_MEMORY, NULL);
		return;
	}
	http_request_set_state(request, x, explain_free);
	x->proof = proof;
	if (api_entry_of_request(request, &x->entry) == 0)
		http_request_work(request, explain_run, proof ? proof_done : explain_done);
}

void api_record_explain(struct http_request *request)
{
	explain_start(request, false);
}

void api_record_proof(struct http_request *request)
{
	explain_start(request, true);
}
