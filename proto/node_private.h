/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "charter/object.h"
#include "charter/roster.h"
#include "feed/builder.h"
#include "feed/hold.h"
#include "proto/beacons.h"
#include "proto/charter.h"
#include "proto/message.h"
#include "proto/node.h"
#include "proto/node_fork.h"
#include "proto/node_quota.h"
#include "proto/overlay.h"
#include "proto/rate.h"
#include "proto/spread.h"

/**
 * What the files of proto/ share. node.c: life, networks, commits. node_feed.c: feeds and verified
 * runs. node_charter.c: control objects; charter.c: how they are held. node_publish.c: own entries.
 * link.c: a link's life;
 * link_receive.c: frames in; link_send.c: frames out; link_serve.c: pulls served. sync.c: HELLO,
 * digests, cursors, announcements. spread.c: which feed is pulled where. node_attachment.c:
 * attachments fetched. node_hold.c: taking the own feeds back. node_twin.c: twins. node_fill.c:
 * what an unconfirmed city gets, and the rest afterwards. node_rival.c: amendments of one number.
 * node_clock.c: clocks compared. node_fork.c: fork proofs made; node_freeze.c: what they mean for a
 * feed. node_quota.c: how much of a feed is taken. overlay*.c: whom to dial, and who is one too
 * many.
 */

struct network;
struct feed;

/** "The peer has this feed up to seq, and I had less when it said so." */
struct announced {
	struct list_node by_feed, by_link;
	struct feed *feed;
	struct link *link;
	uint64_t seq;
	struct hash entry_hash;
	uint64_t mark;            /* number of the mark that closes it; 0: none yet */
	struct monotime retry_at; /* the peer could not serve it: not asked again before */
};

/** An alert kept ahead of a gap. */
struct gap {
	struct list_node node;
	uint64_t seq;
	struct hash entry_hash, prev;
	struct blob *wire;
	uint8_t head[HEAD_BYTES];
	struct hash source_city;
	bool durable;
};

struct feed {
	struct network *network;
	struct hash feed_id, city_id;
	uint8_t lane;
	bool own, frozen;
	struct feed_tip tip;     /* accepted: verified, perhaps not yet durable */
	struct feed_tip durable; /* what a failed commit goes back to */
	uint64_t durable_seq;    /* of durable, which is what peers and people are told */
	struct hash durable_hash;
	/* A copy that began later, node_fill.c: entries up to base are not held yet, but for 1..fill.
	 */
	uint64_t base;         /* 0: none are missing */
	struct hash base_hash; /* of entry `base` */
	struct feed_tip fill;  /* accepted; fill_durable: what a failed commit goes back to */
	struct feed_tip fill_durable;
	bool filling;                /* pull_link was asked for what is missing */
	bool failed;                 /* a commit failed: tip goes back when none is in flight */
	uint64_t arrival;            /* of the durable tip */
	uint32_t in_flight;          /* commits not answered */
	enum commit_class class;     /* of those commits */
	struct list_node by_arrival; /* in network->feeds_by_arrival once durable_seq > 0 */
	struct list announcers;      /* struct announced */
	struct list gaps;            /* struct gap, ascending seq */
	uint32_t gap_count;
	/* the pull that is open */
	struct link *pull_link;
	uint64_t pull_progress_seq; /* accepted seq when it last moved */
	uint64_t pull_expected;     /* first_seq of its next run */
	uint64_t pull_number;       /* the link's pulls are counted */
	struct monotime pull_at;    /* when it was asked, or something of it came */
	bool pull_begun;            /* a run of it has begun in fragments */
	uint32_t pull_moves;        /* taken from one link and given to another, without anything */
	bool epoch_missing;         /* a run came that could not be kept: its epoch, cut or purge
									is not known here yet, it was frozen, there was no room */
	struct list_node wanting; /* in node->wanting[lane - 1] while it should be pulled and is not */
	struct monotime retry_at; /* not wanted before */
	struct monotime fill_retry_at; /* the same of what is missing below its beginning */
	struct dispute *dispute;       /* node_fork.c: a second history is being looked for */
	struct freeze *freeze;         /* node_freeze.c: by a fork proof of the newest epoch */
	struct quota *quota;           /* node_quota.c: where the charter names one */
};

