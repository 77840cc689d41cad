/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/check.h"
#include "proto/node_private.h"

/* Listening: HELLOs, digests and cursors compared, what a peer announces kept until it is durable
 * here. Telling is sync_tell.c. */

static void key_of_cursor(
	const struct hash *network_id, const struct hash *city_id, uint8_t key[2 * HASH_SIZE])
{
	memcpy(key, network_id->bytes, HASH_SIZE);
	memcpy(key + HASH_SIZE, city_id->bytes, HASH_SIZE);
}

struct store_cursor *sync_cursor(
	const struct node *node, const struct hash *network_id, const struct hash *city_id)
{
	uint8_t key[2 * HASH_SIZE];
	key_of_cursor(network_id, city_id, key);
	return map_get(&node->cursors, key);
}

int sync_cursor_set(struct node *node, const struct hash *network_id, const struct hash *city_id,
	const struct store_cursor *cursor)
{
	uint8_t key[2 * HASH_SIZE];
	struct store_cursor *kept = sync_cursor(node, network_id, city_id);
	if (kept) {
		*kept = *cursor;
		return 0;
	}
	kept = malloc(sizeof *kept);
	if (!kept)
		return ERROR_MEMORY;
	*kept = *cursor;
	key_of_cursor(network_id, city_id, key);
	int code = map_put(&node->cursors, key, kept);
	if (code)
		free(kept);
	return code;
}

static void hello_of(struct link *link, struct link_network *ln, struct message_network *n)
{
	struct node *node = link->node;
	n->network_id = ln->network->id;
	n->number = roster_number(ln->network->roster);
	digest_network(node, ln->network, &n->digest);
	n->arrival = node->newest.arrival;
	memcpy(n->rolling, node->newest.rolling, sizeof n->rolling);
	const struct store_cursor *c = sync_cursor(node, &ln->network->id, &link->city_id);
	n->has_cursor = c != NULL;
	if (c) {
		memcpy(n->cursor.store_epoch, c->peer_store_epoch, STORE_EPOCH_BYTES);
		n->cursor.arrival = c->arrival;
		memcpy(n->cursor.rolling, c->rolling, sizeof n->cursor.rolling);
	}
	ln->hello_arrival = n->arrival;
	ln->said = true;
}

void sync_hello(struct link *link)
{
	struct node *node = link->node;
	struct message_network *networks = calloc(LIMIT_NETWORKS, sizeof *networks);
	if (!networks)
		return;
	/* Before it is accepted a HELLO has at most 4 KiB; a further one then names all. */
	uint32_t max = link->state == LINK_LIVE ? LIMIT_NETWORKS : LIMIT_EARLY_NETWORKS;
	uint32_t count = 0;
	for (uint32_t i = 0; i < link->network_count && count < max; i++)
		hello_of(link, &link->networks[i], &networks[count++]);
	count += link_bootstrap_hello(link, networks + count, max - count);
	message_write_hello(&link->control, node->config.instance, node->now.wall, node->store_epoch,
		node->agent, networks, count, node->config.compression ? HELLO_TAKES_COMPRESSED : 0);
	link->hello_sent = true;
	free(networks);
	link_wake(link);
}

void sync_hello_more(struct link *link)
{
	for (uint32_t i = 0; i < link->network_count; i++)
		if (!link->networks[i].said) {
			sync_hello(link);
			return;
		}
}

static bool cursor_right(const struct node *node, const struct message_network *n)
{
	if (!n->has_cursor || n->cursor.arrival == 0)
		return true; /* it has nothing of ours: all is told from the start */
	if (memcmp(n->cursor.store_epoch, node->store_epoch, STORE_EPOCH_BYTES) != 0)
		return false;
	if (n->cursor.arrival == node->newest.arrival)
		return memcmp(n->cursor.rolling, node->newest.rolling, sizeof n->cursor.rolling) == 0;
	uint8_t rolling[STORE_ROLLING_SIZE];
	if (n->cursor.arrival > node->newest.arrival || !node->config.store ||
		store_rolling_at(node->config.store, n->cursor.arrival, rolling))
		return false;
	return memcmp(rolling, n->cursor.rolling, sizeof rolling) == 0;
}

