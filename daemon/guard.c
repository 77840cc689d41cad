/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/guard.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"
#include "charter/epoch_record.h"
#include "daemon/bootstrap.h"
#include "daemon/commit_note.h"
#include "store/bootstrap_file.h"
#include "store/guard_file.h"

#define WRITE_FIRST_MS 100
#define WRITE_AGAIN_MS 5000 /* a seized or deleted store must find its peers again */

struct guard {
	struct app *app;
	struct guard_file *file; /* the start's, then the writer thread's */
	uint8_t store_epoch[STORE_EPOCH_SIZE];
	uv_timer_t timer;
	struct monotime written;
	bool dirty, writing, was_written;
	struct buffer note; /* the writer thread's */
	char bootstrap_path[IDENTITY_PATH_MAX];
};

int guard_open(struct app *app, struct guard **out, struct complaint *complaint)
{
	char path[IDENTITY_PATH_MAX];
	struct store_info info;
	struct guard *guard = calloc(1, sizeof(*guard));
	if (!guard)
		return ERROR_MEMORY;
	guard->app = app;
	buffer_init(&guard->note, GUARD_NOTE_MAX);
	identity_path(path, app->config.data, IDENTITY_GUARD);
	identity_path(guard->bootstrap_path, app->config.data, IDENTITY_BOOTSTRAP);
	int code = guard_file_open(path, &guard->file, complaint);
	if (!code)
		code = store_info(app->store, &info);
	if (code) {
		guard_file_close(guard->file);
		free(guard);
		return code;
	}
	memcpy(guard->store_epoch, info.store_epoch, STORE_EPOCH_SIZE);
	uv_timer_init(&app->loop, &guard->timer);
	guard->timer.data = guard;
	*out = guard;
	return 0;
}

/* ---- at the start ---- */

struct telling {
	struct guard *guard;
	unsigned networks;
};

static int tell_network(void *ctx, const struct guard_entry *entry)
{
	struct telling *telling = ctx;
	struct app *app = telling->guard->app;
	struct node_guard_head head = {.network_id = entry->network_id, .epoch = entry->epoch};
	for (size_t i = 0; i < GUARD_LANES; i++) {
		head.lanes[i].seq = entry->lanes[i].seq;
		head.lanes[i].entry_hash = entry->lanes[i].entry_hash;
	}
	node_set_guard(app->node, &head, app_now(app));
	telling->networks++;
	return 0;
}

static void own_feed(void *ctx, const struct node_feed *feed)
{
	struct telling *telling = ctx;
	struct guard *guard = telling->guard;
	if (hash_equal(&feed->city_id, &guard->app->identity.city_id) &&
		!guard_file_find(guard->file, &feed->network_id))
		telling->networks++;
}

static bool tell_bootstrap(struct guard *guard)
{
	struct node *node = guard->app->node;
	struct bootstrap_file file;
	int code = bootstrap_file_read(guard->bootstrap_path, &file);
	if (code) {
		if (code != ERROR_NOT_FOUND)
			log_event(LOG_LEVEL_WARN, "bootstrap_unreadable", "reason", error_text(code));
		return false;
	}
	bool any = false;
	for (uint32_t i = 0; i < file.network_count; i++) {
		const struct bootstrap_network *network = &file.networks[i];
		if (node_roster(node, &network->network_id))
			continue;
		for (uint32_t m = 0; m < network->member_count; m++)
			node_add_bootstrap(node, &network->network_id, &network->members[m].city_id,
				&network->members[m].node_key, network->members[m].addresses,
				network->members[m].address_count);
		any |= network->member_count > 0;
	}
	bootstrap_file_deinit(&file);
	return any;
}

void guard_tell(struct guard *guard)
{
	struct node *node = guard->app->node;
	struct telling known = {guard, 0}, unguarded = {guard, 0};
	bool bootstrap = tell_bootstrap(guard);
	guard_file_each(guard->file, tell_network, &known);
	node_each_feed(node, own_feed, &unguarded);
	const char *reason = NULL;
	if (guard_file_damaged(guard->file) > 0)
		reason = "the guard beside the keys is damaged";
	else if (unguarded.networks > 0)
		reason = "own entries are stored, but the guard beside the keys does not know them";
	else if (bootstrap && known.networks == 0)
		reason = "store and guard are gone";
	if (reason) {
		log_event(LOG_LEVEL_WARN, "holds_required", "reason", reason);
		node_require_holds(node, app_now(guard->app));
	}
	if (node_network_count(node) > 0)
		guard_changed(guard);
}

