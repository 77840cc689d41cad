/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/config.h"
#include "daemon/config_schema.h"

#define CITY "city:\n  name: Košice\n  slug: kosice\n  country: SK\n"

static int parse(const char *text, struct config *out, struct complaint *complaint)
{
	memset(complaint, 0, sizeof(*complaint));
	return config_parse(text, strlen(text), "/srv/hansa", out, complaint);
}

static void defaults_are_as_documented(void **state)
{
	(void)state;
	struct config config;
	struct complaint complaint;
	assert_int_equal(parse(CITY, &config, &complaint), 0);
	assert_string_equal(config.city.name, "Košice");
	assert_string_equal(config.data, "/srv/hansa");
	assert_int_equal(config.dial_max, 8);
	assert_int_equal(config.link.accept_max, 1024);
	assert_true(config.relay);
	assert_true(config.link.compression);
	assert_int_equal(config.listen.count, 0);
	assert_int_equal(config.log.level, LOG_LEVEL_INFO);
	assert_int_equal(config.log.target, CONFIG_LOG_STDERR);
	assert_int_equal(config.attachments.fetch_max, 32 << 20);
	assert_null(config.control.socket);
	config_deinit(&config);
}

static void all_keys_print_and_parse_back(void **state)
{
	(void)state;
	static const char text[] = CITY
		"data: \"data: #1\"\nlisten: [127.0.0.1:0, '[::1]:4400']\nadvertise:\n  - a.example:4400\n"
		"dial_max: 0\nrelay: no\n"
		"deny: [\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"]\n"
		"log:\n  level: debug\n  target: file\n  file: /var/log/hansad.log\n"
		"control:\n  socket: c.sock\n  group: hansa\n  roles:\n    editors: [anna, '1000']\n"
		"    officers: [eva]\n    admins: []\n"
		"store:\n  limit: 2 GiB\nattachments:\n  fetch_max: 1536KiB\n"
		"link:\n  compression: off\n";
	struct config first, second;
	struct complaint complaint;
	assert_int_equal(parse(text, &first, &complaint), 0);
	assert_string_equal(first.data, "/srv/hansa/data: #1");
	assert_int_equal(first.store.limit, UINT64_C(2) << 30);
	assert_int_equal(first.attachments.fetch_max, 1536 << 10);
	assert_string_equal(first.control.socket, "/srv/hansa/c.sock");
	assert_int_equal(first.control.roles.editors.count, 2);
	assert_string_equal(first.control.roles.editors.names[1], "1000");
	assert_false(first.relay);
	assert_false(first.link.compression);

	char *once = NULL, *twice = NULL;
	size_t once_len = 0, twice_len = 0;
	FILE *file = open_memstream(&once, &once_len);
	assert_int_equal(config_print(&first, file), 0);
	fclose(file);
	if (parse(once, &second, &complaint))
		fail_msg("%s: %s\n%s", complaint.field, complaint.reason, once);
	file = open_memstream(&twice, &twice_len);
	assert_int_equal(config_print(&second, file), 0);
	fclose(file);
	assert_string_equal(once, twice);
	assert_string_equal(second.data, first.data);
	assert_string_equal(second.deny.items[0], first.deny.items[0]);
	assert_int_equal(second.log.level, LOG_LEVEL_DEBUG);
	free(once);
	free(twice);
	config_deinit(&first);
	config_deinit(&second);
}

