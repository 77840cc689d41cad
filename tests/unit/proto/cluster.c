/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/proto/cluster.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "charter/draft.h"
#include "proto/attachment_sink.h"
#include "record/header.h"

/* xorshift64*: the harness needs a seed that replays, not secrecy. */
static uint64_t next_random(struct cluster *c)
{
	c->random ^= c->random >> 12;
	c->random ^= c->random << 25;
	c->random ^= c->random >> 27;
	return c->random * UINT64_C(2685821657736338717);
}

static void io_random(void *ctx, void *out, size_t len)
{
	struct city *city = ctx;
	for (size_t i = 0; i < len; i++)
		((uint8_t *)out)[i] = (uint8_t)(next_random(city->cluster) >> 24);
}

static void io_commit(void *ctx, struct commit *commit)
{
	struct city *city = ctx;
	require(city->commit_count < sizeof city->commits / sizeof city->commits[0]);
	city->commits[city->commit_count++] = commit;
}

static void io_read(void *ctx, struct node_read *read)
{
	struct city *city = ctx;
	require(city->read_count < sizeof city->reads / sizeof city->reads[0]);
	city->reads[city->read_count++] = read;
}

static void io_write(void *ctx, struct node_write *write)
{
	struct city *city = ctx;
	require(city->write_count < sizeof city->writes / sizeof city->writes[0]);
	city->writes[city->write_count++] = write;
}

static void io_wake(void *ctx, void *transport)
{
	(void)ctx;
	(void)transport; /* every link is asked at every step */
}

static void io_close(void *ctx, void *transport)
{
	(void)ctx;
	((struct pipe_end *)transport)->closing = true;
}

static void io_event(void *ctx, const struct node_event *event)
{
	struct city *city = ctx;
	if (event->type == NODE_EVENT_ENTRIES)
		city->entries_seen += event->last - event->first + 1;
	else if (event->type == NODE_EVENT_GAP_ALERT)
		city->gap_alerts_seen++;
	else if (event->type == NODE_EVENT_ATTACHMENT)
		city->attachments_seen++;
	else if (event->type == NODE_EVENT_LINK && strcmp(event->text, "up") != 0)
		snprintf(city->last_close, sizeof city->last_close, "%s", event->text);
}

static void key_from(struct cluster *c, struct secret_key **out)
{
	uint8_t seed[SECRET_SEED_SIZE];
	for (size_t i = 0; i < sizeof seed; i++)
		seed[i] = (uint8_t)(next_random(c) >> 16);
	require(secret_key_from_seed(seed, out) == 0);
}

void cluster_init(struct cluster *c, size_t count, uint64_t seed)
{
	memset(c, 0, sizeof *c);
	c->count = count;
	c->random = seed ? seed : 1;
	c->now.mono = monotime_from_us(1000000);
	c->now.wall = timestamp_from_ms(INT64_C(1790000000000));
	snprintf(c->folder, sizeof c->folder, "%s", "/tmp/hansa-cluster-XXXXXX");
	require(mkdtemp(c->folder));
	key_from(c, &c->officer);
	for (size_t i = 0; i < count; i++) {
		struct city *city = &c->cities[i];
		city->cluster = c;
		snprintf(city->slug, sizeof city->slug, "city-%c", (char)('a' + i));
		key_from(c, &city->city_key);
		key_from(c, &city->node_key);
		require(city_id_of(secret_key_public(city->city_key), &city->city_id) == 0);
		struct store_options options = {.epoch_seed = {(uint8_t)(i + 1), (uint8_t)seed}};
		require(store_memory_open(&options, &city->store) == 0);
		char path[96];
		snprintf(path, sizeof path, "%s/%s", c->folder, city->slug);
		require(mkdir(path, 0700) == 0);
		require(attachment_files_open(path, &city->files) == 0);
		io_random(city, city->instance, sizeof city->instance);
		city->fetch_bytes = 32u << 20;
		cluster_node_start(city);
	}
}

