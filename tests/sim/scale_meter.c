/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "proto/message.h"
#include "tests/sim/scale.h"

void scale_meter_init(struct scale *scale)
{
	scale->counts = calloc(scale->world->count, sizeof *scale->counts);
	require(scale->counts);
}

void scale_meter_deinit(struct scale *scale)
{
	for (uint32_t i = 0; i < scale->item_count; i++) {
		free(scale->items[i].after_us);
		free(scale->items[i].hops);
	}
	free(scale->counts);
}

void scale_meter_begin(struct scale *scale)
{
	scale->first_item = scale->item_count;
	memset(scale->counts, 0, scale->world->count * sizeof *scale->counts);
}

/* ---- where news is ---- */

static void arrive(struct scale_item *item, const struct city *city, uint8_t hops)
{
	if (item->after_us[city->index] >= 0)
		return;
	item->after_us[city->index] = city->world->now_us - item->published_us;
	item->hops[city->index] = hops;
	item->arrived++;
}

void scale_publishes(struct scale *scale, struct city *city, uint8_t lane)
{
	struct world *world = scale->world;
	require(scale->item_count < SCALE_ITEMS_MAX);
	struct scale_item *item = &scale->items[scale->item_count++];
	item->feed = &world->feeds[city->index * FEED_LANE_COUNT + lane - 1u];
	item->seq = item->feed->tip_seq + 1;
	item->origin = city->index;
	item->published_us = world->now_us;
	item->after_us = malloc(world->count * sizeof *item->after_us);
	item->hops = calloc(world->count, 1);
	require(item->after_us && item->hops);
	memset(item->after_us, 0xff, world->count * sizeof *item->after_us);
	arrive(item, city, 0);
}

void scale_accepted(struct city *city, const struct commit *commit)
{
	struct scale *scale = city->world->scale;
	for (uint32_t i = 0; i < commit->count; i++) {
		const struct commit_op *op = &commit->ops[i];
		if ((op->type != COMMIT_RUN && op->type != COMMIT_FILL && op->type != COMMIT_GAP) ||
			op->own)
			continue;
		uint64_t last = op->type == COMMIT_GAP ? op->seq : op->seq + op->count - 1;
		for (uint32_t k = 0; k < scale->item_count; k++) {
			struct scale_item *item = &scale->items[k];
			if (item->seq < op->seq || item->seq > last ||
				!hash_equal(&item->feed->feed_id, &op->feed_id))
				continue;
			const struct city *from = city->receiving ? city->receiving->peer->city : NULL;
			arrive(item, city, from ? (uint8_t)(item->hops[from->index] + 1) : 0);
		}
	}
}

void scale_recount(struct scale *scale, const struct city *city)
{
	for (uint32_t k = 0; k < scale->item_count; k++) {
		struct scale_item *item = &scale->items[k];
		struct node_feed feed = {0};
		if (item->after_us[city->index] < 0)
			continue;
		if (city->node)
			node_feed_find(city->node, &item->feed->feed_id, &feed);
		if (feed.seq >= item->seq)
			continue;
		item->after_us[city->index] = -1;
		item->arrived--;
	}
}

/* ---- what goes over the lines ---- */

#define LENGTH_BYTES 4u
/* Length, array, type, stream and feed_id of a RUN. */
#define HEAD_WANTED 46u

static size_t uint_bytes(uint8_t first)
{
	return first < 0x80 ? 1 : first == 0xcc ? 2 : first == 0xcd ? 3 : 5;
}

/* A RUN begins: whose lane its feed is, is what its body counts for. */
static void count_body(struct scale *scale, const struct city *city, const uint8_t *head)
{
	struct hash feed_id;
	const uint8_t *stream = head + LENGTH_BYTES + 2;
	memcpy(&feed_id, stream + uint_bytes(*stream) + 2, sizeof feed_id);
	const struct ledger_feed *feed = map_get(&scale->world->feeds_by_id, &feed_id);
	struct scale_count *count = &scale->counts[city->index];
	if (feed && feed->lane == FEED_LANE_ALERT)
		count->alert_bodies++;
	else if (feed)
		count->doc_bodies++;
}

/* The head of a frame is there, as far as it goes. */
static void begin_frame(struct scale *scale, struct wire_end *end)
{
	struct scale_stream *s = end->stream;
	unsigned type = s->head[LENGTH_BYTES + 1];
	s->bodies = type == MESSAGE_RUN || type == MESSAGE_FRAGMENT;
	if (type == MESSAGE_RUN)
		count_body(scale, end->city, s->head);
	if (!s->bodies)
		scale->counts[end->city->index].control_bytes += s->have;
}