struct network {
	struct node *node;
	struct hash id;
	char slug[64];
	struct charter *charter;
	struct roster *roster;        /* the charter's */
	struct list feeds_by_arrival; /* struct feed, ascending */
	/* sorted feeds of each range, and what was computed of them */
	struct range {
		struct feed **feeds;
		uint32_t count, capacity;
		bool dirty;
		struct hash hash;
	} ranges[RANGE_COUNT];
	struct hash own_city;         /* copy of node's */
	uint64_t address_number;      /* newest of our own list */
	uint64_t news_link;           /* id of the link that brought the last new thing */
	uint32_t live_links;          /* scratch of overlay_links.c */
	bool judge_due;               /* pins may have changed */
	struct monotime confirmed_at; /* when this city was, while the node runs */
	struct list pending;          /* objects whose predecessor is missing, few */
	uint32_t pending_count;
	struct map lists; /* city_id → struct list_rate, of node_rate.c */
	uint32_t lists_waiting;
	struct beacons beacons;
	struct rate own_lists; /* our own address lists */
	bool own_list_waits;
	/* recovery of the own feeds */
	bool guard_set;
	uint64_t guard_seq[FEED_LANE_COUNT];
	uint32_t guard_epoch[FEED_LANE_COUNT]; /* in which that was signed, or a later one */
	bool holds_required, word_forgone;
	uint8_t hold_nonce[HOLD_NONCE_BYTES];
	struct map holders;                  /* city_id → struct claim, of node_claim.c */
	uint64_t claim_tip[FEED_LANE_COUNT]; /* of the own feeds, and since when it is that */
	struct monotime claim_moved[FEED_LANE_COUNT];
	struct monotime hold_next;
	/* publishing */
	struct feed *own_feeds[FEED_LANE_COUNT]; /* NULL while not admitted */
	struct publisher *publishers[FEED_LANE_COUNT];
};

struct mark {
	uint64_t number, arrival;
	uint8_t rolling[8];
	uint32_t outstanding;
};

/**
 * A link's side of one shared network. What the peer is told is a walk over the network's two
 * lists, ordered by arrival: from its cursor to the end, then live. Nothing of it is queued.
 */
struct link_network {
	struct network *network;
	bool named; /* the peer named it in its HELLO */
	bool said;  /* we named it in ours */
	/* telling */
	size_t amendment_next;      /* of the chain, told by number as they become durable */
	struct buffer object_wants; /* hashes that the peer asked for */
	bool telling;               /* the walk was begun */
	bool live; /* the first mark was sent: objects are now announced by hash, in batches */
	struct object_ref *object_next;
	struct feed *feed_next;
	bool filtered; /* the walk answers a RANGE_WANT: only these ranges, up to filter_until */
	uint8_t filter_objects[32], filter_feeds[32];
	uint64_t filter_until;
	uint64_t ranges_arrival; /* our newest arrival when our ranges were sent */
	uint64_t told_arrival;   /* of the last mark sent */
	uint64_t acked_arrival;  /* ours, as the peer acknowledged */
	uint64_t hello_arrival;  /* ours, as said in our last HELLO */
	uint64_t hello_number;   /* the peer's newest amendment, as said in its first */
	uint64_t parted;         /* our amendments from this number on were held against the peer's */
	struct beacon_link beacons;
	struct rate asks, asks_own; /* HOLD_ASK that it passes on, and for its own feeds */
	/* listening */
	struct message_cursor cursor; /* of the peer's arrivals, as reached */
	bool cursor_dirty;
	struct mark *marks; /* a ring of mark_room; none while no mark is open: 8 KiB of an idle link */
	uint32_t mark_first, mark_count, mark_room;
	uint64_t mark_next;        /* number of the mark that closes what is announced now */
	uint32_t mark_open;        /* items outstanding that it will close */
	struct map wanted_objects; /* object_hash → mark number × 2 + asked for, as pointer */
	uint32_t asked;            /* of them, at the peer */
	bool unknown;              /* feeds of cities not admitted here were announced: their ranges */
	uint8_t unknown_feeds[32];
};

/** One run or attachment being received. */
struct assembly {
	uint32_t stream;
	bool open;
	bool attachment;
	struct hash feed_id;
	uint64_t first_seq, offset;
	uint8_t head[HEAD_BYTES];
	bool has_prev;
	struct hash prev;
	uint32_t flags;
	uint32_t plain_len; /* of a compressed run, else 0; offset then counts what came */
	struct blob *blob;
	struct hash attachment_id; /* its transfer may be gone before the stream is */
};
#define ASSEMBLIES_MAX 8u
#define NODE_DIALS_MAX 8u

