/* SPDX-License-Identifier: Apache-2.0 */
#include "charter/token.h"

#include <stdlib.h>

#include "base/text.h"
#include "base/wire_writer.h"
#include "charter/genesis.h"
#include "charter/object.h"

#define TOKEN_ELEMENTS 10
#define TOKEN_VERSION 1

static int token_write(struct buffer *b, const struct token *token)
{
	if (token->address_count > ADDRESS_LIST_MAX)
		return ERROR_SIZE;
	if (!text_slug_valid(token->slug) || !charter_name_valid(token->network_name, CHARTER_NAME_MAX))
		return ERROR_FIELD;
	wire_writer_array(b, TOKEN_ELEMENTS);
	wire_writer_uint(b, TOKEN_VERSION);
	wire_writer_bin(b, hash_bytes(&token->network_id));
	wire_writer_uint(b, token->number);
	wire_writer_bin(b, hash_bytes(&token->amendment_hash));
	wire_writer_str(b, token->slug);
	wire_writer_uint(b, token->expiry);
	wire_writer_bin(b, bytes_of(token->secret, TOKEN_SECRET_BYTES));
	wire_writer_array(b, token->address_count);
	for (size_t i = 0; i < token->address_count; i++) {
		if (!address_valid(token->addresses[i]))
			return ERROR_FIELD;
		wire_writer_str(b, token->addresses[i]);
	}
	wire_writer_bin(b, public_key_bytes(&token->node_key));
	wire_writer_str(b, token->network_name);
	return b->error;
}

static int token_check(struct bytes binary, uint8_t to[static TOKEN_CHECK_BYTES])
{
	struct hash hash;
	int error = hash_of("hansa token 1", binary, &hash);
	if (!error)
		memcpy(to, hash.bytes, TOKEN_CHECK_BYTES);
	return error;
}

int token_encode(struct buffer *b, const struct token *token)
{
	struct buffer binary;
	buffer_init(&binary, TOKEN_BYTES_MAX);
	uint8_t check[TOKEN_CHECK_BYTES];
	int error = token_write(&binary, token);
	if (!error)
		error = token_check(buffer_bytes(&binary), check);
	if (!error)
		error = buffer_push(&binary, check, sizeof(check));
	if (!error) {
		buffer_push_text(b, TOKEN_PREFIX);
		size_t room = TEXT_BASE64URL_SIZE(binary.len);
		uint8_t *to = buffer_reserve(b, room);
		if (to) {
			text_base64url_encode((char *)to, buffer_bytes(&binary));
			buffer_commit(b, room - 1);
		}
		error = b->error;
	}
	if (binary.data)
		secret_wipe(binary.data, binary.len);
	buffer_deinit(&binary);
	return error;
}

static int damaged(struct complaint *c)
{
	return complain(c, ERROR_TOKEN, "token",
		"The invitation is damaged or was copied incompletely; copy it again as a whole.");
}

static int token_read(struct bytes binary, struct token *out, struct complaint *c)
{
	struct wire_reader r;
	wire_reader_init(&r, binary);
	size_t n = object_array_open(&r, TOKEN_ELEMENTS);
	uint64_t version = wire_reader_uint(&r, UINT64_MAX);
	if (!r.error && version != TOKEN_VERSION)
		return complain(c, ERROR_TOKEN, "token",
			"The invitation was made by a later version of Hansa; upgrade this one.");
	wire_reader_bin_exact(&r, out->network_id.bytes, HASH_SIZE);
	out->number = wire_reader_uint(&r, UINT64_MAX);
	wire_reader_bin_exact(&r, out->amendment_hash.bytes, HASH_SIZE);
	out->slug = wire_reader_str(&r, 1, TEXT_SLUG_MAX);
	out->expiry = wire_reader_uint(&r, UINT64_MAX);
	wire_reader_bin_exact(&r, out->secret, TOKEN_SECRET_BYTES);
	out->address_count = wire_reader_array(&r, 0, ADDRESS_LIST_MAX);
	bool valid = true;
	for (size_t i = 0; i < out->address_count && !r.error; i++) {
		out->addresses[i] = wire_reader_str(&r, 1, ADDRESS_BYTES_MAX);
		valid = valid && address_valid(out->addresses[i]);
	}
	wire_reader_bin_exact(&r, out->node_key.bytes, PUBLIC_KEY_SIZE);
	out->network_name = wire_reader_str(&r, 1, CHARTER_NAME_MAX);
	object_array_close(&r, TOKEN_ELEMENTS, n);
	valid = valid && wire_reader_end(&r) == 0 && text_slug_valid(out->slug)
		&& charter_name_valid(out->network_name, CHARTER_NAME_MAX)
		&& public_key_admit(&out->node_key) == 0;
	return valid ? 0
		: complain(c, ERROR_TOKEN, "token",
			"The invitation is not well formed; ask for a new one.");
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int token_decode(struct bytes text, uint8_t storage[static TOKEN_BYTES_MAX], struct token *out,
	struct complaint *complaint)
{
	static const size_t prefix = sizeof(TOKEN_PREFIX) - 1;
	char packed[TOKEN_TEXT_MAX];
	size_t len = 0;
	*out = (struct token){0};
	for (size_t i = 0; i < text.len; i++) {
		if (is_blank(text.data[i]))
			continue;
		if (len == sizeof(packed)) {
			secret_wipe(packed, sizeof(packed));
			return complain(complaint, ERROR_TOKEN, "token",
				"This is too long to be an invitation.");
		}
		packed[len++] = (char)text.data[i];
	}
	int error;
	size_t size = 0;
	if (len < prefix || memcmp(packed, TOKEN_PREFIX, prefix) != 0)
		error = complain(complaint, ERROR_TOKEN, "token",
			"This is not an invitation: one begins with \"%s\".", TOKEN_PREFIX);
	else if (text_base64url_decode(storage, TOKEN_BYTES_MAX,
			bytes_of(packed + prefix, len - prefix), &size) || size <= TOKEN_CHECK_BYTES)
		error = damaged(complaint);
	else
		error = 0;
	secret_wipe(packed, sizeof(packed));
	if (error)
		return error;
	struct bytes binary = bytes_of(storage, size - TOKEN_CHECK_BYTES);
	uint8_t check[TOKEN_CHECK_BYTES];
	error = token_check(binary, check);
	if (error)
		return error;
	if (memcmp(check, storage + binary.len, TOKEN_CHECK_BYTES) != 0)
		return damaged(complaint);
	return token_read(binary, out, complaint);
}
