/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/invitations.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/wire_reader.h"
#include "base/wire_writer.h"
#include "crypto/key.h"
#include "daemon/app.h"
#include "proto/commit.h"
#include "proto/join.h"

#define SETTING "invitations"
#define SETTING_BYTES_MAX (INVITATIONS_MAX * (DELEGATION_BYTES_MAX + 256u))

struct invitations {
	struct app *app;
	struct list list;
	unsigned count;
};

static void invitation_free(struct invitation *invitation)
{
	if (!invitation)
		return;
	free((void *)(uintptr_t)invitation->delegation.data);
	secret_wipe(invitation->secret, sizeof(invitation->secret));
	free(invitation);
}

/** One from a decoded delegation, without a secret yet. */
static struct invitation *invitation_new(struct bytes bytes, const struct delegation *delegation)
{
	struct invitation *invitation = calloc(1, sizeof(*invitation));
	uint8_t *copy = malloc(bytes.len ? bytes.len : 1);
	if (!invitation || !copy || delegation->slug.len > TEXT_SLUG_MAX) {
		free(invitation);
		free(copy);
		return NULL;
	}
	memcpy(copy, bytes.data, bytes.len);
	memcpy(invitation->id, delegation->id, sizeof(invitation->id));
	memcpy(invitation->slug, delegation->slug.data, delegation->slug.len);
	invitation->network_id = delegation->network_id;
	invitation->expiry = timestamp_from_ms((int64_t)delegation->expiry);
	invitation->confirms = delegation->confirm_len > 0;
	invitation->tries_left = INVITATION_TRIES;
	invitation->delegation = bytes_of(copy, bytes.len);
	return invitation;
}

static void link_in(struct invitations *invitations, struct invitation *invitation)
{
	list_push_back(&invitations->list, &invitation->node);
	invitations->count++;
}

static int setting_read(struct invitations *invitations, struct bytes value)
{
	struct wire_reader r;
	wire_reader_init(&r, value);
	size_t count = wire_reader_array(&r, 0, INVITATIONS_MAX);
	for (size_t i = 0; i < count && !r.error; i++) {
		struct delegation delegation;
		wire_reader_array(&r, 3, 3);
		struct bytes bytes = wire_reader_bin(&r, 1, DELEGATION_BYTES_MAX);
		struct bytes secret = wire_reader_bin(&r, TOKEN_SECRET_BYTES, TOKEN_SECRET_BYTES);
		uint64_t tries = wire_reader_uint(&r, INVITATION_TRIES);
		if (r.error || delegation_decode(bytes, &delegation) != 0)
			return ERROR_CORRUPT;
		struct invitation *invitation = invitation_new(bytes, &delegation);
		if (!invitation)
			return ERROR_MEMORY;
		memcpy(invitation->secret, secret.data, secret.len);
		invitation->tries_left = (unsigned)tries;
		link_in(invitations, invitation);
	}
	return wire_reader_end(&r) ? ERROR_CORRUPT : 0;
}

/** All of them, written behind as one value. */
static void setting_write(struct invitations *invitations)
{
	struct buffer b;
	buffer_init(&b, SETTING_BYTES_MAX);
	if (invitations->count > 0)
		wire_writer_array(&b, invitations->count);
	list_for_each(&invitations->list, node) {
		const struct invitation *one = list_entry(node, struct invitation, node);
		wire_writer_array(&b, 3);
		wire_writer_bin(&b, one->delegation);
		wire_writer_bin(&b, bytes_of(one->secret, sizeof(one->secret)));
		wire_writer_uint(&b, one->tries_left);
	}
	struct commit *commit = b.error ? NULL : commit_new(COMMIT_URGENT);
	struct commit_op *op = commit ? commit_add(commit, COMMIT_SETTING) : NULL;
	if (op) {
		snprintf(op->text, sizeof(op->text), "%s", SETTING);
		op->blob = blob_copy(buffer_bytes(&b));
	}
	if (op && op->blob) {
		app_commit(invitations->app, commit);
	} else {
		commit_free(commit);
		log_event(LOG_LEVEL_WARN, "invitations_not_kept", "reason",
			error_text(ERROR_MEMORY));
	}
	if (b.data)
		secret_wipe(b.data, b.len);
	buffer_deinit(&b);
}

