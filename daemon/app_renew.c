/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/log.h"
#include "charter/draft.h"
#include "daemon/app_loop.h"
#include "feed/feed.h"
#include "record/kind.h"

/*
 * A new node key: its file first (node.key.new), then an epoch record in each network whose cuts
 * are the own tips, and only when these are committed the file takes node.key's place. A crash
 * between leaves node.key.new, which the charter names: the next start goes on from there.
 *
 * Forced (docs/decisions/007): own entries that were signed once are not here and come from nobody.
 * The former epoch ends at what is here, so that the next seq, in the new one, forks nothing.
 */

/* The own feeds must be at rest when the cuts are drawn: what was signed behind them would be
 * disowned. So drafts wait from the beginning of a renewal to its end. */
#define QUIET_WITHIN_MS 30000

struct app_renewal {
	struct app *app;
	struct secret_key *key;
	uint8_t sealing[IDENTITY_SEALING_SIZE];
	app_renew_fn *done;
	void *ctx;
	struct monotime until;
	bool submitted, force;
	unsigned waiting, committed;
	int code;
	char reason[256];
};

static void fail(struct app_renewal *r, int code, const char *reason)
{
	if (r->code)
		return;
	r->code = code;
	snprintf(r->reason, sizeof(r->reason), "%s", reason);
}

static void on_object(void *ctx, int code, const struct hash *object_hash, uint64_t arrival)
{
	(void)object_hash, (void)arrival;
	struct app_renewal *r = ctx;
	r->waiting--;
	if (code)
		fail(r, code, error_text(code));
	else
		r->committed++;
}

static int cuts_of(const struct node *node, const struct hash *network_id,
	const struct hash *city_id, struct epoch_cut cuts[static EPOCH_LANES])
{
	memset(cuts, 0, EPOCH_LANES * sizeof(*cuts));
	for (uint8_t lane = 1; lane <= EPOCH_LANES; lane++) {
		struct hash feed_id;
		struct node_feed feed;
		int code = feed_id_of(network_id, city_id, lane, &feed_id);
		if (code)
			return code;
		if (node_feed_find(node, &feed_id, &feed) && feed.seq > 0)
			cuts[lane - 1] = (struct epoch_cut){feed.seq, feed.entry_hash};
	}
	return 0;
}

static const struct roster_member *own_member(const struct app *app, size_t i)
{
	return roster_member_by_city(node_network_roster(app->node, i), &app->identity.city_id);
}

static int submit_one(struct app_renewal *r, const struct roster *roster)
{
	struct app *app = r->app;
	struct epoch_cut cuts[EPOCH_LANES];
	struct buffer wire;
	struct node_time now = app_now(app);
	buffer_init(&wire, OBJECT_BYTES_MAX);
	int code = cuts_of(app->node, roster_network_id(roster), &app->identity.city_id, cuts);
	if (!code && !app->identity.city_key)
		code = ERROR_KEY;
	if (!code)
		code = draft_renewal(roster, &app->identity.city_id, app->identity.city_key, r->key,
			r->sealing, cuts, EPOCH_REASON_RENEWAL, (uint64_t)now.wall.ms, &wire);
	if (!code) {
		r->waiting++;
		code = node_object_submit(
			app->node, roster_network_id(roster), buffer_bytes(&wire), on_object, r, now);
		if (code)
			r->waiting--;
	}
	buffer_deinit(&wire);
	return code;
}

static void submit_all(struct app_renewal *r)
{
	struct app *app = r->app;
	r->submitted = true;
	for (size_t i = 0; i < node_network_count(app->node); i++) {
		const struct roster_member *own = own_member(app, i);
		if (!own || own->status == MEMBER_REMOVED)
			continue;
		if (public_key_equal(&own->node_key, secret_key_public(r->key))) {
			r->committed++; /* before the crash */
			continue;
		}
		int code = submit_one(r, node_network_roster(app->node, i));
		if (code)
			fail(r, code, error_text(code));
	}
}

/* Networks in which the new epoch is in force, after a forced renewal. */
static void forgo_word(struct app_renewal *r)
{
	for (size_t i = 0; i < node_network_count(r->app->node); i++) {
		const struct roster_member *own = own_member(r->app, i);
		if (own && public_key_equal(&own->node_key, secret_key_public(r->key)))
			node_forgo_word(r->app->node, roster_network_id(node_network_roster(r->app->node, i)),
				app_now(r->app));
	}
}

