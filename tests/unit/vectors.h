/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Reads the test vectors, tests/data/vectors/NAME.json, for cmocka tests. Whatever is missing or
 * malformed fails the test. Include <cmocka.h> with its company before it.
 */
#pragma once

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/bytes.h"
#include "base/text.h"
#include "crypto/hash.h"
#include "crypto/key.h"

/** Free with json_decref. */
static inline json_t *vectors_load(const char *name)
{
	const char *folder = getenv("HANSA_TEST_DATA");
	char path[1024];
	json_error_t why;

	snprintf(path, sizeof(path), "%s/vectors/%s.json", folder ? folder : "tests/data", name);
	json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &why);
	if (!root)
		fail_msg("%s: %s", path, why.text);
	return root;
}

static inline json_t *vectors_field(const json_t *object, const char *field)
{
	json_t *value = json_object_get(object, field);
	if (!value)
		fail_msg("the vector has no field %s", field);
	return value;
}

static inline const char *vectors_text(const json_t *object, const char *field)
{
	const char *text = json_string_value(vectors_field(object, field));
	if (!text)
		fail_msg("the vector's field %s is no string", field);
	return text;
}

static inline uint64_t vectors_uint(const json_t *object, const char *field)
{
	const json_t *value = vectors_field(object, field);
	if (!json_is_integer(value))
		fail_msg("the vector's field %s is no integer", field);
	return (uint64_t)json_integer_value(value);
}

/** Hexadecimal, appended to `to`, which keeps the bytes. */
static inline struct bytes vectors_hex(const json_t *object, const char *field, struct buffer *to)
{
	struct bytes text = bytes_from_text(vectors_text(object, field));
	size_t len = text.len / 2;

	buffer_reset(to);
	uint8_t *at = buffer_reserve(to, len ? len : 1);
	if (!at || text_hex_decode(at, len, text))
		fail_msg("the vector's field %s is no hexadecimal", field);
	buffer_commit(to, len);
	return buffer_bytes(to);
}

/** Exactly `len` bytes of hexadecimal. */
static inline void vectors_exact(const json_t *object, const char *field, void *to, size_t len)
{
	if (text_hex_decode(to, len, bytes_from_text(vectors_text(object, field))))
		fail_msg("the vector's field %s is not %zu bytes", field, len);
}

static inline struct hash vectors_hash(const json_t *object, const char *field)
{
	struct hash hash;
	vectors_exact(object, field, hash.bytes, sizeof(hash.bytes));
	return hash;
}

static inline struct public_key vectors_key(const json_t *object, const char *field)
{
	struct public_key key;
	vectors_exact(object, field, key.bytes, sizeof(key.bytes));
	return key;
}

/** The secret key of that name in keys.json; free with secret_key_free. */
static inline struct secret_key *vectors_secret(const char *name)
{
	json_t *root = vectors_load("keys"), *entry;
	struct secret_key *key = NULL;
	uint8_t seed[SECRET_SEED_SIZE];
	size_t i;

	json_array_foreach(vectors_field(root, "keys"), i, entry)
	{
		if (strcmp(vectors_text(entry, "name"), name) != 0)
			continue;
		vectors_exact(entry, "seed", seed, sizeof(seed));
		if (secret_key_from_seed(seed, &key))
			fail_msg("no key from the seed of %s", name);
	}
	json_decref(root);
	if (!key)
		fail_msg("keys.json has no key named %s", name);
	return key;
}
