/* SPDX-License-Identifier: Apache-2.0 */
/** The dialer alone, in virtual time, with a list of cities for the node and no network. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "daemon/dialer.h"
#include "daemon/transport.h"

#define CITIES 100

static struct app app;
static struct dialer *dialer;
static int64_t now_us;

static struct {
	bool linked; /* it was dialled by its own side */
	unsigned dials;
	struct transport transport;
	const struct transport_owner *owner;
	bool dialling;
} cities[CITIES];
static size_t next_city;

/* ---- in the place of the node and the transports ---- */

struct node_time app_now(const struct app *unused)
{
	(void)unused;
	return (struct node_time){
		.mono = monotime_from_us(now_us), .wall = timestamp_from_ms(now_us / 1000)};
}

static size_t dialling(void)
{
	size_t count = 0;
	for (size_t i = 0; i < CITIES; i++)
		count += cities[i].dialling;
	return count;
}

static void name(size_t i, struct node_dial *out)
{
	static char addresses[CITIES][32];
	snprintf(addresses[i], sizeof(addresses[i]), "192.0.2.%zu:4400", i);
	*out = (struct node_dial){
		.city_id = {{(uint8_t)i}}, .addresses = {addresses[i]}, .address_count = 1};
}

size_t node_dials(struct node *node, node_dial_fn *may, void *ctx, struct node_dial *out,
	size_t max, struct node_time now)
{
	(void)node, (void)now;
	size_t count = 0, busy = dialling();
	for (size_t left = CITIES; left > 0 && count < max && busy + count < app.config.dial_max;
		 left--) {
		size_t i = next_city++ % CITIES;
		struct hash city_id = {{(uint8_t)i}};
		if (!cities[i].linked && may(ctx, &city_id))
			name(i, &out[count++]);
	}
	return count;
}

bool node_dial_city(struct node *node, const struct hash *city_id, struct node_dial *out)
{
	(void)node;
	size_t i = city_id->bytes[0];
	if (!cities[i].linked)
		name(i, out);
	return !cities[i].linked;
}

void node_dial_ended(struct node *node, const struct hash *city_id)
{
	(void)node, (void)city_id;
}

static struct monotime rotate_at;

struct monotime node_dials_due(const struct node *node)
{
	(void)node;
	return rotate_at;
}

struct transport *transport_dial(struct app *unused, const struct sockaddr *to, const char *address,
	enum tls_protocol wanted, const struct transport_owner *owner_calls, void *owner)
{
	(void)unused, (void)to, (void)wanted;
	unsigned i;
	assert_int_equal(sscanf(address, "192.0.2.%u:", &i), 1);
	assert_false(cities[i].dialling);
	cities[i].dialling = true;
	cities[i].dials++;
	cities[i].owner = owner_calls;
	cities[i].transport.owner = owner;
	return &cities[i].transport;
}

/* Who is dialled through the proxy, by the text of his address. */
static char proxied[APP_ADDRESS_MAX];

struct transport *transport_dial_proxy(struct app *unused, const char *address,
	enum tls_protocol wanted, const struct transport_owner *owner_calls, void *owner)
{
	snprintf(proxied, sizeof(proxied), "%s", address);
	return transport_dial(unused, NULL, address, wanted, owner_calls, owner);
}

int transport_open_link(struct transport *t)
{
	(void)t;
	return 0;
}

static int64_t opened_ms;

int64_t transport_open_ms(const struct transport *t)
{
	(void)t;
	return opened_ms;
}

/* ---- helpers ---- */

/* The attempt, or the link, of a city ends after so long. */
static void end(size_t i, int64_t open_ms)
{
	assert_true(cities[i].dialling);
	cities[i].dialling = false;
	opened_ms = open_ms;
	cities[i].owner->ended(&cities[i].transport, "ended");
}

static void end_all(void)
{
	for (size_t i = 0; i < CITIES; i++)
		if (cities[i].dialling)
			end(i, 0);
}

static void pass(int64_t ms)
{
	now_us += ms * 1000;
	dialer_poke(dialer);
	dialer_run(dialer);
}

