/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Deterministic simulation: many cities of one network in one process, the real lib/ and proto/
 * code in virtual time, everything decided by one seed. docs/scale.md says what is modelled.
 *
 * world.c: time and the trace. city.c: a node's life, its disk and its guard. wire.c: connections.
 * membership.c: founding, joins, suspensions, renewals. faults.c: what goes wrong. ledger.c: what
 * was ever signed, against which every commit is held. judge.c: the invariants at rest.
 *
 * scale.h: how news spreads among thousands, measured.
 *
 * To add a fault: a row in faults.c. To add an invariant: judge.c, or ledger.c if it concerns what
 * is committed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/map.h"
#include "charter/amendment.h"
#include "proto/node.h"
#include "tests/sim/event_queue.h"
#include "tests/sim/shrink.h"
#include "tests/unit/proto/liar.h"

#define WORLD_CITIES_MAX 10000
#define CITY_TARGETS_MAX 12 /* whom a city dials */
#define CITY_LINKS_FEW 4
#define WORLD_MS INT64_C(1000)
#define WORLD_S INT64_C(1000000)

struct world;
struct wire;
struct scale;
struct scale_stream;

/** One side of a connection. */
struct wire_end {
	struct world *world;
	struct city *city;
	struct link *link; /* NULL: closed on this side */
	struct wire *wire;
	struct wire_end *peer;
	struct buffer in;        /* arrived, not read by the link yet */
	uint64_t sent, expected; /* chunks from here; the next one to here */
	uint64_t in_flight;      /* sent from here, not read by the peer's link yet */
	int64_t busy_us;         /* the line is taken until then */
	int64_t arrival_us;      /* of the last bytes sent from here: a stream keeps its order */
	struct list held;        /* chunks that a blocked direction keeps from this end */
	struct list_node by_city;
	struct list_node wake_node;
	bool closing, ended_in, pump_due;
	struct liar *liar;
	struct scale_stream *stream; /* NULL but in a world of scale.h */
};

struct wire {
	struct list_node node;
	struct wire_end ends[2];
	int64_t latency_us;
	uint64_t rate;   /* bytes a second */
	unsigned chunks; /* events that point here */
};

/** A guard file as it is on the disk: what this city signed last. */
struct city_guard {
	bool known;
	uint32_t epoch;
	uint64_t seq[FEED_LANE_COUNT];
	struct hash entry_hash[FEED_LANE_COUNT];
};

struct city_target {
	uint32_t city;
	unsigned failures;
	int64_t due_us;
	bool busy;
};

struct city {
	struct world *world;
	uint32_t index, life;
	uint32_t origin; /* whose keys it has: its own index, but of a copy */
	char slug[16];
	struct secret_key *city_key, *node_key, *next_key;
	struct hash city_id;
	uint64_t random; /* what its node draws */
	struct store *store;
	struct store_snapshot *snapshot;
	struct city_guard guard, snapshot_guard; /* the latter as it was when the copy was made */
	uint32_t snapshot_epoch;
	struct node *node; /* NULL: down */
	bool dying;        /* being taken apart: what it asks for is answered with errors */
	bool restarting;   /* a restart is due */
	bool admitted;
	int64_t clock_offset_ms;
	int64_t deadline_us; /* of the event that is pushed */
	int64_t called_us;   /* when it was last called for a deadline */
	unsigned called;     /* so often since the last check */
	/* the disk */
	struct list commits, written; /* struct city_commit: those that wait, those being synced */
	size_t commit_bytes;
	bool writing;
	struct node_read **reads;
	size_t read_count, read_capacity;
	int64_t read_us; /* when the last of them is answered */
	int64_t commit_us, read_latency_us;
	/* the network */
	struct list ends, wakes;
	struct wire_end *receiving; /* while its node is given what came there */
	unsigned side;              /* of a partition */
	bool flapping;              /* its connections break soon after they were made */
	bool mute;                  /* neither hears nor is heard, and nobody is told */
	uint64_t rate;              /* of its access line, bytes a second */
	enum lie lie;
	struct city_target targets[CITY_TARGETS_MAX];
	unsigned target_count;
	/* seen by the judge */
	/* of each feed of the world, as committed here; NULL in scale.h's */
	uint64_t *durable;
	uint64_t charter_number, charter_durable; /* as it was shown, as it was committed */
	int64_t amended_us;                       /* when an amendment last became durable here */
	bool rolled_back;                         /* takes its feeds back */
	bool force_due;                           /* or goes on without them */
	bool blind;    /* publishes as it starts: nobody can tell it what is missing */
	bool may_fork; /* a twin, an equivocator, a store put back with its guard */
	/* a renewal of the node key, as daemon/app_renew.c does it */
	bool renewing, renew_submitted, renew_force;
	uint32_t epoch_newest; /* of its records, wherever they are */
	int renew_code;        /* 1: not answered yet */
};

