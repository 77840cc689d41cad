/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "proto/import_private.h"

/* Control objects: judged by the roster, committed, pushed once to all, and what follows from them
 * (links cut, feeds cut) done at once. */

#define PENDING_MAX 64u

struct pending_object {
	struct list_node node;
	struct blob *wire;
};

struct object_ref *node_object_find(const struct network *network, const struct hash *object_hash)
{
	return map_get(&network->charter->objects, object_hash);
}

static void ref_drop(struct network *network, struct object_ref *ref)
{
	sync_skip_object(network, ref);
	charter_drop(network->charter, ref);
}

void node_charter_free(struct network *network)
{
	struct list_node *n;
	while ((n = list_pop_front(&network->pending))) {
		struct pending_object *p = list_entry(n, struct pending_object, node);
		blob_free(p->wire);
		free(p);
	}
}

static void push_object(
	struct network *network, const struct object_ref *ref, const struct link *source)
{
	struct buffer frame;
	buffer_init(&frame, 2 * (LIMIT_FRAME_BYTES + 4));
	message_write_object(&frame, &network->id, blob_bytes(ref->wire));
	struct blob *shared = frame.error ? NULL : blob_copy(buffer_bytes(&frame));
	buffer_deinit(&frame);
	if (!shared)
		return;
	list_for_each(&network->node->links, n)
	{
		struct link *link = list_entry(n, struct link, node_link);
		struct link_network *ln = link_network_find(link, &network->id);
		/* Where it finds no room the walk tells it once it is durable. */
		if (ln && (link == source || link_push(link, shared, 0)))
			sync_pushed(ln, ref);
	}
	blob_free(shared);
}

static void drop_replaced(
	struct network *network, const struct roster_change *change, struct commit *commit)
{
	for (size_t i = 0; i < change->dropped_count; i++) {
		struct object_ref *ref = node_object_find(network, &change->dropped[i]);
		if (!ref)
			continue;
		if (ref->type != OBJECT_ADDRESS_LIST) { /* the store replaces a list by itself */
			struct commit_op *op = commit_add(commit, COMMIT_OBJECT_DROP);
			if (op)
				op->hash = change->dropped[i];
		}
		sync_object_over(network, &change->dropped[i]);
		ref_drop(network, ref);
	}
}

static void log_effect(const struct network *network, const struct roster_effect *effect)
{
	static const char *const names[] = {
		[ROSTER_EFFECT_ADMITTED] = "admitted",
		[ROSTER_EFFECT_CONFIRMED] = "confirmed",
		[ROSTER_EFFECT_SUSPENDED] = "suspended",
		[ROSTER_EFFECT_RESUMED] = "resumed",
		[ROSTER_EFFECT_REMOVED] = "removed",
		[ROSTER_EFFECT_KEY] = "key",
		[ROSTER_EFFECT_CUT] = "cut",
		[ROSTER_EFFECT_FROZEN] = "frozen",
		[ROSTER_EFFECT_THAWED] = "thawed",
		[ROSTER_EFFECT_ADDRESSES] = "addresses",
		[ROSTER_EFFECT_FLOOR] = "floor",
	};
	const struct roster_member *m = roster_member_by_city(network->roster, &effect->city_id);
	struct log_line l;
	log_begin(
		&l, effect->kind == ROSTER_EFFECT_ADDRESSES ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, "roster");
	log_text(&l, "network", network->slug);
	if (m)
		log_text_bytes(&l, "city", m->slug);
	log_text(&l, "effect", names[effect->kind]);
	log_uint(&l, "epoch", effect->epoch);
	log_end(&l);
}

