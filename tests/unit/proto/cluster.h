/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "charter/amendment.h"
#include "proto/node.h"

/**
 * Several nodes in one process, in virtual time: memory stores, byte pipes for links, commits and
 * reads answered in order. Everything is decided by the seed. Failures of the harness itself end
 * the test (require).
 */

#define CLUSTER_CITIES_MAX 8

struct cluster;

struct pipe_end {
	struct cluster *cluster;
	struct city *city;
	struct link *link;
	struct pipe_end *peer;
	struct buffer in; /* bytes on their way to this end */
	bool closing, closed, stalled;
};

struct city {
	struct cluster *cluster;
	char slug[16];
	struct secret_key *city_key, *node_key;
	struct hash city_id;
	struct store *store;
	struct attachment_files *files;
	struct attachment_sink *sink;
	struct node *node;
	struct commit *commits[4096];
	size_t commit_count;
	struct node_read *reads[1024];
	size_t read_count;
	struct node_write *writes[1024];
	size_t write_count;
	uint64_t entries_seen, gap_alerts_seen, attachments_seen;
	char last_close[160];
	bool hold_commits;     /* commits wait: a slow disk */
	bool hold_reads;       /* reads wait; the test may answer those in `reads` itself */
	unsigned fail_commits; /* so many of the next ones find no room, control objects aside */
	uint8_t instance[16];
	bool no_relay, no_beacons;
	const struct node *charters_of; /* node_config's, of the next start */
	bool no_compression;            /* else runs are compressed at first: no link here has a rate */
	uint64_t fetch_bytes;           /* larger attachments on demand only; 32 MiB at first */
};

struct cluster {
	struct city cities[CLUSTER_CITIES_MAX];
	size_t count, founders; /* founders 0: all */
	struct node_time now;
	uint64_t random;
	struct hash network_id;
	struct secret_key *officer;
	struct pipe_end *pipes[64];
	size_t pipe_count;
	/** May change bytes from one city to another before they arrive. */
	void (*tamper)(void *ctx, struct city *from, struct city *to, struct buffer *bytes);
	void *tamper_ctx;
	char folder[64];
};

void cluster_init(struct cluster *cluster, size_t count, uint64_t seed);
void cluster_deinit(struct cluster *cluster);
/** One network with the first cities as founders. */
void cluster_found(struct cluster *cluster);
/** The city `at` admits another and hands it the charter, as a join does. */
void cluster_admit(struct city *at, struct city *joiner, bool confirmed);
void cluster_node_start(struct city *city);
/** Stops and frees the node; its store stays. */
void cluster_node_stop(struct city *city);
void cluster_connect(struct cluster *cluster, struct city *a, struct city *b);
/** A link to the city's node whose other end the test plays: it reads `in`, and writes the bytes
 * into peer->in. script.h does that by frames. */
struct pipe_end *cluster_play(struct city *city, const struct public_key *peer_key);
void cluster_disconnect(struct cluster *cluster, struct city *a, struct city *b);
/** Runs until `done` says so; false when `max_ms` of virtual time have passed before. */
bool cluster_run(struct cluster *cluster, bool (*done)(struct cluster *cluster, void *ctx),
	void *ctx, int64_t max_ms);
/** Runs for so long. */
void cluster_pass(struct cluster *cluster, int64_t ms);

/** Publishes one entry and waits for its answer: the result's code. */
int cluster_publish(struct city *city, uint8_t lane, const char *body, struct node_published *out);
/** Queues it without waiting; *result is filled later, its code preset to 1. */
int cluster_publish_later(
	struct city *city, uint8_t lane, const char *body, struct node_published *result);
bool cluster_feed(struct city *at, struct city *of, uint8_t lane, struct node_feed *out);
/** The next epoch of a city, begun behind its own feeds as they are here, with a new node key. */
void cluster_renew(struct city *city);
/** The same with cuts of the caller's, for each lane, under the key of this seed. */
void cluster_renew_at(
	struct city *city, uint8_t seed_byte, const struct epoch_cut *cuts, enum epoch_reason reason);
/** All cities hold the same feeds: same seq and hash for each. */
bool cluster_converged(struct cluster *cluster, void *ctx);
/** An amendment signed by the officer, submitted at one city. */
int cluster_amend(struct city *at, const struct amendment_item *items, size_t count);