static void send_ranges(struct link *link, struct link_network *ln)
{
	uint8_t objects[RANGE_COUNT * RANGE_PREFIX_BYTES], feeds[RANGE_COUNT * RANGE_PREFIX_BYTES];
	for (uint32_t i = 0; i < RANGE_COUNT; i++) {
		struct hash range;
		roster_object_range(ln->network->roster, i, &range);
		memcpy(objects + (size_t)i * RANGE_PREFIX_BYTES, range.bytes, RANGE_PREFIX_BYTES);
		memcpy(feeds + (size_t)i * RANGE_PREFIX_BYTES,
			digest_feed_range(link->node, ln->network, i)->bytes, RANGE_PREFIX_BYTES);
	}
	ln->ranges_arrival = link->node->newest.arrival;
	message_write_ranges(&link->control, &ln->network->id, bytes_of(objects, sizeof objects),
		bytes_of(feeds, sizeof feeds));
	link_wake(link);
}

static void cursor_moved(
	struct link *link, struct link_network *ln, uint64_t arrival, const uint8_t rolling[8])
{
	if (arrival == ln->cursor.arrival && memcmp(ln->cursor.rolling, rolling, 8) == 0 &&
		memcmp(ln->cursor.store_epoch, link->peer_store_epoch, STORE_EPOCH_BYTES) == 0)
		return;
	memcpy(ln->cursor.store_epoch, link->peer_store_epoch, STORE_EPOCH_BYTES);
	ln->cursor.arrival = arrival;
	memcpy(ln->cursor.rolling, rolling, 8);
	ln->cursor_dirty = true;
	message_write_ack(&link->control, &ln->network->id, arrival);
	link_wake(link);
}

bool sync_before_confirmed(const struct link *link, const struct network *network, uint64_t arrival)
{
	const struct roster_member *m = roster_member_by_city(network->roster, &link->city_id);
	if (!m || !m->confirmed || m->confirmed_number >= network->charter->amendment_count)
		return false;
	const struct object_ref *ref = network->charter->amendments[m->confirmed_number];
	return ref && arrival < ref->arrival;
}

void sync_confirmed(struct network *network, const struct hash *city_id)
{
	list_for_each(&network->node->links, n)
	{
		struct link *link = list_entry(n, struct link, node_link);
		struct link_network *ln = link_network_find(link, &network->id);
		if (!ln || !link->has_city || !hash_equal(&link->city_id, city_id))
			continue;
		ln->acked_arrival = 0;
		if (!ln->telling)
			continue;
		ln->filtered = false;
		sync_tell_from(link, ln, 0);
	}
}

/* What a HELLO says of one network, at the first time on this link. */
static void hello_first(
	struct link *link, struct link_network *ln, const struct message_network *n, bool lost)
{
	struct node *node = link->node;
	const struct store_cursor *kept = sync_cursor(node, &ln->network->id, &link->city_id);
	if (kept) {
		memcpy(ln->cursor.store_epoch, kept->peer_store_epoch, STORE_EPOCH_BYTES);
		ln->cursor.arrival = kept->arrival;
		memcpy(ln->cursor.rolling, kept->rolling, sizeof ln->cursor.rolling);
	}
	bool right = cursor_right(node, n);
	/* Unconfirmed it was told of older feeds, and not given them. */
	bool anew = n->has_cursor && sync_before_confirmed(link, ln->network, n->cursor.arrival);
	if (right && !anew && n->has_cursor && n->cursor.arrival > ln->acked_arrival)
		ln->acked_arrival = n->cursor.arrival;
	struct hash digest;
	digest_network(node, ln->network, &digest);
	if (!lost && hash_equal(&digest, &n->digest)) {
		cursor_moved(link, ln, n->arrival, n->rolling);
		/* The peer takes what our HELLO said as its cursor; the walk begins there. */
		sync_tell_from(link, ln, ln->hello_arrival);
		ln->live = true;
		return;
	}
	/* Perhaps the charters have parted, at a number that both hold: node_charter.c. */
	if (!lost && n->number && n->number == roster_number(ln->network->roster))
		ln->amendment_next = (size_t)n->number;
	if (right) {
		sync_tell_from(link, ln, n->has_cursor && !anew ? n->cursor.arrival : 0);
	} else {
		send_ranges(link, ln);
	}
}

