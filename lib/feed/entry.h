/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The wire form of an entry, whole or purged, and its hashes. The same bytes travel, are stored and
 * are bundled. docs/protocol.md, section 3.
 */
#pragma once

#include <stdint.h>

#include "base/buffer.h"
#include "base/bytes.h"
#include "base/cursor.h"
#include "crypto/hash.h"
#include "feed/feed.h"

/* Of 1 KiB, so many fill hash_many's memory once. */
#define ENTRIES_HASH_MAX 48u

enum entry_form {
	ENTRY_FORM_WHOLE = 0,
	ENTRY_FORM_PURGED = 1, /* the body is gone, its hash stands for it */
};

/** Views into the parsed bytes, which the caller keeps. */
struct entry_view {
	uint8_t form;
	struct bytes wire; /* the whole entry */
	struct bytes header;
	struct bytes body;       /* empty if purged */
	const uint8_t *salt;     /* ENTRY_SALT_BYTES; NULL if purged */
	uint32_t body_size;      /* as the header says; of a purged entry what it was */
	struct hash header_hash; /* after entry_hash_of */
	struct hash body_hash;   /* of a purged entry at once, else after entry_hash_of */
};

/**
 * Reads one entry and judges its header (canonical, within limits) and its sizes; bounded, without
 * allocating. The cursor then stands behind it. ERROR_TRUNCATED; ERROR_TYPE: unknown form;
 * ERROR_SIZE: a length out of bounds, or a body that is not body_size long; a header_decode error.
 * On an error the cursor's position is void.
 */
int entry_parse(struct cursor *c, struct entry_view *out);

/** Appends a whole entry. ERROR_SIZE for lengths out of bounds; the buffer's sticky error. */
int entry_encode(struct buffer *b, const uint8_t salt[static ENTRY_SALT_BYTES], struct bytes header,
	struct bytes body);

/** Appends the purged form. */
int entry_encode_purged(struct buffer *b, const struct hash *body_hash, struct bytes header);

/** Appends the purged form of a parsed entry, hashing its body if it is whole. */
int entry_purge(struct buffer *b, struct hasher *h, const struct entry_view *entry);

/**
 * The hash of the entry at `seq` after `prev` (zeros before seq 1); also sets the view's
 * header_hash and body_hash. 0 or ERROR_CRYPTO.
 */
int entry_hash_of(struct hasher *h, const struct hash *feed_id, uint64_t seq,
	const struct hash *prev, struct entry_view *entry, struct hash *out);

/** The same from the two hashes alone, for fork proofs. */
int entry_hash_from(struct hasher *h, const struct hash *feed_id, uint64_t seq,
	const struct hash *prev, const struct hash *header_hash, const struct hash *body_hash,
	struct hash *out);

/** The hashes of an entry that do not depend on its place in the feed. */
struct entry_seal {
	uint8_t salt[ENTRY_SALT_BYTES]; /* random */
	struct hash header_hash, body_hash;
};

/** Hashes a header and a body under the seal's salt. 0 or ERROR_CRYPTO. */
int entry_seal_hash(
	struct hasher *h, struct entry_seal *seal, struct bytes header, struct bytes body);

/**
 * Sets header_hash and body_hash of many entries, at most ENTRIES_HASH_MAX, side by side where the
 * hasher can. 0 or ERROR_CRYPTO.
 */
int entries_hash(struct hasher *h, struct entry_view *entries, size_t count);

/** What the entry counts for the checkpoint rule: alike in both forms. */
uint32_t entry_cost(const struct entry_view *entry);
