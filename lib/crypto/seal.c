/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/seal.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/error.h"
#include "crypto/key.h"

#define LAST_BIT 0x80000000u
#define CITY_AT SEAL_MAGIC_BYTES
#define KEY_AT (CITY_AT + HASH_SIZE)
#define EPHEMERAL_AT (KEY_AT + SEAL_KEY_BYTES)

static int shared_of(const uint8_t secret[static SEAL_KEY_BYTES],
	const uint8_t public[static SEAL_KEY_BYTES], uint8_t out[static SEAL_KEY_BYTES])
{
	size_t len = SEAL_KEY_BYTES;
	EVP_PKEY *mine = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, secret, SEAL_KEY_BYTES);
	EVP_PKEY *other = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, public, SEAL_KEY_BYTES);
	EVP_PKEY_CTX *ctx = mine ? EVP_PKEY_CTX_new(mine, NULL) : NULL;
	/* A public key of small order gives zeros, which OpenSSL refuses (RFC 7748, 6.1). */
	bool good = ctx && other && EVP_PKEY_derive_init(ctx) == 1 &&
		EVP_PKEY_derive_set_peer(ctx, other) == 1 && EVP_PKEY_derive(ctx, out, &len) == 1 &&
		len == SEAL_KEY_BYTES;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(mine);
	EVP_PKEY_free(other);
	return good ? 0 : ERROR_KEY;
}

/* HKDF-SHA256, no salt, info "hansa sealed 1" | city | key | ephemeral: 39 bytes. */
static int derive(struct seal *s, const uint8_t secret[static SEAL_KEY_BYTES],
	const uint8_t public[static SEAL_KEY_BYTES])
{
	static const uint8_t salt[HASH_SIZE];
	uint8_t shared[SEAL_KEY_BYTES], info[HASH_SIZE + 14 + SEAL_HEADER_BYTES - CITY_AT + 1];
	struct hash prk, first, second;
	int code = shared_of(secret, public, shared);
	if (code)
		return code;
	const size_t named = SEAL_HEADER_BYTES - CITY_AT;
	uint8_t *text = info + HASH_SIZE;
	memcpy(text, SEAL_MAGIC, 14);
	memcpy(text + 14, s->header + CITY_AT, named);
	text[14 + named] = 1;
	code = hash_hmac(bytes_of(salt, sizeof(salt)), bytes_of(shared, sizeof(shared)), &prk);
	if (!code)
		code = hash_hmac(hash_bytes(&prk), bytes_of(text, 14 + named + 1), &first);
	memcpy(info, first.bytes, HASH_SIZE);
	text[14 + named] = 2;
	if (!code)
		code = hash_hmac(hash_bytes(&prk), bytes_of(info, sizeof(info)), &second);
	memcpy(s->key, first.bytes, SEAL_KEY_BYTES);
	memcpy(s->prefix, second.bytes, sizeof(s->prefix));
	secret_wipe(shared, sizeof(shared));
	secret_wipe(&prk, sizeof(prk));
	secret_wipe(&first, sizeof(first));
	secret_wipe(info, sizeof(info));
	s->keyed = !code;
	return code;
}

static int crypt(struct seal *s, bool sealing, bool last, struct bytes in, uint8_t *out,
	uint8_t tag[static SEAL_TAG_BYTES])
{
	uint8_t nonce[12];
	memcpy(nonce, s->prefix, sizeof(s->prefix));
	for (int i = 0; i < 4; i++)
		nonce[7 + i] = (uint8_t)(s->counter >> (24 - 8 * i));
	nonce[11] = last;
	if (s->counter == UINT32_MAX)
		return ERROR_LIMIT;
	s->counter++;
	int len = 0, more = 0;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	bool good = ctx &&
		EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, s->key, nonce, sealing) == 1 &&
		EVP_CipherUpdate(ctx, out, &len, in.data, (int)in.len) == 1 && (size_t)len == in.len;
	if (good && !sealing)
		good = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, SEAL_TAG_BYTES, tag) == 1;
	int end = good ? EVP_CipherFinal_ex(ctx, out + len, &more) : 0;
	if (good && end == 1 && sealing)
		good = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, SEAL_TAG_BYTES, tag) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return !good ? ERROR_CRYPTO : end == 1 ? 0 : ERROR_CHAIN;
}

int seal_begin(struct seal *s, const struct hash *city_id, const uint8_t key[static SEAL_KEY_BYTES],
	const uint8_t secret[static SEAL_KEY_BYTES], struct buffer *out)
{
	size_t len = SEAL_KEY_BYTES;
	memset(s, 0, sizeof(*s));
	buffer_init(&s->chunk, SEAL_CHUNK_BYTES);
	memcpy(s->header, SEAL_MAGIC, SEAL_MAGIC_BYTES);
	memcpy(s->header + CITY_AT, city_id->bytes, HASH_SIZE);
	memcpy(s->header + KEY_AT, key, SEAL_KEY_BYTES);
	EVP_PKEY *mine = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, secret, SEAL_KEY_BYTES);
	bool good = mine && EVP_PKEY_get_raw_public_key(mine, s->header + EPHEMERAL_AT, &len) == 1;
	EVP_PKEY_free(mine);
	int code = good ? derive(s, secret, key) : ERROR_CRYPTO;
	return code ? code : buffer_push(out, s->header, SEAL_HEADER_BYTES);
}