static void hello_network(
	struct link *link, struct link_network *ln, const struct message_network *n)
{
	bool again = ln->named;
	if (!again)
		ln->hello_number = n->number;
	ln->named = true;
	/* Zeros: the peer has lost the charter, and begins at the genesis. */
	bool lost = hash_is_zero(&n->digest);
	size_t next = n->number < SIZE_MAX ? (size_t)n->number + 1 : SIZE_MAX;
	if (lost)
		ln->amendment_next = 0;
	else if (next > ln->amendment_next)
		ln->amendment_next = next;
	if (!again) {
		hello_first(link, ln, n, lost);
		node_fill_want(ln->network);
	}
	link_wake(link);
}

/* A network that is not shared (yet): what the peer said of it is kept until it is. */
static void keep_other(struct link *link, const struct message_network *n)
{
	for (uint32_t i = 0; i < link->other_count; i++)
		if (hash_equal(&link->others[i].network_id, &n->network_id)) {
			link->others[i] = *n;
			return;
		}
	if (link->other_count == LIMIT_NETWORKS)
		return;
	struct message_network *grown = realloc(link->others, (link->other_count + 1) * sizeof *grown);
	if (!grown)
		return;
	link->others = grown;
	grown[link->other_count++] = *n;
}

int sync_on_hello(struct link *link, const struct message *m)
{
	for (uint32_t i = 0; i < m->hello.count; i++) {
		struct link_network *ln = link_network_find(link, &m->hello.networks[i].network_id);
		if (ln)
			hello_network(link, ln, &m->hello.networks[i]);
		else
			keep_other(link, &m->hello.networks[i]);
	}
	return 0;
}

void sync_others(struct link *link)
{
	for (uint32_t i = 0; i < link->other_count;) {
		struct message_network n = link->others[i];
		struct link_network *ln = link_network_find(link, &n.network_id);
		if (!ln) {
			i++;
			continue;
		}
		link->others[i] = link->others[--link->other_count];
		hello_network(link, ln, &n);
	}
}

/* ---- marks ---- */

#define MARKS_FIRST 4u
_Static_assert((LIMIT_MARKS & (LIMIT_MARKS - 1)) == 0, "doubling ends at the limit");

/* A mark that took others over has the highest of their numbers. */
static struct mark *mark_find(struct link_network *ln, uint64_t number)
{
	for (uint32_t i = 0; i < ln->mark_count; i++) {
		struct mark *mark = &ln->marks[(ln->mark_first + i) % ln->mark_room];
		if (mark->number >= number)
			return mark;
	}
	return NULL;
}

static void marks_advance(struct link *link, struct link_network *ln)
{
	const struct mark *reached = NULL;
	while (ln->mark_count > 0 && ln->marks[ln->mark_first].outstanding == 0) {
		reached = &ln->marks[ln->mark_first];
		ln->mark_first = (ln->mark_first + 1) % ln->mark_room;
		ln->mark_count--;
	}
	if (reached)
		cursor_moved(link, ln, reached->arrival, reached->rolling);
	if (ln->mark_count == 0) {
		free(ln->marks);
		ln->marks = NULL;
		ln->mark_room = ln->mark_first = 0;
	}
}