struct city_commit {
	struct list_node node;
	struct commit *commit;
};

/** An entry that was durable at its origin. */
struct ledger_entry {
	struct hash entry_hash;
	uint64_t content; /* over its wire form */
	uint64_t head;    /* over the head that the origin signed here; 0: none */
	uint32_t epoch;   /* in which it was signed */
	bool acknowledged;
};

/** A further one that its origin signed at a seq: of a second history, or of an epoch that goes on
 * below what a cut disowned. */
struct ledger_other {
	uint64_t seq;
	struct ledger_entry entry;
};

struct ledger_feed {
	struct hash feed_id;
	uint32_t city;
	uint8_t lane;
	struct ledger_entry *entries; /* [0] is seq 1: the first that was signed there */
	uint64_t count, capacity;
	struct ledger_other *others;
	size_t other_count;
	uint64_t forked; /* the lowest seq at which two of one epoch were signed; 0: nowhere */
	/* the newest valid entry at the origin */
	uint64_t tip_seq;
	uint32_t tip_epoch;
	/* cuts that were made: (seq, hash), by city key or officers */
	struct epoch_cut *cuts;
	size_t cut_count;
};

struct world_options {
	uint64_t seed;
	uint32_t nodes;
	int64_t minutes;
	bool faults;
	bool forks; /* whole machines are put back, too */
	bool log;
	bool scale;
	const struct fault_set *only; /* of the faults only these; NULL: all */
};

struct world {
	struct world_options options;
	struct event_queue queue;
	int64_t now_us;
	uint64_t chance, net_chance; /* of the faults, of the lines: nodes draw their own */
	uint64_t trace, steps;
	struct city *cities; /* one more than count: scale.h's registrar */
	uint32_t count, founders;
	struct scale *scale; /* NULL: not measured */
	struct hash network_id;
	struct secret_key *officer;
	struct list wires;
	struct map cities_by_id, feeds_by_id;
	struct ledger_feed *feeds; /* 4 a city */
	/* the charter */
	struct hash *amendments; /* object hashes by number, from 1 */
	uint64_t amendment_count;
	bool amending; /* one is on its way at the amender; amend_code is 1 until it is answered */
	uint32_t amender;
	int amend_code;
	struct city *joiner; /* whom it admits, or NULL */
	/* what goes on */
	bool sparse;       /* each dials its two neighbours only: news has few ways */
	int64_t hushed_us; /* nobody publishes from then on, so that nothing newer heals what is lost */
	bool partitioned, one_way, quiet;
	uint64_t published, acknowledged, refused, connections, rollbacks, renewals;
	uint64_t disowned, forced, proofs;
	uint64_t faults, publications; /* so many were due: they are numbered */
	/* failed: why; empty: all is well */
	char failure[512];
};

