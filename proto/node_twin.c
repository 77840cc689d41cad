/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "proto/node_private.h"

/*
 * Twins: two instances that hold one node key. Who sees both tells both and carries challenge and
 * proof between them; only a proof signed over the own fresh challenge counts, so that nobody can
 * stop a city by a mere claim.
 */

/* Each costs a signature, a verification or a frame on another link; honest twins need three. */
#define TWINS_BURST 8u
#define TWINS_EVERY_MS 1000

static bool too_many(struct link *link)
{
	return !rate_take(&link->twins, link->node->now.mono, TWINS_BURST, TWINS_EVERY_MS);
}

static void notice(struct link *to, const struct link *other)
{
	message_write_twin_notice(&to->control, other->instance);
	link_wake(to);
}

void twin_found(struct link *a, struct link *b)
{
	struct log_line l;
	log_begin(&l, LOG_LEVEL_ERROR, "twin_seen");
	log_text(&l, "city", a->peer_slug);
	log_bytes(&l, "instance", bytes_of(a->instance, INSTANCE_BYTES));
	log_bytes(&l, "other", bytes_of(b->instance, INSTANCE_BYTES));
	log_end(&l);
	a->twin = b;
	b->twin = a;
	notice(a, b);
	notice(b, a);
}

int twin_on_notice(struct link *link, const struct message *m)
{
	struct node *node = link->node;
	if (node->twin || too_many(link) ||
		memcmp(m->twin_notice.instance, node->config.instance, INSTANCE_BYTES) == 0)
		return 0;
	/* One question is enough, and another notice must not spoil its answer. */
	if (!node->twin_asked)
		node_random(node, node->twin_nonce, sizeof node->twin_nonce);
	node->twin_asked = true;
	message_write_twin_challenge(&link->control, node->twin_nonce);
	link_wake(link);
	return 0;
}

int twin_on_challenge(struct link *link, const struct message *m)
{
	struct node *node = link->node;
	if (too_many(link))
		return 0;
	if (link->twin) {
		/* From one twin: carried to the other. */
		message_write_twin_challenge(&link->twin->control, m->twin_challenge.nonce);
		link_wake(link->twin);
		return 0;
	}
	struct signature signature;
	if (twin_proof_sign(node->key, m->twin_challenge.nonce, node->config.instance, &signature) == 0)
		message_write_twin_proof(
			&link->control, m->twin_challenge.nonce, node->config.instance, &signature);
	link_wake(link);
	return 0;
}

int twin_on_proof(struct link *link, const struct message *m)
{
	struct node *node = link->node;
	if (too_many(link))
		return 0;
	if (link->twin) {
		message_write_twin_proof(&link->twin->control, m->twin_proof.nonce, m->twin_proof.instance,
			&m->twin_proof.signature);
		link_wake(link->twin);
		return 0;
	}
	if (!node->twin_asked ||
		memcmp(m->twin_proof.nonce, node->twin_nonce, sizeof node->twin_nonce) != 0 ||
		memcmp(m->twin_proof.instance, node->config.instance, INSTANCE_BYTES) == 0 ||
		twin_proof_verify(&node->public_key, m->twin_proof.nonce, m->twin_proof.instance,
			&m->twin_proof.signature))
		return 0;
	node->twin_asked = false;
	node->twin = true;
	log_event(LOG_LEVEL_ERROR, "twin_proven", "reason",
		"another instance signs with this node key: publishing stops here");
	return 0;
}