void cluster_node_start(struct city *city)
{
	struct node_config config = {
		.io = {city, io_commit, io_read, io_write, io_wake, io_close, io_event, io_random},
		.node_key = city->node_key,
		.node_public = *secret_key_public(city->node_key),
		.city_id = city->city_id,
		.city_key = *secret_key_public(city->city_key),
		.slug = city->slug,
		.name = city->slug,
		.country = "HU",
		.store = city->store,
		.agent = "test",
		.relay = !city->no_relay,
		.no_beacons = city->no_beacons,
		.charters_of = city->charters_of,
		.compression = !city->no_compression,
		.attachment_fetch_bytes = city->fetch_bytes,
	};
	memcpy(config.instance, city->instance, sizeof config.instance);
	require(attachment_sink_new(city->store, city->files, &city->sink) == 0);
	struct complaint complaint;
	require(node_new(&config, city->cluster->now, &city->node, &complaint) == 0);
}

/* Control objects have the reserve. */
static bool may_fail(const struct commit *commit)
{
	for (uint32_t i = 0; i < commit->count; i++)
		if (commit->ops[i].type == COMMIT_OBJECT || commit->ops[i].type == COMMIT_NETWORK)
			return false;
	return true;
}

static bool answer_commits(struct city *city)
{
	bool any = city->commit_count > 0 && !city->hold_commits;
	while (city->commit_count > 0 && !city->hold_commits) {
		struct commit *commit = city->commits[0];
		memmove(city->commits, city->commits + 1, --city->commit_count * sizeof(struct commit *));
		struct store_txn *txn;
		require(store_begin(city->store, &txn) == 0);
		bool fails = city->fail_commits > 0 && may_fail(commit);
		city->fail_commits -= fails;
		commit->code = fails ? ERROR_FULL : commit_apply(commit, txn);
		if (commit->code)
			store_abort(txn);
		else
			commit->code = store_commit(txn);
		require(commit->code == 0 || commit->code == ERROR_FULL);
		node_on_committed(city->node, commit, city->cluster->now);
	}
	return any;
}

static size_t waiting_reads(const struct city *city)
{
	return city->hold_reads ? 0 : city->read_count;
}

static bool answer_reads(struct city *city)
{
	bool any = waiting_reads(city) + city->write_count > 0;
	while (waiting_reads(city) > 0) {
		struct node_read *read = city->reads[0];
		memmove(city->reads, city->reads + 1, --city->read_count * sizeof(struct node_read *));
		node_read_run(read, city->store, city->files);
		node_on_read(city->node, read, city->cluster->now);
	}
	while (city->write_count > 0) {
		struct node_write *write = city->writes[0];
		memmove(city->writes, city->writes + 1, --city->write_count * sizeof(struct node_write *));
		attachment_sink_write(city->sink, &write, 1);
		if (attachment_sink_sync_due(write))
			attachment_sink_sync(write);
		node_on_written(city->node, write, city->cluster->now);
	}
	return any;
}

static void end_close(struct pipe_end *end, const char *reason)
{
	if (end->closed)
		return;
	end->closed = true;
	if (!end->link) /* played by the test */
		return;
	node_link_closed(end->city->node, end->link, reason, end->city->cluster->now);
	end->link = NULL;
}

static bool pump(struct pipe_end *end)
{
	struct cluster *c = end->cluster;
	bool any = false;
	if (end->closed || end->stalled)
		return false;
	uint8_t out[16384];
	size_t len;
	while (end->peer->in.len < 262144 &&
		(len = link_produce(end->link, out, sizeof out, c->now)) > 0) {
		any = true;
		if (!end->peer->closed) {
			struct buffer moved;
			buffer_init(&moved, SIZE_MAX);
			buffer_push(&moved, out, len);
			if (c->tamper)
				c->tamper(c->tamper_ctx, end->city, end->peer->city, &moved);
			buffer_push_bytes(&end->peer->in, buffer_bytes(&moved));
			buffer_deinit(&moved);
		}
	}
	if (end->in.len && !end->closing && link_wants_read(end->link)) {
		/* Cut at odd places: a stream has no frames. */
		size_t take = end->in.len > 70000 ? 70000 - next_random(c) % 1000 : end->in.len;
		any = true;
		if (link_receive(end->link, bytes_slice(buffer_bytes(&end->in), 0, take), c->now))
			end->closing = true;
		buffer_consume(&end->in, take);
	}
	if (end->closing) {
		while ((len = link_produce(end->link, out, sizeof out, c->now)) > 0)
			if (!end->peer->closed)
				buffer_push(&end->peer->in, out, len);
		end_close(end, "closed here");
		any = true;
	} else if (end->peer->closed && end->in.len == 0) {
		end_close(end, "closed by the peer");
		any = true;
	}
	return any;
}