/** A pull that a peer has open with us. */
struct serving {
	struct list_node node;
	struct hash feed_id;
	uint8_t lane;
	uint64_t next_seq;
	uint64_t sent_bytes;
	/* attachment */
	bool attachment;
	struct hash attachment_id;
	uint64_t size;
	uint32_t first_chunk;
	bool with_list, urgent;
	/* the run or stream in hand */
	uint32_t stream;
	bool in_run;
	uint64_t run_head_seq;
	uint64_t offset;
	/* slices read: [0] being sent, [1] ready behind it */
	struct node_read *slices[2];
	size_t slice_at;
	bool reading, read_end, skip_read;
	bool begins;  /* what is read next begins a run */
	bool no_gain; /* compression gained too little: not tried again for this pull */
	int read_code;
	uint64_t read_next;
	uint8_t rank;      /* as node_feed_rank has it */
	uint64_t since_ms; /* an unconfirmed city's: nothing older is read for it */
	bool dead;         /* link gone or pull over while a read is under way */
};

/** An attachment being fetched, or waiting for it. */
struct transfer {
	struct list_node node;
	struct hash id, feed_id;
	struct network *network;
	uint64_t seq, size;
	uint8_t flags;
	bool urgent;       /* the CAP original of an alert */
	bool begun;        /* its chunk hashes are in the store */
	struct link *link; /* asked of it */
	bool answered;     /* ATTACHMENT has come, as this stream */
	uint32_t stream;
	uint64_t first_chunk; /* asked for */
	struct hash source_city;
	struct hash failed_city; /* who did not give it last, if `failures` */
	struct monotime retry_at;
	struct monotime progress, look_at; /* when something of it came; when that is looked at next */
	uint32_t failures;
	struct buffer list; /* chunk hashes, while it runs */
	struct blob *chunk; /* being gathered */
	uint64_t attempt;   /* number of the last time that it was asked for, in this node's life */
	uint32_t writes;    /* of this attempt, not answered */
	uint64_t chunks_received, chunks_durable, chunks_committed;
	uint64_t since_sync;
	bool finishing;
};

/* Serving classes, by priority. */
enum serve_class {
	SERVE_ALERT,
	SERVE_ORIGINAL,
	SERVE_CALL,
	SERVE_DOC,
	SERVE_META,
	SERVE_ATTACHMENT,
	SERVE_CLASS_COUNT
};

/** A frame ready to go that several links may share. */
struct push {
	struct list_node node;
	struct blob *frame;
};

struct link {
	struct node *node;
	struct list_node node_link;
	uint64_t id;
	void *transport;
	enum link_state state;
	struct public_key peer_key;
	bool dialled;
	bool counted, accepted; /* in the overlay's keys, and among those that it accepted */
	char address[LIMIT_ADDRESS_BYTES + 1];
	bool has_city;
	struct hash city_id;
	char peer_slug[33];
	uint8_t instance[INSTANCE_BYTES], peer_store_epoch[STORE_EPOCH_BYTES];
	bool hello_sent, hello_received;
	struct monotime opened, last_received, ping_sent, closing_since;
	struct timestamp since_wall, last_heard_wall;
	bool ping_open;
	uint64_t ping_token;
	int64_t rtt_us, rtt_least_us; /* -1 unknown */
	int64_t clock_offset_ms;      /* ours is so far ahead of the peer's, as it last said */
	uint64_t early_bytes;
	bool who_answered;
	struct rate holds, beacon_rate;     /* HOLD; beacons asked for */
	struct rate pings;                  /* PING from the peer */
	struct rate twins;                  /* TWIN_NOTICE, TWIN_CHALLENGE, TWIN_PROOF from it */
	struct rate forks_ask, forks_asked; /* FORK_ASK to the peer, and from it */
	struct node_import *import;         /* it is a bundle, of node_import.c */
	int refused;                        /* why its last run was not taken */
	uint32_t fork_asks, fork_serves;    /* not answered yet */
	struct buffer object;               /* the first part of an object that comes in two */
	struct hash object_network;
	size_t object_left;
	struct message_network *others; /* of its HELLOs, not shared yet */
	uint32_t other_count;
	/* in */
	struct buffer in;
	struct assembly assemblies[ASSEMBLIES_MAX];
	uint64_t bulk_received, bulk_limit, bulk_undigested;
	uint64_t urgent_received, urgent_limit, urgent_undigested;
	bool pool_share; /* counted in node->bulk_pool_used */
	uint32_t pulls_open, transfers_open;
	uint64_t pulls_asked, pulls_served[FEED_LANE_COUNT]; /* highest number asked, and answered */
	uint64_t asks_open; /* PULL and ATTACHMENT_PULL items whose end has not come */
	bool gave_up;       /* some of them are waited for no more, what comes of them is late */
	struct monotime progress;
	/* out */
	struct buffer control;
	struct list pushes;
	size_t push_bytes;
	struct blob *partial; /* a frame begun that did not fit at once */
	size_t partial_at;
	struct list serves[SERVE_CLASS_COUNT];
	uint32_t serve_count, slice_count;
	struct serving *run_open[2]; /* runs in fragments, of alerts and of other lanes: one each */
	uint64_t bulk_sent, peer_bulk_limit, urgent_sent, peer_urgent_limit;
	uint32_t next_stream;
	uint64_t rate; /* bytes a second, 0 unknown */
	bool peer_takes_compressed;
	uint64_t sent_bytes, received_bytes;
	bool peer_paused;
	uint32_t peer_pause_code;
	char peer_pause_reason[LIMIT_TEXT_BYTES + 1];
	struct list announced; /* struct announced */
	uint32_t announced_count;
	struct link_network *networks;
	uint32_t network_count;
	struct link *twin;          /* another live link of this key with another instance */
	struct monotime replace_at; /* newer link waits for the older to answer a ping */
	char close_reason[96];
	uint8_t bye;
};