/* Room for one more mark, or at least for the last one to take it over. */
static bool mark_room(struct link_network *ln)
{
	if (ln->mark_count < ln->mark_room || ln->mark_room == LIMIT_MARKS)
		return true;
	uint32_t room = ln->mark_room ? 2 * ln->mark_room : MARKS_FIRST;
	struct mark *grown = malloc(room * sizeof *grown);
	if (!grown)
		return false;
	for (uint32_t i = 0; i < ln->mark_count; i++)
		grown[i] = ln->marks[(ln->mark_first + i) % ln->mark_room];
	free(ln->marks);
	ln->marks = grown;
	ln->mark_room = room;
	ln->mark_first = 0;
	return true;
}

static void mark_close(
	struct link *link, struct link_network *ln, uint64_t arrival, const uint8_t rolling[8])
{
	if (!mark_room(ln))
		return; /* the next mark takes this one's items over */
	if (ln->mark_count == LIMIT_MARKS) {
		/* The last one takes this over: the cursor moves later, never too far. */
		struct mark *last = &ln->marks[(ln->mark_first + ln->mark_count - 1) % ln->mark_room];
		last->arrival = arrival;
		memcpy(last->rolling, rolling, 8);
		last->outstanding += ln->mark_open;
		last->number = ln->mark_next;
	} else {
		struct mark *mark = &ln->marks[(ln->mark_first + ln->mark_count++) % ln->mark_room];
		mark->number = ln->mark_next;
		mark->arrival = arrival;
		memcpy(mark->rolling, rolling, 8);
		mark->outstanding = ln->mark_open;
	}
	ln->mark_next++;
	ln->mark_open = 0;
	marks_advance(link, ln);
}

static void mark_item_done(struct link *link, struct link_network *ln, uint64_t number)
{
	if (number == ln->mark_next) {
		if (ln->mark_open > 0)
			ln->mark_open--;
		return;
	}
	struct mark *mark = mark_find(ln, number);
	if (mark && mark->outstanding > 0)
		mark->outstanding--;
	marks_advance(link, ln);
}

/* ---- announcements ---- */

void sync_announced_free(struct announced *a)
{
	list_remove(&a->by_feed);
	list_remove(&a->by_link);
	a->link->announced_count--;
	free(a);
}

struct announced *sync_announced(const struct feed *feed, const struct link *link)
{
	list_for_each(&feed->announcers, n)
	{
		struct announced *a = list_entry(n, struct announced, by_feed);
		if (a->link == link)
			return a;
	}
	return NULL;
}

/* Its admission is on its way, or the peer holds what nobody here can judge. The cursor does not
 * pass it, and when somebody is admitted the range is asked for again. */
static int announced_unknown(struct link_network *ln, const struct hash *feed_id)
{
	ln->unknown = true;
	ln->unknown_feeds[feed_id->bytes[0] / 8] |= (uint8_t)(0x80 >> feed_id->bytes[0] % 8);
	ln->mark_open++;
	return 0;
}

void sync_admitted(struct network *network)
{
	static const uint8_t none[32] = {0};
	list_for_each(&network->node->links, n)
	{
		struct link *link = list_entry(n, struct link, node_link);
		struct link_network *ln = link_network_find(link, &network->id);
		if (!ln || !ln->unknown || link->state != LINK_LIVE)
			continue;
		message_write_range_want(&link->control, &network->id, none, ln->unknown_feeds);
		link_wake(link);
		ln->unknown = false;
		memset(ln->unknown_feeds, 0, sizeof ln->unknown_feeds);
	}
}

