/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A link of a real node, live, to a member that sends whatever it likes. The node holds some
 * records; another member listens. An input is a list of steps, each: what it is (u8), a length
 * (u16), as many bytes:
 *   0 a frame from the member, without its prefix    1 bytes as they are
 *   2 as many times 100 ms pass                      3 the node publishes them
 *   4 the disk is slow (even length), or not         5 as many commits find no room
 *   6 the node is paused (even length), or resumed   7 a frame from who listens
 * Whatever comes, the node says only what can be decoded, and publishes on.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"
#include "tests/unit/proto/script.h"
#include "tests/unit/proto/upload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PASS_MS_MAX 60000

static struct cluster c;
static struct store_snapshot *beginning;
static struct node_time began;
static uint64_t random_then;

static void nothing(void *ctx, enum log_level level, const char *line, size_t len)
{
	(void)ctx, (void)level, (void)line, (void)len;
}

static void world_end(void)
{
	store_snapshot_free(beginning);
	cluster_deinit(&c);
}

/* Three cities; 0 is the node, 1 the member, 2 listens. Cities 1 and 2 have published what their
 * frames in the corpus carry. */
static void world_begin(void)
{
	static uint8_t file[1000] = {1, 2, 3};
	struct node_published published;
	log_set_sink(nothing, NULL);
	cluster_init(&c, 3, 1);
	cluster_found(&c);
	for (int i = 0; i < 3; i++)
		for (uint8_t lane = 1; lane <= FEED_LANE_COUNT; lane++)
			require(cluster_publish(&c.cities[i], lane, "a record", NULL) == 0);
	require(cluster_publish(&c.cities[1], FEED_LANE_ALERT, "another", NULL) == 0);
	struct header_attachment a = upload_make(&c.cities[0], bytes_of(file, sizeof file), 0);
	upload_publish(&c.cities[0], FEED_LANE_DOC, &a, 1, &published);
	struct buffer hashes;
	a = upload_name(bytes_of(file, sizeof file / 2), 0, &hashes);
	upload_publish(&c.cities[1], FEED_LANE_DOC, &a, 1, &published);
	buffer_deinit(&hashes);
	cluster_node_stop(&c.cities[0]);
	beginning = store_memory_copy(c.cities[0].store);
	began = c.now;
	random_then = c.random;
	atexit(world_end);
}

static void frame(struct script *s, struct bytes bytes)
{
	buffer_push_u32(&s->out, (uint32_t)bytes.len);
	buffer_push_bytes(&s->out, bytes);
	script_send(s);
}

static void publish(struct bytes body)
{
	char text[64] = {0};
	struct node_published result;
	if (body.len)
		memcpy(text, body.data, body.len < sizeof text ? body.len : sizeof text - 1);
	int code = cluster_publish(
		&c.cities[0], (uint8_t)(1 + body.len % FEED_LANE_COUNT), text, &result);
	require(code == 0 || code == 1 || code == ERROR_FULL || code == ERROR_STATE ||
		code == ERROR_NOT_MEMBER || code == ERROR_CUT || code == ERROR_EPOCH_UNKNOWN);
}

static void step(struct script *member, struct script *listener, uint8_t what, struct bytes bytes)
{
	struct city *node = &c.cities[0];
	int64_t ms = (int64_t)bytes.len * 100;
	switch (what % 8) {
	case 0:
		if (bytes.len)
			frame(member, bytes);
		break;
	case 1:
		buffer_push_bytes(&member->out, bytes);
		script_send(member);
		break;
	case 2:
		cluster_pass(&c, ms < PASS_MS_MAX ? ms : PASS_MS_MAX);
		break;
	case 3:
		if (!node->hold_commits)
			publish(bytes);
		break;
	case 4:
		node->hold_commits = bytes.len % 2 == 0;
		cluster_pass(&c, 0);
		break;
	case 5:
		node->fail_commits = (unsigned)bytes.len % 4;
		break;
	case 6:
		if (bytes.len % 2 == 0)
			node_pause(node->node, "no room", c.now);
		else
			node_resume(node->node, c.now);
		cluster_pass(&c, 0);
		break;
	default:
		if (bytes.len)
			frame(listener, bytes);
		break;
	}
	script_drain(member);
	script_drain(listener);
}

/* Ends that are closed stay in the cluster's list: the next input begins without them. */
static void pipes_drop(void)
{
	for (size_t i = 0; i < c.pipe_count; i++) {
		buffer_deinit(&c.pipes[i]->in);
		free(c.pipes[i]);
	}
	c.pipe_count = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct script member, listener;
	struct city *node = &c.cities[0];
	if (!beginning)
		world_begin();
	c.now = began;
	c.random = random_then;
	store_memory_restore(node->store, beginning);
	cluster_node_start(node);
	script_live(&member, node, &c.cities[1]);
	script_live(&listener, node, &c.cities[2]);
	while (size >= 3) {
		size_t len = (size_t)data[1] << 8 | data[2];
		if (len > size - 3)
			len = size - 3;
		step(&member, &listener, data[0], bytes_of(data + 3, len));
		data += 3 + len;
		size -= 3 + len;
	}
	node->hold_commits = false;
	node->fail_commits = 0;
	node_resume(node->node, c.now);
	cluster_pass(&c, 1000);
	publish(bytes_from_text("the node lives on"));
	script_close(&member);
	script_close(&listener);
	cluster_node_stop(node);
	pipes_drop();
	return 0;
}