int invitations_new(struct app *app, struct invitations **out)
{
	struct invitations *invitations = calloc(1, sizeof(*invitations));
	struct buffer value;
	*out = NULL;
	if (!invitations)
		return ERROR_MEMORY;
	invitations->app = app;
	list_init(&invitations->list);
	buffer_init(&value, SETTING_BYTES_MAX);
	int code = store_get_setting(app->store, SETTING, &value);
	if (!code && value.len > 0)
		code = setting_read(invitations, buffer_bytes(&value));
	if (code == ERROR_NOT_FOUND)
		code = 0;
	if (value.data)
		secret_wipe(value.data, value.len);
	buffer_deinit(&value);
	if (code) {
		invitations_free(invitations);
		return code;
	}
	*out = invitations;
	return 0;
}

void invitations_free(struct invitations *invitations)
{
	struct list_node *node;
	if (!invitations)
		return;
	while ((node = list_pop_front(&invitations->list)))
		invitation_free(list_entry(node, struct invitation, node));
	free(invitations);
}

bool invitations_any(struct invitations *invitations, struct timestamp now)
{
	bool dropped = false;
	if (!invitations)
		return false;
	list_for_each_safe(&invitations->list, node) {
		struct invitation *one = list_entry(node, struct invitation, node);
		if (timestamp_before(now, one->expiry))
			continue;
		list_remove(&one->node);
		invitations->count--;
		invitation_free(one);
		dropped = true;
	}
	if (dropped)
		setting_write(invitations);
	return invitations->count > 0;
}

int invitations_add(struct invitations *invitations, struct bytes delegation,
	const struct delegation *decoded, struct invitation **out)
{
	if (invitations->count >= INVITATIONS_MAX)
		return ERROR_LIMIT;
	if (invitations_find(invitations, &decoded->network_id, decoded->slug))
		return ERROR_EXISTS;
	struct invitation *invitation = invitation_new(delegation, decoded);
	if (!invitation)
		return ERROR_MEMORY;
	int code = random_bytes(invitation->secret, sizeof(invitation->secret));
	if (code) {
		invitation_free(invitation);
		return code;
	}
	link_in(invitations, invitation);
	setting_write(invitations);
	*out = invitation;
	return 0;
}

struct invitation *invitations_find(struct invitations *invitations,
	const struct hash *network_id, struct bytes slug)
{
	list_for_each(&invitations->list, node) {
		struct invitation *one = list_entry(node, struct invitation, node);
		if (hash_equal(&one->network_id, network_id) && bytes_equal_text(slug, one->slug))
			return one;
	}
	return NULL;
}

int invitations_check(struct invitations *invitations, const struct hash *network_id,
	struct bytes slug, struct bytes exporter, const struct public_key *city_key,
	const struct hash *proof, struct timestamp now, struct invitation **out)
{
	*out = NULL;
	if (!invitations || exporter.len != JOIN_EXPORTER_BYTES)
		return ERROR_TOKEN;
	struct invitation *one = invitations_find(invitations, network_id, slug);
	if (!one)
		return ERROR_TOKEN;
	if (!timestamp_before(now, one->expiry)) {
		invitations_remove(invitations, one);
		return ERROR_TOKEN_EXPIRED;
	}
	int code = join_proof_judge(one->secret, exporter.data, city_key, proof, &one->tries_left);
	if (code == ERROR_TOKEN && one->tries_left == 0)
		invitations_remove(invitations, one);
	else if (code == ERROR_TOKEN)
		setting_write(invitations);
	if (code)
		return code;
	*out = one;
	return 0;
}

void invitations_remove(struct invitations *invitations, struct invitation *invitation)
{
	list_remove(&invitation->node);
	invitations->count--;
	invitation_free(invitation);
	setting_write(invitations);
}

struct invitation *invitations_next(const struct invitations *invitations,
	const struct invitation *after)
{
	struct list_node *node = after ? list_next(&invitations->list, &after->node)
		: list_first(&invitations->list);
	return node ? list_entry(node, struct invitation, node) : NULL;
}