struct node {
	struct node_config config;
	struct node_io io;
	char slug[33], name[129], country[3], agent[65];
	struct hash city_id;
	struct public_key public_key;
	const struct secret_key *key;
	uint8_t store_epoch[STORE_EPOCH_BYTES];
	uint8_t map_seed[MAP_SEED_SIZE];
	struct store_arrival newest; /* durable */
	struct network **networks;
	size_t network_count;
	struct map feeds; /* feed_id → struct feed */
	struct list links;
	struct node_import *import; /* under way, or NULL */
	uint64_t next_link_id;
	struct map links_by_id; /* u64 → struct link */
	struct list wanting[FEED_LANE_COUNT];
	uint64_t pulls_open; /* of all links */
	uint64_t bulk_pool_used;
	struct node_time now; /* of the call under way */
	struct hasher hasher;
	struct run_index index;
	struct message message;
	struct list transfers;
	struct map transfers_by_id;
	uint64_t attachment_attempts;
	struct monotime announce_at, cursor_save_at;
	bool announce_due, want_due, publish_due, drafts_held;
	struct monotime publish_at; /* held drafts go */
	struct map cursors;         /* network_id | city_id → struct store_cursor */
	struct map denied;          /* city_id → itself */
	struct map blames;          /* city_id → struct blame, of node_blame.c */
	struct list bootstraps;
	struct list guards; /* of networks whose charter is not back yet */
	uint32_t guards_without_network;
	bool holds_required;
	enum node_publishing publishing_said;
	struct map hold_nonces;
	struct list hold_nonce_list;
	char **addresses;
	size_t address_count;
	bool twin, stopped, paused;
	struct list disputes; /* struct dispute, of node_fork.c */
	uint64_t dispute_number;
	struct roster_change change;
	struct monotime spread_at, attachment_at, beacons_at, beacons_save_at;
	struct monotime links_at; /* no link's deadline is before it; found anew once it is reached */
	char pause_reason[LIMIT_TEXT_BYTES + 1];
	uint8_t twin_nonce[32];
	bool twin_asked;
	bool clock_wrong_said;
	size_t publish_bytes;
	uint64_t commits; /* under way */
	bool flushing, addresses_set;
	char dial_texts[NODE_DIALS_MAX * 2][LIMIT_ADDRESS_BYTES + 1];
	size_t dial_text_count;
	bool dial_bootstraps_last; /* they and the members take turns */
	struct overlay overlay;
	char state_text[256];
};

/* node.c */
struct network *node_network_find(const struct node *node, const struct hash *id);
/** Takes the charter over; NULL without memory. */
struct network *node_network_add(struct node *node, const struct hash *id, struct charter *charter);
/** Its local name from the charter's slug, with a suffix where two share one. */
void node_network_name(struct network *network);
void node_network_op(struct network *network, struct commit *commit);
/** Own address lists, where they differ from the newest. */
void node_publish_addresses(struct node *node);
void node_commit(struct node *node, struct commit *commit);
void node_emit(struct node *node, const struct node_event *event);
void node_random(struct node *node, void *out, size_t len);
bool node_is_relay(const struct node *node);
/** What calls into the node leave to be done at their end: pulls chosen, drafts committed. */
void node_flush(struct node *node);

