/* SPDX-License-Identifier: Apache-2.0 */
/** Two whole daemons in one process, without their API: lubeck invites, visby joins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "charter/draft.h"
#include "daemon/api.h"
#include "daemon/app.h"
#include "daemon/invitations.h"
#include "daemon/join.h"
#include "tests/unit/daemon/folder.h"

#define WITHIN_US 20000000

/* In the place of the API: only what it keeps for the join. */
int api_start(struct app *app, struct api **out, struct complaint *complaint)
{
	(void)complaint;
	*out = (struct api *)app;
	return invitations_new(app, &app->invitations);
}

void api_close(struct api *api)
{
	struct app *app = (struct app *)api;
	invitations_free(app->invitations);
	app->invitations = NULL;
}

struct city {
	struct app app;
	char dir[600];
	bool up;
};

struct pair {
	char *dir;
	struct city lubeck, visby;
	struct secret_key *officer;
	struct hash network_id;
	char token[TOKEN_TEXT_MAX + 1];
	unsigned done;
	int code;
	char reason[256];
};

static void start(struct city *city)
{
	char path[IDENTITY_PATH_MAX];
	struct complaint complaint = {0};
	identity_path(path, city->dir, IDENTITY_CONFIG);
	if (app_start(&city->app, path, &complaint))
		fail_msg("%s: %s", complaint.field, complaint.reason);
	city->up = true;
}

static void stop(struct city *city)
{
	if (!city->up)
		return;
	city->up = false;
	app_stop(&city->app);
	assert_int_equal(app_run(&city->app), 0);
}

static void make(struct pair *p, struct city *city, const char *name, const char *slug)
{
	static const char *const listen_addresses[] = {"127.0.0.1:0"};
	char fingerprint[TEXT_FINGERPRINT_SIZE];
	struct complaint complaint = {0};
	snprintf(city->dir, sizeof(city->dir), "%s/%s", p->dir, slug);
	struct identity_request request = {city->dir, name, slug, "EU", listen_addresses, 1, NULL, 0};
	assert_int_equal(identity_init(&request, fingerprint, &complaint), 0);
	start(city);
}

/** Turns both loops until the condition holds. */
static void run_until(struct pair *p, bool (*holds)(const struct pair *p))
{
	struct monotime until = monotime_add_us(app_now(&p->lubeck.app).mono, WITHIN_US);
	while (!holds(p)) {
		if (p->lubeck.up)
			uv_run(&p->lubeck.app.loop, UV_RUN_NOWAIT);
		if (p->visby.up)
			uv_run(&p->visby.app.loop, UV_RUN_NOWAIT);
		if (monotime_reached(app_now(&p->lubeck.app).mono, until))
			fail_msg("not within %d s", WITHIN_US / 1000000);
	}
}

static bool has_network(const struct pair *p)
{
	return node_network_count(p->lubeck.app.node) == 1 &&
		node_roster(p->lubeck.app.node, &p->network_id);
}

static bool is_done(const struct pair *p)
{
	return p->done > 0;
}

static void on_object(void *ctx, int code, const struct hash *object_hash, uint64_t arrival)
{
	(void)ctx, (void)object_hash, (void)arrival;
	assert_int_equal(code, 0);
}

static void network_create(struct pair *p)
{
	struct app *app = &p->lubeck.app;
	struct draft_founder founder = {.slug = bytes_from_text("lubeck"),
		.name = bytes_from_text("Lubeck"),
		.country = bytes_from_text("DE"),
		.city_secret = app->identity.city_key,
		.node_secret = app->identity.node_key};
	struct draft_network network = {.name = bytes_from_text("Pact"),
		.slug = bytes_from_text("pact"),
		.time_ms = 1,
		.founders = &founder,
		.founder_count = 1};
	struct buffer body, wire;
	network.officers.count = network.officers.k = 1;
	network.officers.list[0].key = *secret_key_public(p->officer);
	buffer_init(&body, OBJECT_BYTES_MAX);
	buffer_init(&wire, OBJECT_BYTES_MAX);
	assert_int_equal(draft_genesis(&network, &body), 0);
	assert_int_equal(genesis_network_id(buffer_bytes(&body), &p->network_id), 0);
	assert_int_equal(draft_seal_by(OBJECT_GENESIS, buffer_bytes(&body), p->officer, &wire), 0);
	assert_int_equal(
		node_network_create(app->node, buffer_bytes(&wire), on_object, NULL, app_now(app)), 0);
	buffer_deinit(&body);
	buffer_deinit(&wire);
	run_until(p, has_network);
}

