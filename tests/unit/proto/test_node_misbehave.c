/* SPDX-License-Identifier: Apache-2.0 */
/* Each way to break the protocol: the rule that is named, the BYE, and that its city has to wait.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "charter/object.h"
#include "charter/roster.h"
#include "feed/hold.h"
#include "tests/unit/proto/script.h"

static void raw(struct script *s, const char *bytes, size_t len)
{
	buffer_push_u32(&s->out, (uint32_t)len);
	buffer_push(&s->out, bytes, len);
}

static void frame_empty(struct script *s)
{
	buffer_push_u32(&s->out, 0);
}

static void frame_too_long(struct script *s)
{
	buffer_push_u32(&s->out, LIMIT_FRAME_BYTES + 1);
}

static void no_array(struct script *s)
{
	raw(s, "\x01", 1);
}

static void unknown_type(struct script *s)
{
	raw(s, "\x91\x3f", 2); /* 63: the last that is not skipped */
}

static void too_few_elements(struct script *s)
{
	raw(s, "\x92\x07\x01", 3);
}

static void trailing_bytes(struct script *s)
{
	raw(s, "\x92\x0f\x01\x00", 4);
}

static void integer_too_wide(struct script *s)
{
	raw(s, "\x92\x0f\xcc\x01", 4); /* PING of 1 in two bytes */
}

static void other_versions_only(struct script *s)
{
	static const uint8_t zeros[INSTANCE_BYTES] = {0};
	size_t from = s->out.len;
	message_write_hello(&s->out, zeros, s->c->now.wall, zeros, "script", NULL, 0, 0);
	uint8_t *p = (uint8_t *)buffer_bytes(&s->out).data + from;
	assert_memory_equal(p + 4, "\x97\x01\x91\x01", 4);
	p[7] = 2;
}

static void another_instance(struct script *s)
{
	static const uint8_t instance[INSTANCE_BYTES] = {1}, store_epoch[STORE_EPOCH_BYTES] = {1};
	message_write_hello(&s->out, instance, s->c->now.wall, store_epoch, "script", NULL, 0, 0);
}

static struct hash doc_feed(const struct script *s)
{
	struct hash feed_id;
	assert_int_equal(feed_id_of(&s->c->network_id, &s->as->city_id, FEED_LANE_DOC, &feed_id), 0);
	return feed_id;
}

static void run_begun(struct script *s, uint32_t stream)
{
	static const uint8_t head[HEAD_BYTES] = {0};
	struct hash feed_id = doc_feed(s);
	message_write_run(&s->out, stream, &feed_id, 1, head, NULL, 0, NULL);
}

static void run_without_credit(struct script *s)
{
	static const uint8_t head[HEAD_BYTES] = {0};
	struct hash feed_id = doc_feed(s);
	struct bytes bytes = bytes_from_text("x");
	message_write_run(&s->out, 1, &feed_id, 1, head, NULL, 0, &bytes);
}

static void fragment_without_credit(struct script *s)
{
	run_begun(s, 1);
	message_write_fragment(&s->out, 1, 0, false, bytes_from_text("x"));
}

static void fragment_of_nothing(struct script *s)
{
	message_write_fragment(&s->out, 1, 0, false, bytes_of(NULL, 0));
}

static void streams_without_end(struct script *s)
{
	for (uint32_t stream = 1; stream <= 9; stream++)
		run_begun(s, stream);
}

static void stream_begun_twice(struct script *s)
{
	run_begun(s, 1);
	run_begun(s, 1);
}

static void push_in_fragments(struct script *s)
{
	static const uint8_t head[HEAD_BYTES] = {0};
	struct hash feed_id = doc_feed(s);
	message_write_run(&s->out, 0, &feed_id, 1, head, NULL, RUN_FLAG_PUSHED, NULL);
}

static void push_of_a_document(struct script *s)
{
	struct script_run run;
	assert_int_equal(cluster_publish(s->as, FEED_LANE_DOC, "text", NULL), 0);
	script_run_of(s->as, FEED_LANE_DOC, 1, &run);
	script_write_run(s, &run, RUN_FLAG_PUSHED);
	script_run_free(&run);
}

/* The first is not durable yet: its credit has not been given back. */
static void pushes_beyond_credit(struct script *s)
{
	static char body[10001];
	memset(body, 'x', sizeof body - 1);
	s->node->hold_commits = true;
	for (uint64_t seq = 1; seq <= 2; seq++) {
		struct script_run run;
		assert_int_equal(cluster_publish(s->as, FEED_LANE_ALERT, body, NULL), 0);
		script_run_of(s->as, FEED_LANE_ALERT, seq, &run);
		script_write_run(s, &run, RUN_FLAG_PUSHED);
		script_run_free(&run);
	}
}