/* node_feed.c */
/** A member's feed, made when it is first asked for: most of ten thousand cities' are empty. NULL:
 * of nobody, or no memory. */
struct feed *node_feed(struct node *node, const struct hash *feed_id);
struct feed *node_feed_make(
	struct node *node, struct network *network, const struct hash *city_id, uint8_t lane);
/** A member's feeds have names now, and the own city's are made. */
void node_feeds_make_member(struct node *node, struct network *network, const struct hash *city_id);
void node_feed_insert_range(struct network *network, struct feed *feed);
/** The rules of one epoch of the feed. ERROR_EPOCH_UNKNOWN. */
int node_feed_rules(const struct feed *feed, uint32_t epoch, struct run_rules *rules);
/**
 * A run from a link: verified, then committed; blob is taken. 0 also for what is dropped without
 * blame (duplicate, unknown epoch, beyond a cut not known to the peer). Else the breach.
 */
int node_feed_run(struct node *node, struct link *link, struct feed *feed, uint64_t first_seq,
	const uint8_t head[HEAD_BYTES], const struct hash *prev, uint32_t flags, struct blob *blob,
	size_t credit_bytes);
/** A peer names another entry at our durable seq: two histories, one of them ours perhaps. */
void node_feed_contradicted(
	struct node *node, struct link *link, struct feed *feed, const struct message_feed *f);
void node_feed_committed(struct node *node, struct commit *commit, const struct commit_op *op);
void node_feed_gap_committed(struct node *node, struct commit *commit, const struct commit_op *op);
void node_feed_tell_committed(struct node *node, struct commit *commit, const struct commit_op *op);
void node_feed_cut_committed(struct node *node, struct commit *commit, const struct commit_op *op);
/** Adds the run in `index` to a commit; takes blob. `feed->tip` has been moved behind it. NULL
 * without memory. */
struct commit_op *node_feed_op(struct feed *feed, struct commit *commit, uint64_t first_seq,
	const struct head *head, const struct run_index *index, struct blob *blob,
	const struct hash *prev);
/** Sends an own alert that has become durable to all. */
void node_feed_push(struct feed *feed, uint64_t seq, const uint8_t *head, const struct hash *prev,
	const struct blob *blob);
void node_feed_free(struct feed *feed);
/**
 * Moves what is held beyond `at` aside. `within`: that place as a tip of an epoch that goes on
 * there, with another history; NULL: the epoch ends there.
 */
void node_feed_cut(
	struct feed *feed, uint32_t epoch, const struct epoch_cut *at, const struct feed_tip *within);
void node_feed_apply_cuts(struct node *node, struct network *network, const struct hash *city_id);
/** The same of all feeds. */
void node_feeds_apply_cuts(struct node *node, struct network *network);
void node_feed_join_gaps(struct node *node, struct feed *feed);
/** The visible standing of a city's entries: false for alerts of unconfirmed cities. */
bool node_city_confirmed(const struct network *network, const struct hash *city_id);

/** The lane whose priority it has: alerts of unconfirmed cities go with documents. */
uint8_t node_feed_rank(const struct feed *feed);
/** Commits of one feed keep their order: its class changes only while none of them is under way. */
enum commit_class node_feed_class(struct feed *feed);
/** Whose credit the commit's bytes are. */
void node_feed_credit(struct commit *commit, const struct link *link, size_t credit, bool urgent);
/** After a failed commit, once none is under way: back to what is durable. */
void node_feed_settle(struct feed *feed);
/** Tells the owner which entries are durable now, by a RUN or FILL that was committed. */
void node_feed_emit_entries(const struct feed *feed, const struct commit_op *op);

/* node_doubt.c */
/** ERROR_EPOCH_UNKNOWN and ERROR_CUT become ERROR_SIGNATURE where its own key did not sign. */
int doubt_head(const struct head *head, uint32_t flags, int code);
/** True: this run of an open pull is not the one that follows. */
bool doubt_order(const struct link *link, struct feed *feed, uint64_t first_seq,
	const struct hash *prev, uint64_t head_seq);
/** An alert that was set aside follows on another entry than the one that came before it. */
void doubt_gap(struct node *node, struct feed *feed, const struct gap *gap);
/**
 * A run that follows on another entry than the tip: ERROR_STATE where the origin has signed it so
 * (a second history, looked into), else `code`, the breach that it was found with.
 */
