/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/timestamp.h"
#include "charter/roster.h"
#include "crypto/key.h"
#include "proto/commit.h"
#include "proto/limits.h"

/**
 * A city's node, without input or output of its own: all networks, feeds and links of one daemon.
 *
 * It is fed bytes, completions and the time; it hands out bytes, commits, reads and events through
 * struct node_io. It opens no socket, starts no thread, reads no clock; the daemon and the
 * simulator drive the same code. One thread calls everything here. Calls that take `now` may not go
 * back in monotonic time.
 *
 * Words: *link* one authenticated connection to a peer; *tip* the newest contiguous entry of a
 * feed, *accepted* when verified, *durable* when committed; *pull* a request for runs; *mark* an
 * arrival number of the peer up to which it has announced.
 *
 * To add a frame: message.h (its shape), link_receive.c (its row in the dispatch table),
 * docs/protocol.md section 8.
 */

struct node;
struct link;

struct node_time {
	struct monotime mono;
	struct timestamp wall;
};

/** Reads that the node asks for; the daemon's reader threads call node_read_run() and then
 * node_on_read(). */
struct node_read {
	enum {
		NODE_READ_RUN,
		NODE_READ_ATTACHMENT,
		NODE_READ_BRANCH, /* the hashes of first_seq and on, up to the first head */
	} type;
	struct hash feed_id;
	uint64_t first_seq;
	struct hash attachment_id;
	uint64_t offset;
	size_t bytes_max;
	bool urgent;          /* of an alert: before reads that are not */
	uint64_t entry_seq;   /* attachment: the entry of feed_id that must name it */
	uint32_t first_chunk; /* attachment: the stream begins with this chunk */
	uint64_t since_ms; /* nothing older by its header; a run then begins at the first that is not */
	bool compress;     /* a run: the whole of it as one compressed piece, if that gains enough */
	bool with_list;    /* attachment: the stream begins with the chunk hashes; offset counts stream
						  bytes */
	/* results */
	int code;
	struct blob *blob;
	struct store_slice slice;
	uint32_t plain_len; /* the run was compressed: what it has unpacked; else 0 */
	uint64_t size;      /* attachment: its size */
	bool original;      /* attachment: the entry calls it its CAP original */
	bool end;           /* attachment: the stream ends with this blob */
	/* the node's own */
	uint64_t link_id;
	struct serving *serving;
	uint64_t dispute; /* branch: of this node's own search; 0: a peer asked */
};

struct attachment_files;
/** Reader's thread: performs the read. */
void node_read_run(struct node_read *read, struct store *store, struct attachment_files *files);

/** Bytes of an attachment to be written at an offset: the attachment thread does it by
 * attachment_sink_write, then node_on_written. */
struct node_write {
	struct hash attachment_id;
	uint64_t size, offset;
	struct blob *blob;      /* a whole chunk */
	struct hash chunk_hash; /* which it must have, or nothing is written: ERROR_CHAIN */
	/* Of the transfer: after a write that failed, those of the same attempt are ERROR_CANCELLED. A
	 * new one begins only when all writes of the former are answered. */
	uint64_t attempt;
	bool sync;   /* fdatasync after this one, before answering */
	bool finish; /* last: sync, rename into place, folder fsync */
	int code;    /* result */
	void *part;  /* the sink's own */
	/* the node's own */
	uint64_t link_id;
	struct hash city_id; /* who sent it */
	size_t credit;
};

enum node_event_type {
	NODE_EVENT_ENTRIES,    /* entries first..last of a feed are durable and visible */
	NODE_EVENT_GAP_ALERT,  /* an alert whose predecessor is missing is durable aside */
	NODE_EVENT_OBJECT,     /* a control object was committed */
	NODE_EVENT_DISOWNED,   /* entries beyond a cut were moved aside */
	NODE_EVENT_ATTACHMENT, /* an attachment is complete and durable */
	NODE_EVENT_LINK,       /* a link came up or went down: text has the reason */
	NODE_EVENT_STATE,      /* publishing state changed (recovering, twin, paused) */
};

struct node_event {
	enum node_event_type type;
	struct hash network_id, city_id, feed_id, hash;
	uint8_t lane, object_type;
	uint64_t first, last;
	uint64_t arrival; /* 0 where the event has none */
	struct timestamp time;
	const char *text;
	bool confirmed; /* false: an unconfirmed city's entry, shown to nobody when it is an alert */
};

/** What the node needs of its surroundings. All are called on the node's thread; none may call back
 * into the node. */
struct node_io {
	void *ctx;
	void (*commit)(void *ctx, struct commit *commit);   /* later: node_on_committed */
	void (*read)(void *ctx, struct node_read *read);    /* later: node_on_read */
	void (*write)(void *ctx, struct node_write *write); /* later: node_on_written */
	void (*wake)(void *ctx, void *transport); /* a link has bytes to send, or wants reading again */
	void (*close)(void *ctx, void *transport); /* send what link_produce still gives, then close */
	void (*event)(void *ctx, const struct node_event *event);
	void (*random)(void *ctx, void *out, size_t len);
};