/* ---- the writer's thread ---- */

static void entry_for(struct guard *guard, const struct hash *network_id, struct guard_entry *entry)
{
	const struct guard_entry *known = guard_file_find(guard->file, network_id);
	if (known)
		*entry = *known;
	else
		*entry = (struct guard_entry){.network_id = *network_id};
	memcpy(entry->store_epoch, guard->store_epoch, STORE_EPOCH_SIZE);
}

/* Own entries that are taken back from peers are own runs too: the guard never goes back by them.
 */
static bool take_run(const struct commit_op *op, struct guard_entry *entry)
{
	if (!op->own || op->lane < 1 || op->lane > GUARD_LANES || op->count == 0 ||
		op->epoch < entry->epoch) /* a former epoch's ends are the cuts, which the guard has */
		return false;
	struct guard_lane *lane = &entry->lanes[op->lane - 1];
	if (op->seq + op->count - 1 <= lane->seq)
		return false;
	entry->epoch = op->epoch > entry->epoch ? op->epoch : entry->epoch;
	lane->seq = op->seq + op->count - 1;
	lane->entry_hash = op->last_hash;
	return true;
}

/* The cuts of a newer own record are the own heads from now on, lower ones too: a restore. */
static bool take_record(
	const struct guard *guard, const struct commit_op *op, struct guard_entry *entry)
{
	struct control_object object;
	struct epoch_record record;
	if (op->object_type != OBJECT_EPOCH_RECORD || !op->blob || op->blob->len > GUARD_RECORD_MAX ||
		object_decode(blob_bytes(op->blob), &object) || epoch_record_decode(object.body, &record) ||
		!hash_equal(&record.city_id, &guard->app->identity.city_id) || record.epoch <= entry->epoch)
		return false;
	entry->epoch = record.epoch;
	entry->record_len = (uint16_t)op->blob->len;
	memcpy(entry->record, op->blob->data, op->blob->len);
	for (size_t i = 0; i < GUARD_LANES; i++) {
		entry->lanes[i].seq = record.cuts[i].seq;
		entry->lanes[i].entry_hash = record.cuts[i].hash;
	}
	return true;
}

static bool take_op(
	const struct guard *guard, const struct commit_op *op, struct guard_entry *entry)
{
	if (op->type == COMMIT_RUN)
		return take_run(op, entry);
	return op->type == COMMIT_OBJECT && take_record(guard, op, entry);
}

/* Consecutive ops are mostly of one network: one sync then. */
int guard_commits(struct guard *guard, const struct commit *commits)
{
	struct guard_entry entry;
	bool changed = false;
	memset(&entry, 0, sizeof(entry));
	for (const struct commit *commit = commits; commit; commit = commit->next)
		for (uint32_t i = 0; i < commit->count; i++) {
			const struct commit_op *op = &commit->ops[i];
			if ((op->type != COMMIT_RUN || !op->own) && op->type != COMMIT_OBJECT)
				continue;
			if (!hash_equal(&op->network_id, &entry.network_id)) {
				int code = changed ? guard_file_update(guard->file, &entry) : 0;
				if (code)
					return code;
				changed = false;
				entry_for(guard, &op->network_id, &entry);
			}
			changed |= take_op(guard, op, &entry);
		}
	return changed ? guard_file_update(guard->file, &entry) : 0;
}

/*
 * A network that the guard does not know has no note: the note alone would look like a whole guard
 * once the rest of it is lost.
 */
int guard_note(struct guard *guard, const struct commit *commit, const struct store_arrival *before)
{
	struct commit_note_before was = {.newest = *before};
	if (commit->ops[0].own && !guard_file_find(guard->file, &commit->ops[0].network_id))
		return ERROR_STATE;
	memcpy(was.store_epoch, guard->store_epoch, STORE_EPOCH_SIZE);
	buffer_reset(&guard->note);
	int code = commit_note_encode(&guard->note, &was, commit);
	return code ? code : guard_file_write_note(guard->file, buffer_bytes(&guard->note));
}