int doubt_chain(struct link *link, struct feed *feed, const struct feed_tip *tip,
	const struct run_rules *rules, uint64_t first_seq, const struct head *head,
	const struct hash *said_prev, const struct blob *blob, int code);
/** A pushed alert at the tip's own seq: the same one, or one of a second history. */
void doubt_held(struct link *link, struct feed *feed, const struct run_rules *rules,
	const struct head *head, const struct hash *said_prev, const struct blob *blob);
/**
 * An alert that continues the tip, with a prev that is not the tip's: ERROR_STATE if the origin
 * signed it so (a second history, logged), else the breach.
 */
int doubt_prev(struct node *node, struct link *link, struct feed *feed,
	const struct run_rules *rules, const struct head *head, const struct hash *prev,
	const struct blob *blob);
/** True: a body is left out, and nothing here says that it was purged. */
bool doubt_purged(const struct feed *feed, struct bytes entries);

/* link_compression.c */
/** The next run over this link is worth compressing: the peer takes it, and the link is slow. */
bool link_compression_wanted(const struct link *link);
/** What of the peer's credit an open one has used: of a compressed run all that it unpacks to. */
uint64_t link_compression_credit(const struct assembly *a);
/** A RUN that says it is compressed, before anything of it is taken: 0, or the breach. */
int link_compression_check(struct link *link, const struct message *m);
/** A new blob with the run, ERROR_MEMORY, or the breach. */
int link_compression_unpack(
	struct link *link, struct bytes packed, uint32_t plain_len, struct blob **out);

/* node_blame.c */
/** The city broke the protocol. */
void blame_add(struct node *node, const struct hash *city_id);
/** It did, so lately that it is not let in again yet. */
bool blame_holds(const struct node *node, const struct hash *city_id);
void blame_forget(struct node *node, const struct hash *city_id);
void blames_free(struct node *node);

/* node_fill.c */
/** The city is in the charter and not confirmed yet: it is served what came after its admission. */
bool node_city_waits(const struct network *network, const struct hash *city_id);
/** Nothing older than this is for the peer, ms; 0: all is. */
uint64_t node_city_since_ms(
	const struct network *network, const struct hash *city_id, const struct feed *feed);
/** The run starts this copy of the feed, later than at its first entry. */
bool node_feed_begins_later(
	const struct feed *feed, uint64_t first_seq, const struct hash *prev, const struct head *head);
/** The tip before such a run. */
void node_feed_begin(
	struct feed *feed, uint64_t first_seq, const struct hash *prev, const struct head *head);
/** It failed: the feed is empty again. */
void node_feed_begin_undo(struct feed *feed);
/** What is missing should be pulled now. */
bool node_fill_due(const struct feed *feed);
/** The run is the next of what is missing. */
bool node_fill_next(const struct feed *feed, uint64_t first_seq);
/** Takes the blob if it answers 0. */
int node_fill_run(struct node *node, struct link *link, struct feed *feed, uint64_t first_seq,
	const struct head *head, const struct run_rules *rules, struct blob *blob, size_t credit);
void node_fill_committed(struct node *node, struct commit *commit, const struct commit_op *op);
/** A cut below the base: what was filled in, up to the cut, is the feed's tip now. */
void node_fill_cut(struct feed *feed, uint64_t seq, const struct hash *hash, uint32_t epoch);
/** What stands in the store. */
void node_fill_load(struct feed *feed, const struct store_feed *stored);
/** This city was confirmed, or a link came up in the network: what is missing may be had. */
void node_fill_want(struct network *network);
/** Whether the entry at the beginning of these bytes is not older than that. */
bool node_entry_since(struct bytes entries, uint64_t since_ms);

/* node_charter.c */
int node_object_receive(
	struct node *node, struct link *link, struct network *network, struct bytes wire);
/** An object of a network whose charter is gone here: gathered until the chain stands. */
int node_object_bootstrap(
	struct node *node, struct link *link, const struct hash *network_id, struct bytes wire);
int node_charter_answer_who(struct link *link, const struct message *m);
struct object_ref *node_object_find(const struct network *network, const struct hash *object_hash);
int node_object_load(struct node *node, struct network *network, const struct store_object *object);
void node_object_committed(
	struct node *node, const struct commit *commit, const struct commit_op *op);
void node_charter_free(struct network *network);
void node_roster_changed(struct node *node, struct network *network);

/* node_clock.c */
/** The peer has said what time it is. */
void clock_heard(struct link *link, struct timestamp time);