/* Whether any effect touches a pin or a feed, and the feeds' part of it. */
static bool apply_effects(struct node *node, struct network *network)
{
	bool pins = false;
	struct hash forked = node->change.city_id;
	if (node->change.kind == ROSTER_CHANGE_FORK_PROOF && node->change.effect_count == 0)
		node_feed_apply_cuts(node, network, &forked); /* of a former epoch: which cut was meant? */
	/* The roster's change is the node's scratch: cuts commit, which does not touch it. */
	for (size_t i = 0; i < node->change.effect_count; i++) {
		struct roster_effect effect = node->change.effects[i];
		log_effect(network, &effect);
		switch (effect.kind) {
		case ROSTER_EFFECT_ADMITTED:
		case ROSTER_EFFECT_RESUMED:
			node_feeds_make_member(node, network, &effect.city_id);
			sync_admitted(network);
			pins = true;
			break;
		case ROSTER_EFFECT_CONFIRMED:
			sync_confirmed(network, &effect.city_id);
			if (hash_equal(&effect.city_id, &node->city_id)) {
				network->confirmed_at = node->now.mono;
				node_fill_want(network);
			}
			break;
		case ROSTER_EFFECT_KEY:
		case ROSTER_EFFECT_CUT:
		case ROSTER_EFFECT_FROZEN:
		case ROSTER_EFFECT_THAWED:
			node_feed_apply_cuts(node, network, &effect.city_id);
			pins = true;
			break;
		case ROSTER_EFFECT_SUSPENDED:
		case ROSTER_EFFECT_REMOVED:
			pins = true;
			break;
		default:
			break;
		}
	}
	return pins;
}

void node_roster_changed(struct node *node, struct network *network)
{
	(void)network;
	list_for_each_safe(&node->links, n) link_judge(list_entry(n, struct link, node_link));
	node->want_due = node->publish_due = true;
}

/* The pins may have changed: what that means for the links. */
static void judge_due(struct network *network)
{
	if (!network->judge_due)
		return;
	network->judge_due = false;
	node_roster_changed(network->node, network);
}

static uint64_t commit_number(const struct roster_change *change)
{
	return change->kind == ROSTER_CHANGE_EPOCH_RECORD ? 0 : change->number;
}

/* Adds what roster_apply said to a commit. */
static struct commit_op *object_op(
	struct network *network, struct commit *commit, uint8_t type, struct blob *wire)
{
	const struct roster_change *change = &network->node->change;
	struct commit_op *op = commit_add(commit, COMMIT_OBJECT);
	if (!op)
		return NULL;
	op->network_id = network->id;
	op->city_id = change->city_id;
	op->epoch = change->epoch;
	op->seq = commit_number(change);
	op->hash = change->object_hash;
	op->object_type = type;
	op->blob = blob_ref(wire);
	op->arrived = network->node->now.wall;
	commit->bytes += wire->len;
	return op;
}

static int object_type(struct bytes wire, uint8_t *type)
{
	struct control_object object;
	int code = object_decode(wire, &object);
	if (code == 0)
		*type = object.type;
	return code;
}

/* Judges one object and, if it is new, puts it into the commit (made if NULL). */
static int object_take(struct node *node, struct network *network, struct bytes bytes,
	struct link *source, struct commit **commit)
{
	struct control_object object;
	int code = object_decode(bytes, &object);
	if (code)
		return code;
	uint8_t type = object.type;
	if (network->charter->holders > 1)
		code = node_object_find(network, &object.object_hash) ? ERROR_EXISTS : charter_own(network);
	if (code)
		return code;
	code = roster_apply(network->roster, bytes, &node->change);
	bool rival = code == ERROR_CHARTER_RIVAL;
	if ((code && !rival) || !node->change.stored)
		return code;
	struct blob *wire = blob_copy(bytes);
	if (!*commit)
		*commit = commit_new(COMMIT_URGENT);
	require(wire && *commit); /* the roster has moved: without memory there is no way back */
	struct object_ref *ref = charter_add(network->charter, &node->change, type, wire, rival);
	require(ref);
	struct commit_op *op = object_op(network, *commit, type, wire);
	require(op);
	if (source) {
		op->source_city = source->city_id;
		overlay_news(source, network);
	}
	drop_replaced(network, &node->change, *commit);
	if (!network->slug[0] && roster_has_genesis(network->roster))
		node_network_name(network); /* before the first log line about it */
	if (source || !(*commit)->push_after)
		push_object(network, ref, source);
	blob_free(wire);
	if (apply_effects(node, network))
		network->judge_due = true;
	if (rival)
		rival_log(network);
	return code;
}

static bool waits_for_other(int code)
{
	return code == ERROR_CHARTER_PREDECESSOR || code == ERROR_EPOCH_UNKNOWN ||
		code == ERROR_NOT_MEMBER || code == ERROR_CUT;
}

