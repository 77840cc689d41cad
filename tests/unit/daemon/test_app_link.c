/* SPDX-License-Identifier: Apache-2.0 */
/** Two whole daemons of one network, without their API, on two loops that take turns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "charter/draft.h"
#include "daemon/api.h"
#include "daemon/app.h"
#include "daemon/transport.h"
#include "record/header.h"
#include "record/kind.h"
#include "tests/unit/daemon/folder.h"

#define WITHIN_MS 20000

/* In the place of the API. */
int api_start(struct app *app, struct api **out, struct complaint *complaint)
{
	(void)app, (void)complaint;
	*out = NULL;
	return 0;
}

void api_close(struct api *api)
{
	(void)api;
}

struct city {
	struct app app;
	char dir[600];
	struct app_subscriber subscriber;
	uint64_t alerts, docs, last_doc;
	unsigned answered, failed;
	bool renewed;
};

static struct city cities[2];
static struct hash network_id;

static void on_event(void *ctx, const struct node_event *event)
{
	struct city *city = ctx;
	if (event->type != NODE_EVENT_ENTRIES)
		return;
	if (event->lane == 1)
		city->alerts += event->last - event->first + 1;
	if (event->lane == 3) {
		city->docs += event->last - event->first + 1;
		city->last_doc = event->last;
	}
}

static void city_start(struct city *city)
{
	char path[IDENTITY_PATH_MAX];
	struct complaint complaint = {0};
	identity_path(path, city->dir, IDENTITY_CONFIG);
	if (app_start(&city->app, path, &complaint))
		fail_msg("%s: %s", complaint.field, complaint.reason);
	memset(&city->subscriber, 0, sizeof(city->subscriber));
	app_subscribe(&city->app, &city->subscriber, on_event, city);
}

static void city_make(struct city *city, const char *folder, const char *name)
{
	static const char *const listen_addresses[] = {"127.0.0.1:0"};
	memset(city, 0, sizeof(*city));
	snprintf(city->dir, sizeof(city->dir), "%s/%s", folder, name);
	struct identity_request request = {city->dir, name, name, "HU", listen_addresses, 1, NULL, 0};
	char fingerprint[TEXT_FINGERPRINT_SIZE];
	struct complaint complaint = {0};
	assert_int_equal(identity_init(&request, fingerprint, &complaint), 0);
	city_start(city);
}

static void city_stop(struct city *city)
{
	app_unsubscribe(&city->subscriber);
	app_stop(&city->app);
	assert_int_equal(app_run(&city->app), 0);
}

static int64_t now_ms(void)
{
	return app_now(NULL).mono.us / 1000;
}

/* Lets the loops take turns until `done`. */
static void until(bool (*done)(void), const char *what)
{
	int64_t end = now_ms() + WITHIN_MS;
	while (!done()) {
		for (size_t i = 0; i < 2; i++)
			if (cities[i].app.state == APP_RUNNING)
				uv_run(&cities[i].app.loop, UV_RUN_NOWAIT);
		if (now_ms() > end)
			fail_msg("not within %d ms: %s", WITHIN_MS, what);
	}
}

static struct draft_founder founder_of(const struct city *city)
{
	struct draft_founder founder = {
		.slug = bytes_from_text(city->app.config.city.slug),
		.name = bytes_from_text(city->app.config.city.name),
		.country = bytes_from_text("HU"),
		.city_secret = city->app.identity.city_key,
		.node_secret = city->app.identity.node_key,
	};
	memcpy(founder.sealing_key, city->app.identity.sealing_public, 32);
	return founder;
}

static void on_created(void *ctx, int code, const struct hash *object_hash, uint64_t arrival)
{
	(void)object_hash, (void)arrival;
	unsigned *count = ctx;
	assert_int_equal(code, 0);
	(*count)++;
}

static unsigned created;

static bool both_created(void)
{
	return created == 2;
}

static void network_make(void)
{
	struct secret_key *officer;
	struct draft_founder founders[2] = {founder_of(&cities[0]), founder_of(&cities[1])};
	assert_int_equal(secret_key_new(&officer), 0);
	struct draft_network draft = {
		.name = bytes_from_text("Pact"),
		.slug = bytes_from_text("pact"),
		.officers = {.count = 1, .k = 1, .list = {{.key = *secret_key_public(officer)}}},
		.time_ms = 1700000000000,
		.founders = founders,
		.founder_count = 2,
	};
	struct buffer body, wire;
	buffer_init(&body, OBJECT_BYTES_MAX);
	buffer_init(&wire, OBJECT_BYTES_MAX);
	assert_int_equal(draft_genesis(&draft, &body), 0);
	assert_int_equal(draft_seal_by(OBJECT_GENESIS, buffer_bytes(&body), officer, &wire), 0);
	created = 0;
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(node_network_create(cities[i].app.node, buffer_bytes(&wire), on_created,
							 &created, app_now(NULL)),
			0);
	until(both_created, "the network's genesis is committed");
	network_id = *roster_network_id(node_network_roster(cities[0].app.node, 0));
	buffer_deinit(&body);
	buffer_deinit(&wire);
	secret_key_free(officer);
}