static int chunk_out(struct seal *s, bool last, struct buffer *out)
{
	uint32_t len = (uint32_t)s->chunk.len + SEAL_TAG_BYTES;
	buffer_push_u32(out, len | (last ? LAST_BIT : 0));
	uint8_t *to = buffer_reserve(out, len);
	if (!to)
		return ERROR_MEMORY;
	int code = crypt(s, true, last, buffer_bytes(&s->chunk), to, to + s->chunk.len);
	if (!code)
		buffer_commit(out, len);
	buffer_reset(&s->chunk);
	return code;
}

int seal_add(struct seal *s, struct bytes bytes, struct buffer *out)
{
	while (bytes.len) {
		/* A full one waits: it may be the last. */
		int code = s->chunk.len == SEAL_CHUNK_BYTES ? chunk_out(s, false, out) : 0;
		if (code)
			return code;
		struct bytes part = bytes_slice(bytes, 0, SEAL_CHUNK_BYTES - s->chunk.len);
		if (buffer_push_bytes(&s->chunk, part))
			return ERROR_MEMORY;
		bytes = bytes_slice(bytes, part.len, SIZE_MAX);
	}
	return out->error;
}

int seal_end(struct seal *s, struct buffer *out)
{
	s->ended = true;
	return chunk_out(s, true, out);
}

void seal_open_init(struct seal *s)
{
	memset(s, 0, sizeof(*s));
	buffer_init(&s->chunk, 4 + SEAL_CHUNK_BYTES + SEAL_TAG_BYTES);
}

struct bytes seal_city(const struct seal *s)
{
	return bytes_of(s->header + CITY_AT, HASH_SIZE);
}

struct bytes seal_key(const struct seal *s)
{
	return bytes_of(s->header + KEY_AT, SEAL_KEY_BYTES);
}

int seal_open_key(struct seal *s, const uint8_t secret[static SEAL_KEY_BYTES])
{
	return derive(s, secret, s->header + EPHEMERAL_AT);
}

static int gather(struct seal *s, struct bytes *in, size_t want)
{
	struct bytes part = bytes_slice(*in, 0, want - s->chunk.len);
	*in = bytes_slice(*in, part.len, SIZE_MAX);
	return part.len ? buffer_push_bytes(&s->chunk, part) : 0;
}

int seal_open_take(struct seal *s, struct bytes *in, struct buffer *plain)
{
	if (s->header_have < SEAL_HEADER_BYTES) {
		struct bytes part = bytes_slice(*in, 0, SEAL_HEADER_BYTES - s->header_have);
		memcpy(s->header + s->header_have, part.data, part.len);
		s->header_have += (uint32_t)part.len;
		*in = bytes_slice(*in, part.len, SIZE_MAX);
		bool magic = s->header_have < SEAL_MAGIC_BYTES ||
			memcmp(s->header, SEAL_MAGIC, SEAL_MAGIC_BYTES) == 0;
		return magic ? 0 : ERROR_FRAME;
	}
	if (!s->keyed || s->ended)
		return s->ended ? ERROR_TRAILING : ERROR_STATE;
	int code = s->chunk.len < 4 ? gather(s, in, 4) : 0;
	if (code || s->chunk.len < 4)
		return code;
	uint8_t *p = s->chunk.data;
	uint32_t length = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
	bool last = length & LAST_BIT;
	length &= ~LAST_BIT;
	if (length < SEAL_TAG_BYTES || length > SEAL_CHUNK_BYTES + SEAL_TAG_BYTES ||
		(!last && length != SEAL_CHUNK_BYTES + SEAL_TAG_BYTES))
		return ERROR_FRAME;
	code = gather(s, in, 4 + length);
	if (code || s->chunk.len < 4 + length)
		return code;
	p = s->chunk.data + 4;
	uint32_t body = length - SEAL_TAG_BYTES;
	uint8_t *to = buffer_reserve(plain, body + 1);
	if (!to)
		return ERROR_MEMORY;
	code = crypt(s, false, last, bytes_of(p, body), to, p + body);
	if (!code)
		buffer_commit(plain, body);
	buffer_reset(&s->chunk);
	s->ended = last;
	return code;
}

void seal_deinit(struct seal *s)
{
	buffer_deinit(&s->chunk);
	secret_wipe(s->key, sizeof(s->key));
	secret_wipe(s->prefix, sizeof(s->prefix));
}