/** An invitation for visby at lubeck; its token into p->token. */
static void invite(struct pair *p)
{
	struct app *app = &p->lubeck.app;
	const struct roster *roster = node_roster(app->node, &p->network_id);
	struct delegation d = {.network_id = p->network_id,
		.slug = bytes_from_text("visby"),
		.expiry = (uint64_t)app_now(app).wall.ms + 60000,
		.delegate = app->identity.node_public,
		.id = {1}};
	struct buffer bytes, text;
	struct invitation *invitation;
	buffer_init(&bytes, DELEGATION_BYTES_MAX);
	buffer_init(&text, TOKEN_TEXT_MAX);
	assert_int_equal(draft_delegation(&d, p->officer, &bytes), 0);
	assert_int_equal(delegation_decode(buffer_bytes(&bytes), &d), 0);
	assert_int_equal(invitations_add(app->invitations, buffer_bytes(&bytes), &d, &invitation), 0);
	struct token token = {.network_id = p->network_id,
		.number = roster_number(roster),
		.amendment_hash = *roster_hash(roster),
		.slug = d.slug,
		.expiry = d.expiry,
		.node_key = d.delegate,
		.network_name = bytes_from_text("Pact"),
		/* on the first, port 1, nobody listens; the second is a name */
		.addresses = {bytes_from_text("127.0.0.1:1"), bytes_from_text("localhost:1"),
			bytes_from_text(app_listen_address(app, 0))},
		.address_count = 3};
	memcpy(token.secret, invitation->secret, sizeof(token.secret));
	assert_int_equal(token_encode(&text, &token), 0);
	snprintf(p->token, sizeof(p->token), "%s", buffer_text(&text));
	buffer_deinit(&bytes);
	buffer_deinit(&text);
}

static int pair_setup(void **state)
{
	struct pair *p = calloc(1, sizeof(*p));
	void *dir;
	const uint8_t seed[SECRET_SEED_SIZE] = {9};
	if (!p || folder_setup(&dir) || secret_key_from_seed(seed, &p->officer))
		return -1;
	p->dir = dir;
	make(p, &p->lubeck, "Lubeck", "lubeck");
	make(p, &p->visby, "Visby", "visby");
	network_create(p);
	invite(p);
	*state = p;
	return 0;
}

static int pair_teardown(void **state)
{
	struct pair *p = *state;
	void *dir = p->dir;
	stop(&p->visby);
	stop(&p->lubeck);
	secret_key_free(p->officer);
	free(p);
	return folder_teardown(&dir);
}

static void on_joined(void *ctx, int code, const char *reason, const struct hash *network_id)
{
	struct pair *p = ctx;
	p->done++;
	p->code = code;
	snprintf(p->reason, sizeof(p->reason), "%s", reason ? reason : "");
	assert_true(hash_equal(network_id, &p->network_id));
}

static int join(struct pair *p)
{
	struct complaint complaint = {0};
	p->done = 0;
	int code = app_join(&p->visby.app, p->token, on_joined, p, &complaint);
	if (code)
		assert_true(complaint.reason[0]);
	return code;
}

static struct invitation *open_invitation(const struct pair *p)
{
	return invitations_find(p->lubeck.app.invitations, &p->network_id, bytes_from_text("visby"));
}

static void on_peer(void *ctx, const struct node_peer *peer)
{
	*(unsigned *)ctx += peer->state == LINK_LIVE;
}

static bool are_linked(const struct pair *p)
{
	unsigned live = 0;
	node_each_peer(p->lubeck.app.node, on_peer, &live);
	node_each_peer(p->visby.app.node, on_peer, &live);
	return live == 2;
}

static bool invitation_is_used(const struct pair *p)
{
	return open_invitation(p) == NULL;
}

