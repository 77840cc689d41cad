/* SPDX-License-Identifier: Apache-2.0 */
/** Officers of a charter and how many of them must sign. docs/protocol.md, section 5.1. */
#pragma once

#include <stdbool.h>

#include "charter/object.h"

#define OFFICERS_MAX 32
#define OFFICER_NAME_MAX 64

struct officer {
	struct public_key key;
	struct bytes name; /* a view; "" is allowed */
};

struct officers {
	size_t count;
	size_t k; /* count/2 < k <= count */
	struct officer list[OFFICERS_MAX];
};

/**
 * Reads the list and k, two elements of the array that is open. Sets ERROR_KEY for an unacceptable
 * key, ERROR_CHARTER_ITEM for two equal keys or a k out of bounds.
 */
void officers_read(struct wire_reader *r, struct officers *out);
void officers_write(struct buffer *b, const struct officers *officers);

/** NULL if the key is none of theirs. */
const struct officer *officers_find(const struct officers *officers, const struct public_key *key);

/**
 * Counts officers whose signature over `message` in the envelope verifies. 0 if at least k; else
 * ERROR_SIGNATURE if one of theirs did not verify, ERROR_CHARTER_SIGNERS if they are too few.
 * Strangers' signatures are not looked at.
 */
int officers_verify(const struct officers *officers, struct verifier *v,
	const struct control_object *object, struct bytes message);