/* The new key from now on: file, TLS, node. */
static int take_over(struct app_renewal *r)
{
	struct app *app = r->app;
	struct complaint complaint = {0};
	struct tls_context *tls;
	int code = tls_context_new(r->key, &tls);
	if (code)
		return code;
	code = identity_renew_finish(app->config.data, &complaint);
	if (code) {
		tls_context_free(tls);
		fail(r, code, complaint.reason);
		return code;
	}
	if (r->force)
		forgo_word(r);
	tls_context_free(app->tls);
	app->tls = tls;
	struct secret_key *former = app->identity.node_key;
	app->identity.node_key = r->key;
	app->identity.node_public = *secret_key_public(r->key);
	memcpy(app->identity.sealing_public, r->sealing, sizeof(r->sealing));
	r->key = NULL;
	node_set_node_key(app->node, app->identity.node_key, &app->identity.node_public, app_now(app));
	secret_key_free(former);
	/* handshakes under way would end in links of the former key */
	list_for_each_safe(&app->transports, node)
		transport_close(list_entry(node, struct transport, all), "the node key was renewed");
	return 0;
}

static void renewal_end(struct app_renewal *r)
{
	struct log_line l;
	log_begin(&l, r->code ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO,
		r->code ? "key_renewal_failed" : "key_renewed");
	if (r->code)
		log_text(&l, "reason", r->reason);
	log_uint(&l, "networks", r->committed);
	log_end(&l);
	node_hold_drafts(r->app->node, false, app_now(r->app));
	if (r->done)
		r->done(r->ctx, r->code, r->code ? r->reason : NULL);
	secret_key_free(r->key);
	free(r);
}

void app_renew_step(struct app *app)
{
	struct app_renewal *r = app->inner->renewal;
	if (!r)
		return;
	if (!r->submitted && app->state == APP_RUNNING) {
		if (node_own_at_rest(app->node))
			submit_all(r);
		else if (monotime_reached(app_now(app).mono, r->until))
			fail(r, ERROR_BUSY,
				"What was published is not yet safe on the disk: try again in a minute.");
		else
			return;
	}
	if (r->waiting > 0)
		return;
	app->inner->renewal = NULL;
	bool stopping = app->state != APP_RUNNING;
	if (stopping)
		fail(r, ERROR_CANCELLED, "This city is stopping; the next start goes on.");
	else if (r->committed > 0 || !r->code) {
		int code = take_over(r);
		if (code)
			fail(r, code, error_text(code));
	}
	renewal_end(r);
}

static int renewal_begin(struct app *app, struct secret_key *key, app_renew_fn *done, void *ctx)
{
	struct app_renewal *r = calloc(1, sizeof(*r));
	int code = r ? identity_sealing(key, r->sealing) : ERROR_MEMORY;
	if (code) {
		free(r);
		return code;
	}
	r->app = app;
	r->key = key;
	r->done = done;
	r->ctx = ctx;
	r->until = monotime_add_ms(app_now(app).mono, QUIET_WITHIN_MS);
	app->inner->renewal = r;
	node_hold_drafts(app->node, true, app_now(app));
	return 0;
}

struct missing_look {
	unsigned count;
	struct node_missing charter, offered; /* the first of each that forbids to force */
	bool has_charter, has_offered;
};

static void look_at_missing(void *ctx, const struct node_missing *missing)
{
	struct missing_look *look = ctx;
	look->count++;
	if (missing->what == NODE_MISSING_CHARTER && !look->has_charter) {
		look->charter = *missing;
		look->has_charter = true;
	}
	if (missing->offered > missing->held && !look->has_offered) {
		look->offered = *missing;
		look->has_offered = true;
	}
}

static int charter_complain(const struct missing_look *look, struct complaint *complaint)
{
	return complain(complaint, ERROR_STATE, "key",
		"Not now: the charter of %s is not back from its members, who would not know a new "
		"key. See that a member is linked (`hansa peers`).",
		look->charter.network ? look->charter.network : "a network");
}