static void joins_and_links(void **state)
{
	struct pair *p = *state;
	assert_int_equal(join(p), 0);
	assert_int_equal(join(p), ERROR_BUSY);
	run_until(p, is_done);
	assert_string_equal(p->reason, "");
	assert_int_equal(p->code, 0);
	const struct roster *roster = node_roster(p->visby.app.node, &p->network_id);
	assert_non_null(roster);
	assert_int_equal(roster_number(roster), 1);
	const struct roster_member *visby = roster_member_by_slug(roster, bytes_from_text("visby"));
	assert_non_null(visby);
	assert_false(visby->confirmed);
	assert_true(hash_equal(&visby->city_id, &p->visby.app.identity.city_id));
	assert_int_equal(join(p), ERROR_EXISTS);
	run_until(p, are_linked);
	run_until(p, invitation_is_used);
	assert_int_equal(p->done, 0);
}

static void survives_a_restart_of_both(void **state)
{
	struct pair *p = *state;
	stop(&p->lubeck); /* the invitation lies in its store */
	start(&p->lubeck);
	assert_non_null(open_invitation(p));
	assert_int_equal(join(p), 0);
	run_until(p, is_done);
	assert_int_equal(p->code, 0);
	stop(&p->visby);
	start(&p->visby);
	assert_non_null(node_roster(p->visby.app.node, &p->network_id));
	run_until(p, are_linked);
}

/* The secret's bytes change, and with them the check: as a forger would do it. */
static void forge(struct pair *p)
{
	uint8_t storage[TOKEN_BYTES_MAX];
	struct token token;
	struct buffer text;
	buffer_init(&text, TOKEN_TEXT_MAX);
	assert_int_equal(token_decode(bytes_from_text(p->token), storage, &token, NULL), 0);
	token.secret[0] ^= 1;
	assert_int_equal(token_encode(&text, &token), 0);
	snprintf(p->token, sizeof(p->token), "%s", buffer_text(&text));
	buffer_deinit(&text);
}

static void three_wrong_proofs_end_it(void **state)
{
	struct pair *p = *state;
	forge(p);
	for (unsigned i = 0; i < INVITATION_TRIES; i++) {
		assert_non_null(open_invitation(p));
		assert_int_equal(join(p), 0);
		run_until(p, is_done);
		assert_int_equal(p->code, ERROR_TOKEN);
		assert_non_null(strstr(p->reason, "refused"));
	}
	assert_null(open_invitation(p));
	forge(p); /* right again; but hansa-join/1 is not offered any more */
	assert_int_equal(join(p), 0);
	run_until(p, is_done);
	assert_int_equal(p->code, ERROR_TOKEN);
	assert_non_null(strstr(p->reason, "No invitation is open at 127.0.0.1"));
	assert_int_equal(node_network_count(p->visby.app.node), 0);
	assert_int_equal(roster_number(node_roster(p->lubeck.app.node, &p->network_id)), 0);
}

static void bad_tokens_are_refused_at_once(void **state)
{
	struct pair *p = *state;
	p->token[30] = p->token[30] == 'A' ? 'B' : 'A';
	assert_int_equal(join(p), ERROR_TOKEN);
	snprintf(p->token, sizeof(p->token), "nothing");
	assert_int_equal(join(p), ERROR_TOKEN);
}

static void a_stop_answers(void **state)
{
	struct pair *p = *state;
	assert_int_equal(join(p), 0);
	stop(&p->visby);
	assert_int_equal(p->done, 1);
	assert_int_equal(p->code, ERROR_CANCELLED);
}

static bool is_admitted(const struct pair *p)
{
	return roster_number(node_roster(p->lubeck.app.node, &p->network_id)) == 1;
}

/* visby is cut off between its admission and the end of the charter: it asks again. */
static void cut_off_it_asks_again(void **state)
{
	struct pair *p = *state;
	assert_int_equal(join(p), 0);
	run_until(p, is_admitted);
	stop(&p->visby);
	assert_int_equal(p->code, ERROR_CANCELLED);
	start(&p->visby);
	assert_int_equal(node_network_count(p->visby.app.node), 0);
	assert_int_equal(join(p), 0);
	run_until(p, is_done);
	assert_int_equal(p->code, 0);
	assert_int_equal(roster_number(node_roster(p->lubeck.app.node, &p->network_id)), 1);
	run_until(p, are_linked);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, pair_setup, pair_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(joins_and_links),
		TEST(survives_a_restart_of_both),
		TEST(three_wrong_proofs_end_it),
		TEST(bad_tokens_are_refused_at_once),
		TEST(a_stop_answers),
		TEST(cut_off_it_asks_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
