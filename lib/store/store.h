/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The record store: one node's feeds, control objects, cursors and attachments, durable. It takes
 * bytes, numbers and hashes that others have verified; it checks only that a run continues its
 * feed. Two back ends behind one header: LMDB in a folder, and memory for the simulator.
 *
 * Words: *feed number*, this store's own u32 for a feed_id, never shown outside. *Pack*, entries of
 * one feed and epoch in one value (store/pack.h). *Live pack*, a small one that store_merge will
 * join with others. *Tip*, the last entry of a feed's valid part. *Arrival*, this node's own order
 * of everything visible that it committed, from 1 (docs/protocol.md section 8).
 *
 * Threads: one thread writes. Reads may come from any thread at any time, see the last commit and
 * never block the writer; each opens and closes a read transaction of its own. A callback runs
 * inside that transaction: it must be quick, and what it is given dies when it returns. It returns
 * 0 to go on; anything else stops the walk and is what the walking function returns.
 *
 * Tables, keys and what a commit costs: docs/store.md. To add a table: store/tables.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/timestamp.h"
#include "crypto/hash.h"
#include "feed/run.h"

#define STORE_EPOCH_SIZE 8
#define STORE_ROLLING_SIZE 8
/** A signed head, docs/protocol.md section 4. */
#define STORE_HEAD_SIZE 181
/** More is copied out of no read transaction, a single larger entry excepted. */
#define STORE_READ_BYTES_MAX 262144
/** Entries stored aside ahead of a gap, for each feed. */
#define STORE_GAPS_MAX 64
/** Keys of store_put_setting, in bytes; values. */
#define STORE_SETTING_KEY_MAX 64
#define STORE_SETTING_VALUE_MAX 65536
/** Default size of the reserve file, and of the threads that may read at once. */
#define STORE_RESERVE_BYTES (64u << 20)
#define STORE_READERS_MAX 64

struct store;
struct store_txn;

struct store_options {
	/** Random; becomes the store_epoch of a store that is made by this open. */
	uint8_t epoch_seed[STORE_EPOCH_SIZE];
	/** The database may use so many bytes of the disk; 0: no limit but the disk. */
	uint64_t limit_bytes;
	/** Size of the reserve file; 0: none is made. */
	uint64_t reserve_bytes;
	/**
	 * Called when a sync has failed (or the store is damaged in the middle of a commit): says so
	 * and ends the process; must not return. NULL: a line on standard error, then abort().
	 */
	void (*fatal)(void *ctx, const char *reason);
	void *fatal_ctx;
};

/**
 * Opens or makes the store in `folder`, which must exist. ERROR_BUSY: another process has it open
 * (the complaint names its pid). ERROR_VERSION: made by an older or newer hansad. ERROR_CORRUPT,
 * ERROR_FULL, ERROR_PERMISSION, ERROR_IO, ERROR_MEMORY. `complaint` may be NULL. Reads the small
 * tables' roots only, whatever is stored.
 */
int store_lmdb_open(const char *folder, const struct store_options *options, struct store **out,
	struct complaint *complaint);
/** In memory. ERROR_MEMORY. */
int store_memory_open(const struct store_options *options, struct store **out);
/** No transaction and no read may be open. Takes NULL. */
void store_close(struct store *store);

/* For the simulator; only on a store of store_memory_open. */

/**
 * With `lazy`, a commit is visible at once but durable only after store_memory_sync. Off at first:
 * each commit is durable.
 */
void store_memory_set_lazy(struct store *store, bool lazy);
void store_memory_sync(struct store *store);
/** Power is cut: an open transaction is gone, and the store is as it was at the last sync. */
void store_memory_crash(struct store *store);
/** A copy of the disk as synced, to be put back later (a rolled-back snapshot, a twin). */
struct store_snapshot;
struct store_snapshot *store_memory_copy(struct store *store);
/** As store_memory_crash, then the disk is the snapshot's; also on another store. */
void store_memory_restore(struct store *store, const struct store_snapshot *snapshot);
void store_snapshot_free(struct store_snapshot *snapshot);