static void pending_free(struct network *network, struct pending_object *p)
{
	list_remove(&p->node);
	network->pending_count--;
	blob_free(p->wire);
	free(p);
}

/* The oldest gives way: its sender names it again at the next HELLO, since no cursor passes it. */
static void pend(struct network *network, struct bytes wire)
{
	list_for_each(&network->pending, n)
	{
		if (bytes_equal(blob_bytes(list_entry(n, struct pending_object, node)->wire), wire))
			return;
	}
	struct pending_object *p = calloc(1, sizeof *p);
	if (!p)
		return;
	p->wire = blob_copy(wire);
	if (!p->wire) {
		free(p);
		return;
	}
	if (network->pending_count == PENDING_MAX)
		pending_free(
			network, list_entry(list_first(&network->pending), struct pending_object, node));
	list_push_back(&network->pending, &p->node);
	network->pending_count++;
}

/* What an object's arrival means for the cursors: held back until it is durable, or no longer. */
static void await(struct network *network, struct link *link, struct bytes wire, int code)
{
	struct control_object object;
	if (object_decode(wire, &object))
		return;
	const struct object_ref *ref = node_object_find(network, &object.object_hash);
	struct link_network *ln = link ? link_network_find(link, &network->id) : NULL;
	if ((ref && !ref->arrival) || (!ref && waits_for_other(code))) {
		if (ln)
			sync_object_awaited(ln, &object.object_hash);
	} else {
		sync_object_over(network, &object.object_hash);
	}
}

/* After something was applied, what waited for it may fit. */
static void retry_pending(struct node *node, struct network *network, struct commit **commit)
{
	bool again = true;
	while (again) {
		again = false;
		list_for_each_safe(&network->pending, n)
		{
			struct pending_object *p = list_entry(n, struct pending_object, node);
			int code = object_take(node, network, blob_bytes(p->wire), NULL, commit);
			if (waits_for_other(code))
				continue;
			again |= code == 0;
			await(network, NULL, blob_bytes(p->wire), code);
			pending_free(network, p);
		}
	}
}

static const char *object_rule(int code)
{
	return code == ERROR_SIGNATURE || code == ERROR_CHARTER_SIGNERS || code == ERROR_KEY
		? "signature"
		: "object";
}

int node_object_receive(
	struct node *node, struct link *link, struct network *network, struct bytes wire)
{
	struct commit *commit = NULL;
	if (link && rate_puts_off(link, network, wire))
		return 0;
	int code = object_take(node, network, wire, link, &commit);
	code = rival_answer(link, network, wire, code);
	await(network, link, wire, code);
	if (waits_for_other(code) && link) /* strangers fill no queue */
		pend(network, wire);
	else if (code == 0)
		retry_pending(node, network, &commit);
	if (commit) {
		import_await(link, commit);
		node_commit(node, commit);
	}
	judge_due(network);
	if (code == 0 || waits_for_other(code) || code == ERROR_EXISTS || code == ERROR_CHARTER_RIVAL ||
		code == ERROR_LIMIT || code == ERROR_VERSION)
		return 0;
	if (code == ERROR_MEMORY || code == ERROR_CRYPTO)
		return code;
	return link ? link_breach(link, code, object_rule(code)) : 0;
}

int node_object_bootstrap(
	struct node *node, struct link *link, const struct hash *network_id, struct bytes wire)
{
	uint8_t type;
	struct charter *charter;
	int code = object_type(wire, &type);
	if (code || type != OBJECT_GENESIS)
		return code ? link_breach(link, code, "object") : 0;
	code = charter_new(network_id, node->map_seed, &charter);
	if (code)
		return code;
	struct roster_change *change = &node->change;
	struct roster *probe;
	if (roster_new(network_id, node->map_seed, &probe) == 0) {
		code = roster_apply(probe, wire, change);
		roster_free(probe);
	}
	if (code) {
		charter_release(charter);
		return link_breach(link, code, "object");
	}
	struct network *network = node_network_add(node, network_id, charter);
	if (!network)
		return ERROR_MEMORY;
	struct commit *commit = commit_new(COMMIT_URGENT);
	code = commit ? object_take(node, network, wire, link, &commit) : ERROR_MEMORY;
	require(code == 0);
	node_network_op(network, commit);
	node_commit(node, commit);
	log_event(LOG_LEVEL_WARN, "charter_taken_back", "network", network->slug);
	/* A charter without amendments brings no other occasion: the link says HELLO for the network
	 * now. */
	judge_due(network);
	return 0;
}

