/* SPDX-License-Identifier: Apache-2.0 */
/**
 * SHA-256 of many independent messages at once. One message's blocks depend on each other, so the
 * processor waits for itself; two or more messages side by side fill the gaps. Where
 * Intel's Multi-Buffer Crypto library is not built in, or has nothing better for this processor,
 * the messages are hashed one after another: the results are the same.
 */
#pragma once

#include <stddef.h>

#include "base/bytes.h"
#include "crypto/hash.h"

#define HASH_MANY_PARTS 3

/** The hash of the parts one after another, to *out. What they view is the caller's. */
struct hash_message {
	struct bytes parts[HASH_MANY_PARTS];
	struct hash *out;
};

/** Of hasher_widen. NULL: without memory, or without anything that is faster than one by one. */
struct hash_many *hash_many_new(void);
void hash_many_free(struct hash_many *many); /* NULL is fine */

/**
 * Hashes all messages, side by side if the hasher was widened; those over 8 KiB one by one. 0, or
 * ERROR_CRYPTO: then no result may be used.
 */
int hash_many(struct hasher *hasher, const struct hash_message *messages, size_t count);
