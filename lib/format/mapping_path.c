/* SPDX-License-Identifier: Apache-2.0 */
#include "format/mapping_path.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define MAPPING_KEY_SIZE 128
#define MAPPING_INDEX_MAX 63

/* Copies up to one of `stops` and returns what follows; NULL if it does not fit. */
static const char *take_until(const char *path, const char *stops, char to[MAPPING_KEY_SIZE])
{
	size_t len = strcspn(path, stops);
	if (len >= MAPPING_KEY_SIZE)
		return NULL;
	memcpy(to, path, len);
	to[len] = 0;
	return path + len;
}

static bool holds(const json_t *value, const char *text)
{
	if (json_is_string(value))
		return !strcmp(json_string_value(value), text);
	size_t i;
	json_t *each;
	json_array_foreach(value, i, each)
		if (json_is_string(each) && !strcmp(json_string_value(each), text))
			return true;
	return false;
}

static json_t *get(json_t *at, const char *path);

/* `path` is behind the '['. */
static json_t *get_element(json_t *list, const char *path)
{
	char selector[MAPPING_KEY_SIZE];
	const char *rest = take_until(path, "]", selector);
	if (!rest || *rest != ']' || !json_is_array(list))
		return NULL;
	rest++;
	char *equals = strchr(selector, '=');
	size_t i;
	json_t *each;
	if (!strcmp(selector, "*")) {
		json_t *all = json_array();
		json_array_foreach(list, i, each) {
			json_t *value = get(each, rest);
			if (value)
				json_array_append_new(all, value);
		}
		return all;
	}
	if (equals) {
		*equals = 0;
		json_array_foreach(list, i, each)
			if (holds(json_object_get(each, selector), equals + 1))
				return get(each, rest);
		return NULL;
	}
	char *end;
	unsigned long index = strtoul(selector, &end, 10);
	return *end || end == selector ? NULL : get(json_array_get(list, index), rest);
}

static json_t *get(json_t *at, const char *path)
{
	if (!at)
		return NULL;
	if (*path == '.')
		path++;
	if (!*path)
		return json_incref(at);
	if (*path == '[')
		return get_element(at, path + 1);
	char key[MAPPING_KEY_SIZE];
	const char *rest = take_until(path, ".[", key);
	return rest ? get(json_object_get(at, key), rest) : NULL;
}

json_t *mapping_path_get(json_t *record, const char *path, bool literal)
{
	return literal ? json_incref(json_object_get(record, path)) : get(record, path);
}

/* The object at `key` or `key[index]` of `body`, made if it is not there; NULL if it cannot be. */
static json_t *descend(json_t *body, const char *key, const char *index)
{
	json_t *next = json_object_get(body, key);
	if (!next) {
		next = *index ? json_array() : json_object();
		if (json_object_set_new(body, key, next))
			return NULL;
	}
	if (!*index)
		return json_is_object(next) ? next : NULL;
	unsigned long at = strtoul(index, NULL, 10);
	if (!json_is_array(next) || at > MAPPING_INDEX_MAX)
		return NULL;
	while (json_array_size(next) <= at)
		if (json_array_append_new(next, json_object()))
			return NULL;
	return json_array_get(next, at);
}

int mapping_path_set(json_t *body, const char *path, json_t *value)
{
	if (!value)
		return ERROR_MEMORY;
	while (strpbrk(path, ".[")) {
		char key[MAPPING_KEY_SIZE], index[MAPPING_KEY_SIZE] = "";
		path = take_until(path, ".[", key);
		if (path && *path == '[') {
			path = take_until(path + 1, "]", index);
			if (path && *path == ']')
				path++;
		}
		body = path && *path == '.' && key[0] ? descend(body, key, index) : NULL;
		if (!body) {
			json_decref(value);
			return ERROR_SYNTAX;
		}
		path++;
	}
	return json_object_set_new(body, path, value) ? ERROR_MEMORY : 0;
}
