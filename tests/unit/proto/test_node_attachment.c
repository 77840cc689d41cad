/* SPDX-License-Identifier: Apache-2.0 */
/* Attachments fetched from a peer that is played, and served to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "feed/attachment_id.h"
#include "store/attachment_file.h"
#include "tests/unit/proto/script.h"
#include "tests/unit/proto/upload.h"

#define CHUNK ATTACHMENT_CHUNK_BYTES
/* More than one sync's worth, and a little. */
#define LONG_BYTES (ATTACHMENT_SYNC_BYTES + 3 * CHUNK)

static uint8_t content[LONG_BYTES];

struct fetch {
	struct cluster c;
	struct city *node, *peer;
	struct script s;
	uint64_t sent; /* fragment and inline bytes */
	uint32_t stream;
	/* the file asked for */
	struct header_attachment a;
	struct buffer hashes;
	uint64_t stream_sent; /* of its stream: list, then data */
};

static void fetch_init(struct fetch *f, uint64_t seed)
{
	memset(f, 0, sizeof *f);
	for (size_t i = 0; i < LONG_BYTES; i++)
		content[i] = (uint8_t)(seed + i * 7 + i / 255);
	cluster_init(&f->c, 2, seed);
	cluster_found(&f->c);
	f->node = &f->c.cities[0];
	f->peer = &f->c.cities[1];
	script_live(&f->s, f->node, f->peer);
}

static void fetch_deinit(struct fetch *f)
{
	assert_false(script_closed(&f->s));
	buffer_deinit(&f->hashes);
	script_close(&f->s);
	cluster_deinit(&f->c);
}

/* Time passes, and the peer is not silent. */
static void pass(struct fetch *f, int64_t ms)
{
	for (; ms > 0; ms -= 10000) {
		message_write_ping(&f->s.out, 1);
		script_send(&f->s);
		cluster_pass(&f->c, ms < 10000 ? ms : 10000);
	}
}

/* The peer publishes a document with a file of so many bytes, and gives the document. */
static void offer(struct fetch *f, uint64_t seq, struct bytes bytes)
{
	struct node_published published;
	struct script_run run;
	buffer_deinit(&f->hashes);
	f->a = upload_name(bytes, 0, &f->hashes);
	upload_publish(f->peer, FEED_LANE_DOC, &f->a, 1, &published);
	assert_int_equal(published.seq, seq);
	script_run_of(f->peer, FEED_LANE_DOC, seq, &run);
	script_announce(&f->s, &run.feed_id, seq, &published.entry_hash, 0);
	script_send(&f->s);
	assert_true(script_seek(&f->s, MESSAGE_PULL));
	script_write_run(&f->s, &run, 0);
	f->sent += run.blob->len;
	message_write_pull_end(&f->s.out, &run.feed_id, seq + 1, END_DONE);
	script_send(&f->s);
	script_run_free(&run);
}

/* ATTACHMENT as it was asked for last. */
static void answer(struct fetch *f)
{
	const struct message *m = &f->s.message;
	assert_int_equal(m->type, MESSAGE_ATTACHMENT_PULL);
	assert_memory_equal(&m->attachment_pull.attachment_id, &f->a.id, HASH_SIZE);
	message_write_attachment(&f->s.out, ++f->stream, &f->a.id, f->a.size,
		m->attachment_pull.first_chunk, m->attachment_pull.with_list);
	f->stream_sent = 0;
}

static void asked(struct fetch *f)
{
	if (!script_seek(&f->s, MESSAGE_ATTACHMENT_PULL))
		fail_msg("the attachment is not asked for");
	assert_true(f->s.bulk_limit >= f->sent + 2 * (uint64_t)LIMIT_RUN_BYTES);
}

static void fragments(struct fetch *f, struct bytes bytes, bool last)
{
	while (bytes.len) {
		struct bytes part = bytes_slice(bytes, 0, LIMIT_FRAGMENT_BYTES);
		bytes = bytes_slice(bytes, part.len, SIZE_MAX);
		if (f->sent + part.len > f->s.bulk_limit) {
			script_send(&f->s);
			script_drain(&f->s);
		}
		assert_true(f->sent + part.len <= f->s.bulk_limit);
		message_write_fragment(&f->s.out, f->stream, f->stream_sent, last && bytes.len == 0, part);
		f->sent += part.len;
		f->stream_sent += part.len;
	}
	script_send(&f->s);
}

static void give_list(struct fetch *f)
{
	fragments(f, buffer_bytes(&f->hashes), false);
}

static void end(struct fetch *f, enum message_end_code code)
{
	message_write_attachment_end(&f->s.out, &f->a.id, code);
	script_send(&f->s);
}

