/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/bootstrap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "charter/address_list.h"
#include "store/bootstrap_file.h"

/* A copy, since the roster may change while a worker writes. */
struct snapshot {
	struct bootstrap_network *networks;
	uint32_t count;
	uv_work_t work;
	char path[IDENTITY_PATH_MAX];
	int code;
	void (*done)(void *ctx, int code);
	void *ctx;
};

static void snapshot_free(struct snapshot *s)
{
	for (uint32_t i = 0; i < s->count; i++) {
		for (uint32_t m = 0; m < s->networks[i].member_count; m++)
			for (uint8_t a = 0; a < s->networks[i].members[m].address_count; a++)
				free((char *)(uintptr_t)s->networks[i].members[m].addresses[a]);
		free(s->networks[i].members);
	}
	free(s->networks);
	free(s);
}

static int copy_member(const struct roster_member *from, struct bootstrap_member *to)
{
	*to = (struct bootstrap_member){.city_id = from->city_id, .node_key = from->node_key};
	size_t count = from->addresses ? from->addresses->count : 0;
	for (size_t i = 0; i < count && i < BOOTSTRAP_ADDRESSES_MAX; i++) {
		to->addresses[i] = bytes_to_text(from->addresses->addresses[i]);
		if (!to->addresses[i])
			return ERROR_MEMORY;
		to->address_count++;
	}
	return 0;
}

static int copy_network(
	const struct roster *roster, const struct hash *self, struct bootstrap_network *to)
{
	size_t total = roster_member_count(roster);
	to->network_id = *roster_network_id(roster);
	to->amendment_number = roster_number(roster);
	to->amendment_hash = *roster_hash(roster);
	to->members = calloc(total ? total : 1, sizeof(*to->members));
	if (!to->members)
		return ERROR_MEMORY;
	for (size_t i = 0; i < total; i++) {
		const struct roster_member *member = roster_member_at(roster, i);
		if (member->status != MEMBER_ACTIVE || hash_equal(&member->city_id, self))
			continue;
		if (copy_member(member, &to->members[to->member_count++]))
			return ERROR_MEMORY;
	}
	return 0;
}

static struct snapshot *snapshot_take(struct app *app, const char *path)
{
	size_t count = node_network_count(app->node);
	struct snapshot *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->networks = calloc(count ? count : 1, sizeof(*s->networks));
	snprintf(s->path, sizeof(s->path), "%s", path);
	for (size_t i = 0; s->networks && i < count; i++) {
		const struct roster *roster = node_network_roster(app->node, i);
		if (!roster_has_genesis(roster))
			continue;
		if (copy_network(roster, &app->identity.city_id, &s->networks[s->count++])) {
			snapshot_free(s);
			return NULL;
		}
	}
	if (s->networks)
		return s;
	snapshot_free(s);
	return NULL;
}

static void on_work(uv_work_t *work)
{
	struct snapshot *s = work->data;
	s->code = bootstrap_file_write(s->path, s->networks, s->count);
}

static void on_done(uv_work_t *work, int status)
{
	struct snapshot *s = work->data;
	s->done(s->ctx, status ? ERROR_CANCELLED : s->code);
	snapshot_free(s);
}

void bootstrap_write_later(
	struct app *app, const char *path, void (*done)(void *ctx, int code), void *ctx)
{
	struct snapshot *s = snapshot_take(app, path);
	if (!s) {
		done(ctx, ERROR_MEMORY);
		return;
	}
	s->done = done;
	s->ctx = ctx;
	s->work.data = s;
	require(uv_queue_work(&app->loop, &s->work, on_work, on_done) == 0);
}

int bootstrap_write_now(struct app *app, const char *path)
{
	struct snapshot *s = snapshot_take(app, path);
	if (!s)
		return ERROR_MEMORY;
	int code = bootstrap_file_write(s->path, s->networks, s->count);
	snapshot_free(s);
	return code;
}
