/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "feed/fork_proof.h"
#include "proto/node_private.h"
#include "record/kind.h"

/*
 * Fork proofs are made here. What a peer passes on contradicts what is held: the two of them look
 * for the last entry that they have in common. Each step asks the peer for the hashes behind one
 * entry up to its next head (FORK_ASK, FORK_BRANCH), and reads the same of the own store. The
 * search goes back from where they differ in growing steps, then halves what is left; where both
 * branches part after a common entry they are the proof. docs/protocol.md 8, docs/decisions/030.
 *
 * Nobody is blamed for a history that its city has signed. What a peer answers it answers for: a
 * branch that does not lead to its head, or that was not signed, is a breach.
 */

#define FORK_STEP_GROWTH 16u
#define FORK_ANSWER_MS 30000
#define FORK_RETRY_MS 250
/* Of one link: what is asked, and the answers being read. Who keeps the former never meets the
 * latter. */
#define FORK_ASKS_OPEN 2u
#define FORK_ASKS_BURST 16u
#define FORK_ASKS_EVERY_MS 250
#define FORK_SERVES_OPEN 4u
#define FORK_SERVES_BURST 32u
#define FORK_SERVES_EVERY_MS 200

struct fork_half {
	struct blob *pairs; /* NULL: not here yet */
	struct hash prev;
	struct head head;
};

/** One search; at most one of a feed. */
struct dispute {
	struct list_node node;
	struct feed *feed;
	uint64_t number, link_id;
	uint64_t low, high; /* entry `low` is common (or begins the epoch), entry `high` is not */
	uint64_t at, step;
	bool halving; /* `low` was seen to be common */
	bool asked;
	struct monotime due; /* asked: given up then; else: tried again */
	struct fork_half mine, theirs;
};

/* ---- serving ---- */

static void not_held(struct link *link, const struct hash *feed_id, uint64_t seq)
{
	static const struct hash none;
	message_write_fork_branch(
		&link->control, feed_id, seq, &none, bytes_of(NULL, 0), bytes_of(NULL, 0));
	link_wake(link);
}

int fork_on_ask(struct link *link, const struct message *m)
{
	struct node *node = link->node;
	const struct hash *feed_id = &m->fork_ask.feed_id;
	uint64_t seq = m->fork_ask.seq;
	const struct feed *feed = node_feed(node, feed_id);
	if (link->fork_serves >= FORK_SERVES_OPEN ||
		!rate_take(&link->forks_asked, node->now.mono, FORK_SERVES_BURST, FORK_SERVES_EVERY_MS))
		return 0;
	bool held = feed && link_network_find(link, &feed->network->id) && seq < feed->durable_seq &&
		seq >= feed->base && !node_city_since_ms(feed->network, &link->city_id, feed);
	struct node_read *read = held ? calloc(1, sizeof *read) : NULL;
	if (!read) {
		not_held(link, feed_id, seq);
		return 0;
	}
	read->type = NODE_READ_BRANCH;
	read->feed_id = *feed_id;
	read->first_seq = seq + 1;
	read->link_id = link->id;
	link->fork_serves++;
	node->io.read(node->io.ctx, read);
	return 0;
}

static void serve_branch(struct link *link, const struct node_read *read)
{
	link->fork_serves--;
	if (link->state != LINK_LIVE)
		return;
	if (read->code) {
		not_held(link, &read->feed_id, read->first_seq - 1);
		return;
	}
	message_write_fork_branch(&link->control, &read->feed_id, read->first_seq - 1,
		&read->slice.prev, blob_bytes(read->blob), bytes_of(read->slice.head, HEAD_BYTES));
	link_wake(link);
}

/* ---- searching ---- */

static void half_clear(struct fork_half *half)
{
	blob_free(half->pairs);
	half->pairs = NULL;
}

static void ask_over(struct dispute *d)
{
	struct link *link = node_link_by_id(d->feed->network->node, d->link_id);
	if (d->asked && !d->theirs.pairs && link && link->fork_asks > 0)
		link->fork_asks--;
	d->asked = false;
}

static void dispute_end(struct dispute *d)
{
	ask_over(d);
	half_clear(&d->mine);
	half_clear(&d->theirs);
	list_remove(&d->node);
	d->feed->dispute = NULL;
	free(d);
}

