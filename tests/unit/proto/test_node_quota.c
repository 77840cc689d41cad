/* SPDX-License-Identifier: Apache-2.0 */
/* Quotas of the charter: refused at the origin, not pulled elsewhere, and nothing is skipped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/message.h"
#include "tests/unit/proto/cluster.h"

#define HOUR_MS INT64_C(3600000)

static void quota(
	struct city *at, const struct city *of, uint8_t lane, uint64_t entries, uint64_t bytes)
{
	struct amendment_item item = {.kind = AMENDMENT_QUOTA};
	item.quota.has_city = of != NULL;
	if (of)
		item.city_id = of->city_id;
	item.quota.lane = lane;
	item.quota.entries_a_day = entries;
	item.quota.bytes_a_day = bytes;
	assert_int_equal(cluster_amend(at, &item, 1), 0);
}

static uint64_t seq_at(struct city *at, struct city *of, uint8_t lane)
{
	struct node_feed feed;
	return cluster_feed(at, of, lane, &feed) ? feed.seq : 0;
}

static void publish(struct city *city, uint8_t lane, int count)
{
	for (int i = 0; i < count; i++) {
		assert_int_equal(cluster_publish(city, lane, "text", NULL), 0);
		cluster_pass(city->cluster, 1);
	}
}

static void the_origin_refuses(void **state)
{
	(void)state;
	struct cluster c;
	struct node_quota q;
	cluster_init(&c, 1, 1);
	cluster_found(&c);
	struct city *city = &c.cities[0];
	assert_false(node_quota(city->node, &c.network_id, FEED_LANE_DOC, &q));
	quota(city, NULL, FEED_LANE_DOC, 5, 0);
	publish(city, FEED_LANE_DOC, 5);
	assert_int_equal(cluster_publish(city, FEED_LANE_DOC, "text", NULL), ERROR_QUOTA);
	assert_true(node_quota(city->node, &c.network_id, FEED_LANE_DOC, &q));
	assert_int_equal(q.entries_a_day, 5);
	/* One more fits in after a fifth of a day. */
	int64_t wait = q.free_at.ms - c.now.wall.ms;
	assert_in_range(wait, 4 * HOUR_MS, 5 * HOUR_MS);
	publish(city, FEED_LANE_CALL, 9);
	/* Nor does a restart make room. */
	cluster_node_stop(city);
	cluster_node_start(city);
	assert_int_equal(cluster_publish(city, FEED_LANE_DOC, "text", NULL), ERROR_QUOTA);
	cluster_pass(&c, wait);
	assert_int_equal(cluster_publish(city, FEED_LANE_DOC, "text", NULL), 0);
	assert_int_equal(cluster_publish(city, FEED_LANE_DOC, "text", NULL), ERROR_QUOTA);
	/* The city's own quota goes before the network's; zeros are no limit. */
	quota(city, city, FEED_LANE_DOC, 0, 0);
	publish(city, FEED_LANE_DOC, 9);
	cluster_deinit(&c);
}

static void bytes_count_too(void **state)
{
	(void)state;
	struct cluster c;
	char text[1001] = {0};
	cluster_init(&c, 1, 2);
	cluster_found(&c);
	struct city *city = &c.cities[0];
	memset(text, 'x', 1000);
	quota(city, NULL, FEED_LANE_DOC, 0, 5000);
	for (int i = 0; i < 4; i++)
		assert_int_equal(cluster_publish(city, FEED_LANE_DOC, text, NULL), 0);
	assert_int_equal(cluster_publish(city, FEED_LANE_DOC, text, NULL), ERROR_QUOTA);
	assert_int_equal(cluster_publish(city, FEED_LANE_DOC, "small", NULL), 0);
	cluster_pass(&c, 24 * HOUR_MS);
	assert_int_equal(cluster_publish(city, FEED_LANE_DOC, text, NULL), 0);
	cluster_deinit(&c);
}

/* Control objects do not reach the city `ctx`. */
static void without_objects(void *ctx, struct city *from, struct city *to, struct buffer *bytes)
{
	static struct message m;
	struct buffer kept;
	(void)from;
	if (to != ctx)
		return;
	buffer_init(&kept, SIZE_MAX);
	for (size_t at = 0; at < bytes->len;) {
		const uint8_t *p = bytes->data + at;
		size_t len = ((size_t)p[2] << 8 | p[3]) + 4;
		if (message_decode(bytes_of(p + 4, len - 4), &m) || m.type != MESSAGE_OBJECT)
			buffer_push(&kept, p, len);
		at += len;
	}
	buffer_deinit(bytes);
	*bytes = kept;
}