struct store_arrival {
	uint64_t arrival;
	uint8_t rolling[STORE_ROLLING_SIZE];
};

struct store_info {
	uint8_t store_epoch[STORE_EPOCH_SIZE];
	struct store_arrival newest; /* arrival 0 and zeros while nothing has come */
	uint64_t records;            /* entries in the feeds' valid parts */
	uint64_t feeds;
	uint64_t disk_bytes; /* of the database, free pages inside it included */
	uint64_t free_bytes; /* of the file system, for an ordinary user */
	bool reserve_held;
	bool reserve_missing; /* one is wanted, and there was no room: as after ERROR_FULL */
};
int store_info(struct store *store, struct store_info *out);

/**
 * After ERROR_FULL: gives back the reserve file and lets the limit be passed by as much, so that
 * control objects and alerts still commit. Harmless when there is none.
 */
int store_release_reserve(struct store *store);
/** After ERROR_FULL: whether it is the limit that left no room, rather than the disk. */
bool store_limit_reached(struct store *store);
/** Makes it again; ERROR_FULL while there is no room for it, or the limit is passed. */
int store_restore_reserve(struct store *store);

/* Writing. */

/** Waits for no reader. One transaction at a time; ERROR_IO, ERROR_MEMORY. */
int store_begin(struct store *store, struct store_txn **out);
/**
 * Durable when it returns 0. ERROR_FULL: the disk or the limit is full, nothing was changed. The
 * transaction is gone in each case. A failed sync does not return (store_options.fatal).
 */
int store_commit(struct store_txn *txn);
/**
 * The first half of store_commit, for a transaction that something else has made durable before it
 * is committed: takes the room that it needs. On 0 store_commit will not find the disk full, and
 * whoever begins to read waits until the transaction has ended: so an answer may be given before
 * it, and nobody who heard it reads what was before. `wanted` is called in the thread of whoever
 * waits so; it may not read from the store. ERROR_FULL: nothing happened.
 */
int store_commit_begin(struct store_txn *txn, void (*wanted)(void *ctx), void *ctx);
/** The newest arrival inside the transaction: before it, if nothing was put yet. */
struct store_arrival store_txn_newest(const struct store_txn *txn);
/** Takes NULL. */
void store_abort(struct store_txn *txn);
/**
 * Payload bytes put so far: for the writer's limit of 1 MiB. After any put that failed with
 * ERROR_FULL, ERROR_LIMIT, ERROR_IO, ERROR_CORRUPT or ERROR_MEMORY the transaction can only be
 * aborted (store_commit then aborts and returns that code); other codes changed nothing.
 */
size_t store_txn_bytes(const struct store_txn *txn);

struct store_run {
	struct hash network_id, city_id, feed_id;
	uint8_t lane;
	uint32_t epoch;
	uint64_t first_seq;
	uint32_t count;                /* at least 1 */
	struct hash prev;              /* entry_hash before first_seq; zeros: the tip's */
	struct bytes entries;          /* wire forms back to back */
	const struct run_entry *index; /* `count` of them, in order, without holes */
	uint8_t head[STORE_HEAD_SIZE]; /* signed, of the last entry; not read with by_cut */
	bool checkpoint;
	bool by_cut; /* it ends at its epoch's cut, for which nobody has a head; not a checkpoint */
	uint32_t since_checkpoint_entries; /* after this run; 0 if it ends in a checkpoint */
	uint64_t since_checkpoint_bytes;
	struct hash source_city; /* who gave it; zeros: made here */
	struct timestamp arrived;
};

/**
 * Appends a run to its feed, new or known. A new feed may begin above seq 1 (at a floor).
 * ERROR_EXISTS: all of it is held already. ERROR_GAP: it begins after the tip. ERROR_CHAIN: it
 * begins before the tip's successor, `prev` is not the tip, or a feed begins above 1 without
 * `prev`. ERROR_USAGE: index and bytes do not agree. `out` may be NULL.
 */