/* What a join would bring: the other's address list. */
static void introduce(void)
{
	struct roster_walk walk = {0};
	struct roster_object object;
	const struct roster *from = node_network_roster(cities[0].app.node, 0);
	unsigned submitted = created;
	while (roster_object_next(from, &walk, &object))
		if (object.type == OBJECT_ADDRESS_LIST) {
			assert_int_equal(node_object_submit(cities[1].app.node, &network_id, object.wire,
								 on_created, &created, app_now(NULL)),
				0);
			submitted++;
		}
	assert_true(submitted > created);
}

static unsigned live_links(const struct city *city);

static void on_peer(void *ctx, const struct node_peer *peer)
{
	unsigned *live = ctx;
	*live += peer->state == LINK_LIVE;
}

static unsigned live_links(const struct city *city)
{
	unsigned live = 0;
	node_each_peer(city->app.node, on_peer, &live);
	return live;
}

static bool addresses_known(void)
{
	struct roster_walk walk = {0};
	struct roster_object object;
	while (roster_object_next(node_network_roster(cities[0].app.node, 0), &walk, &object))
		if (object.type == OBJECT_ADDRESS_LIST)
			return true;
	return false;
}

static bool both_live(void)
{
	return live_links(&cities[0]) == 1 && live_links(&cities[1]) == 1;
}

static void on_published(void *ctx, const struct node_published *result)
{
	struct city *city = ctx;
	city->answered++;
	city->failed += result->code != 0;
}

static void publish(struct city *city, uint8_t lane, uint16_t kind, size_t body_len)
{
	static uint8_t body[200000];
	struct header header = {
		.kind = kind, .time_ms = 1700000000000, .body_size = (uint32_t)body_len};
	struct buffer wire;
	buffer_init(&wire, HEADER_SIZE_MAX);
	memset(body, (int)body_len, body_len);
	assert_int_equal(header_encode(&header, &wire), 0);
	assert_int_equal(node_publish(city->app.node, &network_id, lane, buffer_bytes(&wire),
						 bytes_of(body, body_len), on_published, city, app_now(NULL)),
		0);
	buffer_deinit(&wire);
}

static uint64_t wanted_docs, wanted_alerts;

static bool second_has_all(void)
{
	return cities[1].docs >= wanted_docs && cities[1].alerts >= wanted_alerts;
}

static bool first_answered(void)
{
	return cities[0].answered == wanted_docs + wanted_alerts;
}

static void on_renewed(void *ctx, int code, const char *reason)
{
	struct city *city = ctx;
	if (code)
		fail_msg("renewal: %s", reason);
	city->renewed = true;
}

static bool first_renewed(void)
{
	return cities[0].renewed;
}

static bool first_heads_home(void)
{
	struct hash feed_id;
	struct node_feed feed;
	assert_int_equal(feed_id_of(&network_id, &cities[0].app.identity.city_id, 3, &feed_id), 0);
	return node_feed_find(cities[0].app.node, &feed_id, &feed) && feed.seq == wanted_docs &&
		node_publishing(cities[0].app.node, NULL) == NODE_PUBLISHING_OPEN;
}

static void two_cities(const char *folder)
{
	wanted_docs = wanted_alerts = 0;
	city_make(&cities[0], folder, "budapest");
	city_make(&cities[1], folder, "bratislava");
	network_make();
	until(addresses_known, "the first city's addresses");
	introduce();
	until(both_live, "a link");
}

static void records_travel_links_come_back_keys_change(void **state)
{
	two_cities(*state);
	for (int i = 0; i < 300; i++, wanted_docs++)
		publish(&cities[0], 3, KIND_DOC, 100 + (size_t)i * 500);
	for (int i = 0; i < 5; i++, wanted_alerts++)
		publish(&cities[0], 1, KIND_ALERT, 3000);
	until(first_answered, "durable answers");
	until(second_has_all, "300 documents and 5 alerts at the other city");

	/* the second stops and comes back: a new link, and only what is new */
	city_stop(&cities[1]);
	publish(&cities[0], 3, KIND_DOC, 50);
	wanted_docs++;
	city_start(&cities[1]);
	until(both_live, "a link after a restart");
	until(second_has_all, "what was published meanwhile");
	assert_int_equal(cities[1].docs, wanted_docs);

	/* a new node key: the former links fall, new ones are pinned to it, publishing goes on */
	struct public_key former = cities[0].app.identity.node_public;
	struct complaint complaint = {0};
	assert_int_equal(app_renew_key(&cities[0].app, false, on_renewed, &cities[0], &complaint), 0);
	until(first_renewed, "the renewal");
	assert_false(public_key_equal(&former, &cities[0].app.identity.node_public));
	publish(&cities[0], 3, KIND_DOC, 60);
	publish(&cities[0], 1, KIND_ALERT, 60);
	wanted_docs++;
	wanted_alerts++;
	until(second_has_all, "records under the new key");
	assert_int_equal(cities[0].failed, 0);
	city_stop(&cities[0]);
	city_stop(&cities[1]);
}

