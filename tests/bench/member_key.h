/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Keys of the made-up members that bench_members admits and bench_links plays: each follows from
 * the member's number, so that the two need not tell each other.
 */
#pragma once

#include "crypto/key.h"

enum member_key_use {
	MEMBER_KEY_CITY = 1,
	MEMBER_KEY_NODE,
};

/** Never fails: without memory the program ends. Freed with secret_key_free. */
struct secret_key *member_key(unsigned number, enum member_key_use use);
