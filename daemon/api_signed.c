/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api_signed.h"

#include <stdio.h>

#include "daemon/api_json.h"

static int signature_read(const json_t *json, size_t i, struct object_signature *out,
	struct complaint *c)
{
	char field[32];
	struct buffer bytes;
	struct complaint inner = {.field = "", .reason = ""};
	buffer_init(&bytes, SIGNATURE_SIZE);
	int code = api_json_get_hex(json, "key", out->key.bytes, PUBLIC_KEY_SIZE, &inner);
	if (!code)
		code = api_json_get_base64(json, "signature", &bytes, &inner);
	if (!code && bytes.len != SIGNATURE_SIZE)
		code = complain(&inner, ERROR_FIELD, "signature", "It must have 64 bytes.");
	if (!code)
		memcpy(out->signature.bytes, bytes.data, SIGNATURE_SIZE);
	buffer_deinit(&bytes);
	if (!code)
		return 0;
	snprintf(field, sizeof(field), "signatures[%zu].%.9s", i, inner.field);
	return complain(c, code, field, "%s", inner.reason);
}

int api_signed_read(const json_t *json, struct api_signed *out, struct complaint *c)
{
	static const char *const known[] = {"body", "signatures"};
	buffer_init(&out->body, API_BODY_BYTES_MAX);
	out->count = 0;
	int code = api_json_only(json, known, 2, c);
	if (!code)
		code = api_json_get_base64(json, "body", &out->body, c);
	if (code)
		return code;
	const json_t *array = json_object_get(json, "signatures");
	size_t count = json_array_size(array);
	if (count < 1 || count > OBJECT_SIGNATURES_MAX)
		return complain(c, ERROR_FIELD, "signatures",
			"It must be a list of 1 to %d signatures.", OBJECT_SIGNATURES_MAX);
	for (size_t i = 0; i < count; i++) {
		code = signature_read(json_array_get(array, i), i, &out->signatures[i], c);
		if (code)
			return code;
	}
	out->count = count;
	return 0;
}

void api_signed_deinit(struct api_signed *s)
{
	buffer_deinit(&s->body);
}

int api_officers_read(const json_t *json, struct officers *out, struct complaint *c)
{
	const json_t *array = json_object_get(json, "officers");
	size_t count = json_array_size(array);
	uint64_t k;
	memset(out, 0, sizeof(*out));
	if (count < 1 || count > OFFICERS_MAX)
		return complain(c, ERROR_FIELD, "officers", "It must be a list of 1 to %d officers.",
			OFFICERS_MAX);
	for (size_t i = 0; i < count; i++) {
		const json_t *one = json_array_get(array, i);
		struct officer *officer = &out->list[i];
		const char *name;
		char field[32];
		struct complaint inner = {.field = "", .reason = ""};
		int code = api_json_get_hex(one, "key", officer->key.bytes, PUBLIC_KEY_SIZE,
			&inner);
		if (!code)
			code = api_json_get_text_maybe(one, "name", 0, OFFICER_NAME_MAX, &name,
				&inner);
		if (!code && public_key_admit(&officer->key) != 0)
			code = complain(&inner, ERROR_FIELD, "key",
				"It is not an acceptable Ed25519 key.");
		if (code) {
			snprintf(field, sizeof(field), "officers[%zu].%.9s", i, inner.field);
			return complain(c, code, field, "%s", inner.reason);
		}
		officer->name = bytes_from_text(name ? name : "");
	}
	out->count = count;
	int code = api_json_get_uint(json, "k", count / 2 + 1, count, 1, &k, c);
	if (code)
		return code;
	if (k <= count / 2)
		return complain(c, ERROR_FIELD, "k", "It must be more than half of the officers.");
	out->k = (size_t)k;
	return 0;
}

json_t *api_prepared(json_t *extra, const struct hash *network_id,
	const struct officers *officers, struct bytes body, struct bytes message)
{
	json_t *json = extra ? extra : json_object();
	json_t *list = json_array();
	for (size_t i = 0; i < officers->count; i++)
		json_array_append_new(list, json_pack("{s:o, s:o}",
			"key", api_json_hex(public_key_bytes(&officers->list[i].key)),
			"name", api_json_text(officers->list[i].name)));
	json_object_set_new(json, "network_id", api_json_hash(network_id));
	json_object_set_new(json, "k", api_json_uint(officers->k));
	json_object_set_new(json, "officers", list);
	json_object_set_new(json, "body", api_json_base64(body));
	json_object_set_new(json, "message", api_json_base64(message));
	return json;
}