static void object_of_noise(struct script *s)
{
	message_write_object(&s->out, &s->c->network_id, bytes_from_text("noise"));
}

/* A control object of the roster with a signature changed. */
static void object_forged(struct script *s)
{
	struct bytes wire;
	struct hash hash;
	struct buffer copy;
	const struct roster *roster = node_network_roster(s->node->node, 0);
	struct amendment_item item = {.kind = AMENDMENT_SUSPEND, .city_id = s->as->city_id};
	item.end.reason = bytes_from_text("seized");
	/* Made at the city that is played: the node under test does not have it. */
	assert_int_equal(cluster_amend(s->as, &item, 1), 0);
	assert_int_equal(roster_amendment(node_network_roster(s->as->node, 0), 1, &wire, &hash), 0);
	assert_int_equal(roster_number(roster), 0);
	buffer_init(&copy, SIZE_MAX);
	buffer_push_bytes(&copy, wire);
	((uint8_t *)buffer_bytes(&copy).data)[copy.len - 1] ^= 1;
	message_write_object(&s->out, &s->c->network_id, buffer_bytes(&copy));
	buffer_deinit(&copy);
}

/* [3, network_id, part, left] */
static void object_part(struct script *s, size_t len, uint32_t left)
{
	static const uint8_t noise[LIMIT_OBJECT_BYTES] = {0};
	struct buffer b;
	buffer_init(&b, SIZE_MAX);
	buffer_push(&b, "\x94\x03\xc4\x20", 4);
	buffer_push(&b, s->c->network_id.bytes, HASH_SIZE);
	buffer_push_u8(&b, 0xc5);
	buffer_push_u16(&b, (uint16_t)len);
	buffer_push(&b, noise, len);
	buffer_push_u8(&b, 0xcd);
	buffer_push_u16(&b, (uint16_t)left);
	raw(s, (const char *)buffer_bytes(&b).data, b.len);
	buffer_deinit(&b);
}

static void object_too_large(struct script *s)
{
	object_part(s, LIMIT_OBJECT_BYTES, LIMIT_OBJECT_PARTS_BYTES - LIMIT_OBJECT_BYTES + 1);
}

static void object_parts_that_do_not_add_up(struct script *s)
{
	object_part(s, 1000, 500);
	object_part(s, 1000, 500);
}

static void objects_wanted_without_end(struct script *s)
{
	struct hash wanted[LIMIT_OBJECT_WANTS] = {{{0}}};
	for (int i = 0; i < 2; i++)
		message_write_object_want(&s->out, &s->c->network_id, wanted, LIMIT_OBJECT_WANTS);
}

static void pulls_without_end(struct script *s)
{
	struct message_pull pulls[LIMIT_ANNOUNCE_ITEMS];
	struct hash feed_id;
	assert_int_equal(cluster_publish(s->node, FEED_LANE_DOC, "text", NULL), 0);
	assert_int_equal(feed_id_of(&s->c->network_id, &s->node->city_id, FEED_LANE_DOC, &feed_id), 0);
	for (size_t i = 0; i < LIMIT_ANNOUNCE_ITEMS; i++)
		pulls[i] = (struct message_pull){feed_id, 1};
	for (unsigned i = 0; i <= LIMIT_PULLS_OPEN / LIMIT_ANNOUNCE_ITEMS; i++)
		message_write_pull(&s->out, 0, pulls, LIMIT_ANNOUNCE_ITEMS);
}

static void hold_forged(struct script *s)
{
	struct hold hold = {.network_id = s->c->network_id, .holder = s->as->city_id, .epoch = 1};
	uint8_t statement[HOLD_BYTES];
	struct signature signature;
	hold.lanes[FEED_LANE_COUNT - 1].seq = 1;
	assert_int_equal(hold_sign(&hold, s->as->node_key, statement, &signature), 0);
	statement[HOLD_BYTES - 1] ^= 1;
	message_write_signed(&s->out, MESSAGE_HOLD, bytes_of(statement, sizeof statement), &signature);
}

static void hold_of_noise(struct script *s)
{
	struct signature signature = {{0}};
	message_write_signed(&s->out, MESSAGE_HOLD, bytes_from_text("noise"), &signature);
}

static void join_on_a_link(struct script *s)
{
	message_write_joined(&s->out, &s->c->network_id);
}

static const struct {
	const char *rule;
	void (*write)(struct script *s);
} breaches[] = {
	{"frame", frame_empty},
	{"frame", frame_too_long},
	{"message", no_array},
	{"message", unknown_type},
	{"message", too_few_elements},
	{"message", trailing_bytes},
	{"canonical", integer_too_wide},
	{"version", other_versions_only},
	{"state", another_instance},
	{"credit", run_without_credit},
	{"credit", fragment_without_credit},
	{"message", fragment_of_nothing},
	{"limit", streams_without_end},
	{"limit", stream_begun_twice},
	{"message", push_in_fragments},
	{"chain", push_of_a_document},
	{"credit", pushes_beyond_credit},
	{"object", object_of_noise},
	{"signature", object_forged},
	{"limit", object_too_large},
	{"message", object_parts_that_do_not_add_up},
	{"limit", objects_wanted_without_end},
	{"limit", pulls_without_end},
	{"signature", hold_forged},
	{"message", hold_of_noise},
	{"message", join_on_a_link},
};

