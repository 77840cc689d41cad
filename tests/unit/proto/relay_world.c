/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/proto/relay_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"

/* The log's warnings, one a line. */
static char log_text_kept[1 << 16];
static size_t log_kept;

static void keep(void *ctx, enum log_level level, const char *line, size_t len)
{
	(void)ctx;
	if (getenv("HANSA_TEST_LOG"))
		fprintf(stderr, "%.*s\n", (int)len, line);
	if (level <= LOG_LEVEL_WARN && log_kept + len + 2 < sizeof log_text_kept)
		log_kept += (size_t)snprintf(
			log_text_kept + log_kept, sizeof log_text_kept - log_kept, "%s\n", line);
}

/* A warning of that event with both texts in it. */
bool relay_logged(const char *event, const char *one, const char *other)
{
	char copy[sizeof log_text_kept];
	memcpy(copy, log_text_kept, log_kept + 1);
	for (char *line = copy, *end; (end = strchr(line, '\n')); line = end + 1) {
		*end = 0;
		if (strstr(line, event) && strstr(line, one) && strstr(line, other))
			return true;
	}
	return false;
}

const char *const relay_slugs[PLACES] = {"city-a", "city-b", "city-c", "city-d"};

/* A new link begins a new stream of frames. */
static void tamper(void *ctx, struct city *from, struct city *to, struct buffer *bytes)
{
	struct world *w = ctx;
	if (from != &w->c.cities[R] || to != &w->c.cities[C])
		return;
	struct pipe_end *end = NULL;
	for (size_t i = 0; i < w->c.pipe_count; i++)
		if (w->c.pipes[i]->city == from && w->c.pipes[i]->peer->city == to)
			end = w->c.pipes[i];
	if (end != w->liar_end) {
		unsigned told = w->liar.told;
		struct hash victim = w->liar.victim;
		enum lie lie = w->liar.lie;
		liar_deinit(&w->liar);
		liar_init(&w->liar, lie);
		w->liar.told = told;
		w->liar.victim = victim;
		w->liar_end = end;
	}
	liar_take(&w->liar, buffer_bytes(bytes));
	buffer_reset(bytes);
	buffer_push_bytes(bytes, buffer_bytes(&w->liar.out));
	buffer_reset(&w->liar.out);
}

void relay_link(struct world *w, enum place one, enum place other)
{
	cluster_connect(&w->c, &w->c.cities[one], &w->c.cities[other]);
}

struct world *relay_world_new(enum lie lie, uint64_t seed)
{
	struct world *w = calloc(1, sizeof *w);
	require(w);
	log_set_sink(keep, NULL);
	log_kept = 0;
	log_text_kept[0] = 0;
	cluster_init(&w->c, PLACES, seed);
	cluster_found(&w->c);
	liar_init(&w->liar, lie);
	w->c.tamper = tamper;
	w->c.tamper_ctx = w;
	relay_link(w, A, R);
	relay_link(w, A, B);
	relay_link(w, R, C);
	cluster_pass(&w->c, 100);
	return w;
}

void relay_world_free(struct world *w)
{
	cluster_deinit(&w->c);
	liar_deinit(&w->liar);
	free(w);
}

/* ---- what is published ---- */

const struct form_shape relay_forms[FORM_COUNT] = {
	[DOC_INLINE] = {"documents in one inline run", FEED_LANE_DOC, 5, 100, true},
	[DOC_STREAM] = {"documents in one run in fragments", FEED_LANE_DOC, 12, 10000, true},
	[DOC_RUNS] = {"documents in several runs", FEED_LANE_DOC, 1100, 60, true},
	[ALERT_PUSH] = {"alerts pushed", FEED_LANE_ALERT, 4, 300, false},
	[ALERT_STREAM] = {"alerts pulled in fragments", FEED_LANE_ALERT, 4, 30000, false},
};

void relay_publish(struct world *w, enum form form)
{
	static struct node_published results[1200];
	static char body[30001];
	uint32_t random = 1;
	for (int i = 0; i < relay_forms[form].count; i++) {
		/* Half of it is chance, so that it stays long when it is compressed. */
		for (int at = 0; at < relay_forms[form].bytes; at++) {
			random = random * 1103515245 + 12345;
			body[at] = (char)('a' + (random >> 16) % 16);
		}
		snprintf(body, sizeof body, "%05d", i);
		body[5] = ' ';
		body[relay_forms[form].bytes] = 0;
		if (relay_forms[form].together)
			require(cluster_publish_later(
						&w->c.cities[A], relay_forms[form].lane, body, &results[i]) == 0);
		else
			require(
				cluster_publish(&w->c.cities[A], relay_forms[form].lane, body, &results[i]) == 0);
	}
	cluster_pass(&w->c, 10);
	for (int i = 0; i < relay_forms[form].count; i++)
		require(results[i].code == 0);
}

uint64_t relay_seq(struct world *w, enum place at, uint8_t lane)
{
	struct node_feed feed = {0};
	cluster_feed(&w->c.cities[at], &w->c.cities[A], lane, &feed);
	return feed.seq;
}

/* Every stored byte of the feed. */
static void stored(struct world *w, enum place at, uint8_t lane, struct buffer *out)
{
	struct hash feed_id;
	struct store_slice slice = {.next_seq = 1};
	require(feed_id_of(&w->c.network_id, &w->c.cities[A].city_id, lane, &feed_id) == 0);
	while (
		store_read_run(w->c.cities[at].store, &feed_id, slice.next_seq, 1 << 18, out, &slice) == 0)
		;
}

bool relay_intact(struct world *w, uint8_t lane, bool whole)
{
	struct buffer mine, theirs;
	buffer_init(&mine, SIZE_MAX);
	buffer_init(&theirs, SIZE_MAX);
	stored(w, A, lane, &mine);
	stored(w, C, lane, &theirs);
	bool intact = theirs.len <= mine.len && (!whole || theirs.len == mine.len) &&
		(theirs.len == 0 || memcmp(mine.data, theirs.data, theirs.len) == 0);
	buffer_deinit(&mine);
	buffer_deinit(&theirs);
	return intact;
}

bool relay_blames_another(void)
{
	bool blames = false;
	for (int i = 0; i < PLACES; i++) {
		char field[32];
		snprintf(field, sizeof field, "city=%s", relay_slugs[i]);
		if (i != R)
			blames |= relay_logged("peer_breach", field, "") ||
				relay_logged("run_refused", field, "");
	}
	return blames;
}

bool relay_all_at_c(struct cluster *c, void *ctx)
{
	struct world *w = ctx;
	(void)c;
	for (uint8_t lane = 1; lane <= FEED_LANE_COUNT; lane++)
		if (relay_seq(w, C, lane) != relay_seq(w, A, lane))
			return false;
	return true;
}