static void a_file_is_fetched_whole(void **state)
{
	(void)state;
	struct fetch f;
	fetch_init(&f, 1);
	offer(&f, 1, bytes_of(content, CHUNK + 1000));
	asked(&f);
	answer(&f);
	give_list(&f);
	fragments(&f, bytes_of(content, CHUNK + 1000), true);
	end(&f, END_DONE);
	cluster_pass(&f.c, 10);
	assert_true(upload_held(f.node, &f.a.id));
	assert_int_equal(f.node->attachments_seen, 1);
	fetch_deinit(&f);
}

/* Half a chunk, then "later": again and again, more than a window in all. */
static void half_a_chunk_gives_its_credit_back(void **state)
{
	(void)state;
	struct fetch f;
	fetch_init(&f, 2);
	offer(&f, 1, bytes_of(content, CHUNK));
	while (f.sent < 2 * LIMIT_BULK_WINDOW_BYTES) {
		asked(&f);
		answer(&f);
		give_list(&f);
		fragments(&f, bytes_of(content, CHUNK - 1), false);
		end(&f, END_LATER);
		pass(&f, 31000);
	}
	asked(&f);
	answer(&f);
	give_list(&f);
	fragments(&f, bytes_of(content, CHUNK), true);
	cluster_pass(&f.c, 10);
	assert_true(upload_held(f.node, &f.a.id));
	fetch_deinit(&f);
}

/* All its bytes come, the stream's end does not: it is complete, and forgotten, while its stream is
 * still open. What comes then belongs to nothing, and the link has its places again. */
static void a_stream_may_outlive_its_attachment(void **state)
{
	(void)state;
	struct fetch f;
	fetch_init(&f, 3);
	for (uint64_t seq = 1; seq <= 4; seq++) {
		struct bytes bytes = bytes_of(content + seq, 1000);
		offer(&f, seq, bytes);
		asked(&f);
		answer(&f);
		give_list(&f);
		fragments(&f, bytes, false);
		cluster_pass(&f.c, 10);
		assert_true(upload_held(f.node, &f.a.id));
		fragments(&f, bytes_from_text("more of what is no more"), seq % 2);
		assert_false(script_closed(&f.s));
	}
	fetch_deinit(&f);
}

/* How much is durable is not known yet: it is asked for again only then, and from there on. */
static void it_is_asked_again_when_what_is_durable_is_known(void **state)
{
	(void)state;
	struct fetch f;
	fetch_init(&f, 4);
	offer(&f, 1, bytes_of(content, LONG_BYTES));
	asked(&f);
	answer(&f);
	give_list(&f);
	f.node->hold_commits = true;
	fragments(&f, bytes_of(content, LONG_BYTES - CHUNK), false);
	assert_true(f.node->commit_count > 0);
	end(&f, END_LATER);
	pass(&f, 1000);
	assert_false(script_seek(&f.s, MESSAGE_ATTACHMENT_PULL));
	f.node->hold_commits = false;
	pass(&f, 1000);
	asked(&f);
	uint32_t first = f.s.message.attachment_pull.first_chunk;
	assert_int_equal(first, ATTACHMENT_SYNC_BYTES / CHUNK);
	answer(&f);
	give_list(&f);
	fragments(&f, bytes_of(content + first * CHUNK, LONG_BYTES - first * CHUNK), true);
	end(&f, END_DONE);
	cluster_pass(&f.c, 10);
	assert_true(upload_held(f.node, &f.a.id));
	fetch_deinit(&f);
}

/* An answer that begins elsewhere than it was asked to is a breach. */
static void an_answer_is_held_against_what_was_asked(void **state)
{
	(void)state;
	struct fetch f;
	fetch_init(&f, 6);
	offer(&f, 1, bytes_of(content, LONG_BYTES));
	asked(&f);
	message_write_attachment(&f.s.out, 1, &f.a.id, f.a.size, 1, true);
	script_send(&f.s);
	assert_true(script_closed(&f.s));
	assert_int_equal(script_bye(&f.s), BYE_PROTOCOL);
	assert_non_null(strstr(f.node->last_close, "attachment"));
	buffer_deinit(&f.hashes);
	script_close(&f.s);
	cluster_deinit(&f.c);
}

/* What was durable is not asked for again. */
static void a_file_is_resumed_where_it_was_durable(void **state)
{
	(void)state;
	struct fetch f;
	fetch_init(&f, 5);
	offer(&f, 1, bytes_of(content, LONG_BYTES));
	asked(&f);
	answer(&f);
	give_list(&f);
	fragments(&f, bytes_of(content, LONG_BYTES - CHUNK), false);
	end(&f, END_LATER);
	pass(&f, 1000);
	asked(&f);
	uint32_t first = f.s.message.attachment_pull.first_chunk;
	assert_int_equal(first, ATTACHMENT_SYNC_BYTES / CHUNK);
	answer(&f);
	give_list(&f);
	fragments(&f, bytes_of(content + first * CHUNK, LONG_BYTES - first * CHUNK), true);
	cluster_pass(&f.c, 10);
	assert_true(upload_held(f.node, &f.a.id));
	fetch_deinit(&f);
}

