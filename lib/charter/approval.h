/* SPDX-License-Identifier: Apache-2.0 */
/** One officer's signature of a proposed amendment. docs/protocol.md, section 5.4. */
#pragma once

#include "charter/amendment.h"
#include "charter/object.h"

struct approval {
	struct hash network_id;
	uint64_t number;
	struct hash prev;
	struct bytes amendment; /* the proposed body */
	struct public_key officer;
	struct amendment proposed; /* set by decode */
	struct hash amendment_hash; /* set by decode */
};

/** Also decodes the proposed amendment; ERROR_CHARTER_ITEM if the two disagree on their place. */
int approval_decode(struct bytes body, struct approval *out);
/** Exactly one signature, by its officer. ERROR_SIGNATURE. */
int approval_verify(struct verifier *v, const struct control_object *object,
	const struct approval *approval);
/** Appends the envelope of this officer's approval of an amendment body. */
int approval_seal(struct buffer *b, struct bytes amendment_body, const struct secret_key *officer);
