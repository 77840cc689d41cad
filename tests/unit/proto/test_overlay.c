/* SPDX-License-Identifier: Apache-2.0 */
/** Whom a node links to among many: diverse, near, rotated, and how many it takes in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "proto/overlay_prefix.h"
#include "tests/unit/proto/overlay_world.h"

#define HOUR_MS (60 * 60 * 1000)

static struct overlay_world w;

/* ---- shapes ---- */

static void plain(struct overlay_member *m, size_t i)
{
	static const char *const countries[] = {"HU", "SK", "CZ", "PL", "AT", "SI"};
	snprintf(m->country, sizeof m->country, "%s", countries[i % 6]);
}

static void apart(size_t i, char to[64])
{
	snprintf(to, 64, "10.%zu.0.1:4400", i);
}

/* Nine of ten in one country. */
static void one_country(struct overlay_member *m, size_t i)
{
	plain(m, i % 10 ? 0 : 1 + i / 10 % 5);
}

/* Nine of ten in one part of the network. */
static void one_prefix(size_t i, char to[64])
{
	snprintf(to, 64, i % 10 ? "10.1.0.%zu:4400" : "[2001:db%zu::1]:4400", i);
}

static void same_prefix(size_t i, char to[64])
{
	snprintf(to, 64, "10.1.0.%zu:4400", i);
}

/* Sixty in the first network, four of them and this city in the second too. */
static void two_networks(struct overlay_member *m, size_t i)
{
	plain(m, i);
	m->networks = i == 0 || i > 55 ? 3 : 1;
}

static void near_and_far(struct overlay_member *m, size_t i)
{
	plain(m, i);
	m->rtt_us = (int64_t)(i * 37 % 61 + 1) * 5000; /* all different */
}

/* ---- tests ---- */

static void prefixes(void **state)
{
	(void)state;
	static const struct {
		const char *address;
		bool known;
		uint8_t bytes[5];
	} cases[] = {
		{"192.0.2.7:4400", true, {4, 192, 0}},
		{"255.255.0.1:1", true, {4, 255, 255}},
		{"[2001:db8::7]:4400", true, {6, 0x20, 0x01, 0x0d, 0xb8}},
		{"[2001:DB8:1:2:3:4:5:6]:4400", true, {6, 0x20, 0x01, 0x0d, 0xb8}},
		{"[::1]:4400", true, {6, 0, 0, 0, 0}},
		{"[::]:4400", true, {6, 0, 0, 0, 0}},
		{"[::ffff:192.0.2.7]:4400", true, {4, 192, 0}},
		{"[64:ff9b::192.0.2.7]:4400", true, {6, 0, 0x64, 0xff, 0x9b}},
		{"city.example.org:4400", false, {0}},
		{"256.0.2.7:4400", false, {0}},
		{"192.0.2:4400", false, {0}},
		{"192.0.2.7.8:4400", false, {0}},
		{"[1:2:3]:4400", false, {0}},
		{"[1::2::3]:4400", false, {0}},
		{"[1:2:3:4:5:6:7:8:9]:4400", false, {0}},
		{"[12345::]:4400", false, {0}},
		{"[]:4400", false, {0}},
		{"", false, {0}},
		{":", false, {0}},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct overlay_prefix prefix;
		bool known = overlay_prefix_parse(bytes_from_text(cases[i].address), &prefix);
		if (known != cases[i].known ||
			(known && memcmp(prefix.bytes, cases[i].bytes, sizeof prefix.bytes) != 0))
			fail_msg("%s", cases[i].address);
	}
}

static size_t of_country(const char *country)
{
	size_t count = 0;
	for (size_t i = 1; i < w.count; i++)
		count += w.members[i].link && w.members[i].dialled &&
			strcmp(w.members[i].country, country) == 0;
	return count;
}

static void no_country_has_more_than_half(void **state)
{
	(void)state;
	overlay_world_init(&w, 100, one_country, apart);
	overlay_world_dial(&w);
	assert_int_equal(overlay_world_dialled(&w), 8);
	assert_int_equal(of_country("HU"), 4);
	/* Nobody else is left: rather those than none. */
	for (size_t i = 10; i < 100; i += 10)
		w.members[i].refuses = true;
	for (size_t i = 10; i < 100; i += 10)
		if (w.members[i].link)
			overlay_world_unlink(&w, i);
	overlay_world_dial(&w);
	assert_int_equal(overlay_world_dialled(&w), 8);
	assert_int_equal(of_country("HU"), 8);
	overlay_world_deinit(&w);
}