static void give_up(struct dispute *d, const char *reason)
{
	struct log_line l;
	log_begin(&l, LOG_LEVEL_INFO, "fork_not_proven");
	log_bytes(&l, "feed", bytes_of(d->feed->feed_id.bytes, 8));
	log_uint(&l, "seq", d->high);
	log_text(&l, "reason", reason);
	log_end(&l);
	dispute_end(d);
}

static void ask(struct dispute *d)
{
	struct feed *feed = d->feed;
	struct node *node = feed->network->node;
	struct link *link = node_link_by_id(node, d->link_id);
	d->due = monotime_add_ms(node->now.mono, FORK_RETRY_MS);
	if (!link || link->state != LINK_LIVE) {
		give_up(d, "the link is gone");
		return;
	}
	if (feed->durable_seq < d->high || link->fork_asks >= FORK_ASKS_OPEN ||
		!rate_take(&link->forks_ask, node->now.mono, FORK_ASKS_BURST, FORK_ASKS_EVERY_MS))
		return;
	struct node_read *read = calloc(1, sizeof *read);
	if (!read)
		return;
	read->type = NODE_READ_BRANCH;
	read->feed_id = feed->feed_id;
	read->first_seq = d->at + 1;
	read->dispute = d->number;
	message_write_fork_ask(&link->control, &feed->feed_id, d->at);
	link->fork_asks++;
	d->asked = true;
	d->due = monotime_add_ms(node->now.mono, FORK_ANSWER_MS);
	link_wake(link);
	node->io.read(node->io.ctx, read);
}

static void next_step(struct dispute *d)
{
	uint64_t gap = d->high - d->low;
	half_clear(&d->mine);
	half_clear(&d->theirs);
	d->asked = false;
	if (d->halving)
		d->at = d->low + gap / 2 - (gap % 2 == 0);
	else
		d->at = d->step < gap ? d->high - d->step : d->low;
	d->step *= FORK_STEP_GROWTH;
	ask(d);
}

bool fork_explained(const struct feed *feed, uint64_t seq)
{
	uint64_t common;
	return roster_fork(feed->network->roster, &feed->city_id, feed->lane, &common, NULL) &&
		seq > common;
}

void fork_suspect(struct link *link, struct feed *feed, uint64_t seq)
{
	struct node *node = feed->network->node;
	struct run_rules rules;
	if (link->import || feed->dispute || seq == 0 || fork_explained(feed, seq) ||
		node_feed_rules(feed, feed->tip.epoch, &rules) || seq <= rules.start_seq ||
		rules.start_seq < feed->base)
		return;
	struct dispute *d = calloc(1, sizeof *d);
	if (!d)
		return;
	d->feed = feed;
	d->number = ++node->dispute_number;
	d->link_id = link->id;
	d->low = rules.start_seq;
	d->high = seq;
	d->step = 1;
	feed->dispute = d;
	list_push_back(&node->disputes, &d->node);
	next_step(d);
}

/* ---- the proof ---- */

static void log_proof(const struct feed *feed, uint64_t common, int code)
{
	const struct roster_member *of = roster_member_by_city(feed->network->roster, &feed->city_id);
	struct log_line l;
	log_begin(&l, code ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN, "fork_proven");
	log_text(&l, "network", feed->network->slug);
	if (of)
		log_text_bytes(&l, "city", of->slug);
	log_text(&l, "lane", lane_name(feed->lane));
	log_uint(&l, "from", common + 1);
	if (code)
		log_error(&l, code);
	log_text(&l, "reason", "the city has signed two histories from that number on");
	log_end(&l);
}

static struct fork_branch branch_of(const struct fork_half *half, size_t skip)
{
	return (struct fork_branch){
		.hashes = bytes_slice(blob_bytes(half->pairs), skip * FORK_PROOF_PAIR_BYTES, SIZE_MAX),
		.head = half->head};
}