struct node_config {
	struct node_io io;
	const struct secret_key *node_key; /* borrowed, for the node's life */
	struct public_key node_public;
	struct hash city_id;
	struct public_key city_key;
	const char *slug, *name, *country; /* this city's own; copied */
	struct store *store;               /* for boot only; later all goes through io */
	const char *agent;                 /* "hansad/0.1" */
	uint8_t instance[16];
	bool relay; /* false only in tests */
	bool no_beacons; /* only in simulations of thousands of cities, which would each keep all */
	/**
	 * NULL, or a node of the same process and thread whose store holds the same control objects at
	 * the same arrivals, as a copy does: its charters are shared until one of the two learns more.
	 * For the simulator, where thousands hold the same thousands of members.
	 */
	const struct node *charters_of;
	/** Runs are taken compressed, and sent so over slow links to who takes them. */
	bool compression;
	/** Larger attachments of what comes from others are fetched on demand only. */
	uint64_t attachment_fetch_bytes;
};

/** Reads networks, charters, feeds and cursors from the store. 0, or the error with a complaint. */
int node_new(const struct node_config *config, struct node_time now, struct node **out,
	struct complaint *complaint);
/** All links must have been closed (node_link_closed) and all commits, reads and writes answered.
 */
void node_free(struct node *node);

/* ---- completions ---- */
void node_on_committed(
	struct node *node, struct commit *commit, struct node_time now); /* frees it */
/** The daemon has committed something itself (an upload): peers are told that this node's arrivals
 * went on. The commit stays the caller's. */
void node_arrived(struct node *node, const struct commit *commit, struct node_time now);
void node_on_read(struct node *node, struct node_read *read, struct node_time now); /* frees it */
void node_on_written(
	struct node *node, struct node_write *write, struct node_time now); /* frees it */

/* ---- time ---- */
/** The next moment at which node_on_deadline must be called. */
struct monotime node_deadline(const struct node *node);
void node_on_deadline(struct node *node, struct node_time now);

/* ---- links ---- */
/**
 * After a TLS handshake. `transport` comes back in io.wake and io.close. Never refuses: a peer that
 * is not pinned enters the charter-only state, and is closed with its reason. NULL without memory.
 */
struct link *node_link_open(struct node *node, const struct public_key *peer_key, bool dialled,
	const char *address, void *transport, struct node_time now);
/** Bytes received. 0, or the breach: the caller sends what link_produce gives, then closes. */
int link_receive(struct link *link, struct bytes bytes, struct node_time now);
/** The next bytes to send, at most cap (cap >= 16,384): whole frames, chosen now by priority. 0:
 * nothing. */
size_t link_produce(struct link *link, uint8_t *out, size_t cap, struct node_time now);
/** False while what was received has not been digested: stop reading from the socket until io.wake.
 */
bool link_wants_read(const struct link *link);
/** The bytes now waiting in the kernel and how fast they drain, for the size of frames; optional.
 */
void link_set_rate(struct link *link, uint64_t bytes_per_second);
/** The transport is gone: the link is freed. `reason` is logged and shown. */
void node_link_closed(
	struct node *node, struct link *link, const char *reason, struct node_time now);

/* ---- whom to dial ---- */
struct node_dial {
	struct hash city_id;
	struct public_key node_key;
	char slug[33];
	const char *addresses[LIMIT_ADDRESSES]; /* valid until the next call into the node */
	uint32_t address_count;
};
/** Whether this city may be named now: the caller's back-off, keyed by city_id. */
typedef bool node_dial_fn(void *ctx, const struct hash *city_id);
/**
 * How many links this node dials (at most 64; 0: none), and how many it accepts from others. Before
 * the first call: 8 and 1,024. Links there are stay.
 */
void node_set_links(struct node *node, uint32_t dial_max, uint32_t accept_max);
/**
 * The cities to dial now (proto/overlay.h says which): as many as are missing, at most max. 0: none
 * is missing, or none `may` be dialled now. Each that was named counts as dialled until its link is
 * open or node_dial_ended is called. Denied, suspended and removed cities are left out. While this
 * city itself is suspended it goes on, so that it learns when it is active again.
 */
size_t node_dials(struct node *node, node_dial_fn *may, void *ctx, struct node_dial *out,
	size_t max, struct node_time now);
/**
 * One city, though enough are dialled already. False: it is linked, has no address, is not active,
 * or is this one. node_dial_ended as after node_dials.
 */