static bool step(struct cluster *c)
{
	bool any = false;
	for (size_t i = 0; i < c->count; i++) {
		if (!c->cities[i].node)
			continue;
		any |= answer_commits(&c->cities[i]);
		any |= answer_reads(&c->cities[i]);
	}
	for (size_t i = 0; i < c->pipe_count; i++)
		any |= pump(c->pipes[i]);
	/* What a link asked to be read while it had nothing to send is answered now, not at the next
	 * deadline. */
	for (size_t i = 0; i < c->count; i++)
		any |= waiting_reads(&c->cities[i]) + c->cities[i].write_count > 0;
	return any;
}

static void advance(struct cluster *c, struct monotime until)
{
	struct monotime due = until;
	for (size_t i = 0; i < c->count; i++)
		if (c->cities[i].node)
			due = monotime_earlier(due, node_deadline(c->cities[i].node));
	if (due.us <= c->now.mono.us)
		due.us = c->now.mono.us + 1000;
	c->now.wall.ms += (due.us - c->now.mono.us + 999) / 1000;
	c->now.mono = due;
	for (size_t i = 0; i < c->count; i++)
		if (c->cities[i].node)
			node_on_deadline(c->cities[i].node, c->now);
}

bool cluster_run(
	struct cluster *c, bool (*done)(struct cluster *cluster, void *ctx), void *ctx, int64_t max_ms)
{
	struct monotime until = monotime_add_ms(c->now.mono, max_ms);
	for (;;) {
		while (step(c)) {
			/* A microsecond a step: time never stands still for ever. */
			c->now.mono.us += 1;
		}
		if (done && done(c, ctx))
			return true;
		if (c->now.mono.us >= until.us)
			return false;
		advance(c, until);
	}
}

void cluster_pass(struct cluster *c, int64_t ms)
{
	cluster_run(c, NULL, NULL, ms);
}

static struct pipe_end *end_new(struct cluster *c, struct city *city)
{
	struct pipe_end *end = calloc(1, sizeof *end);
	require(end && c->pipe_count < sizeof c->pipes / sizeof c->pipes[0]);
	end->cluster = c;
	end->city = city;
	buffer_init(&end->in, SIZE_MAX);
	c->pipes[c->pipe_count++] = end;
	return end;
}

void cluster_connect(struct cluster *c, struct city *a, struct city *b)
{
	struct pipe_end *x = end_new(c, a), *y = end_new(c, b);
	x->peer = y;
	y->peer = x;
	x->link = node_link_open(a->node, secret_key_public(b->node_key), true, "pipe", x, c->now);
	y->link = node_link_open(b->node, secret_key_public(a->node_key), false, "pipe", y, c->now);
	require(x->link && y->link);
}

struct pipe_end *cluster_play(struct city *city, const struct public_key *peer_key)
{
	struct cluster *c = city->cluster;
	struct pipe_end *x = end_new(c, city), *y = end_new(c, city);
	x->peer = y;
	y->peer = x;
	y->stalled = true;
	x->link = node_link_open(city->node, peer_key, false, "played", x, c->now);
	require(x->link);
	return y;
}

void cluster_disconnect(struct cluster *c, struct city *a, struct city *b)
{
	for (size_t i = 0; i < c->pipe_count; i++) {
		struct pipe_end *end = c->pipes[i];
		if (!end->closed &&
			((end->city == a && end->peer->city == b) ||
				(end->city == b && end->peer->city == a))) {
			buffer_reset(&end->in);
			end_close(end, "the wire was cut");
		}
	}
}

void cluster_node_stop(struct city *city)
{
	struct cluster *c = city->cluster;
	for (size_t i = 0; i < c->pipe_count; i++)
		if (c->pipes[i]->city == city)
			end_close(c->pipes[i], "stopped");
	city->hold_commits = city->hold_reads = false;
	while (answer_commits(city) || answer_reads(city))
		;
	node_stop(city->node, c->now);
	node_free(city->node);
	city->node = NULL;
	attachment_sink_free(city->sink);
	city->sink = NULL;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *at)
{
	(void)info;
	(void)type;
	(void)at;
	return remove(path);
}