/* ---- served ---- */

/* An alert with a file and a long document are asked for at once: which one comes first? */
static bool file_before_document(uint8_t flags, size_t len)
{
	static char body[60001];
	struct cluster c;
	struct script s;
	struct node_published published;
	struct hash feed_id;
	cluster_init(&c, 2, 100 + len % 97 + flags);
	cluster_found(&c);
	struct city *node = &c.cities[0];
	struct header_attachment a = upload_make(node, bytes_of(content, len), flags);
	upload_publish(node, FEED_LANE_ALERT, &a, 1, &published);
	memset(body, 'x', sizeof body - 1);
	for (int i = 0; i < 8; i++)
		assert_int_equal(cluster_publish(node, FEED_LANE_DOC, body, NULL), 0);
	script_live(&s, node, &c.cities[1]);
	node->hold_reads = true; /* both are there when the first frame is chosen */
	assert_int_equal(feed_id_of(&c.network_id, &node->city_id, FEED_LANE_ALERT, &feed_id), 0);
	message_write_attachment_pull(
		&s.out, LIMIT_BULK_WINDOW_BYTES, &feed_id, published.seq, &a.id, 0, true);
	struct message_pull pull = {.first_seq = 1};
	assert_int_equal(feed_id_of(&c.network_id, &node->city_id, FEED_LANE_DOC, &pull.feed_id), 0);
	message_write_pull(&s.out, LIMIT_BULK_WINDOW_BYTES, &pull, 1);
	script_send(&s);
	node->hold_reads = false;
	cluster_pass(&c, 0);
	int first = 0;
	while (first == 0 && script_next(&s))
		first = s.message.type == MESSAGE_ATTACHMENT ? 1 : s.message.type == MESSAGE_RUN ? 2 : 0;
	assert_int_not_equal(first, 0);
	script_close(&s);
	cluster_deinit(&c);
	return first == 1;
}

static void only_a_cap_original_goes_first(void **state)
{
	(void)state;
	assert_true(file_before_document(HEADER_ATTACHMENT_CAP_ORIGINAL, 100000));
	assert_false(file_before_document(0, 100000));
	/* It says that it is one, and is too large for one. */
	assert_false(file_before_document(HEADER_ATTACHMENT_CAP_ORIGINAL, LIMIT_ORIGINAL_BYTES + 1));
}

/* It is fetched whatever the configuration says, unless it is too large for one. */
static void a_cap_original_is_always_fetched(void **state)
{
	static const struct {
		uint8_t lane, flags;
		uint32_t bytes;
		bool fetched;
	} cases[] = {
		{FEED_LANE_ALERT, HEADER_ATTACHMENT_CAP_ORIGINAL, 200000, true},
		{FEED_LANE_ALERT, 0, 200000, false},
		{FEED_LANE_DOC, HEADER_ATTACHMENT_CAP_ORIGINAL, 200000, false},
		{FEED_LANE_ALERT, HEADER_ATTACHMENT_CAP_ORIGINAL, LIMIT_ORIGINAL_BYTES + 1, false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct cluster c;
		struct node_published published;
		cluster_init(&c, 2, 200 + i);
		cluster_node_stop(&c.cities[1]);
		c.cities[1].fetch_bytes = 1000;
		cluster_node_start(&c.cities[1]);
		cluster_found(&c);
		cluster_connect(&c, &c.cities[0], &c.cities[1]);
		struct header_attachment a = upload_make(
			&c.cities[0], bytes_of(content, cases[i].bytes), cases[i].flags);
		upload_publish(&c.cities[0], cases[i].lane, &a, 1, &published);
		cluster_pass(&c, 3000);
		assert_int_equal(upload_held(&c.cities[1], &a.id), cases[i].fetched);
		cluster_deinit(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_fetched_whole),
		cmocka_unit_test(half_a_chunk_gives_its_credit_back),
		cmocka_unit_test(a_stream_may_outlive_its_attachment),
		cmocka_unit_test(it_is_asked_again_when_what_is_durable_is_known),
		cmocka_unit_test(an_answer_is_held_against_what_was_asked),
		cmocka_unit_test(a_file_is_resumed_where_it_was_durable),
		cmocka_unit_test(only_a_cap_original_goes_first),
		cmocka_unit_test(a_cap_original_is_always_fetched),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