static int may_force(const struct missing_look *look, struct complaint *complaint)
{
	if (look->count == 0)
		return complain(complaint, ERROR_STATE, "force",
			"Nothing of this city's own records is missing here, so there is nothing to force: "
			"`hansa key renew` alone renews the key.");
	if (look->has_charter)
		return charter_complain(look, complaint);
	if (look->has_offered)
		return complain(complaint, ERROR_STATE, "force",
			"Not now: a member offers the %s records of %s up to %llu, which are on their way. "
			"If they never come, end its link: `hansa peers --deny CITY`.",
			lane_name(look->offered.lane), look->offered.network,
			(unsigned long long)look->offered.offered);
	return 0;
}

/* Whether the cuts would be drawn before what is still to come back, and disown it. */
static int missing_check(struct app *app, bool force, struct complaint *complaint)
{
	const char *reason;
	struct missing_look look = {0};
	node_each_missing(app->node, look_at_missing, &look);
	if (force)
		return may_force(&look, complaint);
	if (look.count == 0)
		return 0;
	if (look.has_charter)
		return charter_complain(&look, complaint);
	node_publishing(app->node, &reason);
	return complain(complaint, ERROR_STATE, "key",
		"Not now: %.140s. If nobody has that any more, `hansa key renew --force` goes on without "
		"it.",
		reason);
}

/* A cut never goes below the former one: what lies before that must be here. */
static int floors_check(struct app *app, struct complaint *complaint)
{
	for (size_t i = 0; i < node_network_count(app->node); i++) {
		const struct roster *roster = node_network_roster(app->node, i);
		const struct roster_member *own = own_member(app, i);
		struct epoch_cut cuts[EPOCH_LANES], floor[EPOCH_LANES];
		if (!own || own->status == MEMBER_REMOVED)
			continue;
		int code = cuts_of(app->node, roster_network_id(roster), &app->identity.city_id, cuts);
		if (!code)
			code = roster_renewal_floor(roster, &app->identity.city_id, floor);
		if (code)
			return complain(complaint, code, "key", "%s", error_text(code));
		for (uint8_t lane = 0; lane < EPOCH_LANES; lane++)
			if (cuts[lane].seq < floor[lane].seq)
				return complain(complaint, ERROR_STATE, "key",
					"Not now: the %s records of %s up to %llu belong to epoch %u, which the "
					"charter has ended: they must come back from a member first.",
					lane_name(lane + 1), node_network_slug(app->node, i),
					(unsigned long long)floor[lane].seq, (unsigned)(own->epoch - 1));
	}
	return 0;
}

int app_renew_key(
	struct app *app, bool force, app_renew_fn *done, void *ctx, struct complaint *complaint)
{
	struct secret_key *key = NULL;
	if (app->state != APP_RUNNING || app->inner->renewal)
		return complain(complaint, ERROR_STATE, "key", "A renewal is under way already.");
	int code = missing_check(app, force, complaint);
	if (!code)
		code = floors_check(app, complaint);
	if (code)
		return code;
	if (!app->identity.city_key)
		return complain(complaint, ERROR_STATE, "key",
			"The city key is not in this folder: put keys/city.key there, and start again.");
	code = identity_renew_prepare(app->config.data, &key, complaint);
	if (code)
		return code;
	code = renewal_begin(app, key, done, ctx);
	if (code) {
		secret_key_free(key);
		return complain(complaint, code, "key", "%s", error_text(code));
	}
	app->inner->renewal->force = force;
	return 0;
}

void app_renew_resume(struct app *app)
{
	char path[IDENTITY_PATH_MAX];
	struct secret_key *key = NULL;
	struct complaint complaint = {0};
	if (identity_path(path, app->config.data, IDENTITY_NODE_KEY_NEW) || access(path, F_OK) != 0)
		return;
	int code = identity_renew_prepare(app->config.data, &key, &complaint);
	bool named = false;
	for (size_t i = 0; !code && i < node_network_count(app->node); i++) {
		const struct roster_member *own = own_member(app, i);
		named |= own && public_key_equal(&own->node_key, secret_key_public(key));
	}
	if (named) {
		log_event(LOG_LEVEL_INFO, "key_renewal_resumed", "reason", "a stop interrupted it");
		code = renewal_begin(app, key, NULL, NULL);
	}
	if (code || !named)
		secret_key_free(key);
	if (code)
		log_event(LOG_LEVEL_ERROR, "key_renewal_failed", "reason",
			complaint.reason[0] ? complaint.reason : error_text(code));
}