void cluster_deinit(struct cluster *c)
{
	for (size_t i = 0; i < c->count; i++) {
		if (c->cities[i].node)
			cluster_node_stop(&c->cities[i]);
		store_close(c->cities[i].store);
		attachment_files_close(c->cities[i].files);
		secret_key_free(c->cities[i].city_key);
		secret_key_free(c->cities[i].node_key);
	}
	for (size_t i = 0; i < c->pipe_count; i++) {
		buffer_deinit(&c->pipes[i]->in);
		free(c->pipes[i]);
	}
	secret_key_free(c->officer);
	require(nftw(c->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0);
}

static void on_object(void *ctx, int code, const struct hash *object_hash, uint64_t arrival)
{
	(void)object_hash;
	(void)arrival;
	*(int *)ctx = code;
}

static struct bytes seal(
	struct cluster *c, uint8_t type, const struct buffer *body, struct buffer *envelope)
{
	buffer_init(envelope, LIMIT_OBJECT_BYTES);
	require(draft_seal_by(type, buffer_bytes(body), c->officer, envelope) == 0);
	return buffer_bytes(envelope);
}

void cluster_found(struct cluster *c)
{
	struct draft_founder founders[CLUSTER_CITIES_MAX] = {0};
	size_t count = c->founders ? c->founders : c->count;
	for (size_t i = 0; i < count; i++) {
		founders[i].slug = founders[i].name = bytes_from_text(c->cities[i].slug);
		founders[i].country = bytes_from_text("HU");
		founders[i].city_secret = c->cities[i].city_key;
		founders[i].node_secret = c->cities[i].node_key;
		memset(founders[i].sealing_key, (int)(i + 1), 32);
	}
	struct draft_network network = {.name = bytes_from_text("Pact"),
		.slug = bytes_from_text("pact"),
		.time_ms = (uint64_t)c->now.wall.ms,
		.founders = founders,
		.founder_count = count};
	network.officers.count = 1;
	network.officers.k = 1;
	network.officers.list[0].key = *secret_key_public(c->officer);
	network.officers.list[0].name = bytes_from_text("officer");
	struct buffer body, envelope;
	buffer_init(&body, LIMIT_OBJECT_BYTES);
	require(draft_genesis(&network, &body) == 0);
	struct bytes wire = seal(c, OBJECT_GENESIS, &body, &envelope);
	for (size_t i = 0; i < count; i++) {
		int code = 1;
		require(node_network_create(c->cities[i].node, wire, on_object, &code, c->now) == 0);
		while (answer_commits(&c->cities[i]))
			;
		require(code == 0);
	}
	c->network_id = *roster_network_id(node_network_roster(c->cities[0].node, 0));
	buffer_deinit(&body);
	buffer_deinit(&envelope);
}

int cluster_amend(struct city *at, const struct amendment_item *items, size_t count)
{
	struct cluster *c = at->cluster;
	struct buffer body, envelope;
	buffer_init(&body, LIMIT_OBJECT_BYTES);
	int code = draft_amendment(
		node_network_roster(at->node, 0), items, count, (uint64_t)c->now.wall.ms, &body);
	require(code == 0);
	code = 1;
	int refused = node_object_submit(at->node, &c->network_id,
		seal(c, OBJECT_AMENDMENT, &body, &envelope), on_object, &code, c->now);
	buffer_deinit(&body);
	buffer_deinit(&envelope);
	while (!refused && code == 1 && answer_commits(at))
		;
	return refused ? refused : code;
}

void cluster_admit(struct city *at, struct city *joiner, bool confirmed)
{
	struct cluster *c = at->cluster;
	struct buffer record;
	struct bytes objects[64];
	struct hash hash;
	struct complaint complaint;
	static const uint8_t sealing_key[32] = {9};
	buffer_init(&record, LIMIT_OBJECT_BYTES);
	require(draft_first_record(joiner->city_key, joiner->node_key, sealing_key, &c->network_id,
				(uint64_t)c->now.wall.ms, &record) == 0);
	struct amendment_item item = {.kind = AMENDMENT_ADMIT};
	item.admit.slug = item.admit.name = bytes_from_text(joiner->slug);
	item.admit.country = bytes_from_text("HU");
	item.admit.record = buffer_bytes(&record);
	item.admit.confirmed = confirmed;
	require(cluster_amend(at, &item, 1) == 0);
	const struct roster *roster = node_network_roster(at->node, 0);
	size_t count = 0;
	while (count < 64 && roster_amendment(roster, count, &objects[count], &hash) == 0)
		count++;
	int code = 1;
	require(node_network_adopt(
				joiner->node, objects, count, on_object, &code, &complaint, c->now) == 0);
	while (answer_commits(joiner))
		;
	require(code == 0);
	buffer_deinit(&record);
}

static void on_published(void *ctx, const struct node_published *result)
{
	*(struct node_published *)ctx = *result;
}

int cluster_publish_later(
	struct city *city, uint8_t lane, const char *body, struct node_published *result)
{
	struct header header = {.kind = lane,
		.time_ms = (uint64_t)city->cluster->now.wall.ms,
		.body_size = (uint32_t)strlen(body)};
	struct buffer bytes;
	buffer_init(&bytes, HEADER_SIZE_MAX);
	io_random(city, header.content_id, sizeof header.content_id);
	require(header_encode(&header, &bytes) == 0);
	*result = (struct node_published){.code = 1};
	int code = node_publish(city->node, &city->cluster->network_id, lane, buffer_bytes(&bytes),
		bytes_from_text(body), on_published, result, city->cluster->now);
	buffer_deinit(&bytes);
	/* A draft does not wait until something else happens. */
	if (!code && node_publishing(city->node, NULL) == NODE_PUBLISHING_OPEN)
		require(monotime_reached(city->cluster->now.mono, node_deadline(city->node)));
	return code;
}

int cluster_publish(struct city *city, uint8_t lane, const char *body, struct node_published *out)
{
	struct node_published result;
	int code = cluster_publish_later(city, lane, body, &result);
	if (code)
		return code;
	for (int i = 0; i < 100 && result.code == 1; i++) {
		answer_commits(city);
		node_on_deadline(city->node, city->cluster->now);
	}
	if (out)
		*out = result;
	return result.code;
}

bool cluster_feed(struct city *at, struct city *of, uint8_t lane, struct node_feed *out)
{
	struct hash feed_id;
	require(feed_id_of(&at->cluster->network_id, &of->city_id, lane, &feed_id) == 0);
	return node_feed_find(at->node, &feed_id, out);
}

static void on_renewed(void *ctx, int code, const struct hash *object_hash, uint64_t arrival)
{
	(void)object_hash;
	(void)arrival;
	*(int *)ctx = code;
}

void cluster_renew_at(
	struct city *city, uint8_t seed_byte, const struct epoch_cut *cuts, enum epoch_reason reason)
{
	struct cluster *c = city->cluster;
	uint8_t seed[SECRET_SEED_SIZE], sealing[32] = {9};
	struct secret_key *key, *former = city->node_key;
	struct buffer wire;
	int code = 1;
	memset(seed, seed_byte, sizeof seed);
	require(secret_key_from_seed(seed, &key) == 0);
	buffer_init(&wire, LIMIT_OBJECT_BYTES);
	require(draft_renewal(node_network_roster(city->node, 0), &city->city_id, city->city_key, key,
				sealing, cuts, reason, (uint64_t)c->now.wall.ms, &wire) == 0);
	require(node_object_submit(
				city->node, &c->network_id, buffer_bytes(&wire), on_renewed, &code, c->now) == 0);
	buffer_deinit(&wire);
	cluster_pass(c, 10);
	require(code == 0);
	city->node_key = key;
	node_set_node_key(city->node, key, secret_key_public(key), c->now);
	secret_key_free(former);
	cluster_pass(c, 10);
}

void cluster_renew(struct city *city)
{
	struct epoch_cut cuts[EPOCH_LANES] = {{0}};
	for (uint8_t lane = 1; lane <= EPOCH_LANES; lane++) {
		struct node_feed feed;
		if (cluster_feed(city, city, lane, &feed) && feed.seq)
			cuts[lane - 1] = (struct epoch_cut){feed.seq, feed.entry_hash};
	}
	cluster_renew_at(city, 77, cuts, EPOCH_REASON_RENEWAL);
}

bool cluster_converged(struct cluster *c, void *ctx)
{
	(void)ctx;
	for (size_t of = 0; of < c->count; of++)
		for (uint8_t lane = 1; lane <= FEED_LANE_COUNT; lane++) {
			struct node_feed first = {0}, other = {0};
			for (size_t at = 0; at < c->count; at++) {
				if (!c->cities[at].node)
					continue;
				if (!cluster_feed(&c->cities[at], &c->cities[of], lane, at == 0 ? &first : &other))
					return false;
				if (at > 0 &&
					(first.seq != other.seq || !hash_equal(&first.entry_hash, &other.entry_hash)))
					return false;
			}
		}
	return true;
}