static uint32_t frame_bytes(const uint8_t *head)
{
	return LENGTH_BYTES +
		((uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 | head[3]);
}

void scale_received(struct wire_end *end, struct bytes bytes)
{
	struct scale *scale = end->world->scale;
	struct scale_stream *s = end->stream;
	while (bytes.len) {
		if (s->left) {
			size_t take = bytes.len < s->left ? bytes.len : s->left;
			if (!s->bodies)
				scale->counts[end->city->index].control_bytes += take;
			s->left -= take;
			bytes = bytes_slice(bytes, take, SIZE_MAX);
			continue;
		}
		s->head[s->have++] = bytes.data[0];
		bytes = bytes_slice(bytes, 1, SIZE_MAX);
		if (s->have < LENGTH_BYTES)
			continue;
		uint32_t whole = frame_bytes(s->head);
		if (s->have < whole && s->have < HEAD_WANTED)
			continue;
		begin_frame(scale, end);
		s->left = whole - s->have;
		s->have = 0;
	}
}

/* ---- figures ---- */

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

/* Median, 99th of a hundred and last of what arrived of a lane in the phase, ms. */
static void delays(const struct scale *scale, uint8_t lane, double out[3])
{
	const struct world *world = scale->world;
	size_t most = (size_t)(scale->item_count - scale->first_item) * world->count, count = 0;
	int64_t *all = malloc((most + 1) * sizeof *all);
	require(all);
	for (uint32_t k = scale->first_item; k < scale->item_count; k++)
		for (uint32_t i = 0; i < world->count; i++) {
			const struct scale_item *item = &scale->items[k];
			if (item->feed->lane == lane && item->after_us[i] >= 0 && i != item->origin &&
				world->cities[i].node)
				all[count++] = item->after_us[i];
		}
	qsort(all, count, sizeof *all, by_value);
	for (int i = 0; i < 3; i++)
		out[i] = 0;
	if (count) {
		out[0] = (double)all[count / 2] / 1e3;
		out[1] = (double)all[count * 99 / 100] / 1e3;
		out[2] = (double)all[count - 1] / 1e3;
	}
	free(all);
}

/* Of those that a path connects with its origin, how many have it. */
static double coverage(
	const struct scale *scale, const struct scale_item *item, const uint32_t *parts)
{
	const struct world *world = scale->world;
	uint32_t connected = 0, reached = 0;
	for (uint32_t i = 0; i < world->count; i++) {
		if (!world->cities[i].node || parts[i] != parts[item->origin])
			continue;
		connected++;
		reached += item->after_us[i] >= 0;
	}
	return connected ? (double)reached / connected : 1;
}

void scale_meter_figures(struct scale *scale, const uint32_t *parts, struct scale_figures *out)
{
	const struct world *world = scale->world;
	double alerts = 0, docs = 0, bytes = 0, alert_bodies = 0, doc_bodies = 0;
	out->coverage = 1;
	out->way = 0;
	for (uint32_t k = scale->first_item; k < scale->item_count; k++) {
		const struct scale_item *item = &scale->items[k];
		double covered = coverage(scale, item, parts);
		out->coverage = covered < out->coverage ? covered : out->coverage;
		bool alert = item->feed->lane == FEED_LANE_ALERT;
		*(alert ? &alerts : &docs) += 1;
		for (uint32_t i = 0; i < world->count && alert; i++)
			if (item->after_us[i] >= 0 && item->hops[i] > out->way)
				out->way = item->hops[i];
	}
	out->alive = 0;
	for (uint32_t i = 0; i < world->count; i++) {
		if (!world->cities[i].node)
			continue;
		out->alive++;
		bytes += (double)scale->counts[i].control_bytes;
		alert_bodies += scale->counts[i].alert_bodies;
		doc_bodies += scale->counts[i].doc_bodies;
	}
	out->control_bytes = bytes / out->alive;
	out->alert_bodies = alerts > 0 ? alert_bodies / alerts / out->alive : 0;
	out->doc_bodies = docs > 0 ? doc_bodies / docs / out->alive : 0;
	delays(scale, FEED_LANE_ALERT, out->alert_ms);
	delays(scale, FEED_LANE_DOC, out->doc_ms);
}