/* ---- own objects ---- */

struct submission {
	int code; /* ERROR_CHARTER_RIVAL: kept, to be shown */
	node_object_fn *done;
	void *ctx;
	struct network *network;
	struct hash object_hash;
};

static void submitted(void *ctx, struct commit *commit)
{
	struct submission *s = ctx;
	uint64_t arrival = 0;
	for (uint32_t i = 0; i < commit->count; i++) {
		const struct commit_op *op = &commit->ops[i];
		if (op->type != COMMIT_OBJECT)
			continue;
		const struct object_ref *ref = node_object_find(s->network, &op->hash);
		if (commit->code == 0 && ref)
			push_object(s->network, ref, NULL);
		if (hash_equal(&op->hash, &s->object_hash))
			arrival = op->arrival.arrival;
	}
	/* Only now: a city that it suspends is pushed it as the last on its link. */
	judge_due(s->network);
	if (s->done)
		s->done(s->ctx, commit->code ? commit->code : s->code, &s->object_hash, arrival);
	free(s);
}

static int submit(struct node *node, struct network *network, const struct bytes *wires,
	size_t count, node_object_fn *done, void *ctx, bool adopt)
{
	struct submission *s = calloc(1, sizeof *s);
	struct commit *commit = s ? commit_new(COMMIT_URGENT) : NULL;
	if (!commit) {
		free(s);
		return ERROR_MEMORY;
	}
	commit->push_after = true;
	*s = (struct submission){.done = done, .ctx = ctx, .network = network};
	int code = 0;
	for (size_t i = 0; i < count; i++) {
		code = object_take(node, network, wires[i], NULL, &commit);
		if ((code == ERROR_EXISTS || code == ERROR_CHARTER_RIVAL) && count > 1)
			code = 0; /* a rival is kept to be shown */
		if (code)
			break;
		s->object_hash = node->change.object_hash;
	}
	if (adopt)
		node_network_op(network, commit);
	if (commit->count == 0) {
		commit_free(commit);
		free(s);
		return code ? code : ERROR_EXISTS;
	}
	s->code = code;
	commit->done = submitted;
	commit->ctx = s;
	node_commit(node, commit);
	if (adopt)
		judge_due(network);
	return 0;
}

int node_object_submit(struct node *node, const struct hash *network_id, struct bytes wire,
	node_object_fn *done, void *ctx, struct node_time now)
{
	node->now = now;
	struct network *network = node_network_find(node, network_id);
	int code = network ? rival_judge(network, wire) : ERROR_CHARTER_UNKNOWN;
	return code ? code : submit(node, network, &wire, 1, done, ctx, false);
}

int node_network_adopt(struct node *node, const struct bytes *objects, size_t count,
	node_object_fn *done, void *ctx, struct complaint *complaint, struct node_time now)
{
	node->now = now;
	struct roster *probe;
	struct charter *charter;
	int code = roster_new(NULL, node->map_seed, &probe);
	if (code)
		return code;
	/* First all of them in a roster that is thrown away: nothing is written of a charter that does
	 * not hold. */
	for (size_t i = 0; i < count && code == 0; i++) {
		code = roster_apply(probe, objects[i], &node->change);
		if (code == ERROR_EXISTS || code == ERROR_CHARTER_RIVAL)
			code = 0;
	}
	struct hash id = {{0}};
	if (code == 0 && roster_has_genesis(probe))
		id = *roster_network_id(probe);
	else if (code == 0)
		code = ERROR_CHARTER_PREDECESSOR;
	roster_free(probe);
	if (code)
		return complain(
			complaint, code, "charter", "the charter does not verify: %s", error_text(code));
	struct network *network = node_network_find(node, &id);
	if (network)
		return complain(complaint, ERROR_EXISTS, "network",
			"this city is in the network %s already", network->slug);
	code = charter_new(&id, node->map_seed, &charter);
	network = code ? NULL : node_network_add(node, &id, charter);
	if (!network)
		return ERROR_MEMORY;
	code = submit(node, network, objects, count, done, ctx, true);
	node_publish_addresses(node);
	node_flush(node);
	return code;
}