static int announced_feed(struct link *link, struct link_network *ln, const struct message_feed *f)
{
	struct node *node = link->node;
	struct feed *feed = node_feed(node, &f->feed_id);
	if (!feed || feed->network != ln->network)
		return announced_unknown(ln, &f->feed_id);
	if (f->seq == feed->durable_seq && !hash_equal(&f->entry_hash, &feed->durable_hash))
		node_feed_contradicted(node, link, feed, f);
	struct announced *a = sync_announced(feed, link);
	if (!a) {
		if (link->announced_count >= LIMIT_OUTSTANDING)
			return link_breach(link, ERROR_LIMIT, "limit");
		a = calloc(1, sizeof *a);
		if (!a)
			return ERROR_MEMORY;
		a->feed = feed;
		a->link = link;
		list_push_back(&feed->announcers, &a->by_feed);
		list_push_back(&link->announced, &a->by_link);
		link->announced_count++;
	}
	a->seq = f->seq;
	a->entry_hash = f->entry_hash;
	a->retry_at = monotime_from_us(0);
	/* One that is still awaited keeps its mark until all that was announced since is durable: the
	 * cursor never passes what is not. */
	bool held = f->seq <= feed->durable_seq && !node_fill_due(feed);
	if (!held && a->mark == 0) {
		a->mark = ln->mark_next;
		ln->mark_open++;
	} else if (held && a->mark) {
		uint64_t mark = a->mark;
		a->mark = 0;
		mark_item_done(link, ln, mark);
	}
	if (f->seq > feed->tip.seq)
		spread_want(node, feed);
	return 0;
}

/* As many as the peer keeps in hand at once. */
static void ask_objects(struct link *link, struct link_network *ln)
{
	struct hash asked[LIMIT_OBJECT_WANTS];
	uint32_t count = 0;
	size_t position = 0;
	const void *key;
	void *value;
	if (ln->asked > 0 || ln->wanted_objects.count == 0)
		return;
	while (count < LIMIT_OBJECT_WANTS && map_next(&ln->wanted_objects, &position, &key, &value)) {
		if ((uintptr_t)value & 1)
			continue;
		memcpy(asked[count].bytes, key, HASH_SIZE);
		if (!node_object_find(ln->network, &asked[count]))
			count++;
	}
	for (uint32_t i = 0; i < count; i++) {
		uintptr_t mark = (uintptr_t)map_get(&ln->wanted_objects, &asked[i]);
		map_put(&ln->wanted_objects, &asked[i], (void *)(mark | 1)); /* it is there: no memory */
	}
	ln->asked = count;
	if (count)
		message_write_object_want(&link->control, &ln->network->id, asked, count);
	link_wake(link);
}

static void announced_objects(struct link *link, struct link_network *ln, const struct message *m)
{
	for (uint32_t i = 0; i < m->announce.object_count; i++) {
		const struct hash *hash = &m->announce.objects[i];
		const struct object_ref *ref = node_object_find(ln->network, hash);
		if ((ref && ref->arrival) || map_get(&ln->wanted_objects, hash))
			continue;
		/* One that finds no place holds the cursor back: it comes at the next HELLO. */
		ln->mark_open++;
		if (ln->wanted_objects.count < LIMIT_OUTSTANDING)
			map_put(&ln->wanted_objects, hash, (void *)(uintptr_t)(ln->mark_next << 1));
	}
	ask_objects(link, ln);
}

void sync_object_awaited(struct link_network *ln, const struct hash *object_hash)
{
	if (map_get(&ln->wanted_objects, object_hash))
		return;
	ln->mark_open++;
	if (ln->wanted_objects.count < LIMIT_OUTSTANDING)
		map_put(&ln->wanted_objects, object_hash, (void *)(uintptr_t)(ln->mark_next << 1));
}

static void object_over(struct link *link, struct link_network *ln, const struct hash *hash)
{
	uintptr_t value = (uintptr_t)map_remove(&ln->wanted_objects, hash);
	if (!value)
		return;
	if (value & 1)
		ln->asked--;
	mark_item_done(link, ln, value >> 1);
	ask_objects(link, ln);
}

void sync_object_over(struct network *network, const struct hash *object_hash)
{
	list_for_each(&network->node->links, n)
	{
		struct link *link = list_entry(n, struct link, node_link);
		struct link_network *ln = link_network_find(link, &network->id);
		if (ln)
			object_over(link, ln, object_hash);
	}
}

int sync_on_object_gone(struct link *link, const struct message *m)
{
	struct link_network *ln = link_network_find(link, &m->object_want.network_id);
	for (uint32_t i = 0; ln && i < m->object_want.count; i++)
		if (!node_object_find(ln->network, &m->object_want.hashes[i]))
			object_over(link, ln, &m->object_want.hashes[i]);
	return 0;
}