static void faults_name_line_and_field(void **state)
{
	(void)state;
	static const struct {
		const char *text, *field, *word;
	} cases[] = {
		{"", "configuration", "empty"},
		{"city: {name: A", "line 1", ""},
		{CITY "colour: red\n", "line 5", "colour"},
		{"city:\n  name: A\n  slug: a\n  country: HU\n  mayor: B\n", "line 5", "mayor"},
		{"city:\n  name: A\n  country: HU\n", "city.slug", "missing"},
		{"dial_max: 8\n", "city", "missing"},
		{"city:\n  name: ''\n  slug: a\n  country: HU\n", "line 2, city.name", "too short"},
		{"city:\n  name: A\n  slug: A B\n  country: HU\n", "line 3, city.slug", "slug"},
		{"city:\n  name: A\n  slug: a\n  country: hu\n", "line 4, city.country", "capital"},
		{"city:\n  name: A\n  slug: a\n  country: HUN\n", "line 4, city.country", ""},
		{CITY "dial_max: 65\n", "line 5, dial_max", "64"},
		{CITY "link:\n  accept_max: 0\n", "line 6, link.accept_max", "65536"},
		{CITY "link:\n  accept_max: 65537\n", "line 6, link.accept_max", "65536"},
		{CITY "dial_max: -1\n", "line 5, dial_max", "whole number"},
		{CITY "dial_max: eight\n", "line 5, dial_max", "whole number"},
		{CITY "dial_max: 2\ndial_max: 3\n", "line 5, dial_max", "twice"},
		{CITY "dial_max: 99999999999\n", "line 5, dial_max", ""},
		{CITY "relay: maybe\n", "line 5, relay", "maybe"},
		{CITY "link:\n  compression: zstd\n", "line 6, link.compression", "neither auto nor off"},
		{CITY "listen: [example]\n", "line 5, listen", "HOST:PORT"},
		{CITY "listen: ['127.0.0.1:70000']\n", "line 5, listen", "65535"},
		{CITY "listen: ['hansa.example:4400']\n", "line 5, listen", "advertise"},
		{CITY "advertise: ['a.example:0']\n", "line 5, advertise", "between 1"},
		{CITY "listen: 127.0.0.1:0\n", "line 5, listen", "a list"},
		{CITY "link:\n  proxy: 127.0.0.1:9050\n", "line 6, link.proxy", "socks5://"},
		{CITY "link:\n  proxy: socks5://proxy.example:9050\n", "line 6, link.proxy", "looked up"},
		{CITY "link:\n  proxy_for: [.onion]\n", "line 6, link.proxy_for", "link.proxy"},
		{CITY "link:\n  proxy: socks5://[::1]:1\n  proxy_for: [onion]\n", "line 7, link.proxy_for",
			".onion"},
		{CITY "deny: [xyz]\n", "line 5, deny", "city id"},
		{CITY "log:\n  level: loud\n", "line 6, log.level", "loud"},
		{CITY "log:\n  target: file\n", "log.file", "file"},
		{CITY "log:\n  target: tape\n", "line 6, log.target", "tape"},
		{CITY "store:\n  limit: 1 MiB\n", "line 6, store.limit", "256 MiB"},
		{CITY "attachments:\n  fetch_max: lots\n", "line 6, attachments.fetch_max", "lots"},
		{CITY "control:\n  roles:\n    kings: [a]\n", "line 7", "kings"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct config config;
		struct complaint c;
		assert_true(parse(cases[i].text, &config, &c) < 0);
		assert_null(config.city.name);
		if (!strstr(c.field, cases[i].field) || !strstr(c.reason, cases[i].word))
			fail_msg("case %zu: got \"%s\": \"%s\"", i, c.field, c.reason);
		assert_true(strlen(c.reason) > 10);
	}
}

static void twice_the_same_key_leaks_nothing_and_one_wins(void **state)
{
	(void)state;
	struct config config;
	struct complaint complaint;
	int code = parse(
		CITY "dial_max: 1\ndial_max: 2\nlisten: ['a:1']\nlisten: ['b:2']\n", &config, &complaint);
	if (!code)
		config_deinit(&config);
}

static void the_example_is_valid(void **state)
{
	(void)state;
	char path[1024];
	snprintf(path, sizeof(path), "%s/config/hansad.yaml", getenv("HANSA_SOURCE"));
	struct config config;
	struct complaint complaint = {0};
	if (config_load(path, &config, &complaint))
		fail_msg("%s: %s", complaint.field, complaint.reason);
	assert_int_equal(config.listen.count, 2);
	config_deinit(&config);
	assert_int_equal(config_load("/nonexistent/hansad.yaml", &config, &complaint), ERROR_NOT_FOUND);
	assert_true(config_load("/", &config, &complaint) < 0);
}

static void sizes(void **state)
{
	(void)state;
	uint64_t bytes;
	char text[32];
	assert_int_equal(config_size_parse("64 GiB", &bytes), 0);
	assert_int_equal(bytes, UINT64_C(64) << 30);
	config_size_format(bytes, text);
	assert_string_equal(text, "64 GiB");
	config_size_format(1025, text);
	assert_string_equal(text, "1025 B");
	config_size_format(0, text);
	assert_string_equal(text, "0 B");
	assert_int_equal(config_size_parse("0 B", &bytes), 0);
	assert_int_equal(config_size_parse("-1", &bytes), ERROR_SYNTAX);
	assert_int_equal(config_size_parse("1 GB", &bytes), ERROR_SYNTAX);
	assert_int_equal(config_size_parse("99999999 TiB", &bytes), ERROR_RANGE);
	assert_int_equal(config_size_parse("99999999999999999999", &bytes), ERROR_RANGE);
}

static void addresses(void **state)
{
	(void)state;
	static const char *const good[] = {"127.0.0.1:1", "[::1]:65535", "hansa.example.org:4400",
		"localhost:80", "xn--kbenhavn-54a.dk:443"};
	static const char *const bad[] = {"", ":1", "a", "a:", "a:x", "a:1x", "a:01", "::1:5", "[::1:5",
		"[zz::]:5", "256.1.1.1:5", "1.2.3:5", "a b:5", "-a:5", "a..b:5", "a/b:5", "a:123456"};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(config_address_check(good[i], false), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (config_address_check(bad[i], false) == 0)
			fail_msg("accepted %s", bad[i]);
	assert_int_equal(config_address_check("a:0", false), ERROR_RANGE);
	assert_int_equal(config_address_check("a:0", true), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_as_documented),
		cmocka_unit_test(all_keys_print_and_parse_back),
		cmocka_unit_test(faults_name_line_and_field),
		cmocka_unit_test(twice_the_same_key_leaks_nothing_and_one_wins),
		cmocka_unit_test(the_example_is_valid),
		cmocka_unit_test(sizes),
		cmocka_unit_test(addresses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