bool node_dial_city(struct node *node, const struct hash *city_id, struct node_dial *out);
/** The attempt is over, or the link that came of it. */
void node_dial_ended(struct node *node, const struct hash *city_id);
/** When node_dials may name somebody although nothing has happened. */
struct monotime node_dials_due(const struct node *node);
/** Whether a stranger's address may take a handshake slot reserved for members. */
bool node_address_known(const struct node *node, const char *host);

/* ---- publishing ---- */
struct node_published {
	int code; /* 0: durable; else nothing was published */
	uint64_t seq;
	struct hash entry_hash;
	uint64_t arrival;
	struct timestamp time;
};
typedef void node_published_fn(void *ctx, const struct node_published *result);
/**
 * Queues one entry of this city. `header` and `body` are copied. The answer comes after the commit,
 * in order for each lane; it carries ERROR_CANCELLED when the node stops. Refused at once:
 * ERROR_NOT_MEMBER (not an active member there), ERROR_STATE (twin, stopped), ERROR_FORK (frozen:
 * this city has signed two histories of the feed), ERROR_QUOTA (node_quota says until when),
 * ERROR_FULL (paused), ERROR_BUSY (more than 64 MiB queued), ERROR_SIZE, ERROR_FIELD (header not
 * valid). While the own feed is being taken back the draft waits.
 */
int node_publish(struct node *node, const struct hash *network_id, uint8_t lane,
	struct bytes header, struct bytes body, node_published_fn *done, void *ctx,
	struct node_time now);
/** An entry that is ready but for its place: what a thread made of it beforehand. */
struct node_draft {
	struct bytes header, body;
	const struct entry_seal *seal;
};
/**
 * The same without copies and with little work: header, body and seal are the caller's, valid,
 * and stay where they are until `done`. A header that is not valid is found late, and answered.
 */
int node_publish_sealed(struct node *node, const struct hash *network_id, uint8_t lane,
	const struct node_draft *draft, node_published_fn *done, void *ctx, struct node_time now);
/** What the charter lets this city publish in a lane, and when the next entry fits in again. */
struct node_quota {
	uint64_t entries_a_day, bytes_a_day; /* 0: no limit of that kind */
	struct timestamp free_at;            /* as node_publish found it last */
};
/** False: the lane has none. */
bool node_quota(
	const struct node *node, const struct hash *network_id, uint8_t lane, struct node_quota *out);
/** Tells the node that an attachment made here is durable (its file and map are committed). */
void node_attachment_added(
	struct node *node, const struct hash *attachment_id, struct node_time now);
/** Asks the members for an attachment that is not fetched by itself. ERROR_NOT_FOUND when no link
 * can serve it now. */
int node_attachment_want(struct node *node, const struct hash *feed_id, uint64_t seq,
	const struct hash *attachment_id, uint64_t size, struct node_time now);

/* ---- charter ---- */
typedef void node_object_fn(void *ctx, int code, const struct hash *object_hash, uint64_t arrival);
/**
 * Submits one control object made here: verified, committed, then pushed. done is called after the
 * commit; ERROR_CHARTER_RIVAL there: it was kept to be shown, another stands. Refused at once with
 * roster_apply's errors, and with ERROR_CHARTER_RIVAL where an amendment's number is taken.
 */
int node_object_submit(struct node *node, const struct hash *network_id, struct bytes wire,
	node_object_fn *done, void *ctx, struct node_time now);
/** A new network from its genesis (created here, or continued). */
int node_network_create(struct node *node, struct bytes genesis_wire, node_object_fn *done,
	void *ctx, struct node_time now);
/** A network joined: all objects in order, genesis first; checked as a whole before anything is
 * written. */
int node_network_adopt(struct node *node, const struct bytes *objects, size_t count,
	node_object_fn *done, void *ctx, struct complaint *complaint, struct node_time now);
/** Publishes this node's addresses in all networks when they differ from the newest list. */
void node_set_addresses(
	struct node *node, const char *const *addresses, size_t count, struct node_time now);
/** The node key was renewed: epoch records were submitted; links are dialled anew under it. Key
 * borrowed. */
void node_set_node_key(struct node *node, const struct secret_key *key,
	const struct public_key *public_key, struct node_time now);
/**
 * While a node key is renewed own entries wait: one signed behind the new epoch's cut would be
 * disowned, and between the record and node_set_node_key there is no key to sign with. Drafts are
 * taken, and go when `hold` is false again.
 */
void node_hold_drafts(struct node *node, bool hold, struct node_time now);
/** No own entry is on its way to the disk: an epoch's cuts can be drawn at the own feeds. */
bool node_own_at_rest(const struct node *node);

/* ---- looking ---- */
size_t node_network_count(const struct node *node);
const struct roster *node_network_roster(const struct node *node, size_t i);
/** The slug under which this node shows the network (a local suffix when two share one). */
const char *node_network_slug(const struct node *node, size_t i);
const struct roster *node_roster(const struct node *node, const struct hash *network_id);

