/* SPDX-License-Identifier: Apache-2.0 */
#include "feed/entry_header.h"

#include "base/error.h"
#include "base/wire_reader.h"
#include "feed/feed.h"
#include "record/header.h"

static void reference_check(struct wire_reader *r)
{
	wire_reader_array(r, 3, 3);
	wire_reader_bin(r, HASH_SIZE, HASH_SIZE);
	if (wire_reader_uint(r, UINT64_MAX) < 1)
		wire_reader_fail(r, ERROR_RANGE);
	wire_reader_bin(r, HASH_SIZE, HASH_SIZE);
}

static void lists_check(struct wire_reader *r)
{
	for (size_t n = wire_reader_array(r, 0, HEADER_TOPICS_MAX); n; n--)
		wire_reader_str(r, 1, HEADER_TOPIC_SIZE_MAX);
	if (!wire_reader_nil(r))
		reference_check(r);
	for (size_t n = wire_reader_array(r, 0, HEADER_ATTACHMENTS_MAX); n; n--) {
		wire_reader_array(r, 3, 3);
		wire_reader_bin(r, HASH_SIZE, HASH_SIZE);
		wire_reader_uint(r, HEADER_ATTACHMENT_SIZE_MAX);
		wire_reader_uint(r, UINT8_MAX);
	}
	if (!wire_reader_nil(r))
		for (size_t n = wire_reader_array(r, 0, HEADER_REFERENCES_MAX); n; n--)
			reference_check(r);
}

int entry_header_check(struct bytes header, uint32_t *body_size)
{
	struct wire_reader r;

	if (header.len > HEADER_SIZE_MAX)
		return ERROR_SIZE;
	wire_reader_init(&r, header);
	size_t elements = wire_reader_array(&r, HEADER_ELEMENTS_MIN, HEADER_ELEMENTS_MAX);
	wire_reader_uint(&r, UINT16_MAX); /* kind */
	wire_reader_uint(&r, INT64_MAX);  /* time */
	wire_reader_uint(&r, INT64_MAX);  /* expiry */
	wire_reader_uint(&r, UINT16_MAX); /* flags */
	*body_size = (uint32_t)wire_reader_uint(&r, HEADER_BODY_SIZE_MAX);
	wire_reader_bin(&r, CONTENT_ID_SIZE, CONTENT_ID_SIZE);
	lists_check(&r);
	for (size_t i = HEADER_ELEMENTS_MIN; i < elements; i++)
		wire_reader_skip(&r);
	return wire_reader_end(&r);
}