/* What the origin published although the charter forbids it is taken bit by bit, in order. */
static void a_feed_over_its_quota_waits(void **state)
{
	(void)state;
	struct cluster c;
	cluster_init(&c, 2, 3);
	cluster_found(&c);
	struct city *at = &c.cities[0], *of = &c.cities[1];
	publish(of, FEED_LANE_ALERT, 20);
	publish(of, FEED_LANE_CALL, 20);
	quota(at, of, FEED_LANE_ALERT, 5, 0);
	cluster_connect(&c, at, of);
	cluster_pass(&c, 60000);
	assert_int_equal(seq_at(at, of, FEED_LANE_CALL), 20);
	assert_int_equal(seq_at(at, of, FEED_LANE_ALERT), 5);
	cluster_pass(&c, 5 * HOUR_MS);
	assert_int_equal(seq_at(at, of, FEED_LANE_ALERT), 6);
	cluster_pass(&c, 24 * HOUR_MS);
	assert_in_range(seq_at(at, of, FEED_LANE_ALERT), 10, 12);
	/* A larger one lets the rest in at once. */
	quota(at, of, FEED_LANE_ALERT, 100, 0);
	cluster_pass(&c, 60000);
	assert_int_equal(seq_at(at, of, FEED_LANE_ALERT), 20);
	assert_string_equal(at->last_close, "");
	cluster_deinit(&c);
}

/* A run is not split: one that goes beyond is taken, and paid for by waiting longer. */
static void a_run_is_taken_whole(void **state)
{
	(void)state;
	struct cluster c;
	cluster_init(&c, 2, 6);
	cluster_found(&c);
	struct city *at = &c.cities[0], *of = &c.cities[1];
	publish(of, FEED_LANE_DOC, 20);
	c.tamper = without_objects;
	c.tamper_ctx = of;
	quota(at, of, FEED_LANE_DOC, 5, 0);
	cluster_connect(&c, at, of);
	cluster_pass(&c, 60000);
	assert_int_equal(seq_at(at, of, FEED_LANE_DOC), 20);
	publish(of, FEED_LANE_DOC, 1);
	cluster_pass(&c, 72 * HOUR_MS);
	assert_int_equal(seq_at(at, of, FEED_LANE_DOC), 20);
	cluster_pass(&c, 12 * HOUR_MS);
	assert_int_equal(seq_at(at, of, FEED_LANE_DOC), 21);
	cluster_deinit(&c);
}

/* A backlog of many days is not a flood: it came within the quota, day by day. */
static void a_backlog_is_taken_at_once(void **state)
{
	(void)state;
	struct cluster c;
	cluster_init(&c, 2, 4);
	cluster_found(&c);
	struct city *at = &c.cities[0], *of = &c.cities[1];
	quota(at, of, FEED_LANE_DOC, 5, 0);
	cluster_connect(&c, at, of);
	cluster_pass(&c, 1000);
	cluster_disconnect(&c, at, of);
	for (int day = 0; day < 40; day++) {
		publish(of, FEED_LANE_DOC, 5);
		cluster_pass(&c, 24 * HOUR_MS);
	}
	cluster_connect(&c, at, of);
	cluster_pass(&c, 60000);
	assert_int_equal(seq_at(at, of, FEED_LANE_DOC), 200);
	cluster_deinit(&c);
}

static void alerts_over_their_quota_are_pulled_later(void **state)
{
	(void)state;
	struct cluster c;
	cluster_init(&c, 3, 5);
	cluster_found(&c);
	struct city *relay = &c.cities[0], *end = &c.cities[1], *of = &c.cities[2];
	c.tamper = without_objects;
	c.tamper_ctx = of;
	cluster_connect(&c, relay, of);
	cluster_connect(&c, relay, end);
	cluster_pass(&c, 1000);
	quota(relay, NULL, FEED_LANE_ALERT, 3, 0);
	cluster_pass(&c, 1000);
	publish(of, FEED_LANE_ALERT, 7);
	cluster_pass(&c, 60000);
	assert_int_equal(seq_at(of, of, FEED_LANE_ALERT), 7);
	assert_int_equal(seq_at(relay, of, FEED_LANE_ALERT), 3);
	assert_int_equal(seq_at(end, of, FEED_LANE_ALERT), 3);
	assert_int_equal(relay->gap_alerts_seen + end->gap_alerts_seen, 0);
	cluster_pass(&c, 36 * HOUR_MS);
	assert_int_equal(seq_at(relay, of, FEED_LANE_ALERT), 7);
	assert_int_equal(seq_at(end, of, FEED_LANE_ALERT), 7);
	assert_string_equal(relay->last_close, "");
	assert_string_equal(end->last_close, "");
	cluster_deinit(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_origin_refuses),
		cmocka_unit_test(bytes_count_too),
		cmocka_unit_test(a_feed_over_its_quota_waits),
		cmocka_unit_test(a_run_is_taken_whole),
		cmocka_unit_test(a_backlog_is_taken_at_once),
		cmocka_unit_test(alerts_over_their_quota_are_pulled_later),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