/* They have `skip` entries behind d->at in common, `common` is the hash of the last common one. */
static void prove(struct dispute *d, size_t skip, const struct hash *common)
{
	struct feed *feed = d->feed;
	struct node *node = feed->network->node;
	struct fork_proof proof = {.network_id = feed->network->id,
		.city_id = feed->city_id,
		.lane = feed->lane,
		.seq = d->at + skip,
		.entry_hash = *common,
		.a = branch_of(&d->mine, skip),
		.b = branch_of(&d->theirs, skip)};
	if (d->mine.head.epoch != d->theirs.head.epoch ||
		!public_key_equal(&d->mine.head.node_key, &d->theirs.head.node_key)) {
		give_up(d, "the two were signed in different epochs: a cut decides");
		return;
	}
	/* The same two branches make the same proof at each node. */
	if (memcmp(proof.a.hashes.data, proof.b.hashes.data, FORK_PROOF_PAIR_BYTES) > 0) {
		struct fork_branch first = proof.a;
		proof.a = proof.b;
		proof.b = first;
	}
	struct buffer body, wire;
	buffer_init(&body, FORK_PROOF_BYTES_MAX);
	buffer_init(&wire, FORK_PROOF_BYTES_MAX);
	int code = fork_proof_encode(&body, &proof);
	if (code == 0)
		code = object_encode(&wire, OBJECT_FORK_PROOF, buffer_bytes(&body), NULL, 0);
	if (code == 0)
		code = fork_proof_verify(&node->hasher, &proof);
	log_proof(feed, proof.seq, code);
	dispute_end(d);
	if (code == 0)
		node_object_receive(node, NULL, feed->network, buffer_bytes(&wire));
	buffer_deinit(&body);
	buffer_deinit(&wire);
}

static int entry_step(struct hasher *hasher, const struct hash *feed_id, uint64_t seq,
	const uint8_t *pair, struct hash *at)
{
	struct hash header_hash, body_hash;
	memcpy(header_hash.bytes, pair, HASH_SIZE);
	memcpy(body_hash.bytes, pair + HASH_SIZE, HASH_SIZE);
	return entry_hash_from(hasher, feed_id, seq, at, &header_hash, &body_hash, at);
}

/* Both halves of a step are here. */
static void compare(struct dispute *d)
{
	const struct blob *mine = d->mine.pairs, *theirs = d->theirs.pairs;
	struct hash at = d->mine.prev;
	if (!hash_equal(&d->mine.prev, &d->theirs.prev)) {
		if (d->at == d->low) {
			give_up(d, "they differ where the epoch begins");
			return;
		}
		d->high = d->at;
		next_step(d);
		return;
	}
	size_t len = mine->len < theirs->len ? mine->len : theirs->len;
	for (size_t i = 0; i < len; i += FORK_PROOF_PAIR_BYTES) {
		if (memcmp(mine->data + i, theirs->data + i, FORK_PROOF_PAIR_BYTES) != 0) {
			prove(d, i / FORK_PROOF_PAIR_BYTES, &at);
			return;
		}
		if (entry_step(&d->feed->network->node->hasher, &d->feed->feed_id,
				d->at + i / FORK_PROOF_PAIR_BYTES + 1, mine->data + i, &at))
			return;
	}
	d->low = d->at + len / FORK_PROOF_PAIR_BYTES;
	d->halving = true;
	if (d->low >= d->high)
		give_up(d, "the peer gives the history that is held here");
	else
		next_step(d);
}

/* What is wrong with a branch for which its sender answers. */
static int branch_judge(
	struct feed *feed, const struct message *m, const struct head *head, struct run_rules *rules)
{
	struct node *node = feed->network->node;
	struct hash at = m->fork_branch.prev;
	uint64_t seq = m->fork_branch.seq;
	struct bytes pairs = m->fork_branch.hashes;
	if (!hash_equal(&head->feed_id, &feed->feed_id) ||
		head->seq != seq + pairs.len / FORK_PROOF_PAIR_BYTES)
		return ERROR_HEAD;
	for (size_t i = 0; i < pairs.len; i += FORK_PROOF_PAIR_BYTES) {
		int code = entry_step(&node->hasher, &feed->feed_id, ++seq, pairs.data + i, &at);
		if (code)
			return code;
	}
	if (!hash_equal(&at, &head->entry_hash))
		return ERROR_CHAIN;
	int code = head_verify(head);
	if (code)
		return code;
	code = node_feed_rules(feed, head->epoch, rules);
	if (code == 0 && !public_key_equal(&rules->node_key, &head->node_key))
		code = ERROR_EPOCH_UNKNOWN;
	if (code)
		return code;
	if (m->fork_branch.seq < rules->start_seq)
		return ERROR_CUT; /* it goes over a cut that the peer may not have yet */
	return m->fork_branch.seq == rules->start_seq &&
			!hash_equal(&m->fork_branch.prev, &rules->start_hash)
		? ERROR_CHAIN
		: 0;
}