static int replay_into_store(struct guard *guard, struct commit *commit)
{
	struct store *store = guard->app->store;
	struct store_txn *txn;
	int code = store_begin(store, &txn);
	if (code)
		return code;
	code = commit_apply(commit, txn);
	if (code)
		store_abort(txn);
	else
		code = store_commit(txn);
	log_event(code ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO, "alert_from_note", "reason",
		code ? error_text(code) : "it was answered, and not in the store yet");
	return code;
}

static bool newest_equal(const struct store_arrival *a, const struct store_arrival *b)
{
	return a->arrival == b->arrival && memcmp(a->rolling, b->rolling, STORE_ROLLING_SIZE) == 0;
}

/*
 * Only on the store as it was before: on any other the entry is there already, or the store is an
 * older one, and then it comes back from the members as all else does.
 */
int guard_replay(struct guard *guard, struct complaint *complaint)
{
	struct commit_note_before before;
	struct commit *commit;
	struct store_info info;
	struct bytes note = guard_file_note(guard->file);
	if (note.len == 0)
		return 0;
	int code = commit_note_decode(note, &before, &commit);
	if (code)
		return complain(complaint, code, "guard", "The note in keys/guard cannot be read: %s",
			error_text(code));
	code = store_info(guard->app->store, &info);
	if (!code && memcmp(before.store_epoch, info.store_epoch, STORE_EPOCH_SIZE) == 0 &&
		newest_equal(&before.newest, &info.newest)) {
		code = replay_into_store(guard, commit);
		if (code == ERROR_FULL && store_release_reserve(guard->app->store) == 0)
			code = replay_into_store(guard, commit);
	}
	if (!code && guard_file_find(guard->file, &commit->ops[0].network_id))
		code = guard_commits(guard, commit);
	commit_free(commit);
	return code
		? complain(complaint, code, "guard",
			  "An alert that was answered cannot be brought into the store: %s", error_text(code))
		: 0;
}

/* ---- the bootstrap file ---- */

static void on_written(void *ctx, int code)
{
	struct guard *guard = ctx;
	guard->writing = false;
	if (code)
		log_event(LOG_LEVEL_WARN, "bootstrap_not_written", "reason", error_text(code));
	if (guard->dirty)
		guard_changed(guard);
}

static void on_timer(uv_timer_t *timer)
{
	struct guard *guard = timer->data;
	if (guard->writing || !guard->dirty)
		return;
	guard->dirty = false;
	guard->writing = true;
	guard->was_written = true;
	guard->written = app_now(guard->app).mono;
	bootstrap_write_later(guard->app, guard->bootstrap_path, on_written, guard);
}

void guard_changed(struct guard *guard)
{
	guard->dirty = true;
	if (guard->writing || uv_is_active((uv_handle_t *)&guard->timer) ||
		guard->app->state == APP_STOPPING)
		return;
	int64_t since = monotime_diff_us(app_now(guard->app).mono, guard->written) / 1000;
	int64_t wait = !guard->was_written || since >= WRITE_AGAIN_MS - WRITE_FIRST_MS
		? WRITE_FIRST_MS
		: WRITE_AGAIN_MS - since;
	uv_timer_start(&guard->timer, on_timer, (uint64_t)wait, 0);
	uv_unref((uv_handle_t *)&guard->timer);
}

static void on_closed(uv_handle_t *handle)
{
	struct guard *guard = handle->data;
	guard_file_close(guard->file);
	buffer_deinit(&guard->note);
	free(guard);
}

void guard_close(struct guard *guard)
{
	require(!guard->writing); /* its work would have kept the loop */
	if (guard->dirty && guard->app->node) {
		int code = bootstrap_write_now(guard->app, guard->bootstrap_path);
		if (code)
			log_event(LOG_LEVEL_WARN, "bootstrap_not_written", "reason", error_text(code));
	}
	uv_close((uv_handle_t *)&guard->timer, on_closed);
}