static void no_prefix_has_more_than_half(void **state)
{
	(void)state;
	size_t crowded = 0;
	overlay_world_init(&w, 100, plain, one_prefix);
	overlay_world_dial(&w);
	for (size_t i = 1; i < w.count; i++)
		crowded += w.members[i].link && i % 10;
	assert_int_equal(overlay_world_dialled(&w), 8);
	assert_int_equal(crowded, 4);
	overlay_world_deinit(&w);
	overlay_world_init(&w, 30, plain, same_prefix); /* no others are to be had */
	overlay_world_dial(&w);
	assert_int_equal(overlay_world_dialled(&w), 8);
	overlay_world_deinit(&w);
}

/* Over many choices everybody is chosen about as often. */
static void the_choice_is_random(void **state)
{
	(void)state;
	overlay_world_init(&w, 61, plain, apart);
	for (unsigned round = 0; round < 300; round++) {
		assert_int_equal(overlay_world_name(&w, 8), 8);
		for (size_t i = 1; i < w.count; i++) {
			node_dial_ended(w.node, &w.members[i].city_id);
			w.members[i].named = false;
		}
	}
	for (size_t i = 1; i < w.count; i++)
		assert_in_range(w.members[i].dials, 15, 75); /* 40, by chance 6 more or less */
	overlay_world_deinit(&w);
}

static size_t in_second(void)
{
	size_t count = 0;
	for (size_t i = 56; i < 60; i++)
		count += w.members[i].link && w.members[i].dialled;
	return count;
}

static void a_small_network_has_its_share(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 20; round++) {
		overlay_world_init(&w, 60, two_networks, apart);
		w.random += round;
		overlay_world_dial(&w);
		assert_int_equal(overlay_world_dialled(&w), 8);
		assert_true(in_second() >= 2);
		/* and keeps it, whoever is rotated */
		for (unsigned hour = 0; hour < 6; hour++) {
			overlay_world_pass(&w, HOUR_MS * 5 / 4 + 1000);
			overlay_world_dial(&w);
			assert_true(in_second() >= 2);
		}
		overlay_world_deinit(&w);
	}
}

static void accepted_links_take_no_place(void **state)
{
	(void)state;
	overlay_world_init(&w, 61, plain, apart);
	for (size_t i = 1; i <= 40; i++)
		overlay_world_link(&w, i, false);
	overlay_world_dial(&w);
	assert_int_equal(overlay_world_dialled(&w), 8);
	for (size_t i = 1; i <= 40; i++)
		assert_int_equal(w.members[i].dials, 0);
	overlay_world_deinit(&w);
}

static uint64_t linked_bits(void)
{
	uint64_t bits = 0;
	for (size_t i = 1; i < w.count; i++)
		if (w.members[i].link)
			bits |= UINT64_C(1) << i;
	return bits;
}

/* Once an hour one goes, after another has come in its place. */
static void links_are_rotated(void **state)
{
	(void)state;
	overlay_world_init(&w, 61, plain, apart);
	overlay_world_dial(&w);
	uint64_t first = linked_bits();
	overlay_world_pass(&w, HOUR_MS / 2);
	overlay_world_dial(&w);
	assert_true(linked_bits() == first);
	assert_int_equal(node_dials_due(w.node).us > w.now.mono.us, true);
	for (unsigned hour = 1; hour <= 5; hour++) {
		uint64_t before = linked_bits();
		overlay_world_pass(&w, HOUR_MS * 5 / 4 + 1000);
		assert_true(linked_bits() == before);
		assert_true(node_dials_due(w.node).us <= w.now.mono.us);
		assert_int_equal(overlay_world_name(&w, 4), 1);
		size_t next = 1;
		while (!w.members[next].named)
			next++;
		assert_int_equal(overlay_world_dialled(&w), 8); /* not before the other lives */
		overlay_world_link(&w, next, true);
		assert_int_equal(overlay_world_dialled(&w), 8);
		assert_int_equal(__builtin_popcountll(linked_bits() & before), 7);
		for (size_t i = 1; i < w.count; i++)
			if (before & UINT64_C(1) << i && !w.members[i].link)
				assert_int_equal(w.members[i].bye, BYE_ROTATED);
		assert_int_equal(overlay_world_name(&w, 4), 0);
	}
	overlay_world_deinit(&w);
}

/* Where everybody is linked there is nobody to take a turn. */
static void a_small_network_is_not_rotated(void **state)
{
	(void)state;
	overlay_world_init(&w, 9, plain, apart);
	overlay_world_dial(&w);
	uint64_t first = linked_bits();
	assert_int_equal(overlay_world_dialled(&w), 8);
	for (unsigned hour = 1; hour <= 3; hour++) {
		overlay_world_pass(&w, HOUR_MS * 5 / 4);
		overlay_world_dial(&w);
		assert_true(linked_bits() == first);
	}
	overlay_world_deinit(&w);
}