int fork_on_branch(struct link *link, const struct message *m)
{
	struct feed *feed = node_feed(link->node, &m->fork_branch.feed_id);
	struct dispute *d = feed ? feed->dispute : NULL;
	struct run_rules rules;
	struct head head;
	if (!d || d->link_id != link->id || !d->asked || d->theirs.pairs || m->fork_branch.seq != d->at)
		return 0;
	if (m->fork_branch.hashes.len == 0) {
		give_up(d, "the peer does not hold it");
		return 0;
	}
	int code = head_decode(m->fork_branch.head, &head);
	if (code == 0)
		code = branch_judge(feed, m, &head, &rules);
	if (code) {
		give_up(d, error_text(code));
		if (code == ERROR_EPOCH_UNKNOWN || code == ERROR_CUT)
			return 0;
		if (code == ERROR_MEMORY || code == ERROR_CRYPTO)
			return code;
		return link_breach(
			link, code, code == ERROR_SIGNATURE || code == ERROR_KEY ? "signature" : "chain");
	}
	ask_over(d);
	d->asked = true;
	d->theirs.prev = m->fork_branch.prev;
	d->theirs.head = head;
	d->theirs.pairs = blob_copy(m->fork_branch.hashes);
	if (!d->theirs.pairs)
		dispute_end(d);
	else if (d->mine.pairs)
		compare(d);
	return 0;
}

static void read_mine(struct node *node, struct node_read *read)
{
	struct feed *feed = node_feed(node, &read->feed_id);
	struct dispute *d = feed ? feed->dispute : NULL;
	if (!d || d->number != read->dispute || d->mine.pairs || d->at + 1 != read->first_seq)
		return;
	if (read->code || head_decode(bytes_of(read->slice.head, HEAD_BYTES), &d->mine.head)) {
		give_up(d, "no head of it is held here");
		return;
	}
	d->mine.prev = read->slice.prev;
	d->mine.pairs = blob_ref(read->blob);
	if (d->theirs.pairs)
		compare(d);
}

void fork_on_read(struct node *node, struct node_read *read)
{
	struct link *link = read->dispute ? NULL : node_link_by_id(node, read->link_id);
	if (read->dispute)
		read_mine(node, read);
	else if (link)
		serve_branch(link, read);
	blob_free(read->blob);
	free(read);
}

/* ---- life ---- */

void fork_feed_changed(struct feed *feed)
{
	struct dispute *d = feed->dispute;
	if (d && (fork_explained(feed, d->high) || feed->tip.seq < d->high))
		dispute_end(d);
}

void fork_link_closed(struct link *link)
{
	list_for_each_safe(&link->node->disputes, n)
	{
		struct dispute *d = list_entry(n, struct dispute, node);
		if (d->link_id == link->id)
			dispute_end(d);
	}
}

void fork_on_deadline(struct node *node)
{
	list_for_each_safe(&node->disputes, n)
	{
		struct dispute *d = list_entry(n, struct dispute, node);
		if (!monotime_reached(node->now.mono, d->due))
			continue;
		if (d->asked)
			give_up(d, "no answer");
		else
			ask(d);
	}
}

struct monotime fork_deadline(const struct node *node)
{
	struct monotime due = MONOTIME_NEVER;
	list_for_each(&node->disputes, n)
		due = monotime_earlier(due, list_entry(n, struct dispute, node)->due);
	return due;
}

void fork_free(struct node *node)
{
	struct list_node *n;
	while ((n = list_first(&node->disputes)))
		dispute_end(list_entry(n, struct dispute, node));
}
