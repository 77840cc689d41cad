/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/cli/record_id.h"

static void good_ones(void **state)
{
	struct record_id id;
	struct url url;
	(void)state;
	assert_true(record_id_parse("pact/budapest/alert/42", &id));
	assert_string_equal(id.network, "pact");
	assert_string_equal(id.city, "budapest");
	assert_string_equal(id.lane, "alert");
	assert_string_equal(id.seq, "42");
	record_id_url(&id, "proof", &url);
	assert_string_equal(url.text, "http://hansa/v1/records/pact/budapest/alert/42/proof");
	assert_true(record_id_parse("pact/budapest/doc/7@3", &id));
	record_id_url(&id, NULL, &url);
	assert_string_equal(url.text, "http://hansa/v1/records/pact/budapest/doc/7@3");
}

static void bad_ones(void **state)
{
	static const char *const bad[] = {"", "pact", "pact/budapest/alert", "pact/budapest/alert/",
		"pact/budapest/alert/0", "pact/budapest/alert/04", "pact/budapest/alert/4x",
		"pact/budapest/alert/4@", "pact/budapest/alert/4@x", "pact/budapest/alert/4/5",
		"pact/budapest/frob/4", "pact/Budapest/alert/4", "/budapest/alert/4",
		"pact/budapest/alert/123456789012345678901"};
	struct record_id id;
	char longer[400];
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(record_id_parse(bad[i], &id));
	memset(longer, 'a', sizeof(longer));
	memcpy(longer + 380, "/b/doc/1", 9);
	assert_false(record_id_parse(longer, &id));
}

static void urls_are_encoded(void **state)
{
	struct url url;
	char longer[5000];
	(void)state;
	url_path(&url, "/v1/a/%s/b", "x/../y?z#ü");
	url_query(&url, "city", "a&b=c d");
	url_query(&url, "none", NULL);
	url_query(&url, "limit", "5");
	assert_string_equal(
		url.text, "http://hansa/v1/a/x%2F..%2Fy%3Fz%23%C3%BC/b?city=a%26b%3Dc%20d&limit=5");
	assert_false(url.too_long);
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	url_path(&url, "/%s", longer);
	assert_true(url.too_long);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_ones),
		cmocka_unit_test(bad_ones),
		cmocka_unit_test(urls_are_encoded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