/* world.c */
void world_init(struct world *world, const struct world_options *options);
/** True: it ran to its end and nothing was wrong; else world->failure. */
bool world_run(struct world *world);
/** What happens until then. */
void world_pass(struct world *world, int64_t until_us);
void world_deinit(struct world *world);
uint64_t world_random(uint64_t *state);
/** [0, below) of the faults' chance; below > 0. */
uint64_t world_below(struct world *world, uint64_t below);
/** From now on what is drawn is the chance of this one thing alone; the former, to be put back. */
uint64_t world_chance_of(struct world *world, uint64_t thing);
/** The first failure stays, with the moment. */
__attribute__((format(printf, 2, 3))) void world_fail(struct world *world, const char *format, ...);
void world_push(struct world *world, int64_t in_us, enum event_type type, uint32_t city,
	int64_t number, void *what);
void world_trace(struct world *world, uint64_t value);
uint64_t world_digest(uint64_t from, const void *bytes, size_t len);
struct city *world_city(struct world *world, const struct hash *city_id);
struct node_time world_time(const struct city *city);

/* city.c */
void city_init(struct world *world, uint32_t index);
void city_deinit(struct city *city);
void city_start(struct city *city);
/** The power fails: what is being written is kept or lost, what waits is lost. */
void city_crash(struct city *city, bool silent);
/** After any call into the node: wires pumped, its next deadline pushed. */
void city_settle(struct city *city);
void city_deadline(struct city *city);
void city_written(struct city *city);
/** At once, for the founding: writes whatever waits. */
void city_write_all(struct city *city);
void city_answer_read(struct city *city);
void city_publish(struct city *city, uint8_t lane, size_t body_bytes);

/* wire.c */
void wire_dial(struct city *city);
void wire_meet(struct city *from, uint32_t to);
void wire_arrive(struct world *world, void *chunk);
void wire_pump(struct wire_end *end);
void wire_reset(struct wire *wire);
/** A city is gone: its ends close, the peers are told unless it is silent. */
void wire_city_gone(struct city *city, bool silent);
/** All its connections are cut, and it runs on. */
void wire_city_break(struct city *city);
/** What is held goes on where nothing blocks it any more. */
void wire_release(struct world *world);
bool wire_blocked(const struct city *from, const struct city *to);
void wire_free(struct wire *wire);
void wire_free_if_over(struct wire *wire);

/* membership.c */
void membership_found(struct world *world);
/** An honest city that runs and holds the newest amendment, or NULL. */
struct city *membership_amender(struct world *world);
/** The officer signs the next amendment there. */
void membership_amend(struct world *world, struct city *at, const struct amendment_item *item);
void membership_join(struct world *world);
void membership_suspend(struct world *world);
void membership_resume(struct world *world);
/** By force: a city that waits for its own entries goes on without what is not here. */
void membership_renew(struct city *city, bool force);
/** A restart finds the charter naming its next key. */
void membership_renew_resume(struct city *city);
/** What waits for the node's answers goes on. */
void membership_step(struct city *city);
/** Its member record as it sees itself; NULL: none. */
const struct roster_member *membership_own(const struct city *city);

/* cut.c */
void cut_suspend(struct world *world);
/** Its epoch was ended by officers: it begins another. Or its admin waits no longer. */
void cut_step(struct city *city);

/* faults.c */
/** Which cities are liars. */
void faults_init(struct world *world);
void faults_happen(struct world *world);
void faults_mend(struct world *world, int64_t kind, uint32_t city);
/** All that is wrong ends; who is down starts. */
void faults_end(struct world *world);
void faults_publish(struct world *world);

/* ledger.c */
void ledger_init(struct world *world);
void ledger_deinit(struct world *world);
void ledger_commit(struct city *city, const struct commit *commit);
/** A cut of that feed was signed: entries beyond it may be disowned. */
void ledger_cut(struct ledger_feed *feed, const struct epoch_cut *cut);
void ledger_acknowledged(struct city *city, uint8_t lane, const struct node_published *published);
/** A node that has started: it holds what was durable there. */
void ledger_started(struct city *city);
/** What a node shows is the beginning of what was signed. */
void ledger_shown(struct city *city);

/* judge.c */
void judge_step(struct world *world);
/** Whether all honest members that are linked with each other hold the same. */
bool judge_at_rest(struct world *world, char *why, size_t len);