/* The two with the shortest round trips stay, and are dialled first after a cut. */
static void the_nearest_are_kept(void **state)
{
	(void)state;
	overlay_world_init(&w, 61, near_and_far, apart);
	overlay_world_dial(&w);
	for (unsigned hour = 0; hour < 40; hour++) {
		overlay_world_pass(&w, HOUR_MS * 5 / 4 + 1000);
		overlay_world_dial(&w);
	}
	int64_t first = INT64_MAX, second = INT64_MAX;
	size_t tried = 0, shorter = 0;
	for (size_t i = 1; i < w.count; i++) {
		const struct overlay_member *m = &w.members[i];
		tried += m->dials > 0;
		if (!m->link)
			continue;
		second = m->rtt_us < first ? first : m->rtt_us < second ? m->rtt_us : second;
		first = m->rtt_us < first ? m->rtt_us : first;
	}
	for (size_t i = 1; i < w.count; i++)
		shorter += w.members[i].dials > 0 && w.members[i].rtt_us < second;
	assert_true(tried > 30);
	assert_int_equal(shorter, 1); /* the nearest itself */
	/* All are cut: the nearest are among the first that are dialled. */
	for (size_t i = 1; i < w.count; i++)
		if (w.members[i].link)
			overlay_world_unlink(&w, i);
	assert_int_equal(overlay_world_name(&w, 2), 2);
	for (size_t i = 1; i < w.count; i++)
		if (w.members[i].named)
			assert_true(w.members[i].rtt_us <= second);
	overlay_world_deinit(&w);
}

static void say_bye(size_t i, enum bye_code code)
{
	struct buffer b;
	buffer_init(&b, LIMIT_FRAME_BYTES);
	message_write_reason(&b, MESSAGE_BYE, code, "said by a test");
	overlay_world_say(&w, i, buffer_bytes(&b));
	buffer_deinit(&b);
}

static void who_is_full_is_left_alone(void **state)
{
	(void)state;
	overlay_world_init(&w, 9, plain, apart);
	overlay_world_dial(&w);
	say_bye(3, BYE_FULL);
	assert_null(w.members[3].link);
	assert_int_equal(overlay_world_name(&w, 4), 0);
	assert_true(node_dials_due(w.node).us - w.now.mono.us >= 60000000);
	overlay_world_pass(&w, 59000);
	assert_int_equal(overlay_world_name(&w, 4), 0);
	overlay_world_pass(&w, 61000);
	overlay_world_dial(&w);
	assert_non_null(w.members[3].link);
	say_bye(3, BYE_SHUTDOWN);
	assert_int_equal(overlay_world_name(&w, 4), 1);
	overlay_world_deinit(&w);
}

/* Eight are taken, of them six of one country: its youngest goes, not the stranger. */
static void too_many_are_turned_away(void **state)
{
	(void)state;
	overlay_world_init(&w, 100, one_country, apart);
	node_set_links(w.node, 2, 8);
	for (size_t i = 1; i <= 6; i++)
		overlay_world_link(&w, i, false);
	overlay_world_link(&w, 10, false);
	overlay_world_link(&w, 20, false);
	overlay_world_dial(&w);
	assert_int_equal(overlay_world_dialled(&w), 2); /* they do not count */
	overlay_world_link(&w, 30, false);
	assert_non_null(w.members[30].link);
	assert_null(w.members[6].link);
	assert_int_equal(w.members[6].bye, BYE_FULL);
	overlay_world_link(&w, 6, false);
	assert_null(w.members[6].link);
	for (size_t i = 1; i <= 5; i++)
		assert_non_null(w.members[i].link);
	overlay_world_unlink(&w, 10);
	overlay_world_link(&w, 6, false);
	assert_non_null(w.members[6].link);
	overlay_world_deinit(&w);
}

int main(void)
{
	log_set_level(LOG_LEVEL_ERROR);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefixes),
		cmocka_unit_test(no_country_has_more_than_half),
		cmocka_unit_test(no_prefix_has_more_than_half),
		cmocka_unit_test(the_choice_is_random),
		cmocka_unit_test(a_small_network_has_its_share),
		cmocka_unit_test(accepted_links_take_no_place),
		cmocka_unit_test(links_are_rotated),
		cmocka_unit_test(a_small_network_is_not_rotated),
		cmocka_unit_test(the_nearest_are_kept),
		cmocka_unit_test(who_is_full_is_left_alone),
		cmocka_unit_test(too_many_are_turned_away),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