static const struct hash *id_of(size_t i)
{
	static struct hash city_id;
	city_id = (struct hash){{(uint8_t)i}};
	return &city_id;
}

static void only(size_t count)
{
	for (size_t i = 0; i < CITIES; i++)
		cities[i].linked = i >= count;
}

/* One city that failed until its back-off is at its longest, 30 to 60 s. */
static void fail_often(size_t i)
{
	for (int attempt = 0; attempt < 10; attempt++) {
		pass(60001);
		end(i, 0);
	}
	pass(29000);
	assert_false(cities[i].dialling);
}

static int setup(void **state)
{
	(void)state;
	memset(&app, 0, sizeof(app));
	memset(cities, 0, sizeof(cities));
	next_city = 0;
	now_us = 1000000;
	rotate_at = MONOTIME_NEVER;
	app.state = APP_RUNNING;
	app.config.dial_max = 8;
	if (uv_loop_init(&app.loop))
		return -1;
	return dialer_new(&app, &dialer);
}

static int teardown(void **state)
{
	(void)state;
	dialer_close(dialer);
	end_all();
	uv_run(&app.loop, UV_RUN_DEFAULT);
	return uv_loop_close(&app.loop);
}

/* ---- tests ---- */

static void no_more_than_dial_max(void **state)
{
	(void)state;
	pass(0);
	assert_int_equal(dialling(), 8);
	app.config.dial_max = 30;
	pass(0);
	assert_int_equal(dialling(), 30);
	end_all();
	app.config.dial_max = 0;
	pass(1000);
	dialer_ask(dialer, id_of(2));
	pass(60000);
	assert_int_equal(dialling(), 0);
}

/* Ninety-nine that never answer, 5 s each: the last one is dialled all the same. */
static void the_unreachable_starve_nobody(void **state)
{
	(void)state;
	for (int round = 0; round < 13; round++) {
		pass(5000);
		assert_int_equal(dialling(), 8);
		end_all();
	}
	for (size_t i = 0; i < CITIES; i++)
		assert_in_range(cities[i].dials, 1, 2);
}

static void a_reset_does_not_wait_for_the_back_off(void **state)
{
	(void)state;
	only(2);
	cities[1].linked = true;
	fail_often(0);
	dialer_reset(dialer, id_of(1));
	dialer_run(dialer);
	assert_false(cities[0].dialling);
	dialer_reset(dialer, id_of(0));
	dialer_run(dialer);
	assert_true(cities[0].dialling);
	end(0, 0);
	pass(501); /* and it counts anew */
	assert_true(cities[0].dialling);
	end(0, 0);
	fail_often(0);
	dialer_reset(dialer, NULL);
	dialer_run(dialer);
	assert_true(cities[0].dialling);
}

static void who_is_asked_for_has_a_turn_of_its_own(void **state)
{
	(void)state;
	pass(0);
	assert_int_equal(dialling(), 8);
	dialer_reset(dialer, id_of(50));
	dialer_run(dialer);
	assert_false(cities[50].dialling);
	dialer_ask(dialer, id_of(50));
	dialer_run(dialer);
	assert_true(cities[50].dialling);
	assert_int_equal(dialling(), 9);
	/* once: from then on it is one of many */
	end(50, 0);
	pass(60001);
	assert_int_equal(dialling(), 8);
	assert_false(cities[50].dialling);
	/* linked meanwhile by its own side: the wish is over */
	cities[60].linked = true;
	dialer_ask(dialer, id_of(60));
	dialer_run(dialer);
	cities[60].linked = false;
	pass(0);
	assert_false(cities[60].dialling);
}

/* Refused while the former connection still closes: it is dialled when that has ended. */
static void who_is_asked_for_while_busy_is_dialled_after(void **state)
{
	(void)state;
	pass(0);
	size_t i = 0;
	while (!cities[i].dialling)
		i++;
	dialer_ask(dialer, id_of(i));
	dialer_run(dialer);
	assert_int_equal(cities[i].dials, 1);
	end(i, 20);
	dialer_run(dialer);
	assert_int_equal(cities[i].dials, 2);
}

