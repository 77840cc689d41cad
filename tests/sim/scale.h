/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A federation of up to ten thousand cities, and how news spreads in it: `./run sim --scale`,
 * docs/scale.md.
 *
 * scale.c: the course of a run: founding, spreading, deaths, healing. scale_found.c: one charter
 * and one store for all to begin with. scale_meter.c: what came where, when, over how many hops,
 * and how many bytes it took.
 *
 * Words: *item* one entry that is published to be measured; *hop* a link that it went over; *body*
 * an entry as it came over a link, whether it was new there or not; *control byte* a byte of any
 * frame but RUN and FRAGMENT.
 */
#pragma once

#include "tests/sim/world.h"

#define SCALE_ITEMS_MAX 256

/** The stream into one end, looked at frame by frame. */
struct scale_stream {
	uint8_t head[64]; /* of the frame under way */
	uint32_t have;    /* of head */
	uint64_t left;    /* of the frame, behind what was seen */
	bool bodies;      /* it is a RUN or FRAGMENT */
};

struct scale_item {
	const struct ledger_feed *feed;
	uint64_t seq;
	int64_t published_us;
	uint32_t origin;
	uint32_t arrived;  /* at cities that run */
	int64_t *after_us; /* by city, from the publication until it was accepted; -1: not there */
	uint8_t *hops;
};

/** What a city received since the phase began. */
struct scale_count {
	uint64_t control_bytes;
	uint32_t alert_bodies, doc_bodies;
};

struct scale {
	struct world *world;
	struct city *registrar; /* not a member: it keeps the charter that all others share */
	struct scale_item items[SCALE_ITEMS_MAX];
	uint32_t item_count, first_item; /* of the phase */
	struct scale_count *counts;
};

/** One phase's figures. */
struct scale_figures {
	unsigned dead_percent;
	uint32_t alive, links;          /* links between cities that run, at the end */
	uint32_t parts_at_death, parts; /* of the overlay of those that run: then, and at the end */
	double
		coverage; /* of the cities that any path connects with the origin, the least of all items */
	uint32_t hops; /* the fewest links from an alert's origin to the member that is farthest */
	uint32_t
		way; /* and those that the first copy took, the most: three quick ones beat a slow one */
	double alert_ms[3], doc_ms[3];   /* median, 99th of a hundred, last */
	double alert_bodies, doc_bodies; /* per item and member */
	double control_bytes, window_s;  /* a member's, in that time */
	double heal_s;     /* from the restart of the dead until all hold all; below 0: never */
	double memory_mib; /* a node's */
};

struct scale_options {
	uint64_t seed;
	uint32_t nodes, alerts, docs;
	bool log;
};

/** Runs all phases and prints one line of JSON for each. True: every goal of coverage was met. */
bool scale_run(const struct scale_options *options);

/* scale_found.c */
void scale_found(struct scale *scale);

/* scale_meter.c */
void scale_meter_init(struct scale *scale);
void scale_meter_deinit(struct scale *scale);
/** Counts begin anew; items published from now on are the phase's. */
void scale_meter_begin(struct scale *scale);
/** An entry of this lane is about to be published there. */
void scale_publishes(struct scale *scale, struct city *city, uint8_t lane);
/** The node has verified what the commit holds. */
void scale_accepted(struct city *city, const struct commit *commit);
/** The city lost what was not durable: what it has is looked at again. */
void scale_recount(struct scale *scale, const struct city *city);
void scale_received(struct wire_end *end, struct bytes bytes);
/** The phase's figures but for those of the overlay and of healing. `parts`: by city, its part of
 * the overlay. */
void scale_meter_figures(struct scale *scale, const uint32_t *parts, struct scale_figures *out);
