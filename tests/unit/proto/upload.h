/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "record/header.h"
#include "tests/unit/proto/cluster.h"

/**
 * Attachments for tests of the cluster. Failures of the harness itself end the test (require).
 */

/** The bytes as an attachment that nobody has yet; *hashes: its chunk hashes, the caller's. */
struct header_attachment upload_name(struct bytes content, uint8_t flags, struct buffer *hashes);
/** What an upload through the API does: durable at the city. */
struct header_attachment upload_make(struct city *city, struct bytes content, uint8_t flags);
/** Publishes an entry that names them, and waits for its answer. */
void upload_publish(struct city *city, uint8_t lane, const struct header_attachment *attachments,
	size_t count, struct node_published *out);
/** The city has it whole. */
bool upload_held(const struct city *city, const struct hash *attachment_id);