/* It waits a second, then it is let in again. */
static void assert_blamed(struct script *s)
{
	struct script again;
	script_open(&again, s->node, s->as);
	assert_true(script_closed(&again));
	assert_int_equal(script_bye(&again), BYE_LIMIT);
	script_close(&again);
	cluster_pass(s->c, 1001);
	script_live(&again, s->node, s->as);
	script_close(&again);
}

static void each_breach_is_named_and_blamed(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof breaches / sizeof breaches[0]; i++) {
		struct cluster c;
		struct script s;
		char begins[40];
		cluster_init(&c, 2, 900 + i);
		cluster_found(&c);
		script_live(&s, &c.cities[0], &c.cities[1]);
		breaches[i].write(&s);
		script_send(&s);
		if (!script_closed(&s))
			fail_msg("breach %zu of rule %s was let pass", i, breaches[i].rule);
		assert_int_equal(script_bye(&s), BYE_PROTOCOL);
		snprintf(begins, sizeof begins, "it broke the rule %s: ", breaches[i].rule);
		struct bytes text = bytes_slice(s.message.reason.text, 0, strlen(begins));
		if (!bytes_equal_text(text, begins))
			fail_msg("breach %zu of rule %s: %.*s", i, breaches[i].rule,
				(int)s.message.reason.text.len, (const char *)s.message.reason.text.data);
		c.cities[0].hold_commits = false;
		assert_blamed(&s);
		script_close(&s);
		/* The node goes on. */
		assert_int_equal(cluster_publish(&c.cities[0], FEED_LANE_DOC, "goes on", NULL), 0);
		cluster_deinit(&c);
	}
}

static void later_frames_are_skipped(void **state)
{
	(void)state;
	struct cluster c;
	struct script s;
	cluster_init(&c, 2, 930);
	cluster_found(&c);
	script_live(&s, &c.cities[0], &c.cities[1]);
	raw(&s, "\x92\x40\xc0", 3); /* 64, with anything in it */
	message_write_ping(&s.out, 5);
	script_send(&s);
	assert_true(script_seek(&s, MESSAGE_PONG));
	assert_false(script_closed(&s));
	script_close(&s);
	cluster_deinit(&c);
}

/* Before HELLO: what needs a live link is a breach, and a frame has at most 4 KiB. */
static void before_hello_little_is_taken(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct cluster c;
		struct script s;
		cluster_init(&c, 2, 940);
		cluster_found(&c);
		script_open(&s, &c.cities[0], &c.cities[1]);
		if (i == 0)
			message_write_credit(&s.out, 1, 1);
		else
			buffer_push_u32(&s.out, LIMIT_FRAME_EARLY_BYTES + 1);
		script_send(&s);
		assert_true(script_closed(&s));
		assert_int_equal(script_bye(&s), BYE_PROTOCOL);
		assert_non_null(strstr(c.cities[0].last_close, i == 0 ? "state" : "frame"));
		script_close(&s);
		cluster_deinit(&c);
	}
}

static void silence_is_cut(void **state)
{
	(void)state;
	struct cluster c;
	struct script s;
	cluster_init(&c, 2, 950);
	cluster_found(&c);
	script_open(&s, &c.cities[0], &c.cities[1]);
	cluster_pass(&c, LIMIT_CHARTER_ONLY_MS - 10);
	assert_false(script_closed(&s));
	cluster_pass(&c, 20);
	assert_true(script_closed(&s));
	assert_int_equal(script_bye(&s), BYE_NOT_PINNED); /* no HELLO came */
	script_close(&s);
	script_live(&s, &c.cities[0], &c.cities[1]); /* nobody is blamed for it */
	cluster_pass(&c, LIMIT_PING_AFTER_MS + LIMIT_PONG_WITHIN_MS - 10);
	assert_false(script_closed(&s));
	assert_true(script_seek(&s, MESSAGE_PING));
	cluster_pass(&c, 20);
	assert_true(script_closed(&s));
	assert_int_equal(script_bye(&s), BYE_TIMEOUT);
	script_close(&s);
	script_live(&s, &c.cities[0], &c.cities[1]);
	script_close(&s);
	cluster_deinit(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_breach_is_named_and_blamed),
		cmocka_unit_test(later_frames_are_skipped),
		cmocka_unit_test(before_hello_little_is_taken),
		cmocka_unit_test(silence_is_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
