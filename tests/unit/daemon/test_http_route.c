/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/http_route.h"

static const struct http_route routes[] = {
	{.method = "GET", .path = "/v1/networks"},
	{.method = "POST", .path = "/v1/networks"},
	{.method = "GET", .path = "/v1/networks/{network}"},
	{.method = "POST", .path = "/v1/networks/prepare"},
	{.method = "GET", .path = "/v1/networks/{network}/members"},
	{.method = "GET", .path = "/v1/networks/own/{thing}"},
	{.method = "GET", .path = "/v1/records/{network}/{city}/{lane}/{seq}"},
};
#define COUNT (sizeof(routes) / sizeof(routes[0]))

static const struct http_route *find(const char *method, const char *path, struct http_match *m)
{
	http_route_find(routes, COUNT, method, path, m);
	return m->route;
}

static void test_literal(void **state)
{
	(void)state;
	struct http_match m;
	assert_ptr_equal(find("GET", "/v1/networks", &m), &routes[0]);
	assert_ptr_equal(find("POST", "/v1/networks", &m), &routes[1]);
	assert_null(find("GET", "/v1/network", &m));
	assert_false(m.path_known);
	assert_null(find("GET", "/v1/networks/", &m));
	assert_null(find("GET", "v1/networks", &m));
	assert_null(find("GET", "", &m));
}

static void test_parameters(void **state)
{
	(void)state;
	struct http_match m;
	assert_ptr_equal(find("GET", "/v1/records/pact/budapest/alert/42@2", &m), &routes[6]);
	assert_int_equal(m.parameter_count, 4);
	assert_true(bytes_equal_text(m.parameters[0], "pact"));
	assert_true(bytes_equal_text(m.parameters[3], "42@2"));
	assert_null(find("GET", "/v1/records/pact//alert/42", &m));
	assert_null(find("GET", "/v1/records/pact/budapest/alert/42/more", &m));
	assert_int_equal(http_route_parameter(&routes[6], "lane"), 2);
	assert_int_equal(http_route_parameter(&routes[6], "la"), -1);
}

static void test_method(void **state)
{
	(void)state;
	struct http_match m;
	assert_null(find("DELETE", "/v1/networks", &m));
	assert_true(m.path_known);
	assert_string_equal(m.allow, "GET, POST");
	assert_null(find("get", "/v1/networks", &m));
}

static void test_literal_wins(void **state)
{
	(void)state;
	struct http_match m;
	assert_ptr_equal(find("POST", "/v1/networks/prepare", &m), &routes[3]);
	/* A network may be called so: the method decides. */
	assert_ptr_equal(find("GET", "/v1/networks/prepare", &m), &routes[2]);
	assert_ptr_equal(find("GET", "/v1/networks/own/members", &m), &routes[5]);
	assert_ptr_equal(find("GET", "/v1/networks/pact/members", &m), &routes[4]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_literal),
		cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_method),
		cmocka_unit_test(test_literal_wins),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