/* node_rival.c */
/** An own object that cannot take its place any more: ERROR_CHARTER_RIVAL, ERROR_EXISTS; else 0. */
int rival_judge(const struct network *network, struct bytes wire);
/**
 * What a peer's object that does not fit here says of its charter; link may be NULL. Returns the
 * code as it is to be judged.
 */
int rival_answer(struct link *link, struct network *network, struct bytes wire, int code);
/** After roster_apply has answered ERROR_CHARTER_RIVAL: who signed both is named. */
void rival_log(const struct network *network);

/* node_publish.c */
void node_publish_flush(struct node *node);
void node_publish_wait_over(struct node *node);
void node_publish_cancel(struct node *node);
void node_publishers_free(struct network *network);

/* link.c */
void link_set_state(struct link *link, enum link_state state, const char *reason);
void link_close(struct link *link, enum bye_code code, const char *reason);
int link_breach(struct link *link, int code, const char *rule);
struct link_network *link_network_find(const struct link *link, const struct hash *network_id);
void link_wake(struct link *link);
struct link *node_link_by_id(const struct node *node, uint64_t id);
/** Judges the pin again; sends HELLO when it has become right, closes when it no longer is. */
void link_judge(struct link *link);
void link_on_deadline(struct link *link);
struct monotime link_deadline(const struct link *link);
/** After what may have brought it forward: a new link, a ping out of turn. */
void link_deadline_sooner(struct link *link);
void link_hello_accepted(struct link *link);
/** As node_dials, of the peers that the bootstrap file names. */
size_t link_bootstrap_dials(
	struct node *node, node_dial_fn *may, void *ctx, struct node_dial *out, size_t max);
/** Whether the bootstrap file names this peer for that network. */
bool link_bootstrap_network(const struct link *link, const struct hash *network_id);
/** The networks whose charter this peer is asked for: named with a digest of zeros. Returns how
 * many. */
uint32_t link_bootstrap_hello(
	const struct link *link, struct message_network *networks, uint32_t max);
void link_bootstraps_free(struct node *node);

/* link_receive.c: link_receive of node.h */
void link_release_urgent(struct link *link, uint64_t bytes);
void link_release_bulk(struct link *link, uint64_t bytes);

/* link_send.c: link_produce of node.h */
/** A peer whose disk is full still takes alerts. */
bool link_takes_alerts(const struct link *link);
/**
 * Queues a frame that links share; takes a reference of its own. `urgent` bytes of it count against
 * the peer's urgent limit (0: a control object). False: no credit, or the link is not live.
 */
bool link_push(struct link *link, struct blob *frame, size_t urgent);
/** Moves what waits to be pushed behind what is queued already: the link is closing. */
void link_pushes_flush(struct link *link);
void link_pushes_free(struct link *link);
size_t link_frame_max(const struct link *link);

/* link_serve.c */
int link_serve_pull(struct link *link, const struct hash *feed_id, uint64_t first_seq);
int link_serve_attachment(struct link *link, const struct message *m);
void link_serve_read(struct link *link, struct node_read *read);
/** Appends the next frame of the highest class that can go; false when there is none. */
bool link_serve_produce(struct link *link, struct buffer *out, size_t frame_max);
void link_serves_free(struct link *link);
/** Pulls of that network end: the peer has no part in it any more. */
void link_serves_leave(struct link *link, const struct network *network);

/* sync.c */
void sync_hello(struct link *link);
/** A network came to be shared on a live link: a further HELLO names all again. */
void sync_hello_more(struct link *link);
int sync_on_hello(struct link *link, const struct message *m);
int sync_on_announce(struct link *link, const struct message *m);
int sync_on_ranges(struct link *link, const struct message *m);
int sync_on_range_want(struct link *link, const struct message *m);
int sync_on_object_want(struct link *link, const struct message *m);
int sync_on_object_gone(struct link *link, const struct message *m);
/** Networks of the peer's HELLO that have come to be shared since. */
void sync_others(struct link *link);
/** It is durable here, or never will be: no link awaits it any longer. */
void sync_object_over(struct network *network, const struct hash *object_hash);
/** The city was confirmed: it is told everything anew, older feeds too. */
void sync_confirmed(struct network *network, const struct hash *city_id);
/** What the peer says it holds up to this arrival of ours, it said before it was confirmed. */
bool sync_before_confirmed(
	const struct link *link, const struct network *network, uint64_t arrival);
