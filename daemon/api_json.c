/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api_json.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

json_t *api_json_text(struct bytes text)
{
	json_t *value = json_stringn(text.data ? (const char *)text.data : "", text.len);
	return value ? value : json_string("(not UTF-8)");
}

json_t *api_json_hex(struct bytes bytes)
{
	char text[TEXT_HEX_SIZE(64)];
	return json_string(text_hex_encode(text, bytes_slice(bytes, 0, 64)));
}

json_t *api_json_hash(const struct hash *hash)
{
	return api_json_hex(hash_bytes(hash));
}

json_t *api_json_base64(struct bytes bytes)
{
	char *text = malloc(TEXT_BASE64_SIZE(bytes.len));
	if (!text)
		return NULL;
	json_t *value = json_string(text_base64_encode(text, bytes));
	free(text);
	return value;
}

json_t *api_json_time(struct timestamp time)
{
	char text[TIMESTAMP_TEXT_MAX];
	if (time.ms == 0)
		return json_null();
	return json_string(timestamp_format(time, text));
}

json_t *api_json_ms(uint64_t ms)
{
	return api_json_time(timestamp_from_ms(ms > INT64_MAX ? INT64_MAX : (int64_t)ms));
}

json_t *api_json_uint(uint64_t value)
{
	return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

int api_json_get_text_maybe(const json_t *object, const char *field, size_t min, size_t max,
	const char **out, struct complaint *c)
{
	const json_t *value = json_object_get(object, field);
	*out = NULL;
	if (!value || json_is_null(value))
		return 0;
	if (!json_is_string(value))
		return complain(c, ERROR_FIELD, field, "It must be a text.");
	size_t len = json_string_length(value);
	if (len < min || len > max)
		return complain(c, ERROR_FIELD, field, "It must have %zu to %zu bytes.", min, max);
	*out = json_string_value(value);
	return 0;
}

int api_json_get_text(const json_t *object, const char *field, size_t min, size_t max,
	const char **out, struct complaint *c)
{
	int code = api_json_get_text_maybe(object, field, min, max, out, c);
	if (!code && !*out)
		return complain(c, ERROR_FIELD, field, "It is missing.");
	return code;
}

int api_json_get_hex(const json_t *object, const char *field, void *to, size_t len,
	struct complaint *c)
{
	const char *text;
	int code = api_json_get_text(object, field, 0, SIZE_MAX, &text, c);
	if (code)
		return code;
	if (text_hex_decode(to, len, bytes_from_text(text)) != 0)
		return complain(c, ERROR_FIELD, field, "It must be %zu hexadecimal digits.",
			2 * len);
	return 0;
}

int api_json_get_base64(const json_t *object, const char *field, struct buffer *out,
	struct complaint *c)
{
	const char *text;
	size_t len;
	int code = api_json_get_text(object, field, 0, SIZE_MAX, &text, c);
	if (code)
		return code;
	struct bytes input = bytes_from_text(text);
	if (input.len / 4 * 3 > out->max - out->len + 2)
		return complain(c, ERROR_FIELD, field, "It is too long.");
	uint8_t *to = malloc(input.len / 4 * 3 + 1);
	if (!to)
		return ERROR_MEMORY;
	code = text_base64_decode(to, input.len / 4 * 3, input, &len);
	if (code)
		code = complain(c, ERROR_FIELD, field, "It is not good base64.");
	else
		code = buffer_push(out, to, len);
	free(to);
	return code;
}

int api_json_get_uint(const json_t *object, const char *field, uint64_t min, uint64_t max,
	uint64_t fallback, uint64_t *out, struct complaint *c)
{
	const json_t *value = json_object_get(object, field);
	*out = fallback;
	if (!value || json_is_null(value))
		return 0;
	json_int_t number = json_integer_value(value);
	if (!json_is_integer(value) || number < 0 || (uint64_t)number < min ||
		(uint64_t)number > max)
		return complain(c, ERROR_FIELD, field, "It must be a whole number from %llu to %llu.",
			(unsigned long long)min, (unsigned long long)max);
	*out = (uint64_t)number;
	return 0;
}

int api_json_get_bool(const json_t *object, const char *field, bool fallback, bool *out,
	struct complaint *c)
{
	const json_t *value = json_object_get(object, field);
	*out = fallback;
	if (!value || json_is_null(value))
		return 0;
	if (!json_is_boolean(value))
		return complain(c, ERROR_FIELD, field, "It must be true or false.");
	*out = json_is_true(value);
	return 0;
}

int api_json_only(const json_t *object, const char *const *known, size_t count,
	struct complaint *c)
{
	const char *key;
	const json_t *value;
	/* The macro takes its object without a const, and does not write to it. */
	json_object_foreach((json_t *)(uintptr_t)object, key, value) {
		size_t i = 0;
		while (i < count && strcmp(known[i], key) != 0)
			i++;
		if (i == count)
			return complain(c, ERROR_FIELD, key, "There is no field of that name.");
	}
	return 0;
}