int store_put_run(struct store_txn *txn, const struct store_run *run, struct store_arrival *out);

/**
 * Adds a run below a feed that begins above seq 1, from 1 upward: the older entries, for a
 * city that was confirmed. A run that does not reach the feed's beginning ends in a checkpoint or
 * with its epoch; `head` is zeros where the last one's head stands beyond the beginning. With the
 * last of them the feed begins at 1, and has this arrival. ERROR_STATE: the feed does not begin
 * above 1 any more, or the run does not follow what is held, or goes beyond the feed's beginning.
 * ERROR_CHAIN: it does not lead there. ERROR_USAGE.
 */
int store_put_fill(struct store_txn *txn, const struct store_run *run, struct store_arrival *out);

/**
 * Cuts the feed after `seq` (docs/protocol.md 5.2): later entries become disowned, the tip goes
 * back, the head at `seq` is kept for ever. `hash` must be the entry's there (else ERROR_CHAIN; 0
 * and zeros: all goes). A feed that is unknown or ends at or before `seq` loses nothing: then 0 and
 * no arrival (out->arrival 0). `out`, `disowned` may be NULL. Arrival rows of runs stay as they
 * are, so last_seq of an older one may lie beyond the feed's tip. Gaps are the caller's. A cut
 * below the beginning of a feed leaves what store_put_fill has brought of it, up to `seq`.
 */
int store_cut(struct store_txn *txn, const struct hash *feed_id, uint64_t seq,
	const struct hash *hash, struct timestamp now, uint64_t *disowned, struct store_arrival *out);

/** How far the last checkpoint lies back. */
struct store_cut_counts {
	uint32_t entries;
	uint64_t bytes;
};
/**
 * The same within an epoch that goes on behind `seq` with other entries than the ones held: the
 * other history of a fork.
 */
int store_cut_back(struct store_txn *txn, const struct hash *feed_id, uint64_t seq,
	const struct hash *hash, struct store_cut_counts counts, struct timestamp now,
	struct store_arrival *out);

/**
 * A new arrival for the entries from `first_seq` to the tip, which are held already: peers that
 * were told of nothing behind it (a fork that is over) are told now. ERROR_NOT_FOUND.
 */
int store_tell_again(struct store_txn *txn, const struct hash *feed_id, uint64_t first_seq,
	struct timestamp now, struct store_arrival *out);

/**
 * Replaces one entry's stored wire form by its purged form (docs/protocol.md section 3), in the
 * valid part or among the disowned. ERROR_NOT_FOUND; ERROR_CHAIN if `entry_hash` is another.
 */
int store_purge(struct store_txn *txn, const struct hash *feed_id, uint64_t seq,
	const struct hash *entry_hash, struct bytes purged_wire, struct timestamp now,
	struct store_arrival *out);

/** Control object types, docs/protocol.md section 5. */
enum store_object_type {
	STORE_OBJECT_GENESIS = 1,
	STORE_OBJECT_AMENDMENT = 2,
	STORE_OBJECT_EPOCH_RECORD = 3,
	STORE_OBJECT_ADDRESS_LIST = 4,
	STORE_OBJECT_APPROVAL = 5,
	STORE_OBJECT_FORK_PROOF = 6,
};

struct store_object {
	struct hash network_id, object_hash;
	uint8_t type;
	struct bytes object; /* the envelope, at most 128 KiB */
	struct hash city_id; /* zeros where there is none */
	uint32_t epoch;      /* of epoch records and address lists, else 0 */
	uint64_t number;     /* of amendments and address lists, else 0 */
	struct hash source_city;
	struct timestamp arrived;
	struct store_arrival arrival; /* filled by the store */
};

/**
 * Stores a control object. An address list replaces the city's former one in that network, which
 * leaves the arrivals. ERROR_EXISTS: it is there. `object->arrival` is not read. `out` may be NULL.
 */
