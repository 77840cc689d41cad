/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/node_private.h"

/* Two amendments of one number: own ones that come second, and charters that have parted. */

/* An own amendment whose number another has taken here: it is to be made anew. Taken in, it would
 * be shown to everybody as a rival. */
int rival_judge(const struct network *network, struct bytes wire)
{
	struct control_object object;
	struct amendment amendment;
	struct hash hash, held;
	struct bytes other;
	if (object_decode(wire, &object) || object.type != OBJECT_AMENDMENT ||
		amendment_decode(object.body, &amendment) ||
		!hash_equal(&amendment.network_id, &network->id) || amendment_hash_of(object.body, &hash) ||
		roster_amendment(network->roster, amendment.number, &other, &held))
		return 0;
	return hash_equal(&hash, &held) ? ERROR_EXISTS : ERROR_CHARTER_RIVAL;
}

/*
 * Charters that have parted: two members hold different amendments of one number. Who gets one that
 * does not follow on its own answers with its own of the number before, so that both go down to
 * where they parted; there each keeps the other's as a rival, to be shown.
 */
static bool has_parted(const struct network *network, struct bytes wire, uint64_t *number)
{
	struct control_object object;
	struct amendment amendment;
	struct bytes own;
	struct hash hash;
	if (object_decode(wire, &object) || object.type != OBJECT_AMENDMENT ||
		amendment_decode(object.body, &amendment) || amendment.number == 0 ||
		roster_amendment(network->roster, amendment.number - 1, &own, &hash))
		return false;
	*number = amendment.number - 1;
	return !hash_equal(&hash, &amendment.prev);
}

static void answer_own(struct link *link, struct network *network, uint64_t number)
{
	struct link_network *ln = link_network_find(link, &network->id);
	struct bytes own;
	struct hash hash;
	/* Each once, downward: the peer's words are not verified yet. */
	if (!ln || (ln->parted && number >= ln->parted) || number == 0 ||
		roster_amendment(network->roster, number, &own, &hash))
		return;
	ln->parted = number;
	message_write_object(&link->control, &network->id, own);
	link_wake(link);
}

int rival_answer(struct link *link, struct network *network, struct bytes wire, int code)
{
	const struct roster_change *change = &network->node->change;
	uint64_t number;
	if (link && code == ERROR_CHARTER_PREDECESSOR && has_parted(network, wire, &number)) {
		answer_own(link, network, number);
		return ERROR_EXISTS; /* it will never fit here */
	}
	if (link && code == ERROR_CHARTER_RIVAL && change->stored &&
		change->kind == ROSTER_CHANGE_AMENDMENT)
		answer_own(link, network, change->number);
	return code;
}

void rival_log(const struct network *network)
{
	const struct roster_change *change = &network->node->change;
	const struct officers *officers = roster_officers(network->roster);
	struct log_line l;
	log_begin(&l, LOG_LEVEL_ERROR, "charter_rival");
	log_text(&l, "network", network->slug);
	log_uint(&l, "number", change->number);
	for (size_t i = 0; i < change->double_signer_count; i++) {
		const struct officer *officer = officers_find(officers, &change->double_signers[i]);
		if (officer && officer->name.len)
			log_text_bytes(&l, "signed_both", officer->name);
		else
			log_bytes(&l, "signed_both", public_key_bytes(&change->double_signers[i]));
	}
	log_text(
		&l, "reason", "two valid objects claim one place: officers must choose, nobody is dropped");
	log_end(&l);
}