static int remove_store(const char *dir)
{
	char path[IDENTITY_PATH_MAX];
	identity_path(path, dir, IDENTITY_STORE);
	int failed = nftw(path, folder_remove, 8, FTW_DEPTH | FTW_PHYS);
	return failed || mkdir(path, 0700);
}

static void a_lost_store_comes_back_before_publishing(void **state)
{
	two_cities(*state);
	for (int i = 0; i < 40; i++, wanted_docs++)
		publish(&cities[0], 3, KIND_DOC, 100);
	until(first_answered, "durable answers");
	until(second_has_all, "40 documents at the other city");
	city_stop(&cities[0]);
	assert_int_equal(remove_store(cities[0].dir), 0);
	cities[0].docs = cities[0].answered = 0;
	city_start(&cities[0]);
	until(first_heads_home, "the own feed from the other city");
	publish(&cities[0], 3, KIND_DOC, 100);
	wanted_docs++;
	until(second_has_all, "the next document");
	assert_int_equal(cities[1].last_doc, 41);
	assert_int_equal(cities[0].failed, 0);
	city_stop(&cities[0]);
	city_stop(&cities[1]);
}

static void copy_file(const char *from, const char *to)
{
	static char buf[1 << 16];
	FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
	assert_true(in && out);
	size_t n;
	while ((n = fread(buf, 1, sizeof(buf), in)) > 0)
		assert_int_equal(fwrite(buf, 1, n, out), n);
	fclose(in);
	assert_int_equal(fclose(out), 0);
}

static void publish_docs(unsigned count)
{
	for (unsigned i = 0; i < count; i++, wanted_docs++)
		publish(&cities[0], 3, KIND_DOC, 100);
	until(first_answered, "durable answers");
	until(second_has_all, "the documents at the other city");
}

/* The first city comes back with what lies in its folder now; it must go on where it was. */
static void goes_on_after(const char *what)
{
	cities[0].docs = cities[0].answered = 0;
	city_start(&cities[0]);
	until(first_heads_home, what);
	uint64_t before = wanted_docs;
	wanted_docs = 1;
	publish(&cities[0], 3, KIND_DOC, 100);
	until(first_answered, "the answer after a recovery");
	wanted_docs = before + 1;
	until(second_has_all, "the next document after a recovery");
	assert_int_equal(cities[1].last_doc, wanted_docs);
	assert_int_equal(cities[0].failed, 0);
}

static void a_store_rolled_back_takes_its_feed_back(void **state)
{
	char data[700], kept[700];
	two_cities(*state);
	snprintf(data, sizeof(data), "%s/store/data.mdb", cities[0].dir);
	snprintf(kept, sizeof(kept), "%s/kept.mdb", (char *)*state);
	publish_docs(20);
	city_stop(&cities[0]);
	copy_file(data, kept);
	cities[0].docs = cities[0].answered = 0;
	city_start(&cities[0]);
	until(both_live, "a link");
	wanted_docs = 0;
	cities[1].docs = 0;
	publish_docs(15);
	city_stop(&cities[0]);
	copy_file(kept, data);
	wanted_docs = cities[1].docs = 35;
	goes_on_after("the 15 documents that the old copy lacks");
	city_stop(&cities[0]);
	city_stop(&cities[1]);
}

/* Without its guard a city asks the members how far they hold its feeds. */
static void a_lost_or_damaged_guard_asks_the_members(void **state)
{
	char guard[700];
	two_cities(*state);
	snprintf(guard, sizeof(guard), "%s/keys/guard", cities[0].dir);
	publish_docs(10);
	city_stop(&cities[0]);
	assert_int_equal(unlink(guard), 0);
	goes_on_after("the members' word without a guard");
	city_stop(&cities[0]);

	FILE *file = fopen(guard, "r+b");
	assert_non_null(file);
	for (long at = 0; at < 3; at++) { /* both slots, wherever they begin */
		fseek(file, at * 4096 + 100, SEEK_SET);
		fputs("damaged", file);
	}
	assert_int_equal(fclose(file), 0);
	goes_on_after("the members' word with a damaged guard");
	city_stop(&cities[0]);
	city_stop(&cities[1]);
}

/* Exit code 77 is meson's for a test that was skipped. */
#define EXIT_SKIPPED 77

int main(void)
{
#if defined(__SANITIZE_THREAD__)
	return EXIT_SKIPPED; /* two maps of 1 TiB have no room in ThreadSanitizer's address space */
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
	return EXIT_SKIPPED;
#endif
#endif
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			records_travel_links_come_back_keys_change, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(
			a_lost_store_comes_back_before_publishing, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(
			a_store_rolled_back_takes_its_feed_back, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(
			a_lost_or_damaged_guard_asks_the_members, folder_setup, folder_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