int store_put_object(
	struct store_txn *txn, const struct store_object *object, struct store_arrival *out);
/** Drops an approval that was used, or a fork proof that was replaced; ERROR_NOT_FOUND. */
int store_drop_object(struct store_txn *txn, const struct hash *object_hash);

struct store_network {
	struct hash network_id;
	const char *slug; /* this node's own name for it, at most 64 bytes */
	struct timestamp joined;
};
/** Adds or replaces. ERROR_SIZE. */
int store_put_network(struct store_txn *txn, const struct store_network *network);

/** Up to which of the peer's arrivals this node holds the network's items. */
struct store_cursor {
	uint8_t peer_store_epoch[STORE_EPOCH_SIZE];
	uint64_t arrival;
	uint8_t rolling[STORE_ROLLING_SIZE];
};
int store_put_cursor(struct store_txn *txn, const struct hash *network_id,
	const struct hash *peer_city_id, const struct store_cursor *cursor);

/** An alert whose predecessor is missing: a run of one entry. */
struct store_gap {
	struct hash network_id, city_id, feed_id;
	uint8_t lane;
	uint32_t epoch;
	uint64_t seq;
	struct hash entry_hash, prev;
	struct bytes wire;
	uint8_t head[STORE_HEAD_SIZE];
	struct hash source_city;
	struct timestamp arrived;
	struct store_arrival arrival; /* filled by the store */
};
/** ERROR_EXISTS; ERROR_LIMIT: STORE_GAPS_MAX of this feed are held. `out` may be NULL. */
int store_put_gap(struct store_txn *txn, const struct store_gap *gap, struct store_arrival *out);
/** ERROR_NOT_FOUND. Done by the caller once the entry has joined its feed by store_put_run. */
int store_drop_gap(
	struct store_txn *txn, const struct hash *feed_id, uint64_t seq, const struct hash *entry_hash);

/** The newest beacon of a city, as its frame: in no feed and no digest, without arrival. */
#define STORE_BEACON_SIZE_MAX 8448
struct store_beacon {
	struct hash network_id, city_id, source_city;
	struct timestamp came;
	struct bytes frame;
};
/** Adds or replaces. ERROR_SIZE. */
int store_put_beacon(struct store_txn *txn, const struct store_beacon *beacon);

/** Small values of the daemon, such as denied peers. An empty value removes it. ERROR_SIZE. */
int store_put_setting(struct store_txn *txn, const char *key, struct bytes value);

/**
 * Attachments; their bytes lie in files (store/attachment_file.h). Begin: `hashes` are 32 bytes for
 * each chunk of 256 KiB; ERROR_EXISTS if it was begun before, ERROR_SIZE if the count is wrong.
 */
int store_attachment_begin(
	struct store_txn *txn, const struct hash *attachment_id, uint64_t size, struct bytes hashes);
/** The first `chunks` chunks are synced. Never goes back. ERROR_NOT_FOUND, ERROR_RANGE. */
int store_attachment_progress(
	struct store_txn *txn, const struct hash *attachment_id, uint64_t chunks);
/** All is there, under its final name. ERROR_EXISTS if it was said before. `out` may be NULL. */
int store_attachment_complete(struct store_txn *txn, const struct hash *attachment_id,
	const struct hash *network_id, struct timestamp now, struct store_arrival *out);

/** An attachment that a committed entry names and that is to be fetched. */
struct store_want {
	struct hash attachment_id, network_id, feed_id;
	uint64_t seq, size;
	uint8_t flags; /* as the entry's header has them */
};
/** ERROR_EXISTS. store_attachment_complete drops it. */
int store_put_want(struct store_txn *txn, const struct store_want *want);
/** ERROR_NOT_FOUND. */
int store_drop_want(struct store_txn *txn, const struct hash *attachment_id);

/**
 * Joins live packs into larger ones wherever a feed has gathered 64 KiB of them, at most `budget`
 * bytes. `left`: there is more to do. For idle times; moves no arrival.
 */