static struct dialer_city seen;

static void look(void *ctx, const struct dialer_city *city)
{
	(void)ctx;
	if (hash_equal(&city->city_id, id_of(0)))
		seen = *city;
}

static void what_became_of_a_city_is_told(void **state)
{
	(void)state;
	only(1);
	pass(0);
	dialer_each_city(dialer, look, NULL);
	assert_true(seen.busy);
	assert_int_equal(seen.failures, 0);
	assert_int_equal(seen.failed.ms, 0);
	end(0, 0);
	int64_t first_ms = now_us / 1000;
	pass(501);
	end(0, 20); /* the other side hung up before it took the link */
	dialer_each_city(dialer, look, NULL);
	assert_int_equal(seen.failures, 2);
	assert_int_equal(seen.failing_since.ms, first_ms);
	assert_int_equal(seen.failed.ms, now_us / 1000);
	assert_int_equal(seen.reached.ms, 0);
	assert_string_equal(seen.address, "192.0.2.0:4400");
	assert_string_equal(seen.reason, "ended");
	pass(2000);
	dialer_linked(dialer, id_of(0));
	end(0, 5000); /* a link that is cut is no city that cannot be reached */
	dialer_each_city(dialer, look, NULL);
	assert_int_equal(seen.failures, 0);
	assert_int_equal(seen.reached.ms, now_us / 1000);
}

/* uv's own clock runs on: only whether the timer waits, and not how long, can be seen here. */
static void the_timer_waits_for_the_next_back_off(void **state)
{
	(void)state;
	only(1);
	pass(0);
	assert_true(cities[0].dialling);
	assert_false(uv_loop_alive(&app.loop));
	end(0, 0);
	dialer_run(dialer);
	assert_false(cities[0].dialling);
	assert_true(uv_loop_alive(&app.loop));
	pass(501);
	assert_true(cities[0].dialling);
	assert_false(uv_loop_alive(&app.loop));
	rotate_at = monotime_from_us(now_us + 1000000); /* the node's own wish */
	pass(0);
	assert_true(uv_loop_alive(&app.loop));
}

static void with_a_proxy_nobody_is_dialled_straight(void **state)
{
	(void)state;
	char url[] = "socks5://127.0.0.1:9050";
	only(1);
	proxied[0] = '\0';
	app.config.link.proxy = url;
	pass(0);
	assert_true(cities[0].dialling);
	assert_string_equal(proxied, "192.0.2.0:4400");
}

/* Without a way out all fail at once: nothing is tried thousands of times a second. */
static void a_row_of_failures_is_paced(void **state)
{
	(void)state;
	unsigned dials = 0;
	for (int call = 0; call < 100; call++) {
		pass(1);
		end_all();
	}
	for (size_t i = 0; i < CITIES; i++)
		dials += cities[i].dials;
	assert_in_range(dials, 32, 40);
	pass(201);
	assert_int_equal(dialling(), 8);
	end_all();
	pass(1);
	assert_int_equal(dialling(), 0);
	dialer_reset(dialer, NULL); /* something has changed */
	pass(0);
	assert_int_equal(dialling(), 8);
}

int main(void)
{
	log_set_level(LOG_LEVEL_ERROR);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(no_more_than_dial_max, setup, teardown),
		cmocka_unit_test_setup_teardown(the_unreachable_starve_nobody, setup, teardown),
		cmocka_unit_test_setup_teardown(a_reset_does_not_wait_for_the_back_off, setup, teardown),
		cmocka_unit_test_setup_teardown(who_is_asked_for_has_a_turn_of_its_own, setup, teardown),
		cmocka_unit_test_setup_teardown(
			who_is_asked_for_while_busy_is_dialled_after, setup, teardown),
		cmocka_unit_test_setup_teardown(what_became_of_a_city_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(with_a_proxy_nobody_is_dialled_straight, setup, teardown),
		cmocka_unit_test_setup_teardown(a_row_of_failures_is_paced, setup, teardown),
		cmocka_unit_test_setup_teardown(the_timer_waits_for_the_next_back_off, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