struct node_feed {
	struct hash network_id, city_id, feed_id, entry_hash;
	uint8_t lane;
	uint64_t seq; /* durable */
	uint32_t epoch;
	bool frozen;
	/** Frozen by a fork proof: two histories are signed from this seq on. 0: it is not. */
	uint64_t forked_from;
};
/** Calls back for each feed with seq > 0. */
void node_each_feed(
	const struct node *node, void (*each)(void *ctx, const struct node_feed *feed), void *ctx);
bool node_feed_find(const struct node *node, const struct hash *feed_id, struct node_feed *out);

enum link_state {
	LINK_CHARTER_ONLY, /* key not pinned: only control objects */
	LINK_HELLO,        /* pinned, HELLO sent, the peer's awaited */
	LINK_LIVE,
	LINK_CLOSING,
	LINK_STATE_COUNT,
};
const char *link_state_name(enum link_state state);

struct node_peer {
	struct hash city_id;
	const char *slug, *address;
	enum link_state state;
	bool dialled, paused, peer_paused;
	const char *peer_pause_reason;
	int64_t rtt_us; /* -1 unknown */
	uint64_t sent_bytes, received_bytes, acked_arrival;
	struct timestamp last_heard, since;
};
void node_each_peer(
	const struct node *node, void (*each)(void *ctx, const struct node_peer *peer), void *ctx);

enum node_publishing {
	NODE_PUBLISHING_OPEN,
	NODE_PUBLISHING_RECOVERING,
	NODE_PUBLISHING_TWIN,
	NODE_PUBLISHING_STOPPED
};
/** Whether own entries can be published now; text says why not, in one sentence. What the charter
 * of one network says of this city is for node_publish to judge. */
enum node_publishing node_publishing(const struct node *node, const char **text);

/** By how much this clock is ahead of the median of the peers that are linked; false: of none. */
bool node_clock_offset(const struct node *node, int64_t *offset_ms);
/** More than 5 minutes: to be shown; it gates nothing. */
bool node_clock_wrong(const struct node *node);

/* ---- the admin's hand ---- */
/** No link to this city, none accepted; kept in the store. */
int node_deny(struct node *node, const struct hash *city_id, bool deny, struct node_time now);
bool node_denied(const struct node *node, const struct hash *city_id);
/** Pauses intake (disk full, say) or resumes it; peers are told the reason. */
void node_pause(struct node *node, const char *reason, struct node_time now);
void node_resume(struct node *node, struct node_time now);
/** Says BYE to every peer and answers all queued drafts ERROR_CANCELLED. */
void node_stop(struct node *node, struct node_time now);

/* ---- never fork yourself (DESIGN.md, section 4) ---- */
struct node_guard_head {
	struct hash network_id;
	uint32_t epoch;
	struct {
		uint64_t seq;
		struct hash entry_hash;
	} lanes[4];
};
/**
 * What the guard file beside the keys says; called once for each network right after node_new. A
 * store that has less makes the node take its own feeds back before it publishes.
 */
void node_set_guard(struct node *node, const struct node_guard_head *guard, struct node_time now);
/**
 * The store was remade and the guard is gone or not to be trusted: publishing waits until more than
 * half of the other active members have said how far they hold the own feeds.
 */
void node_require_holds(struct node *node, struct node_time now);
/** What publishing waits for: see node_each_missing. */
enum node_missing_what {
	NODE_MISSING_CHARTER, /* of a network, or its newest record of this city */
	NODE_MISSING_WORD,    /* members have not said how far they hold the own feeds */
	NODE_MISSING_ENTRIES, /* of one own feed */
};
struct node_missing {
	enum node_missing_what what;
	struct hash network_id;
	const char *network;  /* slug; NULL while the charter is not here */
	uint8_t lane;         /* of entries, else 0 */
	uint64_t held, known; /* entries here, and the last known of; members heard, and needed */
	uint64_t offered;     /* a peer announces entries up to this one: they can still come */
	size_t linked;        /* members of the network to which there is a link now */
};
/** Everything that NODE_PUBLISHING_RECOVERING waits for, also while another state hides it. */
void node_each_missing(
	struct node *node, void (*each)(void *ctx, const struct node_missing *missing), void *ctx);
/**
 * The admin goes on without (hansa key renew --force): the own epoch that has just been opened in
 * this network ends the former one at what is here, so that the members' word about it is waited
 * for no more, and no seq can be signed twice. What the guard says is bounded by the cuts.
 */
void node_forgo_word(struct node *node, const struct hash *network_id, struct node_time now);
/** Bootstrap: a pinned peer of a network whose charter is gone, from the bootstrap file. */
void node_add_bootstrap(struct node *node, const struct hash *network_id,
	const struct hash *city_id, const struct public_key *node_key, const char *const *addresses,
	size_t count);