int store_merge(struct store_txn *txn, size_t budget, bool *left);

/* Reading. */

typedef int store_network_fn(void *ctx, const struct store_network *network);
int store_each_network(struct store *store, store_network_fn *fn, void *ctx);

struct store_feed {
	struct hash network_id, city_id, feed_id;
	uint8_t lane;
	uint32_t epoch;     /* of the tip's run */
	uint64_t first_seq; /* 1, or where a floor made it begin; 0 while it holds nothing */
	uint64_t seq;       /* the tip; 0: nothing valid is held */
	struct hash entry_hash;
	uint32_t since_checkpoint_entries;
	uint64_t since_checkpoint_bytes;
	bool has_head;                 /* false after a cut between heads */
	uint8_t head[STORE_HEAD_SIZE]; /* the newest, of the tip */
	uint64_t arrival;              /* of the tip's run */
	uint32_t gaps;                 /* entries set aside ahead of it */
	/** Where first_seq is above 1: the hash before it, and what of the older entries has come. */
	struct hash first_prev;
	uint64_t fill_seq; /* entries 1..fill_seq are held too; 0: none */
	struct hash fill_hash;
	uint32_t fill_epoch;
};
typedef int store_feed_fn(void *ctx, const struct store_feed *feed);
/** At boot: reads nothing but the feeds table. */
int store_each_feed(struct store *store, store_feed_fn *fn, void *ctx);
/** ERROR_NOT_FOUND. */
int store_read_feed(struct store *store, const struct hash *feed_id, struct store_feed *out);

typedef int store_object_fn(void *ctx, const struct store_object *object);
/** All of one network, in order of arrival. */
int store_each_object(
	struct store *store, const struct hash *network_id, store_object_fn *fn, void *ctx);
/** Calls `fn` once, or ERROR_NOT_FOUND. */
int store_read_object(
	struct store *store, const struct hash *object_hash, store_object_fn *fn, void *ctx);

typedef int store_cursor_fn(void *ctx, const struct hash *network_id,
	const struct hash *peer_city_id, const struct store_cursor *cursor);
int store_each_cursor(struct store *store, store_cursor_fn *fn, void *ctx);

typedef int store_beacon_fn(void *ctx, const struct store_beacon *beacon);
/** All; the frame dies with the callback. */
int store_each_beacon(struct store *store, store_beacon_fn *fn, void *ctx);

typedef int store_gap_fn(void *ctx, const struct store_gap *gap);
/** Of one feed, ascending; NULL: of all feeds. */
int store_each_gap(struct store *store, const struct hash *feed_id, store_gap_fn *fn, void *ctx);

/** Appends the value; ERROR_NOT_FOUND. */
int store_get_setting(struct store *store, const char *key, struct buffer *out);

/** Part of a run, as store_read_run gives it. */
struct store_slice {
	uint64_t first_seq, next_seq; /* entries first_seq .. next_seq - 1 were appended */
	uint32_t epoch;
	struct hash prev;  /* entry_hash before first_seq */
	bool has_head;     /* false: the run ends at a cut for which no head is held */
	uint64_t head_seq; /* where the run ends */
	uint8_t head[STORE_HEAD_SIZE];
	bool head_reached; /* next_seq == head_seq + 1 */
};
/**
 * Appends stored wire forms from `first_seq` on toward the next checkpoint, the end of the epoch or
 * the newest head, whichever comes first; whole entries, at least one, else at most `max_bytes`
 * (and never more than STORE_READ_BYTES_MAX). ERROR_NOT_FOUND when it holds none.
 */
int store_read_run(struct store *store, const struct hash *feed_id, uint64_t first_seq,
	size_t max_bytes, struct buffer *out, struct store_slice *slice);

