/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "proto/bundle_read.h"
#include "proto/node.h"

/**
 * Makes a bundle from what a store holds (docs/protocol.md, section 13), piece by piece: one
 * thread, short read transactions, nothing in memory but a run, the list of feeds, of control
 * objects, and of the attachments that the entries name. What is committed meanwhile may or may not
 * be in it.
 */

struct attachment_files;

struct bundle_options {
	struct store *store;            /* borrowed */
	struct attachment_files *files; /* borrowed */
	struct hash network_id;
	uint8_t set[BUNDLE_SET_BYTES]; /* random */
	uint8_t seed[16];              /* for maps, random */
	struct timestamp now;
	uint64_t since_ms; /* entries from the first on that is not older by its header; 0: all */
	/** A part is ended before it passes this, where it can be; 0: one part. */
	uint64_t part_bytes;
	/** With for_city: from a week before anything of that city came last; all, if nothing did. */
	bool since_heard;
	bool for_city;
	struct hash city_id; /* unconfirmed it gets what it would get over a link, no more */
};

/** A part that is smaller could not hold a run. */
#define BUNDLE_PART_BYTES_MIN (1u << 20)
/** What one call of bundle_writer_next appends at most. */
#define BUNDLE_PIECE_BYTES_MAX (896u << 10)

struct bundle_writer;

struct bundle_written {
	uint64_t bytes, entries, objects, attachments;
	uint64_t attachments_missing; /* named, and not held here as a whole */
	uint32_t parts;
};

/** ERROR_CHARTER_UNKNOWN (no such network here), ERROR_MEMORY, ERROR_CRYPTO, the store's. */
int bundle_writer_new(const struct bundle_options *options, struct bundle_writer **out);
void bundle_writer_free(struct bundle_writer *w);
/**
 * Appends the next piece: some of a part, which may be its end and the next one's beginning. *done:
 * nothing more comes. The store's errors, ERROR_MEMORY, ERROR_LIMIT (more than 9,999 parts).
 */
int bundle_writer_next(struct bundle_writer *w, struct buffer *out, bool *done);
void bundle_writer_said(const struct bundle_writer *w, struct bundle_written *out);
