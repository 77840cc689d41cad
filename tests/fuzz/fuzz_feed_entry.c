/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries and headers. The quick walk over a header takes only what header_decode takes; what was
 * read is written again as the same bytes; a purge keeps the hash.
 */
#include "base/check.h"
#include "feed/entry.h"
#include "feed/entry_header.h"
#include "record/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void header_compare(struct bytes header)
{
	struct header decoded;
	uint32_t body_size = 0;
	int error = header_decode(header, &decoded);

	if (entry_header_is_usual(header, &body_size))
		require(error == 0 && body_size == decoded.body_size);
}

static void entry_compare(struct hasher *hasher, struct entry_view *entry)
{
	static const struct hash zero;
	struct hash whole, purged_hash;
	struct entry_view purged;
	struct buffer b;

	buffer_init(&b, SIZE_MAX);
	if (entry->form == ENTRY_FORM_WHOLE)
		require(entry_encode(&b, entry->salt, entry->header, entry->body) == 0);
	else
		require(entry_encode_purged(&b, &entry->body_hash, entry->header) == 0);
	require(bytes_equal(buffer_bytes(&b), entry->wire));
	require(entry_cost(entry) >= entry->wire.len);

	buffer_reset(&b);
	require(entry_purge(&b, hasher, entry) == 0);
	struct cursor c = cursor_init(buffer_bytes(&b));
	require(entry_parse(&c, &purged) == 0 && cursor_end(&c) == 0);
	require(entry_hash_of(hasher, &zero, 1, &zero, entry, &whole) == 0);
	require(entry_hash_of(hasher, &zero, 1, &zero, &purged, &purged_hash) == 0);
	require(hash_equal(&whole, &purged_hash));
	require(entry_cost(entry) == entry_cost(&purged));
	buffer_deinit(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_init(bytes_of(data, size));
	struct entry_view entry;
	struct hasher hasher;

	require(hasher_init(&hasher) == 0);
	header_compare(c.input);
	while (cursor_left(&c) && entry_parse(&c, &entry) == 0)
		entry_compare(&hasher, &entry);
	hasher_deinit(&hasher);
	return 0;
}
