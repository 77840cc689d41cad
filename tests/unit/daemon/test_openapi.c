/* SPDX-License-Identifier: Apache-2.0 */
/* config/openapi.yaml and the route table name the same paths, methods and roles. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <yaml.h>

#include "daemon/api.h"

#define OPERATIONS_MAX 128
#define DEPTH_MAX 64

struct operation {
	char method[16], path[128], role[16];
};

struct reader {
	struct operation operations[OPERATIONS_MAX];
	size_t count;
	/* For each open collection: whether it is a mapping that now expects a key, and that key. */
	bool mapping[DEPTH_MAX], expects_key[DEPTH_MAX];
	char key[DEPTH_MAX][128];
	size_t depth;
};
static struct reader reader;

/** A value is complete: its mapping expects a key again. */
static void value_ended(void)
{
	if (reader.depth && reader.mapping[reader.depth - 1])
		reader.expects_key[reader.depth - 1] = true;
}

static bool is_method(const char *text)
{
	return strcmp(text, "get") == 0 || strcmp(text, "put") == 0 ||
		strcmp(text, "post") == 0 || strcmp(text, "delete") == 0;
}

static void on_scalar(const char *text)
{
	size_t d = reader.depth;
	if (d && reader.mapping[d - 1] && reader.expects_key[d - 1]) {
		snprintf(reader.key[d - 1], sizeof(reader.key[d - 1]), "%s", text);
		reader.expects_key[d - 1] = false;
		if (d == 3 && strcmp(reader.key[0], "paths") == 0 && is_method(text)) {
			assert_true(reader.count < OPERATIONS_MAX);
			struct operation *o = &reader.operations[reader.count++];
			snprintf(o->path, sizeof(o->path), "%s", reader.key[1]);
			snprintf(o->method, sizeof(o->method), "%s", text);
			for (char *c = o->method; *c; c++)
				*c = (char)toupper((unsigned char)*c);
		}
		return;
	}
	if (d == 4 && strcmp(reader.key[0], "paths") == 0 && is_method(reader.key[2]) &&
		strcmp(reader.key[3], "x-role") == 0)
		snprintf(reader.operations[reader.count - 1].role, 16, "%s", text);
	value_ended();
}

static void open_collection(bool mapping)
{
	assert_true(reader.depth < DEPTH_MAX);
	reader.mapping[reader.depth] = mapping;
	reader.expects_key[reader.depth] = mapping;
	reader.key[reader.depth++][0] = '\0';
}

static bool on_yaml(const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_STREAM_END_EVENT:
		return false;
	case YAML_MAPPING_START_EVENT:
		open_collection(true);
		break;
	case YAML_SEQUENCE_START_EVENT:
		open_collection(false);
		break;
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		reader.depth--;
		value_ended();
		break;
	case YAML_SCALAR_EVENT:
		on_scalar((const char *)event->data.scalar.value);
		break;
	case YAML_ALIAS_EVENT:
		value_ended();
		break;
	default:
		break;
	}
	return true;
}

static int setup(void **state)
{
	char path[1024];
	yaml_parser_t parser;
	yaml_event_t event;
	bool more = true;
	(void)state;
	snprintf(path, sizeof(path), "%s/config/openapi.yaml", getenv("HANSA_SOURCE"));
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	assert_true(yaml_parser_initialize(&parser));
	yaml_parser_set_input_file(&parser, file);
	while (more) {
		assert_true(yaml_parser_parse(&parser, &event));
		more = on_yaml(&event);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	fclose(file);
	return 0;
}

static void test_same_operations(void **state)
{
	(void)state;
	for (size_t i = 0; i < api_route_count; i++) {
		const struct http_route *route = &api_routes[i];
		const struct operation *found = NULL;
		for (size_t o = 0; o < reader.count; o++) {
			const struct operation *one = &reader.operations[o];
			if (strcmp(one->path, route->path) == 0 &&
				strcmp(one->method, route->method) == 0)
				found = one;
		}
		if (!found)
			fail_msg("openapi.yaml lacks %s %s", route->method, route->path);
		assert_string_equal(found->role, http_role_name(route->role));
	}
	assert_int_equal(reader.count, api_route_count);
}

static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < api_route_count; i++) {
		const struct http_route *route = &api_routes[i];
		struct http_match match;
		http_route_find(api_routes, api_route_count, route->method, route->path, &match);
		assert_ptr_equal(match.route, route); /* no other one stands before it */
		assert_true(route->help && route->help[0]);
		assert_true((route->handler != NULL) != (route->upload != NULL));
		if (strcmp(route->method, "GET") != 0)
			assert_true(route->role > HTTP_ROLE_READER);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_operations),
		cmocka_unit_test(test_table),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