int sync_on_announce(struct link *link, const struct message *m)
{
	struct link_network *ln = link_network_find(link, &m->announce.network_id);
	if (!ln)
		return 0;
	for (uint32_t i = 0; i < m->announce.feed_count; i++) {
		int code = announced_feed(link, ln, &m->announce.feeds[i]);
		if (code)
			return code;
	}
	announced_objects(link, ln, m);
	if (m->announce.has_mark)
		mark_close(link, ln, m->announce.arrival, m->announce.rolling);
	return 0;
}

void sync_feed_durable(struct feed *feed)
{
	list_for_each_safe(&feed->announcers, n)
	{
		struct announced *a = list_entry(n, struct announced, by_feed);
		struct link_network *ln = link_network_find(a->link, &feed->network->id);
		uint64_t mark = a->mark;
		if (a->seq > feed->durable_seq || (a->mark && node_fill_due(feed)))
			continue;
		a->mark = 0;
		if (mark && ln)
			mark_item_done(a->link, ln, mark);
		/* It stays until our own announcement was made, which it makes needless: sync_tell.c. */
	}
}

void sync_announced_void(struct announced *a)
{
	struct link *link = a->link;
	struct link_network *ln = link_network_find(link, &a->feed->network->id);
	uint64_t mark = a->mark;
	sync_announced_free(a);
	if (mark && ln)
		mark_item_done(link, ln, mark);
}

int sync_on_ranges(struct link *link, const struct message *m)
{
	struct link_network *ln = link_network_find(link, &m->ranges.network_id);
	if (!ln)
		return 0;
	uint8_t objects[32] = {0}, feeds[32] = {0};
	for (uint32_t i = 0; i < RANGE_COUNT; i++) {
		struct hash range;
		size_t at = (size_t)i * RANGE_PREFIX_BYTES;
		roster_object_range(ln->network->roster, i, &range);
		if (memcmp(m->ranges.objects.data + at, range.bytes, RANGE_PREFIX_BYTES) != 0)
			objects[i / 8] |= (uint8_t)(0x80 >> i % 8);
		if (memcmp(m->ranges.feeds.data + at, digest_feed_range(link->node, ln->network, i)->bytes,
				RANGE_PREFIX_BYTES) != 0)
			feeds[i / 8] |= (uint8_t)(0x80 >> i % 8);
	}
	message_write_range_want(&link->control, &ln->network->id, objects, feeds);
	link_wake(link);
	return 0;
}

void sync_link_closed(struct link *link)
{
	struct node *node = link->node;
	struct commit *commit = NULL;
	for (uint32_t i = 0; i < link->network_count; i++) {
		struct link_network *ln = &link->networks[i];
		if (ln->cursor_dirty && !node->stopped)
			commit = sync_save_cursor(link, ln, commit);
	}
	if (commit)
		node_commit(node, commit);
	struct list_node *n;
	while ((n = list_first(&link->announced)))
		sync_announced_free(list_entry(n, struct announced, by_link));
}

struct commit *sync_save_cursor(struct link *link, struct link_network *ln, struct commit *commit)
{
	struct store_cursor cursor = {.arrival = ln->cursor.arrival};
	memcpy(cursor.peer_store_epoch, ln->cursor.store_epoch, STORE_EPOCH_BYTES);
	memcpy(cursor.rolling, ln->cursor.rolling, sizeof cursor.rolling);
	if (!commit)
		commit = commit_new(COMMIT_BULK);
	struct commit_op *op = commit ? commit_add(commit, COMMIT_CURSOR) : NULL;
	if (!op)
		return commit;
	op->network_id = ln->network->id;
	op->city_id = link->city_id;
	op->cursor = cursor;
	ln->cursor_dirty = false;
	sync_cursor_set(link->node, &ln->network->id, &link->city_id, &cursor);
	return commit;
}
