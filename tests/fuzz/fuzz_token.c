/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Invitations: as text, and (with a first byte that no text has) as the bytes below the base64 and
 * its check. What is read is written as a text that reads alike.
 */
#include "base/check.h"
#include "base/error.h"
#include "base/text.h"
#include "charter/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_text(struct bytes text)
{
	static uint8_t storage[TOKEN_BYTES_MAX], other[TOKEN_BYTES_MAX];
	struct token token, again;
	struct complaint complaint = {{0}, {0}};
	struct buffer b;
	int error = token_decode(text, storage, &token, &complaint);
	require(error == 0 || (error == ERROR_TOKEN && complaint.reason[0]));
	if (error)
		return;
	buffer_init(&b, TOKEN_TEXT_MAX);
	require(token_encode(&b, &token) == 0);
	require(token_decode(buffer_bytes(&b), other, &again, NULL) == 0);
	require(bytes_equal(token.slug, again.slug));
	require(token.address_count == again.address_count);
	buffer_deinit(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char text[TOKEN_TEXT_MAX + 64];
	static uint8_t binary[TOKEN_BYTES_MAX];
	struct hash check;
	if (size == 0 || data[0] != 0xff || size - 1 > TOKEN_BYTES_MAX - TOKEN_CHECK_BYTES) {
		try_text(bytes_of(data, size));
		return 0;
	}
	size_t len = size - 1;
	memcpy(binary, data + 1, len);
	require(hash_of("hansa token 1", bytes_of(binary, len), &check) == 0);
	memcpy(binary + len, check.bytes, TOKEN_CHECK_BYTES);
	memcpy(text, TOKEN_PREFIX, sizeof(TOKEN_PREFIX));
	text_base64url_encode(text + sizeof(TOKEN_PREFIX) - 1,
		bytes_of(binary, len + TOKEN_CHECK_BYTES));
	try_text(bytes_from_text(text));
	return 0;
}