/** One stored entry; views die with the callback. */
struct store_entry {
	struct hash feed_id;
	uint64_t seq;
	uint32_t epoch;
	struct hash entry_hash, prev;
	struct bytes wire;
	uint64_t arrival;              /* of the run that brought it */
	struct timestamp arrived;      /* only from store_read_entry and of disowned ones, else 0 */
	struct hash source_city;       /* likewise */
	bool has_head;                 /* likewise */
	uint8_t head[STORE_HEAD_SIZE]; /* the first head held that covers it */
	uint64_t head_seq;
};
typedef int store_entry_fn(void *ctx, const struct store_entry *entry);
/** Calls `fn` once with the valid entry. ERROR_NOT_FOUND. */
int store_read_entry(
	struct store *store, const struct hash *feed_id, uint64_t seq, store_entry_fn *fn, void *ctx);
/** The hash of one valid entry. ERROR_NOT_FOUND, and `out` is as it was. */
int store_entry_hash(
	struct store *store, const struct hash *feed_id, uint64_t seq, struct hash *out);
/**
 * The valid entries from `from_seq` on, up or down (0 down: from the tip), at most `max_entries`,
 * stepping over what a feed that began later lacks,
 * and at most `max_bytes` of wire forms or STORE_READ_BYTES_MAX, at least one. `next_seq` (may be
 * NULL): where to go on; 0 when done. An unknown feed has no entries.
 */
int store_scan(struct store *store, const struct hash *feed_id, uint64_t from_seq, bool descending,
	uint32_t max_entries, size_t max_bytes, store_entry_fn *fn, void *ctx, uint64_t *next_seq);
/** Disowned entries, ascending from `from_seq`. */
int store_each_disowned(struct store *store, const struct hash *feed_id, uint64_t from_seq,
	store_entry_fn *fn, void *ctx);

enum store_arrival_kind {
	STORE_ARRIVAL_RUN = 1,
	STORE_ARRIVAL_OBJECT = 2,
	STORE_ARRIVAL_ATTACHMENT = 3,
	STORE_ARRIVAL_GAP = 4,
	STORE_ARRIVAL_CUT = 5,   /* first_seq..last_seq were disowned; item_hash is the cut's */
	STORE_ARRIVAL_PURGE = 6, /* first_seq = last_seq */
};
struct store_arrival_row {
	struct store_arrival arrival;
	enum store_arrival_kind kind;
	struct hash network_id;
	struct hash feed_id, city_id; /* of run, gap, cut, purge; city_id of objects too */
	uint8_t lane;                 /* 0 where it has no feed */
	uint8_t object_type;          /* 0 where it is no object */
	uint64_t first_seq, last_seq;
	struct hash item_hash; /* object_hash, attachment_id, or last_seq's entry_hash */
	struct hash source_city;
	struct timestamp arrived;
};
typedef int store_arrival_fn(void *ctx, const struct store_arrival_row *row);
/** Ascending from `from_arrival` on, at most `limit` rows; numbers may be missing. */
int store_each_arrival(
	struct store *store, uint64_t from_arrival, uint32_t limit, store_arrival_fn *fn, void *ctx);
/**
 * The rolling hash at `arrival` (0: zeros), of dropped items too. ERROR_NOT_FOUND above the newest.
 */
int store_rolling_at(struct store *store, uint64_t arrival, uint8_t out[static STORE_ROLLING_SIZE]);

struct store_attachment {
	struct hash attachment_id;
	uint64_t size;
	uint64_t chunks, chunks_durable;
	bool complete;
};
/** ERROR_NOT_FOUND. */
int store_attachment_info(
	struct store *store, const struct hash *attachment_id, struct store_attachment *out);
/** Appends the hashes of `count` chunks from `first` on, fewer at the end. ERROR_NOT_FOUND. */
int store_attachment_hashes(struct store *store, const struct hash *attachment_id, uint64_t first,
	uint64_t count, struct buffer *out);
typedef int store_want_fn(void *ctx, const struct store_want *want);
int store_each_want(struct store *store, store_want_fn *fn, void *ctx);