int node_network_create(struct node *node, struct bytes genesis_wire, node_object_fn *done,
	void *ctx, struct node_time now)
{
	return node_network_adopt(node, &genesis_wire, 1, done, ctx, NULL, now);
}

/* ---- durable ---- */

void node_object_committed(
	struct node *node, const struct commit *commit, const struct commit_op *op)
{
	struct network *network = node_network_find(node, &op->network_id);
	struct object_ref *ref = network ? node_object_find(network, &op->hash) : NULL;
	if (!ref || ref->arrival)
		return;
	if (commit->code) {
		/* Control objects have the reserve: a disk without room even for them ends in a restart
		 * from the store. */
		log_event(LOG_LEVEL_ERROR, "object_not_stored", "reason", error_text(commit->code));
		return;
	}
	if (op->arrival.arrival == 0)
		return;
	charter_durable(network->charter, ref, op->arrival.arrival);
	sync_object_appended(network, ref);
	sync_object_over(network, &op->hash);
	if (op->object_type == OBJECT_AMENDMENT)
		beacons_changed(network, false);
	struct node_event event = {.type = NODE_EVENT_OBJECT,
		.network_id = op->network_id,
		.city_id = op->city_id,
		.object_type = op->object_type,
		.hash = op->hash,
		.first = op->seq,
		.arrival = op->arrival.arrival,
		.time = op->arrived,
		.confirmed = true};
	node_emit(node, &event);
}

int node_object_load(struct node *node, struct network *network, const struct store_object *object)
{
	return charter_load(
		network->charter, &node->change, object->type, object->object, object->arrival.arrival);
}

/* ---- WHO ---- */

/* An object that fits a frame of the charter-only state, as long as all of them do. */
static bool answer_object(
	struct link *link, const struct network *network, struct bytes wire, size_t *left)
{
	size_t len = wire.len + HASH_SIZE + 16; /* of its frame */
	if (len > LIMIT_FRAME_EARLY_BYTES || len > *left)
		return false;
	*left -= len;
	message_write_object(&link->control, &network->id, wire);
	return true;
}

/* While this city is suspended it may have renewed its key, of which nobody has learnt then. */
static bool suspended_among(const struct link *link, const struct network *network)
{
	const struct roster_member *own = roster_member_by_city(network->roster, &link->node->city_id);
	return own && own->status == MEMBER_SUSPENDED &&
		roster_is_current_pin(network->roster, &link->peer_key);
}

static void answer_network(
	struct link *link, const struct network *network, uint64_t number, size_t *left)
{
	const struct node *node = link->node;
	struct bytes wire;
	struct hash hash;
	bool shared = link_network_find(link, &network->id) != NULL;
	if (!shared && !suspended_among(link, network))
		return;
	link->who_answered = true;
	for (uint64_t k = number + 1; shared && k > number && k < network->charter->amendment_count;
		 k++) {
		const struct object_ref *ref = network->charter->amendments[k];
		if (!ref || !ref->arrival || !answer_object(link, network, blob_bytes(ref->wire), left))
			break; /* the rest at the next try, or from another member */
	}
	for (uint32_t e = 2; roster_record(network->roster, &node->city_id, e, &wire, &hash) == 0; e++)
		answer_object(link, network, wire, left);
}

int node_charter_answer_who(struct link *link, const struct message *m)
{
	struct node *node = link->node;
	size_t left = LIMIT_EARLY_ANSWER_BYTES;
	if (link->who_answered)
		return 0;
	for (uint32_t i = 0; i < m->who.count; i++) {
		for (size_t k = 0; k < node->network_count; k++) {
			const struct network *network = node->networks[k];
			struct hash blind;
			hasher_begin(&node->hasher, "hansa blind 1");
			hasher_add_hash(&node->hasher, &network->id);
			hasher_add(&node->hasher, public_key_bytes(&node->public_key));
			hasher_add(&node->hasher, public_key_bytes(&link->peer_key));
			hasher_end(&node->hasher, &blind);
			if (memcmp(blind.bytes, m->who.networks[i].blind, 16) != 0)
				continue;
			answer_network(link, network, m->who.networks[i].number, &left);
		}
	}
	link_wake(link);
	return 0;
}