/** A city was admitted: its feeds that peers announced before are asked for again. */
void sync_admitted(struct network *network);
/** The peer has served nothing of what it announced: its word is forgotten. */
void sync_announced_void(struct announced *a);
struct store_cursor *sync_cursor(
	const struct node *node, const struct hash *network_id, const struct hash *city_id);
int sync_cursor_set(struct node *node, const struct hash *network_id, const struct hash *city_id,
	const struct store_cursor *cursor);
struct commit *sync_save_cursor(struct link *link, struct link_network *ln, struct commit *commit);
struct announced *sync_announced(const struct feed *feed, const struct link *link);
/** The object was pushed to this peer, or came from it. */
void sync_pushed(struct link_network *ln, const struct object_ref *ref);
/** It came over this link and is not durable yet: the cursor waits for it. */
void sync_object_awaited(struct link_network *ln, const struct hash *object_hash);
void sync_tell_from(struct link *link, struct link_network *ln, uint64_t arrival);
/** Appends the next OBJECT, ANNOUNCE or mark that is due; false when there is none. */
bool sync_produce(struct link *link, struct buffer *out, size_t room);
/** Arrivals went on: the peers hear of it within 50 ms. */
void sync_announce_soon(struct node *node);
/** After 50 ms: what was committed since is told to all. */
void sync_announce_all(struct node *node);
/** The walks that stand at this item step over it: it leaves its place. */
void sync_skip_feed(struct feed *feed);
void sync_skip_object(struct network *network, struct object_ref *ref);
/** It was appended to its list: walks that had ended go on from it. */
void sync_feed_appended(struct feed *feed);
void sync_object_appended(struct network *network, struct object_ref *ref);
void sync_feed_durable(struct feed *feed);
void sync_link_closed(struct link *link);
void sync_announced_free(struct announced *a);

/* digest.c */
void digest_feed_changed(struct feed *feed);
const struct hash *digest_feed_range(struct node *node, struct network *network, uint32_t i);
void digest_network(struct node *node, struct network *network, struct hash *out);

/* node_attachment.c */
/** Wants, in the same commit, what the run's entries name and is fetched without being asked for.
 */
void attachment_scan_run(struct feed *feed, const struct hash *source_city, uint64_t first_seq,
	struct bytes entries, struct commit *commit);
void attachment_schedule(struct node *node);
int attachment_on_begin(struct link *link, struct assembly *a, const struct message *m);
int attachment_on_fragment(struct link *link, struct assembly *a, const struct message *m);
void attachment_on_end(struct link *link, const struct message *m);
void attachment_on_written(struct node *node, struct node_write *write);
void attachment_committed(
	struct node *node, const struct commit *commit, const struct commit_op *op);
void attachment_link_closed(struct link *link);
void attachment_leave(struct link *link, const struct network *network);
void attachments_free(struct node *node);
int attachments_load(struct node *node);
/** Transfers that do not move are taken from their link, where another can give them. */
void attachment_on_deadline(struct node *node);
struct monotime attachment_deadline(const struct node *node);

/* node_hold.c */
int hold_on_ask(struct link *link, const struct message *m);
int hold_on_answer(struct link *link, const struct message *m);
void hold_on_deadline(struct node *node);
struct monotime hold_deadline(const struct node *node);
void hold_check(struct node *node);
void hold_link_live(struct link *link);
void hold_free(struct node *node);
void hold_link_closed(struct link *link);

/* node_claim.c */
/** A member's word, once its signature is verified. False: no memory. */
bool claim_take(struct network *network, const struct hold *hold);
/** The highest seq of an own lane, beyond the tip, that somebody says is held; 0: none. */
uint64_t claim_beyond(
	const struct network *network, unsigned lane, uint64_t tip, uint32_t *epoch, struct hash *city);
/** Puts claims aside that brought nothing for too long. */
void claim_on_deadline(struct network *network);

/* node_rate.c, beside rate.h */
/** Own address lists keep a bucket that others hold them to; false: the newest goes later. */
bool rate_own_list(struct network *network);
/** The object is an address list that comes too soon after its city's last ones: it waits here. */
bool rate_puts_off(struct link *link, struct network *network, struct bytes wire);
void rate_on_deadline(struct node *node);
struct monotime rate_deadline(const struct node *node);
void rate_free(struct network *network);

/* node_twin.c */
void twin_found(struct link *a, struct link *b);
int twin_on_notice(struct link *link, const struct message *m);
int twin_on_challenge(struct link *link, const struct message *m);
int twin_on_proof(struct link *link, const struct message *m);
